"""Elements: what the proof accepts the explanation finds right, and what is wrong is said in plain words."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edi.formats import FORMATS
from edi.model import Document
from edi.segmented import guides
from edi.segmented.elements import judge, proof
from edi.segmented.guides import Dictionary, Element, Guide, Note, Slot
from edi.segmented.kinds import KINDS
from edi.segmented.notes import explain, is_broken
from edi.segmented.segments import Syntax

X12 = Syntax("*", ">", "~", "^")

ELEMENTS = [
    Element("1", kind, low, high)
    for kind, low, high in [
        ("AN", 1, 5), ("ID", 2, 3), ("N0", 1, 6), ("N2", 1, 10), ("R", 1, 15), ("R", 1, 4), ("R", 2, 9), ("DT", 8, 8),
        ("DT", 6, 6), ("DT", 6, 8), ("TM", 4, 8), ("TM", 4, 4), ("an", 1, 3), ("a", 1, 3), ("a", 3, 3),
        ("n", 1, 8), ("n", 3, 3),
    ]
]  # fmt: skip


@given(st.sampled_from(ELEMENTS), st.text("0123456789.,-EO a", min_size=1, max_size=16))
def test_what_the_proof_accepts_is_right(element: Element, value: str) -> None:
    name = "N" if element.kind[0] == "N" else element.kind
    expression = KINDS[name].proof(element, "[^*>~^]")
    if re.fullmatch(expression, value):
        assert judge(value, element, X12) is None


@given(st.dates(), st.sampled_from([6, 8]))
def test_every_date_of_the_calendar_is_right_and_nearly_all_are_proved(day: object, length: int) -> None:
    value = str(day).replace("-", "")[8 - length :]
    element = Element("373", "DT", length, length)
    assert judge(value, element, X12) is None
    if not value.endswith("0229") and (length == 6 or value >= "1000"):
        assert re.fullmatch(KINDS["DT"].proof(element, "."), value)


@pytest.mark.parametrize(
    ("kind", "bounds", "value", "code", "words"),
    [
        ("R", (1, 17), "12,5O", "element.number", "the letter O, not the digit 0, and it has a comma"),
        ("R", (1, 17), "l2.50", "element.number", "character 1 is the letter l, not the digit 1"),
        ("R", (1, 17), "12.50-", "element.number", "the last character is a minus, which stands in front"),
        ("R", (1, 17), "$12", "element.number", "character 1 is '$'"),
        ("R", (1, 17), "1 000", "element.number", "character 2 is a blank"),
        ("R", (1, 17), "1.2.3", "element.number", "it has a sign too many"),
        ("R", (1, 17), "-", "element.number", "it has no digit"),
        ("R", (1, 3), "12.345", "element.too_long", "which has 5 digits; 1 to 3 are allowed"),
        ("N0", (1, 6), "1.5", "element.number", "a decimal point where whole numbers are sent"),
        ("N2", (1, 6), "1.50", "element.number", "the last 2 digits are the fraction"),
        ("n", (1, 6), "1.234,5", "element.number", "it has a sign too many"),
        ("DT", (8, 8), "20260231", "element.date", "that month has no day 31"),
        ("DT", (8, 8), "20261301", "element.date", "there is no month 13"),
        ("DT", (8, 8), "260112", "element.date", "CCYYMMDD is expected"),
        ("TM", (4, 8), "2460", "element.time", "HHMM or HHMMSS is expected"),
        ("ID", (2, 2), "EACH", "element.too_long", "which has 4 characters; 2 are allowed"),
        ("AN", (2, 80), "1", "element.too_short", "which has 1 character; 2 to 80 are allowed"),
        ("an", (1, 1), "XY", "element.too_long", "which has 2 characters; one is allowed"),
        ("a", (1, 3), "E1", "element.letters", "letters only"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(kind: str, bounds: tuple[int, int], value: str, code: str, words: str) -> None:
    fault = judge(value, Element("1", kind, *bounds), X12)
    assert fault is not None
    assert fault.code == code
    assert words in fault.trouble
    assert fault.remedy.startswith(("Ask", "If"))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("R", ".5"),
        ("R", "-12."),
        ("R", "1.5E-3"),
        ("R", "123456789.123456"),
        ("N2", "-150"),
        ("n", "12,5"),
        ("n", "-0.5"),
    ],
)
def test_unusual_numbers_are_numbers(kind: str, value: str) -> None:
    assert judge(value, Element("1", kind, 1, 17), X12) is None


def test_the_proof_of_a_guide_stops_at_the_first_wrong_segment() -> None:
    guide = guides.load("x12", "850", "004010")
    right = "ST*850*0001~BEG*00*SA*77**20260112~PO1**1*EA*1.5~"
    found = proof(guide, X12).match(right + "PO1**x~CTT*1~")
    assert found
    assert found.end() == len(right)


NOTES = st.builds(
    Note, st.sampled_from("PRECL"), st.lists(st.integers(1, 7), min_size=2, max_size=4, unique=True).map(tuple)
)


@given(
    st.lists(NOTES, max_size=4), st.lists(st.booleans(), min_size=7, max_size=7), st.lists(st.booleans(), max_size=7)
)
@example([Note("P", (1, 2)), Note("E", (1, 2))], [False, True, False, False, False, False, False], [False, True])
def test_the_proof_takes_what_the_notes_allow_and_nothing_else(
    notes: list[Note], required: list[bool], present: list[bool]
) -> None:
    definition = tuple(Element(str(n), "AN", 1, 3, required=must) for n, must in enumerate(required))
    guide = Guide("X", "004010", "x", Slot("AB", 1, 1), Dictionary({"AB": definition}, {}, {"AB": tuple(notes)}))
    filled = [number < len(present) and present[number] for number in range(7)]
    right = all(here for here, must in zip(filled, required, strict=True) if must)
    right = right and not any(is_broken(note, filled) for note in notes)
    text = "*".join(["AB", *("1" if here else "" for here in filled)])
    for segment in {text.rstrip("*") + "~"} | ({text + "~"} if filled[-1] else set()):
        found = proof(guide, X12).match(segment)
        assert (found is not None and found.end() == len(segment)) is right


@pytest.mark.parametrize(
    ("note", "present", "place", "words", "remedy"),
    [
        ("P0203", "101", 2, "AB03 (unit) is sent without AB02 (quantity): all or none are sent.", "to fill AB02."),
        ("R0102", "001", 1, "One of AB01 and AB02 (quantity) is required, but all are empty.", "to fill AB01 or AB02."),
        ("E0102", "11", 2, "AB01 and AB02 (quantity) exclude one another, but are sent together.", "the other empty."),
        ("C030102", "001", 1, "AB03 (unit) is sent, which requires AB01 and AB02 (quantity).", "fill AB01 and AB02."),
        ("L030102", "001", 1, "AB03 (unit) is sent, which requires AB01 or AB02 (quantity).", "fill AB01 or AB02."),
    ],
)
def test_what_is_not_as_a_note_says_is_explained(note: str, present: str, place: int, words: str, remedy: str) -> None:
    tables = {"elements": {"1": "AN 1", "2": "R 1 quantity", "3": "ID 2 unit"}, "segments": {"AB": "1 2 3"}}
    dictionary = guides.parse_dictionary({**tables, "notes": {"AB": note}})
    (found,) = dictionary.notes["AB"]
    sent = [each == "1" for each in present]
    assert is_broken(found, sent)
    fault, where = explain(found, sent, "AB", dictionary.segments["AB"])
    assert (where, fault.trouble) == (place, words)
    assert fault.remedy.endswith(remedy)


def test_a_note_that_is_not_kept_is_found_in_a_file() -> None:
    isa = "ISA*00*          *00*          *ZZ*ACME           *ZZ*LEGACYGW       *260112*0830*U*00401*000000007*0*P*>~"
    text = (
        isa + "GS*PO*A*B*20260112*0830*7*X*004010~ST*850*0001~BEG*00*SA*77**20260112~PO1**1*EA**PE*VP~CTT*1~SE*5*0001~"
    )
    (document,) = FORMATS["x12"].read([(text + "GE*1*7~IEA*1*000000007~").encode()], {})
    assert isinstance(document, Document)
    assert [(f.code, f.position.element) for f in document.findings if f.position] == [
        ("element.condition", 4),
        ("element.condition", 7),
    ]
