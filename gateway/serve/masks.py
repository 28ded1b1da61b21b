"""How a caller sees the records of a contract: whose they are, and whether personal data is shown.

Fields that the contract marks ``pii`` are null for who lacks the scope ``COLLECTION:personal``, and their names stand
in `_masked`, whether there was a value or not. Who has the scope is put on record, once for each request
(:func:`on_record`). A contract without such fields is served to everybody as it is stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask import g

from gateway.model import Delivery
from gateway.serve.answers import SYSTEM
from gateway.serve.problems import Problem
from gateway.store import audit
from gateway.store.activity import QUOTING
from gateway.store.groups import QUOTING_NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from gateway.configuration import Configuration
    from gateway.contracts import Contract, Field
    from gateway.integrations import Integration
    from gateway.model import Finding
    from gateway.repair.evidence import Evidence, Spot
    from gateway.serve.auth import Caller
    from gateway.serve.operations import Call
    from gateway.store.activity import Line
    from gateway.store.groups import Group
    from gateway.store.quarantine import HeldDocument

MASKED = "_masked"

Member = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mask:
    """Makes the personal fields of one contract's records null. `paths` lead to them: ``("ship_to", "city")``."""

    paths: tuple[tuple[str, ...], ...]
    value: Callable[[Member], Member]
    """A record without its system's members, as its contract's JSON holds it."""

    @property
    def names(self) -> list[str]:
        """The fields as `_masked` lists them: ``ship_to.city``."""
        return [".".join(path) for path in self.paths]

    def hides(self, pointer: str | None) -> bool:
        """Whether a JSON pointer into the record leads to a masked field, or to something that holds one."""
        if pointer is None:
            return True
        path = tuple(part for part in pointer.split("/")[1:] if not part.isdigit())
        return any(path[: len(each)] == each or each[: len(path)] == path for each in self.paths)

    def record(self, item: bytes, fields: Collection[str] | None = None) -> bytes:
        """A record as it is served; of `fields`, where they are given, and the system's members."""
        whole = json.loads(item)
        head = {name: whole.pop(name) for name in SYSTEM if name in whole}
        members, names = self.value(whole), self.names
        if fields is not None:
            members = {name: value for name, value in members.items() if name in fields}
            names = [name for name in names if name.partition(".")[0] in fields]
        masked = {MASKED: names} if names else {}
        return json.dumps(head | masked | members, ensure_ascii=False, separators=(",", ":")).encode()


def mask_of(contract: Contract) -> Mask | None:
    """The mask of a contract; None where it marks no field."""
    paths = tuple(contract.personal())
    return Mask(paths, _masker(contract.fields)) if paths else None


def _masker(fields: tuple[Field, ...]) -> Callable[[Member], Member]:
    """The function for an object with these fields.

    It goes by the contract's order, so that not even the order of the members tells whether a masked one was there.
    """
    inner = {
        field.name: _masker(field.fields) for field in fields if not field.pii and any(True for _ in _below(field))
    }

    def masked(value: Member) -> Member:
        seen: Member = {}
        for field in fields:
            if field.pii:
                seen[field.name] = None
            elif field.name in value:
                seen[field.name] = (
                    _each(inner[field.name], value[field.name]) if field.name in inner else value[field.name]
                )
        return seen | {name: rest for name, rest in value.items() if name not in seen}

    return masked


def _below(field: Field) -> Iterator[Field]:
    for each in field.fields:
        if each.pii:
            yield each
        yield from _below(each)


def _each(mask: Callable[[Member], Member], value: Any) -> Any:
    """An object, or each one of a list, masked; what is null stays so."""
    if isinstance(value, list):
        return [_each(mask, each) for each in value]
    return mask(value) if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class View:
    """What a caller sees of a contract's records. `personal`: it sees fields that are marked, and that is told."""

    contract: Contract
    partners: tuple[str, ...] | None
    mask: Mask | None
    personal: bool

    @property
    def parts(self) -> tuple[Any, ...]:
        """What tells this view from others, for the fingerprints of cursors and entity tags; nothing: all is seen."""
        if self.partners is None and self.mask is None:
            return ()
        return ("view", sorted(self.partners) if self.partners is not None else None, self.mask and self.mask.names)

    @property
    def hidden(self) -> frozenset[str]:
        """The fields of the record itself that may not be asked about either: answers would tell their values."""
        return frozenset() if self.mask is None else frozenset(path[0] for path in self.mask.paths if len(path) == 1)

    def shown(self, item: bytes) -> bytes:
        """A record as it is served, as it is shown here."""
        return item if self.mask is None else self.mask.record(item)


