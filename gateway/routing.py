"""Which integration wants a document: by source, format, message and the identifiers of the partner.

One file is one delivery; each of its documents finds its own way. A document that nothing wants is told, with what
would have to be said for it to be wanted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edi.encodings import misread
from edi.findings import Finding as FileFinding
from edi.findings import Position
from edi.formats import sniff
from edi.identify import identify
from gateway.integrations import MapField
from gateway.model import Finding
from gateway.normalize.compiler import MappingProblems, compile_mapping, compile_rules
from gateway.partners import STANDARDS
from gateway.receive.archives import base_name, kind_of
from gateway.receive.archives.gzips import name_without_ending
from gateway.receive.archives.kinds import FIRST_BYTES, GZIP
from gateway.validate.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from edi.model import Document, Envelope
    from gateway.configuration import Configuration
    from gateway.contracts import Contract
    from gateway.integrations import Format, Integration
    from gateway.model import Delivery
    from gateway.normalize.compiler import Lineage, Mapper
    from gateway.store.members import Part

MAPPERS_MAX = 256
UPLOADED = ("http:", "hook:")
"""The sources of deliveries that came over HTTP, each for an integration that the request named."""
_PLACE = re.compile(r"#\d+")
_KINDS = {
    "x12": "X12",
    "edifact": "EDIFACT",
    "csv": "CSV",
    "xml": "XML",
    "json": "JSON",
    "jsonl": "JSON lines",
    "fixed": "records of fixed width",
}


@dataclass(frozen=True, slots=True)
class Flow:
    """One integration, ready to work: its contract, its judge, its mapping for one envelope, and whose documents."""

    integration: Integration
    contract: Contract
    contract_id: str
    partner: str | None
    judge: Judge
    mapper: Mapper


@dataclass(frozen=True, slots=True)
class Unfit:
    """An integration that wants the documents of an envelope, but whose mapping names columns that are not there."""

    integration: Integration
    contract_id: str
    finding: Finding


class Routes:
    """All integrations of one revision, compiled as documents ask for them."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._judges: dict[str, Judge] = {}
        self._mappers: dict[tuple[str, tuple[str, ...]], Mapper] = {}
        self._unfit: dict[tuple[str, tuple[str, ...]], Unfit] = {}
        self._coded: dict[str, frozenset[str]] = {}
        self._farewells: dict[str, tuple[Mapper, Judge]] = {}

    @property
    def revision(self) -> str:
        """The revision that judges."""
        return self.configuration.revision

    def candidates(self, delivery: Delivery, member: str | None = None) -> list[Integration]:
        """The integrations that take deliveries from there; an upload names its own.

        A member of an archive is wanted by its own name; if nobody wants it so, by the name of the archive. What
        landing or an earlier revision found for any other delivery does not count: integrations come and go.
        """
        known = self.configuration.integrations
        if delivery.integration is not None and delivery.source in UPLOADED:
            named = known.get(delivery.integration)
            return [named] if named is not None else []
        for name in _names(delivery, member):
            if wanting := [each for each in known.values() if each.source.wants(delivery.source, name)]:
                return wanting
        return []

    def candidates_of(self, delivery: Delivery, parts: Iterable[Part]) -> list[Integration]:
        """The integrations that take any of these parts of a delivery, each once."""
        found = [each for part in parts for each in self.candidates(delivery, part.member)]
        return list({each.name: each for each in found}.values())

    def may_want(self, delivery: Delivery) -> bool:
        """Whether what an archive holds may be wanted, whatever its members are called."""
        named = delivery.integration if delivery.source in UPLOADED else None
        known = self.configuration.integrations
        return named in known or any(each.source.is_of(delivery.source) for each in known.values())

    def reader_of(self, candidates: Sequence[Integration], first: bytes) -> tuple[str, dict[str, str]]:
        """The reader for a file and its options: the declared format; of several, the one the bytes look like."""
        formats = [each.format for each in candidates]
        looks_like = sniff(first) if len({each.name for each in formats}) > 1 else None
        chosen = next((each for each in formats if each.name == looks_like), formats[0])
        options = dict(chosen.options)
        alike = [each for each in formats if each.name == chosen.name]
        if len(alike) == 1:
            options |= {"message": chosen.message} if chosen.message else {}
            options |= {"version": chosen.version} if chosen.version else {}
        options.setdefault("field_bytes_max", str(self.configuration.settings.field_bytes_max))
        return chosen.name, options

    def route(
        self,
        candidates: Sequence[Integration],
        envelope: Envelope,
        *,
        delivery_partner: str | None = None,
        delivery_id: str | None = None,
    ) -> Flow | Unfit | Finding:
        """The flow for documents of this envelope; Unfit or the finding say why there is none.

        `delivery_id` is the file that a partner, or a flow of one, can be made from.
        """
        of_format = [each for each in candidates if each.format.name == envelope.format]
        wanting = [each for each in of_format if _takes_message(each, envelope)]
        if not wanting:
            return _unwanted(envelope, candidates, delivery_partner, delivery_id)
        if (misdirected := self._misdirected(envelope)) is not None:
            return misdirected
        refusal: Finding | None = None
        unfit: list[Unfit] = []
        for integration in wanting:
            partner = self._partner(integration, delivery_partner, envelope, delivery_id)
            if isinstance(partner, Finding):
                refusal = refusal or partner
                continue
            flow = self._flow(integration, envelope, partner)
            if isinstance(flow, Flow):
                return flow
            unfit.append(flow)
        if unfit:  # a table of none that is wanted: most likely of the one whose pattern of names says most
            return max(unfit, key=lambda each: len(each.integration.source.path))
        assert refusal is not None
        return refusal

    def is_ours(self, form: str, receiver: str | None) -> bool:
        """Whether an interchange of that format for that receiver is for us, as far as it is said who we are."""
        ours = self._ours(form)
        return not ours or receiver in ours

    def _ours(self, form: str) -> tuple[str, ...]:
        return dict(self.configuration.settings.identifiers).get(STANDARDS.get(form, ""), ())

    def _misdirected(self, envelope: Envelope) -> Finding | None:
        """The finding of an interchange for somebody else, where it is said who we are."""
        if self.is_ours(envelope.format, envelope.receiver):
            return None
        standard, ours = STANDARDS[envelope.format], self._ours(envelope.format)
        return Finding(
            code="route.other_receiver",
            severity="error",
            message=f"the interchange is for {envelope.receiver}, and we are {' and '.join(ours)}; "
            f"the document is {_told(envelope)}",
            remedy=(
                f"If that is us, add {standard}: {envelope.receiver} to the identifiers in gateway.yaml, apply, and "
                "retry the document; otherwise tell the sender, and discard it."
            ),
            value=envelope.receiver,
        )

    def _partner(
        self, integration: Integration, delivery_partner: str | None, envelope: Envelope, delivery_id: str | None
    ) -> str | Finding | None:
        """Whose documents these are: the declared partner's if the envelope says nothing else, or its sender's."""
        declared = integration.partner or delivery_partner
        standard = STANDARDS.get(envelope.format)
        if standard is None or envelope.sender is None:
            return declared
        known = {each.name: dict(each.identifiers).get(standard, ()) for each in self.configuration.partners.values()}
        if declared is not None:
            if not known.get(declared) or envelope.sender in known[declared]:
                return declared
            return _unknown_sender(
                envelope, standard, f"partner {declared}", f"partners/{declared}.yaml", delivery_id, known=declared
            )
        sender = next((name for name, identifiers in known.items() if envelope.sender in identifiers), None)
        if sender is None and (any(known.values()) or self.configuration.contract_of(integration).per_partner):
            return _unknown_sender(envelope, standard, "any partner", "the partner's file", delivery_id)
        return sender

    def _flow(self, integration: Integration, envelope: Envelope, partner: str | None) -> Flow | Unfit:
        contract = self.configuration.contract_of(integration)
        judge = self._judges.get(contract.id)
        if judge is None:
            judge = Judge(contract, self.configuration.codes, compile_rules(contract))
            self._judges[contract.id] = judge
        key = (integration.name, envelope.columns)
        if key in self._unfit:
            return self._unfit[key]
        mapper = self._mappers.get(key)
        if mapper is None:
            codes = self.configuration.codes
            try:
                mapper = compile_mapping(integration, contract, columns=envelope.columns, codes=codes)
            except MappingProblems as problems:  # the header is the sender's: that it does not fit is a finding
                finding = self._misread(integration, envelope) or _unfit(integration, problems)
                self._unfit[key] = Unfit(integration, contract.id, finding)
                return self._unfit[key]
            if len(self._mappers) >= MAPPERS_MAX:  # headers are the senders' to invent
                self._mappers.clear()
            self._mappers[key] = mapper
        return Flow(integration, contract, contract.id, partner, judge, mapper)

    def _misread(self, integration: Integration, envelope: Envelope) -> Finding | None:
        """A header that lacks names because the file is written in another encoding than the declared one."""
        contract = self.configuration.contract_of(integration)
        try:
            mapper = compile_mapping(integration, contract, columns=None, codes=self.configuration.codes)
        except MappingProblems:
            return None
        wrong = misread(columns_read(mapper), envelope.columns, envelope.encoding)
        if wrong is None:
            return None
        saved = f"the file seems to be saved as {wrong.written}, where {integration.name} expects {wrong.declared}"
        return Finding(
            code="mapping.unusable",
            severity="error",
            message=f"{saved}: {wrong}",
            remedy=(
                f"Declare {wrong.written.lower()} in format: of {integration.name} ({integration.place.file}), apply, "
                f"and retry the documents; or ask the sender to save the file as {wrong.declared}, and discard this "
                "one. No correction of single rows helps."
            ),
        )

    def columns_of(self, integration: Integration) -> frozenset[str]:
        """The columns of a table that an integration cannot do without: what it maps, keys, and follows changes by."""
        contract = self.configuration.contract_of(integration)
        mapper = compile_mapping(integration, contract, codes=self.configuration.codes)
        mapped = {path.strip("`") for lineage in mapper.lineage.values() for path in lineage.paths}
        followed = {integration.changes.column} if integration.changes and integration.changes.column else set()
        return frozenset(mapped | set(integration.key) | followed)

    def coded_of(self, integration: Integration) -> frozenset[str]:
        """The columns of a table whose codes may be told and remembered: those that are mapped, to no personal data."""
        if integration.name in self._coded:
            return self._coded[integration.name]
        contract = self.configuration.contract_of(integration)
        mapper = compile_mapping(integration, contract, codes=self.configuration.codes)
        personal = {path[0] for path in contract.personal()}
        mapped: dict[bool, set[str]] = {True: set(), False: set()}
        for target, lineage in mapper.lineage.items():
            mapped[target.strip("/").split("/")[0] in personal] |= {path.strip("`") for path in lineage.paths}
        return self._coded.setdefault(integration.name, frozenset(mapped[False] - mapped[True]))

    def farewell(self, flow: Flow) -> tuple[Mapper, Judge]:
        """What maps and judges the key alone, for a row that is gone: nothing else of it is known.

        Raises:
            MappingProblems: as for any mapping.
        """
        integration, contract = flow.integration, flow.contract
        known = self._farewells.get(integration.name)
        if known is None:
            keys = tuple(
                each for each in integration.fields if isinstance(each, MapField) and each.target in contract.key
            )
            keyed = replace(
                contract, fields=tuple(each for each in contract.fields if each.name in contract.key), rules=()
            )
            codes = self.configuration.codes
            mapper = compile_mapping(replace(integration, fields=keys, checks=(), version=None), keyed, codes=codes)
            known = self._farewells[integration.name] = (mapper, Judge(keyed, codes))
        return known


