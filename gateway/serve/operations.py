"""An operation of the API as one value, from which its route, its checks and its part of the OpenAPI document are made.

A request to an operation goes through: who asks → may they → query parameters → body → Idempotency-Key → `answer`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, g, request
from marshmallow import RAISE, Schema, ValidationError
from werkzeug.routing import BaseConverter

from gateway.serve import auth, idempotency
from gateway.serve.answers import accepted
from gateway.serve.names import meant, named_by
from gateway.serve.problems import FLAWS_MAX, Flaw, Problem, nearest, refuse
from gateway.store.names import Past

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from flask import Response

    from gateway.serve.arriving import Arriving
    from gateway.serve.asking import Asking
    from gateway.serve.auth import Caller
    from gateway.serve.limits import Limits
    from gateway.serve.metrics import Metrics
    from gateway.serve.places import Places
    from gateway.serve.services import Services

TAKEN = "gateway.taken"
"""Where the hot lane tells in the environ what it took from the caller's bucket."""

BODY_BYTES_MAX = 64 * 1024
"""So large may a JSON body be; uploads have a bound of their own."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the requests of one process share: who is let in, running idempotent requests, open streams."""

    running: idempotency.Running
    followers: Places
    door: auth.Door
    exports: Places
    strangers: threading.BoundedSemaphore
    limits: Limits | None
    metrics: Metrics
    arriving: Arriving
    asking: Asking
    guesses: Limits
    """How often an address may be wrong about a key for a token."""
    past: Past = field(default_factory=Past)
    """Names that revisions before the one in force had."""
    untrusted: set[tuple[str, str]] = field(default_factory=set)
    """Hooks and their secrets that cannot be used, of which the activity told."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: who asks, its query parameters and its JSON body as their schemas loaded them."""

    services: Services
    shared: Shared
    caller: Caller
    parameters: dict[str, Any]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `access` is ``key`` (a valid key is needed, with `scope` where one is named, in which ``{name}`` is a part of the
    path; else the answer itself checks), ``optional`` or ``open`` (keys are not looked at). `query` None means that
    there are no parameters, unless `answer` reads them itself (`free_query`). `body` is the schema of a JSON body; an
    operation that has one honours Idempotency-Key. `answers` are status → the name of a shape in the OpenAPI document,
    or None for other media.
    """

    id: str
    method: str
    path: str
    tag: str
    summary: str
    answer: Callable[..., Response]
    access: Literal["key", "optional", "open"] = "key"
    scope: str | None = None
    query: type[Schema] | None = None
    free_query: bool = False
    body: type[Schema] | None = None
    answers: dict[int, str | None] = field(default_factory=dict)
    media: tuple[str, ...] = ("application/json",)
    varies: bool = False
    """Accept chooses among `media`, so that every answer says Vary (RFC 9110, 12.5.5)."""
    documented: bool = True
    partly: str | None = None
    """The scope of which a caller needs a part, which the answer itself checks: others are not shown the operation."""
    whole: bool = False
    """It is about what belongs to no partner: callers who are limited to some have nothing to do with it."""
    trial: Callable[[Call, str], Response] | None = None
    """Tells a trial, by its id, once more: for one whose answers may tell of trials."""


class Parameters(Schema):
    """What the schemas of query parameters and bodies share; a field's metadata says what is expected of it."""

    class Meta(Schema.Meta):
        """Unknown members are refused."""

        unknown = RAISE


class Key(BaseConverter):
    """A record's or a row's key: whatever stands there, slashes at its beginning and line breaks too."""

    part_isolating = False
    regex = r"(?s:.+?)"
    weight = 200


def blueprint(name: str, operations: Iterable[Operation], services: Services, shared: Shared) -> Blueprint:
    """The routes of one resource."""
    made = Blueprint(name, __name__)
    made.record(lambda state: state.app.url_map.converters.update(key=Key))
    for operation in operations:
        made.add_url_rule(
            rule_of(operation.path), operation.id, _view(operation, services, shared), methods=[operation.method]
        )
    return made


def rule_of(path: str) -> str:
    """The routing rule of a path: ``{key}`` may hold anything, other parts are none of the gateway's own names."""
    special = {"key": "key:key", "collection": "collection:collection", "id": "id:id"}
    return re.sub(r"{(\w+)}", lambda match: f"<{special.get(match[1], match[1])}>", path)


def _view(operation: Operation, services: Services, shared: Shared) -> Callable[..., Response]:
    asked, said = named_by(operation.query), named_by(operation.body)

    def view(**path: str) -> Response:
        caller = _admitted(operation, shared, path)
        _acceptable(operation)
        parameters = {} if operation.free_query else _loaded_query(operation)
        call = Call(services, shared, caller, parameters, {})
        parameters, wrong = meant(call, asked, parameters)
        call = replace(call, parameters=parameters)
        refuse(Flaw("bad_parameter", what, to_do, parameter=name) for name, what, to_do in wrong)
        if operation.body is None:
            return operation.answer(call, **path)
        with shared.arriving.body(request.remote_addr):
            raw = _raw_body()
        body, wrong = meant(call, said, _loaded_body(operation.body, raw))
        call = replace(call, body=body)
        refuse(Flaw("invalid_body", what, to_do, pointer=f"/{name}") for name, what, to_do in wrong)
        return idempotency.once(
            call,
            fingerprint=hashlib.sha256(raw).hexdigest(),
            work=lambda: operation.answer(call, **path),
            trial=operation.trial,
        )

    return view


