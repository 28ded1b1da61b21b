"""Arrivals of the SFTP server and of watched folders, handed to landing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.errors import Reject, Retry, Stop
from gateway.model import Arrived
from gateway.receive.trials import Asking
from gateway.store.trials import DROP
from sftp import errors
from sftp.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.receive.landing import Receiver
    from sftp.arrival import Arrival


class Drops:
    """The receiving end of ``sftp.collect``: durable when `receive` returns, idempotent by the arrival's id."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._asking = Asking(receiver)

    def receive(self, arrival: Arrival) -> None:
        """Land the claimed file, or have it tried; the collector removes it only after this has returned.

        Raises:
            sftp.errors.Retry: the store does not answer now.
            sftp.errors.Stop: nothing can be stored before a person has acted.
            sftp.errors.Changed: what is stored under this id is not what the collector has found in the file.
        """
        if arrival.source.startswith("test://") and arrival.partner is not None:
            self._try(arrival, arrival.partner)
            return
        arrived = Arrived(
            source=arrival.source,
            name=shown(arrival.name),  # its bytes may be no UTF-8, which no store would take as text
            partner=arrival.partner,
            arrival=arrival.id,
            whole=arrival.whole,
        )
        with _in_their_words(), arrival.path.open("rb") as file:
            landed = self._receiver.land(arrived, file)
        if (landed.sha256, landed.size) != (arrival.sha256, arrival.size):
            raise errors.Changed(f"{arrived.name} was written to while it was landed; {landed.id} holds other bytes")

    def _try(self, arrival: Arrival, partner: str) -> None:
        """A file of a folder for tests touches nothing real."""
        name, trial = shown(arrival.name), "t" + arrival.id.removeprefix("a")
        with _in_their_words():
            try:
                with arrival.path.open("rb") as file:
                    self._asking.ask(partner, name, file, lane=DROP, size=arrival.size, whole=arrival.whole, id=trial)
            except Reject as refused:
                self._asking.refuse(partner, name, refused, lane=DROP, size=arrival.size, id=trial)


@contextmanager
def _in_their_words() -> Iterator[None]:
    """The collector knows its own errors only."""
    try:
        yield
    except Retry as later:
        raise errors.Retry(later.message, later.remedy, delay_seconds=later.delay_seconds) from later
    except Stop as trouble:
        raise errors.Stop(trouble.message, trouble.remedy) from trouble
