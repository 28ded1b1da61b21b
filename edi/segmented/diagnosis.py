"""Why a document failed: every finding of one transaction set or message, each with its place.

This is the slow path. It is taken for a document that the proof of its elements, the automaton of its structure or its
trailer refused, and it is the last word: a document that is merely unusual comes out of it without a finding.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edi.findings import CODES, Finding, Position, Severity
from edi.segmented import elements, notes, structure
from edi.segmented.segments import cut, drop_breaks, pieces, segment_spans, tag_of, unrelease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.model import Loop
    from edi.segmented.guides import Element, Guide
    from edi.segmented.segments import Syntax

FINDINGS_MAX = 100
"""So many errors, and so many warnings, of one document are listed; the rest are counted."""

VALUE_MAX = 200
"""So many characters of a wrong value are quoted."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one document, one character per byte, and where it stands in the file.

    `column` counts the bytes of its line before it. `encoding` is what its values are decoded with.
    """

    text: str
    start: int
    line: int
    column: int
    syntax: Syntax
    encoding: str
    codec: str = "latin-1"

    def decode(self, value: str) -> str | None:
        """The characters of `value`, which has one per byte; None if its bytes are none of the encoding."""
        if self.encoding == self.codec or (value.isascii() and "\x1b" not in value):
            return value
        try:
            return value.encode(self.codec).decode(self.encoding)
        except UnicodeDecodeError:
            return None

    def quote(self, start: int, end: int) -> str:
        """The bytes of a span as characters, cut to what a finding quotes."""
        value = self.text[start : min(end, start + VALUE_MAX)]
        while (decoded := self.decode(value)) is None and end - start > VALUE_MAX and len(value) > VALUE_MAX - 4:
            value = value[:-1]  # the cut fell into a character of several bytes
        return value if decoded is None else decoded

    def is_wrapped(self) -> bool:
        """Whether the text was broken into lines of one width, as print files are, wherever the breaks fall."""
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        widths = [len(line) for line in lines[:-1]]
        widths[0] += self.column
        return len(lines[-1]) <= max(widths) and len(set(widths)) == 1 and (len(widths) > 1 or widths[0] == 80)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of a document: its loops, its findings, and its rows with the span of each in the text."""

    content: Loop
    findings: list[Finding]
    rows: list[list[Any]]
    spans: list[tuple[int, int]]
    omitted: int
    """So many more findings there are than are listed."""


def diagnose(source: Source, guide: Guide | None, weight: Severity = Severity.ERROR) -> Diagnosis:
    """Read a document with care. `weight` is the severity of what the guide finds: a borrowed guide only warns."""
    doctor = _Doctor(source, guide, weight)
    doctor.read_rows()
    is_guided = guide and doctor.rows[0][0] == guide.root.tag
    content = doctor.check(guide) if guide and is_guided else structure.flat(doctor.rows)
    return Diagnosis(content, doctor.findings, doctor.rows, doctor.spans, doctor.told.total() - len(doctor.findings))


