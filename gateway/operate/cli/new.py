"""A first contract and integration for a table: ``gateway new erp/KUNDEN``."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.connections import joined, parsed
from gateway.errors import Stop
from gateway.operate.poller import open_source
from gateway.workspace import sketch, starter
from gateway.workspace.loader import load
from gateway.workspace.problems import ConfigurationProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    Nothing that is there is overwritten.
    """
    connection, _, table = place.partition("/")
    if not table or sketch.word(connection) != connection:
        raise click.UsageError(f"{place!r} is not CONNECTION/TABLE: write erp/KUNDEN, the connection in lower case")
    if not (workspace / "gateway.yaml").exists():
        _tell(starter.write_bare(workspace))
    if url is not None:
        _tell(_connect(workspace, connection, url))
    configuration = load(workspace)
    if connection not in configuration.connections:
        known = ", ".join(sorted(configuration.connections)) or "none"
        raise Stop(f"there is no connection {connection!r} in connections.yaml; there is {known}", "Give its --url.")
    with closing(open_source(workspace, configuration.connections[connection])) as source:
        schema = source.schema(table)
    columns = key or schema.key
    if not columns:
        raise Stop(f"the table {table} has no primary key", "Name what identifies a row: --key KDNR")
    unknown = [each for each in columns if each not in {column.name for column in schema.columns}]
    if unknown:
        raise Stop(f"the table {table} has no column {unknown[0]!r}", "Write it as the database does.")
    files = sketch.sketched(
        schema, connection=connection, name=name or sketch.word(table), key=tuple(columns), changes=changes
    )
    files |= _owner(workspace)
    written = _written(workspace, files)
    try:
        load(workspace)
    except ConfigurationProblems:  # they do not fit to what is there, such as a second way for the same table
        for path in written:
            path.unlink()
        raise
    _tell(written)
    click.echo("Next: look the two files over, then: gateway up")


def _connect(workspace: Path, name: str, url: str) -> list[Path]:
    """Add a connection to connections.yaml; its password goes into a file of its own."""
    path = workspace / "connections.yaml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if re.search(rf"^{re.escape(name)}:", text, re.MULTILINE):
        raise Stop(f"connections.yaml has a connection {name!r} already", "Leave --url out, or choose another name.")
    pairs = parsed(url)
    login = {_LOGIN[part.lower()]: value for part, value in pairs.items() if part.lower() in _LOGIN}
    rest = {part: value for part, value in pairs.items() if part.lower() not in _LOGIN}
    lines = [f"{name}:", "  kind: odbc", f"  url: {_quoted(joined(rest))}"]
    written = [path]
    if "user" in login:
        lines.append(f"  user: {_quoted(login['user'])}")
    if "password" in login:
        secret = workspace / "secrets" / name / "password"
        secret.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret.touch(mode=0o600)
        secret.write_text(login["password"], encoding="utf-8")
        lines.append(f"  password: secret:{name}/password")
        written.append(secret)
    before = text if not text or text.endswith("\n") else text + "\n"
    path.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")
    return written


def _owner(workspace: Path) -> Mapping[str, str]:
    """The team that owns what is written, where no file names teams."""
    return (
        {}
        if (workspace / "teams.yaml").exists()
        else {"teams.yaml": f"{sketch.OWNER}:\n  about: Who looks after data\n"}
    )


def _written(workspace: Path, files: Mapping[str, str]) -> list[Path]:
    taken = [name for name in files if (workspace / name).exists()]
    if taken:
        raise Stop(f"{', '.join(taken)} is there already", "Choose another --name, or move the file away.")
    paths = []
    for name, text in files.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _tell(paths: list[Path]) -> None:
    for path in paths:
        click.echo(f"wrote {path}")


def _quoted(text: str) -> str:
    """A value as YAML takes it, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
