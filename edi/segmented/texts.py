"""Rows as text: elements joined, composites joined, released what must be released, refused what cannot be said.

A whole document is joined at once and then looked at: if it holds as many service characters as were put in, no value
holds one. Only where it does not are the values looked at one by one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edi.writing import Unwritable, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edi.segmented.segments import Syntax

_NAMES = {"element": "element separator", "component": "component separator", "segment": "segment terminator"}


def joined(rows: Sequence[list[Any]], syntax: Syntax, *, trimmed: bool, line_end: str = "") -> str:
    """The text of `rows`, each segment with its terminator and `line_end`.

    `trimmed`: what is empty at the end of a segment or composite is left out.

    Raises:
        Unwritable: a value cannot stand in this syntax.
    """
    text = _at_once(rows, syntax, trimmed=trimmed, line_end=line_end)
    if text is not None:
        return text
    stop = syntax.segment + line_end
    return "".join(segment(row, number, syntax, trimmed=trimmed) + stop for number, row in enumerate(rows, 1))


def _at_once(rows: Sequence[list[Any]], syntax: Syntax, *, trimmed: bool, line_end: str) -> str | None:
    """The text; None if a value holds a service character, a line break, or is no text."""
    separator, component, stop = syntax.element, syntax.component, syntax.segment
    elements = components = 0
    segments = []
    for row in rows:
        if trimmed and not row[-1]:
            row = _without_end(row)  # noqa: PLW2901 - the same row, shorter
        try:
            segments.append(separator.join(row))
        except TypeError:
            values = []
            for value in row:
                if type(value) is str:
                    values.append(value)
                elif type(value) is list:
                    parts = _without_end(value) if trimmed and value and not value[-1] else value
                    try:
                        values.append(component.join(parts))
                    except TypeError:
                        return None
                    components += len(parts) - 1 if parts else 0
                else:
                    return None
            if trimmed and not values[-1]:
                return None
            segments.append(separator.join(values))
        elements += len(row) - 1
    end = stop + line_end
    text = end.join(segments) + end
    if (
        text.count(separator) != elements
        or text.count(component) != components
        or text.count(stop) != len(segments)
        or (syntax.repetition and syntax.repetition in text)
        or (syntax.release and syntax.release in text)
        or text.count("\n") != (len(segments) if "\n" in end else 0)
        or text.count("\r") != (len(segments) if "\r" in end else 0)
    ):
        return None
    return text


def _without_end(values: list[Any]) -> list[Any]:
    """The same without what is empty at its end; its first is kept."""
    size = len(values)
    while size > 1 and not values[size - 1] and isinstance(values[size - 1], (str, list, tuple)):
        size -= 1
    return values[:size]


def segment(row: list[Any], number: int, syntax: Syntax, *, trimmed: bool) -> str:
    """The text of one segment without its terminator; `number` is its place in the document, from 1.

    Raises:
        Unwritable: a value cannot stand in this syntax.
    """
    tag = row[0] if row else ""
    values = [
        _element(value, syntax, f"segment {number}, {tag}{place:02}" if place else f"segment {number}", trimmed=trimmed)
        for place, value in enumerate(row)
    ]
    return syntax.element.join(_without_end(values) if trimmed else values)


def _element(value: Any, syntax: Syntax, address: str, *, trimmed: bool) -> str:
    if not isinstance(value, tuple):
        return _composite(value, syntax, address, trimmed=trimmed)
    if not syntax.repetition and len(value) > 1:
        raise Unwritable(
            f"the element is repeated {len(value)} times, and this interchange has no repetition separator",
            "choose delimiters with one (X12 from version 00402, EDIFACT syntax 4), or send one value",
            address,
        )
    repeats = [_composite(one, syntax, f"{address} repeat {at}", trimmed=trimmed) for at, one in enumerate(value, 1)]
    return syntax.repetition.join(_without_end(repeats) if trimmed and repeats else repeats)


def _composite(value: Any, syntax: Syntax, address: str, *, trimmed: bool) -> str:
    if not isinstance(value, list):
        return _value(value, syntax, address)
    parts = [_value(part, syntax, f"{address} component {at}") for at, part in enumerate(value, 1)]
    return syntax.component.join(_without_end(parts) if trimmed and parts else parts)


def _value(value: Any, syntax: Syntax, address: str) -> str:
    if not isinstance(value, str):
        raise Unwritable(f"{shown(value)} is no text", "give every value as a text, a composite as a list", address)
    found = _specials(syntax).search(value)
    if not found:
        return value
    if found[0] in syntax.characters:
        if syntax.release:
            return _released(value, syntax, address)
        name = next((words for field, words in _NAMES.items() if getattr(syntax, field) == found[0]), "")
        raise Unwritable(
            f"{shown(value)} holds {found[0]!r}, the {name or 'repetition separator'} of this interchange",
            "choose other delimiters, or leave the character out",
            address,
        )
    raise Unwritable(
        f"{shown(value)} holds a line break, which readers drop",
        "leave the line break out, or send two values",
        address,
    )


def _released(value: str, syntax: Syntax, address: str) -> str:
    text = value.translate({ord(character): syntax.release + character for character in syntax.characters})
    if _breaks(syntax) and re.search(r"[\r\n]", text):
        raise Unwritable(f"{shown(value)} holds a line break, which readers drop", "leave the line break out", address)
    return text


def _breaks(syntax: Syntax) -> bool:
    """Whether line breaks mean nothing, because none is a service character."""
    return not ("\r" in syntax.characters or "\n" in syntax.characters)


@lru_cache(maxsize=64)
def _specials(syntax: Syntax) -> re.Pattern[str]:
    breaks = "\r\n" if _breaks(syntax) else ""
    return re.compile(f"[{re.escape(syntax.characters + breaks)}]")


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


def _addresses(rows: Sequence[list[Any]], character: str) -> Any:
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if character in str(value):
                yield f"segment {number}, {row[0]}{place:02}"
