"""A database that nobody has seen before, and nothing but a connection string: its tables are an API in minutes.

The servers' own logs of statements say afterwards what was asked of them: nothing that writes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner

from adapters.connections import driver_manager
from gateway.operate.cli import gateway as command_line
from tests.acceptance.test_sources import READING, WRITING
from tests.adapters.witness import watched_mariadb
from tests.servers import free_port, mariadb_missing, postgresql_missing, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAIT_SECONDS = 180.0
PASSWORD = "s3cret;{of}theirs"

TABLES = (
    """CREATE TABLE {q}Kunden{q} ({q}KDNR{q} VARCHAR(6) PRIMARY KEY, {q}Name 1{q} VARCHAR(40) NOT NULL,
        {q}Größe{q} INTEGER, {q}AENDTS{q} TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(6), total DECIMAL(12,2) NOT NULL, placed_on DATE,
        paid BOOLEAN)""",
    """CREATE TABLE order_lines (order_id INTEGER, line INTEGER, sku VARCHAR(20), quantity DECIMAL(9,3),
        PRIMARY KEY (order_id, line))""",
    """INSERT INTO {q}Kunden{q} VALUES ('100001', 'Müller & Söhne', 42, '2026-11-20 10:00:00'),
        ('100002', 'Dupont', NULL, '2026-11-20 11:00:00')""",
    "INSERT INTO orders VALUES (1, '100001', 99.90, '2026-11-20', TRUE), (2, '100002', 1250.00, NULL, NULL)",
    "INSERT INTO order_lines VALUES (1, 1, 'A-1', 1.5), (1, 2, 'A-2', 3), (2, 1, 'B-1', 10)",
)
CHANGED = (
    "UPDATE orders SET total = 12.34 WHERE id = 2",
    "INSERT INTO orders VALUES (3, '100001', 5, '2026-11-21', FALSE)",
    "DELETE FROM orders WHERE id = 1",
)


@dataclass(frozen=True, slots=True)
class Stranger:
    """A database: its connection string, what its owner does to it, the statements that it heard from us.

    `about` is some of what it says of itself.
    """

    url: str
    run: Callable[[str], object]
    heard: Callable[[], list[str]]
    about: tuple[str, ...]


@contextmanager
def postgresql_stranger(_folder: Path) -> Iterator[Stranger]:
    if problem := postgresql_missing():
        pytest.skip(problem)
    if "PostgreSQL Unicode" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for PostgreSQL: apt-get install odbc-postgresql")
    settings = ("fsync=off", "log_statement=all", "log_line_prefix=%u|", "log_min_duration_statement=-1")
    with running_postgresql(settings=settings) as (address, log), psycopg.connect(address, autocommit=True) as owner:
        for statement in TABLES:
            owner.execute(statement.format(q='"').encode())
        owner.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'".encode())
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")

        def heard() -> list[str]:
            said = r"^reader\|LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)"
            return re.findall(said, log.read_text(), re.MULTILINE)

        port = address.rpartition(":")[2].partition("/")[0]
        url = f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres"
        about = (
            "time zone of the login: ",
            "the database's encoding: UTF8",
            "wal_level: replica",
            "connections at most:",
        )
        yield Stranger(url, lambda sql: owner.execute(sql.encode()), heard, about)


@contextmanager
def mariadb_stranger(folder: Path) -> Iterator[Stranger]:
    if problem := mariadb_missing():
        pytest.skip(problem)
    if "MariaDB Unicode" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for MariaDB: apt-get install odbc-mariadb")
    scratch = folder / "server" / "scratch"
    scratch.mkdir(parents=True)
    with watched_mariadb(scratch) as (_, port, log):
        at = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port}"
        with closing(driver_manager().connect(f"{at};UID=owner;Database=erp", autocommit=True)) as owner:
            owner.execute("CREATE DATABASE shop CHARACTER SET utf8mb4")
            owner.execute(f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
            owner.execute("GRANT SELECT ON shop.* TO reader@'127.0.0.1'")
            owner.execute("USE shop")
            for statement in TABLES:
                owner.execute(statement.format(q="`"))
            about = (
                "time zone of the machine: ",
                "the database's encoding: utf8mb4",
                "log_bin: ",
                "connections at most:",
            )
            yield Stranger(
                f"{at};Database=shop", owner.execute, lambda: _said_by_reader(log.read_text("utf-8", "replace")), about
            )


LOGGED = re.compile(
    r"^(?:\d{6}\s+[\d:]+)?\s+(\d+) (Connect|Query|Execute|Prepare)\t(.*(?:\n(?!\d{6}\s|\s+\d+ ).*)*)", re.MULTILINE
)
"""A line of MariaDB's general log: session, command, text."""


