"""Answering: what a delivery is to be answered is read from its bytes and kept, with its control numbers, at once (X1).

Nothing is written before the one transaction that has the answers to all interchanges and groups of the delivery, takes
their control numbers and closes the matter. A try that breaks off leaves nothing; the next begins again from the bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.judging import Watch, peeked
from gateway.observations import ACKNOWLEDGMENT_KEPT, ANSWER_FAILED, ANSWERED_NOTHING, INTERCHANGE_REPEATED
from gateway.publish.drafts import IN_MEMORY_BYTES
from gateway.publish.interchanges import EVENTS, Answers, Reading
from gateway.store import acknowledgments, deliveries, members
from gateway.store.acknowledgments import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from edi.acknowledgments import Acknowledgment
    from gateway.model import Delivery
    from gateway.publish.drafts import Drafts
    from gateway.publish.interchanges import Wanted
    from gateway.routing import Routes
    from gateway.store.acknowledgments import Owed
    from gateway.store.database import Database, Transaction
    from gateway.store.decisions import RawBytes

DISPOSITIONS = {"A": "accepted", "E": "accepted_with_errors", "P": "partly_accepted", "R": "rejected"}
_NAME_MAX = 120
_KEPT_AT_ONCE = 200
_PLAIN = re.compile("[A-Za-z0-9]{0,4}:[A-Za-z0-9]{1,35}_[A-Za-z0-9]{0,4}:[A-Za-z0-9]{1,35}")


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering works with. `routes_of` gives the integrations of a revision, or those in force.

    `watch` looks on while bytes are read, as it does while they are judged.
    """

    database: Database
    vault: RawBytes
    routes_of: Callable[[str], Routes]
    lease_seconds: float = 60.0
    watch: Watch = field(default_factory=Watch)


def answer(desk: Desk, owed: Sequence[Owed], *, outboxes: Collection[str]) -> None:
    """Answer leased deliveries, in one transaction. `outboxes` are the partners who have one.

    Raises:
        Retry: a lease was lost, or the store is busy; nothing was kept.
        Stop: the raw bytes are missing or damaged, or the control numbers are used up.
    """
    together: dict[tuple[str, ...], str] | None = {} if len(owed) > 1 else None
    with ExitStack() as open_files:
        drafted = []
        for each in owed:
            answers = Answers()
            open_files.callback(answers.wanted.close)
            drafted.append((each, _drafted(desk, each, answers, together), answers))
        with desk.database.write() as transaction:
            for each, _, _ in drafted:
                acknowledgments.hold(transaction, each, seconds=desk.lease_seconds)
            numbers = _Numbers(transaction, [answers.wanted for _, _, answers in drafted])
            for each, delivery, answers in drafted:
                if each.twin is not None:
                    _repeat(transaction, each, each.twin, outboxes)
                else:
                    _keep(transaction, each, delivery, answers, numbers, outboxes)


def give_up(desk: Desk, owed: Owed, reason: str) -> None:
    """A delivery whose answer could not be made in several tries: that is told, and it is not tried again (P4)."""
    with desk.database.write() as transaction:
        delivery = deliveries.by_number(transaction.connection, owed.delivery)
        acknowledgments.finish(transaction, owed, acknowledgments.FAILED, problem=reason)
        transaction.tell(ANSWER_FAILED(**_who(delivery), tries=owed.tries - 1, reason=reason))


def _drafted(desk: Desk, owed: Owed, answers: Answers, together: dict[tuple[str, ...], str] | None) -> Delivery:
    """Draft the answers to a delivery, but for their control numbers; none for a duplicate, whose answers are there.

    `together` are the interchanges of all that is answered with it, if anything is, by the delivery that brought each
    first.
    """

    def met_before(standard: str, sender: str, receiver: str, number: str) -> str | None:
        with desk.database.read() as connection:
            found = acknowledgments.met_before(
                connection, standard=standard, sender=sender, receiver=receiver, number=number, before=owed.delivery
            )
        if together is None:
            return found
        first = together.setdefault((standard, sender, receiver, number), delivery.id)
        return found or (first if first != delivery.id else None)

    with desk.database.read() as connection:
        delivery = deliveries.by_number(connection, owed.delivery)
        parts = members.parts_of(connection, delivery)
    if owed.twin is not None:
        return delivery
    routes = desk.routes_of(owed.revision)
    reading = Reading(delivery, routes, met_before, answers)
    desk.watch.turn_to(delivery)
    desk.watch.begin()
    try:
        for part in parts:
            if candidates := routes.candidates(delivery, part.member):
                chunks, first = peeked(_alive(desk, owed, desk.vault.chunks(part.sha256)))
                standard, options = routes.reader_of(candidates, first)
                if standard in EVENTS:
                    reading.read(candidates, standard, chunks, options)
    finally:
        desk.watch.end()
    return delivery


