"""A mail server on the loopback address that keeps what it is given, or refuses it as it is told to (RFC 5321)."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class MailServer:
    """What it was given, and what it says; `refuse` is verb → the answer instead of a yes."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("8BITMIME",)
    hang_up: bool = False
    """Whether it takes a mail and is gone before it says so."""


class _Session(socketserver.StreamRequestHandler):
    kept: MailServer

    def handle(self) -> None:
        self._say("220 mail.example")
        to: list[str] = []
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words[:4].upper()
            address = words.partition("<")[2].partition(">")[0]
            refusal = self.kept.refuse.get(address) or self.kept.refuse.get(verb)
            if refusal is not None:
                self._say(refusal)
            elif verb == "EHLO":
                for each in self.kept.extensions:
                    self._say(f"250-{each}")
                self._say("250 OK")
            elif verb == "AUTH":
                self.kept.logins.append(words)
                self._say("235 OK")
            elif verb == "DATA":
                if not self._data(to):
                    return
                to = []
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                to += [address] if verb == "RCPT" else []
                self._say("250 OK")

    def _data(self, to: list[str]) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        self.kept.mails.append(b"".join(lines))
        self.kept.recipients.append(to)
        if self.kept.hang_up:
            return False
        self._say("250 taken")
        return True

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that runs, on a port of its own."""
    kept = MailServer()
    handler = type("Handler", (_Session,), {"kept": kept})
    with _Server(("127.0.0.1", 0), handler) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
