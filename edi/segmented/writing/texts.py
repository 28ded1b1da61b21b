"""Rows as text: elements joined, composites joined, released what must be released, refused what cannot be said.

Many rows are joined at once and then looked at: if their text holds as many service characters as were put in, no value
holds one. Only where it does not are the values looked at one by one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.segmented.walk.standard import same
from edi.writing import Unwritable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.segmented.walk.segments import Syntax

_NAMES = {"element": "element separator", "component": "component separator", "segment": "segment terminator"}


class Pen:
    """Writes rows in one syntax.

    `trimmed`: what is empty at the end of a segment or composite is left out. `line_end` stands behind each segment.
    """

    def __init__(self, syntax: Syntax, line_end: str = "", *, trimmed: bool = True) -> None:
        self.syntax = syntax
        self.trimmed = trimmed
        self.end = syntax.segment + line_end
        self.feeds, self.returns = (self.end.count("\n"), self.end.count("\r"))
        breaks = "" if {"\r", "\n"} & {*syntax.characters} else "\r\n"
        self.specials = re.compile(f"[{re.escape(syntax.characters + breaks)}]")
        others = syntax.characters.replace(syntax.element, "", 1) + breaks
        self.others = re.compile(f"[{re.escape(others)}]")
        certain = syntax.segment + syntax.repetition + syntax.release + breaks
        self.doubtful = re.compile(f"[{re.escape(certain)}]")
        self.left_out = 0
        """How many empty elements were left out of the rows that were joined last."""
        self.releases = {ord(character): syntax.release + character for character in syntax.characters}

    def text(self, rows: Sequence[list[Any]]) -> str:
        """The text of `rows`, each segment with its terminator and line end.

        Raises:
            Unwritable: a value cannot stand in this syntax.
        """
        segments, components = self._joined(rows)
        syntax, end, count = self.syntax, self.end, len(rows)
        text = end.join(segments) + end
        if (
            text.count(syntax.element) == sum(map(len, rows)) - count - self.left_out
            and text.count(syntax.component) == sum(components)
            and text.count(syntax.segment) == count
            and text.count("\n") == count * self.feeds
            and text.count("\r") == count * self.returns
            and not (syntax.repetition and syntax.repetition in text)
            and not (syntax.release and syntax.release in text)
            and "" not in segments
        ):
            return text
        for number, (row, joined, parts) in enumerate(zip(rows, segments, components, strict=True)):
            kept = _without_end(row) if self.trimmed else row
            if (
                not joined
                or self.doubtful.search(joined)
                or joined.count(syntax.component) != parts
                or joined.count(syntax.element) != len(kept) - 1
            ):
                segments[number] = self.segment(row, number + 1)
        return end.join(segments) + end

    def _joined(self, rows: Sequence[list[Any]]) -> tuple[list[str], list[int]]:
        """Each segment, simply joined, and how many component separators it should hold.

        A segment that has to be written with care is empty.
        """
        separator, trimmed = self.syntax.element, self.trimmed
        segments = []
        components = []
        self.left_out = 0
        for row in rows:
            if trimmed and not row[-1]:
                kept = _without_end(row)
                self.left_out += len(row) - len(kept)
                row = kept  # noqa: PLW2901 - the same row, shorter
            try:
                segments.append(separator.join(row))
                components.append(0)
            except TypeError:
                joined, parts = self._with_composites(row)
                segments.append(joined)
                components.append(parts)
        return segments, components

    def _with_composites(self, row: list[Any]) -> tuple[str, int]:
        component, trimmed = self.syntax.component, self.trimmed
        components = 0
        values = []
        for value in row:
            if type(value) is str:
                values.append(value)
                continue
            if type(value) is not list or not value:
                return "", 0
            if trimmed and not value[-1]:
                value = _without_end(value)  # noqa: PLW2901 - the same element, shorter
            try:
                values.append(component.join(value))
            except TypeError:
                return "", 0
            components += len(value) - 1
        if trimmed and not values[-1]:
            return "", 0
        return self.syntax.element.join(values), components

    def segment(self, row: list[Any], number: int) -> str:
        """The text of one segment without its terminator; `number` is its place in the document, from 1.

        Raises:
            Unwritable: a value cannot stand in this syntax.
        """
        separator = self.syntax.element
        try:
            text = separator.join(row)
        except TypeError:
            pass
        else:
            if row[-1] and text.count(separator) == len(row) - 1 and not self.others.search(text):
                return text
        values = []
        for place, value in enumerate(row):
            if type(value) is str and not self.specials.search(value):
                values.append(value)
            else:
                address = f"segment {number}, {row[0]}{place:02}" if place else f"segment {number}"
                values.append(self._element(value, address))
        return separator.join(_without_end(values) if self.trimmed else values)

    def _element(self, value: Any, address: str) -> str:
        if not isinstance(value, tuple):
            return self._composite(value, address)
        if not self.syntax.repetition and len(value) > 1:
            raise Unwritable(
                f"the element is repeated {len(value)} times, and this interchange has no repetition separator",
                "choose delimiters with one (X12 from version 00402, EDIFACT syntax 4), or send one value",
                address,
            )
        repeats = [self._composite(one, f"{address} repeat {at}") for at, one in enumerate(value, 1)]
        return self.syntax.repetition.join(_without_end(repeats) if self.trimmed and repeats else repeats)

    def _composite(self, value: Any, address: str) -> str:
        if not isinstance(value, list):
            return self._value(value, address)
        parts = [self._value(part, f"{address} component {at}") for at, part in enumerate(value, 1)]
        return self.syntax.component.join(_without_end(parts) if self.trimmed and parts else parts)

    def _value(self, value: Any, address: str) -> str:
        if not isinstance(value, str):
            raise Unwritable(f"{shown(value)} is no text", "give every value as a text, a composite as a list", address)
        found = self.specials.findall(value)
        if not found:
            return value
        if "\n" in found or "\r" in found:
            mark = next(mark for mark in found if mark in "\r\n")
            if mark not in self.syntax.characters:
                raise Unwritable(f"{shown(value)} holds a line break", "leave it out, or send two values", address)
        if self.syntax.release:
            return value.translate(self.releases)
        name = next((words for field, words in _NAMES.items() if getattr(self.syntax, field) == found[0]), "")
        raise Unwritable(
            f"{shown(value)} holds {found[0]!r}, the {name or 'repetition separator'} of this interchange",
            "choose other delimiters, or leave the character out",
            address,
        )

    def binary(self, row: list[Any], number: int, codec: str) -> bytes | None:
        """The bytes of a binary segment without its terminator, with the length that its data have.

        Readers hand over its data with one character for each byte, as `codec` has them; bytes may be given, too. None
        for a segment that has no data.
        """
        place = 2 if row[0] == "BIN" else 3
        if self.syntax.release or len(row) <= place or not isinstance(row[place], (str, bytes)):
            return None
        data = row[place]
        try:
            raw = data if isinstance(data, bytes) else data.encode(codec)
        except UnicodeEncodeError:
            raise Unwritable(
                "the binary data hold a character that is no byte",
                "give them as bytes, or with one character for each byte",
                f"segment {number}, {row[0]}{place:02}",
            ) from None
        told = row[place - 1]
        length = told if isinstance(told, str) and same(told, str(len(raw))) else str(len(raw))
        head = self.segment([*row[: place - 1], length], number)
        return (head + self.syntax.element).encode(codec) + raw


def _without_end(values: list[Any]) -> list[Any]:
    """The same without what is empty at its end; its first is kept."""
    size = len(values)
    while size > 1 and not values[size - 1] and isinstance(values[size - 1], (str, list, tuple)):
        size -= 1
    return values[:size]


def encoded(rows: Sequence[list[Any]], text: str, encoding: str) -> bytes:
    """The bytes of the `text` of `rows`.

    Raises:
        Unwritable: a character is none of the encoding; the address names its element.
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise Unwritable(
            f"{character!r} is no character of {encoding}",
            "choose another encoding (in EDIFACT also syntax=UNOY:4), or another character",
            next(_addresses(rows, character), ""),
        ) from None


def _addresses(rows: Sequence[list[Any]], character: str) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if character in str(value):
                yield f"segment {number}, {row[0]}{place:02}"
