"""What is configured: types (contracts), integrations, partners. Read from the configuration in force; no secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response  # noqa: TC002

from gateway.serve.answers import answered, as_of, listed, not_modified, said, tagged
from gateway.serve.catalogue import collections
from gateway.serve.cursors import fingerprint
from gateway.serve.filters import OPERATORS
from gateway.serve.masks import view_of
from gateway.serve.operations import Operation
from gateway.serve.problems import Problem, nearest
from gateway.serve.shapes import ANY_OBJECT, FLAG, TEXT, WHOLE, Shape, many, maybe, named, page, thing, words
from gateway.store import leases, records
from gateway.validate.openapi import json_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateway.contracts import Contract, Field
    from gateway.integrations import Integration
    from gateway.partners import Partner
    from gateway.serve.operations import Call

SHAPES: dict[str, Shape] = {
    "TypeField": thing(
        "A field of a record; operators are what the collection's list can be filtered with.",
        name=TEXT,
        type=TEXT,
        required=FLAG,
        key=FLAG,
        filterable=FLAG,
        sortable=FLAG,
        pii=FLAG,
        codes=maybe(TEXT),
        operators=many(TEXT),
    ),
    "Type": thing(
        "The type of a record: its contract, by version. Its records are at url; schema is JSON Schema 2020-12. "
        "freshness is the newest change of them, and when it became visible; drift is what is wrong with tables that "
        "they are read from.",
        name=TEXT,
        version=WHOLE,
        versions=many(WHOLE),
        about=TEXT,
        owner=TEXT,
        collection=TEXT,
        url=TEXT,
        key=many(TEXT),
        per_partner=FLAG,
        deprecated=maybe({"type": "string", "format": "date"}),
        sunset=maybe({"type": "string", "format": "date"}),
        fields=many(named("TypeField")),
        schema=ANY_OBJECT,
        freshness=named("AsOf"),
        drift=many(named("Drift")),
    ),
    "Drift": thing(
        "Why a table is not read now, or what of it changed, such as its shape; the integration that reads it.",
        source=TEXT,
        integration=TEXT,
        problem=TEXT,
    ),
    "Types": page(named("Type"), "Types that the caller may read, the newest version of each."),
    "Integration": thing(
        "One flow from a source to a type.",
        name=TEXT,
        about=TEXT,
        owner=TEXT,
        source=TEXT,
        format=TEXT,
        type=TEXT,
        version=WHOLE,
        collection=TEXT,
        partner=maybe(TEXT),
        expect=maybe(TEXT),
        answer=maybe(TEXT),
    ),
    "Integrations": page(named("Integration"), "Integrations, by name."),
    "Partner": thing(
        "A trading partner. sftp_user is the name of its account, never its keys.",
        name=TEXT,
        about=TEXT,
        identifiers={"type": "object", "additionalProperties": many(TEXT)},
        sftp_user=maybe(TEXT),
    ),
    "Source": thing(
        "A table that an integration follows, or a folder at a partner's SFTP server that is pulled from. begun: "
        "something of it was read. problem: why it is not read now, or what is wrong with some files. state is the "
        "breaker's of its connection, as this process sees it: open, it is left alone after failures. waiting: files "
        "that lie there and are not taken yet, oldest_at the time of the oldest. standing: files that were taken, and "
        "could not be moved or deleted there.",
        source=TEXT,
        connection=TEXT,
        table=maybe(TEXT),
        integration=TEXT,
        strategy=words("snapshot", "watermark", "diff", "log", "files"),
        every_seconds=maybe({"type": "number"}),
        begun=FLAG,
        problem=maybe(TEXT),
        state=maybe(words("closed", "open", "half_open")),
        looked_at=maybe(TEXT),
        waiting=maybe(WHOLE),
        standing=maybe(WHOLE),
        oldest_at=maybe(TEXT),
    ),
    "Sources": page(named("Source"), "Sources, by name."),
    "Partners": page(named("Partner"), "Partners, by name."),
}


def operations() -> tuple[Operation, ...]:
    """The operations of what is configured."""
    return (
        _listing("types", "List the types of records that the key may read", types_list, "Types", scope=None),
        _single("types", "{name}", "The newest version of a type", one_type, "Type", scope=None),
        Operation(
            "get_type_version",
            "GET",
            "/api/v1/types/{name}/versions/{version}",
            "types",
            "One version of a type",
            one_type,
            answers={200: "Type"},
        ),
        _listing("integrations", "List the integrations", integrations_list, "Integrations"),
        _single("integrations", "{name}", "One integration", one_integration, "Integration"),
        _listing("partners", "List the partners", partners_list, "Partners"),
        _single("partners", "{name}", "One partner", one_partner, "Partner"),
        Operation(
            "list_sources",
            "GET",
            "/api/v1/sources",
            "sources",
            "List the tables that are followed: how, how far, and what is wrong",
            sources_list,
            scope="sources:read",
            whole=True,
            answers={200: "Sources"},
        ),
    )


def _listing(tag: str, summary: str, answer: Any, shape: str, *, scope: str | None = "") -> Operation:
    scope = f"{tag}:read" if scope == "" else scope
    return Operation(f"list_{tag}", "GET", f"/api/v1/{tag}", tag, summary, answer, scope=scope, answers={200: shape})


def _single(tag: str, end: str, summary: str, answer: Any, shape: str, *, scope: str | None = "") -> Operation:
    scope = f"{tag}:read" if scope == "" else scope
    name = f"get_{tag.removesuffix('s')}"
    return Operation(name, "GET", f"/api/v1/{tag}/{end}", tag, summary, answer, scope=scope, answers={200: shape})


def types_list(call: Call) -> Response:
    """``GET /api/v1/types``."""
    told = _Told(call)
    return _all(call, [told.of(versions, max(versions)) for versions in _types(call).values()])


def one_type(call: Call, name: str, version: str | None = None) -> Response:
    """``GET /api/v1/types/order`` and ``GET /api/v1/types/order/versions/1``."""
    types = _types(call)
    versions = types.get(name)
    if versions is None:
        raise Problem("unknown_type", f"there is no type {name!r} that this key may read", nearest(name, types))
    number = max(versions) if version is None else next((each for each in versions if str(each) == version), None)
    if number is None:
        there = ", ".join(map(str, versions))
        raise Problem("unknown_type", f"{name} has no version {version!r}", f"There are: {there}.")
    said_of_it = _Told(call).of(versions, number)
    return _tagged(call, said_of_it, said_of_it["freshness"], said_of_it["drift"])


def integrations_list(call: Call) -> Response:
    """``GET /api/v1/integrations``."""
    known = integrations_of(call)
    return _all(call, [_integration_said(call, known[name]) for name in sorted(known)])


def one_integration(call: Call, name: str) -> Response:
    """``GET /api/v1/integrations/acme-orders``."""
    return _tagged(call, _integration_said(call, integration_of(call, name)))


def partners_list(call: Call) -> Response:
    """``GET /api/v1/partners``."""
    known = _partners_of(call)
    return _all(call, [_partner_said(known[name]) for name in sorted(known)])


def one_partner(call: Call, name: str) -> Response:
    """``GET /api/v1/partners/acme``."""
    return _tagged(call, _partner_said(partner_of(call, name)))


def partner_of(call: Call, name: str) -> Partner:
    """The partner that is called so, where the caller may see it.

    Raises:
        Problem: ``unknown_partner``.
    """
    known = _partners_of(call)
    if name not in known:
        raise Problem("unknown_partner", f"there is no partner {name!r}", nearest(name, known))
    return known[name]


def sources_list(call: Call) -> Response:
    """``GET /api/v1/sources``; no database is asked, and no partner's server."""
    configuration = call.services.configuration()
    with call.services.database.read() as connection:
        kept = {each.name: each for each in leases.all_sources(connection)}
    states = {name: source.live.health().state for name, source in call.services.sources().items()}
    items = []
    for each in sorted(configuration.integrations.values(), key=lambda each: (str(each.source), each.name)):
        if each.source.scheme not in ("table", "sftp"):
            continue
        is_table = each.source.scheme == "table"
        name = str(each.source) if is_table else each.source.remote_folder
        lease = kept.get(name)
        how = each.changes if is_table else each.pulling
        strategy = "files" if not is_table else each.changes.strategy if each.changes is not None else "snapshot"
        items.append(
            {
                "source": name,
                "connection": each.source.host,
                "table": each.source.path if is_table else None,
                "integration": each.name,
                "strategy": strategy,
                "every_seconds": how.every_seconds if how is not None else None,
                "begun": lease is not None and lease.position is not None,
                "problem": lease.problem if lease is not None else None,
                "state": states.get(each.source.host),
                "looked_at": _in_utc(lease.read_at) if lease is not None else None,
                **_seen_there(None if is_table or lease is None else lease.position),
            }
        )
    return _all(call, items)


