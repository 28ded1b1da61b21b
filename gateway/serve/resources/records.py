"""Records: a collection's list, one record, its history.

The JSON was made ready when the document was accepted; here it is found, joined and sent.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.repair.differences import changed
from gateway.serve import cursors, filters
from gateway.serve.answers import JSON, keys_of, listed, not_modified, path_of, said, tagged
from gateway.serve.catalogue import collections, contract_of
from gateway.serve.masks import on_record, view_of
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem
from gateway.store import records

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.serve.filters import Asked
    from gateway.serve.masks import View
    from gateway.serve.operations import Call
    from gateway.store.records import Point, StoredRecord, StoredVersion

SYSTEM = ("_key", "_seq", "_version")
_COMMON = ("version", "as_of")


def operations() -> tuple[Operation, ...]:
    """The operations of every collection; the OpenAPI document has them once for each."""
    return (
        Operation(
            "list_records",
            "GET",
            "/api/v1/{collection}",
            "records",
            "List the records, filtered and sorted",
            records_list,
            free_query=True,
            answers={200: "records"},
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
    contract, pairs = asked_contract(call, collection)
    view = view_of(call.caller, contract)
    fields = filters.queryable(contract, hidden=view.hidden)
    asked = filters.parse(pairs, collection, fields, parameters=(*filters.PARAMETERS, *_COMMON))
    identity = cursors.fingerprint(contract.id, *asked.identity(), *view.parts)
    after = cursors.read(call.services.cursor_secret, identity, asked.cursor) if asked.cursor else None
    wanted = cursors.fingerprint(identity, asked.cursor, asked.limit, asked.fields, asked.count)
    query = records.Query(
        contract,
        tuple(records.Filter(each.field, each.op, each.value) for each in asked.conditions),
        asked.sort,
        after,
        asked.limit,
        view.partners,
    )
    with call.services.database.read() as connection:
        at = point_of(connection, contract, asked.as_of)
        etag = f"{at.change}-{wanted}"
        unchanged = not_modified(etag)
        if unchanged is not None:
            return unchanged
        then = at if asked.as_of is not None else None
        page = records.page(connection, query, then)
        count = records.count(connection, query, then) if asked.count else None
    on_record(call, view, len(page.items), fields=asked.fields)
    answer = listed(
        page.items if asked.fields is None and view.mask is None else [_cut(i, asked, view) for i in page.items],
        cursor=cursors.write(call.services.cursor_secret, identity, page.last) if page.last is not None else None,
        as_of=_as_of(at),
        count=count,
    )
    describe(answer, contract, call, collection)
    return tagged(answer, etag)


def one_record(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711?as_of=2026-11-01T00:00:00Z``: the record as stored, now or then."""
    contract, pairs = asked_contract(call, collection)
    view = view_of(call.caller, contract)
    asked = filters.parse(pairs, collection, no_conditions(contract), parameters=("fields", *_COMMON))
    with call.services.database.read() as connection:
        then = point_of(connection, contract, asked.as_of) if asked.as_of is not None else None
        stored = found(connection, view, collection, key, then)
    shown = () if asked.fields is None else (asked.fields,)
    etag = f"{stored.seq}-{cursors.fingerprint(*shown, *view.parts)}" if shown or view.parts else str(stored.seq)
    answer = not_modified(etag)
    if answer is None:
        on_record(call, view, 1, fields=asked.fields)
        body = stored.json if asked.fields is None and view.mask is None else _cut(stored.json, asked, view)
        answer = Response(body, 200, mimetype=JSON)
    describe(answer, contract, call, collection)
    if then is not None:  # a record's body is the record alone
        time = f" {then.at.isoformat().replace('+00:00', 'Z')}" if then.at is not None else ""
        answer.headers["Gateway-As-Of"] = f"{then.change}{time}"
    return tagged(answer, etag)


