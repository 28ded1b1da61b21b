"""Legacy tables over HTTP: a real SQLite database behind its ODBC driver, read and never written."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from adapters.errors import AdapterError, Retry, Stop
from adapters.governor import Governor
from adapters.live import Live
from adapters.odbc import OdbcSource
from adapters.options import Settings
from gateway.integrations import Source
from gateway.serve import asking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from flask.testing import FlaskClient

    from tests.gateway.serve.worlds import World

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)

PATH = "/api/v1/tables/erp/customers"


@pytest.fixture
def client(here: World, tmp_path: Path) -> Iterator[FlaskClient]:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute(
            "CREATE TABLE customers (no INTEGER PRIMARY KEY, name VARCHAR(40), credit DECIMAL(10,2), day DATE)"
        )
        owner.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            [(1, "Ann", "10.25", "2026-01-01"), (2, "Bob", None, None), (3, "Cy~d/e", "7", "2026-03-01")],
        )
        owner.execute('CREATE TABLE "lines" (no INTEGER, sku VARCHAR(10), PRIMARY KEY (sku, no))')
        owner.execute("INSERT INTO lines VALUES (1, 'a~b')")
        owner.execute("CREATE TABLE notes (text VARCHAR(10))")
        owner.execute("INSERT INTO notes VALUES ('b'), ('a')")
        owner.commit()
    source = OdbcSource(f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}")
    here.sources["erp"] = source
    yield here.client("tables:read")
    source.close()


def names(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["name"] for row in answer.get_json()["items"]]


def test_a_table_without_a_key_is_read_by_the_one_that_an_integration_declares(
    client: FlaskClient, here: World
) -> None:
    source = Source("table", "erp", "notes")
    flow = replace(here.configuration.integrations["acme-orders"], name="notes", source=source, key=("text",))
    assert client.get("/api/v1/tables/erp/notes").get_json()["code"] == "no_key"
    here.configuration = replace(here.configuration, integrations={"notes": flow})
    first = client.get("/api/v1/tables/erp/notes?limit=1").get_json()
    assert first["items"] == [{"text": "a"}]
    rest = client.get(f"/api/v1/tables/erp/notes?limit=1&cursor={first['next']}").get_json()
    assert (rest["items"], rest["next"]) == ([{"text": "b"}], None)


def test_connections_and_their_tables(client: FlaskClient) -> None:
    (connection,) = client.get("/api/v1/tables").get_json()["items"]
    assert connection == {
        "connection": "erp",
        "available": True,
        "tables": ["customers", "lines", "notes"],
        "message": None,
    }


def test_rows_by_the_same_grammar(client: FlaskClient) -> None:
    assert client.get(PATH).get_json()["items"][0] == {"no": 1, "name": "Ann", "credit": "10.25", "day": "2026-01-01"}
    assert names(client, "name=Bob") == ["Bob"]
    assert names(client, "no__in=1,3&sort=-no") == ["Cy~d/e", "Ann"]
    assert names(client, "credit__gt=8") == ["Ann"]
    assert names(client, "day__isnull=true") == ["Bob"]
    assert names(client, "name__startswith=C") == ["Cy~d/e"]
    (row,) = client.get(f"{PATH}?no=2&fields=name").get_json()["items"]
    assert row["name"] == "Bob"
    assert "credit" not in row


def test_pages_of_rows(client: FlaskClient) -> None:
    first = client.get(f"{PATH}?limit=2&sort=name").get_json()
    assert [row["name"] for row in first["items"]] == ["Ann", "Bob"]
    assert names(client, f"limit=2&sort=name&cursor={first['next']}") == ["Cy~d/e"]
    assert client.get(f"{PATH}?sort=-name&cursor={first['next']}").get_json()["code"] == "bad_cursor"


def test_one_row_by_its_key(client: FlaskClient) -> None:
    assert client.get(f"{PATH}/2").get_json()["name"] == "Bob"
    assert client.get("/api/v1/tables/erp/lines/a%7Eb~1").get_json() == {"no": 1, "sku": "a~b"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/tables/erq/customers", 404, "unknown_table"),
        ("/api/v1/tables/erp/custmers", 404, "unknown_table"),
        (f"{PATH}/9", 404, "unknown_row"),
        (f"{PATH}/1~2", 404, "unknown_row"),
        (f"{PATH}/x", 404, "unknown_row"),
        ("/api/v1/tables/erp/notes/x", 409, "no_key"),
        ("/api/v1/tables/erp/notes", 409, "no_key"),
        (f"{PATH}?nme=x", 400, "unknown_parameter"),
        (f"{PATH}?no=x", 400, "bad_value"),
        (f"{PATH}?no__contains=1", 400, "unknown_operator"),
        (f"{PATH}?sort=nme", 400, "unknown_field"),
        (f"{PATH}?fields=nme", 400, "unknown_field"),
        (f"{PATH}?count=yes", 400, "bad_parameter"),
        (f"{PATH}?limit=1001", 400, "bad_parameter"),
    ],
)
def test_what_cannot_be_asked(client: FlaskClient, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.get_json()


def test_a_value_that_does_not_suit_its_column_names_the_parameter(client: FlaskClient) -> None:
    (flaw,) = client.get(f"{PATH}?name=x&no__gt=abc").get_json()["errors"]
    assert (flaw["code"], flaw["parameter"]) == ("bad_value", "no__gt")
    (flaw,) = client.get(f"{PATH}?no__lt=9&no__gt=abc").get_json()["errors"]
    assert "parameter" not in flaw, "which of the two is not known"


def test_rows_are_counted_where_that_is_asked(client: FlaskClient) -> None:
    assert "count" not in client.get(PATH).get_json()
    assert client.get(f"{PATH}?count=exact&limit=1").get_json()["count"] == 3
    assert client.get(f"{PATH}?count=exact&credit__gt=8&name=Ann").get_json()["count"] == 1


def test_a_row_has_an_entity_tag(client: FlaskClient, tmp_path: Path) -> None:
    first = client.get(f"{PATH}/1")
    tag = first.headers["ETag"]
    same = client.get(f"{PATH}/1", headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("UPDATE customers SET credit = 11 WHERE no = 1")
        owner.commit()
    changed = client.get(f"{PATH}/1", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.get_json()["credit"]) == (200, "11")
    assert changed.headers["ETag"] != tag


def test_a_page_leads_on(client: FlaskClient) -> None:
    first = client.get(f"{PATH}?limit=2")
    target = first.headers["Link"].partition("<")[2].partition(">")[0]
    assert target.endswith(f"cursor={first.get_json()['next']}")
    rest = client.get(target)
    assert [row["no"] for row in rest.get_json()["items"]] == [3]
    assert "Link" not in rest.headers


def test_values_that_are_none_of_their_type_are_shown_plainly(client: FlaskClient, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("CREATE TABLE odd (no INTEGER PRIMARY KEY, at DATETIME, paid BOOLEAN, photo BLOB, size REAL)")
        owner.execute("INSERT INTO odd VALUES (1, '2026-11-21 06:55:00.500', 1, x'00ff', 0.5)")
        owner.execute("INSERT INTO odd VALUES (2, '0000-00-00 00:00:00', 'perhaps', NULL, 'nonsense')")
        owner.execute("INSERT INTO odd VALUES (9223372036854775807, 'infinity', 0, x'', 1e20)")
        owner.commit()
    text = client.get("/api/v1/tables/erp/odd").get_data(as_text=True)
    assert text.startswith(
        '{"items":[{"no":1,"at":"2026-11-21T06:55:00.5","paid":true,"photo":"AP8=","size":"0.5"},'
        '{"no":2,"at":"0000-00-00 00:00:00","paid":"perhaps","photo":null,"size":"nonsense"},'
        '{"no":9223372036854775807,"at":"infinity","paid":false,"photo":"","size":"100000000000000000000'
    ), text


def test_a_scope_can_be_for_one_connection(client: FlaskClient, here: World) -> None:
    here.sources["crm"] = here.sources["erp"]
    one = here.client("tables.erp:read")
    assert one.get(PATH).status_code == 200
    assert one.get(f"{PATH}/1").status_code == 200
    assert [each["connection"] for each in one.get("/api/v1/tables").get_json()["items"]] == ["erp"]
    refused = one.get("/api/v1/tables/crm/customers")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
    assert "tables.crm:read" in refused.get_json()["detail"]
    assert one.get("/api/v1/tables/nowhere/customers").status_code == 403, "it is not told which there are"
    assert here.client("orders:read").get("/api/v1/tables").status_code == 403
    assert [each["connection"] for each in client.get("/api/v1/tables").get_json()["items"]] == ["crm", "erp"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_ever_written(client: FlaskClient, method: str) -> None:
    for path in (PATH, f"{PATH}/1"):
        answer = client.open(path, method=method, json={"name": "Eve"})
        assert answer.status_code == 405
        assert "POST" not in answer.headers["Allow"]


class Troubled:
    """A source that only fails."""

    def __init__(self, error: AdapterError) -> None:
        self.error = error
        self.live = Live(self, Governor(Settings()), clock=time.monotonic)

    def __getattr__(self, _: str) -> Any:
        def fails(*_: Any, **__: Any) -> Any:
            raise self.error

        return fails


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Retry("cannot connect: refused", delay_seconds=5.0, lost=True), 503, "source_down"),
        (Retry("a lock was not available"), 504, "source_slow"),
        (Retry("the time-out passed", code="slow"), 504, "source_slow"),
        (Retry("all connections are in use", code="busy"), 503, "source_busy"),
        (Retry("no more than 60 statements a minute", delay_seconds=0.2, code="limited"), 429, "source_limited"),
        (Retry("at night only", delay_seconds=3600, code="closed"), 503, "source_closed"),
        (Retry("left alone", delay_seconds=20, code="down"), 503, "source_down"),
        (Stop("the login was refused", "Check the password reference."), 503, "source_down"),
    ],
)
def test_a_source_in_trouble_is_said_and_hides_no_other(
    client: FlaskClient, here: World, error: AdapterError, status: int, code: str
) -> None:
    here.sources["crm"] = Troubled(error)
    answer = client.get("/api/v1/tables/crm/customers")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert int(answer.headers["Retry-After"]) >= 1
    if isinstance(error, Retry):
        assert int(answer.headers["Retry-After"]) >= error.delay_seconds
    assert error.message in answer.get_json()["detail"]
    listed = client.get("/api/v1/tables").get_json()["items"]
    assert [(each["connection"], each["available"]) for each in listed] == [("crm", False), ("erp", True)]
    assert listed[0]["message"] == error.message


def test_an_answer_that_is_shared_says_how_old_it_is(client: FlaskClient, here: World, tmp_path: Path) -> None:
    seconds = [1000.0]
    path = tmp_path / "erp.db"
    source = OdbcSource(
        f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}",
        options={"cache_seconds": "5"},
        clock=lambda: seconds[0],
    )
    with closing(source), closing(sqlite3.connect(path)) as owner:
        here.sources["erp"] = source
        first = client.get(f"{PATH}?no=1")
        assert first.headers["Age"] == "0"
        owner.execute("UPDATE customers SET name = 'Eve' WHERE no = 1")
        owner.commit()
        seconds[0] += 3.5
        again = client.get(f"{PATH}?no=1")
        assert again.headers["Age"] == "3"
        assert again.get_json()["items"] == first.get_json()["items"]
        assert datetime.fromisoformat(again.get_json()["as_of"]["time"]) == here.now() - timedelta(seconds=3.5)
        assert client.get(f"{PATH}/1").headers["Age"] == "0", "another question"
        seconds[0] += 1.5
        fresh = client.get(f"{PATH}?no=1")
        assert (fresh.headers["Age"], fresh.get_json()["items"][0]["name"]) == ("0", "Eve")


def test_a_column_that_is_gone_is_noticed(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get(PATH).status_code == 200
    with closing(sqlite3.connect(tmp_path / "erp.db")) as owner:
        owner.execute("ALTER TABLE customers DROP COLUMN credit")
        owner.commit()
    assert client.get(PATH).status_code == 503
    assert client.get(PATH).get_json()["items"][0] == {"no": 1, "name": "Ann", "day": "2026-01-01"}


class Silent(Troubled):
    """A source that does not answer until it is told to."""

    def __init__(self) -> None:
        super().__init__(Retry("nobody is there", lost=True))
        self.go_on = threading.Event()

    def tables(self) -> tuple[str, ...]:
        self.go_on.wait(60)
        raise self.error


def test_a_silent_source_does_not_hold_the_list_of_all(
    client: FlaskClient, here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds: list[float | None] = []

    def until_one_answers(asked: Iterable[Future[Any]], timeout: float | None) -> None:
        """As if the time were over as soon as somebody has answered, however long that takes."""
        seconds.append(timeout)
        wait(asked, 60, return_when=FIRST_COMPLETED)

    monkeypatch.setattr(asking, "wait", until_one_answers)
    silent = Silent()
    here.sources["crm"] = silent
    listed = client.get("/api/v1/tables").get_json()["items"]
    silent.go_on.set()
    assert [(each["connection"], each["available"]) for each in listed] == [("crm", False), ("erp", True)]
    assert (listed[0]["message"], seconds) == ("no answer within 5 seconds", [5.0])


def test_how_sources_fare(client: FlaskClient, here: World) -> None:
    here.sources["crm"] = OdbcSource("Driver=/nowhere.so", options={"failures_max": "1"})
    asking = here.client("tables:read", "integrations:read")
    client.get(PATH)
    refused = Retry("nobody is there", lost=True)
    with pytest.raises(Retry), here.sources["crm"].live._governor.turn():
        raise refused
    crm, erp = asking.get("/health/sources").get_json()["items"]
    assert (crm["connection"], crm["state"], crm["failures"], crm["last_error"]) == (
        "crm",
        "open",
        1,
        "nobody is there",
    )
    assert crm["failed_at"]
    assert crm["answered_at"] is None
    assert (erp["connection"], erp["state"], erp["connections"], erp["in_use"]) == ("erp", "closed", 4, 0)
    assert erp["answered_at"]
    assert erp["last_error"] is None
    assert client.get("/health/sources").status_code == 403
