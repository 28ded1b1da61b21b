"""What a worker that died held goes back at once, with the reason of its end; nobody waits for its leases to run out.

The process that started a worker does this, after it has buried it. It acts with the worker's own tokens: whoever has
taken a delivery since keeps it (P3).
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

from gateway.operate import wiring
from gateway.operate.workers import answering, trying
from gateway.operate.workers.worker import give_back
from gateway.store import leases

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.configuration import Settings

_log = logging.getLogger(__name__)
_FINISH_SECONDS = 10.0


class Returns:
    """Gives back in a thread of its own: a store that does not answer keeps nobody from looking after the roles."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._waiting: queue.SimpleQueue[tuple[str, int, str | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def of(self, owner: str, delivery: int, reason: str | None) -> None:
        """Give back what `owner`, who is dead, held; the `delivery` to which it turned last is that of the reason.

        `reason` says why that try is over; None is for one that we have ended ourselves, which counts as none.
        """
        self._waiting.put((owner, delivery, reason))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="returns", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait until all is given back, for a while; what is not runs out by itself."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_FINISH_SECONDS)

    def _run(self) -> None:
        while (dead := self._waiting.get()) is not None:
            owner, delivery, reason = dead
            try:
                self._give_back(owner, delivery, reason)
            except Exception as trouble:  # noqa: BLE001 - whatever it is, the leases run out
                _log.warning("what %s held is given back when its lease has run out: %s", owner, trouble)

    def _give_back(self, owner: str, delivery: int, reason: str | None) -> None:
        gateway = wiring.open_gateway(self._folder, self._settings)
        try:
            with gateway.database.read() as connection:
                held = leases.held_by(connection, owner)
            for lease in held:
                its_fault = reason is not None and delivery in (lease.delivery.number, 0)
                routes = gateway.in_force.judging(lease.delivery)
                give_back(gateway, lease, routes, reason or "", counted=its_fault)
                if its_fault:
                    _log.warning("try %d of %s ended: %s", lease.delivery.tries, lease.delivery.id, reason)
            answering.give_back(gateway, owner, delivery, reason)
            trying.give_back(gateway, owner, reason)
        finally:
            gateway.close()
