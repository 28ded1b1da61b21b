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
    from collections.abc import Iterator

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
    last = steps[-1]
    places = _followed(around, steps, len(steps))
    if last.group is None:
        return list(places)
    return [(*place[:-1], {last.tag: [part]}) for place in places for part in _parts(place[-1][last.tag][0], last)]


def _parts(row: Row, step: SegmentStep) -> Iterator[Row]:
    first, size = step.element or 1, step.group or 1
    for skipped in range(0, len(row) - first, size):
        part = Part(row, first, skipped, size)
        if any(part[first:]):
            yield part


def _followed(place: Around, steps: tuple[SegmentStep, ...], end: int, number: int = 0) -> Iterator[Around]:
    """Where the steps before `end` lead to.

    A path goes on through the first of a plain step and through all of a deep one, and ends at all of its last step.
    """
    if number == end:
        yield place
        return
    for way in _ways(place, steps[number]):
        yield from _followed(way, steps, end, number + 1)
        if number < len(steps) - 1 and not steps[number].deep:
            return


def found_rows(around: Around, steps: tuple[SegmentStep, ...]) -> list[Row]:
    """The rows that the last of `steps` names, in the order of the file."""
    return list(_rows(around, steps))


def first_row(around: Around, steps: tuple[SegmentStep, ...]) -> Row:
    """The first of `found_rows`, or an empty row; no more of the document is looked through than it takes."""
    return next(_rows(around, steps), [])


def _rows(around: Around, steps: tuple[SegmentStep, ...]) -> Iterator[Row]:
    last = steps[-1]
    if last.deep or last.around:
        yield from (place[-1][last.tag][0] for place in _followed(around, steps, len(steps)))
        return
    for place in _followed(around, steps, len(steps) - 1):
        loop = place[-1]
        yield from (row for row in loop.get(last.tag, ()) if is_meant(row, last.qualifiers))
        opened = (child[last.tag][0] for child in loop.get(last.tag + "*", ()))
        yield from (row for row in opened if is_meant(row, last.qualifiers))


def _ways(place: Around, step: SegmentStep) -> Iterator[Around]:
    if step.around:
        for depth in range(len(place), 0, -1):
            loop = place[depth - 1]
            if opener(loop) == step.tag and is_meant(loop[step.tag][0], step.qualifiers):
                yield place[:depth]
                return
    elif step.deep:
        yield from (one for one in _deep(place, step.tag) if is_meant(one[-1][step.tag][0], step.qualifiers))
    else:
        yield from ((*place, child) for child in below(place[-1], step.tag, step.qualifiers))


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
