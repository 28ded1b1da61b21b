"""What protects a source from us: how many may ask at once, how much, how often, when, and when no longer.

Whoever asks takes a :class:`Turn` first, and says how it ended. Answers to callers (``live``) and the reading of
changes (``follow``) have a place each that the other cannot take. Nothing here touches the database.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from adapters.errors import AdapterError, Refused, Retry
from adapters.pacing import Breaker, Bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.options import Settings
    from adapters.pacing import State

Lane = Literal["live", "follow"]

FAILURES = frozenset({"down", "slow"})
"""The codes of Retry that count against a source."""

_LOG = logging.getLogger(__name__)

Told: TypeAlias = "Callable[[State, int, str], None]"
"""Hears that the circuit breaker opened or closed: the state, after how many failures, and the last of them."""


def nobody(_state: State, _failures: int, _reason: str) -> None:
    """Whoever reads the log hears it anyway."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a source fares, as this process sees it. Moments are UTC; None: not yet.

    `state` is the breaker's. `hanging` counts the calls that a driver did not give back.
    """

    state: State = "closed"
    connections: int = 0
    in_use: int = 0
    waiting: int = 0
    hanging: int = 0
    failures: int = 0
    last_error: str = ""
    failed_at: datetime | None = None
    answered_at: datetime | None = None
    closed_until: datetime | None = None


class Turn:
    """The right to ask the source once; `trying` is whether this one finds out if it is back."""

    def __init__(self, lane: Lane, *, trying: bool, leave: Callable[[Turn], None]) -> None:
        self.lane = lane
        self.trying = trying
        self.rows = 0
        self.hanging = False
        self._leave = leave

    def leave(self) -> None:
        """Give the place of a call back that had been given up."""
        self._leave(self)


class _Context(threading.local):
    """What a thread is doing: for whom it asks, until when at most, and how many places it holds."""

    asking: bool = False
    lane: Lane = "live"
    deadline: float | None = None
    holding: int = 0


class Governor:
    """The one for a source. `clock` gives seconds that only grow, `now` the time of day.

    `told` hears of the circuit breaker, on the thread whose question opened or closed it.
    """

    def __init__(
        self,
        limits: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        told: Told = nobody,
    ) -> None:
        self.limits = limits
        self._told = told
        self._clock = clock
        self._now = now
        self._context = _Context()
        self._freed = threading.Condition()
        self._in_use: dict[Lane, int] = {"live": 0, "follow": 0}
        self._moved_at = clock()
        self._waiting = 0
        self._hanging = 0
        self._breaker = Breaker(limits.failures_max, limits.rest_seconds)
        rates = (("statements", limits.statements_per_minute), ("rows", limits.rows_per_minute))
        self._buckets = {name: Bucket.full(rate, clock()) for name, rate in rates if rate}
        self._last_error = ""
        self._failed_at: datetime | None = None
        self._answered_at: datetime | None = None

    @contextlib.contextmanager
    def question(self, lane: Lane = "live") -> Iterator[None]:
        """All statements in here are one question; those of a live one share one time-out.

        A question inside another is part of it.
        """
        context = self._context
        if context.asking:
            yield
            return
        context.asking, context.lane = True, lane
        context.deadline = self._clock() + self.limits.timeout_seconds if lane == "live" else None
        try:
            yield
        finally:
            context.asking, context.lane, context.deadline = False, "live", None

    def remaining(self) -> float:
        """Seconds that the question may still take.

        Raises:
            Retry: ``slow``: none at all.
        """
        if self._context.deadline is None:
            return self.limits.timeout_seconds
        left = self._context.deadline - self._clock()
        if left <= 0:
            raise self.late()
        return left

    def late(self) -> Retry:
        """What is said when the time is over."""
        return Retry(
            f"the database did not answer within {self.limits.timeout_seconds:g} seconds",
            "Ask for less: filter by an indexed column, or raise the option 'timeout_seconds'",
            code="slow",
        )

    @contextlib.contextmanager
    def turn(self) -> Iterator[Turn]:
        """A turn to ask one statement. Waits for a place for a moment, if there is a prospect of one.

        Raises:
            Retry: ``closed``, ``down``, ``limited`` or ``busy``; its delay is when to come again.
        """
        turn = self._entered()
        self._context.holding += 1
        try:
            yield turn
        except AdapterError as error:
            self._failed(turn, error)
            raise
        else:
            self._answered(turn)
        finally:
            self._context.holding -= 1
            if not turn.hanging:
                self._left(turn)

    def answers(self, turn: Turn) -> None:
        """The source is there, whatever comes of the turn: who tried has found out."""
        if turn.trying:
            self._answered(turn)

    def give_up(self, turn: Turn) -> None:
        """The driver does not give a call back; its place stays taken until :meth:`Turn.leave`."""
        with self._freed:
            turn.hanging = True
            self._hanging += 1

    def health(self) -> Health:
        """How the source fares; asks nothing of it."""
        now = self._now()
        wait = self.limits.windows.wait(now)
        with self._freed:
            return Health(
                state=self._breaker.state,
                connections=self.limits.connections,
                in_use=sum(self._in_use.values()),
                waiting=self._waiting,
                hanging=self._hanging,
                failures=self._breaker.failures,
                last_error=self._last_error,
                failed_at=self._failed_at,
                answered_at=self._answered_at,
                closed_until=now + timedelta(seconds=wait) if wait else None,
            )

    def _entered(self) -> Turn:
        lane = self._context.lane
        self._in_window()
        with self._freed:
            self._not_down(self._breaker.asked(self._clock())[1])
            self._within_rates()
            self._wait_for_place(lane)
            breaker, wait = self._breaker.asked(self._clock())  # it may have opened while this one waited
            self._not_down(wait)
            turn = Turn(lane, trying=breaker.state == "half_open", leave=self._left)
            self._breaker = breaker
            if "statements" in self._buckets:
                self._buckets["statements"] = self._buckets["statements"].spent(1, self._clock())
            self._in_use[lane] += 1
            self._moved_at = self._clock()
        return turn

    def _in_window(self) -> None:
        windows = self.limits.windows
        wait = windows.wait(self._now())
        if wait:
            raise Retry(
                f"the database may be read {windows.text} only",
                "Ask again then; the option 'windows' says when",
                delay_seconds=wait,
                code="closed",
            )

    def _not_down(self, wait: float) -> None:
        if wait:
            raise Retry(
                f"the database failed again and again and is left alone for a while ({self._last_error})",
                "It is tried by itself; see what it says of itself, and the network between",
                delay_seconds=wait,
                code="down",
            )

    def _within_rates(self) -> None:
        for name, bucket in self._buckets.items():
            wait = bucket.wait(self._clock())
            if wait:
                raise Retry(
                    f"no more than {bucket.per_minute:g} {name} a minute are asked of the database",
                    f"Ask later or for less, or raise the option '{name}_per_minute'",
                    delay_seconds=wait,
                    code="limited",
                )

    def _wait_for_place(self, lane: Lane) -> None:
        """Wait until there is room. Where nothing has moved for long, a wait would only hold whoever waits."""
        if self._has_room(lane):
            return
        limits = self.limits
        stuck = self._clock() - self._moved_at >= limits.wait_seconds
        if stuck or self._waiting >= limits.waiting:
            raise self._busy()
        self._waiting += 1
        try:
            if not self._freed.wait_for(lambda: self._has_room(lane), min(limits.wait_seconds, self.remaining())):
                raise self._busy()
        finally:
            self._waiting -= 1

    def _has_room(self, lane: Lane) -> bool:
        """A place in each lane is left to the other; a thread that holds one already may have the last."""
        limits = self.limits
        if sum(self._in_use.values()) >= limits.connections:
            return False
        return bool(self._context.holding) or self._in_use[lane] < max(1, limits.connections - 1)

    def _busy(self) -> Retry:
        hanging = f", {self._hanging} of them in calls that the driver does not give back" if self._hanging else ""
        return Retry(
            f"all connections to the database are in use{hanging}",
            "Ask again, or raise the option 'connections' if the database bears more",
            delay_seconds=max(1.0, self.limits.wait_seconds),
            code="busy",
        )

    def _left(self, turn: Turn) -> None:
        with self._freed:
            self._in_use[turn.lane] -= 1
            self._hanging -= turn.hanging
            if turn.trying:
                self._breaker = self._breaker.left()
            self._moved_at = self._clock()
            self._freed.notify_all()

    def _answered(self, turn: Turn) -> None:
        with self._freed:
            if "rows" in self._buckets:
                self._buckets["rows"] = self._buckets["rows"].spent(turn.rows, self._clock())
            self._answered_at = self._now()
            was, self._breaker = self._breaker, self._breaker.answered()
        turn.trying = False
        if was.state != "closed":
            _LOG.info("a database answers again after %d failures", was.failures)
            self._told("closed", was.failures, self._last_error)

    def _failed(self, turn: Turn, error: AdapterError) -> None:
        """What is the question's own fault, or a lock's, is an answer too."""
        failure = isinstance(error, Refused) or (isinstance(error, Retry) and error.code in FAILURES)
        if not failure:
            self._answered(turn)
            return
        with self._freed:
            self._last_error, self._failed_at = error.message, self._now()
            was, self._breaker = self._breaker, self._breaker.failed(self._clock(), trying=turn.trying)
            opened = was.state == "closed" and self._breaker.state == "open"
        turn.trying = False
        if opened:
            _LOG.warning("a database failed %d times in a row and is left alone: %s", was.failures + 1, error.message)
            self._told("open", was.failures + 1, error.message)
