"""A real sshd with a chroot, as docs/openssh.md says, whose folder is taken over."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko
import pytest

from sftp.arrival import Folder
from sftp.bells import Bell
from sftp.collect import Collector
from sftp.sshlog import SshLog
from sftp.testing import PATIENCE_SECONDS, Received, Told
from tests.sftp.opensshd import PARTNER, OpenSsh, missing, opensshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

LONG = 3600.0
"""A settle time that no test lives to see: what arrives does so because the log said it."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The server, and what its folder has brought."""

    server: OpenSsh
    received: Received
    told: Told

    @property
    def inbox(self) -> Path:
        """The partner's folder."""
        return self.server.root / "inbox"


@contextmanager
def taken_over(
    *, settle: float = LONG, partial_after: float = LONG, after_close: float | None = None
) -> Iterator[TakenOver]:
    """A server whose folder is collected from."""
    with opensshd() as server:
        received, told, numbers = Received(), Told(), itertools.count(1)
        folder = Folder(
            server.root / "inbox", "folder:in", server.root / "inbox" / ".held", settle_seconds=settle,
            partial_after_seconds=partial_after, log=server.root / "dev" / "log", after_close_seconds=after_close,
        )  # fmt: skip
        collector = Collector([folder], received, new_id=lambda: f"a{next(numbers)}", on_activity=told)
        assert folder.log is not None
        bells = (
            Bell([folder], collector.ring, on_activity=told),
            SshLog(folder.log, [folder], collector, on_activity=told),
        )
        stop = threading.Event()
        running = threading.Thread(target=collector.run, args=(stop,))
        running.start()
        for each in bells:
            each.start()
        try:
            yield TakenOver(server, received, told)
        finally:
            for each in bells:
                each.stop()
            stop.set()
            collector.ring()
            running.join()


def until_size(path: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until some of a file has come."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or path.stat().st_size < size:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_a_partner_sends_arrives_when_his_session_ends(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_bytes(b"sku;price\n1;2\n")
    with taken_over() as place:
        done = place.server.batch(f"put {file} /inbox/a.csv", f"put -p {file} /inbox/b.csv.filepart",
                                  "rename /inbox/b.csv.filepart /inbox/b.csv", "ls -l /inbox")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "a.csv" in done.stdout.partition("ls -l")[2]  # nothing was taken while the session lasted
        arrived = place.received.wait(2)
        assert {each.name: place.received.contents[each.id] for each in arrived} == {
            name: file.read_bytes() for name in ("a.csv", "b.csv")
        }
        assert sorted(path.name for path in place.inbox.iterdir()) == [".held"]


def test_a_partner_sees_his_folders_alone_and_not_what_is_held(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with taken_over() as place:
        done = place.server.batch(
            "ls -la /", "-ls /inbox/.held", "-symlink /etc/passwd /inbox/a.csv", "-mkdir /inbox/d"
        )
        assert "inbox" in done.stdout
        assert done.stderr.lower().count("permission denied") + done.stderr.lower().count("couldn't") >= 3


def test_a_client_that_looks_back_finds_its_file_while_its_session_lasts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"x" * 100_000)
    with taken_over() as place, paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect("127.0.0.1", place.server.port, PARTNER, key_filename=str(place.server.key),
                       allow_agent=False, look_for_keys=False)  # fmt: skip
        with client.open_sftp() as sftp:
            assert sftp.put(str(file), "/inbox/a.csv").st_size == 100_000  # it asks for the size behind the close
            assert sftp.stat("/inbox/a.csv").st_size == 100_000
        assert [each.size for each in place.received.wait(1)] == [100_000]


def test_after_close_takes_a_file_while_its_session_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"1")
    with (
        taken_over(after_close=0.0) as place,
        subprocess.Popen(place.server.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client,
    ):
        assert client.stdin is not None
        client.stdin.write(f"put {file} /inbox/a.csv\n".encode())
        client.stdin.flush()
        assert [each.name for each in place.received.wait(1)] == ["a.csv"]
        client.stdin.close()


def test_an_upload_whose_client_is_killed_is_partial_and_is_not_taken(tmp_path: Path) -> None:
    file, good = tmp_path / "large.csv", tmp_path / "good.csv"
    file.write_bytes(os.urandom(8_000_000))
    good.write_bytes(b"1")
    with taken_over() as place:
        with subprocess.Popen(
            [
                *place.server.command("-l", "2000"),
            ],
            stdin=subprocess.PIPE,
        ) as client:
            assert client.stdin is not None
            client.stdin.write(f"put {file} /inbox/large.csv\n".encode())
            client.stdin.flush()
            until_size(place.inbox / "large.csv", 100_000, client)
            client.send_signal(signal.SIGKILL)
        told = place.told.wait("upload_broken")
        assert told.name == "large.csv"
        assert told.size == (place.inbox / "large.csv").stat().st_size < 8_000_000
        place.server.batch(f"put {good} /inbox/good.csv")
        assert [each.name for each in place.received.wait(1)] == ["good.csv"]
        assert (place.inbox / "large.csv").exists()

        done = place.server.batch(f"reput {file} /inbox/large.csv")
        assert done.returncode == 0, done.stderr
        resumed = place.received.wait(2)[1]
        assert (place.received.contents[resumed.id], resumed.whole) == (file.read_bytes(), None)


def test_a_broken_upload_that_nobody_resumes_is_handed_over_as_partial(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(os.urandom(8_000_000))
    with taken_over(settle=0.1, partial_after=1.0) as place:
        with subprocess.Popen(place.server.command("-l", "2000"), stdin=subprocess.PIPE) as client:
            assert client.stdin is not None
            client.stdin.write(f"put {file} /inbox/large.csv\n".encode())
            client.stdin.flush()
            until_size(place.inbox / "large.csv", 100_000, client)
            assert place.received.arrivals == []  # it is open, and stalls for longer than it takes to settle
            client.send_signal(signal.SIGKILL)
        (arrival,) = place.received.wait(1)
        assert arrival.whole is False
        assert place.received.contents[arrival.id] == file.read_bytes()[: arrival.size]


def test_ctrl_c_leaves_half_an_interchange_that_waits(tmp_path: Path) -> None:
    file = tmp_path / "large.xml"
    file.write_bytes(b"<orders>" + b"<order>1</order>" * 500_000 + b"</orders>")
    with taken_over() as place:
        client = subprocess.Popen(place.server.command("-l", "2000", "-b", "-"), stdin=subprocess.PIPE)
        assert client.stdin is not None
        client.stdin.write(f"put {file} /inbox/large.xml\n".encode())
        client.stdin.close()
        until_size(place.inbox / "large.xml", 100_000, client)
        client.send_signal(signal.SIGINT)
        client.wait(PATIENCE_SECONDS)
        told = place.told.wait("partial_waiting")
        assert "its envelope is not closed" in told.message or "it broke off" in told.message
        assert place.received.arrivals == []
