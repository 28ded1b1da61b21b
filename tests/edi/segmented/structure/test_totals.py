"""Totals: what the guides say of them, right and wrong, and that the quick look never lets a wrong one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.segmented import guides
from edi.segmented.structure import arrange
from edi.segmented.structure.totals import _broken, compile_totals, parse, problems

if TYPE_CHECKING:
    from decimal import Decimal


def cut(text: str) -> list[list[Any]]:
    """Rows of words: `*` between elements, `:` between components."""
    return [
        [part.split(":") if ":" in part else part for part in word.split("*")] if "*" in word else [word]
        for word in text.split()
    ]


def told(standard: str, message: str, version: str, text: str) -> list[tuple[str, str, int | None, int | None, str]]:
    """The findings of a document: code, the segment as it was sent, element, component, message."""
    guide = guides.load(standard, message, version)
    opens, closes = ("ST", "SE") if standard == "x12" else ("UNH", "UNT")
    words = [f"{opens}*{message}", *text.split(), closes]
    rows = cut(" ".join(words))
    root, _ = arrange(rows, guide)
    totals = compile_totals(guide.totals, guide.root)
    found = problems(rows, root, totals)
    assert totals.hold(root) == (not found)
    return [(p.code, words[p.row], p.element, p.component, p.message) for p in found]


CLAIM = "BHT*0019 HL*1**20*1 HL*2*1*22*0 CLM*A*100.5 LX*1 SV1*HC:99213*60.25 LX*2 SV1*HC:99214*40.250"
HOSPITAL = "BHT*0019 HL*1**20*1 HL*2*1*22*0 CLM*A*300 LX*1 SV2*0120*HC:1*100 LX*2 SV2*0250**200.00"
PAYMENT = (
    "BPR*I*150 N1*PR N1*PE LX*1 CLP*A*1*200*150*20 CAS*PR*1*20 NM1*QC SVC*HC:1*120*100 CAS*CO*45*15**253*5 "
    "SVC*HC:2*80*70 CAS*CO*45*10 LX*2 CLP*B*1*50*10 CAS*CO*45*40 NM1*QC PLB*1*2026*WO:x*12.50*L6:y*-2.5"
)
RIGHT = [
    ("x12", "850", "004010", "BEG*00 PO1*1*5 PO1*2*2.5 CTT*2*7.5"),
    ("x12", "850", "004010", "BEG*00 PO1*1*5 PO1*2*2.5 CTT*02*30"),
    ("x12", "850", "005010", "BEG*00 PO1*1*5 PO1*2 CTT*2"),
    ("x12", "850", "004010", "BEG*00 PO1*1*5"),
    ("x12", "855", "004010", "BAK*00 PO1*1*5 ACK*IA PO1*2*2 CTT*2*7"),
    ("x12", "810", "005010", "BIG*1 IT1*1*5 IT1*2*2 TDS*1 CTT*2*7"),
    ("x12", "846", "004010", "BIA*00 LIN**UP QTY*33*7 QTY*17*3 LIN**UP QTY*33*1 CTT*2*11"),
    ("x12", "832", "004010", "BCT*PC LIN**UP LIN**UP CTT*2"),
    ("x12", "860", "004010", "BCH*01 POC*1*CA POC*2*DI CTT*2"),
    ("x12", "856", "004010", "BSN*00 HL*1**S HL*2*1*O HL*3*2*I LIN**UP SN1**5*EA HL*4*2*I LIN**UP SN1**7*EA CTT*4*12"),
    ("x12", "856", "004010", "BSN*00 HL*1**S HL*2*1*O HL*3*2*I LIN**UP SN1**5*EA HL*4*2*I LIN**UP SN1**7*EA CTT*2"),
    (
        "x12",
        "856",
        "004010",
        "BSN*00 HL*1**S HL*2*1*I SN1**9*EA HL*3*2*P SN1**4*EA HL*4*2*P SN1**5*EA HL*5*1*I SN1**2*EA CTT*5*11",
    ),
    ("x12", "940", "004010", "W05*N LX*1 W01*5*EA LX*2 W01*7*CA W76*12"),
    ("x12", "837", "005010", CLAIM),
    ("x12", "837", "004010", HOSPITAL),
    ("x12", "837", "005010", "BHT*0019 HL*1**20*1 HL*2*1*22*0 CLM*A*100"),
    ("x12", "835", "005010", PAYMENT),
    ("x12", "835", "004010", "BPR*I*0 N1*PR"),
    ("edifact", "ORDERS", "D96A", "BGM*220 LIN*1 QTY*21:5 LIN*2 QTY*21:2,5 UNS*S CNT*1:7.5 CNT*2:2"),
    ("edifact", "ORDERS", "D01B", "BGM*220 LIN*1 QTY*21:5 QTY*59:12 LIN*2 QTY*21:2 QTY*59:6 UNS*S CNT*1:7"),
    ("edifact", "ORDERS", "D96A", "BGM*220 LIN*1 QTY*21:5 LIN*2***1:1 QTY*21:2 UNS*S CNT*2:1 CNT*3:2"),
    ("edifact", "ORDERS", "D96A", "BGM*220 LIN*1 QTY*21:5 UNS*S CNT*11:40 CNT*7:300"),
    ("edifact", "ORDRSP", "D96A", "BGM*231 LIN*1 LIN*2 UNS*S CNT*2:2"),
    ("edifact", "INVOIC", "D96A", "BGM*380 LIN*1 QTY*47:-3 LIN*2 QTY*47:5 UNS*S CNT*1:2 CNT*2:2 CNT*4:2"),
    ("edifact", "DESADV", "D01B", "BGM*351 CPS*1 LIN*1 QTY*12:4 CPS*2*1 LIN*2 QTY*12:6 CNT*1:10 CNT*2:2"),
    ("edifact", "RECADV", "D96A", "BGM*632 CPS*1 LIN*1 QTY*12:4 CNT*2:1"),
    ("edifact", "DELFOR", "D96A", "BGM*241 UNS*D NAD*ST LIN*1 QTY*1:5 QTY*1:6 CNT*1:11 CNT*2:1"),
]
WRONG = [
    (
        ("x12", "850", "004010", "BEG*00 PO1*1*5 PO1*2*2 CTT*3*9"),
        [
            ("total.count", "CTT*3*9", 1, None, "CTT01 is '3', but the number of PO1 is 2."),
            ("total.sum", "CTT*3*9", 2, None, "CTT02 is '9', but the sum of PO102 is 7."),
        ],
    ),
    (
        ("x12", "856", "005010", "BSN*00 HL*1**S HL*2*1*I LIN**UP SN1**5*EA CTT*3"),
        [("total.count", "CTT*3", 1, None, "CTT01 is '3', but the number of HL is 2.")],
    ),
    (
        ("x12", "940", "005010", "W05*N LX*1 W01*5*EA W76*12"),
        [("total.sum", "W76*12", 1, None, "W7601 is '12', but the sum of W0101 is 5.")],
    ),
    (
        ("x12", "837", "005010", CLAIM.replace("60.25", "60.26")),
        [
            (
                "total.sum",
                "CLM*A*100.5",
                2,
                None,
                "CLM02 is '100.5', but the sum of SV102 in this loop of CLM is 100.51.",
            )
        ],
    ),
    (
        ("x12", "835", "005010", PAYMENT.replace("*15**253*5", "*14**253*5").replace("BPR*I*150", "BPR*I*160")),
        [
            (
                "total.sum",
                "BPR*I*160",
                2,
                None,
                "BPR02 is '160', but the sum of CLP04 less the sum of PLB04 and PLB06 is 150.",
            ),
            (
                "total.sum",
                "CLP*A*1*200*150*20",
                3,
                None,
                "CLP03 is '200', but CLP04 plus the sum of CAS03 and CAS06 in this loop of CLP is 199.",
            ),
            (
                "total.sum",
                "SVC*HC:1*120*100",
                2,
                None,
                "SVC02 is '120', but SVC03 plus the sum of CAS03 and CAS06 in this loop of SVC is 119.",
            ),
        ],
    ),
    (
        ("edifact", "ORDERS", "D96A", "BGM*220 LIN*1 QTY*21:5 LIN*2 QTY*21:2 UNS*S CNT*1:8 CNT*2:3"),
        [
            ("total.sum", "CNT*1:8", 1, 2, "CNT[1].01.02 is '8', but the sum of LIN/QTY.01.02 is 7."),
            ("total.count", "CNT*2:3", 1, 2, "CNT[2].01.02 is '3', but the number of LIN is 2."),
        ],
    ),
    (
        ("edifact", "DESADV", "D96A", "BGM*351 CPS*1 LIN*1 LIN*2 CNT*2:1"),
        [("total.count", "CNT*2:1", 1, 2, "CNT[2].01.02 is '1', but the number of LIN is 2.")],
    ),
]


@pytest.mark.parametrize("sample", RIGHT)
def test_totals_that_are_right(sample: tuple[str, str, str, str]) -> None:
    assert told(*sample) == []


@pytest.mark.parametrize(("sample", "expected"), WRONG)
def test_totals_that_are_wrong(sample: tuple[str, str, str, str], expected: list[Any]) -> None:
    assert told(*sample) == expected


def test_totals_of_a_document_with_misplaced_segments_are_judged_all_the_same() -> None:
    found = told("x12", "850", "004010", "BEG*00 PO1*1*5 CTT*3 PO1*2*5 ZZZ*1")
    assert [problem[0] for problem in found] == ["total.count"]


@pytest.mark.parametrize(
    "text", ["PO1*1*x CTT*1*5", "PO1*1*5 CTT*x*y", "PO1*1*1E999 CTT*1*5", "PO1*1*1_0 CTT*1*11", "PO1*1*5 CTT"]
)
def test_what_is_no_number_is_not_judged(text: str) -> None:
    assert [p for p in told("x12", "850", "004010", f"BEG*00 {text}") if p[0] == "total.sum"] == []


def test_a_hash_total_counts_digits_and_loses_those_on_the_left() -> None:
    guide = guides.load("x12", "850", "004010")
    totals = compile_totals(["CTT02 = hash(PO102)"], guide.root)
    rows = cut("ST*850 BEG*00 PO1*1*-.0018 PO1*2*.18 PO1*3*1.8 PO1*4*18.01 PO1*5*18E2 CTT*5*1873 SE")
    assert problems(rows, arrange(rows, guide)[0], totals) == []  # the example of element 347
    rows = cut("ST*850 BEG*00 PO1*1*9999999999 PO1*2*13 CTT*2*12 SE")
    assert problems(rows, arrange(rows, guide)[0], totals) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CTT01 count(PO1)", "tells no total"),
        ("CTT = count(PO1)", "whole segment"),
        ("CTT01 = count(PO102)", "count takes segments"),
        ("CTT02 = sum(PO1)", "sums are of elements"),
        ("CTT02 = PO1", "sums are of elements"),
        ("CTT02 = sum(PO102) PO104", "cannot read"),
        ("CTT02 = total(PO102)", "cannot read"),
        ("CTT02 = sum(PO102", "cannot read"),
        ("CTT02 = sum(po102)", "names no segment"),
        ("CTT02 = sum()", "names no segment"),
        ("CTT02 = sum(PO102) in clm", "names no segment"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse(line)
    assert repr(line) in str(caught.value)


def test_totals_of_guides_name_elements_that_there_are() -> None:
    for standard in ("x12", "edifact"):
        for message, versions in guides.available(standard).items():
            for version in versions:
                guide = guides.load(standard, message, version)
                for rule in compile_totals(guide.totals, guide.root).rules:
                    places = [rule.told, *(p for terms in rule.choices for term in terms for p in term.places)]
                    for place in places:
                        elements = guide.dictionary.segments[place.tag]
                        assert place.element <= len(elements), (message, version, str(place))
                        if place.component:
                            assert place.component <= len(elements[place.element - 1].components), str(place)


AMOUNT = st.sampled_from(["", "0", "1", "1.0", "01", "-1", "2.5", "2,5", "0.1", "1E1", "999999999999999999", ".0001"])
LINES = [
    "CTT01 = count(PO1)",
    "CTT01 = count(PO1, PID) - count(PID)",
    "CTT02 = sum(PO102) or hash(PO102)",
    "CTT02 = sum(PO102) - sum(PO1/PID03) + PID02",
    "PO102 = sum(PID02, PID03) in PO1 if PID",
    "CTT02 = any(PO102)",
    "CTT01 = count(PO1 without 02)",
    "CTT[1,2].02 = sum(N1/PER04)",
]


@given(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=3, unique=True),
    st.lists(st.tuples(AMOUNT, st.lists(st.tuples(AMOUNT, AMOUNT), max_size=2)), max_size=3),
    AMOUNT,
    AMOUNT,
)
def test_what_passes_the_quick_look_has_no_problem(
    lines: list[str], items: list[tuple[str, list[tuple[str, str]]]], number: str, total: str
) -> None:
    guide = guides.load("x12", "850", "004010")
    rows: list[list[Any]] = [["ST", "850"], ["BEG"]]
    for amount, parts in items:
        rows += [["PO1", "1", amount], *(["PID", "F", *part] for part in parts)]
    rows += [["CTT", number, total], ["SE"]]
    root, _ = arrange(rows, guide)
    totals = compile_totals(lines, guide.root)
    if totals.look(root):
        assert list(_broken(root, totals.rules)) == []
    assert totals.hold(root) == (problems(rows, root, totals) == [])


@given(st.lists(st.decimals("-9999", "9999", places=2), min_size=1, max_size=6), st.decimals("-1", "1", places=3))
def test_a_sum_is_right_exactly_if_it_is_equal(amounts: list[Decimal], off: Decimal) -> None:
    text = " ".join(f"LX*{place} SV1*HC:1*{amount}" for place, amount in enumerate(amounts, 1))
    found = told("x12", "837", "005010", f"BHT*0019 HL*1**20*1 HL*2*1*22*0 CLM*A*{sum(amounts) + off} {text}")
    assert bool(found) == bool(off)
