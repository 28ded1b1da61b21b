"""Upkeep: what must be tidied now and then, by whichever worker is idle."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.store import idempotency

if TYPE_CHECKING:
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
EVERY = timedelta(hours=1)
IDEMPOTENCY_KEYS_KEPT = timedelta(hours=24)


class Upkeep:
    """Remembers when this process last tidied."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._next = datetime.min.replace(tzinfo=gateway.database.clock().tzinfo)

    def when_due(self) -> None:
        """Tidy, if that was long enough ago."""
        now = self._gateway.database.clock()
        if now < self._next:
            return
        self._next = now + EVERY
        try:
            with self._gateway.database.write() as transaction:
                forgotten = idempotency.prune(transaction, before=now - IDEMPOTENCY_KEYS_KEPT)
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
            return
        if forgotten:
            _log.info("%d idempotency keys were forgotten", forgotten)
