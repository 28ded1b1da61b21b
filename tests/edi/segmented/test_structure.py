"""Loops: the fast way and the careful way agree, and what stands wrong is named without losing a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.segmented import guides
from edi.segmented.guides import Dictionary, Guide, Slot
from edi.segmented.structure import arrange, assemble

ORDER = replace(guides.load("x12", "850", "004010"), totals=())
MESSAGE = replace(guides.load("edifact", "ORDERS", "D96A"), totals=())
TAGS = "BEG CUR REF DTM N1 N3 N4 PO1 PID SCH TD5 LS LDT LE CTT AMT ZZZ".split()  # noqa: SIM905 - read as a line


def rows(tags: str) -> list[list[Any]]:
    return [[tag, str(number)] for number, tag in enumerate(tags.split())]


def all_rows(loop: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for key, values in loop.items():
        for value in values:
            found.extend(all_rows(value) if key.endswith("*") else [value])
    return found


def test_segments_become_nested_loops() -> None:
    loop = assemble(rows("ST BEG DTM N1 N3 N1 N4 PO1 PID SCH TD5 PO1 CTT SE"), ORDER)
    assert loop == {
        "ST": [["ST", "0"]],
        "BEG": [["BEG", "1"]],
        "DTM": [["DTM", "2"]],
        "N1*": [{"N1": [["N1", "3"]], "N3": [["N3", "4"]]}, {"N1": [["N1", "5"]], "N4": [["N4", "6"]]}],
        "PO1*": [
            {
                "PO1": [["PO1", "7"]],
                "PID*": [{"PID": [["PID", "8"]]}],
                "SCH*": [{"SCH": [["SCH", "9"]], "TD5": [["TD5", "10"]]}],
            },
            {"PO1": [["PO1", "11"]]},
        ],
        "CTT*": [{"CTT": [["CTT", "12"]]}],
        "SE": [["SE", "13"]],
    }


def test_the_same_tag_means_its_place() -> None:
    loop = assemble(rows("UNH BGM DTM RFF DTM NAD RFF DTM LIN DTM MOA RFF UNS MOA CNT UNT"), MESSAGE)
    assert loop is not None
    assert loop["DTM"] == [["DTM", "2"]]
    assert loop["RFF*"][0]["DTM"] == [["DTM", "4"]]
    assert loop["NAD*"][0]["RFF*"][0]["DTM"] == [["DTM", "7"]]
    assert loop["LIN*"][0]["DTM"] == [["DTM", "9"]]
    assert loop["MOA"] == [["MOA", "13"]]


@pytest.mark.parametrize(
    ("tags", "codes", "words"),
    [
        ("ST PO1 SE", ["segment.missing"], "BEG (order header) is required before PO1, but is missing."),
        ("ST BEG SE", ["segment.missing"], "PO1 (order line) is required before SE, but is missing."),
        ("ST BEG CUR CUR PO1 SE", ["segment.too_many"], "CUR (currency) occurs too often: once is allowed here."),
        ("ST BEG ZZZ PO1 SE", ["segment.unknown"], "'ZZZ' is not a segment of the purchase order 850"),
        ("ST BEG DTM CUR PO1 SE", ["segment.order"], "CUR (currency) stands after DTM, but has its place before it."),
        ("ST CUR BEG PO1 SE", ["segment.order"], "BEG (order header) stands after CUR, but has its place before it."),
        ("ST BEG N3 PO1 SE", ["segment.order"], "N3 (address lines) stands here without the segment whose loop"),
        ("ST BEG CTT N1 N4 PO1 SE", ["segment.order"], "CTT (totals) stands before PO1, but has its place after it."),
        ("ST BEG PO1 LS LE SE", ["segment.missing"], "LDT (lead time) is required before LE, but is missing."),
    ],
)  # fmt: skip
def test_what_stands_wrong_is_told_once_and_kept(tags: str, codes: list[str], words: str) -> None:
    document = rows(tags)
    assert assemble(document, ORDER) is None
    loop, problems = arrange(document, ORDER)
    assert [problem.code for problem in problems] == codes
    assert words in problems[0].message
    assert sorted(all_rows(loop)) == sorted(document)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("BGE", "If BEG is meant, ask the sender to put the tag right. Ask the sender to leave BGE out, or"),
        ("po1", "If PO1 is meant,"),
        ("ZZZ", "Ask the sender to leave ZZZ out, or add it to the guide if the two of you agreed on it."),
    ],
)
def test_a_tag_that_was_mistaken_for_another_is_guessed(tag: str, words: str) -> None:
    _, (problem, *_) = arrange([["ST"], ["BEG"], [tag], ["PO1"], ["SE"]], ORDER)
    assert problem.remedy.startswith(words)


def test_a_segment_without_a_tag_is_told_as_such() -> None:
    _, (problem,) = arrange([["ST"], ["BEG"], ["", "1"], ["PO1"], ["SE"]], ORDER)
    assert (problem.code, problem.message) == ("segment.unknown", "A segment has no tag: it begins with a separator.")


def test_of_many_qualifiers_that_are_expected_some_are_named() -> None:
    qualifiers = ",".join(f"Q{number:02}" for number in range(20))
    guide = replace(CLAIMS, root=guides.parse_structure(f"ST 1\nREF[{qualifiers}] 0..1\nSE 1", "x"))
    _, (problem,) = arrange([["ST"], ["REF", "ZZ"], ["SE"]], guide)
    assert problem.message.endswith("expected there: Q00, Q01, Q02, Q03, Q04, Q05, Q06, Q07, Q08, Q09, Q10, 9 others.")


def test_a_loop_that_repeats_too_often_is_told() -> None:
    _, problems = arrange(rows("UNH BGM DTM" + " PAT" * 11 + " UNS UNT"), MESSAGE)
    assert [(p.code, p.row) for p in problems] == [("segment.too_many", 13)]


def test_a_loop_out_of_its_order_takes_its_segments_along() -> None:
    loop, problems = arrange(rows("ST BEG PO1 CTT N1 N3 N4 SE"), ORDER)
    assert [problem.code for problem in problems] == ["segment.order"]
    assert loop["N1*"] == [{"N1": [["N1", "4"]], "N3": [["N3", "5"]], "N4": [["N4", "6"]]}]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=14))
def test_the_fast_way_and_the_careful_way_agree_and_no_row_is_lost(tags: list[str]) -> None:
    document = rows(" ".join(["ST", *tags, "SE"]))
    fast = assemble(document, ORDER)
    careful, problems = arrange(document, ORDER)
    assert sorted(all_rows(careful)) == sorted(document)
    assert (fast is None) == bool(problems)
    if fast is not None:
        assert fast == careful


def test_a_slot_that_is_used_up_gives_way_to_the_next_of_its_tag() -> None:
    children = (Slot("B", 0, 1), Slot("C", 0, 1), Slot("B", 0, 2), Slot("Z", 1, 1))
    guide = Guide("M", "1", "test", Slot("A", 1, 1, children), Dictionary({}, {}))
    assert assemble(rows("A B B Z"), guide) is not None
    assert assemble(rows("A B B B Z"), guide) is not None
    _, problems = arrange(rows("A B B B B Z"), guide)
    assert [problem.code for problem in problems] == ["segment.too_many"]
    assert [problem.code for problem in arrange(rows("A B B C Z"), guide)[1]] == ["segment.order"]


CLAIM = """
ST 1
BHT 1
NM1[41] 1
NM1[40] 1
HL[20] 1..*
    CUR 0..1
    NM1[85] 1
        N3 1
        REF[EI,SY] 1
        REF[0B] 0..2
    NM1[87] 0..1
        N3 0..1
    HL[22] 1..*
        SBR 1
        NM1[IL] 1
        NM1 0..1
