"""The keys of our SFTP server, as fingerprints that a partner's client shows: for cards and checklists."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from gateway.errors import Stop

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("ssh_host_ed25519_key", "ssh_host_rsa_key")


def fingerprints(workspace: Path) -> tuple[str, ...]:
    """Our server's keys as a client shows them, ``ssh-ed25519 SHA256:…``; none where they are not made yet.

    Raises:
        Stop: one of them cannot be read.
    """
    found = []
    for name in _NAMES:
        path = workspace / "data" / "hostkeys" / name
        if not path.exists():
            continue
        try:
            public = load_ssh_private_key(path.read_bytes(), None).public_key()
        except (OSError, ValueError) as error:
            raise Stop(f"the host key {path} cannot be read", "Run this as the user who runs the server") from error
        kind, blob, *_ = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()
        digest = base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")
        found.append(f"{kind.decode()} SHA256:{digest}")
    return tuple(found)
