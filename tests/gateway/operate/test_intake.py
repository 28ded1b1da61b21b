"""The SFTP role: folders as the revision in force says, followed while it runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from gateway.operate.intake import Intake
from tests.acceptance.workspaces import make, reopened, sample
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CSV = sample("globex-prices.csv")


def until(done: Callable[[], Any]) -> Any:
    """Ask until there is an answer that counts."""
    for _ in range(1500):
        if answer := done():
            return answer
        threading.Event().wait(0.02)
    raise AssertionError("it did not come to that")


def test_watched_folders_are_collected_also_one_that_is_applied_later(tmp_path: Path) -> None:
    make(tmp_path, sftp=free_port())
    settings = tmp_path / "gateway.yaml"
    settings.write_text(settings.read_text().replace("settle: 500ms", "settle: 50ms"))
    with reopened(tmp_path) as place:

        def names() -> set[str]:
            return {each["name"] for each in place.get("/api/v1/deliveries")["items"]}

        place.change("integrations/globex-prices.yaml", "drop://globex/*.csv", "folder:in/*.csv")
        stop = threading.Event()
        running = threading.Thread(target=Intake(place.gateway).run, args=(stop,))
        running.start()
        try:
            until((tmp_path / "in").is_dir)
            (tmp_path / "in" / "first.csv").write_bytes(CSV)
            (tmp_path / "in" / "first.csv.part").write_bytes(CSV)
            until(lambda: names() == {"first.csv"})

            place.change("integrations/globex-prices.yaml", "folder:in/*.csv", "folder:later/*.csv")
            until((tmp_path / "later").is_dir)
            (tmp_path / "later" / "second.csv").write_bytes(CSV + b"\r\n")
            until(lambda: names() == {"first.csv", "second.csv"})
        finally:
            stop.set()
            running.join(30)
        assert not running.is_alive()
        place.work()
        assert len(place.records("prices")) == 8
        assert [path.name for path in (tmp_path / "in").iterdir() if path.is_file()] == ["first.csv.part"]
