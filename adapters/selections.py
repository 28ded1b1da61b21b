"""What a caller's selection asks of a table: names and values checked, the order made total by a key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.counts import so_many
from adapters.errors import Reject, nearest
from adapters.paging import Asked
from adapters.statements import Condition, Ordered
from adapters.values import parameter

if TYPE_CHECKING:
    from adapters.dialects import Dialect
    from adapters.model import Column, Filter, Selection, Table

ROWS_MAX = 10_000
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "startswith", "isnull")


def asked(dialect: Dialect, table: Table, selection: Selection, rows_max: int) -> Asked:
    """A page of a table.

    Raises:
        Reject: ``unknown_column``, ``unknown_operator``, ``bad_operator``, ``bad_value``, ``bad_sort``, ``bad_limit``,
            ``bad_cursor``, ``bad_column`` or ``no_key``.
    """
    if not 1 <= selection.limit <= ROWS_MAX:
        raise Reject("bad_limit", f"a page has 1 to {ROWS_MAX} rows, not {selection.limit}", "Ask for fewer")
    order = _order(table, selection)
    for item in order:
        comparable(dialect, item.column)
    after = selection.after
    if after is not None and len(after) != len(order):
        raise Reject(
            "bad_cursor",
            f"the place to go on from has {so_many(len(after), 'value')}, "
            f"the order has {so_many(len(order), 'column')}",
            "Use the 'next' of a page with the same sort and key",
        )
    return Asked(
        table,
        [column_of(table, name) for name in selection.columns] or list(table.columns),
        order,
        [condition_of(table, item) for item in selection.filters],
        None if after is None else tuple(after),
        min(selection.limit, rows_max),
    )


def comparable(dialect: Dialect, column: Column) -> None:
    """See to it that rows can be sorted and found again by a column.

    Raises:
        Reject: ``bad_column``.
    """
    if not dialect.finds_again(column):
        raise Reject(
            "bad_column",
            f"column {column.name!r} ({column.native}) cannot be compared exactly in this database",
            "Sort and find rows by another column",
        )


def column_of(table: Table, name: str) -> Column:
    """The column with this name.

    Raises:
        Reject: ``unknown_column``.
    """
    for each in table.columns:
        if each.name == name:
            return each
    names = [each.name for each in table.columns]
    raise Reject("unknown_column", f"table {table.name!r} has no column {name!r}", nearest(name, names))


def keyed(table: Table, names: tuple[str, ...]) -> Table:
    """The table with the key that was declared for it, where its catalogue knows none.

    Raises:
        Reject: ``unknown_column``.
    """
    if table.primary:
        return table
    for name in names:
        column_of(table, name)
    return replace(table, declared=names)


def key_of(table: Table, names: tuple[str, ...]) -> tuple[Column, ...]:
    """The columns that identify a row: those named, else the primary key.

    Raises:
        Reject: ``unknown_column`` or ``no_key``.
    """
    parts = tuple(column_of(table, name) for name in names or table.key)
    if not parts:
        raise Reject(
            "no_key",
            f"table {table.name!r} has no primary key, so its rows cannot be told apart",
            f"Name columns that are unique together in connections.yaml, under keys: a line {table.name}: KDNR",
        )
    return parts


def _order(table: Table, selection: Selection) -> list[Ordered]:
    """The asked order, made total by the key."""
    order = [Ordered(column_of(table, item.column), item.descending) for item in selection.sort]
    descending = order[-1].descending if order else False
    taken = {item.column.name for item in order}
    if len(taken) < len(order):
        raise Reject("bad_sort", "a column is named twice in the sort", "Name each once")
    return order + [Ordered(each, descending) for each in key_of(table, selection.key) if each.name not in taken]


def condition_of(table: Table, item: Filter) -> Condition:
    """A caller's filter, its names and values checked."""
    of = column_of(table, item.column)
    if item.op not in OPERATORS:
        raise Reject("unknown_operator", f"there is no operator {item.op!r}", nearest(item.op, OPERATORS))
    if item.op == "isnull":
        wanted = {"true": True, "1": True, "false": False, "0": False}.get(str(item.value).lower())
        if wanted is None:
            raise Reject("bad_value", f"{item.value!r} is neither true nor false", f"Write {of.name}__isnull=true")
        return Condition(of, "isnull" if wanted else "notnull")
    if item.op in ("contains", "startswith") and of.type != "text":
        raise Reject(
            "bad_operator",
            f"{item.op!r} needs a text column, and {of.name!r} is {of.native or of.type}",
            "Compare it with gte and lte",
        )
    values = item.value if isinstance(item.value, (list, tuple)) else (item.value,)
    if item.op != "in" and len(values) != 1:
        raise Reject("bad_value", f"{item.op!r} takes one value, not {len(values)}", "Use 'in' for several")
    if not 1 <= len(values) <= 1000:
        raise Reject("bad_value", f"'in' takes 1 to 1000 values, not {len(values)}", "Ask in several requests")
    return Condition(of, item.op, tuple(parameter(of, value) for value in values))
