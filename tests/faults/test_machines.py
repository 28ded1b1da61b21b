"""One gateway on several machines: folders and processes of their own, one PostgreSQL, one bucket."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from gateway.ingest import ingest
from gateway.model import DeliveryState
from gateway.operate import wiring
from gateway.operate.credentials import make_key
from gateway.operate.workers import worker
from gateway.store import leases
from tests.acceptance.children import prices
from tests.acceptance.workspaces import SCOPES, make, opened, reopened, sample
from tests.faults.ledger import reading, same
from tests.faults.roles import alive
from tests.faults.scenes import ORDERS, Scene
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from gateway.ingest import Line
    from gateway.routing import Routes
    from gateway.store.leases import Lease
    from tests.faults.nursery import Nursery
    from tests.servers import S3Server

FILES = 21
"""For each of three senders."""
KILLS = 6
SENDING_SECONDS = 180.0
SECRET = "the secret of the access key"
INVOICE = sample("initech-invoice.xml")


def files_of(integration: str) -> list[bytes]:
    """What a sender sends, in its order; the same keys come again with other values, and one file comes twice."""
    made = [_content(integration, number) for number in range(FILES)]
    made[10] = made[9]
    return made


def _content(integration: str, number: int) -> bytes:
    if integration == "globex-prices":
        return prices(45, bad_every=15, price=f"{number},50")
    if integration == "acme-orders":
        return ORDERS.replace(b"4711", b"47%02d" % (number % 5)).replace(b"*120*EA", b"*%d*EA" % (number + 1))
    return INVOICE.replace(b"0815", b"08%02d" % (number % 5)).replace(b"Initech", b"Initech %d" % number)


SENDERS = {name: files_of(name) for name in ("acme-orders", "globex-prices", "initech-invoices")}


def base(folder: Path, url: str, server: S3Server, bucket: str) -> Scene:
    """A workspace that is applied, from which machines are copied."""
    secret = folder / "secrets" / "s3" / "secret-key"
    secret.parent.mkdir(parents=True)
    secret.write_text(SECRET)
    secret.chmod(0o600)
    here = Scene(make(folder, store=url), url)
    here.set("vault", f"s3://{bucket}/here").set("lease", "2s").set("tries", "50")
    keys = 'access_key: test, secret_key: "secret:s3/secret-key"'
    here.set("s3", f"{{endpoint: {server.endpoint}, region: eu-central-1, {keys}}}")
    with reopened(folder):
        return here


@dataclass(frozen=True, slots=True)
class Web:
    """The API of one machine."""

    port: int
    token: str
    process: subprocess.Popen[bytes]

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer; status 0 when none came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON of a good answer."""
        status, said = self.ask(path)
        assert status == 200, said
        return json.loads(said)


def machine(of: Scene, folder: Path) -> Scene:
    """Another machine: a folder of its own, and the same store and bucket."""
    shutil.copytree(of.folder, folder, ignore=shutil.ignore_patterns("data"))
    return Scene(folder, of.url)


@contextmanager
def web(here: Scene, token: str, **environment: str) -> Iterator[Web]:
    """``gateway serve`` on a machine, ready."""
    port = free_port()
    here.set("http", f"127.0.0.1:{port}")
    command = [sys.executable, "-m", "gateway.operate", "serve", "--workspace", str(here.folder)]
    log = here.folder / "log"
    with log.open("wb") as into:
        process = subprocess.Popen(command, stdout=into, stderr=into, env=os.environ | environment)
    try:
        made = Web(port, token, process)
        until = time.monotonic() + 60
        while made.ask("/health/ready")[0] != 200:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(60)


class Sender(threading.Thread):
    """Uploads its files one behind the other, each until it is answered, through one machine and the other in turn."""

    def __init__(self, integration: str, webs: list[Web], problems: list[str]) -> None:
        super().__init__(name=integration)
        self.integration = integration
        self.webs = webs
        self.problems = problems
        self.answered = 0

    def run(self) -> None:
        """Send all."""
        until = time.monotonic() + SENDING_SECONDS
        for number, content in enumerate(SENDERS[self.integration]):
            path = f"/api/v1/integrations/{self.integration}/deliveries?filename={self.integration}-{number:02}"
            at = number
            while True:
                status, said = self.webs[at % len(self.webs)].ask(
                    path, "POST", content, Idempotency_Key=f"{self.integration}-{number}"
                )
                if status in (200, 202):
                    break
                if status not in (0, 409, 503) or time.monotonic() > until:
                    self.problems.append(f"{path}: {status} {said!r}")
                    return
                at += 1
                time.sleep(0.05)
            self.answered += 1


def look(webs: list[Web], over: threading.Event, problems: list[str], seen: list[str]) -> None:
    """Read the prices again and again: each list sets all of them, so they are all the same, and never older."""
    last = -1.0
    for turn in range(1_000_000):
        status, said = webs[turn % len(webs)].ask("/api/v1/prices?limit=1000")
        if status == 200:
            shown = {item["price"] for item in json.loads(said)["items"]}
            seen.extend(shown - set(seen[-1:]))
            if len(shown) > 1:
                problems.append(f"a delivery is visible in part: {shown}")
            elif shown:
                (price,) = shown
                if float(price) < last:
                    problems.append(f"an older price list came behind a newer one: {price} behind {last}")
                last = float(price)
        if over.wait(0.05):
            return


