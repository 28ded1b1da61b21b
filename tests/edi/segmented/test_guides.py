"""Guides: the tables that are shipped can be read, and the nearest version stands in for one that is not."""

from __future__ import annotations

import pytest

from edi.segmented import guides
from edi.segmented.guides import Element, Slot


def slots(slot: Slot) -> list[Slot]:
    return [slot, *(below for child in slot.children for below in slots(child))]


@pytest.mark.parametrize(("standard", "message", "version"), [("x12", "850", "004010"), ("edifact", "ORDERS", "D96A")])
def test_every_segment_of_a_guide_stands_in_its_dictionary(standard: str, message: str, version: str) -> None:
    guide = guides.load(standard, message, version)
    tags = {slot.tag for slot in slots(guide.root)}
    assert tags == set(guide.dictionary.segments) == set(guide.dictionary.labels)
    assert all(slot.least <= slot.most for slot in slots(guide.root))


def test_an_element_has_its_type_lengths_and_requirement() -> None:
    segments = guides.load("x12", "850", "004010").dictionary.segments
    assert segments["BEG"][2] == Element("324", "AN", 1, 22, "order number", required=True)
    assert segments["PO1"][3] == Element("212", "R", 1, 17, "unit price")
    document = guides.load("edifact", "ORDERS", "D96A").dictionary.segments["BGM"]
    assert document[0].components[0] == Element("1001", "an", 1, 3, "kind of document")


@pytest.mark.parametrize(
    ("standard", "message", "version", "found"),
    [
        ("x12", "850", "004010", "004010"),
        ("x12", "850", "005010", "004010"),
        ("edifact", "ORDERS", "D01B", "D96A"),
        ("edifact", "ORDERS", "", "D96A"),
        ("x12", "997", "004010", None),
    ],
)
def test_the_nearest_version_is_found(standard: str, message: str, version: str, found: str | None) -> None:
    guide = guides.find(standard, message, version)
    assert (guide.version if guide else None) == found


def test_a_wrong_table_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"x\.toml, line 2 of the structure: write a tag and how often"):
        guides.parse_structure("ST 1\nBEG one\n", "x.toml")
    with pytest.raises(ValueError, match="element 1: 'XX 3' is no type"):
        guides.parse_dictionary({"elements": {"1": "XX 3"}, "segments": {}})
    with pytest.raises(ValueError, match="'9' in '1 9' names no element"):
        guides.parse_dictionary({"elements": {"1": "AN 1..3"}, "segments": {"A": "1 9"}})
