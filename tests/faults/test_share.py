"""Two machines collect from one share: folders and processes of their own, one PostgreSQL, one bucket, random kills."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.acceptance.workspaces import reopened
from tests.faults.ledger import reading
from tests.faults.roles import SECONDS_MAX, alive
from tests.faults.test_machines import base, machine
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Child, Nursery
    from tests.servers import S3Server

KILLS = 3
SETTLE = "300ms"


def content(number: int) -> bytes:
    """A file whose envelope shows whether it is whole; every one is another, and some have the names of others."""
    lines = b"".join(b"<l>%d</l>" % (number * each) for each in range(number % 40))
    return b"<note><number>%d</number>" % number + lines + b"</note>"


class Sender(threading.Thread):
    """Writes files: at once, slowly with pauses, under another name first; the same names come again and again."""

    def __init__(self, folder: Path, first: int, chance: random.Random) -> None:
        super().__init__()
        self._folder = folder
        self._first = first
        self._chance = chance
        self.over = threading.Event()
        self.sent: list[bytes] = []

    def run(self) -> None:
        """Send until it is over."""
        for number in itertools.count(self._first):
            data, path = content(number), self._folder / f"note-{self._first}-{number % 30}.xml"
            while path.exists():  # a sender that would write over a file that was not taken would lose it himself
                if self.over.wait(0.01):
                    return
            self.sent.append(data)
            if number % 3:
                draft = path.with_name(f"{path.name}.part-{number}.tmp")
                draft.write_bytes(data)
                draft.rename(path)
            else:
                with path.open("wb", buffering=0) as file:
                    file.write(data[: len(data) // 2])
                    if number % 30 == 0:
                        time.sleep(0.8)  # longer than it takes to settle
                    file.write(data[len(data) // 2 :])
            if self.over.wait(self._chance.uniform(0, 0.03)):
                return


@contextmanager
def plain(folder: Path) -> Iterator[tuple[Path, Path]]:
    """One folder of the disk that both see."""
    share = folder / "share"
    share.mkdir()
    yield share, share


@contextmanager
def over_sshfs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The folder itself, and a mount of it through FUSE, as a second machine would have it."""
    share, mount = folder / "share", folder / "mount"
    share.mkdir()
    mount.mkdir()
    server = shutil.which("sftp-server", path="/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh")
    if shutil.which("sshfs") is None or server is None or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("there is no sshfs with an sftp-server and /dev/fuse")
    here, there = (os.pipe(), os.pipe())
    serving = subprocess.Popen([server], stdin=there[0], stdout=here[1])
    for end in (there[0], here[1]):
        os.close(end)
    options = "passive,dir_cache=no,attr_timeout=0,entry_timeout=0,ac_attr_timeout=0,negative_timeout=0"
    mounting = subprocess.Popen(
        ["sshfs", f":{share}", str(mount), "-f", "-o", options], stdin=here[0], stdout=there[1]
    )  # fmt: skip
    for end in (here[0], there[1]):
        os.close(end)
    try:
        until = time.monotonic() + SECONDS_MAX
        while not os.path.ismount(mount):
            if mounting.poll() is not None or time.monotonic() > until:
                pytest.skip("sshfs does not mount here")
            time.sleep(0.02)
        yield share, mount
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(mount)], check=False)
        for process in (mounting, serving):
            process.terminate()
            process.wait(SECONDS_MAX)


@pytest.mark.parametrize("sharing", [plain, over_sshfs], ids=["one folder", "a folder and its mount by sshfs"])
def test_L3_two_machines_that_are_killed_take_each_file_of_a_share_once_and_whole(  # noqa: N802
    sharing: object, tmp_path: Path, postgresql_url: str, s3_server: S3Server, children: Nursery
) -> None:
    seed = random.randrange(1_000_000)
    print(f"the seed is {seed}")  # noqa: T201 - it is shown when the test fails
    chance = random.Random(seed)
    with sharing(tmp_path) as shares:  # type: ignore[operator]
        here = base(tmp_path / "base", postgresql_url, s3_server, s3_server.bucket())
        here.set("settle", SETTLE).set("partial_after", "60s")
        with reopened(here.folder) as place:
            place.change("integrations/initech-invoices.yaml", "drop://initech/*.xml", "folder:share/*.xml")
        machines = [machine(here, tmp_path / name) for name in ("one", "two")]
        for one, share in zip(machines, shares, strict=True):
            (one.folder / "share").symlink_to(share)
            one.set("sftp", f"127.0.0.1:{free_port()}")
        running = [children.start(one.folder, "sftp") for one in machines]
        for each in running:
            each.go()
        senders = [Sender(share, which * 600_000, chance) for which, share in enumerate(shares)]
        for sender in senders:
            sender.start()
        try:
            for _ in range(KILLS):
                which = chance.randrange(2)
                until_it_collects(running[which])
                time.sleep(chance.uniform(0, 0.3))
                assert alive(running[which]), running[which].said()
                running[which].signal(signal.SIGKILL)
                assert children.ended(running[which]) == -signal.SIGKILL
                running[which] = children.start(machines[which].folder, "sftp")
                running[which].go()
            for sender in senders:
                sender.over.set()
                sender.join(SECONDS_MAX)
                assert not sender.is_alive()
            expected = Counter(data for sender in senders for data in sender.sent)
            until = time.monotonic() + 3 * SECONDS_MAX
            while len(arrived := landed(here.url)) < expected.total() or files_in(shares[0]):
                assert time.monotonic() < until, (len(arrived), files_in(shares[0]))
                time.sleep(0.1)
        finally:
            for sender in senders:
                sender.over.set()
            for each in running:
                each.signal(signal.SIGTERM)
                children.ended(each)
        said = f"seed {seed}\n" + "\n".join(each.said() for each in running)
        with reopened(here.folder) as place:
            found = Counter(bytes_of(place, sha256) for sha256 in landed(here.url))
        assert found - expected == Counter(), said
        assert expected - found == Counter(), said
        assert "Traceback" not in said


def until_it_collects(child: Child) -> None:
    """Wait until a machine has begun to take files."""
    until = time.monotonic() + SECONDS_MAX
    while " arrived: " not in child.said():
        assert time.monotonic() < until, child.said()
        time.sleep(0.02)


def bytes_of(place: Place, sha256: str) -> bytes:
    """The bytes of a delivery."""
    with place.gateway.vault.open(sha256) as file:
        return file.read()


def landed(url: str) -> list[str]:
    """The SHA-256 of each delivery."""
    with reading(url) as connection:
        return [row[0] for row in connection.execute(text("SELECT sha256 FROM delivery"))]


def files_in(share: Path) -> list[str]:
    """What lies there still, and in the holding folder."""
    return [path.name for path in share.rglob("*") if path.is_file()]
