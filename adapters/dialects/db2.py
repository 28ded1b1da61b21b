"""Db2 for Linux, Unix, Windows from 9.7 on, and Db2 for i from 7.2 on, as data."""

from __future__ import annotations

from dataclasses import replace

from adapters.dialects.dialect import Dialect

DB2 = Dialect(
    name="db2",
    products=("DB2",),
    drivers=("libdb2", "db2 odbc", "ibm db2"),
    package="",
    quotes='"',
    nulls_low=False,
    row_values=False,
    server_timeout=False,
    constants=" FROM SYSIBM.SYSDUMMY1",
    page="SELECT {what} FROM {rest} FETCH FIRST {limit} ROWS ONLY",
    # Since 9.7 this sees what was last committed and waits for nobody (cur_commit).
    isolation=" WITH CS",
    text={
        "*": "{c}",
        "int": "VARCHAR({c})",
        "decimal": "VARCHAR({c})",
        "decfloat": "VARCHAR({c})",
        "float": "VARCHAR({c})",
        # JIS, not ISO: the latter writes times with points.
        "date": "CHAR({c}, JIS)",
        "time": "CHAR({c}, JIS)",
        "datetime": "VARCHAR_FORMAT({c}, 'YYYY-MM-DD HH24:MI:SS.FF12')",
        "bool": "CASE WHEN {c} IS NULL THEN NULL WHEN {c} THEN '1' ELSE '0' END",
        "binary": "HEX({c})",
        "xml": "XMLSERIALIZE({c} AS CLOB)",
        "graphic": "VARCHAR({c})",
        "vargraphic": "VARCHAR({c})",
    },
    # A parameter has to have a type; without the inner one the driver would convert it by itself.
    bind={
        "*": "CAST({p} AS VARCHAR(4000))",
        "int": "BIGINT(CAST({p} AS VARCHAR(64)))",
        "decimal": "DECFLOAT(CAST({p} AS VARCHAR(64)))",
        "float": "DOUBLE(CAST({p} AS VARCHAR(64)))",
        "date": "DATE(CAST({p} AS VARCHAR(10)))",
        "time": "TIME(CAST({p} AS VARCHAR(8)))",
        "datetime": "CAST(CAST({p} AS VARCHAR(32)) AS TIMESTAMP(12))",
        "bool": "(CAST({p} AS VARCHAR(1)) = '1')",
        "binary": "HEXTORAW(CAST({p} AS VARCHAR(4000)))",
    },
    contains="LOCATE(CAST({p} AS VARCHAR(4000)), {c}) > 0",
    startswith="LOCATE(CAST({p} AS VARCHAR(4000)), {c}) = 1",
    session=("SET CURRENT LOCK TIMEOUT {whole_seconds}",),
    # clidriver passes the time-out of the driver manager by.
    connect={"ConnectTimeout": "{connect_seconds}", "Protocol": "TCPIP"},
    proof=("", ""),
    types={
        "smallint": "int",
        "integer": "int",
        "bigint": "int",
        "decimal": "decimal",
        "numeric": "decimal",
        "decfloat": "decimal",
        "real": "float",
        "double": "float",
        "float": "float",
        "date": "date",
        "time": "time",
        "timestamp": "datetime",
        "boolean": "bool",
        "binary": "binary",
        "varbinary": "binary",
        "blob": "binary",
        "character for bit data": "binary",
        "varchar for bit data": "binary",
    },
    tables="SELECT RTRIM(t.tabschema), t.tabname, CASE WHEN t.tabschema = CURRENT SCHEMA THEN '1' ELSE '0' END"
    " FROM syscat.tables t WHERE t.type IN ('T', 'V', 'S', 'N', 'A') AND t.tabschema NOT LIKE 'SYS%' ORDER BY 1, 2",
    columns="SELECT c.colname, c.typename || CASE WHEN c.typename IN ('DECIMAL', 'NUMERIC')"
    " THEN '(' || RTRIM(CHAR(c.length)) || ',' || RTRIM(CHAR(c.scale)) || ')'"
    " WHEN c.typename = 'TIMESTAMP' THEN '(' || RTRIM(CHAR(c.scale)) || ')'"
    " WHEN c.typename IN ('CHARACTER', 'VARCHAR') THEN '(' || RTRIM(CHAR(c.length)) || ')'"
    " || CASE c.codepage WHEN 0 THEN ' FOR BIT DATA' ELSE '' END ELSE '' END, '',"
    " CASE c.nulls WHEN 'Y' THEN '1' ELSE '0' END, RTRIM(CHAR(COALESCE(c.keyseq, 0)))"
    " FROM syscat.columns c WHERE c.tabname = CAST(? AS VARCHAR(128)) AND c.tabschema = CAST(? AS VARCHAR(128))"
    " ORDER BY c.colno",
    inexact=frozenset({"float", "clob", "dbclob", "blob", "xml"}),
)

