"""Documents that are held with their findings until someone retries or discards them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import and_, case, delete, func, insert, or_, select, update

from gateway.model import DeliveryState, DocumentState, Finding
from gateway.store import decisions, deliveries, members
from gateway.store.database import stamp
from gateway.store.decisions import Decision
from gateway.store.deliveries import moment
from gateway.store.members import Within
from gateway.store.tables import delivery, document, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.model import Delivery
    from gateway.store.database import Transaction

Part = TypeVar("Part")

FINDINGS_MAX = 100_000
"""So many findings of one delivery are kept; of a document held behind them only its first is, and the rest counted."""

_ABOUT_FILE_MAX = 20
"""So many findings about the file are shown with a document that has none of its own."""

OPEN = (DocumentState.QUARANTINED, DocumentState.UNROUTED)

CLOSED = (DocumentState.DISCARDED, DocumentState.REPAIRED)
"""Given up, or put right in a later file: of these nothing was taken, and nothing waits for anybody."""

_OWN = finding.alias("own")
ABOUT = (
    and_(finding.c.delivery == document.c.delivery, finding.c.document == document.c.number),
    and_(
        finding.c.delivery == document.c.delivery,
        finding.c.document.is_(None),
        ~select(1)
        .where(_OWN.c.delivery == document.c.delivery, _OWN.c.document == document.c.number)
        .where(_OWN.c.severity == "error")
        .correlate(document)
        .exists(),
    ),
)
"""Which findings are about a held document: its own, or else those about the file; so is, as number 0, the file itself.

Two conditions, each of which is read off an index. With an "or" between them, every finding of a delivery would be
looked at for each document of it.
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A document on its way into the quarantine, or one that changes its state there."""

    id: str
    number: int
    state: DocumentState
    integration: str | None
    contract: str | None
    start: int
    end: int
    findings: tuple[Finding, ...]
    reason: str | None = None
    who: str | None = None


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document of the quarantine as it is shown."""

    id: str
    delivery: str
    number: int
    integration: str | None
    contract: str | None
    state: DocumentState
    start: int
    end: int
    held_at: datetime
    findings: tuple[Finding, ...]
    reason: str | None = None
    who: str | None = None
    name: str = ""
    revision: str | None = None
    member: str | None = None
    """In an archive: the member in which the document is, where its number, its bytes and its findings are counted."""
    origin: int = 0
    """What is added to number, start and end to make those of the delivery."""

    @property
    def label(self) -> int | str:
        """Its number, and the member in which that counts."""
        return self.number if self.member is None else f"{self.number} of {self.member}"


def hold(transaction: Transaction, delivery_number: int, documents: Sequence[Held]) -> None:
    """Keep documents with their findings; a document that is there already gets its new state and findings."""
    if not documents:
        return
    connection = transaction.connection
    numbers = [each.number for each in documents]
    for part in parts(numbers):
        chosen = and_(document.c.delivery == delivery_number, document.c.number.in_(part))
        connection.execute(delete(document).where(chosen))
        connection.execute(delete(finding).where(finding.c.delivery == delivery_number, finding.c.document.in_(part)))
    connection.execute(
        insert(document),
        [
            {
                "delivery": delivery_number,
                "number": each.number,
                "id": each.id,
                "state": each.state,
                "integration": each.integration,
                "contract": each.contract,
                "start": each.start,
                "end": each.end,
                "held_at": stamp(transaction.now),
                "reason": each.reason,
                "who": each.who,
            }
            for each in documents
        ],
    )
    add_findings(transaction, delivery_number, [found for each in documents for found in each.findings])


def add_findings(transaction: Transaction, delivery_number: int, findings: Iterable[Finding]) -> None:
    """Keep findings about the delivery or its documents."""
    rows = [
        {
            "delivery": delivery_number,
            "document": each.document,
            "code": each.code,
            "severity": each.severity,
            "message": each.message,
            "remedy": each.remedy,
            "start": each.start,
            "end": each.end,
            "line": each.line,
            "segment": each.segment,
            "tag": each.tag,
            "element": each.element,
            "component": each.component,
            "column_name": each.column,
            "target": each.target,
            "value": each.value.replace("\x00", "\N{SYMBOL FOR NULL}") if each.value else each.value,
        }
        for each in findings
    ]
    if rows:
        transaction.connection.execute(insert(finding), rows)


