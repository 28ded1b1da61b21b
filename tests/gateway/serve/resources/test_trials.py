"""Trials over HTTP: what would come out is told, and no record is there."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gateway.store import trials
from tests.gateway.serve.worlds import FILES, HEADER, World, order, with_key, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

URL = "/api/v1/partners/acme/trials?filename=orders.csv"
WAIT = {"Prefer": "wait=10"}


@pytest.fixture
def here(tmp_path: Path, store_url: str) -> Iterator[World]:
    with closing(world(tmp_path, url=store_url)) as made:
        yield made


def test_a_file_is_tried_and_nothing_is_there(here: World) -> None:
    client = here.client()
    answer = client.post(URL, data=HEADER + order("1") + order("2", total="1O"), headers=WAIT)
    assert answer.status_code == 200
    said = answer.get_json()
    assert (said["state"], said["lane"], said["plan"]) == ("done", "api", None)
    assert said["file"]["documents"] == {"accepted": 1, "quarantined": 1}
    assert [each["record"]["number"] for each in said["file"]["records"]] == ["1"]
    assert [each["quote"]["marked"] for each in said["file"]["findings"]] == ["1O"]
    assert client.get(answer.headers["Location"]).get_json() == said
    assert client.get("/api/v1/orders").get_json()["items"] == []
    assert client.get("/api/v1/deliveries").get_json()["items"] == []


def test_without_waiting_it_is_asked_for_again(here: World) -> None:
    client = here.client()
    answer = client.post(URL, data=HEADER)
    assert (answer.status_code, answer.get_json()["state"]) == (202, "waiting")
    here.work()
    assert client.get(answer.headers["Location"]).get_json()["state"] == "done"


def test_the_end_of_a_replay_is_waited_for(here: World) -> None:
    delivery = here.deliver(order("1", total="1.00", pieces="7"))
    here.apply({name: text.replace("total: total |", "total: pieces |") for name, text in FILES.items()})
    client, body = here.client(), {"as": "now", "reason": "the mapping was wrong"}
    answer = client.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body, headers=WAIT)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=10")
    assert (answer.get_json()["state"], answer.get_json()["replay"]) == ("accepted", "now")
    assert answer.headers["Location"] == f"/api/v1/deliveries/{delivery.id}"
    assert client.get("/api/v1/orders/acme~1").get_json()["total"] == "7"
    here.works = False
    answer = client.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body, headers=WAIT)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=10")
    assert answer.get_json()["state"] == "received"


def test_without_a_place_to_wait_what_was_asked_for_is_done_all_the_same(here: World) -> None:
    delivery = here.deliver(order("1"))
    client, again = here.client(followers_max=0), f"/api/v1/deliveries/{delivery.id}/replay"
    body = {"as": "now", "reason": "to see"}
    answers = [
        client.post(URL, data=HEADER, headers=WAIT),
        client.post(again, json=body | {"dry_run": True}, headers=WAIT),
        client.post(again, json=body, headers=WAIT),
    ]
    assert [each.status_code for each in answers] == [202] * 3
    assert [each.get_json()["state"] for each in answers] == ["waiting", "waiting", "received"]
    assert not any("Preference-Applied" in each.headers for each in answers)


def test_a_replay_is_told_before_it_is_done(here: World) -> None:
    delivery = here.deliver(order("1", total="1.00", pieces="7"))
    here.apply({name: text.replace("total: total |", "total: pieces |") for name, text in FILES.items()})
    client = here.client()
    body = {"as": "now", "reason": "to see", "dry_run": True}
    answer = client.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body, headers=WAIT)
    assert answer.status_code == 200
    (field,) = answer.get_json()["plan"]["integrations"]["acme-orders"]["fields"].items()
    assert field[0] == "/total"
    assert (field[1]["examples"][0]["before"], field[1]["examples"][0]["after"]) == ("1.00", "7")
    assert client.get("/api/v1/orders/acme~1").get_json()["total"] == "1.00"
    assert client.get(f"/api/v1/deliveries/{delivery.id}").get_json()["replay"] is None


def test_whose_trial_it_is(here: World) -> None:
    client = here.client()
    location = client.post(URL, data=HEADER, headers=WAIT).headers["Location"]
    assert [each["name"] for each in client.get("/api/v1/trials?limit=1").get_json()["items"]] == ["orders.csv"]
    other = with_key(here.app().test_client(), here.key("deliveries:read", "deliveries:write", partners=("globex",)))
    assert other.get("/api/v1/trials").get_json()["items"] == []
    assert other.get(location).get_json()["code"] == "unknown_trial"
    assert other.post(URL, data=HEADER).get_json()["code"] == "unknown_partner"
    reader = here.client("deliveries:read")
    assert reader.post(URL, data=HEADER).get_json()["code"] == "scope_missing"


def test_personal_data_is_for_who_may_see_it(here: World) -> None:
    here.apply({name: text.replace("note: text 0..80 ?", "note: text 0..80 ?, pii") for name, text in FILES.items()})
    writer = here.client("deliveries:read", "deliveries:write")
    assert writer.post(URL, data=HEADER).get_json()["code"] == "scope_missing"
    allowed = here.client("deliveries:read", "deliveries:write", "orders:personal")
    assert allowed.post(URL, data=HEADER + order("1", note="Ann"), headers=WAIT).status_code == 200


def test_personal_data_stays_hidden_when_the_partner_is_set_up_otherwise_since(here: World) -> None:
    files = {name: text.replace("note: text 0..80 ?", "note: text 0..80 ?, pii") for name, text in FILES.items()}
    here.apply(files)
    delivery = here.deliver(order("1", note="Ann"))
    allowed = here.client("deliveries:read", "deliveries:write", "orders:personal")
    body = {"as": "now", "reason": "to see", "dry_run": True}
    tried = allowed.post(URL, data=HEADER + order("1", note="Ann"), headers=WAIT)
    planned = allowed.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body, headers=WAIT)
    assert (tried.status_code, planned.status_code) == (200, 200)
    integration = "integrations/acme-orders.yaml"
    moved = {integration: files[integration].replace("partner: acme", "partner: globex")}
    here.apply(files | moved | {"partners/globex.yaml": "partner: globex\n"})
    reader = here.client("deliveries:read")
    for answer in (tried, planned):
        assert reader.get(answer.headers["Location"]).get_json()["code"] == "scope_missing"
        assert allowed.get(answer.headers["Location"]).status_code == 200


def test_what_cannot_be_tried_says_why(here: World) -> None:
    client = here.client()
    unknown = client.post("/api/v1/partners/globex/trials", data=b"x")
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_partner")
    here.apply(FILES | {"partners/globex.yaml": "partner: globex\n"})
    nothing = client.post("/api/v1/partners/globex/trials", data=b"x")
    assert (nothing.status_code, nothing.get_json()["code"]) == (422, "not_tried")
    assert "no integration takes files of globex" in nothing.get_json()["detail"]
    assert client.get("/api/v1/trials/t_1").get_json()["code"] == "unknown_trial"


def test_what_is_only_told_needs_no_reason(here: World) -> None:
    client, delivery = here.client(), here.deliver(order("1"))
    path = f"/api/v1/deliveries/{delivery.id}/replay"
    assert client.post(path, json={"as": "now", "dry_run": True}, headers=WAIT).status_code == 200
    for body in ({"as": "now"}, {"as": "now", "dry_run": False}):
        refused = client.post(path, json=body).get_json()
        assert (refused["code"], refused["errors"][0]["pointer"]) == ("invalid_body", "/reason")


def test_the_same_request_is_the_same_trial(here: World) -> None:
    client = here.client()
    one, other = (client.post(URL, data=HEADER, headers={"Idempotency-Key": "k"}).get_json()["id"] for _ in range(2))
    assert one == other


@pytest.mark.parametrize("what", ["file", "plan"])
def test_what_came_out_is_kept_with_the_trial_alone(here: World, what: str) -> None:
    client, headers = here.client(), WAIT | {"Idempotency-Key": "k"}
    delivery = here.deliver(order("1", city="Secretville", total="1.00", pieces="7"))
    here.apply({name: text.replace("city: city", "city: status") for name, text in FILES.items()})
    body = {"as": "now", "reason": "to see", "dry_run": True}

    def ask() -> TestResponse:
        if what == "file":
            return client.post(URL, data=HEADER + order("2", city="Secretville", total="1O"), headers=headers)
        return client.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body, headers=headers)

    first, second = ask(), ask()
    assert first.status_code == second.status_code == 200
    assert first.get_json()[what] is not None
    assert first.get_json() == second.get_json()
    assert (first.headers.get("Idempotency-Replayed"), second.headers["Idempotency-Replayed"]) == (None, "true")
    with here.database.write() as transaction:
        bodies = transaction.connection.exec_driver_sql("SELECT body FROM idempotency").scalars().all()
        transaction.connection.exec_driver_sql("DELETE FROM trial")
    assert bodies == [""]
    gone = ask()
    assert (gone.status_code, gone.get_json()["code"]) == (404, "unknown_trial")


def test_of_too_many_trials_the_last_is_refused(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "WAITING_MAX", 1)
    delivery, client = here.deliver(order("1")), here.client()
    assert client.post(URL, data=HEADER).status_code == 202
    body = {"as": "now", "reason": "to see", "dry_run": True}
    for refused in (
        client.post(URL, data=HEADER),
        client.post(f"/api/v1/deliveries/{delivery.id}/replay", json=body),
    ):
        assert (refused.status_code, refused.get_json()["code"]) == (422, "not_tried")
        assert "trials of acme wait already" in refused.get_json()["detail"]
