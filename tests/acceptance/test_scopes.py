"""Who may see what, over every route that there is: nothing of other partners, no personal data without its scope.

What must not be seen has a mark in it, and no answer may hold the mark, whatever is asked: lists, counts, cursors,
entity tags, the feed, evidence, findings, files, the log, the OpenAPI document, refusals.
"""

from __future__ import annotations

import hashlib
import json
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model import Arrived
from gateway.store import audit, keys, revisions
from tests.gateway.serve.worlds import World, with_key, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.model import Delivery

ORDER = """\
contract: order v1
about: A purchase order
owner: desk
key: number per partner
fields:
  number: text 1..40
  status: code order-status, filter
  total: decimal(12,2), filter, sort
  email: text 3..60 ?, pii, filter, sort
  initial: text ?
  ship_to:
    city: text, pii
    country: text 2..2
"""

PRICE = """\
contract: price v1
about: A price
owner: desk
key: sku
fields:
  sku: text
  price: decimal, filter, sort
"""


def integration(partner: str, kind: str) -> str:
    """The flow of a partner's files of orders or prices."""
    lines = {
        "order": "  number: number\n  status: status\n  total: total | decimal\n  email: email | optional\n"
        "  initial: email | slice(1, 1) | optional\n  ship_to.city: city\n  ship_to.country: country\n",
        "price": "  sku: sku\n  price: price | decimal\n",
    }[kind]
    rank = {"acme": 1, "globex": 2}[partner]
    return (
        f'integration: {partner}-{kind}s\nabout: From {partner}\nowner: desk\nsource: "http:"\n'
        f"partner: {partner}\nformat: csv , utf-8 header\ncontract: {kind} v1\nprecedence: {rank}\nmap:\n{lines}"
    )


FILES = {
    "gateway.yaml": "store: sqlite:data/gateway.db\n",
    "teams.yaml": "desk:\n  email: desk@example.com\n",
    "codes/order-status.csv": "code\nopen\nclosed\n",
    "contracts/order.v1.yaml": ORDER,
    "contracts/price.v1.yaml": PRICE,
    **{f"partners/{name}.yaml": f"partner: {name}\nabout: {name}\n" for name in ("acme", "globex")},
    **{
        f"integrations/{partner}-{kind}s.yaml": integration(partner, kind)
        for partner in ("acme", "globex")
        for kind in ("order", "price")
    },
}

HEADER = "number,status,total,email,city,country\n"
GLOBEX = re.compile(rb"globex", re.IGNORECASE)
"""What is marked as the other partner's: its name stands in all that belongs to it."""
PERSONAL = re.compile(rb"pii-mark|Y2FuYXJ5|cGlpLW1hcm")
"""The mark of personal data, and how it begins in base64."""


