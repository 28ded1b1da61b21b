"""How rows that come in an order are told apart."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING

from adapters.errors import Reject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.statements import Ordered, Raw, Read


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
    places = [read.place(raw)[: len(order)] for raw in raws]
    for place, following in pairwise(places):
        if place == following:
            raise Reject(
                "key_not_unique",
                f"two rows have the same key {dict(zip((item.column.name for item in order), place, strict=True))}",
                "Name key columns that are unique together; else rows would be lost without a word",
            )
    return raws[:batch]
