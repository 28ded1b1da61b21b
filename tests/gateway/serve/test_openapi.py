"""The OpenAPI document: valid, complete, true, and made for who asks."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.model import Arrived
from tests.gateway.serve.parcels import PARCELS, SENT
from tests.gateway.serve.senders import WHSEC, hooked, standard
from tests.gateway.serve.senders import order as json_order
from tests.gateway.serve.worlds import FILES, HEADER, World, order, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

UNDOCUMENTED = {"/", "/docs", "/docs/{asset}", "/problems", "/problems/{code}"}


@pytest.fixture(scope="module")
def document(still: World) -> dict[str, Any]:
    made: dict[str, Any] = still.client().get("/api/v1/openapi.json").get_json()
    return made


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z_]+", each) for each in ids)


def test_every_route_is_documented_and_every_documented_path_is_a_route(still: World, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in still.app().url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    expected = {
        (path.replace("{collection}", collection), method)
        for path, method in routes
        if path not in UNDOCUMENTED and not path.startswith("/try/")
        for collection in (("orders", "prices") if "{collection}" in path else ("",))
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == expected


def test_parameters_are_documented_and_documented_parameters_are_taken(still: World, document: dict[str, Any]) -> None:
    client = still.client()
    samples = {"integer": "1", "int64": "1", "boolean": "true", "date": "2026-11-01", "decimal": "1.5",
               "date-time": "2026-11-01T00:00:00Z", "string": "open"}  # fmt: skip
    own = {"fields": "_key", "sort": "_key", "count": "exact", "state": "accepted", "as_of": "3", "field": "number",
           "type": "order", "body": "none", "integration": "acme-orders", "partner": "acme"}  # fmt: skip
    own |= {"/api/v1/trials state": "done", "delivery": "d_"}
    for path, methods in document["paths"].items():
        if "get" not in methods or path.startswith("/api/v1/tables/"):
            continue
        target = filled(client, path)
        for parameter in methods["get"]["parameters"]:
            if parameter["in"] != "query" or parameter["name"] == "cursor":
                continue
            name, shape = parameter["name"], parameter["schema"]
            value = own.get(f"{path} {name}") or own.get(name) or samples[shape.get("format") or shape["type"]]
            if name.endswith("__in") and "total" in name:
                value = "1.5"
            typed = {"ordered_on__in": "2026-11-01", "urgent__in": "true", "pieces__in": "1",
                     "changed_at__in": "2026-11-01T00:00:00Z", "price__in": "1"}  # fmt: skip
            answer = client.get(target, query_string={name: typed.get(name, value)})
            assert answer.status_code == 200, (path, name, answer.get_json())


def test_filters_by_the_key_of_a_record_are_documented(document: dict[str, Any]) -> None:
    names = {each["name"] for each in document["paths"]["/api/v1/orders"]["get"]["parameters"]}
    assert {"_key", "_key__in", "_key__startswith", "_key__gt"} <= names


def filled(client: FlaskClient, path: str) -> str:
    """The path with ids of what is there."""
    if path.startswith("/api/v1/prices/"):
        path = path.replace("prices", "orders")
    found = {
        "{key}": "acme~1",
        "/deliveries/{id}": "/deliveries/" + client.get("/api/v1/deliveries").get_json()["items"][0]["id"],
        "/quarantine/{id}": "/quarantine/" + client.get("/api/v1/quarantine").get_json()["items"][0]["id"],
        "/types/{name}": "/types/order",
        "/integrations/{name}": "/integrations/acme-orders",
        "/partners/{name}": "/partners/acme",
        "{version}": "1",
    }
    if "/trials/{id}" in path:
        found["/trials/{id}"] = "/trials/" + client.post("/api/v1/partners/acme/trials", data=HEADER).get_json()["id"]
    for variable, value in found.items():
        path = path.replace(variable, value)
    return path


def test_answers_have_the_shapes_that_are_documented(still: World, document: dict[str, Any]) -> None:
    client = still.client()
    for path, methods in document["paths"].items():
        if "get" not in methods or path.startswith("/api/v1/tables/"):
            continue
        answer = client.get(filled(client, path))
        assert answer.status_code == 200, path
        content = methods["get"]["responses"]["200"]["content"]
        if "application/json" in content and "prices/" not in path:
            validator(document, content["application/json"]["schema"]).validate(answer.get_json())
        else:
            assert answer.mimetype in content or "prices/" in path
    problem = client.get("/api/v1/orders?totl=1&sort=x")
    validator(document, {"$ref": "#/components/schemas/Problem"}).validate(problem.get_json())


def test_answers_to_posts_have_the_shapes_that_are_documented(here: World) -> None:
    client = here.client()
    document = client.get("/api/v1/openapi.json").get_json()
    posts = {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}
    tried = {"/api/v1/integrations/{name}/deliveries", "/api/v1/partners/{name}/trials"}
    for prefer in ({}, {"Prefer": "wait=5"}):
        content = HEADER + order("1", status="lost") + order("2") + order(str(len(prefer)), status="lost")
        answer = client.post("/api/v1/integrations/acme-orders/deliveries", data=content, headers=prefer)
        checked(document, posts["/api/v1/integrations/{name}/deliveries"], answer.status_code, answer.get_json())
        answer = client.post("/api/v1/partners/acme/trials", data=content, headers=prefer)
        checked(document, posts["/api/v1/partners/{name}/trials"], answer.status_code, answer.get_json())
    here.work()
    delivery = client.get("/api/v1/deliveries?state=partly_accepted").get_json()["items"][0]["id"]
    first, second = client.get("/api/v1/quarantine?limit=2").get_json()["items"]
    for path, target, body in (
        ("/api/v1/quarantine/{id}/retry", f"/api/v1/quarantine/{first['id']}/retry", {}),
        (
            "/api/v1/quarantine/{id}/correct",
            f"/api/v1/quarantine/{second['id']}/correct",
            {"reason": "x", "patch": [{"start": second["start"], "end": second["start"], "text": "0"}]},
        ),
        ("/api/v1/quarantine/{id}/discard", f"/api/v1/quarantine/{second['id']}/discard", {"reason": "x"}),
        ("/api/v1/quarantine/retry", "/api/v1/quarantine/retry", {"code": "contract.code"}),
        ("/api/v1/deliveries/{id}/undo", f"/api/v1/deliveries/{delivery}/undo", {"reason": "x", "leave_changed": True}),
        ("/api/v1/deliveries/{id}/replay", f"/api/v1/deliveries/{delivery}/replay", {"reason": "x", "as": "now"}),
        (
            "/api/v1/deliveries/{id}/replay",
            f"/api/v1/deliveries/{delivery}/replay",
            {"reason": "x", "as": "now", "dry_run": True},
        ),
    ):
        here.work()
        tried.add(path)
        validator(document, posts[path]["requestBody"]["content"]["application/json"]["schema"]).validate(body)
        answer = client.post(target, json=body)
        checked(document, posts[path], answer.status_code, answer.get_json())
    key = here.key("orders:read", name="erp")
    form = {"grant_type": "client_credentials", "client_id": "erp", "client_secret": key}
    answer = here.app().test_client().post("/api/v1/token", data=form)
    checked(document, posts["/api/v1/token"], answer.status_code, answer.get_json())
    here.apply(hooked())
    sender, message = here.app(secret=lambda _: WHSEC).test_client(), json_order("9")
    for status in (202, 200, 401):
        headers = standard(message, "msg_1", int(here.now().timestamp())) if status < 400 else {}
        answer = sender.post("/api/v1/hooks/acme-orders", data=message, headers=headers)
        assert answer.status_code == status
        if status < 400:
            checked(document, posts["/api/v1/hooks/{integration}"], status, answer.get_json())
    assert tried | {"/api/v1/token", "/api/v1/hooks/{integration}"} == posts.keys()


def checked(document: dict[str, Any], operation: dict[str, Any], status: int, body: Any) -> None:
    shape = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    validator(document, shape).validate(body)


def validator(document: dict[str, Any], shape: dict[str, Any]) -> Any:
    """A validator of one shape of the document."""
    return OAS31Validator({**shape, "components": document["components"]})


def test_a_decimal_is_a_text(document: dict[str, Any]) -> None:
    record = document["components"]["schemas"]["order.v1"]
    assert record["properties"]["total"]["type"] == "string"
    assert record["properties"]["total"]["format"] == "decimal"


def test_what_a_contract_demands_is_required_though_fields_may_leave_it_out(document: dict[str, Any]) -> None:
    record = document["components"]["schemas"]["order.v1"]
    demanded = ["_key", "_seq", "_version", "number", "status", "ordered_on", "total", "ship_to"]
    assert sorted(record["required"]) == sorted(demanded)
    assert record["properties"]["ship_to"]["required"] == ["city"]
    assert "fields=" in record["description"]
    (chosen,) = (each for each in document["paths"]["/api/v1/orders"]["get"]["parameters"] if each["name"] == "fields")
    assert "left out" in chosen["description"]
    assert "the answer is not of its schema" in chosen["description"]


def test_the_document_is_kept_and_tagged(here: World) -> None:
    client = here.client()
    first = client.get("/api/v1/openapi.json")
    tag = first.headers["ETag"]
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": tag}).status_code == 304
    assert here.client("prices:read").get("/api/v1/openapi.json").headers["ETag"] != tag


def test_who_sends_no_key_sees_no_collection(here: World) -> None:
    answer = here.app().test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert "order.v1" not in answer.get_data(as_text=True)
    OpenAPIV31SpecValidator(answer.get_json()).validate()


def shown(here: World, *scopes: str) -> set[str]:
    """The operations that a key with these scopes is shown."""
    paths = here.client(*scopes).get("/api/v1/openapi.json").get_json()["paths"]
    return {operation["operationId"] for path in paths.values() for operation in path.values()}


def test_a_key_is_shown_the_operations_that_it_may_use(here: World) -> None:
    always = {"health_live", "health_ready", "get_openapi", "issue_token"}
    assert shown(here, "nothing:read") >= always
    narrow = shown(here, "orders:read")
    assert {"list_orders", "get_orders_record", "get_orders_record_history", "get_orders_record_evidence"} <= narrow
    assert (
        not {"list_prices", "list_deliveries", "list_quarantine", "list_audit", "list_rows", "upload_delivery"} & narrow
    )
    reader, writer = shown(here, "deliveries:read"), shown(here, "deliveries:write")
    assert ("get_delivery" in reader, "replay_delivery" in reader) == (True, False)
    assert ("get_delivery" in writer, "replay_delivery" in writer) == (False, True)
    assert "list_changes" in narrow
    assert not {"list_changes", "list_tables"} & shown(here, "nothing:read")
    assert "list_tables" not in narrow
    assert {"list_tables", "list_rows"} <= shown(here, "tables:read")
    assert "list_tables" in shown(here, "tables.erp:read"), "those of one connection are a part of them"
    assert "list_tables" not in shown(here, "orders.erp:read")
    assert shown(here, "admin") > shown(here, "*:read") > narrow


def test_a_key_that_is_limited_to_partners_is_not_shown_what_is_about_all_of_them(here: World) -> None:
    headers = {"Authorization": f"Bearer {here.key('*:read', 'tables.erp:read', partners=('acme',))}"}
    paths = here.app().test_client().get("/api/v1/openapi.json", headers=headers).get_json()["paths"]
    assert "/api/v1/deliveries" in paths
    assert not {"/api/v1/tables", "/api/v1/audit"} & paths.keys()
    for path in ("/api/v1/tables", "/api/v1/audit"):
        refused = here.app().test_client().get(path, headers=headers).get_json()
        assert (refused["code"], "not limited to partners" in refused["remedy"]) == ("scope_missing", True), path


def test_shapes_that_nothing_names_are_left_out(here: World) -> None:
    document = here.client("orders:read").get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    assert not {"HeldDocument", "Undone"} & document["components"]["schemas"].keys()
    assert {"order.v1", "Problem", "Evidence", "AsOf"} <= document["components"]["schemas"].keys()


def test_what_every_key_may_not_use_it_is_refused(here: World) -> None:
    """What is not shown is not there for it: each operation of the whole document, by a key with one scope."""
    here.deliver(order("1"), order("2", status="lost"))
    whole, client = here.client().get("/api/v1/openapi.json").get_json(), here.client("orders:read")
    mine = shown(here, "orders:read")
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] in mine or "{" in path.replace("{id}", "").replace("{name}", ""):
                continue
            answer = client.open(path.replace("{id}", "d_1").replace("{name}", "acme-orders"), method=method.upper())
            assert answer.get_json()["code"] == "scope_missing", (method, path)


@pytest.fixture(scope="module")
def parcels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway that serves two versions of parcels, with records of each."""
    made = world(tmp_path_factory.mktemp("parcels"))
    made.apply(FILES | PARCELS)
    for integration, content in SENT.items():
        made.receiver.land(Arrived("http:", "parcels.csv", None, integration), BytesIO(content))
    made.work()
    yield made
    made.close()


