"""Deliveries: what came, how it ended, its very bytes, what was found in it and what was logged about it."""

from __future__ import annotations

import base64
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, request
from marshmallow import fields, validate

from gateway.model import DeliveryState, DocumentState
from gateway.repair.retention import was_purged
from gateway.serve import cursors, following, masks
from gateway.serve.answers import answered, listed, said
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import CURSOR, LIMIT, Name
from gateway.serve.problems import Problem
from gateway.serve.resources.activity import Following, activity_answer
from gateway.serve.shapes import FLAG, MOMENT, TEXT, WHOLE, Shape, many, maybe, page, thing, words
from gateway.serve.shapes import named as shape
from gateway.store import acknowledgments, deliveries, letters, members, quarantine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIEnvironment

    from sqlalchemy import Connection

    from gateway.model import Delivery, Finding
    from gateway.serve.auth import Caller
    from gateway.serve.operations import Call
    from gateway.store.vault import Vault

_CHUNK = 256 * 1024

SHAPES: dict[str, Shape] = {
    "Delivery": thing(
        "One arrival that was taken. documents counts, for each state, the documents that ended in it; twin is the "
        "delivery that brought the same content first; replay says by which revision it was judged again, then or now; "
        "archive says that its members were unpacked; "
        "purged_at and purged_by say when its bytes went, and by which keep:; acknowledgments, where one delivery is "
        "asked for, are what the partner is answered, and letters what he is told of what was refused.",
        optional=("acknowledgments", "letters"),
        id=TEXT,
        number=WHOLE,
        state=words(*(str(state) for state in DeliveryState)),
        source=TEXT,
        name=TEXT,
        partner=maybe(TEXT),
        integration=maybe(TEXT),
        sha256=TEXT,
        size=WHOLE,
        received_at=MOMENT,
        finished_at=maybe(MOMENT),
        revision=maybe(TEXT),
        tries=WHOLE,
        documents={
            "type": "object",
            "properties": {str(state): WHOLE for state in DocumentState},
            "additionalProperties": WHOLE,
        },
        twin=maybe(TEXT),
        whole=maybe(FLAG),
        replay={"type": ["string", "null"], "enum": ["then", "now", None]},
        archive={"type": ["string", "null"], "enum": ["zip", "gzip", None]},
        purged_at=maybe(MOMENT),
        purged_by=maybe(TEXT),
        acknowledgments=many(shape("Acknowledgment")),
        letters=many(shape("Letter")),
    ),
    "Deliveries": page(shape("Delivery"), "Deliveries, newest first."),
    "Finding": thing(
        "Something wrong, or noteworthy: what, where in the bytes (from 0, end exclusive) and in the format's own "
        "words (from 1), and what to do. Of an archive, member is the name of the one in which all of this is counted.",
        code=TEXT,
        severity=words("error", "warning", "note"),
        message=TEXT,
        remedy=TEXT,
        start=maybe(WHOLE),
        end=maybe(WHOLE),
        line=maybe(WHOLE),
        segment=maybe(WHOLE),
        tag=maybe(TEXT),
        element=maybe(WHOLE),
        component=maybe(WHOLE),
        column=maybe(TEXT),
        target=maybe(TEXT),
        value=maybe(TEXT),
        document=maybe(WHOLE),
        member=maybe(TEXT),
    ),
    "Findings": page(shape("Finding"), "Findings of a delivery, in the order in which they were made."),
    "Member": thing(
        "A member of a delivery that is an archive; number counts them from 1, in their order. code is that of the "
        "finding for which it was not unpacked; it has no sha256 then.",
        number=WHOLE,
        name=TEXT,
        sha256=maybe(TEXT),
        size=WHOLE,
        code=maybe(TEXT),
    ),
    "Members": page(shape("Member"), "What an archive holds; of any other delivery, nothing."),
}


class DeliveriesQuery(Parameters):
    """``?state=&integration=&partner=&limit=&cursor=``."""

    state = fields.String(
        validate=validate.OneOf([str(state) for state in DeliveryState]),
        metadata={"description": "one of " + ", ".join(str(state) for state in DeliveryState)},
    )
    integration = Name("integration")
    partner = Name("partner")
    limit = LIMIT
    cursor = CURSOR


