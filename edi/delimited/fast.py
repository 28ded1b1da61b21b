"""Many rows at once: how the rows of a block become documents without a step of Python for each.

Strategy. A block whose lines all end alike is split into lines, and some lines at a time into cells, offsets and
documents, each step one call for all of them: measured, the loop around a row costs as much as splitting it. So many
rows are in hand at once as stay in the processor's cache and below the threshold of the cyclic collector. Where rows
differ in width or are blank, :func:`singly` goes through that handful one by one.
"""

from __future__ import annotations

import csv
from itertools import accumulate, repeat
from operator import add
from typing import TYPE_CHECKING, Literal, NamedTuple

from edi.model import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edi.delimited.cells import Syntax
    from edi.model import Envelope

    Cells = Callable[[list[str]], list[list[str]] | None]

ROWS = 128
"""How many rows are in hand at once; 64 to 256 make no difference, 1,000 cost a third."""

new = tuple.__new__  # new(Document, values) is Document(*values), at half of the cost


class Texts(NamedTuple):
    """Some lines that all end alike: their texts, their sizes in bytes, and the size of a line end."""

    texts: list[str]
    sizes: list[int]
    gap: int


def lines_of(decoded: str) -> tuple[list[str], str]:
    """The lines of a text and how they end; they end with "" where not all of them end alike."""
    ending = "\n" if "\r" not in decoded else "\r" if "\n" not in decoded else "\r\n"
    if len(ending) == 1:
        texts = decoded.split(ending)
    else:  # to split by one character and look whether that was right costs half of splitting by two
        texts = decoded.replace("\r", "").split("\n")
        if ending.join(texts) != decoded:
            return [], ""
    if not texts[-1]:
        texts.pop()
    return texts, ending


def handfuls(region: bytes, decoded: str, texts: list[str], ending: str, *, one_byte: bool) -> Iterator[Texts]:
    """The lines `texts` of `region`, whose text is `decoded`, some at a time.

    `one_byte` says that every character of the encoding takes one byte.
    """
    encoded = None if one_byte or decoded.isascii() else region.split(ending.encode())
    for at in range(0, len(texts), ROWS):
        part = texts[at : at + ROWS]
        yield Texts(part, list(map(len, encoded[at : at + len(part)] if encoded else part)), len(ending))


def cells_by_split(syntax: Syntax) -> Cells:
    """Cells of lines without any quote."""
    delimiter = syntax.delimiter
    return lambda texts: list(map(str.split, texts, repeat(delimiter)))


def cells_by_csv(syntax: Syntax) -> Cells:
    """Cells of lines with quotes; None where a row is not one line, or ``csv`` refuses one."""
    delimiter, quote, escape = syntax.delimiter, syntax.quote or None, syntax.escape or None
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE

    def cells(texts: list[str]) -> list[list[str]] | None:
        reader = csv.reader(
            texts, delimiter=delimiter, quotechar=quote, escapechar=escape, quoting=quoting, strict=True
        )
        try:
            rows = list(reader)
        except csv.Error:
            return None
        return rows if len(rows) == len(texts) else None

    return cells


def alike(cells: list[list[str]], sizes: list[int], width: int) -> bool:
    """Whether every row has `width` cells and none is a blank line."""
    return list(map(len, cells)).count(width) == len(cells) and (width > 1 or 0 not in sizes)


def documents(
    number: int, start: int, cells: list[list[str]], lines: Texts, envelope: Envelope
) -> tuple[Iterable[Document], int]:
    """The documents of rows that are all alike, and the byte behind them.

    `number` is the one before the first; `start` is the byte at which the first begins.
    """
    starts = list(accumulate(map(add, lines.sizes, repeat(lines.gap)), initial=start))
    ends = map(add, starts, lines.sizes)
    numbers = range(number + 1, number + len(cells) + 1)
    return map(new, repeat(Document), zip(numbers, starts, ends, cells, repeat(envelope), repeat(()))), starts[-1]
