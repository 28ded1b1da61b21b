"""Who may log in: accounts with several keys and an optional password, and a lock-out against guessing.

Nothing here tells a stranger whether a user exists: an unknown user is offered the same methods and costs the same
time. Keys are compared in constant time; a password is checked with argon2id, two at a time at most, because each
check takes 64 MiB.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import argon2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HASHER = argon2.PasswordHasher()  # argon2id, the second recommendation of RFC 9106: 64 MiB, 3 passes
_CHECKS = threading.Semaphore(2)
_KEY_TYPES = (b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521", b"ssh-rsa")
_RSA_BITS_MIN = 2048
_ADDRESSES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Account:
    """One login. `keys` are lines of OpenSSH's form ``ssh-ed25519 AAAA… comment``; `password_hash` is argon2id."""

    user: str
    partner: str
    keys: tuple[str, ...] = ()
    password_hash: str | None = None


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, to be kept in an `Account`."""
    return _HASHER.hash(password)


def key_blob(line: str) -> bytes:
    """The public key of one line in OpenSSH's form.

    Raises:
        ValueError: when the line holds no key, or one that is too weak; the message never quotes the line.
    """
    for word, following in zip(line.split(), line.split()[1:], strict=False):
        if word.encode() not in _KEY_TYPES:
            continue
        try:
            blob = base64.b64decode(following, validate=True)
        except (ValueError, binascii.Error):
            raise ValueError("the key is not valid base64; copy the whole line of the .pub file") from None
        parts = _strings(blob)
        if not parts or parts[0] != word.encode():
            raise ValueError("the key is damaged; copy the whole line of the .pub file")
        if parts[0] == b"ssh-rsa" and int.from_bytes(parts[-1], "big").bit_length() < _RSA_BITS_MIN:
            raise ValueError(f"the RSA key has fewer than {_RSA_BITS_MIN} bits; make an Ed25519 key")
        return blob
    raise ValueError("no key in OpenSSH's form, such as: ssh-ed25519 AAAA... name")


def _strings(blob: bytes) -> list[bytes]:
    """The length-prefixed strings of a key (RFC 4253 section 6.6), or nothing when they do not fill it exactly."""
    parts: list[bytes] = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            return []
        parts.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return parts


class Doorkeeper:
    """Judges one attempt. `accounts` is called anew each time, so that a new configuration holds at once."""

    def __init__(self, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts
        # Checking against it takes as long as checking against a real hash, and never succeeds.
        salt, digest = (base64.b64encode(os.urandom(n)).decode().rstrip("=") for n in (16, 32))
        self._dummy = (
            f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}${salt}${digest}"
        )

    def account(self, user: str) -> Account | None:
        """The account of `user` as it is configured now."""
        return self._accounts().get(user)

    def methods(self) -> str:
        """What is offered, the same to everybody: ``publickey``, and ``password`` if any account has one."""
        with_password = any(account.password_hash for account in self._accounts().values())
        return "publickey,password" if with_password else "publickey"

    def knows_key(self, user: str, blob: bytes) -> bool:
        """Whether `blob` is one of the user's keys. Asked also before anything is signed: it changes nothing."""
        account = self.account(user)
        found = False
        for line in account.keys if account else ():
            try:
                found |= hmac.compare_digest(key_blob(line), blob)
            except ValueError:
                continue  # reported when the configuration is checked; here it simply opens nothing
        return found

    def knows_password(self, user: str, password: str) -> bool:
        """Whether the password is right; takes the same time for a user who does not exist."""
        account = self.account(user)
        kept = account.password_hash if account else None
        with _CHECKS:
            try:
                return _HASHER.verify(kept or self._dummy, password)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False


@dataclass(slots=True)
class _Record:
    tokens: float
    seen: float
    failures: int = 0
    failing_since: float = 0.0
    banned_until: float = 0.0


class Throttle:
    """How often an address may connect, and when it is locked out. One instance for all connections of a server.

    A connection that ends logged in costs nothing; failed attempts count only when the connection ends without a login,
    for a client with several keys offers them one after the other.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures_max: int = 10,
        ban_seconds: float = 300.0,
        connects_per_second: float = 10.0,
        connects_burst: float = 50.0,
    ) -> None:
        self._monotonic = monotonic
        self._failures_max = failures_max
        self._ban_seconds = ban_seconds
        self._rate = connects_per_second
        self._burst = connects_burst
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._lock = threading.Lock()

    def why_refused(self, address: str) -> str | None:
        """Count a new connection from `address`; the reason when it must not be served."""
        now = self._monotonic()
        with self._lock:
            record = self._record(address, now)
            if now < record.banned_until:
                return f"locked out for another {record.banned_until - now:.0f} s after failed logins"
            if record.tokens < 1:
                return f"more than {self._rate:g} connections a second without a login"
            record.tokens -= 1
            return None

    def logged_in(self, address: str) -> None:
        """Give back what the connection cost."""
        with self._lock:
            record = self._record(address, self._monotonic())
            record.tokens = min(self._burst, record.tokens + 1)

    def failed(self, address: str, attempts: int) -> bool:
        """Count the attempts of a connection that ended without a login; whether the address is now locked out."""
        now = self._monotonic()
        with self._lock:
            record = self._record(address, now)
            if now - record.failing_since > self._ban_seconds:
                record.failures, record.failing_since = 0, now
            record.failures += attempts
            if record.failures < self._failures_max:
                return False
            record.failures, record.banned_until = 0, now + self._ban_seconds
            return True

    def _record(self, address: str, now: float) -> _Record:
        key = _network(address)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(tokens=self._burst, seen=now, failing_since=now)
            if len(self._records) > _ADDRESSES_MAX:
                self._records.popitem(last=False)
        self._records.move_to_end(key)
        record.tokens = min(self._burst, record.tokens + (now - record.seen) * self._rate)
        record.seen = now
        return record


def _network(address: str) -> str:
    """The address itself, or the /64 of an IPv6 address: whoever has one such address has all of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
