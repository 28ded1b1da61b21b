"""What a partner's SFTP server is, before its key is pinned and after: its keys, our login, what its folders hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from gateway.observations import so_many
from gateway.operate.exchange.remotes import path_of, remote
from sftp.client import Remote, connect, host_keys
from sftp.errors import Reject, Retry, Stop
from sftp.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.configuration import Configuration, Connection
    from sftp.client import Client, Found, HostKey

_SHOWN_MAX = 10
_HINT = "Ask the partner, over another way, whether one of these is his key; then write it under fingerprints:"


@dataclass(slots=True)
class FolderSeen:
    """A folder of a server: how many entries of which kind, and its newest files."""

    folder: str
    files: int = 0
    folders: int = 0
    newest: list[dict[str, str | int]] = field(default_factory=list)
    problem: str | None = None


@dataclass(slots=True)
class ServerSeen:
    """What was found out about a server."""

    address: str
    keys: list[dict[str, str | bool]] = field(default_factory=list)
    user: str | None = None
    problem: str | None = None
    home: str | None = None
    extensions: list[str] = field(default_factory=list)
    folders: list[FolderSeen] = field(default_factory=list)


def probe_address(address: str) -> ServerSeen:
    """The keys of the server at ``sftp://host:port``; nobody logs in.

    Raises:
        Retry: it cannot be reached.
    """
    parts = urlsplit(address)
    if not parts.hostname:
        raise click.UsageError(f"{address} is no address: write sftp://host:port")
    where = Remote(parts.hostname, parts.port or 22)
    return ServerSeen(str(where), _keys(host_keys(where), ()))


def probe_connection(folder: Path, configuration: Configuration, name: str, asked: Sequence[str]) -> ServerSeen:
    """A connection of the workspace: logged in, and its folders listed, those asked for or those that are declared.

    Raises:
        Retry: it cannot be reached.
    """
    connection = configuration.connections[name]
    where = remote(folder, connection)
    seen = ServerSeen(str(where), _keys(host_keys(where), where.fingerprints), where.user)
    try:
        with connect(where) as client:
            seen.home = client.home()
            seen.extensions = sorted(client.dialogue.extensions)
            named = [path_of(each) if each.startswith("~") else each for each in asked]  # as in sftp://NAME/~/out
            for each in named or _declared(configuration, connection) or [seen.home]:
                seen.folders.append(_folder(client, each))
    except (Retry, Stop) as trouble:
        seen.problem = str(trouble)
    return seen


def tell(seen: ServerSeen, output: str, *, name: str) -> None:
    """Print what was found out; status 1 when something is wrong."""
    if output == "json":
        click.echo(json.dumps(asdict(seen), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(server_lines(seen, name)))
    if seen.problem or any(each.problem for each in seen.folders):
        raise click.exceptions.Exit(1)


def server_lines(seen: ServerSeen, name: str) -> Iterator[str]:
    """For people."""
    yield f"{name}: {seen.address}"
    yield "  its keys"
    width = max((len(str(each["kind"])) for each in seen.keys), default=0)
    for each in seen.keys:
        yield f"    {each['kind']:<{width}}  {each['fingerprint']}{'  pinned' if each['pinned'] else ''}"
    if seen.user is None:
        yield f"  {_HINT}"
        return
    if seen.problem:
        yield f"  {seen.problem}"
        return
    yield f"  {seen.user} is let in, and begins in {shown(str(seen.home))}"
    if seen.extensions:
        yield f"  it can do: {', '.join(seen.extensions)}"
    for folder in seen.folders:
        yield ""
        yield from _folder_lines(folder)


def _folder_lines(folder: FolderSeen) -> Iterator[str]:
    if folder.problem:
        yield f"  {folder.folder}: {folder.problem}"
        return
    yield f"  {folder.folder}: {so_many(folder.files, 'files')}, {so_many(folder.folders, 'folders')}"
    for each in folder.newest:
        yield f"    {each['modified']}  {each['size']:>12,}  {each['name']}"
    if folder.files > len(folder.newest):
        yield f"    and {folder.files - len(folder.newest)} older ones"


def _keys(keys: Sequence[HostKey], pinned: Sequence[str]) -> list[dict[str, str | bool]]:
    return [{"kind": each.kind, "fingerprint": each.fingerprint, "pinned": each.fingerprint in pinned} for each in keys]


def _declared(configuration: Configuration, connection: Connection) -> list[str]:
    """The folders of that server that integrations and partners name, as it names them."""
    found = [
        path_of(each.source.path.rpartition("/")[0])
        for each in configuration.integrations.values()
        if each.source.scheme == "sftp" and each.source.host == connection.name
    ]
    answers = [each.answers for each in configuration.partners.values() if each.answers is not None]
    found += [path_of(folder) for server, folder in answers if server == connection.name]
    return list(dict.fromkeys(found))


def _folder(client: Client, folder: str) -> FolderSeen:
    seen = FolderSeen(shown(folder))
    try:
        listed = client.listing(folder)
    except (Reject, Stop) as refusal:
        seen.problem = refusal.message
        return seen
    files = sorted((each for each in listed if each.is_file), key=lambda each: -each.modified)
    seen.files, seen.folders = len(files), sum(each.is_folder for each in listed)
    seen.newest = [_file(each) for each in files[:_SHOWN_MAX]]
    return seen


def _file(found: Found) -> dict[str, str | int]:
    moment = datetime.fromtimestamp(found.modified, UTC)
    return {"name": shown(found.name), "size": found.size, "modified": f"{moment:%Y-%m-%d %H:%M:%S}"}
