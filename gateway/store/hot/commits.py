"""Whether anything was committed to a SQLite file, seen without a question.

In WAL mode every commit, of whatever process, changes the header of the WAL index: the first bytes of ``<file>-shm``,
memory that the processes share (SQLite, "WAL-mode File Format", section 2.1). It is read where the library has it
mapped. To open that file beside the library is not possible: closing its descriptor would drop every lock that the
library holds on it (POSIX advisory locks belong to the process).

    commits = Commits(path)
    before = commits.seen()
    ...                      # read, and keep what was read
    commits.seen() == before  # it still is what is in the store
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from gateway.store.sqlite import library

_HEADER_BYTES = 96
"""Two copies of 48 bytes: whoever commits writes the second one first, so either tells that something changes."""


class Commits:
    """What changes with every commit to a file.

    Raises:
        library().Error: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        file = f"{path.absolute().as_uri()}?mode=ro"  # such a connection checkpoints nothing when it closes
        self._connection: Any = library().connect(file, uri=True, check_same_thread=False, timeout=5.0)
        self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # from here on it is mapped
        address = _address(path)
        self._header = (ctypes.c_char * _HEADER_BYTES).from_address(address) if address is not None else None

    def seen(self) -> bytes | None:
        """The same as before, as long as nothing was committed; None where that cannot be told."""
        return self._header.raw if self._header is not None else None

    def __del__(self) -> None:
        """Close the connection: it keeps the memory mapped, so it must not close while anybody can still look."""
        if hasattr(self, "_connection"):
            self._connection.close()


def _address(path: Path) -> int | None:
    """Where the WAL index of a file is in this process; None: nowhere, or the system does not tell."""
    file = Path(f"{os.path.realpath(path)}-shm")  # the library follows links, too
    try:
        number = file.stat().st_ino
        with Path("/proc/self/maps").open(encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:  # address-address rights offset device inode path: proc_pid_maps(5)
                where, _, offset, _, inode, *named = line.rstrip("\n").split(maxsplit=5)
                # Numbers of inodes are those of one file system, so the name must be the same as well.
                if int(inode) == number and int(offset, 16) == 0 and named == [str(file)]:
                    return int(where.partition("-")[0], 16)
    except OSError:
        pass
    return None
