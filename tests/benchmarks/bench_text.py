"""How fast rows, records and XML are read: beside ``csv.reader`` and lxml's own ``iterparse``, in processor time.

Run it alone with ``python -m tests.benchmarks.bench_text``; no test reads the clock. The files are made in memory and
handed over in chunks of 256 KiB, as the vault does.
"""

from __future__ import annotations

import csv
import io
import random
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Any

from lxml import etree

from edi.formats import FORMATS, parse_format
from edi.model import Document
from gateway.normalize.compiler import compile_mapping
from gateway.validate.judge import Judge
from tests.benchmarks.bench_validate import price_contract, table
from tests.benchmarks.harness import figure, paired
from tests.gateway.normalize.builders import integration

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 7
ROWS = 200_000
RECORDS = 50_000
INVOICES = 1_000
CHUNK = 1 << 18

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMESPACES = (
    f'xmlns="{UBL}Invoice-2" xmlns:cac="{UBL}CommonAggregateComponents-2" xmlns:cbc="{UBL}CommonBasicComponents-2"'
)
STOCK = """
    01  STOCK.
        05  SITE       PIC X(3).
        05  NUMBER     PIC 9(6).
        05  VALUE-AT   PIC S9(7)V99 COMP-3.
        05  COUNTED    PIC S9(9) COMP.
        05  NAME       PIC X(20).
"""
MOVEMENTS = "fixed sku:1-10 quantity:11-16:number(1) price:17-23:number(2) name:24-47"
PRICES = {
    "sku": "Artikelnummer | strip",
    "price": "Preis | decimal('1.234,56')",
    "currency": '"EUR"',
    "valid_from": "gültig ab | date('dd.mm.yyyy')",
    "group": "Warengruppe | code(groups)",
}


def measure() -> list[dict[str, Any]]:
    """The figures: ``name, value, unit, runs``, and ``against, ratio, aim, met`` where there is an aim."""
    plain = list_of_prices(",", "Bracket for garden and house")
    wide = "".join(f"{row},EUR,{n % 97},Widget {n % 977},X,yes\n" for n, row in enumerate(plain.splitlines()))
    quoted = "".join('"' + row.replace(",", '","') + '"\n' for row in plain.splitlines())
    return [
        *rows("CSV, 5 columns, raw with offsets", plain.encode(), aim=2_400_000),
        *rows("CSV, 10 columns, raw with offsets", wide.encode()),
        *rows("CSV, 5 columns, every cell quoted", quoted.encode()),
        mapped(list_of_prices(";", "Größe 7 für Garten").encode("cp1252")),
        *invoices(),
        records("fixed width, 4 columns", MOVEMENTS, b"".join(map(movement, range(RECORDS)))),
        records("COBOL copybook, EBCDIC, 5 columns", "fixed layout=stock cp037", b"".join(map(stock, range(RECORDS)))),
    ]


def rows(name: str, data: bytes, aim: int | None = None) -> list[dict[str, Any]]:
    """Rows a second, beside ``csv.reader`` over the same file, which knows no offsets."""
    count = drawn("csv ,", data)
    ours, _, ratio = paired(
        lambda: count / spent(partial(walked, data)), lambda: count / spent(partial(by_csv, data)), RUNS
    )
    more = {"aim": f"≥ {aim:,} rows/s", "met": ours >= aim} if aim else {}
    return [figure(name, round(ours), "rows/s", RUNS, against="csv.reader", ratio=round(ratio, 2), **more)]


def mapped(data: bytes) -> dict[str, Any]:
    """Rows a second from bytes to judged records."""
    codes = {"ISO-4217": table("ISO-4217", "EUR"), "groups": table("groups", "10", "20", "30", "40")}
    contract = price_contract()
    judge = Judge(contract, codes)
    header = ("Artikelnummer", "Bezeichnung", "Preis", "gültig ab", "Warengruppe")
    mapper = compile_mapping(integration("csv", PRICES), contract, columns=header, codes=codes)
    count = data.count(b"\n")

    def whole() -> None:
        for item in read("csv ; windows-1252", data):
            assert isinstance(item, Document)
            record, faults = mapper(item)
            value, told = judge.judge(record)
            assert value is not None
            assert not faults
            assert not told

    value, _, _ = paired(lambda: count / spent(whole), lambda: 1.0, RUNS)
    return figure(
        "CSV mapped and validated", round(value), "rows/s", RUNS, aim="≥ 250,000 rows/s", met=value >= 250_000
    )


def invoices() -> list[dict[str, Any]]:
    """Megabytes a second of UBL invoices, repeated in one file and one in each file, beside ``iterparse``."""
    files = [invoice(number).encode() for number in range(INVOICES)]
    whole = b"<Batch>" + b"\n".join(files) + b"</Batch>"
    return [
        beside("UBL invoices, all in one file", "xml each=Invoice", [whole]),
        beside("UBL invoices, one in each file", "xml ubl:Invoice-2.1", files),
    ]


