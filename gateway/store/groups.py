"""What is held, grouped by what is wrong: one cause is often hundreds of rows in several files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, not_, null, or_, select, union_all

from gateway.store.deliveries import of_partners
from gateway.store.quarantine import ABOUT, OPEN
from gateway.store.tables import delivery, document, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, Connection


QUOTING_NOTHING = ("accept", "delivery", "document", "record")
"""Kinds of findings that are what the gateway says of a file or a document as a whole, without a word of it."""


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
    connection: Connection,
    *,
    integration: str | None = None,
    code: str | None = None,
    limit: int = 100,
    partners: Sequence[str] | None = None,
    secret: Sequence[str | None] = (),
) -> list[Group]:
    """What is held (of these partners), grouped by code, integration and value; the largest group first.

    Values and messages of the integrations `secret` (None: of what nobody wanted) are not told, and group nothing.
    """
    quoted = _unless(secret)
    conditions = [document.c.state.in_(OPEN), delivery.c.finished_at.is_not(None), finding.c.severity == "error"]
    if integration is not None:
        conditions.append(document.c.integration == integration)
    if code is not None:
        conditions.append(finding.c.code == code)
    told = union_all(
        *(
            select(
                finding.c.code,
                document.c.integration,
                quoted(finding.c.value).label("value"),
                document.c.id,
                document.c.delivery,
                quoted(finding.c.message).label("message"),
                quoted(finding.c.remedy).label("remedy"),
            )
            .select_from(document)
            .join(finding, about)
            .join(delivery, delivery.c.number == document.c.delivery)
            .where(*conditions, *of_partners(partners))
            for about in ABOUT
        )
    ).subquery("told")
    documents = func.count(told.c.id.distinct())
    query = (
        select(
            told.c.code,
            told.c.integration,
            told.c.value,
            documents,
            func.count(told.c.delivery.distinct()),
            func.min(told.c.message),
            func.min(told.c.remedy),
            func.min(told.c.id),
        )
        .group_by(told.c.code, told.c.integration, told.c.value)
        .order_by(documents.desc(), told.c.code, func.min(told.c.id))
        .limit(limit)
    )
    found = [Group(*row) for row in connection.execute(query)]
    return [replace(each, message=each.message or "", remedy=each.remedy or "") for each in found]


def _unless(secret: Sequence[str | None]) -> Callable[[ColumnElement[Any]], ColumnElement[Any]]:
    """What gives a column as it is, or null for documents of the integrations `secret`."""
    if not secret:
        return lambda column: column
    hidden: ColumnElement[bool] = document.c.integration.in_([each for each in secret if each is not None])
    if None in secret:
        hidden = or_(hidden, document.c.integration.is_(None))
    own = or_(*(finding.c.code.startswith(f"{kind}.", autoescape=True) for kind in QUOTING_NOTHING))
    return lambda column: case((and_(hidden, not_(own)), null()), else_=column)
