"""The tree of a guide as an automaton: from each slot, where each segment leads, and what is passed over on the way.

A segment is known by its symbol: its tag, or where slots tell the tag's segments apart by their qualifiers, the tag
with the qualifier (``NM1[85]``). One whose qualifier no slot names is known by its tag alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from edi.segmented.guides.definitions import qualifier_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.segmented.guides.definitions import Guide, Slot

    State = dict[str, "Step"]


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """A slot of the guide and its surroundings: `above` is the place of the segment that opens its loop.

    `peers` are neighbours of the same tag that only qualifiers tell apart, itself among them: they stand in any order.
    """

    slot: Slot
    above: Place | None
    index: int
    children: list[Place] = field(default_factory=list)
    peers: list[Place] = field(default_factory=list)

    @property
    def is_counted(self) -> bool:
        """Whether its segments are counted for themselves; else all of its tag in a loop are counted together."""
        return bool(self.peers)

    @property
    def key(self) -> str | None:
        """Under which key a loop lists the child loops that the slot opens; None if it opens none."""
        return self.slot.tag + "*" if self.slot.children else None


class Move(NamedTuple):
    """The way from one place to another: loops that close, and the required places that are passed over.

    With each of these stands how many loops close before the one that lacks it. Those in `owed` have peers, and may
    have come before.
    """

    place: Place
    closed: int
    missing: tuple[tuple[int, Place], ...] = ()
    owed: tuple[tuple[int, Place], ...] = ()


class Step(NamedTuple):
    """A move of a right document. `counted` says that the place is counted for itself."""

    state: State
    closed: int
    key: str | None
    most: int
    counted: bool
    owed: tuple[tuple[int, Place], ...]
    place: Place


@dataclass(frozen=True, eq=False, slots=True)
class Automaton:
    """A guide, compiled."""

    root: Place
    places: dict[str, list[Place]]
    """By tag."""
    moves: dict[Place, dict[str, list[Move]]]
    """By place and symbol: the ways, the nearest first."""
    states: dict[Place, State]
    start: State
    last: str
    qualified: dict[str, tuple[int, dict[str, str]]]
    """By tag, where there are slots with qualifiers: which element is the qualifier, and the symbols by its value."""

    def symbol(self, row: list[Any]) -> str:
        """By what a segment is known."""
        tag: str = row[0]
        found = self.qualified.get(tag)
        if not found:
            return tag
        place, symbols = found
        value = row[place] if len(row) > place else ""
        while not isinstance(value, str):
            value = value[0]
        return symbols.get(value, tag)


@lru_cache(maxsize=256)
def automaton(guide: Guide) -> Automaton:
    """The automaton of a guide, compiled once."""
    root = _tree(guide.root, None, 0)
    places: dict[str, list[Place]] = {}
    for place in _descendants(root):
        places.setdefault(place.slot.tag, []).append(place)
    qualified: dict[str, tuple[int, dict[str, str]]] = {}
    for tag, found in places.items():
        named = {value: f"{tag}[{value}]" for place in found for value in place.slot.qualifiers}
        if named:
            qualified[tag] = (qualifier_place(tag), named)
    moves: dict[Place, dict[str, list[Move]]] = {}
    for place in _descendants(root):
        moves[place] = {}
        for move in _moves_from(place):
            for symbol in _symbols(move.place, qualified):
                moves[place].setdefault(symbol, []).append(move)
    states: dict[Place, State] = {place: {} for place in moves}
    for place, reached in moves.items():
        for symbol, ways in reached.items():
            way = _right_way(place, ways)
            if not way.missing:
                states[place][symbol] = _step(way, states)
    return Automaton(root, places, moves, states, states[root], guide.root.children[-1].tag, qualified)


def _step(way: Move, states: dict[Place, State]) -> Step:
    place = way.place
    most = place.slot.most if place.is_counted else most_of(place)
    return Step(states[place], way.closed, place.key, most, place.is_counted, way.owed, place)


def _right_way(place: Place, ways: Sequence[Move]) -> Move:
    """The nearest way; if `place` may occur once, its symbol means the next slot that takes it."""
    is_used_up = ways[0].place is place and place.slot.most == 1 and len(ways) > 1
    return ways[1] if is_used_up else ways[0]


def takes(place: Place, symbol: str) -> bool:
    """Whether a segment may stand at a place."""
    tag, _, value = symbol.partition("[")
    if tag != place.slot.tag:
        return False
    value = value[:-1]
    if place.slot.qualifiers:
        return value in place.slot.qualifiers
    return not value or not any(value in peer.slot.qualifiers for peer in place.peers)


def most_of(place: Place) -> int:
    """How many rows, or child loops, of its tag there may be by then: slots before it with the same tag count, too."""
    if not place.above:
        return 1
    before = [sibling.slot for sibling in place.above.children[: place.index + 1]]
    return sum(s.most for s in before if s.tag == place.slot.tag and bool(s.children) == bool(place.children))


def _tree(slot: Slot, above: Place | None, index: int) -> Place:
    place = Place(slot, above, index)
    place.children.extend(_tree(child, place, number) for number, child in enumerate(slot.children))
    tags = {child.tag for child in slot.children if child.qualifiers}
    for group in _groups(place.children):
        if group[0].slot.tag in tags:
            for child in group:
                child.peers.extend(group)
    return place


def _groups(places: Sequence[Place]) -> list[list[Place]]:
    """Neighbours that only qualifiers tell apart, together; every other place for itself."""
    groups: list[list[Place]] = []
    for place in places:
        before = groups[-1] if groups else None
        if before and before[0].slot.tag == place.slot.tag and any(p.slot.qualifiers for p in (*before, place)):
            before.append(place)
        else:
            groups.append([place])
    return groups


def _descendants(place: Place) -> Iterator[Place]:
    yield place
    for child in place.children:
        yield from _descendants(child)


def _symbols(place: Place, qualified: dict[str, tuple[int, dict[str, str]]]) -> Iterator[str]:
    tag = place.slot.tag
    if not place.slot.qualifiers:
        yield tag
    if tag in qualified:
        yield from (symbol for symbol in qualified[tag][1].values() if takes(place, symbol))


def _moves_from(place: Place) -> Iterator[Move]:
    """Where one can go from `place`: into its loop, to itself again, on in the loop around it, and so outwards."""
    missing: list[tuple[int, Place]] = []
    owed: list[tuple[int, Place]] = []
    yield from _along(place.children, 0, missing, owed)
    closed = 1 if place.children else 0
    while place.above:
        yield Move(place, closed, tuple(missing), tuple(owed))
        others = [peer for peer in place.peers if peer is not place]
        for peer in others:
            yield Move(peer, closed, tuple(missing), tuple(owed))
        owed += [(closed, peer) for peer in others if peer.slot.least]
        siblings = place.above.children
        last = max([place.index, *(peer.index for peer in others)])
        yield from _along(siblings[last + 1 :], closed, missing, owed)
        place = place.above
        closed += 1


def _along(
    places: Sequence[Place], closed: int, missing: list[tuple[int, Place]], owed: list[tuple[int, Place]]
) -> Iterator[Move]:
    for group in _groups(places):
        for place in group:
            yield Move(place, closed, tuple(missing), tuple(owed))
        missing += [(closed, place) for place in group if place.slot.least]
