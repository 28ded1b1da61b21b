"""From documents to interchanges: one writer for X12 and EDIFACT.

Headers come from one of two sources. Where the walk's events (:mod:`~edi.segmented.walk.events`) stand among them,
they are written as their rows say. Where documents come alone, those with the same envelope that follow each other go
into one interchange and one group, whose headers are built. Trailers, with their counts and control numbers, are always
made anew; what a trailer says otherwise, such as zeros in front of a count, is kept if it is right.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.model import Document
from edi.segmented.guides.choice import chosen
from edi.segmented.walk.events import Aside, Closed, Opened
from edi.segmented.walk.segments import BINARY_TAGS
from edi.segmented.walk.standard import at, same, text_of
from edi.segmented.walk.window import EBCDIC
from edi.segmented.writing.sequence import rows_of
from edi.segmented.writing.texts import Pen, encoded
from edi.spec import Option
from edi.writing import Unwritable, codec, line_end, taken, yes_or_no

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.findings import Finding
    from edi.model import Envelope
    from edi.segmented.guides import Guide
    from edi.segmented.walk.segments import Syntax
    from edi.segmented.walk.standard import Standard

    Item = Document | Finding | Opened | Closed | Aside

WRITES = (
    Option("line_end", "", "what stands behind each segment: lf, crlf or none"),
    Option("trimmed", "true", "true: what is empty at the end of a segment or composite is left out"),
    Option("encoding", "auto", "how values are encoded; auto: as they were read, or as the header says"),
    Option("time", "", "date and time of a header that is built, 2026-01-02T10:10; required for it"),
    Option("usage", "", "P for production or T for test, in a header that is built; empty: as it was read, or P"),
    Option(
        "group_sender",
        "",
        "who sends, in a group's header that is built; empty: as it was read, or as the interchange",
    ),
    Option("group_receiver", "", "who receives, likewise"),
    Option("first_control_number", "", "number of the first interchange: all are numbered anew; empty: kept"),
)
"""The options that both writers have."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a writer, ready to use; `given` has all of them as texts."""

    given: Mapping[str, str]
    line_end: str
    trimmed: bool
    encoding: str
    """Empty: as each document was read."""
    first: int | None
    time: datetime | None

    def pen(self, syntax: Syntax) -> Pen:
        """What writes in this syntax."""
        return Pen(syntax, self.line_end, trimmed=self.trimmed)

    @property
    def delimiters(self) -> str:
        """Those that the option names; empty where it names none."""
        return self.given["delimiters"]


class Heading(NamedTuple):
    """The header of an interchange, ready to write."""

    row: list[Any]
    text: str
    pen: Pen
    reference: str
    codec: str
    """What documents are encoded with; empty: as each was read."""


class Family(ABC):
    """What differs between X12 and EDIFACT when they are written."""

    standard: Standard
    options: tuple[Option, ...]
    around: frozenset[str]
    """The tags that cannot stand inside a document."""

    @abstractmethod
    def check(self, settings: Settings) -> None:
        """Raise ValueError for an option that has no usable value."""

    @abstractmethod
    def kept(self, opened: Opened, settings: Settings, number: int | None) -> Heading:
        """The header of an interchange that was read; `number` is its new control number, if it gets one."""

    @abstractmethod
    def built(self, envelope: Envelope, settings: Settings, number: int | None) -> Heading:
        """The header of an interchange that is built from the envelope of its first document."""

    @abstractmethod
    def group_key(self, envelope: Envelope, row: list[Any], guide: Guide | None, settings: Settings) -> Any:
        """What documents of one group have in common, and None for documents without a group.

        `row` is the document's own header.
        """

    @abstractmethod
    def group(self, envelope: Envelope, key: Any, settings: Settings, number: int | None) -> list[Any]:
        """The header of a group that is built; `number` is its number in the interchange if it gets one."""

    @abstractmethod
    def numbered(self, row: list[Any], number: int) -> list[Any]:
        """The header of a document with another control number."""

    def renumbered(self, row: list[Any], number: int) -> list[Any]:
        """The header of a group that was read, with another control number."""
        place = self.standard.group_reference
        return [*row[:place], str(number), *row[place + 1 :]]

    @abstractmethod
    def fits(self, envelope: Envelope, syntax: Syntax) -> None:
        """Raise Unwritable where a document cannot be said in this syntax as a whole."""


def settings_of(family: Family, options: Mapping[str, str]) -> Settings:
    """The options of a writer, checked.

    Raises:
        ValueError: an option has no usable value; the message says what to write.
    """
    given = taken(options, family.options)
    encoding = "" if given["encoding"] == "auto" else codec(given["encoding"])
    if encoding and encoding != EBCDIC and "ISA~".encode(encoding) != b"ISA~":
        raise ValueError(f"encoding {given['encoding']!r} does not hold ASCII as it is; write utf-8 or iso-8859-1")
    first = given["first_control_number"]
    if first and (not first.isascii() or not first.isdecimal() or not 0 < int(first) < 10**9):
        raise ValueError(f"first_control_number {first!r} is no control number; write 1 to 999999999")
    try:
        time = datetime.fromisoformat(given["time"]) if given["time"] else None
    except ValueError:
        raise ValueError(f"time {given['time']!r} is no date and time; write 2026-01-02T10:10") from None
    if given["usage"] not in ("", "P", "T"):
        raise ValueError(f"usage {given['usage']!r} is neither P (production) nor T (test)")
    settings = Settings(
        given,
        line_end(given["line_end"]),
        yes_or_no(given, "trimmed"),
        encoding,
        int(first) if first else None,
        time,
    )
    family.check(settings)
    return settings


