"""What is in a table is described, within bounds, and without showing a person's data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.connections import driver_manager
from adapters.errors import Reject
from adapters.odbc import OdbcSource
from adapters.profile import look, pattern, profiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Opened = tuple["OdbcSource", "Callable[..., object]"]

CUSTOMERS = [
    # No, surname, status, credit, mail, born, changed, flag
    (1, "Müller", "A", "12.50", "mueller@example.org", "19700131", "2026-11-01 08:00:00", 1),
    (2, "Meier Söhne", "A", "-3", "meier@example.org", "00000000", "2026-11-02 08:00:00", 0),
    (3, "O'Hara", "X", "nonsense", None, "19811130", "2026-11-03 08:00:00", None),
    (4, " ", "A", None, None, None, None, 1),
]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    if "SQLite3" not in driver_manager().drivers():
        pytest.skip("no ODBC driver for SQLite: apt-get install libsqliteodbc")
    path = tmp_path / "erp.db"
    source = OdbcSource(f"Driver=SQLite3;Database={path}")
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute(
            "CREATE TABLE CUST (NO INTEGER PRIMARY KEY, SURNAME VARCHAR(40), STATUS CHAR(1) NOT NULL,"
            " CREDIT DECIMAL(9,2), CONTACT VARCHAR(80), GEBDAT CHAR(8), CHANGED CHAR(19), FLAG BOOLEAN)"
        )
        owner.executemany("INSERT INTO CUST VALUES (?, ?, ?, ?, ?, ?, ?, ?)", CUSTOMERS)
        yield source, owner.execute
    source.close()


def test_each_column_is_described_by_its_values(opened: Opened) -> None:
    found = profiled(opened[0], "CUST")
    assert (found.rows, found.more, found.read, found.whole) == (4, False, 4, True)
    assert (found.key, found.key_why) == (("NO",), "the primary key")
    assert found.grows == ("CHANGED",)
    of = {column.name: column for column in found.columns}
    assert (of["NO"].type, of["NO"].distinct, of["NO"].minimum, of["NO"].maximum) == ("int", 4, "1", "4")
    assert of["STATUS"].values == (("A", 3), ("X", 1))
    assert (of["CREDIT"].nulls, of["CREDIT"].unsuitable) == (1, 1)
    assert (of["CREDIT"].minimum, of["CREDIT"].maximum) == ("-3", "12.5")
    assert (of["FLAG"].minimum, of["FLAG"].maximum) == ("false", "true")
    assert of["CHANGED"].looks_like == "time"
    assert of["CHANGED"].patterns == (("9{4}-9{2}-9{2} 9{2}:9{2}:9{2}", 3),)
    assert of["SURNAME"].blank == 1
    assert (of["SURNAME"].shortest, of["SURNAME"].longest) == (1, 11)


def test_no_value_of_a_person_is_shown(opened: Opened) -> None:
    found = profiled(opened[0], "CUST")
    told = repr(asdict(found))
    for row in CUSTOMERS[:3]:
        assert str(row[1]) not in told
        assert str(row[4]) not in told or row[4] is None
        assert str(row[5]) not in told
    of = {column.name: column for column in found.columns}
    assert of["SURNAME"].personal
    assert (of["SURNAME"].minimum, of["SURNAME"].values) == (None, ())
    # A name that says nothing, and values that do.
    assert of["CONTACT"].personal
    assert of["CONTACT"].looks_like == "e-mail address"
    assert of["CONTACT"].patterns == (("A@A.A", 2),)
    assert of["GEBDAT"].looks_like == "date YYYYMMDD"
    assert of["GEBDAT"].personal


def test_a_long_table_is_read_from_both_ends_and_no_further(opened: Opened) -> None:
    source, run = opened
    run("DELETE FROM CUST")
    run(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO CUST (NO, STATUS) SELECT i, 'A' FROM n"
    )
    found = profiled(source, "CUST", rows_max=20)
    assert (found.rows, found.read, found.whole) == (5000, 20, False)
    number = found.columns[0]
    assert (number.minimum, number.maximum, number.distinct) == ("1", "5000", 20)
    # A limit that is just what there is, or a little less than twice that, gives each row once.
    run("DELETE FROM CUST WHERE NO > 20")
    assert profiled(source, "CUST", rows_max=20).columns[0].distinct == 20
    for limit in (21, 39, 40, 41):
        again = profiled(source, "CUST", rows_max=limit)
        assert (again.read, again.columns[0].distinct, again.whole) == (20, 20, True), limit
    assert profiled(source, "CUST", rows_max=19).read == 19


def test_time_that_is_over_ends_the_reading(opened: Opened) -> None:
    hours = iter(range(0, 3600 * 1000, 3600))
    found = profiled(opened[0], "CUST", clock=lambda: next(hours))
    assert (found.read, found.whole, found.rows) == (0, False, 4)


def test_a_key_is_found_where_the_catalogue_has_none(opened: Opened) -> None:
    source, run = opened
    run("CREATE TABLE LINES (ORDERNO INTEGER, LINE INTEGER, ARTICLE TEXT)")
    for order, line in ((1, 1), (1, 2), (2, 1), (2, 2)):
        run("INSERT INTO LINES VALUES (?, ?, 'same')", (order, line))
    found = profiled(source, "LINES")
    assert found.key == ("ORDERNO", "LINE")
    assert found.key_why == "unique together in all rows; the catalogue knows no primary key"
    run("UPDATE LINES SET LINE = rowid")
    assert profiled(source, "LINES").key == ("LINE",)
    run("UPDATE LINES SET LINE = 1, ORDERNO = 1")
    assert profiled(source, "LINES").key == ()
    run("DELETE FROM LINES")
    assert profiled(source, "LINES").key_why == "the table is empty"
    with pytest.raises(Reject, match="LINES"):
        profiled(source, "LINE")


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["6f2d1a6e-6f0c-4f9b-9d4e-0c4f6a9b7c11"], "UUID"),
        (["a@b.example", " "], "e-mail address"),
        (["20261121", "00000000"], "date YYYYMMDD"),
        (["20261121", "20261321"], "whole number"),
        (["21.11.2026"], "date DD.MM.YYYY"),
        (["1.234,50", "7,1"], "number with a comma"),
        (["12.50"], "number with a point"),
        (["DE89370400440532013000"], "IBAN"),
        (["+44 113 496 0000"], "phone number"),
        (['{"a": 1}'], "JSON"),
        (["<a/>"], "XML"),
        (["12", "x"], ""),
        (["", " "], ""),
        ([], ""),
    ],
)
def test_what_texts_look_like(texts: list[str], what: str) -> None:
    assert look(texts)[0] == what


@given(st.text(max_size=60))
def test_a_pattern_has_no_letter_and_no_digit_of_the_text(text: str) -> None:
    for coarse in (False, True):
        shape = pattern(text, coarse=coarse)
        assert {letter for letter in shape if letter.isalpha()} <= {"A"}
        if coarse:
            assert {letter for letter in shape if letter.isdigit()} <= {"9"}


def test_patterns_tell_shapes() -> None:
    assert pattern("KD-4711") == "A{2}-9{4}"
    assert pattern("KD-4711", coarse=True) == "A-9"
    assert pattern("Anna Maria von Süd", coarse=True) == "A"
    assert pattern("") == ""
