"""The log as an administrator reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.operate.tail import as_json, as_text, by_time, since
from gateway.store.activity import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LINE = Line(7, NOW, "problem", "finding", "acme-orders", "acme", "d_01m7yhcjx2zzzz", "first\nsecond", {"code": "x"})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-11-21T08:00:00Z", NOW - timedelta(hours=1)),
        ("2026-11-21T09:00:00+01:00", NOW - timedelta(hours=1)),
        ("2026-11-21T08:00:00", NOW - timedelta(hours=1)),
    ],
)
def test_since_takes_durations_and_times(text: str, moment: datetime) -> None:
    assert since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "2 h", "-2h", "2w", "12:30"])
def test_since_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="write 30s, 15m, 2h, 3d"):
        since(text, NOW)


def test_a_line_is_one_line_with_and_without_colour() -> None:
    plain = as_text(LINE, colour=False)
    assert plain == "09:00:00.000  acme-orders        d_01m7yhcjx2  ✗ finding         first ⏎ second"
    coloured = as_text(LINE, colour=True)
    assert "\n" not in coloured
    assert "\x1b[31m" in coloured
    assert coloured.endswith("\x1b[0m")


def test_a_line_is_shown_at_the_time_when_it_happened() -> None:
    early = replace(LINE, data={"at": "2026-11-21T08:59:58.250000Z"})
    assert as_text(early, colour=False).startswith("08:59:58.250  ")
    assert as_text(replace(LINE, data={"at": "soon"}), colour=False).startswith("09:00:00.000  ")


def test_a_moment_that_cannot_be_is_none() -> None:
    ahead = replace(LINE, data={"at": "2026-11-21T09:00:05Z"})
    assert as_text(ahead, colour=False).startswith("09:00:00.000  ")  # it was written before it happened
    assert as_text(replace(LINE, data={"at": "2026-11-21T08:00:00"}), colour=False).startswith("09:00:00.000  ")


def test_a_late_line_has_an_arrow_by_its_time_and_stands_in_its_columns() -> None:
    plain, late = as_text(LINE, colour=False), as_text(LINE, colour=False, late=True)
    assert late == plain.replace("09:00:00.000 ", "09:00:00.000↑")
    assert "09:00:00.000↑" in as_text(LINE, colour=True, late=True)


def told(number: int, *, written: float, happened: float | None = None) -> Line:
    """A line by its number, written and happened so many seconds after nine."""
    data = {} if happened is None else {"at": (NOW + timedelta(seconds=happened)).isoformat()}
    return replace(LINE, id=number, at=NOW + timedelta(seconds=written), data=data)


def test_what_is_there_at_once_is_in_the_order_of_time_and_of_numbers_within_a_moment() -> None:
    lines = [told(1, written=1), told(2, written=2, happened=0.5), told(3, written=2), told(4, written=2, happened=1)]
    for pages in ([lines], [lines[:1], lines[1:3], lines[3:]], [lines, []]):
        assert [(line.id, late) for line, late in by_time(pages)] == [(2, False), (1, False), (4, False), (3, False)]


def test_a_line_that_comes_later_is_marked_and_those_behind_it_are_not() -> None:
    pages = [[told(1, written=1)], [], [told(2, written=5, happened=0.5), told(3, written=5)], [], [told(4, written=6)]]
    assert [(line.id, late) for line, late in by_time(pages)] == [(1, False), (2, True), (3, False), (4, False)]


def test_a_follower_is_shown_what_came_before_it_waits() -> None:
    shown: list[int] = []

    def pages() -> Iterator[list[Line]]:
        yield [told(1, written=1)]
        yield []
        assert shown == [1]

    for line, _ in by_time(pages()):
        shown.append(line.id)


def test_of_very_many_lines_only_the_last_minute_is_held() -> None:
    read = 0

    def pages() -> Iterator[list[Line]]:
        nonlocal read
        for number in range(100):
            read = number
            yield [told(number, written=30 * number)]

    for line, late in by_time(pages()):
        assert (late, read - line.id <= 3) == (False, True)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 600, allow_nan=False), st.none() | st.floats(0, 600, allow_nan=False), st.integers(0, 2)
        ),
        max_size=40,
    )
)
def test_however_lines_come_each_is_shown_once_and_marked_if_one_behind_it_was(
    drawn: list[tuple[float, float | None, int]],
) -> None:
    written = sorted(each for each, _, _ in drawn)
    pages: list[list[Line]] = [[]]
    for number, (second, (_, late, ends)) in enumerate(zip(written, drawn, strict=True)):
        pages[-1].append(told(number, written=second, happened=None if late is None else max(0, second - late)))
        pages += [[[]], [[], []], []][ends]
    shown = list(by_time(pages))
    assert sorted(line.id for line, _ in shown) == list(range(len(drawn)))
    newest = None
    for line, late in shown:
        at = datetime.fromisoformat(line.data.get("at", line.at.isoformat()))
        assert late == (newest is not None and at < newest)
        newest = at if newest is None else max(at, newest)


def test_json_has_the_members_of_the_api() -> None:
    assert as_json(LINE).startswith('{"id": 7, "at": "2026-11-21T09:00:00Z", "level": "problem", "event": "finding"')
