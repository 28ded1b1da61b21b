"""One pass over the bytes of a delivery: every document is read, routed, mapped and judged, to the end of the file.

What comes out is a batch: accepted documents as they will be stored, held ones with their findings, and the counters.
A full batch is handed to `flush` and emptied, so that memory stays bounded whatever the file's size (P8).
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from edi.findings import CODES, Position
from edi.findings import Finding as FileFinding
from edi.formats import FORMATS
from edi.model import Document, Envelope
from gateway.model import TOMBSTONE, DeliveryState, DocumentState, Fault, Finding
from gateway.positions import Places, of_document, of_file
from gateway.receive.archives import CODES as ARCHIVE_CODES
from gateway.receive.archives import kind_of
from gateway.receive.archives.kinds import FIRST_BYTES
from gateway.routing import Flow, Unfit, of_its_kind, unwanted_file
from gateway.store import quarantine, repairs
from gateway.store.members import Part, moved
from gateway.store.quarantine import Held
from gateway.store.repairs import Returned
from gateway.store.staging import GONE, Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway.contracts import Contract
    from gateway.integrations import Accept, Integration
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.decisions import RawBytes

ROWS_A_BATCH = 20_000
BYTES_A_BATCH = 8 * 1024 * 1024
ABOUT_FILE_MAX = 1_000
RETURNED_MAX = 50_000
"""So many rows of a file close held documents: more than a sheet has."""
FINDING_BYTES = 600
"""What a finding weighs in a batch beside its texts, about."""
INDEXED_CHARACTERS_MAX = 300
"""A key, or a value that can be searched, is no longer: PostgreSQL's indexes take 2,700 bytes for both together."""
_SOME = 0xF
"""Of so many documents one calls `stay_alive`, however much was read for the first of them."""
TOLD_MAX = 20
"""So many findings of a delivery are told in the log; all of them stand in the quarantine."""


@dataclass(slots=True)
class Batch:
    """What was judged and is not in the store yet, and the counters of the whole delivery."""

    accepted: dict[str, list[Staged]] = field(default_factory=dict)
    """By contract id."""
    contracts: dict[str, Contract] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    """The field that says which of two documents is newer, by contract id."""
    held: list[Held] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    count: Counter[DocumentState] = field(default_factory=Counter)
    """Of documents that are in the store already, out of sight, or held."""
    about_file: list[Finding] = field(default_factory=list)
    noted: list[Finding] = field(default_factory=list)
    """Warnings and notes that hold nothing."""
    outcome: dict[int, DocumentState] | None = None
    """Where each document ended that is judged again; None in the first pass, where nobody asks for single ones."""
    told: list[Finding] = field(default_factory=list)
    accepts: set[Accept] = field(default_factory=set)
    """What the integrations that took documents say of bad ones."""
    partners: set[str | None] = field(default_factory=set)
    """Whose documents they are, as their envelopes or integrations say."""
    findings: int = 0
    left_out: int = 0
    """How many findings of held documents are kept, and how many are more than the quarantine takes."""
    flushed: bool = False
    returned: dict[int, Returned] = field(default_factory=dict)
    """Rows of a sheet that a letter gave out, which are taken as far as is known: document → what they stand for."""
    is_sheet: bool = False
    """Whether any row was one of those."""

    def accept(self, flow: Flow, row: Staged) -> None:
        """Keep an accepted document."""
        rows = self.accepted.get(flow.contract_id)
        if rows is None:
            rows = self.accepted[flow.contract_id] = []
            self.contracts[flow.contract_id] = flow.contract
            self.versions[flow.contract_id] = flow.integration.version
        rows.append(row)
        self.size += len(row.json)
        self.rows += 1

    def ended(self, rows: list[Staged], state: DocumentState) -> None:
        """Note where documents ended, when that is asked for."""
        if self.outcome is not None:
            self.outcome |= {row.document: state for row in rows}

    def came_again(self, document: int, row: Returned) -> None:
        """Note which held documents a row stands for, until it is found that it is not taken."""
        self.is_sheet = True
        if len(self.returned) < RETURNED_MAX:
            self.returned[document] = row

    def tell_of_file(self, finding: Finding) -> None:
        """Keep a finding about the file: every error until there is one, and as many others as anybody reads."""
        if len(self.about_file) < ABOUT_FILE_MAX or (finding.severity == "error" and not self.in_doubt()):
            self.about_file.append(finding)
        else:
            self.left_out += 1

    def in_doubt(self) -> bool:
        """Whether a finding about the file holds all of it."""
        return any(each.severity == "error" for each in self.about_file)

    def total(self) -> int:
        """How many documents were judged."""
        return sum(self.count.values()) + sum(map(len, self.accepted.values()))


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be judged: a delivery by certain integrations; `only` chooses documents, number → the id they have.

    `leave` are documents that another pass judges, or nobody any more. `end` is where a corrected document must end.
    """

    delivery: Delivery
    candidates: list[Integration]
    hold_all: bool = False
    only: dict[int, str] | None = None
    leave: frozenset[int] = frozenset()
    end: int | None = None
    parts: tuple[Part, ...] | None = None
    """What is read: the members of an archive; None is the delivery's own file."""
    whole: frozenset[int] = frozenset()
    """Origins of the parts all of whose documents are wanted, where `only` chooses one of them."""
    about_file: tuple[Finding, ...] = ()
    """What was found of the file before it is read."""

    @property
    def part(self) -> Part:
        """The only part of a task for one."""
        (part,) = self.parts or (Part(None, self.delivery.sha256, self.delivery.size),)
        return part

    def wants(self, number: int) -> bool:
        """Whether the document with this number of the delivery is to be judged now."""
        if number in self.leave:
            return False
        return self.only is None or number in self.only or self.part.origin in self.whole

    def one_by_one(self, routes: Routes) -> Iterator[Task]:
        """A task for each part that holds documents which are wanted."""
        if self.parts is None:
            yield self
            return
        for part in self.parts:
            if self.only is None or any(part.holds(number) for number in self.only):
                candidates = routes.candidates(self.delivery, part.member)
                yield replace(self, parts=(part,), candidates=candidates)


