"""A real PostgreSQL through psqlODBC: the contract, and what is PostgreSQL's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from adapters.connections import driver_manager
from adapters.dialects import POSTGRESQL
from adapters.errors import Reject, Retry, Stop
from adapters.model import Filter, Following, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.statements import Ordered, read
from adapters.testing import AdapterContract, World
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVER = "PostgreSQL Unicode"
ACCEPTED = {"accept_writable_login": "the tests make their own tables"}
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if DRIVER not in driver_manager().drivers():
        return "no ODBC driver for PostgreSQL: apt-get install odbc-postgresql"
    if not PROGRAMS:
        return "no PostgreSQL server: apt-get install postgresql"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser to change the user with"
    return ""


pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens and what it writes down."""

    port: int
    log: Path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of our own on a free port of the loopback address, its data in a temporary folder."""
    as_server = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="adapters-pg-"))
    if as_server:
        shutil.chown(folder, "postgres")
    number = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_server, str(PROGRAMS[0] / program), "-D", str(folder / "data"), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )

    try:
        run("initdb", "--no-sync", "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        settings = f"-p {number} -h 127.0.0.1 -k {folder} -c fsync=off -c log_statement=all -c log_line_prefix=%u:"
        settings += " -c autovacuum=off"  # whose transactions come when they like
        # What a session does not set for itself is somebody's habit.
        settings += " -c timezone=Asia/Tokyo -c datestyle=SQL -c intervalstyle=postgres_verbose -c extra_float_digits=0"
        try:
            run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", settings, "start")
            yield Server(number, folder / "log")
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port(server: Server) -> int:
    return server.port


@pytest.fixture
def owner(port: int) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection to a database without tables."""
    with psycopg.connect(f"host=127.0.0.1 port={port} user=owner dbname=postgres", autocommit=True) as connection:
        connection.execute('DROP SCHEMA IF EXISTS public, "Prod.Lib" CASCADE')
        connection.execute("CREATE SCHEMA public")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        yield connection


def connection_string(port: int, *, user: str = "owner", database: str = "postgres") -> str:
    return f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database={database};Uid={user};Pwd=s3cr3t-word"


@pytest.fixture
def source(port: int, owner: psycopg.Connection[Any]) -> Iterator[OdbcSource]:
    assert owner
    opened = OdbcSource(connection_string(port), options=ACCEPTED)
    yield opened
    opened.close()


def runner(connection: psycopg.Connection[Any]) -> Callable[..., object]:
    """Runs SQL with ``?`` for parameters, which are bound as text of no type."""

    def run(sql: str, *values: Any) -> object:
        if not values:
            return connection.execute(sql.encode())
        texts = [value if isinstance(value, bytes) or value is None else str(value) for value in values]
        return connection.execute(sql.replace("?", "%s").encode(), texts)

    return run


class TestContract(AdapterContract):
    @pytest.fixture
    def world(self, owner: psycopg.Connection[Any], source: OdbcSource) -> World:
        return World(
            source=source,
            run=runner(owner),
            session=lambda sql: in_session(source, sql),
            writes=(
                'INSERT INTO "Orders" ("No", "Line") VALUES (2, \'a\')',
                'UPDATE "Orders" SET "Name" = \'x\' WHERE 1 = 0',
                'DELETE FROM "Orders"',
                'WITH gone AS (DELETE FROM "Orders" RETURNING 1) SELECT count(*) FROM gone',
                'SELECT * INTO copied FROM "Orders"',
                'SELECT * FROM "Orders" FOR UPDATE',
                'TRUNCATE "Orders"',
                'DROP TABLE "Orders"',
                "CREATE TABLE t (a int)",
                "CREATE SEQUENCE s",
                "COMMENT ON TABLE \"Orders\" IS 'x'",
                "COPY \"Orders\" FROM PROGRAM 'true'",
                'SELECT 1; DELETE FROM "Orders"',
            ),
            types={"datetime": "timestamp", "bytes": "bytea", "bool": "boolean", "long": "text"},
        )


def in_session(source: OdbcSource, sql: str) -> object:
    with source._connections.lease() as connection:
        return connection.execute(sql).fetchall()