BOTH = pytest.mark.parametrize("scopes", [("admin",), ("parcels:read",)], ids=["all is seen", "masked"])


@BOTH
def test_answers_of_each_live_version_have_the_shapes_that_are_documented(
    parcels: World, scopes: tuple[str, ...]
) -> None:
    client = parcels.client(*scopes)
    document = client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    for version, key, names in (
        ({}, "C", {"number", "state", "sent", "box"}),
        ({"version": 2}, "C", {"number", "state", "sent", "box"}),
        ({"version": 1}, "A", {"number", "status", "sent", "receiver"}),
    ):
        for path, more in (
            ("/api/v1/parcels", {}),
            ("/api/v1/parcels", {"limit": 1, "count": "exact", "sort": "-sent"}),
            ("/api/v1/parcels", {"number": "none"}),
            ("/api/v1/parcels", {"as_of": 4}),
            ("/api/v1/parcels/{key}", {}),
            ("/api/v1/parcels/{key}/history", {}),
            ("/api/v1/parcels/{key}/evidence", {"field": "sent"}),
        ):
            answer = client.get(path.format(key=key), query_string=version | more)
            assert answer.status_code == 200, (path, version, answer.get_json())
            checked(document, document["paths"][path]["get"], 200, answer.get_json())
        record = client.get(f"/api/v1/parcels/{key}", query_string=version).get_json()
        assert {name for name in record if name[0] != "_"} == names
        wrong = record | {"odd": 1}
        shape = document["paths"]["/api/v1/parcels/{key}"]["get"]["responses"]["200"]["content"]["application/json"]
        assert not validator(document, shape["schema"]).is_valid(wrong)
        page = client.get("/api/v1/parcels", query_string=version).get_json()
        shape = document["paths"]["/api/v1/parcels"]["get"]["responses"]["200"]["content"]["application/json"]
        assert not validator(document, shape["schema"]).is_valid(page | {"items": [wrong]})


