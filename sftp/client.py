"""A partner's SFTP server, as we use it: connect to no other than the pinned one, list, fetch, send, remove.

>>> from sftp.client import Remote, connect
>>> where = Remote("sftp.acme.example", user="gateway", password="…", fingerprints=("SHA256:…",))
>>> with connect(where) as server:                                                             # doctest: +SKIP
...     for found in server.listing("/out"):
...         print(found.name, found.size)

Nothing is sent before the server has proved to hold a key whose SHA-256 fingerprint was pinned. There is no
first-use trust, no agent, and no key is looked for on this machine.
"""

from __future__ import annotations

import contextlib
import hmac
import io
import socket
import stat
import struct
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from sftp import dialogue, protocol
from sftp.dialogue import Dialogue, Look, unbelievable
from sftp.errors import Reject, Retry, Stop
from sftp.names import shown
from sftp.protocol import string
from sftp.wire import COMPATIBLE, MODERN, Algorithms, Transport, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_KEEPALIVE_SECONDS = 30
_STEPS = 3.0
"""Logging in, opening a channel and asking for SFTP, each of which may take `connect_seconds`."""
LISTED_MAX = 100_000
"""So many entries of a folder are read; a server could go on for ever."""
_LISTED_BYTES_MAX = 32 * 1024 * 1024
"""So many bytes of names."""
_EMPTY_MAX = 16
"""So many answers without any name are taken in one listing."""
_LISTING_SECONDS_MAX = 300.0
_FAMILIES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa": ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""How a kind of key begins → the algorithms for it. A server shows the key of the kind that is asked for."""
_HOSTKEYS = tuple(kind for family in _FAMILIES.values() for kind in family)
ALGORITHMS = {name: replace(each, hostkeys=_HOSTKEYS) for name, each in
              (("modern", MODERN), ("compatible", COMPATIBLE))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a server is, by which keys it is known, and who we are there.

    `fingerprints` are as ``ssh-keygen -l`` shows them, ``SHA256:…``; two while the server's key is changed. `key` is a
    private key in OpenSSH's or PEM form, `passphrase` opens it. Where key and password are given, both are used.
    `silence_seconds` is how long an answer may take, `connect_seconds` each step of connecting.
    """

    host: str
    port: int = 22
    user: str = ""
    fingerprints: tuple[str, ...] = ()
    key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    algorithms: Algorithms = ALGORITHMS["modern"]
    connect_seconds: float = 15.0
    silence_seconds: float = 60.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a folder: `name` as the server has it, `size` in bytes, `modified` in seconds since 1970."""

    name: str
    size: int
    modified: int
    is_file: bool = True
    is_folder: bool = False

    @property
    def look(self) -> tuple[int, int]:
        """What differs when the file was written to."""
        return (self.size, self.modified)


@dataclass(frozen=True, slots=True)
class HostKey:
    """A key that a server has shown: its kind and its fingerprint."""

    kind: str
    fingerprint: str


CHUNK_BYTES = 32 * 1024
"""What every server takes in one request (draft-ietf-secsh-filexfer-02, section 3)."""
CHUNK_BYTES_MAX = 255 * 1024


def _within(count: int) -> int:
    """A server may say 0 for "no limit"."""
    return min(max(count, CHUNK_BYTES), CHUNK_BYTES_MAX) if count else CHUNK_BYTES_MAX


class Client:
    """A session with a server. One thread uses it; whatever goes wrong with the connection is a `Retry`."""

    def __init__(
        self, transport: Transport, dialogue_: Dialogue, where: Remote, monotonic: Callable[[], float]
    ) -> None:
        self.dialogue = dialogue_
        self.where = where
        self._transport = transport
        self._monotonic = monotonic
        self._chunks: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection still stands, as far as this side knows."""
        return bool(self._transport.is_active())

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    @property
    def chunks(self) -> tuple[int, int]:
        """How many bytes are asked for, and sent, in one request: what the server says, within what we hold."""
        if self._chunks is None:
            self._chunks = (CHUNK_BYTES, CHUNK_BYTES)
            if dialogue.LIMITS in self.dialogue.extensions:
                with contextlib.suppress(Reject):
                    payload = string(dialogue.LIMITS)
                    answer = self.dialogue.request(dialogue.EXTENDED, payload, protocol.EXTENDED_REPLY)
                    answer.large()
                    self._chunks = (_within(answer.large()), _within(answer.large()))
        return self._chunks

    def listing(
        self, folder: str, *, names_max: int = LISTED_MAX, came: Callable[[], None] = lambda: None
    ) -> list[Found]:
        """What lies in a folder. `came` is called as names come; what it raises ends the listing.

        Raises:
            Reject: the server refuses.
            Stop: there is more than `names_max`.
        """
        handle = self.dialogue.handle(dialogue.OPENDIR, string(folder))
        found: dict[str, Found] = {}
        seen = size = empty = 0
        until = self._monotonic() + _LISTING_SECONDS_MAX
        try:
            for page in self._pages(handle):
                seen += len(page)
                size += sum(len(each.name) for each in page)
                empty += not page
                if seen > names_max or size > _LISTED_BYTES_MAX:
                    raise Stop(f"{shown(folder)} holds more than {names_max} entries", "Have old ones moved away there")
                if empty > _EMPTY_MAX or self._monotonic() > until:
                    raise unbelievable("a listing does not end")
                found |= {each.name: each for each in page}
                came()
        finally:
            with contextlib.suppress(Reject, Retry):
                self.dialogue.close(handle)
        return [each for each in found.values() if each.name not in (".", "..")]

    def _pages(self, handle: bytes) -> Iterator[list[Found]]:
        while True:
            try:
                answer = self.dialogue.request(dialogue.READDIR, string(handle), protocol.NAME)
            except Reject as refusal:
                if refusal.code == "end of file":
                    return
                raise
            page = []
            for _ in range(answer.number()):
                name = answer.name()
                answer.data()  # the line of ls -l: for people, and to be believed by nobody
                page.append(_found(name, answer.look()))
            yield page

    def stat(self, path: str) -> Found | None:
        """What the server says of a file; a link is followed. None: there is none."""
        try:
            answer = self.dialogue.request(dialogue.STAT, string(path), protocol.ATTRS)
        except Reject as refusal:
            if refusal.code == "no such file":
                return None
            raise
        return _found(path.rpartition("/")[2], answer.look())

    def home(self) -> str:
        """The folder where a session begins."""
        answer = self.dialogue.request(dialogue.REALPATH, string("."), protocol.NAME)
        if answer.number() != 1:
            raise unbelievable("it has several names for one folder")
        return answer.name()

    def remove(self, path: str) -> None:
        """Remove a file.

        Raises:
            Reject: the server refuses.
        """
        self.dialogue.done(dialogue.REMOVE, string(path))

    def rename(self, path: str, target: str, *, replace: bool = False) -> None:
        """Rename a file in one step; with `replace`, as POSIX does, if the server can.

        Raises:
            Reject: the server refuses.
        """
        if replace and dialogue.POSIX_RENAME in self.dialogue.extensions:
            payload = string(dialogue.POSIX_RENAME) + string(path) + string(target)
            self.dialogue.done(dialogue.EXTENDED, payload)
        else:
            self.dialogue.done(dialogue.RENAME, string(path) + string(target))

    @contextlib.contextmanager
    def opened(self, path: str, flags: int) -> Iterator[bytes]:
        """A file's handle; after writing, what the server says at the close counts.

        Raises:
            Reject: the server refuses to open, or to close.
        """
        handle = self.dialogue.handle(dialogue.OPEN, string(path) + struct.pack(">II", flags, 0))
        try:
            yield handle
        except Retry:
            self.close()  # there is nothing left to talk about
            raise
        except BaseException:
            with contextlib.suppress(Reject, Retry):
                self.dialogue.drain()
                self.dialogue.close(handle)
            raise
        self.dialogue.close(handle)

    def look(self, handle: bytes) -> Look:
        """What the server says of an open file."""
        return self.dialogue.request(dialogue.FSTAT, string(handle), protocol.ATTRS).look()


def connect(where: Remote, *, monotonic: Callable[[], float] = time.monotonic) -> Client:
    """A session with exactly that server.

    Raises:
        Retry: it cannot be reached now, or does not answer.
        Stop: it shows another key than the pinned ones, or does not let us in.
    """
    if not where.fingerprints:
        raise Stop(f"no fingerprint of {where} is pinned", "Say which key it must have: fingerprints: SHA256:…")
    transport = _recognised(where)
    try:
        with _ended_after(_STEPS * where.connect_seconds, transport):
            _log_in(transport, where)
            with _translated(where):
                channel = transport.open_session(timeout=where.connect_seconds)
                channel.invoke_subsystem("sftp")
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        conversation = Dialogue(channel, answer_seconds=where.silence_seconds, monotonic=monotonic)
        return Client(transport, conversation, where, monotonic)
    except BaseException:
        transport.close()
        raise


@contextlib.contextmanager
def _ended_after(seconds: float, transport: Transport) -> Iterator[None]:
    """Hang up on who is not done by then: paramiko waits for the answer to a request of a channel without an end."""
    timer = threading.Timer(seconds, transport.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def host_keys(where: Remote) -> list[HostKey]:
    """The keys that a server shows to whoever asks, one of each kind; nobody logs in.

    Raises:
        Retry: it cannot be reached now.
    """
    found: list[HostKey] = []
    trouble: Retry | None = None
    for family in _FAMILIES.values():
        try:
            transport = _greeted(where, family)
        except Retry as error:
            trouble = error
            continue
        found.append(_shown_by(transport))
        transport.close()
    if not found and trouble is not None:
        raise trouble
    return found


def _recognised(where: Remote) -> Transport:
    """A connection to a server that holds a pinned key. It may hold several keys, so each kind is asked for."""
    seen: list[HostKey] = []
    for kind, family in {"": _HOSTKEYS, **_FAMILIES}.items():
        if kind and any(each.kind.startswith(kind) for each in seen):
            continue
        try:
            transport = _greeted(where, family)
        except Retry:
            if seen:
                continue  # it has no key of that kind
            raise
        key = _shown_by(transport)
        if any(hmac.compare_digest(_plain(key.fingerprint), _plain(each)) for each in where.fingerprints):
            return transport
        transport.close()
        seen.append(key)
    pinned = " or ".join(where.fingerprints)
    shows = " and ".join(f"{each.fingerprint} ({each.kind})" for each in seen)
    raise Stop(
        f"{where} is not the server that it should be: pinned is {pinned}, it shows {shows}; nothing was sent to it",
        "Ask the partner, over another way, whether his key was changed; only then write the new fingerprint",
    )


def _greeted(where: Remote, families: Sequence[str]) -> Transport:
    """A connection on which keys were exchanged; nobody has logged in."""
    try:
        connection = socket.create_connection((where.host, where.port), timeout=where.connect_seconds)
    except OSError as error:
        raise Retry(f"{where} cannot be reached: {error.strerror or error}") from error
    transport = Transport(Wire(connection), replace(where.algorithms, hostkeys=tuple(families)))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = where.connect_seconds
    transport.channel_timeout = where.connect_seconds
    try:
        with _translated(where):
            transport.start_client(timeout=where.connect_seconds)
        _must_have_greeted(transport, where)
    except BaseException:
        transport.close()
        raise
    return transport


def _must_have_greeted(transport: Transport, where: Remote) -> None:
    """After its timeout paramiko goes on as if nothing were wrong."""
    if not transport.initial_kex_done:
        raise Retry(f"{where} does not end the greeting within {where.connect_seconds:g} s")


def _shown_by(transport: Transport) -> HostKey:
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.fingerprint)


def _plain(fingerprint: str) -> bytes:
    return fingerprint.rstrip("=").encode()


def _log_in(transport: Transport, where: Remote) -> None:
    """By key, by password, or by both where the server wants both."""
    key = private_key(where.key, where.passphrase) if where.key is not None else None
    tried = " and ".join(name for name, given in (("key", key), ("password", where.password)) if given is not None)
    with _translated(where):
        try:
            if key is not None:
                transport.auth_publickey(where.user, key)
            if not transport.is_authenticated() and where.password is not None:
                transport.auth_password(where.user, where.password, fallback=False)
        except paramiko.AuthenticationException as error:
            if _has_not_answered(transport):
                raise Retry(
                    f"{where} does not say within {where.connect_seconds:g} s whether it lets {where.user!r} in"
                ) from error
            raise Stop(
                f"{where} does not let {where.user!r} in by {tried}", "Ask the partner whether the account is in order"
            ) from error
    if not transport.is_authenticated():
        wanted = "more than that" if tried else "a key or a password"
        raise Stop(f"{where} wants {wanted} of {where.user!r}", "Give the connection a key:, a password:, or both")


def _has_not_answered(transport: Transport) -> bool:
    """Whether an attempt to log in was given up after its time; paramiko raises the same as when it is refused."""
    handler = transport.auth_handler
    asked = handler.auth_event if handler is not None else None
    return transport.is_active() and asked is not None and not asked.is_set()


_KEY_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def private_key(text: str, passphrase: str | None = None) -> paramiko.PKey:
    """The private key in `text`.

    Raises:
        Stop: there is none, or the passphrase does not open it.
    """
    for kind in _KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(text.rstrip() + "\n"), passphrase)
        except paramiko.PasswordRequiredException as error:
            raise Stop("the private key is locked", "Give its passphrase by reference: passphrase: secret:…") from error
        except (paramiko.SSHException, ValueError, IndexError, AssertionError, TypeError):
            continue
    raise Stop(
        "the private key cannot be read" + (" with this passphrase" if passphrase else ""),
        "It is the text that ssh-keygen writes, of the kind ed25519, ecdsa or rsa",
    )


@contextlib.contextmanager
def _translated(where: Remote) -> Iterator[None]:
    """What paramiko raises, in our words."""
    try:
        yield
    except paramiko.AuthenticationException:
        raise
    except IncompatiblePeer as error:
        raise Retry(
            f"{where} and we have no algorithm in common: {error}",
            "If the partner cannot renew his server, write algorithms: compatible",
            delay_seconds=300.0,
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        told = shown(str(error)) or type(error).__name__
        raise Retry(f"{where} has ended the conversation: {told}") from error


def _found(name: str, look: Look) -> Found:
    """An entry of a listing; one of which the server does not say what it is, is taken for a file."""
    kind = stat.S_IFMT(look.mode) if look.mode is not None else 0
    return Found(
        name=name,
        size=look.size if look.size is not None else -1,
        modified=look.modified or 0,
        is_file=kind in (0, stat.S_IFREG),
        is_folder=kind == stat.S_IFDIR,
    )
