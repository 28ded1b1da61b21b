"""The quarantine: documents that are held with their findings until someone retries, corrects or discards them."""

from __future__ import annotations

import base64
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError, fields, validate, validates_schema

from gateway.model import DocumentState
from gateway.repair import held
from gateway.repair.held import Change
from gateway.repair.rules import judged_by
from gateway.serve import cursors, masks
from gateway.serve.answers import answered, listed, said
from gateway.serve.filters import LIMIT_MAX
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import CURSOR, LIMIT, DeliveryId, Name, Text, Truth
from gateway.serve.problems import Flaw, Problem, nearest
from gateway.serve.resources.deliveries import SHAPES as DELIVERY_SHAPES
from gateway.serve.resources.repairs import Reason
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import decisions, deliveries, groups, quarantine

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy import Connection

    from gateway.integrations import Accept
    from gateway.serve.operations import Call
    from gateway.store.decisions import Decision
    from gateway.store.quarantine import HeldDocument
    from gateway.store.retries import Marked

SCOPE_READ, SCOPE_WRITE = "quarantine:read", "quarantine:write"

SHAPES: dict[str, Shape] = {
    "HeldFinding": thing(
        "A finding with what judged the value: rule is the expression of the mapping and place its file, line and "
        "column; expected is what the contract takes, in words; name is that of the file.",
        **DELIVERY_SHAPES["Finding"]["properties"],
        name=TEXT,
        rule=maybe(TEXT),
        place=maybe(TEXT),
        expected=maybe(TEXT),
    ),
    "HeldDocument": thing(
        "A document that is or was held: its bytes are start to end of the delivery's content; number counts the "
        "documents of the delivery from 1, and 0 is a file as a whole in which none could be read. name is that of the "
        "file; of an archive, member is the name of the one in which number and bytes are counted. reason and who are "
        "those of a discard, or of the correction that it has.",
        id=TEXT,
        delivery=TEXT,
        name=TEXT,
        member=maybe(TEXT),
        number=WHOLE,
        integration=maybe(TEXT),
        contract=maybe(TEXT),
        state=words(*(str(state) for state in DocumentState)),
        start=WHOLE,
        end=WHOLE,
        held_at=MOMENT,
        findings=many(named("HeldFinding")),
        reason=maybe(TEXT),
        who=maybe(TEXT),
    ),
    "HeldDocuments": page(named("HeldDocument"), "Documents that wait for someone, in the order of their ids."),
    "HeldGroup": thing(
        "What is held for one reason: so many documents in so many deliveries. example is one of the documents. A file "
        "as a whole, in which no document could be read, counts as one here, and as none in its delivery.",
        code=TEXT,
        integration=maybe(TEXT),
        value=maybe(TEXT),
        documents=WHOLE,
        deliveries=WHOLE,
        message=TEXT,
        remedy=TEXT,
        example=TEXT,
    ),
    "HeldGroups": page(named("HeldGroup"), "What is held, by code, integration and value; the largest group first."),
    "RetriedTogether": thing(
        "A delivery of which all held documents are judged again as one, because it was held as a whole: code is the "
        "finding that says why; null where its integration judges whole files, and nothing of it was taken.",
        delivery=TEXT,
        name=TEXT,
        documents=WHOLE,
        code=maybe(TEXT),
    ),
    "Retried": thing(
        "How many documents a worker will judge again; together, where there are some, are the deliveries of which "
        f"that is all, the first {held.TOGETHER_TOLD_MAX} of them.",
        optional=("together",),
        documents=WHOLE,
        together=many(named("RetriedTogether")),
    ),
}


INTEGRATION = Name("integration")
CODE = Text("the code of a finding, as in contract.pattern")
VALUE = Text("the value that a finding quotes")
DELIVERY = DeliveryId()


class QuarantineQuery(Parameters):
    """``?integration=&code=&value=&delivery=&limit=&cursor=``."""

    integration, code, value, delivery = INTEGRATION, CODE, VALUE, DELIVERY
    limit = LIMIT
    cursor = CURSOR


class GroupsQuery(Parameters):
    """``?integration=&code=&limit=``."""

    integration, code = INTEGRATION, CODE
    limit = LIMIT


class DiscardBody(Parameters):
    """``{"reason": "…"}``."""

    reason = Reason("why the document is given up")


class ChangeBody(Parameters):
    """``{"start": 97, "end": 101, "text": "open"}``."""

    start = fields.Integer(required=True, strict=True, metadata={"description": "the first byte to replace"})
    end = fields.Integer(required=True, strict=True, metadata={"description": "the byte behind the last"})
    text = fields.String(required=True, metadata={"description": "what shall stand there"})


class CorrectBody(Parameters):
    """``{"patch": [{"start": 97, "end": 101, "text": "open"}], "reason": "…"}``, or ``content``."""

    patch = fields.List(
        fields.Nested(ChangeBody),
        validate=validate.Length(1, 1000, error="not 1 to 1000 changes"),
        metadata={"description": "changes of bytes of the delivery's content, as findings tell them"},
    )
    content = fields.String(metadata={"description": "the whole document, as text"})
    base64 = fields.String(metadata={"description": "the whole document, as bytes in base64"})
    reason = Reason("why it is corrected")

    @validates_schema
    def said_once(self, data: dict[str, Any], **_: Any) -> None:
        """One of the three ways."""
        if sum(name in data for name in ("patch", "content", "base64")) != 1:
            raise ValidationError("the body says the correction not once: patch, content or base64, one of them")


