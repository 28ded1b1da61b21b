"""What SQL Server says of the changes that it keeps, and what both ways to follow them have in common.

The statements are written after the manual (Transact-SQL Reference: change tracking and change data capture functions,
sys and cdc catalogue views); none of them has met a server yet. Each is one SELECT and a transaction of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapters.errors import Gap, Stop
from adapters.model import Change
from adapters.reading import cut
from adapters.statements import Ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.statements import Clause, Condition, Raw, Read

NEW_SNAPSHOT = "Changes between may be lost: forget the position, so that all rows are read again and compared"

_TABLE = "FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id"
_NAMED = "WHERE o.name = ? AND s.name = ?"

KEPT = (
    "SELECT CASE WHEN t.object_id IS NULL THEN '0' ELSE '1' END,"  # noqa: S608 - our literals
    " CASE o.is_tracked_by_cdc WHEN 1 THEN '1' ELSE '0' END"
    " FROM sys.tables o JOIN sys.schemas s ON s.schema_id = o.schema_id"
    f" LEFT JOIN sys.change_tracking_tables t ON t.object_id = o.object_id {_NAMED}"
)
"""Of a table: whether its changes are tracked, and whether they are captured."""

KEPT_ANYWHERE = (
    "SELECT s.name, o.name, CASE WHEN t.object_id IS NULL THEN '0' ELSE '1' END,"
    " CASE o.is_tracked_by_cdc WHEN 1 THEN '1' ELSE '0' END"
    " FROM sys.tables o JOIN sys.schemas s ON s.schema_id = o.schema_id"
    " LEFT JOIN sys.change_tracking_tables t ON t.object_id = o.object_id"
    " WHERE t.object_id IS NOT NULL OR o.is_tracked_by_cdc = 1 ORDER BY 1, 2"
)

TRACKED = (
    "SELECT CAST(o.object_id AS varchar(11)), CAST(CHANGE_TRACKING_CURRENT_VERSION() AS varchar(20)),"
    " CAST(CHANGE_TRACKING_MIN_VALID_VERSION(o.object_id) AS varchar(20)), CAST(t.begin_version AS varchar(20))"
    f" {_TABLE} LEFT JOIN sys.change_tracking_tables t ON t.object_id = o.object_id {_NAMED}"
)
"""How far the versions have come, from which one on the table's are still there, and since which it is tracked."""

CAPTURED = (
    "SELECT i.capture_instance, CAST(o.object_id AS varchar(11)),"  # noqa: S608 - our literals
    " CONVERT(varchar(20), sys.fn_cdc_get_min_lsn(i.capture_instance), 2),"
    " CONVERT(varchar(20), sys.fn_cdc_get_max_lsn(), 2),"
    " CONVERT(varchar(23), sys.fn_cdc_map_lsn_to_time(sys.fn_cdc_get_max_lsn()), 121),"
    " CONVERT(varchar(23), GETDATE(), 121)"
    " FROM cdc.change_tables i JOIN sys.objects o ON o.object_id = i.source_object_id"
    f" JOIN sys.schemas s ON s.schema_id = o.schema_id {_NAMED} ORDER BY i.create_date, i.capture_instance"
)
"""The capture instances of a table, from where on each tells, how far the log is captured, and the server's time."""

# The manual calls this number the source table's; it is the change table's, as everybody who joins them found.
CAPTURED_COLUMNS = (
    "SELECT c.column_name, c.column_type, CASE c.is_computed WHEN 1 THEN '1' ELSE '0' END"
    " FROM cdc.captured_columns c JOIN cdc.change_tables i ON i.object_id = c.object_id"
    " WHERE i.capture_instance = ? ORDER BY c.column_ordinal"
)

FORK = (
    "SELECT CAST(f.recovery_fork_guid AS varchar(36)) FROM sys.database_recovery_status f WHERE f.database_id = DB_ID()"
)
"""Another one after each restore. Not every edition has it."""


class TableReader(Protocol):
    """What reads one table for us, asks the database for anything else, and knows what it speaks."""

    @property
    def table(self) -> Table:
        """The table."""

    @property
    def dialect(self) -> Dialect:
        """What its database speaks."""

    def fetch(self, sql: str, parameters: Sequence[str]) -> list[Raw]:
        """All rows of one guarded statement."""

    def rows(
        self,
        order: Sequence[Ordered],
        *,
        where: Sequence[Condition | Clause] = (),
        after: Raw | None = None,
        beside: Column | None = None,
        limit: int,
        of: Table | None = None,
    ) -> tuple[Read, list[Raw]]:
        """Up to `limit` rows of the table, or `of` a statement that stands where a table does."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the server keeps of a table's changes."""

    tracked: bool
    captured: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """Change tracking of one table: `least` is None where it is off, or the login may not see it.

    `begun` is the version at which it was turned on, or the table was emptied.
    """

    table: str
    current: int | None
    least: int | None
    begun: str


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture instance. Places in the log are 20 hexadecimal digits; times are the server's own."""

    instance: str
    table: str
    least: str
    reached: str | None
    reached_at: str | None
    now: str


