"""Files that can only be scanned: Access through the driver of MDBTools, which has no parameters, no order and no keys.

    >>> source = ScanSource("Driver=MDBTools;DBQ=lager.mdb")
    >>> following = Following("diff", key=("ArtNr",))
    >>> batches = source.changes("Artikel", following, position=None)
    >>> [change.key for batch in batches for change in batch.changes]
    [('4711',), ('4712',)]

There is one statement, ``SELECT * FROM table``; all else is done here. Changes are found by comparing: each row's hash
is kept by its key, in portions (:attr:`Batch.memory`), and a scan is spilt to a temporary file: memory stays flat.

What the driver does, and what is done about it: behind the last row it begins again with the first, so that nobody asks
behind a page that is not full; a negative whole number of 16 bits comes as one without a sign, and is given its sign.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.connections import check_driver, driver_manager, parsed, value_of
from adapters.dialects import ACCESS, by_driver
from adapters.errors import Reject, Retry, Stop, nearest, translated
from adapters.governor import Governor, nobody
from adapters.live import Live
from adapters.model import Batch, Capabilities, Change, Column, Page, Table
from adapters.options import settings
from adapters.protocol import Recall, forgetful
from adapters.rights import looked_up

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from adapters.governor import Told
    from adapters.model import Following, Operation, Selection, Type
    from adapters.rights import Report

FETCHED = 1000
SCANNED_MAX = 100_000
"""Rows that are looked through for a page or a row; changes have no such limit."""

PORTIONS = 256
DECIMAL = "\0decimal"
WRITES_NOTHING = "one statement alone is ever sent, SELECT * FROM a table, to a driver without any that writes"
NO_OPTIONS: Mapping[str, str] = {}
NAMES = frozenset({"TABLE", "VIEW"})
TYPES: Mapping[type, Type] = {
    bool: "bool",
    int: "int",
    float: "float",
    Decimal: "decimal",
    datetime: "datetime",
    date: "date",
    bytes: "binary",
    bytearray: "binary",
}
Row = dict[str, Any]


def only_scanned(connection_string: str) -> bool:
    """Whether this is for :class:`ScanSource`, by its driver, and not for :class:`adapters.odbc.OdbcSource`."""
    dialect = by_driver(value_of(parsed(connection_string), "driver"))
    return dialect is not None and dialect.scan


class ScanSource:
    """One file behind an ODBC connection string; nothing is kept open between two questions.

    `file` is the file itself, where the string does not name it with ``DBQ``: it must not change during a scan. Of the
    `options` of a source (:mod:`adapters.options`) those count that protect it; there is no login and no session.
    `live` and `told` are those of :class:`adapters.odbc.OdbcSource`.
    """

    def __init__(
        self,
        connection_string: str,
        *,
        options: Mapping[str, str] = NO_OPTIONS,
        file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        told: Told = nobody,
    ) -> None:
        named = value_of(parsed(connection_string), "dbq")
        self._text = connection_string
        self._file = file or (Path(named) if named else None)
        self._now = now
        self._governor = Governor(settings(options), clock=clock, now=now, told=told)
        self.live = Live(self, self._governor, clock=clock)

    def probe(self) -> Capabilities:
        """Open the file and say what reads it. MDBTools tells neither its name nor its version."""
        pyodbc = driver_manager()
        with self._open() as connection:
            asked = (pyodbc.SQL_DBMS_NAME, pyodbc.SQL_DBMS_VER)
            product, version = (str(connection.getinfo(fact)).rstrip("\0") for fact in asked)
        return Capabilities(
            dialect=ACCESS.name,
            product=product,
            version=version,
            driver=product,
            driver_version=version,
            read_only=WRITES_NOTHING,
            server_timeout=False,
            changes=("snapshot", "diff"),
            deletes=("diff",),
        )

    def rights(self) -> Report:
        """What could write the file: no statement of ours, but perhaps this machine's user."""
        return looked_up(
            ACCESS.name,
            lambda _sql: (),
            at=self._now().isoformat(timespec="seconds"),
            session=WRITES_NOTHING,
            file=str(self._file or ""),
        )

    def tables(self) -> tuple[str, ...]:
        """The tables of the file, sorted, without the system's own."""
        with self._open() as connection, closing(connection.cursor()) as cursor:
            return tuple(sorted(row[2] for row in cursor.tables() if row[3] in NAMES))

    def schema(self, table: str) -> Table:
        """Columns and types as the driver describes the result of a scan. No key: the driver knows none.

        Raises:
            Reject: ``unknown_table``.
        """
        self._check(table)
        with self._open() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_all_of(table))
            columns = tuple(_column(*each[:5]) for each in cursor.description)
        return Table(table, "", table, columns)

    def rows(self, table: str) -> Generator[Row]:
        """Every row, in the file's order.

        Raises:
            Reject: ``unknown_table``.
            Retry: The file changed meanwhile.
        """
        self._check(table)
        before = self._stamp()
        with self._open() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(_all_of(table))
            columns = [_column(*each[:5]) for each in cursor.description]
            while True:
                self._governor.remaining()
                fetched = cursor.fetchmany(FETCHED)
                for row in fetched:
                    yield {column.name: _value(column, cell) for column, cell in zip(columns, row, strict=True)}
                if len(fetched) < FETCHED:  # behind the end, the driver begins again
                    break
        if self._stamp() != before:
            raise Retry(f"the file changed while {table!r} was read", "It is read again", delay_seconds=5.0)

    def page(self, table: str, selection: Selection) -> Page:
        """Some rows in the file's order; `next` is the number of the row to go on from.

        Raises:
            Reject: ``unknown_table``, ``bad_limit``, ``bad_cursor``, ``bad_operator`` or ``bad_sort``: what can only be
                scanned cannot be searched or sorted.
        """
        if selection.filters or selection.sort:
            raise Reject(
                "bad_operator" if selection.filters else "bad_sort",
                f"{table!r} can only be scanned, so that it cannot be searched or sorted",
                "Follow its changes, and ask the records that they become",
            )
        if not 1 <= selection.limit <= FETCHED * 10:
            raise Reject("bad_limit", f"a page has 1 to {FETCHED * 10} rows, not {selection.limit}", "Ask for fewer")
        at = _number(selection.after)
        if at + selection.limit > SCANNED_MAX:
            raise Reject(
                "bad_cursor",
                f"row {at} of {table!r} lies too deep to be scanned to each time",
                "Follow its changes, and ask the records that they become",
            )
        with closing(self.rows(table)) as rows:
            found = list(islice(rows, at, at + selection.limit + 1))
        shown = [_chosen(row, selection.columns) for row in found[: selection.limit]]
        return Page(shown, (str(at + selection.limit),) if len(found) > selection.limit else None)

    def row(self, table: str, key: tuple[str, ...]) -> Row | None:
        """Refused: nothing says which columns are the key.

        Raises:
            Reject: ``no_key``.
        """
        raise Reject(
            "no_key",
            f"{table!r} can only be scanned, so that no row {', '.join(key)!r} can be looked up",
            "Follow its changes, and ask the records that they become",
        )

    def changes(
        self,
        table: str,
        following: Following,
        *,
        position: str | None,
        recall: Recall = forgetful,
        batch: int = 1000,
    ) -> Iterator[Batch]:
        """All rows, each time (``snapshot``), or what differs from what is remembered of them (``diff``).

        Raises:
            Reject: ``unknown_table``, ``unknown_column``, ``no_key``, ``key_not_unique`` or ``bad_strategy``.
            Stop: The position belongs to another strategy or key.
        """
        if following.strategy not in ("snapshot", "diff"):
            raise Reject(
                "bad_strategy",
                f"the changes of {table!r} cannot be followed by {following.strategy!r}: it can only be scanned",
                "There are: snapshot, diff",
            )
        if not following.key:
            raise Reject("no_key", f"nothing says which columns of {table!r} are its key", "Name them: key: ARTNR")
        with self._governor.question("follow"):
            known = [column.name for column in self.schema(table).columns]
        for name in following.key:
            if name not in known:
                raise Reject("unknown_column", f"table {table!r} has no column {name!r}", nearest(name, known))
        return self._compared(table, following, _position(following, position), recall, batch)

    def _compared(
        self, table: str, following: Following, place: dict[str, Any], recall: Recall, batch: int
    ) -> Iterator[Batch]:
        """One scan, then portion by portion what it changed. A portion's memory comes with the last of its changes."""
        first, begin = bool(place["first"]), int(place["portion"]) % PORTIONS
        told = first or begin > 0
        whole = following.strategy == "snapshot"
        with tempfile.TemporaryDirectory(prefix="scan-") as folder, closing(_spilt(Path(folder))) as spill:
            with self._governor.question("follow"), closing(self.rows(table)) as rows:
                _fill(spill, table, following.key, rows)
            for portion in range(begin, PORTIONS):
                name = f"{table}/{portion}"
                before: dict[str, str] = {} if whole else json.loads(recall(name) or b"{}")
                new: Operation = "put" if first or whole else "insert"
                changes, after = _differences(spill, portion, before, new, following.key)
                place = {**place, "first": first and portion + 1 < PORTIONS, "portion": portion + 1}
                memory = {} if whole else {name: json.dumps(after, separators=(",", ":")).encode()}
                if not changes and (portion + 1 < PORTIONS or not told):
                    continue
                told = True
                *early, last = [changes[at : at + batch] for at in range(0, len(changes), batch)] or [[]]
                unmoved = json.dumps({**place, "first": first, "portion": portion})
                yield from (Batch(part, unmoved, first or whole) for part in early)
                yield Batch(last, json.dumps(place), first or whole, memory=memory)

    def ack(self, table: str, following: Following, position: str) -> None:
        """Nothing to do: a file keeps no log for us."""

    def close(self) -> None:
        """Nothing is open."""

    def _check(self, table: str) -> None:
        known = self.tables()
        if table not in known:
            raise Reject("unknown_table", f"there is no table {table!r}", nearest(table, known))

    def _stamp(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            seen = self._file.stat()
        except OSError as error:
            raise Stop(f"the file {str(self._file)!r} cannot be opened ({error.strerror})", "Check DBQ=") from None
        return seen.st_size, seen.st_mtime_ns

    @contextmanager
    def _open(self) -> Iterator[Any]:
        pyodbc = driver_manager()
        with self._governor.turn():
            check_driver(pyodbc, value_of(parsed(self._text), "driver"))
            self._stamp()
            try:
                with closing(pyodbc.connect(self._text, autocommit=True)) as connection:
                    yield connection
            except pyodbc.Error as error:
                raise translated(error, doing="cannot scan the file", dialect=ACCESS.name) from None


def _all_of(table: str) -> str:
    return f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"'  # noqa: S608 - a name of the catalogue, quoted


def _column(name: str, kind: type, _display: Any, size: Any, _internal: Any) -> Column:
    """A column as the driver describes it; its native type is a word and its bytes, which tell 16 bits from 32."""
    return Column(name, f"{kind.__name__}({size})", TYPES.get(kind, "text"))


def _value(column: Column, cell: Any) -> Any:
    """What the driver gave, as a plain value (:mod:`adapters.values`)."""
    if cell is None or isinstance(cell, str | bool | Decimal):
        return cell
    if isinstance(cell, int):
        return cell - 65_536 if column.native == "int(2)" and 32_767 < cell < 65_536 else cell
    if isinstance(cell, float):
        return Decimal(repr(cell))
    if isinstance(cell, bytes | bytearray):
        return base64.b64encode(cell).decode("ascii")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _chosen(row: Row, columns: Sequence[str]) -> Row:
    for name in columns:
        if name not in row:
            raise Reject("unknown_column", f"there is no column {name!r}", nearest(name, row))
    return {name: row[name] for name in columns} if columns else row


def _number(after: tuple[str | None, ...] | None) -> int:
    if after is None:
        return 0
    if len(after) != 1 or not (after[0] or "").isdecimal():
        raise Reject("bad_cursor", f"{after!r} is no place in a scan", "Use the 'next' of a page")
    return int(after[0] or 0)


def _position(following: Following, position: str | None) -> dict[str, Any]:
    """Where the reading stands: whether it is the first, and which portion is next."""
    ours = {"strategy": f"scan {following.strategy}", "key": list(following.key)}
    if position is None:
        return {**ours, "first": True, "portion": 0}
    try:
        place = json.loads(position)
    except ValueError:
        place = None
    if not isinstance(place, dict) or {name: place.get(name) for name in ours} != ours:
        raise Stop("the position belongs to another strategy or key", "Reset the source to read it from the beginning")
    return place


def _spilt(folder: Path) -> sqlite3.Connection:
    """A temporary table of a scan. Nothing of it outlives the reading, so nothing waits for the disk."""
    spill = sqlite3.connect(folder / "scan.db", isolation_level=None)
    spill.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "CREATE TABLE scan (portion INTEGER, key TEXT, hash TEXT, row TEXT, PRIMARY KEY (portion, key)) WITHOUT ROWID;"
    )
    return spill


