"""The quarantine over HTTP: seen, retried, discarded."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from gateway.store import tables
from tests.gateway.serve.worlds import FILES, World, order, with_key, world

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

PATH = "/api/v1/quarantine"
MORE_CODES = FILES | {"codes/order-status.csv": "code\nopen\nclosed\nlost\n"}


def held(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(PATH + query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def test_held_documents_with_their_findings(here: World) -> None:
    delivery = here.deliver(order("1"), order("2", status="lost"), order("3", day="2026-02-30"))
    client = here.client()
    documents = held(client)
    assert [each["number"] for each in documents] == [2, 3]
    assert documents[0]["delivery"] == delivery.id
    assert documents[0]["findings"][0]["value"] == "lost"
    assert client.get(f"{PATH}/{documents[0]['id']}").get_json() == documents[0]
    assert held(client, f"?code={documents[0]['findings'][0]['code']}") == documents[:1]
    assert held(client, f"?delivery={delivery.id}&integration=acme-orders") == documents
    first = client.get(f"{PATH}?limit=1").get_json()
    assert held(client, f"?limit=1&cursor={first['next']}") == documents[1:]
    assert client.get(f"{PATH}?cursor={first['next']}&code=x").get_json()["code"] == "bad_cursor"


def test_a_retry_judges_again_with_what_is_in_force_now(here: World) -> None:
    here.deliver(order("2", status="lost"))
    client = here.client()
    (document,) = held(client)
    here.apply(MORE_CODES)
    answer = client.post(f"{PATH}/{document['id']}/retry")
    assert (answer.status_code, answer.get_json()) == (202, {"documents": 1})
    here.work()
    assert held(client) == []
    assert client.get("/api/v1/orders/acme~2").get_json()["status"] == "lost"
    assert client.get(f"{PATH}/{document['id']}").get_json()["state"] == "accepted"
    assert client.post(f"{PATH}/{document['id']}/retry").get_json()["code"] == "not_held"


def test_a_group_is_retried_together(here: World) -> None:
    here.deliver(*(order(str(number), status="lost") for number in range(7)), order("x", day="2026-02-30"))
    client = here.client()
    here.apply(MORE_CODES)
    answer = client.post(f"{PATH}/retry", json={"integration": "acme-orders", "code": "contract.code"})
    assert (answer.status_code, answer.get_json()) == (202, {"documents": 7})
    here.work()
    assert len(held(client)) == 1
    assert client.get("/api/v1/orders?count=exact").get_json()["count"] == 7


def test_a_code_that_nothing_held_has_is_refused_with_the_nearest(here: World) -> None:
    client, path = here.client(), f"{PATH}/retry"
    body = client.post(path, json={"code": "contract.code"}).get_json()
    assert (body["status"], body["code"]) == (409, "not_held")
    here.deliver(order("1", status="lost"))
    body = client.post(path, json={"code": "contract.cod"}).get_json()
    assert (body["code"], body["remedy"]) == ("not_held", "Did you mean 'contract.code'?")
    assert body["detail"] == "nothing that is held has a finding of the code 'contract.cod'"
    good = here.deliver(order("2")).id
    assert client.post(path, json={"code": "contract.code", "delivery": good}).get_json() == {"documents": 0}
    theirs = with_key(here.app().test_client(), here.key("quarantine:write", partners=("globex",)))
    assert "contract.code" not in theirs.post(path, json={"code": "contract.cod"}).get_data(as_text=True)


def test_a_member_where_none_is_taken_is_told_so(here: World) -> None:
    here.deliver(order("1", status="lost"))
    client = here.client()
    (document,) = held(client)
    body = client.post(f"{PATH}/{document['id']}/retry", json={"reason": "a"}).get_json()
    assert (body["code"], body["detail"]) == ("invalid_body", "the body has no member 'reason'")
    assert body["remedy"] == body["errors"][0]["remedy"] == "Send no body here, or {}."


def test_no_group_is_no_retry_of_everything(here: World) -> None:
    answer = here.client().post(f"{PATH}/retry", json={})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_body")
    assert "at least one" in answer.get_json()["detail"]


def test_a_discard_says_who_and_why(here: World) -> None:
    delivery = here.deliver(order("1"), order("2", status="lost"))
    client = here.client("quarantine:read", "quarantine:write", "deliveries:read", "activity:read")
    (document,) = held(client)
    path = f"{PATH}/{document['id']}/discard"
    refused = client.post(path, json={})
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/reason")
    answer = client.post(path, json={"reason": "the partner sent it again"})
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["state"], body["reason"], body["who"]) == ("discarded", "the partner sent it again", "tester")
    assert held(client) == []
    counts = client.get(f"/api/v1/deliveries/{delivery.id}").get_json()["documents"]
    assert counts == {"accepted": 1, "discarded": 1}
    line = client.get("/api/v1/activity?grep=discarded").get_json()["items"][-1]
    assert (line["event"], line["delivery"], line["partner"]) == ("discarded", delivery.id, "acme")
    again = client.post(path, json={"reason": "again"}).get_json()
    why = "is discarded (tester: the partner sent it again), so there is nothing to decide about it"
    assert (again["code"], again["detail"]) == ("not_held", f"the document {document['id']} {why}")


def test_what_is_being_judged_again_is_not_decided_about(here: World) -> None:
    delivery = here.deliver(order("2", status="lost"))
    client = here.client()
    (document,) = held(client)
    client.post(f"{PATH}/{document['id']}/retry")
    with here.database.write() as transaction:
        transaction.connection.execute(update(tables.delivery).values(owner="a worker"))
    body = client.post(f"{PATH}/{document['id']}/discard", json={"reason": "no"}).get_json()
    assert body["code"] == "not_held"
    assert "is being judged again" in body["detail"]
    assert f"/api/v1/deliveries/{delivery.id}" in body["remedy"]


def test_reading_is_not_deciding(here: World) -> None:
    here.deliver(order("2", status="lost"))
    client = here.client("quarantine:read")
    (document,) = held(client)
    for path in (f"{PATH}/{document['id']}/retry", f"{PATH}/{document['id']}/discard", f"{PATH}/retry"):
        answer = client.post(path, json={"reason": "x"})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")
    assert len(held(client)) == 1


@pytest.mark.parametrize("text", ["=", "YQ", "ü", "\u2028", "Y Q="])
def test_what_is_no_base64_is_refused_with_its_place(here: World, text: str) -> None:
    here.deliver(order("1", status="lost"))
    client = here.client()
    (document,) = held(client)
    answer = client.post(f"{PATH}/{document['id']}/correct", json={"base64": text, "reason": "asked on the phone"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_body")
    assert answer.get_json()["errors"][0]["pointer"] == "/base64"


def test_each_change_that_cannot_be_used_is_named_with_its_place(here: World) -> None:
    here.deliver(order("1", status="lost"))
    client = here.client()
    (document,) = held(client)
    good = {"start": 57, "end": 61, "text": "open"}
    patch = [good, good | {"start": "57"}, good | {"more": 1}, {"start": 1, "text": "x"}, [], good | {"a/b": 1}]
    refused = client.post(f"{PATH}/{document['id']}/correct", json={"patch": patch, "reason": "x"}).get_json()
    assert [each["pointer"] for each in refused["errors"]] == [
        *("/patch/1/start", "/patch/2/more", "/patch/3/end", "/patch/4", "/patch/5/a~1b"),
    ]
    assert refused["detail"].startswith("patch.1.start: ")


def test_a_corrected_document_says_who_corrected_it_and_why(here: World) -> None:
    here.deliver(order("2", status="lost"))
    client = here.client()
    (document,) = held(client)
    assert (document["who"], document["reason"]) == (None, None)
    (finding,) = document["findings"]
    patch = [{"start": finding["start"], "end": finding["end"], "text": "open"}]
    body = {"patch": patch, "reason": "asked on the phone"}
    assert client.post(f"{PATH}/{document['id']}/correct", json=body).status_code == 202
    for state in ("quarantined", "corrected"):
        shown = client.get(f"{PATH}/{document['id']}").get_json()
        assert (shown["state"], shown["who"], shown["reason"]) == (state, "tester", "asked on the phone")
        here.work()


def test_the_list_says_of_a_corrected_document_that_is_held_again_what_the_document_does(
    store_url: str, tmp_path: Path
) -> None:
    with closing(world(tmp_path, url=store_url)) as here:
        here.deliver(order("1"), order("2", status="lost"), order("3", status="lost"))
        here.deliver(order("4", status="gone"))
        client = here.client()
        document = held(client)[1]
        (finding,) = document["findings"]
        patch = [{"start": finding["start"], "end": finding["end"], "text": "gone"}]
        body = {"patch": patch, "reason": "asked on the phone"}
        assert client.post(f"{PATH}/{document['id']}/correct", json=body).status_code == 202
        here.work()
        found = held(client)
        why = (None, None), ("tester", "asked on the phone"), (None, None)
        assert tuple((each["who"], each["reason"]) for each in found) == why
        assert [client.get(f"{PATH}/{each['id']}").get_json() for each in found] == found


def test_who_may_not_see_personal_data_moves_no_byte_of_a_document_that_may_hold_it(here: World) -> None:
    """A patch could leave a masked value where an unmasked field is read, and the finding or the record would tell."""
    contract = "contracts/order.v1.yaml"
    here.apply(FILES | {contract: FILES[contract].replace("note: text 0..80 ?", "note: text 0..80 ?, pii")})
    here.deliver(order("1", status="lost", note="ann@example.com"))
    scopes = ("quarantine:read", "quarantine:write", "orders:read", "prices:personal")
    client, allowed = here.client(*scopes), here.client(*scopes, "orders:personal")
    (document,) = held(client)
    patch = [{"start": document["start"] + 2, "end": document["start"] + 31, "text": ""}]
    for way in ({"patch": patch}, {"content": "1,open"}, {"base64": "MQ=="}, {"base64": "="}):
        answer = client.post(f"{PATH}/{document['id']}/correct", json=way | {"reason": "to see"})
        assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing"), way
        assert "a correction may hold personal data of orders" in answer.get_json()["detail"]
    here.work()
    assert held(client) == [document]
    (finding,) = document["findings"]
    patch = [{"start": finding["start"], "end": finding["end"], "text": "open"}]
    body = {"patch": patch, "reason": "asked on the phone"}
    assert allowed.post(f"{PATH}/{document['id']}/correct", json=body).status_code == 202
    here.work()
    assert client.get("/api/v1/orders/acme~1").get_json()["status"] == "open"


def test_a_document_without_personal_data_is_corrected_by_whoever_may_decide(here: World) -> None:
    here.deliver(order("1", status="lost"))
    client = here.client("quarantine:read", "quarantine:write")
    (document,) = held(client)
    (finding,) = document["findings"]
    patch = [{"start": finding["start"], "end": finding["end"], "text": "open"}]
    body = {"patch": patch, "reason": "asked on the phone"}
    assert client.post(f"{PATH}/{document['id']}/correct", json=body).status_code == 202
