"""The application: every resource mounted, every request checked, every failure said in one shape."""

from __future__ import annotations

import logging
import re
import threading
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from gateway.errors import Reject, Retry, Stop
from gateway.serve import auth
from gateway.serve import shapes as shared_shapes
from gateway.serve.answers import HEADERS, REQUEST_ID, TRACEPARENT, VARY, path_of
from gateway.serve.arriving import Arriving
from gateway.serve.asking import Asking
from gateway.serve.bodies import STRANGERS_MAX
from gateway.serve.hot import HotLane
from gateway.serve.idempotency import Running
from gateway.serve.limits import GUESSES, Limits
from gateway.serve.metrics import Metrics
from gateway.serve.openapi import Documents
from gateway.serve.operations import Operation, Shared, blueprint
from gateway.serve.places import Places
from gateway.serve.problems import BY_STATUS, MEDIA_TYPE, PROBLEMS, Problem
from gateway.serve.resources import (
    acknowledgments,
    activity,
    audit,
    changes,
    deliveries,
    evidence,
    health,
    hooks,
    letters,
    outlets,
    pages,
    quarantine,
    readiness,
    records,
    registry,
    repairs,
    selftest,
    tables,
    tokens,
    trials,
    uploads,
    usage,
)
from gateway.store import origin
from gateway.workspace.contracts import RESERVED_COLLECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from gateway.serve.services import Services
    from gateway.serve.shapes import Shape

_log = logging.getLogger(__name__)
_PATH_MAX = 500
_WITHOUT_HOST = ("HTTP/1.0", "HTTP/1")
"""HTTP/1.0 knows of no Host, and balancers of load ask in it whether we live; granian writes the second."""
HOT = ("get_record", "list_records", "list_rows")
"""What the hot lane answers, when nothing about a request is unusual."""

SHAPES: dict[str, Shape] = {
    **shared_shapes.SHAPES,
    **deliveries.SHAPES,
    **acknowledgments.SHAPES,
    **letters.SHAPES,
    **activity.SHAPES,
    **changes.SHAPES,
    **audit.SHAPES,
    **quarantine.SHAPES,
    **evidence.SHAPES,
    **repairs.SHAPES,
    **trials.SHAPES,
    **registry.SHAPES,
    **outlets.SHAPES,
    **readiness.SHAPES,
    **tables.SHAPES,
    **tokens.SHAPES,
    **usage.SHAPES,
    **health.SHAPES,
    **pages.SHAPES,
}


class Collection(BaseConverter):
    """A part of a path that is none of the gateway's own names, so that those keep their 404 and 405."""

    regex = rf"(?!(?:{'|'.join(map(re.escape, sorted(RESERVED_COLLECTIONS)))})(?:/|$))[^/]+"


class Id(BaseConverter):
    """The id of a delivery or a held document, which is none of the words that stand in its place."""

    regex = r"(?!(?:retry|groups)(?:/|$))[^/]+"


