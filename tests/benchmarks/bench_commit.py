"""From a commit in PostgreSQL to an answer of the API, through a gateway that runs as it would: `gateway up`.

One row after another is inserted into a table whose log is followed; the record is asked for by its id until it is
there. Every row waits for a poll of its own: the pause before it is of another length each time.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from adapters.connections import driver_manager
from gateway.operate import wiring
from gateway.operate.credentials import make_key
from gateway.operate.demo import show, workspace_maker
from tests.benchmarks.bench_ingest import _status, _wait
from tests.benchmarks.harness import figure
from tests.servers import postgresql, postgresql_missing

if TYPE_CHECKING:
    from gateway.operate.demo.workspace_maker import DemoWorkspace

ROUNDS = 100
EVERY = "100ms"
DRIVER = "PostgreSQL Unicode"
TABLE = """CREATE TABLE "KUNDEN" ("KDNR" char(10) PRIMARY KEY, "NAME1" varchar(40), "NAME2" varchar(40),
    "KZSTAT" char(1), "KREDIT" numeric(12,2), "EMAIL" varchar(80), "ANLDAT" char(8), "AENDTS" timestamp)"""
INSERT = """INSERT INTO "KUNDEN" VALUES (%s, 'Brandt', 'GmbH', 'A', 12.50, 'a@example.com', '20260101', now())"""


def measure() -> list[dict[str, Any]]:
    """Milliseconds from the return of the commit to the first 200 of the record, over ODBC and streamed."""
    if postgresql_missing() or DRIVER not in driver_manager().drivers():
        return [figure("commit in PostgreSQL → record by REST (missing: no server or no ODBC driver)", 0, "ms")]
    settings = ("wal_level=logical", "fsync=off")
    lines = []
    for way in ("ODBC alone", "streamed"):
        with postgresql(settings=settings) as address, psycopg.connect(address, autocommit=True) as owner:
            seconds = sorted(_measured(address, owner, streamed=way == "streamed"))
        name = f"commit in PostgreSQL → record by REST, log every {EVERY}, {way}"
        p50, p95 = statistics.median(seconds), seconds[int(len(seconds) * 0.95)]
        lines.append(figure(f"{name}: p50", p50 * 1000, "ms", ROUNDS))
        lines.append(figure(f"{name}: p95", p95 * 1000, "ms", ROUNDS, aim="< 500", met=p95 < 0.5))
    return lines


def _measured(address: str, owner: psycopg.Connection[Any], *, streamed: bool) -> list[float]:
    owner.execute(TABLE)
    owner.execute("CREATE ROLE reader LOGIN REPLICATION")
    owner.execute('GRANT SELECT ON "KUNDEN" TO reader')
    owner.execute('CREATE PUBLICATION gateway FOR TABLE "KUNDEN"')
    owner.execute(INSERT, ("first",))
    with tempfile.TemporaryDirectory() as folder:
        made = workspace_maker.make(Path(folder) / "workspace")
        _followed(made, address, streamed=streamed)
        gateway = wiring.open_gateway(made.folder)
        wiring.apply_first(gateway)
        token = make_key(gateway, "bench", ("*:read",))
        program = [sys.executable, "-m", "gateway.operate", "up", "--workspace", str(made.folder)]
        process = subprocess.Popen(program, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            show.wait_until_ready(made, [])
            _record(made, token, "first")
            return [_waited(made, token, owner, number) for number in range(ROUNDS)]
        finally:
            process.terminate()
            process.wait()
            gateway.close()


def _followed(made: DemoWorkspace, address: str, *, streamed: bool) -> None:
    """The demo's workspace, with the table of another server."""
    port = address.rpartition(":")[2].partition("/")[0]
    connections = made.folder / "connections.yaml"
    url = f"Driver={DRIVER};Server=127.0.0.1;Port={port};Database=postgres"
    text = re.sub(r"url:.*", f"url:   {url}\n  user:  reader", connections.read_text(encoding="utf-8"))
    if streamed:
        text = text.rstrip() + f"\n  replication: postgresql://127.0.0.1:{port}/postgres\n"
    connections.write_text(text, encoding="utf-8")
    integration = made.folder / "integrations" / "erp-customers.yaml"
    text = re.sub(r"changes:.*", f"changes:  log every {EVERY}", integration.read_text(encoding="utf-8"))
    integration.write_text(text, encoding="utf-8")


def _waited(made: DemoWorkspace, token: str, owner: psycopg.Connection[Any], number: int) -> float:
    time.sleep(0.05 + number * 37 % 100 / 500)
    owner.execute(INSERT, (f"k{number}",))
    began = time.perf_counter()
    _record(made, token, f"k{number}")
    return time.perf_counter() - began


def _record(made: DemoWorkspace, token: str, name: str) -> None:
    _wait(lambda: _status(f"{made.http}/api/v1/customers/{name}", token) == 200)


if __name__ == "__main__":
    for each in measure():
        print(each)
