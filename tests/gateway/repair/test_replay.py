"""A replay gives what was there, an undo what was before; both leave alone what came later."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway import judging
from gateway.errors import Reject
from gateway.operate.cli import gateway as command_line
from gateway.repair.undo import undo
from gateway.repair.verify import verify
from gateway.store import leases, replays, staging
from tests.acceptance.children import HEADER, prices
from tests.acceptance.workspaces import conserved, opened, sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

GLOBEX = "drop://globex"
GARDEN = "40,garden,Garden\n"
WHY = {"reason": "a test"}


def row(number: int, price: str = "1,50", group: str = "10", name: str = "Artikel") -> bytes:
    return f"A-{number};{name};{price};01.12.2026;{group}\r\n".encode("cp1252")


def file(*rows: bytes) -> bytes:
    return HEADER + b"".join(rows)


def replay(place: Place, delivery: dict[str, Any], how: str = "now") -> dict[str, Any]:
    answer = place.ask(f"/api/v1/deliveries/{delivery['id']}/replay", "POST", json={"as": how, **WHY})
    assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()
    sound(place)
    return place.delivery(delivery["id"])


def take_back(place: Place, delivery: dict[str, Any], **more: Any) -> Any:
    answer = place.ask(f"/api/v1/deliveries/{delivery['id']}/undo", "POST", json={**WHY, **more})
    sound(place)
    return answer


def sound(place: Place) -> None:
    """Whatever was done, the balance is right, from the raw bytes."""
    gateway = place.gateway
    assert verify(gateway.database, gateway.vault, gateway.in_force.of, deep=True).disagreements == []


def shown(place: Place) -> dict[str, str]:
    return {each["sku"]: each["price"] for each in place.records("prices")}


def change(place: Place) -> int:
    number: int = place.get("/api/v1/prices")["as_of"]["change"]
    return number


def test_a_replay_as_then_changes_nothing(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 3)
    with opened(tmp_path, store=store_url) as place:
        twice = file(row(1), row(2), row(1, "9,99"), row(3, "zwölf"), row(4), row(5), row(6))
        first = place.give(twice, "prices.csv", GLOBEX)
        place.give(file(row(2, "7,77")), "later.csv", GLOBEX)
        before, last = place.records("prices"), change(place)
        place.change("codes/product-groups.csv", "10,fasteners,", "10,tools,")  # a replay as now would change all
        again = replay(place, first, "then")
        assert (place.records("prices"), change(place)) == (before, last)
        assert {**again, "finished_at": None} == {**first, "finished_at": None, "replay": "then"}
        assert place.events(first["id"])[-3:] == ["replay", "finding", "partly_accepted"]


def test_a_replay_as_now_changes_what_differs_and_no_newer_record(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(file(row(1), row(2), row(3, group="77")), "prices.csv", GLOBEX)
        place.give(file(row(2, "7,77")), "later.csv", GLOBEX)
        last = change(place)
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        again = replay(place, first)
        assert shown(place) == {"A-1": "1.50", "A-2": "7.77", "A-3": "1.50"}
        assert change(place) == last + 1
        assert (again["documents"], again["number"]) == ({"accepted": 3}, first["number"])
        assert again["revision"] != first["revision"]
        assert place.held() == []
        conserved(place, first["id"])


def test_a_corrected_mapping_changes_each_record_once(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(file(row(1), row(2), row(1, "2,00")), "prices.csv", GLOBEX)
        place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
        replay(place, first)
        names = {each["sku"]: (each["name"], each["price"], each["_version"]) for each in place.records("prices")}
        assert names == {"A-1": ("ARTIKEL", "2.00", 4), "A-2": ("ARTIKEL", "1.50", 2)}
        history = place.get("/api/v1/prices/A-2~2026-12-01/history")["items"]
        assert history[0]["changed"] == ["/name"]
        evidence = place.get("/api/v1/prices/A-2~2026-12-01/evidence?field=name")
        assert evidence["fields"][0]["rule"] == "Bezeichnung | squash | upper"
        then = place.get(f"/api/v1/prices/A-2~2026-12-01/evidence?field=name&as_of={history[1]['_seq']}")
        assert then["fields"][0]["rule"] == "Bezeichnung | squash"


def test_what_a_replay_makes_no_more_returns_to_what_it_was(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "ROWS_A_WINDOW", 2)
    with opened(tmp_path, store=store_url) as place:
        old = place.give(file(row(1, "1,00"), row(2, "1,00")), "old.csv", GLOBEX)
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        new = place.give(
            file(row(1, "2,00", "77"), row(2, "2,00"), row(3, "2,00", "77"), row(2, "3,00", "77"), row(4)),
            "new.csv",
            GLOBEX,
        )
        assert shown(place) == {"A-1": "2.00", "A-2": "3.00", "A-3": "2.00", "A-4": "1.50"}
        place.change("codes/product-groups.csv", GARDEN + "77,garden,Spades\n", GARDEN)
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        again = replay(place, new)
        assert shown(place) == {"A-1": "1.00", "A-2": "2.00", "A-4": "1.50"}
        assert again["documents"] == {"accepted": 2, "quarantined": 3}
        history = place.get("/api/v1/prices/A-3~2026-12-01/history")["items"]
        assert [(each["_version"], each["record"] is None) for each in history] == [(2, True), (1, False)]
        assert history[0]["changed"] == [""]
        assert place.get("/api/v1/prices/A-1~2026-12-01/evidence")["delivery"] == old["id"]
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        assert replay(place, new)["documents"] == {"accepted": 5}
        assert shown(place) == {"A-1": "2.00", "A-2": "3.00", "A-3": "2.00", "A-4": "1.50"}


def test_an_undo_returns_every_record_to_what_it_was(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "ROWS_A_WINDOW", 2)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 3)
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(4, price="1,00"), "old.csv", GLOBEX)
        before = place.get("/api/v1/prices?limit=1000")
        new = place.give(prices(6, price="2,00", bad_every=5), "new.csv", GLOBEX)
        last = change(place)
        done = take_back(place, new)
        assert (done.status_code, done.json) == (200, {"records": 5, "left": 0})
        assert shown(place) == {f"A-{number}": "1.00" for number in range(1, 5)}
        assert change(place) == last + 5
        undone = place.delivery(new["id"])
        assert (undone["state"], undone["documents"]) == ("undone", {"undone": 6})
        assert place.held() == []
        line = place.get(f"/api/v1/deliveries/{new['id']}/activity")["items"][-1]
        assert (line["event"], line["data"]["who"], line["data"]["reason"]) == ("undone", "test", "a test")
        assert place.get(f"/api/v1/prices?limit=1000&as_of={before['as_of']['change']}") == before
        assert place.ask("/api/v1/prices/A-6~2026-12-01").status_code == 404
        assert place.get(f"/api/v1/prices/A-6~2026-12-01?as_of={last}")["price"] == "2.00"
        assert take_back(place, new).json["code"] == "nothing_to_undo"


def test_what_was_undone_may_come_again_and_be_judged_again(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(prices(2, price="1,00"), "old.csv", GLOBEX)
        new = place.give(prices(3, price="2,00"), "new.csv", GLOBEX)
        take_back(place, new)
        again = place.give(prices(3, price="2,00"), "again.csv", GLOBEX)
        assert again["state"] == "accepted"
        assert take_back(place, again).status_code == 200
        assert shown(place) == {"A-1": "1.00", "A-2": "1.00"}
        back = replay(place, new, "then")
        assert (back["state"], back["documents"]) == ("accepted", {"accepted": 3})
        assert shown(place) == {f"A-{number}": "2.00" for number in (1, 2, 3)}


def test_an_undo_refuses_what_was_changed_since_and_says_which(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        old = place.give(prices(3, price="1,00"), "old.csv", GLOBEX)
        new = place.give(file(row(2, "2,00")), "new.csv", GLOBEX)
        refused = take_back(place, old)
        assert (refused.status_code, refused.json["code"]) == (409, "changed_since")
        assert f"price.v2 A-2~2026-12-01 by {new['id']}" in refused.json["detail"]
        assert shown(place) == {"A-1": "1.00", "A-2": "2.00", "A-3": "1.00"}
        assert place.delivery(old["id"])["state"] == "accepted"
        assert take_back(place, old, leave_changed=True).json == {"records": 2, "left": 1}
        assert shown(place) == {"A-2": "2.00"}
        assert take_back(place, new).json == {"records": 1, "left": 0}
        assert shown(place) == {}  # what it was before was undone, too


def test_newest_first_everything_can_be_undone(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        given = [place.give(prices(3, price=f"{number},00"), f"{number}.csv", GLOBEX) for number in range(1, 4)]
        for number in (2, 1):
            assert take_back(place, given[number]).status_code == 200
            assert shown(place) == {f"A-{each}": f"{number}.00" for each in range(1, 4)}
        assert take_back(place, given[0]).status_code == 200
        assert shown(place) == {}


def test_an_undo_that_broke_off_has_done_nothing(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with opened(tmp_path, store=store_url) as place:
        delivery = place.give(prices(3), "prices.csv", GLOBEX)
        before = place.records("prices")
        with monkeypatch.context() as broken:
            broken.setattr(replays, "close_undone", dies)
            broken.setattr("gateway.repair.undo._Undoing.end", dies)
            with pytest.raises(Killed):
                undo(place.gateway.database, place.row(delivery["id"]), who="t", reason="t", owner="t")
        assert place.records("prices") == before
        assert place.ask(f"/api/v1/deliveries/{delivery['id']}/undo", "POST", json=WHY).json["code"] == "not_finished"  # type: ignore[index]
        place.clock.forward(61)
        place.work()
        sound(place)
        assert take_back(place, delivery).status_code == 200


def test_a_delivery_at_work_is_not_touched(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        landed = place.land(prices(2), "prices.csv", GLOBEX)
        for verb, body in (("replay", {"as": "now", **WHY}), ("undo", WHY)):
            refused = place.ask(f"/api/v1/deliveries/{landed.id}/{verb}", "POST", json=body)
            assert refused.status_code == 409, refused.json
        place.work()
        with place.gateway.database.write() as transaction:
            assert leases.take_this(transaction, landed.number, owner="a", seconds=9) is not None
        with pytest.raises(Reject, match="is being judged"):
            undo(place.gateway.database, place.row(landed.id), who="t", reason="t", owner="b")


def test_a_replay_that_cannot_be_done_is_refused_with_a_reason(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        delivery = place.give(sample("acme-orders.edi"))
        unknown = place.give(b"a,b\n1,2\n", "what.txt", "folder:nowhere")

        def refused(of: dict[str, Any], how: str) -> str:
            answer = place.ask(f"/api/v1/deliveries/{of['id']}/replay", "POST", json={"as": how, **WHY})
            assert (answer.status_code, answer.json["code"]) == (409, "not_replayable")  # type: ignore[index]
            return str(answer.json["detail"])  # type: ignore[index]

        assert "no integration of revision" in refused(unknown, "now")
        place.change("contracts/order.v1.yaml", "ordered_on:  date, filter, sort", "ordered_on:  date")
        assert "order.v1 has other columns today" in refused(delivery, "then")
        assert replay(place, delivery)["documents"] == delivery["documents"]
        place.vault.path(delivery["sha256"]).unlink()
        assert "no longer kept" in refused(delivery, "now")


def test_the_commands_replay_and_undo(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        delivery = place.give(prices(3, bad_every=3), "prices.csv", GLOBEX)
        words = ["-w", str(tmp_path), "-r", "a test", "--who", "ann"]
        done = CliRunner().invoke(command_line, ["replay", delivery["id"][:20], "--as", "then", *words])
        assert done.exit_code == 0, done.output
        assert "prices.csv: partly_accepted, 1 quarantined, 2 accepted" in done.output
        done = CliRunner().invoke(command_line, ["undo", delivery["id"], *words])
        assert "2 records returned to the version before" in done.output
        lines = place.get(f"/api/v1/deliveries/{delivery['id']}/activity")["items"]
        assert [line["data"]["who"] for line in lines if "who" in line["data"]] == ["ann", "ann"]
        assert CliRunner().invoke(command_line, ["undo", "d_none", *words]).exit_code == 1
        assert isinstance(CliRunner().invoke(command_line, ["undo", delivery["id"], *words]).exception, Reject)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_undone_and_replayed_the_records_are_those_of_what_stands(
    tmp_path: Path, store_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records are the deliveries that are not undone, one after the other in the order of their landing."""
    chance = random.Random(seed)
    monkeypatch.setattr(replays, "ROWS_A_WINDOW", 2)
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 2)
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 3)
    given: list[tuple[dict[str, Any], dict[str, str]]] = []
    undone: set[int] = set()

    def standing() -> dict[str, str]:
        return {
            key: value
            for number, (_, brought) in enumerate(given)
            if number not in undone
            for key, value in brought.items()
        }

    with opened(tmp_path, store=store_url) as place:
        for step in range(14):
            which = chance.randrange(len(given)) if given else 0
            later = {key for each in range(which + 1, len(given)) if each not in undone for key in given[each][1]}
            free = bool(given) and not later & given[which][1].keys()
            match chance.choice(["give", "give", "undo", "undo", "replay"]):
                case "undo" if given and which not in undone:
                    answer = take_back(place, given[which][0])
                    assert (answer.status_code == 200) == free, answer.json
                    undone |= {which} if free else set()
                case "replay" if given and (free or which not in undone):
                    replay(place, given[which][0], "then")
                    undone.discard(which)
                case _:
                    numbers = [chance.randrange(5) for _ in range(chance.randrange(1, 6))]
                    lines = [(number, f"{step + 1},{place_:02}") for place_, number in enumerate(numbers)]
                    brought = {f"A-{number}": price.replace(",", ".") for number, price in lines}
                    content = file(*(row(number, price) for number, price in lines))
                    given.append((place.give(content, f"{step}.csv", GLOBEX), brought))
            assert shown(place) == standing(), step
            sound(place)


def test_a_record_that_a_later_file_confirmed_stands_by_that_file(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(file(row(1)), "first.csv", GLOBEX)
        place.give(file(row(2)), "other.csv", GLOBEX)
        again = place.give(file(row(1)), "again.csv", GLOBEX)
        newest, oldest = place.get("/api/v1/prices/A-1~2026-12-01/history")["items"]
        assert (newest["changed"], newest["delivery"], oldest["delivery"]) == ([], again["id"], first["id"])
        answer = place.ask(f"/api/v1/deliveries/{first['id']}/undo", "POST", json={**WHY, "leave_changed": True})
        assert answer.status_code < 300, answer.get_data(as_text=True)
        place.work()
        assert place.get("/api/v1/prices/A-1~2026-12-01")["price"] == "1.50"
