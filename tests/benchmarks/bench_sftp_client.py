"""Our SFTP client beside OpenSSH's: one large file fetched and sent, same server, same cipher, in turn.

Logging in is part of each run on both sides. Ours hashes what passes, OpenSSH's does not.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sftp.client import connect
from sftp.transfer import fetch, send
from tests.benchmarks.harness import figure, paired
from tests.sftp.partner_server import missing, partner_server

if TYPE_CHECKING:
    from tests.sftp.partner_server import PartnerServer

_MEGABYTES = 256
_RUNS = 5
_AIM = 0.8


def measure() -> list[dict[str, Any]]:
    """Megabytes in a second, and the ratio to OpenSSH's sftp."""
    reason = missing()
    if reason is not None:
        return [figure(f"client: missing ({reason})", 0.0, "")]
    results = []
    with tempfile.TemporaryDirectory() as name, partner_server(Path(name) / "sshd") as server:
        folder = Path(name)
        big = server.put("big.bin", b"")
        with big.open("wb") as file:
            for number in range(_MEGABYTES):
                file.write(number.to_bytes(2, "big") * (1 << 19))
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_text(server.key)
        _get(server, big, folder)  # the first one warms the file's pages
        for what, ours, theirs in (
            (
                "fetch",
                lambda: _get(server, big, folder),
                lambda: _openssh(server, folder, f"get {big} {folder}/theirs"),
            ),
            ("send", lambda: _put(server, big), lambda: _openssh(server, folder, f"put {big} {server.root}/theirs")),
        ):
            speed, _, ratio = paired(ours, theirs, _RUNS)
            results.append(
                figure(
                    f"client: {what} one file of {_MEGABYTES} MB, with SHA-256", speed, "MB/s", _RUNS,
                    against="OpenSSH's sftp", ratio=ratio, aim=f"≥ {_AIM}", met=ratio >= _AIM,
                )
            )  # fmt: skip
    return results


def _get(server: PartnerServer, big: Path, folder: Path) -> float:
    (folder / "ours").unlink(missing_ok=True)
    began = time.perf_counter()
    with connect(server.where) as client, (folder / "ours").open("a+b") as part:
        found = client.stat(str(big))
        assert found is not None
        fetch(client, str(big), found, part)
    return _MEGABYTES / (time.perf_counter() - began)


def _put(server: PartnerServer, big: Path) -> float:
    began = time.perf_counter()
    with connect(server.where) as client, big.open("rb") as content:
        send(client, f"{server.root}/ours", content, big.stat().st_size)
    return _MEGABYTES / (time.perf_counter() - began)


def _openssh(server: PartnerServer, folder: Path, command: str) -> float:
    options = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={folder}/known", "Ciphers=aes128-gcm@openssh.com")
    began = time.perf_counter()
    subprocess.run(
        ["sftp", "-q", "-b", "-", "-i", str(folder / "key"), "-P", str(server.where.port)]
        + [part for option in options for part in ("-o", option)]
        + [f"{server.where.user}@127.0.0.1"],
        input=command + "\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    return _MEGABYTES / (time.perf_counter() - began)
