"""The demo's workspace: configuration, keys, a small legacy database, and the files that partners will drop."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.connections import driver_manager
from gateway.errors import Stop

_HERE = Path(__file__).parent
_UNPACKED = Path(".cache/odbc")  # where the package's files lie when apt may download but not install
DROPS = (
    ("acme", "acme-orders.edi"),
    ("northwind", "northwind-orders.edi"),
    ("globex", "globex-prices.csv"),
    ("initech", "initech-invoice.xml"),
)
"""Which partner drops which of the samples."""


@dataclass(frozen=True, slots=True)
class DemoWorkspace:
    """Where the demo's workspace is and how to reach what runs in it."""

    folder: Path
    http: str
    sftp_port: int
    key_file: Path

    @property
    def log(self) -> Path:
        """Where the processes of the demo write what they say."""
        return self.folder / "gateway.log"

    @property
    def samples(self) -> Path:
        """Where the files lie that partners drop."""
        return self.folder / "samples"


def make(folder: Path) -> DemoWorkspace:
    """Write the demo's workspace into `folder`.

    Raises:
        Stop: the folder has something in it, or there is no ODBC driver for SQLite.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Stop(f"{folder} is not empty", "Name a folder that is new or empty")
    driver = sqlite_driver()
    http_port, sftp_port = _free_ports()
    shutil.copytree(_HERE / "samples", folder / "samples")
    public = _make_key(folder / "demo_key")
    filled = {
        "{http}": f"127.0.0.1:{http_port}",
        "{sftp}": f"127.0.0.1:{sftp_port}",
        "{key}": public,
        "{driver}": driver,
        "{{workspace}}": "{workspace}",
    }
    for template in sorted((_HERE / "workspace").rglob("*")):
        if template.is_file():
            target = folder / template.relative_to(_HERE / "workspace")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = template.read_text(encoding="utf-8")
            for name, value in filled.items():
                text = text.replace(name, value)
            target.write_text(text, encoding="utf-8")
    _make_legacy_database(folder / "legacy" / "erp.db")
    return DemoWorkspace(folder, f"http://127.0.0.1:{http_port}", sftp_port, folder / "demo_key")


def sqlite_driver() -> str:
    """The ODBC driver for SQLite: its name where it is registered, else the path of its library.

    Raises:
        Stop: there is none.
        adapters.errors.Stop: there is no driver manager.
    """
    if "SQLite3" in driver_manager().drivers():
        return "SQLite3"
    for root in (Path("/"), _UNPACKED.resolve()):
        found = sorted(root.glob("usr/lib/*/odbc/libsqlite3odbc.so"))
        if found:
            return str(found[0])
    raise Stop(
        "there is no ODBC driver for SQLite, which the demo's legacy database needs",
        "Install it: sudo apt-get install libsqliteodbc",
    )


def _make_key(path: Path) -> str:
    """A key pair for the demo's partners; returns the public key in OpenSSH's one-line form."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)
    key = paramiko.Ed25519Key.from_private_key_file(str(path))
    return f"{key.get_name()} {key.get_base64()} demo"


def _make_legacy_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript((_HERE / "legacy.sql").read_text(encoding="utf-8"))


def _free_ports() -> tuple[int, int]:
    """Two ports of the loopback address that are free now."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]
