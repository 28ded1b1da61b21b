"""E1 and E2: the change log tells of what was committed, of all of it, in one gapless order, on both stores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from gateway import ingest
from gateway.operate import wiring
from gateway.repair import undo as undoing
from gateway.store import replays, staging
from gateway.store.staging import Staged
from tests.acceptance.changes import behind, histories_of, log_of
from tests.acceptance.children import die, in_child, prices
from tests.acceptance.workspaces import opened, reopened, sample
from tests.faults.scenes import ALL

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.contracts import Contract
    from gateway.store.database import Database
    from tests.acceptance.workspaces import Place

GLOBEX = "drop://globex"
ROWS = 25
WHY = {"reason": "a test"}


# ── E1 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def new_file(place: Place, _: str) -> None:
    """A second price list, which changes every record of the first."""
    place.land(prices(ROWS, price="2,00"), "new.csv", GLOBEX)


def replay_as_now(place: Place, first: str) -> None:
    """The mapping was corrected, and the first price list is judged again: every record changes."""
    place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
    place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})


def undo(place: Place, first: str) -> None:
    """The first price list was a mistake: every record goes."""
    place.ask(f"/api/v1/deliveries/{first}/undo", "POST", json=WHY)


OPERATIONS = {"a new file": new_file, "a replay": replay_as_now, "an undo": undo}
MOMENTS = {
    "before the commit": (ingest.Attempt, "_close", replays, "close_undone"),
    "after the commit": (ingest.Attempt, "_settle", undoing._Undoing, "end"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("moment", [*MOMENTS, "while settling"])
def test_E1_a_kill_while_publishing_leaves_a_change_for_each_version_and_no_other(  # noqa: N802 - the promise's name
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, operation: str, moment: str
) -> None:
    if not ALL and moment == "while settling" and operation != "a replay":
        pytest.skip("all of them settle in one way; make test-faults tries each")
    monkeypatch.setattr(staging, "SETTLED_AT_ONCE", 10)
    with opened(tmp_path, store=store_url) as place:
        first = place.give(prices(ROWS), "old.csv", GLOBEX)["id"]
        now = place.clock.now

    def work_and_die() -> None:
        settle, settled = staging.settle, []

        def settle_a_little(transaction: Any, contract_id: str, **_: int) -> bool:
            settled.append(contract_id)
            return settle(transaction, contract_id, limit=10) if len(settled) < 2 else die()

        if moment == "while settling":
            monkeypatch.setattr(staging, "settle", settle_a_little)
        else:
            judging, judged, undone, ended = MOMENTS[moment]
            monkeypatch.setattr(judging, judged, lambda *_, **__: die())
            monkeypatch.setattr(undone, ended, lambda *_, **__: die())
        with reopened(tmp_path) as place:
            place.clock.now = now
            OPERATIONS[operation](place, first)
            place.work()

    assert in_child(work_and_die) == -9
    with reopened(tmp_path) as place:
        place.clock.now = now
        changes = log_of(place)
        assert len(changes) == (ROWS if moment == "before the commit" else 2 * ROWS)
        assert histories_of(place, changes) == changes
        place.clock.forward(3600)
        place.work()
        if operation == "an undo" and moment == "before the commit":
            assert len(log_of(place)) == ROWS  # nobody does it for whoever asked
            undo(place, first)
        changes = log_of(place)
        assert len(changes) == 2 * ROWS
        assert histories_of(place, changes) == changes


def test_E1_every_kind_of_change_is_told_as_it_was_made(tmp_path: Path, store_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=store_url) as place:
        first = place.give(prices(ROWS, bad_every=9), "old.csv", GLOBEX)["id"]
        place.give(prices(5, price="2,00"), "new.csv", GLOBEX)
        place.give(prices(5, price="2,00"), "again.csv", GLOBEX)
        place.give(sample("acme-orders.edi"))
        place.change("integrations/globex-prices.yaml", "Bezeichnung | squash", "Bezeichnung | squash | upper")
        place.ask(f"/api/v1/deliveries/{first}/replay", "POST", json={"as": "now", **WHY})
        place.work()
        last = place.give(prices(8, price="3,00"), "last.csv", GLOBEX)["id"]
        assert place.ask(f"/api/v1/deliveries/{last}/undo", "POST", json=WHY).status_code == 200

        changes = log_of(place)
        assert len(changes) == 23 + 5 + 1 + 18 + 8 + 8
        assert histories_of(place, changes) == changes
        for collection, contract in (("prices", "price.v2"), ("orders", "order.v1")):
            newest = {each.key: each for each in changes if each.contract == contract}
            current = {each["_key"]: each["_seq"] for each in place.records(collection)}
            assert current == {each.key: each.seq for each in newest.values() if each.record is not None}


# ── E2 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


COMMITS = 40 if ALL else 20
CONTRACTS = ("price.v2", "order.v1", "invoice.v1")


class Follower(threading.Thread):
    """Reads the change log while it grows, as somebody would who remembers the last number that it saw.

    It asks for what is behind that number each time on a connection of its own; now and then it forgets the last
    answer, as if it had died before it could note it, and hears it again.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.stop = threading.Event()
        self.looked = threading.Event()
        self.heard: list[tuple[int, str, str]] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        """Until it is told to stop, and then once more."""
        last, looks, ended = 0, 0, False
        while not ended:
            ended = self.stop.is_set()
            with self._database.read() as connection:
                new = behind(connection, last)
            numbers = [each.seq for each in new]
            if numbers != list(range(last + 1, last + 1 + len(numbers))):
                self.wrong.append(f"behind {last}: {numbers}")
            looks += 1
            self.looked.set()
            if looks % 7 == 0 and not ended:
                continue
            self.heard += [(each.seq, each.contract, each.key) for each in new]
            last += len(new)


