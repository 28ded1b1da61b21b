"""A column that is mapped into personal data is personal data in the live table too, in both lanes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator

from adapters.connections import driver_manager
from adapters.odbc import OdbcSource
from gateway.serve.tablemasks import WHOLE, view_of
from gateway.store import audit
from tests.gateway.serve.test_hot import Counting, in_force
from tests.gateway.serve.worlds import FILES, with_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from tests.gateway.serve.worlds import World

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)
PATH = "/api/v1/tables/erp/KUNDEN"

CUSTOMERS = """\
contract: customer v1
about: A customer
owner: orders-team
key: number
fields:
  number: text
  name: text
  email: text ?, pii
  address:
    city: text ?, pii
    country: text ?
"""

FLOW = """\
integration: erp-customers
about: Customers of the ERP
owner: orders-team
source: table://erp/KUNDEN
changes: snapshot every 5m
key: KDNR
contract: customer v1
map:
  number: KDNR | text
  name: NAME
  email: (EMAIL & MAILHOST) | optional
  address.city: ORT | optional
  address.country: LAND | optional
"""

CONNECTIONS = "erp:\n  kind: odbc\n  url: Driver=SQLite3;Database=erp.db\n"

CONFIGURED = FILES | {
    "connections.yaml": CONNECTIONS,
    "contracts/customer.v1.yaml": CUSTOMERS,
    "integrations/erp-customers.yaml": FLOW,
}

ROWS = [(1, "Ann", "ann", "@a.example", "Kiel", "DE"), (2, "Bob", None, "@b.example", None, "DE")]


@pytest.fixture
def source(here: World, tmp_path: Path) -> Iterator[OdbcSource]:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        columns = "NAME VARCHAR(40), email VARCHAR(40), MAILHOST VARCHAR(40), ORT VARCHAR(40), LAND VARCHAR(2)"
        owner.execute(f"CREATE TABLE KUNDEN (KDNR INTEGER PRIMARY KEY, {columns})")
        owner.executemany("INSERT INTO KUNDEN VALUES (?, ?, ?, ?, ?, ?)", ROWS)
        owner.execute("CREATE TABLE other (EMAIL VARCHAR(40) PRIMARY KEY)")
        owner.execute("INSERT INTO other VALUES ('ann@a.example')")
        owner.commit()
    here.apply(CONFIGURED)
    in_force(here)
    with closing(OdbcSource(f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}")) as source:
        here.sources["erp"] = source
        yield source


def two(here: World, *, hot: bool) -> tuple[FlaskClient, FlaskClient, Counting | None]:
    """Who may read all but personal data, who may see that too, and what counts the answers of the hot lane."""
    app = here.app(hot_lane=hot)
    reader = with_key(app.test_client(), here.key("*:read", name="reader"))
    desk = with_key(app.test_client(), here.key("*:read", "customers:personal", name="desk"))
    return reader, desk, Counting(app) if hot else None


def told(here: World) -> list[tuple[str, str, int, str]]:
    with here.database.read() as connection:
        lines = audit.after(connection, 0, limit=100, action="personal_read")
    return [(line.who, line.subject, line.details["count"], line.details["table"]) for line in lines]


MASKED = ["email", "MAILHOST", "ORT"]


def masked(number: int, name: str) -> dict[str, Any]:
    rest = {"KDNR": number, "NAME": name, "email": None, "MAILHOST": None, "ORT": None, "LAND": "DE"}
    return {"_masked": MASKED} | rest


@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.usefixtures("source")
def test_columns_of_personal_data_are_null_and_named(here: World, hot: bool) -> None:
    reader, desk, lane = two(here, hot=hot)
    for _ in range(2):
        assert reader.get(PATH).get_json()["items"] == [masked(1, "Ann"), masked(2, "Bob")]
        assert desk.get(PATH).get_json()["items"][0]["email"] == "ann"
    assert reader.get(f"{PATH}/1").get_json() == masked(1, "Ann")
    assert list(reader.get(f"{PATH}/1").get_json()) == list(masked(1, "Ann"))
    assert desk.get(f"{PATH}/1").get_json()["ORT"] == "Kiel"
    assert lane is None or lane.answered == 0, "the plain lane masks, and puts on record"
    for text in ("ann", "a.example", "Kiel"):
        assert text not in reader.get(PATH).text + reader.get(f"{PATH}/1").text
    assert told(here) == [("desk", "collection customers", 2, "erp/KUNDEN")] * 2 + [
        ("desk", "collection customers", 1, "erp/KUNDEN")
    ]


@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.usefixtures("source")
def test_fields_tell_no_masked_column(here: World, hot: bool) -> None:
    reader, desk, _ = two(here, hot=hot)
    assert reader.get(f"{PATH}?fields=NAME&limit=1").get_json()["items"] == [{"NAME": "Ann"}]
    (first, _) = reader.get(f"{PATH}?fields=email,NAME").get_json()["items"]
    assert first == {"_masked": ["email"], "email": None, "NAME": "Ann"}
    assert reader.get(f"{PATH}?fields=ORT&limit=1").get_json()["items"] == [{"_masked": ["ORT"], "ORT": None}]
    assert told(here) == []
    assert desk.get(f"{PATH}?fields=NAME").status_code == 200
    assert told(here) == [], "no personal data was asked for"
    assert desk.get(f"{PATH}?fields=NAME,ORT&limit=1").get_json()["items"] == [{"NAME": "Ann", "ORT": "Kiel"}]
    assert told(here) == [("desk", "collection customers", 1, "erp/KUNDEN")]


@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize(
    "query",
    ["email__startswith=a", "email=ann", "email__isnull=true", "ORT__in=Kiel", "MAILHOST__gt=@a", "sort=email",
     "sort=NAME,-ORT", "email__ne=x&count=exact"],
)  # fmt: skip
@pytest.mark.usefixtures("source")
def test_no_filter_and_no_order_tells_a_masked_value(here: World, query: str, hot: bool) -> None:
    reader, desk, _ = two(here, hot=hot)
    answer = reader.get(f"{PATH}?{query}")
    assert answer.status_code == 403
    assert {each["code"] for each in answer.get_json()["errors"]} == {"personal_field"}
    assert desk.get(f"{PATH}?{query}").status_code == 200


@pytest.mark.usefixtures("source")
def test_cursors_and_entity_tags_are_of_one_view(here: World) -> None:
    reader, desk, _ = two(here, hot=True)
    cursor = reader.get(f"{PATH}?limit=1").get_json()["next"]
    assert reader.get(f"{PATH}?limit=1&cursor={cursor}").get_json()["items"] == [masked(2, "Bob")]
    assert desk.get(f"{PATH}?limit=1&cursor={cursor}").get_json()["code"] == "bad_cursor"
    tags = [client.get(f"{PATH}/1").headers["ETag"] for client in (reader, desk)]
    assert tags[0] != tags[1]
    assert desk.get(f"{PATH}/1", headers={"If-None-Match": tags[0]}).status_code == 200
    assert reader.get(f"{PATH}/1", headers={"If-None-Match": tags[0]}).status_code == 304


@pytest.mark.usefixtures("source")
def test_the_mask_follows_the_configuration_in_force(here: World) -> None:
    reader, _, lane = two(here, hot=True)
    assert reader.get(PATH).get_json()["items"][0]["ORT"] is None
    here.apply(CONFIGURED | {"contracts/customer.v1.yaml": CUSTOMERS.replace(", pii", "")})
    in_force(here)
    assert [reader.get(PATH).get_json()["items"][0]["ORT"] for _ in range(3)] == ["Kiel"] * 3
    assert lane is not None
    assert lane.answered
    here.apply(CONFIGURED)
    in_force(here)
    assert reader.get(PATH).get_json()["items"][0]["ORT"] is None


@pytest.mark.usefixtures("source")
def test_rows_that_personal_data_tells_apart_are_refused(here: World) -> None:
    head = FLOW.partition("map:")[0].replace("KUNDEN", "other").replace("KDNR", "EMAIL")
    flow = f"{head}map:\n  number: EMAIL\n  name: EMAIL\n  email: EMAIL | optional\n"
    here.apply(CONFIGURED | {"integrations/erp-customers.yaml": flow})
    in_force(here)
    reader, desk, _ = two(here, hot=True)
    for path in ("/api/v1/tables/erp/other", "/api/v1/tables/erp/other/ann%40a.example"):
        assert reader.get(path).get_json()["code"] == "personal_field"
        assert desk.get(path).status_code == 200


@pytest.mark.usefixtures("source")
def test_another_table_and_another_connection_are_as_they_are(here: World) -> None:
    reader, _, _ = two(here, hot=False)
    assert reader.get("/api/v1/tables/erp/other").get_json()["items"] == [{"EMAIL": "ann@a.example"}]
    here.sources["crm"] = here.sources["erp"]
    assert reader.get("/api/v1/tables/crm/KUNDEN/1").get_json()["ORT"] == "Kiel"


def test_the_document_says_which_columns_are_masked(here: World, source: OdbcSource) -> None:
    reader, desk, _ = two(here, hot=False)
    source.live.shapes._next = None
    thread = source.live.shapes.renew()
    assert thread is not None
    thread.join(30)
    documents = [client.get("/api/v1/openapi.json") for client in (reader, desk)]
    assert documents[0].headers["ETag"] != documents[1].headers["ETag"]
    seen, all_seen = (each.get_json() for each in documents)
    row = seen["components"]["schemas"]["table.erp_KUNDEN"]
    assert row["properties"]["ORT"]["type"] == ["string", "null"]
    assert "Masked" in row["properties"]["ORT"]["description"]
    validator = OAS31Validator({"$ref": "#/$defs/row", "$defs": {"row": row}})
    validator.validate(reader.get(f"{PATH}/1").get_json())
    names = {each["name"] for each in seen["paths"][PATH]["get"]["parameters"]}
    assert "NAME__startswith" in names
    assert not {name for name in names if name.partition("__")[0] in MASKED}
    assert "_masked" not in json.dumps(all_seen["components"]["schemas"]["table.erp_KUNDEN"])
    assert "email__startswith" in {each["name"] for each in all_seen["paths"][PATH]["get"]["parameters"]}


def test_a_table_that_nobody_maps_is_whole(here: World) -> None:
    assert view_of(here.configuration, None, "erp", "KUNDEN") == WHOLE  # type: ignore[arg-type] # nobody is asked
