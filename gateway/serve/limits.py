"""How much a client may ask: a token bucket for each, and the headers that tell how much is left of it.

A bucket holds `requests` tokens and fills again evenly over `seconds`; each request takes one. A process counts for
itself. The headers are those of the IETF's draft (httpapi-ratelimit-headers, 10): `q` requests in `w` seconds, `r` of
them left, `t` seconds until all are there again.

    >>> limits = Limits(Policy(requests=2, seconds=60), clock=lambda: 0.0)
    >>> limits.take("key_1").headers
    (('RateLimit-Policy', '"client";q=2;w=60'), ('RateLimit', '"client";r=1;t=30'))
    >>> limits.take("key_1").retry_after, limits.take("key_1").retry_after
    (None, 30)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_CLIENTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in so many seconds."""

    requests: int = 6000
    seconds: int = 60


GUESSES = Policy(requests=30, seconds=60)
"""So often an address may send a key that counts nowhere, for a token. Its right ones take nothing."""


class Taken(NamedTuple):
    """What is left after a request; `retry_after` is the seconds to wait for where there was nothing left."""

    headers: tuple[tuple[str, str], ...]
    retry_after: int | None


class Limits:
    """The buckets of this process, one for each client; of very many, the fullest are forgotten."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._rate = policy.requests / policy.seconds
        self._named = ("RateLimit-Policy", f'"client";q={policy.requests};w={policy.seconds}')
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, list[float]] = {}
        """Client → tokens, and when there were so many."""

    def take(self, client: str, count: int = 1) -> Taken:
        """Take a token, or so many, from a client's bucket; none: see whether there is one."""
        most, rate = self._policy.requests, self._rate
        with self._lock:
            now = self._clock()
            bucket = self._buckets.get(client)
            if bucket is None:
                if len(self._buckets) >= _CLIENTS_MAX:  # the fullest are as good as new
                    kept = sorted(self._buckets.items(), key=lambda each: each[1][0])
                    self._buckets = dict(kept[: _CLIENTS_MAX // 2])
                bucket = self._buckets[client] = [float(most), now]
            tokens = min(most, bucket[0] + (now - bucket[1]) * rate)
            refused = tokens < 1
            if not refused:
                tokens -= count
            bucket[0], bucket[1] = tokens, now
        left = ("RateLimit", f'"client";r={int(tokens)};t={-int((tokens - most) / rate // 1)}')
        return Taken((self._named, left), max(1, ceil((1 - tokens) / rate)) if refused else None)
