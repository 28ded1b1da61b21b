"""The poller: reads the tables of legacy databases that are due, one batch after another, into deliveries."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING

from adapters.errors import AdapterError
from adapters.model import Following
from adapters.odbc import OdbcSource
from gateway.errors import Retry, Stop
from gateway.observations import TABLE_FAILED, TABLE_READ
from gateway.operate.credentials import resolved
from gateway.operate.worker import owner_name
from gateway.receive.changes import land_batch
from gateway.store import leases, notes

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from gateway.configuration import Configuration, Connection
    from gateway.integrations import Integration
    from gateway.operate.wiring import Gateway
    from gateway.store.leases import SourceLease

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.5
_AFTER_TROUBLE_SECONDS = 5.0


def open_source(gateway: Gateway, connection: Connection) -> OdbcSource:
    """A reader for a connection: ``{workspace}`` in its URL is our folder, its login is resolved and put in here.

    Raises:
        Stop: the secret that the login refers to cannot be read.
    """
    options = dict(connection.options)
    url = connection.url.replace("{workspace}", str(gateway.folder))
    for attribute, name in (("UID", "user"), ("PWD", "password")):
        if name in options:
            value = resolved(options.pop(name), gateway.folder)
            url += f";{attribute}={{{value.replace('}', '}}')}}}"
    return OdbcSource(url, options=options)


def sources(gateway: Gateway, configuration: Configuration) -> Mapping[str, OdbcSource]:
    """A reader for each connection that is a database, by name."""
    return {name: open_source(gateway, each) for name, each in configuration.connections.items() if each.kind == "odbc"}


def poll(gateway: Gateway, stop: threading.Event, *, until_idle: bool = False) -> None:
    """Read what is due until `stop` is set, or with `until_idle` until nothing is due."""
    while not stop.is_set():
        try:
            if poll_once(gateway):
                continue
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
        except Exception:  # noqa: BLE001 - the thread must go on whatever it is; the log has the traceback
            _log.exception("looking for tables that are due failed")
        if until_idle:
            return
        stop.wait(_LOOK_EVERY_SECONDS)


def poll_once(gateway: Gateway) -> bool:
    """Read one table that is due; False when none is."""
    configuration = gateway.in_force.configuration()
    by_name = {str(each.source): each for each in configuration.integrations.values() if each.source.scheme == "table"}
    if not by_name:
        return False
    with gateway.database.write() as transaction:
        lease = leases.take_source(
            transaction, sorted(by_name), owner=owner_name(), seconds=gateway.settings.lease_seconds
        )
    if lease is None:
        return False
    integration = by_name[lease.name]
    try:
        rows = _read(gateway, configuration, integration, lease)
    except Retry:  # the store's: nothing is wrong with the table, and its lease runs out by itself
        raise
    except (AdapterError, Stop) as trouble:
        _tell_trouble(gateway, integration, lease, str(trouble))
        return True
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the other tables
        _log.exception("reading %s failed", lease.name)
        said = str(error).splitlines()
        _tell_trouble(gateway, integration, lease, f"{type(error).__name__}: {said[0] if said else 'no message'}")
        return True
    if rows:
        _log.info("%s: %d rows", lease.name, rows)
    return True


def _read(gateway: Gateway, configuration: Configuration, integration: Integration, lease: SourceLease) -> int:
    """Land every batch that the source has now; returns the number of rows."""
    connection = configuration.connections[integration.source.host]
    every = integration.changes.every_seconds if integration.changes is not None else 60.0
    column = integration.changes.column if integration.changes is not None else None
    following = Following("watermark" if column else "snapshot", integration.key, column)
    position = lease.position
    total = 0

    def recall(name: str) -> bytes | None:
        with gateway.database.read() as reading:
            return notes.recall(reading, lease.name, name)

    table = integration.source.path
    with closing(open_source(gateway, connection)) as source:
        for batch in source.changes(table, following, position=position, recall=recall):
            total += len(batch.changes)
            position = batch.position
            if batch.changes:
                land_batch(gateway.receiver, lease, integration, batch, again_in_seconds=gateway.settings.lease_seconds)
            elif batch.memory:
                with gateway.database.write() as transaction:
                    leases.advance_source(
                        transaction, lease, position=position, due_in_seconds=gateway.settings.lease_seconds
                    )
                    notes.keep(transaction, lease.name, batch.memory)
            source.ack(table, following, position)
    with gateway.database.write() as transaction:
        leases.advance_source(transaction, lease, position=position, due_in_seconds=every)
        if total:
            transaction.tell(
                TABLE_READ(integration=integration.name, partner=integration.partner, rows=total, table=lease.name)
            )
    return total


def _tell_trouble(gateway: Gateway, integration: Integration, lease: SourceLease, reason: str) -> None:
    """Keep the position, try again later, and say so once, not at each try."""
    with gateway.database.write() as transaction:
        leases.advance_source(
            transaction, lease, position=lease.position, due_in_seconds=_AFTER_TROUBLE_SECONDS, problem=reason
        )
        if lease.problem != reason:
            transaction.tell(
                TABLE_FAILED(integration=integration.name, partner=integration.partner, table=lease.name, reason=reason)
            )
