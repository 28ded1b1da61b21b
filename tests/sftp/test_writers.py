"""Nobody claims a file that somebody still has open, where the kernel knows it."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sftp import writers
from sftp.arrival import Folder, drop_folder
from sftp.collect import Collector
from sftp.testing import PATIENCE_SECONDS, Received, Told
from sftp.writers import file_system, is_local, is_written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "O_PATH"), reason="leases are Linux's")


class Inbox:
    """A folder, a collector with a clock that stands still unless it is moved, and what it was told."""

    def __init__(self, tmp_path: Path, ask: Callable[[int], bool | None] = is_written) -> None:
        self.now, self.received, self.told = 0.0, Received(), Told()
        self.folder = Folder(tmp_path / "in", "folder:in", tmp_path / "held", partial_after_seconds=100.0)
        numbers = itertools.count(1)
        self.collector = Collector(
            [self.folder],
            self.received,
            new_id=lambda: f"a{next(numbers)}",
            monotonic=lambda: self.now,
            on_activity=self.told,
            is_written=ask,
        )

    def after(self, seconds: float) -> list[bytes]:
        """What has arrived `seconds` later."""
        self.now += seconds
        self.collector.scan()
        return list(self.received.contents.values())


@pytest.fixture
def local(tmp_path: Path) -> Path:
    if not is_local(tmp_path):
        pytest.skip(f"leases tell nothing on {file_system(tmp_path)}")
    return tmp_path


def test_a_writer_that_stalls_for_longer_than_the_settle_time_is_waited_for(local: Path) -> None:
    inbox = Inbox(local)
    with (inbox.folder.path / "a.csv").open("wb", buffering=0) as writer:
        writer.write(b"the first half, ")
        assert inbox.after(0) == []
        assert inbox.after(inbox.folder.settle_seconds + 4) == []
        writer.write(b"and the second")
    assert inbox.after(0) == []
    assert inbox.after(5) == [b"the first half, and the second"]


def test_a_file_that_is_closed_at_last_is_taken_at_once(local: Path) -> None:
    inbox = Inbox(local)
    with (inbox.folder.path / "a.csv").open("wb", buffering=0) as writer:
        writer.write(b"all of it")
        assert inbox.after(0) == inbox.after(9) == []
    assert inbox.after(0) == [b"all of it"]


def test_a_file_that_stays_open_is_told_once(local: Path) -> None:
    inbox = Inbox(local)
    with (inbox.folder.path / "a.csv").open("wb"):
        for _ in range(250):
            assert inbox.after(1) == []
        [told] = inbox.told.of("writer_waiting")
        assert told.message == "a.csv in folder:in has been open for writing for 100 s; it is taken when it is closed"


def test_who_opens_the_file_between_the_question_and_the_claim_is_waited_for_too(local: Path) -> None:
    opened: list[int] = []

    def ask(descriptor: int) -> bool | None:
        written = is_written(descriptor)
        if not opened:
            opened.append(os.open(local / "in" / "a.csv", os.O_WRONLY | os.O_APPEND))
        return written

    inbox = Inbox(local, ask)
    (inbox.folder.path / "a.csv").write_bytes(b"1")
    inbox.after(0)
    assert inbox.after(5) == []
    assert [path.name for path in inbox.folder.holding.iterdir()] == ["a1~a.csv"]
    os.write(opened[0], b"2")
    assert inbox.after(9) == []
    os.close(opened[0])
    assert inbox.after(9) == [b"12"]


def test_what_a_reader_has_open_is_taken(local: Path) -> None:
    inbox = Inbox(local)
    path = inbox.folder.path / "a.csv"
    path.write_bytes(b"1")
    with path.open("rb"):
        inbox.after(0)
        assert inbox.after(5) == [b"1"]


def test_who_is_not_permitted_to_ask_says_so_once_and_goes_by_the_time(local: Path) -> None:
    def refused(_descriptor: int) -> bool | None:
        raise PermissionError(errno.EACCES, "Permission denied")

    inbox = Inbox(local, refused)
    for name in ("a.csv", "b.csv"):
        (inbox.folder.path / name).write_bytes(name.encode())
    inbox.after(0)
    assert inbox.after(5) == [b"a.csv", b"b.csv"]
    [told] = inbox.told.of("writers_unknown")
    assert "no CAP_LEASE; files are taken 5 s after they last changed" in told.message


def test_the_kernel_refuses_to_tell_of_another_users_file(local: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    path = local / "a.csv"
    path.write_bytes(b"1")
    local.chmod(0o755)
    code = """
