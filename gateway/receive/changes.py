"""Changes of a legacy table become deliveries: one batch is one vault file of canonical JSON lines.

A row that is gone is a line, too: what the source says of it, and the mark. The delivery row, the new position and what
the strategy wants to remember commit together, so that a batch is taken exactly once whatever happens between; the
source is acknowledged afterwards.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import orjson

from gateway.model import TOMBSTONE, Arrived
from gateway.store import leases, notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from adapters.model import Batch, Change
    from gateway.integrations import Integration
    from gateway.model import Delivery
    from gateway.receive.landing import Receiver
    from gateway.store.database import Transaction
    from gateway.store.leases import SourceLease

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def canonical_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as JSON lines with sorted members and exact decimals as text: the same rows, the same bytes.

    Integers stay numbers of JSON with all their digits, whatever their size.
    """
    return b"".join(map(_line, rows))


def land_batch(
    receiver: Receiver,
    lease: SourceLease,
    integration: Integration,
    batch: Batch,
    *,
    position: str | None,
    again_in_seconds: float,
    tell: Callable[[Transaction], None] = lambda _: None,
) -> Delivery:
    """Land one batch of a table and move the source to `position`, with its notes, by one transaction.

    `tell` says in the same one what is to be said of the batch.
    """

    def advance(transaction: Transaction) -> None:
        leases.advance_source(transaction, lease, position=position, due_in_seconds=again_in_seconds)
        notes.keep(transaction, lease.name, batch.memory)
        tell(transaction)

    arrived = Arrived(
        source=str(integration.source),
        name=f"{integration.source.path}.jsonl",
        partner=integration.partner,
        integration=integration.name,
    )
    return receiver.land(arrived, io.BytesIO(canonical_lines(map(_told, batch.changes))), also=advance)


def _told(change: Change) -> Mapping[str, Any]:
    """The row as it stands; of one that is gone what the source says of it, its key at least."""
    if change.row is not None:
        return change.row
    return {**(change.before or {}), TOMBSTONE: True}


def _line(row: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(dict(row), default=_plain, option=_CANONICAL)
    except orjson.JSONEncodeError:  # it refuses integers beyond 64 bits, which are valid JSON (RFC 8259 section 6)
        written = {name: _written(value) for name, value in row.items()}
        return orjson.dumps(written, default=_plain, option=_CANONICAL)


def _written(value: object) -> object:
    """An integer as the JSON text that it is; everything else unchanged."""
    return orjson.Fragment(str(value)) if type(value) is int else value


def _plain(value: Decimal) -> str:
    return format(value, "f")
