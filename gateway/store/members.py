"""The members of deliveries that are archives, and with them what a delivery's content is made of.

The archive's own bytes are offsets 0 to its size; behind them its members follow in their order, with one offset
between two. So each offset, and the number of each document, belongs to one member for good, whatever is found in the
others: nothing in the store needs to name the member beside. People and programs are told the member and what is
counted within it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from gateway.store.tables import delivery as delivery_table
from gateway.store.tables import member

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from gateway.model import Delivery, Finding
    from gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive; `code` says by which finding it was not unpacked, and it has no `sha256` then."""

    number: int
    name: str
    sha256: str | None
    size: int
    start: int
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one reader reads from its beginning to its end: a delivery's file, or a member of an archive.

    `origin` is added to the offsets and document numbers of the part to make those of the delivery.
    """

    member: str | None
    sha256: str
    size: int
    origin: int = 0

    def holds(self, number: int) -> bool:
        """Whether the document with this number of the delivery is one of this part."""
        return self.origin < number <= self.origin + self.size + 1


def first_start(size: int) -> int:
    """Where the first member of an archive of that size begins."""
    return size + 1


def keep(transaction: Transaction, delivery_number: int, found: Sequence[Member]) -> None:
    """Write members of an archive; the first of them take the place of what an earlier try found."""
    connection = transaction.connection
    if not found or found[0].number == 1:
        connection.execute(delete(member).where(member.c.delivery == delivery_number))
    if found:
        connection.execute(
            insert(member),
            [
                {
                    "delivery": delivery_number,
                    "number": each.number,
                    "name": each.name,
                    "sha256": each.sha256,
                    "size": each.size,
                    "start": each.start,
                    "code": each.code,
                }
                for each in found
            ],
        )


def mark(transaction: Transaction, delivery_number: int, kind: str) -> None:
    """Write that a delivery is an archive whose members are all written."""
    table = delivery_table
    transaction.connection.execute(update(table).where(table.c.number == delivery_number).values(archive=kind))


def of_delivery(
    connection: Connection, delivery_number: int, *, after: int = 0, limit: int | None = None
) -> list[Member]:
    """The members of an archive, in their order; of any other delivery, none."""
    query = select(member).where(member.c.delivery == delivery_number, member.c.number > after)
    query = query.order_by(member.c.number).limit(limit)
    return [
        Member(row.number, row.name, row.sha256, row.size, row.start, row.code) for row in connection.execute(query)
    ]


def parts_of(connection: Connection, delivery: Delivery) -> list[Part]:
    """What a delivery's documents are read from: the one place that knows archives from files."""
    if delivery.archive is None:
        return [Part(None, delivery.sha256, delivery.size)]
    return parts(of_delivery(connection, delivery.number))


def parts(found: Iterable[Member]) -> list[Part]:
    """The members that were unpacked."""
    return [Part(each.name, each.sha256, each.size, each.start) for each in found if each.sha256 is not None]


def part_with(connection: Connection, delivery: Delivery, document: int) -> Part:
    """The part in which the document with this number is; number 0 is the file itself."""
    whole = Part(None, delivery.sha256, delivery.size)
    if delivery.archive is None or not document:
        return whole
    return next((each for each in parts_of(connection, delivery) if each.holds(document)), whole)


def label(parts: Iterable[Part], document: int) -> int | str:
    """The number of a document as it is told: within its member, with the member's name."""
    part = next((each for each in parts if each.member is not None and each.holds(document)), None)
    return document if part is None else f"{document - part.origin} of {part.member}"


def as_judged_before(connection: Connection, this: Delivery) -> Delivery:
    """The delivery, addressed as another one with the same bytes was when its members had been read.

    What an archive is for shows when it is opened; that it repeats another one shows before (L5).
    """
    if this.integration is not None:
        return this
    table = delivery_table
    query = (
        select(table.c.integration, table.c.partner)
        .where(table.c.sha256 == this.sha256, table.c.number < this.number, table.c.source == this.source)
        .where(table.c.archive.is_not(None), table.c.integration.is_not(None))
        .order_by(table.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return replace(this, integration=row.integration, partner=this.partner or row.partner) if row is not None else this


class Within:
    """Says offsets and numbers of a delivery as they are told: the member, and what is counted within it."""

    def __init__(self, found: Sequence[Member]) -> None:
        self._members = found
        self._starts = [each.start for each in found]

    def member_at(self, offset: int) -> Member | None:
        """The member in which an offset lies; None: it is one of the file itself."""
        place = bisect_right(self._starts, offset)
        return self._members[place - 1] if place else None

    def of_document(self, number: int) -> tuple[str | None, int]:
        """The member in which a document is, and the offset before it, from which its number counts."""
        found = self.member_at(number - 1)
        return (found.name, found.start) if found is not None and number else (None, 0)

    def told(self, finding: Finding) -> Finding:
        """A finding of the store as it is told."""
        place = finding.document - 1 if finding.document else finding.start
        found = self.member_at(place) if place is not None else None
        if found is None:
            return finding
        start, end = finding.start, finding.end
        if start is not None and start < found.start:  # of the file as a whole: here that is the member
            start, end = found.start, found.start + found.size
        return replace(
            finding,
            start=None if start is None else start - found.start,
            end=None if end is None else end - found.start,
            document=None if finding.document is None else finding.document - found.start,
            member=found.name,
        )


def moved(finding: Finding, part: Part) -> Finding:
    """A finding about a part, as it is stored."""
    if part.member is None:
        return finding
    return replace(
        finding,
        start=None if finding.start is None else finding.start + part.origin,
        end=None if finding.end is None else finding.end + part.origin,
        document=None if finding.document is None else finding.document + part.origin,
        member=part.member,
    )
