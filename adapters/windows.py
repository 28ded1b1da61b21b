"""When a source may be read: ``Mon-Fri 20:00-06:00, Sat-Sun 00:00-24:00 Europe/Berlin``.

>>> from datetime import datetime, timezone
>>> windows = Windows.parse("Mon-Fri 20:00-06:00 Europe/Berlin")
>>> windows.wait(datetime(2026, 11, 20, 18, 30, tzinfo=timezone.utc))
1800.0
>>> windows.wait(datetime(2026, 11, 21, 4, 59, tzinfo=timezone.utc))
0.0
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.errors import Stop

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "Write it as in Mon-Fri 20:00-06:00, Sat-Sun 00:00-24:00 Europe/Berlin; without a zone it is UTC"

_DAY = "|".join(DAYS)
_WINDOW = re.compile(rf"(?:({_DAY})(?:-({_DAY}))? +)?([0-9]{{2}}):([0-9]{{2}})-([0-9]{{2}}):([0-9]{{2}})")
_ALL = re.compile(r"(?P<windows>.*[0-9]{2}:[0-9]{2})(?: +(?P<zone>[A-Za-z][\w+-]*(?:/[\w+-]+)*))?")


@dataclass(frozen=True, slots=True)
class Window:
    """On these days of the week (Monday is 0) from a minute of the day on, for so many minutes."""

    days: frozenset[int]
    start: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows, in one time zone. None at all means always."""

    windows: tuple[Window, ...] = ()
    zone: str = "UTC"
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Windows:
        """The windows that a text names.

        Raises:
            Stop: It names none, or an unknown zone.
        """
        whole = _ALL.fullmatch(text.strip())
        if whole is None:
            raise Stop(f"{text!r} names no times of the week", EXAMPLE)
        zone = whole["zone"] or "UTC"
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Stop(f"there is no time zone {zone!r}", EXAMPLE) from None
        return cls(tuple(_window(part.strip()) for part in whole["windows"].split(",")), zone, text.strip())

    def wait(self, now: datetime) -> float:
        """Seconds until the source may be read; 0 when it may."""
        if not self.windows:
            return 0.0
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        openings = []
        for ahead in range(-1, 9):  # a window of yesterday may still be open; in a week each comes again
            day = today + timedelta(days=ahead)
            for window in self.windows:
                if day.weekday() not in window.days:
                    continue
                begin, end = _moment(day, window.start, zone), _moment(day, window.start + window.minutes, zone)
                if begin <= now < end:
                    return 0.0
                if begin > now:
                    openings.append(begin)
        return (min(openings) - now).total_seconds()


ALWAYS = Windows()


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise Stop(f"{text!r} names no time of the week", EXAMPLE)
    first, last, *numbers = match.groups()
    hour, minute, until_hour, until_minute = map(int, numbers)
    start, end = hour * 60 + minute, until_hour * 60 + until_minute
    if minute > 59 or until_minute > 59 or start >= 24 * 60 or end > 24 * 60 or start == end:
        raise Stop(f"{text!r} names no time of the day", EXAMPLE)
    days = frozenset(range(7))
    if first:
        begin = DAYS.index(first)
        days = frozenset((begin + step) % 7 for step in range((DAYS.index(last or first) - begin) % 7 + 1))
    return Window(days, start, end - start if end > start else end - start + 24 * 60)


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """What a wall clock of the zone calls so: in the night when clocks change, an hour may be short or long."""
    days, minute = divmod(minutes, 24 * 60)
    wall = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), zone)
    return wall.astimezone(UTC)
