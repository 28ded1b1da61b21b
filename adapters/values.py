"""Text from the server → plain values, and a caller's values → text for the server.

Drivers lie when they make values: an infinite date is read as today, a bad one as NULL, and one bad cell loses the rest
of its batch. So the server itself writes every column as text, and the text becomes a value here:

=========  ==========================================================================================
text       str
int        int, of any size
decimal    Decimal, exact
float      Decimal of the digits that the server shows
bool       bool
date       str ``2026-11-21``
datetime   str ``2026-11-21T06:55:00.123456``; with ``Z`` where the column knows its zone (sessions run in UTC)
time       str ``06:55:00``
binary     str, base64 (RFC 4648)
=========  ==========================================================================================

A cell whose text is not what its column promises ('nonsense' in a date column of SQLite, 'infinity', '0000-00-00',
'NaN') is given as the text that it is. Nothing is guessed and nothing lost; the contract judges it.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.errors import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.model import Column, Type

INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,1000}(?:\.[0-9]{0,1000})?|\.[0-9]{1,1000})(?:[eE][+-]?[0-9]{1,3})?")
ZEROS = re.compile(r"(\.[0-9]*[1-9])0+(?![0-9])|\.0+(?![0-9])")
BOOLEANS = {"1": True, "0": False, "t": True, "f": False, "true": True, "false": False}


def to_int(text: str) -> int | str:
    """``'12'`` → 12; also ``'3.0'`` and ``'1.0e+20'``, which SQLite shows for a whole number that it keeps as REAL."""
    if (text.isdecimal() and text.isascii() and len(text) < 20) or INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        number = Decimal(text)
        if number == number.to_integral_value():
            return int(number)
    return text


def to_decimal(text: str) -> Decimal | str:
    """``'12.50'`` → Decimal; an exponent is written out."""
    if not NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return Decimal(format(number, "f")) if "e" in text or "E" in text else number


def to_bool(text: str) -> bool | str:
    """``'1'``, ``'t'``, ``'true'`` → True, their opposites → False, in any case."""
    return BOOLEANS.get(text.lower(), text)


def to_datetime(text: str) -> str:
    """``2026-11-21 06:55:00.500000+00`` → ``2026-11-21T06:55:00.5Z``; what is no such time stays as it is."""
    if len(text) < 16 or text[10] not in " T":
        return text
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return text
    for zone in ("+00:00", "+00"):
        if text.endswith(zone):
            text = text.removesuffix(zone) + "Z"
    text = f"{text[:10]}T{text[11:]}"
    return ZEROS.sub(r"\1", text) if "." in text else text


def to_base64(text: str) -> str:
    """Hexadecimal digits, as the server wrote them, → base64."""
    try:
        return base64.b64encode(bytes.fromhex(text)).decode("ascii")
    except ValueError:
        return text


# How the server's text becomes a value; None means that it is the value.
FROM_TEXT: dict[Type, Callable[[str], Any] | None] = {
    "text": None,
    "int": to_int,
    "decimal": to_decimal,
    "float": to_decimal,
    "date": None,
    "datetime": to_datetime,
    "time": None,
    "bool": to_bool,
    "binary": to_base64,
}


def moment(text: str) -> str:
    """A time as databases write it, in UTC without a zone; ValueError when it is none."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        return text.replace("T", " ")
    if parsed.utcoffset() == UTC.utcoffset(None) and text.endswith("Z"):
        return text.removesuffix("Z").replace("T", " ")
    plain = parsed.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return plain.rstrip("0") if "." in plain else plain


def day(text: str) -> str:
    """``2026-11-21``; ValueError otherwise, also for the short forms of ISO 8601."""
    if len(text) != 10:
        raise ValueError
    return date.fromisoformat(text).isoformat()


def clock_time(text: str) -> str:
    """``06:55`` or ``06:55:00.5``; ValueError otherwise."""
    time.fromisoformat(text)
    return text


def matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """A check that gives the text back, or raises ValueError."""

    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return check


def flag(text: str) -> str:
    """``1`` or ``0``; KeyError when the text is neither true nor false."""
    return str(int(BOOLEANS[text.lower()]))


def hexadecimal(text: str) -> str:
    """Base64 → hexadecimal digits in capitals."""
    return base64.b64decode(text, validate=True).hex().upper()


# How a caller's text is checked and written for the server, and how the right one looks. Everything is bound as text:
# drivers cut microseconds, drop time zones and turn 2**63-1 into -1 when they are given typed values.
TO_TEXT: dict[Type, tuple[Callable[[str], str] | None, str]] = {
    "text": (None, "text"),
    "int": (matching(INTEGER), "a whole number such as 4711"),
    "decimal": (matching(NUMBER), "a number such as 12.50"),
    "float": (matching(NUMBER), "a number such as 12.5"),
    "date": (day, "a date such as 2026-11-21"),
    "datetime": (moment, "a time such as 2026-11-21T06:55:00Z"),
    "time": (clock_time, "a time of day such as 06:55:00"),
    "bool": (flag, "true or false"),
    "binary": (hexadecimal, "base64"),
}


def parameter(column: Column, value: Any) -> str:
    """A caller's value as the text to bind.

    Raises:
        Reject: ``bad_value``, when the value does not suit the column's type.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value)
    # Every driver cuts text at a NUL without a word, and none can send half of a surrogate pair.
    if value is None or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Reject(
            "bad_value",
            f"{text!r} cannot be compared with column {column.name!r}",
            "Send text without NUL and lone surrogates; to look for rows without a value use 'isnull'",
            column=column.name,
        )
    check, example = TO_TEXT[column.type]
    try:
        return check(text) if check else text
    except (ValueError, KeyError, OverflowError, binascii.Error):
        raise Reject(
            "bad_value",
            f"{text[:80]!r} does not suit column {column.name!r} ({column.native})",
            f"Send {example}",
            column=column.name,
        ) from None
