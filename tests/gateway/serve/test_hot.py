"""The hot lane and the plain one answer alike: status, headers and body, byte for byte; and the lane does answer."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.serve.limits import Policy
from gateway.store import keys, revisions
from tests.gateway.serve.worlds import CONTRACT, FILES, World, order, with_key, world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


LEAVING = FILES | {
    "contracts/order.v1.yaml": CONTRACT.replace("key:", "deprecated: 2026-11-01\nsunset: 2027-06-30\nkey:")
}


def in_force(here: World, files: Mapping[str, str] = FILES) -> World:
    """The world's configuration in the store too, where the lane sees which one is in force."""
    with here.database.write() as transaction:
        revisions.apply(transaction, here.configuration.revision, files)
    return here


@pytest.fixture(scope="module")
def busy(module_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = world(tmp_path_factory.mktemp("hot"), url=module_store)
    made.apply(LEAVING)  # so that its answers have every header that there is
    in_force(made, LEAVING)
    made.deliver(
        *(order(f"{n}", total=f"{n % 7}.50", status=("open", "closed")[n % 2], pieces=str(n)) for n in range(40))
    )
    made.deliver(
        order("x/1~y", note="Grüße aus 東京"), order("100", note='with "quotes"', changed="2026-11-20T09:00:00Z")
    )
    yield made
    made.close()


PATHS = st.sampled_from(
    [
        *(
            "orders",
            "orders/acme~7",
            "orders/acme~100",
            "orders/7",
            "orders/acme~none",
            "orders/acme~x%2F1%7Ey",
            "prices",
        ),
        *("orders/", "orders/acme~7/history", "nothing", "prices/none", "orders/acme~7/evidence", "Orders"),
    ]
)
QUERIES = st.lists(
    st.sampled_from(
        [
            *("limit=3", "limit=100", "limit=0", "sort=-total", "sort=pieces", "sort=-pieces,total", "status=open"),
            *(
                "total__gte=3",
                "fields=number",
                "count=exact",
                "as_of=1",
                "version=1",
                "versoin=1",
                "note=x",
                "sort=_key",
            ),
            *(
                "%76ersion=1",
                "_key__gt=%00",
                "_key__gt=acme~2",
                "status__in=open%2Cclosed",
                "status=open%20",
                "total=%2B1",
                "urgent__isnull=true",
            ),
        ]
    ),
    max_size=3,
    unique=True,
).map("&".join)
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "X-Request-ID", "traceparent", "If-None-Match", "X-Api-Key", "Content-Type", "Range"]),
    st.sampled_from(
        [
            *(
                "application/json",
                "*/*",
                "text/csv",
                "application/json;q=0.1, text/html",
                "application/json; charset=utf-8",
                "image/png",
                "a-1",
                "not ok!",
            ),
            *("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", '"1"', "*", 'W/"7"', "bytes=0-1", ""),
        ]
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def both(busy: World) -> tuple[FlaskClient, FlaskClient]:
    """A client of each lane, with the same key."""
    key = busy.key("*:read")
    hot, plain = (with_key(busy.app(hot_lane=each).test_client(), key) for each in (True, False))
    return hot, plain


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, query=QUERIES, headers=HEADERS)
def test_both_lanes_answer_alike(
    both: tuple[FlaskClient, FlaskClient], path: str, query: str, headers: dict[str, str]
) -> None:
    url = f"/api/v1/{path}{'?' if query else ''}{query}"
    hot, plain = (each.get(url, headers=headers) for each in both)
    assert said(hot) == said(plain)
    if hot.status_code != 200 or "ETag" not in hot.headers:
        return
    again = {**headers, "If-None-Match": hot.headers["ETag"]}
    hot, plain = (each.get(url, headers=again) for each in both)
    assert plain.status_code == 304
    assert said(hot) == said(plain)


@pytest.mark.parametrize("query", ["sort=-total&limit=3&sort=_key", "total__gte=1&limit=2&total__gte=2"])
def test_a_name_that_comes_twice_is_answered_alike(both: tuple[FlaskClient, FlaskClient], query: str) -> None:
    hot, plain = (each.get(f"/api/v1/orders?{query}") for each in both)
    assert said(hot) == said(plain)


def test_every_page_of_a_list_is_alike(both: tuple[FlaskClient, FlaskClient]) -> None:
    for start in ("/api/v1/orders?limit=7", "/api/v1/orders?sort=-total&limit=7", "/api/v1/orders?limit=7&status=open"):
        url: str | None = start
        seen = 0
        while url:
            hot, plain = (each.get(url) for each in both)
            assert said(hot) == said(plain)
            seen += len(hot.json["items"])  # type: ignore[index] # JSON
            url = next(
                (link.partition(">")[0][1:] for link in hot.headers.getlist("Link") if 'rel="next"' in link), None
            )
        assert seen == (22 if "status" in start else 42)


