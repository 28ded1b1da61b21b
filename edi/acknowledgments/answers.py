"""An acknowledgment, and what the two families of standards have in common when they make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from edi.findings import Finding
from edi.model import Document
from edi.segmented.walk.events import Aside, Closed, Opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

Kind = Literal["TA1", "997", "999", "CONTRL"]
Verdict = Literal["A", "E", "P", "R"]
Event = Document | Finding | Opened | Closed | Aside


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """One answer to one interchange (TA1, CONTRL) or functional group (997, 999).

    `content` is a whole interchange of its own, whose control number is `number`. `interchange` and `group` are the
    control numbers that it answers. `verdict` is A (accepted), E (accepted, errors noted), P (partly: some sets or
    messages rejected) or R (rejected). The counts are of transaction sets or messages, for TA1 of groups; `included` is
    what the trailer told, None if it told none.
    """

    kind: Kind
    content: bytes
    number: int
    interchange: str
    group: str | None
    verdict: Verdict
    included: int | None
    received: int
    accepted: int


class Draft(Protocol):
    """An acknowledgment that lacks its control number and its time."""

    @property
    def kind(self) -> Kind:
        """Which acknowledgment it is."""

    @property
    def place(self) -> int:
        """Which group of its interchange it answers, from 1; 0 for the interchange itself."""

    def parties(self) -> tuple[str, str]:
        """Who sent, and who received, what is answered: ``ZZ:ACME``; EDIFACT without a qualifier: ``:ACME``."""

    def finished(self, number: int, now: datetime) -> Acknowledgment:
        """The acknowledgment as it is sent."""


class Answers(Protocol):
    """The answers to one interchange in the making."""

    def opened(self, event: Opened) -> None:
        """A group begins."""

    def document(self, document: Document) -> None:
        """A transaction set or message."""

    def finding(self, finding: Finding) -> None:
        """A finding of the open group, or of the interchange."""

    def closed(self, event: Closed) -> None:
        """A group or the interchange ends."""

    def aside(self, event: Aside) -> None:
        """Another segment of the envelope."""

    def drafts(self) -> Iterator[Draft]:
        """The answers, after the end of the interchange."""
