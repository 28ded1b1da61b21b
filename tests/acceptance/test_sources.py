"""A2: whatever is asked of the gateway, a legacy database hears nothing that writes.

PostgreSQL's own log says what it heard. SQLite has none, and its file may be written by whoever may read it.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from adapters.connections import driver_manager
from gateway.errors import Stop
from gateway.operate.cli import gateway as command_line
from gateway.operate.demo import workspace_maker
from tests.acceptance.workspaces import reopened
from tests.servers import postgresql_missing, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

DRIVER = "PostgreSQL Unicode"
INJECTED = 'x\'; DELETE FROM "KUNDEN"; --'
WRITING = re.compile(
    r"\b(ALTER|ANALYZE|ATTACH|CALL|CLUSTER|COPY|CREATE|DELETE|DO|DROP|EXECUTE|GRANT|IMPORT|INSERT|INTO|LISTEN|LOCK|MERGE"
    r"|NEXTVAL|NOTIFY|PREPARE|REFRESH|REINDEX|REVOKE|SETVAL|TRUNCATE|UPDATE|VACUUM)\b",
    re.IGNORECASE,
)
READING = ("SELECT", "SHOW", "SET", "BEGIN", "START", "COMMIT", "ROLLBACK", "DECLARE", "FETCH", "CLOSE", "DEALLOCATE",
           "SAVEPOINT", "RELEASE", "DISCARD")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Legacy:
    """A legacy database: how it is reached, what changes it from outside, and what holds if nothing else did."""

    url: str
    run: Callable[[str], object]
    untouched: Callable[[], None]


@contextmanager
def sqlite_legacy(folder: Path) -> Iterator[Legacy]:
    """SQLite: the file and all that lies beside it are the same, to the byte."""
    path = folder / "legacy" / "erp.db"

    def state() -> dict[str, tuple[str, int]]:
        files = sorted(path.parent.iterdir())
        return {each.name: (hashlib.sha256(each.read_bytes()).hexdigest(), each.stat().st_mtime_ns) for each in files}

    known = {"state": state()}

    def run(sql: str) -> None:
        assert state() == known["state"]
        with closing(sqlite3.connect(path)) as owner, owner:
            owner.execute(sql)
        known["state"] = state()

    def untouched() -> None:
        assert state() == known["state"]

    yield Legacy(f"Driver={{{workspace_maker.sqlite_driver()}}};Database={{workspace}}/legacy/erp.db", run, untouched)


@contextmanager
def postgresql_legacy(_folder: Path) -> Iterator[Legacy]:
    """PostgreSQL: its own log of statements has none that writes, but for the owner's."""
    if problem := postgresql_missing():
        pytest.skip(problem)
    if DRIVER not in driver_manager().drivers():
        pytest.skip("no ODBC driver for PostgreSQL: apt-get install odbc-postgresql")
    settings = ("fsync=off", "log_statement=all", "log_line_prefix=%u|", "log_min_duration_statement=-1")
    with running_postgresql(settings=settings) as (address, log), psycopg.connect(address, autocommit=True) as owner:
        script = (workspace_maker._HERE / "legacy.sql").read_text(encoding="utf-8")
        names = "KUNDEN|KDNR|NAME1|NAME2|KZSTAT|KREDIT|EMAIL|ANLDAT|AENDTS"
        owner.execute(re.sub(rf"\b({names})\b", r'"\1"', script).encode())
        owner.execute("CREATE ROLE reader LOGIN")
        owner.execute('GRANT SELECT ON "KUNDEN" TO reader')

        def untouched() -> None:
            heard = re.findall(
                r"^reader\|LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", log.read_text(), re.MULTILINE
            )
            assert len(heard) > 20
            for said in heard:
                bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "x", said)
                for statement in filter(None, (each.strip() for each in bare.split(";"))):
                    assert statement.split()[0].upper() in READING, said
                    assert not WRITING.search(statement), said

        port = address.rpartition(":")[2].partition("/")[0]
        url = f"Driver={DRIVER};Server=127.0.0.1;Port={port};Database=postgres;UID=reader"
        yield Legacy(url, lambda sql: owner.execute(sql.encode()), untouched)


LEGACY = {"sqlite": sqlite_legacy, "postgresql": postgresql_legacy}


