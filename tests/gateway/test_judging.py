"""The pass over the bytes: batches, doubt about the whole file, and how a delivery ends."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gateway import judging
from gateway.integrations import Accept
from gateway.judging import Batch, Judging, Task, doubt, peeked, state_of
from gateway.model import DeliveryState, DocumentState, Finding
from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path

ACCEPTED, QUARANTINED, UNROUTED = DocumentState.ACCEPTED, DocumentState.QUARANTINED, DocumentState.UNROUTED


def test_the_first_chunk_is_seen_and_still_comes() -> None:
    chunks, first = peeked(iter([b"ab", b"c"]))
    assert first == b"ab"
    assert list(chunks) == [b"ab", b"c"]
    chunks, first = peeked(iter([]))
    assert (list(chunks), first) == ([], b"")


@pytest.mark.parametrize(
    ("count", "state"),
    [
        ({}, DeliveryState.ACCEPTED),
        ({ACCEPTED: 3}, DeliveryState.ACCEPTED),
        ({DocumentState.EXCLUDED: 3}, DeliveryState.ACCEPTED),
        ({ACCEPTED: 3, QUARANTINED: 1}, DeliveryState.PARTLY_ACCEPTED),
        ({ACCEPTED: 3, DocumentState.DISCARDED: 1}, DeliveryState.PARTLY_ACCEPTED),
        ({DocumentState.CORRECTED: 1, UNROUTED: 1}, DeliveryState.PARTLY_ACCEPTED),
        ({DocumentState.DUPLICATE: 999, QUARANTINED: 1}, DeliveryState.PARTLY_ACCEPTED),
        ({QUARANTINED: 1}, DeliveryState.QUARANTINED),
        ({UNROUTED: 1}, DeliveryState.QUARANTINED),
        ({DocumentState.DISCARDED: 1}, DeliveryState.DISCARDED),
        ({DocumentState.DISCARDED: 1, QUARANTINED: 1}, DeliveryState.QUARANTINED),
    ],
)
def test_a_delivery_ends_as_its_documents_do(count: dict[DocumentState, int], state: DeliveryState) -> None:
    assert state_of(Counter(count)) is state


def about_file(severity: str) -> Finding:
    return Finding("envelope.truncated", severity, "the file ends too soon", "Send it again.", 3, 3)


@pytest.mark.parametrize(
    ("accepted", "held", "accept", "code"),
    [
        (9, 1, Accept(), None),
        (9, 1, Accept("file"), "accept.file"),
        (10, 0, Accept("file"), None),
        (0, 10, Accept("file"), None),  # all are held anyway, each for its own reason
        (9, 1, Accept("rows", 0.1), None),
        (8, 2, Accept("rows", 0.1), "accept.share"),
    ],
)
def test_bad_documents_put_the_file_in_doubt_as_the_integration_says(
    accepted: int, held: int, accept: Accept, code: str | None
) -> None:
    batch = Batch(
        count=Counter({ACCEPTED: accepted, QUARANTINED: held - held // 2, UNROUTED: held // 2}), accepts={accept}
    )
    finding = doubt(batch, size=100)
    assert (finding.code if finding else None) == code
    if finding:
        assert f"{held} of 10 documents {'is' if held == 1 else 'are'} bad" in finding.message
        assert (finding.start, finding.end, finding.severity) == (0, 100, "error")
        assert finding.remedy


def test_an_error_about_the_file_puts_it_in_doubt_and_a_warning_does_not() -> None:
    batch = Batch(count=Counter({ACCEPTED: 9}), about_file=[about_file("warning")])
    assert doubt(batch, size=100) is None
    batch.about_file.append(about_file("error"))
    assert doubt(batch, size=100) == about_file("error")


def test_a_full_batch_is_handed_on_and_memory_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 10)
    with opened(tmp_path) as place:
        delivery = place.land(prices(95, bad_every=5), "p.csv", "drop://globex")
        routes = place.gateway.in_force.routes()
        sizes = []

        def flush(batch: Batch) -> None:
            sizes.append((len(batch.accepted["price.v2"]), len(batch.held)))
            batch.count[ACCEPTED] += len(batch.accepted["price.v2"])
            batch.accepted, batch.held, batch.rows, batch.size = {}, [], 0, 0

        task = Task(delivery, routes.candidates(delivery))
        batch = Judging(place.gateway.vault, routes, place.gateway.ids.new).run(task, flush)

        assert sizes == [(8, 2)] * 9
        assert batch.flushed
        assert (len(batch.accepted["price.v2"]), len(batch.held)) == (4, 1)
        assert batch.total() == 95
        assert [each.code for each in batch.told] == ["mapping.number"] * 19


def test_only_chosen_documents_are_judged_again_under_the_ids_they_have(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        delivery = place.land(prices(10, bad_every=5), "p.csv", "drop://globex")
        routes = place.gateway.in_force.routes()
        task = Task(delivery, routes.candidates(delivery), only={5: "doc_five", 6: "doc_six"})
        batch = Judging(place.gateway.vault, routes, place.gateway.ids.new).run(task, lambda _: None)

        assert [(each.id, each.number) for each in batch.held] == [("doc_five", 5)]
        assert [row.document for row in batch.accepted["price.v2"]] == [6]
        assert batch.outcome == {}  # filled when the batch is stored
