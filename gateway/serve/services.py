"""What the application is given: the store, the vault, the configuration in force, clocks and secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from adapters.protocol import Source
    from gateway.configuration import Configuration
    from gateway.receive.landing import Receiver
    from gateway.routing import Routes
    from gateway.serve.limits import Policy
    from gateway.store.database import Database
    from gateway.store.vault import Vault


def _no_secret(reference: str) -> str:
    raise Stop(f"the secret {reference} cannot be had here", "Start the API with gateway serve or gateway up")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the HTTP room uses, handed in by who starts it.

    `new_id` makes a sortable id with a prefix (``req`` → ``req_…``). `wait` pauses for at most so many seconds and may
    come back sooner, when something was committed; nobody waits any more when the server is `ending`. `cursor_secret`
    (32 bytes or more, the same in every process that serves this store) authenticates cursors. `spool` is where large
    uploads lie until their checksum is known; None means the system's folder for temporary files. `routes_of` gives a
    revision that was applied once, ready to work. `ticks` counts seconds from any moment on; `limits`
    None: clients are not limited. `abandon` closes the connections of an address whose request has been coming for so
    many seconds. `secret` gives what a reference such as ``secret:acme/hook`` stands for, as it is at
    that moment; `host_keys` the fingerprints of our SFTP server, as far as they can be seen from here.
    """

    database: Database
    vault: Vault
    receiver: Receiver
    configuration: Callable[[], Configuration]
    sources: Callable[[], Mapping[str, Source]]
    new_id: Callable[[str], str]
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    cursor_secret: bytes
    version: str = "0.1.0"
    spool: Path | None = None
    followers_max: int = 24
    routes_of: Callable[[str], Routes | None] = lambda _revision: None
    ending: Callable[[], bool] = lambda: False
    exports_max: int = 4
    limits: Policy | None = None
    ticks: Callable[[], float] = lambda: 0.0
    hot_lane: bool = True
    secret: Callable[[str], str] = _no_secret
    host_keys: Callable[[], Sequence[str]] = tuple
    abandon: Callable[[str, float], object] = lambda _peer, _seconds: None
