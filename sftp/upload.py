"""Files that a session has open: an upload that becomes visible whole or not at all, and a download.

An upload is written to the stage strictly in order: data that comes early waits in memory, so what lies in the stage is
at every moment a prefix of the sender's file. Closing it makes it durable (fsync), gives it its name in the inbox
(one rename) and makes the name durable; only then the client hears OK. A connection that drops leaves the prefix, which
the partner sees under its name and can resume; it is never collected.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from sftp.errors import Reject, of_oserror
from sftp.jail import Entry, Place, check_name, lock, named, regular
from sftp.names import is_temporary

if TYPE_CHECKING:
    from sftp.jail import Jail
    from sftp.quota import Allowance

EARLY_BYTES_MAX = 16 * 1024 * 1024  # what a client with parallel writes may send ahead of the gap
_READ_BYTES = 1024 * 1024
_FILE_PERMISSIONS = 0o640


class Upload:
    """A file that is being written. Not for several threads."""

    def __init__(
        self, jail: Jail, where: Place, *, fresh: bool, append: bool, allowance: Allowance | None = None
    ) -> None:
        """Open the stage file.

        Args:
            jail: the partner's folders.
            where: ``/inbox/name``.
            fresh: start over (the client truncates) instead of going on with what is there.
            append: the client leaves the offset to us.
            allowance: how much the partner may send; without it, as much as there is room for.

        Raises:
            Reject: the file cannot be taken; nothing is left of it.
        """
        if where.area != "inbox":
            raise Reject("permission denied", f"files are sent to {Place('inbox', None, where.test)}")
        self.name = named(where)
        check_name(self.name)
        self._lane = lane = jail.lane(where)
        self.source = lane.source
        self._append = append
        self._allowance = allowance
        self._bytes_max = allowance.quota.file if allowance else None
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0
        self._failed: Reject | None = None
        self._started = False
        self.sha256: str | None = None
        self.superseded = False
        before: int | None = None
        if allowance:
            allowance.open(lane)
        with lane.alone():
            resumed = regular(lane.stage, self.name) is not None
            self._descriptor = self._open(lane.stage, os.O_RDWR | os.O_CREAT)
            try:
                lock(self._descriptor, self.name)
                if fresh:
                    os.ftruncate(self._descriptor, 0)
                elif not resumed and regular(lane.inbox, self.name):
                    before = self._open(lane.inbox, os.O_RDONLY)
            except BaseException:
                self.abort()
                raise
        self.size = os.fstat(self._descriptor).st_size
        self._digest = hashlib.sha256() if self.size == 0 else None  # None: to be read again at the end
        self._extends: tuple[int, int] | None = None
        if before is not None:
            self._continue(before)

    def _open(self, folder: int, flags: int) -> int:
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self.name, flags, _FILE_PERMISSIONS, dir_fd=folder)

    def _continue(self, before: int) -> None:
        """Go on with a file that was closed but is not collected yet.

        The client was told OK, so that file stays where it is; we write on a copy. Once the copy is whole and begins
        with all of that file's bytes, it takes its place; else both are collected.
        """
        try:
            while data := os.pread(before, _READ_BYTES, self.size):
                self._put(self.size, data)
            self._extends = (os.fstat(before).st_ino, self.size)
        except Reject:
            self.abort()
            raise
        finally:
            os.close(before)

    def read(self, _offset: int, _room: memoryview) -> memoryview:
        """Nobody reads what was sent."""
        raise Reject("permission denied", "files in /inbox cannot be read back")

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write `data`; early data waits for the gap before it to be filled."""
        if self._failed:
            raise self._failed
        if self._append:
            offset = self.size
        elif offset == 0 and self.size and not self._started:
            self.truncate(0)  # the client does not resume, it sends the whole file over what was left
        self._started = True
        if self._bytes_max is not None and offset + len(data) > self._bytes_max:
            self._give_up(Reject("failure", too_large(self.name, self._bytes_max)))
        if offset > self.size:
            self._wait(offset, bytes(data))
            return
        self._put(offset, data)
        while self._early and self.size in self._early:
            later = self._early.pop(self.size)
            self._count_early(-len(later))
            self._put(self.size, later)

    def _wait(self, offset: int, data: bytes) -> None:
        more = len(data) - len(self._early.get(offset, b""))
        if self._early_bytes + more > EARLY_BYTES_MAX or not self._count_early(more):
            self._fail(self._gap())
        self._early[offset] = data

    def _count_early(self, more: int) -> bool:
        """Whether there is room for so much more that waits in memory, here and in all uploads together."""
        if self._allowance and not self._allowance.all.early(more):
            return False
        self._early_bytes += more
        return True

    def _forget_early(self) -> None:
        self._early.clear()
        self._count_early(-self._early_bytes)

    def _gap(self) -> Reject:
        return Reject("failure", f"bytes from {self.size} on are missing in {self.name}; please send the whole file")

    def _put(self, offset: int, data: bytes | memoryview) -> None:
        view = memoryview(data)
        if self._allowance and offset + len(view) > self.size:
            try:
                self._allowance.grow(self._lane, offset + len(view) - self.size)
            except Reject as refused:
                self._give_up(refused)
        done = 0
        try:
            while done < len(view):
                done += os.pwrite(self._descriptor, view[done:], offset + done)
        except OSError as error:
            self._digest = None
            self.size = os.fstat(self._descriptor).st_size
            self._fail(of_oserror(error))
        if offset < self.size:
            self._digest = self._extends = None  # an earlier part was changed
        elif self._digest is not None:
            self._digest.update(view)
        self.size = max(self.size, offset + len(view))

    def _give_up(self, reason: Reject) -> NoReturn:
        """What cannot become whole is not kept, for nobody could go on with it."""
        with suppress(OSError):
            os.unlink(self.name, dir_fd=self._lane.stage)  # it is ours: we hold its lock
        self._fail(reason)

    def _fail(self, reason: Reject) -> NoReturn:
        """From here on nothing helps: the file will not be delivered, whatever the client still sends."""
        self._failed = reason
        self._forget_early()
        raise reason

    def truncate(self, size: int) -> None:
        """Cut the file: clients do so after an interrupted upload. A file never grows this way."""
        if size > self.size:
            raise Reject("failure", "a file cannot be made longer without sending its bytes")
        if size < self.size or self._early:
            if self._extends and size < self._extends[1]:
                self._extends = None
            os.ftruncate(self._descriptor, size)
            self.size = size
            self._digest = hashlib.sha256() if size == 0 else None
            self._forget_early()

    def sync(self) -> None:
        """Make what came so far durable."""
        os.fsync(self._descriptor)

    def touch(self, modified: float) -> None:
        """Set the file's time."""
        os.utime(self._descriptor, (modified, modified))

    def stat(self) -> Entry:
        """Size and time as they are now."""
        status = os.fstat(self._descriptor)
        return Entry(self.name, 0o100640, status.st_size, int(status.st_mtime))

    def commit(self) -> Entry:
        """Make the file durable and visible in the inbox; `size` and `sha256` are then final.

        Raises:
            Reject: when bytes are missing or could not be written; what came stays in the stage.
        """
        try:
            if self._failed or self._early:
                raise self._failed or self._gap()
            os.fsync(self._descriptor)
            self.sha256 = (self._digest or self._read_again()).hexdigest()
            entry = self.stat()
            if not is_temporary(self.name):
                self._lane.taken.remember(self._lane.source, entry)
            with self._lane.alone():
                if self._extends and self._is_in_inbox(self._extends[0]):
                    self._extends = None  # the rename below replaces it: we hold all its bytes
                else:
                    self.superseded = self._lane.set_aside(self.name)
                os.rename(self.name, self.name, src_dir_fd=self._lane.stage, dst_dir_fd=self._lane.inbox)
            os.fsync(self._lane.inbox)
        finally:
            self.abort()
        return entry

    def _is_in_inbox(self, inode: int) -> bool:
        status = regular(self._lane.inbox, self.name)
        return status is not None and status.st_ino == inode

    def _read_again(self) -> hashlib._Hash:
        digest = hashlib.sha256()
        offset = 0
        while data := os.pread(self._descriptor, _READ_BYTES, offset):
            digest.update(data)
            offset += len(data)
        return digest

    def abort(self) -> None:
        """Let go: what came stays in the stage and can be resumed. Does nothing after `commit`."""
        self._forget_early()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def too_large(name: str, bytes_max: int) -> str:
    """What is said to a client whose file is larger than it may be."""
    return f"{name} is larger than {bytes_max} bytes, the most that one file may have here"


