"""The few connections to a source, and how one is asked so that nobody waits longer than was said.

A statement is carried by a thread of its own (:mod:`adapters.carriers`). When its time is over it is cancelled, and
when that does not help either, the driver's socket is shut down (:mod:`adapters.rescue`). A call that comes back from
nothing of this is given up: whoever asked goes on, and its place among the connections stays taken until it ends.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from adapters.carriers import Call, Carriers
from adapters.errors import Retry
from adapters.reading import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.errors import AdapterError
    from adapters.governor import Governor, Turn

Got = TypeVar("Got")

# Together less than the second that a caller is promised: what a server may need to end a statement by itself, what a
# cancelled one may need to come back, what a driver may need to see that its socket is gone.
SERVER_SECONDS = 0.2
CANCEL_SECONDS = 0.25
FREE_SECONDS = 0.4

KEPT_SECONDS = 60.0


class Pool:
    """Up to `connections` connections, opened when they are wanted and kept. `connect` opens one, read-only."""

    def __init__(self, connect: Callable[[], Any], governor: Governor, *, connect_seconds: float) -> None:
        self._connect = connect
        self._connect_seconds = connect_seconds
        self._governor = governor
        self._carriers = Carriers()
        self._lock = threading.Lock()
        self._idle: list[tuple[Any, float]] = []
        self._closings = 0

    def ask(
        self,
        work: Callable[[Any], Got],
        *,
        error: type[Exception],
        translated: Callable[[Exception], AdapterError],
        server_ends: Callable[[], bool],
    ) -> Got:
        """What `work` makes of a cursor, which it is given in another thread.

        A kept connection that turns out to be lost is replaced, once. `server_ends` says whether the server itself ends
        a statement in time, so that it is not cancelled at the very moment.

        Raises:
            Retry: No turn, no connection, or no answer in time.
            AdapterError: The driver's `error`, translated.
        """
        with self._governor.question(), self._governor.turn() as turn:
            deadline = time.monotonic() + self._governor.remaining()
            asking = _Asking(self, turn, work, error, translated)
            if turn.trying:  # a fresh connection is the cheapest question: if one can be had, the source is back
                self.let_go()
            kept, closings = self._kept()
            if kept is not None:
                try:
                    return asking.ask(kept, closings, deadline + SERVER_SECONDS * server_ends())
                except Retry as lost:
                    if not lost.lost:
                        raise
                self.let_go()
            connection, closings = self._connected(turn, deadline)
            self._governor.answers(turn)
            return asking.ask(connection, closings, deadline + SERVER_SECONDS * server_ends())

    @contextlib.contextmanager
    def lease(self) -> Iterator[Any]:
        """A connection for this thread. Nobody watches what is done with it; one that failed is not kept."""
        with self._governor.question(), self._governor.turn() as turn:
            connection, closings = self._kept()
            if connection is None:
                connection, closings = self._connected(turn, time.monotonic() + self._governor.remaining())
            try:
                yield connection
            except BaseException:
                self.dispose(connection)
                raise
            self.keep(connection, closings)

    def keep(self, connection: Any, closings: int) -> None:
        """Take a connection back; one from before the last :meth:`let_go` is closed."""
        with self._lock:
            wanted = closings == self._closings
            if wanted:
                self._idle.append((connection, time.monotonic()))
        if not wanted:
            self.dispose(connection)

    def let_go(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._closings += 1
        for connection, _ in idle:
            self.dispose(connection)

    def close(self) -> None:
        """Close what is idle, and end the threads that have nothing to do."""
        self.let_go()
        self._carriers.close()

    def dispose(self, connection: Any) -> None:
        """Close what may be broken already, and wait for it no longer than a moment."""
        call = self._carriers.start(lambda: close(connection))
        if not call.wait(CANCEL_SECONDS):
            call.free()

    def ended(self, call: Call[Any], deadline: float, cancel: Callable[[], None]) -> tuple[bool, tuple[Call[Any], ...]]:
        """Wait for a call, and get it back when its time is over: whether it was late, and what did not come back."""
        if call.wait(deadline - time.monotonic()):
            return False, ()
        canceller = self._carriers.start(cancel)  # it may not come back either: it asks the same server
        call.wait(CANCEL_SECONDS)
        end = time.monotonic() + FREE_SECONDS
        calls = (call, canceller)
        while not all(each.ended for each in calls):
            for each in calls:
                each.free()
            if time.monotonic() > end:  # asked behind the first attempt: one is made, however late it is
                break
        return True, tuple(each for each in calls if not each.ended)

    def give_up(self, turn: Turn, calls: tuple[Call[Any], ...], connection: Callable[[], Any]) -> None:
        """Leave calls to themselves; the last that ends closes the connection and gives the place back."""
        self._governor.give_up(turn)
        left = list(calls)
        lock = threading.Lock()

        def one_ended() -> None:
            with lock:
                left.pop()
                last = not left
            if last:
                with contextlib.suppress(BaseException):  # a connection that never came
                    close(connection())
                turn.leave()

        for call in calls:
            call.afterwards(one_ended)

    def late(self) -> Retry:
        """What is said when there was no answer in time."""
        return self._governor.late()

    def start(self, work: Callable[[], Got]) -> Call[Got]:
        """Have it carried."""
        return self._carriers.start(work)

    def _kept(self) -> tuple[Any, int]:
        """A connection that was used not long ago, if there is one. The network may have forgotten an older one."""
        with self._lock:
            connection, since = self._idle.pop() if self._idle else (None, 0.0)
            closings = self._closings
        if connection is None or time.monotonic() - since < KEPT_SECONDS:
            return connection, closings
        self.dispose(connection)
        self.let_go()
        return self._kept()

    def _connected(self, turn: Turn, deadline: float) -> tuple[Any, int]:
        """A fresh connection; the driver's own time-out is not believed."""
        with self._lock:
            closings = self._closings
        end = min(deadline, time.monotonic() + self._connect_seconds)
        call = self.start(self._connect)
        try:
            late, lost = self.ended(call, end + SERVER_SECONDS, lambda: None)
        except BaseException:
            self.give_up(turn, (call,), call.result)
            raise
        if lost:
            self.give_up(turn, lost, call.result)
        elif late:
            with contextlib.suppress(Exception):
                self.dispose(call.result())
        else:
            return call.result(), closings
        seconds = min(self._connect_seconds, self._governor.limits.timeout_seconds)
        raise Retry(
            f"the database did not take a connection within {seconds:g} seconds",
            "Look whether it runs and whether its port can be reached from here",
            delay_seconds=5.0,
            lost=True,
        ) from None


