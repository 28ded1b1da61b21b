"""Deliveries judged again from their bytes, and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response  # noqa: TC002
from marshmallow import ValidationError, fields, validate, validates_schema

from gateway.repair.replay import NOW, THEN, ask_replay
from gateway.repair.undo import undo
from gateway.serve.answers import answered
from gateway.serve.operations import Operation, Parameters
from gateway.serve.parameters import Truth
from gateway.serve.resources import trials
from gateway.serve.resources.deliveries import known
from gateway.serve.resources.uploads import ended
from gateway.serve.shapes import WHOLE, Shape, named, thing

if TYPE_CHECKING:
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.serve.operations import Call

SHAPES: dict[str, Shape] = {
    "DeliveryOrTrial": {"oneOf": [named("Delivery"), named("Trial")]},
    "Undone": thing(
        "How many records returned to what they were before, and how many stay because they were changed since.",
        records=WHOLE,
        left=WHOLE,
    ),
}


class Reason(fields.String):
    """Why something is decided; it is kept."""

    def __init__(self, about: str, *, required: bool = True) -> None:
        super().__init__(
            required=required,
            validate=validate.Length(1, 1000, error="not 1 to 1000 characters"),
            metadata={"description": f"a sentence that says {about}, 1 to 1000 characters"},
        )


class ReplayBody(Parameters):
    """``{"as": "now", "reason": "…", "dry_run": false}``."""

    how = fields.String(
        required=True,
        data_key="as",
        validate=validate.OneOf([THEN, NOW], error="neither then nor now"),
        metadata={"description": "then (by the revision that judged it last) or now (by the one in force)"},
    )
    reason = Reason("why the delivery is judged again; without dry_run it is needed", required=False)
    dry_run = Truth("true to be told what would differ, and nothing else", load_default=False)

    @validates_schema
    def decided(self, data: dict[str, Any], **_: Any) -> None:
        """What is only told needs no reason, what is done is kept with one.

        Raises:
            ValidationError: there is none.
        """
        if not data.get("dry_run") and "reason" not in data:
            raise ValidationError("Missing data for required field.", "reason")


class UndoBody(Parameters):
    """``{"reason": "…", "leave_changed": false}``."""

    reason = Reason("why the delivery is undone")
    leave_changed = Truth("true to leave records that were changed since, instead of refusing", load_default=False)


def operations() -> tuple[Operation, ...]:
    """The operations that put deliveries right."""
    one, scope = "/api/v1/deliveries/{id}", "deliveries:write"
    return (
        Operation(
            "replay_delivery",
            "POST",
            f"{one}/replay",
            "deliveries",
            "Have a delivery judged again from its raw bytes. Prefer: wait=10 answers with how it ended",
            replay,
            scope=scope,
            body=ReplayBody,
            trial=trials.told_again,
            answers={202: "DeliveryOrTrial", 200: "DeliveryOrTrial"},
        ),
        Operation(
            "undo_delivery",
            "POST",
            f"{one}/undo",
            "deliveries",
            "Return the records that a delivery touched to what they were before",
            undo_delivery,
            scope=scope,
            body=UndoBody,
            answers={200: "Undone"},
        ),
    )


def replay(call: Call, id: str) -> Response:  # noqa: A002 - the name in the path
    """``POST /api/v1/deliveries/d_01j…/replay {"as": "now", "reason": "…"}``: a worker judges it soon.

    With ``Prefer: wait=10`` that is waited for, and told by 200.
    """
    delivery, services = _known(call, id), call.services
    how = call.body["how"]
    if call.body["dry_run"]:
        return trials.replay(call, delivery, how)
    routes, reason = _routes(call, delivery, how), call.body["reason"]
    ask_replay(services.database, services.vault, delivery, routes=routes, how=how, who=call.caller.name, reason=reason)
    return ended(call, _known(call, delivery.id))


def undo_delivery(call: Call, id: str) -> Response:  # noqa: A002 - as above
    """``POST /api/v1/deliveries/d_01j…/undo {"reason": "…"}``."""
    done = undo(
        call.services.database,
        _known(call, id),
        who=call.caller.name,
        reason=call.body["reason"],
        owner=f"key {call.caller.name}",
        leave_changed=call.body["leave_changed"],
    )
    return answered({"records": done.records, "left": done.left})


def _routes(call: Call, delivery: Delivery, how: str) -> Routes | None:
    revision = call.services.configuration().revision if how == NOW else delivery.revision
    return call.services.routes_of(revision) if revision is not None else None


def _known(call: Call, id: str) -> Delivery:  # noqa: A002 - as above
    with call.services.database.read() as connection:
        return known(connection, call.caller, id)
