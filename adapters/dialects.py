"""Quoting, casts, order, session and catalogue per database: one literal table, read top to bottom.

A form is a template in which ``{c}`` is a quoted column, ``{p}`` a parameter and ``{bind_as}`` its native type. It is
looked up by the column's native type (lower case, without length), then by our type, then by ``*``.

All three rows are tested against the real thing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.model import Column, Type

LENGTH = re.compile(r"\(.*?\)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database, as data.

    `products` begin the name that the driver reports (SQL_DBMS_NAME); `drivers` are found in a driver's name or file;
    `package` is the Debian package that brings the driver. `nulls_low` is whether NULL sorts before all values,
    `row_values` whether ``(a, b) > (?, ?)`` uses an index. `text` writes a value; `exact` writes it without any loss,
    to find its place again, where that is another text. `order` is what is sorted and compared with such a place,
    `compare` what is compared with a caller's value. `inexact` types cannot be found again at all.

    `session` makes a fresh connection read-only and its texts unambiguous; `proof` reads back that it is, and the
    answer expected. `connect` is added to the connection string, and `file` is its key that names a database file.
    `tables` gives schema, name and '1' in the default schema; `columns`, asked with name and schema, gives name, native
    type, type to bind as, '1' if nullable and the place in the primary key.
    """

    name: str
    products: tuple[str, ...]
    drivers: tuple[str, ...]
    package: str
    quotes: str
    nulls_low: bool
    row_values: bool
    server_timeout: bool
    text: Mapping[str, str]
    bind: Mapping[str, str]
    contains: str
    startswith: str
    session: tuple[str, ...]
    proof: tuple[str, str]
    types: Mapping[str, Type]
    tables: str
    columns: str
    exact: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, str] = field(default_factory=dict)
    compare: Mapping[str, str] = field(default_factory=dict)
    fragments: tuple[tuple[str, Type], ...] = ()
    connect: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    inexact: frozenset[str] = frozenset()

    def quoted(self, name: str) -> str:
        """A name from the catalogue as an identifier; its own quotes are doubled."""
        return f"{self.quotes}{name.replace(self.quotes, self.quotes * 2)}{self.quotes}"

    def classify(self, native: str) -> Type:
        """The native type in our words; what is unknown is text."""
        word = native_word(native)
        if native.lower() in self.types or word in self.types:
            return self.types.get(native.lower()) or self.types[word]
        return next((kind for fragment, kind in self.fragments if fragment in word), "text")


def native_word(native: str) -> str:
    """``Decimal(10,2)`` → ``decimal``; ``timestamp(3) with time zone`` → ``timestamp with time zone``."""
    return LENGTH.sub("", native).strip().lower()


def form(forms: Mapping[str, str], column: Column, default: str = "{c}") -> str:
    """The template for a column."""
    word = native_word(column.native)
    return forms.get(word) or forms.get(column.type) or forms.get("*", default)


SQLITE_EXACT = "CASE typeof({c}) WHEN 'real' THEN printf('%!.17e', {c}) ELSE CAST({c} AS TEXT) END"

