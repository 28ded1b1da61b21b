"""How long things are kept, counted back from a day."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.contracts import kept_since, outlasts


@pytest.mark.parametrize(
    ("age", "now", "expected"),
    [
        ("90d", (2026, 11, 21), (2026, 8, 23)),
        ("7y", (2026, 11, 21), (2019, 11, 21)),
        ("1y", (2024, 2, 29), (2023, 2, 28)),
        ("4y", (2024, 2, 29), (2020, 2, 28)),
        ("9999y", (2026, 11, 21), (1, 1, 1)),
        ("99999999999d", (2026, 11, 21), (1, 1, 1)),
    ],
)
def test_what_came_before_that_day_is_over(age: str, now: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    assert kept_since(age, datetime(*now, tzinfo=UTC)) == datetime(*expected, tzinfo=UTC)


def test_ages_are_compared_by_the_day() -> None:
    assert outlasts("1y", "364d")
    assert not outlasts("1y", "365d")
    assert outlasts("90d", "89d")
    assert not outlasts("90d", "90d")
