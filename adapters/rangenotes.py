"""What is remembered of a table between two comparisons: ranges of keys, and a hash of each row in them.

A range is one note. The first line of a note is JSON: the bounds, the name of the range that follows, the number of
rows, and what tells at one glance whether all of them are as they were. Then come the hashes, 8 bytes each, and the
keys, compressed: about 11 bytes a row where keys are numbers.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.statements import Raw

BITS = (1 << 64) - 1
SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class Rows:
    """Keys, column by column, and the hash of each one's row."""

    columns: Sequence[Sequence[str | None]] = ()
    hashes: array[int] = field(default_factory=lambda: array("Q"))

    @classmethod
    def of(cls, known: dict[Raw, int]) -> Rows:
        """From the hash of each key."""
        return cls(list(zip(*known, strict=True)), array("Q", known.values()))

    @property
    def keys(self) -> list[Raw]:
        """The keys."""
        return list(zip(*self.columns, strict=True))

    @property
    def total(self) -> int:
        """The sum of the hashes, modulo 2**64: that which a database makes of the same ones."""
        return sum(self.hashes) & BITS

    def upto(self, count: int) -> Rows:
        """The first of them."""
        return self if count >= len(self.hashes) else Rows([each[:count] for each in self.columns], self.hashes[:count])

    def mapped(self) -> dict[Raw, int]:
        """The hash of each key."""
        return dict(zip(self.keys, self.hashes, strict=True))


@dataclass(frozen=True, slots=True)
class Range:
    """The keys beyond `low` up to `high`; None for the ends of the table.

    `follows` names the next range, None after the last one. `body` holds the rows as they were last seen, packed; there
    are `count` of them. `mark` is the sum of their hashes, or what else is the same as long as all of them are; None
    where it is not known.
    """

    name: int
    low: Raw | None
    high: Raw | None
    follows: int | None
    count: int = 0
    mark: int | None = None
    body: bytes = b""

    def holding(self, rows: Rows, mark: int | None) -> Range:
        """The same range with other rows."""
        return Range(self.name, self.low, self.high, self.follows, len(rows.hashes), mark, packed(rows))

    def rows(self) -> Rows:
        """What is remembered of the rows."""
        if not self.count:
            return Rows()
        hashes = array("Q")
        hashes.frombytes(self.body[: 8 * self.count])
        if sys.byteorder == "big":
            hashes.byteswap()
        columns = json.loads(zlib.decompress(self.body[8 * self.count :]))
        return Rows([each.split(SEPARATOR) if isinstance(each, str) else each for each in columns], hashes)

    def to_note(self) -> bytes:
        """The note of it."""
        head = [self.low, self.high, self.follows, self.count, self.mark]
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + self.body


def packed(rows: Rows) -> bytes:
    """The body of a note. Hashes cannot be compressed; keys are, column by column."""
    hashes = rows.hashes
    if sys.byteorder == "big":
        hashes = hashes[:]
        hashes.byteswap()
    columns = json.dumps([_joined(each) for each in rows.columns], separators=(",", ":"))
    return hashes.tobytes() + zlib.compress(columns.encode(), 1)


def _joined(texts: Sequence[str | None]) -> str | list[str | None]:
    """One text where none of them is missing or holds the separator: half the size, and ten times as fast to split."""
    if None in texts:
        return list(texts)
    text = SEPARATOR.join(map(str, texts))
    return text if text.count(SEPARATOR) == len(texts) - 1 else list(texts)


def from_note(name: int, note: bytes) -> Range:
    """The range that :meth:`Range.to_note` wrote.

    Raises:
        ValueError: The bytes are something else.
    """
    head, _, body = note.partition(b"\n")
    low, high, follows, count, mark = json.loads(head)
    return Range(name, _place(low), _place(high), follows, count, mark, body)


def together(ranges: Sequence[Range], *, additive: bool) -> Range:
    """Neighbours as one range, under the first one's name. Where marks are sums they add up: nothing is read."""
    if len(ranges) == 1:
        return ranges[0]
    first, last = ranges[0], ranges[-1]
    parts = [each.rows() for each in ranges if each.count]
    columns = [list(chain.from_iterable(each)) for each in zip(*(part.columns for part in parts), strict=True)]
    rows = Rows(columns, array("Q", b"".join(part.hashes.tobytes() for part in parts)))
    marks = [each.mark for each in ranges if each.count]
    mark = _summed(marks) if additive else None
    return Range(first.name, first.low, last.high, last.follows).holding(rows, mark)


def _summed(marks: Iterable[int | None]) -> int | None:
    total = 0
    for mark in marks:
        if mark is None:
            return None
        total += mark
    return total & BITS


def _place(parts: list[str | None] | None) -> Raw | None:
    return None if parts is None else tuple(parts)
