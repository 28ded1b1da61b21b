"""Staging: a delivery's records are stored out of sight and published in one short transaction.

Each contract version has its own table of records: all versions of all its records, the ready JSON once, and a typed,
indexed column for each key, filterable and sortable field. A row's `state` says where it stands:

    0 staged     belongs to a delivery that is not published, or is published and not settled yet
    1 current    what a reader sees
    2 replaced   history; so is at once a row whose body is null, which says that the record is gone
    3, 4         purged: ``gateway.store.expiry``

**Staging** inserts rows with ascending ids in short transactions. **Publishing** is one short transaction whatever the
size of the delivery: it takes a run of change numbers and writes one block, "ids a to b of this table are changes m to
n". From then on readers see the delivery whole (P2, R1). **Settling** moves the rows from 0 to 1, and what they replace
from 1 to 2, in short transactions again; until it is done readers look at staged rows first. One delivery at a time
stages into a contract, which also keeps the order of deliveries.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, text, update

from gateway.errors import Retry, Stop
from gateway.store import repeated, tables
from gateway.store.database import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.store.database import Transaction

SETTLED_AT_ONCE = 5_000
"""Deliveries with at most so many records are settled in the transaction that publishes them."""

GONE = "null"
"""The body of a version that takes the record away."""

PURGED, FAREWELL = 3, 4
"""States of a version whose content was purged, and of the change that says so of a record."""

_NAME_BYTES_MAX = 63  # PostgreSQL cuts longer names, silently
_KINDS = {"int": "BIGINT", "decimal": "NUMERIC", "bool": "INTEGER"}  # every other type is text


class Staged(NamedTuple):
    """One accepted document on its way in: `json` is the record as it will be served, `columns` as the contract's."""

    key: str
    document: int
    start: int
    end: int
    json: str
    columns: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A contract's line in the store: where its table is and whether a published delivery is being settled."""

    id: str
    table: str
    last_seq: int
    staging: int | None
    staged_from: int | None
    offset: int | None
    next_id: int
    columns: tuple[str, ...]


def table_of(contract: Contract) -> str:
    """The name of a contract version's table of records."""
    return _bounded(f"record_{contract.name}_v{contract.version}".replace("-", "_").lower(), 40)


def column_of(field: str) -> str:
    """The column of a field: prefixed, so that no field can meet a column of ours or a word of SQL."""
    return _bounded(f"f_{field}", _NAME_BYTES_MAX)


def _bounded(name: str, size: int) -> str:
    """A name as short as the database asks for; the hash of what is cut off keeps two of them apart."""
    if len(name.encode()) <= size:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: size - 9].decode(errors='ignore')}_{digest}"


def ensure(transaction: Transaction, contract: Contract) -> None:
    """Make the contract's table, or give it the columns and indexes that a new revision asks for, filled."""
    connection = transaction.connection
    name = table_of(contract)
    wanted = {field.name: field.type for field in contract.columns()}
    known = connection.execute(select(tables.contract).where(tables.contract.c.id == contract.id)).first()
    collate = "" if transaction.is_sqlite else ' COLLATE "C"'
    if known is None:
        # SQLite makes an INTEGER PRIMARY KEY the row's own address: no second index, no look-up through one.
        big = "INTEGER" if transaction.is_sqlite else "BIGINT"
        connection.execute(
            text(f"""
            CREATE TABLE {name} (
                id {big} PRIMARY KEY, key TEXT{collate} NOT NULL, state SMALLINT NOT NULL,
                version INTEGER NOT NULL, seq BIGINT, delivery BIGINT NOT NULL, document BIGINT NOT NULL,
                start BIGINT NOT NULL, stop BIGINT NOT NULL, body TEXT NOT NULL
            )""")
        )
        # Settling a row must not touch the index that finds its versions; what pages are read from holds current rows
        # only, so that staging writes to one index however many fields can be filtered.
        connection.execute(text(f"CREATE INDEX {name}_versions ON {name} (key, id)"))
        connection.execute(text(f"CREATE INDEX {name}_current ON {name} (key) WHERE state = 1"))
        connection.execute(insert(tables.contract).values(id=contract.id, records=name, columns="{}"))
        present: dict[str, str] = {}
    else:
        present = json.loads(known.columns)
    for field, kind in wanted.items():
        if _KINDS.get(present.get(field, kind)) != _KINDS.get(kind):
            raise Stop(
                f"{contract.id}: the type of the field {field} was {present[field]} and is {kind} now",
                f"Records of both would stand side by side: write {contract.name} v{contract.version + 1}.",
            )
    gone = [field for field in present if field not in wanted]
    for field in gone:  # a column that nobody fills any more would hide records when it is wanted again
        connection.execute(text(f"DROP INDEX {quoted(_index_of(name, field))}"))
        connection.execute(text(f"ALTER TABLE {name} DROP COLUMN {quoted(column_of(field))}"))
    new = {field: kind for field, kind in wanted.items() if field not in present}
    for field, kind in new.items():
        column = quoted(column_of(field))
        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {column} {_KINDS.get(kind, 'TEXT' + collate)}"))
        connection.execute(
            text(f"CREATE INDEX {quoted(_index_of(name, field))} ON {name} ({column}, key) WHERE state = 1")
        )
    if new:
        _fill(connection, name, new)
    if new or gone:
        connection.execute(
            update(tables.contract).where(tables.contract.c.id == contract.id).values(columns=json.dumps(wanted))
        )


