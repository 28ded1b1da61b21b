"""The poller: a legacy table becomes deliveries; troubles are told once and the position is kept."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adapters.errors import AdapterError
from adapters.odbc import OdbcSource
from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.demo import workspace_maker
from gateway.operate.tables import following
from gateway.operate.tables.poller import poll
from gateway.receive.changes import land_batch
from gateway.workspace.loader import load
from tests.acceptance.workspaces import reopened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.model import Delivery
    from tests.acceptance.workspaces import Place

OTHER_CONTRACT = """\
contract: other v1
about: Another table, with numbers beyond 64 bits.
owner: erp-team
key: id
fields:
  id: int
  n: decimal
"""
OTHER = """\
integration: other
about: Another table.
owner: erp-team
source: table://erp/OTHER
changes: snapshot every 2s
key: ID
contract: other v1
map:
  id: ID
  n: N
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    try:
        workspace_maker.make(tmp_path / "workspace")
    except Stop as missing:
        pytest.skip(str(missing))
    with reopened(tmp_path / "workspace") as one:
        yield one


def legacy(place: Place, statement: str) -> None:
    with closing(sqlite3.connect(place.folder / "legacy" / "erp.db")) as database:
        database.execute(statement)
        database.commit()


def read_and_judge(place: Place) -> None:
    place.clock.forward(60)
    poll(place.gateway, threading.Event(), until_idle=True)
    place.work()


def test_rows_and_then_their_changes_become_records(place: Place) -> None:
    read_and_judge(place)
    assert len(place.records("customers")) == 4
    assert place.get("/api/v1/customers/100004")["status"] == "closed"

    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'S', AENDTS = '2026-11-20 10:00:00' WHERE KDNR = '100002'")
    read_and_judge(place)
    record = place.get("/api/v1/customers/100002")
    assert (record["status"], record["_version"]) == ("blocked", 2)
    assert len(place.records("customers")) == 4
    assert all(each["_version"] == 1 for each in place.records("customers") if each["id"] != "100002")


def test_a_bad_row_is_held_and_taken_after_the_code_table_knows_it(place: Place) -> None:
    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'Z' WHERE KDNR = '100003'")
    read_and_judge(place)
    (held,) = place.held()
    assert held["findings"][0]["code"] == "mapping.code"
    shown = place.delivery(held["delivery"])
    assert shown["documents"] == {"accepted": 3, "quarantined": 1}
    raw = place.raw(shown["id"])
    finding = held["findings"][0]
    assert b"Z" in raw[finding["start"] : finding["end"]]

    place.change("codes/customer-status.csv", "X,closed,Closed\n", "X,closed,Closed\nZ,closed,Gone\n")
    place.ask(f"/api/v1/quarantine/{held['id']}/retry", "POST")
    place.work()
    assert place.get("/api/v1/customers/100003")["status"] == "closed"
    assert place.delivery(shown["id"])["documents"] == {"accepted": 4}


def test_a_retried_row_that_says_what_its_record_says_keeps_the_counters_balanced(place: Place) -> None:
    read_and_judge(place)
    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'Z', AENDTS = '2026-11-20 10:00:00' WHERE KDNR = '100004'")
    read_and_judge(place)
    (held,) = place.held()
    place.change("codes/customer-status.csv", "X,closed,Closed\n", "X,closed,Closed\nZ,closed,Gone\n")
    place.ask(f"/api/v1/quarantine/{held['id']}/retry", "POST")
    place.work()

    assert place.delivery(held["delivery"])["documents"] == {"duplicate": 1}
    assert place.get(f"/api/v1/quarantine/{held['id']}")["state"] == "duplicate"
    assert place.get("/api/v1/customers/100004")["_version"] == 1


