"""What clients asked is counted in both lanes, and shown to whom it concerns."""

from __future__ import annotations

import re

from gateway.serve.limits import Policy
from gateway.serve.metrics import Metrics
from tests.gateway.serve.test_hot import in_force
from tests.gateway.serve.worlds import World, order, with_key

FORMAT = re.compile(
    r'(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z]+="(\\.|[^"\\])*")*\})? -?[0-9.e+-]+)'
)
"""A line of the exposition format."""


def test_usage_counts_what_was_answered_refused_and_limited(here: World) -> None:
    here.deliver(order("1"))
    app = here.app()
    erp = with_key(app.test_client(), here.key("orders:read", name="erp"))
    shop = with_key(app.test_client(), here.key("orders:read", "usage:read", name="shop"))
    for _ in range(3):
        assert erp.get("/api/v1/orders").status_code == 200
    assert erp.get("/api/v1/orders?nothing=1").status_code == 400
    assert [line["client"] for line in erp.get("/api/v1/usage").get_json()["items"]] == ["erp"]
    lines = {line["client"]: line for line in shop.get("/api/v1/usage").get_json()["items"]}
    assert lines["erp"] == {"client": "erp", "requests": 5, "refused": 1, "limited": 0, "failed": 0}


def test_metrics_are_prometheus_text_and_need_a_scope(here: World) -> None:
    here.deliver(order("1"), order("2", status="lost"))
    app = here.app()
    odd = with_key(app.test_client(), here.key("orders:read", name='say "x"\\\n'))
    assert odd.get("/api/v1/orders/acme~1").status_code == 200
    assert odd.get("/metrics").status_code == 403
    assert app.test_client().get("/metrics").status_code == 401
    answer = with_key(app.test_client(), here.key("metrics:read", name="prometheus")).get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert [line for line in lines if not FORMAT.fullmatch(line)] == []
    assert r'gateway_requests_total{operation="get_record",status="200",client="say \"x\"\\\n"} 1' in lines
    assert 'gateway_request_seconds_count{operation="get_record"} 1' in lines
    assert 'gateway_deliveries{state="partly_accepted"} 1' in lines
    assert "gateway_deliveries_waiting 0" in lines
    assert "gateway_newest_change 1" in lines
    assert 'gateway_places_taken{of="followers"} 0' in lines
    buckets = [int(line.rpartition(" ")[2]) for line in lines if 'seconds_bucket{operation="get_record"' in line]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1


def test_clients_without_end_share_a_line() -> None:
    metrics = Metrics()
    for number in range(600):
        metrics.count("get_record", 200, 0.001, f"someone-{number}")
    lines = metrics.by_client()
    assert len(lines) == 501
    assert lines["others"]["requests"] == 100


def test_what_the_hot_lane_leaves_to_the_ordinary_way_is_counted(here: World) -> None:
    in_force(here).deliver(order("1"))
    app = here.app(hot_lane=True)
    client = with_key(app.test_client(), here.key("admin"))

    def declined() -> list[str]:
        lines = client.get("/metrics").text.splitlines()
        return [line for line in lines if line.startswith("gateway_hot_lane_declined_total")]

    assert client.get("/api/v1/orders/acme~1").status_code == 200
    assert declined() == []
    for query in ("as_of=1", "as_of=1", "fields=number"):
        assert client.get(f"/api/v1/orders/acme~1?{query}").status_code == 200
    assert client.get("/api/v1/orders?count=exact").status_code == 200
    assert client.get("/api/v1/deliveries").status_code == 200
    (record, records) = declined()
    assert record.startswith('gateway_hot_lane_declined_total{operation="get_record"} ')
    assert int(record.rpartition(" ")[2]) >= 2
    assert records == 'gateway_hot_lane_declined_total{operation="list_records"} 1'


def test_two_keys_of_one_client_share_its_bucket(here: World) -> None:
    in_force(here).deliver(order("1"))
    for lane in (True, False):
        app = here.app(hot_lane=lane, limits=Policy(3, 60), ticks=lambda: 0.0)
        old, new, other = (
            here.key("orders:read", name=name) for name in (f"erp-{lane}", f"erp-{lane}", f"shop-{lane}")
        )
        clients = [with_key(app.test_client(), key) for key in (old, new, old, new, other)]
        answers = [client.get("/api/v1/orders/acme~1").status_code for client in clients]
        assert answers == [200, 200, 200, 429, 200]
