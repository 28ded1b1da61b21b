"""X12: any bytes, in any cut, are answered, and none is lost."""

from __future__ import annotations

from edi.segmented.walk.window import EBCDIC
from edi.x12.scanner import events
from edi.x12.writing import write
from tests.fuzz.invariants import answered, conserved, written_again


def one(data: bytes) -> None:
    """Hold the invariants for these bytes."""
    items = answered("x12", data, {})
    written_again("x12", write, items, {"time": "2026-01-02T10:10", "trimmed": "false"})
    is_ebcdic = data.lstrip(b"\0\x40\x15\x25\x0d").startswith("ISA".encode(EBCDIC))
    conserved(events, data, {}, encoding=EBCDIC if is_ebcdic else "latin-1")
