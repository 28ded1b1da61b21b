"""A table of MariaDB or MySQL by the server's own log: every insert, update and delete, in the order of the commits.

First all rows, along the key in chunks, while the log is read between them; then the log alone. No lock is taken and
nothing written. What must stand on the server before is in :mod:`adapters.binlogchecks`; the login needs SELECT,
REPLICATION SLAVE and BINLOG MONITOR (REPLICATION CLIENT before MariaDB 10.5, and on MySQL).

Without gap or overlap: after a chunk is read, the log is told up to where it stood then, and a row of the chunk that
one of those changes touched is left out: the log told a newer one. A transaction is in the log a moment before readers
see it; no chunk is read until all that was told is seen. MariaDB says up to where that is (binlog_snapshot_position)
and MySQL whether it counts a GTID as executed. Rows come in whole transactions; one that is too big for a batch comes
in parts, and the position counts how many of its changes are told (`Position.within`).

What the log cannot tell is a Gap: which rows a TRUNCATE took, what was logged as a statement, a file that was thrown
away. Changes made by foreign keys (ON DELETE CASCADE) are not in it at all, and such a table is refused. Virtual
columns are left out where the log has none. A change of the key is told as a delete and an insert.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol

from adapters.binlog import Decoder, Format, Query, Rotate
from adapters.binlogchecks import Server, ready, unbroken
from adapters.binlogparts import NEW_SNAPSHOT, Place, Teller
from adapters.binlogshape import Shape, Shapes, effect
from adapters.errors import Gap, Reject, Stop, nearest
from adapters.model import Batch, Change
from adapters.statements import Ordered
from adapters.watermark import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.binlogchecks import Facts
    from adapters.binlogparts import Part
    from adapters.binlogwire import Wire
    from adapters.dialects import Dialect
    from adapters.model import Column, Following, Table
    from adapters.protocol import Recall

MEMORY = "log/shape"
"""The note that holds the table's shape as it was told last."""

IDLE_BYTES = 1 << 20
"""Log without a change of ours, after which the position moves all the same."""

SEEN_SECONDS = 1.0
OPTIONS = frozenset({"address", "server_id", "cascades"})


class TableReader(Reader, Protocol):
    """What reads the table itself, and knows what its database speaks."""

    @property
    def dialect(self) -> Dialect:
        """What its database speaks."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a table is told. Opaque to everybody else.

    All transactions that end at or before `end`, in the file that was made at `born`, are told; `gtids` are the last
    of them. `within` is a transaction that is told in part: where it begins and how many of its changes. In the phase
    ``snapshot``, `key` is the last key read. `shape` is a hash of the table's columns there.
    """

    phase: Literal["snapshot", "stream"]
    server: str
    table: str
    keyed_by: tuple[str, ...]
    end: Place
    born: int
    shape: str
    gtids: tuple[str, ...] = ()
    within: tuple[int, int] | None = None
    key: tuple[str | None, ...] | None = None

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        parts = {
            "strategy": "log",
            "kind": "binlog",
            "phase": self.phase,
            "server": self.server,
            "table": self.table,
            "keyed_by": self.keyed_by,
            "file": self.end.file,
            "end": self.end.at,
            "born": self.born,
            "gtids": self.gtids,
            "within": self.within,
            "key": self.key,
            "shape": self.shape,
        }
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Position:
        """The position that :meth:`to_json` wrote.

        Raises:
            Stop: The text is something else.
        """
        try:
            parts = json.loads(text)
            if (parts.pop("strategy"), parts.pop("kind")) != ("log", "binlog"):
                raise ValueError  # noqa: TRY301 - one answer to all that is wrong
            if parts["phase"] not in ("snapshot", "stream"):
                raise ValueError  # noqa: TRY301 - as above
            parts["end"] = Place(parts.pop("file"), int(parts["end"]))
            for name in ("keyed_by", "gtids", "within", "key"):
                parts[name] = None if parts[name] is None else tuple(parts[name])
            return cls(**parts)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Stop(
                f"this is not a position of a log: {text[:80]!r}",
                "Give back what a batch said, or none to begin with a snapshot",
            ) from None