def beside(name: str, declaration: str, files: list[bytes]) -> dict[str, Any]:
    """Megabytes a second of files of XML, and the ratio to ``iterparse``."""
    size = sum(map(len, files)) / 1e6
    ours, _, ratio = paired(
        lambda: size / spent(lambda: [drawn(declaration, data) for data in files]),
        lambda: size / spent(partial(parsed, files)),
        RUNS,
    )
    more = {"aim": "≥ 0.6 × iterparse", "met": ratio >= 0.6}
    return figure(name, round(ours, 1), "MB/s", RUNS, against="lxml iterparse", ratio=round(ratio, 2), **more)


def records(name: str, declaration: str, data: bytes) -> dict[str, Any]:
    """Records a second."""
    value, _, _ = paired(lambda: RECORDS / spent(partial(drawn, declaration, data)), lambda: 1.0, RUNS)
    return figure(name, round(value), "records/s", RUNS)


def spent(call: Callable[[], object]) -> float:
    """Processor seconds."""
    begun = process_time()
    call()
    return process_time() - begun


def read(declaration: str, data: bytes) -> Any:
    """The items of a file."""
    name, _, message, options = parse_format(declaration, {"stock": STOCK})
    chunks = (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))
    return FORMATS[name].read(chunks, dict(options) | ({"message": message} if message else {}))


def drawn(declaration: str, data: bytes) -> int:
    """How many documents a file holds, every one of which is right."""
    count = 0
    for item in read(declaration, data):
        assert not item.findings
        count += 1
    return count


def walked(data: bytes) -> None:
    """Rows of commas, drawn and left alone."""
    for _ in read("csv ,", data):
        pass


def by_csv(data: bytes) -> None:
    """What the csv module does with it."""
    for _ in csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")):
        pass


def parsed(files: list[bytes]) -> None:
    """What ``iterparse`` does with them, in bounded memory."""
    for data in files:
        for _, element in etree.iterparse(io.BytesIO(data), tag="{*}Invoice"):
            element.clear(keep_tail=True)
            while element.getprevious() is not None:
                parent = element.getparent()
                assert parent is not None
                del parent[0]


def list_of_prices(delimiter: str, name: str) -> str:
    """A price list without a header."""
    chance = random.Random(1)
    point = "," if delimiter == ";" else "."
    return "".join(
        delimiter.join(
            (
                f"ART-{number:07}",
                name,
                f"{chance.randrange(1, 2000)}{point}{chance.randrange(100):02}",
                f"{chance.randrange(1, 28):02}.12.2026",
                chance.choice(("10", "20", "30", "40")),
            )
        )
        + "\n"
        for number in range(ROWS)
    )


def movement(number: int) -> bytes:
    """A record of :data:`MOVEMENTS`."""
    return f"A-{number:<8}{number % 999 + 1:6}{number * 7 % 90_000:07}{'Bracket for garden':24}\n".encode()


def stock(number: int) -> bytes:
    """A record of :data:`STOCK`."""
    value = bytes.fromhex(f"{number * 13 % 10**9:09}c")
    text = f"R{number % 89:02}{number:06}".encode("cp037"), f"{'Bracket for garden':20}".encode("cp037")
    return text[0] + value + number.to_bytes(4, "big") + text[1]


def invoice(number: int) -> str:
    """An invoice of five lines."""
    lines = "".join(
        f"""
  <cac:InvoiceLine>
    <cbc:ID>{line}</cbc:ID>
    <cbc:InvoicedQuantity unitCode="EA">{line * 10}</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">{line * 12}.50</cbc:LineExtensionAmount>
    <cac:Item>
      <cbc:Name>Bracket {number % 97} for house &amp; garden</cbc:Name>
      <cac:SellersItemIdentification><cbc:ID>ART-{number:07}</cbc:ID></cac:SellersItemIdentification>
    </cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">1.25</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>"""
        for line in range(1, 6)
    )
    party = "<cac:Party><cac:PartyName><cbc:Name>{}</cbc:Name></cac:PartyName></cac:Party>"
    return f"""<Invoice {NAMESPACES}>
  <cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:ID>INV-{number}</cbc:ID><cbc:IssueDate>2026-11-21</cbc:IssueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:AccountingSupplierParty>{party.format("Acme Größe")}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{party.format("Globex")}</cac:AccountingCustomerParty>{lines}
  <cac:LegalMonetaryTotal><cbc:PayableAmount currencyID="EUR">187.50</cbc:PayableAmount></cac:LegalMonetaryTotal>
</Invoice>"""


if __name__ == "__main__":
    for line in measure():
        ratio = f"{line['ratio']} × {line['against']}" if "ratio" in line else ""
        print(f"{line['name']:40} {line['value']:>12,} {line['unit']:10} {ratio:24} {line.get('aim', '')}")