class Download:
    """A file of the outbox that is being read. `complete` once its last byte has been asked for."""

    def __init__(self, jail: Jail, where: Place) -> None:
        if where.area != "outbox":
            raise Reject("permission denied", "files in /inbox cannot be read back")
        self.name = named(where)
        lane = jail.lane(where)
        self.source = lane.source
        if is_temporary(self.name) or regular(lane.outbox, self.name) is None:
            raise Reject("no such file", f"there is no {where}")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(self.name, flags, dir_fd=lane.outbox)
        self.size = os.fstat(self._descriptor).st_size
        self._reached = 0

    @property
    def complete(self) -> bool:
        """Whether the last byte has been read."""
        return self._reached >= self.size

    def read(self, offset: int, room: memoryview) -> memoryview:
        """The bytes from `offset`, as many as there is `room` for, which holds them; none at the end."""
        count = os.preadv(self._descriptor, [room], offset)
        self._reached = max(self._reached, offset + count)
        return room[:count]

    def write(self, _offset: int, _data: bytes | memoryview) -> None:
        """Nobody writes to the outbox but the server."""
        raise Reject("permission denied", "the file was opened for reading")

    def stat(self) -> Entry:
        """Size and time."""
        status = os.fstat(self._descriptor)
        return Entry(self.name, 0o100640, status.st_size, int(status.st_mtime))

    def abort(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
