"""The walk through interchanges, groups and transaction sets (X12) or messages (EDIFACT): one walk for both families.

What differs between the two stands in a :class:`Standard`: the tags, and how the header of an interchange is read. The
walk takes one segment of the envelope, or one whole document, at a time from a :class:`~edi.window.Window`; its memory
is bounded by the option ``document_bytes_max``. It never stops before the end of the file: what cannot be read is
skipped to the next thing that can, and a finding names the bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from edi import elements, guides, structure
from edi.diagnosis import VALUE_MAX, Diagnosis, Source, bounded, diagnose
from edi.findings import CODES, Finding, Position, Severity
from edi.model import Document, Envelope
from edi.segments import GAP, close_gaps, cut, drop_breaks, hide, pieces, row_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edi.guides import Guide
    from edi.model import Loop
    from edi.segments import Syntax
    from edi.window import Window

SEGMENT_MAX = 100_000
"""So many bytes may a segment of the envelope have."""

_MARK = "\xef\xbb\xbf"
"""The three bytes of UTF-8's byte-order mark; files that were joined carry it in the middle, too."""

_TAIL = 3
"""A header that has begun at the end of a chunk shows at most three of its four first characters."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first segment of an interchange says. `length` is that of the header with its terminator, in bytes."""

    syntax: Syntax
    length: int
    sender: str
    receiver: str
    reference: str
    encoding: str
    delimiters: str
    oddities: tuple[tuple[str, str], ...] = ()
    """Codes and messages of what is odd about it, but can be read all the same."""


class Unreadable(NamedTuple):
    """Why a header cannot be read; `truncated` when the file ends inside it."""

    code: str
    message: str
    truncated: bool = False
    length: int = 1
    """So many bytes belong to it in any case."""


@dataclass(frozen=True, slots=True)
class Standard:
    """One family: its tags, its words, and how its headers are read.

    `start` finds where a header may begin, in four characters. `header` reads the header at the window's place.
    `describe` gives message, version, reference and group of a document from the rows of its own header and of its
    group's.
    """

    name: str
    start: re.Pattern[str]
    header: Callable[[Window], Header | Unreadable]
    describe: Callable[[list[Any], list[Any] | None], tuple[str, str | None, str, str | None]]
    opens: str
    closes: str
    set_tags: tuple[str, str]
    group_tags: tuple[str, str]
    group_reference: int
    """Which element of the group's header is its control number."""
    notes: tuple[tuple[str, str], ...]
    """Other segments that may stand in the envelope, each with the code of the note that tells of it."""
    document_word: str
    counts_documents: bool
    """Whether the interchange's trailer counts documents where there are no groups."""


class _Skipped(NamedTuple):
    start: int
    end: int
    line: int
    value: str


@dataclass(slots=True)
class _Progress:
    """Where the walk is in an interchange: what is open, and what was counted."""

    header: Header
    groups: int = 0
    documents: int = 0
    group: list[Any] | None = None
    group_documents: int = 0
    in_document: bool = False
    """Whether the file has ended inside a document."""


@lru_cache(maxsize=64)
def _end_pattern(standard: Standard, syntax: Syntax) -> re.Pattern[str]:
    """A terminator and the tag behind it that ends a document: its trailer, or whatever cannot stand inside it.

    Line breaks may stand in the tag: some programs break a file into lines of 80 characters wherever that falls.
    """
    stop, gap, after = re.escape(syntax.segment), re.escape(syntax.gap), re.escape(syntax.element)
    tags = [standard.set_tags[1], standard.set_tags[0], *standard.group_tags, standard.closes]
    choice = "|".join(r"[\r\n]*+".join(tag) for tag in tags)
    return re.compile(rf"{stop}[{gap}]*+(?:({choice})[\r\n]*+[{after}{stop}]|({standard.start.pattern}))")


@lru_cache(maxsize=64)
def _tag_pattern(syntax: Syntax) -> re.Pattern[str]:
    return re.compile(f"([A-Z0-9]{{2,3}})(?:[{re.escape(syntax.element + syntax.segment)}]|$)")


