"""What was taken from a partner's server and may still lie there, as notes of its source: one for each file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import select

from gateway.store import notes
from gateway.store.database import stamp
from gateway.store.tables import delivery, note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

    from gateway.store.database import Transaction

_TOGETHER_MAX = 500  # SQLite takes some thousand parameters in a statement
_FORGOTTEN_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """A file that was taken: what it is known by, its name, the SHA-256 of its bytes and how far we are with it."""

    key: str
    name: str
    sha256: str
    state: str


def recall(connection: Connection, source: str) -> dict[str, Standing]:
    """What was taken from a source and may still be there, by key."""
    rows = connection.execute(select(note.c.name, note.c.body).where(note.c.source == source))
    return {row.name: _standing(row.name, bytes(row.body)) for row in rows}


def keep(transaction: Transaction, source: str, standing: Iterable[Standing]) -> None:
    """Remember these as they are now."""
    notes.keep(transaction, source, {each.key: _body(each, stamp(transaction.now)) for each in standing})


def forget(transaction: Transaction, source: str, keys: Collection[str]) -> None:
    """They are not there any more, by our own doing."""
    notes.keep(transaction, source, dict.fromkeys(keys))


def forgotten(connection: Connection, source: str, keys: Sequence[str], now: str) -> list[str]:
    """Those of the keys that were taken so long ago that they need not be remembered, if they are not there."""
    found: list[str] = []
    for start in range(0, len(keys), _TOGETHER_MAX):
        some = note.c.name.in_(keys[start : start + _TOGETHER_MAX])
        rows = connection.execute(select(note.c.name, note.c.body).where(note.c.source == source, some))
        found += [row.name for row in rows if orjson.loads(bytes(row.body))["at"] < now]
    return found


def long_ago(transaction: Transaction) -> str:
    """The time before which what is not there any more is forgotten."""
    return stamp(transaction.now - _FORGOTTEN_AFTER)


def times(connection: Connection, key: str) -> int:
    """How many arrivals of a key there have been; their ids are ``key``, ``key.2``, ``key.3`` and so on."""
    count = 0
    while (
        connection.execute(
            select(delivery.c.number).where(delivery.c.arrival == (f"{key}.{count + 1}" if count else key))
        ).first()
        is not None
    ):
        count += 1
    return count


def sha256_of(connection: Connection, arrival: str) -> str | None:
    """The hash of the bytes that an arrival brought."""
    found: str | None = connection.execute(select(delivery.c.sha256).where(delivery.c.arrival == arrival)).scalar()
    return found


def _standing(key: str, body: bytes) -> Standing:
    said = orjson.loads(body)
    return Standing(
        key, said["name"].encode("latin-1").decode("utf-8", "surrogateescape"), said["sha256"], said["state"]
    )


def _body(standing: Standing, now: str) -> bytes:
    # A name may be no UTF-8, which no JSON holds as text: its bytes stand there as letters of their own.
    name = standing.name.encode("utf-8", "surrogateescape").decode("latin-1")
    return orjson.dumps({"name": name, "sha256": standing.sha256, "state": standing.state, "at": now})
