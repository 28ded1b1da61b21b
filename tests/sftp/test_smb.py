"""Folders on a real SMB server: two machines that have it mounted, clients that have files open, their tricks."""

from __future__ import annotations

import errno
import itertools
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from sftp.arrival import Folder
from sftp.collect import Collector
from sftp.testing import PATIENCE_SECONDS, Received, Told
from tests.smb import Smb, missing, smb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.arrival import Arrival

WHOLE = b"<order><line/></order>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smb]:
    why = missing()
    if why:
        pytest.skip(why)
    with smb(tmp_path_factory.mktemp("smb") / "served") as one:
        yield one


@pytest.fixture(scope="module")
def mounts(server: Smb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """The same share as two machines have it."""
    folder = tmp_path_factory.mktemp("mounts")
    with ExitStack() as stack:
        yield [stack.enter_context(server.mounted(folder / name)) for name in ("one", "two")]


def left(folder: Path) -> list[str]:
    """The files in a folder, at any depth."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


class Bench:
    """A collector over a mount, with a clock that stands still unless it is moved; `served` is as the server has it."""

    def __init__(self, server: Smb, mount: Path, name: str) -> None:
        self.served = server.folder / name
        self.folder = Folder(
            mount / name / "in", "folder:in", mount / name / "held", settle_seconds=5.0, partial_after_seconds=100.0
        )
        self.received, self.told, self.now = Received(), Told(), 0.0
        numbers = itertools.count(1)
        self.collector = Collector(
            [self.folder],
            self.received,
            new_id=lambda: f"a{next(numbers)}",
            monotonic=lambda: self.now,
            on_activity=self.told,
        )

    def write(self, name: str, data: bytes = WHOLE) -> None:
        """As a program on the server itself does."""
        (self.served / "in" / name).write_bytes(data)

    def after(self, seconds: float) -> list[str]:
        """Scan `seconds` later; the names that have arrived so far."""
        self.now += seconds
        self.collector.scan()
        return [arrival.name for arrival in self.received.arrivals]

    def settled(self) -> list[str]:
        """The same when all that lies there has settled, was claimed, and is surely ours."""
        self.after(0)
        self.after(5)
        return self.after(1)

    def left(self) -> list[str]:
        """What the server has still."""
        return left(self.served)


@pytest.fixture
def bench(server: Smb, mounts: list[Path], request: pytest.FixtureRequest) -> Bench:
    return Bench(server, mounts[0], request.node.name[:40])


_MACHINE = """
    import os, sys, threading, uuid
    from pathlib import Path
    from sftp.arrival import Folder
    from sftp.collect import Collector

    share, rows = Path(sys.argv[1]), Path(sys.argv[2])

    class Ledger:
        def receive(self, arrival):
            draft = rows / f"{arrival.id}.{os.getpid()}"
            draft.write_bytes(arrival.path.read_bytes())
            draft.rename(rows / arrival.id)

    folder = Folder(share / "in", "folder:in", share / "held", settle_seconds=0.3, partial_after_seconds=60.0)
    collector = Collector(
        [folder], Ledger(), new_id=lambda: uuid.uuid4().hex, rescan_seconds=0.1, recover_seconds=1.0,
        on_activity=lambda activity: print(activity.what, activity.message, flush=True),
    )
    collector.run(threading.Event())
"""
_FILES, _KILLS = 60, 4


def machine(share: Path, rows: Path) -> subprocess.Popen[bytes]:
    """A collector as a process of its own, and what is durable for it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = [sys.executable, "-c", textwrap.dedent(_MACHINE), str(share), str(rows)]
    return subprocess.Popen(script, env=environment, stdout=subprocess.DEVNULL)


def note(number: int) -> bytes:
    """A file whose envelope shows whether it is whole."""
    return b"<note>%d%s</note>" % (number, b"." * (number * 997))


def _renamed(draft: Path, path: Path) -> None:
    """Rename, and try again while the file is busy: FUSE closes it a little after its program does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            draft.rename(path)
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def send(server: Smb, mount: Path, here: Path) -> None:
    """Files from the server itself, from the machines that collect, and from another client; slowly, and at once."""
    for number in range(_FILES):
        data, name = note(number), f"both/in/{number}.xml"
        if number % 6 == 0:
            (here / name).write_bytes(data)
            server.put(here / name, name)
            continue
        path = (mount if number % 2 else server.folder) / name
        if number % 3:
            draft = path.with_name(f"{path.name}.tmp")
            draft.write_bytes(data)
            _renamed(draft, path)
            continue
        with path.open("wb", buffering=0) as file:
            file.write(data[: len(data) // 2])
            time.sleep(0.4 if number % 5 == 0 else 0)  # longer than it takes to settle
            file.write(data[len(data) // 2 :])


def test_two_machines_that_are_killed_take_each_file_of_a_share_once_and_whole(
    server: Smb, mounts: list[Path], tmp_path: Path
) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    rows = tmp_path / "rows"
    for folder in (rows, tmp_path / "both/in", server.folder / "both/in"):
        folder.mkdir(parents=True)

    def came() -> list[Path]:
        return [path for path in rows.iterdir() if not path.suffix]

    machines = [machine(mount / "both", rows) for mount in mounts]
    sender = threading.Thread(target=send, args=(server, mounts[1], tmp_path))
    sender.start()
    try:
        until = time.monotonic() + 300
        for kill in range(1, _KILLS + 1):
            while len(came()) < kill * _FILES // (2 * _KILLS):
                assert time.monotonic() < until, (seed, kill, len(came()))
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.2))
            which = chance.randrange(2)
            machines[which].kill()
            assert machines[which].wait(PATIENCE_SECONDS) == -signal.SIGKILL
            machines[which] = machine(mounts[which] / "both", rows)
        sender.join()
        while len(came()) < _FILES or left(server.folder / "both"):
            assert time.monotonic() < until, (seed, len(came()), left(server.folder / "both"))
            time.sleep(0.01)
    finally:
        for each in machines:
            each.kill()
            each.wait(PATIENCE_SECONDS)
    assert sorted(path.read_bytes() for path in came()) == sorted(note(number) for number in range(_FILES)), seed


def test_of_two_machines_that_were_told_that_they_have_a_file_one_hands_it_over(bench: Bench) -> None:
    bench.write("a.xml")
    bench.after(0)
    assert bench.after(5) == []
    held = bench.served / "held"
    (held / "a1~a.xml").rename(held / "b1~a.xml")  # the other one's request was under way
    assert bench.after(1) == []
    assert bench.told.activities == []
    bench.collector.recover()
    assert bench.after(0) == []
    assert bench.after(1) == ["a.xml"]
    assert [arrival.id for arrival in bench.received.arrivals] == ["b1"]
    assert bench.left() == []


def test_what_another_client_has_open_is_taken_when_he_closes_it_and_keeps_nothing_waiting(
    server: Smb, bench: Bench
) -> None:
    bench.write("open.xml")
    bench.write("other.xml")
    with server.having_open(f"{bench.served.name}/in/open.xml"):
        for _ in range(3):
            assert bench.settled() == ["other.xml"]
        assert bench.left() == ["open.xml"]
        assert [activity.what for activity in bench.told.activities] == ["arrived"]
        bench.after(100)
        bench.after(5)
    assert [activity.what for activity in bench.told.activities] == ["arrived", "writer_waiting"]
    assert bench.settled() == ["other.xml", "open.xml"]
    assert bench.left() == []


def test_a_file_that_another_client_sends_slowly_is_never_taken_by_half(
    server: Smb, bench: Bench, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    sender = threading.Thread(target=server.put, args=(fifo, f"{bench.served.name}/in/slow.csv"))
    sender.start()
    with fifo.open("wb", buffering=0) as writing:
        writing.write(b"a;b\n" * 100_000)
        while not bench.left():
            time.sleep(0.01)
        for _ in range(3):
            assert bench.settled() == []
        assert bench.left() == ["slow.csv"]
        writing.write(b"c;d\n")
    sender.join()
    assert bench.settled() == ["slow.csv"]
    assert list(bench.received.contents.values()) == [b"a;b\n" * 100_000 + b"c;d\n"]
    assert bench.left() == []


def test_held_files_that_another_client_has_open_are_handed_over_once_and_stop_no_others(
    server: Smb, bench: Bench
) -> None:
    names = ["a.xml", "b.xml", "c.xml", "d.xml"]
    receive = bench.received.receive
    with ExitStack() as scanner:

        def scanned(arrival: Arrival) -> None:
            receive(arrival)
            if arrival.name < "d.xml":
                scanner.enter_context(server.having_open(f"{bench.served.name}/held/{arrival.path.name}"))

        bench.received.receive = scanned  # type: ignore[method-assign] # a receiver with somebody beside it
        for name in names:
            bench.write(name)
        assert sorted(bench.settled()) == names
        assert len(bench.left()) == 3
        bench.write("e.xml")
        assert sorted(bench.settled()) == [*names, "e.xml"]
    assert sorted(bench.after(60)) == [*names, "e.xml"]
    assert bench.received.attempts == 5
    assert bench.left() == []
    assert Counter(activity.what for activity in bench.told.activities) == {"arrived": 5, "removal_failed": 3}
    [first, *_] = bench.told.of("removal_failed")
    assert f"{first.name} is handed over but cannot be removed: Device or resource busy; it is" in first.message


def test_a_held_file_whose_inode_number_changes_is_not_taken_for_another(bench: Bench) -> None:
    numbers = []
    receive = bench.received.receive

    def forgotten(arrival: Arrival) -> None:
        receive(arrival)
        numbers.append(arrival.path.stat().st_ino)
        there = bench.served / "held" / arrival.path.name
        away = there.rename(bench.served / "away")
        assert not arrival.path.exists()
        away.rename(there)
        numbers.append(arrival.path.stat().st_ino)

    bench.received.receive = forgotten  # type: ignore[method-assign] # a client that forgets meanwhile
    bench.write("a.xml")
    assert bench.settled() == ["a.xml"]
    assert numbers[0] != numbers[1]
    assert bench.after(60) == ["a.xml"]
    assert [activity.what for activity in bench.told.activities] == ["arrived"]
    assert bench.left() == []
