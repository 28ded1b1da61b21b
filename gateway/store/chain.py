"""The chain of the audit log: each row's hash covers the hash of the row before it and every column of its own.

A row's hash is the SHA-256, in hexadecimal digits, of one line of JSON in ASCII, without blanks::

    ["hash of the row before", number, "at", "who", "action", "subject", "details"]

`details` is the text as it is stored, itself JSON with sorted keys. The first row follows ``GENESIS``. What the newest
row is stands in a row of its own, so that rows that were cut off at the end are missed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from gateway.store.tables import audit, audit_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

GENESIS = "0" * 64
"""What stands for the hash before the first row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one row of the audit log says: what was done to what, and by whom; `details` is JSON."""

    action: str
    subject: str
    who: str
    details: str


def row_hash(previous: str, number: int, at: str, entry: Entry) -> str:
    """The hash of a row, from the hash of the one before it and every column."""
    columns = [previous, number, at, entry.who, entry.action, entry.subject, entry.details]
    return hashlib.sha256(json.dumps(columns, separators=(",", ":")).encode("ascii")).hexdigest()


def append(connection: Connection, at: str, entries: Sequence[Entry]) -> None:
    """Add rows to the chain. From here to the commit nobody else can, so this is the last thing before it.

    Locks are taken in one order everywhere: what the transaction is about, the counter of changes, the activity log,
    and then this head.
    """
    head = connection.execute(select(audit_head.c.number, audit_head.c.hash).with_for_update()).one()
    number, previous = head.number, head.hash
    rows = []
    for entry in entries:
        number += 1
        previous = row_hash(previous, number, at, entry)
        rows.append(
            {
                "number": number,
                "at": at,
                "who": entry.who,
                "action": entry.action,
                "subject": entry.subject,
                "details": entry.details,
                "hash": previous,
            }
        )
    connection.execute(insert(audit), rows)
    connection.execute(update(audit_head).values(number=number, hash=previous))
