"""What stands before the first row and behind the last: a byte order mark, ``sep=;``, a preamble, a footer.

The lines before a header are taken as they are, whatever quotes they hold; a quote opened there opens nothing.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Syntax, content, scan
from edi.findings import Finding, Position
from edi.model import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edi.delimited.flaws import Sheet

_FIRST_BYTES = 64
_SEP = re.compile(rb'("?)sep=(?P<delimiter>[^\w\r\n"\0])\1(?=\r|\n|$)(?:\r\n|\r|\n)?', re.IGNORECASE)
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Opening:
    """The beginning of one file, taken piece by piece until `done`.

    `sheet` is what is known then, `found` what there is to tell, `line` the number of the first line of rows.
    `refused` are the code and the message of what makes reading on useless; nothing is done with the rest of the file.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.found: list[Finding] = []
        self.line = 1
        self.size = 0
        """How many bytes were taken."""
        self.mark_length = 0
        self.done = self._begun = False
        self.refused: tuple[str, str] | None = None
        self._skip = sheet.skip
        self._preamble: tuple[int, int] | None = None
        """Where the lines that are passed over begin, and the number of the first."""
        self._first = ""
        self._dropped = 0

    def take(self, data: bytes, *, final: bool) -> int:
        """How many bytes at the start of `data` need not be given again; `final` says that nothing follows."""
        if not self._begun:
            if len(data) < _FIRST_BYTES and not final:
                return 0
            at = self._begin(data)
        else:
            at = 0
        while not self.done and not self.refused:
            if not self._skip and not self.sheet.header_at:
                self.done = True
                break
            upto = _behind_line(data, at, final=final)
            if upto is None:
                at = self._drop(data, at)
                break
            if not self._skip and self._is_header(data[at:upto]):
                self.done = True
                break
            if upto == at:  # the end of the file
                self._end(self.size + at)
                break
            self._pass(data[at:upto], self.size + at)
            at = upto
        self.size += at
        if self.done:
            self._tell()
        return at

    def _begin(self, data: bytes) -> int:
        """The mark and the line that names the delimiter."""
        self._begun = True
        foreign = text.foreign(data)
        wide = text.wide(data)
        if wide:
            message = f"the file is written in {wide.upper()}, which cannot be read as {self.sheet.encoding}"
            self.refused = ("text.wide", message)
            return 0
        if foreign:
            self.refused = ("file.kind", f"the file is {foreign}, not rows of text")
            return 0
        found = text.mark(data)
        if found:
            declared = self.sheet.encoding
            encoding, self.mark_length = found
            self.sheet = replace(self.sheet, encoding=encoding)
            if declared not in ("utf-8", "ascii"):
                message = f"the byte order mark says UTF-8, {declared} was declared; the file was read as UTF-8"
                self.found.append(text.finding("text.mark", message, Position(0, self.mark_length, line=1)))
        return self._sep(data, self.mark_length)

    def _sep(self, data: bytes, at: int) -> int:
        named = _SEP.match(data, at)
        if not named:
            return at
        delimiter, syntax = named["delimiter"].decode("latin-1"), self.sheet.syntax
        if not delimiter.isascii() or delimiter in (syntax.quote, syntax.escape):
            return at
        try:
            text.codec(self.sheet.encoding, delimiter)
        except ValueError:
            return at
        position = Position(at, named.end(), line=1)
        message = f"the first line says that {delimiter!r} stands between cells"
        if delimiter != syntax.delimiter:
            message += f"; it was used instead of {syntax.delimiter!r}"
        self.found.append(text.finding("csv.sep", message, position, value=named[0].decode().strip()))
        self.sheet = replace(self.sheet, syntax=Syntax(delimiter, syntax.quote, syntax.escape))
        self.line += 1
        return named.end()

    def _is_header(self, line: bytes) -> bool:
        if self._dropped:
            return False
        syntax = self.sheet.syntax
        names = [content(line, cell, syntax) for cell in scan(line, 0, syntax).cells]
        return self.sheet.header_at in [name.decode(self.sheet.encoding, "replace").strip() for name in names]

    def _pass(self, line: bytes, start: int) -> None:
        if self._preamble is None:
            self._preamble = (start - self._dropped, self.line)
            self._first = line.decode(self.sheet.encoding, "replace").strip()
        self._skip = max(0, self._skip - 1)
        self.line += 1
        self._dropped = 0

    def _drop(self, data: bytes, at: int) -> int:
        """Keeps nothing of a line that is longer than any header."""
        if len(data) - at <= self.sheet.field_bytes_max:
            return at
        upto = len(data) - data.endswith(b"\r")
        self._dropped += upto - at
        return upto

    def _end(self, size: int) -> None:
        """The file ends, behind so many bytes, before its first row."""
        if self.sheet.header_at and size > self.mark_length:
            self.refused = ("csv.no_header", f"no line has a column called {self.sheet.header_at!r}")
        else:
            self.done = True

    def _tell(self) -> None:
        if self._preamble is None:
            return
        start, line = self._preamble
        count = self.line - line
        what = "1 line was" if count == 1 else f"{count} lines were"
        message = f"{what} passed over before the {'header' if self.sheet.header_at else 'first row'}"
        position = Position(start, self.size, line=line)
        self.found.append(text.finding("csv.preamble", message, position, value=self._first))


def _behind_line(data: bytes, at: int, *, final: bool) -> int | None:
    """Where the line behind the one at `at` begins; None where that is not certain yet."""
    found = _LINE_END.search(data, at)
    if found is None:
        return len(data) if final else None
    if found[0] == b"\r" and found.end() == len(data) and not final:
        return None
    return found.end()


def without_footer(items: Iterable[Document | Finding], footer: int) -> Iterator[Document | Finding]:
    """The items without the last documents, which a note tells of instead."""
    held: deque[Document | Finding] = deque()
    rows = 0
    none_before = True
    for item in items:
        held.append(item)
        rows += isinstance(item, Document)
        while rows > footer:
            first = held.popleft()
            rows -= isinstance(first, Document)
            none_before = none_before and not isinstance(first, Document)
            yield first
    last = [item for item in held if isinstance(item, Document)]
    yield from (item for item in held if not isinstance(item, Document))
    if last:
        message = f"{len(last)} {'row' if len(last) == 1 else 'rows'} at the end of the file were passed over"
        passed = text.finding("csv.footer", message, Position(last[0].start, last[-1].end))
        columns = last[0].envelope.columns
        yield replace(passed, columns=columns) if none_before and columns else passed
