"""Which integrations and partners there ever were: the names of every revision, and those that deliveries have.

Who asks for the past of an integration that was removed is right. Who asks for one that never was made a mistake, and
would take an empty answer for "nothing happened".
"""

from __future__ import annotations

import csv
import json
import re
import threading
from typing import TYPE_CHECKING, Literal

from sqlalchemy import exists, select

from gateway.store.deliveries import of_partners
from gateway.store.tables import delivery, revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

Kind = Literal["integration", "partner"]

_COLUMNS = {"integration": delivery.c.integration, "partner": delivery.c.partner}
_FILES: dict[Kind, str] = {"integration": "integrations/", "partner": "partners/"}
_SAID = {kind: re.compile(rf"^{kind}:\s*[\"']?([a-z0-9-]+)", re.MULTILINE).search for kind in _FILES}
"""Where a file says what it describes; a revision was checked before it was applied."""


class Past:
    """The names of every revision that was applied, each of which is read once in the life of a process.

    So are the codes of its tables, and whatever else stands in their cells.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._behind = 0
        self._names: dict[Kind, set[str]] = {kind: set() for kind in _FILES}
        self._cells: dict[str, set[str]] = {}

    def names(self, connection: Connection, kind: Kind) -> frozenset[str]:
        """The names of all integrations, or partners, that any revision has or had."""
        with self._lock:
            self._read(connection)
            return frozenset(self._names[kind])

    def had_code(self, connection: Connection, table: str, code: str) -> bool:
        """Whether any revision has or had a code in the workspace's code table of this name."""
        with self._lock:
            self._read(connection)
            return code in self._cells.get(f"codes/{table}.csv", ())

    def _read(self, connection: Connection) -> None:
        query = select(revision.c.number, revision.c.files).order_by(revision.c.number)
        for row in connection.execute(query.where(revision.c.number > self._behind)):
            self._learn(json.loads(row.files))
            self._behind = row.number

    def _learn(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            if path.startswith("codes/"):
                cells = (cell.strip() for row in csv.reader(text.splitlines()) for cell in row)
                self._cells.setdefault(path, set()).update(cells)
            for kind, folder in _FILES.items():
                found = _SAID[kind](text) if path.startswith(folder) else None
                if found is not None:
                    self._names[kind].add(found[1])


def has_deliveries(connection: Connection, kind: Kind, name: str, *, partners: Sequence[str] | None = None) -> bool:
    """Whether any delivery, of these partners where they are given, is of the integration or partner of this name."""
    query = select(exists().where(_COLUMNS[kind] == name, *of_partners(partners)))
    return bool(connection.execute(query).scalar())