SE 1
"""
CLAIMS = Guide("1", "1", "claim", guides.parse_structure(CLAIM, "x"), Dictionary({}, {"NM1[85]": "billing provider"}))
RIGHT = "ST*1 BHT NM1*41 NM1*40 HL*1**20 NM1*85 N3 REF*EI HL*2*1*22 SBR NM1*IL SE"


def cut(text: str) -> list[list[Any]]:
    return [segment.split("*") for segment in text.split()]


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        (("NM1*85 N3 REF*EI", "NM1*87"), "segment.missing", "NM1[85] (billing provider) is required before"),
        (("REF*EI", ""), "segment.missing", "REF[EI,SY] is required before HL[22], but is missing."),
        (("REF*EI", "REF*0B"), "segment.missing", "REF[EI,SY] is required before HL[22], but is missing."),
        (("REF*EI", "REF*EI REF*SY"), "segment.too_many", "REF[EI,SY] occurs too often: once is allowed here."),
        (("REF*EI", "REF*EI NM1*85 N3 REF*EI"), "segment.too_many", "The loop of NM1[85] occurs too often"),
        (("REF*EI", "REF*EI NM1*ZZ"), "segment.order", "NM1 with the qualifier 'ZZ' has no place in the loop of HL"),
        (("REF*EI", "REF*EI REF"), "segment.order", "REF without a qualifier has no place in the loop of NM1[85]"),
        (("REF*EI", "REF*EI NM1*41"), "segment.order", "NM1[41] may not stand after REF[EI,SY];"),
        (("HL*2*1*22", "HL*2*1*23"), "segment.order", "HL with the qualifier '23' has no place in the loop of"),
        (("NM1*41 NM1*40", "NM1*40"), "segment.missing", "NM1[41] is required before HL[20], but is missing."),
    ],
)  # fmt: skip
def test_slots_are_told_apart_by_qualifiers(changed: tuple[str, str], code: str, words: str) -> None:
    document = cut(RIGHT.replace(*changed))
    assert assemble(document, CLAIMS) is None
    loop, problems = arrange(document, CLAIMS)
    assert problems[0].code == code
    assert words in problems[0].message
    assert sorted(all_rows(loop)) == sorted(document)


@pytest.mark.parametrize(
    "changed",
    [
        ("", ""),
        ("NM1*41 NM1*40", "NM1*40 NM1*41"),
        ("REF*EI", "REF*0B REF*SY REF*0B"),
        ("NM1*85 N3 REF*EI", "NM1*87 N3 NM1*85 N3 REF*EI"),
        ("NM1*IL", "NM1*PR NM1*IL"),
        ("NM1*IL", "NM1*IL HL*3*1*22 SBR NM1*IL HL*4**20 NM1*85 N3 REF*SY HL*5*4*22 SBR NM1*IL"),
    ],
)
def test_neighbours_that_qualifiers_tell_apart_stand_in_any_order(changed: tuple[str, str]) -> None:
    document = cut(RIGHT.replace(*changed))
    loop, problems = arrange(document, CLAIMS)
    assert problems == []
    assert assemble(document, CLAIMS) == loop
    assert sorted(all_rows(loop)) == sorted(document)


STRANGE = "ST*1 BHT NM1*41 NM1*40 HL*1**20 NM1*87 NM1*ZZ N3 REF*EI NM1*85 N3 REF*EI HL*2*1*22 SBR NM1*IL SE"


def test_a_loop_with_a_strange_qualifier_is_told_once() -> None:
    for text in (RIGHT.replace("NM1*85", "NM1*ZZ NM1*85"), RIGHT.replace("NM1*85", "NM1*8S"), STRANGE):
        _, problems = arrange(cut(text), CLAIMS)
        assert [problem.code for problem in problems] == ["segment.order"]


def test_qualified_loops_stand_under_their_tag() -> None:
    loop = assemble(cut(RIGHT), CLAIMS)
    assert loop
    (provider,) = loop["HL*"]
    assert [one["NM1"] for one in provider["NM1*"]] == [[["NM1", "85"]]]
    assert provider["NM1*"][0]["REF"] == [["REF", "EI"]]
    assert provider["HL*"][0]["NM1"] == [["NM1", "IL"]]


SEGMENTS = ["BHT", "NM1*41", "NM1*40", "HL*1**20", "HL*2*1*22", "HL", "CUR", "NM1*85", "NM1*87", "NM1*ZZ", "NM1", "N3"]
SEGMENTS += ["REF*EI", "REF*SY", "REF*0B", "SBR", "NM1*IL"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_with_qualifiers_the_fast_way_and_the_careful_way_agree_and_no_row_is_lost(data: st.DataObject) -> None:
    segments = RIGHT.split()
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(1, len(segments) - 1))
        new = data.draw(st.lists(st.sampled_from(SEGMENTS), max_size=2))
        segments[place : place + data.draw(st.integers(0, 1))] = new
    document = cut(" ".join(segments if segments[-1] == "SE" else [*segments, "SE"]))
    fast = assemble(document, CLAIMS)
    careful, problems = arrange(document, CLAIMS)
    assert sorted(all_rows(careful)) == sorted(document)
    if fast is None:
        assert problems
    else:
        assert not problems
        assert fast == careful
