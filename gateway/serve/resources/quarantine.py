"""The quarantine: documents that are held with their findings until someone retries or discards them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, validate, validates_schema

from gateway.model import DocumentState
from gateway.observations import DOCUMENT_DISCARDED
from gateway.serve import cursors
from gateway.serve.answers import answered, listed, said
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import CURSOR, LIMIT, Text
from gateway.serve.problems import Problem
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import deliveries, quarantine

if TYPE_CHECKING:
    from flask import Response

    from gateway.serve.operations import Call
    from gateway.store.quarantine import HeldDocument

SCOPE_READ, SCOPE_WRITE = "quarantine:read", "quarantine:write"
_AT_ONCE = 500

SHAPES: dict[str, Shape] = {
    "HeldDocument": thing(
        "A document that is or was held: its bytes are start to end of the delivery's content; number counts the "
        "documents of the delivery from 1. reason and who are those of a discard.",
        id=TEXT,
        delivery=TEXT,
        number=WHOLE,
        integration=maybe(TEXT),
        contract=maybe(TEXT),
        state=words(*(str(state) for state in DocumentState)),
        start=WHOLE,
        end=WHOLE,
        held_at=MOMENT,
        findings=many(named("Finding")),
        reason=maybe(TEXT),
        who=maybe(TEXT),
    ),
    "HeldDocuments": page(named("HeldDocument"), "Documents that wait for someone, in the order of their ids."),
    "Retried": thing("How many documents a worker will judge again.", documents=WHOLE),
}


class QuarantineQuery(Parameters):
    """``?integration=&code=&delivery=&limit=&cursor=``."""

    integration = Text("the name of an integration")
    code = Text("the code of a finding, as in contract.pattern")
    delivery = Text("the id of a delivery")
    limit = LIMIT
    cursor = CURSOR


class DiscardBody(Parameters):
    """``{"reason": "…"}``."""

    reason = fields.String(
        required=True,
        validate=validate.Length(1, 1000, error="not 1 to 1000 characters"),
        metadata={"description": "a sentence that says why the document is given up, 1 to 1000 characters"},
    )


class RetryGroupBody(Parameters):
    """``{"integration": "…", "code": "…", "delivery": "…"}``, at least one of them."""

    integration = Text("the name of an integration")
    code = Text("the code of a finding, as in contract.pattern")
    delivery = Text("the id of a delivery")

    @validates_schema
    def named_something(self, data: dict[str, Any], **_: Any) -> None:
        """An empty body must not retry everything by mistake."""
        if not data:
            raise ValidationError("the body names no group: integration, code, delivery, at least one of them")


class NoBody(Parameters):
    """No body, or ``{}``."""


def operations() -> tuple[Operation, ...]:
    """The operations of the quarantine."""
    path = "/api/v1/quarantine"
    return (
        Operation(
            "list_quarantine",
            "GET",
            path,
            "quarantine",
            "List the documents that wait for someone",
            quarantine_list,
            scope=SCOPE_READ,
            query=QuarantineQuery,
            answers={200: "HeldDocuments"},
        ),
        Operation(
            "get_held_document",
            "GET",
            f"{path}/{{id}}",
            "quarantine",
            "One document that is or was held, with its findings",
            one_document,
            scope=SCOPE_READ,
            answers={200: "HeldDocument"},
        ),
        Operation(
            "retry_document",
            "POST",
            f"{path}/{{id}}/retry",
            "quarantine",
            "Have one document judged again with the configuration in force",
            retry_one,
            scope=SCOPE_WRITE,
            body=NoBody,
            answers={202: "Retried"},
        ),
        Operation(
            "discard_document",
            "POST",
            f"{path}/{{id}}/discard",
            "quarantine",
            "Give a held document up",
            discard,
            scope=SCOPE_WRITE,
            body=DiscardBody,
            answers={200: "HeldDocument"},
        ),
        Operation(
            "retry_group",
            "POST",
            f"{path}/retry",
            "quarantine",
            "Have all held documents of an integration, a finding's code or a delivery judged again",
            retry_group,
            scope=SCOPE_WRITE,
            body=RetryGroupBody,
            answers={202: "Retried"},
        ),
    )


def document_said(document: HeldDocument) -> dict[str, Any]:
    """A held document as it is shown."""
    return asdict(document)


def quarantine_list(call: Call) -> Response:
    """``GET /api/v1/quarantine?integration=acme-orders&code=contract.pattern``."""
    asked = dict(call.parameters)
    limit, cursor = asked.pop("limit"), asked.pop("cursor", None)
    secret, identity = call.services.cursor_secret, cursors.fingerprint("quarantine", sorted(asked.items()))
    after = cursors.read(secret, identity, cursor)[0] if cursor else None
    with call.services.database.read() as connection:
        found = quarantine.page(connection, after=after, limit=limit + 1, **_group(asked))
    more = cursors.write(secret, identity, (found[limit - 1].id,)) if len(found) > limit else None
    return listed(
        [said(document_said(each)) for each in found[:limit]], cursor=more, as_of={"time": call.services.now()}
    )


def one_document(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/quarantine/doc_01j…``."""
    return answered(document_said(_known(call, id)))


def retry_one(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/quarantine/doc_01j…/retry``: a worker judges it soon."""
    document = _known(call, id)
    with call.services.database.write() as transaction:
        marked = quarantine.retry(transaction, [document.id])
    if not marked:
        raise _not_held(document)
    return answered({"documents": marked}, 202, {"Location": f"/api/v1/quarantine/{document.id}"})


def discard(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/quarantine/doc_01j…/discard {"reason": "…"}``."""
    document, reason = _known(call, id), call.body["reason"]
    with call.services.database.write() as transaction:
        if quarantine.discard(transaction, document.id, reason=reason, who=call.caller.name):
            delivery = deliveries.get(transaction.connection, document.delivery)
            transaction.tell(
                DOCUMENT_DISCARDED(
                    integration=document.integration,
                    partner=delivery.partner if delivery is not None else None,
                    delivery=document.delivery,
                    document=document.number,
                    reason=reason,
                )
            )
        else:
            raise _not_held(document)
    return answered(document_said(_known(call, id)))


def retry_group(call: Call) -> Response:
    """``POST /api/v1/quarantine/retry {"integration": "acme-orders", "code": "contract.pattern"}``."""
    group, after, marked = _group(call.body), None, 0
    while True:
        with call.services.database.read() as connection:
            found = quarantine.page(connection, after=after, limit=_AT_ONCE, **group)
        if not found:
            return answered({"documents": marked}, 202)
        after = found[-1].id
        with call.services.database.write() as transaction:
            marked += quarantine.retry(transaction, [each.id for each in found])


def _group(asked: dict[str, Any]) -> dict[str, Any]:
    """The conditions in the store's words."""
    words = {"integration": "integration", "code": "code", "delivery": "delivery_id"}
    return {words[name]: value for name, value in asked.items()}


def _known(call: Call, id: str) -> HeldDocument:  # noqa: A002 - as above
    with call.services.database.read() as connection:
        document = quarantine.get(connection, id)
    if document is None:
        raise Problem("unknown_document", f"there is no held document {id[:100]!r}")
    return document


def _not_held(document: HeldDocument) -> Problem:
    return Problem(
        "not_held", f"the document {document.id} is {document.state}, so there is nothing to decide about it"
    )
