"""The bell: waking up soon after something was committed. A hint only; polling is the truth.

On SQLite, ``PRAGMA data_version`` tells in a few microseconds whether any other connection has committed, so looking
every few milliseconds costs nothing worth counting. On PostgreSQL, transactions send NOTIFY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from gateway.store.sqlite import library

if TYPE_CHECKING:
    import threading

    from gateway.store.database import Database

_LOOK_EVERY_SECONDS = 0.01
_LISTEN_SECONDS = 0.25


class Bell:
    """One listener's bell, for use by one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sqlite: Any = None
        self._seen = -1
        self._listener: psycopg.Connection | None = None

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Sleep until something was committed, `stop` is set or `seconds` are over; True when it rang."""
        if self._database.path is not None:
            return self._wait_sqlite(seconds, stop)
        try:
            return self._wait_postgresql(seconds, stop)
        except psycopg.Error:
            self.close()
            stop.wait(min(seconds, 0.2))
            return False

    def _wait_sqlite(self, seconds: float, stop: threading.Event) -> bool:
        if self._sqlite is None:
            self._sqlite = library().connect(f"file:{self._database.path}?mode=ro", uri=True, check_same_thread=False)
        for _ in range(max(1, int(seconds / _LOOK_EVERY_SECONDS))):
            (version,) = self._sqlite.execute("PRAGMA data_version").fetchone()
            if version != self._seen:
                self._seen = version
                return True
            if stop.wait(_LOOK_EVERY_SECONDS):
                return False
        return False

    def _wait_postgresql(self, seconds: float, stop: threading.Event) -> bool:
        if self._listener is None:
            self._listener = psycopg.connect(self._database.url, autocommit=True)
            self._listener.execute("LISTEN gateway")
            return True  # what was committed before we listened has rung for nobody
        for _ in range(max(1, int(seconds / _LISTEN_SECONDS))):
            for _note in self._listener.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                return True
            if stop.is_set():
                return False
        return False

    def close(self) -> None:
        """Let go of the connection."""
        for connection in (self._sqlite, self._listener):
            if connection is not None:
                connection.close()
        self._sqlite = self._listener = None
