"""``gateway apply`` killed at every system call that changes anything: the configuration is in force whole, or not."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.acceptance.children import prices
from tests.acceptance.test_configuration_applied import edited, label, shape
from tests.acceptance.workspaces import reopened
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.scenes import ALL, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def some_records(place: Place) -> None:
    place.give(prices(5), "prices.csv", "drop://globex")


def shape_of(here: Scene) -> str:
    """What is applied; a copy on PostgreSQL names its own database, and so has revisions of its own."""
    with reopened(here.folder) as place:
        told = str(shape(place))
        with place.gateway.database.read() as connection:
            names = connection.execute(text("SELECT revision FROM revision ORDER BY number")).scalars().all()
    for number, name in enumerate(names):
        told = told.replace(name, f"revision {number}")
    return told


def test_C1_an_apply_that_is_killed_at_any_call_has_applied_all_of_it_or_nothing(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, some_records)
    label(before.folder)
    edited(before.folder, "contracts/price.v2.yaml", "name:        text 1..80", "name:        text 1..80, filter")
    old = shape_of(before)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "apply")
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    new = shape_of(undisturbed)
    assert new != old

    found = []
    calls = calls_of(tmp_path / "trace")
    for call in calls if ALL else boundaries(calls):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "apply")
        with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        found.append(shape_of(here))
        assert found[-1] in (old, new), f"killed at {call}"
        children.run(here.folder, "apply")
        assert shape_of(here) == new, f"killed at {call}, and applied again"
        here.remove()
    assert old in found
