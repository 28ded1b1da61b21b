"""A bell for local folders: it rings the collector when a file was closed, and promises nothing.

inotify loses events when its queue overflows, sees nothing on network file systems and goes deaf when the folder is
removed and made again; the collector's rescan covers all of that. Only closing is listened to: asking for renames as
well makes watchdog hold every event back for half a second after a file was moved out, which is what claiming does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchdog.events import FileClosedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from sftp.activity import Activity, to_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sftp.activity import Tell
    from sftp.arrival import Folder


class _Ringer(FileSystemEventHandler):
    def __init__(self, ring: Callable[[str], None], source: str) -> None:
        self._ring = ring
        self._source = source

    def on_any_event(self, _event: FileSystemEvent) -> None:
        self._ring(self._source)


class Bell:
    """Watches `folders` and calls `ring` with a folder's source; one that cannot be watched is told and left out."""

    def __init__(
        self, folders: Sequence[Folder], ring: Callable[[str], None], *, on_activity: Tell | None = None
    ) -> None:
        self._folders = tuple(folders)
        self._ring = ring
        self._tell: Tell = on_activity or to_logging
        self._observer = Observer()

    def start(self) -> None:
        """Begin to watch."""
        self._observer.start()
        for folder in self._folders:
            try:
                self._observer.schedule(
                    _Ringer(self._ring, folder.source), str(folder.path), event_filter=[FileClosedEvent]
                )
            except OSError as error:  # not there, not local, or no inotify watches left
                message = f"{folder.source} is only rescanned: {error.strerror or error}"
                self._tell(
                    Activity("bell_missing", message, problem=True, source=folder.source, partner=folder.partner)
                )

    def stop(self) -> None:
        """Watch no more."""
        self._observer.stop()
        self._observer.join()
