"""How long things are kept: what is over is purged, step by step, and each step says what it did.

``keep:`` of an integration (or of gateway.yaml, for the others) is about raw files, corrections and held documents;
``keep:`` of a contract about its records, and ``keep_personal:`` about fields marked ``pii``. Each step is a short
transaction with its row of the audit log and its line of the ingestion log; what a crash interrupts goes on with the
next purge.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from gateway.contracts import kept_since, outlasts
from gateway.errors import Stop
from gateway.observations import (
    ANSWER_FAILED,
    ATTEMPT_FAILED,
    DELIVERY_FAILED,
    DELIVERY_PURGED,
    DELIVERY_QUARANTINED,
    DOCUMENT_UNROUTED,
    FINDING_MADE,
    PERSONAL_ERASED,
    RECORDS_PURGED,
    WARNING_MADE,
)
from gateway.repair.unnamed import Unnamed, condemn, look
from gateway.store import audit, expiry, retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from gateway.configuration import Configuration
    from gateway.contracts import Contract
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.expiry import Expired
    from gateway.store.retention import Condemned
    from gateway.store.vault import Vault

DELIVERIES_A_STEP = 100
VERSIONS_A_STEP = 1_000
PUT_OFF_TOLD = 100

_QUOTING = (
    *(ANSWER_FAILED, ATTEMPT_FAILED, DELIVERY_FAILED, DELIVERY_QUARANTINED, DOCUMENT_UNROUTED),
    *(FINDING_MADE, WARNING_MADE),
)
"""What the log says in words that quote documents."""


@dataclass(slots=True)
class Tally:
    """How much was purged, or would be."""

    deliveries: int = 0
    bytes: int = 0
    """The size of their files; one that several deliveries name stays until the last of them goes."""
    documents: int = 0
    """Documents that were held."""
    findings: int = 0
    corrections: int = 0
    files: int = 0
    """Files of the vault that were deleted; in a dry run nobody can know yet."""
    records: dict[str, int] = field(default_factory=dict)
    """Records that were purged whole, by contract."""
    versions: dict[str, int] = field(default_factory=dict)
    """Earlier versions that went, by contract."""
    erased: dict[str, int] = field(default_factory=dict)
    """Versions that lost personal data, by contract."""
    unnamed: int = 0
    """Files of the vault that no row named; they count among `files`, too, once they are deleted."""
    put_off: list[str] = field(default_factory=list)
    """What could not be purged now, and why, the first of it; it is tried again with the next purge."""
    put_off_more: int = 0
    """How much else."""

    def later(self, reason: str) -> None:
        """Something is put off."""
        if len(self.put_off) < PUT_OFF_TOLD:
            self.put_off.append(reason)
        else:
            self.put_off_more += 1


def was_purged(delivery: Delivery) -> str:
    """Why the bytes of a purged delivery cannot be had."""
    when = f"{delivery.purged_at:%Y-%m-%d}" if delivery.purged_at is not None else "a day"
    return f"the raw bytes of {delivery.id} were purged on {when} by {delivery.purged_by}"


class Retention:
    """The purge of one gateway, by its configuration in force; `who` asked for it."""

    def __init__(self, database: Database, vault: Vault, routes: Routes, *, who: str = audit.WORKER) -> None:
        self._database = database
        self._vault = vault
        self._routes = routes
        self._who = who
        self.tally = Tally()

    def steps(self, integration: str | None = None, *, sweep: bool = True, unnamed: bool = False) -> Iterator[None]:
        """Do one step after the other, as long as the caller wants; `integration`: its deliveries alone.

        `sweep` looks for content that no row names, too, and `unnamed` has all of it deleted, however much it is.
        What is put off is a step, too. Whoever stops keeps the iterator, and goes on with it where it stands.

        Raises:
            Retry, Stop: the store cannot be written now. What was done is done.
        """
        for each in self._over(integration):
            if each is not None:
                self._purge(*each)
            yield
        if sweep and integration is None:
            yield from self._sweep(all_of_it=unnamed)
        yield from self._delete()
        if integration is None:
            for contract in self._configuration.contracts.values():
                yield from self._expire(contract)

    def would(self, integration: str | None = None, *, unnamed: bool = False) -> Tally:
        """What would be purged now, without doing it."""
        tally = self.tally
        for delivery, _ in filter(None, self._over(integration)):
            tally.deliveries += 1
            tally.bytes += delivery.size
            tally.documents += sum(delivery.documents.get(state, 0) for state in ("quarantined", "unrouted"))
        if integration is None:
            for _ in self._sweep(all_of_it=unnamed, dry=True):
                pass
            for contract in self._configuration.contracts.values():
                self._would_expire(contract)
        return tally

    # ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _over(self, only: str | None) -> Iterator[tuple[Delivery, str] | None]:
        """The deliveries whose time is over, each with the rule that says so; None where none of many are."""
        known = self._configuration.integrations
        names = [only] if only is not None else [*known, None]
        for name in names:
            ages = [rule.age for rule in self._rules(name)]
            if not ages:
                continue
            before = max(kept_since(age, self._database.clock()) for age in ages)
            yield from self._over_of(name, before)

    def _over_of(self, name: str | None, before: datetime) -> Iterator[tuple[Delivery, str] | None]:
        known, last = list(self._configuration.integrations), 0
        while True:
            with self._database.read() as connection:
                page = retention.over(connection, name, before, known=known, after=last, limit=DELIVERIES_A_STEP)
            if not page:
                return
            last, found = page[-1].number, False
            for each in page:
                rule = self.rule_of(each)
                if rule is not None and each.received_at < kept_since(rule.age, self._database.clock()):
                    found = True
                    yield each, str(rule)
            if not found:
                yield None

    def _rules(self, name: str | None) -> list[Rule]:
        """The rules that deliveries of an integration can come under; None: of no integration that is there."""
        known = self._configuration.integrations
        if name is None:
            return [rule for rule in (*(self._rule(each) for each in known), self._rule(None)) if rule is not None]
        rule = self._rule(name)
        return [rule] if rule is not None else []

    def _rule(self, name: str | None) -> Rule | None:
        """The rule of one integration: its own, or else that of gateway.yaml."""
        of = self._configuration.integrations.get(name or "")
        if of is not None and of.keep is not None:
            return Rule(of.keep, of.name)
        default = self._configuration.settings.keep
        return Rule(default, "gateway.yaml") if default is not None else None

    def rule_of(self, delivery: Delivery) -> Rule | None:
        """How long this delivery is kept: as its integration says, or as long as any that would take it says."""
        if delivery.integration in self._configuration.integrations:
            return self._rule(delivery.integration)
        rules = [self._rule(each.name) for each in self._routes.candidates(delivery)] or [self._rule(None)]
        if None in rules:
            return None
        now = self._database.clock()
        return min((rule for rule in rules if rule is not None), key=lambda rule: kept_since(rule.age, now))

    def _purge(self, delivery: Delivery, rule: str) -> None:
        with self._database.write() as transaction:
            purged = retention.purge(transaction, delivery.number, by=rule, quoting=[each.event for each in _QUOTING])
            if purged is not None:
                counts = {"documents": purged.documents, "findings": purged.findings}
                audit.write(
                    transaction,
                    "purged",
                    f"delivery {delivery.id}",
                    who=self._who,
                    by=rule,
                    bytes=delivery.size,
                    corrections=purged.corrections,
                    **counts,
                )
                transaction.tell(
                    DELIVERY_PURGED(
                        integration=delivery.integration,
                        partner=delivery.partner,
                        delivery=delivery.id,
                        by=rule,
                        documents=purged.documents,
                        findings=purged.findings,
                    )
                )
        if purged is None:
            self.tally.later(f"{delivery.id}: somebody works on it, or it is still to be answered")
            return
        self.tally.deliveries += 1
        self.tally.bytes += delivery.size
        self.tally.documents += purged.documents
        self.tally.findings += purged.findings
        self.tally.corrections += purged.corrections

    def _sweep(self, *, all_of_it: bool, dry: bool = False) -> Iterator[None]:
        """Tell content that no row names, if it is not more than killed processes can have left."""
        found = Unnamed()
        try:
            yield from look(self._database, self._vault, found, since_it_began=not all_of_it)
        except Stop as trouble:  # a vault that cannot be listed can still be deleted from
            self.tally.later(trouble.message)
            return
        if not (all_of_it or found.is_few):
            self.tally.later(
                f"{found.files:,} files of the vault, {found.bytes:,} bytes, are named by no row, beside "
                f"{found.named:,} that are: they are another gateway's, or this store was put back from a copy that "
                "does not know them. When you are sure that nobody needs them: gateway purge --unnamed"
            )
        elif dry:
            self.tally.unnamed = found.files
        else:
            for told in condemn(self._database, found.names, who=self._who):
                self.tally.unnamed += told
                yield

    def _delete(self) -> Iterator[None]:
        """Delete what nothing names any more from the vault, also what an earlier purge did not come to."""
        last: Condemned | None = None
        while True:
            with self._database.read() as connection:
                left = retention.condemned(connection, after=last, limit=DELIVERIES_A_STEP)
            if not left:
                return
            last = left[-1]
            for _, together in groupby(left, key=lambda each: each.sha256[:2]):  # under one lock
                with self._database.write() as transaction:
                    names = [each.sha256 for each in together]
                    deleted, problems = retention.take_away(transaction, self._vault, *names)
                self.tally.files += deleted
                for each in problems:
                    self.tally.later(each)
                yield

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _expire(self, contract: Contract) -> Iterator[None]:
        if contract.keep is not None:
            yield from self._through(contract, f"keep: {contract.keep}", contract.keep, expiry.purge)
        if contract.keep_personal is not None:
            rule = f"keep_personal: {contract.keep_personal}"
            yield from self._through(contract, rule, contract.keep_personal, expiry.erase)

    def _through(self, contract: Contract, rule: str, age: str, step: Callable[..., Expired | None]) -> Iterator[None]:
        """Go through the versions that have become so old, in parts."""
        looked = True
        while looked:
            with self._database.write() as transaction:
                before = kept_since(age, transaction.now)
                done = step(transaction, contract, before, limit=VERSIONS_A_STEP)
                if done is not None and (done.records or done.versions):
                    purging = step is expiry.purge
                    subject = f"contract {contract.id}"
                    counts = {"records": done.records, "versions": done.versions}
                    audit.write(
                        transaction, "purged" if purging else "erased", subject, who=self._who, by=rule, **counts
                    )
                    told = RECORDS_PURGED if purging else PERSONAL_ERASED
                    transaction.tell(told(contract=contract.id, by=rule, records=done.records, versions=done.versions))
            if done is None:
                self.tally.later(f"{contract.id}: a delivery is being stored")
                return
            self._count(contract, done, erased=step is expiry.erase)
            looked = done.looked
            if looked:
                yield

    def _would_expire(self, contract: Contract) -> None:
        now = self._database.clock()
        with self._database.read() as connection:
            if contract.keep is not None:
                done = expiry.would_purge(connection, contract, kept_since(contract.keep, now))
                self._count(contract, done, erased=False)
            if contract.keep_personal is not None:
                done = expiry.would_erase(connection, contract, kept_since(contract.keep_personal, now))
                self._count(contract, done, erased=True)

    def _count(self, contract: Contract, done: Expired, *, erased: bool) -> None:
        pairs = [(self.tally.erased, done.versions)]
        if not erased:
            pairs = [(self.tally.records, done.records), (self.tally.versions, done.versions)]
        for counted, number in pairs:
            if number:
                counted[contract.id] = counted.get(contract.id, 0) + number

    @property
    def _configuration(self) -> Configuration:
        return self._routes.configuration


@dataclass(frozen=True, slots=True)
class Rule:
    """For how long, and who says so: the name of an integration, or gateway.yaml."""

    age: str
    of: str

    def __str__(self) -> str:
        return f"keep: {self.age} of {self.of}"


def said(configuration: Configuration) -> Iterator[str]:
    """What is kept how long, in lines for people; nothing where all is kept for ever."""
    integrations, settings = configuration.integrations.values(), configuration.settings
    if settings.keep is not None or any(each.keep for each in integrations):
        for each in integrations:
            yield f"raw files and held documents of {each.name} are kept {_long(each.keep or settings.keep)}"
        if settings.keep is not None:
            yield f"raw files of no integration are kept {_long(settings.keep)}"
    contracts = configuration.contracts.values()
    if any(each.keep or each.keep_personal for each in contracts):
        for contract in contracts:
            personal = f", their personal data {contract.keep_personal}" if contract.keep_personal else ""
            yield f"records of {contract.name} v{contract.version} are kept {_long(contract.keep)}{personal}"


def notes(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """What somebody who wrote these rules may not have meant: the place, and a sentence."""
    for each in configuration.integrations.values():
        contract = configuration.contract_of(each)
        if contract.keep_personal is None:
            continue
        files = each.keep or configuration.settings.keep
        if files is None or outlasts(files, contract.keep_personal):
            yield (
                str(each.place),
                (
                    f"personal data of {contract.name} v{contract.version} are erased after {contract.keep_personal}, "
                    f"but the raw files that hold them are kept {_long(files)}"
                ),
            )


def _long(age: str | None) -> str:
    return age if age is not None else "for ever"
