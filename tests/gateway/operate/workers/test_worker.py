"""The worker: what it does with troubles that are no file's fault."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Retry, Stop
from gateway.operate.workers import worker
from gateway.store.database import Unwritable
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("trouble", "tries", "events"),
    [
        (Retry("busy", delay_seconds=0.5), 0, ["received"]),
        (Unwritable("the store is full"), 0, ["received"]),
        (Stop("the raw bytes are damaged"), 1, ["received", "attempt_failed"]),
        (ValueError("a defect\nof ours"), 1, ["received", "attempt_failed"]),
    ],
)
def test_a_try_counts_only_where_it_was_the_files(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, trouble: Exception, tries: int, events: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise trouble

    with opened(tmp_path, store=store_url) as place:
        landed = place.land(b"bytes")
        monkeypatch.setattr(worker, "ingest", fail)
        place.work()
        assert place.row(landed.id).tries == tries
        assert place.events(landed.id) == events
        place.work()
        assert place.row(landed.id).tries == tries  # it is not due yet

        monkeypatch.undo()
        place.clock.forward(3600)
        place.work()
        assert place.delivery(landed.id)["state"] == "quarantined"
        assert place.row(landed.id).tries == 0


def test_the_reason_of_a_defect_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a defect\nof ours")

    with opened(tmp_path) as place:
        landed = place.land(b"bytes")
        monkeypatch.setattr(worker, "ingest", fail)
        place.work()
        line = place.get(f"/api/v1/deliveries/{landed.id}/activity")["items"][-1]
        assert line["message"] == "try 1 did not finish: ValueError: a defect"


def test_a_worker_that_waits_is_woken_by_a_landing_and_ends_when_told(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        stop = threading.Event()
        working = threading.Thread(target=worker.work, args=(place.gateway, stop))
        working.start()
        try:
            landed = place.land(b"bytes")
            for _ in range(3000):
                if place.delivery(landed.id)["state"] != "received":
                    break
                threading.Event().wait(0.02)
        finally:
            stop.set()
            working.join(60)
        assert not working.is_alive()
        assert place.delivery(landed.id)["state"] == "quarantined"
