"""What a file wants to be answered, read once more from its bytes: for each interchange and group a draft (pure).

Which acknowledgments a group gets is said by the integration that its documents are for, and for an interchange by
those of all its documents. Where no integration takes any of them, all that read this standard from this source have
their say: a file that is cut off, or from somebody unknown, is answered, too. An interchange between others (for
another receiver than us, or from another partner than the one whose account brought it) is not: nobody answers in the
name of somebody else, or takes control numbers of his.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edi.acknowledgments import drafts
from edi.edifact.delimiters import party
from edi.edifact.scanner import events as edifact_events
from edi.findings import CODES, Finding, Position, Severity
from edi.model import Document
from edi.segmented.walk.events import Closed, Opened
from edi.x12.scanner import events as x12_events
from edi.x12.scanner import guide_version
from gateway.partners import STANDARDS
from gateway.publish.drafts import Drafts
from gateway.routing import Flow, Unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edi.acknowledgments import Draft, Kind
    from edi.model import Envelope
    from edi.segmented.walk.events import Aside
    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.routing import Routes

    Event = Document | Finding | Opened | Closed | Aside

EVENTS = {"x12": x12_events, "edifact": edifact_events}
"""The standards that know acknowledgments, and how their files are walked through."""

_KINDS: tuple[Kind, ...] = ("TA1", "997", "999", "CONTRL")
_HAS_999 = "005010"
"""The first release of X12 that has a 999."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A draft, and to whom it goes: which interchange of the delivery it answers, from 1."""

    interchange: int
    draft: Draft
    standard: str
    partner: str | None

    @property
    def pair(self) -> tuple[str, str, str]:
        """Whose control numbers it counts among: the standard, we as who sends, and whoever is answered."""
        receiver, sender = (name.replace("\0", " ") for name in self.draft.parties())
        return self.standard, sender, receiver


@dataclass(slots=True)
class Answers:
    """What is to be answered to one delivery; to be closed.

    `read` counts the interchanges whose header could be read; `repeated` are control numbers that were met before:
    sender, number, and the earlier delivery's id.
    """

    wanted: Drafts = field(default_factory=Drafts)
    interchanges: int = 0
    read: int = 0
    repeated: list[tuple[str, str, str]] = field(default_factory=list)