SHAPES = st.sampled_from(
    [
        *("status={}&limit=3", "total__gte={}&sort=-total&limit=5", "sort=pieces&pieces__lt={}&limit=4", "_key__gt={}"),
        *("note__contains={}&limit=2", "total={}&status={}&limit=1", "status__in={},closed&limit=3&sort=-total,-_key"),
        *("limit={}", "sort={}", "cursor={}&status=open", "_key__startswith={}&limit=7&urgent__isnull=true"),
        *("changed_at__gte={}", "changed_at={}&changed_at__lt={}", "changed_at__lte={}&changed_at__ne={}&limit=1"),
    ]
)
VALUES = st.sampled_from(
    [
        *("open", "closed", "3", "3.50", "03.5", "-1", "1e1", "", "%20", "%2B1", "acme~2", "acme%7E2", "total", "7"),
        *("9" * 30, "Gr%C3%BC%C3%9Fe", "%22quotes%22", "a&status=closed", "%00", "%F0%9F%90%88", "é", "a+b", "1=2"),
        *("2026-11-20t09:00:00z", "2026-11-20T09:00:00.0000000Z", "2026-11-20T09:00:00.0000001Z", "2026-11-20T09:00Z"),
    ]
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=SHAPES, values=st.lists(VALUES, min_size=2, max_size=2))
def test_queries_that_differ_in_their_values_are_answered_alike_page_by_page(
    both: tuple[FlaskClient, FlaskClient], shape: str, values: list[str]
) -> None:
    url: str | None = f"/api/v1/orders?{shape.format(*values)}"
    for _ in range(3):
        assert url is not None
        hot, plain = (each.get(url) for each in both)
        assert said(hot) == said(plain)
        links = hot.headers.getlist("Link") if hot.status_code == 200 else []
        url = next((link.partition(">")[0][1:] for link in links if 'rel="next"' in link), None)
        if url is None:
            break


