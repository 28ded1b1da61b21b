"""The promises of the architecture page, each by its name, on both stores where the store has a part in it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from sqlalchemy import text

from edi.formats import FORMATS
from edi.model import Document
from gateway import ingest, judging
from gateway.errors import Retry, Stop
from gateway.judging import peeked
from gateway.operate import wiring
from gateway.operate.worker import work
from gateway.receive.drops import Drops
from gateway.store import leases, staging
from sftp.arrival import Folder, drop_folder
from sftp.collect import Collector
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.test_bad_input import CASES, NAMES
from tests.acceptance.workspaces import Clock, Place, conserved, opened, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sftp.arrival import Arrival

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")
GLOBEX = "drop://globex"
CORPUS = Path(__file__).parent.parent / "corpus"


class Collecting:
    """The collector of one folder of a place, on a clock of its own that is moved by hand."""

    def __init__(self, place: Place, folder: Folder, receiver: Any = None) -> None:
        self.now = 1000.0
        self.folder = folder
        ids = place.gateway.ids
        self._collector = Collector(
            [folder],
            receiver or Drops(place.gateway.receiver),
            new_id=lambda: ids.new("a"),
            monotonic=lambda: self.now,
            on_activity=lambda _: None,
        )

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, then recover and scan once."""
        self.now += seconds
        self._collector.recover()
        self._collector.scan()

    def left(self) -> list[str]:
        """The files that are still at the sender's side of the line, in the inbox or held."""
        return sorted(
            path.name.partition("~")[2] or path.name
            for folder in (self.folder.path, self.folder.holding)
            for path in folder.iterdir()
            if path.is_file()
        )


def deliveries_of(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.get("/api/v1/deliveries?limit=1000")["items"]
    return found


# ── L1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_L1_a_receiver_that_fails_keeps_the_senders_file(tmp_path: Path) -> None:  # noqa: N802 - the promise's name
    with opened(tmp_path) as place:
        collecting = Collecting(place, drop_folder(tmp_path / "drops", "globex"))
        vault = place.vault.folder
        vault.parent.mkdir(parents=True, exist_ok=True)
        vault.write_bytes(b"in the way")
        (collecting.folder.path / "prices.csv").write_bytes(CSV)

        collecting.turn()
        assert collecting.left() == ["prices.csv"]
        assert deliveries_of(place) == []

        vault.unlink()
        collecting.turn(120)
        assert collecting.left() == []
        (delivery,) = deliveries_of(place)
        assert place.raw(delivery["id"]) == CSV


@pytest.mark.parametrize("moment", ["between claim and landing", "between vault and row", "between row and removal"])
def test_L1_a_kill_while_landing_loses_and_doubles_nothing(tmp_path: Path, store_url: str, moment: str) -> None:  # noqa: N802
    folder = drop_folder(tmp_path / "drops", "globex")
    with opened(tmp_path / "workspace", store=store_url):
        pass

    class Dying(Drops):
        def receive(self, arrival: Arrival) -> None:
            if moment == "between row and removal":
                super().receive(arrival)
            elif moment == "between vault and row":
                with arrival.path.open("rb") as file:
                    self._receiver.vault.put(file)
            die()

    def collect() -> None:
        with reopened(tmp_path / "workspace") as place:
            collecting = Collecting(place, folder, Dying(place.gateway.receiver))
            (folder.path / "prices.csv").write_bytes(CSV)
            collecting.turn()

    assert in_child(collect) == -9
    assert len(list(folder.holding.iterdir())) == 1

    with reopened(tmp_path / "workspace") as place:
        collecting = Collecting(place, folder)
        collecting.turn()
        assert collecting.left() == []
        place.work()
        (delivery,) = deliveries_of(place)
        assert (delivery["name"], delivery["state"]) == ("prices.csv", "partly_accepted")
        assert place.raw(delivery["id"]) == CSV


# ── L2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_L2_a_vault_file_is_named_by_its_content_and_not_written_twice(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        first = place.land(CSV, "prices.csv", GLOBEX)
        file = place.vault.path(first.sha256)
        before = file.stat()
        second = place.land(CSV, "again.csv", GLOBEX)

        assert second.sha256 == first.sha256 == file.name
        after = file.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_L2_damaged_bytes_are_never_judged_nor_shown_and_heal_when_they_come_again(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path, more="\ntries: 2\n") as place:
        landed = place.land(CSV, "prices.csv", GLOBEX)
        file = place.vault.path(landed.sha256)
        file.write_bytes(CSV.replace(b"SCR-M8-40", b"SCR-M8-41"))
        for _ in range(3):
            place.work()
            place.clock.forward(3600)

        shown = place.delivery(landed.id)
        assert (shown["state"], shown["documents"]) == ("failed", {})
        (finding,) = place.findings(landed.id)
        assert finding["code"] == "delivery.failed"
        assert "was changed on disk" in finding["message"]
        assert place.records("prices") == []
        assert place.ask(f"/api/v1/deliveries/{landed.id}/content").status_code == 503

        assert place.give(CSV, "prices.csv", GLOBEX)["state"] == "partly_accepted"
        assert file.read_bytes() == CSV
        assert place.raw(landed.id) == CSV


# ── L3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_L3_a_file_is_taken_when_it_has_settled_and_again_when_it_changes(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "drop://globex/*.csv", "folder:prices/*.csv")
        inbox = tmp_path / "prices"
        collecting = Collecting(place, Folder(inbox, "folder:prices", inbox / ".held", None, ("*.csv",), 5.0))
        file = inbox / "prices.csv"

        file.write_bytes(CSV[:100])
        collecting.turn()
        collecting.turn(4)
        file.write_bytes(CSV)
        collecting.turn(4)
        assert deliveries_of(place) == []
        collecting.turn(5)
        assert [each["size"] for each in deliveries_of(place)] == [len(CSV)]

        changed = CSV.replace(b"0,31", b"0,32")
        file.write_bytes(changed)
        collecting.turn()
        collecting.turn(5)
        place.work()
        newest, oldest = deliveries_of(place)
        assert newest["name"] == oldest["name"] == "prices.csv"
        assert (place.raw(oldest["id"]), place.raw(newest["id"])) == (CSV, changed)
        assert place.get("/api/v1/prices/SCR-M8-40~2026-12-01")["price"] == "0.32"


# ── L4 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["acme", "northwind", "globex", "initech"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN PGP MESSAGE-----\n\nhQEMA1\n-----END PGP MESSAGE-----\n", id="encrypted"),
        pytest.param(b"PK\x03\x04\x14\x00\x09\x00\x08\x00" + bytes(range(256)) * 4, id="a zip file"),
        pytest.param("ISA*00*ünknown;Preis\n".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\x00" * 4096, id="zeros"),
    ],
)
def test_L4_what_cannot_be_read_is_a_delivery_with_a_finding(place: Place, source: str, content: bytes) -> None:  # noqa: N802
    shown = place.give(content, NAMES[source], f"drop://{source}")

    assert shown["state"] == "quarantined"
    errors = [each for each in place.findings(shown["id"]) if each["severity"] == "error"]
    assert errors
    assert all(each["remedy"] and 0 <= each["start"] <= each["end"] <= len(content) for each in errors)
    assert place.raw(shown["id"]) == content


