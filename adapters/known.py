"""What is known of a source's tables without asking it: for whoever describes them and must not wait.

Columns are kept from the last time that they were asked for. Whoever wants them has them renewed behind its back, by
one thread for a source at a time, that asks as any caller does: within the limits of the source, and giving up with the
first trouble. What was known stays known meanwhile, and says when it was seen.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import AdapterError, Reject

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from adapters.live import Live
    from adapters.model import Table

FRESH_SECONDS = 900.0
TABLES_MAX = 50
"""Of so many tables the columns are asked for; of others they are known when somebody read them."""

_AGAIN_SECONDS = 60.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """A table as it was at that moment."""

    table: Table
    seen: datetime


class Shapes:
    """The tables of one source, as far as they are known. `clock` gives seconds, `now` the time of day."""

    def __init__(self, live: Live, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._live = live
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, Known] = {}
        self._next: float | None = None
        self._thread: threading.Thread | None = None

    def keep(self, table: Table) -> None:
        """Somebody has asked for it."""
        with self._lock:
            before = self._kept.get(table.name)
            if before is None and len(self._kept) >= 2 * TABLES_MAX:
                return
            now = self._now()
            if before is None or before.table != table or (now - before.seen).total_seconds() >= FRESH_SECONDS:
                self._kept[table.name] = Known(table, now)

    def forget(self, name: str) -> None:
        """It is not as it was."""
        with self._lock:
            self._kept.pop(name, None)

    def known(self) -> tuple[Known, ...]:
        """What is known, by name; asks nothing of the source."""
        with self._lock:
            return tuple(known for _, known in sorted(self._kept.items()))

    def renew(self) -> threading.Thread | None:
        """Have what is old asked for again; comes back at once, with the thread that does it if one was begun."""
        with self._lock:
            now = self._clock()
            busy = self._thread is not None and self._thread.is_alive()
            if busy or (self._next is not None and now < self._next):
                return None
            self._next = now + _AGAIN_SECONDS
            thread = self._thread = threading.Thread(target=self._renewed, name="columns", daemon=True)
        thread.start()
        return thread

    def _renewed(self) -> None:
        try:
            names = self._live.tables().value
            with self._lock:
                for gone in self._kept.keys() - set(names):
                    del self._kept[gone]
                wanted = sorted(names, key=lambda name: (name not in self._kept, name))[:TABLES_MAX]
            for name in wanted:
                with contextlib.suppress(Reject):  # gone or refused since
                    self._live.schema(name)
        except AdapterError as error:
            _LOG.info("the columns of tables are not renewed now: %s", error.message)
            return
        with self._lock:
            self._next = self._clock() + FRESH_SECONDS
