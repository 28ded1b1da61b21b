"""The grammar of a list's query: ``field=value``, ``field__operator=value``, sort, fields, limit; pure.

    parse([("status", "open"), ("total__gte", "100"), ("sort", "-ordered_on")], "orders", fields)

Every condition must hold (AND). Whatever is not understood is refused with the nearest name, never ignored; all that is
wrong is told at once. A field may be called like a parameter: ``limit__eq=5`` is the field then.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from gateway.serve import moments
from gateway.serve.problems import Flaw, Problem, nearest, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.configuration import CodeTable
    from gateway.contracts import Contract

LIMIT = 100
LIMIT_MAX = 1000
VALUES_MAX = 200
"""So many values may stand in one ``in``."""
TEXT_MAX = 2000
PARAMETERS_MAX = 100
"""So many parameters may one query have: a database's grammar has its depth."""

_COMPARE = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "isnull")
_TEXT = (*_COMPARE, "contains", "startswith")

OPERATORS: dict[str, tuple[str, ...]] = {
    "text": _TEXT,
    "code": _TEXT,
    "gln": _TEXT,
    "gtin": _TEXT,
    "int": _COMPARE,
    "decimal": _COMPARE,
    "float": _COMPARE,
    "date": _COMPARE,
    "datetime": _COMPARE,
    "time": _COMPARE,
    "bool": ("eq", "ne", "isnull"),
    "binary": ("isnull",),
}
"""What can be asked of a field, by its type."""

PARAMETERS = ("sort", "fields", "limit", "cursor", "count")


