"""Oracle Database from 9i on, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

STAMP = "YYYY-MM-DD HH24:MI:SS"

# The schemas that come with the database; the column that tells them is not there before 12c.
# fmt: off
SYSTEM = ", ".join(f"'{name}'" for name in (
    "SYS", "SYSTEM", "XDB", "MDSYS", "CTXSYS", "WMSYS", "ORDSYS", "ORDDATA", "ORDPLUGINS", "OLAPSYS", "DBSNMP",
    "OUTLN", "APPQOSSYS", "GSMADMIN_INTERNAL", "LBACSYS", "DVSYS", "AUDSYS", "OJVMSYS", "EXFSYS", "SYSMAN",
    "DBSFWUSER", "REMOTE_SCHEDULER_AGENT", "SI_INFORMTN_SCHEMA", "PUBLIC",
))
# fmt: on

ORACLE = Dialect(
    name="oracle",
    products=("Oracle",),
    drivers=("oracle", "sqora"),
    package="",
    quotes='"',
    nulls_low=False,
    row_values=False,
    server_timeout=False,
    constants=" FROM DUAL",
    # FETCH FIRST is not there before 12c, where it is rewritten to much the same.
    page="SELECT * FROM (SELECT {what} FROM {rest}) WHERE ROWNUM <= {limit}",
    aliases=True,
    text={
        "*": "TO_CHAR({c})",
        **dict.fromkeys(("char", "varchar2", "clob", "nclob", "long"), "{c}"),
        "nchar": "{c}",
        "nvarchar2": "{c}",
        "int": "TO_CHAR({c}, 'TM9')",
        "decimal": "TO_CHAR({c}, 'TM9')",
        # S shows a year before the first as such; a positive one gets a blank.
        "date": f"LTRIM(TO_CHAR({{c}}, 'S{STAMP}'))",
        "timestamp": f"LTRIM(TO_CHAR({{c}}, 'S{STAMP}.FF9'))",
        "timestamp with time zone": f"LTRIM(TO_CHAR(SYS_EXTRACT_UTC({{c}}), 'S{STAMP}.FF9')) || 'Z'",
        "timestamp with local time zone": f"LTRIM(TO_CHAR(SYS_EXTRACT_UTC({{c}}), 'S{STAMP}.FF9')) || 'Z'",
        "binary": "RAWTOHEX({c})",
        "xmltype": "XMLSERIALIZE(CONTENT {c} AS CLOB)",
        "rowid": "ROWIDTOCHAR({c})",
    },
    # A parameter comes as national characters; compared with VARCHAR2 that would pass every index by.
    bind={
        "*": "CAST({p} AS VARCHAR2(4000))",
        "nchar": "CAST({p} AS NCHAR(1000))",
        "nvarchar2": "CAST({p} AS NVARCHAR2(2000))",
        # CHAR is compared with CHAR regardless of blanks at its end, with VARCHAR2 it is not.
        "char": "CAST({p} AS CHAR(2000))",
        "int": "TO_NUMBER({p})",
        "decimal": "TO_NUMBER({p})",
        "float": "TO_BINARY_DOUBLE({p})",
        "date": f"CAST(TO_TIMESTAMP({{p}}, 'S{STAMP}.FF') AS DATE)",
        "timestamp": f"TO_TIMESTAMP({{p}}, 'S{STAMP}.FF')",
        "timestamp with time zone": f"FROM_TZ(TO_TIMESTAMP(RTRIM({{p}}, 'Z'), 'S{STAMP}.FF'), 'UTC')",
        "timestamp with local time zone": f"FROM_TZ(TO_TIMESTAMP(RTRIM({{p}}, 'Z'), 'S{STAMP}.FF'), 'UTC')",
        "binary": "HEXTORAW({p})",
        "rowid": "CHARTOROWID({p})",
    },
    contains="INSTR({c}, {p}) > 0",
    startswith="INSTR({c}, {p}) = 1",
    session=(
        "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
        "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'",
        "ALTER SESSION SET NLS_SORT = BINARY",
        "ALTER SESSION SET NLS_COMP = BINARY",
        "ALTER SESSION SET TIME_ZONE = '+00:00'",
    ),
    # The only setting of this kind, from 23ai on. SET TRANSACTION READ ONLY lasts until the next commit.
    wishes=("ALTER SESSION SET READ_ONLY = TRUE",),
    proof=("", ""),
    types={
        # NUMBER(9,0) and the ANSI names INTEGER, SMALLINT are NUMBER(*,0); NUMBER alone may be anything.
        "number(*,0)": "int",
        "number": "decimal",
        "float": "decimal",
        "binary_float": "float",
        "binary_double": "float",
        # An Oracle DATE has a time of day.
        "date": "datetime",
        "timestamp": "datetime",
        "timestamp with time zone": "datetime",
        "timestamp with local time zone": "datetime",
        "raw": "binary",
        "long raw": "binary",
        "blob": "binary",
    },
    tables="SELECT o.owner, o.object_name,"  # noqa: S608 - our literals
    " CASE WHEN o.owner = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') THEN '1' ELSE '0' END FROM all_objects o"
    f" WHERE o.object_type IN ('TABLE', 'VIEW') AND o.owner NOT IN ({SYSTEM})"
    " AND o.owner NOT LIKE 'APEX%' AND o.owner NOT LIKE 'FLOWS%' AND o.object_name NOT LIKE 'BIN$%' ORDER BY 1, 2",
    columns="SELECT c.column_name, CASE WHEN c.data_type = 'NUMBER' AND c.data_scale IS NOT NULL THEN 'NUMBER('"
    " || NVL(TO_CHAR(c.data_precision), '*') || ',' || TO_CHAR(c.data_scale) || ')'"
    " WHEN c.data_type IN ('CHAR', 'VARCHAR2', 'NCHAR', 'NVARCHAR2') THEN c.data_type || '('"
    " || TO_CHAR(c.char_length) || ')' ELSE c.data_type END, '',"
    " CASE c.nullable WHEN 'Y' THEN '1' ELSE '0' END, TO_CHAR(NVL(k.position, 0)) FROM all_tab_columns c"
    " LEFT JOIN (SELECT p.owner, p.table_name, q.column_name, q.position FROM all_constraints p"
    " JOIN all_cons_columns q ON q.owner = p.owner AND q.constraint_name = p.constraint_name"
    " WHERE p.constraint_type = 'P') k ON k.owner = c.owner AND k.table_name = c.table_name"
    " AND k.column_name = c.column_name WHERE c.table_name = ? AND c.owner = ? ORDER BY c.column_id",
    # What cannot be sorted, and BINARY_FLOAT, whose text has fewer digits than it.
    inexact=frozenset({"binary_float", "clob", "nclob", "blob", "long", "long raw", "xmltype"}),
)
