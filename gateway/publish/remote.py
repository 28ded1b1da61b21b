"""A partner's own SFTP server as the place where his files are put: hidden as ``.part``, then renamed.

    <folder>/<name>.<id>.<token>.part   written, and synced where the server can
    the store: staged
    <folder>/<name>                     renamed; what is not there as .part any more was renamed before

The steps are those of our own outbox, and so is what follows from them: a file is seen once and whole, whenever the
connection breaks or we are killed. What is at his side under the same name and is another file is never replaced.
"""

from __future__ import annotations

import errno
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sftp.errors import Changed, Reject, SftpError
from sftp.transfer import fetch, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sftp.client import Client, Found

_HIDDEN = ".part"


class RemoteFolder:
    """A folder at a partner's server, over a connection of its own for each round."""

    def __init__(self, where: str, folder: str, connected: Callable[[], Client]) -> None:
        """`where` is its name for people, `folder` what the server calls it. Nobody connects before there is need."""
        self.where = f"at {where}"
        self._folder = folder.rstrip("/")
        self._connected = connected
        self._client: Client | None = None
        self._first: set[str] = set()
        """How the hidden names of files start that were never tried before: nothing of theirs can lie about."""

    def has(self, name: str, content: bytes) -> bool:
        """As `Place`."""
        with self._translated() as client:
            found = client.stat(self._at(name))
            if found is None:
                return False
            if found.size == len(content) and self._reads(client, name, found, content):
                return True
        raise FileExistsError(None, f"another file lies there as {name}; have it moved away")

    def write(self, hidden: str, content: bytes) -> None:
        """As `Place`."""
        start, _, number = hidden.rpartition(".")
        self._first |= {f"{start}."} if number == "1" else set()
        with self._translated() as client:
            send(client, self._at(hidden + _HIDDEN), io.BytesIO(content), len(content))

    def sync_hidden(self) -> None:
        """As `Place`; it was synced as it was written, where the server can."""

    def show(self, hidden: str, name: str) -> None:
        """As `Place`."""
        with self._translated() as client:
            part = client.stat(self._at(hidden + _HIDDEN))
            if part is None:
                if client.stat(self._folder or "/") is None:
                    raise FileNotFoundError(errno.ENOENT, f"there is no folder {self._folder} any more")
                return  # renamed before, and perhaps taken away since
            there = client.stat(self._at(name))
            if there is not None and (there.size != part.size or self._differ(client, hidden + _HIDDEN, part, name)):
                raise FileExistsError(None, f"another file lies there as {name}; have it moved away")
            client.rename(self._at(hidden + _HIDDEN), self._at(name), replace=True)

    def sync_shown(self) -> None:
        """As `Place`; a server has no word for it."""

    def sweep(self, start: str) -> None:
        """As `Place`."""
        if start in self._first:
            return
        with self._translated() as client:
            for each in client.listing(self._folder or "/"):
                if each.name.startswith(start) and each.name.endswith(_HIDDEN):
                    client.remove(self._at(each.name))

    def close(self) -> None:
        """As `Place`."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _reads(self, client: Client, name: str, found: Found, content: bytes) -> bool:
        """Whether the file there holds those bytes; where we may not read, its size has to do."""
        part = io.BytesIO()
        try:
            fetch(client, self._at(name), found, part)
        except Reject:
            return True
        except Changed:
            return False
        return part.getvalue() == content

    def _differ(self, client: Client, hidden: str, part: Found, name: str) -> bool:
        """Whether two files of one size hold other bytes, as far as we may read them."""
        content = io.BytesIO()
        try:
            fetch(client, self._at(hidden), part, content)
        except Reject:
            return False
        found = client.stat(self._at(name))
        return found is not None and not self._reads(client, name, found, content.getvalue())

    def _at(self, name: str) -> str:
        return f"{self._folder}/{name}"

    @contextmanager
    def _translated(self) -> Iterator[Client]:
        """The connection, opened now if it is not; what goes wrong with it, as the OSError that a `Place` raises."""
        try:
            if self._client is None or not self._client.is_open:
                self.close()
                self._client = self._connected()
            yield self._client
        except Reject as refusal:
            raise OSError(None, refusal.message) from refusal
        except SftpError as trouble:
            self.close()
            raise OSError(None, str(trouble)) from trouble
