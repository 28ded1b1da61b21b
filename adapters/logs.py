"""The logs of databases by which tables are followed: what is kept open for each, and which reader speaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters import mariadb, postgres, sqlserver
from adapters.binlogchecks import logs_rows
from adapters.binlogwire import Wire
from adapters.connections import Connections, parsed
from adapters.slotchecks import allowed
from adapters.slots import Slot, Way, in_portions, lags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from adapters.governor import Governor
    from adapters.model import Batch, Column, Following, Lag, Strategy, Table
    from adapters.options import Settings
    from adapters.protocol import Recall
    from adapters.tablereads import TableReader, TableReads

LOGS: Mapping[str, tuple[Strategy, ...]] = dict.fromkeys(("postgresql", "mariadb", "mysql", "sqlserver"), ("log",))
"""The dialects whose logs are read."""


class Logs:
    """The log of one database.

    PostgreSQL keeps its log for us behind a slot (:mod:`adapters.slots`); MariaDB and MySQL send theirs
    (:mod:`adapters.binlogwire`); SQL Server keeps tables of changes that are read like others.
    """

    def __init__(
        self,
        connection_string: str,
        settings: Settings,
        governor: Governor,
        reads: TableReads,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._text = connection_string
        self._settings = settings
        self._reads = reads
        self._clock = clock
        portions = Connections(in_portions(connection_string), settings, governor, now=now)
        self._way = Way(reads.fetch, portions)
        self._slots: dict[tuple[Any, ...], Slot] = {}
        self._wires: dict[tuple[Any, ...], Wire] = {}

    def strategies(self) -> tuple[Strategy, ...]:
        """What can be followed by a log here, as far as the dialect tells."""
        return LOGS.get(self._reads.dialect.name, ())

    def allowed(self) -> tuple[Strategy, ...]:
        """The same, where the server and the login allow it, too."""
        told = {"postgresql": allowed, "sqlserver": sqlserver.keeps_changes}.get(self._reads.dialect.name, logs_rows)
        there_are = self.strategies()
        return there_are if there_are and told(self._reads.fetch) else ()

    def batches(
        self,
        reader: TableReader,
        parts: Sequence[Column],
        following: Following,
        *,
        position: str | None,
        recall: Recall,
        batch: int,
    ) -> Iterator[Batch]:
        """What the log tells of a table since the position; `parts` are the columns of its key."""
        dialect, table = self._reads.dialect.name, reader.table
        if dialect == "sqlserver":
            return sqlserver.followed(reader, parts, following, position=position, batch=batch)
        if dialect == "postgresql":
            slot = self.slot(table, following)
            log = postgres.Log(self._way, slot, reader, table, parts, batch, recall=recall, clock=self._clock)
            return log.batches(position)
        wire = self._wire(table, following)
        sent = mariadb.Log(wire, following, reader, table, parts, batch, recall=recall, clock=self._clock)
        return sent.batches(position)

    def lags(self) -> tuple[Lag, ...]:
        """What the slots that are named as ours cost the server."""
        return lags(self._way)

    @property
    def has_slots(self) -> bool:
        """Whether the server keeps its log for us."""
        return self._reads.dialect.name == "postgresql"

    def slot(self, table: Table, following: Following) -> Slot:
        """The slot by which a table's log is read, whether there is one yet or not."""
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

    def close(self) -> None:
        """Let go of the log."""
        for wire in self._wires.values():
            wire.close()
        for slot in self._slots.values():
            slot.leave()
        self._way.close()