class Scene:
    """Two partners' files, and clients who may see different parts of what they became."""

    def __init__(self, here: World) -> None:
        self.here = here
        here.apply(FILES)
        self.deliveries: dict[str, list[Delivery]] = {}
        for name in ("acme", "globex"):
            mail = f"pii-mark-{name}@example.com"
            self.deliveries[name] = [
                self.deliver(name, "orders", HEADER + f"{name}-1,open,10.00,{mail},pii-mark-{name}-town,DE\n"),
                self.deliver(name, "orders", HEADER + f"{name}-1,closed,12.00,{mail},pii-mark-{name}-city,DE\n"),
                self.deliver(
                    name,
                    "orders",
                    HEADER
                    + f"{name}-2,open,20.00,{mail},pii-mark-{name}-town,DE\n"
                    + f"{name}-3,lost-at-{name},30.00,{mail},pii-mark-{name}-town,DE\n"
                    + f"{name}-4,open,40.00,pii-mark-{name}{'x' * 60},pii-mark-{name}-town,DE\n",
                ),
                self.deliver(name, "prices", f"sku,price\n{name}-sku,1.50\nshared,{1 if name == 'acme' else 2}.00\n"),
            ]
        self.acme = self.client("*:read", "deliveries:write", "quarantine:write", "*:personal", partners=("acme",))
        self.masked = self.client("*:read", "deliveries:write", "quarantine:write")
        self.whole = self.client("admin")
        self.prices = self.client("prices:read")

    def deliver(self, partner: str, kind: str, text: str) -> Delivery:
        """A file of a partner's, landed and judged."""
        where = Arrived("http:", f"{partner}-{kind}.csv", partner, f"{partner}-{kind}")
        delivery = self.here.receiver.land(where, BytesIO(text.encode()))
        self.here.work()
        return delivery

    def client(self, *scopes: str, partners: tuple[str, ...] | None = None) -> FlaskClient:
        """A client with a key of its own."""
        token = self.here.ids.new("key")
        sha256 = hashlib.sha256(token.encode()).hexdigest()
        with self.here.database.write() as transaction:
            keys.add(
                transaction, id=token, name=f"client-{len(scopes)}", sha256_hex=sha256, scopes=scopes, partners=partners
            )
        return with_key(self.here.app().test_client(), token)

    def held(self, partner: str) -> list[str]:
        """The ids of the documents of a partner that are held."""
        items = self.whole.get(f"/api/v1/quarantine?integration={partner}-orders").get_json()["items"]
        return [each["id"] for each in items]

    def paths(self, partner: str, method: str = "GET") -> list[str]:
        """Every route with the ids of what belongs to a partner, in all ways."""
        ids = {
            "/deliveries/<id>": [each.id for each in self.deliveries[partner]],
            "/quarantine/<id>": self.held(partner),
            "<collection:collection>/<path:key>": [f"orders/{partner}~{partner}-{n}" for n in (1, 2, 9)]
            + [f"prices/{partner}-sku", "prices/shared"],
            "<collection:collection>": ["orders", "prices"],
            "/integrations/<name>": [f"{partner}-orders", f"{partner}-prices"],
            "/partners/<name>": [partner],
            "/types/<name>": ["order", "price"],
            "<version>": ["1"],
            "<code>": ["scope_missing"],
            "<asset>": ["pages.css"],
        }
        found = []
        for rule in self.here.app().url_map.iter_rules():
            if method not in (rule.methods or ()):
                continue
            ways = [rule.rule]
            for part, values in ids.items():
                kept = part.rpartition("<")[0] if not part.startswith("<") else ""
                ways = [way.replace(part, kept + value) for way in ways for value in (values if part in way else [""])]
            found += [re.sub(r"<[^>]*>", "nothing", way) for way in ways]
        return sorted(set(found))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    here = world(tmp_path_factory.mktemp("scopes"))
    yield Scene(here)
    here.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Scene]:
    here = world(tmp_path)
    yield Scene(here)
    here.close()


QUERIES = (
    "", "?limit=1000", "?limit=1", "?count=exact", "?sort=-_key", "?partner=globex", "?integration=globex-orders",
    "?state=partly_accepted", "?last=1000", "?after=0&limit=1000", "?since=0", "?since=0&limit=1000", "?as_of=999999",
    "?as_of=3", "?version=1", "?fields=number,email", "?code=contract.code", "?grep=globex", "?grep=pii-mark",
    "?problems=true", "?format=csv",
)  # fmt: skip
ACCEPTED = ("application/json", "application/x-ndjson", "text/csv", "*/*")


def everything(scene: Scene, client: FlaskClient, partner: str) -> Iterator[tuple[str, TestResponse]]:
    """What a client is answered on every GET route, with every query and in every form that is known."""
    for path in scene.paths(partner):
        for query in QUERIES:
            answer = client.get(path + query)
            yield path + query, answer
            if answer.status_code == 200 and query in ("", "?limit=1000"):
                for accept in ACCEPTED[1:]:
                    yield f"{path}{query} as {accept}", client.get(path + query, headers={"Accept": accept})
            elif query == "":
                break


def said(answer: TestResponse) -> bytes:
    """All that an answer says: its headers and its body."""
    return str(answer.headers).encode() + b"\n" + answer.get_data()


