"""P1 to P4 and P7: how deliveries are judged, on both stores where the store has a part in it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from edi.formats import FORMATS
from gateway import ingest, judging
from gateway.errors import Retry
from gateway.operate import wiring
from gateway.operate.workers.worker import work
from gateway.store import leases, staging
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.workspaces import Clock, Place, conserved, opened, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")
GLOBEX = "drop://globex"
CORPUS = Path(__file__).parent.parent / "corpus"


def stored(place: Place, number: int) -> int:
    """How many versions of records a delivery made."""
    tables = [staging.table_of(each) for each in place.gateway.in_force.configuration().contracts.values()]
    with place.gateway.database.read() as connection:
        return sum(
            connection.execute(text(f"SELECT count(*) FROM {table} WHERE delivery = {number}")).scalar_one()
            for table in tables
        )


# ── P2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_P2_readers_see_a_large_delivery_whole_or_not_at_all(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 20)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 10)
    settle, flush, looks = staging.settle, ingest.Attempt._flush, {"before": 0, "after": 0}
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(5, price="9,99"), "old.csv", GLOBEX)
        old = place.records("prices")
        landed = place.land(prices(205, bad_every=10), "new.csv", GLOBEX)

        def look_before(attempt: ingest.Attempt, batch: judging.Batch) -> None:
            flush(attempt, batch)
            looks["before"] += 1
            assert place.records("prices") == old
            assert place.held() == place.findings(landed.id) == []
            assert place.delivery(landed.id)["state"] == "received"

        def settle_a_little(transaction: Any, contract_id: str, **_: int) -> bool:
            return settle(transaction, contract_id, limit=30)

        def look_while_settling(attempt: ingest.Attempt, transaction: Any) -> None:
            if place.delivery(landed.id)["state"] != "received":
                looks["after"] += 1
                assert len(place.records("prices")) == 185
                assert place.get("/api/v1/prices/A-1~2026-12-01")["price"] == "1.50"
                assert len(place.held()) == 20
                assert place.delivery(landed.id)["state"] == "partly_accepted"
            prove(attempt, transaction)

        prove = ingest.Attempt._prove
        monkeypatch.setattr(ingest.Attempt, "_flush", look_before)
        monkeypatch.setattr(ingest.Attempt, "_prove", look_while_settling)
        monkeypatch.setattr(staging, "settle", settle_a_little)
        place.work()
        monkeypatch.undo()

        assert looks == {"before": 10, "after": 7}
        assert len(place.records("prices")) == 185
        conserved(place, landed.id)


# ── P3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_P3_a_zombie_whose_lease_ran_out_changes_nothing(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 20)
    flush = ingest.Attempt._flush
    with opened(tmp_path, store=store_url) as place:
        landed = place.land(prices(100, bad_every=10), "p.csv", GLOBEX)
        with place.gateway.database.write() as transaction:
            lease = leases.take(transaction, owner="zombie", seconds=60)
        assert lease is not None

        def sleep_too_long(attempt: ingest.Attempt, batch: judging.Batch) -> None:
            monkeypatch.setattr(ingest.Attempt, "_flush", flush)
            flush(attempt, batch)
            place.clock.forward(61)
            place.work()  # another worker takes the delivery and finishes it
            flush(attempt, batch)

        monkeypatch.setattr(ingest.Attempt, "_flush", sleep_too_long)
        with pytest.raises(Retry, match="went to another worker"):
            ingest.ingest(place.gateway.line, lease, place.gateway.in_force.routes())

        assert place.delivery(landed.id)["documents"] == {"accepted": 90, "quarantined": 10}
        assert [each["_version"] for each in place.records("prices")] == [1] * 90
        assert stored(place, 1) == 90
        conserved(place, landed.id)


def test_P3_two_workers_take_each_delivery_once_and_in_the_order_of_its_lane(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        landed = [
            place.land(prices(3, price=f"{number},00"), f"p{number}.csv", GLOBEX)
            if number % 2
            else place.land(X12.replace(b"4711", b"47%02d" % number), f"o{number}.edi", "drop://acme")
            for number in range(12)
        ]
        others = [wiring.open_gateway(tmp_path) for _ in range(2)]
        stop = threading.Event()

        def all_done() -> bool:
            return not any(place.delivery(each.id)["state"] == "received" for each in landed)

        for other in others:
            other.database.clock = place.clock
        workers = [threading.Thread(target=work, args=(other, stop)) for other in others]
        for worker in workers:
            worker.start()
        try:
            for _ in range(1200):
                if all_done():
                    break
                threading.Event().wait(0.05)
        finally:
            stop.set()
            for worker in workers:
                worker.join()
            for other in others:
                other.close()

        assert {place.delivery(each.id)["state"] for each in landed} == {"accepted", "partly_accepted"}
        assert len(place.records("orders")) == 6
        history = place.get("/api/v1/prices/A-1~2026-12-01/history")["items"]
        assert [each["record"]["price"] for each in history] == [f"{number}.00" for number in (11, 9, 7, 5, 3, 1)]


@pytest.mark.parametrize("step", ["the second batch", "before publishing", "the first settling"])
def test_P3_a_worker_killed_in_the_middle_leaves_exactly_the_right_records(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 20)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 10)
    with opened(tmp_path, store=store_url) as place:
        landed = place.land(prices(100, bad_every=10), "p.csv", GLOBEX)
        moment = place.clock.now

    def work_and_die() -> None:
        batches: list[int] = []
        flush, publish = ingest.Attempt._flush, ingest.Attempt._publish

        def flush_or_die(attempt: ingest.Attempt, batch: judging.Batch) -> None:
            flush(attempt, batch)
            batches.append(batch.total())
            if step == "the second batch" and len(batches) == 2:
                die()

        def publish_or_die(attempt: ingest.Attempt, batch: judging.Batch, candidates: Any) -> None:
            if step == "before publishing":
                die()
            publish(attempt, batch, candidates)
            die()

        monkeypatch.setattr(ingest.Attempt, "_flush", flush_or_die)
        monkeypatch.setattr(ingest.Attempt, "_publish", publish_or_die)
        with reopened(tmp_path) as place:
            place.clock.now = moment
            place.work()

    assert in_child(work_and_die) == -9

    with reopened(tmp_path) as place:
        place.clock.now = moment
        place.clock.forward(3600)
        shown = place.delivery(landed.id)
        assert shown["state"] == ("partly_accepted" if step == "the first settling" else "received")
        assert len(place.records("prices")) == (90 if step == "the first settling" else 0)
        place.work()
        assert place.delivery(landed.id)["documents"] == {"accepted": 90, "quarantined": 10}
        assert [each["_version"] for each in place.records("prices")] == [1] * 90
        assert len(place.held()) == 10
        assert place.row(landed.id).tries == 0
        conserved(place, landed.id)


def test_P1_what_is_held_stays_held_when_a_try_breaks_off_after_publishing(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 10)
    settle = staging.settle

    def busy(*_: Any, **__: Any) -> bool:
        monkeypatch.setattr(staging, "settle", settle)
        raise Retry("the store does not answer", delay_seconds=1.0)

    with opened(tmp_path, store=store_url) as place:
        landed = place.land(prices(100, bad_every=10), "p.csv", GLOBEX)
        monkeypatch.setattr(staging, "settle", busy)
        place.work()
        assert staging.settle is settle
        place.clock.forward(3600)
        place.work()
        assert place.delivery(landed.id)["documents"] == {"accepted": 90, "quarantined": 10}
        assert len(place.held()) == len(place.findings(landed.id)) == 10
        conserved(place, landed.id)


# ── P4 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


POISON = prices(3).replace(b"Artikel 2", b"POISON")


def poisoned(read: Any, chunks: Iterable[bytes], options: Mapping[str, str]) -> Any:
    whole = b"".join(chunks)
    if b"POISON" in whole:
        raise ZeroDivisionError("a defect of the reader")
    return read([whole], options)


def test_P4_a_file_on_which_the_reader_breaks_is_given_up_and_holds_nobody_up(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv = FORMATS["csv"]
    with opened(tmp_path, store=store_url, more="\ntries: 3\n") as place:
        routes = replace(csv, read=lambda chunks, options: poisoned(csv.read, chunks, options))
        monkeypatch.setitem(FORMATS, "csv", routes)
        bad = place.land(POISON, "poison.csv", GLOBEX)
        next_one = place.land(prices(2), "good.csv", GLOBEX)

        place.work()
        assert place.delivery(next_one.id)["state"] == "accepted"  # after the first try of the other
        assert (place.delivery(bad.id)["state"], place.delivery(bad.id)["tries"]) == ("received", 1)
        for _ in range(3):
            place.clock.forward(3600)
            place.work()

        assert (place.delivery(bad.id)["state"], place.delivery(bad.id)["documents"]) == ("failed", {})
        assert place.events(bad.id) == ["received", *["attempt_failed"] * 3, "failed"]
        (finding,) = place.findings(bad.id)
        assert finding["code"] == "delivery.failed"
        assert "in 3 tries: ZeroDivisionError: a defect of the reader" in finding["message"]
        assert finding["remedy"]
        assert place.raw(bad.id) == POISON
        place.clock.forward(3600)
        place.work()
        assert len(place.events(bad.id)) == 5


def test_P4_a_file_that_kills_its_worker_is_given_up_and_holds_nobody_up(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url, more="\ntries: 2\n") as place:
        bad = place.land(POISON, "poison.csv", GLOBEX)
        next_one = place.land(prices(2), "good.csv", GLOBEX)
        clock = Clock(place.clock.now)
    csv = FORMATS["csv"]

    def deadly(chunks: Iterable[bytes], options: Mapping[str, str]) -> Any:
        whole = b"".join(chunks)
        return csv.read([whole], options) if b"POISON" not in whole else die()

    def one_worker() -> None:
        monkeypatch.setitem(FORMATS, "csv", replace(csv, read=deadly))
        with reopened(tmp_path) as place:
            place.clock.now = clock.now
            place.work()

    ends = []
    for _ in range(4):
        ends.append(in_child(one_worker))
        clock.forward(3600)

    assert ends == [-9, -9, 0, 0]
    with reopened(tmp_path) as place:
        assert place.delivery(bad.id)["state"] == "failed"
        (finding,) = place.findings(bad.id)
        assert "each try ended with its process" in finding["message"]
        assert place.delivery(next_one.id)["state"] == "accepted"
        assert place.raw(bad.id) == POISON
