"""Bodies that dribble: their connections are left, and others' are not."""

from __future__ import annotations

import threading

from gateway.serve.arriving import SECONDS_MAX, Arriving


class Clock:
    """Seconds as a test wants them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_part_has_its_time_and_who_is_late_is_left_once_it_is_looked() -> None:
    left: list[tuple[str, float]] = []
    clock = Clock()
    arriving = Arriving(lambda peer, seconds: left.append((peer, seconds)), clock)
    arriving._watched = True  # nobody looks but who is asked to
    with arriving.body("203.0.113.1") as came, arriving.body("203.0.113.2"):
        clock.now = SECONDS_MAX - 1
        arriving.look()
        assert left == []
        came()
        clock.now = SECONDS_MAX + 1
        arriving.look()
        assert left == [("203.0.113.2", SECONDS_MAX + 1)]
    arriving.look()
    assert len(left) == 1


def test_somebody_looks_without_being_asked() -> None:
    left = threading.Event()
    clock = Clock()
    arriving = Arriving(lambda _peer, _seconds: left.set(), clock)
    with arriving.body("203.0.113.1"):
        clock.now = SECONDS_MAX
        assert left.wait(30)


def test_what_goes_wrong_while_somebody_is_left_ends_nothing() -> None:
    left = threading.Event()
    ends = iter([OSError(24, "Too many open files")])

    def abandon(_peer: str, _seconds: float) -> None:
        for end in ends:
            raise end
        left.set()

    clock = Clock()
    arriving = Arriving(abandon, clock)
    with arriving.body("203.0.113.1"):
        clock.now = SECONDS_MAX
        assert left.wait(30)
