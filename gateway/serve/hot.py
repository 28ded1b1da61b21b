"""The hot lane: one record, or a page, answered before the framework's dispatch, or left to it.

Most of what a plain request costs is its way through the framework and the store's layers. The lane answers a GET that
asks for a record or a list in the usual way, by a key that it saw before, and by a query that it understood before; it
declines everything else by None, and every doubt, so that no refusal and no explanation is written twice. What it
remembers counts for as long as the mark that is read in the same snapshot as the records says so: a key that was
revoked, a configuration that was applied, on whatever machine, ends it with the next request.

Both lanes answer alike, byte for byte: the parts are made by the same functions (``plans``, ``answers``), and a
property test holds the rest (``tests/gateway/serve/test_hot.py``). ``hot_lane: off`` in gateway.yaml is the switch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from gateway.errors import GatewayError
from gateway.serve import cursors, plans
from gateway.serve.answers import HEADERS, JSON, REQUEST_ID, TRACEPARENT, as_of, next_link, page_of, said
from gateway.serve.auth import Credential, issuers, keys, tokens
from gateway.serve.operations import TAKEN
from gateway.serve.problems import Problem
from gateway.serve.resources import tables
from gateway.store import keys as stored
from gateway.store.deliveries import moment
from gateway.store.hot import HotReads
from gateway.store.staging import table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.protocol import Source
    from gateway.configuration import Configuration
    from gateway.serve.auth import Caller
    from gateway.serve.limits import Limits
    from gateway.serve.metrics import Metrics
    from gateway.serve.plans import ListPlan, Plan, Seen
    from gateway.serve.services import Services
    from gateway.store.hot import Mark, Short
    from gateway.store.pages import Statement

Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status, headers, body."""

_PREFIX = "/api/v1/"
_CALLERS_MAX = 1000
_LISTS_MAX = 1000
_TEXT_MAX = 500
"""So long may a query or a header be that is remembered."""
_KEPT_BYTES_MAX = 64 * 1024 * 1024
_SECONDS = 60.0
"""So long is a statement kept that was chosen by how many rows passed its filters."""
_CURSOR = "00cursor00"
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+(?:~[A-Za-z0-9_.-]+)*").fullmatch
_LIVE_TABLE = re.compile(r"/api/v1/tables/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.$-]+)").fullmatch
_PLAIN_BEARER = re.compile(r"Bearer [A-Za-z0-9._~+/=-]{1,200}").fullmatch
"""One spelling: a key that is spelt in other ways too must not be remembered more than once."""
_PLAIN_QUERY = re.compile(r"[\x21-\x7e]*").fullmatch
_ETAG = re.compile(r'(?:W/)?"([^",]*)"').fullmatch
_ALWAYS = tuple((name, value) for name, value in HEADERS.items() if name != "Cache-Control")
_HEADERS = (("Cache-Control", "private, no-cache"), *_ALWAYS)


@dataclass(slots=True)
class _List:
    """A list that was understood: its plan, the statement that asks for it, and until when that is good."""

    plan: ListPlan
    statement: Statement
    more: tuple[str, str]
    """The link to the next page, before and behind its cursor, which needs no quoting."""
    headers: tuple[tuple[str, str], ...]
    until: float
    page: tuple[Mark, tuple[tuple[str, str], ...], bytes] | None = None
    """The page as it was last answered: as long as the mark is the same, it is the same."""


@dataclass(frozen=True, slots=True)
class _One:
    """A collection whose records are asked for one by one."""

    plan: Plan
    table: str
    parts: int
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Known:
    """A caller that was let in, and what was asked: good for one number of changes to keys, and one revision."""

    caller: Caller
    keys: int
    configuration: Configuration
    until: float | None
    seen: dict[str, Seen] = field(default_factory=dict)
    lists: dict[tuple[str, str], _List] = field(default_factory=dict)
    ones: dict[str, _One] = field(default_factory=dict)
    sources: Mapping[str, Source] | None = None


