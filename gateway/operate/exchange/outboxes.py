"""The ways out: into the outboxes of the partners, by the role whose server shows them; each way has a thread."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.operate.workers.lateness import LateWatch
from gateway.publish.outbox import Folders, Outboxes, send, send_singly
from gateway.store import outgoing, row_leases
from gateway.store.bell import Bell
from gateway.store.outgoing import Bag

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from gateway.configuration import Configuration
    from gateway.operate.wiring import Gateway
    from gateway.publish.outbox import Place
    from gateway.store.outgoing import Outgoing

_log = logging.getLogger(__name__)
_SLEEP_SECONDS = 1.0
_BREATH_SECONDS = 0.05  # between two looks: while many files land, each commit rings
_TOGETHER_MAX = 32


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: what goes it, by the configuration in force, and where that is put for a partner.

    What is slow or out of order goes a way of its own, so that it holds up no other.
    """

    name: str
    bag: Callable[[Configuration], Bag]
    place_of: Callable[[Gateway, str], Place]
    pause: Callable[[int], float] = row_leases.pause
    """The seconds until what was tried so often is tried again."""
    tries_max: int | None = None
    """After so many tries it is not sent any more; None: it always is."""
    singly: bool = False
    """Whether one is noted before the next one is taken: where what is shown twice is there twice."""
    lease_seconds_min: float = 0.0
    """Longer than it takes to show one, at the slowest."""


OUTBOXES = Way(
    "outboxes",
    lambda configuration: Bag(but=elsewhere(configuration)),
    lambda gateway, partner: Folders(gateway.folder / gateway.settings.drops / partner),
)
"""Into the folders behind our SFTP server: what goes no other way."""


def reached(configuration: Configuration) -> list[str]:
    """The partners to whom files are put somewhere; for all others they are kept, and asked for over the API."""
    return [each.name for each in configuration.partners.values() if each.account or each.answers]


def elsewhere(configuration: Configuration) -> dict[str, tuple[str, str]]:
    """The partners whose files are put at servers of theirs, with connection and folder."""
    return {each.name: each.answers for each in configuration.partners.values() if each.answers is not None}


def send_until(gateway: Gateway, owner: str, stop: threading.Event, way: Way = OUTBOXES) -> None:
    """Send what is due and goes this way until `stop` is set."""
    bell = Bell(gateway.database)
    late = LateWatch(gateway)
    try:
        while not stop.is_set():
            try:
                late.when_due()  # whoever should have made or sent it may be the one that is not there
                if send_once(gateway, owner, way):
                    continue
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
                stop.wait(_SLEEP_SECONDS)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread: it is tried again later
                _log.exception("files could not be sent")
                stop.wait(_SLEEP_SECONDS)
            stop.wait(_BREATH_SECONDS)
            bell.wait(_SLEEP_SECONDS, stop)
    finally:
        bell.close()


def send_once(gateway: Gateway, owner: str, way: Way = OUTBOXES) -> bool:
    """Take files that are due and go this way, and send them; False when none is due."""
    bag = way.bag(gateway.in_force.configuration())
    with gateway.database.read() as connection:
        if not outgoing.something_outgoing(connection, gateway.database.clock(), bag):
            return False
    seconds = max(gateway.settings.lease_seconds, way.lease_seconds_min)

    def take(count: int = 1) -> list[Outgoing]:
        with gateway.database.write() as transaction:
            return outgoing.take_outgoing(transaction, owner=owner, seconds=seconds, count=count, bag=bag)

    outboxes = Outboxes(gateway.database, partial(way.place_of, gateway), way.pause, way.tries_max)
    if way.singly:
        return send_singly(outboxes, take, most=_TOGETHER_MAX) > 0
    leased = take(_TOGETHER_MAX)
    if leased:
        send(outboxes, leased)
    return bool(leased)
