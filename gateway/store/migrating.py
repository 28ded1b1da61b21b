"""Bring a store's tables to the shape that this program knows, by the migrations in ``migrations/versions``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from gateway.errors import Stop

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).with_name("migrations")


def bring_up(connection: Connection) -> None:
    """Do the migrations that were not done yet, within the transaction of this connection.

    Raises:
        Stop: a newer program has made the store.
    """
    known = sorted(each.name[:4] for each in (_MIGRATIONS / "versions").glob("[0-9]*.py"))  # 0015_trials_of.py is 0015
    done = _done(connection)
    if done == known[-1]:
        return
    if done is not None and done not in known:
        raise Stop(
            f"the store was made by a newer version of this program: its last migration is {done}, and {known[-1]} is "
            "the last that is known here",
            "Run the newer version, or restore a backup that was made before it.",
        )
    from alembic import command  # noqa: PLC0415 - slow to import, and each process of ours asks
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _done(connection: Connection) -> str | None:
    """The last migration that was done; None where there is no store yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    done: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return done
