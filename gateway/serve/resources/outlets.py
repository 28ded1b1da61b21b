"""Outlets: where partners find what they are answered, and how far it has come on its way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.serve.answers import listed, said
from gateway.serve.operations import Operation
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, maybe, named, page, thing, words
from gateway.store import outlets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response

    from gateway.partners import Partner
    from gateway.serve.operations import Call

SHAPES: dict[str, Shape] = {
    "Outlet": thing(
        "Where a partner finds acknowledgments and letters: in his outbox here, in a folder at his own server, or by "
        "e-mail. waiting are those that are made and not sent yet, the oldest of them since then; problem is why the "
        "last try failed.",
        name=TEXT,
        kind=words("outbox", "server", "mail"),
        partner=TEXT,
        waiting=WHOLE,
        oldest_waiting_since=maybe(MOMENT),
        last_sent_at=maybe(MOMENT),
        problem=maybe(TEXT),
    ),
    "Outlets": page(named("Outlet"), "Outlets, by partner."),
}

_SOMETHING = "what waits could not be sent; the operator is told why"
"""What a partner is told: the reason names our folders."""


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "list_outlets",
            "GET",
            "/api/v1/outlets",
            "outlets",
            "List where partners are answered: what waits there, since when, and what is wrong",
            outlets_list,
            scope="outlets:read",
            answers={200: "Outlets"},
        ),
    )


def outlets_list(call: Call) -> Response:
    """``GET /api/v1/outlets``; no server is asked."""
    known = call.services.configuration().partners
    items = []
    with call.services.database.read() as connection:
        for each in (known[name] for name in sorted(known) if call.caller.may_see(name)):
            for kind, name in _outlets(each):
                far = outlets.progress(connection, each.name, mails=kind == "mail")
                whole = call.caller.partners is None
                item: dict[str, Any] = {
                    "name": name,
                    "kind": kind,
                    "partner": each.name,
                    "waiting": far.waiting,
                    "oldest_waiting_since": far.since,
                    "last_sent_at": far.last_sent_at,
                    "problem": far.problem if whole or far.problem is None else _SOMETHING,
                }
                items.append(said(item))
    return listed(items, cursor=None, as_of={"time": call.services.now()})


def _outlets(partner: Partner) -> Iterator[tuple[str, str]]:
    """The kinds and names of a partner's outlets; none where everything is asked for over the API."""
    if partner.answers is not None:
        connection, folder = partner.answers
        yield "server", f"sftp://{connection}/{folder}"
    elif partner.account is not None:
        yield "outbox", f"drop://{partner.name}/outbox"
    if "mail" in partner.letters:
        yield "mail", f"mail:{partner.name}"
