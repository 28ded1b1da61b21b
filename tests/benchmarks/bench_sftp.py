"""Our SFTP server beside OpenSSH's, paramiko as it comes, and asyncssh: the same client, cipher and folder, in turn.

The client is OpenSSH's ``sftp`` with aes256-gcm. Ours has on what is always on: the jail, SHA-256 in stream, fsync
before the answer to a close; the others sync nothing. Beside the time of the clock stands that of the server's
processes, which a busy machine changes less. ``python -m tests.benchmarks.bench_sftp MEGABYTES`` takes another size.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko

from sftp.hostkeys import load_or_create
from sftp.testing import make_key
from tests.acceptance.workspaces import make, reopened
from tests.benchmarks.harness import figure
from tests.benchmarks.sftpservers import HOST, USER
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEGABYTES = 256
SMALL_BYTES = 50_000
SMALL_FILES = 1_000
CLIENTS = 20
LOGINS = 60
IDLE = 400
IDLE_SECONDS = 10
RUNS = 3
CIPHER = "aes256-gcm@openssh.com"
SSHD = "/usr/sbin/sshd"
SERVERS = {"ours": 1.0, "openssh": 1.0, "asyncssh": 1.0, "paramiko": 0.1}
"""Kind → of the small files so many are sent by it: paramiko as it comes would take minutes."""


@dataclass(frozen=True, slots=True)
class Running:
    """One server: its process, its port, and the folders that a client names."""

    kind: str
    process: subprocess.Popen[str]
    port: int
    folder: Path
    inbox: str
    outbox: str

    @property
    def user(self) -> str:
        return "root" if self.kind == "openssh" else USER

    def command(self, program: str = "sftp") -> list[str]:
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR")
        chosen = [part for option in options for part in ("-o", option)]
        chosen += ["-F", "/dev/null", "-o", "IdentitiesOnly=yes", "-i", str(self.folder / "key"), "-c", CIPHER]
        return [program, "-q", *chosen, "-P", str(self.port), "-b", "-", f"{self.user}@{HOST}"]

    def batch(self, *commands: str) -> None:
        done = subprocess.run(
            self.command(), input="\n".join(commands) + "\n", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{self.kind}: {done.stdout[-300:]}{done.stderr[-300:]}")

    def processes(self) -> list[int]:
        """The server's process and all that came of it."""
        children: dict[int, list[int]] = {}
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                with suppress(OSError):
                    parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                    children.setdefault(parent, []).append(int(path.name))
        found = [self.process.pid]
        for each in found:
            found += children.get(each, [])
        return found

    def cpu_seconds(self) -> float:
        """The processor time of all its processes, also of those that have ended."""
        ticks = 0
        for pid in self.processes():
            with suppress(OSError):
                ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_megabytes(self) -> float:
        """Its memory, what processes share divided among them."""
        total = 0
        for pid in self.processes():
            with suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024


