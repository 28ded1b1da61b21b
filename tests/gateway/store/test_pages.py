"""Every order and filter, page by page, against the same rows sorted by Python; the hot question answers alike."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contracts import Contract, Field
from gateway.model import Arrived
from gateway.store import deliveries, keys, records, staging
from gateway.store.database import Database
from gateway.store.hot import Busy, HotReads
from gateway.store.local import LocalVault
from gateway.store.pages import Filter, Query
from gateway.store.staging import Staged, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.store.hot import Mark

_NAMES = ("size", "price", "group")
ARTICLE = Contract(
    "article",
    1,
    "",
    "",
    ("sku",),
    (
        Field("sku", "text"),
        Field("size", "int", required=False, filterable=True, sortable=True),
        Field("price", "decimal", required=False, filterable=True, sortable=True),
        Field("group", "text", required=False, filterable=True, sortable=True),
    ),
)
ROWS: list[dict[str, Any]] = [
    {
        "sku": f"k{n * 7 % 61:02}",
        "size": None if n % 6 == 0 else n % 4 - 1,
        "price": None if n % 11 == 0 else f"{n % 5}.50",
        "group": None if n % 5 == 0 else ("a", "b", 'say "{_key":"x', "é,%s:p0")[n % 4],
    }
    for n in range(61)
]


@pytest.fixture(scope="module")
def store(module_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, HotReads]]:
    database = Database(module_store, clock=lambda: datetime.now(UTC))
    database.migrate()
    stored = LocalVault(tmp_path_factory.mktemp("vault")).put(io.BytesIO(b"raw"))
    with database.write() as transaction:
        staging.ensure(transaction, ARTICLE)
        number = deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id="d_1")[0].number
        body = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in ROWS]
        staged = [
            Staged(row["sku"], 1, 0, 10, body[n], (row["sku"], *(row[name] for name in _NAMES)))
            for n, row in enumerate(ROWS)
        ]
        staging.stage(transaction, ARTICLE, number, staged)
        staging.publish(transaction, ARTICLE.id, number)
    with database.write() as transaction:
        assert staging.settle(transaction, ARTICLE.id)
    hot = HotReads(database)
    yield database, hot
    database.close()


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda mine, other: mine == other,
    "gt": lambda mine, other: mine > other,
    "lte": lambda mine, other: mine <= other,
}
_VALUES = {"size": st.integers(-1, 2), "price": st.sampled_from(["1.5", "2.50", "9"]), "group": st.just("b")}


@st.composite
def queries(draw: st.DrawFn) -> Query:
    names = draw(st.lists(st.sampled_from([*_NAMES, "_key"]), unique=True, max_size=3))
    if "_key" in names:
        names = names[: names.index("_key") + 1]
    sort = tuple((name, draw(st.booleans())) for name in names)
    filtered = draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=2))
    conditions = tuple(Filter(name, draw(st.sampled_from(list(_COMPARED))), draw(_VALUES[name])) for name in filtered)
    return Query(ARTICLE, conditions, sort, None, draw(st.integers(1, 70)))


def expected(query: Query) -> list[str]:
    """The keys in the order asked for: stable sorts from the last field to the first, absent values last."""
    kept = [row for row in ROWS if all(_passes(row, each) for each in query.filters)]
    order = [pair for pair in query.sort if pair[0] != "_key"]
    kept.sort(key=lambda row: row["sku"], reverse=query.sort[-1][1] if query.sort else False)
    for name, descending in reversed(order):
        there = [row for row in kept if row[name] is not None]
        there.sort(key=lambda row, name=name: _comparable(name, row[name]), reverse=False)  # type: ignore[misc] # bound now
        if descending:  # stable, whatever the direction
            there = [row for value in _values(there, name)[::-1] for row in there if row[name] == value]
        kept = there + [row for row in kept if row[name] is None]
    return [row["sku"] for row in kept]


def _values(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return list(dict.fromkeys(row[name] for row in rows))


def _passes(row: dict[str, Any], each: Filter) -> bool:
    mine = row[each.field]
    return mine is not None and _COMPARED[each.op](_comparable(each.field, mine), _comparable(each.field, each.value))


def _comparable(name: str, value: Any) -> Any:
    return Decimal(value) if name == "price" else value.encode() if name == "group" else value


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries())
def test_pages_in_any_order_hold_every_record_once(store: tuple[Database, HotReads], query: Query) -> None:
    database, hot = store
    keys_seen: list[str] = []
    after: tuple[Any, ...] | None = None
    while True:
        asked = replace(query, after=after)
        with database.read() as connection:
            page = records.page(connection, asked)
        answered = hot.page(ARTICLE.id, hot.statement(asked))
        assert answered is not None
        if answered[1] is None:  # nothing but rows without a value may follow
            assert len(query.sort) > 0
        else:
            assert answered[1].items == b",".join(page.items)
            assert answered[1].last == page.last
        keys_seen += [json.loads(item)["_key"] for item in page.items]
        after = page.last
        if after is None:
            break
    assert keys_seen == expected(query)


def test_the_hot_question_answers_as_the_ordinary_one_does(store: tuple[Database, HotReads]) -> None:
    database, hot = store
    for key in ("k00", "k60", "none"):
        answered = hot.one(ARTICLE.id, table_of(ARTICLE), key)
        with database.read() as connection:
            stored = records.get(connection, ARTICLE, key)
        assert answered is not None
        mark, row = answered
        assert row == (None if stored is None else (stored.seq, stored.version, stored.json))
        assert not mark.settling
    with database.read() as connection:
        at = records.point(connection, ARTICLE)
    whole = hot.mark(ARTICLE.id)
    assert whole is not None
    assert (whole.change, whole.settling) == (at.change, False)
    assert hot.one("other.v1", table_of(ARTICLE), "k00") is None


def test_many_readers_at_the_same_moment_get_their_own_records(
    store: tuple[Database, HotReads], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.hot.together._SECONDS", 60.0)  # a machine that is busy otherwise is waited for
    database, hot = store
    odd = ("none", 'k"0', "k\\00", "k{0},", "", "k00~k01", "東京")
    asked = [*(row["sku"] for row in ROWS), *odd] * 5
    with database.read() as connection:
        stored = {key: records.get(connection, ARTICLE, key) for key in asked}
    begin = threading.Barrier(12)

    def ask(start: int) -> None:
        begin.wait(60)
        for key in asked[start:] + asked[:start]:
            answered, there = hot.one(ARTICLE.id, table_of(ARTICLE), key), stored[key]
            assert answered is not None
            assert answered[1] == (None if there is None else (there.seq, there.version, there.json)), key
            assert hot.mark(ARTICLE.id) is not None

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(ask, range(0, 12 * 5, 5)))


def test_the_mark_moves_with_keys_and_with_what_is_being_settled(store: tuple[Database, HotReads]) -> None:
    database, hot = store

    def mark() -> Mark:
        found = hot.mark(ARTICLE.id)
        assert found is not None
        return found

    before = mark().keys
    with database.write() as transaction:
        keys.add(transaction, id="key_1", name="a", sha256_hex="0" * 64, scopes=("*:read",))
    assert mark().keys > before
    made = mark().keys
    with database.write() as transaction:
        assert keys.revoke(transaction, "key_1")
    assert mark().keys > made


def test_a_store_that_does_not_answer_is_said_to_be_busy(tmp_path: Any) -> None:
    database = Database(f"sqlite:{tmp_path}/gateway.db", clock=lambda: datetime.now(UTC))
    with pytest.raises(Busy):  # there are no tables yet
        HotReads(database).mark(ARTICLE.id)
    database.close()
