"""What an OpenSSH server says of its partners' uploads, read where its ``internal-sftp`` writes it: ``/dev/log``.

Inside its chroot ``internal-sftp`` sends its log lines as datagrams to the socket ``/dev/log``, if there is one. We are
that socket, and so hear of what no folder tells: that an upload broke off (``forced close``), that a file was closed by
a client which had sent it, and when its session ended, after which nobody asks for the file any more.

    open "/inbox/orders.csv" flags WRITE,CREATE,TRUNCATE mode 0644
    close "/inbox/orders.csv" bytes read 0 written 18422
    forced close "/inbox/orders.csv" bytes read 0 written 8192
    rename old "/inbox/orders.csv.part" new "/inbox/orders.csv"
    session closed for local user acme from [203.0.113.7]

A datagram can be lost, and was when nobody listened: this is a bell with good hearing. The rescan is the truth.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import stat
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sftp.activity import to_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sftp.activity import Tell
    from sftp.arrival import Folder
    from sftp.collect import Collector

_SESSIONS_MAX = 10_000  # of some no end is ever told
_DATAGRAM_BYTES_MAX = 8192  # OpenSSH's lines have at most 1,024 bytes
_DATAGRAMS_MAX = 4096  # more than the kernel keeps waiting
_LINE = re.compile(rb"\[(\d+)\]: (.*)", re.DOTALL)
_KINDS = (
    ("opened", re.compile(rb'open "(.*)" flags (\S+) mode \d+')),
    ("closed", re.compile(rb'close "(.*)" bytes read \d+ written (\d+)')),
    ("broken", re.compile(rb'forced close "(.*)" bytes read \d+ written (\d+)')),
    ("renamed", re.compile(rb'(?:posix-)?rename old "(.*)" new "(.*)"')),
    ("removed", re.compile(rb'remove name "(.*)"')),
    ("ended", re.compile(rb"session closed for local user .*")),
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"v": b"\v", b"f": b"\f", b"0": b"\0"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened in a session: `what` is a name of the table above, `more` what stands behind the path."""

    session: int
    what: str
    path: bytes = b""
    more: bytes = b""


def read_line(datagram: bytes) -> Line | None:
    """The line in a datagram; None when it is of nothing that matters here."""
    found = _LINE.search(datagram.rstrip(b"\n\0"))
    if found is None:
        return None
    for what, pattern in _KINDS:
        told = pattern.fullmatch(found[2])
        if told is not None:
            path, more = (*told.groups(), b"", b"")[:2]
            return Line(int(found[1]), what, _plain(path), _plain(more))
    return None


def _plain(text: bytes) -> bytes:
    """Without OpenSSH's escapes: strvis(3) in the style of C, octal for what is not ASCII."""
    return _ESCAPE.sub(lambda each: bytes([int(each[1], 8) & 255]) if each[1] else _LETTERS.get(each[2], each[2]), text)


@dataclass(slots=True)
class _Session:
    writing: set[bytes] = field(default_factory=set)
    closed: set[bytes] = field(default_factory=set)
    """Paths of files that the client sent and closed, by their present names."""


