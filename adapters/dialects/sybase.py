"""Sybase (SAP) Adaptive Server Enterprise from 15 on, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

PLACES = " ".join(f"WHEN INDEX_COL(o.name, i.indid, {place}, o.uid) THEN '{place}'" for place in range(1, 17))

SYBASE = Dialect(
    name="sybase",
    products=("Adaptive Server", "Sybase", "ASE", "sql server"),
    drivers=("adaptive server", "sybase", "libsybdrvodb"),
    package="tdsodbc",
    quotes='"',
    nulls_low=True,
    row_values=False,
    server_timeout=False,
    page="SELECT TOP {limit} {what} FROM {rest}",
    isolation=" AT ISOLATION READ COMMITTED",
    text={
        "*": "{c}",
        "int": "CONVERT(varchar(24), {c})",
        "decimal": "CONVERT(varchar(42), {c})",
        # Shown with two digits of four when it is converted by itself.
        "money": "CONVERT(varchar(42), CONVERT(numeric(20,4), {c}))",
        "smallmoney": "CONVERT(varchar(42), CONVERT(numeric(20,4), {c}))",
        "float": "CONVERT(varchar(42), {c})",
        "date": "STR_REPLACE(CONVERT(varchar(10), {c}, 111), '/', '-')",
        # NULL is nothing where texts are put together.
        "datetime": "CASE WHEN {c} IS NULL THEN NULL ELSE STR_REPLACE(CONVERT(varchar(10), {c}, 111), '/', '-') + ' '"
        " + CONVERT(varchar(8), {c}, 8) + '.' + RIGHT('00' + CONVERT(varchar(3), DATEPART(ms, {c})), 3) END",
        "bigdatetime": "CONVERT(varchar(36), {c}, 140)",
        "time": "CONVERT(varchar(8), {c}, 8)",
        "bool": "CONVERT(varchar(1), {c})",
        "binary": "BINTOSTR(CONVERT(varbinary(8000), {c}))",
    },
    bind={
        "*": "CONVERT({bind_as}, {p})",
        "text": "{p}",
        # A microsecond more than the type has is an error.
        "datetime": "CONVERT(datetime, SUBSTRING({p}, 1, 23))",
        "binary": "STRTOBIN({p})",
    },
    contains="CHARINDEX({p}, {c}) > 0",
    startswith="CHARINDEX({p}, {c}) = 1",
    session=(
        "SET QUOTED_IDENTIFIER ON",
        "SET ANSINULL ON",
        "SET DATEFORMAT ymd",
        "SET TEXTSIZE 2147483647",
        "SET LOCK WAIT {whole_seconds}",
        "SET TRANSACTION ISOLATION LEVEL 1",
    ),
    proof=("", ""),
    types={
        **dict.fromkeys(
            ("tinyint", "smallint", "int", "bigint", "usmallint", "uint", "ubigint", "unsigned int"), "int"
        ),
        "decimal": "decimal",
        "numeric": "decimal",
        "money": "decimal",
        "smallmoney": "decimal",
        "float": "float",
        "double precision": "float",
        "real": "float",
        "date": "date",
        "datetime": "datetime",
        "smalldatetime": "datetime",
        "bigdatetime": "datetime",
        "time": "time",
        "bigtime": "time",
        "bit": "bool",
        "binary": "binary",
        "varbinary": "binary",
        "image": "binary",
        "timestamp": "binary",
    },
    tables="SELECT USER_NAME(o.uid), o.name, CASE o.uid WHEN USER_ID() THEN '1' WHEN 1 THEN '1' ELSE '0' END"
    " FROM sysobjects o WHERE o.type IN ('U', 'V') ORDER BY 1, 2",
    # A type of the owner's own (usertype from 100 on) is shown as the one that it is made of.
    columns="SELECT c.name, b.name + CASE WHEN b.name IN ('decimal', 'numeric') THEN '(' + CONVERT(varchar(3), c.prec)"  # noqa: S608 - our literals
    " + ',' + CONVERT(varchar(3), c.scale) + ')' WHEN b.name IN ('char', 'varchar', 'binary', 'varbinary')"
    " THEN '(' + CONVERT(varchar(5), c.length) + ')' ELSE '' END,"
    " CASE WHEN b.name IN ('decimal', 'numeric', 'money', 'smallmoney') THEN 'numeric(38,10)'"
    " WHEN b.name IN ('tinyint', 'smallint', 'int', 'usmallint', 'uint') THEN 'bigint'"
    " WHEN b.name = 'smalldatetime' THEN 'datetime' ELSE b.name END,"
    f" CASE WHEN c.status & 8 = 8 THEN '1' ELSE '0' END, CASE c.name {PLACES} ELSE '0' END"
    " FROM syscolumns c JOIN sysobjects o ON o.id = c.id JOIN systypes t ON t.usertype = c.usertype"
    " JOIN systypes b ON b.usertype = CASE WHEN t.usertype < 100 THEN t.usertype ELSE"
    " (SELECT MIN(m.usertype) FROM systypes m WHERE m.type = t.type AND m.usertype < 100) END"
    " LEFT JOIN sysindexes i ON i.id = o.id AND i.status & 2048 = 2048"
    " WHERE o.name = ? AND USER_NAME(o.uid) = ? ORDER BY c.colid",
    inexact=frozenset({"float", "text", "unitext", "image"}),
)
