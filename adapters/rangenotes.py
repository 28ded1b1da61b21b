"""What is remembered of a table between two comparisons: ranges of keys, and a hash of each row in them.

A range is one note. The first line of a note is JSON: the bounds, the number of rows, the sum of their hashes, the name
of the range that follows. Then come the hashes, 8 bytes each, and the keys as JSON, compressed: about 12 bytes a row
where keys are numbers.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.statements import Raw

BITS = (1 << 64) - 1


@dataclass(slots=True)
class Rows:
    """Keys and the hash of each one's row, side by side. `total` is the sum of the hashes, modulo 2**64."""

    keys: list[Raw] = field(default_factory=list)
    hashes: array[int] = field(default_factory=lambda: array("Q"))

    @classmethod
    def of(cls, pairs: Iterable[tuple[Raw, int]]) -> Rows:
        """From pairs of key and hash."""
        known = dict(pairs)
        return cls(list(known), array("Q", known.values()))

    @property
    def total(self) -> int:
        """The sum that the database makes of the same hashes."""
        return sum(self.hashes) & BITS

    def upto(self, count: int) -> Rows:
        """The first of them."""
        return Rows(self.keys[:count], self.hashes[:count])

    def mapped(self) -> dict[Raw, int]:
        """The hash of each key."""
        return dict(zip(self.keys, self.hashes, strict=True))


@dataclass(frozen=True, slots=True)
class Range:
    """The keys beyond `low` up to `high`; None for the ends of the table.

    `follows` names the next range, None after the last one. `body` holds the rows as they were last seen, packed; there
    are `count` of them, and `total` is the sum of their hashes.
    """

    name: int
    low: Raw | None
    high: Raw | None
    follows: int | None
    count: int = 0
    total: int = 0
    body: bytes = b""

    def rows(self) -> Rows:
        """What is remembered of the rows."""
        if not self.count:
            return Rows()
        hashes = array("Q")
        hashes.frombytes(self.body[: 8 * self.count])
        if sys.byteorder == "big":
            hashes.byteswap()
        columns = json.loads(zlib.decompress(self.body[8 * self.count :]))
        return Rows(list(zip(*columns, strict=True)), hashes)

    def to_note(self) -> bytes:
        """The note of it."""
        head = [self.low, self.high, self.follows, self.count, self.total]
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + self.body


def ranged(name: int, bounds: tuple[Raw | None, Raw | None], follows: int | None, rows: Rows) -> Range:
    """A range with its rows packed."""
    return Range(name, *bounds, follows, len(rows.keys), rows.total, packed(rows))


def packed(rows: Rows) -> bytes:
    """The body of a note. Hashes cannot be compressed; keys are, column by column."""
    hashes = rows.hashes
    if sys.byteorder == "big":
        hashes = hashes[:]
        hashes.byteswap()
    columns = json.dumps(list(zip(*rows.keys, strict=True)), separators=(",", ":"))
    return hashes.tobytes() + zlib.compress(columns.encode(), 1)


def from_note(name: int, note: bytes) -> Range:
    """The range that :meth:`Range.to_note` wrote.

    Raises:
        ValueError: The bytes are something else.
    """
    head, _, body = note.partition(b"\n")
    low, high, follows, count, total = json.loads(head)
    return Range(name, _place(low), _place(high), follows, count, total, body)


def joined(ranges: Sequence[Range]) -> Range:
    """Neighbours as one range, under the first one's name. Sums of hashes add up, so nothing needs to be read."""
    if len(ranges) == 1:
        return ranges[0]
    first, last = ranges[0], ranges[-1]
    rows = Rows()
    for each in ranges:
        remembered = each.rows()
        rows.keys += remembered.keys
        rows.hashes += remembered.hashes
    return ranged(first.name, (first.low, last.high), last.follows, rows)


def _place(parts: list[str | None] | None) -> Raw | None:
    return None if parts is None else tuple(parts)
