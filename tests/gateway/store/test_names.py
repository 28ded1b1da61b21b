"""Names that there ever were, asked of the store itself, on both databases."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.model import Arrived
from gateway.store import deliveries, revisions
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.names import Past, has_deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    made = Database(store_url, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    made.migrate()
    yield made
    made.close()


def apply(database: Database, name: str, files: Mapping[str, str]) -> None:
    with database.write() as transaction:
        revisions.apply(transaction, name, files)


def test_the_names_of_every_revision_as_their_files_say_them(database: Database) -> None:
    past = Past()
    with database.read() as connection:
        assert past.names(connection, "integration") == frozenset()
    text = '# integration: none\nintegration: "one"  # the first\nmap:\n  integration: no\npartner: acme\n'
    apply(database, "1", {"integrations/x.yaml": text, "partners/a.yaml": "about: A\npartner: 'acme'\n"})
    apply(database, "2", {"integrations/deep/y.yml": "integration: two\n", "contracts/z.yaml": "integration: three\n"})
    with database.read() as connection:
        assert past.names(connection, "integration") == {"one", "two"}
        assert past.names(connection, "partner") == {"acme"}
    apply(database, "1", {"integrations/x.yaml": "integration: four\n"})
    with database.read() as connection:
        assert past.names(connection, "integration") == {"one", "two", "four"}
        assert Past().names(connection, "integration") == {"one", "two", "four"}


def test_the_codes_of_every_revision_of_a_table(database: Database) -> None:
    past = Past()
    apply(database, "1", {"codes/units.csv": 'code,value\nEA, piece\n"a,b",PCE\n', "codes/other.csv": "code\nX\n"})
    apply(database, "2", {"codes/units.csv": "code\nKG\n"})
    with database.read() as connection:
        had = {code for code in ("EA", "piece", "a,b", "KG", "X", "") if past.had_code(connection, "units", code)}
        assert had == {"EA", "piece", "a,b", "KG"}
        assert not past.had_code(connection, "nothing", "KG")


def test_deliveries_of_some_partners_alone(database: Database, tmp_path: Path) -> None:
    stored = LocalVault(tmp_path / "vault").put(io.BytesIO(b"x"))
    with database.write() as transaction:
        deliveries.land(transaction, Arrived("http:", "x", "acme", "flow"), stored, new_id="d_1")
        deliveries.land(transaction, Arrived("http:", "x", None, "stray"), stored, new_id="d_2")
    with database.read() as connection:
        assert has_deliveries(connection, "integration", "flow")
        assert has_deliveries(connection, "integration", "flow", partners=("globex", "acme"))
        assert not has_deliveries(connection, "integration", "flow", partners=("globex",))
        assert not has_deliveries(connection, "integration", "flow", partners=())
        assert not has_deliveries(connection, "integration", "stray", partners=("acme",))
        assert has_deliveries(connection, "partner", "acme")
        assert not has_deliveries(connection, "partner", "acme", partners=("globex",))
        assert not has_deliveries(connection, "partner", "flow")
