"""What the reading of a table has to remember between two looks, in the words of its strategy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from gateway.store.tables import note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.store.database import Transaction


def recall(connection: Connection, source: str, name: str) -> bytes | None:
    """A note of a source by its name; None where there is none."""
    query = select(note.c.body).where(note.c.source == source, note.c.name == name)
    found: bytes | None = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def names(connection: Connection, source: str, prefix: str) -> list[str]:
    """The names of a source's notes that begin so, sorted."""
    query = select(note.c.name).where(note.c.source == source, note.c.name.startswith(prefix, autoescape=True))
    return list(connection.execute(query.order_by(note.c.name)).scalars())


def keep(transaction: Transaction, source: str, memory: Mapping[str, bytes | None]) -> None:
    """Write notes of a source anew; None takes one away."""
    if not memory:
        return
    connection = transaction.connection
    connection.execute(delete(note).where(note.c.source == source, note.c.name.in_(list(memory))))
    rows = [{"source": source, "name": name, "body": body} for name, body in memory.items() if body is not None]
    if rows:
        connection.execute(insert(note), rows)


def forget(transaction: Transaction, source: str) -> None:
    """Take all notes of a source away: it is read from the beginning again."""
    transaction.connection.execute(delete(note).where(note.c.source == source))
