"""A table's key is in its own order, and a batch tells the rows that stand."""

from __future__ import annotations

from adapters.model import Batch, Change, Column, Table


def test_the_key_is_in_its_own_order() -> None:
    columns = (Column("a", "int", "int", key=2), Column("b", "int", "int"), Column("c", "int", "int", key=1))
    assert Table("t", "s", "t", columns).key == ("c", "a")


def test_the_rows_of_a_batch_are_those_that_are_not_gone() -> None:
    changes = [Change("put", ("1",), {"id": 1}), Change("delete", ("2",), None), Change("insert", ("3",), {"id": 3})]
    assert Batch(changes, "", snapshot=False).rows == [{"id": 1}, {"id": 3}]
