"""How one table is followed: what its strategy tells, and at night the rows that are gone, if that cannot tell them.

A column that grows says nothing of deleted rows. So once a night the table is compared with what was there the night
before, and what the column told meanwhile is looked for by its key: a row that came and went between two nights was
told by the column alone. Position, notes and deliveries move in one transaction each: it goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson

from adapters.drift import OF_SHAPE, OF_VALUES, differences, shape, usual
from adapters.model import Batch, Change, Filter, Following, Selection
from gateway.errors import Stop
from gateway.observations import TABLE_CHANGED, TABLE_UNUSUAL
from gateway.receive.changes import canonical_lines, land_batch
from gateway.store import leases, notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.drift import Difference
    from adapters.model import Strategy, Table
    from adapters.protocol import Source
    from gateway.integrations import Changes, Integration
    from gateway.operate.wiring import Gateway
    from gateway.store.database import Transaction
    from gateway.store.leases import SourceLease

_DONE, _PLACE, _TOLD, _NIGHTLY = "nightly/done", "nightly/place", "nightly/told/", "nightly/notes/"
_ASKED_AT_ONCE = 200
"""So many keys are in one statement; every database takes that."""

Row = dict[str, Any]


class Followed:
    """One table, followed by the holder of its lease."""

    def __init__(self, gateway: Gateway, integration: Integration, lease: SourceLease) -> None:
        assert integration.changes is not None
        self.integration = integration
        self.lease = lease
        self.position = lease.position
        """How far the table has been read; what was landed is on this side of it."""
        self.total = 0
        """How many changes were landed, also when the reading broke off behind them."""
        self._gateway = gateway
        self._changes: Changes = integration.changes
        self._table = integration.source.path

    def read(self, source: Source) -> None:
        """Land all that the source tells now."""
        changes = self._changes
        strategy: Strategy = changes.strategy  # type: ignore[assignment] # the configuration knows the same four
        following = Following(strategy, self.integration.key, changes.column, dict(changes.options))
        table = source.schema(self._table)
        self._look_at(table)
        self._begin_watching(table)
        key = self.integration.key or table.key
        for batch in source.changes(self._table, following, position=self.position, recall=self._recall):
            self._keep(_remembering(batch, key) if changes.deletes is not None else batch, batch.position)
            self.position = batch.position
            source.ack(self._table, following, batch.position)
        if changes.deletes is not None and self._is_night():
            self._nightly(source, key)

    def _look_at(self, table: Table) -> None:
        """Compare the table's shape with that of the last look: what the integration needs must be as it was.

        Raises:
            Stop: it is not; nothing is read until the integration fits, or somebody accepts the table as it is.
        """
        now, before = shape(table), self._recall(leases.SHAPE)
        found = differences(before.decode(), now) if before is not None else []
        needed = self._gateway.in_force.routes().columns_of(self.integration)
        harmful = [each for each in found if each.kind == "key" or (each.column in needed and each.kind != "added")]
        if harmful and not (harmful[0].kind == "key" and self.integration.key):
            raise Stop(
                f"{self.lease.name} is not read any more, because {'; '.join(each.said for each in harmful)}",
                f"Correct the integration and apply it, or accept it: gateway source accept {self.lease.name}",
            )
        if before is None or found:
            self._remember({leases.SHAPE: now.encode()}, tell=found)

    def _begin_watching(self, table: Table) -> None:
        """What was usual of the table's values until now; the days that are over since are judged."""
        coded = self._gateway.in_force.routes().coded_of(self.integration)
        self._usual = partial(usual, table=table, coded=coded)
        self._values = self._recall(leases.VALUES)
        memory, found = self._usual(self._values, rows=(), day=self._today())
        if self._values is not None and memory != self._values:
            self._remember({leases.VALUES: memory}, tell=found)
            self._values = memory

    def _today(self) -> str:
        return self._gateway.database.clock().date().isoformat()

    def _remember(self, memory: Mapping[str, bytes | None], *, tell: Sequence[Difference] = ()) -> None:
        """Keep notes by themselves."""
        with self._gateway.database.write() as transaction:
            seconds = self._gateway.settings.lease_seconds
            leases.advance_source(transaction, self.lease, position=self.position, due_in_seconds=seconds)
            notes.keep(transaction, self.lease.name, memory)
            self._tell(transaction, tell)

    def _tell(self, transaction: Transaction, found: Sequence[Difference]) -> None:
        """Say what is not as it was: of the shape, and of the values."""
        for observation, kinds in ((TABLE_CHANGED, OF_SHAPE), (TABLE_UNUSUAL, OF_VALUES)):
            said = "; ".join(each.said for each in found if each.kind in kinds)
            if said:
                transaction.tell(
                    observation(
                        integration=self.integration.name,
                        partner=self.integration.partner,
                        table=self.lease.name,
                        differences=said,
                    )
                )

    def _keep(self, batch: Batch, position: str | None) -> None:
        """Land a batch with the position and the notes that belong to it; one without changes moves those alone."""
        seconds = self._gateway.settings.lease_seconds
        if batch.changes:
            memory, found = self._usual(self._values, rows=batch.rows, day=self._today(), counted=not batch.snapshot)
            land_batch(
                self._gateway.receiver,
                self.lease,
                self.integration,
                replace(batch, memory={**batch.memory, leases.VALUES: memory}),
                position=position,
                again_in_seconds=seconds,
                tell=lambda transaction: self._tell(transaction, found),
            )
            self._values = memory
            self.total += len(batch.changes)
            return
        self.position = position
        self._remember(batch.memory)

    def _recall(self, name: str) -> bytes | None:
        with self._gateway.database.read() as connection:
            return notes.recall(connection, self.lease.name, name)

    # ── rows that are gone ───────────────────────────────────────────────────────────────────────────────────────────

    def _is_night(self) -> bool:
        """Whether the time of day has come since the last night; before the first, since the table was first read."""
        done, clock = self._recall(_DONE), self._gateway.database.clock()
        if done is None:
            self._remember({_DONE: clock.isoformat().encode()})
            return False
        assert self._changes.deletes is not None
        now = clock.astimezone(ZoneInfo(self._changes.zone))
        tonight = datetime.combine(now.date(), self._changes.deletes, now.tzinfo)
        latest = tonight if tonight <= now else tonight - timedelta(days=1)
        return datetime.fromisoformat(done.decode()) < latest

    def _nightly(self, source: Source, key: tuple[str, ...]) -> None:
        """Compare the table with the night before, then look for what was told since."""
        began = self._gateway.database.clock()
        following = Following("diff", self.integration.key)
        place = self._recall(_PLACE)
        batches = source.changes(
            self._table,
            following,
            position=place.decode() if place is not None else None,
            recall=lambda name: self._recall(_NIGHTLY + name),
        )
        for batch in batches:
            memory = {_NIGHTLY + name: body for name, body in batch.memory.items()}
            memory[_PLACE] = batch.position.encode()
            self._keep(replace(batch, memory=memory), self.position)
        with self._gateway.database.read() as connection:
            told = notes.names(connection, self.lease.name, _TOLD)
        for name in told:
            rows = absent(source, self._table, key, orjson.loads(self._recall(name) or b"[]"))
            gone = [Change("delete", tuple(str(row[each]) for each in key), None, row) for row in rows]
            self._keep(Batch(gone, "", snapshot=False, memory={name: None}), self.position)
        self._remember({_DONE: began.isoformat().encode()})


