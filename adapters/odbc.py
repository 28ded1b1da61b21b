"""Any database with an ODBC driver: its tables, pages of them, and their changes. Only ever read.

Memory is flat whatever a table's size: a snapshot goes along the key in pages, each a short statement of its own, so
that it holds no lock and can go on where it stopped. Everything is read and bound as text (:mod:`adapters.values`).
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adapters import mariadb, sqlserver
from adapters.binlogchecks import logs_rows
from adapters.binlogwire import Wire
from adapters.bounds import followed
from adapters.bundles import Bundles
from adapters.conformance import examined
from adapters.connections import Connections, driver_manager, parsed
from adapters.errors import Reject, Stop, nearest
from adapters.governor import Governor, nobody
from adapters.hashdiff import Diff
from adapters.jsonrows import rows_of as rows_of_cells
from adapters.live import Live
from adapters.model import Capabilities, Column, Following, Lines, Page, Selection, Table
from adapters.named import NO_QUERIES, as_table
from adapters.options import settings
from adapters.paging import Asked, place_at
from adapters.portions import Cut, Sizes, TooMuch, paced, rows_within
from adapters.postgres import Log, acknowledge
from adapters.protocol import Recall, forgetful
from adapters.reading import Columns
from adapters.readonly import guarded
from adapters.slotchecks import allowed
from adapters.slots import Slot, Way, in_portions, lags
from adapters.statements import Clause, Condition, Ordered, Read, compared, read, rows_of
from adapters.values import parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.bundles import Bundle
    from adapters.conformance import Finding
    from adapters.connections import Got
    from adapters.dialects import Dialect
    from adapters.governor import Told
    from adapters.model import Batch, Filter, Lag, Strategy
    from adapters.options import Settings
    from adapters.queries import NamedQuery
    from adapters.rights import Report
    from adapters.statements import Raw

ROWS_MAX = 10_000
SCHEMA_SECONDS = 60.0
STRATEGIES: tuple[Strategy, ...] = ("snapshot", "watermark", "diff")
LOGS: Mapping[str, tuple[Strategy, ...]] = dict.fromkeys(("postgresql", "mariadb", "mysql", "sqlserver"), ("log",))
"""What a dialect can besides."""
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "startswith", "isnull")
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
        portions = Connections(in_portions(connection_string), self._settings, self._governor, now=now)
        self._way = Way(self._fetch, portions)
        self._slots: dict[tuple[Any, ...], Slot] = {}
        self._text = connection_string
        self._wires: dict[tuple[Any, ...], Wire] = {}
        self._clock = clock
        self._sizes: dict[tuple[str, int], Sizes] = {}
        self.live = Live(self, self._governor, clock=clock, now=now)
        self._schemas: dict[str, tuple[float, Table]] = {}
        self._bundles: dict[str, Bundles] = {}

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
        told = {"postgresql": allowed, "sqlserver": sqlserver.keeps_changes}.get(dialect.name, logs_rows)
        logs = LOGS.get(dialect.name, ())
        logs = logs if logs and told(self._fetch) else ()
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
        return self._fetch(guarded(sql), parameters, doing)

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
        rows = self._fetch(guarded(dialect.columns), (local, schema), f"cannot read the columns of {table!r}")
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
        found = as_table(name, query, dialect, describe, lambda sql: self._fetch(sql, (), doing))
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
        plan, raws, following = self._page(self._asked(table, selection))
        return Page(plan.rows(raws), following)

    def lines(self, table: str, selection: Selection) -> Lines:
        """The same page as JSON, which is ready sooner than its values are (:mod:`adapters.jsonrows`)."""
        asked = self._asked(table, selection)
        columns, limit = asked.columns, asked.limit
        found = self._bundled(
            asked.table,
            _cells_and_picks,
            columns,
            asked.order,
            where=asked.where,
            after=asked.after,
            limit=limit + 1,
            each=True,
        )
        if found is None:
            _, raws, following = self._page(asked)
            texts = list(zip(*(raw[: len(columns)] for raw in raws), strict=True))
            return Lines(rows_of_cells(columns, texts), len(raws), following)
        cells, picks = found
        count, places = len(cells[0]), [cells[pick] for pick in picks[len(columns) :]]
        if count:
            asked.goes_on(place_at(places, 0))
        following = place_at(places, limit - 1) if count > limit else None
        if following is not None:
            asked.unique(following, place_at(places, limit))
        shown = [each[:limit] for each in cells[: len(columns)]]
        return Lines(rows_of_cells(columns, shown, marked=True), min(count, limit), following)

    def count(self, table: str, filters: Sequence[Filter]) -> int:
        """How many rows the filters leave; the database counts them."""
        known = self._schema(table)
        return _TableReader(self, known).count([_condition(known, item) for item in filters])

    def _asked(self, table: str, selection: Selection) -> Asked:
        """What a selection asks of a table, checked."""
        known = self._schema(table)
        if not 1 <= selection.limit <= ROWS_MAX:
            raise Reject("bad_limit", f"a page has 1 to {ROWS_MAX} rows, not {selection.limit}", "Ask for fewer")
        order = _order(known, selection)
        for item in order:
            self._comparable(item.column)
        after = selection.after
        if after is not None and len(after) != len(order):
            raise Reject(
                "bad_cursor",
                f"the place to go on from has {len(after)} values, the order has {len(order)} columns",
                "Use the 'next' of a page with the same sort and key",
            )
        return Asked(
            known,
            [_column(known, name) for name in selection.columns] or list(known.columns),
            order,
            [_condition(known, item) for item in selection.filters],
            None if after is None else tuple(after),
            min(selection.limit, self._settings.rows_max),
        )

    def _page(self, asked: Asked) -> tuple[Read, list[Raw], Raw | None]:
        """The rows of a page as they came, and where the next one begins."""
        limit = asked.limit
        plan, raws = self._read(
            asked.table,
            asked.columns,
            asked.order,
            where=asked.where,
            after=asked.after,
            limit=limit + 1,
            cut=True,
        )
        shown = raws[:limit] if len(raws) > limit else list(raws)
        following = plan.place(shown[-1]) if len(raws) > limit or isinstance(raws, Cut) else None
        if len(raws) > limit and following is not None:
            asked.unique(following, plan.place(raws[limit]))
        return plan, shown, following

    def row(self, table: str, key: tuple[str, ...]) -> dict[str, Any] | None:
        """The row of a primary key, or None. The parts are text, in the key's order; one that cannot be is no row.

        Raises:
            Reject: ``unknown_table``, ``no_key`` or ``bad_key``.
        """
        known = self._schema(table)
        parts = _key(known, ())
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
        plan, raws = self._read(known, list(known.columns), [], where=where, after=None, limit=1)
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
        there_are = STRATEGIES + LOGS.get(self._connections.dialect.name, ())
        if following.strategy not in there_are:
            raise Reject(
                "bad_strategy",
                f"the changes of {table!r} cannot be followed by {following.strategy!r} here",
                f"There are: {', '.join(there_are)}",
            )
        with self._governor.question("follow"):
            known = self.schema(table)
        parts = _key(known, following.key)
        for part in parts:
            self._comparable(part)
        if not 1 <= batch <= ROWS_MAX:
            raise Reject("bad_limit", f"a batch has 1 to {ROWS_MAX} rows, not {batch}", "Ask for fewer")
        reader = _TableReader(self, known)
        watermark = self._watermark(known, following)

        def begin(position: str | None, batch: int) -> Iterator[Batch]:
            if following.strategy == "log" and self._connections.dialect.name == "sqlserver":
                return sqlserver.followed(reader, parts, following, position=position, batch=batch)
            if following.strategy == "log" and self._connections.dialect.name != "postgresql":
                wire = self._wire(known, following)
                return mariadb.Log(
                    wire, following, reader, known, parts, batch, recall=recall, clock=self._clock
                ).batches(position)
            if following.strategy == "log":
                slot = self._slot(known, following)
                return Log(self._way, slot, reader, known, parts, batch, recall=recall, clock=self._clock).batches(
                    position
                )
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
        column = _column(known, following.column)
        self._comparable(column)
        if column.type in ("bool", "float", "time"):
            raise Reject(
                "bad_column",
                f"column {column.name!r} ({column.native}) cannot tell what is new",
                "Name one that grows with each change: a timestamp, a sequence, a row version",
            )
        return column

    def ack(self, table: str, following: Following, position: str) -> None:
        """A slot lets the server forget what was before; nothing else keeps a log for us."""
        if following.strategy == "log" and self._connections.dialect.name == "postgresql":
            with self._governor.question("follow"):
                acknowledge(self._slot(self._schema(table), following), position)

    def lag(self, table: str, following: Following) -> Lag | None:
        """How far the log is ahead of what was acknowledged; None where none is kept for us."""
        if following.strategy != "log" or self._connections.dialect.name != "postgresql":
            return None
        with self._governor.question("follow"):
            return self._slot(self._schema(table), following).lag()

    def slots(self) -> tuple[Lag, ...]:
        """What the replication slots that are named as ours cost the server; none where there is no such thing."""
        if self._connections.dialect.name != "postgresql":
            return ()
        with self._governor.question("follow"):
            return lags(self._way)

    def slot_of(self, table: str) -> str:
        """The name of the slot by which a table's log is read, whether there is one or not."""
        with self._governor.question("follow"):
            return self._slot(self._schema(table), Following("log")).name

    def drop_slot(self, table: str) -> None:
        """Have the server forget what it keeps for a table's slot; whoever read it will find a gap, and say so."""
        with self._governor.question("follow"):
            self._slot(self._schema(table), Following("log")).let_go()

    @property
    def settings(self) -> Settings:
        """The options, as they were read."""
        return self._settings

    def _wire(self, table: Table, following: Following) -> Wire:
        name = (table.name, *sorted(following.options.items()))
        if name not in self._wires:
            self._wires[name] = Wire(
                parsed(self._text),
                address=following.options.get("address", ""),
                connect_seconds=self._settings.connect_timeout_seconds,
                read_seconds=self._settings.timeout_seconds,
                clock=self._clock,
            )
        return self._wires[name]

    def _slot(self, table: Table, following: Following) -> Slot:
        name = (table.name, *sorted(following.options.items()))
        if name not in self._slots:
            self._slots[name] = Slot(
                self._way,
                table,
                following,
                replication=self._settings.replication,
                connect_seconds=self._settings.connect_timeout_seconds,
            )
        return self._slots[name]

    def close(self) -> None:
        """Let go of the database; the next question opens it again."""
        self._connections.close()
        for wire in self._wires.values():
            wire.close()
        for slot in self._slots.values():
            slot.leave()
        self._way.close()

    def _catalogue(self) -> dict[str, tuple[str, str]]:
        rows = self._fetch(guarded(self._connections.dialect.tables), (), "cannot read the list of tables")
        named = ((schema or "", name or "", default == "1") for schema, name, default in rows)
        return {name if default else f"{schema}.{name}": (schema, name) for schema, name, default in named}

    def _schema(self, table: str) -> Table:
        """The schema, at most a minute old."""
        at, known = self._schemas.get(table, (None, None))
        if at is not None and known is not None and self._clock() - at < SCHEMA_SECONDS:
            return known
        return self.schema(table)

    def _comparable(self, column: Column) -> None:
        if not self._connections.dialect.finds_again(column):
            raise Reject(
                "bad_column",
                f"column {column.name!r} ({column.native}) cannot be compared exactly in this database",
                "Sort and find rows by another column",
            )

    def _read(
        self,
        table: Table,
        columns: Sequence[Column],
        order: Sequence[Ordered],
        *,
        where: Sequence[Condition | Clause],
        after: Raw | None,
        limit: int,
        beside: Column | None = None,
        cut: bool = False,
    ) -> tuple[Read, list[Raw]]:
        for item in order:
            self._comparable(item.column)
        plan = read(
            self._connections.dialect,
            table,
            columns,
            order=order,
            where=where,
            after=after,
            beside=beside,
            limit=limit,
        )
        try:
            doing, size = f"cannot read table {table.name!r}", self._settings.bytes_max
            raws = None
            if not cut:
                raws = self._bundled(
                    table, Bundles.rows, columns, order, where=where, after=after, limit=limit, beside=beside
                )
            if raws is None:
                raws = self._fetch(plan.sql, plan.parameters, doing, bytes_max=size)
                if not cut:
                    self._bundles.setdefault(table.name, Bundles()).measure(raws)
        except Stop:
            self._schemas.pop(table.name, None)  # perhaps a column is gone; look again next time
            self._bundles.pop(table.name, None)
            raise
        if isinstance(raws, Cut) and not cut:
            raise TooMuch(f"{doing}: {limit} rows are larger than {size} bytes together")
        if raws:
            Asked(table, columns, order, where, after, limit).goes_on(plan.place(raws[0]))
        return plan, raws

    def _read_columns(
        self, table: Table, order: Sequence[Ordered], *, after: Raw | None, limit: int
    ) -> tuple[Read, Columns]:
        """Up to `limit` rows, all columns, read in as few pieces as they come in."""
        for item in order:
            self._comparable(item.column)
        columns = table.columns
        found = self._bundled(table, Bundles.columns, columns, order, where=(), after=after, limit=limit)
        if found is None:
            plan, raws = self._read(table, columns, order, where=(), after=after, limit=limit)
            return plan, Columns.of(raws, len(columns) + plan.places)
        plan = read(self._connections.dialect, table, columns, order=order, after=after, limit=limit)
        if found.count:
            Asked(table, columns, order, (), after, limit).goes_on(found.first(1).places(plan)[0])
        return plan, found

    def _bundled(
        self,
        table: Table,
        take: Callable[[Bundles, Bundle, Any, int], Got | None],
        columns: Sequence[Column],
        order: Sequence[Ordered],
        *,
        where: Sequence[Condition | Clause],
        after: Raw | None,
        limit: int,
        beside: Column | None = None,
        each: bool = False,
    ) -> Got | None:
        """What is taken of the same rows, read in fewer pieces; None where they do not come so."""
        bundles = self._bundles.setdefault(table.name, Bundles())
        bundle = bundles.of(
            self._connections.dialect,
            table,
            columns,
            order=order,
            where=where,
            after=after,
            beside=beside,
            limit=limit,
            each=each,
        )
        if bundle is None:
            return None
        try:
            size = self._settings.bytes_max
            return self._connections.ask(lambda cursor: take(bundles, bundle, cursor, size), "")
        except Stop:
            bundles.loose = True  # whatever it is, it is said of the plain statement, if of that too
            return None

    def _fetch(self, sql: str, parameters: Sequence[str], doing: str, *, bytes_max: int = sys.maxsize) -> list[Raw]:
        """All rows of one guarded statement, or those that are not too much together (:class:`Cut`)."""
        return self._connections.ask(lambda cursor: rows_within(cursor.execute(sql, *parameters), bytes_max), doing)


