"""Questions of many threads at the same moment are asked together, and each gets its own answer."""

from __future__ import annotations

import doctest
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from gateway.store.hot import Busy
from gateway.store.hot import together as module
from gateway.store.hot.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 20.0


def test_the_example_works() -> None:
    failed, attempted = doctest.testmod(module)
    assert (failed, attempted > 1) == (0, True)


class Server:
    """Doubles numbers; the first question that it is asked waits until it may go on."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.has_begun = threading.Event()
        self.may_end = threading.Event()
        self.refuses: Callable[[list[int]], bool] = lambda _: False

    def __call__(self, numbers: list[int]) -> list[int]:
        self.asked.append(numbers)
        if len(self.asked) == 1:
            self.has_begun.set()
            assert self.may_end.wait(_SECONDS)
        if self.refuses(numbers):
            raise OSError("it is gone")
        return [2 * number for number in numbers]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy otherwise may take its time."""
    monkeypatch.setattr(module, "_SECONDS", 60.0)


def gathered(together: Together[int, int], count: int) -> None:
    """Return when so many wait."""
    turn = threading.Event()
    for _ in range(2000):
        with together._lock:
            if len(together._waiting) == count:
                return
        turn.wait(0.01)
    raise AssertionError("they did not come")


def test_who_comes_while_one_asks_is_asked_for_together_and_gets_his_own_answer() -> None:
    server = Server()
    together = Together(server)
    with ThreadPoolExecutor(20) as threads:
        first = threads.submit(together, 1)
        assert server.has_begun.wait(_SECONDS)
        others = [threads.submit(together, number) for number in range(2, 20)]
        gathered(together, 18)
        server.may_end.set()
        assert first.result(_SECONDS) == 2
        assert [each.result(_SECONDS) for each in others] == [2 * number for number in range(2, 20)]
    assert [sorted(numbers) for numbers in server.asked] == [[1], list(range(2, 20))]
    assert together(50) == 100, "who comes alone asks alone"
    assert server.asked[-1] == [50]


def test_an_answer_is_looked_for_after_it_was_asked_for() -> None:
    """What is answered to somebody is never what was read before he came."""
    server = Server()
    clock = iter(range(100))
    reads: Together[int, int] = Together(lambda asked: server(asked) and [next(clock)] * len(asked))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(reads, 0)
        assert server.has_begun.wait(_SECONDS)
        second = threads.submit(reads, 0)
        gathered(reads, 1)
        server.may_end.set()
        assert (first.result(_SECONDS), second.result(_SECONDS)) == (0, 1)


def test_a_failure_reaches_all_who_were_asked_for_and_nobody_else() -> None:
    server = Server()
    server.refuses = lambda numbers: len(numbers) > 1
    together = Together(server)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(together, 1)
        assert server.has_begun.wait(_SECONDS)
        others = [threads.submit(together, number) for number in (2, 3, 4)]
        gathered(together, 3)
        server.may_end.set()
        assert first.result(_SECONDS) == 2
        problems = [type(each.exception(_SECONDS)) for each in others]
    assert sorted(problem.__name__ for problem in problems) == ["Busy", "Busy", "OSError"]
    assert together(5) == 10


def test_nobody_waits_long_behind_one_who_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    server = Server()
    together = Together(server)
    with ThreadPoolExecutor(2) as threads:
        caught = threads.submit(together, 1)
        assert server.has_begun.wait(_SECONDS)
        with pytest.raises(Busy):
            together(2)
        server.may_end.set()
        assert caught.result(_SECONDS) == 2
    assert together(3) == 6
    assert server.asked == [[1], [3]], "nobody asks for one who has gone"


@pytest.mark.parametrize("count", [2, 16])
def test_many_threads_get_their_own_answers_whatever_the_order(count: int) -> None:
    together: Together[int, int] = Together(lambda numbers: [2 * number for number in numbers])

    def ask(start: int) -> bool:
        return all(together(number) == 2 * number for number in range(start, start + 500))

    with ThreadPoolExecutor(count) as threads:
        assert all(threads.map(ask, range(0, count * 1000, 1000)))
