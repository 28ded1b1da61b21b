"""gateway.yaml, connections.yaml, teams.yaml and partners/*.yaml: what is known by name, and the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.configuration import Connection, Settings
from gateway.partners import Partner
from gateway.workspace.access import read_access
from gateway.workspace.accounts import read_account
from gateway.workspace.letters import read_mail
from gateway.workspace.nodes import Mapping
from gateway.workspace.queries import read_queries
from gateway.workspace.remotes import OF_SFTP, check_connection
from gateway.workspace.sections import read_section
from gateway.workspace.tables import CONNECTION, TEAM
from gateway.workspace.values import read_columns, read_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.configuration import Query
    from gateway.workspace.nodes import Node
    from gateway.workspace.sections import Key, Section

SETTINGS = {
    "store": "store",
    "vault": "vault",
    "http": "http",
    "sftp": "sftp",
    "http_public": "http_public",
    "sftp_public": "sftp_public",
    "sftp_algorithms": "sftp_algorithms",
    "sftp_connections": "sftp_connections_max",
    "sftp_partner_connections": "sftp_partner_connections_max",
    "sftp_handshakes": "sftp_handshakes_max",
    "sftp_sessions": "sftp_sessions_max",
    "sftp_handles": "sftp_handles_max",
    "sftp_grace": "sftp_grace_seconds",
    "sftp_idle": "sftp_idle_seconds",
    "sftp_total": "sftp_total_seconds",
    "sftp_free": "sftp_free_bytes_min",
    "drops": "drops",
    "settle": "settle_seconds",
    "partial_after": "partial_after_seconds",
    "tries": "tries",
    "lease": "lease_seconds",
    "judging_max": "judging_seconds_max",
    "memory_max": "memory_bytes_max",
    "field_max": "field_bytes_max",
    "upload_max": "upload_bytes_max",
    "hook_max": "hook_bytes_max",
    "keep": "keep",
    "archive_max": "archive_bytes_max",
    "archive_ratio": "archive_ratio_max",
    "archive_members": "archive_members_max",
    "requests_per_minute": "requests_per_minute",
    "exports": "exports_max",
    "hot_lane": "hot_lane",
    "contact": "contact",
    "late_after": "late_after_seconds",
}
"""Key of gateway.yaml → field of the settings, whose name carries the unit."""

OPTIONS = {
    "dialect": "dialect",
    "user": "user",
    "password": "password",
    "accept_writable_login": "accept_writable_login",
    "timeout": "timeout_seconds",
    "connect_timeout": "connect_timeout_seconds",
    "connections": "connections",
    "waiting": "waiting",
    "wait": "wait_seconds",
    "rows_max": "rows_max",
    "bytes_max": "bytes_max",
    "statements_per_minute": "statements_per_minute",
    "rows_per_minute": "rows_per_minute",
    "failures_max": "failures_max",
    "rest": "rest_seconds",
    "windows": "windows",
    "cache": "cache_seconds",
    "attempt_writes": "attempt_writes",
    "replication": "replication",
    "slot_max": "slot_bytes_max",
    "slot_drop": "slot_drop",
}
"""Key of a connection → its option, whose name carries the unit."""

KINDS = ("odbc", "sftp")
KINDS_LATER = ("postgres", "mariadb", "sqlserver", "kafka", "http", "secrets")


def read_settings(section: Section) -> Settings:
    """The settings; what gateway.yaml leaves out has its default."""
    values = {SETTINGS[name]: value for name, value in section.values.items() if name in SETTINGS}
    bucket: Section | None = section.get("s3")
    if bucket is not None:
        values |= {f"s3_{name}": value for name, value in bucket.values.items()}
        if not str(section.get("vault", "")).startswith("s3://"):
            section.refuse("s3", "s3: says how a bucket is reached, and the vault is none", "write vault: s3://bucket")
    identifiers: Section | None = section.get("identifiers")
    values |= {"identifiers": tuple(identifiers.values.items())} if identifiers is not None else {}
    access: Section | None = section.get("access")
    values |= {"access": read_access(access)} if access is not None and access.whole else {}
    mail: Section | None = section.get("mail")
    values |= {"mail": read_mail(mail)} if mail is not None and mail.whole else {}
    return Settings(**values)


def read_connections(root: Mapping) -> dict[str, Connection | None]:
    """Connections by name; None stands for one that is there and wrong."""
    connections: dict[str, Connection | None] = {}
    for name, section in _named(root, CONNECTION, "a connection"):
        kind = section.get("kind")
        if kind is not None and kind not in KINDS:
            later = "is not yet available in this version" if kind in KINDS_LATER else "is not a kind of connection"
            section.refuse("kind", f"{kind!r} {later}", f"write {', '.join(KINDS)}")
        check_connection(section)
        names = OF_SFTP if kind == "sftp" else OPTIONS
        options = tuple((names[key], _option(value)) for key, value in section.values.items() if key in names)
        queries = read_queries(section)
        keys = _keys(section, queries or ())
        whole = section.whole and queries is not None
        connections[name] = Connection(name, kind, section.get("url"), options, queries or (), keys) if whole else None
    return connections


def _option(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _keys(section: Section, queries: tuple[Query, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The keys of tables whose catalogue knows none."""
    mapping: Mapping | None = section.get("keys")
    found: list[tuple[str, tuple[str, ...]]] = []
    for head, node in mapping.entries if mapping else ():
        columns = read_columns(node)
        if head.value in {each.name for each in queries}:
            head.refuse(f"{head.value!r} is a query", "write its key: under its own name, beside select:")
            columns = None
        if columns is None:
            section.whole = False
        else:
            found.append((head.value, columns))
    return tuple(found)


def read_teams(root: Mapping) -> dict[str, dict[str, str]]:
    """Teams by name."""
    return {name: section.values for name, section in _named(root, TEAM, "a team")}


def read_partner(section: Section) -> Partner | None:
    """The partner that a file describes; None when something in it is wrong."""
    account = None
    sftp: Section | None = section.get("sftp")
    if sftp and sftp.whole:
        account = read_account(sftp)
        section.whole = section.whole and account is not None
        if account and not account.keys and account.password_hash is None:
            section.mapping.key("sftp").refuse(
                "nobody can log in to this account", "add the partner's public key under keys:, or a password_hash"
            )
            section.whole = False
    if not section.whole:
        return None
    identifiers: Section | None = section.get("identifiers")
    return Partner(
        name=section.get("partner"),
        about=section.get("about", ""),
        identifiers=tuple(identifiers.values.items()) if identifiers else (),
        account=account,
        contacts=section.get("contacts", ()),
        letters=section.get("letters", ("outbox",)),
        answers=section.get("answers"),
        file=section.mapping.file.path,
    )


def _named(root: Mapping, keys: tuple[Key, ...], what: str) -> Iterator[tuple[str, Section]]:
    """The sections that stand under names."""
    for key, node in root.entries:
        name = read_name(key)
        if name is None:
            continue
        mapping = _mapping(node, key.value, what)
        if mapping:
            yield name, read_section(mapping, keys, f"{what} such as {name!r}")


def _mapping(node: Node, name: str, what: str) -> Mapping | None:
    if isinstance(node, Mapping) and node.entries:
        return node
    node.refuse(f"{what} is described by keys, but nothing of the kind stands under {name!r}", "add lines below it")
    return None