@dataclass(slots=True)
class Times:
    """Seconds of the clock and of the server's processors, run by run."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(megabytes: int = MEGABYTES) -> list[dict[str, Any]]:
    """All of it, each kind of work by all servers in turn."""
    if missing := _missing():
        return [figure(f"missing: {missing}", 0, "", 0)]
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as open_:
        folder = Path(name)
        _prepare(folder, megabytes)
        servers = [open_.enter_context(_running(kind, folder)) for kind in _kinds()]
        lines += _large(servers, folder, megabytes)
        lines += _small(servers, folder)
        lines += _together(servers, folder)
        lines += _logins(servers)
        lines += _idle(folder)
    lines += _registered()
    return lines


def _missing() -> str | None:
    if shutil.which("sftp") is None or not Path(SSHD).exists() or os.geteuid() != 0:
        return "apt-get install openssh-client openssh-server, and run it as root, for whom alone sshd logs in"
    return None


def _kinds() -> list[str]:
    return [kind for kind in SERVERS if kind != "asyncssh" or importlib.util.find_spec("asyncssh")]


def _prepare(folder: Path, megabytes: int) -> None:
    (folder / "key.pub").write_text(make_key(folder / "key") + "\n", encoding="ascii")
    load_or_create(folder / "hostkeys")
    outbox = folder / "drops" / USER / "outbox"
    outbox.mkdir(parents=True)
    (folder / "drops" / USER / "inbox").mkdir()
    (folder / "small").mkdir()
    (folder / "got").mkdir()
    block = os.urandom(1 << 20)
    with (folder / "large").open("wb") as file:
        for _ in range(megabytes):
            file.write(block)
    (outbox / "large").hardlink_to(folder / "large")
    for number in range(SMALL_FILES):
        (folder / "small" / f"s{number:04}.edi").write_bytes(block[:SMALL_BYTES])
        (outbox / f"s{number:04}.edi").hardlink_to(folder / "small" / f"s{number:04}.edi")


@contextmanager
def _running(kind: str, folder: Path) -> Iterator[Running]:
    home = str(folder / "drops" / USER) if kind == "openssh" else ""
    if kind == "openssh":
        port = free_port()
        process = subprocess.Popen(_sshd(folder, port), stdin=subprocess.PIPE, text=True)
        _answers(port)
    else:
        command = [sys.executable, "-m", "tests.benchmarks.sftpservers", kind, str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        port = int(process.stdout.readline())
    try:
        yield Running(kind, process, port, folder, f"{home}/inbox", f"{home}/outbox")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        if kind == "openssh":
            process.terminate()
        process.wait(30)


def _sshd(folder: Path, port: int) -> list[str]:
    """OpenSSH's server, for this one user and key, and as fast as it comes."""
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "Port": str(port),
        "ListenAddress": HOST,
        "HostKey": str(folder / "hostkeys" / "ssh_host_ed25519_key"),
        "AuthorizedKeysFile": str(folder / "key.pub"),
        "PidFile": "none",
        "PermitRootLogin": "prohibit-password",
        "StrictModes": "no",
        "UsePAM": "no",
        "MaxStartups": "500",
        "Subsystem": "sftp internal-sftp",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()), encoding="ascii")
    return [SSHD, "-D", "-f", str(config), "-E", str(folder / "sshd.log")]


