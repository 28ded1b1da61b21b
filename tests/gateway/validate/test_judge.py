"""Records in, values or faults out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.model import Fault
from gateway.validate.compiled import DECLINED
from gateway.validate.judge import Judge
from gateway.validate.messages import CODES
from tests.gateway.validate.equality import VALUES
from tests.gateway.validate.samples import codes, order, record

JUDGE = Judge(order(), codes())


def told(changed: dict[str, Any], judge: Judge = JUDGE) -> list[tuple[str, str, str]]:
    value, faults = judge.judge({**record(), **changed})
    assert (value is None) == bool(faults)
    return [(fault.code, fault.target, fault.message) for fault in faults]


def test_a_good_record_is_taken_at_once_and_typed() -> None:
    assert JUDGE.compiled.accept(record()) is not DECLINED
    value, faults = JUDGE.judge(record())

    assert faults == ()
    assert value == {
        "number": "4711",
        "ordered_on": dt.date(2026, 11, 2),
        "currency": "EUR",
        "buyer": "4012345000009",
        "ship_to": {"gln": "4098765000010", "city": "Köln"},
        "sent_at": dt.datetime(2026, 11, 2, 8, 30, tzinfo=dt.UTC),
        "opens": dt.time(6, 30),
        "urgent": True,
        "total": Decimal("1250.00"),
        "lines": [
            {
                "line": 1,
                "sku": "AB-1",
                "item": "40123455",
                "quantity": Decimal(10),
                "unit": "EA",
                "price": Decimal("100.00"),
            },
            {"line": 2, "sku": "AB-2", "quantity": Decimal("2.5"), "unit": "KG", "price": Decimal("100.0000")},
        ],
    }


def test_what_the_judge_loaded_it_takes_again() -> None:
    value, _ = JUDGE.judge(record())
    assert value is not None

    assert JUDGE.compiled.accept(value) is not DECLINED
    assert JUDGE.judge(value) == (value, ())


def test_a_null_in_an_optional_field_is_its_absence() -> None:
    value, _ = JUDGE.judge({**record(), "total": None, "sent_at": None, "urgent": None})

    assert value is not None
    assert not {"total", "sent_at", "urgent"} & value.keys()


@pytest.mark.parametrize(
    ("changed", "code", "target", "message"),
    [
        pytest.param({"number": None}, "contract.required", "/number", "number is required, but missing", id="null"),
        pytest.param(
            {"ordered_on": "2026-02-30"},
            "contract.type",
            "/ordered_on",
            "ordered_on is '2026-02-30', but must be a day of the calendar written as 2026-12-31",
            id="no such day",
        ),
        pytest.param(
            {"ordered_on": dt.datetime(2026, 2, 3, 4, tzinfo=dt.UTC)},
            "contract.type",
            "/ordered_on",
            "ordered_on is 2026-02-03T04:00:00+00:00, but must be a day of the calendar written as 2026-12-31",
            id="a moment is no day",
        ),
        pytest.param(
            {"number": "1" * 23},
            "contract.length",
            "/number",
            "number is '11111111111111111111111', but must have at most 22 characters, has 23",
            id="too long",
        ),
        pytest.param(
            {"currency": "EURO"},
            "contract.code",
            "/currency",
            "currency is 'EURO', but must be a code of the code table ISO-4217; the nearest is 'EUR'",
            id="unknown code",
        ),
        pytest.param(
            {"buyer": "4012345000008"},
            "contract.check_digit",
            "/buyer",
            "buyer is '4012345000008', but must be a GLN whose last digit is the check digit 9",
            id="swapped digits",
        ),
        pytest.param(
            {"buyer": "401234500009"},
            "contract.check_digit",
            "/buyer",
            "buyer is '401234500009', but must be a GLN of 13 digits",
            id="digit lost",
        ),
        pytest.param(
            {"total": 12.5},
            "contract.type",
            "/total",
            "total is 12.5, but must be an exact decimal, not a binary floating-point number",
            id="binary float",
        ),
        pytest.param(
            {"total": "1e9"},
            "contract.type",
            "/total",
            "total is '1e9', but must be a decimal number such as 1234.50",
            id="exponent",
        ),
        pytest.param(
            {"total": "1000000000"},
            "contract.range",
            "/total",
            "total is '1000000000', but must be less than 1000000000",
            id="not below",
        ),
        pytest.param(
            {"sent_at": "2026-11-02T09:30:00"},
            "contract.type",
            "/sent_at",
            "sent_at is '2026-11-02T09:30:00', but must be a moment with its offset from UTC,"
            " written as 2026-12-31T23:59:59Z",
            id="no offset",
        ),
        pytest.param(
            {"urgent": "Y"}, "contract.type", "/urgent", "urgent is 'Y', but must be true or false", id="a guess"
        ),
        pytest.param(
            {"curency": "EUR"},
            "contract.unknown_field",
            "/curency",
            "curency is no field of the contract; the nearest is 'currency'",
            id="misspelt",
        ),
        pytest.param(
            {"a/b~c": 1}, "contract.unknown_field", "/a~1b~0c", "a~1b~0c is no field of the contract", id="escaped"
        ),
        pytest.param(
            {"ship_to": "Köln"},
            "contract.type",
            "/ship_to",
            "ship_to is 'Köln', but must be an object with named fields",
            id="a text for an object",
        ),
        pytest.param(
            {"ship_to": {"gln": "4098765000010", "city": "C" * 21}},
            "contract.length",
            "/ship_to/city",
            "ship_to/city must have at most 20 characters, has 21",
            id="personal data is not told",
        ),
        pytest.param(
            {"lines": []},
            "contract.length",
            "/lines",
            "lines is a list of 0 elements, but must have at least 1 element, has 0",
            id="no lines",
        ),
        pytest.param({"lines": {}}, "contract.type", "/lines", "lines is an object, but must be a list", id="no list"),
        pytest.param(
            {"lines": [*record()["lines"], 5]},
            "contract.type",
            "/lines/2",
            "lines/2 is 5, but must be an object with named fields",
            id="a number for a line",
        ),
        pytest.param(
            {"lines": [None, *record()["lines"]]},
            "contract.required",
            "/lines/0",
            "lines/0 is required, but missing",
            id="null for a line",
        ),
        pytest.param(
            {"lines": [{**record()["lines"][0], "price": "12,5O"}]},
            "contract.type",
            "/lines/0/price",
            "lines/0/price is '12,5O', but must be a decimal number such as 1234.50",
            id="letter for a digit",
        ),
        pytest.param(
            {"lines": [{**record()["lines"][0], "price": "123456789"}]},
            "contract.digits",
            "/lines/0/price",
            "lines/0/price is '123456789', but must have at most 8 digits before the point and 4 after it",
            id="too many digits",
        ),
        pytest.param(
            {"lines": [record()["lines"][0], {**record()["lines"][0], "sku": "ab 1"}]},
            "contract.pattern",
            "/lines/1/sku",
            "lines/1/sku is 'ab 1', but must match /[A-Z0-9-]+/",
            id="pattern",
        ),
        pytest.param(
            {"lines": [{**record()["lines"][0], "quantity": "0"}]},
            "contract.range",
            "/lines/0/quantity",
            "lines/0/quantity is '0', but must be greater than 0",
            id="not above",
        ),
    ],
)
def test_a_refusal_names_place_value_and_what_was_expected(
    changed: dict[str, Any], code: str, target: str, message: str
) -> None:
    assert told(changed) == [(code, target, message)]


def test_a_fault_has_a_remedy_and_the_value_as_it_stood() -> None:
    _, (fault,) = JUDGE.judge({**record(), "currency": "EURO"})

    assert fault == Fault(
        code="contract.code",
        message="currency is 'EURO', but must be a code of the code table ISO-4217; the nearest is 'EUR'",
        remedy="Send 'EUR', or add the code to the code table ISO-4217",
        target="/currency",
        value="EURO",
    )


def test_all_faults_are_told_at_once_in_the_order_of_the_contract_and_unknown_fields_last() -> None:
    bad = record()
    bad["lines"] = [{"line": 0}, *[record()["lines"][0]] * 9, {**record()["lines"][0], "unit": "EAA", "x": 1}]
    del bad["number"]
    bad.update(zzz=1, aaa=2, total="x")

    assert [target for _, target, _ in told_of(bad)] == [
        *("/number", "/total"),
        *("/lines/0/line", "/lines/0/sku", "/lines/0/quantity", "/lines/0/unit", "/lines/0/price"),
        *("/lines/10/unit", "/lines/10/x", "/aaa", "/zzz"),
    ]


def told_of(bad: Any) -> list[tuple[str, str, str]]:
    return [(fault.code, fault.target, fault.message) for fault in JUDGE.judge(bad)[1]]


@pytest.mark.parametrize("bad", [[], None, "order", 5])
def test_what_is_no_object_is_one_fault_about_the_whole(bad: Any) -> None:
    assert [(code, target) for code, target, _ in told_of(bad)] == [("contract.type", "")]


def test_a_long_value_is_cut_in_the_sentence() -> None:
    _, (fault,) = JUDGE.judge({**record(), "number": "9" * 100_000})

    assert len(fault.message) < 200
    assert fault.value == "9" * 1000


def test_rules_judge_what_the_fields_accepted_and_only_that() -> None:
    seen = []
    fault = Fault("rule", "the order wants delivery before it was placed", "Correct the dates", "")

    def rules(value: dict[str, Any]) -> tuple[Fault, ...]:
        seen.append(value)
        return (fault,) if value["total"] > 1000 else ()

    judge = Judge(order(), codes(), rules)

    assert judge.judge(record()) == (None, (fault,))
    assert judge.judge({**record(), "total": 5})[1] == ()
    assert judge.judge({**record(), "total": "x"})[0] is None
    assert [value["total"] for value in seen] == [Decimal("1250.00"), Decimal(5)]


ANYTHING = st.recursive(
    st.sampled_from(VALUES) | st.text(max_size=5) | st.integers() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = {field.name: field.fields for field in order().fields}


@given(
    st.dictionaries(st.sampled_from(sorted(MEMBERS)), ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(["line", "sku", "item", "quantity", "unit", "price", "x"]), ANYTHING, max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_whatever_comes_the_judge_answers_with_a_value_or_with_faults(changed: Any, line: Any) -> None:
    document = {**record(), "lines": [record()["lines"][0], {**record()["lines"][1], **line}], **changed}
    value, faults = JUDGE.judge(document)

    assert (value is None) == bool(faults)
    for fault in faults:
        assert fault.code in CODES
        assert fault.message
        assert fault.remedy
    if value is not None:
        # What was accepted is a fixed point, also through its JSON, and has a key and columns.
        assert JUDGE.judge(value) == (value, ())
        assert JUDGE.key(value, "acme").startswith("acme~")
        assert len(JUDGE.columns(value)) == len(order().columns())


def test_names_that_marshmallow_uses_itself_can_be_fields() -> None:
    names = ("fields", "load", "dump", "validate", "opts", "many", "only", "context", "meta", "get", "handle_error")
    contract = Contract("odd", 1, "", "", ("load",), tuple(Field(name, "text") for name in names))
    value = dict.fromkeys(names, "x")
    judge = Judge(contract, {})

    assert judge.compiled.accept(value) == value
    assert judge.judge(value) == (value, ())
    assert judge.schema.load(value) == value
