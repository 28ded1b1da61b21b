"""The way to MariaDB's and MySQL's log: the connection of PyMySQL, and what its cursors do not know.

Two kinds of connection: one that is kept, for SELECT and SHOW, and one for each reading of the log, which the server
closes when it has told all. Nothing else is ever sent but SETs of our own session.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import struct
import time
from typing import TYPE_CHECKING, Any, NoReturn

from adapters.errors import Gap, Refused, Retry, Stop, blotted
from adapters.readonly import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

REGISTER, DUMP = 0x15, 0x12
NON_BLOCKING = 1
WHOLE = 0xFFFFFF
"""A packet of this size goes on in the next one."""

SHOWS = re.compile(r"SHOW (MASTER STATUS|BINARY LOG STATUS|BINARY LOGS|CREATE TABLE (`([^`]|``)+`\.?){2})")
DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds until the next attempt, after so many failures in a row."""

READING, DENIED, REFUSED_LOGIN = 1236, {1044, 1142, 1227, 1370}, {1045, 1130, 1698}
LOST = {*range(2000, 2060), 1040, 1053, 1927}
# One number stands for all that can happen to the reading of a log; these words say that the place is not there.
GONE = re.compile(r"(?i)could not find|impossible position|purged|not in the (?:master|source)|bogus data")


def client() -> Any:
    """The module pymysql.

    Raises:
        Stop: It is not installed.
    """
    try:
        return importlib.import_module("pymysql")
    except ImportError:
        raise Stop(
            "the log of MariaDB and MySQL is read with PyMySQL, which is not installed",
            "pip install 'legacy-gateway[binlog]', or follow the table by another strategy (diff, watermark)",
        ) from None


def failures() -> tuple[type[Exception], ...]:
    """What a connection raises."""
    return (OSError, EOFError, client().MySQLError)


def chosen(pairs: Mapping[str, str], *names: str) -> str:
    """A value of a connection string under the first of its names that is written."""
    lower = {key.lower(): value for key, value in pairs.items()}
    return next((lower[name] for name in names if lower.get(name)), "")


