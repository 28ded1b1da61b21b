"""One door to the store: SQLite on one machine, PostgreSQL on many, the same transactions on both.

SQLite runs in WAL mode with ``synchronous=FULL``: a commit that has returned survives a power cut. Every write
transaction starts with BEGIN IMMEDIATE under an exclusive ``flock`` on ``<file>.lock``, also where a checkpoint may
run: the libraries before 3.51.3 can corrupt a WAL that two connections reset at once. Readers never wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine, event, insert, text, update
from sqlalchemy.exc import ArgumentError, DBAPIError

from gateway.errors import Retry, Stop
from gateway.store import chain, origin
from gateway.store.machine import Ownership, network_file_system, this_machine
from gateway.store.migrating import bring_up
from gateway.store.sqlite import library
from gateway.store.tables import activity, counter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from gateway.model import Activity
    from gateway.store.machine import Machine

_UNWRITABLE = ("25006", "53100")  # read_only_sql_transaction, disk_full (PostgreSQL, appendix A)
# connection exceptions, rolled back, lock not available, shutting down, too many connections: the same may work later
_PASSING = ("08", "40", "55P03", "57P", "53300")
_ACTIVITY_LOCK = 0x6C6F67  # "log": makes activity ids visible in their order on PostgreSQL
_TELL = insert(activity)


def stamp(moment: datetime) -> str:
    """A time as the store keeps it: RFC 3339 in UTC with six digits of a second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Transaction:
    """One write transaction: its connection, its time, and the lines of logs that are written just before commit."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self._lines: list[Activity] = []
        self._entries: list[chain.Entry] = []

    @property
    def is_sqlite(self) -> bool:
        """Whether the dialect is SQLite's; the others are PostgreSQL's."""
        return self.connection.dialect.name == "sqlite"

    def tell(self, *lines: Activity) -> None:
        """Keep activity lines for the end of this transaction: the log cannot tell what did not happen."""
        self._lines.extend(lines)

    def record(self, *entries: chain.Entry) -> None:
        """Keep rows of the audit log for the very end: whoever writes one keeps all others waiting until the commit."""
        self._entries.extend(entries)

    def alone(self, *what: str) -> None:
        """Let nobody else who names one of these things go on until this transaction ends; SQLite has one writer.

        They are taken in one order everywhere. Whoever needs several names them together: one after the other, two
        transactions could wait for each other.
        """
        if not self.is_sqlite:
            names = sorted(set(what))
            keys = [int.from_bytes(hashlib.sha256(each.encode()).digest()[:8], signed=True) for each in names]
            self.connection.execute(
                text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS named (key)"),
                {"keys": keys},
            )

    def wake(self) -> None:
        """Ring the bell of workers that sleep, when this commits; on SQLite the commit itself is the bell."""
        if not self.is_sqlite:
            self.connection.execute(text("NOTIFY gateway"))

    def next_number(self, name: str, count: int = 1) -> int:
        """Take `count` numbers of the named counter and return the first; others wait until this commits."""
        taken = self.connection.execute(
            update(counter)
            .where(counter.c.name == name)
            .values(value=counter.c.value + count)
            .returning(counter.c.value)
        ).scalar_one()
        return int(taken) - count + 1

    def write_logs(self) -> None:
        """Insert what was kept for the logs; the last thing before commit."""
        self._write_lines()
        if self._entries:
            chain.append(self.connection, stamp(self.now), self._entries)

    def _write_lines(self) -> None:
        if not self._lines:
            return
        self.wake()
        if not self.is_sqlite:
            self.connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ACTIVITY_LOCK})
        self.connection.execute(
            _TELL,
            [
                {
                    "at": stamp(self.now),
                    "level": line.level,
                    "event": line.event,
                    "integration": line.integration,
                    "partner": line.partner,
                    "delivery": line.delivery,
                    "message": line.message,
                    "data": json.dumps(origin.told() | line.data, ensure_ascii=False, default=str),
                }
                for line in self._lines
            ],
        )


class Unwritable(Stop):
    """The store is full, read-only or damaged, or the machine is short of files: no file's fault, and no try of one."""


