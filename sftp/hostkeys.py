"""The server's own keys: made once, kept, and shown as fingerprints."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sftp.errors import Stop
from sftp.folders import sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_RSA_BITS = 3072  # 128 bits of strength, NIST SP 800-57


def _ed25519() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _rsa() -> bytes:
    key = generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


_KINDS: tuple[tuple[str, Callable[[], bytes], type[paramiko.PKey]], ...] = (
    ("ssh_host_ed25519_key", _ed25519, paramiko.Ed25519Key),
    ("ssh_host_rsa_key", _rsa, paramiko.RSAKey),
)


def load_or_create(folder: Path) -> list[paramiko.PKey]:
    """The host keys in `folder`, an Ed25519 and an RSA-3072 one; whichever is missing is made and kept.

    Raises:
        Stop: when a key file may be read by others than its owner, or holds no readable key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, make, _ in _KINDS:
        if not (folder / name).exists():
            _keep(folder, name, make())
    return [_load(folder / name, kind) for name, _, kind in _KINDS]


def fingerprint(key: paramiko.PKey) -> str:
    """What `ssh-keygen -l` shows: ``SHA256:`` and the hash of the public key in base64."""
    return key.fingerprint


def _keep(folder: Path, name: str, pem: bytes) -> None:
    """Write a key so that it is there whole or not at all; a process that is a moment earlier wins."""
    draft = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, folder / name)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    sync(folder)


def _load(path: Path, kind: type[paramiko.PKey]) -> paramiko.PKey:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Stop(f"the host key {path} can be read by others (mode {mode:04o})", f"Run: chmod 600 {path}")
    try:
        return kind.from_private_key_file(path)
    except (paramiko.SSHException, ValueError, AssertionError, IndexError) as error:
        raise Stop(
            f"the host key {path} cannot be read",
            "Restore it from a backup, or remove it and tell partners the new one",
        ) from error
