"""What partners are answered: which deliveries are to be, the acknowledgments themselves, and their control numbers.

A row in ``answering`` says that a delivery is to be answered. It is written in the transaction that publishes the
delivery, once for ever (X1), and leased like a delivery. Who has the lease writes all acknowledgments of the delivery
in one transaction, with the control numbers that are taken in it: a crash uses none up. From then on their bytes never
change; each is on its way by itself, with a lease of its own:

    built ── staged ── sent         staged: the file is on the disk, out of the partner's sight, and is only renamed yet
      └ kept                        there is no outbox: it is asked for over the API
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, exists, insert, literal, or_, select, text, update

from gateway.errors import Retry, Stop
from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.row_leases import is_due, lease, locked, set_held, something_due
from gateway.store.tables import acknowledgment, answering, control_number, delivery

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.store.database import Transaction

BUILT, STAGED, SENT, KEPT = "built", "staged", "sent", "kept"
DUE, NOTHING, FAILED = "due", "nothing", "failed"
"""The states of what is to be answered, beside `BUILT`: nothing in it could be, or it was given up."""

NUMBER_MAX = 999_999_999
"""The largest control number: ISA13 has nine digits."""

SKIPPED_NUMBERS = 10_000
"""So many control numbers of one pair of parties may have been given out behind a backup that is restored."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery that is to be answered by a revision, and the token that lets its holder do so.

    `twin` is, for a duplicate, the delivery whose acknowledgments are sent again.
    """

    delivery: int
    revision: str
    twin: int | None
    size: int
    token: int
    tries: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """An acknowledgment as it is kept: what it answers, what it says, its very bytes and the name of its file.

    `interchange` counts those of the delivery, `functional_group` the groups of that, from 1; group 0 is the
    interchange itself.
    `sender` is we, `receiver` who is answered, as the envelope names them. `number` is our control number,
    `answers_interchange` and `answers_group` are theirs.
    """

    interchange: int
    functional_group: int
    kind: str
    standard: str
    sender: str
    receiver: str
    number: int
    answers_interchange: str
    answers_group: str | None
    disposition: str
    included: int | None
    received: int
    accepted: int
    partner: str | None
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """An acknowledgment as it is told of: all but its bytes."""

    kind: str
    number: int
    disposition: str
    interchange: str
    group: str | None
    received: int
    accepted: int
    partner: str | None
    name: str
    state: str
    built_at: datetime
    sent_at: datetime | None
    problem: str | None
    collected_at: datetime | None = None
    """When the partner fetched it from his outbox: read to the last byte, and closed."""


# ── what is to be answered ───────────────────────────────────────────────────────────────────────────────────────────


def owe(
    transaction: Transaction, published: Iterable[tuple[Delivery, Sequence[Integration]]], *, revision: str
) -> None:
    """Note that deliveries are to be answered, where one of the integrations that may take its documents wants that.

    In the transaction that publishes them. What was answered once is not again, and a replay owes nothing (X1). Where
    nothing could be answered, it is tried when the documents are judged again: it may be known by then whose they are.
    """
    _note(
        transaction,
        [
            {"delivery": each.number, "revision": revision, "twin": None}
            for each, integrations in published
            if each.replay is None and any(one.answers for one in integrations)
        ],
    )


def owe_again(transaction: Transaction, duplicate: Delivery, twin: Delivery) -> None:
    """Note that the sender of a duplicate gets once more what the delivery before it was answered, if it was."""
    query = select(answering.c.revision).where(answering.c.delivery == twin.number)
    known = transaction.connection.execute(query).first()
    if known is not None and duplicate.replay is None:
        _note(transaction, [{"delivery": duplicate.number, "revision": known.revision, "twin": twin.number}])


def _note(transaction: Transaction, rows: list[dict[str, Any]]) -> None:
    if rows:
        values = {"state": DUE, "due": transaction.now.timestamp()}
        transaction.connection.execute(
            text(
                "INSERT INTO answering (delivery, revision, twin, state, due)"
                " VALUES (:delivery, :revision, :twin, :state, :due) ON CONFLICT (delivery) DO UPDATE SET"
                " revision = excluded.revision, state = excluded.state, due = excluded.due, tries = 0"
                f" WHERE answering.state = '{NOTHING}' AND answering.twin IS NULL"
            ),
            [row | values for row in rows],
        )
        transaction.wake()


def something_owed(connection: Connection, now: datetime) -> bool:
    """Whether any delivery may be due to be answered, which is cheaper to ask than to try to take one."""
    return something_due(connection, answering, now)


def take_owed(transaction: Transaction, *, owner: str, seconds: float, count: int, size_max: int) -> list[Owed]:
    """Lease the delivery that has been due longest, and small ones behind it; none when nothing is due.

    Only what was never tried is taken together: what fails, fails alone (P4). An archive may hold far more than its
    size says, and is alone, too.
    """
    query = (
        select(answering, delivery.c.size, delivery.c.archive)
        .join(delivery, delivery.c.number == answering.c.delivery)
        .where(is_due(answering, transaction, seconds))
        .order_by(answering.c.due, answering.c.delivery)
        .limit(count)
    )
    rows = locked(transaction, query, answering)
    small = [row for row in rows if row.tries == 0 and row.size <= size_max and row.archive is None]
    taken = small if small[:1] == rows[:1] else rows[:1]
    for row in taken:
        lease(transaction, answering, answering.c.delivery == row.delivery, owner=owner, seconds=seconds)
    return [
        Owed(row.delivery, row.revision, row.twin, row.size, row.token + 1, row.tries + 1, row.problem) for row in taken
    ]


def held_by(connection: Connection, owner: str) -> list[Owed]:
    """What that worker holds, with its own tokens."""
    query = (
        select(answering, delivery.c.size)
        .join(delivery, delivery.c.number == answering.c.delivery)
        .where(answering.c.owner == owner, answering.c.due.is_not(None))
    )
    return [
        Owed(row.delivery, row.revision, row.twin, row.size, row.token, row.tries, row.problem)
        for row in connection.execute(query)
    ]


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
        values["tries"] = answering.c.tries - 1
    _set(transaction, owed, **values)


def finish(transaction: Transaction, owed: Owed, state: str, *, problem: str | None = None) -> None:
    """Nothing is left to do for this answer: it is `BUILT`, there is `NOTHING` to answer, or it `FAILED`."""
    _set(transaction, owed, state=state, due=None, owner=None, problem=problem)


def state_of(connection: Connection, delivery_number: int) -> str | None:
    """How far the answer to a delivery is; None where it owes none."""
    query = select(answering.c.state).where(answering.c.delivery == delivery_number)
    return connection.execute(query).scalar()


def _met_before() -> Select[str]:
    group = acknowledgment.alias()
    answers_groups = exists().where(
        group.c.delivery == acknowledgment.c.delivery,
        group.c.interchange == acknowledgment.c.interchange,
        group.c.functional_group > 0,
    )
    return (
        select(delivery.c.id)
        .join(acknowledgment, acknowledgment.c.delivery == delivery.c.number)
        .where(
            acknowledgment.c.standard == bindparam("standard"),
            acknowledgment.c.receiver == bindparam("sender"),
            acknowledgment.c.sender == bindparam("receiver"),
            acknowledgment.c.answers_interchange == bindparam("number"),
            acknowledgment.c.delivery < bindparam("before"),
            acknowledgment.c.disposition != "rejected",
            or_(acknowledgment.c.functional_group > 0, ~answers_groups),
        )
        .order_by(acknowledgment.c.delivery)
        .limit(1)
    )


_MET_BEFORE = _met_before()  # made once: it is asked for each interchange of a file of many


def met_before(
    connection: Connection, *, standard: str, sender: str, receiver: str, number: str, before: int
) -> str | None:
    """The earlier delivery, by its id, in which the sender used the same control number, if it was answered.

    One of which nothing was accepted does not count: its sender was told to send it again.
    """
    asked = {"standard": standard, "sender": sender, "receiver": receiver, "number": number, "before": before}
    return connection.execute(_MET_BEFORE, asked).scalar()


# ── acknowledgments ──────────────────────────────────────────────────────────────────────────────────────────────────


def take_numbers(transaction: Transaction, *, standard: str, sender: str, receiver: str, count: int) -> int:
    """Take so many control numbers of interchanges from a sender to a receiver; the first of them.

    They are used up when this transaction commits, and not before: none is used twice, none is left out.

    Raises:
        Stop: there are no more.
    """
    last: int = transaction.connection.execute(
        text(
            "INSERT INTO control_number (standard, sender, receiver, last)"
            " VALUES (:standard, :sender, :receiver, :count) ON CONFLICT (standard, sender, receiver)"
            " DO UPDATE SET last = control_number.last + :count RETURNING last"
        ),
        {"standard": standard, "sender": sender, "receiver": receiver, "count": count},
    ).scalar_one()
    if last > NUMBER_MAX:
        raise Stop(
            f"the control numbers from {sender} to {receiver} are used up: the last possible one is {NUMBER_MAX}",
            "Agree with the partner on another identifier.",
        )
    return last - count + 1


def skip_numbers(transaction: Transaction) -> None:
    """Leave out a run of control numbers everywhere: what was given out since the backup is not known any more."""
    skipped = control_number.c.last + SKIPPED_NUMBERS
    transaction.connection.execute(
        update(control_number).values(last=case((skipped > NUMBER_MAX, NUMBER_MAX), else_=skipped))
    )


def keep(
    transaction: Transaction, owed: Owed, made: Sequence[Made], *, after: int = 0, outboxes: Collection[str]
) -> None:
    """Keep acknowledgments of a delivery, behind the `after` first; those to partners with an outbox are on their way.

    All of a delivery's are kept by one transaction.
    """
    now = transaction.now
    rows = [
        {
            **{name: getattr(each, name) for name in _KEPT_AS_IT_IS},
            "delivery": owed.delivery,
            "place": place,
            "again": 0,
            "state": BUILT if each.partner in outboxes else KEPT,
            "built_at": stamp(now),
            "due": now.timestamp() if each.partner in outboxes else None,
        }
        for place, each in enumerate(made, after + 1)
    ]
    if rows:
        transaction.connection.execute(insert(acknowledgment), rows)
        transaction.wake()


_KEPT_AS_IT_IS = (
    *("interchange", "functional_group", "kind", "standard", "sender", "receiver", "number"),
    *("answers_interchange", "answers_group", "disposition", "included", "received", "accepted"),
    *("partner", "name", "content"),
)


def repeat(transaction: Transaction, owed: Owed, *, outboxes: Collection[str]) -> int:
    """Put what the twin of a duplicate was answered on its way once more, byte for byte; how many these are."""
    same = [*_KEPT_AS_IT_IS, "place", "built_at"]
    on_its_way = acknowledgment.c.partner.in_(sorted(outboxes))
    of_twin = select(
        literal(owed.delivery),
        literal(1),
        case((on_its_way, BUILT), else_=KEPT),
        case((on_its_way, transaction.now.timestamp())),
        *(acknowledgment.c[name] for name in same),
    ).where(acknowledgment.c.delivery == owed.twin, acknowledgment.c.content != b"")  # what was purged is gone
    columns = ["delivery", "again", "state", "due", *same]
    copied = transaction.connection.execute(insert(acknowledgment).from_select(columns, of_twin)).rowcount
    transaction.wake()
    return copied


def of_delivery(connection: Connection, delivery_number: int) -> list[Shown]:
    """What a delivery, by its landing number, is answered, in order; without the bytes."""
    columns = [each for each in acknowledgment.c if each is not acknowledgment.c.content]
    query = select(*columns).where(acknowledgment.c.delivery == delivery_number).order_by(acknowledgment.c.place)
    return [
        Shown(
            kind=row.kind,
            number=row.number,
            disposition=row.disposition,
            interchange=row.answers_interchange,
            group=row.answers_group,
            received=row.received,
            accepted=row.accepted,
            partner=row.partner,
            name=row.name,
            state=row.state,
            built_at=moment(row.built_at),
            sent_at=moment(row.sent_at) if row.sent_at else None,
            problem=row.problem,
            collected_at=moment(row.collected_at) if row.collected_at else None,
        )
        for row in connection.execute(query)
    ]


def contents(connection: Connection, delivery_number: int, *, number: int | None = None) -> list[tuple[str, bytes]]:
    """The acknowledgments of a delivery, or those with one control number of ours: the standard, and the bytes."""
    query = (
        select(acknowledgment.c.standard, acknowledgment.c.content)
        .where(acknowledgment.c.delivery == delivery_number)
        .order_by(acknowledgment.c.place)
    )
    if number is not None:
        query = query.where(acknowledgment.c.number == number)
    return [(row.standard, bytes(row.content)) for row in connection.execute(query)]


def _set(transaction: Transaction, owed: Owed, **values: object) -> None:
    which = and_(answering.c.delivery == owed.delivery, answering.c.token == owed.token)
    if not set_held(transaction, answering, which, **values):
        raise Retry("the lease of an answer went to another worker", delay_seconds=0.0)
