"""Files of outboxes that their partners have fetched: read to the last byte, and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from gateway.store.database import stamp
from gateway.store.tables import acknowledgment, delivery, letter

if TYPE_CHECKING:
    from gateway.store.database import Transaction


def note(transaction: Transaction, partner: str, name: str) -> str | None:
    """Note when a partner first fetched a file; the delivery that it answers, None when it is no answer of ours."""
    for table in (acknowledgment, letter):
        this = (table.c.partner == partner) & (table.c.name == name)
        answers = (
            select(delivery.c.id).join(table, table.c.delivery == delivery.c.number).where(this).order_by(table.c.id)
        )
        found: str | None = transaction.connection.execute(answers.limit(1)).scalar()
        if found is not None:
            first = update(table).where(this, table.c.collected_at.is_(None))
            transaction.connection.execute(first.values(collected_at=stamp(transaction.now)))
            return found
    return None
