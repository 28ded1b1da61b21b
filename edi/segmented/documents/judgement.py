"""One transaction set or message: read at once if nothing is wrong with it, else with care."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.findings import CODES, Finding, Position, Severity
from edi.model import Document, Envelope
from edi.segmented import guides
from edi.segmented.documents import repertoire
from edi.segmented.documents.diagnosis import Diagnosis, Source, bounded, diagnose
from edi.segmented.documents.lane import Lane
from edi.segmented.guides import choice
from edi.segmented.walk.numbers import Met
from edi.segmented.walk.segments import drop_breaks, row_at
from edi.segmented.walk.standard import Header, Oddity, Span, Standard, at, finding, plural, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.guides import Guide
    from edi.segmented.walk.segments import Syntax


_KINDS_MAX = 100
"""So many kinds of documents of one group are remembered."""


class Raw(NamedTuple):
    """The text of one document, one character per byte, and its place: offset, line, and the line's bytes before it."""

    text: str
    start: int
    line: int
    column: int
    codec: str
    is_closed: bool
    """Whether its trailer is there."""
    is_refused: bool
    """Whether it is known already that something is to be looked at."""


class Around:
    """What documents share: the header of their interchange and the row of their group, and what was met in it."""

    __slots__ = ("gap", "group", "header", "lanes", "latest", "met")

    def __init__(self, header: Header, group: list[Any] | None, gap: str) -> None:
        self.header = header
        self.group = group
        self.gap = gap
        """What stands behind each segment, as far as one knows."""
        self.lanes: dict[tuple[str, ...], Lane] = {}
        self.latest: Lane | None = None
        """The lane of the document before: the next one is most often of the same kind."""
        self.met = Met()


