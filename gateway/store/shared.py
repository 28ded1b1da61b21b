"""Secrets that all machines of one gateway share, made by the first that wants one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from gateway.store.database import stamp
from gateway.store.tables import shared_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.store.database import Database


def secret(database: Database, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret of that name; `make` makes it where there is none yet."""
    with database.read() as connection:
        value = _value(connection, name)
    if value is not None:
        return value
    with database.write() as transaction:
        transaction.alone(f"secret {name}")
        value = _value(transaction.connection, name)  # another machine may have been a moment earlier
        if value is None:
            value = make()
            transaction.connection.execute(
                insert(shared_secret).values(name=name, value=value, made_at=stamp(transaction.now))
            )
    return value


def _value(connection: Connection, name: str) -> bytes | None:
    value = connection.execute(select(shared_secret.c.value).where(shared_secret.c.name == name)).scalar()
    return bytes(value) if value is not None else None
