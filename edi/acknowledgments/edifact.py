"""CONTRL: the answer to an EDIFACT interchange.

Action 7 acknowledges a level and all below it that is not rejected by name, so that only what is rejected is listed;
action 4 rejects a level with all below it (0083; EDIFACT has no "accepted with errors", so that warnings are not told).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edi.acknowledgments.answers import Acknowledgment
from edi.acknowledgments.codes import NO_TRAILER, TABLE
from edi.acknowledgments.guided import guide_of, opens_loop
from edi.acknowledgments.writing import is_usable, segment
from edi.edifact.delimiters import CHARACTER_SETS, LEVEL_A, LEVEL_B, party, syntax_of
from edi.findings import Finding, Severity
from edi.segmented.walk.standard import at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edi.acknowledgments.answers import Kind, Verdict
    from edi.model import Document
    from edi.segmented.walk.events import Aside, Closed, Opened
    from edi.segmented.walk.segments import Syntax

ACKNOWLEDGED, REJECTED = "7", "4"

_ABSENT: dict[str, tuple[str, str]] = {
    "envelope.truncated": ("UNZ", "UNE"),
    "envelope.not_closed": ("UNZ", "UNE"),
    "envelope.not_opened": ("UNG", "UNG"),
}
"""The service segment that is missing, of the interchange or of the group."""

_IDENTIFIER_MAX = (6, 3, 3, 2, 6)
"""The lengths of what UCM repeats of S009: longer ones would make the answer wrong, too."""

SEGMENTS_MAX, ELEMENTS_MAX = 999, 99
"""So many UCS may follow a UCM, and so many UCD a UCS."""


@dataclass(slots=True)
class _Level:
    """The answer to an interchange or group so far: the error of its own, and how its messages fared.

    `error` is 0085 and what belongs to it: the tag of the service segment, and the place in it. `body` holds `rows`
    segments, which list what is rejected below.
    """

    row: list[Any]
    error: list[Any] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    rows: int = 0
    received: int = 0
    rejected: int = 0
    included: str = ""

    def tell(self, code: str, finding: Finding | None, tag: str) -> None:
        """Keep the first error."""
        self.error = self.error or _error(code, finding, tag)


class EdifactAnswers:
    """The answer to one EDIFACT interchange in the making."""

    def __init__(self, event: Opened, kinds: frozenset[Kind]) -> None:
        self.top = _Level(event.row)
        self.is_wanted = "CONTRL" in kinds
        self.group: _Level | None = None
        self.is_newest = _version(event.row) == "4"
        self.marks = _marks(event.delimiters, is_newest=self.is_newest)
        self.syntax = syntax_of(self.marks, repeats=self.is_newest)
        self.only_acknowledges: bool | None = None

    def opened(self, event: Opened) -> None:
        """Begin the answer to a group."""
        self.group = _Level(event.row)
        if not all(at(event.row, number) for number in (2, 3, 5)):
            self.top.tell("13", None, "UNG")  # UCF has to repeat them; the level above tells what is missing

    def document(self, document: Document) -> None:
        """Write the answer to a message, if it is rejected."""
        is_acknowledgment = document.envelope.message == "CONTRL"
        self.only_acknowledges = is_acknowledgment and self.only_acknowledges is not False
        self.top.received += 1
        level = self.group or self.top
        if self.group:
            self.group.received += 1
        errors = [finding for finding in document.findings if finding.severity is Severity.ERROR]
        if not errors or is_acknowledgment:
            return
        self.top.rejected += 1
        if self.group:
            self.group.rejected += 1
        if not document.envelope.reference:
            self.top.tell("13", None, "UNH")  # UCM has to repeat the reference; the level above tells what it lacks
            return
        for row in _message_rows(document, errors):
            level.body += segment(row, self.syntax)
            level.rows += 1

    def finding(self, finding: Finding) -> None:
        """Keep what has to be said of the group, or else of the interchange."""
        told = TABLE.get(finding.code)
        if told is None or finding.severity is not Severity.ERROR:
            return
        tag = finding.position.tag
        absent = _ABSENT.get(finding.code)
        if finding.code == "envelope.truncated" or not (self.group and told.ucf) or tag == "UNB":
            if told.uci:
                self.top.tell(told.uci, None if absent else finding, absent[0] if absent else "UNB")
        elif self.group:
            self.group.tell(told.ucf, None if absent else finding, absent[1] if absent else "UNG")

    def closed(self, event: Closed) -> None:
        """End a group, or the interchange."""
        missing = TABLE[NO_TRAILER]
        if event.kind == "interchange":
            self.top.included = at(event.row or [], 1)
            if event.row is None:
                self.top.tell(missing.uci, None, "UNZ")
            return
        group = self.group
        if group:
            if event.row is None:
                group.tell(missing.ucf, None, "UNE")
            if group.error:
                self.top.rejected += group.received - group.rejected
                group.body, group.rows = bytearray(), 0
            if len(group.row) > 5 and (group.error or group.rejected):
                action = REJECTED if group.error else ACKNOWLEDGED
                row = ["UCF", at(group.row, 5), group.row[2], group.row[3], action, *group.error]
                self.top.body += segment(row, self.syntax) + group.body
                self.top.rows += group.rows + 1
        self.group = None

    def aside(self, event: Aside) -> None:
        """EDIFACT has no such segment."""

    def drafts(self) -> Iterator[Contrl]:
        """The one answer to the interchange."""
        if self.is_wanted and not self.only_acknowledges:
            yield Contrl(self.top, self.marks, self.syntax, self.is_newest)


@dataclass(frozen=True, slots=True)
class Contrl:
    """The answer to an interchange: `top` says how that fared."""

    top: _Level
    marks: str
    syntax: Syntax
    is_newest: bool

    @property
    def kind(self) -> Kind:
        """Which acknowledgment it is."""
        return "CONTRL"

    @property
    def place(self) -> int:
        """It answers the interchange."""
        return 0

    def parties(self) -> tuple[str, str]:
        """Who sent, and who received, the interchange."""
        return party(self.top.row[2]), party(self.top.row[3])

    def finished(self, number: int, now: datetime) -> Acknowledgment:
        """CONTRL in an interchange of its own."""
        top, header = self.top, self.top.row
        verdict: Verdict = "A"
        if top.error or (top.rejected and top.rejected == top.received):
            verdict = "R"
        elif top.rejected:
            verdict = "P"
        body, rows = (b"", 0) if top.error else (top.body, top.rows)
        kind = ["CONTRL", "4", "1", "UN"] if self.is_newest else ["CONTRL", "D", "3", "UN"]
        answer = ["UCI", at(header, 5), header[2], header[3], REJECTED if top.error else ACKNOWLEDGED, *top.error]
        content = b"".join(
            (
                self.envelope(number, now),
                segment(["UNH", "1", kind], self.syntax),
                segment(answer, self.syntax),
                body,
                segment(["UNT", str(rows + 3), "1"], self.syntax),
                segment(["UNZ", "1", str(number)], self.syntax),
            )
        )
        included = int(top.included) if top.included.isdecimal() else None
        accepted = 0 if verdict == "R" else top.received - top.rejected
        return Acknowledgment("CONTRL", content, number, at(header, 5), None, verdict, included, top.received, accepted)

    def envelope(self, number: int, now: datetime) -> bytes:
        """UNA, where the service characters are not the usual ones, and UNB from the receiver to the sender."""
        header = self.top.row
        names = header[1] if header[1][0] in CHARACTER_SETS else ["UNOA", *header[1][1:]]
        date = now.strftime("%Y%m%d" if self.is_newest else "%y%m%d")
        row = ["UNB", [names[0], _version(header)], header[3], header[2], [date, now.strftime("%H%M")], str(number)]
        row += ["", "", "", "", "", "1"] if at(header, 11) else []  # 0035: what answers a test is one
        usual = LEVEL_A[:4] + "*" + LEVEL_A[5] if self.is_newest else LEVEL_A
        advice = b"" if self.marks in (usual, LEVEL_B) else b"UNA" + self.marks.encode("latin-1")
        return advice + segment(row, self.syntax)


def _message_rows(document: Document, errors: list[Finding]) -> Iterator[list[Any]]:
    """UCM, and UCS and UCD below it, for a rejected message."""
    about_message: list[Any] = []
    segments: dict[int, list[Finding]] = {}
    for finding in errors:
        told, position = TABLE.get(finding.code), finding.position
        if told is None:
            continue
        if told.ucm or position.tag in ("UNH", "UNT"):
            about_message = about_message or _error(told.ucm or told.ucd or told.ucs, finding, position.tag or "UNH")
        elif position.segment and (told.ucs or told.ucd):
            # A missing segment is told of the last one that was there before its place (0096).
            number = position.segment - (finding.code == "segment.missing")
            segments.setdefault(number, []).append(finding)
    header = document.content.get("UNH", [[]])[0]
    kind = header[2] if len(header) > 2 and isinstance(header[2], list) else _kind(document)
    kind = [value[:length] for value, length in zip(kind, _IDENTIFIER_MAX, strict=False)]
    yield ["UCM", (document.envelope.reference or "")[:14], kind, REJECTED, *about_message]
    for number, found in sorted(segments.items())[:SEGMENTS_MAX]:
        elements = [finding for finding in found if finding.position.element and TABLE[finding.code].ucd]
        whole = next((finding for finding in found if finding not in elements), None)
        yield ["UCS", str(number), _segment_code(whole, document) if whole else ""]
        for finding in elements[:ELEMENTS_MAX]:
            yield ["UCD", TABLE[finding.code].ucd, _place(finding)]


def _kind(document: Document) -> list[str]:
    version = document.envelope.version or ""
    return [document.envelope.message or "", version[:1], version[1:], "UN"]


def _error(code: str, finding: Finding | None, tag: str) -> list[Any]:
    """0085, 0013 (or 0135) and S011."""
    position = finding.position if finding else None
    tag = position.tag if position and position.tag and position.tag.startswith("UN") else tag
    return [code, tag, _place(finding) if finding and finding.position.element else ""]


def _place(finding: Finding) -> list[str]:
    """S011: the tag of a segment has the place 1, its first element 2 (0098)."""
    position = finding.position
    return [str((position.element or 0) + 1), str(position.component or "")]


def _segment_code(finding: Finding, document: Document) -> str:
    """0085 for the whole segment."""
    told = TABLE[finding.code]
    code, _, other = (told.ucs or told.ucd).partition("/")
    guide = guide_of(document) if other else None
    return other if guide and opens_loop(guide, finding.position.tag or "") else code


def _version(header: list[Any]) -> str:
    """The syntax version of the answer."""
    version = at(header, 1).split(":")[1]
    return version if version in ("1", "2", "3", "4") else "3"


def _marks(marks: str, *, is_newest: bool) -> str:
    """The service characters of the answer: those that were received, where they can be used."""
    used = marks[:2] + marks[3:].replace(" ", "") if marks[3] != " " else marks[:2] + marks[4:].replace(" ", "")
    if is_usable(used):
        return marks
    return LEVEL_A[:4] + "*" + LEVEL_A[5] if is_newest else LEVEL_A
