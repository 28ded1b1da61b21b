"""Connection strings, and the few connections that a source may hold.

A connection is used by one thread at a time and comes read-only, with its texts unambiguous, or not at all. Each
statement is a transaction of its own: an open one would hold the legacy server's clean-up back.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote

from adapters.dialects import DIALECTS, PACKAGES, Dialect, by_driver, by_product
from adapters.errors import AdapterError, Refused, Retry, Stop, translated
from adapters.governor import Governor
from adapters.pool import Pool, close
from adapters.readonly import proven
from adapters.rights import attempted, canaries, looked_up, permitted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from adapters.options import Settings
    from adapters.rights import Report

Got = TypeVar("Got")

PAIR = re.compile(r"\s*([^=;{}]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|(?!\{)[^;]*)\s*(?:;|$)")
SECRETS = frozenset({"pwd", "password"})
PARAMETER_BYTES_MAX = 1 << 30
"""What pyodbc binds in one piece where it is asked to; the driver's own limit is 128 letters with some."""


def parsed(text: str) -> dict[str, str]:
    """``Driver={SQLite3};Database=erp.db`` → its keys and values; a value in braces may hold ``;`` and doubled ``}``.

    Raises:
        Stop: It is no connection string. The message does not repeat it: it may hold a password.
    """
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip()):
        match = PAIR.match(text, at)
        if match is None:
            raise Stop(
                f"the connection string cannot be read from character {at + 1} on",
                "Write KEY=VALUE;KEY=VALUE, and braces around a value with a semicolon or a brace: Pwd={a;b}",
            )
        key, value = match[1], match[2].strip()
        if value.startswith("{"):
            value = value[1:-1].replace("}}", "}")
        if not any(key.lower() == seen.lower() for seen in pairs):  # ODBC: the first of two equal keywords counts
            pairs[key] = value
        at = match.end()
    if not any(key.lower() in ("driver", "dsn") for key in pairs):
        raise Stop(
            "the connection string names neither a driver nor a data source",
            "Begin with Driver={…}: the name of an installed driver or the path of its library",
        )
    return pairs


def joined(pairs: Mapping[str, str]) -> str:
    """The connection string of these pairs."""
    plain = re.compile(r"[^;{}\s][^;{}]*")
    return ";".join(
        f"{key}={value if plain.fullmatch(value) and value == value.strip() else '{' + value.replace('}', '}}') + '}'}"
        for key, value in pairs.items()
    )


def value_of(pairs: Mapping[str, str], key: str) -> str:
    """A value, whatever case its key is written in; empty if there is none."""
    return next((value for name, value in pairs.items() if name.lower() == key.lower()), "")


def missing_driver(driver: str) -> Stop:
    """What to install, by the name of the driver that is not there."""
    package = next((package for word, package in PACKAGES if word in driver.lower()), "")
    if package:
        remedy = (
            f"Install the Debian package {package}: apt-get install {package}. Without root: apt-get download"
            f" {package}, unpack it with dpkg -x, and write the path of its library (….so) as Driver"
        )
    else:
        remedy = (
            "The Debian packages with drivers are libsqliteodbc (SQLite), odbc-postgresql, odbc-mariadb, tdsodbc (SQL"
            " Server, Sybase) and odbc-mdbtools (Access); or write the path of the driver's library as Driver"
        )
    return Stop(f"the ODBC driver {driver!r} is not installed", remedy)


def driver_manager() -> Any:
    """The module pyodbc, which needs the driver manager's library.

    Raises:
        Stop: It cannot be loaded.
    """
    try:
        pyodbc: Any = importlib.import_module("pyodbc")
    except ImportError as error:
        raise Stop(
            f"the ODBC driver manager cannot be loaded ({error})",
            "Install the Debian package unixodbc (apt-get install unixodbc), then pip install pyodbc",
        ) from None
    # The driver manager's own pool would hand out sessions whose settings are somebody else's.
    pyodbc.pooling = False
    return pyodbc


def check_driver(pyodbc: Any, driver: str) -> None:
    """Find out before connecting whether the driver is there: the driver manager says it in a warning's words only."""
    if "/" in driver:
        if not Path(driver).is_file():
            raise missing_driver(driver)
    elif not driver.endswith(".so") and driver.lower() not in {name.lower() for name in pyodbc.drivers()}:
        raise missing_driver(driver)


