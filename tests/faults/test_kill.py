"""kill -9 at every system call that changes anything: after a restart all is as if nothing had happened."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from sftp.hostkeys import load_or_create
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import same
from tests.faults.roles import collect, inbox_of, waiting
from tests.faults.scenes import ALL, ORDERS, PRICES, scene, some_deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.injection import Call
    from tests.faults.nursery import Nursery

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def chosen(calls: list[Call]) -> list[Call]:
    """Every call, or the first of each step."""
    return calls if ALL else boundaries(calls)


def kill(call: Call) -> str:
    """The injection that kills at that call, before it is done."""
    return f"{call.name}:signal=KILL:when={call.nth}"


def test_P3_a_worker_killed_at_any_call_leaves_what_an_undisturbed_one_does(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, some_deliveries)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle", small=True)
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()
    states = [each[4] for each in expected["deliveries"]]
    assert states == ["duplicate", "quarantined", "partly_accepted", "partly_accepted"]

    for call in chosen(calls_of(tmp_path / "trace")):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "work", "--until-idle", small=True)
        with traced(child, tmp_path / "trace", inject=kill(call)):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        children.work(here.later().folder, small=True)
        same(here.ledger(), expected, f"killed at {call}")
        here.remove()


def test_L1_a_collector_killed_at_any_call_loses_and_doubles_nothing(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, lambda _: None)
    load_or_create(before.folder / "data" / "hostkeys")
    inbox_of(before, "globex").joinpath("prices.csv").write_bytes(PRICES)
    if ALL:
        inbox_of(before, "acme").joinpath("orders.edi").write_bytes(ORDERS)
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert collect(undisturbed, children, trace=tmp_path / "trace").status == 0
    calls = calls_of(tmp_path / "trace")
    children.work(undisturbed.folder)
    expected = undisturbed.ledger()
    assert {each[4] for each in expected["deliveries"]} == {"partly_accepted"}

    kills = 0
    for call in chosen(calls):
        here = before.copy(tmp_path / "here")
        kills += collect(here, children, trace=tmp_path / "trace", inject=kill(call)).status == -signal.SIGKILL
        assert not waiting(here) or collect(here, children).status == 0
        children.work(here.folder)
        same(here.ledger(), expected, f"killed at {call}")
        assert waiting(here) == []
        here.remove()
    assert kills > 8