class Server:
    """Asks what there is to know before and after changes are read."""

    def __init__(self, reader: TableReader) -> None:
        self._fetch = reader.fetch
        self._name = (reader.table.local, reader.table.schema)

    def kept(self) -> Kept:
        """Whether the table's changes are kept, and how."""
        rows = self._fetch(KEPT, self._name)
        return Kept(*(flag == "1" for flag in rows[0])) if rows else Kept(tracked=False, captured=False)

    def versions(self) -> Versions | None:
        """Change tracking; None where the table is gone."""
        rows = self._fetch(TRACKED, self._name)
        if not rows:
            return None
        table, current, least, begun = rows[0]
        reached, still = (None if text is None else int(text) for text in (current, least))
        return Versions(table or "", reached, still, begun or "")

    def captured(self) -> list[Captured]:
        """The capture instances, the oldest first.

        Raises:
            Stop: There are none to be seen; the remedy names the rights.
        """
        try:
            rows = self._fetch(CAPTURED, self._name)
        except Stop as error:
            raise Stop(error.message, f"{CDC_RIGHTS}, or follow the table by another strategy (diff)") from None
        return [
            Captured(instance or "", table or "", least or "", reached, at, now or "")
            for instance, table, least, reached, at, now in rows
        ]

    def columns(self, instance: str) -> list[tuple[str, str, bool]]:
        """What is captured: names, types without their lengths, and whether they are computed, and so never told."""
        rows = self._fetch(CAPTURED_COLUMNS, (instance,))
        return [(name or "", native or "", computed == "1") for name, native, computed in rows]

    def fork(self) -> str:
        """Which of the database's histories this is; empty where it does not say."""
        try:
            rows = self._fetch(FORK, ())
        except Stop:
            return ""
        return (rows[0][0] or "") if rows else ""


CDC_RIGHTS = (
    "Have the owner GRANT SELECT ON SCHEMA::cdc to the login, SELECT on all captured columns of the table, and the role"
    " that guards the capture instance (@role_name) if there is one"
)


def unforked(server: Server, fork: str) -> None:
    """Whether this is the history that a position was reached in.

    Raises:
        Gap: The database was restored since.
    """
    if fork and server.fork() not in (fork, ""):
        raise Gap("the database was restored, or taken over by force, since the position was reached", NEW_SNAPSHOT)


def chunk(
    reader: TableReader, key: Sequence[Column], after: Raw | None, batch: int, left_out: frozenset[str] = frozenset()
) -> tuple[list[Change], Raw | None]:
    """Rows of the table as they stand, along the key, and the place of the last one if there are more.

    Raises:
        Reject: ``key_not_unique``.
    """
    order = [Ordered(part) for part in key]
    read, raws = reader.rows(order, after=after, limit=batch + 1)
    more, raws = len(raws) > batch, cut(read, raws, order, batch)
    places = [read.place(raw) for raw in raws]
    rows = read.rows(raws)
    for row in rows if left_out else ():
        for name in left_out & row.keys():
            del row[name]
    changes = [Change("put", place, row) for place, row in zip(places, rows, strict=True)]
    return changes, places[-1] if more else None


def to_json(kind: str, position: Any) -> str:
    """A position as one line of JSON, the same for the same position."""
    parts = {"strategy": "log", "kind": kind, **asdict(position)}
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def from_json(kind: str, text: str) -> dict[str, Any]:
    """The parts of a position, lists as tuples.

    Raises:
        Stop: The text is something else.
    """
    try:
        parts = json.loads(text)
        if (parts.pop("strategy"), parts.pop("kind")) != ("log", kind):
            raise ValueError  # noqa: TRY301 - one answer to all that is wrong
        return {name: tuple(part) if isinstance(part, list) else part for name, part in parts.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise not_a_position(text) from None


def not_a_position(text: str) -> Stop:
    """What is said of a text that is something else."""
    return Stop(
        f"this is not a position of SQL Server's log: {text[:80]!r}",
        "Give back what a batch said, or none to begin with a snapshot",
    )


def same_question(table: Table, names: tuple[str, ...], then: str, keyed_by: tuple[str, ...]) -> None:
    """Whether a position belongs to this table and key.

    Raises:
        Stop: It does not.
    """
    name = f"{table.schema}.{table.local}"
    if (then, keyed_by) != (name, names):
        raise Stop(
            f"the position belongs to {then!r} and the key {list(keyed_by)}, not to {name!r} and {list(names)}",
            "Forget the position, so that a new snapshot is taken, or configure what it was",
        )


def kept_anywhere(asked: Callable[[str], list[Raw]]) -> Mapping[tuple[str, str], Kept]:
    """Schema and name → what is kept of a table's changes, of all tables where anything is."""
    return {(row[0] or "", row[1] or ""): Kept(row[2] == "1", row[3] == "1") for row in asked(KEPT_ANYWHERE)}


def said_of(table: Table, kept: Mapping[tuple[str, str], Kept]) -> str:
    """What is kept of a table's changes, and what the owner could do, in a sentence."""
    found = kept.get((table.schema, table.local), Kept(tracked=False, captured=False))
    return {
        (True, True): "change tracking is on, and CDC, which tells each change: name its capture instance after log",
        (True, False): "change tracking is on: what happened to a row between two looks is one change",
        (False, True): "CDC is on: each change is told",
        (
            False,
            False,
        ): "no change of it is kept: ALTER TABLE … ENABLE CHANGE_TRACKING would have deletes told",
    }[found.tracked, found.captured]
