"""Polls that overlap, for databases that do not tell which transactions are open.

Each poll begins a little before the value that the last one reached: seconds for a time, steps for a number. So a row
is found whose transaction took no longer than that to commit. Rows that were told are known by a hash of all they hold,
which stands for their key, too, and are left out. The hashes are kept in notes, one for each batch of the last poll.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from adapters.model import Batch
from adapters.reading import cut, row_hash
from adapters.statements import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.model import Change, Column
    from adapters.protocol import Recall
    from adapters.statements import Ordered, Raw, Read
    from adapters.watermark import Pending, Position, Reader


class Window(NamedTuple):
    """What is known of the rows that the last poll read: `before` notes of a generation.

    Of a poll under way there are `now` notes of the next generation; it ends with `until` and stands at `place`.
    """

    generation: int = 0
    before: int = 0
    now: int = 0
    until: str | None = None
    place: tuple[str | None, ...] | None = None

    @classmethod
    def of(
        cls, generation: int, before: int, now: int, until: str | None, place: Sequence[str | None] | None
    ) -> Window:
        """From what JSON made of one."""
        return cls(generation, before, now, until, None if place is None else tuple(place))


class Overlap:
    """Polls that begin `width` before the last value."""

    def __init__(self, width: Decimal, recall: Recall) -> None:
        self._width = width
        self._recall = recall

    def poll(
        self,
        reader: Reader,
        order: Sequence[Ordered],
        position: Position,
        highest: str,
        batch: int,
        changes: Callable[[Read, list[Raw], int], list[Change]],
        pending: Pending | None,
    ) -> Iterator[Batch]:
        """What is new up to the highest value, and what came late."""
        column = order[0].column
        window = position.window or Window()
        until, place, now = window.until or highest, window.place, window.now
        where = [Condition(column, "lte", (until,), exact=True), Condition(column, "notnull")]
        if position.value is not None:
            where.append(Condition(column, "gte", (lowered(column, position.value, self._width),), exact=True))
        known = self._known(window) | set(position.ties.hashes)
        carried: list[int] = []
        while True:
            read, raws = reader.rows(order, where=where, after=place, limit=batch + 1)
            more, raws = len(raws) > batch, cut(read, raws, order, batch)
            hashes = [row_hash(read, raw) for raw in raws]
            fresh = [raw for raw, hashed in zip(raws, hashes, strict=True) if hashed not in known]
            carried += hashes
            place = read.place(raws[-1]) if raws else place
            memory: dict[str, bytes | None] = {_note(window.generation + 1, now): array("Q", carried).tobytes()}
            if more and fresh:
                now, carried = now + 1, []
                under_way = Window(window.generation, window.before, now, until, place)
                reached = replace(position, window=under_way)
                yield Batch(changes(read, fresh, 1), reached.to_json(), snapshot=False, memory=memory)
            elif not more:
                if fresh or now or until != position.value or pending != position.pending:
                    done = Window(window.generation + 1, now + 1)
                    reached = replace(
                        position, value=until, key=None, ties=type(position.ties)(), pending=pending, window=done
                    )
                    memory |= dict.fromkeys(_note(window.generation, each) for each in range(window.before))
                    yield Batch(changes(read, fresh, 1), reached.to_json(), snapshot=False, memory=memory)
                return

    def _known(self, window: Window) -> set[int]:
        known: set[int] = set()
        for number in range(window.before):
            hashes = array("Q")
            hashes.frombytes(self._recall(_note(window.generation, number)) or b"")
            known.update(hashes)
        return known


def _note(generation: int, number: int) -> str:
    return f"overlap/{generation}/{number}"


def lowered(column: Column, text: str, width: Decimal) -> str:
    """The value that lies `width` before this one, written alike; the value itself where nobody can tell."""
    try:
        if column.type == "date":
            return (date.fromisoformat(text) - timedelta(days=-(-int(width) // 86400))).isoformat()
        if column.type in ("int", "decimal"):
            return format(Decimal(text) - width, "f")
        moment = datetime.fromisoformat(text.removesuffix("Z")) - timedelta(seconds=float(width))
    except (ValueError, OverflowError, InvalidOperation):
        return text
    return moment.isoformat(text[10:11] or " ") + ("Z" if text.endswith("Z") else "")
