"""A page of a list: its query understood once, its body kept for who asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from gateway.serve import cursors, plans
from gateway.serve.answers import as_of, next_link, page_of, said
from gateway.serve.hot.answered import answered
from gateway.store.deliveries import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.serve.hot.answered import Answer, Headers
    from gateway.serve.hot.callers import Callers, Known
    from gateway.serve.plans import ListPlan
    from gateway.serve.services import Services
    from gateway.store.hot import HotReads, Mark
    from gateway.store.pages import Statement

_PREFIX = "/api/v1/"
_LISTS_MAX = 1000
KEPT_BYTES_MAX = 64 * 1024 * 1024
_SECONDS = 60.0
"""So long is a statement kept that was chosen by how many rows passed its filters."""
_CURSOR = "00cursor00"


@dataclass(slots=True)
class Listed:
    """A list that was understood: its plan, the statement that asks for it, and until when that is good."""

    plan: ListPlan
    statement: Statement
    more: tuple[str, str]
    """The link to the next page, before and behind its cursor, which needs no quoting."""
    headers: Headers
    until: float
    page: tuple[Mark, Headers, bytes] | None = None
    """The page as it was last answered: as long as the mark is the same, it is the same."""


class Lists:
    """Answers for pages."""

    def __init__(self, services: Services, reads: HotReads, callers: Callers) -> None:
        self._services = services
        self._reads = reads
        self._callers = callers
        self._tail: tuple[int, str | None, dict[str, Any]] = (-1, None, {})
        self._kept_bytes = 0

    def __call__(self, environ: Mapping[str, Any], known: Known, collection: str) -> Answer | None:
        """The page that is asked for; None: the plain lane has it."""
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
            if now is not None and self._callers.counts(known, now.keys, now.revision):
                same, headers, body = kept if kept is not None and kept[0] == now else (now, (), None)
                unchanged = answered(environ, planned.etag(same.change), headers, body, ())
                if unchanged is not None:
                    return unchanged
        read = self._reads.page(contract, asked.statement)
        if read is None or not self._callers.counts(known, read[0].keys, read[0].revision):
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
        return answered(environ, planned.etag(mark.change), headers, body, ())

    def _keep(self, asked: Listed, mark: Mark, headers: Headers, body: bytes) -> None:
        """Keep a page for who asks again; when there is too much of that, nothing of it."""
        if mark.settling or len(body) > KEPT_BYTES_MAX // 64:
            return
        self._kept_bytes += len(body) - (len(asked.page[2]) if asked.page is not None else 0)
        if self._kept_bytes > KEPT_BYTES_MAX:
            self._callers.forget_lists()
            self._kept_bytes = 0
        asked.page = (mark, headers, body)

    def _planned(self, known: Known, collection: str, query: str) -> Listed | None:
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
        made = Listed(planned, statement, (before, behind), plan.headers, self._services.ticks() + _SECONDS)
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
