"""The lease queue under every order of steps: a state machine takes, works, sleeps, wakes, and sets the clock."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import select

from gateway.errors import Retry
from gateway.model import Arrived
from gateway.store import deliveries, leases
from gateway.store.database import Database
from gateway.store.tables import delivery
from gateway.store.vault import Stored
from tests.faults.scenes import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.store.database import Transaction

SECONDS = 60.0
WORKERS = st.integers(0, 2)


@cache
def empty_store() -> bytes:
    """A SQLite file with the tables and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        database = Database(f"sqlite:{path}", clock=lambda: datetime.now(UTC))
        database.migrate()
        database.close()
        return path.read_bytes()


class Queue(RuleBasedStateMachine):
    """Three workers, deliveries in two lanes, and one clock.

    The model knows of each delivery whose lease is the last and until when it holds, and counts its effects.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = datetime(2026, 11, 21, tzinfo=UTC)
        path = Path(self.folder.name) / "gateway.db"
        path.write_bytes(empty_store())
        self.database = Database(f"sqlite:{path}", clock=lambda: self.now)
        self.held: dict[int, leases.Lease] = {}
        self.token: dict[int, int] = {}
        self.until: dict[int, datetime] = {}
        self.effects: dict[int, int] = {}

    @rule(lane=st.sampled_from(["prices", "orders"]))
    def land(self, lane: str) -> None:
        number = len(self.effects) + 1
        arrived = Arrived(f"drop://{lane}", f"{number}", None, integration=lane)
        with self.database.write() as transaction:
            landed, _ = deliveries.land(transaction, arrived, Stored("0" * 64, 1), new_id=f"d_{number}")
        self.effects[landed.number] = 0

    @rule(worker=WORKERS)
    def take(self, worker: int) -> None:
        with self.database.write() as transaction:
            lease = leases.take(transaction, owner=str(worker), seconds=SECONDS)
        if lease is None:
            return
        number = lease.delivery.number
        assert not self.effects[number], "what has had its effect is taken again"
        assert number not in self.until or self.until[number] <= self.now, "a lease is taken away while it holds"
        assert lease.token > self.token.get(number, 0)
        with self.database.read() as connection:
            earlier = connection.execute(
                select(delivery.c.owner, delivery.c.tries).where(
                    delivery.c.number < number,
                    delivery.c.lane
                    == connection.execute(select(delivery.c.lane).where(delivery.c.number == number)).scalar_one(),
                    delivery.c.due.is_not(None),
                )
            ).all()
        assert all(row.tries and row.owner is None for row in earlier), "an earlier one of its lane is in the way"
        self.held[worker] = lease
        self.token[number] = lease.token
        self.until[number] = self.now + timedelta(seconds=SECONDS)

    @rule(worker=WORKERS)
    def finish(self, worker: int) -> None:
        lease = self.held.pop(worker, None)
        if lease is None:
            return

        def effect(transaction: Transaction) -> None:
            leases.hold(transaction, lease, seconds=SECONDS)
            leases.finish(transaction, lease)

        if self._commits(lease, effect):
            self.effects[lease.delivery.number] += 1

    @rule(worker=WORKERS, counted=st.booleans())
    def give_back(self, worker: int, counted: bool) -> None:
        lease = self.held.pop(worker, None)
        if lease is not None and self._commits(
            lease, lambda transaction: leases.postpone(transaction, lease, seconds=5.0, counted=counted)
        ):
            self.until.pop(lease.delivery.number, None)

    @rule(worker=WORKERS)
    def prolong(self, worker: int) -> None:
        lease = self.held.get(worker)
        if lease is not None and self._commits(
            lease, lambda transaction: leases.hold(transaction, lease, seconds=SECONDS)
        ):
            self.until[lease.delivery.number] = self.now + timedelta(seconds=SECONDS)

    def _commits(self, lease: leases.Lease, write: Callable[[Transaction], None]) -> bool:
        """Whether the store lets the holder of this lease write, which must be the last one to have it."""
        is_last = self.token[lease.delivery.number] == lease.token
        try:
            with self.database.write() as transaction:
                write(transaction)
        except Retry:
            assert not is_last, "the holder of the last lease may not write"
            return False
        assert is_last, "somebody else's lease was written for"
        return True

    @rule(worker=WORKERS)
    def die(self, worker: int) -> None:
        self.held.pop(worker, None)

    @rule(seconds=st.sampled_from([1.0, 5.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(days=st.sampled_from([-2, 2]))
    def the_clock_jumps(self, days: int) -> None:
        self.now += timedelta(days=days)
        if days < 0:
            self.until.clear()

    def teardown(self) -> None:
        """However it stands: one worker and a little time finish all, each once."""
        for _ in range(3 * len(self.effects) + 1):
            self.now += timedelta(seconds=SECONDS + 1)
            self.take(3)
            self.finish(3)
        self.database.close()
        self.folder.cleanup()
        assert set(self.effects.values()) <= {1}, f"effects of each delivery: {self.effects}"


def test_P3_whatever_workers_do_each_delivery_has_its_effect_once() -> None:  # noqa: N802 - the promise's name
    size = settings(max_examples=1000 if ALL else 60, stateful_step_count=40, deadline=None, database=None)
    run_state_machine_as_test(Queue, settings=size)


def test_P3_the_state_machine_finds_a_missing_fence(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    monkeypatch.setattr(leases, "hold", lambda *_, **__: None)
    monkeypatch.setattr(leases, "_let_go", without_token)
    size = settings(
        max_examples=10_000,  # it ends with the first that finds it: the 70th or so, one time in a hundred the 300th
        stateful_step_count=40, deadline=None, database=None, phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Queue, settings=size)


def without_token(transaction: Transaction, lease: leases.Lease, *, due: float | None, **_: object) -> None:
    """Let go whoever has the lease now."""
    transaction.connection.execute(
        delivery.update().where(delivery.c.number == lease.delivery.number).values(due=due, owner=None)
    )
