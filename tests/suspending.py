"""Processes that are suspended, for as long as a test wants somebody to hang."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_SECONDS = 30.0


def suspend(*pids: int) -> None:
    """Stop these processes, and return when none of their threads runs any more.

    The signal alone only asks: a thread that is just running answers what it has begun with.
    """
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + _SECONDS
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < until, f"of {pids} not all are stopped"
        time.sleep(0.001)


def resume(*pids: int) -> None:
    """Let them go on."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def _runs(pid: int) -> bool:
    """Whether any thread is in another state than stopped (proc(5), the third field of stat)."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            state = task.read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended
            continue
        if state not in "TtZX":
            return True
    return False
