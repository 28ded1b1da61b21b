"""Credentials: API keys that we make, 256 random bits shown once and kept as their SHA-256; secrets that we are given.

A secret never stands in the configuration, only the name under which it is kept: ``secret:erp/password`` is the file
``secrets/erp/password`` of the workspace, which only its owner may read.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
import stat
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.store import audit, keys

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gateway.operate.wiring import Gateway


def user_of_machine() -> str:
    """Who runs this process, for what is kept with who did it; a container's user need not have a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def make_key(
    gateway: Gateway,
    name: str,
    scopes: tuple[str, ...],
    *,
    expires_at: datetime | None = None,
    who: str | None = None,
) -> str:
    """Keep a new API key and return its token; `who` makes it, by default the user of this machine."""
    token = f"gw_{secrets.token_urlsafe(32)}"
    key_id = gateway.ids.new("key")
    with gateway.database.write() as transaction:
        keys.add(
            transaction,
            id=key_id,
            name=name,
            sha256_hex=hashlib.sha256(token.encode()).hexdigest(),
            scopes=scopes,
            expires_at=expires_at,
        )
        audit.write(
            transaction,
            "key_made",
            f"key {key_id}",
            who=who or user_of_machine(),
            name=name,
            scopes=scopes,
            expires_at=expires_at.isoformat() if expires_at else None,
        )
    return token


_REFERENCE = re.compile(r"secret:([\w.-]+(?:/[\w.-]+)*)")


def resolved(text: str, folder: Path) -> str:
    """`text`, or the secret that it refers to in the workspace `folder`.

    Raises:
        Stop: the secret is not there, or others may read it. The message names the file, never what is in it.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return text
    path = folder / "secrets" / match[1]
    if ".." in match[1].split("/"):
        raise Stop(f"{text} leads out of the folder of secrets", "Name it by the words between the slashes alone")
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Stop(f"the secret {path} may be read by others", f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise Stop(f"the secret {text} cannot be read: {error.strerror}", f"Write it into {path}, mode 600") from error
