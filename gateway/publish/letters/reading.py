"""What a letter says, gathered: from the store what was found, from the bytes what is quoted."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from edi.excerpts import cut
from edi.findings import Position
from edi.model import Document
from edi.segmented import guides
from gateway.judging import items_of, peeked
from gateway.model import DeliveryState, DocumentState
from gateway.publish.letters.facts import Item, Letter, Problem, Quote, Twin
from gateway.publish.letters.headers import of_header, wanted
from gateway.publish.letters.messages import of_message
from gateway.publish.letters.names import AGAIN, of_name, patterns
from gateway.publish.letters.overtaken import Late, newest_by
from gateway.publish.letters.sheet import Sheets
from gateway.publish.letters.units import ROWS, unit_of
from gateway.publish.letters.wording import AS_CSV, codes_of, is_workbook, worded
from gateway.routing import Flow, Unfit
from gateway.store import deliveries, members, quarantine
from gateway.store.repairs import Reference
from gateway.telling import OLDER, OLDER_TOLD_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edi.model import Envelope
    from gateway.configuration import Configuration
    from gateway.integrations import Format, Integration
    from gateway.model import Delivery, Finding
    from gateway.publish.letters.facts import Unit
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.decisions import RawBytes
    from gateway.store.letters import Owed
    from gateway.store.members import Part
    from gateway.store.quarantine import HeldDocument

ITEMS_MAX = 25
PROBLEMS_MAX = 8
"""So many refused documents are spelled out, and so many problems of each."""
_AT_ONCE = 500
_BEFORE, _VALUE, _BEHIND = 26, 26, 14
"""So many characters are quoted before, at and behind a place: a line of the letter."""
_NAME_MAX = 80
_BEYOND_SYNTAX = ("route.", "mapping.", "contract.", "check.", "rule.", "record.")
"""What is wrong with a file that an acknowledgment may accept: codes of findings begin so."""
_HEADER_ELSEWHERE = {"skip", "header_at"}
"""Options with which a header is not on the first line."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where letters take what they say from. `watch` is called whenever bytes were read."""

    database: Database
    vault: RawBytes
    routes: Routes
    watch: Callable[[], None] = lambda: None


def file_name(delivery: Delivery, number: int, ending: str) -> str:
    """Of a letter's file: ``letter_prices.csv_d_01j….txt``; no two letters have the same."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", delivery.name)[:_NAME_MAX].strip("-.") or "file"
    again = f"_{number}" if number > 1 else ""
    return f"letter_{plain}_{delivery.id}{again}.{ending}"


def gathered(source: Source, owed: Owed, *, tested: bool = False) -> Letter:
    """The letter that is owed; `tested` says that the file was only tested.

    Raises:
        Stop: the raw bytes are missing or damaged.
    """
    with source.database.read() as connection:
        delivery = deliveries.by_number(connection, owed.delivery)
        twin = deliveries.get(connection, delivery.twin) if delivery.twin else None
    reading = _Reading(source, delivery, owed, tested=tested)
    if owed.ended in (DeliveryState.PARTLY_ACCEPTED, DeliveryState.QUARANTINED):
        reading.read()
    if owed.documents.get(DocumentState.EXCLUDED):
        reading.read_overtaken()
    return reading.letter(twin)


@dataclass(slots=True)
class _Found:
    """What was found in the parts of a file that were read."""

    items: list[Item] = field(default_factory=list)
    refused: int = 0
    withheld: int = 0
    formats: set[str] = field(default_factory=set)
    contracts: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    whole: str | None = None
    alike: int = 0
    """Refused documents that have nothing wrong but what is told of others, or of the header above them."""
    of_header: int = 0
    """Those of them under a header that is not the agreed one."""
    headers: set[tuple[str | None, tuple[str, ...]]] = field(default_factory=set)
    answered: frozenset[str] = frozenset()
    """The acknowledgments that tell of the syntax alone."""
    first: dict[tuple[Finding, ...], int] = field(default_factory=dict)
    """Which item tells what is wrong around several documents, such as in their interchange's header."""
    again: Counter[int] = field(default_factory=Counter)
    """How many documents more an item stands for."""
    late: Late = field(default_factory=Late)


