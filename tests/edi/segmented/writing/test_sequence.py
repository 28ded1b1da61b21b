"""From loops back to segments: the order of the standard, or a refusal."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi.segmented import guides, structure
from edi.segmented.structure import levels
from edi.segmented.writing.sequence import rows_of
from edi.writing import Unwritable

if TYPE_CHECKING:
    from edi.model import Loop
    from edi.segmented.guides import Guide, Slot

ORDER = guides.find("x12", "850", "004010")
SHIPMENT = guides.find("x12", "856", "004010")
ORDERS = guides.find("edifact", "ORDERS", "D96A")
MESSAGES = {
    ("x12", "004010"): "204 214 810 820 832 846 850 855 856 860 940 945 990 997",
    ("x12", "005010"): "270 271 834 835 837 850 856",
    ("edifact", "D96A"): "ORDERS ORDRSP DESADV INVOIC INVRPT PRICAT DELFOR",
    ("edifact", "D01B"): "ORDERS INVOIC RECADV REMADV IFTMIN IFTSTA",
}
ALL = [(*key, message) for key, messages in MESSAGES.items() for message in messages.split()]


def read(rows: list[list[Any]], guide: Guide) -> tuple[Loop, bool]:
    """The loops, and whether the structure is right."""
    root, problems = structure.arrange(rows, guide)
    if levels.needed(guide.root):
        levels.nest_leniently(root)
    return root, not any(problem.code.startswith(("segment", "structure")) for problem in problems)


def some_document(guide: Guide, random: Random) -> list[list[Any]]:
    """Rows that the structure of a guide allows; each has a number, so that no two are equal."""
    rows: list[list[Any]] = []

    def enter(slot: Slot) -> None:
        rows.append([slot.tag, *slot.qualifiers[:1], f"{len(rows)}"])
        if slot.tag == "HL":
            number = sum(row[0] == "HL" for row in rows)
            parent = str(random.randint(1, number - 1)) if number > 1 and random.random() < 0.8 else ""
            rows[-1] = ["HL", str(number), parent, *(slot.qualifiers[:1] or ["I"])]
        for child in slot.children:
            least = child.least if random.random() < 0.97 else 0
            for _ in range(min(child.most, random.choice((least, least, least, 1, 2, 3)))):
                enter(child)

    enter(guide.root)
    rows[0][1:] = [guide.message, "1"]
    return rows


@pytest.mark.parametrize(("standard", "version", "message"), ALL)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_loops_become_rows_that_are_read_as_the_same_loops(
    standard: str, message: str, version: str, seed: int
) -> None:
    guide = guides.find(standard, message, version)
    assert guide
    rows = some_document(guide, Random(seed))
    content, is_right = read(rows, guide)
    try:
        found = rows_of(content, guide)
    except Unwritable:
        assert not is_right
        return
    assert read(found, guide)[0] == content
    assert sorted(map(str, found)) == sorted(map(str, rows))


def test_the_order_is_that_of_the_guide_whatever_the_order_of_the_keys() -> None:
    content = {
        "SE": [["SE", "1", "1"]],
        "PO1*": [{"PID*": [{"PID": [["PID", "F", "", "", "", "tile"]]}], "PO1": [["PO1", "1", "3", "EA", "9"]]}],
        "BEG": [["BEG", "00", "SA", "77", "", "20260102"]],
        "ST": [["ST", "850", "1"]],
        "REF": [["REF", "DP", "1"], ["REF", "IA", "2"]],
    }
    tags = [row[0] for row in rows_of(content, ORDER)]
    assert tags == ["ST", "BEG", "REF", "REF", "PO1", "PID", "SE"]


def test_levels_follow_their_parent_or_their_numbers() -> None:
    def level(number: int, parent: str, kind: str, *below: Loop) -> Loop:
        return {"HL": [["HL", str(number), parent, kind]]} | ({"HL*": list(below)} if below else {})

    start = {"ST": [["ST", "856", "1"]], "BSN": [["BSN", "00", "1", "20260102", "0830"]]}
    deep = start | {"HL*": [level(1, "", "S", level(2, "1", "O", level(3, "2", "I")), level(4, "1", "O"))]}
    broad = start | {"HL*": [level(1, "", "S", level(2, "1", "O", level(4, "2", "I")), level(3, "1", "O"))]}
    for content in (deep, broad):
        content["SE"] = [["SE", "7", "1"]]
        assert [row[1] for row in rows_of(content, SHIPMENT) if row[0] == "HL"] == ["1", "2", "3", "4"]


def test_a_tag_with_two_places_goes_where_the_keys_say() -> None:
    head = {"UNH": [["UNH", "1"]], "BGM": [["BGM", "220"]], "DTM": [["DTM", "137"]]}
    allowance = {"ALC*": [{"ALC": [["ALC", "A"]]}]}
    lines = {"LIN*": [{"LIN": [["LIN", "1"]]}], "UNS": [["UNS", "S"]]}
    end = {"UNT": [["UNT", "7", "1"]]}
    before = [row[0] for row in rows_of(head | allowance | lines | end, ORDERS)]
    behind = [row[0] for row in rows_of(head | lines | allowance | end, ORDERS)]
    assert before == ["UNH", "BGM", "DTM", "ALC", "LIN", "UNS", "UNT"]
    assert behind == ["UNH", "BGM", "DTM", "LIN", "UNS", "ALC", "UNT"]


def test_what_the_guide_does_not_know_stays_behind_what_it_stood_behind() -> None:
    content = {
        "ST": [["ST", "850", "1"]],
        "BEG": [["BEG", "00"]],
        "ZZZ": [["ZZZ", "1"]],
        "PO1*": [{"PO1": [["PO1", "1"]], "YYY": [["YYY", "1"]]}],
        "SE": [["SE", "1", "1"]],
    }
    assert [row[0] for row in rows_of(content, ORDER)] == ["ST", "BEG", "ZZZ", "PO1", "YYY", "SE"]


def test_a_content_that_no_order_gives_is_refused() -> None:
    content = {"ST": [["ST", "850", "1"]], "PID*": [{"PID": [["PID", "F"]]}], "SE": [["SE", "1", "1"]]}
    with pytest.raises(Unwritable, match=r"PID would be read at another place of the .*; give its segments the places"):
        rows_of(content, ORDER)


def test_a_row_under_another_tag_is_refused() -> None:
    content = {"ST": [["ST", "850", "1"]], "BEG": [["BGE", "00"]], "SE": [["SE", "1", "1"]]}
    with pytest.raises(Unwritable, match="would be read at another place"):
        rows_of(content, ORDER)


def test_without_a_guide_the_order_has_to_be_given() -> None:
    rows = [["ST", "123", "1"], ["AAA", "1"], ["BBB"], ["AAA", "2"], ["SE", "5", "1"]]
    assert rows_of(rows, None) == rows
    assert rows_of({row[0]: [row] for row in rows}, None)[1] == ["AAA", "2"]
    lost = {"ST": [rows[0]], "AAA": [rows[1], rows[3]], "BBB": [rows[2]], "SE": [rows[4]]}
    with pytest.raises(Unwritable, match="a loop has not the order of its segments; give the content as a list"):
        rows_of(lost, None)


@pytest.mark.parametrize("content", [{}, None, "ST*850*1~"])
def test_nothing_cannot_be_written(content: Any) -> None:
    with pytest.raises(Unwritable, match="no segments"):
        rows_of(content, ORDER)
