"""The same file twice: at once, by several workers, from another partner, and with one byte changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.acceptance.workspaces import opened
from tests.faults.scenes import PRICES, scene

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place
    from tests.faults.nursery import Nursery


def eight_at_once(place: Place) -> None:
    """The same bytes under eight names, landed by eight threads."""
    start = threading.Barrier(8)

    def land(number: int) -> None:
        start.wait()
        place.land(PRICES, f"p{number}.csv", "drop://globex")

    threads = [threading.Thread(target=land, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_L5_the_same_content_landed_at_once_and_judged_by_three_workers_counts_once(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, children: Nursery
) -> None:
    here = scene(tmp_path / "here", store_url, eight_at_once)
    workers = [children.start(here.folder, "work", "--until-idle", small=True) for _ in range(3)]
    for worker in workers:
        worker.go()
    for worker in workers:
        assert children.ended(worker) == 0, worker.said()
    children.work(here.folder, small=True)

    said = here.ledger()
    assert sorted(each[4] for each in said["deliveries"]) == ["duplicate"] * 7 + ["partly_accepted"]
    assert len(said["records"]) == 42
    assert all(row[5] == 1 for row in said["records"])  # the first version of each
    assert len(list(here.folder.glob("data/vault/??/??/*"))) == 1
    assert list(here.folder.glob("data/vault/incoming/*")) == []


def test_L5_from_another_partner_or_with_one_byte_changed_it_is_no_duplicate(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    changed = PRICES.replace(b"A-7;Artikel 7;1,50", b"A-7;Artikel 7;1,51")
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", "drop://globex")
        other = place.give(PRICES, "prices.csv", "drop://initech")
        later = place.give(changed, "prices.csv", "drop://globex")

        assert (first["state"], first["documents"]) == ("partly_accepted", {"accepted": 42, "quarantined": 3})
        assert (other["state"], other["twin"]) == ("quarantined", None)  # nobody wants it from there, and it is kept
        assert place.raw(other["id"]) == PRICES
        assert (later["state"], later["twin"]) == ("partly_accepted", None)
        record = place.get("/api/v1/prices/A-7~2026-12-01")
        assert (record["price"], record["_version"]) == ("1.51", 2)
