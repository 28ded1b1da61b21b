"""The watched folders of a revision: what is collected from, and the bells that ring for it."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sftp.arrival import Folder
from sftp.bells import Bell
from sftp.sshlog import SshLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.configuration import Configuration
    from gateway.integrations import Watched
    from sftp.activity import Tell
    from sftp.collect import Collector

_LEVELS = 16
"""How deep subfolders are looked through, where a source asks for them."""


def watched_folders(configuration: Configuration, workspace: Path) -> list[Folder]:
    """The folders that integrations read, each once, whatever patterns they have."""
    patterns: dict[str, list[str]] = defaultdict(list)
    said: dict[str, Watched] = {}
    for integration in configuration.integrations.values():
        if integration.source.scheme == "folder":
            place, _, pattern = integration.source.path.rpartition("/")
            patterns[place or "."].append(pattern or "*")
            said[place or "."] = integration.watched
    settings = configuration.settings
    return [
        _folder(workspace, place, tuple(patterns[place]), watched, settings.settle_seconds,
                settings.partial_after_seconds)
        for place, watched in said.items()
    ]  # fmt: skip


def _folder(
    workspace: Path, place: str, patterns: tuple[str, ...], watched: Watched, settle: float, partial_after: float
) -> Folder:
    deep = place.endswith("/**")
    path = workspace / place.removesuffix("/**")
    if watched.settle_seconds is not None:
        settle = watched.settle_seconds
    elif watched.marker is not None:
        settle = 0.0  # the marker says that the file is complete
    return Folder(
        path=path,
        source=f"folder:{place}",
        holding=path / (".held-below" if deep else ".held"),
        patterns=patterns,
        settle_seconds=settle,
        partial_after_seconds=partial_after,
        marker=watched.marker,
        below=_LEVELS if deep else 0,
        log=workspace / watched.openssh_log if watched.openssh_log is not None else None,
        after_close_seconds=watched.after_close_seconds,
    )


@contextmanager
def bells(folders: Sequence[Folder], collector: Collector, tell: Tell) -> Iterator[None]:
    """While it lasts, whoever writes into one of the folders rings, as far as somebody tells us of it."""
    with ExitStack() as stack:
        bell = Bell(folders, collector.ring, on_activity=tell)
        bell.start()
        stack.callback(bell.stop)
        logs: dict[Path, list[Folder]] = defaultdict(list)
        for folder in folders:
            if folder.log is not None:
                logs[folder.log].append(folder)
        for path, of_one in logs.items():
            log = SshLog(path, of_one, collector, on_activity=tell)
            log.start()
            stack.callback(log.stop)
        yield
