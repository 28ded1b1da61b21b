"""Many rows that travel as one text: a driver takes its time for every row as well, whatever is in it.

Batches are read so that are read for changes. Rows of which little is known come as one text each
(:mod:`adapters.packed`); once it is known how long they are, a batch that is small comes as one text, in the order of
the place, and with the number of its rows. It is only believed if it holds as many cells as that number wants and the
character that stands for NULL stands alone wherever it stands. What is not believed is read cell by cell, and so are
all rows of that table from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from adapters.jsonrows import NULL
from adapters.packed import MARK, packs, unpacked
from adapters.portions import Cut, rows_within
from adapters.reading import Columns
from adapters.readonly import guarded
from adapters.statements import read, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table
    from adapters.statements import Clause, Condition, Ordered, Raw, Read

ROWS_MIN = 50
"""Fewer rows are not worth another statement."""

LETTERS_MAX = 4 << 20
"""A batch that is expected to be longer comes row by row, so that the server need not hold it in one piece."""


_BYTES = 4 * LETTERS_MAX
"""What the server joins at most, however long rows have become since the last batch."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One statement for some rows. `whole` is whether they come as one text, `picks` which cells make a row of them."""

    sql: str
    parameters: tuple[str, ...]
    width: int
    picks: tuple[int, ...]
    whole: bool


class Bundles:
    """What is known of how the rows of one table travel: `letters` is how long they were in the last batch."""

    __slots__ = ("letters", "loose")

    def __init__(self) -> None:
        self.letters: float | None = None
        self.loose = False

    def of(
        self,
        dialect: Dialect,
        table: Table,
        columns: Sequence[Column],
        *,
        order: Sequence[Ordered],
        where: Sequence[Condition | Clause],
        after: Raw | None,
        beside: Column | None,
        limit: int,
        each: bool = False,
    ) -> Bundle | None:
        """The statement that gives what :func:`adapters.statements.read` would; None where it is not worth it.

        `each` has every row come as a text of its own: of a page, joining costs the server more than it saves us.
        """
        if self.loose or (limit < ROWS_MIN and not each) or not packs(dialect, table):
            return None
        short = self.letters is not None and self.letters * limit <= LETTERS_MAX
        whole = bool(dialect.bundle) and short and bool(order) and not each
        terms = [written(dialect, dialect.order, item.column) for item in order] if whole else []
        plan = read(
            dialect,
            table,
            columns,
            order=order,
            where=where,
            after=after,
            beside=beside,
            also=terms,
            packs=True,
            limit=limit,
        )
        sql = _bundled(dialect, plan, order) if whole else plan.sql
        picks = (*range(len(columns)), *(plan.packed or ()))
        return Bundle(sql, plan.parameters, plan.width, picks, whole)

    def rows(self, bundle: Bundle, cursor: Any, bytes_max: int) -> list[Raw] | None:
        """The rows that the statement gives; None where they are to be read cell by cell."""
        columns = self.columns(bundle, cursor, bytes_max)
        return None if columns is None else columns.raws()

    def columns(self, bundle: Bundle, cursor: Any, bytes_max: int) -> Columns | None:
        """The same, column by column."""
        cells = self.cells(bundle, cursor, bytes_max)
        if cells is None:
            return None
        found = [[None if cell == NULL else cell for cell in each] if NULL in each else each for each in cells]
        return Columns([found[pick] for pick in bundle.picks], len(found[0]))

    def cells(self, bundle: Bundle, cursor: Any, bytes_max: int) -> list[list[str]] | None:
        """The cells of each column, with :data:`adapters.jsonrows.NULL` for NULL; None where rows are to be read so."""
        cursor.execute(bundle.sql, *bundle.parameters)
        if bundle.whole:
            ((text, count),) = cursor.fetchall()
            if text is None:  # no row, or too much for one text
                return None if int(count) else [[] for _ in range(bundle.width)]
            return self._taken(_apart(text, int(count), bundle.width), len(text) / int(count))
        raws = rows_within(cursor, bytes_max)
        if isinstance(raws, Cut):
            return None
        letters = sum(len(raw[0] or "") for raw in raws) / len(raws) if raws else self.letters
        return self._taken(unpacked(raws, bundle.width), letters)

    def measure(self, raws: Sequence[Raw]) -> None:
        """Learn from rows that came cell by cell how long they are."""
        if raws and not self.loose:
            self.letters = sum(map(len, filter(None, chain.from_iterable(raws)))) / len(raws)

    def _taken(self, cells: list[list[str]] | None, letters: float | None) -> list[list[str]] | None:
        """Learn from what came."""
        if cells is None:
            self.loose = True
        else:
            self.letters = letters
        return cells


def _bundled(dialect: Dialect, plan: Read, order: Sequence[Ordered]) -> str:
    """One row of the rows of a plan, which have their text first and then what they are ordered by."""
    terms = [f"p.o{number}{' DESC' if item.descending else ''}" for number, item in enumerate(order)]
    names = ["t", *(f"o{number}" for number in range(len(order)))]
    filled = {"rows": plan.sql, "names": ", ".join(names), "order": ", ".join(terms), "bytes": _BYTES}
    return guarded(dialect.bundle.format_map(filled))


def _apart(text: str, count: int, width: int) -> list[list[str]] | None:
    """The cells of each column; None where the text can be taken apart in more than one way."""
    cells = text.split(MARK)
    if len(cells) != count * width or text.count(NULL) != cells.count(NULL):
        return None
    return [cells[number::width] for number in range(width)]