def _index_of(table: str, field: str) -> str:
    return _bounded(f"{table}_f_{field}", _NAME_BYTES_MAX)


def _fill(connection: Connection, name: str, new: dict[str, str]) -> None:
    """Give new columns their values from the JSON that is there."""
    setters = ", ".join(f"{quoted(column_of(field))} = :v{place}" for place, field in enumerate(new))
    last = -1
    while True:
        rows = connection.execute(
            text(f"SELECT id, body FROM {name} WHERE id > :last ORDER BY id LIMIT 1000"), {"last": last}
        ).all()
        if not rows:
            return
        last = rows[-1].id
        values = []
        for row in rows:
            record = json.loads(row.body) or {}
            values.append({f"v{place}": record.get(field) for place, field in enumerate(new)} | {"id": row.id})
        connection.execute(text(f"UPDATE {name} SET {setters} WHERE id = :id"), values)


def standing(connection: Connection, contract_id: str) -> Standing | None:
    """Where a contract stands in the store, or None when no revision has applied it."""
    table = tables.contract
    row = connection.execute(select(table).where(table.c.id == contract_id)).first()
    if row is None:
        return None
    columns = tuple(column_of(field) for field in json.loads(row.columns))
    return Standing(row.id, row.records, row.last_seq, row.staging, row.staged_from, row.offset, row.next_id, columns)


def recorded(connection: Connection) -> frozenset[str]:
    """The ids of the contracts of which a record was ever published."""
    table = tables.contract
    return frozenset(connection.execute(select(table.c.id).where(table.c.last_seq > 0)).scalars())


def claim(transaction: Transaction, contract: Contract, delivery: int) -> Standing:
    """Lock a contract for this delivery, so that nobody publishes into it between a question and its answer.

    Raises:
        Retry: another delivery stages into this contract now, or a revision with other columns came into force.
    """
    here = locked(transaction, contract.id)
    if here.staging is not None and (here.staging != delivery or here.offset is not None):
        raise Retry(f"another delivery is being stored as {contract.id}", delay_seconds=0.5)
    if set(here.columns) != {column_of(field.name) for field in contract.columns()}:
        raise Retry(f"another revision of {contract.id} came into force", delay_seconds=1.0)
    return here


def stage(transaction: Transaction, contract: Contract, delivery: int, rows: Sequence[Staged]) -> None:
    """Insert accepted documents of a delivery out of sight.

    Raises:
        Retry: as for :func:`claim`.
    """
    here = claim(transaction, contract, delivery)
    first = here.next_id
    _insert(transaction, here, contract, zip(itertools.repeat(delivery), rows))
    transaction.connection.execute(
        update(tables.contract)
        .where(tables.contract.c.id == contract.id)
        .values(
            staging=delivery,
            staged_from=first if here.staging is None else here.staged_from,
            next_id=first + len(rows),
        )
    )


def _insert(transaction: Transaction, here: Standing, contract: Contract, rows: Iterable[tuple[int, Staged]]) -> None:
    """Insert rows, each of a delivery, with the next ids, out of sight."""
    columns = [column_of(field.name) for field in contract.columns()]
    values = [
        (number, key, 0, 0, delivery, document, start, end, body, *searched)
        for number, (delivery, (key, document, start, end, body, searched)) in enumerate(rows, here.next_id)
    ]
    names = ", ".join(
        ["id", "key", "state", "version", "delivery", "document", "start", "stop", "body", *map(quoted, columns)]
    )
    if transaction.is_sqlite:
        marks = ", ".join("?" * (9 + len(columns)))
        transaction.connection.exec_driver_sql(f"INSERT INTO {here.table} ({names}) VALUES ({marks})", values)
    else:
        _copy(transaction.connection, f"COPY {here.table} ({names}) FROM STDIN", values)


