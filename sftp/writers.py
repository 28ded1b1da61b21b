"""Does somebody still write to a file? Asked of the kernel, which knows it for local file systems.

A read lease (fcntl(2), F_SETLEASE) is refused while any process has the file open for writing. It is let go of at once:
a writer that comes in the meantime waits for microseconds. Over a network the answer would be about this machine
alone, and NFS and SMB refuse leases for reasons of their own, so there nobody is asked.
"""

from __future__ import annotations

import errno
import fcntl
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sftp.activity import Tell
    from sftp.arrival import Folder

LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "f2fs", "jfs", "bcachefs", "reiserfs", "ramfs"}
)
"""Types of file systems, as proc(5) names them, on which a lease is as good as the kernel's own knowledge."""

_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")
_NOT_PERMITTED = frozenset({errno.EACCES, errno.EPERM})


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`; empty where the kernel does not say."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    resolved = str(path.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = _OCTAL.sub(lambda found: chr(int(found[1], 8)), left.split()[4])  # a blank is \040 there
        inside = resolved == mount or resolved.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind


def is_local(path: Path) -> bool:
    """Whether leases are to be trusted on the file system of `path`."""
    return hasattr(fcntl, "F_SETLEASE") and file_system(path) in LOCAL


def is_written(descriptor: int) -> bool | None:
    """Whether anybody has this file open for writing; None when the kernel does not tell us.

    Args:
        descriptor: the file, open for reading only, on a file system that `is_local`.

    Raises:
        PermissionError: the file belongs to somebody else, and this process has no CAP_LEASE.
    """
    try:
        # Who breaks a lease has a signal sent to its holder, and that of SIGIO would be our end.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return True
        if error.errno in _NOT_PERMITTED:
            raise PermissionError(error.errno, error.strerror) from error
        return None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


class Writers:
    """Asks for each file of a folder whether it is still written to, where that can be known."""

    def __init__(self, tell: Tell, ask: Callable[[int], bool | None] = is_written) -> None:
        self._tell = tell
        self._ask = ask
        self._local: dict[Folder, bool] = {}
        self._not_permitted: set[Folder] = set()

    def at(self, folder: Folder, descriptor: int) -> bool:
        """Whether somebody has the file open for writing. False where the kernel is not asked, or does not tell."""
        if not folder.settle_seconds and folder.marker is None:
            return False
        if folder not in self._local:
            self._local[folder] = is_local(folder.path)
        if not self._local[folder]:
            return False
        try:
            return bool(self._ask(descriptor))
        except PermissionError:
            if folder not in self._not_permitted:
                self._not_permitted.add(folder)
                message = (
                    f"whether a file of {folder.source} is still open for writing is not known: it belongs to another "
                    f"user, and this process has no CAP_LEASE; files are taken {folder.settle_seconds:g} s after they "
                    "last changed"
                )
                self._tell(folder.activity("writers_unknown", message))
            return False
