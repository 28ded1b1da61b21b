"""The roles that take files in, run until they have done so."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.injection import traced
from tests.servers import free_port

if TYPE_CHECKING:
    from tests.faults.nursery import Child, Nursery
    from tests.faults.scenes import Scene

SECONDS_MAX = 60.0


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


def collect(scene: Scene, children: Nursery, *, trace: Path | None = None, inject: str | None = None) -> int:
    """``gateway sftp`` until it has taken what waits, or has died; its status."""
    scene.set("sftp", f"127.0.0.1:{free_port()}")
    child = children.start(scene.folder, "sftp")
    with traced(child, trace, inject=inject) if trace is not None else nullcontext():
        if trace is None:
            child.go()
        until = time.monotonic() + SECONDS_MAX
        while alive(child) and waiting(scene):
            assert time.monotonic() < until, child.said()
            time.sleep(0.005)
        child.signal(signal.SIGTERM)
        return children.ended(child)
