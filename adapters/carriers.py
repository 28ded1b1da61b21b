"""Threads that carry calls into a driver, so that whoever asks can let go of one that does not come back.

A carrier is used again for the next call and ends when nothing is asked of it for a while.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from adapters.rescue import unblock

if TYPE_CHECKING:
    from collections.abc import Callable

Got = TypeVar("Got")

IDLE_SECONDS = 10.0
_TOUCH_SECONDS = 0.02


class Call(Generic[Got]):
    """One call into a driver, on its way or ended."""

    def __init__(self, work: Callable[[], Got]) -> None:
        self._work: Callable[[], Got] | None = work
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread_id = 0
        self._value: Any = None
        self._error: BaseException | None = None
        self._afterwards: list[Callable[[], None]] = []

    @property
    def ended(self) -> bool:
        """Whether the driver came back."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end for at most so long; whether it has come."""
        return self._ended.wait(max(0.0, seconds))

    def free(self) -> None:
        """Shut down whatever socket the call waits for, and give it a moment to come back."""
        with self._lock:  # the carrier cannot go on to somebody else's call in the meantime
            if not self.ended and self._thread_id:
                unblock(self._thread_id)
        self.wait(_TOUCH_SECONDS)

    def result(self) -> Got:
        """What an ended call gave; what it raised is raised."""
        if self._error is not None:
            raise self._error
        got: Got = self._value
        return got

    def afterwards(self, step: Callable[[], None]) -> None:
        """Do something when the call has ended: on its carrier, or now."""
        with self._lock:
            if not self.ended:
                self._afterwards.append(step)
                return
        step()

    def run(self, rest: Callable[[], None]) -> None:
        """Make the call. For carriers: `rest` says that one is free again."""
        assert self._work is not None
        self._thread_id = threading.get_native_id()
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is asked for
            self._error = error
        self._work = None
        with self._lock:
            steps = self._afterwards
            if not steps:
                rest()  # first: whoever waits for the end may ask again at once, and needs no other carrier
            self._ended.set()
        for step in steps:
            step()
        if steps:
            rest()


class Carriers:
    """The carriers of one source."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Carrier] = []

    def start(self, work: Callable[[], Got]) -> Call[Got]:
        """Have it carried; the call is on its way when this returns."""
        call = Call(work)
        with self._lock:
            carrier = self._idle.pop() if self._idle else None
        (carrier or _Carrier(self)).inbox.put(call)
        return call

    def close(self) -> None:
        """Let go of the carriers that have nothing to do, and wait until they are gone."""
        with self._lock:
            idle, self._idle = self._idle, []
        for carrier in idle:
            carrier.inbox.put(None)
        for carrier in idle:
            carrier.thread.join()

    def rest(self, carrier: _Carrier) -> None:
        """A carrier is free again."""
        with self._lock:
            self._idle.append(carrier)

    def leave(self, carrier: _Carrier) -> bool:
        """A carrier that waited long wants to end; it may not when a call is on its way to it."""
        with self._lock:
            if carrier not in self._idle:
                return False
            self._idle.remove(carrier)
            return True


class _Carrier:
    """A thread and what is handed to it."""

    def __init__(self, carriers: Carriers) -> None:
        self.inbox: SimpleQueue[Call[Any] | None] = SimpleQueue()
        self._carriers = carriers
        self.thread = threading.Thread(target=self._carry, name="driver call", daemon=True)
        self.thread.start()

    def _carry(self) -> None:
        while True:
            try:
                call = self.inbox.get(timeout=IDLE_SECONDS)
            except Empty:
                if self._carriers.leave(self):
                    return
                continue
            if call is None:
                return
            call.run(self._rest)
            del call  # what it gave belongs to whoever asked

    def _rest(self) -> None:
        self._carriers.rest(self)