def file_path(name: str) -> Path:
    """Where a database file lies, named as itself or as a URI."""
    path = Path(unquote(name.removeprefix("file:").partition("?")[0]) if name.startswith("file:") else name)
    return Path("/" + str(path).lstrip("/")) if name.startswith("file://") else path


def read_only_file(name: str) -> str:
    """A database file as an SQLite URI that can only read it (sqlite.org/uri.html).

    Raises:
        Stop: The file is missing or holds something else.
    """
    path = file_path(name)
    try:
        with path.open("rb") as file:
            first = file.read(16)
    except OSError as error:
        raise Stop(
            f"the database file {str(path)!r} cannot be opened ({error.strerror})",
            "Check the path after Database= and the rights of the file",
        ) from None
    if first not in (b"", b"SQLite format 3\0"):
        raise Stop(
            f"the file {str(path)!r} is not an SQLite database: it begins with {first!r}",
            "Check the path after Database=; an encrypted database begins with random bytes",
        )
    return f"file:{quote(str(path))}?mode=ro"


class Connections:
    """The way to one database: its connection string, its dialect, and the few connections that are kept."""

    def __init__(
        self,
        text: str,
        chosen: Settings,
        governor: Governor | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pairs = parsed(text)
        self._settings = chosen
        self._secrets = [value for key, value in self._pairs.items() if key.lower() in SECRETS]
        self._known: Dialect | None = chosen.dialect or by_driver(value_of(self._pairs, "driver"))
        self.governor = governor or Governor(chosen)
        self._pool = Pool(self.connect, self.governor, connect_seconds=chosen.connect_timeout_seconds)
        self._now = now
        self.read_only = ""
        self.report: Report | None = None
        """What the login may do, since the first connection."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect; connects if only the server can tell."""
        if self._known is None:
            with self.lease():
                pass
        assert self._known is not None
        return self._known

    def ask(self, work: Callable[[Any], Got], doing: str) -> Got:
        """What `work` makes of a cursor of a connection; it may be given up when its time is over.

        It runs in another thread and may read, but must not wait for anything else. `doing` begins the message of what
        the driver says ("cannot read …").

        Raises:
            Retry: All connections are in use, the server does not answer in time, or it is not asked now.
            Stop: The database cannot be reached this way, or not read-only.
        """

        def asked(cursor: Any) -> Got:
            self._still_read_only(cursor)
            return work(cursor)

        return self._pool.ask(
            asked,
            error=driver_manager().Error,
            translated=lambda error: self.error(error, doing),
            server_ends=lambda: self._known is not None and self._known.server_timeout,
        )

    def lease(self) -> AbstractContextManager[Any]:
        """A connection for one thread, whose statements nobody watches: :meth:`ask` is the way for them.

        One that failed is not kept. Raises as :meth:`ask` does.
        """
        return self._pool.lease()

    def connect(self) -> Any:
        """A fresh connection, read-only and proven to be."""
        pyodbc = driver_manager()
        driver = value_of(self._pairs, "driver")
        if driver:
            check_driver(pyodbc, driver)
        pairs = self._hardened()
        try:
            connection = pyodbc.connect(
                joined(pairs), autocommit=True, timeout=max(1, round(self._settings.connect_timeout_seconds))
            )
        except pyodbc.Error as error:
            raise self._refused(error, driver) from None
        try:
            self._settle(connection, pyodbc)
        except BaseException as error:
            close(connection)
            if isinstance(error, pyodbc.Error):
                raise self.error(error, "cannot prepare the session") from None
            raise
        return connection

    def error(self, error: Exception, doing: str) -> AdapterError:
        """A pyodbc error of this database, translated."""
        return translated(error, doing=doing, dialect=self._known.name if self._known else "", secrets=self._secrets)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        self._pool.close()
        self.report = None  # rights may be others the next time

    def rights(self) -> Report:
        """What the login may do, as it was found with the first connection.

        Raises:
            Stop: It may write, and the configuration gives no reason to use it all the same.
        """
        with self.lease():
            assert self.report is not None
            return self.report

    def attempts(self) -> Report:
        """The report, with every harmless attempt to write that can be made here.

        Raises:
            Stop: One of them was not refused.
        """
        with self.lease() as connection:  # which is not kept if one of them was not refused
            assert self.report is not None
            return self._tried(connection, self.report, full=True)

    def _hardened(self) -> dict[str, str]:
        """The pairs with what the dialect adds; what the caller wrote himself stays, but for read-only."""
        pairs = dict(self._pairs)
        dialect = self._known
        if dialect is None:
            return pairs
        written = {key.lower() for key in pairs}
        for key, value in dialect.connect.items():
            if key.lower() not in written:
                pairs[key] = self._filled(value)
        for key, value in self._pairs.items():
            if dialect.file and key.lower() == dialect.file.lower():
                pairs[key] = read_only_file(value)
        return pairs

    def _settle(self, connection: Any, pyodbc: Any) -> None:
        product = str(connection.getinfo(pyodbc.SQL_DBMS_NAME))
        dialect = self._settings.dialect or by_product(product)
        if dialect is None:
            raise Stop(
                f"there is no dialect for {product!r}",
                f"Known are {', '.join(d.name for d in DIALECTS)}; name one that fits with the option 'dialect'",
            )
        if dialect.scan:
            raise Stop(
                f"an {dialect.name} file can only be scanned: its driver knows no parameters, no order and no keys",
                "Read it with adapters.scan.ScanSource",
            )
        self._known = dialect
        if dialect.whole_parameters:
            connection.maxwrite = PARAMETER_BYTES_MAX
        for statement in dialect.session:
            connection.execute(self._filled(statement)).close()
        for statement in dialect.wishes:
            with contextlib.suppress(pyodbc.Error):
                connection.execute(self._filled(statement)).close()
        self.read_only = self._proof(connection, dialect)
        if self.report is None:
            self.report = self._looked_up(connection, dialect)

    def _proof(self, connection: Any, dialect: Dialect) -> str:
        if not dialect.proof[0]:
            return "the login's rights alone: this database has no session that cannot write"
        row = connection.execute(dialect.proof[0]).fetchone()
        return proven(dialect, row[0] if row else None)

    def _still_read_only(self, cursor: Any) -> None:
        """Ask the session again: a pooler in between, or a function that a view calls, may have turned it round.

        Raises:
            Retry: It is not; the connection is not used again.
        """
        question, expected = self._known.proof if self._known else ("", "")
        if question and cursor.execute(question).fetchone()[0] != expected:
            raise Retry("the session is not read-only any more, so nothing was read in it", lost=True)

    def _looked_up(self, connection: Any, dialect: Dialect) -> Report:
        report = looked_up(
            dialect.name,
            self._asking(connection),
            at=self._now().isoformat(timespec="seconds"),
            session=self.read_only,
            accepted=self._settings.accept_writable_login,
            file=str(file_path(value_of(self._pairs, dialect.file))) if dialect.file else None,
        )
        return self._tried(connection, report, full=False) if self._settings.attempt_writes else permitted(report)

    def _tried(self, connection: Any, report: Report, *, full: bool) -> Report:
        statements = canaries(report.dialect, self._asking(connection), full=full)
        return permitted(replace(report, attempts=attempted(statements, self._asking(connection))))

    def _asking(self, connection: Any) -> Callable[[str], list[Any]]:
        """Runs a statement for its rows, if it has any."""

        def ask(sql: str) -> list[Any]:
            try:
                cursor = connection.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
            except driver_manager().Error as error:
                raise self.error(error, "the server answers") from None

        return ask

    def _filled(self, text: str) -> str:
        seconds = self._settings.timeout_seconds
        return text.format(
            milliseconds=max(1, round(seconds * 1000)),
            seconds=seconds,
            whole_seconds=max(1, round(seconds)),
            connect_seconds=max(1, round(self._settings.connect_timeout_seconds)),
        )

    def _refused(self, error: Exception, driver: str) -> AdapterError:
        state = str(error.args[0]) if error.args else ""
        if state == "IM002":
            return Stop(
                f"there is no ODBC data source {value_of(self._pairs, 'dsn')!r}",
                "Define it in odbc.ini, or name a driver instead: Driver={…}",
            )
        if state in ("01000", "IM003", "IM004"):
            return Stop(
                f"the ODBC driver {driver!r} is there but cannot be loaded ({error.args[-1]})",
                "A library that it needs is missing: apt-get install --reinstall the driver's package, and unixodbc",
            )
        said = self.error(error, "cannot connect")
        return Refused(said.message, said.remedy) if type(said) is Stop else said
