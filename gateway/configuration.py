"""The whole configuration as one frozen value: what a revision is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.contracts import Contract
    from gateway.integrations import Integration
    from gateway.partners import Partner


@dataclass(frozen=True, slots=True)
class Query:
    """A hand-written SELECT of a connection; `key` names its columns that are unique together, if any are."""

    name: str
    sql: str
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """A named system. `options` are the rest of its lines in connections.yaml; secrets are still references."""

    name: str
    kind: str
    url: str
    options: tuple[tuple[str, str], ...] = ()
    queries: tuple[Query, ...] = ()
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Table → the columns that are unique together, where its catalogue knows no primary key."""

    def address(self, folder: str) -> str:
        """The URL in a workspace, whose folder stands where ``{workspace}`` was written."""
        return placed(self.url, folder)


def placed(url: str, folder: str) -> str:
    """A connection's URL, with a workspace's folder where ``{workspace}`` was written."""
    return url.replace("{workspace}", folder)


@dataclass(frozen=True, slots=True)
class Issuer:
    """An OIDC issuer whose tokens (RFC 9068, RFC 7519) are taken, and what their claims allow.

    `jwks` is where its keys are; None: where its discovery document says. `scopes` and `partners` are names of claims,
    ``realm_access.roles`` for one within another; without `partners` its callers see everybody's data. `grants` are
    what a value of the claim of scopes allows here; without them values that are scopes count as they are.
    """

    name: str
    issuer: str
    audience: tuple[str, ...]
    jwks: str | None = None
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    scopes: str = "scope"
    partners: str | None = None
    grants: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateClient:
    """A client that is known by what the proxy says of its certificate: exactly this text."""

    name: str
    certificate: str
    scopes: tuple[str, ...]
    partners: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who may tell us about clients' certificates: the proxies at `addresses` (networks), in the header `header`."""

    addresses: tuple[str, ...]
    header: str
    clients: tuple[CertificateClient, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """``access:`` of gateway.yaml: who may use the API besides those who have keys, and how long a token is good."""

    token_seconds: float = 600.0
    issuers: tuple[Issuer, ...] = ()
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """``mail:`` of gateway.yaml: the server that takes letters. `security` is ``starttls``, ``tls`` or ``none``."""

    host: str
    port: int
    security: str
    sender: str
    user: str | None = None
    password: str | None = None
    """A reference."""


@dataclass(frozen=True, slots=True)
class Settings:
    """gateway.yaml: where things are kept and who listens where. Relative paths are relative to the workspace."""

    store: str = "sqlite:data/gateway.db"
    vault: str = "data/vault"
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    """How the bucket of a vault ``s3://…`` is reached; the two keys may still be references."""
    http: str = "127.0.0.1:8080"
    sftp: str = "127.0.0.1:2222"
    http_public: str | None = None
    sftp_public: str | None = None
    """Where partners find the two, if that is elsewhere: an address with https://, and a host with its port."""
    sftp_algorithms: str = "modern"
    sftp_connections_max: int = 500
    sftp_partner_connections_max: int = 100
    sftp_handshakes_max: int = 100
    sftp_sessions_max: int = 4
    sftp_handles_max: int = 64
    sftp_grace_seconds: float = 120.0
    sftp_idle_seconds: float = 900.0
    sftp_total_seconds: float = 86_400.0
    sftp_free_bytes_min: int = 256 * 1024 * 1024
    drops: str = "data/sftp"
    settle_seconds: float = 2.0
    partial_after_seconds: float = 900.0
    tries: int = 5
    lease_seconds: float = 60.0
    judging_seconds_max: float = 60.0
    memory_bytes_max: int = 2 * 1024 * 1024 * 1024
    field_bytes_max: int = 16 * 1024 * 1024
    upload_bytes_max: int = 1024 * 1024 * 1024
    hook_bytes_max: int = 25 * 1024 * 1024
    keep: str | None = None
    """How long raw files and held documents are kept where no integration says it: ``90d``; None: for ever."""
    archive_bytes_max: int = 4 * 1024 * 1024 * 1024
    archive_ratio_max: int = 200
    archive_members_max: int = 10_000
    requests_per_minute: int = 60_000
    """So many requests of one client one process answers in a minute; the next are told to wait."""
    exports_max: int = 4
    hot_lane: bool = True
    access: Access = Access()
    identifiers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Who we are, as a partner's are written; no interchange for another receiver is taken of a standard in it."""
    contact: tuple[str, ...] = ()
    """Whom partners write to or call, a line each."""
    mail: Mail | None = None
    late_after_seconds: float = 900.0
    """After how long it is told that an answer to a partner is not sent yet."""


FOLLOWED = frozenset(
    {
        *("settle_seconds", "partial_after_seconds", "field_bytes_max", "upload_bytes_max", "hook_bytes_max", "keep"),
        *("archive_bytes_max", "archive_ratio_max", "archive_members_max", "access"),
        *("identifiers", "contact", "mail", "late_after_seconds", "http_public", "sftp_public"),
    }
)
"""Settings that hold as soon as they are applied; the roles read all others when they start."""


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One table of codes/*.csv: from a partner's code to ours.

    `codes` are ours, the values that a ``code`` field may hold; `mapping` translates, and is the identity where the
    file has one column only.
    """

    name: str
    mapping: Mapping[str, str]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that a workspace says, checked, under the revision that names it (a hash of the files' content)."""

    revision: str
    settings: Settings = Settings()
    connections: Mapping[str, Connection] = field(default_factory=dict)
    teams: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    partners: Mapping[str, Partner] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    """By contract id, ``order.v1``."""
    codes: Mapping[str, CodeTable] = field(default_factory=dict)
    integrations: Mapping[str, Integration] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Relative path → text: the revision as it is stored, whole."""

    def contract_of(self, integration: Integration) -> Contract:
        """The contract that an integration fills."""
        return self.contracts[f"{integration.contract}.v{integration.contract_version}"]
