"""What can only be scanned: its rows, and its changes by comparing.

The driver of SQLite stands in for that of MDBTools, of which it is asked no more, and the real one reads files that are
written here (:mod:`tests.adapters.accessfiles`). ``GATEWAY_ACCESS_FILE=lager.mdb`` has it read one of your own, too.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, nullcontext
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.errors import Reject, Retry, Stop
from adapters.model import Change, Column, Filter, Following, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.profile import profiled
from adapters.scan import FETCHED, PORTIONS, ScanSource, _value, only_scanned
from adapters.survey import surveyed
from tests.adapters.accessfiles import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.model import Batch
    from tests.adapters.accessfiles import Value

Opened = tuple[ScanSource, "Callable[..., object]", Path]
DIFF = Following("diff", key=("NO",))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    if "SQLite3" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for SQLite: apt-get install libsqliteodbc")
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute('CREATE TABLE "Order Lines" (NO INTEGER, NAME VARCHAR(40), PRICE DOUBLE, DAY DATE)')
        for number in range(5):
            owner.execute(
                'INSERT INTO "Order Lines" VALUES (?, ?, ?, ?)', (number, f"n{number}", number + 0.5, "2026-11-21")
            )
        yield ScanSource(f"Driver=SQLite3;Database={path}", file=path), owner.execute, path


class Store:
    """What a store keeps: position and memory, together."""

    def __init__(self, source: ScanSource, table: str = "Order Lines", following: Following = DIFF) -> None:
        self.source = source
        self.table = table
        self.following = following
        self.position: str | None = None
        self.memory: dict[str, bytes] = {}

    def polled(self, *, batch: int = 1000, following: Following | None = None, at_most: int = 10_000) -> list[Change]:
        """One poll, of which no more than so many batches are kept."""
        changes: list[Change] = []
        following = following or self.following
        asked = self.source.changes(self.table, following, position=self.position, recall=self.memory.get, batch=batch)
        for number, one in enumerate(asked):
            if number == at_most:
                break
            changes += one.changes
            self.keep(one)
        return changes

    def keep(self, batch: Batch) -> None:
        self.position = batch.position
        for name, note in batch.memory.items():
            assert note is not None
            self.memory[name] = note


def test_a_scan_gives_plain_values(opened: Opened) -> None:
    source, _, _ = opened
    assert source.tables() == ("Order Lines",)
    assert [(column.name, column.type) for column in source.schema("Order Lines").columns] == [
        ("NO", "int"),
        ("NAME", "text"),
        ("PRICE", "float"),
        ("DAY", "date"),
    ]
    assert next(source.rows("Order Lines")) == {"NO": 0, "NAME": "n0", "PRICE": Decimal("0.5"), "DAY": "2026-11-21"}
    found = source.probe()
    assert found.deletes == ("diff",)
    with pytest.raises(Reject, match="Order Lines"):
        source.schema("Order Line")


def test_pages_go_on_by_number_and_nothing_is_searched(opened: Opened) -> None:
    source, _, _ = opened
    first = source.page("Order Lines", Selection(limit=3, columns=("NO",)))
    assert first.rows == [{"NO": 0}, {"NO": 1}, {"NO": 2}]
    rest = source.page("Order Lines", Selection(limit=3, after=first.next))
    assert ([row["NO"] for row in rest.rows], rest.next) == ([3, 4], None)
    for selection, code in (
        (Selection(filters=(Filter("NO", "eq", "1"),)), "bad_operator"),
        (Selection(sort=(Sort("NO"),)), "bad_sort"),
        (Selection(limit=0), "bad_limit"),
        (Selection(after=("x",)), "bad_cursor"),
        (Selection(after=("99999",)), "bad_cursor"),
        (Selection(columns=("NOPE",)), "unknown_column"),
    ):
        with pytest.raises(Reject) as refused:
            source.page("Order Lines", selection)
        assert refused.value.code == code
    with pytest.raises(Reject, match="looked up"):
        source.row("Order Lines", ("1",))


def test_changes_are_found_by_comparing_deletes_too(opened: Opened) -> None:
    source, run, _ = opened
    store = Store(source)
    assert sorted(change.key for change in store.polled()) == [(str(number),) for number in range(5)]
    assert store.polled() == []
    run('UPDATE "Order Lines" SET NAME = ? WHERE NO = 1', ("new",))
    run('DELETE FROM "Order Lines" WHERE NO = 2')
    run('INSERT INTO "Order Lines" (NO) VALUES (9)')
    found = {change.key[0]: change for change in store.polled()}
    assert {key: change.op for key, change in found.items()} == {"1": "update", "2": "delete", "9": "insert"}
    assert (found["2"].row, found["2"].before) == (None, {"NO": 2})
    assert found["1"].row == {"NO": 1, "NAME": "new", "PRICE": Decimal("1.5"), "DAY": "2026-11-21"}
    assert store.polled() == []


def test_whoever_stops_anywhere_goes_on_and_loses_nothing(opened: Opened) -> None:
    source, run, _ = opened
    run('DELETE FROM "Order Lines"')
    for number in range(300):
        run('INSERT INTO "Order Lines" (NO) VALUES (?)', (number,))
    store = Store(source)
    seen: set[str | None] = set()
    for _ in range(400):
        seen |= {change.key[0] for change in store.polled(batch=1, at_most=19)}
        if len(seen) == 300 and store.position is not None and f'"portion": {PORTIONS}' in store.position:
            break
    assert seen == {str(number) for number in range(300)}
    assert store.polled() == []


def test_a_snapshot_tells_all_each_time(opened: Opened) -> None:
    store = Store(opened[0])
    for _ in range(2):
        assert len(store.polled(following=Following("snapshot", key=("NO",)))) == 5
    assert store.memory == {}


def test_what_cannot_be_followed_is_refused(opened: Opened) -> None:
    source, run, _ = opened
    for following, code in (
        (Following("watermark", ("NO",), "DAY"), "bad_strategy"),
        (Following("diff"), "no_key"),
        (Following("diff", ("NOPE",)), "unknown_column"),
        (Following("diff", ("DAY",)), "key_not_unique"),
    ):
        with pytest.raises(Reject) as refused:
            list(source.changes("Order Lines", following, position=None))
        assert refused.value.code == code
    store = Store(source)
    store.polled()
    for other in ("{}", "x", '{"strategy": "scan diff", "key": ["NAME"]}'):
        with pytest.raises(Stop, match="position"):
            source.changes("Order Lines", DIFF, position=other)
    run('INSERT INTO "Order Lines" (NO) VALUES (1)')
    with pytest.raises(Reject, match="same key"):
        store.polled()


def test_a_file_that_changes_while_it_is_read_is_read_again(opened: Opened) -> None:
    source, run, path = opened
    rows = source.rows("Order Lines")
    next(rows)
    run('INSERT INTO "Order Lines" (NO) VALUES (77)')
    with pytest.raises(Retry, match="changed while"):
        list(rows)
    path.unlink()
    with pytest.raises(Stop, match="cannot be opened"):
        source.tables()


class Again:
    """A connection and its cursor, as MDBTools' driver behaves: behind the last row it begins again with the first."""

    description = (("NO", int, None, 2, 2, 0, True),)

    def __init__(self, count: int) -> None:
        self.count, self.at = count, 0

    def cursor(self) -> Again:
        return self

    def close(self) -> None:
        """Nothing is held."""

    def tables(self) -> list[tuple[str | None, ...]]:
        return [(None, None, "T", "TABLE", None), (None, None, "MSysObjects", "SYSTEM TABLE", None)]

    def execute(self, sql: str) -> None:
        assert sql == 'SELECT * FROM "T"'

    def fetchmany(self, size: int) -> list[tuple[int]]:
        rows = [(number,) for number in range(self.at, min(self.at + size, self.count))]
        self.at = 0 if len(rows) < size else self.at + size
        return rows


