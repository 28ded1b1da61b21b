"""Pulling killed for real, before each system call that commits anything: at the partner's side and here."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from gateway.operate import wiring
from gateway.workspace.loader import load
from tests.acceptance.workspaces import reopened
from tests.faults.injection import boundaries, calls_of, missing, traced
from tests.faults.ledger import same
from tests.faults.scenes import ALL, ORDERS, Scene
from tests.gateway.operate.exchange.pulling_scene import describe
from tests.sftp.partner_server import missing as server_missing
from tests.sftp.partner_server import partner_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Nursery

_REASON = missing() or server_missing()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=str(_REASON))


def told(scene: Scene) -> Ledger:
    """What the store says, but for the summaries of the looks that a run happened to take."""
    said = scene.ledger()
    said["activity"] = [line for line in said["activity"] if line[1] != "pulled"]
    return said


def test_L1_a_puller_killed_at_any_call_loses_and_doubles_nothing_on_either_side(  # noqa: N802 - the promise's name
    tmp_path: Path, children: Nursery
) -> None:
    workspace = tmp_path / "before"
    with partner_server(tmp_path / "sshd") as server:
        describe(workspace, server, lines="settle: none\nafter: delete")
        with reopened(workspace) as place:
            wiring.apply(place.gateway, load(workspace))
        before = Scene(workspace, f"sqlite:{workspace}/data/gateway.db")
        path = server.put("out/orders.edi", ORDERS)
        undisturbed = before.copy(tmp_path / "undisturbed")
        child = children.start(undisturbed.folder, "work", "--until-idle", small=True)
        with traced(child, tmp_path / "trace"):
            assert children.ended(child) == 0, child.said()
        assert not path.exists()
        expected = told(undisturbed)
        assert len(expected["deliveries"]) == 1

        calls = [each for each in calls_of(tmp_path / "trace") if each.thread != child.pid]
        chosen = calls if ALL else [each for each in boundaries(calls) if "vault" not in each.what]  # test_kill has it
        kills = 0
        for call in chosen:
            here = before.copy(tmp_path / "here")
            server.put("out/orders.edi", ORDERS)
            child = children.start(here.folder, "work", "--until-idle", small=True)
            with traced(child, tmp_path / "trace", inject=f"{call.name}:signal=KILL:when={call.nth}"):
                kills += children.ended(child) == -signal.SIGKILL
            children.work(here.folder, small=True, hours=1.0)  # the lease has run out
            same(told(here), expected, f"killed at {call}")
            assert not path.exists(), f"killed at {call}"
            here.remove()
        assert kills > 4
