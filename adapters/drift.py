"""What became of a table since it was last looked at: its shape, and what is usual of its values; pure.

A shape differs by columns that came, went, moved, or have another type. Of values a memory is kept, as one note: the
codes of columns that have few, how often a column is NULL, how many changes a day of the week brings.

    memory, found = usual(None, table, rows, "2026-11-21")     # learns, and finds nothing yet
    memory, found = usual(memory, table, more, "2026-11-22")   # what of these is not as it was
    memory = accepted(memory)                                  # somebody says that it is right
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any, Literal

from adapters.counts import so_many

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.model import Table

Kind = Literal["added", "missing", "retyped", "moved", "key", "code", "nulls", "volume"]
OF_SHAPE: frozenset[Kind] = frozenset({"added", "missing", "retyped", "moved", "key"})
OF_VALUES: frozenset[Kind] = frozenset({"code", "nulls", "volume"})

WINDOW = 200
"""So many rows are judged together."""
LEARN = 2 * WINDOW
"""So many rows are learnt from before any is judged."""
CODES_MAX = 24
"""A column with more values than that has no codes."""
CODE_LENGTH_MAX = 40
WEEKS = 4
FACTOR = 4
VOLUME_MIN = 100
_NULLS_STEP, _NULLS_SIGMAS = 0.1, 6.0
_MANY = 100_000
_CODED = ("text", "int", "bool")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of two shapes. `column` is empty where it is the key's; `said` tells it to a person."""

    kind: Kind
    column: str
    said: str


def shape(table: Table) -> str:
    """The shape of a table as one line of JSON: its columns in their order, and its key."""
    columns = [[column.name, column.native, column.type] for column in table.columns]
    return json.dumps([columns, list(table.primary)], ensure_ascii=False, separators=(",", ":"))


def differences(before: str, after: str) -> list[Difference]:
    """What is different between two shapes, as :func:`shape` wrote them; empty where nothing is.

    A column that only changed its length (VARCHAR(40), VARCHAR(80)) keeps its type and is no difference.
    """
    (old, old_key), (new, new_key) = json.loads(before), json.loads(after)
    was = {name: (native, kind) for name, native, kind in old}
    now = {name: (native, kind) for name, native, kind in new}
    found = [
        Difference("missing", name, f"the column {name} ({was[name][0]}) is gone") for name in was if name not in now
    ]
    found += [
        Difference("added", name, f"the column {name} ({now[name][0]}) is new") for name in now if name not in was
    ]
    for name in was:
        if name in now and was[name][1] != now[name][1]:
            said = f"the column {name} was {was[name][0]} and is {now[name][0]}"
            found.append(Difference("retyped", name, said))
    if not found and list(was) != list(now):
        found.append(Difference("moved", "", "the columns stand in another order"))
    if old_key != new_key:
        said = f"the primary key was {', '.join(old_key) or 'none'} and is {', '.join(new_key) or 'none'}"
        found.append(Difference("key", "", said))
    return found


@dataclass(slots=True)
class _Habit:
    """What is usual of one column: rows and NULLs until the last window, and in the one that is open.

    `codes` are all values that there were, None when they are too many; `strange` came since they were learnt, and
    nobody accepted them yet. Both are hashes: values of the table are nothing to keep for good. `out` is whether the
    last window had another share of NULLs.
    """

    rows: int = 0
    nulls: int = 0
    open: int = 0
    codes: list[str] | None = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    out: bool = False


@dataclass(slots=True)
class _Memory:
    """What is usual of a table. `days` are the changes of each day up to yesterday, the last one last."""

    window: int = 0
    columns: dict[str, _Habit] = field(default_factory=dict)
    day: str = ""
    today: int = 0
    days: list[int] = field(default_factory=list)


def usual(
    memory: bytes | None,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    day: str,
    *,
    coded: Collection[str] | None = None,
    counted: bool = True,
) -> tuple[bytes, list[Difference]]:
    """What is usual, with these rows learnt, and what of them is not: each told once, until it is accepted or over.

    However rows are cut into batches, what is learnt is the same. `day` is today, in ISO 8601. `coded` are the columns
    whose codes are looked at (None: all); rows that are not `counted`, those of a first reading, say nothing of how
    many changes a day brings. Keys are not looked at.
    """
    known = _read(memory)
    found = _volume(known, day)
    known.today += len(rows) if counted else 0
    known.columns = {
        column.name: known.columns.get(column.name)
        or _Habit(codes=[] if column.type in _CODED and (coded is None or column.name in coded) else None)
        for column in table.columns
        if column.name not in table.key
    }
    at = 0
    while at < len(rows):
        part = rows[at : at + WINDOW - known.window]
        at += len(part)
        known.window += len(part)
        for name, habit in known.columns.items():
            values = [row.get(name) for row in part]
            found += _codes(name, habit, values)
            habit.open += values.count(None)
        if known.window == WINDOW:
            known.window = 0
            for name, habit in known.columns.items():
                found += _nulls(name, habit)
    return _written(known), found


