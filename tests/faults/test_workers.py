"""Several workers, one that slept too long, and clocks that are wrong."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.acceptance.children import prices
from tests.faults.injection import calls_of, missing, traced
from tests.faults.ledger import reading, same
from tests.faults.roles import SECONDS_MAX, alive
from tests.faults.scenes import ORDERS, scene, some_deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery

tracing = pytest.mark.skipif(missing() is not None, reason=str(missing()))
MANY = 20


def many_deliveries(place: Place) -> None:
    """Price lists that replace each other's records, in one lane, and orders in another."""
    for number in range(0, MANY, 2):
        place.land(prices(45, bad_every=15, price=f"{number},50"), f"p{number:02}.csv", "drop://globex")
        place.land(ORDERS.replace(b"4711", b"47%02d" % number), f"o{number:02}.edi", "drop://acme")


@tracing
def test_P3_a_worker_that_sleeps_through_its_lease_changes_nothing_when_it_wakes(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, some_deliveries)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle", small=True)
    with traced(child, tmp_path / "trace", only=("read",)):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()

    # Between two reads of the raw bytes nothing is locked, on either store; each file is read to its end.
    reads = [call for call in calls_of(tmp_path / "trace") if call.what == "vault file"]
    assert len(reads) > 4
    for call in reads:
        here = before.copy(tmp_path / "here")
        zombie = children.start(here.folder, "work", "--until-idle", small=True)
        with traced(zombie, tmp_path / "trace", only=("read",), inject=f"read:signal=STOP:when={call.nth}"):
            until = time.monotonic() + SECONDS_MAX
            while "stopped by SIGSTOP" not in (tmp_path / "trace").read_text():
                assert time.monotonic() < until, zombie.said()
                time.sleep(0.005)
            children.work(here.later().folder, small=True)
            said = here.ledger()
            os.kill(zombie.pid, signal.SIGCONT)
            assert children.ended(zombie) == 0, zombie.said()
        same(said, expected, f"stopped at {call}: {zombie.said()}")
        same(here.ledger(), expected, f"woken after {call}: {zombie.said()}")
        here.remove()


def test_P3_three_workers_that_are_killed_and_replaced_end_with_the_right_records(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, many_deliveries)
    undisturbed = before.copy(tmp_path / "undisturbed")
    children.work(undisturbed.folder, small=True)
    here = before.copy(tmp_path / "here")
    for pause in (0.1, 0.2, 0.3):
        workers = [children.start(here.folder, "work", small=True) for _ in range(3)]
        for worker in workers:
            worker.go()
        time.sleep(pause)  # wherever they are then
        for worker in workers:
            assert alive(worker), worker.said()
            worker.signal(signal.SIGKILL)
            assert children.ended(worker) == -signal.SIGKILL
        here.later()
    children.work(here.folder, small=True)
    same(here.ledger(), undisturbed.ledger(), "at the end")


@tracing
@pytest.mark.parametrize("hours", [-48.0, 48.0])
def test_P3_a_clock_that_jumps_two_days_holds_nothing_up(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery, hours: float
) -> None:
    def landed_then(place: Place) -> None:
        place.clock.forward(hours * 3600)
        some_deliveries(place)

    before = scene(tmp_path / "before", store_url, landed_then)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle", small=True)
    with traced(child, tmp_path / "trace", only=("read",)):
        assert children.ended(child) == 0, child.said()
    reads = [call.nth for call in calls_of(tmp_path / "trace") if call.what == "vault file"]
    expected = undisturbed.ledger()
    assert all(each[-2] for each in expected["deliveries"])  # nothing waits

    here = before.copy(tmp_path / "here")
    dead = children.start(here.folder, "work", "--until-idle", small=True, hours=hours)
    with traced(dead, tmp_path / "trace", only=("read",), inject=f"read:signal=KILL:when={reads[len(reads) // 2]}"):
        assert children.ended(dead) == -signal.SIGKILL
    with reading(here.url) as connection:
        held = [f"SELECT owner FROM {each} WHERE owner IS NOT NULL" for each in ("delivery", "answering", "lettering")]
        assert connection.execute(text(" UNION ALL ".join(held))).first() is not None
    children.work(here.folder if here.is_sqlite else here.later().folder, small=True)  # PostgreSQL's clock is right
    same(here.ledger(), expected, "at the end")


def test_P3_workers_whose_clocks_differ_by_hours_end_with_the_right_records(  # noqa: N802
    tmp_path: Path, postgresql_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", postgresql_url, many_deliveries)
    undisturbed = before.copy(tmp_path / "undisturbed")
    children.work(undisturbed.folder, small=True)
    here = before.copy(tmp_path / "here")
    workers = [children.start(here.folder, "work", "--until-idle", small=True, hours=hours) for hours in (-7, 0, 7)]
    for worker in workers:
        worker.go()
    for worker in workers:
        assert children.ended(worker) == 0, worker.said()
    children.work(here.folder, small=True)
    same(here.ledger(), undisturbed.ledger(), "at the end")
