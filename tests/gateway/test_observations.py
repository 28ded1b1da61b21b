"""Lines of the log say one document and two documents, whatever else they quote."""

from __future__ import annotations

import pytest

from gateway import observations
from gateway.observations import Observation, so_many


@pytest.mark.parametrize(
    ("count", "noun", "verb", "said"),
    [
        (1, "documents", "", "1 document"),
        (0, "documents", "are", "0 documents are"),
        (1, "held documents", "were", "1 held document was"),
        (1, "deliveries", "were", "1 delivery was"),
        (1_200, "more findings", "are", "1,200 more findings are"),
        (1, "tries", "", "1 try"),
    ],
)
def test_a_count_and_what_is_counted_agree(count: int, noun: str, verb: str, said: str) -> None:
    assert so_many(count, noun, verb) == said


def test_a_line_agrees_with_its_counts_and_leaves_what_it_quotes_alone() -> None:
    held = Observation("x", "problem", "{documents} documents held: {reason}")
    line = held(documents=1, reason="1 rows of {documents} documents are bad").message
    assert line == "1 document held: 1 rows of {documents} documents are bad"
    assert held(documents=2, reason="x").message == "2 documents held: x"
    purged = observations.DELIVERY_PURGED(by="keep: 1d", documents=1, findings=2).message
    assert purged == "purged by keep: 1d: its bytes, 1 held document, what 2 findings quote"
    assert observations.PULLED(files=1, folder="in", removed=0).message == "1 file taken from in, 0 removed there"
    assert Observation("x", "info", "{count} lines are there")(count=1).message == "1 line is there"


def test_no_line_has_a_plural_that_its_count_could_not_change() -> None:
    lines = [each for each in vars(observations).values() if isinstance(each, Observation)]
    assert len(lines) > 40
    for each in lines:
        assert "}s " not in each.line
        assert " 1 " not in each.line
