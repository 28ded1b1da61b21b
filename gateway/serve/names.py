"""Names in filters: one that no integration, or partner, ever had is a mistake of the caller, and no empty answer.

So is the id of a delivery that there is none of. Ids may be cut short, as people read them; what is asked for then is
the one delivery whose id begins so.

What was removed from the configuration is known for as long as the store has a revision with it, or a delivery of it.
Who is limited to partners is told of what is theirs alone: what belongs to others is to them as if it had never been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from gateway.serve.parameters import DeliveryId, Name
from gateway.serve.problems import nearest
from gateway.store import deliveries
from gateway.store.names import has_deliveries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marshmallow import Schema
    from sqlalchemy import Connection

    from gateway.serve.operations import Call
    from gateway.store.names import Kind


Named = Literal["integration", "partner", "delivery"]
Wrong = tuple[str, str, str]
"""A field, what is wrong with its value, and what to do."""


def named_by(schema: type[Schema] | None) -> dict[str, Named]:
    """The fields of a schema that are names, and of what."""
    fields = schema().fields if schema is not None else {}
    found: dict[str, Named] = {field: each.kind for field, each in fields.items() if isinstance(each, Name)}
    return found | {field: "delivery" for field, each in fields.items() if isinstance(each, DeliveryId)}


def meant(call: Call, named: Mapping[str, Named], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Wrong]]:
    """The values that were given, ids of deliveries as wholes; and those that are names of nothing."""
    values, wrong = dict(given), []
    for field, kind in named.items():
        name, flaw = given.get(field), None
        if name is None:
            continue
        if kind == "delivery":
            values[field], flaw = _delivery(call, name)
        else:
            flaw = _unknown(call, kind, name)
        if flaw is not None:
            wrong.append((field, *flaw))
    return values, wrong


def _unknown(call: Call, kind: Kind, name: str) -> tuple[str, str] | None:
    """What is wrong with a name that nothing has or had, and what to do."""
    if name in (mine := _in_force(call, kind)):
        return None
    with call.services.database.read() as connection:
        past = _past(call, connection, kind)
        if name in past or has_deliveries(connection, kind, name, partners=call.caller.partners):
            return None
    remedy = ""
    if call.caller.may(f"{kind}s:read"):
        remedy = nearest(name, {*mine, *past}, say_all=False) or nearest(name, mine)
    return f"there is no {kind} {name!r}", remedy


def _delivery(call: Call, name: str) -> tuple[str, tuple[str, str] | None]:
    """The whole id of a delivery that the caller may see; of none, or several, what is wrong and what to do."""
    try:
        with call.services.database.read() as connection:
            found = deliveries.get(connection, name, partners=call.caller.partners) if name.isprintable() else None
    except LookupError as error:
        return name, (str(error), "Write more of the id.")
    if found is None:
        return name, (f"there is no delivery {name!r}", "/api/v1/deliveries lists them.")
    return found.id, None


def _in_force(call: Call, kind: Kind) -> Collection[str]:
    """The names that the configuration in force has, as far as the caller may know of them."""
    caller, configuration = call.caller, call.services.configuration()
    if kind == "partner":
        return configuration.partners if caller.partners is None else caller.partners
    return [name for name, each in configuration.integrations.items() if caller.may_see(each.partner)]


def _past(call: Call, connection: Connection, kind: Kind) -> Collection[str]:
    """Those that an earlier revision had, where the caller may know of all there is."""
    return call.shared.past.names(connection, kind) if call.caller.partners is None else ()
