"""Whether a partner can get through: the checklist of ``gateway partner check``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Response  # noqa: TC002

from gateway.repair.readiness import readiness
from gateway.serve.answers import answered
from gateway.serve.operations import Operation
from gateway.serve.resources.registry import partner_of
from gateway.serve.shapes import FLAG, TEXT, Shape, many, named, thing, words

if TYPE_CHECKING:
    from gateway.serve.operations import Call

CODES = ("account", "identifiers", "host_key", "integration", "tried", "accepted", "collected")

SHAPES: dict[str, Shape] = {
    "ReadinessStep": thing(
        "A step on the way to files that get through: said is what is there, or what is missing; remedy is what to do "
        "then, and empty where nothing is to be done.",
        code=words(*CODES),
        done=FLAG,
        said=TEXT,
        remedy=TEXT,
    ),
    "Readiness": thing(
        "How far a partner is, in the order in which the steps are taken; ready, when all are done.",
        partner=TEXT,
        ready=FLAG,
        steps=many(named("ReadinessStep")),
    ),
}


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "get_partner_readiness",
            "GET",
            "/api/v1/partners/{name}/readiness",
            "partners",
            "Whether a partner can get through, from the account to the first acknowledgment that was fetched",
            one_partner,
            scope="partners:read",
            answers={200: "Readiness"},
        ),
    )


def one_partner(call: Call, name: str) -> Response:
    """``GET /api/v1/partners/acme/readiness``."""
    partner = partner_of(call, name)
    with call.services.database.read() as connection:
        steps = readiness(connection, call.services.configuration(), partner, call.services.host_keys())
    return answered(
        {"partner": name, "ready": all(each.done for each in steps), "steps": [asdict(each) for each in steps]}
    )
