"""The quick way from segments to loops: one look-up per segment, and no answer at all when anything is not right.

What to do with a segment is known when the guide is compiled: which loop it belongs to (by its depth), whether it is
the first of its tag there, and where components must be looked for. The automaton is that of the module `moves`;
:func:`~edi.segmented.structure.arrange` takes over when this way gives up, and finds the same loops. A property test
holds the two together.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.segmented.guides.definitions import MANY, qualifier, qualifier_place
from edi.segmented.structure.moves import automaton

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edi.model import Loop
    from edi.segmented.guides.definitions import Element, Guide
    from edi.segmented.structure.moves import Place, Step

    Composites = tuple[tuple[int, ...], ...]
    Entry = tuple[dict[str, Any], int, int, Any, Any, Composites]

_OFTEN = 1_000
"""A document of fewer segments cannot exceed a maximum of so many: its occurrences are not counted."""


class _Do(IntEnum):
    """What a segment does: it is a row of a loop, or opens a child loop; the first of its key there, or another."""

    ROW = 0
    NEXT_ROW = 1
    LOOP = 2
    NEXT_LOOP = 3
    COUNTED_ROW = 4
    """Perhaps the first, perhaps one too many: that is looked at."""
    COUNTED_LOOP = 5
    ONCE_ROW = 6
    """At a place among peers, which may be taken once."""
    ONCE_LOOP = 7
    PEER_ROW = 8
    """At a place among peers: only those with its qualifiers are counted."""
    PEER_LOOP = 9
    OWED = 10
    """What was to come before is looked for first."""
    QUALIFIED = 11
    """The qualifier says which entry it is."""


class Automaton(NamedTuple):
    """A guide, compiled.

    Each state leads from a tag to an entry: the next state, what to do, the depth of the loop that it is done in, the
    key there, the most there may be, and the places of composites by the length of the row (nothing where there are
    none). At a place among peers, the most is its bit in what was seen of the loop, or a `_Peer`. Key and most of
    OWED are the entry itself, and the depths and bits of what is owed; those of QUALIFIED are the entries by qualifier,
    and that for any other.
    """

    start: dict[str, Entry]
    depth: int
    last: str


class _Peer(NamedTuple):
    """How often a place among peers may be taken: its bit in what was seen of its loop, and the qualifiers it takes."""

    bit: int
    most: int
    tag: str
    qualifiers: frozenset[str]
    others: frozenset[str]

    def has_room(self, found: list[Any]) -> bool:
        """Whether fewer than the most of the rows or loops in `found` are of this place."""
        if len(found) < self.most:
            return True
        rows = (one if isinstance(one, list) else one[self.tag][0] for one in found)
        return sum(1 for row in rows if self.takes(qualifier(row))) < self.most

    def takes(self, value: str) -> bool:
        """Whether the place takes a segment with that qualifier."""
        return value in self.qualifiers if self.qualifiers else value not in self.others


@lru_cache(maxsize=512)
def compiled(guide: Guide, often: int) -> Automaton:
    """The automaton of `guide` for documents of fewer than `often` segments."""
    tree = automaton(guide)
    depths = {tree.root: 0}
    for place in tree.moves:  # parents come before their children
        for child in place.children:
            depths[child] = depths[place] + 1
    composites = {tag: _composites(definition) for tag, definition in guide.dictionary.segments.items()}
    states: dict[Place, dict[str, Entry]] = {place: {} for place in tree.states}
    for place, reached in tree.states.items():
        choices: dict[str, dict[str, Entry]] = {}
        for symbol, step in reached.items():
            tag, _, value = symbol.partition("[")
            entry = _entry(place, step, often, states, depths, composites.get(tag, ()))
            if tag in tree.qualified:
                choices.setdefault(tag, {})[value[:-1]] = entry
            else:
                states[place][tag] = entry
        for tag, entries in choices.items():
            other = entries.pop("", None)
            states[place][tag] = ({}, int(_Do.QUALIFIED), qualifier_place(tag), entries, other, ())
    return Automaton(states[tree.root], max(depths.values()), tree.last)


def _entry(
    place: Place,
    step: Step,
    often: int,
    states: dict[Place, dict[str, Entry]],
    depths: dict[Place, int],
    composites: Composites,
) -> Entry:
    target, tag, opens = step.place, step.place.slot.tag, bool(step.place.children)
    before = target.above.children[: target.index] if target.above else ()
    is_again = _is_inside(place, target)
    most: Any = step.most
    if step.counted:
        named = frozenset(value for peer in target.peers for value in peer.slot.qualifiers)
        most = _Peer(1 << target.index, step.most, tag, frozenset(target.slot.qualifiers), named)
        do = _Do.PEER_LOOP if opens else _Do.PEER_ROW
        if step.most == 1:
            do, most = _Do.ONCE_LOOP if opens else _Do.ONCE_ROW, most.bit
    elif not is_again and not any(other.slot.tag == tag and bool(other.children) == opens for other in before):
        do = _Do.LOOP if opens else _Do.ROW
    elif is_again and step.most >= often:
        do = _Do.NEXT_LOOP if opens else _Do.NEXT_ROW
    else:
        do = _Do.COUNTED_LOOP if opens else _Do.COUNTED_ROW
    entry = (states[target], int(do), depths[target] - 1, tag + "*" if opens else tag, most, composites)
    owed = tuple((depths[late] - 1, 1 << late.index) for _, late in step.owed)
    return ({}, int(_Do.OWED), 0, entry, owed, ()) if owed else entry


def _composites(definition: tuple[Element, ...]) -> Composites:
    places = [number for number, element in enumerate(definition, 1) if element.components]
    lengths = range(len(definition) + 2) if places else ()
    return tuple(tuple(place for place in places if place < length) for length in lengths)


def _is_inside(place: Place | None, loop: Place) -> bool:
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
    seen = [0] * (depth + 1)
    try:
        for row in remaining:
            tag = row[0]
            state, do, depth, key, most, composites = state[tag]
            while do > 9:
                if do == 11:
                    value = row[depth]
                    entry = key.get(value) if isinstance(value, str) else None
                    if entry is None:
                        entry = key.get(qualifier(row).partition(component)[0], most)
                else:
                    entry = key
                    for owing, bit in most:
                        if not seen[owing] & bit:
                            return None
                state, do, depth, key, most, composites = entry
            if composites:
                for place in composites[len(row)]:
                    value = row[place]
                    if component in value:
                        row[place] = value.split(component)
            if do < 2:
                if do:
                    loops[depth][tag].append(row)
                else:
                    loops[depth][tag] = [row]
            elif do < 4:
                loop = {tag: [row]}
                if do == 3:
                    loops[depth][key].append(loop)
                else:
                    loops[depth][key] = [loop]
                depth += 1
                loops[depth] = loop
                seen[depth] = 0
            else:
                found = loops[depth].setdefault(key, [])
                if do < 6:
                    if len(found) >= most:
                        return None
                elif do < 8:
                    if seen[depth] & most:
                        return None
                    seen[depth] |= most
                else:
                    if not most.has_room(found):
                        return None
                    seen[depth] |= most.bit
                if do & 1:
                    loop = {tag: [row]}
                    found.append(loop)
                    depth += 1
                    loops[depth] = loop
                    seen[depth] = 0
                else:
                    found.append(row)
    except (KeyError, IndexError, TypeError):
        return None  # no such segment here, or no entry for its qualifier
    return (root, first, row) if row[0] == last else None
