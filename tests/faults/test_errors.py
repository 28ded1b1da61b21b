"""A full disk, a broken disk and too many open files, at every call: it is told, nothing is lost, and work goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sftp.hostkeys import load_or_create
from tests.faults.injection import calls_of, missing, samples, traced
from tests.faults.ledger import same, troubles
from tests.faults.roles import collect, inbox_of, waiting
from tests.faults.scenes import ALL, PRICES, one_of_each, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.injection import Call
    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

DISK = ("write", "pwrite64", "ftruncate", "mkdir", "rename")
FAULTS = {
    "ENOSPC": (DISK, "+"),  # from that call on, until there is room again
    "EIO": ((*DISK, "fsync", "fdatasync", "unlink", "read", "pread64"), ""),
    "EMFILE": (("openat", "socket"), ""),
}


def chosen(calls: list[Call], here: Scene) -> list[Call]:
    """Every call on what belongs to the workspace, or a sample."""
    ours = [call for call in calls if str(here.folder) in call.line and (ALL or call.name != "mkdir")]
    return ours if ALL else samples(ours)


def told(said: str, here: Scene, expected: Ledger) -> None:
    """It has ended well, or has said in words for a person what is wrong."""
    if here.ledger() != expected:
        alarms = [line for line in said.splitlines() if "WARNING" in line or line.startswith("gateway:")]
        assert alarms or troubles(here.url) or not said, said  # nothing said: standard error was what failed
    assert "Traceback" not in said or "Logging error" in said, said  # what fails may be standard error itself


@pytest.mark.parametrize("error", FAULTS)
def test_a_worker_whose_disk_fails_at_any_call_tells_it_and_goes_on_afterwards(
    tmp_path: Path, children: Nursery, error: str
) -> None:
    names, until = FAULTS[error]
    before = scene(tmp_path / "before", "sqlite:", one_of_each)
    undisturbed = before.copy(tmp_path / "undisturbed")
    child = children.start(undisturbed.folder, "work", "--until-idle", small=True)
    with traced(child, tmp_path / "trace", only=names):
        assert children.ended(child) == 0, child.said()
    expected = undisturbed.ledger()

    for call in chosen(calls_of(tmp_path / "trace"), undisturbed):
        here = before.copy(tmp_path / "here")
        child = children.start(here.folder, "work", "--until-idle", small=True)
        inject = f"{call.name}:error={error}:when={call.nth}{until}"
        with traced(child, tmp_path / "trace", inject=inject, only=names):
            status = children.ended(child)
        assert status in (0, 1), f"{error} at {call}: {child.said()}"
        told(child.said(), here, expected)
        children.work(here.later().folder, small=True)
        same(here.ledger(), expected, f"{error} at {call}")
        here.remove()


@pytest.mark.parametrize("error", FAULTS)
def test_L1_a_collector_whose_disk_fails_at_any_call_keeps_the_file_and_tells_it(  # noqa: N802 - the promise's name
    tmp_path: Path, children: Nursery, error: str
) -> None:
    names, until = FAULTS[error]
    before = scene(tmp_path / "before", "sqlite:", lambda _: None)
    load_or_create(before.folder / "data" / "hostkeys")
    inbox_of(before, "globex").joinpath("prices.csv").write_bytes(PRICES)
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert collect(undisturbed, children, trace=tmp_path / "trace", only=names).status == 0
    calls = calls_of(tmp_path / "trace")
    expected = undisturbed.ledger()

    for call in chosen(calls, undisturbed):
        here = before.copy(tmp_path / "here")
        inject = f"{call.name}:error={error}:when={call.nth}{until}"
        ended = collect(here, children, trace=tmp_path / "trace", inject=inject, only=names, or_told=True)
        assert ended.status in (0, 1), f"{error} at {call}: {ended.said}"
        told(ended.said, here, expected)
        landed = here.ledger() == expected
        assert landed or waiting(here), f"{error} at {call}: {ended.said}"
        assert not waiting(here) or collect(here, children).status == 0
        same(here.ledger(), expected, f"{error} at {call}")
        here.remove()
