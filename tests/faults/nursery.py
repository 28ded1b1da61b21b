"""Commands of the real program in processes that are copies of one that has imported everything.

A start costs milliseconds, so that a test can kill hundreds. ``nursed.py`` is the other end. A child waits at its
door until it is told to go, so that strace can be attached before its first step.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DOOR = signal.SIGUSR1
SECONDS_MAX = 180.0


@dataclass(frozen=True, slots=True)
class Child:
    """A command that waits at its door, runs, or has ended."""

    pid: int
    log: Path

    def go(self) -> None:
        """Let it begin."""
        os.kill(self.pid, DOOR)

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def said(self) -> str:
        """What it wrote to standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


class Nursery:
    """Starts commands and tells how they ended. For one thread."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursed.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self._count = 0
        self.peak_bytes = 0
        """The most memory that the child ever had whose end was told last; what it shares with its siblings counts."""

    def start(self, folder: Path, *command: str, hours: float = 0.0, small: bool = False) -> Child:
        """A child at its door: ``gateway <command> --workspace folder``.

        Args:
            folder: the workspace.
            command: the command and its options.
            hours: by how much its clock is ahead of ours.
            small: batches and steps of a few rows, so that a small file takes all steps of a large one; short sleeps.
        """
        self._count += 1
        log = folder.parent / f"{folder.name}.log-{self._count}"
        if command == ("work",):
            command = ("work", "--child")  # the worker itself, and nobody who looks after it
        argv = [*command, "--workspace", str(folder)]
        asked = {"argv": argv, "log": str(log), "hours": hours, "small": small}
        return Child(self._ask(asked)[0], log)

    def ended(self, child: Child, *, seconds: float = SECONDS_MAX) -> int:
        """The status of a child when it has ended, negative for a signal; one that hangs is killed and is an error."""
        late = threading.Event()

        def end() -> None:
            late.set()
            child.signal(signal.SIGKILL)

        timer = threading.Timer(seconds, end)
        timer.start()
        status, peak = self._ask({"wait": child.pid})
        timer.cancel()
        self.peak_bytes = peak * 1024
        assert not late.is_set(), f"it did not end within {seconds:.0f} s:\n{child.said()}"
        return status

    def run(self, folder: Path, *command: str, **more: Any) -> Child:
        """Run a command to its end, which must be a good one."""
        child = self.start(folder, *command, **more)
        child.go()
        status = self.ended(child)
        assert status == 0, child.said()
        return child

    def work(self, folder: Path, **more: Any) -> Child:
        """A worker that does what is due, to its end."""
        return self.run(folder, "work", "--until-idle", **more)

    def _ask(self, request: dict[str, Any]) -> list[int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return [int(each) for each in self._process.stdout.readline().split()]

    def close(self) -> None:
        """End it; its children are killed. One that does not end is killed, and is an error."""
        try:
            self._process.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for a while."""
    one = Nursery()
    try:
        yield one
    finally:
        one.close()
