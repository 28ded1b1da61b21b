"""Trials: files and deliveries that are judged without touching any record, and what came out.

A trial is leased like a delivery. Its result is one JSON document; file and result are kept for :data:`DAYS_KEPT`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, null, select, update

from gateway.errors import Reject
from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.row_leases import is_due, lease, locked, set_held, something_due, waits
from gateway.store.tables import trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from gateway.store.database import Transaction

DAYS_KEPT = 7
KEPT_MAX = 200
"""So many finished trials of one partner are kept: the newest."""
WAITING_MAX = 20
"""So many trials of one partner wait at once: a worker does one between two files."""
DROP, PAGE, API, REPLAY = "drop", "page", "api", "replay"
"""The lanes: a partner's folder for tests, a page that a link leads to, the API, a delivery to be judged again."""
WAITING, DONE, FAILED = "waiting", "done", "failed"

_PICTURES = {each: chr(0x2400 + each) for each in range(32) if chr(each) not in "\n\t\r"}
_UNSEEN = {ord(picture): chr(each) for each, picture in _PICTURES.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be judged: a file as if it had come from `source`, or with `how` a delivery by its id.

    `sha256` names its bytes in the vault; None for a delivery, or where they were too many to be kept.
    """

    id: str
    lane: str
    partner: str | None
    source: str
    name: str
    sha256: str | None
    size: int
    integration: str | None = None
    whole: bool | None = None
    delivery: str | None = None
    how: str | None = None


@dataclass(frozen=True, slots=True)
class Leased:
    """A trial, and the token that lets its holder finish it."""

    trial: Trial
    token: int
    tries: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial as it is told of; `result` is there when it is done, `problem` when it failed."""

    trial: Trial
    state: str
    asked_at: datetime
    finished_at: datetime | None
    result: dict[str, Any] | None
    problem: str | None


def ask(transaction: Transaction, this: Trial, *, problem: str | None = None) -> None:
    """Have something judged by the next worker that is free; with a `problem` it has failed already.

    Raises:
        Reject: ``too_many``: `WAITING_MAX` trials of the partner wait.
    """
    if problem is None:
        transaction.alone(f"trials {this.partner or ''}")  # no two count at once
        admit(transaction.connection, this.partner)
    transaction.connection.execute(
        insert(trial).values(
            id=this.id,
            lane=this.lane,
            partner=this.partner,
            source=this.source,
            integration=this.integration,
            name=this.name,
            sha256=this.sha256,
            size=this.size,
            whole=None if this.whole is None else int(this.whole),
            delivery=this.delivery,
            how=this.how,
            asked_at=stamp(transaction.now),
            state=WAITING if problem is None else FAILED,
            finished_at=None if problem is None else stamp(transaction.now),
            problem=problem,
            due=transaction.now.timestamp() if problem is None else None,
        )
    )
    transaction.wake()


def admit(connection: Connection, partner: str | None) -> None:
    """Whether one more trial of a partner may be asked for.

    Raises:
        Reject: as `ask`.
    """
    query = select(func.count()).select_from(trial).where(waits(trial), _of(partner))
    if connection.execute(query).scalar_one() >= WAITING_MAX:
        raise Reject(
            "too_many",
            f"{WAITING_MAX} trials of {partner or 'unknown partners'} wait already",
            "Ask again when some of them are done.",
        )


def something_waits(connection: Connection, now: datetime) -> bool:
    """Whether a trial may be due."""
    return something_due(connection, trial, now)


def take(transaction: Transaction, *, owner: str, seconds: float) -> Leased | None:
    """Lease the trial that has been due longest."""
    query = select(trial).where(is_due(trial, transaction, seconds)).order_by(trial.c.due, trial.c.id).limit(1)
    for row in locked(transaction, query, trial):
        lease(transaction, trial, trial.c.id == row.id, owner=owner, seconds=seconds)
        return Leased(_trial(row), row.token + 1, row.tries + 1)
    return None


def held_by(connection: Connection, owner: str) -> list[Leased]:
    """What that worker holds."""
    rows = connection.execute(select(trial).where(trial.c.owner == owner))
    return [Leased(_trial(row), row.token, row.tries) for row in rows]


def hold(transaction: Transaction, held: Leased, *, seconds: float) -> bool:
    """Prolong a lease; False when somebody else has taken the trial since."""
    until = transaction.now.timestamp() + seconds
    return set_held(transaction, trial, _mine(held), due=until)


def postpone(transaction: Transaction, held: Leased, *, seconds: float, counted: bool) -> None:
    """Give a trial back, to be tried again."""
    tries = held.tries if counted else held.tries - 1
    due = transaction.now.timestamp() + seconds
    set_held(transaction, trial, _mine(held), owner=None, due=due, tries=tries)
    transaction.wake()


def finish(
    transaction: Transaction, held: Leased, result: dict[str, Any] | None, *, problem: str | None = None
) -> bool:
    """Keep what came out, or why nothing did; False when somebody else has taken the trial since."""
    state = FAILED if result is None else DONE
    said = None if result is None else json.dumps(result, ensure_ascii=False)
    values = {"owner": None, "due": None, "state": state, "result": said, "problem": problem}
    finished = set_held(transaction, trial, _mine(held), finished_at=stamp(transaction.now), **values)
    transaction.wake()
    return finished


def get(connection: Connection, id: str) -> Shown | None:  # noqa: A002 - the column's name
    """A trial by its id."""
    row = connection.execute(select(trial).where(trial.c.id == id)).first()
    return _shown(row) if row is not None else None


def to_tell(connection: Connection, *, after: str = "", limit: int = 20) -> list[Shown]:
    """Finished trials of folders for tests whose answers are not there yet, behind the one with the id `after`."""
    query = select(trial).where(trial.c.lane == DROP, trial.c.told_at.is_(None), trial.c.state.in_([DONE, FAILED]))
    query = query.where(trial.c.id > after)
    return [_shown(row) for row in connection.execute(query.order_by(trial.c.id).limit(limit))]


def told(transaction: Transaction, id: str) -> None:  # noqa: A002 - as above
    """The answers of a trial are in the partner's folder."""
    transaction.connection.execute(update(trial).where(trial.c.id == id).values(told_at=stamp(transaction.now)))


def page(
    connection: Connection,
    *,
    partner: str | None = None,
    state: str | None = None,
    before: str | None = None,
    limit: int = 20,
    partners: Sequence[str] | None = None,
) -> list[Shown]:
    """Trials, the newest first, but for what came out; those older than the one with the id `before`.

    `partners`: theirs alone.
    """
    head = [each for each in trial.c if each is not trial.c.result]  # which may be megabytes of each
    query = select(*head, null().label("result")).order_by(trial.c.id.desc()).limit(limit)
    for column, wanted in ((trial.c.partner, partner), (trial.c.state, state)):
        if wanted is not None:
            query = query.where(column == wanted)
    if partners is not None:
        query = query.where(trial.c.partner.in_(partners))
    if before is not None:
        query = query.where(trial.c.id < before)
    return [_shown(row) for row in connection.execute(query)]


def forget(transaction: Transaction, *, before: datetime, limit: int = 200) -> tuple[int, list[str]]:
    """Delete trials that were asked for before then; how many, and the names of their content."""
    query = select(trial.c.id, trial.c.sha256).where(trial.c.asked_at < stamp(before)).limit(limit)
    rows = transaction.connection.execute(query).all()
    transaction.connection.execute(delete(trial).where(trial.c.id.in_([row.id for row in rows])))
    return len(rows), [row.sha256 for row in rows if row.sha256 is not None]


def surplus(connection: Connection, partner: str | None, *, limit: int = 200) -> list[str]:
    """The ids of finished trials of a partner that are older than the newest `KEPT_MAX`."""
    finished = trial.c.state.in_([DONE, FAILED])
    query = select(trial.c.id).where(_of(partner), finished).order_by(trial.c.asked_at.desc(), trial.c.id.desc())
    return list(connection.execute(query.offset(KEPT_MAX).limit(limit)).scalars())


def forget_surplus(transaction: Transaction, partner: str | None) -> tuple[int, list[str]]:
    """Delete those trials; how many, and the names of their content."""
    ids = surplus(transaction.connection, partner)
    content = transaction.connection.execute(select(trial.c.sha256).where(trial.c.id.in_(ids))).scalars().all()
    transaction.connection.execute(delete(trial).where(trial.c.id.in_(ids)))
    return len(ids), [each for each in content if each is not None]


def as_text(content: bytes) -> str:
    """Bytes as a page can show them: UTF-8, or one letter each; what is unseen as its picture (U+2400)."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.translate(_PICTURES)


def as_bytes(text: str) -> bytes:
    r"""What :func:`as_text` made a text of; letters that Latin-1 has too are taken for such.

    >>> as_bytes(as_text(b"ISA\x1d00\x1e\xe4")) == b"ISA\x1d00\x1e\xe4"
    True
    """
    seen = text.translate(_UNSEEN)
    try:
        return seen.encode("latin-1")
    except UnicodeEncodeError:
        return seen.encode()


def _of(partner: str | None) -> ColumnElement[bool]:
    return trial.c.partner.is_(None) if partner is None else trial.c.partner == partner


def _mine(held: Leased) -> Any:
    return (trial.c.id == held.trial.id) & (trial.c.token == held.token) & trial.c.owner.is_not(None)


def _trial(row: Any) -> Trial:
    return Trial(
        id=row.id,
        lane=row.lane,
        partner=row.partner,
        source=row.source,
        name=row.name,
        sha256=row.sha256,
        size=row.size,
        integration=row.integration,
        whole=None if row.whole is None else bool(row.whole),
        delivery=row.delivery,
        how=row.how,
    )


def _shown(row: Any) -> Shown:
    return Shown(
        trial=_trial(row),
        state=row.state,
        asked_at=moment(row.asked_at),
        finished_at=moment(row.finished_at) if row.finished_at else None,
        result=json.loads(row.result) if row.result else None,
        problem=row.problem,
    )
