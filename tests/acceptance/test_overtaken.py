"""What came too late is not called taken: its sender is told which of it, what is there instead, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway import ingest
from tests.acceptance.answered import NOW, send, taken
from tests.acceptance.children import prices
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.acceptance.workspaces import Place

PRICES = sample("globex-prices.csv")
NEWER = PRICES.replace(b";77", b";40").replace(b"27,50", b"29,50")
GLOBEX = "drop://globex"


def told(place: Place) -> dict[str, str]:
    """The letters that lie there, by the ending of their files."""
    send(place)
    found = {name: content for name, content in taken(place, "globex").items() if name.startswith("letter_")}
    return {name.rpartition(".")[2]: content.decode("windows-1252") for name, content in found.items()}


def put_right(place: Place, delivery: str) -> None:
    """Have both rows of the sample corrected that were refused."""
    for held in place.held(f"&delivery={delivery}"):
        (finding,) = held["findings"]
        value = {"mapping.number": "12,50", "mapping.code": "40"}[finding["code"]]
        patch = {"start": finding["start"], "end": finding["end"], "text": value}
        answer = place.ask(
            f"/api/v1/quarantine/{held['id']}/correct", "POST", json={"patch": [patch], "reason": "agreed"}
        )
        assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()


def test_a_correction_that_a_newer_record_overtook_is_not_said_to_be_taken(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.clock.now = NOW
        first = place.give(PRICES, "prices.csv", GLOBEX)
        place.clock.forward(600)
        newer = place.give(NEWER, "newer.csv", GLOBEX)
        told(place)
        put_right(place, first["id"])

        shown = place.delivery(first["id"])
        assert (shown["state"], shown["documents"]) == ("accepted", {"accepted": 8, "corrected": 1, "excluded": 1})
        assert place.get("/api/v1/prices/SPADE-2~2026-12-01")["price"] == "29.50"
        letter = told(place)
        assert sorted(letter) == ["html", "txt"]
        for form in letter.values():
            assert "all of it is taken" not in form
        lines = letter["txt"].splitlines()
        assert lines[0] == "prices.csv: 1 of 10 rows not used: a newer record is there"
        text = " ".join(letter["txt"].split())
        assert "9 of 10 rows were taken. 1 row was not used: a newer record is there, which stays." in text
        brought = f"newer.csv ({newer['id']}) brought it, which came on 2026-11-21 09:40 UTC."
        assert f"WHAT WAS NOT USED 1. Row 8 The record SPADE-2~2026-12-01 is newer: {brought}" in text
        assert (
            "WHAT TO SEND AGAIN Nothing. If the row that was not used is wanted nevertheless, please send it again, "
            "in a file of its own: what comes last counts." in text
        )
        assert f"is newer: newer.csv ({newer['id']}) brought it" in letter["html"]


def test_many_that_came_too_late_are_told_one_by_one_up_to_a_limit(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url) as place:
        older = place.land(prices(40, price="1,00"), "older.csv", GLOBEX)
        judge = ingest.Attempt._judge

        def fail(*_: Any) -> Any:
            raise ZeroDivisionError("a defect that goes away")

        monkeypatch.setattr(ingest.Attempt, "_judge", fail)
        place.work()
        monkeypatch.setattr(ingest.Attempt, "_judge", judge)
        newer = place.give(prices(40, price="2,00"), "newer.csv", GLOBEX)
        place.clock.forward(3600)
        place.work()

        shown = place.delivery(older.id)
        assert (shown["state"], shown["documents"]) == ("accepted", {"excluded": 40})
        found = place.findings(older.id)
        assert [each["document"] for each in found] == [*range(1, 26), None]
        assert f"newer.csv ({newer['id']}) brought it" in found[0]["message"]
        assert found[-1]["message"].startswith("15 more documents are older than the records that are there: ")
