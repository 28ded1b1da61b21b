"""Code tables: what a file says, and what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.configuration import CodeTable
from gateway.workspace.codes import built_in, read_codes
from gateway.workspace.problems import File


def test_one_column_is_the_identity() -> None:
    table = read_codes(File("codes/x.csv", "code\nA\nB\n"), "x")
    assert table == CodeTable("x", {"A": "A", "B": "B"}, frozenset("AB"))


def test_the_value_is_our_code_and_several_of_theirs_may_mean_it() -> None:
    file = File("codes/x.csv", '\ufeffcode,value,label\r\nCT , carton,Carton\r\nCA,carton,"Case, ""small"""\r\n\r\n')
    table = read_codes(file, "x")
    assert not file.problems
    assert table == CodeTable("x", {"CT": "carton", "CA": "carton"}, frozenset({"carton"}))


def test_a_quoted_cell_keeps_commas_and_quotation_marks() -> None:
    table = read_codes(File("codes/x.csv", 'code,value\n"a ""b"", c", "d"\n'), "x")
    assert table is None
    table = read_codes(File("codes/x.csv", 'code,value\n"a ""b"", c","d "\n'), "x")
    assert table is not None
    assert table.mapping == {'a "b", c': "d "}


def test_codes_stay_texts() -> None:
    table = read_codes(File("codes/x.csv", "code,value\n01,NO\n1,1.10\n"), "x")
    assert table is not None
    assert table.mapping == {"01": "NO", "1": "1.10"}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the table holds no codes"),
        ("code\n", 1, 1, "the table holds no codes"),
        ("code,valeu\nA,B\n", 1, 6, "unknown column 'valeu'"),
        ("code;value\nA;B\n", 1, 1, "unknown column 'code;value'"),
        ("code,value,valid_to\nA,B,2026-01-01\n", 1, 12, "the column 'valid_to' is not yet available"),
        ("code,code\nA,B\n", 1, 6, "the column 'code' is there twice"),
        ("value\nA\n", 1, 1, "the column 'code' is missing"),
        ("code,value\nA\n", 2, 1, "this line has 1 cell for 2 columns"),
        ("code,value\nA,B,C\n", 2, 1, "this line has 3 cells for 2 columns"),
        ("code,value\n,B\n", 2, 1, "the code is missing"),
        ("code,value\nA,\n", 2, 3, "the value is missing"),
        ("code,value\nA,x\nB,y\nA,z\n", 4, 1, "'A' is there twice"),
        ('code,value\nA,"b\n', 2, 3, "this cell is not closed"),
        ('code,value\nA,b"c\n', 2, 3, "this cell is not closed or has a quotation mark inside"),
    ],
)
def test_a_wrong_table_is_refused_where_it_is_wrong(text: str, line: int, column: int, message: str) -> None:
    file = File("codes/x.csv", text)
    assert read_codes(file, "x") is None
    assert [(problem.line, problem.column) for problem in file.problems] == [(line, column)], file.problems
    assert file.problems[0].message.startswith(message)


def test_every_wrong_line_is_told() -> None:
    file = File("codes/x.csv", "code,value\nA\n,B\nC,D,E\n")
    read_codes(file, "x")
    assert [problem.line for problem in file.problems] == [2, 3, 4]


def test_names_in_capitals_belong_to_the_standards() -> None:
    file = File("codes/ISO-4217.csv", "code\nEUR\n")
    assert read_codes(file, "ISO-4217") is None
    assert file.problems[0].message == "'ISO-4217' is not a name for a code table"


def test_the_standards_tables_hold_what_is_in_force() -> None:
    currencies, countries = built_in()["ISO-4217"], built_in()["ISO-3166"]
    assert len(currencies.codes) == 178
    assert {"EUR", "USD", "GBP", "XXX", "XCG", "ZWG"} <= currencies.codes
    assert not {"DEM", "HRK", "ANG", "ZWL", "eur", "code", ""} & currencies.codes
    assert len(countries.codes) == 249
    assert {"DE", "GB", "NO", "US"} <= countries.codes
    assert not {"UK", "EU", "XK", ""} & countries.codes
    assert currencies.mapping["EUR"] == "EUR"


@given(st.text(st.sampled_from(list('codevalu,;"\n\r AB\ufeff')), max_size=50))
def test_any_text_is_a_table_or_a_problem(text: str) -> None:
    file = File("codes/x.csv", text)
    table = read_codes(file, "x")
    assert (table is None) == bool(file.problems)