def absent(source: Source, table: str, key: tuple[str, ...], told: Sequence[Row]) -> list[Row]:
    """Of rows that were told once, as notes hold their keys, those that are not there any more."""
    return [row for together in _alike(told, key) for row in _absent(source, table, key, together)]


def _absent(source: Source, table: str, key: tuple[str, ...], told: Sequence[Row]) -> list[Row]:
    """The same of rows that differ in one column of the key alone, by one statement."""
    filters = [Filter(name, "in", tuple(dict.fromkeys(row[name] for row in told))) for name in key]
    page = source.page(table, Selection(tuple(filters), limit=len(told), columns=key, key=key))
    there = {_written(row, key) for row in page.rows}
    gone = [row for row in told if _written(row, key) not in there]
    if page.next is None and there <= {_written(row, key) for row in told}:
        return gone
    # The database takes for the same what we do not (upper for lower case, spaces at the end): each by itself.
    return [row for row in gone if not _is_there(source, table, key, row)]


def _is_there(source: Source, table: str, key: tuple[str, ...], row: Row) -> bool:
    filters = tuple(Filter(name, "eq", row[name]) for name in key)
    return bool(source.page(table, Selection(filters, limit=1, columns=key, key=key)).rows)


def _alike(told: Sequence[Row], key: tuple[str, ...]) -> Iterator[Sequence[Row]]:
    """The rows in blocks that one statement may ask for: within each, one column of the key alone differs."""
    widest = max(key, key=lambda name: len({str(row[name]) for row in told}), default="")
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in told:
        groups.setdefault(tuple(str(row[name]) for name in key if name != widest), []).append(row)
    for group in groups.values():
        yield from (group[at : at + _ASKED_AT_ONCE] for at in range(0, len(group), _ASKED_AT_ONCE))


def _written(row: Row, key: tuple[str, ...]) -> bytes:
    """The key of a row, as notes write it."""
    return canonical_lines([{name: row[name] for name in key}])


def _remembering(batch: Batch, key: tuple[str, ...]) -> Batch:
    """The batch with a note of the keys that it tells, if it tells any."""
    lines = [_written(change.row, key).rstrip() for change in batch.changes if change.row is not None]
    if not lines:
        return batch
    return replace(batch, memory={**batch.memory, f"{_TOLD}{_short(batch.position)}": b"[" + b",".join(lines) + b"]"})


def _short(position: str) -> str:
    """A name for what stands at a position, the same whenever it is told again."""
    return hashlib.sha256(position.encode()).hexdigest()[:16]
