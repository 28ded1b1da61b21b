"""Pages of the change log: whole, in order, bounded, and the same however they are cut; on both stores."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.store import changes, deliveries, expiry, records, replays, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.staging import Staged
from tests.acceptance.changes import behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gateway.store.changes import Change

PRICE = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"),))
ORDER = Contract("order", 1, "", "", ("number",), (Field("number", "text"),), per_partner=True)
BOTH = {PRICE.id: PRICE, ORDER.id: ORDER}


class Store:
    """A store, and hands to fill it with."""

    def __init__(self, url: str, folder: Path) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        self.database = Database(url, clock=lambda: self.now)
        self.database.migrate()
        self.folder = folder
        self.landed = 0
        with self.database.write() as transaction:
            for contract in BOTH.values():
                staging.ensure(transaction, contract)

    def land(self, partner: str = "acme") -> int:
        self.landed += 1
        stored = LocalVault(self.folder / "vault").put(io.BytesIO(b"raw"))
        with self.database.write() as transaction:
            arrived = Arrived("folder:in", "a", partner)
            return deliveries.land(transaction, arrived, stored, new_id=f"d_{self.landed}")[0].number

    def give(self, contract: Contract, *keys: str, partner: str = "acme", settled: bool = True, size: int = 0) -> int:
        """A delivery with a version of each key."""
        number = self.land(partner)
        rows = [
            Staged(key, place, 0, 1, json.dumps({"n": number, "x": "ß" * size}, ensure_ascii=False), (key,))
            for place, key in enumerate(keys, 1)
        ]
        with self.database.write() as transaction:
            staging.stage(transaction, contract, number, rows)
        with self.database.write() as transaction:
            staging.publish(transaction, contract.id, number)
        if settled:
            with self.database.write() as transaction:
                assert staging.settle(transaction, contract.id)
        return number

    def undo(self, number: int) -> None:
        """Take back what a delivery brought, published and settled."""
        with self.database.write() as transaction:
            for window in replays.windows(transaction.connection, number):
                replays.take_back(transaction, window, number)
            for here in staging.staged(transaction.connection, number):
                staging.publish(transaction, here.id, number)

    def page(self, after: int, wanted: Mapping[str, Contract] = BOTH, **more: Any) -> changes.Page:
        with self.database.read() as connection:
            return changes.page(connection, after, wanted, **({"limit": 1000} | more))

    def through(self, wanted: Mapping[str, Contract] = BOTH, *, limit: int = 1000, **more: Any) -> list[Change]:
        """The whole log, page by page."""
        found: list[Change] = []
        after = 0
        while True:
            page = self.page(after, wanted, limit=limit, **more)
            assert len(page.changes) <= limit
            assert page.next > after or page.next == page.newest
            assert [each for each in page.changes if not after < each.seq <= page.next] == []
            found += page.changes
            after = page.next
            if after == page.newest:
                return found


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    made = Store(store_url, tmp_path)
    yield made
    made.database.close()


def filled(store: Store) -> Store:
    """Two types whose runs take turns, keys that come again, one undone delivery, one that is not settled."""
    store.give(PRICE, "a", "b", "c")
    store.give(ORDER, "acme~1", "acme~2")
    again = store.give(PRICE, "b", "c", "d", "c")
    for number in range(5):
        store.give(ORDER, f"acme~{number}")
        store.give(PRICE, "e")
    store.undo(again)
    return store


def test_what_one_delivery_made_is_its_part_of_the_log_however_it_is_cut(store: Store) -> None:
    filled(store)
    log = {each.seq: each for each in store.through()}
    with store.database.read() as connection:
        blocks = connection.execute(text("SELECT delivery, first_seq, last_seq FROM change_block")).all()
        for number in range(store.landed + 2):
            theirs = [log[seq] for run in blocks if run[0] == number for seq in range(run[1], run[2] + 1)]
            for limit, bytes_max in ((1, changes.BYTES_MAX), (3, changes.BYTES_MAX), (1000, 1), (1000, 10**6)):
                found: list[Change] = []
                after = 0
                while True:
                    page = changes.of_delivery(connection, number, after, BOTH, limit=limit, bytes_max=bytes_max)
                    found += page.changes
                    assert page.newest == max((each.seq for each in theirs), default=0)
                    if page.next >= page.newest:
                        break
                    assert page.next > after
                    after = page.next
                assert found == sorted(theirs)
    assert len({each.delivery for each in log.values()}) > 3


def test_pages_are_the_log_however_they_are_cut(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 0)
    store.give(ORDER, "acme~1", "acme~7", "acme~1", settled=False)
    store.land()
    with store.database.read() as connection:
        log = behind(connection)
        assert changes.newest(connection)[0] == len(log)
    whole = store.through()
    assert [each.seq for each in whole] == list(range(1, len(log) + 1))
    assert [(each.seq, each.contract, each.key) for each in whole] == [each[:3] for each in log]
    for change, entry in zip(whole, log, strict=True):
        shown = json.loads(change.json) if change.json is not None else None
        head = {"_key": entry.key, "_seq": entry.seq, "_version": shown["_version"]} if shown else {}
        assert shown == (head | entry.record if entry.record is not None else None)
        assert (change.gone, change.purged) == (entry.record is None, False)
    for limit in (1, 2, 3, 7):
        assert store.through(limit=limit) == whole
    assert store.through({"price.v1": PRICE}, limit=2) == [each for each in whole if each.contract == "price.v1"]
    assert store.through({}) == []
    assert store.page(len(log)) == changes.Page([], len(log), len(log), "2026-11-21T00:00:00.000000Z")


def test_a_change_names_the_delivery_that_brought_what_it_tells(store: Store) -> None:
    store.give(PRICE, "a")
    store.undo(store.give(PRICE, "a", "b"))
    told = [(each.key, each.delivery, each.gone) for each in store.through()]
    assert told == [
        ("a", "d_1", False),
        ("a", "d_2", False),
        ("b", "d_2", False),
        ("a", "d_1", False),
        ("b", "d_2", True),
    ]


def test_versions_are_counted_alike_before_and_after_they_are_settled(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.give(PRICE, "a", "b", "a")
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 0)
    store.give(PRICE, "a", "c", "a", "b", settled=False)
    before = store.through()
    with store.database.write() as transaction:
        assert not staging.settle(transaction, PRICE.id, limit=2)
    half = store.through()
    with store.database.write() as transaction:
        assert staging.settle(transaction, PRICE.id)
    with store.database.read() as connection:
        histories = {each.seq: each.json for key in ("a", "b", "c") for each in records.history(connection, PRICE, key)}
    assert before == half == store.through()
    assert {each.seq: each.json for each in before} == histories


def test_a_log_without_records_has_the_same_changes(store: Store) -> None:
    filled(store)
    assert store.through(bodies=False) == [each._replace(json=None) for each in store.through()]


def test_an_empty_log(store: Store) -> None:
    assert store.page(0) == changes.Page([], 0, 0, None)


def test_a_page_ends_before_it_is_too_long_and_has_one_change_at_least(store: Store) -> None:
    store.give(PRICE, *"abcdef", size=500)  # two bytes for each character
    store.give(ORDER, "acme~1", size=5_000)
    store.give(PRICE, "g")
    for room, counts in ((3_500, [3, 3, 1, 1]), (1, [1] * 8), (1_000_000, [8])):
        after, sizes = 0, []
        while after < 8:
            page = store.page(after, bytes_max=room)
            sizes.append(len(page.changes))
            after = page.next
        assert sizes == counts
        assert store.through(bytes_max=room) == store.through()
    assert len(store.page(0, bytes_max=1, bodies=False).changes) == 8


def test_what_is_not_wanted_is_passed_in_portions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(7):
        store.give(PRICE, "a", "b")
    store.give(ORDER, "acme~1")
    monkeypatch.setattr(changes, "RUNS_A_LOOK", 3)
    wanted = {ORDER.id: ORDER}
    pages = [store.page(0, wanted), store.page(6, wanted), store.page(12, wanted)]
    assert [(page.next, len(page.changes)) for page in pages] == [(6, 0), (12, 0), (15, 1)]


def test_changes_of_some_partners_alone(store: Store) -> None:
    store.give(PRICE, "a", partner="acme")
    store.give(PRICE, "a", "b", partner="globex")
    store.give(ORDER, "acme~1", "globex~1", "acme%7E~1", partner="initech")  # the key says whose it is
    assert [each.seq for each in store.through(partners=("acme",))] == [1, 2, 4]  # by 2, a went over to globex
    assert [each.seq for each in store.through(partners=("acme", "globex"))] == [1, 2, 3, 4, 5]
    assert [each.seq for each in store.through(partners=("acme",), limit=1)] == [1, 2, 4]
    assert [each.seq for each in store.through(partners=("initech",))] == []
    assert store.through(partners=()) == []
    assert store.page(0, partners=()).next == 6


def test_what_was_purged_is_said(store: Store) -> None:
    store.give(PRICE, "a", "b")
    store.now += timedelta(days=10)
    store.give(PRICE, "a")
    store.now += timedelta(days=90)
    store.give(PRICE, "c")
    with store.database.write() as transaction:
        assert expiry.purge(transaction, PRICE, store.now - timedelta(days=30), limit=100) is not None
    told = [(each.seq, each.key, each.json is None, each.gone, each.purged) for each in store.through()]
    assert told == [
        (1, "a", True, False, True),
        (2, "b", True, False, True),
        (3, "a", True, False, True),
        (4, "c", False, False, False),
        (5, "a", True, True, True),
        (6, "b", True, True, True),
    ]
    assert store.through(bodies=False) == [each._replace(json=None) for each in store.through()]
    with store.database.read() as connection:
        assert changes.kept_from(connection, {"price.v1"}) == 3  # in its place stood another
        assert changes.kept_from(connection, {"order.v1"}) == 1
        assert changes.kept_from(connection, {"price.v1", "order.v1"}) == 3


def test_every_page_is_found_by_keys_alone(tmp_path: Path) -> None:
    store = filled(Store(f"sqlite:{tmp_path / 'gateway.db'}", tmp_path))
    asked: list[tuple[str, Any]] = []
    with store.database.read() as connection:
        event.listen(
            connection.engine,
            "before_cursor_execute",
            lambda _, __, statement, values, *___: asked.append((statement, values)),
        )
    store.page(10)
    store.page(10, partners=("acme",))
    statements = [each for each in asked if each[0].lstrip().startswith("SELECT")]
    assert len(statements) > 8
    with store.database.read() as connection:
        for statement, values in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            scans = {step[3].partition(" USING ")[0] for step in plan if step[3].startswith("SCAN")}
            newest = "DESC LIMIT 1" in statement  # from the end, and no further than the first
            assert scans <= {"SCAN contract", *(["SCAN change_block"] if newest else [])}, f"{statement}: {scans}"
    store.database.close()


def test_postgresql_finds_a_page_by_keys_too(tmp_path: Path, postgresql_url: str) -> None:
    store = Store(postgresql_url, tmp_path)
    for _ in range(3):
        store.give(PRICE, *(f"k{number}" for number in range(3_000)))
    with store.database.write() as transaction:
        transaction.connection.execute(text("ANALYZE"))
    with store.database.read() as connection:
        rows = connection.execute(
            text("EXPLAIN SELECT t.body FROM record_price_v1 t JOIN delivery d ON d.number = t.delivery "
                 "WHERE t.id BETWEEN 8000 AND 8100 ORDER BY t.id")
        ).scalars()  # fmt: skip
        plan = "\n".join(rows)
    assert "Index Scan using record_price_v1_pkey" in plan, plan
    assert [each.seq for each in store.page(8_000, limit=5).changes] == [8001, 8002, 8003, 8004, 8005]
    store.database.close()
