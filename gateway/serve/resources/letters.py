"""The letter about a delivery: what its partner was, or will be, told of what was refused, as it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.model import DeliveryState
from gateway.repair.retention import was_purged
from gateway.serve import masks
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem
from gateway.serve.resources.deliveries import known
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, maybe, thing, words
from gateway.store import letters

if TYPE_CHECKING:
    from gateway.serve.operations import Call

_MEDIA = {"text/plain": letters.TEXT, "text/html": letters.HTML, "text/csv": letters.CSV}

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Of the letter as a page: it has a style, and runs, loads and sends nothing, whatever its quotes hold."""

SHAPES: dict[str, Shape] = {
    "Letter": thing(
        "A letter to the partner about what was refused, in one of its forms. number counts the letters about the "
        "delivery; name is its file in the partner's outbox, or the Message-ID of the mail; state is built or staged "
        "while it is on its way, sent, or kept where it is to be asked for here. problem says why it waits.",
        number=WHOLE,
        kind=words("text", "html", "csv", "mail"),
        partner=TEXT,
        name=TEXT,
        state=words("built", "staged", "sent", "kept"),
        built_at=MOMENT,
        sent_at=maybe(MOMENT),
        problem=maybe(TEXT),
    )
}


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "get_delivery_letter",
            "GET",
            "/api/v1/deliveries/{id}/letter",
            "deliveries",
            "The newest letter to the partner about what was refused: as text, page, or the refused rows",
            letter,
            scope="deliveries:read",
            answers={200: None},
            media=tuple(_MEDIA),
            varies=True,
        ),
    )


def letter(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/deliveries/d_01j…/letter``; ``Accept`` chooses the form."""
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        found = letters.newest(connection, delivery.number)
        is_owed = letters.is_owed(connection, delivery.number)
    if not found:
        later = "; it is being written" if is_owed else ""
        raise Problem("unknown_letter", f"{delivery.id} has no letter{later}")
    personal = masks.within(call.services.configuration(), delivery)
    masks.needs_personal(call.caller, personal, "the letter")  # it quotes what was sent
    if delivery.state == DeliveryState.PURGED:
        raise Problem("content_gone", f"{was_purged(delivery)}, and the letter about it with them")
    media = request.accept_mimetypes.best_match(tuple(_MEDIA), "text/plain")
    form = found.get(_MEDIA[media])
    if form is None:
        raise Problem("not_acceptable", f"the letter about {delivery.id} has no rows; ask for text/plain or text/html")
    for each in personal:
        masks.told(call, each, 1, delivery=delivery.id)
    answer = Response(form.content, mimetype=media)
    answer.headers.set("Content-Disposition", "inline", filename=form.name)
    if media == "text/html":
        answer.headers["Content-Security-Policy"] = PAGE_POLICY  # it is opened from the origin of the API
    return answer
