"""What is asked of a database besides its tables: one literal table per dialect, read top to bottom.

Each is one SELECT of one value, or of a list of names, that any login may ask; one that is refused is told as unknown.
Those of SQL Server, Oracle and Db2 are written from their manuals and have not met a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Group = Literal["encoding", "time", "changes", "limits"]

_SETTING = "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = '{}'"
_REPLICATION = "SELECT CASE WHEN rolreplication OR rolsuper THEN 'yes' ELSE 'no' END"
_SERVER = "SELECT CAST(@@global.{} AS CHAR)"
_DATABASE = "FROM sys.databases WHERE database_id = DB_ID()"

_POSTGRESQL: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "the database's encoding", "SELECT current_setting('server_encoding')"),
    ("encoding", "collation", "SELECT datcollate FROM pg_catalog.pg_database WHERE datname = current_database()"),
    ("time", "time zone of the login", _SETTING.format("TimeZone")),
    ("time", "the server's time", "SELECT CAST(clock_timestamp() AS text)"),
    ("changes", "wal_level", "SELECT current_setting('wal_level')"),
    ("changes", "standby", "SELECT CASE WHEN pg_is_in_recovery() THEN 'yes' ELSE 'no' END"),
    ("changes", "may read the log", f"{_REPLICATION} FROM pg_catalog.pg_roles WHERE rolname = current_user"),
    ("changes", "replication slots at most", "SELECT current_setting('max_replication_slots')"),
    ("changes", "replication slots in use", "SELECT CAST(count(*) AS text) FROM pg_catalog.pg_replication_slots"),
    ("changes", "publications", "SELECT string_agg(pubname, ', ' ORDER BY pubname) FROM pg_catalog.pg_publication"),
    ("limits", "connections at most", "SELECT current_setting('max_connections')"),
    ("limits", "connections in use", "SELECT CAST(count(*) AS text) FROM pg_catalog.pg_stat_activity"),
    ("limits", "statement time-out of the login", _SETTING.format("statement_timeout")),
    ("limits", "size in bytes", "SELECT CAST(pg_database_size(current_database()) AS text)"),
)

_MARIADB: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "the database's encoding", "SELECT @@character_set_database"),
    ("encoding", "collation", "SELECT @@collation_database"),
    ("time", "time zone of the login", "SELECT @@global.time_zone"),
    ("time", "time zone of the machine", "SELECT @@system_time_zone"),
    ("time", "the server's time", "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)"),
    ("changes", "log_bin", _SERVER.format("log_bin")),
    ("changes", "binlog_format", "SELECT @@global.binlog_format"),
    ("changes", "binlog_row_image", "SELECT @@global.binlog_row_image"),
    ("changes", "binlog_row_metadata", "SELECT @@global.binlog_row_metadata"),
    ("changes", "expire_logs_days", _SERVER.format("expire_logs_days")),
    ("changes", "server_id", _SERVER.format("server_id")),
    ("limits", "connections at most", _SERVER.format("max_connections")),
    ("limits", "longest text of a packet in bytes", _SERVER.format("max_allowed_packet")),
)

_SQLITE: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "the file's encoding", "SELECT encoding FROM pragma_encoding"),
    ("time", "time zone", "SELECT 'none; times are texts or numbers'"),
    ("changes", "log", "SELECT 'none that can be read'"),
    (
        "limits",
        "size in bytes",
        "SELECT CAST(c.page_count * s.page_size AS TEXT) FROM pragma_page_count c, pragma_page_size s",
    ),
)

_TRACKED = "SELECT 1 FROM sys.change_tracking_databases WHERE database_id = DB_ID()"
_LISTED = "SELECT s.name + '.' + o.name FROM sys.tables o JOIN sys.schemas s ON s.schema_id = o.schema_id"
_REACHED = "CONVERT(varchar(23), sys.fn_cdc_map_lsn_to_time(sys.fn_cdc_get_max_lsn()), 121)"
_SQLSERVER: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "collation", f"SELECT CAST(collation_name AS varchar(128)) {_DATABASE}"),
    ("time", "the server's time", "SELECT CONVERT(varchar(40), SYSDATETIMEOFFSET(), 121)"),
    ("changes", "change tracking", f"SELECT CASE WHEN EXISTS ({_TRACKED}) THEN 'on' ELSE 'off' END"),
    ("changes", "change data capture", f"SELECT CASE is_cdc_enabled WHEN 1 THEN 'on' ELSE 'off' END {_DATABASE}"),
    (
        "changes",
        "tables with change tracking",
        f"{_LISTED} JOIN sys.change_tracking_tables t ON t.object_id = o.object_id ORDER BY 1",
    ),
    ("changes", "tables with change data capture", f"{_LISTED} WHERE o.is_tracked_by_cdc = 1 ORDER BY 1"),
    (
        "changes",
        "change data capture has read the log up to",
        f"SELECT CASE is_cdc_enabled WHEN 1 THEN {_REACHED} ELSE 'off' END {_DATABASE}",
    ),
    ("changes", "snapshot isolation", f"SELECT snapshot_isolation_state_desc {_DATABASE}"),
    ("limits", "edition", "SELECT CAST(SERVERPROPERTY('Edition') AS varchar(128))"),
    ("limits", "compatibility level", f"SELECT CAST(compatibility_level AS varchar(5)) {_DATABASE}"),
)

_NLS = "SELECT value FROM nls_database_parameters WHERE parameter = '{}'"
_ORACLE: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "the database's encoding", _NLS.format("NLS_CHARACTERSET")),
    ("encoding", "encoding of NCHAR", _NLS.format("NLS_NCHAR_CHARACTERSET")),
    ("time", "time zone of the database", "SELECT DBTIMEZONE FROM dual"),
    ("time", "the server's time", "SELECT TO_CHAR(SYSTIMESTAMP, 'YYYY-MM-DD HH24:MI:SS TZH:TZM') FROM dual"),
    ("changes", "log mode", "SELECT log_mode FROM v$database"),
    ("changes", "supplemental log", "SELECT supplemental_log_data_min FROM v$database"),
)

_DB2: tuple[tuple[Group, str, str], ...] = (
    ("encoding", "code page", "SELECT value FROM sysibmadm.dbcfg WHERE name = 'codepage'"),
    ("time", "time zone", "SELECT VARCHAR(CURRENT TIMEZONE) FROM sysibm.sysdummy1"),
    ("changes", "archived log", "SELECT value FROM sysibmadm.dbcfg WHERE name = 'logarchmeth1'"),
    ("limits", "cur_commit", "SELECT value FROM sysibmadm.dbcfg WHERE name = 'cur_commit'"),
)

FACTS: Mapping[str, tuple[tuple[Group, str, str], ...]] = {
    "postgresql": _POSTGRESQL,
    "mariadb": _MARIADB,
    "mysql": _MARIADB,
    "sqlite": _SQLITE,
    "sqlserver": _SQLSERVER,
    "oracle": _ORACLE,
    "db2": _DB2,
}
"""Dialect → group, what it is called, the SELECT."""

# What the database's own log wants, by fact: the values that will do, and what the owner does for one of them.
WANTED: Mapping[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "postgresql": (
        (
            "wal_level",
            ("logical",),
            "ALTER SYSTEM SET wal_level = 'logical', and a restart, let changes be read as log",
        ),
        ("standby", ("no",), "changes are read as log from the primary server only"),
        ("may read the log", ("yes",), "ALTER ROLE … REPLICATION lets this login read changes as log"),
    ),
    "mariadb": (
        ("log_bin", ("ON", "1"), "log_bin in the server's configuration, and a restart, let changes be read as log"),
        ("binlog_format", ("ROW",), "SET GLOBAL binlog_format = 'ROW' has rows written to the log"),
        ("binlog_row_image", ("FULL",), "SET GLOBAL binlog_row_image = 'FULL' has whole rows written to the log"),
    ),
    "sqlserver": (("change tracking", ("on",), "ALTER DATABASE … SET CHANGE_TRACKING = ON lets deletes be told"),),
}

# How many rows the catalogue believes a table to have: asked with its name and schema. What is not here is counted.
ESTIMATES: Mapping[str, str] = {
    "postgresql": "SELECT CAST(CAST(c.reltuples AS bigint) AS text) FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relname = CAST(? AS text) AND n.nspname = CAST(? AS text) AND c.relkind = 'r'",
    "mariadb": "SELECT CAST(table_rows AS CHAR) FROM information_schema.tables"
    " WHERE table_name = ? AND table_schema = ? AND table_type = 'BASE TABLE'",
    "sqlserver": "SELECT CAST(SUM(p.rows) AS varchar(20)) FROM sys.partitions p JOIN sys.objects o"
    " ON o.object_id = p.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id"
    " WHERE p.index_id IN (0, 1) AND o.name = ? AND s.name = ?",
    "oracle": "SELECT TO_CHAR(num_rows) FROM all_tables WHERE table_name = ? AND owner = ?",
    "db2": "SELECT VARCHAR(card) FROM syscat.tables WHERE tabname = CAST(? AS VARCHAR(128))"
    " AND tabschema = CAST(? AS VARCHAR(128))",
    "db2i": "SELECT VARCHAR(SUM(number_rows)) FROM qsys2.syspartitionstat WHERE table_name = CAST(? AS VARCHAR(128))"
    " AND table_schema = CAST(? AS VARCHAR(128))",
}
