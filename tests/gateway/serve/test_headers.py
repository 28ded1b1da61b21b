"""The headers of answers: each that is said is documented, for its operation and status."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from gateway.serve.headers import ANSWERED
from gateway.serve.limits import Policy
from tests.gateway.serve.test_openapi import filled
from tests.gateway.serve.worlds import HEADER, World, order

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

NDJSON = "application/x-ndjson"
EVERYWHERE = {
    "Content-Type",
    "Content-Length",
    "Cache-Control",
    "Content-Security-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "Date",
    "X-Accel-Buffering",
    "Pragma",
}
"""What every server says, or what is said to browsers and proxies."""


def undocumented(operation: dict[str, Any], answer: TestResponse) -> set[str]:
    """The headers of an answer that its operation does not tell of."""
    responses = operation["responses"]
    status = str(answer.status_code)
    return {*answer.headers.keys()} - {*responses.get(status, responses.get(f"{status[0]}XX"))["headers"]} - EVERYWHERE


@pytest.fixture
def client(here: World) -> FlaskClient:
    """Of a gateway with records, held documents, rate limits and a contract that ends."""
    here.deliver(order("1"), order("2"), order("3", status="lost"))
    here.write_letters()
    contract = replace(here.configuration.contracts["order.v1"], deprecated=date(2026, 11, 1), sunset=date(2027, 6, 1))
    here.configuration = replace(here.configuration, contracts={**here.configuration.contracts, "order.v1": contract})
    return here.client(limits=Policy(10_000, 60))


def test_every_header_of_an_answer_is_documented(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    seen: set[str] = set()
    asked: list[tuple[str, Any, dict[str, str]]]
    asked = [(path, methods["get"], {}) for path, methods in document["paths"].items() if "get" in methods]
    more = [
        ("/api/v1/orders?limit=1", "/api/v1/orders", {}),
        ("/api/v1/orders", "/api/v1/orders", {"Accept": "text/csv"}),
        ("/api/v1/orders/acme~1?as_of=1", "/api/v1/orders/{key}", {}),
        ("/api/v1/orders/acme~1", "/api/v1/orders/{key}", {"If-None-Match": "*"}),
        ("/api/v1/types/order", "/api/v1/types/{name}", {"If-None-Match": "*"}),
        ("/api/v1/orders?totl=1", "/api/v1/orders", {}),
        ("/api/v1/deliveries", "/api/v1/deliveries", {"Authorization": "Bearer no"}),
        ("/api/v1/deliveries/{id}/content", "/api/v1/deliveries/{id}/content", {"Range": "bytes=0-3"}),
        ("/api/v1/deliveries/{id}/content", "/api/v1/deliveries/{id}/content", {"Range": "bytes=9999-"}),
    ]
    asked += [(target, document["paths"][path]["get"], headers) for target, path, headers in more]
    for target, operation, headers in asked:
        answer = client.get(filled(client, target), headers=headers)
        assert undocumented(operation, answer) == set(), target
        assert str(answer.status_code) in operation["responses"] or answer.status_code >= 400, target
        seen |= {*answer.headers.keys()}
    upload = "/api/v1/integrations/{name}/deliveries"
    for _ in range(2):
        headers = {"Idempotency-Key": "one", "Prefer": "wait=1"}
        answer = client.post(filled(client, upload), data=HEADER + order("7"), headers=headers)
        assert undocumented(document["paths"][upload]["post"], answer) == set()
        seen |= {*answer.headers.keys()}
    assert seen >= {*ANSWERED} - {"Allow", "Retry-After", "Age"}


BY_ACCEPT = (
    "/api/v1/orders",
    "/api/v1/changes",
    "/api/v1/activity",
    "/api/v1/deliveries/{id}/activity",
    "/api/v1/deliveries/{id}/letter",
)


def test_where_accept_chooses_the_form_every_answer_says_so(client: FlaskClient) -> None:
    delivery = filled(client, "/api/v1/deliveries/{id}")
    for path in BY_ACCEPT:
        target = path.replace("/api/v1/deliveries/{id}", delivery)
        tag = client.get(target).headers.get("ETag", "")
        answers = [client.get(target, headers={"Accept": each}) for each in ("*/*", "image/png", "text/csv", NDJSON)]
        answers += [client.get(f"{target}?nonsense=1"), client.get(target, headers={"Authorization": "Bearer no"})]
        answers.append(client.get(target, headers={"If-None-Match": tag}))
        assert [each.headers.getlist("Vary") for each in answers] == [["Accept"]] * len(answers), path
        assert answers[-1].status_code == (304 if tag else 200)
        assert {each.status_code for each in answers} >= {200, 401, 406}, path
    for target in ("/api/v1/orders/acme~1", delivery, "/api/v1/deliveries", "/health/live"):
        assert "Vary" not in client.get(target).headers, target


def test_what_has_an_entity_tag_heeds_if_none_match_and_may_answer_304(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    for path, methods in document["paths"].items():
        if "get" not in methods or "/tables/" in path:
            continue
        target, operation = filled(client, path), methods["get"]
        tag = client.get(target).headers.get("ETag")
        heeds = any(each["name"] == "If-None-Match" for each in operation["parameters"])
        assert heeds == ("304" in operation["responses"]), path
        if tag is not None and not re.search("acknowledgments", path):
            assert heeds, path
            assert client.get(target, headers={"If-None-Match": tag}).status_code == 304, path
