"""How far the files of partners have come on their way out: what waits, since when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.store.deliveries import moment
from gateway.store.outgoing import Bag
from gateway.store.row_leases import waits
from gateway.store.tables import acknowledgment, letter

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Progress:
    """Of what goes one way: `waiting` files are made and not sent, the oldest `since` then; when one last was sent.

    `problem` is why one could not be sent at the last try.
    """

    waiting: int
    since: datetime | None
    last_sent_at: datetime | None
    problem: str | None


def progress(connection: Connection, partner: str, *, mails: bool) -> Progress:
    """How far the files to a partner have come, or his `mails`."""
    bag = Bag([partner], mails=mails)
    waiting, since, sent, problems = 0, list[str](), list[str](), list[str]()
    for table in (letter,) if mails else (acknowledgment, letter):
        due = select(func.count(), func.min(table.c.built_at), func.max(table.c.problem))
        count, oldest, problem = connection.execute(due.where(waits(table), bag.of(table))).one()
        theirs = select(table.c.sent_at).where(table.c.partner == partner, table.c.sent_at.is_not(None), bag.of(table))
        newest = connection.execute(theirs.order_by(table.c.sent_at.desc()).limit(1)).scalar()
        waiting += count
        since += [oldest] if oldest is not None else []
        sent += [newest] if newest is not None else []
        problems += [problem] if problem is not None else []
    return Progress(
        waiting,
        moment(min(since)) if since else None,
        moment(max(sent)) if sent else None,
        problems[0] if problems else None,
    )
