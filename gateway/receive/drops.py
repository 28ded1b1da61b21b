"""Arrivals of the SFTP server and of watched folders, handed to landing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import Arrived
from sftp.names import shown

if TYPE_CHECKING:
    from gateway.receive.landing import Receiver
    from sftp.arrival import Arrival


class Drops:
    """The receiving end of ``sftp.collect``: durable when `receive` returns, idempotent by the arrival's id."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def receive(self, arrival: Arrival) -> None:
        """Land the claimed file; the collector removes it only after this has returned."""
        with arrival.path.open("rb") as file:
            self._receiver.land(
                Arrived(
                    source=arrival.source,
                    name=shown(arrival.name),  # its bytes may be no UTF-8, which no store would take as text
                    partner=arrival.partner,
                    arrival=arrival.id,
                    whole=arrival.whole,
                ),
                file,
            )
