"""Records as they are read: by key, by page, through their versions, and as they stood.

Pages are in keyset order, so that a page a million rows deep costs what the first does; the JSON is ready, stored when
the document was accepted, and only the system's members are put before it. A version without a body (``null``) says
that the record is gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlalchemy import select, text

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.staging import FAREWELL, GONE, PURGED, Standing, column_of, quoted, standing
from gateway.store.tables import change_block
from gateway.store.tables import contract as contracts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.contracts import Contract


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: `op` is a key of :data:`OPERATORS`; `value` is a tuple for ``in`` and a bool for ``isnull``."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Query:
    """A page that is wanted. `sort` are (field, descending); the key is always the last part of the order.

    `after` are the values of the sort fields and the key of the record where the last page ended. `partners` are the
    only ones whose records are wanted; None: everybody's.
    """

    contract: Contract
    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    after: tuple[Any, ...] | None = None
    limit: int = 100
    partners: tuple[str, ...] | None = None


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


OPERATORS = {
    "eq": "{column} = {value}",
    "ne": "{column} <> {value}",
    "gt": "{column} > {value}",
    "gte": "{column} >= {value}",
    "lt": "{column} < {value}",
    "lte": "{column} <= {value}",
    "in": "{column} IN ({value})",
    "contains": "{find}({column}, {value}) > 0",
    "startswith": "substr({column}, 1, length({value})) = {value}",
    "isnull": "({column} IS NULL) = {value}",
}


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
    query = select(blocks).where(blocks.c.contract == contract.id).order_by(blocks.c.first_id.desc()).limit(1)
    if isinstance(asked, int):
        query = query.where(blocks.c.first_seq <= asked)
    elif asked is not None:
        query = query.where(blocks.c.at <= stamp(asked))
    row = connection.execute(query).first()
    if row is None:
        return Point(0, None, 0)
    whole = True
    if asked is not None:
        known = select(contracts.c.whole_from).where(contracts.c.id == contract.id)
        whole = row.last_seq >= (connection.execute(known).scalar() or 0)
    return Point(row.last_seq, moment(row.at), row.first_id + row.last_seq - row.first_seq, whole)


def page(connection: Connection, query: Query, at: Point | None = None) -> RecordPage:
    """One page, in keyset order: a page a million rows deep costs what the first does. `at`: as it stood then."""
    here = standing(connection, query.contract.id)
    if here is None:
        return RecordPage([], None, more=False)
    builder = _Builder(connection, query.contract)
    order = [(builder.column(field), descending, field) for field, descending in query.sort if field != "_key"]
    descending_key = next((descending for field, descending in query.sort if field == "_key"), False)
    conditions = [builder.condition(each) for each in query.filters] + builder.theirs(query.partners)
    if query.after is not None:
        conditions.append(builder.behind(order, query.after, descending_key=descending_key))
    by = ", ".join(
        [f"{column} {'DESC' if descending else 'ASC'} NULLS LAST" for column, descending, _ in order]
        + [f"r.key {'DESC' if descending_key else 'ASC'}"]
    )
    wanted = ", ".join(["r.key", "r.seq", "r.version", "r.body", *(column for column, _, _ in order)])
    statement = f"SELECT {wanted} {_visible(here, conditions, at=at)} ORDER BY {by} LIMIT {query.limit + 1}"
    rows = connection.execute(text(statement), builder.values).all()
    kept = rows[: query.limit]
    more = len(rows) > query.limit
    last = (*(_plain(value) for value in kept[-1][4:]), kept[-1][0]) if kept else None
    return RecordPage([served(row[0], row[1], row[2], row[3]) for row in kept], last if more else None, more)


def count(connection: Connection, query: Query, at: Point | None = None) -> int:
    """How many records the filters leave, or left then."""
    here = standing(connection, query.contract.id)
    if here is None:
        return 0
    builder = _Builder(connection, query.contract)
    conditions = [builder.condition(each) for each in query.filters] + builder.theirs(query.partners)
    found = connection.execute(
        text(f"SELECT count(*) {_visible(here, conditions, at=at)}"), builder.values
    ).scalar_one()
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
    connection: Connection, contract: Contract, key: str, *, partners: tuple[str, ...] | None = None
) -> list[StoredVersion]:
    """Every published version of a record, newest first, that one of the partners sent."""
    here = standing(connection, contract.id)
    if here is None:
        return []
    rows = connection.execute(
        text(f"""
        SELECT v.id, v.key, v.state, v.body, v.document, v.start, v.stop, d.id AS delivery, d.partner,
            b.first_seq - b.first_id AS ahead,
            b.at,
            coalesce(o.revision, d.revision) AS revision
        FROM {here.table} v
        JOIN delivery d ON d.number = v.delivery
        JOIN change_block b ON b.contract = :contract AND b.first_id = {_block_of("v.id")}
        -- A version that an undo brought back was judged when it was first made.
        JOIN change_block o ON o.contract = :contract AND o.first_id = {_block_of(_first_of(here.table))}
        WHERE v.key = :key AND v.id <= :last ORDER BY v.id"""),
        {"key": key, "contract": contract.id, "last": point(connection, contract).last_id},
    ).all()
    versions = [
        StoredVersion(
            number,
            row.id + row.ahead,
            moment(row.at),
            row.delivery,
            served(key, row.id + row.ahead, number, row.body) if row.body != GONE else None,
            row.document,
            row.start,
            row.stop,
            row.revision,
            row.state in (PURGED, FAREWELL),
        )
        for number, row in enumerate(rows, 1)  # their numbers count everybody's
        if partners is None or partner_of(contract, row.key, row.partner) in partners
    ]
    return versions[::-1]


def theirs(contract: Contract, partners: tuple[str, ...] | None, *, row: str = "r") -> tuple[str, dict[str, str]]:
    """The condition that a row of a contract's table is one of these partners', and its values; empty for all.

    Where keys count per partner, the key says whose a record is: a range of the index by key. Elsewhere it is whose
    delivery brought the version at hand; what came from nobody known is nobody's.
    """
    if partners is None:
        return "", {}
    if not partners:
        return "1 = 0", {}
    marks = {f"w{place}": partner for place, partner in enumerate(partners)}
    if not contract.per_partner:
        names = ", ".join(f":{name}" for name in marks)
        return f"{row}.delivery IN (SELECT w.number FROM delivery w WHERE w.partner IN ({names}))", marks
    ranges = " OR ".join(f"({row}.key >= :{name} AND {row}.key < :{name}_end)" for name in marks)
    values: dict[str, str] = {}
    for name, partner in marks.items():
        start = quote(partner, safe="").replace("~", "%7E")
        values |= {name: f"{start}~", f"{name}_end": f"{start}\x7f"}  # the sign behind the tilde
    return f"({ranges})", values


def partner_of(contract: Contract, key: str, sender: str | None) -> str | None:
    """Whose a version of a record is: the first part of its key where keys count per partner, else who sent it."""
    return unquote(key.partition("~")[0]) if contract.per_partner else sender


def _block_of(row: str) -> str:
    """The first id of the run of changes in which a row was published."""
    return f"(SELECT max(c.first_id) FROM change_block c WHERE c.contract = :contract AND c.first_id <= {row})"


def _first_of(table: str) -> str:
    """The row with which the version at hand was first made: the same bytes of the same document, the same record."""
    same = "f.delivery = v.delivery AND f.document = v.document AND f.body = v.body"
    return f"(SELECT min(f.id) FROM {table} f WHERE f.key = v.key AND {same})"


def served(key: str, seq: int, version: int, body: str) -> bytes:
    """The record as it is served: the system's members before the contract's. A key needs no escaping in JSON."""
    head = f'{{"_key":"{key}","_seq":{seq},"_version":{version}'
    return f"{head}}}".encode() if body == "{}" else f"{head},{body[1:]}".encode()


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


class _Builder:
    """Conditions with their bound values, in the dialect at hand."""

    def __init__(self, connection: Connection, contract: Contract) -> None:
        self.values: dict[str, Any] = {}
        self._contract = contract
        self._kinds = {field.name: field.type for field in contract.columns()}
        self._postgresql = connection.dialect.name != "sqlite"

    def column(self, field: str) -> str:
        return "r.key" if field == "_key" else f"r.{quoted(column_of(field))}"

    def bind(self, field: str, value: Any) -> str:
        name = f"p{len(self.values)}"  # no name comes twice: those of `theirs` begin otherwise
        kind = self._kinds.get(field)
        self.values[name] = str(value) if kind == "decimal" and value is not None else value
        if self._postgresql and kind == "decimal":
            return f"CAST(:{name} AS NUMERIC)"
        if not self._postgresql and kind == "decimal":
            return f"(0 + :{name})"
        return f":{name}"

    def theirs(self, partners: tuple[str, ...] | None) -> list[str]:
        of, values = theirs(self._contract, partners)
        self.values |= values
        return [of] if of else []

    def condition(self, each: Filter) -> str:
        column = self.column(each.field)
        if each.op == "in":
            marks = ", ".join(self.bind(each.field, value) for value in each.value)
            return OPERATORS["in"].format(column=column, value=marks)
        if each.op == "isnull":
            return f"{column} IS {'' if each.value else 'NOT '}NULL"
        find = "strpos" if self._postgresql else "instr"
        return OPERATORS[each.op].format(column=column, value=self.bind(each.field, each.value), find=find)

    def behind(self, order: list[tuple[str, bool, str]], after: tuple[Any, ...], *, descending_key: bool) -> str:
        """Strictly behind `after` in the order, absent values last: one alternative for each leading part."""
        terms = [(column, descending, field) for column, descending, field in order]
        terms.append(("r.key", descending_key, "_key"))
        alternatives = []
        for place, (column, descending, field) in enumerate(terms):
            value = after[place]
            if value is None:
                continue
            same = [
                f"{other} IS NULL" if after[number] is None else f"{other} = {self.bind(name, after[number])}"
                for number, (other, _, name) in enumerate(terms[:place])
            ]
            beyond = f"{column} {'<' if descending else '>'} {self.bind(field, value)}"
            if field != "_key":
                beyond = f"({beyond} OR {column} IS NULL)"
            alternatives.append(" AND ".join([*same, beyond]))
        return "(" + " OR ".join(f"({each})" for each in alternatives) + ")"


def _plain(value: Any) -> Any:
    """A keyset value as JSON can carry it."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
