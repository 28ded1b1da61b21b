"""Elements: what the proof accepts the explanation finds right, and what is wrong is said in plain words."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edi.findings import Severity
from edi.formats import FORMATS
from edi.model import Document
from edi.segmented import guides
from edi.segmented.documents.checking import Checker
from edi.segmented.documents.reading import Source, quickly
from edi.segmented.documents.telling import Teller
from edi.segmented.elements import judge, proof
from edi.segmented.elements.kinds import KINDS
from edi.segmented.elements.notes import explain, is_broken
from edi.segmented.guides import Codes, Dictionary, Element, Guide, Note, Slot
from edi.segmented.guides.tables import extend
from edi.segmented.walk.segments import Syntax
from tests.edi.segmented.smallest import fullest_document

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
        ("DT", (8, 8), "20260112 ", "element.date", "which is not a date: it has blanks at its ends"),
        ("DT", (8, 8), "0260112 ", "element.date", "which is not a date: it has blanks at its ends"),
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
    ("value", "remedy"),
    [
        ("M  ", "Ask the sender to leave out the blanks at its ends, which count as characters."),
        ("MXX", "Ask the sender for a value of 1 to 2 characters."),
    ],
)
def test_blanks_that_make_a_value_too_long_are_to_be_left_out(value: str, remedy: str) -> None:
    fault = judge(value, Element("1", "AN", 1, 2), X12)
    assert fault is not None
    assert (fault.code, fault.remedy) == ("element.too_long", remedy)


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
@example([Note("P", (1, 2)), Note("R", (3, 4))], [False] * 7, [])
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
        (
            "R0102",
            "001",
            1,
            "One of AB01 and AB02 (quantity) is required, but both are empty.",
            "to fill AB01 or AB02.",
        ),
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


MANY = " ".join(f"E{number:02}" for number in range(20))
CODES = st.frozensets(st.text("AB01", min_size=1, max_size=4), min_size=1, max_size=12)


@given(CODES, st.text("AB01a ", min_size=1, max_size=5))
@example(frozenset({"A", "AB", "AB1"}), "AB")
@example(frozenset({"1", "10", "100"}), "10")
def test_the_proof_of_a_list_takes_the_listed_codes_and_nothing_else(listed: frozenset[str], value: str) -> None:
    element = Element("92", "AN", 1, 5, codes=Codes(listed))
    guide = Guide("X", "004010", "x", Slot("AB", 1, 1), Dictionary({"AB": (element, element)}, {}))
    for text in (f"AB*{value}~", f"AB**{value}~", f"AB*{value}*{value}~"):
        found = proof(guide, X12).match(text)
        assert (found is not None and found.end() == len(text)) is (value in listed)
    assert (judge(value, element, X12) is None) is (value in listed)


@pytest.mark.parametrize(
    ("value", "listed", "trouble", "remedy"),
    [
        ("XX", "NE SA", "which is not in the code list of element 92; NE and SA are listed", "Ask the sender for"),
        ("sa", "NE SA", "NE and SA are listed", "If SA is meant, ask the sender to send SA in capitals."),
        ("SA ", "NE SA", "are listed", "If SA is meant, ask the sender to send SA without the blanks."),
        ("9", "009", "only 009 is", "If 009 is meant, ask the sender to send 009 with its zeros."),
        ("EAA", MANY + " EA", "which is not in the code list of element 92; EA is like it", "Ask the sender"),
        ("QQQ", MANY, "which is not in the code list of element 92", "Ask the sender for a listed"),
    ],
)  # fmt: skip
def test_a_value_that_is_no_code_is_explained(value: str, listed: str, trouble: str, remedy: str) -> None:
    fault = judge(value, Element("92", "AN", 1, 5, codes=Codes(frozenset(listed.split()))), X12)
    assert fault
    assert fault.code == "element.code"
    assert trouble in fault.trouble
    assert fault.remedy.startswith(remedy)


def test_lists_that_others_keep_only_warn_and_those_of_a_guide_are_named() -> None:
    external = judge("XX", Element("26", "ID", 2, 3, codes=Codes(frozenset({"US"}), is_external=True)), X12)
    narrowed = judge("00", Element("353", "ID", 2, 2, codes=Codes(frozenset({"22"}), is_narrowed=True)), X12)
    assert external
    assert narrowed
    assert (external.code, narrowed.code) == ("element.code_unlisted", "element.code")
    assert narrowed.trouble == "which is not one of the codes that the guide allows here; only 22 is"


EDIFACT = Syntax("+", ":", "'", "", "?")
TABLES = {
    "elements": {
        "4451": "an..3", "1131": "an..3", "3055": "an..3", "4441": "an..17", "2005": "an..3", "2380": "an..35",
        "2379": "an..3", "156": "AN 1..3", "26": "AN 1..3", "1250": "AN 2..3", "1251": "AN 1..35", "93": "AN 1..9",
    },
    "composites": {"C107": "4441 1131 3055 4451", "C507": "2005! 2380 2379", "C001": "93 93 93 93"},
    "segments": {"FTX": "4451! C107", "DTM": "C507!", "N4": "93 156 26 93", "DTP": "93! 1250! 1251!", "SV1": "C001 93"},
    "notes": {"C001": "P0304 E0102", "N4": "C0403"},
}  # fmt: skip
LISTS = {
    "codes": {"4451": "AAI ZZZ", "4441": "1 10", "2005": "2 137", "2379": "102 203 718 801", "1250": "D8 RD8 TM UN"},
    "external": {"156": "IL ON", "26": "US CA DE", "3055": "6 9 92"},
}
PLAIN = guides.parse_dictionary(TABLES, LISTS)
VALUES = st.sampled_from(
    ["", "AAI", "ZZZ", "Q", "1", "10", "6", "9", "92", "137", "102", "203", "718", "801", "20260112", "20260231",
     "202601120830", "2026011220260113", "20260112-20260113", "IL", "BY", "US", "DE", "D8", "RD8", "TM", "0830", "UN"]
)  # fmt: skip
SEGMENT = st.builds(
    lambda tag, rows: (tag, rows),
    st.sampled_from(sorted(TABLES["segments"])),
    st.lists(st.lists(VALUES, min_size=1, max_size=5), max_size=5),
)


def small(dictionary: Dictionary) -> Guide:
    tags = tuple(Slot(tag, 0, 9) for tag in dictionary.segments)
    return Guide("X", "004010", "x", Slot("UNH", 1, 1, tags), dictionary)


SMALL = small(PLAIN)
NARROW = small(
    extend(
        PLAIN,
        {
            "segments": {"DTP[1]": "93! 1250! 1251", "N4[1,6]": "93! 156! 26"},
            "codes": {"DTP[1].02": "RD8", "DTP02": "D8 TM", "N4[1].02": "ON", "SV101.02": "1 10", "FTX01": "+ Q"},
            "notes": {"DTP[9]": "C0203"},
        },
    )
)


@settings(max_examples=400)
@given(SEGMENT, st.sampled_from([SMALL, NARROW]), st.sampled_from([EDIFACT, Syntax("+", ":", "'", "*")]))
def test_what_the_proof_accepts_the_explanation_finds_right(
    segment: tuple[str, list[list[str]]], guide: Guide, syntax: Syntax
) -> None:
    tag, values = segment
    text = "+".join([tag, *(":".join(parts) for parts in values)]) + "'"
    found = proof(guide, syntax).match(text)
    if found and found.end() == len(text):
        assert told(text, guide, syntax) == []


def told(text: str, guide: Guide, syntax: Syntax = EDIFACT) -> list[tuple[str, str]]:
    source = Source(text, 0, 1, 0, syntax, "utf-8")
    reading = quickly(source)
    assert reading
    teller = Teller(source, Severity.ERROR)
    checker = Checker(source, guide.dictionary, teller, is_agreed=False)
    for index, row in enumerate(reading.rows):
        checker.check(index, row, reading.spans[index])
    return [(finding.code, finding.message) for finding in teller.findings]


@pytest.mark.parametrize(
    ("text", "codes", "is_proved"),
    [
        ("FTX+AAI+1", [], True),
        ("FTX+AAI+7", ["element.code"], False),
        ("FTX+AAI+7::6", ["element.code"], False),
        ("FTX+AAI+7:X", [], True),
        ("FTX+AAI+7::9", [], True),
        ("FTX+AAI+1::6:AAI", [], True),
        ("FTX+AAI+1::6:B", ["element.code"], False),
        ("FTX+AAI+1:X:6", [], True),
        ("FTX+AAI+7:X:6", ["element.code"], False),
        ("DTM+137:20260112:102", [], True),
        ("DTM+137:20260231:102", ["element.date"], False),
        ("DTM+137:2026011:102", ["element.date"], False),
        ("DTM+137:202601120830:203", [], True),
        ("DTM+137:202601122460:203", ["element.date"], False),
        ("DTM+137:2026011220260113:718", [], True),
        ("DTM+137:20260112-20260113:718", [], False),
        ("DTM+137:12:801", [], True),
        ("DTM+137:12", [], True),
        ("N4++IL", [], True),
        ("N4++BY+DE", [], True),
        ("N4++BY+US", ["element.code_unlisted"], False),
        ("N4++BY", ["element.code_unlisted"], False),
        ("N4++IL++1", ["element.condition"], False),
        ("DTP+1+D8+20260112", [], True),
        ("DTP+1+D8+2026", ["element.date"], False),
        ("DTP+1+RD8+20260112-20260113", [], True),
        ("DTP+1+RD8+20260112", ["element.date"], False),
        ("DTP+1+TM+2460", ["element.time"], False),
        ("DTP+1+UN+whenever", [], True),
        ("SV1+1::A:B", [], True),
        ("SV1+1::A", ["element.condition"], False),
        ("SV1+1:2", ["element.excluded"], False),
        ("DTM+", ["element.missing"], False),
    ],
)  # fmt: skip
def test_elements_that_depend_on_their_neighbours_are_judged_with_them(
    text: str, codes: list[str], is_proved: bool
) -> None:
    assert [code for code, _ in told(text + "'", SMALL)] == codes
    found = proof(SMALL, EDIFACT).match(text + "'")
    assert (found is not None and found.end() == len(text) + 1) is is_proved


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("DTP+1+RD8+20260112-20260113", []),
        ("DTP+1+RD8", []),
        ("DTP+1+D8+20260112", ["element.code"]),
        ("DTP+2+D8+20260112", []),
        ("DTP+2+RD8+20260112-20260113", ["element.code"]),
        ("DTP+9+D8", ["element.missing", "element.condition"]),
        ("N4+1+ON", []),
        ("N4+1+IL", ["element.code"]),
        ("N4+6+IL", []),
        ("N4+6", ["element.missing"]),
        ("N4+6+IL+US+1", ["element.too_many"]),
        ("N4+7+IL+US+1", []),
        ("SV1+:7", ["element.code"]),
        ("FTX+Q", []),
    ],
)
def test_a_guide_narrows_and_widens_what_segments_may_hold(text: str, codes: list[str]) -> None:
    assert [code for code, _ in told(text + "'", NARROW)] == codes
    found = proof(NARROW, EDIFACT).match(text + "'")
    assert (found is not None and found.end() == len(text) + 1) is (not codes)


def test_what_a_neighbour_says_is_named() -> None:
    (first,) = told("DTM+137:20260231:102'", SMALL)
    assert first[1] == ("DTM01.02 is '20260231', which is not a date: that month has no day 31 (as DTM01.03 102 says).")
    (second,) = told("SV1+1::A'", SMALL)
    assert second[1] == "SV101.03 is sent without SV101.04: all or none are sent."


SHIPPED = [
    (guides.load("x12", "850", "004010"), X12),
    (guides.load("x12", "837", "005010X222A1"), X12),
    (guides.load("edifact", "ORDERS", "D96A"), EDIFACT),
]
ROWS = {guide.version: fullest_document(guide) for guide, _ in SHIPPED}
ODD = st.sampled_from(["", "1", "A", "AB", "ZZ", "20260231", "0830", "D8", "102", "9", "6", "US", "XX", "-1", "1" * 40])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_the_proof_of_a_shipped_guide_accepts_the_explanation_finds_right(data: st.DataObject) -> None:
    guide, syntax = data.draw(st.sampled_from(SHIPPED))
    row = [list(parts) for parts in data.draw(st.sampled_from(ROWS[guide.version]))]
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(1, len(row) - 1))
        if data.draw(st.booleans()):
            row[place][data.draw(st.integers(0, len(row[place]) - 1))] = data.draw(ODD)
        else:
            row[place:] = [[""] for _ in row[place:]]
    text = syntax.element.join(syntax.component.join(parts).rstrip(syntax.component) for parts in row)
    text = text.rstrip(syntax.element) + syntax.segment
    found = proof(guide, syntax).match(text)
    if found and found.end() == len(text):
        assert told(text, guide, syntax) == []
