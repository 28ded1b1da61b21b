"""Questions to several systems at once, by the threads that all requests share: one question to each at a time.

A system that hangs keeps one thread, however often it is asked for meanwhile: who asks again waits for the same answer.

    >>> asking = Asking(threads=2)
    >>> found = asking.all({"erp": lambda: ["customers"]}, seconds=5)
    >>> found["erp"].result()
    ['customers']
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THREADS = 16


class Asking:
    """The threads, and what they are asking."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="asking")
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Any]] = {}

    def all(self, questions: Mapping[str, Callable[[], Any]], *, seconds: float) -> dict[str, Future[Any]]:
        """The answers by name, those that came within the time: the others are not done yet."""
        with self._lock:
            found = {name: self._one(name, question) for name, question in questions.items()}
        wait(found.values(), timeout=seconds)
        return found

    def _one(self, name: str, question: Callable[[], Any]) -> Future[Any]:
        known = self._asked.get(name)
        if known is None or known.done():
            known = self._asked[name] = self._threads.submit(question)
        return known
