"""Everything that a write to a database could change, looked at from outside of our sessions."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from adapters.connections import driver_manager
from tests.adapters.attempts import MARIADB_WORLD, POSTGRESQL_WORLD, SQLITE_WORLD
from tests.servers import free_port, running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

Fingerprint = dict[str, str]


class Witness(Protocol):
    """Who looks at a database as its owner."""

    @property
    def names(self) -> dict[str, object]:
        """What the attempts want to know."""

    def reset(self) -> None:
        """The world as it was before anything was tried."""

    def glance(self) -> Fingerprint:
        """What shows any write at once."""

    def fingerprint(self) -> Fingerprint:
        """Everything."""

    def close(self) -> None:
        """Leave."""


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """The names of what is not as it was."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def listing(folder: Path, *, without: str = "(?!)", content: bool = False) -> Fingerprint:
    """Every file below a folder by its name, with its content if that is wanted."""
    found: Fingerprint = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if re.search(without, name):
            continue
        with suppress(FileNotFoundError):  # a server tidies up
            found[f"file {name}"] = hashlib.md5(path.read_bytes()).hexdigest() if content and path.is_file() else ""
    return found


class PostgresWitness:
    """The owner's view of a PostgreSQL server."""

    # What the server itself writes while nobody does: its log of writes, its statistics, its states of transactions.
    RESTLESS = r"^(pg_wal|pg_stat|pg_xact|pg_subtrans|pg_multixact|pg_commit_ts|base/pgsql_tmp|pg_notify)|pg_internal"

    def __init__(self, address: str, data: Path, scratch: Path) -> None:
        self._address = address
        self._data = data
        self._scratch = scratch
        self._owner = psycopg.connect(address, autocommit=True)
        self._owner.execute("CREATE ROLE watched LOGIN SUPERUSER")
        self._owner.execute("CREATE ROLE raw LOGIN SUPERUSER")
        self._heard = 0
        self._listen()
        self.reset()

    def _listen(self) -> None:
        self._other = psycopg.connect(self._address, autocommit=True)
        self._other.execute("LISTEN made")

    @property
    def names(self) -> dict[str, object]:
        """What the attempts want to know."""
        return {"dir": self._scratch, "pid": self._other.info.backend_pid, "port": self._owner.info.port}

    def reset(self) -> None:
        """The world as it was before anything was tried."""
        for path in self._scratch.iterdir():
            path.unlink()
        if self._gone():
            self._other.close()
            self._listen()
        for sql in POSTGRESQL_WORLD:
            self._owner.execute(sql.encode())
        self._start = self._text("SELECT pg_current_wal_flush_lsn()")

    def _gone(self) -> bool:
        pid = self._other.info.backend_pid
        return self._text(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == "0"

    def _text(self, sql: str) -> str:
        row = self._owner.execute(sql.encode()).fetchone()
        return str(row[0]) if row else ""

    def fingerprint(self) -> Fingerprint:
        """All tables and catalogues, sequences and files, and what a glance shows."""
        tables = self._owner.execute(
            "SELECT CAST(oid AS regclass)::text, relkind = 'S' FROM pg_class"
            " WHERE relkind IN ('r', 'm', 'S') AND relpersistence <> 't'"
        ).fetchall()
        row = {True: "CAST(last_value AS text) || is_called", False: "CAST(t AS text)"}
        each = " UNION ALL ".join(
            f"SELECT '{name.replace(chr(39), chr(39) * 2)}', md5(coalesce(string_agg(h, '' ORDER BY h), ''))"
            f" FROM (SELECT md5({row[sequence]}) AS h FROM {name} t) r"
            for name, sequence in tables
        )
        found: Fingerprint = {str(name): str(text) for name, text in self._owner.execute(each.encode()).fetchall()}
        return found | listing(self._data, without=self.RESTLESS) | self.glance()

    def glance(self) -> Fingerprint:
        """What shows any write at once: transactions, the log of writes, settings, slots, locks, files."""
        found: Fingerprint = {}
        facts = {
            "next transaction": "SELECT pg_snapshot_xmax(pg_current_snapshot())",
            "settings": "SELECT md5(string_agg(name || setting || source || pending_restart, '' ORDER BY name))"
            " FROM pg_settings WHERE name NOT LIKE 'transaction%'",
            "configuration loaded": "SELECT pg_conf_load_time()",
            "slots": "SELECT string_agg(CAST(t AS text), '') FROM pg_replication_slots t",
            "prepared": "SELECT count(*) FROM pg_prepared_xacts",
            "statistics reset": "SELECT string_agg(CAST(stats_reset AS text), '' ORDER BY datid) FROM pg_stat_database",
            "locks": "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND granted"
            " AND (locktype = 'advisory' OR mode NOT IN ('AccessShareLock', 'ExclusiveLock'))",
            "transactions open": "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'",
        }
        for name, sql in facts.items():
            found[name] = self._text(sql)
        found["log of writes"] = self._written()
        found["another's connection is gone"] = str(self._gone())
        if not self._gone():
            self._other.execute("SELECT 1")
            self._heard += len(list(self._other.notifies(timeout=0)))
        found["heard"] = str(self._heard)
        auto = self._data / "postgresql.auto.conf"
        return found | listing(self._scratch) | {"auto": auto.read_text()}

    def _written(self) -> str:
        """How many records the log of writes (WAL) got since the reset, but for what the server writes by itself.

        Heap2 is what tidies pages up: a reader does that too, behind somebody else's writes.
        """
        if self._text(f"SELECT pg_current_wal_insert_lsn() - '{self._start}' < 64") == "True":
            return "0"  # at most the head of a page
        reached = self._text("SELECT pg_switch_wal()")
        return self._text(
            f"SELECT count(*) FROM extensions.pg_get_wal_records_info('{self._start}', '{reached}')"
            " WHERE resource_manager NOT IN ('Standby', 'Heap2') AND record_type NOT IN ('CHECKPOINT_ONLINE', 'SWITCH')"
        )

    def close(self) -> None:
        """Leave."""
        self._owner.close()
        self._other.close()


@contextmanager
def watched_postgresql(scratch: Path) -> Iterator[tuple[PostgresWitness, Path]]:
    """A server that writes every statement into its log, and who looks at it; and the log."""
    scratch.chmod(0o777)
    settings = ("fsync=off", "autovacuum=off", "wal_level=logical", "log_statement=all", "log_line_prefix=%u:")
    seldom = "checkpoint_timeout=1d"  # one comes when it likes, and removes the files of dropped tables
    with running_postgresql(settings=(*settings, seldom)) as (address, log):
        witness = PostgresWitness(address, log.parent / "data", scratch)
        try:
            yield witness, log
        finally:
            witness.close()


class MariadbWitness:
    """The owner's view of a MariaDB server."""

    RESTLESS = (
        r"(^ib|^aria_log|\.pid$|innodb_(table|index)_stats|^ddl_recovery|^multi-master|^mysql/(general|slow)_log)"
    )
    # What counts the server's own doings, and what its time is.
    UNSTEADY = re.compile(r"(?i)^(timestamp|rand_seed|last_|innodb_buffer_pool_load|gtid_current_pos|hostname)")

    def __init__(self, port: int, data: Path, scratch: Path) -> None:
        self._port = port
        self._data = data
        self._scratch = scratch
        self._owner = self._connect()
        self._other = self._connect()
        self.reset()

    def _connect(self) -> Any:
        text = f"Driver={{MariaDB Unicode}};Server=127.0.0.1;Port={self._port};Database=erp;Uid=owner"
        return driver_manager().connect(text, autocommit=True)

    @property
    def names(self) -> dict[str, object]:
        """What the attempts want to know."""
        return {"dir": self._scratch, "pid": self._pid, "port": self._port}

    def reset(self) -> None:
        """The world as it was before anything was tried."""
        for path in self._scratch.iterdir():
            path.unlink()
        (self._scratch / "given").write_text("8\ty\t\\N\n")
        self._owner.execute("SET SESSION lock_wait_timeout = 1")
        for sql in MARIADB_WORLD:
            self._owner.execute(sql)
        self._other.close()
        self._other = self._connect()
        self._pid = self._other.execute("SELECT CONNECTION_ID()").fetchone()[0]

    def _rows(self, sql: str) -> list[Any]:
        return [tuple(row) for row in self._owner.execute(sql).fetchall()]

    def glance(self) -> Fingerprint:
        """Everything: it is quick. What cannot be looked at is held by somebody."""
        try:
            return self.fingerprint()
        except driver_manager().Error as error:
            return {"held": str(error)}

    def fingerprint(self) -> Fingerprint:
        """All tables and sequences, definitions, accounts, variables, the binary log, locks, connections, files."""
        named = self._rows(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN"
            " ('information_schema', 'performance_schema', 'sys') AND table_type IN ('BASE TABLE', 'SEQUENCE')"
            " AND table_name NOT IN ('general_log', 'slow_log', 'innodb_table_stats', 'innodb_index_stats')"
        )
        found: Fingerprint = {}
        tables = [f"`{schema}`.`{name}`" for schema, name, kind in named if kind == "BASE TABLE"]
        for name, checksum in self._rows(f"CHECKSUM TABLE {', '.join(tables)}"):
            found[f"table {name}"] = str(checksum)
        for schema, name, kind in named:
            if kind == "SEQUENCE":
                found[f"sequence {name}"] = str(self._rows(f"SELECT * FROM `{schema}`.`{name}`"))
        facts = {
            "tables": "SELECT table_schema, table_name, engine, table_type, create_time FROM information_schema.tables"
            " WHERE table_schema NOT IN ('information_schema', 'performance_schema')",
            "columns": "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns"
            " WHERE table_schema = 'erp'",
            "indexes": "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = 'erp'",
            "routines": "SELECT routine_schema, routine_name, created FROM information_schema.routines"
            " WHERE routine_schema = 'erp'",
            "events": "SELECT event_name FROM information_schema.events",
            "plugins": "SELECT plugin_name, plugin_status FROM information_schema.plugins",
            "accounts": "SELECT user, host, priv FROM mysql.global_priv",
            "databases": "SHOW DATABASES",
            "binary log": "SHOW MASTER STATUS",
            "binary logs": "SHOW BINARY LOGS",
            "tables in use": "SHOW OPEN TABLES WHERE In_use > 0",
            "flushed": "SHOW GLOBAL STATUS LIKE 'Flush_commands'",
            "held": "SELECT IS_USED_LOCK('made')",
            "transactions": "SELECT trx_id, trx_mysql_thread_id FROM information_schema.innodb_trx",
            "another's connection": f"SELECT id FROM information_schema.processlist WHERE id = {self._pid}",
        }
        for name, sql in facts.items():
            found[name] = str(sorted(self._rows(sql), key=str))
        for name, value in self._rows("SHOW GLOBAL VARIABLES"):
            if not self.UNSTEADY.match(name):
                found[f"variable {name}"] = str(value)
        files = {name: text for name, text in listing(self._data, without=self.RESTLESS).items() if "log.0" not in name}
        return found | files | listing(self._scratch)

    def close(self) -> None:
        """Leave."""
        self._owner.close()
        self._other.close()


@contextmanager
def watched_mariadb(scratch: Path) -> Iterator[tuple[MariadbWitness, int, Path]]:
    """A server with rights, a binary log and a log of every statement; who looks at it, its port, and that log."""
    program, share = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/bin"), Path("/usr/share/mysql")
    assert program is not None
    data = scratch.parent / "data"
    data.mkdir()
    scratch.chmod(0o777)
    command = [program, "--no-defaults", "--user=root", f"--datadir={data}", "--innodb-flush-log-at-trx-commit=0"]
    command += [f"--tmpdir={scratch.parent}"]
    files = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
    script = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
    script += "".join((share / name).read_text() for name in files)
    for user in ("owner", "watched", "raw"):
        script += f"FLUSH PRIVILEGES;\nCREATE USER {user}@'127.0.0.1';\n"
        script += f"GRANT ALL PRIVILEGES ON *.* TO {user}@'127.0.0.1' WITH GRANT OPTION;\n"
    script += "CREATE DATABASE erp CHARACTER SET utf8mb4;\n"
    done = subprocess.run([*command, "--bootstrap"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    port, log = free_port(), scratch.parent / "general.log"
    command += [
        f"--port={port}",
        f"--socket={scratch.parent / 'socket'}",
        "--bind-address=127.0.0.1",
        "--log-bin=b",
        "--log-bin-trust-function-creators=1",
    ]
    command += ["--server-id=1", "--general-log=1", f"--general-log-file={log}", "--secure-file-priv="]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert server.stdout is not None
        said = []
        for line in server.stdout:
            said.append(line)
            if b"ready for connections" in line:
                break
        else:
            raise RuntimeError(b"".join(said).decode(errors="replace"))
        witness = MariadbWitness(port, data, scratch)
        try:
            yield witness, port, log
        finally:
            witness.close()
    finally:
        server.terminate()
        server.communicate()


class SqliteWitness:
    """The files around an SQLite database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "erp.db"
        self.reset()

    @property
    def names(self) -> dict[str, object]:
        """What the attempts want to know."""
        return {"dir": self._folder, "pid": 0, "port": 0}

    def reset(self) -> None:
        """The world as it was before anything was tried."""
        for path in self._folder.iterdir():
            path.unlink()
        owner = sqlite3.connect(self.path, isolation_level=None)
        for sql in SQLITE_WORLD:
            owner.execute(sql)
        owner.close()

    def glance(self) -> Fingerprint:
        """Everything: it is quick."""
        return self.fingerprint()

    def fingerprint(self) -> Fingerprint:
        """Every file beside it, and what is in it."""
        return listing(self._folder, content=True)

    def close(self) -> None:
        """Leave."""
