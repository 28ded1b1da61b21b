"""Rows become dicts by name, at any depth, and hold what they held."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edi.segmented.structure.naming import named

ROWS = st.lists(st.text("AB1", max_size=3), max_size=12).map(lambda values: ["PO1", *values])


def test_rows_of_every_loop_are_named_and_composites_stay() -> None:
    loop = {"SV1": [["SV1", ["HC", "99213"], "40"]], "LX*": [{"LX": [["LX", "1"]], "REF*": [{"REF": [["REF"]]}]}]}
    assert named(loop) == {
        "SV1": [{"SV101": ["HC", "99213"], "SV102": "40"}],
        "LX*": [{"LX": [{"LX01": "1"}], "REF*": [{"REF": [{}]}]}],
    }


def test_a_tag_that_is_none_is_a_name_all_the_same() -> None:
    assert named({"A'B": [["A'B", "1"]]}) == {"A'B": [{"A'B01": "1"}]}


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_nothing_is_lost(rows: list[list[Any]]) -> None:
    (found,) = named({"PO1": [list(row) for row in rows]}).values()
    assert [list(row.values()) for row in found] == [row[1:] for row in rows]
    assert all(list(row) == [f"PO1{place:02}" for place in range(1, len(row) + 1)] for row in found)
