"""The quick way from segments to loops: one look-up per segment, and no answer at all when anything is not right.

What to do with a segment is known when the guide is compiled: which loop it belongs to (by its depth), whether it is
the first of its tag there, and where components must be looked for. The automaton is that of
:mod:`edi.segmented.structure`, whose :func:`~edi.segmented.structure.arrange` takes over when this way gives up, and
finds the same loops. A property test holds the two together.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.segmented import structure
from edi.segmented.guides import MANY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edi.model import Loop
    from edi.segmented.guides import Element, Guide

    Composites = tuple[tuple[int, ...], ...]
    State = dict[str, tuple["State", int, int, str, int, Composites]]

_OFTEN = 1_000
"""A document of fewer segments cannot exceed a maximum of so many: its occurrences are not counted."""


class _Step(IntEnum):
    """What a segment does: it is a row of a loop, or opens a child loop; the first of its key there, or another."""

    ROW = 0
    NEXT_ROW = 1
    LOOP = 2
    NEXT_LOOP = 3
    COUNTED_ROW = 4
    """Perhaps the first, perhaps one too many: that is looked at."""
    COUNTED_LOOP = 5


class Automaton(NamedTuple):
    """A guide, compiled.

    Each state leads from a tag to the next state, a step, the depth of the loop that it is done in, the key there, the
    most there may be, and the places of composites by the length of the row (nothing where there are none).
    """

    start: State
    depth: int
    last: str


@lru_cache(maxsize=512)
def compiled(guide: Guide, often: int) -> Automaton:
    """The automaton of `guide` for documents of fewer than `often` segments."""
    tree = structure.automaton(guide)
    depths = {tree.root: 0}
    for place in tree.moves:  # parents come before their children
        for child in place.children:
            depths[child] = depths[place] + 1
    composites = {tag: _composites(definition) for tag, definition in guide.dictionary.segments.items()}
    states: dict[Any, State] = {place: {} for place in tree.moves}
    for place, reached in tree.moves.items():
        for tag, way in structure.first_ways(place, reached):
            target = way.place
            most = structure.most_of(target)
            opens = bool(target.children)
            before = target.above.children[: target.index] if target.above else ()
            is_again = _is_inside(place, target)
            is_first = not is_again and not any(
                other.slot.tag == tag and bool(other.children) == opens for other in before
            )
            if is_first:
                step = _Step.LOOP if opens else _Step.ROW
            elif is_again and most >= often:
                step = _Step.NEXT_LOOP if opens else _Step.NEXT_ROW
            else:
                step = _Step.COUNTED_LOOP if opens else _Step.COUNTED_ROW
            key = tag + "*" if opens else tag
            states[place][tag] = (states[target], int(step), depths[target] - 1, key, most, composites[tag])
    return Automaton(states[tree.root], max(depths.values()), tree.last)


def _composites(definition: tuple[Element, ...]) -> Composites:
    places = [number for number, element in enumerate(definition, 1) if element.components]
    lengths = range(len(definition) + 2) if places else ()
    return tuple(tuple(place for place in places if place < length) for length in lengths)


def _is_inside(place: Any, loop: Any) -> bool:
    """Whether `place` is `loop` or stands below it."""
    while place is not None and place is not loop:
        place = place.above
    return place is loop


def assemble(
    rows: Iterable[list[Any]], count: int, guide: Guide, component: str
) -> tuple[Loop, list[Any], list[Any]] | None:
    """The loops of a document that is as `guide` says, its first row and its last; None if anything is not.

    The `rows`, of which there are `count`, are cut at their elements; here they are cut at their components.
    """
    state, depth, last = compiled(guide, _OFTEN if count < _OFTEN else MANY)
    remaining = iter(rows)
    row = first = next(remaining)
    if first[0] != guide.root.tag:
        return None
    first[1:] = [value.split(component) if component in value else value for value in first[1:]]
    root: Loop = {first[0]: [first]}
    loops = [root] * (depth + 1)
    try:
        for row in remaining:
            tag = row[0]
            state, step, depth, key, most, composites = state[tag]
            if composites:
                for place in composites[len(row)]:
                    value = row[place]
                    if component in value:
                        row[place] = value.split(component)
            if step == 0:
                loops[depth][tag] = [row]
            elif step == 2:
                loop = {tag: [row]}
                loops[depth][key] = [loop]
                loops[depth + 1] = loop
            elif step == 3:
                loop = {tag: [row]}
                loops[depth][key].append(loop)
                loops[depth + 1] = loop
            elif step == 1:
                loops[depth][tag].append(row)
            else:
                found = loops[depth].setdefault(key, [])
                if len(found) >= most:
                    return None
                if step == 5:
                    loop = {tag: [row]}
                    found.append(loop)
                    loops[depth + 1] = loop
                else:
                    found.append(row)
    except (KeyError, IndexError):
        return None
    return (root, first, row) if row[0] == last else None
