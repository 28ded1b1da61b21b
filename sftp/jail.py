"""What a partner sees and may do: /inbox and /outbox, the same two again under /test, and nothing else.

A path of a client is taken apart into an area and one name, on paper, before any file is touched; the name is then used
relative to a folder that is already open, and symbolic links are never followed. There is no path that leads out.

On disk a partner's home holds four folders on one file system:

    inbox/    closed files that wait to be collected; nobody reads or overwrites them over SFTP, and nobody deletes them
              but their sender one that is cut off, while it waits for its end
    outbox/   what is meant for the partner: he lists, reads and removes
    stage/    uploads that have not ended, each locked while it is written; seen by the partner as part of /inbox
    held/     files that the collector has claimed; invisible

The same four again in its folder test/: what is sent there is tried, and touches nothing that is real.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections import OrderedDict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from sftp.complete import whole_file
from sftp.errors import Outside, Reject, Stop, of_oserror
from sftp.folders import make
from sftp.names import is_superseded, is_temporary, superseded, why_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

AREAS = ("inbox", "outbox")
TEST = "test"
_FOLDERS = ("inbox", "outbox", "stage", "held")
_FOLDER_MODE = stat.S_IFDIR | 0o750
_FILE_MODE = stat.S_IFREG | 0o640
_TAKEN_SECONDS = 120.0
_TAKEN_MAX = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """A client's path, understood: ``/`` has neither area nor name, ``/inbox`` no name; `test` is below ``/test``."""

    area: str | None
    name: str | None
    test: bool = False

    def __str__(self) -> str:
        """The path as the client sees it."""
        return "/" + "/".join(part for part in (TEST if self.test else None, self.area, self.name) if part)


