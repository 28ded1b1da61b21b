"""Rows that travel as one text each: a driver takes its time for every cell, whatever is in it.

The server joins the texts of a row with one control character and writes another for NULL; a text that holds the
second has it doubled. What comes is only believed where it can mean but one thing: each row has as many cells as there
are columns, and the second character stands alone in its cell. Anything else (a text with one of the two, a row that
the driver cut) is not taken apart, and the rows are read again cell by cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.dialects import form
from adapters.jsonrows import NULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.statements import Raw

MARK = "\x1f"
_END = "\x1d"
COLUMNS_MAX = 80
"""A function of PostgreSQL takes 100 arguments; those of the order may come besides."""


def packs(dialect: Dialect, table: Table) -> bool:
    """Whether the rows of this table can travel so."""
    return bool(dialect.packed) and len(table.columns) <= COLUMNS_MAX


def packed(dialect: Dialect, columns: Sequence[Column], texts: Sequence[str]) -> str:
    """The expression of one row, of the `texts` that write its columns."""
    parts = [form(dialect.packed_parts, column).format(c=text) for column, text in zip(columns, texts, strict=True)]
    return dialect.packed.format(parts=dialect.packed_joint.join(parts))


def unpacked(raws: Sequence[Raw], width: int) -> list[list[str]] | None:
    """The cells of each of `width` columns, with :data:`adapters.jsonrows.NULL` for NULL; None: read them again."""
    if not raws:
        return [[] for _ in range(width)]
    texts = [raw[0] for raw in raws]
    if None in texts:
        return None
    # An end of row between rows, as one more cell: where all stand in their places, no row is longer or shorter.
    whole = f"{MARK}{_END}{MARK}".join(texts)  # type: ignore[arg-type] # none is None
    cells, step = whole.split(MARK), width + 1
    if len(cells) != len(texts) * step - 1 or cells[width::step] != [_END] * (len(texts) - 1):
        return None
    if whole.count(NULL) != cells.count(NULL):
        return None
    return [cells[number::step] for number in range(width)]
