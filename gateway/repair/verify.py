"""The conservation law of deliveries (P1), computed anew: from the store alone, or from the raw bytes.

For every finished delivery the documents of its file are

    accepted + corrected + quarantined + unrouted + excluded + duplicate + discarded + undone

and what is stored agrees: each accepted document made a record, each held one is in the quarantine. `deep` reads every
file of the vault again, checks that its bytes are those of its name (L2), and counts the documents with the format of
the revision that judged it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edi.findings import Finding as FileFinding
from gateway.errors import Stop
from gateway.judging import items_of
from gateway.model import DeliveryState, DocumentState
from gateway.receive.archives import disagreements
from gateway.store import balance, deliveries, members, quarantine
from gateway.store.database import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.balance import Counted
    from gateway.store.database import Database
    from gateway.store.vault import Vault

OPEN_ENDS = (DeliveryState.RECEIVED, DeliveryState.FAILED, DeliveryState.PURGED)
"""States in which the counters say nothing yet, or nothing any more."""
HELD = (DocumentState.QUARANTINED, DocumentState.UNROUTED, DocumentState.DISCARDED)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two places that should say the same: about `what` (a delivery, a contract, the change log), and what to do."""

    what: str
    message: str
    remedy: str


@dataclass(slots=True)
class Balance:
    """Both sides of the law, over all deliveries, and where they disagree."""

    deliveries: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    read: int = 0
    """How many documents were counted in raw bytes; 0 unless that was asked for."""
    files: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All documents of finished deliveries."""
        return sum(self.documents.values())


def verify(
    database: Database,
    vault: Vault,
    routes_of: Callable[[str], Routes | None],
    *,
    deep: bool = False,
    progress: Callable[[int], None] = lambda _files: None,
) -> Balance:
    """Compute the balance. `routes_of` gives a revision ready to work; `progress` hears how many files were read."""
    balance_ = Balance()
    with database.read() as connection:
        for disorder in balance.disorders(connection):
            balance_.disagreements.append(
                Disagreement(
                    disorder.where, disorder.message, "Report it: commits cannot leave this. Restore a backup."
                )
            )
        for counted in balance.counted(connection):
            balance_.deliveries[counted.delivery.state] += 1
            balance_.documents.update(counted.delivery.documents)
            balance_.disagreements += _in_the_store(connection, counted)
    if deep:
        for delivery in _page_by_page(database):
            if delivery.state is DeliveryState.PURGED:  # counted as such; there is nothing to read
                continue
            balance_.disagreements += _in_the_bytes(database, balance_, delivery, vault, routes_of)
            balance_.files += 1
            progress(balance_.files)
    return balance_


def _page_by_page(database: Database) -> Iterator[Delivery]:
    """Every delivery, newest first; no transaction is open while files are read."""
    before = None
    while True:
        with database.read() as connection:
            page = deliveries.page(connection, before=before, limit=500)
        if not page:
            return
        yield from page
        before = page[-1].number


def _in_the_store(connection: Connection, counted: Counted) -> Iterator[Disagreement]:
    """Where a delivery's counters disagree with the records and held documents that are there."""
    delivery = counted.delivery
    if delivery.state is DeliveryState.DUPLICATE:
        twin = deliveries.get(connection, delivery.twin or "?")
        if twin is None or twin.sha256 != delivery.sha256:
            yield _wrong(delivery, f"it is a duplicate of {delivery.twin}, which has other bytes or is not there")
        return
    if delivery.state is DeliveryState.UNDONE and counted.current:
        yield _wrong(delivery, f"it was undone, and {counted.current} records still stand as it brought them")
    if delivery.state in (*OPEN_ENDS, DeliveryState.UNDONE):
        return
    told = {state: count for state, count in delivery.documents.items() if state in HELD}
    kept = {state: count for state, count in counted.kept.items() if state in HELD}
    if told != kept:
        yield _wrong(delivery, f"it counts {_said(told)} held documents, and the quarantine has {_said(kept)}")
    accepted = sum(delivery.documents.get(state, 0) for state in (DocumentState.ACCEPTED, DocumentState.CORRECTED))
    # A replay may have made fewer records than the judgement before it, whose versions stay history.
    if accepted > counted.recorded or (accepted < counted.recorded and delivery.replay is None):
        yield _wrong(delivery, f"it counts {accepted} accepted documents, and {counted.recorded} made records")


def _in_the_bytes(
    database: Database, balance_: Balance, delivery: Delivery, vault: Vault, routes_of: Callable[[str], Routes | None]
) -> Iterator[Disagreement]:
    """Where a delivery's counters disagree with its raw bytes."""
    if delivery.state is DeliveryState.PURGED:
        return
    try:
        wrong = list(_in_the_archive(database, delivery, vault))
        found = _documents(database, delivery, vault, routes_of)
    except Unwritable:
        raise  # no file's fault: the vault is out of reach
    except Stop as stop:
        with database.read() as connection:
            if deliveries.by_number(connection, delivery.number).state is DeliveryState.PURGED:  # a moment ago
                return
        yield Disagreement(delivery.id, stop.message, stop.remedy)
        return
    yield from (_wrong(delivery, each) for each in wrong)
    given_up = delivery.state is DeliveryState.DISCARDED and not delivery.documents  # as a whole: nothing was counted
    if found is None or given_up or delivery.state in OPEN_ENDS:
        return
    balance_.read += found
    told = sum(delivery.documents.values())
    if found != told:
        yield _wrong(delivery, f"it counts {told} documents, and its bytes have {found}")


def _in_the_archive(database: Database, delivery: Delivery, vault: Vault) -> Iterator[str]:
    """Where the members that are on record are not those of the archive, unpacked again."""
    if delivery.archive is not None:
        with database.read() as connection:
            known = members.of_delivery(connection, delivery.number)
        yield from disagreements(vault, delivery, known)


def _documents(
    database: Database, delivery: Delivery, vault: Vault, routes_of: Callable[[str], Routes | None]
) -> int | None:
    """How many documents the raw bytes have, read to their end; None where no revision says how they are read."""
    routes = routes_of(delivery.revision) if delivery.revision is not None else None
    with database.read() as connection:
        twin = deliveries.get(connection, delivery.twin) if delivery.twin is not None else None
        if twin is not None and twin.archive is not None:  # counted as the archive that it repeats was, and not opened
            vault.verify(delivery.sha256)
            return sum(delivery.documents.values())
        parts = members.parts_of(connection, delivery)
        as_one = quarantine.held_as_one(connection, delivery.number) if delivery.archive is not None else set()
    found = 0
    for part in parts:
        candidates = routes.candidates(delivery, part.member) if routes is not None else []
        if routes is None or not candidates or (part.origin, part.origin + part.size) in as_one:
            vault.verify(part.sha256)
            found += 1  # a file that nobody wants is one document as a whole
        else:
            items = items_of(routes, candidates, vault.chunks(part.sha256))
            found += sum(not isinstance(item, FileFinding) for item in items)
    return found if delivery.revision is not None else None


def _wrong(delivery: Delivery, message: str) -> Disagreement:
    return Disagreement(delivery.id, f"{message} ({delivery.name})", f"gateway replay {delivery.id} --as then")


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no"
