"""A finding is shown with the line or segment that it is about, and the place in it is marked."""

from __future__ import annotations

import pytest

from edi.excerpts import marked, place, told
from edi.findings import Finding, Position
from edi.model import Envelope

SEGMENTS = b"ST*850*0001~BEG*00*SA*4711**20260102~PO1*1*3*EA*12.5O~CTT*1~"
X12 = Envelope("x12", delimiters="*>~")


def reader(data: bytes):  # type: ignore[no-untyped-def] # a function of a function
    return lambda start, end: data[start:end]


def test_a_finding_shows_its_segment_and_marks_the_value() -> None:
    start = SEGMENTS.index(b"12.5O")
    position = Position(start, start + 5, line=1, segment=3, tag="PO1", element=4)
    finding = Finding("element.number", "PO104 is '12.5O'.", "Ask for digits.", position)
    assert list(told(finding, X12, reader(SEGMENTS))) == [
        "error element.number in line 1, segment 3 PO1, element 4",
        "  PO1*1*3*EA*12.5O",
        "             ^^^^^",
        "  PO104 is '12.5O'.",
        "  Ask for digits.",
    ]


@pytest.mark.parametrize(
    ("data", "span", "line", "mark"),
    [
        pytest.param(b"a;b\nc;;d\n", (6, 6), "c;;d", "  ^", id="what is missing"),
        pytest.param(b"x\ty\0z\n", (2, 3), "x·y", "  ^", id="what cannot be shown"),
        pytest.param(b"\xff\xfe\n", (0, 2), "\ufffd\ufffd", "^^", id="no characters"),
        pytest.param(b"", (0, 0), "", "", id="nothing at all"),
    ],
)
def test_a_line_is_shown_whatever_it_holds(data: bytes, span: tuple[int, int], line: str, mark: str) -> None:
    assert marked(Position(*span), None, reader(data)) == (line, mark)


def test_a_long_line_is_cut_on_both_sides_of_the_place() -> None:
    line, mark = marked(Position(500, 503), None, reader(b"x" * 500 + b"ABC" + b"y" * 500))
    assert line.startswith("…xxx")
    assert line.endswith("yyy…")
    assert line[mark.index("^") :][:3] == "ABC"
    assert len(line) < 120


def test_a_place_is_told_in_the_words_of_its_format() -> None:
    assert place(Position(9, 9)) == "byte 9"
    assert place(Position(0, 1, line=2, column="price")) == "line 2, column price"
    assert place(Position(0, 1, segment=4, tag="NAD", element=2)) == "segment 4 NAD, element 2"
