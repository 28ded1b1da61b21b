"""What the functions of the table do where one expression does not say it: texts, lists, comparisons, segments.

They are given values that are there: never None, never an empty text.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.normalize.faults import Failure, quoted, shown
from gateway.normalize.functions.numbers import EXACT, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = list[Any]


def text_of(value: Any) -> str:
    """A value as text: numbers plainly, dates as ISO 8601; what is no single value has no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, date, time)):
        raise Failure("mapping.type", f"{shown(value)} is not a text", "Name one value, or convert it first.")
    return shown(value)


def texts_of(parts: Iterable[Any]) -> str | None:
    """``a & b``: the texts that are there in a row."""
    return "".join(text_of(part) for part in parts if part is not None) or None


# Texts.


def slicer(first: int, last: int | None) -> Callable[[str], str]:
    """Characters `first` to `last`, counted from 1, both included; negative ones count from the end."""
    start = first - 1 if first > 0 else first
    stop = None if last in (None, -1) else last if last is None or last > 0 else last + 1
    return lambda text: text[start:stop]


def padder(width: int, fill: str, side: str) -> Callable[[str], str]:
    """The text made `width` characters long with `fill` at its left or right side."""
    if side == "right":
        return lambda text: text.ljust(width, fill)
    return lambda text: text.rjust(width, fill)


def before(mark: str) -> Callable[[str], str | None]:
    """What stands before the first `mark`; null where there is none."""

    def cut(text: str) -> str | None:
        head, found, _ = text.partition(mark)
        return head if found else None

    return cut


def after(mark: str) -> Callable[[str], str | None]:
    """What stands behind the first `mark`; null where there is none."""

    def cut(text: str) -> str | None:
        _, found, tail = text.partition(mark)
        return tail if found else None

    return cut


def digits(text: str) -> str:
    """The digits 0 to 9 of a text."""
    return re.sub("[^0-9]", "", text)


def truth(true: str, false: str) -> Callable[[str], bool]:
    """True and false as the partner writes them."""

    def read(text: str) -> bool:
        if text == true:
            return True
        if text == false:
            return False
        raise Failure("mapping.text", f"{quoted(text)} is neither {quoted(true)} nor {quoted(false)}")

    return read


# Lists. A null in a list is not counted, summed or joined.


def count(values: Iterable[Any]) -> int:
    """How many there are."""
    return sum(1 for value in values if value is not None)


def total(values: Iterable[Any]) -> int | Decimal:
    """Their exact sum; 0 of nothing."""
    result: int | Decimal = 0
    for value in values:
        if value is not None:
            number = number_of(value)
            both = isinstance(result, int) and isinstance(number, int)
            result = result + number if both else EXACT.add(Decimal(result), Decimal(number))
    return result


def first(values: Iterable[Any]) -> Any:
    """The first of them."""
    return next((value for value in values if value is not None), None)


def last(values: Iterable[Any]) -> Any:
    """The last of them."""
    return first(list(values)[::-1])


def least(values: Iterable[Any]) -> Any:
    """The least of them."""
    result = None
    for value in values:
        if value is not None and (result is None or less(value, result)):
            result = value
    return result


def greatest(values: Iterable[Any]) -> Any:
    """The greatest of them."""
    result = None
    for value in values:
        if value is not None and (result is None or less(result, value)):
            result = value
    return result


def joiner(mark: str) -> Callable[[Iterable[Any]], str]:
    """Their texts with `mark` between them."""
    return lambda values: mark.join(text_of(value) for value in values if value is not None)


def every(values: Iterable[Any]) -> bool:
    """Whether none of them is false."""
    return all(value is not False for value in values)


def some(values: Iterable[Any]) -> bool:
    """Whether one of them is true."""
    return any(value is True for value in values)


PAIRS_START = {"ACK": 7, "IT1": 6, "LIN": 2, "PO1": 6, "POC": 8, "SLN": 9}
"""X12 segments with pairs of elements 235 and 234 (qualifier, id), and the element at which the first pair begins."""