class Watch:
    """Looks on while deliveries are judged; this one does nothing. `ProcessorTime` is one that acts."""

    def turn_to(self, delivery: Delivery) -> None:
        """Whatever happens from now on happens because of this delivery."""

    def begin(self) -> None:
        """It is judged from now on."""

    def progressed(self) -> None:
        """Judging got on: bytes were read, or documents judged."""

    def end(self) -> None:
        """It is not judged any more, or not now."""


class Judging:
    """The pass. `new_id` names documents that are held."""

    def __init__(self, vault: RawBytes, routes: Routes, new_id: Callable[[str], str]) -> None:
        self._vault = vault
        self._routes = routes
        self._new_id = new_id

    def run(
        self,
        task: Task,
        flush: Callable[[Batch], None],
        stay_alive: Callable[[], None] = lambda: None,
        batch: Batch | None = None,
    ) -> Batch:
        """Judge every document; the last batch is returned, not flushed. `batch` is one to go on with.

        `stay_alive` is called as bytes are read and documents judged.
        """
        if batch is None:
            batch = Batch(outcome=None if task.only is None else {})
            for each in task.about_file:
                batch.tell_of_file(each)
        for of_part in task.one_by_one(self._routes):
            with closing(Places(self._vault, of_part.part.sha256)) as places:
                self._read(of_part, batch, places, flush, stay_alive)
        return batch

    def _read(
        self,
        task: Task,
        batch: Batch,
        places: Places,
        flush: Callable[[Batch], None],
        stay_alive: Callable[[], None],
    ) -> None:
        part = task.part
        chunks = _watched(self._vault.chunks(part.sha256), stay_alive)
        if not task.candidates:
            self._unwanted(task, batch, next(chunks, b""))
            return
        envelope: Envelope | None = None
        flow: Flow | Unfit | Finding | None = None
        readable = True
        is_sheet = False
        for item in items_of(self._routes, task.candidates, chunks):
            if isinstance(item, FileFinding):
                readable = readable and item.severity != "error"
                for found in (of_file(item), *(self._of_columns(task, item) if readable else ())):
                    batch.tell_of_file(moved(found, part))
                continue
            if not item.number & _SOME:
                stay_alive()
            if not task.wants(item.number + part.origin):
                continue
            if item.envelope is not envelope:
                envelope = item.envelope
                flow = self._route(task, envelope)
                if isinstance(flow, Flow | Unfit):
                    batch.accepts.add(flow.integration.accept)
                batch.partners.add(flow.partner if isinstance(flow, Flow) else None)
                is_sheet = _is_sheet(item)
            if is_sheet and isinstance(flow, Flow):
                references = tuple(filter(None, map(repairs.reference_of, item.content)))
                if references:
                    batch.came_again(item.number + part.origin, Returned(references, flow.integration.name))
            if task.end is not None and item.end != task.end:
                found = (not_one(item.number, item.start, task.end, item.end - item.start),)
                self._hold(task, batch, item, None if isinstance(flow, Finding) else flow, found)
            elif isinstance(flow, Finding):
                self._hold(task, batch, item, None, _unreadable(item, places) or (places.of_route(flow, item),))
            elif isinstance(flow, Unfit):
                self._hold(
                    task, batch, item, flow, _unreadable(item, places) or (places.of_header(flow.finding, item),)
                )
            elif flow is not None:
                self._judge(task, batch, item, flow, places)
            if batch.rows >= ROWS_A_BATCH or batch.size >= BYTES_A_BATCH:
                flush(batch)
                batch.flushed = True

    def _route(self, task: Task, envelope: Envelope) -> Flow | Unfit | Finding:
        of = task.delivery
        return self._routes.route(task.candidates, envelope, delivery_partner=of.partner, delivery_id=of.id)

    def _judge(self, task: Task, batch: Batch, document: Document, flow: Flow, places: Places) -> None:
        """One document: map it and judge it; a record, or a held document with all its findings."""
        found = [of_document(each, document, places) for each in document.findings] if document.findings else []
        if not found or not any(each.severity == "error" for each in found):
            mapper, judge = flow.mapper, flow.judge
            gone = _is_tombstone(task, document)
            if gone:
                mapper, judge = self._routes.farewell(flow)
            record, faults = mapper(document)
            if faults and not gone and batch.findings < quarantine.FINDINGS_MAX:
                faults += judge.beside(record, faults)
            elif not faults:
                value, faults = judge.judge(record)
                if value is not None and not faults:
                    row = _farewell(document, flow, value) if gone else _row(document, flow, value, task.part.origin)
                    faults = _too_long(row, flow)
                    if not faults and not task.hold_all:
                        batch.noted += [moved(each, task.part) for each in found]
                        batch.accept(flow, row)
                        return
            found += [places.of_fault(fault, document, mapper) for fault in faults]
        self._hold(task, batch, document, flow, tuple(found))

    def _of_columns(self, task: Task, finding: FileFinding) -> Iterator[Finding]:
        """What is wrong with the header of a file without documents, of which each would say so otherwise."""
        if finding.columns is not None:
            envelope = Envelope("csv", columns=finding.columns)  # no other format has a header
            flow = self._route(task, envelope)
            if isinstance(flow, Unfit):
                at = finding.position
                yield replace(flow.finding, start=at.start, end=at.end, line=at.line)

    def _unwanted(self, task: Task, batch: Batch, first: bytes) -> None:
        """A member that no integration wants is one document, as a file would be."""
        if task.wants(task.part.origin + 1):
            finding = replace(unwanted_file(task.delivery, first, task.part), document=1)
            self._hold(task, batch, Document(1, 0, task.part.size, None, Envelope("")), None, (finding,))

    def _hold(
        self, task: Task, batch: Batch, document: Document, flow: Flow | Unfit | None, findings: tuple[Finding, ...]
    ) -> None:
        origin, number = task.part.origin, task.part.origin + document.number
        kept = findings[: max(1, quarantine.FINDINGS_MAX - batch.findings)]
        kept = tuple(moved(each, task.part) for each in kept)
        batch.findings += len(kept)
        batch.size += sum(FINDING_BYTES + len(each.message) + len(each.remedy) for each in kept)
        batch.left_out += len(findings) - len(kept)
        state = DocumentState.QUARANTINED if flow is not None else DocumentState.UNROUTED
        batch.held.append(
            Held(
                (task.only or {}).get(number) or self._new_id("doc"),
                number,
                state,
                flow.integration.name if flow is not None else None,
                flow.contract_id if flow is not None else None,
                document.start + origin,
                document.end + origin,
                kept,
            )
        )
        batch.count[state] += 1
        batch.rows += 1
        batch.returned.pop(number, None)
        batch.told.extend(kept[: max(0, TOLD_MAX - len(batch.told))])


