"""What this process answered, counted, in the text format of Prometheus (version 0.0.4).

>>> metrics = Metrics()
>>> metrics.count("get_record", 200, 0.004, client="erp")
>>> print(metrics.text([]).splitlines()[2])
gateway_requests_total{operation="get_record",status="200",client="erp"} 1
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CLIENTS_MAX = 500
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)
"""Upper ends in seconds."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure of the store: its name, what it means, and a value for each set of labels."""

    name: str
    about: str
    values: Mapping[tuple[tuple[str, str], ...], float]


class Metrics:
    """Requests by operation, status and client, and how long each operation takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int, str], int] = {}
        self._clients: set[str] = set()
        self._declined: dict[str, int] = {}
        self._seconds: dict[str, list[float]] = {}
        """Operation → the count of each bucket, of what was longer, and the sum of all seconds."""

    def count(self, operation: str, status: int, seconds: float, client: str = "") -> None:
        """Count one answer."""
        with self._lock:
            told = (operation, status, client if self._is_known(client) else "others")
            self._requests[told] = self._requests.get(told, 0) + 1
            times = self._seconds.get(operation)
            if times is None:
                times = self._seconds[operation] = [0.0] * (len(BUCKETS) + 2)
            times[bisect_left(BUCKETS, seconds)] += 1
            times[-1] += seconds

    def decline(self, operation: str) -> None:
        """Count a request that the hot lane left to the ordinary way."""
        with self._lock:
            self._declined[operation] = self._declined.get(operation, 0) + 1

    def _is_known(self, client: str) -> bool:
        """Whether a client has lines of his own: tokens of an issuer may be of any number of people."""
        if client not in self._clients and len(self._clients) < _CLIENTS_MAX:
            self._clients.add(client)
        return client in self._clients

    def by_client(self) -> dict[str, dict[str, int]]:
        """What each client asked, as far as this process knows: requests, refused, limited, failed."""
        with self._lock:
            counted = list(self._requests.items())
        found: dict[str, dict[str, int]] = {}
        for (_, status, client), count in counted:
            told = found.setdefault(client, {"requests": 0, "refused": 0, "limited": 0, "failed": 0})
            told["requests"] += count
            if status >= 400:
                told["limited" if status == 429 else "refused" if status < 500 else "failed"] += count
        return found

    def text(self, gauges: Iterable[Gauge]) -> str:
        """All of it, with figures of the store behind it."""
        with self._lock:
            requests = sorted(self._requests.items())
            seconds = {name: list(times) for name, times in sorted(self._seconds.items())}
            declined = sorted(self._declined.items())
        name = "gateway_requests_total"
        lines = [*_head(name, "counter", "Requests that were answered.")]
        for (operation, status, client), count in requests:
            labels = _labels((("operation", operation), ("status", str(status)), ("client", client)))
            lines.append(f"{name}{labels} {count}")
        name = "gateway_hot_lane_declined_total"
        lines += _head(name, "counter", "Requests that the hot lane could have had and left to the ordinary way.")
        lines += [f"{name}{_labels((('operation', operation),))} {count}" for operation, count in declined]
        name = "gateway_request_seconds"
        lines += _head(name, "histogram", "How long requests took.")
        for operation, times in seconds.items():
            below = 0.0
            for place, bound in enumerate((*BUCKETS, float("inf"))):
                below += times[place]
                labels = _labels((("operation", operation), ("le", "+Inf" if place == len(BUCKETS) else f"{bound:g}")))
                lines.append(f"{name}_bucket{labels} {below:g}")
            labels = _labels((("operation", operation),))
            lines += [f"{name}_sum{labels} {times[-1]:.6f}", f"{name}_count{labels} {below:g}"]
        for gauge in gauges:
            lines += _head(gauge.name, "gauge", gauge.about)
            lines += [f"{gauge.name}{_labels(labels)} {value:g}" for labels, value in gauge.values.items()]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, about: str) -> tuple[str, str]:
    return f"# HELP {name} {about}", f"# TYPE {name} {kind}"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
