"""The conservation law of deliveries (P1), computed anew: from the store alone, or from the raw bytes.

For every finished delivery the documents of its file are

    accepted + corrected + quarantined + unrouted + excluded + duplicate + discarded + undone

and what is stored agrees: each accepted document made a record, each held one is in the quarantine. `deep` reads every
file of the vault again, checks that its bytes are those of its name (L2), counts the documents with the format of the
revision that judged it, and holds every current record against what its document gives under the revision that made it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edi.findings import Finding as FileFinding
from gateway.errors import Stop
from gateway.judging import items_of
from gateway.model import DeliveryState, DocumentState
from gateway.observations import so_many
from gateway.receive.archives import disagreements
from gateway.repair.comparing import Comparing
from gateway.store import balance, deliveries, members, quarantine, revisions
from gateway.store.database import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.balance import Counted
    from gateway.store.database import Database
    from gateway.store.vault import Vault

OPEN_ENDS = (DeliveryState.RECEIVED, DeliveryState.FAILED, DeliveryState.PURGED)
"""States in which the counters say nothing yet, or nothing any more."""
HELD = (*quarantine.OPEN, *quarantine.CLOSED)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two places that should say the same: about `what` (a delivery, a contract, the change log), and what to do."""

    what: str
    message: str
    remedy: str


class Unreadable(Disagreement):
    """The bytes of a delivery are missing or damaged."""


@dataclass(slots=True)
class Balance:
    """Both sides of the law, over all deliveries, and where they disagree."""

    deliveries: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    read: int = 0
    """How many documents were counted in raw bytes; 0 unless that was asked for."""
    files: int = 0
    uncounted: int = 0
    """How many documents could not be, because the revision that says how they are read is no longer there."""
    compared: int = 0
    """How many current records were held against the raw bytes."""
    incomparable: Counter[str] = field(default_factory=Counter)
    """How many could not be, by the reason; that is no disagreement."""
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
    current: dict[int, int] = {}
    with database.read() as connection:
        for disorder in balance.disorders(connection):
            balance_.disagreements.append(
                Disagreement(
                    disorder.where, disorder.message, "Report it: commits cannot leave this. Restore a backup."
                )
            )
        for counted in balance.counted(connection):
            balance_.deliveries[counted.delivery.state] += 1
            if counted.current:
                current[counted.delivery.number] = counted.current
            balance_.documents.update(counted.delivery.documents)
            balance_.disagreements += _in_the_store(connection, counted)
        last = balance.last_change(connection)
    routes_of = _as_far_as_known(routes_of)
    if deep:
        comparing = Comparing(database, vault, routes_of, _contracts(database, routes_of))
        for delivery in _page_by_page(database):
            records = current.get(delivery.number, 0)
            if delivery.state is DeliveryState.PURGED:  # counted as such; there is nothing to read
                _note_incomparable(balance_, "their raw bytes were purged", records)
                continue
            wrong = list(_in_the_bytes(database, balance_, delivery, vault, routes_of))
            balance_.disagreements += wrong
            if records and not any(isinstance(each, Unreadable) for each in wrong):
                balance_.disagreements += _in_the_records(balance_, comparing, delivery, records, last)
            balance_.files += 1
            progress(balance_.files)
    return balance_


def _as_far_as_known(routes_of: Callable[[str], Routes | None]) -> Callable[[str], Routes | None]:
    """The same, with None for a revision that cannot be read any more: an earlier version of this program took it."""

    def known(revision: str) -> Routes | None:
        try:
            return routes_of(revision)
        except Unwritable:
            raise
        except Stop:
            return None

    return known


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
        yield _wrong(
            delivery, f"it was undone, and still there, as it brought them: {so_many(counted.current, 'records')}"
        )
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
        yield Unreadable(delivery.id, stop.message, stop.remedy)
        return
    yield from (_wrong(delivery, each) for each in wrong)
    given_up = delivery.state is DeliveryState.DISCARDED and not delivery.documents  # as a whole: nothing was counted
    if given_up or delivery.state in OPEN_ENDS:
        return
    if found is None:
        balance_.uncounted += sum(delivery.documents.values())
        return
    balance_.read += found
    told = sum(delivery.documents.values())
    if found != told:
        yield _wrong(delivery, f"it counts {told} documents, and its bytes have {found}")


def _in_the_records(
    balance_: Balance, comparing: Comparing, delivery: Delivery, records: int, last: int
) -> Iterator[Disagreement]:
    """Where records that stand as a delivery brought them are not what its bytes give."""
    try:
        found = comparing.compare(delivery)
    except Unwritable:
        raise
    except Stop as stop:
        yield Unreadable(delivery.id, stop.message, stop.remedy)
        return
    balance_.compared += found.same + found.other
    yield from (_changed(delivery, each) for each in found.differing)
    if found.other > len(found.differing):
        yield _changed(delivery, f"{found.other - len(found.differing)} more records are not what its bytes give")
    left = records - found.same - found.other
    if found.impossible:
        _note_incomparable(balance_, found.impossible, left)
        return
    with comparing.database.read() as connection:
        moved = balance.last_change(connection) != last  # meanwhile others took the place of some
    if left > 0 and not moved:
        yield _changed(delivery, f"{left} of its records stand under a key or a document that its bytes do not give")


def _changed(delivery: Delivery, message: str) -> Disagreement:
    remedy = f"It was changed past the gateway; to bring back what its bytes give: {_replay(delivery)}"
    return Disagreement(delivery.id, f"{message} ({delivery.name})", remedy)


def _note_incomparable(balance_: Balance, reason: str, records: int) -> None:
    if records > 0:
        balance_.incomparable[reason] += records


def _contracts(database: Database, routes_of: Callable[[str], Routes | None]) -> dict[str, Contract]:
    """The contracts in force, by their ids: they say what is personal data today."""
    with database.read() as connection:
        name = revisions.current_name(connection)
    routes = routes_of(name) if name is not None else None
    return {each.id: each for each in routes.configuration.contracts.values()} if routes is not None else {}


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
        if not candidates or routes is None or (part.origin, part.origin + part.size) in as_one:
            vault.verify(part.sha256)
            found += 1  # a file that nobody wants is one document as a whole
        else:
            items = items_of(routes, candidates, vault.chunks(part.sha256))
            found += sum(not isinstance(item, FileFinding) for item in items)
    return found if routes is not None else None


def _wrong(delivery: Delivery, message: str) -> Disagreement:
    return Disagreement(delivery.id, f"{message} ({delivery.name})", _replay(delivery))


def _replay(delivery: Delivery) -> str:
    """The command that judges a delivery again as it was judged, as it can be run."""
    return f"gateway replay {delivery.id} --as then -r 'verify disagrees'"


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no"
