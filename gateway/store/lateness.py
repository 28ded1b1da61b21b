"""What partners should have been sent by now and were not: told once, and counted for as long as it is so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.outgoing import MAIL
from gateway.store.row_leases import waits
from gateway.store.tables import acknowledgment, answering, delivery, letter, lettering

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from gateway.store.database import Transaction

_AT_ONCE = 200
_SINCE: tuple[tuple[Table, Any, Any], ...] = (
    (answering, delivery.c.finished_at, None),
    (lettering, lettering.c.owed_at, None),
    (acknowledgment, acknowledgment.c.built_at, acknowledgment.c.name),
    (letter, letter.c.built_at, letter.c.name),
)
"""What waits, since when, and the name of the file, where there is one already."""


@dataclass(frozen=True, slots=True)
class Late:
    """Something that a partner was not sent in time: an answer or letter not made yet, or a file not sent.

    `problem` is why the last try failed, if there was one.
    """

    what: str
    delivery: str
    integration: str | None
    partner: str | None
    since: datetime
    problem: str | None


def is_any(connection: Connection, before: datetime) -> bool:
    """Whether something is late that was not told yet; it waits since a moment before that one."""
    return any(connection.execute(_query(row, before).where(row[0].c.late == 0).limit(1)).first() for row in _SINCE)


def count(connection: Connection, before: datetime, *, partners: Sequence[str] | None = None) -> int:
    """How much is late, of deliveries of these partners; None: of all."""
    counted = 0
    for row in _SINCE:
        # Asked for partners, SQLite would begin with all deliveries of theirs, of which hardly any is late.
        late = _query(row, before).order_by(None).subquery()
        each_has = connection.execute(select(late.c.partner, func.count()).group_by(late.c.partner))
        counted += sum(count for partner, count in each_has if partners is None or partner in partners)
    return counted


def take(transaction: Transaction, before: datetime) -> list[Late]:
    """What is late and was not told: from now on it was, and is not given again. Some of it, if there is much."""
    found: list[Late] = []
    connection = transaction.connection
    for row in _SINCE:
        table = row[0]
        rows = connection.execute(_query(row, before).where(table.c.late == 0).limit(_AT_ONCE)).all()
        for each in rows:
            connection.execute(update(table).where(table.c.delivery == each.number, _row(table, each)).values(late=1))
        found += [
            Late(_what(table, each), each.id, each.integration, each.partner, moment(each.since), each.problem)
            for each in rows
        ]
    return found


def _query(row: tuple[Table, Any, Any], before: datetime) -> Any:
    table, since, name = row
    return (
        select(
            delivery.c.number,
            delivery.c.id,
            delivery.c.integration,
            delivery.c.partner,
            since.label("since"),
            table.c.problem,
            (table.c.delivery if name is None else name).label("name"),
            _own(table).label("own"),
            (letter.c.kind if table is letter else table.c.state).label("kind"),
        )
        .join(delivery, delivery.c.number == table.c.delivery)
        .where(waits(table), since < stamp(before))
        .order_by(since)
    )


def _own(table: Table) -> Any:
    """What tells the rows of one delivery apart."""
    return table.c.id if "id" in table.c else table.c.number if "number" in table.c else table.c.delivery


def _row(table: Table, each: Any) -> Any:
    return _own(table) == each.own


def _what(table: Table, each: Any) -> str:
    if table is answering:
        return "the acknowledgment"
    if table is lettering:
        return "the letter"
    return "the mail" if each.kind == MAIL and table is letter else str(each.name)