# The machine that was called AS/400. Rows may be read before they are committed: many files have no journal, so that
# there is nothing else; and no lock of ours ever waits for, or stops, one of theirs.
DB2I = replace(
    DB2,
    name="db2i",
    products=("DB2/400", "DB2 UDB for AS/400"),
    drivers=("ibm i access", "iseries access", "cwbodbc", "as400"),
    isolation=" WITH UR",
    text={**DB2.text, "datetime": "VARCHAR_FORMAT({c}, 'YYYY-MM-DD HH24:MI:SS.FF6')"},
    bind={
        **DB2.bind,
        "datetime": "TIMESTAMP(CAST({p} AS VARCHAR(32)))",
        "binary": "VARBINARY_FORMAT(CAST({p} AS VARCHAR(4000)))",
    },
    session=(),
    # 2: the driver sends nothing but SELECT. TRANSLATE: columns of bytes hold EBCDIC text more often than not.
    connect={"CONNTYPE": "2", "CMT": "0", "NAM": "0", "TRANSLATE": "1", "UNICODESQL": "1"},
    types={**DB2.types, "char for bit data": "binary", "timestmp": "datetime"},
    tables="SELECT t.table_schema, t.table_name,"
    " CASE WHEN t.table_schema = CURRENT SCHEMA THEN '1' ELSE '0' END FROM qsys2.systables t"
    " WHERE t.table_type IN ('T', 'P', 'V', 'L') AND t.table_schema NOT LIKE 'Q%' AND t.table_schema NOT LIKE 'SYS%'"
    " ORDER BY 1, 2",
    columns="SELECT c.column_name, c.data_type || CASE WHEN c.data_type IN ('DECIMAL', 'NUMERIC')"
    " THEN '(' || RTRIM(CHAR(c.length)) || ',' || RTRIM(CHAR(c.numeric_scale)) || ')'"
    " WHEN c.data_type IN ('CHAR', 'VARCHAR') THEN '(' || RTRIM(CHAR(c.length)) || ')'"
    " || CASE c.ccsid WHEN 65535 THEN ' FOR BIT DATA' ELSE '' END ELSE '' END, '',"
    " CASE c.is_nullable WHEN 'Y' THEN '1' ELSE '0' END, RTRIM(CHAR(COALESCE(k.ordinal_position, 0)))"
    " FROM qsys2.syscolumns c LEFT JOIN (SELECT y.table_schema, y.table_name, y.column_name, y.ordinal_position"
    " FROM qsys2.syskeycst y JOIN qsys2.syscst s ON s.constraint_schema = y.constraint_schema"
    " AND s.constraint_name = y.constraint_name WHERE s.constraint_type = 'PRIMARY KEY') k"
    " ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name"
    " WHERE c.table_name = CAST(? AS VARCHAR(128)) AND c.table_schema = CAST(? AS VARCHAR(128))"
    " ORDER BY c.ordinal_position",
)
