"""Acknowledgments on their way: taken by one process at a time, put into the outbox, noted as sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from gateway.store.acknowledgments import SENT, STAGED
from gateway.store.database import stamp
from gateway.store.row_leases import is_due, lease, locked, set_held, something_due
from gateway.store.tables import acknowledgment, delivery

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An acknowledgment that is to be put into its partner's outbox, and the token that lets its holder do so.

    `staged` is the token under which its file was written, out of the partner's sight; None: it was not yet.
    """

    id: int
    delivery_id: str
    integration: str | None
    partner: str
    kind: str
    number: int
    disposition: str
    interchange: str
    group: str | None
    again: bool
    name: str
    staged: int | None
    token: int
    tries: int
    problem: str | None


def something_outgoing(connection: Connection, now: datetime) -> bool:
    """Whether any acknowledgment may be due to be put into an outbox."""
    return something_due(connection, acknowledgment, now)


def take_outgoing(transaction: Transaction, *, owner: str, seconds: float, count: int) -> list[Outgoing]:
    """Lease acknowledgments that are due to be put into outboxes, those that have been due longest first."""
    columns = [each for each in acknowledgment.c if each is not acknowledgment.c.content]
    query = (
        select(*columns, delivery.c.id.label("delivery_id"), delivery.c.integration)
        .join(delivery, delivery.c.number == acknowledgment.c.delivery)
        .where(is_due(acknowledgment, transaction, seconds))
        .order_by(acknowledgment.c.due, acknowledgment.c.id)
        .limit(count)
    )
    rows = locked(transaction, query, acknowledgment)
    for row in rows:
        lease(transaction, acknowledgment, acknowledgment.c.id == row.id, owner=owner, seconds=seconds)
    return [
        Outgoing(
            id=row.id,
            delivery_id=row.delivery_id,
            integration=row.integration,
            partner=row.partner,
            kind=row.kind,
            number=row.number,
            disposition=row.disposition,
            interchange=row.answers_interchange,
            group=row.answers_group,
            again=bool(row.again),
            name=row.name,
            staged=row.staged,
            token=row.token + 1,
            tries=row.tries + 1,
            problem=row.problem,
        )
        for row in rows
    ]


def content(connection: Connection, outgoing: Outgoing) -> bytes:
    """The bytes of one acknowledgment."""
    query = select(acknowledgment.c.content).where(acknowledgment.c.id == outgoing.id)
    return bytes(connection.execute(query).scalar_one())


def stage(transaction: Transaction, outgoing: Outgoing) -> bool:
    """Its file is on the disk, out of the partner's sight; False when somebody else has taken it since."""
    return _set(transaction, outgoing, state=STAGED, staged=outgoing.token)


def sent(transaction: Transaction, outgoing: Outgoing) -> bool:
    """Its file is, or was, in the partner's outbox; False when somebody else has taken it since."""
    done = {"state": SENT, "sent_at": stamp(transaction.now), "due": None, "owner": None, "problem": None}
    return _set(transaction, outgoing, **done)


def put_off(transaction: Transaction, outgoing: Outgoing, *, seconds: float, problem: str) -> bool:
    """It could not be put into the outbox and is tried again in `seconds`; False when somebody else has taken it."""
    return _set(transaction, outgoing, due=transaction.now.timestamp() + seconds, owner=None, problem=problem)


def _set(transaction: Transaction, outgoing: Outgoing, **values: object) -> bool:
    which = and_(acknowledgment.c.id == outgoing.id, acknowledgment.c.token == outgoing.token)
    return set_held(transaction, acknowledgment, which, **values)
