"""A table of SQL Server by change data capture: every insert, update and delete, in the order of the commits.

A job of the server reads its log some seconds behind, and writes the changes of a table into a change table of its own
(a capture instance), from where they are read with ``cdc.fn_cdc_get_all_changes_…`` up to where the log is captured.
Each change has a place: the commit's place in the log, one within the transaction, and what happened (1 delete, 2
insert, 3 and 4 the row before and after an update). All is read in the order of these, and the place of the last change
that was told is where the next look goes on, also in the middle of a transaction.

Without gap or overlap, though the capture runs behind: where it stood is noted first, and then the rows are read along
the key in chunks. What was committed while they were read may be captured long after, and would take a row back to
what it was. So the changes up to the snapshot's end are told when all of them are captured, and of each row only the
last one (the phase ``catch_up``): it is what was read, or newer. From there on, each change is told.

What cannot be told: columns that are not captured, and computed ones, which are left out everywhere. Of what a row was
before, ``text``, ``ntext`` and ``image`` are left out, and other long values where an update did not touch them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from adapters.dialects import native_word
from adapters.errors import Gap, Stop, nearest
from adapters.model import Batch, Change, Column, Table
from adapters.sqlserverparts import (
    CDC_RIGHTS,
    NEW_SNAPSHOT,
    Server,
    chunk,
    from_json,
    not_a_position,
    same_question,
    to_json,
    unforked,
)
from adapters.statements import Condition, Ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.sqlserverparts import Captured, TableReader
    from adapters.statements import Raw, Read

KIND = "cdc"
NOWHERE = "0" * 20
DELETE, INSERT, BEFORE, AFTER = "1", "2", "3", "4"

COMMIT = Column("__$start_lsn", "binary(10)", "binary", nullable=False)
SEQUENCE = Column("__$seqval", "binary(10)", "binary", nullable=False)
OPERATION = Column("__$operation", "int", "int", nullable=False, bind_as="bigint")
PLACE = (COMMIT, SEQUENCE, OPERATION)
RANK = Column("__$rank", "bigint", "int", nullable=False, bind_as="bigint")

NEVER_BEFORE = frozenset({"text", "ntext", "image"})
"""Long values of the old kind: a row that was has none of them."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table is told. Opaque to everybody else.

    All that was committed up to `end` is told, a place of 20 hexadecimal digits. `within` is the last change that is
    told of what comes after it: its place and key. `seen` is how far the log was captured when we last looked. In the
    phase ``snapshot``, `key` is the last key read; in the phase ``catch_up``, `until` is the server's time at the
    snapshot's end, and `limit` a place after it, once one is captured. `missing` are the columns that are not captured.
    """

    phase: Literal["snapshot", "catch_up", "stream"]
    table: str
    number: str
    fork: str
    keyed_by: tuple[str, ...]
    instance: str
    end: str
    seen: str
    within: tuple[str | None, ...] | None = None
    key: tuple[str | None, ...] | None = None
    until: str = ""
    limit: str = ""
    missing: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        return to_json(KIND, self)

    @classmethod
    def from_json(cls, text: str) -> Position:
        """The position that :meth:`to_json` wrote.

        Raises:
            Stop: The text is something else.
        """
        parts = from_json(KIND, text)
        known = parts.get("phase") in ("snapshot", "catch_up", "stream")
        if not known or parts.keys() != cls.__dataclass_fields__.keys():
            raise not_a_position(text)
        if not all(is_place(parts[name]) for name in ("end", "seen", "limit") if parts[name] or name != "limit"):
            raise not_a_position(text)
        return cls(**parts)


class ChangeCapture:
    """The changes of one table from a position on; see :meth:`batches`."""

    def __init__(self, reader: TableReader, key: Sequence[Column], instance: str, batch: int) -> None:
        self._reader = reader
        self._server = Server(reader)
        self._table = reader.table
        self._key = tuple(key)
        self._names = tuple(part.name for part in key)
        self._instance = instance
        self._batch = batch
        self._columns: tuple[Column, ...]
        self._position: Position

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What is new since the position, oldest first; ends when all that is captured by now is told.

        Raises:
            Stop: The owner must do something first, or the position belongs to something else.
            Gap: Changes since the position may be lost.
        """
        position = None if told is None else Position.from_json(told)
        if position is not None:
            same_question(self._table, self._names, position.table, position.keyed_by)
            unforked(self._server, position.fork)
        found = self._captured(position)
        self._columns = self._shown(found.instance)
        missing = tuple(each.name for each in self._table.columns if each not in self._columns)
        if position is None:
            self._position = self._begun(found, missing)
        else:
            self._position = position
            self._unbroken(found)
            if missing != position.missing:
                yield self._drifted(missing)
        if self._position.phase == "snapshot":
            yield from self._snapshot(missing)
            found = self._captured(self._position)
        if self._position.phase == "catch_up":
            yield from self._catch_up(found)
        if self._position.phase == "stream":
            yield from self._stream(found)

    # What there is ----------------------------------------------------------------------------------------------------

    def _captured(self, position: Position | None) -> Captured:
        """The capture instance that is followed: the one of the position, the one that is named, or the only one."""
        there_are = self._server.captured()
        wanted = position.instance if position else self._instance
        if position and self._instance and self._instance != position.instance:
            raise Stop(
                f"the position belongs to the capture instance {position.instance!r}, not to {self._instance!r}",
                "Forget the position, so that a new snapshot is taken, or configure what it was",
            )
        found = [each for each in there_are if each.instance == wanted or not wanted]
        if position and not found:
            raise Gap(f"the capture instance {wanted!r} is gone", NEW_SNAPSHOT)
        if not found:
            raise Stop(
                f"the table {self._table.name!r} has no capture instance{f' {wanted!r}' if wanted else ''}",
                nearest(wanted, [each.instance for each in there_are]) if there_are else CDC_RIGHTS,
            )
        if len(found) > 1:
            raise Stop(
                f"the table {self._table.name!r} has {len(found)} capture instances",
                f"Name one of them with the option 'instance': {', '.join(each.instance for each in found)}",
            )
        if found[0].least in ("", NOWHERE):
            raise Stop(f"this login may not read what {found[0].instance!r} captures", CDC_RIGHTS)
        return found[0]

    def _shown(self, instance: str) -> tuple[Column, ...]:
        """The columns that are told: as the table has them, or as they were captured where it has them no more."""
        of = {column.name: column for column in self._table.columns}
        dialect = self._reader.dialect
        columns = tuple(
            of.get(name) or Column(name, native, dialect.classify(native))
            for name, native, computed in self._server.columns(instance)
            if not computed
        )
        lacking = sorted(set(self._names) - {column.name for column in columns})
        if lacking:
            raise Stop(
                f"the capture instance {instance!r} has no column {lacking[0]!r}, which is part of the key",
                f"Have the owner capture it, or name another key. {CDC_RIGHTS}",
            )
        return columns

    def _begun(self, found: Captured, missing: tuple[str, ...]) -> Position:
        reached = found.reached or NOWHERE
        return Position(
            phase="snapshot",
            table=f"{self._table.schema}.{self._table.local}",
            number=found.table,
            fork=self._server.fork(),
            keyed_by=self._names,
            instance=found.instance,
            end=max(reached, stepped(found.least, -1)),
            seen=reached,
            missing=missing,
        )

    def _unbroken(self, found: Captured) -> None:
        """Whether all that was captured since the position is still there.

        Raises:
            Gap: It is not.
        """
        position, name = self._position, self._table.name
        if found.table != position.number:
            raise Gap(f"the table {name!r} was dropped and made anew", NEW_SNAPSHOT)
        if (found.reached or NOWHERE) < position.seen:
            raise Gap(
                f"the log is captured up to {found.reached}, and was up to {position.seen}: the database was restored,"
                " or is another one",
                NEW_SNAPSHOT,
            )
        if found.least > stepped(position.end, 1):
            raise Gap(
                f"{found.instance!r} tells of the changes of {name!r} from {found.least} on, and the position is"
                f" {position.end}: they were cleaned up, or the instance was made anew",
                f"{NEW_SNAPSHOT}. Where they were cleaned up, have the owner raise the retention (sp_cdc_change_job)",
            )

    def _drifted(self, missing: tuple[str, ...]) -> Batch:
        """A changed set of columns that are not captured."""
        then, now = set(self._position.missing), set(missing)
        self._position = replace(self._position, missing=missing)
        instance = self._position.instance
        told = [f"column {name} is in the table, and {instance!r} does not capture it" for name in now - then]
        told += [f"column {name}, which was not captured, is gone" for name in then - now]
        return Batch([], self._position.to_json(), snapshot=False, exact=True, drift=tuple(sorted(told)))

    # The snapshot -----------------------------------------------------------------------------------------------------

    def _snapshot(self, missing: tuple[str, ...]) -> Iterator[Batch]:
        more = True
        while more:
            changes, key = chunk(self._reader, self._key, self._position.key, self._batch, frozenset(missing))
            found = self._captured(self._position)
            self._unbroken(found)
            more = key is not None
            self._position = replace(self._position, key=key)
            if not more:
                self._position = replace(self._position, phase="catch_up", until=found.now)
            yield Batch(changes, self._position.to_json(), snapshot=True)

    def _catch_up(self, found: Captured) -> Iterator[Batch]:
        """Of each row, the last change before the snapshot's end, once all of these are captured."""
        position = self._position
        if not position.limit:
            if not found.reached_at or found.reached_at <= position.until:
                return  # when nothing is written, the job notes every few minutes that it has seen all
            self._position = replace(position, limit=found.reached or NOWHERE, seen=found.reached or NOWHERE)
        limit = self._position.limit
        more = stepped(self._position.end, 1) <= limit
        changes: list[Change] = []
        while more:
            read, raws = self._read(limit, last=True)
            more, raws = len(raws) > self._batch, raws[: self._batch]
            changes = self._as_they_stood(read, raws)
            if more:
                self._position = replace(self._position, within=read.place(raws[-1]))
                yield Batch(changes, self._position.to_json(), snapshot=False)
        self._position = replace(
            self._position, phase="stream", end=max(limit, self._position.end), within=None, until="", limit=""
        )
        yield Batch(changes, self._position.to_json(), snapshot=False)

    def _as_they_stood(self, read: Read, raws: list[Raw]) -> list[Change]:
        changes = []
        for raw, row in zip(raws, read.rows(raws), strict=True):
            _, _, operation, *key = read.place(raw)
            at = at_of(read, raw)
            if operation == DELETE:
                changes.append(Change("delete", tuple(key), None, self._known_before(row, operation), at))
            else:
                changes.append(Change("put", tuple(key), row, None, at))
        return changes

    # The log ----------------------------------------------------------------------------------------------------------

    def _stream(self, found: Captured) -> Iterator[Batch]:
        limit, more = found.reached or NOWHERE, True
        if limit <= self._position.end:
            return
        while more:
            read, raws = self._read(limit)
            more, raws = len(raws) > self._batch, raws[: self._batch + 1]
            raws = self._whole(read, raws) if more else raws
            if more:
                self._position = replace(self._position, within=read.place(raws[-1]), seen=limit)
            else:
                self._position = replace(self._position, end=limit, within=None, seen=limit)
            # Also without changes: a position that stays where it is would be cleaned up behind.
            yield Batch(self._each(read, raws), self._position.to_json(), snapshot=False, exact=True)

    def _whole(self, read: Read, raws: list[Raw]) -> list[Raw]:
        """Without the row that showed that there are more, and without one half of an update."""
        if read.place(raws[-2])[2] != BEFORE:
            return raws[:-1]
        return raws[:-2] if len(raws) > 2 else raws

    def _read(self, limit: str, *, last: bool = False) -> tuple[Read, list[Raw]]:
        """The next changes up to a place, and one more to see whether there are; all is still there afterwards."""
        dialect, position = self._reader.dialect, self._position
        start = stepped(position.end, 1)
        ranked = self._names if last else ()
        try:
            read, raws = self._reader.rows(
                [*map(Ordered, PLACE), *map(Ordered, self._key)],
                where=[Condition(RANK, "eq", ("1",), exact=True)] if last else [],
                after=position.within,
                limit=self._batch + 1,
                of=captured(dialect, self._table, self._columns, position.instance, start, limit, ranked),
            )
        except Stop:  # perhaps because what was asked for is not there any more
            self._unbroken(self._captured(position))
            raise
        self._unbroken(self._captured(position))
        return read, raws

    def _each(self, read: Read, raws: list[Raw]) -> list[Change]:
        changes: list[Change] = []
        before: tuple[tuple[str | None, ...], dict[str, Any]] | None = None
        for raw, row in zip(raws, read.rows(raws), strict=True):
            operation, key, at = read.place(raw)[2], read.place(raw)[3:], at_of(read, raw)
            if operation == DELETE:
                changes.append(Change("delete", key, None, self._known_before(row, operation), at))
            elif operation == INSERT:
                changes.append(Change("insert", key, row, None, at))
            elif operation == BEFORE:
                before = key, self._known_before(row, operation)
            elif before is None:
                raise Gap(f"a change of {self._table.name!r} at {at} lacks the row before it", NEW_SNAPSHOT)
            elif before[0] != key:
                changes.append(Change("delete", before[0], None, before[1], f"{at}-"))
                changes.append(Change("insert", key, row, None, at))
            else:
                changes.append(Change("update", key, row, before[1], at))
            before = before if operation == BEFORE else None
        return changes

    def _known_before(self, row: dict[str, Any], operation: str) -> dict[str, Any]:
        """A row as it was, without what is not told of it."""
        known = {column.name for column in self._columns if self._told_before(column, row[column.name], operation)}
        return {name: value for name, value in row.items() if name in known}

    def _told_before(self, column: Column, value: object, operation: str) -> bool:
        if native_word(column.native) in NEVER_BEFORE:
            return False
        return operation == DELETE or value is not None or "(max)" not in column.native.lower()


