"""Events of MariaDB's or MySQL's log become changes of one table, in parts: transactions, or pieces of a huge one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from adapters.binlog import Begin, Commit, Decoder, Format, Gtids, Prepared, Query, Rotate, Rows, Strange, TableMap
from adapters.binlogrows import Misfit
from adapters.binlogshape import effect
from adapters.errors import Gap
from adapters.model import Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from adapters.binlog import Event
    from adapters.binlogrows import Row
    from adapters.binlogshape import Shape, Shapes

BATCH_BYTES = 4 << 20
PARTS = 10
"""A transaction is told in parts beyond so many batches, or so many times `BATCH_BYTES`."""

NEW_SNAPSHOT = "Changes between may be lost: forget the position, so that all rows are read again and compared"
ENDS = re.compile(r"(?i)\s*(COMMIT|ROLLBACK)\s*(/\*.*\*/)?\s*")


class Place(NamedTuple):
    """A place in the log."""

    file: str
    at: int

    @property
    def order(self) -> tuple[int, int]:
        """Which of two places is further on: files are numbered, and their numbers grow longer."""
        return int(self.file.rpartition(".")[2]), self.at

    def __str__(self) -> str:
        return f"{self.file}:{self.at}"


@dataclass(frozen=True, slots=True)
class Part:
    """Some changes and where they end. `born` is when that file was made. `drift` and `shape` tell of a new shape."""

    changes: list[Change]
    end: Place
    born: int
    within: tuple[int, int] | None
    gtids: tuple[str, ...]
    drift: tuple[str, ...]
    shape: Shape | None


class Teller:
    """Reads the log from a place on. `end` is up to where all is told, `born` when its file was made.

    `within` is a transaction that is told in part: where it begins, and how many of its changes. `later` gives the
    shape that the table has from a statement on which ends at the given place, None where nobody can know it.
    """

    def __init__(
        self,
        shapes: Shapes,
        ours: tuple[str, str],
        *,
        folded: bool,
        end: Place,
        born: int,
        within: tuple[int, int] | None,
        gtids: tuple[str, ...],
        shape: Shape,
        later: Callable[[Place], Shape | None],
        batch: int,
    ) -> None:
        self.end = end
        self.born = born
        self._shapes = shapes
        self._ours = ours
        self._folded = folded
        self._within = within
        self._gtids = {gtid.rpartition(":")[0] or gtid.partition("-")[0]: gtid for gtid in gtids}
        self._shape: Shape | None = shape
        self._known = shape
        self._later = later
        self._batch = batch
        self._changes: list[Change] = []
        self._bytes = 0
        self._drift: tuple[str, ...] = ()
        self._note: Shape | None = None

    def parts(self, packets: Iterable[bytes], limit: Place) -> Iterator[Part]:
        """The changes that are not told yet, of transactions that end at or before `limit`.

        Raises:
            Gap: The log does not tell all; what came before has been given.
        """
        decoder, most = Decoder(), self._batch * PARTS
        readers: dict[int, TableMap | None] = {}
        file, last, first = self.end.file, self.end.at, True
        begun: Begin | None = None
        start = ordinal = told = mark = 0
        place, stop = "", limit.order
        for packet in packets:
            event = decoder.event(packet)
            if decoder.end:
                # The server keeps 32 bits of it; a transaction may be larger.
                last = decoder.end if decoder.end >= last & 0xFFFFFFFF else decoder.end + (1 << 32)
            kind = type(event)
            if event is None or kind is Format or kind is Gtids:
                if kind is Format:
                    readers.clear()
                first = self._described(event, file, first=first)
                # A file begins with events of its own, and the log may end behind them.
                if begun is None and decoder.end:
                    self.end = Place(file, last)
                    if self.end.order >= stop:
                        break
                continue
            if kind is Rows:
                table = readers.get(event.number)  # type: ignore[union-attr]
                if table is None:
                    continue
                before = ordinal
                ordinal = self._rows(event, table, place, ordinal, told)  # type: ignore[arg-type]
                self._bytes += len(packet) if ordinal > max(before, told) else 0
                if len(self._changes) >= most or self._bytes >= BATCH_BYTES * PARTS:
                    self._within = (start, ordinal)
                    yield self._part()
                    mark = 0
            elif kind is TableMap:
                readers[event.number] = event if self._is_ours(event) else None  # type: ignore[union-attr,arg-type,assignment]
            elif kind is Commit or (kind is Query and begun is not None and ENDS.fullmatch(event.sql)):  # type: ignore[union-attr]
                if kind is Query and event.sql.upper().strip().startswith("ROLLBACK"):  # type: ignore[union-attr]
                    yield from self._undone(mark, place)
                self._ended(Place(file, last), begun)
                begun, mark, ordinal, told = None, len(self._changes), 0, 0
                if mark >= self._batch or self._bytes >= BATCH_BYTES:
                    yield self._part()
                    mark = 0
                if self.end.order >= stop:
                    break
            elif kind is Begin:
                begun = event  # type: ignore[assignment]
                start, ordinal, mark = event.start, 0, len(self._changes)  # type: ignore[union-attr]
                told = self._within[1] if self._within and self._within[0] == start else 0
                place = f"{file}:{start}:"
            elif kind is Query:
                opens = event.sql.upper() == "BEGIN" or event.sql.startswith("XA START")  # type: ignore[union-attr]
                if opens and begun is not None:
                    begun = begun._replace(alone=False)
                    continue
                if opens:
                    begun = Begin("", alone=False, start=event.start)  # type: ignore[union-attr]
                    start, ordinal, mark = begun.start, 0, len(self._changes)
                    told = self._within[1] if self._within and self._within[0] == start else 0
                    place = f"{file}:{start}:"
                    continue
                yield from self._statement(event, Place(file, last))  # type: ignore[arg-type]
                if begun is None or begun.alone:
                    self._ended(Place(file, last), begun)
                    begun, mark = None, len(self._changes)
                    if self.end.order >= stop:
                        break
            elif kind is Rotate:
                if event.file != file:  # type: ignore[union-attr]
                    yield from self._cut(begun, mark)
                    begun, file, last = None, event.file, event.place  # type: ignore[union-attr]
                    self.end = Place(file, last)
                    if self.end.order >= stop:
                        break
            elif kind is Prepared:
                if ordinal:
                    yield from self._told(mark)
                    raise Gap(
                        f"rows of {self._ours[1]!r} were changed in a transaction of two phases (XA, at {place[:-1]}),"
                        " and whether it happened is said elsewhere in the log",
                        NEW_SNAPSHOT,
                    )
                self._ended(Place(file, last), begun)
                begun = None
            elif kind is Strange:
                yield from self._told(mark)
                raise Gap(f"the log holds what cannot be told row by row: {event.what}", NEW_SNAPSHOT)  # type: ignore[union-attr]
        if begun is not None:
            del self._changes[mark:]
        if self._changes or self._note is not None:
            yield self._part()

    def _is_ours(self, event: TableMap) -> bool:
        found = (event.schema, event.table)
        return found == self._ours or (
            self._folded and [part.casefold() for part in found] == [part.casefold() for part in self._ours]
        )

    def _rows(self, event: Rows, table: TableMap, place: str, ordinal: int, told: int) -> int:
        """Add the rows' changes; returns the number of the last one in its transaction."""
        rows = self._images(event, table)
        add = self._changes.append
        if event.verb == "insert":
            for key, row in rows:
                ordinal += 1
                if ordinal > told:
                    add(Change("insert", key, row, None, f"{place}{ordinal}"))
        elif event.verb == "delete":
            for key, row in rows:
                ordinal += 1
                if ordinal > told:
                    add(Change("delete", key, None, row, f"{place}{ordinal}"))
        else:
            images = iter(rows)
            for (old, before), (key, row) in zip(images, images, strict=True):
                ordinal += 1
                if old == key:
                    if ordinal > told:
                        add(Change("update", key, row, before, f"{place}{ordinal}"))
                    continue
                if ordinal > told:
                    add(Change("delete", old, None, before, f"{place}{ordinal}"))
                ordinal += 1
                if ordinal > told:
                    add(Change("insert", key, row, None, f"{place}{ordinal}"))
        return ordinal

    def _images(self, event: Rows, table: TableMap) -> list[Row]:
        try:
            if self._shape is None:
                # Another statement changed the table later, and the catalogue knows that shape only. Names may tell.
                if not table.names:
                    raise Misfit(  # noqa: TRY301 - one answer to all that does not fit
                        "the table was changed again later, and the names of its columns between are not known"
                    )
                self._shape = self._known = self._note = self._shapes.now()
            if event.present != event.after:
                raise Misfit(  # noqa: TRY301 - as above
                    "a session wrote rows without all of their columns (binlog_row_image is not FULL)"
                )
            reader = self._shapes.reader(self._shape, table, event.present)
            return reader(event.content, event.start, event.end)
        except (Misfit, ValueError, IndexError, ArithmeticError) as error:
            raise Gap(
                f"rows of {self._ours[1]!r} in the log after {self.end} cannot be understood: {error}",
                f"{NEW_SNAPSHOT}. SET GLOBAL binlog_row_metadata = 'FULL' has the log tell the names of columns",
            ) from None

    def _statement(self, event: Query, end: Place) -> Iterator[Part]:
        """A statement that stands in the log as such."""
        does = effect(event.sql, event.schema, self._ours, folded=self._folded)
        if not does:
            return
        shown = re.sub(r"\s+", " ", event.sql)[:120]
        if does == "shape":
            self._shape = self._later(end)
            if self._shape is not None and self._shape != self._known:
                self._drift += (*self._shape.differs(self._known), f"by: {shown}")
                self._known = self._note = self._shape
            return
        yield from self._told(len(self._changes))
        why = "rows went without the log telling which" if does == "gone" else "a statement was logged instead of rows"
        raise Gap(f"{why} of {self._ours[1]!r} (before {end}: {shown!r})", NEW_SNAPSHOT)

    def _ended(self, end: Place, begun: Begin | None) -> None:
        self.end, self._within = end, None
        if begun is not None and begun.gtid:
            self._gtids[begun.gtid.rpartition(":")[0] or begun.gtid.partition("-")[0]] = begun.gtid

    def _undone(self, mark: int, place: str) -> Iterator[Part]:
        if self._within is not None:
            yield from self._told(mark)
            raise Gap(f"a transaction was undone (at {place[:-1]}) after its first part had been told", NEW_SNAPSHOT)
        del self._changes[mark:]

    def _cut(self, begun: Begin | None, mark: int) -> Iterator[Part]:
        """A file ends in the midst of a transaction: the server broke down, and undid it when it came back."""
        if begun is None:
            return
        told = self._within is not None
        yield from self._told(mark)
        if told:
            raise Gap("the server broke down in a transaction whose first part had been told", NEW_SNAPSHOT)

    def _told(self, mark: int) -> Iterator[Part]:
        """What was gathered of whole transactions, before something is raised."""
        del self._changes[mark:]
        if self._changes:
            yield self._part()

    def _described(self, event: Event, file: str, *, first: bool) -> bool:
        """What a file says of itself; returns whether its format is still to come."""
        if isinstance(event, Gtids):
            for gtid in event.gtids:
                self._gtids[gtid.partition("-")[0]] = gtid
        if not isinstance(event, Format):
            return first
        if first and self.born and event.born != self.born:
            raise Gap(
                f"the file {file!r} of the log is another one of the same name (RESET MASTER, or another server)",
                NEW_SNAPSHOT,
            )
        self.born = event.born
        return False

    @property
    def gtids(self) -> tuple[str, ...]:
        """The last transaction of each domain, or of each server, at `end`."""
        return tuple(self._gtids[name] for name in sorted(self._gtids))

    def _part(self) -> Part:
        part = Part(
            self._changes,
            self.end,
            self.born,
            self._within,
            self.gtids,
            self._drift,
            self._note,
        )
        self._changes, self._bytes, self._drift, self._note = [], 0, (), None
        return part
