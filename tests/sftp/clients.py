"""The clients that partners use, each behind the same five verbs; every one checks our host key."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Protocol

from sftp.testing import HOST, DropBox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_SECONDS_MAX = 60


class Client(Protocol):
    """What a partner does. `resume` goes on with what lies in /inbox of the file."""

    def put(self, local: Path, remote: str) -> None: ...
    def resume(self, local: Path, remote: str) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def list(self, folder: str) -> str: ...
    def get(self, remote: str, local: Path) -> None: ...


class Failed(Exception):
    """The client said that it failed; the message is all that it printed."""


def run(command: list[str], *, given: str | None = None, env: dict[str, str] | None = None) -> str:
    """What a program prints.

    Raises:
        Failed: its status is not 0.
    """
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
        env={**os.environ, "HOME": "/nonexistent", **(env or {})},
    )
    if done.returncode:
        raise Failed(f"{command[0]}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def ssh_options(box: DropBox) -> list[str]:
    return [
        *("-F", "/dev/null", "-i", str(box.key_file), "-o", f"UserKnownHostsFile={box.known_hosts}"),
        *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
    ]


class OpenSSH:
    """``sftp``."""

    def __init__(self, box: DropBox) -> None:
        self._command = ["sftp", "-q", *ssh_options(box), "-P", str(box.server.port), "-b", "-", f"acme@{HOST}"]

    def put(self, local: Path, remote: str) -> None:
        run(self._command, given=f"put {local} {remote}\n")

    def resume(self, local: Path, remote: str) -> None:
        run(self._command, given=f"reput {local} {remote}\n")

    def rename(self, old: str, new: str) -> None:
        run(self._command, given=f"rename {old} {new}\n")

    def list(self, folder: str) -> str:
        return run(self._command, given=f"ls -l {folder}\n")

    def get(self, remote: str, local: Path) -> None:
        run(self._command, given=f"get {remote} {local}\n")


class OpenSSHScp:
    """``scp -s``: scp of OpenSSH 9 speaks SFTP; it can neither resume, rename nor list."""

    def __init__(self, box: DropBox) -> None:
        self._command = ["scp", "-q", "-s", *ssh_options(box), "-P", str(box.server.port)]

    def put(self, local: Path, remote: str) -> None:
        run([*self._command, "-p", str(local), f"acme@{HOST}:{remote}"])

    def resume(self, local: Path, remote: str) -> None:
        self.put(local, remote)  # it sends the whole file anew, over what was left

    def rename(self, old: str, new: str) -> None:
        raise NotImplementedError

    def list(self, folder: str) -> str:
        raise NotImplementedError

    def get(self, remote: str, local: Path) -> None:
        run([*self._command, f"acme@{HOST}:{remote}", str(local)])


class Lftp:
    """``lftp``, which resumes by ``-c`` and may upload under a temporary name."""

    def __init__(self, box: DropBox) -> None:
        connect = " ".join(["ssh", "-a", "-x", *ssh_options(box)])
        self._begin = (
            f'set sftp:connect-program "{connect}"; set cmd:fail-exit yes; set net:max-retries 1;'
            f" open -u acme, sftp://{HOST}:{box.server.port};"
        )

    def _run(self, command: str) -> str:
        return run(["lftp", "--norc", "-c", f"{self._begin} {command}"])

    def put(self, local: Path, remote: str) -> None:
        self._run(f"set xfer:use-temp-file yes; put {local} -o {remote}")

    def resume(self, local: Path, remote: str) -> None:
        self._run(f"put -c {local} -o {remote}")

    def rename(self, old: str, new: str) -> None:
        self._run(f"mv {old} {new}")

    def list(self, folder: str) -> str:
        return self._run(f"cls -l {folder}/")

    def get(self, remote: str, local: Path) -> None:
        self._run(f"get {remote} -o {local}")


class Psftp:
    """``psftp`` of PuTTY, whose code is that of WinSCP and of FileZilla too."""

    def __init__(self, box: DropBox) -> None:
        key = box.root / "acme.ppk"
        if not key.exists():
            run(["puttygen", str(box.key_file), "-o", str(key), "-O", "private"])
        self._command = ["psftp", "-batch", "-i", str(key), "-hostkey", box.server.hostkeys[0].fingerprint]
        self._command += ["-P", str(box.server.port), "-b", "/dev/stdin", f"acme@{HOST}"]
        self._home = {"HOME": str(box.root)}

    def _run(self, command: str) -> str:
        return run(self._command, given=f"{command}\n", env=self._home)

    def put(self, local: Path, remote: str) -> None:
        self._run(f"put {local} {remote}")

    def resume(self, local: Path, remote: str) -> None:
        self._run(f"reput {local} {remote}")

    def rename(self, old: str, new: str) -> None:
        self._run(f"mv {old} {new}")

    def list(self, folder: str) -> str:
        return self._run(f"ls {folder}")

    def get(self, remote: str, local: Path) -> None:
        self._run(f"get {remote} {local}")


class Rclone:
    """``rclone``, which cannot resume: it sends the whole file anew."""

    def __init__(self, box: DropBox) -> None:
        self._env = {
            "RCLONE_CONFIG": "",
            "RCLONE_SFTP_HOST": HOST,
            "RCLONE_SFTP_USER": "acme",
            "RCLONE_SFTP_PORT": str(box.server.port),
            "RCLONE_SFTP_KEY_FILE": str(box.key_file),
            "RCLONE_SFTP_KNOWN_HOSTS_FILE": str(box.known_hosts),
            "RCLONE_SFTP_SHELL_TYPE": "none",
        }

    def _run(self, *arguments: str) -> str:
        return run(["rclone", "--retries", "1", *arguments], env=self._env)

    def put(self, local: Path, remote: str) -> None:
        self._run("copyto", str(local), f":sftp:{remote}")

    def resume(self, local: Path, remote: str) -> None:
        self._run("copyto", "--ignore-times", str(local), f":sftp:{remote}")

    def rename(self, old: str, new: str) -> None:
        self._run("moveto", f":sftp:{old}", f":sftp:{new}")

    def list(self, folder: str) -> str:
        return self._run("lsl", f":sftp:{folder}")

    def get(self, remote: str, local: Path) -> None:
        self._run("copyto", f":sftp:{remote}", str(local))


class Curl:
    """``curl`` with libssh2."""

    def __init__(self, box: DropBox) -> None:
        hostkey = box.server.hostkeys[0].fingerprint.removeprefix("SHA256:")
        self._url = f"sftp://{HOST}:{box.server.port}"
        self._options = ["-sS", "-u", "acme:", "--key", str(box.key_file), "--hostpubsha256", hostkey]

    def _run(self, *arguments: str) -> str:
        return run(["curl", *self._options, *arguments])

    def put(self, local: Path, remote: str) -> None:
        self._run("-T", str(local), self._url + remote)

    def resume(self, local: Path, remote: str) -> None:
        self._run("-C", "-", "-T", str(local), self._url + remote)

    def rename(self, old: str, new: str) -> None:
        self._run("-Q", f"rename {old} {new}", self._url + "/inbox/")

    def list(self, folder: str) -> str:
        return self._run(f"{self._url}{folder}/")

    def get(self, remote: str, local: Path) -> None:
        self._run(self._url + remote, "-o", str(local))


class Paramiko:
    """paramiko, as programs of partners use it."""

    def __init__(self, box: DropBox) -> None:
        self._box = box

    def put(self, local: Path, remote: str) -> None:
        with self._box.client() as client:
            client.put(str(local), remote)

    def resume(self, local: Path, remote: str) -> None:
        with self._box.client() as client, local.open("rb") as source:
            source.seek(client.stat(remote).st_size or 0)
            with client.open(remote, "ab") as file:
                file.set_pipelined(True)
                shutil.copyfileobj(source, file)

    def rename(self, old: str, new: str) -> None:
        with self._box.client() as client:
            client.rename(old, new)

    def list(self, folder: str) -> str:
        with self._box.client() as client:
            return "\n".join(f"{each.st_size} {each.filename}" for each in client.listdir_attr(folder))

    def get(self, remote: str, local: Path) -> None:
        with self._box.client() as client:
            client.get(remote, str(local))


class Asyncssh:
    """asyncssh, with many requests under way at a time."""

    def __init__(self, box: DropBox) -> None:
        self._box = box

    def _do(self, what: Callable[[Any], Awaitable[Any]]) -> Any:
        import asyncssh  # noqa: PLC0415 - without it the other clients are tested

        async def session() -> Any:
            connecting = asyncssh.connect(
                HOST,
                self._box.server.port,
                username="acme",
                client_keys=[str(self._box.key_file)],
                known_hosts=str(self._box.known_hosts),
                config=None,
                agent_path=None,
            )
            async with connecting as connection, connection.start_sftp_client() as client:
                return await what(client)

        return asyncio.run(asyncio.wait_for(session(), _SECONDS_MAX))

    def put(self, local: Path, remote: str) -> None:
        self._do(lambda client: client.put(str(local), remote, preserve=True))

    def resume(self, local: Path, remote: str) -> None:
        async def append(client: Any) -> None:
            have = await client.getsize(remote)
            async with client.open(remote, "ab") as file:
                await file.write(local.read_bytes()[have:])

        self._do(append)

    def rename(self, old: str, new: str) -> None:
        self._do(lambda client: client.posix_rename(old, new))

    def list(self, folder: str) -> str:
        async def lines(client: Any) -> str:
            return "\n".join(f"{each.attrs.size} {each.filename}" for each in await client.readdir(folder))

        return str(self._do(lines))

    def get(self, remote: str, local: Path) -> None:
        self._do(lambda client: client.get(remote, str(local)))


CLIENTS: dict[str, tuple[Callable[[DropBox], Client], str]] = {
    "sftp": (OpenSSH, "openssh-client"),
    "scp": (OpenSSHScp, "openssh-client"),
    "lftp": (Lftp, "lftp"),
    "psftp": (Psftp, "putty-tools"),
    "rclone": (Rclone, "rclone"),
    "curl": (Curl, "curl"),
    "paramiko": (Paramiko, ""),
    "asyncssh": (Asyncssh, "asyncssh"),
}


def missing(name: str) -> str | None:
    """Why a client cannot be used here, or None."""
    _, where = CLIENTS[name]
    if name == "asyncssh":
        return None if importlib.util.find_spec(name) else "asyncssh is missing: pip install -r requirements-test.txt"
    if not where:
        return None
    if shutil.which(name) is None or (name == "lftp" and shutil.which("ssh") is None):
        return f"{name} is missing: apt-get install {where}"
    if name == "curl" and "sftp" not in run(["curl", "-V"]):
        return "this curl was built without libssh2"
    return None
