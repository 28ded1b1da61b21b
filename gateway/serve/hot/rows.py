"""A page of a live table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from gateway.errors import GatewayError
from gateway.serve.answers import JSON, next_link, page_of, said
from gateway.serve.hot.answered import ALWAYS
from gateway.serve.problems import Problem
from gateway.serve.resources import tables
from gateway.serve.tablemasks import view_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.serve.hot.answered import Answer
    from gateway.serve.hot.callers import Callers, Known
    from gateway.serve.services import Services
    from gateway.store.hot import HotReads

_LIVE_TABLE = re.compile(r"/api/v1/tables/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.$-]+)").fullmatch


class Rows:
    """Answers for live tables."""

    def __init__(self, services: Services, reads: HotReads, callers: Callers) -> None:
        self._services = services
        self._reads = reads
        self._callers = callers

    def __call__(self, environ: Mapping[str, Any], known: Known, path: str) -> Answer | None:
        """The page. A source is asked once only: what came of it is said here, or left to be said."""
        named = _LIVE_TABLE(path)
        if named is None or known.caller.partners is not None:
            return None
        connection, table = named[1], named[2]
        if not self._callers.counts(known, *self._reads.state()):
            return None
        if known.sources is None:
            try:
                known.sources = self._services.sources()
            except GatewayError:  # a secret that cannot be read, which the plain lane says
                return None
        source = known.sources.get(connection)
        if source is None or not known.caller.may(f"tables.{connection}:read"):
            return None
        if not view_of(known.configuration, known.caller, connection, table).plain:
            return None  # the plain lane masks, and puts on record
        query = environ.get("QUERY_STRING", "")
        pairs = tuple(parse_qsl(query, keep_blank_values=True, errors="strict")) if query else ()
        try:
            rows = tables.rows_of(self._services, source.live, connection, table, pairs, tuple)
        except Problem as problem:
            if problem.code != "no_key":  # the configuration may declare one
                cast("dict[str, Any]", environ)[tables.TOLD] = problem
            raise
        counted = {} if rows.count is None else {"count": rows.count}
        body = page_of(rows.items, said({"next": rows.cursor, "as_of": rows.as_of} | counted))
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        headers += [("Age", str(int(rows.age_seconds))), ("Cache-Control", "no-store"), *ALWAYS]
        if rows.cursor is not None:
            headers.append(("Link", next_link(path, pairs, rows.cursor)))
        return "200 OK", headers, body
