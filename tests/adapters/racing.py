"""Eight writers with transactions of random length, and a reader that follows the column that they set."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adapters.model import Following

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.odbc import OdbcSource

WRITERS = 8
CHANGES, POLLS = 100, 5
"""So many are waited for on a machine that is slow."""


@dataclass(slots=True)
class Written:
    """What was committed, by key: the number of the last change of each row."""

    last: dict[int, int] = field(default_factory=dict)
    changes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def write(
    run: Callable[[str], object],
    written: Written,
    writer: int,
    moments: tuple[str, ...],
    seed: int,
    stop: threading.Event,
) -> None:
    """Transactions of up to a fifth of a second, some of which wait before they write, some are taken back.

    `moments` are what the column is set to; an empty one leaves it to the table, and then rows are only added.
    """
    chance = random.Random(seed * WRITERS + writer)
    mine: list[int] = []
    number = 0
    while not stop.is_set():
        done: dict[int, int] = {}
        run("BEGIN")
        run("SELECT count(*) FROM t WHERE id < 0")
        time.sleep(chance.choice((0, 0, 0.02)))
        for _ in range(chance.randrange(1, 4)):
            number += 1
            moment = chance.choice(moments)
            if moment and mine and chance.random() < 0.5:
                key = chance.choice(mine)
                run(f"UPDATE t SET v = {number}, at = {moment} WHERE id = {key}")
            else:
                key = writer * 100_000 + number
                run(f"INSERT INTO t (id, v, at) VALUES ({key}, {number}, {moment or 'NULL'})")
            done[key] = number
        time.sleep(chance.choice((0, 0.005, 0.02, 0.2)) * chance.random())
        if chance.random() < 0.1:
            run("ROLLBACK")
            continue
        run("COMMIT")
        with written.lock:
            mine += [key for key in done if key not in written.last]
            written.last |= done
            written.changes += len(done)


def race(
    source: OdbcSource,
    connect: Callable[[], Callable[[str], object]],
    moments: tuple[str, ...],
    *,
    column: str = "at",
    seconds: float,
    options: dict[str, str] | None = None,
) -> tuple[int, int, float]:
    """How many rows were lost, how many changes told, and how many rows were read for each."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to see it again
    written, reads, told = Written(), Counter[str](), dict[int, int]()
    runs = [connect() for _ in range(WRITERS)]
    until, stop = time.monotonic() + seconds, threading.Event()
    writers = [
        threading.Thread(target=write, args=(run, written, number, moments, seed, stop))
        for number, run in enumerate(runs)
    ]
    following = Following("watermark", ("id",), column, options or {})
    position: str | None = None
    notes: dict[str, bytes] = {}
    count = 0
    counted(source, reads)
    for writer in writers:
        writer.start()
    quiet = polls = 0
    try:
        while quiet < 2:
            quiet = 0 if any(writer.is_alive() for writer in writers) else quiet + 1
            for batch in source.changes("t", following, position=position, recall=notes.get, batch=200):
                position = batch.position
                for name, note in batch.memory.items():
                    if note is None:
                        del notes[name]
                    else:
                        notes[name] = note
                count += len(batch.changes)
                told |= {row["id"]: row["v"] for row in batch.rows}
            polls += 1
            if polls >= POLLS and written.changes >= CHANGES and time.monotonic() > until:
                stop.set()
            time.sleep(0.1)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    lost = sum(told.get(key) != number for key, number in written.last.items())
    assert written.changes >= CHANGES
    return lost, count, reads["rows"] / max(1, count)


def counted(source: OdbcSource, reads: Counter[str]) -> None:
    """Count the rows that are read of the table, but for the look at the highest value."""
    fetch: Any = source._reads.read

    def reading(*arguments: Any, limit: int, **more: Any) -> Any:
        plan, raws = fetch(*arguments, limit=limit, **more)
        reads["rows"] += len(raws) if limit > 1 else 0
        return plan, raws

    source._reads.read = reading  # type: ignore[method-assign]
