"""A gateway small enough for a test: real SQLite store, real vault, real configuration, real judging, no network."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from gateway import trials
from gateway.ingest import Line, ingest
from gateway.model import Arrived
from gateway.operate.ids import Ids
from gateway.publish import lettering
from gateway.publish.acknowledgments import Desk
from gateway.receive.landing import Receiver
from gateway.routing import Routes
from gateway.serve.app import create_app
from gateway.serve.services import Services
from gateway.store import keys, leases, letters, staging
from gateway.store import trials as store_trials
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.workspace.loader import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from adapters.protocol import Source
    from gateway.configuration import Configuration
    from gateway.model import Delivery

CONTRACT = """\
contract: order v1
about: A purchase order
owner: orders-team
key: number per partner
fields:
  number: text 1..22
  status: code order-status, filter
  ordered_on: date, filter, sort
  total: decimal(12,2), filter, sort
  urgent: bool ?, filter
  pieces: int ?, filter, sort
  changed_at: datetime ?, filter, sort
  note: text 0..80 ?
  ship_to:
    city: text
"""

ORDERS = """\
integration: acme-orders
about: Orders from Acme
owner: orders-team
source: "http:"
partner: acme
format: csv , utf-8 header
contract: order v1
map:
  number: number
  status: status
  ordered_on: day | date
  total: total | decimal
  urgent: urgent | bool('true', 'false') | optional
  pieces: pieces | int | optional
  changed_at: changed | datetime | optional
  note: note | optional
  ship_to.city: city
"""

FILES: dict[str, str] = {
    "gateway.yaml": "store: sqlite:data/gateway.db\n",
    "teams.yaml": "orders-team:\n  email: orders@example.com\n",
    "codes/order-status.csv": "code\nopen\nclosed\n",
    "partners/acme.yaml": "partner: acme\nabout: Acme, who orders\n",
    "contracts/order.v1.yaml": CONTRACT,
    "contracts/price.v1.yaml": "contract: price v1\nabout: A price\nowner: orders-team\nkey: sku\n"
    "fields:\n  sku: text\n  price: decimal, filter, sort\n",
    "integrations/acme-orders.yaml": ORDERS,
}

HEADER = "number,status,day,total,urgent,pieces,changed,note,city\n"

CURSOR_SECRET = b"a secret for the cursors of tests."


def order(number: str, status: str = "open", day: str = "2026-11-01", total: str = "10.00", **more: str) -> str:
    """One line of Acme's file."""
    rest = (more.get(name, "") for name in ("urgent", "pieces", "changed", "note"))
    return ",".join([number, status, day, total, *rest, more.get("city", "Hamburg")]) + "\n"


