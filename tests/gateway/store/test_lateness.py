"""What is late is found among all that was ever sent, told once, and counted for as long as it is so."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, text

from gateway.store import lateness, letters, outgoing, outlets, readiness
from gateway.store.database import Database, stamp
from gateway.store.outgoing import Bag
from gateway.store.tables import acknowledgment, delivery, letter, lettering
from tests.gateway.store.plans import plans, plans_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

ROWS = 3_000
NOW = datetime(2026, 11, 21, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=30)


@pytest.fixture(scope="module")
def database(module_store: str) -> Iterator[Database]:
    """Thousands of answers and letters that were sent, and of each the last one that was not."""
    with closing(Database(module_store, clock=lambda: NOW)) as made:
        made.migrate()
        with made.write() as transaction:
            for table, row in _ROWS.items():
                transaction.connection.execute(insert(table), [row(number) for number in range(1, ROWS + 1)])
            if not made.is_sqlite:
                transaction.connection.execute(text("ANALYZE"))  # which SQLite does by nobody's doing
        yield made


def _way(number: int) -> dict[str, Any]:
    late = number == ROWS
    return {"state": "built" if late else "sent", "due": NOW.timestamp() if late else None, "partner": "acme"}


_ROWS: dict[Any, Callable[[int], dict[str, Any]]] = {
    delivery: lambda number: {
        "id": f"d_{number}",
        "state": "accepted",
        "source": "drop://acme",
        "name": "a.edi",
        "partner": "acme",
        "lane": "acme",
        "sha256": f"{number:064}",
        "size": 1,
        "received_at": stamp(NOW - timedelta(hours=1)),
        "finished_at": stamp(NOW - timedelta(hours=1)),
    },
    acknowledgment: lambda number: {
        **_way(number),
        "delivery": number,
        "place": 1,
        "interchange": 1,
        "functional_group": 0,
        "standard": "x12",
        "received": 1,
        "accepted": 1,
        "kind": "997",
        "number": number,
        "sender": "a",
        "receiver": "b",
        "disposition": "accepted",
        "answers_interchange": "1",
        "again": 0,
        "name": f"{number}.edi",
        "content": b"ISA",
        "built_at": stamp(NOW - timedelta(hours=1)),
    },
    lettering: lambda number: {
        **_way(number),
        "delivery": number,
        "number": 1,
        "revision": "r",
        "ended": "quarantined",
        "documents": "{}",
        "owed_at": stamp(NOW - timedelta(hours=1)),
    },
    letter: lambda number: {
        **_way(number),
        "delivery": number,
        "number": 1,
        "kind": "text",
        "name": f"{number}.txt",
        "content": b"Dear",
        "built_at": stamp(NOW - timedelta(hours=1)),
    },
}


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda connection: lateness.count(connection, BEFORE), id="counted"),
        pytest.param(lambda connection: lateness.count(connection, BEFORE, partners=["acme"]), id="of some"),
        pytest.param(lambda connection: lateness.is_any(connection, BEFORE - timedelta(days=1)), id="looked for"),
        pytest.param(lambda connection: letters.held_by(connection, "worker"), id="held"),
    ],
)
def test_what_was_sent_is_not_read_again(database: Database, act: Callable[[Connection], object]) -> None:
    plan = plans(database, act)
    for table in ("acknowledgment", "lettering", "letter"):
        assert f"'SCAN {table}'" not in plan, plan
        assert f"Seq Scan on {table} " not in plan, plan
    assert "lettering_due" in plan
    assert "delivery_partner" not in plan, plan


@pytest.mark.parametrize("bag", [Bag(), Bag(["acme"]), Bag(["acme", "globex"]), Bag(but=["globex"]), Bag(mails=True)])
def test_what_is_due_is_found_among_what_waits(database: Database, bag: Bag) -> None:
    with database.write() as transaction:
        plan = plans_of(
            transaction.connection,
            lambda _: outgoing.take_outgoing(transaction, owner="w", seconds=0, count=8, bag=bag),
        )
    assert "letter_due" in plan
    for each in ("SCAN", "Seq Scan", "letter_file", "acknowledgment_file"):
        assert each not in plan, plan


def test_how_far_a_partner_came_is_asked_of_an_index(database: Database) -> None:
    plan = plans(database, lambda connection: outlets.progress(connection, "acme", mails=False))
    assert {"acknowledgment_sent", "letter_sent", "acknowledgment_due", "letter_due"} <= set(re.findall(r"\w+", plan))
    assert "SCAN" not in plan, plan
    ways = readiness.Ways(own=("folder:acme",), shared=("folder:van",))
    plan = plans(database, lambda connection: readiness.facts(connection, "acme", ways))
    assert database.is_sqlite is ("COVERING INDEX acknowledgment_sent" in plan), plan
    assert "SCAN delivery" not in plan, plan


def test_what_is_late_is_told_once_and_counted_as_long_as_it_is(database: Database) -> None:
    with database.write() as transaction:
        assert lateness.count(transaction.connection, BEFORE) == 3
        assert lateness.count(transaction.connection, BEFORE, partners=["acme", "globex"]) == 3
        assert lateness.count(transaction.connection, BEFORE, partners=["globex"]) == 0
        assert lateness.is_any(transaction.connection, BEFORE)
        told = {each.what for each in lateness.take(transaction, BEFORE)}
        assert told == {f"{ROWS}.edi", "the letter", f"{ROWS}.txt"}
        assert not lateness.is_any(transaction.connection, BEFORE)
        assert lateness.take(transaction, BEFORE) == []
        assert lateness.count(transaction.connection, BEFORE) == 3
        assert lateness.count(transaction.connection, BEFORE - timedelta(hours=1)) == 0
