"""One row of delimited text, cell by cell: the rules of RFC 4180, section 2, told once.

A cell whose first character is the quote reaches to the closing quote; two quotes inside stand for one; delimiters and
line ends inside belong to the cell. In any other cell a quote is a character like the others. Lines end with LF, CR LF
or CR. What the standard forbids, text behind a closing quote, is read on to the delimiter and noted.

The fast paths of ``edi.delimited`` give the same rows; where they meet anything doubtful they stop and ask here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple


class Cell(NamedTuple):
    """One cell, by offsets: `closed` is the offset behind its closing quote, or -1 for a cell without quotes."""

    start: int
    end: int
    closed: int


class Row(NamedTuple):
    """One row: where its text ends, where the next one begins, and what is wrong with it.

    `closed` is False when the data ended inside a quoted cell or, unless they were the last data, before a line end;
    the last of `cells` is then the open one. `stray` is the first text behind a closing quote.
    """

    cells: list[Cell]
    end: int
    next: int
    closed: bool
    stray: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Syntax:
    """The delimiter, the quote and the escape, one ASCII character each; an empty one means that there is none."""

    delimiter: str
    quote: str
    escape: str = ""
    stops: re.Pattern[bytes] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        stops = re.compile(b"[" + re.escape(self.delimiter.encode()) + rb"\r\n]")
        object.__setattr__(self, "stops", stops)

    def plain_end(self, data: bytes, at: int) -> int:
        """Where the text at `at`, outside quotes, ends: at a delimiter, a line end, or the end of the data."""
        found = self.stops.search(data, at)
        return found.start() if found else len(data)


def scan(data: bytes, at: int, syntax: Syntax, *, final: bool = True) -> Row:
    """The row that begins at offset `at`; unless `final`, more data may follow."""
    delimiter, quote = syntax.delimiter.encode(), syntax.quote.encode()
    cells: list[Cell] = []
    stray = None
    size = len(data)
    start = at
    while True:
        closed = -1
        if quote and data.startswith(quote, start):
            closed = _closing(data, start + 1, quote)
            if closed < 0:
                cells.append(Cell(start, size, -1))
                return Row(cells, size, size, closed=False, stray=stray)
        end = syntax.plain_end(data, start if closed < 0 else closed)
        if 0 <= closed < end and stray is None:
            stray = (closed, end)
        cells.append(Cell(start, end, closed))
        if end == size:  # unless final, the next block may go on, or double the quote
            return Row(cells, end, end, closed=final, stray=stray)
        if data.startswith(delimiter, end):
            start = end + 1
            continue
        if data.startswith(b"\r\n", end):
            return Row(cells, end, end + 2, closed=True, stray=stray)
        # A CR at the end of a block may be the first half of a line end.
        whole = final or end + 1 < size or data[end] == 10
        return Row(cells, end, end + 1, closed=whole, stray=stray)


def _closing(data: bytes, at: int, quote: bytes) -> int:
    """The offset behind the quote that closes the cell whose text begins at `at`, or -1."""
    while True:
        found = data.find(quote, at)
        if found < 0:
            return -1
        if not data.startswith(quote, found + 1):
            return found + 1
        at = found + 2


def content(data: bytes, cell: Cell, syntax: Syntax) -> bytes:
    """The text of a cell without its quotes, still encoded."""
    if cell.closed < 0:
        return data[cell.start : cell.end]
    quote = syntax.quote.encode()
    inside = data[cell.start + 1 : cell.closed - 1].replace(quote + quote, quote)
    return inside + data[cell.closed : cell.end]


def value_span(cell: Cell) -> tuple[int, int]:
    """Where the text of a cell stands, without quotes where they can be left out."""
    return (cell.start + 1, cell.closed - 1) if cell.closed == cell.end else (cell.start, cell.end)