def at_of(read: Read, raw: Raw) -> str:
    """A change's own place in the log."""
    return ":".join(part or "" for part in read.place(raw)[:3])


def is_place(text: Any) -> bool:
    """Whether this is a place in the log: it becomes part of a statement."""
    return isinstance(text, str) and len(text) == 20 and not set(text) - set("0123456789ABCDEF")


def stepped(place: str, step: int) -> str:
    """The place before or after another (sys.fn_cdc_increment_lsn)."""
    return f"{max(0, int(place, 16) + step):020X}"


def captured(
    dialect: Dialect,
    table: Table,
    columns: Sequence[Column],
    instance: str,
    start: str,
    limit: str,
    last_of: Sequence[str] = (),
) -> Table:
    """The changes between two places, both included, where a table stands; with `last_of` a key, each ranked by it.

    Raises:
        AssertionError: A place is none.
    """
    assert is_place(start)
    assert is_place(limit)
    function = dialect.quoted(f"fn_cdc_get_all_changes_{instance}")
    order = ", ".join(f"c.{dialect.quoted(each.name)} DESC" for each in PLACE)
    key = ", ".join(f"c.{dialect.quoted(name)}" for name in last_of)
    rank = f", ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY {order}) AS {dialect.quoted(RANK.name)}"
    rows = "all" if last_of else "all update old"
    query = f"SELECT c.*{rank if last_of else ''} FROM cdc.{function}(0x{start}, 0x{limit}, N'{rows}') c"  # noqa: S608 - places and quoted names
    return Table(table.name, table.schema, table.local, tuple(columns), query)
