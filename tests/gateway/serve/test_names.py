"""Names in filters: of what is, of what was, and of what never was."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gateway.store import revisions
from tests.gateway.serve.worlds import FILES, ORDERS, World, order, with_key, world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient

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


ASKED_BY: dict[str, Callable[[FlaskClient, str], Any]] = {
    "quarantine": lambda client, name: client.get("/api/v1/quarantine", query_string={"delivery": name}),
    "activity": lambda client, name: client.get("/api/v1/activity", query_string={"delivery": name}),
    "retry": lambda client, name: client.post("/api/v1/quarantine/retry", json={"delivery": name}),
}
"""What a delivery can be named in, other than a path."""


def test_the_beginning_of_the_id_of_a_delivery_is_enough_wherever_one_is_named(store_url: str, tmp_path: Path) -> None:
    with closing(world(tmp_path, url=store_url)) as here:
        first = here.deliver(order("1", status="lost"))
        second = here.deliver(order("2", status="lost"))
        short = short_of(first.id, second.id)
        client = here.client()
        for name in (first.id, short):
            found = ASKED_BY["quarantine"](client, name).get_json()["items"]
            assert [each["delivery"] for each in found] == [first.id], name
            lines = ASKED_BY["activity"](client, name).get_json()["items"]
            assert {each["delivery"] for each in lines} == {first.id}, name
        assert ASKED_BY["retry"](client, short).get_json() == {"documents": 1}
        here.work()
        retried = [each["delivery"] for each in client.get("/api/v1/activity?grep=judged+again").get_json()["items"]]
        assert set(retried) == {first.id}


@pytest.mark.parametrize("name", ["nonsense", "d_", "d_zzz", "D_", "d_\N{SNOWMAN}", "d_%", "d_\n", " "])
def test_what_no_delivery_or_several_are_called_is_refused_and_no_empty_answer(
    store_url: str, tmp_path: Path, name: str
) -> None:
    with closing(world(tmp_path, url=store_url)) as here:
        here.deliver(order("1", status="lost"))
        here.deliver(order("2", status="lost"))
        several = name == "d_"
        for asked, ask in ASKED_BY.items():
            answer = ask(here.client(), name)
            body = answer.get_json()
            expected = (422, "invalid_body", "pointer") if asked == "retry" else (400, "bad_parameter", "parameter")
            assert (answer.status_code, body["code"]) == expected[:2], asked
            assert body["errors"][0][expected[2]] == ("/delivery" if asked == "retry" else "delivery")
            assert body["detail"].startswith("several deliveries start with" if several else "there is no delivery")
            assert body["remedy"] == ("Write more of the id." if several else "/api/v1/deliveries lists them.")


def test_a_nul_in_the_name_of_a_delivery_never_comes_to_the_store(store_url: str, tmp_path: Path) -> None:
    with closing(world(tmp_path, url=store_url)) as here:
        answer = ASKED_BY["retry"](here.client(), "d_\0")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_body")


@pytest.mark.parametrize("asked", ASKED_BY)
def test_a_delivery_of_others_is_to_who_is_limited_as_one_that_never_was(still: World, asked: str) -> None:
    (delivery,) = still.client().get("/api/v1/deliveries?limit=1").get_json()["items"]
    theirs = with_key(still.app().test_client(), still.key("*:read", "quarantine:write", partners=("globex",)))
    for name in (delivery["id"], delivery["id"][:-1]):
        of_others, of_none = ASKED_BY[asked](theirs, name), ASKED_BY[asked](theirs, "x" * len(name))
        told = [
            {**answer.get_json(), "request_id": ""} | {"status": answer.status_code} for answer in (of_others, of_none)
        ]
        assert told[0]["status"] in (400, 422)
        assert str(told[0]).replace(name, "x" * len(name)) == str(told[1])


def test_a_follower_of_a_delivery_that_is_none_is_told_before_it_waits(still: World) -> None:
    client = still.client(wait=lambda _seconds: pytest.fail("it waited"))
    for headers in ({}, {"Accept": "text/event-stream"}):
        assert client.get("/api/v1/activity?delivery=nonsense&wait=30", headers=headers).status_code == 400


def short_of(this: str, other: str) -> str:
    """The shortest beginning of an id that another one has not."""
    return next(this[:end] for end in range(1, len(this) + 1) if not other.startswith(this[:end]))
