"""The web role: the REST application behind granian."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import threading
import time
from functools import partial
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from gateway.errors import Stop
from gateway.operate import connections
from gateway.operate.credentials import resolved
from gateway.operate.exchange.hostkeys import fingerprints
from gateway.operate.garbage import pass_over_what_is_loaded
from gateway.operate.tables.sources import sources
from gateway.operate.wiring import Gateway, open_gateway, utc_now
from gateway.serve.app import create_app
from gateway.serve.limits import Policy
from gateway.serve.services import Services
from gateway.store import shared
from gateway.store.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from adapters.protocol import Source

THREADS = 64
"""A slow source of live tables may hold some; 32 more take some 10 MB of memory, and no time that could be measured."""
_END_SECONDS = 5
# granian copies the environment into every WSGI environ, so that a variable HTTP_X would look like a header and a
# secret would stand in every debug page: only what the system's libraries and libpq read is kept.
_KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV"),
    *("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_EC2_METADATA_DISABLED"),
    *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),  # whose word is taken for who an issuer of tokens is
    *("LD_LIBRARY_PATH", "ODBCSYSINI", "ODBCINI", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICEFILE"),
)

# What boto3 reads once, when the vault is opened.
_WHILE_OPENING = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"),
)


def serve(
    folder: Path, *, address: str, begin: Callable[[], None] = lambda: None, come_up: Callable[[], None] = lambda: None
) -> None:
    """Serve the workspace's API until a signal ends this process.

    `begin` is called in the process that serves when it has all that it needs, `come_up` when it listens.

    Raises:
        Stop: the port is in use.
    """
    host, _, port = address.rpartition(":")
    _check_free(host, int(port))
    while_opening = {name: os.environ[name] for name in _WHILE_OPENING if name in os.environ}
    for name in set(os.environ) - set(_KEPT):
        del os.environ[name]
    server = Granian(
        "gateway",
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        backpressure=1024,
        respawn_failed_workers=True,
        workers_kill_timeout=_END_SECONDS,  # a follower's open connection must not keep a process
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(_serving, folder, while_opening, (begin, come_up), int(port)), wrap_loader=False)


def _serving(
    folder: Path, while_opening: Mapping[str, str], told: tuple[Callable[[], None], Callable[[], None]], port: int
) -> Callable[..., Any]:
    """What a serving process begins with."""
    _end_with_parent()
    serving = load(folder, while_opening, _told_to_end(), port)
    begin, come_up = told
    begin()
    connections.leave_stalled(port, listening=come_up)  # not before: whoever is told may connect at once
    pass_over_what_is_loaded()
    return serving


def _told_to_end() -> threading.Event:
    """An event that is set by the signals that end this process, whoever handles them: whoever follows lets go then."""
    ending = threading.Event()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno())

    def wait() -> None:
        with theirs, ours:
            while True:
                if ours.recv(1)[0] in (signal.SIGTERM, signal.SIGINT):
                    ending.set()

    threading.Thread(target=wait, name="ending", daemon=True).start()
    return ending


def _end_with_parent() -> None:
    """Let this process end when the one that started it is gone, however it went: nobody else would end it."""
    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_END_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def load(
    folder: Path,
    while_opening: Mapping[str, str] | None = None,
    ending: threading.Event | None = None,
    port: int | None = None,
) -> Callable[..., Any]:
    """The WSGI application of a workspace, made in the process that serves it.

    `while_opening` is added to the environment until the gateway is open, and stands in no WSGI environ. Followers are
    let go when `ending` is set. `port` is where it is served.
    """
    os.environ.update(while_opening or {})
    try:
        return application(open_gateway(folder), ending, port)
    finally:
        for name in while_opening or ():
            del os.environ[name]


def application(gateway: Gateway, ending: threading.Event | None = None, port: int | None = None) -> Callable[..., Any]:
    """The WSGI application of an open gateway. Followers are let go when `ending` is set.

    Where it is known at which `port` it is served, bodies that do not come lose their connections.
    """
    ending = ending or threading.Event()
    return create_app(
        Services(
            database=gateway.database,
            vault=gateway.vault,
            receiver=gateway.receiver,
            configuration=gateway.in_force.configuration,
            sources=_Sources(gateway),
            new_id=gateway.ids.new,
            now=utc_now,
            wait=_Waiter(gateway, ending),
            ending=ending.is_set,
            cursor_secret=cursor_secret(gateway),
            routes_of=gateway.in_force.of,
            exports_max=gateway.settings.exports_max,
            limits=Policy(gateway.settings.requests_per_minute),
            ticks=time.monotonic,
            hot_lane=gateway.settings.hot_lane,
            secret=lambda reference: resolved(reference, gateway.folder),
            host_keys=partial(fingerprints, gateway.folder),
            abandon=lambda peer, seconds: port is not None and connections.abandon(port, peer, seconds),
        )
    )


class _Sources:
    """The databases of the revision in force, opened once and kept until another revision names them."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._revision: str | None = None
        self._open: Mapping[str, Source] = {}

    def __call__(self) -> Mapping[str, Source]:
        configuration = self._gateway.in_force.configuration()
        gone: Mapping[str, Source] = {}
        with self._lock:
            if configuration.revision != self._revision:
                gone, self._open = self._open, sources(self._gateway, configuration)
                self._revision = configuration.revision
            now = self._open
        for source in gone.values():
            source.close()  # requests may still be reading from it; their connections end with the last of them
        return now


class _Waiter:
    """Waits for a commit: one bell for all threads that follow."""

    def __init__(self, gateway: Gateway, ending: threading.Event) -> None:
        self._bell = Bell(gateway.database)
        self._ending = ending

    def __call__(self, seconds: float) -> None:
        self._bell.wait(seconds, self._ending)


def cursor_secret(gateway: Gateway) -> bytes:
    """The secret that authenticates cursors: one for all machines on the store, so that each reads those of another."""
    return hashlib.sha256(shared.secret(gateway.database, "cursors", lambda: secrets.token_bytes(32))).digest()


def _check_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Stop(
                f"the API cannot listen on {host}:{port}: {error.strerror}",
                "Stop the program that uses the port, or change http: in gateway.yaml",
            ) from error