SQLITE = Dialect(
    name="sqlite",
    products=("SQLite",),
    drivers=("sqlite",),
    package="libsqliteodbc",
    quotes='"',
    nulls_low=True,
    row_values=True,
    server_timeout=False,
    # hex(NULL) is '' in SQLite. The driver still cuts a text at a NUL and leaves bytes out that are not UTF-8.
    text={"*": "CAST({c} AS TEXT)", "binary": "CASE WHEN {c} IS NULL THEN NULL ELSE hex({c}) END"},
    # CAST shows 15 digits of a REAL, which any column but one of text may hold; 18 find it again.
    exact={
        "*": SQLITE_EXACT,
        "": "CAST({c} AS TEXT)",
        "text": "CAST({c} AS TEXT)",
        "binary": "CASE WHEN {c} IS NULL THEN NULL ELSE hex({c}) END",
    },
    # The column's affinity turns a text parameter into what the column holds (sqlite.org/datatype3.html 4.2), so none
    # is cast. A column without a type has no affinity: it is compared as text.
    bind={"*": "{p}"},
    order={"": "CAST({c} AS TEXT)", "binary": "hex({c})"},
    compare={"": "CAST({c} AS TEXT)", "binary": "hex({c})", "datetime": "replace(replace({c}, 'T', ' '), 'Z', '')"},
    contains="instr({c}, {p}) > 0",
    startswith="instr({c}, {p}) = 1",
    session=("PRAGMA query_only = 1",),
    proof=("SELECT CAST(query_only AS TEXT) FROM pragma_query_only", "1"),
    # NoCreat: without it a wrong name makes an empty database. StepAPI: rows are fetched as they come, not all at once.
    connect={"NoCreat": "1", "StepAPI": "1", "Timeout": "{milliseconds}"},
    file="Database",
    types={"": "text", "date": "date", "time": "time", "boolean": "bool", "bool": "bool", "bit": "bool"},
    fragments=(
        ("datetime", "datetime"),
        ("timestamp", "datetime"),
        ("int", "int"),
        ("char", "text"),
        ("clob", "text"),
        ("text", "text"),
        ("blob", "binary"),
        ("binary", "binary"),
        ("real", "float"),
        ("floa", "float"),
        ("doub", "float"),
        ("dec", "decimal"),
        ("num", "decimal"),
        ("money", "decimal"),
    ),
    tables="SELECT 'main', name, '1' FROM main.sqlite_master WHERE type IN ('table', 'view')"
    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    columns="SELECT name, type, '', CAST(\"notnull\" = 0 AS TEXT), CAST(pk AS TEXT)"
    " FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid",
)

