"""The worker's third work: trials, one between two deliveries, so that whoever waits for one waits for seconds.

What came of a partner's test file is put into his folder for tests by the role whose server shows it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from gateway import trials
from gateway.errors import Reject, Retry, Stop
from gateway.observations import TRIAL_DONE, TRIAL_FAILED
from gateway.operate.workers.limits import out_of_room
from gateway.publish.outbox import Folders
from gateway.publish.tried import put
from gateway.store import trials as store
from gateway.store.bell import Bell
from gateway.store.database import Unwritable
from gateway.store.row_leases import pause

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence
    from typing import Any

    from gateway.operate.wiring import Gateway
    from gateway.store.trials import Leased, Shown

_log = logging.getLogger(__name__)
_SLEEP_SECONDS = 1.0
_TRIES = 2
"""What ended two processes is not tried on a third one: it is no delivery, and can be asked for again."""


def try_once(gateway: Gateway, owner: str) -> bool:
    """Take a trial that waits, and judge it; False when none does."""
    with gateway.database.read() as connection:
        if not store.something_waits(connection, gateway.database.clock()):
            return False
    gateway.in_force.routes()  # before the lease: a revision that cannot be read is no try of a file
    with gateway.database.write() as transaction:
        held = store.take(transaction, owner=owner, seconds=gateway.settings.lease_seconds)
    if held is None:
        return False
    if held.tries > _TRIES:
        _finish(gateway, held, None, "each try ended with its process")
        return True
    try:
        _finish(gateway, held, _judged(gateway, held), None)
    except Reject as refused:
        _finish(gateway, held, None, str(refused))
    except Retry as later:
        _give_back(gateway, held, seconds=later.delay_seconds, counted=False)
    except Unwritable as trouble:
        _log.warning("%s", trouble)
        _give_back(gateway, held, seconds=pause(held.tries), counted=False)
    except Stop as trouble:
        _finish(gateway, held, None, trouble.message)
    except MemoryError:  # the process has used up its room, and ends
        _finish(gateway, held, None, out_of_room(gateway.settings))
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours must not stop the others: it is told
        _log.exception("the trial %s failed", held.trial.id)
        _finish(gateway, held, None, f"{type(error).__name__}: {error}")
    return True


def give_back(gateway: Gateway, owner: str, reason: str | None) -> None:
    """Give back what `owner`, who is dead, was to try; `reason` is the end of a try that was the trial's fault."""
    with gateway.database.read() as connection:
        held = store.held_by(connection, owner)
    for each in held:
        if reason is not None and each.tries >= _TRIES:
            _finish(gateway, each, None, reason)
        else:
            _give_back(gateway, each, seconds=0.0, counted=reason is not None)


def tell_until(gateway: Gateway, stop: threading.Event) -> None:
    """Put what came of test files into the folders of their partners until `stop` is set."""
    bell = Bell(gateway.database)
    try:
        while not stop.is_set():
            try:
                tell_once(gateway)
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread: it is tried again later
                _log.exception("what was tried could not be told")
            bell.wait(_SLEEP_SECONDS, stop)
    finally:
        bell.close()


def tell_once(gateway: Gateway) -> None:
    """Put what came of test files into the folders of their partners; what cannot be put now holds up no other."""
    after = ""
    while True:
        with gateway.database.read() as connection:
            waiting = store.to_tell(connection, after=after)
        if not waiting:
            return
        _tell(gateway, waiting)
        after = waiting[-1].trial.id


def _tell(gateway: Gateway, waiting: Sequence[Shown]) -> None:
    for each in waiting:
        place = Folders(gateway.folder / gateway.settings.drops / str(each.trial.partner) / "test")
        try:
            put(place, each)
        except OSError as error:
            _log.warning("what came of %s cannot be told: %s", each.trial.id, error)
            continue
        with gateway.database.write() as transaction:
            store.told(transaction, each.trial.id)


def _judged(gateway: Gateway, held: Leased) -> dict[str, Any]:
    in_force = gateway.in_force
    if held.trial.how is not None:
        return trials.judge_again(gateway.line, held.trial, in_force.of, in_force.routes())
    return trials.judge(gateway.line, in_force.routes(), held.trial)


def _finish(gateway: Gateway, held: Leased, result: dict[str, Any] | None, problem: str | None) -> None:
    trial = held.trial
    said = {"name": trial.name, "trial": trial.id}
    try:
        with gateway.database.write() as transaction:
            if not store.finish(transaction, held, result, problem=problem) or trial.how is not None:
                return
            if result is None:
                transaction.tell(TRIAL_FAILED(partner=trial.partner, **said, reason=problem or ""))
            else:
                findings = len(result["findings"])
                transaction.tell(
                    TRIAL_DONE(
                        partner=trial.partner, **said, state=result["state"].replace("_", " "), findings=findings
                    )
                )
    except (Retry, Stop) as trouble:  # the lease runs out by itself
        _log.warning("%s", trouble)


def _give_back(gateway: Gateway, held: Leased, *, seconds: float, counted: bool) -> None:
    try:
        with gateway.database.write() as transaction:
            store.postpone(transaction, held, seconds=seconds, counted=counted)
    except (Retry, Stop) as trouble:  # as above
        _log.warning("%s", trouble)
