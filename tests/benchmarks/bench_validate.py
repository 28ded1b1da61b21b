"""How fast records are judged: marshmallow alone against the function generated from the schema, in paired runs.

Run it alone with ``python -m tests.benchmarks.bench_validate``; no test reads the clock.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from gateway.configuration import CodeTable
from gateway.contracts import Contract, Field
from gateway.validate.compiled import DECLINED, compile_schema
from gateway.validate.judge import Judge
from gateway.validate.schema import contract_schema

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 9
SECONDS_OF_A_RUN = 0.08


def measure() -> list[dict[str, Any]]:
    """The figures: ``name, value, unit, runs``, and ``against, ratio, aim, met`` where there is an aim."""
    codes = {"ISO-4217": table("ISO-4217", "EUR", "USD", "GBP"), "groups": table("groups", "tools", "paint", "wood")}
    order = contract_schema(order_contract(), codes)
    return [
        *paired("flat record of 20 fields, contract", contract_schema(flat_contract(), codes), flat_record()),
        *paired("flat record of 20 fields, stock marshmallow fields", stock_flat(), flat_record()),
        *paired("order of 10 lines, contract", order, order_record()),
        *paired("order of 10 lines, stock marshmallow fields", stock_order(), order_record()),
        *price_judged(codes),
    ]


def paired(name: str, schema: Schema, record: dict[str, Any]) -> list[dict[str, Any]]:
    """What marshmallow and the generated function take for one record, in turns; the ratio is the pairs' median."""
    compiled = compile_schema(schema)
    assert compiled.accept(record) is not DECLINED
    assert compiled.accept(record) == schema.load(record)
    alone, ours = [], []
    for _ in range(RUNS):
        alone.append(microseconds(lambda: schema.load(record)))
        ours.append(microseconds(lambda: compiled.load(record)))
    ratio = median(slow / fast for slow, fast in zip(alone, ours, strict=True))
    return [
        {"name": f"{name}: marshmallow load", "value": round(median(alone), 2), "unit": "µs", "runs": RUNS},
        {
            "name": f"{name}: generated function",
            "value": round(median(ours), 2),
            "unit": "µs",
            "runs": RUNS,
            "against": "marshmallow load",
            "ratio": round(ratio, 1),
            "aim": "≥ 10 times as fast as marshmallow alone",
            "met": ratio >= 10,
        },
    ]


def price_judged(codes: dict[str, CodeTable]) -> list[dict[str, Any]]:
    """Judging a mapped price and writing its JSON."""
    judge = Judge(price_contract(), codes)
    record = {
        "sku": "AB-1234",
        "price": Decimal("1234.5600"),
        "currency": "EUR",
        "valid_from": dt.date(2026, 11, 1),
        "group": "tools",
    }

    def whole() -> bytes:
        value, _ = judge.judge(record)
        assert value is not None
        return judge.dump_json(value)

    value, _ = judge.judge(record)
    assert value is not None
    figures: dict[str, Callable[[], object]] = {
        "judge and dump_json": whole,
        "key": lambda: judge.key(value, None),
        "columns": lambda: judge.columns(value),
    }
    found = []
    for name, call in figures.items():
        taken = median(microseconds(call) for _ in range(RUNS))
        figure = {"name": f"price of 5 fields: {name}", "value": round(taken, 2), "unit": "µs", "runs": RUNS}
        found.append({**figure, "aim": "≤ 4 µs", "met": taken <= 4} if call is whole else figure)
    return found


def microseconds(call: Callable[[], object]) -> float:
    """Processor time of one `call`, as many as fill a run."""
    calls, spent = 0, 0.0
    begun = process_time()
    while spent < SECONDS_OF_A_RUN:
        for _ in range(50):
            call()
        calls += 50
        spent = process_time() - begun
    return spent / calls * 1e6


def table(name: str, *members: str) -> CodeTable:
    """A code table without translation."""
    return CodeTable(name, {member: member for member in members}, frozenset(members))


def price_contract() -> Contract:
    """A price list's row."""
    return Contract(
        "price",
        2,
        "What an article costs",
        "pricing-team",
        ("sku",),
        (
            Field("sku", "text", low=Decimal(1), high=Decimal(22), pattern="[A-Z0-9-]+"),
            Field("price", "decimal", digits=12, places=4, low=Decimal(0)),
            Field("currency", "code", codes="ISO-4217"),
            Field("valid_from", "date"),
            Field("group", "code", codes="groups", required=False),
        ),
    )


