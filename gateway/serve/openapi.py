"""The OpenAPI 3.1 document, made from the table of operations and the contracts in force.

Each collection has paths of its own, so that a generated client knows its records. A caller is shown what its key may
use, and nothing of the rest: neither other collections, nor operations that would be refused, nor filters by personal
data that it may not see.
"""

from __future__ import annotations

import json
import re
import threading
from itertools import chain
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from gateway.serve import headers, queryshapes
from gateway.serve.catalogue import readable
from gateway.serve.cursors import fingerprint
from gateway.serve.masks import view_of
from gateway.serve.shapes import FLAG, MOMENT, TEXT, WHOLE, Shape, first_of, many, named, page, thing
from gateway.validate.openapi import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.configuration import Configuration
    from gateway.serve.auth import Caller
    from gateway.serve.masks import View
    from gateway.serve.operations import Operation
    from gateway.serve.tableshapes import TableShown

_KEPT_MAX = 32
_NAMED = re.compile(r'"#/components/schemas/([^"]+)"').findall
OAUTH2: Shape = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/api/v1/token", "scopes": {}}}}
_SYSTEM: dict[str, Shape] = {"_key": TEXT, "_seq": WHOLE, "_version": WHOLE}

_FILES = ("upload_delivery", "try_file", "receive_hook")
"""Operations whose body is a file."""

INTRODUCTION = """\
Records of legacy systems and partners' files, by one grammar.

**Filters** are `field=value` or `field__operator=value`; all must hold. Nothing is ignored: an unknown parameter, field
or operator is a 400 that names the nearest. **Lists** are `{"items": [], "next": cursor, "as_of": {}}`; follow the
header `Link: rel="next"`, or send `next` as `cursor` with the same parameters. In logs `next` is a number and always
there: send it as `since` for changes, as `after` for the audit log and the activity. **Decimals** are texts, dates ISO
8601.
**Errors** are problem details (RFC 9457): `type` is a page that explains the code, `errors` says what is wrong where.
**Keys** are sent as `Authorization: Bearer …` or `X-Api-Key: …`; each operation names its scope. This document shows
what the key may use that it is asked for with.
"""