def _seen_there(position: str | None) -> dict[str, Any]:
    """What the last look into a folder at a partner's server saw."""
    seen = json.loads(position) if position else {}
    oldest = seen.get("oldest")
    return {
        "waiting": seen.get("waiting"),
        "standing": seen.get("standing"),
        "oldest_at": f"{datetime.fromtimestamp(oldest, UTC):%Y-%m-%dT%H:%M:%SZ}" if oldest is not None else None,
    }


def _in_utc(moment: str | None) -> str | None:
    return moment.replace("+00:00", "Z") if moment is not None else None


def integrations_of(call: Call) -> dict[str, Integration]:
    """The integrations that the caller may know of: all, or those of his partners."""
    known = call.services.configuration().integrations
    return {name: each for name, each in known.items() if call.caller.may_see(each.partner)}


def _partners_of(call: Call) -> dict[str, Partner]:
    known = call.services.configuration().partners
    return {name: each for name, each in known.items() if call.caller.may_see(name)}


def integration_of(call: Call, name: str) -> Integration:
    """The integration of this name, of those that the caller may know of.

    Raises:
        Problem: ``unknown_integration``.
    """
    known = integrations_of(call)
    if name not in known:
        suggested = nearest(name, known) if call.caller.may("integrations:read") else ""
        raise Problem("unknown_integration", f"there is no integration {name!r}", suggested)
    return known[name]