def test_what_the_driver_would_turn_into_something_else_arrives_as_it_is(
    owner: psycopg.Connection[Any], source: OdbcSource
) -> None:
    owner.execute("CREATE DOMAIN amount AS numeric(12,2)")
    owner.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
    owner.execute(
        "CREATE TABLE odd (id bigint PRIMARY KEY, day date, at timestamptz, plain timestamp, exact numeric,"
        " money money, code char(8), real real, doc jsonb, uuid uuid, list int[], total amount, mood mood,"
        " span interval)"
    )
    owner.execute(
        "INSERT INTO odd VALUES (9007199254740993, 'infinity', '2026-11-21 07:55:00.5+01', '12024-01-01 00:00:00',"
        " 12345678901234567890.123456789, 1234.5, 'AB', 1.1, '{\"a\": \"ü?\"}',"
        " '00000000-0000-0000-0000-000000000001', '{1,2}', 7, 'good', '1 day 2 hours'),"
        " (2, '0044-03-15 BC', '-infinity', '2026-11-21 06:55:00', 'NaN', null, null, 'Infinity', null, null, null,"
        " null, null, null)"
    )
    two, one = source.page("odd", Selection()).rows
    assert one["id"] == 9007199254740993
    assert one["day"] == "infinity"
    assert one["at"] == "2026-11-21T06:55:00.5Z"
    assert one["plain"] == "12024-01-01 00:00:00"
    assert str(one["exact"]) == "12345678901234567890.123456789"
    assert str(one["money"]) == "1234.50"
    assert (one["code"], str(one["real"]), one["doc"], one["list"]) == ("AB", "1.1", '{"a": "ü?"}', "{1,2}")
    assert (str(one["total"]), one["mood"], one["span"]) == ("7.00", "good", "P1DT2H")
    assert (two["day"], two["at"], two["exact"], two["real"]) == ("0044-03-15 BC", "-infinity", "NaN", "Infinity")
    assert source.row("odd", ("9007199254740993",)) == one
    # Each of these columns can be sorted by and found again.
    for name in ("day", "at", "plain", "exact", "code", "real", "uuid", "total", "mood", "span"):
        first = source.page("odd", Selection(sort=(Sort(name),), limit=1))
        second = source.page("odd", Selection(sort=(Sort(name),), limit=1, after=first.next))
        assert {row["id"] for row in (*first.rows, *second.rows)} == {2, 9007199254740993}, name
        assert second.next is None
    assert source.page("odd", Selection(filters=(Filter("code", "eq", "AB"),))).rows == [one]
    assert source.page("odd", Selection(filters=(Filter("mood", "eq", "good"),))).rows == [one]