def without_echo(url: str, text: bytes) -> bytes:
    """What is said without the repetition of what was asked."""
    path, _, query = url.partition(" as ")[0].partition("?")
    words = [*path.split("/"), path.rpartition("/")[2].rpartition("~")[2], *re.split("[=&]", query)]
    for word in sorted({each for each in [*words, url] if len(each) > 3}, key=len, reverse=True):
        text = text.replace(word.encode(), b"")
    return text


# ── partners ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("partner", ["acme", "globex"])
def test_nothing_of_another_partner_is_in_any_answer(scene: Scene, partner: str) -> None:
    seen = 0
    for url, answer in everything(scene, scene.acme, partner):
        assert not GLOBEX.search(without_echo(url, said(answer))), (url, answer.get_data(as_text=True)[:600])
        seen += answer.status_code == 200
    assert seen > 50
    marked = (answer for _, answer in everything(scene, scene.whole, "globex") if GLOBEX.search(said(answer)))
    assert next(marked) is not next(marked), "the marks are there to be seen"


def test_a_partner_sees_all_that_is_his(scene: Scene) -> None:
    def keys_of(path: str) -> list[str]:
        return [each["_key"] for each in scene.acme.get(path).get_json()["items"]]

    assert keys_of("/api/v1/orders") == ["acme~acme-1", "acme~acme-2"]
    assert keys_of("/api/v1/prices") == ["acme-sku"], "the shared price was last said by somebody else"
    assert keys_of("/api/v1/prices?as_of=5") == ["acme-sku", "shared"]
    for path, count in (("deliveries", 4), ("quarantine", 2), ("integrations", 2), ("partners", 1)):
        assert len(scene.acme.get(f"/api/v1/{path}").get_json()["items"]) == count, path
    mine = scene.deliveries["acme"][2].id
    assert len(scene.acme.get(f"/api/v1/deliveries/{mine}/findings").get_json()["items"]) == 2
    assert b"acme-2" in scene.acme.get(f"/api/v1/deliveries/{mine}/content").get_data()
    assert len(scene.acme.get("/api/v1/orders/acme~acme-1/history").get_json()["items"]) == 2
    assert scene.acme.get("/api/v1/orders/acme~acme-1/evidence").status_code == 200


def test_counts_count_what_is_seen(scene: Scene) -> None:
    for path, mine, whole in (("orders", 2, 4), ("prices", 1, 3), ("orders?status=open", 1, 2)):
        sign = "&" if "?" in path else "?"
        for client, count in ((scene.acme, mine), (scene.whole, whole)):
            assert client.get(f"/api/v1/{path}{sign}count=exact&limit=1").get_json()["count"] == count, path
    for client, documents in ((scene.acme, 1), (scene.whole, 1)):
        groups = client.get("/api/v1/quarantine/groups?code=contract.code").get_json()["items"]
        assert [each["documents"] for each in groups] == [documents] * len(groups)
    assert scene.acme.get("/health/integrations").get_json()["waiting"] == 0


def test_who_waits_is_counted_for_oneself(own: Scene) -> None:
    own.here.works = False
    own.here.receiver.land(Arrived("http:", "late.csv", "globex", "globex-orders"), BytesIO(b"x\n"))
    assert own.whole.get("/health/integrations").get_json()["waiting"] == 1
    mine = own.acme.get("/health/integrations").get_json()
    assert (mine["waiting"], mine["waiting_since"]) == (0, None)


def test_what_belongs_to_nobody_is_not_shown_to_who_is_limited(own: Scene) -> None:
    stray = own.here.receiver.land(Arrived("folder:x", "stray-of-globex.csv", None), BytesIO(b"a\n1\n"))
    own.here.work()
    assert own.whole.get(f"/api/v1/deliveries/{stray.id}").status_code == 200
    assert own.acme.get(f"/api/v1/deliveries/{stray.id}").status_code == 404
    assert b"stray" not in own.acme.get("/api/v1/deliveries").get_data() + own.acme.get("/api/v1/activity").get_data()
    assert b"stray" not in own.acme.get("/api/v1/quarantine").get_data()


def test_a_partner_who_is_nobody_sees_nothing(scene: Scene) -> None:
    nobody = scene.client("*:read", "*:personal", partners=())
    for path in ("orders", "prices", "deliveries", "quarantine", "integrations", "partners", "activity?limit=1000"):
        assert nobody.get(f"/api/v1/{path}").get_json()["items"] == [], path


