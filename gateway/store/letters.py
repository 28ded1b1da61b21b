"""Letters to partners about what was refused: which are owed, and the letters themselves in their forms.

A row in ``lettering`` says that a letter about a delivery is owed, and how the delivery had ended then. It is written
in the transaction that ends the delivery, once for each time that it ends otherwise than before (X1), and leased like
a delivery. Who has the lease writes all forms of the letter in one transaction; from then on their bytes never change,
and each is on its way by itself, as acknowledgments are (``gateway.store.outgoing``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, select

from gateway.errors import Retry
from gateway.model import DeliveryState, DocumentState
from gateway.store.acknowledgments import BUILT, DUE, FAILED, KEPT
from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.outgoing import MAIL
from gateway.store.row_leases import is_due, lease, locked, set_held, something_due, waits
from gateway.store.tables import delivery, letter, lettering

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.model import Delivery
    from gateway.store.database import Transaction

__all__ = ["BUILT", "DUE", "FAILED", "KEPT"]

TEXT, HTML, CSV = "text", "html", "csv"
"""The forms of a letter that are files; `MAIL` is all of them in one message."""

_TOLD = (DeliveryState.PARTLY_ACCEPTED, DeliveryState.QUARANTINED, DeliveryState.FAILED, DeliveryState.DUPLICATE)
"""Ends of a delivery that its partner is written about."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A letter that is owed, and the token that lets its holder write it.

    `ended` is how the delivery had ended, and `documents` its counters then. `number` counts the letters about it.
    """

    delivery: int
    number: int
    partner: str
    revision: str
    ended: DeliveryState
    documents: dict[DocumentState, int]
    size: int
    token: int
    tries: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a letter: its kind, the name of its file (of a mail its Message-ID), its bytes."""

    kind: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """A form of a letter as it is told of: all but its bytes."""

    number: int
    kind: str
    partner: str
    name: str
    state: str
    built_at: datetime
    sent_at: datetime | None
    problem: str | None


def owe(
    transaction: Transaction,
    ended: Delivery,
    state: DeliveryState,
    documents: Counter[DocumentState],
    *,
    revision: str,
    again: bool,
    returned: bool = False,
) -> None:
    """Note that the partner of a delivery is owed a letter about its end, if there is something to say.

    In the transaction that ends it. `again` says that it had ended before: then it is written about if it ends
    otherwise than the last letter says, be it that all of it is taken now. A replay tells good news only. `returned`
    says that it is a sheet of refused rows: of those its sender also hears that a newer record overtook one.
    """
    left_out = returned and bool(documents[DocumentState.EXCLUDED])
    is_told = state in _TOLD or left_out
    if ended.partner is None or (not again and not is_told):
        return
    connection = transaction.connection
    of_delivery = lettering.c.delivery == ended.number
    query = select(lettering.c.number, lettering.c.ended).where(of_delivery).order_by(lettering.c.number.desc())
    last = connection.execute(query.limit(1)).first()
    if last is None and (not is_told or ended.replay is not None):
        return
    if last is not None and (last.ended == state or state not in (*_TOLD, DeliveryState.ACCEPTED)):
        return
    if ended.replay is not None and state is not DeliveryState.ACCEPTED:
        return
    row = {
        "delivery": ended.number,
        "number": 1 if last is None else last.number + 1,
        "partner": ended.partner,
        "revision": revision,
        "ended": state,
        "documents": json.dumps({str(key): count for key, count in documents.items() if count}),
        "owed_at": stamp(transaction.now),
        "state": DUE,
        "due": transaction.now.timestamp(),
    }
    connection.execute(insert(lettering), [row])
    transaction.wake()


def something_owed(connection: Connection, now: datetime) -> bool:
    """Whether any letter may be due to be written, which is cheaper to ask than to try to take one."""
    return something_due(connection, lettering, now)


def take_owed(transaction: Transaction, *, owner: str, seconds: float) -> Owed | None:
    """Lease the letter that has been due longest; None when none is."""
    query = (
        select(lettering, delivery.c.size)
        .join(delivery, delivery.c.number == lettering.c.delivery)
        .where(is_due(lettering, transaction, seconds))
        .order_by(lettering.c.due, lettering.c.delivery)
        .limit(1)
    )
    rows = locked(transaction, query, lettering)
    for row in rows:
        lease(transaction, lettering, _which(row.delivery, row.number), owner=owner, seconds=seconds)
        return _owed(row, taken=1)
    return None