@pytest.mark.parametrize("count", [0, 1, FETCHED - 1, FETCHED, FETCHED + 1, 2 * FETCHED])
def test_a_driver_that_begins_again_behind_the_end_is_not_asked_there(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ScanSource("Driver=MDBTools")
    monkeypatch.setattr(source, "_open", lambda: nullcontext(Again(count)))
    assert source.tables() == ("T",)
    assert [row["NO"] for row in islice(source.rows("T"), 5 * FETCHED)] == list(range(count))


def test_a_driver_says_whether_its_files_can_only_be_scanned() -> None:
    assert only_scanned("Driver=MDBTools;DBQ=lager.mdb")
    assert not only_scanned("Driver=SQLite3;Database=erp.db")
    with pytest.raises(Stop, match="not installed"):
        ScanSource("Driver=MDBTools of long ago;DBQ=lager.mdb").tables()


def test_a_negative_number_of_16_bits_gets_its_sign_back() -> None:
    short, long = Column("a", "int(2)", "int"), Column("a", "int(4)", "int")
    assert [_value(short, cell) for cell in (5, 32_767, 32_768, 65_531, -5)] == [5, 32_767, -32_768, -5, -5]
    assert _value(long, 65_531) == 65_531


@pytest.fixture
def access(tmp_path: Path) -> Path:
    """A file that the real driver reads."""
    if "MDBTools" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for Access: apt-get install odbc-mdbtools")
    path = tmp_path / "lager.mdb"
    write(path, {"Artikel Stamm": (ARTICLES, [article(number) for number in range(2500)]), "Leer": (ARTICLES, [])})
    return path


ARTICLES = (
    ("ArtNr", "long"),
    ("Name", "text"),
    ("Bestand", "int"),
    ("Preis", "double"),
    ("Seit", "date"),
    ("Aktiv", "bool"),
)


def article(number: int) -> tuple[Value, ...]:
    name = f"Größe {number}" if number else None
    return number, name, -number if number < 30_000 else 0, number + 0.5, datetime(2026, 11, 21, 10, number % 60), True  # noqa: DTZ001 - Access knows no zones


def test_an_access_file_is_read_by_the_real_driver(access: Path) -> None:
    source = ScanSource(f"Driver=MDBTools;DBQ={access}")
    with pytest.raises(Stop, match="only be scanned"):
        OdbcSource(f"Driver=MDBTools;DBQ={access}").probe()
    assert source.probe().product == "MDBTOOLS"
    assert source.rights().writable is False
    assert source.tables() == ("Artikel Stamm", "Leer")
    assert [(column.name, column.type) for column in source.schema("Artikel Stamm").columns] == [
        ("ArtNr", "int"), ("Name", "text"), ("Bestand", "int"), ("Preis", "float"), ("Seit", "datetime"),
        ("Aktiv", "bool"),
    ]  # fmt: skip
    rows = list(source.rows("Artikel Stamm"))
    assert len(rows) == 2500
    assert rows[0] == {
        "ArtNr": 0, "Name": None, "Bestand": 0, "Preis": Decimal("0.5"), "Seit": "2026-11-21T10:00:00", "Aktiv": True
    }  # fmt: skip
    assert [row["Bestand"] for row in rows] == [-number for number in range(2500)]
    assert rows[77]["Name"] == "Größe 77"
    assert list(source.rows("Leer")) == []
    write(access, {"Voll": (ARTICLES, [article(number) for number in range(2 * FETCHED)])})
    assert sum(1 for _ in islice(source.rows("Voll"), 5 * FETCHED)) == 2 * FETCHED


def test_what_changes_in_an_access_file_is_found_with_what_is_gone(access: Path) -> None:
    source = ScanSource(f"Driver=MDBTools;DBQ={access}")
    store = Store(source, "Artikel Stamm", Following("diff", key=("ArtNr",)))
    assert len(store.polled()) == 2500
    assert store.polled() == []
    write(access, {"Artikel Stamm": (ARTICLES, [article(number) for number in range(1, 2501)])})
    found = {change.key[0]: change for change in store.polled()}
    assert {key: change.op for key, change in found.items()} == {"0": "delete", "2500": "insert"}
    assert found["0"].before == {"ArtNr": 0}


def test_callers_share_what_is_read_of_a_file_and_wait_no_longer_than_is_said(access: Path) -> None:
    ticks = iter(range(1_000_000))
    text, options = f"Driver=MDBTools;DBQ={access}", {"timeout_seconds": "1000", "cache_seconds": "100000"}
    with closing(ScanSource(text, options=options, clock=lambda: float(next(ticks)))) as source:
        first = source.live.page("Artikel Stamm", Selection(limit=2)).value
        assert [row["ArtNr"] for row in first.rows] == [0, 1]
        access.rename(access.with_suffix(".away"))
        assert source.live.page("Artikel Stamm", Selection(limit=2)).value == first
        with pytest.raises(Stop, match="cannot be opened"):
            source.live.page("Artikel Stamm", Selection(limit=3))
        access.with_suffix(".away").rename(access)
    slow = ScanSource(text, options={"timeout_seconds": "10"}, clock=lambda: 7.0 * next(ticks))
    with pytest.raises(Retry) as late:
        slow.live.page("Artikel Stamm", Selection())
    assert late.value.code == "slow"
    assert slow.live.health().connections == 4


def test_a_file_is_surveyed_and_described(access: Path) -> None:
    source = ScanSource(f"Driver=MDBTools;DBQ={access}")
    found = surveyed(source)
    assert [(each.table, each.rows, each.strategy) for each in found.tables] == [
        ("Artikel Stamm", 2500, None),
        ("Leer", 0, None),
    ]
    assert {fact.group for fact in found.facts} == {"encoding", "time", "changes", "limits"}
    seen = profiled(source, "Artikel Stamm", rows_max=1000)
    assert (seen.read, seen.whole, seen.key) == (1000, False, ("ArtNr",))


@pytest.mark.skipif(not os.environ.get("GATEWAY_ACCESS_FILE"), reason="no Access file in GATEWAY_ACCESS_FILE")
def test_a_file_of_ones_own_is_read_by_the_real_driver() -> None:
    path = Path(os.environ["GATEWAY_ACCESS_FILE"])
    source = ScanSource(f"Driver=MDBTools;DBQ={path}")
    for table in source.tables():
        with closing(driver_manager().connect(f"Driver=MDBTools;DBQ={path}", autocommit=True)) as connection:
            (counted,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
        assert sum(1 for _ in source.rows(table)) == int(counted)
        assert source.schema(table).columns