class Reading:
    """One delivery read for its `answers`. `met_before` knows the delivery that brought a control number before."""

    def __init__(
        self,
        delivery: Delivery,
        routes: Routes,
        met_before: Callable[[str, str, str, str], str | None],
        answers: Answers,
    ) -> None:
        self.answers = answers
        self._delivery = delivery
        self._routes = routes
        self._candidates: Sequence[Integration] = ()
        self._met_before = met_before
        self._standard = ""
        self._is_open = False
        self._group = 0
        self._envelope: Envelope | None = None
        self._flow: Flow | Unfit | None = None
        self._asked: dict[int, set[str]] = {}
        """By group: what the integrations want that took documents of it."""
        self._releases: dict[int, str] = {}
        self._partner: str | None = None
        self._is_of_others = False

    def read(
        self, candidates: Sequence[Integration], standard: str, chunks: Iterable[bytes], options: dict[str, str]
    ) -> None:
        """Read a file, or a member of an archive, that these integrations take, and keep the answers to it."""
        self._candidates, self._standard = candidates, standard
        kinds = [kind for kind in _KINDS if any(kind in each.answers for each in self._candidates)]
        for draft in drafts(self._watched(EVENTS[standard](chunks, options)), kinds=kinds):
            if not self._is_of_others and draft.kind in self._kinds_of(draft.place):
                partner = self._delivery.partner or self._partner or self._known(draft.parties()[0])
                self.answers.wanted.add(Wanted(self.answers.interchanges, draft, standard, partner))

    def _watched(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events as they come; what stands here when a draft is given is that of its interchange."""
        for event in events:
            if isinstance(event, Document):
                self._document(event)
            elif isinstance(event, Opened):
                if event.kind == "group":
                    self._group += 1
                    self._releases[self._group] = guide_version([], event.row)[:6]
                else:
                    self._begin()
                    self.answers.read += 1
                    self._is_open = True
            elif isinstance(event, Closed):
                self._is_open = self._is_open and event.kind == "group"
            elif isinstance(event, Finding) and not self._is_open and event.position.tag in ("ISA", "UNB"):
                self._begin()  # an interchange whose header cannot be read
            yield event
            if isinstance(event, Opened) and event.kind == "interchange":
                sender, receiver, number = _named(event.row)
                self._is_of_others = not self._routes.is_ours(self._standard, receiver) or self._is_foreign(sender)
                if not self._is_of_others:
                    yield from self._again(event, sender, receiver, number)

    def _begin(self) -> None:
        self.answers.interchanges += 1
        self._group = 0
        self._envelope, self._flow, self._partner = None, None, None
        self._asked, self._releases = {}, {}
        self._is_of_others = False

    def _document(self, document: Document) -> None:
        if document.envelope is not self._envelope:
            self._envelope = document.envelope
            partner = self._delivery.partner
            flow = self._routes.route(self._candidates, document.envelope, delivery_partner=partner)
            self._flow = flow if isinstance(flow, Flow | Unfit) else None
            if isinstance(flow, Flow):
                self._partner = flow.partner
        if self._flow is not None:
            self._asked.setdefault(self._group, set()).update(self._flow.integration.answers)

    def _kinds_of(self, place: int) -> set[str]:
        """The acknowledgments that a group is to get, or, for place 0, the interchange."""
        asked = self._asked.get(place) if place else set().union(*self._asked.values()) if self._asked else None
        if asked is None:
            reading = [each for each in self._candidates if each.format.name == self._standard]
            asked = {kind for each in reading for kind in each.answers}
        if {"997", "999"} <= asked:  # exactly one for each group: that which its release has
            return asked - {"997" if self._releases.get(place, "") >= _HAS_999 else "999"}
        return asked

    def _known(self, sender: str) -> str | None:
        """The partner whom the envelope names, where neither the source nor an integration says whose a file is."""
        partners = self._routes.configuration.partners
        return next((name for name in partners if sender in self._identifiers(name)), None)

    def _identifiers(self, partner: str) -> tuple[str, ...]:
        known = dict(self._routes.configuration.partners[partner].identifiers)
        return known.get(STANDARDS[self._standard], ())

    def _is_foreign(self, sender: str) -> bool:
        """Whether the envelope names another partner than the one who sent the file and is known by other names."""
        account = self._delivery.partner
        if account is None or account not in self._routes.configuration.partners:
            return False
        theirs = self._identifiers(account)
        return bool(theirs) and sender not in theirs and self._known(sender) is not None

    def _again(self, opened: Opened, sender: str, receiver: str, number: str) -> Iterator[Finding]:
        """A warning, for TA1, that the sender has used the control number in an earlier delivery."""
        earlier = self._met_before(self._standard, sender, receiver, number)
        if earlier is not None:
            self.answers.repeated.append((sender, number, earlier))
            remedy, place = CODES["envelope.duplicate"].remedy, Position(opened.start, opened.end, tag=opened.row[0])
            message = f"The control number {number} of {sender} was that of an interchange in {earlier}."
            yield Finding("envelope.duplicate", message, remedy, place, Severity.WARNING)


def _named(row: list[object]) -> tuple[str, str, str]:
    """Sender, receiver and control number of an ISA or UNB."""
    values = [*row, *[""] * 14]
    if row[0] == "ISA":
        sender, receiver = (f"{str(values[n]).strip()}:{str(values[n + 1]).strip()}" for n in (5, 7))
        return sender, receiver, str(values[13]).strip().zfill(9)
    return party(values[2]), party(values[3]), str(values[5])
