"""XML: any bytes, under one of several declarations that the first byte chooses."""

from __future__ import annotations

from edi.formats import parse_format
from tests.fuzz.invariants import answered

DECLARATIONS = ("xml", "xml each=item", "xml ubl:Invoice-2.1", "xml order each=line", "xml document_bytes_max=200")


def one(data: bytes) -> None:
    """Hold the invariants for these bytes, all but the first."""
    _, _, message, options = parse_format(DECLARATIONS[data[0] % len(DECLARATIONS)] if data else "xml")
    answered("xml", data[1:], dict(options) | ({"message": message} if message else {}))
