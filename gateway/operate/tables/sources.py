"""The sources of a workspace's connections: databases, with their queries, and files that can only be scanned."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from adapters.governor import nobody
from adapters.odbc import NO_KEYS, OdbcSource
from adapters.queries import NamedQuery
from adapters.scan import ScanSource, only_scanned
from gateway.errors import Retry, Stop
from gateway.observations import SOURCE_ANSWERS, SOURCE_LEFT_ALONE
from gateway.operate.credentials import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adapters.governor import Told
    from adapters.pacing import State
    from gateway.configuration import Configuration, Connection
    from gateway.operate.wiring import Gateway

_log = logging.getLogger(__name__)


def open_source(
    folder: Path, connection: Connection, told: Told = nobody, keys: Mapping[str, tuple[str, ...]] = NO_KEYS
) -> OdbcSource | ScanSource:
    """A reader for a connection of a workspace: ``{workspace}`` in its URL is the folder, its login is put in here.

    `told` hears when its circuit breaker opens or closes. `keys` are those that integrations name, by table.

    Raises:
        Stop: the secret that the login refers to cannot be read.
    """
    options = dict(connection.options)
    url = connection.address(str(folder))
    login: dict[str, str] = {}
    for attribute, name in (("UID", "user"), ("PWD", "password")):
        if name in options:
            login[name] = resolved(options.pop(name), folder)
            url += f";{attribute}={{{login[name].replace('}', '}}')}}}"
    if "replication" in options:
        options["replication"] = _with_login(resolved(options["replication"], folder), login)
    if only_scanned(url):
        return ScanSource(url, options=options, told=told)
    queries = {each.name: NamedQuery(each.sql, each.key) for each in connection.queries}
    return OdbcSource(url, options=options, queries=queries, keys={**keys, **dict(connection.keys)}, told=told)


def _with_login(address: str, login: Mapping[str, str]) -> str:
    """An address ``postgresql://host/database`` with the connection's own login, unless it names another."""
    scheme, _, place = address.partition("://")
    if "@" in place or "user" not in login:
        return address
    parts = ":".join(quote(login[name], safe="") for name in ("user", "password") if name in login)
    return f"{scheme}://{parts}@{place}"


def sources(gateway: Gateway, configuration: Configuration) -> Mapping[str, OdbcSource | ScanSource]:
    """A reader for each connection that is a database, by name."""
    keys: dict[str, dict[str, tuple[str, ...]]] = {}
    for flow in configuration.integrations.values():
        if flow.source.scheme == "table":
            keys.setdefault(flow.source.host, {})[flow.source.path] = flow.key
    return {
        name: open_source(gateway.folder, each, resting(gateway, name, "the API"), keys.get(name, NO_KEYS))
        for name, each in configuration.connections.items()
        if each.kind == "odbc"
    }


def resting(gateway: Gateway, name: str, who: str) -> Told:
    """What has the activity tell that a connection is left alone by `who`, and that it answers again."""

    def told(state: State, failures: int, reason: str) -> None:
        line = SOURCE_LEFT_ALONE if state == "open" else SOURCE_ANSWERS
        try:
            with gateway.database.write() as transaction:
                transaction.tell(line(connection=name, who=who, failures=failures, reason=" ".join(reason.split())))
        except (Retry, Stop) as trouble:  # the log has it, and whoever asked the source is not held up by the store
            _log.warning("it cannot be told that %s is %s: %s", name, state, trouble)

    return told


class Kept:
    """The source of a connection, kept open from look to look until the connection is declared otherwise."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._open: tuple[Connection, OdbcSource | ScanSource] | None = None

    def of(self, connection: Connection) -> OdbcSource | ScanSource:
        """The source, opened now if it is not."""
        if self._open is None or self._open[0] != connection:
            self.close()
            told = resting(self._gateway, connection.name, "the reading of changes")
            self._open = (connection, open_source(self._gateway.folder, connection, told))
        return self._open[1]

    def close(self) -> None:
        """Let go of the database."""
        if self._open is not None:
            self._open[1].close()
            self._open = None
