"""Evidence: why a record has its values; the rule, the revision, the very bytes, the file and who sent it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Response  # noqa: TC002

from gateway.repair.differences import leaves
from gateway.repair.evidence import Explainer
from gateway.serve import plans
from gateway.serve.answers import answered
from gateway.serve.masks import MASKED, evidence_masked, on_record
from gateway.serve.operations import Operation
from gateway.serve.problems import Flaw, Problem, nearest
from gateway.serve.resources.records import found, linked, of_record, pairs, point_of
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, many, maybe, named, thing, words

if TYPE_CHECKING:
    from gateway.repair.evidence import Evidence, FieldEvidence, Original, Spot
    from gateway.serve.operations import Call

FILE, CORRECTION = "file", "correction"
"""What the places of a value are counted in."""
_OF_CORRECTION = ("who", "at", "reason", "sha256", "size")
_ANY: Shape = {"description": "the value as the record has it"}

SHAPES: dict[str, Shape] = {
    "EvidenceOriginal": thing(
        "What the raw file holds in the place of a corrected value: bytes start to end of it, which are base64 in "
        "bytes and as text beside.",
        start=WHOLE,
        end=WHOLE,
        line=WHOLE,
        bytes=TEXT,
        text=TEXT,
    ),
    "EvidenceSource": thing(
        "Where a source of a value stands: bytes start to end of the delivery's content, which are base64 in bytes and "
        "as text beside; nulls where the path has no value there. within says what start, end and line are counted in: "
        "file, or, of a corrected document, correction; then original is what the raw file holds at the same path, or "
        "null where that is not found in it.",
        path=TEXT,
        within=words(FILE, CORRECTION),
        start=maybe(WHOLE),
        end=maybe(WHOLE),
        line=maybe(WHOLE),
        segment=maybe(WHOLE),
        tag=maybe(TEXT),
        element=maybe(WHOLE),
        component=maybe(WHOLE),
        column=maybe(TEXT),
        bytes=TEXT,
        text=TEXT,
        original=maybe(named("EvidenceOriginal")),
    ),
    "EarlierValue": thing(
        "A value that the field had before, the change that brought it, and the file and who sent it.",
        version=WHOLE,
        change=WHOLE,
        value=_ANY,
        delivery=TEXT,
        name=TEXT,
        sender=TEXT,
    ),
    "FieldEvidence": thing(
        "One value. rule is the expression of the mapping and place its file, line and column; null where no rule "
        "fills the field. given is constant or default where the mapping gives the value itself, a default because "
        "none of the sources has one; null where it comes from the bytes.",
        field=TEXT,
        value=_ANY,
        rule=maybe(TEXT),
        place=maybe(TEXT),
        functions=many(TEXT),
        tables=many(TEXT),
        sources=many(named("EvidenceSource")),
        earlier=many(named("EarlierValue")),
        given=maybe(words("constant", "default")),
    ),
    "Correction": thing(
        "Who corrected the document, when and why: its values come from the correction, which has size bytes and that "
        "hash, and not from the raw file.",
        who=TEXT,
        at=MOMENT,
        reason=TEXT,
        sha256=TEXT,
        size=WHOLE,
    ),
    "PutRight": thing(
        "A held document of an earlier file that this one put right, because it came in the sheet of a letter.",
        delivery=TEXT,
        name=TEXT,
        document=WHOLE,
        at=MOMENT,
    ),
    "Evidence": thing(
        "Where a version of a record comes from: document counts those of the file from 1, its bytes are start to "
        "end of the content as it came, also where a correction stands in their place. Of an archive, member is the "
        "name of the one in which all of this is counted.",
        optional=("_masked",),
        type=TEXT,
        _key=TEXT,
        _seq=WHOLE,
        _version=WHOLE,
        at=MOMENT,
        integration=maybe(TEXT),
        revision=maybe(TEXT),
        delivery=TEXT,
        name=TEXT,
        sha256=TEXT,
        size=WHOLE,
        source=TEXT,
        partner=maybe(TEXT),
        received_at=MOMENT,
        member=maybe(TEXT),
        document=WHOLE,
        start=WHOLE,
        end=WHOLE,
        correction=maybe(named("Correction")),
        put_right=many(named("PutRight")),
        purged=maybe(TEXT),
        fields=many(named("FieldEvidence")),
        _masked=many(TEXT),
    ),
}


def operations() -> tuple[Operation, ...]:
    """The one operation, of every collection."""
    return (
        Operation(
            "get_record_evidence",
            "GET",
            "/api/v1/{collection}/{key}/evidence",
            "records",
            "Why one record has its values",
            record_evidence,
            free_query=True,
            answers={200: "Evidence"},
        ),
    )


def record_evidence(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711/evidence?field=/total``."""
    return of_record(call, collection, key, "evidence", _evidence)


