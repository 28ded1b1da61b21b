"""Where in the bytes a fault is: the reader finds the value's span again, only when something is wrong (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.formats import FORMATS

from gateway.model import Fault, Finding
from gateway.normalize.evidence import source_of

if TYPE_CHECKING:
    from edi.findings import Finding as FileFinding
    from edi.model import Document
    from gateway.normalize.compiler import Mapper
    from gateway.store.vault import Vault

VALUE_CHARACTERS_MAX = 200


def of_file(finding: FileFinding) -> Finding:
    """A reader's finding about a file or an interchange, as it is stored."""
    return _stored(finding, None)


def of_document(finding: FileFinding, document: Document, places: Places) -> Finding:
    """A reader's finding about one document, as it is stored."""
    line = finding.position.line or places.line_of(finding.position.start)
    return _stored(finding, document.number, line)


class Places:
    """Byte spans and line numbers of one raw file. Lines are counted from where the last question was answered."""

    def __init__(self, vault: Vault, sha256: str) -> None:
        self._vault = vault
        self._sha256 = sha256
        self._known = (0, 1)

    def line_of(self, offset: int) -> int:
        """The line, from 1, on which the byte at `offset` stands."""
        at, line = self._known
        if offset < at:
            at, line = 0, 1
        while at < offset:
            until = min(offset, at + 1024 * 1024)
            line += self._vault.read(self._sha256, at, until).count(b"\n")
            at = until
        self._known = (at, line)
        return line

    def of_fault(self, fault: Fault, document: Document, mapper: Mapper) -> Finding:
        """The finding of a fault of mapping or contract, with the span of the value that caused it."""
        source = source_of(mapper, fault.target)
        position = None
        if source is not None:
            path, loops = source
            raw = self._vault.read(self._sha256, document.start, document.end)
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
