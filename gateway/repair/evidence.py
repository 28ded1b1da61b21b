"""Why a field has its value: the line of the mapping, the revision, the very bytes, the file and who sent it.

Nothing of it was recorded field by field: a version of a record has its delivery, its byte span and its revision, and
the reader of the format finds the bytes of each path again. That holds for rows of databases as well, whose delivery is
the rows as they were captured.

A document that somebody corrected has its values from the correction, which stands beside the raw bytes in a file of
its own: places are counted in that one, and beside each stands what the raw file holds there.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from edi.findings import Finding as FileFinding
from edi.formats import FORMATS
from gateway.errors import Stop
from gateway.judging import items_of
from gateway.model import DeliveryState
from gateway.normalize.evidence import sources_of
from gateway.positions import Places
from gateway.repair.differences import leaves
from gateway.repair.retention import was_purged
from gateway.routing import Flow
from gateway.store import decisions, deliveries, members, records, repairs
from gateway.store.decisions import Amended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from edi.model import Envelope
    from edi.paths import Path
    from gateway.contracts import Contract
    from gateway.model import Delivery
    from gateway.normalize.evidence import Loops
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.decisions import Decision, RawBytes
    from gateway.store.members import Part
    from gateway.store.records import StoredVersion
    from gateway.store.repairs import PutRight
    from gateway.store.vault import Vault

EARLIER_MAX = 20
"""So many earlier values of a field are told."""
_ONE_ENVELOPE = ("csv", "fixed", "jsonl", "json")
"""Formats whose documents share the envelope of the first, where records are not of several types."""


@dataclass(frozen=True, slots=True)
class Original:
    """What the raw file has in the place of a corrected value: bytes `start` to `end` of it."""

    start: int
    end: int
    line: int
    raw: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one source of a value stands: bytes `start` to `end` of the delivery, and in the format's own words.

    Of a corrected document they are bytes and lines of the correction, and `original` is what the raw file has at the
    same path; None where it has nothing there, or is no correction.
    """

    path: str
    start: int | None
    end: int | None
    line: int | None
    segment: int | None
    tag: str | None
    element: int | None
    component: int | None
    column: str | None
    raw: bytes
    text: str
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value that the field had before, and who brought it; `value` None: there was none."""

    version: int
    change: int
    value: Any
    delivery: str
    name: str
    sender: str


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One value: `rule` is the mapping's expression and `place` its file, line and column; None: no rule fills it.

    `given` says where the mapping gives the value by itself: a ``constant``, or a ``default`` because none of the
    sources has a value; None: it comes from the bytes.
    """

    field: str
    value: Any
    rule: str | None
    place: str | None
    functions: tuple[str, ...]
    tables: tuple[str, ...]
    sources: tuple[Spot, ...]
    earlier: tuple[Earlier, ...]
    given: Literal["constant", "default"] | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a version of a record comes from, and each of its values."""

    contract: str
    key: str
    version: StoredVersion
    delivery: Delivery
    integration: str | None
    revision: str | None
    correction: Decision | None
    """Who corrected the document, when and why: its values are those of the correction, the vault's file `sha256`,
    which stands in the place of bytes `start` to `end` of the raw file."""
    fields: tuple[FieldEvidence, ...]
    part: Part
    """What the document was read from: the file, or a member of an archive, in which all its spots are counted."""
    put_right: tuple[PutRight, ...] = ()
    """Held documents of earlier files that this one put right, because it came in the sheet of a letter."""
    purged: str | None = None
    """Why the bytes are no longer kept; then the values are told without their sources, and without their rules."""

    @property
    def span(self) -> tuple[int, int]:
        """The bytes of the document in the raw file, or in the member of an archive."""
        here = self.version if self.correction is None else self.correction
        return here.start - self.part.origin, here.end - self.part.origin


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains records of one gateway. `routes_of` gives a revision ready to work."""

    database: Database
    vault: Vault
    routes_of: Callable[[str], Routes | None]

    def explain(
        self,
        contract: Contract,
        key: str,
        *,
        field: str = "",
        at: records.Point | None = None,
        partners: tuple[str, ...] | None = None,
    ) -> Evidence | None:
        """The evidence of a record, for the values at `field` and below it; None where there is (or was) no record.

        `partners` are the only ones whose versions are looked at; None: everybody's.

        Raises:
            Stop: the bytes are missing in the vault, or its revision is not known any more.
        """
        with self.database.read() as connection:
            versions = records.history(connection, contract, key, partners=partners)
            versions = [each for each in versions if at is None or each.seq <= at.change]
            if not versions or versions[0].json is None:
                return None
            delivery = _delivery(connection, versions[0].delivery)
            decided = decisions.of_delivery(connection, delivery.number).get(versions[0].document)
            part = members.part_with(connection, delivery, versions[0].document)
            senders = {each.delivery: _delivery(connection, each.delivery) for each in versions[: EARLIER_MAX * 5]}
        this = versions[0]
        if delivery.state is DeliveryState.PURGED:
            fields = tuple(
                FieldEvidence(pointer, value, None, None, (), (), (), _earlier(pointer, versions, senders))
                for pointer, value in leaves(json.loads(versions[0].json))
                if pointer == field or pointer.startswith(f"{field}/")
            )
            why, of = was_purged(delivery), delivery.integration
            return Evidence(contract.id, key, this, delivery, of, this.revision, None, fields, part, purged=why)
        correction = decided if decided is not None and decided.kind == decisions.CORRECTED else None
        here = correction.within(part.origin) if correction is not None else None
        raw: RawBytes = self.vault if here is None else Amended(self.vault, here)
        routes = self.routes_of(this.revision) if this.revision is not None else None
        found = _Document(raw, delivery, part, this, routes) if routes is not None else None
        with closing(Places(raw, part.sha256)) as places, closing(Places(self.vault, part.sha256)) as of_file:
            before = _Before(self.vault, here, part, found, of_file) if here is not None and found is not None else None
            fields = tuple(
                _field(pointer, value, found, before, places, _earlier(pointer, versions, senders))
                for pointer, value in leaves(json.loads(versions[0].json))
                if pointer == field or pointer.startswith(f"{field}/")
            )
        integration = found.flow.integration.name if found is not None else delivery.integration
        right = self._put_right(delivery, found) if found is not None else ()
        return Evidence(contract.id, key, this, delivery, integration, this.revision, correction, fields, part, right)

    def _put_right(self, delivery: Delivery, found: _Document) -> tuple[PutRight, ...]:
        if found.envelope.format != "csv":
            return ()
        row = found.raw.decode(found.envelope.encoding, "replace")
        with self.database.read() as connection:
            return tuple(repairs.put_right_by(connection, delivery, row))


