"""A wire to PostgreSQL that is cut after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wire:
    """A TCP proxy to a server on this machine. The bytes of all connections count together.

    Args:
        port: the server's.
        asked: cut all connections when so many bytes went to the server; what is beyond is lost.
        answered: the same for bytes from the server.
        unanswered: the so many-eth commit of a write transaction reaches the server, and its answer does not come back.

    Once cut, it passes everything: a client that connects again gets through.
    """

    def __init__(
        self, port: int, *, asked: int | None = None, answered: int | None = None, unanswered: int | None = None
    ) -> None:
        self._server = port
        self._unanswered = unanswered
        self._writing: set[socket.socket] = set()
        self.commits = 0
        self._left = {"asked": asked, "answered": answered}
        self.passed = {"asked": 0, "answered": 0}
        self.was_cut = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {client, server}
                for source, target, way in ((client, server, "asked"), (server, client, "answered")):
                    threading.Thread(target=self._pass, args=(source, target, way), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, way: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if way == "asked":
                    self._count(source, data)
                kept = self._kept(data, way)
                target.sendall(kept)
                if len(kept) < len(data):
                    self.cut()
        for each in (source, target):
            _end(each)
            self._open.discard(each)

    def _count(self, client: socket.socket, data: bytes) -> None:
        """Count the commits of transactions that are not begun as the store's reads are."""
        with self._lock:
            if b"BEGIN" in data and b"REPEATABLE READ" not in data:
                self._writing.add(client)
            elif b"COMMIT\0" in data and client in self._writing:
                self._writing.discard(client)
                self.commits += 1
                if self.commits == self._unanswered:
                    self._left["answered"] = 0

    def _kept(self, data: bytes, way: str) -> bytes:
        with self._lock:
            left = self._left[way]
            kept = data if left is None or left > len(data) else data[:left]
            if left is not None:
                self._left[way] = left - len(kept) if len(kept) == len(data) else None
            self.passed[way] += len(kept)
            return kept

    def cut(self) -> None:
        """End all connections now, as when a cable is pulled out and both ends give up."""
        self.was_cut = True
        for each in list(self._open):
            _end(each)

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()
        self.cut()


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def wire(port: int, **cut: int) -> Iterator[Wire]:
    """A wire for a while."""
    one = Wire(port, **cut)
    try:
        yield one
    finally:
        one.close()
