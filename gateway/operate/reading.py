"""One file or pipe, read by itself: no workspace, no store. What `gateway parse` shows of it."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, TYPE_CHECKING, Any

from edi.edifact.scanner import events as edifact_events
from edi.findings import Finding, Severity
from edi.formats import FORMATS, parse_format, sniff
from edi.x12.scanner import events as x12_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edi.model import Document, Envelope
    from edi.segmented.walk.events import Aside, Closed, Opened

    Item = Document | Finding | Opened | Closed | Aside

CHUNK = 256 * 1024
_SNIFFED = 4096
_WITH_MESSAGE = ("csv", "xml", "fixed")
"""Readers that take the message, or type of record, as an option."""
_EVENTS = {"x12": x12_events, "edifact": edifact_events}


class Source:
    """A file that is read once from its beginning, and of which any part that was read can be shown again.

    What comes from a pipe is kept in a temporary file meanwhile.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept: IO[bytes] = stream if stream.seekable() else tempfile.TemporaryFile()  # noqa: SIM115 # see close
        self.size = 0

    def chunks(self) -> Iterator[bytes]:
        """The bytes, as they come."""
        read = getattr(self._stream, "read1", self._stream.read)
        while True:
            if self._kept is self._stream:
                self._stream.seek(self.size)
            chunk = read(CHUNK)
            if not chunk:
                return
            self.size += len(chunk)
            if self._kept is not self._stream:
                self._kept.seek(0, 2)
                self._kept.write(chunk)
            yield chunk

    def part(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, as far as there are any."""
        self._kept.seek(start)
        return self._kept.read(end - start)

    def close(self) -> None:
        """Forget what was kept."""
        if self._kept is not self._stream:
            self._kept.close()


@dataclass(slots=True)
class Seen:
    """What was read so far: documents by kind, and how many of them carry errors; findings by severity and code."""

    documents: Counter[tuple[str, ...]] = field(default_factory=Counter)
    wrong: Counter[tuple[str, ...]] = field(default_factory=Counter)
    findings: Counter[tuple[Severity, str]] = field(default_factory=Counter)

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error."""
        return any(severity is Severity.ERROR for severity, _ in self.findings)

    def take(self, item: Document | Finding) -> tuple[Finding, ...]:
        """Count a document or finding; the findings that come with it."""
        if isinstance(item, Finding):
            found: tuple[Finding, ...] = (item,)
        else:
            found = item.findings
            kind = kind_of(item.envelope)
            self.documents[kind] += 1
            self.wrong[kind] += any(finding.severity is Severity.ERROR for finding in found)
        self.findings.update((finding.severity, finding.code) for finding in found)
        return found


def kind_of(envelope: Envelope) -> tuple[str, ...]:
    """What documents are counted by: format, message, version, sender, receiver, as far as they are known."""
    parts = (envelope.format, envelope.message, envelope.version, envelope.sender, envelope.receiver)
    return tuple(part or "" for part in parts)


def guessed(chunks: Iterator[bytes]) -> tuple[str | None, Iterator[bytes]]:
    """The declaration of what the first bytes look like, and the chunks again, whole."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= _SNIFFED:
            break
    name = sniff(first[:_SNIFFED])
    return (_delimited(first[:_SNIFFED]) if name == "csv" else name), chain((first,), chunks)


def _delimited(first: bytes) -> str:
    """The declaration of a CSV file: the delimiter that its first line has most of, and its encoding."""
    line = first.splitlines()[0]
    delimiter = max((b";", b",", b"\t", b"|"), key=line.count).decode()
    word = "tab" if delimiter == "\t" else delimiter
    try:
        first[: first.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return f"csv {word} windows-1252 header"
    return f"csv {word} header"


def read(
    declared: str, chunks: Iterable[bytes], layouts: Mapping[str, str], options: Mapping[str, str]
) -> Iterator[Item]:
    """The documents and findings of a file in the declared format, and for X12 and EDIFACT the events between them.

    `layouts` are the texts that the declaration names; `options` go before those that it says.

    Raises:
        ValueError: the declaration is none.
    """
    name, _, message, said = parse_format(declared, layouts)
    given = dict(said) | ({"message": message} if message and name in _WITH_MESSAGE else {}) | dict(options)
    reader: Any = _EVENTS.get(name, FORMATS[name].read)
    items: Iterator[Item] = reader(chunks, given)
    return items
