"""The hottest questions of readers, asked of the driver itself: a record by its key, and a page.

Each is answered from one snapshot together with its :class:`Mark`: everything else that an answer depends on. Whoever
remembers keys, or a query as it was understood, knows by the mark whether that still counts. What needs more than these
few statements (a delivery that is being settled, a moment of the past) is for ``records`` to answer.

    reads = HotReads(database)
    mark, (seq, version, json) = reads.one("order.v1", "record_order_v1", "4711")
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import psycopg

from gateway.store.pages import many, plain, served, statement
from gateway.store.sqlite import library
from gateway.store.staging import table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store.database import Database
    from gateway.store.pages import Query, Statement

T = TypeVar("T")

_CONNECTIONS_MAX = 16
_STATE = """(SELECT k.value FROM counter k WHERE k.name = 'keys'),
    (SELECT v.revision FROM revision v ORDER BY v.number DESC LIMIT 1)"""
_SHORT = f"""{_STATE}, c."offset" IS NOT NULL"""
_MARK = f"""{_SHORT},
    (SELECT b.last_seq FROM change_block b WHERE b.contract = c.id ORDER BY b.first_id DESC LIMIT 1),
    (SELECT b.at FROM change_block b WHERE b.contract = c.id ORDER BY b.first_id DESC LIMIT 1)"""


class Short(NamedTuple):
    """As much of a :class:`Mark` as one record depends on."""

    keys: int
    revision: str | None
    settling: bool


class Mark(NamedTuple):
    """What an answer depends on.

    `keys` counts changes to API keys; `revision` is in force; the records are those up to `change`, visible since `at`.
    While a delivery is being settled (`settling`) the answer is not to be had here.
    """

    keys: int
    revision: str | None
    settling: bool
    change: int
    at: str | None


class Page(NamedTuple):
    """Ready JSON objects, joined by commas, and the sort values and key of the last one when there are more."""

    items: bytes
    last: tuple[Any, ...] | None


class Busy(Exception):
    """No connection is free or the store does not answer: ask in the ordinary way, which waits and explains."""


class _Asking(Protocol):
    """One connection of a driver."""

    def mark(self, contract: str) -> Mark | None: ...
    def state(self) -> tuple[int, str | None]: ...
    def one(self, contract: str, table: str, key: str) -> tuple[Short, tuple[int, int, bytes] | None] | None: ...
    def page(self, contract: str, statement: Statement) -> tuple[Mark, Page | None] | None: ...
    def truth(self, question: str, values: dict[str, Any]) -> bool: ...
    def close(self) -> None: ...


class HotReads:
    """Connections of its own beside the store's, lent to one thread at a time.

    Every question is answered with None for a contract that the store does not know.

    Raises:
        Busy: by every question.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: list[_Asking] = []
        self._lock = threading.Lock()
        self._count = 0
        database.close_with(self.close)

    def mark(self, contract: str) -> Mark | None:
        """What answers about this contract depend on now."""
        return self._asked(lambda asking: asking.mark(contract))

    def state(self) -> tuple[int, str | None]:
        """How many changes there were to keys, and the revision in force: what answers without records depend on."""
        return self._asked(lambda asking: asking.state())

    def one(self, contract: str, table: str, key: str) -> tuple[Short, tuple[int, int, bytes] | None] | None:
        """The change number, the version and the JSON of a record; None where no record has this key."""
        return self._asked(lambda asking: asking.one(contract, table, key))

    def page(self, contract: str, statement: Statement) -> tuple[Mark, Page | None] | None:
        """A page of current records; None where more than one question is needed, or a delivery is being settled."""
        return self._asked(lambda asking: asking.page(contract, statement))

    def statement(self, query: Query) -> Statement:
        """What asks for this page of current rows."""
        table = table_of(query.contract)
        question = many(query, table) if self._database.is_sqlite else None
        walk = question is not None and self._asked(lambda asking: asking.truth(*question))
        return statement(query, table, postgresql=not self._database.is_sqlite, walk=walk)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._dropped(self._idle.pop())

    def _asked(self, question: Callable[[_Asking], T]) -> T:
        asking = self._taken()
        try:
            answer = question(asking)
        except Exception as problem:
            self._dropped(asking)
            raise Busy from problem
        self._idle.append(asking)
        return answer

    def _taken(self) -> _Asking:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        with self._lock:
            if self._count >= _CONNECTIONS_MAX:
                raise Busy
            self._count += 1
        try:
            return _Sqlite(self._database) if self._database.is_sqlite else _Postgresql(self._database)
        except Exception as problem:
            with self._lock:
                self._count -= 1
            raise Busy from problem

    def _dropped(self, asking: _Asking) -> None:
        with self._lock:
            self._count -= 1
        asking.close()


