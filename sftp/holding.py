"""The holding folder: what was claimed lies there until it is handed over, and its name says all that a crash forgets.

<id>~orders.csv               a claimed file
<id>~/2026/11/orders.csv      one out of a subfolder, or with a name that leaves no room for the id
broken-<hash of the name>     an upload whose connection broke off, as it looked then; it lies in its folder still
broken-<id>                   it was claimed
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp.folders import make, sync
from sftp.writers import file_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.scanning import Look

_NAME_BYTES_MAX = 255
_SMB = frozenset({"cifs", "smb2", "smb3", "smbfs", "fuse.smbnetfs", "fuse.rclone", "fuse.gvfsd-fuse"})
"""File systems, as proc(5) names them, that speak SMB, or may do so."""


def doubt_seconds(holding: Path) -> float:
    """How long it may take until it is sure who has a file that was claimed.

    An SMB client opens a file and then renames what it has open, whatever that is called by then ([MS-SMB2] 2.2.39: a
    rename names a handle). Of two that have opened the same file both are told that they have it, and the one whose
    rename came last really has; the other finds nothing in its place. So neither looks before the requests that were
    under way have been answered: what was handed over in between would come once more under the other's id.
    """
    return 1.0 if file_system(holding) in _SMB else 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a claimed file lies: `name` is what its sender called it, with the subfolders that it was in."""

    holding: Path
    id: str
    name: str

    @property
    def path(self) -> Path:
        """The file itself."""
        if "/" in self.name or len(os.fsencode(f"{self.id}~{self.name}")) > _NAME_BYTES_MAX:
            return self.holding / f"{self.id}~" / self.name
        return self.holding / f"{self.id}~{self.name}"

    def take(self, source: Path) -> None:
        """Move `source` here: atomic, one winner; on SMB one who has it in the end (see `doubt_seconds`).

        Raises:
            FileNotFoundError: somebody else was faster.
        """
        path = self.path
        if path.parent != self.holding:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(path)
        except OSError:
            self._tidy()
            raise
        if path.parent != self.holding:
            sync(path.parent)

    def remove(self) -> None:
        """The file has been handed over."""
        self.path.unlink(missing_ok=True)
        self._tidy()

    def _tidy(self) -> None:
        folder = self.path.parent
        while folder != self.holding:
            with suppress(OSError):
                folder.rmdir()
            folder = folder.parent


def held(holding: Path) -> Iterator[Place]:
    """All claimed files in a holding folder.

    Raises:
        OSError: it cannot be read.
    """
    for entry in sorted(os.listdir(holding)):  # noqa: PTH208 - names only, thousands of them
        identifier, tilde, name = entry.partition("~")
        if tilde and name:
            yield Place(holding, identifier, name)
        elif tilde:
            yield from _nested(holding, identifier)


def _nested(holding: Path, identifier: str) -> Iterator[Place]:
    """The one file below ``<id>~/``; without one, somebody is about to move it there, or died before he did."""
    top = holding / f"{identifier}~"
    empty = True
    for folder, _, names in os.walk(top):
        for name in names:
            empty = False
            yield Place(holding, identifier, os.path.relpath(f"{folder}/{name}", top))
    if empty:
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # who is about to rename finds nothing to rename into, and tries again
                os.rmdir(folder)  # noqa: PTH106 - a str of os.walk


class BrokenUploads:
    """Which files of a folder are what a broken connection left. Kept in its holding folder, for all machines."""

    def __init__(self, holding: Path) -> None:
        self._holding = holding

    def note(self, name: str, seen: Look) -> None:
        """The upload of `name` broke off when the file looked so."""
        make(self._holding)
        draft = self._of(name).with_suffix(".draft")
        draft.write_text(_said(seen))
        draft.replace(self._of(name))

    def is_broken(self, name: str, seen: Look) -> bool:
        """Whether the file is still what the broken connection left, and its sender has not gone on."""
        try:
            return self._of(name).read_text() == _said(seen)
        except FileNotFoundError:
            return False

    def forget(self, name: str) -> None:
        """There is no such file in the folder any more."""
        self._of(name).unlink(missing_ok=True)

    def claiming(self, identifier: str) -> None:
        """A broken one is about to be claimed under this id."""
        (self._holding / f"broken-{identifier}").touch()

    def was_broken(self, identifier: str) -> bool:
        """Whether the file with this id was a broken one."""
        return (self._holding / f"broken-{identifier}").exists()

    def handed_over(self, identifier: str) -> None:
        """The file with this id is durable elsewhere."""
        (self._holding / f"broken-{identifier}").unlink(missing_ok=True)

    def _of(self, name: str) -> Path:
        return self._holding / f"broken-{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}"


def _said(seen: Look) -> str:
    """Without the change time: it differs after a change of rights, which leaves the bytes as they were."""
    return " ".join(str(number) for number in seen[:3])
