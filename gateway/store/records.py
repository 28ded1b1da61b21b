"""Records as they are read: by key, by page, through their versions, and as they stood.

Pages are in keyset order, so that a page a million rows deep costs what the first does; the JSON is ready, stored when
the document was accepted, and only the system's members are put before it. A version without a body (``null``) says
that the record is gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import false, func, select, text

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.pages import (
    Conditions,
    Filter,
    Query,
    Statement,
    bound,
    by,
    many,
    ordered,
    plain,
    served,
    statement,
    theirs,
)
from gateway.store.staging import FAREWELL, GONE, PURGED, Standing, quoted, standing
from gateway.store.tables import change_block
from gateway.store.tables import contract as contracts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

    from gateway.contracts import Contract

__all__ = ["Filter", "Query"]

_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Ready JSON objects, and where the next page begins when there is one."""

    items: list[bytes]
    last: tuple[Any, ...] | None
    more: bool


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it stands, with the delivery and the byte span that it came from."""

    key: str
    seq: int
    version: int
    json: bytes
    delivery: str
    document: int
    start: int
    end: int

    def value(self) -> dict[str, Any]:
        """The record as it was read from its JSON."""
        value: dict[str, Any] = json.loads(self.json)
        return value


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version of a record: when it became visible, and what it said; `json` None says that the record is gone.

    `purged` says that its time was over: its content was taken away, or it is the change that says so of the record.
    `delivery` brought it, with its bytes from `start` to `end`; `revision` judged it (None: that was not kept yet).
    """

    version: int
    seq: int
    at: datetime
    delivery: str
    json: bytes | None
    document: int
    start: int
    end: int
    revision: str | None
    purged: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A moment of a contract's records: all changes up to `change`, which became visible at `at`.

    `last_id` is the last row of its table that had been published by then.
    """

    change: int
    at: datetime | None
    last_id: int
    whole: bool = True
    """False where versions that stood then were purged since, so that not all that was there can be shown."""


def state(connection: Connection, contract: Contract) -> int:
    """The change number up to which this contract's records are visible; 0 before the first."""
    here = standing(connection, contract.id)
    return here.last_seq if here is not None else 0


def as_of(connection: Connection, contract: Contract) -> tuple[int, datetime | None]:
    """The change number up to which this contract's records are visible, and when that became so."""
    now = point(connection, contract)
    return now.change, now.at


def point(connection: Connection, contract: Contract, *, asked: int | datetime | None = None) -> Point:
    """How far this contract's records had come by a change number or a time; None: by now.

    A delivery becomes visible whole (R1): the number of one of its changes means the moment of all of them.
    """
    blocks = change_block
    query = select(blocks).where(blocks.c.contract == contract.id).limit(1)
    if isinstance(asked, datetime):
        query = query.where(*_until(connection, contract, asked)).order_by((blocks.c.first_id + 0).desc())
    else:
        query = query.order_by(blocks.c.first_id.desc())
    if isinstance(asked, int):
        query = query.where(blocks.c.first_seq <= asked)
    row = connection.execute(query).first()
    if row is None:
        return Point(0, None, 0)
    whole = True
    if asked is not None:
        known = select(contracts.c.whole_from).where(contracts.c.id == contract.id)
        whole = row.last_seq >= (connection.execute(known).scalar() or 0)
    return Point(row.last_seq, moment(row.at), row.first_id + row.last_seq - row.first_seq, whole)


def _until(connection: Connection, contract: Contract, asked: datetime) -> list[ColumnElement[bool]]:
    """Among which changes the last one at a time is: those of a day up to the one that tells the latest time by then.

    Times need not grow with the numbers: machines' clocks differ a little. The last change is that with the highest
    number, which no index has in the order of times; `first_id + 0` keeps databases from looking for it from the end.
    """
    at = change_block.c.at
    latest = select(func.max(at)).where(change_block.c.contract == contract.id, at <= stamp(asked))
    told: str | None = connection.execute(latest).scalar()
    return [at <= told, at > stamp(moment(told) - _CLOCKS_DIFFER)] if told is not None else [false()]


