"""From folders to arrivals. The rescan is the truth; a bell only makes it come sooner.

    scan     a regular file, under a final name, that matches a pattern, and whose marker lies beside it
    settled  our own server's files at once, others when unchanged for a while on our own clock
    closed   nobody has it open for writing, where the kernel tells; asked again after the claim
    whole    an open envelope waits for `partial_after_seconds`, in case the sender resumes
    claim    rename into the holding folder as <id>~<name>: atomic, one has it, also among several machines
    receive  hash it, hand it over; only when that returned, remove it
    again    written to in the meantime, by somebody who holds it open: kept, and handed over under a fresh id

A file is always in exactly one place, and the only steps that commit anything are a rename and the receiver's own. What
a crash leaves in the holding folder is handed over again under the same id.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from sftp.activity import to_logging
from sftp.awaited import Awaited
from sftp.complete import whole_file
from sftp.errors import SftpError, Stop
from sftp.folders import make, sync
from sftp.handover import HandOver, unmark, writer_waiting
from sftp.holding import BrokenUploads, Place, doubt_seconds
from sftp.names import is_superseded, marker_for, original, shown, superseded
from sftp.scanning import listed, look, opened, order
from sftp.writers import Writers, is_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sftp.activity import Tell
    from sftp.arrival import Arrivals, Folder
    from sftp.scanning import Listing, Look

_CLAIMS_PER_TURN = 64  # per folder, so that one partner's thousands do not keep the others waiting
_BREATH_SECONDS = 0.02
_WRITER_SECONDS = 1.0  # how often it is asked whether a file is still written to that no bell tells of
_NEVER = float("inf")


@dataclass(slots=True)
class _Seen:
    """How a file looked when it last changed, and since when (monotonic) it has looked so."""

    look: Look
    since: float
    due: float = _NEVER
    """When it is to be looked at again."""
    closed: bool = False
    """OpenSSH's log has said that it is complete."""
    partial_told: bool = False
    writer_told: bool = False


