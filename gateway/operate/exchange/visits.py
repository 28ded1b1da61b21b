"""What partners and strangers do at our SFTP server, as lines of the activity log and rows of the audit log.

Sessions do not wait for the store: what they tell is written by a thread of its own, many lines in one transaction, or
with the row of the next file that is received.
What somebody could repeat without end is written out so many times a minute, and then counted: a flood costs a few
lines.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import Retry, Stop
from gateway.observations import (
    ACCOUNT_GUARDED,
    ADDRESS_BANNED,
    CONNECTION_REFUSED,
    FILE_COLLECTED,
    FILE_REMOVED,
    FILE_RENAMED,
    FILE_SUPERSEDED,
    FILE_UPLOADED,
    LOGGED_IN,
    LOGIN_REFUSED,
    REQUEST_REFUSED,
    SESSION_FAILED,
    UPLOAD_BROKEN,
    UPLOAD_FORGOTTEN,
    VISITS_LOST,
)
from gateway.store import audit, collected
from gateway.store.database import stamp
from sftp.activity import Activity
from sftp.lockout import network
from sftp.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from gateway.observations import Observation
    from gateway.store.database import Database, Transaction

_log = logging.getLogger(__name__)
_WINDOW_SECONDS = 60.0
_TOGETHER_SECONDS = 0.5  # so long lines wait for others that are written with them: files land meanwhile
_WAITING_MAX = 20_000
_KEYS_MAX = 2_000
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of activity is kept: its line, and how many are written a minute, for each who does it and in all.

    `of` says who that is: a partner, or the address of somebody who has not logged in. Of the latter those who name an
    account that there is are counted with its partner, and apart from the other strangers, who cannot hide them.
    """

    observation: Observation
    of: str = "partner"
    each: int | None = None
    in_all: int | None = None


KINDS = {
    "logged_in": _Kind(LOGGED_IN, each=600),
    "login_refused": _Kind(LOGIN_REFUSED, "address", each=3, in_all=60),
    "connection_refused": _Kind(CONNECTION_REFUSED, "address", each=1, in_all=30),
    "banned": _Kind(ADDRESS_BANNED, "address", each=1, in_all=60),
    "guarded": _Kind(ACCOUNT_GUARDED, "address", each=1, in_all=60),
    "uploaded": _Kind(FILE_UPLOADED),
    "upload_broken": _Kind(UPLOAD_BROKEN, each=60),
    "upload_forgotten": _Kind(UPLOAD_FORGOTTEN, each=60),
    "superseded": _Kind(FILE_SUPERSEDED, each=60),
    "renamed": _Kind(FILE_RENAMED, each=600),
    "removed": _Kind(FILE_REMOVED, each=600),
    "downloaded": _Kind(FILE_COLLECTED, each=600),
    "refused": _Kind(REQUEST_REFUSED, each=60),
    "session_failed": _Kind(SESSION_FAILED, each=30),
}
"""What the server tells, by its name there."""


_Who = tuple[str, str, str]
"""What was done, by which partner, or from which network."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line that is to be written; `count` more of the kind stand behind it when it sums up.

    `at` is when it happened: lines are written a moment later.
    """

    at: datetime
    kind: _Kind
    activity: Activity
    count: int = 0


class _Window:
    """One minute: what was written out of it, and what was only counted. Bounded, whoever comes."""

    def __init__(self, began: float) -> None:
        self.began = began
        self._written: Counter[_Who] = Counter()
        self._in_all: Counter[tuple[str, bool]] = Counter()
        self._more: Counter[_Who] = Counter()
        self._last: dict[_Who, Activity] = {}

    def takes(self, activity: Activity, kind: _Kind) -> bool:
        """Whether this one is written out; else it is counted."""
        if kind.each is None:
            return True
        partner = activity.partner or ""
        stranger = kind.of == "address" and not partner
        who = (activity.what, partner, network(activity.address or "") if stranger else "")
        known = who in self._written or who in self._more
        if not known and len(self._written) + len(self._more) >= _KEYS_MAX:
            who = (activity.what, "", "")
        all_of_them = (activity.what, stranger)
        full = kind.in_all is not None and self._in_all[all_of_them] >= kind.in_all
        if full or self._written[who] >= kind.each:
            self._more[who] += 1
            self._last[who] = activity
            return False
        self._written[who] += 1
        self._in_all[all_of_them] += 1
        return True

    def sums(self, at: datetime) -> list[_Line]:
        """At the end of it: what was only counted, one line for each kind and partner, and one for all strangers."""
        lines = []
        strangers: dict[str, Counter[str]] = {}
        for who, count in self._more.items():
            what, partner, address = who
            kind, last = KINDS[what], self._last[who]
            if kind.of == "address" and not partner:
                strangers.setdefault(what, Counter())[address] = count
                continue
            message = f"{count} more of the kind within a minute; the last: {last.message}"
            lines.append(_Line(at, kind, _sum(last, message, partner=partner or None), count))
        for what, counts in strangers.items():
            ((most, often),) = counts.most_common(1)
            message = f"{counts.total()} more of the kind within a minute, from {len(counts)} addresses"
            message += f"; {often} of them from {most}" if most and len(counts) > 1 else f": {most}" if most else ""
            last = self._last[what, "", most]
            lines.append(_Line(at, KINDS[what], _sum(last, message, address=most or None), counts.total()))
        return lines


