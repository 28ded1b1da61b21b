"""EDIFACT: any bytes, in any cut, are answered, and none is lost."""

from __future__ import annotations

from edi.edifact.scanner import events
from tests.fuzz.invariants import answered, conserved


def one(data: bytes) -> None:
    """Hold the invariants for these bytes."""
    answered("edifact", data, {})
    conserved(events, data, {})
