"""The worker's third work: trials, one between two deliveries, so that whoever waits for one waits for seconds.

What came of a partner's test file is put into his folder for tests by the role whose server shows it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
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
    from typing import Any

    from gateway.operate.wiring import Gateway
    from gateway.store.trials import Leased, Shown

_log = logging.getLogger(__name__)
_SLEEP_SECONDS = 1.0
_BREATH_SECONDS = 0.05  # between two looks for what is to be told: while many files land, each commit rings
_TRIES = 2
"""What ended two processes is not tried on a third one: it is no delivery, and can be asked for again."""
_DEFECT = "a fault of ours stopped it, and it has been written down here. Please tell us this reference."
"""What the partner is told: the words of the error itself are for the log."""


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
    except Exception:  # noqa: BLE001 - a defect of ours must not stop the others: it is told
        _log.exception("the trial %s failed", held.trial.id)
        _finish(gateway, held, None, _DEFECT)
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
    bell, teller = Bell(gateway.database), Teller(gateway)
    try:
        while not stop.is_set():
            try:
                teller.tell_once()
            except (Retry, Stop) as trouble:
                _log.warning("%s", trouble)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the thread: it is tried again later
                _log.exception("what was tried could not be told")
            stop.wait(_BREATH_SECONDS)
            bell.wait(_SLEEP_SECONDS, stop)
    finally:
        bell.close()


class Teller:
    """Puts what came of test files into the folders of their partners; what cannot be put now holds up no other.

    A folder that takes nothing, and a trial that cannot be told, are tried again ever more seldom, and warned of once.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._troubled: dict[str, _Trouble] = {}
        """By the partner, or by the trial's id."""

    def tell_once(self) -> None:
        """Tell what is not told yet, but what waits after a failure.

        Raises:
            Retry, Stop: the store is busy, or cannot be written.
        """
        after, seen = "", set()
        while True:
            with self._gateway.database.read() as connection:
                waiting = store.to_tell(connection, after=after)
            if not waiting:
                break
            for each in waiting:
                seen |= {str(each.trial.partner), each.trial.id}
                self._tell(each)
            after = waiting[-1].trial.id
        self._troubled = {name: trouble for name, trouble in self._troubled.items() if name in seen}

    def _tell(self, shown: Shown) -> None:
        partner, id_ = str(shown.trial.partner), shown.trial.id
        if self._pauses(partner) or self._pauses(id_):
            return
        try:
            put(Folders(self._gateway.folder / self._gateway.settings.drops / partner / "test"), shown)
        except OSError as error:
            if self._failed(partner):
                _log.warning("what came of %s, and other test files of %s, cannot be told: %s", id_, partner, error)
            return
        except Exception:  # noqa: BLE001 - a defect of ours must not stop the others: it is told
            if self._failed(id_):
                _log.exception("what came of %s cannot be told", id_)
            return
        self._troubled.pop(partner, None)
        self._troubled.pop(id_, None)
        with self._gateway.database.write() as transaction:
            store.told(transaction, id_)

    def _pauses(self, name: str) -> bool:
        trouble = self._troubled.get(name)
        now = self._gateway.database.clock().timestamp()
        return trouble is not None and now < trouble.due <= now + pause(trouble.tries)  # a clock may be set back

    def _failed(self, name: str) -> bool:
        """Whether it is the first time, and so to be told."""
        before = self._troubled.get(name)
        tries = 1 if before is None else before.tries + 1
        self._troubled[name] = _Trouble(tries, self._gateway.database.clock().timestamp() + pause(tries))
        return before is None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often something failed, and when it is tried again, in seconds since 1970."""

    tries: int
    due: float


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
