"""Hand-written queries of connections.yaml: what may be asked is kept, the rest is shown where it stands."""

from __future__ import annotations

import pytest

from gateway.configuration import Query
from gateway.workspace.loader import ConfigurationProblems, Problem, parse

CONTRACT = "contract: x v1\nabout: X\nowner: t\nkey: id\nfields:\n  id: text\n"
INTEGRATION = """\
integration: x
about: X
owner: t
source: table://erp/{table}
changes: {changes}
key: no
contract: x v1
map:
  id: no
"""


def connection(queries: str, url: str = "Driver=PostgreSQL Unicode;Server=erp-db", more: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in queries.splitlines())
    return f"erp:\n  kind: odbc\n  url: {url}\n{more}  queries:\n{lines}\n"


def problems(files: dict[str, str]) -> list[Problem]:
    with pytest.raises(ConfigurationProblems) as caught:
        parse({"gateway.yaml": "", **files})
    return list(caught.value.problems)


def test_a_query_is_its_select_or_that_and_a_key() -> None:
    text = connection(
        "open: SELECT no FROM orders\nturnover:\n  key: no, year\n  select: |\n    SELECT 1 AS no,\n    2 AS year"
    )
    found = parse({"gateway.yaml": "", "connections.yaml": text}).connections["erp"].queries
    assert found == (
        Query("open", "SELECT no FROM orders"),
        Query("turnover", "SELECT 1 AS no,\n2 AS year\n", ("no", "year")),
    )


@pytest.mark.parametrize(
    ("written", "line", "column", "length", "said"),
    [
        ("q: DELETE FROM orders", 5, 8, 6, "the query 'q' is no SELECT but DELETE"),
        ("q: SELECT no FROM orders; DELETE FROM orders", 5, 8, 41, "the query 'q' is 2 statements"),
        ("q: |\n  SELECT no,\n    pg_sleep(9)\n  FROM orders", 7, 9, 8, "that function is not known only to compute"),
        ("q: SELECT nextval('s') AS n", 5, 15, 7, "that function is not known only to compute"),
        ("q: SELECT no FROM orders FOR UPDATE", 5, 8, 32, "'Lock'"),
        ("q: SELECT no FROM dblink('x', 'y') AS t(no)", 5, 23, 6, "not from functions"),
        ("q: SELECT no FROM orders WHERE (", 5, 36, 1, "the query 'q' cannot be read at line 1"),
        ("q:\n  select: SELECT 1 AS a\n  keys: a", 7, 7, 4, "unknown key 'keys'"),
        ("q:\n  key: a", 6, 7, 3, "the query 'q' lacks the key 'select'"),
        ("Q x: SELECT 1 AS a", 5, 5, 3, "'Q x' is not a name"),
    ],
)
def test_what_may_not_be_asked_is_shown_where_it_stands(
    written: str, line: int, column: int, length: int, said: str
) -> None:
    (found,) = problems({"connections.yaml": connection(written)})
    assert said in found.message
    assert (found.line, found.column, found.length) == (line, column, length)
    assert found.hint


def test_what_sql_it_is_must_be_known() -> None:
    (found,) = problems({"connections.yaml": connection("q: SELECT 1 AS a", url="DSN=ERP")})
    assert (found.line, found.hint) == (4, "add a line to the connection, such as: dialect: sqlserver")
    text = connection("q: SELECT TOP 5 no FROM orders", url="DSN=ERP", more="  dialect: sqlserver\n")
    assert parse({"gateway.yaml": "", "connections.yaml": text}).connections["erp"].queries
    (found,) = problems({"connections.yaml": connection("q: SELECT 1 AS a", more="  dialect: postgres\n")})
    assert (found.message, found.hint) == ("there is no dialect 'postgres'", "did you mean 'postgresql'?")
    (found,) = problems({"connections.yaml": connection("q: SELECT 1 AS a", url="Driver=MDBTools;DBQ=a.mdb")})
    assert "there is no parser for its SQL" in found.message


@pytest.mark.parametrize(
    ("table", "changes", "said"),
    [
        ("q", "log every 1s", "q is a query, and no log tells of it"),
        ("q", "diff every 1m", ""),
        ("orders", "log every 1s", ""),
    ],
)
def test_a_query_is_followed_as_far_as_one_can_be(table: str, changes: str, said: str) -> None:
    files = {
        "connections.yaml": connection("q: SELECT no FROM orders"),
        "contracts/x.v1.yaml": CONTRACT,
        "integrations/x.yaml": INTEGRATION.format(table=table, changes=changes),
    }
    if not said:
        assert parse({"gateway.yaml": "", **files}).integrations["x"].source.path == table
        return
    (found,) = problems(files)
    assert (found.file, found.line, found.message) == ("integrations/x.yaml", 5, said)


def test_a_file_that_can_only_be_scanned_has_no_log_and_no_column_that_grows() -> None:
    files = {
        "connections.yaml": "erp:\n  kind: odbc\n  url: Driver=MDBTools;DBQ=lager.mdb\n",
        "contracts/x.v1.yaml": CONTRACT,
        "integrations/x.yaml": INTEGRATION.format(table="Artikel", changes="AENDTS every 1m"),
    }
    (found,) = problems(files)
    assert found.message == "erp is a file that can only be scanned"
    files["integrations/x.yaml"] = INTEGRATION.format(table="Artikel", changes="diff every 1m")
    assert parse({"gateway.yaml": "", **files}).integrations["x"].changes
