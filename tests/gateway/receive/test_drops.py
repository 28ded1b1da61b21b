"""Arrivals of folders become deliveries under a name that can be stored and shown."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from gateway.receive.drops import Drops
from sftp.arrival import Arrival
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"prices.csv", "prices.csv"),
        ("präise.csv".encode(), "präise.csv"),
        (b"pr\xe4ise.csv", "pr\\udce4ise.csv"),
        (b"pri\nces.csv", "pri\\nces.csv"),
    ],
)
def test_a_file_of_any_name_lands(tmp_path: Path, store_url: str, raw: bytes, shown: str) -> None:
    path = tmp_path / "held"
    path.write_bytes(b"bytes")
    sha256 = hashlib.sha256(b"bytes").hexdigest()
    with opened(tmp_path / "workspace", store=store_url) as place:
        drops = Drops(place.gateway.receiver)
        arrival = Arrival("a_1", "drop://globex", "globex", os.fsdecode(raw), path, 5, sha256, None)
        drops.receive(arrival)
        drops.receive(arrival)  # as after a crash

        (delivery,) = place.get("/api/v1/deliveries")["items"]
        assert (delivery["name"], delivery["sha256"]) == (shown, sha256)
        assert delivery["integration"] == "globex-prices"
        assert place.raw(delivery["id"]) == b"bytes"
