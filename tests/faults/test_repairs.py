"""Replay, undo, correction, discard and group retry are killed at any step: each took place as a whole, or not at all.

Whatever was visible then, a worker finishes or clears up what was begun; and whoever does not know how it ended asks
again, and ends where an undisturbed one would.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from gateway.operate import wiring
from gateway.store import records
from tests.acceptance.children import prices
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import reading, same
from tests.faults.scenes import ALL, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
REASON = ("-r", "a test", "--who", "somebody")
LOGS = ("activity", "audit")
"""What tells of each time that something was asked, and so is longer when it was asked twice."""


def two_price_lists(place: Place) -> None:
    """A price list, another that changed its records, both with rows that are held; and then a mapping that differs."""
    place.give(prices(45, price="1,00", bad_every=20), "old.csv", "drop://globex")
    place.give(prices(50, price="2,00", bad_every=15, first=5), "new.csv", "drop://globex")
    place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
    place.change("integrations/globex-prices.yaml", "Preis | decimal", "Preis | replace('zwölf', '12') | decimal")


OPERATIONS = {
    "replay as then": ("replay", "{new}", "--as", "then", *REASON),
    "replay as now": ("replay", "{new}", "--as", "now", *REASON),
    "undo": ("undo", "{new}", *REASON),
    "correct": ("quarantine", "correct", "{held}", "--value", "9,99", *REASON),
    "discard": ("quarantine", "discard", "{held}", *REASON),
    "retry a group": ("quarantine", "retry", "--code", "mapping.number", "--who", "somebody"),
}


def command_of(operation: str, here: Scene) -> tuple[str, ...]:
    """The command, with the ids of the scene."""
    with reading(here.url) as connection:
        number, new = connection.execute(text("SELECT number, id FROM delivery WHERE name = 'new.csv'")).one()
        held = connection.execute(text(f"SELECT min(id) FROM document WHERE delivery = {number}")).scalar_one()
    return tuple(word.format(new=new, held=held) for word in OPERATIONS[operation])


def seen(here: Scene) -> list[bytes]:
    """All records as a reader sees them now."""
    gateway = wiring.open_gateway(here.folder)
    try:
        contract = next(each for each in gateway.in_force.configuration().contracts.values() if each.name == "price")
        with gateway.database.read() as connection:
            return records.page(connection, records.Query(contract, limit=1000)).items
    finally:
        gateway.close()


def without_logs(said: Ledger) -> dict[str, Any]:
    return {kind: lines for kind, lines in said.items() if kind not in LOGS}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_P2_a_repair_that_is_killed_took_place_as_a_whole_or_not_at_all(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery, operation: str
) -> None:
    before = scene(tmp_path / "before", store_url, two_price_lists)
    command = command_of(operation, before)
    done = before.copy(tmp_path / "done")
    child = children.start(done.folder, *command, small=True)
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    asked = (seen(before), seen(done))
    children.work(done.folder, small=True)
    nothing, expected = before.ledger(), done.ledger()
    visible = (*asked, seen(done))
    calls = calls_of(tmp_path / "trace")

    took_place = set()
    steps = boundaries(calls)  # between them it makes the same calls as a worker, of which each is tried elsewhere
    for call in steps if ALL else steps[1 if before.is_sqlite else 3 :: 4] or steps[:1]:
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, *command, small=True)
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        assert seen(here) in visible, f"a part of it is visible, killed at {call}"
        children.work(here.later().folder, small=True)
        said = here.ledger()
        took_place.add(said != nothing)
        if said != nothing:
            same(said, expected, f"killed at {call}")

        again = children.start(here.folder, *command, small=True)
        again.go()
        assert children.ended(again) in (0, 1), again.said()  # 1: it is done already, and it says so
        assert "Traceback" not in again.said(), again.said()
        children.work(here.folder, small=True)
        same(without_logs(here.ledger()), without_logs(expected), f"killed at {call}, and asked again")
        here.remove()
    assert not ALL or False in took_place
