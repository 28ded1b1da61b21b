"""Delimited text: any bytes, under one of several declarations that the first byte chooses."""

from __future__ import annotations

from edi.formats import parse_format
from tests.fuzz.invariants import answered

DECLARATIONS = (
    "csv",
    "csv header",
    "csv ; windows-1252 header",
    "csv tab",
    "csv pipe iso-8859-1 header",
    "csv , header field_bytes_max=40",
)


def one(data: bytes) -> None:
    """Hold the invariants for these bytes, all but the first."""
    *_, options = parse_format(DECLARATIONS[data[0] % len(DECLARATIONS)] if data else "csv")
    answered("csv", data[1:], dict(options))
