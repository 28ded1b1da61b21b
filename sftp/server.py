"""Our own SFTP server: connections, logins, limits. Each connection has a thread of paramiko's, each session its own.

server = Server(("", 2222), root=root, accounts=accounts, hostkeys=load_or_create(keys), ring=collector.ring)
server.start()
...
server.close()
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sftp.activity import Activity, to_logging
from sftp.auth import Doorkeeper
from sftp.connection import Connection
from sftp.counts import so_many
from sftp.errors import Stop
from sftp.hostkeys import fingerprint
from sftp.jail import Taken
from sftp.lockout import Guesses, Throttle, network
from sftp.names import shown
from sftp.quota import Allowances
from sftp.requests import SessionLimits
from sftp.stale import forget
from sftp.wire import MODERN, Algorithms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import paramiko

    from sftp.activity import Tell
    from sftp.auth import Account

_SWEEP_SECONDS_MAX = 1.0
_LOOK_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server bears: `connections`, of which `handshakes` have not logged in and one partner has so many.

    Per connection: `sessions`, `attempts` to log in within `grace_seconds`, and an end after `total_seconds`. Nothing
    is taken when less than `free_bytes_min` of the disk would be left. What came of an upload that nobody went on with
    for `unfinished_seconds` is removed.
    """

    connections: int = 500
    partner_connections: int = 100
    handshakes: int = 100
    sessions: int = 4
    channels_ever: int = 1000
    attempts: int = 6
    grace_seconds: float = 120.0
    total_seconds: float = 86_400.0
    free_bytes_min: int = 0
    unfinished_seconds: float = 7 * 86_400.0
    ban_failures: int = 10
    ban_seconds: float = 300.0
    guard_failures: int = 30
    guard_seconds: float = 600.0
    connects_per_second: float = 10.0
    connects_burst: float = 10.0
    session: SessionLimits = field(default_factory=SessionLimits)


