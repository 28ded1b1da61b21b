"""Guides: the tables that are shipped can be read, their documents are right, and the nearest version stands in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import edi
from edi import x12
from edi.formats import FORMATS
from edi.model import Document
from edi.segmented import guides
from edi.segmented.guides import Codes, Element, Guide, Slot
from tests.edi.segmented.smallest import edifact_file, fullest_document, smallest_document, x12_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EDI = Path(edi.__path__[0])

FILE: dict[str, Callable[[Guide, list[list[list[str]]]], bytes]] = {"x12": x12_file, "edifact": edifact_file}

SEGMENTS: dict[str, dict[str, int]] = {
    "41": {"CONTRL": 10},
    "D01B": {
        "APERAK": 17,
        "DELFOR": 74,
        "DESADV": 90,
        "IFTMIN": 157,
        "IFTSTA": 51,
        "INVOIC": 179,
        "INVRPT": 55,
        "ORDERS": 180,
        "ORDRSP": 171,
        "PRICAT": 179,
        "RECADV": 78,
        "REMADV": 48,
    },
    "D3": {"CONTRL": 10},
    "D96A": {
        "APERAK": 15,
        "DELFOR": 94,
        "DESADV": 76,
        "IFTMIN": 147,
        "IFTSTA": 42,
        "INVOIC": 142,
        "INVRPT": 50,
        "ORDERS": 162,
        "ORDRSP": 166,
        "PRICAT": 132,
        "RECADV": 67,
        "REMADV": 38,
    },
    "D97A": {
        "APERAK": 15,
        "DELFOR": 73,
        "DESADV": 81,
        "IFTMIN": 147,
        "IFTSTA": 46,
        "INVOIC": 172,
        "INVRPT": 53,
        "ORDERS": 173,
        "ORDRSP": 167,
        "PRICAT": 138,
        "RECADV": 68,
        "REMADV": 39,
    },
    "D99B": {
        "APERAK": 17,
        "DELFOR": 74,
        "DESADV": 90,
        "IFTMIN": 157,
        "IFTSTA": 49,
        "INVOIC": 178,
        "INVRPT": 55,
        "ORDERS": 179,
        "ORDRSP": 170,
        "PRICAT": 142,
        "RECADV": 72,
        "REMADV": 41,
    },
    "004010": {
        "204": 68,
        "214": 54,
        "270": 23,
        "271": 46,
        "810": 90,
        "820": 105,
        "832": 108,
        "834": 103,
        "835": 37,
        "837": 112,
        "846": 65,
        "850": 196,
        "855": 147,
        "856": 58,
        "860": 189,
        "940": 61,
        "945": 47,
        "990": 13,
        "997": 8,
    },
    "005010": {
        "204": 83,
        "214": 24,
        "270": 25,
        "271": 49,
        "810": 94,
        "820": 123,
        "832": 152,
        "834": 110,
        "835": 37,
        "837": 115,
        "846": 65,
        "850": 207,
        "855": 155,
        "856": 59,
        "860": 201,
        "940": 67,
        "945": 52,
        "990": 4,
        "997": 8,
        "999": 10,
    },
}

# A tag that leads to two places wherever the standard itself leaves it open: the innermost loop takes it.
AMBIGUOUS: dict[str, dict[str, str]] = {
    "D96A/DELFOR": {"LIN": "one after NAD belongs to it; without NAD it stands for itself"},
    "D96A/INVRPT": {"QTY": "one after PAC is that of the packages"},
}


def slots(slot: Slot) -> list[Slot]:
    return [slot, *(below for child in slot.children for below in slots(child))]


def shipped() -> list[tuple[str, str, str]]:
    """The guides of releases: those of industries are tried in tests/edi/x12/test_guides.py."""
    return sorted(
        (standard, folder.name, file.stem)
        for standard in ("x12", "edifact")
        for folder in (EDI / standard / "guides").iterdir()
        for file in folder.iterdir()
        if file.name not in ("segments.toml", "codes.toml") and (folder / "segments.toml").is_file()
    )


def segments_of(loop: dict[str, Any]) -> int:
    return sum(
        sum(segments_of(child) for child in found) if key.endswith("*") else len(found) for key, found in loop.items()
    )


def places(slot: Slot, above: tuple[tuple[Slot, int], ...] = ()) -> Iterator[tuple[tuple[Slot, int], ...]]:
    """Each place below `slot`: the slots around it, outermost first, with the number of the child that leads on."""
    for number, child in enumerate(slot.children):
        yield (*above, (slot, number))
        yield from places(child, (*above, (slot, number)))


def next_slots(place: tuple[tuple[Slot, int], ...]) -> Iterator[Slot]:
    """What may follow a place without a required segment passed over."""
    outer, number = place[-1]
    for child in outer.children[number].children:
        yield child
        if child.least:
            return
    for slot, at in reversed(place):
        yield slot.children[at]
        for sibling in slot.children[at + 1 :]:
            yield sibling
            if sibling.least:
                return


def two_ways(root: Slot) -> set[str]:
    """The tags that lead from some place to two: unless what stands at the first may stand only once."""
    found = set()
    for place in places(root):
        here = place[-1][0].children[place[-1][1]]
        seen: dict[str, Slot] = {}
        for slot in next_slots(place):
            if slot.tag in seen and not (seen[slot.tag] is here and here.most == 1):
                found.add(slot.tag)
            seen.setdefault(slot.tag, slot)
    return found


def test_the_guides_that_are_shipped_have_so_many_segments() -> None:
    found: dict[str, dict[str, int]] = {}
    for standard, version, message in shipped():
        found.setdefault(version, {})[message] = len(slots(guides.load(standard, message, version).root))
    assert found == SEGMENTS


@pytest.mark.parametrize("folder", sorted({case[:2] for case in shipped()}), ids="/".join)
def test_a_dictionary_holds_the_segments_of_its_guides_and_no_more(folder: tuple[str, str]) -> None:
    tags: set[str] = set()
    for standard, version, message in shipped():
        if (standard, version) == folder:
            guide = guides.load(standard, message, version)
            assert (guide.message, guide.version) == (message, version)
            assert all(0 <= slot.least <= slot.most > 0 for slot in slots(guide.root))
            tags |= {slot.tag for slot in slots(guide.root)}
    dictionary = guides.dictionary(*folder)
    assert tags == set(dictionary.segments) == set(dictionary.labels)
    elements = [element for row in dictionary.segments.values() for element in row]
    assert all(1 <= part.shortest <= part.longest for one in elements for part in (one.components or (one,)))


@pytest.mark.parametrize("case", shipped(), ids="/".join)
def test_a_tag_leads_to_one_place(case: tuple[str, str, str]) -> None:
    standard, version, message = case
    guide = guides.load(standard, message, version)
    assert two_ways(guide.root) == set(AMBIGUOUS.get(f"{version}/{message}", {}))


@pytest.mark.parametrize("case", shipped(), ids="/".join)
def test_the_smallest_document_of_a_guide_is_right(case: tuple[str, str, str]) -> None:
    standard, version, message = case
    guide = guides.load(standard, message, version)
    (document,) = FORMATS[standard].read([FILE[standard](guide, smallest_document(guide))], {})
    assert isinstance(document, Document)
    assert document.findings == ()
    assert document.envelope.version == version


@pytest.mark.parametrize("case", [case for case in shipped() if "/".join(case[1:]) not in AMBIGUOUS], ids="/".join)
def test_a_document_with_every_segment_at_each_of_its_places_is_right(case: tuple[str, str, str]) -> None:
    standard, version, message = case
    guide = guides.load(standard, message, version)
    (document,) = FORMATS[standard].read([FILE[standard](guide, fullest_document(guide))], {})
    assert isinstance(document, Document)
    assert document.findings == ()
    assert segments_of(document.content) == len(slots(guide.root))


def test_an_element_has_its_type_lengths_and_requirement() -> None:
    segments = guides.load("x12", "850", "004010").dictionary.segments
    assert segments["BEG"][2] == Element("324", "AN", 1, 22, "order number", required=True)
    assert segments["PO1"][3] == Element("212", "R", 1, 17, "unit price")
    document = guides.load("edifact", "ORDERS", "D96A").dictionary.segments["BGM"]
    assert document[0].components[0] == Element(
        "1001", "an", 1, 3, "kind of document", codes=document[0].components[0].codes
    )


@pytest.mark.parametrize(
    ("standard", "message", "version", "found"),
    [
        ("x12", "850", "004010", "004010"),
        ("x12", "850", "004030", "004010"),
        ("x12", "850", "006010", "005010"),
        ("x12", "999", "004010", "005010"),
        ("edifact", "ORDERS", "D95B", "D96A"),
        ("edifact", "ORDERS", "D98A", "D97A"),
        ("edifact", "ORDERS", "D98B", "D99B"),
        ("edifact", "ORDERS", "D21B", "D01B"),
        ("edifact", "ORDERS", "", "D96A"),
        ("edifact", "CONTRL", "22", "41"),
        ("x12", "998", "004010", None),
    ],
)
def test_the_nearest_version_is_found(standard: str, message: str, version: str, found: str | None) -> None:
    guide = guides.find(standard, message, version)
    assert (guide.version if guide else None) == found


@pytest.mark.parametrize(
    ("version", "date", "codes"),
    [
        ("003040", "970115", []),
        ("003070", "19970115", []),
        ("003040", "971315", ["element.date"]),
        ("004010", "970115", ["element.date"]),
        ("004030", "970115", ["element.date"]),
    ],
)
def test_before_004010_years_have_two_digits(version: str, date: str, codes: list[str]) -> None:
    text = (
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *970115*0830*U*00304*000000001*0*P*>~"
        f"GS*PO*A*B*970115*0830*1*X*{version}~ST*850*0001~BEG*00*SA*1**{date}~PO1*1*1*EA*1**VP*A~SE*4*0001~GE*1*1~"
        "IEA*1*000000001~"
    )
    (document,) = (item for item in x12.read([text.encode()], {}) if isinstance(item, Document))
    assert [finding.code for finding in document.findings] == codes
    assert guides.find("x12", "850", version) is guides.find("x12", "850", version)


def test_a_wrong_table_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"x\.toml, line 2 of the structure: write a tag and how often"):
        guides.parse_structure("ST 1\nBEG one\n", "x.toml")
    with pytest.raises(ValueError, match="element 1: 'XX 3' is no type"):
        guides.parse_dictionary({"elements": {"1": "XX 3"}, "segments": {}})
    with pytest.raises(ValueError, match="'9' in '1 9' names no element"):
        guides.parse_dictionary({"elements": {"1": "AN 1..3"}, "segments": {"A": "1 9"}})
    with pytest.raises(ValueError, match="A: 'P0102' is no note on its elements; write P0304"):
        guides.parse_dictionary({"elements": {"1": "AN 1..3"}, "segments": {"A": "1"}, "notes": {"A": "P0102"}})


PARTNER = """
extends = "x12/004010/850"
version = "004010ACME"
structure = '''
ST 1
BEG 1
N1[BY] 1
    N4 1
N1[ST,SF] 0..2
PO1 1..*
CTT 0..1
SE 1
'''
[labels]
"N1[BY]" = "buyer"
[segments]
"N1[BY]" = "98! 93 66! 67!"
[codes]
BEG02 = "SA"
"N1[BY].03" = "9 92"
BEG01 = "+ ZZ"
[notes]
BEG = ""
"""


def test_a_partner_s_guide_is_a_text_that_says_what_differs() -> None:
    guide = guides.parse(PARTNER)
    assert guides.parse(PARTNER) is guide
    assert (guide.message, guide.version, guide.label, guide.group) == ("850", "004010ACME", "purchase order", "PO")
    assert [slot.name for slot in guide.root.children] == ["BEG", "N1[BY]", "N1[ST,SF]", "PO1", "CTT", "SE"]
    dictionary = guide.dictionary
    buyer = dictionary.of(["N1", "BY"])
    assert buyer
    assert [element.required for element in buyer.elements] == [True, False, True, True]
    assert buyer.elements[2].codes == Codes(frozenset({"9", "92"}), is_narrowed=True)
    assert dictionary.of(["N1", "ST"]) == dictionary.plain("N1")
    purpose, kind = dictionary.segments["BEG"][:2]
    assert kind.codes == Codes(frozenset({"SA"}), is_narrowed=True)
    assert purpose.codes
    assert {"ZZ", "00"} <= purpose.codes.listed
    assert "BEG" not in dictionary.notes
    standard = guides.load("x12", "850", "004010").dictionary
    assert standard.segments["BEG"][1].codes != kind.codes
    assert dictionary.segments["PO1"] == standard.segments["PO1"]


def test_a_guide_that_names_no_structure_has_that_of_the_guide_it_extends() -> None:
    guide = guides.parse('message = "ORDERS"\nversion = "D96A"\n[codes]\n"BGM01.01" = "220"\n')
    standard = guides.load("edifact", "ORDERS", "D96A")
    assert guide.root is standard.root
    assert guide.totals == standard.totals
    assert guide.dictionary.segments["BGM"][0].components[0].codes == Codes(frozenset({"220"}), is_narrowed=True)


def test_elements_and_composites_of_a_guide_take_the_place_of_the_standard_s() -> None:
    text = '[elements]\n324 = "AN 1..10 our number"\nZ1 = "AN 1..3"\n'
    text += '[segments]\nZZ1 = "Z1! 324"\n[labels]\nZZ1 = "extra"\n'
    structure = "structure = 'ST 1\\nBEG 1\\nZZ1 0..1\\nSE 1'\n".replace("'", '"')
    dictionary = guides.parse('extends = "004010/850"\n' + structure + text).dictionary
    assert (dictionary.segments["BEG"][2].longest, dictionary.segments["BEG"][2].required) == (10, True)
    assert [element.number for element in dictionary.segments["ZZ1"]] == ["Z1", "324"]
    assert dictionary.labels["ZZ1"] == "extra"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("label = 'x'", 'the guide names none that it extends; write extends = "x12/004010/850"'),
        ("extends = 'x12/004010/998'", "there is no guide 004010/998 to extend"),
        ("extends = 'tradacoms/9/ORDERS'", "there is no guide 9/ORDERS to extend"),
        ("extends = '004010/850'\n[codes]\nBEG22 = 'SA'", "BEG22 is no element of BEG"),
        ("extends = '004010/850'\n[codes]\nBEG02 = ''", "no code is listed for element 92"),
        ("extends = '004010/850'\n[codes]\nbeg = 'SA'", "'beg' is no element; write BHT01"),
        ("extends = '004010/850'\n[segments]\n'N1[BY]' = '98 66'", "'98 66' is not in the order of N1, which is 98"),
        ("extends = '004010/850'\n[segments]\n'N1[BY]' = '98'\n'N1[ST,BY]' = '98'", "another line says what N1"),
        ("extends = '004010/850'\n[segments]\n'N1[BY' = '98'", "'N1[BY' is no segment; write NM1, or NM1[85]"),
        ("extends = '004010/850'\n[notes]\nXXX = 'P0102'", "XXX is no segment of this guide"),
        ("extends = '004010/850'\nstructure = '''ST 1\nN1[ 1'''", "line 2 of the structure: write a tag and how often"),
        ("extends = '004010/850'\nstructure = ''", "the structure is empty"),
        ("extends = '004010/850'\nstructure = 'BEG 1'", "the structure goes from BEG to BEG; it begins with ST"),
        ("extends = '004010/850'\n[segments]\nQQQ = '98'", "[segments] QQQ: the structure has no QQQ"),
        ("extends = '004010/850'\n[segments]\nCUR = 3", "[segments] CUR is 3; write it in quotes"),
        ("extends = '004010/850'\n[codes]\nBEG02 = ['SA']", "[codes] BEG02 is ['SA']; write it in quotes"),
        ("extends = '004010/850'\n[codes]\nC1.01 = 'SA'", 'has a point in its name; write it in quotes: "C1.01"'),
        ("extends = '004010/850'\n[segment]\nCUR = '98'", "a guide has no 'segment'; did you mean segments?"),
        ("extends", "="),
    ],
)  # fmt: skip
def test_a_wrong_guide_of_a_partner_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        guides.parse(text)


def test_an_implementation_guide_is_for_its_own_version_only() -> None:
    for version, expected in (
        ("005010X222A1", "005010X222A1"),
        ("005010X222A9", "005010"),
        ("005010X999", "005010"),
        ("005030", "005010"),
        ("004010", "004010"),
    ):
        guide = guides.find("x12", "837", version)
        assert guide
        assert guide.version == expected
