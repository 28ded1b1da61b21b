"""What is done at the SFTP server: lines and audit rows for all of it, and a few lines for a flood."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import Retry
from gateway.observations import DELIVERY_RECEIVED
from gateway.operate.exchange import visits as module
from gateway.operate.exchange.visits import Visits
from gateway.store import audit
from gateway.store.database import Database
from sftp.activity import KINDS, Activity
from tests.acceptance.workspaces import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.workspaces import Place


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path) as place:
        yield place


def lines(place: Place, event: str) -> list[dict[str, Any]]:
    return [each for each in place.get("/api/v1/activity?limit=1000")["items"] if each["event"] == event]


def rows(place: Place, action: str) -> list[audit.Line]:
    with place.gateway.database.read() as connection:
        return audit.last(connection, limit=1000, action=action)


def did(what: str, message: str = "it was done", **more: Any) -> Activity:
    return Activity(what, message, partner="acme", user="acme-sftp", address="192.0.2.1", **more)


def refused(number: int) -> Activity:
    address = f"198.51.100.{number % 200}"
    return Activity("login_refused", f"6 attempts from {address} without a login", problem=True, address=address)


def test_each_login_upload_and_download_is_a_line_and_an_audit_row(place: Place) -> None:
    visits = Visits(place.gateway.database, Clock())
    file: dict[str, Any] = {"source": "drop://acme", "name": "a\n.edi", "size": 3, "sha256": "0" * 64}
    for activity in (did("logged_in"), did("uploaded", **file), did("refused", problem=True), did("downloaded")):
        assert visits.told(activity)
    assert not visits.told(did("listening"))
    assert visits.write()
    (line,) = lines(place, "uploaded")
    assert (line["partner"], line["data"]["name"], line["data"]["size"]) == ("acme", "a\\n.edi", 3)
    (row,) = rows(place, "uploaded")
    assert (row.who, row.subject) == ("sftp user acme-sftp", "partner acme")
    assert row.details["sha256"] == "0" * 64
    assert row.details["address"] == "192.0.2.1"
    assert [len(rows(place, each)) for each in ("logged_in", "refused", "collected")] == [1, 1, 1]
    with place.gateway.database.read() as connection:
        assert audit.check(connection).faults == ()


def test_a_line_says_when_it_happened_and_is_shown_so_though_it_was_written_later(place: Place) -> None:
    visits = Visits(place.gateway.database, Clock())
    before = place.clock.now
    visits.told(did("logged_in"))
    place.clock.forward(5)
    visits.told(did("banned"))
    place.clock.forward(5)
    visits.write()
    happened = [datetime.fromisoformat(lines(place, each)[0]["data"]["at"]) for each in ("logged_in", "banned")]
    assert before < happened[0] < before + timedelta(seconds=1)
    assert happened[1] - happened[0] > timedelta(seconds=4)
    assert datetime.fromisoformat(lines(place, "logged_in")[0]["at"]) - before > timedelta(seconds=9)
    assert [row.details["at"] for row in rows(place, "logged_in")] == [lines(place, "logged_in")[0]["data"]["at"]]


def test_what_waits_is_written_by_the_next_transaction_above_what_it_tells(place: Place) -> None:
    visits = Visits(place.gateway.database, Clock())
    for name in ("a.edi", "b.edi"):
        visits.told(did("uploaded", source="drop://acme", name=name))
    with visits.transaction() as transaction:
        transaction.tell(DELIVERY_RECEIVED(name="b.edi", size=3, sender="acme"))
        assert not visits.waiting
    assert [row.details["name"] for row in rows(place, "uploaded")] == ["a.edi", "b.edi"]
    told = [each["event"] for each in place.get("/api/v1/activity?limit=100")["items"]]
    assert [each for each in told if each in ("received", "uploaded")] == ["uploaded", "uploaded", "received"]


def test_what_a_transaction_could_not_write_waits_on_in_its_order(place: Place) -> None:
    visits = Visits(place.gateway.database, Clock())
    visits.told(did("uploaded", name="a.edi"))

    def refused() -> None:
        with visits.transaction():
            visits.told(did("uploaded", name="b.edi"))
            raise Retry("later")

    with pytest.raises(Retry, match="later"):
        refused()
    assert rows(place, "uploaded") == []
    assert visits.waiting
    assert visits.write()
    assert [row.details["name"] for row in rows(place, "uploaded")] == ["a.edi", "b.edi"]


def test_what_another_thread_tries_in_vain_to_write_waits_for_whoever_asks_meanwhile(place: Place) -> None:
    visits = Visits(place.gateway.database, Clock())
    visits.told(did("uploaded", name="a.edi"))
    writes, goes_on = threading.Event(), threading.Event()

    def refused() -> None:
        with suppress(Retry), visits.transaction():
            writes.set()
            assert goes_on.wait(60)
            raise Retry("later")

    with ThreadPoolExecutor(2) as threads:
        refusing = threads.submit(refused)
        assert writes.wait(60)
        waiting = threads.submit(lambda: visits.waiting)
        goes_on.set()
        assert (waiting.result(60), refusing.result(60)) == (True, None)


def test_a_flood_of_strangers_costs_a_few_lines_and_is_counted_whole(place: Place) -> None:
    clock = Clock()
    visits = Visits(place.gateway.database, clock)
    for number in range(50_000):
        visits.told(refused(number))
    visits.told(did("logged_in"))
    clock.now += 61
    visits.write()
    written = rows(place, "login_refused")
    assert len(written) == 61
    assert sum(row.details.get("count", 1) for row in written) == 50_000
    (line,) = [each for each in lines(place, "login_refused") if "more of the kind" in each["message"]]
    assert line["message"].startswith("49940 more of the kind within a minute, from 200 addresses; ")
    assert len(rows(place, "logged_in")) == 1


def test_a_login_that_failed_at_a_partners_account_is_his_line_whatever_strangers_do(place: Place) -> None:
    clock = Clock()
    visits = Visits(place.gateway.database, clock)
    for number in range(1000):
        visits.told(refused(number))
    key, reason = "key SHA256:abc", "key SHA256:abc is none of the keys of acme"
    for _ in range(10):
        told = Activity("login_refused", reason, True, None, "acme", None, "198.51.100.1", account="acme", key=key)
        visits.told(replace(told, reason=reason))
    clock.now += 61
    visits.write()
    acmes = [row for row in rows(place, "login_refused") if row.subject == "partner acme"]
    assert sum(row.details.get("count", 1) for row in acmes) == 10
    assert len(acmes) == 4
    assert {row.who for row in acmes} == {"198.51.100.1", "strangers"}  # nobody has proved to be acme
    assert {name: acmes[0].details[name] for name in ("account", "key", "reason")} == {
        "account": "acme",
        "key": key,
        "reason": reason,
    }
    mine = [each for each in lines(place, "login_refused") if each["partner"] == "acme"]
    assert [each["message"] for each in mine][-1] == f"7 more of the kind within a minute; the last: {reason}"
    for number in range(1000):  # nor does who knows names of accounts cost more
        visits.told(replace(told, partner=f"p{number}"))
    visits.write()
    assert len([row for row in rows(place, "login_refused") if row.subject.startswith("partner p")]) == 60


def test_a_partner_who_repeats_himself_is_summed_up_and_the_others_are_not(place: Place) -> None:
    clock = Clock()
    visits = Visits(place.gateway.database, clock)
    for number in range(1000):
        visits.told(did("refused", f"there is no file {number}", problem=True))
    visits.told(Activity("refused", "no", problem=True, partner="globex", user="globex", address="192.0.2.2"))
    visits.write(everything=True)
    found = rows(place, "refused")
    assert sum(row.details.get("count", 1) for row in found if row.subject == "partner acme") == 1000
    assert len(found) == 62
    assert [row.subject for row in found].count("partner globex") == 1


def test_what_many_addresses_did_is_remembered_within_bounds() -> None:
    window = module._Window(0.0)
    kind = module.KINDS["banned"]
    for number in range(10_000):
        window.takes(Activity("banned", "x", address=f"2001:db8:0:{number:x}::1"), kind)
    assert len(window._written) + len(window._more) <= module._KEYS_MAX + 1
    assert sum(line.count for line in window.sums(datetime.now(UTC))) == 10_000 - 60


def test_what_the_store_does_not_take_now_is_kept_and_written_later_and_what_is_too_much_is_counted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = Visits(place.gateway.database, Clock())
    monkeypatch.setattr(module, "_WAITING_MAX", 3)

    def busy(_database: Database) -> None:
        raise Retry("the store is busy")

    for number in range(5):
        visits.told(did("uploaded", name=f"{number}.edi"))
    with monkeypatch.context() as patched:
        patched.setattr(Database, "write", busy)
        assert not visits.write()
    assert visits.write()
    assert [row.details["name"] for row in rows(place, "uploaded")] == ["0.edi", "1.edi", "2.edi"]
    assert [row.details["count"] for row in rows(place, "visits_lost")] == [2]


def test_all_that_is_kept_is_told_by_the_server() -> None:
    assert set(module.KINDS) <= set(KINDS)
