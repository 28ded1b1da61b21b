"""Health: is the process alive, can it do its work, how do the integrations fare."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gateway.errors import GatewayError
from gateway.serve.answers import answered, listed, said
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem
from gateway.serve.resources.registry import integrations_of
from gateway.serve.shapes import FLAG, MOMENT, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import activity, deliveries, lateness

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response

    from gateway.serve.operations import Call
    from gateway.serve.services import Services

_KEPT = timedelta(seconds=1)

SHAPES: dict[str, Shape] = {
    "Alive": thing("The process answers.", status=words("alive")),
    "Ready": thing(
        "The gateway can take files in and answer.",
        status=words("ready"),
        checks=thing("What was tried.", store_readable=FLAG, store_writable=FLAG, vault_writable=FLAG),
    ),
    "IntegrationHealth": thing(
        "How an integration fares: its newest delivery that was judged.",
        integration=TEXT,
        state=maybe(TEXT),
        delivery=maybe(TEXT),
        received_at=maybe(MOMENT),
        finished_at=maybe(MOMENT),
    ),
    "IntegrationsHealth": thing(
        "All integrations; waiting counts the deliveries that no worker has judged yet, answers_late the "
        "acknowledgments and letters that partners should have been sent by now (late_after in gateway.yaml).",
        items=many(named("IntegrationHealth")),
        next=maybe(TEXT),
        as_of=named("AsOf"),
        waiting=WHOLE,
        waiting_since=maybe(MOMENT),
        answers_late=WHOLE,
    ),
    "SourceHealth": thing(
        "How a legacy database fares, as the process sees it that answers. open: it is left alone after failures;"
        " half_open: one is finding out whether it is back. closed_until: it may not be read before. hanging counts"
        " calls that its driver did not give back.",
        connection=TEXT,
        state=words("closed", "open", "half_open"),
        connections=WHOLE,
        in_use=WHOLE,
        waiting=WHOLE,
        hanging=WHOLE,
        failures=WHOLE,
        last_error=maybe(TEXT),
        failed_at=maybe(MOMENT),
        answered_at=maybe(MOMENT),
        closed_until=maybe(MOMENT),
    ),
    "SourcesHealth": page(named("SourceHealth"), "All legacy databases; none of them is asked."),
}


class Readiness:
    """Tries store and vault, at most once a second however often it is asked: each try takes the writers' lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: datetime | None = None
        self._checks: dict[str, bool] = {}

    def checks(self, services: Services) -> dict[str, bool]:
        """What can be used."""
        with self._lock:
            now = services.now()
            if self._at is None or not timedelta() <= now - self._at < _KEPT:
                self._checks = {
                    "store_readable": _readable(services),
                    "store_writable": services.database.writable(),
                    "vault_writable": services.vault.writable(),
                }
                self._at = now
            return self._checks


def operations() -> tuple[Operation, ...]:
    """The operations of health; the first two need no key, so that an orchestrator can ask."""
    readiness = Readiness()
    return (
        Operation(
            "health_live",
            "GET",
            "/health/live",
            "health",
            "Whether the process answers",
            lambda _: answered({"status": "alive"}),
            access="open",
            answers={200: "Alive"},
        ),
        Operation(
            "health_ready",
            "GET",
            "/health/ready",
            "health",
            "Whether store and vault can be used",
            lambda call: ready(call, readiness),
            access="open",
            answers={200: "Ready"},
        ),
        Operation(
            "health_integrations",
            "GET",
            "/health/integrations",
            "health",
            "How each integration fares",
            integrations,
            scope="integrations:read",
            answers={200: "IntegrationsHealth"},
        ),
        Operation(
            "health_sources",
            "GET",
            "/health/sources",
            "health",
            "How each legacy database fares",
            sources,
            scope="integrations:read",
            whole=True,
            answers={200: "SourcesHealth"},
        ),
    )


def ready(call: Call, readiness: Readiness) -> Response:
    """``GET /health/ready``."""
    checks = readiness.checks(call.services)
    if not all(checks.values()):
        missing = ", ".join(name.replace("_", " is not ") for name, held in checks.items() if not held)
        raise Problem("not_ready", f"the {missing}", more={"checks": checks}, headers={"Retry-After": "5"})
    return answered({"status": "ready", "checks": checks})


def integrations(call: Call) -> Response:
    """``GET /health/integrations``."""
    with call.services.database.read() as connection:
        latest = deliveries.latest_per_integration(connection, partners=call.caller.partners)
        waiting, since = deliveries.backlog(connection, partners=call.caller.partners)
        after = timedelta(seconds=call.services.configuration().settings.late_after_seconds)
        late = lateness.count(connection, call.services.database.clock() - after, partners=call.caller.partners)
    items: list[dict[str, Any]] = []
    for name in sorted(integrations_of(call)):
        newest = latest.get(name)
        items.append(
            {
                "integration": name,
                "state": newest.state if newest else None,
                "delivery": newest.id if newest else None,
                "received_at": newest.received_at if newest else None,
                "finished_at": newest.finished_at if newest else None,
            }
        )
    return listed(
        [said(item) for item in items],
        cursor=None,
        as_of={"time": call.services.now()},
        more={"waiting": waiting, "waiting_since": since, "answers_late": late},
    )


def sources(call: Call) -> Response:
    """``GET /health/sources``: what is known without asking any of them."""
    found = {name: asdict(source.live.health()) for name, source in sorted(call.services.sources().items())}
    items = [{"connection": name} | each | {"last_error": each["last_error"] or None} for name, each in found.items()]
    return listed([said(item) for item in items], cursor=None, as_of={"time": call.services.now()})


def _readable(services: Services) -> bool:
    try:
        with services.database.read() as connection:
            activity.last(connection)
    except GatewayError:
        return False
    return True