class FindingsQuery(Parameters):
    """``?limit=&cursor=``."""

    limit = LIMIT
    cursor = CURSOR


def operations() -> tuple[Operation, ...]:
    """The operations of deliveries, without the upload that makes one."""
    one, scope = "/api/v1/deliveries/{id}", "deliveries:read"
    return (
        Operation(
            "list_deliveries",
            "GET",
            "/api/v1/deliveries",
            "deliveries",
            "List the deliveries, newest first",
            deliveries_list,
            scope=scope,
            query=DeliveriesQuery,
            answers={200: "Deliveries"},
        ),
        Operation(
            "get_delivery",
            "GET",
            one,
            "deliveries",
            "One delivery, by its id or an unambiguous beginning of it",
            one_delivery,
            scope=scope,
            answers={200: "Delivery"},
        ),
        Operation(
            "get_delivery_content",
            "GET",
            f"{one}/content",
            "deliveries",
            "The raw bytes as they came; Range is honoured",
            content,
            scope=scope,
            answers={200: None, 206: None},
            media=("application/octet-stream",),
        ),
        Operation(
            "list_delivery_findings",
            "GET",
            f"{one}/findings",
            "deliveries",
            "What was found wrong in a delivery",
            findings_list,
            scope=scope,
            query=FindingsQuery,
            answers={200: "Findings"},
        ),
        Operation(
            "list_delivery_members",
            "GET",
            f"{one}/members",
            "deliveries",
            "What a delivery that is an archive holds",
            members_list,
            scope=scope,
            query=FindingsQuery,
            answers={200: "Members"},
        ),
        Operation(
            "list_delivery_activity",
            "GET",
            f"{one}/activity",
            "deliveries",
            "The lines of the ingestion log about a delivery",
            delivery_activity,
            scope="activity:read",
            query=Following,
            answers={200: "ActivityLines"},
            media=following.MEDIA,
            varies=True,
        ),
    )


def delivery_said(delivery: Delivery) -> dict[str, Any]:
    """A delivery as it is shown."""
    return asdict(delivery)


def finding_said(finding: Finding) -> dict[str, Any]:
    """A finding as it is shown."""
    return asdict(finding)


def deliveries_list(call: Call) -> Response:
    """``GET /api/v1/deliveries?state=quarantined&integration=acme-orders``."""
    asked = dict(call.parameters)
    limit, cursor = asked.pop("limit"), asked.pop("cursor", None)
    partners = call.caller.partners
    identity = cursors.fingerprint("deliveries", sorted(asked.items()), *call.caller.view)
    secret = call.services.cursor_secret
    before = cursors.read(secret, identity, cursor)[0] if cursor else None
    with call.services.database.read() as connection:
        found = deliveries.page(connection, before=before, limit=limit + 1, partners=partners, **asked)
    more = cursors.write(secret, identity, (found[limit - 1].number,)) if len(found) > limit else None
    return listed(
        [said(delivery_said(each)) for each in found[:limit]], cursor=more, as_of={"time": call.services.now()}
    )


def one_delivery(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/deliveries/d_01j…``."""
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        answers = acknowledgments.of_delivery(connection, delivery.number)
        written = letters.of_delivery(connection, delivery.number)
    told = {"acknowledgments": [asdict(each) for each in answers], "letters": [asdict(each) for each in written]}
    return answered(delivery_said(delivery) | told)


def content(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``GET /api/v1/deliveries/d_01j…/content``: hashed before the first byte is sent (L2)."""
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
    personal = masks.within(call.services.configuration(), delivery)
    masks.needs_personal(call.caller, personal, "the file")
    if delivery.state == DeliveryState.PURGED:
        raise Problem("content_gone", was_purged(delivery))
    if not call.services.vault.exists(delivery.sha256):
        raise Problem("content_gone", f"the bytes of {delivery.id} are no longer in the vault")
    call.services.vault.verify(delivery.sha256)
    answer = Response(mimetype="application/octet-stream")
    answer.set_etag(delivery.sha256)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(delivery.sha256)).decode()}:"
    answer.headers.set("Content-Disposition", "attachment", filename=_file_name(delivery.name))
    answer.make_conditional(_conditions(delivery), accept_ranges=True, complete_length=delivery.size)
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise Problem("precondition_failed")
    if answer.status_code != HTTPStatus.NOT_MODIFIED:
        for each in personal:
            masks.told(call, each, 1, delivery=delivery.id)
        part = answer.content_range
        start, end = (part.start or 0, part.stop or 0) if part.units else (0, delivery.size)
        answer.response = _bytes(call.services.vault, delivery.sha256, start, end)
        answer.content_length = end - start
    return answer


