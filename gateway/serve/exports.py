"""A whole collection, or what filters leave of it, streamed: NDJSON as it is stored, or CSV for a spreadsheet.

An export is one snapshot. Its header ``Gateway-Changes-Since`` is the number of the newest change in it: the change
feed goes on behind that number without gap or overlap. Memory does not depend on how many records there are.

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
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

from gateway.serve.masks import MASKED, on_record
from gateway.serve.problems import Problem
from gateway.store import changes, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.contracts import Field
    from gateway.serve.operations import Call
    from gateway.serve.plans import ListPlan, Plan
    from gateway.store.records import Point

NDJSON, CSV = MEDIA = ("application/x-ndjson", "text/csv")

_FORMULA = "=+-@\t\r"
_TEXTS = frozenset({"text", "code", "gln", "gtin"})
_SYSTEM = ("_key", "_seq", "_version")


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
    if plan.asked.cursor is not None or plan.asked.count:
        raise Problem("bad_parameter", "an export has no pages: cursor and count say nothing of it", "Leave them out.")
    shared = call.shared
    if not shared.exports.acquire(blocking=False):
        raise Problem("too_many_exports", headers={"Retry-After": "10"})
    stack = ExitStack()
    stack.callback(shared.exports.release)
    try:
        connection = stack.enter_context(call.services.database.read())
        at = then(connection)
        since = at.change if at is not None else changes.newest(connection)[0]
        query = replace(planned.query, limit=None)
        if plan.view.personal:
            on_record(call, plan.view, records.count(connection, query, at), fields=plan.asked.fields)
        batches = records.stream(connection, query, at)
        if not plan.whole:
            batches = ([cut(item, plan) for item in batch] for batch in batches)
        body = _lines(batches) if form == NDJSON else _rows(batches, plan)
    except BaseException:
        stack.close()
        raise
    answer = Response(body, 200, mimetype=form)
    answer.headers["Gateway-Changes-Since"] = str(since)
    answer.headers.extend(plan.headers)
    if form == CSV:
        answer.headers["Content-Disposition"] = f'attachment; filename="{plan.contract.collection}.csv"'
    answer.call_on_close(stack.close)
    return answer


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
    writer.writerow([*_SYSTEM, *masked, *(".".join(each.path) for each in columns)])
    for batch in batches:
        for record in map(orjson.loads, batch):
            cells = [record[name] for name in _SYSTEM] + [" ".join(record[name]) for name in masked]
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
