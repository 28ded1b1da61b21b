"""A first contract and integration for a table: ``gateway new erp/KUNDEN``."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.connections import joined, parsed
from adapters.odbc import OdbcSource
from adapters.scan import ScanSource, only_scanned
from gateway.configuration import placed
from gateway.errors import Stop
from gateway.operate.tables.sources import open_source
from gateway.workspace import sketch, starter
from gateway.workspace.loader import load
from gateway.workspace.problems import ConfigurationProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.model import Table
    from gateway.configuration import Connection

_HOW_OFTEN = "diff every 1m"
_LOGIN = {"uid": "user", "user": "user", "pwd": "password", "password": "password"}


@click.command()
@click.option("--from", "place", metavar="CONNECTION/TABLE", required=True, help="The table.")
@click.option("--url", help="The ODBC connection string of a connection that connections.yaml does not have yet.")
@click.option("--name", help="What its records are called; by default the table's own name.")
@click.option("--key", "key", multiple=True, help="A column that identifies a row; by default the primary key.")
@click.option("--changes", default=_HOW_OFTEN, show_default=True, help="How changes are followed.")
@click.option(
    "-w",
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="The workspace's folder; what it lacks is written.",
)
def new(place: str, url: str | None, name: str | None, key: tuple[str, ...], changes: str, workspace: Path) -> None:
    """Write a contract and an integration for a table of a legacy database, from what its catalogue says.

    With --url the connection is written, too; a password goes into a file below secrets/ that only its owner may read.
    The database is asked first: where it cannot be reached, or has no such table, nothing is written. Nothing that is
    there is overwritten, but a password, where that is wanted.
    """
    connection, _, table = place.partition("/")
    if not table or sketch.word(connection) != connection:
        raise click.UsageError(f"{place!r} is not CONNECTION/TABLE: write erp/KUNDEN, the connection in lower case")
    files: dict[Path, str] = {}
    if url is not None:
        files = _connection(workspace, connection, url)
        text = placed(url, str(workspace))
        source: OdbcSource | ScanSource = ScanSource(text) if only_scanned(text) else OdbcSource(text)
    else:
        source = open_source(workspace, _declared(workspace, connection))
    with closing(source):
        schema = source.schema(table)
    columns = _key(schema, key)
    sketched = sketch.sketched(
        schema, connection=connection, name=name or sketch.word(table), key=columns, changes=changes
    )
    taken = [each for each in sketched if (workspace / each).exists()]
    if taken:
        raise Stop(f"{', '.join(taken)} is there already", "Choose another --name, or move the file away.")
    if not (workspace / "gateway.yaml").exists():
        files[workspace / "gateway.yaml"] = starter.settings()
    files |= {workspace / each: text for each, text in {**sketched, **_owner(workspace)}.items()}
    for path in _written(workspace, files):
        click.echo(f"wrote {path}")
    click.echo("Next: look the contract and the integration over, then: gateway up")


def _declared(workspace: Path, name: str) -> Connection:
    """A connection of the workspace.

    Raises:
        Stop: there is none of that name.
    """
    if not (workspace / "gateway.yaml").exists():
        raise Stop(f"{workspace} is no workspace, and nothing says where {name!r} is", "Give its --url.")
    connections = load(workspace).connections
    if name not in connections:
        known = ", ".join(sorted(connections)) or "none"
        raise Stop(f"there is no connection {name!r} in connections.yaml; there is {known}", "Give its --url.")
    return connections[name]


def _key(table: Table, named: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that identify a row.

    Raises:
        Stop: nobody says which, or the table has none of that name.
    """
    columns = named or table.key
    if not columns:
        raise Stop(
            f"the table {table.name} has no primary key",
            "Name what identifies a row: --key KDNR; gateway profile finds columns that are unique",
        )
    unknown = [each for each in columns if each not in {column.name for column in table.columns}]
    if unknown:
        raise Stop(f"the table {table.name} has no column {unknown[0]!r}", "Write it as the database does.")
    return columns


def _connection(workspace: Path, name: str, url: str) -> dict[Path, str]:
    """The files of a new connection: it itself at the end of connections.yaml, its password in a file of its own."""
    path = workspace / "connections.yaml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if re.search(rf"^{re.escape(name)}:", text, re.MULTILINE):
        raise Stop(f"connections.yaml has a connection {name!r} already", "Leave --url out, or choose another name.")
    pairs = parsed(url)
    login = {_LOGIN[part.lower()]: value for part, value in pairs.items() if part.lower() in _LOGIN}
    rest = {part: value for part, value in pairs.items() if part.lower() not in _LOGIN}
    lines = [f"{name}:", "  kind: odbc", f"  url: {_quoted(joined(rest))}"]
    files = {}
    if "user" in login:
        lines.append(f"  user: {_quoted(login['user'])}")
    if "password" in login:
        files[workspace / "secrets" / name / "password"] = login["password"]
        lines.append(f"  password: secret:{name}/password")
    before = text if not text or text.endswith("\n") else text + "\n"
    return {path: before + "\n".join(lines) + "\n", **files}


def _owner(workspace: Path) -> Mapping[str, str]:
    """The team that owns what is written, where no file names teams."""
    return (
        {}
        if (workspace / "teams.yaml").exists()
        else {"teams.yaml": f"{sketch.OWNER}:\n  about: Who looks after data\n"}
    )


def _written(workspace: Path, files: Mapping[Path, str]) -> list[Path]:
    """Write them, or none of them where they do not fit to what is there, as a second way for the same table would."""
    secrets = workspace / "secrets"
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    for path, text in files.items():
        if secrets in path.parents and before[path] not in (None, text.encode()):
            click.confirm(f"{path} holds another password already. Overwrite it?", abort=True)
    try:
        for path, text in files.items():
            secret = secrets in path.parents
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if secret else 0o777)
            path.touch(mode=0o600 if secret else 0o666)
            if before[path] != text.encode():
                path.write_text(text, encoding="utf-8")
        load(workspace)
    except (ConfigurationProblems, OSError):
        for path, content in before.items():
            if content is not None:
                path.write_bytes(content)
            else:
                path.unlink(missing_ok=True)
        raise
    return [path for path, text in files.items() if before[path] != text.encode()]


def _quoted(text: str) -> str:
    """A value as YAML takes it, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
