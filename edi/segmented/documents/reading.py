"""The rows of one document that is looked at, and where each of its segments lies.

Most documents that are wrong are wrong in one place: their text is cut as that of right ones is, and places are looked
up only for what is told. Where the text itself is odd (bytes that are no characters, breaks inside segments, binary
data) it is cut with care, span by span. Both ways give the same rows and spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from edi.segmented.walk.segments import (
    BINARY_TAGS,
    binary_span,
    close_gaps,
    cut,
    drop_breaks,
    hide,
    pieces,
    segment_spans,
    tag_of,
    unrelease,
)  # fmt: skip

if TYPE_CHECKING:
    from edi.segmented.documents.telling import Teller
    from edi.segmented.walk.segments import Syntax

VALUE_MAX = 200
"""So many characters of a wrong value are quoted."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one document, one character per byte, and where it stands in the file.

    `column` counts the bytes of its line before it. `encoding` is what its values are decoded with.
    """

    text: str
    start: int
    line: int
    column: int
    syntax: Syntax
    encoding: str
    codec: str = "latin-1"

    def decode(self, value: str) -> str | None:
        """The characters of `value`, which has one per byte; None if its bytes are none of the encoding."""
        if self.encoding == self.codec or (value.isascii() and "\x1b" not in value):
            return value
        try:
            return value.encode(self.codec).decode(self.encoding)
        except UnicodeDecodeError:
            return None

    def quote(self, start: int, end: int) -> str:
        """The bytes of a span as characters, cut to what a finding quotes."""
        value = self.text[start : min(end, start + VALUE_MAX)]
        while (decoded := self.decode(value)) is None and end - start > VALUE_MAX and len(value) > VALUE_MAX - 4:
            value = value[:-1]  # the cut fell into a character of several bytes
        return value if decoded is None else decoded

    def is_wrapped(self) -> bool:
        """Whether the text was broken into lines of one width, as print files are, wherever the breaks fall."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        widths = [len(line) for line in lines[:-1]]
        widths[0] += self.column
        return len(lines[-1]) <= max(widths) and len(set(widths)) == 1 and (len(widths) > 1 or widths[0] == 80)

    def is_plain(self, text: str) -> bool:
        """Whether bytes of the document are their characters, and none of them is released."""
        release = self.syntax.release
        return text.isascii() and "\x1b" not in text and not (release and release in text)

    def cut(self, start: int, end: int, separator: str) -> list[tuple[int, int]]:
        """Where the pieces of a span lie."""
        return pieces(self.text, start, end, separator, self.syntax.release)

    def elements(self, start: int, end: int) -> list[tuple[int, int]]:
        """Where the tag of a segment and its elements lie. Binary data are one element, whatever their bytes are."""
        data = binary_span(self.text, start, self.syntax) if self.text.startswith(BINARY_TAGS, start) else None
        if data:
            return [*self.cut(start, data[0] - 1, self.syntax.element), data]
        return self.cut(start, end, self.syntax.element)


class Reading(NamedTuple):
    """The rows of a document and the span of each.

    `body` is the text as the proof reads it; empty where the text was cut with care.
    """

    rows: list[list[Any]]
    spans: Sequence[tuple[int, int]]
    body: str = ""


def quickly(source: Source) -> Reading | None:
    """Read a document as right ones are read; None if its text is odd."""
    text, syntax = source.text, source.syntax
    if "\x1b" in text or text[0] in syntax.gap or any(tag + syntax.element in text for tag in BINARY_TAGS):
        return None
    body = _decoded(source)
    hidden = hide(body, syntax) if body is not None else None
    if hidden is None:
        return None
    body = close_gaps(hidden[0], syntax)
    stop = syntax.segment
    if not body.endswith(stop) or body.startswith(stop) or stop * 2 in body:
        return None
    if any(c in body for c in "\r\n" if c not in syntax.characters):
        return None
    rows = cut(body, hidden[1], syntax)
    for row in rows:
        if not isinstance(row[0], str) or not row[0].isalnum():
            row[0] = tag_of(row[0])
    return Reading(rows, _Spans(source, len(rows)), body)


