"""Idempotency keys of POST requests: the same key and body, the same answer (R2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from gateway.store.database import stamp
from gateway.store.tables import idempotency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Known:
    """A key that was used before; without a `status` its first request is still running."""

    fingerprint: str
    status: int | None
    body: bytes | None
    headers: dict[str, str]


def begin(transaction: Transaction, *, client: str, key: str, fingerprint: str) -> Known | None:
    """Claim a key for a request, or say what is known of it; None means that it is the caller's now."""
    connection = transaction.connection
    transaction.alone(f"idempotency {client} {key}")
    row = connection.execute(
        select(idempotency).where(idempotency.c.client == client, idempotency.c.key == key)
    ).first()
    if row is None:
        connection.execute(
            insert(idempotency).values(client=client, key=key, fingerprint=fingerprint, at=stamp(transaction.now))
        )
        return None
    return Known(
        row.fingerprint,
        row.status,
        row.body.encode() if row.body is not None else None,
        json.loads(row.headers) if row.headers else {},
    )


def finish(
    transaction: Transaction, *, client: str, key: str, status: int, body: bytes, headers: Mapping[str, str]
) -> None:
    """Keep the answer of the request that claimed the key."""
    transaction.connection.execute(
        update(idempotency)
        .where(idempotency.c.client == client, idempotency.c.key == key)
        .values(status=status, body=body.decode(), headers=json.dumps(dict(headers)))
    )


def prune(transaction: Transaction, *, before: datetime) -> int:
    """Forget the keys that were first used before that time; returns how many."""
    return transaction.connection.execute(delete(idempotency).where(idempotency.c.at < stamp(before))).rowcount


def forget(transaction: Transaction, *, client: str, key: str) -> None:
    """Free a key whose request failed before it did anything."""
    transaction.connection.execute(delete(idempotency).where(idempotency.c.client == client, idempotency.c.key == key))
