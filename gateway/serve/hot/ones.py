"""One record by its key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.serve import plans
from gateway.serve.hot.answered import answered
from gateway.store.staging import table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.serve.hot.answered import Answer, Headers
    from gateway.serve.hot.callers import Callers, Known
    from gateway.store.hot import HotReads

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+(?:~[A-Za-z0-9_.-]+)*").fullmatch


@dataclass(frozen=True, slots=True)
class One:
    """A collection whose records are asked for one by one. `tag` is what an entity tag has behind the change number."""

    contract: str
    table: str
    tildes: int
    tag: str
    headers: Headers


class Ones:
    """Answers for one record."""

    def __init__(self, reads: HotReads, callers: Callers) -> None:
        self._reads = reads
        self._callers = callers

    def __call__(self, environ: Mapping[str, Any], known: Known, collection: str, key: str) -> Answer | None:
        """The record with this key; None: the plain lane has it."""
        if environ.get("QUERY_STRING") or not _PLAIN_KEY(key):
            return None
        if collection not in known.ones:
            known.ones[collection] = _understood(known, collection)
        one = known.ones[collection]
        if one is None or key.count("~") != one.tildes:
            return None
        read = self._reads.one(one.contract, one.table, key)
        if read is None:
            return None
        mark, found = read
        if not self._callers.counts(known, mark.keys, mark.revision) or mark.settling or found is None:
            return None
        seq, _, body = found
        return answered(environ, f"{seq}{one.tag}", one.headers, body, one.headers)


def _understood(known: Known, collection: str) -> One | None:
    """What is asked of a collection; None where its records do not go out as they are stored, or not all of them."""
    plan = plans.for_record(known.configuration, known.caller, collection, [])
    if not plan.whole or plan.view.personal or plan.view.partners is not None:
        return None
    contract = plan.contract
    tag = plans.record_tag(plan, 0).removeprefix("0")
    return One(contract.id, table_of(contract), len(contract.key) + contract.per_partner - 1, tag, plan.headers)
