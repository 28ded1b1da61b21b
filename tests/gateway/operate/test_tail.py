"""The log as an administrator reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.operate.tail import as_json, as_text, since
from gateway.store.activity import Line

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


def test_json_has_the_members_of_the_api() -> None:
    assert as_json(LINE).startswith('{"id": 7, "at": "2026-11-21T09:00:00Z", "level": "problem", "event": "finding"')
