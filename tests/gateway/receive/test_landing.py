"""Landing: raw bytes into the vault, a row into the store, and only then is anything received."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Stop
from gateway.model import Arrived, DeliveryState
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from pathlib import Path


def test_a_landed_file_is_a_delivery_of_the_only_integration_that_wants_it(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        delivery = place.land(b"bytes", "a.edi", "drop://acme")
        assert (delivery.state, delivery.number, delivery.size) == (DeliveryState.RECEIVED, 1, 5)
        assert (delivery.partner, delivery.integration) == ("acme", "acme-orders")
        assert place.row(delivery.id) == delivery
        (line,) = place.get(f"/api/v1/deliveries/{delivery.id}/activity")["items"]
        assert line["message"] == "a.edi  5 bytes from acme"

        unwanted = place.land(b"bytes", "a.txt", "drop://acme")
        assert (unwanted.partner, unwanted.integration) == ("acme", None)
        assert unwanted.sha256 == delivery.sha256


def test_the_same_arrival_twice_is_one_delivery(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:
        arrived = Arrived("drop://acme", "a.edi", "acme", arrival="a_1")
        first, again = (place.gateway.receiver.land(arrived, io.BytesIO(b"bytes")) for _ in range(2))
        assert first.id == again.id
        assert place.events(first.id) == ["received"]


def test_what_joins_the_transaction_fails_with_it(tmp_path: Path, store_url: str) -> None:
    with opened(tmp_path, store=store_url) as place:

        def refuse(_: Any) -> None:
            raise Stop("no")

        with pytest.raises(Stop, match="no"):
            place.gateway.receiver.land(Arrived("drop://acme", "a.edi", "acme"), io.BytesIO(b"bytes"), also=refuse)
        assert place.get("/api/v1/deliveries")["items"] == []
