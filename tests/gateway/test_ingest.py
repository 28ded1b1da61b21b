"""What ingestion does with the rows of a table that come again, and with more findings than anybody reads."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from gateway.model import Arrived, DeliveryState
from gateway.operate import wiring
from gateway.operate.demo import workspace_maker
from gateway.operate.workers.worker import work_once
from gateway.receive.changes import canonical_lines
from gateway.store import deliveries, quarantine, records, retries
from gateway.workspace.loader import load

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


GONE = {"KDNR": "100001", "@deleted": True}


def versions(gateway: Gateway, key: str) -> list[str]:
    """The bodies of a customer's versions, oldest first."""
    contract = gateway.in_force.configuration().contracts["customer.v3"]
    with gateway.database.read() as connection:
        return [(each.json or b"null").decode() for each in reversed(records.history(connection, contract, key))]


def test_a_line_that_says_its_row_is_gone_takes_the_record_away_and_it_can_come_back(gateway: Gateway) -> None:
    table = ("table://erp/KUNDEN", "KUNDEN.jsonl")
    judged(gateway, *table, canonical_lines([CUSTOMER]))
    gone = judged(gateway, *table, canonical_lines([GONE]))
    assert gone.documents == {"accepted": 1}
    contract = gateway.in_force.configuration().contracts["customer.v3"]
    with gateway.database.read() as connection:
        assert records.get(connection, contract, "100001") is None
    again = judged(gateway, *table, canonical_lines([GONE, {"KDNR": "7", "@deleted": True}]))
    assert again.documents == {"duplicate": 2}, "what is gone already, or never came, is not gone once more"
    judged(gateway, *table, canonical_lines([CUSTOMER]))
    assert ["Eisenwaren" in body for body in versions(gateway, "100001")] == [True, False, True]


def test_the_changes_of_one_row_in_one_delivery_are_versions_in_their_order(gateway: Gateway) -> None:
    table = ("table://erp/KUNDEN", "KUNDEN.jsonl")
    judged(gateway, *table, canonical_lines([CUSTOMER]))
    dear = CUSTOMER | {"KREDIT": "99.00"}
    told = judged(gateway, *table, canonical_lines([dear, CUSTOMER, GONE, CUSTOMER, CUSTOMER, dear, GONE]))
    assert told.documents == {"accepted": 6, "duplicate": 1}
    bodies = versions(gateway, "100001")
    assert ["99.00" in body for body in bodies] == [False, True, False, False, False, True, False]
    assert [body == "null" for body in bodies] == [False, False, False, True, False, False, True]


def test_a_line_of_a_file_is_never_a_tombstone(gateway: Gateway) -> None:
    told = judged(gateway, "table://erp/KUNDEN", "KUNDEN.jsonl", canonical_lines([CUSTOMER | {"@deleted": "true"}]))
    assert told.documents == {"accepted": 1}


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


PRICES = "Artikelnummer;Bezeichnung;Preis;gültig ab;Warengruppe\r\n"


def state_of(gateway: Gateway, delivery: Delivery) -> Delivery:
    with gateway.database.read() as connection:
        return deliveries.by_number(connection, delivery.number)


def retried(gateway: Gateway) -> None:
    with gateway.database.write() as transaction:
        held = quarantine.page(transaction.connection)
        assert retries.retry(transaction, [each.id for each in held], accepts={}).documents == len(held)
    assert work_once(gateway, "test")


def test_a_file_whose_integration_was_away_is_judged_whole_when_it_is_back(gateway: Gateway) -> None:
    raw = (PRICES + "".join(f"A-{n};Hammer;1,00;01.12.2026;20\r\n" for n in range(10))).encode("cp1252")
    landed = gateway.receiver.land(Arrived("drop://globex", "prices.csv", "globex"), io.BytesIO(raw))
    file = gateway.folder / "integrations" / "globex-prices.yaml"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    wiring.apply(gateway, load(gateway.folder))
    assert work_once(gateway, "test")
    assert state_of(gateway, landed).documents == {"unrouted": 1}
    file.write_text(text, encoding="utf-8")
    wiring.apply(gateway, load(gateway.folder))
    retried(gateway)
    assert state_of(gateway, landed).documents == {"accepted": 10}


def test_a_message_nobody_took_is_taken_by_an_integration_that_is_added(gateway: Gateway) -> None:
    order = (gateway.folder / "samples" / "northwind-orders.edi").read_bytes()
    file = gateway.folder / "integrations" / "northwind-orders.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("edifact D96A ORDERS", "edifact D01B ORDERS"), encoding="utf-8")
    wiring.apply(gateway, load(gateway.folder))
    delivery = judged(gateway, "drop://northwind", "order.edi", order, "northwind")
    assert delivery.documents == {"unrouted": 1}
    more = text.replace("integration: northwind-orders", "integration: northwind-more")
    (file.parent / "northwind-more.yaml").write_text(more.replace("precedence: 2", "precedence: 3"), encoding="utf-8")
    wiring.apply(gateway, load(gateway.folder))
    retried(gateway)
    assert state_of(gateway, delivery).documents == {"accepted": 1}


def test_a_retry_that_never_ends_well_leaves_what_was_accepted(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = (PRICES + "A-1;Hammer;1,00;01.12.2026;20\r\nA-2;Hammer;1,00;01.12.2026;77\r\n").encode("cp1252")
    delivery = judged(gateway, "drop://globex", "prices.csv", raw, "globex")
    assert delivery.documents == {"accepted": 1, "quarantined": 1}

    def breaks(*_: object, **__: object) -> None:
        raise ValueError("poison")

    monkeypatch.setattr("gateway.judging.Judging.run", breaks)
    monkeypatch.setattr("gateway.store.row_leases._PAUSE_SECONDS_MAX", 0.0)
    with gateway.database.write() as transaction:
        retries.retry(transaction, [each.id for each in quarantine.page(transaction.connection)], accepts={})
    tries = 0
    while work_once(gateway, "test"):
        tries += 1
        assert tries <= gateway.settings.tries + 1
    after = state_of(gateway, delivery)
    assert (after.state, after.documents) == (DeliveryState.PARTLY_ACCEPTED, {"accepted": 1, "quarantined": 1})
    with gateway.database.read() as connection:
        assert len(quarantine.page(connection)) == 1


def test_a_value_too_long_to_be_searched_for_holds_its_row_alone(gateway: Gateway) -> None:
    contract = gateway.folder / "contracts" / "price.v2.yaml"
    text = contract.read_text(encoding="utf-8").replace("text 1..80", "text 1..5000, filter")
    contract.write_text(text, encoding="utf-8")
    wiring.apply(gateway, load(gateway.folder))
    raw = (PRICES + f"A-1;{'x' * 3000};1,00;01.12.2026;20\r\nA-2;Hammer;1,00;01.12.2026;20\r\n").encode("cp1252")
    delivery = judged(gateway, "drop://globex", "prices.csv", raw, "globex")
    assert delivery.documents == {"accepted": 1, "quarantined": 1}
    with gateway.database.read() as connection:
        (held,) = quarantine.page(connection)
    assert held.findings[0].code == "record.too_long"
    assert raw[held.findings[0].start : held.findings[0].end] == b"x" * 3000
