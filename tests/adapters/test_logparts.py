"""Messages become changes whatever the portions they come in: windows, buffers, batches, and places gone on from."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Gap
from adapters.logparts import Part, Teller
from adapters.model import Change, Column, Table
from adapters.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Event,
    Field,
    Insert,
    Relation,
    Truncate,
    Update,
)
from tests.adapters.test_pgoutput import message

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = Table("t", "public", "t", (Column("id", "bigint", "int", key=1), Column("v", "text", "text")))
SHAPE = Relation(7, "public", "t", "d", (Field("id", 20, -1, key=True), Field("v", 25, -1, key=False)))


class Catalogue:
    """Knows the two types of the table."""

    def fetch(self, sql: str, _parameters: Sequence[str], _doing: str) -> list[tuple[str | None, ...]]:
        return [("bigint", "bigint"), ("text", "text")] if "format_type" in sql else []

    def spool(self, sql: str, parameters: Sequence[str], doing: str) -> Any:  # noqa: ARG002 - nobody asks
        raise AssertionError


def teller(end: int = 0, within: tuple[int, int, int] | None = None, batch: int = 2) -> Teller:
    return Teller(
        Catalogue(), TABLE, ("id",), oid=7, end=end, within=within, batch=batch, stand=lambda _keys: {}, shape=None
    )


ROW = st.tuples(st.integers(1, 5).map(str), st.none() | st.text("aé", max_size=2)).map(list)
CHANGE: st.SearchStrategy[Event] = st.one_of(
    st.builds(Insert, st.sampled_from([7, 8]), ROW),
    st.builds(Update, st.just(7), ROW, st.just(""), st.none()),
    st.builds(Update, st.just(7), ROW, st.sampled_from("KO"), ROW),
    st.builds(Delete, st.just(7), st.sampled_from("KO"), ROW),
)


def written(transactions: list[list[Event]]) -> list[bytes]:
    """The messages of transactions, each a hundred bytes of log."""
    out: list[bytes] = [message(SHAPE)]
    for number, changes in enumerate(transactions):
        out.append(message(Begin(number * 100 + 50, 0, number)))
        out += [message(each) for each in changes]
        out.append(message(Commit(number * 100 + 50, number * 100 + 90, 0)))
    return out


def changes_of(parts: list[Part]) -> list[Change]:
    return list(itertools.chain.from_iterable(part.changes for part in parts))


@given(st.lists(st.lists(CHANGE, max_size=30), max_size=6), st.data())
def test_any_portions_give_the_same_changes_and_any_place_the_rest(
    transactions: list[list[Event]], data: st.DataObject
) -> None:
    messages = written(transactions)
    parts = list(teller().parts([b"".join(messages)]))
    told = changes_of(parts)
    assert len({change.at for change in told}) == len(told)
    # A stream hands over what has come, also in the midst of a transaction, and is asked again.
    cuts = sorted(data.draw(st.lists(st.integers(0, len(messages)), max_size=4)))
    streaming, streamed = teller(), []
    for begin, end in itertools.pairwise([0, *cuts, len(messages)]):
        buffers = [b"".join(messages[begin:middle]) for middle in (end,)]
        streamed += list(streaming.parts(buffers, eager=True))
    assert changes_of(streamed) == told
    for every in (parts, streamed):
        for number, part in enumerate(every):
            rest = teller(part.end, part.within).parts([b"".join(messages)])
            assert changes_of(list(rest)) == changes_of(every[number + 1 :])


def test_a_part_is_whole_transactions_or_ten_batches() -> None:
    many: list[Event] = [Insert(7, [str(number), "v"]) for number in range(45)]
    parts = list(teller().parts([b"".join(written([many[:1], many[:1], many]))]))
    assert [(len(part.changes), part.end, part.within) for part in parts] == [
        (2, 190, None),
        (20, 190, (250, 20, 2)),
        (20, 190, (250, 40, 2)),
        (5, 290, None),
    ]


def test_what_came_before_a_truncate_is_told_and_the_gap_then() -> None:
    window = b"".join(written([[Insert(7, ["1", "v"]), Truncate((8, 7), cascade=False, restart=False)]]))
    parts = teller().parts([window])
    assert [change.key for change in next(parts).changes] == [("1",)]
    with pytest.raises(Gap, match="TRUNCATE at 0/32"):
        next(parts)
    assert list(teller().parts([b"".join(written([[Truncate((8,), cascade=False, restart=False)]]))])) == []


def test_a_long_value_without_a_row_is_left_out_and_in_an_old_row_it_is_found() -> None:
    events: list[Event] = [Update(7, ["1", UNCHANGED], "", None), Update(7, ["1", UNCHANGED], "O", ["1", "long"])]
    (part,) = teller().parts([b"".join(written([events]))])
    assert [change.row for change in part.changes] == [{"id": 1}, {"id": 1, "v": "long"}]
