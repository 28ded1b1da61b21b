"""Each method of the client against a gateway that runs, also where connections break and the gateway is killed."""

from __future__ import annotations

import io
import itertools
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from gateway.client import Client, Problem
from gateway.client.api import _next
from tests.faults.wire import wire
from tests.gateway.client.gateways import Running, prices, running
from tests.gateway.serve.worlds import HEADER, order
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server
COUNT = 250


@pytest.fixture(scope="module")
def stocked(here: Running) -> Running:
    """The gateway, with a price list and two orders, of which one has a comma in its number."""
    with Client(here.url, here.key) as client:
        client.upload("prices", prices(0, COUNT), filename="prices.csv", wait=25)
        lines = HEADER + order("x-1", total="10.00", day="2026-11-02", urgent="true") + order('"x-1,2"')
        assert client.upload("acme-orders", lines.encode(), wait=25)["state"] == "accepted"
    return here


def skus(items: Any) -> list[str]:
    return [each["sku"] for each in items]


ALL = [f"A-{number:05}" for number in range(COUNT)]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("stocked")
def test_a_list_is_walked_page_by_page(client: Client) -> None:
    assert skus(client.iterate("prices", limit=100, sort="sku")) == ALL
    assert skus(client.iterate("prices", sort="-sku", limit=7))[:10] == ALL[:-11:-1]
    assert [each["id"] for each in client.iterate("deliveries", limit=1)] == [
        each["id"] for each in client.get("deliveries")["items"]
    ]
    assert [each["name"] for each in client.iterate("integrations")] == ["acme-orders", "prices"]


@pytest.mark.parametrize(
    ("log", "place"), [("audit", "number"), ("activity", "id"), ("changes", "seq"), ("changes", "key")]
)
@pytest.mark.usefixtures("stocked")
def test_a_log_is_walked_to_its_end(client: Client, log: str, place: str) -> None:
    whole = [each[place] for each in client.get(log, limit=1000)["items"]]
    assert len(whole) > 1
    assert [each[place] for each in client.iterate(log, limit=len(whole) // 3 or 1)] == whole
    assert [each[place] for each in client.iterate(log, limit=len(whole))] == whole
    if log != "changes":
        assert [each[place] for each in client.iterate(log, last=1)] == whole[-1:]


@pytest.mark.usefixtures("stocked")
def test_pages_that_are_kept_lead_to_the_next_ones(client: Client) -> None:
    assert [skus(client.iterate("prices", limit=100, sort="sku")) for _ in range(2)] == [ALL] * 2


@pytest.mark.parametrize(
    ("links", "following"),
    [
        (['</a?b=1>; rel="next"'], "/a?b=1"),
        (['</t>; rel="describedby", </a?b=1,2>; title="a, \\"b\\" <c>"; REL=next'], "/a?b=1,2"),
        (['</t>; rel="describedby"', '</a>; rel="last next"'], "/a"),
        (["</t>; rel=nextish", '</a>; title="; rel=next"'], None),
        ([], None),
    ],
)
def test_the_next_page_is_the_link_that_says_so(links: list[str], following: str | None) -> None:
    assert _next(links) == following


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"total": Decimal("10.00")}, ["x-1", "x-1,2"]),
        ({"total__gt": Decimal(10)}, []),
        ({"ordered_on": date(2026, 11, 2)}, ["x-1"]),
        ({"urgent": True}, ["x-1"]),
        ({"number__in": ["x-1,2", "nobody's"]}, ["x-1,2"]),
        ({"status__in": ("open", "closed"), "sort": ["-ordered_on", "number"]}, ["x-1", "x-1,2"]),
        ({"pieces__isnull": False}, []),
    ],
)
@pytest.mark.usefixtures("stocked")
def test_filters_are_written_as_values_of_python(client: Client, filters: dict[str, Any], numbers: list[str]) -> None:
    found = [each["number"] for each in client.iterate("orders", number__startswith="x-", **filters)]
    assert found == numbers if "sort" in filters else sorted(found) == numbers


