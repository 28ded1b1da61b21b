"""The change feed: what became visible behind a number, in its order, without gaps; as pages, NDJSON, or events.

Whoever keeps `next` (or the id of the last event) and asks for what is behind it hears each change once, in the order
in which it became visible, and misses none (E2). ``op`` is ``put``, with the record as it stands from then on,
``delete``, or, for who is limited to partners, ``left``: the record was theirs, and is somebody else's now. What the
caller may not read is left out, and `next` is past it all the same: a request looks on behind it until it has found
something or the newest, but no further than :data:`LOOKS` times :data:`LOOKED` changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from marshmallow import fields, validate

from gateway.serve import cursors, following
from gateway.serve.answers import as_of, here, listed
from gateway.serve.following import NUMBER_MAX, WAIT_SECONDS_MAX
from gateway.serve.masks import on_record, view_of
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import CURSOR, LIMIT, Number
from gateway.serve.problems import Flaw, Problem, nearest
from gateway.serve.resources.deliveries import known
from gateway.serve.shapes import ANY_OBJECT, FLAG, MOMENT, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import changes
from gateway.store.deliveries import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.serve.masks import View
    from gateway.serve.operations import Call
    from gateway.store.changes import Change, Page

LOOKS, LOOKED = 20, 5000
"""So often one request looks on behind a page that is empty for the caller, and for so many changes each time."""

SHAPES: dict[str, Shape] = {
    "Change": thing(
        "One change of one record. type and version are its contract's; record is as it stands from here on, null when "
        "it is gone (op delete), when it is not yours any more (op left: somebody else has sent it, of whom nothing is "
        "said, so that delivery is null), or when what was said here is no longer kept (purged; a later change tells "
        "what came of it). delivery brought what is told.",
        optional=("record",),
        seq=WHOLE,
        type=TEXT,
        version=WHOLE,
        key=TEXT,
        op=words("put", "delete", "left"),
        delivery=maybe(TEXT),
        at=MOMENT,
        purged=FLAG,
        record=maybe(ANY_OBJECT),
    ),
    "Changes": thing(
        "Changes in their order; next is what to send as since to go on. There are more already while next is below "
        "the change of as_of, which is the newest of all.",
        items=many(named("Change")),
        next=WHOLE,
        as_of=named("AsOf"),
    ),
    "DeliveredRecords": page(
        named("Change"),
        "What a delivery made of records, in its order. as_of is the last change that it made; a delivery that was "
        "taken back tells that too.",
    ),
}


BODY = fields.String(
    validate=validate.OneOf(["none"], error="not none"), metadata={"description": "none: leave the records out"}
)


class ChangesQuery(Parameters):
    """``?since=&type=&wait=&limit=&body=``."""

    since = Number(0, NUMBER_MAX, "the number of the last change seen; 0 begins with the oldest", load_default=0)
    type = fields.String(
        validate=validate.Length(1, 2000, error="not 1 to 2000 characters"),
        metadata={"description": "names of types, separated by commas; without it all that the key may read"},
    )
    wait = Number(
        0,
        WAIT_SECONDS_MAX,
        f"how many seconds to wait for a change when there is none, at most {WAIT_SECONDS_MAX}",
        load_default=0,
    )
    limit = LIMIT
    body = BODY


class DeliveredQuery(Parameters):
    """``?limit=&cursor=&body=``."""

    limit = LIMIT
    cursor = CURSOR
    body = BODY


def operations() -> tuple[Operation, ...]:
    """The feed, and what of it one delivery made."""
    return (
        Operation(
            "list_changes",
            "GET",
            "/api/v1/changes",
            "changes",
            "What changed behind a number, in the order in which it became visible: a list, NDJSON, or server-sent "
            "events",
            changes_answer,
            query=ChangesQuery,
            answers={200: "Changes"},
            media=following.MEDIA,
            varies=True,
        ),
        Operation(
            "list_delivery_records",
            "GET",
            "/api/v1/deliveries/{id}/records",
            "deliveries",
            "What a delivery made of records, in its order",
            delivered_records,
            scope="deliveries:read",
            query=DeliveredQuery,
            answers={200: "DeliveredRecords"},
        ),
    )


def changes_answer(call: Call) -> Response:
    """``GET /api/v1/changes?since=8812&type=order&wait=30``."""
    feed = _Feed(call)
    since, wait = call.parameters["since"], call.parameters["wait"]
    form, came_back = following.form_of(), following.last_event(since)
    if form == following.EVENTS:
        following.refuse_paged("limit", "wait")
        since = came_back
        feed.check(since)
        return following.stream(call, since, feed.events)
    items, behind = following.awaited(call, since, wait, feed.items)
    if form == following.NDJSON:
        answer = Response(b"".join(item + b"\n" for item in items), mimetype=form)
    else:
        answer = listed(items, cursor=behind, as_of=feed.as_of)
    answer.headers.add("Link", f'<{here(since=str(behind))}>; rel="next"')
    answer.headers["Gateway-More"] = "true" if behind < feed.as_of["change"] else "false"
    return answer


def delivered_records(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``GET /api/v1/deliveries/d_01j…/records``: the changes that it made, of the types that the caller may read."""
    limit, cursor, bodies = call.parameters["limit"], call.parameters.get("cursor"), "body" not in call.parameters
    views = {name: view_of(call.caller, contract) for name, contract in _readable(call).items()}
    wanted = {name: view.contract for name, view in views.items()}
    with call.services.database.read() as connection:
        delivery = known(connection, call.caller, id)
        seen = sorted((name, *view.parts) for name, view in views.items())
        secret, identity = call.services.cursor_secret, cursors.fingerprint("delivered", delivery.id, seen)
        after = cursors.read(secret, identity, cursor)[0] if cursor else 0
        found = changes.of_delivery(
            connection, delivery.number, after, wanted, limit=limit, bodies=bodies, partners=call.caller.partners
        )
    _tell(call, views, found)
    return listed(
        [_said(each, views[each.contract], bodies=bodies) for each in found.changes],
        cursor=cursors.write(secret, identity, (found.next,)) if found.next < found.newest else None,
        as_of=as_of(found.newest, moment(found.at) if found.at is not None else None),
    )


