"""One running gateway for all; each file has records of its own there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.client import Client
from tests.gateway.client.gateways import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("gateway"), "upload_max: 1 MiB\n") as made:
        yield made


@pytest.fixture
def client(here: Running) -> Iterator[Client]:
    with Client(here.url, here.key) as made:
        yield made