def _delivery(connection: Connection, delivery_id: str) -> Delivery:
    known = deliveries.get(connection, delivery_id)
    assert known is not None, delivery_id
    return known


class _Document:
    """A document of a delivery, with the flow that made a record of it."""

    def __init__(self, raw: RawBytes, delivery: Delivery, part: Part, version: StoredVersion, routes: Routes) -> None:
        candidates = routes.candidates(delivery, part.member)
        if not candidates:
            raise Stop(
                f"the revision {routes.revision} has no integration that takes {delivery.name}",
                "Report it: it is the revision that is said to have judged the delivery.",
            )
        number = version.document - part.origin
        envelope = _envelope(items_of(routes, candidates, raw.chunks(part.sha256)), number)
        flow = routes.route(candidates, envelope, delivery_partner=delivery.partner) if envelope is not None else None
        if envelope is None or not isinstance(flow, Flow):
            raise Stop(
                f"document {version.document} of {delivery.id} is not found in its bytes as it was when it was judged",
                "Report it, with the output of gateway verify --deep.",
            )
        self.routes = routes
        self.candidates = candidates
        self.number = number
        self.envelope = envelope
        self.flow = flow
        self.start = version.start - part.origin
        self.raw = raw.read(part.sha256, self.start, version.end - part.origin)

    def spot(self, path: Path, loops: Loops, written: str, places: Places) -> Spot:
        """Where the value of a path stands."""
        position = FORMATS[self.envelope.format].locate(self.raw, self.envelope, path, loops)
        if position is None:
            return Spot(written, None, None, None, None, None, None, None, None, b"", "")
        cut = self.raw[position.start : position.end]
        start = self.start + position.start
        return Spot(
            written,
            start,
            self.start + position.end,
            places.line_of(start),
            position.segment,
            position.tag,
            position.element,
            position.component,
            position.column,
            cut,
            cut.decode(self.envelope.encoding, "replace"),
        )


