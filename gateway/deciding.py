"""Judging with what people decided: discarded documents stay so, corrected ones are read as they were corrected.

That is what makes a replay the same as what it replays: the raw bytes, the revision, and every decision of a person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.judging import Batch, Judging, not_one
from gateway.model import DocumentState
from gateway.store.decisions import CORRECTED, DISCARDED, REPAIRED, TAKEN, Amended
from gateway.store.quarantine import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.judging import Task
    from gateway.routing import Routes
    from gateway.store.decisions import Decision, RawBytes
    from gateway.store.members import Part

_CLOSED = {DISCARDED: DocumentState.DISCARDED, REPAIRED: DocumentState.REPAIRED}
"""Decisions after which nothing of a document is judged, and the state that it has then."""


class Deciding:
    """The passes over a delivery's bytes: one over what nobody decided about, one for each corrected document."""

    def __init__(self, vault: RawBytes, routes: Routes, new_id: Callable[[str], str]) -> None:
        self._vault = vault
        self._routes = routes
        self._new_id = new_id

    def run(
        self,
        task: Task,
        decided: Mapping[int, Decision],
        flush: Callable[[Batch], None],
        stay_alive: Callable[[], None],
    ) -> Batch:
        """Judge every document of the task; the last batch is returned, not flushed."""
        kinds = (CORRECTED,) if task.only is not None else (CORRECTED, DISCARDED, TAKEN, REPAIRED)
        wanted = [each for each in decided.values() if each.kind in kinds and each.document > 0]
        if task.only is not None:  # what somebody wants again is the later word
            wanted = [each for each in wanted if each.document in task.only]
        plain = replace(task, parts=_left(task, wanted), leave=frozenset(each.document for each in wanted))
        batch = Judging(self._vault, self._routes, self._new_id).run(plain, flush, stay_alive)
        taken = {each.document: self._new_id("doc") for each in wanted if each.kind == TAKEN}
        if taken:
            alone = replace(task, only=taken, hold_all=False)
            self._aside(Judging(self._vault, self._routes, self._new_id), alone, batch, flush, stay_alive)
        for decision in sorted(wanted, key=lambda each: each.document):
            if decision.kind in _CLOSED:
                self._close(batch, decision)
            elif decision.kind == CORRECTED:
                self._corrected(task, batch, decision, flush, stay_alive)
        return batch

    def _aside(
        self,
        judging: Judging,
        task: Task,
        batch: Batch,
        flush: Callable[[Batch], None],
        stay_alive: Callable[[], None],
    ) -> None:
        """A pass over single documents; what it finds of the file as a whole was told before."""
        about_file = len(batch.about_file)
        judging.run(task, flush, stay_alive, batch)
        del batch.about_file[about_file:]

    def _corrected(
        self,
        task: Task,
        batch: Batch,
        decision: Decision,
        flush: Callable[[Batch], None],
        stay_alive: Callable[[], None],
    ) -> None:
        """Judge one document as it was corrected; doubt about the file as a whole does not hold it."""
        part = next((each for each in task.parts or () if each.holds(decision.document)), None)
        origin = part.origin if part is not None else 0
        amended = Amended(self._vault, decision.within(origin))
        known = task.only[decision.document] if task.only is not None else self._new_id("doc")
        alone = replace(task, only={decision.document: known}, hold_all=False, end=amended.end, whole=frozenset())
        if task.parts is not None:
            alone = replace(alone, parts=(part,) if part is not None else ())
        before = batch.total()
        self._aside(Judging(amended, self._routes, self._new_id), alone, batch, flush, stay_alive)
        if batch.total() == before and task.only is None:
            findings = (not_one(decision.document, decision.start, origin + amended.end, 0),)
            state, span = DocumentState.QUARANTINED, (decision.start, decision.end)
            self._hold(batch, Held(known, decision.document, state, None, None, *span, findings))

    def _close(self, batch: Batch, decision: Decision) -> None:
        span, state = (decision.start, decision.end), _CLOSED[decision.kind]
        given_up = Held(self._new_id("doc"), decision.document, state, None, None, *span, ())
        self._hold(batch, replace(given_up, reason=decision.reason, who=decision.who))

    def _hold(self, batch: Batch, held: Held) -> None:
        batch.held.append(held)
        batch.count[held.state] += 1
        batch.rows += 1


def _left(task: Task, decided: Sequence[Decision]) -> tuple[Part, ...] | None:
    """The parts of a task but for members that were given up as a whole, because nobody wanted them."""
    given_up = {(each.start, each.end) for each in decided if each.kind == DISCARDED}
    if task.parts is None:
        return None
    return tuple(each for each in task.parts if (each.origin, each.origin + each.size) not in given_up)
