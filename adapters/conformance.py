"""Whether a driver tells the truth: the server is asked for literals, and what the driver makes of them is compared.

    >>> for each in examined(connection, SQLITE):
    ...     print(each.code, each.severity)
    bound_int avoided
    bound_moment avoided

Nothing is written, and no table of the source is read: a case is one SELECT of constants. Where a driver looks at what
a column was declared as, a column of the source lends its type by ``SELECT … WHERE 0 = 1 UNION ALL``.

Each case is asked twice: as the driver would have it, typed, and as we do it, by text. So a finding says not only what
the driver does, but also whether we are touched by it: ``avoided`` is a lie that our way does not meet, ``broken`` one
that it does. The cases are tables in :mod:`adapters.literals`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from adapters.dialects import form
from adapters.literals import BATCHES, BINDING, ESCAPES, LENT, READING, SEVERAL, SLOW, TRANSACTION
from adapters.model import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.dialects import Dialect
    from adapters.literals import Literally
    from adapters.model import Table

Kind = Literal["reading", "binding", "catalogue", "session"]
Severity = Literal["broken", "avoided", "note"]

TIMEOUT_SECONDS = 1
"""What the driver is asked to end a slow statement after."""

GRACE_SECONDS = 0.5
"""How much longer it gets before we end the statement ourselves."""

CANCEL_SECONDS = 3.0
"""How long a cancelled statement may still take."""

TABLES_MAX = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the driver does with a value or a session that is not what the server said.

    `expected` is what the server says, `does` what the driver makes of it, `remedy` what we do about it.
    """

    code: str
    kind: Kind
    severity: Severity
    about: str
    expected: str
    does: str
    remedy: str


REMEDIES: dict[Kind, str] = {
    "reading": "Columns are read as text that the server itself writes",
    "binding": "Values are bound as text, and the server makes what it needs of it",
    "catalogue": "The catalogue is asked by a statement of ours, not by the driver's functions",
    "session": "",
}
BROKEN = "Do not use this driver for columns that hold such values, or take a newer version"


def examined(
    connection: Any, dialect: Dialect, tables: Sequence[Table] = (), *, clock: Callable[[], float] = time.monotonic
) -> tuple[Finding, ...]:
    """Everything that the driver of this connection gets wrong, in a fixed order.

    The pyodbc connection should be one of ours (read-only, session settled) and is not to be used afterwards. `tables`
    are some of the source's, to compare the driver's catalogue with ours and to borrow column types from. Takes about
    two seconds, which is how long it is waited for a time-out that never comes.
    """
    return (
        *_reading(connection, dialect, tables),
        *_batch(connection, dialect),
        *_binding(connection, dialect),
        *_catalogue(connection, tables),
        *_session(connection, dialect, clock),
    )


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _reading(connection: Any, dialect: Dialect, tables: Sequence[Table]) -> Iterator[Finding]:
    for case in READING.get(dialect.name, ()):
        column = Column("x", case.native, dialect.classify(case.native))
        lent = _lent(dialect, tables, case) if case.lent else ""
        if lent is None:
            continue
        typed = f"SELECT {case.sql} AS x{dialect.constants}"
        written = form(dialect.text, column).format(c="r.x")
        text = f"SELECT {written} FROM ({typed}) r"  # noqa: S608 - our own literals
        ours = asked(connection, text)
        theirs = asked(connection, f"{lent}{typed}")
        if ours != case.text:
            yield Finding(case.code, "reading", "broken", case.about, repr(case.text), shown(ours), BROKEN)
        elif not _same(theirs, case.honest):
            yield Finding(
                case.code, "reading", "avoided", case.about, repr(case.text), shown(theirs), REMEDIES["reading"]
            )


def _lent(dialect: Dialect, tables: Sequence[Table], case: Literally) -> str | None:
    """A SELECT without rows whose column has the wanted type; None where no table has one."""
    own = LENT.get((dialect.name, case.lent))
    if own:
        return f"{own} UNION ALL "
    for table in tables:
        for column in table.columns:
            if column.type == case.lent:
                name = dialect.quoted(column.name)
                home = f"{dialect.quoted(table.schema)}.{dialect.quoted(table.local)}"
                return f"SELECT {name} FROM {home} WHERE 0 = 1 UNION ALL "  # noqa: S608 - the catalogue's names, quoted
    return None