class Server:
    """An SFTP server for partners.

    Args:
        address: host and port to listen on; port 0 takes a free one, see `port`.
        root: the folder that holds each partner's home, ``root/<partner>/inbox`` and so on (see `sftp.jail`).
        accounts: called at each login, so that a new configuration holds at once; user → account.
        hostkeys: see `sftp.hostkeys.load_or_create`.
        ring: called with ``drop://partner`` or ``test://partner`` as soon as a file is ready to be collected.
        log: who is told what happened; by default ``logging``.
        limits: see `Limits`.
        algorithms: `sftp.wire.MODERN`, or `sftp.wire.COMPATIBLE` for old clients.
        monotonic: our clock.
        wall: the time that files are dated by, in seconds since 1970.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        root: Path,
        accounts: Callable[[], Mapping[str, Account]],
        hostkeys: Sequence[paramiko.PKey],
        ring: Callable[[str], None],
        log: Tell | None = None,
        limits: Limits | None = None,
        algorithms: Algorithms = MODERN,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._address = address
        self.root = root
        self.hostkeys = tuple(hostkeys)
        self.ring = ring
        self.tell: Tell = log or to_logging
        self.limits = limits or Limits()
        self.doorkeeper = Doorkeeper(accounts)
        self.taken = Taken(monotonic)
        self.throttle = Throttle(
            monotonic,
            failures_max=self.limits.ban_failures,
            ban_seconds=self.limits.ban_seconds,
            connects_per_second=self.limits.connects_per_second,
            connects_burst=self.limits.connects_burst,
        )
        self.guesses = Guesses(
            monotonic, failures_max=self.limits.guard_failures, guard_seconds=self.limits.guard_seconds
        )
        self.allowances = Allowances(monotonic, free_bytes_min=self.limits.free_bytes_min)
        self._algorithms = algorithms
        shortest = min(self.limits.grace_seconds, self.limits.session.idle_seconds, self.limits.total_seconds)
        self._sweep_seconds = min(_SWEEP_SECONDS_MAX, shortest / 2)
        self._monotonic = monotonic
        self._wall = wall
        self._connections: list[Connection] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.port = address[1]

    def start(self) -> None:
        """Listen and return; the work is done in threads.

        Raises:
            Stop: when the address cannot be used.
        """
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=128)
        except OSError as error:
            raise Stop(
                f"the SFTP server cannot listen on {host or '*'}:{port}: {error.strerror or error}",
                "Stop the program that uses the port, or configure another one",
            ) from error
        self._listener.settimeout(self._sweep_seconds)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="sftp-server", daemon=True)
        self._thread.start()
        prints = ", ".join(f"{key.get_name()} {fingerprint(key)}" for key in self.hostkeys)
        self.tell(Activity("listening", f"SFTP on {host or '*'}:{self.port}; host keys: {prints}"))

    def close(self) -> None:
        """Stop listening and end every connection; uploads in progress keep what came."""
        self._closing.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
        if self._thread is not None:
            self._thread.join()
        gone = self._forget(lambda _: True)
        for connection in gone:
            connection.close()
        for connection in gone:
            connection.join()

    def sessions(self) -> list[tuple[str, str]]:
        """User and address of every session that is open now."""
        with self._lock:
            connections = list(self._connections)
        return [(c.user or "", c.address) for c in connections for s in c.sessions if s.is_alive()]

    def _accept(self) -> None:
        assert self._listener is not None
        swept = looked = self._monotonic()
        self._forget_unfinished()
        while not self._closing.is_set():
            try:
                accepted, peer = self._listener.accept()
            except TimeoutError:
                accepted = None
            except OSError:
                if self._closing.is_set():
                    return
                self._closing.wait(self._sweep_seconds)  # out of descriptors: wait until some are free again
                accepted = None
            if accepted is not None:
                self._welcome(accepted, str(peer[0]))
            if self._monotonic() - swept >= self._sweep_seconds:
                swept = self._monotonic()
                self._sweep(swept)
            if self._monotonic() - looked >= _LOOK_SECONDS:
                looked = self._monotonic()
                self._forget_unfinished()

    def _welcome(self, accepted: socket.socket, address: str) -> None:
        reason = self.throttle.why_refused(address) or self._no_room()
        if reason:
            accepted.close()
            self.tell_refused(address, reason)
            return
        try:
            connection = Connection(self, accepted, address, self._algorithms, self._monotonic)
        except (OSError, RuntimeError) as error:  # the peer is gone already, or no thread can be had
            accepted.close()
            self.tell_refused(address, str(error))
            return
        with self._lock:
            self._connections.append(connection)

    def tell_refused(self, address: str, reason: str, partner: str | None = None) -> None:
        """Tell that a connection was refused, and why."""
        message = f"from {address}: {reason}"
        self.tell(Activity("connection_refused", message, problem=True, partner=partner, address=address))

    def _no_room(self) -> str | None:
        """Why there is no room for another connection.

        When the places of those who have not logged in are taken, whoever holds most of them loses the oldest one.
        """
        with self._lock:
            if len(self._connections) >= self.limits.connections:
                return f"the server has {so_many(self.limits.connections, 'connection')} open, as many as are allowed"
            strangers = [connection for connection in self._connections if connection.user is None]
        if len(strangers) < self.limits.handshakes:
            return None
        places = Counter(network(connection.address) for connection in strangers)
        [(most, _)] = places.most_common(1)
        oldest = next(connection for connection in strangers if network(connection.address) == most)
        self._forget(lambda connection: connection is oldest)
        oldest.close()
        self.tell_refused(
            oldest.address, f"{so_many(len(strangers), 'connection')} had not logged in, {places[most]} of them its"
        )
        return None

    def crowded(self, partner: str) -> bool:
        """Whether a partner has as many connections as he may."""
        with self._lock:
            return sum(each.partner == partner for each in self._connections) >= self.limits.partner_connections

    def _forget_unfinished(self) -> None:
        try:
            for each in forget(self.root, before=self._wall() - self.limits.unfinished_seconds):
                message = (
                    f"an upload that nobody went on with is removed: {so_many(each.size, 'byte')} of {shown(each.name)}"
                )
                self.tell(Activity("upload_forgotten", message, False, each.source, each.partner, name=each.name,
                                   size=each.size))  # fmt: skip
        except OSError as error:
            self.tell(Activity("session_failed", f"unfinished uploads cannot be looked for: {error}", problem=True))

    def _sweep(self, now: float) -> None:
        for connection in self._forget(lambda c: c.is_over(now)):
            connection.close()

    def _forget(self, over: Callable[[Connection], bool]) -> list[Connection]:
        with self._lock:
            gone = [connection for connection in self._connections if over(connection)]
            self._connections = [connection for connection in self._connections if connection not in gone]
        return gone
