"""What was asked of this process, by whom, and how it fared: for a person, and for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from gateway.errors import GatewayError
from gateway.serve.answers import listed, said
from gateway.serve.metrics import MEDIA_TYPE, Gauge
from gateway.serve.operations import Operation
from gateway.serve.shapes import TEXT, WHOLE, Shape, named, page, thing
from gateway.store import changes, deliveries
from gateway.store.deliveries import moment

if TYPE_CHECKING:
    from gateway.serve.operations import Call

SHAPES: dict[str, Shape] = {
    "Usage": thing(
        "What a client asked since this process began: requests, and among them those that were refused because they "
        "were wrong (4xx, without 429), too many (429), or could not be answered (5xx).",
        client=TEXT,
        requests=WHOLE,
        refused=WHOLE,
        limited=WHOLE,
        failed=WHOLE,
    ),
    "Usages": page(named("Usage"), "Clients by their names; requests without one have the empty name."),
}


def operations() -> tuple[Operation, ...]:
    """The operations of usage."""
    return (
        Operation(
            "list_usage",
            "GET",
            "/api/v1/usage",
            "usage",
            "How much each client asks; a key without the scope usage:read sees its own line",
            usage,
            answers={200: "Usages"},
        ),
        Operation(
            "metrics",
            "GET",
            "/metrics",
            "usage",
            "Counters and figures in the text format of Prometheus",
            metrics,
            scope="metrics:read",
            whole=True,
            answers={200: None},
            media=("text/plain",),
        ),
    )


def usage(call: Call) -> Response:
    """``GET /api/v1/usage``."""
    clients = call.shared.metrics.by_client()
    if not call.caller.may("usage:read") or call.caller.partners is not None:
        clients = {name: each for name, each in clients.items() if name == call.caller.name}
    items = [{"client": name, **each} for name, each in sorted(clients.items())]
    return listed([said(item) for item in items], cursor=None, as_of={"time": call.services.now()})


def metrics(call: Call) -> Response:
    """``GET /metrics``: what this process counted, and what the store says."""
    now = call.services.now()
    with call.services.database.read() as connection:
        states = deliveries.counts(connection)
        waiting, since = deliveries.backlog(connection)
        newest, _ = changes.newest(connection)
    age = (now - moment(since)).total_seconds() if since is not None else 0.0
    try:
        health = {name: source.live.health() for name, source in sorted(call.services.sources().items())}
    except GatewayError:  # a secret that cannot be read, which a request to a table says
        health = {}
    gauges = [
        Gauge(
            "gateway_deliveries",
            "Deliveries by their state.",
            {(("state", state),): count for state, count in sorted(states.items())},
        ),
        Gauge("gateway_deliveries_waiting", "Deliveries that wait to be judged.", {(): waiting}),
        Gauge("gateway_oldest_waiting_seconds", "How long the oldest of them waits.", {(): max(0.0, age)}),
        Gauge("gateway_newest_change", "The number of the newest change of any record.", {(): newest}),
        Gauge(
            "gateway_places_taken",
            "Readers of this process who follow a feed, or read an export, just now.",
            {(("of", "followers"),): call.shared.followers.taken, (("of", "exports"),): call.shared.exports.taken},
        ),
        Gauge(
            "gateway_source_failures",
            "Failures in a row of each legacy database, as this process saw them.",
            {(("connection", name),): each.failures for name, each in health.items()},
        ),
    ]
    return Response(call.shared.metrics.text(gauges), 200, content_type=MEDIA_TYPE)