def _batch(connection: Any, dialect: Dialect) -> Iterator[Finding]:
    """Whether one value that Python cannot hold takes the rows around it with it."""
    sql = BATCHES.get(dialect.name)
    rows = _driver(lambda: connection.cursor().execute(sql).fetchall()) if sql else ()
    if isinstance(rows, Exception):
        about = "three rows, of which one has a value that Python cannot hold"
        yield Finding("lost_rows", "reading", "avoided", about, "three rows", shown(rows), REMEDIES["reading"])


def _binding(connection: Any, dialect: Dialect) -> Iterator[Finding]:
    whole = connection.maxwrite
    for case in BINDING.get(dialect.name, ()):
        connection.maxwrite = 0  # the driver's own limit, from which on a value is sent in pieces
        theirs = asked(connection, case.sql, case.value)
        connection.maxwrite = whole
        ours = case.expected if case.text is None else asked(connection, case.sql, case.text)
        if ours != case.expected:
            yield Finding(case.code, "binding", "broken", case.about, repr(case.expected), shown(ours), BROKEN)
        elif theirs != case.expected:
            remedy = case.remedy or REMEDIES["binding"]
            yield Finding(case.code, "binding", "avoided", case.about, repr(case.expected), shown(theirs), remedy)


def asked(connection: Any, sql: str, *parameters: Any) -> Any:
    """The one value of a statement's first row; the exception itself where the driver refuses."""
    cursor = connection.cursor()
    try:
        row = cursor.execute(sql, *parameters).fetchone()
    except Exception as error:  # noqa: BLE001 - whatever the driver comes up with is the answer
        return error
    finally:
        cursor.close()
    return row[0] if row else None


def _same(value: Any, honest: Any) -> bool:
    """Whether the driver gave just this, and not something that is merely equal to it: 1 is not True."""
    return type(value) is type(honest) and value == honest and _zoned(value) == _zoned(honest)


