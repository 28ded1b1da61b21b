"""The query parameters of records and rows, as the OpenAPI document has them: their meaning, and the values they take.

A value that a shape here allows is taken, and one that it forbids is refused; tests hold both. What only some of a
contract's live versions have is taken with these versions: OpenAPI lets no parameter hang on another, so that the
description says it. Lists of values are texts with a pattern, because generated clients repeat a parameter for each
member of an array.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from gateway.serve import filters
from gateway.serve.shapes import FLAG, MOMENT, TEXT, WHOLE, Shape, first_of, many, words
from gateway.validate.openapi import enumerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.serve.masks import View
    from gateway.serve.operations import Operation

_BOUNDED: Shape = {"type": "string", "maxLength": filters.TEXT_MAX}
_NUMBER = r"[+-]?[0-9]+(\.[0-9]+)?"
_DAY = r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_SECONDS = r"[0-5][0-9](\.[0-9]{1,6})?"
_MEMBER = r'("([^"]|"")*"|[^",\r\n][^,\r\n]*)?'

TYPES: dict[str, Shape] = {
    "int": {**WHOLE, "format": "int64"},
    "decimal": {"type": "string", "format": "decimal", "pattern": f"^{_NUMBER}$"},
    "date": {"type": "string", "format": "date"},
    "datetime": MOMENT,
    "time": {"type": "string", "pattern": rf"^{_CLOCK}(:{_SECONDS})?$"},
    "bool": FLAG,
}
"""Types of values that are not plain text, in records."""

_FLOAT = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
TYPES_OF_ROWS: dict[str, Shape] = {
    "int": WHOLE,
    "decimal": {"type": "string", "format": "decimal", "pattern": f"^{_FLOAT}$"},
    "float": {"type": "string", "format": "decimal", "pattern": f"^{_FLOAT}$"},
    "date": {"type": "string", "format": "date"},
    "bool": FLAG,
}
"""The same in rows of live tables. Of a moment not every database knows the zone, so that it is no date-time."""

_MEMBERS_OF_ROWS: dict[str, str] = {"int": "[+-]?[0-9]+", "decimal": _FLOAT, "float": _FLOAT}
_MEMBERS: dict[str, str] = {
    "int": "[+-]?[0-9]+",
    "decimal": _NUMBER,
    "date": _DAY,
    "datetime": rf"{_DAY}[Tt]{_CLOCK}:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]{_CLOCK})",
    "time": rf"{_CLOCK}(:{_SECONDS})?",
}

_SAID: dict[str, tuple[str, Shape | None]] = {
    "eq": ("{field} is this", None),
    "ne": ("{field} is another than this, and there", None),
    "gt": ("{field} is above this", None),
    "gte": ("{field} is this or above", None),
    "lt": ("{field} is below this", None),
    "lte": ("{field} is this or below", None),
    "in": ("{field} is one of these, separated by commas; one that holds a comma in double quotes", None),
    "contains": ("{field} contains this", _BOUNDED),
    "startswith": ("{field} starts with this", _BOUNDED),
    "isnull": ("true: there is no {field}; false: there is one", FLAG),
}


def for_records(operation: Operation, views: Sequence[View]) -> list[Shape]:
    """The parameters of an operation on one collection, whose contract has these live versions, the newest first."""
    live = {view.contract.version: filters.queryable(view.contract, hidden=view.hidden) for view in views}
    version = _query(
        "version",
        "an older version of the type; the newest is served without it",
        {**WHOLE, "enum": sorted(live)},
    )
    chosen = _chosen("fields", (*chain.from_iterable(live.values()), *_SYSTEM), f"{_NO_RECORDS}{_apart(live)}")
    if operation.id == "list_records":
        sortable = {
            number: [name for name, field in fields.items() if field.sortable] for number, fields in live.items()
        }
        every = [field for fields in live.values() for field in fields.values()]
        return [*_of_versions(live), *_of_lists(every, _apart(sortable)), chosen, version, _AS_OF]
    if operation.id == "get_record_evidence":
        return [_query("field", "one value, or all below it: /lines/0/price, or lines.0.price", TEXT), version, _AS_OF]
    return [chosen, version, _AS_OF] if operation.id == "get_record" else [*_paged("versions"), version]


def _of_versions(live: Mapping[int, Mapping[str, filters.Queryable]]) -> list[Shape]:
    """One parameter for each field and operator of any version; it takes what any of them takes."""
    found: dict[str, dict[int, Shape]] = {}
    for number, fields in live.items():
        for each in _conditions(fields.values(), TYPES):
            found.setdefault(each["name"], {})[number] = each
    parameters = []
    for name, having in found.items():
        newest, only = next(iter(having.values())), _only(having, live)
        shapes = [each["schema"] for each in having.values()]
        different = [each for place, each in enumerate(shapes) if each not in shapes[:place]]
        about = f"{newest['description']}; {only}" if only else newest["description"]
        parameters.append(_query(name, about, first_of(*different)))
    return parameters


def _apart(live: Mapping[int, Iterable[str]]) -> str:
    """What is to be said of names that only some of the live versions have; nothing where all have all."""
    having: dict[str, list[int]] = {}
    for number, names in live.items():
        for name in names:
            having.setdefault(name, []).append(number)
    said: dict[str, list[str]] = {}
    for name, numbers in having.items():
        said.setdefault(_only(numbers, live), []).append(name)
    return "".join(f"; {', '.join(names)} {only}" for only, names in said.items() if only)


def _only(having: Iterable[int], live: Iterable[int]) -> str:
    """With which `version` there is something that versions have, of those that are live, the newest first."""
    numbers, newest = {*having}, next(iter(live))
    word, told = ("not", {*live} - numbers) if newest in numbers else ("only", numbers)
    return f"{word} with {' or '.join(f'version={number}' for number in sorted(told))}" if told else ""


def for_rows(fields: Mapping[str, filters.Queryable]) -> list[Shape]:
    """The parameters of the list of one live table, whose columns may be called like a parameter."""
    taken = {*filters.PARAMETERS}
    columns = [each for each in _conditions(fields.values(), TYPES_OF_ROWS) if each["name"] not in taken]
    columns += [
        _query(f"{name}__eq", f"{name} is this", TYPES_OF_ROWS.get(fields[name].type, _BOUNDED))
        for name in sorted(taken & fields.keys())
        if fields[name].filterable
    ]
    return [*columns, *_of_lists(fields.values()), _chosen("columns", (*fields, "_seq", "_version"))]


def one_of(names: Iterable[str]) -> Shape:
    """Some of these names, separated by commas."""
    word = f"({'|'.join(re.escape(name) for name in names)})"
    return {"type": "string", "pattern": f"^{word}(,{word})*$"}


def _conditions(fields: Iterable[filters.Queryable], types: Mapping[str, Shape]) -> list[Shape]:
    """One parameter for each field and operator."""
    parameters = []
    for field in fields:
        if not field.filterable:
            continue
        shape = types.get(field.type, _BOUNDED)
        for op in filters.OPERATORS[field.type]:
            about, of = _SAID[op]
            name = field.name if op == "eq" else f"{field.name}__{op}"
            taken = _several(field.type, types) if op == "in" else of or shape
            parameters.append(_query(name, about.format(field=field.name), taken))
    return parameters


def _several(kind: str, types: Mapping[str, Shape]) -> Shape:
    """The values of an ``in``, as :func:`gateway.serve.filters.parse` takes them."""
    member = (_MEMBERS if types is TYPES else _MEMBERS_OF_ROWS).get(kind, _MEMBER)
    return {"type": "string", "minLength": 1, "pattern": f"^{member}(,{member})*$"}


def _of_lists(fields: Iterable[filters.Queryable], apart: str = "") -> list[Shape]:
    sortable = list(dict.fromkeys(sign + field.name for field in fields if field.sortable for sign in ("", "-")))
    said = [name.removeprefix("-") + " descending" * name.startswith("-") for name in sortable]
    sort = {**many({"type": "string", **enumerated(sortable, said)}), "minItems": 1, "uniqueItems": True}
    return [
        _query("sort", f"fields to sort by, the first one first; - before a name turns its order round{apart}", sort)
        | {"style": "form", "explode": False},
        *_paged("records"),
        _query("count", "exact: say how many records the filters leave", words("exact")),
    ]


def _paged(what: str) -> list[Shape]:
    limit = {"type": "integer", "minimum": 1, "maximum": filters.LIMIT_MAX, "default": filters.LIMIT}
    return [
        _query("limit", f"how many {what} a page has at most", limit),
        _query("cursor", "the `next` of the page before, with the same filters and sort", {**TEXT, "minLength": 1}),
    ]


def _chosen(what: str, names: Iterable[str], more: str = "") -> Shape:
    about = f"the {what} wanted, separated by commas; the others are then left out, those that are required too{more}"
    return _query("fields", about, one_of(dict.fromkeys(names)))


def _query(name: str, about: str, shape: Shape) -> Shape:
    return {"name": name, "in": "query", "description": about, "schema": shape}


_SYSTEM = ("_seq", "_version")
_NO_RECORDS = ", so that the answer is not of its schema, and generated clients may fail to read it"
"""Of ``fields=``. A schema that took parts of records too would let every member be absent in the types of clients."""
_AS_OF = _query(
    "as_of",
    "as it stood then: a moment with its offset from UTC (a + in it is written %2B), or the number of a change. What "
    "became visible together stands together: a change within a delivery is told with all of the delivery. Before the "
    "first of them there is nothing, which is change 0.",
    {"type": "string", "pattern": rf"^([0-9]{{1,18}}|{_MEMBERS['datetime']})$"},
)
