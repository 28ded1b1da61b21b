"""One row of delimited text, cell by cell: the rules of RFC 4180, section 2, told once.

A cell whose first character is the quote reaches to the closing quote; two quotes inside stand for one; delimiters and
line ends inside belong to the cell. In any other cell a quote is a character like the others. Lines end with LF, CR LF
or CR. What the standard forbids, text behind a closing quote, is read on to the delimiter and noted. Where there is an
escape, which the standard does not know, the byte behind it belongs to the cell whatever it is.

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
    closers: re.Pattern[bytes] = field(init=False, compare=False, repr=False)
    escaped: re.Pattern[bytes] = field(init=False, compare=False, repr=False)
    """What stands for one character in a quoted cell: an escape and what is behind it, or two quotes."""
    bare: re.Pattern[bytes] = field(init=False, compare=False, repr=False)
    """Likewise in any other cell."""

    def __post_init__(self) -> None:
        delimiter, quote, escape = (re.escape(each.encode()) for each in (self.delimiter, self.quote, self.escape))
        object.__setattr__(self, "stops", re.compile(b"[" + delimiter + escape + rb"\r\n]"))
        object.__setattr__(self, "closers", re.compile(b"[" + quote + escape + b"]" if quote else b"(?!)"))
        bare = escape + b"(.)" if escape else b"(?!)"
        object.__setattr__(self, "bare", re.compile(bare, re.DOTALL))
        object.__setattr__(self, "escaped", re.compile(bare + b"|" + quote * 2 if quote else bare, re.DOTALL))

    @property
    def told(self) -> str:
        """The characters as ``Envelope.delimiters`` holds them."""
        return self.delimiter + (self.quote or "\0") + self.escape if self.escape else self.delimiter + self.quote

    @classmethod
    def of(cls, told: str) -> Syntax:
        """The syntax of an envelope's `delimiters`."""
        return cls(told[:1], told[1:2].strip("\0"), told[2:3])

    def plain_end(self, data: bytes, at: int) -> int:
        """Where the text at `at`, outside quotes, ends: at a delimiter, a line end, or the end of the data."""
        while found := self.stops.search(data, at):
            if not self.escape or found[0] != self.escape.encode():
                return found.start()
            at = found.start() + 2
        return len(data)

    def quote_at(self, data: bytes, at: int) -> int:
        """The next quote at or behind `at` that is not escaped, or -1."""
        if not self.escape:
            return data.find(self.quote.encode(), at)
        while found := self.closers.search(data, at):
            if found[0] == self.quote.encode():
                return found.start()
            at = found.start() + 2
        return -1


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
            closed = _closing(data, start + 1, syntax)
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


def _closing(data: bytes, at: int, syntax: Syntax) -> int:
    """The offset behind the quote that closes the cell whose text begins at `at`, or -1."""
    quote = syntax.quote.encode()
    while True:
        found = syntax.quote_at(data, at)
        if found < 0:
            return -1
        if not data.startswith(quote, found + 1):
            return found + 1
        at = found + 2


def content(data: bytes, cell: Cell, syntax: Syntax) -> bytes:
    """The text of a cell without its quotes and escapes, still encoded."""
    if syntax.escape:
        inside = data[cell.start + 1 : cell.closed - 1] if cell.closed >= 0 else b""
        outside = data[max(cell.start, cell.closed) : cell.end]
        return syntax.escaped.sub(_character, inside) + syntax.bare.sub(_character, outside)
    if cell.closed < 0:
        return data[cell.start : cell.end]
    quote = syntax.quote.encode()
    inside = data[cell.start + 1 : cell.closed - 1].replace(quote + quote, quote)
    return inside + data[cell.closed : cell.end]


def _character(found: re.Match[bytes]) -> bytes:
    return found[0][1:]


def value_span(cell: Cell) -> tuple[int, int]:
    """Where the text of a cell stands, without quotes where they can be left out."""
    return (cell.start + 1, cell.closed - 1) if cell.closed == cell.end else (cell.start, cell.end)