def _decoded(source: Source) -> str | None:
    text, marks = source.text, source.syntax.characters
    if source.encoding == source.codec or text.isascii():
        return text
    body = source.decode(text) if marks.isascii() else None
    # In some encodings a byte that looks like a service character is half of another.
    return body if body is not None and all(text.count(c) == body.count(c) for c in marks) else None


class _Spans(Sequence[tuple[int, int]]):
    """Where the segments of a text lie, found when the first is asked for."""

    def __init__(self, source: Source, count: int) -> None:
        self.source = source
        self.length = count
        self.found: list[tuple[int, int]] = []
        self.ends: list[int] = []
        """Where each segment ends, not counting terminators."""

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, int]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int] | Sequence[tuple[int, int]]:
        text, syntax = self.source.text, self.source.syntax
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self.length))]
        if not -self.length <= index < self.length:
            raise IndexError(index)
        if not self.found and not self.ends:  # once: each looks at the whole text
            if syntax.release and syntax.release in text:
                self.found = segment_spans(text, syntax)
            else:
                self.ends = list(accumulate(map(len, text.split(syntax.segment))))
        if self.found:
            return self.found[index]
        index %= self.length
        start = self.ends[index - 1] + index if index else 0
        end = self.ends[index] + index
        while text[start] in syntax.gap:
            start += 1
        return start, end


def carefully(source: Source, teller: Teller) -> Reading:
    """Read any document span by span, and tell what is odd about its text."""
    reader = _Careful(source, teller)
    reader.read()
    return Reading(reader.rows, reader.spans)


class _Careful:
    def __init__(self, source: Source, teller: Teller) -> None:
        self.source = source
        self.syntax = source.syntax
        self.tell = teller.tell
        self.rows: list[list[Any]] = []
        self.spans: list[tuple[int, int]] = []

    def read(self) -> None:
        text, syntax = self.source.text, self.syntax
        breaks = "\n" not in syntax.characters and "\r" not in syntax.characters
        spans = segment_spans(text, syntax)
        broken = breaks and any("\n" in text[s:e] or "\r" in text[s:e] for s, e in spans)
        wrapped = broken and self.source.is_wrapped()
        for start, end in spans:
            number = len(self.rows) + 1
            if start == end:
                words = "A terminator follows a terminator: the segment between them is empty."
                self.tell("segment.empty", words, (start, end), number)
                continue
            self.spans.append((start, end))
            segment = text[start:end]
            is_binary = segment.startswith(BINARY_TAGS)
            if broken and not wrapped and not is_binary and ("\n" in segment or "\r" in segment):
                words = "A line break stands inside this segment and was kept."
                tag = segment.split(syntax.element)[0].strip()
                self.tell("element.line_break", words, (start, end), number, tag)
            if broken or is_binary or not self.source.is_plain(segment):
                self.rows.append(self.row(start, end, wrapped=wrapped))
            else:
                row = cut(segment + syntax.segment, {}, syntax)[0]
                row[0] = tag_of(row[0])
                self.rows.append(row)

    def row(self, start: int, end: int, *, wrapped: bool) -> list[Any]:
        source, syntax = self.source, self.syntax
        number = len(self.rows) + 1
        data = binary_span(source.text, start, syntax) if source.text.startswith(BINARY_TAGS, start) else None
        tag = ""
        values: list[Any] = []
        for place, span in enumerate(source.elements(start, end)):
            if span == data:
                values.append(source.text[slice(*span)])
                continue
            repeats: list[Any] = []
            for repeat in source.cut(*span, syntax.repetition):
                parts = []
                for part in source.cut(*repeat, syntax.component):
                    value = self.value(part, number, tag, place)
                    parts.append(drop_breaks(value, syntax) if wrapped or place == 0 else value)
                repeats.append(parts if len(parts) > 1 else parts[0])
            values.append(tuple(repeats) if len(repeats) > 1 else repeats[0])
            if place == 0:
                tag = values[0] = tag_of(values[0])
        return values

    def value(self, span: tuple[int, int], number: int, tag: str, place: int) -> str:
        raw = self.source.text[slice(*span)]
        value = self.source.decode(raw)
        if value is None:
            words = f"{tag}{place:02} has bytes that are no characters of {self.source.encoding}."
            self.tell("element.encoding", words, span, number, tag, place)
            value = raw
        return unrelease(value, self.syntax.release)
