"""What it costs to ask for what is held: as much more as there is more of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.store import groups, quarantine
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

QUESTIONS: dict[str, Callable[[Connection], Any]] = {
    "groups": groups.groups,
    "by code": lambda connection: quarantine.page(connection, code="mapping.unusable", limit=3),
    "by another code": lambda connection: quarantine.page(connection, code="mapping.missing", limit=3),
}


def steps(folder: Path, rows: int, question: Callable[[Connection], Any]) -> int:
    """How many hundreds of steps SQLite takes for a question where each of so many rows of a file is held."""
    taken = []
    with opened(folder) as place:
        lines = "".join(f"A-{number};Artikel;1,50;01.12.2026;10\r\n" for number in range(rows))
        place.give(f"nummer;Bezeichnung;Preis;von;Warengruppe\r\n{lines}".encode(), "prices.csv", "drop://globex")
        with place.gateway.database.read() as connection:
            assert len(quarantine.page(connection, limit=rows + 1)) == rows
            connection.connection.driver_connection.set_progress_handler(lambda: taken.append(1), 100)  # type: ignore[union-attr]
            question(connection)
            connection.connection.driver_connection.set_progress_handler(None, 100)  # type: ignore[union-attr]
    return len(taken)


@pytest.mark.parametrize("name", QUESTIONS)
def test_twice_as_much_that_is_held_takes_twice_as_long_to_ask_for(tmp_path: Path, name: str) -> None:
    once, twice = (steps(tmp_path / str(rows), rows, QUESTIONS[name]) for rows in (400, 800))
    assert twice < 3 * once + 20
