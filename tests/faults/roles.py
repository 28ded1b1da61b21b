"""The roles that take files in, run until they have done so."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.injection import COMMITTING, traced
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.nursery import Child, Nursery
    from tests.faults.scenes import Scene

SECONDS_MAX = 60.0


@cache
def sftp_port() -> int:
    """The port of an SFTP role beside which no other one runs: one for all of them, of which there may be thousands."""
    return free_port()


def inbox_of(scene: Scene, partner: str) -> Path:
    """Where the partner's files wait for the collector."""
    folder = scene.folder / "data" / "sftp" / partner / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def waiting(scene: Scene) -> list[str]:
    """The files that are still at the sender's side of the line."""
    drops = scene.folder / "data" / "sftp"
    return sorted(path.name for kind in ("inbox", "held") for path in drops.glob(f"*/{kind}/*"))


def alive(child: Child) -> bool:
    """Whether it runs still."""
    with suppress(OSError):
        return Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a role ended, and what it said."""

    status: int
    said: str


def collect(
    scene: Scene,
    children: Nursery,
    *,
    trace: Path | None = None,
    inject: str | None = None,
    only: Iterable[str] = COMMITTING,
    or_told: bool = False,
) -> Ended:
    """``gateway sftp`` until it has taken what waits, has died, or with `or_told` has told of a problem."""
    scene.set("sftp", f"127.0.0.1:{sftp_port()}")
    child = children.start(scene.folder, "sftp")
    with traced(child, trace, inject=inject, only=only) if trace is not None else nullcontext():
        if trace is None:
            child.go()
        until = time.monotonic() + SECONDS_MAX
        while alive(child) and waiting(scene) and not (or_told and "WARNING" in child.said()):
            if time.monotonic() > until:
                break
            time.sleep(0.005)
        child.signal(signal.SIGTERM)
        return Ended(children.ended(child), child.said())