def test_the_shapes_of_the_newest_version_stand_first_and_are_as_if_it_were_alone(parcels: World, here: World) -> None:
    here.apply(FILES | {name: text for name, text in PARCELS.items() if "1" not in name})
    alone, both = (each.client().get("/api/v1/openapi.json").get_json() for each in (here, parcels))
    shapes = alone["components"]["schemas"]
    version = shapes.pop("parcel.v2.version")["properties"]["record"]
    assert {name: both["components"]["schemas"][name] for name in shapes} == shapes
    for path, name in (("", "page"), ("/{key}", "")):
        ids = [f"#/components/schemas/parcel.v{version}.{name}".rstrip(".") for version in (2, 1)]
        one, first = (
            each["paths"]["/api/v1/parcels" + path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            for each in (alone, both)
        )
        assert (one, first) == ({"$ref": ids[0]}, {"anyOf": [{"$ref": each} for each in ids]})
    told = both["components"]["schemas"]["parcel.v2.version"]["properties"]["record"]["anyOf"]
    assert [*version["anyOf"], told[1]] == [told[0], told[2], {"$ref": "#/components/schemas/parcel.v1"}]


@BOTH
def test_parameters_of_each_live_version_are_documented_and_taken(parcels: World, scopes: tuple[str, ...]) -> None:
    client = parcels.client(*scopes)
    document = client.get("/api/v1/openapi.json").get_json()
    asked = {
        each["name"]: each
        for each in document["paths"]["/api/v1/parcels"]["get"]["parameters"]
        if each["in"] == "query"
    }
    said = {name: each["description"] for name, each in asked.items()}
    assert said["status"] == "status is this; only with version=1"
    assert said["state"] == "state is this; not with version=1"
    assert said["number"] == "number is this"
    assert said["sort"].endswith("; state not with version=1; status only with version=1")
    assert said["fields"].endswith("; state, box not with version=1; status, receiver only with version=1")
    assert asked["number"]["schema"] == {"type": "string", "maxLength": 2000}
    assert asked["sent"]["schema"] == {
        "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 2000}]
    }
    assert asked["sort"]["schema"]["items"]["enum"] == [
        *("_key", "-_key", "number", "-number", "state", "-state", "sent", "-sent", "status", "-status")
    ]
    names, personal = asked.keys(), {"receiver", "receiver__in", "receiver__isnull"}
    assert names >= personal if scopes == ("admin",) else not names & personal
    assert {"sent__contains", "status__startswith", "state__in"} <= names
    own = {"sort": "_key", "fields": "_key", "count": "exact", "as_of": "4", "limit": "1"}
    for name in asked.keys() - {"cursor", "version"}:
        value = own.get(name) or ("true" if name.endswith("__isnull") else "2026-11-01")
        for version, refused in ((1, "; not with version=1"), (2, "; only with version=1")):
            answer = client.get("/api/v1/parcels", query_string={"version": version, name: value})
            fits = name in own or not said[name].endswith(refused)
            assert answer.status_code == (200 if fits else 400), (name, version, answer.get_json())


def test_an_answer_to_fields_lacks_nothing_else_and_holds_nothing_else(parcels: World) -> None:
    """What is required of a record is left out then, which the parameter says; all else is as documented."""
    client = parcels.client()
    document = client.get("/api/v1/openapi.json").get_json()
    for record in ("parcel.v1", "parcel.v2"):
        shape = document["components"]["schemas"][record]
        assert {"_key", "_seq", "_version", "number", "sent"} < {*shape["required"]}
        shape["required"] = ["_key", "_seq", "_version"]
    for version, key, fields in ((2, "C", "state"), (1, "A", "status"), (1, "A", "receiver"), (2, "C", "_seq")):
        for path in ("/api/v1/parcels", "/api/v1/parcels/{key}"):
            answer = client.get(path.format(key=key), query_string={"version": version, "fields": fields})
            checked(document, document["paths"][path]["get"], 200, answer.get_json())
            for record in answer.get_json().get("items", [answer.get_json()]):
                assert {"_key", "_seq", "_version"} <= record.keys() <= {"_key", "_seq", "_version", fields}
