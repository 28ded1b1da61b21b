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
    from gateway.serve.plans import Plan
    from gateway.store.hot import HotReads

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+(?:~[A-Za-z0-9_.-]+)*").fullmatch


@dataclass(frozen=True, slots=True)
class One:
    """A collection whose records are asked for one by one."""

    plan: Plan
    table: str
    parts: int
    headers: Headers


class Ones:
    """Answers for one record."""

    def __init__(self, reads: HotReads, callers: Callers) -> None:
        self._reads = reads
        self._callers = callers

    def __call__(self, environ: Mapping[str, Any], known: Known, collection: str, key: str) -> Answer | None:
        """The record with this key; None: the plain lane has it."""
        one = known.ones.get(collection)
        if one is None:
            one = known.ones[collection] = _understood(known, collection)
        plan = one.plan
        if (
            environ.get("QUERY_STRING")
            or not _PLAIN_KEY(key)
            or key.count("~") != one.parts - 1
            or not plan.whole
            or plan.view.personal
            or plan.view.partners is not None
        ):
            return None
        read = self._reads.one(plan.contract.id, one.table, key)
        if read is None:
            return None
        mark, found = read
        if not self._callers.counts(known, mark.keys, mark.revision) or mark.settling or found is None:
            return None
        seq, _, body = found
        return answered(environ, plans.record_tag(plan, seq), one.headers, body, one.headers)


def _understood(known: Known, collection: str) -> One:
    plan = plans.for_record(known.configuration, known.caller, collection, [])
    parts = len(plan.contract.key) + plan.contract.per_partner
    return One(plan, table_of(plan.contract), parts, plan.headers)
