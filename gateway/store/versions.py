"""Which documents come too late: the record that is there, or a document before them in their file, is newer (P6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from gateway.store import staging
from gateway.store.staging import GONE, column_of, quoted, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from gateway.contracts import Contract
    from gateway.store.staging import Staged

_KEYS_A_QUESTION = 500


def late(
    connection: Connection,
    contract: Contract,
    delivery: int,
    rows: Sequence[Staged],
    version: str | None,
    *,
    first: bool = False,
) -> dict[int, int]:
    """The documents among `rows`, which a delivery brings in this order, that must not replace the record there is.

    With each comes the number of the delivery that brought the newer one, which may be the same delivery.

    `version` names the field whose higher value is newer. Where it is None, or the values are equal, or one is
    missing, the delivery that landed later is. With `first`, as a replay asks before it looks for what is unchanged,
    documents that have made a record before are in time.
    """
    if version is None:
        newer = {} if first else staging.newer(connection, contract, delivery, [row.key for row in rows])
        return {row.document: newer[row.key] for row in rows if row.key in newer}
    place = [field.name for field in contract.columns()].index(version)
    keys = sorted({row.key for row in rows})
    current = dict(_current(connection, contract, delivery, version, keys))
    in_time = set(_brought(connection, contract, delivery, keys)) if first else set()
    found = {}
    for row in rows:
        brought = (row.columns[place], delivery)
        if row.document not in in_time and row.key in current and _is_older(brought, current[row.key]):
            found[row.document] = current[row.key][1]
        else:
            current[row.key] = brought
    return found


def _is_older(one: tuple[Any, int], other: tuple[Any, int]) -> bool:
    (version, landed), (other_version, other_landed) = one, other
    if version is None or other_version is None or version == other_version:
        return landed < other_landed
    return bool(version < other_version)


def _current(
    connection: Connection, contract: Contract, delivery: int, version: str, keys: Sequence[str]
) -> Iterator[tuple[str, tuple[Any, int]]]:
    """Key, version and delivery of the records as they stand, the last of each key last.

    Of what this delivery published before, only what a replay found unchanged counts; undone ones count no more.
    """
    condition = f"""state = 0
        OR EXISTS (SELECT 1 FROM kept x WHERE x.delivery = :delivery AND x.contract = :contract AND x.record = t.id)
        OR delivery <> :delivery AND body <> '{GONE}'
            AND NOT EXISTS (SELECT 1 FROM delivery u WHERE u.number = t.delivery AND u.state = 'undone')"""
    more = {"delivery": delivery, "contract": contract.id}
    for row in _asked(connection, contract, f"key, delivery, {quoted(column_of(version))}", keys, condition, more):
        yield row[0], (row[2], row[1])


def _brought(connection: Connection, contract: Contract, delivery: int, keys: Sequence[str]) -> Iterator[int]:
    """The documents of a delivery that have made a record before."""
    condition = f"delivery = :delivery AND state <> 0 AND body <> '{GONE}'"
    return (row[0] for row in _asked(connection, contract, "document", keys, condition, {"delivery": delivery}))


def _asked(
    connection: Connection, contract: Contract, wanted: str, keys: Sequence[str], condition: str, more: dict[str, Any]
) -> Iterator[Any]:
    """Rows of these keys for which the condition holds, in the order in which they were made."""
    for at in range(0, len(keys), _KEYS_A_QUESTION):
        part = {f"k{place}": key for place, key in enumerate(keys[at : at + _KEYS_A_QUESTION])}
        marks = ", ".join(f":{name}" for name in part)
        statement = f"SELECT {wanted} FROM {table_of(contract)} t WHERE key IN ({marks}) AND ({condition}) ORDER BY id"
        yield from connection.execute(text(statement), part | more)
