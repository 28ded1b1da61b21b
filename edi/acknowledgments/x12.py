"""TA1, 997 and 999: the answers to an X12 interchange and to its functional groups.

The answer to a group is written while its transaction sets pass by, so that of each only the answer is kept. How the
group itself fared is known at its end, and whether the interchange is rejected (and all its groups with it) at the end
of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edi.acknowledgments.answers import Acknowledgment
from edi.acknowledgments.codes import ISA, ISA_NOTES, NO_TRAILER, TABLE
from edi.acknowledgments.notes import Notes
from edi.acknowledgments.writing import is_usable, segment
from edi.findings import Finding, Severity
from edi.segmented.walk.segments import Syntax
from edi.segmented.walk.standard import at
from edi.x12.delimiters import LENGTHS
from edi.x12.scanner import guide_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edi.acknowledgments.answers import Kind, Verdict
    from edi.model import Document
    from edi.segmented.walk.events import Aside, Closed, Opened

DELIMITERS = "*>~^"
"""Element, component, segment, repetition: used where those that were received cannot be."""

IMPLEMENTATION = "005010X231A1"
"""The guide of the 999 that answers groups which name an industry's guide themselves."""

_RELEASE = re.compile("00[2-9][0-9]{3}")

ERRORS_MAX = 5
"""So many codes AK5, IK5 and AK9 can hold."""


@dataclass(slots=True)
class _Group:
    """A group and its answers so far, without ST, AK1, AK9 and SE; `rows` counts the segments of each."""

    row: list[Any]
    place: int
    bodies: dict[Kind, bytearray]
    rows: dict[Kind, int]
    received: int = 0
    rejected: int = 0
    noted: int = 0
    included: str = ""
    codes: list[str] = field(default_factory=list)
    is_rejected: bool = False


class X12Answers:
    """The answers to one X12 interchange in the making."""

    def __init__(self, event: Opened, kinds: frozenset[Kind]) -> None:
        self.header = _padded(event.row)
        lengths = enumerate(zip(event.row[1:], LENGTHS, strict=True), 1)
        self.short = next((number for number, (value, length) in lengths if len(value) != length), 0)
        self.syntax = _syntax(event.delimiters)
        self.kinds = kinds
        self.groups: list[_Group] = []
        self.group: _Group | None = None
        self.notes: list[str] = []
        self.is_rejected = False
        self.only_acknowledges = True
        self.has_asides = False
        self.trailer: list[Any] | None = None
        self.count = 0

    def opened(self, event: Opened) -> None:
        """Begin the answers to a group, unless it holds acknowledgments or cannot be named."""
        self.count += 1
        row = event.row
        if at(row, 1) == "FA":
            self.group = None
            return
        self.only_acknowledges = False
        wanted = [kind for kind in ("997", "999") if kind in self.kinds]
        self.group = _Group(row, self.count, {kind: bytearray() for kind in wanted}, dict.fromkeys(wanted, 0))
        if len(at(row, 1)) == 2 and at(row, 6).isdecimal() and len(at(row, 6)) <= 9:
            self.groups.append(self.group)
        else:
            self.tell("024", is_error=True)

    def document(self, document: Document) -> None:
        """Write the answer to a transaction set."""
        group = self.group
        if group is None:
            return
        group.received += 1
        verdict: Verdict = "A"
        for kind in group.bodies:
            notes = Notes(document, kind)
            verdict = notes.verdict
            for row in notes.rows():
                group.bodies[kind] += segment(row, self.syntax)
                group.rows[kind] += 1
        group.rejected += verdict == "R"
        group.noted += verdict == "E"

    def finding(self, finding: Finding) -> None:
        """Keep what the answer to the group, or else to the interchange, has to say."""
        told = TABLE.get(finding.code)
        if told is None:
            return
        tag = finding.position.tag
        is_error = finding.severity is Severity.ERROR
        is_of_group = bool(self.group and told.group) and tag != "ISA"
        if is_of_group:
            self.tell_group(told.group, is_error=is_error)
        if told.ta1 and (not is_of_group or finding.code == "envelope.truncated"):
            note = self.note(finding, told.ta1)
            if note:
                self.tell(note, is_error=is_error)

    def tell(self, note: str, *, is_error: bool) -> None:
        """Keep a note of the interchange: that of the first error comes first."""
        self.notes.insert(0 if is_error and not self.is_rejected else len(self.notes), note)
        self.is_rejected |= is_error

    def tell_group(self, code: str, *, is_error: bool) -> None:
        """Keep a code of the group."""
        group = self.group
        if group:
            group.codes.extend([code] if code not in group.codes else [])
            group.is_rejected |= is_error
            group.noted += not is_error

    def note(self, finding: Finding, told: str) -> str:
        """The note of the element of ISA that the finding is about, where the table leaves it to that."""
        if told != ISA:
            return told
        return ISA_NOTES.get(finding.position.element or self.short, "") if finding.position.tag == "ISA" else ""

    def closed(self, event: Closed) -> None:
        """End a group, or the interchange."""
        missing = TABLE[NO_TRAILER]
        if event.kind == "group":
            if self.group:
                self.group.included = at(event.row or [], 1)
                if event.row is None:
                    self.tell_group(missing.group, is_error=True)
            self.group = None
            return
        self.trailer = event.row
        if event.row is None and not self.is_rejected:
            self.tell(missing.ta1, is_error=True)

    def aside(self, _: Aside) -> None:
        """TA1 stands in the envelope."""
        self.has_asides = True

    def drafts(self) -> Iterator[Ta1 | GroupAnswer]:
        """TA1, and an answer for each group."""
        if self.only_acknowledges and (self.count or self.has_asides):
            return
        verdict: Verdict = "R" if self.is_rejected else "E" if self.notes else "A"
        if "TA1" in self.kinds:
            note = self.notes[0] if self.notes else "000"
            yield Ta1(self.header, self.syntax, verdict, note, _count(at(self.trailer or [], 1)), self.count)
        for group in self.groups:
            for kind in group.bodies:
                yield GroupAnswer(self.header, self.syntax, kind, group, rejects=self.is_rejected)


