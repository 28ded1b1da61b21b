"""Who may log in: accounts with several keys and an optional password, from everywhere or from some networks.

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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import argon2

from sftp.names import shown
from sftp.quota import UNLIMITED, Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HASHER = argon2.PasswordHasher()  # argon2id, the second recommendation of RFC 9106: 64 MiB, 3 passes
_CHECKS = threading.Semaphore(2)
_KEY_TYPES = (b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521", b"ssh-rsa")
_RSA_BITS_MIN = 2048
_SHOWN_MAX = 64  # of a name that somebody tries, so much is told


@dataclass(frozen=True, slots=True)
class Account:
    """One login. `keys` are lines of OpenSSH's form ``ssh-ed25519 AAAA… comment``; `password_hash` is argon2id.

    With `both`, a key and the password are wanted, in this order. `networks` (``203.0.113.0/24``) are those from which
    it may log in; none: from everywhere.
    """

    user: str
    partner: str
    keys: tuple[str, ...] = ()
    password_hash: str | None = None
    both: bool = False
    networks: tuple[str, ...] = ()
    quota: Quota = UNLIMITED

    def admits(self, address: str) -> bool:
        """Whether it may log in from there."""
        if not self.networks:
            return True
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in ipaddress.ip_network(each) for each in self.networks)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was refused: for which user, and with what.

    `key` is the fingerprint of a key, or says of which kind it is; without one it was a password, of which nothing is
    kept. `unheard` is one that was not looked at, because too many were wrong; `after_key` came behind the right key.
    """

    user: str
    key: str = ""
    unheard: bool = False
    after_key: bool = False


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

    def counted_as(self, user: str, address: str) -> str:
        """Under which name wrong passwords count: those from outside an account's networks by themselves."""
        account = self.account(user)
        return user if account is None or account.admits(address) else f"{user[:64]}\0"

    def why_refused(self, attempt: Attempt, address: str) -> str:
        """Why an attempt from there failed, for whoever runs the server: the client never learns it."""
        account = self.account(attempt.user)
        user = shown(attempt.user)[:_SHOWN_MAX]
        if account is None:
            return f'there is no account "{user}"'
        if not account.admits(address):
            return f"{user} may log in from {', '.join(account.networks)} only"
        if attempt.key:
            return f"{attempt.key} is none of the keys of {user}"
        if attempt.unheard:
            return f"passwords of {user} were guessed, so that this one was not looked at"
        if account.password_hash is None:
            return f"{user} has no password, only keys"
        if account.both and not attempt.after_key:
            return f"{user} needs its key as well, before its password"
        return f"wrong password of {user}"

    def _who(self, user: str, address: str) -> Account | None:
        account = self.account(user)
        return account if account and account.admits(address) else None

    def knows_key(self, user: str, blob: bytes, address: str) -> bool:
        """Whether `blob` is one of the user's keys. Asked also before anything is signed: it changes nothing."""
        account = self._who(user, address)
        found = False
        for line in account.keys if account else ():
            try:
                found |= hmac.compare_digest(key_blob(line), blob)
            except ValueError:
                continue  # reported when the configuration is checked; here it simply opens nothing
        return found

    def knows_password(self, user: str, password: str, address: str, *, key_passed: bool = False) -> bool:
        """Whether the password is right; takes the same time for a user who does not exist.

        Of an account that wants both, nothing is learnt about its password without its key.
        """
        account = self._who(user, address)
        kept = account.password_hash if account and (key_passed or not account.both) else None
        with _CHECKS:
            try:
                return _HASHER.verify(kept or self._dummy, password)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False
