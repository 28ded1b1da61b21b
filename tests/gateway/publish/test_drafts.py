"""Many answers to one delivery: kept out of memory until they have their numbers, and the same as if they were not."""

from __future__ import annotations

import gc
import tempfile
import tracemalloc
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import text

from edi.acknowledgments import acknowledge, drafts
from edi.edifact.scanner import events as edifact
from edi.x12.scanner import events as x12
from gateway.operate.workers.worker import work_once
from gateway.publish.acknowledgments import Desk, answer
from gateway.publish.drafts import IN_MEMORY_BYTES, Drafts
from gateway.publish.interchanges import Wanted
from gateway.store import acknowledgments
from gateway.store.database import Unwritable
from tests.acceptance.answered import answering, group, interchange
from tests.edi.acknowledgments import samples

if TYPE_CHECKING:
    from pathlib import Path

    from edi.acknowledgments import Kind
    from tests.acceptance.workspaces import Place

NOW = datetime(2026, 11, 21, 9, 30)  # noqa: DTZ001 - the time that an envelope tells has no zone
KINDS: tuple[Kind, ...] = ("TA1", "997", "999", "CONTRL")
X12 = some.lists(
    some.builds(
        lambda sets, version, trailer: samples.interchange(samples.group(*sets, version=version), trailer=trailer),
        some.lists(
            some.sampled_from([samples.order(), samples.order("0002", "BEG*00*SA"), samples.order("0003", "X")])
        ),
        some.sampled_from(["004010", "005010X231A1", "1"]),
        some.sampled_from([None, "", "IEA*9*9~"]),
    ),
    min_size=1,
    max_size=4,
)
EDIFACT = some.lists(
    some.builds(
        lambda each, trailer: samples.messages(*each, trailer=trailer),
        some.lists(some.sampled_from([samples.message(), samples.message("2", "BGM"), samples.message("3", "XXX+1")])),
        some.sampled_from([None, "UNZ+9+9'"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(some.one_of(some.tuples(some.just("x12"), X12), some.tuples(some.just("edifact"), EDIFACT)), some.integers(0, 9))
def test_answers_that_waited_in_a_file_are_the_same(file: tuple[str, list[str]], in_memory: int) -> None:
    standard, texts = file
    read: Any = {"x12": x12, "edifact": edifact}[standard]
    content = "".join(texts).encode()
    at_once = list(acknowledge(read([content], {}), kinds=KINDS, numbers=iter(range(1, 99)), now=NOW))
    with closing(Drafts(in_memory)) as waiting:
        for each in drafts(read([content], {}), kinds=KINDS):
            waiting.add(Wanted(1, each, standard, None))
        for _ in range(2):
            later = [each.draft.finished(number, NOW) for number, each in enumerate(waiting, 1)]
            assert later == at_once
        assert waiting.pairs.total() == len(at_once)


def test_a_temporary_file_that_cannot_be_written_is_no_fault_of_the_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (draft,) = drafts(x12([samples.interchange(samples.group(samples.order())).encode()], {}), kinds=["997"])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with closing(Drafts(1)) as waiting, pytest.raises(Unwritable, match="cannot be kept in a temporary file"):
        waiting.add(Wanted(1, draft, "x12", None))


def test_drafts_that_wait_are_not_in_memory() -> None:
    (draft,) = drafts(x12([samples.interchange(samples.group(samples.order())).encode()], {}), kinds=["997"])
    tracemalloc.start()
    with closing(Drafts()) as waiting:
        for _ in range(6_000):
            waiting.add(Wanted(1, draft, "x12", None))
        assert sum(1 for _ in waiting) == 6_000
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * IN_MEMORY_BYTES


def test_answering_a_file_of_many_interchanges_needs_no_more_memory_than_one_of_few(tmp_path: Path) -> None:
    with answering(tmp_path) as place:
        few, many = (_peak(place, first, count) for first, count in ((1, 100), (1_000, 800)))
        assert many < few + 2 * IN_MEMORY_BYTES
        with place.gateway.database.read() as connection:
            numbers = connection.execute(text("SELECT number FROM acknowledgment ORDER BY delivery, place")).scalars()
            assert list(numbers) == list(range(1, 901))


def _peak(place: Place, first: int, count: int) -> int:
    """The most memory that answering a file of so many interchanges needs, in bytes."""
    place.land(b"".join(interchange(group(), number=number) for number in range(first, first + count)))
    gateway = place.gateway
    while work_once(gateway, "me"):
        pass
    with gateway.database.write() as transaction:
        owed = acknowledgments.take_owed(transaction, owner="me", seconds=600.0, count=1, size_max=1)
    desk = Desk(gateway.database, gateway.vault, lambda _: gateway.in_force.routes(), 600.0)
    gc.collect()
    gc.freeze()  # how seldom cycles are collected depends on how much lives, which other tests decide
    tracemalloc.start()
    try:
        gc.collect()
        answer(desk, owed, outboxes=["acme"])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.unfreeze()
