"""Trading partners as frozen data: who they are in each standard and how they reach us."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """A partner's SFTP account: public keys in OpenSSH's one-line form and, if at all, an argon2id password hash."""

    user: str
    keys: tuple[str, ...] = ()
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """A trading partner. `identifiers` are ``standard → ("ZZ:ACME", …)`` with the standards ``isa`` and ``unb``."""

    name: str
    about: str = ""
    identifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    account: Account | None = None
    contacts: tuple[str, ...] = ()
    """Addresses of e-mail: who is written to there."""
    letters: tuple[str, ...] = ("outbox",)
    """Where letters about refused files go: ``outbox``, ``mail``, both, or nowhere."""
    file: str = ""