class Wire:
    """The connections to one server, after the parts of an ODBC connection string.

    `address` (``host:port``) is said where the log is not where the tables are read. `clock` gives seconds.
    """

    def __init__(
        self,
        pairs: Mapping[str, str],
        *,
        address: str = "",
        connect_seconds: float = 10.0,
        read_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pairs = dict(pairs)
        self._address = address
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._clock = clock
        self._asking: Any = None
        self._failures = 0
        self._until = 0.0
        self._secret = chosen(pairs, "pwd", "password")

    def ask(self, sql: str, *texts: str) -> list[tuple[Any, ...]]:
        """All rows of a SELECT, which passes the guard, or of one of the SHOWs that there are."""
        if not SHOWS.fullmatch(sql):
            guarded(sql.replace("%s", "?"))
        doing = f"the server refused {sql.split(' FROM ', maxsplit=1)[0][:60]!r}"
        if self._asking is not None:
            try:
                return _asked(self._asking, sql, texts)
            except failures() as error:
                if not _lost(error):
                    self._failed(error, doing)
                self.close()  # the server lets go of sessions that are idle for long
        self._asking = self._connected()
        try:
            return _asked(self._asking, sql, texts)
        except failures() as error:
            self._failed(error, doing)

    def dump(self, file: str, place: int, server_id: int = 0) -> Generator[bytes]:
        """The events of the log from a place on, until there are no more.

        Raises:
            Gap: The server does not have that place any more.
            Retry: It does not answer.
            Stop: It does not want to.
        """
        if place >= 1 << 32:
            raise Gap(
                f"the log goes on beyond 4 GiB of the file {file!r}, which a client cannot ask for",
                "Forget the position, so that all rows are read again and compared",
            )
        connection = self._connected()
        try:
            number = server_id or self._derived(connection)
            with connection.cursor() as cursor:
                # What it may send us: checksums as they stand in the file, MariaDB's own GTIDs, old zones of time.
                cursor.execute("SET @master_binlog_checksum = @@global.binlog_checksum")
                cursor.execute("SET @source_binlog_checksum = @@global.binlog_checksum")
                cursor.execute("SET @mariadb_slave_capability = 4")
            register = struct.pack("<IBBBHII", number, 0, 0, 0, 0, 0, 0)
            connection._execute_command(REGISTER, register)  # noqa: SLF001 - PyMySQL has no public way
            connection._read_ok_packet()  # noqa: SLF001 - as above
            request = struct.pack("<IHI", place, NON_BLOCKING, number) + file.encode()
            connection._execute_command(DUMP, request)  # noqa: SLF001 - as above
            yield from self._packets(connection._rfile)  # noqa: SLF001 - its own reading of packets takes twice the time
        except failures() as error:
            self._failed(error, f"the log cannot be read from {file}:{place} on", known=True)
        finally:
            close(connection)

    def _packets(self, stream: Any) -> Iterator[bytes]:
        """The events of a dump: packets that begin with a zero."""
        read = stream.read
        while True:
            head = read(5)
            if len(head) < 5:
                raise ConnectionError("the server closed the connection")
            size = head[0] | head[1] << 8 | head[2] << 16
            body = read(size - 1)
            last = size
            while last == WHOLE:
                more = read(4)
                last = int.from_bytes(more[:3], "little")
                body += read(last)
            if head[4] == 0:
                yield body
            elif head[4] == 0xFE:
                return
            else:
                raise client().err.OperationalError(
                    int.from_bytes(body[:2], "little"), body[2:].decode("utf-8", "replace")
                )

    def _derived(self, connection: Any) -> int:
        """A number that no other reader of this server has: that of its session, far from those that people give."""
        return 0x80000000 | int(connection.thread_id()) & 0x7FFFFFFF

    def close(self) -> None:
        """Close what is kept; the next question opens it again."""
        if self._asking is not None:
            close(self._asking)
            self._asking = None

    def _connected(self) -> Any:
        pymysql = client()
        if self._clock() < self._until:
            raise Retry(
                "the server was not reached a moment ago",
                delay_seconds=self._until - self._clock(),
                code="down",
            )
        host, _, port = self._address.rpartition(":") if ":" in self._address else (self._address, "", "")
        pairs = self._pairs
        try:
            connection = pymysql.connect(
                host=host or chosen(pairs, "server", "servername", "host") or "localhost",
                port=int(port or chosen(pairs, "port") or 3306),
                unix_socket=None if self._address else chosen(pairs, "socket") or None,
                user=chosen(pairs, "uid", "user", "username"),
                password=self._secret,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=max(1, round(self._connect_seconds)),
                read_timeout=max(1, round(self._read_seconds)),
                write_timeout=max(1, round(self._read_seconds)),
                ssl=self._encryption(),
                program_name="legacy-gateway",
            )
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
                cursor.execute("SET SESSION time_zone = '+00:00'")
        except failures() as error:
            self._failed(error, "the server cannot be reached to read its log")
        self._failures = 0
        return connection

    def _encryption(self) -> dict[str, Any] | None:
        pairs = self._pairs
        found: dict[str, Any] = {
            name: value
            for name, value in (
                ("ca", chosen(pairs, "sslca")),
                ("cert", chosen(pairs, "sslcert")),
                ("key", chosen(pairs, "sslkey")),
                ("cipher", chosen(pairs, "sslcipher")),
            )
            if value
        }
        verified = chosen(pairs, "sslverify", "ssl_verify") in ("1", "true", "yes")
        if not found and not verified and chosen(pairs, "forcetls") not in ("1", "true", "yes"):
            return None
        return {**found, "check_hostname": verified, "verify_mode": bool(verified or found.get("ca"))}

    def _failed(self, error: Exception, doing: str, *, known: bool = False) -> NoReturn:
        """Raise what a person or a scheduler can use; a server that is not reached is left alone, each time longer.

        `known` is whether the login was let in before.
        """
        self.close()
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        said = blotted(" ".join(str(part) for part in error.args[1:]) or str(error), [self._secret])
        message = f"{doing}: {said} ({number})" if number else f"{doing}: {said}"
        if number == READING and GONE.search(said):
            raise Gap(
                message,
                "Changes between may be lost: forget the position, so that all rows are read again and compared",
            ) from None
        if number in DENIED or (known and number in REFUSED_LOGIN):
            user = chosen(self._pairs, "uid", "user", "username")
            raise Stop(
                message,
                f"Have the owner run: GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO '{user}'@'%'; (MySQL, and"
                f" MariaDB before 10.5: GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '{user}'@'%';)",
            ) from None
        if number in REFUSED_LOGIN:
            raise Refused(message, "Check user name and password, and the server's own access rules") from None
        if _lost(error) or number == READING:
            delay = DELAYS[min(self._failures, len(DELAYS) - 1)]
            self._failures += 1
            self._until = self._clock() + delay
            raise Retry(message, delay_seconds=delay, lost=True) from None
        raise Stop(message) from None


def _asked(connection: Any, sql: str, texts: tuple[str, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, texts or None)
        return list(cursor.fetchall())


def _lost(error: Exception) -> bool:
    """Whether the connection is gone, and not what was asked wrong."""
    return isinstance(error, (OSError, EOFError)) or bool(error.args and error.args[0] in LOST)


def close(connection: Any) -> None:
    """Let go of a connection, in whatever state it is."""
    connection._force_close()  # noqa: SLF001 - a farewell would wait for a server that does not listen


def fingerprint(text: str) -> str:
    """64 bits of a text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