class Application(Flask):
    """Flask, with the hot lane in front of its dispatch."""

    lane: HotLane | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request in the hot lane, or as Flask does."""
        answer = self.lane(environ) if self.lane is not None else None
        if answer is None:
            return super().__call__(environ, start_response)
        status, headers, body = answer
        start_response(status, headers)
        return [body]  # which granian writes at once; it asks anything else for one part after the other


def create_app(services: Services) -> Flask:
    """The WSGI application. Any number of processes may serve one store.

    What one holds of its own is counted or remembered for itself: open streams, buckets, counters, the hot lane.
    """
    app = Application(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters |= {"collection": Collection, "id": Id}
    door = auth.Door(services.database, services.configuration, services.now, services.cursor_secret)
    limits = Limits(services.limits, services.ticks) if services.limits is not None else None
    metrics = Metrics()
    followers, exports = Places(services.followers_max), Places(services.exports_max)
    strangers = threading.BoundedSemaphore(STRANGERS_MAX)
    arriving = Arriving(services.abandon, services.ticks)
    guesses = Limits(GUESSES, services.ticks)
    shared = Shared(Running(), followers, door, exports, strangers, limits, metrics, arriving, Asking(), guesses)
    table = _resources(services.version)
    for name, operations in table.items():
        app.register_blueprint(blueprint(name, operations, services, shared))
    app.before_request(lambda: _begin(services))
    varying = frozenset(operation.id for operations in table.values() for operation in operations if operation.varies)
    app.after_request(lambda answer: _end(answer, services, metrics, varying))
    app.teardown_request(lambda _: origin.end())
    app.register_error_handler(Exception, _failed)
    app.lane = HotLane(services, limits, metrics) if services.hot_lane else None
    return app


def _resources(version: str) -> dict[str, tuple[Operation, ...]]:
    """Every operation, by resource, in the order of the documentation."""
    table: dict[str, tuple[Operation, ...]] = {}
    documents = Documents(lambda: chain.from_iterable(table.values()), SHAPES, version)
    table |= {
        "records": records.operations(),
        "evidence": evidence.operations(),
        "uploads": uploads.operations(),
        "hooks": hooks.operations(),
        "deliveries": deliveries.operations(),
        "acknowledgments": acknowledgments.operations(),
        "letters": letters.operations(),
        "repairs": repairs.operations(),
        "trials": trials.operations(),
        "quarantine": quarantine.operations(),
        "changes": changes.operations(),
        "activity": activity.operations(),
        "audit": audit.operations(),
        "registry": registry.operations(),
        "outlets": outlets.operations(),
        "readiness": readiness.operations(),
        "tokens": tokens.operations(),
        "tables": tables.operations(),
        "usage": usage.operations(),
        "health": health.operations(),
        "pages": pages.operations(documents),
        "selftest": selftest.SelfTest().operations(),
    }
    return table


def _begin(services: Services) -> None:
    """What comes before any resource: an id for the request, and the checks that the server leaves to us."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if REQUEST_ID(given) else services.new_id("req")
    g.caller = auth.NOBODY
    g.began = services.ticks()
    origin.begin(request=g.request_id, trace=_trace())
    environ = request.environ
    host = environ.get("HTTP_HOST", "")
    if "," in host or (not host and environ.get("SERVER_PROTOCOL") not in _WITHOUT_HOST):
        raise Problem("host_missing")
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if coding is not None and (environ.get("CONTENT_LENGTH") or coding.strip().lower() != "chunked"):
        # What follows on the connection may be the rest of this body: it is not read as a request (RFC 9112, 6.3).
        detail = (
            "" if environ.get("CONTENT_LENGTH") else f"Transfer-Encoding is {coding[:60]!r}; chunked alone is read here"
        )
        raise Problem("ambiguous_length", detail, headers={"Connection": "close"})
    if not _is_text(environ.get("QUERY_STRING", "")):
        raise Problem(
            "bad_request", "a query parameter is not UTF-8", "Escape the bytes of its UTF-8, as %C3%A4 for ä."
        )
    if "\0" in request.path or any("\0" in part for pair in request.args.items(multi=True) for part in pair):
        raise Problem("bad_request", "the path or a query parameter holds a NUL character", "Leave it out.")


def _is_text(query: str) -> bool:
    """Whether all of a query is UTF-8; what is not would be read as some other text."""
    try:
        unquote_to_bytes(query.encode("latin-1")).decode()  # so servers hand it over (PEP 3333)
    except UnicodeDecodeError:
        return False
    return True


