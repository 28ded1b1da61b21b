"""A replication slot that nobody reads any more is told of, dropped where that is wanted, and then a gap."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner

from adapters.connections import driver_manager
from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.cli import gateway as command_line
from gateway.operate.demo import workspace_maker
from gateway.operate.tables.slots import said
from gateway.workspace.loader import load
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.tables.test_poller import read_and_judge
from tests.servers import postgresql_missing, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

CONNECTION = """\
erp:
  kind: odbc
  url: Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={port};Database=postgres
  user: reader
  slot_max: 256 KiB
"""
NAMES = "KUNDEN|KDNR|NAME1|NAME2|KZSTAT|KREDIT|EMAIL|ANLDAT|AENDTS"


@pytest.fixture
def owner() -> Iterator[psycopg.Connection[Any]]:
    if problem := postgresql_missing():
        pytest.skip(problem)
    if "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for PostgreSQL: apt-get install odbc-postgresql")
    with (
        running_postgresql(settings=("fsync=off", "wal_level=logical")) as (address, _),
        psycopg.connect(address, autocommit=True) as connection,
    ):
        script = (workspace_maker._HERE / "legacy.sql").read_text(encoding="utf-8")
        connection.execute(re.sub(rf"\b({NAMES})\b", r'"\1"', script).encode())
        connection.execute("CREATE TABLE busy (t text)")
        connection.execute("CREATE ROLE reader LOGIN REPLICATION")
        connection.execute('GRANT SELECT ON "KUNDEN" TO reader')
        connection.execute('CREATE PUBLICATION gateway FOR TABLE "KUNDEN"')
        yield connection


@pytest.fixture
def place(tmp_path: Path, owner: psycopg.Connection[Any]) -> Iterator[Place]:
    folder = tmp_path / "workspace"
    try:
        workspace_maker.make(folder)
    except Stop as missing:
        pytest.skip(str(missing))
    (folder / "connections.yaml").write_text(CONNECTION.format(port=owner.info.port), encoding="utf-8")
    flow = folder / "integrations" / "erp-customers.yaml"
    text = flow.read_text(encoding="utf-8")
    flow.write_text(re.sub(r"(?m)^changes:.*$", "changes: log every 1s", text), encoding="utf-8")
    with reopened(folder) as one:
        yield one


def slots(owner: psycopg.Connection[Any]) -> list[str]:
    return [str(row[0]) for row in owner.execute("SELECT slot_name FROM pg_replication_slots").fetchall()]


def events(place: Place, *names: str) -> list[dict[str, Any]]:
    items = place.get("/api/v1/activity?limit=1000")["items"]
    return [each for each in items if each["event"] in names]


def write_much(owner: psycopg.Connection[Any]) -> None:
    owner.execute("INSERT INTO busy SELECT repeat('x', 1000) FROM generate_series(1, 2000)")


def look_again(place: Place) -> None:
    for _ in range(2):
        read_and_judge(place)


def test_an_abandoned_slot_is_told_once_dropped_where_that_is_wanted_and_then_a_gap(
    place: Place, owner: psycopg.Connection[Any]
) -> None:
    read_and_judge(place)
    assert len(place.records("customers")) == 4
    (slot,) = slots(owner)
    flow = place.folder / "integrations" / "erp-customers.yaml"
    text = flow.read_text(encoding="utf-8")

    flow.unlink()
    assert wiring.apply(place.gateway, load(place.folder))
    write_much(owner)
    look_again(place)
    look_again(place)
    (told,) = events(place, "slot_retains")
    assert re.match(
        rf"erp keeps [\d.]+ MiB of its log for the slot {slot}, more than slot_max \(256 KiB\): ", told["message"]
    )
    assert f"SELECT pg_drop_replication_slot('{slot}')" in told["message"]
    assert slots(owner) == [slot]

    place.change("connections.yaml", "  slot_max: 256 KiB\n", "  slot_max: 256 KiB\n  slot_drop: true\n")
    look_again(place)
    assert slots(owner) == []
    (dropped,) = events(place, "slot_dropped")
    assert "gateway source reset table://erp/KUNDEN" in dropped["message"]

    flow.write_text(text, encoding="utf-8")
    assert wiring.apply(place.gateway, load(place.folder))
    look_again(place)
    (failed,) = events(place, "table_failed")
    assert f"the slot '{slot}' is gone" in failed["message"]
    assert slots(owner) == []

    done = CliRunner().invoke(command_line, ["source", "reset", "table://erp/KUNDEN", "-w", str(place.folder)])
    assert done.exit_code == 0
    owner.execute("""UPDATE "KUNDEN" SET "KREDIT" = 7 WHERE "KDNR" = '100002'""")
    look_again(place)
    assert place.get("/api/v1/customers/100002")["credit"].startswith("7")
    assert slots(owner) == [slot]


def test_a_slot_of_somebody_else_is_told_of_and_never_dropped(place: Place, owner: psycopg.Connection[Any]) -> None:
    place.change("connections.yaml", "  slot_max: 256 KiB\n", "  slot_max: 256 KiB\n  slot_drop: true\n")
    owner.execute("SELECT pg_create_logical_replication_slot('gateway_other_1', 'pgoutput')")
    owner.execute("SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')")
    write_much(owner)
    look_again(place)
    messages = [each["message"] for each in events(place, "slot_retains")]
    assert len([each for each in messages if "gateway_other_1" in each]) == 1
    assert not [each for each in messages if "theirs" in each]
    assert {"gateway_other_1", "theirs"} <= set(slots(owner))


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (10 << 30, "10 GiB"), (1_600_000, "1.5 MiB")],
)
def test_a_size_is_said_for_people(size: int, text: str) -> None:
    assert said(size) == text
