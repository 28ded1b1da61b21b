"""★ The straight line, one page: read → route → map → judge → one transaction.

A delivery's raw bytes are read from the vault. Each document becomes a record of its contract or is held with findings
that point at its bytes. What is accepted and what is held goes to the store out of sight, in short transactions that
first prove the lease; the last one publishes all of it (P2, P3). A try that broke off left nothing visible: the next
one clears what was staged and starts again from the bytes (P5).

Doubt about the whole file (it is cut off, a count disagrees) or an `accept:` rule that it breaks means that all of it is
held: the file is judged a second time with that verdict.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edi.formats import FORMATS

from edi.findings import Finding as FileFinding
from gateway.model import Delivery, DeliveryState, DocumentState, Finding
from gateway.observations import (
    DELIVERY_ACCEPTED,
    DELIVERY_DUPLICATE,
    DELIVERY_FAILED,
    DELIVERY_PARTLY_ACCEPTED,
    DELIVERY_QUARANTINED,
    DOCUMENT_RETRIED,
    DOCUMENT_UNROUTED,
    FINDING_MADE,
)
from gateway.positions import Places, of_document, of_file
from gateway.routing import Flow, Routes, unwanted_file
from gateway.store import deliveries, leases, quarantine, staging
from gateway.store.quarantine import Held
from gateway.store.staging import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edi.model import Document, Envelope
    from gateway.contracts import Contract
    from gateway.integrations import Accept, Integration
    from gateway.store.database import Database, Transaction
    from gateway.store.leases import Lease
    from gateway.store.vault import Vault

ROWS_A_FLUSH = 5_000
BYTES_A_FLUSH = 4 * 1024 * 1024
LINES_A_DELIVERY = 20
"""So many findings of a delivery are told in the log; all of them stand in the quarantine."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the straight line works with."""

    database: Database
    vault: Vault
    new_id: Callable[[str], str]
    lease_seconds: float = 60.0


@dataclass(slots=True)
class _Batch:
    """What was judged and is not in the store yet, and the counters of the whole delivery."""

    accepted: dict[str, list[Staged]] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    contracts: dict[str, Contract] = field(default_factory=dict)
    size: int = 0
    rows: int = 0
    count: Counter[DocumentState] = field(default_factory=Counter)
    told: list[Finding] = field(default_factory=list)
    about_file: list[Finding] = field(default_factory=list)
    flushed: bool = False


def ingest(line: Line, lease: Lease, routes: Routes) -> None:
    """Do what is due for a leased delivery: judge it, judge documents of it again, or finish what was begun.

    Raises:
        Retry: the lease was lost, or the store or the contract is busy; nothing became visible.
        Stop: the raw bytes are missing or damaged, or the store cannot be written.
    """
    delivery = lease.delivery
    _clear_what_broke_off(line, lease)
    if delivery.state is not DeliveryState.RECEIVED:
        _judge_again(line, lease, routes)
        return
    with line.database.read() as connection:
        twin = deliveries.twin_of(connection, delivery, delivery.integration)
    if twin is not None and not delivery.source.startswith("table://"):
        _close_duplicate(line, lease, routes, twin)
        return
    candidates = routes.candidates(delivery)
    if not candidates:
        _close_unwanted(line, lease, routes)
        return
    batch = _judge(line, lease, routes, candidates)
    verdict = _doubt(batch, candidates[0].accept)
    if verdict is not None:
        _clear_what_broke_off(line, lease, again=batch.flushed)
        batch = _judge(line, lease, routes, candidates, hold_all=True)
        if verdict not in batch.about_file:
            batch.about_file.append(verdict)
    _publish(line, lease, routes, batch, candidates)
    _settle(line, lease)


def give_up(line: Line, lease: Lease, revision: str, reason: str) -> None:
    """A delivery that used up its tries: `failed`, with the reason as its finding; the others go on (P4)."""
    finding = Finding(
        code="delivery.failed",
        severity="error",
        message=f"the file could not be judged in {lease.delivery.tries - 1} tries: {reason}",
        remedy="Look at the log around these times; the raw file is kept. After a fix, upload it again.",
        start=0,
        end=lease.delivery.size,
    )
    _clear_what_broke_off(line, lease)
    with line.database.write() as transaction:
        _close(transaction, lease, state=DeliveryState.FAILED, revision=revision, count=Counter(), findings=[finding])
        transaction.tell(
            DELIVERY_FAILED(
                **_who(lease.delivery), delivery=lease.delivery.id, tries=lease.delivery.tries - 1, reason=reason
            )
        )


