"""The ingestion log over HTTP: no line is lost, whichever way it is read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model import Activity
from gateway.store import keys
from tests.gateway.serve.worlds import CONTRACT, FILES, World, order, with_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/api/v1/activity"


def told(here: World, *messages: str, level: str = "info", **more: Any) -> None:
    with here.database.write() as transaction:
        transaction.tell(*(Activity("noted", level, message, **more) for message in messages))


QUOTED: dict[str, Any] = {"integration": "acme-orders", "data": {"code": "contract.code"}}


def told_of(here: World, line: Activity) -> None:
    with here.database.write() as transaction:
        transaction.tell(line)


def test_lines_behind_a_line_page_by_page(here: World) -> None:
    told(here, "one", "two", "three")
    client = here.client()
    first = client.get(f"{PATH}?limit=2")
    assert [line["message"] for line in first.get_json()["items"]] == ["one", "two"]
    assert first.headers["Link"] == f'<{PATH}?limit=2&after=2>; rel="next"'
    rest = client.get(f"{PATH}?limit=2&after={first.get_json()['next']}").get_json()
    assert ([line["message"] for line in rest["items"]], rest["next"]) == (["three"], 3)


def test_filters_of_the_log_and_where_it_goes_on(here: World) -> None:
    told(here, "one", integration="acme-orders", partner="acme")
    told(here, "Two % of it", level="problem", integration="b")
    told(here, "three")
    client = here.client()
    for query, found in {
        "integration=acme-orders": ["one"],
        "partner=acme": ["one"],
        "problems=true": ["Two % of it"],
        "grep=two %25": ["Two % of it"],
        "since=2999-01-01T00:00:00Z": [],
    }.items():
        body = client.get(f"{PATH}?{query}").get_json()
        assert [line["message"] for line in body["items"]] == found, query
        assert body["next"] == 3  # what the filter left out is not looked at again


@pytest.mark.parametrize(("spelled", "found"), [("{}Z", 1), ("{}z", 1), ("{}000Z", 1), ("{}001Z", 0)])
def test_a_beginning_may_be_spelled_in_any_way_and_finer_than_lines_are_told(
    here: World, spelled: str, found: int
) -> None:
    told(here, "one")
    client = here.client()
    (line,) = client.get(PATH).get_json()["items"]
    since = spelled.format(datetime.fromisoformat(line["at"]).strftime("%Y-%m-%dT%H:%M:%S.%f"))
    assert len(client.get(PATH, query_string={"since": since}).get_json()["items"]) == found


def test_ndjson_is_a_line_for_each_line(here: World) -> None:
    told(here, "one", "two\nlines")
    answer = here.client().get(PATH, headers={"Accept": "application/x-ndjson"})
    assert answer.mimetype == "application/x-ndjson"
    assert [json.loads(line)["message"] for line in answer.get_data().splitlines()] == ["one", "two\nlines"]


def test_waiting_ends_when_a_line_comes(here: World) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        here.wait(seconds)
        if len(waits) == 3:
            told(here, "at last")

    body = here.client(wait=wait).get(f"{PATH}?wait=25").get_json()
    assert [line["message"] for line in body["items"]] == ["at last"]
    assert len(waits) == 3


def test_waiting_ends_when_the_time_is_over(here: World) -> None:
    body = here.client().get(f"{PATH}?wait=3&after=0").get_json()
    assert (body["items"], body["next"]) == ([], 0)
    assert 2.5 < here.late.total_seconds() <= 3


def events(chunks: Iterator[bytes]) -> Iterator[tuple[str, str, str]]:
    """(id, event, message) of each event of a stream."""
    text = ""
    for chunk in chunks:
        text += chunk.decode()
        while "\n\n" in text:
            block, _, text = text.partition("\n\n")
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "data" in fields:
                yield fields["id"], fields["event"], json.loads(fields["data"])["message"]


def test_events_follow_the_log(here: World) -> None:
    told(here, "one")
    later: list[Callable[[], None]] = [lambda: told(here, "two"), lambda: told(here, "three\nlines")]

    def wait(seconds: float) -> None:
        here.late += timedelta(seconds=seconds)
        if later:
            later.pop(0)()

    answer = here.client(wait=wait).get(PATH, headers={"Accept": "text/event-stream"}, buffered=False)
    assert answer.mimetype == "text/event-stream"
    stream = events(answer.iter_encoded())
    got = [next(stream) for _ in range(3)]
    assert got == [("1", "noted", "one"), ("2", "noted", "two"), ("3", "noted", "three\nlines")]
    answer.close()


def test_events_go_on_behind_the_last_one_seen(here: World) -> None:
    told(here, "one", "two")
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
    answer = here.client().get(f"{PATH}?after=0", headers=headers)
    assert next(events(answer.iter_encoded()))[2] == "two"
    answer.close()
    wrong = here.client().get(PATH, headers=headers | {"Last-Event-ID": "x"})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["header"]) == (400, "Last-Event-ID")


@pytest.mark.parametrize("path", [PATH, "/api/v1/audit"])
def test_a_number_that_no_line_has_is_refused(here: World, path: str) -> None:
    """Who kept it from before a restore would miss every line up to it, and not know."""
    told(here, "one")
    client = here.client()
    newest = client.get(path).get_json()["next"]
    assert client.get(f"{path}?after={newest}").get_json()["items"] == []
    body = client.get(f"{path}?after={newest + 1}").get_json()
    assert (body["status"], body["code"], body["newest"]) == (400, "lines_ahead", newest)
    assert body["errors"][0]["parameter"] == "after"
    assert body["detail"] == f"line {newest + 1} is not there yet: the newest is {newest}"
    assert client.get(f"{path}?after=99999&last=5").status_code == 200  # the last ones are asked for behind nothing


def test_a_stream_does_not_begin_behind_a_line_that_is_not_there(here: World) -> None:
    told(here, "one")
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "7"}
    body = here.client().get(PATH, headers=headers).get_json()
    assert (body["code"], body["errors"][0]["header"]) == ("lines_ahead", "Last-Event-ID")


def test_streams_are_counted_and_a_closed_one_makes_room(here: World) -> None:
    app = here.app(followers_max=2)
    client, other = (with_key(app.test_client(), here.key("admin", name=name)) for name in ("one", "other"))
    headers = {"Accept": "text/event-stream"}
    streams = [each.get(PATH, headers=headers, buffered=False) for each in (client, other)]
    third = with_key(app.test_client(), here.key("admin", name="third"))
    refused = third.get(PATH, headers=headers)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_followers")
    assert refused.headers["Retry-After"]
    streams[0].close()
    streams[0].close()
    taken = third.get(PATH, headers=headers, buffered=False)
    assert taken.status_code == 200
    assert client.get(PATH, headers=headers).status_code == 503
    taken.close()
    streams[1].close()


def test_a_stream_ends_with_the_key_or_with_its_time(here: World) -> None:
    client = here.client()
    ended = client.get(PATH, headers={"Accept": "text/event-stream"}).get_data()  # time passes as it waits
    assert ended.count(b": still here") > 10
    stream = client.get(PATH, headers={"Accept": "text/event-stream"}, buffered=False)
    chunks = stream.iter_encoded()
    assert next(chunks) == b"retry: 2000\n\n"
    with here.database.write() as transaction:
        for key in keys.all_keys(transaction.connection):
            keys.revoke(transaction, key.id)
    assert list(chunks) == []
    stream.close()


def test_an_ingested_file_is_told(here: World) -> None:
    here.deliver(order("1"), order("2", status="lost"))
    events_told = [line["event"] for line in here.client().get(PATH).get_json()["items"]]
    assert events_told[0] == "received"
    assert "partly_accepted" in events_told


def test_what_is_searched_follows_the_configuration_that_is_in_force(here: World) -> None:
    """A field that is marked while somebody follows is not looked into any more."""
    marked = FILES | {"contracts/order.v1.yaml": CONTRACT.replace("filter\n  ordered_on", "filter, pii\n  ordered_on")}
    assert marked != FILES
    here.deliver(order("1", status="lost"))
    later: list[Callable[[], None]] = [
        lambda: here.apply(marked),
        lambda: told_of(here, Activity("finding", "problem", "status is 'lost'", **QUOTED)),
        lambda: told(here, "nothing is lost on us"),
    ]

    def wait(seconds: float) -> None:
        here.late += timedelta(seconds=seconds)
        if later:
            later.pop(0)()

    client = here.client("activity:read", wait=wait)
    answer = client.get(f"{PATH}?grep=lost", headers={"Accept": "text/event-stream"}, buffered=False)
    heard = []
    for _, name, _message in events(answer.iter_encoded()):
        heard.append(name)
        if name == "noted":
            break
    assert heard.count("finding") == 1
    answer.close()
