"""Rows of a legacy table become deliveries, each batch exactly once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.model import Batch, Change
from gateway.errors import Retry
from gateway.integrations import Source
from gateway.receive.changes import canonical_lines, land_batch
from gateway.store import leases, notes
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_are_canonical() -> None:
    rows: list[dict[str, Any]] = [{"b": Decimal("1.50"), "a": "ü"}, {"a": None, "b": Decimal("1E+2")}]
    assert canonical_lines(rows) == '{"a":"ü","b":"1.50"}\n{"a":null,"b":"100"}\n'.encode()


@pytest.mark.parametrize("number", [2**64, 10**20, -(2**63) - 1, -(10**999)])
def test_an_integer_of_any_size_stays_a_number_with_all_its_digits(number: int) -> None:
    rows: list[dict[str, Any]] = [{"c": Decimal("0.10"), "b": number, "a": True}, {"a": 1}]
    assert canonical_lines(rows) == f'{{"a":true,"b":{number},"c":"0.10"}}\n{{"a":1}}\n'.encode()


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.booleans()))
def test_the_order_of_the_columns_does_not_matter(row: dict[str, Any]) -> None:
    row = {name: value for name, value in row.items() if _is_text(name) and _is_text(value)}
    assert canonical_lines([row]) == canonical_lines([dict(reversed(row.items()))])


def _is_text(value: object) -> bool:
    return not isinstance(value, str) or value.isprintable()


def test_a_batch_and_the_position_commit_together_or_not_at_all(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        database = place.gateway.database
        with database.write() as transaction:
            leases.add_sources(transaction, ["table://erp/KUNDEN"])
            lease = leases.take_source(transaction, ["table://erp/KUNDEN"], owner="test", seconds=60)
        assert lease is not None
        some = next(iter(place.gateway.in_force.configuration().integrations.values()))
        integration = _of_table(some)

        changes = [Change("put", ("1",), {"KDNR": "1"}), Change("delete", ("2",), None, {"KDNR": "2"})]
        batch = Batch(changes, "7", snapshot=False, memory={"seen": b"\x00\xff"})
        landed = land_batch(place.gateway.receiver, lease, integration, batch, position="7", again_in_seconds=1)
        assert place.raw(landed.id) == b'{"KDNR":"1"}\n{"@deleted":true,"KDNR":"2"}\n'
        assert (landed.source, landed.name) == ("table://erp/KUNDEN", "KUNDEN.jsonl")

        place.clock.forward(61)
        with database.write() as transaction:
            other = leases.take_source(transaction, ["table://erp/KUNDEN"], owner="other", seconds=60)
        assert other is not None
        assert other.position == "7"
        again = Batch(changes, "8", snapshot=False, memory={"seen": None})
        with pytest.raises(Retry, match="went to another worker"):
            land_batch(place.gateway.receiver, lease, integration, again, position="8", again_in_seconds=1)
        assert len(place.get("/api/v1/deliveries")["items"]) == 1
        with database.read() as connection:
            assert notes.recall(connection, "table://erp/KUNDEN", "seen") == b"\x00\xff"
            assert notes.recall(connection, "table://erp/KUNDEN", "other") is None
        with database.write() as transaction:
            assert leases.forget_position(transaction, "table://erp/KUNDEN")
            assert notes.recall(transaction.connection, "table://erp/KUNDEN", "seen") is None


def _of_table(integration: Any) -> Any:
    return replace(integration, source=Source("table", "erp", "KUNDEN"), partner=None)
