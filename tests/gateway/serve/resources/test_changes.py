"""The change feed over HTTP: pages, waiting, NDJSON, events, and who may hear what."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Retry
from gateway.model import Arrived
from gateway.serve import following
from gateway.serve.resources import changes as feed
from gateway.store import audit, changes, expiry, keys
from tests.gateway.serve.worlds import CONTRACT, FILES, HEADER, ORDERS, World, order, with_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PATH = "/api/v1/changes"
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def told(here: World) -> World:
    """Two orders, one of them changed, by two deliveries."""
    here.deliver(order("1"), order("2"))
    here.deliver(order("1", total="20.00"), name="again.csv")
    return here


def heard(answer: TestResponse) -> list[tuple[int, str]]:
    return [(each["seq"], each["key"]) for each in answer.get_json()["items"]]


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_changes_behind_a_number_page_by_page(told: World) -> None:
    client = told.client()
    first = client.get(f"{PATH}?limit=2")
    assert heard(first) == [(1, "acme~1"), (2, "acme~2")]
    assert first.headers["Link"] == f'<{PATH}?limit=2&since=2>; rel="next"'
    body = first.get_json()
    assert (body["next"], body["as_of"]["change"]) == (2, 3)
    rest = client.get(f"{PATH}?since=2").get_json()
    (change,) = rest["items"]
    record = client.get("/api/v1/orders/acme~1").get_json()
    assert change == {
        "seq": 3,
        "type": "order",
        "version": 1,
        "key": "acme~1",
        "op": "put",
        "delivery": client.get("/api/v1/deliveries?limit=1").get_json()["items"][0]["id"],
        "at": rest["as_of"]["time"],
        "purged": False,
        "record": record,
    }
    assert client.get(f"{PATH}?since=3").get_json() == {"items": [], "next": 3, "as_of": rest["as_of"]}


def test_a_record_is_as_it_was_stored(told: World) -> None:
    said = told.client().get(f"{PATH}?since=2").get_data()
    record = told.client().get("/api/v1/orders/acme~1").get_data()
    assert b'"record":' + record + b"}" in said


def test_an_empty_log_begins_at_nothing(here: World) -> None:
    assert here.client().get(PATH).get_json() == {"items": [], "next": 0, "as_of": {"time": None, "change": 0}}


def test_an_undone_delivery_is_told(told: World) -> None:
    client = told.client()
    answer = client.post(
        f"/api/v1/deliveries/{client.get('/api/v1/deliveries?limit=1').get_json()['items'][0]['id']}/undo",
        json={"reason": "a test"},
    )
    assert answer.get_json() == {"records": 1, "left": 0}
    first = client.get("/api/v1/deliveries").get_json()["items"][1]["id"]
    client.post(f"/api/v1/deliveries/{first}/undo", json={"reason": "a test"})
    items = client.get(f"{PATH}?since=3").get_json()["items"]
    assert [(each["op"], each["key"], (each["record"] or {}).get("total")) for each in items] == [
        ("put", "acme~1", "10.00"),
        ("delete", "acme~1", None),
        ("delete", "acme~2", None),
    ]
    assert all(each["delivery"] == first for each in items)


def test_what_a_delivery_made_of_records(told: World) -> None:
    client = told.client()
    second, first = (each["id"] for each in client.get("/api/v1/deliveries").get_json()["items"])
    log = client.get(PATH).get_json()["items"]
    whole = client.get(f"/api/v1/deliveries/{first}/records").get_json()
    assert (whole["items"], whole["next"]) == (log[:2], None)
    assert whole["as_of"] == {"time": log[1]["at"], "change": 2}
    page = client.get(f"/api/v1/deliveries/{first}/records?limit=1&body=none")
    assert [sorted(each) for each in page.get_json()["items"]] == [sorted({*log[0]} - {"record"})]
    rest = client.get(re.findall("<([^>]*)>", page.headers["Link"])[0]).get_json()
    assert ([each["seq"] for each in rest["items"]], rest["next"]) == ([2], None)
    cursor = page.get_json()["next"]
    of_another = client.get(f"/api/v1/deliveries/{second}/records", query_string={"cursor": cursor})
    assert of_another.get_json()["code"] == "bad_cursor"
    client.post(f"/api/v1/deliveries/{second}/undo", json={"reason": "a test"})
    taken_back = client.get(f"/api/v1/deliveries/{second}/records").get_json()["items"]
    assert [(each["op"], each["key"], each["record"]["total"]) for each in taken_back] == [
        ("put", "acme~1", "20.00"),
        ("put", "acme~1", "10.00"),
    ]
    nothing = told.deliver(order("1", status="lost"))
    assert client.get(f"/api/v1/deliveries/{nothing.id}/records").get_json() == {
        "items": [],
        "next": None,
        "as_of": {"time": None, "change": 0},
    }


def test_what_a_delivery_made_is_shown_to_who_may_read_the_records(told: World) -> None:
    with_personal = FILES["contracts/order.v1.yaml"].replace("city: text", "city: text, pii")
    told.apply(FILES | {"contracts/order.v1.yaml": with_personal})
    first = told.client().get("/api/v1/deliveries").get_json()["items"][1]["id"]
    path = f"/api/v1/deliveries/{first}/records"

    def cities(*scopes: str) -> list[Any]:
        return [each["record"]["ship_to"]["city"] for each in told.client(*scopes).get(path).get_json()["items"]]

    def on_record() -> list[Any]:
        with told.database.read() as connection:
            return [each.details["count"] for each in audit.after(connection, 0, action="personal_read")]

    assert cities("*:read") == [None, None]
    assert on_record() == []
    assert cities("*:read", "orders:personal") == ["Hamburg", "Hamburg"]
    assert on_record() == [2]
    assert told.client("deliveries:read", "prices:read").get(path).get_json()["items"] == []
    assert told.client("deliveries:read").get(path).get_json()["code"] == "scope_missing"
    assert told.client("orders:read").get(path).get_json()["code"] == "scope_missing"
    others = with_key(told.app().test_client(), told.key("*:read", partners=("globex",)))
    assert others.get(path).get_json()["code"] == "unknown_delivery"
    theirs = with_key(told.app().test_client(), told.key("*:read", partners=("acme",)))
    assert [each["key"] for each in theirs.get(path).get_json()["items"]] == ["acme~1", "acme~2"]


def test_without_records(told: World) -> None:
    whole = told.client().get(PATH).get_json()
    for item in whole["items"]:
        del item["record"]
    assert told.client().get(f"{PATH}?body=none").get_json() == whole


def test_ndjson_is_a_line_for_each_change(told: World) -> None:
    answer = told.client().get(PATH, headers={"Accept": "application/x-ndjson"})
    assert answer.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in answer.get_data().splitlines()] == told.client().get(PATH).get_json()["items"]
    assert answer.headers["Link"] == f'<{PATH}?since=3>; rel="next"'


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("since=4", "changes_ahead", "the newest is 3"),
        ("since=-1", "bad_parameter", "whole number"),
        ("wait=31", "bad_parameter", "from 0 to 30"),
        ("limit=1001", "bad_parameter", "from 1 to 1000"),
        ("body=all", "bad_parameter", "not none"),
        ("type=ordr", "bad_parameter", "no type 'ordr'"),
        ("type=order,", "bad_parameter", "no type ''"),
        ("type=order&type=price", "repeated_parameter", "twice"),
        ("after=1", "unknown_parameter", "after"),
    ],
)
def test_what_cannot_be_asked(told: World, query: str, code: str, said: str) -> None:
    answer = told.client().get(f"{PATH}?{query}")
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (400, code)
    assert said in problem["detail"]
    if query == "since=4":
        assert (problem["newest"], problem["remedy"]) == (3, "Ask with since=3.")
    if query == "type=ordr":
        assert problem["errors"][0]["remedy"] == "Did you mean 'order'?"


def test_what_is_no_longer_kept(told: World) -> None:
    contract = told.configuration.contracts["order.v1"]
    with told.database.write() as transaction:
        expiry.purge(transaction, contract, told.now() + timedelta(days=1), limit=100)
    client = told.client()
    for headers in ({}, EVENTS):
        gone = client.get(f"{PATH}?since=1&type=order", headers=headers)
        problem = gone.get_json()
        assert (gone.status_code, problem["code"], problem["first"]) == (410, "changes_purged", 3)
        assert "from 2" in problem["remedy"]
    assert client.get(PATH, headers=EVENTS | {"Last-Event-ID": "1"}).status_code == 410
    items = client.get(f"{PATH}?since=2").get_json()["items"]
    assert [(each["seq"], each["op"], each["purged"], each["record"]) for each in items] == [
        (3, "put", True, None),
        (4, "delete", True, None),
        (5, "delete", True, None),
    ]
    assert client.get(f"{PATH}?type=price").get_json()["next"] == 5  # of it nothing was purged


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_types_that_the_key_may_not_read(told: World) -> None:
    prices = told.client("prices:read")
    body = prices.get(PATH).get_json()
    assert (body["items"], body["next"]) == ([], 3)  # what is left out is not looked at again
    refusals = [prices.get(f"{PATH}?type={name}") for name in ("order", "price,order", "nothing")]
    assert {each.status_code for each in refusals} == {403}
    assert {each.get_json()["code"] for each in refusals} == {"scope_missing"}
    # Nothing tells whether there is such a type.
    said = [each.get_json()["detail"].replace("nothing", "order") for each in refusals]
    assert said[0] == said[1] == said[2]
    assert heard(told.client("orders:read", "prices:read").get(f"{PATH}?type=price,order&since=2")) == [(3, "acme~1")]
    assert told.client("deliveries:read").get(PATH).status_code == 403
    assert told.app().test_client().get(PATH).status_code == 401


def limited(here: World, *scopes: str, partners: tuple[str, ...]) -> str:
    token = here.key(*scopes)
    with here.database.write() as transaction:
        transaction.connection.exec_driver_sql("UPDATE api_key SET partners = ?", (" ".join(partners),))
    return token


def test_a_key_of_one_partner_hears_of_its_records_alone(told: World) -> None:
    client = with_key(told.app().test_client(), limited(told, "orders:read", partners=("globex",)))
    body = client.get(PATH).get_json()
    assert (body["items"], body["next"]) == ([], 3)
    client = with_key(told.app().test_client(), limited(told, "orders:read", partners=("acme",)))
    assert len(client.get(PATH).get_json()["items"]) == 3


def two_partners(here: World) -> FlaskClient:
    """One change of Globex, ten of Acme, another of Globex and one of Acme; a client that is limited to Globex."""
    globex = ORDERS.replace("acme", "globex").replace("Acme", "Globex")
    here.apply(
        FILES
        | {
            "partners/globex.yaml": "partner: globex\nabout: Globex\n",
            "integrations/globex-orders.yaml": globex,
        }
    )
    for number, lines in ((1, 1), (2, 10), (3, 1), (4, 1)):
        partner = "globex" if number % 2 else "acme"
        content = HEADER + "".join(order(f"{number}-{line}") for line in range(lines))
        arrived = Arrived("http:", f"{number}.csv", partner, f"{partner}-orders")
        here.receiver.land(arrived, BytesIO(content.encode()))
        here.work()
    return with_key(here.app().test_client(), limited(here, "orders:read", partners=("globex",)))


NDJSON = {"Accept": "application/x-ndjson"}


@pytest.mark.parametrize("query", ["", "&body=none", "&wait=1"])
@pytest.mark.parametrize("looked", [1, 4, 5000])
def test_what_others_changed_is_passed_over(
    here: World, monkeypatch: pytest.MonkeyPatch, looked: int, query: str
) -> None:
    client = two_partners(here)
    monkeypatch.setattr(feed, "LOOKED", looked)
    first = client.get(f"{PATH}?limit=1{query}")
    assert (heard(first), first.headers["Gateway-More"]) == ([(1, "globex~1-0")], "true")
    second = client.get(f"{PATH}?since=1&limit=2{query}", headers=NDJSON)
    assert [json.loads(line)["seq"] for line in second.text.splitlines()] == [12]
    assert second.headers["Gateway-More"] == "false"
    last = client.get(f"{PATH}?since=12&limit=2{query}", headers=NDJSON)
    assert (last.text, last.headers["Gateway-More"]) == ("", "false")
    assert last.headers["Link"].startswith(f"<{PATH}?limit=2")
    assert "since=13>" in last.headers["Link"]


def test_no_request_looks_further_than_its_bound_and_says_so(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = two_partners(here)
    monkeypatch.setattr(feed, "LOOKED", 2)
    monkeypatch.setattr(feed, "LOOKS", 3)
    since, empty = 1, 0
    while True:
        answer = client.get(f"{PATH}?since={since}&limit=1", headers=NDJSON)
        if answer.text:
            break
        assert answer.headers["Gateway-More"] == "true", "an empty page that is not the end"
        behind = int(answer.headers["Link"].partition("since=")[2].partition(">")[0])
        assert since < behind <= since + 7
        since, empty = behind, empty + 1
    assert (json.loads(answer.text)["seq"], empty) == (12, 1)


def test_a_record_that_somebody_else_sends_is_told_to_have_left_and_nothing_more(here: World) -> None:
    globex = ORDERS.replace("acme", "globex").replace("Acme", "Globex")
    here.apply(
        FILES
        | {
            "contracts/order.v1.yaml": CONTRACT.replace("key: number per partner", "key: number"),
            "partners/globex.yaml": "partner: globex\nabout: Globex\n",
            "integrations/acme-orders.yaml": ORDERS + "precedence: 2\n",
            "integrations/globex-orders.yaml": globex + "precedence: 1\n",
        }
    )
    here.deliver(order("1"))
    content = (HEADER + order("1", note="of Globex")).encode()
    theirs = here.receiver.land(Arrived("http:", "theirs.csv", "globex", "globex-orders"), BytesIO(content))
    here.work()
    client = with_key(here.app().test_client(), limited(here, "orders:read", partners=("acme",)))
    answer = client.get(PATH)
    put, left = answer.get_json()["items"]
    assert put["op"] == "put"
    assert left == {
        "seq": 2,
        "type": "order",
        "version": 1,
        "key": "1",
        "op": "left",
        "delivery": None,
        "at": left["at"],
        "purged": False,
        "record": None,
    }
    assert theirs.id not in answer.text
    assert "of Globex" not in answer.text
    assert client.get("/api/v1/orders/1").status_code == 404
    (short,) = client.get(f"{PATH}?since=1&body=none").get_json()["items"]
    assert (short["op"], "record" in short) == ("left", False)


def test_personal_data_is_masked_or_its_reading_is_on_record(here: World) -> None:
    here.apply(FILES | {"contracts/order.v1.yaml": CONTRACT.replace("note: text 0..80 ?", "note: text 0..80 ?, pii")})
    here.deliver(order("1", note="Ann Smith"), order("2"))
    masked = here.client("orders:read").get(PATH)
    assert b"Ann" not in masked.get_data()
    assert [each["record"]["_masked"] for each in masked.get_json()["items"]] == [["note"], ["note"]]
    assert b"Ann" in here.client("orders:read", "orders:personal").get(PATH).get_data()
    stream = here.client("orders:read", "orders:personal").get(PATH, headers=EVENTS, buffered=False)
    assert b"Ann" in [chunk for _, chunk in zip(range(2), stream.iter_encoded(), strict=False)][1]
    stream.close()
    assert here.client("orders:read", "orders:personal").get(f"{PATH}?body=none").status_code == 200
    with here.database.read() as connection:
        lines = audit.after(connection, 0, limit=100, action="personal_read")
    assert [(line.subject, line.details["count"]) for line in lines] == [("collection orders", 2)] * 2
    assert all(line.details["request"].startswith("req_") for line in lines)


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_waiting_ends_when_a_change_comes(told: World) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        told.wait(seconds)
        if len(waits) == 3:
            told.deliver(order("3"), name="third.csv")

    assert heard(told.client(wait=wait).get(f"{PATH}?since=3&wait=30")) == [(4, "acme~3")]
    assert len(waits) == 3


def test_waiting_ends_with_its_time_and_with_the_server(told: World) -> None:
    body = told.client().get(f"{PATH}?since=3&wait=3").get_json()
    assert (body["items"], body["next"]) == ([], 3)
    assert 2.5 < told.late.total_seconds() <= 3
    ended = told.client(ending=lambda: True).get(f"{PATH}?since=3&wait=30").get_json()
    assert (ended["items"], told.late.total_seconds() <= 3) == ([], True)


def test_waiting_goes_on_behind_what_is_left_out(told: World) -> None:
    more: list[Callable[[], Any]] = [
        lambda: told.deliver(order("3"), name="third.csv"),
        lambda: told.deliver(order("4"), name="fourth.csv"),
    ]

    def wait(seconds: float) -> None:
        told.late += timedelta(seconds=seconds)
        if more:
            more.pop(0)()

    body = told.client("prices:read", wait=wait).get(f"{PATH}?since=1&wait=10").get_json()
    assert (body["items"], body["next"], body["as_of"]["change"]) == ([], 5, 5)


def test_a_key_that_ends_while_it_waits_hears_nothing(told: World) -> None:
    def wait(seconds: float) -> None:
        told.late += timedelta(seconds=seconds)
        revoke_all(told)
        told.deliver(order("3"), name="third.csv")

    assert told.client(wait=wait).get(f"{PATH}?since=3&wait=10").status_code == 401


def revoke_all(here: World) -> None:
    with here.database.write() as transaction:
        for key in keys.all_keys(transaction.connection):
            keys.revoke(transaction, key.id)


def test_who_waits_counts_among_the_followers(told: World) -> None:
    answers: list[TestResponse] = []

    def wait(seconds: float) -> None:
        if not answers:
            answers.append(client.get(f"{PATH}?since=3&wait=5"))
            answers.append(client.get(f"{PATH}?since=2&wait=5"))  # there is something: nobody waits
        told.late += timedelta(seconds=seconds)

    client = told.client(wait=wait, followers_max=1)
    assert client.get(f"{PATH}?since=3&wait=2").status_code == 200
    assert [each.status_code for each in answers] == [503, 200]
    assert answers[0].get_json()["code"] == "too_many_followers"
    assert answers[0].headers["Retry-After"]
    assert client.get(f"{PATH}?since=3&wait=2").status_code == 200  # the place is free again


def test_a_client_has_a_share_of_the_places_of_followers_and_others_have_the_rest(told: World) -> None:
    app = told.app(followers_max=6)
    mine, other = (with_key(app.test_client(), told.key("*:read", name=name)) for name in ("mine", "other"))
    again = with_key(app.test_client(), told.key("*:read", name="mine"))
    streams = [mine.get(PATH, headers=EVENTS, buffered=False) for _ in range(2)]
    for each in (mine, again):  # a second key is the same client
        refused = each.get(PATH, headers=EVENTS)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_at_once")
        assert refused.get_json()["detail"] == "2 of the 6 places are a client's, and this one has them all"
        assert refused.headers["Retry-After"] == "15"
    assert mine.get(f"{PATH}?since=3&wait=5").status_code == 429
    assert mine.get(f"{PATH}?since=2&wait=5").status_code == 200  # there is something: nobody waits
    theirs = [other.get(PATH, headers=EVENTS, buffered=False) for _ in range(2)]
    assert [each.status_code for each in theirs] == [200, 200]
    for stream in streams:
        stream.close()
        stream.close()  # a place is given back once
    assert other.get(PATH, headers=EVENTS).status_code == 429
    streams = [again.get(PATH, headers=EVENTS, buffered=False) for _ in range(2)]
    assert [each.status_code for each in streams] == [200, 200]
    for stream in (*streams, *theirs):
        stream.close()


def test_the_place_of_who_waited_is_free_again_when_its_waiting_fails(told: World) -> None:
    def wait(seconds: float) -> None:
        told.late += timedelta(seconds=seconds)
        if fails:
            raise Retry("the store is busy")

    fails = [True]
    client = told.client(wait=wait, followers_max=1)
    assert client.get(f"{PATH}?since=3&wait=2").status_code == 503
    fails.clear()
    assert client.get(f"{PATH}?since=3&wait=2").status_code == 200


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def events(chunks: Iterator[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Id and data of each event of a stream, as a browser would hear them."""
    rest = ""
    for chunk in chunks:
        rest += chunk.decode()
        while "\n\n" in rest:
            block, _, rest = rest.partition("\n\n")
            said = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "data" in said:
                yield int(said["id"]), json.loads(said["data"])


