"""Numbers as machines wrote them, made plain texts: ``-123.45``.

A whole number keeps the digits of its picture (``000815``: it may be a code or a date); one with decimals loses the
zeros in front; a binary one never had any. Zero has no sign. What cannot be read is an :class:`Unreadable`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edi.positional.layout import Kind

_TEXT = re.compile(r"(?P<before>[+-]?) *(?P<whole>\d*)(?:\.(?P<fraction>\d*))?(?P<after>[+-]?)", re.ASCII)
_OVERPUNCHED = {
    **{character: (str(digit), False) for digit, character in enumerate("0123456789")},
    # What EBCDIC's signed digits become when a file is translated to ASCII: 0xC0 to 0xC9 and 0xD0 to 0xD9.
    **{character: (str(digit), False) for digit, character in enumerate("{ABCDEFGHI")},
    **{character: (str(digit), True) for digit, character in enumerate("}JKLMNOPQR")},
    # ASCII's own: the negative digits have the zone 7.
    **{character: (str(digit), True) for digit, character in enumerate("pqrstuvwxy")},
}
_POSITIVE = frozenset("acef")
_NEGATIVE = frozenset("bd")


class Unreadable(Exception):
    """A value that is none: the code and message of the finding, and its place in the column, from 0."""

    def __init__(self, code: str, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end


def plain(digits: str, scale: int, *, negative: bool) -> str:
    """Digits as a plain number; `scale` of them stand behind the decimal point."""
    if scale > 0:
        digits = digits.zfill(scale + 1)
        digits = f"{digits[:-scale].lstrip('0') or '0'}.{digits[-scale:]}"
    elif scale < 0:
        digits += "0" * -scale
    return "-" + digits if negative and digits.strip("0.") else digits


def written(text: str, kind: Kind) -> str:
    """A number that is written for people: sign before or behind, perhaps a decimal point."""
    stripped = text.strip(" \0")
    if not stripped:
        return ""
    match = _TEXT.fullmatch(stripped)
    if not match or (match["before"] and match["after"]) or not (match["whole"] or match["fraction"]):
        at = text.index(stripped)
        raise Unreadable("fixed.number", f"{stripped!r} is not a number", at, at + len(stripped))
    negative = "-" in (match["before"], match["after"])
    if match["fraction"] is None:
        return plain(match["whole"], kind.scale, negative=negative)
    return plain((match["whole"] or "0") + match["fraction"], len(match["fraction"]), negative=negative)


def zoned_text(text: str, kind: Kind) -> str:
    """A zoned number in a code other than EBCDIC: digits, one of them perhaps signed (``12C``, ``12L``, ``12s``)."""
    if not text.strip(" "):
        return ""
    digits, negative = text, False
    if kind.signed:
        place = 0 if kind.leading else len(text) - 1
        digit, negative = _OVERPUNCHED.get(text[place], ("?", False))
        digits = text[:place] + digit + text[place + 1 :]
    if not (digits.isascii() and digits.isdigit()):
        at = next(at for at, digit in enumerate(digits) if digit not in "0123456789")
        raise Unreadable("fixed.zone", f"{text[at]!r} is no digit of a number", at, at + 1)
    return plain(digits, kind.scale, negative=negative)


def zoned(hexed: str, kind: Kind) -> str:
    """A zoned number in EBCDIC, from the hexadecimal digits of its bytes."""
    digits, zones = hexed[1::2], hexed[::2]
    if not zones.strip("4") and not digits.strip("0"):
        return ""
    sign, rest = (zones[0], zones[1:]) if kind.leading else (zones[-1], zones[:-1])
    negative = sign in _NEGATIVE
    if rest.strip("f") or not digits.isdigit() or not (negative or sign in _POSITIVE) or (negative and not kind.signed):
        raise _bad_zone(zones, digits, kind)
    return plain(digits, kind.scale, negative=negative)


def _bad_zone(zones: str, digits: str, kind: Kind) -> Unreadable:
    signed = 0 if kind.leading else len(zones) - 1
    allowed = "abcdef" if kind.signed else "acef"
    for at, (zone, digit) in enumerate(zip(zones, digits, strict=True)):
        byte = f"the byte 0x{zone + digit}".replace("0x" + zone + digit, f"0x{(zone + digit).upper()}")
        if not digit.isdigit():
            return Unreadable("fixed.zone", f"{byte} holds no digit", at, at + 1)
        if at == signed and zone not in allowed:
            said = "a sign" if kind.signed or zone not in "bd" else "a positive sign, as its picture has no S"
            return Unreadable("fixed.zone", f"{byte} holds no zone that is {said}", at, at + 1)
        if at != signed and zone != "f":
            return Unreadable("fixed.zone", f"{byte} is no digit", at, at + 1)
    raise AssertionError("nothing is wrong with it")


def separate(text: str, kind: Kind) -> str:
    """A number of digits whose sign has a place of its own."""
    if not text.strip(" "):
        return ""
    place = 0 if kind.leading else len(text) - 1
    sign, digits = text[place], text[1:] if kind.leading else text[:-1]
    if sign not in "+-":
        raise Unreadable("fixed.number", f"{sign!r} stands where + or - should", place, place + 1)
    if not (digits.isascii() and digits.isdigit()):
        at = next((at for at, digit in enumerate(digits) if digit not in "0123456789"), 0)
        at += kind.leading
        raise Unreadable("fixed.number", f"{text[at : at + 1]!r} is no digit of a number", at, at + 1)
    return plain(digits, kind.scale, negative=sign == "-")


def packed(hexed: str, kind: Kind) -> str:
    """A packed number, from the hexadecimal digits of its bytes."""
    digits, sign = hexed[:-1], hexed[-1]
    negative = sign in _NEGATIVE
    if not digits.isdigit():
        at = next(at for at, digit in enumerate(digits) if not digit.isdigit())
        message = f"the half byte 0x{digits[at].upper()} is no digit of a packed number"
        raise Unreadable("fixed.packed", message, at // 2, at // 2 + 1)
    size = len(hexed) // 2
    if not (negative or sign in _POSITIVE):
        message = f"the last half byte 0x{sign.upper()} is no sign of a packed number"
        raise Unreadable("fixed.packed", message, size - 1, size)
    if negative and not kind.signed:
        message = "the packed number is negative, and its picture has no S"
        raise Unreadable("fixed.packed", message, size - 1, size)
    if len(digits) > kind.digits:  # an even number of digits leaves half a byte in front
        if digits[0] != "0":
            message = f"the packed number has more digits than the {kind.digits} of its picture"
            raise Unreadable("fixed.packed", message, 0, 1)
        digits = digits[1:]
    return plain(digits, kind.scale, negative=negative)


def binary(raw: bytes, kind: Kind) -> str:
    """A binary number, the most significant byte first."""
    value = int.from_bytes(raw, "big", signed=kind.signed)
    return plain(str(abs(value)), kind.scale, negative=value < 0)
