"""One statement shape: SELECT columns FROM a table WHERE filters AND beyond a place ORDER BY key LIMIT n.

A page is found by the place where the one before ended (its order columns' values), so that the millionth costs what
the first does. Names come from the catalogue and are quoted; every value is a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from adapters.dialects import form
from adapters.packed import packed
from adapters.reading import named
from adapters.readonly import guarded
from adapters.values import FROM_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.dialects import Dialect
    from adapters.model import Column, Table

Raw = tuple[str | None, ...]
"""A row as the server writes it: the wanted columns, then the exact texts that its place is made of."""

SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Condition:
    """``column op values`` with texts to bind. `exact` compares with a place that was read, else with a caller's."""

    column: Column
    op: str
    values: tuple[str, ...] = ()
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition that is written already, with the texts that it binds."""

    sql: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """One column of the order."""

    column: Column
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """One statement to run, and how its rows are understood."""

    sql: str
    parameters: tuple[str, ...]
    columns: tuple[Column, ...]
    places: int
    packed: tuple[int, ...] | None = None
    """Of rows that come as one text each: where the cells of its place are among its own."""

    def rows(self, raws: Sequence[Raw]) -> list[dict[str, Any]]:
        """The rows' values by name. Column by column: twice as fast as row by row."""
        texts = zip(*raws, strict=True)
        values = [_converted(column, cells) for column, cells in zip(self.columns, texts, strict=False)]
        return named(tuple(column.name for column in self.columns), values)

    @property
    def width(self) -> int:
        """How many cells the rows have that come as one text each."""
        return max(len(self.columns), *(1 + at for at in self.packed or (0,)))

    def place(self, raw: Raw) -> Raw:
        """The exact texts of the order's columns, then of the column that was asked for beside them."""
        return tuple(raw[len(self.columns) : len(self.columns) + self.places])


def _converted(column: Column, cells: tuple[str | None, ...]) -> Sequence[Any]:
    convert = FROM_TEXT[column.type]
    if convert is None:
        return cells
    if None in cells:
        return [text if text is None else convert(text) for text in cells]
    return list(map(convert, cells))  # type: ignore[arg-type] # None is not among them


def read(
    dialect: Dialect,
    table: Table,
    columns: Sequence[Column],
    *,
    order: Sequence[Ordered],
    where: Sequence[Condition | Clause] = (),
    after: Raw | None = None,
    beside: Column | None = None,
    also: Sequence[str] = (),
    placed: bool = True,
    packs: bool = False,
    limit: int,
) -> Read:
    """The statement for up to `limit` rows beyond the place `after`.

    `beside` is one more column read exactly; `also` are expressions of ours that come last. Without `placed`, the rows
    are in order and do not say where they stand. `packs` has each row come as one text (:mod:`adapters.packed`).
    """
    places = [*(item.column for item in order), *([beside] if beside else [])] if placed else []
    what, at = _columns(dialect, tuple(columns), tuple(places), packs=packs)
    shown = [*what, *also]
    clauses: list[str] = []
    parameters: list[str] = []
    for condition in where:
        clauses.append(condition.sql if isinstance(condition, Clause) else compared(dialect, condition))
        parameters += condition.parameters if isinstance(condition, Clause) else condition.values
    if after is not None:
        clause, texts = beyond(dialect, order, after)
        clauses.append(clause)
        parameters += texts
    rest = rows_of(dialect, table)
    if clauses:
        rest += f" WHERE {' AND '.join(clauses)}"
    if order:
        rest += f" ORDER BY {', '.join(sorted_by(dialect, item) for item in order)}"
    if dialect.aliases:
        shown = [f"{expression} c{number}" for number, expression in enumerate(shown, 1)]
    sql = dialect.page.format(what=", ".join(shown) or "NULL", rest=rest, limit=limit) + dialect.isolation
    return Read(guarded(sql), tuple(parameters), tuple(columns), len(places), at)


