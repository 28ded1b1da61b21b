"""A named query stands where a table stands: with columns, types and a key, in pages and in changes.

Its statement is the rows of a subquery, so that all else is built as for a table. It has no catalogue: its columns are
what the server says of an execution without rows.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.dialects.sqlite import COMPUTED
from adapters.errors import Reject, nearest
from adapters.model import Column, Table
from adapters.queries import COLUMN_FUNCTIONS, NamedQuery, column_names, rewritten
from adapters.readonly import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from adapters.dialects import Dialect
    from adapters.model import Type

    Describe = Callable[[str], Sequence[tuple[str, Any]]]
    """The names of a statement's columns, and the types that the driver would make of them."""
    Fetch = Callable[[str], Sequence[Sequence[str | None]]]

NO_QUERIES: Mapping[str, NamedQuery] = {}

NUMBERS = frozenset({"integer", "real"})
LOOKED_AT = 1000

# What tells a column's type even where there is no row.
TYPE_OF = {"postgresql": "CAST(pg_typeof({c}) AS text)"}
# Where only the driver can tell: the first that a type is a kind of.
KINDS: tuple[tuple[type, Type, str], ...] = (
    (bool, "bool", "bit"),
    (int, "int", "bigint"),
    (Decimal, "decimal", "decimal"),
    (float, "float", "double"),
    (datetime, "datetime", "datetime"),
    (date, "date", "date"),
    (time, "time", "time"),
    (bytearray, "binary", "blob"),
    (bytes, "binary", "blob"),
)


def as_table(name: str, query: NamedQuery, dialect: Dialect, describe: Describe, fetch: Fetch) -> Table:
    """The table that the query stands for.

    Raises:
        Reject: ``bad_query``: it is not one SELECT, or its columns are not told apart, or its key is not among them.
    """
    sql = rewritten(query.sql, dialect.name)
    if dialect.name in COLUMN_FUNCTIONS:
        called = column_names(sql, dialect.name) & {row[0] for row in fetch(guarded(COLUMN_FUNCTIONS[dialect.name]))}
        if called:
            raise Reject(
                "bad_query",
                f"the query {name!r} has a column {min(called)!r}, and there is a function of that name",
                "The database could call it for each row; have its owner make a view without it",
            )
    found = describe(guarded(f"SELECT * FROM ({sql}) r WHERE 1 = 0"))  # noqa: S608 - the parser wrote it anew
    names = [column for column, _ in found]
    twice = next((column for column in names if names.count(column) > 1), None)
    if twice is not None:
        raise Reject("bad_query", f"the query {name!r} has two columns {twice!r}", "Name one of them with AS")
    for part in query.key:
        if part not in names:
            raise Reject("bad_query", f"the query {name!r} has no column {part!r} for its key", nearest(part, names))
    natives = _natives(sql, names, dialect, fetch)
    met = _met(sql, names, dialect, fetch)
    columns = []
    for column, python in found:
        kind, native = next(((kind, word) for base, kind, word in KINDS if issubclass(python, base)), ("text", "text"))
        key = query.key.index(column) + 1 if column in query.key else 0
        if natives:
            native = natives[column]
            kind = dialect.classify(native)
        if met is not None and kind == "text":
            kind, native = met.get(column, ("text", ""))
        columns.append(Column(column, native, kind, not key, key, native if natives else ""))
    return Table(name, "", name, tuple(columns), sql)


def _met(sql: str, names: Sequence[str], dialect: Dialect, fetch: Fetch) -> dict[str, tuple[Type, str]] | None:
    """The columns that hold nothing but numbers, by some rows; None where the driver tells what an expression is.

    SQLite has no type for an expression, compares it as what each value is, and its driver calls it a text. Numbers are
    then compared with numbers, and all else as texts, as in a column that was declared without a type.
    """
    if dialect.name != "sqlite":
        return None
    asked = ", ".join(f"group_concat(DISTINCT typeof(r.{dialect.quoted(name)}))" for name in names)
    (row,) = fetch(guarded(f"SELECT {asked} FROM (SELECT * FROM ({sql}) r LIMIT {LOOKED_AT}) r"))  # noqa: S608 - as above
    kinds = {name: set((text or "").split(",")) - {"null", ""} for name, text in zip(names, row, strict=True)}
    return {
        name: ("float" if "real" in found else "int", COMPUTED)
        for name, found in kinds.items()
        if found and found <= NUMBERS
    }


def _natives(sql: str, names: Sequence[str], dialect: Dialect, fetch: Fetch) -> dict[str, str]:
    template = TYPE_OF.get(dialect.name)
    if template is None:
        return {}
    asked = ", ".join(template.format(c=f"r.{dialect.quoted(name)}") for name in names)
    rows = fetch(guarded(f"SELECT {asked} FROM (SELECT 1) one LEFT JOIN ({sql}) r ON 1 = 0"))  # noqa: S608 - as above
    return dict(zip(names, (text or "" for text in rows[0]), strict=True))
