"""A whole collection, or what filters leave of it, streamed: NDJSON as it is stored, or CSV for a spreadsheet.

An export is one snapshot. Its header ``Gateway-Changes-Since`` is the number of the newest change in it: the change
feed goes on behind that number without gap or overlap. ``Gateway-Records`` says how many records come: a server that
breaks off ends a stream like one that is whole. Memory does not depend on how many there are; a reader who stalls is
left after :data:`SECONDS_MAX`, because until then the store must keep what he has not read.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula: texts that do get an apostrophe
before them (OWASP, CSV injection); numbers are numbers. Objects become a column for each of their fields, lists stay
JSON.

    >>> from gateway.contracts import Field
    >>> columns_of((Field("number", "text"), Field("ship_to", "object", fields=(Field("city", "text"),))))
    (Column(path=('number',), text=True), Column(path=('ship_to', 'city'), text=True))
"""

from __future__ import annotations

import csv
import io
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request

from gateway.serve.answers import SYSTEM
from gateway.serve.masks import MASKED, on_record
from gateway.serve.problems import Flaw, Problem, refuse
from gateway.store import changes, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from gateway.contracts import Field
    from gateway.serve.operations import Call
    from gateway.serve.plans import ListPlan, Plan
    from gateway.store.records import Point

SECONDS_MAX = 900
NDJSON, CSV = MEDIA = ("application/x-ndjson", "text/csv")

_FORMULA = "=+-@\t\r"
_TEXTS = frozenset({"text", "code", "gln", "gtin"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a CSV export: the way to its value, and whether a formula could stand in it."""

    path: tuple[str, ...]
    text: bool


def columns_of(fields: tuple[Field, ...], before: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of a contract's fields, in their order."""
    found: list[Column] = []
    for each in fields:
        path = (*before, each.name)
        if each.type == "object":
            found += columns_of(each.fields, path)
        else:
            found.append(Column(path, each.type in _TEXTS))
    return tuple(found)


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
        at = then(connection)
        since = at.change if at is not None else changes.newest(connection)[0]
        query = replace(planned.query, limit=None)
        count = records.count(connection, query, at)
        on_record(call, plan.view, count, fields=plan.asked.fields)
        batches = records.stream(connection, query, at)
        if not plan.whole:
            batches = ([cut(item, plan) for item in batch] for batch in batches)
        body = _lines(batches) if form == NDJSON else _rows(batches, plan)
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


def _lines(batches: Iterator[list[bytes]]) -> Iterator[bytes]:
    for batch in batches:
        batch.append(b"")
        yield b"\n".join(batch)


def _rows(batches: Iterator[list[bytes]], plan: Plan) -> Iterator[bytes]:
    chosen = plan.asked.fields
    columns = [each for each in columns_of(plan.contract.fields) if chosen is None or each.path[0] in chosen]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")  # RFC 4180
    masked = [MASKED] if plan.view.mask is not None else []
    writer.writerow([*SYSTEM, *masked, *(".".join(each.path) for each in columns)])
    for batch in batches:
        for record in map(orjson.loads, batch):
            cells = [record[name] for name in SYSTEM] + [" ".join(record.get(name, ())) for name in masked]
            for each in columns:
                value = record.get(each.path[0])
                if len(each.path) > 1:
                    value = _below(value, each.path)
                if value.__class__ is not str:
                    value = "" if value is None else _said(value)
                elif each.text and value[:1] in _FORMULA:
                    value = f"'{value}" if value else value
                cells.append(value)
            writer.writerow(cells)
        yield written.getvalue().encode()
        written.seek(0)
        written.truncate()
    if written.tell():
        yield written.getvalue().encode()


def _below(value: Any, path: tuple[str, ...]) -> Any:
    for name in path[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _said(value: Any) -> str:
    """A number, a truth or a list as it stands in JSON."""
    return orjson.dumps(value).decode()
