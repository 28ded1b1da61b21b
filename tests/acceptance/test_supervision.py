"""Roles that end, and who looks after them: real processes and signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.operate import wiring
from gateway.operate.credentials import make_key
from tests.acceptance.test_processes import processes_of, wait_until
from tests.acceptance.workspaces import make
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_MAX = 120.0


@contextmanager
def running(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of ours on a workspace, in a group of its own as a terminal makes it; killed at the end."""
    arguments = [sys.executable, "-m", "gateway.operate", *command, "--workspace", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        wait_until("none of its processes is left", lambda: not processes_of(folder))


def ended(process: subprocess.Popen[bytes], folder: Path) -> tuple[int, str]:
    """How a command ended by itself, and what it said."""
    return process.wait(SECONDS_MAX), (folder / "log").read_text(encoding="utf-8")


def gone(folder: Path, process: int) -> bool:
    """Whether a process of the workspace has ended."""
    return process not in processes_of(folder)


def answers(port: int) -> bool:
    """Whether the API does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
            return True
    except OSError:
        return False


def child_of(folder: Path, parent: int) -> int:
    """The only process on the workspace that another one has started."""

    def found() -> list[int]:
        return [each for each in processes_of(folder) if _parent(each) == parent]

    wait_until(f"{parent} has one child", lambda: len(found()) == 1)
    return found()[0]


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_up_with_a_taken_port_ends_and_says_so(tmp_path: Path) -> None:
    for role in ("http", "sftp"):
        folder = tmp_path / role
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            make(folder, **{"http": free_port(), "sftp": free_port()} | {role: port})
            with running(folder, "up", "--workers", "1") as process:
                status, said = ended(process, folder)
        assert status == 1, said
        assert f"127.0.0.1:{port}" in said
        assert f"change {role}: in gateway.yaml" in said
        assert "could not start" in said.splitlines()[-1]
        assert "Traceback" not in said


def test_work_that_cannot_start_ends_and_says_so(tmp_path: Path) -> None:
    make(tmp_path, store=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with running(tmp_path, "work") as process:
        status, said = ended(process, tmp_path)
    assert status == 1, said
    assert "Check the line store: in gateway.yaml" in said
    assert "the role work could not start: it ended with status 1" in said.splitlines()[-1]


def test_serve_goes_on_whichever_of_its_processes_is_killed_and_leaves_none_behind(tmp_path: Path) -> None:
    port = free_port()
    make(tmp_path, http=port)
    wiring.open_gateway(tmp_path).close()
    with running(tmp_path, "serve") as process:
        for _ in range(3):  # of a server whose workers die in quick succession, too
            wait_until("the API answers", lambda: answers(port))
            serving = child_of(tmp_path, child_of(tmp_path, process.pid))
            os.kill(serving, signal.SIGKILL)
            wait_until("it is gone", partial(gone, tmp_path, serving))
        wait_until("the API answers", lambda: answers(port))

        server = child_of(tmp_path, process.pid)
        serving = child_of(tmp_path, server)
        os.kill(server, signal.SIGKILL)
        wait_until("what it had started ends with it", lambda: serving not in processes_of(tmp_path))
        wait_until("another one answers", lambda: answers(port) and server not in processes_of(tmp_path))

        process.kill()
        wait_until("nobody is left when the supervisor is killed", lambda: not processes_of(tmp_path))


def test_a_follower_is_let_go_when_the_server_ends(tmp_path: Path) -> None:
    port = free_port()
    make(tmp_path, http=port)
    gateway = wiring.open_gateway(tmp_path)
    token = make_key(gateway, "test", ("*:read",))
    gateway.close()
    with running(tmp_path, "serve") as process:
        wait_until("the API answers", lambda: answers(port))
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/activity",
            headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream"},
        )
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as stream:
            assert stream.readline() == b"retry: 2000\n"
            process.terminate()
            rest = stream.read()  # it has an end: a killed server would have none, and this would raise
        assert b"event: " not in rest
        assert process.wait(SECONDS_MAX) == 0


def test_a_worker_that_is_killed_is_started_again_and_ctrl_c_ends_all_in_order(tmp_path: Path) -> None:
    make(tmp_path)
    gateway = wiring.open_gateway(tmp_path)
    wiring.apply_first(gateway)
    gateway.close()
    with running(tmp_path, "work", "--workers", "2") as process:
        wait_until("two workers run", lambda: len(processes_of(tmp_path)) == 3)
        first, second = sorted(set(processes_of(tmp_path)) - {process.pid})
        os.kill(first, signal.SIGKILL)
        wait_until("another one runs", lambda: len(processes_of(tmp_path)) == 3 and first not in processes_of(tmp_path))
        assert second in processes_of(tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 0
