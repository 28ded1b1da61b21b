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


class Cut(list["Raw"]):
    """Rows that are not all: the next would have been too much."""


class TooMuch(Reject):
    """What is asked for at once is more than may be read at once."""

    def __init__(self, message: str) -> None:
        super().__init__("too_much", message, "Ask for fewer rows, or raise the option 'bytes_max'")


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
    batch: int,
    learned: Callable[[int], None],
) -> Generator[Batch]:
    """Batches that are read as changes are (:class:`adapters.governor.Governor`), each no larger than may be.

    `begin` gives those from a position on; it is asked again, for smaller ones, when one was too much. The number of
    rows that was small enough is `learned`, so that the next time begins with it.
    """
    while True:
        try:
            with closing(_followed(governor, begin(position, batch))) as batches:
                for each in batches:
                    yield each
                    position = each.position
        except TooMuch as error:
            if batch == 1:
                raise Stop(error.message, error.remedy) from None
            batch = max(1, batch // _SHRINK)
            learned(batch)
        else:
            return


def _followed(governor: Governor, batches: Iterator[Batch]) -> Generator[Batch]:
    """The same batches; while one is read, the thread is one that follows, and not while it is stored."""
    while True:
        with governor.question("follow"):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
