"""A whole collection, or what filters leave of it, streamed: NDJSON as it is stored, or CSV for a spreadsheet.

An export is one snapshot. Its header ``Gateway-Changes-Since`` is the number of the newest change in it: the change
feed goes on behind that number without gap or overlap. ``Gateway-Records`` says how many records come: a server that
breaks off ends a stream like one that is whole. Memory does not depend on how many there are; a reader who stalls is
left after :data:`SECONDS_MAX`, because until then the store must keep what he has not read.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.serve.masks import on_record
from gateway.serve.problems import Flaw, Problem, refuse
from gateway.serve.sheets import sheet
from gateway.store import changes, lines, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.serve.operations import Call
    from gateway.serve.plans import ListPlan, Plan
    from gateway.store.records import Point

SECONDS_MAX = 900
NDJSON, CSV = MEDIA = ("application/x-ndjson", "text/csv")


def exported(
    call: Call, planned: ListPlan, form: str, then: Callable[[Any], Point | None], cut: Callable[[bytes, Plan], bytes]
) -> Response:
    """The export of a list. `then` is the moment of the past that is asked for; `cut` leaves of a record what is shown.

    Raises:
        Problem: ``too_many_exports``; ``bad_parameter`` for a page of an export.
    """
    plan = planned.plan
    paged = [name for name in ("cursor", "count", "limit") if name in request.args]
    refuse(
        Flaw("bad_parameter", f"an export has no pages: {name} says nothing of it", "Leave it out.", parameter=name)
        for name in paged
    )
    shared = call.shared
    if not shared.exports.acquire(blocking=False):
        raise Problem("too_many_exports", headers={"Retry-After": "10"})
    stack = _Once()
    stack.callback(shared.exports.release)
    try:
        connection = stack.enter_context(call.services.database.read())
        stack.enter_context(lines.sweep(connection))
        at = then(connection)
        since = at.change if at is not None else changes.newest(connection)[0]
        query = replace(planned.query, limit=None)
        count = records.count(connection, query, at)
        on_record(call, plan.view, count, fields=plan.asked.fields)
        body = lines.stream(connection, query, at)
        if plan.view.mask is not None or (form == NDJSON and not plan.whole):
            body = _cut(body, cut, plan)
        if form == CSV:
            masked = plan.view.mask is not None
            body = sheet(body, plan.contract.fields, chosen=plan.asked.fields, masked=masked)
    except BaseException:
        stack.close()
        raise
    answer = Response(body, 200, mimetype=form)
    answer.headers["Gateway-Changes-Since"] = str(since)
    answer.headers["Gateway-Records"] = str(count)
    answer.headers.extend(plan.headers)
    if form == CSV:
        answer.headers["Content-Disposition"] = f'attachment; filename="{plan.contract.collection}.csv"'
    stalled = threading.Timer(SECONDS_MAX, stack.abandon, (connection,))
    stalled.daemon = True
    stack.callback(stalled.cancel)
    stalled.start()
    answer.call_on_close(stack.close)
    return answer


class _Once(ExitStack):
    """Lets go once, whoever comes first: the end of the stream or of its time."""

    def __init__(self) -> None:
        super().__init__()
        self._closing = threading.Lock()

    def close(self) -> None:
        """Let go of all of it."""
        with self._closing:
            super().close()

    def abandon(self, connection: Connection) -> None:
        """Let go of a stream that nobody reads.

        Its connection is closed under its hands: given back, it would serve others while its cursor still holds the
        snapshot.
        """
        connection.invalidate()
        with suppress(Exception):  # its transaction cannot end any more, and everything else is let go of all the same
            self.close()


def _cut(parts: Iterator[bytes], cut: Callable[[bytes, Plan], bytes], plan: Plan) -> Iterator[bytes]:
    """The same lines with what is shown of their records."""
    for part in parts:
        yield b"".join([cut(line, plan) + b"\n" for line in part.splitlines()])
