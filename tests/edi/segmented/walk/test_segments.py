"""Cutting at service characters: the fast way and the careful way agree, and release characters do not cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edi.segmented.walk.segments import Syntax, close_gaps, hide, row_at, segment_spans, split

X12 = Syntax("*", ">", "~", "^")
EDIFACT = Syntax("+", ":", "'", "*", "?")
PLAIN = Syntax("+", ":", "'", "", "?")


def carefully(text: str, syntax: Syntax) -> list[object]:
    return [row_at(text, start, end, syntax) for start, end in segment_spans(text, syntax)]


def test_a_released_component_separator_does_not_cut() -> None:
    assert split("LIN+1++A?:B:SA'", PLAIN) == [["LIN", "1", "", ["A:B", "SA"]]]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("X+a??'", ["X", "a?"]),
        ("X+a???'b'", ["X", "a?'b"]),
        ("X+a????+b'", ["X", "a??", "b"]),
        ("X+?a'", ["X", "a"]),
        ("X+a?*b*c'", ["X", ("a*b", "c")]),
        ("X+1:2*3:4'", ["X", (["1", "2"], ["3", "4"])]),
    ],
    ids=["itself", "itself and the terminator", "itself twice", "a letter", "repetition", "repeated composites"],
)
def test_what_is_released_is_kept(text: str, row: list[object]) -> None:
    assert split(text, EDIFACT) == carefully(text, EDIFACT) == [row]


def test_blanks_behind_a_released_terminator_are_text() -> None:
    assert split("FTX+it?' s'  \r\nUNS+S'", PLAIN) == [["FTX", "it' s"], ["UNS", "S"]]


def test_gaps_between_segments_are_no_text() -> None:
    assert close_gaps("A*1~\r\nB*2~ \t~", X12) == "A*1~B*2~~"


def test_a_text_that_uses_every_control_character_is_cut_carefully() -> None:
    text = "X+?+" + "".join(map(chr, range(1, 27))) + "'"
    assert hide(text, PLAIN) is None
    assert split(text, PLAIN) == [["X", "+" + "".join(map(chr, range(1, 27)))]]


@given(
    st.lists(st.text("AB1 +:*'?~^>\x01\x02é", max_size=12), min_size=1, max_size=6),
    st.sampled_from([X12, EDIFACT, PLAIN]),
)
def test_the_fast_way_and_the_careful_way_agree(parts: list[str], syntax: Syntax) -> None:
    text = "".join(f"T{part}{syntax.segment}" for part in parts)
    spans = segment_spans(text, syntax)
    if syntax.release and not text[spans[-1][1] :].startswith(syntax.segment):
        return  # the last terminator is released: the walk hands over no such document
    if any(start == end for start, end in spans):
        return  # an empty segment is told in its own finding
    assert split(text, syntax) == carefully(text, syntax)


@given(st.text("A+:'? \n", max_size=30))
def test_segments_and_what_is_between_them_are_the_whole_text(text: str) -> None:
    rest = list(text)
    for start, end in segment_spans(text, PLAIN):
        rest[start:end] = [""] * (end - start)
    assert not "".join(rest).strip("' \n")
