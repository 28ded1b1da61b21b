"""Calls constructors; that is the framework."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.errors import Stop
from gateway.ingest import Line
from gateway.model import DeliveryState
from gateway.observations import REVISION_APPLIED
from gateway.operate.credentials import resolved, user_of_machine
from gateway.operate.ids import Ids
from gateway.receive.landing import Receiver
from gateway.routing import Routes
from gateway.store import audit, leases, revisions, staging
from gateway.store.bucket import Access
from gateway.store.database import Database
from gateway.store.local import LocalVault
from gateway.store.s3 import S3Vault
from gateway.workspace.loader import load, load_settings, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.configuration import Configuration, Settings
    from gateway.integrations import Changes, Pulling
    from gateway.model import Delivery
    from gateway.store.database import Transaction
    from gateway.store.vault import Vault

_EARLIER_MAX = 8
"""So many earlier revisions are kept ready: a replay as then, and evidence, often want the same ones again."""


_CLOCKS_DIFFER = timedelta(seconds=1)


class InForce:
    """The applied configuration, read again from the store when another revision was applied."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._routes: Routes | None = None
        self._earlier: dict[str, Routes] = {}

    def routes(self) -> Routes:
        """The integrations of the revision in force, ready to work.

        Raises:
            Stop: no revision was ever applied.
        """
        with self._database.read() as connection:
            name = revisions.current_name(connection)
            if self._routes is not None and self._routes.revision == name:
                return self._routes
            stored = revisions.current(connection)
        if stored is None:
            raise Stop("no configuration was applied yet", "Run gateway apply in the workspace.")
        with self._lock:
            if self._routes is None or self._routes.revision != stored[0]:
                self._routes = Routes(parse(stored[1], applied=True))
            return self._routes

    def configuration(self) -> Configuration:
        """The configuration in force."""
        return self.routes().configuration

    def judging(self, delivery: Delivery) -> Routes:
        """The integrations that judge a delivery: those in force, or for a replay as then those of its revision.

        Raises:
            Stop: no revision was ever applied.
        """
        if delivery.replay == "then" and delivery.state is DeliveryState.RECEIVED and delivery.revision is not None:
            return self.of(delivery.revision) or self.routes()
        return self.routes()

    def of(self, revision: str) -> Routes | None:
        """The integrations of a revision that was applied once, ready to work; None where there was none such."""
        if self._routes is not None and self._routes.revision == revision:
            return self._routes
        with self._lock:
            if revision not in self._earlier:
                with self._database.read() as connection:
                    files = revisions.named(connection, revision)
                if files is None:
                    return None
                if len(self._earlier) >= _EARLIER_MAX:
                    self._earlier.pop(next(iter(self._earlier)))
                self._earlier[revision] = Routes(parse(files, applied=True))
            return self._earlier[revision]


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that the roles share: the workspace, the store, the vault, the configuration in force."""

    folder: Path
    settings: Settings
    database: Database
    vault: Vault
    ids: Ids
    in_force: InForce
    receiver: Receiver
    line: Line

    def close(self) -> None:
        """Let go of the store."""
        self.database.close()


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def open_gateway(folder: Path, settings: Settings | None = None) -> Gateway:
    """The gateway of a workspace: its store is brought to the current shape; nothing is applied.

    Raises:
        ConfigurationProblems: the workspace does not load.
        Stop: the store or the vault cannot be used.
    """
    if settings is None:
        settings = load_settings(folder)
    database = Database(_store_url(folder, resolved(settings.store, folder)), clock=utc_now)
    database.migrate()
    ahead = database.ahead()  # machines whose clocks differ must agree when a lease is over
    if abs(ahead) > _CLOCKS_DIFFER:
        database.clock = lambda: utc_now() + ahead
    vault = _vault(folder, settings)
    ids = Ids()
    in_force = InForce(database)
    receiver = Receiver(database, vault, ids.new, in_force.configuration)
    line = Line(database, vault, ids.new, settings.lease_seconds)
    return Gateway(folder, settings, database, vault, ids, in_force, receiver, line)


def apply(
    gateway: Gateway,
    configuration: Configuration,
    *,
    who: str | None = None,
    agree: Callable[[Configuration, frozenset[str]], None] | None = None,
) -> bool:
    """Put a configuration in force, whole or not at all (C1); False when it is the one in force already.

    `agree` is shown the one that it replaces and the ids of the contracts of which there are records, and raises where
    it should not.
    """
    with gateway.database.write() as transaction:
        transaction.alone("apply")
        stored = revisions.current(transaction.connection)
        previous = stored[0] if stored is not None else None
        if previous == configuration.revision:
            return False
        before = None
        if stored is not None:
            before = parse(stored[1], applied=True)
            _keep_marked(before, configuration)
        _apply(transaction, configuration, before)
        if before is not None and agree is not None:  # last: what cannot be at all is told before what should not be
            agree(before, staging.recorded(transaction.connection))
        subject = f"revision {configuration.revision}"
        audit.write(transaction, "applied", subject, who=who or user_of_machine(), previous=previous)
    return True


def _keep_marked(before: Configuration, after: Configuration) -> None:
    """Refuse to take the mark ``pii`` away in place: the values that stand in records would be shown to everybody.

    Raises:
        Stop: with the fields.
    """
    for name, contract in before.contracts.items():
        now = after.contracts.get(name)
        lost = set(contract.personal()) - set(now.personal()) if now is not None else set()
        if lost:
            fields = ", ".join(sorted(".".join(path) for path in lost))
            raise Stop(
                f"{contract.id}: {fields} held personal data, and would be marked as such no more",
                f"Keep the mark, or write {contract.name} v{contract.version + 1}; records of this one stay masked.",
            )


def apply_first(gateway: Gateway) -> str | None:
    """Apply the workspace if nothing is applied yet; the revision's name when that was done now."""
    with gateway.database.read() as connection:
        if revisions.current_name(connection) is not None:
            return None
    configuration = load(gateway.folder)
    return configuration.revision if apply(gateway, configuration) else None


def _apply(transaction: Transaction, configuration: Configuration, before: Configuration | None) -> None:
    for contract in configuration.contracts.values():
        staging.ensure(transaction, contract)
    sources = _looked_at(configuration)
    leases.add_sources(transaction, list(sources))
    if before is not None:  # one that shall be looked at more often does not wait out the old time
        known = _looked_at(before)
        leases.look_now(transaction, [name for name in sources if sources[name] != known.get(name)])
    revisions.apply(transaction, configuration.revision, configuration.files)
    transaction.tell(REVISION_APPLIED(revision=configuration.revision))


def _looked_at(configuration: Configuration) -> dict[str, Changes | Pulling | None]:
    """The tables that are followed, and the folders at partners' servers that are pulled from, and how."""
    flows = configuration.integrations.values()
    tables = {str(each.source): each.changes for each in flows if each.source.scheme == "table"}
    return tables | {each.source.remote_folder: each.pulling for each in flows if each.source.scheme == "sftp"}


def _vault(folder: Path, settings: Settings) -> Vault:
    if not settings.vault.startswith("s3://"):
        return LocalVault(folder / settings.vault)
    keys = (resolved(each, folder) if each else None for each in (settings.s3_access_key, settings.s3_secret_key))
    return S3Vault(settings.vault, Access(settings.s3_endpoint, settings.s3_region, *keys))


def _store_url(folder: Path, store: str) -> str:
    """The store's address; the path of a SQLite file is relative to the workspace."""
    if not store.startswith("sqlite:"):
        return store
    return f"sqlite:{folder / store.removeprefix('sqlite:')}"
