"""The whole gateway as it is run: processes, sockets, real SFTP in, real HTTP out, and signals."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from gateway.operate import wiring
from gateway.operate.credentials import make_key
from tests.acceptance.children import prices
from tests.acceptance.workspaces import SCOPES, key_pair, make, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_SECONDS = 120.0


def wait_until(what: str, done: Callable[[], Any], *, every_seconds: float = 0.02) -> Any:
    """Ask until there is an answer that counts, which is returned."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if answer := done():
            return answer
        time.sleep(every_seconds)
    pytest.fail(f"within {WAIT_SECONDS:.0f} s it did not come to this: {what}")


def processes_of(folder: Path, role: str = "") -> list[int]:
    """The processes whose command line names the workspace, and the role."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            arguments = (
                (entry / "cmdline").read_bytes().decode(errors="replace").split("\0") if entry.name.isdigit() else []
            )
        except OSError:
            continue
        if str(folder) in arguments and (not role or role in arguments) and _alive(entry):
            found.append(int(entry.name))
    return found


def _alive(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that runs, and how to reach it."""

    folder: Path
    http: str
    sftp_port: int
    token: str
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> Any:
        """The JSON of a successful answer; None for 404."""
        request = urllib.request.Request(self.http + path, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def drop(self, user: str, name: str, content: bytes) -> None:
        """Put a file into the partner's inbox, with its key."""
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(key_pair()[0].decode()))
        with paramiko.Transport(("127.0.0.1", self.sftp_port)) as transport:
            transport.connect(username=user, pkey=key)
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None
            with closing(client):
                client.putfo(io.BytesIO(content), f"/inbox/{name}")

    def finished(self, count: int) -> list[dict[str, Any]]:
        """The deliveries, when so many have ended; oldest first."""

        def ended() -> list[dict[str, Any]]:
            found = self.get("/api/v1/deliveries?limit=1000")["items"]
            return found[::-1] if len([each for each in found if each["finished_at"]]) >= count else []

        shown: list[dict[str, Any]] = wait_until(f"{count} deliveries have ended", ended)
        return shown


@contextmanager
def up(folder: Path, *, more: str = "") -> Iterator[Running]:
    """``gateway up`` on a new workspace, ready; killed at the end if it still runs."""
    http, sftp = free_port(), free_port()
    make(folder, http=http, sftp=sftp, more=more)
    gateway = wiring.open_gateway(folder)
    token = make_key(gateway, "test", SCOPES)
    gateway.close()
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "gateway.operate", "up", "--workspace", str(folder), "--workers", "1"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = Running(folder, f"http://127.0.0.1:{http}", sftp, token, process)
    try:
        wait_until("the gateway is ready", lambda: _ready(running))
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        wait_until("its children have ended", lambda: not processes_of(folder))


