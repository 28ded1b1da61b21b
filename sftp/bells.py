"""A bell for local folders: it rings the collector when a file was closed, and promises nothing.

inotify loses events when its queue overflows, sees nothing on network file systems and goes deaf when the folder is
removed and made again. The collector's rescan covers all of that; here the first is told, and the last is mended. Only
closing is listened to: asking for renames as well makes watchdog hold every event back for half a second after a file
was moved out, which is what claiming does.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchdog.events import FileClosedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from sftp.activity import Activity, to_logging
from sftp.writers import file_system, is_local

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchdog.observers.api import ObservedWatch

    from sftp.activity import Tell
    from sftp.arrival import Folder

_LOOK_SECONDS = 1.0
_WATCHDOG = logging.getLogger("watchdog.observers.inotify_c")
"""Where watchdog tells that the kernel's queue has overflowed, and nowhere else."""


class _Ringer(FileSystemEventHandler):
    def __init__(self, ring: Callable[[str], None], source: str) -> None:
        self._ring = ring
        self._source = source

    def on_any_event(self, _event: FileSystemEvent) -> None:
        self._ring(self._source)


class _Overflow(logging.Handler):
    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._then = then

    def emit(self, record: logging.LogRecord) -> None:
        if "overflow" in record.getMessage():
            self._then()


@dataclass(frozen=True, slots=True)
class _Watched:
    """A watch, and the folder that it is on, held open: so long as it is, no other one gets its number."""

    watch: ObservedWatch
    descriptor: int

    def is_still(self, folder: Folder) -> bool:
        """Whether what lies under the folder's name is what is watched."""
        there, here = os.fstat(self.descriptor), folder.path.stat()
        return there.st_nlink > 0 and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


class Bell:
    """Watches `folders` and calls `ring` with a folder's source; one that cannot be watched is told and left out.

    A folder that comes, that is removed and made again, or that another one is put in place of, is watched within
    `look_seconds`. After lost events all sources are rung, and `lost` counts how often that was.
    """

    def __init__(
        self,
        folders: Sequence[Folder],
        ring: Callable[[str], None],
        *,
        on_activity: Tell | None = None,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._folders = tuple(folders)
        self._ring = ring
        self._tell: Tell = on_activity or to_logging
        self._look_seconds = look_seconds
        self._observer = Observer()
        self._watched: dict[Folder, _Watched] = {}
        self._missing: set[Folder] = set()
        self._overflow = _Overflow(self._lost_some)
        self._lost = threading.Event()
        self._stop = threading.Event()
        self._looking = threading.Thread(target=self._keep_watching, name="bells", daemon=True)
        self.lost = 0

    def start(self) -> None:
        """Begin to watch."""
        _WATCHDOG.addHandler(self._overflow)
        self._observer.start()
        self._watch_again()
        self._looking.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        self._lost.set()
        self._looking.join()
        _WATCHDOG.removeHandler(self._overflow)
        for folder in self._folders:
            self._forget(folder)
        self._observer.stop()
        self._observer.join()

    def _lost_some(self) -> None:
        self.lost += 1
        self._lost.set()  # the thread that reads the events is not held up by who is told

    def _keep_watching(self) -> None:
        while not self._stop.is_set():
            lost = self._lost.wait(self._look_seconds)
            if self._stop.is_set():
                return
            if lost:
                self._lost.clear()
                message = "more files were closed at once than the kernel keeps word of; all folders are rescanned"
                self._tell(Activity("bell_lost", message, problem=True))
                self._ring("")
                self._stop.wait(self._look_seconds)  # a burst overflows again and again, and is told once a second
            self._watch_again()

    def _watch_again(self) -> None:
        """Watch what is not watched, or is not what was watched under its name."""
        for folder in self._folders:
            watched = self._watched.get(folder)
            try:
                if watched is not None and watched.is_still(folder):
                    continue
                self._forget(folder)
                self._watched[folder] = self._watch(folder)
            except OSError as error:  # not there, not local, or no inotify watches left
                self._forget(folder)
                self._tell_missing(folder, error)
                continue
            if watched is not None or folder in self._missing:
                self._missing.discard(folder)
                self._tell(folder.activity("bell_made_anew", f"{folder.source} is watched again"))
                self._ring(folder.source)

    def _watch(self, folder: Folder) -> _Watched:
        if not is_local(folder.path):
            raise OSError(errno.EOPNOTSUPP, f"nobody tells of what others write on {file_system(folder.path)}")
        descriptor = os.open(folder.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            ringer = _Ringer(self._ring, folder.source)
            path, deep = str(folder.path), folder.below > 0
            return _Watched(
                self._observer.schedule(ringer, path, recursive=deep, event_filter=[FileClosedEvent]), descriptor
            )
        except OSError:
            os.close(descriptor)
            raise

    def _forget(self, folder: Folder) -> None:
        watched = self._watched.pop(folder, None)
        if watched is not None:
            self._observer.unschedule(watched.watch)
            os.close(watched.descriptor)

    def _tell_missing(self, folder: Folder, error: OSError) -> None:
        if folder not in self._missing:
            self._missing.add(folder)
            message = f"{folder.source} is only rescanned: {error.strerror or error}"
            problem = error.errno != errno.EOPNOTSUPP
            self._tell(folder.activity("bell_missing", message, problem=problem))