def _evidence(call: Call, collection: str, key: str) -> Response:
    parameters = ("field", "version", "as_of")
    plan = plans.for_record(call.services.configuration(), call.caller, collection, pairs(), parameters)
    contract, view, asked = plan.contract, plan.view, plan.asked
    with call.services.database.read() as connection:
        at = point_of(call, connection, contract, asked.as_of) if asked.as_of is not None else None
        stored = found(connection, view, collection, key, at)
    explainer = Explainer(call.services.database, call.services.vault, call.services.routes_of)
    pointer = pointer_of(asked.field or "")
    wanted = pointer if view.mask is None else ""  # what is masked in other fields' bytes is known from all of them
    evidence = explainer.explain(contract, stored.key, field=wanted, at=at, partners=view.partners)
    if evidence is not None and view.mask is not None:
        evidence = evidence_masked(evidence, view.mask, pointer)
    if evidence is None or not evidence.fields:
        if view.mask is not None and pointer and view.mask.hides(pointer):
            raise Problem("personal_field", f"{asked.field} of {collection} is personal data that the key may not see")
        names = [each for each, _ in leaves(stored.value()) if view.mask is None or not view.mask.hides(each)]
        detail, remedy = f"{stored.key} has no value at {asked.field!r}", nearest(pointer, names)
        flaws = (Flaw("bad_parameter", detail, remedy, parameter="field"),)
        raise Problem("bad_parameter", detail, remedy, errors=flaws)
    on_record(call, view, 1)
    masked = {} if view.mask is None else {MASKED: view.mask.names}
    answer = answered(evidence_said(evidence) | masked)
    linked(answer, plan)
    return answer


def pointer_of(field: str) -> str:
    """A field as a JSON pointer: ``ship_to.city`` and ``/ship_to/city`` mean the same."""
    return field if not field or field.startswith("/") else "/" + field.replace(".", "/")


def evidence_said(evidence: Evidence) -> dict[str, Any]:
    """Evidence as it is shown."""
    version, delivery, correction = evidence.version, evidence.delivery, evidence.correction
    return {
        "type": evidence.contract,
        "_key": evidence.key,
        "_seq": version.seq,
        "_version": version.version,
        "at": version.at,
        "integration": evidence.integration,
        "revision": evidence.revision,
        "delivery": delivery.id,
        "name": delivery.name,
        "sha256": delivery.sha256,
        "size": delivery.size,
        "source": delivery.source,
        "partner": delivery.partner,
        "received_at": delivery.received_at,
        "member": evidence.part.member,
        "document": version.document - evidence.part.origin,
        "start": evidence.span[0],
        "end": evidence.span[1],
        "correction": None if correction is None else {name: getattr(correction, name) for name in _OF_CORRECTION},
        "put_right": [asdict(each) for each in evidence.put_right],
        "purged": evidence.purged,
        "fields": [_field_said(each, FILE if correction is None else CORRECTION) for each in evidence.fields],
    }


def _field_said(field: FieldEvidence, within: str) -> dict[str, Any]:
    sources = [
        {"path": each.path, "within": within}
        | _bytes_said(each)
        | {"original": None if each.original is None else _bytes_said(each.original)}
        for each in field.sources
    ]
    return asdict(field) | {"sources": sources}


def _bytes_said(spot: Spot | Original) -> dict[str, Any]:
    """A place with its bytes under the name that they have in JSON."""
    said = asdict(spot)
    said["bytes"], text = said.pop("raw"), said.pop("text")
    return said | {"text": text}
