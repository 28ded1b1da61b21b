"""A table of a legacy database is followed: what is new, what differs, and what is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.operate.demo import workspace_maker
from gateway.store import leases
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.test_poller import legacy, read_and_judge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
