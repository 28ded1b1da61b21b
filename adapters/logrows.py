"""Rows of PostgreSQL's log become the rows that a page shows: the same names, the same values, the same key.

The log holds what a type's output function writes, a page what a cast to text gives. The two differ for a few types
only (`AS_CAST`); the rest is the table of :mod:`adapters.values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.dialects import POSTGRESQL
from adapters.dialects.dialect import native_word
from adapters.pgoutput import UNCHANGED
from adapters.reading import named
from adapters.readonly import guarded
from adapters.values import FROM_TEXT, to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.model import Column, Type
    from adapters.pgoutput import Cells, Relation
    from adapters.slots import Server

# A domain is shown as the type it is made of, as the catalogue's columns are. A type may have been dropped since.
TYPES = """SELECT format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, -1),
format_type(t.oid, a.modifier)
FROM unnest(CAST(? AS oid[]), CAST(? AS integer[])) WITH ORDINALITY AS a(oid, modifier, place)
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.oid ORDER BY a.place"""
HIDDEN = """SELECT CAST(a.attname AS text) FROM pg_catalog.pg_attribute a WHERE a.attrelid = CAST(? AS oid)
AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT')"""


def as_inet(text: str) -> str:
    """``10.0.0.1`` → ``10.0.0.1/32``."""
    if "/" in text:
        return text
    return f"{text}/{128 if ':' in text else 32}"


def as_money(text: str) -> str:
    """``-$1,234.50`` or ``(1.234,50 €)`` → ``-1234.50``: the last sign before one or two digits parts the fraction."""
    negative = "-" in text or "(" in text
    digits = "".join(letter for letter in text if letter.isdigit())
    tail = text.rstrip("".join({letter for letter in text if not letter.isdigit()}))
    places = next((size for size in (2, 1, 3) if len(tail) > size and tail[-size - 1] in ".,"), 0)
    whole = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{whole}" if negative else whole


# What a cast to text gives instead of what the output function writes (pg_cast with a function to text; and the
# dialect's own forms for bytea and money).
AS_CAST: dict[str, Callable[[str], str]] = {
    "boolean": {"t": "true", "f": "false"}.__getitem__,
    "character": lambda text: text.rstrip(" "),
    "bpchar": lambda text: text.rstrip(" "),
    "inet": as_inet,
    "bytea": lambda text: text[2:],
    "money": as_money,
}


def number(text: str) -> Decimal | str:
    """A numeric of PostgreSQL, which never writes an exponent; ``NaN`` and ``Infinity`` stay as they are."""
    return Decimal(text) if text[-1] <= "9" else text


def moment(text: str) -> str:
    """As :func:`adapters.values.to_datetime` for what PostgreSQL writes, at a fifth of its time."""
    if text[10:11] == " " and text[-3:] == "+00":
        return f"{text[:10]}T{text[11:-3]}Z"
    if text[10:11] == " " and text[-1] <= "9" and "+" not in text and "-" not in text[11:]:
        return f"{text[:10]}T{text[11:]}"
    return to_datetime(text)


QUICK: dict[Type, Callable[[str], Any]] = {
    "int": int,
    "decimal": number,
    "datetime": moment,
    "bool": {"t": True, "f": False, "true": True, "false": False}.__getitem__,
}


def texts_to_rows(columns: Sequence[Column], texts: Iterable[Sequence[str | None]]) -> list[dict[str, Any]]:
    """As :meth:`adapters.statements.Read.rows`, for what a cast to text gives in PostgreSQL: in half its time."""
    values = [_converted(column.type, cells) for column, cells in zip(columns, texts, strict=False)]
    return named(tuple(column.name for column in columns), values)


def _plain(numbers: str) -> bool:
    """Whether there is neither ``NaN`` nor ``Infinity`` among them."""
    return "N" not in numbers and "I" not in numbers


def _converted(kind: Type, cells: Sequence[str | None]) -> Sequence[Any]:
    convert = QUICK.get(kind) or FROM_TEXT[kind]
    if convert is None:
        return cells
    if None in cells:
        return [None if text is None else convert(text) for text in cells]
    if convert is number and _plain("".join(cells)):  # type: ignore[arg-type] # none is None
        convert = Decimal
    return list(map(convert, cells))  # type: ignore[arg-type]