class _Asking(Generic[Got]):
    """One question to one connection, and another after that if the first is lost."""

    def __init__(
        self,
        pool: Pool,
        turn: Turn,
        work: Callable[[Any], Got],
        error: type[Exception],
        translated: Callable[[Exception], AdapterError],
    ) -> None:
        self._pool = pool
        self._turn = turn
        self._work = work
        self._error = error
        self._translated = translated

    def ask(self, connection: Any, closings: int, deadline: float) -> Got:
        cursors: list[Any] = []

        def asked() -> Got:
            cursors.append(connection.cursor())
            got = self._work(cursors[0])
            cursors[0].close()
            return got

        pool, call = self._pool, self._pool.start(asked)
        try:
            late, lost = pool.ended(call, deadline, lambda: _cancel(cursors))
        except BaseException:
            pool.give_up(self._turn, (call,), lambda: connection)
            raise
        if lost:
            pool.let_go()
            pool.give_up(self._turn, lost, lambda: connection)
            raise pool.late()
        try:
            got = call.result()
        except BaseException as error:
            pool.dispose(connection)
            if late:
                pool.let_go()  # the others lead to the same silent server
                raise pool.late() from None
            if isinstance(error, self._error):
                raise self._translated(error) from None
            raise
        if late:
            pool.dispose(connection)  # it may still be cancelled on the other side
        else:
            pool.keep(connection, closings)
        self._turn.rows += len(got) if isinstance(got, list | Columns) else 0
        return got


def close(connection: Any) -> None:
    """Close what may be broken already; the error that matters is another."""
    with contextlib.suppress(Exception):
        connection.close()


def _cancel(cursors: list[Any]) -> None:
    """End a statement from another thread; one that has just ended by itself may refuse, which is as well."""
    with contextlib.suppress(Exception):
        if cursors:
            cursors[0].cancel()
