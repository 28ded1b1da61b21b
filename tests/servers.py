"""Real servers for the tests, from Debian packages: started in temporary folders on free ports, and stopped."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def free_port() -> int:
    """A port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def postgresql_missing() -> str | None:
    """Why a PostgreSQL server cannot be had here; None when it can."""
    if _postgresql_bin() is None:
        return "no PostgreSQL server programs; install the Debian package postgresql"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL refuses to run as root and there is no user postgres"
    return None


@contextmanager
def postgresql(*, settings: tuple[str, ...] = ("fsync=off",)) -> Iterator[str]:
    """A PostgreSQL server of our own in a folder of its own; yields its address. As root it runs as user postgres."""
    with postgresql_program(settings=settings) as (address, serve, log):
        process = serve()
        try:
            _wait_for_postgresql(address, process, log)
            yield address
        finally:
            process.send_signal(signal.SIGQUIT)  # "immediate": nobody needs the data any more
            process.wait(30)


@contextmanager
def postgresql_program(
    *, settings: tuple[str, ...] = ("fsync=off",)
) -> Iterator[tuple[str, Callable[[], subprocess.Popen[bytes]], Path]]:
    """The data of a PostgreSQL server for a while: its address, what starts its process, and its log."""
    programs = _postgresql_bin()
    assert programs is not None
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgresql-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    try:
        data = folder / "data"
        make = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run([*make, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, timeout=120, cwd="/", **user)
        port = free_port()
        serve = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
        command = [*serve, *(part for each in settings for part in ("-c", each))]

        def start() -> subprocess.Popen[bytes]:
            with (folder / "log").open("ab") as log:
                return subprocess.Popen(command, stderr=log, cwd="/", **user)

        yield f"postgresql://postgres@127.0.0.1:{port}/postgres", start, folder / "log"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_postgresql(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server takes connections; a connection that is refused is the only event it offers."""
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")


def _postgresql_bin() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