class _Reading:
    """One file read for its letter."""

    def __init__(self, source: Source, delivery: Delivery, owed: Owed, *, tested: bool) -> None:
        self._source = source
        self._vault = source.vault
        self._routes = source.routes
        self._configuration: Configuration = source.routes.configuration
        self._delivery = delivery
        self._owed = owed
        self._tested = tested
        self._found = _Found()
        self._sheets: Sheets | None = None
        self._names: dict[str, tuple[str, ...]] = {}
        self._agreed: list[Format] = []
        """The formats in which the part that is being read may be, as far as they are this partner's."""
        self._open: BinaryIO | None = None
        """The part that is being read, where bytes of its rows are wanted."""

    def letter(self, twin: Delivery | None) -> Letter:
        """What was found, as a letter."""
        count, found, delivery = self._owed.documents, self._found, self._delivery
        refused = count.get(DocumentState.QUARANTINED, 0) + count.get(DocumentState.UNROUTED, 0)
        partner = self._configuration.partners.get(self._owed.partner)
        return Letter(
            reference=delivery.id,
            partner=self._owed.partner,
            about=partner.about if partner is not None else "",
            contact=self._contact(),
            name=delivery.name,
            received_at=delivery.received_at,
            size=delivery.size,
            ended=self._owed.ended,
            unit=self._unit(),
            taken=count.get(DocumentState.ACCEPTED, 0) + count.get(DocumentState.CORRECTED, 0),
            refused=refused,
            withheld=found.withheld,
            known=count.get(DocumentState.DUPLICATE, 0),
            older=count.get(DocumentState.EXCLUDED, 0),
            overtaken=tuple(found.late.told(self._unit(), self._owed.partner)),
            newest_by=", ".join(found.late.newest_by),
            whole=found.whole,
            problems=tuple(found.problems),
            items=tuple(self._items()),
            more=max(0, refused - found.withheld - found.alike - len(found.items)),
            acknowledgments=tuple(sorted(found.answered)),
            under_header=0 < found.of_header == refused - found.withheld,
            sheet=self._sheets.finished() if self._sheets is not None else None,
            twin=Twin(twin.id, twin.name, twin.received_at) if twin is not None else None,
            tested=self._tested,
        )

    def _items(self) -> Iterator[Item]:
        """The refused documents that are spelled out; those that have the same wrong around them are counted there."""
        for place, item in enumerate(self._found.items):
            count = self._found.again[place]
            more = f", and {self._unit().more(count)} with the same" if count else ""
            yield replace(item, title=f"{item.title}{more}")

    def read(self) -> None:
        """Read the file as far as there are refused documents to quote."""
        with self._source.database.read() as connection:
            parts = members.parts_of(connection, self._delivery)
            about = quarantine.about_file(
                connection, self._delivery.number, archive=self._delivery.archive, limit=PROBLEMS_MAX
            )
        for part in parts:
            try:
                self._read_part(part)
            finally:
                if self._open is not None:
                    self._open.close()
                    self._open = None
        if not self._found.items and not self._found.problems and not about:
            self._without_reading()
        for each in about:
            self._about_file(each, next((one for one in parts if one.member == each.member), None))

    def read_overtaken(self) -> None:
        """Which documents a newer record overtook; the file is read only as far as to say what they are called."""
        with self._source.database.read() as connection:
            parts = members.parts_of(connection, self._delivery)
            known = quarantine.with_code(
                connection, self._delivery.number, OLDER, archive=self._delivery.archive, limit=OLDER_TOLD_MAX
            )
        self._found.late = Late(known)
        for part in parts:
            candidates = self._routes.candidates(self._delivery, part.member)
            if not candidates:
                continue
            _, first = peeked(self._watched(part))
            self._found.formats.add(self._routes.reader_of(candidates, first)[0])
            self._found.contracts |= {self._configuration.contract_of(each).name for each in candidates}
            if len(candidates) == 1:
                self._found.late = replace(self._found.late, newest_by=newest_by(self._configuration, candidates[0]))

    # ── one part ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_part(self, part: Part) -> None:
        candidates = self._routes.candidates(self._delivery, part.member)
        if not candidates:
            for each in islice(self._held(part), max(0, ITEMS_MAX - len(self._found.items))):
                self._take_unread(each)
            return
        self._agreed = [each.format for each in candidates if each.partner in (None, self._owed.partner)]
        held = self._held(part)
        waiting = next(held, None)
        if waiting is None:
            return
        chunks, first = peeked(self._watched(part))
        format_name, options = self._routes.reader_of(candidates, first)
        if format_name in ROWS and self._sheets is None and not self._tested:
            name = file_name(self._delivery, self._owed.number, "csv")
            self._sheets = Sheets(name, options, format_name=format_name)
        flow: Flow | Unfit | None = None
        envelope: Envelope | None = None
        for document in items_of(self._routes, candidates, chunks):
            if not isinstance(document, Document):
                continue
            while waiting is not None and waiting.number < document.number:
                waiting = next(held, None)
            if waiting is None or self._is_full(format_name):
                break
            if waiting.number != document.number:
                continue
            if document.envelope is not envelope:
                envelope = document.envelope
                flow = self._flow(candidates, envelope)
            self._take(waiting, document, flow, part)
            if any(each.code.startswith(_BEYOND_SYNTAX) for each in waiting.findings if each.severity == "error"):
                self._found.answered |= frozenset().union(*(each.answers for each in candidates)) - {"TA1"}
            waiting = next(held, None)

    def _held(self, part: Part) -> Iterator[HeldDocument]:
        """The refused documents of a part, in their order."""
        after = part.origin
        while True:
            with self._source.database.read() as connection:
                some = quarantine.of_delivery(connection, self._delivery.number, after=after, limit=_AT_ONCE)
            for each in some:
                if not part.holds(each.number + each.origin):
                    return
                yield each
            if len(some) < _AT_ONCE:
                return
            after = some[-1].number + some[-1].origin

    def _watched(self, part: Part) -> Iterator[bytes]:
        for chunk in self._vault.chunks(part.sha256):
            self._source.watch()
            yield chunk

    def _is_full(self, format_name: str) -> bool:
        return len(self._found.items) >= ITEMS_MAX and format_name not in ROWS

    def _flow(self, candidates: list[Integration], envelope: Envelope) -> Flow | Unfit | None:
        flow = self._routes.route(candidates, envelope, delivery_partner=self._delivery.partner)
        return flow if isinstance(flow, Flow | Unfit) else None

    def _take(self, held: HeldDocument, document: Document, routed: Flow | Unfit | None, part: Part) -> None:
        """A refused document: an item of the letter while there are few, and a row of the sheet."""
        found = self._found
        own = [each for each in held.findings if each.document is not None and each.severity == "error"]
        flow = routed if isinstance(routed, Flow) else None
        found.formats.add(document.envelope.format)
        found.contracts |= {flow.contract.name} if flow is not None else set()
        if not own:
            found.withheld += 1
            return
        if isinstance(routed, Unfit) and self._is_of_header(own, document.envelope, routed, part):
            found.alike += 1
            found.of_header += 1
            return
        around = _around(own, document)
        if around in found.first:
            found.alike += 1
            found.again[found.first[around]] += 1
            return
        spelled_out = len(found.items) < ITEMS_MAX
        quoted = part if spelled_out else None
        told = [self._problem(each, document.envelope, flow, quoted) for each in own[:PROBLEMS_MAX]]
        if spelled_out:
            found.first |= {around: len(found.items)} if around else {}
            found.items.append(Item(self._title(document, flow, part), tuple(told), len(own) - len(told)))
        if self._sheets is not None and isinstance(document.content, list):
            reference = str(Reference(self._delivery.id, held.number + held.origin))
            self._sheets.add(document, told, reference, lambda: self._bytes(document, part))
        elif self._sheets is not None:
            self._sheets.odd += 1

    def _bytes(self, document: Document, part: Part) -> bytes:
        """The bytes of a document, as they were sent; the file stays open for those that follow."""
        if self._open is None:
            self._open = self._vault.spans(part.sha256)
        self._open.seek(document.start)
        return self._open.read(document.end - document.start)

    def _is_of_header(self, own: list[Finding], envelope: Envelope, unfit: Unfit, part: Part) -> bool:
        """Whether nothing is wrong with a row but the header above it, which is told once for all of its rows."""
        integration = unfit.integration
        if integration.name not in self._names:
            self._names[integration.name] = wanted(self._configuration, integration)
        names = self._names[integration.name]
        if any(each.code != unfit.finding.code for each in own):
            return False
        if (part.member, envelope.columns) not in self._found.headers:
            self._found.headers.add((part.member, envelope.columns))
            moved = _HEADER_ELSEWHERE & dict(integration.format.options).keys()
            place = _place(replace(own[0], line=None) if moved else own[0], None)
            if envelope.format == "csv" and names:
                self._found.problems.append(of_header(names, envelope, place))
            else:
                self._found.problems.append(self._problem(own[0], None, None, None))
        return True

    def _without_reading(self) -> None:
        """What no integration reads, such as a file that nobody wants."""
        with self._source.database.read() as connection:
            held = quarantine.of_delivery(connection, self._delivery.number, limit=ITEMS_MAX)
        for each in held:
            self._take_unread(each)

    def _take_unread(self, held: HeldDocument) -> None:
        own = [each for each in held.findings if each.severity == "error"]
        problems = [self._misnamed(each) or self._problem(each, None, None, None) for each in own[:PROBLEMS_MAX]]
        self._found.items.append(Item(held.member or self._delivery.name, tuple(problems), len(own) - len(problems)))

    def _misnamed(self, finding: Finding) -> Problem | None:
        """What is wrong with the name of a file that nobody wants."""
        agreed = patterns(self._configuration, self._owed.partner, self._delivery.source)
        words = of_name(finding.member or self._delivery.name, agreed, packed=finding.member is not None)
        if finding.code != "route.unwanted_file" or words is None:
            return None
        if is_workbook(finding) and any(each.endswith(".csv") for each in agreed):
            return Problem("", None, words.what, words.expected, AS_CSV)
        return Problem("", None, words.what, words.expected, words.send, again=AGAIN)

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _about_file(self, finding: Finding, part: Part | None) -> None:
        """A finding about the file: a limit that was agreed is a sentence, everything else is a problem."""
        if finding.code == "accept.file":
            self._found.whole = "The file is taken whole or not at all, and there is something wrong in it."
        elif finding.code == "accept.share":
            self._found.whole = "Too much of the file is wrong, so that none of it is taken."
        else:
            self._found.whole = (
                self._found.whole or "The file as a whole cannot be relied on, so that none of it is taken."
            )
            self._found.problems.append(self._problem(finding, None, None, part))

    def _problem(self, finding: Finding, envelope: Envelope | None, flow: Flow | None, part: Part | None) -> Problem:
        lineage = flow.mapper.lineage_of(finding.target) if flow is not None and finding.target else None
        expression = lineage.expression if lineage is not None else ""
        codes = codes_of(finding, self._configuration)
        words = worded(finding, name=_called(finding, envelope), expression=expression, codes=codes)
        if finding.code == "route.unwanted_message" and envelope is not None:
            words = of_message(envelope, self._agreed) or words
        quote = self._quote(finding, envelope, part)
        return Problem(_place(finding, envelope), quote, words.what, words.expected, words.send, words.ours)

    def _quote(self, finding: Finding, envelope: Envelope | None, part: Part | None) -> Quote | None:
        start, end = finding.start, finding.end
        if part is None or start is None or end is None or (start == 0 and end >= part.size > 0):
            return None
        with closing(self._vault.spans(part.sha256)) as file:

            def read(first: int, last: int) -> bytes:
                file.seek(first)
                return file.read(max(0, last - first))

            position = Position(start, min(end, part.size))
            pieces = cut(position, envelope, read, before_max=_BEFORE, value_max=_VALUE, behind_max=_BEHIND)
        if end - start > _VALUE:
            pieces = (pieces[0], pieces[1] + "…", "")
        return Quote(*pieces) if "".join(pieces).strip() else None

    def _title(self, document: Document, flow: Flow | None, part: Part) -> str:
        called = self._unit().named(document.number)
        key = _key(document, flow)
        reference = document.envelope.reference
        more = [f"number {key}"] if key else []
        more += [f"control number {reference}"] if reference else []
        more += [f"in {part.member}"] if part.member else []
        return ", ".join([f"{called[0].upper()}{called[1:]}", *more])

    def _unit(self) -> Unit:
        """What the documents are called."""
        return unit_of(self._found.formats, self._found.contracts)

    def _contact(self) -> tuple[str, ...]:
        """Whom to ask: as gateway.yaml says, or the team that owns the integration."""
        if self._configuration.settings.contact:
            return self._configuration.settings.contact
        integration = self._configuration.integrations.get(self._delivery.integration or "")
        team = self._configuration.teams.get(integration.owner, {}) if integration is not None else {}
        return tuple(team[each] for each in ("email", "phone") if each in team)


