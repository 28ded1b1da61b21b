"""Arrivals of folders become deliveries under a name that can be stored and shown."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Retry, Stop
from gateway.receive.drops import Drops
from sftp import errors
from sftp.arrival import Arrival, Folder
from sftp.collect import Collector
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


def test_a_file_that_is_not_what_was_stored_is_refused_so_that_it_is_handed_over_anew(tmp_path: Path) -> None:
    path = tmp_path / "held"
    path.write_bytes(b"more bytes")
    sha256 = hashlib.sha256(b"bytes").hexdigest()
    with opened(tmp_path / "workspace") as place:
        arrival = Arrival("a_1", "drop://globex", "globex", "prices.csv", path, 5, sha256, None)
        with pytest.raises(errors.Changed, match=r"prices\.csv was written to while it was landed"):
            Drops(place.gateway.receiver).receive(arrival)


def test_the_bytes_of_a_writer_that_holds_the_file_open_are_a_delivery_of_their_own(tmp_path: Path) -> None:
    now = [0.0]
    with opened(tmp_path / "workspace") as place:
        folder = Folder(tmp_path / "in", "folder:in", tmp_path / "held", settle_seconds=1.0)
        drops = Drops(place.gateway.receiver)

        class Slow:
            """Takes its time, in which the writer goes on."""

            def receive(self, arrival: Arrival) -> None:
                drops.receive(arrival)
                if arrival.size == 6:
                    writer.write(b"late\n")

        collector = Collector(
            [folder],
            Slow(),
            new_id=lambda: place.gateway.ids.new("a"),
            monotonic=lambda: now[0],
            is_written=lambda _: None,  # as over a network
        )
        with (folder.path / "x.csv").open("wb", buffering=0) as writer:
            writer.write(b"early\n")
            for seconds in (0, 1, 1, 1):
                now[0] += seconds
                collector.scan()
        landed = place.get("/api/v1/deliveries")["items"]
        assert sorted(place.raw(each["id"]) for each in landed) == [b"early\n", b"early\nlate\n"]
        assert list(folder.holding.iterdir()) == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (Retry("the store is busy", "Wait", delay_seconds=7.5), errors.Retry),
        (Stop("the disk is full", "Make room"), errors.Stop),
    ],
)
def test_errors_of_the_gateway_are_those_that_the_collector_knows(
    tmp_path: Path, raised: Retry | Stop, expected: type[errors.SftpError]
) -> None:
    path = tmp_path / "held"
    path.write_bytes(b"bytes")

    class Troubled:
        def land(self, _arrived: object, _file: object) -> None:
            raise raised

    with pytest.raises(expected) as told:
        Drops(Troubled()).receive(Arrival("a_1", "folder:in", None, "x", path, 5, "", None))  # type: ignore[arg-type]
    assert (told.value.message, told.value.remedy) == (raised.message, raised.remedy)
    assert getattr(told.value, "delay_seconds", None) == getattr(raised, "delay_seconds", None)