import os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
os.setuid(65534)
from sftp.writers import is_written
try:
    print(is_written(descriptor))
except PermissionError as refused:
    print("refused", refused.strerror)
"""
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "import sftp.writers\n" + code, str(path)]
    said = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "refused Permission denied", said.stderr


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p", "overlay", ""])
def test_nobody_is_asked_where_the_answer_would_be_about_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(writers, "file_system", lambda _path: kind)
    inbox = Inbox(tmp_path)
    with (inbox.folder.path / "a.csv").open("wb", buffering=0) as writer:
        writer.write(b"1")
        inbox.after(0)
        assert inbox.after(5) == [b"1"]


def test_the_type_of_a_file_system_is_that_of_the_innermost_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a share" / "in").mkdir(parents=True)
    lines = (
        "1 0 8:1 / / rw - ext4 /dev/sda rw",
        f"2 1 0:5 / {str(tmp_path).replace(' ', chr(92) + '040')}/a\\040share rw,relatime shared:1 - nfs4 host:/x rw",
        "3 1 0:6 / /tmpfs rw - tmpfs tmpfs rw",
    )
    mounts = tmp_path / "mountinfo"
    mounts.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(writers, "_MOUNTS", mounts)
    assert file_system(tmp_path / "a share" / "in") == "nfs4"
    assert file_system(tmp_path) == "ext4"
    assert not is_local(tmp_path / "a share")


def test_our_own_servers_files_are_complete_and_nobody_is_asked(tmp_path: Path) -> None:
    asked: list[int] = []
    folder, received = drop_folder(tmp_path, "acme"), Received()

    def ask(descriptor: int) -> bool:
        asked.append(descriptor)
        return True

    collector = Collector([folder], received, new_id=lambda: "a", is_written=ask)
    (folder.path / "a.csv").write_bytes(b"1")
    collector.scan()
    assert (len(received.arrivals), asked) == (1, [])


def test_asking_harms_neither_us_nor_a_writer_that_comes_at_that_moment(local: Path) -> None:
    path = local / "a.csv"
    path.write_bytes(b"1")
    code = """
import os, sys
while not os.path.exists(sys.argv[2]):
    os.close(os.open(sys.argv[1], os.O_WRONLY))
print("done")
"""
    enough = local / "enough"
    command = [sys.executable, "-c", code, str(path), str(enough)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        descriptor = os.open(path, os.O_RDONLY)
        answers = {True: 0, False: 0, None: 0}
        until = time.monotonic() + PATIENCE_SECONDS
        while writer.poll() is None and min(answers[True], answers[False]) < 100 and time.monotonic() < until:
            answers[is_written(descriptor)] += 1
        os.close(descriptor)
        enough.touch()
        assert writer.communicate()[0] == "done\n"
    assert answers[None] == 0
    assert min(answers[True], answers[False]) >= 100, answers


_ASKING = """
import fcntl, os, signal, subprocess, sys
from sftp import writers
ask, path = fcntl.fcntl, sys.argv[1]

def slowly(descriptor, command, argument):
    answer = ask(descriptor, command, argument)
    if (command, argument) == (fcntl.F_SETLEASE, fcntl.F_RDLCK):  # and now somebody comes who wants to write
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
        opening.append(subprocess.Popen(["sh", "-c", 'echo 2 >> "$0"', path]))
        signal.sigtimedwait({signal.SIGURG}, 20)
    return answer

opening = []
fcntl.fcntl = slowly
print(writers.is_written(os.open(path, os.O_RDONLY)), opening[0].wait())
"""


def test_who_comes_to_write_while_it_is_asked_waits_for_that_moment_and_does_not_end_us(local: Path) -> None:
    path = local / "a.csv"
    path.write_bytes(b"1\n")
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _ASKING, str(path)]
    done = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "False 0\n"), done.stderr
    assert path.read_bytes() == b"1\n2\n"
