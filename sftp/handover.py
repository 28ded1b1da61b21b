"""What was claimed is handed over: hashed, received, and only then removed."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp.arrival import Arrival
from sftp.complete import whole_file
from sftp.errors import Changed, Retry, SftpError
from sftp.folders import sync
from sftp.holding import BrokenUploads, Place, held
from sftp.names import marker_for, shown
from sftp.scanning import look, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sftp.activity import Activity, Tell
    from sftp.arrival import Arrivals, Folder
    from sftp.scanning import Look
    from sftp.writers import Writers

_DELAY_SECONDS_MAX = 60.0
_FAILURES_IN_A_ROW = 3  # on different files: it is not the file, it is the receiver


@dataclass(slots=True)
class _Held:
    """A claimed file that is still to be handed over."""

    folder: Folder
    place: Place
    since: float
    due: float
    delay_seconds: float = 0.0
    told: bool = False
    received: Look | None = None
    """How the file looked that was handed over; it is still to be removed."""


_NOT_THE_FILE = frozenset({errno.ENOENT, errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Of a file that cannot be read: it is there no more, or the machine is short of something."""


class _Unreadable(SftpError):
    """The held file itself cannot be read: no word about the receiver, so it stops no other."""


class _NotRemoved(SftpError):
    """It was handed over and stays where it is for now: no word about the receiver either."""


