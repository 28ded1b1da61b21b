"""Every function with good, null and bad input, through the compiled mapping as a partner's value meets it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from gateway.normalize.compiler import MappingProblems, compile_mapping
from gateway.normalize.functions import FUNCTIONS
from tests.gateway.normalize.builders import CODES, EDIFACT, X12, contract, integration, loop, loose

if TYPE_CHECKING:
    from gateway.model import Fault

KINDS = ("text", "int", "decimal", "date", "datetime", "time", "bool")


def computed(
    written: str, content: dict[str, Any] | None = None, format_name: str = "jsonl"
) -> tuple[Any, tuple[Fault, ...]]:
    """What an expression gives over a document, None for null, whatever its type; and the faults."""
    refused: list[MappingProblems] = []
    for kind in KINDS:
        try:
            mapper = compile_mapping(
                integration(format_name, {"it": written}), contract(*loose(f"it:{kind}")), codes=CODES
            )
        except MappingProblems as problems:
            refused.append(problems)
            continue
        record, faults = mapper.function(content or {}, EDIFACT if format_name == "edifact" else X12)
        return record.get("it"), faults
    raise refused[0]


NONE = None
D = Decimal

GOOD: list[tuple[str, Any]] = [
    ("' a b ' | strip", "a b"),
    ("'  ' | strip", NONE),
    ("' a   b ' | squash", "a b"),
    ("'abc' | upper", "ABC"),
    ("'ABC' | lower", "abc"),
    ("'new york' | title", "New York"),
    ("'1-2-3' | replace('-', '.')", "1.2.3"),
    ("'-' | replace('-', '')", NONE),
    ("'abcdef' | left(2)", "ab"),
    ("'abcdef' | right(2)", "ef"),
    ("'a' | right(2)", "a"),
    ("'abcdef' | slice(2, 4)", "bcd"),
    ("'abcdef' | slice(3)", "cdef"),
    ("'abcdef' | slice(-3, -2)", "de"),
    ("'abcdef' | slice(2, -1)", "bcdef"),
    ("'abc' | slice(9)", NONE),
    ("'42' | pad(6)", "000042"),
    ("'42' | pad(4, ' ', 'right')", "42  "),
    ("'42' | pad(4, side='right')", "4200"),
    ("'A-1-x' | before('-')", "A"),
    ("'A-1-x' | after('-')", "1-x"),
    ("'A1x' | before('-')", NONE),
    ("'A1x' | after('-')", NONE),
    ("'+49 (30) 12' | digits", "493012"),
    ("'١٢' | digits", NONE),
    ("'a;b;c' | split(';') | last", "c"),
    ("12.50 | text", "12.50"),
    ("'2026-12-31' | date | text('d.m.yy')", "31.12.26"),
    ("'2026-01-05' | date | text('dd-mmm-yyyy')", "05-JAN-2026"),
    ("'0042' | int", 42),
    ("'-7' | int", -7),
    ("'-1234.56' | decimal", D("-1234.56")),
    ("'.5' | decimal", D("0.5")),
    ("'1.234,50' | decimal('1.234,56')", D("1234.50")),
    ("'1234,50' | decimal('1.234,56')", D("1234.50")),
    ("'1,234,567.8' | decimal('1,234.56')", D("1234567.8")),
    ("'1 234,5' | decimal('1 234,56')", D("1234.5")),
    ("'1\u00a0234,5' | decimal('1 234,56')", D("1234.5")),
    ("'1''234.5' | decimal('1''234.56')", D("1234.5")),
    ("'12,5-' | decimal('1.234,56-')", D("-12.5")),
    ("'1.234' | decimal('1.234')", D("1234")),
    ("'12345' | implied(2)", D("123.45")),
    ("'-5' | implied(2)", D("-0.05")),
    ("2.345 | round(2)", D("2.35")),
    ("2.345 | round(2, 'half even')", D("2.34")),
    ("2.5 | round", D("3")),
    ("-4.5 | abs", D("4.5")),
    ("-4 | abs", 4),
    ("4.5 | negate", D("-4.5")),
    ("4 | negate", -4),
    ("'20261121' | date_by('102')", dt.date(2026, 11, 21)),
    ("'261121' | date_by('101')", dt.date(2026, 11, 21)),
    ("'202611212359' | date_by('203')", dt.date(2026, 11, 21)),
    ("'2611212359' | date_by('201')", dt.date(2026, 11, 21)),
    ("'211126' | date_by('2')", dt.date(2026, 11, 21)),
    ("'20261121-20261130' | date_by('718')", dt.date(2026, 11, 21)),
    ("'20261121-20261130' | date_by('RD8')", dt.date(2026, 11, 21)),
    ("10 | divide(3, 2)", D("3.33")),
    ("2 | divide(3, 2)", D("0.67")),
    ("1 | divide(8, 2, 'half even')", D("0.12")),
    ("'31.12.2026' | date('dd.mm.yyyy')", dt.date(2026, 12, 31)),
    ("'1.2.2026' | date('d.m.yyyy')", dt.date(2026, 2, 1)),
    ("'05-jan-26' | date('dd-mmm-yy')", dt.date(2026, 1, 5)),
    ("'2026-12-31' | date", dt.date(2026, 12, 31)),
    ("'700101' | date('yymmdd')", dt.date(1970, 1, 1)),
    ("'691231' | date('yymmdd')", dt.date(2069, 12, 31)),
    ("'691231' | date('yymmdd', pivot=1950)", dt.date(1969, 12, 31)),
    ("'00000000' | date('yyyymmdd', none='00000000')", NONE),
    ("'20280229' | date('yyyymmdd')", dt.date(2028, 2, 29)),
    ("'2026-12-31T23:30:00+01:00' | datetime", dt.datetime(2026, 12, 31, 22, 30, tzinfo=dt.UTC)),
    ("'2026-12-31T23:30:00Z' | datetime", dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC)),
    ("'202612312330' | datetime('yyyymmddhhmi', zone='-05:00')", dt.datetime(2027, 1, 1, 4, 30, tzinfo=dt.UTC)),
    ("'2026-07-01T12:00:00' | datetime(zone='Europe/Berlin')", dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)),
    ("'23:30' | time('hh:mi')", dt.time(23, 30)),
    ("'23:30:15.5' | time", dt.time(23, 30, 15, 500000)),
    ("'2026-12-31' | date | year", 2026),
    ("'2026-12-31' | date | month", 12),
    ("'2026-12-31' | date | day", 31),
    ("'PC' | code(units)", "EA"),
    ("'10' | code(product-groups)", "tools"),
    ("'10' | code('product-groups')", "tools"),
    ("'XX' | code(units, other='KG')", "KG"),
    ("'a;;b' | split(';') | count", 2),
    ("'1;2.5' | split(';') | sum", D("3.5")),
    ("'1;2' | split(';') | int | sum", 3),
    ("';b' | split(';') | first", "b"),
    ("'a;' | split(';') | last", "a"),
    ("'10;9' | split(';') | int | min", 9),
    ("'10;9' | split(';') | int | max", 10),
    ("'a; b' | split(';') | strip | join(', ')", "a, b"),
    ("'ab' | split(';') | join", "ab"),
    ("every('1;2' | split(';') | int > 0)", True),
    ("every('1;2' | split(';') | int > 1)", False),
    ("some('1;2' | split(';') | int > 1)", True),
    ("some('1;2' | split(';') | int > 2)", False),
    ("if('a' == 'b', 1, 2)", 2),
    ("if('a' != 'b', 1, 2)", 1),
    ("if('a' == 'b', 1)", NONE),
    ("'' | default('x')", "x"),
    ("'y' | default('x')", "y"),
    ("'x' | optional", "x"),
    ("'x' | required", "x"),
    ("'x' | present", True),
    ("'' | present", False),
    ("5 | present", True),
    ("'N/A' | none('N/A', '-')", NONE),
    ("'a' | none('N/A', '-')", "a"),
    ("'J' | bool('J', 'N')", True),
    ("'N' | bool('J', 'N')", False),
    ("'3' | equals(3.0)", True),
    ("'b' | one_of('a', 'b')", True),
    ("'c' | one_of('a', 'b')", False),
    ("not('a' == 'b')", True),
    ("all(1 < 2, 2 < 3)", True),
    ("all(1 < 2, 3 < 3)", False),
    ("any(1 > 2, 2 < 3)", True),
    ("any(1 > 2, gone == 3)", NONE),
    ("any(1 < 2, gone == 3)", True),
    ("all(1 < 2, gone == 3)", NONE),
    ("all(1 > 2, gone == 3)", False),
    # operators
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("7 / 2", D("3.5")),
    ("0.1 + 0.2", D("0.3")),
    ("'1.5' * 2", D("3.0")),
    ("'a' & 1 & 'b'", "a1b"),
    ("'PO-' & gone", NONE),
    ("'A' & ' ' & gone & ('x' & gone)", NONE),
    ("present & ' ' & gone", "here "),
    ("gone ?? '' ?? 'x'", "x"),
    ("gone + 1", NONE),
    ("gone == 1", NONE),
    ("'3' == 3", True),
    ("3 <= 3.0", True),
    ("'2026-01-01' | date < '2026-01-02'", True),
    ("('2026-01-01' | date) >= '2026-01-02'", False),
]


@pytest.mark.parametrize(("written", "value"), GOOD, ids=[written for written, _ in GOOD])
def test_a_good_value_gives(written: str, value: Any) -> None:
    result, faults = computed(written, {"present": "here"})
    assert faults == ()
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_row_of_the_table_is_documented_by_an_example_that_works(name: str) -> None:
    function = FUNCTIONS[name]
    assert function.about.endswith(".")
    assert name in function.example
    written = function.example
    if name == "pair":
        result, faults = computed(written, loop("PO1*1*2*EA*3**VP*SKU"), "x12")
    else:
        result, faults = computed(written)
    assert faults == ()
    assert result is not None


GIVES_VALUE = {"count": 0, "sum": 0, "every": True, "some": False, "present": False, "default": "x"}


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"if", "pair", "required"}))
def test_null_passes_through_unless_the_table_says_otherwise(name: str) -> None:
    function = FUNCTIONS[name]
    made: dict[str, str] = {"text": "'x'", "count": "1", "table": "units", "value": "'x'"}
    arguments = [
        "'half up'" if argument.among else made[argument.kind]
        for argument in function.arguments
        if argument.kind != "null" and argument.default is not None and not isinstance(argument.default, (str, int))
    ]
    if name == "divide":
        arguments = ["2", "2"]
    if name in ("all", "any"):
        arguments = ["gone == 1"]
    head = "gone == 1" if name in ("all", "any", "not", "every", "some") else "gone"
    written = f"({head}) | {name}" + (f"({', '.join(arguments)})" if arguments else "")
    result, faults = computed(written + (" | first" if name == "split" else ""))
    assert faults == ()
    assert result == GIVES_VALUE.get(name)
    assert (name in GIVES_VALUE or name in ("all", "any", "first", "last", "min", "max", "join")) == (
        function.null != "null passes through"
    )


def test_required_makes_null_a_fault_even_where_the_contract_allows_it() -> None:
    result, (fault,) = computed("gone | required")
    assert result is None
    assert (fault.code, fault.message) == (
        "mapping.missing",
        "it is required by record.v1, but gone is empty or missing",
    )


BAD = [
    ("'12,5O' | decimal", "mapping.number", "'12,5O' is not a number: the last character is the letter O"),
    ("'12,5O' | decimal('1.234,56')", "mapping.number", "'12,5O' is not a number: the last character is the letter O"),
    ("'NaN' | decimal", "mapping.number", "'NaN' is not a number: the first character is the letter N"),
    ("'Infinity' | decimal", "mapping.number", "'Infinity' is not a number: the first character is the letter I"),
    ("'1_000' | decimal", "mapping.number", "'1_000' is not a number: character 2 is an underscore"),
    ("'1_000' | int", "mapping.number", "'1_000' is not a whole number: character 2 is an underscore"),
    ("'١٢' | int", "mapping.number", "'١٢' is not a whole number: the first character is ARABIC-INDIC DIGIT ONE"),
    ("'²' | int", "mapping.number", "'²' is not a whole number: the first character is SUPERSCRIPT TWO"),
    ("'1e9' | decimal", "mapping.number", "'1e9' is not a number: character 2 is the letter e"),
    ("'12.0' | int", "mapping.number", "'12.0' is not a whole number"),
    ("'12,5' | decimal", "mapping.number", "'12,5' is not a number written like 1234.56: character 3 is a comma"),
    ("'12.34,5' | decimal('1.234,56')", "mapping.number", "'12.34,5' is not a number written like 1.234,56"),
    ("'1,5' | decimal('1,234.56')", "mapping.number", "'1,5' is not a number written like 1,234.56"),
    ("'5.' | decimal", "mapping.number", "'5.' is not a number written like 1234.56"),
    ("'--5' | int", "mapping.number", "'--5' is not a whole number written like 1234"),
    ("' 5' | int", "mapping.number", "' 5' begins with white space"),
    ("'5 ' | decimal", "mapping.number", "'5 ' ends with white space"),
    ("long | decimal", "mapping.number", "…' is not a number: it has 5000 characters"),
    ("'12.5' | implied(2)", "mapping.number", "'12.5' is not a whole number"),
    ("'x' | round", "mapping.number", "'x' is not a number: the first character is the letter x"),
    ("'x' | abs", "mapping.number", "'x' is not a number"),
    ("'x' | negate", "mapping.number", "'x' is not a number"),
    ("1 / 3", "mapping.arithmetic", "1 / 3 has no exact result"),
    ("1 / 0", "mapping.arithmetic", "1 / 0 cannot be calculated"),
    ("0 / 0", "mapping.arithmetic", "0 / 0 cannot be calculated"),
    ("1 | divide(0, 2)", "mapping.arithmetic", "1 / 0 cannot be calculated"),
    ("'202647' | date_by('616')", "mapping.date", "'202647' is of the format '616', which has no known day"),
    ("'2612112359' | date_by('102')", "mapping.date", "'2612112359' is not a date of the format 102"),
    ("'20261131' | date_by('D8')", "mapping.date", "'20261131' is not a date: November 2026 has 30 days"),
    ("'2026-02-30' | date", "mapping.date", "'2026-02-30' is not a date: February 2026 has 28 days, not a day 30"),
    ("'20260230' | date('yyyymmdd')", "mapping.date", "February 2026 has 28 days"),
    ("'20261301' | date('yyyymmdd')", "mapping.date", "'20261301' is not a date: there is no month 13"),
    ("'00000000' | date('yyyymmdd')", "mapping.date", "'00000000' is not a date: there is no month 0"),
    ("'2026022O' | date('yyyymmdd')", "mapping.date", "written like 'yyyymmdd': the last character is the letter O"),
    ("'\u0662\u0660260101' | date('yyyymmdd')", "mapping.date", "the first character is ARABIC-INDIC DIGIT TWO"),
    ("'5.1.2026' | date('dd.mm.yyyy')", "mapping.date", "'5.1.2026' is not a date written like 'dd.mm.yyyy'"),
    ("'05-JUX-2026' | date('dd-mmm-yyyy')", "mapping.date", "'JUX' is no month"),
    ("' 20260101' | date('yyyymmdd')", "mapping.date", "' 20260101' begins with white space"),
    ("'2026-01-01T00:00:00' | datetime", "mapping.date", "is not a date and time written like"),
    ("'2026-10-25T02:30:00' | datetime(zone='Europe/Berlin')", "mapping.date", "is not one moment in Europe/Berlin"),
    ("'2026-03-29T02:30:00' | datetime(zone='Europe/Berlin')", "mapping.date", "is not one moment in Europe/Berlin"),
    ("'0001-01-01T00:00:00+05:00' | datetime", "mapping.date", "lies outside the calendar"),
    ("'2026-01-01T00:00:00+99:00' | datetime", "mapping.date", "there is no offset +99:00"),
    ("'24:00' | time", "mapping.time", "'24:00' is not a time: there is no hour 24"),
    ("'9:30' | time", "mapping.time", "'9:30' is not a time written like 'hh:mi:ss' or 'hh:mi'"),
    ("'P' | code(units)", "mapping.code", "'P' is not a code of the table units"),
    ("'x' | bool('J', 'N')", "mapping.text", "'x' is neither 'J' nor 'N'"),
    ("'1;x' | split(';') | sum", "mapping.number", "'x' is not a number"),
    ("'1;x' | split(';') | int | max", "mapping.number", "'x' is not a whole number"),
    ("'x' == 3", "mapping.number", "'x' is not a number"),
    ("'x' | equals(3)", "mapping.number", "'x' is not a number"),
    ("object | strip", "mapping.type", "an object is not a text"),
    ("flag | strip", "mapping.type", "true is not a text"),
    ("object == 3", "mapping.type", "'an object' is not a number"),
    ("long < other", "mapping.type", "have no order"),
    ("flag == 1", "mapping.type", "'true' and '1' cannot be compared"),
    ("not(long)", "mapping.type", "is neither true nor false"),
    ("long | year", "mapping.type", "is not a date"),
    ("object & 'x'", "mapping.type", "an object is not a text"),
    ("'12.5' | text('dd')", "mapping.type", "'12.5' is not a date"),
]


@pytest.mark.parametrize(("written", "code", "message"), BAD, ids=[written for written, _, _ in BAD])
def test_nothing_is_guessed(written: str, code: str, message: str) -> None:
    content = {"object": {"a": 1}, "flag": True, "long": "7" * 5000, "other": "8"}
    result, (fault,) = computed(written, content)
    assert result is None
    assert fault.code == code
    assert message in fault.message
    assert len(fault.message) < 300
    assert fault.remedy.endswith(".")
    assert fault.target == "/it"


def test_an_unknown_code_names_the_nearest() -> None:
    _, (fault,) = computed("'ea' | code(units)")
    assert fault.remedy == "Did they mean 'EA'? Correct the value, or add the code to codes/units.csv."


def test_a_control_character_in_a_value_is_written_out() -> None:
    _, (fault,) = computed("it | decimal", {"it": "1\x002\n"})
    assert "\x00" not in fault.message
    assert "\\x00" in fault.message


@pytest.mark.parametrize(
    ("content", "result"),
    [
        pytest.param(loop("PO1*1*2*EA*3**BP*77*VP*SKU"), "SKU", id="the second pair"),
        pytest.param(loop("PO1*1*VP*EA*3**BP*77"), None, id="no pair, though an element reads VP"),
        pytest.param(loop("PO1*1*2*EA*3**BP*VP*VP*SKU"), "SKU", id="a value that reads like the qualifier"),
        pytest.param(loop("PO1*1*2*EA*3**VP"), None, id="a qualifier alone"),
        pytest.param(loop("PO1"), None, id="an empty segment"),
        pytest.param(loop(), None, id="no segment"),
    ],
)
def test_pair_finds_the_value_beside_its_qualifier(content: dict[str, Any], result: str | None) -> None:
    assert computed("PO1 | pair('VP')", content, "x12") == (result, ())


def test_pair_in_edifact_stands_before_its_qualifier() -> None:
    content = {"PIA": [["PIA", "5", ["ABC", "SA"], (["X", "IN"], ["DEF", "BP"])]]}
    assert computed("PIA | pair('SA')", content, "edifact") == ("ABC", ())
    assert computed("PIA | pair('BP')", content, "edifact") == ("DEF", ())
    assert computed("PIA | pair('ZZ')", content, "edifact") == (None, ())


def test_pair_asks_where_the_pairs_begin_of_a_segment_it_does_not_know() -> None:
    content = loop("ZZZ*1*VP*SKU")
    _, (fault,) = computed("ZZZ | pair('VP')", content, "x12")
    assert fault.message == "where the pairs of ZZZ begin is not known"
    assert computed("ZZZ | pair('VP', 2)", content, "x12") == ("SKU", ())


def test_pair_looks_through_all_segments_of_the_path() -> None:
    content = loop("LIN**BP*1", "LIN**VP*2")
    assert computed("LIN | pair('VP')", content, "x12") == ("2", ())


@pytest.mark.parametrize(
    ("written", "result"),
    [("20260105", dt.date(2026, 1, 5)), ("260105", dt.date(2026, 1, 5))],
)
def test_dates_in_x12_have_eight_or_six_digits(written: str, result: dt.date) -> None:
    assert computed("BEG05 | date", loop(f"BEG*00*SA*1**{written}"), "x12") == (result, ())


def test_times_in_x12_have_four_or_more_digits() -> None:
    assert computed("DTM03 | time", loop("DTM*002*20260105*2359"), "x12") == (dt.time(23, 59), ())
    assert computed("DTM03 | time", loop("DTM*002*20260105*235958"), "x12") == (dt.time(23, 59, 58), ())


def test_a_decimal_in_edifact_may_have_a_comma() -> None:
    content = {"QTY": [["QTY", ["21", "12,5"]]]}
    assert computed("QTY[21].01.02 | decimal", content, "edifact") == (D("12.5"), ())


@pytest.mark.parametrize(
    ("content", "written", "value"),
    [
        pytest.param({"n": 4711}, "n | text", "4711", id="a number as text"),
        pytest.param({"n": 4711}, "n | pad(6)", "004711", id="a number given to a text function"),
        pytest.param({"n": 20260105}, "n | date('yyyymmdd')", dt.date(2026, 1, 5), id="a date kept as a number"),
        pytest.param({"n": 0}, "n | date('yyyymmdd', none='0')", None, id="zero for no date"),
        pytest.param({"n": D("1.50")}, "n | decimal", D("1.50"), id="a fraction"),
        pytest.param({"n": D("1E+2")}, "n | text", "100", id="an exponent is written out"),
        pytest.param({"n": 5}, "n | int", 5, id="an int"),
        pytest.param({"n": 0}, "n ?? 7", 0, id="zero is not null"),
        pytest.param({"n": False}, "n ?? true", False, id="false is not null"),
        pytest.param({"n": ""}, "n ?? 7", 7, id="an empty text is null"),
        pytest.param({"n": None}, "n ?? 7", 7, id="null"),
        pytest.param({"a": {"b": ["x", "y"]}}, "a.b | join('+')", "x+y", id="a list of texts"),
        pytest.param({"a": [{"b": 1}, {"b": 2}, {}]}, "a.b | sum", 3, id="members of a list's objects"),
        pytest.param({"a": 3}, "a.b ?? 'x'", "x", id="a member of a number"),
    ],
)
def test_values_of_json_keep_their_kind(content: dict[str, Any], written: str, value: Any) -> None:
    result, faults = computed(written, content)
    assert faults == ()
    assert result == value
    assert type(result) is type(value)
