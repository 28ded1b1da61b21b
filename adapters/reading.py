"""How rows that come in an order are told apart, and become rows by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from adapters.errors import Reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from adapters.statements import Ordered, Raw, Read


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows column by column, as many as `count`: the texts of the wanted columns, then those that a place is made of.

    So they are read: each look at a whole row costs more than what is done with it.
    """

    cells: Sequence[Sequence[str | None]]
    count: int

    def __len__(self) -> int:
        """How many rows there are."""
        return self.count

    @classmethod
    def of(cls, raws: Sequence[Raw], width: int) -> Columns:
        """Rows that came cell by cell."""
        return cls(list(zip(*raws, strict=True)) if raws else [()] * width, len(raws))

    def raws(self) -> list[Raw]:
        """The rows one by one."""
        return list(zip(*self.cells, strict=True))

    def places(self, read: Read) -> list[Raw]:
        """The place of each row."""
        first = len(read.columns)
        return list(zip(*self.cells[first : first + read.places], strict=True))

    def first(self, rows: int) -> Columns:
        """No more rows than that."""
        return self if self.count <= rows else Columns([each[:rows] for each in self.cells], rows)


def places_of(read: Read, raws: Sequence[Raw]) -> list[Raw]:
    """The places of rows that came cell by cell: column by column, in a fifth of the time of :meth:`Read.place`."""
    return Columns.of(raws, len(read.columns) + read.places).places(read)


def named(names: tuple[str, ...], columns: Iterable[Iterable[Any]]) -> list[dict[str, Any]]:
    """Rows by name of the values of each column."""
    return _namer(names)(zip(*columns, strict=True)) if names else []


@lru_cache(256)
def _namer(names: tuple[str, ...]) -> Callable[[Iterable[Any]], list[dict[str, Any]]]:
    """What makes dicts of tuples; written out it takes half the time of ``dict(zip(names, row))``."""
    cells = ", ".join(f"c{number}" for number in range(len(names)))
    pairs = ", ".join(f"{name!r}: c{number}" for number, name in enumerate(names))
    space: dict[str, Any] = {}
    exec(f"def namer(rows):\n    return [{{{pairs}}} for ({cells},) in rows]", space)  # noqa: S102 - our own text, of quoted names
    namer: Callable[[Iterable[Any]], list[dict[str, Any]]] = space["namer"]
    return namer


def row_hash(read: Read, raw: Raw) -> int:
    """64 bits of a row's texts; the place beside them depends on the order, and is left out."""
    texts = repr(tuple(raw[: len(read.columns)]))
    return int.from_bytes(hashlib.blake2b(texts.encode(errors="surrogatepass"), digest_size=8).digest())


def cut(read: Read, raws: list[Raw], order: Sequence[Ordered], batch: int) -> list[Raw]:
    """The batch without the row that was read to see whether there are more.

    That row also shows whether the key is one: two rows with the same place cannot be told apart, and the second would
    be lost where a batch ends.

    Raises:
        Reject: ``key_not_unique``.
    """
    places = [place[: len(order)] for place in places_of(read, raws)]
    for place, following in pairwise(places) if len(set(places)) < len(places) else ():
        if place == following:
            raise Reject(
                "key_not_unique",
                f"two rows have the same key {dict(zip((item.column.name for item in order), place, strict=True))}",
                "Name key columns that are unique together; else rows would be lost without a word",
            )
    return raws[:batch]
