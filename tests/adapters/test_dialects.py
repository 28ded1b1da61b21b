"""What each database would be sent, word for word, and its catalogue's answers as they were written down.

Those that a real server answers in our tests have no such file: what comes back judges what they are sent.
``python -m tests.adapters.test_dialects`` writes the files of ``golden`` anew; look at what differs before it is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot

from adapters.dialects import DIALECTS, Dialect, by_driver, by_product
from adapters.model import Column, Table
from adapters.readonly import guarded
from adapters.statements import Clause, Condition, Ordered, read
from adapters.statements import written as in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLDEN = Path(__file__).with_name("golden")
QUERIED = tuple(dialect for dialect in DIALECTS if not dialect.scan)
UNMET = tuple(dialect for dialect in QUERIED if not dialect.tested)
names = pytest.mark.parametrize("dialect", QUERIED, ids=lambda dialect: dialect.name)

# What sqlglot can read; Sybase's is close enough to its descendant's.
GRAMMARS = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "mariadb": "mysql",
    "mysql": "mysql",
    "sqlserver": "tsql",
    "oracle": "oracle",
    "sybase": "tsql",
}

# Columns as the catalogue of each tells them: name, native type, type to bind as, '1' if nullable, place in the key.
# A key of two columns in its own order, one of them text; what may be missing, is sorted, is looked for.
Told = tuple[str, str, str, str, str]
RECORDED: dict[str, tuple[Told, ...]] = {
    "sqlite": (
        ("NO", "INTEGER", "", "0", "2"),
        ("LINE", "VARCHAR(10)", "", "0", "1"),
        ("NAME", "VARCHAR(80)", "", "1", "0"),
        ("AMOUNT", "DECIMAL(12,2)", "", "1", "0"),
        ("STAMP", "DATETIME", "", "1", "0"),
        ("PHOTO", "BLOB", "", "1", "0"),
    ),
    "postgresql": (
        ("NO", "integer", "integer", "0", "2"),
        ("LINE", "character varying(10)", "character varying", "0", "1"),
        ("NAME", "character varying(80)", "character varying", "1", "0"),
        ("AMOUNT", "numeric(12,2)", "numeric", "1", "0"),
        ("STAMP", "timestamp without time zone", "timestamp without time zone", "1", "0"),
        ("PHOTO", "bytea", "bytea", "1", "0"),
    ),
    "mariadb": (
        ("NO", "int(11)", "", "0", "2"),
        ("LINE", "varchar(10)", "", "0", "1"),
        ("NAME", "varchar(80)", "", "1", "0"),
        ("AMOUNT", "decimal(12,2)", "", "1", "0"),
        ("STAMP", "datetime(6)", "", "1", "0"),
        ("PHOTO", "blob", "", "1", "0"),
    ),
    "mysql": (
        ("NO", "int", "", "0", "2"),
        ("LINE", "varchar(10)", "", "0", "1"),
        ("NAME", "varchar(80)", "", "1", "0"),
        ("AMOUNT", "decimal(12,2)", "", "1", "0"),
        ("STAMP", "datetime(6)", "", "1", "0"),
        ("PHOTO", "blob", "", "1", "0"),
    ),
    "sqlserver": (
        ("NO", "int", "bigint", "0", "2"),
        ("LINE", "varchar(10)", "varchar(8000)", "0", "1"),
        ("NAME", "nvarchar(80)", "nvarchar(4000)", "1", "0"),
        ("AMOUNT", "decimal(12,2)", "decimal(38,10)", "1", "0"),
        ("STAMP", "datetime", "datetime", "1", "0"),
        ("PHOTO", "varbinary(max)", "varbinary", "1", "0"),
    ),
    "oracle": (
        ("NO", "NUMBER(9,0)", "", "0", "2"),
        ("LINE", "CHAR(10)", "", "0", "1"),
        ("NAME", "VARCHAR2(80)", "", "1", "0"),
        ("AMOUNT", "NUMBER(12,2)", "", "1", "0"),
        ("STAMP", "TIMESTAMP(6)", "", "1", "0"),
        ("PHOTO", "BLOB", "", "1", "0"),
    ),
    "db2": (
        ("NO", "INTEGER", "", "0", "2"),
        ("LINE", "CHARACTER(10)", "", "0", "1"),
        ("NAME", "VARCHAR(80)", "", "1", "0"),
        ("AMOUNT", "DECIMAL(12,2)", "", "1", "0"),
        ("STAMP", "TIMESTAMP(6)", "", "1", "0"),
        ("PHOTO", "VARCHAR(80) FOR BIT DATA", "", "1", "0"),
    ),
    "db2i": (
        ("NO", "INTEGER", "", "0", "2"),
        ("LINE", "CHAR(10)", "", "0", "1"),
        ("NAME", "VARCHAR(80)", "", "1", "0"),
        ("AMOUNT", "DECIMAL(12,2)", "", "1", "0"),
        ("STAMP", "TIMESTMP", "", "1", "0"),
        ("PHOTO", "CHAR(80) FOR BIT DATA", "", "1", "0"),
    ),
    "sybase": (
        ("NO", "int", "bigint", "0", "2"),
        ("LINE", "varchar(10)", "varchar", "0", "1"),
        ("NAME", "varchar(80)", "varchar", "1", "0"),
        ("AMOUNT", "numeric(12,2)", "numeric(38,10)", "1", "0"),
        ("STAMP", "datetime", "datetime", "1", "0"),
        ("PHOTO", "varbinary(80)", "varbinary", "1", "0"),
    ),
    "informix": (
        ("NO", "serial", "", "0", "2"),
        ("LINE", "char", "", "0", "1"),
        ("NAME", "varchar", "", "1", "0"),
        ("AMOUNT", "decimal", "", "1", "0"),
        ("STAMP", "datetime", "", "1", "0"),
        ("PHOTO", "byte", "", "1", "0"),
    ),
    "firebird": (
        ("NO", "integer", "BIGINT", "0", "2"),
        ("LINE", "varchar", "BIGINT", "0", "1"),
        ("NAME", "varchar", "BIGINT", "1", "0"),
        ("AMOUNT", "numeric(12,2)", "NUMERIC(18,2)", "1", "0"),
        ("STAMP", "timestamp", "BIGINT", "1", "0"),
        ("PHOTO", "blob", "BIGINT", "1", "0"),
    ),
}
COMPARED = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "isnull", "notnull")


def recorded(dialect: Dialect) -> Table:
    """The table of orders, as this database's catalogue tells it."""
    columns = tuple(
        Column(name, native, dialect.classify(native), nullable == "1", int(key), bind_as)
        for name, native, bind_as, nullable, key in RECORDED[dialect.name]
    )
    return Table("ORDERS", "ERP", "ORDERS", columns)


