"""The store's shape: made once, left alone by who knows it, and not touched by who is older than it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from gateway.errors import Stop
from gateway.store import migrating
from gateway.store.database import Database

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OPEN = """
import sys
from datetime import UTC, datetime
from gateway.store.database import Database
database = Database(sys.argv[1], clock=lambda: datetime.now(UTC))
database.migrate()
database.close()
print("alembic" in sys.modules)
"""


def opens(url: str) -> str:
    """Whether another process that opened the store needed the library of migrations."""
    done = subprocess.run([sys.executable, "-c", OPEN, url], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_store_in_its_shape_is_opened_without_the_library_of_migrations(store_url: str) -> None:
    assert [opens(store_url), opens(store_url)] == ["True", "False"]


def test_a_store_of_an_earlier_migration_is_brought_up(store_url: str) -> None:
    database = Database(store_url, clock=lambda: NOW)
    database.migrate()
    with database.write() as transaction:
        transaction.connection.execute(text("DROP INDEX trial_partner"))
        transaction.connection.execute(text("UPDATE alembic_version SET version_num = '0014'"))
    database.migrate()
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() != "0014"
        assert "trial_partner" in [each["name"] for each in inspect(connection).get_indexes("trial")]
    database.close()


def test_a_store_of_a_newer_program_is_refused_and_left_alone(store_url: str) -> None:
    database = Database(store_url, clock=lambda: NOW)
    database.migrate()
    with database.write() as transaction:
        transaction.connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    with pytest.raises(Stop, match="made by a newer version of this program: its last migration is 9001, and 00"):
        database.migrate()
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9001"
    database.close()


def test_the_migrations_are_called_by_their_numbers() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating._MIGRATIONS))
    migrations = ScriptDirectory.from_config(config)
    files = sorted(each.name[:4] for each in (migrating._MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert (migrations.get_current_head(), sorted(each.revision for each in migrations.walk_revisions())) == (
        files[-1],
        files,
    )
