"""A table's rows, then its changes by a column that grows: a timestamp, a sequence, a row version.

The snapshot goes along the key, in pages. Before it starts, the column's highest value is noted; all that grows past it
while the snapshot runs is read afterwards. Then each poll reads ``(column, key) > (last value, last key)`` up to the
highest value that stood when the poll began, so that a poll ends however fast others write.

Ties: a clock that ticks in seconds gives many rows one value, and a row can get it after the others were read. So each
poll begins with the rows of the last value again and leaves out those that were delivered, which it knows by a hash of
their content. Of more than `TIES_MAX` such rows only the number is kept; if it grows, all of them are told again.

Transactions: one that is open may still commit a value behind the highest one (:mod:`adapters.horizon`). Where the
database tells which are open, a poll reads no further than to what was the highest value when all that were open then
have ended, and a snapshot begins when they have. Where it does not tell, each poll begins so much before the last value
as the option `overlap` says, and leaves out the rows that it knows (:mod:`adapters.overlap`).

What a column cannot tell: deleted rows, and rows without a value in it. A row with a date far in the future stops the
column from telling anything.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from adapters.errors import Stop
from adapters.model import Batch, Change
from adapters.overlap import Overlap, Window
from adapters.reading import cut, places_of, row_hash
from adapters.statements import Condition, Ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.horizon import Horizon, Open
    from adapters.model import Column
    from adapters.outbox import Outbox
    from adapters.statements import Clause, Raw, Read


TIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Ties:
    """The rows already delivered at the highest watermark value: how many, and their hashes (64 bits each).

    A clock that ticks in seconds gives many rows one value, and some get it after the others were read. Beyond
    `TIES_MAX` rows only their number is kept: a table that was loaded in one go has one value in all of its rows.
    """

    count: int = 0
    hashes: tuple[int, ...] = ()

    def plus(self, row: int) -> Ties:
        """These and one more row, by its hash."""
        return Ties(self.count + 1, (*self.hashes, row) if self.count < TIES_MAX else ())

    @property
    def by_content(self) -> bool:
        """Whether each row is known, not their number alone."""
        return self.count <= TIES_MAX


class Pending(NamedTuple):
    """A value that was the highest, and the transactions that were open then."""

    value: str
    open: Open


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table's changes have been read. Opaque to everybody else: keep :meth:`to_json`, give it back.

    `pending` is a value that is read up to when the transactions that were open then have ended; `window` is what is
    known of the rows where polls overlap.

    In the phase ``snapshot``, `key` is the last key delivered and `value` the watermark that stood when the snapshot
    began. In the phase ``changes``, all up to `value` (and, there, up to `key`) is delivered; `key` is None when the
    last poll was read to its end.
    """

    phase: Literal["snapshot", "changes", "done"]
    keyed_by: tuple[str, ...]
    column: str | None = None
    value: str | None = None
    key: tuple[str | None, ...] | None = None
    ties: Ties = field(default_factory=Ties)
    pending: Pending | None = None
    window: Window | None = None

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        parts: dict[str, Any] = {
            "phase": self.phase,
            "keyed_by": self.keyed_by,
            "column": self.column,
            "value": self.value,
            "key": self.key,
            "ties": [self.ties.count, *(f"{row:016x}" for row in self.ties.hashes)],
        }
        if self.pending is not None:
            parts["pending"] = [self.pending.value, *self.pending.open]
        if self.window is not None:
            parts["window"] = [*self.window]
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Position:
        """The position that :meth:`to_json` wrote.

        Raises:
            Stop: The text is something else.
        """
        try:
            parts = json.loads(text)
            count, *hashes = parts["ties"]
            pending, window = parts.get("pending"), parts.get("window")
            position = cls(
                phase=parts["phase"],
                keyed_by=tuple(parts["keyed_by"]),
                column=parts["column"],
                value=parts["value"],
                key=None if parts["key"] is None else tuple(parts["key"]),
                ties=Ties(int(count), tuple(int(row, 16) for row in hashes)),
                pending=None if pending is None else Pending(pending[0], tuple(pending[1:])),
                window=None if window is None else Window.of(*window),
            )
        except (ValueError, TypeError, KeyError, IndexError):
            position = None
        if position is None or position.phase not in ("snapshot", "changes", "done"):
            raise Stop(
                f"this is not a position of a table: {text[:80]!r}",
                "Give back what Position.to_json wrote, or none to begin with a snapshot",
            )
        return position


