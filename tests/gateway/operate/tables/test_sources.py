"""Sources that are no tables: hand-written queries and Access files; and what the activity tells of a source."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
from gateway.configuration import Connection
from gateway.errors import Stop
from gateway.operate import wiring
from gateway.operate.demo import workspace_maker
from gateway.operate.tables.sources import open_source, resting
from gateway.workspace.loader import load
from tests.acceptance.workspaces import reopened
from tests.adapters.accessfiles import write
from tests.gateway.operate.tables.test_poller import legacy, read_and_judge
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

QUERIES = """\
  queries:
    by-status:
      key: status
      select: |
        -- how many customers there are of each kind
        SELECT KZSTAT AS status, COUNT(*) AS customers, MAX(KREDIT) AS highest
        FROM KUNDEN GROUP BY KZSTAT
"""
CONTRACT = """\
contract: {name} v1
about: What is tried here.
owner: erp-team
key: {key}
fields:
{fields}
"""
INTEGRATION = """\
integration: {name}
about: What is tried here.
owner: erp-team
source: table://{place}
changes: diff every 1s
key: {key}
contract: {name} v1
map:
{lines}
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    try:
        workspace_maker.make(tmp_path / "workspace")
    except Stop as missing:
        pytest.skip(str(missing))
    with reopened(tmp_path / "workspace") as one:
        yield one


def add(place: Place, name: str, at: str, key: str, fields: dict[str, str], mapping: dict[str, str]) -> None:
    """A contract and an integration, in force."""
    shown = "\n".join(f"  {field}: {kind}" for field, kind in fields.items())
    contract = CONTRACT.format(name=name, key=next(iter(fields)), fields=shown)
    lines = "\n".join(f"  {field}: {expression}" for field, expression in mapping.items())
    integration = INTEGRATION.format(name=name, place=at, key=key, lines=lines)
    (place.folder / "contracts" / f"{name}.v1.yaml").write_text(contract, encoding="utf-8")
    (place.folder / "integrations" / f"{name}.yaml").write_text(integration, encoding="utf-8")
    wiring.apply(place.gateway, load(place.folder))


def records(place: Place, collection: str) -> dict[str, dict[str, object]]:
    return {each["_key"]: each for each in place.records(collection)}


def test_a_query_is_read_live_and_its_rows_become_records(place: Place) -> None:
    connections = place.folder / "connections.yaml"
    connections.write_text(connections.read_text(encoding="utf-8").rstrip() + "\n" + QUERIES, encoding="utf-8")
    add(
        place, "standing", "erp/by-status", "status", {"status": "text", "customers": "int", "highest": "decimal?"},
        {"status": "status", "customers": "customers", "highest": "highest | optional"},
    )  # fmt: skip
    (listed,) = place.get("/api/v1/tables")["items"]
    assert "by-status" in listed["tables"]
    live = place.get("/api/v1/tables/erp/by-status?customers__gte=2&sort=status")["items"]
    assert [(each["status"], each["customers"]) for each in live] == [("A", 2)]
    assert place.get("/api/v1/tables/erp/by-status/A")["customers"] == 2

    read_and_judge(place)
    assert {key: each["customers"] for key, each in records(place, "standings").items()} == {"A": 2, "S": 1, "X": 1}
    legacy(place, "UPDATE KUNDEN SET KZSTAT = 'A' WHERE KZSTAT = 'X'")
    read_and_judge(place)
    assert {key: each["customers"] for key, each in records(place, "standings").items()} == {"A": 3, "S": 1}


def test_an_access_file_is_read_live_and_its_rows_become_records(place: Place) -> None:
    if "MDBTools" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for Access: apt-get install odbc-mdbtools")
    path = place.folder / "legacy" / "lager.mdb"
    columns = (("ArtNr", "long"), ("Name", "text"), ("Preis", "double"))
    write(path, {"Artikel": (columns, [(1, "Hammer", 9.5), (2, "Säge", None)])})
    connections = place.folder / "connections.yaml"
    text = connections.read_text(encoding="utf-8").rstrip()
    text += "\nlager:\n  kind: odbc\n  url: Driver=MDBTools;DBQ={workspace}/legacy/lager.mdb\n"
    connections.write_text(text, encoding="utf-8")
    add(
        place, "article", "lager/Artikel", "ArtNr", {"number": "int", "name": "text", "price": "decimal?"},
        {"number": "ArtNr", "name": "Name", "price": "Preis | optional"},
    )  # fmt: skip
    live = place.get("/api/v1/tables/lager/Artikel?limit=1")
    assert live["items"] == [{"ArtNr": 1, "Name": "Hammer", "Preis": "9.5"}]
    refused = place.ask("/api/v1/tables/lager/Artikel?Name=Hammer")
    assert (refused.status_code, "can only be scanned" in refused.get_data(as_text=True)) == (400, True)
    assert place.ask("/api/v1/tables/lager/Artikel/1").status_code == 409

    read_and_judge(place)
    assert {key: each["name"] for key, each in records(place, "articles").items()} == {"1": "Hammer", "2": "Säge"}
    write(path, {"Artikel": (columns, [(2, "Sägeblatt", 3.25), (3, "Zange", 5.0)])})
    read_and_judge(place)
    assert {key: (each["name"], each.get("price")) for key, each in records(place, "articles").items()} == {
        "2": ("Sägeblatt", "3.25"),
        "3": ("Zange", "5.0"),
    }
    assert place.get("/api/v1/activity?problems=true")["items"] == []


def test_a_source_that_is_left_alone_and_one_that_is_back_are_told_once(place: Place) -> None:
    if "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for PostgreSQL: apt-get install odbc-postgresql")
    url = f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={free_port()};Database=erp"
    connections = place.folder / "connections.yaml"
    text = connections.read_text(encoding="utf-8").rstrip()
    connections.write_text(f"{text}\ncrm:\n  kind: odbc\n  url: {url}\n  failures_max: 2\n", encoding="utf-8")
    wiring.apply(place.gateway, load(place.folder))
    for _ in range(4):
        assert place.ask("/api/v1/tables/crm/KUNDEN").status_code == 503
    resting(place.gateway, "crm", "the API")("closed", 2, "")
    told = [each for each in place.get("/api/v1/activity?limit=100")["items"] if each["event"].startswith("source_")]
    assert [each["event"] for each in told] == ["source_left_alone", "source_answers"]
    assert told[1]["message"] == "crm answers the API again, after 2 failures"
    assert told[0]["message"].startswith("crm failed 2 times in a row; the API leaves it alone: ")


def test_the_login_of_a_connection_is_that_of_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "secrets" / "erp"
    folder.mkdir(parents=True)
    for name, text in (("password", "a@b:c/ü"), ("log", "postgresql://other:x@db/erp")):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)
    options = {"user": "reader", "password": "secret:erp/password", "replication": "postgresql://db:5433/erp"}
    for given, used in (
        (options["replication"], "postgresql://reader:a%40b%3Ac%2F%C3%BC@db:5433/erp"),
        ("secret:erp/log", "postgresql://other:x@db/erp"),
    ):
        connection = Connection(
            "erp", "odbc", "Driver=PostgreSQL Unicode", tuple({**options, "replication": given}.items())
        )
        with closing(open_source(tmp_path, connection)) as source:
            assert isinstance(source, OdbcSource)
            assert source.settings.replication == used
