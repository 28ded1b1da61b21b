"""Deliveries over HTTP: lists, one, bytes, findings, activity."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.gateway.serve.worlds import HEADER, World, order

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def items(answer: TestResponse, member: str) -> list[object]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [item[member] for item in answer.get_json()["items"]]


def test_deliveries_newest_first_by_state_and_in_pages(here: World) -> None:
    names = [f"{number}.csv" for number in range(5)]
    for number, name in enumerate(names):
        here.deliver(order(str(number), status="lost" if number == 2 else "open"), name=name)
    client = here.client()
    assert items(client.get("/api/v1/deliveries"), "name") == names[::-1]
    assert items(client.get("/api/v1/deliveries?state=quarantined"), "name") == ["2.csv"]
    assert items(client.get("/api/v1/deliveries?integration=acme-orders&partner=acme"), "name") == names[::-1]
    found: list[object] = []
    cursor = ""
    while cursor is not None:
        answer = client.get(f"/api/v1/deliveries?limit=2{cursor}")
        found += items(answer, "name")
        cursor = answer.get_json()["next"] and f"&cursor={answer.get_json()['next']}"
    assert found == names[::-1]
    other = client.get(
        f"/api/v1/deliveries?limit=2&state=accepted&cursor={client.get('/api/v1/deliveries?limit=1').get_json()['next']}"
    )
    assert other.get_json()["code"] == "bad_cursor"


def test_one_delivery_by_its_id_or_its_beginning(here: World) -> None:
    delivery = here.deliver(order("1"), order("2", status="lost"))
    client = here.client()
    body = client.get(f"/api/v1/deliveries/{delivery.id}").get_json()
    assert body["state"] == "partly_accepted"
    assert body["documents"] == {"accepted": 1, "quarantined": 1}
    assert client.get(f"/api/v1/deliveries/{delivery.id[:12]}").get_json()["id"] == delivery.id
    here.deliver(order("3"))
    answer = client.get("/api/v1/deliveries/d_")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "ambiguous_id")


def test_the_content_is_what_was_sent(here: World) -> None:
    delivery = here.deliver(order("1"), name='o"r/d\\ers\u202e ä.csv')
    content = (HEADER + order("1")).encode()
    answer = here.client().get(f"/api/v1/deliveries/{delivery.id}/content")
    assert answer.get_data() == content
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["Accept-Ranges"] == "bytes"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert "/" not in disposition.replace("''", "")
    assert "\\" not in disposition


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [("bytes=0-5", 206, 0, 6), ("bytes=7-", 206, 7, None), ("bytes=-4", 206, -4, None), ("bytes=0-99999", 206, 0, None),
     ("bytes=-99999", 206, 0, None), ("lines=1-2", 200, 0, None), ("bytes=0-0,3-4", 200, 0, None)],
)  # fmt: skip
def test_parts_of_the_content(still: World, header: str, status: int, start: int, end: int | None) -> None:
    client = still.client()
    (delivery,) = items(client.get("/api/v1/deliveries"), "id")
    path = f"/api/v1/deliveries/{delivery}/content"
    whole = client.get(path).get_data()
    answer = client.get(path, headers={"Range": header})
    assert (answer.status_code, answer.get_data()) == (status, whole[start:end])
    if status == 206:
        first = start % len(whole)
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(answer.get_data()) - 1}/{len(whole)}"


def test_a_range_beyond_the_end_is_416_with_the_length(still: World) -> None:
    client = still.client()
    (delivery,) = items(client.get("/api/v1/deliveries"), "id")
    answer = client.get(f"/api/v1/deliveries/{delivery}/content", headers={"Range": "bytes=99999-"})
    assert (answer.status_code, answer.get_json()["code"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"].startswith("bytes */")


def test_content_that_the_caller_has_is_not_sent_again(still: World) -> None:
    client = still.client()
    (delivery,) = items(client.get("/api/v1/deliveries"), "id")
    path = f"/api/v1/deliveries/{delivery}/content"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(path, headers={"If-Range": '"other"', "Range": "bytes=0-1"}).status_code == 200
    assert client.get(path, headers={"If-Range": tag, "Range": "bytes=0-1"}).status_code == 206


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-None-Match", "{tag}", 304),
        ("If-None-Match", '"other"', 206),
        ("If-Match", '"other"', 412),
        ("If-Match", "{tag}", 206),
        ("If-Match", "*", 206),
        ("If-Range", "W/{tag}", 200),
    ],
)
def test_a_range_counts_behind_the_other_conditions(still: World, name: str, value: str, status: int) -> None:
    client = still.client()
    (delivery,) = items(client.get("/api/v1/deliveries"), "id")
    path = f"/api/v1/deliveries/{delivery}/content"
    tag = client.get(path).headers["ETag"]
    answer = client.get(path, headers={"Range": "bytes=0-1", name: value.format(tag=tag)})
    assert answer.status_code == status


def test_bytes_that_changed_on_disk_are_not_handed_out(here: World) -> None:
    delivery = here.deliver(order("1"))
    path = here.vault.path(delivery.sha256)
    path.chmod(0o600)
    path.write_bytes(b"changed")
    answer = here.client().get(f"/api/v1/deliveries/{delivery.id}/content")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "stopped")
    path.unlink()
    answer = here.client().get(f"/api/v1/deliveries/{delivery.id}/content")
    assert (answer.status_code, answer.get_json()["code"]) == (410, "content_gone")


def test_findings_point_at_the_bytes_that_they_quote(here: World) -> None:
    delivery = here.deliver(*(order(str(number), status="lost") for number in range(5)))
    client = here.client()
    path = f"/api/v1/deliveries/{delivery.id}"
    content = client.get(f"{path}/content").get_data()
    first = client.get(f"{path}/findings?limit=2").get_json()
    rest = client.get(f"{path}/findings?cursor={first['next']}").get_json()
    findings = first["items"] + rest["items"]
    assert rest["next"] is None
    assert [each["document"] for each in findings] == [1, 2, 3, 4, 5]
    for each in findings:
        assert each["code"] == "contract.code"
        assert content[each["start"] : each["end"]] == b"lost" == each["value"].encode()


def test_the_log_of_one_delivery(here: World) -> None:
    here.deliver(order("1"), name="first.csv")
    delivery = here.deliver(order("2"), name="second.csv")
    client = here.client()
    body = client.get(f"/api/v1/deliveries/{delivery.id}/activity").get_json()
    assert {line["delivery"] for line in body["items"]} == {delivery.id}
    assert body["items"][0]["event"] == "received"
    assert client.get(f"/api/v1/deliveries/{delivery.id}/activity?after={body['next']}").get_json()["items"] == []
