"""A server that answers whatever a test wants it to: SFTP in its packets, and lies in its fields."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko

from sftp import dialogue, protocol
from sftp.client import Client, Remote, connect
from sftp.protocol import string
from sftp.testing import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Answer = Callable[[int, bytes], bytes | None]
"""From the number of a request and its fields."""
FILE = 0o100644


def attributes(size: int, *, modified: int = 1_700_000_000, mode: int = FILE) -> bytes:
    """An ATTRS field."""
    return struct.pack(">IQIII", 0x01 | 0x04 | 0x08, size, mode, modified, modified)


def packet(kind: int, number: int, payload: bytes) -> bytes:
    """A whole packet."""
    return struct.pack(">IBI", len(payload) + 5, kind, number) + payload


def status(number: int, code: int, message: str = "no") -> bytes:
    """A STATUS packet."""
    return packet(protocol.STATUS_REPLY, number, struct.pack(">I", code) + string(message) + string(""))


def names(number: int, *entries: tuple[str | bytes, int]) -> bytes:
    """A NAME packet of names and sizes."""
    body = b"".join(string(name) + string("-rw-r--r-- 1 0 0") + attributes(size) for name, size in entries)
    return packet(protocol.NAME, number, struct.pack(">I", len(entries)) + body)


def data(number: int, content: bytes) -> bytes:
    """A DATA packet."""
    return packet(protocol.DATA, number, string(content))


def handle(number: int, name: bytes = b"h") -> bytes:
    """A HANDLE packet."""
    return packet(protocol.HANDLE, number, string(name))


PLAIN: Mapping[int, Answer] = {
    dialogue.OPEN: lambda number, _: handle(number),
    dialogue.OPENDIR: lambda number, _: handle(number),
    dialogue.CLOSE: lambda number, _: status(number, 0),
    dialogue.STAT: lambda number, _: status(number, 2),
    dialogue.FSTAT: lambda number, _: packet(protocol.ATTRS, number, attributes(1000)),
    dialogue.READ: lambda number, _: data(number, b"x"),
    dialogue.READDIR: lambda number, _: status(number, 1),
}
"""What an honest server would answer, more or less."""


class Anybody(paramiko.ServerInterface):
    """Lets everybody in."""

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        return paramiko.common.AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:  # noqa: ARG002
        return True


@contextmanager
def hostile(
    key: paramiko.PKey,
    answers: Mapping[int, Answer],
    *,
    greeting: bytes | None = None,
    silence_seconds: float = PATIENCE_SECONDS,
    connect_seconds: float = PATIENCE_SECONDS,
    server: type[paramiko.ServerInterface] | None = None,
) -> Iterator[Client]:
    """A client of ours, connected to a server that answers so; None as an answer is silence."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(
            target=_serve,
            args=(listening, key, {**PLAIN, **answers}, greeting or _greeting(), (server or Anybody)()),
            daemon=True,
        )
        thread.start()
        where = Remote(
            "127.0.0.1", listening.getsockname()[1], "x", (key.fingerprint,), password="x",
            connect_seconds=connect_seconds, silence_seconds=silence_seconds,
        )  # fmt: skip
        with connect(where) as client:
            yield client
        thread.join(PATIENCE_SECONDS)


def _greeting() -> bytes:
    return struct.pack(">IBI", 5, protocol.VERSION, 3)


def _serve(
    listening: socket.socket, key: paramiko.PKey, answers: Mapping[int, Answer], greeting: bytes,
    server: paramiko.ServerInterface,
) -> None:  # fmt: skip
    connection, _ = listening.accept()
    with contextlib.suppress(EOFError, OSError, paramiko.SSHException), paramiko.Transport(connection) as transport:
        transport.add_server_key(key)
        transport.start_server(server=server)
        channel = transport.accept(PATIENCE_SECONDS)
        if channel is None:
            return
        _read(channel)
        channel.sendall(greeting)
        while request := _read(channel):
            answer = answers.get(request[0], _unsupported)(int.from_bytes(request[1:5], "big"), request[5:])
            if answer is not None:
                channel.sendall(answer)


def _unsupported(number: int, _: bytes) -> bytes:
    return status(number, protocol.STATUS["unsupported"])


def _read(channel: paramiko.Channel) -> bytes:
    head = _exactly(channel, 4)
    return _exactly(channel, int.from_bytes(head, "big")) if head else b""


def _exactly(channel: paramiko.Channel, count: int) -> bytes:
    got = b""
    while len(got) < count:
        more = channel.recv(count - len(got))
        if not more:
            return b""
        got += more
    return got


def nothing_but(folder: Path) -> list[str]:
    """What lies in a folder and below."""
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))