class _Doctor:
    def __init__(self, source: Source, guide: Guide | None, weight: Severity) -> None:
        self.source = source
        self.guide = guide
        self.weight = weight
        self.syntax = source.syntax
        self.findings: list[Finding] = []
        self.told: Counter[Severity] = Counter()
        self.rows: list[list[Any]] = []
        self.spans: list[tuple[int, int]] = []

    def read_rows(self) -> None:
        text, syntax = self.source.text, self.syntax
        breaks = "\n" not in syntax.characters and "\r" not in syntax.characters
        spans = segment_spans(text, syntax)
        broken = breaks and any("\n" in text[s:e] or "\r" in text[s:e] for s, e in spans)
        wrapped = broken and self.source.is_wrapped()
        for start, end in spans:
            if start == end:
                self.tell(
                    "segment.empty",
                    "A terminator follows a terminator: the segment between them is empty.",
                    (start, end),
                    len(self.rows) + 1,
                )
                continue
            self.spans.append((start, end))
            if broken and not wrapped and ("\n" in text[start:end] or "\r" in text[start:end]):
                self.tell(
                    "element.line_break",
                    "A line break stands inside this segment and was kept.",
                    (start, end),
                    len(self.rows) + 1,
                    text[start:end].split(syntax.element)[0].strip(),
                )
            segment = text[start:end]
            if broken or not self.is_plain(segment):
                self.rows.append(self.row(start, end, wrapped=wrapped))
            else:
                row = cut(segment + syntax.segment, {}, syntax)[0]
                row[0] = tag_of(row[0])
                self.rows.append(row)

    def is_plain(self, segment: str) -> bool:
        """Whether the bytes of a segment are its characters, and none of them is released."""
        release = self.syntax.release
        return segment.isascii() and "\x1b" not in segment and not (release and release in segment)

    def row(self, start: int, end: int, *, wrapped: bool) -> list[Any]:
        number = len(self.rows) + 1
        tag = ""
        values: list[Any] = []
        for place, span in enumerate(self.cut(start, end, self.syntax.element)):
            repeats: list[Any] = []
            for repeat in self.cut(*span, self.syntax.repetition):
                parts = []
                for part in self.cut(*repeat, self.syntax.component):
                    value = self.value(part, number, tag, place)
                    parts.append(drop_breaks(value, self.syntax) if wrapped or place == 0 else value)
                repeats.append(parts if len(parts) > 1 else parts[0])
            values.append(tuple(repeats) if len(repeats) > 1 else repeats[0])
            if place == 0:
                tag = values[0] = tag_of(values[0])
        return values

    def value(self, span: tuple[int, int], number: int, tag: str, place: int) -> str:
        raw = self.source.text[slice(*span)]
        value = self.source.decode(raw)
        if value is None:
            self.tell(
                "element.encoding",
                f"{tag}{place:02} has bytes that are no characters of {self.source.encoding}.",
                span,
                number,
                tag,
                place,
            )
            value = raw
        return unrelease(value, self.syntax.release)

    def cut(self, start: int, end: int, separator: str) -> list[tuple[int, int]]:
        return pieces(self.source.text, start, end, separator, self.syntax.release)

    def check(self, guide: Guide) -> Loop:
        content, problems = structure.arrange(self.rows, guide)
        proof = elements.proof(guide, self.syntax)
        by_row: dict[int, list[structure.Problem]] = {}
        for problem in problems:
            by_row.setdefault(problem.row, []).append(problem)
        for index, row in enumerate(self.rows):
            for problem in by_row.get(index, ()):
                start, end = self.spans[index]
                if problem.code == "segment.missing":
                    end = start
                self.tell(problem.code, problem.message, (start, end), index + 1, problem.tag, remedy=problem.remedy)
            definition = guide.dictionary.segments.get(row[0])
            segment = self.source.text[slice(*self.spans[index])] + self.syntax.segment
            proved = proof.match(segment) if self.is_plain(segment) else None
            if definition is not None and not (proved and proved.end() == len(segment)):
                self.check_segment(index, definition)
        return content

    def check_segment(self, index: int, definition: tuple[Element, ...]) -> None:
        tag = self.rows[index][0]
        start, end = self.spans[index]
        spans = self.cut(start, end, self.syntax.element)[1:]
        for place, element in enumerate(definition, 1):
            span = spans[place - 1] if place <= len(spans) else (end, end)
            if span[0] == span[1]:
                if element.required:
                    self.missing(f"{tag}{place:02}", element, span, index + 1, tag, place)
                continue
            repeats = self.cut(*span, self.syntax.repetition)
            if len(repeats) > element.repeat:
                self.tell(
                    "element.repeated",
                    f"{_name(f'{tag}{place:02}', element)} is sent {len(repeats)} times; "
                    f"{_times(element.repeat)} allowed.",
                    span,
                    index + 1,
                    tag,
                    place,
                )
            for repeat in repeats:
                self.check_element(repeat, element, index + 1, tag, place)
        self.check_notes(index, definition, spans)
        surplus = spans[len(definition) :]
        if any(s < e for s, e in surplus):
            self.tell(
                "element.too_many",
                f"{tag} has {len(spans)} elements, but is defined with {len(definition)}.",
                (surplus[0][0], end),
                index + 1,
                tag,
                len(definition) + 1,
            )

    def check_notes(self, index: int, definition: tuple[Element, ...], spans: list[tuple[int, int]]) -> None:
        tag = self.rows[index][0]
        present = [start < end for start, end in spans]
        for note in self.guide.dictionary.notes.get(tag, ()) if self.guide else ():
            if not notes.is_broken(note, present):
                continue
            fault, place = notes.explain(note, present, tag, definition)
            end = self.spans[index][1]
            span = spans[place - 1] if place <= len(spans) else (end, end)
            self.tell(fault.code, fault.trouble, span, index + 1, tag, place, remedy=fault.remedy)

    def check_element(self, span: tuple[int, int], element: Element, number: int, tag: str, place: int) -> None:
        parts = self.cut(*span, self.syntax.component)
        address = f"{tag}{place:02}"
        if not element.components:
            if len(parts) > 1:
                self.tell(
                    "element.too_many",
                    f"{_name(address, element)} has {len(parts)} components, but is a single value: "
                    f"{self.syntax.component!r} separates components in this file.",
                    span,
                    number,
                    tag,
                    place,
                )
            else:
                self.check_value(parts[0], element, address, number, tag, place)
            return
        for component, definition in enumerate(element.components, 1):
            part = parts[component - 1] if component <= len(parts) else (span[1], span[1])
            if part[0] < part[1]:
                self.check_value(part, definition, f"{address}.{component:02}", number, tag, place, component)
            elif definition.required:
                self.missing(f"{address}.{component:02}", definition, part, number, tag, place, component)
        if len(parts) > len(element.components):
            surplus = parts[len(element.components)][0]
            self.tell(
                "element.too_many",
                f"{address} has {len(parts)} components, but is defined with {len(element.components)}.",
                (surplus, span[1]),
                number,
                tag,
                place,
                len(element.components) + 1,
            )

    def check_value(
        self,
        span: tuple[int, int],
        element: Element,
        address: str,
        number: int,
        tag: str,
        place: int,
        component: int | None = None,
    ) -> None:
        raw = self.source.text[slice(*span)]
        value = drop_breaks(unrelease(self.source.decode(raw) or raw, self.syntax.release), self.syntax)
        fault = elements.judge(value, element, self.syntax)
        if fault:
            quoted = value if len(value) <= 60 else value[:57] + "…"
            self.tell(
                fault.code,
                f"{_name(address, element)} is {quoted!r}, {fault.trouble}.",
                span,
                number,
                tag,
                place,
                component,
                remedy=fault.remedy,
            )

    def missing(
        self,
        address: str,
        element: Element,
        span: tuple[int, int],
        number: int,
        tag: str,
        place: int,
        component: int | None = None,
    ) -> None:
        self.tell(
            "element.missing",
            f"{_name(address, element)} is required, but is empty.",
            span,
            number,
            tag,
            place,
            component,
            remedy=f"Ask the sender to fill {address}.",
        )

    def tell(
        self,
        code: str,
        message: str,
        span: tuple[int, int],
        number: int,
        tag: str | None = None,
        element: int | None = None,
        component: int | None = None,
        *,
        remedy: str | None = None,
    ) -> None:
        row = CODES[code]
        source = self.source
        severity = row.severity
        if severity is Severity.ERROR and code.partition(".")[0] in _GUIDED and code != "element.encoding":
            severity = self.weight
        self.told[severity] += 1
        if self.told[severity] > FINDINGS_MAX:
            return
        position = Position(
            source.start + span[0],
            source.start + span[1],
            source.line + source.text.count("\n", 0, span[0]),
            number,
            tag,
            element or None,
            component,
        )
        value = source.quote(*span) if span[0] < span[1] else None
        self.findings.append(Finding(code, message, remedy or row.remedy, position, severity, value))


_GUIDED = ("segment", "element")


def _name(address: str, element: Element) -> str:
    return f"{address} ({element.label})" if element.label else address


def _times(count: int) -> str:
    return "once is" if count == 1 else f"{count} times are"


def bounded(findings: list[Finding], omitted: int) -> Iterator[Finding]:
    """The findings of a document, and a note of how many more there are."""
    yield from findings
    if omitted:
        row = CODES["structure.more"]
        message = f"{omitted} more findings of this document are not listed."
        yield Finding("structure.more", message, row.remedy, findings[-1].position, row.severity)
