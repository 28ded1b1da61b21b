"""The JSON Schema of a contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a package of their own
from openapi_spec_validator import validate

from gateway.validate.judge import Judge
from gateway.validate.openapi import enumerated, json_schema
from tests.gateway.validate.samples import codes, order, record


def test_it_describes_what_is_served() -> None:
    judge = Judge(order(), codes())
    value, _ = judge.judge(record())
    assert value is not None
    served = json.loads(judge.dump_json(value))
    validator = Draft202012Validator(json_schema(order(), codes()))

    assert list(validator.iter_errors(served)) == []
    for broken in (
        {**served, "x": 1},
        {**served, "lines": []},
        {**served, "total": 1250.0},
        {**served, "currency": "XXX"},
        {**served, "buyer": "401234500000"},
        {**served, "lines": [{**served["lines"][0], "line": 0}]},
        {**served, "lines": [{**served["lines"][0], "sku": "a b"}]},
        {name: member for name, member in served.items() if name != "number"},
    ):
        assert list(validator.iter_errors(broken)), broken


def test_decimals_are_texts_and_flags_are_extensions() -> None:
    described = json_schema(order(), codes())
    members: dict[str, Any] = described["properties"]

    assert (described["title"], described["description"]) == ("order.v1", "A purchase order as the ERP understands it")
    assert list(members) == [field.name for field in order().fields]
    assert members["total"] == {
        "type": "string",
        "format": "decimal",
        "x-exclusiveMaximum": "1000000000",
        "x-filterable": True,
    }
    assert members["ship_to"]["properties"]["city"] == {"type": "string", "maxLength": 20, "x-pii": True}
    assert members["currency"] == {
        "type": "string",
        "enum": ["EUR", "GBP", "USD"],
        "x-codes": "ISO-4217",
        "x-filterable": True,
    }
    assert members["lines"]["minItems"] == 1


def test_without_code_tables_a_code_is_named_only() -> None:
    assert json_schema(order())["properties"]["lines"]["items"]["properties"]["unit"] == {
        "type": "string",
        "x-codes": "units",
    }


def test_it_is_valid_in_openapi_3_1() -> None:
    validate(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {},
            "components": {"schemas": {"order": json_schema(order(), codes())}},
        }
    )


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["EUR", "USD"], None),
        (["a b", "c"], None),
        ([], None),
        (["KG", "kg"], ["KG", "KG_2"]),
        (["a b", "a-b"], ["A_B", "A_B_2"]),
        (["1A", "x"], ["VALUE_1A", "X"]),
        (["+", "-", "2", "ß"], ["VALUE", "VALUE_2", "VALUE_2_2", "VALUE_3"]),
    ],
)
def test_codes_of_which_no_names_can_be_made_are_given_some(values: list[str], names: list[str] | None) -> None:
    assert enumerated(values) == {"enum": values} | ({} if names is None else {"x-enum-varnames": names})


def test_names_are_made_of_other_words() -> None:
    values, words = ["number", "-number", "_key", "-_key", "KEY"], ["number", "number descending", "_key", "k", "KEY"]
    said = enumerated(values, words)
    assert said == {"enum": values, "x-enum-varnames": ["NUMBER", "NUMBER_DESCENDING", "KEY", "K", "KEY_2"]}