class Log:
    """The changes of one table from a position on; see :meth:`batches`.

    `pause` waits so many seconds, `clock` gives seconds.
    """

    def __init__(
        self,
        wire: Wire,
        following: Following,
        reader: TableReader,
        table: Table,
        key: Sequence[Column],
        batch: int,
        *,
        recall: Recall,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        unknown = sorted(following.options.keys() - OPTIONS)
        if unknown:
            raise Stop(f"the strategy 'log' has no option {unknown[0]!r} here", nearest(unknown[0], OPTIONS))
        number = following.options.get("server_id", "0")
        if not number.isdecimal() or int(number) >= 1 << 32:
            raise Stop(f"option 'server_id' is {number!r}", "Write a number below 4294967296 that no other server has")
        self._server_id = int(number)
        self._cascades = following.options.get("cascades") == "accepted"
        self._wire = wire
        self._server = Server(wire, table)
        self._reader = reader
        self._table = table
        self._ours = (table.schema, table.local)
        self._key = tuple(key)
        self._names = tuple(part.name for part in key)
        self._shapes = Shapes(wire, reader.dialect, table.schema, table.local, self._names)
        self._batch = batch
        self._recall = recall
        self._pause = pause
        self._clock = clock
        self._folded = False
        self._mysql = False
        self._teller: Teller
        self._position: Position
        self._pending: dict[tuple[str | None, ...], dict[str, Any]] = {}

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What is new since the position, oldest first; ends when all that stood at the beginning is told.

        Raises:
            Stop: The owner must do something first, or the position belongs to something else.
            Gap: Changes since the position may be lost.
        """
        position = None if told is None else self._same_question(Position.from_json(told))
        facts = self._server.facts()
        ready(facts, self._table, cascades=self._cascades)
        self._folded, self._mysql = facts.folded, facts.mysql
        note: Shape | None = None
        if position is None:
            shape = note = self._shapes.now()
            position = self._begun(facts, shape)
        else:
            unbroken(facts, self._server, position.server, position.end)
            shape = self._shape_of(position)
        self._position = position
        self._teller = Teller(
            self._shapes,
            self._ours,
            folded=facts.folded,
            end=position.end,
            born=position.born,
            within=position.within,
            gtids=position.gtids,
            shape=shape,
            later=self._later,
            batch=self._batch,
        )
        if note is not None:
            yield Batch([], position.to_json(), snapshot=True, exact=True, memory={MEMORY: note.to_json().encode()})
        if self._position.phase == "snapshot":
            yield from self._snapshot()
        if self._position.phase == "stream":
            yield from self._stream()

    def _same_question(self, position: Position) -> Position:
        name = f"{self._table.schema}.{self._table.local}"
        if (position.table, position.keyed_by) != (name, self._names):
            raise Stop(
                f"the position belongs to {position.table!r} and the key {list(position.keyed_by)}, not to {name!r} and"
                f" {list(self._names)}",
                "Forget the position, so that a new snapshot is taken, or configure what it was",
            )
        return position

    def _begun(self, facts: Facts, shape: Shape) -> Position:
        """Where the log ends now, after the catalogue was read: a later change of the table's shape is in the log."""
        end = self._server.reached()
        if facts.mysql and facts.settings.get("gtid_mode") != "ON":
            raise Stop(
                "the server does not say which transactions a reader sees: gtid_mode is not ON",
                "Have the owner turn GTIDs on (MySQL Reference Manual, 'Enabling GTID Transactions Online'), or follow"
                " the table by another strategy (diff, watermark)",
            )
        return Position(
            phase="snapshot",
            server=facts.server,
            table=f"{self._table.schema}.{self._table.local}",
            keyed_by=self._names,
            end=end,
            born=self._born(end.file),
            shape=shape.fingerprint,
            gtids=self._server.gtids(end),
        )

    def _born(self, file: str) -> int:
        decoder = Decoder()
        with closing(self._wire.dump(file, 4, self._server_id)) as packets:
            for packet in islice(packets, 3):
                event = decoder.event(packet)
                if isinstance(event, Format):
                    return event.born
        raise Stop(f"the file {file!r} of the log does not begin with its description", "Have the owner look at it")

    # Shapes -----------------------------------------------------------------------------------------------------------

    def _shape_of(self, position: Position) -> Shape:
        """The shape at the position: what is remembered, or the catalogue's where it is the same."""
        kept = self._recall(MEMORY)
        now = self._shapes.now()
        known = Shape.from_json(kept) if kept else now
        if known.fingerprint != position.shape:
            raise Gap(
                f"what the columns of {self._table.name!r} were at {position.end} is not remembered any more",
                NEW_SNAPSHOT,
            )
        if known != now and not self._statements(position.end):
            raise Gap(
                f"the columns of {self._table.name!r} changed ({'; '.join(now.differs(known))}), and the log does not"
                " tell when",
                NEW_SNAPSHOT,
            )
        return known

    def _later(self, end: Place) -> Shape | None:
        """The shape from a statement on that ends there; None when the table was changed again after it."""
        now = self._shapes.now()
        return None if self._statements(end) else now

    def _statements(self, start: Place) -> bool:
        """Whether a statement changes the table's shape between a place and where the log ends now."""
        decoder, limit, file, last = Decoder(), self._server.reached(), start.file, start.at
        with closing(self._wire.dump(*start, self._server_id)) as packets:
            for packet in packets:
                event = decoder.event(packet)
                last = decoder.end or last
                if isinstance(event, Rotate):
                    file, last = event.file, event.place
                elif isinstance(event, Query) and effect(event.sql, event.schema, self._ours, folded=self._folded):
                    return True
                if Place(file, last).order >= limit.order:
                    return False
        return False

    # The snapshot -----------------------------------------------------------------------------------------------------

    def _snapshot(self) -> Iterator[Batch]:
        order = [Ordered(part) for part in self._key]
        while True:
            if not self._all_seen():
                return  # the next poll tries again
            read, raws = self._reader.rows(order, after=self._position.key, limit=self._batch + 1)
            places = [read.place(raw) for raw in raws]
            self._unique(places)
            more = len(raws) > self._batch
            rows = read.rows(raws[: self._batch])
            self._pending = dict(zip(places, rows, strict=False))
            yield from self._told(self._server.reached())
            changes = [Change("put", key, row) for key, row in self._pending.items()]
            self._pending = {}
            key = places[len(rows) - 1] if rows and more else None
            self._position = replace(self._position, phase="snapshot" if more else "stream", key=key)
            yield Batch(changes, self._position.to_json(), snapshot=True)
            if not more:
                return

    def _unique(self, places: list[Any]) -> None:
        for place, following in pairwise(places):
            if place == following:
                raise Reject(
                    "key_not_unique",
                    f"two rows have the same key {dict(zip(self._names, place, strict=True))}",
                    "Name key columns that are unique together; else rows would be lost without a word",
                )

    def _all_seen(self) -> bool:
        """Whether readers see all that was told; waits for it a little."""
        until = self._clock() + SEEN_SECONDS
        while not self._seen():
            if self._clock() > until:
                return False
            self._pause(0.005)
        return True

    def _seen(self) -> bool:
        if self._mysql:
            return all(self._server.executed(gtid) for gtid in self._position.gtids)
        place = self._server.seen()
        if place is None:
            raise Stop(
                "the server does not say which transactions a reader sees (binlog_snapshot_position)",
                "Follow the table by another strategy (diff, watermark)",
            )
        return place.order >= self._position.end.order

    # The log ----------------------------------------------------------------------------------------------------------

    def _stream(self) -> Iterator[Batch]:
        limit = self._server.reached()
        yield from self._told(limit)
        end = self._teller.end
        if end.file != self._position.end.file or end.at - self._position.end.at >= IDLE_BYTES:
            yield self._moved()

    def _told(self, limit: Place) -> Iterator[Batch]:
        """The log up to a place as batches."""
        if self._teller.end.order >= limit.order:
            return
        with closing(self._wire.dump(*self._teller.end, self._server_id)) as packets:
            for part in self._teller.parts(packets, limit):
                yield self._batch_of(part)

    def _batch_of(self, part: Part) -> Batch:
        if self._pending:
            for change in part.changes:
                self._pending.pop(change.key, None)
        shape = self._position.shape if part.shape is None else part.shape.fingerprint
        self._position = replace(
            self._position, end=part.end, born=part.born, within=part.within, gtids=part.gtids, shape=shape
        )
        return Batch(
            part.changes,
            self._position.to_json(),
            snapshot=False,
            exact=True,
            memory={} if part.shape is None else {MEMORY: part.shape.to_json().encode()},
            drift=part.drift,
        )

    def _moved(self) -> Batch:
        """The position alone, past what is not ours."""
        self._position = replace(
            self._position, end=self._teller.end, born=self._teller.born, within=None, gtids=self._teller.gtids
        )
        return Batch([], self._position.to_json(), snapshot=False, exact=True)
