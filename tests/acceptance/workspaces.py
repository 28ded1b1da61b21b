"""A workspace to try the whole line on: the demo's configuration without its legacy table, and hands to use it with.

The clock stands still until it is moved, so that leases run out and tries become due without waiting.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edi.formats import FORMATS
from edi.model import Document
from gateway.judging import peeked
from gateway.model import Arrived
from gateway.operate import demo, web, wiring
from gateway.operate.credentials import make_key
from gateway.operate.workers.worker import work
from gateway.store import deliveries, keys
from gateway.store.local import LocalVault
from gateway.workspace.loader import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.model import Delivery
    from gateway.operate.wiring import Gateway

DEMO = Path(demo.__file__).parent
SAMPLES = DEMO / "samples"
SCOPES = ("*:read", "*:personal", "deliveries:write", "quarantine:write")


def sample(name: str) -> bytes:
    """The bytes of a sample of the demo."""
    return (SAMPLES / name).read_bytes()


@cache
def key_pair() -> tuple[bytes, str]:
    """A key for all partners: private in OpenSSH's form, and the public line."""
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = paramiko.Ed25519Key.from_private_key(io.StringIO(private.decode()))
    return private, f"{public.get_name()} {public.get_base64()} test"


def make(folder: Path, *, store: str = "sqlite:data/gateway.db", http: int = 1, sftp: int = 1, more: str = "") -> Path:
    """Write the workspace into `folder`; `more` is added to gateway.yaml."""
    filled = {"{http}": f"127.0.0.1:{http}", "{sftp}": f"127.0.0.1:{sftp}", "{key}": key_pair()[1]}
    for template in sorted((DEMO / "workspace").rglob("*.*")):
        if template.name in ("connections.yaml", "erp-customers.yaml", "customer.v3.yaml"):
            continue
        text = template.read_text(encoding="utf-8")
        for name, value in filled.items():
            text = text.replace(name, value)
        if template.name == "gateway.yaml":
            text = text.replace("sqlite:data/gateway.db", store) + more
        target = folder / template.relative_to(DEMO / "workspace")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


@dataclass(slots=True)
class Clock:
    """Moves by a millisecond whenever it is read, and by more when it is told to."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Place:
    """An open gateway with its API, in this process."""

    folder: Path
    gateway: Gateway
    clock: Clock
    app: Flask
    token: str

    def land(self, content: bytes, name: str = "acme-orders.edi", source: str = "drop://acme") -> Delivery:
        """Land a file as the SFTP server would."""
        partner = source.removeprefix("drop://") if source.startswith("drop://") else None
        return self.gateway.receiver.land(Arrived(source, name, partner), io.BytesIO(content))

    def work(self) -> None:
        """Let a worker do what is due."""
        work(self.gateway, threading.Event(), until_idle=True)

    def give(self, content: bytes, name: str = "acme-orders.edi", source: str = "drop://acme") -> dict[str, Any]:
        """Land a file and have it judged; the delivery as the API shows it."""
        delivery = self.land(content, name, source)
        self.work()
        return self.delivery(delivery.id)

    @property
    def vault(self) -> LocalVault:
        """The vault, which is a folder here."""
        assert isinstance(self.gateway.vault, LocalVault)
        return self.gateway.vault

    @property
    def client(self) -> FlaskClient:
        """A client of the API without a network between."""
        return self.app.test_client()

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        """Ask the API with a key that may do everything."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)

    def get(self, path: str) -> Any:
        """The JSON of a successful answer."""
        answer = self.ask(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.json

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery as the API shows it."""
        shown: dict[str, Any] = self.get(f"/api/v1/deliveries/{delivery_id}")
        return shown

    def findings(self, delivery_id: str) -> list[dict[str, Any]]:
        """The findings of a delivery as the API shows them."""
        found: list[dict[str, Any]] = self.get(f"/api/v1/deliveries/{delivery_id}/findings?limit=1000")["items"]
        return found

    def held(self, query: str = "") -> list[dict[str, Any]]:
        """What waits in the quarantine."""
        found: list[dict[str, Any]] = self.get(f"/api/v1/quarantine?limit=1000{query}")["items"]
        return found

    def records(self, collection: str) -> list[dict[str, Any]]:
        """All records of a collection."""
        found: list[dict[str, Any]] = self.get(f"/api/v1/{collection}?limit=1000")["items"]
        return found

    def events(self, delivery_id: str) -> list[str]:
        """What the log tells of a delivery."""
        lines = self.get(f"/api/v1/deliveries/{delivery_id}/activity?limit=1000")["items"]
        return [line["event"] for line in lines]

    def row(self, delivery_id: str) -> Delivery:
        """A delivery as the store has it."""
        with self.gateway.database.read() as connection:
            found = deliveries.get(connection, delivery_id)
        assert found is not None
        return found

    def raw(self, delivery_id: str) -> bytes:
        """The very bytes, over the API."""
        answer = self.ask(f"/api/v1/deliveries/{delivery_id}/content")
        assert answer.status_code == 200
        return answer.get_data()

    def change(self, file: str, old: str, new: str) -> None:
        """Edit a file of the workspace and apply it."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert wiring.apply(self.gateway, load(self.folder))


@contextmanager
def opened(folder: Path, *, store: str = "sqlite:data/gateway.db", more: str = "") -> Iterator[Place]:
    """A place of its own in `folder`, applied and open."""
    make(folder, store=store, more=more)
    with reopened(folder) as place:
        yield place


@contextmanager
def reopened(folder: Path) -> Iterator[Place]:
    """The place that is in `folder` already, as after a restart."""
    gateway = wiring.open_gateway(folder)
    try:
        wiring.apply_first(gateway)
        clock = Clock()
        gateway.database.clock = clock
        with gateway.database.read() as connection:
            before = len(keys.of_client(connection, "test"))  # of which two may be live
        token = make_key(gateway, "test" if before < keys.LIVE_MAX else gateway.ids.new("test"), SCOPES)
        yield Place(folder, gateway, clock, web.application(gateway), token)  # type: ignore[arg-type]
    finally:
        gateway.close()


def conserved(place: Place, delivery_id: str, *, reader: str | None = None) -> None:
    """P1 for one delivery, and nothing lost: its counters say as many documents as its bytes in the vault have.

    `reader` is the name of the format where the configuration has another one by now.
    """
    delivery = place.row(delivery_id)
    held = [each for each in place.held() if each["delivery"] == delivery_id and each["number"] > 0]
    open_count = delivery.documents.get("quarantined", 0) + delivery.documents.get("unrouted", 0)
    assert open_count == len(held)
    place.gateway.vault.verify(delivery.sha256)
    assert sum(delivery.documents.values()) == in_the_bytes(place, delivery, reader)


def in_the_bytes(place: Place, delivery: Delivery, reader: str | None = None) -> int:
    """How many documents the reader finds in the raw bytes; a file that nothing wants is one as a whole."""
    routes = place.gateway.in_force.routes()
    candidates = routes.candidates(delivery)
    if not candidates:
        return 1
    chunks, first = peeked(place.gateway.vault.chunks(delivery.sha256))
    declared, options = routes.reader_of(candidates, first)
    items = FORMATS[reader].read(chunks, {}) if reader is not None else FORMATS[declared].read(chunks, options)
    return sum(isinstance(item, Document) for item in items)
