"""The puller against a real sshd: a partner's files become deliveries, and troubles are told once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway.errors import Retry
from gateway.operate.cli import gateway as command_line
from gateway.operate.exchange import remotes
from gateway.operate.exchange.pulling import Puller, pull
from gateway.store import deliveries as store
from gateway.store import leases, pulls
from sftp.errors import Stop
from tests.acceptance.workspaces import sample
from tests.gateway.operate.exchange.pulling_scene import pulling
from tests.sftp.partner_server import PartnerServer, missing, partner_server
from tests.suspending import resume, suspend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sftp.client import Client, Remote
    from tests.acceptance.workspaces import Place

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
ORDERS = sample("acme-orders.edi")
DELETE = "settle: none\nafter: delete"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnerServer]:
    with partner_server(tmp_path_factory.mktemp("partner") / "sshd") as one:
        yield one


def look(place: Place, *, later: float = 3600.0) -> None:
    place.clock.forward(later)
    pull(place.gateway, threading.Event(), until_idle=True)


def deliveries(place: Place) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = place.get("/api/v1/deliveries")["items"]
    return sorted(items, key=lambda each: str(each["name"]))


def events(place: Place, *wanted: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = place.get("/api/v1/activity?limit=1000")["items"]
    return [each for each in items if each["event"] in wanted]


def source(place: Place) -> dict[str, Any]:
    [one] = [each for each in place.get("/api/v1/sources")["items"] if each["source"].startswith("sftp:")]
    found: dict[str, Any] = one
    return found


def test_a_file_is_pulled_judged_and_deleted_there(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "deleted", lines=DELETE) as (place, name):
        path = server.put("deleted/orders.edi", ORDERS)
        server.put("deleted/readme.txt", b"not meant")
        look(place)
        place.work()
        [one] = deliveries(place)
        assert (one["source"], one["name"], one["partner"]) == (name, "orders.edi", "acme")
        assert one["integration"] == "acme-orders"
        assert len(place.records("orders")) > 0
        assert not path.exists()
        assert (server.root / "deleted" / "readme.txt").exists()
        [told] = events(place, "pulled")
        assert told["message"] == f"1 file taken from {name}, 1 removed there"
        look(place)
        assert len(deliveries(place)) == 1


def test_what_is_left_there_is_taken_once(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "left") as (place, _):
        path = server.put("left/orders.edi", ORDERS)
        for _ in range(3):
            look(place)
        assert len(deliveries(place)) == 1
        assert path.exists()


def test_files_settle_before_they_are_taken(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "settling", lines="settle: 50ms\nafter: move done") as (place, _):
        server.put("settling/done/other", b"")
        server.put("settling/orders.edi", ORDERS)
        stop = threading.Event()
        place.clock.forward(3600)

        def tick() -> None:
            while not stop.wait(0.02):
                place.clock.forward(1)

        ticking = threading.Thread(target=tick)
        ticking.start()
        try:
            pull(place.gateway, threading.Event(), until_idle=True)
        finally:
            stop.set()
            ticking.join()
        assert len(deliveries(place)) == 1
        assert sorted(each.name for each in (server.root / "settling" / "done").iterdir()) == ["orders.edi", "other"]


def test_a_file_without_its_end_waits_which_is_no_failure_and_no_longer_after_a_restart(
    server: PartnerServer, tmp_path: Path
) -> None:
    with pulling(tmp_path / "w", server, "cut") as (place, name):
        server.put("cut/cut.edi", ORDERS[:-40])
        look(place)
        assert deliveries(place) == []
        (waits,) = events(place, "partial_waiting")
        assert waits["message"].startswith(f"{name}: cut.edi: its envelope is not closed; it waits for another ")
        listed = CliRunner().invoke(command_line, ["source", "list", "-w", str(tmp_path / "w")]).stdout
        assert f"{name}\t1 file there; 1 still to be taken, the oldest of 2023-11-14T22:13:20Z\t\n" in listed
        look(place, later=600)  # each look is that of a process of its own
        assert deliveries(place) == []
        look(place, later=600)
        assert len(deliveries(place)) == 1
        assert events(place, "pull_failed", "pull_recovered") == []
        assert len(events(place, "partial_waiting")) == 1
        listed = CliRunner().invoke(command_line, ["source", "list", "-w", str(tmp_path / "w")]).stdout
        assert f"{name}\t1 file there\t\n" in listed


def test_a_file_that_keeps_its_temporary_name_is_told_once_whichever_process_looks(
    server: PartnerServer, tmp_path: Path
) -> None:
    with pulling(tmp_path / "w", server, "named") as (place, name):
        server.put("named/orders.edi.filepart", ORDERS)
        for later, told in ((0, 0), (800, 0), (800, 1), (800, 1)):  # each look is that of a process of its own
            look(place, later=later or 3600)
            assert len(events(place, "partial_waiting")) == told
        (line,) = events(place, "partial_waiting")
        assert line["message"] == (
            f"orders.edi.filepart has lain in {name} for 900 s and more under a temporary name; "
            "it is taken when it gets its final one"
        )
        assert (line["partner"], line["integration"]) == ("acme", "acme-orders")
        assert source(place)["problem"] is None
        assert deliveries(place) == []


def test_what_could_not_be_written_is_told_in_the_next_look(
    server: PartnerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pulling(tmp_path / "w", server, "unwritten") as (place, name):
        server.put("unwritten/orders.edi.tmp", ORDERS)
        configuration = place.gateway.in_force.configuration()
        folders = {name: [configuration.integrations["acme-orders"]]}
        puller = Puller(place.gateway, "acme-server")

        def look_again(later: float) -> None:
            place.clock.forward(later)
            puller.look_once(configuration.connections["acme-server"], folders, threading.Event())

        look_again(3600)
        with monkeypatch.context() as patch:
            patch.setattr(leases, "advance_source", refused)
            with pytest.raises(Retry):
                look_again(3600)
        assert events(place, "partial_waiting") == []
        look_again(3600)
        look_again(3600)
        assert len(events(place, "partial_waiting")) == 1
        puller.hang_up()


def refused(*_: object, **__: object) -> None:
    raise Retry("the store is busy")


def test_trouble_is_told_once_and_shown_until_it_is_over(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "trouble") as (place, name):
        look(place)
        assert source(place)["problem"] is None
        (server.root / "trouble").rename(server.root / "away")
        for _ in range(2):
            look(place)
        assert "no such file" in source(place)["problem"].lower()
        assert len(events(place, "pull_failed")) == 1
        (server.root / "away").rename(server.root / "trouble")
        look(place)
        assert source(place)["problem"] is None
        [over] = events(place, "pull_recovered")
        assert over["message"] == f"{name} can be pulled from again"


def test_failures_in_a_row_are_ever_further_apart(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "backoff") as (place, name):
        place.change("connections.yaml", f":{server.where.port}", ":1")
        look(place)

        def due_in() -> float:
            with place.gateway.database.read() as connection:
                due = leases.next_source_due(connection, [name])
            assert due is not None
            return due - place.clock.now.timestamp()

        assert 3 < due_in() < 7
        assert "cannot be reached" in source(place)["problem"]


def test_another_host_key_stops_the_pulling_with_both_keys_in_the_problem(
    server: PartnerServer, tmp_path: Path
) -> None:
    with pulling(tmp_path / "w", server, "pinned") as (place, _):
        server.put("pinned/orders.edi", ORDERS)
        pinned = "SHA256:" + "A" * 43
        place.change("connections.yaml", server.where.fingerprints[0], pinned)
        look(place)
        problem = source(place)["problem"]
        assert pinned in problem
        assert server.where.fingerprints[0] in problem
        assert deliveries(place) == []


def test_outside_its_windows_a_server_is_left_alone(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "windows", lines="settle: none\nbetween: 06:00-22:00") as (place, _):
        server.put("windows/orders.edi", ORDERS)
        now = place.clock.now
        place.clock.now = (now + timedelta(days=1)).replace(hour=23)
        look(place, later=0)
        assert deliveries(place) == []
        assert source(place)["problem"] is None
        place.clock.now = (now + timedelta(days=2)).replace(hour=6, minute=1)
        look(place, later=0)
        assert len(deliveries(place)) == 1


def test_the_source_says_what_it_waits_for(server: PartnerServer, tmp_path: Path) -> None:
    lines = "marker: .done\nevery: 5m\nafter: delete"
    with pulling(tmp_path / "w", server, "lag", lines=lines) as (place, name):
        server.put("lag/orders.edi", ORDERS, modified=1_700_000_000)
        look(place)
        shown = source(place)
        assert (shown["source"], shown["connection"], shown["integration"]) == (name, "acme-server", "acme-orders")
        assert (shown["every_seconds"], shown["waiting"], shown["oldest_at"]) == (300.0, 1, "2023-11-14T22:13:20Z")
        assert shown["looked_at"] is not None


def test_a_puller_that_is_to_end_leaves_the_folder_to_the_next_one(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "ended", lines=DELETE) as (place, name):
        server.put("ended/orders.edi", ORDERS)
        place.clock.forward(3600)
        configuration = place.gateway.in_force.configuration()
        folders = {name: [configuration.integrations["acme-orders"]]}
        stop = threading.Event()
        stop.set()
        assert Puller(place.gateway, "acme-server").look_once(configuration.connections["acme-server"], folders, stop)
        assert deliveries(place) == []
        look(place, later=0.01)
        assert len(deliveries(place)) == 1
        assert events(place, "pull_failed") == []


def test_nobody_waits_at_the_end_for_a_server_that_does_not_answer(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "hangs") as (place, name):
        server.put("hangs/orders.edi", ORDERS)
        place.clock.forward(3600)
        waits, stop = threading.Event(), threading.Event()
        times, session = pulls.times, 0

        def stopped(*arguments: Any) -> int:
            """The partner's server is suspended just before it is asked for a file."""
            nonlocal session
            session = server.session()
            suspend(session)
            waits.set()
            return times(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pulls, "times", stopped)
            puller = threading.Thread(target=pull, args=(place.gateway, stop))
            puller.start()
            assert waits.wait(50)
            stop.set()
            puller.join(50)  # an answer may take a minute
            resume(session)  # which ends by itself then: its client is gone
        assert not puller.is_alive()
        look(place)
        assert [each["source"] for each in deliveries(place)] == [name]


