"""Records: a collection's list, one record, its history.

The JSON was made ready when the document was accepted; here it is found, joined and sent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.serve import cursors, filters
from gateway.serve.answers import JSON, keys_of, listed, not_modified, path_of, said, tagged
from gateway.serve.catalogue import collections, contract_of
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem
from gateway.store import records

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.serve.operations import Call
    from gateway.store.records import StoredRecord

SYSTEM = ("_key", "_seq", "_version")


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
    contract, pairs = _contract(call, collection)
    asked = filters.parse(pairs, collection, filters.queryable(contract), parameters=(*filters.PARAMETERS, "version"))
    identity = cursors.fingerprint(contract.id, *asked.identity())
    after = cursors.read(call.services.cursor_secret, identity, asked.cursor) if asked.cursor else None
    wanted = cursors.fingerprint(identity, asked.cursor, asked.limit, asked.fields, asked.count)
    query = records.Query(
        contract,
        tuple(records.Filter(each.field, each.op, each.value) for each in asked.conditions),
        asked.sort,
        after,
        asked.limit,
    )
    with call.services.database.read() as connection:
        change, time = records.as_of(connection, contract)
        etag = f"{change}-{wanted}"
        unchanged = not_modified(etag)
        if unchanged is not None:
            return unchanged
        page = records.page(connection, query)
        count = records.count(connection, query) if asked.count else None
    answer = listed(
        page.items if asked.fields is None else [_cut(item, asked.fields) for item in page.items],
        cursor=cursors.write(call.services.cursor_secret, identity, page.last) if page.last is not None else None,
        as_of=_as_of(change, time),
        count=count,
    )
    _describe(answer, contract, call, collection)
    return tagged(answer, etag)


def one_record(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711``: the record as stored."""
    contract, pairs = _contract(call, collection)
    asked = filters.parse(pairs, collection, _no_conditions(contract), parameters=("fields", "version"))
    with call.services.database.read() as connection:
        stored = _found(connection, contract, collection, key)
    etag = str(stored.seq) if asked.fields is None else f"{stored.seq}-{cursors.fingerprint(asked.fields)}"
    answer = not_modified(etag)
    if answer is None:
        body = stored.json if asked.fields is None else _cut(stored.json, asked.fields)
        answer = Response(body, 200, mimetype=JSON)
    _describe(answer, contract, call, collection)
    return tagged(answer, etag)


def record_history(call: Call, collection: str, key: str) -> Response:
    """``GET /api/v1/orders/acme~4711/history``."""
    contract, pairs = _contract(call, collection)
    filters.parse(pairs, collection, _no_conditions(contract), parameters=("version",))
    with call.services.database.read() as connection:
        change, time = records.as_of(connection, contract)
        stored = _found(connection, contract, collection, key)
        versions = records.history(connection, contract, stored.key)
    answer = listed(
        [
            said({"_version": each.version, "_seq": each.seq, "at": each.at, "delivery": each.delivery})[:-1]
            + b',"record":'
            + each.json
            + b"}"
            for each in versions
        ],
        cursor=None,
        as_of=_as_of(change, time),
    )
    _describe(answer, contract, call, collection)
    return tagged(answer, f"{stored.seq}-{change}")


def _contract(call: Call, collection: str) -> tuple[Contract, list[tuple[str, str]]]:
    """The contract that the request is about, and its query."""
    pairs = list(request.args.items(multi=True))
    version = next((text for name, text in pairs if name == "version"), None)
    return contract_of(call.services.configuration(), call.caller, collection, version), pairs


def _no_conditions(contract: Contract) -> dict[str, filters.Queryable]:
    """The fields for `fields=` alone: a single record is not filtered."""
    return {
        name: filters.Queryable(name, field.type, filterable=False, sortable=False, value=field.value)
        for name, field in filters.queryable(contract).items()
    }


def _found(connection: Connection, contract: Contract, collection: str, key: str) -> StoredRecord:
    """The record that the path means.

    Raises:
        Problem: ``unknown_record``, or ``ambiguous_key`` where two records fit.
    """
    candidates = keys_of(key, len(contract.key) + contract.per_partner)
    found = [stored for each in candidates if (stored := records.get(connection, contract, each)) is not None]
    if not found:
        form = "~".join([*(["partner"] if contract.per_partner else []), *contract.key])
        raise Problem(
            "unknown_record",
            f"{collection} has no record {key[:200]!r}",
            f"Keys of {collection} are of the form {form}.",
        )
    if len(found) > 1:
        raise Problem("ambiguous_key", f"{key[:200]!r} can mean {', '.join(each.key for each in found)}")
    return found[0]


def _cut(item: bytes, fields: tuple[str, ...]) -> bytes:
    """The chosen members of a record, and the system's; in the contract's order."""
    kept = {name: value for name, value in json.loads(item).items() if name in fields or name in SYSTEM}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _as_of(change: int, time: datetime | None) -> dict[str, Any]:
    return {"time": time, "change": change}


def _describe(answer: Response, contract: Contract, call: Call, collection: str) -> None:
    """Where the contract is described, and where a newer version of it is (RFC 8288)."""
    answer.headers.add(
        "Link", f'<{path_of(f"/api/v1/types/{contract.name}/versions/{contract.version}")}>; rel="describedby"'
    )
    newest = max(collections(call.services.configuration())[collection])
    if contract.version < newest:
        answer.headers.add("Link", f'<{path_of(f"/api/v1/{collection}")}>; rel="successor-version"')