class Walk:
    """One reading of one file."""

    def __init__(self, standard: Standard, window: Window, encoding: str, document_bytes_max: int) -> None:
        self.standard = standard
        self.window = window
        self.encoding = encoding
        self.limit = document_bytes_max
        self.number = 0
        self.guides: dict[tuple[str, str | None], tuple[Guide | None, Severity]] = {}

    def run(self) -> Iterator[Document | Finding]:
        """Documents and findings, in the order of the file."""
        window, standard = self.window, self.standard
        found = False
        while True:
            junk = self.skip_to_start()
            if junk:
                count = junk.end - junk.start
                yield _finding(
                    "envelope.junk", f"{count} bytes here belong to no interchange; they were skipped.", junk
                )
            if not window.fill(1):
                break
            found = True
            header = standard.header(window)
            if isinstance(header, Header):
                here = self.span(header.length)
                yield from (_finding(code, message, here, standard.opens) for code, message in header.oddities)
                window.advance(header.length)
                yield from self.interchange(_Progress(header))
            elif header.truncated:
                yield _finding(header.code, header.message, self.span(len(window.text) - window.place), standard.opens)
                window.advance(len(window.text) - window.place)
            else:
                yield self.unreadable(header)
        if not found:
            message = f"The file holds no {standard.opens} segment, with which an interchange begins."
            yield _finding("envelope.none", message, self.span(0))

    def span(self, length: int) -> _Skipped:
        """The next `length` bytes."""
        window = self.window
        value = window.text[window.place : window.place + min(length, VALUE_MAX)]
        return _Skipped(window.offset, window.offset + length, window.line, value)

    def unreadable(self, problem: Unreadable) -> Finding:
        """Skip a header that cannot be read, and all up to the next one, in one finding."""
        self.window.fill(VALUE_MAX)
        first = self.span(VALUE_MAX)
        self.window.advance(problem.length)
        rest = self.skip_to_start(first.value[problem.length - 1])
        end = rest.end if rest else first.start + problem.length
        whole = first._replace(end=end, value=first.value[: end - first.start])
        return _finding(problem.code, problem.message, whole, self.standard.opens)

    def skip_to_start(self, last: str = "") -> _Skipped | None:
        """Go to where a header may begin, or to the end of the file; what was skipped, unless it was gaps alone."""
        window = self.window
        gaps = GAP + _MARK
        start = end = line = 0
        value = ""
        while True:
            found = self.standard.start.search(window.text, window.place)
            tail = 0 if window.ended else _TAIL
            upto = found.start() if found else max(window.place, len(window.text) - tail)
            if found and (window.text[window.place : upto] or last)[-1:].isalnum():
                # A tag behind a letter or digit is the end of another word, and no header.
                upto, found = upto + 1, None
            piece = window.text[window.place : upto]
            inner = piece.strip(gaps)
            if inner:
                lead = len(piece) - len(piece.lstrip(gaps))
                if not end:
                    start, line = window.offset + lead, window.line + piece.count("\n", 0, lead)
                    value = piece[lead:][:VALUE_MAX]
                else:
                    value += piece[: VALUE_MAX - len(value)]
                end = window.offset + len(piece.rstrip(gaps))
            elif end:
                value += piece[: VALUE_MAX - len(value)]
            last = piece[-1:] or last
            window.advance(len(piece))
            if found or (window.ended and window.place == len(window.text)):
                return _Skipped(start, end, line, value[: end - start]) if end else None
            if not piece:
                window.more()

    def interchange(self, progress: _Progress) -> Iterator[Document | Finding]:
        """What stands between the header of an interchange and its trailer."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        while True:
            self.skip_gap(syntax)
            if not window.fill(1):
                yield self.truncated(progress, 0)
                return
            tag = self.peek(syntax)
            if tag == standard.set_tags[0]:
                yield from self.document(progress)
                continue
            if tag in (*standard.group_tags, standard.closes, *(name for name, _ in standard.notes)):
                length = self.segment_length(syntax)
                if length is None and len(window.text) - window.place >= SEGMENT_MAX:
                    words = f"{tag} has no end within {SEGMENT_MAX} bytes; it was skipped."
                    yield _finding("envelope.too_large", words, self.span(SEGMENT_MAX), tag)
                    self.skip_segment(syntax)
                    continue
                if length is None:
                    yield from self.unterminated(progress, tag)
                    return
                span = self.span(length)
                row = self.row(length, syntax)
                yield from self.envelope_segment(progress, tag, row, span)
                window.advance(length)
                if tag == standard.closes:
                    return
            elif window.fill(4) and standard.start.match(window.text, window.place):
                missing = [standard.group_tags[1]] if progress.group else []
                message = (
                    f"A new {standard.opens} begins before {_listed([*missing, standard.closes])} of the one before."
                )
                yield _finding("envelope.not_closed", message, self.span(0), standard.opens)
                return
            else:
                yield self.stray(syntax)

    def envelope_segment(self, progress: _Progress, tag: str, row: list[Any], span: _Skipped) -> Iterator[Finding]:
        """Open or close a group, close the interchange, or tell of another segment of the envelope."""
        standard = self.standard
        opens, closes = standard.group_tags
        syntax = progress.header.syntax
        if tag == opens:
            if progress.group:
                message = f"A new {opens} begins before the {closes} of the group before it."
                yield _finding("envelope.not_closed", message, span, tag)
            progress.group, progress.group_documents = row, 0
            progress.groups += 1
        elif tag == closes:
            if progress.group is None:
                yield _finding("envelope.not_opened", f"{closes} closes a group, but no {opens} opened one.", span, tag)
                return
            reference = _at(progress.group, standard.group_reference)
            yield from self.trailer(
                row, span, syntax, (progress.group_documents, standard.document_word), (opens, reference)
            )
            progress.group = None
        elif tag == standard.closes:
            if progress.group:
                message = f"{standard.closes} closes the interchange, but {closes} of the last group is missing."
                yield _finding("envelope.not_closed", message, span, tag)
            count = (progress.groups, "functional group")
            if standard.counts_documents and not progress.groups:
                count = (progress.documents, standard.document_word)
            yield from self.trailer(row, span, syntax, count, (standard.opens, progress.header.reference))
        else:
            code = dict(standard.notes)[tag]
            title = CODES[code].title
            words = ", ".join(text_of(value) for value in row[1:] if value)
            yield _finding(code, f"{title[0].upper()}{title[1:]}: {words}.", span, tag)

    def trailer(
        self, row: list[Any], span: _Skipped, syntax: Syntax, count: tuple[int, str], opened: tuple[str, str]
    ) -> Iterator[Finding]:
        """Compare the count and the control number of a trailer with what was read."""
        tag, told, reference = row[0], _at(row, 1), _at(row, 2)
        first, second = self.part(span, 1, syntax), self.part(span, 2, syntax)
        if not _same(told, str(count[0])):
            message = f"{tag}01 counts {told or 'nothing'}, but the file holds {_plural(*count)}."
            yield _finding("envelope.count", message, first, tag, 1)
        if not _same(reference, opened[1]):
            message = (
                f"{tag}02 is {reference!r}, but the {opened[0]} that it closes has the control number {opened[1]!r}."
            )
            yield _finding("envelope.reference", message, second, tag, 2)

    def part(self, span: _Skipped, number: int, syntax: Syntax) -> _Skipped:
        """The span of an element of the segment at the window's place; empty at its end when it is not there."""
        window = self.window
        end = window.place + span.end - span.start
        end -= window.text[:end].endswith(syntax.segment)
        places = pieces(window.text, window.place, end, syntax.element, syntax.release)
        start, end = places[number] if number < len(places) else (end, end)
        return _Skipped(
            window.base + start, window.base + end, span.line, window.text[start : min(end, start + VALUE_MAX)]
        )

    def truncated(self, progress: _Progress, length: int) -> Finding:
        """The finding that the file ends here, and what should have come."""
        trailers = [self.standard.set_tags[1]] if progress.in_document else []
        trailers += [self.standard.group_tags[1]] if progress.group else []
        trailers.append(self.standard.closes)
        verb = "is" if len(trailers) == 1 else "are"
        message = f"The file ends inside an interchange: {_listed(trailers)} {verb} missing."
        return _finding("envelope.truncated", message, self.span(length))

    def unterminated(self, progress: _Progress, tag: str) -> Iterator[Finding]:
        """The segment of the envelope that the file ends in."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        length = len(window.text) - window.place
        row = self.row(length, syntax)
        findings = list(self.envelope_segment(progress, tag, row, self.span(length)))
        if tag == standard.closes and len(row) > 2 and row[2] == progress.header.reference and not findings:
            message = f"The terminator of {tag} is missing at the end of the file; everything before it is there."
            yield _finding("envelope.truncated", message, self.span(length), tag, weight=Severity.WARNING)
        else:
            yield self.truncated(progress, length)
        window.advance(length)

    def stray(self, syntax: Syntax) -> Finding:
        """Skip segments that stand outside every document, up to the next segment of an envelope."""
        window, standard = self.window, self.standard
        first = self.span(0)
        tag = self.peek(syntax) or None
        known = {standard.set_tags[0], *standard.group_tags, standard.closes, *(name for name, _ in standard.notes)}
        value = ""
        end = window.offset
        while window.fill(1) and self.peek(syntax) not in known:
            if window.fill(4) and standard.start.match(window.text, window.place):
                break
            value += self.skip_segment(syntax)[: VALUE_MAX - len(value)]
            end = window.offset
            value += self.skip_gap(syntax)[: VALUE_MAX - len(value)]
        word = standard.document_word
        what = f"{tag} stands" if tag else "These bytes stand"
        span = first._replace(end=end, value=value[: end - first.start])
        return _finding("envelope.stray", f"{what} outside every {word}; nobody can tell where it belongs.", span, tag)

    # --- documents

    def document(self, progress: _Progress) -> Iterator[Document | Finding]:
        """One transaction set or message, from its header to its trailer or to where it must end."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        pattern = _end_pattern(standard, syntax)
        found = self.search(pattern, 0, self.limit, syntax)
        closed = bool(found and found[1] and drop_breaks(found[1], syntax) == standard.set_tags[1])
        length: int | None = None
        limit = self.limit
        if found and closed:
            skip = found.start(1) - window.place
            length, limit = self.segment_length(syntax, skip), skip + SEGMENT_MAX
        elif found:
            length = found.start() + 1 - window.place
        progress.documents += 1
        progress.group_documents += 1
        self.number += 1
        if length is None:
            if len(window.text) - window.place >= limit:
                yield from self.too_large(progress)
                return
            rest = window.text[window.place :].rstrip(syntax.gap)
            yield from self.judged(rest, progress, closed=False)
            window.advance(len(rest))
            progress.in_document = True
            return
        yield from self.judged(window.text[window.place : window.place + length], progress, closed=closed)
        window.advance(length)

    def too_large(self, progress: _Progress) -> Iterator[Document | Finding]:
        """Skip a document that does not fit into memory; it is handed over empty, with the finding."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        length = self.segment_length(syntax) or 0
        row = self.row(length, syntax) if length else [standard.set_tags[0]]
        window.fill(VALUE_MAX)
        first = self.span(VALUE_MAX)
        ends = {standard.set_tags[0], *standard.group_tags, standard.closes}
        end = window.offset
        while True:
            self.skip_segment(syntax)
            end = window.offset
            self.skip_gap(syntax)
            tag = self.peek(syntax) if window.fill(1) else standard.closes
            if tag == standard.set_tags[1]:
                self.skip_segment(syntax)
                end = window.offset
            if tag in ends or tag == standard.set_tags[1] or standard.start.match(window.text, window.place):
                break
        span = first._replace(end=end, value=first.value[: end - first.start])
        message = f"The {standard.document_word} has {end - first.start} bytes; at most {self.limit} are read."
        finding = _finding("envelope.too_large", message, span)
        envelope = self.envelope(progress, row, "utf-8")
        yield Document(self.number, span.start, end, {}, envelope, (finding,))

    def judged(self, text: str, progress: _Progress, *, closed: bool) -> Iterator[Document | Finding]:
        """The document in `text`: quickly if nothing is wrong with it, else with care."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        start = window.offset
        end = start + len(text)
        first = drop_breaks(text[: text.find(syntax.segment) + 1 or len(text)], syntax)
        row = row_at(first, 0, len(first.removesuffix(syntax.segment)), syntax)
        message, version, reference, _ = standard.describe(row, progress.group)
        if (message, version) not in self.guides:
            yield from self.choose_guide(message, version, start)
        guide, weight = self.guides[message, version]
        if progress.group is None and not standard.counts_documents:
            words = (
                f"{standard.set_tags[0]} stands outside every group: the {standard.group_tags[0]} before it is missing."
            )
            yield _finding("envelope.not_opened", words, self.span(0), standard.set_tags[0])
        encoding = self.chosen_encoding(text, progress.header)
        content = self.at_once(text, syntax, guide, encoding, reference) if closed else None
        envelope = self.envelope(progress, row, encoding)
        if content is not None:
            yield Document(self.number, start, end, content, envelope)
            return
        source = Source(text, start, window.line, start - window.line_start, syntax, encoding, window.codec)
        diagnosis = diagnose(source, guide, weight)
        diagnosis.findings.extend(self.trailer_findings(source, diagnosis, closed=closed))
        yield Document(self.number, start, end, diagnosis.content, envelope, tuple(bounded(diagnosis.findings)))

    def at_once(self, text: str, syntax: Syntax, guide: Guide | None, encoding: str, reference: str) -> Loop | None:
        """The content of a document that is right in every way; None when anything has to be looked at."""
        hidden = hide(text, syntax)
        if hidden is None or "\x1b" in text:
            return None
        body = close_gaps(hidden[0], syntax)
        if syntax.segment * 2 in body or any(c in body for c in "\r\n" if c != syntax.segment):
            return None
        if not body.isascii() and encoding != self.window.codec:
            if not syntax.characters.isascii():
                return None
            try:
                body = body.encode(self.window.codec).decode(encoding)
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

    def trailer_findings(self, source: Source, diagnosis: Diagnosis, *, closed: bool) -> Iterator[Finding]:
        """Compare the count and the control number of the document's own trailer with what was read."""
        opens, closes = self.standard.set_tags
        syntax, rows = source.syntax, diagnosis.rows
        word = self.standard.document_word
        if not closed or rows[-1][0] != closes:
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
            ("envelope.set_count", 1, str(len(rows)), f"the {word} has {_plural(len(rows), 'segment')}"),
            ("envelope.set_reference", 2, reference, f"its {opens} has the control number {reference!r}"),
        )
        for code, number, expected, words in checks:
            told = _at(trailer, number)
            same = _same(told, expected) if number == 1 else told == expected
            if not same:
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

    def choose_guide(self, message: str, version: str | None, start: int) -> Iterator[Finding]:
        """Find the guide of a message, once per file, and tell if there is none of its own version."""
        guide = guides.find(self.standard.name, message, version or "")
        self.guides[message, version] = (guide, Severity.ERROR)
        name = f"{message} {version or ''}".strip()
        span = _Skipped(start, start, self.window.line, "")
        if guide is None:
            words = f"There is no guide for {name}: its segments are handed over flat and are not checked."
            yield _finding("structure.no_guide", words, span)
        elif guide.version != version:
            self.guides[message, version] = (guide, Severity.WARNING)
            words = f"There is no guide for {name}; that of version {guide.version} is used."
            yield _finding("structure.guide_borrowed", words, span)

    def chosen_encoding(self, text: str, header: Header) -> str:
        """What the values are decoded with: the option, or what the header declares, or UTF-8 if it can be that."""
        if self.window.codec != "latin-1":
            return self.window.codec
        declared = header.encoding if self.encoding == "auto" else self.encoding
        if declared:
            return declared
        if text.isascii():
            return "utf-8"
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            return "iso8859-1"
        return "utf-8"

    def envelope(self, progress: _Progress, row: list[Any], encoding: str) -> Envelope:
        """The envelope of the document whose header is `row`."""
        header = progress.header
        message, version, reference, group = self.standard.describe(row, progress.group)
        return Envelope(
            self.standard.name,
            message,
            version,
            header.sender,
            header.receiver,
            header.reference,
            group,
            reference,
            (),
            encoding,
            header.delimiters,
        )

    # --- the next segment

    def skip_gap(self, syntax: Syntax) -> str:
        """Go to the next segment of the envelope; a terminator without a segment before it counts as a gap here.

        The answer is the first of what was skipped.
        """
        window = self.window
        sample = ""
        gap = syntax.gap + syntax.segment
        while window.fill(1):
            text = window.text
            place = window.place
            while place < len(text) and text[place] in gap:
                place += 1
            sample = sample + text[window.place : place] if len(sample) < VALUE_MAX else sample
            window.advance(place - window.place)
            if place < len(text):
                break
        return sample

    def peek(self, syntax: Syntax) -> str:
        """The tag of the next segment; empty when what comes next is none."""
        window = self.window
        window.fill(8)
        head = drop_breaks(window.text[window.place : window.place + 8], syntax)
        found = _tag_pattern(syntax).match(head)
        return found[1] if found else ""

    def search(self, pattern: re.Pattern[str], skip: int, limit: int, syntax: Syntax) -> re.Match[str] | None:
        """Find `pattern`, which begins with a terminator that is not released."""
        window = self.window
        while True:
            found = window.search(pattern, skip, limit, syntax.segment)
            if not found or not syntax.release:
                return found
            before = window.text[window.place : found.start()]
            if (len(before) - len(before.rstrip(syntax.release))) % 2 == 0:
                return found
            skip = found.start() + 1 - window.place

    def segment_length(self, syntax: Syntax, skip: int = 0) -> int | None:
        """How many bytes there are from here to the end of the segment that begins at `skip`; None if it has none."""
        found = self.search(_stop_pattern(syntax.segment), skip, skip + SEGMENT_MAX, syntax)
        return found.end() - self.window.place if found else None

    def skip_segment(self, syntax: Syntax) -> str:
        """Go behind the end of the next segment, however long it is; the first of what was skipped."""
        window = self.window
        sample = ""
        while True:
            length = self.segment_length(syntax)
            taken = length or min(SEGMENT_MAX, len(window.text) - window.place)
            sample = sample or window.text[window.place : window.place + min(taken, VALUE_MAX)]
            window.advance(taken)
            if length or not taken:
                return sample

    def row(self, length: int, syntax: Syntax) -> list[Any]:
        """The next segment, whose end is `length` bytes from here."""
        text = drop_breaks(self.window.text[self.window.place : self.window.place + length], syntax)
        return row_at(text, 0, len(text) - text.endswith(syntax.segment), syntax)


@lru_cache(maxsize=64)
def _stop_pattern(segment: str) -> re.Pattern[str]:
    return re.compile(re.escape(segment))


def _finding(
    code: str,
    message: str,
    span: _Skipped,
    tag: str | None = None,
    element: int | None = None,
    *,
    weight: Severity | None = None,
) -> Finding:
    row = CODES[code]
    position = Position(span.start, span.end, span.line, tag=tag, element=element)
    value = span.value if span.end > span.start else None
    return Finding(code, message, row.remedy, position, weight or row.severity, value)


def _at(row: list[Any], number: int) -> str:
    """The element `number` of a row, as text; empty when it is not there."""
    return text_of(row[number]) if number < len(row) else ""


def text_of(value: Any) -> str:
    """An element as one text; components are joined with colons."""
    return value if isinstance(value, str) else ":".join(text_of(part) for part in value)


def _same(told: str, expected: str) -> bool:
    """Whether two control numbers or counts are the same; leading zeros do not matter where both are digits."""
    if told.isdecimal() and expected.isdecimal():
        return int(told) == int(expected)
    return told == expected


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
