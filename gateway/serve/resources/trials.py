"""Trials: what would come out, without any record being touched. Workers judge; this asks them and tells."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO

from flask import Response  # noqa: TC002
from marshmallow import fields, validate

from gateway.errors import Reject
from gateway.receive.trials import BYTES_MAX, Asking, forget_surplus, is_for
from gateway.serve import cursors, idempotency, masks
from gateway.serve.answers import answered, listed, said
from gateway.serve.bodies import IN_MEMORY
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import CURSOR, LIMIT, Name, Text
from gateway.serve.problems import Problem
from gateway.serve.resources.uploads import (
    UploadQuery,
    announced_digests,
    file_name_of,
    receive,
    waited_for,
)
from gateway.serve.shapes import MOMENT, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import deliveries, trials
from gateway.store.trials import Trial

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.serve.operations import Call
    from gateway.store.trials import Shown

_ANYTHING: Shape = {"type": "object", "additionalProperties": True}

STATES = (trials.WAITING, trials.DONE, trials.FAILED)

_HEAD: dict[str, Any] = {
    "id": TEXT,
    "lane": words(trials.DROP, trials.PAGE, trials.API, trials.REPLAY),
    "partner": maybe(TEXT),
    "name": TEXT,
    "size": WHOLE,
    "delivery": maybe(TEXT),
    "state": words(*STATES),
    "asked_at": MOMENT,
    "finished_at": maybe(MOMENT),
    "problem": maybe(TEXT),
}

SHAPES: dict[str, Shape] = {
    "TriedFile": thing(
        "What would come out of a file: the state of its delivery, how many documents would end in which, the first "
        "records and findings (more says where there are others), and what its sender would be answered. The quote of "
        "a finding is its bytes, with what stands before and after them in their line.",
        state=TEXT,
        integration=maybe(TEXT),
        revision=TEXT,
        documents={"type": "object", "additionalProperties": WHOLE},
        records=many(thing("A record that would be there.", contract=TEXT, record=_ANYTHING)),
        findings=many(_ANYTHING),
        more=thing("Whether there are more.", records={"type": "boolean"}, findings={"type": "boolean"}),
        answers=many(thing("A file to its sender.", name=TEXT, kind=TEXT, disposition=TEXT, text=TEXT)),
        letter={"type": "object", "additionalProperties": TEXT, "description": "The letter: text, html, csv."},
        unit=thing("What the documents are called there: row, rows.", one=TEXT, many=TEXT),
    ),
    "TriedReplay": {
        **_ANYTHING,
        "description": "What would differ if a delivery were judged again, as gateway plan -o json tells it.",
    },
    "TrialHead": thing("A trial without what came out of it.", **_HEAD),
    "Trials": page(named("TrialHead"), "What was tried, the newest first."),
    "Trial": thing(
        "A trial; file is there when a file was tried, plan when a replay was, problem when it failed.",
        **_HEAD,
        file=maybe(named("TriedFile")),
        plan=maybe(named("TriedReplay")),
    ),
}


class TrialQuery(UploadQuery):
    """``?filename=&integration=``."""

    integration = Text("the integration that is meant, where several take files of the partner")


class TrialsQuery(Parameters):
    """``?partner=&state=&limit=&cursor=``."""

    partner = Name("partner")
    state = fields.String(
        validate=validate.OneOf(STATES, error="no state of a trial"),
        metadata={"description": "waiting, done or failed"},
    )
    limit = LIMIT
    cursor = CURSOR


def operations() -> tuple[Operation, ...]:
    """The operations about trials."""
    return (
        Operation(
            "try_file",
            "POST",
            "/api/v1/partners/{name}/trials",
            "trials",
            "Try a file: the body is the file. Prefer: wait=10 answers with what would come out of it",
            try_file,
            scope="deliveries:write",
            query=TrialQuery,
            answers={200: "Trial", 202: "Trial"},
        ),
        Operation(
            "list_trials",
            "GET",
            "/api/v1/trials",
            "trials",
            "What was tried, the newest first",
            trials_list,
            scope="deliveries:read",
            query=TrialsQuery,
            answers={200: "Trials"},
        ),
        Operation(
            "get_trial",
            "GET",
            "/api/v1/trials/{id}",
            "trials",
            "What came out of a trial",
            one_trial,
            scope="deliveries:read",
            answers={200: "Trial"},
        ),
    )


def try_file(call: Call, name: str) -> Response:
    """``POST /api/v1/partners/acme/trials?filename=po.edi`` with the file as the body; nothing becomes a record."""
    allowed = call.caller.partners is None or name in call.caller.partners
    if not allowed or name not in call.services.configuration().partners:
        raise Problem("unknown_partner", f"there is no partner {name[:100]!r}")
    _shown_to(call, name)
    file_name, announced = file_name_of(call), announced_digests()
    spool_folder = None if call.services.spool is None else str(call.services.spool)
    with tempfile.SpooledTemporaryFile(IN_MEMORY, dir=spool_folder) as spool:
        digest = receive(call.shared, spool, BYTES_MAX, announced)
        size = spool.tell()
        spool.seek(0)
        return idempotency.once(
            call,
            fingerprint=cursors.fingerprint(digest, file_name),
            work=lambda: _asked(call, name, file_name, spool, size),  # type: ignore[arg-type] # it is a binary file
            trial=told_again,
        )


def _asked(call: Call, partner: str, name: str, file: BinaryIO, size: int) -> Response:
    asking = Asking(call.services.receiver)
    integration = call.parameters.get("integration")
    try:
        trial = asking.ask(partner, name, file, lane=trials.API, size=size, integration=integration)
    except Reject as refused:
        raise Problem("not_tried", str(refused)) from refused
    return _answered(call, trial)


def replay(call: Call, delivery: Delivery, how: str) -> Response:
    """What would differ if a delivery were judged again; a worker finds that out."""
    masks.needs_personal(call.caller, masks.within(call.services.configuration(), delivery), "what would differ")
    this = Trial(
        id=call.services.new_id("t"),
        lane=trials.REPLAY,
        partner=delivery.partner,
        source=delivery.source,
        name=delivery.name,
        sha256=None,
        size=delivery.size,
        delivery=delivery.id,
        how=how,
    )
    try:
        with call.services.database.write() as transaction:
            trials.ask(transaction, this)
    except Reject as refused:
        raise Problem("not_tried", refused.message, refused.remedy) from refused
    forget_surplus(call.services.database, delivery.partner)
    return _answered(call, this.id)


def trials_list(call: Call) -> Response:
    """``GET /api/v1/trials?partner=acme``: without what came out."""
    asked = dict(call.parameters)
    limit, cursor = asked.pop("limit"), asked.pop("cursor", None)
    secret, identity = (
        call.services.cursor_secret,
        cursors.fingerprint("trials", sorted(asked.items()), *call.caller.view),
    )
    before = cursors.read(secret, identity, cursor)[0] if cursor else None
    with call.services.database.read() as connection:
        found = trials.page(connection, before=before, limit=limit + 1, partners=call.caller.partners, **asked)
    more = cursors.write(secret, identity, (found[limit - 1].trial.id,)) if len(found) > limit else None
    return listed([said(_head(each)) for each in found[:limit]], cursor=more, as_of={"time": call.services.now()})


def one_trial(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/trials/t_01j…``."""
    with call.services.database.read() as connection:
        shown = trials.get(connection, id)
    allowed = call.caller.partners
    if shown is None or (allowed is not None and shown.trial.partner not in allowed):
        raise Problem("unknown_trial", f"there is no trial {id[:100]!r}")
    return answered(_said(call, shown))


