"""A partner's SFTP server for the tests: OpenSSH's sshd on a free port, with a folder and a user of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sftp.client import Remote
from sftp.testing import make_key
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60.0
_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def missing() -> str | None:
    """Why no sshd can be had here; None when it can."""
    if _SSHD is None or shutil.which("ssh-keygen") is None:
        return "no sshd; install the Debian package openssh-server"
    return None


@dataclass(slots=True)
class PartnerServer:
    """A running sshd: `root` is the folder in which partners' files lie, `where` how it is reached."""

    root: Path
    where: Remote
    fingerprints: dict[str, str]
    """By the kind of the key: ed25519, ecdsa, rsa."""
    key: str
    process: subprocess.Popen[bytes]
    command: list[str]

    def put(self, name: str, content: bytes, *, modified: int = 1_700_000_000) -> Path:
        """A file of the partner's, of that age."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (modified, modified))
        return path

    def session(self) -> int:
        """The process of the newest session."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                found[int(path.parent.name)] = int(fields[1])
        newest = self.process.pid
        while children := [pid for pid, parent in found.items() if parent == newest]:
            newest = max(children)
        return newest

    def stop(self) -> None:
        """End the server, and its sessions."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_SECONDS)

    def start(self) -> None:
        """Serve again, on the same port."""
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        _wait(self.where.port, self.process)


@contextmanager
def partner_server(folder: Path, *lines: str) -> Iterator[PartnerServer]:
    """An sshd whose configuration has these `lines`, too; the folder is made."""
    assert _SSHD is not None
    root = folder / "root"
    root.mkdir(parents=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    fingerprints = {}
    for kind in ("ed25519", "ecdsa", "rsa"):
        path = folder / f"host_{kind}"
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True, timeout=60)
        told = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True, timeout=60)
        fingerprints[kind] = told.stdout.split()[1]
    key = folder / "client"
    (folder / "authorized").write_text(make_key(key) + "\n")
    port = free_port()
    config = folder / "sshd_config"
    config.write_text(
        "\n".join(
            (
                *lines,
                f"Port {port}",
                "ListenAddress 127.0.0.1",
                *(f"HostKey {folder}/host_{kind}" for kind in fingerprints),
                f"AuthorizedKeysFile {folder}/authorized",
                "PidFile none",
                "StrictModes no",
                "UsePAM no",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                "MaxStartups 100",
                f"Subsystem sftp internal-sftp -d {root}",
                "",
            )
        )
    )
    command = [_SSHD, "-D", "-e", "-f", str(config)]
    where = Remote(
        "127.0.0.1",
        port,
        getpass.getuser(),
        fingerprints=(fingerprints["ed25519"],),
        key=key.read_text(),
        connect_seconds=60.0,
        silence_seconds=10.0,
    )
    server = PartnerServer(
        root, where, fingerprints, key.read_text(), subprocess.Popen(command, stderr=subprocess.DEVNULL), command
    )
    try:
        _wait(port, server.process)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when the server listens; a connection that is refused is the only event it offers."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("sshd did not start")


def with_fingerprints(where: Remote, *fingerprints: str) -> Remote:
    """The same server, with other keys pinned."""
    return replace(where, fingerprints=fingerprints)
