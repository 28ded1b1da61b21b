"""Names of a database become names of ours, no two the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.model import Column, Table
from gateway.workspace import sketch
from gateway.workspace.values import NAME


@given(st.text())
def test_any_name_becomes_one_of_ours(text: str) -> None:
    assert NAME.fullmatch(sketch.word(text))


@given(st.lists(st.text(min_size=1), unique=True, min_size=1))
def test_each_column_has_a_field_and_its_line(names: list[str]) -> None:
    columns = tuple(Column(name, "text", "text") for name in names)
    table = Table("t", "s", "t", columns)
    files = sketch.sketched(table, connection="erp", name="t", key=(names[0],), changes="diff every 1m")
    fields = files["contracts/t.v1.yaml"].partition("fields:\n")[2].splitlines()
    assert len(fields) == len(names)
    assert len({line.partition(":")[0] for line in fields}) == len(names)
