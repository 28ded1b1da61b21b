"""What files must agree on among themselves: names, identities and places that may be taken once only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.workspace.problems import did_you_mean
from gateway.workspace.watching import check_watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.contracts import Contract
    from gateway.integrations import Integration
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section


@dataclass(frozen=True, slots=True)
class Draft:
    """One file as it was read: its section, and what it describes (None when something in it is wrong)."""

    section: Section
    value: Any


def refuse_twice(claims: Iterable[tuple[str, Node]], what: str, hint: str) -> None:
    """Refuse every later claim of what an earlier one has taken; ``{}`` in `what` stands for it."""
    taken: dict[str, Node] = {}
    for name, node in claims:
        if name in taken:
            first = taken[name].place
            node.refuse(what.format(repr(name)), f"the first is {first}; {hint}")
        taken.setdefault(name, node)


def check_access(section: Section, partners: Mapping[str, Any]) -> None:
    """Issuers and certificates are told apart; partners whose data is seen are there, where any are known."""
    access: Section | None = section.get("access")
    if access is None:
        return
    proxy: Section | None = access.get("proxy")
    issuers: dict[str, Section] = access.get("issuers", {})
    clients: dict[str, Section] = proxy.get("clients", {}) if proxy is not None else {}
    for name, sections in (("issuer", issuers), ("certificate", clients)):
        refuse_twice(
            [(each.get(name), each.node(name)) for each in sections.values() if each.get(name)],
            f"the {name} {{}} stands twice",
            "nobody could say which of them counts",
        )
    for each in clients.values():
        for partner in each.get("partners", ()):
            if partners and partner not in partners:
                each.refuse("partners", f"there is no partner {partner!r}", did_you_mean(partner, partners))


def check_partners(drafts: list[Draft]) -> None:
    """Each name, account and identifier belongs to one partner."""
    refuse_twice(
        [
            (draft.section.get("partner"), draft.section.node("partner"))
            for draft in drafts
            if draft.section.get("partner")
        ],
        "the partner {} is described twice",
        "give one of them another name",
    )
    accounts = [sftp for draft in drafts if (sftp := draft.section.get("sftp")) and sftp.get("user")]
    refuse_twice(
        [(sftp.get("user"), sftp.node("user")) for sftp in accounts],
        "the SFTP user {} belongs to two partners",
        "give each its own",
    )
    for standard in ("isa", "unb"):
        sections = [ids for draft in drafts if (ids := draft.section.get("identifiers")) and ids.get(standard)]
        refuse_twice(
            [(identity, ids.node(standard)) for ids in sections for identity in ids.get(standard)],
            "the identity {} belongs to two partners",
            "documents could not be told apart",
        )


def check_contracts(drafts: list[Draft]) -> None:
    """Each version is described once; the versions of a contract share its collection, other contracts have others."""
    named = [(draft.section, *draft.section.get("contract")) for draft in drafts if draft.section.get("contract")]
    refuse_twice(
        [(f"{name} v{version}", section.node("contract")) for section, name, version in named],
        "the contract {} is described twice",
        "give one of them another version",
    )
    owners: dict[str, tuple[Contract, Section]] = {}
    collections: dict[str, tuple[Contract, Section]] = {}
    for draft in drafts:
        contract: Contract | None = draft.value
        if contract is None:
            continue
        at = "collection" if draft.section.get("collection") else "contract"
        other = owners.setdefault(contract.collection, (contract, draft.section))[0]
        if other.name != contract.name:
            message = f"the collection {contract.collection!r} belongs to {other.id} already"
            draft.section.refuse(at, message, "write another name under collection:")
        first = collections.setdefault(contract.name, (contract, draft.section))[0]
        if first.collection != contract.collection:
            message = f"{first.id} calls the collection {first.collection!r}, this version {contract.collection!r}"
            draft.section.refuse(at, message, "all versions of a contract share one collection")


def check_integrations(drafts: list[Draft], contracts: Mapping[str, Contract | None]) -> None:
    """Names, precedence, and that no two want exactly the same documents."""
    refuse_twice(
        [(name, draft.section.node("integration")) for draft in drafts if (name := draft.section.get("integration"))],
        "the integration {} is described twice",
        "give one of them another name",
    )
    refuse_twice(
        [(_wish(draft.value), draft.section.node("source")) for draft in drafts if draft.value],
        "{} is wanted by another integration already",
        "let them differ in source, message or partner",
    )
    _check_pulling(drafts)
    check_watched([draft.section for draft in drafts if draft.value])
    filling: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.section.get("contract"):
            filling[" v".join(map(str, draft.section.get("contract")))].append(draft)
    for name, group in filling.items():
        for rivals in _rivals(group, contracts.get(name)):
            if len(rivals) > 1:
                _check_precedence(name, rivals)
                _check_versions(name, rivals)


def _check_pulling(drafts: list[Draft]) -> None:
    """A folder at a partner's server is looked at once for all who want files from there, so in one way."""
    first: dict[str, Integration] = {}
    for draft in drafts:
        one: Integration | None = draft.value
        if one is None or one.source.scheme != "sftp":
            continue
        other = first.setdefault(one.source.remote_folder, one)
        if other.pulling != one.pulling:
            draft.section.refuse(
                "source",
                f"{other.name} pulls from {one.source.remote_folder} in another way",
                "write the same lines after:, every:, settle:, marker: and between: in both",
            )