def _readable(call: Call) -> dict[str, Contract]:
    """The contracts that the caller may read, by their ids.

    Raises:
        Problem: ``scope_missing``: it may read none, whichever there are.
    """
    known_ones = call.services.configuration().contracts.values()
    readable = {each.id: each for each in known_ones if call.caller.may(f"{each.collection}:read")}
    if not readable and not call.caller.may("*:read"):
        raise _unreadable(f"the key {call.caller.name!r} may read no type of records")
    return readable


def _tell(call: Call, views: Mapping[str, View], found: Page) -> None:
    """Have it on record where personal data are read."""
    for name, view in views.items():
        if view.personal:
            on_record(call, view, sum(each.contract == name and each.json is not None for each in found.changes))


def _said(change: Change, view: View, *, bodies: bool) -> bytes:
    """A change as it is served; the record's JSON is as it was stored."""
    op = "left" if change.left else "delete" if change.gone else "put"
    delivery = "null" if change.left else f'"{change.delivery}"'
    head = (
        f'{{"seq":{change.seq},"type":"{view.contract.name}","version":{view.contract.version},'
        f'"key":"{change.key}","op":"{op}","delivery":{delivery},'
        f'"at":"{change.at}","purged":{"true" if change.purged else "false"}'
    )
    if not bodies:
        return head.encode() + b"}"
    return b'%s,"record":%s}' % (head.encode(), view.shown(change.json) if change.json is not None else b"null")


