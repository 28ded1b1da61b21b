"""Held documents that are to be judged again: each by itself, or all of a delivery as a whole.

What an integration holds as a whole is never taken by halves: its documents are wanted together, and the worker that
finds the mark judges the delivery anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select, update

from gateway.model import DeliveryState
from gateway.store.quarantine import OPEN, parts
from gateway.store.tables import delivery, document, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.integrations import Accept
    from gateway.store.database import Transaction

ALONE, TOGETHER = 1, 2
"""How a held document is wanted again: by itself, or with all of its delivery, which is judged anew as a whole."""


@dataclass(frozen=True, slots=True)
class Together:
    """A delivery that is judged anew as a whole, with all its `documents`.

    `code` is the finding for which all of it was held; None: nothing of it was taken, and its integration judges whole
    files.
    """

    delivery: str
    name: str
    documents: int
    code: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """How many documents are to be judged again, and the deliveries of which that is all."""

    documents: int
    together: tuple[Together, ...] = ()


def retry(
    transaction: Transaction, ids: Sequence[str], *, accepts: Mapping[str, Accept], group: bool = False
) -> Marked:
    """Mark held documents to be judged again by a worker. `accepts` are what integrations say of whole files, by name.

    A delivery whose integration takes files whole or not at all is wanted again as a whole, whichever of its documents
    is meant. In a `group`, which nobody chose one by one, so is every delivery that is held as a whole.
    """
    connection = transaction.connection
    documents = 0
    together: list[Together] = []
    for part in parts(list(ids)):
        chosen = and_(document.c.id.in_(part), document.c.state.in_(OPEN))
        numbers = sorted(connection.execute(select(document.c.delivery).where(chosen).distinct()).scalars())
        connection.execute(  # the deliveries first, as a worker locks them
            update(delivery)
            .where(delivery.c.number.in_(numbers))
            .values(due=func.coalesce(delivery.c.due, transaction.now.timestamp()))
        )
        whole = dict(_held_whole(connection, numbers, accepts, group=group))
        alone = and_(chosen, document.c.delivery.not_in(list(whole)))
        as_asked = case((document.c.retry == TOGETHER, TOGETHER), else_=ALONE)
        documents += connection.execute(update(document).where(alone).values(retry=as_asked)).rowcount
        if whole:
            all_of_it = and_(document.c.delivery.in_(list(whole)), document.c.state.in_(OPEN))
            connection.execute(update(document).where(all_of_it).values(retry=TOGETHER))
        together += whole.values()
    transaction.wake()
    return Marked(documents + sum(each.documents for each in together), tuple(together))


def _held_whole(
    connection: Connection, numbers: Sequence[int], accepts: Mapping[str, Accept], *, group: bool
) -> Iterable[tuple[int, Together]]:
    """Which of these deliveries are to be judged again as a whole: those of several documents, all held by one rule."""
    held = select(document.c.delivery, document.c.integration, func.count()).where(
        document.c.delivery.in_(numbers), document.c.number > 0, document.c.state.in_(OPEN)
    )
    documents: Counter[int] = Counter()
    policies: dict[int, list[Accept]] = {}
    for number, integration, count in connection.execute(held.group_by(document.c.delivery, document.c.integration)):
        documents[number] += count
        policies.setdefault(number, []).extend(filter(None, [accepts.get(integration or "")]))
    codes = dict(_in_doubt(connection, list(documents)))
    rows = select(delivery.c.number, delivery.c.id, delivery.c.name, delivery.c.state).where(
        delivery.c.number.in_(list(documents))
    )
    for row in connection.execute(rows):
        code, several = codes.get(row.number), documents[row.number] > 1
        file_only = code == "accept.file" or any(each.unit == "file" for each in policies[row.number])
        bounded = any(each.unit == "file" or each.hold_above is not None for each in policies[row.number])
        nothing_taken = several and row.state == DeliveryState.QUARANTINED
        if (code is not None and (group or file_only)) or (nothing_taken and (bounded if group else file_only)):
            yield row.number, Together(row.id, row.name, documents[row.number], code)


def _in_doubt(connection: Connection, numbers: Sequence[int]) -> Iterable[tuple[int, str]]:
    """The finding about the file, its first error, for which a delivery is held; a try that failed is none."""
    about = and_(finding.c.document.is_(None), finding.c.severity == "error", finding.c.code != "delivery.failed")
    query = select(finding.c.delivery, finding.c.code).where(about, finding.c.delivery.in_(numbers))
    for row in connection.execute(query.order_by(finding.c.id.desc())):
        yield row.delivery, row.code


def wanted_together(connection: Connection, delivery_number: int) -> bool:
    """Whether the documents of a delivery are wanted again as a whole."""
    wanted = (document.c.delivery == delivery_number, document.c.retry == TOGETHER)
    return connection.execute(select(1).where(*wanted).limit(1)).first() is not None
