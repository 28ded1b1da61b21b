"""Cursors: what went in comes out, for the same query and secret alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.serve import cursors
from gateway.serve.problems import Problem

SECRET = b"one secret"
VALUES = st.lists(
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=30)
    | st.floats(allow_nan=False, allow_infinity=False)
).map(tuple)


@given(query=st.text(max_size=20), values=VALUES)
def test_a_cursor_gives_back_its_values(query: str, values: tuple[object, ...]) -> None:
    assert cursors.read(SECRET, query, cursors.write(SECRET, query, values)) == values


@given(values=VALUES, data=st.data())
def test_a_cursor_with_any_character_changed_is_refused(values: tuple[object, ...], data: st.DataObject) -> None:
    cursor = cursors.write(SECRET, "q", values)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda each: each != cursor[place]))
    with pytest.raises(Problem) as caught:
        cursors.read(SECRET, "q", cursor[:place] + other + cursor[place + 1 :])
    assert caught.value.code == "bad_cursor"


@given(st.text(max_size=200))
def test_text_that_was_never_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        cursors.read(SECRET, "q", text)
    assert caught.value.errors[0].parameter == "cursor"


def test_a_cursor_of_another_query_says_so() -> None:
    cursor = cursors.write(SECRET, cursors.fingerprint("orders", "a"), (1,))
    with pytest.raises(Problem, match="another query") as caught:
        cursors.read(SECRET, cursors.fingerprint("orders", "b"), cursor)
    assert "another query" in caught.value.detail


def test_a_cursor_of_another_gateway_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        cursors.read(b"another secret", "q", cursors.write(SECRET, "q", (1,)))
    assert "another gateway" in caught.value.detail


@pytest.mark.parametrize(("one", "other"), [(("a", "b"), ("ab",)), (("a", None), ("a",)), ((1,), ("1",)), ((), ("",))])
def test_different_questions_have_different_fingerprints(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert cursors.fingerprint(*one) != cursors.fingerprint(*other)
