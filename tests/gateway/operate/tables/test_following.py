"""A table of a legacy database is followed: what is new, what differs, and what is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest
from click.testing import CliRunner

from adapters import drift
from adapters.model import Filter, Selection
from adapters.odbc import OdbcSource
from gateway.errors import Stop
from gateway.operate.cli import sources
from gateway.operate.demo import workspace_maker
from gateway.operate.tables.following import absent
from gateway.receive.changes import canonical_lines
from gateway.repair.verify import verify
from gateway.store import leases, notes
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.tables.test_poller import legacy, read_and_judge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.model import Page
    from tests.acceptance.workspaces import Place

ROW = "INSERT INTO KUNDEN (KDNR, NAME1, KZSTAT, KREDIT, ANLDAT, AENDTS) VALUES ('{}', 'Neu', 'A', 1, '20200101', '{}')"
FILE = "integrations/erp-customers.yaml"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    try:
        workspace_maker.make(tmp_path / "workspace")
    except Stop as missing:
        pytest.skip(str(missing))
    with reopened(tmp_path / "workspace") as one:
        one.clock.now = one.clock.now.replace(hour=12) + timedelta(days=1)  # no night comes before it is wanted
        yield one


def follow(place: Place, how: str) -> None:
    text = (place.folder / FILE).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("changes:"))
    place.change(FILE, line, f"changes:  {how}")


def ids(place: Place) -> set[str]:
    return {each["id"] for each in place.records("customers")}


def test_a_table_that_is_compared_tells_new_changed_and_deleted_rows(place: Place) -> None:
    follow(place, "diff every 30s")
    read_and_judge(place)
    before = ids(place)
    assert len(before) == 4
    legacy(place, "DELETE FROM KUNDEN WHERE KDNR = '100001'")
    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'S' WHERE KDNR = '100002'")  # and nobody touched AENDTS
    legacy(place, ROW.format("100009", "2026-11-20 10:00:00"))
    read_and_judge(place)
    assert ids(place) == before - {"100001"} | {"100009"}
    assert place.get("/api/v1/customers/100002")["status"] == "blocked"
    assert place.ask("/api/v1/customers/100001").status_code in (404, 410)
    told = len(place.get("/api/v1/deliveries")["items"])
    read_and_judge(place)
    assert len(place.get("/api/v1/deliveries")["items"]) == told, "what did not change again is not told again"
    legacy(place, "DELETE FROM KUNDEN WHERE KDNR = '100003'")  # a delivery of nothing but that
    read_and_judge(place)
    for deep in (False, True):
        balance = verify(place.gateway.database, place.gateway.vault, place.gateway.in_force.of, deep=deep)
        assert balance.disagreements == []


def test_rows_that_are_gone_are_found_at_night_also_those_that_came_since_the_last_one(place: Place) -> None:
    follow(place, "AENDTS every 30s, deletes nightly 02:00")
    read_and_judge(place)
    before = ids(place)
    legacy(place, ROW.format("100009", "2026-11-20 10:00:00"))
    read_and_judge(place)
    assert ids(place) == before | {"100009"}
    legacy(place, "DELETE FROM KUNDEN WHERE KDNR IN ('100001', '100009')")
    read_and_judge(place)
    assert ids(place) == before | {"100009"}, "a column that grows says nothing of deleted rows"
    place.clock.forward(24 * 3600)
    read_and_judge(place)
    assert ids(place) == before - {"100001"}
    assert [each["event"] for each in place.get("/api/v1/activity?problems=true")["items"]] == []


def test_the_first_night_is_that_which_comes_and_no_note_is_empty(place: Place) -> None:
    follow(place, "AENDTS every 30s, deletes nightly 02:00")
    for _ in range(2):
        read_and_judge(place)
    assert _notes(place, "nightly/place") == {}
    assert len(_notes(place, "nightly/told/")) == 1
    legacy(place, "DELETE FROM KUNDEN WHERE KDNR = '100001'")
    place.clock.forward(24 * 3600)
    read_and_judge(place)
    assert "100001" not in ids(place)
    assert _notes(place, "nightly/place") != {}
    assert _notes(place, "nightly/told/") == {}
    read_and_judge(place)
    assert _notes(place, "nightly/told/") == {}


def _notes(place: Place, prefix: str) -> dict[str, bytes | None]:
    with place.gateway.database.read() as connection:
        names = notes.names(connection, "table://erp/KUNDEN", prefix)
        return {name: notes.recall(connection, "table://erp/KUNDEN", name) for name in names}


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[tuple[OdbcSource, list[Selection]]]:
    """A table of two columns of a key, the first of which takes upper for lower case, and what is asked of it."""
    try:
        driver = workspace_maker.sqlite_driver()
    except Stop as missing:
        pytest.skip(str(missing))
    with closing(sqlite3.connect(tmp_path / "erp.db")) as database:
        database.execute("CREATE TABLE L (O TEXT COLLATE NOCASE NOT NULL, P NUMERIC NOT NULL, PRIMARY KEY (O, P))")
        rows = [(f"a{number}", place) for number in range(500) for place in (1, 2)]
        database.executemany("INSERT INTO L VALUES (?, ?)", [*rows, ("lower", 1)])
        database.commit()
    asked: list[Selection] = []

    class Counting(OdbcSource):
        def page(self, table: str, selection: Selection) -> Page:
            asked.append(selection)
            return super().page(table, selection)

    with closing(Counting(f"Driver={driver};Database={tmp_path / 'erp.db'}")) as source:
        yield source, asked


def test_rows_that_were_told_are_looked_for_many_at_once(lines: tuple[OdbcSource, list[Selection]]) -> None:
    source, asked = lines
    there = source.page("L", Selection(limit=2000, key=("O", "P"))).rows
    told = orjson.loads(b"[" + b",".join(canonical_lines(there).splitlines()) + b"]")
    asked.clear()
    assert absent(source, "L", ("O", "P"), told) == []
    assert len(asked) == 6
    gone = [{**told[0], "O": "b1"}, {**told[1], "P": 3}]
    asked.clear()
    assert absent(source, "L", ("O", "P"), [*told, *gone]) == gone
    assert len(asked) == 7


def test_a_key_that_the_database_takes_for_the_same_is_not_gone(lines: tuple[OdbcSource, list[Selection]]) -> None:
    source, _ = lines
    (row,) = source.page("L", Selection((Filter("O", "eq", "lower"),), key=("O", "P"))).rows
    upper = {**row, "O": "LOWER"}
    gone = {**row, "O": "b2"}
    assert absent(source, "L", ("O", "P"), [upper, gone]) == [gone]


def problems(place: Place) -> list[str]:
    return [each["message"] for each in place.get("/api/v1/activity?problems=true")["items"]]


def test_a_column_that_nobody_needs_may_come_and_go(place: Place) -> None:
    read_and_judge(place)
    legacy(place, "ALTER TABLE KUNDEN ADD COLUMN NOTE TEXT")
    legacy(place, ROW.format("100009", "2026-11-20 10:00:00"))
    read_and_judge(place)
    assert "100009" in ids(place)
    assert problems(place) == []
    told = [each["message"] for each in place.get("/api/v1/activity?limit=1000")["items"]]
    assert "table://erp/KUNDEN has another shape: the column NOTE (TEXT) is new" in told


def test_a_column_that_is_needed_and_gone_holds_the_table_until_the_integration_fits(place: Place) -> None:
    read_and_judge(place)
    legacy(place, "ALTER TABLE KUNDEN RENAME COLUMN EMAIL TO MAIL")
    legacy(place, ROW.format("100009", "2026-11-20 10:00:00"))
    for _ in range(2):
        read_and_judge(place)
    (said,) = problems(place)
    assert "is not read any more, because the column EMAIL" in said
    assert "gateway source accept table://erp/KUNDEN" in said
    assert "100009" not in ids(place)
    place.change(FILE, "EMAIL | lower", "MAIL | lower")
    read_and_judge(place)
    assert "100009" in ids(place)


def test_a_needed_column_of_another_type_is_read_when_somebody_accepts_it(place: Place) -> None:
    read_and_judge(place)
    legacy(place, "ALTER TABLE KUNDEN DROP COLUMN EMAIL")
    legacy(place, "ALTER TABLE KUNDEN ADD COLUMN EMAIL INTEGER")
    read_and_judge(place)
    assert "the column EMAIL was" in problems(place)[0]
    legacy(place, ROW.format("100009", "2026-11-20 10:00:00"))
    with place.gateway.database.write() as transaction:
        assert leases.accept_shape(transaction, "table://erp/KUNDEN")
        assert not leases.accept_shape(transaction, "table://erp/OTHER")
    read_and_judge(place)
    assert "100009" in ids(place)


def test_other_values_than_before_are_told_until_somebody_accepts_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "LEARN", 4)
    monkeypatch.setattr(drift, "WINDOW", 4)
    follow(place, "diff every 30s")
    read_and_judge(place)

    def told() -> list[str]:
        lines = place.get("/api/v1/activity?limit=1000")["items"]
        return [str(each) for each in lines if each["event"] == "table_unusual"]

    def come(number: int) -> None:
        row = ROW.format(number, f"2026-11-20 10:00:0{number % 10}").replace("'A'", "'Q'")
        legacy(place, row)
        read_and_judge(place)

    assert told() == []
    come(100007)
    come(100008)
    (said,) = told()
    assert "the column KZSTAT had" in said
    name = "table://erp/KUNDEN"
    assert CliRunner().invoke(sources.accept, [name, "-w", str(place.folder)]).exit_code == 0
    come(100009)
    assert told() == [said]
    with place.gateway.database.read() as connection:
        assert b"Neu" not in (notes.recall(connection, name, leases.VALUES) or b"")
