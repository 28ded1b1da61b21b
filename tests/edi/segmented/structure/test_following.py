"""Paths that look at any depth, out to a loop around, or for one of several qualifiers."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from edi.paths import SegmentPath, parse_path
from edi.segmented.structure import following
from edi.segmented.structure.following import found_rows, reached


def steps(text: str) -> Any:
    path = parse_path("x12", text)
    assert isinstance(path, SegmentPath)
    return path.steps


def level(number: str, above: str, kind: str, *children: Any, **rows: list[list[str]]) -> dict[str, Any]:
    loop: dict[str, Any] = {"HL": [["HL", number, above, kind]], **rows}
    return {**loop, "HL*": list(children)} if children else loop


LOOSE = level("3", "2", "I", LIN=[["LIN", "", "VP", "A"]])
PACKED = level("5", "4", "I", LIN=[["LIN", "", "VP", "B"]])
ROOT = {
    "ST": [["ST", "856"]],
    "HL*": [
        level(
            "1",
            "",
            "S",
            level("2", "1", "O", LOOSE, level("4", "2", "P", PACKED, MAN=[["MAN", "GM", "00"]]), PRF=[["PRF", "X"]]),
            level("6", "1", "O", level("7", "6", "I", LIN=[["LIN", "", "VP", "C"]]), PRF=[["PRF", "Y"]]),
            TD5=[["TD5", "B"], ["TD5", "O"]],
        )
    ],
}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("//HL[I]", ["3", "5", "7"]),
        ("//HL[O,P]", ["2", "4", "6"]),
        ("//HL[O]//HL[I]", ["3", "5", "7"]),
        ("HL[S]/HL[O]/HL[I]", ["3"]),
        ("HL[S]/HL[O]", ["2", "6"]),
        ("HL[S]//LIN", ["", "", ""]),
        ("//TD5[O]", ["O"]),
        ("//HL[X]", []),
        ("HL[X]//LIN", []),
    ],
)
def test_what_a_path_reaches(path: str, rows: list[str]) -> None:
    assert [place[-1][steps(path)[-1].tag][0][1] for place in reached((ROOT,), steps(path))] == rows
    assert [row[1] for row in found_rows((ROOT,), steps(path))] == rows


def test_a_place_knows_the_loops_around_it() -> None:
    places = reached((ROOT,), steps("//HL[I]"))
    assert [found_rows(place, steps("^HL[O]/PRF01"))[0][1] for place in places] == ["X", "X", "Y"]
    assert [found_rows(place, steps("^HL[P]/MAN[GM].02")) for place in places] == [[], [["MAN", "GM", "00"]], []]
    assert [found_rows(place, steps("^HL[S]/HL[O]/PRF"))[0][1] for place in places] == ["X", "X", "X"]
    assert [found_rows(place, steps("^HL01"))[0][1] for place in places] == ["3", "5", "7"]
    assert found_rows((ROOT,), steps("^HL01")) == []


def test_a_level_does_not_lie_below_itself() -> None:
    assert reached((ROOT, LOOSE), steps("HL")) == []
    assert reached((ROOT, LOOSE), steps("//HL")) == []


@pytest.mark.parametrize(
    "text", ["///HL", "//", "HL//", "HL/^N1", "//^HL", "/HL", "^", "HL///N1", "HL//N101/N2", "CAS.02~0", "CAS~3"]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r"names|can lead|only the last|counted from 01"):
        parse_path("x12", text)


def test_groups_of_elements_keep_what_stands_before_them() -> None:
    row = ["CAS", "CO", "45", "20", "", "42", "5.5", "1", "", "", "", "97", "2"]
    hi = ["HI", ["ABK", "J45"], ["ABF", "E11"], ""]
    loop = {"CLP": [["CLP", "1"]], "CAS": [row, ["CAS", "PR"]], "HI": [hi]}
    parts = [place[-1]["CAS"][0] for place in reached((loop,), steps("CAS.02~3"))]
    assert parts == [["CAS", "CO", "45", "20", ""], ["CAS", "CO", "42", "5.5", "1"], ["CAS", "CO", "97", "2"]]
    assert [parts[1].place_of(element) for element in (1, 2, 3, 4)] == [1, 5, 6, 7]
    assert [place[-1]["HI"][0] for place in reached((loop,), steps("HI.01~1"))] == [["HI", hi[1]], ["HI", hi[2]]]
    assert reached((loop,), steps("CAS[PR].02~3")) == []


def test_the_example_of_the_module() -> None:
    assert doctest.testmod(following).failed == 0
