"""What becomes of deliveries and of content in the vault when their time is over.

A delivery is **purged** by one transaction: its row stays and says so, what was held of it ends, what findings, log,
acknowledgments and kept answers quote of its bytes goes, and content that nothing names any more is told in
``purged_content``. Only then that content is **deleted**, each piece by a transaction of its own; a crash in between
leaves the row, which is found again.

Content that arrives again meanwhile is not lost: landing, deciding that nothing names a piece and deleting it hold the
same lock, that of the content. Whoever has put some and finds in its transaction that it was deleted since puts it
once more (:func:`is_kept`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, insert, or_, select, update

from gateway.model import Delivery, DeliveryState, DocumentState
from gateway.store import deliveries, tables
from gateway.store.database import stamp
from gateway.store.tables import (
    acknowledgment,
    activity,
    answering,
    chore,
    decision,
    delivery,
    document,
    finding,
    idempotency,
    member,
    purged_content,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from gateway.store.database import Transaction
    from gateway.store.vault import Vault

_HELD = (DocumentState.QUARANTINED, DocumentState.UNROUTED)
_ON_THEIR_WAY = ("built", "staged")  # acknowledgments that are not with the partner yet


@dataclass(frozen=True, slots=True)
class Purged:
    """What went with a delivery: documents that were held, findings, corrections; and content that nothing names now.

    `content` are SHA-256 names.
    """

    documents: int
    findings: int
    corrections: int
    content: tuple[str, ...]


# ── which ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def over(
    connection: Connection,
    integration: str | None,
    before: datetime,
    *,
    known: Collection[str] = (),
    after: int = 0,
    limit: int = 200,
) -> list[Delivery]:
    """Deliveries of an integration that came before that time, have ended, and wait for nothing; in landing order.

    `integration` None means those of none, or of one that is not among `known`.
    """
    whose: ColumnElement[bool] = delivery.c.integration == integration
    if integration is None:
        whose = or_(delivery.c.integration.is_(None), delivery.c.integration.not_in(list(known)))
    query = (
        select(delivery)
        .where(delivery.c.purged_at.is_(None), whose, delivery.c.received_at < stamp(before))
        .where(delivery.c.number > after, _at_rest())
        .order_by(delivery.c.number)
        .limit(limit)
    )
    return [deliveries.from_row(row) for row in connection.execute(query)]


def _at_rest() -> ColumnElement[bool]:
    """Nobody works on the delivery, and nothing is asked of it."""
    return (
        delivery.c.state.not_in([DeliveryState.RECEIVED, DeliveryState.PURGED])
        & delivery.c.due.is_(None)
        & delivery.c.owner.is_(None)
    )


# ── a delivery ───────────────────────────────────────────────────────────────────────────────────────────────────────


def purge(transaction: Transaction, number: int, *, by: str, quoting: Sequence[str]) -> Purged | None:
    """Purge a delivery, in the store; None while somebody works on it or it is not answered yet.

    `by` is what had it purged (``keep: 90d of acme-orders``); `quoting` are the events of the log whose lines quote
    what is in documents.
    """
    connection = transaction.connection
    if _is_to_be_answered(connection, number):
        return None
    ended = update(delivery).where(delivery.c.number == number, _at_rest())
    row = connection.execute(
        ended.values(
            state=DeliveryState.PURGED, ended=delivery.c.state, purged_at=stamp(transaction.now), purged_by=by
        ).returning(delivery.c.id, delivery.c.sha256, delivery.c.documents)
    ).first()
    if row is None:
        return None
    held = connection.execute(
        update(document)
        .where(document.c.delivery == number, document.c.state.in_(_HELD))
        .values(state=DocumentState.PURGED, retry=0)
    ).rowcount
    counts = json.loads(row.documents)
    never_taken = sum(counts.pop(str(state), 0) for state in _HELD)
    if never_taken:
        counts[str(DocumentState.PURGED)] = never_taken
    connection.execute(update(delivery).where(delivery.c.number == number).values(documents=json.dumps(counts)))
    went = f"purged on {transaction.now:%Y-%m-%d} by {by}"
    findings = _unquote(transaction, number, row.id, went, quoting)
    corrected = select(decision.c.sha256).where(decision.c.delivery == number, decision.c.sha256.is_not(None))
    corrections = connection.execute(corrected).scalars().all()
    members = select(member.c.sha256).where(member.c.delivery == number, member.c.sha256.is_not(None))
    named = sorted({row.sha256, *corrections, *connection.execute(members).scalars()})
    content = tuple(each for each in named if condemn(transaction, each))
    return Purged(held, findings, len(corrections), content)


def _is_to_be_answered(connection: Connection, number: int) -> bool:
    due = select(1).where(or_(answering.c.delivery == number, answering.c.twin == number), answering.c.due.is_not(None))
    sent = select(1).where(acknowledgment.c.delivery == number, acknowledgment.c.state.in_(_ON_THEIR_WAY))
    return any(connection.execute(each.limit(1)).first() is not None for each in (due, sent))


def _unquote(transaction: Transaction, number: int, delivery_id: str, went: str, quoting: Sequence[str]) -> int:
    """Take away what is quoted of a delivery's bytes; how many findings that concerned."""
    connection = transaction.connection
    findings = connection.execute(
        update(finding)
        .where(finding.c.delivery == number)
        .values(value=None, message=f"what was found was {went}", remedy="Ask the sender for the file if it is needed.")
    ).rowcount
    connection.execute(update(acknowledgment).where(acknowledgment.c.delivery == number).values(content=b""))
    connection.execute(
        update(activity)
        .where(activity.c.delivery == delivery_id, activity.c.event.in_(list(quoting)))
        .values(message=f"what this line said was {went}", data="{}")
    )
    held = select(1).where(document.c.delivery == number).limit(1)
    if connection.execute(held).first() is not None:
        # An answer that is kept for a request that comes again: a discard answers the document with its findings. The
        # request itself would be refused now, so that doing it once more does nothing.
        connection.execute(delete(idempotency).where(idempotency.c.body.contains(delivery_id, autoescape=True)))
    return findings


