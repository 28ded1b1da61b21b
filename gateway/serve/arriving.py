"""Bodies that are on their way: who sends too little of one for too long is left, so that it keeps no thread.

A read from the server ends when the bytes are there or the connection is gone, and nobody but the system can end it
before. So one thread looks after all the bodies that are being read, and has the connection of a late one closed.

    >>> left = []
    >>> arriving = Arriving(lambda peer, seconds: left.append(peer), clock=iter([0.0, 61.0]).__next__)
    >>> with arriving.body("203.0.113.9"):
    ...     arriving.look()
    >>> left
    ['203.0.113.9']
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

SECONDS_MAX = 60
"""So long may a JSON body take, or each :data:`PART` of a file: a kilobyte a second comes from anywhere."""

PART = 64 * 1024

_LOOK_EVERY_SECONDS, _IDLE_SECONDS = 1.0, 30.0


@dataclass(slots=True, eq=False)
class _Body:
    peer: str
    since: float


class Arriving:
    """The bodies that this process reads at the moment.

    `abandon` closes the connections of an address on which bytes came, and none went, for so many seconds. `clock`
    counts seconds.
    """

    def __init__(self, abandon: Callable[[str, float], object], clock: Callable[[], float]) -> None:
        self._abandon = abandon
        self._clock = clock
        self._some = threading.Condition()
        self._bodies: set[_Body] = set()
        self._watched = False

    @contextmanager
    def body(self, peer: str | None) -> Iterator[Callable[[], None]]:
        """While a body is read. What it gives is called when a part has come: from then on the time counts anew."""
        one = _Body(peer or "", self._clock())

        def came() -> None:
            one.since = self._clock()

        with self._some:
            self._bodies.add(one)
            self._some.notify()
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="arriving", daemon=True).start()
        try:
            yield came
        finally:
            with self._some:
                self._bodies.discard(one)

    def look(self) -> None:
        """Leave those that are late."""
        with self._some:
            if not self._bodies:
                return
            now = self._clock()
            late = {one.peer: now - one.since for one in self._bodies if now - one.since >= SECONDS_MAX}
        for peer, seconds in late.items():
            self._abandon(peer, seconds)

    def _watch(self) -> None:
        """Look every second, for as long as there are bodies, and a while after."""
        pause = threading.Event()
        while True:
            with self._some:
                if not self._bodies and not self._some.wait(_IDLE_SECONDS):
                    self._watched = False
                    return
            pause.wait(_LOOK_EVERY_SECONDS)
            try:
                self.look()
            except Exception:  # noqa: BLE001 - such as too many open files, when it is needed most: it looks again
                _log.exception("those who send too slowly could not be left")
