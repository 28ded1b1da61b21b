"""What becomes of deliveries and of content in the vault when their time is over.

A delivery is **purged** by one transaction: its row stays and says so, what was held of it ends, what findings, log,
acknowledgments and kept answers quote of its bytes goes, and content that nothing names any more is told in
``purged_content``. Only then that content is **deleted**, each piece by a transaction of its own; a crash in between
leaves the row, which is found again.

Content that arrives again meanwhile is not lost: landing, deciding that nothing names a piece and deleting it hold the
same lock, that of the content. Whoever has put some and finds in its transaction that it was deleted since puts it
once more (:func:`is_kept`).

A lock is that of all content whose names begin with the same two digits: a server has room for a few thousand locks,
and an archive may have more members. No two transactions wait for each other, because each takes them in one order:
the row of the delivery, where it writes one that is there; then the locks of all content that it is about, at once and
sorted; and from then on nothing for which another one waits that has yet to take such a lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from gateway.errors import Retry, Stop
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
    letter,
    lettering,
    member,
    purged_content,
    trial,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from gateway.store.database import Transaction
    from gateway.store.vault import Vault

_NAMES_AT_ONCE = 500
_TOLD = select(purged_content.c.sha256).where(purged_content.c.sha256.in_(bindparam("names", expanding=True)))
_HELD = (DocumentState.QUARANTINED, DocumentState.UNROUTED)
_ON_THEIR_WAY = ("built", "staged")  # acknowledgments that are not with the partner yet
_HALF_SENT = "staged"  # a letter whose file lies behind the outbox; one that nobody has begun to send never is


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
    if is_to_be_answered(connection, number):
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
    named = {row.sha256, *corrections, *connection.execute(members).scalars()}
    return Purged(held, findings, len(corrections), tuple(condemn(transaction, *named)))


def is_to_be_answered(connection: Connection, number: int) -> bool:
    """Whether a delivery, or a duplicate of it, is still to be answered, or its answer is on its way."""
    due = (
        select(1).where(each == number, answering.c.due.is_not(None))
        for each in (answering.c.delivery, answering.c.twin)
    )
    written = select(1).where(lettering.c.delivery == number, lettering.c.due.is_not(None))
    sent = select(1).where(acknowledgment.c.delivery == number, acknowledgment.c.state.in_(_ON_THEIR_WAY))
    begun = or_(letter.c.state == _HALF_SENT, letter.c.owner.is_not(None))
    half_sent = select(1).where(letter.c.delivery == number, begun)
    return any(connection.execute(each.limit(1)).first() is not None for each in (*due, written, sent, half_sent))


def _unquote(transaction: Transaction, number: int, delivery_id: str, went: str, quoting: Sequence[str]) -> int:
    """Take away what is quoted of a delivery's bytes; how many findings that concerned."""
    connection = transaction.connection
    findings = connection.execute(
        update(finding)
        .where(finding.c.delivery == number)
        .values(value=None, message=f"what was found was {went}", remedy="Ask the sender for the file if it is needed.")
    ).rowcount
    connection.execute(update(acknowledgment).where(acknowledgment.c.delivery == number).values(content=b""))
    connection.execute(update(letter).where(letter.c.delivery == number).values(content=b""))
    unsent = update(letter).where(letter.c.delivery == number, letter.c.due.is_not(None))
    connection.execute(unsent.values(state="kept", due=None, owner=None, token=letter.c.token + 1, problem=went))
    connection.execute(delete(trial).where(trial.c.delivery == delivery_id))  # it shows values of documents
    for each in (answering, lettering):
        connection.execute(update(each).where(each.c.delivery == number).values(problem=None))
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


