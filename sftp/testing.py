"""An SFTP server and collector in this process, on a free port of the loopback address: for our tests and yours.

with dropbox(tmp_path) as box:
    with box.client() as client:
        client.put("orders.edi", "/inbox/orders.edi")
    [arrival] = box.received.wait(1)
"""

from __future__ import annotations

import functools
import itertools
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sftp.arrival import Arrival, drop_folder
from sftp.auth import Account, hash_password
from sftp.collect import Collector
from sftp.hostkeys import load_or_create
from sftp.quota import UNLIMITED, Quota
from sftp.server import Limits, Server
from sftp.wire import MODERN, Algorithms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sftp.activity import Activity

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60.0
"""Nothing that comes at all takes so long, on a machine that is busy otherwise."""


class Received:
    """Arrivals in memory. Set `fail` to an exception to have it raised instead."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.contents: dict[str, bytes] = {}
        self.fail: Exception | None = None
        self.attempts = 0
        self._changed = threading.Condition()

    def receive(self, arrival: Arrival) -> None:
        """Keep the arrival and its bytes, once per id."""
        with self._changed:
            self.attempts += 1
            self._changed.notify_all()
            if self.fail is not None:
                raise self.fail
            if arrival.id not in self.contents:
                self.contents[arrival.id] = arrival.path.read_bytes()
                self.arrivals.append(arrival)

    def wait(self, count: int, timeout_seconds: float = PATIENCE_SECONDS) -> list[Arrival]:
        """The arrivals, as soon as there are `count`."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.arrivals) >= count, timeout_seconds):
                raise TimeoutError(f"{len(self.arrivals)} of {count} arrivals came within {timeout_seconds} s")
            return list(self.arrivals)

    def wait_for_attempts(self, count: int, timeout_seconds: float = PATIENCE_SECONDS) -> None:
        """Return as soon as `receive` has been called `count` times, failing or not."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.attempts >= count, timeout_seconds):
                raise TimeoutError(f"{self.attempts} of {count} attempts came within {timeout_seconds} s")


class Told:
    """Activities in memory."""

    def __init__(self) -> None:
        self.activities: list[Activity] = []
        self._changed = threading.Condition()

    def __call__(self, activity: Activity) -> None:
        """Keep it."""
        with self._changed:
            self.activities.append(activity)
            self._changed.notify_all()

    def of(self, what: str) -> list[Activity]:
        """Those of one kind."""
        with self._changed:
            return [activity for activity in self.activities if activity.what == what]

    def wait(self, what: str, timeout_seconds: float = PATIENCE_SECONDS, *, name: str | None = None) -> Activity:
        """The first of one kind, and about the file `name` if one is given, as soon as there is one."""

        def found() -> Activity | None:
            of = (each for each in self.activities if each.what == what)
            return next((each for each in of if name is None or each.name == name), None)

        with self._changed:
            activity = self._changed.wait_for(found, timeout_seconds)
            if activity is None:
                raise TimeoutError(f"nothing was told of {what!r}, only of {[a.what for a in self.activities]}")
            return activity


@dataclass(frozen=True, slots=True)
class DropBox:
    """A running server and collector. `key_file` and `known_hosts` are for OpenSSH's own client."""

    root: Path
    server: Server
    collector: Collector
    received: Received
    told: Told
    key_file: Path
    known_hosts: Path
    accounts: dict[str, Account] = field(default_factory=dict)

    @contextmanager
    def client(self, user: str = "acme") -> Iterator[paramiko.SFTPClient]:
        """A logged-in client that has checked the host key."""
        with self.connected(user) as ssh, ssh.open_sftp() as sftp:
            yield sftp

    @contextmanager
    def connected(self, user: str = "acme", password: str | None = None) -> Iterator[paramiko.SSHClient]:
        """A logged-in connection, by key or by password."""
        with paramiko.SSHClient() as ssh:
            ssh.load_host_keys(str(self.known_hosts))
            ssh.connect(
                HOST,
                self.server.port,
                user,
                password=password,
                key_filename=None if password else str(self.key_file),
                allow_agent=False,
                look_for_keys=False,
            )
            yield ssh


def make_key(path: Path) -> str:
    """Make an Ed25519 key for a client in `path`; its public line in OpenSSH's form."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    public = paramiko.Ed25519Key.from_private_key_file(path)
    return f"{public.get_name()} {public.get_base64()}"


@functools.cache
def _hostkeys() -> tuple[paramiko.PKey, ...]:
    """Made once for the process: an RSA key takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        return tuple(load_or_create(Path(folder)))


@contextmanager
def dropbox(
    folder: Path,
    *,
    partners: Sequence[str] = ("acme",),
    password: str | None = None,
    quota: Quota = UNLIMITED,
    limits: Limits | None = None,
    algorithms: Algorithms = MODERN,
    partial_after_seconds: float = 900.0,
    collecting: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[DropBox]:
    """Run a server for `partners`, who all log in with the same key and perhaps password, and collect their files.

    With `collecting` False the collector stands still: uploads stay in the inbox, and ``collector.scan()`` is yours.
    The server's limits are measured by `monotonic`.
    """
    root, key_file, known_hosts = folder / "drops", folder / "client_key", folder / "known_hosts"
    line = make_key(key_file)
    hashed = hash_password(password) if password else None
    accounts = {partner: Account(partner, partner, (line,), hashed, quota=quota) for partner in partners}
    received, told, numbers = Received(), Told(), itertools.count(1)
    folders = [
        drop_folder(root, partner, test=test, partial_after_seconds=partial_after_seconds)
        for partner in partners
        for test in (False, True)
    ]
    collector = Collector(folders, received, new_id=lambda: f"a{next(numbers):06}", on_activity=told)
    server = Server(
        (HOST, 0),
        root=root,
        accounts=lambda: accounts,
        hostkeys=_hostkeys(),
        ring=collector.ring,
        log=told,
        limits=limits,
        algorithms=algorithms,
        monotonic=monotonic,
    )
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,), name="collector", daemon=True)
    server.start()
    lines = (f"[{HOST}]:{server.port} {key.get_name()} {key.get_base64()}\n" for key in server.hostkeys)
    known_hosts.write_text("".join(lines))
    if collecting:
        thread.start()
    try:
        yield DropBox(root, server, collector, received, told, key_file, known_hosts, accounts)
    finally:
        server.close()
        stop.set()
        collector.ring()
        if collecting:
            thread.join()
