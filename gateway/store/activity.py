"""The ingestion log: what happened, each line written in the transaction of the thing that it reports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, not_, select

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.tables import activity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select


QUOTING = ("finding", "quarantined", "unrouted")
"""Events whose lines repeat what findings quote of documents."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log; `id` ascends in the order in which lines became visible, so it serves as a cursor."""

    id: int
    at: datetime
    level: str
    event: str
    integration: str | None
    partner: str | None
    delivery: str | None
    message: str
    data: dict[str, Any]


def after(
    connection: Connection,
    cursor: int,
    *,
    integration: str | None = None,
    problems: bool = False,
    partner: str | None = None,
    delivery: str | None = None,
    since: datetime | None = None,
    grep: str | None = None,
    limit: int = 200,
    partners: Sequence[str] | None = None,
    unsaid: Sequence[str | None] = (),
) -> list[Line]:
    """The lines behind `cursor` in their order. `grep` is a part of the message, letters of either case.

    `partner` is the one that is asked for, `partners` are those whose lines may be shown; None: all lines. Lines that
    quote findings of the integrations `unsaid` (None: of no integration) are not found by a part of their message.
    """
    query = select(activity).where(activity.c.id > cursor).order_by(activity.c.id).limit(limit)
    query = _chosen(query, integration, problems, partner, delivery, since, grep, partners, unsaid)
    return [_line(row) for row in connection.execute(query)]


def before(
    connection: Connection,
    cursor: int | None,
    *,
    integration: str | None = None,
    problems: bool = False,
    partner: str | None = None,
    delivery: str | None = None,
    since: datetime | None = None,
    grep: str | None = None,
    limit: int = 200,
    partners: Sequence[str] | None = None,
    unsaid: Sequence[str | None] = (),
) -> list[Line]:
    """The last `limit` lines before `cursor` (None: before the end), in their order; the rest is as in `after`."""
    query = select(activity).order_by(activity.c.id.desc()).limit(limit)
    if cursor is not None:
        query = query.where(activity.c.id < cursor)
    query = _chosen(query, integration, problems, partner, delivery, since, grep, partners, unsaid)
    return [_line(row) for row in connection.execute(query)][::-1]


def _chosen(
    query: Select[Any],
    integration: str | None,
    problems: bool,
    partner: str | None,
    delivery: str | None,
    since: datetime | None,
    grep: str | None,
    partners: Sequence[str] | None,
    unsaid: Sequence[str | None],
) -> Select[Any]:
    if partners is not None:
        query = query.where(activity.c.partner.in_(partners))
    if integration is not None:
        query = query.where(activity.c.integration == integration)
    if problems:
        query = query.where(activity.c.level == "problem")
    if partner is not None:
        query = query.where(activity.c.partner == partner)
    if delivery is not None:
        query = query.where(activity.c.delivery == delivery)
    if since is not None:
        query = query.where(activity.c.at >= stamp(since))
    if grep:
        query = query.where(activity.c.message.icontains(grep, autoescape=True))
        if unsaid:
            theirs = func.coalesce(activity.c.integration, "").in_([name or "" for name in unsaid])
            query = query.where(not_(and_(activity.c.event.in_(QUOTING), theirs)))
    return query


def _line(row: Row[Any]) -> Line:
    return Line(
        row.id,
        moment(row.at),
        row.level,
        row.event,
        row.integration,
        row.partner,
        row.delivery,
        row.message,
        json.loads(row.data),
    )


def last(connection: Connection) -> int:
    """The id of the newest line, 0 when there is none."""
    return int(connection.execute(select(func.max(activity.c.id))).scalar() or 0)
