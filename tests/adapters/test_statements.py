"""The one statement shape, run by SQLite itself against every order that Python's own sort would give."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import cmp_to_key, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dialects import DIALECTS, MARIADB, POSTGRESQL, SQLITE, Dialect
from adapters.model import Column, Table
from adapters.readonly import guarded
from adapters.statements import Condition, Ordered, read

QUERIED = tuple(dialect for dialect in DIALECTS if not dialect.scan)
A = Column("a", "INTEGER", "int")
B = Column("b", "TEXT", "text")
K = Column("k", "INTEGER", "int", nullable=False, key=1)
TABLE = Table("t", "main", "t", (A, B, K))

rows_of_t = st.lists(
    st.tuples(st.none() | st.integers(-2, 11), st.none() | st.sampled_from(["", "a", "ab", "b", "10", "9"])), max_size=9
)
orders = st.lists(st.tuples(st.sampled_from([A, B]), st.booleans()), max_size=2, unique_by=lambda item: item[0].name)


@pytest.mark.parametrize("dialect", [SQLITE, replace(SQLITE, row_values=False)], ids=["row values", "spelt out"])
@settings(max_examples=60, deadline=None)
@given(rows=rows_of_t, sort=orders, last=st.booleans(), size=st.integers(1, 4))
def test_pages_of_any_size_are_the_whole_in_order(
    dialect: Dialect, rows: list[tuple[int | None, str | None]], sort: list[tuple[Column, bool]], last: bool, size: int
) -> None:
    order = [*(Ordered(column, descending) for column, descending in sort), Ordered(K, last)]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (a INTEGER, b TEXT, k INTEGER NOT NULL)")
        held = [(a, b, number) for number, (a, b) in enumerate(rows)]
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", held)
        found: list[dict[str, Any]] = []
        after = None
        for _ in range(len(rows) + 1):
            plan = read(dialect, TABLE, TABLE.columns, order=order, after=after, limit=size)
            page = database.execute(plan.sql, plan.parameters).fetchall()
            found += plan.rows(page)
            if len(page) < size:
                break
            after = plan.place(page[-1])
    whole: list[dict[str, Any]] = [{"a": a, "b": b, "k": k} for a, b, k in held]
    whole.sort(key=cmp_to_key(partial(compared, order)))
    assert found == whole


def compared(order: list[Ordered], one: dict[str, Any], other: dict[str, Any]) -> int:
    """-1, 0 or 1 as SQLite sorts: NULL lowest, text by its bytes."""
    for item in order:
        left, right = ((row[item.column.name] is not None, row[item.column.name]) for row in (one, other))
        if left != right:
            lower = left[0] < right[0] or (left[0] == right[0] and left[1] < right[1])
            return 1 if lower == item.descending else -1
    return 0


AT = Column("AT", "timestamp without time zone", "datetime", bind_as="timestamp without time zone")
NO = Column("No", "integer", "int", nullable=False, key=1, bind_as="integer")
ORDERS = Table("Orders", "erp", "Orders", (NO, AT))


def test_each_database_gets_its_own_words() -> None:
    def sql(dialect: Dialect, descending: bool) -> str:
        order = [Ordered(AT, descending), Ordered(NO, descending)]
        return read(dialect, ORDERS, [NO], order=order, after=("2026-11-21 06:55:00.000001", "7"), limit=3).sql

    cast = "CAST(? AS timestamp without time zone)"
    assert sql(POSTGRESQL, True) == (
        'SELECT CAST(r."No" AS text), CAST(r."AT" AS text), CAST(r."No" AS text) FROM "erp"."Orders" r'
        f' WHERE (r."AT", r."No") < ({cast}, CAST(? AS integer))'
        ' ORDER BY r."AT" DESC, r."No" DESC LIMIT 3'
    )
    # Upwards, PostgreSQL puts NULL at the end, where the short form would lose it.
    assert f'((r."AT" > {cast} OR r."AT" IS NULL) OR r."AT" = {cast} AND' in sql(POSTGRESQL, False)
    assert sql(MARIADB, False) == (
        "SELECT CAST(r.`No` AS CHAR), CAST(r.`AT` AS CHAR), CAST(r.`No` AS CHAR) FROM `erp`.`Orders` r"
        " WHERE (r.`AT` > ? OR r.`AT` = ? AND r.`No` > CAST(? AS DECIMAL(65,0)))"
        " ORDER BY r.`AT`, r.`No` LIMIT 3"
    )


def test_the_parameters_are_as_many_as_their_marks() -> None:
    for dialect in QUERIED:
        for op in ("eq", "in", "contains", "startswith", "isnull", "notnull", "lte"):
            values = {"in": ("1", "2"), "isnull": (), "notnull": ()}.get(op, ("1",))
            for after in (None, ("1", None), (None, "2")):
                plan = read(
                    dialect,
                    ORDERS,
                    ORDERS.columns,
                    order=[Ordered(AT), Ordered(NO, descending=True)],
                    where=[Condition(NO, op, values)],
                    after=after,
                    limit=1,
                )
                assert plan.sql.count("?") == len(plan.parameters)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t",
        "SELECT 1; DELETE FROM t",
        "WITH gone AS (DELETE FROM t RETURNING 1) SELECT 1",
        "SELECT 1 INTO t",
        "SELECT * FROM t FOR UPDATE",
        "SELECT 1 -- ",
        "SELECT 1 /*! , x */",
        "SELECT 'a",
        'SELECT "a',
        "SELECT {fn now()}",
        "select 1 delete from t",
        "SELECT 1 delete FROM t",
        "PRAGMA query_only = 0",
        "",
    ],
)
def test_the_guard_lets_nothing_else_through(sql: str) -> None:
    with pytest.raises(AssertionError, match="not a plain SELECT"):
        guarded(sql)


def test_the_guard_knows_names_from_words() -> None:
    for sql in ('SELECT r."DELETE; --" FROM "UPDATE" r', "SELECT 'it''s; DROP' FROM `a``;` r"):
        assert guarded(sql) == sql
    for dialect in QUERIED:
        assert guarded(dialect.tables)
        assert guarded(dialect.columns)


@given(st.text(alphabet="ab\"`';-/*?{} \\", min_size=1), st.sampled_from(QUERIED))
def test_any_name_stays_a_name(name: str, dialect: Dialect) -> None:
    column = Column(name, "TEXT", "text", bind_as="text")
    table = Table(name, name, name, (column,))
    assert read(dialect, table, [column], order=[Ordered(column)], after=("x",), limit=1).sql
    quoted = dialect.quoted(name)
    assert quoted[1:-1].replace(dialect.quotes * 2, dialect.quotes) == name
