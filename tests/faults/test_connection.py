"""The connection to PostgreSQL is cut at any byte, and its server killed: did my COMMIT arrive?"""

from __future__ import annotations

import re
import signal
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.acceptance.children import prices
from tests.faults.ledger import same
from tests.faults.roles import SECONDS_MAX, alive
from tests.faults.scenes import ALL, ORDERS, one_of_each, scene
from tests.faults.wire import wire
from tests.servers import postgresql_missing, postgresql_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery
    from tests.faults.scenes import Scene

SAMPLES = 3


def through(scene: Scene, port: int) -> None:
    """Have the workspace reach its store by another port."""
    address = urlsplit(scene.url)
    scene.set("store", address._replace(netloc=f"{address.username}@127.0.0.1:{port}").geturl())


@pytest.mark.parametrize("way", ["asked", "answered", "unanswered"])
def test_P3_a_connection_that_is_cut_at_any_byte_or_commit_loses_and_doubles_nothing(  # noqa: N802 - the promise's name
    tmp_path: Path, postgresql_url: str, children: Nursery, way: str
) -> None:
    server = urlsplit(postgresql_url).port
    assert server is not None
    before = scene(tmp_path / "before", postgresql_url, one_of_each)
    undisturbed = before.copy(tmp_path / "undisturbed")
    with wire(server) as whole:
        through(undisturbed, whole.port)
        children.work(undisturbed.folder, small=True)
        size = whole.passed.get(way, whole.commits)
    expected = undisturbed.ledger()
    assert whole.commits > 10

    step = 1 if way == "unanswered" else 7 if ALL else size // SAMPLES
    for at in range(step // 2 + 1, size, step):
        here = before.copy(tmp_path / "here")
        with wire(server, **{way: at}) as weak:
            through(here, weak.port)
            child = children.start(here.folder, "work", "--until-idle", small=True)
            child.go()
            status = children.ended(child)
            assert status in (0, 1), child.said()
            assert "Traceback" not in child.said(), f"{way} {at}: {child.said()}"
            children.work(here.later().folder, small=True)
            assert weak.was_cut
        same(here.ledger(), expected, f"{way} {at}")
        here.remove()


def test_P3_a_server_that_is_killed_while_two_workers_run_loses_and_doubles_nothing(  # noqa: N802
    tmp_path: Path, children: Nursery
) -> None:
    if missing := postgresql_missing():
        pytest.skip(missing)
    undisturbed = scene(tmp_path / "undisturbed", "sqlite:", many_deliveries)
    children.work(undisturbed.folder, small=True)
    with Postgres() as server:
        here = scene(tmp_path / "here", server.address, many_deliveries, more="\nlease: 1s\n")
        workers = [children.start(here.folder, "work", small=True) for _ in range(2)]
        for worker in workers:
            worker.go()
        for _ in range(3):
            wait_for_more(server, finished(server))
            server.kill()
            server.start()
        while finished(server) < MANY:
            for at, worker in enumerate(workers):
                if not alive(worker):  # it was just starting: it says so and ends, and its supervisor starts another
                    assert children.ended(worker) == 1, worker.said()
                    assert worker.said().endswith("Check the line store: in gateway.yaml.\n"), worker.said()
                    workers[at] = children.start(here.folder, "work", small=True)
                    workers[at].go()
            time.sleep(0.05)
        for worker in workers:
            worker.signal(signal.SIGTERM)
            assert children.ended(worker) == 0, worker.said()
        said, expected = here.ledger(), undisturbed.ledger()
    for row in said["deliveries"] + expected["deliveries"]:
        row[8] = None  # the revision is the hash of the configuration, which names the store
    said["activity"], expected["activity"] = (
        [line for line in kept["activity"] if line[0]] for kept in (said, expected)
    )
    for kept in (said, expected):
        closed = [line for line in kept["audit"] if line[1] == "closed"]
        kept["audit"] = [[*line[:2], _REVISION.sub("", line[2])] for line in closed]
    same(said, expected, "at the end")


MANY = 30
_REVISION = re.compile(r'"revision": "[0-9a-f]+", ')


def many_deliveries(place: Place) -> None:
    """Price lists that replace each other's records, in one lane, and orders in another."""
    for number in range(0, MANY, 2):
        place.land(prices(45, bad_every=15, price=f"{number},50"), f"p{number:02}.csv", "drop://globex")
        place.land(ORDERS.replace(b"4711", b"47%02d" % number), f"o{number:02}.edi", "drop://acme")


def finished(server: Postgres) -> int:
    """How many deliveries have nothing left to do."""
    with psycopg.connect(server.address) as connection:
        row = connection.execute("SELECT count(*) FROM delivery WHERE due IS NULL").fetchone()
    assert row is not None
    return int(row[0])


def wait_for_more(server: Postgres, than: int) -> None:
    """Until one more is finished."""
    until = time.monotonic() + SECONDS_MAX
    while finished(server) <= than:
        assert time.monotonic() < until
        time.sleep(0.01)


class Postgres:
    """A server of our own whose processes are killed, and which comes back on its port."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.address, self._serve, _ = self._stack.enter_context(postgresql_program())
        self.start()
        return self

    def start(self) -> None:
        """Start it, as often as it takes for the last one's memory to be free."""
        for _ in range(100):
            self._process = self._serve()
            while self._process.poll() is None:
                with suppress(psycopg.OperationalError):
                    psycopg.connect(self.address, connect_timeout=5).close()
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        raise AssertionError("PostgreSQL did not start again")

    def kill(self) -> None:
        """End it as a power failure of its machine would, for its clients."""
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(SECONDS_MAX)
        self._stack.close()