def condemn(transaction: Transaction, *names: str) -> list[str]:
    """Tell content that is to be deleted, by its names; those that nothing else names, and were told therefore."""
    _alone(transaction, names)
    connection = transaction.connection
    told = sorted(set(names) - _named(connection, names))
    for some in _blocks(told):
        connection.execute(delete(purged_content).where(purged_content.c.sha256.in_(some)))
        connection.execute(insert(purged_content), [{"sha256": each, "at": stamp(transaction.now)} for each in some])
    return told


def unnamed(connection: Connection, names: Collection[str]) -> list[str]:
    """Of this content of the vault, what nothing names, and is not yet to be deleted; sorted."""
    this = purged_content.c.sha256
    left = set(names) - _named(connection, names)
    for some in _blocks(sorted(left)):
        told = select(this).where(this.in_(some), purged_content.c.deleted_at.is_(None))
        left.difference_update(connection.execute(told).scalars())
    return sorted(left)


@dataclass(frozen=True, slots=True)
class Condemned:
    """Content that is to be deleted and may be there still; told at `at`."""

    at: str
    sha256: str


def condemned(connection: Connection, *, after: Condemned | None = None, limit: int = 200) -> list[Condemned]:
    """Content that is to be deleted, in the order in which it was told."""
    at, sha256 = purged_content.c.at, purged_content.c.sha256
    query = select(at, sha256).where(purged_content.c.deleted_at.is_(None)).order_by(at, sha256).limit(limit)
    if after is not None:
        query = query.where(at >= after.at, or_(at > after.at, sha256 > after.sha256))
    return [Condemned(row.at, row.sha256) for row in connection.execute(query)]


def take_away(transaction: Transaction, vault: Vault, *names: str) -> tuple[int, list[str]]:
    """Delete condemned content, but what came again since, which stays.

    How many were deleted, and why the vault could not delete others: those stay condemned.
    """
    _alone(transaction, names)
    connection, this = transaction.connection, purged_content.c.sha256
    named = _named(connection, names)
    deleted, problems = [], []
    for each in sorted(set(names) - named):
        try:
            vault.delete(each)
        except (Retry, Stop) as trouble:
            problems.append(trouble.message)
        else:
            deleted.append(each)
    connection.execute(delete(purged_content).where(this.in_(named)))
    connection.execute(update(purged_content).where(this.in_(deleted)).values(deleted_at=stamp(transaction.now)))
    return len(deleted), problems


def is_kept(transaction: Transaction, vault: Vault, *names: str) -> bool:
    """Whether all content that was just put is still there; to be asked in the transaction that will name it.

    When it is not, it was deleted since: put it once more, in another transaction. While this one runs it stays.
    """
    _alone(transaction, names)
    connection, this = transaction.connection, purged_content.c.sha256
    for some in _blocks(sorted(set(names))):
        told = connection.execute(_TOLD, {"names": some}).scalars().all()
        if not all(vault.exists(each) for each in told):
            return False
        if told:
            connection.execute(delete(purged_content).where(this.in_(told)))
    return True


def _alone(transaction: Transaction, names: Iterable[str]) -> None:
    transaction.alone(*(f"content {each[:2]}" for each in names))


def _named(connection: Connection, names: Iterable[str]) -> set[str]:
    """The content that a delivery which is not purged has, as itself, as a correction or as a member; or a trial."""
    found: set[str] = set()
    kept = delivery.c.purged_at.is_(None)
    for some in _blocks(sorted(set(names))):
        found.update(connection.execute(select(delivery.c.sha256).where(delivery.c.sha256.in_(some), kept)).scalars())
        for table in (decision, member):
            query = select(table.c.sha256).join(delivery, delivery.c.number == table.c.delivery)
            found.update(connection.execute(query.where(table.c.sha256.in_(some), kept)).scalars())
        found.update(connection.execute(select(trial.c.sha256).where(trial.c.sha256.in_(some))).scalars())
    return found


def _blocks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many names at once as a statement takes."""
    return (names[at : at + _NAMES_AT_ONCE] for at in range(0, len(names), _NAMES_AT_ONCE))


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
