"""A table of PostgreSQL by the server's own log: every insert, update and delete, in the order of the commits.

First all rows, along the key in chunks, while the log is read between them; then the log alone. Nothing is written to
the source: no signal table, no heartbeat. What must stand there before, and who makes it, is in :mod:`adapters.slots`.

Without gap or overlap: the slot is made first, so that all later changes are in the log. After a chunk is read, the log
is told up to where it stood then, and a row of the chunk that one of those changes touched is left out: the log told a
newer one. A change may be in the log a moment before those who read see it; no chunk is read until all that was told is
seen (`Position.unseen`). Rows come in whole transactions; one that is too big for a batch comes in parts, and the
position counts how many of its changes are told (`Position.within`).

What the log cannot tell: which rows a TRUNCATE took, so it is a Gap. Of a long value that is stored out of line (TOAST)
and that an update did not touch, it says only that; it is read from the row as it stands now, and left out where the
row is gone. With REPLICA IDENTITY FULL the log has it, and all that a row was before. Generated columns are not in it;
they are left out here. A change of the key is told as a delete and an insert.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol

from adapters.errors import Gap, Reject, Retry, Stop
from adapters.logparts import MEMORY, Teller
from adapters.logrows import texts_to_rows
from adapters.model import Batch, Change
from adapters.pgoutput import lsn, lsn_text
from adapters.slotchecks import ready, unbroken
from adapters.statements import Condition, Ordered
from adapters.watermark import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from adapters.logparts import Part
    from adapters.model import Column, Table
    from adapters.protocol import Recall
    from adapters.reading import Columns
    from adapters.slots import Facts, Server, Slot
    from adapters.statements import Raw, Read

WINDOW = 50_000
"""Messages asked of a slot at once: each question costs the server a look at all that it keeps for us."""

IDLE_BYTES = 1 << 20
"""Log without a change of ours, after which the position moves all the same and lets the server forget it."""

LOOK_SECONDS = 0.01
"""The pause between looks while a poll lingers."""

WRITER_SECONDS = 1.0
"""The server flushes what was committed without waiting for it (synchronous_commit=off) within three rounds of its WAL
writer, 0.6 seconds unless somebody changed that."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table is told. Opaque to everybody else.

    All transactions that end at or before `end` are told. `within` is a transaction that is told in part: where its
    commit stands, how many of its changes, and its number. In the phase ``snapshot``, `key` is the last key read, and
    `unseen` are the numbers of told transactions that readers do not see yet. `more` says that this is not the last
    batch of what was asked of the slot at once.
    """

    phase: Literal["snapshot", "stream"]
    slot: str
    publication: str
    system: str
    timeline: str
    oid: int
    membership: str
    keyed_by: tuple[str, ...]
    end: int
    within: tuple[int, int, int] | None = None
    key: tuple[str | None, ...] | None = None
    unseen: tuple[int, ...] = ()
    more: bool = False

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        parts = {
            "strategy": "log",
            "phase": self.phase,
            "slot": self.slot,
            "publication": self.publication,
            "system": self.system,
            "timeline": self.timeline,
            "oid": self.oid,
            "membership": self.membership,
            "keyed_by": self.keyed_by,
            "end": lsn_text(self.end),
            "within": self.within,
            "key": self.key,
            "unseen": self.unseen,
            "more": self.more,
        }
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Position:
        """The position that :meth:`to_json` wrote.

        Raises:
            Stop: The text is something else.
        """
        try:
            parts = json.loads(text)
            if parts.pop("strategy") != "log" or parts["phase"] not in ("snapshot", "stream"):
                raise ValueError  # noqa: TRY301 - one answer to all that is wrong
            parts["end"] = lsn(parts["end"])
            for name in ("keyed_by", "within", "key", "unseen"):
                parts[name] = None if parts[name] is None else tuple(parts[name])
            return cls(**parts)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Stop(
                f"this is not a position of a log: {text[:80]!r}",
                "Give back what a batch said, or none to begin with a snapshot",
            ) from None


class ColumnReader(Reader, Protocol):
    """What reads rows column by column as well."""

    def columns(self, order: Sequence[Ordered], *, after: Raw | None, limit: int) -> tuple[Read, Columns]:
        """Up to `limit` rows beyond `after`."""


class Log:
    """The changes of one table from a position on; see :meth:`batches`.

    `pause` waits so many seconds, `clock` gives seconds.
    """

    def __init__(
        self,
        server: Server,
        slot: Slot,
        reader: ColumnReader,
        table: Table,
        key: Sequence[Column],
        batch: int,
        *,
        recall: Recall,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._slot = slot
        self._reader = reader
        self._table = table
        self._key = tuple(key)
        self._names = tuple(part.name for part in key)
        self._batch = batch
        self._recall = recall
        self._pause = pause
        self._clock = clock
        self._teller: Teller
        self._position: Position
        self._pending: dict[tuple[str | None, ...], dict[str, Any]] = {}

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What is new since the position, oldest first; ends when all that stood at the beginning is told.

        Raises:
            Stop: The owner must do something first, or the position belongs to something else.
            Gap: Changes since the position may be lost.
        """
        position = None if told is None else self._same_question(Position.from_json(told))
        if told is None:
            self._slot.leave()
        facts = self._slot.facts()
        ready(facts, self._slot, self._table, self._names)
        self._position = self._begun(facts) if position is None else position
        if position is not None:
            unbroken(
                facts,
                self._slot.name,
                system=position.system,
                timeline=position.timeline,
                oid=position.oid,
                membership=position.membership,
                end=position.end,
            )
            self._slot.acked = facts.confirmed
        else:
            self._slot.acked = self._position.end
        stream = self._slot.stream
        if stream is not None and stream.clean and stream.reached == told:
            self._teller = stream.teller
            self._teller.batch, self._teller.stand = self._batch, self._stand
        else:
            self._slot.leave()
            self._teller = self._new_teller(position)
        if self._position.phase == "snapshot":
            yield from self._snapshot(facts)
        if self._position.phase == "stream":
            yield from self._stream()

    def _new_teller(self, position: Position | None) -> Teller:
        return Teller(
            self._server,
            self._table,
            self._names,
            oid=self._position.oid,
            end=self._position.end,
            within=self._position.within,
            batch=self._batch,
            stand=self._stand,
            shape=self._recall(MEMORY) if position is not None else None,
        )

    def _same_question(self, position: Position) -> Position:
        asked = (self._slot.name, self._slot.publication, self._names)
        if (position.slot, position.publication, position.keyed_by) != asked:
            raise Stop(
                f"the position belongs to the slot {position.slot!r}, the publication {position.publication!r} and the"
                f" key {list(position.keyed_by)}, not to {asked[0]!r}, {asked[1]!r} and {list(asked[2])}",
                "Forget the position, so that a new snapshot is taken, or configure what it was",
            )
        return position

    def _begun(self, facts: Facts) -> Position:
        """A fresh slot. One that is there is made anew, for only then is it known what the first chunk sees."""
        until = self._clock() + WRITER_SECONDS
        while facts.slot and facts.slot["active"] and self._slot.replication and self._clock() < until:
            self._pause(0.02)
            facts = self._slot.facts()
        if facts.slot:
            if facts.slot["active"]:
                raise Retry(
                    f"the slot {self._slot.name!r} is being read by somebody else", "Name another for this table"
                )
            self._slot.let_go()
        return Position(
            phase="snapshot",
            slot=self._slot.name,
            publication=self._slot.publication,
            system=facts["system"],
            timeline=facts["timeline"],
            oid=facts["oid"],
            membership=facts["membership"],
            keyed_by=self._names,
            end=self._slot.make(),
        )

    # The snapshot -----------------------------------------------------------------------------------------------------

    def _snapshot(self, facts: Facts) -> Iterator[Batch]:
        order = [Ordered(part) for part in self._key]
        untold = set(facts["untold"] or ()) | self._unpublished(facts)
        settled = ""
        while True:
            if not self._all_seen():
                return  # a standby that must confirm does not; the next poll tries again
            read, columns = self._reader.columns(order, after=self._position.key, limit=self._batch + 1)
            places = columns.places(read)
            self._unique(places)
            more = columns.count > self._batch
            rows = texts_to_rows(read.columns, columns.first(self._batch).cells)
            for row in rows if untold else ():
                for name in untold & row.keys():
                    del row[name]
            self._pending = dict(zip(places, rows, strict=False))
            now = self._slot.now()
            if now.snapshot != settled:
                yield from self._up_to(now.insert)
                settled = now.snapshot
            new = tuple.__new__
            changes = [new(Change, ("put", key, row, None, "")) for key, row in self._pending.items()]
            self._pending = {}
            key = places[len(rows) - 1] if rows else None
            self._position = replace(
                self._position, phase="snapshot" if more else "stream", key=key if more else None, more=False
            )
            yield self._kept(Batch(changes, self._position.to_json(), snapshot=True))
            if not more:
                return

    def _unpublished(self, facts: Facts) -> set[str]:
        """Columns that the publication leaves out, where it names its columns (PostgreSQL 15)."""
        names = facts["published"].get("attnames")
        return {column.name for column in self._table.columns} - set(names) if names else set()

    def _unique(self, places: list[Any]) -> None:
        for place, following in pairwise(places) if len(set(places)) < len(places) else ():
            if place == following:
                raise Reject(
                    "key_not_unique",
                    f"two rows have the same key {dict(zip(self._names, place, strict=True))}",
                    "Name key columns that are unique together; else rows would be lost without a word",
                )

    def _all_seen(self) -> bool:
        """Whether readers see all that was told; waits for it a little."""
        until = self._clock() + WRITER_SECONDS
        while self._position.unseen:
            now = self._slot.now()
            unseen = tuple(xid for xid in self._position.unseen if not now.sees(xid))
            self._position = replace(self._position, unseen=unseen)
            if unseen and self._clock() > until:
                return False
            if unseen:
                self._pause(0.01)
        return True

    def _up_to(self, place: int) -> Iterator[Batch]:
        """Tell the log up to where it stood when a chunk had been read."""
        until = self._clock() + WRITER_SECONDS
        while (flushed := self._slot.now().flush) < place and self._clock() < until:
            self._pause(0.01)
        yield from self._windows(flushed)

    # The log ----------------------------------------------------------------------------------------------------------

    def _stream(self) -> Iterator[Batch]:
        """All that is committed by now, and as long as the poll may linger, what is committed meanwhile."""
        until = self._clock() + self._slot.linger_seconds
        looked = self._position.end
        while True:
            now = self._slot.now()
            boundary = self._slot.boundary(self._position.system, now.insert, now.flush)
            if self._slot.replication:
                yield from self._streamed(now.flush, until)
            elif now.flush > looked:
                yield from self._windows(now.flush)
                looked = now.flush
            reached = max(boundary, self._teller.end)
            if reached - self._position.end >= IDLE_BYTES:
                yield self._moved(reached)
            if self._clock() >= until:
                return
            self._pause(LOOK_SECONDS)

    def _streamed(self, limit: int, until: float) -> Iterator[Batch]:
        """All transactions that were committed before `limit`, and what comes until the time is over."""
        slot, teller = self._slot, self._teller
        stream = slot.streaming(self._position.system, self._position.end)
        stream.teller, stream.clean = teller, False
        try:
            buffers = stream.buffers(lambda: stream.sent >= limit or teller.end >= limit, lambda: until - self._clock())
            for part in teller.parts(buffers, eager=True):
                yield self._kept(self._batch_of(part, more=False))
            stream.clean = True
        finally:
            if not stream.clean:
                slot.leave()

    def _windows(self, limit: int) -> Iterator[Batch]:
        """All transactions that were committed before `limit`.

        The slot tells from what was acknowledged on. Whoever does not acknowledge between gets the same again; it is
        skipped, and so that the effort stays in proportion, the next window is twice as large.
        """
        if self._slot.replication:
            yield from self._streamed(limit, 0.0)
            return
        count = WINDOW
        while True:
            with closing(self._slot.peek(self._position.oid, limit, count)) as window:
                yield from self._told(window)
            if window.total < count:
                return
            if self._teller.end > self._position.end:
                yield self._moved(self._teller.end)
            count = WINDOW if self._slot.acked >= self._position.end else count * 2

    def _moved(self, end: int) -> Batch:
        """The position alone, past what is not ours."""
        self._teller.end = end
        self._position = replace(self._position, end=end, within=None, more=False)
        return self._kept(Batch([], self._position.to_json(), snapshot=False, exact=True))

    def _kept(self, batch: Batch) -> Batch:
        """The batch; an open stream goes on from it."""
        if self._slot.stream is not None:
            self._slot.stream.reached = batch.position
        return batch

    def _told(self, window: Iterable[bytes]) -> Iterator[Batch]:
        """A window as batches; each but the last says that more is coming."""
        held: Part | None = None
        try:
            for part in self._teller.parts(window):
                if held is not None:
                    yield self._batch_of(held, more=True)
                held = part
        except Gap:
            if held is not None:
                yield self._batch_of(held, more=False)
            raise
        if held is not None:
            yield self._batch_of(held, more=False)

    def _batch_of(self, part: Part, *, more: bool) -> Batch:
        unseen = self._position.unseen
        if self._position.phase == "snapshot":
            now = self._slot.now()
            unseen = tuple(xid for xid in (*unseen, *part.xids) if not now.sees(xid))
        if self._pending:
            for change in part.changes:
                self._pending.pop(change.key, None)
        self._position = replace(self._position, end=part.end, within=part.within, unseen=unseen, more=more)
        return Batch(
            part.changes,
            self._position.to_json(),
            snapshot=False,
            exact=True,
            memory={} if part.shape is None else {MEMORY: part.shape},
            drift=part.drift,
        )

    def _stand(self, keys: Sequence[tuple[str | None, ...]]) -> dict[Any, dict[str, Any]]:
        """The rows of these keys as they stand now."""
        if len(self._key) == 1:
            wheres = [
                [Condition(self._key[0], "in", tuple(str(key[0]) for key in keys[at : at + 200]), exact=True)]
                for at in range(0, len(keys), 200)
            ]
        else:
            wheres = [
                [Condition(part, "eq", (str(text),), exact=True) for part, text in zip(self._key, key, strict=True)]
                for key in keys
            ]
        found: dict[Any, dict[str, Any]] = {}
        order = [Ordered(part) for part in self._key]
        for where in wheres:
            read, raws = self._reader.rows(order, where=where, limit=len(keys))
            found.update(zip((read.place(raw) for raw in raws), read.rows(raws), strict=True))
        return found


def acknowledge(slot: Slot, told: str) -> None:
    """All up to the position is kept; the server may forget it. A position within a window moves nothing yet."""
    position = Position.from_json(told)
    if not position.more and position.end > slot.acked:
        slot.advance(position.system, position.end)
