"""The contracts and records that these tests share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gateway.configuration import CodeTable
from gateway.contracts import Contract, Field


def codes() -> dict[str, CodeTable]:
    return {
        "ISO-4217": table("ISO-4217", "EUR", "USD", "GBP"),
        "units": table("units", "EA", "BX", "KG"),
    }


def table(name: str, *members: str) -> CodeTable:
    return CodeTable(name, {member: member for member in members}, frozenset(members))


def order() -> Contract:
    """Every type of field, nested and in a list."""
    return Contract(
        name="order",
        version=1,
        about="A purchase order as the ERP understands it",
        owner="orders-team",
        key=("number",),
        per_partner=True,
        fields=(
            Field("number", "text", low=Decimal(1), high=Decimal(22)),
            Field("ordered_on", "date", sortable=True),
            Field("currency", "code", codes="ISO-4217", filterable=True),
            Field("buyer", "gln"),
            Field(
                "ship_to",
                "object",
                fields=(Field("gln", "gln"), Field("city", "text", required=False, high=Decimal(20), pii=True)),
            ),
            Field("sent_at", "datetime", required=False, filterable=True),
            Field("opens", "time", required=False),
            Field("urgent", "bool", required=False, filterable=True),
            Field("total", "decimal", required=False, filterable=True, below=Decimal("1E+9")),
            Field(
                "lines",
                "list",
                low=Decimal(1),
                fields=(
                    Field("line", "int", low=Decimal(1)),
                    Field("sku", "text", pattern="[A-Z0-9-]+"),
                    Field("item", "gtin", required=False),
                    Field("quantity", "decimal", above=Decimal(0)),
                    Field("unit", "code", codes="units"),
                    Field("price", "decimal", digits=12, places=4, low=Decimal(0)),
                ),
            ),
        ),
    )


def record() -> dict[str, Any]:
    """A good order in JSON's own types, with every field."""
    return {
        "number": "4711",
        "ordered_on": "2026-11-02",
        "currency": "EUR",
        "buyer": "4012345000009",
        "ship_to": {"gln": "4098765000010", "city": "Köln"},
        "sent_at": "2026-11-02T09:30:00+01:00",
        "opens": "06:30",
        "urgent": True,
        "total": "1250.00",
        "lines": [
            {"line": 1, "sku": "AB-1", "item": "40123455", "quantity": "10", "unit": "EA", "price": "100.00"},
            {"line": 2, "sku": "AB-2", "quantity": "2.5", "unit": "KG", "price": "100.0000"},
        ],
    }