def write(family: Family, items: Iterable[Item], options: Mapping[str, str]) -> Iterator[bytes]:
    """The bytes of a file that holds these documents; findings among them are passed over.

    Raises:
        ValueError: at the call, an option has no usable value.
        Unwritable: while the bytes are drawn, a document or header cannot be written; nothing of it was given before.
    """
    return _Writer(family, settings_of(family, options)).run(items)


@lru_cache(maxsize=64)
def _guide(standard: str, message: str, guide: str) -> Guide | None:
    """The guide of a message, by its version or as a text."""
    return chosen(standard, message, guide)


@dataclass(slots=True)
class _Group:
    reference: str
    key: Any
    documents: int = 0


@dataclass(slots=True)
class _Interchange:
    heading: Heading
    key: tuple[Any, ...] | None
    """Of one that is built: what its documents have in common. None: it was opened by an event."""
    groups: int = 0
    documents: int = 0
    group: _Group | None = None


@dataclass(slots=True)
class _Writer:
    """One file being written. `ready` are the envelope's segments that wait for the next document's encoding."""

    family: Family
    settings: Settings
    place: _Interchange | None = None
    interchanges: int = 0
    ready: list[str] = field(default_factory=list)
    codec: str = "latin-1"
    """Of the envelope: one byte a character, as it was read."""

    def run(self, items: Iterable[Item]) -> Iterator[bytes]:
        for item in items:
            if isinstance(item, Document):
                try:
                    yield self.document(item)
                except Unwritable as problem:
                    problem.document = item.number
                    raise
            elif isinstance(item, Opened):
                if item.kind == "interchange":
                    yield self.close()
                    self.opened(item)
                else:
                    self.group_opened(item)
            elif isinstance(item, Closed):
                if item.kind == "interchange":
                    yield self.close(item.row)
                else:
                    self.close_group(item.row)
            elif isinstance(item, Aside) and self.place:
                self.envelope_segment(item.row)
        yield self.close()

    # ── headers and trailers ─────────────────────────────────────────────────────────────────────────────────────

    def next_number(self) -> int | None:
        """The control number of the next interchange, if all are numbered anew."""
        first = self.settings.first
        return None if first is None else (first + self.interchanges - 2) % (10**9 - 1) + 1

    def opened(self, event: Opened) -> None:
        self.interchanges += 1
        self.place = _Interchange(self.family.kept(event, self.settings, self.next_number()), None)
        self.ready.append(self.place.heading.text)

    def group_opened(self, event: Opened) -> None:
        self.close_group(None)
        if self.place is None:
            return
        self.place.groups += 1
        row = event.row
        if self.settings.first is not None:
            row = self.family.renumbered(row, self.place.groups)
        self.envelope_segment(row)
        place = self.family.standard.group_reference
        self.place.group = _Group(at(row, place), None)

    def envelope_segment(self, row: list[Any]) -> None:
        assert self.place
        self.ready.append(self.place.heading.pen.text([row]))

    def close_group(self, told: list[Any] | None) -> None:
        """Write the trailer of the group that is open, if one is."""
        if self.place and self.place.group:
            group = self.place.group
            tag = self.family.standard.group_tags[1]
            self.envelope_segment(_trailer(tag, group.documents, group.reference, told))
            self.place.group = None

    def close(self, told: list[Any] | None = None) -> bytes:
        """Write the trailer of the interchange that is open, if one is."""
        if self.place is None:
            return b""
        self.close_group(None)
        standard = self.family.standard
        count = self.place.groups
        if standard.counts_documents and not count:
            count = self.place.documents
        self.envelope_segment(_trailer(standard.closes, count, self.place.heading.reference, told))
        self.place = None
        written, self.codec = self.flush(), "latin-1"
        return written

    def flush(self) -> bytes:
        """What waits, in bytes."""
        text = "".join(self.ready)
        self.ready.clear()
        try:
            return text.encode(self.codec)
        except UnicodeEncodeError as error:
            raise Unwritable(
                f"{error.object[error.start]!r} stands in the header of an interchange or group",
                "name senders and receivers with characters of ISO 8859-1",
            ) from None

    def settle(self, envelope: Envelope) -> bytes:
        """Have the interchange open that a document without events belongs to; what closes before it, in bytes."""
        given = envelope.delimiters if not self.settings.delimiters else ""
        key = (*envelope[3:6], envelope.usage, given, envelope.encoding == EBCDIC)
        if self.place and self.place.key == key:
            return b""
        before = self.close()
        self.interchanges += 1
        number = self.next_number()
        self.place = _Interchange(self.family.built(envelope, self.settings, number), key)
        self.ready.append(self.place.heading.text)
        return before

    def settle_group(self, envelope: Envelope, row: list[Any], guide: Guide | None) -> None:
        """Have the group open that such a document belongs to."""
        assert self.place
        key = self.family.group_key(envelope, row, guide, self.settings)
        if self.place.group and self.place.group.key == key:
            return
        self.close_group(None)
        if key is None:
            return
        self.place.groups += 1
        renumbers = self.settings.first is not None or envelope.group is None
        header = self.family.group(envelope, key, self.settings, self.place.groups if renumbers else None)
        self.envelope_segment(header)
        self.place.group = _Group(text_of(header[self.family.standard.group_reference]), key)

    # ── documents ────────────────────────────────────────────────────────────────────────────────────────────────

    def document(self, document: Document) -> bytes:
        """The bytes of a document, with what must stand before it."""
        envelope, standard = document.envelope, self.family.standard
        guide = _guide(standard.name, envelope.message or "", envelope.guide or envelope.version or "")
        rows = rows_of(document.content, guide)
        if not rows or not all(rows) or rows[0][0] != standard.set_tags[0]:
            raise Unwritable(
                f"the document does not begin with {standard.set_tags[0]}", f"put {standard.set_tags[0]} first"
            )
        before = b""
        if self.place is None or self.place.key is not None:
            before = self.settle(envelope)
            self.settle_group(envelope, rows[0], guide)
        assert self.place
        counted = self.place.group or self.place
        rows = self.closed_rows(rows, counted.documents + 1 if self.settings.first is not None else None)
        heading = self.place.heading
        self.family.fits(envelope, heading.pen.syntax)
        encoding = self.settings.encoding or heading.codec or envelope.encoding
        if EBCDIC in (encoding, self.settings.encoding):
            self.codec = EBCDIC
        if envelope.format == "x12" and any(row[0] in BINARY_TAGS for row in rows):
            written = b"".join(self.singly(row, number, encoding) for number, row in enumerate(rows, 1))
        else:
            written = self.encoded(rows, heading.pen.text(rows), encoding)
        self.place.documents += 1
        if self.place.group:
            self.place.group.documents += 1
        return before + self.flush() + written

    def singly(self, row: list[Any], number: int, encoding: str) -> bytes:
        """The bytes of one segment of a document that has binary ones."""
        assert self.place
        pen = self.place.heading.pen
        data = pen.binary(row, number, self.codec) if row[0] in BINARY_TAGS else None
        if data is None:
            return self.encoded([row], pen.segment(row, number) + pen.end, encoding)
        return data + pen.end.encode(self.codec)

    def closed_rows(self, rows: list[list[Any]], number: int | None) -> list[list[Any]]:
        """The rows with a new header, if it gets another number, and the right trailer."""
        trailer = self.family.standard.set_tags[1]
        if number is not None:
            rows[0] = self.family.numbered(rows[0], number)
        told = rows.pop() if len(rows) > 1 and rows[-1][0] == trailer else None
        _check_tags(rows, self.family.around)
        reference = at(rows[0], self.family.standard.set_reference)
        rows.append(_trailer(trailer, len(rows) + 1, reference, told))
        return rows

    def encoded(self, rows: list[list[Any]], text: str, encoding: str) -> bytes:
        written = encoded(rows, text, encoding)
        if text.isascii():
            return written
        if encoding == EBCDIC and "\x85" in text:
            raise Unwritable("a value holds the character 0x85, which ends a line in EBCDIC", "leave it out")
        guessed = not self.settings.encoding and encoding not in ("utf-8", EBCDIC)
        if guessed and not (self.place and self.place.heading.codec):
            try:
                read = written.decode("utf-8")
            except UnicodeDecodeError:
                return written
            raise Unwritable(
                f"its bytes in {encoding} would be read as UTF-8: {read[:20]!r}", "write it with encoding=utf-8"
            )
        return written


def _check_tags(rows: list[list[Any]], around: frozenset[str]) -> None:
    """Refuse what cannot be the tag of a segment there."""
    try:
        tags = {row[0] for row in rows[1:]}
        if tags.isdisjoint(around) and all(map(str.isalnum, tags)):
            return
    except TypeError:
        pass  # the tag of an EDIFACT segment may have numbers behind it
    for index, row in enumerate(rows):
        tag = row[0]
        first = tag[0] if isinstance(tag, list) and tag else tag
        if not isinstance(first, str) or not first[:1].isalnum() or (index and first in around):
            raise Unwritable(
                f"{tag!r} cannot be the tag of a segment inside a document", "leave it out", f"segment {index + 1}"
            )


def _trailer(tag: str, count: int, reference: str, told: list[Any] | None) -> list[Any]:
    """A trailer; what was read in its place, if it says the same."""
    if told and len(told) == 3 and same(text_of(told[1]), str(count)) and text_of(told[2]) == reference:
        return told
    return [tag, str(count), reference]
