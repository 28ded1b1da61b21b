"""Links to the page on which a partner tries files: kept as the SHA-256 of a random token, never as the token.

Whoever has the link is taken for the partner on that page, and nowhere else: it leads to nothing real.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.tables import page_link

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is known: whose it is, and how long it leads anywhere."""

    id: str
    partner: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def live(self, now: datetime) -> bool:
        """Whether it counts."""
        return self.revoked_at is None and self.expires_at > now


def add(
    transaction: Transaction,
    *,
    id: str,  # noqa: A002 - the column's name
    partner: str,
    sha256_hex: str,
    expires_at: datetime,
) -> None:
    """Keep a new link."""
    transaction.connection.execute(
        insert(page_link).values(
            id=id,
            partner=partner,
            sha256=sha256_hex,
            created_at=stamp(transaction.now),
            expires_at=stamp(expires_at),
        )
    )


def find(connection: Connection, sha256_hex: str) -> Link | None:
    """The link whose token has this SHA-256."""
    row = connection.execute(select(page_link).where(page_link.c.sha256 == sha256_hex)).first()
    return _link(row) if row is not None else None


def of_partner(connection: Connection, partner: str) -> list[Link]:
    """Every link that was made for a partner, oldest first."""
    query = select(page_link).where(page_link.c.partner == partner).order_by(page_link.c.created_at, page_link.c.id)
    return [_link(row) for row in connection.execute(query)]


def revoke(transaction: Transaction, partner: str, id: str | None = None) -> list[str]:  # noqa: A002 - as above
    """End a partner's link of this id, or all of them, at once; the ids of those that counted until now."""
    now = stamp(transaction.now)
    live = (page_link.c.partner == partner, page_link.c.revoked_at.is_(None), page_link.c.expires_at > now)
    chosen = live if id is None else (*live, page_link.c.id == id)
    ended = update(page_link).where(*chosen).values(revoked_at=now).returning(page_link.c.id)
    return sorted(transaction.connection.execute(ended).scalars())


def _link(row: Row[Any]) -> Link:
    return Link(
        row.id,
        row.partner,
        moment(row.created_at),
        moment(row.expires_at),
        moment(row.revoked_at) if row.revoked_at else None,
    )
