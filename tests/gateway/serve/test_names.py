"""Names in filters: of what is, of what was, and of what never was."""

from __future__ import annotations

import pytest

from gateway.store import revisions
from tests.gateway.serve.worlds import FILES, ORDERS, World, order, with_key

PATHS = ("deliveries", "quarantine", "quarantine/groups", "activity", "trials")
LATER = FILES | {"integrations/acme-orders.yaml": ORDERS.replace("acme-orders", "acme-orders-2")}


@pytest.mark.parametrize(
    ("path", "kind", "wrong", "remedy"),
    [
        ("deliveries", "integration", "acme-order", "Did you mean 'acme-orders'?"),
        ("deliveries", "partner", "globex", "There are: acme."),
        ("quarantine", "integration", "nope", "There are: acme-orders."),
        ("quarantine/groups", "integration", "Acme-Orders", "Did you mean 'acme-orders'?"),
        ("activity", "integration", "acme-oders", "Did you mean 'acme-orders'?"),
        ("activity", "partner", "acne", "Did you mean 'acme'?"),
        ("trials", "partner", "amce", "Did you mean 'acme'?"),
    ],
)
def test_a_name_that_nothing_ever_had_is_refused_with_the_nearest(
    still: World, path: str, kind: str, wrong: str, remedy: str
) -> None:
    answer = still.client().get(f"/api/v1/{path}?{kind}={wrong}")
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (400, "bad_parameter")
    assert body["detail"] == f"there is no {kind} {wrong!r}"
    assert body["remedy"] == remedy
    assert [(each["parameter"], each["remedy"]) for each in body["errors"]] == [(kind, remedy)]


@pytest.mark.parametrize("path", PATHS)
def test_names_that_there_are_are_taken(still: World, path: str) -> None:
    for query in ("integration=acme-orders", "partner=acme"):
        answer = still.client().get(f"/api/v1/{path}?{query}")
        assert answer.status_code == 200 or answer.get_json()["code"] == "unknown_parameter"


def test_a_follower_is_told_before_it_waits(still: World) -> None:
    client = still.client(wait=lambda _seconds: pytest.fail("it waited"))
    assert client.get("/api/v1/activity?integration=nope&wait=30").status_code == 400
    headers = {"Accept": "text/event-stream"}
    assert client.get("/api/v1/activity?integration=nope", headers=headers).status_code == 400


def test_both_wrong_names_of_a_request_are_told(still: World) -> None:
    errors = still.client().get("/api/v1/deliveries?integration=nope&partner=nobody").get_json()["errors"]
    assert [each["parameter"] for each in errors] == ["integration", "partner"]


def test_a_body_is_held_to_the_same(still: World) -> None:
    answer = still.client().post("/api/v1/quarantine/retry", json={"integration": "acme-order"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_body")
    assert answer.get_json()["errors"][0]["pointer"] == "/integration"
    assert answer.get_json()["remedy"] == "Did you mean 'acme-orders'?"


def test_the_past_of_what_was_removed_is_asked_for_as_before(here: World) -> None:
    delivery = here.deliver(order("1"))
    here.apply(LATER)
    client = here.client()
    found = client.get("/api/v1/deliveries?integration=acme-orders").get_json()["items"]
    assert [each["id"] for each in found] == [delivery.id]
    assert client.get("/api/v1/activity?integration=acme-orders").get_json()["items"]
    assert client.get("/api/v1/quarantine?integration=acme-orders").get_json()["items"] == []


def test_what_an_earlier_revision_had_is_known_though_it_never_had_a_delivery(here: World) -> None:
    here.apply(LATER)
    client = here.client()
    query = "/api/v1/deliveries?integration=acme-orders"
    assert client.get(query).status_code == 400
    for name, files in (("first", FILES), ("second", LATER)):
        with here.database.write() as transaction:
            revisions.apply(transaction, name, files)
    assert client.get(query).get_json()["items"] == []  # revisions that came since are looked at
    assert client.get("/api/v1/deliveries?integration=acme-ordered").get_json()["remedy"].startswith("Did you mean ")


def test_who_may_not_read_the_names_is_not_told_them(still: World) -> None:
    client = with_key(still.app().test_client(), still.key("deliveries:read"))
    body = client.get("/api/v1/deliveries?integration=acme-order").get_json()
    assert body["code"] == "bad_parameter"
    assert "acme-orders" not in str(body)