POSTGRESQL = Dialect(
    name="postgresql",
    products=("PostgreSQL",),
    drivers=("postgres", "psqlodbc"),
    package="odbc-postgresql",
    quotes='"',
    nulls_low=False,
    row_values=True,
    server_timeout=True,
    text={
        "*": "CAST({c} AS text)",
        "binary": "encode({c}, 'hex')",
        "money": "CAST(CAST({c} AS numeric) AS text)",
    },
    bind={"*": "CAST({p} AS {bind_as})", "binary": "decode(CAST({p} AS text), 'hex')"},
    contains="strpos(CAST({c} AS text), CAST({p} AS text)) > 0",
    startswith="strpos(CAST({c} AS text), CAST({p} AS text)) = 1",
    session=(
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET statement_timeout = {milliseconds}",
        "SET lock_timeout = {milliseconds}",
        "SET TIME ZONE 'UTC'",
        "SET datestyle = 'ISO, YMD'",
        "SET intervalstyle = 'iso_8601'",
        "SET extra_float_digits = 1",
    ),
    proof=("SELECT current_setting('transaction_read_only')", "on"),
    types={
        "smallint": "int",
        "integer": "int",
        "bigint": "int",
        "oid": "int",
        "numeric": "decimal",
        "money": "decimal",
        "real": "float",
        "double precision": "float",
        "date": "date",
        "timestamp without time zone": "datetime",
        "timestamp with time zone": "datetime",
        "time without time zone": "time",
        "boolean": "bool",
        "bytea": "binary",
    },
    tables="SELECT CAST(n.nspname AS text), CAST(c.relname AS text),"
    " CASE WHEN n.nspname = current_schema() THEN '1' ELSE '0' END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema'"
    " AND left(n.nspname, 3) <> 'pg_'"
    " AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 1, 2",
    # A domain is shown and compared as the type it is made of.
    columns="SELECT CAST(a.attname AS text),"
    " format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END,"
    " CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END),"
    " format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE a.atttypid END, -1),"
    " CASE WHEN a.attnotnull THEN '0' ELSE '1' END, CAST(coalesce(k.place, 0) AS text)"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN (SELECT i.indrelid, u.attnum, u.place FROM pg_catalog.pg_index i"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u(attnum, place)"
    " WHERE i.indisprimary AND u.place <= i.indnkeyatts) k ON k.indrelid = c.oid AND k.attnum = a.attnum"
    " WHERE c.relname = CAST(? AS text) AND n.nspname = CAST(? AS text) AND a.attnum > 0 AND NOT a.attisdropped"
    " AND has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY a.attnum",
)

MARIADB_TEXT = "CONVERT({p} USING utf8mb4) COLLATE utf8mb4_bin, CONVERT({c} USING utf8mb4)"

MARIADB = Dialect(
    name="mariadb",
    products=("MariaDB",),
    drivers=("maria", "maodbc"),
    package="odbc-mariadb",
    quotes="`",
    nulls_low=True,
    row_values=False,
    server_timeout=True,
    text={"*": "CAST({c} AS CHAR)", "binary": "HEX({c})", "bit": "CAST({c} + 0 AS CHAR)"},
    # A text compared with a number column would be compared as floating point.
    bind={
        "*": "{p}",
        "int": "CAST({p} AS DECIMAL(65,0))",
        "bool": "CAST({p} AS DECIMAL(65,0))",
        "decimal": "CAST({p} AS DECIMAL(65,30))",
        "binary": "UNHEX({p})",
    },
    contains=f"LOCATE({MARIADB_TEXT}) > 0",
    startswith=f"LOCATE({MARIADB_TEXT}) = 1",
    # START TRANSACTION READ ONLY would still let TRUNCATE through; the session's setting does not.
    session=(
        "SET SESSION TRANSACTION READ ONLY",
        "SET SESSION max_statement_time = {seconds}",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
    ),
    proof=("SELECT IF(@@session.tx_read_only, 'on', 'off')", "on"),
    types={
        "tinyint": "int",
        "smallint": "int",
        "mediumint": "int",
        "int": "int",
        "bigint": "int",
        "year": "int",
        "bit(1)": "bool",
        "bit": "int",
        "decimal": "decimal",
        "float": "float",
        "double": "float",
        "date": "date",
        "datetime": "datetime",
        "timestamp": "datetime",
        "time": "time",
        "binary": "binary",
        "varbinary": "binary",
        "tinyblob": "binary",
        "blob": "binary",
        "mediumblob": "binary",
        "longblob": "binary",
    },
    tables="SELECT table_schema, table_name, IF(table_schema = DATABASE(), '1', '0') FROM information_schema.tables"
    " WHERE table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') ORDER BY 1, 2",
    # The driver's own primaryKeys() gives the columns in the table's order instead of the key's.
    columns="SELECT c.column_name, REPLACE(REPLACE(c.column_type, ' unsigned', ''), ' zerofill', ''), '',"
    " IF(c.is_nullable = 'YES', '1', '0'), CAST(COALESCE(s.seq_in_index, 0) AS CHAR) FROM information_schema.columns c"
    " LEFT JOIN information_schema.statistics s ON s.table_schema = c.table_schema AND s.table_name = c.table_name"
    " AND s.column_name = c.column_name AND s.index_name = 'PRIMARY'"
    " WHERE c.table_name = ? AND c.table_schema = ? ORDER BY c.ordinal_position",
    # FLOAT is shown with 6 digits, which do not find it again.
    inexact=frozenset({"float"}),
)

DIALECTS: tuple[Dialect, ...] = (SQLITE, POSTGRESQL, MARIADB)

# Drivers that we have no dialect for yet, so that at least the package can be named.
PACKAGES: tuple[tuple[str, str], ...] = (
    *((word, dialect.package) for dialect in DIALECTS for word in dialect.drivers),
    ("mysql", "odbc-mariadb"),
    ("myodbc", "odbc-mariadb"),
    ("freetds", "tdsodbc"),
    ("tdsodbc", "tdsodbc"),
    ("mdb", "odbc-mdbtools"),
)


def by_driver(driver: str) -> Dialect | None:
    """The dialect that a driver's name or file speaks, if it can be told."""
    folded = driver.lower()
    return next((dialect for dialect in DIALECTS if any(word in folded for word in dialect.drivers)), None)


def by_product(product: str) -> Dialect | None:
    """The dialect of a database, by the name that it reports."""
    folded = product.lower()
    return next((d for d in DIALECTS if any(folded.startswith(name.lower()) for name in d.products)), None)
