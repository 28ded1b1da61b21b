"""The ISA segment: the one place where an X12 interchange says which characters cut it.

An ISA has 106 characters: its elements have fixed lengths, the fourth character is the element separator, the 105th the
component separator, and the 106th ends the segment. ISA11 is the repetition separator from version 00402 on (before, a
letter for the standards body). Two kinds of ISA that programs write all the same are read, too: broken into lines of 80
characters, and with elements that were not padded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.segmented.elements import judge
from edi.segmented.guides import Element
from edi.segmented.walk.segments import Syntax
from edi.segmented.walk.standard import Header, Oddity, Unreadable, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.walk.window import Window

LENGTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
"""The lengths of ISA01 to ISA16."""

_FULL = 106
_AT_MOST = _FULL + 44
"""Room for a few line breaks, or for elements with too many blanks and the segment that follows."""
_NEXT = re.compile(r"\s*(?:GS|TA1|IEA)[^A-Za-z0-9\s]")


def read_isa(window: Window) -> Header | Unreadable:
    """The header that begins at the window's place with the letters ISA."""
    window.fill(_AT_MOST)
    text = window.text[window.place : window.place + _AT_MOST]
    separator = text[3]
    for bare, length in ((text[:_FULL], _FULL), _without_breaks(text)):
        parts = bare.split(separator)
        if len(bare) == _FULL and tuple(len(part) for part in parts[1:16]) == LENGTHS[:15] and len(parts) == 17:
            return _header(separator, parts, length, ())
    if len(text) < _FULL and text.count(separator) < 16:
        return Unreadable("envelope.truncated", "The file ends inside the ISA segment.", truncated=True)
    return _unpadded(text, separator)


def _unpadded(text: str, separator: str) -> Header | Unreadable:
    """An ISA whose elements do not all have their length, if its end can be told all the same."""
    parts = text.split(separator, 16)
    if len(parts) < 17 or len(parts[16]) < 2:
        message = f"The ISA has {len(parts) - 1} separators {separator!r} within {_FULL} characters instead of 16."
        return Unreadable("x12.isa", message)
    parts[16] = parts[16][:2]
    lengths = [len(part) for part in parts[1:16]]
    number = next((n for n, length in enumerate(lengths) if length != LENGTHS[n]), None)
    if number is None:
        message = f"The ISA ends in {parts[16]!r}, which are not two delimiters that can be told apart."
        return Unreadable("x12.isa", message)
    value = parts[number + 1]
    message = f"ISA{number + 1:02} has {_characters(len(value))} instead of {LENGTHS[number]}: {value!r}."
    if not parts[13].strip().isdigit() or "\n" in "".join(parts[:16]):
        return Unreadable("x12.isa", message)
    if any(length > most for length, most in zip(lengths, LENGTHS, strict=False)):
        # It may hold the separator, unless it is blanks that are too many and the next segment stands where it should.
        fits = all(len(part.strip(" ")) <= most for part, most in zip(parts[1:16], LENGTHS, strict=False))
        if not fits or not _NEXT.match(text, sum(map(len, parts)) + 16):
            return Unreadable("x12.isa", message)
    return _header(separator, parts, sum(map(len, parts)) + 16, (("x12.isa_length", message),))


def _characters(count: int) -> str:
    return f"{count} character" if count == 1 else f"{count} characters"


def _header(
    separator: str, parts: list[str], length: int, oddities: tuple[tuple[str, str], ...]
) -> Header | Unreadable:
    values = parts[1:]
    component, segment = tuple(parts[16])
    repetition = values[10] if values[11] >= "00402" and not values[10].isalnum() and values[10] != " " else ""
    characters = separator + component + segment + repetition
    trouble = _trouble(separator, component, segment, repetition)
    if trouble:
        return Unreadable("x12.isa", trouble)
    return Header(
        Syntax(separator, component, segment, repetition),
        length,
        f"{values[4].strip()}:{values[5].rstrip()}",
        f"{values[6].strip()}:{values[7].rstrip()}",
        values[12],
        "",
        characters,
        ["ISA", *values[:15], component],
        usage=values[14],
        oddities=oddities,
    )


def _trouble(separator: str, component: str, segment: str, repetition: str) -> str:
    """Why these cannot be the delimiters of an interchange; "" if they can."""
    named = (
        ("the element separator", separator),
        ("ISA11 (repetition separator)", repetition),
        ("ISA16 (component separator)", component),
        ("the segment terminator", segment),
    )
    for name, character in named:
        if character.isalnum() or character == " ":
            return f"{_sentence(name)} {_unusable(character)}."
        same = [other for other, used in named if used == character]
        if character and len(same) > 1:
            return f"{_sentence(' and '.join(same))} are the same character, {character!r}, and must differ."
    return ""


def _unusable(character: str) -> str:
    if character.isascii():
        what = "a blank" if character == " " else f"the {'digit' if character.isdigit() else 'letter'} {character}"
        return f"would be {what}, which cannot separate"
    return (
        f"would be the byte {ord(character):02X}: a delimiter is one byte, and a program that turns a file into UTF-8 "
        "makes two or three of one beyond ASCII"
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _without_breaks(text: str) -> tuple[str, int]:
    """The first 106 characters but for line breaks inside, and how many bytes they take. The last may be a break."""
    if "\n" not in text[: _FULL - 1] and "\r" not in text[: _FULL - 1]:
        return text[:_FULL], _FULL
    kept = ""
    for place, character in enumerate(text, 1):
        if character not in "\r\n" or len(kept) == _FULL - 1:
            kept += character
        if len(kept) == _FULL:
            return kept, place
    return kept, len(text)


_CALENDAR = {
    "ISA": ((9, Element("I08", "DT", 6, 6)), (10, Element("I09", "TM", 4, 4))),
    "GS": ((4, Element("373", "DT", 6, 8)), (5, Element("337", "TM", 4, 8))),
}
"""The dates and times of the headers of interchange and group. Source: X12.5 and X12.6, control segments."""

_VERSIONS = {"ISA": (12, re.compile("00[2-9][0-9]{2}")), "GS": (8, re.compile("00[2-9][0-9]{3}.*|00[2-9][0-9]{2}"))}


def oddities(row: list[Any], group: list[Any] | None) -> Iterator[Oddity]:
    """What is wrong with dates, times and versions of an ISA, GS or ST."""
    tag = row[0]
    if tag == "ST":
        yield from _set_oddities(row, group)
        return
    for number, element in _CALENDAR[tag]:
        value = at(row, number)
        fault = judge(value, element, _PLAIN) if value.strip() else None
        if fault:
            yield Oddity("envelope.date", number, f"{tag}{number:02} is {value!r}, {fault.trouble}.")
    number, form = _VERSIONS[tag]
    if not form.fullmatch(at(row, number)):
        message = f"{tag}{number:02} is {at(row, number)!r}, which is no version of X12."
        yield Oddity("envelope.version", number, message)


def _set_oddities(row: list[Any], group: list[Any] | None) -> Iterator[Oddity]:
    for number, name in ((1, "the number of the transaction set"), (2, "the control number")):
        if not at(row, number):
            yield Oddity("element.missing", number, f"ST{number:02} ({name}) is required, but is empty.")
    told, version = at(row, 3), at(group or [], 8)
    if told and version and told != version:
        message = f"ST03 is {told!r}, but GS08 of the group is {version!r}; the guide is that of ST03."
        yield Oddity("envelope.version", 3, message)


_PLAIN = Syntax("*", ":", "~")
