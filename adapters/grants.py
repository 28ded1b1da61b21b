"""What a login may do, asked of the catalogue: one literal table per database, read top to bottom.

Each question gives rows of three texts: the right, what it is on, and through whom the login has it. Its remedy is the
statement that takes the right away; where there is none, only another login helps.

PostgreSQL and MariaDB are tested against the real thing. The questions to SQL Server, Oracle and Db2 are written from
their manuals and have not met a server; one that fails there makes the rights unknown, and an unknown login is refused
like one that can write.
"""

from __future__ import annotations

from dataclasses import dataclass

LIMIT = 200
"""Rows that are looked at of each answer: a login that may write to the first 200 tables need not be asked further."""


@dataclass(frozen=True, slots=True)
class Question:
    """One look into the catalogue. What does not write is told and not refused."""

    sql: str
    remedy: str = ""
    writes: bool = True
    last: bool = False
    """Whether the login can do anything if this has an answer, so that nothing else need be asked."""


def _granted(what: str, table: str, rest: str) -> str:
    """PostgreSQL's access lists, told by grantee. An owner stands in his own list; he is told as the owner."""
    return (
        f"SELECT string_agg(DISTINCT a.privilege_type, ', '), {what},"
        " CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END"
        f" FROM {table}"
        f" WHERE (a.grantee = 0 OR pg_has_role(session_user, a.grantee, 'MEMBER')) AND {rest}"
        f" GROUP BY 2, a.grantee ORDER BY 2, 3 LIMIT {LIMIT}"
    )


_OURS = "n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'"
_RELATION = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
_RELATIONS = "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
_KIND = "CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END"
_LARGE = "'lo_create', 'lo_creat', 'lo_from_bytea', 'lo_import', 'lo_put', 'lo_unlink', 'lowrite', 'lo_truncate'"

