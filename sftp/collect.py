"""From folders to arrivals. The rescan is the truth; a bell only makes it come sooner.

    scan     a regular file, under a final name, that matches a pattern
    settled  our own server's files at once, others when unchanged for a while on our own clock
    whole    an open envelope waits for `partial_after_seconds`, in case the sender resumes
    claim    rename into the holding folder as <id>~<name>: atomic, one winner, also among several machines
    receive  hash it, hand it over; only when that returned, remove it
    again    written to in the meantime, by somebody who holds it open: kept, and handed over under a fresh id

A file is always in exactly one place, and the only steps that commit anything are a rename and the receiver's own. What
a crash leaves in the holding folder is handed over again under the same id.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp.activity import Activity, to_logging
from sftp.arrival import Arrival, Arrivals, Folder
from sftp.complete import whole_file
from sftp.errors import Changed, Retry, SftpError, Stop
from sftp.folders import make, sync
from sftp.names import is_superseded, is_temporary, original, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sftp.activity import Tell

_CLAIMS_PER_TURN = 64  # per folder, so that one partner's thousands do not keep the others waiting
_BREATH_SECONDS = 0.02
_NAME_BYTES_MAX = 255
_DELAY_SECONDS_MAX = 60.0
_FAILURES_IN_A_ROW = 3  # on different files: it is not the file, it is the receiver


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a file looked when it last changed, and since when (monotonic) it has looked so."""

    look: tuple[int, int, int, int]
    since: float
    told: bool = False


@dataclass(slots=True)
class _Held:
    """A claimed file that is still to be handed over."""

    folder: Folder
    due: float
    delay_seconds: float = 0.0