@pytest.mark.parametrize("path", ["audit", "tables", "tables/erp/customers", "tables/erp/customers/1"])
def test_what_knows_no_partners_is_not_for_who_is_limited(scene: Scene, path: str) -> None:
    for scopes in (("*:read",), ("admin",), ("audit:read", "tables:read"), ("*:*",)):
        client = scene.client(*scopes, partners=("acme",))
        assert client.get(f"/api/v1/{path}").get_json()["code"] == "scope_missing"
    assert scene.acme.get("/health/sources").get_json()["code"] == "scope_missing"


def alike(one: TestResponse, other: TestResponse, names: tuple[str, str]) -> bool:
    """Whether two refusals differ in nothing but the name that was asked for."""
    bodies = []
    for answer, name in ((one, names[0]), (other, names[1])):
        body = answer.get_json()
        body.pop("request_id")
        bodies.append((answer.status_code, json.dumps(body).replace(name, "…")))
    return bodies[0] == bodies[1]


def test_what_is_anothers_is_refused_as_what_is_not_there(scene: Scene) -> None:
    theirs, document = scene.deliveries["globex"][2].id, scene.held("globex")[0]
    pairs = [
        (f"/api/v1/deliveries/{theirs}", theirs, "d_" + "0" * (len(theirs) - 2)),
        (f"/api/v1/quarantine/{document}", document, "doc_" + "0" * (len(document) - 4)),
        ("/api/v1/orders/globex~globex-1", "globex~globex-1", "globex~globex-7"),
        ("/api/v1/prices/globex-sku", "globex-sku", "globex-sk7"),
        ("/api/v1/integrations/globex-orders", "globex-orders", "blobex-orders"),
        ("/api/v1/partners/globex", "globex", "blobex"),
    ]
    tried = 0
    for path, name, invented in pairs:
        parts = ("content", "findings", "records", "members", "activity", "acknowledgments", "history", "evidence")
        for rest in ("", *(f"/{each}" for each in parts)):
            one, other = scene.acme.get(path + rest), scene.acme.get(path.replace(name, invented) + rest)
            assert one.status_code == 404, path + rest
            assert alike(one, other, (name, invented)), (path + rest, one.get_json(), other.get_json())
            tried += 1
        for rest, body in (
            ("/replay", {"as": "now", "reason": "x"}),
            ("/undo", {"reason": "x"}),
            ("/retry", {}),
            ("/discard", {"reason": "x"}),
            ("/correct", {"reason": "x", "content": "y"}),
            ("/deliveries", None),
        ):
            one, other = (
                scene.acme.post(where + rest, **({"json": body} if body is not None else {"data": b"x"}))
                for where in (path, path.replace(name, invented))
            )
            assert one.status_code in (404, 405), path + rest
            assert one.status_code == 405 or alike(one, other, (name, invented)), path + rest
            tried += 1
    assert tried == len(pairs) * 15


FILTERED = ("deliveries", "quarantine", "quarantine/groups", "activity", "activity?wait=1", "trials")


def test_a_filter_by_what_is_anothers_is_refused_as_one_by_what_is_not_there(scene: Scene) -> None:
    """And one's own is asked for, whatever became of it: the difference must not tell who else there is."""
    for path in FILTERED:
        for names in (("integration", "globex-orders", "blobex-orders"), ("partner", "globex", "blobex")):
            kind, theirs, invented = names
            sign = "&" if "?" in path else "?"
            if scene.whole.get(f"/api/v1/{path}{sign}{kind}={theirs}").get_json().get("code") == "unknown_parameter":
                continue
            for accept in ("application/json", "text/event-stream") if path == "activity" else ("application/json",):
                one, other = (
                    scene.acme.get(f"/api/v1/{path}{sign}{kind}={name}", headers={"Accept": accept})
                    for name in (theirs, invented)
                )
                assert (one.status_code, one.get_json()["code"]) == (400, "bad_parameter"), path
                assert alike(one, other, (theirs, invented)), (one.get_json(), other.get_json())
                own = scene.acme.get(f"/api/v1/{path}{sign}{kind}={theirs.replace('globex', 'acme')}")
                assert own.status_code == 200, own.get_json()
    one, other = (
        scene.acme.post("/api/v1/quarantine/retry", json={"integration": name})
        for name in ("globex-orders", "blobex-orders")
    )
    assert (one.status_code, one.get_json()["code"]) == (422, "invalid_body")
    assert alike(one, other, ("globex-orders", "blobex-orders"))


