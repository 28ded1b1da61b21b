"""Live tables in the hot lane: answered alike in both, asked once, and only for whom and as long as it counts."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.connections import driver_manager
from adapters.errors import Retry
from adapters.odbc import OdbcSource
from gateway.serve.limits import Policy
from gateway.store import keys
from tests.gateway.serve.test_hot import Counting, in_force
from tests.gateway.serve.worlds import with_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.gateway.serve.worlds import World

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/odbc/libsqlite3odbc.so")
NAMED = "SQLite3" in driver_manager().drivers()
pytestmark = pytest.mark.skipif(
    not NAMED and not LIBRARY.exists(), reason="no ODBC driver for SQLite: apt-get install libsqliteodbc"
)
PATH = "/api/v1/tables/erp/customers"


@pytest.fixture
def source(here: World, tmp_path: Path) -> Iterator[OdbcSource]:
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as owner:
        owner.execute("CREATE TABLE customers (no INTEGER PRIMARY KEY, name VARCHAR(40), credit DECIMAL(10,2))")
        owner.executemany("INSERT INTO customers VALUES (?, ?, ?)", [(n, f"Änn {n}", n * 1.5) for n in range(40)])
        owner.execute("CREATE TABLE notes (text VARCHAR(10))")
        owner.commit()
    in_force(here)
    text = f"Driver={{{'SQLite3' if NAMED else LIBRARY}}};Database={path}"
    with closing(OdbcSource(text, clock=lambda: 0.0)) as source:  # answers say how long they took, in seconds
        here.sources["erp"] = source
        yield source


def lanes(here: World, *scopes: str) -> tuple[FlaskClient, FlaskClient, Counting]:
    """A client of each lane, and what counts the answers of the hot one."""
    key, app = here.key(*scopes), here.app(hot_lane=True)
    return with_key(app.test_client(), key), with_key(here.app(hot_lane=False).test_client(), key), Counting(app)


def said(answer: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer but what is made anew for each."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "X-Request-ID")
    body = re.sub(r'req_\w+|"time":"[^"]*"', "", answer.get_data(as_text=True))
    return answer.status_code, headers, body


def test_both_lanes_answer_alike(here: World, source: OdbcSource) -> None:
    hot, plain, lane = lanes(here, "tables:read")
    queries = ["", "limit=3", "limit=3&sort=-name", "credit__gt=8&count=exact", "fields=name&limit=2", "name=none"]
    for query in queries:
        assert said(hot.get(f"{PATH}?{query}")) == said(plain.get(f"{PATH}?{query}")), query
    assert lane.answered == len(queries)
    first = hot.get(f"{PATH}?limit=30").get_json()
    following = f"{PATH}?limit=30&cursor={first['next']}"
    assert said(hot.get(following)) == said(plain.get(following))
    answered = lane.answered
    wrong = [f"{PATH}?nme=1", f"{PATH}?cursor=x", f"{PATH}?limit=0", f"{PATH}/7", f"{PATH}/99", "/api/v1/tables"]
    wrong += ["/api/v1/tables/erp/custmers", "/api/v1/tables/crm/customers", "/api/v1/tables/erp/notes", f"{PATH}/"]
    for url in wrong:
        assert said(hot.get(url)) == said(plain.get(url)), url
    assert said(hot.delete(PATH)) == said(plain.delete(PATH))
    assert lane.answered == answered, "refusals are the plain lane's"
    assert source.count("customers", ()) == 40


def test_a_source_in_trouble_is_asked_once(here: World, source: OdbcSource, monkeypatch: pytest.MonkeyPatch) -> None:
    hot, _, lane = lanes(here, "tables:read")
    assert hot.get(PATH).status_code == 200
    asked = []

    def slow(*_: object) -> None:
        asked.append(1)
        raise Retry("the time-out passed", code="slow")

    monkeypatch.setattr(source, "lines", slow)
    answer = hot.get(f"{PATH}?limit=1")
    assert (answer.status_code, answer.get_json()["code"], len(asked), lane.answered) == (504, "source_slow", 1, 1)


@pytest.mark.usefixtures("source")
def test_the_lane_answers_only_whom_it_may(here: World) -> None:
    here.sources["crm"] = here.sources["erp"]
    hot, plain, lane = lanes(here, "tables.erp:read")
    for url in (PATH, "/api/v1/tables/crm/customers"):
        assert said(hot.get(url)) == said(plain.get(url))
    assert lane.answered == 1
    with here.database.write() as transaction:
        for each in keys.all_keys(transaction.connection):
            keys.revoke(transaction, each.id)
    assert hot.get(PATH).status_code == 401


@pytest.mark.usefixtures("source")
def test_what_a_client_may_ask_is_kept(here: World) -> None:
    for lane in (True, False):
        app = here.app(hot_lane=lane, limits=Policy(2, 60), ticks=lambda: 0.0)
        client = with_key(app.test_client(), here.key("tables:read", name=f"lane-{lane}"))
        answers = [client.get(PATH) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[1].headers["RateLimit"].startswith('"client";r=0')
