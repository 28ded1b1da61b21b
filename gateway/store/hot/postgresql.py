"""The hot questions to PostgreSQL: one statement each, because the way there and back is most of what they cost.

They are prepared, where every value has the same good plan, and asked of libpq itself, in its binary format: nothing is
thought about twice, and nothing turned into objects that nobody needs.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ExecStatus

from gateway.store.hot.marks import MARK, SHORT, STATE, Mark, Page, Short, cut
from gateway.store.pages import served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    from gateway.store.database import Database
    from gateway.store.hot.marks import Record
    from gateway.store.pages import Statement

_PREPARED_MAX = 200
_TEXT, _TEXTS, _WHOLE = 25, 1009, 20
"""Types by their numbers (pg_type.oid): text, text[], bigint."""
_MARK = f"SELECT {MARK} FROM contract c WHERE c.id = $1"
_ITEM = """'{"_key":"' || r.key || '","_seq":' || r.seq || ',"_version":' || r.version || ',' || right(r.body, -1)"""
"""right counts the signs that it leaves out, substr those that it keeps."""
_NAMED = re.compile(r"(?<!:):([a-z]\w*)")


class Postgresql:
    """A connection for these questions alone."""

    def __init__(self, database: Database) -> None:
        self._connection = psycopg.connect(database.url, autocommit=True, connect_timeout=5)
        # What is prepared has one good plan; the server would think about it anew, each time or the first times.
        settings = ("plan_cache_mode = force_generic_plan", "client_encoding = 'UTF8'", "jit = off")
        for setting in (*settings, "statement_timeout = 30000"):
            self._connection.execute(f"SET {setting}")
        self._server = self._connection.pgconn
        self._prepared: dict[str, bytes] = {}
        self._records: dict[str, str] = {}
        self._some: dict[str, str] = {}

    def state(self) -> tuple[int, str | None]:
        """What answers without records depend on."""
        row = self._asked(f"SELECT {STATE}", ())
        return _whole(row.get_value(0, 0)) or 0, _text(row.get_value(0, 1))

    def truth(self, question: str, values: dict[str, Any]) -> bool:
        """Whether a question is answered by yes."""
        raise NotImplementedError  # PostgreSQL's planner knows how many there are

    def mark(self, contract: str) -> Mark | None:
        """What answers about a contract depend on now."""
        row = self._asked(_MARK, (contract,))
        return _mark(row) if row.ntuples else None

    def one(self, contract: str, table: str, key: str) -> tuple[Short, Record | None] | None:
        """A record."""
        asked = self._records.get(table)
        if asked is None:
            asked = self._records[table] = (
                f"SELECT {SHORT}, r.seq, r.version, r.body FROM contract c "
                f"LEFT JOIN {table} r ON r.state = 1 AND r.key = $1 WHERE c.id = $2"
            )
        row = self._asked(asked, (key, contract))
        if not row.ntuples:
            return None
        value = row.get_value
        found = _record(key.encode(), value(0, 3), value(0, 4), value(0, 5))
        return _short(row), found[1] if found is not None else None

    def record(self, table: str, key: str) -> Record | None:
        """A record, without what else an answer depends on."""
        raise NotImplementedError  # nothing is kept of a server: it does not tell when something was committed

    def some(self, contract: str, table: str, keys: list[str]) -> tuple[Short, dict[str, Record]] | None:
        """Those records that there are."""
        asked = self._some.get(table)
        if asked is None:
            asked = self._some[table] = (
                f"SELECT {SHORT}, r.seq, r.version, r.body, r.key FROM contract c "
                f"LEFT JOIN {table} r ON r.state = 1 AND r.key = ANY($1) WHERE c.id = $2"
            )
        rows = self._asked(asked, (keys, contract))
        if not rows.ntuples:
            return None
        value = rows.get_value
        made = [_record(value(row, 6), value(row, 3), value(row, 4), value(row, 5)) for row in range(rows.ntuples)]
        return _short(rows), dict([each for each in made if each is not None])

    def page(self, contract: str, statement: Statement, values: dict[str, Any]) -> tuple[Mark, Page | None] | None:
        """A page of current records."""
        limit = statement.limit
        assert limit is not None
        native = statement.native or _native(statement)
        given = {**values, "contract": contract}
        values_in_order = [given[name] for name in native[1]]
        row = (self._asked if statement.steady else self._asked_once)(native[0], values_in_order)
        if not row.ntuples:
            return None
        mark, value = _mark(row), row.get_value
        count = _whole(value(0, 5)) or 0
        if mark.settling or (count <= limit and len(statement.parts) > 1):
            return mark, None
        items = value(0, 6) or b""
        if count <= limit:
            return mark, Page(items, None)
        page, key = cut(items)
        lasts = [_last(kind, value(0, place)) for place, kind in enumerate(statement.sorts, 7)]
        return mark, Page(page, (*lasts, key))

    def _asked(self, statement: str, values: Sequence[Any]) -> PGresult:
        """The answer to a statement that is prepared when it is asked for the first time.

        Raises:
            psycopg.Error: the server refused it, or is gone.
        """
        name = self._prepared.get(statement)
        if name is None:
            name = self._prepare(statement, values)
        return _good(self._server.exec_prepared(name, _given(values), None, 1))

    def _asked_once(self, statement: str, values: Sequence[Any]) -> PGresult:
        """The answer to a statement whose plan depends on the values."""
        return _good(self._server.exec_params(statement.encode(), _given(values), _types(values), None, 1))

    def _prepare(self, statement: str, values: Sequence[Any]) -> bytes:
        if len(self._prepared) >= _PREPARED_MAX:
            self._connection.execute("DEALLOCATE ALL")
            self._prepared.clear()
        name = b"hot%d" % len(self._prepared)
        _good(self._server.prepare(name, statement.encode(), _types(values)))
        self._prepared[statement] = name
        return name

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _types(values: Sequence[Any]) -> list[int]:
    return [_TEXT if isinstance(value, str) else _TEXTS if isinstance(value, list) else _WHOLE for value in values]


def _given(values: Sequence[Any]) -> list[bytes]:
    return [_written(value) for value in values]


def _written(value: Any) -> bytes:
    """A value as the server reads it; an array as its manual has it (8.15.6, Array Input and Output Syntax)."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        quoted = [each.replace("\\", "\\\\").replace('"', '\\"') for each in value]
        return ("{" + ",".join([f'"{each}"' for each in quoted]) + "}").encode()
    return b"%d" % value


