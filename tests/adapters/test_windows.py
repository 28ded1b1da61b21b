"""When a source may be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Stop
from adapters.windows import ALWAYS, Windows

MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside
TEXTS = st.sampled_from(
    [
        "Mon-Fri 20:00-06:00 Europe/Berlin",
        "01:30-02:30 Europe/Berlin",
        "02:15-03:15 America/New_York",
        "Sat-Sun 00:00-24:00, Mon-Fri 22:00-23:30 Asia/Kolkata",
        "Fri-Mon 12:00-13:00",
        "Sun 23:59-00:01 Pacific/Auckland",
    ]
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment", "wait"),
    [
        ("Mon-Fri 20:00-06:00 Europe/Berlin", "2026-11-20 18:59:59", 1),
        ("Mon-Fri 20:00-06:00 Europe/Berlin", "2026-11-20 19:00:00", 0),
        ("Mon-Fri 20:00-06:00 Europe/Berlin", "2026-11-21 04:59:59", 0),
        ("Mon-Fri 20:00-06:00 Europe/Berlin", "2026-11-21 05:00:00", 2 * 86400 + 14 * 3600),
        ("Sat-Sun 00:00-24:00", "2026-11-22 23:59:59", 0),
        ("Sat-Sun 00:00-24:00", "2026-11-23 00:00:00", 5 * 86400),
        ("Fri-Mon 12:00-13:00", "2026-11-23 12:30:00", 0),
        ("12:00-13:00", "2026-11-24 13:00:00", 23 * 3600),
        # the night in which clocks go back has the hour before three twice: the window is as long as the wall says
        ("Sun 01:00-04:00 Europe/Berlin", "2026-10-25 02:59:59", 0),
        ("Sun 01:00-04:00 Europe/Berlin", "2026-10-24 22:59:59", 1),
        ("Sun 01:00-04:00 Europe/Berlin", "2026-10-25 03:00:00", 7 * 86400 - 3 * 3600),
    ],
)
def test_when_a_source_may_be_read(text: str, moment: str, wait: float) -> None:
    assert Windows.parse(text).wait(at(moment)) == wait


def test_without_windows_it_may_always_be_read() -> None:
    assert ALWAYS.wait(at("2026-11-21 12:00")) == 0


@given(TEXTS, MOMENTS)
def test_after_the_wait_it_is_open_and_not_before(text: str, moment: datetime) -> None:
    windows = Windows.parse(text)
    wait = windows.wait(moment)
    assert 0 <= wait <= 8 * 86400
    assert windows.wait(moment + timedelta(seconds=wait)) == 0
    if wait > 1:
        assert windows.wait(moment + timedelta(seconds=wait - 1)) > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "always",
        "Mon-Fri",
        "Mon-Fri 20-06",
        "Mon-Fri 20:00-20:00",
        "Mon-Fri 24:00-06:00",
        "Mon-Fri 20:60-21:00",
        "Mon-Fri 20:00-24:01",
        "Monday 20:00-06:00",
        "20:00-06:00 Europe/Atlantis",
        "20:00-06:00 ../../etc/passwd",
        "20:00-06:00,",
        "Mon 20:00-06:00; Tue 20:00-06:00",
    ],
)
def test_what_names_no_times_is_told(text: str) -> None:
    with pytest.raises(Stop) as caught:
        Windows.parse(text)
    assert "Mon-Fri 20:00-06:00" in caught.value.remedy