@dataclass(frozen=True, slots=True)
class Ta1:
    """The answer to an interchange; `header` is its ISA."""

    header: list[Any]
    syntax: Syntax
    verdict: Verdict
    note: str
    included: int | None
    received: int

    @property
    def kind(self) -> Kind:
        """Which acknowledgment it is."""
        return "TA1"

    @property
    def place(self) -> int:
        """It answers the interchange."""
        return 0

    def parties(self) -> tuple[str, str]:
        """Who sent, and who received, the interchange."""
        return _parties(self.header)

    def finished(self, number: int, now: datetime) -> Acknowledgment:
        """TA1 in an interchange of its own, which has no group."""
        row = ["TA1", self.header[13], self.header[9], self.header[10], self.verdict, self.note]
        content = _enclosed(self.header, self.syntax, number, now, segment(row, self.syntax), groups=0)
        accepted = 0 if self.verdict == "R" else self.received
        return Acknowledgment(
            "TA1", content, number, self.header[13], None, self.verdict, self.included, self.received, accepted
        )


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """The answer to a functional group; `rejects` says that its interchange was rejected."""

    header: list[Any]
    syntax: Syntax
    kind: Kind
    group: _Group
    rejects: bool

    @property
    def place(self) -> int:
        """Which group of its interchange it answers."""
        return self.group.place

    def parties(self) -> tuple[str, str]:
        """Who sent, and who received, the interchange."""
        return _parties(self.header)

    def verdict(self) -> Verdict:
        """AK901: R where the group or all sets in it are rejected, P where some are, E where errors were noted."""
        group = self.group
        if self.rejects or group.is_rejected or (group.rejected and group.rejected == group.received):
            return "R"
        return "P" if group.rejected else "E" if group.noted else "A"

    def finished(self, number: int, now: datetime) -> Acknowledgment:
        """997 or 999 in a group and interchange of its own."""
        group, verdict = self.group, self.verdict()
        accepted = 0 if verdict == "R" else group.received - group.rejected
        included = _count(group.included)
        told = group.received if included is None else included
        version, implementation = self.version()
        reference = "0001"
        opened = ["ST", self.kind, reference, implementation]
        named = ["AK1", at(group.row, 1), at(group.row, 6), at(group.row, 8) if self.kind == "999" else ""]
        result = ["AK9", verdict, str(told), str(group.received), str(accepted), *group.codes[:ERRORS_MAX]]
        closed = ["SE", str(group.rows[self.kind] + 4), reference]
        head, tail = (
            b"".join(segment(row, self.syntax) for row in rows) for rows in ([opened, named], [result, closed])
        )
        sender, receiver = at(group.row, 3).strip(), at(group.row, 2).strip()
        functional = [
            "GS",
            "FA",
            sender or self.header[8].strip(),
            receiver or self.header[6].strip(),
            now.strftime("%Y%m%d"),
            now.strftime("%H%M"),
            str(number),
            "X",
            version,
        ]
        begin, end = segment(functional, self.syntax), segment(["GE", "1", str(number)], self.syntax)
        content = _enclosed(
            self.header, self.syntax, number, now, b"".join((begin, head, group.bodies[self.kind], tail, end)), groups=1
        )
        return Acknowledgment(
            self.kind,
            content,
            number,
            self.header[13],
            at(group.row, 6),
            verdict,
            included,
            group.received,
            accepted,
        )

    def version(self) -> tuple[str, str]:
        """GS08 and ST03: the release of the group; a 999 names a guide of its own where the group names one."""
        told = guide_version([], self.group.row)
        release = told[:6] if _RELEASE.fullmatch(told[:6]) else "004010"
        if self.kind == "999" and (told[6:] or release < IMPLEMENTATION[:6]):
            return IMPLEMENTATION, IMPLEMENTATION
        return release, ""


