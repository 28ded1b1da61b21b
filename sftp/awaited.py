"""Files that only their sender can finish: under a temporary name, or without their marker. Not taken, but told of."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sftp.names import is_temporary, marker_for, markers_like, shown, without_temporary
from sftp.scanning import look, matching

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from sftp.activity import Tell
    from sftp.arrival import Folder
    from sftp.scanning import Look

_EVERY_SECONDS = 60.0  # names that nobody wants are many in some folders, and none of this is urgent
_RENAMED = "under a temporary name; it is taken when it gets its final one"


@dataclass(slots=True)
class _Lying:
    """How a file looked when it last changed, since when (monotonic), and whether it was told of."""

    look: Look
    since: float
    told: bool = False


@dataclass(slots=True)
class _Watched:
    looked: float
    files: dict[str, _Lying] = field(default_factory=dict)


class Awaited:
    """Tells once of each file that has lain unchanged for as long as one with an open envelope waits."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._folders: dict[Folder, _Watched] = {}

    def look_at(self, folder: Folder, now: float) -> None:
        """Look at a folder, not at each turn; `now` is monotonic.

        Raises:
            OSError: it cannot be read.
        """
        before = self._folders.get(folder)
        if before is not None and now - before.looked < _EVERY_SECONDS:
            return
        watched = self._folders[folder] = _Watched(now)
        late: list[tuple[str, str]] = []
        for name, looks, why in _unfinished(folder, str(folder.path), ""):
            known = before.files.get(name) if before is not None else None
            if known is None or known.look != looks:
                known = _Lying(looks, now)
            watched.files[name] = known
            if not known.told and now - known.since >= folder.partial_after_seconds:
                known.told = True
                late.append((name, why))
        if late:
            self._tell_of(folder, late)

    def _tell_of(self, folder: Folder, late: list[tuple[str, str]]) -> None:
        message = have_lain(late, folder.source, folder.partial_after_seconds)
        self._tell(folder.activity("partial_waiting", message, problem=True, name=min(late)[0]))


def have_lain(late: Iterable[tuple[str, str]], source: str, seconds: float) -> str:
    """What is said of files that have lain there unchanged for so long: their names, and what each of them lacks."""
    (name, why), *more = sorted(late)
    others = f", and so {'has' if len(more) == 1 else 'have'} {len(more)} more" if more else ""
    return f"{shown(name)} has lain in {source} for {seconds:.0f} s and more {why}{others}"


def unnamed(name: str, final: str, is_wanted: Callable[[str], object]) -> str:
    """What a file of a temporary name lacks; empty if nobody wants it. `final` is the name that it is likely to get."""
    return _RENAMED if final and (is_wanted(final) or is_wanted(name)) else ""


def unmarked(marker: str, names: Container[str]) -> str:
    """What a file lacks whose marker is called so; empty if that is among the `names` that lie beside it."""
    return "" if marker in names else f"without its marker {shown(marker)}; it is taken when that comes"


def _unfinished(folder: Folder, path: str, under: str) -> Iterator[tuple[str, Look, str]]:
    """Their names below the folder, how they look, and what is missing."""
    is_wanted, is_marker = matching(folder.patterns), markers_like(folder.marker)
    with os.scandir(path) as entries:
        there = list(entries)
    names = {entry.name for entry in there}
    for entry in there:
        name = entry.name
        if is_temporary(name):
            # Elsewhere a hidden file is anybody's; in an inbox of our own server it is the partner's.
            final = without_temporary(name) if folder.settle_seconds or name[0] != "." else name
            why = unnamed(name, final, is_wanted)
        elif is_marker(name) or not is_wanted(name):
            why = ""
        else:
            why = unmarked(marker_for(name, folder.marker) if folder.marker is not None else name, names)
        try:
            if why and entry.is_file(follow_symlinks=False):
                yield under + name, look(entry.stat(follow_symlinks=False)), why
            elif (
                folder.below > under.count("/")
                and not is_temporary(name)
                and entry.path != str(folder.holding)
                and entry.is_dir(follow_symlinks=False)
            ):
                yield from _unfinished(folder, entry.path, f"{under}{name}/")
        except OSError:
            continue  # gone since, or a subfolder that cannot be read, of which the collector tells
