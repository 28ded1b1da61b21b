"""What becomes of records when their time is over: content is taken away, and that is told as changes.

Rows stay, so that change numbers keep their meaning and no gap comes into the log: a version whose content was purged
has the state 3 and no body. That a record was purged, or lost its personal data, is a change like any other: a new row
in a run of the change log that bears the delivery number 0, which no delivery has.

    3 purged     a version whose content is gone
    4 farewell   the change that says that the record was purged

Each row is looked at once, in the order of their ids, when it has become as old as `keep:` (or `keep_personal:`) says:

- The **newest** version of a record is that old: all of its versions are purged, and a change says so.
- A version that is that old replaced **earlier** ones: those have been history for so long, and are purged. How the
  records stood at any time within `keep:` can thus still be told; `whole_from` is the change from which on that holds.
- For **personal data**: the fields marked ``pii`` are erased in the row and in its copies that an undo brought back.
  A current record gets a new version without them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text, update

from gateway.store import personal, records, staging, tables
from gateway.store.database import stamp
from gateway.store.staging import FAREWELL, GONE, PURGED, column_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.contracts import Contract
    from gateway.store.database import Transaction
    from gateway.store.staging import Standing

BY_RETENTION = 0
"""The delivery of a run of changes that no delivery brought."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What one step did: `records` were purged whole, or lost personal data; `versions` that history lost, or cleaned.

    `looked` says whether there may be more to do.
    """

    records: int = 0
    versions: int = 0
    looked: bool = False


def purge(transaction: Transaction, contract: Contract, before: datetime, *, limit: int) -> Expired | None:
    """Purge up to `limit` versions that became visible before that time; None while a delivery stages or settles."""
    here = staging.locked(transaction, contract.id)
    if here.staging is not None:
        return None
    connection = transaction.connection
    low, high = _window(connection, contract, "purged_to", before, limit)
    if low > high:
        return Expired()
    span = {"low": low, "high": high, "contract": contract.id}
    cleared = "".join(f", {quoted(column)} = NULL" for column in here.columns)
    empty = f"UPDATE {here.table} SET body = '{GONE}', state = {PURGED}{cleared} WHERE id"
    going = connection.execute(text(_expiring(here)), span).all()
    replaced = connection.execute(
        text(f"""
        SELECT max(n.seq), count(DISTINCT o.id) FROM {here.table} n
        JOIN {here.table} o ON o.key = n.key AND o.id < n.id AND o.state = 2 AND o.body <> '{GONE}'
        WHERE n.id BETWEEN :low AND :high"""),
        span,
    ).one()
    connection.execute(
        text(f"""{empty} IN (
        SELECT o.id FROM {here.table} n
        JOIN {here.table} o ON o.key = n.key AND o.id < n.id AND o.state = 2 AND o.body <> '{GONE}'
        WHERE n.id BETWEEN :low AND :high)"""),
        span,
    )
    more = 0
    for at in range(0, len(going), 500):
        marks, values = _marks([row.key for row in going[at : at + 500]])
        more += connection.execute(
            text(f"{empty} IN (SELECT o.id FROM {here.table} o WHERE o.key IN ({marks}) AND o.body <> '{GONE}')"),
            values,
        ).rowcount
    if going:
        rows = [
            (row.key, FAREWELL, row.version + 1, row.delivery, row.document, row.start, row.stop, GONE) for row in going
        ]
        _tell(transaction, here, "key, state, version, delivery, document, start, stop, body", rows)
    whole_from = {"whole_from": replaced[0]} if replaced[0] is not None else {}
    _looked(transaction, contract, purged_to=high, **whole_from)
    return Expired(len(going), int(replaced[1]) + more - len(going), looked=True)


def _expiring(here: Standing) -> str:
    """The current versions of records of which nothing came behind the rows at hand, but by retention."""
    block = """(SELECT b.delivery FROM change_block b WHERE b.contract = :contract AND b.first_id <= s.id
        ORDER BY b.first_id DESC LIMIT 1)"""
    return f"""SELECT c.key, c.version, c.delivery, c.document, c.start, c.stop
        FROM (SELECT DISTINCT w.key FROM {here.table} w WHERE w.id BETWEEN :low AND :high) t
        JOIN {here.table} c ON c.key = t.key AND c.state = 1
        WHERE NOT EXISTS (
            SELECT 1 FROM {here.table} s WHERE s.key = t.key AND s.id > :high AND {block} <> {BY_RETENTION}
        ) ORDER BY c.key"""


def erase(transaction: Transaction, contract: Contract, before: datetime, *, limit: int) -> Expired | None:
    """Erase the personal data of up to `limit` versions that became visible before that time; None as for `purge`."""
    here = staging.locked(transaction, contract.id)
    if here.staging is not None:
        return None
    connection = transaction.connection
    _begin_again_where_more_is_personal(transaction, contract)
    low, high = _window(connection, contract, "erased_to", before, limit)
    if low > high:
        return Expired()
    erased = personal.eraser(contract)
    found = [(row, body) for row in _copies(connection, here, low, high) if (body := erased(row.body)) != row.body]
    cleared = "".join(f", {quoted(column_of(name))} = NULL" for name in personal.columns_of(contract))
    if found:
        connection.execute(
            text(f"UPDATE {here.table} SET body = :body{cleared} WHERE id = :id"),
            [{"id": row.id, "body": body} for row, body in found],
        )
    current = [row.id for row, _ in found if row.state == 1]
    _renew(transaction, here, current)
    _looked(transaction, contract, erased_to=high)
    return Expired(len(current), len(found), looked=True)


def _copies(connection: Connection, here: Standing, low: int, high: int) -> Sequence[Row[Any]]:
    """The rows at hand that have content, and every other row that says what they say: an undo brings versions back."""
    return connection.execute(
        text(f"""
        SELECT DISTINCT o.id, o.state, o.body FROM {here.table} w
        JOIN {here.table} o ON o.key = w.key AND o.delivery = w.delivery AND o.document = w.document
        WHERE w.id BETWEEN :low AND :high AND o.body <> '{GONE}' ORDER BY o.id"""),
        {"low": low, "high": high},
    ).all()


def _begin_again_where_more_is_personal(transaction: Transaction, contract: Contract) -> None:
    """A field that is marked as personal data later than others is erased in what was looked at already, too."""
    table = tables.contract
    said = json.dumps(sorted("/".join(path) for path in contract.personal()))
    transaction.connection.execute(
        update(table)
        .where(table.c.id == contract.id, table.c.erased.is_distinct_from(said))
        .values(erased=said, erased_to=0)
    )


def _renew(transaction: Transaction, here: Standing, ids: Sequence[int]) -> None:
    """Current rows that were changed in their place give way to a new version that says the same."""
    names = ["key", "delivery", "document", "start", "stop", "body", *map(quoted, here.columns)]
    for at in range(0, len(ids), 500):
        marks, values = _marks(list(ids[at : at + 500]))
        query = f"SELECT version + 1, {', '.join(names)} FROM {here.table} WHERE id IN ({marks}) ORDER BY id"
        rows = [(*row, 1) for row in transaction.connection.execute(text(query), values)]
        transaction.connection.execute(text(f"UPDATE {here.table} SET state = 2 WHERE id IN ({marks})"), values)
        fresh = staging.standing(transaction.connection, here.id)
        assert fresh is not None
        _tell(transaction, fresh, ", ".join(["version", *names, "state"]), rows)


def _tell(transaction: Transaction, here: Standing, names: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows as a run of changes, published and settled at once."""
    connection = transaction.connection
    first = transaction.next_number("seq", len(rows))
    marks = ", ".join(f":v{place}" for place in range(len(rows[0])))
    connection.execute(
        text(f"INSERT INTO {here.table} (id, seq, {names}) VALUES (:id, :seq, {marks})"),
        [
            {"id": here.next_id + place, "seq": first + place, **{f"v{nth}": value for nth, value in enumerate(row)}}
            for place, row in enumerate(rows)
        ],
    )
    connection.execute(
        insert(tables.change_block).values(
            first_seq=first,
            last_seq=first + len(rows) - 1,
            contract=here.id,
            delivery=BY_RETENTION,
            first_id=here.next_id,
            at=stamp(transaction.now),
        )
    )
    connection.execute(
        update(tables.contract)
        .where(tables.contract.c.id == here.id)
        .values(next_id=here.next_id + len(rows), last_seq=first + len(rows) - 1)
    )


