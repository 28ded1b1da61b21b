"""How fast documents are mapped: nanoseconds per field, over values that repeat and values that do not.

Run it alone with ``python -m tests.benchmarks.bench_normalize``; no test reads the clock.
"""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any

from edi.model import Envelope
from gateway.normalize.compiler import compile_mapping
from tests.gateway.normalize.builders import (
    ACME_ORDERS,
    CODES,
    ORDER,
    X12,
    contract,
    integration,
    loop,
    loose,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 9
ROWS = 20_000
HEADER = ("Artikelnummer", "Preis", "gültig ab", "Warengruppe", "Menge", "Name")
PRICES = {
    "sku": "Artikelnummer | strip",
    "price": "Preis | decimal('1.234,56')",
    "currency": '"EUR"',
    "valid_from": "gültig ab | date('dd.mm.yyyy')",
    "group": "Warengruppe | code(product-groups)",
    "quantity": "Menge | int",
    "name": "Name | strip | upper ?? 'none'",
}


def measure() -> list[dict[str, Any]]:
    """The figures: ``name, value, unit, runs``, and ``against, ratio, aim, met`` where there is an aim."""
    price = contract(*loose("sku", "price:decimal", "currency", "valid_from:date", "group", "quantity:int", "name"))
    csv = compile_mapping(integration("csv", PRICES), price, columns=HEADER, codes=CODES).function
    x12 = compile_mapping(integration("x12", ACME_ORDERS, "count(lines) == CTT01"), ORDER, codes=CODES).function
    envelope = Envelope("csv", columns=HEADER)
    return [
        figure("CSV row of 7 fields, values repeat", csv, rows(60), envelope, 7),
        figure("CSV row of 7 fields, no price or quantity twice", csv, rows(ROWS), envelope, 7),
        figure("X12 order of 10 lines", x12, [order()] * 200, X12, 7 + 10 * 6),
    ]


def figure(
    name: str, function: Callable[..., Any], contents: Sequence[Any], envelope: Envelope, fields: int
) -> dict[str, Any]:
    """Nanoseconds per field, the median of several runs."""
    runs = []
    for _ in range(RUNS):
        start = process_time()
        for content in contents:
            function(content, envelope)
        runs.append((process_time() - start) / len(contents) / fields * 1e9)
    value = median(runs)
    return {"name": name, "value": round(value), "unit": "ns/field", "runs": RUNS, "aim": "≤ 485", "met": value <= 485}


def rows(distinct: int) -> list[list[str]]:
    """Rows of a price list with so many different prices and quantities."""
    return [
        [
            f"A{number:06} ",
            f"{number % distinct // 100 + 1}.{number % distinct % 100:03},{number % 90 + 10}",
            f"{number % 28 + 1:02}.{number % 12 + 1:02}.2026",
            "10",
            str(number % distinct),
            f" widget {number}",
        ]
        for number in range(ROWS)
    ]


def order() -> dict[str, Any]:
    """An order of ten lines."""
    lines = [
        [f"PO1*{number}*{number * 10}*EA*1.{number}**VP*SKU-{number}", ["PID*F****Widget"]] for number in range(10)
    ]
    return loop(
        "BEG*00*SA*4711**20260228",
        "DTM*002*20260315",
        ["N1*BY*Acme*9*4012345000009"],
        ["N1*ST*Acme Plant*9*4012345000016", "N4*Springfield*IL"],
        *lines,
        ["CTT*10"],
    )


if __name__ == "__main__":
    for line in measure():
        print(f"{line['name']:50} {line['value']:>6} {line['unit']}  (aim {line['aim']})")