def test_what_was_removed_is_no_more_to_others_than_what_never_was(own: Scene) -> None:
    """Neither what an earlier revision had nor that there are deliveries of it is told to who has none of them."""
    with own.here.database.write() as transaction:
        revisions.apply(transaction, "before", FILES | {"partners/initech.yaml": "partner: initech\nabout: x\n"})
    own.here.apply({path: text for path, text in FILES.items() if "-prices" not in path})
    for query, seen in (
        ("integration=acme-prices", True),  # of which there are deliveries of theirs
        ("integration=globex-prices", False),
        ("integration=blobex-prices", False),
        ("partner=initech", False),
    ):
        assert own.acme.get(f"/api/v1/deliveries?{query}").status_code == (200 if seen else 400), query
    for query in ("integration=acme-prices", "integration=globex-prices", "partner=initech"):
        assert own.whole.get(f"/api/v1/deliveries?{query}").status_code == 200, query
    removed, never = (
        own.acme.get(f"/api/v1/activity?integration={name}") for name in ("globex-prices", "blobex-prices")
    )
    assert alike(removed, never, ("globex-prices", "blobex-prices"))


def test_a_beginning_that_others_share_is_not_ambiguous(scene: Scene) -> None:
    """That several ids begin so would tell that there are others."""
    mine = sorted(each.id for each in scene.deliveries["acme"])
    common = scene.acme.get(f"/api/v1/deliveries/{mine[0][:6]}").get_json()
    assert common["code"] == "ambiguous_id"
    assert all(each.id not in str(common) for each in scene.deliveries["globex"])
    only = scene.client("*:read", partners=("globex", "nobody"))
    assert not any(each in only.get("/api/v1/deliveries/d").get_data(as_text=True) for each in mine)


def test_what_is_done_to_a_group_is_done_to_ones_own(own: Scene) -> None:
    others = own.held("globex")
    assert own.acme.post("/api/v1/quarantine/retry", json={"integration": "globex-orders"}).status_code == 422
    assert own.acme.post("/api/v1/quarantine/retry", json={"all": True}).get_json()["documents"] == 2
    with own.here.database.read() as connection:
        retried = [line for line in audit.last(connection, limit=50) if line.action == "retried"]
    assert retried[-1].details["partners"] == ["acme"]
    own.here.work()
    assert own.held("globex") == others


def test_a_file_is_taken_from_a_partner_for_his_own_integrations_alone(own: Scene) -> None:
    mine = own.acme.post("/api/v1/integrations/acme-prices/deliveries", data=b"sku,price\nnew,3.00\n")
    assert mine.status_code == 202
    theirs = own.acme.post("/api/v1/integrations/globex-prices/deliveries", data=b"sku,price\nnew,3.00\n")
    assert theirs.get_json()["code"] == "unknown_integration"
    assert "globex-prices'?" not in theirs.get_json()["remedy"]


# ── cursors and entity tags ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["orders?limit=1", "deliveries?limit=1", "quarantine?limit=1"])
def test_a_cursor_is_of_no_use_to_who_sees_something_else(scene: Scene, path: str) -> None:
    other = scene.client("*:read", "*:personal", partners=("acme", "globex"))
    clients = (scene.whole, scene.acme, other)
    found = [client.get(f"/api/v1/{path}").get_json()["next"] for client in clients]
    for client, mine in zip(clients, found, strict=True):
        for cursor in found:
            answer = client.get(f"/api/v1/{path}&cursor={cursor}")
            assert answer.status_code == (200 if cursor == mine else 400), path