class RetryGroupBody(Parameters):
    """``{"integration": "…", "code": "…", "value": "…", "delivery": "…"}``, at least one of them, or ``all``."""

    integration, code, value, delivery = INTEGRATION, CODE, VALUE, DELIVERY
    everything = Truth("true for everything that is held", data_key="all")

    @validates_schema
    def named_something(self, data: dict[str, Any], **_: Any) -> None:
        """An empty body must not retry everything by mistake."""
        if not data or data == {"everything": False}:
            raise ValidationError("the body names no group: integration, code, value, delivery, at least one, or all")


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
            "list_quarantine_groups",
            "GET",
            f"{path}/groups",
            "quarantine",
            "What is held, by code, integration and value",
            groups_list,
            scope=SCOPE_READ,
            query=GroupsQuery,
            answers={200: "HeldGroups"},
        ),
        Operation(
            "get_held_document",
            "GET",
            f"{path}/{{id}}",
            "quarantine",
            "One document that is or was held, by its id or an unambiguous beginning of it, with its findings",
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
            "correct_document",
            "POST",
            f"{path}/{{id}}/correct",
            "quarantine",
            "Correct one document, beside its raw bytes, and have it judged again",
            correct,
            scope=SCOPE_WRITE,
            body=CorrectBody,
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
            "Have all held documents of an integration, a finding's code and value or a delivery judged again",
            retry_group,
            scope=SCOPE_WRITE,
            body=RetryGroupBody,
            answers={202: "Retried"},
        ),
    )


def document_said(call: Call, document: HeldDocument, seen: masks.Findings | None = None) -> dict[str, Any]:
    """A held document as it is shown, each finding with what judged it; `seen` of several tells once what is read."""
    findings = seen or masks.Findings(call)
    said = asdict(replace(document, findings=findings.shown(document.findings, document)))
    if seen is None:
        findings.tell()
    revision, _ = said.pop("revision"), said.pop("origin")
    routes = call.services.routes_of(revision) if revision is not None else None
    for each in said["findings"]:
        configuration, flow = routes.configuration if routes else None, document.integration
        judged = judged_by(configuration, flow, each["target"], each["code"], each["value"])
        each |= {"name": document.name, **asdict(judged)}
    return said


def quarantine_list(call: Call) -> Response:
    """``GET /api/v1/quarantine?integration=acme-orders&code=contract.pattern``."""
    asked = dict(call.parameters)
    _refuse_secret_value(call, asked)
    limit, cursor = asked.pop("limit"), asked.pop("cursor", None)
    identity = cursors.fingerprint("quarantine", sorted(asked.items()), *call.caller.view)
    secret, seen = call.services.cursor_secret, masks.Findings(call)
    after = cursors.read(secret, identity, cursor)[0] if cursor else None
    with call.services.database.read() as connection:
        found = quarantine.page(
            connection, after=after, limit=limit + 1, partners=call.caller.partners, **_group(asked)
        )
        shown = _decided(connection, found[:limit])
    more = cursors.write(secret, identity, (found[limit - 1].id,)) if len(found) > limit else None
    items = [said(document_said(call, each, seen)) for each in shown]
    seen.tell()
    return listed(items, cursor=more, as_of={"time": call.services.now()})


def groups_list(call: Call) -> Response:
    """``GET /api/v1/quarantine/groups?integration=acme-orders``: the first thing to look at in the morning."""
    seen = masks.Findings(call)
    secret = seen.secret()
    with call.services.database.read() as connection:
        found = groups.groups(connection, partners=call.caller.partners, secret=secret, **call.parameters)
    items = [said(asdict(seen.group(each))) for each in found]
    seen.tell()
    return listed(items, cursor=None, as_of={"time": call.services.now()})