def _around(own: list[Finding], document: Document) -> tuple[Finding, ...]:
    """What is wrong in front of a document alone, such as in the header of its interchange; empty if more is."""
    if not all(each.end is not None and each.end <= document.start for each in own):
        return ()
    return tuple(replace(each, document=None) for each in own)


def _key(document: Document, flow: Flow | None) -> str:
    """What the sender calls a document, by the key of its record, as far as that can be told."""
    if flow is None:
        return ""
    record: dict[str, Any] = {}
    with suppress(Exception):  # what is refused may be so broken that nothing of it can be mapped
        record, _ = flow.mapper(document)
    values = [record.get(each) for each in flow.contract.key]
    told = " ".join(str(each) for each in values if isinstance(each, str | int))
    return told[:_NAME_MAX]


def _called(finding: Finding, envelope: Envelope | None) -> str:
    """What the sender calls the value: his column, or the element with its name in the standard."""
    if finding.column is not None:
        return str(finding.column)
    if finding.tag is None or not finding.element:
        return finding.tag or ""
    label = _label(finding.tag, finding.element, envelope)
    return f"{finding.tag}{finding.element:02d}" + (f" ({label})" if label else "")


def _label(tag: str, element: int, envelope: Envelope | None) -> str:
    if envelope is None or envelope.format not in ("x12", "edifact") or envelope.message is None:
        return ""
    guide = guides.find(envelope.format, envelope.message, envelope.version or "")
    known = guide.dictionary.segments.get(tag, ()) if guide is not None else ()
    return known[element - 1].label if element <= len(known) else ""


def _place(finding: Finding, envelope: Envelope | None) -> str:
    """Where it is, in the words of the format: line 25, segment 9 PO1, element 4 (unit price)."""
    words = [f"in {finding.member}"] if finding.member else []
    words += [f"line {finding.line:,}"] if finding.line else []
    if finding.segment:
        words.append(f"segment {finding.segment:,} {finding.tag or ''}".rstrip())
    elif finding.tag:
        words.append(finding.tag)
    if finding.element:
        label = _label(finding.tag or "", finding.element, envelope)
        words.append(f"element {finding.element}" + (f" ({label})" if label else ""))
        words += [f"component {finding.component}"] if finding.component else []
    if finding.column is not None:
        words.append(f"column {finding.column}")
    return ", ".join(words)
