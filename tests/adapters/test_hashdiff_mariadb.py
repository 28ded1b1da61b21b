"""Comparing on a real MariaDB: the contract, with sums and hashes that the server makes."""

from __future__ import annotations

import pytest

from tests.adapters.comparing import ComparingContract
from tests.adapters.test_mariadb import owner, pytestmark, world

__all__ = ["owner", "pytestmark", "world"]


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of a few rows, so that a small table has many."""
    monkeypatch.setattr("adapters.hashdiff.RANGE_ROWS", 4)


class TestContract(ComparingContract):
    pass