def _admitted(operation: Operation, shared: Shared, path: dict[str, str]) -> Caller:
    """Who asks, when they may."""
    if operation.access == "open":
        return auth.NOBODY
    credential = shared.door.credential(request.headers, request.remote_addr)
    if credential is None:
        if operation.access == "key":
            raise auth.key_missing()
        return auth.NOBODY
    caller = g.caller = shared.door.caller(credential)
    if shared.limits is not None:
        taken = request.environ.get(TAKEN) or shared.limits.take(caller.bucket)
        g.left = taken.headers
        if taken.retry_after is not None:
            raise Problem("rate_limited", headers={"Retry-After": str(taken.retry_after)})
    if operation.whole and caller.partners is not None:
        raise auth.about_all(caller)
    if operation.scope is not None:
        caller.needs(operation.scope.format(**path))
    return caller


def _acceptable(operation: Operation) -> None:
    asked = request.headers.get("Accept", "")
    wanted = request.accept_mimetypes = accepted(asked)
    if wanted and operation.media and not any(wanted[media] for media in operation.media):
        raise Problem(
            "not_acceptable",
            f"this resource answers with {', '.join(operation.media)}, not with {asked[:100]}",
        )


def _loaded_query(operation: Operation) -> dict[str, Any]:
    schema = operation.query() if operation.query is not None else Parameters()
    pairs = list(request.args.items(multi=True))
    names = [name for name, _ in pairs]
    told = list(dict.fromkeys(names))[:FLAWS_MAX]  # no schema has so many: one of them is unknown if there are more
    flaws = [
        Flaw("unknown_parameter", f"there is no parameter {name!r} here", nearest(name, schema.fields), parameter=name)
        for name in told
        if name not in schema.fields
    ]
    flaws += [
        Flaw("repeated_parameter", f"{name} is given twice", parameter=name) for name in told if names.count(name) > 1
    ]
    refuse(flaws)
    try:
        loaded: dict[str, Any] = schema.load(dict(pairs))
    except ValidationError as error:
        refuse(
            Flaw("bad_parameter", f"{name}: {_sentence(messages)}", _expected(schema, name), parameter=name)
            for name, messages in _by_name(error).items()
        )
        raise
    return loaded


def _raw_body() -> bytes:
    """The bytes of a JSON body, empty when there is none."""
    request.max_content_length = BODY_BYTES_MAX
    if request.content_length is not None and request.content_length > BODY_BYTES_MAX:
        raise Problem("body_too_large", f"a JSON body has at most {BODY_BYTES_MAX} bytes", "Send less.")
    raw = request.get_data(cache=False)
    if raw and request.mimetype != "application/json":
        raise Problem(
            "unsupported_media_type",
            f"the body is {request.mimetype or 'of no kind that is named'}, and application/json is read here",
        )
    return raw


def _loaded_body(body: type[Schema], raw: bytes) -> dict[str, Any]:
    schema = body()
    try:
        value = json.loads(raw) if raw else {}
        json.dumps(value, ensure_ascii=False).encode()  # half surrogates are no text and cannot be stored
    except (ValueError, RecursionError) as error:
        raise Problem("bad_json", f"the body is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise Problem("bad_json", "the body is JSON, but not an object")
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        wrong = [each for name, messages in _by_name(error).items() for each in _leaves(messages, (str(name),))]
        flaws = [_body_flaw(schema, place, messages) for place, messages in wrong[:FLAWS_MAX]]
        raise Problem("invalid_body", flaws[0].detail, flaws[0].remedy, errors=tuple(flaws)) from error
    return loaded


def _leaves(messages: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is wrong, each with its place: the names and numbers of members on the way to it."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _leaves(inner, place if name == "_schema" else (*place, str(name)))
    else:
        yield place, messages


def _body_flaw(schema: Schema, place: tuple[str, ...], messages: Any) -> Flaw:
    known = {field.data_key or own: own for own, field in schema.fields.items()}
    name = place[0]
    if name in known:
        detail, remedy = f"{'.'.join(place)}: {_sentence(messages)}", _expected(schema, known[name], name)
    elif name == "_schema":
        return Flaw("invalid_body", _sentence(messages), pointer="")
    else:
        detail = f"the body has no member {name!r}"
        remedy = nearest(name, known) if known else "Send no body here, or {}."
    pointer = "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in place)
    return Flaw("invalid_body", detail, remedy, pointer=pointer)


def _by_name(error: ValidationError) -> dict[str, Any]:
    """What is wrong, by the name of the field."""
    return error.messages if isinstance(error.messages, dict) else {"_schema": error.messages}


def _expected(schema: Schema, name: str, called: str | None = None) -> str:
    """What a field's description says is expected; `called` is its name outside."""
    described = schema.fields[name].metadata.get("description") if name in schema.fields else None
    return f"{called or name} is {described}." if described else ""


def _sentence(messages: Any) -> str:
    """The messages of marshmallow for one field, as one line."""
    if isinstance(messages, dict):
        return "; ".join(_sentence(each) for each in messages.values())
    return "; ".join(str(each).rstrip(".") for each in messages)
