"""Whether a partner can get through: a list of steps from its account to the first answer that it fetched.

Each step says what is there, or what is missing and what to do about it; the order is that in which they are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.partners import STANDARDS
from gateway.receive.trials import go_past_the_inbox, is_for, named
from gateway.store.readiness import Ways, facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.partners import Partner
    from gateway.store.readiness import Came, Facts

_WAYS = {
    "drop": "over our SFTP server",
    "folder": "through the watched folder {place}",
    "sftp": "from the partner's own server, {source}",
    "http": "as an upload over HTTP",
    "hook": "as a signed request",
}
"""How files come, by the scheme of their source."""
_TELLING = ("drop", "http", "hook")
"""Schemes whose deliveries have the partner whom their inbox or integration names."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the list: `said` is what is there or missing, `remedy` is empty where nothing is to be done."""

    code: str
    done: bool
    said: str
    remedy: str = ""


def readiness(
    connection: Connection, configuration: Configuration, partner: Partner, host_keys: Sequence[str]
) -> list[Step]:
    """The steps for a partner; `host_keys` are the fingerprints of our server's keys."""
    own = [each for each in configuration.integrations.values() if is_for(each, partner.name)]
    shared = [each for each in configuration.integrations.values() if _may_be_of(each, partner)]
    so_far = facts(connection, partner.name, _ways(configuration, partner, own, shared))
    came = {each.source for each in (so_far.taken, so_far.held) if each is not None}
    flows = own or [each for each in shared if partner.account is None or named(each.source) in came]
    return [
        _account(partner, flows),
        _identifiers(partner, flows),
        _host_key(partner, flows, host_keys),
        _flows(partner, flows),
        _tried(partner, so_far),
        _taken(partner, so_far),
        _collected(partner, flows, so_far),
    ]


def _may_be_of(integration: Integration, partner: Partner) -> bool:
    """Whether files of a partner may be among those that an integration takes from anybody, by their envelopes."""
    known = {standard for standard, identities in partner.identifiers if identities}
    from_anybody = integration.partner is None and integration.source.scheme not in ("drop", "table")
    return from_anybody and STANDARDS.get(integration.format.name) in known


def _ways(
    configuration: Configuration, partner: Partner, own: Sequence[Integration], shared: Sequence[Integration]
) -> Ways:
    """Where deliveries come from that do not tell by that whose they are."""
    sources = {named(each.source) for each in (*own, *shared) if each.source.scheme not in _TELLING}
    anybodys = {named(each.source) for each in shared}
    others = {named(each.source) for each in configuration.integrations.values() if not is_for(each, partner.name)}
    filled = [configuration.contract_of(each) for each in (*own, *shared)]
    contracts = {each.id: each for each in filled}
    return Ways(own=sources - others, shared=(sources & others) | anybodys, contracts=tuple(contracts.values()))


def _by(came: Came) -> str:
    """By which way a delivery came."""
    scheme, _, place = came.source.partition(":")
    return _WAYS.get(scheme, "from {source}").format(place=place, source=came.source)


def _drops(flows: Sequence[Integration]) -> bool:
    """Whether files come over our server; so it is taken to be where nothing is said yet."""
    return not flows or any(each.source.scheme == "drop" for each in flows)


def _account(partner: Partner, flows: Sequence[Integration]) -> Step:
    account = partner.account
    if account is None and not _drops(flows):
        ways = ", ".join(sorted({str(each.source) for each in flows}))
        return Step("account", True, f"no account is needed: files come from {ways}")
    if account is None:
        remedy = f"gateway partner key add {partner.name} FILE, with the public key of the partner; then gateway apply"
        return Step("account", False, "there is no account on our server", remedy)
    keys = f"{len(account.keys)} key{'s' if len(account.keys) != 1 else ''}" if account.keys else ""
    by = " and ".join(each for each in (keys, "a password" if account.password_hash else "") if each)
    return Step("account", True, f"the account {account.user} with {by}")


