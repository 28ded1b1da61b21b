"""The walk through interchanges, groups and transaction sets (X12) or messages (EDIFACT): one walk for both families.

What differs between the two stands in a :class:`Standard`: the tags, and how the header of an interchange is read. The
walk takes one segment of the envelope, or one whole document, at a time from a :class:`Window`; its memory is bounded
by the option ``document_bytes_max``. It never stops before the end of the file: what cannot be read is skipped to the
next thing that can, and a finding names the bytes.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edi.findings import CODES, Finding, Severity
from edi.model import Document
from edi.segmented import guides
from edi.segmented.documents.diagnosis import VALUE_MAX
from edi.segmented.documents.judgement import Around, Judge, Raw
from edi.segmented.walk.cursor import SEGMENT_MAX, Cursor
from edi.segmented.walk.events import Aside, Closed, Opened
from edi.segmented.walk.numbers import Met
from edi.segmented.walk.segments import BINARY_TAGS, binary_header, drop_breaks
from edi.segmented.walk.standard import (
    DOCUMENT_BYTES_MAX,
    Header,
    Span,
    Standard,
    Unreadable,
    at,
    finding,
    listed,
    plural,
    same,
    text_of,
)
from edi.segmented.walk.window import Window, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.segmented.walk.segments import Syntax

    Event = Document | Finding | Opened | Closed | Aside


@dataclass(slots=True)
class _Progress:
    """Where the walk is in an interchange: what is open, and what was counted."""

    header: Header
    around: Around
    groups: int = 0
    documents: int = 0
    group: list[Any] | None = None
    group_documents: int = 0
    is_closed: bool = False
    """Whether its trailer came."""
    in_document: bool = False
    """Whether the file has ended inside a document."""
    met: Met = field(default_factory=Met)
    """The control numbers of the groups."""
    refused: tuple[int, int] = (-1, 0)
    """Where a document begins and how long it is that is known to want a closer look."""


_SHOWN = (Document, Finding)
_ONE_BYTE = (
    "Ask the sender for the file in plain ASCII, or in the character set that its envelope names, without a byte order "
    "mark."
)


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
def _binary_pattern(syntax: Syntax) -> re.Pattern[str]:
    stop, gap = re.escape(syntax.segment), re.escape(syntax.gap)
    return re.compile(f"{stop}[{gap}]*+({'|'.join(BINARY_TAGS)}){re.escape(syntax.element)}")


_BINARY_HEADER = 100
"""In so many bytes a binary segment says how long its data are."""


class Walk:
    """One reading of one file. The options are those of the readers' SPEC.

    Raises:
        ValueError: an option has a value that it cannot have.
    """

    def __init__(self, standard: Standard, chunks: Iterable[bytes], options: Mapping[str, str]) -> None:
        encoding, limit = options.get("encoding", "auto"), options.get("document_bytes_max", str(DOCUMENT_BYTES_MAX))
        if not limit.isdecimal() or int(limit) < 1:
            raise ValueError(f"document_bytes_max is {limit!r}; write a number of bytes")
        if encoding != "auto":
            try:
                codecs.lookup(encoding)
            except LookupError:
                raise ValueError(f"encoding is {encoding!r}, which is no character set that is known") from None
        self.standard = standard
        window = opened(chunks, standard.first_tags, encoding)
        self.wide = () if isinstance(window, Window) else window
        self.window = window if isinstance(window, Window) else Window(())
        self.cursor = Cursor(self.window)
        repertoire = options.get("repertoire", "declared")
        if repertoire not in ("declared", "any"):
            raise ValueError(f"repertoire is {repertoire!r}; write declared or any")
        guide = options.get("guide", "")
        if guide:
            guides.parse(guide)
        self.judge = Judge(standard, encoding, guide, any_repertoire=repertoire == "any")
        self.limit = int(limit)
        self.met = Met()

    def run(self) -> Iterator[Document | Finding]:
        """Documents and findings, in the order of the file."""
        return (item for item in self.events() if item.__class__ in _SHOWN)

    def events(self) -> Iterator[Event]:
        """Documents and findings, and between them where interchanges and groups open and close."""
        size = sum(map(len, self.wide))
        if size:
            words = f"The file is written in UTF-16 or UTF-32; {self.standard.name.upper()} has one byte a character."
            yield finding("text.wide", words, Span(0, size, 1, ""), remedy=_ONE_BYTE)
            return
        window, standard = self.window, self.standard
        found = False
        while True:
            junk = self.cursor.skip_to(standard.start)
            if junk:
                count = junk.end - junk.start
                yield finding("envelope.junk", f"{count} bytes here belong to no interchange; they were skipped.", junk)
            if not window.fill(1):
                break
            found = True
            header = standard.header(window)
            if isinstance(header, Header):
                here = self.cursor.span(header.length)
                yield Opened("interchange", header.row, header.delimiters, here.start, here.end)
                yield from (finding(code, message, here, standard.opens) for code, message in header.oddities)
                yield from self.opening(header.row, here, header.syntax)
                who = f"{header.sender} {header.receiver} {header.reference}"
                yield from self.repeated(who, header.reference, standard.opens, here, self.met)
                window.advance(header.length)
                yield from self.interchange(_Progress(header, Around(header, None, self.cursor.gap(header.syntax))))
            elif header.truncated:
                yield finding(
                    header.code, header.message, self.cursor.span(len(window.text) - window.place), standard.opens
                )
                window.advance(len(window.text) - window.place)
            else:
                yield self.unreadable(header)
        if not found and not window.offset:
            yield finding("file.empty", "the file has no bytes", Span(0, 0, 1, ""))
        elif not found:
            message = f"The file holds no {standard.opens} segment, with which an interchange begins."
            yield finding("envelope.none", message, self.cursor.span(0))

    def opening(self, row: list[Any], span: Span, syntax: Syntax) -> Iterator[Finding]:
        """What is wrong with the dates and versions of a header of an interchange or group."""
        for code, number, message, _ in self.standard.oddities(row, None):
            yield finding(code, message, self.cursor.part(span, row[0], number, syntax), row[0], number)

    def repeated(self, who: str, reference: str, tag: str, span: Span, met: Met) -> Iterator[Finding]:
        """The finding that a header's control number was met before."""
        if met.again(who):
            message = f"The control number {reference!r} of this {tag} was that of another one before it."
            yield finding("envelope.duplicate", message, span, tag)

    def unreadable(self, problem: Unreadable) -> Finding:
        """Skip a header that cannot be read, and all up to the next one, in one finding."""
        self.window.fill(VALUE_MAX)
        first = self.cursor.span(VALUE_MAX)
        self.window.advance(problem.length)
        rest = self.cursor.skip_to(self.standard.start, first.value[problem.length - 1])
        end = rest.end if rest else first.start + problem.length
        whole = first._replace(end=end, value=first.value[: end - first.start])
        return finding(problem.code, problem.message, whole, self.standard.opens)

    def interchange(self, progress: _Progress) -> Iterator[Event]:
        """What stands between the header of an interchange and its trailer, and the trailer."""
        yield from self.segments(progress)
        if not progress.is_closed:
            here = self.window.offset
            if progress.group:
                yield Closed("group", None, here, here)
            yield Closed("interchange", None, here, here)

    def segments(self, progress: _Progress) -> Iterator[Event]:
        """The same, segment by segment and document by document."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        while True:
            self.cursor.skip_gap(syntax)
            if not window.fill(1):
                yield self.truncated(progress, 0)
                return
            if progress.around.lanes:
                before = window.offset
                yield from self.clean(progress)
                if window.offset > before:
                    continue
            tag = self.cursor.peek(syntax)
            if tag == standard.set_tags[0]:
                yield from self.document(progress)
                continue
            if tag in (*standard.group_tags, standard.closes, *(name for name, _ in standard.notes)):
                length = self.cursor.segment_length(syntax)
                if length is None and len(window.text) - window.place >= SEGMENT_MAX:
                    words = f"{tag} has no end within {SEGMENT_MAX} bytes; it was skipped."
                    yield finding("envelope.too_large", words, self.cursor.span(SEGMENT_MAX), tag)
                    self.cursor.skip_segment(syntax)
                    continue
                if length is None:
                    yield from self.unterminated(progress, tag)
                    return
                span = self.cursor.span(length)
                row = self.cursor.row(length, syntax)
                yield from self.envelope_segment(progress, tag, row, span)
                window.advance(length)
                if tag == standard.closes:
                    progress.is_closed = True
                    return
            elif window.fill(4) and standard.start.match(window.text, window.place):
                missing = [standard.group_tags[1]] if progress.group else []
                message = (
                    f"A new {standard.opens} begins before {listed([*missing, standard.closes])} of the one before."
                )
                yield finding("envelope.not_closed", message, self.cursor.span(0), standard.opens)
                return
            else:
                yield self.stray(syntax)

    def envelope_segment(self, progress: _Progress, tag: str, row: list[Any], span: Span) -> Iterator[Event]:
        """Open or close a group, close the interchange, or tell of another segment of the envelope."""
        standard = self.standard
        opens, closes = standard.group_tags
        syntax = progress.header.syntax
        if tag == opens:
            if progress.group:
                message = f"A new {opens} begins before the {closes} of the group before it."
                yield finding("envelope.not_closed", message, span, tag)
                yield Closed("group", None, span.start, span.start)
            progress.group, progress.group_documents = row, 0
            progress.groups += 1
            progress.around = Around(progress.header, row, progress.around.gap)
            yield Opened("group", row, progress.header.delimiters, span.start, span.end)
            yield from self.opening(row, span, syntax)
            reference = at(row, standard.group_reference)
            yield from self.repeated(f"{at(row, 1)} {reference}", reference, tag, span, progress.met)
        elif tag == closes:
            if progress.group is None:
                yield finding("envelope.not_opened", f"{closes} closes a group, but no {opens} opened one.", span, tag)
                return
            reference = at(progress.group, standard.group_reference)
            yield from self.trailer(
                row, span, syntax, (progress.group_documents, standard.document_word), (opens, reference)
            )
            progress.group = None
            yield Closed("group", row, span.start, span.end)
        elif tag == standard.closes:
            if progress.group:
                message = f"{standard.closes} closes the interchange, but {closes} of the last group is missing."
                yield finding("envelope.not_closed", message, span, tag)
                yield Closed("group", None, span.start, span.start)
                progress.group = None
            count = (progress.groups, "functional group")
            if standard.counts_documents and not progress.groups:
                count = (progress.documents, standard.document_word)
            yield from self.trailer(row, span, syntax, count, (standard.opens, progress.header.reference))
            yield Closed("interchange", row, span.start, span.end)
        else:
            yield Aside(row, span.start, span.end)
            code = dict(standard.notes)[tag]
            title = CODES[code].title
            words = ", ".join(text_of(value) for value in row[1:] if value)
            yield finding(code, f"{title[0].upper()}{title[1:]}: {words}.", span, tag)

    def trailer(
        self, row: list[Any], span: Span, syntax: Syntax, count: tuple[int, str], opened: tuple[str, str]
    ) -> Iterator[Finding]:
        """Compare the count and the control number of a trailer with what was read."""
        tag, told, reference = row[0], at(row, 1), at(row, 2)
        first, second = self.cursor.part(span, tag, 1, syntax), self.cursor.part(span, tag, 2, syntax)
        if not same(told, str(count[0])):
            message = f"{tag}01 counts {told or 'nothing'}, but the file holds {plural(*count)}."
            yield finding("envelope.count", message, first, tag, 1)
        if not same(reference, opened[1]):
            message = (
                f"{tag}02 is {reference!r}, but the {opened[0]} that it closes has the control number {opened[1]!r}."
            )
            yield finding("envelope.reference", message, second, tag, 2)

    def truncated(self, progress: _Progress, length: int) -> Finding:
        """The finding that the file ends here, and what should have come."""
        trailers = [self.standard.set_tags[1]] if progress.in_document else []
        trailers += [self.standard.group_tags[1]] if progress.group else []
        trailers.append(self.standard.closes)
        verb = "is" if len(trailers) == 1 else "are"
        message = f"The file ends inside an interchange: {listed(trailers)} {verb} missing."
        return finding("envelope.truncated", message, self.cursor.span(length))

    def unterminated(self, progress: _Progress, tag: str) -> Iterator[Event]:
        """The segment of the envelope that the file ends in."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        length = len(window.text) - window.place
        row = self.cursor.row(length, syntax)
        events = list(self.envelope_segment(progress, tag, row, self.cursor.span(length)))
        is_whole = not any(isinstance(event, Finding) for event in events)
        if tag == standard.closes and len(row) > 2 and row[2] == progress.header.reference and is_whole:
            message = f"The terminator of {tag} is missing at the end of the file; everything before it is there."
            yield finding("envelope.truncated", message, self.cursor.span(length), tag, weight=Severity.WARNING)
            yield from events
            progress.is_closed = True
        else:
            yield from (event for event in events if isinstance(event, (Opened, Closed)) and event.kind == "group")
            yield self.unfit(progress, tag, length) if tag == standard.closes else self.truncated(progress, length)
        window.advance(length)

    def unfit(self, progress: _Progress, tag: str, length: int) -> Finding:
        """The finding that the file ends inside the trailer of the interchange."""
        opens = progress.header.row[0]
        message = (
            f"The file ends inside its {tag}, which has no terminator and does not fit its {opens}: it may be cut."
        )
        return finding("envelope.truncated", message, self.cursor.span(length), tag)

    def stray(self, syntax: Syntax) -> Finding:
        """Skip segments that stand outside every document, up to the next segment of an envelope."""
        window, standard = self.window, self.standard
        first = self.cursor.span(0)
        tag = self.cursor.peek(syntax) or None
        known = {standard.set_tags[0], *standard.group_tags, standard.closes, *(name for name, _ in standard.notes)}
        value = ""
        end = window.offset
        while window.fill(1) and self.cursor.peek(syntax) not in known:
            if window.fill(4) and standard.start.match(window.text, window.place):
                break
            value += self.cursor.skip_segment(syntax)[: VALUE_MAX - len(value)]
            end = window.offset
            value += self.cursor.skip_gap(syntax)[: VALUE_MAX - len(value)]
        word = standard.document_word
        what, it = (f"{tag} stands", "it belongs") if tag else ("These bytes stand", "they belong")
        span = first._replace(end=end, value=value[: end - first.start])
        return finding("envelope.stray", f"{what} outside every {word}; nobody can tell where {it}.", span, tag)

    def clean(self, progress: _Progress) -> Iterator[Document]:
        """The documents from here on that are right in every way, up to one that is not, or to something else."""
        window, standard, around, gap = self.window, self.standard, progress.around, progress.around.gap
        syntax, stop = progress.header.syntax, progress.header.syntax.segment
        opens = standard.set_tags[0] + syntax.element
        closes = stop + gap + standard.set_tags[1] + syntax.element
        looked = 0
        if progress.group is None and not standard.counts_documents:
            return  # each of them stands outside every group
        while True:
            text, place = window.text, window.place
            if not text.startswith(opens, place):
                if len(text) - place < len(opens) and window.more():
                    continue
                return
            behind = text.find(stop + gap + opens, place + looked)
            end = text.find(closes, place + looked, behind if behind >= 0 else len(text))
            if end < 0 <= behind:
                return  # it has no trailer; a look at all that follows, for each of many, would never end
            end = text.find(stop, end + len(closes)) if end >= 0 else -1
            if end < 0:
                looked = max(0, len(text) - place - len(closes) - SEGMENT_MAX)
                if len(text) - place < self.limit and window.more():
                    continue
                return
            looked = 0
            body = text[place : end + 1]
            document = self.judge.at_once(body, window.base + place, window.codec, around)
            if document is None:
                progress.refused = (window.offset, len(body))
                return
            progress.documents += 1
            progress.group_documents += 1
            yield document
            window.advance(len(body))
            if gap and window.fill(len(gap)) and window.text.startswith(gap, window.place):
                window.advance(len(gap))

    def document(self, progress: _Progress) -> Iterator[Document | Finding]:
        """One transaction set or message, from its header to its trailer or to where it must end."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        pattern = _end_pattern(standard, syntax)
        found = self.cursor.search(pattern, 0, self.limit, syntax)
        if not syntax.release:
            found = self.behind_binary(pattern, found, syntax)
        is_closed = bool(found and found[1] and drop_breaks(found[1], syntax) == standard.set_tags[1])
        length: int | None = None
        limit = self.limit
        if found and is_closed:
            skip = found.start(1) - window.place
            length, limit = self.cursor.segment_length(syntax, skip), skip + SEGMENT_MAX
        elif found:
            length = found.start() + 1 - window.place
        progress.documents += 1
        progress.group_documents += 1
        if length is None:
            if len(window.text) - window.place >= limit:
                yield from self.too_large(progress)
                return
            rest = window.text[window.place :].rstrip(syntax.gap)
            yield from self.judged(rest, progress, is_closed=False)
            window.advance(len(rest))
            progress.in_document = True
            return
        text = window.text[window.place : window.place + length]
        yield from self.judged(text, progress, is_closed=is_closed)
        window.advance(length)

    def behind_binary(
        self, pattern: re.Pattern[str], found: re.Match[str] | None, syntax: Syntax
    ) -> re.Match[str] | None:
        """The end of a document, which `found` is unless it lies in binary data: these are as long as they say."""
        window = self.window
        begins = _binary_pattern(syntax)
        place = 0
        while True:
            stop = found.start() + 1 if found else len(window.text)
            begun = begins.search(window.text, window.place + place, stop)
            if not begun:
                return found
            start = begun.start(1) - window.place
            window.fill(start + _BINARY_HEADER)
            told = binary_header(window.text, window.place + start, syntax)
            end = sum(told) - window.place if told else self.limit
            if end < self.limit and window.fill(end + 1) and window.text[window.place + end] == syntax.segment:
                place = end
            else:
                place = start + 1
            found = self.cursor.search(pattern, place, self.limit, syntax)

    def too_large(self, progress: _Progress) -> Iterator[Document | Finding]:
        """Skip a document that does not fit into memory; it is handed over empty, with the finding."""
        window, standard, syntax = self.window, self.standard, progress.header.syntax
        length = self.cursor.segment_length(syntax) or 0
        row = self.cursor.row(length, syntax) if length else [standard.set_tags[0]]
        window.fill(VALUE_MAX)
        first = self.cursor.span(VALUE_MAX)
        ends = {standard.set_tags[0], *standard.group_tags, standard.closes}
        end = window.offset
        while True:
            self.cursor.skip_segment(syntax)
            end = window.offset
            self.cursor.skip_gap(syntax)
            tag = self.cursor.peek(syntax) if window.fill(1) else standard.closes
            if tag == standard.set_tags[1]:
                self.cursor.skip_segment(syntax)
                end = window.offset
            if tag in ends or tag == standard.set_tags[1] or standard.start.match(window.text, window.place):
                break
        span = first._replace(end=end, value=first.value[: end - first.start])
        message = f"The {standard.document_word} has {end - first.start} bytes; at most {self.limit} are read."
        told = finding("envelope.too_large", message, span)
        yield self.judge.skipped(span, row, progress.around, told)

    def judged(self, text: str, progress: _Progress, *, is_closed: bool) -> Iterator[Document | Finding]:
        """The document whose text begins here."""
        window, standard = self.window, self.standard
        if progress.group is None and not standard.counts_documents:
            opens = standard.group_tags[0]
            message = f"{standard.set_tags[0]} stands outside every group: the {opens} before it is missing."
            yield finding("envelope.not_opened", message, self.cursor.span(0), standard.set_tags[0])
        start = window.offset
        is_refused = progress.refused == (start, len(text))
        raw = Raw(text, start, window.line, start - window.line_start, window.codec, is_closed, is_refused)
        yield from self.judge.judge(raw, progress.around)
