"""Dates and times as partners write them, read by pictures. A day that no calendar has is a failure, never a guess.

A *picture* is made of

=========  ==========================================  =========  ===================================================
``yyyy``   year                                        ``hh``     hour, 00 to 23
``yy``     year of a century: see `pivot`              ``mi``     minute
``mm``     month, two digits; ``m`` one or two         ``ss``     second
``mmm``    month, ``JAN`` … ``DEC`` in any case        ``f``      fraction of the second, 1 to 6 digits
``dd``     day, two digits; ``d`` one or two           ``z``      offset: ``Z``, ``+01:00`` or ``+0100``
=========  ==========================================  =========  ===================================================

and of any characters but lower-case letters, which stand for themselves: ``dd.mm.yyyy``, ``yyyy-mm-ddThh:mi:ssz``.
"""

from __future__ import annotations

import re
from calendar import month_name, monthrange
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.normalize.faults import Failure, quoted, stranger

if TYPE_CHECKING:
    from collections.abc import Callable

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PIVOT = 1970
"""Two digits of a year mean the hundred years from here on: 70 is 1970, 69 is 2069."""

_TOKENS = {
    "yyyy": ("year", "[0-9]{4}"),
    "yy": ("short", "[0-9]{2}"),
    "mmm": ("name", "[A-Za-z]{3}"),
    "mm": ("month", "[0-9]{2}"),
    "mi": ("minute", "[0-9]{2}"),
    "m": ("month", "[0-9]{1,2}"),
    "dd": ("day", "[0-9]{2}"),
    "d": ("day", "[0-9]{1,2}"),
    "hh": ("hour", "[0-9]{2}"),
    "ss": ("second", "[0-9]{2}"),
    "f": ("fraction", "[0-9]{1,6}"),
    "z": ("zone", "Z|[+-][0-9]{2}:?[0-9]{2}"),
}
_TOKEN = re.compile("|".join(_TOKENS) + "|[^a-z]|.")

DATE_PARTS = frozenset({"year", "short", "name", "month", "day"})
TIME_PARTS = frozenset({"hour", "minute", "second", "fraction"})

Parts = dict[str, str]


def picture(text: str) -> tuple[re.Pattern[str], frozenset[str]]:
    """The pattern of a picture and the parts that it has.

    Raises:
        ValueError: the picture cannot be read, or has a part twice.
    """
    pattern, parts = "", []
    for token in _TOKEN.findall(text):
        if token in _TOKENS:
            name, digits = _TOKENS[token]
            pattern += f"(?P<{name}>{digits})"
            parts.append(name)
        elif "a" <= token <= "z":
            raise ValueError(f"'{token}' means nothing in the picture '{text}': use yyyy yy mm m mmm dd d hh mi ss f z")
        else:
            pattern += re.escape(token)
    twice = {name for name in parts if parts.count(name) > 1}
    if twice:
        hint = "; minutes are written mi" if "month" in twice else ""
        raise ValueError(f"the picture '{text}' has the {min(twice)} twice{hint}")
    return re.compile(pattern), frozenset(parts)


def dates(pictures: tuple[str, ...], *, pivot: int = PIVOT) -> Callable[[str], date]:
    """A reader of dates that are written like one of `pictures`.

    Raises:
        ValueError: a picture is not that of a whole date.
    """
    patterns = []
    for text in pictures:
        pattern, parts = picture(text)
        if not (_is_date(parts) and parts <= DATE_PARTS):
            raise ValueError(f"the picture '{text}' is not that of a date: it needs a year, a month and a day")
        patterns.append(pattern.fullmatch)

    def read(text: str) -> date:
        for matches in patterns:
            if len(text) < 40 and (match := matches(text)):
                return _date(text, match.groupdict(), pivot)
        raise _unlike(text, "mapping.date", "date", pictures)

    return read


