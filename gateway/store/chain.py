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
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, text, update

from gateway.errors import Stop
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


# One statement, and so one round trip while all other writers wait; it hashes what `row_hash` does.
_APPEND = text("""
WITH head AS (
    UPDATE audit_head SET number = number + 1, hash =
        encode(sha256(convert_to('["' || hash || '",' || (number + 1)::text || ',' || :columns, 'UTF8')), 'hex')
    RETURNING number, hash
)
INSERT INTO audit (number, at, who, action, subject, details, hash)
SELECT number, :at, :who, :action, :subject, :details, hash FROM head
""")

_HEAD = select(audit_head)
_INSERT = insert(audit)
_MOVE = update(audit_head).values(number=bindparam("to"), hash=bindparam("now"))


def row_hash(previous: str, number: int, at: str, entry: Entry) -> str:
    """The hash of a row, from the hash of the one before it and every column."""
    return hashlib.sha256(f'["{previous}",{number},{_columns(at, entry)}'.encode("ascii")).hexdigest()


def _columns(at: str, entry: Entry) -> str:
    """The columns of our own as they stand in the line that is hashed, to its end."""
    columns = [at, entry.who, entry.action, entry.subject, entry.details]
    return json.dumps(columns, separators=(",", ":"))[1:]


def append(connection: Connection, at: str, entries: Sequence[Entry]) -> None:
    """Add rows to the chain. From here to the commit nobody else can, so this is the last thing before it.

    Locks are taken in one order everywhere: what the transaction is about, the counter of changes, the activity log,
    and then this head.

    Raises:
        Stop: somebody has taken the head away; nothing is done without being on record.
    """
    rows: list[dict[str, Any]] = [
        {"at": at, "who": each.who, "action": each.action, "subject": each.subject, "details": each.details}
        for each in entries
    ]
    if connection.dialect.name != "sqlite":
        given = [row | {"columns": _columns(at, entry)} for row, entry in zip(rows, entries, strict=True)]
        written = connection.execute(_APPEND, given).rowcount
        if written != len(rows):
            raise _no_head()
        return
    head = connection.execute(_HEAD).first()
    if head is None:
        raise _no_head()
    number, previous = head.number, head.hash
    for row, entry in zip(rows, entries, strict=True):
        number += 1
        previous = row_hash(previous, number, at, entry)
        row |= {"number": number, "hash": previous}
    connection.execute(_INSERT, rows)
    connection.execute(_MOVE, {"to": number, "now": previous})


def _no_head() -> Stop:
    return Stop(
        "the store does not know any more what the newest row of the audit log is: the row of audit_head is gone",
        "The gateway never removes it. gateway audit verify shows what else is missing; restore the store, or put the "
        "number and the hash of the newest row back.",
    )
