"""Files on their way to partners: taken by one process at a time, put where their partner finds them, noted as sent.

What goes out is a file, a name and bytes that never change: an acknowledgment, or a letter in one of its forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, null, select, true

from gateway.store.acknowledgments import KEPT, SENT, STAGED
from gateway.store.database import stamp
from gateway.store.row_leases import is_due, lease, locked, set_held, something_due
from gateway.store.tables import acknowledgment, delivery, letter

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Table

    from gateway.store.database import Transaction

ACKNOWLEDGMENT, LETTER = "acknowledgment", "letter"
MAIL = "mail"
"""The form of a letter that goes to a mail server; all others go where the partner's files go."""

_TABLES = {ACKNOWLEDGMENT: acknowledgment, LETTER: letter}


@dataclass(frozen=True, slots=True)
class Acknowledges:
    """What an acknowledgment says: its kind and control number, what it answers, and whether it was sent before."""

    kind: str
    number: int
    disposition: str
    interchange: str
    group: str | None
    again: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file that is to be put where its partner finds it, and the token that lets its holder do so.

    `origin` is `ACKNOWLEDGMENT` or `LETTER`, and `id` a number within that. `staged` is the token under which its file
    was written, out of the partner's sight; None: it was not yet.
    """

    origin: str
    id: int
    delivery_id: str
    integration: str | None
    partner: str
    name: str
    staged: int | None
    token: int
    tries: int
    problem: str | None
    acknowledges: Acknowledges | None = None

    @property
    def hidden(self) -> str:
        """The name under which its file is written; no two of one partner, nor two tries of one, have the same."""
        return f"{self.sweepings}{self.token}"

    @property
    def sweepings(self) -> str:
        """What the hidden names of all its tries start with."""
        return f"{self.name}.{self.id}."


@dataclass(frozen=True, slots=True)
class Bag:
    """Which files: those to these partners (None: all) but those, or `mails`, which are no files."""

    partners: Collection[str] | None = None
    but: Collection[str] = ()
    mails: bool = False

    def of(self, table: Table) -> ColumnElement[bool]:
        """The rows of a table that are in it."""
        # What is asked of a bag is what waits: by its index, and not by the one of the partner, who was sent far more.
        partner = func.coalesce(table.c.partner, "")
        chosen: ColumnElement[bool] = true() if self.partners is None else partner.in_(sorted(self.partners))
        if self.but:
            chosen = and_(chosen, partner.not_in(sorted(self.but)))
        if table is letter:
            chosen = and_(chosen, (table.c.kind == MAIL) if self.mails else (table.c.kind != MAIL))
        return chosen

    def origins(self) -> list[str]:
        """Where they come from."""
        return [LETTER] if self.mails else [ACKNOWLEDGMENT, LETTER]


def something_outgoing(connection: Connection, now: datetime, bag: Bag = Bag()) -> bool:
    """Whether any file of a bag may be due to be sent."""
    tables = (_TABLES[each] for each in bag.origins())
    return any(something_due(connection, table, now, bag.of(table)) for table in tables)


def take_outgoing(
    transaction: Transaction, *, owner: str, seconds: float, count: int, bag: Bag = Bag()
) -> list[Outgoing]:
    """Lease files that are due to be sent, those that have been due longest first; acknowledgments before letters."""
    taken: list[Outgoing] = []
    for origin in bag.origins():
        if len(taken) < count:
            taken += _taken(transaction, origin, bag, owner=owner, seconds=seconds, count=count - len(taken))
    return taken


def _taken(
    transaction: Transaction, origin: str, bag: Bag, *, owner: str, seconds: float, count: int
) -> list[Outgoing]:
    table = _TABLES[origin]
    columns = [each for each in table.c if each.name != "content"]
    query = (
        select(*columns, delivery.c.id.label("delivery_id"), delivery.c.integration)
        .join(delivery, delivery.c.number == table.c.delivery)
        .where(is_due(table, transaction, seconds), bag.of(table))
        .order_by(table.c.due, table.c.id)
        .limit(count)
    )
    rows = locked(transaction, query, table)
    for row in rows:
        lease(transaction, table, table.c.id == row.id, owner=owner, seconds=seconds)
    return [
        Outgoing(
            origin=origin,
            id=row.id,
            delivery_id=row.delivery_id,
            integration=row.integration,
            partner=row.partner,
            name=row.name,
            staged=row.staged,
            token=row.token + 1,
            tries=row.tries + 1,
            problem=row.problem,
            acknowledges=_acknowledges(row) if origin == ACKNOWLEDGMENT else None,
        )
        for row in rows
    ]


def _acknowledges(row: Row[Any]) -> Acknowledges:
    again = bool(row.again)
    return Acknowledges(row.kind, row.number, row.disposition, row.answers_interchange, row.answers_group, again)


def content(connection: Connection, outgoing: Outgoing) -> bytes:
    """The bytes of one file."""
    table = _TABLES[outgoing.origin]
    return bytes(connection.execute(select(table.c.content).where(table.c.id == outgoing.id)).scalar_one())


def stage(transaction: Transaction, outgoing: Outgoing) -> bool:
    """Its file is written, out of the partner's sight; False when somebody else has taken it since."""
    return _set(transaction, outgoing, state=STAGED, staged=outgoing.token)


def sent(transaction: Transaction, outgoing: Outgoing) -> bool:
    """Its file is, or was, where the partner finds it; False when somebody else has taken it since."""
    done = {"state": SENT, "sent_at": stamp(transaction.now), "due": null(), "owner": null(), "problem": null()}
    return _set(transaction, outgoing, **done)


def put_off(transaction: Transaction, outgoing: Outgoing, *, seconds: float, problem: str) -> bool:
    """It could not be sent and is tried again in `seconds`; False when somebody else has taken it."""
    return _set(transaction, outgoing, due=transaction.now.timestamp() + seconds, owner=None, problem=problem)


def give_up(transaction: Transaction, outgoing: Outgoing, *, problem: str) -> bool:
    """It is not tried again, and kept; False when somebody else has taken it."""
    return _set(transaction, outgoing, state=KEPT, due=None, owner=None, problem=problem)


def mail_of(connection: Connection, delivery_id: str, number: int) -> bytes:
    """The mail that is a letter about a delivery, of which it is the one with that number."""
    query = (
        select(letter.c.content)
        .join(delivery, delivery.c.number == letter.c.delivery)
        .where(delivery.c.id == delivery_id, letter.c.number == number, letter.c.kind == MAIL)
    )
    return bytes(connection.execute(query).scalar_one())


def _set(transaction: Transaction, outgoing: Outgoing, **values: object) -> bool:
    table = _TABLES[outgoing.origin]
    which = and_(table.c.id == outgoing.id, table.c.token == outgoing.token)
    return set_held(transaction, table, which, **values)
