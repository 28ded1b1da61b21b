"""Tokens for keys: OAuth 2.0 client credentials (RFC 6749, 4.4), for clients that want them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from flask import g, request

from gateway.serve.answers import answered
from gateway.serve.auth import keys as keyed
from gateway.serve.auth import tokens
from gateway.serve.bodies import place_of
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem, cut
from gateway.serve.shapes import TEXT, WHOLE, Shape, named, thing, words
from gateway.store import keys

if TYPE_CHECKING:
    from flask import Response

    from gateway.serve.auth import Caller
    from gateway.serve.operations import Call

ENDPOINT = "tokens.issue_token"
"""What the framework calls the operation, whose refusals are told in the words of OAuth as well (:func:`told`)."""

_BYTES_MAX = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
_TAKEN = ("grant_type", "client_id", "client_secret", "scope")
_ERRORS = ("invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope")
_BY_STATUS = {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"}
"""What the standard has no word for here is said by those of another of its endpoints (RFC 6749, 4.1.2.1)."""

SHAPES: dict[str, Shape] = {
    "Token": thing(
        "A token, to be sent as Authorization: Bearer until expires_in seconds are over; scope are its scopes, with "
        "blanks between them.",
        access_token=TEXT,
        token_type=words("Bearer"),
        expires_in=WHOLE,
        scope=TEXT,
    ),
    "TokenForm": thing(
        "client_id is the name or the id of a key, client_secret the key; both may come by HTTP Basic instead.",
        optional=("client_id", "client_secret", "scope"),
        grant_type=words("client_credentials"),
        client_id=TEXT,
        client_secret=TEXT,
        scope=TEXT,
    ),
    "TokenProblem": {
        "description": "A problem, told in the words of OAuth as well (RFC 6749, 5.2).",
        "allOf": [named("Problem")],
        "type": "object",
        "properties": {"error": words(*_ERRORS, *dict.fromkeys(_BY_STATUS.values())), "error_description": TEXT},
        "required": ["error", "error_description"],
    },
}


def operations() -> tuple[Operation, ...]:
    """The one operation."""
    return (
        Operation(
            "issue_token",
            "POST",
            "/api/v1/token",
            "token",
            "Get a short-lived token for an API key (OAuth 2.0 client credentials)",
            issue,
            access="open",
            answers={200: "Token"},
        ),
    )


def issue(call: Call) -> Response:
    """``POST /api/v1/token`` with the form ``grant_type=client_credentials&scope=orders:read``."""
    with place_of(call.shared), call.shared.arriving.body(request.remote_addr):
        form = _form()
    client, secret = _client(form)
    address = request.remote_addr or ""
    _limited(call, address, 0)
    kind = form.get("grant_type")
    if kind is None:
        raise _refused("invalid_request", "grant_type is missing")
    if kind != "client_credentials":
        raise _refused("unsupported_grant_type", f"grant_type is {kind[:60]!r}, and not client_credentials")
    services, now = call.services, call.services.now()
    with services.database.read() as connection:
        key = keys.find(connection, keyed.sha256_of(secret))
    if key is None or client not in (key.id, key.name) or not key.live(now):
        _limited(call, address, 1)
        raise _refused("invalid_client", "the client or its key is not known here, or the key has ended")
    caller = g.caller = keyed.caller_of(key, now)
    scopes = _scopes(form, caller)
    seconds = int(call.shared.door.access.token_seconds)
    if key.expires_at is not None:
        seconds = min(seconds, int((key.expires_at - now).total_seconds()))
    grant = tokens.Grant(key.id, int(now.timestamp()) + seconds, scopes)
    said = {
        "access_token": tokens.issued(call.shared.door.secret, grant),
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": " ".join(scopes or caller.scopes),
    }
    return answered(said, headers={"Pragma": "no-cache"})


def _limited(call: Call, address: str, count: int) -> None:
    """Refuse an address that was wrong too often, before its key is looked at: right or wrong, it hears the same."""
    taken = call.shared.guesses.take(address, count)
    if taken.retry_after is not None:
        raise Problem("rate_limited", headers={"Retry-After": str(taken.retry_after)})


def _form() -> dict[str, str]:
    """The parameters of the body; those that nobody knows are passed over (RFC 6749, 3.2)."""
    request.max_content_length = _BYTES_MAX
    if request.mimetype != _FORM:
        raise _refused("invalid_request", f"the body is no form: its Content-Type must be {_FORM}")
    try:
        pairs = parse_qsl(request.get_data(cache=False).decode("ascii"), errors="strict", max_num_fields=50)
    except ValueError as error:
        raise _refused("invalid_request", "the body is no form that can be read") from error
    known = [name for name, _ in pairs if name in _TAKEN]
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice is not None:
        raise _refused("invalid_request", f"{twice} is given twice")
    return dict(pairs)


def _client(form: dict[str, str]) -> tuple[str, str]:
    """The client's id and its key: by HTTP Basic, or in the body, but not by both (RFC 6749, 2.3)."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise _refused(
                "invalid_client", "the request says neither by HTTP Basic nor in its body which client it is"
            )
        return form["client_id"], form["client_secret"]
    scheme, _, encoded = authorization.partition(" ")
    try:
        said = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        said = ""
    if scheme.lower() != "basic" or ":" not in said:
        raise _refused("invalid_client", "the Authorization header is not of the form: Basic <id:key in base64>")
    client, _, secret = said.partition(":")
    if "client_secret" in form or form.get("client_id", unquote_plus(client)) != unquote_plus(client):
        raise _refused("invalid_request", "the client says who it is by HTTP Basic and in the body; once is enough")
    return unquote_plus(client), unquote_plus(secret)


def _scopes(form: dict[str, str], caller: Caller) -> tuple[str, ...] | None:
    """The scopes that are asked for, each of which the key covers; None: all that it has."""
    if "scope" not in form:
        return None
    asked = tuple(dict.fromkeys(form["scope"].split(" ")))
    beyond = next((each for each in asked if not caller.may(each)), None)
    if beyond is not None or not all(asked):
        raise _refused("invalid_scope", f"the key {caller.name!r} does not have the scope {(beyond or '')[:60]!r}")
    return asked


def _refused(code: str, detail: str) -> Problem:
    """A refusal that the standard knows."""
    headers = {"WWW-Authenticate": 'Basic realm="gateway"'} if code == "invalid_client" else {}
    return Problem(code, detail, headers=headers)


def told(problem: Problem) -> Problem:
    """A refusal with the members that OAuth's clients look for (RFC 6749, 5.2), beside those of every problem."""
    error = problem.code if problem.code in _ERRORS else _BY_STATUS.get(problem.kind.status, "invalid_request")
    detail = cut(problem.detail or problem.kind.title)
    plain = "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in detail)
    return replace(problem, more={**problem.more, "error": error, "error_description": plain})
