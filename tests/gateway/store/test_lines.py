"""All records of a query as lines: those of its pages in their order, at every moment, in parts of some size."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import SQLAlchemyError

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.store import deliveries, lines, records, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.records import Filter, Query
from gateway.store.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

PRICE = Contract(
    "price", 1, "", "", ("sku",),
    (
        Field("sku", "text"),
        Field("price", "decimal", filterable=True, sortable=True),
        Field("group", "text", required=False, filterable=True, sortable=True),
    ),
)  # fmt: skip
QUERIES = (
    Query(PRICE, limit=None),
    Query(PRICE, limit=None, sort=(("_key", True),)),
    Query(PRICE, limit=None, sort=(("group", True),)),
    Query(PRICE, limit=None, sort=(("group", False), ("price", True))),
    Query(PRICE, limit=None, filters=(Filter("group", "in", ("a", "é")),), sort=(("price", False),)),
    Query(PRICE, limit=None, filters=(Filter("group", "isnull", True),)),
    Query(PRICE, limit=None, filters=(Filter("price", "lt", "-1"),)),
)


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url, clock=lambda: datetime.now(UTC))
    database.migrate()
    with database.write() as transaction:
        staging.ensure(transaction, PRICE)
    yield database
    database.close()


def row(number: int, note: str = "") -> Staged:
    group = (None, "a", "é")[number % 3]
    members = {"sku": f"S{number:04}", "price": f"{number % 7}.5"} | ({"group": group} if group else {})
    body = json.dumps(members | ({"note": note} if note else {}), ensure_ascii=False, separators=(",", ":"))
    return Staged(members["sku"], number, 0, 9, body, (members["sku"], members["price"], group))


def deliver(database: Database, folder: Path, name: str, rows: list[Staged]) -> None:
    """Store a delivery and publish it."""
    stored = LocalVault(folder).put(io.BytesIO(b"raw"))
    with database.write() as transaction:
        number = deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id=name)[0].number
        staging.stage(transaction, PRICE, number, rows)
    with database.write() as transaction:
        staging.publish(transaction, PRICE.id, number)


def check(database: Database, then: records.Point | None = None) -> None:
    """Lines are the items of a page that holds all of them."""
    with database.read() as connection:
        for query in QUERIES:
            found = b"".join(lines.stream(connection, query, then))
            items = records.page(connection, replace(query, limit=10_000), then).items
            assert found == b"".join(item + b"\n" for item in items), query
            assert len(items) == records.count(connection, query, then)


def test_lines_are_the_records_of_all_pages_also_while_a_delivery_is_settled_and_as_they_stood(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, tmp_path, "d_1", [row(number) for number in range(700)])
    with database.read() as connection:
        then = records.point(connection, PRICE)
        before = b"".join(lines.stream(connection, QUERIES[0]))
    check(database)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 0)
    deliver(database, tmp_path, "d_2", [row(number, "new") for number in range(650, 750)])
    check(database)
    check(database, then)
    with database.read() as connection:
        assert b"".join(lines.stream(connection, QUERIES[0], then)) == before
        assert b"".join(lines.stream(connection, QUERIES[0])).count(b"\n") == 750
    with database.write() as transaction:
        assert staging.settle(transaction, PRICE.id)
    check(database)
    check(database, then)


def test_the_first_part_is_small_and_the_others_as_large_as_they_may_be(database: Database, tmp_path: Path) -> None:
    deliver(database, tmp_path, "d_1", [row(number, "x" * 150) for number in range(2000)])
    with database.read() as connection:
        parts = list(lines.stream(connection, Query(PRICE, limit=None)))
    assert all(part.endswith(b"\n") for part in parts)
    sizes = [len(part) for part in parts]
    assert sizes[0] < 5_000
    assert max(sizes) > lines.PART_BYTES / 2
    assert all(size < lines.PART_BYTES * 1.1 for size in sizes)


def test_records_that_are_large_come_one_by_one(database: Database, tmp_path: Path) -> None:
    large = "x" * lines.PART_BYTES
    deliver(database, tmp_path, "d_1", [row(number, large) for number in range(20)])
    with database.read() as connection:
        counts = [part.count(b"\n") for part in lines.stream(connection, Query(PRICE, limit=None))]
    assert counts == [16, 1, 1, 1, 1]


def test_a_contract_that_no_revision_applied_has_none(database: Database) -> None:
    with database.read() as connection:
        assert list(lines.stream(connection, Query(replace(PRICE, name="other"), limit=None))) == []


def test_a_sweep_keeps_few_pages_and_its_connection_is_as_before_afterwards(tmp_path: Path) -> None:
    database = Database(f"sqlite:{tmp_path}/gateway.db", clock=lambda: datetime.now(UTC))
    with database.read() as connection:
        usual = pages(connection)
        with lines.sweep(connection):
            assert pages(connection) == -2000
        assert pages(connection) == usual == -16000
        with pytest.raises(ZeroDivisionError), lines.sweep(connection):
            1 / 0  # noqa: B018 - which fails
        assert pages(connection) == usual
    with suppress(SQLAlchemyError), database.read() as connection, lines.sweep(connection):
        connection.invalidate()  # its time was over
    database.close()


def pages(connection: Connection) -> int:
    found: int = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    return found
