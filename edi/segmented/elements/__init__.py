"""The proof of a guide's elements: one regular expression that accepts a run of right segments, and nothing wrong.

It is possessive, so a text that it matches to the end holds no wrong element, at the speed of the regular expression
engine; it may refuse a rare value that is right, which costs time and nothing else. :func:`judge` is asked when the
proof refused, and is the last word. Property tests show that whatever the proof accepts the explanation finds right.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from edi.possessive import REPEATED
from edi.segmented.elements import codes, dates
from edi.segmented.elements.dependencies import Limit, choices
from edi.segmented.elements.kinds import kind
from edi.segmented.elements.notes import is_broken
from edi.segmented.guides.definitions import Definition, Element, qualifier_place
from edi.segmented.walk.segments import BINARY_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edi.segmented.elements.dependencies import Way
    from edi.segmented.elements.faults import Fault
    from edi.segmented.guides.definitions import Guide, Note, Slot
    from edi.segmented.walk.segments import Syntax


def judge(value: str, element: Element, syntax: Syntax, *, is_free: bool = False) -> Fault | None:
    """What is wrong with `value`, which is not empty, as the simple `element`; None if nothing is.

    `is_free` says that its list of codes does not hold here.
    """
    fault = kind(element).fault(value, element, syntax)
    return fault if fault or is_free else codes.fault(value, element)


COMPONENTS_MAX = 10
COMPONENTS_USUAL = 3
"""Of composites that are longer than the one (X12's unit of measure, C001), the proof knows so many components."""


@lru_cache(maxsize=128)
def proof(guide: Guide, syntax: Syntax) -> re.Pattern[str]:
    """The expression that matches a run of right segments, each with its terminator, as far as it can."""
    tags: dict[str, None] = {}
    for slot in _busiest_first(guide.root):
        tags.setdefault(slot.tag)
    writer = _Writer(syntax)
    branches: dict[str, list[str]] = {}
    for tag in tags:
        # Alternatives with the same first letter share a branch: the engine looks at one letter to skip them all.
        branches.setdefault(tag[0], []).append(re.escape(tag[1:]) + writer.segment(tag, guide))
    choice = "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in branches.items())
    return re.compile(f"(?:(?:{choice}){re.escape(syntax.segment)}){REPEATED}")


def _busiest_first(root: Slot) -> Iterator[Slot]:
    """The slots of a guide, those of the loops that repeat most before the others: they hold most segments."""
    for child in sorted(root.children, key=lambda slot: -slot.most if slot.children else 0):
        if child.children:
            yield child
            yield from child.children
            yield from _busiest_first(child)
    yield root
    yield from root.children


class _Writer:
    """Writes expressions for one set of service characters."""

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.element = re.escape(syntax.element)
        self.component = re.escape(syntax.component)
        self.cell = f"[^{re.escape(syntax.characters)}]"
        self.end = f"[{re.escape(syntax.element + syntax.segment + syntax.repetition)}]"

    def segment(self, tag: str, guide: Guide) -> str:
        """What follows the tag, without the terminator: one way for each narrowed qualifier, and the rest."""
        if tag in BINARY_TAGS:
            return "(?!)"  # whether its length leads to its end is not said by an expression
        plain = guide.dictionary.plain(tag)
        if plain is None:
            return f"(?:{self.element}[^{re.escape(self.syntax.segment)}]*|)"
        narrowed = guide.dictionary.qualified.get(tag)
        if not narrowed:
            return self.series(plain, self.element)
        place = qualifier_place(tag)
        ways = [
            self.series(definition, self.element, {place: Limit(only=frozenset({value}), sent=True)})
            for value, definition in narrowed.items()
        ]
        ways.append(self.series(plain, self.element, {place: Limit(but=frozenset(narrowed))}))
        return f"(?:{'|'.join(ways)})"

    def series(self, definition: Definition, separator: str, also: Way | None = None) -> str:
        """Elements or components one after the other; those behind the last required one may be left out.

        Components have no separator before the first of them. `also` limits some of them besides.
        """
        elements, notes = definition
        rest, must = "", False
        place = len(elements)
        rules = [*choices(elements), *([[also]] if also else [])]
        runs = {run[1]: run for run in _runs(notes, rules)}
        while place:
            leads = separator if place > 1 or separator == self.element else ""
            if place in runs:
                first, last = runs[place]
                part = elements[first - 1 : last]
                mine = [rule for rule in rules if first <= min(rule[0]) <= last]
                leads = separator if first > 1 or separator == self.element else ""
                related = _Related(self, first, part, notes, mine, (leads, separator))
                rest = related.expression(rest, must=must)
                must = must or not related.may_be_empty
                place = first - 1
                continue
            element = elements[place - 1]
            value = self.value(element)
            must = must or element.required
            value = value if element.required else f"(?:{value}|)"
            rest = f"{leads}{value}{rest}" if must or not leads else f"(?:{leads}{value}{rest}|)"
            place -= 1
        return rest

    def value(self, element: Element, limit: Limit | None = None) -> str:
        """An element that is sent, with its repetitions unless it is limited."""
        if element.components:
            also: Way | None = {1: limit} if limit else None
            parts = element.components
            if len(parts) > COMPONENTS_MAX and not element.notes:
                last = max([COMPONENTS_USUAL, *(at for at, part in enumerate(parts, 1) if part.required)])
                parts = parts[:last]
            value = f"(?:{self.series(Definition(parts, element.notes), self.component, also)})"
            if not any(part.required for part in element.components):
                value = f"(?!{self.end})" + value  # it is sent, so it is not empty
        else:
            value = self.simple(element, limit or Limit())
        if self.syntax.repetition and element.repeat > 1 and not limit:
            value = f"{value}(?:{re.escape(self.syntax.repetition)}{value}){{0,{element.repeat - 1}}}"
        return value

    def simple(self, element: Element, limit: Limit) -> str:
        if limit.form:
            return f"(?:{dates.proof(limit.form)})"
        listed = element.codes.listed if element.codes and not limit.is_free else None
        if limit.only is not None:
            listed = limit.only if listed is None else listed & limit.only
        if listed is not None:
            return codes.expression(_fitting(listed - limit.but, element, self.syntax))
        value = f"(?:{kind(element).proof(element, self.cell)})"
        if limit.but:
            end = f"[{re.escape(self.syntax.characters)}]"
            value = f"(?!{codes.expression(limit.but)}{end}){value}"
        return value


def _fitting(listed: frozenset[str], element: Element, syntax: Syntax) -> frozenset[str]:
    """The codes that are values of the element at all: of its length and kind, without service characters."""
    return _fitting_codes(listed, element.kind, element.shortest, element.longest, syntax)


@lru_cache(maxsize=4096)
def _fitting_codes(listed: frozenset[str], kind_of: str, shortest: int, longest: int, syntax: Syntax) -> frozenset[str]:
    fault = kind(element := Element("", kind_of, shortest, longest)).fault
    wrong = {code for code in listed if fault(code, element, syntax) or not set(code).isdisjoint(syntax.characters)}
    return listed - wrong if wrong else listed


def _runs(notes: tuple[Note, ...], rules: Sequence[Sequence[Way]]) -> list[tuple[int, int]]:
    """The places that notes or rules relate, as runs that do not overlap: (first, last)."""
    related = [note.places for note in notes]
    related.extend(tuple(way) for rule in rules for way in rule)
    runs: list[tuple[int, int]] = []
    for first, last in sorted((min(places), max(places)) for places in related):
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return runs


class _Related:
    """The expression for a run of elements that depend on each other: trees of which of them may stand together.

    There is one tree for each way in which the rules let them stand. Look-aheads would say the same in fewer letters,
    at a quarter of the speed.
    """

    def __init__(
        self,
        writer: _Writer,
        first: int,
        elements: Sequence[Element],
        notes: tuple[Note, ...],
        rules: Sequence[Sequence[Way]],
        separators: tuple[str, str],
    ) -> None:
        self.separators = separators
        mine = [note for note in notes if first <= note.places[0] < first + len(elements)]
        present = [
            pattern
            for pattern in product((True, False), repeat=len(elements))
            if all(here or not element.required for here, element in zip(pattern, elements, strict=True))
            and not any(is_broken(note, [False] * (first - 1) + list(pattern)) for note in mine)
        ]
        self.trees: list[tuple[list[str], frozenset[tuple[bool, ...]]]] = []
        for chosen in product(*rules):
            limits: Way = {}
            for way in chosen:
                for place, limit in way.items():
                    limits[place] = limits[place].merged(limit) if place in limits else limit
            values = [writer.value(element, limits.get(first + at)) for at, element in enumerate(elements)]
            allowed = frozenset(
                pattern
                for pattern in present
                if all(limit.sent in (None, pattern[place - first]) for place, limit in limits.items())
            )
            if allowed:
                self.trees.append((values, allowed))

    @property
    def may_be_empty(self) -> bool:
        """Whether none of the elements need be sent."""
        return any(not any(pattern) for _, allowed in self.trees for pattern in allowed)

    def expression(self, rest: str, *, must: bool) -> str:
        """With `rest` behind it; what is empty at the end of the segment may be left out, unless some must follow."""
        if not self.trees:
            return "(?!)"  # notes that contradict each other allow nothing
        if must:
            return self.written("", cut=False) + rest
        leafy = self.written(rest, cut=True)
        twice = f"(?:{self.written('', cut=False)}{rest}|{self.written('', cut=True)})"
        return min(leafy, twice, key=len)

    def written(self, rest: str, *, cut: bool) -> str:
        ways = [self.tree(values, 0, allowed, rest, cut=cut) for values, allowed in self.trees]
        return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"

    def tree(self, values: list[str], at: int, allowed: frozenset[tuple[bool, ...]], rest: str, *, cut: bool) -> str:
        """The expression for the elements from `at` on, of which `allowed` tells which may be present, and for `rest`.

        What is empty at the end may be `cut`.
        """
        if at == len(values):
            return rest
        filled = frozenset(present[1:] for present in allowed if present[0])
        empty = frozenset(present[1:] for present in allowed if not present[0])
        value = values[at]
        separator = self.separators[min(at, 1)]
        if filled == empty:
            found = f"{separator}(?:{value}|){self.tree(values, at + 1, filled, rest, cut=cut)}"
        else:
            ways = []
            if filled:
                ways.append(separator + value + self.tree(values, at + 1, filled, rest, cut=cut))
            if empty:
                ways.append(separator + self.tree(values, at + 1, empty, rest, cut=cut))
            found = ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
        return f"(?:{found}|)" if cut and any(not any(present) for present in allowed) else found
