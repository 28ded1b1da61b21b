"""A table's rows, then its changes by comparing it with what is remembered: no column is needed, deletes are told.

Remembered are ranges of keys, and in each the keys and a hash of 64 bits of every row (:mod:`adapters.rangenotes`). A
pass goes through the ranges in the key's order. Where the database sums the hashes of a range, or writes its rows as
one text each, a glance at that tells whether all is as remembered. Else keys and hashes are read, a changed or new row
is read whole and told as ``put``, and a key that is missing is asked for once more by itself before it is told as
``delete``. The first pass finds one range without rows, which is the whole table: that is the snapshot.

Ranges are a chain: each note names the one that follows, the position names the one that is next. A range that has
grown is cut where a read ended, small neighbours become one. Whatever is told, the note that knows of it is in the same
batch, so that a pass goes on from every position and tells nothing twice.

What a comparison cannot tell: what happened to a row between two passes. The parts of a pass are read one after
another, so that the table is told as it was at no single moment; what is missed by one pass is found by the next.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from adapters.errors import Stop
from adapters.keyranges import KeyRanges
from adapters.model import Batch, Change
from adapters.rangenotes import Range, Rows, from_note, together
from adapters.values import FROM_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.keyranges import Fetcher
    from adapters.model import Column
    from adapters.protocol import Recall
    from adapters.statements import Raw

RANGE_ROWS = 8000
"""A range is cut beyond twice as many rows, and becomes one with its neighbour below."""

MISSES_MAX = 3
"""After so many ranges in a row that had changed, only each fourth is glanced at before it is read."""

EXACT_REAL = re.compile(r"-?[0-9]\.[0-9]+e[+-][0-9]+")
"""How SQLite writes a floating-point number so that it is found again."""

FIRST = 0
"""The name of the first range: a cut or joined range keeps the name of its first part."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pass stands: the range that is next, and the last name that a range was given.

    Between two passes (``rest``) it is the first range. `told` says whether anything has ever been.
    """

    phase: Literal["snapshot", "pass", "rest"]
    keyed_by: tuple[str, ...]
    at: int = FIRST
    names: int = FIRST

    def to_json(self) -> str:
        """One line of JSON, the same for the same position."""
        parts = {
            "strategy": "diff",
            "phase": self.phase,
            "keyed_by": self.keyed_by,
            "at": self.at,
            "names": self.names,
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
            position = cls(parts["phase"], tuple(parts["keyed_by"]), int(parts["at"]), int(parts["names"]))
            strategy = parts["strategy"]
        except (ValueError, TypeError, KeyError):
            strategy = None
        if strategy != "diff" or position.phase not in ("snapshot", "pass", "rest"):
            raise Stop(
                f"this is not a position of a comparison: {text[:80]!r}",
                "Forget the position, so that the table is read anew, or follow it the way you did",
            )
        return position


def note_name(range_: int) -> str:
    """How the note of a range is called."""
    return f"range/{range_}"


class Diff:
    """The changes of one table from a position on; :meth:`batches` is all there is to it."""

    def __init__(self, fetcher: Fetcher, key: Sequence[Column], recall: Recall, batch: int) -> None:
        self._fetcher = fetcher
        self._key = tuple(key)
        self._names = tuple(part.name for part in key)
        self._exact = bool(fetcher.dialect.exact)
        self._recall = recall
        self._batch = batch
        self._rows = min(RANGE_ROWS, 8 * batch)  # whoever wants little at once has wide rows
        self._misses = 0

    def batches(self, told: str | None) -> Iterator[Batch]:
        """What differs from what is remembered, in the key's order; ends with the table."""
        self._ranges = KeyRanges(self._fetcher, self._key)
        if told is None:
            walk = _Walk(Position("snapshot", self._names), Range(FIRST, None, None, None), snapshot=True)
        else:
            position = Position.from_json(told)
            self._same_question(position)
            walk = _Walk(position, self._remembered(position.at), snapshot=position.phase == "snapshot")
        stored = told
        while walk.range is not None:
            for batch in self._step(walk):
                stored = batch.position
                yield batch
            if walk.range is None and walk.position.phase != "rest":
                walk.range = self._remembered(walk.position.at)
        # A table that never had a row has no position: its first rows will be a snapshot, too.
        if stored is not None and stored != walk.position.to_json():
            yield Batch([], walk.position.to_json(), snapshot=walk.snapshot)

    def _same_question(self, position: Position) -> None:
        """What is remembered says nothing about another key."""
        if position.keyed_by != self._names:
            raise Stop(
                f"the rows are remembered by key {list(position.keyed_by)}, not by {list(self._names)}",
                "Forget the position, so that the table is read anew, or configure the key that it was",
            )

    def _remembered(self, name: int) -> Range:
        note = self._recall(note_name(name))
        try:
            return from_note(name, note or b"")
        except (ValueError, TypeError):
            raise Stop(
                f"what is remembered of the table has no range {name}, which its position names",
                "Forget the position, so that the table is read anew; deletes since the last pass are not told then",
            ) from None

    def _step(self, walk: _Walk) -> Iterator[Batch]:
        """Compare one range, or several small neighbours, and go on to the next."""
        parts = self._neighbours(walk)
        range_ = together(parts, additive=self._ranges.additive)
        notes: dict[str, bytes | None] = {note_name(part.name): None for part in parts[1:]}
        if not range_.count:
            yield from self._read_whole(walk, range_, notes)
        elif not self._glanced_the_same(range_):
            yield from self._compare(walk, range_, notes)
        elif notes:
            yield walk.finish([range_], notes, [])
        else:
            walk.go_on(range_.follows)

    def _neighbours(self, walk: _Walk) -> list[Range]:
        """The range that is next and those after it that make one with it. The last range stays by itself."""
        assert walk.range is not None
        parts, count = [walk.range], walk.range.count
        while parts[-1].high is not None and parts[-1].follows is not None:
            following = walk.peeked = self._remembered(parts[-1].follows)
            if following.high is None or count + following.count > self._rows:
                break
            parts.append(following)
            count += following.count
        return parts

    def _glanced_the_same(self, range_: Range) -> bool:
        """Whether the database, asked for no more than that, has the mark that is remembered."""
        if not self._ranges.glances or range_.mark is None or range_.count > 2 * self._rows:
            return False
        if self._misses >= MISSES_MAX and self._misses % 4:
            self._misses += 1
            return False
        same = self._ranges.glance(range_) == (range_.count, range_.mark)
        self._misses = 0 if same else self._misses + 1
        return same

    def _read_whole(self, walk: _Walk, range_: Range, notes: dict[str, bytes | None]) -> Iterator[Batch]:
        """A range of which nothing is remembered: all of its rows are new."""
        seen, found = self._ranges.whole(range_, self._batch + 1)
        more = seen.count > self._batch
        rows = self._ranges.told_apart(seen.rows()).upto(self._batch)
        keys = rows.keys
        changes = [Change("put", key, row) for key, row in zip(keys, found, strict=False)]
        if more or (keys and range_.high is None):
            # What lies beyond the last row stays a range of its own, which is read whole again.
            first, second = walk.cut(range_, keys[-1])
            yield walk.finish(
                [first.holding(rows, self._mark(rows)), second], notes, changes, at=second if more else None
            )
        elif keys or notes:
            yield walk.finish([range_.holding(rows, self._mark(rows))], notes, changes)
        else:
            walk.go_on(range_.follows)

    def _compare(self, walk: _Walk, range_: Range, notes: dict[str, bytes | None]) -> Iterator[Batch]:
        """A range of which rows are remembered: what is there now, set beside them."""
        limit = 2 * self._rows
        seen = self._ranges.seen(range_, limit + 1)
        more = seen.count > limit
        if not notes and seen.mark is not None and (seen.count, seen.mark) == (range_.count, range_.mark):
            walk.go_on(range_.follows)
            return
        now = self._ranges.told_apart(seen.rows()).upto(limit)
        standing, known = now.mapped(), range_.rows().mapped()
        unseen = known.copy()
        ask = [key for key, hashed in standing.items() if unseen.pop(key, None) != hashed or not hashed]
        rest: dict[Raw, int] = {}
        if more:
            # Every key is remembered where it belongs: what was not seen lies beyond the cut, or is gone.
            first, second = walk.cut(range_, now.keys[-1])
            rest = {key: known.pop(key) for key in self._ranges.inside([*unseen], second)}
        ask += [key for key in unseen if key not in rest]
        parts = [ask[at : at + self._batch] for at in range(0, len(ask), self._batch)] or [[]]
        for part in parts[:-1]:
            changes = self._told(part, known)
            so_far = range_.holding(Rows.of(known | rest), None)
            yield walk.finish([so_far], notes, changes, at=so_far)
            notes = {}
        changes = self._told(parts[-1], known)
        ordered = {key: known.pop(key) for key in standing if key in known}
        if more:
            rest |= {key: known.pop(key) for key in self._ranges.inside([*known], second)}  # they came just now
            rows, beyond = Rows.of(ordered | known), Rows.of(rest)
            cut = [first.holding(rows, self._mark(rows)), second.holding(beyond, self._mark(beyond))]
            yield walk.finish(cut, notes, changes, at=cut[1])
            return
        mark = seen.mark if not known and ordered == standing else self._mark(Rows.of(ordered | known))
        if changes or notes or mark != range_.mark:
            yield walk.finish([range_.holding(Rows.of(ordered | known), mark)], notes, changes)
        else:
            walk.go_on(range_.follows)

    def _mark(self, rows: Rows) -> int | None:
        """The mark of rows that were not read as one text of them."""
        return rows.total if self._ranges.additive and 0 not in rows.hashes else None

    def _told(self, keys: Sequence[Raw], known: dict[Raw, int]) -> list[Change]:
        """What is to be told of the rows of these keys, each asked for by itself; `known` is then what was told."""
        standing = dict(self._ranges.by_key(keys))
        changes = []
        for key in keys:
            whole = standing.get(key)
            if whole is None:
                if known.pop(key, None) is not None:
                    changes.append(Change("delete", key, None, self._before(key)))
            elif known.get(key) != whole.hash or not whole.hash:
                known[key] = whole.hash
                changes.append(Change("put", key, whole.row))
        return changes

    def _before(self, key: Raw) -> dict[str, Any]:
        """The key's columns with the values that a row has."""
        return {part.name: _value(part, text, exact=self._exact) for part, text in zip(self._key, key, strict=True)}


