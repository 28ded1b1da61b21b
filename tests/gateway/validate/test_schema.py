"""Contracts as marshmallow schemas."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from marshmallow import Schema, ValidationError

from gateway.contracts import Contract, Field
from gateway.errors import Stop
from gateway.validate.checks import CheckDigit, KnownCode, check_digit, check_digit_holds
from gateway.validate.schema import contract_schema
from tests.gateway.validate.samples import codes, order, record, table


def contract(*fields: Field, key: tuple[str, ...] = ()) -> Contract:
    return Contract("thing", 1, "", "", key, fields)


def test_a_contract_becomes_one_schema_with_its_fields_in_order_and_its_flags_as_metadata() -> None:
    schema = contract_schema(order(), codes())

    assert isinstance(schema, Schema)
    assert type(schema).__name__ == "order.v1"
    assert list(schema.fields) == [field.name for field in order().fields]
    assert schema.fields["number"].metadata == {
        "contract_type": "text",
        "codes": None,
        "pii": False,
        "filterable": True,
        "sortable": True,
    }


def test_marshmallow_alone_tells_people_what_is_wrong() -> None:
    with pytest.raises(ValidationError) as refusal:
        contract_schema(order(), codes()).load({**record(), "lines": [{**record()["lines"][0], "line": "x"}], "y": 1})

    assert refusal.value.messages == {
        "lines": {0: {"line": ["must be a whole number"]}},
        "y": ["is no field of the contract"],
    }


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        pytest.param(
            contract(Field("unit", "code", codes="untis")),
            "thing.v1: unit wants the code table untis, which is not there. Add codes/untis.csv or correct the name",
            id="no such code table",
        ),
        pytest.param(
            contract(Field("sku", "text", pattern="[A-Z")),
            "thing.v1: the pattern /[A-Z/ of sku is no regular expression: unterminated character set at position 0."
            " Correct the pattern in the contract",
            id="no pattern",
        ),
        pytest.param(
            contract(Field("sku", "text"), key=("number",)),
            "thing.v1: the key names 'number', which is no required field of text, number or date."
            " Name a required field of the contract's first level",
            id="no key field",
        ),
        pytest.param(
            contract(Field("number", "text", required=False), key=("number",)),
            "thing.v1: the key names 'number', which is no required field of text, number or date."
            " Name a required field of the contract's first level",
            id="an optional key",
        ),
    ],
)
def test_a_contract_that_cannot_be_kept_stops(broken: Contract, message: str) -> None:
    with pytest.raises(Stop) as stop:
        contract_schema(broken, {})

    assert str(stop.value) == message


def test_a_key_is_never_empty() -> None:
    schema = contract_schema(contract(Field("number", "text"), key=("number",)), {})

    assert schema.validate({"number": ""}) == {"number": ["must have at least 1 character, has 0"]}
    assert schema.validate({"number": "1"}) == {}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        (Field("n", "text", low=Decimal(2), high=Decimal(3)), ["ab", "abc"], ["a", "abcd"]),
        (Field("n", "text", above=Decimal(2), below=Decimal(4)), ["abc"], ["ab", "abcd"]),
        (Field("n", "text", pattern="a|bc"), ["a", "bc"], ["ac", "a\n", "abc"]),
        (Field("n", "int", low=Decimal("1.5"), high=Decimal("3.5")), [2, 3], [1, 4]),
        (Field("n", "int", above=Decimal("1.5"), below=Decimal("3.5")), [2, 3], [1, 4]),
        (Field("n", "int", above=Decimal(1), below=Decimal(4)), [2, 3], [1, 4]),
        (Field("n", "decimal", above=Decimal(0), high=Decimal(1)), ["0.01", "1"], ["0", "1.01"]),
        (Field("n", "decimal", digits=5, places=2), ["999.99", "-999.9"], ["1000", "0.001"]),
        (Field("n", "gtin"), ["40123455", "4012345000009"], ["4012345000010", "40123455000"]),
        (Field("n", "code", codes="units"), ["EA"], ["ea", "", "E"]),
        (Field("n", "list", low=Decimal(1), high=Decimal(1), fields=(Field("x", "int"),)), [[{"x": 1}]], [[], [{}]]),
    ],
)
def test_bounds_are_kept(field: Field, good: list[object], bad: list[object]) -> None:
    schema = contract_schema(contract(field), codes())

    assert [value for value in good if schema.validate({"n": value})] == []
    assert [value for value in bad if not schema.validate({"n": value})] == []


@pytest.mark.parametrize("number", ["4012345000009", "40123455", "036000291452", "9780306406157", "00012345600012"])
def test_the_check_digit_is_that_of_gs1(number: str) -> None:
    assert check_digit(number[:-1]) == int(number[-1])
    others = [number[:-1] + digit for digit in "0123456789"]

    assert [other for other in others if check_digit_holds(other)] == [number]
    assert CheckDigit("GTIN", (8, 12, 13, 14))(number) == number


def test_the_nearest_code_is_found_in_large_tables_too() -> None:
    large = KnownCode("large", {f"C{number:05}" for number in range(20_000)} | {"Zulu"})

    for wrong, near in (("c00123", "C00123"), ("Zulu ", "Zulu"), ("ZULO", None), ("Zuli", "Zulu"), ("?", None)):
        with pytest.raises(ValidationError) as refusal:
            large(wrong)
        assert (repr(near) in refusal.value.messages[0]) == (near is not None)


def test_versions_of_a_contract_are_schemas_of_their_own() -> None:
    first = contract(Field("unit", "code", codes="units"))
    second = replace(first, version=2, fields=(Field("unit", "code", codes="units"), Field("n", "int")))
    old, new = (contract_schema(each, {"units": table("units", "EA")}) for each in (first, second))

    assert (list(old.fields), list(new.fields)) == (["unit"], ["unit", "n"])
