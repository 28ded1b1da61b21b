"""Folders that are there for good.

A name is durable only when its folder was synced, and so is the name of a folder: a file in a folder that a power cut
takes away is gone, however well the file itself was synced.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make(folder: Path) -> None:
    """Make a folder, for us and our group, and whatever leads to it; when this returns, a power cut takes none away.

    Raises:
        OSError: it cannot be made.
    """
    missing: list[Path] = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(mode=0o750 if new == missing[0] else 0o777, exist_ok=True)
        sync(new.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
