"""Numbers as partners write them, read strictly and exactly: what is not surely a number is a failure, never a guess.

A *picture* shows how 1234.56 is written: ``1.234,56`` · ``1,234.56`` · ``1 234,56`` · ``1234,56`` · ``1234`` ·
``1234.56-`` (a minus behind the number is allowed). Thousands may be separated, all of them or none.
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.normalize.faults import Failure, quoted, shown, stranger

if TYPE_CHECKING:
    from collections.abc import Callable

DIGITS_MAX = 100
"""No document counts further; a longer run of digits is refused before any work is spent on it."""
MEMO_MAX = 4096
"""Values that a memo keeps. Prices and dates repeat; where none does, a memo costs a few percent."""

EXACT = Context(prec=3 * DIGITS_MAX, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
ROUNDINGS = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN}

_PICTURE = re.compile(r"1([.,' \u00a0\u202f]?)234(?:([.,])56)?(-?)")

Value = TypeVar("Value")


class Memo(dict[str, Value]):
    """What `read` makes of a text, kept for the next time: ``memo[text]`` costs a dict's look-up where it is known.

    It holds at most `MEMO_MAX` values and is emptied when full. Failures are not kept.
    """

    __slots__ = ("read",)

    def __init__(self, read: Callable[[str], Value]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, text: str) -> Value:
        value = self.read(text)
        if len(self) >= MEMO_MAX:
            self.clear()
        self[text] = value
        return value


def decimals(picture: str = "", *, comma_too: bool = False) -> Callable[[str], Decimal]:
    """A reader of decimals by `picture`; without one ``-1234.56`` is read, and ``1234,56`` where `comma_too` is set.

    Raises:
        ValueError: the picture is none.
    """
    shape = _PICTURE.fullmatch(picture) if picture else None
    spaces = " \u00a0\u202f"
    if not picture:
        group, point, behind = "", "[.,]" if comma_too else r"\.", ""
        marks = ".," if comma_too else "."
    else:
        if not shape or (shape[1] and shape[1] == shape[2]):
            raise ValueError(f"'{picture}' does not show a number: write how 1234.56 looks, such as '1.234,56'")
        group = f"[{spaces}]" if shape[1] and shape[1] in spaces else re.escape(shape[1])
        point, behind, marks = re.escape(shape[2] or ""), shape[3], shape[1] + (shape[2] or "")
    whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)" if group else "[0-9]+"
    number = f"(?:{whole}(?:{point}[0-9]+)?|{point}[0-9]+)" if point else whole
    matches = re.compile(f"[+-]?{number}" + (f"|{number}-" if behind else "")).fullmatch
    example = picture or "1234.56"
    comma = "," in point
    separators = ([*spaces] if group.startswith("[") else [shape[1]]) if shape and group else []

    def read(text: str) -> Decimal:
        if len(text) > DIGITS_MAX or not matches(text):
            raise no_number(text, example, marks + ("-" if behind else ""), picture="decimal")
        plain = text
        for separator in separators:
            plain = plain.replace(separator, "")
        if comma:
            plain = plain.replace(",", ".")
        return Decimal("-" + plain[:-1] if plain[-1] == "-" else plain)

    return read


_INTEGER = re.compile(r"[+-]?[0-9]+").fullmatch


def integer(text: str) -> int:
    """A whole number: digits, and perhaps a sign before them."""
    if len(text) > DIGITS_MAX or not ((text.isdigit() and text.isascii()) or _INTEGER(text)):
        raise no_number(text, "1234", "", picture="int")
    return int(text)


def no_number(text: str, example: str, marks: str, *, picture: str) -> Failure:
    """Why `text` is not a number like `example`, for a person."""
    kind = "whole number" if picture == "int" else "number"
    if len(text) > DIGITS_MAX:
        return Failure("mapping.number", f"{quoted(text)} is not a {kind}: it has {len(text)} characters")
    if text != text.strip():
        side = "begins" if text[0].isspace() else "ends"
        return Failure("mapping.number", f"{quoted(text)} {side} with white space", f"Write | strip | {picture}.")
    odd = stranger(text, "0123456789+-.,")
    if odd:
        return Failure("mapping.number", f"{quoted(text)} is not a {kind}: {odd}")
    if picture == "int" and re.fullmatch(r"[+-]?[0-9]+[.,][0-9]+", text):
        return Failure(
            "mapping.number", f"{quoted(text)} is not a whole number", "Write | decimal where it may be one."
        )
    odd = stranger(text, "0123456789+-" + marks)
    if odd:
        remedy = "Write | decimal('1.234,56') where the comma is the decimal mark." if "," in text else ""
        return Failure("mapping.number", f"{quoted(text)} is not a number written like {example}: {odd}", remedy)
    return Failure("mapping.number", f"{quoted(text)} is not a {kind} written like {example}")


_plain = decimals()


def number_of(value: Any) -> int | Decimal:
    """The number that arithmetic and comparisons take: numbers as they are, texts written like -1234.56."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain(value)
    raise Failure("mapping.type", f"{quoted(value)} is not a number")


def decimal_of(value: Any) -> Decimal:
    """`number_of` as a Decimal."""
    return Decimal(number_of(value))


def add(left: Any, right: Any) -> int | Decimal:
    """Exact ``+``."""
    return _exact(EXACT.add, "+", left, right)


def subtract(left: Any, right: Any) -> int | Decimal:
    """Exact ``-``."""
    return _exact(EXACT.subtract, "-", left, right)


def multiply(left: Any, right: Any) -> int | Decimal:
    """Exact ``*``."""
    return _exact(EXACT.multiply, "*", left, right)


def divide(left: Any, right: Any) -> Decimal:
    """Exact ``/``: a quotient that has no end is a failure, because rounding is somebody's decision."""
    return Decimal(_exact(EXACT.divide, "/", left, right))


def _exact(operation: Callable[[Decimal, Decimal], Decimal], sign: str, left: Any, right: Any) -> int | Decimal:
    first, second = number_of(left), number_of(right)
    try:
        result = operation(Decimal(first), Decimal(second))
    except Inexact:
        remedy = "Write | divide(by, places) to say how it is rounded." if sign == "/" else ""
        raise Failure(
            "mapping.arithmetic", f"{shown(first)} {sign} {shown(second)} has no exact result", remedy
        ) from None
    except (InvalidOperation, DivisionByZero, Overflow):
        raise Failure("mapping.arithmetic", f"{shown(first)} {sign} {shown(second)} cannot be calculated") from None
    whole = isinstance(first, int) and isinstance(second, int) and sign != "/"
    return int(result) if whole else result


def rounded(value: Any, places: int, how: str) -> Decimal:
    """`value` with `places` digits after the point."""
    number = decimal_of(value)
    if number.adjusted() > DIGITS_MAX:
        raise Failure("mapping.number", f"{quoted(value)} has too many digits to be rounded")
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUNDINGS[how], context=Context(prec=3 * DIGITS_MAX))


def quotient(value: Any, by: Any, places: int, how: str) -> Decimal:
    """`value` divided by `by`, rounded once to `places` digits after the point."""
    first, second = decimal_of(value), decimal_of(by)
    if not second:
        raise Failure("mapping.arithmetic", f"{shown(first)} / 0 cannot be calculated")
    # A quotient rounded down to many digits can only look like a half when it is one, so rounding again is safe as
    # long as "something follows" is kept: that is what ROUND_05UP is for.
    wide = Context(prec=3 * DIGITS_MAX, rounding="ROUND_05UP").divide(first, second)
    return rounded(wide, places, how)
