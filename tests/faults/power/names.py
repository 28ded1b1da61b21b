"""Which names a power cut takes back: those of folders that were not synced since.

LazyFS keeps every name at once. POSIX promises less: a file that was made, renamed or removed has its new place for
good only when its folder was synced. So the calls of the processes are read from their trace, and what no sync of a
folder covers can be undone on the disk, the last one first. A rename counts as durable when the folder of its new name
was synced: file systems with a journal write both ends of it together.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMING = (
    "open",
    "openat",
    "creat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "fsync",
)
"""The calls that must be in the trace."""


@dataclass(slots=True)
class Step:
    """One change of names: `there` is the new one, `gone` the old one, `was` where that file lay before everything."""

    there: str | None
    gone: str | None
    was: str | None = None
    covered: str | None = None

    @property
    def removes(self) -> bool:
        """Whether a name goes, and none comes."""
        return self.there is None


@dataclass(slots=True)
class _Names:
    """The names as the processes see them, and the steps that no sync covers."""

    live: dict[str, str | None]
    steps: list[Step] = field(default_factory=list)

    def make(self, path: str) -> None:
        """A file or folder that was not there is made."""
        if path not in self.live:
            self.live[path] = None
            self.steps.append(Step(path, None))

    def remove(self, path: str) -> None:
        """A name goes."""
        self.steps.append(Step(None, path, self.live.pop(path, None)))

    def rename(self, old: str, new: str) -> None:
        """A file gets another name, and replaces what had that name."""
        covered = self.live.get(new)
        self.live[new] = was = self.live.pop(old, None)
        self.steps.append(Step(new, old, was, covered))

    def sync(self, folder: str) -> None:
        """What happened in that folder is for good."""
        self.steps = [step for step in self.steps if _folder(step.there or step.gone or "") != folder]


def lost(trace: Path, at: Path, before: Path) -> list[Step]:
    """The steps below `at`, in their order, that no sync covered; `before` is what was there in the beginning."""
    root = str(at)
    was = (str(path.relative_to(before)) for path in before.rglob("*"))
    names = _Names({name: name for name in was})
    for call, arguments in _done(trace.read_text(encoding="utf-8", errors="replace")):
        paths = [path.removeprefix(f"{root}/") for path in _paths(arguments) if path.startswith(f"{root}/")]
        if call == "fsync" and f"<{root}>" in arguments:
            names.sync("")
        if not paths:
            continue
        if call == "fsync":
            names.sync(paths[0])
        elif call.startswith("rename"):
            names.rename(paths[0], paths[1])
        elif call.startswith("unlink"):
            names.remove(paths[0])
        elif call.startswith("mkdir") or "O_CREAT" in arguments or call == "creat":
            names.make(paths[0])
    return names.steps


def take_back(steps: list[Step], disk: Path, before: Path) -> None:
    """Undo these steps on a disk whose power was cut."""
    for step in reversed(steps):
        if step.there and step.gone:
            if (disk / step.there).exists():
                (disk / step.there).rename(disk / step.gone)
            else:  # removed under its new name since, and the old one was never seen to go
                _restore(step.was, step.gone, disk, before)
            _restore(step.covered, step.there, disk, before)
        elif step.there:
            _remove(disk / step.there)
        elif step.gone and not (disk / step.gone).exists():
            _restore(step.was, step.gone, disk, before)


def _restore(was: str | None, name: str, disk: Path, before: Path) -> None:
    """A removed file comes back; one that was made and removed meanwhile stays away, nobody misses it."""
    if was is not None and (before / was).is_file() and (disk / name).parent.exists():
        shutil.copy2(before / was, disk / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_LINE = re.compile(r"(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_UNFINISHED = " <unfinished ...>"


def _done(trace: str) -> Iterator[tuple[str, str]]:
    """Name and arguments of the calls that ended well, in the order in which they ended."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        if found := _RESUMED.match(line):
            thread, name, rest = found[1], found[2], begun.pop(found[1], "") + found[3]
        elif found := _LINE.match(line):
            thread, name, rest = found[1], found[2], found[3]
            if rest.endswith(_UNFINISHED):
                begun[thread] = rest.removesuffix(_UNFINISHED)
                continue
        else:
            continue
        arguments, _, status = rest.rpartition(") ")
        if re.match(r" *= \d", status) or re.match(r"= \d", status):
            yield name, arguments


_ARGUMENT = re.compile(r'(?:(AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"([^"]*)"|^\d+<([^>]*)>')


def _paths(arguments: str) -> list[str]:
    """The paths that a call names, whole."""
    paths = []
    for found in _ARGUMENT.finditer(arguments):
        folder, name, alone = found[2], found[3], found[4]
        path = alone or (name if name.startswith("/") else f"{folder}/{name}")
        paths.append(path.removesuffix("/.").rstrip("/"))
    return paths


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
