"""A partner is told in plain words what was refused: quoted, marked, with what was expected and what to send again."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.errors import Retry
from gateway.operate import wiring
from gateway.operate.cli.letter import letter as letter_command
from gateway.operate.credentials import make_key
from gateway.operate.exchange.outboxes import send_until
from gateway.operate.workers.answering import give_back, write_once
from gateway.operate.workers.lateness import LateWatch
from gateway.operate.workers.worker import work, work_once
from gateway.repair.retention import Retention
from gateway.store import activity, lateness, letters
from gateway.store.bell import Bell
from gateway.workspace.loader import load
from tests.acceptance.answered import BAD, GOOD, NOW, group, interchange, order, outbox, send, taken, unsent
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

PRICES = sample("globex-prices.csv")
HEADER = "Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path) as made:
        made.clock.now = NOW
        yield made


def told(place: Place, content: bytes, name: str, partner: str = "acme", source: str | None = None) -> dict[str, str]:
    """The letter that a file gets, as text by its ending; of a sheet, which is windows-1252, as well."""
    place.give(content, name, source or f"drop://{partner}")
    send(place)
    found = {name: content for name, content in taken(place, partner).items() if name.startswith("letter_")}
    return {
        name.rpartition(".")[2]: content.decode("windows-1252" if name.endswith("csv") else "utf-8")
        for name, content in found.items()
    }


def rows(sheet: str) -> list[dict[str, str]]:
    """The rows of a sheet."""
    return list(csv.DictReader(io.StringIO(sheet), delimiter=";"))


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_refused_rows_are_quoted_marked_and_explained(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    send(place)
    found = taken(place, "globex")
    reference = shown["id"]

    assert list(found) == [f"letter_prices.csv_{reference}.{each}" for each in ("csv", "html", "txt")]
    assert (
        found[f"letter_prices.csv_{reference}.txt"].decode()
        == f"""\
prices.csv: 2 of 10 rows refused

To         globex: Globex sends a price list from Excel
File       prices.csv, 576 bytes, which came 2026-11-21 09:30 UTC
Reference  {reference}

WHAT WE DID

8 of 10 rows were taken.
2 rows were refused: nothing of them is used.

WHAT IS WRONG

1. Row 3, number HAMMER-300
  Line 4, column Preis

    …300;Schlosserhammer 300 g;12,5O;01.12.2026;20
                               ^^^^^

  '12,5O' is not a number: the last character is the letter O.
  Expected:   a number written like 1.234,56
  Send again: If 12,50 is meant, please send 12,50.

2. Row 8, number SPADE-2
  Line 9, column Warengruppe

    …n, Esche;27,50;01.12.2026;77
                               ^^

  '77' is not a code that we know.
  Expected:   one of 10, 20, 30, 40
  Send again: Please send a known code, or tell us what this one means.

WHAT TO SEND AGAIN

Only the 2 refused rows, put right, in a file of their own.
What was taken need not be sent again.
The 2 refused rows are in
letter_prices.csv_{reference}.csv, with the columns
problem, expected, send, reference. You can put them right in that file
and send it: of the added columns only reference is read, which says
what is put right.

QUESTIONS

