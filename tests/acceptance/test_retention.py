"""How long things are kept: what is over is gone, wherever it was; what is not stays; nothing that arrives is lost."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from sqlalchemy import text

from gateway.errors import Reject
from gateway.model import Arrived
from gateway.operate.cli import gateway as command
from gateway.operate.workers.answering import write_once
from gateway.operate.workers.upkeep import STEPS_AT_ONCE, Upkeep
from gateway.operate.workers.worker import work_once
from gateway.publish.acknowledgments import Desk, give_up
from gateway.repair.replay import ask_replay
from gateway.repair.retention import Retention, Tally
from gateway.repair.undo import undo
from gateway.repair.unnamed import FEW
from gateway.repair.verify import verify
from gateway.store import acknowledgments, audit, leases, retention
from tests.acceptance.answered import outbox, send
from tests.acceptance.workspaces import Place, opened, sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.store.database import Transaction
    from gateway.store.vault import Stored

DAY = 86_400.0
PLANTED = b"91,7O"  # a price that is none, so that findings and log quote it
ORDERS = sample("acme-orders.edi").replace(b"12,5O", PLANTED)
CITY = b"Rotterdam"  # ship_to.city is marked pii


@pytest.fixture
def place(tmp_path: Path, store_url: str) -> Iterator[Place]:
    store = "sqlite:data/gateway.db" if store_url.startswith("sqlite:") else store_url
    with opened(tmp_path, store=store) as here:
        yield here


def keep(place: Place, age: str, *, integration: str = "acme-orders") -> None:
    """Have the files of an integration kept for so long."""
    place.change(f"integrations/{integration}.yaml", "contract:", f"keep: {age}\ncontract:")


def keep_records(place: Place, line: str) -> None:
    """Say in the contract of orders how long they are kept."""
    place.change("contracts/order.v1.yaml", "keep:     7y", line)


def purge(place: Place, integration: str | None = None) -> Tally:
    """Purge all that is over."""
    gateway = place.gateway
    purging = Retention(gateway.database, gateway.vault, gateway.in_force.routes(), who="tester")
    for _ in purging.steps(integration):
        pass
    gateway.database.scrub()
    return purging.tally


def would(place: Place) -> Tally:
    """What a purge would do."""
    gateway = place.gateway
    return Retention(gateway.database, gateway.vault, gateway.in_force.routes()).would()


def remains(place: Place, value: bytes) -> list[str]:
    """Where a value still stands: in files of the vault and of the store, in rows of its tables."""
    found = [path.name for path in place.folder.joinpath("data").rglob("*") if path.is_file() and value in _read(path)]
    database = place.gateway.database
    if not database.is_sqlite:
        with psycopg.connect(database.url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (name,) in tables:
                rows = connection.execute(
                    sql.SQL("SELECT count(*) FROM {table} t WHERE strpos(t::text, %s) > 0").format(
                        table=sql.Identifier(name)
                    ),
                    (value.decode(),),
                ).fetchone()
                found += [name] if rows and rows[0] else []
    return found


def _read(path: Path) -> bytes:
    return path.read_bytes()


def sound(place: Place) -> None:
    """The balance agrees, and change numbers have no gap."""
    balance = verify(place.gateway.database, place.gateway.vault, place.gateway.in_force.of, deep=True)
    assert [each.message for each in balance.disagreements] == []


def post(place: Place, path: str, **body: Any) -> Any:
    answer = place.ask(f"/api/v1/{path}", "POST", json=body)
    return answer.status_code, answer.json


def gone(place: Place, path: str, code: str) -> str:
    """The detail of the problem with which something is answered that is no longer there."""
    answer = place.ask(f"/api/v1/{path}")
    assert answer.status_code == 410
    assert answer.json is not None
    assert answer.json["code"] == code
    detail: str = answer.json["detail"]
    return detail


def order(number: int, *, city: str = "Rotterdam", day: int = 20) -> bytes:
    """An order of its own number, to a city."""
    whole = sample("acme-orders.edi")
    first = whole[: whole.index(b"ST*850*0002~")]
    end = b"GE*1*101~\nIEA*1*000000101~\n"
    return (
        (first + end)
        .replace(b"*4711*", f"*{number}*".encode())
        .replace(b"Rotterdam", city.encode())
        .replace(b"20261120", f"202611{day:02d}".encode())
    )


# ── raw files and held documents ─────────────────────────────────────────────────────────────────────────────────────


def test_a_purged_delivery_is_gone_and_says_so_everywhere(place: Place) -> None:
    keep(place, "90d")
    delivery = place.give(ORDERS)
    assert delivery["state"] == "partly_accepted"
    (held,) = place.held()
    assert len(remains(place, PLANTED)) > 1  # in the vault and in the store
    place.clock.forward(89 * DAY)
    assert purge(place).deliveries == 0
    assert place.raw(delivery["id"]) == ORDERS

    place.clock.forward(2 * DAY)
    done = purge(place)
    assert (done.deliveries, done.documents, done.files, done.put_off) == (1, 1, 1, [])
    assert remains(place, PLANTED) == []

    shown = place.delivery(delivery["id"])
    assert (shown["state"], shown["documents"]) == ("purged", {"accepted": 1, "purged": 1})
    assert shown["purged_by"] == "keep: 90d of acme-orders"
    said = f"purged on {shown['purged_at'][:10]} by keep: 90d of acme-orders"
    assert said in gone(place, f"deliveries/{delivery['id']}/content", "content_gone")
    (finding,) = place.findings(delivery["id"])
    assert (finding["code"], finding["line"], finding["element"]) == ("element.number", 25, 4)
    assert finding["value"] is None
    assert said in finding["message"]
    assert place.held() == []
    document = place.get(f"/api/v1/quarantine/{held['id']}")
    assert document["state"] == "purged"
    assert "purged" in place.events(delivery["id"])
    assert [each["number"] for each in place.records("orders")] == ["4711"]
    sound(place)

    evidence = place.get(f"/api/v1/orders/{place.records('orders')[0]['_key']}/evidence")
    assert said in evidence["purged"]
    assert evidence["delivery"] == delivery["id"]
    assert all(each["sources"] == [] for each in evidence["fields"])

    refused = {
        f"deliveries/{delivery['id']}/replay": {"as": "then", "reason": "to see"},
        f"deliveries/{delivery['id']}/undo": {"reason": "to see"},
        f"quarantine/{held['id']}/retry": {},
        f"quarantine/{held['id']}/correct": {"content": "ST*850", "reason": "to see"},
        f"quarantine/{held['id']}/discard": {"reason": "to see"},
    }
    for path, body in refused.items():
        status, problem = post(place, path, **body)
        assert status == 409, path
        assert problem["remedy"], path
        assert "purged" in problem["detail"], path


def test_the_same_content_after_a_purge_is_a_new_delivery(place: Place) -> None:
    keep(place, "30d")
    first = place.give(order(1))
    assert place.give(order(1))["state"] == "duplicate"
    place.clock.forward(31 * DAY)
    assert purge(place).deliveries == 2

    again = place.give(order(1))
    assert again["state"] == "accepted"
    assert place.raw(again["id"]) == order(1)
    assert place.delivery(first["id"])["state"] == "purged"
    sound(place)


def test_of_two_deliveries_with_the_same_content_the_file_stays_until_the_later_goes(place: Place) -> None:
    keep(place, "30d")
    first = place.give(order(1))
    place.clock.forward(20 * DAY)
    second = place.give(order(1))
    assert second["state"] == "duplicate"
    place.clock.forward(15 * DAY)
    assert (purge(place).deliveries, place.gateway.vault.exists(first["sha256"])) == (1, True)
    assert place.ask(f"/api/v1/deliveries/{first['id']}/content").status_code == 410
    assert place.raw(second["id"]) == order(1)

    place.clock.forward(20 * DAY)
    assert (purge(place).files, place.gateway.vault.exists(first["sha256"])) == (1, False)


def test_a_correction_goes_with_its_delivery(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    (held,) = place.held()
    start, end = held["findings"][0]["start"], held["findings"][0]["end"]
    status, _ = post(
        place,
        f"quarantine/{held['id']}/correct",
        patch=[{"start": start, "end": end, "text": "917.53"}],
        reason="asked them",
    )
    assert status == 202
    place.work()
    assert place.delivery(delivery["id"])["documents"] == {"accepted": 1, "corrected": 1}
    place.clock.forward(31 * DAY)
    assert purge(place).files == 2
    assert remains(place, PLANTED) == []
    assert not [each for each in remains(place, b"*917.53*") if each != "gateway.db"]
    sound(place)


def test_answers_kept_for_a_repeated_request_go_too(place: Place) -> None:
    keep(place, "30d")
    place.give(ORDERS)
    (held,) = place.held()
    place.clock.forward(31 * DAY)
    answer = place.ask(
        f"/api/v1/quarantine/{held['id']}/discard", "POST", json={"reason": "no"}, headers={"Idempotency-Key": '"k1"'}
    )
    assert answer.status_code == 200
    assert PLANTED in answer.get_data()
    purge(place)
    assert remains(place, PLANTED) == []


def test_files_that_no_integration_wants_go_by_the_line_in_gateway_yaml(tmp_path: Path) -> None:
    with opened(tmp_path, more="keep: 10d\n") as place:
        delivery = place.give(b"%PDF-1.7", "brochure.pdf", "drop://globex")
        kept = place.give(order(1))
        place.change("integrations/acme-orders.yaml", "contract:", "keep: 90d\ncontract:")
        place.clock.forward(11 * DAY)
        assert purge(place).deliveries == 1
        assert place.delivery(delivery["id"])["purged_by"] == "keep: 10d of gateway.yaml"
        assert place.delivery(kept["id"])["state"] == "accepted"


def test_without_any_keep_all_is_kept_for_ever(place: Place) -> None:
    place.give(ORDERS)
    keep_records(place, "")
    place.clock.forward(20_000 * DAY)
    done = purge(place)
    assert (done.deliveries, done.records, done.erased) == (0, {}, {})


def test_what_somebody_works_on_is_put_off(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    gateway = place.gateway
    number = place.row(delivery["id"]).number
    with gateway.database.write() as transaction:
        lease = leases.take_this(transaction, number, owner="somebody", seconds=600)
    assert lease is not None
    assert purge(place).deliveries == 0
    assert place.raw(delivery["id"]) == ORDERS
    with gateway.database.write() as transaction:
        leases.finish(transaction, lease)

    routes = gateway.in_force.routes()
    ask_replay(
        gateway.database, gateway.vault, place.row(delivery["id"]), routes=routes, how="now", who="me", reason="to see"
    )
    assert purge(place).deliveries == 0
    place.work()
    assert place.delivery(delivery["id"])["state"] == "partly_accepted"
    assert purge(place).deliveries == 1


def test_a_purge_in_the_middle_of_a_replay_leaves_it_its_bytes(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    status, _ = post(place, f"deliveries/{delivery['id']}/replay", **{"as": "then", "reason": "to see"})
    assert status == 202
    gateway = place.gateway
    chunks = type(gateway.vault).chunks
    met = []

    def slow(self: Any, sha256: str, size: int = 256 * 1024) -> Iterator[bytes]:
        met.append(purge(place).deliveries)
        yield from chunks(self, sha256, size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(gateway.vault), "chunks", slow)
        place.work()
    assert set(met) == {0}
    assert place.delivery(delivery["id"])["documents"] == {"accepted": 1, "quarantined": 1}
    assert purge(place).deliveries == 1
    sound(place)


def test_a_replay_or_undo_that_begins_while_it_is_purged_is_refused(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    before = place.row(delivery["id"])  # as somebody saw it a moment ago
    gateway = place.gateway
    steps = Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps()
    next(steps)  # marked, and its file is still there
    assert gateway.vault.exists(before.sha256)
    with pytest.raises(Reject, match=r"purged on .* by keep: 30d"):
        ask_replay(
            gateway.database, gateway.vault, before, routes=gateway.in_force.routes(), how="now", who="me", reason="x"
        )
    with pytest.raises(Reject, match=r"purged on .* by keep: 30d"):
        undo(gateway.database, before, who="me", reason="x", owner="me")
    assert post(place, "quarantine/retry", integration="acme-orders")[1] == {"documents": 0}
    assert not work_once(gateway, "somebody")
    for _ in steps:
        pass
    assert not gateway.vault.exists(before.sha256)
    sound(place)


# ── the same content lands while it goes ─────────────────────────────────────────────────────────────────────────────


@contextmanager
def between_put_and_row(place: Place, act: Any) -> Iterator[None]:
    """Have something done just after the vault has put a file, and before its row is written."""
    put = type(place.gateway.vault).put
    calls = []

    def slow(self: Any, stream: Any) -> Stored:
        stored: Stored = put(self, stream)
        calls.append(stored)
        if len(calls) == 1:
            act()
        return stored

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(place.gateway.vault), "put", slow)
        yield
    assert len(calls) >= 1


@pytest.mark.parametrize("steps", [1, 2])
def test_content_that_lands_while_its_old_file_is_purged_is_not_lost(place: Place, steps: int) -> None:
    keep(place, "30d")
    old = place.give(order(1))
    place.clock.forward(31 * DAY)
    gateway = place.gateway
    purging = Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps(sweep=False)

    def act() -> None:
        for _ in range(steps):  # 1: told, 2: deleted
            next(purging)

    with between_put_and_row(place, act):
        new = place.land(order(1))
    for _ in purging:
        pass
    place.work()
    assert place.delivery(old["id"])["state"] == "purged"
    assert place.delivery(new.id)["state"] == "accepted"
    assert place.raw(new.id) == order(1)
    with gateway.database.read() as connection:
        assert retention.condemned(connection) == []
    sound(place)


def test_content_that_came_again_since_it_was_told_is_not_deleted(place: Place) -> None:
    keep(place, "30d")
    place.give(order(1))
    place.give(order(2))
    place.clock.forward(31 * DAY)
    gateway = place.gateway
    purging = Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps(sweep=False)
    for _ in range(3):  # both told, one deleted; that the other is to be is known
        next(purging)
    (kept,) = [each for each in (order(1), order(2)) if gateway.vault.exists(hashlib.sha256(each).hexdigest())]
    new = place.give(kept)
    for _ in purging:
        pass
    assert place.raw(new["id"]) == kept
    sound(place)


def test_content_is_not_deleted_while_the_row_that_names_it_is_being_written(place: Place) -> None:
    keep(place, "30d")
    place.give(order(1))
    place.clock.forward(31 * DAY)
    gateway = place.gateway
    purging = Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps(sweep=False)
    next(purging)  # told, not deleted
    deleting = threading.Thread(target=lambda: list(purging))

    def also(_: Transaction) -> None:
        deleting.start()
        deleting.join(0.5)  # it must wait for us; it does not, where the bytes are lost

    arrived = Arrived("drop://acme", "acme-orders.edi", "acme")
    new = gateway.receiver.land(arrived, io.BytesIO(order(1)), also=also)
    deleting.join()
    assert place.raw(new.id) == order(1)
    place.work()
    sound(place)


def test_a_purge_that_died_between_two_steps_is_ended_by_the_next(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    gateway = place.gateway
    next(Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps(sweep=False))
    assert gateway.vault.exists(delivery["sha256"])
    done = purge(place)
    assert (done.deliveries, done.files) == (0, 1)
    assert not gateway.vault.exists(delivery["sha256"])

    # the file went, and the commit that says so did not arrive
    with gateway.database.write() as transaction:
        transaction.connection.execute(text("UPDATE purged_content SET deleted_at = NULL"))
    assert purge(place).files == 1
    sound(place)


# ── content that nothing names ───────────────────────────────────────────────────────────────────────────────────────


def stranded(place: Place, content: bytes, *, hours: float = 30.0) -> str:
    """Content whose process was killed before its row was written, so long ago; its name."""
    name = place.gateway.vault.put(io.BytesIO(content)).sha256
    path = place.vault.path(name)
    then = path.stat().st_mtime - hours * 3600
    os.utime(path, (then, then))
    return name


def test_content_that_no_row_names_is_swept_when_it_is_old(place: Place) -> None:
    mine = place.give(order(1))
    os.utime(place.vault.path(mine["sha256"]), (1e9, 1e9))
    place.clock.forward(3 * DAY)  # for so long there is this store
    lost, fresh = stranded(place, b"lost"), stranded(place, b"fresh", hours=23)
    assert would(place).unnamed == 1
    assert place.vault.exists(lost)
    done = purge(place)
    assert (done.unnamed, done.files, done.put_off) == (1, 1, [])
    assert [place.vault.exists(each) for each in (lost, fresh, mine["sha256"])] == [False, True, True]
    with place.gateway.database.read() as connection:
        (line,) = audit.last(connection, action="swept")
    assert (line.subject, line.who, line.details["files"]) == ("vault", "tester", 1)
    assert purge(place).unnamed == 0
    sound(place)


def test_what_is_named_by_a_correction_or_as_a_member_is_not_swept(place: Place) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.edi", ORDERS)
    place.give(file.getvalue())
    (held,) = place.held()
    body = {"content": order(9).decode(), "reason": "typed anew"}
    assert post(place, f"quarantine/{held['id']}/correct", **body)[0] == 202
    place.work()
    place.clock.forward(3 * DAY)
    for path in place.vault.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_mtime - 2 * DAY,) * 2)
    assert len(_vault(place)) == 3
    assert purge(place).unnamed == 0
    assert len(_vault(place)) == 3


def test_more_than_killed_processes_leave_stays_until_somebody_is_sure(place: Place) -> None:
    place.clock.forward(3 * DAY)
    lost = [stranded(place, b"%d" % number) for number in range(FEW + 1)]
    (said,) = purge(place).put_off
    assert said.startswith(f"{FEW + 1} files of the vault, 12 bytes, are named by no row, beside 0 that are")
    assert all(map(place.vault.exists, lost))
    gateway = place.gateway
    purging = Retention(gateway.database, gateway.vault, gateway.in_force.routes(), who="tester")
    for _ in purging.steps(unnamed=True):
        pass
    assert purging.tally.unnamed == FEW + 1
    assert not any(map(place.vault.exists, lost))


def test_what_was_there_before_the_store_began_is_somebody_elses(place: Place) -> None:
    place.clock.forward(1.5 * DAY)
    old = stranded(place, b"old", hours=48)
    assert (purge(place).unnamed, place.vault.exists(old)) == (0, True)
    place.clock.forward(1 * DAY)
    assert (purge(place).unnamed, place.vault.exists(old)) == (1, False)


@pytest.mark.parametrize("steps", [2, 3])
def test_content_that_lands_while_it_is_swept_is_not_lost(place: Place, steps: int) -> None:
    place.clock.forward(3 * DAY)
    name = stranded(place, order(1))
    gateway = place.gateway
    sweeping = Retention(gateway.database, gateway.vault, gateway.in_force.routes()).steps()

    def act() -> None:
        for _ in range(steps):  # 1: looked, 2: told, 3: deleted
            next(sweeping)

    with between_put_and_row(place, act):
        new = place.land(order(1))
    for _ in sweeping:
        pass
    place.work()
    assert new.sha256 == name
    assert b"".join(place.vault.chunks(name)) == order(1)
    sound(place)


def test_a_worker_sweeps_once_a_day(place: Place) -> None:
    place.clock.forward(3 * DAY)
    upkeep = Upkeep(place.gateway)
    upkeep.when_due()
    lost = stranded(place, b"lost")
    place.clock.forward(2 * 3600)
    upkeep.when_due()
    assert place.vault.exists(lost)
    place.clock.forward(23 * 3600)
    upkeep.when_due()
    assert not place.vault.exists(lost)


# ── records ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def changes(place: Place) -> list[int]:
    """Every change number there is."""
    with place.gateway.database.read() as connection:
        blocks = connection.execute(text("SELECT first_seq, last_seq FROM change_block ORDER BY first_seq")).all()
    return [number for first, last in blocks for number in range(first, last + 1)]


def test_a_record_whose_last_change_is_too_old_is_purged_and_that_is_a_change(place: Place) -> None:
    keep_records(place, "keep: 30d")
    place.give(order(1, city="Delft"))
    place.clock.forward(20 * DAY)
    place.give(order(2, city="Haarlem"))
    place.clock.forward(15 * DAY)
    done = purge(place)
    assert (done.records, done.versions) == ({"order.v1": 1}, {})
    assert [each["number"] for each in place.records("orders")] == ["2"]
    assert [each for each in remains(place, b"Delft") if each not in _vault(place)] == []

    assert "by keep: 30d of order v1" in gone(place, "orders/acme~1", "record_purged")
    farewell, first = place.get("/api/v1/orders/acme~1/history")["items"]
    assert (farewell["_version"], farewell["_seq"], farewell["record"], farewell["purged"]) == (2, 3, None, True)
    assert (first["_version"], first["_seq"], first["record"], first["purged"]) == (1, 1, None, True)
    assert changes(place) == [1, 2, 3]
    assert place.get("/api/v1/orders?as_of=1")["items"] == []
    assert [each["number"] for each in place.get("/api/v1/orders?as_of=2")["items"]] == ["2"]
    sound(place)

    again = place.give(order(1, day=21))
    assert again["state"] == "accepted"
    (record,) = [each for each in place.records("orders") if each["number"] == "1"]
    assert (record["_version"], record["_seq"]) == (3, 4)
    assert changes(place) == [1, 2, 3, 4]
    sound(place)


def _vault(place: Place) -> set[str]:
    return {path.name for path in place.folder.joinpath("data/vault").rglob("*") if path.is_file()}


def test_versions_that_were_replaced_too_long_ago_go_and_the_record_lives(place: Place) -> None:
    keep_records(place, "keep: 30d")
    place.give(order(1, city="Delft", day=1))
    place.clock.forward(10 * DAY)
    place.give(order(1, city="Haarlem", day=2))
    place.clock.forward(25 * DAY)
    place.give(order(1, city="Leiden", day=3))  # the second version was the truth until now: it stays
    assert purge(place).versions == {}
    place.clock.forward(6 * DAY)
    done = purge(place)
    assert (done.records, done.versions) == ({}, {"order.v1": 1})
    assert [each["record"] and each["record"]["ship_to"]["city"] for each in _history(place)] == [
        "Leiden",
        "Haarlem",
        None,
    ]
    assert place.get("/api/v1/orders/acme~1?as_of=2")["ship_to"]["city"] == "Haarlem"
    assert "order.v1" in gone(place, "orders?as_of=1", "as_of_purged")
    sound(place)


def _history(place: Place, key: str = "acme~1") -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = place.get(f"/api/v1/orders/{key}/history")["items"]
    return versions


def test_a_replay_brings_no_purged_record_back(place: Place) -> None:
    keep_records(place, "keep: 30d")
    delivery = place.give(order(1))
    place.clock.forward(31 * DAY)
    purge(place)
    before = changes(place)
    for how in ("then", "now"):
        assert post(place, f"deliveries/{delivery['id']}/replay", **{"as": how, "reason": "to see"})[0] == 202
        place.work()
        assert place.delivery(delivery["id"])["documents"] == {"accepted": 1}
        assert place.records("orders") == []
        assert changes(place) == before
    sound(place)


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_personal_data_go_and_the_rest_of_the_record_stays(place: Place) -> None:
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    keep(place, "60d")
    place.give(order(1, city="Delft", day=1))
    place.give(order(1, city="Haarlem", day=2))
    (before,) = place.records("orders")
    place.clock.forward(91 * DAY)
    dry = would(place)
    done = purge(place)
    assert done.erased == dry.erased == {"order.v1": 2}
    assert remains(place, b"Delft") == remains(place, b"Haarlem") == []
    (after,) = place.records("orders")
    assert after["ship_to"] == {"gln": before["ship_to"]["gln"]}
    assert {**after, "ship_to": None, "_seq": 0, "_version": 0} == {**before, "ship_to": None, "_seq": 0, "_version": 0}
    assert (after["_version"], after["_seq"]) == (3, 3)
    assert changes(place) == [1, 2, 3]
    assert purge(place).erased == {}
    sound(place)


def test_a_replay_brings_no_personal_data_back(place: Place) -> None:
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    delivery = place.give(order(1, city="Delft"))
    place.clock.forward(91 * DAY)
    purge(place)
    before = changes(place)
    assert post(place, f"deliveries/{delivery['id']}/replay", **{"as": "then", "reason": "to see"})[0] == 202
    place.work()
    assert changes(place) == before
    place.change("integrations/acme-orders.yaml", "CUR02 ?? 'USD'", "'EUR'")
    assert post(place, f"deliveries/{delivery['id']}/replay", **{"as": "now", "reason": "to see"})[0] == 202
    place.work()
    (record,) = place.records("orders")
    assert (record["currency"], "city" in record["ship_to"]) == ("EUR", False)
    assert [each for each in remains(place, b"Delft") if each not in _vault(place)] == []
    sound(place)


def test_an_undo_brings_no_personal_data_back(place: Place) -> None:
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    place.give(order(1, city="Delft", day=1))
    place.clock.forward(80 * DAY)
    second = place.give(order(1, city="Haarlem", day=2))
    assert post(place, f"deliveries/{second['id']}/undo", reason="wrong")[0] == 200
    (record,) = place.records("orders")
    assert record["ship_to"]["city"] == "Delft"
    place.clock.forward(11 * DAY)
    purge(place)
    (record,) = place.records("orders")
    assert "city" not in record["ship_to"]
    assert [each for each in remains(place, b"Delft") if each not in _vault(place)] == []
    assert remains(place, b"Haarlem") != []
    sound(place)


def test_an_undo_that_would_return_to_what_was_purged_is_refused(place: Place) -> None:
    keep_records(place, "keep: 30d")
    place.give(order(1, day=1))
    second = place.give(order(1, day=2))
    place.clock.forward(31 * DAY)
    third = place.give(order(1, day=3))
    purge(place)  # the first version, replaced long ago; the second was the truth until now
    assert post(place, f"deliveries/{third['id']}/undo", reason="wrong")[0] == 200
    status, problem = post(place, f"deliveries/{second['id']}/undo", reason="wrong, too")
    assert (status, problem["code"]) == (409, "before_purged")
    (record,) = place.records("orders")
    assert record["ordered_on"] == "2026-11-02"
    sound(place)


def test_a_record_without_its_personal_data_is_kept_no_longer_for_that(place: Place) -> None:
    keep_records(place, "keep: 100d\nkeep_personal: 90d")
    place.give(order(1))
    place.clock.forward(91 * DAY)
    assert purge(place).erased == {"order.v1": 1}
    place.clock.forward(10 * DAY)
    assert purge(place).records == {"order.v1": 1}
    assert place.records("orders") == []
    assert changes(place) == [1, 2, 3]
    sound(place)


def test_a_field_that_becomes_personal_data_later_is_erased_in_old_records_too(place: Place) -> None:
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    place.give(order(1))
    place.clock.forward(91 * DAY)
    purge(place)
    place.change("contracts/order.v1.yaml", "text:      text 0..80 ?", "text:      text 0..80 ?, pii")
    assert purge(place).erased == {"order.v1": 2}
    (record,) = place.records("orders")
    assert all("text" not in line for line in record["lines"])
    assert [each for each in remains(place, b"Hex bolt") if each not in _vault(place)] == []


# ── who does it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def run(place: Place, *arguments: str) -> str:
    result = CliRunner().invoke(command, [*arguments, "-w", str(place.folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_purge_is_shown_before_and_audited_with_counts_not_values(place: Place) -> None:
    keep(place, "30d")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    dry = would(place)
    assert (dry.deliveries, dry.bytes, dry.documents) == (1, len(ORDERS), 1)
    assert place.raw(delivery["id"]) == ORDERS
    purge(place)
    with place.gateway.database.read() as connection:
        rows = connection.execute(text("SELECT who, subject, details FROM audit WHERE action = 'purged'")).all()
    ((who, subject, details),) = rows
    assert (who, subject) == ("tester", f"delivery {delivery['id']}")
    told = {"by": "keep: 30d of acme-orders", "bytes": len(ORDERS), "corrections": 0, "documents": 1, "findings": 1}
    assert json.loads(details) == told


def test_the_command_shows_and_does_it(place: Place) -> None:
    keep(place, "30d")
    place.clock.now = place.clock.now.replace(year=place.clock.now.year - 1)  # the command has a clock of its own
    place.give(ORDERS)
    told = f"the bytes of 1 delivery, {len(ORDERS)} bytes, 1 document held of them"
    assert run(place, "purge", "--dry-run") == f"would go: {told}\n"
    assert json.loads(run(place, "purge", "--dry-run", "--json"))["deliveries"] == 1
    assert run(place, "purge", "globex-prices") == "Nothing is older than it is to be kept.\n"
    assert run(place, "purge", "acme-orders") == f"purged: {told}; 1 file deleted\n"
    assert run(place, "purge") == "Nothing is older than it is to be kept.\n"
    assert "1 purged" in run(place, "verify", "--deep")


def test_a_log_that_is_read_from_is_emptied_later(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        keep(place, "30d")
        place.give(ORDERS)
        place.clock.forward(31 * DAY)
        upkeep = Upkeep(place.gateway)
        with place.gateway.database.read() as connection:
            connection.execute(text("SELECT count(*) FROM finding")).all()
            upkeep.when_due()
            assert "gateway.db-wal" in remains(place, PLANTED)
        place.clock.forward(3601)
        upkeep.when_due()
        assert remains(place, PLANTED) == []


def test_one_worker_at_a_time_purges_now_and_then(place: Place) -> None:
    keep(place, "30d")
    one, other = Upkeep(place.gateway), Upkeep(place.gateway)
    one.when_due()
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    with place.gateway.database.write() as transaction:
        assert retention.take_turn(transaction, "purge", seconds=3600)  # somebody else has the turn
    other.when_due()
    assert place.delivery(delivery["id"])["state"] == "partly_accepted"
    place.clock.forward(2 * 3600)
    one.when_due()
    assert place.delivery(delivery["id"])["state"] == "purged"
    assert remains(place, PLANTED) == []


def test_what_is_put_off_holds_nothing_up_and_is_not_gone_through_at_once(place: Place) -> None:
    keep(place, "30d")
    landed = [place.land(order(1)) for _ in range(STEPS_AT_ONCE + 5)]
    place.clock.forward(31 * DAY)
    with place.gateway.database.write() as transaction:
        transaction.connection.execute(text("UPDATE delivery SET state = 'accepted', due = NULL"))
        transaction.connection.execute(  # the first of them are still to be answered
            text(
                "INSERT INTO answering (delivery, revision, state, due)"
                f" SELECT number, 'r', 'due', 9e9 FROM delivery ORDER BY number LIMIT {STEPS_AT_ONCE}"
            )
        )
    tried: list[int] = []
    purge_one = retention.purge

    def counting(transaction: Transaction, number: int, **more: Any) -> Any:
        tried.append(number)
        return purge_one(transaction, number, **more)

    upkeep = Upkeep(place.gateway)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retention, "purge", counting)
        upkeep.when_due()
        assert tried == [each.number for each in landed[:STEPS_AT_ONCE]]
        Upkeep(place.gateway).when_due()  # another worker does not begin it anew meanwhile
        assert len(tried) == STEPS_AT_ONCE
        upkeep.when_due()
        assert tried[STEPS_AT_ONCE:] == [each.number for each in landed[STEPS_AT_ONCE:]]
    assert place.delivery(landed[-1].id)["state"] == "purged"


def test_a_purge_that_is_under_way_obeys_a_longer_keep_at_once(place: Place) -> None:
    keep(place, "30d")
    landed = [place.land(order(1)) for _ in range(STEPS_AT_ONCE + 1)]
    place.clock.forward(31 * DAY)
    with place.gateway.database.write() as transaction:
        transaction.connection.execute(text("UPDATE delivery SET state = 'accepted', due = NULL"))
    upkeep = Upkeep(place.gateway)
    upkeep.when_due()
    place.change("integrations/acme-orders.yaml", "keep: 30d", "keep: 90d")
    upkeep.when_due()
    states = [place.delivery(each.id)["state"] for each in landed]
    assert states == ["purged"] * STEPS_AT_ONCE + ["accepted"]


def test_a_purged_delivery_is_passed_by_a_plan(place: Place) -> None:
    keep(place, "30d")
    place.clock.now = place.clock.now.replace(year=place.clock.now.year - 1)
    place.give(order(1))
    purge_as_of_today = run(place, "purge")
    assert "purged" in purge_as_of_today
    path = place.folder / "integrations/acme-orders.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("CUR02 ?? 'USD'", "'EUR'"), encoding="utf-8")
    assert "1 delivery was purged" in run(place, "plan")


def test_the_same_arrival_after_a_purge_leaves_nothing_behind(place: Place) -> None:
    """A collector that died before it removed a file finds it when its delivery is purged already."""
    keep(place, "30d")
    arrived = Arrived("drop://acme", "acme-orders.edi", "acme", arrival="a1")
    first = place.gateway.receiver.land(arrived, io.BytesIO(ORDERS))
    place.work()
    place.clock.forward(31 * DAY)
    purge(place)
    assert place.gateway.receiver.land(arrived, io.BytesIO(ORDERS)).id == first.id
    purge(place)
    assert remains(place, PLANTED) == []


def test_check_says_what_is_kept_how_long_and_what_outlives_it(place: Place) -> None:
    keep(place, "1y")
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    result = CliRunner().invoke(command, ["check", str(place.folder)])
    assert result.exit_code == 0
    assert "raw files and held documents of acme-orders are kept 1y\n" in result.stdout
    assert "raw files and held documents of globex-prices are kept for ever\n" in result.stdout
    assert "records of order v1 are kept 7y, their personal data 90d\n" in result.stdout
    assert "personal data of order v1 are erased after 90d, but the raw files that hold them are kept 1y" in (
        result.stderr
    )


def test_the_description_of_the_api_does_not_demand_what_is_erased(place: Place) -> None:
    schemas = place.get("/api/v1/openapi.json")["components"]["schemas"]
    assert "city" in schemas["order.v1"]["properties"]["ship_to"]["required"]
    keep_records(place, "keep: 7y\nkeep_personal: 90d")
    schemas = place.get("/api/v1/openapi.json")["components"]["schemas"]
    assert schemas["order.v1"]["properties"]["ship_to"]["required"] == ["gln"]


def test_what_a_delivery_was_answered_goes_with_it_when_it_is_with_the_partner(place: Place) -> None:
    place.change("integrations/acme-orders.yaml", "contract:", "keep: 30d\nanswer: 997\ncontract:")
    delivery = place.give(ORDERS)
    place.clock.forward(31 * DAY)
    path = f"deliveries/{delivery['id']}/acknowledgments"
    assert PLANTED in place.ask(f"/api/v1/{path}").get_data()  # AK404 is a copy of the bad value
    (put_off,) = purge(place).put_off
    assert "still to be answered" in put_off
    send(place)
    assert purge(place).deliveries == 1
    assert "keep: 30d of acme-orders" in gone(place, path, "content_gone")
    for file in outbox(place):
        place.folder.joinpath("data/sftp/acme/outbox", file).unlink()  # as the partner does who has taken it
    assert remains(place, PLANTED) == []


def test_why_a_delivery_could_not_be_answered_goes_with_it(place: Place) -> None:
    place.change("integrations/acme-orders.yaml", "contract:", "keep: 30d\nanswer: 997\ncontract:")
    delivery = place.land(ORDERS)
    work_once(place.gateway, "somebody")
    write_once(place.gateway, "somebody")
    database = place.gateway.database
    with database.write() as transaction:
        (owed,) = acknowledgments.take_owed(transaction, owner="me", seconds=60.0, count=1, size_max=1)
    desk = Desk(database, place.gateway.vault, lambda _: place.gateway.in_force.routes())
    give_up(desk, owed, f"ValueError: {PLANTED.decode()}")
    place.clock.forward(31 * DAY)
    assert purge(place).deliveries == 1
    assert place.delivery(delivery.id)["state"] == "purged"
    assert remains(place, PLANTED) == []