def test_L4_a_file_whose_envelope_is_open_waits_and_then_becomes_a_delivery(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        collecting = Collecting(place, drop_folder(tmp_path / "drops", "acme", partial_after_seconds=900))
        (collecting.folder.path / "orders.edi").write_bytes(X12[:400])
        collecting.turn()
        collecting.turn(899)
        assert deliveries_of(place) == []
        collecting.turn(2)
        place.work()

        (delivery,) = deliveries_of(place)
        assert (delivery["state"], delivery["whole"]) == ("quarantined", False)
        assert "envelope.truncated" in {each["code"] for each in place.findings(delivery["id"])}


# ── L5 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_L5_the_same_content_again_is_a_duplicate_whatever_its_name(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        landed = [place.land(CSV, name, GLOBEX) for name in ("a.csv", "a.csv", "b.csv")]
        place.work()

        shown = [place.delivery(each.id) for each in landed]
        assert [each["state"] for each in shown] == ["partly_accepted", "duplicate", "duplicate"]
        assert [each["twin"] for each in shown] == [None, landed[0].id, landed[0].id]
        assert [sum(each["documents"].values()) for each in shown] == [10, 10, 10]
        assert all(each["_version"] == 1 for each in place.records("prices"))


def test_L5_a_change_back_and_a_resend_of_what_was_refused_are_no_duplicates(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        old, new, refused = prices(2), prices(2, price="1,60"), prices(2, bad_every=1)
        states = [place.give(each, "p.csv", GLOBEX)["state"] for each in (old, new, old, refused, refused)]

        assert states == ["accepted", "accepted", "accepted", "quarantined", "quarantined"]
        record = place.get("/api/v1/prices/A-1~2026-12-01")
        assert (record["price"], record["_version"]) == ("1.50", 3)


# ── P1 and P7, over every sample ─────────────────────────────────────────────────────────────────────────────────────


class Given(NamedTuple):
    """A sample and its delivery."""

    name: str
    content: bytes
    shown: dict[str, Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("workspace")) as one:
        yield one


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, list[Given]]]:
    """Every sample, every bad file and the whole corpus, judged."""
    files = [(name, case.content, case.source) for name, case in CASES.items()]
    files += [("northwind-orders.edi", sample("northwind-orders.edi"), "northwind")]
    files += [("initech-invoice.xml", sample("initech-invoice.xml"), "initech")]
    for kind, source in (("x12", "acme"), ("edifact", "northwind"), ("csv", "globex"), ("xml", "initech")):
        paths = sorted(path for path in (CORPUS / kind).iterdir() if path.suffix in (".edi", ".csv", ".xml"))
        files += [(path.name, path.read_bytes(), source) for path in paths]
    with opened(tmp_path_factory.mktemp("workspace")) as place:
        # Any sender may be acme or northwind here: that opens the way to the findings behind routing.
        for partner, standard in (("acme", "isa: ZZ:ACME"), ("northwind", "unb: 14:5412345000013")):
            place.change(f"partners/{partner}.yaml", f"identifiers:\n  {standard}\n", "")
        landed = [place.land(content, NAMES[source], f"drop://{source}") for _, content, source in files]
        place.work()
        yield (
            place,
            [
                Given(name, content, place.delivery(each.id))
                for (name, content, _), each in zip(files, landed, strict=True)
            ],
        )


