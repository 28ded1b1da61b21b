r"""The notation of a contract's fields, read into :class:`gateway.contracts.Field`.

number:      text 1..22               1 to 22 characters (``text ..22``, ``text 13`` likewise)
sku:         text /[A-Z0-9-]+/        the whole text matches a regular expression
city:        text, pii                personal data
status:      code order-status, filter, sort
quantity:    decimal > 0              bounds: > >= < <= or a range, 0..100
price:       decimal(12,4) >= 0       at most 12 digits, 4 of them decimal places
wanted_on:   date?                    may be missing
ship_to:                              an object; ``ship_to?:`` may be missing as a whole
  gln:       gln
lines[1..]:                           a list of objects and how many there may be: ``lines[0..10]``
  line:      int 1..
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.contracts import SCALARS, Field
from gateway.workspace.nodes import Mapping, Scalar
from gateway.workspace.problems import did_you_mean
from gateway.workspace.sections import refuse_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.workspace.nodes import Node

FLAGS = {"filter": "filterable", "sort": "sortable", "pii": "pii"}
BOUNDS = {">": "above", ">=": "low", "<": "below", "<=": "high"}
RANGED = ("text", "int", "decimal")
COMPARED = ("int", "decimal")
FIELD_NAME_LENGTH_MAX = 60  # PostgreSQL cuts the name of a column at 63 bytes

RESERVED_FIELDS = frozenset({"as_of", "count", "cursor", "fields", "format", "limit", "q", "since", "sort", "version"})
"""Names of query parameters: a field that can be filtered by would be mistaken for one of them."""

_KEY = re.compile(r"([^\[\]?]+)(?:\[([^\]]*)\])?(\?)?")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_COUNT = re.compile(r"([0-9]{1,9})?\.\.([0-9]{1,9})?")
_TOKEN = re.compile(
    r"\s+|(?P<pattern>/(?:\\.|[^/\\])*/)"
    r"|(?P<range>(?:-?[0-9]+(?:\.[0-9]+)?)?\.\.(?:-?[0-9]+(?:\.[0-9]+)?)?)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.]))"
    r"|(?P<bound>[<>]=?)|(?P<optional>\?)|(?P<comma>,)"
    r"|(?P<digits>\(\s*[0-9]{1,3}\s*,\s*[0-9]{1,3}\s*\))"
    r"|(?P<word>[A-Za-z][\w-]*)"
)


def read_fields(mapping: Mapping, codes: Iterable[str], *, nested: bool = False) -> tuple[Field, ...] | None:
    """The fields that a contract's `fields:` declares; None when the name of one cannot be read.

    A field whose notation is wrong is noted and stands there as a text, so that mappings can be held against its name.
    `codes` are the names of the code tables that a ``code`` may name.
    """
    known = frozenset(codes)
    fields: dict[str, Field] = {}
    whole = True
    for key, node in mapping.entries:
        field = _read_entry(key, node, known)
        if field is None:
            whole = False
            continue
        if nested and (field.filterable or field.sortable):
            node.refuse("only fields of the record itself can be filtered or sorted by", "take the flag away")
        if field.name in fields:
            key.refuse(f"the field {field.name!r} stands here a second time", "keep one of them")
        fields.setdefault(field.name, field)
    return tuple(fields.values()) if whole else None


def _read_entry(key: Scalar, node: Node, codes: frozenset[str]) -> Field | None:
    """One key with what stands under it: a scalar's notation, an object's or a list's fields."""
    match = _KEY.fullmatch(key.value)
    if match is None or not _NAME.fullmatch(match[1]) or len(match[1]) > FIELD_NAME_LENGTH_MAX:
        key.refuse(
            f"{key.value!r} is not the name of a field",
            "write small letters, digits and underscores; lines[1..] for a list, ship_to? for an optional object",
        )
        return None
    name, count, optional = match.groups()
    if isinstance(node, Mapping):
        return _read_nested(key, name, count, optional, node, codes)
    if not isinstance(node, Scalar):
        node.refuse("a field is described by a text or by fields of its own", "write text 1..22, date? or decimal > 0")
        return None
    if count is not None:
        key.refuse(f"the list {name!r} lacks fields", "write the fields of one element on the following lines")
        return None
    if node.value == "":
        refuse_absent(key)
        return None
    field = _Notation(node, codes).read(name) or Field(name, "text", required="?" not in node.value, place=key.place)
    return replace(field, required=False) if optional else field