def held_by(connection: Connection, owner: str) -> list[Owed]:
    """What that worker holds, with its own tokens."""
    query = (
        select(lettering, delivery.c.size)
        .join(delivery, delivery.c.number == lettering.c.delivery)
        .where(lettering.c.owner == owner, waits(lettering))
    )
    return [_owed(row) for row in connection.execute(query)]


def hold(transaction: Transaction, owed: Owed, *, seconds: float) -> None:
    """Prove that the lease is still ours and prolong it.

    Raises:
        Retry: another worker has taken it since; the transaction must not commit.
    """
    _set(transaction, owed, due=transaction.now.timestamp() + seconds)


def postpone(transaction: Transaction, owed: Owed, *, seconds: float, counted: bool, problem: str | None) -> None:
    """Give the lease back, to be taken again in `seconds`; `counted` says whether this was a try."""
    values: dict[str, Any] = {"due": transaction.now.timestamp() + seconds, "owner": None, "problem": problem}
    if not counted:
        values["tries"] = lettering.c.tries - 1
    _set(transaction, owed, **values)


def finish(transaction: Transaction, owed: Owed, state: str, *, problem: str | None = None) -> None:
    """Nothing is left to do for this letter: it is `BUILT`, or it `FAILED`."""
    _set(transaction, owed, state=state, due=None, owner=None, problem=problem)


def keep(transaction: Transaction, owed: Owed, forms: Sequence[Form], *, on_their_way: Sequence[str]) -> None:
    """Keep the forms of a letter; those of these kinds are on their way from now on, the others are asked for."""
    now = transaction.now
    rows = [
        {
            "delivery": owed.delivery,
            "number": owed.number,
            "kind": each.kind,
            "partner": owed.partner,
            "name": each.name,
            "content": each.content,
            "state": BUILT if each.kind in on_their_way else KEPT,
            "built_at": stamp(now),
            "due": now.timestamp() if each.kind in on_their_way else None,
        }
        for each in forms
    ]
    transaction.connection.execute(insert(letter), rows)
    finish(transaction, owed, BUILT)
    transaction.wake()


def of_delivery(connection: Connection, delivery_number: int) -> list[Shown]:
    """The letters about a delivery in all their forms, in order; without the bytes."""
    columns = [each for each in letter.c if each.name != "content"]
    query = select(*columns).where(letter.c.delivery == delivery_number).order_by(letter.c.number, letter.c.id)
    return [
        Shown(
            number=row.number,
            kind=row.kind,
            partner=row.partner,
            name=row.name,
            state=row.state,
            built_at=moment(row.built_at),
            sent_at=moment(row.sent_at) if row.sent_at else None,
            problem=row.problem,
        )
        for row in connection.execute(query)
    ]


def newest(connection: Connection, delivery_number: int) -> dict[str, Form]:
    """The newest letter about a delivery, by kind; the mail, which says the same, is not among them."""
    last = select(func.max(letter.c.number)).where(letter.c.delivery == delivery_number).scalar_subquery()
    query = (
        select(letter.c.kind, letter.c.name, letter.c.content)
        .where(letter.c.delivery == delivery_number, letter.c.number == last, letter.c.kind != MAIL)
        .order_by(letter.c.id)
    )
    return {row.kind: Form(row.kind, row.name, bytes(row.content)) for row in connection.execute(query)}


def is_owed(connection: Connection, delivery_number: int) -> bool:
    """Whether a letter about the delivery is still to be written."""
    query = select(1).where(lettering.c.delivery == delivery_number, lettering.c.due.is_not(None)).limit(1)
    return connection.execute(query).first() is not None


def _which(delivery_number: int, number: int) -> Any:
    return and_(lettering.c.delivery == delivery_number, lettering.c.number == number)


def _owed(row: Any, *, taken: int = 0) -> Owed:
    documents = {DocumentState(state): count for state, count in json.loads(row.documents).items()}
    return Owed(
        row.delivery,
        row.number,
        row.partner,
        row.revision,
        DeliveryState(row.ended),
        documents,
        row.size,
        row.token + taken,
        row.tries + taken,
        row.problem,
    )


def _set(transaction: Transaction, owed: Owed, **values: object) -> None:
    which = and_(_which(owed.delivery, owed.number), lettering.c.token == owed.token)
    if not set_held(transaction, lettering, which, **values):
        raise Retry("the lease of a letter went to another worker", delay_seconds=0.0)