POSTGRESQL = (
    Question(
        "SELECT 'SUPERUSER', 'everything', quote_ident(rolname) FROM pg_catalog.pg_roles"
        " WHERE rolsuper AND rolname = session_user",
        last=True,
    ),
    Question(
        "SELECT a.attribute, 'the server', quote_ident(r.rolname) FROM pg_catalog.pg_roles r CROSS JOIN LATERAL"
        " (VALUES ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb))"
        " AS a(attribute, held) WHERE a.held AND pg_has_role(session_user, r.oid, 'MEMBER') ORDER BY 1, 3",
        "ALTER ROLE {through} NO{right}",
    ),
    Question(
        "SELECT 'MEMBER', quote_ident(rolname), quote_ident(session_user) FROM pg_catalog.pg_roles"
        " WHERE rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program',"
        " 'pg_signal_backend', 'pg_checkpoint', 'pg_create_subscription', 'pg_maintain', 'pg_use_reserved_connections')"
        " AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY 2",
        "REVOKE {on} FROM {through}",
    ),
    Question(
        "SELECT 'OWNER', 'DATABASE ' || quote_ident(datname), quote_ident(pg_get_userbyid(datdba))"
        " FROM pg_catalog.pg_database WHERE datname = current_database()"
        " AND pg_has_role(session_user, datdba, 'MEMBER')",
    ),
    Question(
        "SELECT 'OWNER', 'SCHEMA ' || quote_ident(n.nspname), quote_ident(pg_get_userbyid(n.nspowner))"
        f" FROM pg_catalog.pg_namespace n WHERE {_OURS} AND pg_has_role(session_user, n.nspowner, 'MEMBER')"
        f" ORDER BY 2 LIMIT {LIMIT}",
    ),
    Question(
        f"SELECT 'OWNER', {_KIND} || {_RELATION}, quote_ident(pg_get_userbyid(c.relowner)) FROM {_RELATIONS}"
        f" WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_OURS}"
        f" AND pg_has_role(session_user, c.relowner, 'MEMBER') ORDER BY 2 LIMIT {LIMIT}",
    ),
    Question(
        _granted(
            "'DATABASE ' || quote_ident(d.datname)",
            "pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a",
            "d.datname = current_database() AND a.grantee <> d.datdba AND a.privilege_type = 'CREATE'",
        ),
        "REVOKE {right} ON {on} FROM {through}",
    ),
    Question(
        _granted(
            "'SCHEMA ' || quote_ident(n.nspname)",
            "pg_catalog.pg_namespace n"
            " CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a",
            f"{_OURS} AND a.grantee <> n.nspowner AND a.privilege_type = 'CREATE'",
        ),
        "REVOKE {right} ON {on} FROM {through}",
    ),
    Question(
        _granted(
            f"{_KIND} || {_RELATION}",
            f"{_RELATIONS} CROSS JOIN LATERAL aclexplode(c.relacl) a",
            f"{_OURS} AND a.grantee <> c.relowner AND (a.privilege_type <> 'SELECT'"
            " AND a.privilege_type <> 'USAGE' OR c.relkind = 'S' AND a.privilege_type IN ('USAGE', 'UPDATE'))",
        ),
        "REVOKE {right} ON {on} FROM {through}",
    ),
    Question(
        _granted(
            f"quote_ident(t.attname) || ' OF ' || {_RELATION}",
            f"{_RELATIONS} JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid"
            " CROSS JOIN LATERAL aclexplode(t.attacl) a",
            f"{_OURS} AND a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'",
        ),
        "REVOKE {right} ({column}) ON {table} FROM {through}",
    ),
    Question(
        "SELECT 'OWNER', 'LARGE OBJECT ' || CAST(oid AS text), quote_ident(pg_get_userbyid(lomowner))"
        " FROM pg_catalog.pg_largeobject_metadata WHERE pg_has_role(session_user, lomowner, 'MEMBER')"
        f" ORDER BY 2 LIMIT {LIMIT}",
    ),
    # What everybody may do by the database's own defaults, and what reads: told, with how to take it away.
    Question(
        "SELECT a.attribute, 'the server', quote_ident(r.rolname) FROM pg_catalog.pg_roles r CROSS JOIN LATERAL"
        " (VALUES ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) AS a(attribute, held)"
        " WHERE a.held AND pg_has_role(session_user, r.oid, 'MEMBER') ORDER BY 1, 3",
        "ALTER ROLE {through} NO{right}",
        writes=False,
    ),
    Question(
        _granted(
            "'DATABASE ' || quote_ident(d.datname)",
            "pg_catalog.pg_database d CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a",
            "d.datname = current_database() AND a.grantee <> d.datdba AND a.privilege_type = 'TEMPORARY'",
        ),
        "REVOKE {right} ON {on} FROM {through}",
        writes=False,
    ),
    # Before PostgreSQL 16 a read-only transaction lets them through.
    Question(
        "SELECT 'EXECUTE', 'FUNCTION pg_catalog.' || p.proname || '('"
        " || pg_get_function_identity_arguments(p.oid) || ')', 'PUBLIC' FROM pg_catalog.pg_proc p"
        f" WHERE p.pronamespace = 11 AND p.proname IN ({_LARGE})"
        " AND has_function_privilege(session_user, p.oid, 'EXECUTE') ORDER BY 2",
        "REVOKE {right} ON {on} FROM {through}",
        writes=False,
    ),
    Question(
        "SELECT 'EXECUTE', 'FUNCTION ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '('"
        " || pg_get_function_identity_arguments(p.oid) || ')', 'PUBLIC' FROM pg_catalog.pg_proc p"
        f" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {_OURS}"
        " AND (p.prosecdef OR left(p.proname, 6) = 'dblink') AND has_function_privilege(session_user, p.oid, 'EXECUTE')"
        f" ORDER BY 2 LIMIT {LIMIT}",
        "REVOKE {right} ON {on} FROM {through}",
        writes=False,
    ),
)

