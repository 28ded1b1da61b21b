"""The power is cut wherever something is to become durable. Afterwards all is as if nothing had happened.

Each cut is judged with every name on the disk as it was at that moment, then without the new names that no sync of a
folder covers, then with the removed ones back. A real disk leaves something between.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from sqlalchemy import text

from sftp.hostkeys import load_or_create
from tests.acceptance.workspaces import key_pair, reopened
from tests.faults.injection import attached, calls_of, traced
from tests.faults.injection import missing as tracing_missing
from tests.faults.ledger import reading, same
from tests.faults.power.disk import lazy, missing
from tests.faults.power.names import NAMING, lost, take_back
from tests.faults.roles import alive, collect, inbox_of, waiting
from tests.faults.scenes import ALL, ORDERS, PRICES, scene, some_deliveries
from tests.faults.test_acknowledgments import answered, kept, outboxes, send, unsent
from tests.faults.test_answer import PATH, Api, key_of
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.faults.ledger import Ledger
    from tests.faults.nursery import Child, Nursery
    from tests.faults.power.names import Step
    from tests.faults.scenes import Scene

_WHY = missing() or tracing_missing()
pytestmark = pytest.mark.skipif(_WHY is not None, reason=str(_WHY))

LASTING = ("fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat")
"""The calls that change what a disk has: between two of them each cut leaves the same."""
TRACED = (*LASTING, *NAMING)


def cuts(trace: Path, folder: Path, *, since: str = "") -> list[str]:
    """Where to cut: at each such call below the folder, as strace's injection that kills before it is done.

    `since` is what the first call names behind which cuts are wanted.
    """
    calls = calls_of(trace)
    begin = next(at for at, call in enumerate(calls) if since in call.line)
    found = [
        f"{call.name}:signal=KILL:when={call.nth}"
        for call in calls[begin:]
        if call.name in LASTING and f"{folder}/data" in call.line
    ]
    return list(dict.fromkeys(found))


@contextmanager
def after_the_cut(here: Scene, before: Scene, trace: Path) -> Iterator[Iterable[tuple[Scene, str]]]:
    """What a cut may have left of `here`: every name, not the new ones that nobody synced, the removed ones, too."""
    steps = lost(trace, here.folder / "data", before.folder / "data")
    left = [(here, "every name kept")]
    for removes, names in ((False, "new names lost"), (True, "removed names back")):
        if some := [step for step in steps if step.removes == removes and not passing(step)]:
            other = here.copy(here.folder.with_name(names.replace(" ", "-")))
            take_back(some, other.folder / "data", before.folder / "data")
            left.append((other, names))
    try:
        yield left
    finally:
        for each, _ in left:
            each.remove()


def passing(step: Step) -> bool:
    """Whether nobody misses that name: SQLite makes its shared memory anew, and what came and went is gone."""
    return (step.there or step.gone or "").endswith("-shm") or (step.removes and step.was is None)


def sound(here: Scene) -> None:
    """No vault file has a name that is not its content's, and the store is whole."""
    vault = here.folder / "data" / "vault"
    for path in vault.glob("??/??/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"damaged under a good name: {path}"
    with reading(here.url) as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


class Verdicts:
    """What became of each disk that a cut left. One that lost something hides no other."""

    def __init__(self) -> None:
        self.disks = 0
        self.failures: list[str] = []

    @contextmanager
    def of(self, when: str) -> Iterator[None]:
        """Judge one disk."""
        self.disks += 1
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a store that does not open is a verdict, too
            self.failures.append(f"{when}: {error}"[:1000])

    def all_well(self, *, disks: int) -> None:
        """No disk has lost or doubled anything, and there were so many at least."""
        assert not self.failures, f"{len(self.failures)} of {self.disks} disks:\n" + "\n".join(self.failures)
        print(f"{self.disks} disks")  # noqa: T201 - pytest -rP shows it
        assert self.disks >= disks


def first(trace: Path, run: Callable[[], int], folder: Path) -> list[str]:
    """Where to cut a run, from one that is left alone."""
    assert run() == 0
    found = cuts(trace, folder)
    trace.unlink()
    return found


def test_P3_a_power_cut_at_any_sync_of_a_worker_leaves_what_an_undisturbed_one_does(  # noqa: N802 - the promise's name
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", some_deliveries)
    trace = tmp_path / "trace"

    def run(here: Scene, inject: str | None = None) -> int:
        child = children.start(here.folder, "work", "--until-idle", small=True)
        with traced(child, trace, inject=inject, only=TRACED):
            return children.ended(child)

    undisturbed = before.copy(tmp_path / "undisturbed")
    where = first(trace, lambda: run(undisturbed), undisturbed.folder)
    expected = undisturbed.ledger()
    states = [each[4] for each in expected["deliveries"]]
    assert states == ["duplicate", "quarantined", "partly_accepted", "partly_accepted"]

    verdicts = Verdicts()
    for inject in (*where, None):
        here = before.copy(tmp_path / "here")
        with lazy(here):
            assert run(here, inject) == (-signal.SIGKILL if inject else 0)
        with after_the_cut(here, before, trace) as left:
            for each, names in left:
                with verdicts.of(f"cut at {inject or 'the end'}, {names}"):
                    children.work(each.later().folder, small=True)
                    sound(each)
                    same(each.ledger(), expected, "afterwards")
    verdicts.all_well(disks=20)


def test_L1_a_power_cut_at_any_sync_of_a_collector_loses_and_doubles_nothing(  # noqa: N802
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", lambda _: None)
    load_or_create(before.folder / "data" / "hostkeys")
    inbox_of(before, "globex").joinpath("prices.csv").write_bytes(PRICES)
    if ALL:
        inbox_of(before, "acme").joinpath("orders.edi").write_bytes(ORDERS)
    trace = tmp_path / "trace"
    undisturbed = before.copy(tmp_path / "undisturbed")
    where = first(trace, lambda: collect(undisturbed, children, trace=trace, only=TRACED).status, undisturbed.folder)
    children.work(undisturbed.folder)
    expected = undisturbed.ledger()
    assert {each[4] for each in expected["deliveries"]} == {"partly_accepted"}

    killed, verdicts = 0, Verdicts()
    for inject in (*where, None):
        here = before.copy(tmp_path / "here")
        with lazy(here):
            killed += collect(here, children, trace=trace, inject=inject, only=TRACED).status == -signal.SIGKILL
        with after_the_cut(here, before, trace) as left:
            for each, names in left:
                with verdicts.of(f"cut at {inject or 'the end'}, {names}"):
                    sound(each)
                    assert not waiting(each) or collect(each, children).status == 0
                    children.work(each.folder)
                    sound(each)
                    same(each.ledger(), expected, "afterwards")
    verdicts.all_well(disks=20)
    assert killed > 8


class Sender:
    """A partner's client of the SFTP role of a scene, and what it was told."""

    def __init__(self, here: Scene, children: Nursery) -> None:
        self._port = free_port()
        here.set("sftp", f"127.0.0.1:{self._port}")
        self.child: Child = children.start(here.folder, "sftp")
        self.child.go()
        self.told = False

    def connect(self) -> None:
        """Log in, as soon as the server listens."""
        private, _ = key_pair()
        key = paramiko.Ed25519Key.from_private_key(io.StringIO(private.decode()))
        until = time.monotonic() + 30
        while True:
            with suppress(OSError):
                self._transport = paramiko.Transport(socket.create_connection(("127.0.0.1", self._port)))
                break
            assert time.monotonic() < until, self.child.said()
            time.sleep(0.02)
        self._transport.connect(username="globex", pkey=key)
        client = paramiko.SFTPClient.from_transport(self._transport)
        assert client is not None
        self._client = client

    def put(self, content: bytes, name: str) -> None:
        """Send a file; `told` says whether its closing was answered with OK."""
        with suppress(OSError, EOFError, paramiko.SSHException):
            file = self._client.open(f"/inbox/{name}", "w")
            file.set_pipelined(True)
            file.write(content)
            file.close()
            self.told = True

    def gone(self) -> None:
        """The connection ends."""
        self._transport.close()


def test_L1_a_file_whose_closing_was_answered_with_ok_survives_a_power_cut(  # noqa: N802
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", lambda _: None)
    load_or_create(before.folder / "data" / "hostkeys")
    inbox_of(before, "globex").joinpath("earlier.csv").write_bytes(PRICES + b"\n")
    assert collect(before, children).status == 0
    children.work(before.folder)  # a day that is not the first
    trace = tmp_path / "trace"

    def send(here: Scene, inject: str | None, *, until_collected: bool) -> tuple[int, bool]:
        sender = Sender(here, children)
        sender.connect()
        with attached(sender.child.pid, trace, inject=inject, only=TRACED):
            sender.put(PRICES, "prices.csv")
            until = time.monotonic() + 30
            while (inject or until_collected) and alive(sender.child) and waiting(here):
                assert time.monotonic() < until
                time.sleep(0.005)
            threading.Thread(target=sender.gone).start()
            sender.child.signal(signal.SIGTERM if until_collected else signal.SIGKILL)
            status = children.ended(sender.child)
        return status, sender.told

    undisturbed = before.copy(tmp_path / "undisturbed")
    where = first(trace, lambda: send(undisturbed, None, until_collected=True)[0], undisturbed.folder)
    where = where if ALL else where[:8]  # the rest is the collector's
    children.work(undisturbed.folder)
    expected = undisturbed.ledger()
    assert [each[4] for each in expected["deliveries"]] == ["partly_accepted"] * 2

    heard, verdicts = 0, Verdicts()
    for inject in (*where, None):
        here = before.copy(tmp_path / "here")
        with lazy(here):
            _, told = send(here, inject, until_collected=False)
        heard += told
        with after_the_cut(here, before, trace) as left:
            for each, names in left:
                heard_what = "heard OK" if told else "heard nothing"
                with verdicts.of(f"cut at {inject or 'OK'}, {names}, the sender {heard_what}"):
                    sound(each)
                    assert collected(each, children) == 2 or not told, "the file is gone"
                    if not told:
                        send_again(each, children)
                    children.work(each.folder)
                    sound(each)
                    same(once(each.ledger()), once(expected), "afterwards")
    assert heard >= 1, "no file was taken at all"
    verdicts.all_well(disks=12)


def send_again(here: Scene, children: Nursery) -> None:
    """Who has heard nothing sends again."""
    again = Sender(here, children)
    again.connect()
    again.put(PRICES, "prices.csv")
    assert again.told
    again.gone()
    again.child.signal(signal.SIGTERM)
    assert children.ended(again.child) == 0
    collected(here, children)


def collected(here: Scene, children: Nursery) -> int:
    """Take what waits; how many deliveries there are then."""
    if waiting(here):
        assert collect(here, children).status == 0
    with reading(here.url) as connection:
        return int(connection.execute(text("SELECT count(*) FROM delivery")).scalar_one())


def once(said: Ledger) -> Ledger:
    """A ledger without what a file that came twice adds to it: its row, and what is told of it."""
    kept = {kind: said[kind] for kind in ("documents", "records", "contracts", "changes")}
    deliveries = [each for each in said["deliveries"] if each[4] != "duplicate"]
    findings = [each for each in said["findings"] if each[2] != "delivery.duplicate"]
    return {"deliveries": deliveries, "findings": findings, **kept}


def test_X1_an_answer_that_was_sent_survives_a_power_cut_and_is_sent_once(  # noqa: N802
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", answered)
    trace = tmp_path / "trace"

    def run(here: Scene, inject: str | None) -> int:
        if inject is None:
            return send(here, children, trace=trace, only=TRACED).status
        here.set("sftp", f"127.0.0.1:{free_port()}")
        child = children.start(here.folder, "sftp")
        until = time.monotonic() + 10
        with traced(child, trace, inject=inject, only=TRACED):
            while alive(child) and time.monotonic() < until:  # nobody reads its store, who would sync it by closing it
                if outboxes(here) == kept(undisturbed):
                    until = min(until, time.monotonic() + 1)
                time.sleep(0.01)
            child.signal(signal.SIGTERM)
            return children.ended(child)

    undisturbed = before.copy(tmp_path / "undisturbed")
    assert run(undisturbed, None) == 0
    where = cuts(trace, undisturbed.folder, since="/outgoing/")
    expected = undisturbed.ledger()
    assert outboxes(undisturbed) == kept(undisturbed) != []

    killed, verdicts = 0, Verdicts()
    for inject in (*where, None):
        here = before.copy(tmp_path / "here")
        with lazy(here):
            killed += run(here, inject) == -signal.SIGKILL
        with after_the_cut(here, before, trace) as left:
            for each, names in left:
                with verdicts.of(f"cut at {inject or 'the end'}, {names}"):
                    if unsent(each):
                        assert send(each.later(), children).status == 0
                    sound(each)
                    assert outboxes(each) == kept(each)
                    same(each.ledger(), expected, "afterwards")
    verdicts.all_well(disks=20)
    assert killed > 8


def test_R2_an_upload_that_was_answered_survives_a_power_cut_and_counts_once(  # noqa: N802
    tmp_path: Path,
) -> None:
    before = scene(tmp_path / "before", "sqlite:", lambda _: None)
    token = key_of(before)
    trace = tmp_path / "trace"

    def upload(here: Scene, inject: str | None) -> dict[str, object] | None:
        api = Api(here, token)
        try:
            api.upload_until_answered(ORDERS, "first", seconds=120)
            with attached(api.worker(), trace, inject=inject, only=TRACED):
                answer = api.upload(ORDERS + b"\n", "second")
        finally:
            os.killpg(api.process.pid, signal.SIGKILL)  # all that it has started at once, and nobody starts another
            api.process.wait(30)
        return answer

    undisturbed = before.copy(tmp_path / "undisturbed")
    assert upload(undisturbed, None) is not None
    where = cuts(trace, undisturbed.folder)

    heard, verdicts = 0, Verdicts()
    for inject in (*where, None):
        here = before.copy(tmp_path / "here")
        with lazy(here):
            answer = upload(here, inject)
        heard += answer is not None
        with after_the_cut(here, before, trace) as left:
            for each, names in left:
                heard_what = "answered" if answer is not None else "not answered"
                with verdicts.of(f"cut at {inject or 'the answer'}, {names}, {heard_what}"):
                    sound(each)
                    asked_again(each, token, answer)
                    sizes = [row[6] for row in each.ledger()["deliveries"]]
                    assert sorted(sizes) == [len(ORDERS), len(ORDERS) + 1]
    verdicts.all_well(disks=6)
    assert heard >= 1


def asked_again(here: Scene, token: str, answer: dict[str, object] | None) -> None:
    """What was answered is there, byte for byte; the same request with its key hears the same, or is done now."""
    with reopened(here.folder) as place:
        if answer is not None:
            assert place.raw(str(answer["id"])) == ORDERS + b"\n"
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "second"}
        again = place.ask(PATH, "POST", data=ORDERS + b"\n", headers=headers)
        assert again.status_code in (201, 202), again.get_data(as_text=True)
        assert answer is None or (again.json or {})["id"] == answer["id"]
