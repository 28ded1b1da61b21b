"""What is wrong, or worth a note, in a file: where, what, and what to do about it.

A finding that belongs to one document travels with it (``Document.findings``). One that a reader yields by itself is
about the file or an interchange: with the severity ``error`` it puts the whole file in doubt (truncated, a count that
disagrees), with ``warning`` or ``note`` it does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error holds what it is about, the others are told only."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a finding: a byte span of the file, and the same place in the format's own words.

    `start` is inclusive and `end` exclusive, in bytes from 0; ``start == end`` says "here something is missing".
    `line`, `segment` (in its transaction set or message, ST and UNH being 1), `element` and `component` count from 1.
    """

    start: int
    end: int
    line: int | None = None
    segment: int | None = None
    tag: str | None = None
    element: int | None = None
    component: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a reader noticed. `value` is the quoted text at the position, cut to 200 characters.

    `code` is a key of :data:`CODES` (of another package's table for findings that are made there).
    """

    code: str
    message: str
    remedy: str
    position: Position
    severity: Severity = Severity.ERROR
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table of codes: what it says in general and what usually helps."""

    title: str
    remedy: str
    severity: Severity = Severity.ERROR


CODES: dict[str, Code] = {
    # Codes are append-only: a published one never changes its meaning.
    "file.empty": Code("the file has no bytes", "Send the file again; the sender's program wrote nothing."),
}
