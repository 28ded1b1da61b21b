"""Undo: the records that a delivery touched return to their previous versions, and that is told as changes.

A record that a later delivery changed since is not touched: the undo is refused, unless those are to be left. Held
documents of earlier files that its rows put right are held again. All of it becomes visible in one transaction (P2); an
undo that broke off has done nothing, and the worker that finds its lease run out clears up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import telling
from gateway.errors import Reject
from gateway.model import DeliveryState
from gateway.observations import DELIVERY_UNDONE, so_many
from gateway.repair.retention import was_purged
from gateway.store import audit, leases, repairs, replays, staging

if TYPE_CHECKING:
    from gateway.model import Delivery
    from gateway.store.database import Database, Transaction
    from gateway.store.leases import Lease

UNDOABLE = (DeliveryState.ACCEPTED, DeliveryState.PARTLY_ACCEPTED)
_LEASE_SECONDS = 60.0
_CORRECT_BY_A_NEW_FILE = "Its records stay as they are; a new file changes them."


@dataclass(frozen=True, slots=True)
class Undone:
    """How many records returned to what they were, and how many stayed because they were changed since."""

    records: int
    left: int


def undo(
    database: Database, delivery: Delivery, *, who: str, reason: str, owner: str, leave_changed: bool = False
) -> Undone:
    """Undo a delivery; durable and visible when it returns.

    Raises:
        Reject: ``nothing_to_undo``, ``not_finished``, or ``changed_since`` with the keys, or
            ``before_purged``.
        Retry: another delivery is being stored into the same contract, or one whose documents it put right is being
            judged again; nothing was done.
    """
    if delivery.state is DeliveryState.PURGED:
        raise Reject("nothing_to_undo", was_purged(delivery), _CORRECT_BY_A_NEW_FILE)
    if delivery.state not in UNDOABLE:
        raise Reject(
            "nothing_to_undo",
            f"{delivery.id} is {delivery.state}, and only what was accepted can be undone",
            "Discard what it holds in the quarantine instead.",
        )
    with database.write() as transaction:
        lease = leases.take_this(transaction, delivery.number, owner=owner, seconds=_LEASE_SECONDS)
        if lease is not None and lease.delivery.state is DeliveryState.PURGED:  # a moment ago
            raise Reject("nothing_to_undo", was_purged(lease.delivery), _CORRECT_BY_A_NEW_FILE)
    if lease is None:
        raise Reject("not_finished", f"{delivery.id} is being judged, or waits for it", "Ask again when it has ended.")
    undoing = _Undoing(database, lease)
    try:
        return undoing.run(who, reason, leave_changed=leave_changed)
    finally:
        undoing.end()


class _Undoing:
    """One undo, by the holder of the delivery's lease."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._number = lease.delivery.number

    def run(self, who: str, reason: str, *, leave_changed: bool) -> Undone:
        """Stage what was before, out of sight; then publish it, if still nothing else has changed it."""
        with self._database.read() as connection:
            self._refuse_changed(*replays.changed_since(connection, self._number), leave=leave_changed)
            self._refuse_purged(replays.would_lose(connection, self._number))
            windows = list(replays.windows(connection, self._number))
        records = 0
        for window in windows:
            with self._database.write() as transaction:
                self._prove(transaction)
                records += replays.take_back(transaction, window, self._number)
        with self._database.write() as transaction:
            self._prove(transaction)
            left, shown = replays.changed_since(transaction.connection, self._number)
            self._refuse_changed(left, shown, leave=leave_changed)
            for each in repairs.reopen(transaction, self._lease.delivery, who=who):
                transaction.tell(telling.reopened(each, self._lease.delivery))
            for here in staging.staged(transaction.connection, self._number):
                staging.publish(transaction, here.id, self._number)
            replays.close_undone(transaction, self._number, who=who, reason=reason)
            of = self._lease.delivery
            audit.write(transaction, "undone", f"delivery {of.id}", who=who, records=records, left=left, reason=reason)
            transaction.tell(
                DELIVERY_UNDONE(
                    integration=of.integration,
                    partner=of.partner,
                    delivery=of.id,
                    records=records,
                    left=left,
                    who=who,
                    reason=reason,
                )
            )
        return Undone(records, left)

    def end(self) -> None:
        """Move what was published to its place, throw away what was not, and let go of the delivery."""
        with self._database.read() as connection:
            left = staging.staged(connection, self._number)
        for here in left:
            step = staging.unstage if here.offset is None else staging.settle
            done = False
            while not done:
                with self._database.write() as transaction:
                    self._prove(transaction)
                    done = step(transaction, here.id)
        with self._database.write() as transaction:
            leases.finish(transaction, self._lease)

    def _prove(self, transaction: Transaction) -> None:
        leases.hold(transaction, self._lease, seconds=_LEASE_SECONDS)

    def _refuse_purged(self, count: int) -> None:
        if count:
            touched = f"{so_many(count, 'records')} of {self._lease.delivery.id}"
            raise Reject(
                "before_purged",
                f"{touched} had versions before it that are no longer kept",
                "Send a file with the values that shall stand; keep: of the contract says how long versions are kept.",
            )

    def _refuse_changed(self, count: int, shown: list[tuple[str, str, str]], *, leave: bool) -> None:
        if not count or leave:
            return
        was = "was" if count == 1 else "were"
        named = "; ".join(f"{contract} {key} by {delivery}" for contract, key, delivery in shown)
        more = "" if count <= len(shown) else f"; and {count - len(shown)} more"
        raise Reject(
            "changed_since",
            f"{so_many(count, 'records')} of {self._lease.delivery.id} {was} changed since: {named}{more}",
            "Undo those deliveries first, the newest first; or leave these records as they are.",
        )
