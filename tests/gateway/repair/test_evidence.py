"""Every value of a record leads back to the bytes that it was made of, whatever the format."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway.operate.cli import gateway as command_line
from gateway.receive.changes import canonical_lines
from tests.acceptance.workspaces import opened, sample
from tests.gateway.repair.test_replay import file, row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.workspaces import Place

CSV = sample("globex-prices.csv")
TABLE = """\
integration: erp-prices
about: Prices of the warehouse
owner: pricing-team
source: table://erp/PREISE
partner: globex
key: ARTNR
changes: snapshot every 60s
contract: price v2
precedence: 2
map:
  sku: ARTNR | strip
  name: ARTNR
  price: PREIS | decimal
  currency: "'EUR'"
  valid_from: AB | date
  group: "'tools'"
"""


def the_bytes(place: Place, evidence: dict[str, Any]) -> None:
    """Each source's bytes are those of the file between its offsets."""
    raw = place.raw(evidence["delivery"])
    sources = [source for field in evidence["fields"] for source in field["sources"] if source["start"] is not None]
    assert sources
    for each in sources:
        assert base64.b64decode(each["bytes"]) == raw[each["start"] : each["end"]]
        assert raw[: each["start"]].count(b"\n") + 1 == each["line"]


@pytest.mark.parametrize(
    ("name", "source", "path", "field", "rule", "text"),
    [
        pytest.param("acme-orders.edi", "drop://acme", "orders/acme~4711", "number", "BEG03", "4711", id="x12"),
        pytest.param(
            "acme-orders.edi", "drop://acme", "orders/acme~4711", "lines.1.quantity", "PO102", None, id="loop"
        ),
        pytest.param(
            "northwind-orders.edi", "drop://northwind", "orders/northwind~*", "number", None, None, id="edifact"
        ),
        pytest.param(
            "globex-prices.csv", "drop://globex", "prices/SCR-M8-40~2026-12-01", "price", "Preis", None, id="csv"
        ),
        pytest.param(
            "initech-invoice.xml", "drop://initech", "invoices/*", "lines.0.amount", "LineExtension", None, id="xml"
        ),
    ],
)
def test_a_value_leads_to_its_bytes(
    tmp_path: Path, name: str, source: str, path: str, field: str, rule: str | None, text: str | None
) -> None:
    with opened(tmp_path) as place:
        file = "prices.csv" if name.endswith("csv") else "invoice.xml" if name.endswith("xml") else name
        given = place.give(sample(name), file, source)
        collection, _, key = path.partition("/")
        if "*" in key:
            key = next(each["_key"] for each in place.records(collection))
        evidence = place.get(f"/api/v1/{collection}/{key}/evidence?field={field}")
        assert (evidence["delivery"], evidence["sha256"]) == (given["id"], given["sha256"])
        assert evidence["revision"] == given["revision"]
        (found,) = evidence["fields"]
        assert found["field"] == "/" + field.replace(".", "/")
        assert found["place"].startswith(("integrations/", "standard/"))
        assert rule is None or rule in found["rule"]
        assert text is None or found["sources"][0]["text"] == text
        the_bytes(place, evidence)
        the_bytes(place, place.get(f"/api/v1/{collection}/{key}/evidence"))