def _zoned(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def shown(value: Any) -> str:
    """What the driver did, for a person: a verb and its object."""
    if value is None:
        return "gives nothing (NULL)"
    if isinstance(value, Exception):
        return f"refuses it: {' '.join(str(part) for part in value.args)[:160]}"
    kind = type(value).__name__
    if isinstance(value, datetime | date | Decimal):
        return f"gives {value} as {kind}"
    text = repr(value)
    return f"gives {text if len(text) < 60 else f'{text[:40]}… ({len(value)} in all)'} as {kind}"


# ── the driver's own functions about the catalogue ───────────────────────────────────────────────────────────────────


def _catalogue(connection: Any, tables: Sequence[Table]) -> Iterator[Finding]:
    """Each of the driver's functions is found out at most once."""
    for look in (_pattern, _key_order, _row_id, _row_version):
        found = (finding for table in tables[:TABLES_MAX] for finding in look(connection, table))
        yield from islice(found, 1)


def _pattern(connection: Any, table: Table) -> Iterator[Finding]:
    """One letter of a name that is there, as a wildcard: whoever takes it for a letter finds nothing."""
    if table.local[:1] in ("", "_"):
        return
    pattern = f"_{table.local[1:]}"
    found = _driver(lambda: {row[2] for row in connection.cursor().columns(table=pattern)})
    if not isinstance(found, Exception) and table.local in found:
        names = ", ".join(sorted(repr(each) for each in found)[:3])
        yield _of_catalogue("pattern", f"columns() of a table {pattern!r}", "nothing", f"finds {names}")


def _key_order(connection: Any, table: Table) -> Iterator[Finding]:
    """KEY_SEQ is the place in the key, not in the table."""
    if len(table.primary) < 2:
        return
    rows = _driver(lambda: sorted((row[4], row[3]) for row in connection.cursor().primaryKeys(table=table.local)))
    found = rows if isinstance(rows, Exception) else tuple(name for _, name in rows)
    if found != table.primary:
        does = shown(found) if isinstance(found, Exception) else f"gives {', '.join(found) or 'none'}"
        yield _of_catalogue("key_order", f"the key of {table.name}", ", ".join(table.primary), does)


def _row_id(connection: Any, table: Table) -> Iterator[Finding]:
    """SQLSpecialColumns gives what identifies a row, and no more."""
    rows = _driver(lambda: [row[1] for row in connection.cursor().rowIdColumns(table.local)])
    if table.primary and not isinstance(rows, Exception) and set(table.primary) < set(rows):
        does = f"gives {', '.join(rows)}"
        yield _of_catalogue("row_id", f"what identifies a row of {table.name}", ", ".join(table.primary), does)


def _row_version(connection: Any, table: Table) -> Iterator[Finding]:
    """A column that grows with each change: PostgreSQL's xmin begins anew after 2**32, and is not in commit order."""
    rows = _driver(lambda: [row[1] for row in connection.cursor().rowVerColumns(table.local)])
    if not isinstance(rows, Exception) and "xmin" in rows:
        yield _of_catalogue("row_version", f"what grows with each change of {table.name}", "nothing", "gives xmin")


def _of_catalogue(code: str, about: str, expected: str, does: str) -> Finding:
    return Finding(code, "catalogue", "avoided", about, expected, does, REMEDIES["catalogue"])


def _driver(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - as in asked()
        return error


# ── the session ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _session(connection: Any, dialect: Dialect, clock: Callable[[], float]) -> Iterator[Finding]:
    yield from _several(connection, dialect)
    yield from _transaction(connection, dialect)
    for code, about, sql, meant, remedy in ESCAPES.get(dialect.name, ()):
        answer = asked(connection, sql)
        if isinstance(answer, Exception) == meant:
            expected = "what the server makes of it" if meant else "the server's error"
            yield Finding(code, "session", "avoided", about, expected, shown(answer), remedy)
    yield from _slow(connection, dialect, clock)


def _several(connection: Any, dialect: Dialect) -> Iterator[Finding]:
    answer = asked(connection, SEVERAL.format(constants=dialect.constants))
    if not isinstance(answer, Exception):
        yield Finding(
            "several_statements",
            "session",
            "avoided",
            "two statements at once",
            "a refusal",
            "runs both",
            "No text of a caller is ever part of a statement, and a statement of ours with a semicolon is a defect",
        )


def _transaction(connection: Any, dialect: Dialect) -> Iterator[Finding]:
    """Without autocommit, which is the standard's default, a SELECT leaves a transaction open."""
    question = TRANSACTION.get(dialect.name)
    if question is None:
        return
    connection.autocommit = False
    try:
        first, second = (asked(connection, question) for _ in range(2))
    finally:
        connection.rollback()
        connection.autocommit = True
    if first == second:
        yield Finding(
            "open_transaction",
            "session",
            "avoided",
            "a SELECT with the driver's defaults",
            "nothing is left open",
            "leaves its transaction open, and the server cannot clean up behind it",
            "Each statement of ours is a transaction of its own",
        )


def _slow(connection: Any, dialect: Dialect, clock: Callable[[], float]) -> Iterator[Finding]:
    """Whether the driver ends a statement that takes too long, and whether it can be cancelled."""
    sql = SLOW.get(dialect.name)
    if sql is None:
        return
    remedy = "The server ends it" if dialect.server_timeout else "We cancel it, and let go of a driver that goes on"
    try:
        connection.timeout = TIMEOUT_SECONDS
    except Exception as error:  # noqa: BLE001 - as in asked()
        refused: Exception | None = error
    else:
        refused = None
    cursor = connection.cursor()
    late = threading.Event()
    timer = threading.Timer(TIMEOUT_SECONDS + GRACE_SECONDS, _cancel, (cursor, late))
    timer.start()
    started = clock()
    _driver(lambda: cursor.execute(sql).fetchall())
    took = clock() - started
    timer.cancel()
    timer.join()
    about, expected = "a statement that takes longer than the time-out", f"an end after {TIMEOUT_SECONDS} s"
    if late.is_set():
        does = shown(refused) if refused else "pays no attention to the time-out"
        yield Finding("timeout", "session", "avoided", about, expected, does, remedy)
    if took > TIMEOUT_SECONDS + GRACE_SECONDS + CANCEL_SECONDS:
        does = f"took {took:.1f} s"
        yield Finding("cancel", "session", "broken", "a statement that is cancelled", "an end at once", does, BROKEN)


def _cancel(cursor: Any, late: threading.Event) -> None:
    late.set()
    _driver(cursor.cancel)
