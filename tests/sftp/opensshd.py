"""A real OpenSSH server on a free port, as docs/openssh.md says, with one partner in a chroot."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sftp.testing import PATIENCE_SECONDS, make_key
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = "/usr/sbin/sshd"
PARTNER, GROUP = "nobody", "nogroup"
"""The user as whom the partner logs in: one that each Debian has, so that none need be made."""
_RECIPE = Path(__file__).parents[2] / "docs" / "openssh.md"


def missing() -> str | None:
    """Why there can be no such server here, or None."""
    if not Path(SSHD).exists():
        return "there is no sshd: apt-get install openssh-server"
    if os.geteuid() != 0:
        return "sshd makes a chroot for root alone"
    if shutil.which("sftp") is None:
        return "there is no sftp: apt-get install openssh-client"
    return None


@dataclass(frozen=True, slots=True)
class OpenSsh:
    """A running server. `root` is the partner's chroot, with ``inbox`` and ``dev``."""

    root: Path
    port: int
    key: Path
    log: Path

    def command(self, *more: str) -> list[str]:
        """OpenSSH's own client, logged in without a question."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR")
        chosen = [part for option in options for part in ("-o", option)]
        return ["sftp", "-q", *chosen, "-i", str(self.key), "-P", str(self.port), *more, f"{PARTNER}@127.0.0.1"]

    def batch(self, *commands: str) -> subprocess.CompletedProcess[str]:
        """Run commands of a batch file in one session."""
        said = "\n".join(commands) + "\n"
        command = self.command("-b", "-")
        return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)


def recipe() -> str:
    """The lines of docs/openssh.md that go into sshd_config."""
    found = re.search(r"```\n(Subsystem sftp.*?)```", _RECIPE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def opensshd() -> Iterator[OpenSsh]:
    """Run a server with a fresh chroot. sshd wants all folders down to it to be root's: no temporary one will do."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/srv") as name:
        folder = Path(name)
        folder.chmod(0o755)
        root = folder / PARTNER
        for path, owner, mode in ((root, "root", 0o755), (root / "dev", "root", 0o755)):
            path.mkdir()
            shutil.chown(path, owner)
            path.chmod(mode)
        (root / "inbox").mkdir()
        shutil.chown(root / "inbox", PARTNER, "root")
        (root / "inbox").chmod(0o2770)
        key = folder / "partner_key"
        (folder / "authorized_keys").write_text(make_key(key) + "\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key")], check=True)
        config = folder / "sshd_config"
        lines = recipe().replace("Match Group partners", f"Match Group {GROUP}").replace("/srv/%u", f"{folder}/%u")
        lines = lines.replace("/etc/ssh/authorized_keys/%u", f"{folder}/authorized_keys")
        config.write_text(f"HostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n{lines}")
        port = free_port()
        log = folder / "log"
        with log.open("wb") as into:
            server = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config), "-p", str(port), "-o", "ListenAddress=127.0.0.1"], stderr=into
            )
        try:
            _wait(port, server, log)
            yield OpenSsh(root, port, key, log)
        finally:
            server.terminate()
            server.wait(PATIENCE_SECONDS)


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        else:
            return
