"""Whether a request is one of the usual kind, which the lane answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.serve import plans
from gateway.serve.answers import JSON, REQUEST_ID, TRACEPARENT, accepted

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCEPTS_MAX = 1000
_TEXT_MAX = 500
"""So long may a query or a header be that is remembered."""
_PLAIN_QUERY = re.compile(r"[\x21-\x7e]*").fullmatch


class Usual:
    """Tells usual requests; it remembers which kinds of answers they accept."""

    def __init__(self) -> None:
        self._accepts: dict[str, bool] = {}

    def __call__(self, environ: Mapping[str, Any]) -> bool:
        """Whether nothing of the request is odd, so that the plain lane need not look at it."""
        host = environ.get("HTTP_HOST")
        if not host or "," in host or "HTTP_X_API_KEY" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            return False
        query = environ.get("QUERY_STRING", "")
        if environ.get("CONTENT_LENGTH") not in (None, "", "0") or not _PLAIN_QUERY(query) or len(query) > _TEXT_MAX:
            return False
        given, trace = environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_TRACEPARENT")
        if (given is not None and not REQUEST_ID(given)) or (trace is not None and not TRACEPARENT(trace)):
            return False
        accept = environ.get("HTTP_ACCEPT")
        return accept is None or self._is_json(accept)

    def _is_json(self, accept: str) -> bool:
        if len(accept) > _TEXT_MAX:
            return False
        taken = self._accepts.get(accept)
        if taken is None:
            if len(self._accepts) >= _ACCEPTS_MAX:
                self._accepts.clear()
            wanted = accepted(accept)
            taken = self._accepts[accept] = not wanted or wanted.best_match(plans.LIST_MEDIA) == JSON
        return taken