def test_two_views_never_share_an_entity_tag(scene: Scene) -> None:
    clients = {
        "whole": scene.whole,
        "acme": scene.acme,
        "masked": scene.masked,
        "acme, masked": scene.client("*:read", partners=("acme",)),
        "both": scene.client("*:read", "*:personal", partners=("acme", "globex")),
    }
    shared_by_right = re.compile(r"/(docs|problems|content)|/prices")  # nothing in them depends on who asks
    tried = 0
    for path in scene.paths("acme"):
        tags = {
            name: answer.headers["ETag"]
            for name, client in clients.items()
            if (answer := client.get(path)).status_code == 200 and "ETag" in answer.headers
        }
        if not tags or shared_by_right.search(path):
            continue
        tried += 1
        assert len(set(tags.values())) == len(tags), (path, tags)
        for name, client in clients.items():
            for other, tag in tags.items():
                status = client.get(path, headers={"If-None-Match": tag}).status_code
                assert (status == 304) is (name == other and name in tags), (path, name, other)
    assert tried >= 8


def test_prices_of_two_views_differ_in_their_tags_too(scene: Scene) -> None:
    for path in ("/api/v1/prices", "/api/v1/prices/acme-sku", "/api/v1/prices/acme-sku/history"):
        assert scene.whole.get(path).headers["ETag"] != scene.acme.get(path).headers["ETag"], path
        assert scene.whole.get(path).headers["ETag"] == scene.masked.get(path).headers["ETag"], (
            "nothing is masked there"
        )


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_personal_data_is_in_any_answer_without_its_scope(scene: Scene) -> None:
    for url, answer in everything(scene, scene.masked, "acme"):
        text = without_echo(url, said(answer))
        assert not PERSONAL.search(text), (url, answer.get_data(as_text=True)[:600])
    assert any(PERSONAL.search(said(answer)) for _, answer in everything(scene, scene.acme, "acme"))


def test_masked_fields_are_null_and_named_whether_there_was_a_value_or_not(own: Scene) -> None:
    own.deliver("acme", "orders", HEADER + "acme-9,open,1.00,,pii-mark,DE\n")
    for key in ("acme~acme-1", "acme~acme-9"):
        record = own.masked.get(f"/api/v1/orders/{key}").get_json()
        assert list(record)[:4] == ["_key", "_seq", "_version", "_masked"]
        assert record["_masked"] == ["email", "ship_to.city"]
        assert (record["email"], record["ship_to"]) == (None, {"city": None, "country": "DE"})
    first, second = (list(own.masked.get(f"/api/v1/orders/acme~acme-{n}").get_json()) for n in (2, 9))
    assert [each for each in first if each != "initial"] == second, "not even the order of members tells"
    (item,) = own.masked.get("/api/v1/orders?fields=number,ship_to&limit=1").get_json()["items"]
    assert (item["_masked"], item["ship_to"]["city"]) == (["ship_to.city"], None)
    (item,) = own.masked.get("/api/v1/orders?fields=number&limit=1").get_json()["items"]
    assert "_masked" not in item
    seen = own.whole.get("/api/v1/orders/acme~acme-1").get_json()
    assert seen["email"] == "pii-mark-acme@example.com"
    assert "_masked" not in seen


@pytest.mark.parametrize(
    "query",
    [
        "email=a", "email__ne=a", "email__in=a,b", "email__gt=a", "email__startswith=pii", "email__contains=x",
        "email__isnull=true", "sort=email", "sort=-email", "sort=total,-email", "count=exact&email=a",
    ],
)  # fmt: skip
def test_what_is_masked_cannot_be_asked_about(scene: Scene, query: str) -> None:
    assert scene.whole.get(f"/api/v1/orders?{query}").status_code == 200
    answer = scene.masked.get(f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "personal_field")


