"""Followers of the change feed over real HTTP, which lose their connection at any moment and come back."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 180.0
FULL = (429, 503)
"""Whose connection broke off has its place still, until the server has seen it: this client's, or all of them."""
SHORT = 3
"""So many connections of each follower end behind one change, so that however fast the writers are, it comes back."""


@dataclass(frozen=True, slots=True)
class Served:
    """The API of a workspace in a process of its own."""

    port: int
    token: str
    process: subprocess.Popen[bytes]

    def open(self, path: str, **headers: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A request that was answered; whoever asked closes the connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} | given)
        return connection, connection.getresponse()

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        connection, answer = self.open(path)
        try:
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@contextmanager
def served(folder: Path, port: int, token: str) -> Iterator[Served]:
    """``gateway serve`` of a workspace that names this port, ready."""
    log = folder / "served.log"
    with log.open("wb") as into:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.operate", "serve", "--workspace", str(folder)],
            stdout=into,
            stderr=into,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
    try:
        until = time.monotonic() + SECONDS
        while not _is_ready(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)  # a connection that is refused is the only event there is
        yield Served(port, token, process)
    finally:
        process.terminate()
        process.wait(60)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
            return True
    except OSError:
        return False


class Follower(threading.Thread):
    """Follows the feed until `ended` names its last number and it has come as far; notes all that it hears."""

    def __init__(self, server: Served, query: str, ended: threading.Event, last: list[int], seed: int) -> None:
        super().__init__(name=query or "all")
        self.server = server
        self.query = query
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self.wrong: list[str] = []
        self._ended = ended
        self._last = last
        self._chance = random.Random(seed)
        self._at = 0

    def run(self) -> None:
        """Come back until all is heard."""
        until = time.monotonic() + SECONDS
        while not self._is_done():
            if time.monotonic() > until:
                self.wrong.append(f"at {self._at} when the time was over")
                return
            self.connections += 1
            try:
                self.follow()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"at {self._at}: {error!r}")
                return

    def follow(self) -> None:
        """One connection."""
        raise NotImplementedError

    def hear(self, change: dict[str, Any]) -> None:
        """Note a change."""
        if change["seq"] <= self._at:
            self.wrong.append(f"{change['seq']} behind {self._at}")
        self.heard.append(change)
        self._at = change["seq"]

    def _is_done(self) -> bool:
        return self._ended.is_set() and self._at >= self._last[0]


class Polling(Follower):
    """Asks for pages of any size, and waits; now and then an answer is lost and asked for again."""

    def follow(self) -> None:
        """One page."""
        limit = self._chance.choice((1, 2, 5, 1000)) if self.connections > SHORT else 1
        status, page = self.server.get(f"/api/v1/changes?since={self._at}&wait=1&limit={limit}{self.query}")
        if status != 200 or self._chance.random() < 0.2:
            if status not in (200, *FULL):
                self.wrong.append(f"{status}: {page}")
            return
        for change in page["items"]:
            self.hear(change)
        if page["next"] < self._at or page["as_of"]["change"] < page["next"]:
            self.wrong.append(f"at {self._at}: {page['next']} of {page['as_of']}")
        self._at = page["next"]


class Listening(Follower):
    """Hears events, hangs up at any of them, and comes back with Last-Event-ID."""

    def follow(self) -> None:
        """One stream, for some events."""
        count = self._chance.randint(1, 40) if self.connections > SHORT else 1
        connection, answer = self.server.open(
            f"/api/v1/changes?{self.query.lstrip('&')}", Accept="text/event-stream", Last_Event_ID=str(self._at)
        )
        try:
            if answer.status != 200:
                if answer.status not in FULL:
                    self.wrong.append(f"{answer.status}: {answer.read()!r}")
                return
            said: dict[str, str] = {}
            while count and not self._is_done():
                line = answer.readline().decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if line:
                    said[name] = value
                    continue
                if "data" in said:
                    change = json.loads(said["data"])
                    if int(said["id"]) != change["seq"]:
                        self.wrong.append(f"event {said['id']} is change {change['seq']}")
                    self.hear(change)
                    count -= 1
                elif "id" in said:
                    self._at = max(self._at, int(said["id"]))
                elif not said:
                    return  # it ended
                said = {}
        finally:
            connection.close()
