"""The vault of one machine: a folder of files."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import Stop
from gateway.store.database import Unwritable
from gateway.store.folders import make, sync
from gateway.store.vault import Found, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1024 * 1024
_LEFT_SECONDS = 24 * 3600.0
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_parts = itertools.count()


class LocalVault:
    """A local vault: ``ab/cd/<sha256>`` below `folder`.

    A file is written under a temporary name, synced, renamed, and its folder synced: when `put` returns, a power cut
    takes nothing away. After a failed sync the file is thrown away and never synced again, because the kernel may have
    dropped the pages while the second attempt reports success.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, stream: BinaryIO) -> Stored:
        """Keep the whole stream.

        Raises:
            Stop: the disk is full or the folder cannot be written. Nothing half is left behind.
        """
        incoming = self.folder / "incoming"
        part = incoming / f"{_writer_name()}.part"
        digest = hashlib.sha256()
        size = 0
        try:
            make(incoming)  # a vault that is new is an entry of its folder, too
            with part.open("xb") as file:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            stored = Stored(digest.hexdigest(), size)
            target = self.path(stored.sha256)
            if not self._holds(stored):  # a damaged file is replaced: the sender's copy goes when this returns
                target.parent.mkdir(parents=True, exist_ok=True)
                part.rename(target)
            # Also where another writer made folder or file a moment ago. The lowest first: a file system with a
            # journal has made the others durable by then.
            for folder in (target.parent, target.parent.parent, self.folder):
                sync(folder)
        except OSError as error:
            raise Unwritable(
                f"the vault {self.folder} cannot keep a file: {error.strerror}",
                "Make room on its disk or check its permissions; the file stays where it came from.",
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return stored

    def _holds(self, stored: Stored) -> bool:
        """Whether the very bytes of that name are here already."""
        try:
            with self.path(stored.sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
        except FileNotFoundError:
            return False

    def path(self, sha256: str) -> Path:
        """Where the content of that name lies."""
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def exists(self, sha256: str) -> bool:
        """Whether the vault holds that content."""
        return self.path(sha256).exists()

    def chunks(self, sha256: str, size: int = 256 * 1024) -> Iterator[bytes]:
        """The content, chunk by chunk; it is hashed on the way.

        Raises:
            Stop: the file is missing or unreadable, or (after its last chunk) its bytes are not those of its name.
        """
        digest = hashlib.sha256()
        with self._open(sha256) as file:
            while chunk := file.read(size):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != sha256:
            raise Stop(
                f"the vault file {sha256} was changed on disk",
                "Restore it from a backup; the delivery cannot be judged from damaged bytes.",
            )

    def verify(self, sha256: str) -> None:
        """Read the whole file and compare its hash with its name."""
        for _ in self.chunks(sha256, _CHUNK):
            pass

    def open(self, sha256: str) -> BinaryIO:
        """The content as a file, after its hash was checked."""
        self.verify(sha256)
        return self._open(sha256)

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, for a view of a span; the hash is not checked."""
        with self._open(sha256) as file:
            file.seek(start)
            return file.read(max(0, end - start))

    def spans(self, sha256: str) -> BinaryIO:
        """The content for many views of spans: seek and read; the hash is not checked. To be closed."""
        return self._open(sha256)

    def delete(self, sha256: str) -> None:
        """Take the content away for good; what is not there is gone already.

        Raises:
            Stop: the file cannot be removed; it stays as it is.
        """
        path = self.path(sha256)
        try:
            path.unlink(missing_ok=True)
            if path.parent.exists():
                sync(path.parent)  # what was purged must not come back after a power cut
        except OSError as error:
            raise Stop(
                f"the vault file {sha256} cannot be removed: {error.strerror}",
                "Check the permissions of the vault's folders; it is tried again with the next purge.",
            ) from error

    def writable(self) -> bool:
        """Whether a file could be kept right now: one part of the question of /health/ready."""
        probe = self.folder / f".probe-{_writer_name()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                probe.write_bytes(b"\0" * 4096)  # an empty file can still be made on a full disk
            finally:
                probe.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def sweep(self) -> int:
        """Remove what writers left behind that were killed; how many files that were.

        A writer writes all the time: what nobody wrote to for a day is nobody's, by the clock of the file system that
        says so. Its process may have been asleep all the while, so nothing is removed while a process of that number
        runs here; on another machine that shares the folder, a writer that wakes cannot give its file a name any more,
        says so, and its sender keeps the bytes.
        """
        incoming = self.folder / "incoming"
        swept = 0
        if not incoming.exists():
            return swept
        try:
            before = self._now() - _LEFT_SECONDS
            for left in [*incoming.glob("*.part"), *self.folder.glob(".probe-*")]:
                with suppress(FileNotFoundError):
                    if left.stat().st_mtime < before and not _runs_here(left):
                        left.unlink()
                        swept += 1
        except OSError as error:
            raise Stop(
                f"the vault {self.folder} cannot be tidied: {error.strerror}", "Check its disk and its permissions."
            ) from error
        return swept

    def listed(self, after: str = "", limit: int = 1000) -> list[Found]:
        """What is there, in the order of the names, from behind `after` on.

        Raises:
            Stop: a folder cannot be read.
        """
        found: list[Found] = []
        if not self.folder.exists():
            return found
        try:
            now = self._now()
            for name in self._names(after):
                with suppress(FileNotFoundError):  # it was purged just now
                    about = self.path(name).stat()
                    found.append(Found(name, about.st_size, now - about.st_mtime))
                if len(found) == limit:
                    break
        except OSError as error:
            raise Stop(
                f"the vault {self.folder} cannot be listed: {error.strerror}", "Check its disk and its permissions."
            ) from error
        return found

    def _names(self, after: str) -> Iterator[str]:
        for first in _entries(self.folder, 2, after[:2]):
            for second in _entries(self.folder / first, 2, after[2:4] if first == after[:2] else ""):
                names = _entries(self.folder / first / second, 64, after)
                yield from (name for name in names if name != after and name.startswith(first + second))

    def _now(self) -> float:
        """The time, by the clock of the file system."""
        probe = self.folder / f".probe-{_writer_name()}"
        probe.touch()
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink()

    def _open(self, sha256: str) -> BinaryIO:
        try:
            return io.BufferedReader(_File(self.path(sha256), sha256))
        except FileNotFoundError as error:
            raise Stop(
                f"the vault has no file {sha256}: {error.strerror}", "Restore it from a backup, or ask the sender."
            ) from error
        except OSError as error:
            raise _unreadable(sha256, error) from error


class _File(io.FileIO):
    """A file of the vault, open for reading: a disk that fails is told in words, whoever reads."""

    def __init__(self, path: Path, sha256: str) -> None:
        super().__init__(path)
        self._sha256 = sha256

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override] # typeshed: any buffer
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise _unreadable(self._sha256, error) from error

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise _unreadable(self._sha256, error) from error


def _unreadable(sha256: str, error: OSError) -> Stop:
    """What is short on the machine is no fault of the file's; a place of the disk that cannot be read is."""
    if error.errno in _SHORT:
        return Unwritable(
            f"the vault file {sha256} cannot be opened now: {error.strerror}",
            "Raise the limit of open files (ulimit -n), or see what uses the machine's memory.",
        )
    return Stop(
        f"the vault file {sha256} cannot be read: {error.strerror}",
        "Check the disk and its permissions; restore the file from a backup, or ask the sender.",
    )


def _writer_name() -> str:
    """A name that no other thread of this machine uses at the same time."""
    return f"{os.getpid()}-{threading.get_ident()}-{next(_parts)}"


def _runs_here(left: Path) -> bool:
    """Whether a process of this machine has the number of the one that left a file."""
    number = left.name.removeprefix(".probe-").partition("-")[0]
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _entries(folder: Path, digits: int, begin: str) -> list[str]:
    """What lies in a folder and is named by so many hexadecimal digits, sorted, from `begin` on."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if name >= begin and _is_hexadecimal(name, digits))


def _is_hexadecimal(name: str, digits: int) -> bool:
    return len(name) == digits and not set(name) - set("0123456789abcdef")
