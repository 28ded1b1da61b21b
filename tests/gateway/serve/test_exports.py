"""Exports: one snapshot, streamed, and the feed goes on behind it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import SQLAlchemyError

from gateway.store.sqlite import library
from tests.gateway.serve.worlds import FILES, World, order, with_key, world

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

NDJSON, CSV = {"Accept": "application/x-ndjson"}, {"Accept": "text/csv"}
COUNT = 1234


@pytest.fixture
def many(store_url: str, tmp_path: Path) -> Iterator[World]:
    made = world(tmp_path, url=store_url)
    made.deliver(*(order(f"{n:04}", total=f"{n}.00", status=("open", "closed")[n % 2]) for n in range(COUNT)))
    yield made
    made.close()


def paged(client: FlaskClient, query: str = "") -> list[bytes]:
    """The items of all pages of the list, as they stand in its pages."""
    items: list[bytes] = []
    cursor = ""
    while True:
        answer = client.get(f"/api/v1/orders?limit=1000{query}{cursor}")
        items += [json.dumps(item).encode() for item in answer.get_json()["items"]]
        if answer.get_json()["next"] is None:
            return items
        cursor = f"&cursor={answer.get_json()['next']}"


@pytest.mark.parametrize(
    "query", ["", "status=open", "sort=-total", "sort=pieces&total__lt=700", "fields=number,total"]
)
def test_ndjson_holds_what_all_pages_hold_in_their_order(many: World, query: str) -> None:
    client = many.client()
    answer = client.get(f"/api/v1/orders?{query}", headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = answer.data.splitlines()
    assert answer.data.endswith(b"\n")
    assert answer.headers["Gateway-Records"] == str(len(lines))
    assert [json.dumps(json.loads(line)).encode() for line in lines] == paged(client, f"&{query}" if query else "")


def test_an_export_is_one_snapshot_and_the_feed_goes_on_behind_it(many: World) -> None:
    client = many.client()
    answer = client.get("/api/v1/orders", headers=NDJSON, buffered=False)
    chunks = iter(answer.iter_encoded())
    first = next(chunks)
    many.deliver(order("0000", total="7777.00"), order("9999"))  # while the export is on its way
    records = [json.loads(line) for line in (first + b"".join(chunks)).splitlines()]
    answer.close()
    assert len(records) == COUNT
    assert records[0]["total"] == "0.00"
    since = answer.headers["Gateway-Changes-Since"]
    behind = client.get(f"/api/v1/changes?since={since}").get_json()["items"]
    assert [(each["key"], each["record"]["total"]) for each in behind] == [
        ("acme~0000", "7777.00"),
        ("acme~9999", "10.00"),
    ]
    client.get(f"/api/v1/orders?as_of={since}", headers=NDJSON)
    then = client.get(f"/api/v1/orders?as_of={since}", headers=NDJSON)
    assert [json.loads(line) for line in then.data.splitlines()] == records
    assert then.headers["Gateway-Changes-Since"] == since


def test_csv_is_a_table_of_the_contracts_fields_and_holds_no_formula(here: World) -> None:
    here.deliver(
        order("1", note="=1+1", city="+44 York", total="-3.00"),
        order("2", note='"say ""so"", twice"', city="@home"),
        order("3", note="-x", pieces="-5", urgent="true"),
    )
    answer = here.client().get("/api/v1/orders", headers=CSV)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert answer.data.count(b"\r\n") == 4
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["_key"], row["total"], row["note"], row["ship_to.city"], row["pieces"]) for row in rows] == [
        ("acme~1", "-3.00", "'=1+1", "'+44 York", ""),
        ("acme~2", "10.00", 'say "so", twice', "'@home", ""),
        ("acme~3", "10.00", "'-x", "Hamburg", "-5"),
    ]
    assert rows[2]["urgent"] == "true"
    chosen = here.client().get("/api/v1/orders?fields=number,ship_to", headers=CSV)
    assert chosen.text.splitlines()[0] == "_key,_seq,_version,number,ship_to.city"


def test_an_empty_collection_and_one_without_matches_export_nothing(here: World) -> None:
    client = here.client()
    assert client.get("/api/v1/orders", headers=NDJSON, buffered=True).data == b""
    assert client.get("/api/v1/prices", headers=CSV, buffered=True).text == "_key,_seq,_version,sku,price\r\n"
    assert client.get("/api/v1/orders", headers=NDJSON).headers["Gateway-Changes-Since"] == "0"


def test_personal_data_is_masked_in_every_form(here: World) -> None:
    contract = FILES["contracts/order.v1.yaml"].replace("note: text 0..80 ?", "note: text 0..80 ?, pii")
    here.apply(FILES | {"contracts/order.v1.yaml": contract})
    here.deliver(order("1", note="private"))
    client = with_key(here.app().test_client(), here.key("orders:read"))
    assert json.loads(client.get("/api/v1/orders", headers=NDJSON, buffered=True).data)["note"] is None
    answer = client.get("/api/v1/orders", headers=CSV, buffered=True)
    assert "private" not in answer.text
    assert answer.text.splitlines()[0].startswith("_key,_seq,_version,_masked,")
    assert answer.text.splitlines()[1].split(",")[3] == "note"
    assert client.get("/api/v1/orders?fields=number", headers=CSV).text.splitlines()[1].split(",")[3:] == ["", "1"]


def test_only_so_many_exports_run_at_once_and_one_that_ends_makes_room(many: World) -> None:
    app = many.app(exports_max=2)
    client, *others = (with_key(app.test_client(), many.key("orders:read", name=name)) for name in ("a", "b", "c"))
    running = [each.get("/api/v1/orders", headers=NDJSON, buffered=False) for each in others]
    refused = client.get("/api/v1/orders", headers=CSV)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_exports")
    assert refused.headers["Retry-After"] == "10"
    assert client.get("/api/v1/orders?limit=1").status_code == 200
    running[0].close()  # the client went away in the middle
    assert client.get("/api/v1/orders", headers=NDJSON).status_code == 200
    running[1].close()


def test_a_client_has_a_share_of_the_exports_whatever_keys_it_has(many: World) -> None:
    app = many.app(exports_max=4)
    keys = [many.key("orders:read", name=name) for name in ("one", "one", "other")]
    first, second, other = (with_key(app.test_client(), key) for key in keys)
    running = [each.get("/api/v1/orders", headers=NDJSON, buffered=False) for each in (first, second)]
    refused = first.get("/api/v1/orders", headers=NDJSON)
    assert (refused.status_code, refused.get_json()["code"]) == (429, "too_many_at_once")
    assert refused.get_json()["detail"] == "2 of the 4 places are a client's, and this one has them all"
    assert refused.headers["Retry-After"] == "15"
    assert first.get("/api/v1/changes").status_code == 200
    assert other.get("/api/v1/orders", headers=NDJSON).status_code == 200
    assert first.get("/api/v1/orders?total__lt=x", headers=NDJSON).status_code == 400  # which takes no place
    running[0].close()  # the client went away in the middle
    assert (
        first.get("/api/v1/orders?as_of=99999", headers=NDJSON).status_code == 400
    )  # nor does what fails at its start
    assert second.get("/api/v1/orders", headers=NDJSON).status_code == 200
    running[1].close()


@pytest.mark.parametrize("query", ["count=exact", "cursor=abc", "limit=1", "status=lost&nothing=1", "total__gte=x"])
def test_what_makes_no_sense_for_an_export_is_refused_before_it_begins(here: World, query: str) -> None:
    answer = here.client().get(f"/api/v1/orders?{query}", headers=NDJSON)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_reader_who_stalls_is_left_and_makes_room(many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[threading.Timer] = []

    def note(timer: threading.Timer) -> None:
        timers.append(timer)

    monkeypatch.setattr("gateway.serve.exports.threading.Timer.start", note)
    client = with_key(many.app(exports_max=1).test_client(), many.key("orders:read"))
    stalled = client.get("/api/v1/orders", headers=NDJSON, buffered=False)
    assert client.get("/api/v1/orders", headers=NDJSON).status_code == 503
    timer = timers[0]
    timer.function(*timer.args)  # its time is over
    assert client.get("/api/v1/orders?total__lt=1", headers=NDJSON, buffered=True).headers["Gateway-Records"] == "1"
    with pytest.raises((SQLAlchemyError, library().Error)):  # what comes has fewer records than its header says
        stalled.get_data()
    stalled.close()