# ── one pass over the bytes ──────────────────────────────────────────────────────────────────────────────────────────


def _judge(
    line: Line,
    lease: Lease,
    routes: Routes,
    candidates: list[Integration],
    *,
    hold_all: bool = False,
    only: dict[int, str] | None = None,
) -> _Batch:
    """Read every document to the end of the file and judge it; `only` chooses documents by number."""
    delivery = lease.delivery
    batch = _Batch()
    places = Places(line.vault, delivery.sha256)
    chunks, first = _peeked(line.vault.chunks(delivery.sha256))
    format_name, options = routes.reader_of(candidates, first)
    envelope: Envelope | None = None
    flow: Flow | Finding | None = None
    for item in FORMATS[format_name].read(chunks, options):
        if isinstance(item, FileFinding):
            batch.about_file.append(of_file(item))
            continue
        if only is not None and item.number not in only:
            continue
        if item.envelope is not envelope:
            envelope = item.envelope
            flow = routes.route(candidates, envelope)
        assert flow is not None
        held_id = only[item.number] if only is not None else None
        if isinstance(flow, Finding):
            _hold(line, batch, item, None, (replace(flow, document=item.number),), held_id)
        else:
            _one(line, batch, item, flow, places, delivery, hold_all=hold_all, held_id=held_id)
        if batch.rows >= ROWS_A_FLUSH or batch.size >= BYTES_A_FLUSH:
            _flush(line, lease, batch)
    return batch


def _one(
    line: Line,
    batch: _Batch,
    document: Document,
    flow: Flow,
    places: Places,
    delivery: Delivery,
    *,
    hold_all: bool,
    held_id: str | None,
) -> None:
    """Map and judge one document: a record, or a held document with its findings."""
    findings = [each for each in document.findings if each.severity == "error"] if document.findings else ()
    if not findings and not hold_all:
        record, faults = flow.mapper(document)
        if not faults:
            value, faults = flow.judge.judge(record)
            if not faults:
                contract = flow.contract
                json = flow.judge.dump_json(value).decode()
                rows = batch.accepted.get(contract.id)
                if rows is None:
                    rows = batch.accepted[contract.id] = []
                    batch.contracts[contract.id] = contract
                partner = flow.integration.partner or delivery.partner
                rows.append(
                    Staged(
                        flow.judge.key(value, partner),
                        document.number,
                        document.start,
                        document.end,
                        json,
                        flow.judge.columns(value),
                    )
                )
                batch.size += len(json)
                batch.rows += 1
                return
        found = tuple(places.of_fault(fault, document, flow.mapper) for fault in faults)
        _hold(line, batch, document, flow, found, held_id)
        return
    _hold(
        line, batch, document, flow, tuple(of_document(each, document, places) for each in document.findings), held_id
    )


def _hold(
    line: Line, batch: _Batch, document: Document, flow: Flow | None, findings: tuple[Finding, ...], held_id: str | None
) -> None:
    state = DocumentState.QUARANTINED if flow is not None else DocumentState.UNROUTED
    batch.held.append(
        Held(
            held_id or line.new_id("doc"),
            document.number,
            state,
            flow.integration.name if flow is not None else None,
            flow.contract.id if flow is not None else None,
            document.start,
            document.end,
            findings,
        )
    )
    batch.count[state] += 1
    batch.rows += 1
    if len(batch.told) < LINES_A_DELIVERY:
        batch.told.extend(findings)