def test_P1_the_documents_of_every_sample_are_where_the_counters_say(given: tuple[Place, list[Given]]) -> None:  # noqa: N802
    place, samples = given
    routes = place.gateway.in_force.routes()
    assert len(samples) > 80
    for name, content, shown in samples:
        if shown["state"] == "duplicate":
            assert sum(shown["documents"].values()) == sum(place.delivery(shown["twin"])["documents"].values())
            continue
        chunks, first = peeked(iter([content]))
        reader, options = routes.reader_of(routes.candidates(place.row(shown["id"])), first)
        read = sum(isinstance(item, Document) for item in FORMATS[reader].read(chunks, options))
        assert shown["state"] in ("accepted", "partly_accepted", "quarantined"), name
        assert sum(shown["documents"].values()) == read, name
        assert shown["documents"].get("accepted", 0) == stored(place, shown["number"]), name
        conserved(place, shown["id"])


def stored(place: Place, number: int) -> int:
    """How many versions of records a delivery made."""
    tables = [staging.table_of(each) for each in place.gateway.in_force.configuration().contracts.values()]
    with place.gateway.database.read() as connection:
        return sum(
            connection.execute(text(f"SELECT count(*) FROM {table} WHERE delivery = {number}")).scalar_one()
            for table in tables
        )


def test_P7_every_finding_of_every_sample_points_at_its_value(given: tuple[Place, list[Given]]) -> None:  # noqa: N802
    place, samples = given
    quoted = 0
    for name, content, shown in samples:
        for finding in place.findings(shown["id"]):
            where = (name, finding)
            assert finding["start"] is not None, where
            assert 0 <= finding["start"] <= finding["end"] <= len(content), where
            if finding["value"]:
                quoted += 1
                cut = content[finding["start"] : finding["end"]]
                assert any(finding["value"] in reading for reading in readings(cut)), where
    assert quoted > 50


def readings(cut: bytes) -> Iterable[str]:
    """The bytes as they can be read: in each encoding, and without what quotes and escapes."""
    for encoding in ("utf-8", "cp1252", "latin-1", "utf-16-le", "utf-16-be", "cp037"):
        plain = cut.decode(encoding, "replace").replace("\0", "\N{SYMBOL FOR NULL}")
        yield plain
        yield plain.replace('""', '"')
        yield plain.replace("\r", "").replace("\n", "")
        yield plain.replace("?", "")


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
            for _ in range(600):
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


def test_L2_a_missing_vault_file_is_told_with_its_remedy(tmp_path: Path) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        landed = place.land(CSV, "prices.csv", GLOBEX)
        place.vault.path(landed.sha256).unlink()
        with pytest.raises(Stop, match="the vault has no file") as stopped:
            list(place.gateway.vault.chunks(landed.sha256))
        assert "backup" in stopped.value.remedy
        place.work()
        assert place.events(landed.id) == ["received", "attempt_failed"]
