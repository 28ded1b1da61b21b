"""Positions go out as text and come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Stop
from adapters.watermark import TIES_MAX, Position, Ties

texts = st.none() | st.text()
positions = st.builds(
    Position,
    phase=st.sampled_from(["snapshot", "changes", "done"]),
    keyed_by=st.lists(st.text(), max_size=3).map(tuple),
    column=texts,
    value=texts,
    key=st.none() | st.lists(texts, max_size=3).map(tuple),
    ties=st.builds(Ties, count=st.integers(0), hashes=st.lists(st.integers(0, 2**64 - 1), max_size=3).map(tuple)),
)


@given(positions)
def test_a_position_comes_back_as_it_was(position: Position) -> None:
    assert Position.from_json(position.to_json()) == position
    assert "\n" not in position.to_json()


@pytest.mark.parametrize(
    "text",
    ["", "7", "null", "{}", "[]", '{"phase":"other","keyed_by":[],"column":null,"value":null,"key":null,"ties":[0]}'],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(Stop, match="not a position"):
        Position.from_json(text)


@given(st.text())
def test_any_text_is_a_position_or_refused(text: str) -> None:
    with pytest.raises(Stop):
        Position.from_json(text)


def test_ties_keep_their_hashes_up_to_a_limit() -> None:
    ties = Ties()
    for row in range(TIES_MAX):
        ties = ties.plus(row)
    assert ties.by_content
    assert len(ties.hashes) == TIES_MAX
    ties = ties.plus(7)
    assert not ties.by_content
    assert ties == Ties(TIES_MAX + 1)
    assert ties.plus(8) == Ties(TIES_MAX + 2)
