"""The quarantine: what is held can be retried or given up, and whatever is done, the counters stay balanced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway import ingest, judging
from gateway.store import retries
from tests.acceptance.children import prices
from tests.acceptance.workspaces import conserved, opened, sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")
GLOBEX = "drop://globex"
GARDEN = "40,garden,Garden\n"


def retry(place: Place, document: dict[str, Any]) -> None:
    """Ask for one document to be judged again, and let a worker do it."""
    answer = place.ask(f"/api/v1/quarantine/{document['id']}/retry", "POST")
    assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()


def the_one(place: Place, code: str) -> dict[str, Any]:
    """The one held document with this finding."""
    (document,) = place.held(f"&code={code}")
    return document


def test_a_retry_after_the_code_table_is_completed_makes_the_record(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(CSV, "prices.csv", GLOBEX)
        document = the_one(place, "mapping.code")
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")

        retry(place, document)

        assert place.get("/api/v1/prices/SPADE-2~2026-12-01")["group"] == "garden"
        assert place.delivery(shown["id"])["documents"] == {"accepted": 9, "quarantined": 1}
        assert place.get(f"/api/v1/quarantine/{document['id']}")["state"] == "accepted"
        assert place.events(shown["id"])[-1] == "retried"
        assert place.delivery(shown["id"])["revision"] != shown["revision"]
        conserved(place, shown["id"])


def test_a_retry_without_a_change_holds_the_document_again(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(CSV, "prices.csv", GLOBEX)
        document = the_one(place, "mapping.number")

        retry(place, document)

        assert the_one(place, "mapping.number")["id"] == document["id"]
        assert the_one(place, "mapping.number")["findings"] == document["findings"]
        assert place.delivery(shown["id"])["documents"] == shown["documents"]
        conserved(place, shown["id"])


def test_a_retry_of_an_older_document_never_overwrites_a_newer_record(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(CSV, "prices.csv", GLOBEX)
        place.give(CSV.replace(b";77", b";40").replace(b"27,50", b"29,50"), "prices.csv", GLOBEX)
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,tools,Spades\n")
        document = next(each for each in place.held("&code=mapping.code") if each["delivery"] == shown["id"])

        retry(place, document)

        record = place.get("/api/v1/prices/SPADE-2~2026-12-01")
        assert (record["price"], record["group"], record["_version"]) == ("29.50", "garden", 1)
        assert place.delivery(shown["id"])["documents"] == {"accepted": 8, "quarantined": 1, "excluded": 1}
        assert place.get(f"/api/v1/quarantine/{document['id']}")["state"] == "excluded"
        finding = next(each for each in place.findings(shown["id"]) if each["code"] == "record.older")
        assert "SPADE-2~2026-12-01" in finding["message"]
        conserved(place, shown["id"])


def test_a_discard_has_a_reason_and_an_end(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(CSV, "prices.csv", GLOBEX)
        path = f"/api/v1/quarantine/{the_one(place, 'mapping.number')['id']}"

        without = place.ask(f"{path}/discard", "POST", json={})
        assert (without.status_code, without.json["code"]) == (422, "invalid_body")  # type: ignore[index]
        done = place.ask(f"{path}/discard", "POST", json={"reason": "a test of theirs"})
        assert done.status_code == 200
        discarded = place.get(path)
        assert (discarded["state"], discarded["reason"], discarded["who"]) == ("discarded", "a test of theirs", "test")
        assert place.delivery(shown["id"])["documents"] == {"accepted": 8, "quarantined": 1, "discarded": 1}
        for verb, body in (("retry", {}), ("discard", {"reason": "again"})):
            refused = place.ask(f"{path}/{verb}", "POST", json=body)
            assert (refused.status_code, refused.json["code"]) == (409, "not_held")  # type: ignore[index]
        assert place.events(shown["id"])[-1] == "discarded"
        conserved(place, shown["id"])


def test_a_group_is_retried_batch_by_batch_without_losing_any(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 7)
    with opened(tmp_path, store=store_url) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        # Each fifth is of an unknown group, each third has a price that is no number: 20 and 33 of 100, 6 are both.
        content = prices(100, bad_every=3)
        lines = content.split(b"\r\n")
        for number in range(5, 101, 5):
            lines[number] = lines[number][:-2] + b"77"
        shown = place.give(b"\r\n".join(lines), "prices.csv", GLOBEX)
        assert shown["documents"] == {"accepted": 53, "quarantined": 47}
        assert len(place.held()) == 47

        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        answer = place.ask("/api/v1/quarantine/retry", "POST", json={"integration": "globex-prices"})
        assert answer.json == {"documents": 47}
        place.work()

        assert place.delivery(shown["id"])["documents"] == {"accepted": 67, "quarantined": 33}
        assert {each["number"] for each in place.held()} == set(range(3, 101, 3))
        assert len(place.records("prices")) == 67
        conserved(place, shown["id"])


def test_a_document_that_the_reader_no_longer_finds_stays_held(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(X12)
        document = the_one(place, "element.number")
        place.change("integrations/acme-orders.yaml", "x12 004010 850", "edifact D96A ORDERS")

        retry(place, document)

        assert place.delivery(shown["id"])["documents"] == shown["documents"]
        again = place.get(f"/api/v1/quarantine/{document['id']}")
        assert (again["state"], again["findings"][-1]["code"]) == ("quarantined", "document.not_found")
        assert "format:" in again["findings"][-1]["remedy"]
        conserved(place, shown["id"], reader="x12")


def test_a_retry_asked_for_while_the_worker_is_at_it_is_done_as_well(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(CSV, "prices.csv", GLOBEX)
        first, second = place.held()
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        publish = ingest.Attempt._publish_again

        def ask_then_publish(attempt: ingest.Attempt, *given: Any) -> None:
            monkeypatch.setattr(ingest.Attempt, "_publish_again", publish)
            with place.gateway.database.write() as transaction:
                assert retries.retry(transaction, [second["id"]], accepts={}).documents == 1
            publish(attempt, *given)

        monkeypatch.setattr(ingest.Attempt, "_publish_again", ask_then_publish)
        retry(place, first)

        assert place.delivery(shown["id"])["documents"] == {"accepted": 9, "quarantined": 1}
        assert place.events(shown["id"])[-2:] == ["retried", "retried"]


def test_a_file_that_nobody_wanted_is_judged_as_new_when_somebody_does(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        whole = place.give(X12, "orders.x12")
        cut = place.give(X12[:-30], "cut.x12")
        assert [place.delivery(each["id"])["documents"] for each in (whole, cut)] == [{"unrouted": 1}] * 2
        place.change("integrations/acme-orders.yaml", "drop://acme/*.edi", "drop://acme/*.x12")

        for each in (whole, cut):
            retry(place, next(held for held in place.held() if held["delivery"] == each["id"]))

        shown = place.delivery(whole["id"])
        assert (shown["state"], shown["documents"]) == ("partly_accepted", {"accepted": 1, "quarantined": 1})
        assert shown["integration"] == "acme-orders"
        # As a new one, it is held whole: its envelope is not closed.
        assert place.delivery(cut["id"])["documents"] == {"quarantined": 2}
        for each in (whole, cut):
            conserved(place, each["id"])


def test_a_retry_that_still_nobody_wants_is_told(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(X12, "orders.x12")
        retry(place, place.held()[0])
        assert place.delivery(shown["id"])["documents"] == {"unrouted": 1}
        assert place.events(shown["id"])[-1] == "retried"


def test_documents_of_an_unknown_partner_are_taken_when_the_partner_is_known(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(X12.replace(b"*ZZ*ACME           *", b"*ZZ*ACME-EU        *"))
        assert shown["documents"] == {"unrouted": 2}
        place.change("partners/acme.yaml", "  isa: ZZ:ACME\n", "  isa:\n    - ZZ:ACME\n    - ZZ:ACME-EU\n")

        answer = place.ask("/api/v1/quarantine/retry", "POST", json={"code": "route.unknown_partner"})
        assert answer.json == {"documents": 2}
        place.work()

        assert place.delivery(shown["id"])["documents"] == {"accepted": 1, "quarantined": 1}
        assert place.get("/api/v1/orders/acme~4711")["number"] == "4711"


@pytest.mark.parametrize(
    ("accept", "code"), [("file", "accept.file"), ("rows, hold the file above 10% bad", "accept.share")]
)
def test_a_file_that_is_held_whole_says_why_and_what_is_wrong_with_its_documents(
    tmp_path: Path, accept: str, code: str
) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "rows, hold the file above 50% bad", accept)
        shown = place.give(CSV, "prices.csv", GLOBEX)

        assert (shown["state"], shown["documents"]) == ("quarantined", {"quarantined": 10})
        assert place.records("prices") == []
        found = [(each["code"], each["document"]) for each in place.findings(shown["id"])]
        assert sorted(found, key=str) == sorted([(code, None), ("mapping.code", 8), ("mapping.number", 3)], key=str)

        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": shown["id"]})
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"quarantined": 10}
        place.change("integrations/globex-prices.yaml", accept, "documents")
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": shown["id"]})
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"accepted": 8, "quarantined": 2}
        conserved(place, shown["id"])


def test_what_a_broken_try_held_is_forgotten_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try held documents and then found the contract busy, which counts as no try."""
    monkeypatch.setattr(judging, "ROWS_A_BATCH", 2)
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        lines = prices(6).split(b"\r\n")
        for number in (1, 2):
            lines[number] = lines[number][:-2] + b"77"
        landed = place.land(b"\r\n".join(lines), "prices.csv", GLOBEX)
        with place.gateway.database.write() as transaction:
            transaction.connection.exec_driver_sql("UPDATE contract SET staging = 4711, staged_from = 1")
        place.work()
        assert place.row(landed.id).tries == 0

        with place.gateway.database.write() as transaction:
            transaction.connection.exec_driver_sql("UPDATE contract SET staging = NULL, staged_from = NULL")
        place.change("codes/product-groups.csv", GARDEN, GARDEN + "77,garden,Spades\n")
        place.clock.forward(60)
        place.work()

        assert place.delivery(landed.id)["documents"] == {"accepted": 6}
        assert place.held() == []
        conserved(place, landed.id)


def test_warnings_of_accepted_documents_are_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(X12.replace(b"DTM*002*20261201~\n", b"DTM*002*20261201~\n~\n"))
        assert shown["documents"] == {"accepted": 1, "quarantined": 1}
        noted = [each for each in place.findings(shown["id"]) if each["severity"] != "error"]
        assert [(each["code"], each["document"]) for each in noted] == [("segment.empty", 1)]
