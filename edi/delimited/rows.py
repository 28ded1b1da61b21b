"""Rows from blocks: how a file of delimited text becomes documents fast, in bounded memory, without losing a byte.

Strategy. A block is cut behind its last line end. Where all its lines end alike, many rows become documents at once
(``edi.delimited.fast``), by ``str.split`` where it holds no quote, otherwise by ``csv.reader`` in strict mode; rows of
several lines come from ``csv.reader`` one by one, placed by its count of lines. All of them stop before whatever is
doubtful (a NUL, undecodable bytes, an error of quoting, a row of another width), and that row is read by
``edi.delimited.cells.scan``, which knows the rules and can say what is wrong. A row that does not end in its block
waits for the next; one that outgrows the limit is passed over without being kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from edi import text
from edi.delimited.cells import Row, Syntax, content, scan
from edi.delimited.edges import Opening, without_footer
from edi.delimited.fast import ROWS, alike, cells_by_csv, cells_by_split, documents, handfuls, lines_of, new
from edi.delimited.flaws import (
    Lines,
    Sheet,
    flaws,
    header_flaws,
    lost,
    of_delimiter,
    of_type,
    other_delimiter,
    ragged,
    too_long,
)
from edi.delimited.overlong import Overlong
from edi.findings import Finding, Position
from edi.model import Document, Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.delimited.fast import Cells, Texts
    from edi.delimited.records import Shape

_CAREFUL_ROWS = 16
"""So many rows are read by the rules after a doubtful one, which rarely comes alone, before a fast path is tried."""

Batch = Iterable["Document | Finding"]
"""Some documents and findings; a batch must be drawn to its end before the next one is asked for."""


def read_blocks(blocks: Iterable[bytes], sheet: Sheet, *, header: bool) -> Iterator[Document | Finding]:
    """The rows of a file, in order; blocks may have any size and are the unit of work."""
    items = chain.from_iterable(_batches(blocks, _Reader(sheet, header=header or bool(sheet.header_at))))
    return without_footer(items, sheet.footer) if sheet.footer else items


def _batches(blocks: Iterable[bytes], reader: _Reader) -> Iterator[Batch]:
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


class _Reader:
    """One file being read: `data` holds what is not done with; its first byte is byte `base` of the file.

    `at` is the offset in `data` up to which rows were read, `line` the number of the line there.
    """

    def __init__(self, sheet: Sheet, *, header: bool) -> None:
        self.opening = Opening(sheet)
        self.mistaken = text.Mistaken(sheet.encoding)
        self.lost = text.Lost()
        self.header = header
        self.awaiting_header = header
        self.header_damaged = False
        self.head = Position(0, 0, line=1)
        self.data = b""
        self.base = self.at = 0
        self.line = 1
        self.number = 0
        self.width: int | None = None
        self.refused: Finding | None = None
        """What makes reading on useless; its span grows with the file."""
        self.suspect: tuple[str, int, Position] | None = None
        """What may be the delimiter, how many names the header has with it, and where the header stands."""
        self.wanted = 0
        self.careful = 0
        self.skip: Overlong | None = None
        self._know(sheet)

    def _know(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.one_byte = text.one_byte(sheet.encoding)
        self.envelope = Envelope("csv", encoding=sheet.encoding, delimiters=sheet.syntax.told, columns=sheet.columns)
        self.by = sheet.records.by if sheet.records else None
        self.shapes: dict[str, Shape] | None = sheet.records.shapes(self.envelope) if sheet.records else None

    def take(self, block: bytes, *, final: bool) -> Iterator[Batch]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        if self.mistaken.open:
            self.mistaken.look(block)
        if self.sheet.encoding == "utf-8":
            self.lost.look(block)
        self.data = self.data + block if self.data else block
        if not self.opening.done and not self.refused:
            yield self._open(final=final)
        if self.refused:
            self.base += len(self.data)
            self.data = b""
        elif self.opening.done and (final or len(self.data) >= self.wanted):
            yield from self._advance(final=final)
        if final:
            yield self._end()

    def _open(self, *, final: bool) -> list[Finding]:
        opening = self.opening
        taken = opening.take(self.data, final=final)
        self.base += taken
        self.data = self.data[taken:]
        if opening.refused:
            self._refuse(*opening.refused, Position(0, 0, line=1))
        if not opening.done and not opening.refused:
            return []
        self.line = opening.line
        self._know(opening.sheet)
        return opening.found

    def _refuse(self, code: str, message: str, position: Position) -> None:
        self.refused = text.finding(code, message, position)

    def _end(self) -> list[Finding]:
        """What is left to say at the end of the file."""
        found = self.mistaken.finding() if self.mistaken.encoding == self.sheet.encoding else None
        told = [found] if found else []
        if self.refused:
            position = replace(self.refused.position, end=self.base)
            return [*told, replace(self.refused, position=position)]
        if (found := self.lost.finding()) is not None:
            told.append(found)
        if self.suspect:
            told.append(of_delimiter(self.sheet, self.suspect[0], self.suspect[2]))
        if self.number or self.header_damaged:
            return told
        whole = Position(0, self.base, line=1)
        if self.base == self.opening.mark_length:
            return [text.finding("file.empty", "the file has no bytes", whole)]
        if self.awaiting_header or not self.header:
            return [*told, text.finding("csv.blank", "the file has blank lines only", whole)]
        nothing = text.finding("csv.no_rows", "the file has a header and no rows", self.head)
        return [*told, replace(nothing, columns=self.sheet.columns)]

    def _advance(self, *, final: bool) -> Iterator[Batch]:
        """Reads the rows that are whole in `data` and keeps what is left."""
        data = self.data
        self.at = self.wanted = 0
        if self.skip:
            yield self._pass_over(self.skip, final=final)
        # A CR at the very end may be the first half of a line end.
        cut = len(data) if final else max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0))) + 1
        while self.at < len(data) and not self.skip and not self.refused:
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
        if self.refused:
            self.at = len(data)
        self.base += self.at
        self.data = data[self.at :]

    def _wait(self, row: Row) -> None:
        """Puts off a row that is not whole yet, or gives up keeping it."""
        blamed = too_long(self.sheet, row, self.at)
        if blamed:
            start, cell = blamed
            self.skip = Overlong(self.base + self.at, self.line, self.base + start, cell, len(row.cells))
            self._move_to(row.cells[-1].start)
        else:
            held = row.end - self.at
            self.wanted = held + min(held, 1 << 20)  # a row that grows is looked at ever more rarely
            self.careful = max(self.careful, 1)

    def _pass_over(self, skip: Overlong, *, final: bool) -> Batch:
        """Walks over a row that is too long, keeping nothing of it."""
        self._move_to(skip.take(self.sheet, self.data, self.base, self.line, final=final))
        if skip.end is None:
            return ()
        self.skip = None
        found = skip.finding(self.sheet)
        if self.awaiting_header:
            self.awaiting_header = False
            self.header_damaged = True
            return (found,)
        self.number += 1
        return (Document(self.number, skip.start, skip.end, None, self.envelope, (found,)),)

    def _fast(self, cut: int) -> Iterator[Batch]:
        """The rows that a fast path can read, up to `cut` at most; they move `at` when they are drawn."""
        data, at, encoding, syntax = self.data, self.at, self.sheet.encoding, self.sheet.syntax
        known = self.shapes is not None or (self.width is not None and not self.suspect)
        if self.careful or not known or not at < cut <= at + self.sheet.field_bytes_max:
            return
        nul = data.find(b"\0", at, cut)
        region = data[at : cut if nul < 0 else _line_start(data, at, nul)]
        try:
            decoded = region.decode(encoding)
        except UnicodeDecodeError as error:
            region = data[at : _line_start(data, at, at + error.start)]
            decoded = region.decode(encoding)
        escaped = syntax.escape and syntax.escape in decoded
        if not region or (escaped and (syntax.escape + "\r" in decoded or syntax.escape + "\n" in decoded)):
            return
        lines, ending = lines_of(decoded)
        if not ending:
            yield from self._by_csv(region, decoded)
            return
        quoted = escaped or (syntax.quote and syntax.quote in decoded)
        texts = handfuls(region, decoded, lines, ending, one_byte=self.one_byte)
        yield from self._by_lines(texts, at + len(region), (cells_by_csv if quoted else cells_by_split)(syntax))

    def _by_lines(self, texts: Iterable[Texts], upto: int, cells_of: Cells) -> Iterator[Batch]:
        """Rows that are one line each, many at a time, to the offset `upto`: the hot loop."""
        envelope, base = self.envelope, self.base
        width = 0 if self.shapes else self.width or 0
        start, line = base + self.at, self.line
        for handful in texts:
            cells = cells_of(handful.texts)
            if cells is None:
                self._move_to(start - base)
                region = self.data[self.at : upto]
                yield from self._by_csv(region, region.decode(self.sheet.encoding))
                return
            line += len(cells)
            if width and alike(cells, handful.sizes, width):
                found, start = documents(self.number, start, cells, handful, envelope)
                self.number += len(cells)
                yield found
            else:
                starts = list(accumulate((size + handful.gap for size in handful.sizes), initial=start))
                yield self._singly(cells, starts, [at + size for at, size in zip(starts, handful.sizes, strict=False)])
                start = starts[-1]
        self.at, self.line = upto, line - (start - base > upto)  # the file's last line may have no end

    def _by_csv(self, region: bytes, decoded: str) -> Iterator[Batch]:
        """Rows with quotes or mixed line ends, up to the first one that ``csv`` refuses or that is not whole."""
        # bytes.splitlines and StringIO with newline="" know the same three line ends as the csv module.
        places = list(accumulate(map(len, region.splitlines(keepends=True)), initial=self.base + self.at))
        sizes = list(map(len, region.splitlines()))
        syntax = self.sheet.syntax
        rows = csv.reader(
            io.StringIO(decoded, newline=""),
            delimiter=syntax.delimiter,
            quotechar=syntax.quote or None,
            escapechar=syntax.escape or None,
            quoting=csv.QUOTE_MINIMAL if syntax.quote else csv.QUOTE_NONE,
            strict=True,
        )
        done, base, whole = 0, self.base, False
        while not whole:
            found: list[list[str]] = []
            starts: list[int] = []
            ends: list[int] = []
            try:
                for cells in rows:
                    upto = rows.line_num
                    found.append(cells)
                    starts.append(places[done])
                    ends.append(places[upto - 1] + sizes[upto - 1])
                    done = upto
                    if len(found) == ROWS:
                        break
                else:
                    whole = True
            except csv.Error:
                whole = True  # a quote not closed in this block, text behind one, a cell longer than csv takes
            yield self._singly(found, starts, ends)
        self._move_to(places[done] - base)

    def _singly(self, cells: list[list[str]], starts: list[int], ends: list[int]) -> list[Document]:
        """Rows one by one: some are blank, of another width, or of several types."""
        if self.shapes is not None:
            return self._typed(cells, starts, ends)
        found: list[Document] = []
        for row, start, end in zip(cells, starts, ends, strict=False):
            if len(row) == self.width and end > start:
                self.number += 1
                found.append(new(Document, (self.number, start, end, row, self.envelope, ())))
            elif end > start:
                found += self._doubtful(start)
        return found

    def _typed(self, cells: list[list[str]], starts: list[int], ends: list[int]) -> list[Document]:
        """Rows by the type of record that one of their cells announces."""
        shapes, by = self.shapes or {}, self.by
        found: list[Document] = []
        for row, start, end in zip(cells, starts, ends, strict=False):
            if end == start:
                continue
            shape = shapes.get("" if by is None else row[by] if by < len(row) else "\0")
            if shape is None or not shape.fits(row):
                found += self._doubtful(start)
            elif not shape.ignored:
                self.number += 1
                found.append(new(Document, (self.number, start, end, row[: shape.width], shape.envelope, ())))
        return found

    def _move_to(self, at: int) -> None:
        self.line += text.line_ends(self.data[self.at : at])
        self.at = at

    def _doubtful(self, start: int) -> Iterable[Document]:
        """The document of the row at byte `start` of the file, which a fast path does not take."""
        self._move_to(start - self.base)
        return self._judge(scan(self.data, self.at, self.sheet.syntax))

    def _slow(self, row: Row) -> Batch:
        """One row, read by the rules."""
        self.careful = max(0, self.careful - 1)
        if row.end == self.at:
            return ()  # a blank line
        if self.awaiting_header:
            return self._header(row)
        if self.suspect:
            told = self._settle(row, *self.suspect)
            return () if self.refused else (*told, *self._judge(row))
        return self._judge(row)

    def _settle(self, row: Row, other: str, names: int, position: Position) -> list[Finding]:
        """Whether the first row, like the header, is of several cells with another delimiter than the declared one."""
        self.suspect = None
        syntax = self.sheet.syntax
        cells = scan(self.data[self.at : row.end], 0, Syntax(other, syntax.quote, syntax.escape)).cells
        if len(row.cells) > 1 or len(cells) != names:
            return [of_delimiter(self.sheet, other, position)]
        message = f"header and rows have {names} cells each with {other!r} between them, and one with the declared "
        self._refuse("csv.delimiter_wrong", f"{message}{syntax.delimiter!r}", position)
        return []

    def _header(self, row: Row) -> list[Finding]:
        self.awaiting_header = False
        lines = Lines(self.data, self.base, self.at, self.line)
        found = flaws(self.sheet, lines, row)
        self.header_damaged = bool(found)
        if lost(self.sheet, row, self.at):
            return found
        names = tuple(self._cells(row))
        self.head = lines.position(self.at, row.end)
        self.width = len(names)
        self._know(replace(self.sheet, columns=names))
        other = other_delimiter(self.sheet, names[0]) if self.width == 1 else None
        if other:
            self.suspect = (other, names[0].count(other) + 1, lines.position(self.at, row.end))
        return found + list(header_flaws(self.sheet, lines, row))

    def _judge(self, row: Row) -> tuple[Document, ...]:
        """The document of the row at `at`, with what is wrong with it; none for a good row of an ignored type."""
        lines = Lines(self.data, self.base, self.at, self.line)
        found = flaws(self.sheet, lines, row)
        cells, envelope = None, self.envelope
        if found:
            self.careful = _CAREFUL_ROWS
        if not found or not lost(self.sheet, row, self.at):
            cells = self._cells(row)
            if self.shapes is not None:
                shape = self.shapes.get("" if self.by is None else cells[self.by] if self.by < len(cells) else "\0")
                if shape is None:
                    found.append(of_type(self.sheet, lines, row, self.by or 0, self.shapes))
                    cells = None
                else:
                    envelope = shape.envelope
                    if not shape.fits(cells):
                        sheet = replace(self.sheet, columns=envelope.columns)
                        found.append(ragged(sheet, lines, row, shape.width))
                    elif shape.ignored and not found:
                        return ()
                    cells = cells[: shape.width]
            else:
                if self.width is None:
                    self.width = len(cells)
                if len(cells) != self.width:
                    found.append(ragged(self.sheet, lines, row, self.width))
        self.number += 1
        start, end = self.base + self.at, self.base + row.end
        return (Document(self.number, start, end, cells, envelope, tuple(found)),)

    def _cells(self, row: Row) -> list[str]:
        data, syntax, encoding = self.data, self.sheet.syntax, self.sheet.encoding
        return [content(data, cell, syntax).decode(encoding, "replace") for cell in row.cells]


def _line_start(data: bytes, at: int, place: int) -> int:
    """Where the line that holds offset `place` begins, not before `at`."""
    return max(data.rfind(b"\n", at, place), data.rfind(b"\r", at, place), at - 1) + 1
