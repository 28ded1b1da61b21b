"""A real MariaDB through its ODBC driver: the contract."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from adapters.errors import Reject
from adapters.model import Filter, Selection, Sort
from adapters.odbc import OdbcSource
from adapters.testing import AdapterContract, World
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER = "MariaDB Unicode"
SERVER = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if DRIVER not in driver_manager().drivers():
        return "no ODBC driver for MariaDB: apt-get install odbc-mariadb"
    return "" if SERVER else "no MariaDB server: apt-get install mariadb-server-core"


pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")]


@pytest.fixture(scope="module")
def owner() -> Iterator[Any]:
    """The owner's connection to a server of our own, its data in a temporary folder, without any system tables."""
    folder = Path(tempfile.mkdtemp(prefix="adapters-my-"))
    (folder / "data").mkdir()
    (folder / "init.sql").write_text("CREATE DATABASE erp CHARACTER SET utf8mb4;\n")
    port = free_port()
    server = subprocess.Popen(
        [
            str(SERVER),
            "--no-defaults",
            *(["--user=root"] if os.geteuid() == 0 else []),
            f"--datadir={folder / 'data'}",
            f"--tmpdir={folder}",
            f"--socket={folder / 'socket'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-grant-tables",
            "--skip-networking=0",
            "--innodb-flush-log-at-trx-commit=0",
            f"--init-file={folder / 'init.sql'}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert server.stdout is not None
        for line in server.stdout:
            if b"ready for connections" in line:
                break
        else:
            raise AssertionError("the server did not start")
        connection = driver_manager().connect(f"{connection_string(port)};INITSTMT={{SET sql_mode = 'ANSI_QUOTES'}}")
        connection.autocommit = True
        yield connection, port
        connection.close()
    finally:
        server.terminate()
        server.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def connection_string(port: int) -> str:
    return f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"


@pytest.fixture
def world(owner: tuple[Any, int]) -> Iterator[World]:
    connection, port = owner
    connection.execute("DROP DATABASE erp")
    connection.execute("CREATE DATABASE erp CHARACTER SET utf8mb4")
    connection.execute("USE erp")
    connection.execute("SET SESSION max_recursive_iterations = 100000")
    # --skip-grant-tables: everybody may do everything, and nobody can ask what.
    source = OdbcSource(connection_string(port), options={"accept_writable_login": "the tests make their own tables"})

    def in_session(sql: str) -> object:
        with source._connections.lease() as session:
            return session.execute(sql.replace('"', "`"))

    yield World(
        source=source,
        run=lambda sql, *values: connection.execute(sql, *(bindable(value) for value in values)),
        session=in_session,
        writes=(
            'INSERT INTO "Orders" ("No", "Line") VALUES (2, \'a\')',
            'UPDATE "Orders" SET "Name" = \'x\'',
            'DELETE FROM "Orders"',
            'TRUNCATE "Orders"',
            'DROP TABLE "Orders"',
            "CREATE TABLE t (a INT)",
            'SELECT 1; DELETE FROM "Orders"',
        ),
        types={"datetime": "datetime(6)", "bytes": "blob", "bool": "bit(1)", "long": "longtext"},
    )
    source.close()


def bindable(value: Any) -> Any:
    """What the driver can bind without changing it: it damages a long text, which it sends in pieces."""
    if value is None or isinstance(value, (bytes, int)):
        return value
    return str(value) if len(str(value)) < 1000 else str(value).encode()


class TestContract(AdapterContract):
    pass


def test_what_the_driver_would_turn_into_something_else_arrives_as_it_is(world: World) -> None:
    world.run("SET SESSION sql_mode = 'ANSI_QUOTES'")
    world.run(
        'CREATE TABLE "odd" ("id" BIGINT UNSIGNED PRIMARY KEY, "day" DATE, "at" DATETIME(6), "span" TIME(6), "f" FLOAT,'
        ' "bits" BIT(9), "old" VARCHAR(9) CHARACTER SET latin1)'
    )
    world.run(
        "INSERT INTO \"odd\" VALUES (18446744073709551615, ?, ?, ?, 1.1, b'101', ?)",
        "0000-00-00",
        "2026-11-21 06:55:00.000001",
        "-838:59:59.000000",
        "Müller",
    )
    (row,) = world.source.page("odd", Selection(filters=(Filter("old", "contains", "ü"),))).rows
    assert row["id"] == 2**64 - 1
    assert row["day"] == "0000-00-00"
    assert row["at"] == "2026-11-21T06:55:00.000001"
    assert row["span"] == "-838:59:59.000000"
    assert (str(row["f"]), row["bits"], row["old"]) == ("1.1", 5, "Müller")
    with pytest.raises(Reject, match="compared exactly"):
        world.source.page("odd", Selection(sort=(Sort("f"),)))