def page(connection: Connection, query: Query, at: Point | None = None) -> RecordPage:
    """One page, in keyset order: a page a million rows deep costs what the first does. `at`: as it stood then."""
    here = standing(connection, query.contract.id)
    if here is None:
        return RecordPage([], None, more=False)
    assert query.limit is not None
    rows: list[Any] = []
    for asked, values in statements(connection, here, query, at):
        rows += connection.execute(text(asked), values).all()
        if len(rows) > query.limit:
            break
    kept = rows[: query.limit]
    more = len(rows) > query.limit
    last = (*(plain(value) for value in kept[-1][4:]), kept[-1][0]) if more else None
    return RecordPage([served(row[0], row[1], row[2], row[3]) for row in kept], last, more)


def statements(
    connection: Connection, here: Standing, query: Query, at: Point | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What asks for the rows of a query, one statement after the other, and its values.

    Each row begins with key, seq, version and body. `at`: as it stood then.
    """
    if at is None and here.offset is None:
        asked = _asked(connection, here, query)
        for part in asked.parts:
            yield part, asked.values
    else:
        yield _uncommon(connection, here, query, at)


def _asked(connection: Connection, here: Standing, query: Query) -> Statement:
    """The statement of a page of current rows."""
    sqlite = connection.dialect.name == "sqlite"
    question = many(query, here.table) if sqlite else None
    walk = question is not None and bool(connection.execute(text(question[0]), question[1]).scalar_one())
    return statement(query, here.table, postgresql=not sqlite, walk=walk)


def _uncommon(connection: Connection, here: Standing, query: Query, at: Point | None) -> tuple[str, dict[str, Any]]:
    """The statement of a page of the past, or of what is being settled: sorted, not read off an index."""
    conditions = Conditions(query.contract, postgresql=connection.dialect.name != "sqlite")
    order = ordered(query)
    columns = [conditions.column(name) for name, _ in order[:-1]]
    where = [conditions.of(each) for each in query.filters] + conditions.theirs(query.partners)
    if query.after is not None:
        where.append(conditions.behind(order, query.after))
    wanted = ", ".join(["r.key", "r.seq", "r.version", "r.body", *columns])
    asked = f"SELECT {wanted} {_visible(here, where, at=at)} ORDER BY {by(order, columns)}{bound(query)}"
    return asked, conditions.values


def count(connection: Connection, query: Query, at: Point | None = None) -> int:
    """How many records the filters leave, or left then."""
    here = standing(connection, query.contract.id)
    if here is None:
        return 0
    conditions = Conditions(query.contract, postgresql=connection.dialect.name != "sqlite")
    where = [conditions.of(each) for each in query.filters] + conditions.theirs(query.partners)
    found = connection.execute(text(f"SELECT count(*) {_visible(here, where, at=at)}"), conditions.values).scalar_one()
    return int(found)


def get(
    connection: Connection,
    contract: Contract,
    key: str,
    at: Point | None = None,
    *,
    partners: tuple[str, ...] | None = None,
) -> StoredRecord | None:
    """The record with this key, as it stands, or as it stood then, if it is one of the partners'."""
    here = standing(connection, contract.id)
    if here is None:
        return None
    of, values = theirs(contract, partners)
    conditions = ["r.key = :key", *([of] if of else [])]
    statement = f"""SELECT r.key, r.seq, r.version, r.body, d.id, r.document, r.start, r.stop
        {_visible(here, conditions, "JOIN delivery d ON d.number = r.delivery", at=at)}"""
    row = connection.execute(text(statement), {"key": key} | values).first()
    if row is None:
        return None
    return StoredRecord(row[0], row[1], row[2], served(row[0], row[1], row[2], row[3]), row[4], row[5], row[6], row[7])


def history(
    connection: Connection,
    contract: Contract,
    key: str,
    *,
    partners: tuple[str, ...] | None = None,
    below: int | None = None,
    limit: int | None = None,
) -> list[StoredVersion]:
    """The published versions of a record, newest first, that one of the partners sent: all, or a page of them.

    `below` a version, and at most `limit`. Their numbers count everybody's.
    """
    here = standing(connection, contract.id)
    if here is None:
        return []
    of, values = theirs(contract, partners, row="v")
    where = [*([of] if of else []), *(["n.number < :below"] if below is not None else [])]
    rows = connection.execute(
        text(f"""
        SELECT n.number, v.id, v.key, v.state, v.body, v.document, v.start, v.stop, d.id AS delivery,
            b.first_seq - b.first_id AS ahead,
            b.at,
            coalesce(o.revision, d.revision) AS revision
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) AS number FROM {here.table} WHERE key = :key AND id <= :last
        ) n
        JOIN {here.table} v ON v.id = n.id
        JOIN delivery d ON d.number = v.delivery
        JOIN change_block b ON b.contract = :contract AND b.first_id = {_block_of("v.id")}
        -- A version that an undo brought back was judged when it was first made.
        JOIN change_block o ON o.contract = :contract AND o.first_id = {_block_of(_first_of(here.table))}
        {"WHERE " + " AND ".join(where) if where else ""}
        ORDER BY n.number DESC {"LIMIT :limit" if limit is not None else ""}"""),
        {
            "key": key,
            "contract": contract.id,
            "last": point(connection, contract).last_id,
            "below": below,
            "limit": limit,
            **values,
        },
    ).all()
    return [
        StoredVersion(
            row.number,
            row.id + row.ahead,
            moment(row.at),
            row.delivery,
            served(key, row.id + row.ahead, row.number, row.body) if row.body != GONE else None,
            row.document,
            row.start,
            row.stop,
            row.revision,
            row.state in (PURGED, FAREWELL),
        )
        for row in rows
    ]


def _block_of(row: str) -> str:
    """The first id of the run of changes in which a row was published."""
    return f"(SELECT max(c.first_id) FROM change_block c WHERE c.contract = :contract AND c.first_id <= {row})"


def _first_of(table: str) -> str:
    """The row with which the version at hand was first made: the same bytes of the same document, the same record."""
    same = "f.delivery = v.delivery AND f.document = v.document AND f.body = v.body"
    return f"(SELECT min(f.id) FROM {table} f WHERE f.key = v.key AND {same})"


def _visible(here: Standing, conditions: Sequence[str], join: str = "", *, at: Point | None = None) -> str:
    """FROM and WHERE of what readers see; while a published delivery is being settled, its rows come first."""
    if at is not None:
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        return f"FROM ({_stood(here, at)}) r {join}{where}"
    if here.offset is None:
        return f"FROM {here.table} r {join} WHERE " + " AND ".join(["r.state = 1", *conditions])
    later = f"SELECT 1 FROM {here.table} s WHERE s.state = 0 AND s.key = t.key"
    same = f"SELECT count(*) FROM {here.table} e WHERE e.state = 0 AND e.key = t.key AND e.id < t.id"
    before = f"SELECT p.version FROM {here.table} p WHERE p.state > 0 AND p.key = t.key ORDER BY p.id DESC LIMIT 1"
    columns = ", ".join(
        f"t.{name}"
        for name in ("id", "key", "delivery", "document", "start", "stop", "body", *map(quoted, here.columns))
    )
    both = f"""(
        SELECT {columns}, t.seq AS seq, t.version AS version FROM {here.table} t
            WHERE t.state = 1 AND NOT EXISTS ({later})
        UNION ALL
        SELECT {columns}, t.id + {here.offset} AS seq, 1 + coalesce(({before}), 0) + ({same}) AS version
            FROM {here.table} t WHERE t.state = 0 AND t.body <> '{GONE}' AND NOT EXISTS ({later} AND s.id > t.id)
    )"""
    return f"FROM {both} r {join}" + (" WHERE " + " AND ".join(conditions) if conditions else "")


def _stood(here: Standing, at: Point) -> str:
    """The rows that were current when `at` was now: of each key the last that had been published, if it has a body."""
    columns = ", ".join(
        f"t.{name}"
        for name in ("id", "key", "delivery", "document", "start", "stop", "body", *map(quoted, here.columns))
    )
    later = f"SELECT 1 FROM {here.table} s WHERE s.key = t.key AND s.id > t.id AND s.id <= {at.last_id}"
    nth = f"(SELECT count(*) FROM {here.table} e WHERE e.key = t.key AND e.id <= t.id)"
    return f"""SELECT {columns}, coalesce(t.seq, t.id + {here.offset or 0}) AS seq,
        CASE WHEN t.version > 0 THEN t.version ELSE {nth} END AS version
        FROM {here.table} t WHERE t.id <= {at.last_id} AND t.body <> '{GONE}' AND NOT EXISTS ({later})"""