def _end(answer: Response, services: Services, metrics: Metrics, varying: frozenset[str]) -> Response:
    """What every answer has: the ids, how much is left, and headers that keep browsers from guessing."""
    answer.headers["X-Request-ID"] = g.get("request_id", "")
    trace = _trace()
    if trace:
        answer.headers["traceparent"] = trace
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.extend(g.get("left", ()))
    operation = (request.endpoint or "none").rpartition(".")[2]
    if operation in varying:
        answer.headers.add(*VARY)
    seconds = services.ticks() - g.get("began", services.ticks())
    metrics.count(operation, answer.status_code, seconds, g.caller.name if "caller" in g else "")
    if services.hot_lane and operation in HOT and request.method == "GET":
        metrics.decline(operation)
    _log.log(
        # What is read again and again is counted, not told.
        logging.DEBUG if request.method in ("GET", "HEAD") and answer.status_code < 400 else logging.INFO,
        "%s %s %d key=%s request=%s trace=%s",
        request.method,
        _on_one_line(request.path),
        answer.status_code,
        g.caller.name if "caller" in g else "",
        g.get("request_id", ""),
        trace,
    )
    return answer


def _trace() -> str:
    """The trace that the caller follows (W3C Trace Context); empty where he names none, or no good one."""
    trace = request.headers.get("traceparent", "")
    return trace if TRACEPARENT(trace) else ""


def _on_one_line(path: str) -> str:
    """A path as the log tells it: what was escaped in it must not begin a line of its own there; links are secret."""
    path = selftest.without_token(path)
    return (path if path.isprintable() else path_of(path))[:_PATH_MAX]


def _failed(error: Exception) -> Any:
    """Any failure as a problem; redirects are none."""
    if isinstance(error, HTTPException) and (error.code or 500) < 400:
        return error
    problem = error if isinstance(error, Problem) else _problem_of(error)
    if request.endpoint == tokens.ENDPOINT:
        problem = tokens.told(problem)
    request_id = g.get("request_id", "")
    answer = Response(problem.body(request_id), problem.kind.status, mimetype=MEDIA_TYPE)
    answer.headers.extend(problem.headers)
    answer.headers["Link"] = f'</problems/{problem.code}>; rel="type"'
    return answer


def _problem_of(error: Exception) -> Problem:
    """What is no problem yet: the framework's refusals, the store's troubles, and our own mistakes."""
    request_id = g.get("request_id", "")
    if isinstance(error, HTTPException):
        code = BY_STATUS.get(error.code or 500, "bad_request" if (error.code or 500) < 500 else "internal_error")
        kept = ("Allow", "Content-Range", "Retry-After")
        headers = {name: value for name, value in error.get_headers() if name in kept}
        return Problem(code, _detail(code, headers), _remedy(code), headers=headers)
    if isinstance(error, Retry):
        _log.warning("%s request=%s", error.message, request_id)
        return Problem("unavailable", headers={"Retry-After": str(max(1, round(error.delay_seconds)))})
    if isinstance(error, Stop):
        _log.error("%s. %s request=%s", error.message, error.remedy, request_id)
        shown = (error.message, error.remedy) if g.get("caller", auth.NOBODY).may("admin") else ("", "")
        return Problem("stopped", *shown, headers={"Retry-After": "60"})
    if isinstance(error, Reject):
        return Problem(error.code if error.code in PROBLEMS else "bad_request", error.message, error.remedy)
    _log.error("a request failed: request=%s", request_id, exc_info=error)
    return Problem("internal_error")


def _detail(code: str, headers: dict[str, str]) -> str:
    if code == "method_not_allowed":
        return f"{request.method} cannot be used on {request.path[:200]}; it takes {headers.get('Allow', 'nothing')}"
    return f"there is nothing at {request.path[:200]}" if code == "not_found" else ""


def _remedy(code: str) -> str:
    """Where a path has a slash too many at its end, the path without it."""
    bare = request.path.rstrip("/")
    if code != "not_found" or bare == request.path:
        return ""
    known = current_app.create_url_adapter(request)
    found = known is not None and known.test(bare, request.method)
    return f"Leave the slash at the end out: {path_of(bare)[:200]}" if found else ""
