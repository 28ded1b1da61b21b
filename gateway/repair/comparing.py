"""What stands in the store held against what the raw bytes give, judged once more as it was judged then.

A delivery is read by each revision that made records of it, with what people decided about its documents. Batch by
batch what comes out is looked up by its keys and compared, so that memory is bounded whatever the file's size (P8).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.deciding import Deciding
from gateway.judging import Task
from gateway.repair.differences import changed
from gateway.store import decisions, members, personal, standing_records
from gateway.store.staging import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.contracts import Contract
    from gateway.judging import Batch
    from gateway.model import Delivery
    from gateway.routing import Routes
    from gateway.store.database import Database
    from gateway.store.decisions import Decision
    from gateway.store.staging import Staged
    from gateway.store.vault import Vault

RECORDS_TOLD_MAX = 20
"""So many records of one delivery are told one by one."""
FIELDS_TOLD_MAX = 10


@dataclass(slots=True)
class Compared:
    """How many records of a delivery stand as its bytes give them, and which do not."""

    same: int = 0
    other: int = 0
    differing: list[str] = field(default_factory=list)
    """The first of those that do not, each as a sentence."""
    impossible: str = ""
    """Why some of them cannot be compared."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """Compares deliveries of one gateway. `routes_of` gives a revision ready to work, `today` are today's contracts."""

    database: Database
    vault: Vault
    routes_of: Callable[[str], Routes | None]
    today: Mapping[str, Contract]

    def compare(self, delivery: Delivery) -> Compared:
        """Hold the current records of a delivery against its bytes.

        Raises:
            Stop: its bytes are missing or damaged.
        """
        found = Compared()
        with self.database.read() as connection:
            revisions = standing_records.revisions_of(connection, delivery.number)
            decided = decisions.of_delivery(connection, delivery.number)
        for revision in sorted(revisions, key=str):
            routes = self.routes_of(revision) if revision is not None else None
            if routes is None:
                found.impossible = f"the revision {revision or 'of their day'} is no longer there or cannot be read"
            else:
                self._judged(delivery, routes, decided, found)
        return found

    def _judged(self, delivery: Delivery, routes: Routes, decided: dict[int, Decision], found: Compared) -> None:
        """One pass over the bytes, by one revision."""
        with self.database.read() as connection:
            parts = members.parts_of(connection, delivery)
        candidates = routes.candidates_of(delivery, parts)
        if not candidates:
            found.impossible = f"the revision {routes.revision} has no integration for it"
            return
        task = Task(delivery, candidates, parts=tuple(parts) if delivery.archive is not None else None)

        def compare(batch: Batch) -> None:
            for contract_id, rows in batch.accepted.items():
                self._compare(delivery, batch.contracts[contract_id], rows, routes.revision, found)
            batch.accepted, batch.held, batch.noted, batch.rows, batch.size = {}, [], [], 0, 0

        compare(Deciding(self.vault, routes, str).run(task, decided, compare, lambda: None))

    def _compare(
        self, delivery: Delivery, contract: Contract, rows: list[Staged], revision: str, found: Compared
    ) -> None:
        given = {(row.key, row.document): row.json for row in rows if row.json != GONE}
        keys = sorted({key for key, _ in given})
        erasers = [personal.eraser(each) for each in (contract, self.today.get(contract.id, contract))]
        with self.database.read() as connection:
            standing = list(standing_records.with_keys(connection, contract.id, delivery.number, keys))
        for each in standing:
            judged = given.get((each.key, each.document))
            if judged is None or each.revision != revision:
                continue
            if each.body == judged or each.body in [erased(judged) for erased in erasers]:
                found.same += 1
                continue
            found.other += 1
            if len(found.differing) < RECORDS_TOLD_MAX:
                found.differing.append(f"the record {each.key} of {contract.id} {_differs(each.body, judged)}")


def _differs(stored: str, judged: str) -> str:
    """In which fields a stored record is not the one that its bytes give; their values may be nobody's to see."""
    try:
        fields = changed(json.loads(stored), json.loads(judged))
    except ValueError:
        return "is stored as something that is no JSON"
    if not fields:
        return "is written otherwise than its bytes give it"
    more = f" and {len(fields) - FIELDS_TOLD_MAX} more" if len(fields) > FIELDS_TOLD_MAX else ""
    names = ", ".join(each or "all of it" for each in fields[:FIELDS_TOLD_MAX])
    return f"is not what its bytes give: {names}{more}"