@dataclass(frozen=True, slots=True)
class Queryable:
    """A field as a query sees it. `value` turns the text of a condition into what the store compares with.

    `hidden`: it is personal data that the caller may not see, and so may not ask about: answers would tell the value.
    `codes` are those of its code table, `table`; None for what is no code.
    """

    name: str
    type: str
    filterable: bool
    sortable: bool
    value: Callable[[str], Any]
    hidden: bool = False
    codes: frozenset[str] | None = None
    table: str | None = None

    def strange(self, op: str, value: Any) -> list[str]:
        """Of what a condition compares the field with, the codes that its table does not have.

        Others may be above or below the codes, or a part of one.
        """
        if self.codes is None or op not in ("eq", "ne", "in"):
            return []
        return [each for each in (value if op == "in" else (value,)) if each not in self.codes]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the value is a tuple for ``in`` and a bool for ``isnull``."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A list's query, understood. `sort` are (field, descending); `fields` None means all."""

    conditions: tuple[Condition, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    fields: tuple[str, ...] | None = None
    limit: int = LIMIT
    cursor: str | None = None
    count: bool = False
    version: str | None = None
    as_of: int | datetime | None = None
    field: str | None = None

    def identity(self) -> tuple[Any, ...]:
        """What a cursor is bound to: everything that decides which items follow which."""
        return (
            sorted((each.field, each.op, repr(each.value)) for each in self.conditions),
            self.sort,
            str(self.as_of),
        )


def queryable(
    contract: Contract, hidden: Collection[str] = (), tables: Mapping[str, CodeTable] | None = None
) -> dict[str, Queryable]:
    """The fields of a contract as a query sees them; `_key` is one of them. `hidden` are not to be asked about.

    `tables` are the code tables by their names; without them every code is taken for one.
    """
    fields = {"_key": Queryable("_key", "text", filterable=True, sortable=True, value=str)}
    for field in contract.fields:
        scalar, key = field.type not in ("object", "list"), field.name in contract.key
        table = (tables or {}).get(field.codes or "")
        fields[field.name] = Queryable(
            field.name,
            field.type,
            scalar and (key or field.filterable) and field.name not in hidden,
            scalar and (key or field.sortable) and field.name not in hidden,
            lambda text, field=field: moments.column(field, text),  # type: ignore[misc] # the default binds it now
            field.name in hidden,
            table.codes if table is not None else None,
            field.codes,
        )
    return fields


def parse(
    pairs: Sequence[tuple[str, str]],
    about: str,
    fields: Mapping[str, Queryable],
    *,
    parameters: Iterable[str] = PARAMETERS,
) -> Asked:
    """Understand the query of a list. `about` names the collection or table in messages.

    Raises:
        Problem: with one error for each thing that is wrong.
    """
    if len(pairs) > PARAMETERS_MAX:
        detail = f"a query has at most {PARAMETERS_MAX} parameters, not {len(pairs)}"
        raise Problem("bad_parameter", detail, "Use __in for many values of one field.")
    reading = _Reading(about, fields, tuple(parameters))
    for name, text in _one_sort(pairs):
        reading.take(name, text)
    refuse(reading.flaws)
    return reading.asked()


def _one_sort(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The parameters, all of ``sort`` as one: generated clients repeat it for each field, whatever we say."""
    order = [text for name, text in pairs if name == "sort"]
    for name, text in pairs:
        if name != "sort":
            yield name, text
        elif order:
            yield name, ",".join(order)
            order = []


class _Reading:
    """The reading of one query: what was understood and what was not."""

    def __init__(self, about: str, fields: Mapping[str, Queryable], parameters: tuple[str, ...]) -> None:
        self.about = about
        self.fields = fields
        self.parameters = parameters
        self.flaws: list[Flaw] = []
        self.conditions: list[Condition] = []
        self.given: dict[str, Any] = {}

    def asked(self) -> Asked:
        return Asked(tuple(self.conditions), **self.given)

    def refuse(self, code: str, parameter: str, detail: str, remedy: str = "") -> None:
        self.flaws.append(Flaw(code, detail, remedy, parameter=parameter))

    def take(self, name: str, text: str) -> None:
        if len(text) > TEXT_MAX and name != "cursor":
            self.refuse("bad_parameter", name, f"{name} is longer than {TEXT_MAX} characters")
        elif name in self.parameters:
            if name in self.given:
                self.refuse("repeated_parameter", name, f"{name} is given twice")
            else:
                self.given[name] = PARSERS[name](self, text)
        else:
            self.condition(name, text)

    def condition(self, name: str, text: str) -> None:
        field, op = self.fields.get(name), "eq"
        if field is None:
            base, _, op = name.rpartition("__")
            field = self.fields.get(base)
        if field is None:
            self.unknown(name)
        elif field.hidden:
            self.personal(name, f"{self.about} cannot be filtered by {field.name}")
        elif op not in OPERATORS.get(field.type, _COMPARE):
            known = OPERATORS.get(field.type, ())
            remedy = nearest(op, known) if op not in _TEXT else f"A {field.type} has: {', '.join(known)}."
            self.refuse("unknown_operator", name, f"{field.name} has no operator {op!r}", remedy)
        elif not field.filterable:
            can = [each.name for each in self.fields.values() if each.filterable]
            self.refuse(
                "not_filterable",
                name,
                f"{self.about} cannot be filtered by {field.name}",
                f"It can by: {_listed(can)}.",
            )
        else:
            self.value(name, field, op, text)

    def personal(self, parameter: str, detail: str) -> None:
        self.refuse("personal_field", parameter, f"{detail}, which is personal data that the key may not see")

    def unknown(self, name: str) -> None:
        """A name that is no field, with or without an operator behind it."""
        base = name.rpartition("__")[0] if name.rpartition("__")[2] in _TEXT else name
        code = "unknown_field" if base != name else "unknown_parameter"
        words = [each.name for each in self.fields.values() if each.filterable]
        words += [] if base != name else [*self.parameters]
        what = "field" if base != name else "parameter or field"
        remedy = f"Did you mean {self.meant(name)!r}?" if self.meant(name) else nearest(base, words)
        if name == "format" and not nearest(name, self.fields, say_all=False):
            remedy = "The header Accept chooses the form, as in Accept: text/csv; /docs lists those to be had here."
        self.refuse(code, name, f"{self.about} has no {what} {base!r}", remedy)

    def meant(self, name: str) -> str:
        """What ``total_gte`` means, with one line where two belong; empty if it means nothing like that."""
        base, _, op = name.rpartition("_")
        field = self.fields.get(base)
        known = field is not None and field.filterable and op in OPERATORS.get(field.type, _COMPARE)
        return f"{base}__{op}" if known else ""

    def value(self, name: str, field: Queryable, op: str, text: str) -> None:
        try:
            self.conditions.append(Condition(field.name, op, _value(field, op, text)))
        except ValueError as error:
            self.refuse("bad_value", name, str(error))

    def sort(self, text: str) -> tuple[tuple[str, bool], ...]:
        order: list[tuple[str, bool]] = []
        for part in text.split(","):
            name = part.strip().removeprefix("-")
            field = self.fields.get(name)
            can = [each.name for each in self.fields.values() if each.sortable]
            if field is None:
                self.refuse("unknown_field", "sort", f"{self.about} has no field {name!r}", nearest(name, can))
            elif field.hidden:
                self.personal("sort", f"{self.about} cannot be sorted by {name}")
            elif not field.sortable:
                detail = f"{self.about} cannot be sorted by {name}"
                self.refuse("not_sortable", "sort", detail, f"It can by: {_listed(can)}.")
            elif any(name == other for other, _ in order):
                self.refuse("bad_parameter", "sort", f"sort names {name} twice")
            elif order and order[-1][0] == "_key":
                self.refuse("bad_parameter", "sort", "nothing sorts behind _key, which is unique")
            else:
                order.append((name, part.strip().startswith("-")))
        return tuple(order)

    def chosen(self, text: str) -> tuple[str, ...]:
        names = [part.strip() for part in text.split(",")]
        for name in names:
            if name not in self.fields and name not in ("_seq", "_version"):
                self.refuse(
                    "unknown_field", "fields", f"{self.about} has no field {name!r}", nearest(name, self.fields)
                )
        return tuple(dict.fromkeys(names))

    def limit(self, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= LIMIT_MAX:
            self.refuse("bad_parameter", "limit", f"limit is a whole number from 1 to {LIMIT_MAX}, not {_shown(text)}")
            return LIMIT
        return int(text)

    def count(self, text: str) -> bool:
        if text != "exact":
            self.refuse("bad_parameter", "count", f"count knows the word exact, not {_shown(text)}")
        return True

    def cursor(self, text: str) -> str:
        if not text:
            self.refuse("bad_cursor", "cursor", "the cursor is empty")
        return text

    def moment(self, text: str) -> int | datetime | None:
        if re.fullmatch(r"[0-9]{1,18}", text):
            return int(text)
        try:
            return moments.moment(text)
        except ValidationError:
            detail = f"as_of is a moment with its offset from UTC or the number of a change, not {_shown(text)}"
            remedy = "Write 2026-12-31T23:59:59Z, or a number such as 8812."
            remedy += " A + is written %2B in a query; else it is read as a space." if " " in text else ""
            self.refuse("bad_parameter", "as_of", detail, remedy)
            return None


PARSERS: dict[str, Callable[[_Reading, str], Any]] = {
    "sort": _Reading.sort,
    "fields": _Reading.chosen,
    "limit": _Reading.limit,
    "cursor": _Reading.cursor,
    "version": lambda _, text: text,
    "count": _Reading.count,
    "as_of": _Reading.moment,
    "field": lambda _, text: text,
}


def _value(field: Queryable, op: str, text: str) -> Any:
    if op == "isnull":
        if text not in ("true", "false"):
            raise ValueError(f"{field.name}__isnull is true or false, not {_shown(text)}")
        return text == "true"
    if op == "in":
        return tuple(field.value(part) for part in _parts(field, text))
    if op in ("contains", "startswith"):
        return text  # a part of a value need not be a value
    return field.value(text)


def _parts(field: Queryable, text: str) -> list[str]:
    """The values of an ``in``: separated by commas, in double quotes where they hold one (RFC 4180)."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ValueError(f'{field.name}__in: {error}; write values as a,b or "a,1",b') from error
    parts = rows[0] if len(rows) == 1 else []
    if not 1 <= len(parts) <= VALUES_MAX:
        raise ValueError(
            f"{field.name}__in takes 1 to {VALUES_MAX} values, separated by commas; these are {len(parts)}"
        )
    return parts


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
