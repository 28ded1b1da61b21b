"""The puller: looks into folders at partners' SFTP servers that are due, and takes in what has settled there."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from adapters.windows import Windows
from gateway.errors import GatewayError, Retry, Stop
from gateway.observations import FILE_INCOMPLETE, PULL_FAILED, PULL_RECOVERED, PULLED
from gateway.operate.exchange.remotes import Kept, path_of
from gateway.operate.workers.worker import owner_name
from gateway.receive.pulls import Pulled
from gateway.store import leases
from sftp.errors import Reject, SftpError
from sftp.errors import Stop as SftpStop
from sftp.pull import Pull, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.configuration import Configuration, Connection
    from gateway.integrations import Integration, Pulling
    from gateway.operate.wiring import Gateway
    from gateway.store.database import Transaction
    from gateway.store.leases import SourceLease
    from sftp.pull import Turn

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 0.5
_FIRST_PAUSE_SECONDS, _PAUSE_SECONDS_MAX = 5.0, 900.0
_STOP_SECONDS = 60.0  # a person must act first; an account that is tried often may be locked
_LONG_SECONDS = 60.0
"""For what settles later than that, nobody waits who is to end when nothing is left to do."""
_CLOSED_SECONDS_MAX = 60.0  # another configuration may say something else by then
_HELD, _LYING = "held", "lying"
_JITTER = random.SystemRandom()


def pull(gateway: Gateway, stop: threading.Event, *, until_idle: bool = False) -> None:
    """Look into what is due until `stop` is set, or with `until_idle` until nothing is due and nothing settles.

    Each connection has a thread of its own, and its folders share one session: one that is slow holds no other up.
    """
    pullers: dict[str, tuple[Puller, threading.Thread]] = {}
    while not stop.is_set():
        try:
            hosts = {each[0].source.host for each in _folders(gateway.in_force.configuration()).values()}
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
            hosts = set()
        for host in hosts:
            if host not in pullers or not pullers[host][1].is_alive():
                puller = Puller(gateway, host)
                thread = threading.Thread(
                    target=puller.follow, args=(stop,), kwargs={"until_idle": until_idle}, name=f"puller {host}"
                )
                pullers[host] = puller, thread
                thread.start()
        if until_idle:
            break
        stop.wait(_LOOK_EVERY_SECONDS)
    for puller, thread in pullers.values():
        if stop.is_set():
            puller.hang_up()
        thread.join()


def _folders(configuration: Configuration) -> dict[str, list[Integration]]:
    """The folders that are looked into, each with the integrations that want files from there."""
    found: dict[str, list[Integration]] = {}
    for each in configuration.integrations.values():
        if each.source.scheme == "sftp":
            found.setdefault(each.source.remote_folder, []).append(each)
    return found


@dataclass(slots=True)
class _Folder:
    """What is remembered of a folder between two looks."""

    pull: Pull = field(default_factory=Pull)
    failures: int = 0
    settling: bool = False
    """Whether files are on their way to being taken, for which nothing but time is wanted."""


class Puller:
    """The folders of one connection, looked into one after another over one session."""

    def __init__(self, gateway: Gateway, host: str) -> None:
        self._gateway = gateway
        self._host = host
        self._kept = Kept(gateway.folder)
        self._known: dict[str, _Folder] = {}
        self._settling = False

    def follow(self, stop: threading.Event, *, until_idle: bool = False) -> None:
        """Look into folders as they become due, as long as the configuration has any."""
        try:
            while not stop.is_set():
                wait = _LOOK_EVERY_SECONDS
                try:
                    configuration = self._gateway.in_force.configuration()
                    connection = configuration.connections.get(self._host)
                    folders = {n: i for n, i in _folders(configuration).items() if i[0].source.host == self._host}
                    if connection is None or not folders:
                        return
                    if self.look_once(connection, folders, stop):
                        continue
                    wait = self._until_due(folders)
                except (Retry, Stop) as trouble:
                    _log.warning("%s", trouble)
                except Exception:  # noqa: BLE001 - the thread must go on whatever it is; the log has the traceback
                    _log.exception("looking for folders that are due failed")
                if until_idle and not self._settling:
                    return
                self._kept.close_idle()
                stop.wait(wait)
        finally:
            self._kept.close()

    def hang_up(self) -> None:
        """End what is on its way, from another thread: nobody waits for a server that does not answer."""
        self._kept.close()

    def _until_due(self, folders: Mapping[str, object]) -> float:
        with self._gateway.database.read() as connection:
            due = leases.next_source_due(connection, list(folders))
        left = due - self._gateway.database.clock().timestamp() if due is not None else _LOOK_EVERY_SECONDS
        return min(max(left, 0.005), _LOOK_EVERY_SECONDS)

    def look_once(
        self, connection: Connection, folders: Mapping[str, list[Integration]], stop: threading.Event
    ) -> bool:  # fmt: skip
        """Look into one folder that is due; False when none is."""
        gateway = self._gateway
        with gateway.database.read() as store:  # is a write transaction worth it?
            due = leases.next_source_due(store, list(folders))
        if due is None or due > gateway.database.clock().timestamp():
            return False
        with gateway.database.write() as transaction:
            lease = leases.take_source(
                transaction, sorted(folders), owner=owner_name(), seconds=gateway.settings.lease_seconds
            )
        if lease is None:
            return False
        _Look(gateway, self._kept, connection, folders[lease.name], lease, stop).run(
            self._known.setdefault(lease.name, _Folder())
        )
        self._settling = any(each.settling for each in self._known.values())
        return True


class _Look:
    """One look into one folder, by the holder of its lease."""

    def __init__(
        self, gateway: Gateway, kept: Kept, connection: Connection, integrations: list[Integration],
        lease: SourceLease, stop: threading.Event,
    ) -> None:  # fmt: skip
        self._gateway = gateway
        self._kept = kept
        self._connection = connection
        self._integrations = integrations
        self._lease = lease
        self._stop = stop
        self._prolonged = time.monotonic()

    def run(self, folder: _Folder) -> None:
        """Look, and say when to look again; what is wrong is said once, not at each look."""
        how = self._integrations[0].pulling
        assert how is not None
        folder.settling = False
        closed = Windows.parse(how.between).wait(self._gateway.database.clock()) if how.between else 0.0
        if closed:
            self._let_go(folder, None, min(closed, _CLOSED_SECONDS_MAX), self._lease.problem)
            return
        self._go_on(folder)
        try:
            turn = folder.pull.turn(self._kept.client(self._connection), self._watch(how), self._ledger())
        except Exception as error:  # noqa: BLE001 - whatever it is, the folder is looked into again, and the thread goes on
            if self._stop.is_set():
                self._let_go(folder, None, 0.0, self._lease.problem)  # whoever comes next need not wait for the lease
                return
            self._failed(folder, error)
            return
        folder.failures, folder.settling = 0, turn.more or (turn.again_seconds or _LONG_SECONDS) < _LONG_SECONDS
        self._let_go(folder, turn, _again(turn, how), _problem(turn))

    def _failed(self, folder: _Folder, error: Exception) -> None:
        if not isinstance(error, (GatewayError, SftpError, OSError)):
            _log.error("looking into %s failed", self._lease.name, exc_info=error)
        if isinstance(error, Retry) and not isinstance(error, SftpError):
            _log.warning("%s", error)  # the store's: nothing is wrong with the folder
            return
        if not isinstance(error, Reject):
            self._kept.close()
        folder.failures += 1
        pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(folder.failures - 1, 16), _PAUSE_SECONDS_MAX)
        if isinstance(error, (Stop, SftpStop)):
            pause = max(pause, _STOP_SECONDS)
        pause = max(pause, getattr(error, "delay_seconds", 0.0))
        self._let_go(folder, None, pause * _JITTER.uniform(0.75, 1.25), _reason(error))

    def _let_go(self, folder: _Folder, turn: Turn | None, again: float, problem: str | None) -> None:
        """Keep what was seen and when to look again, and tell what is new."""
        lease = self._lease
        position = lease.position
        if turn is not None:
            said = asdict(turn)
            seen = {name: said[name] for name in ("listed", "waiting", "standing", "oldest")}
            position = orjson.dumps(seen | self._held(folder)).decode()
        who = self._who()
        with self._gateway.database.write() as transaction:
            leases.advance_source(transaction, lease, position=position, due_in_seconds=again, problem=problem)
            if turn is not None and (turn.taken or turn.removed):
                transaction.tell(PULLED(**who, folder=lease.name, files=turn.taken, removed=turn.removed))
            for each in turn.incomplete if turn is not None else ():
                transaction.tell(FILE_INCOMPLETE(**who, folder=lease.name, message=f"{lease.name}: {each}"))
            if turn is not None and turn.lying:
                transaction.tell(FILE_INCOMPLETE(**who, folder=lease.name, message=turn.lying))
            if problem is not None and problem != lease.problem:
                transaction.tell(PULL_FAILED(**who, folder=lease.name, reason=problem))
            elif problem is None and lease.problem is not None:
                transaction.tell(PULL_RECOVERED(**who, folder=lease.name))
        if turn is not None and (turn.taken or turn.removed):
            _log.info("%s: %d files taken, %d removed there", lease.name, turn.taken, turn.removed)
        if turn is not None and turn.lying:
            _log.warning("%s", turn.lying)
        if problem is not None and problem != lease.problem:
            _log.warning("%s: %s", lease.name, problem)

    def _held(self, folder: _Folder) -> dict[str, dict[str, float | None]]:
        """Until when files wait for their end, or are told of, on everybody's clock: whoever looks next goes on so."""
        now = self._gateway.database.clock().timestamp()
        held: dict[str, float | None] = {key: now + seconds for key, seconds in folder.pull.held().items()}
        lying = {key: None if left is None else now + left for key, left in folder.pull.lying().items()}
        return {name: kept for name, kept in ((_HELD, held), (_LYING, lying)) if kept}

    def _go_on(self, folder: _Folder) -> None:
        """What waited at the last look, of whichever process, waits no longer than it would have, and is told once."""
        now = self._gateway.database.clock().timestamp()
        said = orjson.loads(self._lease.position) if self._lease.position else {}
        lying = {key: None if at is None else at - now for key, at in said.get(_LYING, {}).items()}
        folder.pull.go_on({key: until - now for key, until in said.get(_HELD, {}).items()}, lying)

    def _who(self) -> dict[str, str | None]:
        integration = self._integrations[0].name if len(self._integrations) == 1 else None
        return {"integration": integration, "partner": self._partner()}

    def _partner(self) -> str | None:
        """Whose files these are, if all who want them say the same."""
        partners = {each.partner for each in self._integrations}
        return partners.pop() if len(partners) == 1 else None

    def _watch(self, how: Pulling) -> Watch:
        settings = self._gateway.settings
        name = self._lease.name
        inner = name.removeprefix(f"sftp://{self._connection.name}/")
        return Watch(
            source=name,
            folder=path_of(inner),
            stage=self._gateway.folder / "data" / "pulled" / hashlib.sha256(name.encode()).hexdigest()[:16],
            partner=self._partner(),
            patterns=tuple(each.source.path.rpartition("/")[2] for each in self._integrations),
            after=how.after,
            move_to=how.move_to,
            settle_seconds=how.settle_seconds,
            marker=how.marker,
            partial_after_seconds=settings.partial_after_seconds,
            file_bytes_max=settings.upload_bytes_max,
        )

    def _ledger(self) -> Pulled:
        return Pulled(self._gateway.receiver, self._lease.name, self._hold, self._alive)

    def _hold(self, transaction: Transaction) -> None:
        """Prove that the folder is still ours to look into, and prolong that.

        Raises:
            Retry: somebody else looks into it now; the transaction must not commit.
        """
        lease, seconds = self._lease, self._gateway.settings.lease_seconds
        leases.advance_source(
            transaction, lease, position=lease.position, due_in_seconds=seconds, problem=lease.problem
        )
        self._prolonged = time.monotonic()

    def _alive(self) -> None:
        """Prolong the lease in good time.

        Raises:
            Retry: we are to end, or somebody else looks into the folder now.
        """
        if self._stop.is_set():
            raise Retry("the process is to end; what has come is gone on with later")
        if time.monotonic() - self._prolonged > self._gateway.settings.lease_seconds / 3:
            with self._gateway.database.write() as transaction:
                self._hold(transaction)


def _again(turn: Turn, how: Pulling) -> float:
    """When to look again: at once while there is more, when something will have settled, or in the usual time."""
    if turn.more:
        return 0.0
    if turn.again_seconds is None:
        return how.every_seconds
    return min(how.every_seconds, max(turn.again_seconds, 0.05))


def _problem(turn: Turn) -> str | None:
    """What is wrong with some files, in one line that stays the same as long as they do."""
    if not turn.problems:
        return None
    others = f" (and {len(turn.problems) - 1} more)" if len(turn.problems) > 1 else ""
    return turn.problems[0] + others


def _reason(error: Exception) -> str:
    if isinstance(error, (GatewayError, SftpError)):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    said = str(error).splitlines()
    return f"{type(error).__name__}: {said[0] if said else 'no message'}"
