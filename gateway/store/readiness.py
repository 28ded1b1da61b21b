"""What happened with a partner so far: what was tried, taken, answered and fetched; when its keys were used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, func, or_, select, text

from gateway.model import DeliveryState
from gateway.store.deliveries import moment
from gateway.store.pages import theirs
from gateway.store.staging import standing
from gateway.store.tables import acknowledgment, activity, delivery, lettering, trial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from gateway.contracts import Contract

_TRIALS_MAX = 50
_TAKEN = (DeliveryState.ACCEPTED, DeliveryState.PARTLY_ACCEPTED)
_HELD = (DeliveryState.QUARANTINED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True)
class Ways:
    """How files of a partner may come without saying by their way whose they are, as deliveries name their sources.

    What comes from one of `own` is the partner's. What comes from one of `shared` may be anybody's: it is the partner's
    who was answered or written to about it, or for whom there are records of it, of `contracts`.
    """

    own: Collection[str] = ()
    shared: Collection[str] = ()
    contracts: Collection[Contract] = ()


@dataclass(frozen=True, slots=True)
class Came:
    """A delivery by its id, and where it came from: ``drop://acme``, ``folder:van``, ``http:``."""

    id: str
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """How far it came: names of files, moments, numbers; None where it never happened."""

    tried: int
    tried_well: str | None
    """The name of the last test file of which nothing would be held."""
    taken: Came | None
    """The last delivery of which something was accepted."""
    held: Came | None
    """The last delivery of which nothing was."""
    sent: int
    """How many acknowledgments were put into its outbox."""
    collected_at: datetime | None


def facts(connection: Connection, partner: str, ways: Ways) -> Facts:
    """What is known of a partner, whatever way its files came."""
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
        taken=_last(connection, partner, ways, _TAKEN),
        held=_last(connection, partner, ways, _HELD),
        sent=answered[0],
        collected_at=moment(answered[1]) if answered[1] else None,
    )


def key_used_at(connection: Connection, partner: str, fingerprint: str) -> datetime | None:
    """When a partner last logged in with the key of this fingerprint, as far as the log tells which it was."""
    query = select(func.max(activity.c.at)).where(activity.c.partner == partner, activity.c.event == "logged_in")
    at = connection.execute(query.where(activity.c.message.contains(fingerprint, autoescape=True))).scalar()
    return moment(at) if at else None


def _last(connection: Connection, partner: str, ways: Ways, states: Sequence[DeliveryState]) -> Came | None:
    """The latest delivery of a partner that ended so."""
    conditions = [delivery.c.partner == partner]
    if ways.own:
        conditions.append(delivery.c.partner.is_(None) & delivery.c.source.in_(ways.own))
    if ways.shared:
        known = or_(*_named(connection, partner, ways.contracts))
        conditions.append(delivery.c.partner.is_(None) & delivery.c.source.in_(ways.shared) & known)
    wanted = select(delivery.c.number, delivery.c.id, delivery.c.source).where(delivery.c.state.in_(states))
    latest = wanted.order_by(delivery.c.number.desc()).limit(1)
    # One by one: each is read backwards off the index by partner, as far as to the first.
    found = [row for each in conditions for row in connection.execute(latest.where(each)).all()]
    last = max(found, default=None, key=lambda row: int(row.number))
    return None if last is None else Came(last.id, last.source)


def _named(connection: Connection, partner: str, contracts: Collection[Contract]) -> Iterator[ColumnElement[bool]]:
    """What shows that the partner was found in the envelopes of a delivery: one of these does."""
    for table in (acknowledgment, lettering):
        yield exists().where(table.c.delivery == delivery.c.number, table.c.partner == partner)
    for place, contract in enumerate(contracts):
        here = standing(connection, contract.id)
        if here is None or not contract.per_partner:
            continue
        of, values = theirs(contract, (partner,))
        yield text(
            f"""EXISTS (SELECT 1 FROM change_block b JOIN {here.table} r
            ON r.id BETWEEN b.first_id AND b.first_id + b.last_seq - b.first_seq
            WHERE b.delivery = delivery.number AND b.contract = :c{place} AND {of})"""
        ).bindparams(**values, **{f"c{place}": contract.id})  # type: ignore[misc] # a text is a condition, too
