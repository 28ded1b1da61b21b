"""Dates, times and periods, as they are written: ``CCYYMMDD``, ``HHMM``, ``CCYYMM-CCYYMM``.

CCYY and YY are years, MM months (behind HH: minutes), DD days of a month, DDD days of a year, WW weeks, HH, SS, a small
d a decimal of a second, ZZZ a time zone, Q, S and P a quarter, a half and a third of a year; anything else is itself.

Which code of a format stands for which form: X12 element 1250 as in the release 004010; EDIFACT element 2379 as in
UNCL of D.96A and D.01B, where a period is written without the hyphen that its name has; with it, it is understood, too.
"""

from __future__ import annotations

import re
from calendar import monthrange
from functools import lru_cache
from typing import NamedTuple

from edi.segmented.elements.faults import Fault

DATES = ("CCYYMMDD", "YYMMDD")
TIMES = ("HHMM", "HHMMSS", "HHMMSSdd", "HHMMSSd")

X12_FORMS = {
    "D8": "CCYYMMDD", "RD8": "CCYYMMDD-CCYYMMDD", "TM": "HHMM", "DT": "CCYYMMDDHHMM", "TS": "HHMMSS",
    "CM": "CCYYMM", "CY": "CCYY", "D6": "YYMMDD", "DB": "MMDDCCYY", "DD": "DD", "MD": "MMDD", "MM": "MM",
    "RTS": "CCYYMMDDHHMMSS", "TT": "MMDDYY", "TQ": "MMYY", "TR": "DDMMYYHHMM", "TU": "YYDDD", "TC": "DDD", "YM": "YYMM",
    "DTS": "CCYYMMDDHHMMSS-CCYYMMDDHHMMSS", "RDT": "CCYYMMDDHHMM-CCYYMMDDHHMM", "RD": "MMDDCCYY-MMDDCCYY",
    "DA": "DD-DD", "RD2": "YY-YY", "RD4": "CCYY-CCYY", "RD5": "CCYYMM-CCYYMM", "RD6": "YYMMDD-YYMMDD",
    "RDM": "YYMMDD-MMDD", "RMD": "MMDD-MMDD", "RMY": "YYMM-YYMM", "RTM": "HHMM-HHMM", "CQ": "CCYYQ",
}  # fmt: skip
"""By code of element 1250. Not here: those whose form has names of months, or that promise none."""

EDIFACT_FORMS = {
    "102": "CCYYMMDD", "203": "CCYYMMDDHHMM", "101": "YYMMDD", "204": "CCYYMMDDHHMMSS", "201": "YYMMDDHHMM",
    "718": "CCYYMMDD-CCYYMMDD", "303": "CCYYMMDDHHMMZZZ", "610": "CCYYMM", "616": "CCYYWW", "602": "CCYY",
    "2": "DDMMYY", "3": "MMDDYY", "105": "YYDDD", "106": "MMDD", "107": "DDD", "108": "WW", "109": "MM", "110": "DD",
    "202": "YYMMDDHHMMSS", "301": "YYMMDDHHMMZZZ", "302": "YYMMDDHHMMSSZZZ", "304": "CCYYMMDDHHMMSSZZZ",
    "305": "MMDDHHMM", "306": "DDHHMM", "401": "HHMM", "402": "HHMMSS", "404": "HHMMSSZZZ", "501": "HHMM-HHMM",
    "502": "HHMMSS-HHMMSS", "600": "CC", "601": "YY", "603": "YYS", "604": "CCYYS", "608": "CCYYQ", "609": "YYMM",
    "615": "YYWW", "701": "YY-YY", "702": "CCYY-CCYY", "703": "YYS-YYS", "704": "CCYYS-CCYYS", "706": "CCYYP-CCYYP",
    "707": "YYQ-YYQ", "708": "CCYYQ-CCYYQ", "709": "YYMM-YYMM", "710": "CCYYMM-CCYYMM", "711": "CCYYMMDD-CCYYMMDD",
    "713": "YYMMDDHHMM-YYMMDDHHMM", "715": "YYWW-YYWW", "716": "CCYYWW-CCYYWW", "717": "YYMMDD-YYMMDD",
    "719": "CCYYMMDDHHMM-CCYYMMDDHHMM",
}  # fmt: skip
"""By code of element 2379. Not here: quantities of days and hours, and decades of a month."""

PROVED = (*list(X12_FORMS)[:4], *list(EDIFACT_FORMS)[:10])
"""The usual codes, which the proof knows; the others are left to the explanation."""


class _Part(NamedTuple):
    """A piece of a form: the expression that proves it, how long it is, what it is called, and its bounds."""

    proof: str
    length: int
    name: str = ""
    least: int = 0
    most: int = 0


