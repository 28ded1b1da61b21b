"""The notation of a contract's fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import Field
from gateway.workspace.nodes import Mapping, compose
from gateway.workspace.notation import read_fields
from gateway.workspace.problems import File, Problem

CODES = ("units", "product-groups", "ISO-4217")


def read(text: str) -> tuple[tuple[Field, ...] | None, list[Problem]]:
    file = File("x.yaml", text)
    root = compose(file)
    assert isinstance(root, Mapping), file.problems
    return read_fields(root, CODES), file.problems


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("text", {"type": "text"}),
    ("text 1..22", {"type": "text", "low": Decimal(1), "high": Decimal(22)}),
    ("text ..22", {"type": "text", "high": Decimal(22)}),
    ("text 13", {"type": "text", "low": Decimal(13), "high": Decimal(13)}),
    ("text /[A-Z0-9-]+/", {"type": "text", "pattern": "[A-Z0-9-]+"}),
    (r"text 1..9 /a\/b, c?/", {"type": "text", "low": Decimal(1), "high": Decimal(9), "pattern": "a/b, c?"}),
    ("text 0..80 ?", {"type": "text", "low": Decimal(0), "high": Decimal(80), "required": False}),
    ("text, pii", {"type": "text", "pii": True}),
    ("decimal > 0", {"type": "decimal", "above": Decimal(0)}),
    ("decimal(12,4) >= 0", {"type": "decimal", "digits": 12, "places": 4, "low": Decimal(0)}),
    ("decimal >= 0 < 1.5", {"type": "decimal", "low": Decimal(0), "below": Decimal("1.5")}),
    ("decimal -1..0.5", {"type": "decimal", "low": Decimal(-1), "high": Decimal("0.5")}),
    ("int 1..", {"type": "int", "low": Decimal(1)}),
    ("int <= 9?", {"type": "int", "high": Decimal(9), "required": False}),
    ("date?", {"type": "date", "required": False}),
    ("datetime", {"type": "datetime"}),
    ("time", {"type": "time"}),
    ("bool", {"type": "bool"}),
    ("gln", {"type": "gln"}),
    ("gtin ?", {"type": "gtin", "required": False}),
    ("code units", {"type": "code", "codes": "units"}),
    ("code ISO-4217", {"type": "code", "codes": "ISO-4217"}),
    ("code product-groups ?, filter, sort", {"type": "code", "codes": "product-groups", "required": False,
                                              "filterable": True, "sortable": True}),
]  # fmt: skip


@pytest.mark.parametrize(("notation", "expected"), GOOD, ids=[case[0] for case in GOOD])
def test_a_notation_is_read(notation: str, expected: dict[str, Any]) -> None:
    fields, problems = read(f"x: {notation}  # a comment\n")
    assert not problems
    assert fields is not None
    assert fields == (Field("x", place=fields[0].place, **expected),)


BAD = [
    ("tex 1..2", 4, 3, "'tex' is not a type", "did you mean 'text'?"),
    ("1..2", 4, 4, "'1..2' cannot stand here", "begin with a type"),
    ("text 1..2 3..4", 14, 4, "this is said twice", "keep one"),
    ("text 22..1", 4, 10, "nothing is both at least 22 and at most 1", "exchange"),
    ("text ..", 9, 2, "a range without any end says nothing", "write"),
    ("text 1.5..2", 9, 6, "1.5 bounds no text", "whole number"),
    ("text > 3", 9, 1, "text takes no comparison", "only int, decimal does"),
    ("text /[a/", 10, 1, "this is not a regular expression", "slash"),
    ("text /a{99999999999}/", 9, 16, "this regular expression is too large", "smaller"),
    ("date 1..2", 9, 4, "date takes no range", "only text, int, decimal does"),
    ("int(3,1)", 7, 5, "int takes no digits", "only decimal does"),
    ("decimal(2,3)", 11, 5, "there are more decimal places than digits", "(12,4)"),
    ("decimal >", 13, 1, "a number is missing at the end", "decimal > 0"),
    ("code", 8, 1, "the name of a code table is missing at the end", "code units"),
    ("code unit", 9, 4, "there is no code table 'unit'", "did you mean 'units'?"),
    ("code ISO-9999", 9, 8, "there is no code table 'ISO-9999'", "ISO-4217"),
    ("text, ppi", 10, 3, "'ppi' is not a flag", "did you mean 'pii'?"),
    ("text pii", 9, 3, "'pii' cannot stand here", "flags follow a comma"),
    ("text,", 9, 1, "a flag is missing at the end", "filter, sort, pii"),
    ("text, pii, pii", 15, 3, "this is said twice", "keep one"),
    ("text $", 9, 1, "'$' has no meaning here", "write"),
    ("date??", 9, 1, "this is said twice", "keep one"),
]


@pytest.mark.parametrize(("notation", "column", "length", "message", "hint"), BAD, ids=[case[0] for case in BAD])
def test_a_wrong_notation_is_refused_under_its_own_characters(
    notation: str, column: int, length: int, message: str, hint: str
) -> None:
    _, problems = read(f"x: {notation}\n")
    assert len(problems) == 1, problems
    assert (problems[0].column, problems[0].length) == (column, length), str(problems[0])
    assert problems[0].message.startswith(message)
    assert hint in problems[0].hint


def test_objects_and_lists_nest() -> None:
    fields, problems = read("ship_to?:\n  city: text\nlines[0..10]:\n  line: int\n  parts[1..]:\n    sku: text\n")
    assert not problems
    assert fields is not None
    ship_to, lines = fields
    assert (ship_to.type, ship_to.required, [field.name for field in ship_to.fields]) == ("object", False, ["city"])
    assert (lines.type, lines.required, lines.low, lines.high) == ("list", False, Decimal(0), Decimal(10))
    parts = lines.fields[1]
    assert (parts.name, parts.required, parts.low, parts.high) == ("parts", True, Decimal(1), None)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("Number: text", 1, 1, "'Number' is not the name of a field"),
        ("_key: text", 1, 1, "'_key' is not the name of a field"),
        ("total__gte: int", 1, 1, "'total__gte' is not the name of a field"),
        ("a" * 61 + ": int", 1, 1, "'aaa"),
        ("x:", 1, 1, "'x' has no value"),
        ("x: [text]", 1, 4, "a field is described by a text or by fields"),
        ("lines[1..]: text", 1, 1, "the list 'lines' lacks fields"),
        ("lines[many]:\n  x: int", 1, 7, "'many' is not a count of elements"),
        ("lines[5..2]:\n  x: int", 1, 7, "'5..2' is not a count of elements"),
        ("o:\n  x: int, filter", 2, 6, "only fields of the record itself"),
        ("x: int\nx?: text", 2, 1, "the field 'x' stands here a second time"),
    ],
)
def test_a_wrong_field_is_refused_where_it_stands(text: str, line: int, column: int, message: str) -> None:
    _, problems = read(text)
    assert [(problem.line, problem.column) for problem in problems] == [(line, column)], problems
    assert problems[0].message.startswith(message)


@given(st.text(st.sampled_from(list("text dicmalo(),.?/<>=[]{}\\123-*+$^|é")), min_size=1, max_size=40))
def test_any_notation_is_a_field_or_a_problem(notation: str) -> None:
    file = File("x.yaml", "x: '" + notation + "'\n")
    root = compose(file)
    assert isinstance(root, Mapping)
    before = len(file.problems)
    fields = read_fields(root, CODES)
    assert fields or len(file.problems) > before
