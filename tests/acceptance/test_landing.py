"""L1 to L5: whatever arrives is a delivery, and its bytes are kept, on both stores where the store has a part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Stop
from gateway.receive.drops import Drops
from sftp.arrival import Folder, drop_folder
from sftp.collect import Collector
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.test_bad_input import NAMES
from tests.acceptance.workspaces import Place, opened, reopened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.arrival import Arrival

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")
GLOBEX = "drop://globex"


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


def test_L1_a_receiver_that_fails_keeps_the_senders_file(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - the promise's name
    with opened(tmp_path, store=store_url) as place:
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


def test_L2_a_vault_file_is_named_by_its_content_and_not_written_twice(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        first = place.land(CSV, "prices.csv", GLOBEX)
        file = place.vault.path(first.sha256)
        before = file.stat()
        second = place.land(CSV, "again.csv", GLOBEX)

        assert second.sha256 == first.sha256 == file.name
        after = file.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_L2_damaged_bytes_are_never_judged_nor_shown_and_heal_when_they_come_again(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url, more="\ntries: 2\n") as place:
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


def test_L2_a_missing_vault_file_is_told_with_its_remedy(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        landed = place.land(CSV, "prices.csv", GLOBEX)
        place.vault.path(landed.sha256).unlink()
        with pytest.raises(Stop, match="the vault has no file") as stopped:
            list(place.gateway.vault.chunks(landed.sha256))
        assert "backup" in stopped.value.remedy
        place.work()
        assert place.events(landed.id) == ["received", "attempt_failed"]


# ── L3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_L3_a_file_is_taken_when_it_has_settled_and_again_when_it_changes(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, module_store: str) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("workspace"), store=module_store) as one:
        yield one


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


def test_L4_a_file_whose_envelope_is_open_waits_and_then_becomes_a_delivery(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
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


def test_L5_a_change_back_and_a_resend_of_what_was_refused_are_no_duplicates(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        old, new, refused = prices(2), prices(2, price="1,60"), prices(2, bad_every=1)
        states = [place.give(each, "p.csv", GLOBEX)["state"] for each in (old, new, old, refused, refused)]

        assert states == ["accepted", "accepted", "accepted", "quarantined", "quarantined"]
        record = place.get("/api/v1/prices/A-1~2026-12-01")
        assert (record["price"], record["_version"]) == ("1.50", 3)
