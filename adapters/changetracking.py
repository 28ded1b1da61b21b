"""A table of SQL Server by change tracking: which rows changed since a version, and the rows as they stand now.

Change tracking keeps, for each row that changed, its key, the version of the last transaction that changed it, and
whether that row is gone. So what happened to a row between two looks is one change, and deletes are told.

The order of reading is the one that is safe without a snapshot transaction (SQL Server documentation, 'Work with change
tracking'): first the version that the transactions have reached, then the changes up to it, and before and after those
from which version on the table's are still there. The clean-up may run in between, or the table may be emptied by
TRUNCATE; then what was read is not told, but a Gap. A row that changes again while it is read has a version beyond the
one that is read up to: it is left for the next look, and so is one that is listed as changed and gone by now.

The snapshot goes along the key in chunks. The version that stood before it is where the changes go on, and since these
tell rows as they stand, none is ever told older than it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from adapters.errors import Gap, Stop
from adapters.model import Batch, Change, Column, Table
from adapters.sqlserverparts import (
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
    from collections.abc import Callable, Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.sqlserverparts import TableReader, Versions
    from adapters.statements import Raw, Read

KIND = "change_tracking"

SETTLE_SECONDS = 0.05
"""A transaction has its version a moment before readers of row versions (READ_COMMITTED_SNAPSHOT) see its rows."""

VERSION = Column("SYS_CHANGE_VERSION", "bigint", "int", nullable=False, bind_as="bigint")
OPERATION = Column("SYS_CHANGE_OPERATION", "nchar(1)", "text")
FOUND = Column("SYS_CHANGE_FOUND", "varchar(1)", "text")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table is told. Opaque to everybody else.

    All up to `version` is told. `within` is the place of the last change of a look that is told in part: its version
    and key. In the phase ``snapshot``, `key` is the last key read. `number` is the table's own, `begun` the version
    since which it is tracked, and `fork` the history of the database, empty where it does not say.
    """

    phase: Literal["snapshot", "stream"]
    table: str
    number: str
    begun: str
    fork: str
    keyed_by: tuple[str, ...]
    version: int
    within: tuple[str | None, ...] | None = None
    key: tuple[str | None, ...] | None = None

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
        if parts.get("phase") not in ("snapshot", "stream") or parts.keys() != cls.__dataclass_fields__.keys():
            raise not_a_position(text)
        if type(parts["version"]) is not int:  # it becomes part of a statement
            raise not_a_position(text)
        return cls(**parts)


