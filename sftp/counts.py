"""A count and what is so_many, as a sentence says them."""

from __future__ import annotations


def so_many(count: int, one: str, many: str = "") -> str:
    """``1 file``, ``22 files``; with words of which not the last one is so_many, both are given."""
    return f"{count} {one if count == 1 else many or one + 's'}"
