"""Keys, typed columns and what a query compares them with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.errors import Stop
from gateway.validate.columns import compile_columns, compile_key, parse_column
from gateway.validate.judge import Judge
from tests.gateway.validate.samples import codes, order, record


def keyed(*fields: Field, per_partner: bool = False) -> Contract:
    return Contract("thing", 1, "", "", tuple(field.name for field in fields), fields, per_partner=per_partner)


def test_columns_are_the_key_and_the_filterable_and_sortable_fields() -> None:
    judge = Judge(order(), codes())
    value, _ = judge.judge(record())
    assert value is not None

    assert [field.name for field in order().columns()] == [
        *("number", "ordered_on", "currency", "sent_at", "urgent", "total")
    ]
    assert judge.columns(value) == ("4711", "2026-11-02", "EUR", "2026-11-02T08:30:00.000000Z", 1, Decimal("1250.00"))


def test_an_absent_field_is_none() -> None:
    columns = compile_columns(order())

    assert columns({"number": "1", "ordered_on": dt.date(2026, 1, 2), "currency": "EUR"}) == (
        *("1", "2026-01-02", "EUR", None, None, None),
    )


@given(st.datetimes(timezones=st.just(dt.UTC)), st.datetimes(timezones=st.just(dt.UTC)))
def test_moments_sort_as_texts_as_they_sort_in_time(one: dt.datetime, other: dt.datetime) -> None:
    columns = compile_columns(Contract("thing", 1, "", "", (), (Field("at", "datetime", sortable=True),)))

    (first,), (second,) = columns({"at": one}), columns({"at": other})
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert (first < second) == (one < other)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "a", "a"),
        ("code", "EUR", "EUR"),
        ("int", "12", 12),
        ("decimal", "12.50", Decimal("12.50")),
        ("date", "2026-01-02", "2026-01-02"),
        ("datetime", "2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000000Z"),
        ("time", "03:04", "03:04:00.000000"),
        ("bool", "true", 1),
        ("bool", "false", 0),
    ],
)
def test_a_query_text_becomes_what_the_column_holds(kind: str, text: str, value: Any) -> None:
    assert parse_column(Field("f", kind), text) == value
    assert type(parse_column(Field("f", kind), text)) is type(value)


def test_a_query_text_of_another_type_says_what_is_expected() -> None:
    with pytest.raises(ValueError) as refusal:
        parse_column(Field("total", "decimal"), "many")

    assert str(refusal.value) == "total must be a decimal number such as 1234.50, but is 'many'"


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        ("text", "4711", "4711"),
        ("text", "a/b c~d%", "a%2Fb%20c%7Ed%25"),
        ("text", "Köln", "K%C3%B6ln"),
        ("int", -3, "-3"),
        ("decimal", Decimal("1.50"), "1.5"),
        ("decimal", Decimal(100), "100"),
        ("decimal", Decimal(12345678901234567890123456789012345678), "12345678901234567890123456789012345678"),
        ("date", dt.date(2026, 1, 2), "2026-01-02"),
        ("datetime", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03%3A04%3A05Z"),
        ("bool", True, "true"),
    ],
)
def test_a_key_can_stand_in_a_url(kind: str, value: Any, key: str) -> None:
    assert compile_key(keyed(Field("k", kind)))({"k": value}, None) == key


def test_the_partner_comes_first_where_keys_are_per_partner() -> None:
    key = compile_key(keyed(Field("number", "text"), Field("line", "int"), per_partner=True))

    assert key({"number": "47~11", "line": 3}, "acme") == "acme~47%7E11~3"
    with pytest.raises(Stop, match="this source has no partner"):
        key({"number": "4711", "line": 3}, None)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=2))
def test_a_key_says_its_parts(parts: list[str]) -> None:
    key = compile_key(keyed(Field("a", "text"), Field("b", "text")))({"a": parts[0], "b": parts[1]}, None)

    assert [unquote(part) for part in key.split("~")] == parts
    assert key.isascii()
