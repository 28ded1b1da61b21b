"""A whole store read as plain rows, and written into an empty one: the same rows on SQLite and PostgreSQL.

All that is read through one connection of ``Database.read`` is one snapshot, while others write.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, inspect, select, text, union, update

from gateway.contracts import Contract, Field
from gateway.errors import Stop
from gateway.model import DeliveryState
from gateway.store import staging, tables
from gateway.store.acknowledgments import BUILT, STAGED
from gateway.store.staging import quoted
from gateway.store.tables import acknowledgment, decision, delivery, letter, member, metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.store.database import Transaction

_ROWS_AT_ONCE = 2_000
_FILLED = (tables.delivery, tables.revision, tables.api_key, tables.activity, tables.audit, tables.contract)


@dataclass(frozen=True, slots=True)
class Content:
    """A file of the vault that the store names, and its length in bytes."""

    sha256: str
    size: int


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def schema(connection: Connection) -> str:
    """The name of the migration that the store's tables have."""
    name: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return name


def names(connection: Connection) -> list[str]:
    """Every table of the store that is copied: those that all stores have, but for trials, and those of records."""
    records = connection.execute(select(tables.contract.c.records).order_by(tables.contract.c.records)).scalars()
    return [*sorted(metadata.tables.keys() - {tables.trial.name}), *records]


def lines(connection: Connection, table: str) -> Iterator[bytes]:
    """A table as lines of JSON: first the names of its columns, then each row; memory is bounded."""
    result = connection.exec_driver_sql(f"SELECT * FROM {quoted(table)}", execution_options={"stream_results": True})
    yield orjson.dumps(list(result.keys())) + b"\n"
    for part in result.partitions(_ROWS_AT_ONCE):
        for row in part:
            yield orjson.dumps(list(row), default=_plain) + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)  # a decimal of PostgreSQL


def content(connection: Connection) -> Iterator[Content]:
    """Every file that the vault must have: raw files, members of archives and corrections of what is not purged."""
    kept = delivery.c.state != DeliveryState.PURGED
    named = [select(delivery.c.sha256, delivery.c.size).where(kept)]
    for table in (member, decision):
        of_kept = table.join(delivery, delivery.c.number == table.c.delivery)
        named.append(select(table.c.sha256, table.c.size).select_from(of_kept).where(kept, table.c.sha256.is_not(None)))
    for row in connection.execute(union(*named).order_by("sha256")):
        yield Content(row.sha256, row.size)


# ── write ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_empty(connection: Connection) -> bool:
    """Whether nothing was ever done with this store."""
    return all(connection.execute(select(1).select_from(table).limit(1)).first() is None for table in _FILLED)


def empty(transaction: Transaction) -> None:
    """Take away the few rows that a new store has: every table is written whole.

    Raises:
        Stop: the store is not a new one.
    """
    if not is_empty(transaction.connection):
        raise Stop("the store is not empty", "A backup is restored into a new store alone; name another one in store:.")
    for table in metadata.sorted_tables:
        transaction.connection.execute(table.delete())


def make_records(transaction: Transaction, contracts: Iterable[Mapping[str, Any]]) -> None:
    """Make the tables of records that the rows of the table ``contract`` tell of."""
    for row in contracts:
        name, _, version = row["id"].rpartition(".v")
        fields = tuple(Field(field, kind, filterable=True) for field, kind in json.loads(row["columns"]).items())
        staging.ensure(transaction, Contract(name, int(version), "", "", (), fields))
    transaction.connection.execute(tables.contract.delete())


def write(transaction: Transaction, table: str, given: Iterator[bytes]) -> int:
    """Fill a table with lines as :func:`lines` gave them; returns the count of rows.

    Raises:
        Stop: this store has other columns.
    """
    columns: list[str] = orjson.loads(next(given))
    here = {column["name"] for column in inspect(transaction.connection).get_columns(table)}
    if set(columns) != here:
        raise Stop(f"the table {table} has other columns here", "Restore with the version of the gateway that made it.")
    into = f"{quoted(table)} ({', '.join(map(quoted, columns))})"
    count = 0
    while part := [tuple(map(_value, orjson.loads(line))) for line in islice(given, _ROWS_AT_ONCE)]:
        count += len(part)
        if transaction.is_sqlite:
            marks = ", ".join("?" * len(columns))
            transaction.connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", part)
        else:
            driver: Any = transaction.connection.connection.driver_connection
            with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for row in part:
                    copy.write_row(row)
    return count


def _value(said: Any) -> Any:
    return base64.b64decode(said["base64"]) if isinstance(said, dict) else said


def set_going(transaction: Transaction) -> None:
    """The rows are there: numbers go on behind them, and what somebody was at work on is free for others.

    An answer whose file was staged in a drop folder, which no backup holds, is staged anew.
    """
    connection = transaction.connection
    for each in (acknowledgment, letter):
        connection.execute(update(each).where(each.c.state == STAGED).values(state=BUILT, staged=None))
    for table in metadata.sorted_tables:
        if "owner" in table.c and "due" in table.c:
            free = update(table).where(table.c.owner.is_not(None))
            connection.execute(free.values(owner=None, due=transaction.now.timestamp()))
        if transaction.is_sqlite:
            continue
        for column in table.primary_key.columns:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            newest = connection.execute(select(func.max(column)).where(sequence.is_not(None))).scalar()
            if newest is not None:
                connection.execute(select(func.setval(sequence, newest)))


def rows_of(given: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The rows of a table from its lines, by the names of their columns."""
    columns: Sequence[str] = orjson.loads(next(given))
    for line in given:
        yield dict(zip(columns, map(_value, orjson.loads(line)), strict=True))
