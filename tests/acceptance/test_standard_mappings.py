"""Partners who follow a standard, each with a file of eight lines, through the whole product: one order from all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.workspaces import reopened
from tests.gateway.workspace.standards import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

PARTNERS = {
    "acme": ("isa: ZZ:ACME", "x12 004010 850", "order v1"),
    "nord": ("unb: 14:4012345000009", "edifact D96A ORDERS", "order v1"),
    "lind": ("", "xml ubl:Order-2.1", "order v1"),
    "care": ("isa: ZZ:CARE", "x12 005010 837", "claim-batch v1"),
}
OWN = """\
integration: gross-flow
about:    Orders as the shop of Gross writes them
owner:    orders
source:   drop://gross/*
format:   jsonl
contract: order v1

map:
  number:       order.no
  ordered_on:   order.day | date
  buyer.name:   "'Gross'"
  lines[items]:
    seller_sku: article
    quantity:   pieces | decimal
"""
OWN_FILE = b"""{"order": {"no": "G-1", "day": "2026-11-02"}, "items": [{"article": "HX-100", "pieces": 48}]}
"""


def write(folder: Path) -> None:
    """A workspace in which nobody describes an order."""
    (folder / "partners").mkdir(parents=True)
    (folder / "integrations").mkdir()
    (folder / "gateway.yaml").write_text("http: 127.0.0.1:1\nsftp: 127.0.0.1:2\n", encoding="utf-8")
    for name, (identity, form, contract) in PARTNERS.items():
        partner = f"partner: {name}\n" + (f"identifiers:\n  {identity}\n" if identity else "")
        (folder / "partners" / f"{name}.yaml").write_text(partner, encoding="utf-8")
        lines = [
            f"integration: {name}-flow",
            f"about:    What {name} sends",
            "owner:    orders",
            f"source:   drop://{name}/*",
            f"format:   {form}",
            f"contract: {contract}",
        ]
        assert len(lines) <= 8
        (folder / "integrations" / f"{name}-flow.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "partners" / "gross.yaml").write_text("partner: gross\n", encoding="utf-8")
    (folder / "integrations" / "gross-flow.yaml").write_text(OWN, encoding="utf-8")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_one_order_from_every_standard(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    with reopened(tmp_path / "shop") as place:
        for name, content in (
            ("acme", sample("order.v1/x12-004010-850.edi")),
            ("nord", sample("order.v1/edifact-D96A-ORDERS.edi")),
            ("lind", sample("order.v1/xml-ubl-Order.xml")),
            ("gross", OWN_FILE),
        ):
            delivery = place.give(content, "orders", f"drop://{name}")
            assert delivery["state"] == "accepted", place.findings(delivery["id"])
        orders = {each["_key"]: each for each in place.records("orders")}
        assert sorted(orders) == ["acme~PO-4700", "acme~PO-4711", "gross~G-1", "lind~PO-77", "nord~PO-88120"]
        assert [(each["lines"][0]["seller_sku"], each["lines"][0]["quantity"]) for each in orders.values()].count(
            ("HX-100", "48")
        ) == 4
        assert {orders[key]["buyer"]["name"] for key in ("acme~PO-4711", "nord~PO-88120", "lind~PO-77")} == {
            "Acme Stores Inc",
            "Kaufhaus Nord GmbH",
        }
        assert [each["_key"] for each in place.get("/api/v1/orders?purpose=cancellation")["items"]] == ["acme~PO-4700"]


def test_a_fault_in_a_nested_level_is_held_at_its_bytes(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    good = sample("claim-batch.v1/x12-005010X222A1-837.edi").replace(b"*ACME           *", b"*CARE           *")
    bad = good.replace(b"DTP*472*D8*20261101~", b"DTP*472*D8*20261131~")
    assert bad != good
    with reopened(tmp_path / "shop") as place:
        delivery = place.give(bad, "claims.edi", "drop://care")
        assert delivery["state"] == "quarantined"
        (finding,) = place.findings(delivery["id"])[:1]
        assert (finding["tag"], bad[finding["start"] : finding["end"]]) == ("DTP", b"20261131")
        assert place.give(good, "claims.edi", "drop://care")["state"] == "accepted"
        (batch,) = place.records("claim-batches")
        assert [(each["number"], each["patient"]["last_name"]) for each in batch["claims"]] == [
            ("PT-501", "Doe"),
            ("PT-502", "Roe"),
        ]