def _names(delivery: Delivery, member: str | None) -> list[str]:
    """What a file is called, the name that says most first; a gzip header may hold that of a temporary file."""
    names = [base_name(member)] if member is not None else []
    names += [name_without_ending(delivery.name)] if delivery.archive == GZIP else []
    return [*names, delivery.name]


def _unknown_sender(
    envelope: Envelope, standard: str, whom: str, file: str, new_from: str | None, *, known: str | None = None
) -> Finding:
    """`new_from` is the delivery that a partner can be made from; `known` is whose the file must be as it came."""
    otherwise = f"ask {known or 'the partner'} why"
    if new_from is not None and known is None:
        otherwise = f"if it is a new partner: {_command('NAME', new_from)}, apply, and retry"
    elif new_from is not None:
        otherwise += f"; if it is a new partner: {_command('NAME', new_from)}, which says what becomes of this file"
    return Finding(
        code="route.unknown_partner",
        severity="error",
        message=f"the sender {envelope.sender} is not a known identifier of {whom}; the document is {_told(envelope)}",
        remedy=(
            f"If it is theirs, add {standard}: {envelope.sender} to the identifiers in {file}, apply, and retry the "
            f"document; otherwise {otherwise}."
        ),
        value=envelope.sender,
    )


def _command(partner: str | None, delivery_id: str) -> str:
    """What makes a partner, or a flow of one, from a file that was taken; of one that was only tried, nothing is."""
    taken = delivery_id if not delivery_id.startswith(_TRIAL) else "FILE"
    return f"gateway partner add {partner or 'NAME'} --from {taken}"


