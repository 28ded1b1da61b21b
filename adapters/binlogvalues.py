"""What MariaDB and MySQL keep of a value in their log → the text that ``CAST(column AS CHAR)`` gives for it.

The forms are those of MySQL's and MariaDB's storage (MySQL Internals Manual, "Date and Time Data Type Representation";
MySQL source, decimal.c).
"""

from __future__ import annotations

import binascii
import codecs
import ipaddress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from adapters.values import to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of so many decimal digits at the edge of a decimal; nine take four."""


def fixed_text(digits: int, value: float) -> str:
    """A FLOAT or DOUBLE with so many digits behind the point."""
    return f"{value:.{digits}f}"


def float_text(value: float) -> str:
    """A FLOAT as the server shows it: six digits."""
    return f"{value:.6g}"


def double_text(value: float) -> str:
    """A DOUBLE as the server shows it, but for the form of its exponent: the fewest digits that find it again."""
    return repr(value).removesuffix(".0")


def number(text: str) -> Decimal:
    """The value of the digits; an exponent is written out."""
    return Decimal(format(Decimal(text), "f")) if "e" in text else Decimal(text)


def decimal_text(precision: int, scale: int, *, padded: bool) -> tuple[int, Callable[[bytes], str]]:
    """How many bytes a DECIMAL has, and their digits: groups of nine in four bytes, the sign in the first bit."""
    whole, fraction = precision - scale, scale
    head, tail = DIGITS[whole % 9], DIGITS[fraction % 9]
    sizes = [(head, whole % 9)] * bool(head) + [(4, 9)] * (whole // 9)
    sizes += [(4, 9)] * (fraction // 9) + [(tail, fraction % 9)] * bool(tail)
    total = sum(size for size, _ in sizes)
    ones = (1 << total * 8) - 1
    top = 1 << (total * 8 - 1)

    shifts = []
    below = total * 8
    for size, digits in sizes:
        below -= size * 8
        shifts.append((below, (1 << size * 8) - 1, 10**digits))
    least = precision if padded else scale + 1

    @lru_cache(4096)
    def text(content: bytes) -> str:
        bits = int.from_bytes(content, "big")
        sign = ""
        if bits & top:
            bits ^= top
        else:
            bits ^= ones ^ top
            sign = "-"
        number = 0
        for shift, mask, power in shifts:
            number = number * power + (bits >> shift & mask)
        shown = f"{number:0{least}}"
        return f"{sign}{shown[:-scale]}.{shown[-scale:]}" if scale else sign + shown

    return total, text


@lru_cache(4096)
def date_text(content: bytes) -> str:
    """Three bytes of a DATE."""
    bits = int.from_bytes(content, "little")
    return f"{bits >> 9:04}-{bits >> 5 & 15:02}-{bits & 31:02}"


def fraction_text(units: int, digits: int) -> str:
    """The part of a second, which is kept in an even number of digits."""
    return f".{units:0{digits + digits % 2}}"[: digits + 1] if digits else ""


@lru_cache(4096)
def _second(content: bytes) -> str:
    bits = int.from_bytes(content, "big") - 0x8000000000
    day, clock = bits >> 17, bits & 0x1FFFF
    months = day >> 5
    return f"{months // 13:04}-{months % 13:02}-{day & 31:02} {clock >> 12:02}:{clock >> 6 & 63:02}:{clock & 63:02}"


def datetime_text(digits: int, content: bytes) -> str:
    """A DATETIME of so many digits below the second."""
    return _second(content[:5]) + fraction_text(int.from_bytes(content[5:], "big"), digits)


@lru_cache(4096)
def _utc(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    # Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; also beyond the year 9999.
    days += 719468
    era, doe = divmod(days, 146097)
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (month <= 2)
    return (
        f"{year:04}-{month:02}-{doy - (153 * mp + 2) // 5 + 1:02} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    )


def timestamp_text(digits: int, content: bytes) -> str:
    """A TIMESTAMP in UTC; nothing but zeros is the zero date."""
    if not any(content):
        return "0000-00-00 00:00:00" + fraction_text(0, digits)
    return _utc(int.from_bytes(content[:4], "big")) + fraction_text(int.from_bytes(content[4:], "big"), digits)


def time_text(digits: int, content: bytes) -> str:
    """A TIME of so many digits below the second."""
    below = len(content) * 8 - 24
    bits = int.from_bytes(content, "big") - (0x800000 << below)
    sign, bits = ("-", -bits) if bits < 0 else ("", bits)
    clock = bits >> below
    shown = f"{sign}{clock >> 12 & 1023:02}:{clock >> 6 & 63:02}:{clock & 63:02}"
    return shown + fraction_text(bits & ((1 << below) - 1), digits)


def old_datetime_text(bits: int) -> str:
    """A DATETIME of before MySQL 5.6: its decimal digits."""
    day, clock = divmod(bits, 1_000_000)
    return (
        f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"
        f" {clock // 10000:02}:{clock // 100 % 100:02}:{clock % 100:02}"
    )


def old_time_text(content: bytes) -> str:
    """A TIME of before MySQL 5.6."""
    bits = int.from_bytes(content, "little", signed=True)
    sign, bits = ("-", -bits) if bits < 0 else ("", bits)
    return f"{sign}{bits // 10000:02}:{bits // 100 % 100:02}:{bits % 100:02}"


def old_timestamp_text(seconds: int) -> str:
    """A TIMESTAMP of before MySQL 5.6."""
    return _utc(seconds) if seconds else "0000-00-00 00:00:00"


@lru_cache(4096)
def moment(text: str) -> str:
    """As a page shows a time of whole seconds."""
    return to_datetime(text)


@lru_cache(4096)
def _second_shown(content: bytes) -> str:
    return to_datetime(_second(content))


@lru_cache(4096)
def _utc_shown(content: bytes) -> str:
    return to_datetime(timestamp_text(0, content))


def _with_fraction(second: str, digits: int, below: bytes) -> str:
    units = int.from_bytes(below, "big")
    if second[10] != "T":  # no time that a calendar has: it stays as the server writes it
        return second + fraction_text(units, digits)
    return (second + fraction_text(units, digits)).rstrip("0") if units else second


def datetime_shown(digits: int, content: bytes) -> str:
    """A DATETIME as a page shows it."""
    return _with_fraction(_second_shown(content[:5]), digits, content[5:])


def timestamp_shown(digits: int, content: bytes) -> str:
    """A TIMESTAMP as a page shows it."""
    if not any(content):
        return timestamp_text(digits, content)
    seconds = content[:4]
    # The first second of all is no zero date where it has a fraction.
    shown = _utc_shown(seconds) if any(seconds) else "1970-01-01T00:00:00"
    return _with_fraction(shown, digits, content[4:])


def set_text(names: Sequence[str], content: bytes) -> str:
    """The members of a SET, in the order of its definition."""
    bits = int.from_bytes(content, "little")
    return ",".join(name for at, name in enumerate(names) if bits >> at & 1)


def base64_text(content: bytes) -> str:
    """Bytes as a page shows them."""
    return binascii.b2a_base64(content, newline=False).decode("ascii")


def hex_text(content: bytes) -> str:
    """Bytes as the server's HEX() writes them."""
    return content.hex().upper()


def inet6_text(content: bytes) -> str:
    """An INET6 as MariaDB writes it: what was an IPv4 address keeps its dots."""
    content = content.ljust(16, b"\0")
    address = ipaddress.IPv6Address(content)
    mapped = content[:12] == bytes(10) + b"\xff\xff"
    if mapped or (not any(content[:12]) and any(content[12:14])):
        return f"::{'ffff:' if mapped else ''}{ipaddress.IPv4Address(content[12:])}"
    return str(address)


def inet4_text(content: bytes) -> str:
    """An INET4."""
    return str(ipaddress.IPv4Address(content.ljust(4, b"\0")))


def uuid_text(content: bytes) -> str:
    """A UUID."""
    digits = content.ljust(16, b"\0").hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def charmap(map_: str) -> Callable[[bytes], str]:
    """The texts of a character set of one byte: `map_` are its 256 characters."""
    return lambda content: codecs.charmap_decode(content, "strict", map_)[0]