class ChangeTracking:
    """The changes of one table from a position on; see :meth:`batches`. `pause` waits so many seconds."""

    def __init__(
        self,
        reader: TableReader,
        key: Sequence[Column],
        batch: int,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = reader
        self._server = Server(reader)
        self._table = reader.table
        self._key = tuple(key)
        self._names = tuple(part.name for part in key)
        self._batch = batch
        self._pause = pause
        self._position: Position

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What is new since the position, oldest first; ends when all that stood at the beginning is told.

        Raises:
            Stop: The owner must do something first, or the position belongs to something else.
            Gap: Changes since the position may be lost.
        """
        if set(self._names) != set(self._table.key):
            raise Stop(
                f"change tracking tells the primary key {list(self._table.key)} of a deleted row, and the key here is"
                f" {list(self._names)}",
                "Leave the key away, or follow the table by another strategy (diff)",
            )
        versions = self._versions()
        if told is None:
            self._position = self._begun(versions)
        else:
            self._position = position = Position.from_json(told)
            same_question(self._table, self._names, position.table, position.keyed_by)
            unforked(self._server, position.fork)
            self._unbroken(versions)
        if self._position.phase == "snapshot":
            yield from self._snapshot()
            versions = self._versions()
        yield from self._stream(versions)

    def _versions(self) -> Versions:
        found = self._server.versions()
        if found is None:
            raise Gap(f"the table {self._table.name!r} is gone", NEW_SNAPSHOT)
        if found.current is None or found.least is None:
            name = f'"{self._table.schema}"."{self._table.local}"'
            raise Stop(
                f"the changes of {self._table.name!r} are not tracked, or this login may not see them",
                f"Have the owner run: ALTER TABLE {name} ENABLE CHANGE_TRACKING; GRANT SELECT, VIEW CHANGE TRACKING ON"
                f" {name} TO the login. If it was off for a while, forget the position",
            )
        return found

    def _begun(self, versions: Versions) -> Position:
        return Position(
            phase="snapshot",
            table=f"{self._table.schema}.{self._table.local}",
            number=versions.table,
            begun=versions.begun,
            fork=self._server.fork(),
            keyed_by=self._names,
            version=versions.current or 0,
        )

    def _unbroken(self, versions: Versions) -> None:
        """Whether all that was tracked since the position is still there.

        Raises:
            Gap: It is not.
        """
        position, name = self._position, self._table.name
        if versions.table != position.number:
            raise Gap(f"the table {name!r} was dropped and made anew", NEW_SNAPSHOT)
        if (versions.current or 0) < position.version:
            raise Gap(
                f"the database is at version {versions.current}, before the position's {position.version}: it was"
                " restored, or is another one",
                NEW_SNAPSHOT,
            )
        if versions.begun != position.begun:
            raise Gap(
                f"the changes of {name!r} are tracked since version {versions.begun}, and were since {position.begun}:"
                " the table was emptied by TRUNCATE, or tracking was off",
                NEW_SNAPSHOT,
            )
        if (versions.least or 0) > position.version:
            raise Gap(
                f"the changes of {name!r} are there from version {versions.least} on, and the position's is"
                f" {position.version}: they were cleaned up",
                f"{NEW_SNAPSHOT}. Have the owner raise CHANGE_RETENTION, or poll more often",
            )

    def _snapshot(self) -> Iterator[Batch]:
        more = True
        while more:
            changes, key = chunk(self._reader, self._key, self._position.key, self._batch)
            self._unbroken(self._versions())
            more = key is not None
            self._position = replace(self._position, phase="snapshot" if more else "stream", key=key)
            yield Batch(changes, self._position.to_json(), snapshot=True)

    def _stream(self, versions: Versions) -> Iterator[Batch]:
        limit = versions.current or 0
        if limit == self._position.version:
            return
        self._pause(SETTLE_SECONDS)
        more = True
        while more:
            read, raws = self._read(limit)
            self._unbroken(self._versions())
            more, raws = len(raws) > self._batch, raws[: self._batch]
            if more:
                self._position = replace(self._position, within=read.place(raws[-1]))
            else:
                self._position = replace(self._position, version=limit, within=None)
            # Also without changes: a position that stays where it is would be cleaned up behind.
            yield Batch(self._changes(read, raws), self._position.to_json(), snapshot=False)

    def _read(self, limit: int) -> tuple[Read, list[Raw]]:
        return self._reader.rows(
            [Ordered(VERSION), *(Ordered(part) for part in self._key)],
            where=[Condition(VERSION, "lte", (str(limit),), exact=True)],
            after=self._position.within,
            limit=self._batch + 1,
            of=tracked(self._reader.dialect, self._table, self._names, self._position.version),
        )

    def _changes(self, read: Read, raws: list[Raw]) -> list[Change]:
        changes = []
        for raw, row in zip(raws, read.rows(raws), strict=True):
            key = read.place(raw)[1:]
            operation, found = row.pop(OPERATION.name), row.pop(FOUND.name)
            if operation == "D":
                changes.append(Change("delete", key, None, {name: row[name] for name in self._names}))
            elif found == "1":
                changes.append(Change("put", key, row))
        return changes


def tracked(dialect: Dialect, table: Table, key: Sequence[str], since: int) -> Table:
    """The changes since a version, beside the rows as they stand, where a table stands.

    The version is written as a number: the manual allows no expression there, such as the cast of a parameter.
    """
    quoted = dialect.quoted
    home = f"{quoted(table.schema)}.{quoted(table.local)}"
    columns = ", ".join(f"{'c' if each.name in key else 't'}.{quoted(each.name)}" for each in table.columns)
    same = " AND ".join(f"t.{quoted(name)} = c.{quoted(name)}" for name in key)
    query = (
        f"SELECT {columns}, c.{VERSION.name}, c.{OPERATION.name},"  # noqa: S608 - names are the catalogue's, quoted
        f" CASE WHEN t.{quoted(key[0])} IS NULL THEN '0' ELSE '1' END AS {FOUND.name}"
        f" FROM CHANGETABLE(CHANGES {home}, {since:d}) c LEFT JOIN {home} t ON {same}"
    )
    return Table(table.name, table.schema, table.local, (*table.columns, OPERATION, FOUND), query)
