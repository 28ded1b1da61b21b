"""Leases on the rows of a table that has `due`, `owner`, `token` and `tries`, as deliveries have them (P3, P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, literal, or_, select, update

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select, Table

    from gateway.store.database import Transaction

_PAUSE_SECONDS_MAX = 60.0
_PUT_OFF_SECONDS_MAX = 3600.0
"""What is due later than that behind the end of a lease was put off by a clock that has been set back since."""


def pause(tries: int) -> float:
    """The seconds until what was tried so often is tried again: twice as many each time, at most a minute."""
    return min(0.5 * 2.0 ** min(tries, 16), _PAUSE_SECONDS_MAX)


def waits(table: Table) -> ColumnElement[bool]:
    """Whether anything is left to do with a row, however late it is due.

    SQLite uses the index for a range, and not for IS NOT NULL: it would read every row that was ever done, and the
    content of it, which stands in front of `due`.
    """
    return table.c.due >= 0


def something_due(connection: Connection, table: Table, now: datetime, *which: ColumnElement[bool]) -> bool:
    """Whether any row, or one of those, may be due, which is cheaper to ask than to try to take one."""
    when = table.c.due
    is_due = or_(when <= now.timestamp(), when > now.timestamp() + _PUT_OFF_SECONDS_MAX)
    query = select(literal(1)).select_from(table).where(waits(table), is_due, *which).limit(1)
    return connection.execute(query).first() is not None


def is_due(table: Table, transaction: Transaction, seconds: float) -> ColumnElement[bool]:
    """Due, or put off by a clock that was wrong; among machines that says nothing of what another one has."""
    now = transaction.now.timestamp()
    is_stray = table.c.due > now + seconds + _PUT_OFF_SECONDS_MAX
    stray = is_stray if transaction.is_sqlite else and_(is_stray, table.c.owner.is_(None))
    return and_(waits(table), or_(table.c.due <= now, stray))


def locked(transaction: Transaction, query: Select[Any], table: Table) -> Sequence[Row[Any]]:
    """The rows of a query that nobody else is just taking."""
    if not transaction.is_sqlite:
        query = query.with_for_update(of=table, skip_locked=True)
    return transaction.connection.execute(query).all()


def lease(transaction: Transaction, table: Table, which: ColumnElement[bool], *, owner: str, seconds: float) -> None:
    """Take a row: its token is raised, and a try counted."""
    until = transaction.now.timestamp() + seconds
    taken = {"owner": owner, "token": table.c.token + 1, "tries": table.c.tries + 1, "due": until}
    transaction.connection.execute(update(table).where(which).values(taken))


def set_held(transaction: Transaction, table: Table, which: ColumnElement[bool], **values: object) -> bool:
    """Write to the row that is held with the token in `which`; False when somebody else has taken it since."""
    return transaction.connection.execute(update(table).where(which).values(values)).rowcount == 1
