"""Every kind of difference between two contracts, and what it means for readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gateway.contracts import Contract, Field
from gateway.validate.compatibility import differences

STATUS = Field("status", "code", codes="order-status", filterable=True, sortable=True)
TOTAL = Field("total", "decimal", low=Decimal(0), high=Decimal(100), digits=12, places=2)
NUMBER = Field("number", "text", low=Decimal(1), high=Decimal(22), pattern="[0-9]+")
LINES = Field("lines", "list", fields=(Field("sku", "text"), Field("to", "object", fields=(Field("city", "text"),))))
ORDER = Contract("order", 1, "", "", ("number",), (NUMBER, STATUS, TOTAL, LINES), collection="orders")


def told(old: Contract | None, new: Contract | None, **codes: Any) -> list[str]:
    return [str(each) for each in differences([old] if old else [], [new] if new else [], **codes)]


def changed(field: Field) -> Contract:
    return replace(ORDER, fields=tuple(field if each.name == field.name else each for each in ORDER.fields))


def test_what_is_alike_differs_in_nothing() -> None:
    assert told(ORDER, ORDER) == []
    assert told(ORDER, replace(ORDER, about="other words", owner="others", keep="7y")) == []


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (replace(TOTAL, type="text"), "breaking  order.v1 total: is text instead of decimal"),
        (replace(TOTAL, required=False), "breaking  order.v1 total: may be missing"),
        (replace(STATUS, filterable=False), "breaking  order.v1 status: can no more be filtered by"),
        (replace(STATUS, sortable=False), "breaking  order.v1 status: can no more be sorted by"),
        (replace(TOTAL, sortable=True), "added     order.v1 total: can be sorted by"),
        (replace(TOTAL, pii=True), "breaking  order.v1 total: is personal data now, null without its scope"),
        (replace(TOTAL, low=Decimal(-1)), "risky     order.v1 total: may be less, or shorter"),
        (replace(TOTAL, low=None), "risky     order.v1 total: may be less, or shorter"),
        (replace(TOTAL, high=Decimal(101)), "risky     order.v1 total: may be more, or longer"),
        (replace(TOTAL, places=3), "risky     order.v1 total: may have more digits"),
        (replace(NUMBER, pattern="[0-9a-f]+"), "risky     order.v1 number: is of another pattern"),
        (replace(STATUS, codes="others"), "risky     order.v1 status: is of the codes others instead of order-status"),
    ],
)
def test_a_field_that_changes(field: Field, line: str) -> None:
    assert told(ORDER, changed(field)) == [line]


@pytest.mark.parametrize(
    "field", [replace(TOTAL, low=Decimal(1)), replace(TOTAL, high=Decimal(9)), replace(TOTAL, digits=3)]
)
def test_less_than_before_breaks_nobody(field: Field) -> None:
    assert told(ORDER, changed(field)) == []


def test_fields_that_come_and_go_at_any_depth() -> None:
    fewer = replace(ORDER, fields=(NUMBER, STATUS, LINES))
    assert told(ORDER, fewer) == ["breaking  order.v1 total: is gone"]
    assert told(fewer, ORDER) == ["added     order.v1 total: is new"]
    deeper = replace(LINES, fields=(Field("sku", "text"), Field("to", "object", fields=(Field("town", "text"),))))
    assert told(ORDER, changed(deeper)) == [
        "breaking  order.v1 lines[].to.city: is gone",
        "added     order.v1 lines[].to.town: is new",
    ]


def test_codes_that_come_are_risky_and_those_that_go_are_not() -> None:
    old, new = {"order-status": frozenset({"open", "closed"})}, {"order-status": frozenset({"open", "lost"})}
    assert told(ORDER, ORDER, old_codes=old, new_codes=new) == ["risky     order.v1 status: may be lost"]


def test_the_contract_itself() -> None:
    assert told(ORDER, None) == ["breaking  order.v1 is gone"]
    assert told(None, ORDER) == ["added     order.v1 is new"]
    assert told(ORDER, replace(ORDER, collection="sales")) == ["breaking  order.v1 moves from /orders to /sales"]
    assert told(ORDER, replace(ORDER, per_partner=True)) == [
        "breaking  order.v1 its key is number per partner instead of number"
    ]
    leaving = replace(ORDER, deprecated=date(2026, 11, 1), sunset=date(2027, 6, 30))
    assert told(ORDER, leaving) == [
        "same      order.v1 is deprecated since 2026-11-01",
        "same      order.v1 is served until 2027-06-30",
    ]