def told_again(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """A trial that was asked for before with the same Idempotency-Key, as far as it is now."""
    with call.services.database.read() as connection:
        if trials.get(connection, id) is None:
            raise Problem("unknown_trial", f"the trial {id} that this Idempotency-Key asked for is not kept any more")
    return _answered(call, id)


def _answered(call: Call, id: str) -> Response:  # noqa: A002 - as above
    def look(connection: Connection) -> Shown | None:
        shown = trials.get(connection, id)
        return shown if shown is not None and shown.state != trials.WAITING else None

    ended, applied = waited_for(call, look)
    headers = {"Location": f"/api/v1/trials/{id}"} | applied
    if ended is not None:
        return answered(_said(call, ended), 200, headers)
    with call.services.database.read() as connection:
        waiting = trials.get(connection, id)
    assert waiting is not None
    return answered(_said(call, waiting), 202, headers)


def _said(call: Call, shown: Shown) -> dict[str, Any]:
    """A trial as it is shown; that personal data may be in it is on record."""
    trial = shown.trial
    if shown.result is not None:
        for each in _in_result(call, shown):
            masks.told(call, each, 1, trial=trial.id)
    return _head(shown) | {
        "file": shown.result if trial.how is None else None,
        "plan": shown.result if trial.how is not None else None,
    }


def _head(shown: Shown) -> dict[str, Any]:
    trial = shown.trial
    return {
        "id": trial.id,
        "lane": trial.lane,
        "partner": trial.partner,
        "name": trial.name,
        "size": trial.size,
        "delivery": trial.delivery,
        "state": shown.state,
        "asked_at": shown.asked_at,
        "finished_at": shown.finished_at,
        "problem": shown.problem,
    }


def _shown_to(call: Call, partner: str) -> None:
    """Refuse who may not see the personal data that a partner's files may hold.

    Raises:
        Problem: ``scope_missing``: nothing of it can be masked.
    """
    configuration = call.services.configuration()
    masks.needs_personal(call.caller, masks.marked(configuration, _for(configuration, partner)), "a trial")


def _in_result(call: Call, shown: Shown) -> list[str]:
    """The collections of personal data that may be in what came of a trial, whatever is set up for its partner by now.

    Raises:
        Problem: as above.
    """
    configuration, trial, result = call.services.configuration(), shown.trial, shown.result or {}
    if trial.how is not None:
        with call.services.database.read() as connection:
            delivery = deliveries.get(connection, trial.delivery or "")
        personal = (
            masks.of_integration(configuration, None) if delivery is None else masks.within(configuration, delivery)
        )
    else:
        took = configuration.integrations.get(result.get("integration") or "")
        theirs = [*_for(configuration, trial.partner), *([took] if took is not None else [])]
        personal = masks.marked(configuration, theirs or configuration.integrations.values())
    masks.needs_personal(call.caller, personal, "a trial")
    return personal


def _for(configuration: Configuration, partner: str | None) -> list[Integration]:
    """The integrations that take files of a partner; of nobody's files, all."""
    return [each for each in configuration.integrations.values() if partner is None or is_for(each, partner)]
