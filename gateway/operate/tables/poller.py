"""The poller: reads the tables of legacy databases that are due, one batch after another, into deliveries."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from adapters.errors import AdapterError
from adapters.errors import Retry as Later
from gateway.errors import Retry, Stop
from gateway.observations import TABLE_FAILED, TABLE_READ
from gateway.operate.tables import slots
from gateway.operate.tables.following import Followed
from gateway.operate.tables.sources import Kept
from gateway.operate.workers.worker import owner_name
from gateway.store import leases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.protocol import Source
    from gateway.configuration import Configuration
    from gateway.integrations import Integration
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.5
_AFTER_TROUBLE_SECONDS = 5.0
_SLOTS_EVERY_SECONDS = 60.0
_LATER_SECONDS_MAX = 60.0  # another configuration may say something else by then
_NOT_NOW = frozenset({"busy", "limited", "closed"})
"""Codes of the adapters' Retry with which a source is only spared; nothing is wrong with it."""


def poll(gateway: Gateway, stop: threading.Event, *, until_idle: bool = False) -> None:
    """Read what is due until `stop` is set, or with `until_idle` until nothing is due.

    Each connection has a thread of its own: one that is slow or does not answer holds no other up.
    """
    readers: dict[str, threading.Thread] = {}
    while not stop.is_set():
        try:
            hosts = _hosts(gateway)
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
            hosts = set()
        for host in hosts:
            if host not in readers or not readers[host].is_alive():
                name = f"poller {host}"
                readers[host] = threading.Thread(target=_follow, args=(gateway, host, stop, until_idle), name=name)
                readers[host].start()
        if until_idle:
            break
        stop.wait(_LOOK_EVERY_SECONDS)
    for reader in readers.values():
        reader.join()


def _follow(gateway: Gateway, host: str, stop: threading.Event, until_idle: bool) -> None:
    """Read the tables of one connection as they become due, as long as the configuration has any."""
    sources = Kept(gateway)
    look_at_slots = time.monotonic()
    try:
        while not stop.is_set():
            try:
                configuration = gateway.in_force.configuration()
                connection = configuration.connections.get(host)
                tables = {str(each.source): each for each in _tables(configuration) if each.source.host == host}
                if connection is None or host not in _hosts(gateway):
                    return
                if time.monotonic() >= look_at_slots:
                    look_at_slots = time.monotonic() + _SLOTS_EVERY_SECONDS
                    slots.look(gateway, connection, partial(sources.of, connection))
                if _read_one(gateway, tables, partial(sources.of, connection)):
                    continue
                wait = _until_due(gateway, tables)
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
                wait = _LOOK_EVERY_SECONDS
            except Exception:  # noqa: BLE001 - the thread must go on whatever it is; the log has the traceback
                _log.exception("looking for tables that are due failed")
                wait = _LOOK_EVERY_SECONDS
            if until_idle:
                return
            stop.wait(wait)
    finally:
        sources.close()


def _tables(configuration: Configuration) -> list[Integration]:
    return [each for each in configuration.integrations.values() if each.source.scheme == "table"]


def _hosts(gateway: Gateway) -> set[str]:
    """The connections whose tables are followed, and those that may keep a slot for one that was."""
    configuration = gateway.in_force.configuration()
    return {each.source.host for each in _tables(configuration)} | slots.hosts(gateway)


def _until_due(gateway: Gateway, tables: Mapping[str, Integration]) -> float:
    """The seconds until one of the tables is due; seldom more, for others may give one back."""
    with gateway.database.read() as connection:
        due = leases.next_source_due(connection, list(tables))
    left = due - gateway.database.clock().timestamp() if due is not None else _LOOK_EVERY_SECONDS
    return min(max(left, 0.005), _LOOK_EVERY_SECONDS)


def _read_one(gateway: Gateway, tables: Mapping[str, Integration], source: Callable[[], Source]) -> bool:
    """Read one table that is due; False when none is."""
    with gateway.database.read() as connection:  # is a write transaction worth it?
        due = leases.next_source_due(connection, list(tables))
    if due is None or due > gateway.database.clock().timestamp():
        return False
    with gateway.database.write() as transaction:
        lease = leases.take_source(
            transaction, sorted(tables), owner=owner_name(), seconds=gateway.settings.lease_seconds
        )
    if lease is None:
        return False
    integration = tables[lease.name]
    followed = Followed(gateway, integration, lease)
    reason, again = None, None
    try:
        followed.read(source())
    except Retry:  # the store's: nothing is wrong with the table, and its lease runs out by itself
        raise
    except Later as later:
        again = min(max(later.delay_seconds, _LOOK_EVERY_SECONDS), _LATER_SECONDS_MAX)
        reason = None if later.code in _NOT_NOW else str(later)
    except (AdapterError, Stop) as trouble:
        reason = str(trouble)
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the other tables
        _log.exception("reading %s failed", lease.name)
        said = str(error).splitlines()
        reason = f"{type(error).__name__}: {said[0] if said else 'no message'}"
    _let_go(gateway, followed, reason, again)
    return True


def _let_go(gateway: Gateway, followed: Followed, reason: str | None, again: float | None) -> None:
    """Keep the position and say when to look again; what is wrong is said once, not at each try."""
    integration, lease = followed.integration, followed.lease
    if again is None and reason is None:  # another configuration may have come into force meanwhile
        now = _tables(gateway.in_force.configuration())
        changes = next((each.changes for each in now if str(each.source) == lease.name), integration.changes)
        again = changes.every_seconds if changes is not None else None
    if again is None or reason is not None:
        again = max(again or 0.0, _AFTER_TROUBLE_SECONDS)
    who = {"integration": integration.name, "partner": integration.partner, "table": lease.name}
    with gateway.database.write() as transaction:
        leases.advance_source(
            transaction,
            lease,
            position=followed.position,
            due_in_seconds=again,
            problem=reason,
            done=True,
        )
        if followed.total:
            transaction.tell(TABLE_READ(**who, rows=followed.total))
        if reason is not None and lease.problem != reason:
            transaction.tell(TABLE_FAILED(**who, reason=reason))
    if followed.total:
        _log.info("%s: %d changes", lease.name, followed.total)
