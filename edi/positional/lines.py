"""Positional records that end with a line: how a file becomes documents fast, in bounded memory, no byte lost.

Strategy. A block is cut behind its last line end and decoded at once; its lines come from ``str.split``, and the
columns of a line from one ``itemgetter`` of slices. A line of another length, or with a value that cannot be read, goes
through ``edi.positional.rows``; so do all lines of a block that cannot be decoded, holds a NUL or mixes line ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from edi import text
from edi.findings import Finding, Position
from edi.model import Document, Envelope
from edi.positional.numbers import Unreadable
from edi.positional.rows import text_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edi.positional.rows import Judge, Shape

_FIRST_BYTES = 64

_new = tuple.__new__  # _new(Document, values) is Document(*values), at half of the cost


@dataclass(frozen=True, slots=True)
class _Quick:
    """One record type on the fast path: `cut` makes the values of a line of `size` characters."""

    size: int
    envelope: Envelope
    cut: Callable[[str], list[str]]
    ignored: bool


def read_blocks(
    blocks: Iterable[bytes], judge: Judge, *, limit: int, ignored: frozenset[str]
) -> Iterator[Document | Finding]:
    """The records of a file, in order; blocks may have any size and are the unit of work.

    `limit` is the longest line in bytes. Records of the `ignored` types are no documents.
    """
    reader = _Reader(judge, limit, ignored)
    for block in blocks:
        yield from reader.take(block, final=False)
    yield from reader.take(b"", final=True)


class _Reader:
    """One file being read: `rest` is the line that is not whole yet; its first byte is byte `base` of the file."""

    def __init__(self, judge: Judge, limit: int, ignored: frozenset[str]) -> None:
        self.judge = judge
        self.limit = limit
        self.ignored = ignored
        self.rest = b""
        self.base = self.dropped = self.number = self.mark_length = 0
        self.line = 1
        self.started = self.seen = False
        self.lost = text.Lost()
        self.refused: tuple[str, str] | None = None
        """The code and the message of what makes reading on useless."""
        charset = judge.charset
        self.feed = charset.feeds[:1]
        self.same_feed = bytes.maketrans(charset.feeds, charset.feeds[:1] * len(charset.feeds))
        self.one_feed = len(charset.feeds) == 1
        self.quick = {value: self._quick(shape) for value, shape in judge.shapes.items()}
        self.quick_single = self._quick(judge.single) if judge.single else None
        by = judge.by
        self.by = slice(by.start, by.end) if by else None
        self.has_quick = bool(self.quick_single or any(self.quick.values())) and not (by and by.kind.name != "text")

    def _quick(self, shape: Shape) -> _Quick | None:
        """The fast path of a record type; None for one whose lines differ in length."""
        if shape.counts or shape.type.open:
            return None
        columns = shape.type.columns
        spans = [slice(column.start, column.end) for column in columns]
        take: Callable[[str], tuple[str, ...]]
        take = itemgetter(*spans) if len(spans) > 1 else lambda line: (line[spans[0]],)
        reads = [text_reader(column.kind, self.judge.charset) for column in columns]
        zoned = any(column.kind.name == "zoned" and not column.kind.separate for column in columns)
        if zoned and self.judge.charset.ebcdic:
            return None
        plain = all(column.kind.name == "text" for column in columns) and "\ufffd" not in self.judge.charset.table

        def cut(line: str) -> list[str]:
            return [value.rstrip(" ") for value in take(line)]

        def read(line: str) -> list[str]:
            return [read(value) for read, value in zip(reads, take(line), strict=True)]

        return _Quick(shape.size, shape.envelope, cut if plain else read, shape.type.name in self.ignored)

    def take(self, block: bytes, *, final: bool) -> Iterator[Document | Finding]:
        """What is certain once `block` has come; `final` says that nothing follows."""
        if not self.judge.charset.table:  # UTF-8
            self.lost.look(block)
        data = self.rest + block
        if not self.started:
            if len(data) < _FIRST_BYTES and not final:
                self.rest = data
                return
            data = self._begin(data)
        if self.refused:
            self.base += len(data)
            self.rest = b""
            if final:
                yield text.finding(*self.refused, Position(0, self.base, line=1))
            return
        whole = data if self.one_feed else data.translate(self.same_feed)
        cut = len(data) if final else whole.rfind(self.feed) + 1
        if cut:
            yield from self._region(data[:cut], whole[:cut], final=final)
        self.rest = data[cut:]
        if final:
            yield from self._end()
        elif self.dropped or len(self.rest) > self.limit:
            self.dropped += len(self.rest) - 1
            self.rest = self.rest[-1:]  # it may be a CR

    def _begin(self, data: bytes) -> bytes:
        self.started = True
        charset = self.judge.charset
        if charset.ebcdic:
            return data
        wide, foreign, found = text.wide(data), text.foreign(data), text.mark(data)
        if wide:
            self.refused = ("text.wide", f"the file is written in {wide.upper()}, not in {charset.name}")
        elif foreign:
            self.refused = ("file.kind", f"the file is {foreign}, not lines of records")
        elif found and not charset.table:
            self.base = self.mark_length = found[1]
            return data[self.base :]
        return data

    def _end(self) -> Iterator[Finding]:
        """What an end without a single record means."""
        whole = Position(0, self.base, line=1)
        if self.base == self.mark_length:
            yield text.finding("file.empty", "the file has no bytes", whole)
        elif not self.seen:
            yield text.finding("fixed.blank", "the file has empty lines only", whole)
        if (found := self.lost.finding()) is not None:
            yield found

    def _region(self, data: bytes, whole: bytes, *, final: bool) -> Iterator[Document | Finding]:
        """Lines that are whole; `whole` is `data` with one kind of line end."""
        if self.has_quick and not self.dropped and len(data) <= self.limit + text.BLOCK_BYTES and b"\0" not in data:
            try:
                characters = self.judge.decode(whole)
            except UnicodeDecodeError:
                pass
            else:
                ending = self._ending(characters)
                if ending:
                    yield from self._fast(data, characters, ending)
                    return
        lines = whole.split(self.feed)
        last = lines.pop()
        at = 0
        for line in lines:
            yield from self._slow(data[at : at + len(line)], 1)
            at += len(line) + 1
        if last or (final and self.dropped):
            yield from self._slow(data[at:], 0)

    def _ending(self, characters: str) -> str:
        """The one way in which all lines end, or "" where they differ."""
        returns = characters.count("\r")
        if not returns:
            return "\n"
        return "\r\n" if returns == characters.count("\n") == characters.count("\r\n") else ""

    def _fast(self, data: bytes, characters: str, ending: str) -> Iterator[Document | Finding]:
        """Lines that all end alike: the hot loop."""
        lines = characters.split(ending)
        if not lines[-1]:
            lines.pop()
            last = len(lines)
        else:
            last = len(lines) - 1  # the file's last line, without an end
        same = len(characters) == len(data)
        gap = len(ending)
        quick, by, at = self.quick_single, self.by, 0
        number, line = self.number, self.line
        for place, one in enumerate(lines):
            size = len(one) if same else len(one.encode())
            if by:
                quick = self.quick.get(one[by].rstrip(" "))
            if quick and len(one) == quick.size:
                try:
                    content = quick.cut(one)
                except Unreadable:
                    pass
                else:
                    self.seen = True
                    if not quick.ignored:
                        number += 1
                        start = self.base
                        yield _new(Document, (number, start, start + size, content, quick.envelope, ()))
                    self.base += size + (gap if place < last else 0)
                    at += size + gap
                    line += 1
                    continue
            self.number, self.line = number, line
            yield from self._slow(data[at : at + size + gap - 1] if place < last else data[at:], int(place < last))
            number, line = self.number, self.line
            at += size + gap
        self.number, self.line = number, line

    def _slow(self, line: bytes, gap: int) -> Iterator[Document]:
        """One line by the rules, without its line feed; `gap` is 1 if there is one."""
        start, size, number = self.base, self.dropped + len(line), self.line
        self.base += size + gap
        self.line += 1
        self.dropped = 0
        stripped = line.removesuffix(b"\r")
        end = start + size - len(line) + len(stripped)
        if size > self.limit:
            self.number += 1
            self.seen = True
            message = f"the line is longer than {self.limit} bytes"
            found = text.finding("fixed.too_long", message, Position(start, end, line=number))
            yield Document(self.number, start, end, None, self.judge.unknown, (found,))
            return
        if not stripped or (not gap and stripped == b"\x1a"):  # CP/M's end of a file
            return
        self.seen = True
        document = self.judge.document(self.number + 1, start, stripped, number)
        if not document.findings and document.envelope.message in self.ignored:
            return
        self.number += 1
        yield document
