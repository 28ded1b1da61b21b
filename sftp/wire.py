"""What paramiko leaves open: Nagle's delay, unbounded packets, stalled peers, algorithm lists.

paramiko offers the seams used here: a socket-like object, `packetizer_class`, `get_security_options`. A few
protected names are used as well (`_read_timeout`, `_log`, `_parse_newkeys`, `_send_message`, `_kex_info`,
`_preferred_pubkeys`, `_channel_handler_table`, `_active_check_timeout`, and `_closed` of the socket); each has a
contract test, and the dependency is bounded below 6.

- Without TCP_NODELAY every small answer waits for the peer's delayed acknowledgment.
- Every length and count that a peer states is held against the bytes that came, before and after login.
- A peer that stops reading is dropped after `stall_seconds`; one that sends past its window at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import socket
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EXTENDED_DATA, MSG_EXT_INFO, MSG_USERAUTH_INFO_RESPONSE
from paramiko.packet import Packetizer

from sftp.login import Login

if TYPE_CHECKING:
    from collections.abc import Callable

    from paramiko.message import Message

_LOG = logging.getLogger(__name__)

PACKET_BYTES_MAX = 256 * 1024  # as OpenSSH; RFC 4253 section 6.1 asks for at least 35,000
_BANNER_BYTES_MAX = 16 * 1024
_RECEIVE_BYTES = 256 * 1024
_WINDOW_BYTES = 2 * 1024 * 1024
_IDENTIFICATION = "SSH-2.0-LegacyGateway"  # RFC 4253 section 4.2; no version is told


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What is offered, in order of preference; the client's own order decides among them (RFC 4253 section 7.1)."""

    kex: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    hostkeys: tuple[str, ...]


_CURVES = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org")
_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")