def one_document(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/quarantine/doc_01j…``."""
    document = _known(call, id)
    with call.services.database.read() as connection:
        (document,) = _decided(connection, [document])
    return answered(document_said(call, document))


def retry_one(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/quarantine/doc_01j…/retry``: a worker judges it soon."""
    document = _known(call, id)
    marked = held.retry(call.services.database, [document.id], who=call.caller.name, accepts=_accepts(call))
    if not marked.documents:
        raise held.not_held(document)
    return _retried(marked, document)


def correct(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/quarantine/doc_01j…/correct {"patch": [{"start": 97, "end": 101, "text": "open"}], …}``."""
    document, services = _known(call, id), call.services
    _refuse_unseen(call, document)
    held.refuse_uncorrectable(document)
    text = _corrected(call, document)
    who, reason = call.caller.name, call.body["reason"]
    marked = held.correct(
        services.database, services.vault, document, text, who=who, reason=reason, accepts=_accepts(call)
    )
    return _retried(marked, document)


def discard(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/quarantine/doc_01j…/discard {"reason": "…"}``."""
    document = _known(call, id)
    held.discard(call.services.database, document, who=call.caller.name, reason=call.body["reason"])
    return answered(document_said(call, _known(call, document.id)))


def retry_group(call: Call) -> Response:
    """``POST /api/v1/quarantine/retry {"integration": "acme-orders", "code": "contract.pattern"}``."""
    asked = {name: value for name, value in call.body.items() if name != "everything"}
    _refuse_secret_value(call, asked)
    asked |= {"partners": call.caller.partners} if call.caller.partners is not None else {}
    _refuse_strange_code(call, asked)
    accepts = _accepts(call)
    return _retried(held.retry_group(call.services.database, who=call.caller.name, accepts=accepts, **_group(asked)))


def _accepts(call: Call) -> dict[str, Accept]:
    return held.policies(call.services.configuration())


def _decided(connection: Connection, documents: list[HeldDocument]) -> list[HeldDocument]:
    """The documents with who decided about them last, and why, where their own rows do not say it."""
    made: dict[str, dict[int, Decision]] = {}
    for name in {each.delivery for each in documents if each.who is None}:
        delivery = deliveries.get(connection, name)
        assert delivery is not None, name
        made[name] = decisions.of_delivery(connection, delivery.number)
    shown = []
    for each in documents:
        last = made[each.delivery].get(each.origin + each.number) if each.who is None else None
        shown.append(replace(each, who=last.who, reason=last.reason) if last is not None else each)
    return shown


def _retried(marked: Marked, document: HeldDocument | None = None) -> Response:
    """What is judged again, and where the end of it can be seen."""
    body: dict[str, Any] = {"documents": marked.documents}
    if marked.together:
        body["together"] = [asdict(each) for each in marked.together]
    if document is None:
        return answered(body, 202)
    place = f"deliveries/{document.delivery}" if marked.together else f"quarantine/{document.id}"
    return answered(body, 202, {"Location": f"/api/v1/{place}"})


def _corrected(call: Call, document: HeldDocument) -> bytes:
    """The bytes that shall stand in the document's place."""
    body, services = call.body, call.services
    if "base64" in body:
        try:
            return base64.b64decode(body["base64"], validate=True)
        except ValueError as error:  # of other characters than those of ASCII, too
            detail, remedy = f"base64: {error}", "Send the bytes in base64 (RFC 4648, 4)."
            flaws = (Flaw("invalid_body", detail, remedy, pointer="/base64"),)
            raise Problem("invalid_body", detail, remedy, errors=flaws) from error
    encoding = held.encoding_of(services.routes_of(document.revision or ""), document)
    if "content" in body:
        return _encoded(body["content"], encoding)
    before, _ = held.as_it_stands(services.database, services.vault, document)
    changes = [Change(each["start"], each["end"], _encoded(each["text"], encoding)) for each in body["patch"]]
    return held.changed(before, document, changes)


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise Problem(
            "invalid_body",
            f"{text[error.start : error.end][:20]!r} cannot be written in {encoding}, in which the file is",
            "Write it otherwise, or send the bytes in base64.",
        ) from error


def _group(asked: dict[str, Any]) -> dict[str, Any]:
    """The conditions in the store's words."""
    return {("delivery_id" if name == "delivery" else name): value for name, value in asked.items()}


def _refuse_unseen(call: Call, document: HeldDocument) -> None:
    """Refuse to change bytes that the caller may not see: he could move a value to where it is shown."""
    with call.services.database.read() as connection:
        delivery = deliveries.get(connection, document.delivery)
    assert delivery is not None, document.delivery
    masks.needs_personal(call.caller, masks.within(call.services.configuration(), delivery), "a correction")


def _refuse_secret_value(call: Call, asked: dict[str, Any]) -> None:
    """Refuse to look for a value that may be personal data: the answer would tell it."""
    if "value" in asked:
        collections = masks.of_integration(call.services.configuration(), asked.get("integration"))
        masks.needs_personal(call.caller, collections, "a value that a finding quotes")


def _refuse_strange_code(call: Call, asked: dict[str, Any]) -> None:
    """Refuse a code that nothing held has: it is misspelt, and nothing would be judged again without a word."""
    if "code" not in asked:
        return
    code, partners = asked["code"], call.caller.partners
    with call.services.database.read() as connection:
        if quarantine.page(connection, limit=1, code=code, partners=partners):
            return
        codes = {each.code for each in groups.groups(connection, limit=LIMIT_MAX, partners=partners)}
    detail = f"nothing that is held has a finding of the code {code[:100]!r}"
    raise Problem("not_held", detail, nearest(code, codes) or "/api/v1/quarantine/groups lists what is held.")


def _known(call: Call, id: str) -> HeldDocument:  # noqa: A002 - as above
    try:
        with call.services.database.read() as connection:
            document = quarantine.get(connection, id, partners=call.caller.partners)
    except LookupError as error:
        raise Problem("ambiguous_id", str(error)) from error
    if document is None:
        raise Problem("unknown_document", f"there is no held document {id[:100]!r}")
    return document
