"""SQL Server as far as its changes are read: a model that answers our statements, and a player of recorded answers.

No server was at hand. The model keeps what the manual says that change tracking and change data capture keep, and
answers exactly the statements that are sent; anything else is an error. Both stand where the module ``pyodbc`` stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from adapters import sqlserverparts as parts
from adapters.dialects import SQLSERVER
from adapters.facts import ESTIMATES, FACTS
from adapters.grants import LOGINS, QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CONNECTION = "Driver=ODBC Driver 18 for SQL Server;Server=model,1433;Database=erp"

Key: TypeAlias = tuple[str, int]
Row: TypeAlias = tuple[str | None, ...]

COLUMNS: list[Row] = [
    ("NO", "int", "bigint", "0", "2"),
    ("LINE", "varchar(10)", "varchar(8000)", "0", "1"),
    ("NAME", "nvarchar(80)", "nvarchar(4000)", "1", "0"),
]
CAPTURED_COLUMNS: list[Row] = [("NO", "int", "0"), ("LINE", "varchar", "0"), ("NAME", "nvarchar", "0")]
RIGHTS = {question.sql for question in QUESTIONS["sqlserver"]}
CATALOGUE = {SQLSERVER.tables, SQLSERVER.columns, LOGINS["sqlserver"]}

PAGE = re.compile(
    r'SELECT TOP \((?P<top>\d+)\) [^?]* FROM "ERP"\."ORDERS" r(?: WHERE \(.*\))? ORDER BY r\."LINE", r\."NO"'
)
CHANGES = re.compile(
    r"SELECT TOP \((?P<top>\d+)\) [^?]* FROM CHANGETABLE\(CHANGES \"ERP\"\.\"ORDERS\", (?P<since>\d+)\) c LEFT JOIN"
    r' "ERP"\."ORDERS" t ON t\."LINE" = c\."LINE" AND t\."NO" = c\."NO"\) r WHERE r\."SYS_CHANGE_VERSION" <='
    r' CAST\(\? AS bigint\)(?: AND \(.*\))? ORDER BY r\."SYS_CHANGE_VERSION", r\."LINE", r\."NO"'
)
LOG = re.compile(
    r'SELECT TOP \((?P<top>\d+)\) [^?]* FROM cdc\."fn_cdc_get_all_changes_(?P<instance>\w+)"'
    r"\(0x(?P<start>[0-9A-F]{20}), 0x(?P<limit>[0-9A-F]{20}), N'(?P<rows>all|all update old)'\) c\) r(?: WHERE .*)?"
    r' ORDER BY r\."__\$start_lsn", r\."__\$seqval", r\."__\$operation", r\."LINE", r\."NO"'
)


class Error(Exception):
    """What a driver raises."""


@dataclass
class Change:
    """One change that was committed."""

    version: int
    commit: int
    number: int
    key: Key
    before: str | None
    after: str | None


@dataclass
class Model:
    """One database with one table. Names are what changes; a row that is gone has none.

    `between` is called before each statement, and in the midst of those that read changes: others are at work too.
    """

    between: Callable[[str], object] = lambda _what: None
    rows: dict[Key, str] = field(default_factory=dict)
    tracked: bool = True
    instances: list[str] = field(default_factory=list)
    number: int = 1001
    fork: str | None = "6f1d0b0e-0000-4000-8000-000000000001"
    version: int = 0
    begun: int = 0
    least: int = 0
    log: list[Change] = field(default_factory=list)
    told: dict[Key, list[str | None]] = field(default_factory=dict)
    commits: list[tuple[int, datetime]] = field(default_factory=list)
    captured: int = 0
    cleaned: int = 1
    ticks: int = 0
    sent: list[str] = field(default_factory=list)

    # What other sessions do -------------------------------------------------------------------------------------------

    def write(self, *changes: tuple[Key, str | None]) -> None:
        """A transaction: rows get names, or are deleted where there is none."""
        self.version += 1
        commit = self._committed()
        for number, (key, name) in enumerate(changes, 1):
            before = self.rows.get(key)
            if before is None and name is None:
                continue
            self.log.append(Change(self.version, commit, number, key, before, name))
            self.told.setdefault(key, [None]).append(name)
            if name is None:
                del self.rows[key]
            else:
                self.rows[key] = name

    def _committed(self) -> int:
        self.ticks += 1
        commit = self.commits[-1][0] + 16 if self.commits else 16
        self.commits.append((commit, self.now()))
        return commit

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 10) + timedelta(milliseconds=10 * self.ticks)  # noqa: DTZ001 - the server's own time

    def capture(self) -> None:
        """The capture job reads all of the log; when there is nothing in it, it notes that it has looked."""
        if not self.commits or self.captured == self.commits[-1][0]:
            self._committed()
        self.captured = self.commits[-1][0]

    def clean(self) -> None:
        """What is kept of changes is thrown away."""
        self.least = self.version
        self.cleaned = max(self.cleaned, self.captured)

    def truncate(self) -> None:
        """TRUNCATE TABLE, which change tracking does not list, at whatever version it is. CDC does not allow it."""
        for key in self.rows:
            self.told[key].append(None)
        self.rows.clear()
        self.begun = self.least = self.version

    # What is asked ----------------------------------------------------------------------------------------------------

    def answer(self, sql: str, parameters: Sequence[str]) -> list[Row]:
        """The rows of one statement."""
        if sql in RIGHTS or sql.startswith("SET "):
            return []
        self.sent.append(sql)
        if sql not in CATALOGUE:
            self.between("statement")
        self.ticks += 1
        fixed = self._fixed(sql, parameters)
        if fixed is not None:
            return fixed
        for pattern, reply in ((PAGE, self._page), (CHANGES, self._changes), (LOG, self._log)):
            if match := pattern.fullmatch(sql):
                assert sql.count("?") == len(parameters)
                return reply(match, list(parameters))[: int(match["top"])]
        raise Error("42000", f"the model does not know the statement {sql!r}")

    def _fixed(self, sql: str, parameters: Sequence[str]) -> list[Row] | None:
        table = self.number and tuple(parameters) == ("ORDERS", "ERP")
        flag = {True: "1", False: "0"}
        kept: Row = (flag[self.tracked], flag[bool(self.instances)])
        answers: dict[str, Callable[[], list[Row]]] = {
            SQLSERVER.tables: lambda: [("ERP", "ORDERS", "1")],
            SQLSERVER.columns: lambda: list(COLUMNS),
            LOGINS["sqlserver"]: lambda: [("reader",)],
            parts.KEPT: lambda: [kept] if table else [],
            parts.KEPT_ANYWHERE: lambda: [("ERP", "ORDERS", *kept)] if "1" in kept else [],
            parts.TRACKED: lambda: [self._tracking()] if table else [],
            parts.CAPTURED: lambda: [self._capturing(each) for each in self.instances],
            parts.CAPTURED_COLUMNS: lambda: list(CAPTURED_COLUMNS),
            parts.FORK: lambda: [(self.fork,)],
            ESTIMATES["sqlserver"]: lambda: [(str(len(self.rows)),)],
            "SELECT 1": lambda: [("1",)],
            **{sql: (lambda: [("on",)]) for _, _, sql in FACTS["sqlserver"]},
        }
        return answers[sql]() if sql in answers else None

    def _tracking(self) -> Row:
        if not self.tracked:
            return str(self.number), None, None, None
        return str(self.number), str(self.version), str(self.least), str(self.begun)

    def _capturing(self, instance: str) -> Row:
        at = next((at for commit, at in self.commits if commit == self.captured), None)
        return (
            instance,
            str(self.number),
            place(self.cleaned),
            place(self.captured) if self.captured else None,
            moment(at) if at else None,
            moment(self.now()),
        )

    def _page(self, _match: re.Match[str], parameters: list[str]) -> list[Row]:
        after = (parameters[0], int(parameters[2])) if parameters else ("", 0)
        shown = [(str(no), line, name) for (line, no), name in sorted(self.rows.items()) if (line, no) > after]
        return [(*row, row[1], row[0]) for row in shown]

    def _changes(self, match: re.Match[str], parameters: list[str]) -> list[Row]:
        since, limit = int(match["since"]), int(parameters[0])
        within = (int(parameters[1]), parameters[3], int(parameters[6])) if parameters[1:] else (0, "", 0)
        listed: dict[Key, tuple[int, str]] = {}
        for change in self.log:
            # What was cleaned up or truncated is not there; who asks for it all the same gets the rest.
            if change.version > max(since, self.least):
                first = listed.get(change.key, (0, "I" if change.before is None else "U"))[1]
                operation = "D" if change.after is None else "U" if first == "D" else first
                listed[change.key] = change.version, operation
        found = sorted((version, key, operation) for key, (version, operation) in listed.items() if version <= limit)
        self.between("join")
        rows: list[Row] = []
        for version, (line, no), operation in found:
            if (version, line, no) > within:
                name = self.rows.get((line, no))
                flag = "0" if name is None else "1"
                rows.append((str(no), line, name, operation, flag, str(version), line, str(no)))
        return rows

    def _log(self, match: re.Match[str], parameters: list[str]) -> list[Row]:
        start, limit = int(match["start"], 16), int(match["limit"], 16)
        if match["instance"] not in self.instances or start < self.cleaned or limit > self.captured or start > limit:
            raise Error("42000", "An insufficient number of arguments were supplied (313) (SQLExecDirectW)")
        self.between("read")
        rows: list[Row] = []
        for change in self.log:
            if max(start, self.cleaned) <= change.commit <= limit:
                told = [("1", change.before)] if change.after is None else [("2", change.after)]
                if change.before is not None and change.after is not None:
                    told = [("3", change.before)] * (match["rows"] == "all update old") + [("4", change.after)]
                for operation, name in told:
                    line, no = change.key
                    at = (place(change.commit), place(change.number), operation)
                    rows.append((str(no), line, name, *at, line, str(no)))
        rows.sort(key=lambda row: (*row[3:7], int(row[7] or 0)))
        if match["rows"] == "all":
            assert parameters[0] == "1"  # the rank
            rows = [row for at, row in enumerate(rows) if row[:2] not in [each[:2] for each in rows[at + 1 :]]]
            parameters = parameters[1:]
        if parameters:
            within: Row = (parameters[0], parameters[2], parameters[5], parameters[9], parameters[14])
            rows = [row for row in rows if (*row[3:7], int(row[7] or 0)) > (*within[:4], int(within[4] or 0))]
        return rows


def place(number: int) -> str:
    """A place in the log."""
    return f"{number:020X}"


def moment(at: datetime) -> str:
    """A time as CONVERT(varchar(23), …, 121) writes it."""
    return at.isoformat(" ", timespec="milliseconds")


class Recorded:
    """Plays a conversation from a file: each statement must be the next of it, word for word, and gets its rows.

    `anew` takes any statement for the next, to be saved with the same rows.
    """

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._path = path
        self._anew = anew
        self._file = json.loads(path.read_text(encoding="utf-8"))
        self._next = 0

    def answer(self, sql: str, parameters: Sequence[str]) -> list[Row]:
        """The rows of one statement."""
        if sql.startswith("SET ") or sql in RIGHTS:
            return []
        if sql == LOGINS["sqlserver"]:
            return [("reader",)]
        assert not self.over(), f"the conversation was over when {sql!r} was sent"
        turn = self._file["conversation"][self._next]
        self._next += 1
        if self._anew:
            turn["sql"], turn["parameters"] = sql, list(parameters)
        assert (sql, list(parameters)) == (turn["sql"], turn["parameters"])
        if "error" in turn:
            raise Error(*turn["error"])
        return [tuple(row) for row in turn["rows"]]

    def over(self) -> bool:
        """Whether all of it was played."""
        return self._next == len(self._file["conversation"])

    def save(self) -> None:
        """Write the statements that were sent this time."""
        self._path.write_text(json.dumps(self._file, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Cursor:
    """What is used of a driver's cursor."""

    def __init__(self, server: Model | Recorded, connection: Any) -> None:
        self._server = server
        self.connection = connection
        self._rows: list[Row] = []
        self.description: list[tuple[str]] = [("",)]

    def execute(self, sql: str, *parameters: str) -> Cursor:
        self._rows = self._server.answer(sql, parameters)
        return self

    def fetchmany(self, size: int) -> list[Row]:
        some, self._rows = self._rows[:size], self._rows[size:]
        return some

    def fetchone(self) -> Row | None:
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[Row]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Nothing is held."""

    cancel = close


class Connection:
    """What is used of a driver's connection."""

    def __init__(self, server: Model | Recorded) -> None:
        self._server = server

    def getinfo(self, fact: int) -> str:
        return {17: "Microsoft SQL Server", 18: "16.00.4215", 6: "libmsodbcsql-18.6.so.2.1", 7: "18.06.0002"}[fact]

    def cursor(self) -> Cursor:
        return Cursor(self._server, self)

    def execute(self, sql: str, *parameters: str) -> Cursor:
        return self.cursor().execute(sql, *parameters)

    def close(self) -> None:
        """Nothing is held."""


def driver(server: Model | Recorded) -> Any:
    """What stands where the module pyodbc stands."""
    return SimpleNamespace(
        Error=Error,
        connect=lambda *_args, **_options: Connection(server),
        drivers=lambda: ["ODBC Driver 18 for SQL Server"],
        SQL_DBMS_NAME=17,
        SQL_DBMS_VER=18,
        SQL_DRIVER_NAME=6,
        SQL_DRIVER_VER=7,
    )
