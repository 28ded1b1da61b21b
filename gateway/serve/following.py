"""Following a log whose entries have ascending numbers: held back until there is something, or as server-sent events.

A `Read` gives what is behind a number, and the number to go on behind, which is past what filters left out too. Whoever
waits or has a stream open keeps a thread busy, so there is a bound to how many may, and to how many of them one client
has; the others are told when to ask again. A key that was revoked meanwhile hears nothing more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from flask import Response, current_app, g, request

from gateway.errors import Retry
from gateway.serve.problems import Flaw, Problem, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.serve.operations import Call

JSON, NDJSON, EVENTS = MEDIA = ("application/json", "application/x-ndjson", "text/event-stream")
WAIT_SECONDS_MAX = 30
NUMBER_MAX = 2**53
_PAUSE_SECONDS = 1.0
_BEAT_EVERY = timedelta(seconds=15)
_PROVEN_FOR = timedelta(seconds=1)
_STREAM_SECONDS = 600
"""A stream ends after this; the client comes back by itself with Last-Event-ID."""

T = TypeVar("T")
Events = tuple[list[bytes], int]
"""Events that are ready to be sent, and the number to go on behind."""


def form_of() -> str:
    """Which of :data:`MEDIA` the request wants."""
    return request.accept_mimetypes.best_match(MEDIA, JSON)


def last_event(after: int) -> int:
    """Where an event stream goes on: Last-Event-ID when a client comes back.

    Raises:
        Problem: ``bad_header``.
    """
    text = request.headers.get("Last-Event-ID")
    if text is None:
        return after
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > NUMBER_MAX:
        detail = "Last-Event-ID is the id of the last event seen, a whole number"
        raise Problem("bad_header", detail, errors=(Flaw("bad_header", detail, header="Last-Event-ID"),))
    return int(text)


def refuse_paged(*names: str) -> None:
    """Refuse parameters of pages, which a stream does not have: to ignore them would be no answer to what was asked.

    Raises:
        Problem: ``bad_parameter``.
    """
    refuse(
        Flaw("bad_parameter", f"a stream has no pages: {name} says nothing of it", "Leave it out.", parameter=name)
        for name in names
        if name in request.args
    )


def refuse_ahead(after: int, newest: int) -> None:
    """Refuse to go on behind a line that is not there: lines up to it would be left out without a word.

    Raises:
        Problem: ``lines_ahead``.
    """
    if after > newest:
        detail, remedy = f"line {after} is not there yet: the newest is {newest}", f"Ask with after={newest}."
        came_back = "Last-Event-ID" in request.headers and form_of() == EVENTS
        place = {"header": "Last-Event-ID"} if came_back else {"parameter": "after"}
        flaws = (Flaw("lines_ahead", detail, remedy, **place),)
        raise Problem("lines_ahead", detail, remedy, errors=flaws, more={"newest": newest})


def awaited(call: Call, after: int, wait: int, read: Callable[[int], tuple[list[T], int]]) -> tuple[list[T], int]:
    """What `read` finds, but held back while it finds nothing and the seconds of `wait` are not over.

    Raises:
        Problem: ``too_many_followers``, ``too_many_at_once``; ``key_refused`` where the key ended while it waited.
    """
    until = call.services.now() + timedelta(seconds=wait)
    found, behind = read(after)
    if found or not wait:
        return found, behind
    leave = place(call)
    try:
        while not found and (left := (until - call.services.now()).total_seconds()) > 0 and not call.services.ending():
            if behind == after:  # else there may be more behind what was left out
                call.services.wait(min(left, _PAUSE_SECONDS))
            after = behind
            found, behind = read(after)
    finally:
        leave()
    if found:
        _prove(call)
    return found, behind


def stream(call: Call, after: int, read: Callable[[int], Events]) -> Response:
    """Server-sent events, as `read` makes them with :func:`event`, one thread for each follower.

    Raises:
        Problem: ``too_many_followers``, ``too_many_at_once``.
    """
    leave = place(call)
    answer = Response(_events(call, after, _of_this_request(read)), mimetype=EVENTS)
    answer.headers["X-Accel-Buffering"] = "no"  # a proxy must not collect events before it hands them on
    answer.call_on_close(leave)
    return answer


def event(number: int, data: bytes, name: str | None = None) -> bytes:
    """One event. Whoever listens in a browser hears those without a name as ``message``."""
    named = b"event: %s\n" % name.encode() if name is not None else b""
    return b"id: %d\n%sdata: %s\n\n" % (number, named, data)


def _events(call: Call, after: int, read: Callable[[int], Events]) -> Iterator[bytes]:
    services = call.services
    end = services.now() + timedelta(seconds=_STREAM_SECONDS)
    beat = proven = services.now()
    yield b"retry: 2000\n\n"
    while (now := services.now()) < end and not services.ending():
        try:
            if now - proven >= _PROVEN_FOR:
                proven = now
                _prove(call)
            before = after
            found, after = read(before)
        except (Problem, Retry):  # the client comes back, and is told
            return
        yield from found
        if now - beat >= _BEAT_EVERY:
            beat = now
            # An id without data is no event, and yet where a client goes on that has to come back.
            yield b"id: %d\n: still here\n\n" % after
        if not found and after == before:
            services.wait(_PAUSE_SECONDS)


def _of_this_request(read: Callable[[int], Events]) -> Callable[[int], Events]:
    """What is read later is read for this request, whose own context has ended by then."""
    app, request_id = current_app._get_current_object(), g.get("request_id", "")  # type: ignore[attr-defined]  # noqa: SLF001 - how Flask says that this is done

    def read_later(after: int) -> Events:
        with app.app_context():
            g.request_id = request_id
            return read(after)

    return read_later


def place(call: Call) -> Callable[[], None]:
    """Take a follower's place; what is returned gives it back, once, however often it is called.

    Raises:
        Problem: ``too_many_followers``, ``too_many_at_once``.
    """
    theirs = call.shared.followers.of(call.caller.bucket)
    if not theirs.acquire():
        raise Problem("too_many_followers", headers={"Retry-After": "15"})
    left = [theirs.release]

    def leave() -> None:
        if left:
            left.pop()()

    return leave


def _prove(call: Call) -> None:
    """Refuse a key, token or certificate that was revoked, or ended, since the request began."""
    if call.shared.door.caller(call.caller.credential) != call.caller:
        raise Problem("key_refused", "what the key may do was changed since the request began")
