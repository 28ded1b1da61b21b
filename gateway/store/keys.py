"""API keys: kept as the SHA-256 of a random token, never as the token.

A client is who has keys of one name; two of them may be live at a time, so that one can be changed for another without
a moment in which neither counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, or_, select, update

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.tables import api_key, counter

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.database import Transaction

LIVE_MAX = 2
"""So many keys of one client count at the same time."""

VERSION = select(counter.c.value).where(counter.c.name == "keys")
"""How many changes were made to keys: as long as it is the same, every key is what it was. For a statement's own use
it is a subquery: ``VERSION.scalar_subquery()``."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is known: who it is for, what it may do, how long; `partners` None: it sees everybody's data."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    partners: tuple[str, ...] | None = None

    def live(self, now: datetime) -> bool:
        """Whether it counts."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def version(connection: Connection) -> int:
    """How many changes were made to keys; one look at it spares the look-up of a key that is remembered."""
    return int(connection.execute(VERSION).scalar() or 0)


def find(connection: Connection, sha256_hex: str) -> Key | None:
    """The key whose token has this SHA-256."""
    row = connection.execute(select(api_key).where(api_key.c.sha256 == sha256_hex)).first()
    return _key(row) if row is not None else None


def get(connection: Connection, id: str) -> Key | None:  # noqa: A002 - the column's name
    """The key of this id."""
    row = connection.execute(select(api_key).where(api_key.c.id == id)).first()
    return _key(row) if row is not None else None


def of_client(connection: Connection, name: str) -> list[Key]:
    """The keys of a client, oldest first."""
    query = select(api_key).where(api_key.c.name == name).order_by(api_key.c.created_at, api_key.c.id)
    return [_key(row) for row in connection.execute(query)]


def add(
    transaction: Transaction,
    *,
    id: str,  # noqa: A002 - the column's name
    name: str,
    sha256_hex: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None = None,
    partners: tuple[str, ...] | None = None,
) -> None:
    """Keep a new key."""
    transaction.next_number("keys")
    transaction.connection.execute(
        insert(api_key).values(
            id=id,
            name=name,
            sha256=sha256_hex,
            scopes=" ".join(scopes),
            created_at=stamp(transaction.now),
            expires_at=stamp(expires_at) if expires_at else None,
            partners=None if partners is None else " ".join(partners),
        )
    )


def revoke(transaction: Transaction, id: str) -> bool:  # noqa: A002 - as above
    """End a key at once; False when there is none of that id, or it is revoked already."""
    transaction.next_number("keys")
    result = transaction.connection.execute(
        update(api_key)
        .where(api_key.c.id == id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=stamp(transaction.now))
    )
    return result.rowcount == 1


def end(transaction: Transaction, id: str, at: datetime) -> None:  # noqa: A002 - as above
    """Let a key end at a moment, unless it ends before that."""
    transaction.next_number("keys")
    later = or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > stamp(at))
    transaction.connection.execute(update(api_key).where(api_key.c.id == id, later).values(expires_at=stamp(at)))


def all_keys(connection: Connection) -> list[Key]:
    """Every key that was ever made, oldest first."""
    return [_key(row) for row in connection.execute(select(api_key).order_by(api_key.c.created_at))]


def _key(row: Row[Any]) -> Key:
    return Key(
        row.id,
        row.name,
        tuple(row.scopes.split()),
        moment(row.created_at),
        moment(row.expires_at) if row.expires_at else None,
        moment(row.revoked_at) if row.revoked_at else None,
        None if row.partners is None else tuple(row.partners.split()),
    )
