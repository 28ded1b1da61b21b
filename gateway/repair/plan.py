"""Plan: stored deliveries are judged by the revision in force and by another configuration, side by side.

Nothing is stored: each file is read once, each document mapped by both, and what comes out is compared value by value.
A delivery whose integration, contract and code tables are the same on both sides is not read at all. Documents that a
person decided about (corrected, discarded) are left out: a replay keeps to the decision.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from edi.findings import Finding as FileFinding
from gateway.errors import Stop
from gateway.judging import items_of, peeked
from gateway.model import DeliveryState
from gateway.repair.differences import differences
from gateway.routing import Flow, Unfit
from gateway.store import decisions, deliveries, members
from gateway.store.database import Unwritable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from edi.model import Document, Envelope
    from gateway.integrations import Integration
    from gateway.model import Delivery, Fault, Finding
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.members import Part
    from gateway.store.vault import Vault

    Side = Flow | Unfit | Finding | None

JUDGED = (
    DeliveryState.ACCEPTED,
    DeliveryState.PARTLY_ACCEPTED,
    DeliveryState.QUARANTINED,
    DeliveryState.FAILED,
)
EXAMPLES_MAX = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One document that would end otherwise: where it is, the record's key, and the value before and after."""

    delivery: str
    name: str
    document: int
    key: str
    before: Any
    after: Any


