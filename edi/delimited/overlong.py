"""A row that is too long to be kept: it is walked over, and told where it began and ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi import text
from edi.delimited.flaws import outgrown, unclosed
from edi.findings import Finding, Position

if TYPE_CHECKING:
    from edi.delimited.cells import Syntax
    from edi.delimited.flaws import Sheet


@dataclass(slots=True)
class Overlong:
    """A row that is being passed over. Offsets are absolute; lines count from 1."""

    start: int
    line: int
    blamed: int
    cell: int | None
    """The number of the cell that is too long, None where the row as a whole is."""
    number: int
    """The number of the cell that is being passed over."""
    fresh: bool = True
    """Whether the next byte begins a cell."""
    quote: int = -1
    """Where the cell that is open began with a quote; -1 outside quotes."""
    quote_line: int = 0
    end: int | None = None
    """Where the row ended, once it has."""

    def take(self, sheet: Sheet, data: bytes, base: int, line: int, *, final: bool) -> int:
        """How many bytes of `data` were walked over; its first byte is byte `base` of the file, on `line`."""
        syntax, size = sheet.syntax, len(data)
        quote, delimiter = syntax.quote.encode(), syntax.delimiter.encode()
        at = 0
        while at < size and self.end is None:
            if self.fresh:
                self.fresh = False
                if quote and data.startswith(quote, at):
                    self.quote, self.quote_line = base + at, line + text.line_ends(data[:at])
                    at += 1
            elif self.quote >= 0:
                found = syntax.quote_at(data, at)
                if found < 0:
                    at = size - (0 if final else _undecided(data[at:], syntax))
                    break
                if found + 1 == size and not final:
                    return found
                doubled = data.startswith(quote, found + 1)
                at = found + 1 + doubled
                self.quote = self.quote if doubled else -1
            else:
                begun, at = at, syntax.plain_end(data, at)
                if data.startswith(delimiter, at):
                    self.fresh = True
                    self.number += 1
                    at += 1
                elif at == size:
                    at -= 0 if final else _undecided(data[begun:], syntax)
                    break
                elif data[at] == 13 and at + 1 == size and not final:
                    break
                else:
                    self.end = base + at
                    at += 2 if data.startswith(b"\r\n", at) else 1
        if final and self.end is None:
            self.end = base + at
        return at

    def finding(self, sheet: Sheet) -> Finding:
        """What is wrong with the row, once it has ended."""
        assert self.end is not None
        if self.quote >= 0:
            return unclosed(sheet, Position(self.quote, self.end, line=self.quote_line), self.number)
        return outgrown(sheet, Position(self.blamed, self.end, line=self.line), self.cell)


def _undecided(data: bytes, syntax: Syntax) -> int:
    """How many bytes at the end of a cell's text wait for what comes: a CR, which LF may follow, and an escape."""
    returns = data.endswith(b"\r")
    if syntax.escape:
        before = data[:-1] if returns else data
        return returns + (len(before) - len(before.rstrip(syntax.escape.encode()))) % 2
    return int(returns)
