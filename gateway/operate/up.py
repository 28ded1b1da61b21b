"""All roles on one machine: one web process, the SFTP role, and a worker for each core but one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import Stop

if TYPE_CHECKING:
    import threading
    from pathlib import Path

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.2
_STARTING_SECONDS = 5.0
_END_SECONDS = 15.0


@dataclass(slots=True)
class _Role:
    name: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = field(default=0)


def workers_by_default() -> int:
    """One for each core less one, at least one."""
    return max(1, (os.cpu_count() or 1) - 1)


class Supervisor:
    """Starts the roles as processes of their own and starts again what ends. Stopping it stops them.

    Each child holds the reading end of our pipe as its standard input and ends when that closes, so that none is left
    behind, however we end.
    """

    def __init__(self, folder: Path, *, workers: int | None = None, log: BinaryIO | None = None) -> None:
        """`log` takes what the roles write to standard error; None leaves them ours."""
        self._folder = folder
        self._log = log
        count = workers if workers is not None else workers_by_default()
        self._roles = [_Role("serve"), _Role("sftp"), *(_Role("work") for _ in range(count))]

    def run(self, stop: threading.Event) -> None:
        """Keep the roles running until `stop` is set.

        Raises:
            Stop: a role ended while it was starting; it has told why on standard error.
        """
        try:
            for role in self._roles:
                self._start(role)
            while not stop.wait(_LOOK_EVERY_SECONDS):
                for role in self._roles:
                    self._look_after(role)
        finally:
            self._end()

    def _start(self, role: _Role) -> None:
        command = [sys.executable, "-m", "gateway.operate", role.name, "--workspace", str(self._folder), "--child"]
        role.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self._log)
        role.started = time.monotonic()

    def _look_after(self, role: _Role) -> None:
        if role.process is None or role.process.poll() is None:
            return
        code = role.process.returncode
        if time.monotonic() - role.started < _STARTING_SECONDS and role.restarts == 0 and code > 0:
            raise Stop(f"the role {role.name} could not start", "Its message stands above.")
        role.restarts += 1
        _log.warning("%s ended with status %s and is started again", role.name, code)
        self._start(role)

    def _end(self) -> None:
        for role in self._roles:
            if role.process is not None and role.process.stdin is not None:
                role.process.stdin.close()
                role.process.terminate()
        until = time.monotonic() + _END_SECONDS
        for role in self._roles:
            if role.process is None:
                continue
            try:
                role.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                role.process.kill()
                role.process.wait()
