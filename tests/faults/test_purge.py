"""``gateway purge`` killed at every system call that changes anything: the next one ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from gateway.store.local import LocalVault
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import same
from tests.faults.scenes import ALL, ORDERS, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def kept_for_a_month(place: Place) -> None:
    """Deliveries that were judged 40 days ago, and are over by now."""
    place.clock.forward(-40 * 86_400.0)
    path = place.folder / "contracts" / "order.v1.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("keep:     7y", "keep: 30d\nkeep_personal: 10d"), encoding="utf-8")
    place.change("gateway.yaml", "settle:", "keep: 30d\nsettle:")
    place.land(ORDERS, "orders.edi", "drop://acme")
    place.land(b"%PDF-1.7", "brochure.pdf", "drop://globex")
    place.work()


def vault(here: Scene) -> list[str]:
    """The files of the vault."""
    return sorted(path.name for path in (here.folder / "data" / "vault").rglob("*") if path.is_file())


def a_day_later(here: Scene) -> list[str]:
    """The files of the vault when a day has passed, by which what killed processes left there is swept."""
    folder = here.folder / "data" / "vault"
    for left in folder.glob(".probe-*"):
        os.utime(left, (0, 0))
    LocalVault(folder).sweep()
    return vault(here)


def test_a_purge_that_is_killed_at_any_call_is_ended_by_the_next_one(
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, kept_for_a_month)
    assert len(vault(before)) == 2
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "purge")
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()
    assert {each[4] for each in expected["deliveries"]} == {"purged"}
    assert {each[-1] for each in expected["records"] if each[0] == "order.v1"} == {"null"}
    assert vault(undisturbed) == []

    calls = calls_of(tmp_path / "trace")
    for call in calls if ALL else boundaries(calls):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "purge")
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        children.run(here.folder, "purge")
        same(here.ledger(), expected, f"killed at {call}")
        assert [name for name in vault(here) if not name.startswith(".probe-")] == [], f"killed at {call}"
        assert a_day_later(here) == [], f"killed at {call}"
        here.remove()
