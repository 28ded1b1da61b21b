"""A database that is declared nowhere, or in a workspace, is looked at from the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from adapters.connections import check_driver, driver_manager
from adapters.errors import Stop
from gateway.operate.cli import gateway as command_line

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def url(tmp_path: Path) -> str:
    try:
        check_driver(driver_manager(), "SQLite3")
    except Stop as missing:
        pytest.skip(str(missing))
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        database.executescript(
            "CREATE TABLE KUNDEN (KDNR INTEGER PRIMARY KEY, NAME1 VARCHAR(40), ORT VARCHAR(20));"
            "INSERT INTO KUNDEN VALUES (1, 'Müller', 'Ulm'), (2, 'Meier', 'Ulm');"
        )
    return f"Driver=SQLite3;Database={tmp_path}/old.db"


def asked(*words: str) -> Result:
    return CliRunner().invoke(command_line, [*words])


def test_a_database_is_looked_at_with_nothing_but_a_connection_string(url: str) -> None:
    done = asked("probe", url)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("This database: SQLite ")
    assert "the login may only read" in done.output
    assert "  KUNDEN: 2 rows, key KDNR\n    changes: diff every 10m\n" in done.output
    assert "biggest: the biggest whole number: '9223372036854775807' expected; it gives -1 as int" in done.output


def test_a_program_gets_the_same_as_json(url: str) -> None:
    found = json.loads(asked("probe", url, "KUNDEN", "--quick", "-o", "json").output)
    assert found["capabilities"]["dialect"] == "sqlite"
    assert [each["strategy"] for each in found["tables"]] == ["diff"]
    assert found["findings"] == []
    seen = json.loads(asked("profile", url, "KUNDEN", "-o", "json").output)
    assert [each["name"] for each in seen["columns"]] == ["KDNR", "NAME1", "ORT"]
    assert seen["columns"][2]["values"] == [["Ulm", 2]]


def test_a_table_is_described_without_a_persons_data(url: str) -> None:
    done = asked("profile", url, "KUNDEN")
    assert done.exit_code == 0, done.output
    assert "KUNDEN: 2 rows, all of them read\n  key: KDNR (the primary key)" in done.output
    assert "values: 'Ulm' × 2" in done.output
    assert "Müller" not in done.output
    some = asked("profile", url, "KUNDEN", "--rows", "1")
    assert "KUNDEN: 2 rows, 1 of them read" in some.output


def test_a_connection_of_the_workspace_goes_by_its_name(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "workspace"
    assert asked("new", "--from", "erp/KUNDEN", "--url", url, "-w", str(folder)).exit_code == 0
    done = asked("probe", "erp", "--quick", "-w", str(folder))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("erp: SQLite ")
    wrong = asked("probe", "old", "-w", str(folder))
    assert wrong.exit_code == 2
    assert "there is no database 'old': there are erp" in wrong.output


def test_what_cannot_be_read_is_a_status_and_a_message(tmp_path: Path, url: str) -> None:
    for words, told in (
        (("probe", f"Driver=SQLite3;Database={tmp_path}/none.db"), "cannot be opened"),
        (("profile", url, "KUNDE"), "Did you mean 'KUNDEN'?"),
        (("probe", url, "-O", "colour=red"), "has no option 'colour'"),
    ):
        done = asked(*words)
        assert done.exit_code == 1
        assert told in str(done.exception), words