class Collector:
    """Collects from `folders` and hands what it finds to `arrivals`. One thread runs it; `ring` is for any thread.

    Args:
        folders: what to collect from; `watch` replaces them later.
        arrivals: who receives. Its `receive` is called in the collector's thread, one file at a time.
        new_id: makes a fresh id for each claimed file; letters, digits, ``-`` and ``_`` only.
        monotonic: our clock. Times of files are compared with each other, never with it.
        on_activity: who is told what happened; by default ``logging``.
        rescan_seconds: how often every folder is looked at without a bell.
        recover_seconds: how often holding folders are searched for files that another process left.
    """

    def __init__(
        self,
        folders: Sequence[Folder],
        arrivals: Arrivals,
        *,
        new_id: Callable[[], str],
        monotonic: Callable[[], float] = time.monotonic,
        on_activity: Tell | None = None,
        rescan_seconds: float = 1.0,
        recover_seconds: float = 10.0,
    ) -> None:
        self._arrivals = arrivals
        self._new_id = new_id
        self._monotonic = monotonic
        self._tell: Tell = on_activity or to_logging
        self._rescan_seconds = rescan_seconds
        self._recover_seconds = recover_seconds
        self._seen: dict[Folder, dict[str, _Seen]] = {}
        self._held: dict[Path, _Held] = {}
        self._unreadable: set[Folder] = set()
        self._stuck: dict[Folder, set[str]] = {}
        self._receiver_down = False
        self._pause_until = 0.0
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._rung: set[str] = set()
        self._folders: tuple[Folder, ...] = ()
        self.watch(folders)

    def watch(self, folders: Sequence[Folder]) -> None:
        """Collect from these folders from now on; missing ones are made.

        Raises:
            Stop: when a holding folder is shared, or not on the file system of its folder.
            OSError: a folder cannot be made.
        """
        if len({folder.holding for folder in folders}) < len(folders):
            raise Stop("two folders share a holding folder", "Give each folder a holding folder of its own")
        for folder in folders:
            prepare(folder)
        self._folders = tuple(folders)
        self.ring()

    def ring(self, source: str = "") -> None:
        """Look at the folders of `source` now, or at all of them. From any thread; returns at once."""
        with self._lock:
            self._rung.add(source)
        self._bell.set()

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop` is set; set it and then `ring` to end at once."""
        rescan = recover = self._monotonic()
        while not stop.is_set():
            self._bell.clear()
            with self._lock:
                rung, self._rung = self._rung, set()
            now = self._monotonic()
            if now >= recover:
                self.recover()
                recover = now + self._recover_seconds
            if now >= min(rescan, self._next_due()):
                rung.add("")
                rescan = now + self._rescan_seconds
            self.scan(rung)
            # What is overdue and still waits (for a receiver, for a better name) must not keep a processor busy.
            self._bell.wait(max(_BREATH_SECONDS, min(rescan, recover, self._next_due()) - self._monotonic()))

    def scan(self, sources: set[str] | None = None) -> None:
        """One turn: claim what is ready, in all folders or in those of `sources`, and hand over what is held."""
        for folder in self._folders:
            if sources is None or "" in sources or folder.source in sources:
                self._scan_folder(folder)
        self._hand_over()

    def recover(self) -> None:
        """Find held files that are nobody's any more. They are handed over in the next `scan`."""
        now = self._monotonic()
        for folder in self._folders:
            with self._reading(folder):
                for name in sorted(os.listdir(folder.holding)):  # noqa: PTH208 - names only, thousands of them
                    if "~" in name:
                        self._held.setdefault(folder.holding / name, _Held(folder, now))

    # Scan and claim ----------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self, folder: Folder) -> Iterator[None]:
        """Work on a folder; that it cannot be read is told once, and once when it can be read again."""
        try:
            yield
        except OSError as error:
            if folder not in self._unreadable:
                self._unreadable.add(folder)
                message = f"{folder.source} cannot be read: {error.strerror or error}; it is tried again"
                self._say("folder_unreadable", message, folder, problem=True)
        else:
            if folder in self._unreadable:
                self._unreadable.discard(folder)
                self._say("folder_readable", f"{folder.source} can be read again", folder)

    def _scan_folder(self, folder: Folder) -> None:
        now = self._monotonic()
        before = self._seen.get(folder, {})
        seen: dict[str, _Seen] = {}
        claimed = 0
        stuck: dict[str, OSError] = {}
        with self._reading(folder):
            for name, status in _files(folder):
                look = _look(status)
                known = before.get(name)
                if known is None or known.look != look:
                    known = _Seen(look, now)
                if now - known.since < folder.settle_seconds or claimed >= _CLAIMS_PER_TURN:
                    seen[name] = known
                elif self._waits(folder, name, known, now):
                    seen[name] = known if known.told else self._told(folder, name, known)
                else:
                    try:
                        claimed += self._claim(folder, name, now)
                    except PermissionError as error:  # this one file's owner or flags; the names behind it are taken
                        stuck[name] = error
            if claimed:
                sync(folder.holding)
            if claimed >= _CLAIMS_PER_TURN:
                self.ring(folder.source)
        self._seen[folder] = seen
        self._tell_stuck(folder, stuck)

    def _waits(self, folder: Folder, name: str, known: _Seen, now: float) -> bool:
        """Whether the file's envelope is open and its sender may still resume."""
        if is_superseded(name) or now - known.since >= folder.settle_seconds + folder.partial_after_seconds:
            return False
        if known.told:
            return True  # unchanged since it was found open
        try:
            with _opened(folder.path / name) as descriptor:
                return whole_file(descriptor) is False
        except (OSError, SftpError):
            return False  # claiming it shows what is wrong with this one file, and does not stop the others

    def _told(self, folder: Folder, name: str, known: _Seen) -> _Seen:
        message = (
            f"{shown(name)}  {known.look[1]} bytes, but its envelope is not closed; "
            f"it waits {folder.partial_after_seconds:.0f} s in case the sender resumes"
        )
        self._say("partial_waiting", message, folder, problem=True, name=name, size=known.look[1])
        return _Seen(known.look, known.since, told=True)

    def _tell_stuck(self, folder: Folder, stuck: dict[str, OSError]) -> None:
        """One line for the files that could not be claimed and are not told yet; they are tried at each turn."""
        known = self._stuck.get(folder, set())
        new = [name for name in stuck if name not in known]
        # What settles anew after it was tried is still stuck: it is forgotten when it is claimed or gone.
        self._stuck[folder] = set(stuck) | (known & self._seen[folder].keys())
        if not new:
            return
        others = f" and {len(new) - 1} more" if len(new) > 1 else ""
        message = (
            f"{shown(new[0])}{others} cannot be taken from {folder.source}: {stuck[new[0]].strerror}; "
            "it is tried again, and the other files are taken"
        )
        self._say("claim_failed", message, folder, problem=True, name=new[0])

    def _claim(self, folder: Folder, name: str, now: float) -> bool:
        held = folder.holding / _held_name(self._new_id(), original(name))
        try:
            (folder.path / name).rename(held)
        except FileNotFoundError:
            return False  # another process was faster, or the sender took it back
        self._held[held] = _Held(folder, now)
        return True

    # Hand over --------------------------------------------------------------------------------------------------

    def _next_due(self) -> float:
        """When something is to be done that no bell will tell."""
        settling = [
            known.since + folder.settle_seconds + (folder.partial_after_seconds if known.told else 0.0)
            for folder in self._folders
            for known in self._seen.get(folder, {}).values()
        ]
        held = [max(held.due, self._pause_until) for held in self._held.values()]
        return min([*settling, *held], default=float("inf"))

    def _hand_over(self) -> None:
        failures = 0
        for path, held in list(self._held.items()):
            now = self._monotonic()
            if now < self._pause_until:
                return
            if now < held.due:
                continue
            try:
                done = self._receive(path, held.folder)
            except FileNotFoundError:
                del self._held[path]  # another process has handed it over
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, the file is kept and tried again
                failures += 1
                self._failed(path, held, error, failures)
                continue
            if not done:
                held.due = now + max(held.folder.settle_seconds, 1.0)
                continue
            del self._held[path]
            failures = 0
            if self._receiver_down:
                self._receiver_down = False
                self._say("receiver_recovered", "files are handed over again", held.folder)

    def _receive(self, path: Path, folder: Folder) -> bool:
        """Hand over one held file and remove it; False while somebody still writes to it."""
        with _opened(path) as descriptor:
            before = os.fstat(descriptor)
            complete = whole_file(descriptor)
            sha256 = _sha256(descriptor)
            after = os.fstat(descriptor)
        if _look(before) != _look(after):
            return False
        identifier, _, name = path.name.partition("~")
        arrival = Arrival(identifier, folder.source, folder.partner, name, path, after.st_size, sha256, complete)
        try:
            self._arrivals.receive(arrival)
        except Changed:
            self._again(path, folder)
            return True
        message = f"{shown(name)}  {after.st_size} bytes from {folder.source}"
        self._say("arrived", message, folder, name=name, size=after.st_size, sha256=sha256)
        if _look(path.stat()) == _look(after):
            path.unlink(missing_ok=True)
        else:
            self._again(path, folder)
        return True

    def _again(self, path: Path, folder: Folder) -> None:
        """What was handed over is durable; what the file holds now becomes an arrival of its own, once it is still."""
        name = path.name.partition("~")[2]
        fresh = folder.holding / _held_name(self._new_id(), name)
        path.rename(fresh)
        sync(folder.holding)
        self._held[fresh] = _Held(folder, self._monotonic() + max(folder.settle_seconds, 1.0))
        message = f"{shown(name)} was written to while it was handed over; it is handed over once more as it is now"
        self._say("written_late", message, folder, problem=True, name=name)

    def _failed(self, path: Path, held: _Held, error: Exception, in_a_row: int) -> None:
        now, first = self._monotonic(), held.delay_seconds == 0
        delay = min(_DELAY_SECONDS_MAX, max(1.0, held.delay_seconds * 2))
        if isinstance(error, Retry):
            delay = error.delay_seconds
        held.delay_seconds, held.due = delay, now + delay
        if in_a_row >= _FAILURES_IN_A_ROW:
            self._pause_until = now + delay
        if not self._receiver_down and ((first and in_a_row == 1) or in_a_row >= _FAILURES_IN_A_ROW):
            self._receiver_down = in_a_row >= _FAILURES_IN_A_ROW
            reason = error.message if isinstance(error, SftpError) else f"{type(error).__name__}: {error}"
            message = (
                f"{shown(path.name.partition('~')[2])} could not be handed over: {reason}; it is kept and tried again"
            )
            if self._receiver_down:
                message = f"{in_a_row} files in a row could not be handed over, the last one: {reason}; all are kept"
            self._say("receiver_failed", message, held.folder, problem=True, name=path.name.partition("~")[2])

    def _say(
        self, what: str, message: str, folder: Folder, *, problem: bool = False, name: str | None = None,
        size: int | None = None, sha256: str | None = None,
    ) -> None:  # fmt: skip
        activity = Activity(
            what, message, problem, source=folder.source, partner=folder.partner, name=name, size=size, sha256=sha256
        )
        self._tell(activity)


def prepare(folder: Folder) -> None:
    """Make what is missing of a folder, and see that files can be claimed there.

    Raises:
        Stop: its holding folder is not on its file system.
        OSError: it cannot be made.
    """
    for path in (folder.path, folder.holding):
        make(path)
    if folder.path.stat().st_dev != folder.holding.stat().st_dev:
        raise Stop(
            f"{folder.holding} is not on the file system of {folder.path}, so no file can be claimed",
            "Configure a holding folder beside the folder",
        )


def _files(folder: Folder) -> list[tuple[str, os.stat_result]]:
    """The regular files that may be arrivals, in the order in which they came: superseded ones first.

    The change time is that of our server's rename into the inbox, or of a writer's last write, and no client can set
    it: a newer file must never be taken before an older one only because of its name.
    """
    found: list[tuple[str, os.stat_result]] = []
    with os.scandir(folder.path) as entries:
        for entry in entries:
            name = entry.name
            if is_temporary(name) or not any(fnmatch.fnmatchcase(original(name), p) for p in folder.patterns):
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    found.append((name, entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue  # gone between the listing and the question
    return sorted(found, key=lambda item: (not is_superseded(item[0]), item[1].st_ctime_ns, item[0]))


def _look(status: os.stat_result) -> tuple[int, int, int, int]:
    """What differs when a file was written to or replaced; the last one cannot be set back."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A regular file, never a link to one and never a pipe that would block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Stop(f"{shown(path.name)} is not a file", "Remove it from the folder")
        yield descriptor
    finally:
        os.close(descriptor)


def _sha256(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _held_name(identifier: str, name: str) -> str:
    """``<id>~<name>``; of a name that is too long for the file system, the end is kept."""
    raw = os.fsencode(name)
    room = _NAME_BYTES_MAX - len(identifier) - 1
    return f"{identifier}~{os.fsdecode(raw[-room:])}"
