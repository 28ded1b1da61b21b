"""Each difference of two shapes is told once, and none where there is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.drift import differences, shape
from adapters.model import Column, Table, Type

types: st.SearchStrategy[Type] = st.sampled_from(["text", "int", "date"])
columns = st.lists(
    st.builds(Column, name=st.text(min_size=1, max_size=3), native=st.text(max_size=4), type=types),
    unique_by=lambda column: column.name,
    max_size=5,
)


def table(*made: Column) -> Table:
    return Table("t", "s", "t", made)


@given(columns)
def test_a_shape_does_not_differ_from_itself(made: list[Column]) -> None:
    assert differences(shape(table(*made)), shape(table(*made))) == []


@given(columns, columns)
def test_what_is_told_is_what_differs(one: list[Column], other: list[Column]) -> None:
    found = {(each.kind, each.column) for each in differences(shape(table(*one)), shape(table(*other)))}
    was, now = ({column.name: column.type for column in each} for each in (one, other))
    expected = {("missing", name) for name in was.keys() - now.keys()}
    expected |= {("added", name) for name in now.keys() - was.keys()}
    expected |= {("retyped", name) for name in was.keys() & now.keys() if was[name] != now[name]}
    if not expected and list(was) != list(now):
        expected = {("moved", "")}
    assert found == expected


def test_the_key_is_part_of_the_shape_and_lengths_are_not() -> None:
    before = table(Column("a", "VARCHAR(10)", "text", key=1), Column("b", "int", "int"))
    longer = table(Column("a", "VARCHAR(20)", "text", key=1), Column("b", "int", "int"))
    keyed = table(Column("a", "VARCHAR(10)", "text", key=1), Column("b", "int", "int", key=2))
    assert differences(shape(before), shape(longer)) == []
    assert [each.said for each in differences(shape(before), shape(keyed))] == ["the primary key was a and is a, b"]
