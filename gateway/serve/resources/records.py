"""Records: a collection's list, one record, its history.

The JSON was made ready when the document was accepted; here it is found, joined and sent.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.repair.differences import changed
from gateway.serve import cursors, exports, plans
from gateway.serve.answers import JSON, SYSTEM, as_of, keys_of, listed, not_modified, path_of, said, spelled, tagged
from gateway.serve.masks import on_record
from gateway.serve.operations import Operation
from gateway.serve.problems import Flaw, Problem, nearest, refuse
from gateway.store import changes, records
from gateway.store.pages import Filter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.serve.masks import View
    from gateway.serve.operations import Call
    from gateway.serve.plans import ListPlan, Plan, Seen
    from gateway.store.records import Point, StoredRecord, StoredVersion


def operations() -> tuple[Operation, ...]:
    """The operations of every collection; the OpenAPI document has them once for each."""
    return (
        Operation(
            "list_records",
            "GET",
            "/api/v1/{collection}",
            "records",
            "List the records, filtered and sorted; as NDJSON or CSV, all of them at once",
            records_list,
            free_query=True,
            answers={200: "records"},
            media=plans.LIST_MEDIA,
            varies=True,
        ),
        Operation(
            "get_record",
            "GET",
            "/api/v1/{collection}/{key}",
            "records",
            "One record",
            one_record,
            free_query=True,
            answers={200: "record"},
        ),
        Operation(
            "get_record_history",
            "GET",
            "/api/v1/{collection}/{key}/history",
            "records",
            "The versions of a record, newest first",
            record_history,
            free_query=True,
            answers={200: "history"},
        ),
    )


def records_list(call: Call, collection: str) -> Response:
    """``GET /api/v1/orders?status=open&total__gte=100&sort=-ordered_on&fields=number,total``."""
    secret, query = call.services.cursor_secret, pairs()
    of = plans.seen(call.services.configuration(), call.caller, collection, query)
    planned = plans.for_list(of, query, secret)
    _refuse_strange(call, of, planned)
    plan, form = planned.plan, request.accept_mimetypes.best_match(plans.LIST_MEDIA, JSON)
    if form != JSON:
        theirs = replace(call.shared, exports=call.shared.exports.of(call.caller.bucket))
        call = replace(call, shared=theirs)
        return exports.exported(call, planned, form, lambda connection: _then(call, connection, plan), _cut)
    with call.services.database.read() as connection:
        at = point_of(call, connection, plan.contract, plan.asked.as_of)
        etag = planned.etag(at.change)
        unchanged = not_modified(etag)
        if unchanged is not None:
            unchanged.headers.extend(plans.unlinked(plan.headers))
            return unchanged
        then = at if plan.asked.as_of is not None else None
        page = records.page(connection, planned.query, then)
        count = records.count(connection, planned.query, then) if plan.asked.count else None
    on_record(call, plan.view, len(page.items), fields=plan.asked.fields)
    answer = listed(
        page.items if plan.whole else [_cut(item, plan) for item in page.items],
        cursor=cursors.write(secret, planned.identity, page.last) if page.last is not None else None,
        as_of=as_of(at.change, at.at),
        count=count,
    )
    linked(answer, plan)
    return tagged(answer, etag)


def _refuse_strange(call: Call, of: Seen, planned: ListPlan) -> None:
    """Refuse codes that the field's table does not have, nor ever had, and no record that the caller may see has.

    Raises:
        Problem: ``bad_value``.
    """
    strange = plans.strange(of, planned.plan.asked)
    if not strange:
        return
    flaws = []
    with call.services.database.read() as connection:
        then = _then(call, connection, planned.plan)
        for each, code in strange:
            about = of.fields[each.field]
            alone = replace(planned.query, filters=(Filter(each.field, "eq", code),), sort=(), after=None)
            if call.shared.past.had_code(connection, about.table or "", code) or records.count(connection, alone, then):
                continue
            name = each.field if each.op == "eq" else f"{each.field}__{each.op}"
            detail = f"{each.field} has no code {code[:100]!r}"
            flaws.append(Flaw("bad_value", detail, nearest(code, about.codes or ()), parameter=name))
    refuse(flaws)


def one_record(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711?as_of=2026-11-01T00:00:00Z``: the record as stored, now or then."""
    plan = plans.for_record(call.services.configuration(), call.caller, collection, pairs())
    with call.services.database.read() as connection:
        then = _then(call, connection, plan)
        stored = found(connection, plan.view, collection, key, then)
    etag = plans.record_tag(plan, stored.seq)
    answer = not_modified(etag)
    if answer is None:
        on_record(call, plan.view, 1, fields=plan.asked.fields)
        answer = Response(stored.json if plan.whole else _cut(stored.json, plan), 200, mimetype=JSON)
    linked(answer, plan)
    if then is not None:  # a record's body is the record alone
        time = f" {then.at.isoformat().replace('+00:00', 'Z')}" if then.at is not None else ""
        answer.headers["Gateway-As-Of"] = f"{then.change}{time}"
    return tagged(answer, etag)


