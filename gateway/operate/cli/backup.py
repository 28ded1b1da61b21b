"""A second copy of everything, and back: backup, restore."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.observations import so_many
from gateway.operate import wiring
from gateway.operate.cli.options import who_option, workspace_option
from gateway.repair import restore as back
from gateway.repair.backup import take

_INTO = click.Path(file_okay=False, path_type=Path)
_FROM = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_INTO)
@who_option
@workspace_option
def backup(folder: Path, who: str, workspace: Path) -> None:
    """Copy the store and the vault into FOLDER, while everything runs; the next time only what is new of the vault.

    It is what stands in the store at one moment, and every raw file that the store names then. Secrets, host keys and
    what partners have dropped but nobody took in yet are not in it. Status 1 when a raw file is missing or damaged.
    """
    gateway = wiring.open_gateway(workspace)
    try:
        taken = take(gateway.database, gateway.vault, folder, id=gateway.ids.new("b"), who=who)
    finally:
        gateway.close()
    manifest = taken.manifest
    rows = sum(part.rows for part in manifest.tables)
    click.echo(
        f"{manifest.id} of {manifest.taken_at}: {so_many(rows, 'rows')}; "
        f"{so_many(manifest.content.rows, 'raw files')}, new of those: {taken.files:,} ({taken.size:,} bytes)"
    )
    click.echo(f"audit {manifest.audit}")
    for why in manifest.missing.values():
        click.echo(f"not in the backup: {why}", err=True)
    if manifest.missing:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("folder", type=_FROM)
@click.option("--check", is_flag=True, help="Only read the backup, and say whether all of it is whole.")
@click.option(
    "--workspace",
    "-w",
    type=_INTO,
    default=".",
    envvar="GATEWAY_WORKSPACE",
    help="Where to (default: the current folder, or $GATEWAY_WORKSPACE); it is made.",
)
@who_option
def restore(folder: Path, check: bool, workspace: Path, who: str) -> None:
    """Restore the backup in FOLDER into an empty store and vault.

    Where the workspace has no gateway.yaml, its files are written as they were applied last. Else gateway.yaml says
    where store and vault are: a backup of SQLite can be restored into PostgreSQL, and the other way round.
    """
    manifest = back.checked(folder)
    if check:
        files = back.check_content(folder, manifest)
        click.echo(f"{manifest.id} of {manifest.taken_at} is whole, with {files:,} raw files")
        return
    if not (workspace / "gateway.yaml").exists():
        _write_files(workspace, back.files_in_force(folder, manifest))
    gateway = wiring.open_gateway(workspace)
    try:
        files = back.restore(gateway.database, gateway.vault, folder, manifest, who=who)
    finally:
        gateway.close()
    rows = sum(part.rows for part in manifest.tables)
    click.echo(f"restored {manifest.id} of {manifest.taken_at}: {so_many(rows, 'rows')}, {so_many(files, 'raw files')}")
    for sha256 in manifest.missing:
        click.echo(f"the backup never had the raw file {sha256}", err=True)


def _write_files(workspace: Path, files: dict[str, str] | None) -> None:
    """The workspace as it was applied last; a file that is there is never overwritten."""
    if files is None:
        raise click.ClickException(f"write {workspace / 'gateway.yaml'} first: no configuration is in this backup")
    there = [name for name in files if (workspace / name).exists()]
    if there:
        raise click.ClickException(
            f"{workspace / there[0]} is there already, but no gateway.yaml; restore into an empty folder"
        )
    for name, text in files.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {so_many(len(files), 'files')} of the workspace into {workspace}")
