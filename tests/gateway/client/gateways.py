"""A gateway in processes of its own, as a client meets it: a worker, and the API, which is killed at will."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.operate import wiring
from gateway.operate.credentials import make_key
from tests.gateway.serve.worlds import FILES, HEADER
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 180.0
"""So long a role may take to start or to end on a machine that is busy otherwise."""

PRICES = """\
integration: prices
about: Prices
owner: orders-team
source: "http:"
format: csv , utf-8 header
contract: price v1
map:
  sku: sku
  price: price | decimal
"""


class Running:
    """The gateway of a workspace."""

    def __init__(self, folder: Path, more: str) -> None:
        self.folder, self.port = folder, free_port()
        files = FILES | {
            "gateway.yaml": f"store: sqlite:data/gateway.db\nhttp: 127.0.0.1:{self.port}\n{more}",
            "integrations/prices.yaml": PRICES,
        }
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        gateway = wiring.open_gateway(folder)
        try:
            wiring.apply_first(gateway)
            self.key = make_key(gateway, "tester", ("admin",))
        finally:
            gateway.close()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    def begin(self, role: str) -> None:
        """Start ``serve`` or ``work``, in a group of processes of its own."""
        with (self.folder / f"{role}.log").open("ab") as log:
            command = [sys.executable, "-m", "gateway.operate", role, "-w", str(self.folder)]
            self._processes[role] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def ready(self) -> None:
        """Return when the API answers; a connection that is refused is the only event there is."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/health/ready", timeout=5).close()
            except OSError:
                assert self._processes["serve"].poll() is None, (self.folder / "serve.log").read_text()
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self.folder / "serve.log").read_text())

    def working(self) -> None:
        """Return when a worker works: it tries a file, of which nothing becomes anything."""
        headers = {"Authorization": f"Bearer {self.key}", "Prefer": "wait=25"}
        asked = urllib.request.Request(f"{self.url}/api/v1/partners/acme/trials", HEADER.encode(), headers)
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
                if json.load(answer)["state"] == "done":
                    return
        raise AssertionError((self.folder / "work.log").read_text())

    def kill(self) -> None:
        """End the API's processes as ``kill -9`` does."""
        process = self._processes.pop("serve")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_SECONDS)

    def restart(self) -> None:
        """Kill the API, and have it come back."""
        self.kill()
        self.begin("serve")
        self.ready()

    def end(self) -> None:
        """End everything."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(_SECONDS)


@contextmanager
def running(folder: Path, more: str = "", *, roles: tuple[str, ...] = ("serve", "work")) -> Iterator[Running]:
    """The gateway of FILES and a price list for a while; `more` stands in gateway.yaml."""
    made = Running(folder, more)
    try:
        for role in roles:
            made.begin(role)
        made.ready()
        if "work" in roles:
            made.working()
        yield made
    finally:
        made.end()


def prices(first: int, count: int, price: str = "1.50") -> bytes:
    """A price list."""
    return b"sku,price\n" + b"".join(b"A-%05d,%s\n" % (first + at, price.encode()) for at in range(count))
