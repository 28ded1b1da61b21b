"""Control numbers that were met: two documents with the same one may be copies of each other."""

from __future__ import annotations

_MOST = 100_000
"""So many numbers that do not count on from each other are remembered; memory is bounded by it."""


class Met:
    """The control numbers of one group or interchange. A run of numbers that count on takes no memory."""

    __slots__ = ("_first", "_last", "_others")

    def __init__(self) -> None:
        self._first = 0
        self._last = -1
        self._others: set[int | str] = set()

    def again(self, number: str) -> bool:
        """Whether `number` was met before; from now on it was. Leading zeros do not matter."""
        value: int | str = int(number) if number.isascii() and number.isdecimal() else number
        if value in self._others:
            return True
        if isinstance(value, int):
            if value == self._last + 1 or self._last < self._first:
                self._first = value if self._last < self._first else self._first
                self._last = value
                return False
            if self._first <= value <= self._last:
                return True
        if len(self._others) < _MOST:
            self._others.add(value)
        return False
