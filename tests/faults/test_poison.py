"""Files that break the process which reads them: they are given up with a reason, and hold nobody up (P4, P8)."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.acceptance.children import prices
from tests.acceptance.workspaces import reopened
from tests.faults.poison import planted, poison
from tests.faults.scenes import scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.scenes import Scene

SECONDS_MAX = 300.0
"""A worker that a file has ended is started anew ten times, which takes a minute where others work too."""
LIMITS = "\ntries: 2\nlease: 1h\njudging_max: 500ms\nmemory_max: 64 MiB\n"
"""The lease is long, so that whatever waits for it to run out is too late."""
REASONS = {
    "segfault": "its process ended with SIGSEGV",
    "loop": "judging it got no further in 0.5 s of processor time (judging_max)",
    "hold": "judging it got no further in 0.5 s of processor time (judging_max)",
    "hog": "it needed more than 64 MiB of memory (memory_max)",
    "killed": "its process was killed (SIGKILL), which the system does when its memory runs out",
}
GOOD = 20


@contextmanager
def working(here: Scene, *options: str, stop: int = signal.SIGTERM) -> Iterator[subprocess.Popen[bytes]]:
    """``gateway work`` with a reader that meets poison; it ends in order at the end of the block."""
    command = [sys.executable, "-m", "gateway.operate", "work", "--workspace", str(here.folder), *options]
    site = here.folder.parent / f"{here.folder.name}.site"
    with (here.folder.parent / "log").open("ab") as log:
        process = subprocess.Popen(command, env=planted(site), stdout=log, stderr=log)
    try:
        yield process
        process.send_signal(stop)
        assert process.wait(SECONDS_MAX) == 0
    finally:
        process.kill()
        process.wait()


def until(what: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + SECONDS_MAX
    while not what():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


def mixed(place: Place) -> None:
    """Poison of each kind among good files of the same lane."""
    kinds = iter(REASONS)
    for number in range(GOOD):
        place.land(prices(3, first=10 * number), f"good{number:02}.csv", "drop://globex")
        if number % 4 == 1:
            kind = next(kinds)
            place.land(poison(kind), f"{kind}.csv", "drop://globex")


def test_P4_a_file_that_breaks_its_process_is_given_up_with_its_reason_and_holds_nobody_up(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str
) -> None:
    here = scene(tmp_path / "here", store_url, mixed, more=LIMITS)
    with reopened(here.folder) as place:

        def deliveries() -> dict[str, dict[str, Any]]:
            return {each["name"]: each for each in place.get("/api/v1/deliveries?limit=100")["items"]}

        with working(here, "--workers", "1" if here.is_sqlite else "2") as process:
            until(lambda: all(each["finished_at"] for each in deliveries().values()), process, tmp_path / "log")
        shown = deliveries()
        for name, each in shown.items():
            if name.startswith("good"):
                assert (each["state"], each["documents"]) == ("accepted", {"accepted": 3}), name
                assert place.events(each["id"]) == ["received", "accepted"], name  # nobody else's try is counted
            else:
                reason = REASONS[name.removesuffix(".csv")]
                assert each["state"] == "failed"
                assert place.events(each["id"]) == ["received", "attempt_failed", "attempt_failed", "failed"]
                (finding,) = place.findings(each["id"])
                assert (finding["code"], finding["message"]) == (
                    "delivery.failed",
                    f"the file could not be judged in 2 tries: {reason}",
                )
        assert len(shown) == GOOD + len(REASONS)
        assert len(place.records("prices")) == 3 * GOOD


def test_P8_a_file_that_gets_on_may_take_as_long_as_it_does(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    rows = 40_000

    def large(place: Place) -> None:
        place.land(prices(rows), "large.csv", "drop://globex")

    here = scene(tmp_path / "here", store_url, large, more=LIMITS.replace("500ms", "100ms"))
    with reopened(here.folder) as place:

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = place.get("/api/v1/deliveries")["items"][0]
            return found

        with working(here) as process:
            until(lambda: shown()["finished_at"], process, tmp_path / "log")
        assert (shown()["state"], shown()["documents"]) == ("accepted", {"accepted": rows})
        assert place.events(shown()["id"]) == ["received", "accepted"]