_TRIAL = "t_"
"""So do the ids of files begin that were only tried."""


def _told(envelope: Envelope) -> str:
    """What an envelope says: ``x12 004010 850 from ZZ:ACME to ZZ:US``."""
    parts = [envelope.format, envelope.version, envelope.message]
    parts += [f"from {envelope.sender}"] if envelope.sender else []
    parts += [f"to {envelope.receiver}"] if envelope.receiver else []
    return " ".join(part for part in parts if part)


def columns_read(mapper: Mapper) -> tuple[str, ...]:
    """The names of the columns that a mapping reads, in its order; those that it reads by their place have none."""
    return tuple(dict.fromkeys(name for lineage in mapper.lineage.values() for name in columns_in(lineage)))


def columns_in(lineage: Lineage) -> tuple[str, ...]:
    """The names of the columns from which one target comes."""
    paths = (path.strip("`") for path in lineage.paths)
    return tuple(each for each in paths if not _PLACE.fullmatch(each))


def _unfit(integration: Integration, problems: MappingProblems) -> Finding:
    said = "; ".join(each.message + (f"; {each.hint}" if each.hint else "") for each in problems.problems)
    return Finding(
        code=problems.code,
        severity="error",
        message=f"the file's columns are not those that {integration.name} maps: {said}",
        remedy=(
            "Ask the sender for the file with these columns, and discard this one; or correct the mapping at "
            f"{problems.problems[0].place}, apply, and retry the documents. No correction of single rows helps."
        ),
    )


