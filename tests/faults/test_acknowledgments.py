"""Whoever answers partners is killed at every system call, or works beside others: each answer is sent once (X1)."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.operate.workers.worker import work_once
from sftp.hostkeys import load_or_create
from tests.acceptance.answered import BAD, GOOD, NORTHWIND, answer, group, interchange, order
from tests.acceptance.workspaces import sample
from tests.faults.injection import COMMITTING, calls_of, missing, traced
from tests.faults.ledger import reading, same, troubles
from tests.faults.roles import SECONDS_MAX, Ended, alive, sftp_port
from tests.faults.scenes import ALL, ORDERS, scene
from tests.faults.test_kill import chosen, kill
from tests.faults.test_order import Order
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.injection import Call
    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Child, Nursery
    from tests.faults.scenes import Scene

tracing = pytest.mark.skipif(missing() is not None, reason=str(missing()))
EDIFACT = sample("northwind-orders.edi")
MANY = 24


def judged(place: Place) -> None:
    """Files of two partners, one of them twice and one cut off: judged, and not answered yet."""
    answer(place, acme="TA1, 997")
    load_or_create(place.folder / "data" / "hostkeys")
    place.land(ORDERS, "orders.edi", "drop://acme")
    place.land(ORDERS, "again.edi", "drop://acme")
    place.land(interchange(group(GOOD), group(BAD, number=6), number=8, closed=False), "cut.edi", "drop://acme")
    place.land(EDIFACT, "northwind.edi", NORTHWIND)
    while work_once(place.gateway, "me"):
        pass


def answered(place: Place) -> None:
    """The same, and the answers wait to be sent."""
    judged(place)
    place.work()


def many(place: Place) -> None:
    """Many small files of one partner, in two lanes, all to be judged and answered."""
    answer(place)
    load_or_create(place.folder / "data" / "hostkeys")
    for number in range(MANY):
        content = interchange(group(order(f"{5000 + number}"), number=number + 1), number=number + 1)
        place.land(content, f"{number}.edi", "drop://acme")


def unsent(here: Scene) -> int:
    """How many acknowledgments and letters are on their way."""
    count = "SELECT count(*) FROM {} WHERE due IS NOT NULL"
    with reading(here.url) as connection:
        tables = ("acknowledgment", "letter")
        return sum(int(connection.execute(text(count.format(each))).scalar_one()) for each in tables)


def outboxes(here: Scene, *, take: bool = False) -> list[tuple[str, bytes]]:
    """What partners find, which they `take` away, as their programs do."""
    found = []
    for path in sorted((here.folder / "data" / "sftp").glob("*/outbox/*")):
        found.append((path.name, path.read_bytes()))
        if take:
            path.unlink()
    return sorted(found)


def kept(here: Scene, *, again: int = 0) -> list[tuple[str, bytes]]:
    """What the store says was answered: the first time, or `again` to the sender of a duplicate."""
    with reading(here.url) as connection:
        rows = connection.execute(text(f"SELECT name, content FROM acknowledgment WHERE again = {again}"))
        return sorted((row.name, bytes(row.content)) for row in rows)


def send(
    here: Scene,
    children: Nursery,
    *,
    trace: Path | None = None,
    inject: str | None = None,
    only: Iterable[str] = COMMITTING,
    told: bool = False,
) -> Ended:
    """``gateway sftp`` until everything was sent, it has died, or with `told` has told of a problem."""
    here.set("sftp", f"127.0.0.1:{sftp_port()}")
    child = children.start(here.folder, "sftp")
    with traced(child, trace, inject=inject, only=only) if trace is not None else nullcontext():
        if trace is None:
            child.go()
        until = time.monotonic() + SECONDS_MAX
        while alive(child) and unsent(here) and time.monotonic() < until:
            if told and (troubles(here.url) or "WARNING" in child.said()):
                break
            time.sleep(0.005)
        child.signal(signal.SIGTERM)
        return Ended(children.ended(child), child.said())


def unordered(said: Ledger) -> Ledger:
    """A ledger, whichever of a delivery's answers was sent first."""
    return said | {"activity": sorted(said["activity"], key=str)}


def of_sending(calls: list[Call]) -> list[Call]:
    """The calls of the thread that sends: all, or of each kind on each kind of thing the first and the last."""
    sender = next(call.thread for call in calls if call.name == "rename")
    kinds: dict[tuple[str, str], list[Call]] = {}
    for call in chosen([call for call in calls if call.thread == sender]):
        what = "answer" if ".edi." in call.what else call.what
        kinds.setdefault((call.name, what), []).append(call)
    return [call for each in kinds.values() for call in (each if ALL else dict.fromkeys((each[0], each[-1])))]


