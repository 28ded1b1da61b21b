"""Where in the bytes a fault is: the reader finds the value's span again, only when something is wrong (P7)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from edi.formats import FORMATS
from gateway.model import Fault, Finding
from gateway.normalize.evidence import source_of

if TYPE_CHECKING:
    from edi.findings import Finding as FileFinding
    from edi.model import Document
    from gateway.normalize.compiler import Mapper
    from gateway.store.decisions import RawBytes

VALUE_CHARACTERS_MAX = 200
_WINDOW_BYTES = 64 * 1024
_COUNTED_BYTES = 1024 * 1024
_SENDERS = {"x12": (b"ISA", 6), "edifact": (b"UNB", 2)}
_RECEIVERS = {"x12": (b"ISA", 8), "edifact": (b"UNB", 3)}
"""Where an interchange says who sent it, and to whom: ISA06 and ISA08 (X12.5), S002 and S003 of UNB (ISO 9735-1)."""


def of_file(finding: FileFinding) -> Finding:
    """A reader's finding about a file or an interchange, as it is stored."""
    return _stored(finding, None)


def of_document(finding: FileFinding, document: Document, places: Places) -> Finding:
    """A reader's finding about one document, as it is stored."""
    line = finding.position.line or places.line_of(finding.position.start)
    return _stored(finding, document.number, line)


class Places:
    """Byte spans and line numbers of one raw file. Lines are counted from where the last question was answered.

    They are counted forwards or backwards: faults come in the order of the contract, not in that of their bytes.
    To be closed; the file is opened when the first thing is wrong.
    """

    def __init__(self, vault: RawBytes, sha256: str) -> None:
        self._vault = vault
        self._sha256 = sha256
        self._file: BinaryIO | None = None
        self._known = (0, 1)
        self._parties: dict[tuple[str, str | None, str], Finding | None] = {}

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, start: int, end: int) -> bytes:
        if self._file is None:
            self._file = self._vault.spans(self._sha256)
        self._file.seek(start)
        return self._file.read(end - start)

    def line_of(self, offset: int) -> int:
        """The line, from 1, on which the byte at `offset` stands."""
        at, line = self._known
        lower, upper = min(at, offset), max(at, offset)
        breaks = sum(
            self._read(start, min(start + _COUNTED_BYTES, upper)).count(b"\n")
            for start in range(lower, upper, _COUNTED_BYTES)
        )
        line += breaks if offset >= at else -breaks
        self._known = (offset, line)
        return line

    def of_fault(self, fault: Fault, document: Document, mapper: Mapper) -> Finding:
        """The finding of a fault of mapping or contract, with the span of the value that caused it."""
        source = source_of(mapper, fault.target, fault.path)
        position = None
        if source is not None:
            path, loops = source
            raw = self._read(document.start, document.end)
            position = FORMATS[document.envelope.format].locate(raw, document.envelope, path, loops)
        start = document.start + position.start if position is not None else document.start
        end = document.start + position.end if position is not None else document.end
        return Finding(
            code=fault.code,
            severity="error",
            message=fault.message,
            remedy=fault.remedy,
            start=start,
            end=end,
            line=self.line_of(start),
            segment=position.segment if position is not None else None,
            tag=position.tag if position is not None else None,
            element=position.element if position is not None else None,
            component=position.component if position is not None else None,
            column=position.column if position is not None else None,
            target=fault.target,
            value=fault.value[:VALUE_CHARACTERS_MAX] if fault.value is not None else None,
            document=document.number,
        )

    def of_route(self, finding: Finding, document: Document) -> Finding:
        """A finding of routing: at the party in the interchange's header if it is about one, else the document."""
        parties = {"route.unknown_partner": _SENDERS, "route.other_receiver": _RECEIVERS}.get(finding.code)
        if parties is not None and finding.value is not None:
            known = (finding.code, document.envelope.interchange, finding.value)
            if known not in self._parties:
                self._parties[known] = self._at_party(finding, document, *parties[document.envelope.format])
            at_party = self._parties[known]
            if at_party is not None:
                return replace(at_party, document=document.number)
            finding = replace(finding, value=None)
        line = self.line_of(document.start)
        return replace(finding, start=document.start, end=document.end, line=line, document=document.number)

    def of_header(self, finding: Finding, document: Document) -> Finding:
        """A finding about the names of the columns, which stand on the first line."""
        end = len(self._vault.read(self._sha256, 0, _WINDOW_BYTES).partition(b"\n")[0])
        return replace(finding, start=0, end=end, line=1, document=document.number)

    def _at_party(self, finding: Finding, document: Document, tag: bytes, number: int) -> Finding | None:
        """The finding at the identifier in the nearest header before the document; None where it is not found."""
        identifier = (finding.value or "").partition(":")[2].encode("utf-8")
        end = document.start
        while end > 0 and identifier:
            begin = max(0, end - _WINDOW_BYTES)
            # A little of the window behind is read again: a header may stand across the edge.
            raw = self._vault.read(self._sha256, begin, min(end + 512, document.start))
            at = raw.rfind(tag)
            while at >= 0:
                start = _in_element(raw, at, number, identifier)
                if start is not None:
                    start += begin
                    return replace(
                        finding,
                        start=start,
                        end=start + len(identifier),
                        line=self.line_of(start),
                        tag=tag.decode(),
                        element=number,
                        value=identifier.decode(),
                    )
                at = raw.rfind(tag, 0, at)
            end = begin
        return None


def _in_element(raw: bytes, at: int, number: int, wanted: bytes) -> int | None:
    """Where `wanted` stands in the element `number` of the segment at `at`; None where it does not."""
    separator, start = raw[at + 3 : at + 4], at + 3
    if not separator or separator.isalnum():
        return None
    for _ in range(number - 1):
        start = raw.find(separator, start + 1)
        if start < 0:
            return None
    end = raw.find(separator, start + 1)
    found = raw.find(wanted, start + 1, end if end >= 0 else len(raw))
    return found if found >= 0 else None


def _stored(finding: FileFinding, document: int | None, line: int | None = None) -> Finding:
    position = finding.position
    return Finding(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        remedy=finding.remedy,
        start=position.start,
        end=position.end,
        line=position.line or line,
        segment=position.segment,
        tag=position.tag,
        element=position.element,
        component=position.component,
        column=position.column,
        value=finding.value,
        document=document,
    )
