"""What is asked for often is found by an index, as both databases say of the very statements that are sent."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text

from gateway.store import audit, leases, records, retention, trials
from gateway.store.database import Database, stamp
from gateway.store.tables import answering, change_block, delivery, purged_content, trial
from gateway.store.tables import audit as audit_table
from tests.gateway.store.plans import plans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

ROWS = 20_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ORDER: Any = SimpleNamespace(id="order.v1")
WAY_BACK = BEGAN + timedelta(minutes=30)


@pytest.fixture(scope="module")
def database(module_store: str) -> Iterator[Database]:
    with closing(Database(module_store, clock=lambda: datetime.now(UTC))) as made:
        made.migrate()
        with made.write() as transaction:
            for table, row in _ROWS.items():
                transaction.connection.execute(insert(table), [row(number) for number in range(1, ROWS + 1)])
            transaction.connection.execute(text("ANALYZE"))
        yield made


def _at(number: int) -> str:
    return stamp(BEGAN + timedelta(minutes=number))


_ROWS: dict[Any, Callable[[int], dict[str, Any]]] = {
    change_block: lambda number: {
        "first_seq": number,
        "last_seq": number,
        "contract": "order.v1" if number % 2 else "price.v2",
        "delivery": number,
        "first_id": number,
        "at": _at(number),
    },
    delivery: lambda number: {
        "id": f"d_{number}",
        "state": "accepted",
        "source": "drop://acme",
        "name": "a.edi",
        "lane": "acme",
        "sha256": f"{number:064}",
        "size": 1,
        "received_at": _at(number),
        "owner": f"worker {number}" if number % 1000 == 0 else None,
    },
    answering: lambda number: {
        "delivery": number,
        "revision": "r",
        "twin": number - 1 if number % 100 == 0 else None,
        "state": "due",
        "due": 9e9,
    },
    audit_table: lambda number: {
        "number": number,
        "at": _at(number),
        "who": "worker" if number % 500 else f"key {number}",
        "action": "closed" if number % 500 else f"did {number}",
        "subject": f"delivery {number}",
        "details": "{}",
        "hash": "",
    },
    trial: lambda number: {
        "id": f"t_{number:06}",
        "lane": "api",
        "partner": f"partner {number % 200}" if number % 200 else None,
        "source": "drop://acme",
        "name": "a.edi",
        "size": 1,
        "asked_at": _at(number),
        "state": "done",
        "result": "{}",
    },
    purged_content: lambda number: {
        "sha256": f"{number:064}",
        "at": _at(1),
        "deleted_at": None if number % 2 else _at(2),
    },
}


ASKED: dict[str, Callable[[Connection], object]] = {
    "change_block_at": lambda connection: records.point(connection, ORDER, asked=WAY_BACK),
    "delivery_owner": lambda connection: leases.held_by(connection, "worker 3000"),
    "answering_twin": lambda connection: retention.is_to_be_answered(connection, ROWS + 1),
    "audit_action": lambda connection: audit.last(connection, limit=1, action="restored"),
    "audit_who": lambda connection: audit.last(connection, limit=1, who="key 500"),
    "purged_content_left": lambda connection: retention.condemned(
        connection, after=retention.Condemned(_at(1), f"{9000:064}"), limit=100
    ),
}


@pytest.mark.parametrize("index", ASKED)
def test_what_is_asked_for_often_is_found_by_its_index(database: Database, index: str) -> None:
    plan = plans(database, ASKED[index])
    assert index in plan, plan
    assert "SCAN delivery" not in plan, plan
    assert not [line for line in plan.splitlines() if "Seq Scan" in line and line.count("rows=1 ") == 0], plan


@pytest.mark.parametrize(
    "act",
    [
        lambda connection: trials.page(connection, partner="partner 7"),
        lambda connection: trials.page(connection, partners=["partner 7"]),
        lambda connection: trials.surplus(connection, "partner 7"),
        lambda connection: trials.surplus(connection, None),
    ],
    ids=["of a partner", "of those that may be seen", "too many of a partner", "too many of nobody"],
)
def test_the_trials_of_a_partner_are_found_by_their_index(
    database: Database, act: Callable[[Connection], object]
) -> None:
    plan = plans(database, act)
    assert "trial_partner" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_the_point_of_a_time_is_the_last_change_by_then_though_clocks_differ(database: Database) -> None:
    with database.write() as transaction:
        some = {"contract": "late.v1", "delivery": 1}
        times = [10, 30, 20, 60, 50, 3000]  # minutes, in the order of the changes
        rows = [
            {**some, "first_seq": ROWS + n, "last_seq": ROWS + n, "first_id": n, "at": _at(minute)}
            for n, minute in enumerate(times, 1)
        ]
        transaction.connection.execute(insert(change_block), rows)
    contract: Any = SimpleNamespace(id="late.v1")
    with database.read() as connection:
        for minute in range(0, 3100, 5):
            found = records.point(connection, contract, asked=BEGAN + timedelta(minutes=minute))
            expected = max((n for n, at in enumerate(times, 1) if at <= minute), default=0)
            assert found.last_id == expected
