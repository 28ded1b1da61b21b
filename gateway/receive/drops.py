"""Arrivals of the SFTP server and of watched folders, handed to landing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.model import Arrived
from sftp import errors
from sftp.names import shown

if TYPE_CHECKING:
    from gateway.receive.landing import Receiver
    from sftp.arrival import Arrival


class Drops:
    """The receiving end of ``sftp.collect``: durable when `receive` returns, idempotent by the arrival's id."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def receive(self, arrival: Arrival) -> None:
        """Land the claimed file; the collector removes it only after this has returned.

        Raises:
            sftp.errors.Retry: the store does not answer now.
            sftp.errors.Stop: nothing can be stored before a person has acted.
            sftp.errors.Changed: what is stored under this id is not what the collector has found in the file.
        """
        arrived = Arrived(
            source=arrival.source,
            name=shown(arrival.name),  # its bytes may be no UTF-8, which no store would take as text
            partner=arrival.partner,
            arrival=arrival.id,
            whole=arrival.whole,
        )
        try:
            with arrival.path.open("rb") as file:
                landed = self._receiver.land(arrived, file)
        except Retry as later:
            raise errors.Retry(later.message, later.remedy, delay_seconds=later.delay_seconds) from later
        except Stop as trouble:
            raise errors.Stop(trouble.message, trouble.remedy) from trouble
        if (landed.sha256, landed.size) != (arrival.sha256, arrival.size):
            raise errors.Changed(f"{arrived.name} was written to while it was landed; {landed.id} holds other bytes")
