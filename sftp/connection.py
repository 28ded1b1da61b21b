"""One client's connection, as paramiko asks about it: who he is, and which sessions he may open."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NoReturn

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

from sftp.activity import Activity
from sftp.auth import Attempt
from sftp.counts import so_many
from sftp.hostkeys import fingerprint
from sftp.jail import Jail
from sftp.names import shown
from sftp.quota import Allowance
from sftp.session import Session
from sftp.wire import Algorithms, Transport, Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sftp.login import StrangeKey
    from sftp.server import Server

_REFUSED_TOLD_MAX = 8
_SHOWN_MAX = 64
"""Characters of what a client calls a thing, which may be anything."""
_BY_APPLICATION = 11  # the reason code of a disconnection; its text says more


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
        self._refused: deque[Attempt] = deque(maxlen=_REFUSED_TOLD_MAX)
        """Attempts that failed; only the last ones, however many are allowed."""
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
        many = so_many(self._attempts, "attempt")
        self._tell_refused("login_refused", f"{many} from {self.address} without a login: ")
        if self._server.throttle.failed(self.address, self._attempts):
            seconds = self._limits.ban_seconds
            self._tell_refused("banned", f"{self.address} is locked out for {seconds:.0f} s; at last: ")

    def join(self) -> None:
        """Wait until the threads have let go of their files."""
        for thread in (self._transport, *self.sessions):
            thread.join(5)

    def _tell(self, what: str, message: str, *, problem: bool = False, partner: str | None = None) -> None:
        partner = self.partner or partner
        activity = Activity(what, message, problem, partner=partner, user=self.user, address=self.address)
        self._server.tell(activity)

    def _tell_refused(self, what: str, message: str) -> None:
        """Tell of attempts that failed, to whoever runs the server: whose account it is, if there is one, and why."""
        doorkeeper, tried = self._server.doorkeeper, self._refused
        accounts = [account for each in tried if (account := doorkeeper.account(each.user)) is not None]
        reason = "; ".join(dict.fromkeys(doorkeeper.why_refused(each, self.address) for each in tried))
        activity = Activity(
            what,
            message + reason,
            problem=True,
            partner=accounts[-1].partner if accounts else None,
            address=self.address,
            account=accounts[-1].user if accounts else None,
            key=next((each.key for each in reversed(tried) if each.key), None),
            reason=reason,
        )
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
        told = f"key {fingerprint(key)}" if isinstance(key, paramiko.PKey) else f"a key of the kind {_kind(key)}"
        if not self._key_passed:
            self._key = told.removeprefix("key ") if right else ""
        return self._judged(Attempt(username, told), right=right)

    def check_auth_password(self, username: str, password: str) -> int:
        """Check a password; one that is not UTF-8 comes as bytes and is never right."""
        self._attempts += 1
        doorkeeper, guesses = self._server.doorkeeper, self._server.guesses
        counted = doorkeeper.counted_as(username, self.address)
        attempt = Attempt(username, after_key=self._key_passed)
        if not isinstance(password, str):
            return self._judged(attempt, right=False)
        if not guesses.may_try(counted, self.address):
            return self._judged(replace(attempt, unheard=True), right=False)
        if doorkeeper.knows_password(username, password, self.address, key_passed=self._key_passed):
            guesses.right(counted, self.address)
            return self._judged(attempt, right=True)
        if guesses.wrong(counted, self.address):
            minutes = self._limits.guard_seconds / 60
            message = (
                f"passwords of {shown(username)[:64]} were guessed; for {minutes:.0f} minutes they count only from"
                " addresses where it logged in with its password before; its keys count as always"
            )
            account = doorkeeper.account(username)
            self._tell("guarded", message, problem=True, partner=account.partner if account is not None else None)
        return self._judged(attempt, right=False)

    def _judged(self, attempt: Attempt, *, right: bool) -> int:
        """An attempt is counted before it is looked at, for a client may leave meanwhile; a good one is none."""
        if right:
            self._attempts -= 1
            return AUTH_SUCCESSFUL
        self._refused.append(attempt)
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
            many = so_many(self._limits.partner_connections, "connection")
            reason = f"{account.partner} has {many} open, as many as are allowed"
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
            self._refuse(f"a channel of the kind {shown(kind)[:_SHOWN_MAX]}")
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self._hold_channels()
        self._channels_ever += 1
        if len(self._channels) >= self._limits.sessions or self._channels_ever > self._limits.channels_ever:
            self._refuse("one more session", "its connection has as many as are allowed")
            return OPEN_FAILED_RESOURCE_SHORTAGE
        return OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(
        self, _chanid: int, _origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        """Nobody is let through to other servers (``ssh -L``)."""
        host, port = destination
        self._refuse(f"a way through to {shown(host)[:_SHOWN_MAX]}:{port}")
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_port_forward_request(self, address: str, port: int) -> Literal[False]:
        """Nobody listens here for others (``ssh -R``)."""
        self._refuse(f"listening at {shown(address)[:_SHOWN_MAX]}:{port}")
        return False

    def check_channel_exec_request(self, _channel: paramiko.Channel, command: bytes) -> bool:
        """No command is run, that of old copies with ``scp -O`` included."""
        self._refuse(f"the command {shown(command.decode(errors='replace'))[:_SHOWN_MAX]}")
        return False

    def check_channel_shell_request(self, _channel: paramiko.Channel) -> bool:
        """There is no shell."""
        self._refuse("a shell")
        return False

    def _refuse(self, asked: str, reason: str = "there is SFTP here and nothing else") -> None:
        self._tell("refused", f"{asked} was refused: {reason}", problem=True)

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
        if name != "sftp":
            self._refuse(f"the subsystem {shown(name)[:_SHOWN_MAX]}")
            return False
        if account is None:
            self._refuse("a session", "the account is no longer there")
            return False
        if any(session.channel is channel for session in self.sessions):
            self._refuse("a second session on one channel", "each has a channel of its own")
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


def _kind(key: StrangeKey) -> str:
    """The kind of a key as the client names it, which may be anything."""
    return shown(key.kind)[:_SHOWN_MAX] + ", which is not taken here,"