def record_history(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711/history``: also of a record that is gone."""
    contract, pairs = asked_contract(call, collection)
    view = view_of(call.caller, contract)
    filters.parse(pairs, collection, no_conditions(contract), parameters=("version",))
    with call.services.database.read() as connection:
        at = records.point(connection, contract)
        versions = _versions(connection, view, collection, key)
    on_record(call, view, sum(each.json is not None for each in versions))
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
            for place, each in enumerate(versions)
        ],
        cursor=None,
        as_of=_as_of(at),
    )
    describe(answer, contract, call, collection)
    of_view = f"-{cursors.fingerprint(*view.parts)}" if view.parts else ""
    return tagged(answer, f"{versions[0].seq}-{at.change}{of_view}")


def asked_contract(call: Call, collection: str) -> tuple[Contract, list[tuple[str, str]]]:
    """The contract that the request is about, and its query."""
    pairs = list(request.args.items(multi=True))
    version = next((text for name, text in pairs if name == "version"), None)
    return contract_of(call.services.configuration(), call.caller, collection, version), pairs


def point_of(connection: Connection, contract: Contract, asked: int | datetime | None) -> Point:
    """The moment that is asked for; None: now.

    Raises:
        Problem: ``as_of_purged``.
    """
    at = records.point(connection, contract, asked=asked)
    if not at.whole:
        kept = f" are kept {contract.keep} after they were replaced, and" if contract.keep else ""
        raise Problem("as_of_purged", f"versions of {contract.id}{kept} were purged that stood at change {at.change}")
    return at


def no_conditions(contract: Contract) -> dict[str, filters.Queryable]:
    """The fields for `fields=` alone: a single record is not filtered."""
    return {
        name: filters.Queryable(name, field.type, filterable=False, sortable=False, value=field.value)
        for name, field in filters.queryable(contract).items()
    }


def _versions(connection: Connection, view: View, collection: str, key: str) -> list[StoredVersion]:
    """The versions of the record that the path means, newest first; there is at least one."""
    contract, partners = view.contract, view.partners
    for each in keys_of(key, len(contract.key) + contract.per_partner):
        versions = records.history(connection, contract, each, partners=partners)
        if versions and versions[0].json is None:
            return versions
    known = found(connection, view, collection, key).key
    return records.history(connection, contract, known, partners=partners)


def found(connection: Connection, view: View, collection: str, key: str, at: Point | None = None) -> StoredRecord:
    """The record that the path means, now or then, of those that the caller may see.

    Raises:
        Problem: ``unknown_record``, ``record_purged``, or ``ambiguous_key`` where two records fit.
    """
    contract, partners = view.contract, view.partners
    candidates = keys_of(key, len(contract.key) + contract.per_partner)
    known = [
        stored
        for each in candidates
        if (stored := records.get(connection, contract, each, at, partners=partners)) is not None
    ]
    if not known and at is None:
        for each in candidates:
            versions = records.history(connection, contract, each, partners=partners)
            if versions and versions[0].json is None and versions[0].purged:
                when = f"{versions[0].at:%Y-%m-%d}"
                kept = f" by keep: {contract.keep} of {contract.name} v{contract.version}" if contract.keep else ""
                raise Problem("record_purged", f"the record {each} was purged on {when}{kept}")
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


def _cut(item: bytes, asked: Asked, view: View) -> bytes:
    """The chosen members of a record, and the system's; in the contract's order, as the caller may see them."""
    fields = asked.fields
    if view.mask is not None:
        return view.mask.record(item, fields)
    assert fields is not None
    kept = {name: value for name, value in json.loads(item).items() if name in fields or name in SYSTEM}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _as_of(at: Point) -> dict[str, Any]:
    return {"time": at.at, "change": at.change}


def describe(answer: Response, contract: Contract, call: Call, collection: str) -> None:
    """Where the contract is described, and where a newer version of it is (RFC 8288)."""
    answer.headers.add(
        "Link", f'<{path_of(f"/api/v1/types/{contract.name}/versions/{contract.version}")}>; rel="describedby"'
    )
    newest = max(collections(call.services.configuration())[collection])
    if contract.version < newest:
        answer.headers.add("Link", f'<{path_of(f"/api/v1/{collection}")}>; rel="successor-version"')
