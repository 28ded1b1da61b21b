"""Text from the server → values, and back: nothing guessed, nothing lost."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Reject
from adapters.model import Column, Type
from adapters.values import FROM_TEXT, TO_TEXT, parameter, to_base64, to_bool, to_datetime, to_decimal, to_int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-9223372036854775808", -(2**63)),
        ("3.0", 3),
        ("1.0e+20", 10**20),
        pytest.param("1.5", "1.5", id="a fraction in a whole-number column"),
        pytest.param("1_000", "1_000", id="Python's own way to write numbers"),
        pytest.param("١٢", "١٢", id="digits of another script"),
        pytest.param(" 1", " 1", id="blanks"),
        ("", ""),
        ("abc", "abc"),
        ("1e999999999", "1e999999999"),
    ],
)
def test_whole_numbers(text: str, value: int | str) -> None:
    assert to_int(text) == value
    assert type(to_int(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("12.50", "12.50"), ("-.5", "-0.5"), ("1.0e+20", "100000000000000000000"), ("2.5E-3", "0.0025")],
)
def test_fractions_are_exact(text: str, shown: str) -> None:
    value = to_decimal(text)
    assert isinstance(value, Decimal)
    assert str(value) == shown


@pytest.mark.parametrize("text", ["NaN", "Infinity", "Inf", "12,5", "1_0.0", "", "1e1000", "$1.00"])
def test_what_is_no_number_stays_text(text: str) -> None:
    assert to_decimal(text) == text


def test_truth_has_few_spellings() -> None:
    assert [to_bool(text) for text in ("1", "0", "t", "F", "true", "FALSE")] == [True, False, True, False, True, False]
    assert to_bool("maybe") == "maybe"
    assert to_bool("2") == "2"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-21 06:55:00", "2026-11-21T06:55:00"),
        ("2026-11-21 06:55:00.123456+00", "2026-11-21T06:55:00.123456Z"),
        ("2026-11-21T06:55:00Z", "2026-11-21T06:55:00Z"),
        ("2026-11-21 06:55:00.500000", "2026-11-21T06:55:00.5"),
        ("2026-11-21 06:55:10.000000+00", "2026-11-21T06:55:10Z"),
        ("2026-11-21 06:55:00.050+02", "2026-11-21T06:55:00.05+02"),
        ("infinity", "infinity"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("12024-01-01 00:00:00", "12024-01-01 00:00:00"),
        ("0044-03-15 00:00:00 BC", "0044-03-15 00:00:00 BC"),
        ("2026-02-30 10:00:00", "2026-02-30 10:00:00"),
        ("2026-11-21 24:00:00", "2026-11-21 24:00:00"),
    ],
)
def test_times(text: str, value: str) -> None:
    assert to_datetime(text) == value


@given(st.text(), st.sampled_from(sorted(FROM_TEXT)))
def test_any_text_of_any_column_is_a_plain_value(text: str, kind: Type) -> None:
    convert = FROM_TEXT[kind]
    value = text if convert is None else convert(text)
    assert isinstance(value, (str, int, Decimal))
    if kind in ("text", "date", "time"):
        assert value == text


@given(st.integers())
def test_whole_numbers_come_back(number: int) -> None:
    assert to_int(str(number)) == number
    assert parameter(Column("n", "int", "int"), number) == str(number)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=9))
def test_fractions_come_back(number: Decimal) -> None:
    assert to_decimal(str(number)) == number


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    text = to_base64(data.hex())
    assert base64.b64decode(text) == data
    assert parameter(Column("b", "blob", "binary"), text) == data.hex().upper()


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("int", 7, "7"),
        ("decimal", Decimal("12.50"), "12.50"),
        ("bool", True, "1"),
        ("bool", "False", "0"),
        ("date", "2026-11-21", "2026-11-21"),
        ("datetime", "2026-11-21T06:55:00", "2026-11-21 06:55:00"),
        ("datetime", "2026-11-21T06:55:00.120Z", "2026-11-21 06:55:00.120"),
        ("datetime", "2026-11-21T06:55:00.120+02:00", "2026-11-21 04:55:00.12"),
        ("datetime", "2026-11-21", "2026-11-21"),
        ("time", "06:55", "06:55"),
        ("text", "it's; -- ?", "it's; -- ?"),
    ],
)
def test_a_callers_value_is_written_for_the_server(kind: Type, value: Any, text: str) -> None:
    assert parameter(Column("c", kind, kind), value) == text


@given(st.text(), st.sampled_from(sorted(TO_TEXT)))
def test_any_text_is_bound_or_refused(text: str, kind: Type) -> None:
    try:
        bound = parameter(Column("c", kind, kind), text)
    except Reject as error:
        refusal = error
    else:
        assert "\0" not in bound
        bound.encode()
        return
    assert refusal.code == "bad_value"
    assert refusal.remedy