def _takes_message(integration: Integration, envelope: Envelope) -> bool:
    """Whether the declared message and version are those of the envelope; formats without messages take all."""
    declared = integration.format
    if declared.name in ("csv", "fixed") and declared.message is not None:  # one of a file's record types
        return envelope.message in (declared.message, None)  # None: the record does not say what it is
    if declared.name not in STANDARDS:
        return True
    if declared.message is not None and declared.message != envelope.message:
        return False
    # 004010VICS and 005010X222A1 are versions of a partner's or trade's own within 004010 and 005010.
    told = (envelope.version or "", envelope.guide)
    return declared.version is None or any(version.startswith(declared.version) for version in told)


def _unwanted(
    envelope: Envelope, candidates: Sequence[Integration], partner: str | None, delivery_id: str | None
) -> Finding:
    what = " ".join(part for part in (envelope.format, envelope.version, envelope.message) if part)
    wanted = ", ".join(f"{each.name} ({_said(each.format)})" for each in candidates)
    of = {each.partner for each in candidates if each.partner}
    partner = partner or (of.pop() if len(of) == 1 else None)
    command = f": {_command(partner, delivery_id)}" if delivery_id else ""
    return Finding(
        code="route.unwanted_message",
        severity="error",
        message=f"no integration of this source takes {_told(envelope)}; there is {wanted}",
        remedy=f"Add an integration with format: {what}{command}, apply, and retry the document.",
        value=envelope.message if envelope.format in STANDARDS else None,  # others do not have it in their bytes
    )


def _said(declared: Format) -> str:
    return " ".join(part for part in (declared.name, declared.version, declared.message) if part)


def unwanted_file(delivery: Delivery, first: bytes, part: Part | None = None) -> Finding:
    """The finding for a file, or a member of an archive, that no integration's source matches."""
    foreign = kind_of(first)
    seen = identify(first) if foreign is None else None
    kind = f"; it is {foreign.words}" if foreign else f"; it looks like {seen}" if seen else ""
    command = f": {_command(delivery.partner, delivery.id)}" if seen else ""
    named = f"the integration {delivery.integration}, which does not exist" if delivery.integration else "nobody"
    file = f"the file {delivery.name}"
    if part is not None and part.member is not None:
        file, named = f"the member {part.member} of {delivery.name}", "nobody"
    return Finding(
        code="route.unwanted_file",
        severity="error",
        message=f"{file} from {delivery.source} is wanted by {named}{kind}",
        remedy=(
            f"Add an integration with source: {delivery.source}/… that matches the name{command}, apply, and retry."
        ),
        start=0,
        end=delivery.size if part is None else part.size,
    )


def of_its_kind(
    items: Iterator[Document | FileFinding], first: bytes, expected: Collection[str]
) -> Iterator[Document | FileFinding]:
    """What was read of a file that begins so; that it holds no interchange is told as what it is instead.

    `expected` are the names of the formats that are wanted.
    """
    before: list[FileFinding] = []
    for item in items:
        if not isinstance(item, FileFinding):  # there is a document: nothing more is to be looked at
            yield from before
            yield item
            yield from items
            return
        if item.code == "envelope.junk" and not before:
            before.append(item)
            continue
        other = _other_kind(first, expected) if item.code == "envelope.none" else None
        if other is not None:
            yield other
            return
        yield from before
        before = []
        yield item
    yield from before


def _other_kind(first: bytes, expected: Collection[str]) -> FileFinding | None:
    """The finding of a file in another format than the expected ones, if its beginning shows which."""
    seen = identify(first)
    if seen is None or seen.format in expected:
        return None
    if seen.format == "csv" and not any(len(each) == len(seen.columns) for each in seen.rows):
        return None  # one line with a comma in it is no table
    agreed = " or ".join(_KINDS[each] for each in expected)
    return FileFinding(
        "file.kind",
        f"the file is {_KINDS[seen.format]}, and {agreed} was expected; it says {seen}",
        f"Ask the sender for the file as {agreed}, and discard this one; or add an integration with format: "
        f"{seen.declared()[0]}.",
        Position(0, min(len(first), FIRST_BYTES), line=1),
    )
