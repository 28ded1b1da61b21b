"""Informix from 11.70 on, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

# syscolumns.coltype modulo 256 (Informix Guide to SQL: Reference, SYSCOLUMNS).
# fmt: off
CODES: tuple[tuple[int, str], ...] = (
    (0, "char"), (1, "smallint"), (2, "integer"), (3, "float"), (4, "smallfloat"), (5, "decimal"), (6, "serial"),
    (7, "date"), (8, "money"), (10, "datetime"), (11, "byte"), (12, "text"), (13, "varchar"), (14, "interval"),
    (15, "nchar"), (16, "nvarchar"), (17, "int8"), (18, "serial8"), (40, "lvarchar"), (41, "blob"), (43, "lvarchar"),
    (45, "boolean"), (52, "bigint"), (53, "bigserial"),
)
# fmt: on
NAMES = " ".join(f"WHEN {code} THEN '{name}'" for code, name in CODES)
PLACES = " ".join(f"WHEN ABS(i.part{place}) THEN '{place}'" for place in range(1, 17))

INFORMIX = Dialect(
    name="informix",
    products=("Informix", "IBM Informix"),
    drivers=("informix", "iclit"),
    package="",
    quotes='"',
    nulls_low=True,
    row_values=False,
    server_timeout=False,
    constants=" FROM systables WHERE tabid = 1",
    page="SELECT FIRST {limit} {what} FROM {rest}",
    text={
        "*": "{c}",
        "int": "CAST({c} AS VARCHAR(24))",
        "decimal": "CAST({c} AS VARCHAR(40))",
        "float": "CAST({c} AS VARCHAR(40))",
        "date": "TO_CHAR({c}, '%Y-%m-%d')",
        "datetime": "CAST(CAST({c} AS DATETIME YEAR TO FRACTION(5)) AS VARCHAR(30))",
        "interval": "CAST({c} AS VARCHAR(40))",
        "bool": "CAST({c} AS VARCHAR(1))",
    },
    bind={
        "*": "{p}",
        "int": "CAST({p} AS DECIMAL(32,0))",
        "decimal": "CAST({p} AS DECIMAL(32))",
        "float": "CAST({p} AS FLOAT)",
        "date": "DATE(TO_DATE({p}, '%Y-%m-%d'))",
        "datetime": "CAST({p} AS DATETIME YEAR TO FRACTION(5))",
        "bool": "CASE CAST({p} AS CHAR(1)) WHEN '1' THEN 't' ELSE 'f' END",
    },
    contains="INSTR({c}, {p}) > 0",
    startswith="INSTR({c}, {p}) = 1",
    session=("SET LOCK MODE TO WAIT {whole_seconds}",),
    # Refused in a database without a log, where everybody reads what everybody writes.
    wishes=("SET ISOLATION TO COMMITTED READ LAST COMMITTED",),
    # Without DELIMIDENT a quoted name is a text.
    connect={"DELIMIDENT": "y"},
    proof=("", ""),
    types={
        **dict.fromkeys(("smallint", "integer", "serial", "int8", "serial8", "bigint", "bigserial"), "int"),
        "decimal": "decimal",
        "money": "decimal",
        "float": "float",
        "smallfloat": "float",
        "date": "date",
        "datetime": "datetime",
        "boolean": "bool",
        "byte": "binary",
        "blob": "binary",
    },
    tables="SELECT TRIM(t.owner), TRIM(t.tabname), CASE WHEN t.owner = USER THEN '1' ELSE '0' END FROM systables t"
    " WHERE t.tabtype IN ('T', 'V') AND t.tabid > 99 ORDER BY 1, 2",
    columns="SELECT TRIM(c.colname), CASE MOD(c.coltype, 256)"  # noqa: S608 - our literals
    f" {NAMES} ELSE 'char' END, '', CASE WHEN MOD(TRUNC(c.coltype / 256), 2) = 1 THEN '0' ELSE '1' END,"
    f" CASE c.colno {PLACES} ELSE '0' END FROM syscolumns c JOIN systables t ON t.tabid = c.tabid"
    " LEFT JOIN sysconstraints k ON k.tabid = t.tabid AND k.constrtype = 'P'"
    " LEFT JOIN sysindexes i ON i.idxname = k.idxname AND i.tabid = t.tabid"
    " WHERE t.tabname = ? AND TRIM(t.owner) = ? ORDER BY c.colno",
    inexact=frozenset({"float", "text", "byte", "blob", "interval", "binary"}),
)