# Microsoft Learn: sys.fn_my_permissions, IS_SRVROLEMEMBER, IS_ROLEMEMBER. What only looks is left out by name, so that
# a right that a later version invents counts as one that writes.
_LOOKING = (
    "'CONNECT', 'CONNECT SQL', 'CONNECT ANY DATABASE', 'SELECT', 'SELECT ALL USER SECURABLES', 'SHOWPLAN',"
    " 'VIEW ANY DATABASE', 'VIEW ANY DEFINITION', 'VIEW ANY SECURITY DEFINITION', 'VIEW ANY PERFORMANCE DEFINITION',"
    " 'VIEW CHANGE TRACKING', 'VIEW DATABASE STATE', 'VIEW DATABASE PERFORMANCE STATE', 'VIEW DATABASE SECURITY STATE',"
    " 'VIEW DEFINITION', 'VIEW PERFORMANCE DEFINITION', 'VIEW SECURITY DEFINITION', 'VIEW SERVER STATE',"
    " 'VIEW SERVER PERFORMANCE STATE', 'VIEW SERVER SECURITY STATE', 'VIEW ANY COLUMN ENCRYPTION KEY DEFINITION',"
    " 'VIEW ANY COLUMN MASTER KEY DEFINITION', 'VIEW DATABASE SECURITY AUDIT', 'VIEW ANY ERROR LOG', 'UNMASK'"
)
SQLSERVER = (
    Question(
        "SELECT 'MEMBER', 'sysadmin', SUSER_SNAME() WHERE IS_SRVROLEMEMBER('sysadmin') = 1",
        "ALTER SERVER ROLE [sysadmin] DROP MEMBER [{login}]",
        last=True,
    ),
    Question(
        "SELECT 'MEMBER', r.name, USER_NAME() FROM (VALUES ('db_owner'), ('db_datawriter'), ('db_ddladmin'),"
        " ('db_securityadmin'), ('db_accessadmin'), ('db_backupoperator')) AS r(name) WHERE IS_ROLEMEMBER(r.name) = 1",
        "ALTER ROLE [{on}] DROP MEMBER [{through}]",
    ),
    Question(
        "SELECT permission_name, 'the server', SUSER_SNAME() FROM sys.fn_my_permissions(NULL, 'SERVER')"
        f" WHERE permission_name NOT IN ({_LOOKING})",
        "REVOKE {right} FROM [{through}]",
    ),
    Question(
        "SELECT permission_name, 'the database', USER_NAME() FROM sys.fn_my_permissions(NULL, 'DATABASE')"
        f" WHERE permission_name NOT IN ({_LOOKING})",
        "REVOKE {right} FROM [{through}]",
    ),
    Question(
        f"SELECT DISTINCT TOP {LIMIT} p.permission_name, QUOTENAME(s.name) + '.' + QUOTENAME(o.name), USER_NAME()"
        " FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id"
        " CROSS APPLY sys.fn_my_permissions(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT') p"
        f" WHERE o.is_ms_shipped = 0 AND p.permission_name NOT IN ({_LOOKING}, 'REFERENCES') ORDER BY 2, 1",
        "REVOKE {right} ON {on} FROM [{through}]",
    ),
)

# Oracle Database Reference: SESSION_PRIVS has every system privilege that is in force, ALL_TAB_PRIVS every grant on an
# object that the login, its roles or PUBLIC have. SYS and its like grant harmless execution to PUBLIC by the thousand.
ORACLE = (
    Question(
        "SELECT privilege, 'the database', USER FROM session_privs WHERE privilege NOT IN ('CREATE SESSION',"
        " 'SELECT ANY TABLE', 'READ ANY TABLE', 'SELECT ANY DICTIONARY', 'FLASHBACK ANY TABLE', 'LOGMINING')"
        " ORDER BY 1",
        'REVOKE {right} FROM "{through}"',
    ),
    Question(
        "SELECT privilege, '\"' || table_schema || '\".\"' || table_name || '\"', grantee FROM all_tab_privs"
        " WHERE privilege NOT IN ('SELECT', 'READ', 'FLASHBACK', 'QUERY REWRITE', 'DEBUG', 'INHERIT PRIVILEGES')"
        " AND grantee IN (SELECT role FROM session_roles UNION ALL SELECT USER FROM dual UNION ALL"
        " SELECT 'PUBLIC' FROM dual) AND table_schema NOT IN (SELECT username FROM all_users"
        f" WHERE oracle_maintained = 'Y') AND ROWNUM <= {LIMIT} ORDER BY 2, 1",
        'REVOKE {right} ON {on} FROM "{through}"',
    ),
    Question(f"SELECT 'OWNER', table_name, USER FROM user_tables WHERE ROWNUM <= {LIMIT} ORDER BY 2"),
)

