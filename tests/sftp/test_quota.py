"""How much a partner may send: by number, size and pace, and how much disk is left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sftp.errors import Reject
from sftp.jail import Jail, Place, Taken
from sftp.quota import Allowance, Allowances, Quota
from sftp.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jail(tmp_path: Path, clock: Clock) -> Iterator[Jail]:
    with Jail(tmp_path, "acme", Taken(clock)) as jail:
        yield jail


def send(jail: Jail, name: str, content: bytes, allowance: Allowance) -> None:
    upload = Upload(jail, Place("inbox", name), fresh=True, append=False, allowance=allowance)
    try:
        upload.write(0, content)
        upload.commit()
    finally:
        upload.abort()


def collect(tmp_path: Path) -> list[str]:
    names = sorted(path.name for path in (tmp_path / "acme/inbox").iterdir())
    for name in names:
        (tmp_path / "acme/inbox" / name).unlink()
    return names


def left(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "acme/stage").iterdir())


def test_one_of_something_is_told_as_one(jail: Jail, clock: Clock) -> None:
    one = Allowance("acme", Quota(files=1), Allowances(clock))
    send(jail, "a", b"1", one)
    with pytest.raises(Reject, match=r"1 file waits to be taken, 1 is allowed; please try again later"):
        send(jail, "b", b"1", one)


def test_files_that_wait_are_counted_unfinished_ones_too(jail: Jail, tmp_path: Path, clock: Clock) -> None:
    allowance = Allowance("acme", Quota(files=2), Allowances(clock))
    send(jail, "a", b"1", allowance)
    half = Upload(jail, Place("inbox", "b"), fresh=True, append=False, allowance=allowance)
    half.abort()
    with pytest.raises(Reject, match=r"2 files wait to be taken, 2 are allowed; please try again later"):
        send(jail, "c", b"1", allowance)
    assert left(tmp_path) == ["b"]
    assert collect(tmp_path) == ["a"]
    send(jail, "c", b"1", allowance)


def test_bytes_that_wait_are_counted_while_they_come_and_nothing_is_left_half(
    jail: Jail, tmp_path: Path, clock: Clock
) -> None:
    allowance = Allowance("acme", Quota(bytes=100), Allowances(clock))
    send(jail, "a", bytes(60), allowance)
    with pytest.raises(Reject, match=r"60 bytes wait to be taken, 100 are allowed"):
        send(jail, "b", bytes(60), allowance)
    assert left(tmp_path) == []
    send(jail, "c", bytes(40), allowance)
    with pytest.raises(Reject, match="100 bytes wait"):
        Upload(jail, Place("inbox", "d"), fresh=True, append=False, allowance=allowance)
    assert collect(tmp_path) == ["a", "c"]
    send(jail, "b", bytes(100), allowance)


def test_what_another_process_took_in_is_counted_after_a_while(jail: Jail, tmp_path: Path, clock: Clock) -> None:
    allowance = Allowance("acme", Quota(bytes=100), Allowances(clock))
    send(jail, "a", bytes(10), allowance)
    (tmp_path / "acme/inbox/theirs").write_bytes(bytes(80))
    clock.now += 11
    with pytest.raises(Reject, match="bytes wait"):
        send(jail, "b", bytes(20), allowance)


def test_files_a_minute_are_counted_and_it_is_said_when_to_go_on(jail: Jail, clock: Clock) -> None:
    allowances = Allowances(clock)
    for number in range(6):
        send(jail, f"a{number}", b"1", Allowance("acme", Quota(per_minute=6), allowances))
    with pytest.raises(Reject, match=r"6 files a minute are taken; please go on in 10 s"):
        send(jail, "b", b"1", Allowance("acme", Quota(per_minute=6), allowances))
    clock.now += 10
    send(jail, "b", b"1", Allowance("acme", Quota(per_minute=6), allowances))


def test_a_disk_that_is_nearly_full_takes_nothing_more(jail: Jail, tmp_path: Path, clock: Clock) -> None:
    disk = os.statvfs(tmp_path)
    more_than_there_is = disk.f_blocks * disk.f_frsize
    with pytest.raises(Reject, match="disk is nearly full; please send the file again later"):
        send(jail, "a", b"1", Allowance("acme", Quota(), Allowances(clock, free_bytes_min=more_than_there_is)))
    assert left(tmp_path) == []


def test_a_file_system_that_does_not_say_how_full_it_is_takes_files(
    jail: Jail, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = os.statvfs("/proc")
    assert silent.f_blocks == 0
    monkeypatch.setattr(os, "fstatvfs", lambda _: silent)
    send(jail, "a", b"1", Allowance("acme", Quota(), Allowances(clock, free_bytes_min=1)))
    assert collect(tmp_path) == ["a"]


def test_test_files_do_not_use_up_what_real_ones_may(jail: Jail, clock: Clock) -> None:
    allowance = Allowance("acme", Quota(files=1), Allowances(clock))
    send(jail, "a", b"1", allowance)
    upload = Upload(jail, Place("inbox", "a", test=True), fresh=True, append=False, allowance=allowance)
    upload.commit()
