"""One PostgreSQL server for the whole run, and an empty database of it for whoever asks; no test fails by the time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests.servers import S3Server, postgresql, postgresql_missing, s3

if TYPE_CHECKING:
    from collections.abc import Iterator

_names = itertools.count(1)

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    missing = postgresql_missing()
    if missing:
        pytest.skip(missing)
    with postgresql() as address:
        yield address


def _empty_database(server: str) -> str:
    name = f"test_{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with s3() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    return _empty_database(postgresql_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:{request.getfixturevalue('tmp_path')}/gateway.db"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same for all tests of a file, which share what stands in it."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path_factory.mktemp('store')}/gateway.db"
    return _empty_database(request.getfixturevalue("postgresql_server"))