def pair(format_name: str, qualifier: str, start: int | None) -> Callable[[Iterable[Row]], str | None]:
    """The value whose qualifier is `qualifier`: in X12 the element behind it, in EDIFACT the component before it."""
    if format_name == "edifact":
        return lambda rows: next(
            (
                element[0] or None
                for row in rows
                for repeated in row[1:]
                for element in (repeated if isinstance(repeated, tuple) else (repeated,))
                if isinstance(element, list) and len(element) > 1 and element[1] == qualifier
            ),
            None,
        )

    def find(rows: Iterable[Row]) -> str | None:
        for row in rows:
            begin = start or PAIRS_START.get(row[0])
            if begin is None:
                raise Failure(
                    "mapping.type", f"where the pairs of {row[0]} begin is not known", f"Write pair('{qualifier}', 6)."
                )
            for place in range(begin, len(row) - 1, 2):
                if row[place] == qualifier and row[place + 1]:
                    return text_of(row[place + 1])
        return None

    return find


# Logic.


def all_of(*values: bool | None) -> bool | None:
    """Whether all hold; null where none is false and one is null."""
    return False if False in values else None if None in values else True


def any_of(*values: bool | None) -> bool | None:
    """Whether one holds; null where none is true and one is null."""
    return True if True in values else None if None in values else False


def bool_of(value: Any) -> bool:
    """A truth value as it is; nothing else is taken for one."""
    if isinstance(value, bool):
        return value
    raise Failure("mapping.type", f"{quoted(value)} is neither true nor false", "Compare it: == 'value'.")


def date_of(value: Any) -> date:
    """A date as it is; a text is not read silently."""
    if isinstance(value, date):
        return value
    raise Failure("mapping.type", f"{quoted(value)} is not a date", "Write | date before it.")


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same: a text beside a number is read as one, beside a date as ISO 8601."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    one, other = _alike(left, right)
    return bool(one == other)


def unequal(left: Any, right: Any) -> bool:
    """The opposite of `equal`."""
    return not equal(left, right)


def less(left: Any, right: Any) -> bool:
    """Whether a number or a time comes before another; texts have no order."""
    one, other = _alike(left, right)
    if isinstance(one, (str, bool)):
        raise Failure(
            "mapping.type",
            f"{quoted(left)} and {quoted(right)} have no order",
            "Compare numbers or dates: write | decimal or | date behind each.",
        )
    return bool(one < other)


def more(left: Any, right: Any) -> bool:
    """`less` with the sides changed."""
    return less(right, left)


def at_most(left: Any, right: Any) -> bool:
    """The opposite of `more`."""
    return not less(right, left)


def at_least(left: Any, right: Any) -> bool:
    """The opposite of `less`."""
    return not less(left, right)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "!=": unequal,
    "<": less,
    "<=": at_most,
    ">": more,
    ">=": at_least,
}

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Both as numbers, as moments of one kind, or as they are; a failure where they have nothing in common."""
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, bool) and isinstance(right, bool):
            return left, right
    elif isinstance(left, (int, Decimal)) or isinstance(right, (int, Decimal)):
        return number_of(left), number_of(right)
    elif isinstance(left, str) and isinstance(right, str):
        if _ISO_DATE(left) and _ISO_DATE(right):
            return _date(left), _date(right)
        return left, right
    elif isinstance(left, str):
        return _moment(left, right), right
    elif isinstance(right, str):
        return left, _moment(right, left)
    elif type(left) is type(right) and isinstance(left, (date, time)):
        return left, right
    raise Failure("mapping.type", f"{quoted(left)} and {quoted(right)} cannot be compared")


def _moment(text: str, like: Any) -> Any:
    if isinstance(like, date) and not isinstance(like, datetime):
        return _date(text)
    raise Failure("mapping.type", f"{quoted(text)} and {quoted(like)} cannot be compared")


def _date(text: str) -> date:
    if _ISO_DATE(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise Failure("mapping.date", f"{quoted(text)} is not a date written like 'yyyy-mm-dd'")
