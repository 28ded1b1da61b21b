"""P6: an older document never overwrites a newer record, whatever comes first, on both stores."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from gateway import ingest, judging
from gateway.operate import wiring
from gateway.repair.verify import verify
from gateway.workspace.loader import load
from tests.acceptance.changes import log_of
from tests.acceptance.children import prices
from tests.acceptance.workspaces import conserved, opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

GLOBEX = "drop://globex"
WHY = {"reason": "a test"}
STOCK = """\
contract: stock v1
about: How many there are.
owner: finance
key: sku
fields:
  sku: text 1..20
  amount: int 0..
  changed_at: datetime?, sort
"""
FLOW = """\
integration: initech-stock
about: How many there are, whenever that changes.
owner: finance
source: drop://initech/*.jsonl
format: jsonl
contract: stock v1
version: changed_at
map:
  sku: sku
  amount: amount | int
  changed_at: changed | datetime | optional
"""


def with_versions(place: Place) -> Place:
    """The place with an integration whose documents say when they were changed."""
    (place.folder / "contracts" / "stock.v1.yaml").write_text(STOCK, encoding="utf-8")
    (place.folder / "integrations" / "initech-stock.yaml").write_text(FLOW, encoding="utf-8")
    assert wiring.apply(place.gateway, load(place.folder))
    return place


def row(sku: str, amount: int | str, day: int | None) -> bytes:
    changed = {"changed": f"2026-11-{day:02}T08:00:00Z"} if day is not None else {}
    return json.dumps({"sku": sku, "amount": amount, **changed}).encode() + b"\n"


def give(place: Place, *rows: bytes) -> dict[str, Any]:
    shown = place.give(
        b"".join(rows), f"s{len(place.get('/api/v1/deliveries?limit=1000')['items'])}.jsonl", "drop://initech"
    )
    conserved(place, shown["id"])
    return shown


def amounts(place: Place) -> dict[str, int]:
    return {each["sku"]: each["amount"] for each in place.records("stocks")}


# ── by when they landed ──────────────────────────────────────────────────────────────────────────────────────────────


def test_P6_a_delivery_that_succeeds_late_leaves_what_came_after_it(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url) as place:
        older = place.land(prices(5, price="1,00"), "older.csv", GLOBEX)
        judge = ingest.Attempt._judge

        def fail(*_: Any) -> Any:
            raise ZeroDivisionError("a defect that goes away")

        monkeypatch.setattr(ingest.Attempt, "_judge", fail)
        place.work()
        assert place.delivery(older.id)["tries"] == 1
        monkeypatch.setattr(ingest.Attempt, "_judge", judge)
        newer = place.give(prices(3, price="2,00"), "newer.csv", GLOBEX)
        place.clock.forward(3600)
        place.work()

        shown = place.delivery(older.id)
        assert (shown["state"], shown["documents"]) == ("accepted", {"accepted": 2, "excluded": 3})
        assert [each["price"] for each in place.records("prices")] == ["2.00"] * 3 + ["1.00"] * 2
        assert {each["_version"] for each in place.records("prices")} == {1}
        found = place.findings(older.id)
        assert [(each["code"], each["document"]) for each in found] == [("record.older", each) for each in (1, 2, 3)]
        assert f"A-1~2026-12-01 is newer: newer.csv ({newer['id']}) brought it" in found[0]["message"]
        assert "excluded" in json.dumps(shown["documents"])
        for each in (older.id, newer["id"]):
            conserved(place, each)


def test_P6_a_replay_keeps_the_place_of_its_delivery(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        older = place.give(prices(5, price="1,00"), "older.csv", GLOBEX)["id"]
        place.give(prices(3, price="2,00"), "newer.csv", GLOBEX)
        place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
        place.ask(f"/api/v1/deliveries/{older}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        shown = {each["sku"]: (each["price"], each["name"]) for each in place.records("prices")}
        assert [shown[f"A-{number}"][0] for number in range(1, 6)] == ["2.00"] * 3 + ["1.00"] * 2
        assert [shown[f"A-{number}"][1].isupper() for number in range(1, 6)] == [False] * 3 + [True] * 2


# ── by what they say themselves ──────────────────────────────────────────────────────────────────────────────────────


def test_P6_a_document_with_an_older_version_is_left_out_told_and_counted(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        with_versions(place)
        give(place, row("A", 10, 10), row("B", 10, 10), row("C", 10, None))
        late = give(place, row("A", 9, 9), row("B", 11, 11), row("C", 9, 9))
        assert (late["state"], late["documents"]) == ("accepted", {"accepted": 2, "excluded": 1})
        assert amounts(place) == {"A": 10, "B": 11, "C": 9}
        (finding,) = place.findings(late["id"])
        assert (finding["code"], finding["document"]) == ("record.older", 1)
        assert finding["message"].startswith("the record A is newer: s0.jsonl (")
        assert len(log_of(place)) == 5
        same_moment = give(place, row("A", 12, 10))
        assert same_moment["documents"] == {"accepted": 1}
        assert amounts(place)["A"] == 12
        no_moment = give(place, row("A", 13, None))
        assert no_moment["documents"] == {"accepted": 1}
        assert amounts(place)["A"] == 13


def test_P6_documents_of_one_file_are_in_the_order_of_their_versions(  # noqa: N802
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 3)
    with opened(tmp_path, store=store_url) as place:
        with_versions(place)
        shown = give(place, *(row("A", day, day) for day in (5, 3, 7, 6, 7, 1, 9, 8)))
        assert shown["documents"] == {"accepted": 4, "excluded": 4}
        history = place.get("/api/v1/stocks/A/history")["items"]
        assert [each["record"]["amount"] for each in history] == [9, 7, 7, 5]
        for how in ("then", "now"):
            place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json={"as": how, **WHY})
            place.work()
            assert place.delivery(shown["id"])["documents"] == shown["documents"]
        assert len(log_of(place)) == 4


def test_P6_a_newer_version_wins_although_it_was_held_and_landed_earlier(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        with_versions(place)
        give(place, row("A", "ten", 10), row("B", 1, 1))
        give(place, row("A", 9, 9))
        (held,) = place.held()
        place.ask(
            f"/api/v1/quarantine/{held['id']}/correct",
            "POST",
            json={"content": row("A", 10, 10).decode().strip(), **WHY},
        )
        place.work()
        assert place.held() == []
        assert amounts(place) == {"A": 10, "B": 1}


def test_P6_whatever_the_order_the_newest_version_stands(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    chance = random.Random(4711)
    with opened(tmp_path, store=store_url) as place:
        with_versions(place)
        newest: dict[str, int] = {}
        given = []
        for _ in range(20):
            rows = [(chance.choice("ABCD"), chance.randint(1, 28)) for _ in range(chance.randint(1, 5))]
            for sku, day in rows:
                newest[sku] = max(day, newest.get(sku, 0))
            given.append(place.land(b"".join(row(sku, day, day) for sku, day in rows), "s.jsonl", "drop://initech").id)
        place.work()
        assert amounts(place) == newest
        before = log_of(place)
        for each in chance.sample(given, 8):
            place.ask(f"/api/v1/deliveries/{each}/replay", "POST", json={"as": "then", **WHY})
            place.work()
        assert amounts(place) == newest
        assert log_of(place) == before
        gateway = place.gateway
        assert verify(gateway.database, gateway.vault, gateway.in_force.of, deep=True).disagreements == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("version: changed_at", "version: changed", "stock v1 has no field 'changed'"),
        ("version: changed_at", "version: sku", "sku is a text"),
        ("datetime?, sort", "datetime?", "changed_at cannot be looked up"),
    ],
)
def test_P6_a_version_that_has_no_order_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:  # noqa: N802
    with opened(tmp_path) as place:
        with_versions(place)
        for name in ("contracts/stock.v1.yaml", "integrations/initech-stock.yaml"):
            path = tmp_path / name
            path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        with pytest.raises(Exception, match=told):
            load(tmp_path)
