"""The records that stand as one delivery brought them, by their keys, each with the revision that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, text

from gateway.store import staging, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_KEYS_A_QUESTION = 500


class Standing(NamedTuple):
    """A current record: the document that it was made of, what is stored of it, and by which revision (None: unknown).

    A version that an undo brought back was made when it first came.
    """

    key: str
    document: int
    body: str
    revision: str | None


def revisions_of(connection: Connection, number: int) -> set[str | None]:
    """The revisions that made records of a delivery: its first judgement, retries, replays."""
    blocks, delivery = tables.change_block, tables.delivery
    told = select(blocks.c.revision).where(blocks.c.delivery == number).distinct()
    last = select(delivery.c.revision).where(delivery.c.number == number)
    known = connection.execute(last).scalar()
    return {revision or known for revision in connection.execute(told).scalars()}


def with_keys(connection: Connection, contract_id: str, number: int, keys: Sequence[str]) -> Iterator[Standing]:
    """The current records of a contract with these keys, where this delivery brought them."""
    here = staging.standing(connection, contract_id)
    if here is None:
        return
    same = "f.key = v.key AND f.delivery = v.delivery AND f.document = v.document AND f.body = v.body"
    first = f"(SELECT min(f.id) FROM {here.table} f WHERE {same})"
    block = f"(SELECT max(c.first_id) FROM change_block c WHERE c.contract = :contract AND c.first_id <= {first})"
    for at in range(0, len(keys), _KEYS_A_QUESTION):
        part = {f"k{place}": key for place, key in enumerate(keys[at : at + _KEYS_A_QUESTION])}
        marks = ", ".join(f":{name}" for name in part)
        rows = connection.execute(
            text(f"""
            SELECT v.key, v.document, v.body, coalesce(o.revision, d.revision)
            FROM {here.table} v JOIN delivery d ON d.number = v.delivery
            LEFT JOIN change_block o ON o.contract = :contract AND o.first_id = {block}
            WHERE v.state = 1 AND v.delivery = :number AND v.key IN ({marks})"""),
            {"contract": contract_id, "number": number, **part},
        )
        yield from (Standing(*row) for row in rows)