def test_events_follow_the_log_and_go_on_behind_the_last_one_seen(told: World) -> None:
    later = [lambda: told.deliver(order("3"), name="third.csv")]

    def wait(seconds: float) -> None:
        told.late += timedelta(seconds=seconds)
        if later:
            later.pop()()

    client = told.client(wait=wait)
    answer = client.get(PATH, headers=EVENTS, buffered=False)
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    stream = answer.iter_encoded()
    assert next(stream) == b"retry: 2000\n\n"
    followed = events(stream)
    assert [next(followed)[0] for _ in range(4)] == [1, 2, 3, 4]
    answer.close()
    again = client.get(f"{PATH}?since=0", headers=EVENTS | {"Last-Event-ID": "2"}, buffered=False)
    number, change = next(events(again.iter_encoded()))
    assert (number, change) == (3, client.get(f"{PATH}?since=2").get_json()["items"][0])
    again.close()


@pytest.mark.parametrize(
    ("path", "names"), [(PATH, ("limit", "wait")), ("/api/v1/activity", ("last", "limit", "wait"))]
)
def test_a_stream_has_no_pages_and_refuses_to_be_asked_for_them(told: World, path: str, names: tuple[str, ...]) -> None:
    client = told.client()
    query = "&".join(f"{name}=5" for name in names)
    body = client.get(f"{path}?{query}", headers=EVENTS).get_json()
    assert (body["status"], body["code"]) == (400, "bad_parameter")
    assert [(each["parameter"], each["detail"], each["remedy"]) for each in body["errors"]] == [
        (name, f"a stream has no pages: {name} says nothing of it", "Leave it out.") for name in names
    ]


