"""Positional records: any bytes, under one of several declarations that the first byte chooses."""

from __future__ import annotations

from edi.formats import parse_format
from tests.edi.corpus import LAYOUTS
from tests.fuzz.invariants import answered

DECLARATIONS = (
    "fixed sku:1-8 price:9-14:number",
    "fixed cp037 sku:1-8 price:9-14:number",
    *(f"fixed layout={name}" for name in sorted(LAYOUTS)),
)


def one(data: bytes) -> None:
    """Hold the invariants for these bytes, all but the first."""
    *_, options = parse_format(DECLARATIONS[data[0] % len(DECLARATIONS)] if data else DECLARATIONS[0], LAYOUTS)
    answered("fixed", data[1:], dict(options))
