"""Applied revisions of the configuration, each stored whole (C1)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from gateway.store.database import stamp
from gateway.store.tables import revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.store.database import Transaction


_NAME = select(revision.c.revision).order_by(revision.c.number.desc()).limit(1)
"""Asked for each file that comes: made once."""


def current_name(connection: Connection) -> str | None:
    """The name of the revision in force; None before the first is applied."""
    name: str | None = connection.execute(_NAME).scalar()
    return name


def current(connection: Connection) -> tuple[str, dict[str, str]] | None:
    """The revision in force: its name and its files, relative path → text."""
    row = connection.execute(select(revision).order_by(revision.c.number.desc()).limit(1)).first()
    return (row.revision, json.loads(row.files)) if row is not None else None


def named(connection: Connection, name: str) -> dict[str, str] | None:
    """The files of a revision that was applied once."""
    query = select(revision.c.files).where(revision.c.revision == name).order_by(revision.c.number.desc()).limit(1)
    files = connection.execute(query).scalar()
    return json.loads(files) if files is not None else None


def apply(transaction: Transaction, name: str, files: Mapping[str, str]) -> None:
    """Put a revision in force, whole."""
    transaction.connection.execute(
        insert(revision).values(
            revision=name, applied_at=stamp(transaction.now), files=json.dumps(dict(files), ensure_ascii=False)
        )
    )
