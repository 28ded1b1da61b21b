# ruff: noqa: E501 - a table is read across
"""The functions of the mapping language: one literal table, from which the compiler, the checks and the pages come.

No function ever sees null: a null argument makes the whole call null, except where the row says otherwise. An empty
text is null. `takes` and `gives` are kinds: ``text int decimal number date datetime time bool list segments any``;
a function that takes text is given a number or a date as text. A function that takes a list gets every occurrence of
the path in its argument, with the functions between applied to each: ``sum(lines.quantity * lines.price)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.normalize.faults import Failure, quoted
from gateway.normalize.functions import operations as do
from gateway.normalize.functions.codes import Codes
from gateway.normalize.functions.dates import PIVOT, date_by, dates, datetimes, times, writer
from gateway.normalize.functions.numbers import (
    DIGITS_MAX,
    EXACT,
    ROUNDINGS,
    Memo,
    decimals,
    integer,
    no_number,
    number_of,
    quotient,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

NEEDED: Any = object()
"""The default of an argument that has none."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: a constant of the `kind` ``text``, ``count`` or ``table``, or a ``value`` that is computed.

    ``null`` is a constant text that means null; the compiler sees to it before the function is asked. `among` lists the only texts allowed, `low` and `high` bound a count; `many` says that it may be given repeatedly.
    """

    name: str
    kind: str
    default: Any = NEEDED
    among: tuple[str, ...] = ()
    low: int = 0
    high: int = 1000
    many: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table.

    `make` gets the format's name and the constant arguments by position, and answers the function of the value (and of
    the computed arguments) that the generated code calls; a dict is asked instead of called. `nullable` says that it
    may answer null, `fails` that it may raise a Failure. `inline` is the same as Python text, for the commonest. A `special` function is the compiler's own.
    """

    name: str
    group: str
    takes: str
    gives: str
    about: str
    example: str
    make: Callable[..., Any] | None
    arguments: tuple[Argument, ...] = ()
    null: str = "null passes through"
    nullable: bool = False
    fails: bool = False
    sees_null: bool = False
    inline: str = ""

    @property
    def special(self) -> bool:
        """Whether the compiler writes this function itself."""
        return self.make is None

    @property
    def signature(self) -> str:
        """``decimal(picture?, none?)``."""
        return self._with([argument.name for argument in self.arguments])

    @property
    def usage(self) -> str:
        """The signature as it is to be written, texts in quotes: ``bool('true', 'false')``."""
        return self._with([f"'{each.name}'" if each.kind in ("text", "null") else each.name for each in self.arguments])

    def _with(self, names: list[str]) -> str:
        shown = [
            name + ("…" if argument.many else "" if argument.default is NEEDED else "?")
            for name, argument in zip(names, self.arguments, strict=True)
        ]
        return f"{self.name}({', '.join(shown)})" if shown else self.name


def _date_pictures(format_name: str, picture: str) -> tuple[str, ...]:
    if picture:
        return (picture,)
    # X12 element type DT and EDIFACT's commonest format codes (101, 102) are digits alone; all else is ISO 8601.
    return ("yyyymmdd", "yymmdd") if format_name in ("x12", "edifact") else ("yyyy-mm-dd",)


def _time_pictures(format_name: str, picture: str) -> tuple[str, ...]:
    if picture:
        return (picture,)
    return ("hhmi", "hhmiss", "hhmissf") if format_name in ("x12", "edifact") else ("hh:mi:ss", "hh:mi", "hh:mi:ss.f")


def _moment_pictures(format_name: str, picture: str, zone: str) -> tuple[str, ...]:
    if picture:
        return (picture,)
    if format_name in ("x12", "edifact"):
        return ("yyyymmddhhmi", "yyyymmddhhmiss")
    written = ("yyyy-mm-ddThh:mi:ssz", "yyyy-mm-ddThh:mi:ss.fz", "yyyy-mm-ddThh:miz")
    return written + tuple(picture.removesuffix("z") for picture in written) if zone else written


def _int(_format: str) -> Memo[int]:
    return Memo(integer)


def _decimal(format_name: str, picture: str) -> Memo[Decimal]:
    # ISO 9735 lets comma and full stop both be the decimal mark, and allows no separator of thousands.
    return Memo(decimals(picture, comma_too=format_name == "edifact" and not picture))