def _fill(spill: sqlite3.Connection, table: str, key: Sequence[str], rows: Iterator[Row]) -> None:
    spill.execute("BEGIN")
    for row in rows:
        parts, text = _kept([row[name] for name in key]), _kept(row)
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        portion = hashlib.blake2b(parts.encode(), digest_size=1).digest()[0] % PORTIONS
        try:
            spill.execute("INSERT INTO scan VALUES (?, ?, ?, ?)", (portion, parts, digest, text))
        except sqlite3.IntegrityError:
            raise Reject(
                "key_not_unique",
                f"two rows of {table!r} have the same key {', '.join(map(str, _texts(_read(parts))))}",
                "Name key columns that are unique together; else rows would be lost without a word",
            ) from None
    spill.execute("COMMIT")


def _differences(
    spill: sqlite3.Connection, portion: int, before: Mapping[str, str], new: Operation, names: Sequence[str]
) -> tuple[list[Change], dict[str, str]]:
    """What changed in a portion, and its hashes now; of a row that is gone its key is known."""
    changes: list[Change] = []
    after: dict[str, str] = {}
    for key, digest, text in spill.execute("SELECT key, hash, row FROM scan WHERE portion = ?", (portion,)):
        after[key] = digest
        if before.get(key) != digest:
            changes.append(Change("update" if key in before else new, _texts(_read(key)), _read(text)))
    gone = [_read(key) for key in before if key not in after]
    changes += [Change("delete", _texts(key), None, dict(zip(names, key, strict=True))) for key in gone]
    return changes, after


def _kept(values: Row | list[Any]) -> str:
    """A row or a key as text, its decimals exact."""
    return json.dumps(values, default=lambda value: {DECIMAL: str(value)}, ensure_ascii=False)


def _read(text: str) -> Any:
    """What :func:`_kept` wrote."""
    return json.loads(text, object_hook=_decimal)


def _texts(key: Sequence[Any]) -> tuple[str | None, ...]:
    return tuple(None if part is None else str(part) for part in key)


def _decimal(found: Row) -> Any:
    """A row, or a decimal of one; no column has the name that marks those."""
    return Decimal(found[DECIMAL]) if DECIMAL in found else found
