"""How one table is followed: what its strategy tells, and at night the rows that are gone, if that cannot tell them.

A column that grows says nothing of deleted rows. So once a night the table is compared with what was there the night
before, and what the column told meanwhile is looked for by its key: a row that came and went between two nights was
told by the column alone. Position, notes and deliveries move in one transaction each: it goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson

from adapters.drift import differences, shape
from adapters.model import Batch, Change, Filter, Following, Selection
from gateway.errors import Stop
from gateway.observations import TABLE_CHANGED
from gateway.receive.changes import canonical_lines, land_batch
from gateway.store import leases, notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.drift import Difference
    from adapters.model import Strategy, Table
    from adapters.protocol import Source
    from gateway.integrations import Changes, Integration
    from gateway.operate.wiring import Gateway
    from gateway.store.leases import SourceLease

_DONE, _PLACE, _TOLD, _NIGHTLY = "nightly/done", "nightly/place", "nightly/told/", "nightly/notes/"


class Followed:
    """One table, followed by the holder of its lease."""

    def __init__(self, gateway: Gateway, integration: Integration, lease: SourceLease) -> None:
        assert integration.changes is not None
        self.integration = integration
        self.lease = lease
        self.position = lease.position
        """How far the table has been read; what was landed is on this side of it."""
        self._gateway = gateway
        self._changes: Changes = integration.changes
        self._table = integration.source.path

    def read(self, source: Source) -> int:
        """Land all that the source tells now; how many changes that was."""
        changes = self._changes
        strategy: Strategy = changes.strategy  # type: ignore[assignment] # the configuration knows the same four
        following = Following(strategy, self.integration.key, changes.column, dict(changes.options))
        total = 0
        table = source.schema(self._table)
        self._look_at(table)
        key = self.integration.key or table.key
        for batch in source.changes(self._table, following, position=self.position, recall=self._recall):
            self._keep(_remembering(batch, key) if changes.deletes is not None else batch, batch.position)
            self.position = batch.position
            source.ack(self._table, following, batch.position)
            total += len(batch.changes)
        if changes.deletes is not None and self._is_night():
            total += self._nightly(source, key)
        return total

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

    def _remember(self, memory: Mapping[str, bytes | None], *, tell: Sequence[Difference] = ()) -> None:
        """Keep notes by themselves."""
        with self._gateway.database.write() as transaction:
            seconds = self._gateway.settings.lease_seconds
            leases.advance_source(transaction, self.lease, position=self.position, due_in_seconds=seconds)
            notes.keep(transaction, self.lease.name, memory)
            if tell:
                said = "; ".join(each.said for each in tell)
                transaction.tell(
                    TABLE_CHANGED(
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
            land_batch(
                self._gateway.receiver, self.lease, self.integration, batch, position=position, again_in_seconds=seconds
            )
            return
        self.position = position
        self._remember(batch.memory)

    def _recall(self, name: str) -> bytes | None:
        with self._gateway.database.read() as connection:
            return notes.recall(connection, self.lease.name, name)

    # ── rows that are gone ───────────────────────────────────────────────────────────────────────────────────────────

    def _is_night(self) -> bool:
        """Whether the time of day has come since the last night, or there was none yet."""
        done = self._recall(_DONE)
        if done is None:
            return True
        assert self._changes.deletes is not None
        now = self._gateway.database.clock().astimezone(ZoneInfo(self._changes.zone))
        tonight = datetime.combine(now.date(), self._changes.deletes, now.tzinfo)
        latest = tonight if tonight <= now else tonight - timedelta(days=1)
        return datetime.fromisoformat(done.decode()) < latest

    def _nightly(self, source: Source, key: tuple[str, ...]) -> int:
        """Compare the table with the night before, then look for what was told since."""
        began = self._gateway.database.clock()
        following = Following("diff", self.integration.key)
        place = self._recall(_PLACE)
        total = 0
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
            total += len(batch.changes)
        with self._gateway.database.read() as connection:
            told = notes.names(connection, self.lease.name, _TOLD)
        for name in told:
            gone = self._gone(source, key, orjson.loads(self._recall(name) or b"[]"))
            self._keep(Batch(gone, "", snapshot=False, memory={name: None}), self.position)
            total += len(gone)
        self._remember({_DONE: began.isoformat().encode()})
        return total

    def _gone(self, source: Source, key: tuple[str, ...], told: list[dict[str, Any]]) -> list[Change]:
        """Of the rows that were told once, those that are not there any more."""
        gone = []
        for row in told:
            filters = tuple(Filter(name, "eq", row[name]) for name in key)
            if not source.page(self._table, Selection(filters, limit=1, key=key)).rows:
                gone.append(Change("delete", tuple(str(row[name]) for name in key), None, row))
        return gone


def _remembering(batch: Batch, key: tuple[str, ...]) -> Batch:
    """The batch with a note of the keys that it tells."""
    rows = [{name: change.row[name] for name in key} for change in batch.changes if change.row is not None]
    note = b"[" + b",".join(canonical_lines(rows).splitlines()) + b"]"
    return replace(batch, memory={**batch.memory, f"{_TOLD}{_short(batch.position)}": note})


def _short(position: str) -> str:
    """A name for what stands at a position, the same whenever it is told again."""
    return hashlib.sha256(position.encode()).hexdigest()[:16]
