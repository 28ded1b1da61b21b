"""Checks of integrations and rules of contracts: what they judge, what they let pass, and what they say."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from edi.model import Envelope
from gateway.contracts import Field
from gateway.normalize.compiler import MappingProblems, check_contract, compile_mapping, compile_rules
from tests.gateway.normalize.builders import ORDER, X12, contract, integration, loop, loose

LINES = Field(
    "lines",
    "list",
    required=False,
    fields=(
        *loose("amount:decimal", "quantity:decimal", "price:decimal"),
        Field("taxes", "list", required=False, fields=loose("rate:decimal")),
    ),
)
INVOICE = (*loose("number", "net:decimal", "due:date", "at:date"), Field("to", "object", fields=loose("city")), LINES)
RECORD = {
    "number": "1",
    "net": Decimal(30),
    "at": dt.date(2026, 1, 1),
    "to": {"city": "Bonn"},
    "lines": [
        {"amount": Decimal(10), "quantity": Decimal(2), "price": Decimal(5), "taxes": [{"rate": Decimal(7)}]},
        {"amount": Decimal(20), "quantity": Decimal(4)},
    ],
}


def test_a_broken_rule_says_its_sentence_and_the_values() -> None:
    rules = compile_rules(ORDER)
    record = {"ordered_on": dt.date(2026, 2, 1), "wanted_on": dt.date(2026, 1, 1)}
    (fault,) = rules(record)
    assert (fault.code, fault.target) == ("rule.failed", "/wanted_on")
    assert fault.message == (
        "the order wants delivery before it was placed: wanted_on is 2026-01-01, ordered_on is 2026-02-01"
    )
    assert rules({**record, "wanted_on": dt.date(2026, 2, 1)}) == ()


def test_a_rule_of_which_an_operand_is_missing_holds() -> None:
    assert compile_rules(ORDER)({"ordered_on": dt.date(2026, 2, 1)}) == ()
    assert compile_rules(contract(*loose("a")))({}) == ()


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("sum(lines.amount) == net", True),
        ("sum(lines.amount) == net + 1", False),
        ("count(lines) == 2", True),
        ("count(lines.price) == 1", True),
        ("sum(lines.taxes.rate) == 7", True),
        ("sum(lines.quantity * lines.price) == 10", True),
        ("sum(lines.quantity * net) == 180", True),
        ("every(lines.amount > 9)", True),
        ("every(lines.amount > 10)", False),
        ("every(lines.price > 4)", True),
        ("some(lines.price > 4)", True),
        ("max(lines.amount) <= net", True),
        ("first(lines.amount) == 10", True),
        ("due >= at", True),
        ("at >= '2026-01-01'", True),
        ("at >= '2026-01-02'", False),
        ("to.city == 'Bonn'", True),
        ("to.city | one_of('Bonn', 'Köln')", True),
        ("to.city | one_of('Köln')", False),
        ("not(present(due))", True),
        ("if(present(due), due >= at, net > 100)", False),
        ("all(net > 1, count(lines) > 2)", False),
        ("any(net > 1, due > at)", True),
        ("(due ?? at) == at", True),
        ("join(lines.amount & 'x', '+') == '10x+20x'", True),
    ],
)
def test_a_rule_holds_or_does_not(rule: str, holds: bool) -> None:
    faults = compile_rules(contract(*INVOICE, rules=((rule, "told"),)))(RECORD)
    assert (faults == ()) is holds
    assert all(fault.message.startswith("told") for fault in faults)


def test_a_rule_that_cannot_be_judged_is_a_fault() -> None:
    (fault,) = compile_rules(contract(*INVOICE, rules=(("number > 3", "told"),)))({"number": "x"})
    assert fault.message == "number > 3 cannot be judged: 'x' is not a number: the first character is the letter x"
    assert fault.target == "/number"


@pytest.mark.parametrize(
    ("rule", "message", "hint"),
    [
        ("nett > 1", "there is no field 'nett'", "did you mean 'net'?"),
        ("lines.amount > 1", "lines.amount has many values, one per element", "sum(lines.amount)"),
        ("to == 'x'", "to is an object, not a value", "to.city"),
        ("number | pair('x')", "number is a field of the record, not a segment", ""),
        ("count(lines) + 1", "a condition is true or false, not a whole number", "compare"),
        ("sum(lines.amount * lines.taxes.rate) > 1", "two lists cannot be run through together", ""),
        ("number ==", "a value is expected, but the expression ends here", ""),
        ("count(line) == 1", "there is no field 'line'", "did you mean 'lines'?"),
        ("number | code(units) == 'x'", "there is no code table 'units'", ""),
    ],
)
def test_a_wrong_rule_is_a_problem(rule: str, message: str, hint: str) -> None:
    wrong = contract(*INVOICE, rules=((rule, "told"),))
    problems = check_contract(wrong)
    assert message in problems[0].message
    assert hint in problems[0].hint
    with pytest.raises(MappingProblems) as caught:
        compile_rules(wrong)
    assert caught.value.problems == problems


def judged(content: dict[str, Any], *checks: str) -> list[str]:
    lines = {"number": "BEG03", "net": "AMT02 | decimal", "lines[PO1]": {"amount": "PO102 | decimal"}}
    mapper = compile_mapping(
        integration("x12", lines, *checks), contract(*loose("number", "net:decimal", "CTT:decimal"), LINES)
    )
    _, faults = mapper.function(content, X12)
    return [f"{fault.path} {fault.value} {fault.message}" for fault in faults]


GOOD = loop("BEG*00*SA*1", "AMT*1*30", ["PO1*1*10"], ["PO1*2*20"], "CTT*2")


def test_checks_may_name_source_paths() -> None:
    assert judged(GOOD, "count(lines) == CTT01", "sum(lines.amount) == net", "BEG01 == '00'", "count(PO1) == 2") == []
    assert judged(GOOD, "count(lines) == BEG03") == [
        "BEG03 1 count(lines) == BEG03 does not hold: count(lines) is 2, BEG03 is '1'"
    ]
    assert judged(GOOD, "sum(lines.amount * CTT01) == 60") == []


def test_a_check_of_which_a_source_is_missing_passes() -> None:
    assert judged(GOOD, "count(lines) == CTT05", "net == AMT09") == []


def test_a_target_wins_over_a_path_of_the_same_name() -> None:
    # CTT is a whole segment in the source, and a field of the record here: no problem, and absent.
    assert judged(GOOD, "CTT == 5") == []


def test_a_check_that_cannot_be_judged_is_a_fault_at_its_source() -> None:
    content = loop("BEG*00*SA*1", "CTT*x")
    assert judged(content, "count(lines) == CTT01") == [
        "CTT01 x count(lines) == CTT01 cannot be judged: 'x' is not a number: the first character is the letter x"
    ]


def test_checks_wait_for_a_whole_record() -> None:
    content = loop("BEG*00*SA*1", ["PO1*1*x"], "CTT*2")
    assert judged(content, "count(lines) == CTT01", "sum(lines.amount) == 3") == [
        "PO102 x 'x' is not a number: the first character is the letter x"
    ]


def test_checks_in_csv_name_columns_with_spaces() -> None:
    header = ("Preis alt", "Preis neu")
    mapper = compile_mapping(
        integration("csv", {"net": "Preis neu | decimal"}, "net >= Preis alt"),
        contract(*loose("net:decimal")),
        columns=header,
    )
    assert mapper.function(["5", "6"], Envelope("csv")) == ({"net": Decimal(6)}, ())
    _, (fault,) = mapper.function(["7", "6"], Envelope("csv"))
    assert fault.message == "net >= Preis alt does not hold: net is 6, Preis alt is '7'"
