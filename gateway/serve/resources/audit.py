"""The audit log: who did what, behind a number; and what its newest row is, to be kept elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway.serve import following
from gateway.serve.answers import here, listed, said
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import Number, Since, Text
from gateway.serve.shapes import ANY_OBJECT, MOMENT, TEXT, WHOLE, Shape, many, named, thing
from gateway.store import audit
from gateway.store.database import stamp

if TYPE_CHECKING:
    from flask import Response

    from gateway.serve.operations import Call

_NUMBER_MAX = 2**53

SHAPES: dict[str, Shape] = {
    "AuditLine": thing(
        "One row of the audit log: who did what (action) to what (subject). hash covers every member, and the hash of "
        "the row before.",
        number=WHOLE,
        at=MOMENT,
        who=TEXT,
        action=TEXT,
        subject=TEXT,
        details=ANY_OBJECT,
        hash=TEXT,
    ),
    "AuditHead": thing("The number and the hash of the newest row.", number=WHOLE, hash=TEXT),
    "AuditLines": thing(
        "Rows in their order; next is what to send as after to go on; head is the newest row of all.",
        items=many(named("AuditLine")),
        next=WHOLE,
        as_of=named("AsOf"),
        head=named("AuditHead"),
    ),
}


class AuditQuery(Parameters):
    """``?after=&last=&limit=&action=&subject=&who=&since=``."""

    after = Number(0, _NUMBER_MAX, "the number of the last row seen; 0 begins with the oldest", load_default=0)
    last = Number(1, 1000, "the last so many rows, instead of those behind a row")
    limit = Number(1, 1000, "how many rows at most, from 1 to 1000", load_default=200)
    action = Text("what was done, as in discarded")
    subject = Text("what it was done to, as in delivery d_01m7…, whole")
    who = Text("who did it; worker is the gateway itself")
    since = Since("a moment such as 2026-11-21T04:00:00Z; older rows are left out")


def operations() -> tuple[Operation, ...]:
    """The operations of the audit log."""
    return (
        Operation(
            "list_audit",
            "GET",
            "/api/v1/audit",
            "audit",
            "Who did what, behind a row; each row's hash covers the row before it",
            audit_list,
            scope="audit:read",
            query=AuditQuery,
            answers={200: "AuditLines"},
        ),
    )


def audit_list(call: Call) -> Response:
    """``GET /api/v1/audit?after=120&action=discarded``."""
    asked = dict(call.parameters)
    after, last, limit, since = (
        asked.pop("after"),
        asked.pop("last", None),
        asked.pop("limit"),
        asked.pop("since", None),
    )
    chosen = asked | {"since": stamp(since) if since is not None else None}
    with call.services.database.read() as connection:
        newest = audit.head(connection)
        if last is None:
            lines = audit.after(connection, after, limit=limit, **chosen)
        else:
            lines = audit.last(connection, limit=last, **chosen)
    if last is None:
        following.refuse_ahead(after, newest.number)
    full = last is None and len(lines) == limit
    behind = lines[-1].number if full else newest.number
    items = [said(asdict(line)) for line in lines]
    answer = listed(items, cursor=behind, as_of={"time": call.services.now()}, more={"head": asdict(newest)})
    answer.headers.add("Link", f'<{here(after=str(behind))}>; rel="next"')
    return answer