def _identifiers(partner: Partner, flows: Sequence[Integration]) -> Step:
    known = {standard for standard, identities in partner.identifiers if identities}
    wanted = {STANDARDS[each.format.name] for each in flows if each.format.name in STANDARDS}
    if missing := sorted(wanted - known):
        named = " and ".join(f"{each}:" for each in missing)
        return Step(
            "identifiers",
            False,
            f"nothing says who the partner is in the envelopes of its files: {named} is missing",
            f"Add {named} to the identifiers in {partner.file}; gateway partner add --from FILE shows them.",
        )
    said = ", ".join(each for _, identities in partner.identifiers for each in identities)
    return Step("identifiers", True, f"known as {said}, and nobody else is" if said else "no identifiers are needed")


def _host_key(partner: Partner, flows: Sequence[Integration], host_keys: Sequence[str]) -> Step:
    if partner.account is None and not _drops(flows):
        return Step("host_key", True, "our server is not used")
    if host_keys:
        return Step("host_key", True, f"our server has its keys: {', '.join(host_keys)}")
    remedy = "Start the server once, with gateway up or gateway sftp: it makes them, and keeps them."
    return Step("host_key", False, "our server has no keys yet that the partner could compare", remedy)


def _flows(partner: Partner, flows: Sequence[Integration]) -> Step:
    names = ", ".join(sorted(each.name for each in flows))
    if partner.account is not None and go_past_the_inbox(flows):
        ways = ", ".join(sorted({str(each.source) for each in flows}))
        said = (
            f"taken by {names} from {ways} alone: nobody wants what the account {partner.account.user} puts in /inbox"
        )
        remedy = (
            f"Write source: drop://{partner.name}/* into the integration of what is to come there; then gateway apply."
        )
        return Step("integration", False, said, remedy)
    if flows:
        return Step("integration", True, f"taken by {names}")
    remedy = f"gateway partner add {partner.name} --format 'x12 850', or --from a file of it; then gateway apply"
    return Step("integration", False, "no integration takes what the partner sends", remedy)


def _tried(partner: Partner, so_far: Facts) -> Step:
    if so_far.tried_well is not None:
        return Step("tried", True, f"the test file {so_far.tried_well} would be accepted")
    if so_far.taken is not None:
        return Step("tried", True, "no trial is needed any more: a file was accepted in earnest")
    if so_far.tried:
        said = f"{so_far.tried} test file{'s were' if so_far.tried > 1 else ' was'} judged, and none was all right"
        return Step("tried", False, said, "The partner has the findings; a corrected file goes the same way.")
    remedy = (
        f"Send the partner a page to try files on: gateway partner link {partner.name}; or have one in /test/inbox."
    )
    return Step("tried", False, "no test file was judged", remedy)


def _taken(partner: Partner, so_far: Facts) -> Step:
    if so_far.taken is not None:
        return Step("accepted", True, f"{so_far.taken.id} was accepted; it came {_by(so_far.taken)}")
    if so_far.held is not None:
        said = f"files came, and nothing was accepted; the last is {so_far.held.id}, which came {_by(so_far.held)}"
        return Step("accepted", False, said, f"gateway quarantine list --delivery {so_far.held.id}")
    remedy = f"Send the card, and ask for the first file: gateway partner card {partner.name}"
    return Step("accepted", False, "no file came", remedy)


def _collected(partner: Partner, flows: Sequence[Integration], so_far: Facts) -> Step:
    kinds = sorted({kind for each in flows for kind in each.answers})
    if not kinds:
        return Step("collected", True, "no acknowledgment is wanted")
    if partner.answers is not None and so_far.sent:
        return Step("collected", True, f"{so_far.sent} of {', '.join(kinds)} were put at the partner's own server")
    if partner.account is None and partner.answers is None:
        return Step("collected", True, f"{', '.join(kinds)} are asked for over the API: there is no outbox")
    if so_far.collected_at is not None:
        return Step(
            "collected", True, f"an acknowledgment was fetched, last at {so_far.collected_at:%Y-%m-%d %H:%M} UTC"
        )
    if so_far.sent:
        said = f"{so_far.sent} acknowledgment{'s lie' if so_far.sent > 1 else ' lies'} in /outbox, and none was fetched"
        return Step("collected", False, said, "Ask the partner to look into /outbox, and to take away what is there.")
    return Step("collected", False, "no acknowledgment was sent yet", "It follows the first file that comes.")
