"""Staged, published, settled: what readers see at each point, on SQLite and on PostgreSQL."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.contracts import Contract, Field
from gateway.errors import Retry, Stop
from gateway.model import Arrived, DeliveryState
from gateway.store import activity, deliveries, leases, records, staging
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.records import Filter, Query
from gateway.store.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRICE = Contract(
    "price",
    1,
    "",
    "",
    ("sku",),
    (
        Field("sku", "text"),
        Field("price", "decimal", filterable=True, sortable=True),
        Field("group", "text", required=False, filterable=True),
    ),
)


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url, clock=lambda: datetime.now(UTC))
    database.migrate()
    with database.write() as transaction:
        staging.ensure(transaction, PRICE)
    yield database
    database.close()


def row(sku: str, price: str, group: str | None = None, document: int = 1) -> Staged:
    body = {"sku": sku, "price": price} | ({"group": group} if group else {})
    return Staged(sku, document, 0, 10, json.dumps(body, separators=(",", ":")), (sku, price, group))


def deliver(database: Database, tmp_path: Path, *rows: Staged, settled: bool = True) -> int:
    number = begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, number, rows)
    publish(database, number)
    if settled:
        with database.write() as transaction:
            assert staging.settle(transaction, PRICE.id)
    return number


def begin(database: Database, tmp_path: Path) -> int:
    stored = LocalVault(tmp_path / "vault").put(io.BytesIO(b"raw"))
    with database.read() as connection:
        name = f"d_{len(deliveries.page(connection)) + 1}"
    with database.write() as transaction:
        return deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id=name)[0].number


def publish(database: Database, number: int) -> None:
    with database.write() as transaction:
        staging.publish(transaction, PRICE.id, number)
        deliveries.close(
            transaction,
            number,
            state=DeliveryState.ACCEPTED,
            integration=None,
            partner=None,
            revision="r",
            documents={},
        )


def seen(database: Database, query: Query | None = None) -> list[tuple[str, int, int, str]]:
    with database.read() as connection:
        items = records.page(connection, query or Query(PRICE)).items
    shown = [json.loads(item) for item in items]
    return [(each["_key"], each["_seq"], each["_version"], each["price"]) for each in shown]


def test_staged_records_are_invisible_until_their_delivery_is_published(database: Database, tmp_path: Path) -> None:
    deliver(database, tmp_path, row("a", "1.00"))
    number = begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, number, [row("a", "2.00"), row("b", "3.00")])
    assert seen(database) == [("a", 1, 1, "1.00")]
    with database.read() as connection:
        assert records.get(connection, PRICE, "b") is None
        assert records.count(connection, Query(PRICE)) == 1
        assert [each.version for each in records.history(connection, PRICE, "a")] == [1]
    publish(database, number)
    assert seen(database) == [("a", 2, 2, "2.00"), ("b", 3, 1, "3.00")]


def test_a_large_delivery_reads_the_same_before_and_after_it_is_settled(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, tmp_path, *(row(f"k{n:02}", f"{n}.50", "old") for n in range(30)))
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 0)
    new = [row(f"k{n:02}", f"{n}.75", "new") for n in range(10, 40)]
    deliver(database, tmp_path, *new, row("k10", "0.25", "twice"), settled=False)
    queries = [
        Query(PRICE, sort=(("price", True),), limit=1000),
        Query(PRICE, filters=(Filter("group", "eq", "new"),), limit=1000),
        Query(PRICE, sort=(("price", False),), after=("12.5", "k12"), limit=5),
    ]

    def everything() -> list[object]:
        with database.read() as connection:
            return [
                *(seen(database, query) for query in queries),
                *(records.count(connection, query) for query in queries),
                records.get(connection, PRICE, "k10"),
                records.history(connection, PRICE, "k10"),
                records.history(connection, PRICE, "k05"),
            ]

    unsettled = everything()
    with database.write() as transaction:
        assert not staging.settle(transaction, PRICE.id, limit=7)
    assert everything() == unsettled
    done = False
    while not done:
        with database.write() as transaction:
            done = staging.settle(transaction, PRICE.id, limit=7)
    assert everything() == unsettled
    with database.read() as connection:
        found = records.get(connection, PRICE, "k10")
    assert found is not None
    assert (found.version, json.loads(found.json)["price"]) == (3, "0.25")


def test_change_numbers_have_no_gap_over_deliveries_and_broken_tries(database: Database, tmp_path: Path) -> None:
    deliver(database, tmp_path, row("a", "1"), row("b", "1"))
    number = begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, number, [row("x", "1"), row("y", "1")])
    with database.write() as transaction:
        assert staging.unstage(transaction, PRICE.id)
    deliver(database, tmp_path, row("c", "1"), row("a", "2"))
    assert sorted(seq for _, seq, _, _ in seen(database)) == [2, 3, 4]
    with database.read() as connection:
        assert records.state(connection, PRICE) == 4


def test_two_deliveries_never_stage_into_one_contract_at_once(database: Database, tmp_path: Path) -> None:
    first, second = begin(database, tmp_path), begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, first, [row("a", "1")])
    with pytest.raises(Retry), database.write() as transaction:
        staging.stage(transaction, PRICE, second, [row("b", "1")])
    publish(database, first)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, second, [row("b", "1")])


def test_pages_follow_each_other_without_gap_or_repeat_in_every_order(database: Database, tmp_path: Path) -> None:
    rows = [row(f"k{n}", f"{n % 4}.{n % 3}", None if n % 5 == 0 else f"g{n % 2}") for n in range(47)]
    deliver(database, tmp_path, *rows)
    for sort in [(), (("price", True),), (("group", False), ("price", True)), (("group", True),), (("_key", True),)]:
        whole = seen(database, Query(PRICE, sort=sort, limit=1000))
        assert len(whole) == 47
        paged: list[tuple[str, int, int, str]] = []
        after = None
        while True:
            query = Query(PRICE, sort=sort, after=after, limit=5)
            paged += seen(database, query)
            with database.read() as connection:
                page = records.page(connection, query)
            after = page.last
            if not page.more:
                break
        assert paged == whole


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("eq", "2.50", {"b"}),
        ("ne", "2.5", {"a", "c"}),
        ("gt", "2.5", {"c"}),
        ("gte", "2.5", {"b", "c"}),
        ("lt", "10", {"a", "b"}),
        ("lte", "2.5", {"a", "b"}),
        ("in", ("1.5", "10"), {"a", "c"}),
    ],
)
def test_decimals_compare_as_numbers(
    database: Database, tmp_path: Path, op: str, value: object, expected: set[str]
) -> None:
    deliver(database, tmp_path, row("a", "1.5"), row("b", "2.5"), row("c", "10"))
    assert {key for key, *_ in seen(database, Query(PRICE, filters=(Filter("price", op, value),)))} == expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("contains", "%", {"a"}),
        ("startswith", "x", {"a"}),
        ("startswith", "X", set()),
        ("isnull", True, {"c"}),
        ("isnull", False, {"a", "b"}),
    ],
)
def test_text_is_compared_literally(
    database: Database, tmp_path: Path, op: str, value: object, expected: set[str]
) -> None:
    deliver(database, tmp_path, row("a", "1", "x%y"), row("b", "1", "yx"), row("c", "1"))
    assert {key for key, *_ in seen(database, Query(PRICE, filters=(Filter("group", op, value),)))} == expected


def test_an_older_delivery_finds_the_keys_that_a_newer_one_has_written(database: Database, tmp_path: Path) -> None:
    older = begin(database, tmp_path)
    deliver(database, tmp_path, row("a", "1"), row("b", "1"))
    with database.read() as connection:
        assert staging.newer(connection, PRICE, older, ["a", "z"]) == {"a": older + 1}
        assert staging.newer(connection, PRICE, older + 1, ["a", "z"]) == {}


def test_a_new_filterable_field_is_filled_for_the_records_that_are_there(database: Database, tmp_path: Path) -> None:
    bare = Contract("item", 1, "", "", ("sku",), (Field("sku", "text"), Field("colour", "text")))
    rich = Contract("item", 1, "", "", ("sku",), (Field("sku", "text"), Field("colour", "text", filterable=True)))
    with database.write() as transaction:
        staging.ensure(transaction, bare)
    number = begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, bare, number, [Staged("1", 1, 0, 1, '{"sku":"1","colour":"red"}', ("1",))])
        staging.publish(transaction, bare.id, number)
    with database.write() as transaction:
        staging.ensure(transaction, rich)
        staging.ensure(transaction, rich)
    with database.read() as connection:
        found = records.page(connection, Query(rich, (Filter("colour", "eq", "red"),)))
    assert len(found.items) == 1


def test_only_the_holder_of_the_current_token_writes(database: Database, tmp_path: Path) -> None:
    begin(database, tmp_path)
    with database.write() as transaction:
        zombie = leases.take(transaction, owner="one", seconds=-1.0)
    with database.write() as transaction:
        heir = leases.take(transaction, owner="two", seconds=60.0)
    assert zombie is not None
    assert heir is not None
    with pytest.raises(Retry), database.write() as transaction:
        leases.hold(transaction, zombie, seconds=60.0)
    with database.write() as transaction:
        leases.hold(transaction, heir, seconds=60.0)
        leases.finish(transaction, heir)
    assert heir.delivery.tries == 2


def test_a_lane_keeps_its_order_until_a_delivery_has_failed_a_try(database: Database, tmp_path: Path) -> None:
    first, second = begin(database, tmp_path), begin(database, tmp_path)
    with database.write() as transaction:
        lease = leases.take(transaction, owner="one", seconds=60.0)
        assert lease is not None
        assert lease.delivery.number == first
        assert leases.take(transaction, owner="two", seconds=60.0) is None
    with database.write() as transaction:
        leases.postpone(transaction, lease, seconds=60.0, counted=True)
    with database.write() as transaction:
        other = leases.take(transaction, owner="two", seconds=60.0)
    assert other is not None
    assert other.delivery.number == second


def test_a_key_that_stands_often_in_one_delivery_has_that_many_versions(database: Database, tmp_path: Path) -> None:
    deliver(database, tmp_path, row("a", "1"), row("b", "1"))
    deliver(database, tmp_path, *(row("a", f"{n}") for n in range(2, 3002)), row("b", "2"))
    assert seen(database) == [("a", 3002, 3001, "3001"), ("b", 3003, 2, "2")]
    with database.read() as connection:
        versions = records.history(connection, PRICE, "a")
    assert [each.version for each in versions] == list(range(3001, 0, -1))


def told(database: Database) -> list[tuple[str | None, str]]:
    """The lines about keys that came more than once, with the delivery that each is about."""
    with database.read() as connection:
        lines = activity.after(connection, 0)
    return [(each.delivery, each.message) for each in lines if each.event == "keys_repeated"]


def test_keys_that_came_more_than_once_are_told_with_what_stands(database: Database, tmp_path: Path) -> None:
    deliver(database, tmp_path, row("a", "1"), row("b", "1"))
    deliver(database, tmp_path, row("a", "2"), row("b", "2"))  # which replaces, and repeats nothing
    assert told(database) == []
    keys = enumerate(["a", "b", "a", "c", "c", "d", "d", "a"], 1)
    deliver(database, tmp_path, *(row(key, f"{n}", document=n) for n, key in keys))
    which = "'a' of document 1 by document 8, 'a' of document 3 by document 8, 'c' of document 4 by document 5, 1 more"
    said = f"keys came more than once, and the last stands: 4 replaced, {which}"
    assert told(database) == [("d_3", said)]


def test_keys_are_told_of_a_large_delivery_too_once_and_whole(database: Database, tmp_path: Path) -> None:
    count = staging.SETTLED_AT_ONCE + 10
    rows = [row(f"{n:06}", "1", document=n) for n in range(count)]
    number = deliver(
        database, tmp_path, *rows, row("000003", "2", document=count), row("x" * 80, "1"), row("x" * 80, "2"),
        settled=False,
    )  # fmt: skip
    assert told(database) == []
    done = False
    while not done:  # the two of a key are settled by different transactions
        with database.write() as transaction:
            done = staging.settle(transaction, PRICE.id, limit=1000)
    ((delivery, message),) = told(database)
    assert delivery == f"d_{number}"
    long = f"'{'x' * 60}…' of document 1 by document 1"
    assert message.endswith(f"2 replaced, '000003' of document 3 by document {count}, {long}")
    with database.write() as transaction:
        assert staging.settle(transaction, PRICE.id)
    assert len(told(database)) == 1


def test_of_deliveries_that_are_published_together_each_is_told_its_own(database: Database, tmp_path: Path) -> None:
    first, second, third = (begin(database, tmp_path) for _ in range(3))
    brought = [
        (first, [row("a", "1"), row("b", "1")]),
        (second, [row("a", "2"), row("c", "2", document=1), row("c", "3", document=2)]),
        (third, [row("a", "4"), row("c", "4")]),
    ]
    with database.write() as transaction:
        assert staging.put(transaction, PRICE, brought, revision="r")
    ((delivery, message),) = told(database)
    assert delivery == f"d_{second}"
    assert message.endswith("1 replaced, 'c' of document 1 by document 2")


def test_what_a_table_brings_more_than_once_is_no_matter(database: Database, tmp_path: Path) -> None:
    stored = LocalVault(tmp_path / "vault").put(io.BytesIO(b"raw"))
    with database.write() as transaction:
        arrived = Arrived("table://erp/prices", "a", None)
        number = deliveries.land(transaction, arrived, stored, new_id="d_1")[0].number
        staging.stage(transaction, PRICE, number, [row("a", "1"), row("a", "2")])
        staging.publish(transaction, PRICE.id, number)
    assert told(database) == []


def test_a_field_that_is_filterable_again_finds_what_came_meanwhile(database: Database, tmp_path: Path) -> None:
    rich = Contract("item", 1, "", "", ("sku",), (Field("sku", "text"), Field("colour", "text", filterable=True)))
    bare = Contract("item", 1, "", "", ("sku",), (Field("sku", "text"), Field("colour", "text")))
    body = '{"sku":"1","colour":"red"}'
    for contract in (rich, bare):
        with database.write() as transaction:
            staging.ensure(transaction, contract)
    number = begin(database, tmp_path)
    with pytest.raises(Retry), database.write() as transaction:  # judged with the revision before
        staging.stage(transaction, rich, number, [Staged("1", 1, 0, 1, body, ("1", "red"))])
    with database.write() as transaction:
        staging.stage(transaction, bare, number, [Staged("1", 1, 0, 1, body, ("1",))])
        staging.publish(transaction, bare.id, number)
    with database.write() as transaction:
        staging.ensure(transaction, rich)
    with database.read() as connection:
        assert len(records.page(connection, Query(rich, (Filter("colour", "eq", "red"),))).items) == 1


def test_a_field_keeps_its_type_within_a_version(database: Database) -> None:
    other = Contract("price", 1, "", "", ("sku",), (Field("sku", "text"), Field("price", "text", filterable=True)))
    with pytest.raises(Stop, match="write price v2"), database.write() as transaction:
        staging.ensure(transaction, other)


def test_names_that_are_long_and_alike_stay_apart(database: Database, tmp_path: Path) -> None:
    long = "a-contract-whose-name-is-much-longer-than-a-table-may-be-called"
    pair = [
        Contract(
            f"{long}-{end}",
            1,
            "",
            "",
            ("k",),
            (Field("k", "text"), Field(f"f_{long}_{end}", "text", filterable=True)),
        )
        for end in ("one", "two")
    ]
    for contract in pair:
        with database.write() as transaction:
            staging.ensure(transaction, contract)
        number = begin(database, tmp_path)
        with database.write() as transaction:
            staging.stage(transaction, contract, number, [Staged("1", 1, 0, 1, '{"k":"1"}', ("1", "x"))])
            staging.publish(transaction, contract.id, number)
    with database.read() as connection:
        assert [records.count(connection, Query(contract)) for contract in pair] == [1, 1]


def test_an_earlier_delivery_waits_while_another_is_stored(database: Database, tmp_path: Path) -> None:
    first, second = begin(database, tmp_path), begin(database, tmp_path)
    with database.write() as transaction:
        staging.stage(transaction, PRICE, second, [row("a", "2")])
    with pytest.raises(Retry), database.write() as transaction:
        staging.claim(transaction, PRICE, first)
