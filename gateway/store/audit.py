"""Who did what to what: rows that nobody can change, take away, add or reorder unnoticed (A1).

A row is written in the transaction of the thing that it reports: there is none without the other.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.store import origin
from gateway.store.chain import GENESIS, Entry, row_hash
from gateway.store.tables import audit, audit_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row, Select

    from gateway.store.database import Transaction

WORKER = "worker"
"""Who does what the gateway does by itself."""

_ROWS_AT_ONCE = 5_000
_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})").fullmatch
_WHO_WRITES = "Find out who can write to the store's database, and compare with a backup."


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the audit log; `at` is RFC 3339 in UTC. Numbers have no gap, so they serve as a cursor."""

    number: int
    at: str
    who: str
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The number and hash of a row that was once the newest; kept elsewhere, it proves all rows up to it."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain is broken: the number of the row, what is wrong, what to do."""

    number: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole chain found: how many rows there are, what the newest is, every fault."""

    rows: int
    head: Anchor
    faults: tuple[Fault, ...]


def write(transaction: Transaction, action: str, subject: str, *, who: str, **details: object) -> None:
    """Have a row written just before this transaction commits: `who` did `action` to `subject`.

    `action` is what was done, in the past tense (``applied``, ``discarded``); `subject` what it was done to, by kind
    and name (``delivery d_06…``, ``key k_06…``). `details` are numbers, texts, and lists of such: names and counts of
    our own, reasons that people gave, but never a secret and never a value out of a document, for this log is kept
    when those are purged. The request of the API, where it is one, is added.
    """
    told = origin.told() | {name: value for name, value in details.items() if value is not None}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    transaction.record(Entry(_plain(action), _plain(subject), _plain(who), text))


def write_closed(
    transaction: Transaction,
    delivery_id: str,
    *,
    sha256: str,
    state: str,
    revision: str,
    documents: Mapping[str, int],
    twin: str | None = None,
) -> None:
    """Have it written how a delivery ended: which bytes, judged by which revision, became how many of what."""
    write(
        transaction,
        "closed",
        f"delivery {delivery_id}",
        who=WORKER,
        sha256=sha256,
        state=str(state),
        revision=revision,
        documents={str(name): count for name, count in documents.items()},
        twin=twin,
    )


def _plain(text: str) -> str:
    """Text that every database takes, and gives back as it was: no NUL, nothing that is not a character."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{SYMBOL FOR NULL}")


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def after(connection: Connection, number: int, *, limit: int = 200, **chosen: str | None) -> list[Line]:
    """The rows behind a number in their order. `chosen` are values of the columns action, subject, who, and `since`."""
    query = select(audit).where(audit.c.number > number).order_by(audit.c.number).limit(limit)
    return [_line(row) for row in connection.execute(_chosen(query, chosen))]


def last(connection: Connection, *, limit: int = 200, **chosen: str | None) -> list[Line]:
    """The last `limit` rows in their order."""
    query = select(audit).order_by(audit.c.number.desc()).limit(limit)
    return [_line(row) for row in connection.execute(_chosen(query, chosen))][::-1]


def _chosen(query: Select[Any], chosen: Mapping[str, str | None]) -> Select[Any]:
    for name, value in chosen.items():
        if value is not None:
            query = query.where(audit.c.at >= value if name == "since" else audit.c[name] == value)
    return query


def _line(row: Row[Any]) -> Line:
    return Line(row.number, row.at, row.who, row.action, row.subject, json.loads(row.details), row.hash)


def head(connection: Connection) -> Anchor:
    """What the newest row is; 0 and zeros before there is one."""
    row = connection.execute(select(audit_head)).first()
    return Anchor(row.number, row.hash) if row is not None else Anchor(0, GENESIS)


# ── proved ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def anchor(text: str) -> Anchor:
    """An anchor as ``gateway audit head`` prints it.

    Raises:
        ValueError: it is none.
    """
    match = _ANCHOR(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not NUMBER:HASH, as gateway audit head prints it")
    return Anchor(int(match[1]), match[2])


def check(connection: Connection, anchors: Sequence[Anchor] = ()) -> Verdict:
    """Go through all rows: whether one was changed, taken away, added or moved since it was written.

    Memory is bounded whatever the number of rows. Whoever can write to the database can also compute a chain anew from
    a row on, or cut its end off with the head's row; that shows only against an anchor that was kept elsewhere.
    """
    row = connection.execute(select(audit_head)).first()
    known = Anchor(row.number, row.hash) if row is not None else None
    faults: list[Fault] = []
    previous: str | None = GENESIS
    rows, number, ending = 0, 0, GENESIS
    for row in _rows(connection):
        rows += 1
        if row.number > number + 1:
            faults.append(_missing(number + 1, row.number - 1))
            previous = None
        fits = previous is None or row_hash(previous, row.number, row.at, _entry(row)) == row.hash
        if known is not None and row.number > known.number:
            faults.append(_added(row.number))
        elif row.number < 1 or not fits:
            faults.append(_changed(row.number))
        previous = ending = row.hash
        number = row.number
    if known is None:
        faults.append(_no_head(number))
    elif number < known.number:
        faults.append(_missing(number + 1, known.number))
    elif number == known.number and ending != known.hash:
        faults.append(_other_head(number))
    faults += [_cut_off(each, number) for each in anchors if each.number > number]
    faults += [_rewritten(each) for each in anchors if _hash(connection, each.number) not in (None, each.hash)]
    return Verdict(rows, known or Anchor(number, ending), tuple(faults))


def _hash(connection: Connection, number: int) -> str | None:
    found: str | None = connection.execute(select(audit.c.hash).where(audit.c.number == number)).scalar()
    return found


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    query = select(audit).order_by(audit.c.number).limit(_ROWS_AT_ONCE)
    rows = connection.execute(query).all()
    while rows:
        yield from rows
        rows = connection.execute(query.where(audit.c.number > rows[-1].number)).all()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.action, row.subject, row.who, row.details)


def _missing(first: int, to: int) -> Fault:
    which = f"row {first} is" if first == to else f"rows {first} to {to} are"
    return Fault(first, f"{which} missing", f"Rows are never taken away by the gateway. {_WHO_WRITES}")


def _changed(number: int) -> Fault:
    return Fault(
        number,
        f"row {number} does not follow from the row before it: it, or the hash before it, is not what was written",
        f"It was changed, put in, or moved. {_WHO_WRITES}",
    )


def _added(number: int) -> Fault:
    return Fault(number, f"row {number} stands behind the newest that was written", f"It was put in. {_WHO_WRITES}")


def _no_head(number: int) -> Fault:
    return Fault(
        number,
        f"what the newest row is, is missing; the last that is there is row {number}",
        f"The row of audit_head was taken away, and perhaps rows of the log. {_WHO_WRITES}",
    )


def _other_head(number: int) -> Fault:
    return Fault(
        number, f"row {number} is the newest by its number, but has another hash than was written", _WHO_WRITES
    )


def _rewritten(anchor: Anchor) -> Fault:
    return Fault(
        anchor.number,
        f"row {anchor.number} has another hash than the anchor: this row, or one before it, was written anew",
        f"Check with an older anchor to narrow it down. {_WHO_WRITES}",
    )


def _cut_off(anchor: Anchor, number: int) -> Fault:
    return Fault(
        anchor.number,
        f"the log ends with row {number}, before row {anchor.number} of the anchor: its end was cut off",
        f"If the store was restored from an older backup, this is why. Otherwise: {_WHO_WRITES}",
    )
