"""The right of one worker to finish one piece of work, for a while, proven by a token (P3, P4).

A lease is "due in the future": taking a delivery moves its `due` forward and raises its `token`. A worker that died
simply lets it become due again; nothing sweeps. Whatever a worker writes for a delivery, it writes in a transaction
that first checks the token, so one that slept through its lease can change nothing.

Tries are counted when a lease is taken: a file that kills the process is counted too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, text, update

from gateway.errors import Retry
from gateway.store import deliveries, notes
from gateway.store.tables import delivery, document, source

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.model import Delivery
    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Lease:
    """A delivery and the token that lets its holder write for it."""

    delivery: Delivery
    token: int
    owner: str


@dataclass(frozen=True, slots=True)
class SourceLease:
    """A table, or a folder at a partner's server: where its reading stands, and the token."""

    name: str
    token: int
    position: str | None
    owner: str
    problem: str | None = None
    read_at: str | None = None


# A later delivery of a lane waits while an earlier one is at work or has not been tried; once that one has failed and
# waits for its next try, the lane goes on: a poison file blocks nobody.
_TAKE = """
UPDATE delivery SET owner = :owner, token = token + 1, tries = tries + 1, due = :until
WHERE number = (
    SELECT d.number FROM delivery d
    WHERE (d.due <= :now OR {stray}) AND NOT EXISTS (
        SELECT 1 FROM delivery e
        WHERE e.lane = d.lane AND e.number < d.number AND e.due IS NOT NULL AND (e.tries = 0 OR e.owner IS NOT NULL)
    )
    ORDER BY d.due, d.number LIMIT 1 {locked}
)
RETURNING number, token
"""


# Nothing is ever put off for so long: what is due later than that was so by a clock that has been set back since. On
# one machine all workers have one clock, and this holds for a lease, too; among machines two whose clocks differ would
# take each other's work in turns, so there it holds only for what nobody has.
_PUT_OFF_SECONDS_MAX = 3600.0
SHAPE = "shape"
"""The note that holds the shape of a table as it was last accepted."""
VALUES = "values"
"""The note that holds what is usual of a table's values."""
_STRAY = {True: "d.due > :horizon", False: "d.due > :horizon AND d.owner IS NULL"}


def something_due(connection: Connection, now: datetime) -> bool:
    """Whether any delivery may be due, which is cheaper to ask than to try to take one."""
    when = delivery.c.due
    query = (
        select(delivery.c.number)
        .where(or_(when <= now.timestamp(), when > now.timestamp() + _PUT_OFF_SECONDS_MAX))
        .limit(1)
    )
    return connection.execute(query).first() is not None


def take(transaction: Transaction, *, owner: str, seconds: float) -> Lease | None:
    """Lease the delivery that has been due longest, or None when nothing is due."""
    connection = transaction.connection
    locked = "" if transaction.is_sqlite else "FOR UPDATE OF d SKIP LOCKED"
    now = transaction.now.timestamp()
    row = connection.execute(
        text(_TAKE.format(locked=locked, stray=_STRAY[transaction.is_sqlite])),
        {"owner": owner, "until": now + seconds, "now": now, "horizon": now + seconds + _PUT_OFF_SECONDS_MAX},
    ).first()
    if row is None:
        return None
    return Lease(deliveries.by_number(connection, row.number), row.token, owner)


def take_followers(transaction: Transaction, first: Lease, *, seconds: float, count: int, size_max: int) -> list[Lease]:
    """Lease up to `count` small deliveries that follow one that was just taken for the first time, in its lane.

    While the first is at work or untried nobody else takes a later one, so that no other worker can be in between. One
    that failed and waits is passed, as ever. A larger one, or one that is not new, ends the run.
    """
    if first.delivery.tries != 1 or first.delivery.size > size_max:
        return []
    connection = transaction.connection
    lane = select(delivery.c.lane).where(delivery.c.number == first.delivery.number).scalar_subquery()
    rows = connection.execute(
        select(delivery)
        .where(delivery.c.lane == lane, delivery.c.number > first.delivery.number, delivery.c.due.is_not(None))
        .order_by(delivery.c.number)
        .limit(count)
    )
    now = transaction.now.timestamp()
    run = []
    for row in rows:
        if row.tries and row.owner is None:
            continue
        if row.tries or row.due > now or row.size > size_max or row.finished_at or row.replay:
            break
        run.append(row.number)
    if not run:
        return []
    leased = connection.execute(
        update(delivery)
        .where(delivery.c.number.in_(run))
        .values(owner=first.owner, token=delivery.c.token + 1, tries=delivery.c.tries + 1, due=now + seconds)
        .returning(delivery)
    )
    rows_by_number = sorted(leased, key=lambda row: row.number)
    return [Lease(deliveries.from_row(row), row.token, first.owner) for row in rows_by_number]


def held_by(connection: Connection, owner: str) -> list[Lease]:
    """What somebody holds, with the tokens, in the order of the deliveries."""
    rows = connection.execute(select(delivery).where(delivery.c.owner == owner).order_by(delivery.c.number))
    return [Lease(deliveries.from_row(row), row.token, owner) for row in rows]


def take_this(transaction: Transaction, number: int, *, owner: str, seconds: float) -> Lease | None:
    """Lease a delivery for which nothing is due, to repair it; None where something is, or somebody works on it."""
    row = transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == number, delivery.c.due.is_(None), delivery.c.owner.is_(None))
        .values(owner=owner, token=delivery.c.token + 1, due=transaction.now.timestamp() + seconds)
        .returning(delivery.c.token)
    ).first()
    return Lease(deliveries.by_number(transaction.connection, number), row.token, owner) if row is not None else None


