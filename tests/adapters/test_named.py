"""Named queries stand where tables stand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.errors import Reject, Stop
from adapters.model import Filter, Following, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.queries import NamedQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)

MIXED = [f"n{number}" if number % 3 == 0 else str(number) for number in range(1, 25)]
QUERIES = {
    "computed": NamedQuery("select no + 99 as k, name from orders", ("k",)),
    "mixed": NamedQuery("select case when no % 3 = 0 then 'n' || no else no end as k, name from orders", ("k",)),
    "open": NamedQuery(
        "select o.no, upper(o.name) as name, sum(l.amount) as total from orders o -- all of them\n"
        "left join lines l on l.no = o.no where o.state <> 'closed' group by o.no, o.name",
        ("no",),
    ),
    "counted": NamedQuery(
        "select state, count(*) as orders, avg(no * 1.0) as mean, cast(count(*) as text) as shown, null as nothing"
        " from orders group by state",
        ("state",),
    ),
    "keyless": NamedQuery("select no, name from orders"),
    "nokey": NamedQuery("select name from orders", ("no",)),
    "writes": NamedQuery("delete from orders"),
    "gone": NamedQuery("select x from nowhere", ("x",)),
}


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "erp.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE orders (no INTEGER PRIMARY KEY, name TEXT, state TEXT)")
        connection.execute("CREATE TABLE lines (no INTEGER, amount DECIMAL(9,2))")
        for number, state in ((1, "open"), (2, "closed"), (3, "open"), (4, "open")):
            connection.execute("INSERT INTO orders VALUES (?, ?, ?)", (number, f"n{number}", state))
            connection.execute("INSERT INTO lines VALUES (?, ?)", (number, number * 1.5))
        yield connection


@pytest.fixture
def source(tmp_path: Path, owner: sqlite3.Connection) -> Iterator[OdbcSource]:
    assert owner
    driver = "SQLite3" if NAMED else str(LIBRARY)
    with closing(OdbcSource(f"Driver={{{driver}}};Database={tmp_path / 'erp.db'}", queries=QUERIES)) as opened:
        yield opened


def test_a_query_has_columns_and_a_key(source: OdbcSource) -> None:
    assert set(source.tables()) == {"orders", "lines", *QUERIES}
    table = source.schema("open")
    assert table.key == ("no",)
    first = table.columns[0]
    assert (first.name, first.type, first.nullable, first.key) == ("no", "int", False, 1)
    assert [column.name for column in table.columns] == ["no", "name", "total"]
    assert "--" not in table.query


def test_what_is_computed_has_the_type_of_what_it_gives(source: OdbcSource) -> None:
    table = source.schema("counted")
    assert [(column.name, column.type) for column in table.columns] == [
        ("state", "text"), ("orders", "int"), ("mean", "float"), ("shown", "text"), ("nothing", "text")
    ]  # fmt: skip
    found = source.page("counted", Selection(filters=(Filter("orders", "gte", "2"),), key=("state",))).rows
    assert [(row["state"], row["orders"], row["shown"], row["nothing"]) for row in found] == [("open", 3, "3", None)]
    below = source.page("counted", Selection(filters=(Filter("mean", "lt", "2.5"),), key=("state",))).rows
    assert [row["state"] for row in below] == ["closed"]


@pytest.mark.parametrize("name", ["computed", "mixed"])
def test_a_computed_key_finds_every_row(source: OdbcSource, owner: sqlite3.Connection, name: str) -> None:
    for number in range(5, 25):
        owner.execute("INSERT INTO orders VALUES (?, 'x', 'open')", (number,))
    keys: list[str] = []
    selection = Selection(limit=7)
    while True:
        page = source.page(name, selection)
        keys += [str(row["k"]) for row in page.rows]
        if page.next is None:
            break
        selection = Selection(limit=7, after=page.next)
    assert sorted(keys) == sorted({"computed": map(str, range(100, 124)), "mixed": MIXED}[name])
    told = [change for batch in source.changes(name, Following("diff"), position=None) for change in batch.changes]
    assert sorted(str(change.key[0]) for change in told) == sorted(keys)


def test_its_rows_come_in_pages_filtered_and_sorted(source: OdbcSource) -> None:
    first = source.page("open", Selection(sort=(Sort("name", descending=True),), limit=2))
    assert [row["no"] for row in first.rows] == [4, 3]
    assert first.next is not None
    second = source.page("open", Selection(sort=(Sort("name", descending=True),), limit=2, after=first.next))
    assert [row["name"] for row in second.rows] == ["N1"]
    assert [row["no"] for row in source.page("open", Selection(filters=(Filter("name", "eq", "N3"),))).rows] == [3]
    found = source.row("open", ("4",))
    assert found is not None
    assert str(found["total"]) in ("6", "6.0")
    assert source.row("open", ("2",)) is None


def test_its_changes_are_followed_with_those_that_are_gone(source: OdbcSource, owner: sqlite3.Connection) -> None:
    memory: dict[str, bytes | None] = {}
    following, position = Following("diff"), None
    for batch in source.changes("open", following, position=position, recall=memory.get):
        memory.update(batch.memory)
        position = batch.position
    owner.execute("UPDATE orders SET state = 'closed' WHERE no = 3")
    told = [
        change
        for batch in source.changes("open", following, position=position, recall=memory.get)
        for change in batch.changes
    ]
    assert [(change.op, change.key) for change in told] == [("delete", ("3",))]


@pytest.mark.parametrize(
    ("name", "words"),
    [("writes", "no SELECT but DELETE"), ("nokey", "no column 'no' for its key")],
)
def test_what_cannot_stand_where_a_table_stands_is_refused(source: OdbcSource, name: str, words: str) -> None:
    with pytest.raises(Reject, match=words) as caught:
        source.page(name, Selection())
    assert caught.value.code == "bad_query"
    assert caught.value.remedy


def test_the_rest_is_as_for_tables(source: OdbcSource) -> None:
    with pytest.raises(Reject, match="no primary key"):
        source.page("keyless", Selection())
    assert len(source.page("keyless", Selection(key=("no",))).rows) == 4
    with pytest.raises(Stop, match="nowhere"):
        source.page("gone", Selection())
    with pytest.raises(Reject, match="Did you mean 'open'"):
        source.schema("opne")


def test_a_query_may_not_hide_a_table(tmp_path: Path, owner: sqlite3.Connection) -> None:
    assert owner
    driver = "SQLite3" if NAMED else str(LIBRARY)
    text = f"Driver={{{driver}}};Database={tmp_path / 'erp.db'}"
    with (
        closing(OdbcSource(text, queries={"orders": QUERIES["open"]})) as source,
        pytest.raises(Stop, match="name of a"),
    ):
        source.tables()