def sent(dialect: Dialect) -> dict[str, str]:
    """Every statement of ours, by what it is for."""
    table = recorded(dialect)
    of = {column.name: column for column in table.columns}
    key = [Ordered(of["LINE"]), Ordered(of["NO"])]
    back = [Ordered(of["LINE"], descending=True), Ordered(of["NO"], descending=True)]
    stamped = [Ordered(of["STAMP"]), *key]
    newest = [Ordered(of["STAMP"], descending=True), *back]
    place = ("a", "7")
    at = ("2026-11-21 06:55:00.000001", *place)

    def one(
        columns: Sequence[str] = ("NO",),
        order: Sequence[Ordered] = key,
        where: Sequence[Condition] = (),
        after: tuple[str | None, ...] | None = None,
    ) -> str:
        chosen = [of[name] for name in columns]
        plan = read(dialect, table, chosen, order=order, where=where, after=after, limit=101)
        assert plan.sql.count("?") == len(plan.parameters)
        return guarded(plan.sql)

    statements = {
        "a page": one(tuple(of)),
        "the page after it": one(after=place),
        "backwards": one(order=back, after=place),
        "sorted by what may be missing": one(order=stamped, after=at),
        "sorted by what may be missing, after one that is": one(order=stamped, after=(None, *place)),
        "sorted by what may be missing, backwards": one(order=newest, after=at),
        "sorted by what may be missing, backwards, after one that is": one(order=newest, after=(None, *place)),
        "a row by its key": one(order=(), where=[Condition(of[name], "eq", (name,)) for name in ("LINE", "NO")]),
    }
    for op in COMPARED:
        values = {"in": ("1", "2"), "isnull": (), "notnull": ()}.get(op, ("1",))
        statements[f"a number, {op}"] = one(where=[Condition(of["AMOUNT"], op, values)])
    for op in ("eq", "in", "contains", "startswith"):
        statements[f"a text, {op}"] = one(where=[Condition(of["NAME"], op, ("a", "b") if op == "in" else ("a",))])
    statements["a time, gte"] = one(where=[Condition(of["STAMP"], "gte", ("2026-11-21 06:55:00",))])
    if of["PHOTO"].type not in dialect.inexact:
        statements["bytes, eq"] = one(where=[Condition(of["PHOTO"], "eq", ("00FF",))])
    statements["the tables"] = guarded(dialect.tables)
    statements["the columns of a table"] = guarded(dialect.columns)
    for native, ceiling in dialect.ceilings.items():
        version = Column("VERSION", native, dialect.classify(native))
        statements["what is new by a row version"] = guarded(
            read(
                dialect,
                table,
                [of["NO"]],
                order=[Ordered(version)],
                where=[Clause(f"{in_order(dialect, dialect.order, version)} < {ceiling}", ())],
                after=("00000000000007D0",),
                limit=101,
            ).sql
        )
    if dialect.proof[0]:
        statements["the proof that nothing can be written"] = dialect.proof[0]
    return statements


