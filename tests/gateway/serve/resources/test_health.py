"""Health: alive, ready, and how the integrations fare."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.gateway.serve.worlds import World, order

if TYPE_CHECKING:
    from pathlib import Path


def test_alive_and_ready_without_a_key(here: World) -> None:
    client = here.app().test_client()
    assert client.get("/health/live").get_json() == {"status": "alive"}
    checks = {"store_readable": True, "store_writable": True, "vault_writable": True}
    assert client.get("/health/ready").get_json() == {"status": "ready", "checks": checks}


def test_not_ready_says_what_is_missing(here: World, tmp_path: Path) -> None:
    client = here.app().test_client()
    (tmp_path / "vault").write_text("a file where a folder should be")
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "not_ready")
    assert answer.get_json()["checks"] == {"store_readable": True, "store_writable": True, "vault_writable": False}
    assert answer.get_json()["detail"] == "the vault is not writable"
    (tmp_path / "vault").unlink()
    assert client.get("/health/ready").status_code == 503  # tried at most once a second
    here.late += timedelta(seconds=2)
    assert client.get("/health/ready").status_code == 200


def test_how_the_integrations_fare(here: World) -> None:
    client = here.client("integrations:read")
    (before,) = client.get("/health/integrations").get_json()["items"]
    assert before["state"] is None
    delivery = here.deliver(order("1", status="lost"))
    body = client.get("/health/integrations").get_json()
    (after,) = body["items"]
    assert (after["integration"], after["state"], after["delivery"]) == ("acme-orders", "quarantined", delivery.id)
    assert (body["waiting"], body["waiting_since"]) == (0, None)
