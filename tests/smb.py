"""A real SMB server, Debian's smbd, on a free port of the loopback address; its own client, and mounts through FUSE.

Linux has an SMB client in its kernel, which a container mostly lacks. smbnetfs shows a share through the client library
of Samba instead: told to keep nothing in memory, it makes a request to the server of each listing, rename and removal,
and says what the server says. It cannot append. (rclone 1.60 mounts shares as well, but shows a file under its new name
after a rename that the server has refused.)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_SMBD = "/usr/sbin/smbd"
_USER, _PASSWORD = "root", "a password"
_SHARE = "share"
_SECONDS_MAX = 60
_CONFIG = """\
[global]
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
disable spoolss = yes
load printers = no
passdb backend = smbpasswd:{state}/passwd
private dir = {state}
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log

[{share}]
path = {served}
read only = no
"""
_CLIENT = """\
auth "{user}" "{password}"
host {server} visible=true
smb_query_browsers "false"
stat_workaround_depth 0
time_step 1
log_file "{log}"
"""


def missing() -> str | None:
    """Why there can be no such server here, or no mount of it, or None."""
    if not Path(_SMBD).exists() or shutil.which("smbpasswd") is None:
        return "there is no smbd: apt-get install samba"
    if shutil.which("smbclient") is None:
        return "there is no smbclient: apt-get install smbclient"
    if shutil.which("smbnetfs") is None or shutil.which("fusermount3") is None:
        return "there is no smbnetfs: apt-get install smbnetfs"
    if not os.access("/dev/fuse", os.W_OK):
        return "there is no /dev/fuse"
    if os.geteuid() != 0:
        return "smbd serves its users for root alone"
    return None


@dataclass(frozen=True, slots=True)
class Smb:
    """A running server. `folder` is what it serves, as its own machine has it; `state` is its own."""

    folder: Path
    state: Path
    port: int

    def command(self, *more: str) -> list[str]:
        """Samba's own client, logged in, with the names of files as the mount has them."""
        share, login = f"//127.0.0.1/{_SHARE}", f"{_USER}%{_PASSWORD}"
        return ["smbclient", "-s", str(self._config), "-p", str(self.port), share, "-U", login, *more]

    def put(self, local: Path, name: str) -> None:
        """Send a file as another client of the share does."""
        subprocess.run(self.command("-c", f"put {local} {name}"), check=True, capture_output=True, timeout=_SECONDS_MAX)

    @contextmanager
    def having_open(self, name: str) -> Iterator[None]:
        """While another client has a file open, and has not said that it may be moved or removed meanwhile."""
        command = ["stdbuf", "-oL", *self.command()]  # what it says into a pipe it would keep back
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            client.stdin.write(f"open {name}\n".encode())
            while b"open file" not in (said := client.stdout.readline()):
                assert said, f"smbclient could not open {name}"
            yield
        finally:
            client.stdin.close()
            client.wait(_SECONDS_MAX)
            client.stdout.close()

    @contextmanager
    def mounted(self, at: Path) -> Iterator[Path]:
        """The served folder as a client of its own has it, below `at`."""
        at.mkdir()
        own = self.state / f"client-{at.name}"
        (own / ".smb").mkdir(parents=True)
        (own / ".smb" / "smb.conf").touch()
        config, log = own / ".smb" / "smbnetfs.conf", own / "log"
        config.touch(mode=0o600)  # it holds a password: smbnetfs reads no other
        config.write_text(_CLIENT.format(user=_USER, password=_PASSWORD, server=self._server, log=log))
        caches = "attr_timeout=0,entry_timeout=0,negative_timeout=0,ac_attr_timeout=0"
        mounting = subprocess.Popen(
            ["smbnetfs", str(at), "-f", "-o", f"config={config},{caches}"],
            env={**os.environ, "HOME": str(own)}, start_new_session=True,
        )  # fmt: skip
        share = at / self._server / _SHARE
        try:
            until = time.monotonic() + _SECONDS_MAX
            while not (os.path.ismount(at) and share.is_dir() and os.access(share, os.R_OK)):
                assert mounting.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.02)
            yield share
        finally:
            subprocess.run(["fusermount3", "-u", "-z", str(at)], check=False)
            with suppress(ProcessLookupError):
                os.killpg(mounting.pid, signal.SIGTERM)  # with the processes that ask for it
            mounting.wait(_SECONDS_MAX)

    @property
    def _server(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _config(self) -> Path:
        return self.state / "smb.conf"


@contextmanager
def smb(folder: Path) -> Iterator[Smb]:
    """Run a server for a folder, which is made; its sockets want a short path, so its state has a folder of its own."""
    folder.mkdir()
    with tempfile.TemporaryDirectory() as name:
        state, port = Path(name), free_port()
        config = state / "smb.conf"
        config.write_text(_CONFIG.format(port=port, state=state, share=_SHARE, served=folder))
        subprocess.run(
            ["smbpasswd", "-c", str(config), "-L", "-s", "-a", _USER],
            input=f"{_PASSWORD}\n{_PASSWORD}\n", text=True, check=True, capture_output=True, timeout=_SECONDS_MAX,
        )  # fmt: skip
        with (state / "said").open("wb") as said:
            server = subprocess.Popen(
                [_SMBD, "-F", "--no-process-group", "-s", str(config), "-l", str(state)],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        one = Smb(folder, state, port)
        try:
            until = time.monotonic() + _SECONDS_MAX
            while subprocess.run(one.command("-c", "ls"), check=False, capture_output=True).returncode:
                assert server.poll() is None, (state / "said").read_text()
                assert time.monotonic() < until, (state / "said").read_text()
                time.sleep(0.05)
            yield one
        finally:
            os.killpg(server.pid, signal.SIGTERM)  # with the process that it has for each connection
            server.wait(_SECONDS_MAX)
