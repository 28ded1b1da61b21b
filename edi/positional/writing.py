"""Positional records as they are written: values put into their columns, records cut as the options say.

The options are those of the reader, so that what describes a file describes its copy. A record is put together column
by column and read back: if its values were others, it is refused. Where columns share bytes (REDEFINES), the view is
written that gives all of them. What belongs to no column is blank.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING, Any

from edi import text
from edi.positional import putting
from edi.positional.charsets import UNDEFINED
from edi.positional.numbers import Unreadable
from edi.positional.rows import contents
from edi.writing import Unwritable, line_end, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edi.model import Document
    from edi.positional.charsets import Charset
    from edi.positional.declared import Declared
    from edi.positional.layout import Column
    from edi.positional.rows import Judge, Shape

    Put = Callable[[str], str | bytes]

_NUMBERS = ("number", "zoned", "packed", "binary")
_VIEWS_MAX = 64
"""So many ways to choose among views of shared bytes are tried."""

_BLOCK = 32_756
"""Bytes of records in a block with a descriptor word (z/OS: a block has at most 32,760)."""


@dataclass(frozen=True, slots=True)
class _Type:
    """One record type, ready to be written: what announces it, and what puts each value into its column."""

    shape: Shape
    puts: tuple[Put, ...]
    mark: tuple[Column, str | bytes] | None
    areas: dict[int, list[int]]
    """The views of each area of shared bytes."""
    is_plain: bool
    """Whether what is put into its columns is surely read as it was, if no text ends with a blank or holds a NUL."""
    gaps: tuple[str, ...]
    """The blanks before each column and behind the last, of lines whose columns follow each other."""


def write(documents: Iterable[Document], known: Declared, ending: str, message: str) -> Iterator[bytes]:
    """The bytes of a file with these records, as documents of ``list[str]``.

    `known` is what the options declare, `ending` names the ends of lines, `message` is the record type of documents
    that name none.

    Raises:
        ValueError: at the call, `ending` names none, or an encoding that cannot be written.
        Unwritable: while the bytes are drawn, a record cannot be written.
    """
    end = line_end(ending)
    if known.cutter is None and not end:
        raise ValueError("line_end none: these records end with a line; write lf or crlf")
    return _Writer(known, end, message).run(documents)


class _Writer:
    def __init__(self, known: Declared, end: str, message: str) -> None:
        self.judge = known.judge
        self.cutter = known.cutter
        self.message = message
        charset = known.judge.charset
        encode = _encoder(charset)
        self.encode = encode
        shapes = {shape.type.name: shape for shape in (*known.judge.shapes.values(), known.judge.single) if shape}
        self.types = {name: self.typed(shape) for name, shape in shapes.items()}
        self.end = encode(end) if self.cutter is None else b""
        self.size = self.left = 0
        """Bytes of a block, and how many of them are left."""
        if self.cutter and self.cutter.block:
            self.size = self.left = self.cutter.block

    def typed(self, shape: Shape) -> _Type:
        judge, by = self.judge, self.judge.by
        puts = tuple(_put(column, judge, self.encode) for column in shape.type.columns)
        mark = (by, _put(by, judge, self.encode)(shape.type.values[0])) if by and shape.type.values else None
        areas: dict[int, list[int]] = {}
        for column in shape.type.columns:
            for area, view in column.views:
                if view not in areas.setdefault(area, []):
                    areas[area].append(view)
        columns = shape.type.columns
        is_plain = (
            not (areas or shape.counts or by or judge.frame.trimmed or shape.type.open)
            and all(column.kind.name not in ("raw", "trimmed") for column in columns)
            and all(one.end is not None and one.end <= two.start for one, two in pairwise(columns))
        )
        gaps: tuple[str, ...] = ()
        if is_plain and self.cutter is None:
            ends = (0, *(column.end or 0 for column in columns))
            starts = (*(column.start for column in columns), shape.size)
            gaps = tuple(" " * (start - end) for end, start in zip(ends, starts, strict=True))
        return _Type(shape, puts, mark, areas, is_plain, gaps)

    def run(self, documents: Iterable[Document]) -> Iterator[bytes]:
        block: list[bytes] = []
        held = 0
        records = self.cutter.records if self.cutter else "lines"
        for number, document in enumerate(documents):
            try:
                record = self.framed(self.record(document), first=not number)
            except Unwritable as problem:
                problem.document = document.number
                raise
            if records != "bdw":
                yield record
                continue
            if block and held + len(record) > _BLOCK:
                yield _block(block)
                block, held = [], 0
            block.append(record)
            held += len(record)
        if block:
            yield _block(block)

    def framed(self, record: bytes, *, first: bool) -> bytes:
        """A record with what says where it ends."""
        if self.cutter is None:
            if first and not self.judge.charset.ebcdic and (text.mark(record) or text.wide(record)):
                raise Unwritable("the file would begin with what readers take for a byte order mark", "leave it out")
            return record + self.end
        records = self.cutter.records
        if records in ("rdw", "bdw"):
            if len(record) > (_BLOCK if records == "bdw" else 0xFFFF) - 4:
                raise Unwritable(f"it has {len(record)} bytes, more than a descriptor word tells", "split it")
            return (len(record) + 4).to_bytes(2, "big") + b"\0\0" + record
        if records == "length":
            return len(record).to_bytes(4, "big") + record
        if self.size:
            rest = b""
            if self.left < len(record):
                rest, self.left = self.judge.charset.blank * self.left, self.size
            self.left -= len(record)
            return rest + record
        return record

    def record(self, document: Document) -> bytes:
        """The bytes of one record."""
        content = document.content
        name = document.envelope.message or self.message or None
        one = self.types.get(name) or (next(iter(self.types.values())) if len(self.types) == 1 else None)
        if one is None:
            known = ", ".join(filter(None, self.types))
            raise Unwritable(f"its record type is {name!r}; the layout has {known}", "name one of them as its message")
        columns = one.shape.type.columns
        if not isinstance(content, (list, tuple)) or len(content) != len(columns):
            count = len(content) if isinstance(content, (list, tuple)) else "no"
            raise Unwritable(f"it has {count} values for {len(columns)} columns", "give a text for each, in order")
        for column, value in zip(columns, content, strict=True):
            if not isinstance(value, str):
                raise Unwritable(f"{shown(value)} is no text", "give every value as a text", f"column {column.name}")
        content, size = _counted(one, list(content))
        if not one.areas:
            raw = self.put(one, content, size, {})
            if one.is_plain and not any(value.endswith(" ") for value in content) and "\0" not in "".join(content):
                return raw
            return self.checked(raw, one, content)
        problem: Unwritable | None = None
        for chosen in islice(product(*one.areas.values()), _VIEWS_MAX):
            try:
                raw = self.put(one, content, size, dict(zip(one.areas, chosen, strict=True)))
                return self.checked(raw, one, content)
            except Unwritable as found:
                problem = problem or found
        assert problem
        raise problem

    def put(self, one: _Type, content: list[str], size: int, views: dict[int, int]) -> bytes:
        """The record whose columns hold these values, with the chosen view of each area."""
        lines = self.cutter is None
        if one.gaps:
            return self.line(self.side_by_side(one, content), one, content)
        cells: list[Any] = [" "] * size if lines else [*(self.judge.charset.blank * size)]
        if one.mark:
            cells[one.mark[0].start : one.mark[0].end] = one.mark[1]
        for column, put, value in zip(one.shape.type.columns, one.puts, content, strict=True):
            if column.start >= size and column.end is not None:
                break  # behind the end of a table that has fewer occurrences
            if any(views[area] != view for area, view in column.views):
                continue
            try:
                cells[column.start : column.end] = put(value)
            except Unwritable as problem:
                problem.address = f"column {column.name}"
                raise
        return self.line("".join(cells), one, content) if lines else bytes(cells)

    def side_by_side(self, one: _Type, content: list[str]) -> str:
        """The line whose columns follow each other."""
        parts: list[Any] = []
        try:
            for gap, put, value in zip(one.gaps, one.puts, content, strict=False):
                parts += (gap, put(value))
        except Unwritable as problem:
            problem.address = f"column {one.shape.type.columns[len(parts) // 2].name}"
            raise
        return "".join((*parts, one.gaps[-1]))

    def line(self, characters: str, one: _Type, content: list[str]) -> bytes:
        """A record that ends with a line."""
        if self.judge.frame.trimmed:
            characters = characters.rstrip(" ") or " "
        if any(mark in characters for mark in ("\n", "\r", "\x85" if self.judge.charset.ebcdic else "\n")):
            raise Unwritable("a value holds a line break, which ends the record", "leave it out")
        try:
            return self.encode(characters)
        except Unwritable as problem:
            wrong = problem.message[1]
            names = (
                column.name for column, value in zip(one.shape.type.columns, content, strict=True) if wrong in value
            )
            problem.address = f"column {next(names, '')}"
            raise

    def read_with_care(self, raw: bytes, shape: Shape) -> Any:
        """The values of a record, some of which share bytes or lack the blanks at its end."""
        document = self.judge.document(1, 0, raw)
        if document.findings:
            found = document.findings[0]
            raise Unwritable(f"it would be refused: {found.message}", found.remedy)
        if document.envelope.message != shape.type.name:
            raise _of_another_type(document.envelope.message, shape)
        return document.content

    def checked(self, raw: bytes, one: _Type, content: list[str]) -> bytes:
        """The same bytes, if they are read as these values."""
        judge, shape = self.judge, one.shape
        try:
            if one.areas or judge.frame.trimmed:
                read = self.read_with_care(raw, shape)
            else:
                characters = judge.decode(raw)
                known = judge.shape_of(raw, characters)
                if known is not shape:
                    raise _of_another_type(known.type.name if known else None, shape)
                count = len(shape.reads)
                if shape.type.table:
                    table = shape.type.table
                    left = judge.size_of(shape, raw, characters) - table.start
                    count -= (table.most - left // table.size) * table.columns
                read = contents(shape, count, raw, characters)
        except Unreadable as error:
            raise Unwritable(f"it would be refused: {error.message}", "give a value that can be read") from None
        if read == content:
            return raw
        for column, value, again in zip(shape.type.columns, content, read, strict=True):
            if value != again and not (column.kind.name in _NUMBERS and value and again and _same(value, again)):
                raise Unwritable(
                    f"{shown(value)} would be read as {shown(again)}",
                    "leave out blanks at its end, and give raw columns their whole length",
                    f"column {column.name}",
                )
        return raw


def _of_another_type(name: str | None, shape: Shape) -> Unwritable:
    words = f"it would be read as the record type {name}" if name else "it announces no record type of the layout"
    return Unwritable(words, f"give the value that announces {shape.type.name}")


def _same(value: str, again: str) -> bool:
    return Decimal(value) == Decimal(again)


def _counted(one: _Type, content: list[str]) -> tuple[list[str], int]:
    """The values with the counter of their table, and the length of the record."""
    table = one.shape.type.table
    if table is None:
        return content, one.shape.size
    columns = one.shape.type.columns
    place = columns.index(table.counter)
    first = len(columns) - table.most * table.columns
    last = max((at for at in range(first, len(columns)) if content[at]), default=first - 1)
    used = -(-(last + 1 - first) // table.columns)
    told = content[place] or str(max(used, table.least))
    address = f"column {table.counter.name}"
    if not told.isdecimal() or not table.least <= int(told) <= table.most:
        words = f"{shown(told)} counts {columns[first].name}, which occurs {table.least} to {table.most} times"
        raise Unwritable(words, "give the number of occurrences, or leave it empty", address)
    if int(told) < used:
        words = f"it counts {told}, and there are values up to occurrence {used} ({columns[last].name})"
        raise Unwritable(words, "count them all, or leave the counter empty", address)
    content[place] = told
    return content, table.start + int(told) * table.size


def _block(records: Sequence[bytes]) -> bytes:
    data = b"".join(records)
    return (len(data) + 4).to_bytes(2, "big") + b"\0\0" + data


def _encoder(charset: Charset) -> Callable[[str], bytes]:
    """What makes bytes of characters."""
    table = codecs.charmap_build(charset.table) if charset.table else None

    def encode(characters: str) -> bytes:
        try:
            if table is None:
                return characters.encode()
            if UNDEFINED not in characters:
                return codecs.charmap_encode(characters, "strict", table)[0]
            at = characters.index(UNDEFINED)
        except UnicodeEncodeError as error:
            at = error.start
        raise Unwritable(
            f"{characters[at]!r} is no character of {charset.name}", "choose another encoding, or another character"
        )

    return encode


def _put(column: Column, judge: Judge, encode: Callable[[str], bytes]) -> Put:
    """The function that makes what stands in a column of its value: characters in lines, otherwise bytes."""
    kind, lines, charset = column.kind, judge.frame.lines, judge.charset
    width = 0 if column.end is None else column.end - column.start
    if kind.name == "packed":
        return partial(putting.packed, kind=kind, width=width)
    if kind.name == "binary":
        return partial(putting.binary, kind=kind, width=width)
    if kind.name == "zoned" and not kind.separate and charset.ebcdic:
        of_bytes = partial(putting.zoned, kind=kind, width=width)
        return (lambda value: charset.decode(of_bytes(value))) if lines else of_bytes
    if kind.name in _NUMBERS:
        of_text = (
            putting.written if kind.name == "number" else putting.separate if kind.separate else putting.zoned_text
        )
        of_number = partial(of_text, kind=kind, width=width)
        return of_number if lines else lambda value: encode(of_number(value))

    def in_characters(value: str) -> str:
        _check_width(value, len(value), column)
        return value.ljust(width)

    def in_bytes(value: str) -> bytes:
        data = encode(value)
        _check_width(value, len(data), column)
        return data.ljust(width, charset.blank)

    return in_characters if lines else in_bytes


def _check_width(value: str, size: int, column: Column) -> None:
    width = size if column.end is None else column.end - column.start
    if size > width:
        raise Unwritable(
            f"{shown(value)} is too long for its column of {width}", "shorten it, or widen the column in the layout"
        )