def hold(transaction: Transaction, lease: Lease, *, seconds: float) -> None:
    """Prove that the lease is still ours and prolong it; the first statement of every write for a delivery.

    Raises:
        Retry: another worker has taken the delivery since; the transaction must not commit.
    """
    result = transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == lease.delivery.number, delivery.c.token == lease.token)
        .values(due=transaction.now.timestamp() + seconds)
    )
    if result.rowcount != 1:
        raise Retry(f"the lease of {lease.delivery.id} went to another worker", delay_seconds=0.0)


def finish(transaction: Transaction, lease: Lease) -> None:
    """Nothing is left to do for this delivery, unless somebody has asked meanwhile for a document to be judged again.

    Raises:
        Retry: another worker has taken the delivery since; the transaction must not commit.
    """
    asked = select(1).where(document.c.delivery == lease.delivery.number, document.c.retry > 0).limit(1)
    due = transaction.now.timestamp() if transaction.connection.execute(asked).first() is not None else None
    _let_go(transaction, lease, due=due, done=True)


def postpone(transaction: Transaction, lease: Lease, *, seconds: float, counted: bool) -> None:
    """Give the lease back, to be taken again in `seconds`; `counted` says whether this was a try.

    Raises:
        Retry: another worker has taken the delivery since; the transaction must not commit.
    """
    _let_go(transaction, lease, due=transaction.now.timestamp() + seconds, uncount=not counted)


def _let_go(
    transaction: Transaction, lease: Lease, *, due: float | None, uncount: bool = False, done: bool = False
) -> None:
    values: dict[str, object] = {"due": due, "owner": None}
    if uncount:
        values["tries"] = delivery.c.tries - 1
    elif done:
        values["tries"] = 0
    result = transaction.connection.execute(
        update(delivery)
        .where(delivery.c.number == lease.delivery.number, delivery.c.token == lease.token)
        .values(values)
    )
    if result.rowcount != 1:
        raise Retry(f"the lease of {lease.delivery.id} went to another worker", delay_seconds=0.0)


def add_sources(transaction: Transaction, names: list[str]) -> None:
    """Make sure that each table source has its row; a new one is due at once."""
    connection = transaction.connection
    known = {row.name for row in connection.execute(select(source.c.name))}
    for name in names:
        if name not in known:
            connection.execute(source.insert().values(name=name, due=transaction.now.timestamp()))


def all_sources(connection: Connection) -> list[SourceLease]:
    """Every table source with its position and its last problem."""
    rows = connection.execute(select(source).order_by(source.c.name))
    return [SourceLease(row.name, row.token, row.position, row.owner or "", row.problem, row.read_at) for row in rows]


def forget_position(transaction: Transaction, name: str) -> bool:
    """Read a source from the beginning again, at once; False when there is none of that name."""
    result = transaction.connection.execute(
        update(source)
        .where(source.c.name == name)
        .values(position=None, due=transaction.now.timestamp(), token=source.c.token + 1, problem=None)
    )
    notes.forget(transaction, name)
    return result.rowcount == 1


def accept_shape(transaction: Transaction, name: str) -> bool:
    """Forget what shape a table had, and look at it at once; False when there is no source of that name."""
    result = transaction.connection.execute(
        update(source).where(source.c.name == name).values(due=transaction.now.timestamp(), problem=None)
    )
    notes.keep(transaction, name, {SHAPE: None})
    return result.rowcount == 1


def look_now(transaction: Transaction, names: list[str]) -> None:
    """Make these table sources due at once; one that is being read says itself when it is due again."""
    waiting = source.c.name.in_(names), source.c.owner.is_(None), source.c.due > transaction.now.timestamp()
    transaction.connection.execute(update(source).where(*waiting).values(due=transaction.now.timestamp()))


def next_source_due(connection: Connection, names: list[str]) -> float | None:
    """When the first of these table sources is due, in seconds since 1970; None where there are none."""
    due: float | None = connection.execute(select(func.min(source.c.due)).where(source.c.name.in_(names))).scalar()
    return due


def take_source(transaction: Transaction, names: list[str], *, owner: str, seconds: float) -> SourceLease | None:
    """Lease the table source that has been due longest: exactly one worker polls a table."""
    if not names:
        return None
    connection = transaction.connection
    now = transaction.now.timestamp()
    query = select(source).where(source.c.due <= now, source.c.name.in_(names)).order_by(source.c.due).limit(1)
    row = connection.execute(query if transaction.is_sqlite else query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    connection.execute(
        update(source).where(source.c.name == row.name).values(owner=owner, token=row.token + 1, due=now + seconds)
    )
    return SourceLease(row.name, row.token + 1, row.position, owner, row.problem)


def advance_source(
    transaction: Transaction,
    lease: SourceLease,
    *,
    position: str | None,
    due_in_seconds: float,
    problem: str | None = None,
    done: bool = False,
) -> None:
    """Move the position in the transaction that lands what was read, or note the problem; `done` gives the lease back.

    Raises:
        Retry: another worker polls this source now; the transaction must not commit.
    """
    result = transaction.connection.execute(
        update(source)
        .where(source.c.name == lease.name, source.c.token == lease.token)
        .values(
            position=position,
            due=transaction.now.timestamp() + due_in_seconds,
            problem=problem,
            read_at=transaction.now.isoformat(),
            **({"owner": None} if done else {}),
        )
    )
    if result.rowcount != 1:
        raise Retry(f"the lease of {lease.name} went to another worker", delay_seconds=0.0)
