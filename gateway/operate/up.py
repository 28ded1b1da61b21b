"""The supervisor: roles as processes of their own, started again when they end."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import Stop
from gateway.operate.workers.limits import Slate, how_it_ended, why_it_ended
from gateway.operate.workers.returns import Returns
from gateway.operate.workers.worker import owner_name
from gateway.workspace.loader import load_settings

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.1
_END_SECONDS = 15.0
_STARTS = 5
"""A role that never could begin is started so often."""
_STEADY_SECONDS = 10.0
_PAUSE_SECONDS_MAX = 30.0
AFTER_OTHERS = ("nice", "-n", "5")
"""Who judges a million rows lets those go first who answer somebody that waits."""


def workers_by_default() -> int:
    """One for each core less one, at least one."""
    return max(1, (os.cpu_count() or 1) - 1)


def all_roles(workers: int | None = None) -> list[str]:
    """What ``gateway up`` runs."""
    return ["serve", "sftp", *("work" for _ in range(workers or workers_by_default()))]


@dataclass(slots=True)
class _Role:
    name: str
    process: subprocess.Popen[bytes] | None = None
    slate: Slate = field(default_factory=Slate)
    could_begin: bool = False
    """Ever, in whichever process."""
    came_up: bool = False
    """Likewise."""
    failures: int = 0
    """Starts in a row that could not begin, or neither for long nor as far as to a file."""
    began: float = 0.0
    due: float = 0.0
    """When it is started again."""

    @property
    def owner(self) -> str:
        """The name under which its process holds leases."""
        assert self.process is not None
        return owner_name(self.process.pid, self.slate.mark)


class Supervisor:
    """Starts the roles as processes of their own and starts again what ends. Stopping it stops them.

    Each child holds the reading end of our pipe as its standard input and ends when that closes, so that none is left
    behind, however we end. What a worker that died held is given back at once, with the reason of its end.
    """

    def __init__(
        self,
        folder: Path,
        roles: Sequence[str],
        *,
        log: BinaryIO | None = None,
        came_up: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`log` takes what the roles write to standard error; None leaves them ours.

        `came_up` is called with the name of each role when it works for the first time.
        """
        self._folder = folder
        self._log = log
        self._came_up = came_up
        self._roles = [_Role(name) for name in roles]
        self._settings = load_settings(folder)
        self._returns = Returns(folder, self._settings)

    def run(self, stop: threading.Event) -> None:
        """Keep the roles running until `stop` is set.

        Raises:
            Stop: a role could not start; it has told why on standard error.
        """
        try:
            while not stop.is_set():
                for role in self._roles:
                    self._look_after(role)
                stop.wait(_LOOK_EVERY_SECONDS)
        finally:
            self._end()

    def _look_after(self, role: _Role) -> None:
        if role.process is None:
            if time.monotonic() >= role.due:
                self._start(role)
            return
        status = role.process.poll()
        begun = role.slate.could_begin
        role.could_begin |= begun
        if role.slate.is_up and not role.came_up:
            role.came_up = True
            self._came_up(role.name)
        if status is None:
            return
        lived, worked = time.monotonic() - role.began, role.slate.delivery != 0
        role.failures, pause = after_end(role.failures, begun=begun, lived=lived, worked=worked)
        if role.name == "work" and begun:
            self._returns.of(role.owner, role.slate.delivery, why_it_ended(status, self._settings))
        role.process = None
        if not role.could_begin and (status > 0 or role.failures >= _STARTS):
            raise Stop(f"the role {role.name} could not start: it {how_it_ended(status)}", "Its message stands above.")
        role.due = time.monotonic() + pause
        later = f" in {pause:g} s" if pause else ""
        _log.warning("%s %s and is started again%s", role.name, how_it_ended(status), later)

    def _start(self, role: _Role) -> None:
        role.slate.close()
        role.slate, role.began = Slate(), time.monotonic()
        options = ["--workspace", str(self._folder), "--child", "--slate", str(role.slate.descriptor)]
        command = [sys.executable, "-m", "gateway.operate", role.name, *options]
        if role.name == "work" and any(each.name != "work" for each in self._roles):
            command = [*AFTER_OTHERS, *command]
        role.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stderr=self._log,
            pass_fds=(role.slate.descriptor,),
        )

    def _end(self) -> None:
        running = [(role, role.process) for role in self._roles if role.process is not None]
        for _, process in running:
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()
        until = time.monotonic() + _END_SECONDS
        for role, process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                if role.name == "work":
                    self._returns.of(role.owner, 0, None)
        self._returns.finish()
        for role in self._roles:
            role.slate.close()


def after_end(failures: int, *, begun: bool, lived: float, worked: bool = False) -> tuple[int, float]:
    """The failures in a row, with this end of a process, and the seconds until the role is started again.

    One that had `begun` is started again at once if it `worked`, or lived for some time: a file may have ended it, and
    the others wait (P4); each file ends a few processes at most. One that had not, or ends as soon as it has, is
    started ever later.
    """
    failures = 0 if begun and (worked or lived >= _STEADY_SECONDS) else failures + 1
    counted = failures - 1 if begun else failures
    return failures, min(2.0 ** min(counted - 2, 16), _PAUSE_SECONDS_MAX) if counted > 0 else 0.0
