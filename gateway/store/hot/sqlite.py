"""The hot questions to SQLite: one statement each, which is one snapshot.

The aggregate joins a page without a Python object for each row. It reads one row more than the page has, whose item is
cut off again: so it is known that there are more, and no second statement has to ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.store.hot.marks import MARK, SHORT, STATE, Page, cut, mark_of, short_of
from gateway.store.pages import plain, served
from gateway.store.sqlite import library

if TYPE_CHECKING:
    from gateway.store.database import Database
    from gateway.store.hot.marks import Mark, Record, Short
    from gateway.store.pages import Statement

_MARK = f"SELECT {MARK} FROM contract c WHERE c.id = ?"
_HEAD = """'{"_key":"' || r.key || '","_seq":' || r.seq || ',"_version":' || r.version || ',' || """


class Sqlite:
    """A connection that only reads."""

    def __init__(self, database: Database) -> None:
        module = library()
        self._connection = module.connect(database.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.execute("PRAGMA cache_size = -8000")
        self._ask = self._connection.execute
        self._records: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        # substr of a text counts its characters; of bytes it does not. concat (3.44) copies once.
        rest = "substr(CAST(r.body AS BLOB), 2)"
        parts = """'{"_key":"', r.key, '","_seq":', r.seq, ',"_version":', r.version, ',', """ + rest
        self._item = f"concat({parts})" if module.sqlite_version_info >= (3, 44) else _HEAD + rest

    def state(self) -> tuple[int, str | None]:
        """What answers without records depend on."""
        keys, revision = self._ask(f"SELECT {STATE}").fetchone()
        return keys or 0, revision

    def truth(self, question: str, values: dict[str, Any]) -> bool:
        """Whether a question is answered by yes."""
        return bool(self._ask(question, values).fetchone()[0])

    def mark(self, contract: str) -> Mark | None:
        """What answers about a contract depend on now."""
        row = self._ask(_MARK, (contract,)).fetchone()
        return None if row is None else mark_of(row)

    def one(self, contract: str, table: str, key: str) -> tuple[Short, Record | None] | None:
        """A record."""
        asked = self._records.get(table)
        if asked is None:
            asked = self._records[table] = (
                f"SELECT {SHORT}, r.seq, r.version, r.body FROM contract c "
                f"LEFT JOIN {table} r ON r.state = 1 AND r.key = ? WHERE c.id = ?"
            )
        row = self._ask(asked, (key, contract)).fetchone()
        if row is None:
            return None
        seq = row[3]
        return short_of(row), None if seq is None else (seq, row[4], served(key, seq, row[4], row[5]))

    def record(self, table: str, key: str) -> Record | None:
        """A record, without what else it depends on."""
        asked = self._bare.get(table)
        if asked is None:
            asked = self._bare[table] = f"SELECT seq, version, body FROM {table} WHERE state = 1 AND key = ?"
        row = self._ask(asked, (key,)).fetchone()
        return None if row is None else (row[0], row[1], served(key, *row))

    def some(self, contract: str, table: str, keys: list[str]) -> tuple[Short, dict[str, Record]] | None:
        """Those records that there are."""
        raise NotImplementedError  # there is no way to a server that many could share

    def page(self, contract: str, statement: Statement, values: dict[str, Any]) -> tuple[Mark, Page | None] | None:
        """A page of current records."""
        limit = statement.limit
        assert limit is not None
        asked = statement.native or self._whole(statement)
        row = self._ask(asked, {**values, "contract": contract}).fetchone()
        if row is None:
            return None
        mark, count, items = mark_of(row), row[5], row[6]
        if mark.settling or (count <= limit and len(statement.parts) > 1):
            return mark, None
        if count <= limit:
            return mark, Page(items or b"", None)
        items, key = cut(items)
        return mark, Page(items, (*map(plain, row[7:]), key))

    def _whole(self, statement: Statement) -> str:
        """The mark, the items of a page as one value, and the sort values of its last row."""
        part, limit = statement.parts[0], statement.limit
        assert limit is not None
        if statement.indexed:
            first, rows, again = "", part, part.removesuffix(f" LIMIT {limit + 1}")
        else:  # it is sorted once only, and stays in that order
            first, rows, again = f"WITH w AS MATERIALIZED ({part}) ", "SELECT * FROM w", "SELECT * FROM w"
        end = f"{again} LIMIT 1 OFFSET {limit - 1}"
        lasts = "".join(f", (SELECT e.s{place} FROM ({end}) e)" for place in range(len(statement.sorts)))
        statement.native = whole = f"""{first}SELECT {MARK}, p.n, p.items{lasts} FROM contract c,
            (SELECT count(*) AS n, CAST(group_concat({self._item}) AS BLOB) AS items FROM ({rows}) r) p
            WHERE c.id = :contract"""
        return whole

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
