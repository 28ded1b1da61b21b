"""The way out for acknowledgments: into the outboxes of the partners, by the role whose server shows them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.publish.outbox import Outboxes, send
from gateway.store import outgoing
from gateway.store.bell import Bell

if TYPE_CHECKING:
    import threading

    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
_SLEEP_SECONDS = 1.0
_TOGETHER_MAX = 32


def send_until(gateway: Gateway, owner: str, stop: threading.Event) -> None:
    """Send what is due until `stop` is set."""
    bell = Bell(gateway.database)
    try:
        while not stop.is_set():
            try:
                if send_once(gateway, owner):
                    continue
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
                stop.wait(_SLEEP_SECONDS)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread: it is tried again later
                _log.exception("acknowledgments could not be sent")
                stop.wait(_SLEEP_SECONDS)
            bell.wait(_SLEEP_SECONDS, stop)
    finally:
        bell.close()


def send_once(gateway: Gateway, owner: str) -> bool:
    """Take acknowledgments that are due and put them into the outboxes; False when none is due."""
    with gateway.database.read() as connection:
        if not outgoing.something_outgoing(connection, gateway.database.clock()):
            return False
    with gateway.database.write() as transaction:
        leased = outgoing.take_outgoing(
            transaction, owner=owner, seconds=gateway.settings.lease_seconds, count=_TOGETHER_MAX
        )
    if leased:
        send(Outboxes(gateway.database, gateway.folder / gateway.settings.drops), leased)
    return bool(leased)