@dataclass(slots=True)
class _State:
    """What is remembered of a folder from turn to turn."""

    listed: float = -_NEVER
    seen: dict[str, _Seen] = field(default_factory=dict)
    ready: deque[str] = field(default_factory=deque)
    """Names that may be claimed by what the last look told, in their order."""
    due: float = _NEVER
    """When the first of the others is to be looked at again."""
    stuck: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)
    unreadable: bool = False


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
        is_written: whether somebody has a file open for writing, of a descriptor; None when that cannot be known.
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
        is_written: Callable[[int], bool | None] = is_written,
    ) -> None:
        self._new_id = new_id
        self._monotonic = monotonic
        self._tell: Tell = on_activity or to_logging
        self._rescan_seconds = rescan_seconds
        self._recover_seconds = recover_seconds
        self._writers = Writers(self._tell, is_written)
        self._awaited = Awaited(self._tell)
        self._held = HandOver(arrivals, self._writers, self._tell, new_id=new_id, monotonic=monotonic)
        self._states: dict[Folder, _State] = {}
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._rung: set[str] = set()
        self._closed: set[tuple[str, str]] = set()
        self._ears: dict[Path, Callable[[], None]] = {}
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

    def closed(self, source: str, name: str) -> None:
        """This file of `source` was closed by a client that had sent it: it need not settle. From any thread."""
        with self._lock:
            self._closed.add((source, name))
        self.ring(source)

    def hears(self, log: Path, catch_up: Callable[[], None]) -> None:
        """Somebody hears what is said in this `log` of folders; `catch_up` hears all that was said until now."""
        self._ears[log] = catch_up

    def broken(self, source: str, name: str) -> None:
        """The upload of this file of `source` broke off: it waits as one with an open envelope does. From any thread.

        Raises:
            OSError: that cannot be kept.
        """
        for folder in self._folders:
            if folder.source == source:
                status = (folder.path / name).lstat()
                BrokenUploads(folder.holding).note(name, look(status))
                message = f"{shown(name)}  {status.st_size} bytes, then its connection broke off"
                self._tell(folder.activity("upload_broken", message, name=name, size=status.st_size))

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
                self._turn(folder)
        self._held.turn()

    def recover(self) -> None:
        """Find held files that are nobody's any more. They are handed over in the next `scan`."""
        for folder in self._folders:
            with self._reading(folder):
                _make_anew(folder)
                self._held.find(folder, after_seconds=doubt_seconds(folder.holding))

    def _next_due(self) -> float:
        """When something is to be done that no bell will tell."""
        return min([self._held.next_due(), *(self._state(folder).due for folder in self._folders)])

    def _state(self, folder: Folder) -> _State:
        return self._states.setdefault(folder, _State())

    @contextmanager
    def _reading(self, folder: Folder) -> Iterator[None]:
        """Work on a folder; that it cannot be read is told once, and once when it can be read again."""
        state = self._state(folder)
        try:
            yield
        except OSError as error:
            if not state.unreadable:
                message = f"{folder.source} cannot be read: {error.strerror or error}; it is tried again"
                self._tell(folder.activity("folder_unreadable", message, problem=True))
            state.unreadable = True
        else:
            if state.unreadable:
                self._tell(folder.activity("folder_readable", f"{folder.source} can be read again"))
            state.unreadable = False

    def _turn(self, folder: Folder) -> None:
        """Look at a folder and claim some; what one look has found is claimed in several turns, not looked for anew."""
        now, state = self._monotonic(), self._state(folder)
        with self._reading(folder):
            if not state.ready or now - state.listed >= self._rescan_seconds:
                self._look_at(folder, state, now)
            self._claim_some(folder, state, now)
        if state.ready:
            self.ring(folder.source)

    # Look --------------------------------------------------------------------------------------------------------

    def _look_at(self, folder: Folder, state: _State, now: float) -> None:
        with self._lock:
            closed = {name for source, name in self._closed if source == folder.source}
            self._closed -= {(folder.source, name) for name in closed}
        listing = listed(folder, state.seen)
        seen: dict[str, _Seen] = {}
        ready: list[tuple[bool, int, str]] = []
        state.due = _NEVER
        for name, looks in listing.files:
            known = state.seen.get(name)
            if known is None or known.look != looks:
                known = _Seen(looks, now)
                known.due = now + folder.settle_seconds
            if closed and name in closed:
                known.closed, known.due = True, now
            seen[name] = known
            if known.due <= now:
                ready.append(order(name, looks))
            elif known.due < state.due:
                state.due = known.due
        state.ready = deque(name for _, _, name in sorted(ready))
        state.listed, state.seen = now, seen
        self._tell_of_strange(folder, state, listing)
        self._awaited.look_at(folder, now)

    def _tell_of_strange(self, folder: Folder, state: _State, listing: Listing) -> None:
        new = [name for name in listing.strange if name not in state.strange]
        state.strange = set(listing.strange)
        if new:
            others = f", and so are {len(new) - 1} more" if len(new) > 1 else ""
            message = f"{shown(new[0])} in {folder.source} is {listing.strange[new[0]]} and is left alone{others}"
            self._tell(folder.activity("not_a_file", message, problem=True, name=new[0]))

    # Claim -------------------------------------------------------------------------------------------------------

    def _claim_some(self, folder: Folder, state: _State, now: float) -> None:
        claimed = tried = 0
        after_seconds = doubt_seconds(folder.holding) if state.ready else 0.0
        stuck: dict[str, OSError] = {}
        while state.ready and claimed < _CLAIMS_PER_TURN and tried < 8 * _CLAIMS_PER_TURN:
            name = state.ready.popleft()
            tried += 1
            known = state.seen[name]
            try:
                again = self._waits(folder, name, known, now)
                if again is not None:
                    state.due = min(state.due, again)
                else:
                    claimed += self._claim(folder, name, after_seconds)
            except OSError as error:  # this one file's owner or flags; the names behind it are taken
                if error.errno == errno.EBUSY:  # SMB moves nothing that another client has open, such as its sender
                    self._tell_of_writer(folder, name, known, now)
                else:
                    stuck[name] = error
                state.due = min(state.due, now + _WRITER_SECONDS)
        if claimed:
            sync(folder.holding)
        self._tell_stuck(folder, state, stuck)

    def _waits(self, folder: Folder, name: str, known: _Seen, now: float) -> float | None:
        """When to look again at a file that is not to be taken yet: changed, written to, or perhaps to be resumed."""
        patience = _patience(folder, known)
        try:
            with opened(folder.path / name) as descriptor:
                if look(os.fstat(descriptor)) != known.look:
                    return now
                if self._writers.at(folder, descriptor):
                    self._tell_of_writer(folder, name, known, now)
                    return now + (_BREATH_SECONDS if known.closed else _WRITER_SECONDS)  # the log is ahead of the close
                if is_superseded(name) or now >= patience:
                    return None
                whole = whole_file(descriptor)
        except PermissionError as error:  # once it is claimed, its sender cannot give it other rights any more
            raise PermissionError(error.errno, "this process has no right to read it") from error
        except (OSError, SftpError):
            return None  # claiming it shows what is wrong with this one file, and does not stop the others
        broken = folder.log is not None and self._is_broken(folder, folder.log, name, known)
        if whole or (whole is None and not broken):
            return None
        known.due = patience
        if not known.partial_told:
            known.partial_told = True
            self._tell_partial(folder, name, known, "its envelope is not closed" if whole is False else "it broke off")
        return patience

    def _is_broken(self, folder: Folder, log: Path, name: str, known: _Seen) -> bool:
        """Whether the server has said that the upload broke off, which it says before the file is closed."""
        if log in self._ears:
            self._ears[log]()
        return BrokenUploads(folder.holding).is_broken(name, known.look)

    def _tell_of_writer(self, folder: Folder, name: str, known: _Seen, now: float) -> None:
        if now >= _patience(folder, known) and not known.writer_told:
            known.writer_told = True
            self._tell(writer_waiting(folder, name))

    def _tell_partial(self, folder: Folder, name: str, known: _Seen, why: str) -> None:
        message = (
            f"{shown(name)}  {known.look[1]} bytes, but {why}; "
            f"it waits {folder.partial_after_seconds:.0f} s in case the sender resumes"
        )
        self._tell(folder.activity("partial_waiting", message, problem=True, name=name, size=known.look[1]))

    def _tell_stuck(self, folder: Folder, state: _State, stuck: dict[str, OSError]) -> None:
        """One line for the files that could not be claimed and are not told yet; they are tried at each turn."""
        new = [name for name in stuck if name not in state.stuck]
        # What settles anew after it was tried is still stuck: it is forgotten when it is claimed or gone.
        state.stuck = set(stuck) | (state.stuck & state.seen.keys())
        if not new:
            return
        others = f" and {len(new) - 1} more" if len(new) > 1 else ""
        message = (
            f"{shown(new[0])}{others} cannot be taken from {folder.source}: {stuck[new[0]].strerror}; "
            "it is tried again, and the other files are taken"
        )
        self._tell(folder.activity("claim_failed", message, problem=True, name=new[0]))

    def _claim(self, folder: Folder, name: str, after_seconds: float) -> bool:
        path, uploads = folder.path / name, BrokenUploads(folder.holding)
        place = Place(folder.holding, self._new_id(), original(name))
        marked = None
        try:
            if folder.marker is not None:
                marked = path.with_name(marker_for(path.name, folder.marker)).lstat().st_ctime_ns
            if folder.log is not None and uploads.is_broken(name, look(path.lstat())):
                uploads.claiming(place.id)
            place.take(path)
        except FileNotFoundError:
            _make_anew(folder)
            uploads.handed_over(place.id)
            return False  # another process was faster, or the sender took it back
        if self._state(folder).seen.pop(name, None) is not None:
            for older in _set_aside(folder, name, place.path):
                with suppress(OSError):  # it is found by the next look
                    self._claim(folder, older, after_seconds)
        self._held.add(folder, place, after_seconds=after_seconds)
        if marked is not None:
            unmark(folder, name, marked)
        if folder.log is not None:
            uploads.forget(name)
        return True


def _patience(folder: Folder, known: _Seen) -> float:
    """Until when a file may be unfinished."""
    return known.since + folder.settle_seconds + folder.partial_after_seconds


def _set_aside(folder: Folder, name: str, taken: Path) -> Iterator[str]:
    """Files that our own server set aside for the one of that name before it was `taken`, which the look has not seen.

    They came before it; what was set aside after it was taken is newer.
    """
    if folder.settle_seconds or is_superseded(name):
        return
    with suppress(OSError):  # there are no more
        until = taken.lstat().st_ctime_ns  # its name was changed last, by us
        for number in count(1):
            aside = superseded(name, number)
            if (folder.path / aside).lstat().st_ctime_ns <= until:
                yield aside


def _make_anew(folder: Folder) -> None:
    """The holding folder of a folder that was removed and made again. A share that is not there is not made here."""
    if not folder.holding.is_dir() and folder.path.is_dir():
        make(folder.holding)


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
