"""What can be said of a database before any of it is followed: who answers, how fast, what it keeps, what to do.

    >>> found = surveyed(source)
    >>> found.tables[0].strategy, found.tables[0].why
    ('diff', 'deletes are found too; 1,250 rows are read each time, or their sums')

Everything is asked by SELECTs of the catalogue and of constants. A table's rows are only counted, up to a cap, where
the catalogue has no estimate.
"""

from __future__ import annotations

import re
import statistics
import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from adapters.counts import so_many
from adapters.errors import AdapterError
from adapters.facts import ESTIMATES, FACTS, WANTED
from adapters.scan import SCANNED_MAX, ScanSource
from adapters.sqlserverparts import kept_anywhere, said_of
from adapters.statements import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.conformance import Finding
    from adapters.model import Capabilities, Column, Strategy, Table
    from adapters.odbc import OdbcSource
    from adapters.rights import Report
    from adapters.sqlserverparts import Kept

TRIES = 20
NAMES_MAX = 20
COUNTED_MAX = 100_000
TABLES_MAX = 200
SECONDS_MAX = 30.0
LARGE = 1_000_000
"""Rows from which on comparing all of them each time is worth avoiding."""

# Names of columns that people give to "when it was last changed", in some of the languages of legacy systems.
GROWS = re.compile(
    r"upd|chang|modif|(^|_)mod|aend|änd|geaend|last|letzt|stamp|rowver|version|maj|wijz|mutat|(^|_)ts($|_)|edit",
    re.IGNORECASE,
)
STAMPED = re.compile(r"upd|chang|modif|aend|änd|geaend|stamp|(^|_)ts($|_)", re.IGNORECASE)
BY_WHOM = re.compile(r"by$|user|usr|uid|von$|name|benutz|bearb", re.IGNORECASE)
BORN = re.compile(r"creat|insert|entry|anlage|erstell|erf|born|cre", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the server says of itself; `value` is None where it does not tell this login."""

    group: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Advice:
    """How to follow a table, and why. `rows` is an estimate, or None; `more` that there are more than that.

    `strategy` is None where a person has to say something first: `why` says what.
    """

    table: str
    rows: int | None
    more: bool
    key: tuple[str, ...]
    strategy: Strategy | None
    column: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """All of it. `latency_ms` is the median of some trivial statements.

    `hints` are what the owner could do so that changes are told sooner or more surely; `skipped` is how many tables
    there was no time for.
    """

    capabilities: Capabilities
    rights: Report
    facts: tuple[Fact, ...]
    latency_ms: float
    findings: tuple[Finding, ...]
    tables: tuple[Advice, ...]
    hints: tuple[str, ...]
    skipped: int


def surveyed(
    source: OdbcSource | ScanSource,
    wanted: Sequence[str] = (),
    *,
    examine: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Survey:
    """Look at a source, and at these tables, or at the first of all of them as long as time allows.

    To `examine` the driver takes two seconds.

    Raises:
        Reject: ``unknown_table``.
        Retry, Stop: The database does not answer, or not this login.
    """
    if isinstance(source, ScanSource):
        return scanned(source, wanted, clock)
    started = clock()
    found, rights = source.probe(), source.rights()
    names = tuple(wanted) or source.tables()
    tables: list[Table] = []
    for name in names[:TABLES_MAX]:
        if not wanted and clock() - started > SECONDS_MAX:
            break
        tables.append(source.schema(name))
    advice: list[Advice] = []
    kept = kept_anywhere(source.asked) if found.dialect == "sqlserver" else None
    for table in tables:
        if not wanted and clock() - started > SECONDS_MAX:
            break
        one = found if kept is None else as_kept(found, kept.get((table.schema, table.local)))
        each = advised(table, one, *counted(source, table))
        advice.append(each if kept is None else replace(each, why=f"{each.why}; {said_of(table, kept)}"))
    told = facts(source)
    return Survey(
        found,
        rights,
        tuple(told),
        latency(source, clock),
        source.examined(tables) if examine else (),
        tuple(advice),
        hints(found.dialect, told),
        len(names) - len(advice),
    )


def as_kept(found: Capabilities, kept: Kept | None) -> Capabilities:
    """What can be done with a table of which nothing may be kept, where others have a log."""
    if kept is not None:
        return found
    return replace(found, changes=tuple(each for each in found.changes if each != "log"))


def scanned(source: ScanSource, wanted: Sequence[str], clock: Callable[[], float]) -> Survey:
    """The same of a file that can only be scanned, whose tables have no keys. `latency_ms` is an opening of it."""
    started = clock()
    names = tuple(wanted) or source.tables()
    latency_ms = (clock() - started) * 1000
    advice = []
    for name in names[:TABLES_MAX]:
        if not wanted and clock() - started > SECONDS_MAX:
            break
        with closing(source.rows(name)) as rows:
            number = sum(1 for _ in islice(rows, COUNTED_MAX + 1))
        why = "it tells no key: name columns that are unique together (gateway profile finds some), then diff"
        advice.append(Advice(name, min(number, COUNTED_MAX), number > COUNTED_MAX, (), None, None, why))
    told = (
        Fact("encoding", "texts", "UTF-8, as the driver converts them"),
        Fact("time", "time zone", "none; times are as they were typed in"),
        Fact("changes", "log", "none; the whole file is scanned each time, and a file that changes meanwhile again"),
        Fact("limits", "rows that can be looked at live", f"the first {SCANNED_MAX:,}, neither searched nor sorted"),
    )
    capabilities, rights = source.probe(), source.rights()
    return Survey(capabilities, rights, told, latency_ms, (), tuple(advice), (), len(names) - len(advice))


def facts(source: OdbcSource) -> list[Fact]:
    """What the server says of itself."""
    told: list[Fact] = []
    for group, name, sql in FACTS.get(source.dialect.name, ()):
        try:
            rows = source.asked(sql)
        except AdapterError:
            told.append(Fact(group, name, None))
        else:
            texts = [(row[0] or "").strip() for row in rows]
            more = f" and {len(texts) - NAMES_MAX} more" if len(texts) > NAMES_MAX else ""
            told.append(Fact(group, name, (", ".join(texts[:NAMES_MAX]) or "none") + more))
    return told


def hints(dialect: str, told: Sequence[Fact]) -> tuple[str, ...]:
    """What stands between the changes and the database's own log."""
    values = {fact.name: fact.value for fact in told}
    return tuple(
        f"{name} is {values[name]}: {remedy}"
        for name, wanted, remedy in WANTED.get(dialect, ())
        if values.get(name) not in (None, *wanted)
    )


def latency(source: OdbcSource, clock: Callable[[], float] = time.monotonic) -> float:
    """The median of some trivial statements, in milliseconds."""
    took: list[float] = []
    for _ in range(TRIES):
        started = clock()
        source.asked(f"SELECT 1{source.dialect.constants}")
        took.append(clock() - started)
    return statistics.median(took) * 1000


def counted(source: OdbcSource, table: Table) -> tuple[int | None, bool]:
    """How many rows a table has, as the catalogue believes or counted up to a cap; and whether there are more."""
    dialect = source.dialect
    estimate = ESTIMATES.get(dialect.name)
    if estimate:
        rows = source.asked(estimate, (table.local, table.schema))
        text = rows[0][0] if rows else None
        if text is not None and int(text) >= 0:
            return int(text), False
    home = rows_of(dialect, table) + dialect.isolation
    some = dialect.page.format(what="1 AS one", rest=rows_of(dialect, table), limit=COUNTED_MAX + 1)
    try:
        rows = source.asked(f"SELECT count(*) FROM ({some}) q{dialect.isolation}", doing=f"cannot count {home}")  # noqa: S608 - the catalogue's names, quoted
    except AdapterError:
        return None, False
    number = int(rows[0][0] or 0)
    return min(number, COUNTED_MAX), number > COUNTED_MAX


def watermarks(table: Table) -> list[Column]:
    """The columns that may grow with each change, the likeliest first."""

    def likely(column: Column) -> int:
        moment = column.type == "datetime" or (column.type == "binary" and "timestamp" in column.native.lower())
        if BY_WHOM.search(column.name) or column.type not in ("datetime", "int", "binary", "text"):
            return 0
        if moment:
            return 3 if GROWS.search(column.name) else 0 if BORN.search(column.name) else 1
        # A time in a column of texts has to say so itself; many a legacy system has no better type.
        named = STAMPED if column.type == "text" else GROWS
        return 2 if column.type != "binary" and named.search(column.name) else 0

    return sorted((each for each in table.columns if likely(each)), key=likely, reverse=True)


def advised(table: Table, found: Capabilities, rows: int | None, more: bool) -> Advice:
    """How to follow this table. The first rule that fits decides."""
    grows = next(iter(watermarks(table)), None)
    size = "rows" if rows is None else f"more than {so_many(rows, 'row')}" if more else so_many(rows, "row")
    large = more or (rows or 0) > LARGE
    strategy: Strategy | None
    column = None
    if not table.key:
        strategy = None
        why = (
            "it has no primary key: name columns that are unique together (keys: in connections.yaml; gateway profile "
            "finds some), then compare it (diff)"
        )
        if grows:
            why += f"; {grows.name} may grow with each change"
    elif "log" in found.changes:
        strategy, why = "log", "the database's own log tells every change, deletes too, and costs the tables nothing"
    elif large and grows:
        strategy, column = "watermark", grows.name
        why = f"{size} are too many to compare each time; {grows.name} may grow with each change"
    elif "diff" in found.changes:
        strategy = "diff"
        why = f"every change is found by comparing, deletes too; {size} are read each time, or their sums"
        if grows:
            why += f"; {grows.name} may grow with each change, which would read less"
    else:
        strategy, why = "snapshot", f"{size} are read each time"
    return Advice(table.name, rows, more, table.key, strategy, column, why)
