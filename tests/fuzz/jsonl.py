"""JSON lines: any bytes, in any cut, are answered, and only line ends belong to nothing."""

from __future__ import annotations

from edi.model import Document
from tests.fuzz.invariants import answered


def one(data: bytes) -> None:
    """Hold the invariants for these bytes."""
    rest = bytearray(data)
    for item in answered("jsonl", data, {}):
        place = item if isinstance(item, Document) else item.position
        rest[place.start : place.end] = b" " * (place.end - place.start)
    assert not rest.replace(b"\xef\xbb\xbf", b"").strip(b" \t\r\n")
