"""UNA and UNB: which characters cut an EDIFACT interchange, and which character set it is written in.

UNA names six characters by their place: component, element, decimal mark, release, repetition (a blank before
syntax version 4) and segment. Without a UNA those of ISO 9735's level A hold, or, where UNB is followed by the
control character 1D, those of its level B.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edi.segmented.elements import judge
from edi.segmented.guides import Element
from edi.segmented.walk.segments import GAP, Syntax, drop_breaks, row_at, segment_spans
from edi.segmented.walk.standard import Header, Oddity, Unreadable, at, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.walk.window import Window

LEVEL_A = ":+.? '"
LEVEL_B = "\x1f\x1d,  \x1c"

CHARACTER_SETS = {
    # Level A and B are subsets of ASCII; what goes beyond them is read as UTF-8 or ISO 8859-1.
    "UNOA": "",
    "UNOB": "",
    "UNOC": "iso8859-1",
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOL": "iso8859-15",
    "UNOW": "utf-8",
    "UNOX": "iso2022_jp_2",
    "UNOY": "utf-8",
}
"""The decoder of each syntax identifier (UNB, S001 0001)."""

_KNOWN = "UNOA to UNOL, UNOW, UNOX and UNOY"
_AGENCY = re.compile("[A-Z]{4}")
_HEADER_MAX = 4_000
_GAPS = re.compile(f"[{re.escape(GAP)}]*")


def read_unb(window: Window) -> Header | Unreadable:
    """The header that begins at the window's place: UNA and UNB, or UNB alone."""
    window.fill(_HEADER_MAX)
    text = window.text[window.place : window.place + _HEADER_MAX]
    ended = len(text) < _HEADER_MAX
    place = 0
    marks = ""
    if text.startswith("UNA"):
        marks = text[3:9]
        gaps = _GAPS.match(text, 9)
        place = gaps.end() if gaps else 9
        if len(marks) < 6 or (ended and len(text) < place + 4):
            return Unreadable("envelope.truncated", "The file ends inside its UNA or UNB.", truncated=True)
        if not _are_usable(marks):
            message = f"UNA names {marks!r}, which are not six characters that can be told apart."
            return Unreadable("edifact.una", message, length=place + 1)
    if text.startswith("UIB", place):
        message = "This is an interactive interchange (UIB); batch interchanges (UNB) are read."
        return Unreadable("edifact.interactive", message, length=place + 1)
    if not text.startswith("UNB", place):
        return Unreadable("edifact.unb", f"{text[place : place + 3]!r} stands where UNB must follow UNA.", length=9)
    marks = marks or (LEVEL_B if text[place + 3] == LEVEL_B[1] else LEVEL_A)
    if text[place + 3] != marks[1]:
        message = f"UNB is followed by {text[place + 3]!r}, but elements are separated by {marks[1]!r} here."
        return Unreadable("edifact.unb", message, length=place + 1)
    return _header(text, place, marks, ended=ended)


def syntax_of(marks: str, *, repeats: bool) -> Syntax:
    """The syntax that the six characters of a UNA describe; a blank stands for none."""
    component, element, decimal, release, repetition, segment = tuple(marks)
    return Syntax(element, component, segment, repetition.strip() if repeats else "", release.strip(" "), decimal)


def _are_usable(marks: str) -> bool:
    component, element, _, release, repetition, segment = tuple(marks)
    used = [c for c in (component, element, release, repetition, segment) if c != " "]
    return len(set(used)) == len(used) and " " not in component + element + segment and not any(map(str.isalnum, used))


