"""Findings of one document: each with its place in the file, weighed, and bounded in number."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from edi.findings import CODES, Finding, Position, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edi.segmented.documents.reading import Source

FINDINGS_MAX = 100
"""So many errors, and so many warnings, of one document are listed; the rest are counted."""

_GUIDED = ("segment", "element", "level", "total")
"""The families of codes of what the guide finds."""
_UNGUIDED = frozenset({"element.encoding", "element.binary"})


class Teller:
    """The findings of the document `source`; `weight` is the severity of what its guide finds."""

    def __init__(self, source: Source, weight: Severity) -> None:
        self.source = source
        self.weight = weight
        self.findings: list[Finding] = []
        self.told: Counter[Severity] = Counter()

    @property
    def omitted(self) -> int:
        """How many findings are not listed."""
        return self.told.total() - len(self.findings)

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
        """Note a finding about a span of the text, in the segment `number`, which counts from 1."""
        row = CODES[code]
        severity = row.severity
        if severity is Severity.ERROR and code.partition(".")[0] in _GUIDED and code not in _UNGUIDED:
            severity = self.weight
        self.told[severity] += 1
        if self.told[severity] > FINDINGS_MAX:
            return
        source, (start, end) = self.source, span
        position = Position(
            source.start + start,
            source.start + end,
            source.line + source.text.count("\n", 0, start),
            number,
            tag,
            element or None,
            component,
        )
        value = source.quote(start, end) if start < end else None
        self.findings.append(Finding(code, message, remedy or row.remedy, position, severity, value))


def bounded(findings: list[Finding], omitted: int) -> Iterator[Finding]:
    """The findings of a document, and a note of how many more there are."""
    yield from findings
    if omitted:
        row = CODES["structure.more"]
        message = f"{omitted} more findings of this document are not listed."
        yield Finding("structure.more", message, row.remedy, findings[-1].position, row.severity)
