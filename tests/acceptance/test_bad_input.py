"""What bad input gets: a finding with its place and a remedy, a state that the API shows, and nothing lost."""

from __future__ import annotations

import io
import itertools
import time
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gateway.model import Arrived
from tests.acceptance.workspaces import conserved, opened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place

X12, EDIFACT = sample("acme-orders.edi"), sample("northwind-orders.edi")
CSV, XML = sample("globex-prices.csv"), sample("initech-invoice.xml")
DOCTYPE = b'<!DOCTYPE Invoice [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<Invoice '


class Case(NamedTuple):
    """A file, from whom, how its delivery ends, and the one finding that must be among its findings."""

    content: bytes
    source: str
    state: str
    documents: dict[str, int]
    code: str
    line: int | None
    quoted: bytes
    remedy: str


CASES = {
    "an X12 sender that is nobody's identifier": Case(
        X12.replace(b"*ZZ*ACME           *", b"*ZZ*EVIL           *"), "acme", "quarantined", {"unrouted": 2},
        "route.unknown_partner", 1, b"EVIL", "add isa: ZZ:EVIL to the identifiers in partners/acme.yaml",
    ),
    "an EDIFACT sender that is nobody's identifier": Case(
        EDIFACT.replace(b"3+5412345000013:14", b"3+5400000000009:14"), "northwind", "quarantined", {"unrouted": 1},
        "route.unknown_partner", 2, b"5400000000009", "partners/northwind.yaml",
    ),
    "a message that no integration takes": Case(
        X12.replace(b"ST*850", b"ST*855"), "acme", "quarantined", {"unrouted": 2},
        "route.unwanted_message", 3, b"ST*855", "format: x12 004010 855",
    ),
    "an empty X12 file": Case(
        b"", "acme", "quarantined", {}, "file.empty", 1, b"", "Send the file again",
    ),
    "an empty CSV file": Case(
        b"", "globex", "quarantined", {}, "file.empty", 1, b"", "Send the file again",
    ),
    "an empty XML file": Case(
        b"", "initech", "quarantined", {}, "file.empty", 1, b"", "Send the file again",
    ),
    "an X12 interchange that breaks off in its second document": Case(
        X12[:600], "acme", "quarantined", {"quarantined": 2}, "envelope.truncated", None, b"", "send the whole file",
    ),
    "an X12 interchange without its trailers": Case(
        X12[: X12.index(b"GE*2")], "acme", "quarantined", {"quarantined": 2},
        "envelope.truncated", None, b"", "send the whole file",
    ),
    "an EDIFACT interchange that breaks off": Case(
        EDIFACT[:300], "northwind", "quarantined", {"quarantined": 1},
        "envelope.truncated", None, b"", "send the whole file",
    ),
    "XML that breaks off": Case(
        XML[:900], "initech", "quarantined", {"quarantined": 1}, "xml.malformed", 14, b"", "send the whole file",
    ),
    "an X12 interchange in UTF-16": Case(
        X12.decode().encode("utf-16"), "acme", "quarantined", {}, "text.wide", 1, b"\xff\xfe", "plain ASCII",
    ),
    "UTF-16 where windows-1252 is declared": Case(
        CSV.decode("cp1252").encode("utf-16"), "globex", "quarantined", {}, "text.wide", 1, b"\xff\xfe", "UTF-8",
    ),
    "XML in windows-1252 that declares UTF-8": Case(
        XML.replace(b"IN-2026-0815", b"IN-2026-\xe4815", 1), "initech", "quarantined", {"quarantined": 1},
        "text.encoding", None, b"\xe4", 'write encoding="windows-1252"',
    ),
    "a byte that windows-1252 does not know": Case(
        CSV.replace(b"Spaten", b"Spat\x81n"), "globex", "partly_accepted", {"accepted": 8, "quarantined": 2},
        "text.encoding", 9, b"\x81", "Declare the encoding",
    ),
    "a quote that is never closed": Case(
        CSV.replace(b'"Bootslack; 1 l"', b'"Bootslack; 1 l'), "globex", "partly_accepted",
        {"accepted": 5, "quarantined": 2}, "csv.unclosed_quote", 8, b'"Bootslack; 1 l;19', "Add the closing quote",
    ),
    "a doctype": Case(
        XML.replace(b"<Invoice ", DOCTYPE), "initech", "quarantined", {}, "xml.doctype", 2, b"<!DOCTYPE", "leave out",
    ),
    "a required element that is empty": Case(
        X12.replace(b"*4711**", b"***"), "acme", "quarantined", {"quarantined": 2},
        "element.missing", 4, b"", "fill BEG03",
    ),
    "a required cell that is empty": Case(
        CSV.replace(b";0,38;", b";;"), "globex", "partly_accepted", {"accepted": 7, "quarantined": 3},
        "mapping.missing", 3, b"", "Ask the sender for it",
    ),
    "a required XML element that is not there": Case(
        XML.replace(b"  <cbc:ID>IN-2026-0815</cbc:ID>\n", b""), "initech", "quarantined", {"quarantined": 1},
        "mapping.missing", None, b"", "Ask the sender for it",
    ),
    "a code that is in no table": Case(
        CSV, "globex", "partly_accepted", {"accepted": 8, "quarantined": 2},
        "mapping.code", 9, b"77", "add the code to codes/product-groups.csv",
    ),
    "the letter O in an X12 price": Case(
        X12, "acme", "partly_accepted", {"accepted": 1, "quarantined": 1},
        "element.number", 25, b"12,5O", "12.50",
    ),
    "the letter O in a CSV price": Case(
        CSV.replace(b"19,80", b"19,81"), "globex", "partly_accepted", {"accepted": 8, "quarantined": 2},
        "mapping.number", 4, b"12,5O", "Correct the value",
    ),
    "a header without a column that is mapped": Case(
        CSV.replace(b";Preis;", b";Prise;"), "globex", "quarantined", {"quarantined": 10},
        "mapping.unusable", 1, b"Artikelnummer;Bezeichnung;Prise", "integrations/globex-prices.yaml:14:15",
    ),
}  # fmt: skip
NAMES = {"acme": "orders.edi", "northwind": "orders.edi", "globex": "prices.csv", "initech": "invoice.xml"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("workspace")) as one:
        yield one


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_bad_file_ends_in_a_finding_with_its_place_and_a_remedy(place: Place, case: Case) -> None:
    shown = place.give(case.content, NAMES[case.source], f"drop://{case.source}")

    assert (shown["state"], shown["documents"]) == (case.state, case.documents)
    finding = next(each for each in place.findings(shown["id"]) if each["code"] == case.code)
    assert finding["severity"] == "error"
    assert 0 <= finding["start"] <= finding["end"] <= len(case.content)
    assert case.content[finding["start"] : finding["end"]].startswith(case.quoted)
    assert finding["line"] == case.line or case.line is None
    assert case.remedy in finding["remedy"]
    assert place.events(shown["id"])[-1] == case.state
    conserved(place, shown["id"])
    assert place.raw(shown["id"]) == case.content


