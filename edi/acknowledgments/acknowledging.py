"""The acknowledgments of a file, made from the events of the walk through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edi.acknowledgments import edifact, x12
from edi.findings import Finding
from edi.model import Document
from edi.segmented.walk.events import Aside, Opened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from edi.acknowledgments.answers import Acknowledgment, Answers, Draft, Event, Kind

NUMBER_MAX = 999_999_999
"""The largest control number: ISA13 has nine digits."""


def acknowledge(
    events: Iterable[Event], *, kinds: Collection[Kind], numbers: Iterator[int], now: datetime
) -> Iterator[Acknowledgment]:
    """What is to be answered to the senders of a file: TA1 or CONTRL per interchange, 997 or 999 per functional group.

    `events` are those of :func:`edi.x12.scanner.events` or :func:`edi.edifact.scanner.events`. Each acknowledgment of
    `kinds` is given when its interchange has ended, that of the interchange first, and takes one of `numbers`, 1 to
    999999999; `now` is the time that it carries. Interchanges that hold nothing but acknowledgments are not answered,
    and neither are groups of acknowledgments: two programs would answer each other forever. Of what cannot be named,
    because its control number or sender is unreadable, the level above is told. Findings are kept until their
    transaction set has ended, its answer until the interchange has.

    A caller that knows more (that the control number was met in another file, say) puts a finding of its own behind the
    event that it is about: ``envelope.duplicate`` behind Opened.

    Raises:
        ValueError: a control number has more than nine digits, or is none.
    """
    for draft in drafts(events, kinds=kinds):
        number = next(numbers)
        if not 1 <= number <= NUMBER_MAX:
            raise ValueError(f"the control number {number} is not one of 1 to {NUMBER_MAX}")
        yield draft.finished(number, now)


def drafts(events: Iterable[Event], *, kinds: Collection[Kind]) -> Iterator[Draft]:
    """What :func:`acknowledge` gives, before it has control numbers, for who takes these in a transaction.

    ``draft.finished(number, now)`` is the acknowledgment; ``draft.parties()`` says whose numbers are to be counted.
    """
    wanted = frozenset(kinds)
    answers: Answers | None = None
    for event in events:
        if isinstance(event, Opened) and event.kind == "interchange":
            family = x12.X12Answers if event.row[0] == "ISA" else edifact.EdifactAnswers
            answers = family(event, wanted)
        elif answers is None:
            if isinstance(event, Finding):
                yield from x12.unreadable(event, wanted)
        elif isinstance(event, Document):
            answers.document(event)
        elif isinstance(event, Finding):
            answers.finding(event)
        elif isinstance(event, Aside):
            answers.aside(event)
        elif isinstance(event, Opened):
            answers.opened(event)
        else:
            answers.closed(event)
            if event.kind == "interchange":
                yield from answers.drafts()
                answers = None
