"""Deliveries: landed, looked up, listed, closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from gateway.model import Arrived, Delivery, DeliveryState
from gateway.store import audit
from gateway.store.database import stamp
from gateway.store.tables import delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from gateway.store.database import Transaction
    from gateway.store.vault import Stored


class Closing(NamedTuple):
    """A leased delivery as it ends: with the integration and partner that it turned out to have."""

    delivery: Delivery
    token: int
    documents: Mapping[str, int]


# Made once: making a statement costs more than SQLite takes to run it, and its sender waits.
_OF_ARRIVAL = select(delivery).where(delivery.c.arrival == bindparam("arrival"))
_LAND = insert(delivery).returning(delivery)


def land(transaction: Transaction, arrived: Arrived, stored: Stored, *, new_id: str) -> tuple[Delivery, bool]:
    """The delivery row of an arrival whose bytes are in the vault, and whether it is new.

    The same arrival id again (a crash between our commit and the sender's cleaning up) gives the row that is there.
    """
    connection = transaction.connection
    if arrived.arrival is not None:
        transaction.alone(f"arrival {arrived.arrival}")
        known = connection.execute(_OF_ARRIVAL, {"arrival": arrived.arrival}).first()
        if known is not None:
            return from_row(known), False
    row = connection.execute(
        _LAND,
        {
            "id": new_id,
            "arrival": arrived.arrival,
            "state": DeliveryState.RECEIVED,
            "source": arrived.source,
            "name": arrived.name,
            "partner": arrived.partner,
            "integration": arrived.integration,
            "lane": arrived.integration or arrived.source,
            "sha256": stored.sha256,
            "size": stored.size,
            "whole": None if arrived.whole is None else int(arrived.whole),
            "received_at": stamp(transaction.now),
            "due": transaction.now.timestamp(),
        },
    ).one()
    return from_row(row), True


def get(connection: Connection, id_or_prefix: str, *, partners: Sequence[str] | None = None) -> Delivery | None:
    """The delivery with this id, or with the only id that starts so; of these partners, where they are given.

    Raises:
        LookupError: several ids start so.
    """
    low, high = id_or_prefix, id_or_prefix + "\x7f"
    query = select(delivery).where(delivery.c.id >= low, delivery.c.id < high, *of_partners(partners))
    rows = connection.execute(query.order_by(delivery.c.id).limit(2)).all()
    if rows and rows[0].id == id_or_prefix:
        return from_row(rows[0])
    if len(rows) > 1:
        raise LookupError(f"several deliveries start with {id_or_prefix}: {rows[0].id}, {rows[1].id}, …")
    return from_row(rows[0]) if rows else None


def of_arrival(connection: Connection, arrival: str) -> Delivery | None:
    """The delivery that an arrival became."""
    row = connection.execute(_OF_ARRIVAL, {"arrival": arrival}).first()
    return from_row(row) if row is not None else None


def of_partners(partners: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """The condition that a delivery is of one of these partners; none for None. What is of nobody known is not."""
    return [] if partners is None else [delivery.c.partner.in_(partners)]


def by_number(connection: Connection, number: int) -> Delivery:
    """The delivery with this landing number."""
    return from_row(connection.execute(select(delivery).where(delivery.c.number == number)).one())


def page(
    connection: Connection,
    *,
    state: str | None = None,
    integration: str | None = None,
    partner: str | None = None,
    before: int | None = None,
    limit: int = 100,
    partners: Sequence[str] | None = None,
) -> list[Delivery]:
    """Deliveries, newest first; `before` is the landing number where the last page ended.

    `partner` is the one that is asked for, `partners` are those that may be.
    """
    query = select(delivery).where(*of_partners(partners)).order_by(delivery.c.number.desc()).limit(limit)
    if state is not None:
        query = query.where(delivery.c.state == state)
    if integration is not None:
        query = query.where(delivery.c.integration == integration)
    if partner is not None:
        query = query.where(delivery.c.partner == partner)
    if before is not None:
        query = query.where(delivery.c.number < before)
    return [from_row(row) for row in connection.execute(query)]


def all_of_them(connection: Connection) -> Iterator[Delivery]:
    """Every delivery in landing order, read as they are asked for."""
    last = 0
    while rows := connection.execute(
        select(delivery).where(delivery.c.number > last).order_by(delivery.c.number).limit(1000)
    ).all():
        yield from map(from_row, rows)
        last = rows[-1].number


def twin_of(connection: Connection, this: Delivery, integration: str | None) -> Delivery | None:
    """The latest accepted delivery of the same partner and integration, if its content is the same (L5).

    Only the latest one counts: A, B, A is a change back and not a duplicate. What was purged since is not repeated:
    nothing could be shown of it.
    """
    latest = latest_accepted(connection, this, integration)
    if latest is None or latest.state is DeliveryState.PURGED or latest.sha256 != this.sha256:
        return None
    return latest


def latest_accepted(connection: Connection, this: Delivery, integration: str | None) -> Delivery | None:
    """The latest accepted delivery before this one of the same partner and integration; it may be purged since."""
    taken = [DeliveryState.ACCEPTED, DeliveryState.PARTLY_ACCEPTED]
    query = (
        select(delivery)
        .where(
            delivery.c.number < this.number,
            or_(
                delivery.c.state.in_(taken),
                and_(delivery.c.state == DeliveryState.PURGED, delivery.c.ended.in_(taken)),
            ),
            delivery.c.partner.is_(None) if this.partner is None else delivery.c.partner == this.partner,
            delivery.c.integration == integration
            if integration
            else (delivery.c.integration.is_(None)) & (delivery.c.source == this.source),
        )
        .order_by(delivery.c.number.desc())
        .limit(1)
    )
    latest = connection.execute(query).first()
    return from_row(latest) if latest is not None else None


def close(
    transaction: Transaction,
    number: int,
    *,
    state: DeliveryState,
    integration: str | None,
    partner: str | None,
    revision: str,
    documents: Mapping[str, int],
    twin: str | None = None,
) -> None:
    """Write how a delivery ended. Its lease is closed by ``leases.finish`` in the same transaction."""
    row = transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == number)
        .values(
            state=state,
            integration=integration,
            partner=partner,
            revision=revision,
            documents=json.dumps(dict(documents)),
            twin=twin,
            finished_at=stamp(transaction.now),
        )
        .returning(delivery.c.id, delivery.c.sha256)
    ).one()
    audit.write_closed(
        transaction, row.id, sha256=row.sha256, state=state, revision=revision, documents=documents, twin=twin
    )


def close_accepted(transaction: Transaction, closing: Sequence[Closing], *, revision: str) -> bool:
    """Write that leased deliveries were accepted, and that nothing is left to do; False where a lease was lost.

    The one statement for many: the token of each lease is proven by it.
    """
    result = transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == bindparam("of"), delivery.c.token == bindparam("proof"))
        .values(
            state=DeliveryState.ACCEPTED,
            integration=bindparam("by"),
            partner=bindparam("whose"),
            documents=bindparam("counted"),
            revision=revision,
            finished_at=stamp(transaction.now),
            due=None,
            owner=None,
            tries=0,
        ),
        [
            {
                "of": each.delivery.number,
                "proof": each.token,
                "by": each.delivery.integration,
                "whose": each.delivery.partner,
                "counted": json.dumps(dict(each.documents)),
            }
            for each in closing
        ],
    )
    for each in closing:
        of = each.delivery
        audit.write_closed(
            transaction,
            of.id,
            sha256=of.sha256,
            state=DeliveryState.ACCEPTED,
            revision=revision,
            documents=each.documents,
        )
    return result.rowcount == len(closing)


def reopen(transaction: Transaction, number: int, *, replay: str | None) -> None:
    """A delivery that had ended is to be judged as if it had just come; its lease stays as it is.

    Where it has made records, it is a `replay`.
    """
    transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == number)
        .values(state=DeliveryState.RECEIVED, finished_at=None, documents="{}", replay=replay)
    )


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries are in each state."""
    query = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def backlog(connection: Connection, *, partners: Sequence[str] | None = None) -> tuple[int, str | None]:
    """How many deliveries (of these partners) wait to be judged, and since when the oldest does (RFC 3339)."""
    waiting = (delivery.c.state == DeliveryState.RECEIVED, *of_partners(partners))
    query = select(func.count(), func.min(delivery.c.received_at)).where(*waiting)
    count, oldest = connection.execute(query).one()
    return count, oldest


def latest_per_integration(connection: Connection, *, partners: Sequence[str] | None = None) -> dict[str, Delivery]:
    """The newest finished delivery (of these partners) of each integration."""
    newest = (
        select(func.max(delivery.c.number))
        .where(delivery.c.integration.is_not(None), delivery.c.finished_at.is_not(None), *of_partners(partners))
        .group_by(delivery.c.integration)
    )
    rows = connection.execute(select(delivery).where(delivery.c.number.in_(newest)))
    return {row.integration: from_row(row) for row in rows}


def moment(text: str) -> datetime:
    """The time that the store keeps as text."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def from_row(row: Row[Any]) -> Delivery:
    """The delivery of a row of the table."""
    return Delivery(
        id=row.id,
        number=row.number,
        state=DeliveryState(row.state),
        source=row.source,
        name=row.name,
        partner=row.partner,
        integration=row.integration,
        sha256=row.sha256,
        size=row.size,
        received_at=moment(row.received_at),
        finished_at=moment(row.finished_at) if row.finished_at else None,
        revision=row.revision,
        tries=row.tries,
        documents=json.loads(row.documents),
        twin=row.twin,
        whole=None if row.whole is None else bool(row.whole),
        replay=row.replay,
        purged_at=moment(row.purged_at) if row.purged_at else None,
        purged_by=row.purged_by,
        archive=row.archive,
    )
