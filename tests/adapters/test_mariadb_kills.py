"""Whoever follows MariaDB's log is killed again and again: what he stored is what the log says, each change once."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from adapters.connections import driver_manager
from adapters.model import Following, Selection
from adapters.odbc import OdbcSource
from tests.adapters.followers import Store, nursery, poll
from tests.servers import mariadb, mariadb_missing

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = "MariaDB Unicode"
KILLS = 200 if os.environ.get("GATEWAY_FAULTS") == "all" else 20
ROWS = 3000
PROGRAM = shutil.which("mariadb-binlog")
# Each reading of a log is a note in the server's own, which nobody reads here: after 500 its pipe would be full.
OPTIONS = (
    "--log-warnings=1",
    "--log-bin=bin",
    "--server-id=7",
    "--binlog-format=ROW",
    "--max-binlog-size=65536",
    "--sync-binlog=0",
)
WRITABLE = {"accept_writable_login": "a server without system tables knows no rights"}
VERB = re.compile(r"### (INSERT INTO|UPDATE|DELETE FROM) `erp`\.`t`")
CELL = re.compile(r"###   @(\d)=(.*)")


def missing() -> str:
    """Why these tests cannot run here; empty when they can."""
    if DRIVER not in driver_manager().drivers():
        return "no ODBC driver for MariaDB: apt-get install odbc-mariadb"
    return mariadb_missing() or ("" if PROGRAM else "no mariadb-binlog: apt-get install mariadb-client")


pytestmark = [pytest.mark.server, pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")]


def login(port: int) -> Any:
    return pymysql.connect(host="127.0.0.1", port=port, user="owner", database="erp", autocommit=True)


def write(port: int, seed: int, stop: threading.Event) -> None:
    """All kinds of changes, in transactions of many sizes, some of them rolled back, until told to stop."""
    chance = random.Random(seed)
    with closing(login(port)) as connection, connection.cursor() as cursor:
        while not stop.wait(0.001):
            cursor.execute("BEGIN")
            try:
                for _ in range(chance.choice((1, 1, 2, 5, 60))):
                    one, other = chance.randrange(ROWS), chance.randrange(2 * ROWS)
                    cursor.execute(
                        chance.choice(
                            (
                                f"INSERT INTO t VALUES ({other}, 'new') ON DUPLICATE KEY UPDATE v = CONCAT(v, 'ü''')",
                                f"UPDATE t SET v = 'x{other}' WHERE id = {one}",
                                f"DELETE FROM t WHERE id = {one}",
                                f"UPDATE IGNORE t SET id = {other} WHERE id = {one}",
                            )
                        )
                    )
                cursor.execute("ROLLBACK" if chance.random() < 0.1 else "COMMIT")
            except pymysql.err.OperationalError as error:
                assert error.args[0] in (1213, 1205), error  # noqa: PT017 - a deadlock undoes one of the two


def witnessed(port: int, file: str, place: int) -> list[tuple[str, Any, Any]]:
    """The same log as MariaDB's own program shows it."""
    assert PROGRAM
    command = [
        PROGRAM,
        "--no-defaults",
        "--read-from-remote-server",
        "--host=127.0.0.1",
        f"--port={port}",
        "--user=owner",
    ]
    command += ["--base64-output=decode-rows", "-v", "--to-last-log", f"--start-position={place}", file]
    said = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout.decode("utf-8", "replace")
    images: list[tuple[str, list[dict[str, str]]]] = []
    for line in said.splitlines():
        if found := VERB.match(line):
            images.append((found[1], []))
        elif line in ("### SET", "### WHERE"):
            images[-1][1].append({})
        elif images and (cell := CELL.match(line)):
            images[-1][1][-1][cell[1]] = cell[2]
    told: list[tuple[str, Any, Any]] = []
    for verb, parts in images:
        rows = [{"id": int(part["1"]), "v": part["2"][1:-1].replace("\\'", "'")} for part in parts]
        keys = [[part["1"]] for part in parts]
        if verb == "INSERT INTO":
            told.append(("insert", keys[0], rows[0]))
        elif verb == "DELETE FROM":
            told.append(("delete", keys[0], None))
        elif keys[0] == keys[1]:
            told.append(("update", keys[1], rows[1]))
        else:
            told += [("delete", keys[0], None), ("insert", keys[1], rows[1])]
    return told


def test_the_sequence_is_that_of_the_log_after_every_kill(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    sys.stdout.write(f"seed {seed}, {KILLS} kills\n")
    chance = random.Random(seed)
    with mariadb(options=OPTIONS) as port, closing(login(port)) as owner, owner.cursor() as cursor:
        connection = f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={port};Database=erp;Uid=owner"
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200)) CHARACTER SET utf8mb4")
        cursor.execute(f"INSERT INTO t SELECT seq, 's' FROM seq_1_to_{ROWS}")
        with (
            closing(OdbcSource(connection, options=WRITABLE)) as source,
            closing(Store(tmp_path / "store.db")) as store,
        ):
            # The first batch is stored before anybody writes, so that all that is written is in the log.
            first = next(iter(source.changes("t", Following("log"), position=None, batch=20)))
            store.keep(first)
        begun = json.loads(first.position)
        stored: list[int] = []
        stop = threading.Event()
        writers = [threading.Thread(target=write, args=(port, seed + number, stop)) for number in range(2)]
        for writer in writers:
            writer.start()
        try:
            with nursery(connection, WRITABLE, tmp_path / "store.db") as begin:
                for _ in range(KILLS):
                    follower = begin()
                    for _ in range(chance.randint(1, 12)):
                        follower.stored()
                    stop.wait(chance.uniform(0, 0.01))
                    follower.kill()
                    with closing(Store(tmp_path / "store.db")) as store:
                        stored.append(store.count())
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        with (
            closing(OdbcSource(connection, options=WRITABLE)) as source,
            closing(Store(tmp_path / "store.db")) as store,
        ):
            while poll(source, Following("log"), store, batch=1000) or '"phase":"snapshot"' in str(store.position()):
                pass
            expected = witnessed(port, begun["file"], begun["end"])
            told = store.told()
            sys.stdout.write(f"{len(told)} changes, stored at the kills: {stored}\n")
            assert len(told) > 100
            assert [each[1:] for each in told] == expected
            assert len({at for at, *_ in told}) == len(told)
            places = [tuple(map(int, at.removeprefix("bin.").split(":"))) for at, *_ in told]
            assert places == sorted(places)
            rows = source.page("t", Selection(limit=10_000)).rows
            assert sorted(map(json.dumps, store.rows())) == sorted(map(json.dumps, rows))