def clear(transaction: Transaction, delivery_number: int) -> None:
    """Forget what a broken try of this delivery held: it starts again from the raw bytes."""
    transaction.connection.execute(delete(document).where(document.c.delivery == delivery_number))
    transaction.connection.execute(delete(finding).where(finding.c.delivery == delivery_number))


def release(transaction: Transaction, delivery_number: int, number: int, state: DocumentState) -> None:
    """Write how a retried document ended when it is not held again; it stays on record."""
    transaction.connection.execute(
        update(document)
        .where(document.c.delivery == delivery_number, document.c.number == number)
        .values(state=state, reason=None, who=None, retry=0)  # why it was opened again, if it was
    )


def unmark(transaction: Transaction, delivery_number: int, numbers: Sequence[int]) -> None:
    """These documents could not be retried: they stay held."""
    for part in parts(list(numbers)):
        chosen = and_(document.c.delivery == delivery_number, document.c.number.in_(part))
        transaction.connection.execute(update(document).where(chosen).values(retry=0))


def holds_something(connection: Connection, delivery_number: int) -> bool:
    """Whether documents or findings of a delivery are kept: of one that is not finished, by a try that broke off."""
    return any(
        connection.execute(select(1).where(table.c.delivery == delivery_number).limit(1)).first() is not None
        for table in (document, finding)
    )


def in_doubt(connection: Connection, delivery_number: int) -> bool:
    """Whether a finding about a delivery's file as a whole holds it."""
    about = (finding.c.delivery == delivery_number, finding.c.document.is_(None), finding.c.severity == "error")
    return connection.execute(select(1).where(*about).limit(1)).first() is not None


def held_as_one(connection: Connection, delivery_number: int) -> set[tuple[int, int]]:
    """The spans of documents that nobody wanted, or that were given up: of an archive, a span may be a whole member."""
    states = (DocumentState.UNROUTED, DocumentState.DISCARDED, DocumentState.UNDONE)
    query = select(document.c.start, document.c.end)
    query = query.where(document.c.delivery == delivery_number, document.c.state.in_(states))
    return {(row.start, row.end) for row in connection.execute(query)}


def unwanted_to_retry(connection: Connection, delivery_number: int) -> set[tuple[int, int]]:
    """The spans of documents that nobody wanted and that someone wants judged again."""
    query = select(document.c.start, document.c.end).where(
        document.c.delivery == delivery_number, document.c.retry > 0, document.c.state == DocumentState.UNROUTED
    )
    return {(row.start, row.end) for row in connection.execute(query)}


def to_retry(connection: Connection, delivery_number: int) -> dict[int, str]:
    """The documents of a delivery that someone wants judged again: number → id."""
    query = select(document.c.number, document.c.id).where(document.c.delivery == delivery_number, document.c.retry > 0)
    return {row.number: row.id for row in connection.execute(query)}


def page(
    connection: Connection,
    *,
    integration: str | None = None,
    code: str | None = None,
    value: str | None = None,
    delivery_id: str | None = None,
    after: str | None = None,
    limit: int = 100,
    partners: Sequence[str] | None = None,
) -> list[HeldDocument]:
    """The documents that wait for someone, in the order of their ids; `delivery_id` names one delivery.

    `code` and `value` are those of one finding. `partners` are those whose deliveries may be shown; None: all.
    """
    query = _shown(partners).where(document.c.state.in_(OPEN)).order_by(document.c.id).limit(limit)
    if integration is not None:
        query = query.where(document.c.integration == integration)
    about = [column == wanted for column, wanted in ((finding.c.code, code), (finding.c.value, value)) if wanted]
    if about:
        query = query.where(or_(*(select(1).where(each, *about).exists() for each in ABOUT)))
    if delivery_id is not None:
        query = query.where(delivery.c.id == delivery_id)
    if after is not None:
        query = query.where(document.c.id > after)
    return _with_findings(connection, connection.execute(query).all())


def of_delivery(
    connection: Connection, delivery_number: int, *, after: int = 0, limit: int = 100
) -> list[HeldDocument]:
    """The documents of a delivery that are held, in the order of the file, with their findings.

    `after` counts documents of the delivery; one held as a whole, number 0, is not among them.
    """
    query = (
        _shown()
        .where(document.c.delivery == delivery_number, document.c.state.in_(OPEN), document.c.number > after)
        .order_by(document.c.number)
        .limit(limit)
    )
    return _with_findings(connection, connection.execute(query).all())


