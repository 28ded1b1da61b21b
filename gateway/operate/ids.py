"""Ids that sort by time: UUID version 7 (RFC 9562) in Crockford's base 32, behind a prefix that says what it names."""

from __future__ import annotations

import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(one + other for one in _ALPHABET for other in _ALPHABET)
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_SHIFTS = tuple(range(120, -1, -10))


class Ids:
    """Makes ids, ascending within a process also when many are made in one millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, prefix: str) -> str:
        """``d_`` or ``doc_`` and 26 characters."""
        with self._lock:
            # 48 bits of milliseconds, then 12 bits that count within one (RFC 9562, method 3: a finer clock).
            ticks = max(time.time_ns() * 4096 // 1_000_000, self._last + 1)
            self._last = ticks
        milliseconds, fraction = divmod(ticks, 4096)
        number = (milliseconds << 80) | _VERSION_7 | (fraction << 64) | _VARIANT | secrets.randbits(62)
        return f"{prefix}_{_base32(number)}"


def _base32(number: int) -> str:
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])
