"""One transaction set or message: read at once if nothing is wrong with it, else with care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edi.findings import CODES, Finding, Position, Severity
from edi.model import Document, Envelope
from edi.segmented import elements, guides, structure
from edi.segmented.diagnosis import Diagnosis, Source, bounded, diagnose
from edi.segmented.segments import close_gaps, cut, drop_breaks, hide, pieces, row_at
from edi.segmented.standard import Header, Span, Standard, at, finding, plural, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.model import Loop
    from edi.segmented.guides import Guide
    from edi.segmented.segments import Syntax


class Raw(NamedTuple):
    """The text of one document, one character per byte, and its place: offset, line, and the line's bytes before it."""

    text: str
    start: int
    line: int
    column: int
    codec: str
    is_closed: bool
    """Whether its trailer is there."""


class Judge:
    """Makes documents of texts, for one file: which guides it has chosen is told once."""

    def __init__(self, standard: Standard, encoding: str) -> None:
        self.standard = standard
        self.encoding = encoding
        self.number = 0
        self.guides: dict[tuple[str, str | None], tuple[Guide | None, Severity]] = {}

    def judge(self, raw: Raw, header: Header, group: list[Any] | None) -> Iterator[Document | Finding]:
        """The document in `raw`, and before it what is worth a finding of the file. `group` is the row of GS or UNG."""
        standard, syntax, text = self.standard, header.syntax, raw.text
        first = drop_breaks(text[: text.find(syntax.segment) + 1 or len(text)], syntax)
        row = row_at(first, 0, len(first.removesuffix(syntax.segment)), syntax)
        message, version, reference, _ = standard.describe(row, group)
        if (message, version) not in self.guides:
            yield from self.choose_guide(message, version, Span(raw.start, raw.start, raw.line, ""))
        guide, weight = self.guides[message, version]
        encoding = self.chosen_encoding(raw, header)
        content = self.at_once(raw, syntax, guide, encoding, reference) if raw.is_closed else None
        envelope = self.envelope(header, row, group, encoding)
        self.number += 1
        end = raw.start + len(text)
        if content is not None:
            yield Document(self.number, raw.start, end, content, envelope)
            return
        source = Source(text, raw.start, raw.line, raw.column, syntax, encoding, raw.codec)
        diagnosis = diagnose(source, guide, weight)
        diagnosis.findings.extend(self.trailer_findings(source, diagnosis, is_closed=raw.is_closed))
        yield Document(
            self.number,
            raw.start,
            end,
            diagnosis.content,
            envelope,
            tuple(bounded(diagnosis.findings, diagnosis.omitted)),
        )

    def skipped(self, span: Span, row: list[Any], header: Header, group: list[Any] | None, told: Finding) -> Document:
        """A document that was not read, with the finding that says why; `row` is what is known of its header."""
        self.number += 1
        return Document(self.number, span.start, span.end, {}, self.envelope(header, row, group, "utf-8"), (told,))

    def at_once(self, raw: Raw, syntax: Syntax, guide: Guide | None, encoding: str, reference: str) -> Loop | None:
        """The content of a document that is right in every way; None when anything has to be looked at."""
        hidden = hide(raw.text, syntax)
        if hidden is None or "\x1b" in raw.text:
            return None
        body = close_gaps(hidden[0], syntax)
        if syntax.segment * 2 in body or any(c in body for c in "\r\n" if c != syntax.segment):
            return None
        if not body.isascii() and encoding != raw.codec:
            if not syntax.characters.isascii():
                return None
            try:
                body = body.encode(raw.codec).decode(encoding)
            except UnicodeDecodeError:
                return None
        if guide:
            proved = elements.proof(guide, syntax).match(body)
            if not proved or proved.end() != len(body):
                return None
        rows = cut(body, hidden[1], syntax)
        if rows[-1] != [self.standard.set_tags[1], str(len(rows)), reference]:
            return None
        if guide:
            return structure.assemble(rows, guide)
        return structure.flat(rows) if all(isinstance(row[0], str) for row in rows) else None

    def trailer_findings(self, source: Source, diagnosis: Diagnosis, *, is_closed: bool) -> Iterator[Finding]:
        """Compare the count and the control number of the document's own trailer with what was read."""
        opens, closes = self.standard.set_tags
        syntax, rows = source.syntax, diagnosis.rows
        word = self.standard.document_word
        if not is_closed or rows[-1][0] != closes:
            end = source.start + len(source.text)
            line = source.line + source.text.count("\n")
            message = f"The {word} has no {closes}: it breaks off after its segment {len(rows)}."
            position = Position(end, end, line, len(rows) + 1, closes)
            yield Finding("envelope.set_not_closed", message, CODES["envelope.set_not_closed"].remedy, position)
            return
        trailer = rows[-1]
        reference = self.standard.describe(rows[0], None)[2]
        start, end = diagnosis.spans[-1]
        places = pieces(source.text, start, end, syntax.element, syntax.release)
        checks = (
            ("envelope.set_count", 1, str(len(rows)), f"the {word} has {plural(len(rows), 'segment')}"),
            ("envelope.set_reference", 2, reference, f"its {opens} has the control number {reference!r}"),
        )
        for code, number, expected, words in checks:
            told = at(trailer, number)
            if not (same(told, expected) if number == 1 else told == expected):
                span = places[number] if number < len(places) else (end, end)
                position = Position(
                    source.start + span[0],
                    source.start + span[1],
                    source.line + source.text.count("\n", 0, span[0]),
                    len(rows),
                    closes,
                    number,
                )
                message = f"{closes}{number:02} is {told!r}, but {words}."
                yield Finding(code, message, CODES[code].remedy, position, value=source.quote(*span) or None)

    def choose_guide(self, message: str, version: str | None, here: Span) -> Iterator[Finding]:
        """Find the guide of a message, once per file, and tell if there is none of its own version."""
        guide = guides.find(self.standard.name, message, version or "")
        self.guides[message, version] = (guide, Severity.ERROR)
        name = f"{message} {version or ''}".strip()
        if guide is None:
            words = f"There is no guide for {name}: its segments are handed over flat and are not checked."
            yield finding("structure.no_guide", words, here)
        elif guide.version != version:
            self.guides[message, version] = (guide, Severity.WARNING)
            words = f"There is no guide for {name}; that of version {guide.version} is used."
            yield finding("structure.guide_borrowed", words, here)

    def chosen_encoding(self, raw: Raw, header: Header) -> str:
        """What the values are decoded with: the option, or what the header declares, or UTF-8 if it can be that."""
        if raw.codec != "latin-1":
            return raw.codec
        declared = header.encoding if self.encoding == "auto" else self.encoding
        if declared:
            return declared
        if raw.text.isascii():
            return "utf-8"
        try:
            raw.text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return "iso8859-1"
        return "utf-8"

    def envelope(self, header: Header, row: list[Any], group: list[Any] | None, encoding: str) -> Envelope:
        """The envelope of the document whose header is `row`."""
        message, version, reference, number = self.standard.describe(row, group)
        return Envelope(
            self.standard.name,
            message,
            version,
            header.sender,
            header.receiver,
            header.reference,
            number,
            reference,
            (),
            encoding,
            header.delimiters,
        )
