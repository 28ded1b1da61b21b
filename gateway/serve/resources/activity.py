"""The ingestion log: lines behind a number, as a list, as NDJSON, or followed as server-sent events.

A line's `id` ascends in the order in which lines became visible, so whoever asks for what is behind the last one seen
never misses a line. ``wait=25`` holds an empty answer back until there is one, or the time is over.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.serve import auth
from gateway.serve.answers import here, listed, said
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import Flag, Moment, Number, Text
from gateway.serve.problems import Flaw, Problem
from gateway.serve.shapes import ANY_OBJECT, MOMENT, TEXT, WHOLE, Shape, many, maybe, named, thing
from gateway.store import activity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.serve.operations import Call
    from gateway.store.activity import Line

JSON, NDJSON, EVENTS = ACTIVITY_MEDIA = ("application/json", "application/x-ndjson", "text/event-stream")
WAIT_SECONDS_MAX = 25
_ID_MAX = 2**53
_BEAT_EVERY = timedelta(seconds=15)
_PROVEN_FOR = timedelta(seconds=1)
_STREAM_SECONDS = 600
"""A stream ends after this; the client comes back by itself with Last-Event-ID."""

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

    after = Number(0, _ID_MAX, "the id of the last line seen; 0 begins with the oldest", load_default=0)
    wait = Number(
        0, WAIT_SECONDS_MAX, f"how many seconds to wait for a line when there is none, at most {WAIT_SECONDS_MAX}",
        load_default=0,
    )  # fmt: skip
    last = Number(1, 1000, "the last so many lines, instead of those behind a line")
    limit = Number(1, 1000, "how many lines at most, from 1 to 1000", load_default=200)
    problems = Flag("true for lines about problems only")
    since = Moment("a moment such as 2026-11-21T04:00:00Z; older lines are left out")
    grep = Text("a part of the message, upper or lower case")


class ActivityQuery(Following):
    """The same, and ``&integration=&partner=&delivery=``."""

    integration = Text("the name of an integration")
    partner = Text("the name of a partner")
    delivery = Text("the id of a delivery")


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
            media=ACTIVITY_MEDIA,
        ),
    )


def activity_answer(call: Call, **also: Any) -> Response:
    """The lines that the parameters, and `also`, ask for, in the form that Accept asks for."""
    asked = dict(call.parameters) | also
    after, wait, last = asked.pop("after"), asked.pop("wait"), asked.pop("last", None)
    form = request.accept_mimetypes.best_match(ACTIVITY_MEDIA, JSON)
    if form == EVENTS:
        return _stream(call, _last_event(after), asked)
    lines, behind = _awaited(call, after, wait, asked) if last is None else _last(call, last, asked)
    if form == NDJSON:
        answer = Response(b"".join(line_said(line) + b"\n" for line in lines), mimetype=NDJSON)
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
        lines = activity.after(connection, after, **asked)
        full = len(lines) == asked["limit"]
        return lines, lines[-1].id if full else max(after, activity.last(connection))


def _last(call: Call, last: int, asked: dict[str, Any]) -> tuple[list[Line], int]:
    """The last so many lines, and the number to go on behind."""
    with call.services.database.read() as connection:
        return activity.before(connection, None, **(asked | {"limit": last})), activity.last(connection)


def _awaited(call: Call, after: int, wait: int, asked: dict[str, Any]) -> tuple[list[Line], int]:
    """As :func:`_read`, but held back while there is nothing and the time is not over."""
    until = call.services.now() + timedelta(seconds=wait)
    lines, behind = _read(call, after, asked)
    while not lines and not call.services.ending() and (left := (until - call.services.now()).total_seconds()) > 0:
        call.services.wait(min(left, 1.0))
        lines, behind = _read(call, behind, asked)
    return lines, behind


def _last_event(after: int) -> int:
    """Where an event stream goes on: Last-Event-ID when a client comes back."""
    text = request.headers.get("Last-Event-ID")
    if text is None:
        return after
    if not text.isascii() or not text.isdigit() or int(text[:20]) > _ID_MAX:
        detail = "Last-Event-ID is the id of the last line seen, a whole number"
        raise Problem("bad_header", detail, errors=(Flaw("bad_header", detail, header="Last-Event-ID"),))
    return int(text)


def _stream(call: Call, after: int, asked: dict[str, Any]) -> Response:
    """Server-sent events, one thread for each follower."""
    if not call.shared.followers.acquire(blocking=False):
        raise Problem("too_many_followers", headers={"Retry-After": "15"})
    token = auth.token_of(dict(request.headers))
    answer = Response(_events(call, token, after, asked), mimetype=EVENTS)
    answer.headers["X-Accel-Buffering"] = "no"  # a proxy must not collect events before it hands them on
    answer.call_on_close(_once(call.shared.followers.release))
    return answer


def _events(call: Call, token: str | None, after: int, asked: dict[str, Any]) -> Iterator[bytes]:
    services = call.services
    end = services.now() + timedelta(seconds=_STREAM_SECONDS)
    beat = proven = services.now()
    yield b"retry: 2000\n\n"
    while (now := services.now()) < end and not services.ending():
        if now - proven >= _PROVEN_FOR:
            proven = now
            if not _still_valid(call, token):
                return
        if now - beat >= _BEAT_EVERY:
            beat = now
            yield b": still here\n\n"
        lines, after = _read(call, after, asked)
        for line in lines:
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (line.id, line.event.encode(), line_said(line))
        if not lines:
            services.wait(1.0)


def _still_valid(call: Call, token: str | None) -> bool:
    """Whether the key of a stream counts still: one that was revoked meanwhile ends its streams too."""
    with call.services.database.read() as connection:
        try:
            auth.caller(connection, token, call.services.now())
        except Problem:
            return False
    return True


def _once(action: Callable[[], None]) -> Callable[[], None]:
    """The action, done at the first call alone: a response may be closed twice."""
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act
