"""Paths followed through the loops of a document: which loops they reach, and which rows.

A place in a document is the tuple of the loops around it, from the root to the innermost; so a path can lead down from
it, and out to a loop around it. :mod:`edi.model` draws loops, :mod:`edi.paths` says what the steps of a path mean.

>>> from edi.paths import parse_path
>>> item = {"HL": [["HL", "3", "2", "I"]], "SN1": [["SN1", "", "5", "EA"]]}
>>> order = {"HL": [["HL", "2", "1", "O"]], "PRF": [["PRF", "4711"]], "HL*": [item]}
>>> root = {"ST": [["ST", "856", "0001"]], "HL*": [{"HL": [["HL", "1", "", "S"]], "HL*": [order]}]}
>>> (place,) = reached((root,), parse_path("x12", "//HL[I]").steps)
>>> found_rows(place, parse_path("x12", "^HL[O]/PRF01").steps)
[['PRF', '4711']]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edi.model import Loop
    from edi.paths import SegmentStep

Row = list[Any]
Around = tuple["Loop", ...]
"""A place: the loops around it, outermost first."""

_LEVEL = "HL"
"""The segment whose loops stand within one another, and whose qualifier is HL03, the kind of level."""


class Part(Row):
    """A row that is cut: some elements of the `whole` row are left out behind the one at `first`, `skipped` of them."""

    __slots__ = ("first", "skipped", "whole")

    def __init__(self, whole: Row, first: int, skipped: int, size: int) -> None:
        super().__init__((*whole[:first], *whole[first + skipped : first + skipped + size]))
        self.whole = whole
        self.first = first
        self.skipped = skipped

    def place_of(self, element: int) -> int:
        """Where in the whole row an element stands."""
        return element if element < self.first else element + self.skipped


def qualifier(row: Row) -> str:
    """What ``[BY]`` in a path is compared with: the first element of a row (HL: HL03), or its first component."""
    place = 3 if row[0] == _LEVEL else 1
    value = row[place] if len(row) > place else ""
    while not isinstance(value, str):
        value = value[0] if value else ""
    return value


def is_meant(row: Row, qualifiers: tuple[str, ...] | None) -> bool:
    """Whether a row has one of the qualifiers."""
    return qualifiers is None or qualifier(row) in qualifiers


def opener(loop: Loop) -> str:
    """The tag of the segment that opens a loop."""
    return next(iter(loop), "")


def below(loop: Loop, tag: str, qualifiers: tuple[str, ...] | None = None) -> list[Loop]:
    """The child loops that a segment opens. A segment that opens none is a loop of itself alone, once per row."""
    opened = loop.get(tag + "*")
    if opened is None:
        opened = [] if tag == _LEVEL == opener(loop) else [{tag: [one]} for one in loop.get(tag, ())]
    return opened if qualifiers is None else [one for one in opened if qualifier(one[tag][0]) in qualifiers]


def reached(around: Around, steps: tuple[SegmentStep, ...]) -> list[Around]:
    """The places that `steps` lead to, in the order of the file."""
    *before, last = steps
    places = [way for place in _through(around, before) for way in _ways(place, last)]
    if last.group is None:
        return places
    return [(*place[:-1], {last.tag: [part]}) for place in places for part in _parts(place[-1][last.tag][0], last)]


def _parts(row: Row, step: SegmentStep) -> Iterator[Row]:
    first, size = step.element or 1, step.group or 1
    for skipped in range(0, len(row) - first, size):
        part = Part(row, first, skipped, size)
        if any(part[first:]):
            yield part


def _through(around: Around, steps: Iterable[SegmentStep]) -> list[Around]:
    """The places through which a path goes on: of each plain step the first, of a deep one all."""
    places = [around]
    for step in steps:
        ways = [_ways(place, step) for place in places]
        places = [way for each in ways for way in (each if step.deep else each[:1])]
    return places


def found_rows(around: Around, steps: tuple[SegmentStep, ...]) -> list[Row]:
    """The rows that the last of `steps` names, in the order of the file."""
    *before, last = steps
    if last.deep or last.around:
        return [place[-1][last.tag][0] for place in reached(around, steps)]
    found: list[Row] = []
    for place in _through(around, before):
        loop = place[-1]
        rows = [*loop.get(last.tag, ()), *(child[last.tag][0] for child in loop.get(last.tag + "*", ()))]
        found += [row for row in rows if is_meant(row, last.qualifiers)]
    return found


def _ways(place: Around, step: SegmentStep) -> list[Around]:
    if step.around:
        for depth in range(len(place), 0, -1):
            loop = place[depth - 1]
            if opener(loop) == step.tag and is_meant(loop[step.tag][0], step.qualifiers):
                return [place[:depth]]
        return []
    if step.deep:
        return [one for one in _deep(place, step.tag) if is_meant(one[-1][step.tag][0], step.qualifiers)]
    return [(*place, child) for child in below(place[-1], step.tag, step.qualifiers)]


def _deep(place: Around, tag: str) -> Iterator[Around]:
    """Every loop that `tag` opens at any depth below a place, and every row of it as a loop of itself."""
    loop = place[-1]
    own = opener(loop)
    for key, inside in loop.items():
        if key.endswith("*"):
            for child in inside:
                if key[:-1] == tag:
                    yield (*place, child)
                yield from _deep((*place, child), tag)
        elif key == tag and key != own:
            yield from ((*place, {tag: [row]}) for row in inside)
