"""Where the columns of a record stand: columns, record types, and the notation that declares them.

A layout is written a column a line: name, place (from 1, both ends included; or start + length), and type::

    # warehouse movements
    by 1-2                          where the record type stands
    record header H1                a type, and the values that announce it (its own name, if none is written)
    number     3-12
    record line L1 L2
    sku        3-12
    quantity  13+5     number
    price     18-24    zoned(2)     two of the digits are decimals
    "free text" 25-                 to the end of the record

Columns above the first ``record`` belong to every type. The same in one line is ``sku:3-12 quantity:13+5:number``.
A COBOL copybook is the other notation (``edi.positional.copybook``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS_MAX = 20_000
RECORD_BYTES_MAX = 1 << 24


@dataclass(frozen=True, slots=True)
class Kind:
    """How the bytes of a column are read.

    ========  =====================================================================================
    text      characters; blanks and NULs at the end are padding
    trimmed   likewise at both ends
    raw       characters as they stand
    number    digits with or without sign and decimal point, blanks around them
    zoned     a digit a byte, the sign in the zone of one of them or (`separate`) in a byte of its own
    packed    two digits a byte, the sign in the last half byte (COMP-3)
    binary    a big-endian integer (COMP)
    ========  =====================================================================================

    `digits` are those of the picture, `scale` how many stand behind the decimal point (less than 0: so many zeros
    follow). `leading` says where the sign of a zoned number is.
    """

    name: str = "text"
    scale: int = 0
    digits: int = 0
    signed: bool = True
    leading: bool = False
    separate: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `start` counts from 0 and is inclusive, `end` is exclusive or None for the end of the record.

    `views` are pairs (area, view): columns of different views of one area share bytes (REDEFINES), and a value that
    cannot be read is an error only where no view of its area can be read.
    """

    name: str
    start: int
    end: int | None
    kind: Kind = Kind()
    views: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A last table that occurs `least` to `most` times, as often as the column `counter` says.

    It begins at byte `start`, one occurrence takes `size` bytes and `columns` columns.
    """

    counter: Column
    start: int
    size: int
    columns: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class RecordType:
    """One type of record: the values that announce it, its columns, and its length in bytes (the longest, if any)."""

    name: str | None
    values: tuple[str, ...]
    columns: tuple[Column, ...]
    size: int
    table: Table | None = None

    @property
    def open(self) -> bool:
        """Whether the last column goes to the end of the record, however long."""
        return any(column.end is None for column in self.columns)


@dataclass(frozen=True, slots=True)
class Layout:
    """The types of record of a file; the text of the column `by` says which one a record is."""

    types: tuple[RecordType, ...]
    by: Column | None = None


_SPAN = re.compile(r"([1-9]\d{0,8})(?:-([1-9]\d{0,8})?|\+([1-9]\d{0,8}))?")
_KIND = re.compile(r"([a-z]+)(?:\((\d{1,2})\))?")
_LINE = re.compile(r'"(?P<quoted>[^"]*)"|(?P<word>[^\s"#]\S*)|(?P<comment>#.*)|(?P<bad>")')
_KINDS = {
    "text": Kind("text"),
    "raw": Kind("raw"),
    "number": Kind("number"),
    "zoned": Kind("zoned"),
    "packed": Kind("packed"),
    "binary": Kind("binary"),
    "unsigned": Kind("binary", signed=False),
}
_SCALED = ("number", "zoned", "packed", "binary", "unsigned")


def span(text: str) -> tuple[int, int | None]:
    """Start and end of a place such as ``3-12``, ``13+5``, ``7`` or ``25-``.

    Raises:
        ValueError: the text is none.
    """
    match = _SPAN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no place; write 3-12 (from and to), 3+10 (from and length), 3 or 3-")
    start = int(match[1]) - 1
    if "-" in text and match[2] is None:
        return start, None
    end = int(match[2]) if match[2] else start + int(match[3] or 1)
    if end <= start:
        raise ValueError(f"{text!r} ends before it begins")
    if end > RECORD_BYTES_MAX:
        raise ValueError(f"{text!r} lies behind the longest record, {RECORD_BYTES_MAX} bytes")
    return start, end


def column(name: str, place: str, kind: str = "text") -> Column:
    """The column that is declared so.

    Raises:
        ValueError: the place or the type is none.
    """
    start, end = span(place)
    match = _KIND.fullmatch(kind)
    if not match or match[1] not in _KINDS:
        near = get_close_matches(kind.partition("(")[0], _KINDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_KINDS)}"
        raise ValueError(f"{kind!r} is no type of a column; {hint}")
    if match[2] and match[1] not in _SCALED:
        raise ValueError(f"{kind!r}: only numbers have decimals")
    known = _KINDS[match[1]]
    size = None if end is None else end - start
    if size is None and known.name not in ("text", "raw"):
        raise ValueError(f"the column {name!r} goes to the end of the record, so it cannot be {known.name}")
    if known.name == "binary" and size not in (1, 2, 4, 8):
        raise ValueError(f"the column {name!r} has {size} bytes; a binary number has 1, 2, 4 or 8")
    digits = 0 if size is None else 2 * size - 1 if known.name == "packed" else size
    return Column(name, start, end, replace(known, scale=int(match[2] or 0), digits=digits))


def from_words(words: str) -> Layout:
    """The layout of columns written in one line, ``sku:1-8 price:9-14:number``.

    Raises:
        ValueError: a word declares no column.
    """
    columns = []
    for word in words.split():
        name, _, rest = word.partition(":")
        place, _, kind = rest.partition(":")
        if not name or not place:
            raise ValueError(f"{word!r} is no column; write name:from-to or name:from-to:type, such as sku:1-8")
        columns.append(column(name, place, kind or "text"))
    return Layout((_record(None, (), columns),))


def from_lines(text: str) -> Layout:
    """The layout of columns written a line each, see the module's docstring.

    Raises:
        ValueError: a line declares nothing; the message has its number.
    """
    draft = _Draft()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            draft.take(list(_words(line)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return draft.layout()


def _words(line: str) -> Iterator[tuple[str, bool]]:
    """The words of a line, and whether each stood in quotes."""
    for match in _LINE.finditer(line):
        if match["bad"]:
            raise ValueError("a quote is opened and never closed")
        if match["comment"] is None:
            quoted = match["quoted"]
            yield (match["word"], False) if quoted is None else (quoted, True)


class _Draft:
    """A layout while its lines are read."""

    def __init__(self) -> None:
        self.by: Column | None = None
        self.common: list[Column] = []
        self.types: list[tuple[str, tuple[str, ...], list[Column]]] = []

    def take(self, words: list[tuple[str, bool]]) -> None:
        """What one line says."""
        if not words:
            return
        (first, quoted), rest = words[0], [word for word, _ in words[1:]]
        if not quoted and first == "by" and len(rest) == 1:
            self.by = column("by", rest[0])
        elif not quoted and first == "record" and rest and not _SPAN.fullmatch(rest[0]):
            self.types.append((rest[0], tuple(rest[1:] or rest[:1]), []))
        elif 1 <= len(rest) <= 2 and first:
            (self.types[-1][2] if self.types else self.common).append(column(first, *rest))
        else:
            raise ValueError(
                f"{' '.join([first, *rest])!r} is no column; write name, place and type: price 9-14 number"
            )

    def layout(self) -> Layout:
        """What all lines say."""
        if not self.types:
            if self.by:
                raise ValueError("the layout says where the record type stands, and no type; write record header H")
            return Layout((_record(None, (), self.common),))
        records = tuple(_record(name, values, [*self.common, *own]) for name, values, own in self.types)
        return checked(Layout(records, self.by))


def checked(layout: Layout) -> Layout:
    """The same layout, if its types can be told apart.

    Raises:
        ValueError: they cannot.
    """
    if layout.by is None and len(layout.types) > 1:
        raise ValueError("the layout has several record types, but not where the type stands; write by 1-2")
    announced: dict[str, str | None] = {}
    for record in layout.types:
        for value in record.values:
            if value in announced:
                raise ValueError(f"{value!r} announces two record types, {announced[value]} and {record.name}")
            announced[value] = record.name
    return layout


def _record(name: str | None, values: tuple[str, ...], columns: Iterable[Column]) -> RecordType:
    found = tuple(columns)
    if not found:
        raise ValueError(f"the record {name!r} has no columns" if name else "the layout has no columns")
    if len(found) > COLUMNS_MAX:
        raise ValueError(f"the layout has {len(found)} columns; {COLUMNS_MAX} are read at most")
    names: set[str] = set()
    for one in found:
        if one.name in names:
            raise ValueError(f"two columns are called {one.name!r}; give one of them another name")
        names.add(one.name)
    return RecordType(name, values, found, max(one.start if one.end is None else one.end for one in found))