class Documents:
    """Makes the document, and keeps those of the revision in force: it takes tens of milliseconds."""

    def __init__(
        self, operations: Callable[[], Iterable[Operation]], shapes: Mapping[str, Shape], version: str
    ) -> None:
        self._operations = operations
        self._shapes = shapes
        self._version = version
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, Any]] = {}

    def of(
        self, configuration: Configuration, caller: Caller, tables: Sequence[TableShown] = ()
    ) -> tuple[str, dict[str, Any]]:
        """The entity tag and the document for this caller, with the live tables that are known."""
        views = {
            name: [view_of(caller, versions[number]) for number in sorted(versions, reverse=True)]
            for name, versions in readable(configuration, caller).items()
        }
        usable = [
            operation for operation in self._operations() if operation.documented and _usable(operation, caller, views)
        ]
        masked = sorted(view.contract.id for live in views.values() for view in live if view.mask is not None)
        seen = (sorted(views), masked, [operation.id for operation in usable])
        tag = fingerprint(self._version, configuration.revision, *seen, tables)
        with self._lock:
            if tag not in self._kept:
                if len(self._kept) >= _KEPT_MAX:
                    self._kept.clear()
                self._kept[tag] = self._made(configuration, usable, views, tables)
            return tag, self._kept[tag]

    def _made(
        self,
        configuration: Configuration,
        operations: Iterable[Operation],
        views: Mapping[str, Sequence[View]],
        tables: Sequence[TableShown],
    ) -> dict[str, Any]:
        """The document; `views` are those of each collection's live versions, the newest first."""
        spec = APISpec(
            title="Legacy Gateway",
            version=self._version,
            openapi_version="3.1.0",
            info={"description": INTRODUCTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            servers=[{"url": "/"}],
            plugins=[MarshmallowPlugin()],
        )
        schemes = spec.components
        schemes.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
        schemes.security_scheme("header", {"type": "apiKey", "in": "header", "name": "X-Api-Key"})
        schemes.security_scheme("oauth2", OAUTH2)
        schemes.security_scheme("basic", {"type": "http", "scheme": "basic"})
        for name, shape in headers.ANSWERED.items():
            schemes.header(name, shape)
        for name, shape in self._shapes.items():
            schemes.schema(name, shape)
        for live in views.values():
            shapes = [_record_shapes(view, json_schema(view.contract, configuration.codes)) for view in live]
            for name, shape in chain(*(each.items() for each in shapes), _history_shapes(live).items()):
                schemes.schema(name, shape)
        for table in tables:
            for name, shape in table.shapes().items():
                schemes.schema(name, shape)
        for operation in self._operations():
            for table in tables if operation.id in _OF_ROWS else ():
                path = operation.path.replace("/api/v1/tables/{connection}/{table}", table.path)
                spec.path(path, operations={operation.method.lower(): _described_of(operation, table)})
        for operation in operations:
            if "{collection}" not in operation.path:
                spec.path(operation.path, operations={operation.method.lower(): _described(operation)})
                continue
            for collection, live in views.items():
                path = operation.path.replace("{collection}", collection)
                described = _described_for(operation, collection, live)
                spec.path(path, operations={operation.method.lower(): described})
        document: dict[str, Any] = spec.to_dict()
        _name_types(document, sorted({live[0].contract.name for live in views.values()}))
        return _of_use(document)


def _usable(operation: Operation, caller: Caller, views: Mapping[str, Sequence[View]]) -> bool:
    """Whether a caller may use an operation, as far as that can be told without a request."""
    if operation.access != "key":
        return True
    if not caller.id or (operation.whole and caller.partners is not None):
        return False
    if operation.id == "list_changes":
        return bool(views) or caller.may("*:read")
    if operation.partly is not None:
        return caller.may_some(operation.partly)
    return operation.scope is None or caller.may(operation.scope)


def _of_use(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the shapes that nothing in it names."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    named, left = set[str](), set(_NAMED(json.dumps(document["paths"])))
    while left:
        named |= left
        left = {inner for name in left for inner in _NAMED(json.dumps(schemas[name]))} - named
    document["components"]["schemas"] = {name: shape for name, shape in schemas.items() if name in named}
    return document


def _name_types(document: dict[str, Any], types: Sequence[str]) -> None:
    """Say which types the caller may ask the change feed for."""
    feed = document["paths"].get("/api/v1/changes", {}).get("get", {"parameters": []})
    for parameter in feed["parameters"]:
        if parameter["name"] == "type" and types:
            parameter["schema"] = queryshapes.one_of(types)


def _nullable(shape: dict[str, Any], path: Sequence[str]) -> None:
    """Let the member at a path of a record's shape be null, always there, which is how a masked one is served."""
    inner = shape.get("items", shape)
    member = inner["properties"][path[0]]
    if len(path) > 1:
        _nullable(member, path[1:])
        return
    kinds = member.get("type", "object")
    inner["properties"][path[0]] = {"description": "Masked.", "type": sorted({"null", *_listed(kinds)})}


def _listed(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else [kinds]


def _record_shapes(view: View, record: dict[str, Any]) -> dict[str, Shape]:
    """The record as it is served to who has this view of it, and its list."""
    contract, system = view.contract, dict(_SYSTEM)
    for path in view.mask.paths if view.mask is not None else ():
        _nullable(record, path)
    if view.mask is not None:
        system["_masked"] = many(TEXT) | {"description": "fields that are null because the key may not see them"}
    # fields= leaves out even what the contract requires: who asks for less than the record does not read it as one.
    full = {
        **record,
        "description": f"{contract.about.rstrip('.')}. With `fields=` only what it names, and what begins with `_`.",
        "properties": {**system, **record["properties"]},
        "required": [*system, *record.get("required", ())],
    }
    return {contract.id: full, f"{contract.id}.page": page(named(contract.id), f"Records of {contract.id}.")}


def _history_shapes(views: Sequence[View]) -> dict[str, Shape]:
    """The history of a record of any of a contract's live versions, called after the newest, which is the first.

    One for all of them: generated Python takes whatever it cannot read for what may be null, so that each history would
    fit every other.
    """
    newest = views[0].contract.id
    version = thing(
        "A version of the record.",
        _version=WHOLE,
        _seq=WHOLE,
        at=MOMENT,
        delivery=TEXT,
        changed={"type": ["array", "null"], "items": TEXT, "description": "JSON pointers; null for the first version"},
        purged=FLAG,
        record=first_of(*(named(view.contract.id) for view in views), {"type": "null"}),
    )
    return {
        f"{newest}.version": version,
        f"{newest}.history": page(named(f"{newest}.version"), "Versions, newest first."),
    }


def _described(operation: Operation) -> dict[str, Any]:
    """An operation as the document has it."""
    parameters: list[Any] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in re.findall(r"{(\w+)}", operation.path)
        if name != "collection"
    ]
    if operation.query is not None:
        parameters.append({"in": "query", "schema": operation.query})
    parameters += headers.heeded(operation)
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": _responses(operation),
        "security": [] if operation.access == "open" else [{"bearer": []}, {"header": []}, {"oauth2": []}],
    }
    if operation.access == "optional":
        described["security"].append({})
    if operation.scope is not None:
        described["description"] = f"Scope: `{operation.scope}`."
        described["x-scope"] = operation.scope
    if operation.partly is not None:
        part = operation.partly.replace(":", ".erp:")
        described["description"] = f"Scope: `{operation.partly}`, or that of a part, as in `{part}`."
        described["x-scope"] = operation.partly
    if operation.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": operation.body}}}
        described["requestBody"]["required"] = any(each.required for each in operation.body().fields.values())
    if operation.id in _FILES:
        file = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        described["requestBody"] = {"required": True, "content": file}
    if operation.id == "issue_token":
        form = {"application/x-www-form-urlencoded": {"schema": named("TokenForm")}}
        described |= {"requestBody": {"required": True, "content": form}, "security": [{"basic": []}, {}]}
    return described


def _responses(operation: Operation, shapes: Mapping[str, Shape] | None = None) -> dict[str, Any]:
    """What an operation answers; `shapes` stand for those that its table of answers names."""
    refused = "TokenProblem" if operation.id == "issue_token" else "Problem"
    problem = {"application/problem+json": {"schema": named(refused)}}
    responses: dict[str, Any] = {}
    for status, name in operation.answers.items():
        content: dict[str, Any] = {}
        for media in operation.media:
            shown = (shapes or {}).get(name, named(name)) if name else None
            content[media] = {"schema": shown} if shown and media == "application/json" else {}
        success = {"headers": headers.of_success(operation), "content": content}
        responses[str(status)] = {"description": operation.summary, **success}
    if headers.tagged(operation):
        kept = {name: shape for name, shape in headers.of_success(operation).items() if name != "Content-Disposition"}
        responses["304"] = {"description": "The copy at hand is still right", "headers": kept}
    refusal = {"headers": headers.of_refusal(operation), "content": problem}
    responses["4XX"] = {"description": "The request is refused; code and remedy say why", **refusal}
    responses["5XX"] = {"description": "The gateway or a legacy system cannot do it now", **refusal}
    return responses


def _described_for(operation: Operation, collection: str, views: Sequence[View]) -> dict[str, Any]:
    """An operation on records, for one collection, whose contract has these live versions, the newest first.

    An answer holds records of one version. Without `version` that is the newest, whose shape stands first: clients that
    are generated make of an answer the first that fits.
    """
    described, newest = _described(operation), views[0].contract
    ids = [view.contract.id for view in views]
    shapes = {
        "record": first_of(*(named(each) for each in ids)),
        "records": first_of(*(named(f"{each}.page") for each in ids)),
        "history": named(f"{newest.id}.history"),
    }
    name = re.sub(r"\W", "_", collection)
    described["operationId"] = operation.id.replace("records", name).replace("record", f"{name}_record")
    described["tags"] = [collection]
    described["summary"] = f"{operation.summary} of {collection}"
    described["description"] = f"{newest.about}\n\nScope: `{collection}:read`."
    described["x-scope"] = f"{collection}:read"
    described["responses"] = _responses(operation, shapes)
    described["parameters"] += queryshapes.for_records(operation, views)
    return described


_OF_ROWS = {"list_rows": "Rows of", "get_row": "One row of"}
"""The operations that each live table has for itself, and how their summaries begin."""


def _described_of(operation: Operation, table: TableShown) -> dict[str, Any]:
    """An operation on rows, for one table."""
    described = _described(operation)
    name = f"{table.connection}/{table.table.name}"
    described["operationId"] = f"{operation.id}_of_{table.name}"
    described["tags"] = [f"tables {table.connection}"]
    described["summary"] = f"{_OF_ROWS[operation.id]} {name}"
    described["description"] = f"Read live. Scope: `{table.scope}`."
    described["x-scope"] = table.scope
    described["responses"] = _responses(operation, {"Row": named(table.shape), "Rows": named(f"{table.shape}.page")})
    parameters = [each for each in described["parameters"] if each["name"] not in ("connection", "table")]
    for each in parameters:
        if each["name"] == "key":
            each["description"] = "~".join(table.table.key) or "the table has no key, so that no row is found"
    described["parameters"] = parameters
    if operation.id == "list_rows":
        described["parameters"] += queryshapes.for_rows(table.fields)
    return described
