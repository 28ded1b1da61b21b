"""MariaDB and MySQL, as data."""

from __future__ import annotations

from dataclasses import replace

from adapters.dialects.dialect import Dialect

MARIADB_TEXT = "CONVERT({p} USING utf8mb4) COLLATE utf8mb4_bin, CONVERT({c} USING utf8mb4)"
MARIADB_ABSENT = "CHAR(30 USING utf8mb4)"

MARIADB = Dialect(
    name="mariadb",
    products=("MariaDB",),
    drivers=("maria", "maodbc"),
    package="odbc-mariadb",
    quotes="`",
    nulls_low=True,
    row_values=False,
    server_timeout=True,
    tested=True,
    whole_parameters=True,
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
        "geometry": "binary",
        "point": "binary",
        "linestring": "binary",
        "polygon": "binary",
        "multipoint": "binary",
        "multilinestring": "binary",
        "multipolygon": "binary",
        "geometrycollection": "binary",
        "geomcollection": "binary",
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
    packed="CONCAT_WS(CHAR(31 USING utf8mb4), {parts})",
    packed_parts={
        "*": f"COALESCE({{c}}, {MARIADB_ABSENT})",
        "text": f"COALESCE(REPLACE({{c}}, {MARIADB_ABSENT}, CONCAT({MARIADB_ABSENT}, {MARIADB_ABSENT})),"
        f" {MARIADB_ABSENT})",
    },
    # CONCAT_WS leaves NULL out and complains of different character sets; QUOTE writes NULL without quotes.
    row_parts={
        "*": "QUOTE(CONVERT({c} USING utf8mb4))",
        "binary": "IFNULL(HEX({c}), 'NULL')",
        "bit": "IFNULL({c} + 0, '')",
        **dict.fromkeys(("int", "bool", "decimal", "float", "date", "datetime"), "IFNULL({c}, '')"),
    },
    row_text="CONCAT_WS(',', {parts})",
    row_hash="CAST(CONV(LEFT(MD5({text}), 16), 16, 10) AS UNSIGNED)",
    # Transactions that only read have numbers beyond 48 bits. The table is made anew at most each tenth of a second.
    horizon="SELECT CONCAT('t', FLOOR(UNIX_TIMESTAMP()))"
    " UNION ALL SELECT CONCAT('w', t.trx_id) FROM information_schema.innodb_trx t"
    " WHERE t.trx_id BETWEEN 1 AND 281474976710655"
    " UNION ALL SELECT CONCAT(IF(t.trx_id BETWEEN 1 AND 281474976710655, 's', 'r'), t.trx_mysql_thread_id, ':',"
    " t.trx_started) FROM information_schema.innodb_trx t WHERE t.trx_mysql_thread_id <> CONNECTION_ID()",
    horizon_seconds=0.11,
    row_sum="CAST(COUNT(*) AS CHAR), CAST(COUNT(b.h) AS CHAR), CAST(SUM(b.h) AS CHAR)",
)

# The same words but for those of the session.
MYSQL = replace(
    MARIADB,
    name="mysql",
    products=("MySQL",),
    drivers=("mysql", "myodbc"),
    server_timeout=False,
    tested=False,
    packed="",
    session=(
        "SET SESSION TRANSACTION READ ONLY",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'",
    ),
    wishes=("SET SESSION max_execution_time = {milliseconds}",),
    proof=("SELECT IF(@@session.transaction_read_only, 'on', 'off')", "on"),
)