def _ready(running: Running) -> bool:
    assert running.process.poll() is None, (running.folder / "log").read_text()
    try:
        with urllib.request.urlopen(f"{running.http}/health/ready", timeout=5):
            pass
        with socket.create_connection(("127.0.0.1", running.sftp_port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def waiting(folder: Path) -> list[Path]:
    """What partners have sent that is not received, or was just now."""
    drops = folder / "data" / "sftp"
    return [path for kind in ("inbox", "held") for path in drops.glob(f"*/{kind}/*")]


def test_files_dropped_over_sftp_are_records_on_the_api_and_nothing_is_left_running(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        running.drop("acme", "orders.edi", sample("acme-orders.edi"))
        running.drop("northwind", "orders.edi", sample("northwind-orders.edi"))
        running.drop("globex", "prices.csv", sample("globex-prices.csv"))
        running.drop("initech", "invoice.xml", sample("initech-invoice.xml"))

        shown = running.finished(4)
        assert {each["partner"]: each["state"] for each in shown} == {
            "acme": "partly_accepted",
            "northwind": "accepted",
            "globex": "partly_accepted",
            "initech": "accepted",
        }
        assert running.get("/api/v1/orders/acme~4711")["lines"][0]["price"] == "2.95"
        assert running.get("/api/v1/orders/northwind~NW-2026-118")["currency"] == "EUR"
        assert running.get("/api/v1/prices/SAW-JAP~2026-12-01")["name"] == "Japansäge"
        assert running.get("/api/v1/invoices/IN-2026-0815")["net"] == "1840.00"
        wait_until("what was received has left the folders", lambda: not waiting(tmp_path))  # judged it may be before

        _tail_of_another_machine(running)

        told = (tmp_path / "log").read_text()
        assert told.count(f"API       {running.http}/docs listens\n") == 1
        assert told.count(f"SFTP      127.0.0.1:{running.sftp_port} listens\n") == 1

        assert len(processes_of(tmp_path)) >= 4
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(WAIT_SECONDS) == 0
        wait_until("no process is left", lambda: not processes_of(tmp_path))


def _tail_of_another_machine(running: Running) -> None:
    """``gateway tail --url``: the last lines, what follows, and refusals."""
    with ExitStack() as begun:

        def tail(*arguments: str, token: str = running.token) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "gateway.operate", "tail", "--url", running.http, "-o", "json", *arguments]
            environment = os.environ | {"GATEWAY_TOKEN": token}
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
            begun.enter_context(process)
            begun.callback(process.kill)
            return process

        _tailed(running, tail)


def _tailed(running: Running, tail: Callable[..., subprocess.Popen[str]]) -> None:
    followed = tail("-f", "-n", "3", "--problems")
    refused = tail(token="gw_wrong")
    whole = tail("globex-prices", "-n", "2", "--problems")  # a letter may have been sent meanwhile
    short = running.get("/api/v1/deliveries?integration=globex-prices")["items"][0]["id"][:14]
    one = tail("--delivery", short, "--grep", "NOT A NUMBER")

    said, wrong = whole.communicate(timeout=WAIT_SECONDS)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(line["integration"], line["event"]) for line in lines] == [
        ("globex-prices", "finding"),
        ("globex-prices", "partly_accepted"),
    ], wrong
    (line,) = [json.loads(line) for line in one.communicate(timeout=WAIT_SECONDS)[0].splitlines()]
    assert (line["event"], line["delivery"][:14]) == ("finding", short)
    _, wrong = refused.communicate(timeout=WAIT_SECONDS)
    assert refused.returncode == 1
    assert "answers 401" in wrong
    assert "gw_wrong" not in wrong

    assert followed.stdout is not None
    first = [json.loads(followed.stdout.readline()) for _ in range(3)]
    assert all(line["level"] == "problem" for line in first)
    running.drop("acme", "notes.txt", b"not an order")
    follows = json.loads(followed.stdout.readline())
    assert (follows["event"], follows["partner"]) == ("unrouted", "acme")
    followed.send_signal(signal.SIGTERM)
    assert followed.wait(WAIT_SECONDS) == 0
    followed.communicate()


def test_a_killed_worker_and_a_killed_supervisor_leave_exactly_the_right_records(tmp_path: Path) -> None:
    rows = 60_000
    with up(tmp_path, more="\nlease: 2s\n") as running:
        (worker,) = processes_of(tmp_path, "work")  # before there is work: to look for it takes a while
        running.drop("globex", "prices.csv", prices(rows, bad_every=1000))
        wait_until("a part of the file is staged", lambda: _staged(tmp_path), every_seconds=0.001)
        os.kill(worker, signal.SIGKILL)
        assert running.get("/api/v1/prices?limit=1")["items"] == []
        assert running.get("/api/v1/quarantine?limit=1")["items"] == []

        (delivery,) = running.finished(1)

        assert processes_of(tmp_path, "work") != [worker]
        assert (delivery["state"], delivery["documents"]) == (
            "partly_accepted",
            {"accepted": rows - rows // 1000, "quarantined": rows // 1000},
        )
        page = running.get("/api/v1/prices?count=exact&limit=1")
        assert page["count"] == rows - rows // 1000
        assert page["items"][0]["_version"] == 1
        assert len(running.get("/api/v1/quarantine?limit=1000")["items"]) == rows // 1000

        running.process.kill()  # its children end because the pipes that they hold on to close
        running.process.wait()
        wait_until("no process is left", lambda: not processes_of(tmp_path))
    with closing(sqlite3.connect(tmp_path / "data" / "gateway.db")) as store:
        counted = store.execute("SELECT count(*), count(DISTINCT key), max(version) FROM record_price_v2").fetchone()
    assert counted == (rows - rows // 1000, rows - rows // 1000, 1)


def _staged(folder: Path) -> bool:
    """Whether rows of a delivery are in the store, out of sight."""
    with closing(sqlite3.connect(f"file:{folder}/data/gateway.db?mode=ro", uri=True)) as store:
        row = store.execute('SELECT 1 FROM contract WHERE staging IS NOT NULL AND "offset" IS NULL').fetchone()
    return row is not None