class HotLane:
    """Answers a WSGI request, or declines it by None."""

    def __init__(self, services: Services, limits: Limits | None, metrics: Metrics) -> None:
        self._services = services
        self._reads = HotReads(services.database)
        self._limits = limits
        self._metrics = metrics
        self._callers: dict[str, _Known] = {}
        self._accepts: dict[str, bool] = {}
        self._tail: tuple[int, str | None, dict[str, Any]] = (-1, None, {})
        self._kept_bytes = 0
        self._numbers = count()
        self._process = services.new_id("req")

    def __call__(self, environ: Mapping[str, Any]) -> Answer | None:
        """The answer; None: the plain lane has it."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(_PREFIX) or self._is_odd(environ):
            return None
        began = self._services.ticks()
        authorization = environ.get("HTTP_AUTHORIZATION")
        known = self._callers.get(authorization) if authorization else None
        try:
            if known is None or (known.until is not None and known.until <= self._services.now().timestamp()):
                known = self._let_in(authorization)
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

    def _taken(self, environ: Mapping[str, Any], known: _Known) -> tuple[tuple[str, str], ...] | None:
        """Take what the request costs, before anything is read for it; None where there is nothing left.

        It is told to the plain lane, which takes no more if it has the request in the end.
        """
        if self._limits is None:
            return ()
        taken = self._limits.take(known.caller.id)
        cast("dict[str, Any]", environ)[TAKEN] = taken
        return taken.headers if taken.retry_after is None else None

    def _finish(self, environ: Mapping[str, Any], known: _Known, name: str, made: Answer, began: float) -> None:
        """Add what every answer has, and count it."""
        status, headers, _ = made
        headers.append(("X-Request-ID", environ.get("HTTP_X_REQUEST_ID") or self._request_id()))
        trace = environ.get("HTTP_TRACEPARENT")
        if trace is not None:
            headers.append(("traceparent", trace))
        self._metrics.count(name, int(status[:3]), self._services.ticks() - began, known.caller.name)

    def _request_id(self) -> str:
        """An id for a request: the process's own and a number."""
        return f"{self._process}{next(self._numbers):08x}"

    def _rows(self, environ: Mapping[str, Any], known: _Known, path: str) -> Answer | None:
        """A page of a live table. A source is asked once only: what came of it is said here, or left to be said."""
        named = _LIVE_TABLE(path)
        if named is None or known.caller.partners is not None:
            return None
        connection, table = named[1], named[2]
        if self._reads.state() != (known.keys, known.configuration.revision):
            self._callers = {name: each for name, each in self._callers.items() if each is not known}
            return None
        if known.sources is None:
            try:
                known.sources = self._services.sources()
            except GatewayError:  # a secret that cannot be read, which the plain lane says
                return None
        source = known.sources.get(connection)
        if source is None or not known.caller.may(f"tables.{connection}:read"):
            return None
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
        headers += [("Age", str(int(rows.age_seconds))), ("Cache-Control", "no-store"), *_ALWAYS]
        if rows.cursor is not None:
            headers.append(("Link", next_link(path, pairs, rows.cursor)))
        return "200 OK", headers, body

    def _is_odd(self, environ: Mapping[str, Any]) -> bool:
        """Whether anything of the request is other than usual, so that the plain lane must look at it."""
        host = environ.get("HTTP_HOST")
        if not host or "," in host or "HTTP_X_API_KEY" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            return True
        query = environ.get("QUERY_STRING", "")
        if environ.get("CONTENT_LENGTH") not in (None, "", "0") or not _PLAIN_QUERY(query) or len(query) > _TEXT_MAX:
            return True
        given, trace = environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_TRACEPARENT")
        if (given is not None and not REQUEST_ID(given)) or (trace is not None and not TRACEPARENT(trace)):
            return True
        accept = environ.get("HTTP_ACCEPT")
        if accept is None:
            return False
        if len(accept) > _TEXT_MAX:
            return True
        taken = self._accepts.get(accept)
        if taken is None:
            if len(self._accepts) >= _CALLERS_MAX:
                self._accepts.clear()
            wanted = parse_accept_header(accept, MIMEAccept)
            taken = self._accepts[accept] = not wanted or wanted.best_match(plans.LIST_MEDIA) == JSON
        return not taken

    def _let_in(self, authorization: str | None) -> _Known | None:
        """Look a caller up who sends an API key, and remember him with the number of changes to keys."""
        if authorization is None or not _PLAIN_BEARER(authorization):
            return None
        token = keys.token_of({"Authorization": authorization}) or ""
        if token.startswith(tokens.PREFIX) or issuers.is_jwt(token):
            return None
        now = self._services.now()
        with self._services.database.read() as connection:
            version = stored.version(connection)
            key = stored.find(connection, keys.sha256_of(token))
        caller = keys.caller_of(key, now, Credential("token", token))
        assert key is not None  # or it would have been refused
        until = key.expires_at.timestamp() if key.expires_at is not None else None
        known = _Known(caller, version, self._services.configuration(), until)
        if len(self._callers) >= _CALLERS_MAX:
            self._callers.clear()
        self._callers[authorization] = known
        return known

    def _counts(self, known: _Known, mark: Mark | Short) -> bool:
        """Whether what is remembered of a caller still counts; else all of it is forgotten."""
        if mark.keys == known.keys and mark.revision == known.configuration.revision:
            return True
        self._callers = {name: each for name, each in self._callers.items() if each is not known}
        return False

    def _one(self, environ: Mapping[str, Any], known: _Known, collection: str, key: str) -> Answer | None:
        one = known.ones.get(collection)
        if one is None:
            one = known.ones[collection] = self._understood(known, collection)
        plan = one.plan
        if (
            environ.get("QUERY_STRING")
            or not _PLAIN_KEY(key)
            or key.count("~") != one.parts - 1
            or not plan.whole
            or plan.view.personal
            or plan.view.partners is not None
        ):
            return None
        read = self._reads.one(plan.contract.id, one.table, key)
        if read is None or not self._counts(known, read[0]) or read[0].settling or read[1] is None:
            return None
        seq, _, body = read[1]
        return self._said(environ, plans.record_tag(plan, seq), one.headers, body, one.headers)

    def _understood(self, known: _Known, collection: str) -> _One:
        plan = plans.for_record(known.configuration, known.caller, collection, [])
        parts = len(plan.contract.key) + plan.contract.per_partner
        return _One(plan, table_of(plan.contract), parts, plan.headers)

    def _list(self, environ: Mapping[str, Any], known: _Known, collection: str) -> Answer | None:
        query = environ.get("QUERY_STRING", "")
        asked = known.lists.get((collection, query))
        if asked is None or asked.until <= self._services.ticks():
            asked = self._planned(known, collection, query)
            if asked is None:
                return None
        planned = asked.plan
        contract = planned.plan.contract.id
        kept = asked.page
        if kept is not None or "HTTP_IF_NONE_MATCH" in environ:
            now = self._reads.mark(contract)
            if now is not None and self._counts(known, now):
                same, headers, body = kept if kept is not None and kept[0] == now else (now, (), None)
                unchanged = self._said(environ, planned.etag(same.change), headers, body, ())
                if unchanged is not None:
                    return unchanged
        read = self._reads.page(contract, asked.statement)
        if read is None or not self._counts(known, read[0]):
            return None
        mark, page = read
        if page is None:
            return None
        cursor = None
        headers = asked.headers
        if page.last is not None:
            cursor = cursors.write(self._services.cursor_secret, planned.identity, page.last)
            headers = (("Link", f"{asked.more[0]}{cursor}{asked.more[1]}"), *headers)
        tail = said({"next": cursor, "as_of": self._as_of(mark)})
        body = page_of(page.items, tail)
        self._keep(asked, mark, headers, body)
        return self._said(environ, planned.etag(mark.change), headers, body, ())

    def _keep(self, asked: _List, mark: Mark, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        """Keep a page for who asks again; when there is too much of that, nothing of it."""
        if mark.settling or len(body) > _KEPT_BYTES_MAX // 64:
            return
        self._kept_bytes += len(body) - (len(asked.page[2]) if asked.page is not None else 0)
        if self._kept_bytes > _KEPT_BYTES_MAX:
            for known in list(self._callers.values()):
                known.lists.clear()
            self._kept_bytes = 0
        asked.page = (mark, headers, body)

    def _planned(self, known: _Known, collection: str, query: str) -> _List | None:
        """Understand a query, and remember it if it is one for this lane."""
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict") if query else []
        if any("\0" in part for pair in pairs for part in pair):
            return None
        newest = all(name != "version" for name, _ in pairs)
        of = known.seen.get(collection) if newest else None
        if of is None:
            of = plans.seen(known.configuration, known.caller, collection, pairs)
            if newest:
                known.seen[collection] = of
        planned = plans.for_list(of, pairs, self._services.cursor_secret)
        plan, asked = planned.plan, planned.plan.asked
        if not plan.whole or plan.view.personal or asked.as_of is not None or asked.count:
            return None
        statement = self._reads.statement(planned.query)
        before, _, behind = next_link(f"{_PREFIX}{collection}", pairs, _CURSOR).partition(_CURSOR)
        made = _List(planned, statement, (before, behind), plan.headers, self._services.ticks() + _SECONDS)
        if len(known.lists) >= _LISTS_MAX:
            known.lists.clear()
        known.lists[collection, query] = made
        return made

    def _as_of(self, mark: Mark) -> dict[str, Any]:
        change, at, told = self._tail
        if change != mark.change or at != mark.at:
            told = as_of(mark.change, moment(mark.at) if mark.at is not None else None)
            self._tail = (mark.change, mark.at, told)
        return told

    def _said(
        self,
        environ: Mapping[str, Any],
        etag: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes | None,
        unchanged: tuple[tuple[str, str], ...],
    ) -> Answer | None:
        """The answer with its entity tag, or the 304 with the headers `unchanged`; None for a tag that is odd."""
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None:
            tag = _ETAG(known)
            if tag is None:
                return None
            if tag[1] == etag:
                return "304 NOT MODIFIED", [("ETag", f'"{etag}"'), *unchanged, *_HEADERS], b""
        if body is None:
            return None
        length = ("Content-Length", str(len(body)))
        return "200 OK", [("Content-Type", JSON), length, ("ETag", f'"{etag}"'), *headers, *_HEADERS], body
