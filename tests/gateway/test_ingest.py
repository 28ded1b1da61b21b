"""What ingestion does with the rows of a table that come again, and with more findings than anybody reads."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from gateway.model import Arrived, DeliveryState
from gateway.operate import wiring
from gateway.operate.demo import workspace_maker
from gateway.operate.worker import work_once
from gateway.receive.changes import canonical_lines
from gateway.store import deliveries, quarantine, records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.model import Delivery
    from gateway.operate.wiring import Gateway

CUSTOMER = {
    "KDNR": "100001",
    "NAME1": "Eisenwaren",
    "NAME2": None,
    "KZSTAT": "A",
    "KREDIT": "10.00",
    "EMAIL": None,
    "ANLDAT": "20010101",
    "AENDTS": "2026-11-01 00:00:00",
}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = workspace_maker.make(tmp_path / "workspace")
    gateway = wiring.open_gateway(made.folder)
    wiring.apply_first(gateway)
    yield gateway
    gateway.close()


def judged(gateway: Gateway, source: str, name: str, raw: bytes, partner: str | None = None) -> Delivery:
    landed = gateway.receiver.land(Arrived(source, name, partner), io.BytesIO(raw))
    assert work_once(gateway, "test")
    with gateway.database.read() as connection:
        return deliveries.by_number(connection, landed.number)


def test_a_snapshot_makes_versions_of_the_rows_that_changed_only(gateway: Gateway) -> None:
    rows = [CUSTOMER, CUSTOMER | {"KDNR": "100002"}]
    first = judged(gateway, "table://erp/KUNDEN", "KUNDEN.jsonl", canonical_lines(rows))
    rows[1] = rows[1] | {"KREDIT": "99.00"}
    second = judged(gateway, "table://erp/KUNDEN", "KUNDEN.jsonl", canonical_lines(rows))
    assert first.documents == {"accepted": 2}
    assert (second.state, second.documents) == (DeliveryState.ACCEPTED, {"accepted": 1, "duplicate": 1})
    contract = gateway.in_force.configuration().contracts["customer.v3"]
    with gateway.database.read() as connection:
        assert len(records.history(connection, contract, "100001")) == 1
        assert len(records.history(connection, contract, "100002")) == 2


def test_findings_of_one_delivery_are_bounded_and_the_rest_is_counted(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "FINDINGS_MAX", 3)
    bad = "ART-{};Hammer;1,2O;31.02.2026;77\r\n"
    raw = "Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe\r\n" + "".join(bad.format(n) for n in range(4))
    delivery = judged(gateway, "drop://globex", "prices.csv", raw.encode("cp1252"), "globex")
    assert delivery.documents == {"quarantined": 4}
    with gateway.database.read() as connection:
        found = [finding for _, finding in quarantine.findings(connection, delivery.id)]
        held = quarantine.page(connection)
    assert [len(each.findings) for each in held] == [3, 1, 1, 1]
    (rest,) = [each for each in found if each.code == "delivery.more_findings"]
    assert rest.message.startswith("6 more findings")