class Judge:
    """Makes documents of texts, for one file: which guides it has chosen is told once.

    `guide` is the text of a guide for one message, which goes before those that are shipped.
    """

    def __init__(self, standard: Standard, encoding: str, guide: str, *, any_repertoire: bool) -> None:
        self.standard = standard
        self.encoding = encoding
        self.guide = guide
        self.any_repertoire = any_repertoire
        self.number = 0
        self.guides: dict[tuple[str, str], tuple[Guide | None, Severity]] = {}

    def at_once(self, text: str, start: int, codec: str, around: Around) -> Document | None:
        """The document in `text` if it is right in every way, and others of its kind came before it."""
        lane = around.latest
        if lane is None or not lane.takes(text):
            lane = around.latest = around.lanes.get(self.kind(text, around.header.syntax))
        return self.clean(lane, text, start, codec, around.met) if lane else None

    def clean(self, lane: Lane, text: str, start: int, codec: str, met: Met) -> Document | None:
        """The document in `text` if it is right in every way."""
        encoding = lane.encoding(text, codec)
        found = lane.read(text, encoding, codec)
        if found is None or met.again(found[1]):
            return None
        self.number += 1
        envelope = lane.enveloped(found[1], encoding)
        return Document(self.number, start, start + len(text), found[0], envelope)

    def kind(self, text: str, syntax: Syntax) -> tuple[str, ...]:
        """The elements of a document's header, but for its reference: what a lane is found by."""
        end = text.find(syntax.segment)
        values = text[: end if end >= 0 else len(text)].split(syntax.element)
        del values[self.standard.set_reference : self.standard.set_reference + 1]
        return tuple(values)

    def judge(self, raw: Raw, around: Around) -> Iterator[Document | Finding]:
        """The document in `raw`, and before it what is worth a finding of the file."""
        text, syntax = raw.text, around.header.syntax
        kind = self.kind(text, syntax)
        if kind not in around.lanes:
            row = self.row(text, syntax)
            message, version, *_ = self.standard.describe(row, around.group)
            told = self.standard.guide_version(row, around.group)
            if (message, told) not in self.guides:
                yield from self.choose_guide(message, told, version, Span(raw.start, raw.start, raw.line, ""))
            if len(around.lanes) > _KINDS_MAX:
                around.lanes.clear()
            around.lanes[kind] = self.lane(row, *self.guides[message, told], around)
            around.lanes[kind].is_of(kind)
        lane = around.lanes[kind]
        right = None
        if raw.is_closed and not raw.is_refused:
            right = self.clean(lane, text, raw.start, raw.codec, around.met)
        yield right or self.wrong(lane, raw, around)

    def wrong(self, lane: Lane, raw: Raw, around: Around) -> Document:
        """The document in `raw` with what there is to say of it."""
        text, level = raw.text, around.header.level
        encoding = lane.encoding(text, raw.codec)
        source = Source(text, raw.start, raw.line, raw.column, lane.syntax, encoding, raw.codec)
        diagnosis = diagnose(source, lane.guide, lane.weight)
        reference = at(diagnosis.rows[0], self.standard.set_reference)
        findings = diagnosis.findings
        if lane.repertoire:
            findings.extend(repertoire.findings(source, diagnosis, level))
        findings.extend(self.trailer_findings(source, diagnosis, reference, is_closed=raw.is_closed))
        findings.extend(self.trailing_findings(source, diagnosis))
        if around.met.again(reference):
            findings.append(self.duplicate(source, diagnosis, reference))
        for code, element, message, component in lane.oddities:
            findings.append(element_finding(code, message, source, diagnosis, 0, element, component))
        self.number += 1
        told = tuple(bounded(findings, diagnosis.omitted))
        envelope = lane.enveloped(reference, encoding)
        return Document(self.number, raw.start, raw.start + len(text), diagnosis.content, envelope, told)

    def skipped(self, span: Span, row: list[Any], around: Around, told: Finding) -> Document:
        """A document that was not read, with the finding that says why; `row` is what is known of its header."""
        self.number += 1
        lane = self.lane(row, None, Severity.ERROR, around)
        envelope = lane.enveloped(at(row, self.standard.set_reference), "utf-8")
        return Document(self.number, span.start, span.end, {}, envelope, (told,))

    def row(self, text: str, syntax: Syntax) -> list[Any]:
        """The row of a document's header."""
        end = text.find(syntax.segment)
        head = drop_breaks(text[: end if end >= 0 else len(text)], syntax)
        return row_at(head, 0, len(head), syntax)

    def lane(self, row: list[Any], guide: Guide | None, weight: Severity, around: Around) -> Lane:
        """The lane of the documents whose header is `row`, but for their reference."""
        standard, header = self.standard, around.header
        message, version, _, number = standard.describe(row, around.group)
        envelope = Envelope(
            standard.name,
            message,
            version,
            header.sender,
            header.receiver,
            header.reference,
            number,
            delimiters=header.delimiters,
            usage=header.usage,
            group_sender=at(around.group or [], 2),
            group_receiver=at(around.group or [], 3),
            guide=self.guide if guide and self.is_given(guide) else standard.guide_version(row, around.group),
        )
        declared = header.encoding if self.encoding == "auto" else self.encoding
        level = None if self.any_repertoire else repertoire.LEVELS.get(header.level)
        tags = standard.set_tags[1], standard.set_reference
        oddities = (*standard.oddities(row, around.group), *self.other_group(guide, around.group))
        return Lane(envelope, guide, weight, header.syntax, declared, tags, around.gap, level, oddities)

    def is_given(self, guide: Guide) -> bool:
        """Whether it is the guide that was given as a text."""
        return bool(self.guide) and guide is guides.parse(self.guide)

    def trailer_findings(
        self, source: Source, diagnosis: Diagnosis, reference: str, *, is_closed: bool
    ) -> Iterator[Finding]:
        """Compare the count and the control number of the document's own trailer with what was read."""
        opens, closes = self.standard.set_tags
        rows = diagnosis.rows
        word = self.standard.document_word
        if not is_closed or rows[-1][0] != closes:
            end = source.start + len(source.text)
            line = source.line + source.text.count("\n")
            message = f"The {word} has no {closes}: it breaks off after its segment {len(rows)}."
            position = Position(end, end, line, len(rows) + 1, closes)
            yield Finding("envelope.set_not_closed", message, CODES["envelope.set_not_closed"].remedy, position)
            return
        trailer = rows[-1]
        checks = (
            ("envelope.set_count", 1, str(len(rows)), f"the {word} has {plural(len(rows), 'segment')}"),
            ("envelope.set_reference", 2, reference, f"its {opens} has the control number {reference!r}"),
        )
        for code, number, expected, words in checks:
            told = at(trailer, number)
            if not (same(told, expected) if number == 1 else told == expected):
                message = f"{closes}{number:02} is {told!r}, but {words}."
                yield element_finding(code, message, source, diagnosis, len(rows) - 1, number)

    def trailing_findings(self, source: Source, diagnosis: Diagnosis) -> Iterator[Finding]:
        """A note on the first segment that ends in separators, and on how many there are."""
        inner = range(1, len(diagnosis.rows) - 1)  # of header and trailer every element is required
        rows = diagnosis.rows  # one of separators alone has no tag, and is told as a segment that is unknown
        found = [index for index in inner if len(row := rows[index]) > 1 and row[-1] == "" and any(row)]
        if found:
            row = diagnosis.rows[found[0]]
            filled = max(place for place, value in enumerate(row) if value)
            tag, end = row[0], diagnosis.spans[found[0]][1]
            more = f"; so do {plural(len(found) - 1, 'other segment')} of the {self.standard.document_word}"
            message = f"{tag} ends in {plural(len(row) - 1 - filled, 'separator')} with nothing behind"
            message += f"{more if len(found) > 1 else ''}."
            told = element_finding("segment.trailing", message, source, diagnosis, found[0], filled + 1)
            start = told.position.start - 1
            value = source.quote(start - source.start, end)
            yield replace(told, position=replace(told.position, start=start, end=source.start + end), value=value)

    def duplicate(self, source: Source, diagnosis: Diagnosis, reference: str) -> Finding:
        """The finding that another document before this one has the same control number."""
        opens, place = self.standard.set_tags[0], self.standard.set_reference
        message = f"{opens}{place:02} is {reference!r}, as in a {self.standard.document_word} before this one."
        return element_finding("envelope.set_duplicate", message, source, diagnosis, 0, place)

    def other_group(self, guide: Guide | None, group: list[Any] | None) -> Iterator[Oddity]:
        """Whether documents with that guide stand in a group of another kind."""
        told = at(group or [], 1)
        if guide and guide.group and told not in ("", guide.group):
            tag = self.standard.group_tags[0]
            yield Oddity(
                "envelope.set_group",
                1,
                f"The {guide.label} {guide.message} stands in a group whose {tag}01 is {told!r}; {guide.group} is the "
                "identifier of its groups.",
            )

    def choose_guide(self, message: str, told: str, version: str | None, here: Span) -> Iterator[Finding]:
        """Find the guide of a message, once per file, and tell if there is none of its own version."""
        guide = choice.chosen(self.standard.name, message, self.guide or told)
        if self.guide and guide and guide.message != message:
            guide = guides.find(self.standard.name, message, told)
        is_own = guide is None or self.is_given(guide) or told.startswith(guide.version)
        self.guides[message, told] = (guide, Severity.ERROR if is_own else Severity.WARNING)
        name = f"{message} {version or ''}".strip()
        if guide is None:
            words = f"There is no guide for {name}: its segments are handed over flat and are not checked."
            yield finding("structure.no_guide", words, here)
        elif not is_own:
            words = f"There is no guide for {name}; that of version {guide.version} is used."
            yield finding("structure.guide_borrowed", words, here)


def element_finding(
    code: str,
    message: str,
    source: Source,
    diagnosis: Diagnosis,
    index: int,
    number: int,
    component: int | None = None,
) -> Finding:
    """A finding about the element `number` of the row at `index`, or about a component of it."""
    start, end = diagnosis.spans[index]
    places = source.cut(start, end, source.syntax.element)
    span = places[number] if number < len(places) else (end, end)
    if component:
        parts = source.cut(*span, source.syntax.component)
        span = parts[component - 1] if component <= len(parts) else (span[1], span[1])
    line = source.line + source.text.count("\n", 0, span[0])
    tag = diagnosis.rows[index][0]
    position = Position(source.start + span[0], source.start + span[1], line, index + 1, tag, number, component)
    row = CODES[code]
    return Finding(code, message, row.remedy, position, row.severity, source.quote(*span) or None)
