"""A store that cannot be read is told in words, whatever the moment in which it shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Stop
from gateway.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(range(256)) * 16])
def test_a_damaged_file_stops_the_gateway_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(content)
    database = Database(f"sqlite:{path}", clock=lambda: datetime.now(UTC))
    with pytest.raises(Stop) as told:
        database.migrate()
    assert str(path) in told.value.message
    assert "restore the store from a backup" in told.value.remedy
    database.close()
    assert path.read_bytes() == content
