"""Rows from blocks: how a file of delimited text becomes documents fast, in bounded memory, without losing a byte.

Strategy. A block is cut behind its last line end. Where it holds no quote and all its lines end alike, lines and cells
come from ``str.split``; otherwise from ``csv.reader`` in strict mode, placed by its count of lines. Both stop before
whatever is doubtful (a NUL, undecodable bytes, an error of quoting, a row of another width), and that row is read by
``edi.delimited.cells.scan``, which knows the rules and can say what is wrong. A row that does not end in its block
waits for the next; one that outgrows the limit is passed over without being kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Row, content, scan
from edi.delimited.fast import alike, cells_by_csv, cells_by_split, documents, handfuls, lines_of, new
from edi.delimited.flaws import Lines, Sheet, flaws, header_flaws, lost, outgrown, ragged, too_long, unclosed
from edi.findings import Finding, Position
from edi.model import Document, Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.delimited.fast import Cells, Texts

_CAREFUL_ROWS = 16
"""So many rows are read by the rules after a doubtful one, which rarely comes alone, before a fast path is tried."""

Batch = Iterable["Document | Finding"]
"""Some documents and findings; a batch must be drawn to its end before the next one is asked for."""


def read_blocks(blocks: Iterable[bytes], sheet: Sheet, *, header: bool) -> Iterator[Document | Finding]:
    """The rows of a file, in order; blocks may have any size and are the unit of work."""
    return chain.from_iterable(_batches(blocks, _Reader(sheet, header=header)))


def _batches(blocks: Iterable[bytes], reader: _Reader) -> Iterator[Batch]:
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


@dataclass(slots=True)
class _Skip:
    """A row that is too long to be kept. Offsets are absolute; lines count from 1."""

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


class _Reader:
    """One file being read: `data` holds what is not done with; its first byte is byte `base` of the file.

    `at` is the offset in `data` up to which rows were read, `line` the number of the line there.
    """

    def __init__(self, sheet: Sheet, *, header: bool) -> None:
        self.header = header
        self.awaiting_header = header
        self.header_damaged = False
        self.data = b""
        self.base = self.at = self.mark_length = 0
        self.line = 1
        self.number = 0
        self.width: int | None = None
        self.started = False
        self.wide: str | None = None
        self.wanted = 0
        self.careful = 0
        self.skip: _Skip | None = None
        self._know(sheet)

    def _know(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.one_byte = text.one_byte(sheet.encoding)
        delimiters = sheet.syntax.delimiter + sheet.syntax.quote
        self.envelope = Envelope("csv", encoding=sheet.encoding, delimiters=delimiters, columns=sheet.columns)

    def take(self, block: bytes, *, final: bool) -> Iterator[Batch]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        self.data = self.data + block if self.data else block
        if not self.started:
            if len(self.data) < 4 and not final:  # the longest byte order mark
                return
            yield self._begin()
        if self.wide:
            self.base += len(self.data)
            self.data = b""
            if final:
                yield [self._wide_finding(self.wide)]
        elif final or len(self.data) >= self.wanted:
            yield from self._advance(final=final)
            if final:
                yield self._end()

    def _begin(self) -> list[Finding]:
        self.started = True
        self.wide = text.wide(self.data)
        found = text.mark(self.data)
        if not found or self.wide:
            return []
        declared = self.sheet.encoding
        encoding, self.mark_length = found
        self.base = self.mark_length
        self.data = self.data[self.mark_length :]
        self._know(replace(self.sheet, encoding=encoding))
        if declared in ("utf-8", "ascii"):
            return []
        message = f"the byte order mark says UTF-8, {declared} was declared; the file was read as UTF-8"
        return [text.finding("text.mark", message, Position(0, self.mark_length, line=1))]

    def _wide_finding(self, encoding: str) -> Finding:
        message = f"the file is written in {encoding.upper()}, which cannot be read as {self.sheet.encoding}"
        return text.finding("text.wide", message, Position(0, self.base, line=1))

    def _end(self) -> list[Finding]:
        """What an end without a single row means."""
        if self.number or self.header_damaged:
            return []
        whole = Position(0, self.base, line=1)
        if self.base == self.mark_length:
            return [text.finding("file.empty", "the file has no bytes", whole)]
        if self.awaiting_header or not self.header:
            return [text.finding("csv.blank", "the file has blank lines only", whole)]
        here = Position(self.base, self.base, line=self.line)
        return [text.finding("csv.no_rows", "the file has a header and no rows", here)]

    def _advance(self, *, final: bool) -> Iterator[Batch]:
        """Reads the rows that are whole in `data` and keeps what is left."""
        data = self.data
        self.at = self.wanted = 0
        if self.skip:
            yield self._pass_over(self.skip, final=final)
        # A CR at the very end may be the first half of a line end.
        cut = len(data) if final else max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
        while self.at < len(data) and not self.skip:
            yield from self._fast(cut)
            if self.at == len(data):
                break
            row = scan(data, self.at, self.sheet.syntax, final=final)
            if not row.closed and not final:
                self._wait(row)
                break
            yield self._slow(row)
            self.line += text.line_ends(data[self.at : row.next])
            self.at = row.next
        self.base += self.at
        self.data = data[self.at :]

    def _wait(self, row: Row) -> None:
        """Puts off a row that is not whole yet, or gives up keeping it."""
        blamed = too_long(self.sheet, row, self.at)
        if blamed:
            start, cell = blamed
            self.skip = _Skip(self.base + self.at, self.line, self.base + start, cell, len(row.cells))
            last = row.cells[-1].start
            self.line += text.line_ends(self.data[self.at : last])
            self.at = last
        else:
            held = row.end - self.at
            self.wanted = held + min(held, 1 << 20)  # a row that grows is looked at ever more rarely
            self.careful = max(self.careful, 1)

    def _pass_over(self, skip: _Skip, *, final: bool) -> Iterator[Document | Finding]:
        """Walks over a row that is too long, keeping nothing of it."""
        data, syntax = self.data, self.sheet.syntax
        quote, delimiter = syntax.quote.encode(), syntax.delimiter.encode()
        at = seen = 0
        while at < len(data):
            if skip.fresh:
                skip.fresh = False
                if quote and data.startswith(quote, at):
                    self.line += text.line_ends(data[seen:at])
                    seen = at
                    skip.quote, skip.quote_line = self.base + at, self.line
                    at += 1
            elif skip.quote >= 0:
                found = data.find(quote, at)
                if found < 0:
                    at = len(data) - (not final and data.endswith(b"\r"))
                    break
                if found + 1 == len(data) and not final:
                    at = found
                    break
                if data.startswith(quote, found + 1):
                    at = found + 2
                else:
                    skip.quote = -1
                    at = found + 1
            else:
                at = syntax.plain_end(data, at)
                if data.startswith(delimiter, at):
                    skip.fresh = True
                    skip.number += 1
                    at += 1
                elif at < len(data):
                    step = 2 if data.startswith(b"\r\n", at) else 1
                    if step == 1 and data[at] == 13 and at + 1 == len(data) and not final:
                        break
                    yield self._skipped(skip, self.base + at)
                    at += step
                    self.skip = None
                    break
        if final and self.skip:
            yield self._skipped(skip, self.base + at)
            self.skip = None
        self.line += text.line_ends(data[seen:at])
        self.at = at

    def _skipped(self, skip: _Skip, end: int) -> Document | Finding:
        if skip.quote >= 0:
            found = unclosed(self.sheet, Position(skip.quote, end, line=skip.quote_line), skip.number)
        else:
            found = outgrown(self.sheet, Position(skip.blamed, end, line=skip.line), skip.cell)
        if self.awaiting_header:
            self.awaiting_header = False
            self.header_damaged = True
            return found
        self.number += 1
        return Document(self.number, skip.start, end, None, self.envelope, (found,))

    def _fast(self, cut: int) -> Iterator[Batch]:
        """The rows that a fast path can read, up to `cut` at most; they move `at` when they are drawn."""
        data, at, encoding = self.data, self.at, self.sheet.encoding
        if self.careful or self.width is None or not at < cut <= at + self.sheet.field_bytes_max:
            return
        nul = data.find(b"\0", at, cut)
        region = data[at : cut if nul < 0 else _line_start(data, at, nul)]
        try:
            decoded = region.decode(encoding)
        except UnicodeDecodeError as error:
            region = data[at : _line_start(data, at, at + error.start)]
            decoded = region.decode(encoding)
        if not region:
            return
        lines, ending = lines_of(decoded)
        if not ending:
            yield self._by_csv(region, decoded)
            return
        syntax = self.sheet.syntax
        quoted = syntax.quote and syntax.quote in decoded
        texts = handfuls(region, decoded, lines, ending, one_byte=self.one_byte)
        yield from self._by_lines(texts, at + len(region), (cells_by_csv if quoted else cells_by_split)(syntax))

    def _by_lines(self, texts: Iterable[Texts], upto: int, cells_of: Cells) -> Iterator[Batch]:
        """Rows that are one line each, many at a time, to the offset `upto`: the hot loop."""
        envelope, width, base = self.envelope, self.width or 0, self.base
        start, line = base + self.at, self.line
        for handful in texts:
            cells = cells_of(handful.texts)
            if cells is None:
                self._move_to(start - base)
                region = self.data[self.at : upto]
                yield self._by_csv(region, region.decode(self.sheet.encoding))
                return
            line += len(cells)
            if alike(cells, handful.sizes, width):
                found, start = documents(self.number, start, cells, handful, envelope)
                self.number += len(cells)
                yield found
            else:
                yield self._singly(start, cells, handful)
                start += sum(handful.sizes) + handful.gap * len(cells)
        self.at, self.line = upto, line - (start - base > upto)  # the file's last line may have no end

    def _singly(self, start: int, cells: list[list[str]], lines: Texts) -> list[Document]:
        """Rows among which some are blank or of another width."""
        found = []
        for row, size in zip(cells, lines.sizes, strict=True):
            if len(row) == self.width and size:
                self.number += 1
                found.append(new(Document, (self.number, start, start + size, row, self.envelope, ())))
            elif size:
                found.append(self._doubtful(start - self.base))
            start += size + lines.gap
        return found

    def _by_csv(self, region: bytes, decoded: str) -> Iterator[Document | Finding]:
        """Rows with quotes or mixed line ends, up to the first one that ``csv`` refuses or that is not whole."""
        # bytes.splitlines and StringIO with newline="" know the same three line ends as the csv module.
        starts = list(accumulate(map(len, region.splitlines(keepends=True)), initial=self.base + self.at))
        sizes = list(map(len, region.splitlines()))
        quote = self.sheet.syntax.quote
        rows = csv.reader(
            io.StringIO(decoded, newline=""),
            delimiter=self.sheet.syntax.delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=True,
        )
        width, envelope, base = self.width, self.envelope, self.base
        done = 0
        try:
            for cells in rows:
                upto = rows.line_num
                if len(cells) == width:
                    self.number += 1
                    end = starts[upto - 1] + sizes[upto - 1]
                    yield new(Document, (self.number, starts[done], end, cells, envelope, ()))
                elif cells:
                    yield self._doubtful(starts[done] - base)
                done = upto
        except csv.Error:
            pass  # a quote not closed in this block, text behind one, a cell longer than csv takes: scan decides
        self._move_to(starts[done] - base)

    def _move_to(self, at: int) -> None:
        self.line += text.line_ends(self.data[self.at : at])
        self.at = at

    def _doubtful(self, at: int) -> Document:
        """The document of the row at offset `at`, which a fast path found to be of another width."""
        self._move_to(at)
        return self._judge(scan(self.data, at, self.sheet.syntax))

    def _slow(self, row: Row) -> Batch:
        """One row, read by the rules."""
        self.careful = max(0, self.careful - 1)
        if row.end == self.at:
            return ()  # a blank line
        return self._header(row) if self.awaiting_header else (self._judge(row),)

    def _header(self, row: Row) -> list[Finding]:
        self.awaiting_header = False
        lines = Lines(self.data, self.base, self.at, self.line)
        found = flaws(self.sheet, lines, row)
        self.header_damaged = bool(found)
        if lost(self.sheet, row, self.at):
            return found
        names = tuple(self._cells(row))
        self.width = len(names)
        self._know(replace(self.sheet, columns=names))
        return found + list(header_flaws(self.sheet, lines, row))

    def _judge(self, row: Row) -> Document:
        """The document of the row at `at`, with what is wrong with it."""
        self.number += 1
        lines = Lines(self.data, self.base, self.at, self.line)
        found = flaws(self.sheet, lines, row)
        cells = None
        if found:
            self.careful = _CAREFUL_ROWS
        if not found or not lost(self.sheet, row, self.at):
            cells = self._cells(row)
            if self.width is None:
                self.width = len(cells)
            if len(cells) != self.width:
                found.append(ragged(self.sheet, lines, row, self.width))
        return Document(self.number, self.base + self.at, self.base + row.end, cells, self.envelope, tuple(found))

    def _cells(self, row: Row) -> list[str]:
        data, syntax, encoding = self.data, self.sheet.syntax, self.sheet.encoding
        return [content(data, cell, syntax).decode(encoding, "replace") for cell in row.cells]


def _line_start(data: bytes, at: int, place: int) -> int:
    """Where the line that holds offset `place` begins, not before `at`."""
    return max(data.rfind(b"\n", at, place), data.rfind(b"\r", at, place), at - 1) + 1