def view_of(caller: Caller, contract: Contract) -> View:
    """How a caller sees the records of a contract."""
    personal = next(contract.personal(), None) is not None
    if not personal or caller.may_see_personal(contract.collection):
        return View(contract, caller.partners, None, personal)
    return View(contract, caller.partners, mask_of(contract), personal=False)


def on_record(call: Call, view: View, count: int, *, fields: Collection[str] | None = None) -> None:
    """Have it on record that so many records (or parts of such) are read with their personal data, if they are.

    One line for each request, written before the answer goes out: what is not on record is not read. `fields` are
    those that are served, where not all are.
    """
    if not view.personal or not count:
        return
    tops = {path[0] for path in view.contract.personal()}
    if fields is None or not tops.isdisjoint(fields):
        told(call, view.contract.collection, count)


def told(call: Call, collection: str, count: int, **more: str) -> None:
    """The line of the audit log about personal data that is read; `more` says what besides."""
    with call.services.database.write() as transaction:
        audit.write(
            transaction,
            "personal_read",
            f"collection {collection}",
            who=call.caller.name,
            client=call.caller.id,
            count=count,
            request=g.get("request_id", ""),
            **more,
        )


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def evidence_masked(evidence: Evidence, mask: Mask, pointer: str = "") -> Evidence:
    """Evidence of all fields without those that a mask hides, for the values at `pointer` and below it.

    Bytes from which a masked value came are shown of no other field either.
    """
    secret = [spot for field in evidence.fields if mask.hides(field.field) for spot in field.sources]
    return replace(
        evidence,
        fields=tuple(
            replace(field, sources=tuple(_blank(each) if _touches(each, secret) else each for each in field.sources))
            for field in evidence.fields
            if not mask.hides(field.field) and (field.field == pointer or field.field.startswith(f"{pointer}/"))
        ),
    )


def _blank(spot: Spot) -> Spot:
    return replace(spot, start=None, end=None, raw=b"", text="", original=None)


def _touches(spot: Spot, secret: Iterable[Spot]) -> bool:
    """Whether a place has bytes in common with one of others, in what was judged or in the raw file beside it."""
    return any(
        one.start is not None
        and one.end is not None
        and other.start is not None
        and other.end is not None
        and one.start < other.end
        and other.start < one.end
        for each in secret
        for one, other in ((spot, each), (spot.original, each.original))
        if one is not None and other is not None
    )


# ── files and findings, whose fields are not yet told apart ──────────────────────────────────────────────────────────


def marked(configuration: Configuration, integrations: Iterable[Integration]) -> list[str]:
    """The collections with fields marked ``pii`` that these integrations fill."""
    contracts = (configuration.contract_of(each) for each in integrations)
    return sorted({each.collection for each in contracts if any(True for _ in each.personal())})


def of_integration(configuration: Configuration, name: str | None) -> list[str]:
    """The collections whose personal data an integration brings; where none is known by that name, of all."""
    known = configuration.integrations
    named = known.get(name or "")
    return marked(configuration, [named] if named is not None else known.values())


def within(configuration: Configuration, delivery: Delivery) -> list[str]:
    """The collections whose personal data may be in a delivery's bytes: of who takes it; where nobody does, of all."""
    known = configuration.integrations
    wanting = [each for each in known.values() if each.source.is_of(delivery.source)]
    if delivery.integration in known or not wanting:
        return of_integration(configuration, delivery.integration)
    return marked(configuration, wanting)


