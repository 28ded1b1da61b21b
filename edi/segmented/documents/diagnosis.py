"""Why a document failed: every finding of one transaction set or message, each with its place.

This is the slow path. It is taken for a document that the proof of its elements, the automaton of its structure or its
trailer refused, and it is the last word: a document that is merely unusual comes out of it without a finding. It is not
much slower than the quick one: the proof says where the first wrong segment ends and is resumed behind it, so only
segments that it refuses are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edi.findings import Severity
from edi.segmented import elements, structure
from edi.segmented.documents.checking import Checker
from edi.segmented.documents.reading import VALUE_MAX, Source, carefully, quickly
from edi.segmented.documents.telling import FINDINGS_MAX, Teller, bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.findings import Finding
    from edi.model import Loop
    from edi.segmented.documents.reading import Reading
    from edi.segmented.guides import Guide
    from edi.segmented.structure.problems import Problem

__all__ = ["FINDINGS_MAX", "VALUE_MAX", "Diagnosis", "Source", "bounded", "diagnose"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What became of a document: its loops, its findings, and its rows with the span of each in the text."""

    content: Loop
    findings: list[Finding]
    rows: list[list[Any]]
    spans: Sequence[tuple[int, int]]
    omitted: int
    """So many more findings there are than are listed."""


def diagnose(source: Source, guide: Guide | None, weight: Severity = Severity.ERROR) -> Diagnosis:
    """Read a document with care. `weight` is the severity of what the guide finds: a borrowed guide only warns."""
    teller = Teller(source, weight)
    reading = quickly(source) or carefully(source, teller)
    if guide and reading.rows[0][0] == guide.root.tag:
        content = _judged(source, guide, reading, teller)
    else:
        content = structure.flat(reading.rows)
    return Diagnosis(content, teller.findings, reading.rows, reading.spans, teller.omitted)


def _judged(source: Source, guide: Guide, reading: Reading, teller: Teller) -> Loop:
    """The loops of a document; what is wrong is told in the order of its segments."""
    rows, spans = reading.rows, reading.spans
    content, problems = structure.arrange(rows, guide)
    refused = set(_refused(source, guide, reading))
    by_row: dict[int, list[Problem]] = {}
    for problem in problems:
        by_row.setdefault(problem.row, []).append(problem)
    checker = Checker(source, guide.dictionary, teller, is_agreed=_is_agreed(rows[0]))
    for index in sorted(refused.union(by_row)):
        for problem in by_row.get(index, ()):
            _tell(problem, source, spans[index], teller)
        if index in refused:
            checker.check(index, rows[index], spans[index])
    return content


def _refused(source: Source, guide: Guide, reading: Reading) -> Iterator[int]:
    """The rows that the proof refuses."""
    proof = elements.proof(guide, source.syntax)
    if not reading.body:
        for index, span in enumerate(reading.spans):
            segment = source.text[slice(*span)] + source.syntax.segment
            found = proof.match(segment) if source.is_plain(segment) else None
            if not found or found.end() != len(segment):
                yield index
        return
    body, stop = reading.body, source.syntax.segment
    place = index = 0
    while place < len(body):
        found = proof.match(body, place)
        assert found, "the proof matches no segment at all, too"
        if found.end() == len(body):
            return
        index += body.count(stop, place, found.end())
        yield index
        index += 1
        place = body.index(stop, found.end()) + 1


def _is_agreed(header: list[Any]) -> bool:
    """Whether UNH names an association whose agreement the message follows (S009 0057)."""
    kind = header[2] if header[0] == "UNH" and len(header) > 2 else ""
    return isinstance(kind, list) and len(kind) > 4 and bool(kind[4])


def _tell(problem: Problem, source: Source, span: tuple[int, int], teller: Teller) -> None:
    start, end = span
    if problem.code == "segment.missing":
        end = start
    elif problem.element:
        start, end = _inside(problem, source, span)
    teller.tell(
        problem.code, problem.message, (start, end), problem.row + 1, problem.tag, problem.element, problem.component,
        remedy=problem.remedy,
    )  # fmt: skip


def _inside(problem: Problem, source: Source, span: tuple[int, int]) -> tuple[int, int]:
    """Where the element that a problem is about stands in its segment, or should stand."""
    assert problem.element
    found = source.elements(*span)
    if problem.element >= len(found):
        return span[1], span[1]
    start, end = found[problem.element]
    if problem.component is None:
        return start, end
    parts = source.cut(*source.cut(start, end, source.syntax.repetition)[0], source.syntax.component)
    return parts[problem.component - 1] if problem.component <= len(parts) else (parts[-1][1], parts[-1][1])
