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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)

from sftp.activity import Activity, to_logging
from sftp.auth import Doorkeeper, Throttle
from sftp.errors import Stop
from sftp.hostkeys import fingerprint
from sftp.jail import Jail, Taken
from sftp.names import shown
from sftp.requests import SessionLimits
from sftp.session import Session
from sftp.wire import MODERN, Algorithms, Transport, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sftp.activity import Tell
    from sftp.auth import Account

_SWEEP_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server bears. Per connection: `sessions`, `attempts` to log in within `grace_seconds`."""

    connections: int = 500
    sessions: int = 4
    channels_ever: int = 1000
    attempts: int = 6
    grace_seconds: float = 30.0
    ban_failures: int = 10
    ban_seconds: float = 300.0
    connects_per_second: float = 10.0
    connects_burst: float = 50.0
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
        self._algorithms = algorithms
        shortest = min(self.limits.grace_seconds, self.limits.session.idle_seconds)
        self._sweep_seconds = min(_SWEEP_SECONDS_MAX, shortest / 2)
        self._monotonic = monotonic
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
        swept = self._monotonic()
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

    def _welcome(self, accepted: socket.socket, address: str) -> None:
        with self._lock:
            full = len(self._connections) >= self.limits.connections
        reason = self.throttle.why_refused(address)
        if full:
            reason = f"there are {self.limits.connections} connections already"
        if reason:
            accepted.close()
            self.tell(Activity("connection_refused", f"from {address}: {reason}", problem=True, address=address))
            return
        try:
            connection = Connection(self, accepted, address, self._algorithms, self._monotonic)
        except (OSError, RuntimeError) as error:  # the peer is gone already, or no thread can be had
            accepted.close()
            self.tell(Activity("connection_refused", f"from {address}: {error}", problem=True, address=address))
            return
        with self._lock:
            self._connections.append(connection)

    def _sweep(self, now: float) -> None:
        for connection in self._forget(lambda c: c.is_over(now)):
            connection.close()

    def _forget(self, over: Callable[[Connection], bool]) -> list[Connection]:
        with self._lock:
            gone = [connection for connection in self._connections if over(connection)]
            self._connections = [connection for connection in self._connections if connection not in gone]
        return gone


class Connection(paramiko.ServerInterface):
    """One client's connection, as paramiko asks about it."""

    def __init__(
        self,
        server: Server,
        accepted: socket.socket,
        address: str,
        algorithms: Algorithms,
        monotonic: Callable[[], float],
    ) -> None:
        self._server = server
        self._limits = server.limits
        self._began = monotonic()
        self._attempts = 0
        self._channels: list[paramiko.Channel] = []
        self._channels_ever = 0
        self.address = address
        self.user: str | None = None
        self.sessions: list[Session] = []
        self._wire = Wire(accepted, stall_seconds=self._limits.session.stall_seconds, monotonic=monotonic)
        self._transport = Transport(self._wire, algorithms)
        for key in server.hostkeys:
            self._transport.add_server_key(key)
        self._transport.start_server(event=threading.Event(), server=self)

    def is_over(self, now: float) -> bool:
        """Whether the connection has ended, or must: no login in time, or silent for too long."""
        if not self._transport.is_active():
            return True
        if not self._transport.is_authenticated():
            return now - self._began > self._limits.grace_seconds
        return now - self._wire.heard > self._limits.session.idle_seconds

    def close(self) -> None:
        """End the connection and account for failed logins."""
        logged_in = self._transport.is_authenticated() or self.user is not None
        self._transport.close()
        self._wire.close()
        if logged_in or not self._attempts:
            return
        message = f"{self._attempts} attempts from {self.address} without a login"
        self._tell("login_refused", message, problem=True)
        if self._server.throttle.failed(self.address, self._attempts):
            seconds = self._limits.ban_seconds
            self._tell("banned", f"{self.address} is locked out for {seconds:.0f} s", problem=True)

    def join(self) -> None:
        """Wait until the threads have let go of their files."""
        for thread in (self._transport, *self.sessions):
            thread.join(5)

    def _tell(self, what: str, message: str, *, problem: bool = False, partner: str | None = None) -> None:
        activity = Activity(what, message, problem, partner=partner, user=self.user, address=self.address)
        self._server.tell(activity)

    # Login ------------------------------------------------------------------------------------------------------

    def get_allowed_auths(self, _username: str) -> str:
        """The same to everybody, so that nothing is learnt about users."""
        return self._server.doorkeeper.methods()

    def check_auth_none(self, _username: str) -> int:
        """How clients ask for the methods: refused, and no attempt."""
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Also called for a key that is only offered; paramiko verifies the signature afterwards."""
        return self._judged(self._server.doorkeeper.knows_key(username, key.asbytes()))

    def check_auth_password(self, username: str, password: str) -> int:
        """Check a password; one that is not UTF-8 comes as bytes and is never right."""
        right = isinstance(password, str) and self._server.doorkeeper.knows_password(username, password)
        return self._judged(right)

    def _judged(self, right: bool) -> int:
        if right:
            return AUTH_SUCCESSFUL
        self._attempts += 1
        if self._attempts >= self._limits.attempts:
            raise paramiko.SSHException("too many failed attempts to log in")  # ends the connection
        return AUTH_FAILED

    # Channels ---------------------------------------------------------------------------------------------------

    def check_channel_request(self, kind: str, _chanid: int) -> int:
        """A session channel, as many as the limits allow; nothing is ever forwarded."""
        if kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self._hold_channels()
        self._channels_ever += 1
        if len(self._channels) >= self._limits.sessions or self._channels_ever > self._limits.channels_ever:
            return OPEN_FAILED_RESOURCE_SHORTAGE
        return OPEN_SUCCEEDED

    def _hold_channels(self) -> None:
        """Keep the open channels alive: paramiko itself holds them weakly once they are accepted."""
        while (channel := self._transport.accept(0)) is not None:
            self._channels.append(channel)
        self._channels = [channel for channel in self._channels if not channel.closed]
        self.sessions = [session for session in self.sessions if session.is_alive()]

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        """Start SFTP, once per channel, for whoever has logged in by now."""
        self._hold_channels()
        user = self._transport.get_username()
        account = self._server.doorkeeper.account(user) if user else None
        if name != "sftp" or account is None or any(s.channel is channel for s in self.sessions):
            return False
        server, partner = self._server, account.partner
        if self.user is None:
            self.user = account.user
            server.throttle.logged_in(self.address)
            self._tell("logged_in", f"{shown(account.user)} from {self.address}", partner=partner)
        session = Session(
            channel,
            lambda: Jail(server.root, partner, server.taken),
            limits=self._limits.session,
            tell=server.tell,
            uploaded=server.ring,
            user=account.user,
            address=self.address,
        )
        self.sessions.append(session)
        session.start()
        return True
