"""Values put into columns: the other way of :mod:`edi.positional.numbers`.

Each function makes what stands in a column of a number's plain text (``-123.45``), or raises :class:`Unwritable`. What
is positive has the sign that its kind prefers: C where a picture has an S, otherwise F; ASCII's plain digits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edi.writing import Unwritable, shown

if TYPE_CHECKING:
    from edi.positional.layout import Kind

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<fraction>\d*))?", re.ASCII)
_NEGATIVE = "}JKLMNOPQR"
"""EBCDIC's negative digits, translated: 0xD0 to 0xD9."""


def _parsed(value: str) -> tuple[bool, str, str | None]:
    """Whether a number is negative, its digits before the point, and those behind it (None: there is no point)."""
    match = _NUMBER.fullmatch(value)
    if not match or not (match["whole"] or match["fraction"]):
        raise Unwritable(f"{shown(value)} is no number", "give digits with a sign in front and a point, -123.45")
    digits = match["whole"] + (match["fraction"] or "")
    return match["sign"] == "-" and bool(digits.strip("0")), match["whole"], match["fraction"]


def scaled(value: str, kind: Kind, capacity: int) -> tuple[bool, str]:
    """The sign of a number and its digits, `capacity` of them, without a decimal point."""
    negative, whole, fraction = _parsed(value)
    scale = max(kind.scale, 0)
    decimals = (fraction or "").ljust(scale, "0")
    if decimals[scale:].strip("0"):
        raise Unwritable(
            f"{shown(value)} has more decimals than the {scale} of its column", "round it where that is allowed"
        )
    digits = whole + decimals[:scale]
    if kind.scale < 0:
        zeros = -kind.scale
        if digits[-zeros:].strip("0"):
            raise Unwritable(f"{shown(value)} does not end in {zeros} zeros, which its column leaves out", "round it")
        digits = digits[:-zeros]
    digits = digits.lstrip("0").zfill(capacity)
    if len(digits) > capacity:
        raise _too_long(value, f"{capacity} digits")
    if negative and not kind.signed:
        raise Unwritable(f"{shown(value)} is negative, and its column has no sign", "send a number of 0 or more")
    return negative, digits


def _too_long(value: str, most: str) -> Unwritable:
    return Unwritable(f"{shown(value)} is too long for its column of {most}", "shorten it, or widen the column")


def written(value: str, kind: Kind, width: int) -> str:
    """A number for people, to the right: without a point if it has the decimals that its column implies."""
    if not value:
        return " " * width
    if not kind.scale and len(value) <= width and value.isascii() and value.isdecimal():
        return value.rjust(width)
    negative, _, fraction = _parsed(value)
    text = value.removeprefix("+")
    if kind.scale > 0 and (fraction is None or len(fraction) == kind.scale or len(text) > width):
        text = scaled(value, kind, width - negative)[1].lstrip("0").rjust(min(kind.scale + 1, width - negative), "0")
        text = "-" + text if negative else text
    if len(text) > width:
        raise _too_long(value, f"{width} characters")
    return text.rjust(width)


def zoned_text(value: str, kind: Kind, width: int) -> str:
    """A zoned number in a code other than EBCDIC."""
    if not value:
        return " " * width
    negative, digits = scaled(value, kind, width)
    if not negative:
        return digits
    place = 0 if kind.leading else width - 1
    return digits[:place] + _NEGATIVE[int(digits[place])] + digits[place + 1 :]


def separate(value: str, kind: Kind, width: int) -> str:
    """A number whose sign has a place of its own."""
    if not value:
        return " " * width
    negative, digits = scaled(value, kind, width - 1)
    sign = "-" if negative else "+"
    return sign + digits if kind.leading else digits + sign


def zoned(value: str, kind: Kind, width: int) -> bytes:
    """A zoned number in EBCDIC."""
    if not value:
        return b"\x40" * width
    negative, digits = scaled(value, kind, width)
    place = 0 if kind.leading else width - 1
    zone = (0xD0 if negative else 0xC0) if kind.signed else 0xF0
    return bytes((zone if at == place else 0xF0) + int(digit) for at, digit in enumerate(digits))


def packed(value: str, kind: Kind, width: int) -> bytes:
    """A packed number."""
    capacity = min(kind.digits or 2 * width - 1, 2 * width - 1)
    negative, digits = scaled(_given(value), kind, capacity)
    sign = ("d" if negative else "c") if kind.signed else "f"
    return bytes.fromhex((digits + sign).zfill(2 * width))


def binary(value: str, kind: Kind, width: int) -> bytes:
    """A binary number, the most significant byte first."""
    negative, digits = scaled(_given(value), kind, 20)
    number = -int(digits) if negative else int(digits)
    try:
        return number.to_bytes(width, "big", signed=kind.signed)
    except OverflowError:
        raise _too_long(value, f"{width} bytes") from None


def _given(value: str) -> str:
    if not value:
        raise Unwritable("the number is empty, and its column has no way to say so", "give 0, or the number")
    return value