@dataclass(slots=True)
class _Walk:
    """A pass under way: its position, the range that is next, and perhaps the one after it."""

    position: Position
    range: Range | None
    snapshot: bool
    peeked: Range | None = None

    def cut(self, range_: Range, high: Raw) -> tuple[Range, Range]:
        """A range in two, without rows: up to a key that was read, and what lies beyond, under a new name."""
        name = self.position.names + 1
        self.position = replace(self.position, names=name)
        return Range(range_.name, range_.low, high, name), Range(name, high, range_.high, range_.follows)

    def go_on(self, follows: int | None) -> None:
        """The next range is that of this name; after the last one the pass is at rest."""
        peeked, self.peeked = self.peeked, None
        self.range = peeked if peeked is not None and peeked.name == follows else None
        if follows is None:
            self.position = replace(self.position, phase="rest", at=FIRST)
        else:
            self.position = replace(self.position, phase="snapshot" if self.snapshot else "pass", at=follows)

    def finish(
        self,
        ranges: Sequence[Range],
        notes: Mapping[str, bytes | None],
        changes: list[Change],
        *,
        at: Range | None = None,
    ) -> Batch:
        """A batch with these ranges as they are to be remembered; the pass goes on at one of them, or after them."""
        self.go_on(ranges[-1].follows if at is None else at.name)
        self.range = self.range if at is None else at
        memory = {**notes, **{note_name(each.name): each.to_note() for each in ranges}}
        return Batch(changes, self.position.to_json(), snapshot=self.snapshot, memory=memory)


def _value(column: Column, text: str | None, *, exact: bool) -> Any:
    """The value of a place's text. Where that is more exact than the text of a row, a number of a row has 15 digits."""
    if text is not None and exact and EXACT_REAL.fullmatch(text) and column.type not in ("text", "binary"):
        digits, e, exponent = f"{float(text):.15g}".partition("e")
        text = (digits if "." in digits else f"{digits}.0") + e + exponent
    convert = FROM_TEXT[column.type]
    return text if text is None or convert is None else convert(text)
