"""What an answer depends on, and the questions for it, which both databases understand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = """(SELECT k.value FROM counter k WHERE k.name = 'keys'),
    (SELECT v.revision FROM revision v ORDER BY v.number DESC LIMIT 1)"""
SHORT = f"""{STATE}, c."offset" IS NOT NULL"""
MARK = f"""{SHORT},
    (SELECT b.last_seq FROM change_block b WHERE b.contract = c.id ORDER BY b.first_id DESC LIMIT 1),
    (SELECT b.at FROM change_block b WHERE b.contract = c.id ORDER BY b.first_id DESC LIMIT 1)"""


class Short(NamedTuple):
    """As much of a :class:`Mark` as one record depends on."""

    keys: int
    revision: str | None
    settling: bool


class Mark(NamedTuple):
    """What an answer depends on.

    `keys` counts changes to API keys; `revision` is in force; the records are those up to `change`, visible since `at`.
    While a delivery is being settled (`settling`) the answer is not to be had here.
    """

    keys: int
    revision: str | None
    settling: bool
    change: int
    at: str | None


class Page(NamedTuple):
    """Ready JSON objects, joined by commas, and the sort values and key of the last one when there are more."""

    items: bytes | memoryview
    last: tuple[Any, ...] | None


Record = tuple[int, int, bytes]
"""The change number, the version and the JSON of a record."""


_ITEM = b'{"_key":"'
"""An item begins with it, and nothing else: no text in JSON holds a bare quotation mark, and no member of a contract
begins with an underscore."""


class Busy(Exception):
    """No connection is free or the store does not answer: ask in the ordinary way, which waits and explains."""


def short_of(row: Sequence[Any]) -> Short:
    """The first columns of an answer to :data:`SHORT`."""
    return Short(row[0] or 0, row[1], bool(row[2]))


def mark_of(row: Sequence[Any]) -> Mark:
    """The first columns of an answer to :data:`MARK`."""
    return Mark(row[0] or 0, row[1], bool(row[2]), row[3] or 0, row[4])


def cut(items: bytes) -> tuple[memoryview, str]:
    """A page without the last one of its items, which told that there are more, and the key of the one before that."""
    end = items.rindex(_ITEM) - 1
    start = items.rindex(_ITEM, 0, end) + len(_ITEM)
    return memoryview(items)[:end], items[start : items.index(b'"', start)].decode()