def written(dialect: Dialect) -> str:
    """The file of a dialect: what a session is told first, then what it is asked."""
    session = "\n".join((*dialect.session, *(f"{wish} -- if it can" for wish in dialect.wishes)))
    parts = [("the session", session or "-- nothing"), *sent(dialect).items()]
    return "\n".join(f"-- {name}\n{text}\n" for name, text in parts)


@pytest.mark.parametrize("dialect", UNMET, ids=lambda dialect: dialect.name)
def test_each_database_is_sent_these_words(dialect: Dialect) -> None:
    assert written(dialect) == (GOLDEN / f"{dialect.name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("dialect", [each for each in QUERIED if each.name in GRAMMARS], ids=lambda each: each.name)
def test_a_grammar_of_that_database_understands_them(dialect: Dialect) -> None:
    for name, sql in sent(dialect).items():
        text = sql.removesuffix(dialect.isolation)
        parsed: list[Any] = sqlglot.parse(text, dialect=GRAMMARS[dialect.name])
        assert [type(each).__name__ for each in parsed] == ["Select"], (name, text)
        # Nothing is taken for an alias or a function's argument that was meant as a word: the same parameters come out.
        assert sum(1 for _ in parsed[0].find_all(sqlglot.exp.Placeholder)) == text.count("?"), (name, text)


@names
def test_the_types_of_its_catalogue_are_known(dialect: Dialect) -> None:
    types = {column.name: column.type for column in recorded(dialect).columns}
    assert types == {
        "NO": "int",
        "LINE": "text",
        "NAME": "text",
        "AMOUNT": "decimal",
        "STAMP": "datetime",
        "PHOTO": "binary",
    }
    assert recorded(dialect).key == ("LINE", "NO")


@names
def test_a_key_may_be_of_strings(dialect: Dialect) -> None:
    of = {column.name: column for column in recorded(dialect).columns}
    assert dialect.finds_again(of["NO"])
    assert dialect.finds_again(of["LINE"])
    if "text" in dialect.inexact:
        assert not dialect.finds_again(Column("NOTE", "text", "text"))


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("SQLite3", "sqlite"),
        ("/usr/lib/odbc/psqlodbcw.so", "postgresql"),
        ("MariaDB Unicode", "mariadb"),
        ("MySQL ODBC 8.0 Unicode Driver", "mysql"),
        ("ODBC Driver 18 for SQL Server", "sqlserver"),
        ("/usr/lib/libmsodbcsql-18.6.so.2.1", "sqlserver"),
        ("FreeTDS", "sqlserver"),
        ("Oracle 19 ODBC driver", "oracle"),
        ("/usr/lib/clidriver/lib/libdb2.so", "db2"),
        ("IBM i Access ODBC Driver", "db2i"),
        ("Adaptive Server Enterprise", "sybase"),
        ("IBM INFORMIX ODBC DRIVER", "informix"),
        ("Firebird/InterBase(r) driver", "firebird"),
        ("MDBTools", "access"),
        ("Progress OpenEdge 12.2 Driver", None),
    ],
)
def test_a_dialect_is_known_by_its_driver(driver: str, name: str | None) -> None:
    found = by_driver(driver)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("SQLite", "sqlite"),
        ("PostgreSQL", "postgresql"),
        ("MariaDB", "mariadb"),
        ("MySQL", "mysql"),
        ("Microsoft SQL Server", "sqlserver"),
        ("sql server", "sybase"),
        ("Adaptive Server Enterprise", "sybase"),
        ("Oracle", "oracle"),
        ("DB2/LINUXX8664", "db2"),
        ("DB2/400 SQL", "db2i"),
        ("Informix Dynamic Server", "informix"),
        ("Firebird 3.0", "firebird"),
        ("OpenEdge", None),
    ],
)
def test_a_dialect_is_known_by_what_the_server_calls_itself(product: str, name: str | None) -> None:
    found = by_product(product)
    assert (found.name if found else None) == name


@names
def test_its_forms_are_whole(dialect: Dialect) -> None:
    filled = {"milliseconds": 1, "seconds": 1.0, "whole_seconds": 1, "connect_seconds": 1}
    for statement in (*dialect.session, *dialect.wishes, *dialect.connect.values()):
        assert "{" not in statement.format(**filled)
    assert dialect.constants in ("", f" {dialect.constants.strip()}")
    for forms in (dialect.text, dialect.exact, dialect.order, dialect.compare):
        assert all("{c}" in template for template in forms.values())
    assert all("{p}" in template for template in dialect.bind.values())
    assert all(kind in ("*", "", *dialect.types) or kind.isidentifier() for kind in dialect.text), dialect.text.keys()
    assert dialect.tested == (dialect.name in ("sqlite", "postgresql", "mariadb"))


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in UNMET:
        (GOLDEN / f"{each.name}.sql").write_text(written(each), encoding="utf-8")