def _good(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.OperationalError(result.get_error_message())
    return result


def _record(
    key: bytes | None, seq: bytes | None, version: bytes | None, body: bytes | None
) -> tuple[str, Record] | None:
    """A record by its key; None for a row in which there is none."""
    if key is None or seq is None or version is None or body is None:
        return None
    told, numbers = key.decode(), (int.from_bytes(seq), int.from_bytes(version))
    return told, (*numbers, served(told, *numbers, body.decode()))


def _short(row: PGresult) -> Short:
    value = row.get_value
    return Short(_whole(value(0, 0)) or 0, _text(value(0, 1)), value(0, 2) == b"\1")


def _mark(row: PGresult) -> Mark:
    value = row.get_value
    return Mark(
        _whole(value(0, 0)) or 0, _text(value(0, 1)), value(0, 2) == b"\1", _whole(value(0, 3)) or 0, _text(value(0, 4))
    )


def _whole(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, signed=True)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _last(kind: str, value: bytes | None) -> int | str | None:
    """A sort value as a cursor has it, the same as the driver would have read it."""
    if kind in ("int", "bool"):
        return _whole(value)
    told = _text(value)
    return str(Decimal(told)) if kind == "decimal" and told is not None else told


def _native(statement: Statement) -> tuple[str, tuple[str, ...]]:
    """The mark, the items of a page, the sort values of its last row; and what its values are called, in order."""
    limit = statement.limit
    lasts = "".join(
        f", (array_agg(r.s{place}))[{limit}]{'::text' if kind == 'decimal' else ''} AS v{place}"
        for place, kind in enumerate(statement.sorts)
    )
    shown = "".join(f", p.v{place}" for place in range(len(statement.sorts)))
    whole = f"""SELECT {MARK}, p.n, p.items{shown} FROM contract c,
        (SELECT count(*) AS n, string_agg({_ITEM}, ',') AS items{lasts} FROM ({statement.parts[0]}) r) p
        WHERE c.id = :contract"""
    names = tuple(dict.fromkeys(_NAMED.findall(whole)))
    numbers = {name: place for place, name in enumerate(names, 1)}
    native = statement.native = _NAMED.sub(lambda found: f"${numbers[found[1]]}", whole), names
    return native
