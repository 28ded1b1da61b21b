"""One small gateway for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.serve.worlds import World, order, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everything in place and nothing in it, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    world(folder).close()
    return folder / "gateway.db"


@pytest.fixture
def here(tmp_path: Path, template: Path) -> Iterator[World]:
    made = world(tmp_path, template=template)
    yield made
    made.close()


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway with three orders and a held document, for tests that only ask."""
    made = world(tmp_path_factory.mktemp("still"))
    made.deliver(
        order("1", total="9.50", day="2026-11-01", pieces="1", urgent="true"),
        order("2", total="10.00", day="2026-11-02", status="closed", pieces="20", changed="2026-11-20T10:00:00+01:00"),
        order("3", total="100.00", day="2026-11-03", note="Grüße aus 東京"),
        order("4", status="lost"),
    )
    made.write_letters()
    yield made
    made.close()