def test_a_server_that_failed_is_not_asked_again_for_its_next_folder(
    server: PartnerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Remote] = []

    def refused(where: Remote) -> Client:
        asked.append(where)
        raise Stop("the server does not let us in")

    monkeypatch.setattr(remotes, "connect", refused)
    with pulling(tmp_path / "w", server, "spared") as (place, _):
        connection = place.gateway.in_force.configuration().connections["acme-server"]
        now = [0.0]
        kept = remotes.Kept(place.folder, monotonic=lambda: now[0])
        for later in (0.0, 1.0, 28.0, 2.0):
            now[0] += later
            with pytest.raises(Stop, match="let us in"):
                kept.client(connection)
    assert len(asked) == 2


def test_one_puller_at_a_time(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "leased") as (place, name):
        server.put("leased/orders.edi", ORDERS)
        place.clock.forward(3600)
        with place.gateway.database.write() as transaction:
            assert leases.take_source(transaction, [name], owner="another", seconds=60)
        pull(place.gateway, threading.Event(), until_idle=True)
        assert deliveries(place) == []
        look(place)
        assert len(deliveries(place)) == 1


def test_many_files_are_taken_in_the_order_of_their_times(server: PartnerServer, tmp_path: Path) -> None:
    with pulling(tmp_path / "w", server, "many", lines=DELETE) as (place, _):
        for number in range(70):
            server.put(f"many/{number:02}.edi", ORDERS + b" " * number, modified=1_700_000_000 - number)
        look(place)
        with place.gateway.database.read() as connection:
            names = [each.name for each in reversed(store.page(connection, limit=100))]
        assert names == [f"{number:02}.edi" for number in reversed(range(70))]
        assert list((server.root / "many").iterdir()) == []
