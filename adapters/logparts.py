"""Messages of PostgreSQL's log become changes of one table, in parts: whole transactions, or pieces of a huge one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.errors import Gap, Stop
from adapters.logrows import shape_of
from adapters.model import Change
from adapters.pgoutput import UNCHANGED, Begin, Commit, Delete, Insert, Relation, Truncate, Update, decode, lsn_text
from adapters.replication import identifier
from adapters.slotchecks import NEW_SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from adapters.logrows import Shape
    from adapters.model import Table
    from adapters.pgoutput import Cells
    from adapters.slots import Server

    Stand = Callable[[Sequence[tuple[Any, ...]]], dict[Any, dict[str, Any]]]

BATCH_BYTES = 4 << 20
PARTS = 10
"""A transaction is told in parts beyond so many batches, or so many times `BATCH_BYTES`."""

MEMORY = "log/shape"
"""The note that holds the table's shape as it was told last."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some changes and where they end. `drift` and `shape` tell of a new shape of the table."""

    changes: list[Change]
    end: int
    within: tuple[int, int, int] | None
    xids: tuple[int, ...]
    drift: tuple[str, ...]
    shape: bytes | None


class Teller:
    """Reads windows of messages one after another. `end` is up to where all is told.

    `within` is a transaction that is told in part: where its commit stands, how many of its changes, its number.
    `stand` reads rows as they are now, for long values that were not sent. `shape` is the note that was kept last.
    """

    def __init__(
        self,
        server: Server,
        table: Table,
        key: Sequence[str],
        *,
        oid: int,
        end: int,
        within: tuple[int, int, int] | None,
        batch: int,
        stand: Stand,
        shape: bytes | None,
    ) -> None:
        self.end = end
        self.batch = batch
        self.stand = stand
        self._server = server
        self._table = table
        self._key = tuple(key)
        self._oid = oid
        self._within = within
        self._fields = None if shape is None else tuple((name, kind) for name, kind in json.loads(shape))
        self._shapes: dict[Relation, Shape] = {}
        self._relation: Relation | None = None
        self._shape: Shape | None = None
        self._midst = (True, 0, 0, "", Begin(0, 0, 0), False)
        self._lacking: list[tuple[dict[str, Any], tuple[Any, ...]]] = []
        self._changes: list[Change] = []
        self._drift: tuple[str, ...] = ()
        self._note: bytes | None = None
        self._xids: list[int] = []
        self._bytes = 0

    def parts(self, window: Iterable[bytes], *, eager: bool = False) -> Iterator[Part]:
        """The changes that are not told yet; `eager` does not wait for more than a buffer holds.

        Raises:
            Gap: The table was emptied by TRUNCATE; what came before has been given.
            Stop: A change without its key.
        """
        oid, most, new = self._oid, self.batch * PARTS, tuple.__new__
        skip, ordinal, told, place, begun, within = self._midst
        changes, shape = self._changes, self._shape
        for buffer in window:
            self._bytes += len(buffer)
            most_now = most if self._bytes < BATCH_BYTES * PARTS else 1
            for event in decode(buffer):
                kind = type(event)
                if kind is Insert or kind is Update or kind is Delete:
                    if skip or event[0] != oid:
                        continue
                    if shape is None:
                        shape = self._shaped()
                    ordinal += 1
                    if kind is Insert:
                        if ordinal > told:
                            cells: Cells = event[1]  # type: ignore[assignment]
                            key = shape.key(cells)
                            changes.append(new(Change, ("insert", key, shape.row(cells), None, f"{place}{ordinal}")))
                    else:
                        found = (
                            self._updated(shape, event, place, ordinal)  # type: ignore[arg-type]
                            if kind is Update
                            else [_deleted(shape, event, place, ordinal)]  # type: ignore[arg-type]
                        )
                        if ordinal > told:
                            changes += found
                        ordinal += len(found) - 1
                    if len(changes) >= most_now:
                        self._within = (begun.commit, ordinal, begun.xid)
                        yield self._part()
                        changes, most_now = self._changes, most
                elif kind is Begin:
                    begun, within = event, True  # type: ignore[assignment]
                    # A commit begins after the end of the one before, so that what is told can be known at once.
                    skip = begun.commit < self.end
                    ordinal, place = 0, f"{lsn_text(begun.commit)}:"
                    told = self._within[1] if self._within and self._within[0] == begun.commit else 0
                    if not skip:
                        self._xids.append(begun.xid)
                elif kind is Commit:
                    within = False
                    if not skip:
                        self.end, self._within = event.end, None  # type: ignore[union-attr]
                    if len(changes) >= self.batch or (changes and self._bytes >= BATCH_BYTES):
                        yield self._part()
                        changes, most_now = self._changes, most
                elif kind is Relation:
                    if event.oid == oid:  # type: ignore[union-attr]
                        self._relation, self._shape, shape = event, None, None  # type: ignore[assignment]
                elif kind is Truncate and not skip and oid in event.oids:  # type: ignore[union-attr]
                    if changes:
                        self._within = (begun.commit, ordinal, begun.xid)
                        yield self._part()
                    raise Gap(
                        f"all rows of {self._table.name!r} were deleted at once (TRUNCATE at {place[:-1]}), and the log"
                        " does not say which",
                        NEW_SNAPSHOT,
                    )
            if eager and changes and not within:
                yield self._part()
                changes = self._changes
        # A stream may pause in the midst of a transaction; the rest comes with the next buffers.
        self._midst = skip, ordinal, told, place, begun, within
        if changes and not within:
            yield self._part()

    def _part(self) -> Part:
        if self._lacking:
            self._fill()
        part = Part(self._changes, self.end, self._within, tuple(self._xids), self._drift, self._note)
        self._changes, self._xids, self._bytes, self._drift, self._note = [], [], 0, (), None
        return part

    def _shaped(self) -> Shape:
        """The shape of the rows that follow; the first time it differs from the one before, it is told."""
        relation = self._relation
        assert relation is not None  # the protocol sends it before its first row
        shape = self._shapes.get(relation) or shape_of(self._server, relation, self._key)
        if shape is None:
            raise Stop(
                f"the log's rows of {self._table.name!r} lack a column of the key {list(self._key)}",
                "It was renamed or dropped, or the publication leaves it out: configure the key that there is, and"
                " forget the position",
            )
        self._shapes[relation] = self._shape = shape
        if shape.fields != self._fields:
            if self._fields is not None:
                self._drift += shape.differs(self._fields)
            self._fields = shape.fields
            self._note = json.dumps(shape.fields, ensure_ascii=False).encode()
        return shape

    def _updated(self, shape: Shape, event: Update, place: str, ordinal: int) -> list[Change]:
        """An update, or a delete and an insert where the key changed."""
        cells, old = event.new, event.old
        before = old_key = None
        if old is not None:
            if UNCHANGED in cells:
                sent = shape.identity if event.told == "K" else range(len(cells))
                for at in sent:
                    if cells[at] is UNCHANGED:
                        cells[at] = old[at]
            old_key = shape.key(old)
            before = shape.part(old) if event.told == "K" else shape.row(old)
        key = shape.key(cells)
        lacks = UNCHANGED in cells
        row = shape.row(cells)
        if lacks:
            if UNCHANGED in key:
                raise Stop(
                    f"the log does not tell the key of a changed row of {self._table.name!r}: it is too long",
                    f"Have the owner run: ALTER TABLE {identifier(self._table.schema)}.{identifier(self._table.local)}"
                    " REPLICA IDENTITY FULL;",
                )
            self._lacking.append((row, key))
        if old_key is not None and old_key != key:
            gone = Change("delete", old_key, None, before, f"{place}{ordinal}")
            return [gone, Change("insert", key, row, None, f"{place}{ordinal + 1}")]
        return [Change("update", key, row, before, f"{place}{ordinal}")]

    def _fill(self) -> None:
        """Long values that were not sent, from the rows as they stand now; without a row they are left out."""
        standing = self.stand(list(dict.fromkeys(key for _, key in self._lacking)))
        for row, key in self._lacking:
            now = standing.get(key, {})
            for name in [name for name, value in row.items() if value is UNCHANGED]:
                if name in now:
                    row[name] = now[name]
                else:
                    del row[name]
        self._lacking = []


def _deleted(shape: Shape, event: Delete, place: str, ordinal: int) -> Change:
    cells: Cells = event.old
    key = shape.key(cells)
    before = shape.part(cells) if event.told == "K" else shape.row(cells)
    return Change("delete", key, None, before, f"{place}{ordinal}")
