"""From the bytes of one record to its document: the type, the length, the values, and what is wrong with them.

Strategy. Each column becomes one function that makes a text of a record's bytes, their hexadecimal digits and their
characters, which are had once for the whole record. When one of them refuses its value, the record is read again column
by column, so that every flaw has its place; only that is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edi import encodings, text
from edi.findings import Finding, Position
from edi.model import Document, Envelope
from edi.positional import numbers
from edi.positional.charsets import UNDEFINED, Charset
from edi.positional.numbers import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from edi.positional.layout import Column, Kind, Layout, RecordType

    Read = Callable[[bytes, str, str], str]

_FINDINGS_PER_RECORD_MAX = 20
_BYTES_SHOWN_MAX = 32


@dataclass(frozen=True, slots=True)
class Frame:
    """How records are cut out of a file, and what that means for their length.

    `lines`: they end with a line, and columns count characters; otherwise bytes. `exact`: a record has the length of
    its layout; otherwise what stands behind its columns is nobody's. `trimmed`: blanks at the end may be missing.
    `length`: the declared length of every record, 0 for none.
    """

    lines: bool
    exact: bool
    trimmed: bool = False
    length: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """One record type, ready to be read; `size` is the length of a record where it does not depend."""

    type: RecordType
    envelope: Envelope
    reads: tuple[Read, ...]
    size: int
    counts: Read | None
    texts: tuple[int, ...]
    """The columns that are characters, in which no NUL may stand."""


class Judge:
    """Makes documents of records; the layout, the encoding and the frame are those of the whole file."""

    def __init__(self, layout: Layout, charset: Charset, frame: Frame) -> None:
        self.charset = charset
        self.frame = frame
        self.by = layout.by
        self._by = reader(layout.by, charset, frame) if layout.by else None
        shapes = [(record, self._shape(record)) for record in layout.types]
        self.shapes = {value: shape for record, shape in shapes for value in record.values}
        self.single = None if layout.by else shapes[0][1]
        nothing = Envelope("fixed", encoding=charset.name, delimiters="\n" if frame.lines else "")
        self.unknown = self.single.envelope if self.single else nothing
        self.latin = not frame.lines and not charset.table
        self.loose = not frame.exact
        self.least = layout.by.end or 0 if layout.by else 0

    def _shape(self, record: RecordType) -> Shape:
        envelope = Envelope(
            "fixed",
            message=record.name,
            columns=tuple(one.name for one in record.columns),
            encoding=self.charset.name,
            delimiters="\n" if self.frame.lines else "",
            spans=tuple((one.start, one.end) for one in record.columns),
        )
        reads = tuple(reader(one, self.charset, self.frame) for one in record.columns)
        counts = reader(record.table.counter, self.charset, self.frame) if record.table else None
        texts = tuple(at for at, one in enumerate(record.columns) if one.kind.name in ("text", "trimmed", "raw"))
        size = record.size if record.table else max(record.size, self.frame.length)
        return Shape(record, envelope, reads, size, counts, texts)

    def decode(self, raw: bytes) -> str:
        """The characters of a record, one a byte unless it is a line of UTF-8.

        Raises:
            UnicodeDecodeError: the record is a line, and no UTF-8.
        """
        return raw.decode("latin-1") if self.latin else self.charset.decode(raw)

    def shape_of(self, raw: bytes, characters: str) -> Shape | None:
        """The type of a record; None where nothing announces it.

        Raises:
            Unreadable: the number that announces the type is none.
        """
        if self._by is None:
            return self.single
        return self.shapes.get(self._by(raw, raw.hex(), characters))

    def size_of(self, shape: Shape, raw: bytes, characters: str) -> int:
        """The length of a record, which a counter in it may say.

        Raises:
            Unreadable: the counter is no number, or counts more or less than the table has.
        """
        table = shape.type.table
        if table is None or shape.counts is None:
            return shape.size
        counter = table.counter
        said = shape.counts(raw, raw.hex(), characters)
        number = int(said or -1)
        if not table.least <= number <= table.most:
            message = f"{counter.name} counts {said or 'nothing'}; the table occurs {table.least} to {table.most} times"
            raise Unreadable("fixed.count", message, 0, (counter.end or 0) - counter.start)
        return table.start + number * table.size

    def document(self, number: int, start: int, raw: bytes, line: int | None = None) -> Document:
        """The document of a whole record at byte `start` of the file."""
        record = _Record(self, number, start, raw, line)
        return record.document()

    def truncated(self, number: int, start: int, raw: bytes, missing: str) -> Document:
        """The document of a record that the end of the file cuts off."""
        message = f"the file ends inside the last record: {missing}"
        found = text.finding("fixed.truncated", message, Position(start, start + len(raw)))
        return Document(number, start, start + len(raw), None, self.unknown, (found,))


class _Record:
    """One record being judged."""

    def __init__(self, judge: Judge, number: int, start: int, raw: bytes, line: int | None) -> None:
        self.judge = judge
        self.number = number
        self.start = start
        self.end = start + len(raw)
        self.raw = raw
        self.line = line
        self.characters = ""
        self.found: list[Finding] = []

    def document(self) -> Document:
        envelope, content = self.judge.unknown, None
        try:
            self.characters = self.judge.decode(self.raw)
        except UnicodeDecodeError as error:
            message = encodings.no_character(self.raw[error.start :], "utf-8")
            self._note("text.encoding", message, error.start, error.end, None)
        else:
            shape = self._shape()
            if shape:
                envelope = shape.envelope
                content = self._content(shape)
        return Document(self.number, self.start, self.end, content, envelope, tuple(self.found))

    def _shape(self) -> Shape | None:
        by = self.judge.by
        if by and not self._is_long_enough(by.end or by.start):
            return None
        try:
            shape = self.judge.shape_of(self.raw, self.characters)
        except Unreadable as error:
            assert by
            self._flaw(by, error)
            return None
        if shape is None:
            assert by
            start, end = self._span(by)
            value = self._shown(start, end)
            known = ", ".join(list(self.judge.shapes)[:20])
            message = f"no record type is announced by {value!r}; the layout has {known}"
            self._note("fixed.type", message, start, end, by.name, value)
        return shape

    def _content(self, shape: Shape) -> list[str] | None:
        frame, size = self.judge.frame, shape.size
        columns = shape.type.columns
        table = shape.type.table
        if table and not self._is_long_enough(table.start):
            return None
        try:
            size = self.judge.size_of(shape, self.raw, self.characters)
        except Unreadable as error:
            assert table
            self._flaw(table.counter, error)
            return None
        if not self._is_long_enough(size):
            return None
        have = len(self.characters)
        if have > size and frame.exact and not shape.type.open and self.characters[size:].strip(" \0"):
            start, end = self._bytes(size), len(self.raw)
            message = f"the record has {have} {self._unit}, its layout {size}: the rest belongs to no column"
            self._note("fixed.length", message, start, end, None, self._shown(start, end))
        count = len(columns)
        if table:
            count -= (table.most - (size - table.start) // table.size) * table.columns
        try:
            return contents(shape, count, self.raw, self.characters)
        except Unreadable:
            return self._explained(shape, count)

    def _is_long_enough(self, size: int) -> bool:
        """Whether the record has so many characters; blanks that may be missing at its end are filled in."""
        have = len(self.characters)
        if have >= size:
            return True
        if self.judge.frame.trimmed:
            self.characters = self.characters.ljust(size)
            self.raw = self.raw.ljust(len(self.raw) + size - have, self.judge.charset.blank)
            return True
        message = f"the record ends behind {have} of {size} {self._unit}"
        self._note("fixed.length", message, len(self.raw), len(self.raw), None)
        return False

    def _explained(self, shape: Shape, count: int) -> list[str]:
        """The values that can be read, and a finding for each other one."""
        hexed = self.raw.hex()
        content = []
        flaws: list[tuple[Column, Unreadable]] = []
        for column, read in zip(shape.type.columns[:count], shape.reads, strict=False):
            value = ""
            try:
                value = read(self.raw, hexed, self.characters)
            except Unreadable as error:
                flaws.append((column, error))
            if "\0" in value:
                at = self.characters.index("\0", column.start) - column.start
                flaws.append((column, Unreadable("text.nul", "the value holds a NUL", at, at + 1)))
                value = value.replace("\0", "")
            content.append(value)
        for column, flaw in _counted(shape, flaws)[:_FINDINGS_PER_RECORD_MAX]:
            self._flaw(column, flaw)
        return content + [""] * (len(shape.type.columns) - count)

    @property
    def _unit(self) -> str:
        return "bytes" if len(self.characters) == len(self.raw) else "characters"

    def _bytes(self, at: int) -> int:
        """The byte at which the character `at` of the record begins."""
        if len(self.characters) == len(self.raw):
            return min(at, len(self.raw))
        return len(self.characters[:at].encode())

    def _span(self, column: Column) -> tuple[int, int]:
        return self._bytes(column.start), len(self.raw) if column.end is None else self._bytes(column.end)

    def _flaw(self, column: Column, error: Unreadable) -> None:
        of_bytes = error.code in _OF_BYTES
        start, end = self._bytes(column.start + error.start), self._bytes(column.start + error.end)
        if of_bytes:  # one byte of such a number says nothing to anybody: all of them are shown, and pointed at
            start, end = self._span(column)
        value = None if error.code == "text.nul" else self._shown(start, end, as_bytes=of_bytes)
        self._note(error.code, error.message, start, end, column.name, value)

    def _note(
        self, code: str, message: str, start: int, end: int, column: str | None, value: str | None = None
    ) -> None:
        size = self.end - self.start  # blanks that were filled in are in no file
        place = Position(self.start + min(start, size), self.start + min(end, size), line=self.line, column=column)
        self.found.append(text.finding(code, message, place, value=value))

    def _shown(self, start: int, end: int, *, as_bytes: bool = False) -> str:
        """Bytes as a person reads them: characters where all can be printed, hexadecimal otherwise."""
        raw = self.raw[start:end]
        try:
            characters = self.judge.charset.decode(raw)
        except UnicodeDecodeError:
            characters = UNDEFINED
        if not as_bytes and characters.isprintable() and UNDEFINED not in characters:
            return characters
        rest = " …" if len(raw) > _BYTES_SHOWN_MAX else ""
        return f"0x{raw[:_BYTES_SHOWN_MAX].hex(' ').upper()}{rest}"


_OF_BYTES = ("fixed.packed", "fixed.zone")
"""Flaws that are seen in the bytes, not in the characters."""


def contents(shape: Shape, count: int, raw: bytes, characters: str) -> list[str]:
    """The values of the first `count` columns; the others are absent, and empty.

    Raises:
        Unreadable: one of them, or several, cannot be read.
    """
    hexed = raw.hex()
    reads = shape.reads
    if count == len(reads):
        values = [read(raw, hexed, characters) for read in reads]
    else:
        values = [read(raw, hexed, characters) for read in reads[:count]] + [""] * (len(reads) - count)
    if "\0" in characters and any("\0" in values[at] for at in shape.texts):
        raise Unreadable("text.nul", "the value holds a NUL", 0, 0)
    return values


def _counted(shape: Shape, flaws: list[tuple[Column, Unreadable]]) -> list[tuple[Column, Unreadable]]:
    """Those flaws that weigh: not in a view of an area that another view can read."""
    views = {pair for column in shape.type.columns for pair in column.views}
    before = None
    while flaws and len(flaws) != before:
        before = len(flaws)
        broken = {pair for column, _ in flaws for pair in column.views}
        readable = {area for area, view in views if (area, view) not in broken}
        flaws = [flaw for flaw in flaws if not any(area in readable for area, _ in flaw[0].views)]
    return flaws


def reader(column: Column, charset: Charset, frame: Frame) -> Read:
    """The function that reads one column of a record from its bytes, their hexadecimal digits, and its characters.

    It raises Unreadable.
    """
    kind = column.kind
    start, end = column.start, column.end
    if kind.name == "binary":
        return lambda raw, _hexed, _characters: numbers.binary(raw[start:end], kind)
    assert end is not None or kind.name in ("text", "raw", "trimmed")
    if kind.name == "packed" or (kind.name == "zoned" and charset.ebcdic and not kind.separate):
        of_hex = numbers.packed if kind.name == "packed" else numbers.zoned
        first, last = 2 * start, 2 * (end or 0)
        return lambda _raw, hexed, _characters: of_hex(hexed[first:last], kind)
    of_text = text_reader(kind, charset)
    if frame.lines or charset.table:
        return lambda _raw, _hexed, characters: of_text(characters[start:end])
    return lambda raw, _hexed, _characters: of_text(_of_utf8(raw[start:end]))


def text_reader(kind: Kind, charset: Charset) -> Callable[[str], str]:
    """The function that makes a value of a column's characters; it raises Unreadable."""
    if kind.name == "number":
        return lambda value: numbers.written(value, kind)
    if kind.name == "zoned":
        of_text = numbers.separate if kind.separate else numbers.zoned_text
        return lambda value: of_text(value, kind)
    strip = _STRIPS[kind.name]
    if UNDEFINED not in charset.table:
        return strip
    return lambda value: _defined(value) if UNDEFINED in value else strip(value)


def _as_it_stands(value: str) -> str:
    return value


_STRIPS: dict[str, Callable[[str], str]] = {
    "text": lambda value: value.rstrip(" \0"),
    "trimmed": lambda value: value.strip(" \0"),
    "raw": _as_it_stands,
}


def _defined(value: str) -> str:
    at = value.index(UNDEFINED)
    raise Unreadable("text.encoding", "a byte is no character of the declared encoding", at, at + 1)


def _of_utf8(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        message = encodings.no_character(raw[error.start :], "utf-8")
        raise Unreadable("text.encoding", message, error.start, error.end) from None
