"""★ The straight line, one page: land → lease → judge → publish → settle.

A leased delivery's raw bytes are read from the vault. Each document becomes a record of its contract, or is held with
findings that point at its bytes. What was judged goes to the store out of sight, in short transactions that first prove
the lease; the last one publishes all of it (P2, P3). A try that broke off left nothing visible: the next one throws
away what was staged and starts again from the bytes (P5).

Doubt about the whole file (it is cut off, a count disagrees), or an `accept:` rule that it breaks, means that all of it
is held: the file is judged a second time with that verdict.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateway import telling
from gateway.deciding import Deciding
from gateway.errors import Retry
from gateway.judging import Batch, Task, Watch, doubt, peeked, state_of
from gateway.model import Delivery, DeliveryState, DocumentState
from gateway.receive.archives import is_archive, open_archive
from gateway.routing import Routes, unwanted_file
from gateway.store import (
    acknowledgments,
    decisions,
    deliveries,
    leases,
    letters,
    members,
    personal,
    quarantine,
    repairs,
    replays,
    retries,
    staging,
    versions,
)
from gateway.store.decisions import CORRECTED, TAKEN, Decision
from gateway.store.quarantine import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.contracts import Contract
    from gateway.integrations import Integration
    from gateway.store.database import Database, Transaction
    from gateway.store.leases import Lease
    from gateway.store.staging import Staged
    from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Line:
    """What the straight line works with; `progress` hears of each batch how many documents were judged so far."""

    database: Database
    vault: Vault
    new_id: Callable[[str], str]
    lease_seconds: float = 60.0
    progress: Callable[[Delivery, int], None] = lambda _delivery, _documents: None
    watch: Watch = field(default_factory=Watch)


def ingest(line: Line, lease: Lease, routes: Routes) -> None:
    """Do what is due for a leased delivery: judge it, judge documents of it again, or finish what was begun.

    Raises:
        Retry: the lease was lost, or the store or the contract is busy; nothing became visible.
        Stop: the raw bytes are missing or damaged, or the store cannot be written.
    """
    attempt = Attempt(line, lease, routes)
    attempt.clear_what_broke_off()
    if attempt.was_finished() and not attempt.begin_again():
        attempt.judge_again()
    elif twin := attempt.twin():
        attempt.close_as_duplicate(twin)
    elif not (task := attempt.task()):
        attempt.close_as_unwanted()
    else:
        attempt.judge_and_publish(task)


def give_up(line: Line, lease: Lease, routes: Routes, reason: str) -> None:
    """A delivery that used up its tries: `failed`, with the reason as its finding; the others go on (P4)."""
    attempt = Attempt(line, lease, routes)
    attempt.clear_what_broke_off()
    if attempt.was_finished():
        attempt.leave_as_it_was(reason)
    else:
        attempt.close_as_failed(reason)


def tidy(line: Line, lease: Lease, routes: Routes) -> None:
    """After a try that broke off: take away what it staged, so that the contract is free for others meanwhile.

    It may have broken off after publishing, which the lease does not know of: what is held then stays held.
    """
    with line.database.read() as connection:
        as_it_is = deliveries.by_number(connection, lease.delivery.number)
    Attempt(line, replace(lease, delivery=as_it_is), routes).clear_what_broke_off()


def addressed(delivery: Delivery, candidates: Sequence[Integration]) -> Delivery:
    """The delivery with the integration and partner that only its only candidate can tell."""
    if len(candidates) != 1:
        return delivery
    only = candidates[0]
    return replace(delivery, integration=only.name, partner=delivery.partner or only.partner)


class Attempt:
    """One try to finish a delivery, by the holder of its lease."""

    def __init__(self, line: Line, lease: Lease, routes: Routes) -> None:
        self._database = line.database
        self._vault = line.vault
        self._new_id = line.new_id
        self._lease_seconds = line.lease_seconds
        self._progress = line.progress
        self._watch = line.watch
        self._lease = lease
        self._proven = line.database.clock()
        self._routes = routes
        self._delivery = lease.delivery
        self._of_table = lease.delivery.source.startswith("table://")
        self._deciding = Deciding(line.vault, routes, line.new_id)
        with line.database.read() as connection:
            self._last_decision = decisions.last_of(connection, lease.delivery.number)
            self._decided = decisions.of_delivery(connection, lease.delivery.number)
        self._corrected = {number for number, each in self._decided.items() if each.kind == CORRECTED}

    # ── the ordinary way ─────────────────────────────────────────────────────────────────────────────────────────────

    def task(self) -> Task | None:
        """What is to be judged: the file, or what an archive holds; None where nobody wants it."""
        routes = self._routes
        if not self._of_table and (self._delivery.archive or routes.may_want(self._delivery)):
            settings = routes.configuration.settings
            found = open_archive(
                self._database, self._vault, self._delivery, settings, prove=self._prove, seen=self._stay_alive
            )
            if found is not None:
                self._delivery = replace(self._delivery, archive=found.kind)
                parts = tuple(members.parts(found.members))
                candidates = routes.candidates_of(self._delivery, parts)
                return Task(self._delivery, candidates, parts=parts, about_file=tuple(found.findings))
        candidates = routes.candidates(self._delivery)
        return Task(self._delivery, candidates) if candidates else None

    def judge_and_publish(self, task: Task) -> None:
        """Judge every document; if the file as a whole is in doubt, hold them all; publish."""
        batch = self._judge(task)
        verdict = doubt(batch, size=self._delivery.size)
        if verdict is not None:
            if batch.flushed:
                self.clear_what_broke_off(flushed=True)
            batch = self._judge(replace(task, hold_all=True))
            if verdict not in batch.about_file:
                batch.about_file.append(verdict)
        if self._is_replay():
            self._take_back(batch)
        self._publish(batch, task.candidates)
        self._settle()

    def _judge(self, task: Task) -> Batch:
        self._watch.begin()
        try:
            return self._deciding.run(task, self._decided, self._flush, self._stay_alive)
        finally:
            self._watch.end()

    def _flush(self, batch: Batch) -> None:
        """Put what was judged so far into the store, out of sight."""
        self._watch.end()
        with self._database.write() as transaction:
            self._prove(transaction)
            self._store(transaction, batch)
        self._progress(self._delivery, batch.total())
        self._watch.begin()

    def _store(self, transaction: Transaction, batch: Batch) -> None:
        """Stage and hold what the batch has; a document that is older than its record is left out (P6)."""
        number = self._delivery.number
        if decisions.last_of(transaction.connection, number) != self._last_decision:
            raise Retry("a document of it was put right meanwhile in a later file", delay_seconds=0.0)
        repairs.lock(transaction, batch.returned.values())
        for contract_id, rows in batch.accepted.items():
            contract = batch.contracts[contract_id]
            staging.claim(transaction, contract, number)
            if self._is_replay():  # what it brings as it brought it before makes no version
                rows = self._in_time(transaction, batch, contract, rows, first=True)  # noqa: PLW2901 - less what was late before
                same = replays.unchanged(transaction, contract_id, number, rows, erased=personal.eraser(contract))
                self._accept(transaction, batch, contract_id, [row for row in rows if row.document in same])
                rows = [row for row in rows if row.document not in same]  # noqa: PLW2901 - the rest of them
                rows = personal.if_still_kept(contract, rows, self._delivery.received_at, transaction.now)  # noqa: PLW2901 - as above
            kept = self._in_time(transaction, batch, contract, rows)
            batch.ended(kept, DocumentState.DUPLICATE)
            if self._of_table:  # a snapshot brings every row again: what did not change makes no version
                told = len(kept)
                kept = staging.changed(transaction.connection, contract, kept, erased=personal.eraser(contract))
                batch.count[DocumentState.DUPLICATE] += told - len(kept)
            if kept:
                staging.stage(transaction, contract, number, kept)
            self._accept(transaction, batch, contract_id, kept)
        quarantine.hold(transaction, number, batch.held)
        quarantine.add_findings(transaction, number, batch.noted)
        if batch.outcome is not None:
            batch.outcome |= {each.number: each.state for each in batch.held}
        batch.accepted, batch.held, batch.noted, batch.rows, batch.size = {}, [], [], 0, 0

    def _in_time(
        self, transaction: Transaction, batch: Batch, contract: Contract, rows: list[Staged], *, first: bool = False
    ) -> list[Staged]:
        """Less what is older than the records that are there, which is told and counted (P6)."""
        version = batch.versions[contract.id]
        late = versions.late(transaction.connection, contract, self._delivery.number, rows, version, first=first)
        if not late:
            return rows
        older = [row for row in rows if row.document in late]
        told = older[: max(0, telling.OLDER_TOLD_MAX - batch.count[DocumentState.EXCLUDED])]
        for row in told:
            newer = deliveries.by_number(transaction.connection, late[row.document])
            batch.noted.append(telling.older_than_record(self._delivery, row, newer))
        if more := older[len(told) :]:
            batch.noted.append(telling.older_than_records(self._delivery, {row.key for row in more}, len(more)))
        batch.count[DocumentState.EXCLUDED] += len(older)
        batch.ended(older, DocumentState.EXCLUDED)
        for row in older:
            batch.returned.pop(row.document, None)
        return [row for row in rows if row.document not in late]

    def _accept(self, transaction: Transaction, batch: Batch, contract_id: str, rows: list[Staged]) -> None:
        """Count documents that are accepted; those that were corrected are counted apart, and stay on record."""
        corrected = [row for row in rows if row.document in self._corrected]
        batch.count[DocumentState.ACCEPTED] += len(rows) - len(corrected)
        batch.count[DocumentState.CORRECTED] += len(corrected)
        batch.ended(rows, DocumentState.ACCEPTED)
        batch.ended(corrected, DocumentState.CORRECTED)
        if batch.outcome is None:
            state = DocumentState.CORRECTED
            spans = ((row.document, state, None, contract_id, row.start, row.end, ()) for row in corrected)
            quarantine.hold(transaction, self._delivery.number, [Held(self._new_id("doc"), *span) for span in spans])

    def _take_back(self, batch: Batch) -> None:
        """What the delivery brought before, and does not bring any more, gives way to what was there before it."""
        self._flush(batch)
        with self._database.read() as connection:
            published = list(replays.windows(connection, self._delivery.number))
        for window in published:
            with self._database.write() as transaction:
                self._prove(transaction)
                replays.take_back(transaction, window, self._delivery.number)

    def _publish(self, batch: Batch, candidates: list[Integration]) -> None:
        """The one transaction that makes a delivery visible: records, changes, held documents, counters, log, lease."""
        delivery = addressed(self._delivery, candidates)
        with self._database.write() as transaction:
            self._prove(transaction)
            self._store(transaction, batch)
            self._close_repaired(transaction, delivery, batch)
            state = state_of(batch.count)
            if not batch.total() and any(each.severity == "error" for each in batch.about_file):
                state = self._hold_file(transaction)
            self._reveal(transaction)
            if batch.left_out:
                batch.about_file.append(telling.more_findings(delivery, batch.left_out))
            quarantine.add_findings(transaction, delivery.number, batch.about_file)
            replays.forget_kept(transaction, delivery.number)
            self._close(transaction, delivery, state, batch.count, sender=_sender(batch), returned=batch.is_sheet)
            acknowledgments.owe(transaction, [(delivery, candidates)], revision=self._routes.revision)
            transaction.tell(*telling.finished(delivery, batch, state))

    def _close_repaired(self, transaction: Transaction, delivery: Delivery, batch: Batch) -> None:
        """What was held of earlier files, and is taken now because it was sent again put right, waits for nobody."""
        by = replace(delivery, partner=delivery.partner or _sender(batch))
        for each in repairs.close(transaction, by, batch.returned):
            transaction.tell(*telling.repaired(each, by))

    def _hold_file(self, transaction: Transaction) -> DeliveryState:
        """A file without any document that could be read is held as a whole, as number 0, which is not counted.

        It was given up already when somebody decided that; a replay keeps to it.
        """
        of, decided = self._delivery, self._decided.get(0)
        whole = Held(self._new_id("doc"), 0, DocumentState.QUARANTINED, of.integration, None, 0, of.size, ())
        if decided is not None:
            whole = replace(whole, state=DocumentState.DISCARDED, reason=decided.reason, who=decided.who)
        quarantine.hold(transaction, of.number, [whole])
        return DeliveryState.QUARANTINED if decided is None else DeliveryState.DISCARDED

    def _reveal(self, transaction: Transaction) -> None:
        for here in staging.staged(transaction.connection, self._delivery.number):
            staging.publish(transaction, here.id, self._delivery.number, revision=self._routes.revision)

    def _settle(self) -> None:
        """Move a large delivery's published records to their place, chunk by chunk."""
        if not self._settle_or_unstage():
            return
        with self._database.write() as transaction:
            leases.finish(transaction, self._lease)

    def _settle_or_unstage(self) -> bool:
        """Settle what is published, throw away what is staged and not; False when there was neither."""
        left = self._unsettled()
        for here in left:
            step = staging.unstage if here.offset is None else staging.settle
            done = False
            while not done:
                with self._database.write() as transaction:
                    self._prove(transaction)
                    done = step(transaction, here.id)
        return bool(left)

    # ── the other ways a delivery can go ─────────────────────────────────────────────────────────────────────────────

    def clear_what_broke_off(self, *, flushed: bool = False) -> None:
        """Settle what an earlier try published and throw away what it staged without publishing."""
        self._settle_or_unstage()
        if not self.was_finished() and (flushed or self._is_replay() or self._holds_something()):
            with self._database.write() as transaction:
                self._prove(transaction)
                replays.forget_kept(transaction, self._delivery.number)
                quarantine.clear(transaction, self._delivery.number)

    def twin(self) -> Delivery | None:
        """The accepted delivery that this one repeats byte for byte (L5); batches of a table repeat nothing."""
        if self._of_table:
            return None
        with self._database.read() as connection:
            if self._is_replay() and any(replays.windows(connection, self._delivery.number)):
                return None  # it made records, so it was no duplicate
            this = members.as_judged_before(connection, self._delivery)
            return deliveries.twin_of(connection, this, this.integration)

    def close_as_duplicate(self, twin: Delivery) -> None:
        """The same content again: shown and counted, no records, no changes."""
        count = Counter({DocumentState.DUPLICATE: sum(twin.documents.values())})
        with self._database.write() as transaction:
            self._prove(transaction)
            quarantine.add_findings(transaction, self._delivery.number, [telling.repeats(self._delivery, twin)])
            self._close(transaction, self._delivery, DeliveryState.DUPLICATE, count, twin=twin.id)
            acknowledgments.owe_again(transaction, self._delivery, twin)
            transaction.tell(telling.duplicate(self._delivery, twin))

    def close_as_unwanted(self) -> None:
        """A file that no integration wants is an open item, not nothing."""
        delivery = self._delivery
        _, first = peeked(self._vault.chunks(delivery.sha256))
        finding = replace(unwanted_file(delivery, first), document=1)
        held = Held(self._new_id("doc"), 1, DocumentState.UNROUTED, None, None, 0, delivery.size, (finding,))
        with self._database.write() as transaction:
            self._prove(transaction)
            quarantine.hold(transaction, delivery.number, [held])
            count = Counter({DocumentState.UNROUTED: 1})
            self._close(transaction, delivery, DeliveryState.QUARANTINED, count)
            transaction.tell(telling.unrouted(delivery, 1, finding))

    def close_as_failed(self, reason: str) -> None:
        """Given up after the last try."""
        finding = telling.gave_up(self._delivery, reason)
        with self._database.write() as transaction:
            self._prove(transaction)
            quarantine.add_findings(transaction, self._delivery.number, [finding])
            self._hold_file(transaction)
            self._close(transaction, self._delivery, DeliveryState.FAILED, Counter())
            transaction.tell(telling.failed(self._delivery, reason))

    def leave_as_it_was(self, reason: str) -> None:
        """Judging documents again was given up: they stay held, and all that was accepted stays."""
        wanted = self._wanted_again()
        finding = telling.gave_up(self._delivery, reason)
        with self._database.write() as transaction:
            self._prove(transaction)
            quarantine.unmark(transaction, self._delivery.number, list(wanted))
            quarantine.add_findings(transaction, self._delivery.number, [finding])
            leases.finish(transaction, self._lease)
            transaction.tell(telling.failed(self._delivery, reason))

    def was_finished(self) -> bool:
        """Whether the delivery has ended before and is leased because documents of it are wanted again."""
        return self._delivery.state is not DeliveryState.RECEIVED

    def begin_again(self) -> bool:
        """A file that is held as a whole starts anew, as if it had just come; False for any other.

        It could not be read; or somebody wants all of it again, which was held as a whole; or nobody wanted it and
        somebody may now: then it has one document, the only one or all. What it brought before makes it a replay.
        """
        delivery, wanted = self._delivery, self._wanted_again()
        unwanted = delivery.documents == {str(DocumentState.UNROUTED): 1} and wanted and delivery.archive is None
        if 0 not in wanted and not ((unwanted or self._is_wanted_together()) and self._is_wanted_now()):
            return False
        with self._database.write() as transaction:
            self._prove(transaction)
            brought = delivery.replay is not None or any(replays.windows(transaction.connection, delivery.number))
            replay = "now" if brought else None
            quarantine.clear(transaction, delivery.number)
            deliveries.reopen(transaction, delivery.number, replay=replay)
        self._delivery = replace(delivery, state=DeliveryState.RECEIVED, finished_at=None, documents={}, replay=replay)
        return True

    def _is_wanted_together(self) -> bool:
        with self._database.read() as connection:
            return retries.wanted_together(connection, self._delivery.number)

    def _is_wanted_now(self) -> bool:
        routes, delivery = self._routes, self._delivery
        return bool(routes.candidates(delivery)) or (routes.may_want(delivery) and is_archive(self._vault, delivery))

    def judge_again(self) -> None:
        """Judge the documents that someone wants retried with the revision in force; the others stay as they are."""
        delivery, wanted = self._delivery, self._wanted_again()
        with self._database.read() as connection:
            parts = members.parts_of(connection, delivery)
            whole = quarantine.unwanted_to_retry(connection, delivery.number)
        again = [each for each in parts if any(map(each.holds, wanted))]
        candidates = self._routes.candidates_of(delivery, again)
        if not wanted or not candidates:
            with self._database.write() as transaction:
                self._prove(transaction)
                quarantine.unmark(transaction, delivery.number, list(wanted))
                said = [members.label(again, number) for number in wanted]
                transaction.tell(*(telling.retried(delivery, each, DocumentState.UNROUTED) for each in said))
                leases.finish(transaction, self._lease)
            return
        task = Task(delivery, candidates, only=wanted)
        if delivery.archive is not None:  # what nobody wanted was one document, and may be many now
            origins = frozenset(each.origin for each in again if (each.origin, each.origin + each.size) in whole)
            task = replace(task, parts=tuple(again), whole=origins)
        batch = self._judge(task)
        self._publish_again(batch, task)
        self._settle()

    def _publish_again(self, batch: Batch, task: Task) -> None:
        delivery, wanted = addressed(self._delivery, task.candidates), task.only or {}
        said = {number: members.label(task.parts or (), number) for number in wanted}
        with self._database.write() as transaction:
            self._prove(transaction)
            self._store(transaction, batch)
            self._close_repaired(transaction, delivery, batch)
            self._reveal(transaction)
            outcome = batch.outcome or {}
            gone = sorted(wanted.keys() - outcome.keys())
            quarantine.unmark(transaction, delivery.number, gone)
            quarantine.add_findings(
                transaction, delivery.number, [telling.not_found(delivery, number, said[number]) for number in gone]
            )
            for number, state in outcome.items():
                if state not in quarantine.OPEN:
                    quarantine.release(transaction, delivery.number, number, state)
            self._note_taken(transaction, outcome)
            count = quarantine.recounted(transaction, delivery, taken=batch.count)
            self._close(transaction, delivery, state_of(count), count, sender=_sender(batch), returned=batch.is_sheet)
            transaction.tell(*(telling.retried(delivery, said[number], outcome.get(number)) for number in wanted))

    def _note_taken(self, transaction: Transaction, outcome: dict[int, DocumentState]) -> None:
        """A good document of a doubtful file was taken because somebody wanted it: a replay takes it, too."""
        number = self._delivery.number
        if quarantine.in_doubt(transaction.connection, number):
            for each, state in outcome.items():
                if state is DocumentState.ACCEPTED:
                    taken = Decision(each, TAKEN, transaction.now, "", "retried by itself")
                    decisions.keep(transaction, number, taken)

    def _wanted_again(self) -> dict[int, str]:
        with self._database.read() as connection:
            return quarantine.to_retry(connection, self._delivery.number)

    def _is_replay(self) -> bool:
        """Whether a delivery that was judged before is judged again as a whole."""
        return self._delivery.replay is not None and not self.was_finished()

    # ── what all of them share ───────────────────────────────────────────────────────────────────────────────────────

    def _stay_alive(self) -> None:
        """Prolong the lease when a third of it is over, however little is ready to be stored."""
        self._watch.progressed()
        if (self._database.clock() - self._proven).total_seconds() > self._lease_seconds / 3:
            with self._database.write() as transaction:
                self._prove(transaction)

    def _prove(self, transaction: Transaction) -> None:
        self._proven = transaction.now
        leases.hold(transaction, self._lease, seconds=self._lease_seconds)

    def _holds_something(self) -> bool:
        with self._database.read() as connection:
            return quarantine.holds_something(connection, self._delivery.number)

    def _unsettled(self) -> list[staging.Standing]:
        with self._database.read() as connection:
            return staging.staged(connection, self._delivery.number)

    def _close(
        self,
        transaction: Transaction,
        delivery: Delivery,
        state: DeliveryState,
        count: Counter[DocumentState],
        *,
        twin: str | None = None,
        sender: str | None = None,
        returned: bool = False,
    ) -> None:
        """The delivery ends; `sender` is whom its envelopes name, where the way that it came does not say it.

        `returned` says that it is a sheet of refused rows that were to be put right.
        """
        deliveries.close(
            transaction,
            delivery.number,
            state=state,
            integration=delivery.integration,
            partner=delivery.partner,
            revision=self._routes.revision,
            documents={str(key): number for key, number in count.items() if number},
            twin=twin,
        )
        partner = self._routes.configuration.partners.get(delivery.partner or sender or "")
        if partner is not None and partner.letters and not self._of_table:
            again = self._lease.delivery.state is not DeliveryState.RECEIVED or delivery.replay is not None
            theirs = replace(delivery, partner=partner.name)
            letters.owe(
                transaction, theirs, state, count, revision=self._routes.revision, again=again, returned=returned
            )
        if not staging.staged(transaction.connection, delivery.number):
            leases.finish(transaction, self._lease)


def _sender(batch: Batch) -> str | None:
    """Whose documents all of these are; None where they are several partners', or nobody's."""
    return next(iter(batch.partners)) if len(batch.partners) == 1 else None
