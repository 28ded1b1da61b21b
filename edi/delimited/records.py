r"""Columns of rows that a layout names, and which type of record a row is.

The notation is that of positional records (``edi.positional.layout``), with the number of a cell as the place:

>>> from edi.delimited import read
>>> layout = '''
...     by 1
...     record order H
...     number   2
...     record line L
...     sku      2
...     quantity 3
... '''
>>> order, line = read([b"H;4711\nL;A-1;12\n"], {"delimiter": ";", "layout": layout})
>>> order.envelope.message, line.envelope.message, line.envelope.columns, line.content
('order', 'line', ('', 'sku', 'quantity'), ['L', 'A-1', '12'])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi.positional.layout import from_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edi.model import Envelope
    from edi.positional.layout import Column, RecordType


@dataclass(frozen=True, slots=True)
class Shape:
    """One type of record: the envelope of its rows, and whether they are no documents."""

    envelope: Envelope
    ignored: bool

    @property
    def width(self) -> int:
        """How many cells a row has; what follows them must be empty."""
        return len(self.envelope.columns)

    def fits(self, cells: list[str]) -> bool:
        """Whether a row has the cells of the type, and nothing in those behind them."""
        return len(cells) == self.width or (len(cells) > self.width and not any(cells[self.width :]))


@dataclass(frozen=True, slots=True)
class Records:
    """The types of record by what announces them in the cell number `by` (from 0; None: all rows are of one type)."""

    by: int | None
    types: tuple[tuple[tuple[str, ...], str | None, tuple[str, ...]], ...]
    """Of each type: the values that announce it, its name, and its columns, "" for a cell without a name."""
    ignored: frozenset[str]

    def shapes(self, envelope: Envelope) -> dict[str, Shape]:
        """Value → type, under an envelope of the file; with the value "" where there is only one."""
        return {
            value: Shape(envelope._replace(message=name, columns=columns), name in self.ignored)
            for values, name, columns in self.types
            for value in (values or ("",))
        }


def records(layout: str, ignore: str, message: str) -> Records:
    """What the options of those names declare.

    Raises:
        ValueError: the layout is none, or one that rows of cells cannot have; the message says where.
    """
    if len(layout.split()) == 1:
        raise ValueError(f"layout {layout!r} is the name of a layout, and only its text can be read")
    try:
        found = from_lines(layout)
    except ValueError as error:
        raise ValueError(f"in the layout, {error}") from None
    types = tuple((record.values, record.name, _columns(record)) for record in found.types)
    names = {record.name for record in found.types if record.name}
    ignored = frozenset(filter(None, ignore.split(",")))
    for name in (*ignored, *filter(None, (message,))):
        if name not in names:
            raise ValueError(f"the layout has no record type {name!r}; it has {', '.join(sorted(names)) or 'one only'}")
    return Records(None if found.by is None else _cell(found.by), types, ignored)


def _columns(record: RecordType) -> tuple[str, ...]:
    names: dict[int, str] = {}
    for column in record.columns:
        if column.kind.name != "text":
            raise ValueError(f"the column {column.name!r} is a cell, which is text; its type stands in the mapping")
        cell = _cell(column)
        if cell in names:
            raise ValueError(f"{names[cell]!r} and {column.name!r} are both cell {cell + 1}")
        names[cell] = column.name
    return tuple(names.get(cell, "") for cell in range(max(names) + 1))


def _cell(column: Column) -> int:
    if column.end != column.start + 1:
        raise ValueError(f"the column {column.name!r} takes several cells; write the number of one, such as 3")
    return column.start


def columns_of(options: Mapping[str, str], message: str | None) -> tuple[str, ...] | None:
    """The names of a row's columns as far as they are known without a file; None where its header says them.

    They are those of a usable option `layout`, None for several types of record; without header and layout there are no
    names.
    """
    if not options.get("layout"):
        return None if options.get("header") == "true" or options.get("header_at") else ()
    types = records(options["layout"], options.get("ignore", ""), message or "").types
    chosen = [columns for _, name, columns in types if message is None or name == message]
    return chosen[0] if len(chosen) == 1 else None