def _alive(desk: Desk, owed: Owed, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks as they are read; meanwhile the lease is prolonged whenever a third of it is over."""
    proven = desk.database.clock()
    for chunk in chunks:
        desk.watch.progressed()
        if (desk.database.clock() - proven).total_seconds() > desk.lease_seconds / 3:
            with desk.database.write() as transaction:
                acknowledgments.hold(transaction, owed, seconds=desk.lease_seconds)
            proven = desk.database.clock()
        yield chunk


def _repeat(transaction: Transaction, owed: Owed, twin: int, outboxes: Collection[str]) -> None:
    """The sender of a duplicate gets what its twin was answered, once that is there."""
    state = acknowledgments.state_of(transaction.connection, twin)
    if state == acknowledgments.DUE:
        acknowledgments.postpone(transaction, owed, seconds=1.0, counted=False, problem=None)
        return
    copied = acknowledgments.repeat(transaction, owed, outboxes=outboxes) if state == acknowledgments.BUILT else 0
    acknowledgments.finish(transaction, owed, acknowledgments.BUILT if copied else acknowledgments.NOTHING)


def _keep(
    transaction: Transaction,
    owed: Owed,
    delivery: Delivery,
    answers: Answers,
    numbers: _Numbers,
    outboxes: Collection[str],
) -> None:
    count, whom = 0, Counter[str | None]()
    for some in _blocks(_made(each, numbers, transaction) for each in answers.wanted):
        acknowledgments.keep(transaction, owed, some, after=count, outboxes=outboxes)
        count += len(some)
        whom.update(each.partner for each in some if each.partner not in outboxes)
    acknowledgments.finish(transaction, owed, acknowledgments.BUILT if count else acknowledgments.NOTHING)
    for sender, number, earlier in answers.repeated:
        transaction.tell(INTERCHANGE_REPEATED(**_who(delivery), number=number, sender=sender, earlier=earlier))
    if whom:
        transaction.tell(
            ACKNOWLEDGMENT_KEPT(**_who(delivery), count=whom.total(), whom=next(iter(whom)) or "the sender")
        )
    if not count and not answers.read:
        transaction.tell(ANSWERED_NOTHING(**_who(delivery), name=delivery.name))


def _blocks(made: Iterable[Made]) -> Iterator[list[Made]]:
    """So many at once as are small together."""
    block: list[Made] = []
    size = 0
    for each in made:
        block.append(each)
        size += len(each.content)
        if len(block) == _KEPT_AT_ONCE or size > IN_MEMORY_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _made(wanted: Wanted, numbers: _Numbers, transaction: Transaction) -> Made:
    """An acknowledgment with its control number, as it is kept."""
    draft = wanted.draft
    _, sender, receiver = wanted.pair
    made = draft.finished(numbers.next(wanted), transaction.now)
    return Made(
        interchange=wanted.interchange,
        functional_group=draft.place,
        kind=made.kind,
        standard=wanted.standard,
        sender=sender,
        receiver=receiver,
        number=made.number,
        answers_interchange=made.interchange.replace("\0", " "),
        answers_group=made.group,
        disposition=DISPOSITIONS[made.verdict],
        included=made.included,
        received=made.received,
        accepted=made.accepted,
        partner=wanted.partner,
        name=_name(made, sender, receiver),
        content=made.content,
    )


class _Numbers:
    """The control numbers of the answers that one transaction keeps, taken at once for each pair of parties."""

    def __init__(self, transaction: Transaction, wanted: Iterable[Drafts]) -> None:
        counted = sum((each.pairs for each in wanted), Counter[tuple[str, str, str]]())
        self._next = {
            pair: acknowledgments.take_numbers(
                transaction, standard=pair[0], sender=pair[1], receiver=pair[2], count=counted[pair]
            )
            for pair in sorted(counted)  # in one order everywhere, so that two workers do not wait for each other
        }

    def next(self, wanted: Wanted) -> int:
        """The next number of the pair that an answer is between."""
        self._next[wanted.pair] += 1
        return self._next[wanted.pair] - 1


def _name(made: Acknowledgment, sender: str, receiver: str) -> str:
    """Of its file: ``997_ZZ-ACME_ZZ-GATEWAY_000000042.edi``. No two of one partner have the same.

    Where the parties have other characters than a name should, or too many, a hash of them is in it, too.
    """
    named = f"{receiver}_{sender}"
    plain = re.sub(r"[^A-Za-z0-9_]", "-", named)[:_NAME_MAX]
    odd = "" if _PLAIN.fullmatch(named) else f"_{hashlib.sha256(named.encode()).hexdigest()[:10]}"
    return f"{made.kind}_{plain}{odd}_{made.number:09}.edi"


def _who(delivery: Delivery) -> dict[str, str | None]:
    return {"integration": delivery.integration, "partner": delivery.partner, "delivery": delivery.id}
