"""SQLite, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

SQLITE_EXACT = "CASE typeof({c}) WHEN 'real' THEN printf('%!.17e', {c}) ELSE CAST({c} AS TEXT) END"

COMPUTED = "computed"
"""The type of a query's column that holds numbers and has no affinity, which would make a number of a parameter."""

SQLITE = Dialect(
    name="sqlite",
    products=("SQLite",),
    drivers=("sqlite",),
    package="libsqliteodbc",
    quotes='"',
    nulls_low=True,
    row_values=True,
    server_timeout=False,
    tested=True,
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
    bind={"*": "{p}", COMPUTED: "CAST({p} AS NUMERIC)"},
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
    # A column of any type may hold a text.
    packed="{parts}",
    packed_joint=" || char(31) || ",
    packed_parts={"*": "coalesce(replace({c}, char(30), char(30) || char(30)), char(30))"},
    # A JSON array tells NULL and '' apart, and is twice as fast as quote().
    row_parts={"*": "CAST({c} AS TEXT)", "binary": "hex({c}) || typeof({c})"},
    row_text="json_array({parts})",
    one_writer=True,
)