def findings_list(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``GET /api/v1/deliveries/d_01j…/findings``."""
    limit, cursor = call.parameters["limit"], call.parameters.get("cursor")
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        secret, identity = call.services.cursor_secret, cursors.fingerprint("findings", delivery.id, *call.caller.view)
        after = cursors.read(secret, identity, cursor)[0] if cursor else 0
        found = quarantine.findings(connection, delivery.id, after=after, limit=limit + 1)
    more = cursors.write(secret, identity, (found[limit - 1][0],)) if len(found) > limit else None
    seen = masks.Findings(call)
    shown = seen.shown([finding for _, finding in found[:limit]], delivery)
    seen.tell()
    return listed(
        [said(finding_said(finding)) for finding in shown],
        cursor=more,
        as_of={"time": call.services.now()},
    )


def members_list(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``GET /api/v1/deliveries/d_01j…/members``."""
    limit, cursor = call.parameters["limit"], call.parameters.get("cursor")
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        secret, identity = call.services.cursor_secret, cursors.fingerprint("members", delivery.id, *call.caller.view)
        after = cursors.read(secret, identity, cursor)[0] if cursor else 0
        found = members.of_delivery(connection, delivery.number, after=after, limit=limit + 1)
    more = cursors.write(secret, identity, (found[limit - 1].number,)) if len(found) > limit else None
    what = ("number", "name", "sha256", "size", "code")
    return listed(
        [said({name: getattr(each, name) for name in what}) for each in found[:limit]],
        cursor=more,
        as_of={"time": call.services.now()},
    )


def delivery_activity(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``GET /api/v1/deliveries/d_01j…/activity``: as /activity, for this delivery alone."""
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
    return activity_answer(call, delivery=delivery.id)


def known(connection: Connection, caller: Caller, id: str) -> Delivery:  # noqa: A002 - as above
    """The delivery with this id, or with the only id that begins so, of those that the caller may see.

    Raises:
        Problem: ``unknown_delivery`` or ``ambiguous_id``.
    """
    try:
        delivery = deliveries.get(connection, id, partners=caller.partners)
    except LookupError as error:
        raise Problem("ambiguous_id", str(error)) from error
    if delivery is None:
        raise Problem("unknown_delivery", f"there is no delivery {id[:100]!r}")
    return delivery


def _conditions(delivery: Delivery) -> WSGIEnvironment:
    """The request's conditions, its range as far as it counts (RFC 9110, 13.2.2 and 14.2).

    A range counts behind the other conditions only, and where If-Range names the very same bytes, which a weak tag does
    not. One in other units than bytes, or of several parts, is passed over: the whole file is what is meant by neither,
    and allowed for both. The last so many bytes of a file that has fewer are all of it.
    """
    part = request.range
    if part is None:  # none, or none that can be read
        return request.environ
    others = {name: value for name, value in request.environ.items() if name != "HTTP_RANGE"}
    met = not request.if_match or delivery.sha256 in request.if_match
    known = request.if_none_match.contains_weak(delivery.sha256)
    weak = request.headers.get("If-Range", "").startswith("W/")
    if not met or known or weak or not delivery.size or part.units != "bytes" or len(part.ranges) != 1:
        return others
    start, _ = part.ranges[0]
    if start is not None and start < -delivery.size:
        others["HTTP_RANGE"] = "bytes=0-"
        return others
    return request.environ


def _bytes(vault: Vault, sha256: str, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a vault file, chunk by chunk."""
    for at in range(start, end, _CHUNK):
        yield vault.read(sha256, at, min(at + _CHUNK, end))


def _file_name(name: str) -> str:
    """The sender's name for the file, without what a header or a file system would stumble over."""
    plain = "".join(each if each.isprintable() and each not in '/\\"' else "_" for each in name)
    return plain[:200] or "delivery"
