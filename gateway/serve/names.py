"""Names in filters: one that no integration, or partner, ever had is a mistake of the caller, and no empty answer.

What was removed from the configuration is known for as long as the store has a revision with it, or a delivery of it.
Who is limited to partners is told of what is theirs alone: what belongs to others is to them as if it had never been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.serve.parameters import Name
from gateway.serve.problems import nearest
from gateway.store.names import has_deliveries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from marshmallow import Schema
    from sqlalchemy import Connection

    from gateway.serve.operations import Call
    from gateway.store.names import Kind


def named_by(schema: type[Schema] | None) -> dict[str, Kind]:
    """The fields of a schema that are names, and of what."""
    fields = schema().fields if schema is not None else {}
    return {field: each.kind for field, each in fields.items() if isinstance(each, Name)}


def unknown(call: Call, named: Mapping[str, Kind], given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of the values that were given, those that are names of nothing: the field, what is wrong, what to do."""
    for field, kind in named.items():
        name = given.get(field)
        if name is None or name in (mine := _in_force(call, kind)):
            continue
        with call.services.database.read() as connection:
            past = _past(call, connection, kind)
            if name in past or has_deliveries(connection, kind, name, partners=call.caller.partners):
                continue
        remedy = ""
        if call.caller.may(f"{kind}s:read"):
            remedy = nearest(name, {*mine, *past}, say_all=False) or nearest(name, mine)
        yield field, f"there is no {kind} {name!r}", remedy


def _in_force(call: Call, kind: Kind) -> Collection[str]:
    """The names that the configuration in force has, as far as the caller may know of them."""
    caller, configuration = call.caller, call.services.configuration()
    if kind == "partner":
        return configuration.partners if caller.partners is None else caller.partners
    return [name for name, each in configuration.integrations.items() if caller.may_see(each.partner)]


def _past(call: Call, connection: Connection, kind: Kind) -> Collection[str]:
    """Those that an earlier revision had, where the caller may know of all there is."""
    return call.shared.past.names(connection, kind) if call.caller.partners is None else ()
