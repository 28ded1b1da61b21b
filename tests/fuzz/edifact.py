"""EDIFACT: any bytes, in any cut, are answered, and none is lost."""

from __future__ import annotations

from edi.edifact.scanner import events
from edi.edifact.writing import write
from tests.fuzz.invariants import answered, conserved, written_again


def one(data: bytes) -> None:
    """Hold the invariants for these bytes."""
    items = answered("edifact", data, {})
    written_again("edifact", write, items, {"time": "2026-01-02T10:10", "trimmed": "false"})
    conserved(events, data, {})
