"""How soon a file that was closed is registered, in our server and in OpenSSH's folders; bursts; what a look costs."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko

from sftp.arrival import Folder
from sftp.bells import Bell
from sftp.collect import Collector
from sftp.sshlog import SshLog
from sftp.testing import dropbox
from tests.benchmarks.harness import figure
from tests.sftp.opensshd import PARTNER, missing, opensshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sftp.arrival import Arrival

BURST, OLD, CLOSES = 50_000, 10_000, 200
RUNS = 9


def measure() -> list[dict[str, Any]]:
    """Registered is: received by who takes arrivals, hashed and out of the inbox. Files of 5 kB."""
    return [*_own_server(), *_openssh(), *_looks(), *_burst()]


class Registered:
    """When each file was received, by its name."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._changed = threading.Condition()

    def receive(self, arrival: Arrival) -> None:
        """Note the time."""
        with self._changed:
            self.at[arrival.name] = time.perf_counter()
            self._changed.notify_all()

    def wait(self, name: str) -> float:
        """When this one was received."""
        with self._changed:
            if not self._changed.wait_for(lambda: name in self.at, 60):
                raise TimeoutError(name)
            return self.at[name]


@contextmanager
def collecting(folder: Folder, registered: Registered) -> Iterator[Collector]:
    """A collector that runs."""
    numbers = itertools.count()
    collector = Collector([folder], registered, new_id=lambda: f"a{next(numbers)}", on_activity=lambda _: None)
    stop = threading.Event()
    running = threading.Thread(target=collector.run, args=(stop,))
    running.start()
    try:
        yield collector
    finally:
        stop.set()
        collector.ring()
        running.join()


def _closes(client: paramiko.SFTPClient, wait: Callable[[str], float]) -> list[float]:
    """Milliseconds from the call of close to the registration, one file behind the other."""
    took = []
    for number in range(CLOSES):
        file = client.open(f"/inbox/{number}.csv", "wb")
        file.write(b"x" * 5000)
        began = time.perf_counter()
        file.close()
        took.append((wait(f"{number}.csv") - began) * 1000)
    return sorted(took)


def _shown(what: str, took: list[float], limit: float) -> list[dict[str, Any]]:
    late = took[int(len(took) * 0.99)]
    return [
        figure(f"{what}, p50", statistics.median(took), "ms", len(took)),
        figure(f"{what}, p99", late, "ms", len(took), aim=f"≤ {limit:.0f} ms", met=late <= limit),
    ]


def _own_server() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name, dropbox(Path(name)) as box:
        registered = Registered()
        received = box.received.receive

        def receive(arrival: Arrival) -> None:
            received(arrival)
            registered.receive(arrival)

        box.received.receive = receive  # type: ignore[method-assign]
        with box.client() as client:
            took = _closes(client, registered.wait)
    return _shown("close → registered, our server", took, 10)


def _openssh() -> list[dict[str, Any]]:
    why = missing()
    if why is not None:
        return [figure(f"close → registered, OpenSSH's folder: missing ({why})", 0, "ms")]
    with _taken_over(0.0) as (registered, ssh), ssh.open_sftp() as client:
        closes = _closes(client, registered.wait)
    with _taken_over(None) as (registered, ssh):
        ends = sorted(_end(ssh, registered, f"{number}.csv") for number in range(CLOSES // 4))
    return [
        *_shown("close → registered, OpenSSH's folder with after_close: none", closes, 100),
        *_shown("end of the session → registered, OpenSSH's folder", ends, 100),
    ]


@contextmanager
def _taken_over(after_close: float | None) -> Iterator[tuple[Registered, paramiko.SSHClient]]:
    """A real sshd whose folder is collected from, and a client that has logged in."""
    with opensshd() as server, paramiko.SSHClient() as ssh:
        inbox, log, registered = server.root / "inbox", server.root / "dev" / "log", Registered()
        folder = Folder(inbox, "folder:in", inbox / ".held", log=log, after_close_seconds=after_close)
        ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        key = str(server.key)
        ssh.connect("127.0.0.1", server.port, PARTNER, key_filename=key, allow_agent=False, look_for_keys=False)
        with collecting(folder, registered) as collector:
            bells = (Bell([folder], collector.ring), SshLog(log, [folder], collector))
            for each in bells:
                each.start()
            yield registered, ssh
            for each in bells:
                each.stop()


def _end(ssh: paramiko.SSHClient, registered: Registered, name: str) -> float:
    """Milliseconds from the end of a session in which a file was sent to its registration."""
    client = ssh.open_sftp()
    with client.open(f"/inbox/{name}", "wb") as file:
        file.write(b"x" * 5000)
    began = time.perf_counter()
    client.close()
    return (registered.wait(name) - began) * 1000


def _looks() -> list[dict[str, Any]]:
    found = []
    for what, name, marker in (
        ("that nobody wants", "{}.bak", None),
        ("that wait for their markers", "{}.csv", ".done"),
        ("that were seen before and still settle", "{}.csv", None),
    ):
        with tempfile.TemporaryDirectory() as held:
            path = Path(held)
            for number in range(OLD):
                (path / name.format(number)).touch()
            folder = Folder(
                path, "folder:in", path / ".held", patterns=("*.csv",), marker=marker, settle_seconds=3600.0
            )
            collector = Collector([folder], Registered(), new_id=str, on_activity=lambda _: None)
            collector.scan()
            took = statistics.median(_cost(collector.scan) for _ in range(RUNS)) * 1000
            bare = statistics.median(_cost(partial(_bare, path)) for _ in range(RUNS)) * 1000
            found.append(
                figure(f"a rescan of {OLD:,} files {what}", took, "ms", RUNS, against="os.scandir and stat alone",
                       ratio=took / bare, aim="≤ 50 ms", met=took <= 50)
            )  # fmt: skip
    return found


def _bare(path: Path) -> None:
    with os.scandir(path) as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)


def _cost(of: Callable[[], object]) -> float:
    began = time.process_time()
    of()
    return time.process_time() - began


_WRITE = """
import os, sys
for number in range(int(sys.argv[2])):
    descriptor = os.open(f"{sys.argv[1]}/{number}.csv", os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, b"x" * 200)
    os.close(descriptor)
"""


def _burst() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name) / "in", "folder:in", Path(name) / "held", settle_seconds=0.5)
        registered = Registered()
        with collecting(folder, registered) as collector:
            bell = Bell([folder], collector.ring, on_activity=lambda _: None)
            bell.start()
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", _WRITE, str(folder.path), str(BURST)], check=True)
            written = time.perf_counter() - began
            until = began + 600
            while len(registered.at) < BURST and time.perf_counter() < until:
                time.sleep(0.05)
            took = time.perf_counter() - began
            bell.stop()
        missed = BURST - len(registered.at) + len(os.listdir(folder.path))  # noqa: PTH208 - names only
    return [
        figure(f"a burst of {BURST:,} files within {written:.1f} s, {bell.lost} overflows of inotify: lost", missed,
               "files", aim="0", met=missed == 0),
        figure(f"a burst of {BURST:,} files, taken and removed", BURST / took, "files/s"),
    ]  # fmt: skip
