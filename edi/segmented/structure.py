"""Flat segments and a guide make nested loops.

The guide's tree is compiled into an automaton once: for each slot, which slot each tag leads to, how many loops close
on the way, and which required segments are passed over. :func:`assemble` runs it at one look-up per segment and gives
up at the first thing that is not as it should be; then :func:`arrange` runs it with care, notes every problem, and
goes on where a person who reads the document would.

A loop of one segment (a slot without children) is told as rows, as any other segment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.model import Loop
    from edi.segmented.guides import Guide, Slot

    State = dict[str, tuple["State", int, str | None, int]]


@dataclass(frozen=True, eq=False, slots=True)
class _Place:
    """A slot of the guide and its surroundings: `above` is the place of the segment that opens its loop."""

    slot: Slot
    above: _Place | None
    index: int
    children: list[_Place] = field(default_factory=list)


class _Move(NamedTuple):
    """The way from one place to another: loops that close, and the required tags that are passed over.

    With each missing tag stands how many loops close before the one that lacks it.
    """

    place: _Place
    closed: int
    missing: tuple[tuple[int, str], ...] = ()


class Problem(NamedTuple):
    """Something that :func:`arrange` noticed at a row, counted from 0."""

    code: str
    row: int
    tag: str
    message: str
    remedy: str


@dataclass(frozen=True, eq=False, slots=True)
class _Automaton:
    root: _Place
    places: dict[str, list[_Place]]
    moves: dict[_Place, dict[str, list[_Move]]]
    start: State
    last: str


@lru_cache(maxsize=256)
def automaton(guide: Guide) -> _Automaton:
    root = _tree(guide.root, None, 0)
    places: dict[str, list[_Place]] = {}
    moves: dict[_Place, dict[str, list[_Move]]] = {}
    for place in _descendants(root):
        places.setdefault(place.slot.tag, []).append(place)
        moves[place] = {}
        for move in _moves_from(place):
            moves[place].setdefault(move.place.slot.tag, []).append(move)
    states: dict[_Place, State] = {place: {} for place in moves}
    for place, reached in moves.items():
        for tag, way in first_ways(place, reached):
            states[place][tag] = (states[way.place], way.closed, _key(way.place.slot), most_of(way.place))
    return _Automaton(root, places, moves, states[root], guide.root.children[-1].tag)


def first_ways(place: _Place, reached: dict[str, list[_Move]]) -> Iterator[tuple[str, _Move]]:
    """For each tag the way that a right document takes from `place`; none where that passes over required segments."""
    for tag, ways in reached.items():
        way = ways[1] if _is_used_up(place, ways) else ways[0]
        if not way.missing:
            yield tag, way


def _tree(slot: Slot, above: _Place | None, index: int) -> _Place:
    place = _Place(slot, above, index)
    place.children.extend(_tree(child, place, number) for number, child in enumerate(slot.children))
    return place


def _descendants(place: _Place) -> Iterator[_Place]:
    yield place
    for child in place.children:
        yield from _descendants(child)


def _moves_from(place: _Place) -> Iterator[_Move]:
    """Where one can go from `place`: into its loop, to itself again, on in the loop around it, and so outwards."""
    missing: list[tuple[int, str]] = []
    yield from _along(place.children, 0, missing)
    closed = 1 if place.children else 0
    while place.above:
        yield _Move(place, closed, tuple(missing))
        yield from _along(place.above.children[place.index + 1 :], closed, missing)
        place = place.above
        closed += 1


def _along(places: Sequence[_Place], closed: int, missing: list[tuple[int, str]]) -> Iterator[_Move]:
    for place in places:
        yield _Move(place, closed, tuple(missing))
        if place.slot.least:
            missing.append((closed, place.slot.tag))


def _is_used_up(place: _Place, ways: Sequence[_Move]) -> bool:
    """Whether `place` may occur once, so that its tag means the next slot of that tag."""
    return ways[0].place is place and place.slot.most == 1 and len(ways) > 1


def _key(slot: Slot) -> str | None:
    """Under which key a loop lists the child loops that `slot` opens; None if it opens none."""
    return slot.tag + "*" if slot.children else None


def most_of(place: _Place) -> int:
    """How many rows, or child loops, of its tag there may be by then: slots before it with the same tag count, too."""
    if not place.above:
        return 1
    before = [sibling.slot for sibling in place.above.children[: place.index + 1]]
    return sum(s.most for s in before if s.tag == place.slot.tag and bool(s.children) == bool(place.children))


def assemble(rows: Sequence[list[Any]], guide: Guide) -> Loop | None:
    """The loops of a document that is as the guide says; None if anything is not."""
    compiled = automaton(guide)
    state = compiled.start
    if rows[0][0] != guide.root.tag or rows[-1][0] != compiled.last:
        return None
    root: Loop = {rows[0][0]: [rows[0]]}
    loop = root
    stack = [root]
    for row in rows[1:]:
        tag = row[0]
        if tag not in state:
            return None
        state, closed, key, most = state[tag]
        if closed:
            del stack[-closed:]
            loop = stack[-1]
        if key:
            children = loop.setdefault(key, [])
            loop = {tag: [row]}
            stack.append(loop)
            children.append(loop)
            if len(children) > most:
                return None
        elif tag in loop:
            found = loop[tag]
            found.append(row)
            if len(found) > most:
                return None
        else:
            loop[tag] = [row]
    return root


def flat(rows: Sequence[list[Any]]) -> Loop:
    """One loop without children: what a message without a guide is."""
    loop: Loop = {}
    for row in rows:
        loop.setdefault(row[0], []).append(row)
    return loop


class _Run:
    """One careful run over the rows of a document."""

    def __init__(self, guide: Guide) -> None:
        self.guide = guide
        self.automaton = automaton(guide)
        self.place = self.automaton.root
        self.root: Loop = {}
        self.stack: list[tuple[_Place, Loop]] = [(self.place, self.root)]
        self.problems: list[Problem] = []
        self.absent: dict[tuple[int, str], Problem] = {}
        """Required tags that were missed, by the loop (its ``id``) and tag: they may turn up late."""
        self.withdrawn: set[int] = set()
        """Problems (their ``id``) that turned out to be another one."""
        self.disordered: set[int] = set()
        """Loops (their ``id``) in which something stood out of order."""

    def take(self, index: int, row: list[Any]) -> None:
        tag = row[0]
        ways = self.automaton.moves[self.place].get(tag)
        if not ways:
            self.misplaced(index, row)
            return
        way = self.choose(ways)
        if way is None:
            self.overflow(index, tag, ways[0].place)
            way = ways[0]
        for closed, missed in way.missing:
            loop = self.stack[-1 - closed][1]
            came_early = id(loop) in self.disordered and (missed in loop or missed + "*" in loop)
            if not came_early:
                problem = self.missing(index, missed, row)
                self.absent[id(loop), missed] = problem
                self.problems.append(problem)
        self.enter(way.place, way.closed, row)

    def choose(self, ways: Sequence[_Move]) -> _Move | None:
        """The first way whose slot still has room."""
        for way in ways:
            loop = self.stack[len(self.stack) - 1 - way.closed][1]
            key = _key(way.place.slot) or way.place.slot.tag
            if len(loop.get(key, ())) < most_of(way.place):
                return way
        return None

    def enter(self, place: _Place, closed: int, row: list[Any]) -> None:
        if closed:
            del self.stack[-closed:]
        loop = self.stack[-1][1]
        key = _key(place.slot)
        if key:
            child: Loop = {row[0]: [row]}
            loop.setdefault(key, []).append(child)
            self.stack.append((place, child))
        else:
            loop.setdefault(row[0], []).append(row)
        self.place = place

    def misplaced(self, index: int, row: list[Any]) -> None:
        """A segment that cannot stand here goes to the innermost open loop that knows it; none does: it stays here."""
        tag = row[0]
        places = self.automaton.places.get(tag)
        if not places:
            self.problems.append(_unknown(index, tag, self.guide))
            self.stack[-1][1].setdefault(tag, []).append(row)
            return
        for closed, (above, loop) in enumerate(reversed(self.stack)):
            for place in above.children:
                if place.slot.tag == tag:
                    late = self.absent.pop((id(loop), tag), None)
                    if late:
                        self.withdrawn.add(id(late))
                    self.problems.append(self.disorder(index, tag, place))
                    self.disordered.add(id(loop))
                    if place.children:
                        self.enter(place, closed, row)
                    else:
                        loop.setdefault(tag, []).append(row)
                    return
        self.problems.append(self.disorder(index, tag, places[0]))
        self.stack[-1][1].setdefault(tag, []).append(row)

    def disorder(self, index: int, tag: str, place: _Place) -> Problem:
        name = self.name(tag)
        above = place.above
        inside = f" in the loop of {above.slot.tag}" if above and above.above else ""
        followers = above.children[place.index + 1 :] if above else []
        before = next((p.slot.tag for p in followers if p.slot.tag == self.place.slot.tag), None)
        if before:
            message = f"{name} stands after {before}, but has its place before it{inside}."
        elif above and above.above and all(p is not above for p, _ in self.stack):
            owners = dict.fromkeys(p.above.slot.tag for p in self.automaton.places[tag] if p.above and p.above.above)
            message = f"{name} stands here without the segment whose loop it belongs to: {' or '.join(owners)}."
        else:
            message = f"{name} may not stand after {self.place.slot.tag}; its place is elsewhere{inside}."
        return Problem("segment.order", index, tag, message, f"Ask the sender to put {tag} at its place.")

    def missing(self, index: int, tag: str, row: list[Any]) -> Problem:
        return Problem(
            "segment.missing",
            index,
            tag,
            f"{self.name(tag)} is required before {row[0]}, but is missing.",
            f"Ask the sender to add {tag} to the {self.guide.label}.",
        )

    def overflow(self, index: int, tag: str, place: _Place) -> None:
        what = f"The loop of {tag}" if place.children else self.name(tag)
        most = most_of(place)
        self.problems.append(
            Problem(
                "segment.too_many",
                index,
                tag,
                f"{what} occurs too often: {'once is' if most == 1 else f'{most} times are'} allowed here.",
                f"Ask the sender to keep to {most} of {tag}.",
            )
        )

    def name(self, tag: str) -> str:
        label = self.guide.dictionary.labels.get(tag)
        return f"{tag} ({label})" if label else tag


def _unknown(index: int, tag: str, guide: Guide) -> Problem:
    known = "is a segment, but none of" if tag in guide.dictionary.segments else "is not a segment of"
    return Problem(
        "segment.unknown",
        index,
        tag,
        f"{tag!r} {known} the {guide.label} {guide.message} in version {guide.version}.",
        f"Ask the sender to leave {tag} out, or add it to the guide if the two of you agreed on it.",
    )


def arrange(rows: Sequence[list[Any]], guide: Guide) -> tuple[Loop, list[Problem]]:
    """The loops of a document as well as they can be told, and every problem of its structure. No row is lost."""
    run = _Run(guide)
    run.root[rows[0][0]] = [rows[0]]
    for index, row in enumerate(rows[1:], 1):
        run.take(index, row)
    problems = [problem for problem in run.problems if id(problem) not in run.withdrawn]
    return run.root, problems
