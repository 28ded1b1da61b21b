"""What people decided about single documents: corrected, given up, taken; the latest decision counts, all are kept.

A correction stands beside the raw bytes, which are never changed: `start` to `end` of the delivery's file is read as if
it held the bytes of the vault file `sha256`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol

from sqlalchemy import func, insert, select

from gateway.store.database import stamp
from gateway.store.deliveries import moment
from gateway.store.tables import decision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from gateway.store.database import Transaction

CORRECTED, DISCARDED, TAKEN, REPAIRED = "corrected", "discarded", "taken", "repaired"
"""Taken: a good document of a file that is in doubt as a whole; somebody had it judged again by itself. Repaired: its
sender put it right in a later file."""
REOPENED = "reopened"
"""That file was undone: what was decided before counts again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What someone decided about a document: its number in the delivery, when, who and why."""

    document: int
    kind: str
    at: datetime
    who: str
    reason: str
    start: int = 0
    end: int = 0
    sha256: str = ""
    size: int = 0

    def within(self, origin: int) -> Decision:
        """The same about a member of an archive, whose bytes are counted from its beginning."""
        return replace(self, start=self.start - origin, end=self.end - origin) if origin else self


def keep(transaction: Transaction, delivery_number: int, decided: Decision) -> None:
    """Put a decision on record."""
    transaction.connection.execute(
        insert(decision).values(
            delivery=delivery_number,
            document=decided.document,
            kind=decided.kind,
            start=decided.start,
            end=decided.end,
            sha256=decided.sha256 or None,
            size=decided.size,
            at=stamp(decided.at),
            who=decided.who,
            reason=decided.reason,
        )
    )


def of_delivery(connection: Connection, delivery_number: int) -> dict[int, Decision]:
    """The decision that counts for each document of a delivery that someone decided about."""
    query = select(decision).where(decision.c.delivery == delivery_number).order_by(decision.c.id)
    made: dict[int, list[Decision]] = {}
    for row in connection.execute(query):
        of_document = made.setdefault(row.document, [])
        if row.kind != REOPENED:
            of_document.append(_decision(row))
        elif of_document and of_document[-1].kind == REPAIRED:
            of_document.pop()
    return {document: of_document[-1] for document, of_document in made.items() if of_document}


def last_of(connection: Connection, delivery_number: int) -> int:
    """The number of the last decision about a document of a delivery; 0 where there is none."""
    query = select(func.max(decision.c.id)).where(decision.c.delivery == delivery_number)
    return connection.execute(query).scalar() or 0


def _decision(row: Row[tuple[object, ...]]) -> Decision:
    return Decision(
        row.document,
        row.kind,
        moment(row.at),
        row.who,
        row.reason,
        row.start or 0,
        row.end or 0,
        row.sha256 or "",
        row.size or 0,
    )


class RawBytes(Protocol):
    """What judging reads from: the vault, or a file of the vault with a correction in it."""

    def chunks(self, sha256: str, size: int = ...) -> Iterator[bytes]:
        """The content, chunk by chunk, checked on the way."""

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`."""

    def spans(self, sha256: str) -> BinaryIO:
        """The content for many views of spans: seek and read. To be closed."""


class Amended:
    """A file of the vault, read as if one document of it said what its correction says."""

    def __init__(self, raw: RawBytes, correction: Decision) -> None:
        self._raw = raw
        self._start = correction.start
        self._end = correction.end
        self._text = b"".join(raw.chunks(correction.sha256))

    @property
    def end(self) -> int:
        """Where the corrected document ends."""
        return self._start + len(self._text)

    def chunks(self, sha256: str, size: int = 256 * 1024) -> Iterator[bytes]:
        """The content, chunk by chunk; the raw bytes are checked to their end."""
        at = 0
        for chunk in self._raw.chunks(sha256, size):
            before = chunk[: max(0, self._start - at)]
            behind = chunk[max(0, self._end - at) :]
            holds_start = at <= self._start < at + len(chunk)
            if whole := before + (self._text if holds_start else b"") + behind:
                yield whole
            at += len(chunk)

    def read(self, sha256: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, as the corrected file has them."""
        end = max(start, end)
        text = self._text[max(0, start - self._start) : max(0, end - self._start)]
        shift = self._end - self.end
        before = self._raw.read(sha256, start, min(end, self._start)) if start < self._start else b""
        behind = self._raw.read(sha256, max(start, self.end) + shift, end + shift) if end > self.end else b""
        return before + text + behind

    def spans(self, sha256: str) -> BinaryIO:
        """The corrected file for many views of spans."""
        return io.BufferedReader(_Spans(self, sha256))


class _Spans(io.RawIOBase):
    """Seek and read over a corrected file."""

    def __init__(self, amended: Amended, sha256: str) -> None:
        super().__init__()
        self._amended = amended
        self._sha256 = sha256
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("spans are views from the beginning")
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        part = self._amended.read(self._sha256, self._at, self._at + len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