def asked_over_http(place: Place) -> None:
    """Every path that looks at a table, with what is right and with what is not."""
    at = "/api/v1/tables"
    for path in (
        at, f"{at}/erp/KUNDEN", f"{at}/erp/KUNDEN?sort=-KREDIT&limit=2", f"{at}/erp/KUNDEN?KZSTAT=A&NAME1__contains=a",
        f"{at}/erp/KUNDEN?KREDIT__gte=1&KDNR__in=100001,100002", f"{at}/erp/KUNDEN?NAME2__isnull=true",
        f"{at}/erp/KUNDEN?EMAIL__startswith=info&fields=KDNR", f"{at}/erp/KUNDEN/100001", "/health/ready",
        "/health/integrations", "/api/v1/customers", "/api/v1/customers/100001/evidence",
        "/api/v1/customers/100001/history",
    ):  # fmt: skip
        place.get(path)
    for path in (
        f"{at}/erp/NOWHERE", f"{at}/erp/{INJECTED}", f"{at}/erp/KUNDEN/{INJECTED}", f"{at}/erp/KUNDEN?{INJECTED}=1",
        f"{at}/erp/KUNDEN?sort={INJECTED}", f"{at}/erp/KUNDEN?KREDIT={INJECTED}", f"{at}/erp/KUNDEN?limit={INJECTED}",
        f"{at}/erp/pg_sleep(1)", f"{at}/erp/KUNDEN/999999",
    ):  # fmt: skip
        assert 400 <= place.ask(path).status_code < 500, path
    assert place.ask(f"{at}/erp/KUNDEN?NAME1={INJECTED}").json["items"] == []  # type: ignore[index]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (f"{at}/erp/KUNDEN", f"{at}/erp/KUNDEN/100001"):
            assert place.ask(path, method, json={"KDNR": "1"}).status_code in (404, 405)


def asked_on_the_command_line(place: Place, delivery: str) -> None:
    """Every command that could have to do with a table source."""
    for command, *words in (
        ("check",), ("apply",), ("plan",), ("source", "list"), ("explain", "customer", "100001"), ("verify", "--deep"),
        ("quarantine",), ("replay", delivery, "--as", "then"), ("replay", delivery, "--as", "now"),
        ("source", "reset", "table://erp/KUNDEN"), ("work", "--until-idle"), ("undo", delivery, "--leave-changed"),
        ("tail", "--until-idle"),
    ):  # fmt: skip
        reason = ["-r", "a test"] if command in ("replay", "undo") else []
        folder = [str(place.folder)] if command == "check" else ["--workspace", str(place.folder)]
        done = CliRunner().invoke(command_line, [command, *words, *reason, *folder])
        assert done.exit_code in (0, 3, 4), (command, done.output, done.exception)


@pytest.mark.parametrize("kind", LEGACY)
def test_A2_whatever_is_asked_no_statement_that_writes_reaches_a_legacy_database(  # noqa: N802 - the promise's name
    tmp_path: Path, kind: str
) -> None:
    try:
        workspace_maker.make(tmp_path / "workspace")
    except Stop as missing:
        pytest.skip(str(missing))
    with LEGACY[kind](tmp_path / "workspace") as legacy:
        connections = tmp_path / "workspace" / "connections.yaml"
        connections.write_text(f"erp:\n  about: The old ERP\n  kind: odbc\n  url: {legacy.url}\n", encoding="utf-8")
        with reopened(tmp_path / "workspace") as place:
            work = [command_line, ["work", "--until-idle", "--workspace", str(place.folder)]]
            assert CliRunner().invoke(*work).exit_code == 0  # type: ignore[arg-type]
            assert len(place.records("customers")) == 4
            legacy.run("""UPDATE "KUNDEN" SET "KREDIT" = 7, "AENDTS" = '2026-11-09 10:00:00' WHERE "KDNR" = '100002'""")
            place.clock.forward(3600)
            with place.gateway.database.write() as transaction:
                transaction.connection.exec_driver_sql("UPDATE source SET due = 0")
            assert CliRunner().invoke(*work).exit_code == 0  # type: ignore[arg-type]
            assert place.get("/api/v1/customers/100002")["credit"].startswith("7")
            asked_over_http(place)
            newest = place.get("/api/v1/deliveries")["items"][0]["id"]
            asked_on_the_command_line(place, newest)
            legacy.untouched()
            legacy.run("""ALTER TABLE "KUNDEN" RENAME COLUMN "AENDTS" TO "GONE" """)  # it can be read no more
            with place.gateway.database.write() as transaction:
                transaction.connection.exec_driver_sql("UPDATE source SET due = 0")
            CliRunner().invoke(*work)  # type: ignore[arg-type]
            assert "table_failed" in [line["event"] for line in place.get("/api/v1/activity?limit=100")["items"]]
            legacy.untouched()
