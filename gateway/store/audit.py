"""Who did what to what: rows that nobody can change, take away, add or reorder unnoticed (A1).

A row is written in the transaction of the thing that it reports: there is none without the other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.store.chain import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.store.database import Transaction

WORKER = "worker"
"""Who does what the gateway does by itself."""


def write(transaction: Transaction, action: str, subject: str, *, who: str, **details: object) -> None:
    """Have a row written just before this transaction commits: `who` did `action` to `subject`.

    `action` is what was done, in the past tense (``applied``, ``discarded``); `subject` what it was done to, by kind
    and name (``delivery d_06…``, ``key k_06…``). `details` are numbers, texts, and lists of such: names and counts of
    our own, reasons that people gave, but never a secret and never a value out of a document, for this log is kept
    when those are purged.
    """
    told = {name: value for name, value in details.items() if value is not None}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    transaction.record(Entry(_plain(action), _plain(subject), _plain(who), text))


def write_closed(
    transaction: Transaction,
    delivery_id: str,
    *,
    sha256: str,
    state: str,
    revision: str,
    documents: Mapping[str, int],
    twin: str | None = None,
) -> None:
    """Have it written how a delivery ended: which bytes, judged by which revision, became how many of what."""
    write(
        transaction,
        "closed",
        f"delivery {delivery_id}",
        who=WORKER,
        sha256=sha256,
        state=str(state),
        revision=revision,
        documents={str(name): count for name, count in documents.items()},
        twin=twin,
    )


def _plain(text: str) -> str:
    """Text that every database takes, and gives back as it was: no NUL, nothing that is not a character."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{SYMBOL FOR NULL}")
