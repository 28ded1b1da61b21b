"""Rows of a table as they come over ODBC: one guarded statement, in as few pieces as its driver gives them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from adapters.bundles import Bundles
from adapters.counts import so_many
from adapters.errors import Stop
from adapters.jsonrows import rows_of as rows_of_cells
from adapters.model import Lines
from adapters.paging import Asked, place_at
from adapters.portions import Cut, TooMuch, rows_within
from adapters.reading import Columns
from adapters.readonly import guarded
from adapters.selections import comparable
from adapters.statements import compared, read, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.bundles import Bundle
    from adapters.connections import Connections, Got
    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.options import Settings
    from adapters.statements import Clause, Condition, Ordered, Raw, Read


class TableReads:
    """Reads the tables of one database; `gone` is told the name of one that could not be read.

    What was measured of a table's rows is kept, so that the next ones come in fewer pieces.
    """

    def __init__(self, connections: Connections, settings: Settings, gone: Callable[[str], object]) -> None:
        self._connections = connections
        self._settings = settings
        self._gone = gone
        self.bundles: dict[str, Bundles] = {}

    @property
    def dialect(self) -> Dialect:
        """What the database speaks."""
        return self._connections.dialect

    def page(self, asked: Asked) -> tuple[Read, list[Raw], Raw | None]:
        """The rows of a page as they came, and where the next one begins."""
        limit = asked.limit
        plan, raws = self.read(
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

    def lines(self, asked: Asked) -> Lines:
        """The same page as JSON, which is ready sooner than its values are (:mod:`adapters.jsonrows`)."""
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
            _, raws, following = self.page(asked)
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

    def read(
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
        """Up to `limit` rows beyond `after`, cell by cell; `cut`: those that are not too much together.

        Raises:
            Reject: ``bad_column``.
            TooMuch: they are, and may not be cut.
        """
        for item in order:
            comparable(self.dialect, item.column)
        plan = read(
            self.dialect,
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
                raws = self.fetch(plan.sql, plan.parameters, doing, bytes_max=size)
                if not cut:
                    self.bundles.setdefault(table.name, Bundles()).measure(raws)
        except Stop:
            self._gone(table.name)  # perhaps a column is gone; look again next time
            self.bundles.pop(table.name, None)
            raise
        if isinstance(raws, Cut) and not cut:
            raise TooMuch(f"{doing}: {so_many(limit, 'row is', 'rows are')} larger than {size} bytes together")
        if raws:
            Asked(table, columns, order, where, after, limit).goes_on(plan.place(raws[0]))
        return plan, raws

    def read_columns(
        self, table: Table, order: Sequence[Ordered], *, after: Raw | None, limit: int
    ) -> tuple[Read, Columns]:
        """Up to `limit` rows, all columns, read in as few pieces as they come in."""
        for item in order:
            comparable(self.dialect, item.column)
        columns = table.columns
        found = self._bundled(table, Bundles.columns, columns, order, where=(), after=after, limit=limit)
        if found is None:
            plan, raws = self.read(table, columns, order, where=(), after=after, limit=limit)
            return plan, Columns.of(raws, len(columns) + plan.places)
        plan = read(self.dialect, table, columns, order=order, after=after, limit=limit)
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
        bundles = self.bundles.setdefault(table.name, Bundles())
        bundle = bundles.of(
            self.dialect,
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

    def fetch(self, sql: str, parameters: Sequence[str], doing: str, *, bytes_max: int = sys.maxsize) -> list[Raw]:
        """All rows of one guarded statement, or those that are not too much together (:class:`Cut`)."""
        return self._connections.ask(lambda cursor: rows_within(cursor.execute(sql, *parameters), bytes_max), doing)


class TableReader:
    """One table, as the strategies of following read it."""

    def __init__(self, reads: TableReads, table: Table) -> None:
        self._reads = reads
        self._table = table

    @property
    def table(self) -> Table:
        """The table."""
        return self._table

    @property
    def dialect(self) -> Dialect:
        """What its database speaks."""
        return self._reads.dialect

    def fetch(self, sql: str, parameters: Sequence[str]) -> list[Raw]:
        """All rows of one statement about the table."""
        return self._reads.fetch(guarded(sql), parameters, f"cannot read table {self._table.name!r}")

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
        return self._reads.read(table, table.columns, order, where=where, after=after, limit=limit, beside=beside)

    def columns(self, order: Sequence[Ordered], *, after: Raw | None, limit: int) -> tuple[Read, Columns]:
        """Up to `limit` rows beyond `after`, column by column."""
        return self._reads.read_columns(self._table, order, after=after, limit=limit)

    def count(self, where: Sequence[Condition]) -> int:
        """How many rows there are."""
        dialect = self._reads.dialect
        clause = " AND ".join(compared(dialect, condition) for condition in where)
        clause = f" WHERE {clause}" if clause else ""
        sql = f"SELECT count(*) FROM {rows_of(dialect, self._table)}{clause}{dialect.isolation}"  # noqa: S608 - names are the catalogue's, quoted
        texts = [text for condition in where for text in condition.values]
        rows = self._reads.fetch(guarded(sql), texts, f"cannot read table {self._table.name!r}")
        return int(rows[0][0] or 0)


def _cells_and_picks(
    bundles: Bundles, bundle: Bundle, cursor: Any, bytes_max: int
) -> tuple[list[list[str]], tuple[int, ...]] | None:
    """The cells of each column, and which of them make a row and its place."""
    cells = bundles.cells(bundle, cursor, bytes_max)
    return None if cells is None else (cells, bundle.picks)