def place(path: str) -> Place:
    """Understand a path. ``.``, ``..`` and repeated slashes are resolved on paper, as if there were no links.

    Raises:
        Reject: when there can be nothing at that path.
    """
    if "\0" in path:
        raise Reject("failure", "a path holds no NUL")
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    test = parts[:1] == [TEST]
    if test:
        del parts[0]
    if not parts:
        return Place(None, None, test)
    if parts[0] not in AREAS or len(parts) > 2:
        raise Outside(path)
    return Place(parts[0], parts[1] if len(parts) == 2 else None, test)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a partner sees of a file or folder: permissions and type, size in bytes, seconds since 1970."""

    name: str
    mode: int
    size: int
    modified: int


class Taken:
    """The files that were collected a moment ago: clients ask for size and time after an upload, and get them.

    One instance for all sessions of a server; bounded in time and number.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._entries: OrderedDict[tuple[str, str], tuple[float, Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, source: str, entry: Entry) -> None:
        """Note a file that is about to be collected."""
        with self._lock:
            self._entries.pop((source, entry.name), None)
            self._entries[source, entry.name] = (self._monotonic() + _TAKEN_SECONDS, entry)
            if len(self._entries) > _TAKEN_MAX:
                self._entries.popitem(last=False)

    def get(self, source: str, name: str) -> Entry | None:
        """The file as it was, if it was collected within the last two minutes."""
        with self._lock:
            until, entry = self._entries.get((source, name), (0.0, None))
            return entry if self._monotonic() < until else None

    def forget(self, source: str, name: str) -> None:
        """The file was not collected after all: its sender took it back."""
        with self._lock:
            self._entries.pop((source, name), None)


class Jail:
    """One partner's folders, held open for one session: his real ones, and those of /test. Not for several threads."""

    def __init__(self, root: Path, partner: str, taken: Taken) -> None:
        if why_refused(partner) or is_temporary(partner):
            raise Stop(f"the partner {partner!r} cannot have a folder of that name", "Rename the partner")
        self.partner = partner
        self.taken = taken
        self._home = root / partner
        self._lanes = {False: Lane(self._home, f"drop://{partner}", taken)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folders."""
        for lane in self._lanes.values():
            lane.close()

    def lane(self, where: Place) -> Lane:
        """The folders that a path is about; those of /test are opened by whoever first asks for them."""
        if where.test not in self._lanes:
            self._lanes[where.test] = Lane(self._home / TEST, f"test://{self.partner}", self.taken)
        return self._lanes[where.test]

    def stat(self, where: Place) -> Entry:
        """What is at a path."""
        if where.name is None:
            return Entry(where.area or (TEST if where.test else "/"), _FOLDER_MODE, 0, self._changed(where))
        return self.lane(where).stat(where)

    def list(self, where: Place) -> list[Entry]:
        """What is in a folder, sorted by name."""
        if where.name is not None:
            raise Reject("failure", f"{where} is not a folder")
        if where.area is None:
            folders = [Place(area, None, where.test) for area in AREAS]
            if not where.test:
                folders.append(Place(None, None, test=True))
            return [self.stat(folder) for folder in folders]
        return self.lane(where).list(where.area)

    def _changed(self, where: Place) -> int:
        """When a name last came into a folder, or left it; /test may not be there yet."""
        if where.area is not None:
            lane = self.lane(where)
            return int(os.fstat(lane.inbox if where.area == "inbox" else lane.outbox).st_mtime)
        with suppress(FileNotFoundError):
            return int((self._home / TEST if where.test else self._home).stat().st_mtime)
        return int(self._home.stat().st_mtime)

    def remove(self, where: Place) -> None:
        """Remove a file of the outbox, or of the inbox what is unfinished: by its name, its upload or its bytes."""
        self.lane(where).remove(where)

    def rename(self, source: Place, target: Place, *, replace: bool) -> tuple[Entry, bool]:
        """Give a whole file in the inbox its final name; see `Lane.rename`."""
        if (source.area, target.area, target.test) != ("inbox", "inbox", source.test):
            raise Reject("permission denied", f"files are renamed within {Place('inbox', None, source.test)} only")
        return self.lane(source).rename(source, target, replace=replace)

    def touch(self, where: Place, modified: float) -> None:
        """Set a file's time, as `put -p` does; a file that was taken keeps its own."""
        self.lane(where).touch(where, modified)


class Lane:
    """The folders of one way in and out, held open. `source` is what its arrivals are said to come from."""

    def __init__(self, home: Path, source: str, taken: Taken) -> None:
        self.source = source
        self.taken = taken
        self._descriptors: list[int] = []
        for folder in _FOLDERS:
            make(home / folder)
        try:
            self.inbox, self.outbox, self.stage = (self._hold(home / folder) for folder in ("inbox", "outbox", "stage"))
        except OSError:
            self.close()
            raise

    def _hold(self, folder: Path) -> int:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._descriptors.append(descriptor)
        return descriptor

    def close(self) -> None:
        """Let go of the folders."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Whatever changes names in stage or inbox happens under this lock, which also other processes respect."""
        fcntl.flock(self.stage, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.stage, fcntl.LOCK_UN)

    def stat(self, where: Place) -> Entry:
        """What is at the path of a file."""
        name = named(where)
        # An unfinished upload hides a file of that name: its size is where a client goes on.
        for folder in (self.stage, self.inbox) if where.area == "inbox" else (self.outbox,):
            found = regular(folder, name)
            if found:
                return _entry(name, found)
        taken = self.taken.get(self.source, name) if where.area == "inbox" else None
        if taken is None:
            raise _nothing(where)
        return taken

    def list(self, area: str) -> list[Entry]:
        """What is in inbox or outbox, sorted by name. Unfinished uploads are shown, for they can be resumed."""
        found: dict[str, Entry] = {}
        for folder in (self.inbox, self.stage) if area == "inbox" else (self.outbox,):
            for name in os.listdir(folder):  # noqa: PTH208 - an open folder has no path
                if is_superseded(name) or (folder == self.outbox and is_temporary(name)):
                    continue
                status = regular(folder, name)
                if status and name.isprintable():
                    found[name] = _entry(name, status)
        return [found[name] for name in sorted(found)]

    def remove(self, where: Place) -> None:
        """Remove a file of the outbox, or of the inbox what is unfinished: by its name, its upload or its bytes."""
        name = named(where)
        if where.area == "outbox":
            if regular(self.outbox, name) is None:
                raise _nothing(where)
            os.unlink(name, dir_fd=self.outbox)
            return
        with self.alone():
            closed, begun = regular(self.inbox, name), regular(self.stage, name)
            if closed and not (is_temporary(name) or self._lacks_its_end(name)):
                raise _too_late(where)
            if begun:
                with locked(self.stage, name):
                    os.unlink(name, dir_fd=self.stage)
            if closed:
                self._take_back(where, name)
            elif not begun:
                raise _too_late(where) if self.taken.get(self.source, name) else _nothing(where)

    def _take_back(self, where: Place, name: str) -> None:
        """Under the lock: remove a closed file, unless the collector is faster: one name, of which one of us has it."""
        try:
            os.unlink(name, dir_fd=self.inbox)
        except FileNotFoundError:
            raise _too_late(where) from None
        os.fsync(self.inbox)
        self.taken.forget(self.source, name)

    def _lacks_its_end(self, name: str) -> bool:
        """Whether a closed file waits for the rest of its envelope; every other one is taken as soon as it is seen."""
        if is_superseded(name):
            return False
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.inbox)
        except FileNotFoundError:
            return False  # collected in this very moment
        try:
            return whole_file(descriptor) is False
        finally:
            os.close(descriptor)

    def rename(self, source: Place, target: Place, *, replace: bool) -> tuple[Entry, bool]:
        """Give a whole file in the inbox its final name; what it is then, and whether another one stepped aside.

        A file that waits under that name is kept, as when a newer one is sent over it. One of a temporary name would
        be lost, so that it is written over only with `replace`.
        """
        old, new = named(source), named(target)
        check_name(new)
        with self.alone():
            status = regular(self.inbox, old)
            if status is None:
                raise self._why_not_renamed(source)
            aside = False
            if old != new:
                if is_temporary(new) and regular(self.inbox, new) and not replace:
                    raise Reject("failure", f"{target} exists already")
                aside = self.set_aside(new)
                self._forget_unfinished(new)
                os.rename(old, new, src_dir_fd=self.inbox, dst_dir_fd=self.inbox)
        os.fsync(self.inbox)
        entry = _entry(new, status)
        self.taken.remember(self.source, entry)
        return entry, aside

    def _why_not_renamed(self, source: Place) -> Reject:
        name = named(source)
        if regular(self.stage, name):
            return Reject("failure", f"the upload of {source} has not ended; resume it or send it again")
        if self.taken.get(self.source, name):
            return Reject("permission denied", f"{source} has been taken; it can no longer be renamed")
        return Reject("no such file", f"there is no {source}")

    def _forget_unfinished(self, name: str) -> None:
        """Under the lock: an upload that ended early is moot once a whole file has its name."""
        if regular(self.stage, name):
            with suppress(Reject), locked(self.stage, name):
                os.unlink(name, dir_fd=self.stage)

    def set_aside(self, name: str) -> bool:
        """Under the lock: make room for `name` in the inbox without losing what lies there; whether anything did."""
        if is_temporary(name) or regular(self.inbox, name) is None:
            return False  # a temporary name was never an arrival: it may be written over
        for number in count(1):
            aside = superseded(name, number)
            if regular(self.inbox, aside) is None:
                break
        try:
            os.rename(name, aside, src_dir_fd=self.inbox, dst_dir_fd=self.inbox)
        except FileNotFoundError:
            return False  # collected in this very moment
        return True

    def touch(self, where: Place, modified: float) -> None:
        """Set a file's time, as `put -p` does; a file that was taken keeps its own."""
        name = named(where)
        for folder in (self.inbox, self.stage) if where.area == "inbox" else ():
            if regular(folder, name):
                os.utime(name, (modified, modified), dir_fd=folder, follow_symlinks=False)
                return
        self.stat(where)


def _nothing(where: Place) -> Reject:
    return Reject("no such file", f"there is no {where}")


def _too_late(where: Place) -> Reject:
    return Reject("permission denied", f"{where} has been taken; it can no longer be removed")


def named(where: Place) -> str:
    """The name of a file, refusing a folder."""
    if where.name is None:
        raise Reject("permission denied", f"{where} is a folder of the server")
    return where.name


def check_name(name: str) -> None:
    """Refuse names under which nothing may be uploaded."""
    reason = why_refused(name)
    if reason:
        raise Reject("failure", reason)


def regular(folder: int, name: str) -> os.stat_result | None:
    """The status of a regular file in an open folder; None for anything else, links included."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise of_oserror(error) from error
    return status if stat.S_ISREG(status.st_mode) else None


@contextmanager
def locked(folder: int, name: str) -> Iterator[int]:
    """The file, open for writing and locked; refused while another session writes it."""
    descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        lock(descriptor, name)
        yield descriptor
    finally:
        os.close(descriptor)


def lock(descriptor: int, name: str) -> None:
    """Lock an open file of the stage, or refuse."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Reject("failure", f"{name} is being written by another session") from None


def _entry(name: str, status: os.stat_result) -> Entry:
    return Entry(name, _FILE_MODE, status.st_size, int(status.st_mtime))
