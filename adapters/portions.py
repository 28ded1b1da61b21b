"""How much is read at once: rows up to a size, and batches that shrink until theirs is below it."""

from __future__ import annotations

from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

from adapters.errors import Reject, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from adapters.governor import Governor
    from adapters.model import Batch
    from adapters.statements import Raw

_AT_ONCE = 500
_SHRINK = 4
_GOOD = 8


class Cut(list["Raw"]):
    """Rows that are not all: the next would have been too much."""


class TooMuch(Reject):
    """What is asked for at once is more than may be read at once."""

    def __init__(self, message: str) -> None:
        super().__init__("too_much", message, "Ask for fewer rows, or raise the option 'bytes_max'")


class Sizes:
    """How many rows a batch of a table has: as many as are wanted, or fewer for a while."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.now = wanted

    def shrink(self) -> bool:
        """A batch was too much; False when there is no smaller one."""
        fewer = max(1, self.now // _SHRINK)
        shrunk, self.now = fewer < self.now, fewer
        return shrunk

    def grow(self) -> bool:
        """Some were small enough; False when they are as large as is wanted."""
        more = min(self.wanted, self.now * 2)
        grown, self.now = more > self.now, more
        return grown


def rows_within(cursor: Any, bytes_max: int) -> list[Raw]:
    """The rows of a cursor as long as their texts are no longer than that together, and the first one anyway."""
    rows: list[Raw] = []
    size = 0
    while some := cursor.fetchmany(_AT_ONCE):
        size += _size(list(chain.from_iterable(some)))
        rows += map(tuple, some)
        if size > bytes_max:
            return _cut(rows, bytes_max, more=cursor.fetchone() is not None)
    return rows


def _cut(rows: list[Raw], bytes_max: int, *, more: bool) -> list[Raw]:
    size = 0
    for number, row in enumerate(rows):
        size += _size(row)
        if size > bytes_max and number:
            return Cut(rows[:number])
    return Cut(rows) if more else rows


def _size(values: Sequence[Any]) -> int:
    """Of texts, their lengths: whatever else there is, is small."""
    try:
        return sum(map(len, filter(None, values)))
    except TypeError:  # a count, which is no text
        return sum(len(value) for value in values if isinstance(value, str | bytes))


def paced(
    governor: Governor,
    begin: Callable[[str | None, int], Iterator[Batch]],
    position: str | None,
    sizes: Sizes,
) -> Generator[Batch]:
    """Batches that are read as changes are (:class:`adapters.governor.Governor`), each no larger than may be.

    `begin` gives those from a position on, of so many rows; when one was too much it is asked again for smaller ones,
    and after some of those for larger ones.
    """
    while True:
        try:
            with closing(_followed(governor, begin(position, sizes.now))) as batches:
                for number, each in enumerate(batches):
                    if number >= _GOOD and sizes.grow():
                        break  # this one is read again, as a part of a larger one: it shows that there is more
                    yield each
                    position = each.position
                else:
                    return
        except TooMuch as error:
            if not sizes.shrink():
                raise Stop(error.message, error.remedy) from None


def _followed(governor: Governor, batches: Iterator[Batch]) -> Generator[Batch]:
    """The same batches; while one is read, the thread is one that follows, and not while it is stored."""
    while True:
        with governor.question("follow"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
