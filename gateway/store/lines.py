"""Records as lines of JSON, all that a query leaves, from the one snapshot that a connection has.

The database writes what comes before the body of each record, and one statement goes through them all: whatever order
they are in, none is sorted twice. The first part is small, so that it is there soon; the others are as large as pays.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from gateway.store.records import statements
from gateway.store.staging import standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from gateway.store.pages import Query
    from gateway.store.records import Point

PART_BYTES = 65_536
"""About so much is handed on at once: the calls between are few, and a reader who is slow holds little."""

_ROWS_FIRST, _ROWS_MAX = 16, 1000
_SWEEP_CACHE = -2000  # KiB
_HEAD = """'{"_key":"' || r.key || '","_seq":' || r.seq || ',"_version":' || r.version || ','"""
"""The system's members; the contract's are behind them, without their brace. A key needs no escaping in JSON."""


@contextmanager
def sweep(connection: Connection) -> Iterator[None]:
    """Keep few pages in memory while a whole table is gone through.

    Pages of a sweep are not read again, but each connection of SQLite's keeps its share of them, 16 MB, and each export
    takes another connection.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    usual = driver.execute("PRAGMA cache_size").fetchone()[0]
    driver.execute(f"PRAGMA cache_size = {_SWEEP_CACHE}")
    try:
        yield
    finally:
        if not connection.invalidated:
            driver.execute(f"PRAGMA cache_size = {usual}")


def stream(connection: Connection, query: Query, at: Point | None = None) -> Iterator[bytes]:
    """All records that a query without a limit leaves, some whole lines at a time. `at`: as it stood then.

    Memory does not depend on how many there are.
    """
    here = standing(connection, query.contract.id)
    if here is None:
        return
    sqlite = connection.dialect.name == "sqlite"
    body, joined = ("CAST(r.body AS BLOB)", _of_bytes) if sqlite else ("r.body", _of_texts)
    streaming = connection.execution_options(stream_results=True)
    count = _ROWS_FIRST
    for asked, values in statements(connection, here, query, at):
        with streaming.execute(text(f"SELECT {_HEAD}, {body} FROM ({asked}) r"), values) as answer:
            # SQLAlchemy's object for each row took a third of the time; of PostgreSQL's it holds the first already.
            fetch = answer.cursor.fetchmany if sqlite and answer.cursor is not None else answer.fetchmany
            while rows := fetch(count):
                part = joined(rows)
                yield part
                count = max(1, min(4 * count, _ROWS_MAX, PART_BYTES * len(rows) // len(part)))


def _of_bytes(rows: Sequence[Any]) -> bytes:
    lines = [head.encode() + body[1:] for head, body in rows]
    lines.append(b"")
    return b"\n".join(lines)


def _of_texts(rows: Sequence[Any]) -> bytes:
    lines = [head + body[1:] for head, body in rows]
    lines.append("")
    return "\n".join(lines).encode()
