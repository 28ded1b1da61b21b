"""``gateway backup`` and ``gateway restore`` killed at system calls that change anything."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from gateway.repair.restore import check_content, checked
from tests.acceptance.children import prices
from tests.acceptance.workspaces import make, reopened
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import same
from tests.faults.scenes import ALL, Scene, one_of_each, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.injection import Call
    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Nursery

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
TRIED = 8


def chosen(calls: list[Call]) -> list[Call]:
    """Every call; or a few from the first to the last, of those that begin a step."""
    steps = boundaries(calls)
    return calls if ALL else [steps[at * (len(steps) - 1) // (TRIED - 1)] for at in range(TRIED)]


def judged(place: Place) -> None:
    one_of_each(place)
    place.work()


def test_a_backup_that_is_killed_at_any_call_leaves_the_one_before_it_or_is_whole(
    tmp_path: Path, children: Nursery
) -> None:
    here = scene(tmp_path / "here", "sqlite:", judged)
    first, trial = tmp_path / "first", tmp_path / "trial"
    children.run(here.folder, "backup", str(first))
    before = checked(first)
    with reopened(here.folder) as place:
        place.give(prices(3, first=100), "more.csv", "drop://globex")

    shutil.copytree(first, trial)
    child = children.start(here.folder, "backup", str(trial))
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    counted = check_content(trial, checked(trial))
    assert counted == before.content.rows + 1

    found = set()
    for call in chosen(calls_of(tmp_path / "trace")):
        shutil.rmtree(trial)
        shutil.copytree(first, trial)
        child = children.start(here.folder, "backup", str(trial))
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        manifest = checked(trial)
        found.add(manifest.id == before.id)
        expected = before.content.rows if manifest.id == before.id else counted
        assert check_content(trial, manifest) == expected, f"killed at {call}"
        children.run(here.folder, "backup", str(trial))
        manifest = checked(trial)
        assert check_content(trial, manifest) == counted, f"killed at {call}, and made again"
        assert [path.name for path in trial.glob("store-*")] == [f"store-{manifest.id}"]
    assert found == {True, False}


def test_a_restore_that_is_killed_at_any_call_has_written_the_store_whole_or_not_at_all(
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    lost, backup = scene(tmp_path / "lost", "sqlite:", judged), tmp_path / "backup"
    children.run(lost.folder, "backup", str(backup))
    expected = lost.ledger()
    if store_url.startswith("sqlite:"):
        before = Scene(make(tmp_path / "before"), f"sqlite:{tmp_path}/before/data/gateway.db")
    else:
        before = Scene(make(tmp_path / "before", store=store_url), store_url)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "restore", str(backup))
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    same(restored(undisturbed), expected, "undisturbed")

    for call in chosen(calls_of(tmp_path / "trace")):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "restore", str(backup))
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        again = children.start(here.folder, "restore", str(backup))
        again.go()
        assert children.ended(again) == 0 or "is not empty" in again.said(), again.said()
        same(restored(here), expected, f"killed at {call}")
        children.run(here.folder, "verify", "--deep")
        here.remove()


def restored(here: Scene) -> Ledger:
    """What a restored store says, but for the row that tells of it."""
    said = here.ledger()
    assert sum(line[1] == "restored" for line in said["audit"]) == 1
    said["audit"] = [line for line in said["audit"] if line[1] != "restored"]
    return said