def _header(text: str, place: int, marks: str, *, ended: bool) -> Header | Unreadable:
    syntax = syntax_of(marks, repeats=False)
    start, end = segment_spans(text[place:], syntax)[0]
    if place + end == len(text):
        if ended:
            return Unreadable("envelope.truncated", "The file ends inside its UNB.", truncated=True)
        return Unreadable("edifact.unb", f"UNB has no end within {_HEADER_MAX} characters.", length=place + 1)
    body = drop_breaks(text[place + start : place + end], syntax)
    row = row_at(body, 0, len(body), syntax)
    missing = _missing(row)
    if missing:
        return Unreadable("edifact.unb", f"UNB lacks {missing}.", length=place + 1)
    name, version = row[1][0], row[1][1]
    oddities = tuple(_syntax_oddities(name, version))
    if version == "4" and marks[4] == " ":
        marks = marks[:4] + "*" + marks[5] if text.startswith("UNB") else marks
    return Header(
        syntax_of(marks, repeats=version == "4"),
        place + end + 1,
        party(row[2]),
        party(row[3]),
        text_of(row[5]),
        CHARACTER_SETS.get(name, ""),
        marks if version == "4" else marks[:4] + " " + marks[5],
        row,
        usage="T" if at(row, 11) == "1" else "P",
        level=name,
        oddities=oddities,
    )


def _missing(row: list[Any]) -> str:
    """What a UNB needs to be read, and does not have."""
    if not isinstance(row[1] if len(row) > 1 else "", list):
        return f"the version of its syntax (UNB01 is {at(row, 1)!r}; UNOC:3, say, is expected)"
    needed = ("UNB02 (sender)", "UNB03 (recipient)", "UNB04 (date and time)", "UNB05 (control reference)")
    missing = needed[len(row) - 2 :]
    return " and ".join(filter(None, (", ".join(missing[:-1]), *missing[-1:])))


def _syntax_oddities(name: str, version: str) -> Iterator[tuple[str, str]]:
    """S001: the first three letters name the agency whose syntax it is (UNO for the UN/ECE), the fourth its level."""
    if version not in ("1", "2", "3", "4"):
        yield "edifact.syntax", f"UNB names the version {version!r} of the syntax; 1 to 4 are known."
    elif name.startswith("UNO") or not _AGENCY.fullmatch(name):
        if name not in CHARACTER_SETS:
            yield "edifact.syntax", f"UNB names the character set {name!r}; {_KNOWN} are known."
    else:
        yield "edifact.agency", f"UNB names the syntax {name}, which is not one of the UN/ECE ({_KNOWN})."


def party(value: object) -> str:
    """``qualifier:identifier`` from the composite identifier, qualifier."""
    identifier, qualifier = (*value, "")[:2] if isinstance(value, list) else (value, "")
    return f"{qualifier}:{str(identifier).rstrip()}"


_DATES = {6: Element("0017", "DT", 6, 6), 8: Element("0017", "DT", 8, 8)}
_TIME = Element("0019", "TM", 4, 4)
_CALENDAR = {"UNB": 4, "UNG": 4}
_PLAIN = Syntax("+", ":", "'")


def oddities(row: list[Any], _group: list[Any] | None) -> Iterator[Oddity]:
    """What is wrong with the date and time of a UNB or UNG (S004), or with the identifiers of a UNH.

    The date has six digits, or eight in syntax version 4 (ISO 9735:1998).
    """
    tag = row[0]
    if tag == "UNH":
        if not at(row, 1):
            yield Oddity("element.missing", 1, "UNH01 (the reference of the message) is required, but is empty.")
        if not at(row, 2).partition(":")[0]:
            yield Oddity("element.missing", 2, "UNH02.01 (the type of the message) is required, but is empty.", 1)
        return
    value = row[_CALENDAR[tag]] if len(row) > _CALENDAR[tag] else ""
    told, time = (*value, "")[:2] if isinstance(value, list) else (value, "")
    for part, element in ((str(told), _DATES[8 if len(str(told)) == 8 else 6]), (str(time), _TIME)):
        fault = judge(part, element, _PLAIN) if part else None
        if fault:
            message = f"{tag}{_CALENDAR[tag]:02} has {part!r}, {fault.trouble}."
            yield Oddity("envelope.date", _CALENDAR[tag], message)
