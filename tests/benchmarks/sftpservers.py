"""The SFTP servers that are measured, each a process of its own over a folder with ``inbox`` and ``outbox``.

Run as ``python -m tests.benchmarks.sftpservers KIND FOLDER``: it prints its port, and ends when its input ends. FOLDER
holds the partner's public key as ``key.pub``, and the host key that all but ours use.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK

from sftp.auth import Account, key_blob
from sftp.hostkeys import load_or_create
from sftp.server import Limits, Server

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
USER = "acme"
MANY = 5_000


def _key(folder: Path) -> str:
    return (folder / "key.pub").read_text(encoding="ascii")


def _said(port: int) -> None:
    print(port, flush=True)
    sys.stdin.read()


# ── ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ours(folder: Path) -> None:
    """With all that is always on: the jail, SHA-256 of each file, fsync before the answer to a close."""
    account = Account(USER, USER, (_key(folder),))
    limits = Limits(connections=MANY, partner_connections=MANY, handshakes=MANY, connects_burst=MANY)
    server = Server(
        (HOST, 0),
        root=folder / "drops",
        accounts=lambda: {USER: account},
        hostkeys=load_or_create(folder / "hostkeys"),
        ring=lambda _source: None,
        limits=limits,
    )
    server.start()
    _said(server.port)
    server.close()


def taken_in(folder: Path) -> None:
    """The whole SFTP role of a workspace; in the end it tells when each file was in the store."""
    from gateway.operate.exchange.intake import Intake  # noqa: PLC0415 - the others are measured without it
    from gateway.operate.garbage import pass_over_what_is_loaded  # noqa: PLC0415
    from gateway.operate.wiring import open_gateway  # noqa: PLC0415

    arrived: dict[str, float] = {}

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.args and isinstance(record.args, tuple) and record.args[0] == "arrived":
                arrived[str(record.args[1]).split()[0]] = time.monotonic()

    log = logging.getLogger("gateway.operate.exchange.intake")
    log.setLevel(logging.INFO)
    log.addHandler(Noting())
    stop, up = threading.Event(), threading.Event()
    gateway = open_gateway(folder)
    pass_over_what_is_loaded()  # as the role begins
    intake = Intake(gateway)
    running = threading.Thread(target=intake.run, args=(stop, up.set))
    running.start()
    up.wait(60)
    _said(intake.server.port)
    stop.set()
    running.join()
    for name, at in arrived.items():
        print(name, at)


# ── stock paramiko ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Door(paramiko.ServerInterface):
    def __init__(self, blob: bytes) -> None:
        self._blob = blob

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, _username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL if key.asbytes() == self._blob else AUTH_FAILED

    def check_channel_request(self, _kind: str, _number: int) -> int:
        return OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    """Over a folder, as the examples of paramiko do it."""

    root = Path()

    def _path(self, path: str) -> Path:
        return self.root / self.canonicalize(path).lstrip("/")

    def list_folder(self, path: str) -> Any:
        return [paramiko.SFTPAttributes.from_stat(each.lstat(), each.name) for each in self._path(path).iterdir()]

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, _attributes: Any) -> Any:
        try:
            descriptor = os.open(self._path(path), flags, 0o640)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        mode = "wb" if flags & os.O_WRONLY else "r+b" if flags & os.O_RDWR else "rb"
        handle: Any = paramiko.SFTPHandle(flags)
        handle.readfile = handle.writefile = os.fdopen(descriptor, mode)
        return handle

    def chattr(self, _path: str, _attributes: Any) -> int:
        return SFTP_OK


def stock(folder: Path) -> None:
    """Stock paramiko, but for AES-GCM, which it would not choose by itself."""
    _Files.root = folder / "drops" / USER
    blob = key_blob(_key(folder))
    hostkey = paramiko.Ed25519Key.from_private_key_file(str(folder / "hostkeys" / "ssh_host_ed25519_key"))
    listener = socket.create_server((HOST, 0), backlog=128)
    alive: list[paramiko.Transport] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                transport = paramiko.Transport(listener.accept()[0])
                transport.add_server_key(hostkey)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
                with suppress(paramiko.SSHException, EOFError, OSError):
                    transport.start_server(event=threading.Event(), server=_Door(blob))
                alive.append(transport)

    threading.Thread(target=serve, daemon=True).start()
    _said(listener.getsockname()[1])
    os._exit(0)


# ── asyncssh ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def async_ssh(folder: Path) -> None:
    """The SFTP server of asyncssh in a folder."""
    import asyncssh  # noqa: PLC0415 - the others are measured without it

    async def serve() -> None:
        listener = await asyncssh.listen(
            HOST,
            0,
            server_host_keys=[str(folder / "hostkeys" / "ssh_host_ed25519_key")],
            authorized_client_keys=str(folder / "key.pub"),
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder / "drops" / USER).encode()),
        )
        port = listener.sockets[0].getsockname()[1]
        await asyncio.get_running_loop().run_in_executor(None, _said, port)

    asyncio.run(serve())


KINDS: dict[str, Callable[[Path], None]] = {"ours": ours, "intake": taken_in, "paramiko": stock, "asyncssh": async_ssh}

if __name__ == "__main__":
    KINDS[sys.argv[1]](Path(sys.argv[2]))