def needs_personal(caller: Caller, collections: Iterable[str], what: str) -> None:
    """Refuse unless the caller may see the personal data of all these collections; `what` cannot be masked.

    Raises:
        Problem: ``scope_missing``.
    """
    for each in collections:
        if not caller.may_see_personal(each):
            raise Problem(
                "scope_missing",
                f"{what} may hold personal data of {each}, and the key {caller.name!r} lacks the scope {each}:personal",
            )


class Findings:
    """Findings as a caller sees them: without what they quote, where that may be personal data that he may not see.

    What is about a field that is not marked is shown to everybody; what is about no field may quote any of them.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._configuration = call.services.configuration()
        self._known: dict[str | None, tuple[list[str], Mask | None]] = {}
        self._read: dict[str, int] = {}

    def shown(self, findings: Sequence[Finding], of: Delivery | HeldDocument) -> tuple[Finding, ...]:
        """Findings about a delivery or a document."""
        collections, mask = self._marked(of.integration)
        if isinstance(of, Delivery):
            collections = within(self._configuration, of)
        if not collections:
            return tuple(findings)
        lacking = self._lacking(collections)
        return tuple(self._one(each, collections, mask, lacking) for each in findings)

    def group(self, of: Group) -> Group:
        """What stands for several findings; its values and messages come without what is :meth:`secret`."""
        collections, _ = self._marked(of.integration)
        if not collections or _quotes_nothing(of.code):
            return of
        lacking = self._lacking(collections)
        if lacking is not None:
            message, remedy = _unsaid(of.code, lacking)
            return replace(of, value=None, message=message, remedy=remedy)
        self._count(collections)
        return of

    def line(self, line: Line) -> Line:
        """A line of the log, without what it repeats of findings."""
        code = str(line.data.get("code", line.event))
        if line.event not in QUOTING or _quotes_nothing(code):
            return line
        collections, _ = self._marked(line.integration)
        if not collections:
            return line
        lacking = self._lacking(collections)
        if lacking is not None:
            kept = {name: value for name, value in line.data.items() if name not in ("message", "reason")}
            return replace(line, message=_unsaid(code, lacking)[0], data=kept)
        self._count(collections)
        return line

    def secret(self) -> list[str | None]:
        """The integrations of whose findings the caller may not see what they quote; None: of what nobody wanted."""
        names = [None, *self._configuration.integrations]
        return [name for name in names if self._lacking(self._marked(name)[0]) is not None]

    def tell(self, what: str = "findings") -> None:
        """Have it on record what was read; the last thing before the answer."""
        for collection, count in self._read.items():
            told(self._call, collection, count, what=what)

    def _marked(self, integration: str | None) -> tuple[list[str], Mask | None]:
        """The collections whose personal data findings of an integration may quote, and the mask of its contract."""
        if integration not in self._known:
            known = self._configuration.integrations.get(integration or "")
            mask = mask_of(self._configuration.contract_of(known)) if known is not None else None
            self._known[integration] = (of_integration(self._configuration, integration), mask)
        return self._known[integration]

    def _lacking(self, collections: Iterable[str]) -> str | None:
        return next((each for each in collections if not self._call.caller.may_see_personal(each)), None)

    def _count(self, collections: Iterable[str]) -> None:
        for each in collections:
            self._read[each] = self._read.get(each, 0) + 1

    def _one(self, finding: Finding, collections: list[str], mask: Mask | None, lacking: str | None) -> Finding:
        about_other = finding.target is not None and mask is not None and not mask.hides(finding.target)
        if about_other or _quotes_nothing(finding.code):
            return finding
        if lacking is None:
            self._count(collections)
            return finding
        message, remedy = _unsaid(finding.code, lacking)
        return replace(finding, value=None, message=message, remedy=remedy)


def _quotes_nothing(code: str) -> bool:
    """Whether a finding is what the gateway says of a file or a document as a whole, without a word of it."""
    return code.partition(".")[0] in QUOTING_NOTHING


def _unsaid(code: str, collection: str) -> tuple[str, str]:
    """The message and the remedy of a finding that is not told."""
    return (
        f"{code}: what it says may quote personal data, which the key may not see",
        f"Ask the operator for a key with the scope {collection}:personal.",
    )