@tracing
def test_X1_a_worker_killed_at_any_call_answers_each_interchange_and_group_once(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, judged)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle")
    with traced(child, tmp_path / "trace"):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()
    answered_to = [each[9] for each in expected["acknowledgments"]]
    assert sorted(answered_to) == ["000000008"] * 3 + ["000000101"] * 4 + ["N0001"]

    for call in chosen(calls_of(tmp_path / "trace")):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "work", "--until-idle")
        with traced(child, tmp_path / "trace", inject=kill(call)):
            assert children.ended(child) == -signal.SIGKILL, f"not killed at {call}: {child.said()}"
        children.work(here.later().folder)
        same(here.ledger(), expected, f"killed at {call}")
        here.remove()


@tracing
def test_X1_the_sftp_role_killed_at_any_call_puts_each_answer_into_the_outbox_once(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    before = scene(tmp_path / "before", store_url, answered)
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert send(undisturbed, children, trace=tmp_path / "trace").status == 0
    expected = undisturbed.ledger()
    calls = of_sending(calls_of(tmp_path / "trace"))
    assert outboxes(undisturbed) == kept(undisturbed)

    kills = 0
    for call in calls:
        here = before.copy(tmp_path / "here")
        kills += send(here, children, trace=tmp_path / "trace", inject=kill(call)).status == -signal.SIGKILL
        found = outboxes(here, take=True)
        if unsent(here):
            assert send(here.later(), children).status == 0
        found += outboxes(here)
        same(here.ledger(), expected, f"killed at {call}")
        assert sorted(set(found)) == kept(here), f"killed at {call}"
        # What the duplicate gets once more may have come when the first one had been taken away already.
        twice = {name for (name, _), count in Counter(found).items() if count > 1}
        assert twice <= {name for name, _ in kept(here, again=1)}, f"killed at {call}"
        assert max(Counter(found).values()) <= 2, f"killed at {call}"
        assert list((here.folder / "data" / "sftp").glob("*/outgoing/*")) == [], f"killed at {call}"
        here.remove()
    assert kills > 8


@tracing
def test_X1_an_answer_and_its_folder_are_synced_before_the_store_says_so(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    here = scene(tmp_path / "here", store_url, answered)
    assert send(here, children, trace=tmp_path / "trace").status == 0
    calls = calls_of(tmp_path / "trace")
    sender = next(call.thread for call in calls if call.name == "rename")
    order = Order([call for call in calls if call.thread == sender])

    written = order.where("write", "/outgoing/CONTRL")
    synced = order.where("fsync", "/outgoing/CONTRL", after=written)
    folder_synced = order.where("fsync", "/northwind/outgoing$", after=synced)
    staged = order.commit(after=folder_synced)
    shown = order.where("rename", "/outgoing/CONTRL")
    shown_synced = order.where("fsync", "/northwind/outbox$", after=shown)
    order.commit(after=shown_synced)
    assert written < synced < folder_synced < staged < shown < shown_synced


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@tracing
def test_X1_an_answer_that_cannot_be_written_waits_and_is_told(  # noqa: N802
    tmp_path: Path, children: Nursery, error: str
) -> None:
    before = scene(tmp_path / "before", "sqlite:", answered)
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert send(undisturbed, children, trace=tmp_path / "trace").status == 0
    expected = undisturbed.ledger()
    calls = [call for call in calls_of(tmp_path / "trace") if "/data/sftp/" in call.line]
    firsts = {call.name: call for call in reversed(calls)}
    assert firsts.keys() >= {"write", "fsync", "rename"}
    for call in firsts.values():
        here = before.copy(tmp_path / "here")
        inject = f"{call.name}:error={error}:when={call.nth}"
        send(here, children, trace=tmp_path / "trace", inject=inject, told=True)
        if unsent(here):
            assert send(here.later(), children).status == 0
        same(unordered(here.ledger()), unordered(expected), f"{error} at {call}")
        assert outboxes(here) == kept(here), f"{error} at {call}"
        here.remove()


def test_X1_workers_and_sftp_roles_beside_each_other_leave_no_number_out_and_use_none_twice(  # noqa: N802
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    here = scene(tmp_path / "here", store_url, many)
    roles: list[Child] = []
    for _ in range(2):
        here.set("sftp", f"127.0.0.1:{free_port()}")
        roles.append(children.start(here.folder, "sftp"))
        roles[-1].go()
        until = time.monotonic() + SECONDS_MAX
        while "listening" not in roles[-1].said() and time.monotonic() < until:
            time.sleep(0.01)
    workers = [children.start(here.folder, "work", "--until-idle") for _ in range(3)]
    for worker in workers:
        worker.go()
    for worker in workers:
        assert children.ended(worker) == 0, worker.said()
    children.work(here.folder)
    until = time.monotonic() + SECONDS_MAX
    while unsent(here) and time.monotonic() < until:
        time.sleep(0.01)
    for role in roles:
        role.signal(signal.SIGTERM)
        assert children.ended(role) == 0, role.said()

    said = here.ledger()
    assert sorted(row[8] for row in said["acknowledgments"]) == list(range(1, MANY + 1))
    assert sorted(row[9] for row in said["acknowledgments"]) == [f"{number:09}" for number in range(1, MANY + 1)]
    assert [line[1] for line in said["activity"]].count("acknowledgment_sent") == MANY
    assert outboxes(here) == kept(here)
