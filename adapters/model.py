"""The nouns of a source: tables and their columns, what to read of them, and what comes back.

Rows are plain dicts, column name → ``str | int | bool | Decimal | None``; :mod:`adapters.values` says which and when.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from adapters.errors import Stop

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
    """A table or view as the catalogue has it. `name` is how :meth:`OdbcSource.tables` calls it."""

    name: str
    schema: str
    local: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
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


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table's changes have been read. Opaque to everybody else: keep :meth:`to_json`, give it back.

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

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        parts = {
            "phase": self.phase,
            "keyed_by": self.keyed_by,
            "column": self.column,
            "value": self.value,
            "key": self.key,
            "ties": [self.ties.count, *(f"{row:016x}" for row in self.ties.hashes)],
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
            count, *hashes = parts["ties"]
            position = cls(
                phase=parts["phase"],
                keyed_by=tuple(parts["keyed_by"]),
                column=parts["column"],
                value=parts["value"],
                key=None if parts["key"] is None else tuple(parts["key"]),
                ties=Ties(int(count), tuple(int(row, 16) for row in hashes)),
            )
        except (ValueError, TypeError, KeyError):
            position = None
        if position is None or position.phase not in ("snapshot", "changes", "done"):
            raise Stop(
                f"this is not a position of a table: {text[:80]!r}",
                "Give back what Position.to_json wrote, or none to begin with a snapshot",
            )
        return position


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that changed, in order, and the position after them. `snapshot` tells the first reading from changes.

    A batch without rows moves the position only: what a snapshot had still to read was deleted meanwhile.
    """

    rows: list[dict[str, Any]]
    position: Position
    snapshot: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a probe found: who answers, through which driver, and what can be relied on.

    `read_only` is how the session says of itself that it cannot write, read back from it. `deletes` is whether
    :meth:`changes` tells of deleted rows. `server_timeout` is whether the server itself ends a statement that takes
    too long; where it does not, we cancel it.
    """

    dialect: str
    product: str
    version: str
    driver: str
    driver_version: str
    read_only: str
    server_timeout: bool
    changes: tuple[str, ...] = ("snapshot", "watermark")
    deletes: bool = False
