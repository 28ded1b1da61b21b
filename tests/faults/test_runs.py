"""A worker is killed at each step of publishing several small deliveries together."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.children import prices
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import same
from tests.faults.scenes import ALL, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def four_small_lists(place: Place) -> None:
    for number in range(4):
        place.land(prices(3, first=number, price=f"{number},50"), f"prices-{number}.csv", "drop://globex")


def test_P2_P3_a_worker_killed_while_it_publishes_a_run_leaves_what_an_undisturbed_one_does(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, four_small_lists)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle")
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()
    assert [each[4] for each in expected["deliveries"]] == ["accepted"] * 4
    calls = calls_of(tmp_path / "trace")
    for call in calls if ALL else boundaries(calls):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "work", "--until-idle")
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        states = [each[4] for each in here.ledger()["deliveries"]]
        assert len(set(states)) == 1, f"a part of the run became visible at {call}"
        children.work(here.later().folder)
        same(here.ledger(), expected, f"killed at {call}")
        here.remove()
