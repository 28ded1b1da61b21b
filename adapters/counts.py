"""A count and what is counted, as a sentence says them."""

from __future__ import annotations


def so_many(count: int, one: str, many: str = "") -> str:
    """``1 row``, ``22,000 rows``; with words of which not the last one is counted, both are given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
