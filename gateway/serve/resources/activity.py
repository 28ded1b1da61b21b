"""The ingestion log: lines behind a number, as a list, as NDJSON, or followed as server-sent events.

A line's `id` ascends in the order in which lines became visible, so whoever asks for what is behind the last one seen
never misses a line. ``wait=25`` holds an empty answer back until there is one, or the time is over.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Response

from gateway.serve import following, masks
from gateway.serve.answers import here, listed, said
from gateway.serve.following import NUMBER_MAX, WAIT_SECONDS_MAX
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import DeliveryId, Flag, Name, Number, Since, Text
from gateway.serve.shapes import ANY_OBJECT, MOMENT, TEXT, WHOLE, Shape, many, maybe, named, thing
from gateway.store import activity

if TYPE_CHECKING:
    from gateway.serve.operations import Call
    from gateway.store.activity import Line

SHAPES: dict[str, Shape] = {
    "ActivityLine": thing(
        "One line of the ingestion log.",
        id=WHOLE,
        at=MOMENT,
        level=TEXT,
        event=TEXT,
        integration=maybe(TEXT),
        partner=maybe(TEXT),
        delivery=maybe(TEXT),
        message=TEXT,
        data=ANY_OBJECT,
    ),
    "ActivityLines": thing(
        "Lines in their order; next is what to send as after to go on.",
        items=many(named("ActivityLine")),
        next=WHOLE,
        as_of=named("AsOf"),
    ),
}


class Following(Parameters):
    """``?after=&wait=&last=&limit=&problems=&since=&grep=``."""

    after = Number(0, NUMBER_MAX, "the id of the last line seen; 0 begins with the oldest", load_default=0)
    wait = Number(
        0, WAIT_SECONDS_MAX, f"how many seconds to wait for a line when there is none, at most {WAIT_SECONDS_MAX}",
        load_default=0,
    )  # fmt: skip
    last = Number(1, 1000, "the last so many lines, instead of those behind a line")
    limit = Number(1, 1000, "how many lines at most, from 1 to 1000", load_default=200)
    problems = Flag("true for lines about problems only")
    since = Since("a moment such as 2026-11-21T04:00:00Z; older lines are left out")
    grep = Text("a part of the message, upper or lower case")


class ActivityQuery(Following):
    """The same, and ``&integration=&partner=&delivery=``."""

    integration = Name("integration")
    partner = Name("partner")
    delivery = DeliveryId()


def operations() -> tuple[Operation, ...]:
    """The operations of the log."""
    return (
        Operation(
            "list_activity",
            "GET",
            "/api/v1/activity",
            "activity",
            "The ingestion log behind a line: a list, NDJSON, or server-sent events",
            activity_answer,
            scope="activity:read",
            query=ActivityQuery,
            answers={200: "ActivityLines"},
            media=following.MEDIA,
            varies=True,
        ),
    )


def activity_answer(call: Call, **also: Any) -> Response:
    """The lines that the parameters, and `also`, ask for, in the form that Accept asks for."""
    asked = dict(call.parameters) | also | {"partners": call.caller.partners}
    after, wait, last = asked.pop("after"), asked.pop("wait"), asked.pop("last", None)
    form, came_back = following.form_of(), following.last_event(after)
    if form == following.EVENTS:
        following.refuse_paged("last", "limit", "wait")
        with call.services.database.read() as connection:
            following.refuse_ahead(came_back, activity.last(connection))
        return following.stream(call, came_back, lambda behind: _events(call, behind, asked))
    if last is None:
        lines, behind = following.awaited(call, after, wait, lambda behind: _read(call, behind, asked))
    else:
        lines, behind = _last(call, last, asked)
    if form == following.NDJSON:
        answer = Response(b"".join(line_said(line) + b"\n" for line in lines), mimetype=form)
    else:
        answer = listed([line_said(line) for line in lines], cursor=behind, as_of={"time": call.services.now()})
    answer.headers.add("Link", f'<{here(after=str(behind))}>; rel="next"')
    return answer


def line_said(line: Line) -> bytes:
    """A line as it is shown."""
    return said(asdict(line))


def _read(call: Call, after: int, asked: dict[str, Any]) -> tuple[list[Line], int]:
    """The lines, and the number to go on behind: past lines that the filters left out too."""
    with call.services.database.read() as connection:
        lines = activity.after(connection, after, **asked, **_unsaid(call, asked))
        full = len(lines) == asked["limit"]
        behind = lines[-1].id if full else activity.last(connection)
    following.refuse_ahead(after, behind)
    return _seen(call, lines), behind


def _last(call: Call, last: int, asked: dict[str, Any]) -> tuple[list[Line], int]:
    """The last so many lines, and the number to go on behind."""
    with call.services.database.read() as connection:
        wanted = asked | {"limit": last} | _unsaid(call, asked)
        lines, behind = activity.before(connection, None, **wanted), activity.last(connection)
    return _seen(call, lines), behind


def _unsaid(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    """What must not be looked into for a part of a message, by the configuration that is in force now."""
    return {"unsaid": masks.Findings(call).secret()} if "grep" in asked else {}


def _seen(call: Call, lines: list[Line]) -> list[Line]:
    """Lines as the caller sees them: what findings quote may be personal data."""
    if not any(line.event in activity.QUOTING for line in lines):
        return lines
    findings = masks.Findings(call)
    shown = [findings.line(line) for line in lines]
    findings.tell("activity")
    return shown


def _events(call: Call, after: int, asked: dict[str, Any]) -> tuple[list[bytes], int]:
    """As :func:`_read`, each line as an event of its name."""
    lines, behind = _read(call, after, asked)
    return [following.event(line.id, line_said(line), line.event) for line in lines], behind
