"""Where in a document a value lies: the document's bytes are cut again, and the path is followed.

Nothing is kept from the first reading, so evidence costs nothing until somebody asks for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edi.findings import Position
from edi.segmented import structure
from edi.segmented.structure import following, levels
from edi.segmented.walk.segments import drop_breaks, pieces, row_at, segment_spans, tag_of

if TYPE_CHECKING:
    from edi.paths import SegmentPath, SegmentStep
    from edi.segmented.guides import Guide
    from edi.segmented.walk.segments import Syntax

Loops = tuple[tuple["SegmentPath", int], ...]
"""The loops that were open, outermost first: the path of each in the one before, and its occurrence from 0."""


def locate(text: str, syntax: Syntax, guide: Guide | None, path: SegmentPath, loops: Loops) -> Position | None:
    """The span of the value that `path` names in the loop that `loops` lead to; `text` has one character per byte.

    A value that is not there has an empty span where it should stand: at the end of its segment, or of the loop's first
    segment. None when the loop itself does not exist.
    """
    spans = [(start, end) for start, end in segment_spans(text, syntax) if start < end]
    rows = [row_at(text, *span, syntax) for span in spans]
    for row in rows:
        row[0] = drop_breaks(tag_of(row[0]), syntax)
    numbers = {id(row): number for number, row in enumerate(rows)}
    loop = structure.arrange(rows, guide)[0] if guide else structure.flat(rows)
    if guide and levels.needed(guide.root):
        levels.nest_leniently(loop)
    around: following.Around = (loop,)
    for loop_path, occurrence in loops:
        places = following.reached(around, loop_path.steps)
        if occurrence >= len(places):
            return None
        around = places[occurrence]
    step = path.steps[-1]
    segments = following.found_rows(around, path.steps)
    if not segments:
        opener = next(iter(around[-1].values()))[0]
        first = numbers[id(opener.whole if isinstance(opener, following.Part) else opener)]
        end = spans[first][1]
        return Position(end, end, segment=first + 1, tag=step.tag, element=step.element, component=step.component)
    row = segments[0]
    if isinstance(row, following.Part):
        step = replace(step, element=row.place_of(step.element) if step.element else None)
        row = row.whole
    number = numbers[id(row)]
    start, end = _inside(text, spans[number], step, syntax)
    return Position(start, end, segment=number + 1, tag=step.tag, element=step.element, component=step.component)


def _inside(text: str, span: tuple[int, int], step: SegmentStep, syntax: Syntax) -> tuple[int, int]:
    if step.element is None:
        return span
    elements = pieces(text, *span, syntax.element, syntax.release)
    if step.element >= len(elements):
        return span[1], span[1]
    start, end = elements[step.element]
    if step.component is None:
        return start, end
    first = pieces(text, start, end, syntax.repetition, syntax.release)[0]
    components = pieces(text, *first, syntax.component, syntax.release)
    return components[step.component - 1] if step.component <= len(components) else (first[1], first[1])
