"""Levels: nested below their parents if they are right, told one by one if not, and never lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.segmented import guides
from edi.segmented.structure import arrange, levels
from edi.segmented.structure.levels import nest, nest_leniently

CLAIM = guides.load("x12", "837", "005010")


def cut(text: str) -> list[list[Any]]:
    return [line.split("*") for line in text.split()]


def notice(text: str) -> list[list[Any]]:
    return cut(f"ST*856*0001 BSN*00*4711*20260112*0830*0001 {text} SE*9*0001")


def claim(text: str) -> list[list[Any]]:
    return cut(f"ST*837*0001 BHT*0019 {text} SE*9*0001")


def side_by_side(rows: list[list[Any]]) -> dict[str, Any]:
    """The loops that a base guide makes: all levels stand in the root."""
    root: dict[str, Any] = {}
    within = [root]
    depths = {"HL": 1, "CLM": 2, "LX": 3, "CTT": 0, "SE": 0}
    for row in rows:
        del within[depths.get(row[0], len(within)) :]
        if depths.get(row[0]):
            loop = {row[0]: [row]}
            within[-1].setdefault(row[0] + "*", []).append(loop)
            within.append(loop)
        else:
            (within[-1] if within else root).setdefault(row[0], []).append(row)
        within = within or [root]
    return root


def told(rows: list[list[Any]]) -> list[tuple[str, int, str, int | None]]:
    return [(p.code, p.row, p.tag, p.element) for p in levels.problems(rows, side_by_side(rows))]


def is_nested(rows: list[list[Any]]) -> bool:
    root = side_by_side(rows)
    before = copy.deepcopy(root)
    nested = nest(root)
    assert nested or root == before
    return nested


def shape(loop: dict[str, Any]) -> list[Any]:
    """The numbers of the levels: a level and then the list of those below it."""
    found: list[Any] = []
    for child in loop.get("HL*", ()):
        found.append(child["HL"][0][1])
        if "HL*" in child:
            found.append(shape(child))
    return found


def test_levels_stand_below_their_parents() -> None:
    rows = notice("HL*1**S TD5*B HL*2*1*O PRF*77 HL*3*2*I LIN*1 HL*4*2*I LIN*2 HL*5*1*O CTT*5")
    root = side_by_side(rows)
    assert nest(root)
    assert shape(root) == ["1", ["2", ["3", "4"], "5"]]
    assert list(root) == ["ST", "BSN", "HL*", "CTT", "SE"]
    shipment = root["HL*"][0]
    assert shipment["TD5"] == [["TD5", "B"]]
    assert shipment["HL*"][0]["HL*"][1] == {"HL": [["HL", "4", "2", "I"]], "LIN": [["LIN", "2"]]}
    assert nest(root)
    assert shape(root) == ["1", ["2", ["3", "4"], "5"]]


def test_levels_of_a_claim_are_nested_and_its_lines_counted() -> None:
    rows = claim("HL*1**20*1 HL*2*1*22*0 CLM*A*3 LX*1 SV1*HC LX*2 CLM*B*3 LX*1 HL*3*1*22*1 HL*4*3*23*0 CLM*C LX*1")
    root = side_by_side(rows)
    assert nest(root)
    assert shape(root) == ["1", ["2", "3", ["4"]]]


def test_levels_without_parents_stay_in_the_root() -> None:
    rows = notice("HL*1**S HL*2**O HL*3**I")
    root = side_by_side(rows)
    assert nest(root)
    assert shape(root) == ["1", "2", "3"]


def test_a_set_without_levels_has_nothing_to_nest() -> None:
    root = {"ST": [["ST", "856", "1"]], "SE": [["SE", "2", "1"]]}
    assert nest(root)
    assert root == {"ST": [["ST", "856", "1"]], "SE": [["SE", "2", "1"]]}


def test_only_structures_with_levels_need_a_look() -> None:
    assert levels.needed(CLAIM.root)
    assert not levels.needed(guides.load("x12", "850", "004010").root)
    assert not levels.needed(guides.load("edifact", "ORDERS", "D96A").root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HL*1**20*1 HL*3*1*22*0", ("level.number", 3, "HL", 1)),
        ("HL*1**20*1 HL*1*1*22*0", ("level.number", 3, "HL", 1)),
        ("HL*A**20*0", ("level.number", 2, "HL", 1)),
        ("HL*1**20*1 HL*2*7*22*0", ("level.parent", 3, "HL", 2)),
        ("HL*1**20*0 HL*2*2*22*1", ("level.parent", 3, "HL", 2)),
        ("HL*1**20*1 HL*2*1*23*0", ("level.code", 3, "HL", 3)),
        ("HL*1**22*0", ("level.code", 2, "HL", 3)),
        ("HL*1**20*1 HL*2*1*20*0", ("level.code", 3, "HL", 3)),
        ("HL*1**20*0 HL*2*1*22*0", ("level.child", 2, "HL", 4)),
        ("HL*1**20*1 HL*2*1*22*1", ("level.child", 3, "HL", 4)),
        ("HL*1**20*1 HL*2*1*22*0 CLM*A LX*1 LX*3 LX*4", ("level.number", 6, "LX", 1)),
        ("HL*1**20*1 HL*2*1*22*0 CLM*A LX*1 CLM*B LX*2", ("level.number", 7, "LX", 1)),
    ],
)
def test_each_error_of_a_claim_is_told_once_and_at_its_place(text: str, expected: tuple[str, int, str, int]) -> None:
    assert not is_nested(claim(text))
    assert told(claim(text)) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HL*1**S HL*2*1*O HL*2*1*O", ("level.number", 4, "HL", 1)),
        ("HL*1**S HL*2*3*O HL*3*1*O", ("level.parent", 3, "HL", 2)),
        ("HL*1**O HL*2*1*S", ("level.code", 3, "HL", 3)),
        ("HL*1**S*0 HL*2*1*O", ("level.child", 2, "HL", 4)),
    ],
)
def test_each_error_of_a_ship_notice_is_told(text: str, expected: tuple[str, int, str, int]) -> None:
    assert not is_nested(notice(text))
    assert told(notice(text)) == [expected]


@pytest.mark.parametrize("text", ["HL*100**S HL*7*100*O HL*x*7*I", "HL*1**S HL*2*1*O HL*3*1*O HL*4*2*I HL*5*3*P"])
def test_a_ship_notice_numbers_its_levels_as_it_likes(text: str) -> None:
    assert is_nested(notice(text))
    assert told(notice(text)) == []


def test_the_messages_say_what_is_wrong() -> None:
    rows = claim("HL*1**20*1 HL*2*1*22*1 HL*4*2*23*0 HL*5*9*22*0 HL*6*1*23*0")
    root = side_by_side(rows)
    assert [p.message for p in levels.problems(rows, root)] == [
        "HL01 is '4', but this is the 3rd level of the transaction set.",
        "HL02 names the parent '9', and no level before this one has that number.",
        (
            "HL03 is '23' (patient); such a level stands below a level of kind '22' (subscriber), "
            "but level '1', its parent, is of kind '20' (billing provider)."
        ),
    ]


def test_levels_that_the_structure_nests_stay_and_are_checked() -> None:
    structure = "ST 1\nHL 1..*\n    HL 0..*\n        CLM 0..*\n            LX 0..*\n                SV1 0..1\nSE 1"
    root = guides.parse_structure(structure, "structure")
    guide = guides.Guide("837", "005010", "claim", root, CLAIM.dictionary)
    right = cut("ST*837*1 HL*1**20*1 HL*2*1*22*0 CLM*A LX*1 SE*9*1")
    wrong = cut("ST*837*1 HL*1**20*0 HL*2**22*0 CLM*A LX*2 SE*9*1")
    loops, _ = arrange(right, guide)
    before = copy.deepcopy(loops)
    assert nest(loops)
    assert loops == before
    arranged, _ = arrange(wrong, guide)
    assert not nest(arranged)
    assert [(p.code, p.row) for p in levels.problems(wrong, arranged)] == [("level.parent", 2), ("level.number", 4)]


def test_a_chain_without_end_is_refused_and_not_followed() -> None:
    chain = " ".join(f"HL*{n}*{n - 1 or ''}*I" for n in range(1, 3000))
    rows = notice(chain)
    assert not is_nested(rows)
    root = side_by_side(rows)
    assert levels.problems(rows, root)[0].row == 2 + levels.DEPTH_MAX
    nest_leniently(root)
    assert len(root["HL*"]) == 30


LEVEL = st.tuples(
    st.integers(0, 7), st.integers(0, 7), st.sampled_from(["20", "22", "23", "S", "O"]), st.sampled_from(["", "0", "1"])
)


@given(st.sampled_from(["837", "856"]), st.lists(LEVEL, min_size=1, max_size=7))
def test_what_the_fast_way_accepts_has_no_problem_and_nothing_is_lost(
    message: str, drawn: list[tuple[int, int, str, str]]
) -> None:
    rows = [["ST", message, "1"], ["BHT" if message == "837" else "BSN", "1"]]
    rows += [["HL", str(number or ""), str(parent or ""), kind, flag] for number, parent, kind, flag in drawn]
    rows.append(["SE", "9", "1"])
    root = side_by_side(rows)
    lenient = copy.deepcopy(root)
    found = levels._all_problems(rows, root)
    if nest(root):
        assert found == []
    nest_leniently(lenient)
    kept = [loop["HL"][0] for loop, _ in levels._levels(lenient)]
    assert sorted(kept) == sorted(row for row in rows if row[0] == "HL")
