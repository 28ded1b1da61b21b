"""What PostgreSQL keeps for us: a slot that nobody reads any more makes the server's disk full.

A slot is looked at by its size, whatever made it stop: an integration that was taken away, one that a person has to put
right first, a reader that does not keep up. Above the connection's `slot_max` that is told, once, with what to do. Only
where `slot_drop` says so, the slot of one of our tables is dropped. Who reads the table then finds a gap, which is told
as such and never skipped.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from adapters.errors import AdapterError
from adapters.odbc import OdbcSource
from gateway.observations import SLOT_CAUGHT_UP, SLOT_DROPPED, SLOT_RETAINS
from gateway.store import leases, notes

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.model import Lag
    from gateway.configuration import Connection
    from gateway.model import Activity
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)
_CAUGHT_UP = 0.5
"""Below this part of the budget a slot is no longer told of, so that one that stands at it is not told of each time."""


def hosts(gateway: Gateway) -> set[str]:
    """The connections on which a table was once followed by a log, as far as they are still declared."""
    declared = gateway.in_force.configuration().connections
    with gateway.database.read() as connection:
        tables = leases.all_sources(connection)
    return {_host(each.name) for each in tables if each.position and _by_log(each.position)} & set(declared)


def look(gateway: Gateway, connection: Connection, opened: Callable[[], object]) -> None:
    """Look at the slots of a connection, once; a source that does not answer is looked at the next time."""
    try:
        source = opened()
        if not isinstance(source, OdbcSource):
            return
        known = {_note(each.name): each for each in source.slots()}
        over = {note: each for note, each in known.items() if (each.retained or 0) > source.settings.slot_bytes_max}
        ours = _ours(gateway, connection, source) if over else {}
    except AdapterError as error:
        _log.info("the slots of %s cannot be looked at: %s", connection.name, error)
        return
    name = f"connection:{connection.name}"
    with gateway.database.read() as store:
        told = set(notes.names(store, name, _note("")))
    for note in over.keys() - told:
        _tell(gateway, name, note, _about(connection, source, over[note], ours.get(over[note].name)))
    for note in over.keys() if source.settings.slot_drop else ():
        _drop(gateway, connection, source, over[note], ours.get(over[note].name))
    for note in told - over.keys():
        left = known[note].retained or 0 if note in known else 0
        if left <= source.settings.slot_bytes_max * _CAUGHT_UP:
            line = SLOT_CAUGHT_UP(connection=connection.name, slot=note.removeprefix(_note("")))
            _tell(gateway, name, note, line, forget=True)


def _ours(gateway: Gateway, connection: Connection, source: OdbcSource) -> dict[str, str]:
    """The tables that were read here, by the names of their slots."""
    with gateway.database.read() as store:
        tables = [each.name for each in leases.all_sources(store) if _host(each.name) == connection.name]
    found = {}
    for name in tables:
        table = name.removeprefix(f"table://{connection.name}/")
        try:
            found[source.slot_of(table)] = table
        except AdapterError:  # it is gone, or may not be read any more: whose slot it was cannot be told
            continue
    return found


def _about(connection: Connection, source: OdbcSource, lag: Lag, table: str | None) -> Activity:
    drop = f"SELECT pg_drop_replication_slot('{lag.name}')"
    if table is None:
        remedy = f"no table of this gateway has it; if nobody reads it, have the owner run: {drop}"
    elif source.settings.slot_drop and not lag.active:
        remedy = f"it is dropped, as slot_drop says; then {table} has to be read anew"
    else:
        remedy = (
            f"see with gateway source list why {table} is not read; if it is not to be read any more,"
            f" have the owner run: {drop}"
        )
    return SLOT_RETAINS(
        connection=connection.name,
        slot=lag.name,
        retained=said(lag.retained or 0),
        budget=said(source.settings.slot_bytes_max),
        remedy=remedy,
    )


def _drop(gateway: Gateway, connection: Connection, source: OdbcSource, lag: Lag, table: str | None) -> None:
    """Let go of the slot of one of our tables, unless somebody reads it at this moment."""
    if table is None or lag.active:
        return
    try:
        source.drop_slot(table)
    except AdapterError as error:
        _log.warning("the slot %s cannot be dropped: %s", lag.name, error)
        return
    line = SLOT_DROPPED(
        connection=connection.name,
        slot=lag.name,
        retained=said(lag.retained or 0),
        remedy=f"to follow {table} again, read it anew: gateway source reset table://{connection.name}/{table}",
    )
    _tell(gateway, f"connection:{connection.name}", _note(lag.name), line, forget=True)


def _tell(gateway: Gateway, source: str, note: str, line: Activity, *, forget: bool = False) -> None:
    """Tell it and keep in mind that it was told, or no longer; of several workers one tells."""
    with gateway.database.write() as transaction:
        if forget is (notes.recall(transaction.connection, source, note) is not None):
            notes.keep(transaction, source, {note: None if forget else b"told"})
            transaction.tell(line)


def said(size: int) -> str:
    """A size for people: ``12.3 GiB``."""
    for unit, bytes_each in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= bytes_each:
            return f"{size / bytes_each:.1f} {unit}".replace(".0 ", " ")
    return f"{size} bytes"


def _note(slot: str) -> str:
    return f"slot/{slot}"


def _host(table: str) -> str:
    return table.removeprefix("table://").partition("/")[0]


def _by_log(position: str) -> bool:
    return '"strategy"' in position and '"slot"' in position