def items_of(
    routes: Routes, candidates: Sequence[Integration], chunks: Iterator[bytes]
) -> Iterator[Document | FileFinding]:
    """The documents of one part, read for the integrations that want it; what can hold none is one finding."""
    chunks, first = peeked(chunks)
    format_name, options = routes.reader_of(candidates, first)
    foreign = kind_of(first)
    if foreign is not None:
        what = f"it is {foreign.words}, and {format_name} was expected"
        span = Position(0, min(len(first), FIRST_BYTES))
        return iter([FileFinding(foreign.code, what, (CODES | ARCHIVE_CODES)[foreign.code].remedy, span)])
    items = FORMATS[format_name].read(chunks, options)
    return of_its_kind(items, first, dict.fromkeys(each.format.name for each in candidates))


def _row(document: Document, flow: Flow, value: dict[str, Any], origin: int) -> Staged:
    """What was judged, as it will be stored."""
    judge = flow.judge
    return Staged(
        judge.key(value, flow.partner),
        document.number + origin,
        document.start + origin,
        document.end + origin,
        judge.dump_json(value).decode(),
        judge.columns(value),
    )


def _is_sheet(first: Document) -> bool:
    """Whether a file looks like a sheet of refused rows, by its header, or without one by its first row."""
    columns, content = first.envelope.columns, first.content
    if first.envelope.format != "csv" or not isinstance(content, list) or not content:
        return False
    if columns:
        return any(each.rstrip("_") == repairs.COLUMN for each in columns)
    return repairs.reference_of(content[-1]) is not None


