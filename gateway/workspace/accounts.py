"""``sftp:`` of a partner's file: who logs in, by what, from where, and how much he may send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.partners import Account, Quota
from gateway.workspace.problems import did_you_mean
from gateway.workspace.values import scalar

if TYPE_CHECKING:
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Section

EITHER, BOTH = LOGINS = ("key or password", "key and password")
ALGORITHMS = ("modern", "compatible")
QUOTA = {"bytes": "bytes_max", "files": "files_max", "file": "file_bytes_max", "per_minute": "per_minute"}
"""Key of a quota → its field, whose name carries the unit."""


def read_login(node: Node) -> str | None:
    """By what one logs in."""
    return _one_of(node, LOGINS, "is no way to log in")


def read_algorithms(node: Node) -> str | None:
    """Which clients can speak with the SFTP server."""
    return _one_of(node, ALGORITHMS, "is no list of algorithms")


def _one_of(node: Node, words: tuple[str, ...], otherwise: str) -> str | None:
    text = scalar(node)
    if text and text.value not in words:
        text.refuse(f"{text.value!r} {otherwise}", did_you_mean(text.value, words, "there are"))
        return None
    return text.value if text else None


def read_account(section: Section) -> Account | None:
    """The account; None when nobody could log in to it."""
    keys, password_hash = section.get("keys", ()), section.get("password_hash")
    both = section.get("login") == BOTH
    if both and not (keys and password_hash is not None):
        lacks = "password_hash" if keys else "keys"
        section.refuse("login", f"key and password are wanted, and there is no {lacks}:", f"add {lacks}:")
        return None
    quota: Section | None = section.get("quota")
    return Account(
        section.get("user"),
        keys,
        password_hash,
        both=both,
        networks=section.get("from", ()),
        quota=Quota(**{QUOTA[name]: value for name, value in quota.values.items()}) if quota else Quota(),
    )
