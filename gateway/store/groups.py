"""What is held, grouped by what is wrong: one cause is often hundreds of rows in several files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.store.quarantine import ABOUT, OPEN
from gateway.store.tables import delivery, document, finding

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Group:
    """What is held for the same reason: so many documents in so many deliveries, one of the messages and documents."""

    code: str
    integration: str | None
    value: str | None
    documents: int
    deliveries: int
    message: str
    remedy: str
    example: str


def groups(
    connection: Connection, *, integration: str | None = None, code: str | None = None, limit: int = 100
) -> list[Group]:
    """What is held, grouped by code, integration and value; the largest group first."""
    documents = func.count(document.c.id.distinct())
    query = (
        select(
            finding.c.code,
            document.c.integration,
            finding.c.value,
            documents,
            func.count(document.c.delivery.distinct()),
            func.min(finding.c.message),
            func.min(finding.c.remedy),
            func.min(document.c.id),
        )
        .select_from(finding)
        .join(document, ABOUT)
        .join(delivery, delivery.c.number == document.c.delivery)
        .where(document.c.state.in_(OPEN), delivery.c.finished_at.is_not(None), finding.c.severity == "error")
        .group_by(finding.c.code, document.c.integration, finding.c.value)
        .order_by(documents.desc(), finding.c.code, func.min(document.c.id))
        .limit(limit)
    )
    if integration is not None:
        query = query.where(document.c.integration == integration)
    if code is not None:
        query = query.where(finding.c.code == code)
    return [Group(*row) for row in connection.execute(query)]
