"""Microsoft SQL Server from 2008 on, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

BINARY = "COLLATE Latin1_General_100_BIN2"

SQLSERVER = Dialect(
    name="sqlserver",
    products=("Microsoft SQL Server",),
    drivers=("msodbcsql", "sql server", "freetds", "tdsodbc"),
    package="tdsodbc",
    # The session is told to take these for names; square brackets would be a second way to quote.
    quotes='"',
    nulls_low=True,
    row_values=False,
    server_timeout=False,
    page="SELECT TOP ({limit}) {what} FROM {rest}",
    text={
        "*": "CAST({c} AS nvarchar(max))",
        "int": "CAST({c} AS varchar(20))",
        "decimal": "CAST({c} AS varchar(42))",
        "money": "CONVERT(varchar(42), {c}, 2)",
        "smallmoney": "CONVERT(varchar(42), {c}, 2)",
        "float": "CONVERT(varchar(42), {c}, 2)",
        "date": "CONVERT(varchar(10), {c}, 23)",
        "datetime": "CONVERT(varchar(33), {c}, 121)",
        "datetimeoffset": "CONVERT(varchar(40), {c}, 127)",
        "time": "CAST({c} AS varchar(16))",
        "bool": "CAST({c} AS varchar(1))",
        "binary": "CONVERT(varchar(max), CAST({c} AS varbinary(max)), 2)",
        "geography": "{c}.ToString()",
        "geometry": "{c}.ToString()",
        "hierarchyid": "{c}.ToString()",
    },
    # A parameter comes as nvarchar; compared with a varchar column that would read the whole index.
    bind={
        "*": "CAST({p} AS {bind_as})",
        "binary": "CONVERT(varbinary(8000), CAST({p} AS varchar(8000)), 2)",
        # datetime counts ticks of 1/300 s and refuses more than three digits of them.
        "datetime": "CAST(CAST({p} AS datetime2) AS datetime)",
        "datetime2": "CAST({p} AS datetime2)",
        "smalldatetime": "CAST({p} AS datetime2)",
        "datetimeoffset": "CAST({p} AS datetimeoffset)",
    },
    contains=f"CHARINDEX(CAST({{p}} AS nvarchar(4000)) {BINARY}, {{c}} {BINARY}) > 0",
    startswith=f"CHARINDEX(CAST({{p}} AS nvarchar(4000)) {BINARY}, {{c}} {BINARY}) = 1",
    session=(
        "SET QUOTED_IDENTIFIER ON",
        "SET ANSI_NULLS ON",
        "SET DATEFORMAT ymd",
        # FreeTDS would cut a long text.
        "SET TEXTSIZE 2147483647",
        "SET LOCK_TIMEOUT {milliseconds}",
        # Where two wait for each other, it is we who give up.
        "SET DEADLOCK_PRIORITY LOW",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ),
    # There is no session that cannot write; the intent chooses a replica that can only be read, where there is one.
    connect={"ApplicationIntent": "ReadOnly"},
    proof=("", ""),
    types={
        "tinyint": "int",
        "smallint": "int",
        "int": "int",
        "bigint": "int",
        "decimal": "decimal",
        "numeric": "decimal",
        "money": "decimal",
        "smallmoney": "decimal",
        "float": "float",
        "real": "float",
        "date": "date",
        "datetime": "datetime",
        "smalldatetime": "datetime",
        "datetime2": "datetime",
        "datetimeoffset": "datetime",
        "time": "time",
        "bit": "bool",
        "binary": "binary",
        "varbinary": "binary",
        "image": "binary",
        "timestamp": "binary",
    },
    tables="SELECT s.name, o.name, CASE WHEN s.name = SCHEMA_NAME() THEN '1' ELSE '0' END"
    " FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id"
    " WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY 1, 2",
    # decimal with room for ten digits behind the point, so that a caller's value is not rounded to the column's.
    columns="SELECT c.name, t.name + CASE"
    " WHEN t.name IN ('decimal', 'numeric') THEN '(' + CAST(c.precision AS varchar(3)) + ','"
    " + CAST(c.scale AS varchar(3)) + ')'"
    " WHEN t.name IN ('datetime2', 'time', 'datetimeoffset') THEN '(' + CAST(c.scale AS varchar(3)) + ')'"
    " WHEN c.max_length = -1 AND t.name IN ('varchar', 'nvarchar', 'varbinary') THEN '(max)'"
    " WHEN t.name IN ('nchar', 'nvarchar') THEN '(' + CAST(c.max_length / 2 AS varchar(5)) + ')'"
    " WHEN t.name IN ('char', 'varchar', 'binary', 'varbinary') THEN '(' + CAST(c.max_length AS varchar(5)) + ')'"
    " ELSE '' END,"
    " CASE WHEN t.name IN ('decimal', 'numeric') THEN 'decimal(38,' + CAST(CASE"
    " WHEN c.precision - c.scale > 28 OR c.scale > 10 THEN c.scale ELSE 10 END AS varchar(3)) + ')'"
    " WHEN t.name IN ('money', 'smallmoney') THEN 'decimal(38,10)'"
    " WHEN t.name IN ('tinyint', 'smallint', 'int') THEN 'bigint' WHEN t.name = 'real' THEN 'float'"
    " WHEN t.name IN ('char', 'varchar', 'text') THEN 'varchar(8000)'"
    " WHEN t.name IN ('nchar', 'nvarchar', 'ntext', 'xml', 'sql_variant', 'sysname') THEN 'nvarchar(4000)'"
    " ELSE t.name END,"
    " CASE c.is_nullable WHEN 1 THEN '1' ELSE '0' END, CAST(COALESCE(k.key_ordinal, 0) AS varchar(5))"
    " FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id"
    " JOIN sys.schemas s ON s.schema_id = o.schema_id"
    " JOIN sys.types t ON t.user_type_id = CASE c.system_type_id WHEN 240 THEN c.user_type_id ELSE c.system_type_id END"
    " LEFT JOIN (SELECT x.object_id, x.column_id, x.key_ordinal FROM sys.index_columns x JOIN sys.indexes i"
    " ON i.object_id = x.object_id AND i.index_id = x.index_id WHERE i.is_primary_key = 1) k"
    " ON k.object_id = c.object_id AND k.column_id = c.column_id"
    " WHERE o.name = ? AND s.name = ? ORDER BY c.column_id",
    # 16 digits of a float do not find it again in all versions; the others cannot be sorted.
    inexact=frozenset({"float", "text", "ntext", "image", "xml", "sql_variant", "geography", "geometry"}),
    # A rowversion (in the catalogue: timestamp) is drawn before its transaction commits; @@DBTS would be too high.
    ceilings={"timestamp": "MIN_ACTIVE_ROWVERSION()"},
)