def _implied(_format: str, places: int) -> Memo[Decimal]:
    def read(text: str) -> Decimal:
        if "." in text or "," in text:
            raise no_number(text, "123456", "", picture="int")
        return Decimal(integer(text)).scaleb(-places, EXACT)

    return Memo(read)


def _date(format_name: str, picture: str, pivot: int) -> Memo[date]:
    return Memo(dates(_date_pictures(format_name, picture), pivot=pivot))


def _datetime(format_name: str, picture: str, zone: str) -> Memo[Any]:
    return Memo(datetimes(_moment_pictures(format_name, picture, zone), zone))


def _time(format_name: str, picture: str) -> Memo[Any]:
    return Memo(times(_time_pictures(format_name, picture)))


def _text(_format: str, picture: str) -> Callable[[Any], str]:
    if not picture:
        return do.text_of
    write = writer(picture)

    def text(value: Any) -> str:
        if not hasattr(value, "year"):
            raise Failure("mapping.type", f"{quoted(value)} is not a date", "A picture writes dates only.")
        return write(value)

    return text


def _round(_format: str, places: int, how: str) -> Callable[[Any], Decimal]:
    return lambda value: rounded(value, places, how)


def _divide(_format: str, places: int, how: str) -> Callable[[Any, Any], Decimal]:
    return lambda value, by: quotient(value, by, places, how)


def _negate(_format: str) -> Callable[[Any], int | Decimal]:
    return lambda value: -number if isinstance(number := number_of(value), int) else number.copy_negate()


def _abs(_format: str) -> Callable[[Any], int | Decimal]:
    return lambda value: abs(number) if isinstance(number := number_of(value), int) else number.copy_abs()


_PICTURE = Argument("picture", "text", "")
_NONE = Argument("none", "null", None)
_MARK = Argument("mark", "text")
_HOW = Argument("how", "text", "half up", among=tuple(ROUNDINGS))
_PLACES = Argument("places", "count", high=DIGITS_MAX)
_VALUES = (Argument("values", "value", many=True),)
_LIST = "an empty list is null"