class HandOver:
    """The files that are claimed, and the receiver that they go to. For the collector's thread."""

    def __init__(
        self, arrivals: Arrivals, writers: Writers, tell: Tell, *, new_id: Callable[[], str],
        monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._arrivals = arrivals
        self._writers = writers
        self._tell = tell
        self._new_id = new_id
        self._monotonic = monotonic
        self._held: dict[Path, _Held] = {}
        self._receiver_down = False
        self._pause_until = 0.0

    def add(self, folder: Folder, place: Place, *, after_seconds: float = 0.0) -> None:
        """Hand this file over in the next turn, or later; it may be known already."""
        now = self._monotonic()
        self._held.setdefault(place.path, _Held(folder, place, now, now + after_seconds))

    def find(self, folder: Folder, *, after_seconds: float = 0.0) -> None:
        """Find held files that are nobody's any more, and hand them over in the next turn, or later.

        Raises:
            OSError: the holding folder cannot be read.
        """
        for place in held(folder.holding):
            self.add(folder, place, after_seconds=after_seconds)

    def next_due(self) -> float:
        """When something is to be done that no bell will tell."""
        return min((max(each.due, self._pause_until) for each in self._held.values()), default=float("inf"))

    def turn(self) -> None:
        """Hand over all that is due."""
        failures = 0
        for path, each in list(self._held.items()):
            now = self._monotonic()
            if now < self._pause_until:
                return
            if now < each.due:
                continue
            try:
                done = self._receive(each)
            except FileNotFoundError:
                del self._held[path]  # another process has handed it over
                continue
            except _Unreadable as error:  # the file's own rights or disk: no word about the receiver
                self._failed(each, error, 1)
                continue
            except _NotRemoved as error:
                self._stays(each, error)
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, the file is kept and tried again
                failures += 1
                self._failed(each, error, failures)
                continue
            if not done:
                each.due = now + max(each.folder.settle_seconds, 1.0)
                continue
            del self._held[path]
            failures = 0
            if self._receiver_down:
                self._receiver_down = False
                self._tell(each.folder.activity("receiver_recovered", "files are handed over again"))

    def _receive(self, each: _Held) -> bool:
        """Hand over one held file and remove it; False while somebody still writes to it."""
        if each.received is None and not self._hand_over(each):
            return False
        if each.received is not None:  # else it goes to the receiver once more, under another id
            self._remove(each, each.received)
        return True

    def _hand_over(self, each: _Held) -> bool:
        """Hand over one held file; False while somebody still writes to it."""
        folder, place = each.folder, each.place
        try:
            with opened(place.path) as descriptor:
                if self._writers.at(folder, descriptor):
                    self._tell_of_writer(each)
                    return False
                before = os.fstat(descriptor)
                complete = whole_file(descriptor)
                sha256 = _sha256(descriptor)
                after = os.fstat(descriptor)
        except OSError as error:
            if error.errno in _NOT_THE_FILE:
                raise
            raise _Unreadable(f"it cannot be read: {error.strerror or error}") from error
        if look(before) != look(after):
            return False
        if folder.log is not None and complete is None and BrokenUploads(folder.holding).was_broken(place.id):
            complete = False
        unmark(folder, place.name, before.st_ctime_ns)
        arrival = Arrival(
            place.id, folder.source, folder.partner, place.name, place.path, after.st_size, sha256, complete
        )
        try:
            self._arrivals.receive(arrival)
        except Changed:
            self._again(each)
            return True
        message = f"{shown(place.name)}  {after.st_size} bytes from {folder.source}"
        self._tell(folder.activity("arrived", message, name=place.name, size=after.st_size, sha256=sha256))
        each.received, each.delay_seconds = look(after), 0.0
        return True

    def _remove(self, each: _Held, received: Look) -> None:
        """Remove what was handed over, unless it was written to meanwhile."""
        folder, place = each.folder, each.place
        try:
            # Without its number: the name is ours alone, and clients of shares that make numbers up (sshfs, SMB without
            # `serverino`) give another one to a file that they have forgotten in the meantime.
            if look(place.path.stat())[1:] == received[1:]:
                place.remove()
            else:
                self._again(each)
        except FileNotFoundError:
            raise
        except OSError as error:  # SMB removes nothing that another client has open, such as a scanner for viruses
            raise _NotRemoved(str(error.strerror or error)) from error
        if folder.log is not None:
            BrokenUploads(folder.holding).handed_over(place.id)

    def _tell_of_writer(self, each: _Held) -> None:
        if not each.told and self._monotonic() - each.since >= each.folder.partial_after_seconds:
            each.told = True
            self._tell(writer_waiting(each.folder, each.place.name))

    def _again(self, each: _Held) -> None:
        """What was handed over is durable; what the file holds now becomes an arrival of its own, once it is still."""
        folder, name = each.folder, each.place.name
        fresh = Place(folder.holding, self._new_id(), name)
        fresh.take(each.place.path)
        each.place.remove()
        sync(folder.holding)
        self.add(folder, fresh, after_seconds=max(folder.settle_seconds, 1.0))
        message = f"{shown(name)} was written to while it was handed over; it is handed over once more as it is now"
        self._tell(folder.activity("written_late", message, problem=True, name=name))

    def _stays(self, each: _Held, error: _NotRemoved) -> None:
        first = each.delay_seconds == 0
        self._delay(each, self._monotonic())
        if first:
            name = each.place.name
            message = f"{shown(name)} is handed over but cannot be removed: {error.message}; it is tried again"
            self._tell(each.folder.activity("removal_failed", message, problem=True, name=name))

    def _delay(self, each: _Held, now: float, error: Exception | None = None) -> float:
        delay = min(_DELAY_SECONDS_MAX, max(1.0, each.delay_seconds * 2))
        if isinstance(error, Retry):
            delay = error.delay_seconds
        each.delay_seconds, each.due = delay, now + delay
        return delay

    def _failed(self, each: _Held, error: Exception, in_a_row: int) -> None:
        now, first = self._monotonic(), each.delay_seconds == 0
        delay = self._delay(each, now, error)
        if in_a_row >= _FAILURES_IN_A_ROW:
            self._pause_until = now + delay
        if not self._receiver_down and ((first and in_a_row == 1) or in_a_row >= _FAILURES_IN_A_ROW):
            self._receiver_down = in_a_row >= _FAILURES_IN_A_ROW
            reason = error.message if isinstance(error, SftpError) else f"{type(error).__name__}: {error}"
            name = each.place.name
            message = f"{shown(name)} could not be handed over: {reason}; it is kept and tried again"
            if self._receiver_down:
                message = f"{in_a_row} files in a row could not be handed over, the last one: {reason}; all are kept"
            self._tell(each.folder.activity("receiver_failed", message, problem=True, name=name))


def writer_waiting(folder: Folder, name: str) -> Activity:
    """Somebody has had a file open for very long."""
    message = (
        f"{shown(name)} in {folder.source} has been open for writing for {folder.partial_after_seconds:.0f} s; "
        "it is taken when it is closed"
    )
    return folder.activity("writer_waiting", message, problem=True, name=name)


def unmark(folder: Folder, name: str, not_after: int) -> None:
    """Remove the marker of a claimed file; one that came after the change time `not_after` is of a file to come."""
    if folder.marker is None:
        return
    under, _, last = name.rpartition("/")
    marker = folder.path / under / marker_for(last, folder.marker)
    with suppress(OSError):
        if marker.lstat().st_ctime_ns <= not_after:
            marker.unlink()


def _sha256(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()
