"""How much is asked of a source, and whether at all: a token bucket and a circuit breaker.

Both are values that a clock's seconds are put into and a new value comes out of; whoever holds them locks. An example:

    >>> bucket = Bucket.full(per_minute=60, now=0)
    >>> bucket = bucket.spent(15, now=0)
    >>> bucket.wait(now=0)
    6.0

    >>> breaker = Breaker(failures_max=2, rest_seconds=30).failed(now=0).failed(now=1)
    >>> breaker.state, breaker.asked(now=11)[1]
    ('open', 20)
    >>> breaker, wait = breaker.asked(now=31)
    >>> breaker.state, wait, breaker.answered().state
    ('half_open', 0.0, 'closed')
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

State = Literal["closed", "open", "half_open"]

BURST_SECONDS = 10.0
"""So much may be saved up: a source that was left alone for an hour is not asked an hour's worth at once."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many a minute. What it costs may be known afterwards only (rows), so the level may sink below nothing.

    Over any time, no more is spent than the time's worth, ten seconds' worth beside, and the last piece.
    """

    per_minute: float
    level: float
    at: float

    @classmethod
    def full(cls, per_minute: float, now: float) -> Bucket:
        """With all that can be saved up."""
        return cls(per_minute, max(1.0, per_minute / 60 * BURST_SECONDS), now)

    def filled(self, now: float) -> Bucket:
        """The bucket as it stands now; a clock that went back fills nothing."""
        full = max(1.0, self.per_minute / 60 * BURST_SECONDS)
        gained = max(0.0, now - self.at) * self.per_minute / 60
        return replace(self, level=min(full, self.level + gained), at=max(now, self.at))

    def wait(self, now: float) -> float:
        """Seconds until there is something to spend; 0 when there is."""
        lacking = 1.0 - self.filled(now).level
        return max(0.0, lacking * 60 / self.per_minute)

    def spent(self, amount: float, now: float) -> Bucket:
        """After so much was spent."""
        standing = self.filled(now)
        return replace(standing, level=standing.level - amount)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Leaves a source alone that fails again and again.

    ``closed`` → `failures_max` failures in a row → ``open`` → after `rest_seconds` the next who asks goes in alone
    (``half_open``) → ``closed`` if the source answers, else ``open`` again.
    """

    failures_max: int
    rest_seconds: float
    failures: int = 0
    open_until: float | None = None
    trying: bool = False

    @property
    def state(self) -> State:
        """In a word."""
        if self.open_until is None:
            return "closed"
        return "half_open" if self.trying else "open"

    def asked(self, now: float) -> tuple[Breaker, float]:
        """Whether somebody may ask: 0, or in how many seconds. Who may while it was open is the one who tries."""
        if self.open_until is None:
            return self, 0.0
        if self.trying:
            return self, max(1.0, self.open_until - now)
        if now < self.open_until:
            return self, self.open_until - now
        return replace(self, trying=True), 0.0

    def answered(self) -> Breaker:
        """The source answered, whoever asked."""
        return replace(self, failures=0, open_until=None, trying=False)

    def failed(self, now: float, *, trying: bool = False) -> Breaker:
        """The source failed; `trying` when that was the one who tried.

        What was asked before it opened, and fails afterwards, is no news.
        """
        failures = self.failures + 1
        if trying or (self.open_until is None and failures >= self.failures_max):
            return replace(self, failures=failures, open_until=now + self.rest_seconds, trying=False)
        return replace(self, failures=failures)

    def left(self) -> Breaker:
        """The one who tried went without knowing; the next may try."""
        return replace(self, trying=False)
