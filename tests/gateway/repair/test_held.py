"""A person finds the cause of what is held, mends it once for all, and what was decided lasts through every replay."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from gateway.operate.cli import gateway as command_line
from gateway.repair.rules import Judged, judged_by
from gateway.repair.verify import verify
from gateway.store import audit
from gateway.store.decisions import CORRECTED, Amended, Decision
from gateway.store.local import LocalVault
from tests.acceptance.workspaces import conserved, opened, sample
from tests.gateway.repair.test_replay import GARDEN, GLOBEX, WHY, file, replay, row, sound

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

BAD = file(row(1), row(2, "zwölf"), row(3, group="77"), row(4, group="77"), row(5), row(6))


def post(place: Place, document: dict[str, Any], verb: str, body: dict[str, Any], status: int = 202) -> Any:
    answer = place.ask(f"/api/v1/quarantine/{document['id']}/{verb}", "POST", json=body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    place.work()
    sound(place)
    return answer.json


def the_one(place: Place, query: str) -> dict[str, Any]:
    (document,) = place.held(query)
    return dict(document)


def patched(document: dict[str, Any], text: str) -> dict[str, Any]:
    """The body that puts a text in the place of what the first finding quotes."""
    finding = document["findings"][0]
    return {"patch": [{"start": finding["start"], "end": finding["end"], "text": text}], **WHY}


def test_what_is_held_is_grouped_by_its_cause(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        place.give(file(row(7), row(8, group="77")), "more.csv", GLOBEX)
        items = place.get("/api/v1/quarantine/groups")["items"]
        assert [(each["code"], each["value"], each["documents"], each["deliveries"]) for each in items] == [
            ("mapping.code", "77", 3, 2),
            ("mapping.number", "zwölf", 1, 1),
        ]
        assert {each["integration"] for each in items} == {"globex-prices"}
        assert place.get("/api/v1/quarantine/groups?code=mapping.number")["items"] == items[1:]
        assert len(place.held("&code=mapping.code&value=77")) == 3

        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        answer = place.ask("/api/v1/quarantine/retry", "POST", json={"code": "mapping.code", "value": "77"})
        assert answer.json == {"documents": 3}
        place.work()
        assert [each["code"] for each in place.get("/api/v1/quarantine/groups")["items"]] == ["mapping.number"]
        assert place.ask("/api/v1/quarantine/retry", "POST", json={"all": True}).json == {"documents": 1}
        assert place.ask("/api/v1/quarantine/retry", "POST", json={"all": False}).status_code == 422


def test_a_finding_names_its_file_its_rule_and_what_was_expected(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        finding = the_one(place, "&code=mapping.number")["findings"][0]
        assert (finding["name"], finding["line"], finding["column"], finding["value"]) == (
            "prices.csv",
            3,
            "Preis",
            "zwölf",
        )
        assert finding["rule"] == "Preis | decimal('1.234,56')"
        assert finding["place"] == "integrations/globex-prices.yaml:14:15"
        assert finding["expected"].startswith("a number")
        configuration = place.gateway.in_force.configuration()
        assert judged_by(configuration, "acme-orders", "/lines/2/quantity") == Judged(
            "PO102 | decimal", "integrations/acme-orders.yaml:24:19", "a number above 0"
        )
        assert judged_by(configuration, "acme-orders", "/nothing") == Judged()
        assert judged_by(configuration, None, "/number") == Judged()


def test_a_code_that_is_not_known_is_told_with_those_that_are(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        finding = place.held("&code=mapping.code")[0]["findings"][0]
        assert finding["expected"] == "one of the codes of product-groups: 10, 20, 30, 40"
        command = CliRunner().invoke(
            command_line, ["quarantine", "show", place.held("&code=mapping.code")[0]["id"], "-w", str(tmp_path)]
        )
        assert "expected  one of the codes of product-groups: 10, 20, 30, 40" in command.output
        many = "code,value\n" + "".join(f"{number},g{number}\n" for number in range(100, 200)) + "7X7,odd\n"
        (tmp_path / "codes" / "product-groups.csv").write_text(many)
        place.change("gateway.yaml", "store:  ", "store: ")
        configuration = place.gateway.in_force.configuration()
        judged = judged_by(configuration, "globex-prices", "/group", "mapping.code", "7x7")
        assert judged.expected == (
            "one of the codes of product-groups: 7X7, 177, 100, 101, 102, 103, 104, 105, … (101 in all)"
        )


def test_all_that_is_wrong_with_a_document_is_told_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1, "zwölf", name="x" * 90, group="77"), row(2), row(3)), "prices.csv", GLOBEX)
        (held,) = place.held()
        found = {(each["code"], each["target"], each["value"][:5]) for each in held["findings"]}
        assert found == {
            ("mapping.number", "/price", "zwölf"),
            ("mapping.code", "/group", "77"),
            ("contract.length", "/name", "xxxxx"),
        }
        assert next(each for each in held["findings"] if each["target"] == "/name")["column"] == "Bezeichnung"


def test_a_corrected_document_is_accepted_and_stays_corrected_in_a_replay(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        given_ = place.give(BAD, "prices.csv", GLOBEX)
        raw = place.raw(given_["id"])
        document = the_one(place, "&code=mapping.number")
        post(place, document, "correct", patched(document, "12,34"))
        delivery = place.delivery(given_["id"])
        assert delivery["documents"] == {"accepted": 3, "quarantined": 2, "corrected": 1}
        assert place.raw(given_["id"]) == raw
        assert place.get("/api/v1/prices/A-2~2026-12-01")["price"] == "12.34"
        evidence = place.get("/api/v1/prices/A-2~2026-12-01/evidence?field=price")
        assert (evidence["correction"]["who"], evidence["correction"]["reason"]) == ("test", "a test")
        assert evidence["fields"][0]["sources"][0]["text"] == "12,34"
        assert evidence["fields"][0]["sources"][0]["original"]["line"] == 3
        line = next(
            each
            for each in place.get(f"/api/v1/deliveries/{given_['id']}/activity")["items"]
            if each["event"] == "corrected"
        )
        assert (line["data"]["who"], line["data"]["reason"]) == ("test", "a test")
        before = place.get("/api/v1/prices?limit=1000")
        again = replay(place, delivery, "then")
        assert place.get("/api/v1/prices?limit=1000") == before
        assert again["documents"] == delivery["documents"]
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        assert replay(place, delivery)["documents"] == {"accepted": 5, "corrected": 1}
        conserved(place, given_["id"])


def test_a_correction_that_is_still_wrong_is_told_in_its_own_bytes(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        document = the_one(place, "&code=mapping.number")
        post(place, document, "correct", patched(document, "eine ganze Menge"))
        wrong = the_one(place, "&code=mapping.number")
        assert wrong["id"] == document["id"]
        finding = wrong["findings"][0]
        assert finding["value"] == "eine ganze Menge"
        assert (finding["start"], finding["line"]) == (document["findings"][0]["start"], 3)
        assert finding["end"] - finding["start"] == len("eine ganze Menge")
        post(place, document, "correct", patched(wrong, "7,00"))
        assert place.get("/api/v1/prices/A-2~2026-12-01")["price"] == "7.00"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"content": "A-2;Artikel;3,50;01.12.2026;10\r\n"}, id="text"),
        pytest.param({"base64": base64.b64encode(row(2, "3,50").rstrip()).decode()}, id="bytes"),
    ],
)
def test_a_document_can_be_corrected_as_a_whole(tmp_path: Path, body: dict[str, Any]) -> None:
    with opened(tmp_path) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        post(place, the_one(place, "&code=mapping.number"), "correct", {**body, **WHY})
        assert place.get("/api/v1/prices/A-2~2026-12-01")["price"] == "3.50"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("A-8;X;1,00;01.12.2026;10\r\nA-9;X;1,00;01.12.2026;10", "document.not_one", id="two rows"),
        pytest.param("\r\n\r\n", None, id="nothing"),
    ],
)
def test_a_correction_is_one_document(tmp_path: Path, content: str, code: str | None) -> None:
    with opened(tmp_path) as place:
        given_ = place.give(BAD, "prices.csv", GLOBEX)
        document = the_one(place, "&code=mapping.number")
        post(place, document, "correct", {"content": content, **WHY})
        (still,) = [each for each in place.held() if each["id"] == document["id"]]
        assert code in (None, still["findings"][0]["code"])
        assert place.ask("/api/v1/prices/A-8~2026-12-01").status_code == 404
        conserved(place, given_["id"])
        replay(place, given_)
        conserved(place, given_["id"])


def test_a_value_takes_the_place_of_a_value_alone(tmp_path: Path) -> None:
    def correct(document: str, *more: str) -> Any:
        words = ["quarantine", "correct", document, *more, "-r", "said on the phone", "-w", str(tmp_path)]
        return CliRunner().invoke(command_line, words)

    with opened(tmp_path) as place:
        place.give(file(b"A-1;Artikel\r\n", row(2, ""), row(3), row(4)), "prices.csv", GLOBEX)
        short, empty = place.held()
        assert short["findings"][0]["value"] is None
        for more in ((), ("--finding", "1")):
            refused = correct(short["id"], "--value", "1,50", *more)
            assert refused.exit_code == 1, refused.output
            assert "--file" in refused.output
            assert "quotes a value" in refused.output or "is about no single value" in refused.output
        assert place.get(f"/api/v1/quarantine/{short['id']}")["state"] == "quarantined"

        assert empty["findings"][0]["value"] in (None, "")
        done = correct(empty["id"], "--value", "2,50", "--finding", "1")
        assert done.exit_code == 0, done.output
        place.clock.forward(60)  # the command has the clock of the machine
        place.work()
        assert place.get("/api/v1/prices/A-2~2026-12-01")["price"] == "2.50"


def test_what_cannot_be_corrected_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        place.give(b"", "empty.csv", GLOBEX)
        document = the_one(place, "&code=mapping.number")
        outside = {"patch": [{"start": 0, "end": 3, "text": "x"}], **WHY}
        assert post(place, document, "correct", outside, 409)["code"] == "not_correctable"
        assert post(place, document, "correct", {"content": "", **WHY}, 409)["code"] == "not_correctable"
        assert post(place, document, "correct", {"content": "\N{SNOWMAN}", **WHY}, 422)["code"] == "invalid_body"
        assert post(place, document, "correct", {"base64": "?", **WHY}, 422)["code"] == "invalid_body"
        assert (
            post(place, document, "correct", {"content": "x", "base64": "eA==", **WHY}, 422)["code"] == "invalid_body"
        )
        whole = next(each for each in place.held() if each["number"] == 0)
        assert post(place, whole, "correct", {"content": "x", **WHY}, 409)["code"] == "not_correctable"
        post(place, document, "discard", WHY, 200)
        assert post(place, document, "correct", {"content": "x", **WHY}, 409)["code"] == "not_held"


def test_a_discard_lasts_through_a_replay_with_its_reason(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        given_ = place.give(BAD, "prices.csv", GLOBEX)
        post(place, the_one(place, "&code=mapping.number"), "discard", WHY, 200)
        again = replay(place, given_)
        assert again["documents"] == {"accepted": 3, "quarantined": 2, "discarded": 1}
        assert place.held("&code=mapping.number") == []
        conserved(place, given_["id"])


def test_a_good_row_that_was_taken_from_a_doubtful_file_is_taken_in_a_replay(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        doubtful = place.give(file(row(1), row(2, "x"), row(3, "x"), row(4, "x")), "prices.csv", GLOBEX)
        assert doubtful["documents"] == {"quarantined": 4}
        good = next(each for each in place.held() if each["number"] == 1)
        post(place, good, "retry", {})
        assert place.delivery(doubtful["id"])["documents"] == {"accepted": 1, "quarantined": 3}
        before = place.get("/api/v1/prices")
        assert replay(place, doubtful, "then")["documents"] == {"accepted": 1, "quarantined": 3}
        assert place.get("/api/v1/prices") == before


def whole_only(place: Place, policy: str = "accept: file") -> None:
    text = (place.folder / "integrations/globex-prices.yaml").read_text(encoding="utf-8")
    (line,) = [each for each in text.splitlines() if each.startswith("accept:")]
    place.change("integrations/globex-prices.yaml", line, policy)


def asked_again(place: Place, path: str, **body: Any) -> Any:
    answer = place.ask(f"/api/v1/quarantine/{path}", "POST", json=body)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()
    sound(place)
    return answer.json


@pytest.mark.parametrize("policy", ["accept: file", "accept: rows, hold the file above 10% bad"])
@pytest.mark.parametrize("chosen", [{"code": "mapping.code"}, {"all": True}, {"integration": "globex-prices"}])
def test_a_file_held_as_a_whole_is_judged_again_as_a_whole(
    tmp_path: Path, store_url: str, policy: str, chosen: dict[str, Any]
) -> None:
    with opened(tmp_path, store=store_url) as place:
        whole_only(place, policy)
        held = place.give(BAD, "prices.csv", GLOBEX)
        assert (held["state"], held["documents"]) == ("quarantined", {"quarantined": 6})
        code = "accept.file" if policy == "accept: file" else "accept.share"
        together = [{"delivery": held["id"], "name": "prices.csv", "documents": 6, "code": code}]

        assert asked_again(place, "retry", **chosen) == {"documents": 6, "together": together}
        assert place.records("prices") == []
        assert place.delivery(held["id"])["documents"] == {"quarantined": 6}

        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        asked_again(place, "retry", **chosen)  # one row of six is bad still
        assert place.records("prices") == []
        assert [each["code"] for each in place.findings(held["id"])] == ["mapping.number", code]

        document = the_one(place, "&code=mapping.number")
        alone = code == "accept.share"
        answer = post(place, document, "correct", patched(document, "3,50"))
        assert answer == ({"documents": 1} if alone else {"documents": 6, "together": together})
        if alone:
            assert [each["sku"] for each in place.records("prices")] == ["A-2"]
            asked_again(place, "retry", delivery=held["id"])
        shown = place.delivery(held["id"])
        assert (shown["state"], shown["documents"]) == ("accepted", {"accepted": 5, "corrected": 1})
        assert {each["_version"] for each in place.records("prices")} == {1}
        assert len(place.records("prices")) == 6
        assert place.held() == []
        conserved(place, held["id"])


def test_a_file_all_of_which_was_bad_is_not_taken_by_halves(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        whole_only(place)
        held = place.give(file(row(1, "zwölf"), row(2, group="77"), row(3, group="77")), "prices.csv", GLOBEX)
        assert [each["code"] for each in place.findings(held["id"])] == ["mapping.number"] + ["mapping.code"] * 2
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        together = [{"delivery": held["id"], "name": "prices.csv", "documents": 3, "code": None}]
        one = place.held("&code=mapping.code")[0]
        answer = place.ask(f"/api/v1/quarantine/{one['id']}/retry", "POST", json={})
        assert answer.json == {"documents": 3, "together": together}
        assert answer.headers["Location"] == f"/api/v1/deliveries/{held['id']}"
        place.work()
        assert place.records("prices") == []
        assert place.delivery(held["id"])["documents"] == {"quarantined": 3}
        assert "accept.file" in [each["code"] for each in place.findings(held["id"])]


def test_a_file_that_is_cut_off_is_never_taken_by_a_group_and_one_document_of_it_by_its_id(
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        raw = sample("acme-orders.edi")
        cut = place.give(raw[: raw.index(b"GE*")])
        assert cut["state"] == "quarantined"
        (told,) = asked_again(place, "retry", all=True)["together"]
        assert (told["delivery"], told["code"]) == (cut["id"], "envelope.truncated")
        assert place.records("orders") == []
        good = next(each for each in place.held() if each["number"] == 1)
        assert asked_again(place, f"{good['id']}/retry") == {"documents": 1}
        assert len(place.records("orders")) == 1
        assert "together" in asked_again(place, "retry", all=True)
        shown = place.delivery(cut["id"])
        assert (shown["documents"], shown["replay"]) == ({"accepted": 1, "quarantined": 1}, "now")
        assert [each["_version"] for each in place.records("orders")] == [1]


def test_files_that_are_held_document_by_document_are_retried_so(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        whole_only(place)
        held = place.give(BAD, "prices.csv", GLOBEX)
        place.give(sample("acme-orders.edi"))
        documents = {each["id"] for each in place.held() if each["delivery"] != held["id"]}
        answer = asked_again(place, "retry", all=True)
        assert (answer["documents"], len(answer["together"])) == (6 + len(documents), 1)
        assert documents <= {each["id"] for each in place.held()}


def test_where_nobody_takes_the_file_any_more_it_stays_held_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        whole_only(place)
        held = place.give(BAD, "prices.csv", GLOBEX)
        before = place.held()
        place.change("integrations/globex-prices.yaml", "source:   drop://globex", "source:   drop://acme")
        asked_again(place, "retry", delivery=held["id"])
        assert place.held() == before


def test_the_command_says_which_files_are_judged_again_as_a_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        whole_only(place)
        held = place.give(BAD, "prices.csv", GLOBEX)
        done = CliRunner().invoke(command_line, ["quarantine", "retry", "--code", "mapping.code", "-w", str(tmp_path)])
        assert done.output == (
            "6 documents will be judged again\n"
            f"    all 6 of prices.csv ({held['id']}) together: it was held as a whole (accept.file)\n"
        )


def test_a_file_that_could_not_be_read_can_be_retried_and_given_up(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        unreadable = place.give(b"", "x.csv", GLOBEX)
        whole = the_one(place, f"&delivery={unreadable['id']}")
        assert (whole["number"], whole["end"], whole["name"]) == (0, 0, "x.csv")
        assert whole["findings"][0]["code"].startswith("file.")
        groups = place.get("/api/v1/quarantine/groups")["items"]
        assert groups[0]["documents"] == 1
        post(place, whole, "retry", {})
        again = the_one(place, f"&delivery={unreadable['id']}")
        assert again["number"] == 0
        post(place, again, "discard", WHY, 200)
        assert place.held() == []
        shown = place.delivery(unreadable["id"])
        assert (shown["state"], shown["documents"]) == ("discarded", {})
        found = verify(place.gateway.database, place.gateway.vault, place.gateway.in_force.of, deep=True)
        assert (found.disagreements, found.deliveries) == ([], {"discarded": 1})
        assert place.events(unreadable["id"])[-2:] == ["discarded", "delivery_discarded"]
        with place.gateway.database.read() as connection:
            (line,) = audit.last(connection, action="discarded")
        assert (line.subject, line.who) == (f"document {again['id']}", "test")
        told = {"delivery": unreadable["id"], "reason": "a test", "state": "discarded"}
        assert line.details == told | {"request": line.details["request"]}
        for how in ("then", "now"):
            assert replay(place, unreadable, how)["state"] == "discarded"
            assert place.events(unreadable["id"])[-1] == "delivery_discarded"
            assert place.held() == []


def test_a_delivery_whose_last_document_is_given_up_is_discarded(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        given_ = place.give(file(row(1, "x"), row(2, "x")), "prices.csv", GLOBEX)
        first, second = place.held()
        post(place, first, "discard", WHY, 200)
        assert place.delivery(given_["id"])["state"] == "quarantined"
        post(place, second, "discard", WHY, 200)
        shown = place.delivery(given_["id"])
        assert (shown["state"], shown["documents"]) == ("discarded", {"discarded": 2})
        assert place.get("/api/v1/deliveries?state=discarded")["items"][0]["id"] == given_["id"]
        again = replay(place, given_)
        assert (again["state"], again["documents"]) == ("discarded", {"discarded": 2})
        partly = place.give(file(row(3), row(4, "x")), "prices.csv", GLOBEX)
        post(place, the_one(place, ""), "discard", WHY, 200)
        assert place.delivery(partly["id"])["state"] == "partly_accepted"
        assert place.events(partly["id"])[-1] == "discarded"


def test_a_file_that_was_given_up_and_can_be_read_now_is_taken_by_a_replay(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.change("integrations/globex-prices.yaml", "windows-1252 header", "windows-1252 header_at=Bestellung")
        given_ = place.give(file(row(1)), "prices.csv", GLOBEX)
        post(place, the_one(place, ""), "discard", WHY, 200)
        assert place.delivery(given_["id"])["state"] == "discarded"
        place.change("integrations/globex-prices.yaml", "windows-1252 header_at=Bestellung", "windows-1252 header")
        assert replay(place, given_)["documents"] == {"accepted": 1}
        assert [each["sku"] for each in place.records("prices")] == ["A-1"]


def test_a_delivery_that_was_given_up_is_judged_again_after_a_fix(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("poison")

    with opened(tmp_path, store=store_url) as place:
        with monkeypatch.context() as broken:
            broken.setattr("gateway.judging.Judging.run", breaks)
            landed = place.land(BAD, "prices.csv", GLOBEX)
            for _ in range(place.gateway.settings.tries + 1):
                place.work()
                place.clock.forward(120)
        assert place.delivery(landed.id)["state"] == "failed"
        whole = the_one(place, "&code=delivery.failed")
        post(place, whole, "retry", {})
        assert place.delivery(landed.id)["documents"] == {"accepted": 3, "quarantined": 3}


def test_a_delivery_that_was_given_up_after_its_tries_can_be_discarded(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("poison")

    with opened(tmp_path, store=store_url) as place:
        with monkeypatch.context() as broken:
            broken.setattr("gateway.judging.Judging.run", breaks)
            landed = place.land(BAD, "prices.csv", GLOBEX)
            for _ in range(place.gateway.settings.tries + 1):
                place.work()
                place.clock.forward(120)
        post(place, the_one(place, "&code=delivery.failed"), "discard", WHY, 200)
        shown = place.delivery(landed.id)
        assert (shown["state"], shown["documents"], shown["finished_at"] is None) == ("discarded", {}, False)


def test_short_ids_do(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(BAD, "prices.csv", GLOBEX)
        document = the_one(place, "&code=mapping.number")
        assert place.get(f"/api/v1/quarantine/{document['id'][:-1]}")["id"] == document["id"]
        ambiguous = place.ask("/api/v1/quarantine/doc_/retry", "POST", json={})
        assert (ambiguous.status_code, ambiguous.json["code"]) == (409, "ambiguous_id")  # type: ignore[index]


def test_the_commands_show_and_mend_what_is_held(tmp_path: Path) -> None:
    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(command_line, ["quarantine", *words, "-w", str(tmp_path)])
        place.clock.forward(60)  # the command has a clock of its own
        assert done.exit_code == status, done.output
        return done.output

    with opened(tmp_path) as place:
        assert run() == "Nothing is held.\n"
        place.give(BAD, "prices.csv", GLOBEX)
        assert "mapping.code  globex-prices '77': 2 documents in 1 file\n" in run()
        document = the_one(place, "&code=mapping.number")["id"]
        assert run("list", "--code", "mapping.number").startswith(f"{document}  prices.csv document 2  line 3 Preis: ")
        shown = run("show", document)
        assert "A-2;Artikel;zwölf;01.12.2026;10\n" in shown
        assert "1. mapping.number  line 3 Preis, bytes " in shown
        assert "rule      Preis | decimal('1.234,56')    integrations/globex-prices.yaml:14:15" in shown
        run("correct", document, "--value", "5,00", "-r", "asked them")
        place.work()
        assert place.get("/api/v1/prices/A-2~2026-12-01")["price"] == "5.00"
        assert run("retry", "--code", "mapping.code") == "2 documents will be judged again\n"
        place.work()
        first, second = (each["id"] for each in place.held())
        (tmp_path / "row.txt").write_bytes(row(3))
        run("correct", first, "--file", str(tmp_path / "row.txt"), "-r", "sent by mail")
        assert run("discard", second, "-r", "not wanted", "--who", "ann") == f"{second} is discarded\n"
        place.work()
        assert run() == "Nothing is held.\n"
        run("retry", status=2)
        run("show", "doc_none", status=1)


@given(st.binary(max_size=60), st.binary(max_size=20), st.data())
def test_an_amended_file_is_the_file_with_the_correction_in_it(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, text: bytes, data: st.DataObject
) -> None:
    vault = LocalVault(tmp_path_factory.getbasetemp() / "amended")
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    whole = raw[:start] + text + raw[end:]
    stored, kept = _put(vault, raw), _put(vault, text)
    decided = Decision(1, CORRECTED, data.draw(st.datetimes()), "w", "r", start, end, kept, len(text))
    amended = Amended(vault, decided)
    if start < len(raw):
        assert b"".join(amended.chunks(stored, data.draw(st.integers(1, 70)))) == whole
    low = data.draw(st.integers(0, len(whole)))
    high = data.draw(st.integers(low, len(whole) + 3))
    assert amended.read(stored, low, high) == whole[low:high]
    with amended.spans(stored) as spans:
        spans.seek(low)
        assert spans.read(high - low) == whole[low:high]


def _put(vault: LocalVault, raw: bytes) -> str:
    return vault.put(io.BytesIO(raw)).sha256
