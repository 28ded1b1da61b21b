"""Held documents whose rows came again, put right, in the sheet that a letter gave out: what brought them closes them.

Each row of such a sheet says which held document it is, ``d_01m7…/3``: the third of that delivery. When it is taken,
the held one is `repaired`, in the same transaction, with who sent it and in which delivery it came; that is a decision
like a person's, so that neither a retry nor a replay brings its old values back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, func, select, update

from gateway.errors import Retry
from gateway.model import DeliveryState, DocumentState
from gateway.store import audit, decisions, deliveries, quarantine
from gateway.store.decisions import REOPENED, REPAIRED, Decision
from gateway.store.tables import delivery, document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from gateway.model import Delivery
    from gateway.store.database import Transaction

_REFERENCE = re.compile(r"\s*(d_[0-9a-z]{1,40})/(\d{1,12})\s*", re.ASCII)
COLUMN = "reference"
"""What the column of a sheet is called that says which held documents its rows are."""
_CLOSED_ELSEWHERE = "a delivery whose rows it puts right is being judged again"


class Reference(NamedTuple):
    """A held document: the id of its delivery, and its number in it."""

    delivery: str
    document: int

    def __str__(self) -> str:
        return f"{self.delivery}/{self.document}"


class Returned(NamedTuple):
    """A row that was sent again: the held documents that it stands for, and the integration that takes it."""

    references: tuple[Reference, ...]
    integration: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many held documents of a delivery were put right, or wait again; the delivery as it is from then on."""

    delivery: Delivery
    documents: int


@dataclass(frozen=True, slots=True)
class PutRight:
    """A held document that a row of a later file put right, and when."""

    delivery: str
    name: str
    document: int
    at: datetime


def reference_of(cell: object) -> Reference | None:
    """The held document that a cell names; None where it names none."""
    found = _REFERENCE.fullmatch(cell) if isinstance(cell, str) else None
    return Reference(found[1], int(found[2])) if found is not None else None


def lock(transaction: Transaction, returned: Iterable[Returned]) -> None:
    """Lock the deliveries that are referred to, the latest first.

    Before any contract is locked, as their own workers do; each delivery names only older ones, so that no two wait
    for each other.
    """
    ids = sorted({each.delivery for row in returned for each in row.references})
    rows: list[int] = []
    for part in quarantine.parts(ids):
        found = transaction.connection.execute(select(delivery.c.number).where(delivery.c.id.in_(part)))
        rows += found.scalars().all()
    for number in sorted(rows, reverse=True):
        transaction.connection.execute(update(delivery).where(delivery.c.number == number).values(number=number))


def close(transaction: Transaction, by: Delivery, returned: Mapping[int, Returned]) -> list[Repaired]:
    """Close the held documents that rows of `by`, which are taken, put right: document of `by` → what it stands for.

    Only those of the same partner and integration, from earlier files, that still wait for somebody.

    Raises:
        Retry: one of them belongs to a delivery that is just being judged again as a whole; nothing was done.
    """
    meant: dict[str, dict[int, tuple[int, str]]] = defaultdict(dict)
    for row, (references, integration) in returned.items():
        for each in references:
            meant[each.delivery][each.document] = (row, integration)
    closed = []
    for id_ in sorted(meant):
        of = deliveries.get(transaction.connection, id_)
        if of is None or of.id != id_ or of.partner is None or of.partner != by.partner or of.number >= by.number:
            continue
        if of.finished_at is None:
            raise Retry(_CLOSED_ELSEWHERE, delay_seconds=1.0)
        count = _close(transaction, of, by, meant[id_])
        if count:
            closed.append(Repaired(deliveries.by_number(transaction.connection, of.number), count))
    return closed


def reopen(transaction: Transaction, by: Delivery, *, who: str) -> list[Repaired]:
    """Have the documents wait again that rows of `by`, which is being undone, put right.

    To be called before any contract is locked, as `lock` says. What was undone or purged itself stays as it is.

    Raises:
        Retry: one of them belongs to a delivery that is just being judged again as a whole; nothing was done.
    """
    connection = transaction.connection
    closed = and_(
        document.c.state == DocumentState.REPAIRED, document.c.reason.endswith(f" ({by.id})", autoescape=True)
    )
    found = select(document.c.delivery).where(closed, document.c.delivery < by.number).distinct()
    reopened = []
    for number in sorted(connection.execute(found).scalars(), reverse=True):
        connection.execute(update(delivery).where(delivery.c.number == number).values(number=number))
        of = deliveries.by_number(connection, number)
        if of.finished_at is None:
            raise Retry(_CLOSED_ELSEWHERE, delay_seconds=1.0)
        if of.state in (DeliveryState.UNDONE, DeliveryState.PURGED):
            continue
        count = _reopen(transaction, of, by, closed, who)
        if count:
            reopened.append(Repaired(deliveries.by_number(connection, number), count))
    return reopened


def put_right_by(connection: Connection, by: Delivery, row: str) -> list[PutRight]:
    """The held documents that a row of a delivery closed, as the text of the row names them."""
    found = []
    for each in dict.fromkeys(Reference(named[1], int(named[2])) for named in _REFERENCE.finditer(row)):
        of = deliveries.get(connection, each.delivery)
        decided = decisions.of_delivery(connection, of.number).get(each.document) if of is not None else None
        if of is None or decided is None or decided.kind != REPAIRED or f"({by.id})" not in decided.reason:
            continue
        found.append(PutRight(of.id, of.name, each.document, decided.at))
    return found


def _close(transaction: Transaction, of: Delivery, by: Delivery, meant: Mapping[int, tuple[int, str]]) -> int:
    connection = transaction.connection
    who, count = f"partner {by.partner}", 0
    for part in quarantine.parts(sorted(meant)):
        held = and_(
            document.c.delivery == of.number, document.c.number.in_(part), document.c.state.in_(quarantine.OPEN)
        )
        for row in connection.execute(select(document).where(held).order_by(document.c.number)).all():
            document_, integration = meant[row.number]
            if row.integration != integration:
                continue
            reason = f"put right by document {document_} of {by.name} ({by.id})"
            connection.execute(
                update(document)
                .where(document.c.id == row.id)
                .values(state=DocumentState.REPAIRED, reason=reason, who=who, retry=0)
            )
            decided = Decision(row.number, REPAIRED, transaction.now, who, reason, row.start, row.end)
            decisions.keep(transaction, of.number, decided)
            count += 1
    if count:
        quarantine.recount(transaction, of)
        audit.write(transaction, "repaired", f"delivery {of.id}", who=who, documents=count, by=by.id)
    return count


def _reopen(transaction: Transaction, of: Delivery, by: Delivery, closed: ColumnElement[bool], who: str) -> int:
    connection, reason = transaction.connection, f"{by.name} ({by.id}), which put it right, was undone"
    here = and_(document.c.delivery == of.number, closed)
    rows = connection.execute(select(document).where(here).order_by(document.c.number)).all()
    for row in rows:
        decided = Decision(row.number, REOPENED, transaction.now, who, reason, row.start, row.end)
        decisions.keep(transaction, of.number, decided)
    integration = func.coalesce(document.c.integration, of.integration)  # a replay forgets who wanted what is closed
    connection.execute(
        update(document)
        .where(here)
        .values(state=DocumentState.QUARANTINED, integration=integration, reason=reason, who=who, retry=0)
    )
    if rows:
        quarantine.recount(transaction, of)
        audit.write(transaction, "reopened", f"delivery {of.id}", who=who, documents=len(rows), by=by.id)
    return len(rows)