def test_a_row_of_a_database_is_its_own_evidence(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        (place.folder / "integrations/erp-prices.yaml").write_text(TABLE, encoding="utf-8")
        (place.folder / "connections.yaml").write_text(
            "erp:\n  kind: odbc\n  url: Driver={SQLite3}\n", encoding="utf-8"
        )
        place.change("integrations/globex-prices.yaml", "contract: price v2", "contract: price v2\nprecedence: 1")
        rows: list[dict[str, Any]] = [
            {"ARTNR": "Z-1 ", "PREIS": "12.50", "AB": "2026-12-01"},
            {"ARTNR": "Z-2", "PREIS": 3, "AB": "2026-12-01"},
        ]
        place.give(canonical_lines(rows), "PREISE.jsonl", "table://erp/PREISE")
        evidence = place.get("/api/v1/prices/Z-2~2026-12-01/evidence?field=price")
        assert (evidence["source"], evidence["document"]) == ("table://erp/PREISE", 2)
        assert evidence["fields"][0]["sources"][0]["text"] == "3"
        the_bytes(place, evidence)


def test_earlier_values_are_told_with_who_brought_them(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        first = place.give(CSV, "prices.csv", "drop://globex")
        path = "/api/v1/prices/SCR-M8-40~2026-12-01"
        price = place.get(path)["price"]
        changed = [CSV.replace(b"M8 x 40;", b"M8 x 40 (%d);" % n) for n in range(2)]
        place.give(changed[0], "same-price.csv", "drop://globex")
        raised = _raised(CSV)
        place.give(raised, "raised.csv", "drop://globex")
        evidence = place.get(f"{path}/evidence?field=price")
        assert evidence["name"] == "raised.csv"
        (earlier,) = evidence["fields"][0]["earlier"]
        assert (earlier["value"], earlier["delivery"], earlier["sender"]) == (price, first["id"], "globex")
        then = place.get(f"{path}/evidence?field=price&as_of={earlier['change']}")
        assert (then["delivery"], then["fields"][0]["value"]) == (first["id"], price)


def _raised(content: bytes) -> bytes:
    lines = content.split(b"\r\n")
    cells = lines[1].split(b";")
    assert cells[0] == b"SCR-M8-40"
    cells[2] = b"999,00"
    return b"\r\n".join([lines[0], b";".join(cells), *lines[2:]])


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(CSV, "prices.csv", "drop://globex")
        nothing = place.ask("/api/v1/prices/SCR-M8-40~2026-12-01/evidence?field=prise")
        assert (nothing.status_code, nothing.json["code"]) == (400, "bad_parameter")  # type: ignore[index]
        assert "'/price'" in nothing.json["remedy"]  # type: ignore[index]
        assert place.ask("/api/v1/prices/none~2026-12-01/evidence").status_code == 404


def test_the_command_explains_a_field(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(sample("acme-orders.edi"))
        words = ["explain", "order", "acme~4711", "number", "-w", str(tmp_path)]
        shown = CliRunner().invoke(command_line, words)
        assert shown.exit_code == 0, shown.output
        assert "BEG03: '4711'  line" in shown.output
        assert "integrations/acme-orders.yaml:" in shown.output
        assert json.loads(CliRunner().invoke(command_line, [*words, "-o", "json"]).output)["_key"] == "acme~4711"
        for wrong in (["explain", "ordr", "x"], ["explain", "order", "x"], ["explain", "order", "acme~4711", "x"]):
            assert CliRunner().invoke(command_line, [*wrong, "-w", str(tmp_path)]).exit_code in (1, 2)


def test_a_value_that_the_mapping_itself_gives_is_called_so(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "(Bezeichnung | squash) ?? 'none'")
        place.give(file(row(1, name=""), row(2)), "prices.csv", "drop://globex")
        path = "/api/v1/prices/A-{}~2026-12-01/evidence"
        given = {each["field"]: each["given"] for each in place.get(path.format(1))["fields"]}
        assert given["/currency"] == "constant"
        assert given["/name"] == "default"
        assert given["/sku"] is None
        assert {each["field"]: each["given"] for each in place.get(path.format(2))["fields"]}["/name"] is None
        words = ["explain", "price", "A-1~2026-12-01", "-w", str(tmp_path)]
        shown = CliRunner().invoke(command_line, words).output
        assert '/currency  "EUR"\n  EUR' in shown
        assert "\n  the mapping itself says the value" in shown
        assert "\n  no source has a value, so that the mapping's own counts" in shown


def corrected(place: Place, held: dict[str, Any], old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Correct a held document, whose file is not of an archive; what it was and what it is."""
    before = place.raw(held["delivery"])[held["start"] : held["end"]]
    after = before.replace(old, new)
    assert after != before
    body = {"base64": base64.b64encode(after).decode(), "reason": "said on the phone"}
    answer = place.ask(f"/api/v1/quarantine/{held['id']}/correct", "POST", json=body)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    place.work()
    return before, after


def of_correction(evidence: dict[str, Any], after: bytes, raw: bytes, wanted: tuple[str, str]) -> dict[str, Any]:
    """The source of the only field, of which the correction says the first text, and the raw file the second."""
    correction = evidence["correction"]
    assert (correction["who"], correction["reason"]) == ("test", "said on the phone")
    assert (correction["size"], correction["sha256"]) == (len(after), hashlib.sha256(after).hexdigest())
    (source,) = evidence["fields"][0]["sources"]
    assert (source["within"], source["text"], source["original"]["text"]) == ("correction", *wanted)
    assert base64.b64decode(source["bytes"]) == after[source["start"] : source["end"]]
    original = source["original"]
    assert base64.b64decode(original["bytes"]) == raw[original["start"] : original["end"]]
    assert original["line"] == raw[: original["start"]].count(b"\n") + 1
    return dict(source)


def test_a_corrected_value_is_shown_in_the_correction_and_beside_what_the_raw_file_holds(
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        raw = CSV.replace(b"0,31", b"a lot", 1)
        place.give(raw, "prices.csv", "drop://globex")
        held = next(each for each in place.held() if each["number"] == 1)
        before, after = corrected(place, held, b"a lot", b"7,50")
        path = "/api/v1/prices/SCR-M8-40~2026-12-01/evidence"
        evidence = place.get(f"{path}?field=price")
        source = of_correction(evidence, after, raw, ("7,50", "a lot"))
        assert source["line"] == 1
        assert raw[evidence["start"] : evidence["end"]] == before
        assert all(
            each["original"]["text"] == each["text"]
            for field in place.get(path)["fields"]
            for each in field["sources"]
            if field["field"] != "/price"
        )


def test_a_correction_of_a_message_is_shown_path_by_path(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        raw = sample("acme-orders.edi").replace(b"BEG*00*SA*4711**20261120", b"BEG*00*SA*4711**20261399", 1)
        place.give(raw)
        (held,) = [each for each in place.held() if each["number"] == 1]
        _, after = corrected(place, held, b"20261399", b"20261120")
        evidence = place.get("/api/v1/orders/acme~4711/evidence?field=ordered_on")
        source = of_correction(evidence, after, raw, ("20261120", "20261399"))
        assert (source["tag"], source["line"]) == ("BEG", 2)


def test_what_the_raw_file_does_not_have_is_no_original(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        (place.folder / "integrations/erp-prices.yaml").write_text(TABLE, encoding="utf-8")
        (place.folder / "connections.yaml").write_text(
            "erp:\n  kind: odbc\n  url: Driver={SQLite3}\n", encoding="utf-8"
        )
        place.change("integrations/globex-prices.yaml", "contract: price v2", "contract: price v2\nprecedence: 1")
        raw = b'{"ARTNR": "Z-0", "PREIS": 1, "AB": "2026-12-01"}\n{broken\n'
        place.give(raw, "PREISE.jsonl", "table://erp/PREISE")
        (held,) = place.held()
        _, after = corrected(place, held, b"{broken", b'{"ARTNR": "Z-1", "PREIS": 2, "AB": "2026-12-01"}')
        evidence = place.get("/api/v1/prices/Z-1~2026-12-01/evidence?field=price")
        assert evidence["fields"][0]["sources"][0] | {"bytes": "", "original": None} == {
            "path": "PREIS",
            "within": "correction",
            "start": after.index(b" 2,") + 1,
            "end": after.index(b" 2,") + 2,
            "line": 1,
            "segment": None,
            "tag": None,
            "element": None,
            "component": None,
            "column": "PREIS",
            "bytes": "",
            "text": "2",
            "original": None,
        }
        assert evidence["fields"][0]["sources"][0]["original"] is None
        shown = CliRunner().invoke(command_line, ["explain", "price", "Z-1~2026-12-01", "price", "-w", str(tmp_path)])
        assert "    the raw file has no PREIS there\n" in shown.output


def test_a_correction_in_an_archive_is_counted_in_its_member(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        member = CSV.replace(b"SCR-M8-40;", b"SCR-M8-41;", 1)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("first.csv", CSV)
            archive.writestr("second.csv", member)
        place.give(file.getvalue(), "prices.zip", "drop://globex")
        held = next(each for each in place.held("&code=mapping.number") if each["member"] == "second.csv")
        finding = next(each for each in held["findings"] if each["code"] == "mapping.number")
        body = {"patch": [{"start": finding["start"], "end": finding["end"], "text": "3,25"}], "reason": "a test"}
        assert place.ask(f"/api/v1/quarantine/{held['id']}/correct", "POST", json=body).status_code == 202
        place.work()
        key = next(each["_key"] for each in place.records("prices") if each["price"] == "3.25")
        evidence = place.get(f"/api/v1/prices/{key}/evidence?field=price")
        assert (evidence["member"], evidence["start"], evidence["end"]) == ("second.csv", held["start"], held["end"])
        (source,) = evidence["fields"][0]["sources"]
        assert (source["start"], source["end"]) == (
            finding["start"] - held["start"],
            finding["start"] - held["start"] + 4,
        )
        assert source["original"] == {
            "start": finding["start"],
            "end": finding["end"],
            "line": finding["line"],
            "bytes": base64.b64encode(member[finding["start"] : finding["end"]]).decode(),
            "text": finding["value"],
        }


def test_the_command_says_that_a_value_comes_from_a_correction(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        raw = sample("acme-orders.edi").replace(b"BEG*00*SA*4711**20261120", b"BEG*00*SA*4711**20261399", 1)
        place.give(raw)
        (held,) = [each for each in place.held() if each["number"] == 1]
        _, after = corrected(place, held, b"20261399", b"20261120")
        words = ["explain", "order", "acme~4711", "ordered_on", "-w", str(tmp_path)]
        shown = CliRunner().invoke(command_line, words).output
        place_ = after.index(b"20261120")
        assert ": said on the phone\n" in shown
        assert f"its values come from the correction, {len(after)} bytes, sha256 " in shown
        assert f"BEG05: '20261120'  line 2, segment 2, bytes {place_} to {place_ + 8} of the correction\n" in shown
        place_ = raw.index(b"20261399")
        assert f"    the raw file: '20261399'  line 4, bytes {place_} to {place_ + 8}\n" in shown