# ── content ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def condemn(transaction: Transaction, sha256: str) -> bool:
    """Tell content that is to be deleted; False where something still names it."""
    _alone(transaction, sha256)
    connection = transaction.connection
    if _is_named(connection, sha256):
        return False
    connection.execute(delete(purged_content).where(purged_content.c.sha256 == sha256))
    connection.execute(insert(purged_content).values(sha256=sha256, at=stamp(transaction.now)))
    return True


def condemned(connection: Connection, *, limit: int = 200) -> list[str]:
    """Content that is to be deleted and may be there still."""
    query = select(purged_content.c.sha256).where(purged_content.c.deleted_at.is_(None))
    return list(connection.execute(query.order_by(purged_content.c.at).limit(limit)).scalars())


def take_away(transaction: Transaction, vault: Vault, sha256: str) -> bool:
    """Delete condemned content; False where it came again since, so that it stays.

    Raises:
        Stop: the vault cannot delete it; it stays condemned.
    """
    _alone(transaction, sha256)
    this = purged_content.c.sha256 == sha256
    if _is_named(transaction.connection, sha256):
        transaction.connection.execute(delete(purged_content).where(this))
        return False
    vault.delete(sha256)
    transaction.connection.execute(update(purged_content).where(this).values(deleted_at=stamp(transaction.now)))
    return True


def is_kept(transaction: Transaction, vault: Vault, sha256: str) -> bool:
    """Whether content that was just put is still there; to be asked in the transaction that will name it.

    When it is not, it was deleted since: put it once more, in another transaction. While this one runs it stays.
    """
    _alone(transaction, sha256)
    this = purged_content.c.sha256 == sha256
    if transaction.connection.execute(select(1).where(this)).first() is None:
        return True
    if not vault.exists(sha256):
        return False
    transaction.connection.execute(delete(purged_content).where(this))
    return True


def _alone(transaction: Transaction, sha256: str) -> None:
    transaction.alone(f"content {sha256}")


def _is_named(connection: Connection, sha256: str) -> bool:
    """Whether a delivery that is not purged has this content, as itself, as a correction or as a member."""
    kept = delivery.c.purged_at.is_(None)
    whole = exists().where(delivery.c.sha256 == sha256, kept)
    corrected = exists().where(decision.c.sha256 == sha256, decision.c.delivery == delivery.c.number, kept)
    unpacked = exists().where(member.c.sha256 == sha256, member.c.delivery == delivery.c.number, kept)
    return bool(connection.execute(select(or_(whole, corrected, unpacked))).scalar())


# ── now and then ─────────────────────────────────────────────────────────────────────────────────────────────────────


def is_turn(connection: Connection, name: str, now: datetime, *, seconds: float) -> bool:
    """Whether what is done every so many seconds is due, which is cheaper to ask than to try to take it on."""
    due = connection.execute(select(chore.c.due).where(chore.c.name == name)).scalar()
    at = now.timestamp()
    return due is None or not at < due <= at + seconds


def take_turn(transaction: Transaction, name: str, *, seconds: float) -> bool:
    """Take on what one process at a time does now and then; False when that is not due.

    It is due again in `seconds`, also when whoever took it dies; a clock that was set back holds it up no longer.
    """
    transaction.alone(f"chore {name}")
    if not is_turn(transaction.connection, name, transaction.now, seconds=seconds):
        return False
    now = transaction.now.timestamp()
    transaction.connection.execute(delete(chore).where(chore.c.name == name))
    transaction.connection.execute(insert(chore).values(name=name, due=now + seconds))
    return True


def next_turn(transaction: Transaction, name: str, *, seconds: float) -> None:
    """Say when it is due again, when its end is known."""
    transaction.connection.execute(
        update(chore).where(chore.c.name == name).values(due=transaction.now.timestamp() + seconds)
    )


def counts(connection: Connection) -> dict[str, int]:
    """How much content was deleted, and how much is yet to be."""
    left = func.count().filter(purged_content.c.deleted_at.is_(None))
    deleted, waiting = connection.execute(
        select(func.count(purged_content.c.deleted_at), left).select_from(tables.purged_content)
    ).one()
    return {"deleted": deleted, "waiting": waiting}
