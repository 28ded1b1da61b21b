"""What holds wherever a table is compared with what is remembered of it, and a store that remembers."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from adapters.errors import Reject, Stop
from adapters.model import Following, Selection
from adapters.testing import KEY, add, fill, order, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from adapters.model import Batch, Change
    from adapters.protocol import Source
    from adapters.testing import World

Row = dict[str, Any]


@dataclass(slots=True)
class Store:
    """Rows by key, as the changes make them; the position and the notes that moved with them."""

    key: tuple[str, ...] = KEY
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    position: str | None = None
    notes: dict[str, bytes] = field(default_factory=dict)
    told: list[Change] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        """One transaction."""
        for change in batch.changes:
            self.told.append(change)
            if change.row is None:
                assert change.before is not None
                assert change.op == "delete"
                del self.rows[tuple(change.before[name] for name in self.key)]
            else:
                self.rows[tuple(change.row[name] for name in self.key)] = change.row
        for name, note in batch.memory.items():
            if note is None:
                del self.notes[name]
            else:
                self.notes[name] = note
        self.position = batch.position

    def follow(self, source: Source, table: str, *, batch: int = 3, only: int | None = None) -> list[Change]:
        """One pass, or `only` so many batches of it; what it told."""
        self.told = []
        following = Following("diff", self.key)
        batches = source.changes(table, following, position=self.position, recall=self.notes.get, batch=batch)
        for number, one in enumerate(batches, 1):
            assert len(one.changes) <= batch
            self.take(one)
            if number == only:
                break
        return self.told

    def follow_in_pieces(self, source: Source, table: str, *, batch: int = 3) -> None:
        """The same, killed after every batch, until nothing is left to tell."""
        for _ in range(10_000):
            before = self.position
            self.follow(source, table, batch=batch, only=1)
            if not self.told and (before == self.position or '"rest"' in str(self.position)):
                return
        raise AssertionError("the pass never ends")


def chased(source: Source, runs: Sequence[Callable[[str], object]], *, seconds: float) -> Store:
    """Follow a table `t` of ids below 300 while writers put, delete and move its rows; then twice in peace."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - to see it again
    until, stop = time.monotonic() + seconds, threading.Event()

    def write(number: int) -> None:
        chance = random.Random(seed + number)
        while not stop.is_set():
            # Each writer has keys of its own, so that none waits for another.
            one, other = (chance.randrange(300 // len(runs)) * len(runs) + number for _ in range(2))
            for statement in chance.choice(
                (
                    [f"DELETE FROM t WHERE id = {one}"],
                    [f"DELETE FROM t WHERE id = {one}", f"INSERT INTO t VALUES ({one}, {chance.randrange(99)})"],
                    [f"UPDATE t SET v = v + 1 WHERE id = {one}"],
                    [f"DELETE FROM t WHERE id = {other}", f"UPDATE t SET id = {other} WHERE id = {one}"],
                )
            ):
                runs[number](statement)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(len(runs))]
    store = Store(("id",))
    for writer in writers:
        writer.start()
    passes = 0
    try:
        while passes < 6 or time.monotonic() < until:  # all of them among the writers, however slow the machine is
            passes += 1
            store.follow(source, "t", batch=20, only=None if passes % 3 else 2)
        assert all(writer.is_alive() for writer in writers)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    for _ in range(2):
        store.follow(source, "t", batch=20)
    return store


def table(source: Source, name: str, key: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    """The table as it stands."""
    rows = source.page(name, Selection(limit=10_000, key=key)).rows
    return {tuple(row[part] for part in key): row for row in rows}


class ComparingContract:
    """What holds on every database."""

    def test_the_first_pass_is_the_snapshot_and_then_nothing_is_told(self, world: World) -> None:
        fill(world, *(order(number, "ab"[number % 2]) for number in range(7)))
        store = Store()
        assert len(store.follow(world.source, "Orders")) == 7
        assert store.rows == table(world.source, "Orders", KEY)
        position = store.position
        for _ in range(3):
            assert store.follow(world.source, "Orders") == []
        assert store.position == position

    def test_new_changed_and_deleted_rows_are_told_once(self, world: World) -> None:
        fill(world, *(order(number) for number in range(10)))
        store = Store()
        store.follow(world.source, "Orders")
        world.run('UPDATE "Orders" SET "Name" = ? WHERE "No" = 4', "new")
        world.run('DELETE FROM "Orders" WHERE "No" IN (2, 9)')
        add(world, order(2, "B"), order(2, "c"), order(-1))
        told = store.follow(world.source, "Orders")
        assert {(change.op, *change.key) for change in told} == {
            ("put", "a", "4"),
            ("delete", "a", "2"),
            ("delete", "a", "9"),
            ("put", "B", "2"),
            ("put", "c", "2"),
            ("put", "a", "-1"),
        }
        assert next(change for change in told if change.key == ("a", "9")).before == {"Line": "a", "No": 9}
        assert store.rows == table(world.source, "Orders", KEY)
        assert store.follow(world.source, "Orders") == []

    def test_a_missing_value_is_not_an_empty_one(self, world: World) -> None:
        fill(world, order(1, name=None), order(2, name=""))
        store = Store()
        store.follow(world.source, "Orders")
        world.run('UPDATE "Orders" SET "Name" = ? WHERE "No" = 1', "")
        world.run('UPDATE "Orders" SET "Name" = NULL WHERE "No" = 2')
        assert [change.key for change in store.follow(world.source, "Orders")] == [("a", "1"), ("a", "2")]
        assert store.rows == table(world.source, "Orders", KEY)

    def test_values_that_change_places_are_seen(self, world: World) -> None:
        fill(world, (1, "a", "x", "1.50", 7, None, None, 1, None), (2, "a", "y", "1.5", 8, None, None, 0, None))
        store = Store()
        store.follow(world.source, "Orders")
        for column, first, second in (("Name", "y", "x"), ("Big", 8, 7), ("Flag", 0, 1), ("Amount", "2", "1.50")):
            world.run(f'UPDATE "Orders" SET "{column}" = ? WHERE "No" = 1', first)
            world.run(f'UPDATE "Orders" SET "{column}" = ? WHERE "No" = 2', second)
            told = [change.key[1] for change in store.follow(world.source, "Orders")]
            assert told[0] == "1"
            assert store.rows == table(world.source, "Orders", KEY)
        # Between columns of a row, too.
        world.run('UPDATE "Orders" SET "Name" = ?, "Big" = ? WHERE "No" = 1', "8", 8)
        store.follow(world.source, "Orders")
        world.run('UPDATE "Orders" SET "Name" = ?, "Big" = ? WHERE "No" = 1', "9", 9)
        assert len(store.follow(world.source, "Orders")) == 1

    def test_every_column_counts_and_none_runs_into_the_next(self, world: World) -> None:
        fill(world, (1, "a", "x", "1.50", 2**63 - 1, "2026-01-31", "2026-11-21 06:55:00", 1, b"\x01"))
        store = Store()
        store.follow(world.source, "Orders")
        for column, value in (
            ("Name", "x,'1.50"),
            ("Amount", "1.51"),
            ("Big", 7),
            ("Day", "2026-02-01"),
            ("Stamp", "2026-11-21 06:55:00.000001"),
            ("Flag", 0),
            ("Photo", b"\x02"),
            ("Photo", None),
            ("Photo", b""),
            ("Name", "Jürgen 😀"),
        ):
            world.run(f'UPDATE "Orders" SET "{column}" = ?', value)
            assert len(store.follow(world.source, "Orders")) == 1, (column, value)
            assert store.rows == table(world.source, "Orders", KEY)

    def test_a_pass_goes_on_from_every_position(self, world: World) -> None:
        fill(world, *(order(number, "ab"[number % 2]) for number in range(20)))
        store = Store()
        store.follow_in_pieces(world.source, "Orders")
        assert store.rows == table(world.source, "Orders", KEY)
        world.run('UPDATE "Orders" SET "Name" = ? WHERE "No" > 3', "all of them")
        world.run('DELETE FROM "Orders" WHERE "No" IN (1, 2, 12)')
        add(world, *(order(number, "c") for number in range(8)))
        store.follow_in_pieces(world.source, "Orders", batch=2)
        assert store.rows == table(world.source, "Orders", KEY)
        assert store.follow(world.source, "Orders") == []

    def test_an_empty_table_waits_for_its_first_rows_and_may_become_empty_again(self, world: World) -> None:
        fill(world)
        store = Store()
        assert store.follow(world.source, "Orders") == []
        assert store.position is None
        add(world, order(1), order(2))
        assert len(store.follow(world.source, "Orders")) == 2
        world.run('DELETE FROM "Orders"')
        assert [change.op for change in store.follow(world.source, "Orders")] == ["delete", "delete"]
        assert store.rows == {}
        add(world, order(3))
        store.follow(world.source, "Orders")
        assert store.rows == table(world.source, "Orders", KEY)

    def test_a_column_more_tells_every_row_again(self, world: World) -> None:
        fill(world, order(1), order(2))
        store = Store()
        store.follow(world.source, "Orders")
        world.run('ALTER TABLE "Orders" ADD COLUMN "More" INTEGER DEFAULT 9')
        assert [change.row["More"] for change in store.follow(world.source, "Orders") if change.row] == [9, 9]

    def test_another_key_or_a_lost_memory_is_refused(self, world: World) -> None:
        fill(world, order(1))
        store = Store()
        store.follow(world.source, "Orders")
        with pytest.raises(Stop, match="remembered by key"):
            list(world.source.changes("Orders", Following("diff", ("No", "Line")), position=store.position))
        with pytest.raises(Stop, match="has no range 0"):
            list(world.source.changes("Orders", Following("diff", KEY), position=store.position))
        with pytest.raises(Stop, match="not a position of a comparison"):
            list(world.source.changes("Orders", Following("diff", KEY), position='{"phase":"done"}'))

    def test_a_key_that_is_none_is_refused(self, world: World) -> None:
        fill(world, order(1), order(2))
        with pytest.raises(Reject, match="the same key") as caught:
            list(world.source.changes("Orders", Following("diff", ("Line",)), position=None))
        assert caught.value.code == "key_not_unique"
        world.run('CREATE TABLE "Bare" ("Id" INTEGER)')
        found = rejected("no_key", lambda: world.source.changes("Bare", Following("diff"), position=None))
        assert "keys:" in found.remedy
