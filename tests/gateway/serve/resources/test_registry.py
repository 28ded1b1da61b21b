"""Types, integrations and partners over HTTP, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store import leases
from tests.gateway.serve.worlds import CONTRACT, FILES, World, order, with_key

if TYPE_CHECKING:
    from typing import Any

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvL0wUlb3rSbhh1yA0S0yq0Qn4bXbCrUnJwdqKmZ2xW"


def test_a_type_says_what_can_be_asked_of_it(still: World) -> None:
    body = still.client("orders:read").get("/api/v1/types/order").get_json()
    fields: dict[str, Any] = {field["name"]: field for field in body["fields"]}
    assert (body["collection"], body["url"], body["key"], body["per_partner"]) == (
        "orders",
        "/api/v1/orders",
        ["number"],
        True,
    )
    assert fields["total"]["operators"] == ["eq", "ne", "gt", "gte", "lt", "lte", "in", "isnull"]
    assert fields["note"]["operators"] == []
    assert (fields["number"]["filterable"], fields["number"]["sortable"], fields["number"]["key"]) == (True,) * 3
    assert body["schema"]["properties"]["status"]["enum"] == ["closed", "open"]


def test_what_is_configured_has_a_tag_of_the_revision(here: World) -> None:
    client = here.client()
    for path in ("/api/v1/types/order", "/api/v1/integrations/acme-orders", "/api/v1/partners/acme"):
        tag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    here.apply(FILES | {"contracts/order.v1.yaml": CONTRACT.replace("A purchase order", "An order")})
    assert client.get("/api/v1/types/order", headers={"If-None-Match": tag}).get_json()["about"] == "An order"


def test_a_type_says_how_fresh_its_records_are(here: World) -> None:
    client = here.client("orders:read")
    path = "/api/v1/types/order"
    first = client.get(path)
    assert (first.get_json()["freshness"], first.get_json()["drift"]) == ({"time": None, "change": 0}, [])
    here.deliver(order("1"), order("2"))
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.get_json()["freshness"] == client.get("/api/v1/orders").get_json()["as_of"]
    assert client.get(path, headers={"If-None-Match": again.headers["ETag"]}).status_code == 304
    (listed,) = client.get("/api/v1/types").get_json()["items"]
    assert listed == again.get_json()


def test_a_type_says_what_is_wrong_with_its_tables(here: World) -> None:
    name = "table://erp/customers"
    flow = FILES["integrations/acme-orders.yaml"]
    here.apply(
        FILES
        | {
            "connections.yaml": "erp:\n  kind: odbc\n  url: Driver=SQLite3;Database=erp.db\n",
            "integrations/acme-orders.yaml": flow.replace('"http:"', name).replace(
                "format: csv , utf-8 header\n", "key: number\nchanges: diff every 30s\n"
            ),
        }
    )
    client = here.client("*:read")
    partner = with_key(here.app().test_client(), here.key("*:read", partners=("acme",)))
    with here.database.write() as transaction:
        leases.add_sources(transaction, [name])
    before = client.get("/api/v1/types/order")
    assert before.get_json()["drift"] == []
    with here.database.write() as transaction:
        lease = leases.take_source(transaction, [name], owner="worker", seconds=60)
        assert lease is not None
        leases.advance_source(transaction, lease, position=None, due_in_seconds=30, problem="the column total is gone")
    after = client.get("/api/v1/types/order", headers={"If-None-Match": before.headers["ETag"]})
    assert after.get_json()["drift"] == [
        {"source": name, "integration": "acme-orders", "problem": "the column total is gone"}
    ]
    assert client.get("/api/v1/types/price").get_json()["drift"] == []
    assert partner.get("/api/v1/types/order").get_json()["drift"] == []


def test_integrations(still: World) -> None:
    client = still.client("integrations:read")
    (listed,) = client.get("/api/v1/integrations").get_json()["items"]
    assert listed == client.get("/api/v1/integrations/acme-orders").get_json()
    assert (listed["source"], listed["format"], listed["type"], listed["partner"]) == ("http:", "csv", "order", "acme")


def test_partners_without_their_secrets(here: World) -> None:
    partner = f"partner: acme\nabout: Acme\nidentifiers:\n  isa: ZZ:ACME\nsftp:\n  user: acme\n  keys: {ED25519}\n"
    here.apply(FILES | {"partners/acme.yaml": partner})
    answer = here.client("partners:read").get("/api/v1/partners")
    (listed,) = answer.get_json()["items"]
    assert listed == {
        "name": "acme",
        "about": "Acme",
        "identifiers": {"isa": ["ZZ:ACME"]},
        "sftp_user": "acme",
    }
    assert "AAAA" not in answer.get_data(as_text=True)


def test_sources_say_how_tables_are_followed_and_what_is_wrong_with_them(here: World) -> None:
    name = "table://erp/customers"
    flow = FILES["integrations/acme-orders.yaml"]
    here.apply(
        FILES
        | {
            "connections.yaml": "erp:\n  kind: odbc\n  url: Driver=SQLite3;Database=erp.db\n",
            "integrations/acme-orders.yaml": flow.replace('"http:"', name).replace(
                "format: csv , utf-8 header\n", "key: number\nchanges: diff every 30s\n"
            ),
        }
    )
    with here.database.write() as transaction:
        leases.add_sources(transaction, [name])
        lease = leases.take_source(transaction, [name], owner="worker", seconds=60)
        assert lease is not None
    client = here.client("sources:read")
    (listed,) = client.get("/api/v1/sources").get_json()["items"]
    assert listed == {
        "source": name,
        "connection": "erp",
        "table": "customers",
        "integration": "acme-orders",
        "strategy": "diff",
        "every_seconds": 30.0,
        "begun": False,
        "problem": None,
        "state": None,
        "looked_at": None,
        "waiting": None,
        "standing": None,
        "oldest_at": None,
    }
    assert here.client("tables:read").get("/api/v1/sources").status_code == 403
