"""Any database with an ODBC driver: its tables, pages of them, and their changes. Only ever read.

Memory is flat whatever a table's size: a snapshot goes along the key in pages, each a short statement of its own, so
that it holds no lock and can go on where it stopped. Everything is read and bound as text (:mod:`adapters.values`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adapters.bounds import followed
from adapters.conformance import examined
from adapters.connections import Connections, driver_manager
from adapters.errors import Reject, Stop, nearest
from adapters.governor import Governor, nobody
from adapters.hashdiff import Diff
from adapters.live import Live
from adapters.logs import Logs
from adapters.model import Capabilities, Column, Following, Lines, Page, Selection, Table
from adapters.named import NO_QUERIES, as_table
from adapters.options import settings
from adapters.portions import Sizes, paced
from adapters.postgres import acknowledge
from adapters.protocol import Recall, forgetful
from adapters.readonly import guarded
from adapters.selections import ROWS_MAX, asked, column_of, comparable, condition_of, key_of, keyed
from adapters.statements import Condition
from adapters.tablereads import TableReader, TableReads
from adapters.values import parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.conformance import Finding
    from adapters.dialects import Dialect
    from adapters.governor import Told
    from adapters.model import Batch, Filter, Lag, Strategy
    from adapters.options import Settings
    from adapters.paging import Asked
    from adapters.queries import NamedQuery
    from adapters.rights import Report
    from adapters.statements import Raw

SCHEMA_SECONDS = 60.0
STRATEGIES: tuple[Strategy, ...] = ("snapshot", "watermark", "diff")
"""What every database can; :mod:`adapters.logs` has what some can besides."""
NO_OPTIONS: Mapping[str, str] = {}
NO_KEYS: Mapping[str, tuple[str, ...]] = {}


class OdbcSource:
    """One database behind an ODBC connection string.

    Nothing is opened before the first question. Several threads may ask at once; each gets a connection of its own, up
    to the option ``connections`` (4). ``timeout_seconds`` (30) ends a statement, ``connect_timeout_seconds`` (10) an
    attempt to connect; ``dialect`` is said where the driver's name does not tell it; :mod:`adapters.options` has the
    others. `clock` gives seconds, `now` the time of day.

    `queries` stand beside the tables under names of their own (:mod:`adapters.queries`). `keys` names, by table, the
    columns that are unique together and never NULL where the catalogue knows no primary key.

    `live` is for whoever answers callers: it shares answers, and says how old they are. `told` hears of the circuit
    breaker (:class:`adapters.governor.Governor`).
    """

    def __init__(
        self,
        connection_string: str,
        *,
        options: Mapping[str, str] = NO_OPTIONS,
        queries: Mapping[str, NamedQuery] = NO_QUERIES,
        keys: Mapping[str, tuple[str, ...]] = NO_KEYS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        told: Told = nobody,
    ) -> None:
        self._settings = settings(options)
        self._governor = Governor(self._settings, clock=clock, now=now, told=told)
        self._connections = Connections(connection_string, self._settings, self._governor, now=now)
        self._queries = queries
        self._keys = keys
        self._schemas: dict[str, tuple[float, Table]] = {}
        self._reads = TableReads(self._connections, self._settings, lambda table: self._schemas.pop(table, None))
        self._logs = Logs(connection_string, self._settings, self._governor, self._reads, clock=clock, now=now)
        self._clock = clock
        self._sizes: dict[tuple[str, int], Sizes] = {}
        self.live = Live(self, self._governor, clock=clock, now=now)

    def probe(self) -> Capabilities:
        """Connect, have the session prove that it cannot write, and say what answered."""
        pyodbc = driver_manager()
        asked = (
            pyodbc.SQL_DBMS_NAME,
            pyodbc.SQL_DBMS_VER,
            pyodbc.SQL_DRIVER_NAME,
            pyodbc.SQL_DRIVER_VER,
        )
        product, version, driver, driver_version = self._connections.ask(
            lambda cursor: [str(cursor.connection.getinfo(fact)) for fact in asked], "cannot ask what the database is"
        )
        dialect = self._connections.dialect
        logs = self._logs.allowed()
        return Capabilities(
            dialect=dialect.name,
            product=product,
            version=version,
            driver=driver,
            driver_version=driver_version,
            read_only=self._connections.read_only,
            server_timeout=dialect.server_timeout,
            changes=STRATEGIES + logs,
            deletes=("diff", *logs),
        )

    def rights(self, *, attempts: bool = False) -> Report:
        """What the login may do, and with `attempts` what the session answers to every harmless attempt to write.

        Raises:
            Stop: The login can write and the configuration gives no reason for it, or an attempt was not refused.
        """
        with self._governor.question():
            return self._connections.attempts() if attempts else self._connections.rights()

    @property
    def dialect(self) -> Dialect:
        """What this database speaks; connects if only the server can tell."""
        return self._connections.dialect

    def asked(self, sql: str, parameters: Sequence[str] = (), *, doing: str = "cannot ask the database") -> list[Raw]:
        """The rows of a SELECT of this package's own; `doing` begins the message of what goes wrong."""
        return self._reads.fetch(guarded(sql), parameters, doing)

    def examined(self, tables: Sequence[Table] = ()) -> tuple[Finding, ...]:
        """What the driver gets wrong, found out in a connection of its own (:mod:`adapters.conformance`)."""
        connection = self._connections.connect()
        try:
            return examined(connection, self.dialect, tables, clock=self._clock)
        finally:
            connection.close()

    def tables(self) -> tuple[str, ...]:
        """The tables and views that the login sees, and the named queries, sorted.

        One outside the default schema is ``schema.table``.
        """
        known = self._catalogue()
        for name in self._queries.keys() & known:
            raise Stop(f"the query {name!r} has the name of a table", "Give the query another name")
        return tuple(sorted({*known, *self._queries}))

    def schema(self, table: str) -> Table:
        """Columns, types and key of a table, fresh from the catalogue.

        Raises:
            Reject: ``unknown_table``, ``unknown_column`` for a declared key, or ``bad_query`` for a named query that
                may not be asked.
        """
        if table in self._queries:
            return self._described(table)
        known = self._catalogue()
        if table not in known:
            raise Reject("unknown_table", f"there is no table {table!r}", nearest(table, {*known, *self._queries}))
        schema, local = known[table]
        dialect = self._connections.dialect
        rows = self._reads.fetch(guarded(dialect.columns), (local, schema), f"cannot read the columns of {table!r}")
        columns = tuple(
            Column(name, native, dialect.classify(native), nullable == "1", int(key), bind_as)
            for name, native, bind_as, nullable, key in (tuple(text or "" for text in row) for row in rows)
        )
        found = keyed(Table(table, schema, local, columns), self._keys.get(table, ()))
        self._schemas[table] = (self._clock(), found)
        return found

    def _described(self, name: str) -> Table:
        """What a named query gives."""
        doing = f"cannot ask the query {name!r}"

        def describe(sql: str) -> list[tuple[str, Any]]:
            told = self._connections.ask(lambda cursor: cursor.execute(sql).description, doing)
            return [(str(each[0]), each[1]) for each in told]

        query, dialect = self._queries[name], self._connections.dialect
        found = as_table(name, query, dialect, describe, lambda sql: self._reads.fetch(sql, (), doing))
        found = keyed(found, self._keys.get(name, ()))
        self._schemas[name] = (self._clock(), found)
        return found

    def page(self, table: str, selection: Selection) -> Page:
        """Some rows now, in the asked order, then by key: fewer than asked for where the source is to be protected so.

        Raises:
            Reject: ``unknown_table``, ``unknown_column``, ``unknown_operator``, ``bad_operator``, ``bad_value``,
                ``bad_sort``, ``bad_limit``, ``bad_cursor``, ``bad_column``, ``no_key`` or ``key_not_unique``; the
                message tells which part of the selection.
        """
        plan, raws, following = self._reads.page(self._asked(table, selection))
        return Page(plan.rows(raws), following)

    def lines(self, table: str, selection: Selection) -> Lines:
        """The same page as JSON, which is ready sooner than its values are (:mod:`adapters.jsonrows`)."""
        return self._reads.lines(self._asked(table, selection))

    def count(self, table: str, filters: Sequence[Filter]) -> int:
        """How many rows the filters leave; the database counts them."""
        known = self._schema(table)
        return TableReader(self._reads, known).count([condition_of(known, item) for item in filters])

    def _asked(self, table: str, selection: Selection) -> Asked:
        return asked(self._connections.dialect, self._schema(table), selection, self._settings.rows_max)

    def row(self, table: str, key: tuple[str, ...]) -> dict[str, Any] | None:
        """The row of a primary key, or None. The parts are text, in the key's order; one that cannot be is no row.

        Raises:
            Reject: ``unknown_table``, ``no_key`` or ``bad_key``.
        """
        known = self._schema(table)
        parts = key_of(known, ())
        if len(parts) != len(key):
            raise Reject(
                "bad_key",
                f"the key of {table!r} is {', '.join(part.name for part in parts)}, but {len(key)} values were given",
                "Give one value for each",
            )
        try:
            where = [Condition(part, "eq", (parameter(part, text),)) for part, text in zip(parts, key, strict=True)]
        except Reject:
            return None
        plan, raws = self._reads.read(known, list(known.columns), [], where=where, after=None, limit=1)
        return plan.rows(raws)[0] if raws else None

    def changes(
        self,
        table: str,
        following: Following,
        *,
        position: str | None,
        recall: Recall = forgetful,
        batch: int = 1000,
    ) -> Iterator[Batch]:
        """What is new since the position, in batches of up to `batch` rows, each with the position after it.

        Without a position: a snapshot. With the strategy ``snapshot``: another one each time the last one was finished.
        See :mod:`adapters.watermark` for what a growing column promises and what it does not, and
        :mod:`adapters.hashdiff` for comparing, which needs the notes that it asked to be remembered.

        Raises:
            Reject: ``unknown_table``, ``unknown_column``, ``no_key``, ``key_not_unique``, ``bad_column``,
                ``bad_strategy`` or ``bad_limit``.
            Stop: The position belongs to another key, column or strategy.
        """
        there_are = STRATEGIES + self._logs.strategies()
        if following.strategy not in there_are:
            raise Reject(
                "bad_strategy",
                f"the changes of {table!r} cannot be followed by {following.strategy!r} here",
                f"There are: {', '.join(there_are)}",
            )
        with self._governor.question("follow"):
            known = self.schema(table)
        parts = key_of(known, following.key)
        for part in parts:
            comparable(self._connections.dialect, part)
        if not 1 <= batch <= ROWS_MAX:
            raise Reject("bad_limit", f"a batch has 1 to {ROWS_MAX} rows, not {batch}", "Ask for fewer")
        reader = TableReader(self._reads, known)
        watermark = self._watermark(known, following)

        def begin(position: str | None, batch: int) -> Iterator[Batch]:
            if following.strategy == "log":
                return self._logs.batches(reader, parts, following, position=position, recall=recall, batch=batch)
            if following.strategy == "diff":
                return Diff(reader, parts, recall, batch).batches(position)
            return followed(reader, parts, watermark, following, position=position, recall=recall, batch=batch)

        wanted = min(batch, self._settings.rows_max)
        sizes = self._sizes.setdefault((table, wanted), Sizes(wanted))
        return paced(self._governor, begin, position, sizes)

    def _watermark(self, known: Table, following: Following) -> Column | None:
        """The column that grows, where the strategy wants one."""
        if following.strategy != "watermark":
            return None
        if following.column is None:
            raise Reject("bad_column", "a watermark needs the column that grows", "Name a timestamp or a sequence")
        growing = column_of(known, following.column)
        comparable(self._connections.dialect, growing)
        if growing.type in ("bool", "float", "time"):
            raise Reject(
                "bad_column",
                f"column {growing.name!r} ({growing.native}) cannot tell what is new",
                "Name one that grows with each change: a timestamp, a sequence, a row version",
            )
        return growing

    def ack(self, table: str, following: Following, position: str) -> None:
        """A slot lets the server forget what was before; nothing else keeps a log for us."""
        if following.strategy == "log" and self._logs.has_slots:
            with self._governor.question("follow"):
                acknowledge(self._logs.slot(self._schema(table), following), position)

    def lag(self, table: str, following: Following) -> Lag | None:
        """How far the log is ahead of what was acknowledged; None where none is kept for us."""
        if following.strategy != "log" or not self._logs.has_slots:
            return None
        with self._governor.question("follow"):
            return self._logs.slot(self._schema(table), following).lag()

    def slots(self) -> tuple[Lag, ...]:
        """What the replication slots that are named as ours cost the server; none where there is no such thing."""
        if not self._logs.has_slots:
            return ()
        with self._governor.question("follow"):
            return self._logs.lags()

    def slot_of(self, table: str) -> str:
        """The name of the slot by which a table's log is read, whether there is one or not."""
        with self._governor.question("follow"):
            return self._logs.slot(self._schema(table), Following("log")).name

    def drop_slot(self, table: str) -> None:
        """Have the server forget what it keeps for a table's slot; whoever read it will find a gap, and say so."""
        with self._governor.question("follow"):
            self._logs.slot(self._schema(table), Following("log")).let_go()

    @property
    def settings(self) -> Settings:
        """The options, as they were read."""
        return self._settings

    def close(self) -> None:
        """Let go of the database; the next question opens it again."""
        self._connections.close()
        self._logs.close()

    def _catalogue(self) -> dict[str, tuple[str, str]]:
        rows = self._reads.fetch(guarded(self._connections.dialect.tables), (), "cannot read the list of tables")
        named = ((schema or "", name or "", default == "1") for schema, name, default in rows)
        return {name if default else f"{schema}.{name}": (schema, name) for schema, name, default in named}

    def _schema(self, table: str) -> Table:
        """The schema, at most a minute old."""
        at, known = self._schemas.get(table, (None, None))
        if at is not None and known is not None and self._clock() - at < SCHEMA_SECONDS:
            return known
        return self.schema(table)
