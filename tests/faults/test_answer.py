"""The API is killed at any call of taking in an upload and answering it; its sender asks again with the same key."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.operate import wiring
from gateway.operate.credentials import make_key
from tests.acceptance.workspaces import SCOPES
from tests.faults.injection import attached, boundaries, calls_of, missing
from tests.faults.scenes import ALL, ORDERS, scene
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
SECONDS_MAX = 60.0
PATH = "/api/v1/integrations/acme-orders/deliveries?filename=orders.edi"


def key_of(scene: Scene) -> str:
    """A key for a workspace that nothing has open."""
    gateway = wiring.open_gateway(scene.folder)
    try:
        return make_key(gateway, "test", SCOPES)
    finally:
        gateway.close()


class Api:
    """``gateway serve`` of a workspace."""

    def __init__(self, scene: Scene, token: str | None = None) -> None:
        self.port = free_port()
        scene.set("http", f"127.0.0.1:{self.port}")
        self.token = token or key_of(scene)
        self._command = [sys.executable, "-m", "gateway.operate", "serve", "--workspace", str(scene.folder)]
        self.start()

    def start(self) -> None:
        """Start the role, as its supervisor does when it has ended."""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def upload(self, content: bytes, key: str) -> dict[str, object] | None:
        """The answer to an upload; None when the connection ended without one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        try:
            connection.request("POST", PATH, body=content, headers=headers)
            answer = connection.getresponse()
            said: dict[str, object] = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        assert answer.status in (201, 202), said
        return said

    def upload_until_answered(self, content: bytes, key: str, *, seconds: float = SECONDS_MAX) -> dict[str, object]:
        """Ask again until there is an answer."""
        until = time.monotonic() + seconds
        while (said := self.upload(content, key)) is None:
            assert time.monotonic() < until
            if self.process.poll() is not None:  # it gives up when its worker dies twice within seconds
                self.start()
            time.sleep(0.05)
        return said

    def worker(self) -> int:
        """The process that answers: the last one of those that start one another."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                if fields[0] != "Z" and b"resource_tracker" not in (entry.parent / "cmdline").read_bytes():
                    parents[int(fields[1])] = int(entry.parent.name)
        found = self.process.pid
        while found in parents:
            found = parents[found]
        assert found != self.process.pid, "nobody answers"
        return found


@contextmanager
def serving(scene: Scene) -> Iterator[Api]:
    """The API for a while."""
    api = Api(scene)
    try:
        yield api
    finally:
        api.process.terminate()
        api.process.wait(SECONDS_MAX)


def test_R2_an_upload_whose_answer_was_lost_is_answered_again_and_counts_once(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str
) -> None:
    here = scene(tmp_path / "here", store_url, lambda _: None)
    with serving(here) as api:
        api.upload_until_answered(ORDERS, "first")
        with attached(api.worker(), tmp_path / "trace"):
            assert api.upload(ORDERS + b"\n", "traced") is not None
        calls = calls_of(tmp_path / "trace")
        chosen = calls if ALL else boundaries(calls)[-4:]
        assert len(chosen) >= 4
        killed = 0
        for number, call in enumerate(chosen):
            content, key = ORDERS + b"\n" * (number + 2), f"key-{number}"
            inject = f"{call.name}:signal=KILL:when={call.nth}"
            with attached(api.worker(), tmp_path / "trace", inject=inject):
                heard = api.upload(content, key)
            killed += heard is None
            again = api.upload_until_answered(content, key)
            assert heard is None or heard["id"] == again["id"]
    sizes = [each[6] for each in here.ledger()["deliveries"]]
    assert len(sizes) == len(set(sizes)) == len(chosen) + 2
    assert killed >= min(3, len(chosen) // 2)