def _wish(integration: Integration) -> str:
    """What an integration takes, in words: equal for two that could not be told apart."""
    form = integration.format
    message = " ".join(part for part in (form.name, form.version, form.message) if part)
    partner = f" of {integration.partner}" if integration.partner and integration.source.scheme != "drop" else ""
    if integration.source.scheme in ("http", "hook"):
        return f"{integration.source} for {integration.name}"  # an upload names its integration
    return f"{message} from {integration.source}{partner}"


def _rivals(group: list[Draft], contract: Contract | None) -> list[list[Draft]]:
    """Those that may fill the same record: where the key is per partner, the integrations of each are apart.

    One that something else is wrong with is left out there: whose it is, is not known.
    """
    if contract and contract.per_partner:
        group = [draft for draft in group if draft.value]
    partners = [draft.value.partner if draft.value else None for draft in group]
    if not contract or not contract.per_partner or None in partners:
        return [group]
    apart: dict[str | None, list[Draft]] = defaultdict(list)
    for draft, partner in zip(group, partners, strict=True):
        apart[partner].append(draft)
    return list(apart.values())


def _check_precedence(name: str, group: list[Draft]) -> None:
    """Several that fill one contract say, each with another number, which of them wins."""
    for draft in group:
        if draft.section.mapping.get("precedence") is None:
            others = ", ".join(sorted(str(other.section.get("integration")) for other in group if other is not draft))
            draft.section.refuse(
                "contract",
                f"{name} is filled by {others} too, and nothing says which of them wins",
                "add a line to each: precedence: 1 for the one that wins, 2 for the next",
            )
    refuse_twice(
        [
            (str(number), draft.section.node("precedence"))
            for draft in group
            if (number := draft.section.get("precedence"))
        ],
        f"the precedence {{}} is taken in {name}",
        "give each another number",
    )


def _check_versions(name: str, group: list[Draft]) -> None:
    """What says which of two documents is newer is the same for all that fill a contract."""
    told = {draft.section.get("version") for draft in group}
    if len(told) > 1:
        for draft in group:
            if not draft.section.get("version"):
                said = ", ".join(sorted(filter(None, told)))
                draft.section.refuse(
                    "contract",
                    f"others that fill {name} say by {said} which document is newer, and this one does not",
                    "say the same in each: a document that has no value there is as new as it landed",
                )
        refuse_others = sorted(filter(None, told))[1:]
        for draft in group:
            if draft.section.get("version") in refuse_others:
                draft.section.refuse(
                    "version", f"another integration of {name} says it by another field", "say the same"
                )


def check_owners(sections: Iterable[Section], teams: Mapping[str, object]) -> None:
    """Owners are teams, where teams are described at all."""
    for section in sections:
        owner = section.get("owner")
        if owner and teams and owner not in teams:
            section.refuse("owner", f"there is no team {owner!r}", did_you_mean(owner, teams, "add it to teams.yaml"))