class _TableReader:
    """One table of a source, as the strategies read it."""

    def __init__(self, source: OdbcSource, table: Table) -> None:
        self._source = source
        self._table = table

    @property
    def table(self) -> Table:
        """The table."""
        return self._table

    @property
    def dialect(self) -> Dialect:
        """What its database speaks."""
        return self._source._connections.dialect  # noqa: SLF001 - as below

    def fetch(self, sql: str, parameters: Sequence[str]) -> list[Raw]:
        """All rows of one statement about the table."""
        return self._source._fetch(guarded(sql), parameters, f"cannot read table {self._table.name!r}")  # noqa: SLF001 - as below

    def rows(
        self,
        order: Sequence[Ordered],
        *,
        where: Sequence[Condition | Clause] = (),
        after: Raw | None = None,
        beside: Column | None = None,
        limit: int,
        of: Table | None = None,
    ) -> tuple[Read, list[Raw]]:
        """Up to `limit` rows, all columns, of the table or `of` a statement that stands where it does."""
        table = of or self._table
        return self._source._read(  # noqa: SLF001 - the two are one object, seen from the watermark's side
            table, table.columns, order, where=where, after=after, limit=limit, beside=beside
        )

    def columns(self, order: Sequence[Ordered], *, after: Raw | None, limit: int) -> tuple[Read, Columns]:
        """Up to `limit` rows beyond `after`, column by column."""
        return self._source._read_columns(self._table, order, after=after, limit=limit)  # noqa: SLF001 - as above

    def count(self, where: Sequence[Condition]) -> int:
        """How many rows there are."""
        dialect = self._source._connections.dialect  # noqa: SLF001 - as above
        clause = " AND ".join(compared(dialect, condition) for condition in where)
        clause = f" WHERE {clause}" if clause else ""
        sql = f"SELECT count(*) FROM {rows_of(dialect, self._table)}{clause}{dialect.isolation}"  # noqa: S608 - names are the catalogue's, quoted
        texts = [text for condition in where for text in condition.values]
        rows = self._source._fetch(guarded(sql), texts, f"cannot read table {self._table.name!r}")  # noqa: SLF001
        return int(rows[0][0] or 0)