def test_microseconds_move_the_watermark(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE fast (id int PRIMARY KEY, at timestamptz)")
    owner.execute(
        "INSERT INTO fast SELECT n, timestamptz '2026-11-21 06:55:00+00' + n * interval '1 microsecond'"
        " FROM generate_series(1, 50) n"
    )
    position = list(source.changes("fast", Following("watermark", ("id",), "at"), position=None, batch=7))[-1].position
    owner.execute("UPDATE fast SET at = at + interval '1 second' WHERE id > 40")
    batches = list(source.changes("fast", Following("watermark", ("id",), "at"), position=position, batch=3))
    assert [row["id"] for batch in batches for row in batch.rows] == list(range(41, 51))


def test_tables_of_other_schemas_carry_their_names(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute('CREATE SCHEMA "Prod.Lib"')
    owner.execute('CREATE TABLE "Prod.Lib".kunden (b int, a int, PRIMARY KEY (a, b))')
    owner.execute("CREATE TABLE kunden (id int PRIMARY KEY)")
    owner.execute("CREATE VIEW seen AS SELECT 1 AS one")
    assert source.tables() == ("Prod.Lib.kunden", "kunden", "seen")
    assert source.schema("Prod.Lib.kunden").key == ("a", "b")
    assert source.schema("kunden").key == ("id",)


def test_a_login_sees_only_what_it_may_read(port: int, owner: psycopg.Connection[Any]) -> None:
    owner.execute("DROP ROLE IF EXISTS reader")
    owner.execute("CREATE ROLE reader LOGIN")
    owner.execute("CREATE TABLE open (id int PRIMARY KEY, name text, salary int)")
    owner.execute("CREATE TABLE hidden (id int PRIMARY KEY)")
    owner.execute("GRANT SELECT (id, name) ON open TO reader")
    with closing(OdbcSource(connection_string(port, user="reader"))) as source:
        assert source.tables() == ("open",)
        assert [column.name for column in source.schema("open").columns] == ["id", "name"]
        assert source.page("open", Selection()).rows == []


def test_a_deep_page_is_found_by_the_index_alone(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE deep (firm int, id int, name text, PRIMARY KEY (firm, id))")
    owner.execute("INSERT INTO deep SELECT 1, n, 'x' FROM generate_series(1, 20000) n")
    owner.execute("ANALYZE deep")
    page = source.page("deep", Selection(limit=10, after=("1", "19000")))
    assert page.rows[0]["id"] == 19001
    table = source.schema("deep")
    order = [Ordered(column) for column in table.columns[:2]]
    sql = read(POSTGRESQL, table, table.columns, order=order, after=("1", "19000"), limit=11).sql
    plan = owner.execute(f"EXPLAIN ANALYZE {sql.replace('?', '%s')}".encode(), ("1", "19000")).fetchall()
    assert any("Index Scan" in line and "rows=11 " in line for (line,) in plan), plan
    assert not any("Filter" in line or "Sort" in line for (line,) in plan), plan


def test_the_servers_own_log_shows_nothing_but_reads(server: Server, owner: psycopg.Connection[Any]) -> None:
    owner.execute("DROP ROLE IF EXISTS watched")
    owner.execute("CREATE ROLE watched LOGIN SUPERUSER")
    owner.execute("CREATE TABLE t (id int PRIMARY KEY, at timestamp)")
    owner.execute("INSERT INTO t SELECT n, now() FROM generate_series(1, 50) n")
    with closing(OdbcSource(connection_string(server.port, user="watched"), options=ACCEPTED)) as source:
        source.probe()
        source.page("t", Selection(sort=(Sort("at"),), filters=(Filter("id", "gt", "3"),)))
        source.row("t", ("4",))
        position = list(source.changes("t", Following("watermark", (), "at"), position=None, batch=20))[-1].position
        owner.execute("UPDATE t SET at = now() WHERE id = 7")
        assert len(list(source.changes("t", Following("watermark", (), "at"), position=position))) == 1
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("watched:")]
    sent = [line.split(": ", 1)[1] for line in lines if "statement: " in line or "execute " in line]
    assert len(sent) > 15
    words = {text.split(":", 1)[-1].split(maxsplit=1)[0].upper() for text in (line.strip() for line in sent)}
    assert words <= {"SELECT", "SET", "SHOW", "BEGIN", "COMMIT", "DEALLOCATE"}, sent
    assert not any("OFFSET" in line.upper() for line in sent)


def test_a_statement_that_takes_too_long_is_ended(
    port: int, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.pool.SERVER_SECONDS", 60.0)  # who ends it is the server, however slow it is at that
    owner.execute("CREATE VIEW slow AS SELECT 1 AS id, CAST(pg_sleep(600) AS text) AS nothing")
    with (
        closing(OdbcSource(connection_string(port), options=ACCEPTED | {"timeout_seconds": "2"})) as source,
        pytest.raises(Retry, match="time-out"),
    ):
        source.page("slow", Selection(key=("id",)))


def test_a_connection_that_died_is_replaced(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    assert source.page("t", Selection()).rows == []
    others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    assert owner.execute(f"SELECT pg_terminate_backend(pid) {others}").fetchall()
    while owner.execute(f"SELECT 1 {others}").fetchone():
        pass  # until then, it may answer once more
    assert source.page("t", Selection()).rows == []


def test_no_transaction_stays_open(port: int, owner: psycopg.Connection[Any]) -> None:
    owner.execute("DROP ROLE IF EXISTS alone")
    owner.execute("CREATE ROLE alone LOGIN")
    owner.execute("CREATE TABLE t (id int PRIMARY KEY)")
    owner.execute("GRANT SELECT ON t TO alone")
    with closing(OdbcSource(connection_string(port, user="alone"))) as source:
        changes = source.changes("t", Following("snapshot", ("id",), None), position=None)
        assert list(changes) == []
        states = owner.execute("SELECT state FROM pg_stat_activity WHERE usename = 'alone'").fetchall()
    assert states == [("idle",)]


def test_a_value_beyond_the_columns_range_is_refused(owner: psycopg.Connection[Any], source: OdbcSource) -> None:
    owner.execute("CREATE TABLE t (id smallint PRIMARY KEY)")
    with pytest.raises(Reject, match="does not accept a value") as caught:
        source.page("t", Selection(filters=(Filter("id", "eq", "99999999999"),)))
    assert caught.value.code == "bad_value"


def test_refusals_to_connect_say_what_to_look_at_and_no_password(port: int, owner: psycopg.Connection[Any]) -> None:
    assert owner
    nobody = free_port()
    for text, kind, words in (
        (connection_string(port, database="nix"), (Stop, Retry), "nix"),
        (connection_string(port, user="nobody"), (Stop, Retry), "nobody"),
        (connection_string(nobody), (Retry,), "lost or refused"),
    ):
        with closing(OdbcSource(text)) as source, pytest.raises(kind, match=words) as caught:
            source.probe()
        assert "s3cr3t-word" not in str(caught.value)
