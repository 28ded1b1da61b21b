"""How much a partner may send: judged when a file is opened and whenever it grows.

What waits is counted as it is sent, which can only count too much, since collected files leave by themselves; before
anything is refused, and every now and then, it is counted on disk.
"""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp.counts import so_many
from sftp.errors import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from sftp.jail import Lane

_COUNTED_SECONDS = 10.0  # another process may serve the same partner
_EARLY_BYTES_MAX = 256 * 1024 * 1024  # of all partners together, what waits in memory for a gap to be filled
_DISK_BYTES = 8 * 1024 * 1024  # how much is written between two looks at the disk


@dataclass(frozen=True, slots=True)
class Quota:
    """What may wait in an inbox, unfinished files included, and how it may come. None: as much as there is room for.

    `bytes` and `files` wait at most, a single `file` has at most so many bytes, and `per_minute` files are begun.
    """

    bytes: int | None = None
    files: int | None = None
    file: int | None = None
    per_minute: int | None = None


UNLIMITED = Quota()


@dataclass(slots=True)
class _Waiting:
    """What waits in one inbox; `written` since somebody looked at the disk."""

    counted_at: float
    files: int = 0
    bytes: int = 0
    written: int = 0


@dataclass(slots=True)
class _Pace:
    """Files that may be begun now, and when that was reckoned."""

    left: float
    at: float


class Allowances:
    """What waits and how fast it came, for all partners of a server. For any thread.

    Args:
        monotonic: our clock.
        free_bytes_min: below so much free disk nothing more is taken.
    """

    def __init__(self, monotonic: Callable[[], float], *, free_bytes_min: int = 0) -> None:
        self._monotonic = monotonic
        self._free_bytes_min = free_bytes_min
        self._waiting: dict[str, _Waiting] = {}
        self._paces: dict[str, _Pace] = {}
        self._early_bytes = 0
        self._lock = threading.Lock()

    def open(self, partner: str, quota: Quota, lane: Lane) -> None:
        """One more file is begun.

        Raises:
            Reject: there is no room for it, or it comes too soon.
        """
        self._check_disk(lane)
        with self._lock:
            waiting = self._known(lane)
            if quota.files is not None and waiting.files >= quota.files:
                waiting = self._count(lane)
                if waiting.files >= quota.files:
                    raise Reject("failure", _full(so_many(waiting.files, "file waits", "files wait"), quota.files))
            self._check_bytes(quota, lane, 1)
            self._check_pace(partner, quota)
            waiting.files += 1

    def grow(self, quota: Quota, lane: Lane, count: int) -> None:
        """So many bytes are about to be written.

        Raises:
            Reject: they are more than is allowed.
        """
        with self._lock:
            self._check_bytes(quota, lane, count)
            waiting = self._known(lane)
            waiting.bytes += count
            waiting.written += count
            if waiting.written < _DISK_BYTES:
                return
            waiting.written = 0
        self._check_disk(lane)

    def early(self, count: int) -> bool:
        """So many bytes more, or fewer, wait in memory; whether there is room for them."""
        with self._lock:
            if count > 0 and self._early_bytes + count > _EARLY_BYTES_MAX:
                return False
            self._early_bytes += count
            return True

    def _check_bytes(self, quota: Quota, lane: Lane, more: int) -> None:
        if quota.bytes is not None and self._known(lane).bytes + more > quota.bytes:
            waiting = self._count(lane)
            if waiting.bytes + more > quota.bytes:
                raise Reject("failure", _full(so_many(waiting.bytes, "byte waits", "bytes wait"), quota.bytes))

    def _check_pace(self, partner: str, quota: Quota) -> None:
        if quota.per_minute is None:
            return
        now = self._monotonic()
        pace = self._paces.setdefault(partner, _Pace(quota.per_minute, now))
        pace.left = min(quota.per_minute, pace.left + (now - pace.at) * quota.per_minute / 60)
        pace.at = now
        if pace.left < 1:
            wait = (1 - pace.left) * 60 / quota.per_minute
            many = so_many(quota.per_minute, "file a minute is", "files a minute are")
            raise Reject("failure", f"{many} taken; please go on in {max(1, round(wait))} s")
        pace.left -= 1

    def _check_disk(self, lane: Lane) -> None:
        if self._free_bytes_min:
            disk = os.fstatvfs(lane.stage)
            # A file system of no blocks at all does not say what it has, as some in user space and across a network.
            if disk.f_blocks and disk.f_bavail * disk.f_frsize < self._free_bytes_min:
                raise Reject("failure", "the server's disk is nearly full; please send the file again later")

    def _known(self, lane: Lane) -> _Waiting:
        waiting = self._waiting.get(lane.source)
        if waiting is None or self._monotonic() - waiting.counted_at > _COUNTED_SECONDS:
            return self._count(lane)
        return waiting

    def _count(self, lane: Lane) -> _Waiting:
        """Look what there is."""
        waiting = self._waiting.setdefault(lane.source, _Waiting(0.0))
        waiting.files = waiting.bytes = 0
        for folder in (lane.inbox, lane.stage):
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # collected in this very moment
                    if stat.S_ISREG(status.st_mode):
                        waiting.files += 1
                        waiting.bytes += status.st_size
        waiting.counted_at = self._monotonic()
        return waiting


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one session may send: its partner's quota, and what is known of all his sessions."""

    partner: str
    quota: Quota
    all: Allowances

    def open(self, lane: Lane) -> None:
        """One more file is begun; see `Allowances.open`."""
        self.all.open(self.partner, self.quota, lane)

    def grow(self, lane: Lane, count: int) -> None:
        """So many bytes are about to be written; see `Allowances.grow`."""
        self.all.grow(self.quota, lane, count)


def _full(waiting: str, allowed: int) -> str:
    return f"{waiting} to be taken, {so_many(allowed, 'is', 'are')} allowed; please try again later"