_BY_FORMAT = {
    # X12 element 1250
    "D6": ("yymmdd", 6), "D8": ("yyyymmdd", 8), "DT": ("yyyymmdd", 12), "RD6": ("yymmdd", 13),
    "RD8": ("yyyymmdd", 17), "RDT": ("yyyymmdd", 25),
    # EDIFACT data element 2379
    "2": ("ddmmyy", 6), "3": ("mmddyy", 6), "101": ("yymmdd", 6), "102": ("yyyymmdd", 8), "201": ("yymmdd", 10),
    "202": ("yymmdd", 12), "203": ("yyyymmdd", 12), "204": ("yyyymmdd", 14), "303": ("yyyymmdd", 15),
    "304": ("yyyymmdd", 17), "713": ("yymmdd", 21), "717": ("yymmdd", 13), "718": ("yyyymmdd", 17),
    "719": ("yyyymmdd", 25),
}  # fmt: skip
"""Codes of formats → how the day at the beginning is written, and how long the whole is."""


def date_by(text: str, code: str) -> date:
    """The day of a text whose format is told by a code beside it; of a period its first day.

    Raises:
        Failure: the code's format has no day, or the text is not so written.
    """
    if code not in _BY_FORMAT:
        known = ", ".join(_BY_FORMAT)
        message = f"{quoted(text)} is of the format {quoted(code)}, which has no known day"
        raise Failure("mapping.date", message, f"Known: {known}.")
    shape, length = _BY_FORMAT[code]
    day = len(shape)
    if len(text) != length or not text[:day].isascii() or not text[:day].isdigit():
        message = f"{quoted(text)} is not a date of the format {code}: that has {length} characters, first '{shape}'"
        raise Failure("mapping.date", message)
    return _days(shape)(text[:day])


@cache
def _days(shape: str) -> Callable[[str], date]:
    return dates((shape,))


def datetimes(pictures: tuple[str, ...], zone: str = "", *, pivot: int = PIVOT) -> Callable[[str], datetime]:
    """A reader of moments, in UTC. `zone` (``UTC``, ``+01:00``, ``Europe/Berlin``) is that of texts without an offset.

    Raises:
        ValueError: a picture is not that of a date and a time, or there is neither offset nor zone.
    """
    patterns = []
    for text in pictures:
        pattern, parts = picture(text)
        if not (_is_date(parts) and _is_time(parts)):
            raise ValueError(f"the picture '{text}' is not that of a date and a time")
        if "zone" not in parts and not zone:
            raise ValueError(
                f"the picture '{text}' has no offset (z); name the zone: zone='UTC' or zone='Europe/Berlin'"
            )
        patterns.append(pattern.fullmatch)
    default = zone_of(zone) if zone else UTC

    def read(text: str) -> datetime:
        for matches in patterns:
            if len(text) < 60 and (match := matches(text)):
                parts = match.groupdict()
                day, clock = _date(text, parts, pivot), _time(text, parts)
                where = _offset(text, parts["zone"]) if parts.get("zone") else default
                return _moment(text, datetime.combine(day, clock, where))
        raise _unlike(text, "mapping.date", "date and time", pictures)

    return read


def times(pictures: tuple[str, ...]) -> Callable[[str], time]:
    """A reader of times of the day.

    Raises:
        ValueError: a picture is not that of a time.
    """
    patterns = []
    for text in pictures:
        pattern, parts = picture(text)
        if not (_is_time(parts) and parts <= TIME_PARTS):
            raise ValueError(f"the picture '{text}' is not that of a time: it needs an hour and a minute")
        patterns.append(pattern.fullmatch)

    def read(text: str) -> time:
        for matches in patterns:
            if len(text) < 40 and (match := matches(text)):
                return _time(text, match.groupdict())
        raise _unlike(text, "mapping.time", "time", pictures)

    return read


