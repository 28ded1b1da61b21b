"""Two versions of a contract are served side by side; who reads the older one is told to leave it."""

from __future__ import annotations

import pytest

from tests.gateway.serve.test_hot import in_force
from tests.gateway.serve.worlds import FILES, HEADER, World, order

OLD = "contracts/order.v1.yaml"
LEAVING = FILES[OLD].replace("key: number", "deprecated: 2026-11-01\nsunset: 2027-06-30\nkey: number")
NEW = FILES[OLD].replace("order v1", "order v2").replace("  note: text 0..80 ?\n", "  remark: text 0..80 ?\n")
FLOW = FILES["integrations/acme-orders.yaml"]
TWO = FILES | {
    OLD: LEAVING,
    "contracts/order.v2.yaml": NEW,
    "integrations/acme-orders-2.yaml": FLOW.replace("acme-orders", "acme-orders-2")
    .replace("order v1", "order v2")
    .replace("note: note", "remark: note"),
}


@pytest.mark.parametrize("lane", [True, False])
def test_both_versions_are_served_and_the_older_one_says_that_it_ends(here: World, lane: bool) -> None:
    assert HEADER.startswith("number")
    here.apply(TWO)
    in_force(here, TWO)
    here.deliver(order("1", note="hello"))
    client = here.client("orders:read", hot_lane=lane)
    old = client.get("/api/v1/orders/acme~1?version=1")
    assert old.get_json()["note"] == "hello"
    assert old.headers["Deprecation"] == "@1793491200"
    assert old.headers["Sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
    assert '</api/v1/orders>; rel="successor-version"' in old.headers.getlist("Link")
    listed = client.get("/api/v1/orders?version=1")
    assert listed.headers["Deprecation"] == "@1793491200"
    for path in (
        "/api/v1/orders?version=1",
        "/api/v1/orders/acme~1/history?version=1",
        "/api/v1/orders/acme~1?version=1",
    ):
        tag = client.get(path).headers["ETag"]
        unchanged = client.get(path, headers={"If-None-Match": tag})
        assert unchanged.status_code == 304, path
        assert (unchanged.headers["Deprecation"], unchanged.headers["Sunset"]) == (
            "@1793491200",
            "Wed, 30 Jun 2027 00:00:00 GMT",
        )
        if "~1?" not in path:  # a cache would put it in the place of the link to the next page (RFC 9111, 3.2)
            assert "Link" not in unchanged.headers
    new = client.get("/api/v1/orders")
    assert new.get_json()["items"] == []
    assert "Deprecation" not in new.headers
    told = client.get("/api/v1/types/order/versions/1").get_json()
    assert (told["deprecated"], told["sunset"]) == ("2026-11-01", "2027-06-30")
    assert client.get("/api/v1/types/order").get_json()["deprecated"] is None
