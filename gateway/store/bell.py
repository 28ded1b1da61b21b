"""The bell: waking up soon after something was committed. A hint only; polling is the truth.

On SQLite, ``PRAGMA data_version`` tells in a few microseconds whether any other connection has committed, so looking
every few milliseconds costs nothing worth counting. On PostgreSQL, transactions send NOTIFY.

Any number of threads wait for one bell, which has one connection: one of them listens for all, and when it goes away
another one does.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg

from gateway.store.sqlite import library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.store.database import Database

_LOOK_EVERY_SECONDS = 0.01
_LISTEN_SECONDS = 0.25
_AFTER_TROUBLE_SECONDS = 0.2


class Bell:
    """What the threads of a process wait for. `clock` counts seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._clock = clock
        self._some = threading.Condition()
        self._rung = 0
        """How often it rang; each thread remembers up to where it has heard it."""
        self._heard = threading.local()
        self._taken = False
        """Whether somebody listens for all."""
        self._sqlite: Any = None
        self._seen = -1
        self._listener: psycopg.Connection | None = None

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Sleep until something was committed, `stop` is set or `seconds` are over; True when it rang."""
        until = self._clock() + seconds
        heard = getattr(self._heard, "rung", 0)
        while not stop.is_set():
            with self._some:
                if self._rung != heard:
                    self._heard.rung = self._rung
                    return True
                left = until - self._clock()
                if left <= 0:
                    return False
                if self._taken:
                    self._some.wait(min(left, _LISTEN_SECONDS))  # and see whether to stop
                    continue
                self._taken = True
            rang = False
            try:
                rang = self._listen(min(left, _LISTEN_SECONDS), stop)
            finally:
                with self._some:
                    self._taken = False
                    self._rung += rang
                    self._some.notify_all()
        return False

    def _listen(self, seconds: float, stop: threading.Event) -> bool:
        path = self._database.path
        if path is not None:
            return self._listen_sqlite(path, seconds, stop)
        try:
            return self._listen_postgresql(seconds)
        except psycopg.Error:
            self.close()
            stop.wait(min(seconds, _AFTER_TROUBLE_SECONDS))
            return False

    def _listen_sqlite(self, path: Path, seconds: float, stop: threading.Event) -> bool:
        if self._sqlite is None:
            address = f"{path.absolute().as_uri()}?mode=ro"
            self._sqlite = library().connect(address, uri=True, check_same_thread=False)
        for _ in range(max(1, int(seconds / _LOOK_EVERY_SECONDS))):
            (version,) = self._sqlite.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._seen = version
                return True
            if stop.wait(_LOOK_EVERY_SECONDS):
                return False
        return False

    def _listen_postgresql(self, seconds: float) -> bool:
        if self._listener is None:
            self._listener = psycopg.connect(self._database.url, autocommit=True)
            self._listener.execute("LISTEN gateway")
            return True  # what was committed before we listened has rung for nobody
        return any(True for _note in self._listener.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        """Let go of the connection; nobody waits any more."""
        for connection in (self._sqlite, self._listener):
            if connection is not None:
                connection.close()
        self._sqlite = self._listener = None