_HEAD = """'{"_key":"' || r.key || '","_seq":' || r.seq || ',"_version":' || r.version || ',' || """


class _Sqlite:
    """A few small statements in one snapshot; the aggregate joins a page without a Python object for each row."""

    def __init__(self, database: Database) -> None:
        module = library()
        self._connection = module.connect(database.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.execute("PRAGMA cache_size = -32000")
        self._ask = self._connection.execute
        # substr of a text counts its characters; of bytes it does not. concat (3.44) copies once.
        rest = "substr(CAST(r.body AS BLOB), 2)"
        parts = """'{"_key":"', r.key, '","_seq":', r.seq, ',"_version":', r.version, ',', """ + rest
        self._item = f"concat({parts})" if module.sqlite_version_info >= (3, 44) else _HEAD + rest

    def state(self) -> tuple[int, str | None]:
        keys, revision = self._ask(f"SELECT {_STATE}").fetchone()
        return keys or 0, revision

    def mark(self, contract: str) -> Mark | None:
        return _mark(self._ask(f"SELECT {_MARK} FROM contract c WHERE c.id = ?", (contract,)).fetchone())

    def one(self, contract: str, table: str, key: str) -> tuple[Short, tuple[int, int, bytes] | None] | None:
        row = self._ask(
            f"SELECT {_SHORT}, r.seq, r.version, r.body FROM contract c "
            f"LEFT JOIN {table} r ON r.state = 1 AND r.key = ? WHERE c.id = ?",
            (key, contract),
        ).fetchone()
        return _record(key, row)

    def page(self, contract: str, statement: Statement) -> tuple[Mark, Page | None] | None:
        ask = self._ask
        ask("BEGIN")
        try:
            mark = self.mark(contract)
            if mark is None or mark.settling:
                return None if mark is None else (mark, None)
            if statement.further is None:
                return mark, _joined(ask(statement.parts[0], statement.values).fetchall(), statement)
            items = ask(self._all_of(statement), statement.values).fetchone()[0]
            if items is None:
                return mark, None if len(statement.parts) > 1 else Page(b"", None)
            # No text in JSON holds a bare quotation mark, and no member of a contract begins with an underscore.
            start = items.rfind(b'{"_key":"') + 9
            last = items[start : items.index(b'"', start)].decode()
            values = {**statement.values, "last": last}
            if statement.value is not None:
                values["s0"] = ask(statement.value, values).fetchone()[0]
            if ask(statement.further, values).fetchone() is None:
                return mark, None if len(statement.parts) > 1 else Page(items, None)
            return mark, Page(items, (last,) if statement.value is None else (plain(values["s0"]), last))
        finally:
            ask("COMMIT")

    def truth(self, question: str, values: dict[str, Any]) -> bool:
        return bool(self._ask(question, values).fetchone()[0])

    def _all_of(self, statement: Statement) -> str:
        """The items of a page as one value."""
        if statement.native is None:
            assert statement.limit is not None
            rows = statement.parts[0].removesuffix(str(statement.limit + 1)) + str(statement.limit)
            statement.native = f"SELECT CAST(group_concat({self._item}) AS BLOB) FROM ({rows}) r"
        return statement.native

    def close(self) -> None:
        self._connection.close()


class _Postgresql:
    """One prepared statement for each question: its way to the server and back is most of what it costs."""

    def __init__(self, database: Database) -> None:
        self._connection = psycopg.connect(database.url, autocommit=True, prepare_threshold=0, connect_timeout=5)
        self._connection.execute("SET jit = off")
        self._connection.execute("SET statement_timeout = 30000")
        self._cursor = self._connection.cursor(binary=True)

    def state(self) -> tuple[int, str | None]:
        row = self._cursor.execute(f"SELECT {_STATE}").fetchone()
        assert row is not None
        return row[0] or 0, row[1]

    def truth(self, question: str, values: dict[str, Any]) -> bool:
        raise NotImplementedError  # PostgreSQL's planner knows how many there are

    def mark(self, contract: str) -> Mark | None:
        asked = self._cursor.execute(f"SELECT {_MARK} FROM contract c WHERE c.id = %s", (contract,))
        return _mark(asked.fetchone())

    def one(self, contract: str, table: str, key: str) -> tuple[Short, tuple[int, int, bytes] | None] | None:
        row = self._cursor.execute(
            f"SELECT {_SHORT}, r.seq, r.version, r.body FROM contract c "
            f"LEFT JOIN {table} r ON r.state = 1 AND r.key = %s WHERE c.id = %s",
            (key, contract),
        ).fetchone()
        return _record(key, row)

    def page(self, contract: str, statement: Statement) -> tuple[Mark, Page | None] | None:
        row = self._cursor.execute(_whole_page(statement), dict(statement.values) | {"contract": contract}).fetchone()
        mark = _mark(row)
        if mark is None or row is None:
            return None
        if mark.settling:
            return mark, None
        items, count, *last = row[5:]
        assert statement.limit is not None
        if count <= statement.limit and len(statement.parts) > 1:
            return mark, None
        more = count > statement.limit
        return mark, Page((items or "").encode(), tuple(map(plain, last)) if more else None)

    def close(self) -> None:
        self._connection.close()


def _whole_page(statement: Statement) -> str:
    """The mark and the page in one statement, in psycopg's notation."""
    if statement.native is None:
        assert statement.limit is not None
        values = "".join(f"e.s{place}, " for place in range(statement.sorts))
        whole = f"""WITH p AS MATERIALIZED ({statement.parts[0]})
            SELECT {_MARK},
                (SELECT string_agg({_HEAD} substr(r.body, 2), ',') FROM (SELECT * FROM p LIMIT {statement.limit}) r),
                (SELECT count(*) FROM p), {values}e.key
            FROM contract c LEFT JOIN (SELECT * FROM p LIMIT 1 OFFSET {statement.limit - 1}) e ON TRUE
            WHERE c.id = :contract"""
        statement.native = re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", whole.replace("%", "%%"))
    return statement.native


def _joined(rows: list[Any], statement: Statement) -> Page | None:
    """A page of rows; None where those without a value may follow."""
    assert statement.limit is not None
    more = len(rows) > statement.limit
    if not more and len(statement.parts) > 1:
        return None
    kept = rows[: statement.limit]
    items = b",".join([served(row[0], row[1], row[2], row[3]) for row in kept])
    return Page(items, (*map(plain, kept[-1][4:]), kept[-1][0]) if more else None)


def _record(key: str, row: Any) -> tuple[Short, tuple[int, int, bytes] | None] | None:
    if row is None:
        return None
    found = None if row[3] is None else (row[3], row[4], served(key, row[3], row[4], row[5]))
    return Short(row[0] or 0, row[1], bool(row[2])), found


def _mark(row: Any) -> Mark | None:
    return None if row is None else Mark(row[0] or 0, row[1], bool(row[2]), row[3] or 0, row[4])
