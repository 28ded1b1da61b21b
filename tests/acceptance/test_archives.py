"""Archives: one delivery whose members are groups of documents, from landing to undo, on both stores."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Any

from gateway.repair.verify import verify
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

X12, CSV = sample("acme-orders.edi"), sample("globex-prices.csv")
GLOBEX = "drop://globex"
HEADER = "Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe\r\n"
GOOD = "{};Hammer;1,00;01.12.2026;20\r\n"


def rows(*keys: str, template: str = GOOD) -> bytes:
    """A price list of these articles."""
    return (HEADER + "".join(template.format(key) for key in keys)).encode("cp1252")


def zipped(*named: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in named:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def balanced(place: Place) -> None:
    """The conservation law holds, also in the bytes, unpacked again."""
    found = verify(place.gateway.database, place.gateway.vault, place.gateway.in_force.of, deep=True)
    assert not found.disagreements


def retry(place: Place, document: dict[str, Any]) -> None:
    answer = place.ask(f"/api/v1/quarantine/{document['id']}/retry", "POST")
    assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()


def test_each_member_is_read_and_told_by_itself(tmp_path: Path, store_url: str) -> None:
    bad = CSV.replace(b"HAMMER-500", b"HAMMER-501")
    raw = zipped(("a/first.csv", CSV), ("second.csv", bad), ("empty/", b""), ("third.csv", rows("A-1", "A-2")))
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(raw, "prices.zip", GLOBEX)

        assert (shown["state"], shown["archive"], shown["integration"]) == ("partly_accepted", "zip", "globex-prices")
        assert shown["documents"] == {"accepted": 18, "quarantined": 4}
        assert place.raw(shown["id"]) == raw
        held = place.held()
        assert sorted({(each["member"], each["number"]) for each in held}) == [
            ("a/first.csv", 3),
            ("a/first.csv", 8),
            ("second.csv", 3),
            ("second.csv", 8),
        ]
        for each in held:
            content = CSV if each["member"] == "a/first.csv" else bad
            assert each["name"] == "prices.zip"
            (finding,) = each["findings"]
            assert (finding["member"], finding["document"]) == (each["member"], each["number"])
            assert content[finding["start"] : finding["end"]].decode("cp1252") == finding["value"]
            assert content[: finding["start"]].count(b"\n") + 1 == finding["line"]
            assert each["start"] <= finding["start"] <= finding["end"] <= each["end"]
        assert {each["member"] for each in place.findings(shown["id"])} == {"a/first.csv", "second.csv"}
        messages = [line["message"] for line in place.get(f"/api/v1/deliveries/{shown['id']}/activity")["items"]]
        assert any(message.startswith("a/first.csv line 4 Preis") for message in messages)
        assert len(place.records("prices")) == 8 + 1 + 2
        balanced(place)


def test_gzip_is_one_member_of_as_many_parts_as_there_are(tmp_path: Path, store_url: str) -> None:
    raw = gzip.compress(CSV[:100]) + gzip.compress(CSV[100:])
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(raw, "prices.csv.gz", GLOBEX)
        assert (shown["archive"], shown["documents"]) == ("gzip", {"accepted": 8, "quarantined": 2})
        assert {each["member"] for each in place.held()} == {"prices.csv"}
        balanced(place)


def test_the_same_archive_again_is_a_duplicate_and_packed_anew_it_is_not(tmp_path: Path, store_url: str) -> None:
    raw = zipped(("prices.csv", CSV))
    with opened(tmp_path, store=store_url) as place:
        first = place.give(raw, "prices.zip", GLOBEX)
        again = place.give(raw, "prices.zip", GLOBEX)
        anew = place.give(zipped(("prices.csv", CSV), method=zipfile.ZIP_STORED), "prices.zip", GLOBEX)
        assert (again["state"], again["twin"], again["documents"]) == ("duplicate", first["id"], {"duplicate": 10})
        assert (anew["state"], anew["documents"]) == ("partly_accepted", {"accepted": 8, "quarantined": 2})
        balanced(place)


def test_a_member_nobody_wants_is_an_open_item_until_somebody_does(tmp_path: Path, store_url: str) -> None:
    raw = zipped(("list.txt", rows("T-1", "T-2", template=GOOD)), ("prices.csv", CSV), ("read.me", b"hello"))
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(raw, "prices.zip", GLOBEX)
        assert shown["documents"] == {"accepted": 8, "quarantined": 2, "unrouted": 2}
        unwanted = {each["member"]: each for each in place.held("&code=route.unwanted_file")}
        assert {name: (each["number"], each["start"]) for name, each in unwanted.items()} == {
            "list.txt": (1, 0),
            "read.me": (1, 0),
        }
        balanced(place)

        place.change("integrations/globex-prices.yaml", "globex/*.csv", "globex/*.*[vt]")
        retry(place, unwanted["list.txt"])

        assert place.delivery(shown["id"])["documents"] == {"accepted": 10, "quarantined": 2, "unrouted": 1}
        assert place.get("/api/v1/prices/T-2~2026-12-01")["price"] == "1.00"
        balanced(place)
        discard = place.ask(f"/api/v1/quarantine/{unwanted['read.me']['id']}/discard", "POST", json={"reason": "none"})
        assert discard.status_code == 200
        balanced(place)


def test_a_damaged_member_holds_all_and_the_others_can_be_taken(tmp_path: Path, store_url: str) -> None:
    raw = bytearray(zipped(("good.csv", rows("A-1", "A-2")), ("bad.csv", rows("B-1")), method=zipfile.ZIP_STORED))
    raw[raw.index(b"B-1")] ^= 1
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(bytes(raw), "prices.zip", GLOBEX)
        assert (shown["state"], shown["documents"]) == ("quarantined", {"quarantined": 2})
        (finding,) = place.findings(shown["id"])
        assert (finding["code"], finding["member"]) == ("archive.damaged", "bad.csv")
        assert (finding["start"], finding["end"]) == (0, 0)
        assert place.records("prices") == []

        retry(place, place.held()[0])
        assert place.delivery(shown["id"])["documents"] == {"accepted": 1, "quarantined": 1}
        balanced(place)


def test_a_correction_stands_for_a_document_of_its_member(tmp_path: Path, store_url: str) -> None:
    raw = zipped(("first.csv", rows("A-1")), ("prices.csv", CSV), ("last.csv", rows("Z-1")))
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(raw, "prices.zip", GLOBEX)
        (document,) = place.held("&code=mapping.number")
        (finding,) = document["findings"]
        patch = {
            "patch": [{"start": finding["start"], "end": finding["end"], "text": "12,50"}],
            "reason": "an O for a zero",
        }
        answer = place.ask(f"/api/v1/quarantine/{document['id']}/correct", "POST", json=patch)
        assert answer.status_code == 202, answer.get_data(as_text=True)
        place.work()

        assert place.delivery(shown["id"])["documents"] == {"accepted": 10, "quarantined": 1, "corrected": 1}
        evidence = place.get("/api/v1/prices/HAMMER-300~2026-12-01/evidence?field=/price")
        assert (evidence["member"], evidence["document"]) == ("prices.csv", 3)
        assert evidence["correction"]["reason"] == "an O for a zero"
        (source,) = evidence["fields"][0]["sources"]
        assert source["text"] == "12,50"
        assert (source["start"], source["line"]) == (finding["start"], finding["line"])
        lines = place.get(f"/api/v1/deliveries/{shown['id']}/activity?limit=1000")["items"]
        assert any("document 3 of prices.csv corrected" in line["message"] for line in lines)
        balanced(place)

        place.change("codes/product-groups.csv", "40,garden,Garden\n", "40,garden,Garden\n77,garden,Spades\n")
        answer = place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json={"as": "now", "reason": "spades"})
        assert answer.status_code == 202, answer.get_data(as_text=True)
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"accepted": 11, "corrected": 1}
        balanced(place)