def _cells_and_picks(
    bundles: Bundles, bundle: Bundle, cursor: Any, bytes_max: int
) -> tuple[list[list[str]], tuple[int, ...]] | None:
    """The cells of each column, and which of them make a row and its place."""
    cells = bundles.cells(bundle, cursor, bytes_max)
    return None if cells is None else (cells, bundle.picks)


def _column(table: Table, name: str) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    names = [column.name for column in table.columns]
    raise Reject("unknown_column", f"table {table.name!r} has no column {name!r}", nearest(name, names))


def keyed(table: Table, names: tuple[str, ...]) -> Table:
    """The table with the key that was declared for it, where its catalogue knows none.

    Raises:
        Reject: ``unknown_column``.
    """
    if table.primary:
        return table
    for name in names:
        _column(table, name)
    return replace(table, declared=names)


def _key(table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns that identify a row: those named, else the primary key."""
    parts = tuple(_column(table, name) for name in names or table.key)
    if not parts:
        raise Reject(
            "no_key",
            f"table {table.name!r} has no primary key, so its rows cannot be told apart",
            f"Name columns that are unique together in connections.yaml, under keys: a line {table.name}: KDNR",
        )
    return parts


def _order(table: Table, selection: Selection) -> list[Ordered]:
    """The asked order, made total by the key."""
    order = [Ordered(_column(table, item.column), item.descending) for item in selection.sort]
    descending = order[-1].descending if order else False
    taken = {item.column.name for item in order}
    if len(taken) < len(order):
        raise Reject("bad_sort", "a column is named twice in the sort", "Name each once")
    return order + [Ordered(column, descending) for column in _key(table, selection.key) if column.name not in taken]


def _condition(table: Table, item: Filter) -> Condition:
    """A caller's filter, its names and values checked."""
    column = _column(table, item.column)
    if item.op not in OPERATORS:
        raise Reject("unknown_operator", f"there is no operator {item.op!r}", nearest(item.op, OPERATORS))
    if item.op == "isnull":
        wanted = {"true": True, "1": True, "false": False, "0": False}.get(str(item.value).lower())
        if wanted is None:
            raise Reject("bad_value", f"{item.value!r} is neither true nor false", f"Write {column.name}__isnull=true")
        return Condition(column, "isnull" if wanted else "notnull")
    if item.op in ("contains", "startswith") and column.type != "text":
        raise Reject(
            "bad_operator",
            f"{item.op!r} needs a text column, and {column.name!r} is {column.native or column.type}",
            "Compare it with gte and lte",
        )
    values = item.value if isinstance(item.value, (list, tuple)) else (item.value,)
    if item.op != "in" and len(values) != 1:
        raise Reject("bad_value", f"{item.op!r} takes one value, not {len(values)}", "Use 'in' for several")
    if not 1 <= len(values) <= 1000:
        raise Reject("bad_value", f"'in' takes 1 to 1000 values, not {len(values)}", "Ask in several requests")
    return Condition(column, item.op, tuple(parameter(column, value) for value in values))