_TABLE = (
    # text
    Function(
        "strip", "text", "text", "text", "The text without white space at both ends.",
        "' a b ' | strip", lambda _: str.strip, inline="{0}.strip()",
    ),
    Function(
        "squash", "text", "text", "text", "The text with every run of white space as one space, and none at the ends.",
        "' a   b ' | squash", lambda _: lambda text: " ".join(text.split()), inline='" ".join({0}.split())',
    ),
    Function("upper", "text", "text", "text", "The text in capitals.", "'abc' | upper", lambda _: str.upper, inline="{0}.upper()"),
    Function("lower", "text", "text", "text", "The text in small letters.", "'ABC' | lower", lambda _: str.lower, inline="{0}.lower()"),
    Function("title", "text", "text", "text", "The text with a capital at the start of each word.", "'new york' | title", lambda _: str.title),
    Function(
        "replace", "text", "text", "text", "The text with each `old` replaced by `new`.",
        "'1-2-3' | replace('-', '.')", lambda _, old, new: lambda text: text.replace(old, new),
        (Argument("old", "text"), Argument("new", "text")),
    ),
    Function(
        "left", "text", "text", "text", "The first `length` characters.",
        "'abcdef' | left(2)", lambda _, length: do.slicer(1, length), (Argument("length", "count", low=1),),
    ),
    Function(
        "right", "text", "text", "text", "The last `length` characters.",
        "'abcdef' | right(2)", lambda _, length: do.slicer(-length, None), (Argument("length", "count", low=1),),
    ),
    Function(
        "slice", "text", "text", "text", "Characters `first` to `last`, counted from 1; negative ones from the end.",
        "'abcdef' | slice(2, 4)", lambda _, first, last: do.slicer(first, last),
        (Argument("first", "count", low=-1000), Argument("last", "count", None, low=-1000)),
    ),
    Function(
        "pad", "text", "text", "text", "The text made `width` long with `fill` at its left or right side.",
        "'42' | pad(6)", lambda _, width, fill, side: do.padder(width, fill, side),
        (Argument("width", "count", low=1), Argument("fill", "text", "0"), Argument("side", "text", "left", among=("left", "right"))),
    ),
    Function(
        "before", "text", "text", "text", "What stands before the first `mark`; null where there is none.",
        "'A-1-x' | before('-')", lambda _, mark: do.before(mark), (_MARK,), nullable=True,
    ),
    Function(
        "after", "text", "text", "text", "What stands behind the first `mark`; null where there is none.",
        "'A-1-x' | after('-')", lambda _, mark: do.after(mark), (_MARK,), nullable=True,
    ),
    Function("digits", "text", "text", "text", "The digits 0 to 9 of the text.", "'+49 (30) 12' | digits", lambda _: do.digits),
    Function(
        "split", "text", "text", "list", "The parts of the text between the marks.",
        "'a;b;c' | split(';') | last", lambda _, mark: lambda text: [part or None for part in text.split(mark)], (_MARK,),
    ),
    Function(
        "text", "text", "any", "text", "A number or a date as text; a date by `picture`.",
        "12.50 | text", _text, (_PICTURE,), fails=True,
    ),
    # numbers
    Function("int", "numbers", "text", "int", "A whole number.", "'0042' | int", _int, fails=True),
    Function(
        "decimal", "numbers", "text", "decimal", "An exact decimal, written like -1234.56 or like `picture`.",
        "'1.234,50' | decimal('1.234,56')", _decimal, (_PICTURE,), fails=True,
    ),
    Function(
        "implied", "numbers", "text", "decimal", "Digits whose last `places` stand behind a point that is not written (X12 type N).",
        "'12345' | implied(2)", _implied, (_PLACES,), fails=True,
    ),
    Function(
        "round", "numbers", "number", "decimal", "The number with `places` digits behind the point, 'half up' or 'half even'.",
        "2.345 | round(2)", _round, (Argument("places", "count", 0, high=DIGITS_MAX), _HOW), fails=True,
    ),
    Function("abs", "numbers", "number", "number", "The number without its sign.", "-4.5 | abs", _abs, fails=True),
    Function("negate", "numbers", "number", "number", "The number with the other sign.", "4.5 | negate", _negate, fails=True),
    Function(
        "divide", "numbers", "number", "decimal", "The quotient rounded to `places`; a plain / must be exact.",
        "10 | divide(3, 2)", _divide, (Argument("by", "value"), _PLACES, _HOW), fails=True,
    ),
    # dates
    Function(
        "date", "dates", "text", "date", "A date: in X12 and EDIFACT 8 or 6 digits, else yyyy-mm-dd, or like `picture`.",
        "'31.12.2026' | date('dd.mm.yyyy')", _date, (_PICTURE, _NONE, Argument("pivot", "count", PIVOT, high=9900)), fails=True,
    ),
    Function(
        "date_by", "dates", "text", "date",
        "A date whose format is told by a code beside it (X12 1250: D8, RD8; EDIFACT 2379: 102, 203, 718); of a period its first day.",
        "'202612312330' | date_by('203')", lambda _: date_by, (Argument("format", "value"),), fails=True,
    ),
    Function(
        "datetime", "dates", "text", "datetime", "A moment in UTC; `zone` is that of texts without an offset.",
        "'2026-12-31T23:30:00+01:00' | datetime", _datetime, (_PICTURE, Argument("zone", "text", ""), _NONE), fails=True,
    ),
    Function(
        "time", "dates", "text", "time", "A time of the day: hhmi or hhmiss in X12 and EDIFACT, else hh:mi:ss.",
        "'23:30' | time('hh:mi')", _time, (_PICTURE, _NONE), fails=True,
    ),
    Function("year", "dates", "date", "int", "The year of a date.", "'2026-12-31' | date('yyyy-mm-dd') | year", lambda _: lambda day: day.year),
    Function("month", "dates", "date", "int", "The month of a date, from 1.", "'2026-12-31' | date('yyyy-mm-dd') | month", lambda _: lambda day: day.month),
    Function("day", "dates", "date", "int", "The day of a date, from 1.", "'2026-12-31' | date('yyyy-mm-dd') | day", lambda _: lambda day: day.day),
    # codes
    Function(
        "code", "codes", "text", "text", "Our code for the partner's, from a table; `other` is for codes that it has not.",
        "'EA' | code(units)", lambda _, table, other: Codes(table, other), (Argument("table", "table"), Argument("other", "text", None)), fails=True,
    ),
    # lists
    Function("count", "lists", "list", "int", "How many there are.", "'a;b' | split(';') | count", lambda _: do.count, null="nulls are not counted"),
    Function("sum", "lists", "list", "number", "Their exact sum; 0 of nothing.", "'1;2.5' | split(';') | sum", lambda _: do.total, null="nulls are left out", fails=True),
    Function("first", "lists", "list", "element", "The first of them.", "'a;b' | split(';') | first", lambda _: do.first, null=_LIST, nullable=True),
    Function("last", "lists", "list", "element", "The last of them.", "'a;b' | split(';') | last", lambda _: do.last, null=_LIST, nullable=True),
    Function("min", "lists", "list", "element", "The least number or date.", "'10;9' | split(';') | int | min", lambda _: do.least, null=_LIST, nullable=True, fails=True),
    Function("max", "lists", "list", "element", "The greatest number or date.", "'10;9' | split(';') | int | max", lambda _: do.greatest, null=_LIST, nullable=True, fails=True),
    Function(
        "join", "lists", "list", "text", "Their texts with `mark` between them.",
        "'a;b' | split(';') | join(', ')", lambda _, mark: do.joiner(mark), (Argument("mark", "text", ""),), null=_LIST, fails=True,
    ),
    Function(
        "pair", "lists", "segments", "text",
        "From a segment with pairs of qualifier and value: the value beside `qualifier`; pairs start at element `start`.",
        "PO1 | pair('VP')", do.pair, (Argument("qualifier", "text"), Argument("start", "count", None, low=1)), nullable=True, fails=True,
    ),
    Function("every", "lists", "list", "bool", "Whether a comparison holds for each.", "every('1;2' | split(';') | int > 0)", lambda _: do.every, null="a null holds"),
    Function("some", "lists", "list", "bool", "Whether a comparison holds for one at least.", "some('1;2' | split(';') | int > 1)", lambda _: do.some, null="a null does not hold"),
    # logic
    Function(
        "if", "logic", "bool", "any", "`then` where the condition holds, else `other`.", "if('a' == 'b', 1, 2)", None,
        (Argument("then", "value"), Argument("other", "value", None)), null="a null condition does not hold", nullable=True,
    ),
    Function("default", "logic", "any", "any", "The value, or `value` where there is none: the same as ??.", "'' | default('x')", None, (Argument("value", "value"),), null="gives a value for null"),
    Function("optional", "logic", "any", "any", "Says that a missing value is fine; stands last.", "'x' | optional", None, nullable=True),
    Function("required", "logic", "any", "any", "A missing value is a fault, also where the contract would allow it.", "'x' | required", None, null="null is a fault"),
    Function("present", "logic", "any", "bool", "Whether there is a value.", "'x' | present", None, null="null is false"),
    Function(
        "none", "logic", "any", "any", "Null where the value is one of these texts.", "'N/A' | none('N/A', '-') ?? 'nothing'",
        lambda _, *texts: lambda value: None if value in texts else value, (Argument("texts", "text", many=True),), nullable=True,
    ),
    Function(
        "bool", "logic", "text", "bool", "True and false as they are written there.", "'J' | bool('J', 'N')",
        lambda _, true, false: do.truth(true, false), (Argument("true", "text"), Argument("false", "text")), fails=True,
    ),
    Function("equals", "logic", "any", "bool", "Whether it is the same as `value`: ==.", "'3' | equals(3.0)", lambda _: do.equal, (Argument("value", "value"),), fails=True),
    Function(
        "one_of", "logic", "any", "bool", "Whether it is one of these texts.", "'b' | one_of('a', 'b')",
        lambda _, *texts: lambda value: value in texts, (Argument("texts", "text", many=True),),
    ),
    Function("not", "logic", "bool", "bool", "The opposite.", "not('a' == 'b')", lambda _: lambda value: not value, inline="not {0}"),
    Function("all", "logic", "bool", "bool", "Whether all of them hold.", "all(1 < 2, 2 < 3)", lambda _: do.all_of, _VALUES, null="false if one is false, else null if one is", nullable=True, sees_null=True),
    Function("any", "logic", "bool", "bool", "Whether one of them holds.", "any(1 > 2, 2 < 3)", lambda _: do.any_of, _VALUES, null="true if one is true, else null if one is", nullable=True, sees_null=True),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}