def about_file(connection: Connection, delivery_number: int, *, archive: str | None, limit: int) -> list[Finding]:
    """The first errors about the file of a delivery, and not about one of its documents."""
    query = (
        select(finding)
        .where(finding.c.delivery == delivery_number, finding.c.document.is_(None), finding.c.severity == "error")
        .order_by(finding.c.id)
        .limit(limit)
    )
    within = _within(connection, delivery_number, archive)
    return [within.told(_finding(row)) for row in connection.execute(query)]


def with_code(
    connection: Connection, delivery_number: int, code: str, *, archive: str | None, limit: int
) -> list[Finding]:
    """The first findings of this code about single documents of a delivery, in the order of the file."""
    query = (
        select(finding)
        .where(finding.c.delivery == delivery_number, finding.c.document.is_not(None), finding.c.code == code)
        .order_by(finding.c.document)
        .limit(limit)
    )
    within = _within(connection, delivery_number, archive)
    return [within.told(_finding(row)) for row in connection.execute(query)]


def get(connection: Connection, id_or_prefix: str, *, partners: Sequence[str] | None = None) -> HeldDocument | None:
    """One document that is or was held, by its id or the only one that starts so, of those of these partners.

    Raises:
        LookupError: several ids start so.
    """
    low, high = id_or_prefix, id_or_prefix + "\x7f"
    query = _shown(partners).where(document.c.id >= low, document.c.id < high).order_by(document.c.id).limit(2)
    shown = _with_findings(connection, connection.execute(query).all())
    if len(shown) > 1 and shown[0].id != id_or_prefix:
        raise LookupError(f"several held documents start with {id_or_prefix}: {shown[0].id}, {shown[1].id}, …")
    return shown[0] if shown else None


def findings(
    connection: Connection, delivery_id: str, *, after: int = 0, limit: int = 100
) -> list[tuple[int, Finding]]:
    """The findings of a finished delivery in the order in which they were made, each with its row's id."""
    known = deliveries.get(connection, delivery_id)
    if known is None or known.finished_at is None:
        return []
    query = (
        select(finding)
        .where(finding.c.delivery == known.number, finding.c.id > after)
        .order_by(finding.c.id)
        .limit(limit)
    )
    within = _within(connection, known.number, known.archive)
    return [(row.id, within.told(_finding(row))) for row in connection.execute(query)]


def free(transaction: Transaction, id: str) -> bool:  # noqa: A002 - the column's name
    """Lock the delivery of a held document, as a worker does; False when a worker is at it just now, or it is not held.

    The delivery first: a worker locks in that order, and its counters are written from what is read then.
    """
    connection = transaction.connection
    row = connection.execute(select(document.c.delivery).where(document.c.id == id)).first()
    if row is None:
        return False
    table = delivery
    touched = update(table).where(table.c.number == row.delivery).values(number=row.delivery).returning(table.c.owner)
    owner = connection.execute(touched).scalar()
    held = connection.execute(select(document.c.retry).where(document.c.id == id, document.c.state.in_(OPEN))).first()
    return held is not None and (owner is None or not held.retry)


def discard(
    transaction: Transaction,
    id: str,  # noqa: A002 - the column's name
    *,
    reason: str,
    who: str,
) -> DeliveryState | None:
    """Give a held document up, with who and why; the state of its delivery from then on.

    A delivery of which nothing is held any more, and nothing was taken, is discarded. None when the document is not
    held, or a worker judges it again just now.
    """
    connection = transaction.connection
    row = connection.execute(select(document).where(document.c.id == id)).first()
    if row is None:
        return None
    number = row.delivery
    if not free(transaction, id):
        return None
    connection.execute(
        update(document)
        .where(document.c.id == id)
        .values(state=DocumentState.DISCARDED, reason=reason, who=who, retry=0)
    )
    given_up = Decision(row.number, decisions.DISCARDED, transaction.now, who, reason, row.start, row.end)
    decisions.keep(transaction, number, given_up)
    return recount(transaction, deliveries.by_number(connection, number))


def recount(transaction: Transaction, before: Delivery) -> DeliveryState:
    """Write a delivery's counters and its state after documents were closed or opened again; the state from then on."""
    connection, number = transaction.connection, before.number
    count = recounted(transaction, before)
    open_ = select(1).where(document.c.delivery == number, document.c.state.in_(OPEN)).limit(1)
    held = connection.execute(open_).first() is not None
    closed = sum(count[each] for each in CLOSED)
    state = before.state
    if not held and sum(count.values()) == closed:
        state = DeliveryState.DISCARDED
    elif held and state is DeliveryState.DISCARDED:
        state = DeliveryState.QUARANTINED
    connection.execute(
        update(delivery)
        .where(delivery.c.number == number)
        .values(state=state, documents=json.dumps({each: number for each, number in count.items() if number}))
    )
    return state


