"""Syntax notes: relations between elements of a segment, or between components of a composite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.segmented.elements.faults import Fault, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edi.segmented.guides.definitions import Element, Note


def is_broken(note: Note, present: Sequence[bool]) -> bool:
    """Whether elements that are `present` or not (counted from 0 here) are not related as the note says."""
    return breaks(note, {place for place, here in enumerate(present, 1) if here})


def breaks(note: Note, sent: set[int]) -> bool:
    """Whether elements at the places `sent`, counted from 1, are not related as the note says."""
    kind, places = note
    count = len(sent.intersection(places))
    if kind == "P":
        return 0 < count < len(places)
    if kind == "R":
        return not count
    if kind == "E":
        return count > 1
    return places[0] in sent and (count < len(places) if kind == "C" else count == 1)


def explain(note: Note, present: Sequence[bool], address: str, definition: tuple[Element, ...]) -> tuple[Fault, int]:
    """Why elements are not as `note` says, as a whole sentence, and the place of the one that it is about.

    `address` is what stands before the two digits of a place: the tag, or ``SV101.`` for components.
    """
    names = {place: _told(address, place, definition) for place in note.places}
    sent = [place for place in note.places if place <= len(present) and present[place - 1]]
    unsent = [place for place in note.places if place not in sent]
    if note.kind == "E":
        words = f"{joined([names[p] for p in sent], 'and')} exclude one another, but are sent together."
        others = "the other" if len(sent) == 2 else "the others"
        remedy = f"Ask the sender which of them is meant, and to leave {others} empty."
        return Fault("element.excluded", words, remedy), sent[1]
    if note.kind == "R":
        empty = "both are" if len(unsent) == 2 else "all are"
        words = f"One of {joined([names[p] for p in unsent], 'and')} is required, but {empty} empty."
    elif note.kind == "P":
        words = f"{names[sent[0]]} is sent without {joined([names[p] for p in unsent], 'and')}: all or none are sent."
    else:
        link = "and" if note.kind == "C" else "or"
        words = f"{names[note.places[0]]} is sent, which requires {joined([names[p] for p in unsent], link)}."
    addresses = joined([f"{address}{place:02}" for place in unsent], "or" if note.kind in "RL" else "and")
    return Fault("element.condition", words, f"Ask the sender to fill {addresses}."), unsent[0]


def _told(address: str, place: int, definition: tuple[Element, ...]) -> str:
    label = definition[place - 1].label
    return f"{address}{place:02} ({label})" if label else f"{address}{place:02}"