def _read_nested(
    key: Scalar, name: str, count: str | None, optional: str | None, node: Mapping, codes: frozenset[str]
) -> Field | None:
    """An object, or with a `count` a list of objects."""
    fields = read_fields(node, codes, nested=True)
    if fields is None:
        return None
    if count is None:
        return Field(name, "object", required=not optional, fields=fields, place=key.place)
    match = _COUNT.fullmatch(count)
    low, high = (int(side) if side else None for side in match.groups()) if match else (None, None)
    if match is None or (high is not None and high < max(1, low or 0)):
        key.refuse_part(len(name) + 1, len(count), f"{count!r} is not a count of elements", "write lines[1..]")
        return None
    return Field(
        name,
        "list",
        required=bool(low) and not optional,
        low=Decimal(low or 0),
        high=None if high is None else Decimal(high),
        fields=fields,
        place=key.place,
    )


class _Notation:
    """The reading of one field's notation, token by token; `changes` are what they say of the field."""

    def __init__(self, node: Scalar, codes: frozenset[str]) -> None:
        self.node = node
        self.codes = codes
        self.type = ""
        self.changes: dict[str, object] = {}
        self.wrong = False
        self.expects = "type"  # then "codes" after `code`, "flag" after a comma, "bound" after > or <
        self.bound = ""

    def refuse(self, offset: int, length: int, message: str, hint: str = "") -> None:
        self.node.refuse_part(offset, length, message, hint)
        self.wrong = True

    def read(self, name: str) -> Field | None:
        """The field; None when its notation is wrong."""
        text = self.node.value
        offset = 0
        while offset < len(text) and not self.wrong:
            match = _TOKEN.match(text, offset)
            if match is None:
                self.refuse(
                    offset, 1, f"{text[offset]!r} has no meaning here", "write text 1..22, date? or decimal > 0"
                )
                return None
            if match.lastgroup:
                READERS[match.lastgroup](self, match)
            offset = match.end()
        if not self.wrong and self.expects in ("codes", "flag", "bound"):
            missing = {"codes": "the name of a code table", "flag": "a flag", "bound": "a number"}[self.expects]
            self.refuse(len(text), 1, f"{missing} is missing at the end", _HINTS[self.expects])
        self._compare()
        if self.wrong:
            return None
        return replace(Field(name, self.type, place=self.node.place), **self.changes)  # type: ignore[arg-type]

    def _compare(self) -> None:
        """Bounds that nothing can meet."""
        low, high = self.changes.get("low"), self.changes.get("high")
        if not self.wrong and isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
            self.node.refuse(f"nothing is both at least {low} and at most {high}", "exchange them")
            self.wrong = True

    def set(self, match: re.Match[str], **changes: object) -> None:
        """Note what a token says, once."""
        for name, value in changes.items():
            if name in self.changes:
                self.refuse(match.start(), len(match[0]), "this is said twice", "keep one of them")
            self.changes[name] = value

    def only(self, match: re.Match[str], types: tuple[str, ...], what: str) -> bool:
        """Whether the token suits the field's type; a problem when it does not."""
        if self.expects not in ("", "bound") or (self.expects == "bound" and match.lastgroup != "number"):
            hint = _HINTS[self.expects]
            self.refuse(match.start(), len(match[0]), f"{match[0]!r} cannot stand here", hint)
        elif self.type not in types:
            self.refuse(match.start(), len(match[0]), f"{self.type} takes no {what}", f"only {', '.join(types)} does")
        return not self.wrong

    def word(self, match: re.Match[str]) -> None:
        word = match[0]
        if self.expects == "type":
            self.type = word
            self.expects = "codes" if word == "code" else ""
            if word not in SCALARS:
                self.refuse(match.start(), len(word), f"{word!r} is not a type", did_you_mean(word, SCALARS))
        elif self.expects == "codes":
            self.expects = ""
            self.set(match, codes=word)
            if word not in self.codes:
                shipped = ", ".join(sorted(name for name in self.codes if name.isupper()))
                own = f"put the table into codes/{word}.csv" if word.islower() else f"built in are {shipped}"
                hint = did_you_mean(word, self.codes, own)
                self.refuse(match.start(), len(word), f"there is no code table {word!r}", hint)
        elif self.expects == "flag" and word in FLAGS:
            self.expects = ""
            self.set(match, **{FLAGS[word]: True})
        elif self.expects == "flag":
            self.refuse(match.start(), len(word), f"{word!r} is not a flag", did_you_mean(word, FLAGS))
        else:
            hint = "flags follow a comma" if word in FLAGS else _HINTS[self.expects]
            self.refuse(match.start(), len(word), f"{word!r} cannot stand here", hint)

    def comma(self, match: re.Match[str]) -> None:
        if self.only(match, SCALARS, "flag"):
            self.expects = "flag"

    def optional(self, match: re.Match[str]) -> None:
        if self.only(match, SCALARS, "?"):
            self.set(match, required=False)

    def range(self, match: re.Match[str]) -> None:
        if not self.only(match, RANGED, "range"):
            return
        low, _, high = match[0].partition("..")
        if not low and not high:
            self.refuse(match.start(), 2, "a range without any end says nothing", "write 1..22, 1.. or ..22")
        for name, side in (("low", low), ("high", high)):
            if side and not self.wrong:
                self.number_of(match, name, side)

    def number(self, match: re.Match[str]) -> None:
        if self.expects == "bound":
            self.expects = ""
            self.number_of(match, self.bound, match[0])
        elif self.only(match, ("text",), "length"):
            self.number_of(match, "low", match[0])
            self.number_of(match, "high", match[0])

    def number_of(self, match: re.Match[str], name: str, text: str) -> None:
        """A bound; lengths and whole numbers have no fraction, and lengths no sign."""
        value = Decimal(text)
        if (self.type != "decimal" and "." in text) or (self.type == "text" and value < 0):
            self.refuse(match.start(), len(match[0]), f"{text} bounds no {self.type}", "write a whole number")
        self.set(match, **{name: value})

    def compare(self, match: re.Match[str]) -> None:
        if self.only(match, COMPARED, "comparison"):
            self.expects = "bound"
            self.bound = BOUNDS[match[0]]

    def digits(self, match: re.Match[str]) -> None:
        if not self.only(match, ("decimal",), "digits"):
            return
        digits, places = (int(part) for part in match[0].strip("()").split(","))
        if digits < 1 or places > digits:
            self.refuse(match.start(), len(match[0]), "there are more decimal places than digits", "write (12,4)")
        self.set(match, digits=digits, places=places)

    def pattern(self, match: re.Match[str]) -> None:
        if not self.only(match, ("text",), "pattern"):
            return
        pattern = match[0][1:-1].replace("\\/", "/")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                re.compile(pattern)
        except re.error as error:
            at = match.start() + 1 + (error.pos or 0)
            self.refuse(at, 1, f"this is not a regular expression: {error.msg}", "a slash in it is written \\/")
        except (OverflowError, RecursionError):
            self.refuse(match.start(), len(match[0]), "this regular expression is too large", "make it smaller")
        self.set(match, pattern=pattern)


READERS: dict[str, Callable[[_Notation, re.Match[str]], None]] = {
    "word": _Notation.word,
    "comma": _Notation.comma,
    "optional": _Notation.optional,
    "range": _Notation.range,
    "number": _Notation.number,
    "bound": _Notation.compare,
    "digits": _Notation.digits,
    "pattern": _Notation.pattern,
}
"""What each token of the notation does."""

_HINTS = {
    "": "write text 1..22, date? or decimal > 0",
    "type": f"begin with a type: {', '.join(SCALARS)}",
    "codes": "write code units or code ISO-4217",
    "flag": f"flags are {', '.join(FLAGS)}",
    "bound": "write decimal > 0",
}
