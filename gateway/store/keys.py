"""API keys: kept as the SHA-256 of a random token, never as the token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.tables import api_key

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is known: who it is for, what it may do, how long."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def find(connection: Connection, sha256_hex: str) -> Key | None:
    """The key whose token has this SHA-256."""
    row = connection.execute(select(api_key).where(api_key.c.sha256 == sha256_hex)).first()
    return _key(row) if row is not None else None


def add(
    transaction: Transaction,
    *,
    id: str,  # noqa: A002 - the column's name
    name: str,
    sha256_hex: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None = None,
) -> None:
    """Keep a new key."""
    transaction.connection.execute(
        insert(api_key).values(
            id=id,
            name=name,
            sha256=sha256_hex,
            scopes=" ".join(scopes),
            created_at=stamp(transaction.now),
            expires_at=stamp(expires_at) if expires_at else None,
        )
    )


def revoke(transaction: Transaction, id: str) -> bool:  # noqa: A002 - as above
    """End a key at once; False when there is none of that id, or it is revoked already."""
    result = transaction.connection.execute(
        update(api_key)
        .where(api_key.c.id == id, api_key.c.revoked_at.is_(None))
        .values(revoked_at=stamp(transaction.now))
    )
    return result.rowcount == 1


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
    )