def unreadable(finding: Finding, kinds: frozenset[Kind]) -> Iterator[Ta1]:
    """TA1 for an ISA that could not be read, if the bytes before the fault name sender, receiver and number."""
    told = TABLE.get(finding.code)
    text = finding.value or ""
    if "TA1" not in kinds or not told or not told.ta1 or finding.position.tag != "ISA" or not text.startswith("ISA"):
        return
    if finding.severity is not Severity.ERROR or len(text) < 4:
        return
    row = text.split(text[3])[:17]
    numbers = {9: 6, 10: 4, 13: 9}
    if len(row) < 15 or not all(row[n].isdecimal() and len(row[n]) == length for n, length in numbers.items()):
        return
    if any(len(row[n]) > length for n, length in enumerate(LENGTHS[:13], 1)) or not (row[6].strip() and row[8].strip()):
        return
    row[11:13] = [row[11] if len(row[11]) == 1 else "U", row[12] if row[12].isdecimal() else "00401"]
    row[14:] = ["0", row[15] if len(row) > 15 and len(row[15]) == 1 else "P", ""]
    yield Ta1(_padded(row), _syntax(text[3] + DELIMITERS[1:]), "R", told.ta1, None, 0)


def _enclosed(header: list[Any], syntax: Syntax, number: int, now: datetime, content: bytes, *, groups: int) -> bytes:
    """The interchange around an answer: from the receiver of `header` to its sender, asking for no answer itself."""
    sender, receiver = header[7:9], header[5:7]
    row = ["ISA", "00", " " * 10, "00", " " * 10, *sender, *receiver, now.strftime("%y%m%d"), now.strftime("%H%M")]
    row += [header[11], header[12], f"{number:09}", "0", header[15], syntax.component]
    if header[12] >= "00402" and not header[11].isalnum():
        row[11] = syntax.repetition or header[11]
    isa = (syntax.element.join(row) + syntax.segment).encode("latin-1", "replace")
    return b"".join((isa, content, segment(["IEA", str(groups), f"{number:09}"], syntax)))


def _padded(row: list[Any]) -> list[Any]:
    """ISA with the lengths that its elements must have, and with a version in which it can be answered."""
    pairs = zip(row[1:], LENGTHS, strict=True)
    values = [(value.strip(" ") if len(value) > length else value).ljust(length) for value, length in pairs]
    values[11] = values[11] if _RELEASE.fullmatch(values[11] + "0") else "00401"
    values[12] = values[12].strip().zfill(9)
    return ["ISA", *values]


def _parties(header: list[Any]) -> tuple[str, str]:
    """ISA05 and ISA06, ISA07 and ISA08."""
    sender, receiver = (f"{header[n].strip()}:{header[n + 1].strip()}" for n in (5, 7))
    return sender, receiver


def _syntax(marks: str) -> Syntax:
    """The service characters of the answer: those that were received, where they can be used."""
    used = marks if is_usable(marks) else DELIMITERS
    return Syntax(used[0], used[1], used[2], used[3:4])


def _count(told: str) -> int | None:
    return int(told) if told.isdecimal() else None
