"""A table that nobody has seen before becomes records with nothing but a connection string."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from adapters.connections import check_driver, driver_manager
from adapters.errors import Stop
from gateway.operate.cli import gateway as command_line
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.tables.test_poller import read_and_judge

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TABLE = """
    CREATE TABLE "Artikel Stamm" (
        "Art Nr" INTEGER PRIMARY KEY, Bezeichnung VARCHAR(40), Preis DECIMAL(10,2), "Größe" TEXT, "grösse" TEXT,
        geaendert TIMESTAMP, aktiv BOOLEAN, Tag DATE, "1st" INT NOT NULL, "select: #" TEXT);
    INSERT INTO "Artikel Stamm" VALUES
        (1, 'Hammer', 9.90, 'L', 'm', '2026-11-20 10:00:00', 1, '2026-01-02', 5, 'x'),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 6, NULL);
    CREATE TABLE "log" (a INT, b TEXT);
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    try:
        check_driver(driver_manager(), "SQLite3")
    except Stop as missing:
        pytest.skip(str(missing))
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.executescript(TABLE)
    return f"Driver=SQLite3;Database={tmp_path}/old.db"


def new(*arguments: object, answer: str = "") -> Result:
    return CliRunner().invoke(command_line, ["new", *map(str, arguments)], input=answer)


def test_a_table_is_records_with_nothing_but_a_connection_string(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    done = new(
        "--from", "erp/Artikel Stamm", "--url", f"{url};UID=reader;PWD={{a;b}}", "--name", "artikel", "-w", folder
    )
    assert done.exit_code == 0, done.output
    secret = folder / "secrets" / "erp" / "password"
    assert secret.read_text(encoding="utf-8") == "a;b"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "a;b" not in (folder / "connections.yaml").read_text(encoding="utf-8")
    with reopened(folder) as place:
        read_and_judge(place)
        one, two = place.records("artikel")
        read = {name: value for name, value in one.items() if not name.startswith("_")}
        assert read == {
            "art_nr": 1, "bezeichnung": "Hammer", "preis": "9.9", "groesse": "L", "groesse_2": "m",
            "geaendert": "2026-11-20T10:00:00Z", "aktiv": True, "tag": "2026-01-02", "c_1st": 5, "select": "x",
        }  # fmt: skip
        assert {name: value for name, value in two.items() if not name.startswith("_")} == {"art_nr": 2, "c_1st": 6}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "erp/Nothing"), "there is no table 'Nothing'"),
        (("--from", "erp/log"), "the table log has no primary key. Name what identifies a row: --key KDNR"),
        (("--from", "erp/log", "--key", "c"), "the table log has no column 'c'"),
        (("--from", "erp"), "'erp' is not CONNECTION/TABLE"),
        (("--from", "ERP/log"), "the connection in lower case"),
        (("--from", "other/log"), "there is no connection 'other' in connections.yaml; there is erp"),
    ],
)
def test_what_cannot_be_made_is_told(tmp_path: Path, url: str, arguments: tuple[str, ...], said: str) -> None:
    folder = tmp_path / "workspace"
    assert new("--from", "erp/log", "--key", "a", "--url", url, "-w", folder).exit_code == 0
    (folder / "integrations" / "erp-log.yaml").unlink()
    (folder / "contracts" / "log.v1.yaml").unlink()
    done = new(*arguments, "-w", folder)
    assert done.exit_code != 0
    assert said in f"{done.output} {done.exception}"


def test_nothing_that_is_there_is_overwritten(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    assert new("--from", "erp/log", "--key", "a", "--url", url, "-w", folder).exit_code == 0
    again = new("--from", "erp/log", "--key", "a", "-w", folder)
    assert "contracts/log.v1.yaml, integrations/erp-log.yaml is there already" in f"{again.output} {again.exception}"
    twice = new("--from", "erp/log", "--key", "a", "--name", "second", "-w", folder)
    assert "let them differ in source" in str(twice.exception)
    assert not (folder / "integrations" / "erp-second.yaml").exists()


def test_a_database_that_is_not_reached_leaves_nothing_behind(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    missing = url.replace("old.db", "none.db")
    for place, at, said in (
        ("erp/log", f"{missing};PWD=a", "cannot be opened"),
        ("erp/Nothing", f"{url};PWD=a", "there is no table 'Nothing'"),
        ("erp/log", f"{url};PWD=a", "has no primary key"),
    ):
        done = new("--from", place, "--url", at, "-w", folder)
        assert (done.exit_code, said in str(done.exception)) == (1, True), done.exception
        assert not folder.exists()
    assert "is no workspace" in str(new("--from", "erp/log", "-w", folder).exception)
    assert not folder.exists()


def test_a_password_that_is_there_is_overwritten_only_where_that_is_wanted(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    secret = folder / "secrets" / "erp" / "password"
    secret.parent.mkdir(parents=True)
    secret.write_text("old")
    secret.chmod(0o600)
    asked = ("--from", "erp/log", "--key", "a", "--url", f"{url};PWD=new", "-w", folder)
    refused = new(*asked, answer="n\n")
    assert (refused.exit_code, secret.read_text()) == (1, "old")
    assert "holds another password already. Overwrite it?" in refused.output
    assert "new" not in refused.output
    assert [path.name for path in folder.iterdir()] == ["secrets"]
    assert new(*asked, answer="y\n").exit_code == 0
    assert secret.read_text() == "new"


def test_the_same_password_is_no_question(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    secret = folder / "secrets" / "erp" / "password"
    secret.parent.mkdir(parents=True)
    secret.write_text("old")
    secret.chmod(0o600)
    done = new("--from", "erp/log", "--key", "a", "--url", f"{url};PWD=old", "-w", folder)
    assert (done.exit_code, "Overwrite" in done.output) == (0, False), done.output