class _Before:
    """What the raw file holds for a document that was corrected."""

    def __init__(self, vault: Vault, correction: Decision, part: Part, found: _Document, places: Places) -> None:
        self._start = correction.start
        self._places = places
        self._raw = vault.read(part.sha256, correction.start, correction.end)
        items = items_of(found.routes, found.candidates, vault.chunks(part.sha256))
        self._envelope = _envelope(items, found.number)

    def beside(self, spot: Spot, path: Path, loops: Loops, of_correction: Places) -> Spot:
        """The spot, counted within the correction, with what the raw file has at the same path."""
        if spot.start is None or spot.end is None:
            return replace(spot, original=self._original(path, loops))
        first = of_correction.line_of(self._start)
        line = of_correction.line_of(spot.start) - first + 1
        start, end = spot.start - self._start, spot.end - self._start
        return replace(spot, start=start, end=end, line=line, original=self._original(path, loops))

    def _original(self, path: Path, loops: Loops) -> Original | None:
        if self._envelope is None:
            return None
        position = FORMATS[self._envelope.format].locate(self._raw, self._envelope, path, loops)
        if position is None:
            return None
        start, cut = self._start + position.start, self._raw[position.start : position.end]
        text = cut.decode(self._envelope.encoding, "replace")
        return Original(start, self._start + position.end, self._places.line_of(start), cut, text)


def _envelope(items: Iterator[Any], number: int) -> Envelope | None:
    for item in items:
        if isinstance(item, FileFinding):
            continue
        envelope: Envelope = item.envelope
        if item.number == number or (envelope.format in _ONE_ENVELOPE and envelope.message is None):
            return envelope
    return None


def _field(
    pointer: str,
    value: Any,
    found: _Document | None,
    before: _Before | None,
    places: Places,
    earlier: tuple[Earlier, ...],
) -> FieldEvidence:
    lineage = found.flow.mapper.lineage_of(pointer) if found is not None else None
    if found is None or lineage is None:
        return FieldEvidence(pointer, value, None, None, (), (), (), earlier)
    spots = []
    for written, (path, loops) in zip(lineage.paths, sources_of(found.flow.mapper, pointer), strict=True):
        spot = found.spot(path, loops, written, places)
        spots.append(spot if before is None else before.beside(spot, path, loops, places))
    place = str(lineage.place)
    given: Literal["constant", "default"] | None = None
    if not any(each.text.strip() for each in spots):
        given = "default" if spots else "constant"
    return FieldEvidence(
        pointer, value, lineage.expression, place, lineage.functions, lineage.tables, tuple(spots), earlier, given
    )


def _earlier(pointer: str, versions: Sequence[StoredVersion], senders: dict[str, Delivery]) -> tuple[Earlier, ...]:
    """The values that a field had before, newest first, each with the version that brought it."""
    values = [dict(leaves(json.loads(each.json))).get(pointer) if each.json else None for each in versions]
    runs = [list(run) for _, run in groupby(range(len(values)), key=lambda place: repr(values[place]))]
    found = []
    for run in runs[1 : EARLIER_MAX + 1]:
        each = versions[run[-1]]  # the oldest of those that agree brought the value
        sender = senders.get(each.delivery)
        if sender is not None:
            who = sender.partner or sender.source
            found.append(Earlier(each.version, each.seq, values[run[-1]], sender.id, sender.name, who))
    return tuple(found)
