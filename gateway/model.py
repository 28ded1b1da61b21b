"""The nouns that cross two stages, and the one table of states."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


TOMBSTONE = "@deleted"
"""The member that says of a line of a table that its row is gone; no column can be called so without being quoted."""


class DeliveryState(StrEnum):
    """The life of a delivery. `received` is the only one that is not an end."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    PURGED = "purged"
    UNDONE = "undone"
    DISCARDED = "discarded"


class DocumentState(StrEnum):
    """Where a document of a delivery ended."""

    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    EXCLUDED = "excluded"
    DUPLICATE = "duplicate"
    UNROUTED = "unrouted"
    DISCARDED = "discarded"
    CORRECTED = "corrected"
    REPAIRED = "repaired"
    PURGED = "purged"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that mapping or contract found in one document, before its place in the bytes is known.

    `target` is a JSON pointer into the record (``/lines/2/price``, lines counted from 0). `path` is the source path as
    the mapping writes it and `indexes` the occurrence of each loop that was open, outermost first, from 0; together the
    format's reader finds the bytes of the value with them. `path` is None where the fault has no single source.
    """

    code: str
    message: str
    remedy: str
    target: str
    path: str | None = None
    indexes: tuple[int, ...] = ()
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it is stored and served: about a delivery, a document, or one value of it.

    `start` and `end` are the byte span in the delivery's raw file (P7: cut out, it is `value`, or contains it where
    quoting or escaping stands between). Positions count from 1.
    """

    code: str
    severity: str
    message: str
    remedy: str
    start: int | None = None
    end: int | None = None
    line: int | None = None
    segment: int | None = None
    tag: str | None = None
    element: int | None = None
    component: int | None = None
    column: str | None = None
    target: str | None = None
    value: str | None = None
    document: int | None = None
    member: str | None = None
    """In an archive: the member in which `start`, `end`, `line` and `document` are counted; None is the file itself."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Something whose bytes are at hand and that wants to become a delivery; `source` names where it came from."""

    source: str
    name: str
    partner: str | None
    integration: str | None = None
    arrival: str | None = None
    """The arrival's own id, given by who took it in: the same id twice is the same arrival, not a second one."""
    whole: bool | None = None
    """Whether the file's envelope is closed; None where its format has none that could tell."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One arrival that we have taken: raw bytes in the vault and this row."""

    id: str
    number: int
    state: DeliveryState
    source: str
    name: str
    partner: str | None
    integration: str | None
    sha256: str
    size: int
    received_at: datetime
    finished_at: datetime | None = None
    revision: str | None = None
    tries: int = 0
    documents: dict[str, int] = field(default_factory=dict)
    """How many documents ended in each state: the two sides of the conservation law (P1)."""
    twin: str | None = None
    """For a duplicate: the delivery that brought the same content first."""
    whole: bool | None = None
    replay: str | None = None
    """``then`` or ``now`` where it is to be, or was, judged again from its bytes: by which revision."""
    purged_at: datetime | None = None
    """When its bytes, and what was held of it, were purged; then `state` says so, too."""
    purged_by: str | None = None
    """What had them purged: ``keep: 90d of acme-orders``."""
    archive: str | None = None
    """``zip`` or ``gzip`` where its members were unpacked: they are its content then."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the ingestion log, written in the transaction of the thing that it reports."""

    event: str
    level: str
    message: str
    integration: str | None = None
    partner: str | None = None
    delivery: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
