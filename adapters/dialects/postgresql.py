"""PostgreSQL, as data."""

from __future__ import annotations

from adapters.dialects.dialect import Dialect

POSTGRESQL = Dialect(
    name="postgresql",
    products=("PostgreSQL",),
    drivers=("postgres", "psqlodbc"),
    package="odbc-postgresql",
    quotes='"',
    nulls_low=False,
    row_values=True,
    server_timeout=True,
    tested=True,
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
        "SET bytea_output = 'hex'",
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
    packed="concat_ws(chr(31), {parts})",
    # Only a text can hold the character that stands for NULL; it is then doubled, by bytes, whatever its collation.
    packed_parts={
        "*": "coalesce({c}, chr(30))",
        "text": 'coalesce(replace({c} COLLATE "C", chr(30), chr(30) || chr(30)), chr(30))',
    },
    bundle="SELECT CASE WHEN sum(octet_length(p.t)) <= {bytes} THEN string_agg(p.t, chr(31) ORDER BY {order}) END,"
    " CAST(count(*) AS text) FROM ({rows}) p ({names})",
    # The text of a record quotes what needs it, and shows NULL as nothing at all (postgresql.org, 8.16.6).
    row_parts={"binary": "encode({c}, 'hex')", "money": "CAST({c} AS numeric)"},
    row_text="CAST(ROW({parts}) AS text)",
    row_hash="hashtextextended({text}, 0)",
    # From version 14 on, at half the cost. Only what is equal when it is shown alike is hashed as it is: 1.5 and 1.50
    # are equal numbers, and other collations than "C" may know equal texts.
    digest_parts={
        "*": 'CAST({c} AS text) COLLATE "C"',
        "numeric": "{c}, scale({c})",
        **dict.fromkeys(("text", "character varying"), '{c} COLLATE "C"'),
        **dict.fromkeys(("smallint", "integer", "bigint", "oid", "boolean", "bytea", "uuid", "date"), "{c}"),
        **dict.fromkeys(("timestamp without time zone", "timestamp with time zone"), "{c}"),
    },
    # The hash of a record is a sum over its columns; hashed once more, values that change places between rows are seen.
    row_digest="hashint8extended(hash_record_extended(ROW({parts}), 0), 0)",
    # Every transaction holds a lock on its own number, which everybody may see; those that have written have another
    # number besides, which they keep when they are prepared to be committed. Who has no user is the server cleaning up.
    horizon="SELECT 't' || CAST(floor(extract(epoch FROM clock_timestamp())) AS text)"
    " UNION ALL SELECT 'w' || CAST(p.transaction AS text) FROM pg_catalog.pg_prepared_xacts p"
    " WHERE p.database = current_database()"
    " UNION ALL SELECT 'w' || CAST(a.backend_xid AS text) FROM pg_catalog.pg_stat_activity a"
    " WHERE a.backend_xid IS NOT NULL AND a.datname = current_database() AND a.pid <> pg_backend_pid()"
    " UNION ALL SELECT CASE WHEN a.backend_xid IS NULL THEN 'r' ELSE 's' END || l.virtualtransaction"
    " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND a.usesysid IS NOT NULL"
    " AND a.datname = current_database() AND a.pid <> pg_backend_pid()",
    row_sum="CAST(count(*) AS text), CAST(count(b.h) AS text), CAST(sum(b.h) AS text)",
)