@lru_cache(maxsize=256)
def _columns(
    dialect: Dialect, columns: tuple[Column, ...], places: tuple[Column, ...], *, packs: bool
) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
    """The expressions of columns, then of those that a place is made of, or the one of all of them."""
    shown = [written(dialect, dialect.text, column) for column in columns]
    exact = [written(dialect, dialect.exact or dialect.text, column) for column in places]
    if not packs:
        return (*shown, *exact), None
    further = {text: column for text, column in zip(exact, places, strict=True) if text not in shown}
    cells = [*shown, *further]
    at = tuple(cells.index(text) for text in exact)
    return (packed(dialect, [*columns, *further.values()], cells),), at


def rows_of(dialect: Dialect, table: Table) -> str:
    """The table, under the short name that every column is qualified with.

    A bare name in ORDER BY means the column of the result (ISO 9075-2, 7.17): the text that we cast it to, so that 10
    would come before 9.
    """
    if table.query:
        return f"({table.query}) r"
    schema = f"{dialect.quoted(table.schema)}." if dialect.schemas else ""
    return f"{schema}{dialect.quoted(table.local)} r"


def written(dialect: Dialect, forms: Any, column: Column) -> str:
    """A column through one of the dialect's templates."""
    return form(forms, column).format(c=f"r.{dialect.quoted(column.name)}")


def bound(dialect: Dialect, column: Column) -> str:
    """The parameter that is compared with this column."""
    return form(dialect.bind, column, "{p}").format(p="?", bind_as=column.bind_as)


def sorted_by(dialect: Dialect, item: Ordered) -> str:
    """One term of ORDER BY."""
    return written(dialect, dialect.order, item.column) + (" DESC" if item.descending else "")


def compared(dialect: Dialect, condition: Condition) -> str:
    """One condition of WHERE."""
    column, op = condition.column, condition.op
    forms = dialect.order if condition.exact else {**dialect.order, **dialect.compare}
    left, right = written(dialect, forms, column), bound(dialect, column)
    if op == "isnull":
        return f"{left} IS NULL"
    if op == "notnull":
        return f"{left} IS NOT NULL"
    if op == "in":
        return f"{left} IN ({', '.join([right] * len(condition.values))})"
    if op in ("contains", "startswith"):
        template = dialect.contains if op == "contains" else dialect.startswith
        return template.format(c=left, p="?")
    return f"{left} {SIGNS[op]} {right}"


def beyond(dialect: Dialect, order: Sequence[Ordered], after: Raw) -> tuple[str, list[str]]:
    """What lies after a place in this order, NULLs where the database puts them."""
    directions = {item.descending for item in order}
    low_end = directions == {not dialect.nulls_low}
    plain = None not in after and len(directions) == 1
    if plain and dialect.row_values and (low_end or not any(item.column.nullable for item in order)):
        left = ", ".join(written(dialect, dialect.order, item.column) for item in order)
        right = ", ".join(bound(dialect, item.column) for item in order)
        sign = "<" if True in directions else ">"
        return f"({left}) {sign} ({right})", [text for text in after if text is not None]
    alternatives: list[str] = []
    parameters: list[str] = []
    equal: list[str] = []
    equal_parameters: list[str] = []
    for item, text in zip(order, after, strict=True):
        left, right = written(dialect, dialect.order, item.column), bound(dialect, item.column)
        further, texts = further_on(dialect, item, left, right, text)
        if further:
            alternatives.append(" AND ".join([*equal, further]))
            parameters += [*equal_parameters, *texts]
        equal.append(f"{left} IS NULL" if text is None else f"{left} = {right}")
        equal_parameters += [] if text is None else [text]
    return f"({' OR '.join(alternatives) or '1 = 0'})", parameters


def further_on(
    dialect: Dialect, item: Ordered, left: str, right: str, text: str | None
) -> tuple[str | None, list[str]]:
    """The condition for one column alone to lie further on; None when nothing does."""
    nulls_last = dialect.nulls_low == item.descending
    if text is None:
        return (None if nulls_last else f"{left} IS NOT NULL"), []
    condition = f"{left} {'<' if item.descending else '>'} {right}"
    if nulls_last and item.column.nullable:
        condition = f"({condition} OR {left} IS NULL)"
    return condition, [text]
