"""Tables, and folders at partners' servers: where their reading stands, and how to begin it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from adapters.drift import accepted
from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.store import audit, leases, notes

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.leases import SourceLease


@click.group()
def source() -> None:
    """Look at the tables, and folders at partners' servers, that are read, and begin one again."""


@source.command(name="list")
@workspace_option
def list_sources(workspace: Path) -> None:
    """List the sources that are read: name, position, last problem."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.read() as connection:
            for each in leases.all_sources(connection):
                click.echo("\t".join([each.name, _stands(each), each.problem or ""]))
    finally:
        gateway.close()


def _stands(source: SourceLease) -> str:
    """How far a source was read, in words."""
    if source.position is None:
        return "not read yet"
    if not source.name.startswith("sftp://"):
        return source.position
    seen = json.loads(source.position)
    told = [f"{seen['listed']} {'file' if seen['listed'] == 1 else 'files'} there"]
    if seen["waiting"]:
        told.append(f"{seen['waiting']} still to be taken")
        if seen["oldest"] is not None:
            told[-1] += f", the oldest of {datetime.fromtimestamp(seen['oldest'], UTC):%Y-%m-%dT%H:%M:%SZ}"
    if seen["standing"]:
        told.append(f"{seen['standing']} taken that could not be removed")
    return "; ".join(told)


@source.command()
@click.argument("name")
@who_option
@workspace_option
def reset(name: str, who: str, workspace: Path) -> None:
    """Forget how far the source NAME (table://erp/KUNDEN) was read: it is read from the beginning again.

    Records that did not change get no new version. Of a folder at a partner's server (sftp://acme-server/out) it is
    forgotten which files are still there only because they could not be removed.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.write() as transaction:
            done = leases.forget_position(transaction, name)
            if done:
                audit.write(transaction, "source_reset", f"source {name}", who=who)
    finally:
        gateway.close()
    if not done:
        raise click.ClickException(f"there is no source {name}; gateway source list shows them")
    click.echo(f"{name} is read from the beginning")


@source.command()
@click.argument("name")
@who_option
@workspace_option
def accept(name: str, who: str, workspace: Path) -> None:
    """Take the table NAME (table://erp/KUNDEN) as it is now: its columns, or its values, changed, and that is right."""
    gateway = wiring.open_gateway(workspace)
    try:
        with gateway.database.write() as transaction:
            done = leases.accept_shape(transaction, name)
            if done:
                values = notes.recall(transaction.connection, name, leases.VALUES)
                notes.keep(transaction, name, {} if values is None else {leases.VALUES: accepted(values)})
                audit.write(transaction, "source_accepted", f"source {name}", who=who)
    finally:
        gateway.close()
    if not done:
        raise click.ClickException(f"there is no source {name}; gateway source list shows them")
    click.echo(f"{name} is read as it is now")