# Db2 for LUW: SYSCAT.DBAUTH, TABAUTH and SCHEMAAUTH tell each authority in a column of its own.
_DB2_HOLDER = (
    "(grantee IN (SESSION_USER, 'PUBLIC') OR granteetype = 'R' AND grantee IN"
    " (SELECT rolename FROM TABLE(SYSPROC.AUTH_LIST_ROLES_FOR_AUTHID(SESSION_USER, 'U')) AS roles)"
    " OR granteetype = 'G' AND grantee IN"
    ' (SELECT "GROUP" FROM TABLE(SYSPROC.AUTH_LIST_GROUPS_FOR_AUTHID(SESSION_USER)) AS groups))'
)
DB2 = (
    Question(
        "SELECT a.authority, 'DATABASE', grantee FROM syscat.dbauth CROSS JOIN LATERAL (VALUES ('DBADM', dbadmauth),"
        " ('CREATETAB', createtabauth), ('BINDADD', bindaddauth), ('SECADM', securityadmauth), ('DATAACCESS',"
        f" dataaccessauth), ('LOAD', loadauth)) AS a(authority, held) WHERE a.held = 'Y' AND {_DB2_HOLDER}",
        "REVOKE {right} ON {on} FROM {through}",
    ),
    Question(
        "SELECT a.authority, TRIM(tabschema) || '.' || tabname, grantee FROM syscat.tabauth CROSS JOIN LATERAL (VALUES"
        " ('CONTROL', controlauth), ('ALTER', alterauth), ('DELETE', deleteauth), ('INSERT', insertauth), ('UPDATE',"
        f" updateauth)) AS a(authority, held) WHERE a.held <> 'N' AND {_DB2_HOLDER}"
        f" AND LEFT(tabschema, 3) <> 'SYS' ORDER BY 2, 1 FETCH FIRST {LIMIT} ROWS ONLY",
        "REVOKE {right} ON {on} FROM {through}",
    ),
)

QUESTIONS = {"postgresql": POSTGRESQL, "sqlserver": SQLSERVER, "oracle": ORACLE, "db2": DB2}

LOGINS = {
    "postgresql": "SELECT CAST(session_user AS text)",
    "mariadb": "SELECT CURRENT_USER()",
    "mysql": "SELECT CURRENT_USER()",
    "sqlserver": "SELECT SUSER_SNAME()",
    "oracle": "SELECT USER FROM dual",
    "db2": "SELECT SESSION_USER FROM sysibm.sysdummy1",
}

# What only reads, of MariaDB's and MySQL's privileges; what is not here counts as writing, so that a privilege that a
# later version invents is refused until somebody has looked at it.
READING = frozenset(
    (
        "USAGE",
        "SELECT",
        "SHOW VIEW",
        "SHOW DATABASES",
        "PROCESS",
        "SHOW_ROUTINE",
        "SHOW CREATE ROUTINE",
        "REPLICATION CLIENT",
        "REPLICATION SLAVE",
        "REPLICATION SLAVE ADMIN",
        "BINLOG MONITOR",
        "REPLICA MONITOR",
        "SLAVE MONITOR",
    )
)

