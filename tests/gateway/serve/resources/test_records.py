"""Records over HTTP: lists, one, history; cursors, entity tags, versions."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store import revisions
from tests.gateway.serve.worlds import CONTRACT, FILES, ORDERS, World, order, with_key, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


def numbers(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [item["number"] for item in answer.get_json()["items"]]


def link(answer: TestResponse, relation: str) -> str | None:
    """The target of the Link with this relation."""
    for value in answer.headers.getlist("Link"):
        if f'rel="{relation}"' in value:
            return value[1 : value.index(">")]
    return None


def test_a_list_is_items_next_and_as_of(still: World) -> None:
    answer = still.client().get("/api/v1/orders")
    body = answer.get_json()
    assert list(body) == ["items", "next", "as_of"]
    assert body["items"][0] == {
        "_key": "acme~1",
        "_seq": 1,
        "_version": 1,
        "number": "1",
        "status": "open",
        "ordered_on": "2026-11-01",
        "total": "9.50",
        "urgent": True,
        "pieces": 1,
        "ship_to": {"city": "Hamburg"},
    }
    assert body["next"] is None
    assert body["as_of"]["change"] == 3
    assert body["as_of"]["time"].endswith("Z")
    assert link(answer, "describedby") == "/api/v1/types/order/versions/1"


QUERIES = [
    ("status=open", ["1", "3"]),
    ("status__ne=open", ["2"]),
    ("total=10", ["2"]),
    ("total__gte=10", ["2", "3"]),
    ("total__lt=10.00", ["1"]),
    ("total__in=9.5,100.000", ["1", "3"]),
    ("ordered_on__gt=2026-11-01&ordered_on__lt=2026-11-03", ["2"]),
    ("urgent=true", ["1"]),
    ("urgent=false", []),
    ("urgent__isnull=true", ["2", "3"]),
    ("pieces__gt=3", ["2"]),
    ("pieces__isnull=false", ["1", "2"]),
    ("changed_at=2026-11-20T09:00:00Z", ["2"]),
    ("changed_at__gte=2026-11-20T10:00:01%2B01:00", []),
    ("changed_at=2026-11-20t10:00:00.0000000%2B01:00", ["2"]),
    ("changed_at=2026-11-20T09:00:00.0000001Z", []),
    ("changed_at__ne=2026-11-20T09:00:00.0000001Z", ["2"]),
    ("changed_at__in=2026-11-20T09:00:00.0000001Z,2026-11-20t09:00:00z", ["2"]),
    ("changed_at__gt=2026-11-20T08:59:59.9999999Z", ["2"]),
    ("changed_at__gte=2026-11-20T08:59:59.9999999Z", ["2"]),
    ("changed_at__gt=2026-11-20T09:00:00.0000001Z", []),
    ("changed_at__gte=2026-11-20T09:00:00.0000001Z", []),
    ("changed_at__lt=2026-11-20T09:00:00.0000001Z", ["2"]),
    ("changed_at__lte=2026-11-20T08:59:59.9999999Z", []),
    ("number__contains=2", ["2"]),
    ("number__startswith=%25", []),
    ("_key=acme~3", ["3"]),
    ("number=%27 OR 1=1 --", []),
    ("sort=-total", ["3", "2", "1"]),
    ("sort=status", None),
    ("sort=pieces,-number", ["1", "2", "3"]),
    ("sort=-_key", ["3", "2", "1"]),
    ("sort=-pieces&total__gt=1", ["2", "1", "3"]),
    ("limit=2", ["1", "2"]),
]


@pytest.mark.parametrize(("query", "found"), QUERIES)
def test_filters_and_sorts(still: World, query: str, found: list[str] | None) -> None:
    answer = still.client().get(f"/api/v1/orders?{query}")
    if found is None:
        assert answer.get_json()["code"] == "not_sortable"
    else:
        assert numbers(answer) == found


@pytest.fixture
def either(store_url: str, tmp_path: Path) -> Iterator[World]:
    made = world(tmp_path, url=store_url)
    yield made
    made.close()


def test_filters_sorts_and_pages_mean_the_same_on_each_store(either: World) -> None:
    either.deliver(
        order("1", total="9.50", day="2026-11-01", pieces="1", urgent="true"),
        order("2", total="10.00", day="2026-11-02", status="closed", pieces="20", changed="2026-11-20T10:00:00+01:00"),
        order("3", total="100.00", day="2026-11-03"),
    )
    client = either.client()
    for query, found in QUERIES:
        if found is not None:
            assert numbers(client.get(f"/api/v1/orders?{query}")) == found, query
    for sort in ("total", "-total", "pieces", "-pieces,total", "changed_at", "-_key", "ordered_on,-total"):
        whole = numbers(client.get(f"/api/v1/orders?sort={sort}"))
        assert walked(client, f"/api/v1/orders?sort={sort}&limit=1") == whole, sort


def walked(client: FlaskClient, path: str) -> list[str]:
    """The numbers of all pages, along the links."""
    found: list[str] = []
    target: str | None = path
    while target is not None:
        answer = client.get(target)
        found += numbers(answer)
        target = link(answer, "next")
        assert (answer.get_json()["next"] is None) == (target is None)
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.lists(st.sampled_from(["total", "pieces", "ordered_on", "changed_at"]), max_size=3, unique=True),
    signs=st.lists(st.sampled_from(["", "-"]), min_size=4, max_size=4),
    limit=st.integers(1, 5),
)
def test_pages_of_any_size_and_order_are_the_whole_list(
    still: World, sort: list[str], signs: list[str], limit: int
) -> None:
    client = still.client()
    order_by = ",".join(sign + name for sign, name in zip(signs, [*sort, "_key"], strict=False))
    whole = numbers(client.get(f"/api/v1/orders?sort={order_by}"))
    assert sorted(whole) == ["1", "2", "3"]
    assert walked(client, f"/api/v1/orders?sort={order_by}&limit={limit}") == whole


def test_a_cursor_belongs_to_its_query(still: World) -> None:
    client = still.client()
    cursor = client.get("/api/v1/orders?sort=total&limit=1").get_json()["next"]
    assert numbers(client.get(f"/api/v1/orders?sort=total&limit=2&cursor={cursor}&fields=number")) == ["2", "3"]
    for other in ("sort=-total", "sort=total&status=open", ""):
        answer = client.get(f"/api/v1/orders?{other}&cursor={cursor}")
        assert answer.get_json()["code"] == "bad_cursor", other
        assert "another query" in answer.get_json()["detail"]
    assert client.get(f"/api/v1/orders?sort=total&cursor={cursor[:-2]}").get_json()["code"] == "bad_cursor"


def test_records_that_arrive_meanwhile_do_not_shift_a_page(here: World) -> None:
    here.deliver(order("2"), order("4"))
    client = here.client()
    first = client.get("/api/v1/orders?limit=1")
    here.deliver(order("1"), order("3"), name="more.csv")
    assert walked(client, link(first, "next") or "") == ["3", "4"]


def test_a_count_on_request(still: World) -> None:
    client = still.client()
    assert client.get("/api/v1/orders?status=open&limit=1&count=exact").get_json()["count"] == 2
    assert "count" not in client.get("/api/v1/orders").get_json()


def test_chosen_fields_alone(still: World) -> None:
    client = still.client()
    system = {"_key": "acme~3", "_seq": 3, "_version": 1}
    assert client.get("/api/v1/orders/acme~3?fields=note").get_json() == system | {"note": "Grüße aus 東京"}
    (item,) = client.get("/api/v1/orders?number=3&fields=total,number").get_json()["items"]
    assert list(item.items()) == list((system | {"number": "3", "total": "100.00"}).items())
    whole = client.get("/api/v1/orders/acme~3")
    all_fields = "number,status,ordered_on,total,urgent,pieces,changed_at,note,ship_to"
    assert client.get(f"/api/v1/orders/acme~3?fields={all_fields}").get_data() == whole.get_data()


def test_a_record_has_a_strong_tag_that_saves_the_body(here: World) -> None:
    here.deliver(order("1"))
    client = here.client()
    first = client.get("/api/v1/orders/acme~1")
    assert first.headers["ETag"] == '"1"'
    again = client.get("/api/v1/orders/acme~1", headers={"If-None-Match": '"0", W/"1"'})
    assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", '"1"')
    assert client.get("/api/v1/orders/acme~1?fields=total", headers={"If-None-Match": '"1"'}).status_code == 200
    here.deliver(order("1", total="11.00"), name="again.csv")
    changed = client.get("/api/v1/orders/acme~1", headers={"If-None-Match": '"1"'})
    assert changed.status_code == 200
    assert changed.get_json()["total"] == "11.00"
    assert changed.get_json()["_version"] == 2


def test_a_list_has_a_tag_of_its_state_and_its_query(here: World) -> None:
    here.deliver(order("1"))
    client = here.client()
    path = "/api/v1/orders?status=open"
    first = client.get(path)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert client.get(path).get_data() == first.get_data()  # equal tags are equal bytes, the time included
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    for other in ("status=closed", "status=open&limit=5", "status=open&fields=total", "status=open&count=exact"):
        assert client.get(f"/api/v1/orders?{other}", headers={"If-None-Match": tag}).status_code == 200, other
    here.deliver(order("2"), name="more.csv")
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_history_has_every_version_newest_first(here: World) -> None:
    here.deliver(order("1", total="10.00"))
    second = here.deliver(order("1", total="12.00"), name="again.csv")
    body = here.client().get("/api/v1/orders/acme~1/history").get_json()
    assert [(each["_version"], each["_seq"], each["record"]["total"]) for each in body["items"]] == [
        (2, 2, "12.00"),
        (1, 1, "10.00"),
    ]
    assert body["items"][0]["delivery"] == second.id
    assert body["items"][0]["record"]["_version"] == 2


def test_history_has_pages_that_join_to_the_whole(here: World) -> None:
    for total in range(1, 6):
        here.deliver(order("1", total=f"{total}.00"), name=f"{total}.csv")
    client, path = here.client(), "/api/v1/orders/acme~1/history"
    whole = client.get(path).get_json()
    assert [each["changed"] for each in whole["items"]] == [["/total"]] * 4 + [None]
    assert whole["next"] is None
    found, target = [], f"{path}?limit=2"
    while target:
        answer = client.get(target)
        found += answer.get_json()["items"]
        cursor = answer.get_json()["next"]
        target = f"{path}?limit=2&cursor={cursor}" if cursor else ""
        assert (f"cursor={cursor}" in answer.headers.get("Link", "")) is bool(cursor)
    assert found == whole["items"]
    other = here.client().get("/api/v1/orders?limit=1").get_json()["next"]
    assert client.get(f"{path}?cursor={other or 'x'}").get_json()["code"] == "bad_cursor"
    assert client.get(f"{path}?limit=0").get_json()["code"] == "bad_parameter"


@pytest.mark.parametrize("resource", ["orders", "orders/acme~1", "orders/acme~1/evidence"])
def test_what_has_not_come_yet_is_not_told(here: World, resource: str) -> None:
    """What stands now would be told of a moment at which it may stand no more."""
    here.deliver(order("1"), order("2"))
    client, path = here.client(), f"/api/v1/{resource}"
    now = here.database.clock().isoformat().replace("+00:00", "Z")
    assert client.get(path, query_string={"as_of": 2}).status_code == 200
    for spelled in (now, now.lower(), now.replace("Z", "999Z")):
        assert client.get(path, query_string={"as_of": spelled}).status_code == 200, spelled
    ahead = client.get(path, query_string={"as_of": 3})
    assert (ahead.status_code, ahead.get_json()["code"], ahead.get_json()["newest"]) == (400, "as_of_ahead", 2)
    later = (here.database.clock() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    refused = client.get(path, query_string={"as_of": later}).get_json()
    assert (refused["code"], refused["errors"][0]["parameter"]) == ("as_of_ahead", "as_of")


NUMBERS = [
    "a/b",
    "a~b",
    "50%",
    "a b",
    "ä",
    "history",
    "a/history",
    "a?b#c",
    "..",
    '"a\nb"',
    '"a\r\n"',
    "/a",
    "a/",
    "a//b",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_any_key_is_found_at_the_path_that_its_record_names(here: World, number: str) -> None:
    here.deliver(order(number))
    client = here.client()
    (record,) = client.get("/api/v1/orders").get_json()["items"]
    answer = client.get(f"/api/v1/orders/{record['_key']}")
    assert answer.get_json() == record
    assert client.get(f"/api/v1/orders/{record['_key']}/history").get_json()["items"][0]["record"] == record


@pytest.mark.parametrize("sku", ["/a", "//", '"\n"', '"\n/history"', "x/history", "x/evidence"])
def test_a_key_that_is_all_of_a_path_is_found_there_too(here: World, sku: str) -> None:
    here.apply(FILES | {"contracts/order.v1.yaml": CONTRACT.replace("key: number per partner", "key: number")})
    here.deliver(order(sku))
    client = here.client()
    (record,) = client.get("/api/v1/orders").get_json()["items"]
    path = f"/api/v1/orders/{record['_key']}"
    assert client.get(path).get_json() == record
    assert client.get(f"{path}?fields=total").get_json()["_key"] == record["_key"]
    assert client.get(f"{path}/history").get_json()["items"][0]["record"] == record
    assert client.get(f"{path}/evidence").get_json()["_key"] == record["_key"]
    assert client.get(f"{path}/nothing").get_json()["code"] == "unknown_record"


def test_a_path_that_means_two_records_names_both(here: World) -> None:
    two_keys = CONTRACT.replace("key: number per partner", "key: number, status").replace(
        "code order-status, filter", "text, filter"
    )
    here.apply(FILES | {"contracts/order.v1.yaml": two_keys})
    here.deliver(order("a~b", status="c"), order("a", status="b~c"))
    client = here.client()
    records = client.get("/api/v1/orders").get_json()["items"]
    assert sorted(each["_key"] for each in records) == ["a%7Eb~c", "a~b%7Ec"]
    answer = client.get(f"/api/v1/orders/{quote('a~b~c')}")
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "ambiguous_key"
    assert "a%7Eb~c" in answer.get_json()["detail"]


def test_a_key_that_was_escaped_once_more_is_found_unless_another_record_is_meant(here: World) -> None:
    here.deliver(order('"a,1"'), order("a%2C2"))
    client = here.client()
    for path in ("acme~a%2C1", "acme~a%252C1"):
        for under in ("", "/history", "/evidence"):
            assert client.get(f"/api/v1/orders/{path}{under}").status_code == 200, (path, under)
        assert client.get(f"/api/v1/orders/{path}").get_json()["number"] == "a,1"
    here.deliver(order('"a,2"'))
    assert client.get("/api/v1/orders/acme~a%252C2").get_json()["number"] == "a%2C2"
    assert client.get("/api/v1/orders/acme~a%252C2/history").get_json()["items"][0]["record"]["number"] == "a%2C2"
    assert client.get("/api/v1/orders/acme~a%252C3").get_json()["code"] == "unknown_record"


def test_two_versions_of_a_contract_live_side_by_side(here: World) -> None:
    here.deliver(order("1"))
    newer = CONTRACT.replace("order v1", "order v2").replace("note: text 0..80 ?", "comment: text 0..80 ?")
    flow = ORDERS.replace("order v1", "order v2").replace("note: note | optional", "comment: note | optional")
    here.apply(FILES | {"contracts/order.v2.yaml": newer, "integrations/acme-orders.yaml": flow})
    here.deliver(order("2", note="x"), name="more.csv")
    client = here.client()
    assert numbers(client.get("/api/v1/orders")) == ["2"]
    older = client.get("/api/v1/orders?version=1")
    assert numbers(older) == ["1"]
    assert link(older, "successor-version") == "/api/v1/orders"
    assert link(client.get("/api/v1/orders"), "successor-version") is None
    assert client.get("/api/v1/orders/acme~1?version=1").status_code == 200
    assert client.get("/api/v1/orders/acme~1").status_code == 404
    types = client.get("/api/v1/types/order").get_json()
    assert (types["version"], types["versions"]) == (2, [1, 2])
    assert client.get("/api/v1/types/order/versions/1").get_json()["version"] == 1


def test_a_list_is_the_joined_bytes_of_its_records(still: World) -> None:
    client = still.client()
    raw = client.get("/api/v1/orders").get_data()
    for item in json.loads(raw)["items"]:
        one: bytes = client.get(f"/api/v1/orders/{item['_key']}").get_data()
        assert one in raw


def test_an_empty_collection_is_an_empty_list(still: World) -> None:
    body: dict[str, Any] = still.client().get("/api/v1/prices?count=exact").get_json()
    assert body == {"items": [], "next": None, "as_of": {"time": None, "change": 0}, "count": 0}


@pytest.mark.parametrize(
    ("query", "parameter", "code", "remedy"),
    [
        ("status=opne", "status", "opne", "Did you mean 'open'?"),
        ("status__ne=OPEN", "status__ne", "OPEN", "Did you mean 'open'?"),
        ("status__in=open,zzz", "status__in", "zzz", "There are: closed, open."),
    ],
)
@pytest.mark.parametrize("hot_lane", [True, False])
def test_a_code_that_the_table_of_the_field_never_had_is_refused_with_the_nearest(
    still: World, query: str, parameter: str, code: str, remedy: str, hot_lane: bool
) -> None:
    client = still.client(hot_lane=hot_lane)
    assert client.get("/api/v1/orders?status=open").status_code == 200  # the lane knows the form of such a query
    for accept in ("application/json", "text/csv"):
        body = client.get(f"/api/v1/orders?{query}", headers={"Accept": accept}).get_json()
        assert (body["status"], body["code"]) == (400, "bad_value")
        assert body["detail"] == f"status has no code {code!r}"
        assert [(each["parameter"], each["remedy"]) for each in body["errors"]] == [(parameter, remedy)]


def test_what_may_stand_above_codes_or_in_them_need_be_none(still: World) -> None:
    client = still.client()
    assert numbers(client.get("/api/v1/orders?status__gte=d")) == ["1", "3"]
    assert numbers(client.get("/api/v1/orders?status__startswith=cl&status__lt=x")) == ["2"]


def test_a_code_that_was_taken_out_of_its_table_is_asked_for_as_before(store_url: str, tmp_path: Path) -> None:
    fewer = FILES | {"codes/order-status.csv": "code\nopen\n"}
    with closing(world(tmp_path, url=store_url)) as here:
        here.deliver(order("1", status="closed"))
        here.apply(fewer)
        client = here.client()
        assert numbers(client.get("/api/v1/orders?status=closed")) == ["1"]  # a record has it
        here.deliver(order("1"))
        assert client.get("/api/v1/orders?status=closed").get_json()["remedy"] == "There are: open."
        assert numbers(client.get("/api/v1/orders?status=closed&as_of=1")) == ["1"]
        with here.database.write() as transaction:
            revisions.apply(transaction, "first", FILES)
        assert numbers(client.get("/api/v1/orders?status=closed")) == []  # an earlier revision had it
        assert client.get("/api/v1/orders?status=lost").status_code == 400


def test_of_a_record_that_was_undone_its_history_is_named_to_who_may_see_it(store_url: str, tmp_path: Path) -> None:
    with closing(world(tmp_path, url=store_url)) as here:
        delivery = here.deliver(order("a/1"))
        client = here.client()
        assert client.post(f"/api/v1/deliveries/{delivery.id}/undo", json={"reason": "a test"}).status_code == 200
        body = client.get("/api/v1/orders/acme~a%2F1").get_json()
        assert (body["status"], body["code"]) == (404, "unknown_record")
        assert re.fullmatch(r"orders has no record 'acme~a%2F1' any more: it is gone since 20..-..-..", body["detail"])
        assert body["remedy"] == "/api/v1/orders/acme~a%2F1/history tells what it was."
        assert [each["record"] is None for each in client.get(body["remedy"].split()[0]).get_json()["items"]] == [
            True,
            False,
        ]
        never = client.get("/api/v1/orders/acme~2").get_json()
        assert never["remedy"] == "Keys of orders are of the form partner~number."
        theirs = with_key(here.app().test_client(), here.key("*:read", partners=("globex",)))
        assert "history" not in theirs.get("/api/v1/orders/acme~a%2F1").get_data(as_text=True)


def test_a_form_that_is_asked_for_in_the_query_is_that_of_the_accept_header(still: World) -> None:
    body = still.client().get("/api/v1/orders?format=csv").get_json()
    assert (body["code"], body["remedy"]) == (
        "unknown_parameter",
        "The header Accept chooses the form, as in Accept: text/csv; /docs lists those to be had here.",
    )


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/deliveries", "/health/live"])
def test_a_slash_at_the_end_of_a_path_is_named(still: World, path: str) -> None:
    body = still.client().get(f"{path}/").get_json()
    assert (body["code"], body["remedy"]) == ("not_found", f"Leave the slash at the end out: {path}")
    assert still.client().get("/api/v1/").get_json()["remedy"] == "Check the path; /docs lists every one."
