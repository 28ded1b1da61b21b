"""The part of the OpenAPI document that live tables have: paths and a shape of its own for each that is known.

Nothing is asked for it: it is made of the columns that were last seen (:mod:`adapters.known`), and has them renewed
behind its back. Tables that are not known yet have the paths of all tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.serve.masks import MASKED
from gateway.serve.problems import Problem
from gateway.serve.resources import tables
from gateway.serve.shapes import FLAG, TEXT, WHOLE, Shape, many, maybe, named, page

if TYPE_CHECKING:
    from datetime import datetime

    from adapters.model import Column, Table
    from gateway.serve.filters import Queryable
    from gateway.serve.operations import Call

_VALUES: dict[str, Shape] = {
    "text": TEXT,
    "int": WHOLE,
    "decimal": {"type": "string", "format": "decimal"},
    "float": {"type": "string", "format": "decimal"},
    "date": {"type": "string", "format": "date"},
    "datetime": TEXT,
    "time": TEXT,
    "bool": FLAG,
    "binary": {"type": "string", "contentEncoding": "base64"},
}
"""What a value of each of our types is. Of a moment not every database knows the zone, so that it is no date-time."""


@dataclass(frozen=True, slots=True)
class TableShown:
    """A table as the document shows it, under names that are its own there; `seen` is when its columns were read.

    `masked` are the columns that the caller sees as null.
    """

    connection: str
    table: Table
    name: str
    shape: str
    seen: datetime
    masked: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its path; every letter that means something in a path or its template is escaped."""
        return f"/api/v1/tables/{quote(self.connection, safe='')}/{quote(self.table.name, safe='')}"

    @property
    def scope(self) -> str:
        """What a caller needs to read it."""
        return f"tables.{self.connection}:read"

    @property
    def fields(self) -> dict[str, Queryable]:
        """Its columns as a query sees them."""
        return tables.queryable(self.table, self.masked)

    def shapes(self) -> dict[str, Shape]:
        """A row and a page of rows."""
        columns = {column.name: _value(column, masked=column.name in self.masked) for column in self.table.columns}
        if self.masked:
            told = {"description": "columns that are null because the key may not see them"}
            columns = {MASKED: many(TEXT) | told, **columns}
        row: Shape = {
            "type": "object",
            "description": f"A row of {self.table.name}, as the table was at {self.seen:%Y-%m-%dT%H:%M:%SZ}. A value "
            "that is none of its column's type is the text that the database shows. With fields= only those are there.",
            "properties": columns,
            "additionalProperties": False,
        }
        return {self.shape: row, f"{self.shape}.page": page(named(self.shape), f"Rows of {self.table.name}.")}


def shown(call: Call) -> tuple[TableShown, ...]:
    """The tables that the caller may read, as far as they are known; has what is old renewed, and waits for nothing."""
    found: list[TableShown] = []
    names: set[str] = set()
    for connection, source in sorted(tables.readable(call).items()):
        shapes = source.live.shapes
        shapes.renew()
        for known in shapes.known():
            try:
                masked = tables.view_of(call, connection, known.table.name).masked(known.table)
            except Problem:  # it is refused to the caller whole
                continue
            name = _unique(re.sub(r"\W+", "_", f"{connection}_{known.table.name}", flags=re.ASCII), names)
            found.append(TableShown(connection, known.table, name, f"table.{name}", known.seen, masked))
    return tuple(found)


def _value(column: Column, *, masked: bool) -> dict[str, Any]:
    native = column.native or column.type
    shape = {**_VALUES[column.type], "description": f"{native}. Masked." if masked else native}
    return maybe(shape) if masked or (column.nullable and not column.key) else shape


def _unique(name: str, names: set[str]) -> str:
    """The name, with a number behind it if it was used already."""
    free, number = name, 1
    while free.lower() in names:
        number += 1
        free = f"{name}_{number}"
    names.add(free.lower())
    return free