def _doubt(batch: _Batch, accept: Accept) -> Finding | None:
    """The finding for which the whole file must be held, if there is one."""
    fatal = next((each for each in batch.about_file if each.severity == "error"), None)
    if fatal is not None:
        return fatal
    held = batch.count[DocumentState.QUARANTINED] + batch.count[DocumentState.UNROUTED]
    total = held + batch.count[DocumentState.ACCEPTED] + sum(map(len, batch.accepted.values()))
    if not held or held == total:
        return None
    if accept.unit == "file":
        return Finding(
            code="accept.file",
            severity="error",
            message=f"{held} of {total} documents are bad, and this integration takes a file whole or not at all",
            remedy="Correct the documents that have findings, or change accept: in the integration; then retry.",
        )
    if accept.hold_above is not None and held / total > accept.hold_above:
        return Finding(
            code="accept.share",
            severity="error",
            message=f"{held} of {total} documents are bad; above {accept.hold_above:.4g} of them the file is held",
            remedy="Correct the documents that have findings and send the file again, or retry the others by hand.",
        )
    return None


# ── into the store ───────────────────────────────────────────────────────────────────────────────────────────────────


def _flush(line: Line, lease: Lease, batch: _Batch) -> None:
    """Put what was judged so far into the store, out of sight."""
    with line.database.write() as transaction:
        leases.hold(transaction, lease, seconds=line.lease_seconds)
        _store(transaction, lease, batch)
    batch.flushed = True


def _store(transaction: Transaction, lease: Lease, batch: _Batch) -> None:
    number = lease.delivery.number
    for contract_id, rows in batch.accepted.items():
        contract = batch.contracts[contract_id]
        older = staging.newer(transaction.connection, contract, number, [row.key for row in rows])
        if older:
            batch.count[DocumentState.EXCLUDED] += sum(row.key in older for row in rows)
            batch.about_file.append(_older(older, contract))
            rows = [row for row in rows if row.key not in older]  # noqa: PLW2901 - those that are not excluded
        if rows:
            staging.stage(transaction, contract, number, rows)
            batch.count[DocumentState.ACCEPTED] += len(rows)
    quarantine.hold(transaction, number, batch.held)
    batch.accepted = {}
    batch.held = []
    batch.rows = batch.size = 0


def _publish(line: Line, lease: Lease, routes: Routes, batch: _Batch, candidates: list[Integration]) -> None:
    """The one transaction that makes a delivery visible: records, changes, held documents, counters, log, lease."""
    delivery = lease.delivery
    name = candidates[0].name if len(candidates) == 1 else delivery.integration
    partner = delivery.partner or (candidates[0].partner if len(candidates) == 1 else None)
    with line.database.write() as transaction:
        leases.hold(transaction, lease, seconds=line.lease_seconds)
        _store(transaction, lease, batch)
        for here in staging.staged(transaction.connection, delivery.number):
            staging.publish(transaction, here.id, delivery.number)
        state = state_of(batch.count)
        if not batch.count and any(each.severity == "error" for each in batch.about_file):
            state = DeliveryState.QUARANTINED
        quarantine.add_findings(transaction, delivery.number, batch.about_file)
        deliveries.close(
            transaction,
            delivery.number,
            state=state,
            integration=name,
            partner=partner,
            revision=routes.revision,
            documents={str(key): value for key, value in batch.count.items() if value},
        )
        _tell(transaction, delivery, batch, state, integration=name, partner=partner)
        if not staging.staged(transaction.connection, delivery.number):
            leases.finish(transaction, lease)


def _settle(line: Line, lease: Lease) -> None:
    """Move a large delivery's published records to their place, chunk by chunk."""
    number = lease.delivery.number
    with line.database.read() as connection:
        left = staging.staged(connection, number)
    for here in left:
        done = False
        while not done:
            with line.database.write() as transaction:
                leases.hold(transaction, lease, seconds=line.lease_seconds)
                done = staging.settle(transaction, here.id)
    if left:
        with line.database.write() as transaction:
            leases.finish(transaction, lease)


def _clear_what_broke_off(line: Line, lease: Lease, *, again: bool = True) -> None:
    """Finish the settling that an earlier try left, and throw away what it staged without publishing."""
    delivery = lease.delivery
    if not again:
        return
    with line.database.read() as connection:
        left = staging.staged(connection, delivery.number)
    for here in left:
        done = False
        while not done:
            with line.database.write() as transaction:
                leases.hold(transaction, lease, seconds=line.lease_seconds)
                step = staging.unstage if here.offset is None else staging.settle
                done = step(transaction, here.id)
    if delivery.state is DeliveryState.RECEIVED and (delivery.tries > 1 or left):
        with line.database.write() as transaction:
            leases.hold(transaction, lease, seconds=line.lease_seconds)
            quarantine.clear(transaction, delivery.number)