def _sum(last: Activity, message: str, *, partner: str | None = None, address: str | None = None) -> Activity:
    return Activity(last.what, message, last.problem, last.source, partner, address=address)


class Visits:
    """Keeps what the server tells. `told` is for any thread and never waits; a thread of ours writes."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        """Held by whoever writes: lines stay in their order."""
        self._waiting: deque[_Line] = deque()
        self._lost = 0
        self._window = _Window(monotonic())
        self._rung = threading.Event()

    def told(self, activity: Activity) -> bool:
        """Keep it to be written; False when it is of no kind that is kept here."""
        kind = KINDS.get(activity.what)
        if kind is None:
            return False
        with self._lock:
            self._turn()
            if self._window.takes(activity, kind):
                self._put(_Line(self._database.clock(), kind, activity))
        self._rung.set()
        return True

    def run(self, stop: threading.Event) -> None:
        """Write until `stop` is set and all is written that can be."""
        while not stop.is_set():
            self._rung.wait(_AGAIN_SECONDS)
            stop.wait(_TOGETHER_SECONDS)
            self._rung.clear()
            if not self.write():
                stop.wait(_AGAIN_SECONDS)
        self.write(everything=True)

    @property
    def waiting(self) -> bool:
        """Whether anything is yet to be written; what another thread is just writing has been, or waits again."""
        with self._writing, self._lock:
            return bool(self._waiting or self._lost)

    def write(self, *, everything: bool = False) -> bool:
        """Write what waits, with `everything` the sums of this minute too; False when the store took nothing."""
        with self._lock:
            self._turn(now=everything)
        if self.waiting:
            try:
                with self.transaction():
                    pass
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
                return False
        return True

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of the store that tells all that waits before what else it tells; when it fails, that waits on.

        In a flood the first file's lines take those of all others along.

        Raises:
            Stop, Retry: as any transaction; what waits may be the reason.
        """
        with self._writing:
            with self._lock:
                lines, self._waiting = self._waiting, deque()
                lost, self._lost = self._lost, 0
            try:
                with self._database.write() as transaction:
                    for line in lines:
                        _write(transaction, line)
                    if lost:
                        transaction.tell(VISITS_LOST(count=lost))
                        audit.write(transaction, "visits_lost", "sftp server", who=audit.WORKER, count=lost)
                    yield transaction
            except BaseException:
                with self._lock:
                    self._waiting.extendleft(reversed(lines))
                    self._lost += lost
                raise

    def _turn(self, *, now: bool = False) -> None:
        """Under the lock: begin the next minute, if this one is over."""
        at = self._monotonic()
        if now or at - self._window.began >= _WINDOW_SECONDS:
            for line in self._window.sums(self._database.clock()):
                self._put(line)
            self._window = _Window(at)

    def _put(self, line: _Line) -> None:
        if len(self._waiting) < _WAITING_MAX:
            self._waiting.append(line)
        else:
            self._lost += 1


def _write(transaction: Transaction, line: _Line) -> None:
    told, observation = line.activity, line.kind.observation
    delivery = None
    if told.what == "downloaded" and told.name is not None and told.partner is not None:
        delivery = collected.note(transaction, told.partner, told.name)
    about: dict[str, Any] = {
        "address": told.address,
        "source": told.source,
        "name": shown(told.name) if told.name else None,
    }
    about |= {"size": told.size, "sha256": told.sha256, "count": line.count or None}
    about |= {"account": told.account, "key": told.key, "reason": told.reason}
    data = {"at": stamp(line.at)} | {name: value for name, value in about.items() if value is not None}
    transaction.tell(observation(partner=told.partner, delivery=delivery, message=told.message, **data))
    who = f"sftp user {told.user}" if told.user else told.address or "strangers"
    subject = f"partner {told.partner}" if told.partner else "sftp server"
    audit.write(transaction, observation.event, subject, who=shown(who), **data)
