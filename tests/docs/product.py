"""The demo's workspace in a folder of its own, judged in this process, with a clock and ids that never change.

The pages of documentation show what it answers, and a test holds them against it.
"""

from __future__ import annotations

import io
import sqlite3
import threading
from collections import Counter
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from werkzeug.test import Client

from gateway.ingest import Line
from gateway.model import Arrived
from gateway.operate import demo, tail, wiring
from gateway.operate.credentials import make_key
from gateway.operate.ids import Ids
from gateway.operate.web import application
from gateway.operate.workers.worker import work
from gateway.receive.changes import canonical_lines
from gateway.receive.landing import Receiver
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from collections.abc import Iterator

DEMO = Path(demo.__file__).parent
SAMPLES = DEMO / "samples"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f demo"


class _Ids(Ids):
    """Ids that count, those of each kind by themselves, instead of telling the time."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()

    def new(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_01m7yhc{self._counts[prefix]:03}fk182nznapqwcs9s"


class Product:
    """A gateway that is open; files go in by `drop`, answers come out by `get`, the log by `log`."""

    def __init__(self, gateway: wiring.Gateway) -> None:
        self._gateway = gateway
        self._client = Client(application(gateway))
        self._token = make_key(gateway, "docs", ("*:read", "*:personal"))

    def drop(self, partner: str, name: str, content: bytes) -> None:
        """What the SFTP server hands over when `partner` has sent a file; it is judged before this returns."""
        self._land(Arrived(f"drop://{partner}", name, partner), content)

    def read_table(self, source: str, rows: list[dict[str, Any]]) -> None:
        """What the poller hands over when it has read these rows; they are judged before this returns."""
        name = f"{source.rpartition('/')[2]}.jsonl"
        flows = self._gateway.in_force.configuration().integrations.values()
        integration = next(each.name for each in flows if str(each.source) == source)
        self._land(Arrived(source, name, None, integration), canonical_lines(rows))

    def _land(self, arrived: Arrived, content: bytes) -> None:
        self._gateway.receiver.land(arrived, io.BytesIO(content))
        work(self._gateway, threading.Event(), until_idle=True)

    def get(self, path: str) -> Any:
        """The JSON of a successful answer."""
        answer = self._client.get(path, headers={"Authorization": f"Bearer {self._token}", "Host": "gateway.example"})
        assert answer.status_code == 200, answer.text
        return answer.json

    def fetched(self, path: str, media: str) -> bytes:
        """The bytes of a successful answer in that form."""
        headers = {"Authorization": f"Bearer {self._token}", "Host": "gateway.example", "Accept": media}
        answer = self._client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.get_data()

    def log(self) -> list[str]:
        """The lines of ``gateway tail``."""
        stop = threading.Event()
        lines = tail.by_time(tail.from_store(self._gateway, tail.Wanted(), last=1000, follow=False, stop=stop))
        return [tail.as_text(line, colour=False, late=late) for line, late in lines]


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """The demo's workspace in `folder`, applied, with the rows of its legacy table already read."""
    _fill(folder)
    settings = load(folder).settings
    ids = _Ids()
    database = Database(f"sqlite:{folder / 'gateway.db'}", clock=lambda: NOW)
    database.migrate()
    vault = LocalVault(folder / "vault")
    in_force = wiring.InForce(database)
    gateway = wiring.Gateway(
        folder,
        settings,
        database,
        vault,
        ids,
        in_force,
        Receiver(database, vault, ids.new, in_force.configuration),
        Line(database, vault, ids.new),
    )
    try:
        wiring.apply_first(gateway)
        made = Product(gateway)
        made.read_table("table://erp/KUNDEN", _legacy_rows())
        yield made
    finally:
        gateway.close()


def orders_of_long_ago(folder: Path) -> None:
    """The demo's workspace in `folder`, where files of orders are kept 90 days, and one came 100 days ago."""
    _fill(folder)
    flow = folder / "integrations" / "acme-orders.yaml"
    flow.write_text(flow.read_text(encoding="utf-8").replace("contract:", "keep: 90d\ncontract:"), encoding="utf-8")
    with mock.patch.object(wiring, "utc_now", return_value=NOW - timedelta(days=100)):
        gateway = wiring.open_gateway(folder)
        try:
            wiring.apply_first(gateway)
            arrived = Arrived("drop://acme", "acme-orders.edi", "acme")
            gateway.receiver.land(arrived, io.BytesIO((SAMPLES / "acme-orders.edi").read_bytes()))
            work(gateway, threading.Event(), until_idle=True)
        finally:
            gateway.close()


def _fill(folder: Path) -> None:
    """The demo's workspace without ports, keys and drivers of this machine."""
    filled = {
        "{http}": "127.0.0.1:8080",
        "{sftp}": "127.0.0.1:2222",
        "{key}": PUBLIC_KEY,
        "{driver}": "SQLite3",
        "{{workspace}}": "{workspace}",
    }
    templates = DEMO / "workspace"
    for template in sorted(path for path in templates.rglob("*") if path.is_file()):
        text = template.read_text(encoding="utf-8")
        for name, value in filled.items():
            text = text.replace(name, value)
        target = folder / template.relative_to(templates)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def legacy_database(folder: Path) -> None:
    """The demo's old ERP, in its workspace."""
    (folder / "legacy").mkdir()
    with closing(sqlite3.connect(folder / "legacy" / "erp.db")) as database:
        database.executescript((DEMO / "legacy.sql").read_text(encoding="utf-8"))


def _legacy_rows() -> list[dict[str, Any]]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        database.executescript((DEMO / "legacy.sql").read_text(encoding="utf-8"))
        rows = database.execute("SELECT * FROM KUNDEN ORDER BY KDNR").fetchall()
    return [{name: row[name] if row[name] is None else str(row[name]) for name in row.keys()} for row in rows]  # noqa: SIM118 - a Row iterates over its values