def _close_duplicate(line: Line, lease: Lease, routes: Routes, twin: Delivery) -> None:
    """The same content again: shown and counted, no records, no events (L5)."""
    delivery = lease.delivery
    count = Counter({DocumentState.DUPLICATE: sum(twin.documents.values())})
    finding = Finding(
        code="delivery.duplicate",
        severity="note",
        message=f"the content is the same, byte for byte, as that of {twin.id} ({twin.name})",
        remedy="Nothing is to be done. If the repetition is meant, change something in the file, such as its number.",
        start=0,
        end=delivery.size,
    )
    with line.database.write() as transaction:
        _close(
            transaction,
            lease,
            state=DeliveryState.DUPLICATE,
            revision=routes.revision,
            count=count,
            findings=[finding],
            twin=twin.id,
        )
        transaction.tell(DELIVERY_DUPLICATE(**_who(delivery), delivery=delivery.id, name=delivery.name, twin=twin.id))


def _close_unwanted(line: Line, lease: Lease, routes: Routes) -> None:
    """A file that no integration wants is an open item, not nothing."""
    delivery = lease.delivery
    _, first = _peeked(line.vault.chunks(delivery.sha256))
    finding = replace(unwanted_file(delivery, first), document=1)
    held = Held(line.new_id("doc"), 1, DocumentState.UNROUTED, None, None, 0, delivery.size, (finding,))
    with line.database.write() as transaction:
        quarantine.hold(transaction, delivery.number, [held])
        _close(
            transaction,
            lease,
            state=DeliveryState.QUARANTINED,
            revision=routes.revision,
            count=Counter({DocumentState.UNROUTED: 1}),
            findings=[],
        )
        transaction.tell(DOCUMENT_UNROUTED(**_who(delivery), delivery=delivery.id, document=1, reason=finding.message))


def _judge_again(line: Line, lease: Lease, routes: Routes) -> None:
    """Judge the documents that someone wants retried with the revision in force; the others stay as they are."""
    delivery = lease.delivery
    with line.database.read() as connection:
        wanted = quarantine.to_retry(connection, delivery.number)
    candidates = routes.candidates(replace(delivery, integration=None)) or routes.candidates(delivery)
    if not wanted or not candidates:
        with line.database.write() as transaction:
            for number in wanted:
                quarantine.settle_retry(transaction, delivery.number, number, DocumentState.UNROUTED)
            leases.finish(transaction, lease)
        return
    batch = _judge(line, lease, routes, candidates, only=wanted)
    still = {each.number for each in batch.held}
    name = candidates[0].name if len(candidates) == 1 else delivery.integration
    with line.database.write() as transaction:
        leases.hold(transaction, lease, seconds=line.lease_seconds)
        excluded = _keys_excluded(transaction, lease, batch)
        _store(transaction, lease, batch)
        for here in staging.staged(transaction.connection, delivery.number):
            staging.publish(transaction, here.id, delivery.number)
        for number in wanted.keys() - still:
            state = DocumentState.EXCLUDED if number in excluded else DocumentState.ACCEPTED
            quarantine.settle_retry(transaction, delivery.number, number, state)
        counts = quarantine.recount(transaction, delivery.number, accepted=batch.count[DocumentState.ACCEPTED])
        deliveries.close(
            transaction,
            delivery.number,
            state=state_of(Counter({DocumentState(key): value for key, value in counts.items()})),
            integration=name,
            partner=delivery.partner,
            revision=routes.revision,
            documents=counts,
        )
        for number in wanted:
            transaction.tell(
                DOCUMENT_RETRIED(
                    integration=name,
                    partner=delivery.partner,
                    delivery=delivery.id,
                    document=number,
                    state="held again" if number in still else "accepted",
                )
            )
        if not staging.staged(transaction.connection, delivery.number):
            leases.finish(transaction, lease)
    _settle(line, lease)


