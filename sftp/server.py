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
from typing import TYPE_CHECKING, NoReturn

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
    cMSG_DISCONNECT,
)

from sftp.activity import Activity, to_logging
from sftp.auth import Doorkeeper
from sftp.errors import Stop
from sftp.hostkeys import fingerprint
from sftp.jail import Jail, Taken
from sftp.lockout import Guesses, Throttle, network
from sftp.names import shown
from sftp.quota import Allowance, Allowances
from sftp.requests import SessionLimits
from sftp.session import Session
from sftp.stale import forget
from sftp.wire import MODERN, Algorithms, Transport, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sftp.activity import Tell
    from sftp.auth import Account
    from sftp.login import StrangeKey

_SWEEP_SECONDS_MAX = 1.0
_LOOK_SECONDS = 3600.0
_BY_APPLICATION = 11  # the reason code of a disconnection; its text says more


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
    grace_seconds: float = 30.0
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
                return f"there are {self.limits.connections} connections already"
            strangers = [connection for connection in self._connections if connection.user is None]
        if len(strangers) < self.limits.handshakes:
            return None
        places = Counter(network(connection.address) for connection in strangers)
        [(most, _)] = places.most_common(1)
        oldest = next(connection for connection in strangers if network(connection.address) == most)
        self._forget(lambda connection: connection is oldest)
        oldest.close()
        self.tell_refused(oldest.address, f"{len(strangers)} connections had not logged in, {places[most]} of them its")
        return None

    def crowded(self, partner: str) -> bool:
        """Whether a partner has as many connections as he may."""
        with self._lock:
            return sum(each.partner == partner for each in self._connections) >= self.limits.partner_connections

    def _forget_unfinished(self) -> None:
        try:
            for each in forget(self.root, before=self._wall() - self.limits.unfinished_seconds):
                message = f"{each.size} bytes of {shown(each.name)}, which nobody went on with, are removed"
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
        self.partner: str | None = None
        self.sessions: list[Session] = []
        self._key_passed = False
        self._key = ""
        """The fingerprint of the key that was signed with last."""
        self._wire = Wire(accepted, stall_seconds=self._limits.session.stall_seconds, monotonic=monotonic)
        self._transport = Transport(self._wire, algorithms)
        for key in server.hostkeys:
            self._transport.add_server_key(key)
        self._transport.start_server(event=threading.Event(), server=self)

    def is_over(self, now: float) -> bool:
        """Whether the connection has ended, or must: no login in time, or silent for too long, or just too long."""
        if not self._transport.is_active():
            return True
        if self.user is None:
            return now - self._began > self._limits.grace_seconds
        if now - self._began > self._limits.total_seconds:
            return True
        return now - self._wire.heard > self._limits.session.idle_seconds

    def close(self) -> None:
        """End the connection, waiting for nobody, and account for failed logins."""
        self._wire.close()  # wakes the transport's thread, which then lets go of all else
        if self.user is not None or not self._attempts:
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

    def _tell(self, what: str, message: str, *, problem: bool = False) -> None:
        activity = Activity(what, message, problem, partner=self.partner, user=self.user, address=self.address)
        self._server.tell(activity)

    # Login ------------------------------------------------------------------------------------------------------

    def get_allowed_auths(self, _username: str) -> str:
        """The same to everybody, so that nothing is learnt about users; but what is left to him whose key was right."""
        return "password" if self._key_passed else self._server.doorkeeper.methods()

    def check_auth_none(self, _username: str) -> int:
        """How clients ask for the methods: refused, and no attempt."""
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey | StrangeKey) -> int:
        """Also called for a key that is only offered; paramiko verifies the signature afterwards."""
        self._attempts += 1
        right = self._server.doorkeeper.knows_key(username, key.asbytes(), self.address)
        if not self._key_passed:
            self._key = fingerprint(key) if right and isinstance(key, paramiko.PKey) else ""
        return self._judged(right=right)

    def check_auth_password(self, username: str, password: str) -> int:
        """Check a password; one that is not UTF-8 comes as bytes and is never right."""
        self._attempts += 1
        doorkeeper, guesses = self._server.doorkeeper, self._server.guesses
        counted = doorkeeper.counted_as(username, self.address)
        if not isinstance(password, str) or not guesses.may_try(counted, self.address):
            return self._judged(right=False)
        if doorkeeper.knows_password(username, password, self.address, key_passed=self._key_passed):
            guesses.right(counted, self.address)
            return self._judged(right=True)
        if guesses.wrong(counted, self.address):
            minutes = self._limits.guard_seconds / 60
            message = (
                f"passwords of {shown(username)[:64]} were guessed; for {minutes:.0f} minutes they count only from"
                " addresses where it logged in with its password before; its keys count as always"
            )
            self._tell("guarded", message, problem=True)
        return self._judged(right=False)

    def _judged(self, *, right: bool) -> int:
        """An attempt is counted before it is looked at, for a client may leave meanwhile; a good one is none."""
        if right:
            self._attempts -= 1
            return AUTH_SUCCESSFUL
        if self._attempts >= self._limits.attempts:
            self._end("too many failed attempts to log in")
        return AUTH_FAILED

    def _end(self, reason: str) -> NoReturn:
        """Say why and end the connection (RFC 4253 section 11.1)."""
        farewell = paramiko.Message()
        farewell.add_byte(cMSG_DISCONNECT)
        farewell.add_int(_BY_APPLICATION)
        farewell.add_string(reason)
        farewell.add_string("en")
        self._transport.say(farewell)
        raise paramiko.SSHException(reason)

    def passed(self, user: str, method: str) -> int:
        """A signature or password was right: whether he is logged in now, or more is wanted."""
        account = self._server.doorkeeper.account(user)
        if account is None or not account.admits(self.address):
            return AUTH_FAILED
        if account.both and method == "publickey":
            self._key_passed = True
            return AUTH_PARTIALLY_SUCCESSFUL
        if self._server.crowded(account.partner):
            many = self._limits.partner_connections
            reason = f"{account.partner} has {many} connections open, as many as are allowed"
            self._server.tell_refused(self.address, reason, account.partner)
            self._end(reason)
        self.partner, self.user = account.partner, account.user
        self._server.throttle.logged_in(self.address)
        by = "key and password" if self._key_passed else {"publickey": "key"}.get(method, method)
        by += f" {self._key}" if self._key and by != "password" else ""
        self._tell("logged_in", f"{shown(account.user)} from {self.address} by {by}")
        return AUTH_SUCCESSFUL

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
        session = Session(
            channel,
            lambda: Jail(server.root, partner, server.taken),
            limits=self._limits.session,
            allowance=Allowance(partner, account.quota, server.allowances),
            tell=server.tell,
            uploaded=server.ring,
            user=account.user,
            address=self.address,
            delivered=self._wire.delivered,
        )
        self.sessions.append(session)
        session.start()
        return True
