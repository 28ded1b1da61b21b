"""Personal data taken out of records: the fields that a contract marks ``pii`` are left out, as if they were absent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.contracts import kept_since
from gateway.store.staging import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gateway.contracts import Contract
    from gateway.store.staging import Staged


def eraser(contract: Contract) -> Callable[[str], str]:
    """The function that leaves the personal data out of a record's JSON; what has none is returned as it is."""
    paths = tuple(contract.personal())

    def erased(body: str) -> str:
        if not paths or body == GONE:
            return body
        record = json.loads(body)
        if not sum(_take_out(record, path) for path in paths):
            return body
        return json.dumps(record, ensure_ascii=False, separators=(",", ":"))

    return erased


def columns_of(contract: Contract) -> tuple[str, ...]:
    """The fields of the record itself that are personal data and have a column."""
    return tuple(field.name for field in contract.columns() if field.pii)


def without(contract: Contract, rows: Sequence[Staged]) -> list[Staged]:
    """Rows on their way into the store without their personal data."""
    erased = eraser(contract)
    keeps = [not field.pii for field in contract.columns()]
    return [
        row._replace(
            json=erased(row.json),
            columns=tuple(value if kept else None for value, kept in zip(row.columns, keeps, strict=True)),
        )
        for row in rows
    ]


def if_still_kept(contract: Contract, rows: list[Staged], came: datetime, now: datetime) -> list[Staged]:
    """Rows of a delivery that is judged again: when it came too long ago, without their personal data."""
    age = contract.keep_personal
    return without(contract, rows) if age is not None and came < kept_since(age, now) else rows


def _take_out(value: Any, path: tuple[str, ...]) -> int:
    """Take a member out of an object, or out of each object of a list; how many there were."""
    if isinstance(value, list):
        return sum(_take_out(each, path) for each in value)
    if not isinstance(value, dict) or path[0] not in value:
        return 0
    if len(path) > 1:
        return _take_out(value[path[0]], path[1:])
    del value[path[0]]
    return 1
