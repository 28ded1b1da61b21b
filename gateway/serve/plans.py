"""A list, or a record, as it was asked for: understood once, and the parts of the answer that depend on nothing else.

Both lanes answer by these (``resources.records``, ``hot``), so that they answer alike.
"""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from gateway.serve import cursors, filters
from gateway.serve.answers import JSON, path_of
from gateway.serve.catalogue import collections, contract_of
from gateway.serve.masks import view_of
from gateway.store.pages import Filter, Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from gateway.configuration import Configuration
    from gateway.contracts import Contract
    from gateway.serve.auth import Caller
    from gateway.serve.filters import Asked, Condition, Queryable
    from gateway.serve.masks import View

LIST_MEDIA = (JSON, "application/x-ndjson", "text/csv")
"""What a list can be asked for as."""

_COMMON = ("version", "as_of")
OF_LISTS = (*filters.PARAMETERS, *_COMMON)

Pairs = list[tuple[str, str]]
"""The parameters of a query, in their order."""

Told = tuple[str, str, str]
"""The field, the operator and the value of a condition."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A contract as a caller sees it: what may be asked of its fields, and what every answer about it says."""

    contract: Contract
    view: View
    fields: Mapping[str, Queryable]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a contract, as this caller sees it, and the headers that every answer about it has."""

    contract: Contract
    view: View
    asked: Asked
    headers: tuple[tuple[str, str], ...]

    @property
    def whole(self) -> bool:
        """Whether records go out as they are stored."""
        return self.asked.fields is None and self.view.mask is None


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A list: `identity` is what its cursors are bound to, `tag` what its entity tags have behind the change number."""

    plan: Plan
    query: Query
    identity: str
    tag: str

    def etag(self, change: int) -> str:
        """The entity tag while the records are those up to this change."""
        return list_tag(change, self.tag)


def seen(configuration: Configuration, caller: Caller, collection: str, pairs: Pairs) -> Seen:
    """The contract that a query is about: the newest version unless it names another.

    Raises:
        Problem: the caller may not; there is no such collection, or no such version.
    """
    contract = _contract(configuration, caller, collection, pairs)
    view = view_of(caller, contract)
    fields = filters.queryable(contract, hidden=view.hidden, tables=configuration.codes)
    return Seen(contract, view, fields, headers(configuration, contract, collection))


def for_list(of: Seen, pairs: Pairs, secret: bytes) -> ListPlan:
    """Understand the query of a list.

    Raises:
        Problem: whatever is wrong with the query.
    """
    contract, view = of.contract, of.view
    asked = filters.parse(pairs, contract.collection, of.fields, parameters=OF_LISTS)
    identity = identity_of(of, [told(each.field, each.op, each.value) for each in asked.conditions], asked)
    query = Query(
        contract,
        tuple(Filter(each.field, each.op, each.value) for each in asked.conditions),
        asked.sort,
        cursors.read(secret, identity, asked.cursor) if asked.cursor else None,
        asked.limit,
        view.partners,
    )
    tag = tag_of(identity, asked.cursor, asked)
    return ListPlan(Plan(contract, view, asked, of.headers), query, identity, tag)


def strange(of: Seen, asked: Asked) -> list[tuple[Condition, str]]:
    """The codes in conditions that the field's code table does not have: misspelt, or taken out of it since."""
    return [(each, code) for each in asked.conditions for code in of.fields[each.field].strange(each.op, each.value)]


def told(field: str, op: str, value: Any) -> Told:
    """One condition, as a query's identity has it."""
    return field, op, repr(value)


def identity_of(of: Seen, conditions: list[Told], asked: Asked) -> str:
    """What the cursors of a list are bound to: everything that decides which records follow which."""
    return cursors.fingerprint(of.contract.id, sorted(conditions), asked.sort, str(asked.as_of), *of.view.parts)


def tag_of(identity: str, cursor: str | None, asked: Asked) -> str:
    """What the entity tags of a page have behind the change number."""
    return cursors.fingerprint(identity, cursor, asked.limit, asked.fields, asked.count)


def list_tag(change: int, tag: str) -> str:
    """The entity tag of a page while the records are those up to this change: no query is needed to know it."""
    return f"{change}-{tag}"


def for_record(
    configuration: Configuration,
    caller: Caller,
    collection: str,
    pairs: Pairs,
    parameters: Sequence[str] = ("fields", *_COMMON),
) -> Plan:
    """Understand the query of something about one record.

    Raises:
        Problem: as for a list.
    """
    contract = _contract(configuration, caller, collection, pairs)
    asked = filters.parse(pairs, collection, _no_conditions(contract), parameters=parameters)
    return Plan(contract, view_of(caller, contract), asked, headers(configuration, contract, collection))


def record_tag(plan: Plan, seq: int) -> str:
    """The entity tag of a record that was last changed by this change."""
    shown: tuple[Any, ...] = () if plan.asked.fields is None else (plan.asked.fields,)
    parts = plan.view.parts
    return f"{seq}-{cursors.fingerprint(*shown, *parts)}" if shown or parts else str(seq)


def headers(configuration: Configuration, contract: Contract, collection: str) -> tuple[tuple[str, str], ...]:
    """What every answer about a contract says of it.

    Where it is described and where a newer version is (RFC 8288), since when it is deprecated (RFC 9745), until when it
    is served (RFC 8594).
    """
    described = path_of(f"/api/v1/types/{contract.name}/versions/{contract.version}")
    found = [("Link", f'<{described}>; rel="describedby"')]
    if contract.version < max(collections(configuration)[collection]):
        found.append(("Link", f'<{path_of(f"/api/v1/{collection}")}>; rel="successor-version"'))
    if contract.deprecated is not None:
        found.append(("Deprecation", f"@{_seconds(contract.deprecated)}"))
    if contract.sunset is not None:
        found.append(("Sunset", formatdate(_seconds(contract.sunset), usegmt=True)))
    return tuple(found)


def unlinked(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What the 304 of a list says of its contract: the same without the links.

    A cache puts the headers of a 304 in the place of those of the page that it keeps (RFC 9111, 3.2), where one of the
    links leads to the next page.
    """
    return tuple(each for each in headers if each[0] != "Link")


def _seconds(day: date) -> int:
    """The beginning of a day, in seconds since 1970."""
    return timegm(day.timetuple())


def _contract(configuration: Configuration, caller: Caller, collection: str, pairs: Pairs) -> Contract:
    version = next((text for name, text in pairs if name == "version"), None)
    return contract_of(configuration, caller, collection, version)


def _no_conditions(contract: Contract) -> dict[str, filters.Queryable]:
    """The fields for `fields=` alone: a single record is not filtered."""
    return {
        name: filters.Queryable(name, field.type, filterable=False, sortable=False, value=field.value)
        for name, field in filters.queryable(contract).items()
    }
