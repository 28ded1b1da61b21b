"""The nouns of a source: tables and their columns, what to read of them, and what comes back.

Rows are plain dicts, column name → ``str | int | bool | Decimal | None``; :mod:`adapters.values` says which and when.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Type = Literal["text", "int", "decimal", "float", "date", "datetime", "time", "bool", "binary"]
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "startswith", "isnull"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `native` is the type in the database's words, `type` in ours.

    `key` is its place in the primary key from 1, 0 outside it. `bind_as` is the native type that a parameter is cast to
    where the database wants that, without length and precision: a comparison must not cut its own value.
    """

    name: str
    native: str
    type: Type
    nullable: bool = True
    key: int = 0
    bind_as: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view as the catalogue has it. `name` is how :meth:`OdbcSource.tables` calls it.

    `query` is the statement of a named query, checked and written anew; empty for a table. `declared` are the columns
    that somebody says are unique together, where the catalogue knows no primary key.
    """

    name: str
    schema: str
    local: str
    columns: tuple[Column, ...]
    query: str = ""
    declared: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row: the primary key, else those declared; empty where nobody knows any."""
        return self.primary or self.declared

    @property
    def primary(self) -> tuple[str, ...]:
        """The primary key's columns in the key's own order; empty for a view or a table that has none."""
        return tuple(column.name for column in sorted(self.columns, key=lambda column: column.key) if column.key)


@dataclass(frozen=True, slots=True)
class Filter:
    """``column op value``. As in SQL, a row without a value (NULL) is found by `isnull` only, not by `ne` either.

    `value` is text, as an API has it, or a plain value; for `in` a tuple of those; for `isnull` true or false.
    `contains` and `startswith` tell upper from lower case and are for text columns.
    """

    column: str
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class Sort:
    """One column of an order. Where NULL stands is the database's own rule, so that its indexes serve."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read of a table: all filters must hold.

    `after` is the `next` of the page before. `key` names the columns that identify a row where the catalogue knows no
    primary key; they must be unique together. No `columns` means all.
    """

    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    limit: int = 100
    after: tuple[str | None, ...] | None = None
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the asked order; `next` is what `Selection.after` wants for the page after, None on the last one."""

    rows: list[dict[str, Any]]
    next: tuple[str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of a page as JSON objects with commas between them, how many, and `next` as :class:`Page` has it."""

    text: str
    count: int
    next: tuple[str | None, ...] | None


Operation = Literal["put", "insert", "update", "delete"]
"""What happened to a row. ``put`` says that it stands so now, where nobody can tell whether it is new."""

Strategy = Literal["snapshot", "watermark", "diff", "log"]
"""How changes are found: by reading all again, by a column that grows, by comparing, by the database's own log."""


@dataclass(frozen=True, slots=True)
class Following:
    """How the changes of a table are to be followed.

    `key` names the columns that identify a row; empty means the primary key. `column` is the one that grows, for
    ``watermark``. `options` are what a strategy wants to know besides, as texts: ``publication``, ``slot``, …
    """

    strategy: Strategy = "snapshot"
    key: tuple[str, ...] = ()
    column: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Change(NamedTuple):
    """One change of one row.

    `key` are the texts of the key's columns, in the key's order. `row` is the row as it stands now; None means that it
    is gone (a tombstone). `before` is what the source itself says of the row as it was; a log may tell the key alone.
    `at` is the change's own place in the log, the same whenever it is told again; empty where there is no log.
    """

    op: Operation
    key: tuple[str | None, ...]
    row: dict[str, Any] | None
    before: dict[str, Any] | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in order, and the position after them: whoever stores the one stores the other with it.

    `snapshot` tells the first reading from changes. `exact` says that each change is told, as a log does; without it
    what happened to a row between two looks is one change. `memory` are notes of the strategy's own, to be kept under
    their names in the same transaction, and to be given back by the `recall` of :meth:`Source.changes`; None forgets
    one. A batch without changes moves position and memory only. `drift` says, for a person, what changed of the
    table's shape before these changes.
    """

    changes: list[Change]
    position: str
    snapshot: bool
    exact: bool = False
    memory: Mapping[str, bytes | None] = field(default_factory=dict)
    drift: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as they stand now, without those that are gone."""
        return [change.row for change in self.changes if change.row is not None]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a log is ahead of us, in bytes; None where the server does not say.

    `name` is what keeps the log for us (a slot), and `state` how the server sees that. `behind` is what we have not
    acknowledged, `retained` what the server keeps for it, `left` what it may still write before it gives us up.
    `active` is whether somebody reads it at this moment.
    """

    name: str
    behind: int | None
    retained: int | None
    left: int | None
    state: str
    active: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a probe found: who answers, through which driver, and what can be relied on.

    `read_only` is how the session says of itself that it cannot write, read back from it. `changes` are the strategies
    that can be followed here, and `deletes` those of them that tell of deleted rows. `server_timeout` is whether the
    server itself ends a statement that takes too long; where it does not, we cancel it.
    """

    dialect: str
    product: str
    version: str
    driver: str
    driver_version: str
    read_only: str
    server_timeout: bool
    changes: tuple[Strategy, ...] = ("snapshot", "watermark")
    deletes: tuple[Strategy, ...] = ()
