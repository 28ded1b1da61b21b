"""Our SFTP server as a workspace describes it: its settings, and the accounts of the revision in force."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.operate.credentials import resolved
from sftp.auth import Account
from sftp.hostkeys import load_or_create
from sftp.quota import Quota
from sftp.requests import SessionLimits
from sftp.server import Limits, Server
from sftp.wire import COMPATIBLE, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.configuration import Configuration, Settings
    from gateway.operate.wiring import Gateway
    from gateway.partners import Partner
    from sftp.activity import Tell

_log = logging.getLogger(__name__)
_ALGORITHMS = {"modern": MODERN, "compatible": COMPATIBLE}
_FRESH_SECONDS = 1.0
_FILES_MAX = 100_000  # so many wait in an inbox where its partner's file does not say: more are no accident


def partner_server(gateway: Gateway, ring: Callable[[str], None], tell: Tell) -> Server:
    """The server, which does not listen yet. `ring` and `tell` are as in `sftp.server.Server`."""
    settings = gateway.settings
    host, _, port = settings.sftp.rpartition(":")
    return Server(
        (host, int(port)),
        root=gateway.folder / settings.drops,
        accounts=Accounts(gateway),
        hostkeys=load_or_create(gateway.folder / "data" / "hostkeys"),
        ring=ring,
        log=tell,
        limits=limits(settings),
        algorithms=_ALGORITHMS[settings.sftp_algorithms],
    )


def limits(settings: Settings) -> Limits:
    """What the server bears, as gateway.yaml says."""
    return Limits(
        connections=settings.sftp_connections_max,
        partner_connections=settings.sftp_partner_connections_max,
        handshakes=settings.sftp_handshakes_max,
        sessions=settings.sftp_sessions_max,
        grace_seconds=settings.sftp_grace_seconds,
        total_seconds=settings.sftp_total_seconds,
        free_bytes_min=settings.sftp_free_bytes_min,
        session=SessionLimits(handles=settings.sftp_handles_max, idle_seconds=settings.sftp_idle_seconds),
    )


class Accounts:
    """The accounts of the revision in force, by user. A revision, and secrets that it refers to, count in a second."""

    def __init__(self, gateway: Gateway, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._accounts: Mapping[str, Account] = {}
        self._until = float("-inf")

    def __call__(self) -> Mapping[str, Account]:
        """The accounts; while the store does not answer, those that were known before."""
        with self._lock:
            now = self._monotonic()
            if now >= self._until:
                try:
                    self._accounts = self._read(self._gateway.in_force.configuration())
                except (Retry, Stop) as trouble:
                    _log.warning("%s", trouble)
                self._until = now + _FRESH_SECONDS
            return self._accounts

    def _read(self, configuration: Configuration) -> Mapping[str, Account]:
        accounts = [self._account(partner, configuration.settings) for partner in configuration.partners.values()]
        return {account.user: account for account in accounts if account is not None}

    def _account(self, partner: Partner, settings: Settings) -> Account | None:
        given = partner.account
        if given is None:
            return None
        kept, quota = given.password_hash, given.quota
        return Account(
            given.user,
            partner.name,
            given.keys,
            self._resolved(partner.name, kept) if kept is not None else None,
            both=given.both,
            networks=given.networks,
            quota=Quota(
                bytes=quota.bytes_max,
                files=quota.files_max or _FILES_MAX,
                file=quota.file_bytes_max or settings.upload_bytes_max,
                per_minute=quota.per_minute,
            ),
        )

    def _resolved(self, partner: str, kept: str) -> str | None:
        """The hash that a reference names; one that names nothing closes this password, and no other account."""
        try:
            return resolved(kept, self._gateway.folder)
        except Stop as missing:
            _log.warning("the password of %s opens nothing: %s", partner, missing)
            return None