def publish(database: Database, contract: Contract, delivery: int, rows: int, hold: threading.Event | None) -> None:
    """Stage and publish so many records in one transaction, which stays open after it has taken its numbers."""
    columns = tuple(None for _ in contract.columns())
    staged = [Staged(f"k{number % 3}", number, 0, 1, f'{{"n":{number}}}', columns) for number in range(1, rows + 1)]
    with database.write() as transaction:
        staging.claim(transaction, contract, delivery)
        staging.stage(transaction, contract, delivery, staged)
        staging.publish(transaction, contract.id, delivery)
        if hold is not None:
            hold.clear()
            hold.wait(1.0)  # until the follower has looked at what is not committed


def test_E2_a_follower_hears_each_number_in_its_order_while_three_writers_commit(  # noqa: N802
    tmp_path: Path, store_url: str
) -> None:
    with opened(tmp_path, store=store_url) as place:
        contracts = place.gateway.in_force.configuration().contracts
        by_id = {each.id: each for each in contracts.values()}
        landed = [place.land(b"%d" % number, f"{number}.csv", GLOBEX).number for number in range(len(CONTRACTS))]
        others = [wiring.open_gateway(tmp_path) for _ in CONTRACTS]
        follower = Follower(place.gateway.database)
        follower.start()

        def write(at: int) -> None:
            for number in range(COMMITS):
                hold = follower.looked if number % 5 == 0 else None
                publish(others[at].database, by_id[CONTRACTS[at]], landed[at], 1 + (number * 7 + at) % 11, hold)

        writers = [threading.Thread(target=write, args=(at,)) for at in range(len(CONTRACTS))]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        follower.stop.set()
        follower.join()
        for other in others:
            other.close()

        changes = log_of(place)
        assert follower.wrong == []
        assert follower.heard == [(each.seq, each.contract, each.key) for each in changes]
        assert len(changes) == sum(1 + (number * 7 + at) % 11 for number in range(COMMITS) for at in range(3))
        # Each writer's changes of one key are in the order in which it made them.
        for contract in CONTRACTS:
            with place.gateway.database.read() as connection:
                blocks = connection.exec_driver_sql(
                    f"SELECT first_id FROM change_block WHERE contract = '{contract}' ORDER BY first_seq"
                ).all()
            assert [row[0] for row in blocks] == sorted(row[0] for row in blocks)


def test_E2_a_long_transaction_holds_back_what_is_numbered_behind_it(tmp_path: Path, postgresql_url: str) -> None:  # noqa: N802
    with opened(tmp_path, store=postgresql_url) as place:
        contracts = {each.id: each for each in place.gateway.in_force.configuration().contracts.values()}
        first, second = (place.land(name, f"{name!r}.csv", GLOBEX).number for name in (b"1", b"2"))
        other = wiring.open_gateway(tmp_path)
        database = place.gateway.database
        numbered, commit = threading.Event(), threading.Event()

        def long() -> None:
            with other.database.write() as transaction:
                staging.claim(transaction, contracts["order.v1"], first)
                columns = tuple(None for _ in contracts["order.v1"].columns())
                staging.stage(transaction, contracts["order.v1"], first, [Staged("a", 1, 0, 1, "{}", columns)])
                staging.publish(transaction, "order.v1", first)
                numbered.set()
                commit.wait()

        slow = threading.Thread(target=long)
        slow.start()
        assert numbered.wait(60)
        quick = threading.Thread(target=publish, args=(database, contracts["price.v2"], second, 3, None))
        quick.start()
        quick.join(0.2)  # it waits for its numbers
        with database.read() as connection:
            assert behind(connection) == []
        assert quick.is_alive()
        commit.set()
        slow.join()
        quick.join()
        other.close()
        assert [each.contract for each in log_of(place)] == ["order.v1", "price.v2", "price.v2", "price.v2"]