class Reader(Protocol):
    """What reads one table for us."""

    def rows(
        self,
        order: Sequence[Ordered],
        *,
        where: Sequence[Condition | Clause] = (),
        after: Raw | None = None,
        beside: Column | None = None,
        limit: int,
    ) -> tuple[Read, list[Raw]]:
        """Up to `limit` rows beyond `after`."""

    def count(self, where: Sequence[Condition]) -> int:
        """How many rows there are."""


class Watermark:
    """The changes of one table from a position on; :meth:`batches` is all there is to it.

    `below` are conditions that everything read by the column fulfils. `pause` waits for some seconds.
    """

    def __init__(
        self,
        reader: Reader,
        key: Sequence[Column],
        column: Column | None,
        batch: int,
        *,
        horizon: Horizon | None = None,
        below: Sequence[Clause] = (),
        overlap: Overlap | None = None,
        outbox: Outbox | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = reader
        self._key = tuple(Ordered(part) for part in key)
        self._names = tuple(part.name for part in key)
        self._column = column
        self._batch = batch
        self._horizon = horizon
        self._below = tuple(below)
        self._overlap = overlap
        self._outbox = outbox
        self._pause = pause

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What is new since the position, oldest first; ends when all that stood at the beginning is told."""
        position = None if told is None else Position.from_json(told)
        if position is not None:
            self._same_question(position)
        if self._column is None:
            position = None if position is None or position.phase == "done" else position
            yield from self._snapshot(position)
        elif position is None or position.phase == "snapshot":
            yield from self._snapshot(position)
        else:
            yield from self._poll(self._column, position)

    def _same_question(self, position: Position) -> None:
        """A position says nothing about another column or key."""
        column = self._column.name if self._column else None
        if position.column != column or position.keyed_by != self._names:
            raise Stop(
                f"the position was reached by column {position.column!r} and key {list(position.keyed_by)},"
                f" not by column {column!r} and key {list(self._names)}",
                "Forget the position, so that a new snapshot is taken, or configure what it was",
            )

    def _snapshot(self, position: Position | None) -> Iterator[Batch]:
        start = position or Position("snapshot", self._names, self._column.name if self._column else None)
        if position is None or position.pending is not None:
            start = self._begun(start)
            if start.pending is not None:
                if start != position:
                    yield Batch([], start.to_json(), snapshot=True)
                return
        key, ties = start.key, start.ties
        while True:
            read, raws = self._reader.rows(self._key, after=key, beside=self._column, limit=self._batch + 1)
            more, raws = len(raws) > self._batch, cut(read, raws, self._key, self._batch)
            if not raws and key is None:
                return  # an empty table has no position: its first rows will be a snapshot too
            if self._column is not None and start.value is not None:
                for raw, place in zip(raws, places_of(read, raws), strict=True):
                    if place[-1] == start.value:
                        ties = ties.plus(row_hash(read, raw))
            if raws:
                key = read.place(raws[-1])[: len(self._key)]
            reached = Position("snapshot", self._names, start.column, start.value, key, ties)
            if not more:
                reached = self._snapshot_done(start.value, ties)
            if raws or not more:
                yield Batch(self._changes(read, raws, 0), reached.to_json(), snapshot=True)
            if not more:
                return

    def _begun(self, position: Position) -> Position:
        """Where the changes will go on after a snapshot: it waits for the transactions that are open now."""
        if position.pending is not None:
            if self._horizon is None or self._horizon.ended(position.pending.open):
                return replace(position, value=position.pending.value, pending=None)
            return position
        highest = self._highest()
        pending = self._open_beside(highest)
        return replace(position, pending=pending) if pending is not None else replace(position, value=highest)

    def _open_beside(self, highest: str | None) -> Pending | None:
        """What has to be waited for before all up to a value that was the highest a moment ago can be seen."""
        if highest is None or self._horizon is None:
            return None
        if self._horizon.late_seconds:
            self._pause(self._horizon.late_seconds)
        open_ = self._horizon.open()
        return Pending(highest, open_) if open_ else None

    def _changes(self, read: Read, raws: list[Raw], first: int) -> list[Change]:
        """Rows as they stand, each with its key, which begins at `first` of its place."""
        if self._outbox is not None:
            return self._outbox.changes(read, raws)
        keys = (place[first : first + len(self._key)] for place in places_of(read, raws))
        return [Change("put", key, row) for key, row in zip(keys, read.rows(raws), strict=True)]

    def _snapshot_done(self, value: str | None, ties: Ties) -> Position:
        if self._column is None:
            return Position("done", self._names)
        return Position("changes", self._names, self._column.name, value, None, ties)

    def _highest(self) -> str | None:
        """The exact text of the column's highest value."""
        if self._column is None:
            return None
        read, raws = self._reader.rows(
            [Ordered(self._column, descending=True)],
            where=[Condition(self._column, "notnull"), *self._below],
            limit=1,
        )
        return read.place(raws[0])[0] if raws else None

    def _poll(self, column: Column, position: Position) -> Iterator[Batch]:
        highest, pending = self._reach(position)
        if highest is None:
            if pending != position.pending:
                yield Batch([], replace(position, pending=pending).to_json(), snapshot=False)
            return
        order = (Ordered(column), *self._key)
        if self._overlap is not None:
            yield from self._overlap.poll(self._reader, order, position, highest, self._batch, self._changes, pending)
            return
        where, after = self._begin(column, position)
        where.append(Condition(column, "lte", (highest,), exact=True))
        told = frozenset(position.ties.hashes)
        value, ties = position.value, position.ties
        while True:
            read, raws = self._reader.rows(order, where=where, after=after, limit=self._batch + 1)
            more, raws = len(raws) > self._batch, cut(read, raws, order, self._batch)
            fresh = []
            for raw in raws:
                after, hashed = read.place(raw), row_hash(read, raw)
                if after[0] == position.value and hashed in told:
                    continue
                if after[0] != value:
                    value, ties = after[0], Ties()
                ties = ties.plus(hashed)
                fresh.append(raw)
            key = after[1:] if after is not None and more else None
            # What was waited for stays ended, so that a stop between two batches need not wait again.
            reached = Position(
                "changes", self._names, column.name, value, key, ties, position.pending if more else pending
            )
            if fresh or (not more and pending != position.pending):
                yield Batch(self._changes(read, fresh, 1), reached.to_json(), snapshot=False)
            if not more:
                return

    def _reach(self, position: Position) -> tuple[str | None, Pending | None]:
        """Up to which value a poll may read, if any, and what to wait for before the next."""
        if self._horizon is None:
            return self._highest(), None
        reached = None
        if position.pending is not None:
            if not self._horizon.ended(position.pending.open):
                return None, position.pending
            reached = position.pending.value
        highest = self._highest()
        if highest is None or highest == (reached or position.value):
            return highest, None
        pending = self._open_beside(highest)
        return (highest, None) if pending is None else (reached, pending)

    def _begin(self, column: Column, position: Position) -> tuple[list[Condition], Raw | None]:
        """Where a poll begins: the conditions, and the place that lies behind it."""
        value, ties = position.value, position.ties
        if value is None:
            return [Condition(column, "notnull")], None
        if ties.by_content:
            return [Condition(column, "gte", (value,), exact=True)], None
        if position.key is not None:
            return [], (value, *position.key)
        grown = self._reader.count([Condition(column, "eq", (value,), exact=True)]) > ties.count
        return [Condition(column, "gte" if grown else "gt", (value,), exact=True)], None