@pytest.mark.parametrize("value", ["pii-mark-acme", "nothing"])
def test_held_documents_cannot_be_looked_for_by_a_value_that_is_masked(scene: Scene, value: str) -> None:
    for answer in (
        scene.masked.get(f"/api/v1/quarantine?value={value}"),
        scene.masked.get(f"/api/v1/quarantine?value={value}&integration=acme-orders"),
        scene.masked.post("/api/v1/quarantine/retry", json={"value": value}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")
    assert scene.masked.get(f"/api/v1/quarantine?value={value}&integration=acme-prices").status_code == 200
    assert scene.whole.get(f"/api/v1/quarantine?value={value}").status_code == 200


def test_the_log_cannot_be_searched_for_what_it_does_not_show(scene: Scene) -> None:
    path = "/api/v1/activity?limit=1000&grep=lost-at-acme"
    assert scene.whole.get(path).get_json()["items"]
    assert scene.masked.get(path).get_json()["items"] == []
    assert scene.masked.get("/api/v1/activity?grep=acme-orders.csv").get_json()["items"]


def test_bytes_of_which_nobody_can_tell_the_fields_apart_need_the_scope(scene: Scene) -> None:
    orders, prices = scene.deliveries["acme"][0].id, scene.deliveries["acme"][3].id
    refused = scene.masked.get(f"/api/v1/deliveries/{orders}/content")
    assert (refused.status_code, refused.get_json()["code"]) == (403, "scope_missing")
    assert "orders:personal" in refused.get_json()["detail"]
    assert scene.masked.get(f"/api/v1/deliveries/{prices}/content").status_code == 200
    some = scene.client("*:read", "orders:personal").get(f"/api/v1/deliveries/{orders}/content")
    assert PERSONAL.search(some.get_data())


def test_evidence_shows_neither_the_masked_bytes_nor_those_of_others_that_are_made_of_them(scene: Scene) -> None:
    path = "/api/v1/orders/acme~acme-1/evidence"
    whole, masked = scene.whole.get(path).get_json(), scene.masked.get(path).get_json()
    fields = {each["field"]: each for each in masked["fields"]}
    assert {each["field"] for each in whole["fields"]} - fields.keys() == {"/email", "/ship_to/city"}
    (spot,) = fields["/initial"]["sources"]
    assert (spot["bytes"], spot["text"], spot["start"], spot["end"]) == ("", "", None, None)
    assert fields["/initial"]["value"] == "p"
    assert fields["/total"]["sources"][0]["text"] == "12.00"
    for field in ("email", "/email", "ship_to.city", "/ship_to/city"):
        answer = scene.masked.get(f"{path}?field={field}")
        assert (answer.status_code, answer.get_json()["code"]) == (403, "personal_field")
    assert [each["field"] for each in scene.masked.get(f"{path}?field=ship_to").get_json()["fields"]] == [
        "/ship_to/country"
    ]
    (spot,) = scene.masked.get(f"{path}?field=initial").get_json()["fields"][0]["sources"]
    assert spot["text"] == ""


def test_findings_about_other_fields_are_told_in_full(scene: Scene) -> None:
    found = scene.masked.get(f"/api/v1/deliveries/{scene.deliveries['acme'][2].id}/findings").get_json()["items"]
    by_target = {each["target"]: each for each in found}
    assert by_target["/status"]["value"] == "lost-at-acme"
    hidden = by_target["/email"]
    assert hidden["value"] is None
    assert hidden["code"] == "contract.length"
    assert "orders:personal" in hidden["remedy"]


def test_the_document_of_the_api_knows_what_is_masked(scene: Scene) -> None:
    whole, masked = (client.get("/api/v1/openapi.json").get_json() for client in (scene.whole, scene.masked))
    names = {each["name"] for each in masked["paths"]["/api/v1/orders"]["get"]["parameters"]}
    assert not [name for name in names if name.startswith("email")]
    assert "email__startswith" in {each["name"] for each in whole["paths"]["/api/v1/orders"]["get"]["parameters"]}
    record = masked["components"]["schemas"]["order.v1"]
    assert "null" in record["properties"]["email"]["type"]
    assert "null" in record["properties"]["ship_to"]["properties"]["city"]["type"]
    assert "_masked" in record["properties"]
    assert "_masked" not in whole["components"]["schemas"]["order.v1"]["properties"]
    (order,) = [each for each in scene.masked.get("/api/v1/types").get_json()["items"] if each["name"] == "order"]
    (email,) = [each for each in order["fields"] if each["name"] == "email"]
    assert (email["filterable"], email["sortable"], email["operators"], email["pii"]) == (False, False, [], True)


# ── what is read of personal data is on record ───────────────────────────────────────────────────────────────────────


def reads(scene: Scene) -> list[dict[str, Any]]:
    with scene.here.database.read() as connection:
        lines = audit.last(connection, limit=1000, action="personal_read")
    return [{"subject": line.subject, "who": line.who} | line.details for line in lines]


def test_one_line_for_each_request_says_who_read_how_much(own: Scene) -> None:
    mine = own.client("orders:read", "prices:read", "orders:personal")
    mine.get("/api/v1/orders", headers={"X-Request-ID": "req-1"})
    mine.get("/api/v1/orders/acme~acme-1", headers={"X-Request-ID": "req-2"})
    mine.get("/api/v1/orders/acme~acme-1/history", headers={"X-Request-ID": "req-3"})
    mine.get("/api/v1/orders/acme~acme-1/evidence", headers={"X-Request-ID": "req-4"})
    mine.get("/api/v1/orders?fields=email", headers={"X-Request-ID": "req-5"})
    found = reads(own)
    assert [(each["request"], each["count"]) for each in found] == [
        ("req-1", 4),
        ("req-2", 1),
        ("req-3", 2),
        ("req-4", 1),
        ("req-5", 4),
    ]
    assert {each["subject"] for each in found} == {"collection orders"}
    assert {each["who"] for each in found} == {"client-3"}
    assert all(each["client"].startswith("key_") for each in found)


def test_what_holds_no_personal_data_is_not_told(own: Scene) -> None:
    tag = own.whole.get("/api/v1/orders").headers["ETag"]
    before = len(reads(own))
    own.whole.get("/api/v1/orders", headers={"If-None-Match": tag})
    own.whole.get("/api/v1/orders?fields=number,total")
    own.whole.get("/api/v1/orders?status=closed&total__gt=1000")
    own.whole.get("/api/v1/orders/acme~nothing")
    own.whole.get("/api/v1/prices")
    own.whole.get("/api/v1/deliveries")
    own.whole.get(f"/api/v1/deliveries/{own.deliveries['acme'][3].id}/content")
    for path in ("orders", "orders/acme~acme-1", "orders/acme~acme-1/history", "quarantine", "activity?limit=1000"):
        assert own.masked.get(f"/api/v1/{path}").status_code == 200
    assert len(reads(own)) == before


def test_files_findings_and_lines_of_the_log_are_told_by_what_they_are(own: Scene) -> None:
    delivery = own.deliveries["acme"][2].id
    for path, what in (
        (f"deliveries/{delivery}/content", {"delivery": delivery, "count": 1}),
        (f"deliveries/{delivery}/findings", {"what": "findings", "count": 1}),
        ("quarantine?integration=acme-orders", {"what": "findings", "count": 1}),
        (f"deliveries/{delivery}/activity", {"what": "activity"}),
    ):
        before = len(reads(own))
        assert own.whole.get(f"/api/v1/{path}").status_code == 200
        (line,) = reads(own)[before:]
        assert line.items() >= what.items(), path
        assert not PERSONAL.search(json.dumps(line).encode())


# ── collections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_reads_one_collection_learns_nothing_of_the_others(scene: Scene) -> None:
    marks = re.compile(rb"order\b|orders|lost-at|pii-mark|acme-1", re.IGNORECASE)
    plain = re.compile(r"^/(docs|problems)")
    for url, answer in everything(scene, scene.prices, "acme"):
        text = without_echo(url, answer.get_data())
        if plain.search(url) or url.startswith("/api/v1/openapi.json"):
            continue
        assert not marks.search(text), (url, answer.get_data(as_text=True)[:500])
    document = scene.prices.get("/api/v1/openapi.json").get_json()
    assert [path for path in document["paths"] if "orders" in path] == []
    assert [name for name in document["components"]["schemas"] if name.startswith("order.")] == []
    one, other = scene.prices.get("/api/v1/orders"), scene.prices.get("/api/v1/orderz")
    assert alike(one, other, ("orders", "orderz"))
