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
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.store import audit, keys, links

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gateway.operate.wiring import Gateway
    from gateway.store.database import Transaction

NAME_CHARACTERS_MAX = 100


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
    partners: tuple[str, ...] | None = None,
) -> str:
    """Keep a new API key and return its token; `who` makes it, by default the user of this machine.

    `partners` are the only ones whose data it sees; None: everybody's.

    Raises:
        Stop: it is no name of a key; two keys of that name are live.
    """
    _check_name(name)
    with gateway.database.write() as transaction:
        if len(_live(transaction, name)) >= keys.LIVE_MAX:
            raise Stop(
                f"{name} has {keys.LIVE_MAX} live keys already",
                "gateway key list shows them; revoke the one that nobody uses, with gateway key revoke.",
            )
        return _kept(gateway, transaction, name, scopes, partners, expires_at, who)


def rotate_key(
    gateway: Gateway, name: str, *, old_ends_at: datetime, expires_at: datetime | None = None, who: str | None = None
) -> str:
    """Keep a new key for who has one, with the same rights, and return its token; the old one ends at that moment.

    Raises:
        Stop: no key of that name is live, or two are.
    """
    with gateway.database.write() as transaction:
        live = _live(transaction, name)
        if len(live) != 1:
            raise Stop(
                f"{name} has {len(live) or 'no'} live keys, and one is changed for another",
                "gateway key list shows them; make one with gateway key add, or revoke one with gateway key revoke.",
            )
        (old,) = live
        keys.end(transaction, old.id, old_ends_at)
        audit.write(
            transaction, "key_ending", f"key {old.id}", who=who or user_of_machine(), expires_at=old_ends_at.isoformat()
        )
        return _kept(gateway, transaction, name, old.scopes, old.partners, expires_at, who)


def _check_name(name: str) -> None:
    """Refuse a name that is not one's own: limits and Idempotency-Keys are counted by it.

    A colon stands in the names of others: ``issuer:subject`` of a token, ``hook:integration`` of a hook. A client's id
    that is sent by HTTP Basic cannot hold one either (RFC 7617, 2).
    """
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable() or ":" in name:
        shown = repr(name if len(name) <= NAME_CHARACTERS_MAX else f"{name[:NAME_CHARACTERS_MAX]}…")
        raise Stop(
            f"{shown} is no name of a key",
            f"Give it 1 to {NAME_CHARACTERS_MAX} characters without control characters and colons, such as erp-orders.",
        )


def _live(transaction: Transaction, name: str) -> list[keys.Key]:
    """The live keys of a client; nobody else makes one until this transaction ends."""
    transaction.alone(f"keys of {name}")
    return [each for each in keys.of_client(transaction.connection, name) if each.live(transaction.now)]


def _kept(
    gateway: Gateway,
    transaction: Transaction,
    name: str,
    scopes: tuple[str, ...],
    partners: tuple[str, ...] | None,
    expires_at: datetime | None,
    who: str | None,
) -> str:
    token, key_id = f"gw_{secrets.token_urlsafe(32)}", gateway.ids.new("key")
    keys.add(
        transaction,
        id=key_id,
        name=name,
        sha256_hex=hashlib.sha256(token.encode()).hexdigest(),
        scopes=scopes,
        expires_at=expires_at,
        partners=partners,
    )
    audit.write(
        transaction,
        "key_made",
        f"key {key_id}",
        who=who or user_of_machine(),
        name=name,
        scopes=scopes,
        partners=partners,
        expires_at=expires_at.isoformat() if expires_at else None,
    )
    return token


def make_link(gateway: Gateway, partner: str, days: int, who: str) -> str:
    """Keep a new link to the page on which a partner tries files, good for so many days; its token."""
    token, link_id = secrets.token_urlsafe(32), gateway.ids.new("link")
    with gateway.database.write() as transaction:
        expires_at = transaction.now + timedelta(days=days)
        sha256_hex = hashlib.sha256(token.encode()).hexdigest()
        links.add(transaction, id=link_id, partner=partner, sha256_hex=sha256_hex, expires_at=expires_at)
        until = expires_at.isoformat()
        audit.write(transaction, "link_made", f"link {link_id}", who=who, partner=partner, expires_at=until)
    return token


def revoke_links(gateway: Gateway, partner: str, who: str) -> list[str]:
    """End all links of a partner at once; the ids of those that counted."""
    with gateway.database.write() as transaction:
        ended = links.revoke(transaction, partner)
        for each in ended:
            audit.write(transaction, "link_revoked", f"link {each}", who=who, partner=partner)
    return ended


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