@pytest.mark.usefixtures("stocked")
def test_a_key_is_asked_for_as_it_stands_in_the_record(client: Client) -> None:
    keys = [each["_key"] for each in client.iterate("orders")]
    assert [client.get(f"orders/{key}")["_key"] for key in keys] == keys
    found = client.evidence("orders", "acme~x-1%2C2", field="number")
    assert (found["_key"], found["fields"][0]["sources"][0]["text"]) == ("acme~x-1%2C2", "x-1,2")


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"note": None}, "note=None asks for nothing: leave it out, or write note__isnull=True"),
        ({"note__in": ["x", None]}, "write note__isnull=True"),
        ({"ship_to__city__ne": None}, "write ship_to__city__isnull=True"),
        ({"sort": None, "status": "open"}, "sort=None asks for nothing: leave it out"),
    ],
)
def test_a_filter_that_would_be_left_out_without_a_word_is_refused(filters: dict[str, Any], said: str) -> None:
    with Client("http://127.0.0.1:1", "key", patience=0) as client:
        for ask in (
            lambda: list(client.iterate("orders", **filters)),
            lambda: client.get("orders", **filters),
            lambda: client.export("orders", **filters),
            lambda: client.record("orders", "acme~1", **filters),
            lambda: client.evidence("orders", "acme~1", **filters),
        ):
            with pytest.raises(ValueError, match=re.escape(said)):
                ask()


def test_a_record_is_had_by_its_key_whatever_its_key_is(client: Client) -> None:
    numbers = ["k", "k/history", "k/evidence", "k/history/history", "50%", "a?b#c", "ä ~", "k%2Fhistor"]
    client.upload("acme-orders", (HEADER + "".join(order(each) for each in numbers)).encode(), wait=25)
    for record in client.iterate("orders", number__in=numbers):
        assert client.record("orders", record["_key"]) == record
        assert client.record("orders", record["_key"], fields="number")["_key"] == record["_key"]
        assert client.evidence("orders", record["_key"], field="number")["_key"] == record["_key"]
    assert client.record("orders", "acme~k/history")["number"] == "k/history"  # as somebody would put it together
    with pytest.raises(Problem, match="unknown_record"):
        client.record("orders", "acme~nobody/history")


def test_what_did_not_change_is_not_sent_again_and_what_did_is(stocked: Running) -> None:
    with wire(stocked.port) as way, Client(f"http://127.0.0.1:{way.port}", stocked.key) as client:
        first = client.get("prices", limit=COUNT)
        sent = way.passed["answered"]
        first["items"].clear()
        assert skus(client.get("prices", limit=COUNT)["items"]) == ALL
        assert way.passed["answered"] - sent < 1000 < sent
        before = client.get("prices/A-00000")["price"]
        changed = client.upload("prices", prices(0, 1, f"{Decimal(before) + 1}"), wait=25)
        assert (changed["state"], client.get("prices/A-00000")["price"]) == ("accepted", str(Decimal(before) + 1))
        assert len(client.get("prices", limit=COUNT)["items"]) == COUNT


def test_a_client_that_keeps_little_lets_go_of_what_was_asked_for_the_longest_ago(stocked: Running) -> None:
    with (
        wire(stocked.port) as way,
        Client(f"http://127.0.0.1:{way.port}", stocked.key, cache=400) as client,
    ):

        def answered(key: str) -> int:
            before = way.passed["answered"]
            assert client.get(f"prices/{key}")["sku"] == key
            return way.passed["answered"] - before

        whole = answered(ALL[9])
        assert answered(ALL[9]) < whole
        for key in ALL[10:20]:
            answered(key)
        assert answered(ALL[9]) == whole
        assert len(client.get("prices", limit=COUNT)["items"]) == COUNT  # more than is kept at all


@pytest.mark.usefixtures("stocked")
def test_an_export_is_all_of_it_and_says_where_the_changes_go_on(client: Client) -> None:
    with client.export("prices") as export:
        assert skus(export) == ALL
    assert list(client.changes(export.since, follow=False)) == []
    before = [change for change in client.changes(export.since - 1, follow=False) if change]
    assert [change["seq"] for change in before] == [export.since]
    assert skus(client.export("prices", sku__lt="A-00003")) == ALL[:3]
    unread = client.export("prices")
    unread.close()
    assert skus(client.export("prices", sku="A-00003")) == ALL[3:4]


@pytest.mark.usefixtures("stocked")
def test_many_threads_may_use_one_client(client: Client) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda key: client.get(f"prices/{key}")["sku"], ALL[:100]))
    assert found == ALL[:100]


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("stocked")
def test_changes_up_to_the_newest_are_those_of_the_log(client: Client) -> None:
    found = list(client.changes(follow=False))
    assert [change["seq"] for change in found] == list(range(1, len(found) + 1))
    orders = list(client.changes(types=["order"], bodies=False, follow=False))
    assert [change["seq"] for change in orders] == [each["seq"] for each in found if each["type"] == "order"]
    assert {"record" in change for change in orders} == {False}
    assert list(client.changes(types=["order", "price"], follow=False)) == found
    assert list(client.changes(types="order", bodies=False, follow=False)) == orders


