"""Comparing on a real MariaDB: the contract, with sums and hashes that the server makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.connections import driver_manager
from tests.adapters.comparing import ComparingContract, Store, chased, table
from tests.adapters.test_mariadb import connection_string, owner, pytestmark, world

__all__ = ["owner", "pytestmark", "world"]


if TYPE_CHECKING:
    from adapters.testing import World


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of a few rows, so that a small table has many."""
    monkeypatch.setattr("adapters.hashdiff.RANGE_ROWS", 4)


class TestContract(ComparingContract):
    pass


def test_writers_during_passes_leave_no_ghost(owner: tuple[Any, int], world: World) -> None:
    world.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    world.run("INSERT INTO t SELECT seq, 0 FROM seq_0_to_200")
    connections = [driver_manager().connect(connection_string(owner[1]), autocommit=True) for _ in range(3)]
    store = chased(world.source, [connection.execute for connection in connections], seconds=1.5)
    for connection in connections:
        connection.close()
    assert store.rows == table(world.source, "t", ("id",))


def test_columns_of_different_character_sets_are_hashed_together(world: World) -> None:
    world.run(
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET latin1, b VARCHAR(9) CHARACTER SET utf8mb4"
        " COLLATE utf8mb4_unicode_ci, c VARCHAR(9) CHARACTER SET cp1251, d JSON, e ENUM('x', 'y'), f FLOAT, g BIT(9))"
    )
    world.run(
        "INSERT INTO t VALUES (1, 'Müller', '€😀', '\u0436', '[1]', 'x', 1.1, b'101'),"
        " (2, 'm', 'M', 'm', '{}', 'y', 2, 0)"
    )
    store = Store(("id",))
    assert len(store.follow(world.source, "t")) == 2
    for statement in (
        "a = 'Muller'",
        "b = '€'",
        "c = '\u0448'",
        "d = '[2]'",
        "e = 'y'",
        "f = 1.2",
        "g = b'111'",
        "a = 'MULLER'",
    ):
        world.run(f"UPDATE t SET {statement} WHERE id = 1")
        assert len(store.follow(world.source, "t")) == 1, statement
    assert store.rows == table(world.source, "t", ("id",))