@pytest.mark.parametrize("last", ["x", "-1", "1" * 5000, "9" * 16, "²"])
def test_a_last_event_id_that_is_none(told: World, last: str) -> None:
    answer = told.client().get(PATH, headers=EVENTS | {"Last-Event-ID": last.encode().decode("latin-1")})
    assert (answer.status_code, answer.get_json()["errors"][0]["header"]) == (400, "Last-Event-ID")
    ahead = told.client().get(PATH, headers=EVENTS | {"Last-Event-ID": "4"})
    assert (ahead.status_code, ahead.get_json()["code"]) == (400, "changes_ahead")


def test_a_stream_says_how_far_it_is_although_nothing_is_for_it(told: World) -> None:
    answer = told.client("prices:read").get(PATH, headers=EVENTS)  # time passes as it waits
    said = answer.get_data()
    assert b"data:" not in said
    assert said.count(b"id: 3\n: still here\n\n") > 10


def test_a_stream_ends_with_the_key_with_the_server_and_where_its_place_was_purged(
    told: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    client = told.client(ending=lambda: bool(ended))
    stream = client.get(PATH, headers=EVENTS, buffered=False)
    chunks = stream.iter_encoded()
    assert next(chunks) == b"retry: 2000\n\n"
    ended.append(True)
    assert list(chunks) == []
    ended.clear()
    stream = client.get(PATH, headers=EVENTS, buffered=False)
    chunks = stream.iter_encoded()
    followed = events(chunks)
    assert [next(followed)[0] for _ in range(3)] == [1, 2, 3]
    monkeypatch.setattr(changes, "kept_from", lambda *_: 5)
    assert [number for number, _ in followed] == []
    monkeypatch.undo()
    stream = client.get(PATH, headers=EVENTS, buffered=False)
    chunks = stream.iter_encoded()
    next(chunks)
    revoke_all(told)
    told.late += following._PROVEN_FOR
    assert list(chunks) == []


def test_streams_of_all_logs_share_their_places(told: World) -> None:
    client = told.client(followers_max=1)
    stream = client.get("/api/v1/activity", headers=EVENTS, buffered=False)
    refused = client.get(PATH, headers=EVENTS)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_followers")
    stream.close()
    stream = client.get(PATH, headers=EVENTS, buffered=False)
    assert stream.status_code == 200
    stream.close()
