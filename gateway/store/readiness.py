"""What happened with a partner so far: what was tried, taken, answered and fetched; when its keys were used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.model import DeliveryState
from gateway.store.deliveries import moment
from gateway.store.tables import acknowledgment, activity, delivery, trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_TRIALS_MAX = 50
_TAKEN = (DeliveryState.ACCEPTED, DeliveryState.PARTLY_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Facts:
    """How far it came: names of files, moments, numbers; None where it never happened."""

    tried: int
    tried_well: str | None
    """The name of the last test file of which nothing would be held."""
    taken: str | None
    """The id of the last delivery of which something was accepted."""
    held: str | None
    """The id of the last delivery of which nothing was."""
    sent: int
    """How many acknowledgments were put into its outbox."""
    collected_at: datetime | None


def facts(connection: Connection, partner: str) -> Facts:
    """What is known of a partner."""
    query = select(trial.c.name, trial.c.result).where(trial.c.partner == partner, trial.c.how.is_(None))
    query = query.where(trial.c.state == "done").order_by(trial.c.asked_at.desc(), trial.c.id.desc())
    trials = connection.execute(query.limit(_TRIALS_MAX)).all()
    well = next((row.name for row in trials if json.loads(row.result)["state"] == DeliveryState.ACCEPTED), None)
    mine = acknowledgment.c.partner == partner
    sent = select(func.count(acknowledgment.c.sent_at), func.max(acknowledgment.c.collected_at)).where(mine)
    answered = connection.execute(sent).one()
    return Facts(
        tried=len(trials),
        tried_well=well,
        taken=_last(connection, partner, _TAKEN),
        held=_last(connection, partner, (DeliveryState.QUARANTINED, DeliveryState.FAILED)),
        sent=answered[0],
        collected_at=moment(answered[1]) if answered[1] else None,
    )


def key_used_at(connection: Connection, partner: str, fingerprint: str) -> datetime | None:
    """When a partner last logged in with the key of this fingerprint, as far as the log tells which it was."""
    query = select(func.max(activity.c.at)).where(activity.c.partner == partner, activity.c.event == "logged_in")
    at = connection.execute(query.where(activity.c.message.contains(fingerprint, autoescape=True))).scalar()
    return moment(at) if at else None


def _last(connection: Connection, partner: str, states: Sequence[DeliveryState]) -> str | None:
    query = select(delivery.c.id).where(delivery.c.partner == partner, delivery.c.state.in_(states))
    found: str | None = connection.execute(query.order_by(delivery.c.number.desc()).limit(1)).scalar()
    return found