def conversion(native: str, kind: Type) -> Callable[[str], Any] | None:
    """How the log's text becomes a page's value; None where it is the value."""
    to_value = QUICK.get(kind) or FROM_TEXT[kind]
    as_cast = AS_CAST.get(native_word(native)) if kind != "bool" else None
    if as_cast is None or to_value is None:
        return as_cast or to_value
    return lambda text: to_value(as_cast(text))


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as the log has it from a place on. `fields` are (name, type) as a person reads them.

    `key` gives the texts of the key's columns, before `row`, which gives the row by name and changes the cells; cells
    that were not sent stay as they are. `identity` are the places of the columns that an old key holds.
    """

    fields: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    key: Callable[[Cells], tuple[Any, ...]]
    row: Callable[[Cells], dict[str, Any]]
    identity: tuple[int, ...]
    identity_names: tuple[str, ...]

    def part(self, cells: Cells) -> dict[str, Any]:
        """The columns of the replica identity alone: in a key that was told, the others are NULL."""
        row = self.row(cells)
        return {name: row[name] for name in self.identity_names}

    def differs(self, before: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """What a person should know of the way here from an earlier shape."""
        old, new = dict(before), dict(self.fields)
        said = [f"column {name!r} ({kind}) is new" for name, kind in self.fields if name not in old]
        said += [f"column {name!r} ({kind}) is gone" for name, kind in before if name not in new]
        said += [
            f"column {name!r} is {kind} now, and was {old[name]}"
            for name, kind in self.fields
            if old.get(name, kind) != kind
        ]
        if not said and [name for name, _ in before] != [name for name, _ in self.fields]:
            said.append(f"the columns stand in another order: {', '.join(new)}")
        return tuple(said)


def shape_of(server: Server, relation: Relation, key: Sequence[str]) -> Shape | None:
    """How rows of this relation are understood; None where it lacks a column of the key.

    Columns that the login may not read are left out, as they are from a page.
    """
    oids = "{" + ",".join(str(each.oid) for each in relation.fields) + "}"
    modifiers = "{" + ",".join(str(each.modifier) for each in relation.fields) + "}"
    types = server.fetch(guarded(TYPES), (oids, modifiers), "cannot read the types of the log")
    hidden = {row[0] for row in server.fetch(guarded(HIDDEN), (str(relation.oid),), "cannot read the log's columns")}
    natives = [(native or "a type that is gone", shown or "a type that is gone") for native, shown in types]
    names = [each.name for each in relation.fields]
    if not set(key) <= set(names):
        return None
    picks = tuple(at for at, name in enumerate(names) if name not in hidden)
    found = ((at, conversion(natives[at][0], POSTGRESQL.classify(natives[at][0]))) for at in picks)
    return Shape(
        fields=tuple((names[at], natives[at][1]) for at in picks),
        names=tuple(names),
        key=_key_of([(at, AS_CAST.get(native_word(natives[at][0]))) for at in (names.index(name) for name in key)]),
        row=_row_of(
            tuple(names[at] for at in picks),
            None if len(picks) == len(names) else picks,
            tuple((at, convert) for at, convert in found if convert is not None),
        ),
        identity=tuple(at for at, each in enumerate(relation.fields) if each.key),
        identity_names=tuple(each.name for each in relation.fields if each.key and each.name not in hidden),
    )


def _key_of(parts: list[tuple[int, Callable[[str], str] | None]]) -> Callable[[Cells], tuple[Any, ...]]:
    if len(parts) == 1 and parts[0][1] is None:
        only = parts[0][0]
        return lambda cells: (cells[only],)

    def key(cells: Cells) -> tuple[Any, ...]:
        texts: list[Any] = [cells[at] for at, _ in parts]
        return tuple(
            text if as_cast is None or not isinstance(text, str) else as_cast(text)
            for text, (_, as_cast) in zip(texts, parts, strict=True)
        )

    return key


def _row_of(
    names: tuple[str, ...], picks: tuple[int, ...] | None, conversions: tuple[tuple[int, Callable[[str], Any]], ...]
) -> Callable[[Cells], dict[str, Any]]:
    def row(cells: list[Any]) -> dict[str, Any]:
        for at, convert in conversions:
            cell = cells[at]
            if cell is not None and cell is not UNCHANGED:
                cells[at] = convert(cell)
        return dict(zip(names, cells if picks is None else [cells[at] for at in picks], strict=False))

    return row