MODERN = Algorithms(
    kex=_CURVES,
    ciphers=("aes128-gcm@openssh.com", "aes256-gcm@openssh.com"),
    macs=("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
    hostkeys=_KEYS,
)
COMPATIBLE = Algorithms(
    kex=(*_CURVES, "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "diffie-hellman-group16-sha512",
         "diffie-hellman-group14-sha256"),
    ciphers=(*MODERN.ciphers, "aes128-ctr", "aes256-ctr"),
    macs=(*MODERN.macs, "hmac-sha2-256", "hmac-sha2-512"),
    hostkeys=_KEYS,
)  # fmt: skip
# Keys of partners: their strength is judged when an account is read, so the curves of NIST may stay.
_PARTNER_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", *_KEYS[1:])


class Wire:
    """A socket as paramiko wants it: no Nagle, big reads, a clock that notices a peer who is silent or stalled."""

    def __init__(
        self, connection: socket.socket, *, stall_seconds: float = 60.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._stall_seconds = stall_seconds
        self._monotonic = monotonic
        self._ahead = memoryview(b"")
        self._stalled_since: float | None = None
        self._closed = False  # paramiko looks at this name of a socket
        self._delivered: bool | None = None
        self.heard = monotonic()

    def settimeout(self, seconds: float | None) -> None:
        """How long `recv` and `send` wait before they raise TimeoutError."""
        self._connection.settimeout(seconds)

    def recv(self, count: int) -> bytes:
        """At most `count` bytes; reads ahead, for paramiko asks for each packet in two small pieces."""
        if not self._ahead:
            try:
                self._ahead = memoryview(self._connection.recv(_RECEIVE_BYTES))
            except ConnectionError:
                self._delivered = False
                raise
            self.heard = self._monotonic()
        data = bytes(self._ahead[:count])
        self._ahead = self._ahead[count:]
        return data

    def delivered(self) -> bool:
        """Whether the peer's machine has acknowledged every byte that was sent, now or when the connection ended."""
        if self._delivered is not None:
            return self._delivered
        try:  # tcp(7), SIOCOUTQ
            return not any(fcntl.ioctl(self._connection, termios.TIOCOUTQ, bytes(4)))
        except (OSError, ValueError):
            return False

    def send(self, data: bytes) -> int:
        """How many bytes went out. A peer that takes none for `stall_seconds` is treated as gone."""
        try:
            count = self._connection.send(data)
        except TimeoutError:
            now = self._monotonic()
            if self._stalled_since is None:
                self._stalled_since = now
            if now - self._stalled_since >= self._stall_seconds:
                raise EOFError from None
            raise
        self._stalled_since = None
        return count

    def close(self) -> None:
        """Close at once; shutting down first wakes a thread that waits in `recv`."""
        if self._closed:
            return
        self._delivered = self.delivered()
        self._closed = True
        with contextlib.suppress(OSError):  # the peer was faster
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def getpeername(self) -> Any:
        """The other side's address."""
        return self._connection.getpeername()


class Packets(Packetizer):
    """Packets whose lengths and counts are believed only as far as bytes came."""

    _banner_bytes = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:  # noqa: D102 - paramiko's
        if not 0 <= n <= PACKET_BYTES_MAX:
            raise paramiko.SSHException(f"a packet of {n} bytes was announced; at most {PACKET_BYTES_MAX} are taken")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        data: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # protected: not in the stubs
        self._banner_bytes += len(data)
        if self._banner_bytes > _BANNER_BYTES_MAX:
            raise paramiko.SSHException(f"no identification within {_BANNER_BYTES_MAX} bytes")
        return data

    def read_message(self) -> tuple[int, Message]:  # noqa: D102 - paramiko's
        kind, message = super().read_message()
        each = {MSG_EXT_INFO: 8, MSG_USERAUTH_INFO_RESPONSE: 4}.get(kind)  # a string is at least its length
        if each is not None:
            rest = message.get_remainder()
            if len(rest) < 4 or int.from_bytes(rest[:4], "big") * each > len(rest) - 4:
                raise paramiko.SSHException("a message counts more items than it holds")
        return kind, message


def _within_window(channel: paramiko.Channel, message: Message) -> None:
    """Take data only as far as the window allows (RFC 4254 section 5.2)."""
    data = message.get_binary()
    if len(channel.in_buffer) + len(data) > _WINDOW_BYTES + PACKET_BYTES_MAX:
        raise paramiko.SSHException("the peer sends past its window")
    channel.in_buffer.feed(data)


def _discarded(channel: paramiko.Channel, message: Message) -> None:
    """SFTP has no use for a second stream; nothing of it is kept."""


class Transport(paramiko.Transport):
    """paramiko's transport as a server on a `Wire`, with bounded packets and `algorithms` only."""

    _active_check_timeout = 2.0  # closing wakes the reader, so there is nothing to poll for
    _preferred_pubkeys = _PARTNER_KEYS
    # RFC 8731 names what paramiko knows under its older name only.
    _kex_info = {  # noqa: RUF012 - paramiko's table
        **vars(paramiko.Transport)["_kex_info"],
        "curve25519-sha256": vars(paramiko.Transport)["_kex_info"]["curve25519-sha256@libssh.org"],
    }
    _channel_handler_table = {  # noqa: RUF012 - paramiko's table
        **vars(paramiko.Transport)["_channel_handler_table"],
        MSG_CHANNEL_DATA: _within_window,
        MSG_CHANNEL_EXTENDED_DATA: _discarded,
    }

    def __init__(self, wire: Wire, algorithms: Algorithms = MODERN) -> None:
        super().__init__(
            wire,  # type: ignore[arg-type]  # documented: any object with send, recv, close, settimeout
            default_window_size=_WINDOW_BYTES,
            packetizer_class=Packets,
        )
        self.wire = wire
        self.local_version = _IDENTIFICATION
        options = self.get_security_options()
        options.kex = tuple(name for name in algorithms.kex if name in self._kex_info)
        options.ciphers = algorithms.ciphers
        options.digests = algorithms.macs
        options.key_types = algorithms.hostkeys
        options.compression = ("none",)

    def _parse_newkeys(self, m: Message) -> None:
        if self.server_mode and self.auth_handler is None:
            self.auth_handler = Login(self)
        super()._parse_newkeys(m)  # type: ignore[misc]  # protected: not in the stubs

    def say(self, message: Message) -> None:
        """Send one message as it is."""
        self._send_message(message)  # type: ignore[attr-defined]  # protected: not in the stubs

    def _log(self, _level: int, msg: object, *args: object) -> None:
        """Whoever scans the port is no news; what matters is told as an activity."""
        _LOG.debug(msg, *args)