def accepted(memory: bytes) -> bytes:
    """The memory, when what was told is right: new codes are codes, and how often a column is NULL is learnt anew."""
    known = _read(memory)
    for habit in known.columns.values():
        if habit.codes is not None:
            habit.codes = sorted({*habit.codes, *habit.strange})
        if habit.out:
            habit.rows = habit.nulls = 0
        habit.strange, habit.out = [], False
    return _written(known)


def _codes(name: str, habit: _Habit, values: list[Any]) -> list[Difference]:
    if habit.codes is None:
        return []
    seen = {*habit.codes, *habit.strange}
    hashes = {_hash(str(value)): str(value) for value in set(values) if value is not None}
    news = {hashed: text for hashed, text in hashes.items() if hashed not in seen}
    if not news:
        return []
    long = any(len(each) > CODE_LENGTH_MAX for each in news.values())
    if habit.rows < LEARN:
        codes = sorted({*habit.codes, *news})
        habit.codes = None if long or len(codes) > CODES_MAX else codes
        return []
    shown = ", ".join(repr(each[:CODE_LENGTH_MAX]) for each in sorted(news.values())[:5])
    there_were = len(habit.codes)
    if long or len(habit.codes) + len(habit.strange) + len(news) > CODES_MAX:
        habit.codes, habit.strange = None, []
        said = f"the column {name} had {there_were} different values and now has too many for codes, such as {shown}"
        return [Difference("code", name, said)]
    habit.strange = sorted({*habit.strange, *news})
    return [Difference("code", name, f"the column {name} had {there_were} different values, and new is {shown}")]


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _nulls(name: str, habit: _Habit) -> list[Difference]:
    """Judge the window that is full, and learn from it if it is like those before."""
    count, habit.open = habit.open, 0
    found: list[Difference] = []
    if habit.rows >= LEARN:
        share = (habit.nulls + 1) / (habit.rows + 2)
        step = abs(count / WINDOW - share)
        if step > max(_NULLS_STEP, _NULLS_SIGMAS * sqrt(share * (1 - share) / WINDOW)):
            if not habit.out:
                said = f"the column {name} was NULL in {share:.0%} of the rows and is in {count / WINDOW:.0%}"
                found.append(Difference("nulls", name, said))
            habit.out = True
            return found
    habit.out = False
    habit.rows, habit.nulls = habit.rows + WINDOW, habit.nulls + count
    if habit.rows > _MANY:  # what was long ago counts less
        habit.rows, habit.nulls = habit.rows // 2, habit.nulls // 2
    return found


def _volume(known: _Memory, day: str) -> list[Difference]:
    """Close the days that are over: each is compared with the same day of the weeks before."""
    if not known.day or day <= known.day:
        known.day = known.day or day
        return []
    found: list[Difference] = []
    over = min((date.fromisoformat(day) - date.fromisoformat(known.day)).days, 7 * WEEKS)
    for number in range(over):
        total, known.today = known.today, 0
        before = known.days[-7::-7]
        low, high = min(before, default=0), max(before, default=0)
        if len(before) > 1 and (total * FACTOR < low >= VOLUME_MIN or total > max(high, VOLUME_MIN) * FACTOR):
            when = date.fromisoformat(known.day) + timedelta(days=number)
            brought = so_many(total, "change")
            said = f"{when} brought {brought}; the same day of the weeks before brought {low} to {high}"
            found.append(Difference("volume", "", said))
        known.days = [*known.days, total][-7 * WEEKS :]
    known.day = day
    return found


def _read(memory: bytes | None) -> _Memory:
    if memory is None:
        return _Memory()
    told = json.loads(memory)
    return _Memory(**{**told, "columns": {name: _Habit(**habit) for name, habit in told["columns"].items()}})


def _written(known: _Memory) -> bytes:
    return json.dumps(asdict(known), ensure_ascii=False, separators=(",", ":")).encode()
