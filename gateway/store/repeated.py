"""Keys that came more than once in one delivery: the last of them stands, and that is told, for nobody asked for it.

All of them are kept as versions of the record. The rows to look at are those that were replaced as soon as they were
settled, which the statement that settles them has just had in its hands; nothing is remembered of the others.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import text

from gateway.observations import KEYS_REPEATED
from gateway.store import deliveries

if TYPE_CHECKING:
    from sqlalchemy import TextClause

    from gateway.store.database import Transaction

SHOWN = 3
"""So many keys are told, with the documents in which they stand."""

_KEY_LETTERS_MAX = 60


def tell(transaction: Transaction, table: str, low: int, high: int) -> None:
    """Tell of the deliveries whose rows have ids from `low` to before `high` in a contract's table, and are settled.

    A table's reading brings a key as often as it was changed, which is nothing to tell of.
    """
    if high - low < 2:
        return
    counting, showing = _statements(table)
    span = {"low": low, "high": high}
    connection = transaction.connection
    for each in connection.execute(counting, span).all():
        of = deliveries.by_number(connection, each.delivery)
        if of.source.startswith("table://"):
            continue
        first = connection.execute(showing, span | {"delivery": each.delivery}).all()
        said = [f"{_cut(row.key)!r} of document {row.document} by document {row.stands}" for row in first]
        more = [f"{each.replaced - len(first)} more"] if each.replaced > len(first) else []
        transaction.tell(
            KEYS_REPEATED(
                integration=of.integration,
                partner=of.partner,
                delivery=of.id,
                replaced=each.replaced,
                which=", ".join(said + more),
            )
        )


@cache
def _statements(table: str) -> tuple[TextClause, TextClause]:
    """How many rows of which deliveries were replaced by their own, and the first of one delivery's."""
    later = (
        f"FROM {table} l WHERE l.key = s.key AND l.id > s.id AND l.delivery = s.delivery"
        " AND l.id > :low AND l.id < :high"  # so that PostgreSQL looks at nothing else, whatever it takes state 2 for
    )
    replaced = f"FROM {table} s WHERE s.id >= :low AND s.id < :high AND s.state = 2 AND EXISTS (SELECT 1 {later})"
    stands = f"(SELECT l.document {later} ORDER BY l.id DESC LIMIT 1) AS stands"
    return (
        text(f"SELECT s.delivery, count(*) AS replaced {replaced} GROUP BY s.delivery ORDER BY s.delivery"),
        text(f"SELECT s.key, s.document, {stands} {replaced} AND s.delivery = :delivery ORDER BY s.id LIMIT {SHOWN}"),
    )


def _cut(key: str) -> str:
    return key if len(key) <= _KEY_LETTERS_MAX else f"{key[:_KEY_LETTERS_MAX]}…"
