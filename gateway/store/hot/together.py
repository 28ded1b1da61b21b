"""Questions of many threads at the same moment, asked together.

While one asks, the others gather; when it has its answer, one of those asks for all of them. Nobody waits who comes
alone, and an answer was always looked for after it was asked for. The busier it is, the fewer ways to the server and
back there are for each question.

    >>> asked = []
    >>> double = Together(lambda numbers: asked.append(numbers) or [2 * number for number in numbers])
    >>> double(4), asked
    (8, [[4]])
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from gateway.store.hot.marks import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Q = TypeVar("Q")
A = TypeVar("A")

_SECONDS = 1.0
"""So long waits who is not alone: whoever asks may be caught on a connection that is dead."""


class _Waiting(Generic[Q, A]):
    """A thread that waits: for its answer, or to ask for `all` who wait."""

    __slots__ = ("all", "answer", "question", "told")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: A | Busy = Busy()
        self.all: list[_Waiting[Q, A]] | None = None
        self.told = threading.Lock()
        self.told.acquire()


class Together(Generic[Q, A]):
    """Asks for one question, or for all that came meanwhile; `ask` answers each in its place."""

    def __init__(self, ask: Callable[[list[Q]], Sequence[A]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asking = False
        self._waiting: list[_Waiting[Q, A]] = []

    def __call__(self, question: Q) -> A:
        """The answer.

        Raises:
            Busy: it was not to be had, or not soon.
        """
        with self._lock:
            alone, self._asking = not self._asking, True
            if not alone:
                own: _Waiting[Q, A] = _Waiting(question)
                self._waiting.append(own)
        if alone:
            try:
                return self._ask([question])[0]
            finally:
                self._next()
        if not own.told.acquire(timeout=_SECONDS) and self._is_out(own):
            raise Busy
        if own.all is not None:
            self._ask_for(own.all)
        if isinstance(own.answer, Busy):
            raise own.answer
        return own.answer

    def _ask_for(self, group: list[_Waiting[Q, A]]) -> None:
        """Ask for all of a group, of which this thread is the first."""
        try:
            for each, answer in zip(group, self._ask([each.question for each in group]), strict=True):
                each.answer = answer
        finally:
            for each in group[1:]:
                each.told.release()
            self._next()

    def _next(self) -> None:
        """Let one of those who wait ask for all of them."""
        with self._lock:
            group, self._waiting = self._waiting, []
            self._asking = bool(group)
            if group:
                group[0].all = group
        if group:
            group[0].told.release()

    def _is_out(self, own: _Waiting[Q, A]) -> bool:
        """Whether somebody who waited long enough could leave; not, where he is just being asked for, or to ask."""
        with self._lock:
            if own in self._waiting:
                self._waiting.remove(own)
                return True
        return own.all is None