_DAYS = "(?:0[1-9]|[12][0-9]|3[01])"
_SIXTY = "[0-5][0-9]"
_PARTS = {
    "CCYY": _Part("[1-9][0-9]{3}", 4, "year", 1, 9999),
    "CC": _Part("[0-9]{2}", 2, "century", 0, 99),
    "YY": _Part("[0-9]{2}", 2, "year", 0, 99),
    "DDD": _Part("(?:0[0-9][1-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-5])", 3, "day of the year", 1, 366),
    "WW": _Part("(?:0[1-9]|[1-4][0-9]|5[0-3])", 2, "week", 1, 53),
    "MM": _Part("(?:0[1-9]|1[0-2])", 2, "month", 1, 12),
    "DD": _Part(_DAYS, 2, "day", 1, 31),
    "HH": _Part("(?:[01][0-9]|2[0-3])", 2, "hour", 0, 23),
    "mm": _Part(_SIXTY, 2, "minute", 0, 59),
    "SS": _Part(_SIXTY, 2, "second", 0, 59),
    "d": _Part("[0-9]", 1),
    "Q": _Part("[1-4]", 1, "quarter", 1, 4),
    "S": _Part("[12]", 1, "half of the year", 1, 2),
    "P": _Part("[1-3]", 1, "third of the year", 1, 3),
    "-": _Part("-", 1),
    "ZZZ": _Part("[A-Z0-9]{3}", 3),
}
_TOKEN = re.compile("ZZZ|CCYY|CC|YY|DDD|WW|HHMM|HH|MM|DD|SS|.")
_MONTH_DAY = (
    "(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)|02(?:0[1-9]|1[0-9]|2[0-8]))"
)


@lru_cache(maxsize=256)
def _tokens(form: str) -> tuple[str, ...]:
    found: list[str] = []
    for part_name in _TOKEN.findall(form):
        found.extend(("HH", "mm") if part_name == "HHMM" else (part_name,))
    return tuple(found)


@lru_cache(maxsize=256)
def proof(form: str) -> str:
    """An expression that accepts only what is written as `form`. 29 February is left to the explanation."""
    tokens = _tokens(form)
    if "MM" in tokens and "DD" in tokens and "MMDD" not in form:
        return "(?!)"  # a day before its month: left to the explanation
    written = "".join(_PARTS[part_name].proof for part_name in tokens)
    return written.replace(_PARTS["MM"].proof + _DAYS, _MONTH_DAY)


def fault(value: str, forms: list[str], code: str, because: str = "") -> Fault | None:
    """What is wrong with `value`, which is to be written in one of the `forms`; `because` says who wants that."""
    form = next((form for form in forms if len(form) == len(value)), None)
    trouble = _trouble(value, form) if form else ""
    if trouble is None:
        return None
    if not trouble and value != value.strip(" "):
        trouble = "it has blanks at its ends"
    word = "time" if code == "element.time" else "date"
    allowed = " or ".join(form for form in forms if "d" not in form)
    if word == "time":
        trouble = f"{trouble}; " * bool(trouble) + f"{allowed} is expected, with hours 00 to 23"
    told = f"which is not a {word}: {trouble or f'{allowed} is expected'}{because}"
    ask = "a time of day" if word == "time" else "a date of the calendar"
    return Fault(code, told, f"Ask the sender for {ask}, written {allowed}.")


def _trouble(value: str, form: str) -> str | None:
    """Which part of `value` cannot be, in words; "" if it is not written so at all, None if nothing is wrong."""
    place, parts = 0, []
    for part_name in _tokens(form):
        part = _PARTS[part_name]
        text = value[place : place + part.length]
        place += part.length
        if part_name == "-":
            if text != "-":
                return ""
            parts.append((part_name, 0))
        elif part_name != "ZZZ":
            if not (text.isascii() and text.isdigit()):
                return ""
            parts.append((part_name, int(text)))
    for part_name, number in parts:
        part = _PARTS[part_name]
        if part.name and not part.least <= number <= part.most:
            return f"there is no {part.name} {number:0{part.length if number else 1}}"
    return _day_trouble(parts)


def _day_trouble(parts: list[tuple[str, int]]) -> str | None:
    """A day that its month does not have; where no year is told, February has 29."""
    told: dict[str, int] = {}
    for part_name, number in [*parts, ("-", 0)]:
        if part_name not in told and part_name != "-":
            told[part_name] = number
            continue
        if "MM" in told and "DD" in told:
            year = told.get("CCYY", told.get("YY", 0) + 2000)
            if told["DD"] > monthrange(year, told["MM"])[1]:
                return f"that month has no day {told['DD']:02}"
        told = {} if part_name == "-" else {part_name: number}
    return None


def forms_of(form: str) -> list[str]:
    """The ways to write `form` in EDIFACT: a period without its hyphen, or with it."""
    return [form.replace("-", ""), form] if "-" in form else [form]
