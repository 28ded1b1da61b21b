"""Token bucket and circuit breaker, moved by a clock of our own."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from adapters import pacing, windows
from adapters.pacing import BURST_SECONDS, Breaker, Bucket

STEPS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["ask", "answer", "fail", "leave"])), max_size=60)


def test_the_examples() -> None:
    for module in (pacing, windows):
        done = doctest.testmod(module)
        assert done.attempted > 3
        assert done.failed == 0


@given(
    st.integers(1, 10_000),
    st.lists(st.tuples(st.floats(0, 120), st.integers(0, 5000)), max_size=60),
)
def test_no_more_is_spent_than_the_time_is_worth(per_minute: int, steps: list[tuple[float, int]]) -> None:
    now, bucket = 0.0, Bucket.full(per_minute, 0.0)
    spent: list[tuple[float, int]] = []
    for seconds, amount in steps:
        now += seconds
        if bucket.wait(now) == 0:
            bucket = bucket.spent(amount, now)
            spent.append((now, amount))
    burst = max(1.0, per_minute / 60 * BURST_SECONDS)
    for first, (begin, _) in enumerate(spent):
        for last in range(first, len(spent)):
            total = sum(amount for _, amount in spent[first:last])  # the last piece is known afterwards only
            assert total <= burst + (spent[last][0] - begin) * per_minute / 60 + 1e-6


@given(st.integers(1, 10_000), st.integers(0, 100_000), st.floats(0, 1e6))
def test_after_the_wait_there_is_something_to_spend(per_minute: int, amount: int, now: float) -> None:
    bucket = Bucket.full(per_minute, now).spent(amount, now)
    wait = bucket.wait(now)
    assert wait >= 0
    assert bucket.wait(now + wait) < 1e-3
    assert bucket.wait(now - 10) <= wait + 1e-6, "a clock that goes back takes nothing away"


@given(st.integers(1, 5), st.floats(1, 60), STEPS)
def test_the_breaker(failures_max: int, rest: float, steps: list[tuple[float, str]]) -> None:
    """One at most tries; it opens after so many failures in a row, never sooner, and lets nobody in while it rests."""
    now, breaker = 0.0, Breaker(failures_max, rest)
    trying = False
    in_a_row = 0
    for seconds, step in steps:
        now += seconds
        was = breaker
        if step == "ask":
            breaker, wait = breaker.asked(now)
            if was.state == "closed":
                assert wait == 0
                assert breaker == was
            elif wait == 0:
                assert was.state == "open"
                assert was.open_until is not None
                assert now >= was.open_until
                assert not trying
                trying = True
            else:
                assert breaker == was
        elif step == "answer":
            breaker, trying, in_a_row = breaker.answered(), False, 0
            assert breaker.state == "closed"
        elif step == "fail":
            in_a_row += 1
            breaker = breaker.failed(now, trying=trying)
            if trying:
                assert breaker.open_until == now + rest
            elif was.state == "open":
                assert breaker.open_until == was.open_until, "what was asked before it opened is no news"
            trying = False
        elif trying:
            breaker, trying = breaker.left(), False
            assert breaker.asked(now)[1] == 0
        assert (breaker.state == "half_open") == trying
        assert (breaker.state == "closed") == (in_a_row < failures_max)
        assert breaker.failures == in_a_row