class _Feed:
    """What one request reads of the log: with the types, masks and partners that hold whenever it does."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._names = call.parameters["type"].split(",") if "type" in call.parameters else None
        self._bodies = "body" not in call.parameters
        self.as_of: dict[str, Any] = {}

    def check(self, since: int) -> None:
        """Refuse a number from which nobody can go on.

        Raises:
            Problem: ``changes_ahead``, ``changes_purged``.
        """
        wanted = self._wanted()
        with self._call.services.database.read() as connection:
            self._refuse(connection, since, wanted)

    def items(self, since: int) -> tuple[list[bytes], int]:
        """The changes behind a number, and the number to go on behind."""
        page, wanted = self._page(since)
        self.as_of = {"time": page.at, "change": page.newest}
        return [_said(each, wanted[each.contract], bodies=self._bodies) for each in page.changes], page.next

    def events(self, since: int) -> tuple[list[bytes], int]:
        """The same as events."""
        page, wanted = self._page(since)
        said = [(each.seq, _said(each, wanted[each.contract], bodies=self._bodies)) for each in page.changes]
        return [following.event(seq, data) for seq, data in said], page.next

    def _page(self, since: int) -> tuple[Page, dict[str, View]]:
        call = self._call
        wanted = self._wanted()
        views = {name: view_of(call.caller, contract) for name, contract in wanted.items()}
        with call.services.database.read() as connection:
            self._refuse(connection, since, wanted)
            page = self._found(connection, since, wanted)
        _tell(call, views, page)
        return page, views

    def _found(self, connection: Connection, since: int, wanted: dict[str, Contract]) -> Page:
        """The page behind a number; an empty one has nothing behind it, or more than one request may look through."""

        def page(after: int, limit: int, *, bodies: bool) -> Page:
            partners = self._call.caller.partners
            return changes.page(connection, after, wanted, limit=limit, bodies=bodies, partners=partners)

        found = page(since, self._call.parameters["limit"], bodies=self._bodies)
        for _ in range(LOOKS):
            if found.changes or found.next >= found.newest:
                break
            found = page(found.next, LOOKED, bodies=False)
            if found.changes:
                found = page(found.changes[0].seq - 1, self._call.parameters["limit"], bodies=self._bodies)
        return found

    def _wanted(self) -> dict[str, Contract]:
        """The contracts that are asked for, of those that the caller may read, by their ids.

        Raises:
            Problem: ``scope_missing`` before anything tells whether there is such a type; ``bad_parameter``.
        """
        caller = self._call.caller
        readable = _readable(self._call)
        if self._names is None:
            return readable
        types = {each.name for each in readable.values()}
        for name in self._names:
            if name not in types and not caller.may("*:read"):
                raise _unreadable(f"the key {caller.name!r} may read no type {name!r}")
            if name not in types:
                detail, remedy = f"there is no type {name!r}", nearest(name, types)
                flaw = Flaw("bad_parameter", detail, remedy, parameter="type")
                raise Problem("bad_parameter", detail, remedy, errors=(flaw,))
        return {number: each for number, each in readable.items() if each.name in self._names}

    def _refuse(self, connection: Connection, since: int, wanted: dict[str, Contract]) -> None:
        newest, _ = changes.newest(connection)
        if since > newest:
            detail = f"change {since} is not there yet: the newest is {newest}"
            raise Problem("changes_ahead", detail, f"Ask with since={newest}.", more={"newest": newest})
        first = changes.kept_from(connection, wanted)
        if since < first - 1:
            detail = f"changes behind {since} are no longer kept; the first that is kept is {first}"
            remedy = f"Export the collections, and follow from the change that the export names, or from {first - 1}."
            raise Problem("changes_purged", detail, remedy, more={"first": first})


def _unreadable(detail: str) -> Problem:
    """The refusal of who lacks a scope; it must not tell the name of a collection, and with it that there is one."""
    return Problem(
        "scope_missing",
        detail,
        "Ask the operator for a key that may read its collection.",
        headers={"WWW-Authenticate": 'Bearer realm="gateway", error="insufficient_scope"'},
    )