def _copy(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Bulk rows into PostgreSQL inside the transaction at hand: ten times the pace of INSERT."""
    driver: Any = connection.connection.driver_connection
    # Errors leave as psycopg's own; ``Database.write`` translates both kinds.
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def staged(connection: Connection, delivery: int) -> list[Standing]:
    """The contracts into which this delivery has staged, or whose settling it left unfinished."""
    table = tables.contract
    ids = connection.execute(select(table.c.id).where(table.c.staging == delivery)).scalars().all()
    return [here for contract_id in ids if (here := standing(connection, contract_id)) is not None]


def newer(connection: Connection, contract: Contract, delivery: int, keys: Sequence[str]) -> dict[str, int]:
    """The keys among `keys` whose current record came with a later delivery, with the number of that one.

    An older delivery must not replace it (P6).
    """
    if _latest_delivery(connection, contract) <= delivery:
        return {}
    found: dict[str, int] = {}
    for at in range(0, len(keys), 500):
        part = {f"k{place}": key for place, key in enumerate(keys[at : at + 500])}
        marks = ", ".join(f":{name}" for name in part)
        rows = connection.execute(
            text(
                f"SELECT key, delivery FROM {table_of(contract)} "
                f"WHERE state IN (0, 1, 4) AND delivery > :delivery AND key IN ({marks})"
            ),
            part | {"delivery": delivery},
        )
        found.update((row.key, row.delivery) for row in rows)
    return found


def _latest_delivery(connection: Connection, contract: Contract) -> int:
    """The number of the latest delivery that has published records of a contract; 0 where none has."""
    blocks = tables.change_block
    latest = connection.execute(select(func.max(blocks.c.delivery)).where(blocks.c.contract == contract.id)).scalar()
    return latest or 0


def changed(
    connection: Connection, contract: Contract, rows: Sequence[Staged], *, erased: Callable[[str], str]
) -> list[Staged]:
    """The rows that say something else than the record with their key as it stands before each of them.

    A record that lost its personal data does not get them back as long as nothing else is said; `erased` takes them
    out.
    """
    kept: list[Staged] = []
    for at in range(0, len(rows), 500):
        part = {f"k{place}": row.key for place, row in enumerate(rows[at : at + 500])}
        marks = ", ".join(f":{name}" for name in part)
        said = connection.execute(  # what this delivery has staged already comes after what is current
            text(f"SELECT key, body FROM {table_of(contract)} WHERE state IN (0, 1) AND key IN ({marks}) ORDER BY id"),
            part,
        )
        bodies = {row.key: row.body for row in said} | {row.key: row.json for row in kept}
        for row in rows[at : at + 500]:
            body = bodies.get(row.key, GONE)
            if body == row.json or (GONE not in (body, row.json) and body == erased(row.json)):
                continue
            bodies[row.key] = row.json
            kept.append(row)
    return kept


def unstage(transaction: Transaction, contract_id: str, *, limit: int = 20_000) -> bool:
    """Throw away up to `limit` rows that a broken try left staged; True when none is left."""
    here = locked(transaction, contract_id)
    if here.staging is None or here.offset is not None:
        return True
    low = here.staged_from or here.next_id
    keep_below = max(low, here.next_id - limit)
    transaction.connection.execute(text(f"DELETE FROM {here.table} WHERE id >= :low"), {"low": keep_below})
    done = keep_below == low
    transaction.connection.execute(
        update(tables.contract)
        .where(tables.contract.c.id == contract_id)
        .values(next_id=keep_below, **({"staging": None, "staged_from": None} if done else {}))
    )
    return done


def publish(transaction: Transaction, contract_id: str, delivery: int, *, revision: str | None = None) -> int:
    """Make what the delivery staged visible: one block of consecutive change numbers. Returns how many records.

    `revision` is the configuration that judged them.
    """
    here = locked(transaction, contract_id)
    if here.staging != delivery or here.staged_from is None or here.offset is not None:
        raise AssertionError(f"{contract_id} has nothing staged for delivery {delivery}")
    count = here.next_id - here.staged_from
    first = transaction.next_number("seq", count)
    connection = transaction.connection
    connection.execute(
        insert(tables.change_block).values(
            first_seq=first,
            last_seq=first + count - 1,
            contract=contract_id,
            delivery=delivery,
            first_id=here.staged_from,
            at=stamp(transaction.now),
            revision=revision,
        )
    )
    connection.execute(
        update(tables.contract)
        .where(tables.contract.c.id == contract_id)
        .values(last_seq=first + count - 1, offset=first - here.staged_from)
    )
    if count <= SETTLED_AT_ONCE:
        assert settle(transaction, contract_id, limit=SETTLED_AT_ONCE, first=here.staged_from)
    return count


def put(
    transaction: Transaction, contract: Contract, brought: Sequence[tuple[int, Sequence[Staged]]], *, revision: str
) -> bool:
    """Stage, publish and settle what several small deliveries brought, in their order, all in this transaction.

    The tables end as if each of them had been staged, published and settled after the other. False, and nothing done,
    where a later delivery brought one of the keys already (P6).

    Raises:
        Retry: as for :func:`claim`.
    """
    here = claim(transaction, contract, 0)
    keys = [row.key for _, theirs in brought for row in theirs]
    if newer(transaction.connection, contract, min(number for number, _ in brought), keys):
        return False
    rows = [(number, row) for number, theirs in brought for row in theirs]
    _insert(transaction, here, contract, rows)
    first = transaction.next_number("seq", len(rows))
    offset = first - here.next_id
    blocks = []
    at = here.next_id
    for number, theirs in brought:
        blocks.append(
            {
                "first_seq": at + offset,
                "last_seq": at + offset + len(theirs) - 1,
                "contract": contract.id,
                "delivery": number,
                "first_id": at,
                "at": stamp(transaction.now),
                "revision": revision,
            }
        )
        at += len(theirs)
    transaction.connection.execute(insert(tables.change_block), blocks)
    _move(transaction.connection, here.table, here.next_id, at, offset)
    if any(len({row.key for row in theirs}) < len(theirs) for _, theirs in brought):
        repeated.tell(transaction, here.table, here.next_id, at)
    transaction.connection.execute(
        update(tables.contract).where(tables.contract.c.id == contract.id).values(next_id=at, last_seq=at + offset - 1)
    )
    return True


def settle(transaction: Transaction, contract_id: str, *, limit: int = 5_000, first: int | None = None) -> bool:
    """Move up to `limit` published rows to their place; True when nothing is left to settle.

    `first` is the id with which they begin, where that is known.
    """
    here = locked(transaction, contract_id)
    if here.offset is None or here.staged_from is None:
        return True
    low, high = here.staged_from, min(here.staged_from + limit, here.next_id)
    _move(transaction.connection, here.table, low, high, here.offset)
    done = high == here.next_id
    if done:
        first = _first_id(transaction.connection, here) if first is None else first
        repeated.tell(transaction, here.table, first, here.next_id)
    transaction.connection.execute(
        update(tables.contract)
        .where(tables.contract.c.id == contract_id)
        .values({"staged_from": high} if not done else {"staging": None, "staged_from": None, "offset": None})
    )
    return done


def _first_id(connection: Connection, here: Standing) -> int:
    """The first row of what is being settled, of which chunks may have been settled before."""
    blocks = tables.change_block
    mine = (blocks.c.contract == here.id, blocks.c.delivery == here.staging)
    return int(connection.execute(select(func.max(blocks.c.first_id)).where(*mine)).scalar_one())


def _move(connection: Connection, table: str, low: int, high: int, offset: int) -> None:
    """Move the staged rows with ids from `low` to before `high` to their place; `offset` is change number - id."""
    span = {"low": low, "high": high}
    moving = f"FROM {table} s WHERE s.id >= :low AND s.id < :high AND s.state = 0"
    connection.execute(text(f"UPDATE {table} SET state = 2 WHERE state = 1 AND key IN (SELECT s.key {moving})"), span)
    # A key that stands several times among the rows at hand: each is a version, and the last of them is current.
    connection.execute(
        text(f"""
        WITH moved AS (
            SELECT s.id, s.body, row_number() OVER same_key AS place, lead(s.id) OVER same_key AS later, coalesce((
                SELECT p.version FROM {table} p WHERE p.key = s.key AND p.id < :low AND p.state > 1
                ORDER BY p.id DESC LIMIT 1), 0) AS before
            {moving} WINDOW same_key AS (PARTITION BY s.key ORDER BY s.id)
        )
        UPDATE {table} SET seq = {table}.id + :offset, version = moved.before + moved.place,
            state = CASE WHEN moved.later IS NULL AND moved.body <> '{GONE}' THEN 1 ELSE 2 END
        FROM moved WHERE moved.id = {table}.id"""),
        span | {"offset": offset},
    )


def locked(transaction: Transaction, contract_id: str) -> Standing:
    """The contract's line, locked until the transaction ends."""
    if not transaction.is_sqlite:
        table = tables.contract
        transaction.connection.execute(select(table.c.id).where(table.c.id == contract_id).with_for_update())
    here = standing(transaction.connection, contract_id)
    if here is None:
        raise AssertionError(f"contract {contract_id} was never applied")
    return here


def quoted(name: str) -> str:
    """A name as SQL takes it literally."""
    return '"' + name.replace('"', '""') + '"'
