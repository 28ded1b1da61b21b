"""A page of a list: its query understood once, its body kept for who asks again."""

from __future__ import annotations

import re
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
    from gateway.serve.hot.forms import Form, Question
    from gateway.serve.plans import Pairs
    from gateway.serve.services import Services
    from gateway.store.hot import HotReads, Mark

_PREFIX = "/api/v1/"
_LISTS_MAX = 1000
KEPT_BYTES_MAX = 64 * 1024 * 1024
_SECONDS = 60.0
"""So long is a statement kept that was chosen by how many rows passed its filters."""
_CURSOR = "00cursor00"
_SIMPLE = re.compile(r"[\w.~-]+=[\w.~-]*(?:&[\w.~-]+=[\w.~-]*)*", re.ASCII).fullmatch
"""A query in which nothing is quoted, nor would be."""


@dataclass(slots=True)
class Listed:
    """A list that was understood: what is to be asked for it, and what of the answer is known before."""

    contract: str
    question: Question
    more: tuple[str, str]
    """The link to the next page, before and behind its cursor, which needs no quoting."""
    headers: Headers
    unchanged: Headers
    """What the 304 has instead."""
    again: bool = False
    page: tuple[Mark, Headers, bytes] | None = None
    """The page as it was answered the second time: as long as the mark is the same, it is the same."""


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
        if asked is None or asked.question.until <= self._services.ticks():
            asked = self._understood(known, collection, query)
            if asked is None:
                return None
        question, kept = asked.question, asked.page
        if kept is not None or "HTTP_IF_NONE_MATCH" in environ:
            now = self._reads.mark(asked.contract)
            if now is not None and self._callers.counts(known, now.keys, now.revision):
                same, headers, body = kept if kept is not None and kept[0] == now else (now, (), None)
                unchanged = answered(environ, plans.list_tag(same.change, question.tag), headers, body, asked.unchanged)
                if unchanged is not None:
                    return unchanged
        read = self._reads.page(asked.contract, question.statement, question.values)
        if read is None or not self._callers.counts(known, read[0].keys, read[0].revision):
            return None
        mark, page = read
        if page is None:
            return None
        cursor = None
        headers = asked.headers
        if page.last is not None:
            cursor = cursors.write(self._services.cursor_secret, question.identity, page.last)
            headers = (("Link", f"{asked.more[0]}{cursor}{asked.more[1]}"), *headers)
        body = page_of(page.items, said({"next": cursor, "as_of": self._as_of(mark)}))
        self._keep(asked, mark, headers, body)
        return answered(environ, plans.list_tag(mark.change, question.tag), headers, body, asked.unchanged)

    def _keep(self, asked: Listed, mark: Mark, headers: Headers, body: bytes) -> None:
        """Keep a page for who asks again and again; when there is too much of that, nothing of it."""
        if not asked.again:  # most pages are asked for once
            asked.again = True
            return
        if mark.settling or len(body) > KEPT_BYTES_MAX // 64:
            return
        self._kept_bytes += len(body) - (len(asked.page[2]) if asked.page is not None else 0)
        if self._kept_bytes > KEPT_BYTES_MAX:
            self._callers.forget_lists()
            self._kept_bytes = 0
        asked.page = (mark, headers, body)

    def _understood(self, known: Known, collection: str, query: str) -> Listed | None:
        """Understand a query, and remember it if it is one for this lane."""
        is_simple = _SIMPLE(query) is not None
        if is_simple:
            pairs = [(name, text) for name, _, text in [each.partition("=") for each in query.split("&")]]
        else:
            pairs = parse_qsl(query, keep_blank_values=True, errors="strict") if query else []
            if any("\0" in part for pair in pairs for part in pair):
                return None
        names, texts = tuple([pair[0] for pair in pairs]), [pair[1] for pair in pairs]
        if len(set(names)) < len(names):
            return None  # the plain lane puts what has one name together, also in the link to the next page
        secret, now = self._services.cursor_secret, self._services.ticks()
        form = known.forms.find(collection, names, texts)
        question = form.question(texts, secret, now) if form is not None else None
        if form is None or question is None:
            form = self._learned(known, collection, pairs, now)
            question = form.question(texts, secret, now) if form is not None else None
            if form is None or question is None:
                return None
        more = _more_of(form.path, query) if is_simple else _more(f"{_PREFIX}{collection}", pairs)
        made = Listed(form.of.contract.id, question, more, form.headers, form.unchanged)
        if len(known.lists) >= _LISTS_MAX:
            known.lists.clear()
        known.lists[collection, query] = made
        return made

    def _learned(self, known: Known, collection: str, pairs: Pairs, now: float) -> Form | None:
        """The form of a query that is like none before, and its statement; None if it is none for this lane."""
        names, texts = tuple(name for name, _ in pairs), [text for _, text in pairs]
        newest = "version" not in names
        of = known.seen.get(collection) if newest else None
        if of is None:
            of = plans.seen(known.configuration, known.caller, collection, pairs)
            if newest:
                known.seen[collection] = of
        planned = plans.for_list(of, pairs, self._services.cursor_secret)
        plan, asked, query = planned.plan, planned.plan.asked, planned.query
        if not plan.whole or plan.view.personal or asked.as_of is not None or asked.count or plans.strange(of, asked):
            return None
        form = known.forms.find(collection, names, texts) or known.forms.learn(collection, names, texts, of, planned)
        walk = self._reads.walk(query)
        form.keep(texts, query, self._reads.statement(query, walk=walk), walk=walk, until=now + _SECONDS)
        return form

    def _as_of(self, mark: Mark) -> dict[str, Any]:
        change, at, told = self._tail
        if change != mark.change or at != mark.at:
            told = as_of(mark.change, moment(mark.at) if mark.at is not None else None)
            self._tail = (mark.change, mark.at, told)
        return told


def _more(path: str, pairs: Pairs) -> tuple[str, str]:
    """The link to the next page, before and behind its cursor."""
    before, _, behind = next_link(path, pairs, _CURSOR).partition(_CURSOR)
    return before, behind


def _more_of(path: str, query: str) -> tuple[str, str]:
    """The same of a query in which nothing is quoted."""
    kept = "".join([f"{each}&" for each in query.split("&") if not each.startswith("cursor=")])
    return f"<{path}?{kept}cursor=", '>; rel="next"'
