"""A SQLite store belongs to one machine, on a disk of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.store import machine as machine_module
from gateway.store.database import Database, Unwritable
from gateway.store.machine import Machine, this_machine

if TYPE_CHECKING:
    from pathlib import Path

HERE = Machine("boot 1", "id-here here", "here")
HERE_STARTED_AGAIN = Machine("boot 2", "id-here here", "here")
CONTAINER = Machine("boot 1", "another", "container")
THERE = Machine("boot 9", "id-there there", "there")


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def opened(folder: Path, machine: Machine, clock: Time) -> Database:
    database = Database(f"sqlite:{folder}/gateway.db", clock=clock, machine=machine)
    database.migrate()
    return database


def test_a_second_machine_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    clock = Time()
    here = opened(tmp_path, HERE, clock)
    with pytest.raises(Unwritable, match="in use by another machine, here") as stopped:
        opened(tmp_path, THERE, clock)
    assert "postgresql://" in stopped.value.remedy
    for _ in range(20):  # each of its writes is a sign of life
        clock.now += timedelta(seconds=30)
        assert here.writable()
        with pytest.raises(Unwritable):
            opened(tmp_path, THERE, clock)
    here.close()


def test_a_minute_after_the_last_sign_another_machine_takes_over_and_the_first_is_refused(tmp_path: Path) -> None:
    clock = Time()
    here = opened(tmp_path, HERE, clock)
    clock.now += timedelta(seconds=61)
    there = opened(tmp_path, THERE, clock)
    assert there.writable()
    assert not here.writable()
    with pytest.raises(Unwritable, match="there"), here.write():
        pytest.fail("it could write")
    here.close()
    there.close()


@pytest.mark.parametrize("other", [HERE, HERE_STARTED_AGAIN, CONTAINER], ids=["process", "next start", "container"])
def test_what_runs_on_the_same_machine_shares_the_store(tmp_path: Path, other: Machine) -> None:
    clock = Time()
    here, there = opened(tmp_path, HERE, clock), opened(tmp_path, other, clock)
    assert here.writable()
    assert there.writable()
    here.close()
    there.close()


def test_this_machine_is_the_same_whoever_asks() -> None:
    assert this_machine() == this_machine()
    assert this_machine().boot


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "fuse.sshfs", "ceph"])
@pytest.mark.parametrize("mount", ["{}", "{}/a b"], ids=["plain", "with a blank"])
def test_a_store_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, mount: str
) -> None:
    folder = tmp_path / "a b" / "data"
    shown = mount.format(tmp_path.resolve()).replace(" ", "\\040")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"77 22 0:55 / {shown} rw,relatime shared:9 - {kind} server:/export rw\n"
        f"78 22 8:2 / {tmp_path.resolve()}/a rw,relatime shared:9 - ext4 /dev/sdb1 rw\n"
    )
    monkeypatch.setattr(machine_module, "_MOUNTS", mounts)
    with pytest.raises(Stop, match=f"network file system \\({kind}\\)") as stopped:
        Database(f"sqlite:{folder}/gateway.db", clock=Time())
    assert "postgresql://" in stopped.value.remedy