def _is_tombstone(task: Task, document: Document) -> bool:
    """Whether a line of a table says that its row is gone."""
    content = document.content
    return task.delivery.source.startswith("table://") and isinstance(content, dict) and content.get(TOMBSTONE) is True


def _farewell(document: Document, flow: Flow, value: dict[str, Any]) -> Staged:
    """The version that takes the record of a row away that is gone."""
    key = flow.judge.key(value, flow.partner)
    columns = (None,) * len(flow.contract.columns())
    return Staged(key, document.number, document.start, document.end, GONE, columns)


def _too_long(row: Staged, flow: Flow) -> tuple[Fault, ...]:
    """The faults of a record whose key, or a value that can be searched, is longer than an index takes."""
    if len(row.json) <= INDEXED_CHARACTERS_MAX and len(row.key) <= INDEXED_CHARACTERS_MAX:
        return ()
    names = [each.name for each in flow.contract.columns()]
    long = [name for name, value in zip(names, row.columns, strict=True) if _is_long(value)]
    if not long and _is_long(row.key):
        long = [flow.contract.key[0]]
    return tuple(
        Fault(
            code="record.too_long",
            message=f"{name} is too long to be searched for: it may have {INDEXED_CHARACTERS_MAX} characters",
            remedy="Shorten the value; or take filter and sort from the field, or bound its length in the contract.",
            target=f"/{name}",
        )
        for name in long
    )


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > INDEXED_CHARACTERS_MAX


def _watched(chunks: Iterator[bytes], seen: Callable[[], None]) -> Iterator[bytes]:
    for chunk in chunks:
        seen()
        yield chunk


def doubt(batch: Batch, *, size: int) -> Finding | None:
    """The finding for which the whole file, of `size` bytes, must be held, if there is one."""
    fatal = next((each for each in batch.about_file if each.severity == "error"), None)
    if fatal is not None:
        return fatal
    held = batch.count[DocumentState.QUARANTINED] + batch.count[DocumentState.UNROUTED]
    total = batch.total()
    bad = f"{held} of {total} documents {'is' if held == 1 else 'are'} bad"
    if not held or held == total:
        return None
    if any(each.unit == "file" for each in batch.accepts):
        return Finding(
            code="accept.file",
            severity="error",
            message=f"{bad}, and this integration takes a file whole or not at all",
            remedy="Correct the documents that have findings, or change accept: in the integration; then retry.",
            start=0,
            end=size,
        )
    limit = min((each.hold_above for each in batch.accepts if each.hold_above is not None), default=None)
    if limit is not None and held / total > limit:
        return Finding(
            code="accept.share",
            severity="error",
            message=f"{bad}; above {limit * 100:.4g} % of them the file is held",
            remedy="Correct the documents that have findings and send the file again, or retry the others by hand.",
            start=0,
            end=size,
        )
    return None


def not_one(document: int, start: int, end: int, read: int) -> Finding:
    """The finding of a correction, at `start` to `end`, of which a document takes the first `read` bytes."""
    return Finding(
        code="document.not_one",
        severity="error",
        message=f"the correction has {end - start} bytes, and one document takes the first {read} of them",
        remedy="Correct it again with exactly one document: one row, one element, one object, one message.",
        start=start,
        end=end,
        document=document,
    )


def state_of(count: Counter[DocumentState]) -> DeliveryState:
    """The state of a finished delivery from where its documents ended."""
    closed = sum(count[each] for each in quarantine.CLOSED)
    held = count[DocumentState.QUARANTINED] + count[DocumentState.UNROUTED] + closed
    taken = sum(count.values()) - held
    if not held:
        return DeliveryState.ACCEPTED
    if taken:
        return DeliveryState.PARTLY_ACCEPTED
    return DeliveryState.DISCARDED if held == closed else DeliveryState.QUARANTINED


def peeked(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """The chunks, and the first of them beside."""
    first = next(chunks, b"")

    def all_of_them() -> Iterator[bytes]:
        if first:
            yield first
        yield from chunks

    return all_of_them(), first


def _unreadable(document: Document, places: Places) -> tuple[Finding, ...]:
    """What the reader says of a document that it could not make anything of: that nobody takes it says nothing."""
    if document.content is not None:
        return ()
    return tuple(of_document(each, document, places) for each in document.findings)
