"""Archives: one delivery whose members are groups of documents, from landing to undo, on both stores."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from gateway.operate import cli
from gateway.repair.plan import plan
from gateway.repair.verify import verify
from gateway.routing import Routes
from gateway.store import members, staging
from gateway.store.local import LocalVault
from gateway.store.tables import member
from gateway.workspace.loader import load
from sftp.arrival import drop_folder
from tests.acceptance.test_landing import Collecting
from tests.acceptance.workspaces import opened, reopened, sample

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


def said(folder: Path, *arguments: str) -> str:
    """What a command says, which must succeed."""
    ended = CliRunner().invoke(cli.gateway, [*arguments, "--workspace", str(folder)])
    assert ended.exit_code == 0, ended.output
    return ended.output


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
    raw = zipped(
        ("list.txt", rows("T-1", "T-2", template=GOOD)), ("prices.csv", CSV), ("read.me", rows("R-1", "R-2", "R-3"))
    )
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
        place.change("integrations/globex-prices.yaml", "globex/*.*[vt]", "globex/*")
        asked = {"as": "now", "reason": "what was given up stays so"}
        assert place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json=asked).status_code == 202
        place.work()
        counted = {"accepted": 10, "quarantined": 2, "discarded": 1}
        assert place.delivery(shown["id"])["documents"] == counted
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
        for wrong, text in (("12,5O", "twelve and a half euros"), ("twelve and a half euros", "12,50")):
            (document,) = place.held("&code=mapping.number")
            (finding,) = document["findings"]
            assert (document["member"], document["number"], finding["value"]) == ("prices.csv", 3, wrong)
            change = {"start": finding["start"], "end": finding["end"], "text": text}
            patch = {"patch": [change], "reason": "an O for a zero"}
            answer = place.ask(f"/api/v1/quarantine/{document['id']}/correct", "POST", json=patch)
            assert answer.status_code == 202, answer.get_data(as_text=True)
            place.work()

        assert place.delivery(shown["id"])["documents"] == {"accepted": 10, "quarantined": 1, "corrected": 1}
        evidence = place.get("/api/v1/prices/HAMMER-300~2026-12-01/evidence?field=/price")
        assert (evidence["member"], evidence["document"]) == ("prices.csv", 3)
        assert evidence["correction"]["reason"] == "an O for a zero"
        (source,) = evidence["fields"][0]["sources"]
        assert source["text"] == "12,50"
        start = finding["start"] - document["start"]
        assert (source["within"], source["start"], source["line"]) == ("correction", start, 1)
        original = source["original"]
        assert (original["text"], original["start"], original["line"]) == ("12,5O", finding["start"], finding["line"])
        lines = place.get(f"/api/v1/deliveries/{shown['id']}/activity?limit=1000")["items"]
        assert any("document 3 of prices.csv corrected" in line["message"] for line in lines)
        balanced(place)

        place.change("codes/product-groups.csv", "40,garden,Garden\n", "40,garden,Garden\n77,garden,Spades\n")
        answer = place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json={"as": "now", "reason": "spades"})
        assert answer.status_code == 202, answer.get_data(as_text=True)
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"accepted": 11, "corrected": 1}
        balanced(place)


def test_P5_a_replay_as_then_gives_identical_records(tmp_path: Path, store_url: str) -> None:  # noqa: N802 - the promise's name
    raw = zipped(("first.csv", CSV), ("second.csv", rows("A-1", "A-2")))
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(raw, "prices.zip", GLOBEX)
        before, held = place.records("prices"), place.held()
        for how in ("then", "now"):
            asked = {"as": how, "reason": "to see that it is the same"}
            assert place.ask(f"/api/v1/deliveries/{shown['id']}/replay", "POST", json=asked).status_code == 202
            place.work()
            assert place.records("prices") == before
            assert place.delivery(shown["id"])["documents"] == shown["documents"]
            what = ("member", "number", "start", "end", "state")
            assert [[each[name] for name in what] for each in place.held()] == [
                [each[name] for name in what] for each in held
            ]
        balanced(place)


def test_an_undo_takes_back_what_all_members_brought(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        place.give(zipped(("first.csv", rows("A-1", template=GOOD.replace("1,00", "9,00")))), "prices.zip", GLOBEX)
        shown = place.give(zipped(("first.csv", rows("A-1")), ("second.csv", rows("A-2"))), "prices.zip", GLOBEX)
        assert len(place.records("prices")) == 2
        done = place.ask(f"/api/v1/deliveries/{shown['id']}/undo", "POST", json={"reason": "too early"})
        assert done.status_code == 200, done.get_data(as_text=True)
        (record,) = place.records("prices")
        assert (record["sku"], record["price"]) == ("A-1", "9.00")
        balanced(place)


def test_a_plan_reads_the_members(tmp_path: Path, store_url: str) -> None:
    raw = zipped(("first.csv", rows("A-1")), ("second.csv", rows("A-2", "A-3")))
    with opened(tmp_path, store=store_url) as place:
        place.give(raw, "prices.zip", GLOBEX)
        before = place.gateway.in_force.routes()
        path = tmp_path / "integrations" / "globex-prices.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("| squash", "| upper"), encoding="utf-8")
        made = plan(place.gateway.database, place.gateway.vault, before, Routes(load(tmp_path)))
        assert (made.read, made.differ) == (1, 3)
        examples = made.integrations["globex-prices"].fields["/name"].examples
        assert [(each.name, each.document, each.after) for each in examples] == [
            ("first.csv in prices.zip", 1, "HAMMER"),
            ("second.csv in prices.zip", 1, "HAMMER"),
            ("second.csv in prices.zip", 2, "HAMMER"),
        ]


def test_groups_and_the_command_line_name_the_member(tmp_path: Path) -> None:
    raw = zipped(("first.csv", CSV), ("second.csv", CSV.replace(b"HAMMER-300", b"HAMMER-301")))
    with opened(tmp_path) as place:
        place.give(raw, "prices.zip", GLOBEX)
        (group,) = place.get("/api/v1/quarantine/groups?code=mapping.code")["items"]
        assert (group["documents"], group["deliveries"]) == (2, 1)
        document = next(each for each in place.held("&code=mapping.number") if each["member"] == "second.csv")
    shown = said(tmp_path, "quarantine", "show", document["id"])
    assert "prices.zip, document 3 of second.csv, bytes " in shown
    assert "HAMMER-301;" in shown
    assert "second.csv line 4 Preis, bytes " in shown
    listed = said(tmp_path, "quarantine", "list")
    assert f"{document['id']}  prices.zip document 3 of second.csv  second.csv line 4 Preis" in listed
    assert "corrected" in said(
        tmp_path, "quarantine", "correct", document["id"], "--value", "12,50", "-r", "an O for a zero"
    )
    with reopened(tmp_path) as place:
        place.work()
    explained = said(tmp_path, "explain", "price", "HAMMER-301~2026-12-01", "price")
    assert "  document 3 of second.csv, bytes " in explained
    assert "'12,50'  line 1" in explained
    assert "the raw file: '12,5O'  line 4" in explained
    said(tmp_path, "verify", "--deep")


WORKBOOK = zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))
NO_DOCUMENTS = (
    (b"7z\xbc\xaf\x27\x1c" + bytes(40), "prices.csv", "archive.kind"),
    (b"%PDF-1.7\n" + bytes(40), "prices.csv", "file.kind"),
    (WORKBOOK, "prices.csv", "file.kind"),
    (WORKBOOK, "prices.xlsx", "file.kind"),
    (zipped(), "prices.zip", "archive.empty"),
    (zipped(("prices.csv", CSV))[:-9], "prices.zip", "archive.truncated"),
    (gzip.compress(CSV)[:-9], "prices.csv.gz", "archive.damaged"),
)


def test_what_holds_no_documents_is_held_as_a_whole(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        for content, name, code in NO_DOCUMENTS:
            shown = place.give(content, name, GLOBEX)
            assert (shown["state"], shown["documents"]) == ("quarantined", {}), code
            (whole,) = place.held(f"&delivery={shown['id']}")
            assert (whole["number"], whole["start"], whole["end"], whole["member"]) == (0, 0, len(content), None)
            (finding,) = whole["findings"]
            assert (finding["code"], finding["severity"]) == (code, "error")
            assert finding["remedy"]
        balanced(place)


def test_archives_in_archives_are_told_and_not_opened(tmp_path: Path, store_url: str) -> None:
    inner = zipped(("prices.csv", CSV))
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(zipped(("prices.csv", inner), ("more.csv", gzip.compress(CSV))), "prices.zip", GLOBEX)
        assert (shown["state"], shown["documents"]) == ("quarantined", {})
        found = place.findings(shown["id"])
        assert [(each["code"], each["member"]) for each in found] == [
            ("archive.nested", "prices.csv"),
            ("archive.nested", "more.csv"),
        ]
        assert place.records("prices") == []
        unwanted = place.give(zipped(("more.zip", inner), ("prices.csv", rows("A-1"))), "prices.zip", GLOBEX)
        assert unwanted["documents"] == {"accepted": 1, "unrouted": 1}
        (document,) = place.held("&code=route.unwanted_file")
        assert "it is a zip archive" in document["findings"][0]["message"]
        balanced(place)


def test_a_limit_that_is_raised_lets_the_archive_in(tmp_path: Path, store_url: str) -> None:
    raw = zipped(("first.csv", CSV), ("second.csv", rows("A-1")))
    with opened(tmp_path, store=store_url, more="\narchive_members: 1\n") as place:
        shown = place.give(raw, "prices.zip", GLOBEX)
        (whole,) = place.held("&code=archive.too_many")
        assert "archive_members" in whole["findings"][0]["remedy"]
        place.change("gateway.yaml", "archive_members: 1", "archive_members: 2")
        retry(place, whole)
        assert place.delivery(shown["id"])["documents"] == {"accepted": 9, "quarantined": 2}
        balanced(place)


def test_an_archive_comes_over_http_and_by_drop_alike(tmp_path: Path) -> None:
    raw = zipped(("orders.edi", X12))
    with opened(tmp_path) as place:
        answer = place.ask("/api/v1/integrations/acme-orders/deliveries?filename=orders.zip", "POST", data=raw)
        assert answer.status_code == 202, answer.get_data(as_text=True)
        place.work()
        uploaded = place.delivery((answer.json or {})["id"])
        assert (uploaded["archive"], uploaded["documents"]) == ("zip", {"accepted": 1, "quarantined": 1})
        (held,) = place.held()
        assert held["member"] == "orders.edi"

        collecting = Collecting(place, drop_folder(tmp_path / "drops", "acme"))
        (collecting.folder.path / "orders.zip").write_bytes(raw[:-8])
        collecting.turn()
        assert collecting.left() == ["orders.zip"]  # its end is missing: it may be on its way still
        (collecting.folder.path / "orders.zip").write_bytes(raw)
        collecting.turn(1)
        assert collecting.left() == []
        place.work()
        (dropped,) = place.get("/api/v1/deliveries?limit=1")["items"]
        assert (dropped["source"], dropped["archive"]) == ("drop://acme", "zip")
        balanced(place)


def test_members_are_listed_with_their_sizes_and_why_they_were_not_taken(tmp_path: Path) -> None:
    raw = zipped(("a/first.csv", CSV), ("__MACOSX/._first.csv", b"x"))
    with opened(tmp_path) as place:
        shown = place.give(raw, "prices.zip", GLOBEX)
        listed = place.get(f"/api/v1/deliveries/{shown['id']}/members")["items"]
        assert [(each["number"], each["name"], each["size"], each["code"]) for each in listed] == [
            (1, "a/first.csv", len(CSV), None),
            (2, "__MACOSX/._first.csv", 0, "archive.passed_over"),
        ]
        assert listed[0]["sha256"] == hashlib.sha256(CSV).hexdigest()


def test_a_member_that_is_lost_or_altered_in_the_vault_is_found(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(zipped(("first.csv", CSV)), "prices.zip", GLOBEX)
        database, vault = place.gateway.database, place.gateway.vault
        assert isinstance(vault, LocalVault)
        path = vault.path(hashlib.sha256(CSV).hexdigest())
        path.write_bytes(CSV.replace(b"HAMMER", b"HUMMER"))
        (wrong,) = verify(database, vault, place.gateway.in_force.of, deep=True).disagreements
        assert (wrong.what, "was changed" in wrong.message) == (shown["id"], True)
        with database.write() as transaction:
            transaction.connection.execute(update(member).values(sha256="0" * 64))
        (wrong,) = verify(database, vault, place.gateway.in_force.of, deep=True).disagreements
        assert wrong.what == shown["id"]


@pytest.mark.parametrize("broken", ["put", "keep", "mark", "publish"])
def test_a_try_that_breaks_off_anywhere_leaves_nothing_double(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    raw = zipped(("first.csv", CSV), ("second.csv", rows("A-1", "A-2")))
    where: dict[str, Any] = {"put": LocalVault, "keep": members, "mark": members, "publish": staging}
    with opened(tmp_path, store=store_url) as place:
        landed = place.land(raw, "prices.zip", GLOBEX)
        real, met = getattr(where[broken], broken), [0]

        def breaks(*given: Any, **named: Any) -> Any:
            met[0] += 1
            if met[0] == (2 if broken == "put" else 1):  # the second member's; what is done once, at once
                raise RuntimeError(broken)
            return real(*given, **named)

        monkeypatch.setattr(where[broken], broken, breaks)
        for _ in range(4):
            place.work()
            place.clock.forward(120)
        assert met[0] == (4 if broken == "put" else 2)
        shown = place.delivery(landed.id)
        assert shown["documents"] == {"accepted": 10, "quarantined": 2}
        assert [each["name"] for each in place.get(f"/api/v1/deliveries/{landed.id}/members")["items"]] == [
            "first.csv",
            "second.csv",
        ]
        assert len(place.records("prices")) == 10
        balanced(place)