def test_P3_P2_three_machines_whose_workers_die_at_any_moment_end_with_the_right_records(  # noqa: N802
    tmp_path: Path, postgresql_url: str, s3_server: S3Server, children: Nursery
) -> None:
    seed = random.randrange(1_000_000)
    print(f"the seed is {seed}")  # noqa: T201 - it is shown when the test fails
    chance = random.Random(seed)
    bucket = s3_server.bucket()
    here = base(tmp_path / "base", postgresql_url, s3_server, bucket)
    undisturbed = here.copy(tmp_path / "undisturbed").set("vault", f"s3://{bucket}/undisturbed")
    token = token_of(here)
    with reopened(undisturbed.folder) as place:
        for integration, contents in SENDERS.items():
            for number, content in enumerate(contents):
                path = f"/api/v1/integrations/{integration}/deliveries?filename={integration}-{number:02}"
                assert place.ask(path, "POST", data=content).status_code == 202
        place.work()
    expected = undisturbed.ledger()
    assert {each[4] for each in expected["deliveries"]} == {"accepted", "partly_accepted", "duplicate"}

    machines = [machine(here, tmp_path / name) for name in ("one", "two", "three")]
    problems: list[str] = []
    seen: list[str] = []
    over = threading.Event()
    with ExitStack() as stack:
        webs = [stack.enter_context(web(each, token)) for each in machines[:2]]
        workers = [children.start(each.folder, "work", small=True) for each in machines]
        for each in workers:
            each.go()
        senders = [Sender(integration, webs, problems) for integration in SENDERS]
        reader = threading.Thread(target=look, args=(webs, over, problems, seen))
        for thread in (reader, *senders):
            thread.start()
        try:
            for kill in range(KILLS):
                time.sleep(chance.uniform(0.1, 0.6))
                if kill == KILLS // 2:  # the bucket's server hangs, and goes on
                    s3_server.process.send_signal(signal.SIGSTOP)
                    time.sleep(1.0)
                which = chance.randrange(len(workers))
                assert alive(workers[which]), workers[which].said()
                workers[which].signal(signal.SIGKILL)
                assert children.ended(workers[which]) == -signal.SIGKILL
                workers[which] = children.start(machines[which].folder, "work", small=True)
                workers[which].go()
                s3_server.process.send_signal(signal.SIGCONT)
            for sender in senders:
                sender.join(SENDING_SECONDS)
            until_idle(here)
        finally:
            s3_server.process.send_signal(signal.SIGCONT)
            over.set()
            reader.join(60)
            for each in workers:
                each.signal(signal.SIGTERM)
                children.ended(each)
        said = "\n".join(each.said() for each in workers)
        assert problems == [], said
        assert [sender.answered for sender in senders] == [FILES] * 3
        assert len(seen) > 1
        same(here.ledger(), expected, f"seed {seed}\n{said}")
        assert s3_server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    with reopened(here.folder) as place:
        for delivery in place.get("/api/v1/deliveries?limit=1000")["items"]:
            place.gateway.vault.verify(delivery["sha256"])


def until_idle(here: Scene) -> None:
    """Wait until nothing is due any more."""
    until = time.monotonic() + SENDING_SECONDS
    while True:
        with reading(here.url) as connection:
            waiting = connection.execute(text("SELECT count(*) FROM delivery WHERE due IS NOT NULL")).scalar_one()
        if not waiting:
            return
        assert time.monotonic() < until, f"{waiting} deliveries wait"
        time.sleep(0.05)


def token_of(here: Scene) -> str:
    """A key that may do everything."""
    gateway = wiring.open_gateway(here.folder)
    try:
        return make_key(gateway, "machines", SCOPES)
    finally:
        gateway.close()


def test_a_cursor_of_one_machine_is_read_by_another_and_credentials_of_the_environment_serve(
    tmp_path: Path, postgresql_url: str, s3_server: S3Server
) -> None:
    here = base(tmp_path / "base", postgresql_url, s3_server, s3_server.bucket())
    with reopened(here.folder) as place:
        landed = place.land(prices(25), "prices.csv", "drop://globex")
        place.work()
    token = token_of(here)
    one, two = machine(here, tmp_path / "one"), machine(here, tmp_path / "two")
    shutil.rmtree(two.folder / "secrets")
    two.set("s3", f"{{endpoint: {s3_server.endpoint}, region: eu-central-1}}")
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": SECRET}
    with web(one, token) as first, web(two, token, **environment) as second:
        shown: list[str] = []
        cursor = ""
        for turn in range(5):
            page = (first, second)[turn % 2].get(f"/api/v1/prices?limit=5{cursor}")
            shown += [item["_key"] for item in page["items"]]
            cursor = f"&cursor={page['next']}"
        assert len(set(shown)) == 25
        assert page["next"] is None
        for each in (first, second):
            assert each.ask(f"/api/v1/deliveries/{landed.id}/content") == (200, prices(25))


def test_P6_who_loses_one_delivery_of_a_lane_lets_go_of_those_behind_it(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store="sqlite:data/gateway.db" if store_url.startswith("sqlite:") else store_url) as place:
        landed = [
            place.land(_content("globex-prices", number), f"{number}.csv", "drop://globex") for number in range(4)
        ]
        begun: list[str] = []

        def slept(line: Line, lease: Lease, routes: Routes) -> None:
            begun.append(lease.delivery.id)
            if len(begun) == 1:  # through the lease, and another machine went on
                place.clock.forward(120)
                with place.gateway.database.write() as transaction:
                    taken = leases.take(transaction, owner="another machine", seconds=60)
                assert taken is not None
                assert taken.delivery.id == lease.delivery.id
            ingest(line, lease, routes)

        monkeypatch.setattr(worker, "ingest", slept)
        assert worker.work_once(place.gateway, "this machine")
        assert begun == [landed[0].id]
        assert [place.row(each.id).state for each in landed] == [DeliveryState.RECEIVED] * 4
        assert not worker.work_once(place.gateway, "this machine")  # nobody passes the first one

        place.clock.forward(120)
        place.work()
        assert begun[1:] == [each.id for each in landed]
        assert {record["price"] for record in place.records("prices")} == {"3.50"}
