"""What a guide says, as data: elements, segments, and the places where segments may stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

MANY = 1_000_000_000
"""What ``*`` in a structure stands for."""


class Note(NamedTuple):
    """A relation between elements of one segment, or components of a composite, by their places, counted from 1.

    `kind` is P (all or none of them), R (at least one), E (at most one), C (the first needs all others) or
    L (the first needs at least one of the others): the syntax notes of X12.
    """

    kind: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """The values that a coded element may have."""

    listed: frozenset[str]
    is_external: bool = False
    """The list is kept by others than the standard's body: what it does not hold is worth a warning only."""
    is_narrowed: bool = False
    """A guide that extends the standard has chosen these."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a segment, or one component of a composite (which has `components` and no kind of its own).

    `kind` is the standard's own word: X12 AN ID N0 N2 R DT TM B, EDIFACT a n an. Lengths count characters; those of
    numbers count digits alone.
    """

    number: str
    kind: str
    shortest: int
    longest: int
    label: str = ""
    required: bool = False
    repeat: int = 1
    components: tuple[Element, ...] = ()
    codes: Codes | None = None
    """None: any value of the kind is right."""
    notes: tuple[Note, ...] = ()
    """What relates the components of a composite."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in the structure of a message. One with `children` opens a loop, of which it is the first segment.

    With `qualifiers` it takes only segments that carry one of them (:func:`qualifier`). Neighbours of one tag that are
    told apart by qualifiers may stand in any order; one of them without qualifiers takes those that no other names.
    """

    tag: str
    least: int
    most: int
    children: tuple[Slot, ...] = ()
    qualifiers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The slot as the structure writes it: ``NM1[85]``."""
        return f"{self.tag}[{','.join(self.qualifiers)}]" if self.qualifiers else self.tag


class Definition(NamedTuple):
    """What one segment may hold."""

    elements: tuple[Element, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The segments of one version: their elements by tag, their labels, and the notes on their elements."""

    segments: dict[str, tuple[Element, ...]]
    labels: dict[str, str]
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    qualified: dict[str, dict[str, Definition]] = field(default_factory=dict)
    """By tag and qualifier, what segments with that qualifier may hold, where a guide narrows them."""
    elements: dict[str, Element] = field(default_factory=dict)
    """All elements and composites by their numbers."""

    def plain(self, tag: str) -> Definition | None:
        """What segments of `tag` may hold that no qualifier narrows; None if the tag is not known."""
        elements = self.segments.get(tag)
        return None if elements is None else Definition(elements, self.notes.get(tag, ()))

    def of(self, row: list[Any]) -> Definition | None:
        """What the segment `row` may hold."""
        narrowed = self.qualified.get(row[0])
        found = narrowed.get(qualifier(row)) if narrowed else None
        return found or self.plain(row[0])


@dataclass(frozen=True, eq=False, slots=True)
class Guide:
    """What one message of one version may hold. `root` is the slot of ST or UNH; all others are its descendants.

    Guides compare by identity: each is loaded once, and what is compiled from it is kept beside it.
    """

    message: str
    version: str
    label: str
    root: Slot
    dictionary: Dictionary
    group: str = ""
    """X12: the functional identifier of its groups (GS01)."""
    totals: tuple[str, ...] = ()
    """The lines of the table's `totals`; :mod:`edi.segmented.structure.totals` says what they mean."""


def qualifier_place(tag: str) -> int:
    """Which element tells segments of one tag apart: the first; of HL the third, the kind of the level."""
    return 3 if tag == "HL" else 1


def qualifier(row: list[Any]) -> str:
    """What ``[BY]`` in a path or a structure is compared with: an element of the row, or its first component."""
    place = qualifier_place(row[0])
    value = row[place] if len(row) > place else ""
    while not isinstance(value, str):
        value = value[0]
    return value