def _keys_excluded(transaction: Transaction, lease: Lease, batch: _Batch) -> set[int]:
    """The numbers of accepted documents whose record is newer than their delivery."""
    excluded: set[int] = set()
    for contract_id, rows in batch.accepted.items():
        older = staging.newer(
            transaction.connection, batch.contracts[contract_id], lease.delivery.number, [row.key for row in rows]
        )
        excluded.update(row.document for row in rows if row.key in older)
    return excluded


def _close(
    transaction: Transaction,
    lease: Lease,
    *,
    state: DeliveryState,
    revision: str,
    count: Counter[DocumentState],
    findings: list[Finding],
    twin: str | None = None,
) -> None:
    leases.hold(transaction, lease, seconds=1.0)
    quarantine.add_findings(transaction, lease.delivery.number, findings)
    deliveries.close(
        transaction,
        lease.delivery.number,
        state=state,
        integration=lease.delivery.integration,
        partner=lease.delivery.partner,
        revision=revision,
        documents={str(key): value for key, value in count.items() if value},
        twin=twin,
    )
    leases.finish(transaction, lease)


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def state_of(count: Counter[DocumentState]) -> DeliveryState:
    """The state of a finished delivery from where its documents ended."""
    taken = count[DocumentState.ACCEPTED] + count[DocumentState.EXCLUDED] + count[DocumentState.CORRECTED]
    held = count[DocumentState.QUARANTINED] + count[DocumentState.UNROUTED] + count[DocumentState.DISCARDED]
    if not held:
        return DeliveryState.ACCEPTED
    return DeliveryState.PARTLY_ACCEPTED if taken else DeliveryState.QUARANTINED


def _tell(
    transaction: Transaction,
    delivery: Delivery,
    batch: _Batch,
    state: DeliveryState,
    *,
    integration: str | None,
    partner: str | None,
) -> None:
    who = {"integration": integration, "partner": partner}
    total = sum(batch.count.values())
    for each in [*batch.about_file, *batch.told][:LINES_A_DELIVERY]:
        if each.severity == "error":
            transaction.tell(
                FINDING_MADE(**who, delivery=delivery.id, where=_where(each), message=each.message, code=each.code)
            )
    accepted = batch.count[DocumentState.ACCEPTED]
    if state is DeliveryState.ACCEPTED:
        said = DELIVERY_ACCEPTED(**who, delivery=delivery.id, accepted=accepted, documents=total)
    elif state is DeliveryState.PARTLY_ACCEPTED:
        said = DELIVERY_PARTLY_ACCEPTED(
            **who, delivery=delivery.id, accepted=accepted, documents=total, quarantined=total - accepted
        )
    else:
        reasons = [*batch.about_file, *batch.told]
        reason = reasons[0].message if reasons else "nothing of it could be accepted"
        said = DELIVERY_QUARANTINED(**who, delivery=delivery.id, documents=total, reason=reason)
    transaction.tell(said)


def _where(finding: Finding) -> str:
    """The place of a finding as a person says it: line, then the format's own words."""
    parts = [f"line {finding.line}" if finding.line else "", f"segment {finding.segment}" if finding.segment else ""]
    if finding.tag:
        parts.append(finding.tag + (f"{finding.element:02d}" if finding.element else ""))
    elif finding.column:
        parts.append(finding.column)
    return " ".join(part for part in parts if part) or "file"


def _who(delivery: Delivery) -> dict[str, str | None]:
    return {"integration": delivery.integration, "partner": delivery.partner}


def _older(keys: set[str], contract: Contract) -> Finding:
    shown = ", ".join(sorted(keys)[:3])
    return Finding(
        code="record.older",
        severity="warning",
        message=f"{len(keys)} documents are older than the records that are there and were left out: {shown}",
        remedy=f"Nothing is to be done unless the older values are wanted: then send them again as {contract.name}.",
    )


def _peeked(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """The chunks, and the first of them beside."""
    first = next(chunks, b"")

    def all_of_them() -> Iterator[bytes]:
        if first:
            yield first
        yield from chunks

    return all_of_them(), first
