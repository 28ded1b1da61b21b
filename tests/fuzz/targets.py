"""The targets by name, and the samples that each begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.edi.corpus import cases
from tests.fuzz import csv, edifact, fixed, json, jsonl, x12, xml

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS: dict[str, Callable[[bytes], None]] = {
    "x12": x12.one,
    "edifact": edifact.one,
    "csv": csv.one,
    "fixed": fixed.one,
    "xml": xml.one,
    "json": json.one,
    "jsonl": jsonl.one,
}
FOLDERS = {"fixed": "positional"}
_CHOOSING = {"csv": csv.DECLARATIONS, "fixed": fixed.DECLARATIONS, "json": json.DECLARATIONS, "xml": xml.DECLARATIONS}
CHOICES = {name: len(declarations) for name, declarations in _CHOOSING.items()}
"""How many declarations the first byte chooses from."""


def seeds(name: str) -> list[bytes]:
    """The samples of the corpus as the target takes them: where the first byte chooses, once with each choice."""
    samples = [path.read_bytes() for path in cases(FOLDERS.get(name, name))]
    choices = [bytes([choice]) for choice in range(CHOICES.get(name, 0))] or [b""]
    return [choice + sample for sample in samples for choice in choices]
