"""A table in which somebody already writes what changed: by a trigger, or as an outbox.

It is followed by the column that numbers its rows. The option ``op`` names the column that says what happened, ``of``
the columns that identify the row to which it did; the rest of the row is what is told. Nothing is ever taken out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.errors import Stop
from adapters.model import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.model import Column
    from adapters.statements import Raw, Read

GONE = frozenset({"d", "delete"})
STANDS = frozenset({"i", "insert", "c", "create", "u", "update"})


class Outbox:
    """Rows of such a table as the changes that they tell of."""

    def __init__(self, op: Column, of: Sequence[Column]) -> None:
        self._op = op.name
        self._of = tuple(column.name for column in of)

    def changes(self, read: Read, raws: list[Raw]) -> list[Change]:
        """The changes in the order of the rows.

        Raises:
            Stop: A row says something else than what happened.
        """
        at = [[column.name for column in read.columns].index(name) for name in self._of]
        changes = []
        for raw, row in zip(raws, read.rows(raws), strict=True):
            key = tuple(raw[each] for each in at)
            word = str(row[self._op]).strip().lower()
            if word in GONE:
                changes.append(Change("delete", key, None, {name: row[name] for name in self._of}))
            elif word in STANDS:
                changes.append(Change("put", key, row))
            else:
                raise Stop(
                    f"column {self._op!r} says {row[self._op]!r}, which is no operation",
                    "It may say I, U or D, or insert, update or delete; name another column with the option 'op'",
                )
        return changes
