"""Who may ask a source, and when: without a database, and with a clock of our own where time matters."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import pytest

from adapters.errors import Refused, Reject, Retry, Stop
from adapters.governor import Governor
from adapters.options import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.errors import AdapterError

LONG = 30


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def day(self) -> datetime:
        return datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)


def until(true: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    pause = threading.Event()
    assert any(true() or pause.wait(0.005) for _ in range(LONG * 200))


def governor(clock: Clock | None = None, **options: str) -> tuple[Governor, Clock]:
    clock = clock or Clock()
    return Governor(settings(options), clock=clock, now=clock.day), clock


def ask(asked: Governor, error: AdapterError | None = None, rows: int = 0) -> None:
    with asked.turn() as turn:
        turn.rows = rows
        if error is not None:
            raise error


def refused(asked: Governor) -> Retry:
    with pytest.raises(Retry) as caught:
        ask(asked)
    return caught.value


def fail(asked: Governor, error: AdapterError) -> None:
    with pytest.raises(type(error)):
        ask(asked, error)


DOWN = Retry("cannot connect: nobody there", lost=True)
SLOW = Retry("it took too long", code="slow")


def test_callers_leave_a_place_for_changes_and_changes_one_for_callers() -> None:
    lanes: tuple[tuple[Literal["live", "follow"], Literal["live", "follow"]], ...]
    lanes = (("live", "follow"), ("follow", "live"))
    for many, few in lanes:
        asked, clock = governor(connections="3", wait_seconds="0.01")
        full, let_go = threading.Barrier(3), threading.Event()

        def hold(lane: Literal["live", "follow"], asked: Governor = asked) -> None:
            with asked.question(lane), asked.turn():
                full.wait(LONG)  # noqa: B023 - the threads end before the next round
                let_go.wait(LONG)  # noqa: B023 - as above

        threads = [threading.Thread(target=hold, args=(many,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        full.wait(LONG)
        clock.seconds += 1  # nothing has moved for long: a wait has no prospect
        with asked.question(many):
            assert refused(asked).code == "busy"
        with asked.question(few), asked.turn():
            assert asked.health().in_use == 3
        let_go.set()
        for thread in threads:
            thread.join()
        assert asked.health().in_use == 0


def test_a_thread_that_holds_a_place_is_not_kept_from_the_last_one_by_the_others() -> None:
    asked, _ = governor(connections="2")
    with asked.question("follow"), asked.turn(), asked.turn():
        assert asked.health().in_use == 2
    only, _ = governor(connections="1", wait_seconds="0.01")
    with only.turn():
        assert refused(only).code == "busy"
    ask(only)


def test_one_waits_for_a_place_while_there_is_a_prospect_and_so_do_only_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, clock = governor(connections="1", waiting="1", wait_seconds="60", timeout_seconds="60")
    done: list[str] = []

    def waits() -> None:
        ask(asked)
        done.append("waited")

    with ExitStack() as held:
        held.enter_context(asked.turn())
        waiter = threading.Thread(target=waits)
        waiter.start()
        until(lambda: asked.health().waiting == 1)
        assert refused(asked).code == "busy", "one waits already, and no more may"
        assert done == []
    waiter.join(LONG)
    assert done == ["waited"]
    monkeypatch.setattr(asked._freed, "wait_for", lambda *_: pytest.fail("nobody waits where nothing has moved"))
    with asked.turn():
        clock.seconds += 61
        found = refused(asked)
        assert (found.code, found.delay_seconds) == ("busy", 60.0)


def test_what_is_left_alone_after_failures_is_tried_by_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="adapters.governor")
    asked, clock = governor(failures_max="2", rest_seconds="20", wait_seconds="1")
    fail(asked, DOWN)
    ask(asked)
    fail(asked, SLOW)
    assert asked.health().state == "closed"
    fail(asked, DOWN)
    for _ in range(3):
        found = refused(asked)
        assert (found.code, found.delay_seconds) == ("down", 20.0)
        assert "nobody there" in found.message
    clock.seconds += 20
    with asked.turn() as turn:
        assert (turn.trying, asked.health().state) == (True, "half_open")
        assert refused(asked).code == "down"
    assert asked.health().state == "closed"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"], "told once each"


def test_who_listens_hears_once_that_a_source_is_left_alone_and_once_that_it_is_back() -> None:
    clock = Clock()
    heard: list[tuple[str, int, str]] = []
    asked = Governor(
        settings({"failures_max": "2", "rest_seconds": "20"}), clock=clock, told=lambda *said: heard.append(said)
    )
    for _ in range(2):
        fail(asked, DOWN)
    clock.seconds += 20
    fail(asked, DOWN)
    assert [(state, failures) for state, failures, _ in heard] == [("open", 2)]
    clock.seconds += 20
    ask(asked)
    ask(asked)
    assert [(state, failures) for state, failures, _ in heard] == [("open", 2), ("closed", 3)]


def test_the_one_who_tries_in_vain_leaves_it_alone_for_as_long_again() -> None:
    asked, clock = governor(failures_max="1", rest_seconds="20")
    fail(asked, DOWN)
    clock.seconds += 25
    fail(asked, SLOW)
    assert refused(asked).delay_seconds == 20.0
    clock.seconds += 20
    with pytest.raises(KeyboardInterrupt), asked.turn():
        raise KeyboardInterrupt
    assert asked.health().state == "open", "nobody knows; the next may try at once"
    ask(asked)
    assert asked.health().state == "closed"


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (DOWN, True),
        (SLOW, True),
        (Refused("the password is wrong"), True),
        (Stop("the table is gone"), False),
        (Reject("bad_value", "no number"), False),
        (Retry("a lock was not available"), False),
    ],
)
def test_what_counts_against_a_source(error: AdapterError, counts: bool) -> None:
    asked, _ = governor(failures_max="1")
    fail(asked, error)
    assert (asked.health().state == "open") is counts
    assert (asked.health().last_error == error.message) is counts


def test_so_many_statements_and_rows_a_minute() -> None:
    asked, clock = governor(statements_per_minute="60", connections="4")
    for _ in range(10):  # ten seconds' worth may be saved up
        ask(asked)
    found = refused(asked)
    assert (found.code, found.delay_seconds) == ("limited", 1.0)
    assert "60 statements a minute" in found.message
    clock.seconds += 1
    ask(asked)

    asked, clock = governor(rows_per_minute="600")
    ask(asked, rows=700)
    assert refused(asked).delay_seconds == pytest.approx(60.1)
    assert asked.health().state == "closed"
    clock.seconds += 60.2
    ask(asked)


def test_outside_its_windows_nothing_is_asked() -> None:
    asked, clock = governor(windows="Sat 13:00-14:00")
    found = refused(asked)
    assert (found.code, found.delay_seconds) == ("closed", 3600.0)
    assert "Sat 13:00-14:00" in found.message
    assert asked.health().closed_until == clock.day() + timedelta(hours=1)
    clock.seconds += 3600
    ask(asked)
    assert asked.health().closed_until is None
    assert asked.health().answered_at == clock.day()


def test_the_statements_of_a_callers_question_share_its_time() -> None:
    asked, clock = governor(timeout_seconds="10")
    with asked.question():
        clock.seconds += 4
        with asked.question():
            assert asked.remaining() == 6
        clock.seconds += 6
        with pytest.raises(Retry, match="within 10 seconds") as caught:
            asked.remaining()
        assert caught.value.code == "slow"
    assert asked.remaining() == 10
    with asked.question("follow"):
        clock.seconds += 100
        assert asked.remaining() == 10


def test_a_call_that_is_given_up_keeps_its_place_until_it_comes_back() -> None:
    asked, clock = governor(connections="1", wait_seconds="0.01")
    with asked.turn() as turn:
        asked.give_up(turn)
    clock.seconds += 1
    found = refused(asked)
    assert "1 of them in calls that the driver does not give back" in found.message
    assert (asked.health().hanging, asked.health().in_use) == (1, 1)
    turn.leave()
    assert (asked.health().hanging, asked.health().in_use) == (0, 0)
    ask(asked)
