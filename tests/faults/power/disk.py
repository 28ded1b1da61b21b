"""A disk whose power can be cut: LazyFS keeps what was written in its memory until it is synced, and is killed.

A workspace's data folder (store, vault, drops) lies on it. What was not synced is gone after the cut, as is whatever
the kernel remembered of it. LazyFS makes, renames and removes names at once, as a journal that happened to be quick
would; ``tests.faults.power.names`` takes back those that nobody had synced.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.scenes import Scene

_ROOT = Path(__file__).parents[3]
_SECONDS_MAX = 10.0
_PR_SET_PDEATHSIG = 1  # prctl(2)
_CONFIGURATION = """
[faults]
fifo_path = "{folder}/faults"
[cache]
apply_eviction = false
[cache.simple]
custom_size = "16MB"
blocks_per_page = 1
[filesystem]
log_all_operations = false
logfile = ""
"""


def program() -> Path | None:
    """LazyFS: what the environment names, else what ``.ci/lazyfs`` built."""
    if named := os.environ.get("LAZYFS"):
        return Path(named)
    return next(iter(sorted((_ROOT / ".cache" / "lazyfs").glob("lazyfs-*[0-9a-f]"))), None)


@functools.cache
def missing() -> str | None:
    """Why no power can be cut here; None when it can."""
    if os.environ.get("GATEWAY_POWER") != "1":
        return "power cuts take minutes; `make test-power` runs them"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "no /dev/fuse here, or this user may not open it"
    found = program()
    if found is None or not os.access(found, os.X_OK):
        return f"LazyFS is not here ({found or 'not built'}); .ci/lazyfs builds it, LAZYFS names one"
    if shutil.which("fusermount3") is None:
        return "no fusermount3; install the Debian package fuse3"
    return None


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a scene while it is on: `at` is where programs see it, `under` what a power cut leaves of it."""

    at: Path
    under: Path
    process: subprocess.Popen[bytes]

    def cut(self) -> None:
        """Cut the power: what was not synced is gone. Whoever has files open finds that out."""
        self.process.kill()
        self.process.wait(_SECONDS_MAX)
        subprocess.run(["fusermount3", "-u", "-z", "-q", str(self.at)], check=False, stderr=subprocess.DEVNULL)
        until = time.monotonic() + _SECONDS_MAX
        while _mounted(self.at):  # LazyFS's own helper unmounts, too
            assert time.monotonic() < until, f"{self.at} cannot be unmounted"
            time.sleep(0.002)


@contextmanager
def lazy(scene: Scene) -> Iterator[Disk]:
    """Put the data folder of a scene on such a disk; behind the block it holds what the disk held.

    The power is cut at the end, if it was not before.
    """
    at = scene.folder / "data"
    beside = scene.folder.parent / f"{scene.folder.name}.disk"
    beside.mkdir()
    under = at.rename(beside / "under")
    at.mkdir()
    configuration = beside / "lazyfs.toml"
    configuration.write_text(_CONFIGURATION.format(folder=beside), encoding="utf-8")
    options = f"auto_unmount,modules=subdir,subdir={under}"
    with (beside / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(program()), str(at), "--config-path", configuration.name, "-o", options, "-f"],
            cwd=beside,  # it takes a path with "-o" in it for an option
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_us,  # noqa: PLW1509 - no threads yet
        )  # fmt: skip
    disk = Disk(at, under, process)
    try:
        until = time.monotonic() + _SECONDS_MAX
        while not _mounted(at):
            assert process.poll() is None, (beside / "log").read_text()
            assert time.monotonic() < until, "LazyFS does not mount"
            time.sleep(0.002)
        yield disk
    finally:
        disk.cut()
        at.rmdir()
        under.rename(at)
        shutil.rmtree(beside)


def _end_with_us() -> None:
    """Tests that are killed leave no file system behind: it dies with them, and its helper unmounts it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _mounted(path: Path) -> bool:
    """Asked of the kernel's list: a file system that has died cannot be asked itself."""
    return f" {path} fuse" in Path("/proc/self/mounts").read_text(encoding="utf-8")