def test_a_file_that_no_integration_wants_waits_as_a_whole(place: Place) -> None:
    shown = place.give(b"Dear all,\nplease find attached\n", "readme.txt")

    assert (shown["state"], shown["documents"]) == ("quarantined", {"unrouted": 1})
    (held,) = place.held(f"&delivery={shown['id']}")
    assert (held["state"], held["start"], held["end"]) == ("unrouted", 0, shown["size"])
    (finding,) = held["findings"]
    assert finding["code"] == "route.unwanted_file"
    assert "readme.txt from drop://acme is wanted by nobody" in finding["message"]
    assert "Add an integration with source: drop://acme/" in finding["remedy"]
    conserved(place, shown["id"])
    assert place.raw(shown["id"]) == b"Dear all,\nplease find attached\n"


def test_a_duplicate_is_shown_and_counted_and_makes_no_records(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(CSV, "prices.csv", "drop://globex")
        before = place.records("prices")

        again = place.give(CSV, "prices-2.csv", "drop://globex")

        assert (again["state"], again["documents"], again["twin"]) == ("duplicate", {"duplicate": 10}, first["id"])
        (finding,) = place.findings(again["id"])
        assert (finding["code"], finding["start"], finding["end"]) == ("delivery.duplicate", 0, len(CSV))
        assert first["id"] in finding["message"]
        assert finding["remedy"]
        assert place.records("prices") == before
        assert place.raw(again["id"]) == CSV


class Endless:
    """A CSV file with one field of so many bytes, which is never in memory."""

    def __init__(self, field_bytes: int) -> None:
        field = itertools.repeat(b"x" * 1024 * 1024, field_bytes // (1024 * 1024))
        head = b'Artikelnummer;Bezeichnung;Preis;g\xfcltig ab;Warengruppe\r\nA-1;"'
        tail = b'";1,00;01.12.2026;10\r\nB-1;Brett;2,00;01.12.2026;10\r\n'
        self._parts = itertools.chain([head], field, [tail])

    def read(self, _size: int) -> bytes:
        return next(self._parts, b"")

    def tell(self) -> int:
        return 0


def test_a_field_of_200_megabytes_is_refused_and_the_row_behind_it_is_taken(place: Place) -> None:
    place.change("integrations/globex-prices.yaml", "above 50% bad", "above 60% bad")
    began = time.process_time()
    landed = place.gateway.receiver.land(
        Arrived("drop://globex", "huge.csv", "globex"),
        Endless(200 * 1024 * 1024),  # type: ignore[arg-type] # all that landing asks of a stream whose content is new
    )
    place.work()

    shown = place.delivery(landed.id)
    assert (shown["state"], shown["documents"]) == ("partly_accepted", {"accepted": 1, "quarantined": 1})
    (finding,) = place.findings(landed.id)
    assert finding["code"] == "csv.too_long"
    assert (finding["line"], finding["document"]) == (2, 1)
    assert "field_bytes_max" in finding["remedy"]
    assert 0 < finding["start"] < finding["end"] <= shown["size"]
    assert shown["size"] > 200 * 1024 * 1024
    place.gateway.vault.verify(shown["sha256"])
    assert time.process_time() - began < 60  # not a measurement: it would take minutes if it were quadratic


@pytest.mark.parametrize("where", ["a cell", "an element", "the header"])
def test_nul_bytes_are_held_on_every_store(tmp_path: Path, store_url: str, where: str) -> None:
    content, name, source = {
        "a cell": (CSV.replace(b"300 g", b"300\0g"), "prices.csv", "drop://globex"),
        "an element": (X12.replace(b"*4711*", b"*47\x0011*"), "orders.edi", "drop://acme"),
        "the header": (CSV.replace(b";Preis;", b";Pr\0eis;"), "prices.csv", "drop://globex"),
    }[where]
    with opened(tmp_path, store=store_url) as place:
        shown = place.give(content, name, source)

        assert shown["state"] in ("quarantined", "partly_accepted")
        assert all(each["remedy"] and each["start"] is not None for each in place.findings(shown["id"]))
        conserved(place, shown["id"])
        assert place.raw(shown["id"]) == content


def test_an_upload_over_http_lands_the_same_line(place: Place) -> None:
    upload = "/api/v1/integrations/globex-prices/deliveries?filename=by-hand.csv"
    answer = place.ask(upload, "POST", data=b"Artikelnummer;Preis\r\nA;1\r\n")
    assert answer.status_code == 202
    place.work()

    shown = place.delivery(answer.json["id"])  # type: ignore[index] # an accepted upload has a body
    assert (shown["state"], shown["documents"], shown["partner"]) == ("quarantined", {"quarantined": 1}, "globex")
    assert "there is no column 'Bezeichnung'" in place.findings(shown["id"])[0]["message"]
    assert io.BytesIO(place.raw(shown["id"])).readline() == b"Artikelnummer;Preis\r\n"


HEADER = CSV.partition(b"\n")[0] + b"\n"


@pytest.mark.parametrize("footer", [pytest.param("", id="alone"), pytest.param(" footer=1", id="with a last line")])
def test_a_header_without_rows_is_held_when_its_columns_are_not_those_of_the_mapping(
    tmp_path: Path, store_url: str, footer: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        last = b"Summe;17;;;\n" if footer else b""
        if footer:
            place.change("integrations/globex-prices.yaml", "windows-1252 header", f"windows-1252 header{footer}")
        right = place.give(HEADER + last, "none.csv", "drop://globex")
        assert (right["state"], right["documents"]) == ("accepted", {})
        wrong = place.give(HEADER.replace(b"Preis", b"Preiss") + last, "none.csv", "drop://globex")
        assert (wrong["state"], wrong["documents"]) == ("quarantined", {})
        (finding,) = [each for each in place.findings(wrong["id"]) if each["severity"] == "error"]
        assert finding["code"] == "mapping.unusable"
        assert "there is no column 'Preis'; did you mean 'Preiss'?" in finding["message"]
        assert (finding["start"], finding["line"]) == ((0, 1) if not footer else (finding["start"], finding["line"]))
        (held,) = place.held(f"&delivery={wrong['id']}")
        assert held["number"] == 0
        place.change("integrations/globex-prices.yaml", "price:      Preis ", "price:      Preiss ")
        assert place.ask(f"/api/v1/quarantine/{held['id']}/retry", "POST", json={}).status_code == 202
        place.work()
        assert place.delivery(wrong["id"])["state"] == "accepted"


def test_a_header_with_columns_that_nobody_knows_names_those_that_are_there(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(b"Name;Vorname;Ort\r\n", "people.csv", "drop://globex")
        (finding,) = [each for each in place.findings(shown["id"]) if each["severity"] == "error"]
        for column in ("Artikelnummer", "Preis", "Warengruppe"):
            assert f"there is no column {column!r}" in finding["message"]
        assert "the columns are Name, Vorname, Ort" in finding["message"]
        assert (finding["start"], finding["end"], finding["line"]) == (0, 16, 1)
        comma = place.give(b"Artikelnummer,Bezeichnung,Preis,x,y\r\n", "comma.csv", "drop://globex")
        assert [each["code"] for each in place.findings(comma["id"]) if each["severity"] == "error"]


def test_a_member_with_a_wrong_header_and_no_rows_is_told_by_its_name(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.csv", CSV)
            archive.writestr("b.csv", b"Name;Vorname;Ort\r\n")
        shown = place.give(file.getvalue(), "prices.zip", "drop://globex")
        (finding,) = [each for each in place.findings(shown["id"]) if each["code"] == "mapping.unusable"]
        assert (finding["member"], finding["start"], finding["line"]) == ("b.csv", 0, 1)
        assert shown["state"] == "quarantined"
