"""Connection strings, options, and drivers that are not there."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.connections import joined, parsed, read_only_file
from adapters.errors import Stop
from adapters.odbc import OdbcSource
from adapters.options import settings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_connection_string_is_read_as_odbc_reads_it() -> None:
    text = " driver = {PostgreSQL Unicode} ;Server=db;Pwd={a;b}}c=};Pwd=second;Empty=;pqopt={x='-c a=b'};"
    assert parsed(text) == {
        "driver": "PostgreSQL Unicode",
        "Server": "db",
        "Pwd": "a;b}c=",
        "Empty": "",
        "pqopt": "x='-c a=b'",
    }


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9 ]{0,8}[a-z]", fullmatch=True), st.text(), max_size=5))
def test_what_is_joined_is_read_again(pairs: dict[str, str]) -> None:
    unique = {key.lower(): value.strip() for key, value in pairs.items()} | {"driver": "x"}
    assert parsed(joined(unique)) == unique


@pytest.mark.parametrize(
    "text", ["", "nonsense", "Driver", "Driver=x;hunter2", "Driver={x;Pwd=hunter2", "Server=x;Pwd=hunter2", "=;="]
)
def test_what_is_no_connection_string_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(Stop) as caught:
        OdbcSource(text)
    assert caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_options_are_checked() -> None:
    assert settings({"timeout_seconds": "2.5"}).timeout_seconds == 2.5
    for options, words in (
        ({"timeout": "1"}, "Did you mean 'timeout_seconds'"),
        ({"timeout_seconds": "soon"}, "'soon'"),
        ({"connections": "0"}, "above 0"),
        ({"connections": "1.5"}, "above 0"),
        ({"dialect": "postgres"}, "Did you mean 'postgresql'"),
    ):
        with pytest.raises(Stop, match=words):
            settings(options)


@pytest.mark.parametrize(
    ("driver", "package"),
    [
        ("SQLite 3 Driver", "libsqliteodbc"),
        ("/nowhere/libsqlite3odbc.so", "libsqliteodbc"),
        ("PostgreSQL 19", "odbc-postgresql"),
        ("/nowhere/psqlodbcw.so", "odbc-postgresql"),
        ("MariaDB Connector", "odbc-mariadb"),
        ("/nowhere/libmaodbc.so", "odbc-mariadb"),
        ("FreeTDS 9", "tdsodbc"),
        ("MDBTools 9", "odbc-mdbtools"),
        ("Nothing Known", "libsqliteodbc"),
    ],
)
def test_a_missing_driver_is_told_with_its_package(driver: str, package: str) -> None:
    with (
        closing(OdbcSource(f"Driver={{{driver}}};Database=x;Pwd=hunter2", options={"dialect": "sqlite"})) as source,
        pytest.raises(Stop, match="not installed") as caught,
    ):
        source.probe()
    assert driver in caught.value.message
    assert package in caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_a_library_that_is_no_driver_is_told(tmp_path: Path) -> None:
    library = tmp_path / "psqlodbc.so"
    library.write_text("no library at all")
    with closing(OdbcSource(f"Driver={library}")) as source, pytest.raises(Stop, match="cannot be loaded"):
        source.probe()


def test_a_data_source_that_is_not_defined_is_told() -> None:
    with closing(OdbcSource("DSN=nowhere")) as source, pytest.raises(Stop, match="'nowhere'"):
        source.tables()


def test_a_missing_driver_manager_is_told_with_its_package() -> None:
    program = (
        "import sys; sys.modules['pyodbc'] = None\n"
        "from adapters.odbc import OdbcSource\n"
        "from adapters.errors import Stop\n"
        "try: OdbcSource('Driver=SQLite3').probe()\n"
        "except Stop as error: print(error.remedy)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "apt-get install unixodbc" in said


def test_a_file_is_only_ever_opened_to_read(tmp_path: Path) -> None:
    path = tmp_path / "a?b;c%20ü.db"
    path.write_bytes(b"SQLite format 3\0")
    uri = read_only_file(str(path))
    assert uri.endswith("/a%3Fb%3Bc%2520%C3%BC.db?mode=ro")
    assert read_only_file(uri.replace("mode=ro", "mode=rwc")) == uri
    assert read_only_file(uri.replace("file:", "file://")) == uri
    for name in (":memory:", "", "file::memory:?cache=shared"):
        with pytest.raises(Stop):
            read_only_file(name)
