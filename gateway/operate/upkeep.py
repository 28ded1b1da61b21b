"""Upkeep: what must be tidied now and then, by whichever worker is idle."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.repair.retention import Retention
from gateway.store import idempotency, retention
from gateway.store.local import LocalVault

if TYPE_CHECKING:
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
AGAIN = timedelta(seconds=60)
"""When what was put off is tried again."""
IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)
STEPS_AT_ONCE = 20
"""Steps of a purge between two looks at what is due: a file that arrives waits no longer than they take."""
_PURGE = "purge"


class Upkeep:
    """Remembers when this process last tidied."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._unscrubbed = False
        self._next = self._purge_next = datetime.min.replace(tzinfo=gateway.database.clock().tzinfo)

    def when_due(self) -> None:
        """Tidy, if that was long enough ago."""
        now = self._gateway.database.clock()
        try:
            if now >= self._next:
                self._next = now + EVERY
                self._forget_keys(now)
                self._sweep()
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

    def _sweep(self) -> None:
        vault = self._gateway.vault
        if isinstance(vault, LocalVault) and (swept := vault.sweep()):
            _log.info("%d files of writers that were killed were removed from the vault", swept)

    def _purge(self) -> bool:
        """Purge some of what is older than it is to be kept, if no other worker does; whether there may be more."""
        database, seconds = self._gateway.database, EVERY.total_seconds()
        with database.read() as connection:
            if not retention.is_turn(connection, _PURGE, database.clock(), seconds=seconds):
                return False
        with database.write() as transaction:
            if not retention.take_turn(transaction, _PURGE, seconds=seconds):
                return False
        purge = Retention(database, self._gateway.vault, self._gateway.in_force.routes())
        done = sum(1 for _ in zip(range(STEPS_AT_ONCE), purge.steps(), strict=False))
        more = done == STEPS_AT_ONCE
        if more or purge.tally.put_off:
            with database.write() as transaction:
                retention.next_turn(transaction, _PURGE, seconds=0 if more else AGAIN.total_seconds())
        if done or self._unscrubbed:
            self._unscrubbed = not database.scrub()
        for each in purge.tally.put_off:
            _log.info("not purged yet: %s", each)
        return more
