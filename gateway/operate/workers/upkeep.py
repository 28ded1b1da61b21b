"""Upkeep: what must be tidied now and then, by whichever worker is idle."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.operate.workers.lateness import LateWatch
from gateway.repair.retention import Retention
from gateway.store import idempotency, retention, trials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.operate.wiring import Gateway
    from gateway.repair.retention import Tally
    from gateway.routing import Routes

_log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
AGAIN = timedelta(seconds=60)
"""When what was put off is tried again."""
IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)
LOOKED_AFTER = timedelta(minutes=10)
"""When another worker begins a purge that is under way anew, because nobody went on with it."""
STEPS_AT_ONCE = 20
"""Steps of a purge between two looks at what is due: a file that arrives waits no longer than they take."""
SWEPT_EVERY = timedelta(hours=24)
_PURGE, _SWEEP = "purge", "sweep"


class Upkeep:
    """Remembers when this process last tidied."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._unscrubbed = False
        self._late = LateWatch(gateway)
        self._under_way: _UnderWay | None = None
        self._next = self._purge_next = datetime.min.replace(tzinfo=gateway.database.clock().tzinfo)

    def when_due(self) -> None:
        """Tidy, if that was long enough ago."""
        now = self._gateway.database.clock()
        try:
            if now >= self._next:
                self._next = now + EVERY
                self._forget_keys(now)
                self._forget_trials(now)
                self._sweep()
            self._late.when_due()
            if now >= self._purge_next:
                self._purge_next = now + AGAIN
                if self._purge():
                    self._purge_next = now
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of upkeep must not end the worker; the log has the traceback
            _log.exception("tidying failed")

    def _forget_keys(self, now: datetime) -> None:
        with self._gateway.database.write() as transaction:
            forgotten = idempotency.prune(transaction, before=now - IDEMPOTENCY_KEYS_KEPT)
        if forgotten:
            _log.info("%d idempotency keys were forgotten", forgotten)

    def _forget_trials(self, now: datetime) -> None:
        """What was tried is over after some days; its files go as the others do whose time is over."""
        while True:
            with self._gateway.database.write() as transaction:
                forgotten, content = trials.forget(transaction, before=now - timedelta(days=trials.DAYS_KEPT))
                retention.condemn(transaction, *content)
            if not forgotten:
                return

    def _sweep(self) -> None:
        try:
            swept = self._gateway.vault.sweep()
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
        else:
            if swept:
                _log.info("%d files of writers that were killed were removed from the vault", swept)

    def _purge(self) -> bool:
        """Purge some of what is older than it is to be kept, if no other worker does; whether there may be more.

        It goes on where the last look stopped, so that what is put off holds up nothing that comes behind it.
        """
        database, routes = self._gateway.database, self._gateway.in_force.routes()
        if self._under_way is None and not self._may_begin():
            return False
        if self._under_way is None or self._under_way.routes is not routes:  # or else it is kept as long as it was
            purge = Retention(database, self._gateway.vault, routes)
            self._under_way = _UnderWay(routes, purge.tally, purge.steps(sweep=self._may_sweep()))
        under_way, self._under_way = self._under_way, None  # what fails begins again
        done = sum(1 for _ in zip(range(STEPS_AT_ONCE), under_way.steps, strict=False))
        more = done == STEPS_AT_ONCE
        put_off = under_way.tally.put_off
        if more:
            self._under_way = under_way
        if more or put_off:
            with database.write() as transaction:
                seconds = LOOKED_AFTER if more else AGAIN
                retention.next_turn(transaction, _PURGE, seconds=seconds.total_seconds())
        if done or self._unscrubbed:
            self._unscrubbed = not database.scrub()
        if not more and put_off:
            _log.info("%d things are not purged yet: %s", len(put_off) + under_way.tally.put_off_more, put_off[0])
        return more

    def _may_begin(self) -> bool:
        """Whether a purge is due, and it is ours."""
        database, seconds = self._gateway.database, EVERY.total_seconds()
        with database.read() as connection:
            if not retention.is_turn(connection, _PURGE, database.clock(), seconds=seconds):
                return False
        with database.write() as transaction:
            return retention.take_turn(transaction, _PURGE, seconds=seconds)

    def _may_sweep(self) -> bool:
        """Whether the vault is to be looked through for what nobody names, which a bucket has its price for."""
        with self._gateway.database.write() as transaction:
            return retention.take_turn(transaction, _SWEEP, seconds=SWEPT_EVERY.total_seconds())


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A purge that has begun, by the configuration of then, and stands somewhere."""

    routes: Routes
    tally: Tally
    steps: Iterator[None]