@dataclass(slots=True)
class World:
    """The gateway and what a test does with it."""

    database: Database
    vault: LocalVault
    ids: Ids
    configuration: Configuration
    receiver: Receiver
    sources: dict[str, Source] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    late: timedelta = timedelta()
    works: bool = True
    """Whether a worker judges while somebody waits."""
    plain: Flask | None = None
    revisions: dict[str, Configuration] = field(default_factory=dict)

    def now(self) -> datetime:
        """The time, which stands still but for what is waited: it is no matter how slow a machine is."""
        return self.began + self.late

    def wait(self, seconds: float) -> None:
        """Time passes, and a worker works."""
        if self.works:
            self.work()
        self.late += timedelta(seconds=seconds)

    def work(self) -> None:
        """Judge everything that is due."""
        routes = Routes(self.configuration)
        line = Line(self.database, self.vault, self.ids.new)
        while True:
            with self.database.write() as transaction:
                lease = leases.take(transaction, owner="test", seconds=60)
            if lease is None:
                break
            ingest(line, lease, routes)
        self._try(line, routes)

    def write_letters(self) -> None:
        """Write every letter that is owed."""
        routes = Routes(self.configuration)
        desk = Desk(self.database, self.vault, lambda _revision: routes)
        while True:
            with self.database.write() as transaction:
                owed = letters.take_owed(transaction, owner="test", seconds=60)
            if owed is None:
                return
            lettering.write(desk, owed, self.configuration, outboxes=("acme",))

    def _try(self, line: Line, routes: Routes) -> None:
        while True:
            with self.database.write() as transaction:
                held = store_trials.take(transaction, owner="test", seconds=60)
            if held is None:
                return
            trial = held.trial
            again = trial.how is not None
            made = (
                trials.judge_again(line, trial, self.routes_of, routes) if again else trials.judge(line, routes, trial)
            )
            with self.database.write() as transaction:
                store_trials.finish(transaction, held, made)

    def deliver(self, *lines: str, name: str = "orders.csv") -> Delivery:
        """A file of Acme's, landed and judged."""
        content = (HEADER + "".join(lines)).encode()
        delivery = self.receiver.land(Arrived("http:", name, "acme", "acme-orders"), BytesIO(content))
        self.work()
        return delivery

    def key(
        self,
        *scopes: str,
        expires_at: datetime | None = None,
        name: str = "tester",
        partners: tuple[str, ...] | None = None,
    ) -> str:
        """A fresh API key with these scopes, for these partners alone where some are named."""
        token = self.ids.new("key")
        with self.database.write() as transaction:
            keys.add(
                transaction,
                id=token[:20] + token[-6:],
                name=name,
                sha256_hex=hashlib.sha256(token.encode()).hexdigest(),
                scopes=scopes,
                expires_at=expires_at,
                partners=partners,
            )
        return token

    def apply(self, files: Mapping[str, str]) -> None:
        """Put another configuration in force."""
        self.configuration = parse(dict(files))
        self.revisions[self.configuration.revision] = self.configuration
        with self.database.write() as transaction:
            for contract in self.configuration.contracts.values():
                staging.ensure(transaction, contract)

    def services(self, **other: Any) -> Services:
        """What the application is given."""
        given: dict[str, Any] = {
            "database": self.database,
            "vault": self.vault,
            "receiver": self.receiver,
            "configuration": lambda: self.configuration,
            "sources": lambda: self.sources,
            "new_id": self.ids.new,
            "now": self.now,
            "wait": self.wait,
            "cursor_secret": CURSOR_SECRET,
            "routes_of": self.routes_of,
        }
        return Services(**(given | other))

    def routes_of(self, revision: str) -> Routes | None:
        """A revision that was in force."""
        known = self.revisions.get(revision)
        return Routes(known) if known is not None else None

    def app(self, **other: Any) -> Flask:
        """The application; the plain one is made once."""
        if other:
            return create_app(self.services(**other))
        if self.plain is None:
            self.plain = create_app(self.services())
        return self.plain

    def client(self, *scopes: str, **other: Any) -> FlaskClient:
        """A client that sends a key with these scopes (``admin`` when none is named) with every request."""
        return with_key(self.app(**other).test_client(), self.key(*(scopes or ("admin",))))

    def close(self) -> None:
        """Let go of the store."""
        self.database.close()


def with_key(client: FlaskClient, key: str) -> FlaskClient:
    """The client, sending this key."""
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@cache
def configured() -> Configuration:
    """The configuration of :data:`FILES`."""
    return parse(FILES)


def world(folder: Path, *, url: str | None = None, template: Path | None = None) -> World:
    """A gateway in `folder`, its configuration applied; close it at the end. `template` is a store that has it all."""
    if template is not None:
        shutil.copy(template, folder / "gateway.db")
    database = Database(url or f"sqlite:{folder / 'gateway.db'}", clock=lambda: datetime.now(UTC))
    vault, ids = LocalVault(folder / "vault"), Ids()
    receiver = Receiver(database, vault, ids.new, lambda: made.configuration)
    made = World(database, vault, ids, configured(), receiver)
    made.revisions[made.configuration.revision] = made.configuration
    if template is None:
        database.migrate()
        made.apply(FILES)
    return made
