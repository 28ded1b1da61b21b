"""Trading partners as frozen data: who they are in each standard and how they reach us."""

from __future__ import annotations

from dataclasses import dataclass, field

STANDARDS = {"x12": "isa", "edifact": "unb"}
"""Format → the key of `identifiers` that says who somebody is in its envelopes."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a partner may send: `bytes_max` and `files_max` wait at most, a file has at most `file_bytes_max`.

    So many files are begun `per_minute`. None: there is no limit but the disk, and for a file that of all uploads.
    """

    bytes_max: int | None = None
    files_max: int | None = None
    file_bytes_max: int | None = None
    per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A partner's SFTP account: public keys in OpenSSH's one-line form and, if at all, an argon2id password hash.

    With `both`, a key and the password are wanted. `networks` are those from which he logs in; none: all.
    """

    user: str
    keys: tuple[str, ...] = ()
    password_hash: str | None = None
    both: bool = False
    networks: tuple[str, ...] = ()
    quota: Quota = field(default_factory=Quota)


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
    answers: tuple[str, str] | None = None
    """A connection and a folder at the partner's own server, where his files are put; None: in his outbox here."""
    file: str = ""
