"""What X12 and EDIFACT have in common, and where they differ: tags, words and the reading of their headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.findings import CODES, Finding, Position, Severity

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator

    from edi.segmented.walk.segments import Syntax
    from edi.segmented.walk.window import Window

DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
"""The largest transaction set or message that is read, unless an option says otherwise."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first segment of an interchange says. `length` is that of the header with its terminator, in bytes."""

    syntax: Syntax
    length: int
    sender: str
    receiver: str
    reference: str
    encoding: str
    delimiters: str
    row: list[Any]
    """ISA or UNB as a row."""
    usage: str = "P"
    """P for production, T for test, I for information."""
    level: str = ""
    """The syntax level that the header declares: UNOA, UNOB …"""
    oddities: tuple[tuple[str, str], ...] = ()
    """Codes and messages of what is odd about it, but can be read all the same."""


class Unreadable(NamedTuple):
    """Why a header cannot be read; `truncated` when the file ends inside it."""

    code: str
    message: str
    truncated: bool = False
    length: int = 1
    """So many bytes belong to it in any case."""


class Oddity(NamedTuple):
    """Something wrong with an element of a header."""

    code: str
    element: int
    message: str
    component: int | None = None


@dataclass(frozen=True, slots=True)
class Standard:
    """One family: its tags, its words, and how its headers are read.

    `start` finds where a header may begin, in four characters. `header` reads the header at the window's place.
    `describe` gives message, version, reference and group of a document from the rows of its own header and of its
    group's.
    """

    name: str
    start: re.Pattern[str]
    header: Callable[[Window], Header | Unreadable]
    describe: Callable[[list[Any], list[Any] | None], tuple[str, str | None, str, str | None]]
    guide_version: Callable[[list[Any], list[Any] | None], str]
    """Of a document's own header and its group's: what its guide is found by."""
    oddities: Callable[[list[Any], list[Any] | None], Iterator[Oddity]]
    """Of a header of an interchange, group or document, and its group's: what is wrong with its dates and versions."""
    opens: str
    first_tags: tuple[str, ...]
    """What a file begins with."""
    closes: str
    set_tags: tuple[str, str]
    set_reference: int
    """Which element of the document's header is its control number."""
    group_tags: tuple[str, str]
    group_reference: int
    """Which element of the group's header is its control number."""
    notes: tuple[tuple[str, str], ...]
    """Other segments that may stand in the envelope, each with the code of the note that tells of it."""
    document_word: str
    counts_documents: bool
    """Whether the interchange's trailer counts documents where there are no groups."""


class Span(NamedTuple):
    """Bytes of the file: where they begin and end, the line they begin in, and what a finding quotes of them."""

    start: int
    end: int
    line: int
    value: str


def finding(
    code: str,
    message: str,
    span: Span,
    tag: str | None = None,
    element: int | None = None,
    *,
    weight: Severity | None = None,
    remedy: str | None = None,
) -> Finding:
    """A finding of the envelope, weighed and remedied as the table of codes says if nothing else is given."""
    row = CODES[code]
    position = Position(span.start, span.end, span.line, tag=tag, element=element)
    value = span.value if span.end > span.start else None
    return Finding(code, message, remedy or row.remedy, position, weight or row.severity, value)


def at(row: list[Any], number: int) -> str:
    """The element `number` of a row, as text; empty when it is not there."""
    return text_of(row[number]) if number < len(row) else ""


def text_of(value: Any) -> str:
    """An element as one text; components are joined with colons."""
    return value if isinstance(value, str) else ":".join(text_of(part) for part in value)


def same(told: str, expected: str) -> bool:
    """Whether two control numbers or counts are the same; leading zeros do not matter where both are digits."""
    if told.isdecimal() and expected.isdecimal():
        return int(told) == int(expected)
    return told == expected


def plural(count: int, word: str) -> str:
    """A count and its word: 1 segment, 2 segments."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def listed(words: list[str]) -> str:
    """The words as a sentence lists them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
