"""Flat segments and a guide make nested loops.

:func:`assemble` runs the automaton of a guide (the module `moves`) at one look-up per segment and gives up at the first
thing that is not as it should be. :func:`arrange` runs it likewise; where a segment does not fit it notes the problem,
and goes on where a person who reads the document would.

A loop of one segment (a slot without children) is told as rows, as any other segment.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from edi.segmented.guides.definitions import qualifier, qualifier_place
from edi.segmented.structure import levels, totals
from edi.segmented.structure.moves import automaton, most_of, takes
from edi.segmented.structure.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edi.model import Loop
    from edi.segmented.guides import Guide
    from edi.segmented.structure.moves import Move, Place

__all__ = ["Problem", "arrange", "assemble", "automaton", "finish", "flat"]

_KNOWN_MAX = 12
"""So many qualifiers are quoted."""


def assemble(rows: Sequence[list[Any]], guide: Guide) -> Loop | None:
    """The loops of a document that is as the guide says; None if anything is not."""
    compiled = automaton(guide)
    if rows[0][0] != guide.root.tag or rows[-1][0] != compiled.last:
        return None
    root: Loop = {rows[0][0]: [rows[0]]}
    symbol_of = compiled.symbol if compiled.qualified else None
    state = compiled.start
    loop = root
    stack = [root]
    counts: list[dict[Place, int]] = [{}]
    for row in rows[1:]:
        step = state.get(symbol_of(row) if symbol_of else row[0])
        if step is None:
            return None
        state, closed, key, most, counted, owed, place = step
        if owed and not all(owing in counts[-1 - depth] for depth, owing in owed):
            return None
        if closed:
            del stack[-closed:], counts[-closed:]
            loop = stack[-1]
        if counted:
            found = counts[-1]
            found[place] = count = found.get(place, 0) + 1
            if count > most:
                return None
        if key:
            children = loop.setdefault(key, [])
            loop = {row[0]: [row]}
            stack.append(loop)
            counts.append({})
            children.append(loop)
            if not counted and len(children) > most:
                return None
        elif row[0] in loop:
            loop[row[0]].append(row)
            if not counted and len(loop[row[0]]) > most:
                return None
        else:
            loop[row[0]] = [row]
    return root if finish(root, guide) else None


def finish(root: Loop, guide: Guide) -> bool:
    """Nest the levels of a document whose structure is right; whether they and the totals are right, too."""
    return finisher(guide)(root)


@lru_cache(maxsize=256)
def finisher(guide: Guide) -> Callable[[Loop], bool]:
    """What :func:`finish` does for the documents of a guide."""
    has_levels, sums = _rules(guide)
    rules = [*([levels.nest] if has_levels else []), *([sums.hold] if sums else [])]

    def done(root: Loop) -> bool:
        return all(_is_right(rule, root) for rule in rules)

    return done


def _is_right(rule: Callable[[Loop], bool], root: Loop) -> bool:
    """Whether a document keeps a rule that is made for documents whose elements are proved; these may not be."""
    try:
        return rule(root)
    except (AttributeError, IndexError, TypeError, ValueError):
        return False


@lru_cache(maxsize=256)
def _rules(guide: Guide) -> tuple[bool, totals.Totals | None]:
    sums = totals.compile_totals(guide.totals, guide.root) if guide.totals else None
    return levels.needed(guide.root), sums


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
        self.rows: Sequence[list[Any]] = ()
        self.root: Loop = {}
        self.stack: list[tuple[Place, Loop, dict[Place, int]]] = [(self.place, self.root, {})]
        """The open loops: where they were opened, and how often each place was taken in them."""
        self.problems: list[Problem] = []
        self.absent: dict[tuple[int, Place], Problem] = {}
        """Required places that were missed, by the loop (its ``id``): they may turn up late."""
        self.withdrawn: set[int] = set()
        """Problems (their ``id``) that turned out to be another one."""
        self.strange: set[int] = set()
        """Loops (their ``id``) with a qualifier that nothing takes: what they require is not known."""

    def run(self, rows: Sequence[list[Any]]) -> None:
        """Take all rows: each in the way of a right document, if that is open, or else with care."""
        stack, states = self.stack, self.automaton.states
        symbol_of = self.automaton.symbol if self.automaton.qualified else None
        self.rows = rows
        self.root[rows[0][0]] = [rows[0]]
        state = states[self.place]
        for index, row in enumerate(islice(rows, 1, None), 1):
            tag = row[0]
            step = state.get(symbol_of(row) if symbol_of else tag)
            if step is not None:
                state, closed, key, most, counted, owed, place = step
                _, loop, taken = stack[-1 - closed]
                count = taken.get(place, 0)
                found = loop.get(key or tag)
                if (count if counted else len(found or ())) < most and not (owed and self.owes(owed)):
                    if closed:
                        del stack[-closed:]
                    taken[place] = count + 1
                    new: Any = row
                    if key:
                        new = {tag: [row]}
                        stack.append((place, new, {}))
                    if found:
                        found.append(new)
                    else:
                        loop[key or tag] = [new]
                    self.place = place
                    continue
            self.take(index, row)
            state = states[self.place]

    def owes(self, owed: tuple[tuple[int, Place], ...]) -> bool:
        """Whether one of the places that are owed was not taken."""
        return any(place not in self.stack[-1 - closed][2] for closed, place in owed)

    def take(self, index: int, row: list[Any]) -> None:
        """Take a row that does not stand where it does in a right document."""
        symbol = self.automaton.symbol(row)
        ways = self.automaton.moves[self.place].get(symbol)
        if not ways:
            self.misplaced(index, row, symbol)
            return
        way = next((way for way in ways if self.is_open(way)), None)
        if way is None:
            self.overflow(index, ways[0].place)
            way = ways[0]
        if way.missing and self.is_early(index, way):
            self.keep_early(index, row, way)
            return
        for closed, missed in (*way.missing, *way.owed):
            _, loop, taken = self.stack[-1 - closed]
            if not taken.get(missed) and id(loop) not in self.strange:  # else it came early, or a peer came after it
                self.absent[id(loop), missed] = problem = self.missing(index, missed, symbol)
                self.problems.append(problem)
        self.enter(way.place, way.closed, row)

    def is_early(self, index: int, way: Move) -> bool:
        """Whether the document goes on as if the row did not stand here: it is one that came too early."""
        following = [self.automaton.symbol(row) for row in self.rows[index + 1 : index + 3]]
        states = self.automaton.states
        return (
            bool(following)
            and following[0] in states[self.place]
            and not any(symbol in states[way.place] for symbol in following)
        )

    def keep_early(self, index: int, row: list[Any], way: Move) -> None:
        """Keep a row that came too early in the loop that is open, and stay at the place before it."""
        place = way.place
        taken = self.stack[-1 - way.closed][2]
        after = way.missing[0][1].slot.name
        words = f"{self.name(place)} stands before {after}, but has its place after it."
        remedy = f"Ask the sender to put {place.slot.name} at its place."
        self.problems.append(Problem("segment.order", index, row[0], words, remedy))
        self.stack[-1][1].setdefault(row[0], []).append(row)
        taken[place] = taken.get(place, 0) + 1

    def is_open(self, way: Move) -> bool:
        """Whether the slot of a way still has room."""
        _, loop, taken = self.stack[-1 - way.closed]
        place = way.place
        if place.is_counted:
            return taken.get(place, 0) < place.slot.most
        return len(loop.get(place.key or place.slot.tag, ())) < most_of(place)

    def enter(self, place: Place, closed: int, row: list[Any]) -> None:
        if closed:
            del self.stack[-closed:]
        _, loop, taken = self.stack[-1]
        taken[place] = taken.get(place, 0) + 1
        if place.key:
            child: Loop = {row[0]: [row]}
            loop.setdefault(place.key, []).append(child)
            self.stack.append((place, child, {}))
        else:
            loop.setdefault(row[0], []).append(row)
        self.place = place

    def misplaced(self, index: int, row: list[Any], symbol: str) -> None:
        """A segment that cannot stand here goes to the innermost open loop that knows it; none does: it stays here."""
        tag = row[0]
        places = self.automaton.places.get(tag)
        if not places:
            self.problems.append(_unknown(index, tag, self.guide))
            self.stack[-1][1].setdefault(tag, []).append(row)
            return
        around, inner, _ = self.stack[-1]
        if id(inner) in self.strange and any(takes(p, symbol) for peer in around.peers for p in peer.children):
            inner.setdefault(tag, []).append(row)  # it belongs to the segment with the strange qualifier
            return
        meant = [place for place in places if takes(place, symbol)]
        for wanted in (meant, places if symbol == tag or not meant else []):
            for closed, (above, loop, taken) in enumerate(reversed(self.stack)):
                here = [place for place in above.children if place in wanted]
                if here:
                    place = next((place for place in here if (id(loop), place) in self.absent), here[0])
                    late = self.absent.pop((id(loop), place), None)
                    if late:
                        self.withdrawn.add(id(late))
                    tell = self.disorder if wanted is meant else self.unnamed
                    self.problems.append(tell(index, row, place))
                    if place.children:
                        self.enter(place, closed, row)
                        if wanted is not meant:
                            taken[place] -= 1
                            self.strange.add(id(self.stack[-1][1]))
                    else:
                        loop.setdefault(tag, []).append(row)
                        taken[place] = taken.get(place, 0) + 1
                    return
        self.problems.append(self.disorder(index, row, meant[0]) if meant else self.unnamed(index, row, places[0]))
        self.stack[-1][1].setdefault(tag, []).append(row)

    def disorder(self, index: int, row: list[Any], place: Place) -> Problem:
        tag = row[0]
        name = self.name(place)
        above = place.above
        inside = f" in the loop of {above.slot.name}" if above and above.above else ""
        followers = above.children[place.index + 1 :] if above else []
        before = next((p.slot.name for p in followers if p.slot.tag == self.place.slot.tag), None)
        if before:
            message = f"{name} stands after {before}, but has its place before it{inside}."
        elif above and above.above and all(p is not above for p, _, _ in self.stack):
            symbol = self.automaton.symbol(row)
            places = (p for p in self.automaton.places[tag] if takes(p, symbol))
            owners = dict.fromkeys(p.above.slot.name for p in places if p.above and p.above.above)
            message = f"{name} stands here without the segment whose loop it belongs to: {' or '.join(owners)}."
        else:
            message = f"{name} may not stand after {self.place.slot.name}; its place is elsewhere{inside}."
        return Problem("segment.order", index, tag, message, f"Ask the sender to put {place.slot.name} at its place.")

    def unnamed(self, index: int, row: list[Any], place: Place) -> Problem:
        """A segment with a qualifier that no slot of the guide takes; `place` is one of its tag."""
        tag, value = row[0], qualifier(row)
        above = place.above
        where = f"the loop of {above.slot.name}" if above and above.above else f"the {self.guide.label}"
        siblings = above.children if above else []
        known = [*dict.fromkeys(value for p in siblings if p.slot.tag == tag for value in p.slot.qualifiers)]
        if len(known) > _KNOWN_MAX:
            known[_KNOWN_MAX - 1 :] = [f"{len(known) - _KNOWN_MAX + 1} others"]
        label = self.label(tag)
        carries = f"with the qualifier {value!r}" if value else "without a qualifier"
        return Problem(
            "segment.order",
            index,
            tag,
            f"{label} {carries} has no place in {where}; expected there: {', '.join(known)}.",
            f"Ask the sender which {tag} is meant; if the two of you agreed on this one, add it to the guide.",
            qualifier_place(tag),
        )

    def missing(self, index: int, place: Place, before: str) -> Problem:
        return Problem(
            "segment.missing",
            index,
            place.slot.tag,
            f"{self.name(place)} is required before {before}, but is missing.",
            f"Ask the sender to add {place.slot.name} to the {self.guide.label}.",
        )

    def overflow(self, index: int, place: Place) -> None:
        what = f"The loop of {place.slot.name}" if place.children else self.name(place)
        most = place.slot.most if place.is_counted else most_of(place)
        self.problems.append(
            Problem(
                "segment.too_many",
                index,
                place.slot.tag,
                f"{what} occurs too often: {'once is' if most == 1 else f'{most} times are'} allowed here.",
                f"Ask the sender to keep to {most} of {place.slot.name}.",
            )
        )

    def name(self, place: Place) -> str:
        """A slot and what it is: ``NM1[85] (billing provider)``."""
        labels = self.guide.dictionary.labels
        name = place.slot.name
        label = labels.get(name) or labels.get(place.slot.tag)
        return f"{name} ({label})" if label else name

    def label(self, tag: str) -> str:
        label = self.guide.dictionary.labels.get(tag)
        return f"{tag} ({label})" if label else tag


def _unknown(index: int, tag: str, guide: Guide) -> Problem:
    where = f"the {guide.label} {guide.message} in version {guide.version}"
    if not tag:
        message, remedy = "A segment has no tag: it begins with a separator.", "Ask the sender which segment is meant."
        return Problem("segment.unknown", index, tag, message, remedy)
    known = "is a segment, but has no place in" if tag in guide.dictionary.segments else "is not a segment of"
    meant = _meant(tag, guide)
    remedy = f"Ask the sender to leave {tag} out, or add it to the guide if the two of you agreed on it."
    if meant:
        remedy = f"If {meant} is meant, ask the sender to put the tag right. {remedy}"
    return Problem("segment.unknown", index, tag, f"{tag!r} {known} {where}.", remedy)


def _meant(tag: str, guide: Guide) -> str:
    """The only segment of the message whose tag is made of the same characters, or the same in capitals."""
    places = automaton(guide).places
    alike = [known for known in places if sorted(known) == sorted(tag.upper())]
    return alike[0] if len(alike) == 1 and tag not in places else ""


def arrange(rows: Sequence[list[Any]], guide: Guide) -> tuple[Loop, list[Problem]]:
    """The loops of a document as well as they can be told, and its problems in the order of the rows.

    These are problems of order and repetition, of levels, and of totals. No row is lost.
    """
    run = _Run(guide)
    run.run(rows)
    root = run.root
    problems = [problem for problem in run.problems if id(problem) not in run.withdrawn]
    has_levels, sums = _rules(guide)
    if has_levels and (problems or not _is_right(levels.nest, root)):
        problems += levels.problems(rows, root)
        levels.nest_leniently(root)
    if sums and (problems or not _is_right(sums.hold, root)):
        problems += totals.problems(rows, root, sums)
    return root, sorted(problems, key=lambda problem: problem.row)
