"""Landing: raw bytes into the vault, a row into the store, and only then is anything "received" (L1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from gateway.model import DeliveryState
from gateway.observations import DELIVERY_RECEIVED
from gateway.store import deliveries, retention

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from gateway.configuration import Configuration
    from gateway.model import Arrived, Delivery
    from gateway.store.database import Database, Transaction
    from gateway.store.vault import Stored, Vault


@dataclass(frozen=True, slots=True)
class Receiver:
    """What landing needs: the store, the vault, a maker of ids and the configuration in force.

    `along` opens the transaction of a row where something else is to be written with it.
    """

    database: Database
    vault: Vault
    new_id: Callable[[str], str]
    configuration: Callable[[], Configuration]
    along: Callable[[], AbstractContextManager[Transaction]] | None = None

    def write(self) -> AbstractContextManager[Transaction]:
        """The transaction in which a row is written."""
        return (self.along or self.database.write)()

    def land(
        self, arrived: Arrived, stream: BinaryIO, *, also: Callable[[Transaction], None] | None = None
    ) -> Delivery:
        """Make a delivery of an arrival; durable when it returns. `also` joins the transaction of the delivery row.

        Raises:
            Stop: the disk is full or the store is read-only; the sender's copy must stay where it is.
            Retry: the store does not answer now.
        """
        begin, arrived = stream.tell(), self._addressed(arrived)
        while True:
            stored = self.vault.put(stream)
            delivery = self._row(arrived, stored, also)
            if delivery is not None:
                return delivery
            stream.seek(begin)  # the same content was purged between the two: it is put once more

    def _row(self, arrived: Arrived, stored: Stored, also: Callable[[Transaction], None] | None) -> Delivery | None:
        """The delivery's row, in one transaction; None where its bytes were deleted since they were put."""
        with self.write() as transaction:
            if not retention.is_kept(transaction, self.vault, stored.sha256):
                return None
            delivery, new = deliveries.land(transaction, arrived, stored, new_id=self.new_id("d"))
            if new:
                transaction.tell(
                    DELIVERY_RECEIVED(
                        integration=delivery.integration,
                        partner=delivery.partner,
                        delivery=delivery.id,
                        name=delivery.name,
                        size=delivery.size,
                        sender=delivery.partner or delivery.source,
                    )
                )
            if delivery.state is DeliveryState.PURGED:  # the arrival was taken once, and nothing names what was put
                retention.condemn(transaction, stored.sha256)
            if also is not None:
                also(transaction)
        return delivery

    def _addressed(self, arrived: Arrived) -> Arrived:
        """The arrival with its integration, when exactly one wants what comes from there under that name."""
        if arrived.integration is not None:
            return arrived
        wanting = [
            integration
            for integration in self.configuration().integrations.values()
            if integration.source.wants(arrived.source, arrived.name)
        ]
        if len(wanting) != 1:
            return arrived
        return replace(arrived, integration=wanting[0].name, partner=arrived.partner or wanting[0].partner)
