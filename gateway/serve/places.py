"""Places for what keeps a thread busy, or a snapshot open, for long: so many in a process, and a share for each client.

Without a share, whoever opens one stream after the other would keep everybody else out. A third of the places, rounded
up, is a client's; they are taken and given back as a semaphore is.

    >>> places = Places(4)
    >>> one, other = places.of("key_1"), places.of("key_2")
    >>> one.acquire(), one.acquire(), other.acquire()
    (True, True, True)
    >>> try:
    ...     one.acquire()
    ... except Problem as problem:
    ...     print(problem.code)
    too_many_at_once
    >>> one.release()
    >>> one.acquire(), other.acquire(), places.of("key_3").acquire()
    (True, True, False)
"""

from __future__ import annotations

import threading
from collections import Counter

from gateway.serve.problems import Problem

_SHARE = 3
"""One in so many of the places may be a single client's."""


class Places:
    """The places of a process, as one client may take them; see :attr:`gateway.serve.auth.Caller.bucket`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.each = -(-most // _SHARE)
        """How many of them a client may have."""
        self._client = ""
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many of them all are taken now."""
        with self._lock:
            return self._taken.total()

    def of(self, client: str) -> Places:
        """The same places, for this client."""
        theirs = Places(self.most)
        theirs._client, theirs._lock, theirs._taken = client, self._lock, self._taken
        return theirs

    def acquire(self, *, blocking: bool = False) -> bool:
        """Take a place; False where nobody has one left. It is never waited for.

        Raises:
            Problem: ``too_many_at_once``: the client has its share already.
        """
        assert not blocking
        with self._lock:
            if self._taken.total() >= self.most:
                return False
            if self._taken[self._client] >= self.each:
                raise Problem(
                    "too_many_at_once",
                    f"{self.each} of the {self.most} places are a client's, and this one has them all",
                    headers={"Retry-After": "15"},
                )
            self._taken[self._client] += 1
        return True

    def release(self) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[self._client] -= 1
            if not self._taken[self._client]:
                del self._taken[self._client]