def _window(connection: Connection, contract: Contract, mark: str, before: datetime, limit: int) -> tuple[int, int]:
    """The next rows to look at, first and last id; none when the last is before the first."""
    table = tables.contract
    looked = int(connection.execute(select(table.c[mark]).where(table.c.id == contract.id)).scalar_one())
    last = records.point(connection, contract, asked=before).last_id
    return looked + 1, min(looked + limit, last)


def _looked(transaction: Transaction, contract: Contract, **marks: int) -> None:
    table = tables.contract
    transaction.connection.execute(update(table).where(table.c.id == contract.id).values(marks))


def _marks(values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    named = {f"k{place}": value for place, value in enumerate(values)}
    return ", ".join(f":{name}" for name in named), named


# ── what would be done ───────────────────────────────────────────────────────────────────────────────────────────────


def would_purge(connection: Connection, contract: Contract, before: datetime) -> Expired:
    """What :func:`purge` would do until there is nothing left to do; an erasure that came last counts as a record."""
    here = staging.standing(connection, contract.id)
    if here is None:
        return Expired()
    low, high = _window(connection, contract, "purged_to", before, 1 << 62)
    span = {"low": low, "high": high, "contract": contract.id}
    gone = len(connection.execute(text(_expiring(here)), span).all()) if low <= high else 0
    replaced = connection.execute(
        text(f"""
        SELECT count(DISTINCT o.id) FROM {here.table} n
        JOIN {here.table} o ON o.key = n.key AND o.id < n.id AND o.state = 2 AND o.body <> '{GONE}'
        WHERE n.id BETWEEN :low AND :high"""),
        span,
    ).scalar_one()
    return Expired(gone, int(replaced), looked=low <= high)


def would_erase(connection: Connection, contract: Contract, before: datetime, *, limit: int = 5_000) -> Expired:
    """What :func:`erase` would do until there is nothing left to do."""
    here = staging.standing(connection, contract.id)
    if here is None:
        return Expired()
    erased = personal.eraser(contract)
    seen: dict[int, int] = {}
    for low, high in _spans(connection, contract, before, limit):
        seen |= {row.id: row.state for row in _copies(connection, here, low, high) if erased(row.body) != row.body}
    return Expired(sum(state == 1 for state in seen.values()), len(seen), looked=bool(seen))


def _spans(connection: Connection, contract: Contract, before: datetime, limit: int) -> Iterator[tuple[int, int]]:
    table = tables.contract
    row = connection.execute(select(table.c.erased, table.c.erased_to).where(table.c.id == contract.id)).one()
    said = json.dumps(sorted("/".join(path) for path in contract.personal()))
    low = row.erased_to + 1 if row.erased == said else 1
    last = records.point(connection, contract, asked=before).last_id
    while low <= last:
        yield low, min(low + limit - 1, last)
        low += limit
