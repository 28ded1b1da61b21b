"""The worker's other work: between deliveries it answers those that are to be answered, and writes letters."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.operate.exchange.outboxes import reached
from gateway.publish import lettering
from gateway.publish.acknowledgments import Desk, answer, give_up
from gateway.store import acknowledgments, letters
from gateway.store.database import Unwritable
from gateway.store.row_leases import pause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.operate.wiring import Gateway
    from gateway.store.acknowledgments import Owed

_log = logging.getLogger(__name__)
_TOGETHER_MAX = 64
_SMALL_BYTES_MAX = 64 * 1024
"""So many small files are answered in one transaction, which costs as much for one."""

_KILLED = "each try ended with its process"
_OUT_OF_ROOM = "it needed more memory than a worker may use (memory_max)"


def answer_once(gateway: Gateway, owner: str) -> bool:
    """Take a delivery that is to be answered, and small ones behind it, and answer them; False when none is due."""
    with gateway.database.read() as connection:
        if not acknowledgments.something_owed(connection, gateway.database.clock()):
            return False
    configuration = gateway.in_force.configuration()
    seconds = gateway.settings.lease_seconds
    with gateway.database.write() as transaction:
        owed = acknowledgments.take_owed(
            transaction, owner=owner, seconds=seconds, count=_TOGETHER_MAX, size_max=_SMALL_BYTES_MAX
        )
    if not owed:
        return False
    desk = _desk(gateway)
    outboxes = reached(configuration)
    try:
        if owed[0].tries > gateway.settings.tries:
            give_up(desk, owed[0], owed[0].problem or _KILLED)
        else:
            answer(desk, owed, outboxes=outboxes)
    except Retry as later:
        _give_back(gateway, owed, later.message, seconds=later.delay_seconds, counted=False)
    except Stop as trouble:
        _log.warning("%s", trouble)
        counted = not isinstance(trouble, Unwritable)
        _give_back(gateway, owed, trouble.message, seconds=pause(owed[0].tries), counted=counted)
    except MemoryError:  # the process has used up its room, and ends
        _give_back(gateway, owed, _OUT_OF_ROOM, seconds=pause(owed[0].tries), counted=True)
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the others: it is tried again, alone
        _log.exception("answering %d deliveries failed", len(owed))
        _give_back(gateway, owed, _said(error), seconds=pause(owed[0].tries), counted=True)
    return True


def write_once(gateway: Gateway, owner: str) -> bool:
    """Take a letter that is owed, and write it; False when none is due."""
    with gateway.database.read() as connection:
        if not letters.something_owed(connection, gateway.database.clock()):
            return False
    configuration = gateway.in_force.configuration()
    with gateway.database.write() as transaction:
        owed = letters.take_owed(transaction, owner=owner, seconds=gateway.settings.lease_seconds)
    if owed is None:
        return False
    desk = _desk(gateway)
    try:
        if owed.tries > gateway.settings.tries:
            lettering.give_up(desk, owed, owed.problem or _KILLED)
        else:
            lettering.write(desk, owed, configuration, outboxes=reached(configuration))
    except Retry as later:
        _put_off(gateway, owed, later.message, seconds=later.delay_seconds, counted=False)
    except Stop as trouble:
        _log.warning("%s", trouble)
        counted = not isinstance(trouble, Unwritable)
        _put_off(gateway, owed, trouble.message, seconds=pause(owed.tries), counted=counted)
    except MemoryError:  # the process has used up its room, and ends
        _put_off(gateway, owed, _OUT_OF_ROOM, seconds=pause(owed.tries), counted=True)
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the others
        _log.exception("a letter could not be written")
        _put_off(gateway, owed, _said(error), seconds=pause(owed.tries), counted=True)
    return True


def _desk(gateway: Gateway) -> Desk:
    in_force = gateway.in_force
    return Desk(
        gateway.database,
        gateway.vault,
        lambda name: in_force.of(name) or in_force.routes(),
        gateway.settings.lease_seconds,
        gateway.line.watch,
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


def _put_off(gateway: Gateway, owed: letters.Owed, reason: str | None, *, seconds: float, counted: bool) -> None:
    try:
        with gateway.database.write() as transaction:
            letters.postpone(transaction, owed, seconds=seconds, counted=counted, problem=reason)
    except (Retry, Stop) as trouble:  # the lease runs out by itself
        _log.warning("%s", trouble)


def give_back(gateway: Gateway, owner: str, delivery: int, reason: str | None) -> None:
    """Give back what `owner`, who is dead, was to answer; `reason` is the end of a try of that delivery, or of none."""
    with gateway.database.read() as connection:
        held = acknowledgments.held_by(connection, owner)
        half_written = letters.held_by(connection, owner)
    for one in half_written:
        is_its_fault = reason is not None and delivery in (one.delivery, 0)
        seconds = pause(one.tries) if is_its_fault else 0.0
        _put_off(gateway, one, reason if is_its_fault else None, seconds=seconds, counted=is_its_fault)
    for each in held:
        is_its_fault = reason is not None and delivery in (each.delivery, 0)
        seconds = pause(each.tries) if is_its_fault else 0.0
        _give_back(gateway, [each], reason if is_its_fault else None, seconds=seconds, counted=is_its_fault)


def _give_back(gateway: Gateway, owed: Sequence[Owed], reason: str | None, *, seconds: float, counted: bool) -> None:
    """To be tried again; together or alone, as `acknowledgments.take_owed` says."""
    for each in owed:
        try:
            with gateway.database.write() as transaction:
                acknowledgments.postpone(transaction, each, seconds=seconds, counted=counted, problem=reason)
        except (Retry, Stop) as trouble:  # the lease runs out by itself
            _log.warning("%s", trouble)