def record_history(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711/history?limit=10``: also of a record that is gone."""
    return of_record(call, collection, key, "history", _history)


def of_record(
    call: Call, collection: str, key: str, what: str, answer: Callable[[Call, str, str], Response]
) -> Response:
    """What `answer` tells of a record. Where there is none, one may be meant whose own key ends like this path."""
    try:
        return answer(call, collection, key)
    except Problem as problem:
        if problem.code not in ("unknown_record", "unknown_parameter"):
            raise
        try:
            return one_record(call, collection, f"{key}/{what}")
        except Problem:
            raise problem from None


def _history(call: Call, collection: str, key: str) -> Response:
    parameters = ("version", "limit", "cursor")
    plan = plans.for_record(call.services.configuration(), call.caller, collection, pairs(), parameters)
    contract, view, secret = plan.contract, plan.view, call.services.cursor_secret
    limit, cursor = plan.asked.limit, plan.asked.cursor
    with call.services.database.read() as connection:
        at = records.point(connection, contract)
        known = _known(connection, view, collection, key)
        identity = cursors.fingerprint("history", contract.id, known, *view.parts)
        below = cursors.read(secret, identity, cursor)[0] if cursor else None
        partners = view.partners
        versions = records.history(connection, contract, known, partners=partners, below=below, limit=limit + 1)
    # Old versions are purged in place, which is no change of the record.
    told = [hashlib.sha256(each.json).hexdigest() if each.json is not None else each.purged for each in versions]
    etag = f"{versions[0].seq if versions else 0}-{at.change}-{cursors.fingerprint(told, limit, *view.parts)}"
    unchanged = not_modified(etag)
    if unchanged is not None:
        unchanged.headers.extend(plans.unlinked(plan.headers))
        return unchanged
    on_record(call, view, sum(each.json is not None for each in versions[:limit]))
    versions = [each if each.json is None else replace(each, json=view.shown(each.json)) for each in versions]
    bodies = [json.loads(each.json) if each.json is not None else None for each in versions]
    answer = listed(
        [
            said(
                {
                    "_version": each.version,
                    "_seq": each.seq,
                    "at": each.at,
                    "delivery": each.delivery,
                    "changed": changed(bodies[place + 1], bodies[place]) if place + 1 < len(bodies) else None,
                    "purged": each.purged,
                }
            )[:-1]
            + b',"record":'
            + (each.json or b"null")
            + b"}"
            for place, each in enumerate(versions[:limit])  # one more is what the last of them is held against
        ],
        cursor=cursors.write(secret, identity, (versions[limit - 1].version,)) if len(versions) > limit else None,
        as_of=as_of(at.change, at.at),
    )
    linked(answer, plan)
    return tagged(answer, etag)


def pairs() -> list[tuple[str, str]]:
    """The parameters of this request's query."""
    return list(request.args.items(multi=True))


def point_of(call: Call, connection: Connection, contract: Contract, asked: int | datetime | None) -> Point:
    """The moment that is asked for; None: now.

    Raises:
        Problem: ``as_of_ahead``: what is told now would not be true then; ``as_of_purged``.
    """
    if isinstance(asked, int) and asked > (newest := changes.newest(connection)[0]):
        raise _ahead(f"change {asked} is not there yet: the newest is {newest}", f"as_of={newest}", newest=newest)
    if not isinstance(asked, int) and asked is not None and asked > (now := call.services.database.clock()):
        told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        raise _ahead(f"as_of lies ahead of the gateway's clock, which says {told}", f"as_of={told}", now=told)
    at = records.point(connection, contract, asked=asked)
    if not at.whole:
        kept = f" are kept {contract.keep} after they were replaced, and" if contract.keep else ""
        raise Problem("as_of_purged", f"versions of {contract.id}{kept} were purged that stood at change {at.change}")
    return at


def _ahead(detail: str, last: str, **more: Any) -> Problem:
    remedy = f"Leave as_of out to read what stands now, or ask with {last}."
    flaws = (Flaw("as_of_ahead", detail, remedy, parameter="as_of"),)
    return Problem("as_of_ahead", detail, remedy, errors=flaws, more=more)


def _then(call: Call, connection: Connection, plan: Plan) -> Point | None:
    """The moment of the past that is asked for, if one is."""
    return point_of(call, connection, plan.contract, plan.asked.as_of) if plan.asked.as_of is not None else None


def _known(connection: Connection, view: View, collection: str, key: str) -> str:
    """The key of the record that the path means, which may be gone; there is at least one version of it.

    Raises:
        Problem: as :func:`found`.
    """
    contract = view.contract
    for candidates in _meant(contract, key):
        every = {each: _newest(connection, view, each) for each in candidates}
        for each, version in every.items():
            if version is not None and version.json is None:
                return each
        if any(every.values()):
            break
    return found(connection, view, collection, key).key


def _newest(connection: Connection, view: View, key: str) -> StoredVersion | None:
    """The newest version of a record that the caller may see."""
    versions = records.history(connection, view.contract, key, partners=view.partners, limit=1)
    return versions[0] if versions else None


def found(connection: Connection, view: View, collection: str, key: str, at: Point | None = None) -> StoredRecord:
    """The record that the path means, now or then, of those that the caller may see.

    Raises:
        Problem: ``unknown_record``, ``record_purged``, or ``ambiguous_key`` where two records fit.
    """
    contract, partners = view.contract, view.partners
    known: list[StoredRecord] = []
    for candidates in _meant(contract, key):
        stored = (records.get(connection, contract, each, at, partners=partners) for each in candidates)
        known = known or [each for each in stored if each is not None]
    if not known and at is None:
        for each in chain(*_meant(contract, key)):
            newest = _newest(connection, view, each)
            if newest is not None and newest.json is None:
                raise _gone(contract, each, newest)
    if not known:
        form = "~".join([*(["partner"] if contract.per_partner else []), *contract.key])
        raise Problem(
            "unknown_record",
            f"{collection} has no record {key[:200]!r}" + (" at that time" if at is not None else ""),
            f"Keys of {collection} are of the form {form}.",
        )
    if len(known) > 1:
        raise Problem("ambiguous_key", f"{key[:200]!r} can mean {', '.join(each.key for each in known)}")
    return known[0]


def _gone(contract: Contract, key: str, newest: StoredVersion) -> Problem:
    """Why a record stands no more that the caller could see when it did."""
    when = f"{newest.at:%Y-%m-%d}"
    if newest.purged:
        kept = f" by keep: {contract.keep} of {contract.name} v{contract.version}" if contract.keep else ""
        return Problem("record_purged", f"the record {key} was purged on {when}{kept}")
    return Problem(
        "unknown_record",
        f"{contract.collection} has no record {key[:200]!r} any more: it is gone since {when}",
        f"{path_of(f'/api/v1/{contract.collection}')}/{key}/history tells what it was.",  # keys are quoted already
    )


def _meant(contract: Contract, key: str) -> tuple[list[str], list[str]]:
    """The keys that a path may mean, and the one that it means where there is none of them."""
    parts = len(contract.key) + contract.per_partner
    return keys_of(key, parts), spelled(key, parts)


def _cut(item: bytes, plan: Plan) -> bytes:
    """The chosen members of a record, and the system's; in the contract's order, as the caller may see them."""
    fields = plan.asked.fields
    if plan.view.mask is not None:
        return plan.view.mask.record(item, fields)
    assert fields is not None
    kept = {name: value for name, value in json.loads(item).items() if name in fields or name in SYSTEM}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def linked(answer: Response, plan: Plan) -> None:
    """Tell what every answer about the contract says of it."""
    answer.headers.extend(plan.headers)
