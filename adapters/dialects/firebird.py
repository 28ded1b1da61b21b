"""Firebird from 2.5 on, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

# RDB$FIELDS.RDB$FIELD_TYPE (Firebird Language Reference, appendix D); integers with a scale are decimals.
NAMES = (
    "CASE f.rdb$field_type WHEN 7 THEN 'smallint' WHEN 8 THEN 'integer' WHEN 16 THEN 'bigint' WHEN 26 THEN 'int128'"
    " WHEN 10 THEN 'float' WHEN 27 THEN 'double precision' WHEN 24 THEN 'decfloat' WHEN 25 THEN 'decfloat'"
    " WHEN 12 THEN 'date' WHEN 13 THEN 'time' WHEN 35 THEN 'timestamp' WHEN 23 THEN 'boolean'"
    " WHEN 28 THEN 'time with time zone' WHEN 29 THEN 'timestamp with time zone'"
    " WHEN 14 THEN 'char' WHEN 37 THEN 'varchar' WHEN 40 THEN 'cstring'"
    " WHEN 261 THEN CASE f.rdb$field_sub_type WHEN 1 THEN 'blob text' ELSE 'blob' END ELSE 'unknown' END"
)

FIREBIRD = Dialect(
    name="firebird",
    products=("Firebird",),
    drivers=("firebird", "odbcfb"),
    package="",
    quotes='"',
    nulls_low=True,
    row_values=False,
    server_timeout=False,
    constants=" FROM RDB$DATABASE",
    page="SELECT FIRST {limit} {what} FROM {rest}",
    schemas=False,
    text={
        "*": "{c}",
        "int": "CAST({c} AS VARCHAR(40))",
        "decimal": "CAST({c} AS VARCHAR(44))",
        "float": "CAST({c} AS VARCHAR(40))",
        "date": "CAST({c} AS VARCHAR(10))",
        "time": "CAST({c} AS VARCHAR(13))",
        "datetime": "CAST({c} AS VARCHAR(24))",
        # In the session's zone, which is UTC, and said in words.
        "timestamp with time zone": "CAST(CAST({c} AS TIMESTAMP) AS VARCHAR(24)) || 'Z'",
        "bool": "CASE WHEN {c} IS NULL THEN NULL WHEN {c} THEN '1' ELSE '0' END",
    },
    bind={
        "*": "{p}",
        "int": "CAST({p} AS {bind_as})",
        "decimal": "CAST({p} AS {bind_as})",
        "float": "CAST({p} AS DOUBLE PRECISION)",
        "date": "CAST({p} AS DATE)",
        "time": "CAST({p} AS TIME)",
        "datetime": "CAST({p} AS TIMESTAMP)",
        "bool": "(CAST({p} AS CHAR(1)) = '1')",
    },
    contains="POSITION({p} IN {c}) > 0",
    startswith="POSITION({p} IN {c}) = 1",
    session=(),
    wishes=("SET STATEMENT TIMEOUT {whole_seconds} SECOND", "SET TIME ZONE 'UTC'"),
    connect={"READONLY": "Y", "CHARSET": "UTF8"},
    proof=("SELECT RDB$GET_CONTEXT('SYSTEM', 'READ_ONLY') FROM RDB$DATABASE", "TRUE"),
    types={
        **dict.fromkeys(("smallint", "integer", "bigint", "int128"), "int"),
        "numeric": "decimal",
        "decfloat": "decimal",
        "float": "float",
        "double precision": "float",
        "date": "date",
        "time": "time",
        "timestamp": "datetime",
        "timestamp with time zone": "datetime",
        "boolean": "bool",
        "blob": "binary",
    },
    # A blob arrives as its bytes: no function of all versions writes them as digits.
    tables="SELECT '', TRIM(r.rdb$relation_name), '1' FROM rdb$relations r"
    " WHERE COALESCE(r.rdb$system_flag, 0) = 0 ORDER BY 2",
    columns="SELECT TRIM(s.rdb$field_name), CASE WHEN f.rdb$field_scale < 0 AND f.rdb$field_type IN (7, 8, 16, 26)"  # noqa: S608 - our literals
    " THEN 'numeric(' || COALESCE(f.rdb$field_precision, 18) || ',' || (0 - f.rdb$field_scale) || ')'"
    f" ELSE {NAMES} END, CASE WHEN f.rdb$field_scale < 0 THEN 'NUMERIC(18,' || (0 - f.rdb$field_scale) || ')'"
    " ELSE CASE f.rdb$field_type WHEN 26 THEN 'INT128' WHEN 24 THEN 'DECFLOAT' WHEN 25 THEN 'DECFLOAT'"
    " ELSE 'BIGINT' END END,"
    " CASE WHEN COALESCE(s.rdb$null_flag, f.rdb$null_flag, 0) = 1 THEN '0' ELSE '1' END,"
    " CAST(COALESCE(k.place, 0) AS VARCHAR(5)) FROM rdb$relation_fields s"
    " JOIN rdb$fields f ON f.rdb$field_name = s.rdb$field_source"
    " LEFT JOIN (SELECT c.rdb$relation_name AS home, g.rdb$field_name AS part, g.rdb$field_position + 1 AS place"
    " FROM rdb$relation_constraints c JOIN rdb$index_segments g ON g.rdb$index_name = c.rdb$index_name"
    " WHERE c.rdb$constraint_type = 'PRIMARY KEY') k"
    " ON k.home = s.rdb$relation_name AND k.part = s.rdb$field_name"
    " WHERE s.rdb$relation_name = ? AND CAST(? AS VARCHAR(63)) = '' ORDER BY s.rdb$field_position",
    inexact=frozenset({"float", "binary", "blob text"}),
)
