"""Segments, elements and components: how the text of one document is cut at its service characters.

There are two ways to the same rows, and a property test holds them together. :func:`split` is the fast one: it cuts
the whole text with ``str.split`` and knows no places. :func:`segment_spans` and :func:`pieces` cut more slowly and say
where each piece lies; findings and evidence are made from them.

A released character (EDIFACT's ``?'``) must not cut. The fast way hides each such pair behind one control character
that the text does not use, cuts, and puts the character back *after* the components are cut: put back before,
``A?:B`` would fall apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from edi.possessive import REPEATED

GAP = " \t\r\n\f\0\x1a"
"""What may stand between segments and means nothing: blanks, ends of lines and pages, NUL, the old end-of-file mark."""

_BREAKS = re.compile(r"[\r\n]+")
_HIDEOUTS = "".join(map(chr, [*range(1, 9), *range(14, 26)]))


@dataclass(frozen=True, slots=True)
class Syntax:
    """The service characters of one interchange; an empty text where there is none."""

    element: str
    component: str
    segment: str
    repetition: str = ""
    release: str = ""
    decimal: str = "."
    characters: str = field(init=False, compare=False)
    """Those that cut or release: none of them can stand in a value as it is."""
    gap: str = field(init=False, compare=False)
    """What may stand between two segments."""

    def __post_init__(self) -> None:
        characters = self.segment + self.element + self.component + self.repetition + self.release
        object.__setattr__(self, "characters", characters)
        object.__setattr__(self, "gap", "".join(c for c in GAP if c not in characters))


@lru_cache(maxsize=64)
def _gap_pattern(syntax: Syntax) -> re.Pattern[str]:
    return re.compile(f"{re.escape(syntax.segment)}[{re.escape(syntax.gap)}]+")


def close_gaps(text: str, syntax: Syntax) -> str:
    """Take out what stands between the segments of `text`, which begins with a tag and in which nothing is released."""
    return _gap_pattern(syntax).sub(syntax.segment.replace("\\", r"\\"), text)


def drop_breaks(text: str, syntax: Syntax) -> str:
    """Take out every line break that is no service character."""
    if "\r" in syntax.characters or "\n" in syntax.characters:
        return text
    return _BREAKS.sub("", text)


def split(text: str, syntax: Syntax) -> list[list[Any]]:
    """The rows of `text`, whose segments are all terminated."""
    hidden = hide(text, syntax)
    if hidden is None:
        return [row_at(text, start, end, syntax) for start, end in segment_spans(text, syntax)]
    return cut(close_gaps(hidden[0], syntax), hidden[1], syntax)


def cut(text: str, shown: dict[str, str], syntax: Syntax) -> list[list[Any]]:
    """The rows of a text that :func:`hide` has prepared."""
    segments = text.split(syntax.segment)
    segments.pop()
    rows = rows_of(segments, text, syntax)
    show(rows, text, shown, syntax)
    return rows


def rows_of(segments: list[str], text: str, syntax: Syntax) -> list[list[Any]]:
    """The rows of `segments`, which `text` holds."""
    component, repetition, element = syntax.component, syntax.repetition, syntax.element
    if repetition and repetition in text:
        return [[_repeated(v, syntax) for v in s.split(element)] for s in segments]
    if component in text:
        return [
            [v.split(component) if component in v else v for v in s.split(element)]
            if component in s
            else s.split(element)
            for s in segments
        ]
    return [s.split(element) for s in segments]


def show(rows: list[list[Any]], text: str, shown: dict[str, str], syntax: Syntax) -> None:
    """Put the released characters that :func:`hide` took out of `text` back into its `rows`."""
    for sign, character in shown.items():
        index = place = 0
        found = text.find(sign)
        while found >= 0:
            index += text.count(syntax.segment, place, found)
            row = rows[index]
            for number, value in enumerate(row):
                if type(value) is not str:
                    row[number] = _shown(value, sign, character)
                elif sign in value:
                    row[number] = value.replace(sign, character)
            place = found
            found = text.find(sign, text.find(syntax.segment, found))


def _shown(value: Any, sign: str, character: str) -> Any:
    if isinstance(value, list):
        return [part.replace(sign, character) for part in value]
    return tuple(p.replace(sign, character) if isinstance(p, str) else _shown(p, sign, character) for p in value)


def hide(text: str, syntax: Syntax) -> tuple[str, dict[str, str]] | None:
    """Put an unused character in the place of each released one, and say which stands for which.

    None when that is left to the careful way: the text uses every control character itself, or releases characters that
    need no release.
    """
    release = syntax.release
    if not release or release not in text:
        return text, {}
    free = (c for c in _HIDEOUTS if c not in text)
    shown: dict[str, str] = {}
    for pair in _released(syntax):
        if pair in text:
            sign = next(free, None)
            if sign is None:
                return None
            text = text.replace(pair, sign)
            shown[sign] = pair[1]
            if release not in text:
                return text, shown
    return None


@lru_cache(maxsize=64)
def _released(syntax: Syntax) -> tuple[str, ...]:
    """What is released; the release character comes first: in `??'` it releases itself, and the segment ends."""
    return tuple(syntax.release + character for character in dict.fromkeys(syntax.release + syntax.characters))


def _repeated(value: str, syntax: Syntax) -> Any:
    if syntax.repetition in value:
        return tuple(
            part.split(syntax.component) if syntax.component in part else part
            for part in value.split(syntax.repetition)
        )
    return value.split(syntax.component) if syntax.component in value else value


@lru_cache(maxsize=64)
def _segment_pattern(syntax: Syntax) -> re.Pattern[str]:
    stop = re.escape(syntax.segment)
    gap = f"[{re.escape(syntax.gap)}]*+"
    if syntax.release:
        release = re.escape(syntax.release)
        return re.compile(f"{gap}((?:[^{stop}{release}]|{release}.){REPEATED}{release}?)(?:{stop}|\\Z)", re.DOTALL)
    return re.compile(f"{gap}([^{stop}]*+)(?:{stop}|\\Z)", re.DOTALL)


def segment_spans(text: str, syntax: Syntax) -> list[tuple[int, int]]:
    """Where each segment of `text` begins and ends, without its terminator; the last one may lack its terminator."""
    spans = []
    place = 0
    pattern = _segment_pattern(syntax)
    while place < len(text):
        found = pattern.match(text, place)
        assert found, "the pattern matches any text"
        start, end = found.span(1)
        place = found.end()
        if start < len(text):  # else only a gap stood behind the last terminator
            data = binary_span(text, start, syntax) if text.startswith(BINARY_TAGS, start) else None
            if data:
                end = data[1]
                place = end + 1
            spans.append((start, end))
    return spans


BINARY_TAGS = ("BIN", "BDS")
"""The segments of X12 whose last element is binary: any byte, so many as the element before it counts."""


@lru_cache(maxsize=64)
def _binary_pattern(syntax: Syntax) -> re.Pattern[str]:
    separator = re.escape(syntax.element)
    cell = f"[^{re.escape(syntax.characters)}]*"
    return re.compile(f"(?:BIN|BDS{separator}{cell}){separator}([0-9]{{1,15}}){separator}")


def binary_header(text: str, start: int, syntax: Syntax) -> tuple[int, int] | None:
    """Where the data of the binary segment at `start` begin, and how many bytes they have; None if it says neither.

    Source: X12 segments BIN (785, 784) and BDS (1570, 785, 784).
    """
    found = None if syntax.release else _binary_pattern(syntax).match(text, start)
    return (found.end(), int(found[1])) if found else None


def binary_span(text: str, start: int, syntax: Syntax) -> tuple[int, int] | None:
    """Where the data of the binary segment at `start` begin and end; None if their length does not lead to its end."""
    told = binary_header(text, start, syntax)
    if not told:
        return None
    begin, end = told[0], sum(told)
    is_whole = text[end : end + 1] == syntax.segment if end < len(text) else end == len(text)
    return (begin, end) if is_whole else None


def pieces(text: str, start: int, end: int, separator: str, release: str = "") -> list[tuple[int, int]]:
    """Where the pieces of ``text[start:end]`` between unreleased separators lie; at least one, perhaps empty."""
    if not separator:
        return [(start, end)]
    found = []
    if not release or text.find(release, start, end) < 0:
        while (stop := text.find(separator, start, end)) >= 0:
            found.append((start, stop))
            start = stop + 1
        found.append((start, end))
        return found
    begin = place = start
    while place < end:
        character = text[place]
        if character == release:
            place += 1
        elif character == separator:
            found.append((begin, place))
            begin = place + 1
        place += 1
    found.append((begin, end))
    return found


def unrelease(value: str, release: str) -> str:
    """The value that `value` stands for: each release character gone, what it released kept."""
    if not release or release not in value:
        return value
    return re.sub(re.escape(release) + "(.?)", lambda found: found[1], value, flags=re.DOTALL)


def tag_of(value: Any) -> str:
    """The tag in the first place of a row. EDIFACT may put numbers behind it that say how loops nest (``LIN:1:2``).

    A star, which no tag has and with which the keys of child loops end, becomes a question mark.
    """
    if isinstance(value, list) and all(part.isdigit() for part in value[1:]):
        value = value[0]
    return str(value).replace("*", "?")


def row_at(text: str, start: int, end: int, syntax: Syntax) -> list[Any]:
    """The row of the segment that lies at ``text[start:end]``."""
    return [_value_at(text, *span, syntax) for span in pieces(text, start, end, syntax.element, syntax.release)]


def _value_at(text: str, start: int, end: int, syntax: Syntax) -> Any:
    repeats = [
        _composite_at(text, *span, syntax) for span in pieces(text, start, end, syntax.repetition, syntax.release)
    ]
    return tuple(repeats) if len(repeats) > 1 else repeats[0]


def _composite_at(text: str, start: int, end: int, syntax: Syntax) -> Any:
    parts = [
        unrelease(text[begin:stop], syntax.release)
        for begin, stop in pieces(text, start, end, syntax.component, syntax.release)
    ]
    return parts if len(parts) > 1 else parts[0]
