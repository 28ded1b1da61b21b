"""What is asked of a table at once, and what the rows that came must bear out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import Reject
from adapters.jsonrows import NULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.model import Column, Table
    from adapters.statements import Clause, Condition, Ordered, Raw


@dataclass(frozen=True, slots=True)
class Asked:
    """Up to `limit` rows of some columns, in an order that is total, beyond the place `after`."""

    table: Table
    columns: Sequence[Column]
    order: Sequence[Ordered]
    where: Sequence[Condition | Clause]
    after: Raw | None
    limit: int

    def goes_on(self, first: Raw) -> None:
        """The first row's place must be another than the one to go on from.

        Raises:
            Reject: ``bad_column``.
        """
        if self.after is not None and first[: len(self.order)] == self.after:
            raise Reject(
                "bad_column",
                f"table {self.table.name!r} does not go on from {self.after}: the database finds the same row again",
                "A value loses digits on its way to the database and back; sort by a column that does not",
            )

    def unique(self, last: Raw, beyond: Raw) -> None:
        """The row behind the last one must stand elsewhere.

        Raises:
            Reject: ``key_not_unique``.
        """
        if last == beyond:
            raise Reject(
                "key_not_unique",
                f"two rows of {self.table.name!r} have the same key {[item.column.name for item in self.order]}",
                "Name key columns that are unique together; else rows would be lost without a word",
            )


def place_at(cells: Sequence[Sequence[str]], number: int) -> Raw:
    """The place of one row, of the cells of the columns that it is made of."""
    return tuple(None if each[number] == NULL else each[number] for each in cells)