def _answers(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("sshd does not answer")


# ── in turn ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_turn(servers: list[Running], work: Callable[[Running, int], None], runs: int = RUNS) -> dict[str, Times]:
    """Have each server do the work, one after the other, round after round."""
    times = {server.kind: Times() for server in servers}
    for run in range(runs):
        for server in servers:
            cpu, wall = server.cpu_seconds(), time.perf_counter()
            work(server, run)
            times[server.kind].wall.append(time.perf_counter() - wall)
            times[server.kind].cpu.append(server.cpu_seconds() - cpu)
            for file in (server.folder / "drops" / USER / "inbox").iterdir():
                file.unlink()
            for file in (server.folder / "got").iterdir():
                file.unlink()
    return times


def _rates(
    name: str, times: dict[str, Times], amount: Callable[[str], float], unit: str, aims: dict[str, float]
) -> list[dict[str, Any]]:
    """Ours with its ratio to each other server, round by round; theirs; and the processors' time."""
    lines = []
    for kind, done in times.items():
        rate = amount(kind) / statistics.median(done.wall)
        lines.append(figure(f"{name}, {kind}", rate, unit, len(done.wall)))
        spent = statistics.median(done.cpu) / amount(kind) * 1000
        each = unit.removesuffix("/s").removesuffix("s")
        lines.append(figure(f"{name}, {kind}, its processors", spent, f"ms/{each}", len(done.wall)))
    ours = times["ours"]
    for kind, done in times.items():
        if kind == "ours":
            continue
        share = amount("ours") / amount(kind)
        ratio = statistics.median(b / a * share for a, b in zip(ours.wall, done.wall, strict=True))
        aim = aims.get(kind)
        more: dict[str, Any] = {"aim": f"≥ {aim:g} ×", "met": ratio >= aim} if aim else {}
        lines.append(
            figure(f"{name}, ours beside {kind}", ratio, "×", len(done.wall), against=kind, ratio=ratio, **more)
        )
    return lines


def _large(servers: list[Running], folder: Path, megabytes: int) -> list[dict[str, Any]]:
    up = _in_turn(servers, lambda server, _: server.batch(f"put {folder}/large {server.inbox}/large"))
    down = _in_turn(servers, lambda server, _: server.batch(f"get {server.outbox}/large {folder}/got/large"))
    size = f"one file of {megabytes} MiB"
    return [
        *_rates(f"{size} up", up, lambda _: megabytes, "MiB/s", {"openssh": 0.6}),
        *_rates(f"{size} down", down, lambda _: megabytes, "MiB/s", {"openssh": 0.8}),
    ]


def _count(kind: str) -> int:
    return int(SMALL_FILES * SERVERS[kind])


def _pattern(kind: str) -> str:
    return "s*.edi" if SERVERS[kind] == 1 else "s00*.edi"


def _small(servers: list[Running], folder: Path) -> list[dict[str, Any]]:
    def put(server: Running, _: int) -> None:
        server.batch(f"put {folder}/small/{_pattern(server.kind)} {server.inbox}/")

    def get(server: Running, _: int) -> None:
        server.batch(f"get {server.outbox}/{_pattern(server.kind)} {folder}/got/")

    up, down = _in_turn(servers, put), _in_turn(servers, get)
    return [
        *_rates("files of 50 kB up", up, _count, "files/s", {"openssh": 0.5}),
        *_rates("files of 50 kB down", down, _count, "files/s", {"paramiko": 20}),
    ]


def _together(servers: list[Running], folder: Path) -> list[dict[str, Any]]:
    pieces = folder / "piece"
    with pieces.open("wb") as file:
        file.write(os.urandom(10 << 20))
    smalls = SMALL_FILES // CLIENTS

    def at_once(server: Running, batch: Callable[[int], str]) -> None:
        clients = []
        for number in range(CLIENTS):
            client = subprocess.Popen(
                server.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            assert client.stdin is not None
            client.stdin.write(batch(number) + "\n")
            client.stdin.close()
            clients.append(client)
        for client in clients:
            assert client.stderr is not None
            said = client.stderr.read()
            if client.wait(300):
                raise RuntimeError(f"{server.kind}: {said[-300:]}")

    def large(server: Running, _: int) -> None:
        at_once(server, lambda number: f"put {pieces} {server.inbox}/p{number}")

    def small(server: Running, _: int) -> None:
        at_once(
            server,
            lambda number: "\n".join(
                f"put {folder}/small/s{each:04}.edi {server.inbox}/s{each:04}.edi"
                for each in range(number * smalls, (number + 1) * smalls)
            ),
        )

    some = [server for server in servers if server.kind != "paramiko"]
    return [
        *_rates(
            f"{CLIENTS} clients at once, 10 MiB each, up",
            _in_turn(some, large),
            lambda _: 10 * CLIENTS,
            "MiB/s",
            {"openssh": 0.7},
        ),
        *_rates(
            f"{CLIENTS} clients at once, {smalls} files of 50 kB each, up",
            _in_turn(some, small),
            lambda _: SMALL_FILES,
            "files/s",
            {"openssh": 0.7},
        ),
    ]


def _logins(servers: list[Running]) -> list[dict[str, Any]]:
    """Logins by key with OpenSSH's client, four at a time."""

    def log_in(server: Running, _: int) -> None:
        def some() -> None:
            for _ in range(LOGINS // 4):
                server.batch("pwd")

        threads = [threading.Thread(target=some) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return _rates("logins", _in_turn(servers, log_in), lambda _: LOGINS, "logins/s", {})


# ── idle sessions ────────────────────────────────────────────────────────────────────────────────────────────────────


def _idle(folder: Path) -> list[dict[str, Any]]:
    """Sessions that ask for nothing, each server started anew for them."""
    lines: list[dict[str, Any]] = []
    for kind in _kinds():
        with _running(kind, folder) as server:
            clients = _opened(server)
            before, began = server.cpu_seconds(), time.perf_counter()
            time.sleep(IDLE_SECONDS)
            share = (server.cpu_seconds() - before) / (time.perf_counter() - began) * 100
            memory = server.pss_megabytes()
            for client in clients:
                client.kill()
                client.wait()
        of_us = kind == "ours"
        aims: dict[str, Any] = {"aim": "≤ 120 MiB", "met": memory <= 120} if of_us else {}
        lines.append(figure(f"{IDLE} idle sessions, {kind}, memory", memory, "MiB", 1, **aims))
        aims = {"aim": "≤ 2 %", "met": share <= 2} if of_us else {}
        lines.append(figure(f"{IDLE} idle sessions, {kind}, of a core", share, "%", 1, **aims))
    return lines


_SITTING = """
import sys, time, paramiko
clients = []
for _ in range(int(sys.argv[4])):
    transport = paramiko.Transport(("127.0.0.1", int(sys.argv[1])))
    transport._active_check_timeout = 30
    transport.connect(username=sys.argv[2], pkey=paramiko.Ed25519Key.from_private_key_file(sys.argv[3]))
    sftp = transport.open_sftp_client()
    sftp.stat("/")
    clients.append(sftp)
print("all", flush=True)
sys.stdin.read()
"""


def _opened(server: Running) -> list[subprocess.Popen[str]]:
    clients = []
    for _ in range(4):
        command = [sys.executable, "-c", _SITTING, str(server.port), server.user, str(server.folder / "key")]
        clients.append(
            subprocess.Popen([*command, str(IDLE // 4)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
    for client in clients:
        assert client.stdout is not None
        if client.stdout.readline() != "all\n":
            raise RuntimeError(f"{server.kind} did not take {IDLE} sessions")
    return clients


# ── from the close to the store ──────────────────────────────────────────────────────────────────────────────────────


def _registered() -> list[dict[str, Any]]:
    """How long after a client closed a file it is a delivery in the store, with all of the SFTP role running."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, sftp=free_port())
        partner = folder / "partners" / "acme.yaml"
        account = f"sftp:\n  user: {USER}\n  keys: {make_key(folder / 'key')}\n"
        partner.write_text(partner.read_text(encoding="utf-8").partition("sftp:")[0] + account, encoding="utf-8")
        with reopened(folder):
            pass
        command = [sys.executable, "-m", "tests.benchmarks.sftpservers", "intake", str(folder)]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        closed = _closed(folder, port)
        time.sleep(2)
        server.stdin.close()
        arrived = dict(each.rsplit(" ", 1) for each in server.stdout.read().splitlines())
        server.wait(30)
    waits = sorted((float(arrived[name]) - at) * 1000 for name, at in closed.items() if name in arrived)
    if len(waits) < len(closed):
        return [figure("close → in the store: files are missing", len(closed) - len(waits), "files")]
    p99 = waits[int(len(waits) * 0.99)]
    return [
        figure("close → in the store, median", statistics.median(waits), "ms", len(waits)),
        figure("close → in the store, 99 of 100", p99, "ms", len(waits), aim="≤ 10 ms", met=p99 <= 10),
    ]


def _closed(folder: Path, port: int) -> dict[str, float]:
    """Send files one after the other; when the close of each was sent."""
    closed: dict[str, float] = {}
    with paramiko.Transport((HOST, port)) as transport:
        transport.connect(username=USER, pkey=paramiko.Ed25519Key.from_private_key_file(str(folder / "key")))
        client = transport.open_sftp_client()
        assert client is not None
        for number in range(300):
            name = f"c{number}.bin"
            file = client.open(f"/inbox/{name}", "wb")
            file.write(b"%d" % number * 1000)
            closed[name] = time.monotonic()
            file.close()
            time.sleep(0.02)
    return closed


if __name__ == "__main__":
    for each in measure(*map(int, sys.argv[1:])):
        more = f"  {each['aim']} {'yes' if each['met'] else 'NO'}" if each.get("aim") else ""
        print(f"{each['name']:60} {each['value']:10.3g} {each['unit']}{more}", flush=True)
