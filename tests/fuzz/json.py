"""JSON documents: any bytes, in any cut, are answered; what is left belongs to the brackets around the documents."""

from __future__ import annotations

from edi.formats import parse_format
from tests.fuzz.invariants import answered

DECLARATIONS = ("json", "json each=orders", "json each=data.orders document_bytes_max=64")


def one(data: bytes) -> None:
    """Hold the invariants for these bytes; the first one chooses the declaration."""
    *_, options = parse_format(DECLARATIONS[data[0] % len(DECLARATIONS)] if data else DECLARATIONS[0])
    answered("json", data[1:], dict(options))
