"""What the store itself can say about the conservation law: the counters of deliveries beside the rows they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from gateway.store import staging, tables
from gateway.store.deliveries import all_of_them

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from gateway.model import Delivery


@dataclass(frozen=True, slots=True)
class Counted:
    """A delivery, how many of its documents made records, and how many documents are kept in each state."""

    delivery: Delivery
    recorded: int
    kept: dict[str, int]
    current: int
    """How many records stand today as this delivery brought them."""


@dataclass(frozen=True, slots=True)
class Disorder:
    """Something in the change log or in a table of records that no sequence of commits can have left."""

    where: str
    message: str


_OF_TABLES = "SELECT number FROM delivery WHERE source LIKE 'table://%'"
"""A row that is gone from a legacy table is a document too, which made the record's last version: none."""


def counted(connection: Connection) -> Iterator[Counted]:
    """Every delivery with what is stored of it, in landing order."""
    recorded, current = _recorded(connection)
    kept: dict[int, dict[str, int]] = {}
    document = tables.document
    held = select(document.c.delivery, document.c.state, func.count()).where(document.c.number > 0)
    for number, state, count in connection.execute(held.group_by(document.c.delivery, document.c.state)):
        kept.setdefault(number, {})[state] = count
    for each in all_of_them(connection):
        yield Counted(each, recorded.get(each.number, 0), kept.get(each.number, {}), current.get(each.number, 0))


def _recorded(connection: Connection) -> tuple[dict[int, int], dict[int, int]]:
    """How many documents of each delivery made a record that was published, and how many of those are current."""
    documents: dict[int, int] = {}
    current: dict[int, int] = {}
    for here in _standings(connection):
        statement = f"""SELECT delivery, count(DISTINCT document), sum(CASE WHEN state = 1 THEN 1 ELSE 0 END)
            FROM {here.table} WHERE id <= :last AND (body <> 'null' OR state = 3 OR delivery IN ({_OF_TABLES}))
            GROUP BY delivery"""
        for number, made, stand in connection.execute(text(statement), {"last": _published(connection, here)}):
            documents[number] = documents.get(number, 0) + made
            current[number] = current.get(number, 0) + int(stand)
    return documents, current


def last_change(connection: Connection) -> int:
    """The number of the last change."""
    taken: int = connection.execute(select(tables.counter.c.value).where(tables.counter.c.name == "seq")).scalar_one()
    return taken


def disorders(connection: Connection) -> Iterator[Disorder]:
    """What is wrong with the change log and the tables of records; of a sound store, nothing."""
    yield from _gaps(connection)
    for here in _standings(connection):
        last = _published(connection, here)
        twice = f"SELECT key FROM {here.table} WHERE state = 1 GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT 5"
        for key in connection.execute(text(twice)).scalars():
            yield Disorder(here.id, f"the record {key} is current twice")
        stray = f"SELECT count(*) FROM {here.table} WHERE id > :last AND (state <> 0 OR :idle = 1)"
        idle = int(here.staging is None)
        if count := connection.execute(text(stray), {"last": last, "idle": idle}).scalar_one():
            yield Disorder(here.id, f"{count} rows of records belong to no change")
        lost = f"SELECT count(*) FROM {here.table} WHERE id <= :last"
        count = connection.execute(text(lost), {"last": last}).scalar_one()
        blocks = tables.change_block
        told = connection.execute(
            select(func.sum(blocks.c.last_seq - blocks.c.first_seq + 1)).where(blocks.c.contract == here.id)
        ).scalar()
        if count != (told or 0):
            yield Disorder(here.id, f"the change log tells of {told or 0} versions of records, and {count} are there")


def _gaps(connection: Connection) -> Iterator[Disorder]:
    """Change numbers are gapless (E2)."""
    blocks, expected = tables.change_block, 1
    for row in connection.execute(select(blocks.c.first_seq, blocks.c.last_seq).order_by(blocks.c.first_seq)):
        if row.first_seq != expected:
            yield Disorder("change log", f"after change {expected - 1} comes {row.first_seq}")
        expected = row.last_seq + 1
    taken = last_change(connection)
    if taken != expected - 1:
        yield Disorder("change log", f"the last change is {expected - 1}, but {taken} numbers were given")


def _standings(connection: Connection) -> list[staging.Standing]:
    ids = connection.execute(select(tables.contract.c.id).order_by(tables.contract.c.id)).scalars().all()
    return [here for contract_id in ids if (here := staging.standing(connection, contract_id)) is not None]


def _published(connection: Connection, here: staging.Standing) -> int:
    """The last id of a contract's table that the change log tells of."""
    blocks = tables.change_block
    last = connection.execute(
        select(func.max(blocks.c.first_id + blocks.c.last_seq - blocks.c.first_seq)).where(blocks.c.contract == here.id)
    ).scalar()
    return int(last or 0)