@pytest.mark.parametrize("events", [False, True], ids=["waiting", "events"])
@pytest.mark.usefixtures("stocked")
def test_whoever_follows_hears_what_comes(client: Client, events: bool) -> None:
    newest = client.get("changes", limit=1)["as_of"]["change"]
    heard: list[str] = []
    came = threading.Event()

    def follow() -> None:
        for change in client.changes(newest, types=["order"], events=events):
            heard.append(change["record"]["number"])
            came.set()
            if len(heard) == 3:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    client.upload("acme-orders", (HEADER + order(f"{events}1")).encode(), wait=25)
    assert came.wait(60)  # before the others were handed in
    client.upload("acme-orders", (HEADER + order(f"{events}2") + order(f"{events}3")).encode(), wait=25)
    follower.join(60)
    assert heard == [f"{events}1", f"{events}2", f"{events}3"]


@pytest.mark.usefixtures("stocked")
def test_a_number_that_no_change_has_yet_is_refused(client: Client) -> None:
    with pytest.raises(Problem, match=r"^400 changes_ahead: change 99999 is not there yet") as caught:
        next(client.changes(99999))
    assert caught.value.members["newest"] == client.get("changes", limit=1)["as_of"]["change"]


# ── handing in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_handed_in_by_its_bytes_its_path_or_opened(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "Preise März.csv"
    path.write_bytes(prices(1000, 1))
    by_path = client.upload("prices", path, wait=25)
    assert (by_path["name"], by_path["state"], by_path["documents"]) == ("Preise März.csv", "accepted", {"accepted": 1})
    with path.open("rb") as file:
        assert client.upload("prices", file, filename="again.csv", wait=25)["state"] == "duplicate"
    later = io.BytesIO(b"not this" + prices(1001, 1))
    later.seek(8)
    assert client.upload("prices", later, wait=25, content_digest=False)["size"] == len(prices(1001, 1))
    assert client.delivery(by_path["id"]) == client.delivery(by_path["id"][:-1])

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    assert client.upload("prices", Pipe(prices(1002, 1)), wait=25)["state"] == "accepted"


def test_the_same_key_is_one_delivery_and_another_file_is_refused(client: Client) -> None:
    first, again = (client.upload("prices", prices(1010, 1), idempotency_key="once") for _ in range(2))
    assert first == again
    with pytest.raises(Problem, match="key_reused"):
        client.upload("prices", prices(1011, 1), idempotency_key="once")
    assert client.upload("prices", prices(1012, 1))["id"] != client.upload("prices", prices(1012, 1))["id"]


def test_a_file_that_is_too_large_is_refused_and_not_sent_again(client: Client) -> None:
    with pytest.raises(Problem) as caught:
        client.upload("prices", bytes(3 * 1024 * 1024))
    assert (caught.value.status, caught.value.code) == (413, "body_too_large")


