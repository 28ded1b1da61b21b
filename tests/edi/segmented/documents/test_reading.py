"""Documents that are looked at: the quick way and the careful way give the same rows, spans and findings."""

from __future__ import annotations

import re
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.findings import Finding, Severity
from edi.segmented import guides
from edi.segmented.documents import diagnosis
from edi.segmented.documents.diagnosis import diagnose
from edi.segmented.documents.reading import Source, carefully, quickly
from edi.segmented.documents.telling import Teller
from edi.segmented.walk.segments import Syntax

X12 = Syntax("*", ">", "~", "^")
EDIFACT = Syntax("+", ":", "'", "", "?")
ORDER = "ST*850*0001~BEG*00*SA*77**20260112~N1*ST*Acme*92*S12~N4*Peoria*IL~PO1**3*EA*1.5**VP*7~CTT*1~SE*7*0001~"
MESSAGE = "UNH+1+ORDERS:D:96A:UN'BGM+220+1'DTM+137:20260112:102'NAD+BY++A?'B'LIN+1++X:SA'UNS+S'UNT+7+1'"


def source(text: str, syntax: Syntax, encoding: str = "utf-8") -> Source:
    return Source(text.encode().decode("latin-1"), 100, 3, 0, syntax, encoding)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_both_ways_give_the_same_rows_spans_and_findings(data: st.DataObject) -> None:
    text, syntax, name = data.draw(
        st.sampled_from([(ORDER, X12, ("x12", "850", "004010")), (MESSAGE, EDIFACT, ("edifact", "ORDERS", "D96A"))])
    )
    end = re.escape(syntax.segment)
    if data.draw(st.booleans()):
        text = re.sub(end, syntax.segment + data.draw(st.sampled_from(["\n", "\r\n", "  "])), text)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(4, len(text) - 1))
        new = data.draw(
            st.sampled_from(["", "*", "+", ":", ">", "?", "??", "?+", "^", "x", "é", "~~", "\n", "9", "XX~"])
        )
        text = text[:place] + new + text[place + data.draw(st.integers(0, 2)) :]
    document = source(text, syntax)
    quick = quickly(document)
    if quick is None:
        return
    teller = Teller(document, Severity.ERROR)
    careful = carefully(document, teller)
    assert quick.rows == careful.rows
    assert list(quick.spans) == list(careful.spans)
    assert teller.findings == []
    guide = guides.load(*name)
    with mock.patch.object(diagnosis, "quickly", return_value=None):
        expected = diagnose(document, guide)
    found = diagnose(document, guide)
    assert found.findings == expected.findings
    assert found.content == expected.content


@pytest.mark.parametrize(
    "text",
    [
        ORDER.replace("Acme", "A\ncme"),
        ORDER.replace("~PO1", "~~PO1"),
        ORDER.replace("~CTT", "~BIN*3*a~b~CTT"),
        ORDER[:-1],
        MESSAGE,
        "\n" + ORDER,
    ],
)
def test_odd_texts_are_left_to_the_careful_way(text: str) -> None:
    assert quickly(source(text, X12)) is None


def test_a_byte_that_only_looks_like_a_service_character_does_not_cut() -> None:
    text = ORDER.replace("Acme", "ソ~").encode("shift_jis").decode("latin-1")
    assert quickly(Source(text, 0, 1, 0, Syntax("*", ">", "~"), "shift_jis")) is not None
    other = Source(text, 0, 1, 0, Syntax("*", "\\", "~"), "shift_jis")
    assert quickly(other) is None  # the second byte of ソ is a backslash


def findings(text: str, name: tuple[str, str, str], syntax: Syntax) -> list[Finding]:
    return diagnose(source(text, syntax), guides.load(*name)).findings


def test_a_finding_stands_where_its_element_stands() -> None:
    text = ORDER.replace("*EA*", "*EAA*").replace("IL~", "XX~")
    state, unit = findings(text, ("x12", "850", "004010"), X12)
    assert (state.code, state.severity, state.value) == ("element.code_unlisted", Severity.WARNING, "XX")
    assert (unit.code, unit.value, unit.position.segment, unit.position.element) == ("element.too_long", "EAA", 5, 3)
    assert text[unit.position.start - 100 : unit.position.end - 100] == "EAA"


def test_totals_and_levels_are_told_with_their_element() -> None:
    (total,) = findings(ORDER.replace("CTT*1", "CTT*2"), ("x12", "850", "004010"), X12)
    assert (total.code, total.value, total.position.tag, total.position.element) == ("total.count", "2", "CTT", 1)


def test_an_agreement_named_in_the_header_lets_codes_pass_with_a_warning() -> None:
    text = MESSAGE.replace("BGM+220", "BGM+999")
    name = ("edifact", "ORDERS", "D96A")
    assert [(f.code, f.severity) for f in findings(text, name, EDIFACT)] == [("element.code", Severity.ERROR)]
    agreed = text.replace("96A:UN", "96A:UN:EAN008")
    assert [(f.code, f.severity) for f in findings(agreed, name, EDIFACT)] == [
        ("element.code_unlisted", Severity.WARNING)
    ]


def test_binary_data_are_one_element_and_their_length_is_checked() -> None:
    bare = "ST*841*1~BIN*4*a~*>~SE*3*1~"
    rows = diagnose(source(bare, X12), None).rows
    assert rows[1] == ["BIN", "4", "a~*>"]


BINARY = guides.Guide(
    "841",
    "004010",
    "data",
    guides.parse_structure("ST 1\nBIN 0..9\nSE 1", "test"),
    guides.parse_dictionary(
        {
            "elements": {"143": "ID 3", "329": "AN 1..9", "784": "N0 1..15", "785": "B 1..99", "96": "N0 1..10"},
            "segments": {"ST": "143! 329!", "BIN": "784! 785!", "SE": "96! 329!"},
        }
    ),
)


@pytest.mark.parametrize(
    ("segment", "codes"),
    [
        ("BIN*4*a~*>", []),
        ("BIN*5*a~*>", ["element.binary"]),
        ("BIN*x*ab", ["element.binary"]),
        ("BIN**", ["element.binary"]),
    ],
)
def test_the_length_of_binary_data_leads_to_the_end_of_the_segment(segment: str, codes: list[str]) -> None:
    text = f"ST*841*1~{segment}~SE*3*1~"
    found = diagnose(source(text, X12), BINARY).findings
    assert [finding.code for finding in found if finding.code.startswith("element")] == codes
    assert all(finding.position.element == 1 for finding in found if finding.code == "element.binary")
