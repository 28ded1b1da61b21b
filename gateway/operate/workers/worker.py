"""The worker: takes what is due, judges it, takes the next. Parsing happens here and in no other process."""

from __future__ import annotations

import logging
import os
import socket
from traceback import clear_frames
from typing import TYPE_CHECKING

from gateway import runs
from gateway.errors import Retry, Stop
from gateway.ingest import give_up, ingest, tidy
from gateway.observations import ATTEMPT_FAILED
from gateway.operate.workers.answering import answer_once, write_once
from gateway.operate.workers.limits import out_of_room
from gateway.operate.workers.trying import try_once
from gateway.operate.workers.upkeep import Upkeep
from gateway.store import activity, leases
from gateway.store.bell import Bell
from gateway.store.database import Unwritable
from gateway.store.row_leases import pause

if TYPE_CHECKING:
    import threading

    from gateway.operate.wiring import Gateway
    from gateway.routing import Routes
    from gateway.store.leases import Lease

_log = logging.getLogger(__name__)
_SLEEP_SECONDS = 1.0


def owner_name(process: int | None = None, mark: str = "") -> str:
    """Who a worker is, for people who look at a lease: this one, or the one with that process id and mark."""
    parts = [socket.gethostname(), str(process or os.getpid()), mark]
    return ":".join(part for part in parts if part)


def work(gateway: Gateway, stop: threading.Event, *, until_idle: bool = False, owner: str | None = None) -> None:
    """Do what is due until `stop` is set, or with `until_idle` until nothing is due.

    Raises:
        MemoryError: judging took all that there is. What is left may be in pieces: end this process.
    """
    bell = Bell(gateway.database)
    upkeep = Upkeep(gateway)
    owner = owner or owner_name()
    try:
        while not stop.is_set():
            try:
                is_busy = work_once(gateway, owner)
                is_busy |= answer_once(gateway, owner)
                is_busy |= write_once(gateway, owner)
                if try_once(gateway, owner) or is_busy:
                    continue
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
                stop.wait(_SLEEP_SECONDS)
            if until_idle:
                return
            upkeep.when_due()
            bell.wait(_SLEEP_SECONDS, stop)
    finally:
        bell.close()


def work_once(gateway: Gateway, owner: str) -> bool:
    """Take a delivery that is due, and small ones behind it, and do what is to be done; False when nothing is due."""
    with gateway.database.read() as connection:  # is a write transaction worth it?
        if not leases.something_due(connection, gateway.database.clock()):
            return False
    routes = gateway.in_force.routes()  # before the lease: a revision that cannot be read is no try of a file
    seconds = gateway.settings.lease_seconds
    with gateway.database.write() as transaction:
        lease = leases.take(transaction, owner=owner, seconds=seconds)
        if lease is None:
            return False
        followers = leases.take_followers(
            transaction, lease, seconds=seconds, count=runs.DELIVERIES_MAX - 1, size_max=runs.BYTES_MAX
        )
    run = [lease, *followers]
    while run:
        run = run[_finish_plain(gateway, run, routes) :]
        if run and not _finish(gateway, run.pop(0), routes):
            for later in run:  # those behind it in the lane wait for it, whoever has it now
                _give_back(gateway, later, routes, "", seconds=0.0, counted=False)
            break
    return True


def _finish_plain(gateway: Gateway, run: list[Lease], routes: Routes) -> int:
    """Publish as many deliveries of a run as go together; how many need nothing more now."""
    if len(run) < 2:
        return 0
    try:
        return runs.ingest_run(gateway.line, run, routes)
    except MemoryError:
        raise
    except Exception as trouble:  # noqa: BLE001 - which of them it is shows when each is tried alone
        _log.info("%d deliveries are not published together: %s", len(run), trouble)
        seconds = trouble.delay_seconds if isinstance(trouble, Retry) else pause(run[0].delivery.tries)
        for lease in run:
            _give_back(
                gateway, lease, routes, str(trouble), seconds=seconds, counted=not isinstance(trouble, Retry | Stop)
            )
        return len(run)


def _finish(gateway: Gateway, lease: Lease, routes: Routes) -> bool:
    """Do what is to be done for one delivery, or say why that could not be; whether its lane may go on."""
    gateway.line.watch.turn_to(lease.delivery)
    try:
        routes = gateway.in_force.judging(lease.delivery)
        if lease.delivery.tries > gateway.settings.tries:
            give_up(gateway.line, lease, routes, _last_reason(gateway, lease))
        else:
            ingest(gateway.line, lease, routes)
    except Retry as later:
        _give_back(gateway, lease, routes, later.message, seconds=later.delay_seconds, counted=False)
        return False
    except Stop as trouble:
        _log.warning("%s: %s", lease.delivery.id, trouble)
        counted = not isinstance(trouble, Unwritable)
        _give_back(gateway, lease, routes, trouble.message, seconds=pause(lease.delivery.tries), counted=counted)
        return counted
    except MemoryError as error:
        clear_frames(error.__traceback__)
        give_back(gateway, lease, routes, out_of_room(gateway.settings), counted=True)
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the others: it is told, and tried again
        _log.exception("judging %s failed", lease.delivery.id)
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        _give_back(gateway, lease, routes, reason, seconds=pause(lease.delivery.tries), counted=True)
    return True


def give_back(gateway: Gateway, lease: Lease, routes: Routes, reason: str, *, counted: bool) -> None:
    """Give a delivery back after a try that broke off: at once, or if it `counted` as a try, after a pause."""
    _give_back(gateway, lease, routes, reason, seconds=pause(lease.delivery.tries) if counted else 0.0, counted=counted)


def _give_back(gateway: Gateway, lease: Lease, routes: Routes, reason: str, *, seconds: float, counted: bool) -> None:
    try:
        tidy(gateway.line, lease, routes)
        with gateway.database.write() as transaction:
            leases.postpone(transaction, lease, seconds=seconds, counted=counted)
            if counted:
                transaction.tell(
                    ATTEMPT_FAILED(
                        integration=lease.delivery.integration,
                        partner=lease.delivery.partner,
                        delivery=lease.delivery.id,
                        tries=lease.delivery.tries,
                        reason=reason,
                    )
                )
    except (Retry, Stop) as trouble:  # the lease runs out by itself
        _log.warning("%s: %s", lease.delivery.id, trouble)


def _last_reason(gateway: Gateway, lease: Lease) -> str:
    """Why the last try failed, as the log tells it; a try that killed its process told nothing."""
    with gateway.database.read() as connection:
        lines = activity.after(connection, 0, delivery=lease.delivery.id, limit=1000)
    reasons = [str(line.data.get("reason")) for line in lines if line.event == "attempt_failed"]
    return reasons[-1] if reasons else "each try ended with its process"
