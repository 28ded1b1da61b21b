"""The way out to partners' own servers: one thread for each of them, so that one that is slow holds no other up."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import Retry, Stop
from gateway.operate.exchange.outboxes import Way, elsewhere, send_until
from gateway.operate.exchange.remotes import path_of, remote
from gateway.publish.remote import RemoteFolder
from gateway.store.outgoing import Bag
from sftp.client import connect

if TYPE_CHECKING:
    from gateway.configuration import Configuration
    from gateway.operate.wiring import Gateway
    from sftp.client import Client

_log = logging.getLogger(__name__)
_LOOK_EVERY_SECONDS = 1.0


def push(gateway: Gateway, owner: str, stop: threading.Event) -> None:
    """Put files at the servers of those partners who want them there, until `stop` is set."""
    threads: dict[str, threading.Thread] = {}
    while not stop.is_set():
        try:
            servers = {server for server, _ in elsewhere(gateway.in_force.configuration()).values()}
        except (Retry, Stop) as trouble:
            _log.warning("%s", trouble)
            servers = set()
        for server in servers - threads.keys():
            arguments = (gateway, owner, stop, way_to(server))
            threads[server] = threading.Thread(target=send_until, args=arguments, name=f"pushing {server}")
            threads[server].start()
        stop.wait(_LOOK_EVERY_SECONDS)
    for thread in threads.values():
        thread.join()


def way_to(server: str) -> Way:
    """The way out to the partners whose files are put at that server, a connection of the kind sftp."""

    def bag(configuration: Configuration) -> Bag:
        return Bag([name for name, (where, _) in elsewhere(configuration).items() if where == server])

    return Way(f"server {server}", bag, _folder_of)


def _folder_of(gateway: Gateway, partner: str) -> RemoteFolder:
    """The folder of a partner at his server.

    Raises:
        OSError: there is none any more.
    """
    configuration = gateway.in_force.configuration()
    server, folder = elsewhere(configuration).get(partner, ("", ""))
    if server not in configuration.connections:
        raise OSError(None, f"{partner} has no server any more")
    return RemoteFolder(f"sftp://{server}/{folder}", path_of(folder), partial(_connected, gateway, server))


def _connected(gateway: Gateway, server: str) -> Client:
    """A connection to a server.

    Raises:
        OSError: a secret cannot be read.
        SftpError: it cannot be connected to.
    """
    try:
        where = remote(gateway.folder, gateway.in_force.configuration().connections[server])
    except Stop as trouble:
        raise OSError(None, str(trouble)) from trouble
    return connect(where)