def test_a_query_like_one_before_is_not_understood_again(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(here)
    here.deliver(*(order(f"{n}", total=f"{n}.00", status=("open", "closed")[n % 2]) for n in range(6)))
    app = here.app(hot_lane=True)
    client = with_key(app.test_client(), here.key("orders:read"))
    start = "/api/v1/orders?total__gte={}&status={}&sort=-total&limit=1"
    cursor = client.get(start.format("1", "open")).get_json()["next"]
    client.get(f"{start.format('1', 'open')}&cursor={cursor}")
    client.get(start.format("1", "closed"))
    monkeypatch.setattr("gateway.serve.plans.for_list", None)
    lane = Counting(app)
    answered = [client.get(start.format(total, status)).get_json() for total in "23" for status in ("open", "closed")]
    assert [[item["total"] for item in each["items"]] for each in answered] == [["4.00"], ["5.00"]] * 2
    behind = client.get(f"{start.format('2', 'open')}&cursor={answered[0]['next']}").get_json()
    assert [item["total"] for item in behind["items"]] == ["2.00"]
    assert lane.answered == 5
    assert client.get(f"{start.format('3', 'open')}&cursor={answered[0]['next']}").status_code >= 400
    assert lane.answered == 5


def test_moments_in_any_spelling_are_answered_by_the_lane_too(here: World) -> None:
    in_force(here)
    here.deliver(order("1", changed="2026-11-20T09:00:00Z"))
    app = here.app(hot_lane=True)
    client, lane = with_key(app.test_client(), here.key("orders:read")), Counting(app)
    found = [
        len(client.get(f"/api/v1/orders?changed_at__gte=2026-11-20{time}").get_json()["items"])
        for time in ("T09:00:00Z", "t09:00:00z", "T09:00:00.0000000Z", "T09:00:00.0000001Z", "t08:59:59.9999999z")
    ]
    assert (found, lane.answered) == ([1, 1, 1, 0, 1], 5)


def said(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer but what is made anew for each."""
    headers = [(name, value) for name, value in answer.headers.items() if name != "X-Request-ID"]
    headers += [("X-Request-ID", re.sub(r"req_\w{26}\b", "req", answer.headers["X-Request-ID"]))]
    return answer.status_code, sorted(headers), re.sub(rb"req_\w+", b"req", answer.data)


class Counting:
    """Counts what the lane answers."""

    def __init__(self, app: Any) -> None:
        self.answered = 0
        self._lane = app.lane
        app.lane = self

    def __call__(self, environ: Any) -> Any:
        answer = self._lane(environ)
        self.answered += answer is not None
        return answer


def test_the_lane_answers_what_is_hot_and_only_as_long_as_it_counts(here: World) -> None:
    in_force(here)
    here.deliver(order("1"), order("2"))
    app = here.app(hot_lane=True)
    lane = Counting(app)
    key = here.key("orders:read")
    client = with_key(app.test_client(), key)
    for url in ("/api/v1/orders/acme~1", "/api/v1/orders?sort=-total&limit=1", "/api/v1/orders"):
        before = lane.answered
        assert client.get(url).status_code == 200
        assert lane.answered == before + 1, url
    for url in ("/api/v1/orders/none", "/api/v1/orders?count=exact", "/api/v1/orders/acme~1/history", "/health/live"):
        before = lane.answered
        client.get(url)
        assert lane.answered == before, url
    assert client.get("/api/v1/prices").status_code == 403
    with here.database.write() as transaction:
        revoked = next(each.id for each in keys.all_keys(transaction.connection))
        assert keys.revoke(transaction, revoked)
    assert client.get("/api/v1/orders/acme~1").status_code == 401
    assert client.get("/api/v1/orders").status_code == 401


def test_a_key_that_ends_and_a_new_configuration_are_heeded(here: World) -> None:
    in_force(here)
    here.deliver(order("1"))
    app = here.app(hot_lane=True)
    client = with_key(app.test_client(), here.key("*:read", expires_at=datetime.now(UTC) + timedelta(hours=1)))
    assert client.get("/api/v1/orders").status_code == 200
    files = FILES | {"contracts/order.v2.yaml": FILES["contracts/order.v1.yaml"].replace("order v1", "order v2")}
    here.apply(files)
    with here.database.write() as transaction:
        revisions.apply(transaction, here.configuration.revision, files)
    assert client.get("/api/v1/orders").json["items"] == []  # type: ignore[index] # the newest version has none yet
    here.late = timedelta(hours=2)
    assert client.get("/api/v1/orders").status_code == 401


def test_a_delivery_that_is_being_settled_is_seen_whole_and_not_by_the_lane(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(in_force(world(tmp_path, url=store_url))) as here:
        here.deliver(*(order(f"{n}", total="1.00") for n in range(5)))
        app = here.app(hot_lane=True)
        lane = Counting(app)
        client = with_key(app.test_client(), here.key("*:read"))
        urls = ("/api/v1/orders", "/api/v1/orders?sort=-total&limit=3", "/api/v1/orders/acme~1")
        for url in urls:
            client.get(url)
        assert lane.answered == len(urls)
        monkeypatch.setattr("gateway.store.staging.settle", lambda *_, **__: True)  # it stays published, and no more
        here.deliver(*(order(f"{n}", total="2.00") for n in range(3)))
        for url in urls:
            body = client.get(url).get_json()
            totals = [item["total"] for item in body.get("items", [body])]
            assert totals.count("2.00") == (3 if "items" in body else 1), url
        assert lane.answered == len(urls)


def test_what_a_client_may_is_told_and_kept_in_both_lanes(here: World) -> None:
    in_force(here)
    here.deliver(order("1"))
    for lane in (True, False):
        app = here.app(hot_lane=lane, limits=Policy(3, 60), ticks=lambda: 0.0)
        client = with_key(app.test_client(), here.key("*:read", name=f"lane-{lane}"))
        answers = [client.get("/api/v1/orders/acme~1") for _ in range(4)]
        assert [answer.headers["RateLimit"] for answer in answers] == [
            f'"client";r={left};t={(3 - left) * 20}' for left in (2, 1, 0, 0)
        ]
        assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"client";q=3;w=60'}
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3].headers["Retry-After"] == "20"
        assert answers[3].json["code"] == "rate_limited"  # type: ignore[index]


def test_a_page_that_is_kept_is_read_anew_when_anything_changed(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    in_force(here)
    here.deliver(order("1"))
    monkeypatch.setattr("gateway.serve.hot.lists.KEPT_BYTES_MAX", 64 * 1000)
    client = with_key(here.app(hot_lane=True).test_client(), here.key("*:read"))
    for round_ in range(2, 5):
        for limit in range(100, 200):  # more than is kept
            first, again = (client.get(f"/api/v1/orders?limit={limit}") for _ in range(2))
            assert said(first) == said(again)
        here.deliver(order(f"{round_}"))
        keys_seen = [item["_key"] for item in client.get("/api/v1/orders?limit=199").get_json()["items"]]
        assert keys_seen == [f"acme~{number}" for number in range(1, round_ + 1)]
