"""One nursery for all tests of faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.nursery import nursery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.nursery import Nursery


@pytest.fixture(scope="session")
def children() -> Iterator[Nursery]:
    """Starts commands of the real program."""
    with nursery() as one:
        yield one