def _said_by_reader(log: str) -> list[str]:
    """The statements of the reader's sessions.

    Without those that end a statement of their own: the examination of the driver tries whether it can be cancelled.
    """
    lines = LOGGED.findall(log)
    sessions = {session for session, word, text in lines if word == "Connect" and text.startswith("reader@")}
    ends = {f"KILL QUERY {session}" for session in sessions}
    return [text for session, word, text in lines if session in sessions and word != "Connect" and text not in ends]


STRANGERS = {"postgresql": postgresql_stranger, "mariadb": mariadb_stranger}


def command(*words: str) -> str:
    """What a command of the gateway prints."""
    done = CliRunner().invoke(command_line, [*words])
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


@contextmanager
def up(folder: Path) -> Iterator[Callable[[str], Any]]:
    """``gateway up`` on free ports; yields what asks its API."""
    settings = folder / "gateway.yaml"
    http = free_port()
    text = settings.read_text(encoding="utf-8")
    ports = {"8080": str(http), "2222": str(free_port())}
    text = re.sub("|".join(ports), lambda written: ports[written[0]], text)
    settings.write_text(text, encoding="utf-8")
    token = command("key", "add", "test", "-w", str(folder)).strip()

    def get(path: str) -> Any:
        asked = urllib.request.Request(f"http://127.0.0.1:{http}{path}", headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (404, 503):
                pytest.fail(error.read().decode())
            return None
        except (urllib.error.URLError, ConnectionError):  # it does not listen yet
            return None

    with (folder.parent / "log").open("wb") as log:
        words = [sys.executable, "-m", "gateway.operate", "up", "--workspace", str(folder), "--workers", "1"]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield get
    finally:
        process.terminate()
        process.wait(60)


def wait_for(what: str, asked: Callable[[], Any]) -> Any:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if answer := asked():
            return answer
        time.sleep(0.1)
    pytest.fail(f"within {WAIT_SECONDS:.0f} s it did not come to this: {what}")


def records(get: Callable[[str], Any], collection: str) -> list[dict[str, Any]]:
    """The records of a collection, without what the gateway itself says of them."""
    items = (get(f"/api/v1/{collection}?limit=100") or {}).get("items", [])
    return [{name: value for name, value in each.items() if not name.startswith("_")} for each in items]


def only_read(statements: list[str]) -> None:
    """Each of them is one that reads, or the SET of a session."""
    assert len(statements) > 20
    for said in statements:
        bare = re.sub(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`", "x", said)
        for statement in filter(None, (each.strip() for each in bare.split(";"))):
            assert statement.split()[0].upper() in READING, said
            assert not WRITING.search(statement), said


@pytest.mark.server
@pytest.mark.parametrize("kind", STRANGERS)
def test_the_tables_of_an_unknown_database_are_an_api_and_the_server_hears_only_reads(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "workspace"
    with STRANGERS[kind](tmp_path) as stranger:
        url = f"{stranger.url};UID=reader;PWD={{{PASSWORD.replace('}', '}}')}}}"
        seen = command("probe", url)
        for said in (
            "answers in",
            "login reader",
            "may only read",
            "cannot write: ",
            "changes: diff every",
            *stranger.about,
        ):
            assert said in seen, seen
        for table in ("Kunden", "orders", "order_lines"):
            assert re.search(rf"  {table}: .* rows?, key ", seen), seen
        assert PASSWORD not in seen

        first = command("new", "--from", "shop/orders", "--url", url, "--changes", "diff every 1s", "-w", str(folder))
        assert "secrets/shop/password" in first
        for table in ("Kunden", "order_lines"):
            command("new", "--from", f"shop/{table}", "--changes", "diff every 1s", "-w", str(folder))
        assert "3 integrations, 3 contracts, 0 partners, 1 connection" in command("check", str(folder))

        with up(folder) as get:
            lines = wait_for("the lines are records", lambda: len(found := records(get, "order-lines")) == 3 and found)
            assert {(each["order_id"], each["line"], each["quantity"]) for each in lines} == {
                (1, 1, "1.500"),
                (1, 2, "3.000"),
                (2, 1, "10.000"),
            }
            customers = wait_for(
                "the customers are records", lambda: len(found := records(get, "kunden")) == 2 and found
            )
            assert {(each["kdnr"], each["name_1"], each.get("groesse")) for each in customers} == {
                ("100001", "Müller & Söhne", 42),
                ("100002", "Dupont", None),
            }
            wait_for("the orders are records", lambda: len(records(get, "orders")) == 2)
            for statement in CHANGED:
                stranger.run(statement)

            def changed() -> bool:
                return {(each["id"], each["total"]) for each in records(get, "orders")} == {(2, "12.34"), (3, "5.00")}

            wait_for("the changes are records", changed)
            live = get("/api/v1/tables/shop/orders?total__gte=10&sort=-id")
            assert [each["id"] for each in live["items"]] == [2]
            assert get("/api/v1/activity?problems=true")["items"] == []
        only_read(stranger.heard())