def flat_contract() -> Contract:
    """Twenty fields of all scalar types, half of them optional."""
    return Contract(
        "flat",
        1,
        "",
        "",
        ("t0",),
        (
            *(Field(f"t{n}", "text", low=Decimal(1), high=Decimal(40), required=n < 4) for n in range(6)),
            *(Field(f"i{n}", "int", low=Decimal(0), required=n < 2) for n in range(4)),
            *(Field(f"d{n}", "decimal", digits=12, places=4, required=n < 2) for n in range(4)),
            *(Field(f"day{n}", "date", required=n < 1) for n in range(3)),
            Field("at", "datetime"),
            Field("ok", "bool", required=False),
            Field("currency", "code", codes="ISO-4217"),
        ),
    )


def flat_record() -> dict[str, Any]:
    """A mapped record: decimals, dates and numbers are values already."""
    return {
        **{f"t{n}": f"some text {n}" for n in range(6)},
        **{f"i{n}": 1000 + n for n in range(4)},
        **{f"d{n}": Decimal(f"12{n}.50") for n in range(4)},
        **{f"day{n}": dt.date(2026, 11, 1 + n) for n in range(3)},
        "at": dt.datetime(2026, 11, 1, 9, 30, tzinfo=dt.UTC),
        "ok": True,
        "currency": "EUR",
    }


def stock_flat() -> Schema:
    """The same twenty fields as one writes them with marshmallow alone."""
    return Schema.from_dict(
        {
            **{f"t{n}": fields.String(required=n < 4, validate=validate.Length(1, 40)) for n in range(6)},
            **{f"i{n}": fields.Integer(required=n < 2, validate=validate.Range(min=0)) for n in range(4)},
            **{f"d{n}": fields.Decimal(required=n < 2) for n in range(4)},
            **{f"day{n}": fields.Date(required=n < 1) for n in range(3)},
            "at": fields.AwareDateTime(required=True),
            "ok": fields.Boolean(),
            "currency": fields.String(required=True, validate=validate.OneOf(["EUR", "USD", "GBP"])),
        }
    )()


def order_contract() -> Contract:
    """An order with three parties and lines of six fields."""
    party = (Field("name", "text"), Field("city", "text", required=False), Field("country", "text", high=Decimal(2)))
    return Contract(
        "order",
        1,
        "",
        "",
        ("number",),
        (
            Field("number", "text", low=Decimal(1), high=Decimal(22)),
            Field("ordered_on", "date"),
            Field("currency", "code", codes="ISO-4217"),
            *(Field(name, "object", fields=party) for name in ("buyer", "seller", "ship_to")),
            Field(
                "lines",
                "list",
                low=Decimal(1),
                fields=(
                    Field("line", "int", low=Decimal(1)),
                    Field("sku", "text", pattern="[A-Z0-9-]+"),
                    Field("quantity", "decimal", above=Decimal(0)),
                    Field("unit", "text", high=Decimal(3)),
                    Field("price", "decimal", digits=12, places=4, low=Decimal(0)),
                    Field("text", "text", high=Decimal(80), required=False),
                ),
            ),
        ),
    )


def order_record() -> dict[str, Any]:
    """A mapped order of ten lines."""
    party = {"name": "Somebody Ltd", "city": "Köln", "country": "DE"}
    return {
        "number": "4711",
        "ordered_on": dt.date(2026, 11, 2),
        "currency": "EUR",
        **dict.fromkeys(("buyer", "seller", "ship_to"), party),
        "lines": [
            {
                "line": n,
                "sku": f"AB-{n:04}",
                "quantity": Decimal(n),
                "unit": "EA",
                "price": Decimal("12.5000"),
                "text": "a bolt with its nut",
            }
            for n in range(1, 11)
        ],
    }


def stock_order() -> Schema:
    """The same order as one writes it with marshmallow alone."""
    party = Schema.from_dict(
        {
            "name": fields.String(required=True),
            "city": fields.String(),
            "country": fields.String(required=True, validate=validate.Length(max=2)),
        }
    )
    line = Schema.from_dict(
        {
            "line": fields.Integer(required=True, validate=validate.Range(min=1)),
            "sku": fields.String(required=True, validate=validate.Regexp("[A-Z0-9-]+$")),
            "quantity": fields.Decimal(required=True, validate=validate.Range(min=0, min_inclusive=False)),
            "unit": fields.String(required=True, validate=validate.Length(max=3)),
            "price": fields.Decimal(required=True, validate=validate.Range(min=0)),
            "text": fields.String(validate=validate.Length(max=80)),
        }
    )
    return Schema.from_dict(
        {
            "number": fields.String(required=True, validate=validate.Length(1, 22)),
            "ordered_on": fields.Date(required=True),
            "currency": fields.String(required=True, validate=validate.OneOf(["EUR", "USD", "GBP"])),
            **{name: fields.Nested(party, required=True) for name in ("buyer", "seller", "ship_to")},
            "lines": fields.List(fields.Nested(line), required=True, validate=validate.Length(min=1)),
        }
    )()


if __name__ == "__main__":
    for figure in measure():
        print(figure)