def test_another_interval_holds_at_once(place: Place) -> None:
    place.change("integrations/erp-customers.yaml", "every 2s", "every 1d")
    read_and_judge(place)
    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'S', AENDTS = '2026-11-20 10:00:00' WHERE KDNR = '100002'")
    place.clock.forward(3600)
    poll(place.gateway, threading.Event(), until_idle=True)
    place.work()
    assert place.get("/api/v1/customers/100002")["status"] == "active", "it is not due"

    place.change("integrations/erp-customers.yaml", "every 1d", "every 2s")
    poll(place.gateway, threading.Event(), until_idle=True)
    place.work()
    assert place.get("/api/v1/customers/100002")["status"] == "blocked"


def test_a_table_that_cannot_be_read_is_told_once_and_read_when_it_is_back(place: Place) -> None:
    legacy(place, "ALTER TABLE KUNDEN RENAME TO KUNDEN_AWAY")
    for _ in range(3):
        read_and_judge(place)
    lines = [each for each in place.get("/api/v1/activity?problems=true")["items"] if each["event"] == "table_failed"]
    assert len(lines) == 1
    assert "table://erp/KUNDEN could not be read" in lines[0]["message"]

    legacy(place, "ALTER TABLE KUNDEN_AWAY RENAME TO KUNDEN")
    read_and_judge(place)
    assert len(place.records("customers")) == 4


def test_a_table_that_fails_in_an_unforeseen_way_is_told_once_and_the_others_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    legacy(place, "CREATE TABLE OTHER (ID INTEGER PRIMARY KEY, N BIGINT)")
    legacy(place, "INSERT INTO OTHER VALUES (1, 100000000000000000000)")
    (place.folder / "contracts" / "other.v1.yaml").write_text(OTHER_CONTRACT)
    (place.folder / "integrations" / "other.yaml").write_text(OTHER)
    wiring.apply(place.gateway, load(place.folder))

    def lands(*arguments: Any, **named: Any) -> Delivery:
        if arguments[2].name == "erp-customers":
            raise TypeError("no such thing\nwas foreseen")
        return land_batch(*arguments, **named)

    with monkeypatch.context() as broken:
        broken.setattr(following, "land_batch", lands)
        for _ in range(3):
            read_and_judge(place)
    lines = [each for each in place.get("/api/v1/activity?problems=true")["items"] if each["event"] == "table_failed"]
    assert [each["message"] for each in lines] == ["table://erp/KUNDEN could not be read: TypeError: no such thing"]
    assert "Traceback" in caplog.text
    assert [each["n"] for each in place.records("others")] == ["100000000000000000000"]

    read_and_judge(place)
    assert len(place.records("customers")) == 4


def test_what_was_landed_before_the_reading_broke_off_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = OdbcSource.changes

    def cut(self: OdbcSource, *arguments: Any, **named: Any) -> Any:
        yield next(iter(changes(self, *arguments, **named, batch=3)))
        raise AdapterError("the line was cut", "Look after the line.")

    with monkeypatch.context() as broken:
        broken.setattr(OdbcSource, "changes", cut)
        read_and_judge(place)
    told = {each["event"]: each["message"] for each in place.get("/api/v1/activity?limit=1000")["items"]}
    assert "3 " in told["table_read"]
    assert "the line was cut" in told["table_failed"]


def test_outside_its_windows_a_source_is_not_read_and_nothing_is_wrong_with_it(place: Place) -> None:
    other_day = f"{datetime.now(UTC) + timedelta(days=3):%a}"
    open_always = (place.folder / "connections.yaml").read_text()
    seldom = open_always.replace("  kind:  odbc\n", f"  kind:  odbc\n  windows: {other_day} 00:00-00:01\n")
    place.change("connections.yaml", open_always, seldom)
    for _ in range(2):
        read_and_judge(place)
    assert place.records("customers") == []
    assert place.get("/api/v1/activity?problems=true")["items"] == []

    place.change("connections.yaml", seldom, open_always)
    for _ in range(2):  # it is due after the minute that was said
        read_and_judge(place)
    assert len(place.records("customers")) == 4
