"""A record's JSON: what it looks like, and that nothing is lost in it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.validate.judge import Judge
from gateway.validate.ready_json import compile_dump
from tests.gateway.validate.samples import codes, order, record

JUDGE = Judge(order(), codes())


def test_the_json_is_in_the_contracts_order_and_nothing_is_lost() -> None:
    shuffled = dict(reversed(record().items()))
    value, _ = JUDGE.judge(shuffled)
    assert value is not None

    assert JUDGE.dump_json(value).decode() == (
        '{"number":"4711","ordered_on":"2026-11-02","currency":"EUR","buyer":"4012345000009",'
        '"ship_to":{"gln":"4098765000010","city":"Köln"},"sent_at":"2026-11-02T08:30:00Z","opens":"06:30:00",'
        '"urgent":true,"total":"1250.00","lines":['
        '{"line":1,"sku":"AB-1","item":"40123455","quantity":"10","unit":"EA","price":"100.00"},'
        '{"line":2,"sku":"AB-2","quantity":"2.5","unit":"KG","price":"100.0000"}]}'
    )


def test_absent_optional_fields_are_left_out() -> None:
    value, _ = JUDGE.judge({**record(), "total": None, "sent_at": None, "opens": None, "urgent": None})
    assert value is not None

    assert [
        name for name in json.loads(JUDGE.dump_json(value)) if name in ("total", "sent_at", "opens", "urgent")
    ] == []


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("1E-7", "0.0000001"), ("0E-9", "0.000000000"), ("-12.50", "-12.50"), ("0", "0")],
)
def test_decimals_are_texts_without_an_exponent(number: str, text: str) -> None:
    dump = compile_dump(Contract("thing", 1, "", "", (), (Field("n", "decimal"),)))

    assert dump({"n": Decimal(number)}) == f'{{"n":"{text}"}}'.encode()


def test_every_microsecond_of_a_time_is_written_as_it_is() -> None:
    dump = compile_dump(Contract("thing", 1, "", "", (), (Field("t", "time"), Field("at", "datetime"))))

    for place in range(6):
        time = dt.time(3, 4, 5, 10**place)
        moment = dt.datetime.combine(dt.date(2026, 1, 2), time, dt.UTC)
        written = json.loads(dump({"t": time, "at": moment}))

        assert written == {"t": time.isoformat(), "at": f"2026-01-02T{time.isoformat()}Z"}


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=22)


@given(
    number=TEXTS,
    on=st.dates(),
    at=st.none()
    | st.datetimes(timezones=st.timezones(), min_value=dt.datetime(2, 1, 1), max_value=dt.datetime(9998, 1, 1)),  # noqa: DTZ001 -- hypothesis adds the zone
    opens=st.none() | st.times(),
    urgent=st.none() | st.booleans(),
    total=st.none() | st.decimals(max_value=999_999_999, allow_nan=False, allow_infinity=False, places=4),
    price=st.decimals(0, 99_999_999, places=4),
)
@settings(max_examples=60, deadline=None)
def test_the_json_of_a_value_loads_to_the_same_value(price: Decimal, **top: Any) -> None:
    document = {**record(), "number": top["number"], "ordered_on": top["on"], "sent_at": top["at"]}
    document.update(opens=top["opens"], urgent=top["urgent"], total=top["total"])
    document["lines"][0]["price"] = price
    value, faults = JUDGE.judge(document)
    assert not faults
    assert value is not None

    written = JUDGE.dump_json(value)

    assert JUDGE.judge(json.loads(written)) == (value, ())
    assert JUDGE.dump_json(JUDGE.schema.load(json.loads(written))) == written
