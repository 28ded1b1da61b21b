"""kill -9 of the SFTP role in the middle of an upload: whatever the sender does then, one whole file counts (L3).

The store plays no part until a file was taken, and tests of both stores kill that: here one store is enough.
"""

from __future__ import annotations

import io
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
import pytest

from sftp.hostkeys import load_or_create
from tests.acceptance.children import prices
from tests.acceptance.workspaces import key_pair
from tests.faults.injection import attached, calls_of, missing
from tests.faults.ledger import same
from tests.faults.roles import SECONDS_MAX, alive, waiting
from tests.faults.scenes import ALL, scene
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.injection import Call
    from tests.faults.nursery import Child, Nursery
    from tests.faults.scenes import Scene

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
CONTENT = prices(4_000)
NAME = "/inbox/prices.csv"
BROKEN = (OSError, EOFError, paramiko.SSHException)


def started(here: Scene, children: Nursery) -> tuple[Child, int]:
    """The SFTP role, when it listens, and its port."""
    port = free_port()
    here.set("sftp", f"127.0.0.1:{port}")
    child = children.start(here.folder, "sftp")
    child.go()
    until = time.monotonic() + SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX).close()
        except OSError:
            assert alive(child), child.said()
            assert time.monotonic() < until, child.said()
            time.sleep(0.01)
        else:
            return child, port


@contextmanager
def client(port: int) -> Iterator[paramiko.SFTPClient]:
    """A partner's client."""
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(key_pair()[0].decode()))
    with paramiko.Transport(("127.0.0.1", port)) as transport:
        transport.connect(username="globex", pkey=key)
        found = paramiko.SFTPClient.from_transport(transport)
        assert found is not None
        channel = found.get_channel()
        assert channel is not None
        channel.settimeout(SECONDS_MAX)
        yield found


def send(sender: paramiko.SFTPClient, *, resume: bool = False) -> None:
    """Send the file, or what of it is not there yet; an answer to the close was heard when this returns."""
    there = 0
    if resume:
        try:
            there = sender.stat(NAME).st_size or 0
        except FileNotFoundError:
            there = 0
    with sender.open(NAME, "ab" if there else "wb") as file:
        file.set_pipelined(pipelined=True)
        file.write(CONTENT[there:])


def sent(here: Scene, children: Nursery, trace: Path, inject: str | None = None) -> tuple[bool, int]:
    """Send the file to a role that may be killed meanwhile: whether the sender heard OK, and how the role ended."""
    child, port = started(here, children)
    heard = False
    try:
        with client(port) as sender, attached(child.pid, trace, inject=inject):
            try:
                send(sender)
                heard = True
            except BROKEN:
                pass
            taken(here, child)
    except BROKEN:  # of a client that says goodbye to somebody who is gone
        pass
    child.signal(signal.SIGTERM)
    return heard, children.ended(child)


def taken(here: Scene, child: Child) -> None:
    """Return when nothing waits to be taken, or nobody is left to take it."""
    until = time.monotonic() + SECONDS_MAX
    while waiting(here) and alive(child):
        assert time.monotonic() < until, child.said()
        time.sleep(0.01)


def chosen(calls: list[Call]) -> list[Call]:
    """Some of the writes, each step of the close, and the answers around it."""
    writes = [call for call in calls if (call.name, call.what) == ("pwrite64", "stage")]
    closing = [call for call in calls if call.what in ("stage", "inbox") and call.name != "pwrite64"]
    answers = [call for call in calls if call.name == "sendto" and call.thread == writes[0].thread]
    assert len(writes) > 4
    assert {"fsync", "rename"} <= {call.name.removesuffix("at") for call in closing}
    if ALL:
        return [*writes, *closing, *answers]
    return [writes[0], writes[len(writes) // 2], writes[-1], *closing, *answers[-2:]]


def test_L3_an_upload_whose_server_is_killed_is_taken_once_and_whole(  # noqa: N802 - the promise's name
    tmp_path: Path, children: Nursery
) -> None:
    before = scene(tmp_path / "before", "sqlite:", lambda _: None)
    load_or_create(before.folder / "data" / "hostkeys")
    undisturbed = before.copy(tmp_path / "undisturbed")
    assert sent(undisturbed, children, tmp_path / "trace") == (True, 0)
    calls = calls_of(tmp_path / "trace")
    children.work(undisturbed.folder)
    expected = undisturbed.ledger()
    assert [each[4] for each in expected["deliveries"]] == ["accepted"]

    killed = 0
    for number, call in enumerate(chosen(calls)):
        here = before.copy(tmp_path / "here")
        inject = f"{call.name}:signal=KILL:when={call.nth}"
        heard, status = sent(here, children, tmp_path / "trace", inject)
        killed += status == -signal.SIGKILL
        told = f"killed at {call}, {'OK' if heard else 'no answer'} was heard"

        child, port = started(here, children)
        taken(here, child)
        if not heard:
            sizes = [each[6] for each in here.ledger()["deliveries"]]
            assert sizes in ([], [len(CONTENT)]), told  # what nobody said OK to is taken whole or not at all
            with client(port) as sender:
                send(sender, resume=number % 2 == 0)
            taken(here, child)
        child.signal(signal.SIGTERM)
        assert children.ended(child) == 0, child.said()
        children.work(here.folder)
        said = here.ledger()
        states = sorted(each[4] for each in said["deliveries"])
        assert states in (["accepted"], ["accepted", "duplicate"]), told
        assert len({each[5] for each in said["deliveries"]}) == 1, told
        if len(states) == 1:
            same(said, expected, told)
        assert said["records"] == expected["records"], told
        here.remove()
    assert killed > 5