def test_a_file_that_cannot_be_read_to_its_end_is_the_callers_error(client: Client) -> None:
    class Shorter(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            self.truncate(4)
            return super().seek(offset, whence)

    class Broken(io.BytesIO):
        def seek(self, _offset: int, _whence: int = 0) -> int:
            raise OSError("the stick was pulled out")

    with pytest.raises(ValueError, match="became shorter"):
        client.upload("prices", Shorter(prices(1020, 1)))
    with pytest.raises(ValueError, match="cannot be read: the stick was pulled out"):
        client.upload("prices", Broken(prices(1020, 1)))
    assert client.get("/health/ready")["status"] == "ready"


def test_something_is_done_once_with_the_key_that_is_sent(client: Client) -> None:
    delivery = client.upload("acme-orders", (HEADER + order("4799", status="lost")).encode(), wait=25)
    assert delivery["documents"] == {"quarantined": 1}
    held = next(each for each in client.iterate("quarantine") if each["delivery"] == delivery["id"])
    asked = f"quarantine/{held['id']}/discard"
    done = [client.post(asked, {"reason": "a test"}, idempotency_key="discard") for _ in range(2)]
    assert done[0] == done[1]
    with pytest.raises(Problem, match="not_held"):
        client.post(asked, {"reason": "a test"})


# ── lost connections, and a gateway that is killed ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("at", [0, 1, 200, 3000, 20_000])
def test_a_connection_that_is_cut_changes_nothing_of_what_is_read(stocked: Running, at: int) -> None:
    with wire(stocked.port, answered=at) as way, Client(f"http://127.0.0.1:{way.port}", stocked.key) as client:
        assert skus(client.iterate("prices", limit=100, sku__lt="A-01000")) == ALL
        assert way.was_cut
    with wire(stocked.port, answered=at) as way, Client(f"http://127.0.0.1:{way.port}", stocked.key) as client:
        heard = list(itertools.islice(client.changes(events=True), COUNT))
        assert [change["seq"] for change in heard] == list(range(1, COUNT + 1))
        assert way.was_cut


def test_an_export_that_breaks_off_is_not_taken_for_whole(stocked: Running) -> None:
    with wire(stocked.port, answered=10_000) as way, Client(f"http://127.0.0.1:{way.port}", stocked.key) as client:
        export = client.export("prices")
        with pytest.raises(ConnectionError, match=r"the export broke off behind [1-9]\d* records; begin it again"):
            list(export)


@pytest.mark.parametrize("cut", [{"asked": 100}, {"asked": 1000}, {"answered": 0}, {"answered": 100}])
def test_an_upload_that_is_cut_becomes_one_delivery(here: Running, cut: dict[str, int]) -> None:
    name = f"{cut}.csv"
    with wire(here.port, **cut) as way, Client(f"http://127.0.0.1:{way.port}", here.key) as client:
        content = prices(2000, 100, f"{len(name)}.{sum(cut.values())}")
        delivery = client.upload("prices", content, filename=name, wait=25)
        assert way.was_cut
        assert [each["id"] for each in client.iterate("deliveries") if each["name"] == name] == [delivery["id"]]
        assert delivery["state"] in ("accepted", "received")


def test_who_cannot_be_reached_is_told_when_patience_ends(here: Running) -> None:
    port = free_port()
    with Client(f"http://127.0.0.1:{port}", here.key, patience=0.3) as client:
        with pytest.raises(ConnectionError, match=f"http://127.0.0.1:{port} cannot be reached: "):
            client.get("orders")
        with pytest.raises(ConnectionError, match="cannot be reached"):
            client.upload("prices", b"")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway that is killed, and answers but so much; nothing is judged before a test has a worker come."""
    with running(tmp_path_factory.mktemp("fragile"), "requests_per_minute: 60\n", roles=("serve",)) as made:
        yield made


def test_an_upload_that_is_durable_and_was_never_answered_is_one_delivery(fragile: Running) -> None:
    with Client(fragile.url, fragile.key, patience=180) as client, Client(fragile.url, fragile.key) as other:
        waiting = ThreadPoolExecutor(1).submit(client.upload, "prices", prices(0, COUNT), filename="p.csv", wait=25)
        while not other.get("deliveries")["items"]:  # until then there is nothing to wait for but itself
            time.sleep(0.05)
        fragile.kill()
        fragile.begin("serve")
        fragile.begin("work")
        delivery = waiting.result(240)
        assert [each["id"] for each in client.iterate("deliveries")] == [delivery["id"]]
        assert skus(change["record"] for change in itertools.islice(client.changes(), COUNT)) == ALL


def test_whoever_is_in_the_middle_of_something_when_the_gateway_is_killed_loses_and_doubles_nothing(
    fragile: Running,
) -> None:
    class Disturbed(io.BytesIO):
        passes = 0

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 100_000:
                self.passes += 1
                if self.passes == 3:  # the first time over it is for the digest, and ends with an empty read
                    fragile.restart()
            return super().read(size)

    with Client(fragile.url, fragile.key) as client:
        newest = client.get("changes", limit=1)["as_of"]["change"]
        listed = client.iterate("prices", limit=100, sort="sku", sku__lt="A-00250")
        waiting, hearing = (client.changes(events=events) for events in (False, True))
        begun = [list(itertools.islice(each, 150)) for each in (listed, waiting, hearing)]
        file = Disturbed(prices(5000, 12_000))
        delivery = client.upload("prices", file, filename="large.csv", wait=25)
        assert file.passes > 3
        assert [each["id"] for each in client.iterate("deliveries") if each["name"] == "large.csv"] == [delivery["id"]]
        assert delivery["size"] == len(file.getvalue())
        assert skus([*begun[0], *listed]) == ALL
        for first, feed in ((begun[1], waiting), (begun[2], hearing)):
            rest = itertools.islice(feed, newest + 12_000 - 150)
            assert [change["seq"] for change in (*first, *rest)] == list(range(1, newest + 12_001))


def test_a_client_that_asks_too_much_waits_as_long_as_it_is_told_to(fragile: Running) -> None:
    with (
        Client(fragile.url, fragile.key, patience=0.1) as hasty,
        pytest.raises(Problem, match="rate_limited: The client asked for more than it may") as caught,
    ):
        list(hasty.iterate("prices", limit=1))
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 1.0)
    with Client(fragile.url, fragile.key) as client:
        assert client.get("types")["items"]


def test_an_answer_that_is_no_json_is_said_to_be_none(client: Client) -> None:
    with pytest.raises(ValueError, match=r"^the answer is text/html.*not JSON: it begins with b'.*another HTTP client"):
        client.get("/docs")
