"""Uploads that nobody goes on with: what came of them is removed after some days, for it fills the disk and the quota.

How old one is, is read from the time of its last change of status, which a client cannot set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp.errors import Reject
from sftp.jail import TEST, locked, regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An unfinished upload that was removed."""

    partner: str
    source: str
    name: str
    size: int


def forget(root: Path, *, before: float) -> Iterator[Forgotten]:
    """Remove unfinished uploads below `root` that have not been written to since `before` (seconds since 1970)."""
    for home in sorted(root.iterdir()) if root.is_dir() else ():
        for scheme, folder in (("drop", home / "stage"), ("test", home / TEST / "stage")):
            if folder.is_dir() and not folder.is_symlink():
                for name, size in _forget_in(folder, before):
                    yield Forgotten(home.name, f"{scheme}://{home.name}", name, size)


def _forget_in(folder: Path, before: float) -> Iterator[tuple[str, int]]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for name in sorted(os.listdir(descriptor)):  # noqa: PTH208 - an open folder has no path
            status = regular(descriptor, name)
            if status is None or status.st_ctime >= before:
                continue
            try:
                with locked(descriptor, name):
                    os.unlink(name, dir_fd=descriptor)
            except (Reject, FileNotFoundError):
                continue  # it is being written, or was finished in this moment
            yield name, status.st_size
    finally:
        os.close(descriptor)
