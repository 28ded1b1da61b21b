"""Answers that callers share."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from adapters.errors import Retry
from adapters.governor import Governor
from adapters.live import Live
from adapters.model import Page, Selection
from adapters.options import settings

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 30


class Counted:
    """A source that counts what it is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.error: Exception | None = None

    def page(self, table: str, selection: Selection) -> Page:
        self.asked += 1
        number = self.asked
        assert self.answers.wait(LONG)
        if self.error is not None:
            raise self.error
        return Page([{"table": table, "asked": number}] * selection.limit, None)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AssertionError(name)


def until(true: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    pause = threading.Event()
    assert any(true() or pause.wait(0.005) for _ in range(LONG * 200))


def live(source: Counted, seconds: list[float], **options: str) -> Live:
    governor = Governor(settings(options), clock=lambda: seconds[0])
    return Live(source, governor, clock=lambda: seconds[0])  # type: ignore[arg-type] # only pages are asked for


def test_identical_questions_at_one_time_are_one() -> None:
    source, seconds = Counted(), [0.0]
    source.answers.clear()
    shared = live(source, seconds, wait_seconds=str(LONG))
    with ThreadPoolExecutor(9) as callers:
        same = [callers.submit(shared.page, "t", Selection()) for _ in range(8)]
        until(lambda: shared._waiting == 7)
        other = callers.submit(shared.page, "t", Selection(limit=1))
        seconds[0] = 2.0
        until(lambda: source.asked == 2)
        source.answers.set()
        assert {each.result(LONG).value.rows[0]["asked"] for each in same} == {1}
        assert {each.result(LONG).age_seconds for each in same} == {2.0}
        assert other.result(LONG).value.rows[0]["asked"] == 2
    assert source.asked == 2
    assert shared.page("t", Selection()).value.rows[0]["asked"] == 3, "nothing is kept where nobody said so"


def test_what_fails_fails_for_all_who_share_it_and_is_not_kept() -> None:
    source, seconds = Counted(), [0.0]
    source.answers.clear()
    source.error = Retry("nobody is there", lost=True)
    shared = live(source, seconds, cache_seconds="5", wait_seconds=str(LONG))
    with ThreadPoolExecutor(2) as callers:
        both = [callers.submit(shared.page, "t", Selection()) for _ in range(2)]
        until(lambda: shared._waiting == 1)
        source.answers.set()
        for each in both:
            with pytest.raises(Retry, match="nobody is there"):
                each.result(LONG)
    source.error = None
    assert shared.page("t", Selection()).value.rows[0]["asked"] == 2


def test_only_a_few_wait_for_the_same_and_not_for_long() -> None:
    source, seconds = Counted(), [0.0]
    source.answers.clear()
    shared = live(source, seconds, waiting="1", wait_seconds=str(LONG))
    with ThreadPoolExecutor(2) as callers:
        first = [callers.submit(shared.page, "t", Selection()) for _ in range(2)]
        until(lambda: shared._waiting == 1)
        with pytest.raises(Retry) as caught:
            shared.page("t", Selection())
        assert caught.value.code == "busy"
        source.answers.set()
        assert [each.result(LONG).value.rows[0]["asked"] for each in first] == [1, 1]
    source.answers.clear()
    with ThreadPoolExecutor(1) as callers:
        slow = callers.submit(shared.page, "t", Selection())
        until(lambda: source.asked == 2)
        seconds[0] += LONG
        with pytest.raises(Retry, match="no answer yet"):
            shared.page("t", Selection())
        source.answers.set()
        assert slow.result(LONG)


def test_answers_are_kept_for_a_while_and_not_too_many() -> None:
    source, seconds = Counted(), [0.0]
    shared = live(source, seconds, cache_seconds="5")
    assert shared.page("t", Selection()).age_seconds == 0
    seconds[0] = 4.5
    kept = shared.page("t", Selection())
    assert (kept.value.rows[0]["asked"], kept.age_seconds) == (1, 4.5)
    assert shared.page("u", Selection()).value.rows[0]["table"] == "u"
    seconds[0] = 5.0
    assert shared.page("t", Selection()).value.rows[0]["asked"] == 3
    for number in range(60):
        shared.page(f"t{number}", Selection(limit=1000))
    assert sum(kept.rows for kept in shared._kept.values()) == shared._rows <= 20_000
    before = source.asked
    shared.page("t59", Selection(limit=1000))
    assert source.asked == before