def _types(call: Call) -> dict[str, dict[int, Contract]]:
    """The types that the caller may see, by name: those of collections that it reads, or all with ``types:read``."""
    everything = call.caller.may("types:read")
    return {
        next(iter(versions.values())).name: versions
        for collection, versions in collections(call.services.configuration()).items()
        if everything or call.caller.may(f"{collection}:read")
    }


class _Told:
    """What is told of types: as they are configured, how far their records have come, and what their tables say."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._configuration = call.services.configuration()
        with call.services.database.read() as connection:
            self._problems = {each.name: each.problem for each in leases.all_sources(connection) if each.problem}

    def of(self, versions: dict[int, Contract], number: int) -> dict[str, Any]:
        """One version of a type."""
        contract = versions[number]
        hidden = view_of(self._call.caller, contract).hidden
        with self._call.services.database.read() as connection:
            here = records.point(connection, contract)
        return {
            "name": contract.name,
            "version": number,
            "versions": sorted(versions),
            "about": contract.about,
            "owner": contract.owner,
            "collection": contract.collection,
            "url": f"/api/v1/{contract.collection}",
            "key": contract.key,
            "per_partner": contract.per_partner,
            "deprecated": contract.deprecated,
            "sunset": contract.sunset,
            "fields": [_field_said(contract, field, hidden) for field in contract.fields],
            "schema": json_schema(contract, self._configuration.codes),
            "freshness": as_of(here.change, here.at),
            "drift": self._drift(contract),
        }

    def _drift(self, contract: Contract) -> list[dict[str, Any]]:
        """What is wrong with the tables that a contract is filled from; who is limited to partners has no tables."""
        if self._call.caller.partners is not None:
            return []
        return [
            {"source": str(each.source), "integration": each.name, "problem": self._problems[str(each.source)]}
            for each in self._configuration.integrations.values()
            if each.source.scheme == "table"
            and str(each.source) in self._problems
            and self._configuration.contract_of(each).id == contract.id
        ]


def _field_said(contract: Contract, field: Field, hidden: Collection[str]) -> dict[str, Any]:
    key = field.name in contract.key
    scalar = field.type not in ("object", "list") and field.name not in hidden
    return {
        "name": field.name,
        "type": field.type,
        "required": field.required,
        "key": key,
        "filterable": scalar and (key or field.filterable),
        "sortable": scalar and (key or field.sortable),
        "pii": field.pii,
        "codes": field.codes,
        "operators": OPERATORS[field.type] if scalar and (key or field.filterable) else (),
    }


def _integration_said(call: Call, integration: Integration) -> dict[str, Any]:
    contract = call.services.configuration().contract_of(integration)
    parts = (integration.format.name, integration.format.version, integration.format.message)
    return {
        "name": integration.name,
        "about": integration.about,
        "owner": integration.owner,
        "source": str(integration.source),
        "format": " ".join(part for part in parts if part),
        "type": contract.name,
        "version": contract.version,
        "collection": contract.collection,
        "partner": integration.partner,
        "expect": integration.expect,
        "answer": integration.answer,
    }


def _partner_said(partner: Partner) -> dict[str, Any]:
    return {
        "name": partner.name,
        "about": partner.about,
        "identifiers": {standard: list(ids) for standard, ids in partner.identifiers},
        "sftp_user": partner.account.user if partner.account is not None else None,
    }


def _all(call: Call, items: Iterable[dict[str, Any]]) -> Response:
    """The whole list: a configuration has tens of these, not thousands."""
    return listed([said(item) for item in items], cursor=None, as_of={"time": call.services.now()})


def _tagged(call: Call, value: dict[str, Any], *more: Any) -> Response:
    """One object of the configuration; it changes when another revision is applied, and with `more`."""
    revision = call.services.configuration().revision
    view = () if call.caller.may("admin") else (call.caller.sees, *sorted(call.caller.scopes))
    etag = f"{revision}-{fingerprint(*view, *more)}" if view or more else revision
    return not_modified(etag) or tagged(answered(value), etag)