# The statements that make a login that reads and does nothing else.
READER: dict[str, tuple[str, ...]] = {
    "postgresql": (
        "CREATE ROLE gateway_reader LOGIN PASSWORD '…'",
        "ALTER ROLE gateway_reader SET default_transaction_read_only = on",
        'GRANT CONNECT ON DATABASE "…" TO gateway_reader',
        'GRANT USAGE ON SCHEMA "…" TO gateway_reader',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "…" TO gateway_reader',
    ),
    "mariadb": (
        "CREATE USER gateway_reader@'…' IDENTIFIED BY '…'",
        "GRANT SELECT, SHOW VIEW ON `…`.* TO gateway_reader@'…'",
    ),
    "sqlserver": (
        "CREATE LOGIN gateway_reader WITH PASSWORD = '…'",
        "CREATE USER gateway_reader FOR LOGIN gateway_reader",
        "ALTER ROLE db_datareader ADD MEMBER gateway_reader",
        "DENY EXECUTE TO gateway_reader",
    ),
    "oracle": (
        'CREATE USER gateway_reader IDENTIFIED BY "…"',
        "GRANT CREATE SESSION TO gateway_reader",
        'GRANT SELECT ON "…"."…" TO gateway_reader',
    ),
    "db2": ("GRANT CONNECT ON DATABASE TO USER gateway_reader", 'GRANT SELECT ON "…"."…" TO USER gateway_reader'),
}

# Harmless whether refused or not: a table of the session alone, rows that do not exist, a lock that is let go at once.
# The first is cheap enough to be tried with every start. `{table}` is a table without triggers, which would fire even
# for no row.
CANARIES: dict[str, tuple[str, ...]] = {
    "postgresql": (
        "CREATE TEMPORARY TABLE gateway_canary (a int)",
        "SELECT 1 FROM {table} WHERE 1 = 0 FOR UPDATE",
        "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
        "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
        "DELETE FROM {table} WHERE 1 = 0",
    ),
    "mariadb": (
        "DROP TEMPORARY TABLE IF EXISTS gateway_canary",
        "SELECT 1 FROM {table} WHERE 1 = 0 FOR UPDATE",
        "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
        "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
        "DELETE FROM {table} WHERE 1 = 0",
    ),
    "sqlite": (
        "CREATE TEMPORARY TABLE gateway_canary (a)",
        "BEGIN IMMEDIATE",
        "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
        "UPDATE {table} SET {column} = {column} WHERE 1 = 0",
        "DELETE FROM {table} WHERE 1 = 0",
    ),
}
CANARY_TABLES = {
    "postgresql": "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname)"
    f" FROM {_RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
    f" WHERE c.relkind = 'r' AND NOT c.relhastriggers AND NOT c.relhasrules AND a.attnum > 0 AND NOT a.attisdropped"
    f" AND a.attgenerated = '' AND has_table_privilege(c.oid, 'SELECT') AND {_OURS} ORDER BY c.oid, a.attnum LIMIT 1",
    "mariadb": "SELECT CONCAT('`', REPLACE(t.table_schema, '`', '``'), '`.`', REPLACE(t.table_name, '`', '``'), '`'),"
    " CONCAT('`', REPLACE(c.column_name, '`', '``'), '`') FROM information_schema.tables t"
    " JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name"
    " WHERE t.table_type = 'BASE TABLE' AND t.table_schema = DATABASE() AND c.generation_expression IS NULL LIMIT 1",
    "sqlite": "SELECT '\"' || replace(t.name, '\"', '\"\"') || '\"', '\"' || replace(c.name, '\"', '\"\"') || '\"'"
    " FROM main.sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    " AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid LIMIT 1",
}

# MySQL lets a read-only transaction make and drop temporary tables.
READER["mysql"] = READER["mariadb"]
CANARIES["mysql"] = CANARIES["mariadb"][1:]
CANARY_TABLES["mysql"] = CANARY_TABLES["mariadb"]
