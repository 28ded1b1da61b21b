"""Where in a document a value lies: the document's bytes are cut again, and the path is followed.

Nothing is kept from the first reading, so evidence costs nothing until somebody asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edi.findings import Position
from edi.segmented import structure
from edi.segmented.segments import drop_breaks, pieces, row_at, segment_spans, tag_of

if TYPE_CHECKING:
    from edi.model import Loop
    from edi.paths import SegmentPath, SegmentStep
    from edi.segmented.guides import Guide
    from edi.segmented.segments import Syntax

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
    for loop_path, occurrence in loops:
        found = matches(_follow(loop, loop_path.steps[:-1]), loop_path.steps[-1])
        if occurrence >= len(found):
            return None
        loop = found[occurrence]
    step = path.steps[-1]
    segments = matches(_follow(loop, path.steps[:-1]), step)
    if not segments:
        first = numbers[id(next(iter(loop.values()))[0])]
        end = spans[first][1]
        return Position(end, end, segment=first + 1, tag=step.tag, element=step.element, component=step.component)
    number = numbers[id(segments[0][step.tag][0])]
    start, end = _inside(text, spans[number], step, syntax)
    return Position(start, end, segment=number + 1, tag=step.tag, element=step.element, component=step.component)


def matches(loop: Loop, step: SegmentStep) -> list[Loop]:
    """What a step of a path can mean in a loop: each row of the tag as a loop of its own, then the child loops.

    A qualifier is compared with the first element, or with its first component.
    """
    found: list[Loop] = [{step.tag: [row]} for row in loop.get(step.tag, ())]
    found.extend(loop.get(step.tag + "*", ()))
    if step.qualifier is None:
        return found
    return [child for child in found if qualifier(child[step.tag][0]) == step.qualifier]


def qualifier(row: list[Any]) -> str:
    """The first element of a row, or its first component: what ``[BY]`` in a path is compared with."""
    value = row[1] if len(row) > 1 else ""
    while not isinstance(value, str):
        value = value[0]
    return value


def _follow(loop: Loop, steps: tuple[SegmentStep, ...]) -> Loop:
    for step in steps:
        loop = next(iter(matches(loop, step)), {})
    return loop


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