def writer(text: str) -> Callable[[date], str]:
    """What writes a date like the picture `text`.

    Raises:
        ValueError: the picture has parts that a date has not.
    """
    _, parts = picture(text)
    if not parts <= DATE_PARTS:
        raise ValueError(f"the picture '{text}' has parts that a date has not")
    tokens = _TOKEN.findall(text)
    write: dict[str, Callable[[date], str]] = {
        "yyyy": lambda day: f"{day.year:04}",
        "yy": lambda day: f"{day.year % 100:02}",
        "mmm": lambda day: MONTHS[day.month - 1].upper(),
        "mm": lambda day: f"{day.month:02}",
        "m": lambda day: str(day.month),
        "dd": lambda day: f"{day.day:02}",
        "d": lambda day: str(day.day),
    }
    return lambda day: "".join(write[token](day) if token in write else token for token in tokens)


def zone_of(name: str) -> tzinfo:
    """The zone of a name or an offset.

    Raises:
        ValueError: there is no such zone.
    """
    if name in ("UTC", "Z"):
        return UTC
    if re.fullmatch(r"[+-][0-9]{2}:?[0-9]{2}", name):
        return _fixed(name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{name}' is no time zone: write UTC, +01:00 or a name such as Europe/Berlin") from None


def _is_date(parts: frozenset[str]) -> bool:
    return bool(parts & {"year", "short"} and parts & {"month", "name"} and "day" in parts)


def _is_time(parts: frozenset[str]) -> bool:
    return {"hour", "minute"} <= parts


def _date(text: str, parts: Parts, pivot: int) -> date:
    year = int(parts["year"]) if "year" in parts else pivot + (int(parts["short"]) - pivot) % 100
    month = _month(text, parts)
    day = int(parts["day"])
    if not 1 <= month <= 12:
        raise Failure("mapping.date", f"{quoted(text)} is not a date: there is no month {month}")
    if not year:
        raise Failure("mapping.date", f"{quoted(text)} is not a date: there is no year 0")
    last = monthrange(year, month)[1]
    if not 1 <= day <= last:
        raise Failure(
            "mapping.date", f"{quoted(text)} is not a date: {month_name[month]} {year} has {last} days, not a day {day}"
        )
    return date(year, month, day)


def _month(text: str, parts: Parts) -> int:
    if "month" in parts:
        return int(parts["month"])
    name = parts["name"].lower()
    if name not in MONTHS:
        raise Failure("mapping.date", f"{quoted(text)} is not a date: {quoted(parts['name'])} is no month")
    return MONTHS.index(name) + 1


def _time(text: str, parts: Parts) -> time:
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts.get("second") or 0)
    for what, value, most in (("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)):
        if value > most:
            raise Failure("mapping.time", f"{quoted(text)} is not a time: there is no {what} {value}")
    return time(hour, minute, second, int((parts.get("fraction") or "").ljust(6, "0")))


def _fixed(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    if int(offset[1:3]) > 23 or int(offset[-2:]) > 59:
        raise ValueError(f"'{offset}' is no offset from UTC")
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _offset(text: str, offset: str) -> tzinfo:
    if offset == "Z":
        return UTC
    try:
        return _fixed(offset)
    except ValueError:
        raise Failure("mapping.date", f"{quoted(text)} is not a time: there is no offset {offset}") from None


def _moment(text: str, local: datetime) -> datetime:
    # Where a clock is put forward or back, an hour does not exist or exists twice (PEP 495): nobody can say which.
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise Failure(
            "mapping.date",
            f"{quoted(text)} is not one moment in {local.tzinfo}: the clock is changed then",
            "Ask the sender for times with an offset, or in UTC.",
        )
    try:
        return local.astimezone(UTC)
    except OverflowError:
        raise Failure("mapping.date", f"{quoted(text)} lies outside the calendar") from None


def _unlike(text: str, code: str, kind: str, pictures: tuple[str, ...]) -> Failure:
    wanted = " or ".join(f"'{one}'" for one in pictures)
    if text != text.strip():
        side = "begins" if text[0].isspace() else "ends"
        return Failure(code, f"{quoted(text)} {side} with white space", "Write | strip before it.")
    odd = None
    if all(set(one) <= set("ymdhisf") for one in pictures):
        odd = stranger(text, "0123456789")
    return Failure(code, f"{quoted(text)} is not a {kind} written like {wanted}" + (f": {odd}" if odd else ""))
