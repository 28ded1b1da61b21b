"""Partners' servers as the configuration describes them, and connections to them that are kept."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.operate.credentials import resolved
from gateway.workspace.remotes import user_host_port
from sftp.client import ALGORITHMS, Remote, connect
from sftp.errors import SftpError, Stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.configuration import Connection
    from sftp.client import Client

_USED_FOR_SECONDS = 300.0
"""A connection that nobody used for so long is closed."""


def remote(folder: Path, connection: Connection) -> Remote:
    """The server of a connection of the kind sftp, with the secrets that it refers to in the workspace `folder`.

    Raises:
        Stop: a secret cannot be read.
    """
    options = dict(connection.options)
    user, host, port = user_host_port(connection)

    def secret(name: str) -> str | None:
        return resolved(options[name], folder) if name in options else None

    plain = Remote(host, port, user)
    return replace(
        plain,
        fingerprints=tuple(options["fingerprints"].split()),
        key=secret("key"),
        passphrase=secret("passphrase"),
        password=secret("password"),
        algorithms=ALGORITHMS[options.get("algorithms", "modern")],
        connect_seconds=float(options.get("connect_timeout_seconds", plain.connect_seconds)),
        silence_seconds=float(options.get("timeout_seconds", plain.silence_seconds)),
    )


def path_of(folder: str) -> str:
    """The folder of ``sftp://connection/folder`` as the server names it; ``~`` is where a session begins."""
    if folder == "~" or folder.startswith("~/"):
        return folder[2:] or "."
    return f"/{folder}"


_SPARED_SECONDS = {False: 3.0, True: 30.0}
"""For so long a server is not connected to again; True: it has refused us, and may lock the account."""


class Kept:
    """The connection to one server, kept open from use to use. Not for several threads, but for `close`."""

    def __init__(self, folder: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._client: Client | None = None
        self._used = 0.0
        self._failed: tuple[Remote, float, SftpError] | None = None

    def client(self, connection: Connection) -> Client:
        """The connection, opened now if it is not, or if it is described otherwise since.

        Raises:
            Retry: the server cannot be reached now.
            Stop: it is another than the pinned one, does not let us in, or a secret cannot be read.
        """
        where = remote(self._folder, connection)
        client = self._client
        if client is not None and (client.where != where or not client.is_open):
            self.close()
            client = None
        if client is None:
            client = self._client = self._connected(where)
        self._used = self._monotonic()
        return client

    def _connected(self, where: Remote) -> Client:
        """A new connection. What failed a moment ago is not tried again for the next folder of the same server."""
        if self._failed is not None and self._failed[0] == where and self._monotonic() < self._failed[1]:
            raise self._failed[2]
        try:
            client = connect(where)
        except SftpError as error:
            rest = _SPARED_SECONDS[isinstance(error, Stop)]
            self._failed = (where, self._monotonic() + rest, error)
            raise
        self._failed = None
        return client

    def close_idle(self) -> None:
        """Hang up when the connection was not used for a while."""
        if self._client is not None and self._monotonic() - self._used > _USED_FOR_SECONDS:
            self.close()

    def close(self) -> None:
        """Hang up; from any thread."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
