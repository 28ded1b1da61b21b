"""Locking out whoever guesses, and nobody else.

An address that fails too often is locked out for a while, and so is its IPv6 network. Guessing one account's password
from many addresses is answered at the account: only addresses from which its password was right before are listened to
for a while. Keys cannot be guessed, and stay good throughout, so strangers never lock a partner out who has one. A name
that is no account's is treated like one that is.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORDS_MAX = 10_000
_HOME_BURSTS = 10
_NAME_MAX = 128  # of a name that somebody tries, so much is remembered


@dataclass(slots=True)
class _Record:
    tokens: float
    seen: float
    failures: int = 0
    failing_since: float = 0.0
    banned_until: float = 0.0
    home: bool = False


class Throttle:
    """How often an address may connect, and when it is locked out. One instance for all connections of a server.

    From an address that has logged in before, ten times as many connections may come at once. A connection that ends
    logged in costs nothing; failed attempts count only when the connection ends without a login, for a client with
    several keys offers them one after the other.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        failures_max: int = 10,
        ban_seconds: float = 300.0,
        connects_per_second: float = 10.0,
        connects_burst: float = 10.0,
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
            record.home = True
            record.tokens = min(self._burst_of(record), record.tokens + 1)

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
        key = network(address)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(tokens=self._burst, seen=now, failing_since=now)
            if len(self._records) > _RECORDS_MAX:
                self._records.popitem(last=False)
        self._records.move_to_end(key)
        record.tokens = min(self._burst_of(record), record.tokens + (now - record.seen) * self._rate)
        record.seen = now
        return record

    def _burst_of(self, record: _Record) -> float:
        return self._burst * (_HOME_BURSTS if record.home else 1)


@dataclass(slots=True)
class _Guessed:
    since: float
    failures: int = 0
    until: float = 0.0


class Guesses:
    """Wrong passwords by account, from wherever they come. One instance for all connections of a server."""

    def __init__(self, monotonic: Callable[[], float], *, failures_max: int = 30, guard_seconds: float = 600.0) -> None:
        self._monotonic = monotonic
        self._failures_max = failures_max
        self._guard_seconds = guard_seconds
        self._guessed: OrderedDict[str, _Guessed] = OrderedDict()
        self._homes: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def may_try(self, user: str, address: str) -> bool:
        """Whether a password for `user` from `address` is looked at now."""
        user = user[:_NAME_MAX]
        with self._lock:
            guessed = self._guessed.get(user)
            if guessed is None or self._monotonic() >= guessed.until:
                return True
            return (user, network(address)) in self._homes

    def right(self, user: str, address: str) -> None:
        """The password was right: this address is one of the account's own from now on."""
        user = user[:_NAME_MAX]
        with self._lock:
            self._homes[user, network(address)] = None
            self._homes.move_to_end((user, network(address)))
            if len(self._homes) > _RECORDS_MAX:
                self._homes.popitem(last=False)

    def wrong(self, user: str, address: str) -> bool:
        """Count a wrong password; whether the account is guarded from now on."""
        now, user = self._monotonic(), user[:_NAME_MAX]
        with self._lock:
            if (user, network(address)) in self._homes:
                return False  # he mistypes; the address is counted all the same
            guessed = self._guessed.get(user)
            if guessed is None or now - guessed.since > self._guard_seconds:
                guessed = _Guessed(now)
            guessed.failures += 1
            guards = guessed.failures == self._failures_max
            if guards:
                guessed.until = now + self._guard_seconds
            self._guessed[user] = guessed
            self._guessed.move_to_end(user)
            if len(self._guessed) > _RECORDS_MAX:
                self._guessed.popitem(last=False)
            return guards


def network(address: str) -> str:
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
