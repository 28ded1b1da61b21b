"""The way of a request through the lane."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, cast

from gateway.serve.hot.callers import Callers
from gateway.serve.hot.lists import Lists
from gateway.serve.hot.ones import Ones
from gateway.serve.hot.rows import Rows
from gateway.serve.hot.usual import Usual
from gateway.serve.operations import TAKEN
from gateway.store.hot import HotReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.serve.hot.answered import Answer, Headers
    from gateway.serve.hot.callers import Known
    from gateway.serve.limits import Limits
    from gateway.serve.metrics import Metrics
    from gateway.serve.services import Services

_PREFIX = "/api/v1/"
_COUNTED = 10


class HotLane:
    """Answers a WSGI request, or declines it by None."""

    def __init__(self, services: Services, limits: Limits | None, metrics: Metrics) -> None:
        reads = HotReads(services.database)
        self._services = services
        self._limits = limits
        self._metrics = metrics
        self._is_usual = Usual()
        self._callers = Callers(services)
        self._one = Ones(reads, self._callers)
        self._list = Lists(services, reads, self._callers)
        self._rows = Rows(services, reads, self._callers)
        self._numbers = count()
        self._process = services.new_id("req")[:-_COUNTED]

    def __call__(self, environ: Mapping[str, Any]) -> Answer | None:
        """The answer; None: the plain lane has it."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(_PREFIX) or not self._is_usual(environ):
            return None
        began = self._services.ticks()
        try:
            known = self._callers.who(environ.get("HTTP_AUTHORIZATION"))
            if known is None:
                return None
            collection, slash, key = path[len(_PREFIX) :].partition("/")
            left = self._taken(environ, known)
            if left is None:
                return None
            if collection == "tables":
                name, made = "list_rows", self._rows(environ, known, path)
            elif slash:
                name, made = "get_record", self._one(environ, known, collection, key)
            else:
                name, made = "list_records", self._list(environ, known, collection)
        except Exception:  # noqa: BLE001 - whatever it is, the plain lane meets it too, and says it
            return None
        if made is None:
            return None
        status, headers, body = made
        headers += left
        self._finish(environ, known, name, made, began)
        return status, headers, body

    def _taken(self, environ: Mapping[str, Any], known: Known) -> Headers | None:
        """Take what the request costs, before anything is read for it; None where there is nothing left.

        It is told to the plain lane, which takes no more if it has the request in the end.
        """
        if self._limits is None:
            return ()
        taken = self._limits.take(known.caller.bucket)
        cast("dict[str, Any]", environ)[TAKEN] = taken
        return taken.headers if taken.retry_after is None else None

    def _finish(self, environ: Mapping[str, Any], known: Known, name: str, made: Answer, began: float) -> None:
        """Add what every answer has, and count it."""
        status, headers, _ = made
        headers.append(("X-Request-ID", environ.get("HTTP_X_REQUEST_ID") or self._request_id()))
        trace = environ.get("HTTP_TRACEPARENT")
        if trace is not None:
            headers.append(("traceparent", trace))
        self._metrics.count(name, int(status[:3]), self._services.ticks() - began, known.caller.name)

    def _request_id(self) -> str:
        """An id for a request, as long as any other: the beginning of the process's own, and a number."""
        return f"{self._process}{next(self._numbers):0{_COUNTED}x}"
