"""What a delivery was answered: TA1, 997, 999, CONTRL, each as it was, or will be, sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from marshmallow import fields, validate

from gateway.model import DeliveryState
from gateway.repair.retention import was_purged
from gateway.serve import masks
from gateway.serve.operations import Operation, Parameters
from gateway.serve.problems import Problem
from gateway.serve.resources.deliveries import known
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, maybe, thing, words
from gateway.store import acknowledgments

if TYPE_CHECKING:
    from gateway.serve.operations import Call

_MEDIA = {"x12": "application/edi-x12", "edifact": "application/edifact"}
"""RFC 1767; media types do not tell capital letters from small ones."""

_NOTHING = "application/octet-stream"

SHAPES: dict[str, Shape] = {
    "Acknowledgment": thing(
        "What a partner is answered about an interchange, or about a functional group of it. number is the control "
        "number of the answer, interchange and group are those that it answers; received and accepted count "
        "transaction sets, messages, or for a TA1 groups. name is its file in the partner's outbox; state is built or "
        "staged while it is on its way there, sent, or kept where the partner has no account: then it is to be had "
        "here. collected_at says when he fetched it from his outbox; problem why it waits.",
        kind=words("TA1", "997", "999", "CONTRL"),
        number=WHOLE,
        disposition=words("accepted", "accepted_with_errors", "partly_accepted", "rejected"),
        interchange=TEXT,
        group=maybe(TEXT),
        received=WHOLE,
        accepted=WHOLE,
        partner=maybe(TEXT),
        name=TEXT,
        state=words("built", "staged", "sent", "kept"),
        built_at=MOMENT,
        sent_at=maybe(MOMENT),
        collected_at=maybe(MOMENT),
        problem=maybe(TEXT),
    )
}


class AcknowledgmentsQuery(Parameters):
    """``?number=42``."""

    number = fields.Integer(
        validate=validate.Range(1, acknowledgments.NUMBER_MAX),
        metadata={"description": "our control number: only that acknowledgment"},
    )


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "get_delivery_acknowledgments",
            "GET",
            "/api/v1/deliveries/{id}/acknowledgments",
            "deliveries",
            "The very bytes of what the delivery is answered, one interchange after the other",
            answers,
            scope="deliveries:read",
            query=AcknowledgmentsQuery,
            answers={200: None},
            media=(*_MEDIA.values(), _NOTHING),
        ),
    )


def answers(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/deliveries/d_01j…/acknowledgments?number=42``; empty where there is none."""
    number: Any = call.parameters.get("number")
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        found = acknowledgments.contents(connection, delivery.number, number=number)
    # AK404 and IK404 repeat the bad data element.
    personal = masks.within(call.services.configuration(), delivery) if found else []
    masks.needs_personal(call.caller, personal, "what it was answered")
    if found and delivery.state == DeliveryState.PURGED:
        raise Problem("content_gone", f"{was_purged(delivery)}, and what it was answered with them")
    for each in personal:
        masks.told(call, each, len(found), delivery=delivery.id)
    media = _MEDIA[found[0][0]] if found else _NOTHING
    answer = Response(b"".join(content for _, content in found), mimetype=media)
    answer.headers.set("Content-Disposition", "attachment", filename=f"{delivery.id}.edi")
    return answer
