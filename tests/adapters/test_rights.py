"""What a login may do: refused where it could write, told where it could not."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from adapters.connections import driver_manager
from adapters.dialects import DIALECTS
from adapters.errors import Retry, Stop
from adapters.grants import CANARIES, CANARY_TABLES, LOGINS, QUESTIONS, READER
from adapters.model import Selection
from adapters.odbc import OdbcSource
from adapters.readonly import guarded
from adapters.rights import Report, looked_up, permitted, shown_grants
from tests.adapters.witness import watched_mariadb
from tests.servers import mariadb_missing, postgresql, postgresql_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
DRIVERS = driver_manager().drivers()


def opened(text: str, **options: str) -> OdbcSource:
    return OdbcSource(text, options=options, now=lambda: AT)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if postgresql_missing() or "PostgreSQL Unicode" not in DRIVERS:
        pytest.skip(postgresql_missing() or "no ODBC driver: apt-get install odbc-postgresql")
    with postgresql() as address:
        yield address


@pytest.fixture
def owner(address: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(address, autocommit=True) as connection:
        for sql in (
            'DROP SCHEMA IF EXISTS public, "Prod.Lib" CASCADE',
            "DROP ROLE IF EXISTS reader, team",
            "CREATE ROLE reader LOGIN",
            "CREATE ROLE team",
            'CREATE SCHEMA "Prod.Lib"',
            'CREATE TABLE "Prod.Lib"."Orders" (no int PRIMARY KEY, name text)',
            'GRANT USAGE ON SCHEMA "Prod.Lib" TO reader',
            'GRANT SELECT ON "Prod.Lib"."Orders" TO reader',
        ):
            connection.execute(sql.encode())
        yield connection
        for sql in ("REVOKE reader FROM team", "DROP OWNED BY reader, team"):
            connection.execute(sql.encode())


def through(address: str, user: str = "reader") -> str:
    port = psycopg.conninfo.conninfo_to_dict(address)["port"]
    return f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={port};Database=postgres;Uid={user}"


def test_a_login_that_only_reads_is_let_in_and_told(address: str, owner: psycopg.Connection[Any]) -> None:
    assert owner
    with closing(opened(through(address))) as source:
        report = source.rights(attempts=True)
        assert source.page("Prod.Lib.Orders", Selection()).rows == []
    assert (report.login, report.dialect, report.at) == ("reader", "postgresql", "2026-11-21T15:00:00+00:00")
    assert not report.writable
    assert report.session.endswith("= on")
    # What everybody may do is told, with what takes it away.
    assert {right.what for right in report.rights} == {"TEMPORARY", "EXECUTE"}
    assert all(right.remedy.startswith("REVOKE ") for right in report.rights)
    assert len(report.attempts) == 5
    assert all(attempt.refused for attempt in report.attempts)
    told = json.loads(json.dumps(report.to_dict()))
    assert told["writable"] is False
    assert told["attempts"][0]["sql"] == "CREATE TEMPORARY TABLE gateway_canary (a int)"


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        (
            'GRANT UPDATE, DELETE ON "Prod.Lib"."Orders" TO reader',
            'DELETE, UPDATE ON TABLE "Prod.Lib"."Orders" FROM reader',
        ),
        ('GRANT INSERT ON "Prod.Lib"."Orders" TO PUBLIC', 'REVOKE INSERT ON TABLE "Prod.Lib"."Orders" FROM PUBLIC'),
        (
            'GRANT UPDATE (name) ON "Prod.Lib"."Orders" TO reader',
            'REVOKE UPDATE (name) ON TABLE "Prod.Lib"."Orders" FROM',
        ),
        (
            'GRANT TRUNCATE ON "Prod.Lib"."Orders" TO team; GRANT team TO reader',
            'TRUNCATE ON TABLE "Prod.Lib"."Orders" FROM team',
        ),
        ('GRANT CREATE ON SCHEMA "Prod.Lib" TO reader', 'REVOKE CREATE ON SCHEMA "Prod.Lib" FROM reader'),
        ("GRANT CREATE ON DATABASE postgres TO reader", "REVOKE CREATE ON DATABASE postgres FROM reader"),
        (
            'CREATE SEQUENCE "Prod.Lib".s; GRANT USAGE ON SEQUENCE "Prod.Lib".s TO reader',
            'USAGE ON SEQUENCE "Prod.Lib".s FROM',
        ),
        ('ALTER TABLE "Prod.Lib"."Orders" OWNER TO reader', "CREATE ROLE gateway_reader LOGIN"),
        ("ALTER ROLE reader CREATEROLE", "ALTER ROLE reader NOCREATEROLE"),
        ("GRANT pg_write_all_data TO reader", "REVOKE pg_write_all_data FROM reader"),
        ("GRANT pg_execute_server_program TO team; GRANT team TO reader", "REVOKE pg_execute_server_program FROM"),
        ("ALTER ROLE reader SUPERUSER", "GRANT SELECT ON ALL TABLES IN SCHEMA"),
    ],
)
def test_a_login_that_could_write_is_refused_with_what_takes_it_away(
    address: str, owner: psycopg.Connection[Any], grant: str, told: str
) -> None:
    owner.execute(grant.encode())
    with (
        closing(opened(through(address))) as source,
        pytest.raises(Stop, match="the login 'reader' can write") as caught,
    ):
        source.tables()
    assert told in caught.value.remedy
    assert "accept_writable_login" in caught.value.remedy
    with closing(opened(through(address), accept_writable_login="the owner wants it so")) as source:
        assert source.tables() == ("Prod.Lib.Orders",)
        assert source.rights().accepted == "the owner wants it so"
        assert source.rights().writable
        # The very statements of the refusal, as far as they are statements.
        for sql in caught.value.remedy.removeprefix("Take it away: ").partition("; or give")[0].split("; "):
            if sql.startswith(("REVOKE ", "ALTER ROLE reader NO")):
                owner.execute(sql.encode())
    if "Take it away" in caught.value.remedy and "pg_" not in told:
        with closing(opened(through(address))) as source:
            assert not source.rights().writable


def test_an_attempt_that_is_not_refused_stops_everything(address: str, owner: psycopg.Connection[Any]) -> None:
    assert owner
    for options in ({"attempt_writes": "true"}, {}):
        with closing(opened(through(address), accept_writable_login="x", **options)) as source:
            source.rights()
            with source._connections.lease() as connection:
                connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
            with pytest.raises(Stop, match="is not read-only"):
                source.rights(attempts=True)


def test_a_session_that_was_turned_round_is_not_used_again(address: str, owner: psycopg.Connection[Any]) -> None:
    assert owner
    with closing(opened(through(address))) as source:
        assert source.tables()
        with source._connections.lease() as connection:
            connection.execute("SET default_transaction_read_only = off")
        assert source.page("Prod.Lib.Orders", Selection()).rows == []
        with source._connections.lease() as fresh:
            assert fresh is not connection
            assert fresh.execute("SELECT current_setting('transaction_read_only')").fetchone()[0] == "on"


# ── MariaDB ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if mariadb_missing() or "MariaDB Unicode" not in DRIVERS:
        pytest.skip(mariadb_missing() or "no ODBC driver: apt-get install odbc-mariadb")
    scratch = tmp_path_factory.mktemp("mariadb") / "scratch"
    scratch.mkdir()
    with watched_mariadb(scratch) as (_, port, _log):
        yield port


def at_mariadb(port: int, user: str) -> str:
    return f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={port};Database=erp;Uid={user}"


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        (("GRANT SELECT, SHOW VIEW ON erp.* TO made",), None),
        (("CREATE ROLE r", "GRANT SELECT ON erp.* TO r", "GRANT r TO made", "SET DEFAULT ROLE r FOR made"), None),
        (("CREATE ROLE r", "GRANT SELECT ON erp.* TO r", "GRANT r TO made"), "REVOKE `r` FROM `made`@`%`"),
        (("GRANT SELECT, INSERT ON erp.* TO made",), "REVOKE INSERT ON `erp`.* FROM `made`@`%`"),
        (("GRANT UPDATE (b), SELECT ON erp.victim TO made",), "REVOKE UPDATE (`b`) ON `erp`.`victim` FROM `made`@`%`"),
        (("GRANT EXECUTE ON erp.* TO made",), "REVOKE EXECUTE ON `erp`.* FROM `made`@`%`"),
        (("GRANT FILE ON *.* TO made",), "REVOKE FILE ON *.* FROM `made`@`%`"),
        (("GRANT SELECT ON erp.* TO made WITH GRANT OPTION",), "REVOKE GRANT OPTION ON `erp`.* FROM `made`@`%`"),
        (("GRANT ALL ON *.* TO made",), "GRANT SELECT, SHOW VIEW ON"),
    ],
)
def test_the_grants_of_mariadb_are_read(port: int, grants: tuple[str, ...], told: str | None) -> None:
    with closing(driver_manager().connect(at_mariadb(port, "owner"), autocommit=True)) as owner:
        for sql in (
            "DROP ROLE IF EXISTS r",
            "DROP USER IF EXISTS made",
            "CREATE USER made",
            "GRANT SELECT ON erp.audit TO made",
        ):
            owner.execute(sql)
        for sql in grants:
            owner.execute(sql)
        with closing(opened(at_mariadb(port, "made"))) as source:
            if told is None:
                report = source.rights(attempts=True)
                assert (report.login, report.rights) == ("made@%", ())
                assert len(report.attempts) == 5
            else:
                with pytest.raises(Stop, match="can write") as caught:
                    source.rights()
                assert told in caught.value.remedy


# ── what is only read ────────────────────────────────────────────────────────────────────────────────────────────────


def test_lines_that_nobody_understands_count_as_writing() -> None:
    lines = [
        "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*23AE809D'",
        "GRANT SELECT, SHOW_ROUTINE ON `a``b`.* TO `u`@`%`",
        "GRANT BACKUP_ADMIN ON *.* TO `u`@`%`",
        "GRANT PROXY ON ''@'%' TO 'root'@'localhost'",
        "REVOKE SELECT ON `x`.* FROM `u`@`%` IDENTIFIED BY PASSWORD '*23AE809D'",
        "SET DEFAULT ROLE `r` FOR `u`@`%`",
    ]
    rights = shown_grants(lines)
    assert [right.what for right in rights] == ["BACKUP_ADMIN", "PROXY", "REVOKE SELECT ON `x`.* FROM `u`@`%`"]
    assert all(right.writes for right in rights)


def test_what_cannot_be_seen_is_refused() -> None:
    def broken(_: str) -> list[tuple[str]]:
        raise Stop("no such view")

    for dialect in ("oracle", "informix"):
        report = looked_up(dialect, broken, at="", session="")
        assert report.unknown
        with pytest.raises(Stop, match="cannot be seen"):
            permitted(report)
    assert permitted(Report("", "informix", "u", "", unknown="x", accepted="because")).writable


def test_a_server_that_does_not_answer_is_asked_again() -> None:
    def lost(_: str) -> list[tuple[str]]:
        raise Retry("lost")

    with pytest.raises(Retry):
        looked_up("postgresql", lost, at="", session="")


def test_a_file_is_told_and_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"")
    report = permitted(looked_up("sqlite", list, at="", session="", file=str(path)))
    assert [right.on for right in report.rights] == ["the database's file"]


def test_every_question_only_asks() -> None:
    names = {dialect.name for dialect in DIALECTS}
    for dialect, questions in QUESTIONS.items():
        assert dialect in names
        assert dialect in LOGINS
        assert dialect in READER
        for question in questions:
            assert guarded(question.sql)
    for sql in (*LOGINS.values(), *CANARY_TABLES.values()):
        assert guarded(sql)
    assert set(CANARIES) == set(CANARY_TABLES)
