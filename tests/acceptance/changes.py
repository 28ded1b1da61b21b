"""The change log as a follower reads it, and the histories of the records that it tells of, to be held against it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.acceptance.workspaces import Place


class Change(NamedTuple):
    """One entry of the change log; `record` None says that the record is gone."""

    seq: int
    contract: str
    key: str
    record: Any


def behind(connection: Connection, after: int = 0) -> list[Change]:
    """Every change behind a number, in the order of their numbers."""
    tables: dict[str, str] = {
        row.id: row.records for row in connection.execute(text("SELECT id, records FROM contract"))
    }
    blocks = text("SELECT * FROM change_block WHERE last_seq > :after ORDER BY first_seq")
    changes = []
    for block in connection.execute(blocks, {"after": after}).all():
        last = block.first_id + block.last_seq - block.first_seq
        rows = text(f"SELECT id, key, body FROM {tables[block.contract]} WHERE id BETWEEN :low AND :high ORDER BY id")
        changes += [
            Change(block.first_seq + row.id - block.first_id, block.contract, row.key, json.loads(row.body))
            for row in connection.execute(rows, {"low": block.first_id, "high": last})
        ]
    return [each for each in changes if each.seq > after]


def log_of(place: Place) -> list[Change]:
    """The whole change log of a place; its numbers have no gap."""
    with place.gateway.database.read() as connection:
        changes = behind(connection)
    assert [each.seq for each in changes] == list(range(1, len(changes) + 1))
    return changes


def histories_of(place: Place, changes: list[Change]) -> list[Change]:
    """What the API says of the records that the log names: all their versions, by their change numbers."""
    collections = {each.id: each.collection for each in place.gateway.in_force.configuration().contracts.values()}
    told = []
    for contract, key in sorted({(each.contract, each.key) for each in changes}):
        for version in place.get(f"/api/v1/{collections[contract]}/{key}/history")["items"]:
            record = version["record"]
            if record is not None:
                record = {name: value for name, value in record.items() if not name.startswith("_")}
            told.append(Change(version["_seq"], contract, key, record))
    return sorted(told, key=lambda each: each.seq)
