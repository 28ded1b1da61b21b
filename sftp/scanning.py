"""One look at a folder: which files may be arrivals, and what else lies there."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sftp.errors import Stop
from sftp.names import is_superseded, is_temporary, marker_for, markers_like, original, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from pathlib import Path

    from sftp.arrival import Folder

Look = tuple[int, int, int, int]


@dataclass(slots=True)
class Listing:
    """What one look found. Names are relative to the folder, with slashes where a file lies in a subfolder."""

    files: list[tuple[str, Look]] = field(default_factory=list)
    """Regular files that may be arrivals, in no order; none whose marker is not there."""
    strange: dict[str, str] = field(default_factory=dict)
    """What has the name of an arrival and is no file, or cannot be looked at: its name, and what it is."""


def look(status: os.stat_result) -> Look:
    """What differs when a file was written to or replaced; the last one cannot be set back."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def listed(folder: Folder, known: Container[str] = ()) -> Listing:
    """Look at a folder, and at its subfolders as deep as it says.

    Args:
        folder: what to look at.
        known: names that an earlier look has found, whose rightness need not be asked for again.

    Raises:
        OSError: the folder cannot be read.
    """
    found = Listing()
    _list(folder, str(folder.path), "", found, _Wanted(matching(folder.patterns), markers_like(folder.marker), known))
    return found


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which names may be those of arrivals."""

    pattern: Callable[[str], object]
    is_marker: Callable[[str], bool]
    known: Container[str]

    def has(self, name: str) -> bool:
        """Whether the name, without the subfolder that it is in, may be one."""
        if not self.pattern(original(name) if name[0] == "." else name):
            return False
        return not is_temporary(name) and not self.is_marker(name)


def order(name: str, looks: Look) -> tuple[bool, int, str]:
    """By what files are taken in the order in which they came.

    The change time is that of our server's rename into the inbox, or of a writer's last write. No client can set it: a
    newer file must never be taken before an older one only because of its name. Superseded ones come first.
    """
    return (not is_superseded(name), looks[3], name)


@functools.lru_cache(maxsize=256)
def matching(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """Whether a name matches one of shell-style patterns, letters of either case told apart."""
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match


def _list(folder: Folder, path: str, under: str, found: Listing, wanted: _Wanted) -> None:
    marker, known, below = folder.marker, wanted.known, []
    with os.scandir(path) as entries:
        there = list(entries)
    names = {entry.name for entry in there} if marker is not None else set()
    for entry in there:
        name = entry.name
        if folder.below and not is_temporary(name) and entry.is_dir(follow_symlinks=False):
            below.append(name)
        elif under + name in known or wanted.has(name):
            if marker is not None and marker_for(name, marker) not in names:
                continue
            try:
                if entry.is_file(follow_symlinks=False):
                    found.files.append((under + name, look(entry.stat(follow_symlinks=False))))
                elif not entry.is_dir(follow_symlinks=False):
                    found.strange[under + name] = _kind(entry)
            except FileNotFoundError:
                continue  # gone between the listing and the question
    for name in below:
        _list_below(folder, f"{path}/{name}", f"{under}{name}/", found, wanted)


def _list_below(folder: Folder, path: str, under: str, found: Listing, wanted: _Wanted) -> None:
    """A subfolder. One that cannot be read does not keep the others from being read."""
    if path == str(folder.holding):
        return
    if under.count("/") > folder.below:
        found.strange[under] = "a folder, deeper than is looked"
        return
    try:
        _list(folder, path, under, found, wanted)
    except FileNotFoundError:
        return
    except OSError as error:
        found.strange[under] = f"a folder that cannot be read ({error.strerror})"


def _kind(entry: os.DirEntry[str]) -> str:
    mode = entry.stat(follow_symlinks=False).st_mode
    return _KINDS.get(stat.S_IFMT(mode), "no file")


_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A regular file, never a link to one and never a pipe that would block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Stop(f"{shown(path.name)} is not a file", "Remove it from the folder")
        yield descriptor
    finally:
        os.close(descriptor)