class SshLog:
    """Is the log socket of one chroot, and tells `collector` what is said there of `folders`, which all lie in it."""

    def __init__(
        self,
        path: Path,
        folders: Sequence[Folder],
        collector: Collector,
        *,
        on_activity: Tell | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._root = path.parent.parent  # …/dev/log
        self._folders = tuple(folders)
        self._collector = collector
        self._tell: Tell = on_activity or to_logging
        self._monotonic = monotonic
        self._sessions: dict[int, _Session] = {}
        self._later: list[tuple[float, str, str]] = []
        """Files that are complete when so much time has passed: when, source, name."""
        self._socket: socket.socket | None = None
        self._hearing = threading.Lock()
        """Held by whoever acts on lines: the thread that listens, or the collector before it judges a file."""
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._listen, name="sshlog", daemon=True)

    def start(self) -> None:
        """Begin to listen; that it cannot be is told, and the folders are rescanned only."""
        try:
            self._socket, self._inode = _bound(self._path)
        except OSError as error:
            for folder in self._folders:
                message = f"{folder.source} is only rescanned: {self._path} cannot be listened to: {error.strerror}"
                self._tell(folder.activity("log_missing", message, problem=True))
        else:
            self._collector.hears(self._path, self.catch_up)
            self._thread.start()

    def stop(self) -> None:
        """Listen no more; the socket goes, so that servers do not wait for who does not read."""
        os.write(self._wake_write, b"!")
        if self._socket is not None:
            self._thread.join()
            with suppress(OSError):
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
            self.catch_up()
            with self._hearing:
                self._socket.close()
                self._socket = None
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _listen(self) -> None:
        assert self._socket is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._socket, selectors.EVENT_READ)
            ready.register(self._wake_read, selectors.EVENT_READ)
            while True:
                with self._hearing:
                    due = min((at for at, _, _ in self._later), default=None)
                keys = ready.select(None if due is None else max(0.0, due - self._monotonic()))
                if any(key.fd == self._wake_read for key, _ in keys):
                    return
                self.catch_up()
                with self._hearing:
                    self._tell_later()

    def catch_up(self) -> None:
        """Hear all that was said until now; from any thread.

        What the server said of a file before it let go of it is heard then, however late our own thread comes to it.
        """
        with self._hearing:
            for _ in range(_DATAGRAMS_MAX):  # who sends without an end keeps nobody here
                if self._socket is None:
                    return
                try:
                    datagram = self._socket.recv(_DATAGRAM_BYTES_MAX, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return
                line = read_line(datagram)
                if line is not None:
                    self.hear(line)

    def hear(self, line: Line) -> None:
        """Act on one line. Not for several threads: `catch_up` is."""
        session = self._sessions.setdefault(line.session, _Session())
        if len(self._sessions) > _SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        getattr(self, f"_{line.what}")(session, line)

    def _opened(self, session: _Session, line: Line) -> None:
        if b"WRITE" in line.more.split(b","):
            session.writing.add(line.path)
            session.closed.discard(line.path)

    def _closed(self, session: _Session, line: Line) -> None:
        if line.path not in session.writing and line.more == b"0":
            return  # it was read
        session.writing.discard(line.path)
        session.closed.add(line.path)
        for folder, name in self._places(line.path):
            self._collector.ring(folder.source)
            self._close_later(folder, name)

    def _broken(self, session: _Session, line: Line) -> None:
        if line.path not in session.writing and line.more == b"0":
            return
        session.writing.discard(line.path)
        for folder, name in self._places(line.path):
            try:
                self._collector.broken(folder.source, name)
            except (FileNotFoundError, ValueError):
                continue  # it was under another name, or is taken; or somebody wrote a line that names no file
            except OSError as error:
                message = f"that the upload of a file of {folder.source} broke off cannot be noted: {error.strerror}"
                self._tell(folder.activity("log_missing", message, problem=True))

    def _renamed(self, session: _Session, line: Line) -> None:
        if line.path in session.closed:
            session.closed.discard(line.path)
            session.closed.add(line.more)
        for folder, name in self._places(line.more):
            self._collector.ring(folder.source)
            if line.more in session.closed:
                self._close_later(folder, name)

    def _removed(self, session: _Session, line: Line) -> None:
        session.closed.discard(line.path)

    def _ended(self, session: _Session, line: Line) -> None:
        for path in session.closed:
            for folder, name in self._places(path):
                self._collector.closed(folder.source, name)
        self._sessions.pop(line.session, None)

    def _close_later(self, folder: Folder, name: str) -> None:
        if folder.after_close_seconds is not None:
            self._later.append((self._monotonic() + folder.after_close_seconds, folder.source, name))

    def _tell_later(self) -> None:
        now = self._monotonic()
        for each in [each for each in self._later if each[0] <= now]:
            self._later.remove(each)
            self._collector.closed(each[1], each[2])

    def _places(self, path: bytes) -> list[tuple[Folder, str]]:
        """The folders that a path of the chroot lies in, and its name there; it may be relative to one of them."""
        sent = os.fsdecode(path)
        places = []
        for folder in self._folders:
            full = self._root / sent.lstrip("/")
            if not sent.startswith("/") and os.path.exists(folder.path / sent):  # noqa: PTH110 - no name is too long for it
                full = folder.path / sent
            name = os.path.relpath(full, folder.path)
            if not name.startswith("..") and name != "." and name.count("/") <= folder.below:
                places.append((folder, name))
        return places


def _bound(path: Path) -> tuple[socket.socket, int]:
    """A datagram socket that everybody may send to, and its inode; one that a process before us left is replaced.

    Raises:
        OSError: it cannot be made there, or something else lies there.
    """
    path.parent.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(None, "something that is no socket lies there")
        path.unlink()
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.bind(str(path))
        path.chmod(0o666)  # the partners' sessions are other users
        return made, path.stat().st_ino
    except OSError:
        made.close()
        raise
