"""The sheet of refused rows comes back put right: what was held of them is closed by it, and stays closed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway import ingest
from gateway.errors import Retry
from gateway.operate import wiring
from gateway.operate.cli.explain import explain
from gateway.store import repairs
from gateway.store.repairs import Reference, Returned
from gateway.workspace.loader import load
from tests.acceptance.answered import NOW, send, taken
from tests.acceptance.workspaces import conserved, opened, sample

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.model import Delivery
    from tests.acceptance.workspaces import Place

PRICES = sample("globex-prices.csv")
GLOBEX = "drop://globex"
NINES = ("decimal('1.234,56')", "replace('O', '9') | decimal('1.234,56')")
"""A mapping that would take the old values."""
WHY = {"reason": "a test"}


def sheet_of(place: Place, partner: str = "globex") -> bytes:
    """The sheet that lies in the partner's outbox, which he takes away."""
    send(place)
    (sheet,) = (content for name, content in taken(place, partner).items() if name.endswith(".csv"))
    return sheet


def mended(sheet: bytes) -> bytes:
    """Both of its rows put right."""
    return sheet.replace(b";12,5O;", b";12,50;").replace(b";77;", b";40;")


def by_number(place: Place, held: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Held documents as they are now, by their number."""
    return {each["number"]: place.get(f"/api/v1/quarantine/{each['id']}") for each in held}


def test_a_sheet_of_a_test_is_taken_like_any_rows_and_closes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        sheet = mended(sheet_of(place)).replace(b";d_", b";t_")
        assert f";t_{first[2:]}/3".encode() in sheet
        again = place.give(sheet, "put-right.csv", GLOBEX)
        assert (again["state"], again["documents"]) == ("accepted", {"accepted": 2})
        assert [each["number"] for each in place.held()] == [3, 8]


def test_a_sheet_put_right_closes_what_was_held_and_says_so_everywhere(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        held = place.held()
        sheet = sheet_of(place)
        assert sheet.splitlines()[0].endswith(b";problem;expected;send;reference")
        assert [each.rpartition(b";")[2].decode() for each in sheet.splitlines()[1:]] == [f"{first}/3", f"{first}/8"]
        again = place.give(mended(sheet), "put-right.csv", GLOBEX)
        assert (again["state"], again["documents"]) == ("accepted", {"accepted": 2})

        assert place.held() == []
        closed = by_number(place, held)
        assert {each["state"] for each in closed.values()} == {"repaired"}
        assert {each["who"] for each in closed.values()} == {"partner globex"}
        assert closed[3]["reason"] == f"put right by document 1 of put-right.csv ({again['id']})"
        assert closed[8]["reason"] == f"put right by document 2 of put-right.csv ({again['id']})"
        shown = place.delivery(first)
        assert (shown["state"], shown["documents"]) == ("partly_accepted", {"accepted": 8, "repaired": 2})
        assert place.events(first)[-1] == "repaired"
        line = place.get(f"/api/v1/activity?delivery={first}")["items"]
        assert f"2 held documents were put right by {again['id']}, put-right.csv" in [each["message"] for each in line]
        told = place.get("/api/v1/prices/HAMMER-300~2026-12-01/evidence")
        (right,) = told["put_right"]
        assert (right["delivery"], right["name"], right["document"]) == (first, "prices.csv", 3)
        assert place.get("/api/v1/prices/SCR-M8-40~2026-12-01/evidence")["put_right"] == []
        shown_there = CliRunner().invoke(explain, ["price", "SPADE-2~2026-12-01", "-w", str(place.folder)])
        assert f"  puts right document 8 of prices.csv ({first}), which was held\n" in shown_there.output
        for each in (first, again["id"]):
            conserved(place, each)
        send(place)
        assert not [name for name in taken(place, "globex") if "put-right" in name]

        refused = place.ask(f"/api/v1/quarantine/{held[0]['id']}/retry", "POST", json={})
        assert (refused.status_code, refused.json["code"]) == (409, "not_held")  # type: ignore[index]


def test_neither_a_retry_nor_a_replay_brings_the_old_values_back(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        place.give(mended(sheet_of(place)).replace(b"HAMMER-300", b"HAMMER-301"), "put-right.csv", GLOBEX)
        place.change(
            "integrations/globex-prices.yaml", "decimal('1.234,56')", "replace('O', '9') | decimal('1.234,56')"
        )
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": first})
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()

        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}
        skus = {each["sku"]: each["price"] for each in place.records("prices")}
        assert "HAMMER-300" not in skus
        assert skus["HAMMER-301"] == "12.50"
        conserved(place, first)


def test_what_is_still_wrong_stays_open_until_the_next_sheet_closes_all_it_stands_for(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        held = place.held()
        second = place.give(sheet_of(place).replace(b";12,5O;", b";12,50;"), "half.csv", GLOBEX)["id"]
        assert {number: each["state"] for number, each in by_number(place, held).items()} == {
            3: "repaired",
            8: "quarantined",
        }
        assert {each["delivery"] for each in place.held()} == {first, second}
        third = place.give(sheet_of(place).replace(b";77;", b";40;"), "rest.csv", GLOBEX)
        assert third["state"] == "accepted"
        assert place.held() == []
        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}
        assert place.delivery(second)["documents"] == {"accepted": 1, "repaired": 1}


def test_a_sheet_without_a_header_closes_them_too(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        path = place.folder / "integrations" / "globex-prices.yaml"
        flow = path.read_text(encoding="utf-8").replace("csv ; windows-1252 header", "csv ; windows-1252")
        for number, name in enumerate(PRICES.decode("windows-1252").splitlines()[0].split(";"), 1):
            flow = re.sub(rf"(?m)(?<= ){name} \|(.*)$", rf'"#{number} |\1"', flow)
        path.write_text(flow, encoding="utf-8")
        assert wiring.apply(place.gateway, load(place.folder))
        first = place.give(PRICES.partition(b"\n")[2], "prices.csv", GLOBEX)["id"]
        assert len(place.held()) == 2
        place.give(mended(sheet_of(place)), "put-right.csv", GLOBEX)
        assert place.held() == []
        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}


def test_nobody_closes_what_is_held_of_somebody_else(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(PRICES, "prices.csv", GLOBEX)
        sheet = mended(sheet_of(place))
        place.change("integrations/globex-prices.yaml", "drop://globex/", "drop://acme/")
        assert place.give(sheet, "put-right.csv", "drop://acme")["state"] == "accepted"
        assert len(place.held()) == 2


def test_a_row_that_stands_for_nothing_that_is_held_closes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        sheet = mended(sheet_of(place))
        for wrong in (b"d_nothing/3", first.encode() + b"/1", first.encode()[:-3] + b"/3", b"x"):
            odd = sheet.replace(first.encode() + b"/3", wrong).replace(first.encode() + b"/8", wrong)
            assert place.give(odd, "put-right.csv", GLOBEX)["state"] == "accepted"
        assert len(place.held()) == 2
        conserved(place, first)


def close(place: Place, by: Delivery, held: str) -> None:
    """Close the third document of a delivery, as a worker does who takes the first row of a sheet."""
    with place.gateway.database.write() as transaction:
        repairs.close(transaction, by, {1: Returned((Reference(held, 3),), "globex-prices")})


def test_a_retry_at_the_same_moment_leaves_the_values_that_were_put_right(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        sheet = mended(sheet_of(place)).replace(b"HAMMER-300", b"HAMMER-301")
        place.change(
            "integrations/globex-prices.yaml", "decimal('1.234,56')", "replace('O', '9') | decimal('1.234,56')"
        )
        publish = ingest.Attempt._publish_again
        late: list[Delivery] = []

        def put_right_then_publish(attempt: ingest.Attempt, *given: Any) -> None:
            monkeypatch.setattr(ingest.Attempt, "_publish_again", publish)
            late.append(place.land(sheet, "put-right.csv", GLOBEX))
            close(place, late[0], first)
            publish(attempt, *given)

        monkeypatch.setattr(ingest.Attempt, "_publish_again", put_right_then_publish)
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": first})
        place.work()
        place.clock.forward(60)
        place.work()

        assert place.delivery(late[0].id)["documents"] == {"accepted": 2}
        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}
        skus = {each["sku"]: each["price"] for each in place.records("prices")}
        assert "HAMMER-300" not in skus
        assert (skus["HAMMER-301"], skus["SPADE-2"]) == ("12.50", "27.50")
        assert place.held() == []
        conserved(place, first)


def test_a_sheet_that_comes_while_its_file_is_judged_as_a_whole_waits_for_that(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        sheet = mended(sheet_of(place))
        publish = ingest.Attempt._publish
        late: list[Delivery] = []

        def sent_then_publish(attempt: ingest.Attempt, *given: Any) -> None:
            monkeypatch.setattr(ingest.Attempt, "_publish", publish)
            late.append(place.land(sheet, "put-right.csv", GLOBEX))
            with pytest.raises(Retry, match="being judged again"):
                close(place, late[0], first)
            publish(attempt, *given)

        monkeypatch.setattr(ingest.Attempt, "_publish", sent_then_publish)
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()

        assert place.delivery(late[0].id)["documents"] == {"accepted": 2}
        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}
        assert place.held() == []
        conserved(place, first)


def test_an_undo_of_the_sheet_opens_again_what_it_closed_and_another_sheet_closes_that(
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        held = place.held()
        sheet = sheet_of(place)
        again = place.give(mended(sheet), "put-right.csv", GLOBEX)["id"]
        assert place.held() == []
        undone = place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY)
        assert undone.status_code == 200

        now = by_number(place, place.held())
        assert {number: each["id"] for number, each in now.items()} == {each["number"]: each["id"] for each in held}
        assert {each["state"] for each in now.values()} == {"quarantined"}
        assert {each["reason"] for each in now.values()} == {f"put-right.csv ({again}), which put it right, was undone"}
        assert [each["findings"] for each in now.values()] == [each["findings"] for each in held]
        shown = place.delivery(first)
        assert (shown["state"], shown["documents"]) == ("partly_accepted", {"accepted": 8, "quarantined": 2})
        assert place.events(first)[-1] == "reopened"
        line = place.get(f"/api/v1/activity?delivery={first}")["items"]
        assert f"2 documents are held again: {again}, put-right.csv, was undone" in [each["message"] for each in line]
        for each in (first, again):
            conserved(place, each)

        third = place.give(mended(sheet), "once-more.csv", GLOBEX)
        assert (third["state"], third["documents"]) == ("accepted", {"accepted": 2})
        assert place.held() == []
        told = place.get("/api/v1/prices/HAMMER-300~2026-12-01/evidence")
        assert [(each["delivery"], each["document"]) for each in told["put_right"]] == [(first, 3)]
        conserved(place, first)


def test_what_an_undo_opened_again_can_be_retried_and_stays_open_in_a_replay(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        again = place.give(mended(sheet_of(place)), "put-right.csv", GLOBEX)["id"]
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY)
        assert [(each["number"], each["integration"]) for each in place.held()] == [
            (3, "globex-prices"),
            (8, "globex-prices"),
        ]
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        assert [each["number"] for each in place.held()] == [3, 8]
        assert all(each["findings"] for each in place.held())
        place.change("integrations/globex-prices.yaml", *NINES)
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": first})
        place.work()
        assert place.delivery(first)["documents"] == {"accepted": 9, "quarantined": 1}
        conserved(place, first)


def test_a_file_whose_every_row_was_put_right_is_closed_and_not_given_up(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 100% bad")
        lines = PRICES.splitlines(keepends=True)
        first = place.give(b"".join([lines[0], lines[3], lines[8]]), "prices.csv", GLOBEX)["id"]
        assert place.delivery(first)["documents"] == {"quarantined": 2}
        again = place.give(mended(sheet_of(place)), "put-right.csv", GLOBEX)["id"]

        def said() -> str:
            line = place.get(f"/api/v1/activity?delivery={first}&limit=100")["items"]
            assert "given up" not in str(line)
            return next(str(each["message"]) for each in line if each["event"] == "delivery_repaired")

        assert (place.delivery(first)["state"], place.events(first)[-1]) == ("discarded", "delivery_repaired")
        assert said() == "prices.csv is closed: 2 documents were put right in later files"
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        assert (place.delivery(first)["state"], place.events(first)[-1]) == ("discarded", "delivery_repaired")
        assert said()
        place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY)
        shown = place.delivery(first)
        assert (shown["state"], shown["documents"]) == ("quarantined", {"quarantined": 2})
        conserved(place, first)


def test_of_what_was_put_right_and_what_was_given_up_both_are_told(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 100% bad")
        lines = PRICES.splitlines(keepends=True)
        first = place.give(b"".join([lines[0], lines[3], lines[8]]), "prices.csv", GLOBEX)["id"]
        place.give(sheet_of(place).replace(b";12,5O;", b";12,50;"), "half.csv", GLOBEX)
        (left,) = place.held(f"&delivery={first}")
        place.ask(f"/api/v1/quarantine/{left['id']}/discard", "POST", json=WHY)
        line = place.get(f"/api/v1/activity?delivery={first}&limit=100")["items"]
        assert [each["message"] for each in line if each["event"].startswith("delivery_")] == [
            "prices.csv is closed: 1 document was put right in later files, 1 document was given up"
        ]


def test_what_was_undone_itself_is_not_opened_again_nor_what_another_sheet_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        second = place.give(sheet_of(place).replace(b";12,5O;", b";12,50;"), "half.csv", GLOBEX)["id"]
        third = place.give(sheet_of(place).replace(b";77;", b";40;"), "rest.csv", GLOBEX)["id"]
        place.ask(f"/api/v1/deliveries/{second}/undo", "POST", json=WHY)
        assert [(each["delivery"], each["number"]) for each in place.held()] == [(first, 3)]
        place.ask(f"/api/v1/deliveries/{third}/undo", "POST", json=WHY)
        assert [(each["delivery"], each["number"]) for each in place.held()] == [(first, 3), (first, 8)]
        assert place.delivery(second)["state"] == "undone"
        for each in (first, second, third):
            conserved(place, each)


def test_a_correction_that_was_put_right_since_counts_again_after_the_undo(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        sheet = sheet_of(place)
        held = next(each for each in place.held() if each["number"] == 8)
        at = next(each for each in held["findings"] if each["value"] == "77")
        change = {"start": at["start"], "end": at["end"], "text": "78"}
        place.ask(f"/api/v1/quarantine/{held['id']}/correct", "POST", json={"patch": [change], **WHY})
        place.work()
        assert len(place.held()) == 2
        again = place.give(mended(sheet), "put-right.csv", GLOBEX)["id"]
        assert place.held() == []
        place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY)
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        (still,) = (each for each in place.held() if each["number"] == 8)
        assert any("'78'" in each["message"] for each in still["findings"])


def test_a_sheet_cannot_be_undone_while_what_it_put_right_is_judged_again(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(PRICES, "prices.csv", GLOBEX)["id"]
        again = place.give(mended(sheet_of(place)), "put-right.csv", GLOBEX)["id"]
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        refused = place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY)
        assert refused.status_code == 503
        place.work()
        assert place.delivery(again)["state"] == "accepted"
        assert place.delivery(first)["documents"] == {"accepted": 8, "repaired": 2}
        assert place.ask(f"/api/v1/deliveries/{again}/undo", "POST", json=WHY).status_code == 200
        assert len(place.held()) == 2


STOCK = """\
contract: stock v1
about: How many there are.
owner: finance
key: sku
fields:
  sku: text 1..20
  amount: int 0..
  changed: date?, sort
"""
FLOW = """\
integration: initech-stock
about: How many there are, whenever that changes.
owner: finance
source: drop://initech/*.csv
format: csv ; header
contract: stock v1
version: changed
map:
  sku: sku
  amount: amount | int
  changed: day | date('yyyy-mm-dd') | optional
"""


def test_a_row_put_right_that_a_newer_record_overtook_closes_nothing_and_its_sender_hears_of_it(
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        (place.folder / "contracts" / "stock.v1.yaml").write_text(STOCK, encoding="utf-8")
        (place.folder / "integrations" / "initech-stock.yaml").write_text(FLOW, encoding="utf-8")
        assert wiring.apply(place.gateway, load(place.folder))
        place.clock.now = NOW
        lines = b"sku;amount;day\nA;1;2026-11-01\nB;x;2026-11-01\nC;y;2026-11-01\n"
        first = place.give(lines, "stock.csv", "drop://initech")["id"]
        sheet = sheet_of(place, "initech")
        newer = place.give(b"sku;amount;day\nB;7;2026-11-02\n", "newer.csv", "drop://initech")["id"]
        again = place.give(sheet.replace(b";x;", b";2;").replace(b";y;", b";3;"), "right.csv", "drop://initech")

        assert (again["state"], again["documents"]) == ("accepted", {"accepted": 1, "excluded": 1})
        assert [each["number"] for each in place.held()] == [2]
        assert place.delivery(first)["documents"] == {"accepted": 1, "quarantined": 1, "repaired": 1}
        send(place)
        text = next(content for name, content in taken(place, "initech").items() if name.endswith(".txt")).decode()
        assert text.startswith("right.csv: 1 of 2 rows not used: a newer record is there\n")
        said = " ".join(text.split())
        assert f"1. Row 1 The record B is newer: newer.csv ({newer}) brought it, which came on 2026-11-21" in said
        assert "in a file of its own, with a higher value of day: the highest counts as the newest." in said
        conserved(place, first)
