"""Positional records without line ends: cut by their length, by the words before them, or by what they say themselves.

A record descriptor word (RDW) and a block descriptor word (BDW) are those of z/OS DFSMS, "Using Data Sets": two bytes
with the length, big-endian, their own four included, and two zeros; a set first bit of a BDW makes all four bytes the
length. Where a length cannot be, nothing behind it can be found again: the rest of the file is one finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi import text
from edi.findings import Finding, Position
from edi.model import Document
from edi.positional.numbers import Unreadable
from edi.positional.rows import Judge, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LINE_ENDS = frozenset(b"\r\n\x1a\x15\x25")
_new = tuple.__new__  # _new(Document, values) is Document(*values), at half of the cost


@dataclass(frozen=True, slots=True)
class Cut:
    """What stands at a place of the data: `head` bytes before a record of `size` bytes.

    `size` None: it is not known before more bytes have come. `problem`: it cannot be known. `rest`: padding of a block.
    """

    head: int
    size: int | None = None
    problem: tuple[str, str] | None = None
    rest: bool = False


def read_blocks(
    blocks: Iterable[bytes], judge: Judge, cutter: Cutter, *, ignored: frozenset[str]
) -> Iterator[Document | Finding]:
    """The records of a file, in order; blocks may have any size. Records of the `ignored` types are no documents."""
    reader = _Reader(judge, cutter, ignored)
    for block in blocks:
        yield from reader.take(block)
    yield from reader.end()


class Cutter:
    """How records are cut; `records` is the option of that name."""

    def __init__(self, records: str, judge: Judge, *, length: int, block: int, limit: int) -> None:
        self.records = records
        self.judge = judge
        self.length = length
        self.block = block
        self.limit = limit
        self.cut: Callable[[bytes, int, int, bool], Cut] = {
            "fixed": self._fixed,
            "rdw": self._rdw,
            "bdw": self._rdw,
            "length": self._length,
            "stream": self._stream,
        }[records]

    def _fixed(self, _data: bytes, _at: int, left: int, _final: bool) -> Cut:
        """`left` bytes are left in the block; 0 where the file has none."""
        if self.block and left < self.length:
            return Cut(0, left, rest=True)
        return Cut(0, self.length)

    def _rdw(self, data: bytes, at: int, left: int, _final: bool) -> Cut:
        blocked = self.records == "bdw"
        word = data[at : at + (min(4, left) if blocked else 4)]
        if len(word) < 4 and not (blocked and len(word) == left):
            return Cut(4)
        size = int.from_bytes(word[:2], "big")
        message = ""
        if len(word) < 4 or size < 4 or word[2] > 3 or word[3]:
            message = f"0x{word.hex(' ').upper()} is no record descriptor word"
        elif blocked and size > left:
            message = f"a record of {size} bytes stands in a block with {left} left"
        if message:  # the next block can be found, another record cannot
            return Cut(0, left if blocked else None, problem=("fixed.descriptor", message))
        if word[2]:
            return Cut(4, size - 4, problem=("fixed.spanned", "the record goes over several segments"))
        return Cut(4, size - 4)

    def _length(self, data: bytes, at: int, _left: int, _final: bool) -> Cut:
        word = data[at : at + 4]
        if len(word) < 4:
            return Cut(4)
        size = int.from_bytes(word, "big")
        if size > self.limit:
            message = f"the length {size} is more than a record has, {self.limit}"
            return Cut(4, problem=("fixed.descriptor", message))
        return Cut(4, size)

    def _stream(self, data: bytes, at: int, _left: int, _final: bool) -> Cut:
        """The record says itself how long it is: by its type, and by the counter of its table."""
        judge = self.judge
        by = judge.by
        have = len(data) - at
        shape = judge.single
        try:
            if by:
                raw = data[at : at + (by.end or 0)]
                if have < (by.end or 0):
                    return Cut(0)
                shape = judge.shape_of(raw, judge.decode(raw))
                if shape is None:
                    return Cut(0, problem=("fixed.type", "no record type is announced here, so its length is unknown"))
            assert shape
            table = shape.type.table
            if table is None:
                return Cut(0, shape.size)
            if have < table.start:
                return Cut(0)
            raw = data[at : at + table.start]
            return Cut(0, judge.size_of(shape, raw, judge.decode(raw)))
        except Unreadable as error:
            return Cut(0, problem=(error.code, error.message))

    def block_of(self, data: bytes, at: int) -> tuple[int, int] | str | None:
        """Head and inner length of the block that begins here; None for too few bytes, a text where it cannot be."""
        if self.records != "bdw":
            return 0, self.block
        word = data[at : at + 4]
        if len(word) < 4:
            return None
        size = int.from_bytes(word, "big") & 0x7FFFFFFF if word[0] & 0x80 else int.from_bytes(word[:2], "big")
        if size < 8 or size > self.limit or (not word[0] & 0x80 and word[2:] != b"\0\0"):
            return f"0x{word.hex(' ').upper()} is no block descriptor word"
        return 4, size - 4


class _Reader:
    """One file being read: `data` holds what is not done with; its first byte is byte `base` of the file.

    `left` is what remains of the block of records, where the file has blocks.
    """

    def __init__(self, judge: Judge, cutter: Cutter, ignored: frozenset[str]) -> None:
        self.judge = judge
        self.cutter = cutter
        self.ignored = ignored
        self.data = b""
        self.base = self.number = self.left = self.wanted = 0
        self.blocked = cutter.records == "bdw" or bool(cutter.block)
        self.lost: tuple[int, str, str] | None = None
        """Where, with which code and message, records could no longer be told from each other."""

    def take(self, block: bytes) -> Iterator[Document | Finding]:
        self.data = self.data + block if self.data else block
        if self.lost:
            self.base += len(self.data)
            self.data = b""
        elif len(self.data) >= self.wanted:
            yield from self._advance(final=False)

    def end(self) -> Iterator[Document | Finding]:
        """What the end of the file says."""
        if not self.lost:
            yield from self._advance(final=True)
        self.base += len(self.data)
        self.data = b""
        if self.lost:
            start, code, message = self.lost
            message = f"{message}; from byte {start} on nothing could be read"
            yield text.finding(code, message, Position(start, self.base))
        elif not self.base:
            yield text.finding("file.empty", "the file has no bytes", Position(0, 0))

    def _advance(self, *, final: bool) -> Iterator[Document | Finding]:
        data, at, cut = self.data, 0, self.cutter.cut
        self.wanted = 0
        while at < len(data):
            if self.blocked and not self.left:
                found = self.cutter.block_of(data, at)
                if isinstance(found, str):
                    self._lose(at, "fixed.descriptor", found)
                    break
                if found is None:
                    if final:
                        yield self._cut_off(data, at, "its block descriptor word is not whole")
                        at = len(data)
                    break
                at += found[0]
                self.left = found[1]
                continue
            one = cut(data, at, self.left, final)
            if one.problem and one.size is None:
                self._lose(at, *one.problem)
                break
            have = len(data) - at - one.head
            if one.size is None or have < one.size:
                if final:
                    yield from self._last(data, at, one, have)
                    at = len(data)
                else:
                    self.wanted = len(data) - at + (1 if one.size is None else one.size - have)
                break
            start = at + one.head
            at = start + one.size
            if self.blocked:
                self.left -= one.head + one.size
            yield from self._record(data[start:at], self.base + start, one)
        self.base += at
        self.data = data[at:]

    def _record(self, raw: bytes, start: int, one: Cut) -> Iterator[Document | Finding]:
        if one.rest:
            if raw.strip(b"\0\x40 "):
                message = f"{len(raw)} bytes at the end of a block belong to no record"
                yield text.finding("fixed.block_rest", message, Position(start, start + len(raw)))
            return
        if one.problem:
            self.number += 1
            code, message = one.problem
            found = text.finding(code, message, Position(start, start + len(raw)))
            yield Document(self.number, start, start + len(raw), None, self.judge.unknown, (found,))
            return
        judge = self.judge
        characters = judge.decode(raw)
        try:
            shape = judge.shape_of(raw, characters) if len(raw) >= judge.least else None
            if shape and not shape.counts and (len(raw) == shape.size or (len(raw) > shape.size and judge.loose)):
                content = contents(shape, len(shape.reads), raw, characters)
                if shape.type.name not in self.ignored:
                    self.number += 1
                    yield _new(Document, (self.number, start, start + len(raw), content, shape.envelope, ()))
                return
        except Unreadable:
            pass  # what is wrong is told by the rules
        document = self.judge.document(self.number + 1, start, raw)
        if not document.findings and document.envelope.message in self.ignored:
            return
        self.number += 1
        yield document

    def _last(self, data: bytes, at: int, one: Cut, have: int) -> Iterator[Document | Finding]:
        """The bytes behind the last whole record: a line end that nobody asked for, or a record that is cut off."""
        if one.rest:
            yield from self._record(data[at:], self.base + at, one)
        elif len(data) - at <= 2 and _LINE_ENDS.issuperset(data[at:]):
            return
        elif one.size is None:
            yield self._cut_off(data, at, "what says its length is not whole")
        else:
            yield self._cut_off(data, at, f"{max(have, 0)} of {one.size} bytes are there")

    def _cut_off(self, data: bytes, at: int, missing: str) -> Document:
        self.number += 1
        return self.judge.truncated(self.number, self.base + at, data[at:], missing)

    def _lose(self, at: int, code: str, message: str) -> None:
        self.lost = (self.base + at, code, message)