def recounted(
    transaction: Transaction, of: Delivery, *, taken: Mapping[DocumentState, int] | None = None
) -> Counter[DocumentState]:
    """A delivery's counters after held documents changed their state; `taken` counts those that ended just now."""
    count = Counter({DocumentState(state): number for state, number in of.documents.items()})
    for state in (DocumentState.ACCEPTED, DocumentState.EXCLUDED, DocumentState.DUPLICATE):
        count[state] += (taken or {}).get(state, 0)
    query = select(document.c.state, func.count()).where(document.c.delivery == of.number)
    query = query.where(document.c.number > 0)
    held = {row[0]: row[1] for row in transaction.connection.execute(query.group_by(document.c.state))}
    for state in (*OPEN, *CLOSED, DocumentState.CORRECTED):
        count[state] = held.get(state, 0)
    return count


def _shown(partners: Sequence[str] | None = None) -> Any:
    """Held documents of deliveries (of these partners) that are finished: a running try's are not visible (P2)."""
    return (
        select(document, delivery.c.id.label("delivery_id"), delivery.c.name, delivery.c.revision, delivery.c.archive)
        .join(delivery, delivery.c.number == document.c.delivery)
        .where(delivery.c.finished_at.is_not(None), *deliveries.of_partners(partners))
    )


def _with_findings(connection: Connection, rows: Sequence[Row[Any]]) -> list[HeldDocument]:
    """The documents, each with the findings that are about it; errors, which hold it, stand before all others."""
    found: dict[tuple[int, int | None], list[Finding]] = {}
    by_delivery: dict[int, list[int]] = {}
    within: dict[int, Within] = {}
    for row in rows:
        by_delivery.setdefault(row.delivery, []).append(row.number)
        if row.delivery not in within:
            within[row.delivery] = _within(connection, row.delivery, row.archive)
    for number, documents in by_delivery.items():
        for part in parts(documents):
            about = or_(finding.c.document.in_(part), finding.c.document.is_(None))
            errors_first = case((finding.c.severity == "error", 0), else_=1)
            query = select(finding).where(finding.c.delivery == number, about).order_by(errors_first, finding.c.id)
            for each in connection.execute(query):
                kept = found.setdefault((number, each.document), [])
                if each.document is not None or len(kept) < _ABOUT_FILE_MAX:
                    kept.append(within[number].told(_finding(each)))
    return [
        _held_document(
            row,
            _about(found.get((row.delivery, row.number), []), found.get((row.delivery, None), [])),
            *within[row.delivery].of_document(row.number),
        )
        for row in rows
    ]


def _about(own: list[Finding], of_file: list[Finding]) -> tuple[Finding, ...]:
    """The findings about a document, of those of its own and those about its file: as `ABOUT` says, errors first."""
    if any(each.severity == "error" for each in own):
        return tuple(own)
    return tuple(sorted([*own, *of_file], key=lambda each: each.severity != "error"))


def _within(connection: Connection, delivery_number: int, archive: str | None) -> Within:
    return Within(members.of_delivery(connection, delivery_number) if archive is not None else ())


def _held_document(row: Row[Any], findings: tuple[Finding, ...], member: str | None, origin: int) -> HeldDocument:
    return HeldDocument(
        row.id,
        row.delivery_id,
        row.number - origin,
        row.integration,
        row.contract,
        DocumentState(row.state),
        row.start - origin,
        row.end - origin,
        moment(row.held_at),
        findings,
        row.reason,
        row.who,
        row.name,
        row.revision,
        member,
        origin,
    )


def _finding(row: Row[Any]) -> Finding:
    return Finding(
        row.code,
        row.severity,
        row.message,
        row.remedy,
        row.start,
        row.end,
        row.line,
        row.segment,
        row.tag,
        row.element,
        row.component,
        row.column_name,
        row.target,
        row.value,
        row.document,
    )


def parts(values: list[Part], size: int = 500) -> Iterable[list[Part]]:
    """Lists short enough for one statement's parameters."""
    return (values[at : at + size] for at in range(0, len(values), size))
