"""A count and its noun agree."""

from __future__ import annotations

from adapters.counts import so_many


def test_one_of_something_is_told_as_one() -> None:
    assert [so_many(count, "row") for count in (0, 1, 2, 22000)] == ["0 rows", "1 row", "2 rows", "22,000 rows"]
    assert [so_many(count, "file waits", "files wait") for count in (1, 2)] == ["1 file waits", "2 files wait"]
