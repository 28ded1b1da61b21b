"""A mainframe's file by its copybook, through the whole product: good records are served, bad ones are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.workspaces import make, reopened

if TYPE_CHECKING:
    from pathlib import Path

COPYBOOK = """\
       01  STOCK.
           05  KIND            PIC X.
           05  HEAD.
               10  RUN-NO      PIC 9(8).
               10  FILLER      PIC X(14).
           05  PRICE-DATA REDEFINES HEAD.
               10  SKU         PIC X(8).
               10  PRICE-NET   PIC S9(5)V99 COMP-3.
               10  VALID-FROM  PIC 9(8).
               10  CATEGORY    PIC 99.
"""
FLOW = """\
integration: stock-prices
about:    Prices as the mainframe unloads them
owner:    pricing-team
source:   drop://globex/*.dat
format:   fixed layout=stock cp037 by=KIND types=H:HEAD,P:PRICE-DATA ignore=HEAD message=PRICE-DATA
contract: price v2
precedence: 2

map:
  sku:        SKU
  name:       SKU
  price:      PRICE-NET | decimal
  currency:   'EUR'
  valid_from: VALID-FROM | date('yyyymmdd')
  group:      CATEGORY | code(product-groups)
"""


def price(sku: str, packed: str, day: str = "20260301") -> bytes:
    return f"P{sku:8}".encode("cp037") + bytes.fromhex(packed) + f"{day}10".encode("cp037")


FILE = (
    f"{'H00000007':23}".encode("cp037"),
    price("A-1", "0001299c"),
    price("A-2", "00012991"),
    price("A-3", "0001299c", day="20261301"),
    b"\xe7" * 23,
    price("A-4", "0000100f"),
    b"\xd7\xc1",
)


def test_records_of_a_copybook_are_served_and_bad_ones_are_held_with_their_bytes(tmp_path: Path) -> None:
    folder = make(tmp_path / "shop")
    (folder / "layouts").mkdir()
    (folder / "layouts" / "stock.txt").write_text(COPYBOOK, encoding="utf-8")
    (folder / "integrations" / "stock-prices.yaml").write_text(FLOW, encoding="utf-8")
    other = folder / "integrations" / "globex-prices.yaml"
    other.write_text(other.read_text("utf-8").replace("accept:", "precedence: 1\naccept:"), encoding="utf-8")
    with reopened(folder) as place:
        delivery = place.give(b"".join(FILE), "unload.dat", "drop://globex")
        assert delivery["documents"] == {"accepted": 2, "quarantined": 4}
        assert [(each["sku"], each["price"]) for each in place.records("prices")] == [("A-1", "12.99"), ("A-4", "1.00")]
        assert [
            (each["code"], each["document"], each["start"], each["end"], each["column"], each["value"])
            for each in place.findings(delivery["id"])
        ] == [
            ("fixed.packed", 2, 55, 59, "PRICE-NET", "0x00 01 29 91"),
            ("mapping.date", 3, 82, 90, "VALID-FROM", "20261301"),
            ("fixed.type", 4, 92, 93, "KIND", "X"),
            ("fixed.truncated", 6, 138, 140, None, None),
        ]