@dataclass(slots=True)
class Differing:
    """Documents that differ in the same field, or that are held for the same code: how many, and some of them."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)

    def add(self, example: Example) -> None:
        """One more; a change of a record that several deliveries brought alike is shown once."""
        self.count += 1
        shown = any(
            (each.key, each.before, each.after) == (example.key, example.before, example.after)
            for each in self.examples
        )
        if not shown and len(self.examples) < EXAMPLES_MAX:
            self.examples.append(example)


@dataclass(slots=True)
class Compared:
    """The documents of one integration: how many are the same, differ, would be held and would be accepted."""

    documents: int = 0
    changed: int = 0
    held: int = 0
    accepted: int = 0
    fields: dict[str, Differing] = field(default_factory=dict)
    """By field, ``/lines/*/price``; the empty one is the whole record."""
    reasons: dict[str, Differing] = field(default_factory=dict)
    """Why documents would be held, by code."""

    @property
    def differ(self) -> int:
        """How many documents would end otherwise."""
        return self.changed + self.held + self.accepted


@dataclass(slots=True)
class Plan:
    """What another configuration would do to the deliveries that are stored."""

    before: str
    after: str
    read: int = 0
    untouched: int = 0
    """Deliveries that the change does not concern, and that were not read."""
    purged: int = 0
    """Deliveries whose bytes are no longer kept, so that nothing can be said of them."""
    decided: int = 0
    """Documents that somebody corrected or gave up, and that are left out."""
    unreadable: list[str] = field(default_factory=list)
    integrations: dict[str, Compared] = field(default_factory=dict)

    @property
    def differ(self) -> int:
        """How many documents would end otherwise."""
        return sum(each.differ for each in self.integrations.values())


def plan(
    database: Database,
    vault: Vault,
    before: Routes,
    after: Routes,
    *,
    integration: str | None = None,
    since: datetime | None = None,
    progress: Callable[[Delivery], None] = lambda _delivery: None,
) -> Plan:
    """Compare `before`, the revision in force, with `after` on every delivery since then."""
    made = Plan(before.revision, after.revision)
    for delivery in _chosen(database, integration, since):
        _compare_delivery(made, database, vault, before, after, delivery, progress)
    return made


def plan_of(database: Database, vault: Vault, before: Routes, after: Routes, delivery: Delivery) -> Plan:
    """Compare `before` with `after` on one delivery."""
    made = Plan(before.revision, after.revision)
    _compare_delivery(made, database, vault, before, after, delivery, lambda _delivery: None)
    return made


def _compare_delivery(
    made: Plan,
    database: Database,
    vault: Vault,
    before: Routes,
    after: Routes,
    delivery: Delivery,
    progress: Callable[[Delivery], None],
) -> None:
    if delivery.state is DeliveryState.PURGED:
        made.purged += 1
        return
    with database.read() as connection:
        parts = members.parts_of(connection, delivery)
    differing = [sides for part in parts if not (sides := _Sides(delivery, part, before, after)).alike()]
    if not differing:
        made.untouched += 1
        return
    progress(delivery)
    with database.read() as connection:
        decided = frozenset(decisions.of_delivery(connection, delivery.number))
    made.decided += len(decided)
    try:
        for sides in differing:
            _compare(made, sides, vault, frozenset(number - sides.part.origin for number in decided))
    except Unwritable:
        raise  # no file's fault: the vault is out of reach
    except Stop as stop:
        made.unreadable.append(f"{delivery.id}: {stop.message}")
    made.read += 1


def _chosen(database: Database, integration: str | None, since: datetime | None) -> Iterator[Delivery]:
    """The deliveries that were judged, newest first."""
    last = None
    while True:
        with database.read() as connection:
            page = deliveries.page(connection, integration=integration, before=last, limit=200)
        for each in page:
            if since is not None and each.received_at < since:
                return
            if each.state in (*JUDGED, DeliveryState.PURGED):
                yield each
        if not page:
            return
        last = page[-1].number


class _Sides:
    """A delivery, or a member of one that is an archive, as two configurations see it."""

    def __init__(self, delivery: Delivery, part: Part, before: Routes, after: Routes) -> None:
        self.delivery = delivery
        self.part = part
        self.routes = (before, after)
        self.candidates = (before.candidates(delivery, part.member), after.candidates(delivery, part.member))

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.delivery.name if self.part.member is None else f"{self.part.member} in {self.delivery.name}"

    def items(self, side: int, chunks: Iterator[bytes]) -> Iterator[Document | FileFinding]:
        """The documents as one of the two reads them."""
        return items_of(self.routes[side], self.candidates[side], chunks)

    def alike(self) -> bool:
        """Whether nothing that judges this delivery differs."""
        one, other = (
            (
                [_meaning(each) for each in candidates],
                [routes.configuration.contract_of(each) for each in candidates],
                dict(routes.configuration.codes) if candidates else {},
                dict(routes.configuration.partners) if candidates else {},
            )
            for routes, candidates in zip(self.routes, self.candidates, strict=True)
        )
        return one == other

    def readers(self, first: bytes) -> list[tuple[str, dict[str, str]] | None]:
        """The reader of each side, None where no integration takes the delivery."""
        return [
            routes.reader_of(candidates, first) if candidates else None
            for routes, candidates in zip(self.routes, self.candidates, strict=True)
        ]

    def flows(self, envelope: Envelope) -> tuple[Side, Side]:
        """What judges documents of this envelope, on each side."""
        partner = self.delivery.partner
        one, other = (
            routes.route(candidates, envelope, delivery_partner=partner) if candidates else None
            for routes, candidates in zip(self.routes, self.candidates, strict=True)
        )
        return one, other


def _meaning(integration: Integration) -> tuple[Any, ...]:
    """What of an integration decides about records."""
    fields, checks = [_plain(line) for line in integration.fields], [each.text for each in integration.checks]
    return (integration.name, integration.format, integration.partner, integration.accept, fields, checks)


def _plain(line: Any) -> Any:
    """A line of a mapping without its place in the file."""
    if hasattr(line, "fields"):
        return (line.target, line.path.text, [_plain(each) for each in line.fields])
    return (line.target, line.expression.text, line.expression.literal)


def _compare(made: Plan, sides: _Sides, vault: Vault, decided: frozenset[int]) -> None:
    chunks, first = peeked(vault.chunks(sides.part.sha256))
    one, other = sides.readers(first)
    if one == other:
        _read_once(made, sides, sides.items(0, chunks), decided)
        return
    streams = [
        _outcomes(sides, side, sides.items(side, vault.chunks(sides.part.sha256)))
        for side, each in enumerate((one, other))
        if each is not None
    ]
    nothing = _Outcome(_name(sides, None, None), None, None, "document.not_found", "it is not found in the file")
    for number, found in groupby(merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        ends = {side: outcome for _, side, outcome in found}
        if number not in decided:
            _note(made, sides, number, ends.get(0, nothing), ends.get(1, nothing))


def _read_once(made: Plan, sides: _Sides, items: Iterator[Document | FileFinding], decided: frozenset[int]) -> None:
    """Map every document by both sides; most are the same, and that is found out with as little as possible."""
    envelope: Envelope | None = None
    one: Side = None
    other: Side = None
    names: tuple[str, ...] | None = None
    compared = Compared()
    for item in items:
        if isinstance(item, FileFinding) or item.number in decided:
            continue
        if item.envelope is not envelope:
            envelope = item.envelope
            one, other = sides.flows(envelope)
            names = _names(sides, one, other)
            compared = made.integrations.setdefault(_name(sides, one, other), Compared())
        if names is not None and item.content is not None and isinstance(one, Flow) and isinstance(other, Flow):
            before, faults = one.mapper.function(item.content, envelope)
            after, more = other.mapper.function(item.content, envelope)
            if not faults and not more and all(repr(before.get(name)) == repr(after.get(name)) for name in names):
                compared.documents += 1
                continue
            if not item.findings:
                _note(made, sides, item.number, _judged(one, before, faults), _judged(other, after, more))
                continue
        _note(made, sides, item.number, _outcome(sides, item, one), _outcome(sides, item, other))


def _names(sides: _Sides, one: Side, other: Side) -> tuple[str, ...] | None:
    """The members of a record that can differ; None where more than the mapping differs, so that all is judged."""
    if not isinstance(one, Flow) or not isinstance(other, Flow):
        return None
    codes = [routes.configuration.codes for routes in sides.routes]
    if one.contract != other.contract or one.partner != other.partner or dict(codes[0]) != dict(codes[1]):
        return None
    lines = [{repr(_plain(line)): line.target for line in flow.integration.fields} for flow in (one, other)]
    differing = {lines[side][each] for side in (0, 1) for each in lines[side].keys() - lines[1 - side].keys()}
    return tuple(sorted({target.partition(".")[0] for target in differing}))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a document ends on one side: a record with its key, or held with a code and a message."""

    integration: str
    key: str | None
    json: bytes | None
    code: str = ""
    message: str = ""


def _outcomes(sides: _Sides, side: int, items: Iterator[Document | FileFinding]) -> Iterator[tuple[int, int, _Outcome]]:
    """Every document's end on one side, where the two sides read the file otherwise."""
    for item in items:
        if not isinstance(item, FileFinding):
            yield item.number, side, _outcome(sides, item, sides.flows(item.envelope)[side])


def _outcome(sides: _Sides, document: Document, flow: Side) -> _Outcome:
    name = _name(sides, flow, flow)
    wrong = next((each for each in document.findings if each.severity == "error"), None)
    if wrong is not None:
        return _Outcome(name, None, None, wrong.code, wrong.message)
    if flow is None:
        return _Outcome(name, None, None, "route.unwanted_file", "no integration takes the file")
    if not isinstance(flow, Flow):
        finding = flow.finding if isinstance(flow, Unfit) else flow
        return _Outcome(name, None, None, finding.code, finding.message)
    return _judged(flow, *flow.mapper(document))


def _judged(flow: Flow, record: dict[str, Any], faults: tuple[Fault, ...]) -> _Outcome:
    """How a mapped document ends."""
    name, value = flow.integration.name, None
    if not faults:
        value, faults = flow.judge.judge(record)
    if value is None or faults:
        fault: Fault = faults[0]
        return _Outcome(name, None, None, fault.code, fault.message)
    key = f"{flow.contract_id} {flow.judge.key(value, flow.partner)}"
    return _Outcome(name, key, flow.judge.dump_json(value))


def _name(sides: _Sides, one: Side, other: Side) -> str:
    for side in (one, other):
        if isinstance(side, Flow | Unfit):
            return side.integration.name
    return sides.delivery.integration or "no integration"


def _note(made: Plan, sides: _Sides, number: int, before: _Outcome, after: _Outcome) -> None:
    """Count a document on its integration's page, with what differs."""
    compared = made.integrations.setdefault(before.integration, Compared())
    compared.documents += 1
    delivery = sides.delivery
    where = (delivery.id, sides.name, number)
    if before.json is None and after.json is None:
        return
    if after.json is None:
        compared.held += 1
        example = Example(*where, before.key or "", json.loads(before.json or b"null"), after.message)
        compared.reasons.setdefault(after.code, Differing()).add(example)
    elif before.json is None:
        compared.accepted += 1
        compared.fields.setdefault("", Differing()).add(
            Example(*where, after.key or "", before.message, json.loads(after.json))
        )
    elif before.json != after.json or before.key != after.key:
        compared.changed += 1
        found = list(differences(json.loads(before.json), json.loads(after.json)))
        if before.key != after.key:
            found.append(("_key", before.key, after.key))
        told = set()
        for pointer, old, new in found:
            pattern = "/".join("*" if part.isdigit() else part for part in pointer.split("/"))
            if pattern not in told:  # a field of several lines is one difference of the document
                told.add(pattern)
                compared.fields.setdefault(pattern, Differing()).add(Example(*where, before.key or "", old, new))