Ask whom you deal with here.
Please quote {reference}.
"""
    )
    page = found[f"letter_prices.csv_{reference}.html"].decode()
    assert "<pre>…300;Schlosserhammer 300 g;<mark>12,5O</mark>;01.12.2026;20</pre>" in page
    assert not re.search(r"https?://|src=|<script", page)
    assert place.events(reference)[-3:] == ["letter_sent"] * 3


def test_the_sheet_of_refused_rows_is_taken_once_it_is_put_right(place: Place) -> None:
    sheet = told(place, PRICES, "prices.csv", "globex")["csv"]
    assert sheet.splitlines()[0] == f"{HEADER};problem;expected;send;reference"
    assert [(each["Artikelnummer"], each["Preis"], each["Warengruppe"]) for each in rows(sheet)] == [
        ("HAMMER-300", "12,5O", "20"),
        ("SPADE-2", "27,50", "77"),
    ]
    assert rows(sheet)[0]["expected"] == "a number written like 1.234,56"

    mended = sheet.replace(";12,5O;", ";12,50;").replace(";77;", ";40;").encode("windows-1252")
    again = place.give(mended, "letter_prices.csv", "drop://globex")
    assert (again["state"], again["documents"]) == ("accepted", {"accepted": 2})


@pytest.mark.parametrize("columns", ["header", "no header"])
def test_a_sheet_in_utf_8_and_one_without_a_header_are_taken_too(place: Place, columns: str) -> None:
    text = PRICES.decode("windows-1252")
    if columns == "header":
        place.change("integrations/globex-prices.yaml", "csv ; windows-1252 header", "csv ; header")
    else:
        path = place.folder / "integrations" / "globex-prices.yaml"
        flow = path.read_text(encoding="utf-8").replace("csv ; windows-1252 header", "csv ;")
        for number, name in enumerate(HEADER.split(";"), 1):
            flow = re.sub(rf"(?m)(?<= ){name} \|(.*)$", rf'"#{number} |\1"', flow)
        path.write_text(flow, encoding="utf-8")
        assert wiring.apply(place.gateway, load(place.folder))
        text = text.partition("\n")[2]
    place.give(text.encode(), "prices.csv", "drop://globex")
    send(place)
    found = taken(place, "globex")
    sheet = next(content for name, content in found.items() if name.endswith(".csv"))
    assert sheet.startswith(b"\xef\xbb\xbf")
    mended = sheet.replace(b";12,5O;", b";12,50;").replace(b";77;", b";40;")
    again = place.give(mended, "again.csv", "drop://globex")
    assert (again["state"], again["documents"]) == ("accepted", {"accepted": 2})


def test_an_order_is_told_by_its_number_segment_and_the_name_of_the_element(place: Place) -> None:
    text = told(place, interchange(group(GOOD, BAD)), "orders.edi")["txt"]
    assert "orders.edi: 1 of 2 orders refused" in text
    assert "1. Order 2, number 4712, control number 0002\n" in text
    assert "  Line 1, segment 7 PO1, element 4 (unit price)\n" in text
    assert "    PO1*1*120*EA*12,5O**VP*A-1\n                 ^^^^^\n" in text
    assert "If 12.50 is meant, please send 12.50" in text
    assert "Only the refused order, put right, in a file of its own." in text


def test_what_the_contract_refuses_is_said_in_the_partners_words(place: Place) -> None:
    text = told(place, interchange(group(GOOD, order("4713", reference="0002", price="-3"))), "orders.edi")["txt"]
    assert "  PO104 (unit price) is -3.\n  Expected:   at least 0\n" in text
    for word in ("contract", "integration", "mapping", "quarantine", "lines/0", str(place.folder)):
        assert word not in text


def test_a_file_that_is_taken_whole_or_not_at_all_is_to_be_sent_whole(place: Place) -> None:
    place.change("integrations/globex-prices.yaml", "accept:   rows, hold the file above 50% bad", "accept:   file")
    text = told(place, PRICES, "prices.csv", "globex")["txt"]
    assert "The file is taken whole or not at all, and there is something wrong in it." in " ".join(text.split())
    assert "8 rows are right, and held back with the whole file.\n" in text
    assert "WHAT TO SEND AGAIN\n\nThe whole file, put right.\n" in text
    assert "1. Row 3, number HAMMER-300\n" in text
    assert "The file is there to be read: put the rows right where they come from." in " ".join(text.split())


def test_a_file_that_is_cut_off_and_one_that_nobody_expects(place: Place) -> None:
    cut = told(place, interchange(group(GOOD), closed=False), "cut.edi")["txt"]
    assert "The file ends inside an interchange: IEA is missing." in cut
    assert "Send again: Please send the whole file again." in cut
    unknown = told(place, b"hello", "notes.txt")["txt"]
    assert "The name notes.txt is not one that was agreed." in unknown
    assert "Expected:   a name like *.edi\n" in unknown
    assert "WHAT TO SEND AGAIN\n\nThe file, under a name that was agreed.\n" in unknown


def test_a_member_of_an_archive_that_nobody_reads_is_told_beside_the_others(place: Place) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("acme-orders.edi", sample("acme-orders.edi"))
        archive.writestr("readme.txt", b"hello\n")
    text = told(place, packed.getvalue(), "orders.edi.zip")["txt"]
    assert "1. Order 2, number 4712, control number 0002, in acme-orders.edi\n" in text
    assert "2. readme.txt\n  The name readme.txt is not one that was agreed.\n" in text
    assert "Send again: If it is not meant for us, please leave it out of the\n" in text
    assert "not listed here" not in text


def test_a_name_that_differs_in_capital_letters_is_told_and_the_same_file_counts_under_the_right_name(
    place: Place,
) -> None:
    text = " ".join(told(place, interchange(group(GOOD)), "ORDERS.EDI")["txt"].split())
    assert "Expected: a name like *.edi, in which capital and small letters count" in text
    again = place.give(interchange(group(GOOD)), "orders.edi")
    assert (again["state"], again["documents"]) == ("accepted", {"accepted": 1})


@pytest.mark.parametrize(
    ("partner", "raw", "is_", "agreed", "says"),
    [
        ("acme", sample("northwind-orders.edi"), "EDIFACT", "X12", "edifact D96A ORDERS from "),
        ("northwind", interchange(group(GOOD)), "X12", "EDIFACT", "x12 004010 850 from ZZ:ACME"),
        ("acme", b"<a><b>1</b></a>", "XML", "X12", "xml"),
        ("acme", b'[{"a": 1}]', "JSON", "X12", "json"),
        ("acme", b"sku;price\nA-1;9.90\n", "CSV", "X12", "csv ; header"),
    ],
)
def test_a_file_of_another_standard_is_called_what_it_is(
    place: Place, partner: str, raw: bytes, is_: str, agreed: str, says: str
) -> None:
    said = " ".join(told(place, raw, "orders.edi", partner)["txt"].split())
    assert f"This is {is_}; with you we have agreed on {agreed}." in said
    assert f"Send again: Please send the file as {agreed}." in said
    assert "Line 1 " in said
    assert "segment" not in said
    (held,) = place.held()
    assert held["findings"][0]["message"].startswith(f"the file is {is_}, and {agreed} was expected; it says {says}")


def test_another_release_of_a_message_is_named_with_the_agreed_one(place: Place) -> None:
    raw = interchange(group(GOOD, version="005010"))
    said = " ".join(told(place, raw, "orders.edi")["txt"].split())
    assert "We do not expect this kind of message from you: it is 850 in release 005010." in said
    assert "Expected: 850 in release 004010 Send again: Please send it in release 004010, or tell us that you" in said
    other = " ".join(
        told(place, raw.replace(b"ST*850", b"ST*855").replace(b"005010", b"004010"), "b.edi")["txt"].split()
    )
    assert "it is 855 in release 004010. Expected: 850 in release 004010" in other


@pytest.mark.parametrize("name", ["prices.csv", "prices.xlsx", "prices.xls"])
def test_a_workbook_is_to_be_saved_as_csv(place: Place, name: str) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as workbook:
        workbook.writestr("[Content_Types].xml", "<Types/>")
    content = made.getvalue() if name != "prices.xls" else b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    text = " ".join(told(place, content, name, "globex")["txt"].split())
    assert "Please save it as CSV (in Excel: 'CSV UTF-8'), and send that." in text


def test_what_is_wrong_around_several_documents_is_told_once_and_beside_a_997_that_accepts_it(place: Place) -> None:
    place.change("integrations/acme-orders.yaml", "contract: order v1", "contract: order v1\nanswer: 997")
    orders = [order(str(4711 + each), reference=f"{each + 1:04}") for each in range(4)]
    content = interchange(group(*orders)).replace(b"ACME ", b"ACNE ")
    text = " ".join(told(place, content, "orders.edi")["txt"].split())
    assert text.count("is not a known identifier") == 1
    assert ", and 3 more transaction sets with the same" in text
    assert "2. " not in text
    assert "A 997 that accepts the file says that its syntax is right; this letter says what of it we can use." in text


def test_who_is_known_by_the_envelope_alone_gets_one_too(place: Place) -> None:
    place.change("integrations/acme-orders.yaml", "drop://acme/*.edi", "folder:in/*.edi")
    letter = told(place, sample("acme-orders.edi"), "acme-orders.edi", source="folder:in")["txt"]
    assert "1 of 2 orders refused" in letter
    assert "PO1*1*40*EA*12,5O" in letter


def test_a_duplicate_gets_a_short_one(place: Place) -> None:
    first = place.give(interchange(group(GOOD)), "orders.edi")
    text = told(place, interchange(group(GOOD)), "again.edi")["txt"]
    assert f"came on 2026-11-21 09:30 UTC as\n{first['id']} (orders.edi)." in text
    assert "Nothing was done with this file." in text


def test_what_is_taken_after_all_is_told_and_what_is_refused_again_is_not(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": shown["id"]})
    place.work()
    send(place)
    assert len(taken(place, "globex")) == 3

    codes = (place.folder / "codes" / "product-groups.csv").read_text(encoding="utf-8")
    (place.folder / "codes" / "product-groups.csv").write_text(
        f"{codes.rstrip()}\n77,spades,Spades\n", encoding="utf-8"
    )
    place.change("integrations/globex-prices.yaml", "decimal('1.234,56')", "replace('O', '0') | decimal('1.234,56')")
    for held in place.held(f"&delivery={shown['id']}"):
        place.ask(f"/api/v1/quarantine/{held['id']}/retry", "POST", json={})
    place.work()
    send(place)
    assert place.delivery(shown["id"])["state"] == "accepted"
    found = taken(place, "globex")
    assert list(found) == [f"letter_prices.csv_{shown['id']}_2.{each}" for each in ("html", "txt")]
    assert b"all of it is taken now" in found[f"letter_prices.csv_{shown['id']}_2.txt"]


def test_who_is_to_be_asked_stands_at_its_end(place: Place) -> None:
    place.change("gateway.yaml", "drops:", "contact: [Price desk, prices@us.example]\ndrops:")
    assert (
        "QUESTIONS\n\nPrice desk\nprices@us.example\nPlease quote d_" in told(place, PRICES, "p.csv", "globex")["txt"]
    )


def test_many_refused_rows_are_counted_and_the_sheet_has_them(place: Place) -> None:
    lines = [HEADER, *(f"A-{number};x;1,O{number};01.12.2026;20" for number in range(1000))]
    shown = place.give("\n".join(lines).encode("windows-1252"), "prices.csv", "drop://globex")
    send(place)
    found = taken(place, "globex")
    text = found[f"letter_prices.csv_{shown['id']}.txt"].decode()
    assert "975 rows more are refused, and not listed here." in text
    assert len(text) < 12_000
    assert len(rows(found[f"letter_prices.csv_{shown['id']}.csv"].decode("windows-1252"))) == 1000


def test_cells_that_a_spreadsheet_would_run_are_disarmed_and_numbers_are_not(place: Place) -> None:
    content = f"{HEADER}\n=CMD();x;-1,O;01.12.2026;20\n-5;x;-3,00;01.12.2026;77\n".encode("windows-1252")
    forms = told(place, content, "prices.csv", "globex")
    assert [(each["Artikelnummer"], each["Preis"]) for each in rows(forms["csv"])] == [
        ("'=CMD()", "'-1,O"),
        ("-5", "-3,00"),
    ]
    assert "In 2 of its cells an apostrophe (') stands in front" in forms["txt"].replace("\n", " ")


def test_a_row_with_a_nul_is_told_and_stands_in_the_sheet_without_it(place: Place) -> None:
    content = f"{HEADER}\nA-1;x\0y;1,00;01.12.2026;20\n".encode("windows-1252")
    forms = told(place, content, "prices.csv", "globex")
    assert "A NUL stands in column Bezeichnung" in forms["txt"]
    assert [each["Bezeichnung"] for each in rows(forms["csv"])] == ["xy"]


def test_bytes_of_another_encoding_come_back_as_the_letters_that_were_sent_and_never_as_a_sign_for_lost_ones(
    place: Place,
) -> None:
    place.change("integrations/globex-prices.yaml", "csv ; windows-1252 header", "csv ; header")
    lines = [HEADER.encode()]
    lines += [b"A-%d;%s;1,00;01.12.2026;20" % each for each in enumerate((b"x", b"Gr\xf6\xdfe", b"\x81", b"y"))]
    place.give(b"\n".join(lines), "prices.csv", "drop://globex")
    assert len(place.held()) == 2
    send(place)
    forms = {name.rpartition(".")[2]: content for name, content in taken(place, "globex").items()}
    assert "\ufffd".encode() not in forms["csv"]
    said = " ".join(forms["txt"].decode().split())
    assert "'ö' in windows-1252" in said
    assert "1 more row is not in it, because we cannot tell which letters its bytes stand for." in said
    assert "In 1 of its cells bytes that are no characters of UTF-8 are replaced by the letters" in said

    assert place.give(forms["csv"], "back.csv", "drop://globex")["state"] == "accepted"
    assert {each["sku"]: each["name"] for each in place.records("prices")}["A-1"] == "Größe"
    assert [each["number"] for each in place.held()] == [3]


def test_a_partner_who_wants_none_gets_none(place: Place) -> None:
    place.change("partners/globex.yaml", "partner: globex", "partner: globex\nletters: none")
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    send(place)
    assert outbox(place, "globex") == {}
    assert shown["letters"] == []


def refused(place: Place, content: str, encoding: str = "windows-1252") -> str:
    """The letter about a price list of Globex."""
    return " ".join(told(place, content.encode(encoding), "prices.csv", "globex")["txt"].split())


def test_a_header_that_does_not_fit_is_told_once_for_all_rows(place: Place) -> None:
    lines = [HEADER.replace("Preis", "Price"), *(f"A-{number};x;1,00;01.12.2026;20" for number in range(500))]
    text = refused(place, "\n".join(lines))
    assert "None of the 500 rows was taken." in text
    assert text.count("The header has 'Price' where we expect 'Preis'.") == 1
    assert f"Expected: the header {HEADER} Send again" in text
    assert "Line 1 Artikelnummer;Bezeichnung;Price;gültig ab;War… ^^^^^ The header" in text
    assert "not listed here" not in text
    assert len(text) < 1000
    for word in ("globex-prices", "maps", "price.v2", "mapping"):
        assert word not in text


def test_a_wrong_delimiter_and_a_wrong_encoding_are_named(place: Place) -> None:
    commas = refused(place, f"{HEADER}\nA-1;x;1;01.12.2026;20;y\n".replace(";", ","))
    assert "The header has commas between the names of its columns, where we expect semicolons." in commas
    assert "Send again: Please send the whole file with semicolons between the cells." in commas
    utf_8 = refused(place, f"{HEADER}\nA-1;x;1,00;01.12.2026;20\n", "utf-8")
    assert "The file seems to be saved as UTF-8, where we expect windows-1252" in utf_8


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_X1_a_worker_that_lost_its_lease_writes_nothing(place: Place) -> None:  # noqa: N802 - the promise's name
    place.land(PRICES, "prices.csv", "drop://globex")
    assert work_once(place.gateway, "me")
    with place.gateway.database.write() as transaction:
        mine = letters.take_owed(transaction, owner="me", seconds=60.0)
    assert mine is not None
    place.clock.forward(120)
    assert write_once(place.gateway, "other")
    with pytest.raises(Retry), place.gateway.database.write() as transaction:
        letters.hold(transaction, mine, seconds=60.0)
    with place.gateway.database.read() as connection:
        assert [each.kind for each in letters.of_delivery(connection, mine.delivery)] == ["text", "html", "csv"]


def test_X1_what_a_dead_worker_was_to_write_is_written_by_another(place: Place) -> None:  # noqa: N802 - as above
    shown = place.land(PRICES, "prices.csv", "drop://globex")
    assert work_once(place.gateway, "me")
    with place.gateway.database.write() as transaction:
        assert letters.take_owed(transaction, owner="me", seconds=60.0) is not None
    assert not write_once(place.gateway, "other")
    give_back(place.gateway, "me", shown.number, None)
    assert write_once(place.gateway, "other")


def test_X1_a_letter_that_was_taken_away_is_not_put_there_again(place: Place) -> None:  # noqa: N802 - as above
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    send(place)
    assert len(taken(place, "globex")) == 3
    place.clock.forward(3600)
    place.work()
    send(place)
    assert outbox(place, "globex") == {}
    assert unsent(place, "globex") == []
    assert {each["state"] for each in place.delivery(shown["id"])["letters"]} == {"sent"}


def test_X1_a_letter_is_given_up_when_the_bytes_are_gone(place: Place) -> None:  # noqa: N802 - as above
    shown = place.land(PRICES, "prices.csv", "drop://globex")
    assert work_once(place.gateway, "me")
    place.vault.path(shown.sha256).unlink()
    for _ in range(place.gateway.settings.tries + 1):
        assert write_once(place.gateway, "me")
        place.clock.forward(120)
    assert not write_once(place.gateway, "me")
    assert place.events(shown.id)[-1] == "letter_failed"


def test_a_purge_takes_what_letters_quote_and_waits_for_none_that_nobody_sends(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    place.change("gateway.yaml", "drops:", "keep: 90d\ndrops:")
    place.clock.forward(91 * 86_400)
    purge = Retention(place.gateway.database, place.gateway.vault, place.gateway.in_force.routes())
    assert [each for each in purge.steps() if each] == []
    assert purge.tally.put_off == []
    assert place.delivery(shown["id"])["state"] == "purged"
    assert {each["state"] for each in place.delivery(shown["id"])["letters"]} == {"kept"}
    assert place.ask(f"/api/v1/deliveries/{shown['id']}/letter").status_code == 410
    send(place)
    assert outbox(place, "globex") == {}


# ── asked for ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_letter_is_handed_out_in_the_form_that_is_asked_for(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    path = f"/api/v1/deliveries/{shown['id']}/letter"
    send(place)
    files = outbox(place, "globex")
    for ending, media in (("txt", "text/plain"), ("html", "text/html"), ("csv", "text/csv")):
        answer = place.ask(path, headers={"Accept": media})
        assert (answer.status_code, answer.mimetype) == (200, media)
        assert answer.get_data() == files[f"letter_prices.csv_{shown['id']}.{ending}"]
        policy = set(answer.headers["Content-Security-Policy"].split("; "))
        assert "default-src 'none'" in policy
        assert ({"sandbox", "style-src 'unsafe-inline'"} <= policy) == (ending == "html")
    assert place.ask(path).mimetype == "text/plain"
    assert place.ask(path, headers={"Accept": "image/png"}).status_code == 406
    assert [each["kind"] for each in place.delivery(shown["id"])["letters"]] == ["text", "html", "csv"]


def test_who_may_not_see_the_partner_or_what_is_personal_does_not_get_it(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    path = f"/api/v1/deliveries/{shown['id']}/letter"
    other = make_key(place.gateway, "other", ("*:read",), partners=("acme",))
    assert place.client.get(path, headers={"Authorization": f"Bearer {other}"}).status_code == 404
    own = make_key(place.gateway, "own", ("deliveries:read",), partners=("globex",))
    assert place.client.get(path, headers={"Authorization": f"Bearer {own}"}).status_code == 200
    good = place.give(interchange(group(GOOD)), "orders.edi")
    missing = place.ask(f"/api/v1/deliveries/{good['id']}/letter")
    assert missing.status_code == 404
    assert "unknown_letter" in missing.get_data(as_text=True)


def test_the_command_shows_it(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    runner = CliRunner()
    plain = runner.invoke(letter_command, [shown["id"], "--workspace", str(place.folder)])
    assert plain.output.startswith("prices.csv: 2 of 10 rows refused\n")
    page = runner.invoke(letter_command, [shown["id"], "--html", "--workspace", str(place.folder)])
    assert page.output.startswith("<!doctype html>")
    none = runner.invoke(letter_command, ["d_unknown", "--workspace", str(place.folder)])
    assert none.exception is not None


# ── in time ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_sent_in_time_is_told_once_and_counted(place: Place) -> None:
    shown = place.give(PRICES, "prices.csv", "drop://globex")
    watch = LateWatch(place.gateway)
    place.clock.forward(14 * 60)
    watch.when_due()
    assert "answer_late" not in place.events(shown["id"])
    assert place.get("/health/integrations")["answers_late"] == 0
    place.clock.forward(120)
    watch.when_due()
    lines = place.get(f"/api/v1/deliveries/{shown['id']}/activity?limit=100")["items"]
    late = [each["message"] for each in lines if each["event"] == "answer_late"]
    assert late[0] == f"letter_prices.csv_{shown['id']}.txt is not sent yet, 16 minutes after it was due"
    assert len(late) == 3
    place.clock.forward(120)
    LateWatch(place.gateway).when_due()
    assert place.events(shown["id"]).count("answer_late") == 3
    assert place.get("/health/integrations")["answers_late"] == 3
    send(place)
    assert place.get("/health/integrations")["answers_late"] == 0


def test_an_acknowledgment_that_nobody_makes_is_late_too(place: Place) -> None:
    place.change("integrations/acme-orders.yaml", "contract: order v1", "contract: order v1\nanswer: 997")
    shown = place.land(interchange(group(GOOD)), "orders.edi")
    assert work_once(place.gateway, "me")
    with place.gateway.database.write() as transaction:
        assert lateness.take(transaction, transaction.now - timedelta(seconds=900)) == []
    place.clock.forward(901)
    with place.gateway.database.write() as transaction:
        (late,) = lateness.take(transaction, transaction.now - timedelta(seconds=900))
    assert (late.what, late.delivery, late.partner) == ("the acknowledgment", shown.id, "acme")


def test_the_letter_is_there_when_the_roles_run_without_anybody_asking(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.gateway.database.clock = wiring.utc_now
        stop = threading.Event()
        roles = [
            threading.Thread(target=work, args=(place.gateway, stop)),
            threading.Thread(target=send_until, args=(place.gateway, "sftp", stop)),
        ]
        for each in roles:
            each.start()
        bell = Bell(place.gateway.database)
        try:
            shown = place.land(PRICES, "prices.csv", "drop://globex")
            until = time.monotonic() + 60
            while len(sent(place, shown.id)) < 3 and time.monotonic() < until:
                bell.wait(1.0, stop)
            assert len(outbox(place, "globex")) == 3
        finally:
            stop.set()
            bell.close()
            for each in roles:
                each.join()


def sent(place: Place, delivery: str) -> list[str]:
    with place.gateway.database.read() as connection:
        lines = activity.after(connection, 0, delivery=delivery, limit=100)
    return [each.event for each in lines if each.event == "letter_sent"]