class Database:
    """The store's connections. `url` is ``sqlite:path`` or ``postgresql://user@host/name``.

    Raises:
        Stop: the path is on a network file system, its folder is missing or read-only, or the server does not answer.
            Of SQLite also, when it is written: another machine uses the file.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime], machine: Machine | None = None) -> None:
        self.url = url
        self.clock = clock
        self._threads = threading.Lock()
        self._beside: list[Callable[[], None]] = []
        self._lock_file: int | None = None
        self._ownership: Ownership | None = None
        self._machine = machine
        self._writer: Engine
        self._reader: Engine
        if url.startswith("sqlite:"):
            self.path: Path | None = Path(url.removeprefix("sqlite:"))
            self._open_sqlite(self.path)
        else:
            self.path = None
            address = url.replace("postgresql://", "postgresql+psycopg://", 1)
            try:
                self._writer = self._reader = _postgresql_engine(address)
            except (ArgumentError, ValueError):
                raise Stop(
                    "the address of the store cannot be read",
                    "Write postgresql://user:password@host:port/name; in the password, @ / : % and # are written as "
                    "%40 %2F %3A %25 and %23.",
                ) from None  # which shows the address

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a SQLite file."""
        return self.path is not None

    def _open_sqlite(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _sqlite_stop(path, error.strerror or str(error)) from error
        kind = network_file_system(path.parent)
        if kind is not None:
            raise Stop(
                f"the store {path} is on a network file system ({kind}), where SQLite cannot lock",
                "Put it on a local disk, or use store: postgresql://…",
            )
        self._ownership = Ownership(self._lock_file, self._machine or this_machine())
        self._writer = _sqlite_engine(path, "BEGIN IMMEDIATE")
        self._reader = _sqlite_engine(path, "BEGIN")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot to read from; it never waits for a writer."""
        try:
            with self._reader.connect() as connection:
                if not self.is_sqlite:
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901 - the same connection
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            raise self._translated(error) from error

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A write transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Stop: the store is read-only or full. Nothing of the block is kept.
            Retry: the server went away or another writer took too long; try the block again.
        """
        with self._exclusive():
            try:
                with self._writer.begin() as connection:
                    transaction = Transaction(connection, self.clock())
                    yield transaction
                    transaction.write_logs()
            except DBAPIError as error:
                raise self._translated(error) from error
            except psycopg.Error as error:  # from COPY, which SQLAlchemy does not see
                raise self._of_postgresql(error, error) from error

    @contextmanager
    def _exclusive(self, *, closing: bool = False) -> Iterator[None]:
        if self._lock_file is None:
            yield
            return
        with self._threads:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            try:
                if not closing:
                    self._claim()
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _claim(self) -> None:
        """Write the file down as this machine's.

        Raises:
            Stop: another machine uses it.
        """
        if self._ownership is None or self.path is None:
            return
        try:
            other = self._ownership.other(self.clock().timestamp())
        except OSError as error:
            raise _sqlite_stop(self.path, error.strerror or str(error)) from error
        if other is not None:
            raise Unwritable(
                f"the store {self.path} is in use by another machine, {other}",
                "One machine writes a SQLite file; several need store: postgresql://… "
                "To move it here, stop the gateway there and wait a minute.",
            )

    def _translated(self, error: DBAPIError) -> Exception:
        """SQLite's and PostgreSQL's troubles by what the caller does; what is a defect of ours stays itself."""
        said = str(error.orig)
        if self.path is not None:
            name = getattr(error.orig, "sqlite_errorname", "") or ""
            if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):  # also what follows a page that could not be read
                return _sqlite_damaged(self.path, said)
            if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
                return _sqlite_stop(self.path, said)
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                return Retry(f"the store {self.path} is busy", delay_seconds=0.2)
            return error
        if error.connection_invalidated:
            return _silent(self._without_password(said))
        return self._of_postgresql(error.orig, error)

    def _of_postgresql(self, cause: BaseException | None, error: Exception) -> Exception:
        """PostgreSQL's troubles by their SQLSTATE (PostgreSQL, appendix A); without one the connection was lost."""
        state = getattr(cause, "sqlstate", None)
        said = self._without_password(str(cause))
        if state in _UNWRITABLE:
            return Unwritable(
                f"the store cannot be written: {said.splitlines()[0]}",
                "Make room on the PostgreSQL server's disk, or let its database be written again; nothing was lost.",
            )
        if isinstance(cause, psycopg.OperationalError) and (state is None or state.startswith(_PASSING)):
            return _silent(said)
        return error

    def _without_password(self, said: str) -> str:
        """What a driver said, without the password: one with signs that an address takes for its own ends as a host."""
        login = self.url.partition("://")[2].rpartition("@")[0].partition(":")[2]
        for part in re.split(r"[@/:?#\[\]% ]+", login):
            said = said.replace(part, "***") if len(part) > 2 else said
        return said

    def migrate(self) -> None:
        """Bring the database to the current shape.

        Raises:
            Stop: a newer program has made it, or it cannot be reached or written.
        """
        with self._exclusive():
            try:
                with self._writer.begin() as connection:
                    if not self.is_sqlite:
                        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
                    bring_up(connection)
            except DBAPIError as error:
                translated = self._translated(error)
                if isinstance(translated, Retry):
                    raise Stop(translated.message, "Check the line store: in gateway.yaml.") from error
                raise translated from error

    def ahead(self) -> timedelta:
        """By how much the server's clock is ahead of ours; SQLite has no clock of its own."""
        if self.is_sqlite:
            return timedelta()
        with self.read() as connection:
            theirs: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return theirs - self.clock()

    def writable(self) -> bool:
        """Whether a write is kept right now, the question of /health/ready: a full disk shows in no other way."""
        try:
            with self.write() as transaction:
                transaction.connection.execute(
                    update(counter).where(counter.c.name == "seq").values(value=counter.c.value)
                )
        except (Stop, Retry):
            return False
        return True

    def scrub(self) -> bool:
        """Leave nothing of what was overwritten in SQLite's write-ahead log; False while somebody reads from it.

        PostgreSQL gives the room of old rows free by itself; what its files hold of them until then is its own.
        """
        if not self.is_sqlite:
            return True
        with self._exclusive():
            connection = self._writer.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA busy_timeout=0")  # all writers wait for us
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                busy = cursor.fetchall()[0][0]
                cursor.execute("PRAGMA busy_timeout=30000")
            finally:
                connection.close()
        return not busy

    def close_with(self, close: Callable[[], None]) -> None:
        """Call this before the store is closed: somebody has connections of his own."""
        self._beside.append(close)

    def close(self) -> None:
        """Close all connections; the last one of SQLite checkpoints, hence under the lock."""
        while self._beside:
            self._beside.pop()()
        with self._exclusive(closing=True):
            self._writer.dispose()
            self._reader.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _silent(said: str) -> Retry:
    return Retry(f"the store does not answer: {said.splitlines()[0] if said else 'no reason given'}", delay_seconds=1.0)


def _postgresql_engine(address: str) -> Engine:
    engine = create_engine(address, pool_size=16, max_overflow=32, pool_pre_ping=True, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # Tables that nobody has analysed yet look expensive, and compiling takes longer than any question of ours.
        connection.execute("SET jit = off")
        connection.commit()

    return engine


def _sqlite_engine(path: Path, begin: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        module=library(),
        connect_args={"timeout": 30.0, "check_same_thread": False},
        pool_size=16,
        pool_use_lifo=True,  # each connection keeps up to 16 MB of pages: those of the last one are the freshest
        max_overflow=64,  # a thread of the API that waited for a connection could not say why
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what was purged is overwritten, in free pages, too
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA wal_autocheckpoint=8000")  # pages: a flush of many rows dirties more than 1,000

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _sqlite_stop(path: Path, said: str) -> Unwritable:
    return Unwritable(
        f"the store {path} cannot be written: {said}",
        "Check that its disk has room and that this user may write the file and its folder; nothing was lost.",
    )


def _sqlite_damaged(path: Path, said: str) -> Unwritable:
    return Unwritable(
        f"the store {path} cannot be read: {said}",
        "Check its disk. If PRAGMA integrity_check says more than ok, restore the store from a backup.",
    )
