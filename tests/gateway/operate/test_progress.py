"""Progress: one line that renews itself on a terminal, plain lines now and then when piped."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from gateway.model import Delivery, DeliveryState
from gateway.operate.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def delivery(number: int = 1) -> Delivery:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Delivery(f"d_{number}", number, DeliveryState.RECEIVED, "folder:in", "prices.csv", None, None, "", 0, now)


def test_a_pipe_gets_whole_lines_and_not_too_many() -> None:
    times = iter([0.0, 1.0, 5.0, 5.5, 10.0])
    out = io.StringIO()
    progress = Progress(out, lambda: next(times))
    for documents in (20_000, 40_000, 60_000, 80_000, 100_000):
        progress(delivery(), documents)
    progress.end()
    assert out.getvalue().splitlines() == [
        "prices.csv: 60,000 documents judged, about 12,000 a second",
        "prices.csv: 100,000 documents judged, about 10,000 a second",
    ]


def test_a_terminal_keeps_one_line_and_gets_it_back() -> None:
    times = iter([0.0, 0.1, 0.5, 0.6, 1.0])
    out = Terminal()
    progress = Progress(out, lambda: next(times))
    progress(delivery(), 20_000)
    progress(delivery(), 40_000)
    progress(delivery(), 60_000)
    progress(delivery(2), 10)
    progress(delivery(2), 20)
    progress.end()
    assert "\n" not in out.getvalue()
    assert out.getvalue().count("documents judged") == 2
    assert out.getvalue().endswith("\r\x1b[2K")
