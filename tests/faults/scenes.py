"""Workspaces in a state from which a fault test begins, made once and copied for each run, on both stores."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import text

from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened, sample
from tests.faults.ledger import Ledger, ledger, reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acceptance.workspaces import Place

ALL = os.environ.get("GATEWAY_FAULTS") == "all"
"""Every call and every byte, as ``make test-faults`` wants it, and not only one of each step."""

PRICES = prices(45, bad_every=15)
ORDERS = sample("acme-orders.edi")
_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A workspace that nothing has open."""

    folder: Path
    url: str

    @property
    def is_sqlite(self) -> bool:
        """Whether its store is a SQLite file."""
        return self.url.startswith("sqlite:")

    def copy(self, to: Path) -> Scene:
        """The same once more, with a store of its own; for several threads."""
        shutil.copytree(self.folder, to)
        if self.is_sqlite:
            return Scene(to, f"sqlite:{to}/data/gateway.db")
        server, _, name = self.url.rpartition("/")
        url = f"{server}/fault_{next(_names)}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {url.rpartition('/')[2]} TEMPLATE {name}")
        return Scene(to, url).set("store", url)

    def set(self, key: str, value: str) -> Scene:
        """The workspace with another line in gateway.yaml."""
        path = self.folder / "gateway.yaml"
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(f"{key}:")]
        path.write_text("\n".join([*lines, f"{key}: {value}"]) + "\n", encoding="utf-8")
        return self

    def remove(self) -> None:
        """Throw it away, so that hundreds of runs take no room."""
        shutil.rmtree(self.folder)
        if not self.is_sqlite:
            server, _, name = self.url.rpartition("/")
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def later(self) -> Scene:
        """The same an hour later: leases have run out, and what waited for another try is due."""
        with reading(self.url) as connection, connection.begin():
            for table in ("delivery", "answering", "acknowledgment", "lettering", "letter"):
                connection.execute(text(f"UPDATE {table} SET due = due - 3600"))
        return self

    def ledger(self) -> Ledger:
        """What its store says."""
        return ledger(self.url)


def scene(folder: Path, store_url: str, fill: Callable[[Place], object], *, more: str = "") -> Scene:
    """A workspace with its store at `store_url` (SQLite: beside the workspace), filled and closed."""
    store = "sqlite:data/gateway.db" if store_url.startswith("sqlite:") else store_url
    with opened(folder, store=store, more=more) as place:
        fill(place)
    return Scene(folder, f"sqlite:{folder}/data/gateway.db" if store_url.startswith("sqlite:") else store_url)


def one_of_each(place: Place) -> None:
    """A price list with bad rows, orders of which one is refused, and a file nobody wants."""
    place.land(PRICES, "prices.csv", "drop://globex")
    place.land(ORDERS, "orders.edi", "drop://acme")
    place.land(b"%PDF-1.7", "brochure.pdf", "drop://globex")


def some_deliveries(place: Place) -> None:
    """One of each, and the price list again."""
    one_of_each(place)
    place.land(PRICES, "again.csv", "drop://globex")
